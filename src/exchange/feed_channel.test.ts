// The bytes of every layout, by hand; windows, blocked sockets, answers.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { DatagramSocket } from '../net/transport.ts';
import { FeedChannel } from './feed_channel.ts';

/** A socket that keeps what is sent, or has no room. */
class KeepingSocket implements DatagramSocket {
  readonly host = '127.0.0.1';
  readonly port = 1;
  readonly senderHost = '';
  readonly senderPort = 0;
  readonly dropped = 0;
  readonly truncated = 0;
  readonly refused = 0;
  readonly datagrams: Buffer[] = [];
  blocked = false;

  receive(): number {
    return 0;
  }

  send(source: Uint8Array, offset: number, length: number): boolean {
    if (this.blocked) return false;
    this.datagrams.push(Buffer.from(source.subarray(offset, offset + length)));
    return true;
  }

  sendTo(): boolean {
    return false;
  }

  close(): void {}
}

const NONE = 0xffff_ffff;

/** An add: order 2^32 + 5 of ticker 3, BUY 7 @ 100.01, priority 9. */
function add(channel: FeedChannel): void {
  channel.append(1, 3, 5, 1, 1, 10_001, 0, 7, 9, 0);
}

/** A trade: aggressor SELL 2 @ −1 unit. */
function trade(channel: FeedChannel): void {
  channel.append(4, 3, NONE, NONE, -1, NONE, NONE, 2, NONE, NONE);
}

const ADD =
  '03000000' + '0500000001000000' + '01' + '1127000000000000' + '07000000' + '0900000000000000';
const TRADE =
  '03000000' + 'ffffffffffffffff' + 'ff' + 'ffffffffffffffff' + '02000000' + 'ffffffffffffffff';

test('native: a MoldUDP64 header, then 34-byte updates with their lengths', () => {
  const socket = new KeepingSocket();
  const channel = new FeedChannel('native', socket, 64);
  channel.begin('OUTCRY0001', 1);
  add(channel);
  trade(channel);
  assert.equal(socket.datagrams.length, 0, 'a batch leaves together');
  assert.equal(channel.flush(), 1);
  assert.equal(
    socket.datagrams[0].toString('hex'),
    Buffer.from('OUTCRY0001').toString('hex') +
      '0000000000000001' +
      '0002' +
      '0022' +
      '01' +
      ADD +
      '0022' +
      '04' +
      TRADE,
  );
  assert.ok(channel.heartbeat());
  assert.equal(
    socket.datagrams[1].toString('hex'),
    Buffer.from('OUTCRY0001').toString('hex') + '0000000000000003' + '0000',
  );
  assert.ok(channel.end());
  assert.equal(socket.datagrams[2].readUInt16BE(18), 0xffff);
});

test('book: 42 bytes, the sequence first, the order before the ticker, type numbers of its own', () => {
  const socket = new KeepingSocket();
  const channel = new FeedChannel('book', socket, 64);
  channel.begin('', 1);
  add(channel);
  trade(channel);
  channel.flush();
  const update = (sequence: string, type: string, fields: string): string =>
    sequence + type + fields.slice(8, 24) + fields.slice(0, 8) + fields.slice(24);
  assert.equal(
    socket.datagrams[0].toString('hex'),
    update('0100000000000000', '02', ADD) + update('0200000000000000', '05', TRADE),
  );
  assert.equal(channel.has(9), false, 'the layout has no states');
  assert.equal(channel.heartbeat(), false, 'nor heartbeats');
});

test('bare: one 34-byte update a datagram', () => {
  const socket = new KeepingSocket();
  const channel = new FeedChannel('bare', socket, 64);
  channel.begin('', 1);
  add(channel);
  trade(channel);
  channel.flush();
  assert.deepEqual(
    socket.datagrams.map((datagram) => datagram.toString('hex')),
    ['01' + ADD, '04' + TRADE],
  );
});

for (const layout of ['native', 'book', 'bare'] as const) {
  test(`${layout}: datagrams hold whole messages and stay below the MTU`, () => {
    const socket = new KeepingSocket();
    const channel = new FeedChannel(layout, socket, 256);
    channel.begin('X', 1);
    for (let i = 0; i < 1_000; i++) add(channel);
    channel.flush();
    const header = layout === 'native' ? 20 : 0;
    const record = { native: 36, book: 42, bare: 34 }[layout];
    let messages = 0;
    for (const datagram of socket.datagrams) {
      assert.ok(datagram.length <= 1_472);
      assert.equal((datagram.length - header) % record, 0);
      messages += (datagram.length - header) / record;
    }
    assert.equal(messages, 1_000);
    assert.equal(channel.lost, 0);
  });
}

test('what the socket has no room for waits, and is given up and counted only a whole window later', () => {
  const socket = new KeepingSocket();
  const channel = new FeedChannel('native', socket, 128);
  channel.begin('X', 1);
  socket.blocked = true;
  for (let i = 0; i < 128; i++) add(channel);
  assert.equal(channel.flush(), 0);
  assert.equal(channel.lost, 0);
  socket.blocked = false;
  channel.flush();
  assert.equal(
    socket.datagrams.reduce((sum, datagram) => sum + datagram.readUInt16BE(18), 0),
    128,
  );
  socket.blocked = true;
  for (let i = 0; i < 129; i++) add(channel);
  assert.equal(channel.lost, 40, 'one datagram of messages');
  socket.blocked = false;
  socket.datagrams.length = 0;
  channel.flush();
  assert.equal(socket.datagrams[0].readBigUInt64BE(10), 169n);
});

test('answers: what is kept and sent, as many as fit; nothing older, nothing to come', () => {
  const socket = new KeepingSocket();
  const channel = new FeedChannel('native', socket, 128);
  channel.begin('X', 1);
  for (let i = 0; i < 300; i++) channel.append(1, 3, i + 1, 0, 1, 1, 0, 1, 1, 0);
  const before = socket.datagrams.length;
  assert.equal(channel.writeAnswer(172, 1), 0, 'older than the window');
  assert.equal(channel.writeAnswer(281, 1), 0, 'waiting to be sent');
  channel.flush();
  assert.equal(channel.writeAnswer(301, 1), 0, 'not yet there');
  for (const [sequence, asked, answered] of [
    [173, 5, 5],
    [250, 1_000, 40],
    [299, 7, 2],
  ] as const) {
    const bytes = channel.writeAnswer(sequence, asked);
    assert.equal(bytes, 20 + answered * 36);
    const answer = Buffer.from(channel.bytes.subarray(channel.answerAt, channel.answerAt + bytes));
    assert.equal(answer.readBigUInt64BE(10), BigInt(sequence));
    assert.equal(answer.readUInt16BE(18), answered);
    for (let i = 0; i < answered; i++)
      assert.equal(answer.readBigUInt64LE(20 + i * 36 + 2 + 5), BigInt(sequence + i));
  }
  assert.equal(socket.datagrams.length, before + 1, 'answers are not sent to everybody');
});

/** A socket that cuts up what it is given; keeps how much came in one call. */
class CuttingSocket extends KeepingSocket {
  readonly calls: number[] = [];

  sendSegments(source: Uint8Array, offset: number, length: number, segmentBytes: number): boolean {
    if (this.blocked) return false;
    this.calls.push(length / segmentBytes);
    for (let at = 0; at < length; at += segmentBytes) this.send(source, offset + at, Math.min(segmentBytes, length - at));
    return true;
  }
}

for (const layout of ['native', 'book', 'bare'] as const) {
  test(`${layout}: a socket that cuts gets the same datagrams in fewer calls`, () => {
    const plain = new KeepingSocket();
    const cutting = new CuttingSocket();
    for (const socket of [plain, cutting]) {
      const channel = new FeedChannel(layout, socket, 1_024);
      channel.begin('OUTCRY0001', 1);
      // Less than a datagram, some, many, and a time without room.
      for (const messages of [3, 150, 900, 40, 41]) {
        for (let i = 0; i < messages; i += 1) if (i % 3 === 0) trade(channel); else add(channel);
        channel.flush();
      }
      socket.blocked = true;
      for (let i = 0; i < 200; i += 1) add(channel);
      assert.equal(channel.flush(), 0);
      socket.blocked = false;
      channel.flush();
      assert.equal(channel.sent, channel.next);
      assert.equal(channel.lost, 0);
      assert.equal(channel.datagrams, socket.datagrams.length);
    }
    assert.deepEqual(cutting.datagrams, plain.datagrams);
    assert.ok(cutting.calls.length > 0 && Math.max(...cutting.calls) === 16, cutting.calls.join());
    assert.ok(cutting.calls.every((datagrams) => datagrams >= 2 && datagrams <= 16));
  });
}
