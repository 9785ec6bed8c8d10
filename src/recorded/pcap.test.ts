// Captures of a MoldUDP64 feed: written here packet by packet in every form, and by tshark's own judgement.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { requireTool } from '../../test/requirements.ts';
import { ItchReader } from './itch.ts';
import { ItchBooks } from './itch_books.ts';
import { dayOf } from './itch_tape.reference.ts';
import { formatOfBytes } from './recording_format.ts';
import { isPcap, MoldCapture, type MoldCounts } from './pcap.ts';

const PORT = 26_400;
const folder = mkdtempSync(join(tmpdir(), 'outcry-pcap-'));
after(() => rmSync(folder, { recursive: true }));

interface Form {
  readonly little?: boolean;
  readonly nanoseconds?: boolean;
  readonly link?: number;
  readonly vlans?: number;
}

function pcap(packets: readonly Buffer[], { little = true, nanoseconds = false, link = 1 }: Form = {}): Buffer {
  const u32 = (value: number): Buffer => {
    const bytes = Buffer.alloc(4);
    if (little) bytes.writeUInt32LE(value);
    else bytes.writeUInt32BE(value);
    return bytes;
  };
  const header = Buffer.concat([
    u32(nanoseconds ? 0xa1b2_3c4d : 0xa1b2_c3d4), little ? Buffer.of(2, 0, 4, 0) : Buffer.of(0, 2, 0, 4), u32(0), u32(0), u32(262_144), u32(link),
  ]);
  return Buffer.concat([header, ...packets.flatMap((bytes, at) => [u32(1_700_000_000 + at), u32(0), u32(bytes.length), u32(bytes.length), bytes])]);
}

/** A datagram in IPv4 in what the link has in front. */
function packet(payload: Buffer, { link = 1, vlans = 0 }: Form = {}, protocol = 17): Buffer {
  const udp = Buffer.alloc(8);
  udp.writeUInt16BE(PORT, 0);
  udp.writeUInt16BE(PORT, 2);
  udp.writeUInt16BE(8 + payload.length, 4);
  const ip = Buffer.alloc(20);
  ip[0] = 0x45;
  ip.writeUInt16BE(28 + payload.length, 2);
  ip[8] = 16;
  ip[9] = protocol;
  ip.set([10, 0, 0, 1, 239, 255, 0, 1], 12);
  const tags = Buffer.concat(Array.from({ length: vlans }, () => Buffer.of(0x81, 0, 0, 5)));
  const front = link === 1 ? Buffer.concat([Buffer.alloc(12), tags, Buffer.of(8, 0)]) : link === 113 ? Buffer.alloc(16) : Buffer.alloc(0);
  const trailer = Buffer.alloc(link === 1 ? 3 : 0); // short frames are filled up
  return Buffer.concat([front, ip, udp, payload, trailer]);
}

function mold(sequence: number, blocks: readonly Buffer[], session = 'SESSION001', count = blocks.length): Buffer {
  const header = Buffer.alloc(20);
  header.write(session, 'latin1');
  header.writeBigUInt64BE(BigInt(sequence), 10);
  header.writeUInt16BE(count, 18);
  return Buffer.concat([header, ...blocks.map((block) => {
    const length = Buffer.alloc(2);
    length.writeUInt16BE(block.length);
    return Buffer.concat([length, block]);
  })]);
}

function capture(bytes: Uint8Array, pieceBytes = bytes.length): { readonly heard: string[]; readonly counts: MoldCounts } {
  const heard: string[] = [];
  const reader = new MoldCapture('test', (blocks) => {
    const view = Buffer.from(blocks);
    for (let at = 0; at < view.length; at += 2 + view.readUInt16BE(at)) heard.push(view.subarray(at + 2, at + 2 + view.readUInt16BE(at)).toString());
  });
  for (let at = 0; at < bytes.length; at += pieceBytes) reader.push(bytes.subarray(at, at + pieceBytes));
  reader.finish();
  return { heard, counts: reader.counts };
}

const words = (...texts: string[]): Buffer[] => texts.map((text) => Buffer.from(text));

test('every form of file and link, cut anywhere', () => {
  const forms: readonly Form[] = [
    {}, { little: false }, { nanoseconds: true }, { little: false, nanoseconds: true, vlans: 1 }, { vlans: 2 }, { link: 101 }, { link: 113 },
  ];
  for (const form of forms) {
    const bytes = pcap([packet(mold(1, words('one', 'two')), form), packet(mold(3, words('three')), form)], form);
    assert.ok(isPcap(bytes));
    assert.equal(formatOfBytes(bytes), 'pcap');
    for (const piece of [bytes.length, 1, 7]) assert.deepEqual(capture(bytes, piece).heard, ['one', 'two', 'three'], JSON.stringify(form));
  }
});

test('each message once, in order; what came again and what never came is counted', () => {
  const { heard, counts } = capture(pcap([
    packet(mold(5, words('e', 'f'))), packet(mold(5, words('e', 'f'))), packet(mold(6, words('f', 'g'))), packet(mold(8, [])),
    packet(mold(10, words('j'))), packet(mold(8, words('h'))), packet(mold(11, [], 'SESSION001', 0xffff)), packet(mold(1, words('new'), 'SESSION002')),
    packet(Buffer.from('no feed')), packet(mold(12, words('x')), {}, 6), packet(mold(12, words('x')).subarray(0, 22)), Buffer.alloc(9),
  ]));
  assert.deepEqual(heard, ['e', 'f', 'g', 'j', 'new']);
  assert.deepEqual(counts, { packets: 12, others: 4, datagrams: 8, messages: 5, repeated: 4, missing: 2 });
});

// Of two sessions by turns (two feeds in one capture) each began anew with every datagram: its repetitions were taken for messages.
test('sessions by turns: each has its own order', () => {
  const { heard, counts } = capture(pcap([
    packet(mold(1, words('a1'), 'A')), packet(mold(7, words('b7'), 'B')), packet(mold(1, words('a1', 'a2'), 'A')), packet(mold(9, words('b9'), 'B')),
    packet(mold(3, [], 'A', 0xffff)),
  ]));
  assert.deepEqual(heard, ['a1', 'b7', 'a2', 'b9']);
  assert.deepEqual(counts, { packets: 5, others: 0, datagrams: 5, messages: 4, repeated: 1, missing: 1 });
});

test('a file that ends within a packet, another link, a packet that cannot be: said', () => {
  const bytes = pcap([packet(mold(1, words('one')))]);
  assert.throws(() => capture(bytes.subarray(0, bytes.length - 1)), /expected a whole packet, was the end after/);
  assert.throws(() => capture(pcap([], { link: 147 })), /expected link type 1, 12, 101, 113, 276, was 147/);
  const long = Buffer.from(bytes);
  long.writeUInt32LE(0x7fff_ffff, 24 + 8);
  assert.throws(() => capture(long), /expected a packet of at most 262144 bytes, was 2147483647/);
});

/** A day of an engine as ITCH, several messages a datagram, every tenth sent twice. */
function capturedDay(seed: number): { readonly bytes: Buffer; readonly blocks: readonly Buffer[]; readonly engine: ReturnType<typeof dayOf>['engine'] } {
  const { tape, engine } = dayOf(seed);
  const { messages } = tape;
  const packets: Buffer[] = [];
  for (let at = 0; at < messages.length; at += 9) {
    const one = packet(mold(at + 1, messages.slice(at, at + 9)));
    packets.push(one, ...(at % 10 === 0 ? [one] : []));
  }
  return { bytes: pcap(packets), blocks: messages, engine };
}

test('ITCH of a captured feed: the book rebuilt is that of the engine', () => {
  const { bytes, engine, blocks } = capturedDay(11);
  const books = new ItchBooks({ ordersMax: 10_000, symbols: ['X'] });
  const reader = new ItchReader((view, at) => void books.onMessage(view, at));
  const day = new MoldCapture('test', (each) => reader.push(each));
  day.push(bytes);
  day.finish();
  reader.finish();
  assert.deepEqual([day.counts.messages, day.counts.missing, reader.messages], [blocks.length, 0, blocks.length]);
  const rebuilt = books.books.view.depth(0, 1_000);
  const wanted = engine.depth(0, 1_000);
  for (const side of ['bids', 'asks'] as const) {
    assert.ok(wanted[side].length > 5);
    assert.deepEqual(rebuilt[side].map(({ price, qty, orders }) => [price / 100, qty, orders]), wanted[side].map(({ price, qty, orders }) => [price, qty, orders]));
  }
});

test('tshark sees the same feed in the file', (t) => {
  const tshark = requireTool(t, 'tshark');
  if (tshark === null) return;
  const path = join(folder, 'day.pcap');
  const { bytes } = capturedDay(12);
  writeFileSync(path, bytes);
  const { stdout, stderr } = spawnSync(tshark, ['-r', path, '-d', `udp.port==${PORT},moldudp64`, '-T', 'fields', '-e', 'moldudp64.sequence', '-e', 'moldudp64.count'], { encoding: 'utf8' });
  const rows = stdout.trim().split('\n');
  const day = new MoldCapture(path, () => {});
  day.push(bytes);
  assert.equal(rows.length, day.counts.datagrams, stderr);
  const messages = rows.reduce((sum, row) => sum + Number(row.split('\t')[1].split(',')[0]), 0);
  assert.equal(messages, day.counts.messages + day.counts.repeated);
});
