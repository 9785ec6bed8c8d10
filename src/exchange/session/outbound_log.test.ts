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

/** What a log is to hold: every message ever written, by number; a log has the last of them. */
class LogTwin {
  readonly log: OutboundLog;
  readonly marks: number[] = [];
  #reader: ShortConnection | null = null;
  #from = 0;

  constructor(memory: LogMemory) {
    this.log = new OutboundLog(createFrameWriter('bare', 'responses'), 42 * 2_048, memory);
  }

  write(mark: number): boolean {
    const at = this.log.claim();
    if (at === FULL) return false;
    for (let i = 0; i < 42; i++) this.log.view.setUint8(at + i, mark);
    this.marks.push(mark);
    return true;
  }

  repeat(sequence: number): void {
    if (!this.log.canRepeat(sequence)) return;
    const at = this.log.claim();
    if (at === FULL) return;
    this.log.repeat(sequence, at);
    this.marks.push(this.marks[sequence - 1]);
  }

  connect(from: number): void {
    this.#reader = new ShortConnection();
    this.#from = from;
    this.log.attach(from);
  }

  disconnect(): void {
    this.#reader = null;
    this.log.detach();
  }

  read(room: number): void {
    if (this.#reader === null) return;
    this.#reader.room = room;
    this.log.flush(this.#reader);
    const { received } = this.#reader;
    for (let i = 0; i < received.length; i++) {
      const expected = this.marks[this.#from - 1 + Math.floor(i / 42)];
      if (received[i] !== expected) assert.equal(received[i], expected, `byte ${i} after message ${this.#from}`);
    }
    // What is whole has been looked at.
    const whole = Math.floor(received.length / 42);
    this.#from += whole;
    this.#reader.received = received.subarray(whole * 42);
  }

  check(): void {
    const { log, marks } = this;
    assert.equal(log.next, marks.length + 1);
    assert.deepEqual([...log.save()], marks.slice(log.first - 1).flatMap((mark) => new Array<number>(42).fill(mark)));
    if (log.bytes > 0) assert.equal(Math.log2(log.bytes / log.recordBytes) % 1, 0, 'a power of two of records');
  }
}

test('two logs in too little memory, used at random: every message that is kept or sent is the one that was written', () => {
  for (let seed = 1; seed <= 12; seed++) {
    const prng = new Prng(seed);
    const memory = new LogMemory(42 * prng.between(64, 3_000) + LOG_BYTES_FREE / 8);
    const twins = [new LogTwin(memory), new LogTwin(memory)];
    for (let step = 0; step < 600; step++) {
      const twin = twins[prng.below(2)];
      const { log } = twin;
      const chosen = prng.below(10);
      if (chosen < 4) for (let i = prng.below(200); i > 0; i--) twin.write(prng.below(256));
      else if (chosen < 7) twin.read(prng.chance(0.2) ? Infinity : prng.below(9_000));
      else if (chosen === 7) twin.repeat(prng.between(Math.max(1, log.first - 1), log.next));
      else if (chosen === 8 && prng.chance(0.5)) twin.disconnect();
      else if (chosen === 8 && log.bytes > 0) twin.connect(prng.between(log.first, log.next));
      else if (chosen === 9 && prng.chance(0.2)) log.trim();
      if (step % 50 === 0) for (const each of twins) each.check();
      assert.equal(memory.bytes, twins[0].log.bytes + twins[1].log.bytes, `seed ${seed}: what is held is counted`);
    }
    const { log } = twins[0];
    const again = new OutboundLog(createFrameWriter('bare', 'responses'), 42 * 2_048, new LogMemory(1 << 30));
    again.restore(log.first, log.next, log.save());
    assert.deepEqual(again.save(), log.save(), `seed ${seed}: restored`);
  }
});

// A log of 12 MB left 12 MB of smaller rings behind, until the next collection of the old generation, minutes later.
test('a log that grows moves nothing and leaves nothing: a piece that it has once taken stays in use', () => {
  const log = new OutboundLog(createFrameWriter('bare', 'responses'), 42 * 4_096, new LogMemory(1 << 30));
  const buffers = new Set<ArrayBufferLike>();
  for (let i = 0; i < 4_096; i++) {
    write(log);
    buffers.add(log.view.buffer);
  }
  const taken = [...buffers].reduce((sum, { byteLength }) => sum + byteLength, 0);
  assert.equal(taken, log.bytes, 'all that was ever allocated is the log');
  assert.equal(buffers.size, 7, '64, 64, 128, … 2,048');
});
