// Numbering, growth, resuming, short sends.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Prng } from '../../base/prng.ts';
import { CLOSED, type StreamConnection } from '../../net/transport.ts';
import { createFrameWriter } from '../../wire/framing/framing.ts';
import { LOG_BYTES_FREE, LogMemory } from './log_memory.ts';
import { BROKEN, FULL, OutboundLog } from './outbound_log.ts';

/** Takes at most `room` bytes a call. */
class ShortConnection implements StreamConnection {
  readonly id = 1;
  tag = -1;
  readonly peer = 'test';
  open = true;
  readonly readable = false;
  received = Buffer.alloc(0);
  room = Infinity;

  receive(): number {
    return 0;
  }

  send(source: Uint8Array, offset: number, length: number): number {
    if (!this.open) return CLOSED;
    const taken = Math.min(length, this.room);
    this.received = Buffer.concat([this.received, source.subarray(offset, offset + taken)]);
    return taken;
  }

  close(): void {
    this.open = false;
  }
}

/** Message n: 42 bytes of its number. */
function write(log: OutboundLog): number {
  const number = log.next;
  const at = log.claim();
  if (at === FULL) return FULL;
  for (let i = 0; i < 42; i++) log.view.setUint8(at + i, number & 0xff);
  return number;
}

function soupBytes(first: number, last: number): Buffer {
  return Buffer.concat(
    Array.from({ length: last - first + 1 }, (_, i) =>
      Buffer.concat([Buffer.from([0, 43, 0x53]), Buffer.alloc(42, (first + i) & 0xff)]),
    ),
  );
}

test('nothing is allocated before the first message; then it grows from small to the cap', () => {
  const log = new OutboundLog(createFrameWriter('soup', 'responses'), 1 << 20, new LogMemory(1 << 30));
  assert.equal(log.bytes, 0);
  write(log);
  assert.ok(log.bytes > 0 && log.bytes < 4_096);
  for (let i = 0; i < 100_000; i++) write(log);
  assert.ok(log.bytes <= 1 << 20 && log.bytes > 1 << 18);
});

test('every cut of the stream arrives whole: short sends keep the rest', () => {
  const prng = new Prng(5);
  const log = new OutboundLog(createFrameWriter('soup', 'responses'), 1 << 20, new LogMemory(1 << 30));
  const connection = new ShortConnection();
  log.attach(1);
  let written = 0;
  while (written < 3_000) {
    for (let i = prng.below(20); i > 0; i--) written = write(log);
    connection.room = prng.below(200);
    log.flush(connection);
  }
  connection.room = Infinity;
  log.flush(connection);
  assert.equal(log.pendingBytes, 0);
  assert.ok(connection.received.equals(soupBytes(1, written)));
});

test('a new connection resumes at any message that is kept, with the same bytes', () => {
  const log = new OutboundLog(createFrameWriter('soup', 'responses'), 64 * 45 * 4, new LogMemory(1 << 30));
  for (let i = 0; i < 1_000; i++) write(log);
  assert.equal(log.first, 1_001 - 256);
  assert.equal(log.has(log.first - 1), false);
  assert.equal(log.has(1_002), false);
  for (const from of [log.first, 900, 1_000, 1_001]) {
    const connection = new ShortConnection();
    assert.ok(log.has(from));
    log.attach(from);
    log.flush(connection);
    assert.ok(connection.received.equals(soupBytes(from, 1_000)));
    log.detach();
  }
});

test('a ring that has wrapped when it grows or shrinks keeps every message as it was', () => {
  const prng = new Prng(9);
  for (let round = 0; round < 50; round++) {
    const log = new OutboundLog(createFrameWriter('soup', 'responses'), 45 * 4_096, new LogMemory(1 << 30));
    log.attach(1);
    const connection = new ShortConnection();
    for (let i = 1 + prng.below(200); i > 0; i--) write(log);
    log.flush(connection);
    log.trim(); // to a small ring, whose first message stands anywhere in it
    const last = log.next - 1 + 300 + prng.below(1_000);
    while (log.next <= last) assert.notEqual(write(log), FULL);
    const { first } = log;
    assert.ok(last - first > 300, 'it has grown');
    const again = new ShortConnection();
    log.attach(first);
    log.flush(again);
    assert.ok(again.received.equals(soupBytes(first, last)), `round ${round}: messages ${first} to ${last}`);
  }
});

test('at the cap sent messages make room, unsent ones do not', () => {
  const log = new OutboundLog(createFrameWriter('bare', 'responses'), 64 * 42, new LogMemory(1 << 30));
  const connection = new ShortConnection();
  log.attach(1);
  for (let i = 0; i < 64; i++) assert.notEqual(write(log), FULL);
  assert.equal(write(log), FULL);
  connection.room = 41;
  log.flush(connection);
  assert.equal(write(log), FULL, 'one byte of the oldest is missing');
  connection.room = 1;
  log.flush(connection);
  assert.equal(write(log), 65);
  assert.equal(write(log), FULL);
  log.detach();
  assert.equal(write(log), 66, 'nobody reads: the oldest goes');
});

test('sequenced: messages carry their numbers from 1', () => {
  const log = new OutboundLog(createFrameWriter('sequenced', 'responses'), 1 << 16, new LogMemory(1 << 30));
  const connection = new ShortConnection();
  log.attach(1);
  for (let i = 0; i < 100; i++) write(log);
  log.flush(connection);
  for (let i = 0; i < 100; i++)
    assert.equal(connection.received.readBigUInt64LE(i * 50), BigInt(i + 1));
});

test('a closed connection says so', () => {
  const log = new OutboundLog(createFrameWriter('bare', 'responses'), 1 << 16, new LogMemory(1 << 30));
  const connection = new ShortConnection();
  log.attach(1);
  write(log);
  connection.close();
  assert.equal(log.flush(connection), BROKEN);
});

// Sixty clients that left eight megabytes unread each once took the process past 400 MB: each log had a cap, all together had none.
test('all logs together: what was sent goes first, then a log with everything unsent is full, small ones never', () => {
  const memory = new LogMemory(1 << 20);
  const make = (): OutboundLog => new OutboundLog(createFrameWriter('bare', 'responses'), 1 << 20, memory);
  const left = make(); // nobody is connected: all of it is kept only to resume
  for (let i = 0; i < 20_000; i++) write(left);
  const leftBytes = left.bytes;
  assert.ok(leftBytes > 1 << 19);

  const slow = make();
  slow.attach(1);
  let refused = 0;
  for (let i = 0; i < 20_000; i++) if (write(slow) === FULL) refused++;
  assert.ok(left.bytes < leftBytes, 'what nobody waits for made room');
  assert.ok(left.has(left.next) && left.first > 1);

  const another = make();
  another.attach(1);
  for (let i = 0; i < 20_000; i++) if (write(another) === FULL) refused++;
  assert.ok(refused > 0, 'what is not sent cannot make room');
  assert.ok(another.bytes >= LOG_BYTES_FREE / 2 && another.has(1), 'a small log has its place');
  assert.ok(memory.bytes <= memory.bytesMax + LOG_BYTES_FREE, `${memory.bytes} bytes held`);
  memory.remove(slow);
  memory.remove(slow);
  assert.equal(memory.bytes, left.bytes + another.bytes);
});

test('a trimmed log goes on: unsent messages come whole and in order', () => {
  const log = new OutboundLog(createFrameWriter('soup', 'responses'), 1 << 20, new LogMemory(1 << 30));
  const received: Buffer[] = [];
  for (let i = 0; i < 1_000; i++) write(log);
  log.attach(900);
  const bytes = log.bytes;
  log.trim();
  assert.ok(log.bytes < bytes && log.has(900));
  const connection = { send: (source: Uint8Array, offset: number, length: number) => {
    received.push(Buffer.from(source.subarray(offset, offset + Math.min(length, 31))));
    return Math.min(length, 31);
  } } as unknown as StreamConnection;
  while (log.pendingBytes > 0) log.flush(connection);
  assert.deepEqual(Buffer.concat(received), soupBytes(900, 1_000));
});
