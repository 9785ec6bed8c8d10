// Random bytes, and valid streams with a few bytes changed, through every decoder in random pieces.
// Each must say what a simple parser says that sees the whole stream at once; nothing may throw or
// reach outside. By hand: node bin/node26.mjs src/wire/framing/framing.fuzz.ts [rounds] [first
// seed]
import assert from 'node:assert/strict';
import { fileURLToPath } from 'node:url';
import { Prng } from '../../base/prng.ts';
import { Frame, FrameFault, Framing } from './frame.ts';
import type { Direction } from './frame.ts';
import { createFrameDecoder } from './framing.ts';
import { MoldDatagram, MoldReader, MoldRequest } from './mold_udp64.ts';
import { ReceiveBuffer } from './receive_buffer.ts';
import { SOUP_PACKET_BYTES_MAX, SoupLogin } from './soup.ts';

const FRAMINGS = [Framing.Bare, Framing.Sequenced, Framing.Soup] as const;
const FROM_CLIENT = 'LURO+';
const FROM_EXCHANGE = 'AJSUHZ+';

/** What came out of a stream: one line a frame, and the fault at its end. */
interface Outcome {
  readonly lines: string[];
  fault: FrameFault;
}

// ── the simple parser ────────────────────────────────────────────────────────────────────────

function requestSize(type: number): number {
  if (type < 1 || type > 5) return 0;
  return type === 3 ? 54 : 30;
}

function responseSize(type: number): number {
  return type >= 1 && type <= 7 ? 42 : 0;
}

function parse(framing: Framing, direction: Direction, stream: Uint8Array): Outcome {
  if (framing === Framing.Soup) return parseSoup(direction, stream);
  const outcome: Outcome = { lines: [], fault: FrameFault.None };
  const header = framing === Framing.Sequenced ? 8 : 0;
  let rest = Buffer.from(stream);
  for (let sequence = 1n; ; sequence++) {
    if (header > 0) {
      if (rest.length < header) return outcome;
      if (rest.readBigUInt64LE(0) !== sequence) return { ...outcome, fault: FrameFault.Sequence };
    }
    if (rest.length === header) return outcome;
    const size = direction === 'requests' ? requestSize(rest[header]) : responseSize(rest[header]);
    if (size === 0) return { ...outcome, fault: FrameFault.MessageType };
    if (rest.length < header + size) return outcome;
    outcome.lines.push(line(Frame.Message, rest.subarray(header, header + size)));
    rest = rest.subarray(header + size);
  }
}

function parseSoup(direction: Direction, stream: Uint8Array): Outcome {
  const outcome: Outcome = { lines: [], fault: FrameFault.None };
  const types = direction === 'requests' ? FROM_CLIENT : FROM_EXCHANGE;
  const fixed: Readonly<Record<string, readonly number[]>> = {
    L: [47, 52],
    R: [1],
    O: [1],
    A: [31],
    J: [2],
    H: [1],
    Z: [1],
  };
  let rest = Buffer.from(stream);
  while (rest.length >= 2) {
    const length = rest.readUInt16BE(0);
    if (length === 0) return { ...outcome, fault: FrameFault.PacketLength };
    if (length + 2 > SOUP_PACKET_BYTES_MAX) return { ...outcome, fault: FrameFault.PacketTooLong };
    if (rest.length < 3) return outcome;
    const type = String.fromCharCode(rest[2]);
    if (!types.includes(type)) return { ...outcome, fault: FrameFault.PacketType };
    if (type in fixed && !fixed[type].includes(length))
      return { ...outcome, fault: FrameFault.PacketLength };
    if (rest.length < length + 2) return outcome;
    outcome.lines.push(line(soupFrame(direction, type), rest.subarray(3, length + 2)));
    rest = rest.subarray(length + 2);
  }
  return outcome;
}

function soupFrame(direction: Direction, type: string): Frame {
  if (type === 'U') return direction === 'requests' ? Frame.Message : Frame.Unsequenced;
  const frames: Readonly<Record<string, Frame>> = {
    L: Frame.Login,
    A: Frame.LoginAccepted,
    J: Frame.LoginRejected,
    S: Frame.Message,
    R: Frame.Heartbeat,
    H: Frame.Heartbeat,
    Z: Frame.EndOfSession,
    O: Frame.Logout,
    '+': Frame.Debug,
  };
  return frames[type];
}

function line(frame: Frame, payload: Uint8Array): string {
  return `${frame} ${Buffer.from(payload).toString('hex')}`;
}

// ── the decoders, piece by piece ─────────────────────────────────────────────────────────────

function decode(framing: Framing, direction: Direction, stream: Uint8Array, prng: Prng): Outcome {
  const decoder = createFrameDecoder(framing, direction);
  const outcome: Outcome = { lines: [], fault: FrameFault.None };
  const bytesMax = decoder.frameBytesMax + prng.below(100);
  const buffer = new ReceiveBuffer(1 + prng.below(bytesMax), bytesMax);
  const login = new SoupLogin();
  const pieceMax = 1 + prng.below(200);
  for (let given = 0; given < stream.length;) {
    const room = buffer.room();
    assert.ok(room > 0, 'there is room whenever a frame is not complete');
    const piece = Math.min(room, stream.length - given, 1 + prng.below(pieceMax));
    buffer.bytes.set(stream.subarray(given, given + piece), buffer.end);
    buffer.received(piece);
    given += piece;
    // A gateway takes at most so many frames a turn and comes back to the rest later.
    let turns = prng.below(4) === 0 ? prng.below(3) : Infinity;
    if (given === stream.length) turns = Infinity;
    while (turns-- > 0) {
      const before = buffer.start;
      const frame = decoder.next(buffer);
      assert.ok(buffer.start <= buffer.end);
      if (frame <= 0) {
        assert.equal(buffer.start, before, 'what is not a frame stays');
        if (frame === Frame.Incomplete) break;
        assert.equal(decoder.next(buffer), Frame.Fault, 'a fault is final');
        outcome.fault = decoder.fault;
        return outcome;
      }
      assert.ok(
        decoder.offset >= before && decoder.offset + decoder.length === buffer.start,
        'the frame lies in what was taken',
      );
      outcome.lines.push(line(frame, buffer.bytes.subarray(decoder.offset, buffer.start)));
      if (frame === Frame.Login) login.readRequest(buffer.view, decoder.offset, decoder.length);
      if (frame === Frame.LoginAccepted) login.readAccepted(buffer.view, decoder.offset);
    }
    if (buffer.pending === bytesMax) {
      // Full of frames not yet taken: a gateway goes on taking before it receives.
      while (decoder.next(buffer) > 0)
        outcome.lines.push(
          line(
            soupOrMessage(decoder.framing, buffer, decoder.offset, direction),
            buffer.bytes.subarray(decoder.offset, decoder.offset + decoder.length),
          ),
        );
      if (decoder.fault !== FrameFault.None) {
        outcome.fault = decoder.fault;
        return outcome;
      }
    }
  }
  return outcome;
}

/** The frame's kind once more, from the type byte before its payload. */
function soupOrMessage(
  framing: Framing,
  buffer: ReceiveBuffer,
  offset: number,
  direction: Direction,
): Frame {
  if (framing !== Framing.Soup) return Frame.Message;
  return soupFrame(direction, String.fromCharCode(buffer.bytes[offset - 1]));
}

// ── streams ──────────────────────────────────────────────────────────────────────────────────

function randomBytes(prng: Prng, length: number): Uint8Array<ArrayBuffer> {
  return Uint8Array.from({ length }, () => prng.u32() & 0xff);
}

function validStream(framing: Framing, direction: Direction, prng: Prng): Uint8Array {
  const parts: Buffer[] = [];
  for (let sequence = 1, count = prng.below(12); sequence <= count; sequence++) {
    if (framing === Framing.Soup) {
      parts.push(soupPacket(direction, prng));
      continue;
    }
    const type = 1 + prng.below(direction === 'requests' ? 5 : 7);
    const size = direction === 'requests' ? requestSize(type) : responseSize(type);
    const header = Buffer.alloc(framing === Framing.Sequenced ? 8 : 0);
    if (header.length > 0) header.writeBigUInt64LE(BigInt(sequence));
    const message = Buffer.from(randomBytes(prng, size));
    message[0] = type;
    parts.push(header, message);
  }
  return Uint8Array.from(Buffer.concat(parts));
}

function soupPacket(direction: Direction, prng: Prng): Buffer {
  const types = direction === 'requests' ? FROM_CLIENT : FROM_EXCHANGE;
  const type = types[prng.below(types.length)];
  const payload: Readonly<Record<string, number>> = {
    L: prng.below(2) === 0 ? 46 : 51,
    A: 30,
    J: 1,
    R: 0,
    O: 0,
    H: 0,
    Z: 0,
  };
  const size = payload[type] ?? prng.below(90);
  const packet = Buffer.from(randomBytes(prng, 3 + size));
  packet.writeUInt16BE(1 + size);
  packet.write(type, 2, 'latin1');
  return packet;
}

/** Some bytes changed, removed or put in. */
function mutate(stream: Uint8Array, prng: Prng): Uint8Array<ArrayBuffer> {
  const bytes = [...stream];
  for (let changes = prng.below(4); changes > 0 && bytes.length > 0; changes--) {
    const at = prng.below(bytes.length);
    switch (prng.below(4)) {
      case 0:
        bytes[at] ^= 1 << prng.below(8);
        break;
      case 1:
        bytes[at] = prng.u32() & 0xff;
        break;
      case 2:
        bytes.splice(at, 1 + prng.below(9));
        break;
      default:
        bytes.splice(at, 0, ...randomBytes(prng, 1 + prng.below(9)));
    }
  }
  return Uint8Array.from(bytes);
}

// ── datagrams ────────────────────────────────────────────────────────────────────────────────

function randomDatagram(prng: Prng): Uint8Array {
  const blocks: Buffer[] = [];
  const count = prng.below(6);
  for (let i = 0; i < count; i++) {
    const block = Buffer.from(randomBytes(prng, 2 + prng.below(50)));
    block.writeUInt16BE(block.length - 2);
    blocks.push(block);
  }
  const header = Buffer.from(randomBytes(prng, 20));
  header[10] = 0;
  header[11] &= 0x1f;
  header.writeUInt16BE(prng.below(20) === 0 ? 0xffff : count, 18);
  return Uint8Array.from(Buffer.concat([header, ...blocks]));
}

/** The messages, or null for bytes that are no datagram. */
function parseDatagram(bytes: Uint8Array): string[] | null {
  const buffer = Buffer.from(bytes);
  if (buffer.length < 20 || buffer.readBigUInt64BE(10) >= 2n ** 53n) return null;
  const count = buffer.readUInt16BE(18);
  const messages: string[] = [];
  let rest = buffer.subarray(20);
  for (let i = 0; i < (count === 0xffff ? 0 : count); i++) {
    if (rest.length < 2 || rest.length < 2 + rest.readUInt16BE(0)) return null;
    messages.push(rest.subarray(2, 2 + rest.readUInt16BE(0)).toString('hex'));
    rest = rest.subarray(2 + rest.readUInt16BE(0));
  }
  return rest.length === 0 ? messages : null;
}

/** The reader says of any bytes what the simple parser says. */
export function checkDatagram(bytes: Uint8Array<ArrayBuffer>): void {
  const expected = parseDatagram(bytes);
  const view = new DataView(bytes.buffer, 0, bytes.length);
  const reader = new MoldReader();
  const kind = reader.open(view, 0, bytes.length);
  const messages: string[] = [];
  while (reader.next())
    messages.push(
      Buffer.from(bytes.subarray(reader.offset, reader.offset + reader.length)).toString('hex'),
    );
  assert.equal(kind === MoldDatagram.Malformed, expected === null, 'malformed');
  assert.deepEqual(messages, expected ?? []);
  if (expected !== null) assert.equal(BigInt(reader.sequence), view.getBigUint64(10));
  const isRequest = new MoldRequest().read(view, 0, bytes.length);
  if (isRequest) assert.equal(bytes.length, 20);
}

/** The decoder, given the bytes in pieces, says what the simple parser says. */
export function checkStream(
  framing: Framing, direction: Direction, stream: Uint8Array, prng: Prng,
): void {
  assert.deepEqual(decode(framing, direction, stream, prng), parse(framing, direction, stream));
}

/** One stream and one datagram of this seed. */
export function fuzzFraming(seed: number): void {
  const prng = new Prng(seed);
  const framing = FRAMINGS[prng.below(FRAMINGS.length)];
  const direction = prng.below(2) === 0 ? 'requests' : 'responses';
  try {
    const valid = validStream(framing, direction, prng);
    const stream = prng.below(8) === 0 ? randomBytes(prng, prng.below(300)) : mutate(valid, prng);
    checkStream(framing, direction, stream, prng);
    const any = prng.below(5) === 0;
    checkDatagram(any ? randomBytes(prng, prng.below(80)) : mutate(randomDatagram(prng), prng));
  } catch (error) {
    throw new Error(
      `framing fuzz failed: node bin/node26.mjs src/wire/framing/framing.fuzz.ts 1 ${seed} (${framing} ${direction})`,
      { cause: error },
    );
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const rounds = Number(process.argv[2] ?? 100_000);
  const first = Number(process.argv[3] ?? 1);
  for (let seed = first; seed < first + rounds; seed++) fuzzFraming(seed);
  console.log(`${rounds} streams and datagrams, no difference`);
}
