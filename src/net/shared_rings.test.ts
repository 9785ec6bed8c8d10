import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BROADCAST_WORDS, BroadcastReader, BroadcastWriter } from './shared_broadcast.ts';
import { fuzzBroadcast, fuzzHostileWriter } from './shared_broadcast.fuzz.ts';
import { SharedStreamReader, SharedStreamWriter, STREAM_BROKEN, STREAM_PUBLISHED, STREAM_RELEASED, STREAM_RING_BYTES } from './shared_stream.ts';
import { fuzzHostilePeer, fuzzStream } from './shared_stream.fuzz.ts';
import { CopyWindow } from './copy_window.ts';

/** Seeds of each of the fuzzers here. */
const SEEDS = Number(process.env['SHARED_RING_FUZZ_SEEDS'] ?? 8);

test('random writes and reads of a stream agree with the twin', () => {
  for (let seed = 1; seed <= Math.ceil(SEEDS / 2); seed += 1) fuzzStream(seed, 200);
});

test('whatever a peer writes into its cursors, a stream ends and nothing else happens', () => {
  let broken = 0;
  for (let seed = 1; seed <= SEEDS; seed += 1) broken += fuzzHostilePeer(seed, 500).broken;
  assert.ok(broken > 0, 'impossible cursors were among them');
});

test('random datagrams reach every reader whole, in order, once, or are known to be lost', () => {
  let received = 0;
  let lost = 0;
  for (let seed = 1; seed <= SEEDS; seed += 1) {
    const outcome = fuzzBroadcast(seed, 800);
    received += outcome.received;
    lost += outcome.lost;
  }
  assert.ok(received > 0 && lost > 0, `${received} received, ${lost} lost`);
});

test('whatever stands in a ring of datagrams, reading it comes back', () => {
  for (let seed = 1; seed <= SEEDS; seed += 1) fuzzHostileWriter(seed, 300);
});

test('a cursor beyond the ring is no length: the stream is broken, on both sides', () => {
  const words = new Int32Array(16);
  const ring = new Uint8Array(STREAM_RING_BYTES);
  const reader = new SharedStreamReader(words, 8, 0, ring);
  words[STREAM_PUBLISHED] = STREAM_RING_BYTES + 1;
  assert.equal(reader.look(), STREAM_BROKEN);
  assert.equal(reader.read(new Uint8Array(10), 0, 10), 0);
  const writer = new SharedStreamWriter(words, 0, 8, ring);
  assert.equal(writer.write(new Uint8Array(STREAM_RING_BYTES), 0, STREAM_RING_BYTES), STREAM_RING_BYTES);
  words[8 + STREAM_RELEASED] = -1;
  assert.equal(writer.write(new Uint8Array(1), 0, 1), STREAM_BROKEN);
});

test('a reader that was overtaken goes on within the ring and knows what it missed', () => {
  const words = new Int32Array(BROADCAST_WORDS);
  const ring = new Uint8Array(16 * 1024);
  const writer = new BroadcastWriter(words, 0, ring);
  const reader = new BroadcastReader(words, 0, ring, false);
  const source = new Uint8Array(32);
  const into = new Uint8Array(64);
  const count = 1_000; // of one unit each, in a ring of 256
  for (let i = 0; i < count; i += 1) {
    new DataView(source.buffer).setUint32(0, i, true);
    writer.write(source, 0, source.length, 1, 2, 3, 4, i);
  }
  const first = (() => {
    assert.equal(reader.read(into, 0, into.length), 32);
    return new DataView(into.buffer).getUint32(0, true);
  })();
  assert.ok(first >= count - 256 && first < count - 100, `goes on with ${first}, not at the end`);
  assert.equal(reader.lost, first);
  let received = 1;
  while (reader.read(into, 0, into.length) > 0) received += 1;
  assert.equal(received + reader.lost, count);
});

test('a length that would end behind the ring is none: the reader goes on elsewhere', () => {
  const words = new Int32Array(BROADCAST_WORDS);
  const ring = new Uint8Array(16 * 1024);
  const writer = new BroadcastWriter(words, 0, ring);
  const reader = new BroadcastReader(words, 0, ring, false);
  const into = new Uint8Array(20_000);
  const source = new Uint8Array(32).fill(1);
  for (let i = 0; i < 256; i += 1) {
    writer.write(source, 0, source.length, 1, 2, 3, 4, i);
    // The last record of the ring says that it is longer than what is left.
    if (i === 255) new Int32Array(ring.buffer)[(255 * 64) / 4 + 1] = 10_000;
    const length = reader.read(into, 0, into.length);
    assert.equal(length, i === 255 ? 0 : 32);
  }
  writer.write(source, 0, source.length, 1, 2, 3, 4, 256);
  assert.equal(reader.read(into, 0, into.length), 32);
  assert.equal(reader.lost, 1);
});

test('copies of every length and alignment are those bytes and no other', () => {
  const source = new Uint8Array(3_000);
  for (let i = 0; i < source.length; i += 1) source[i] = (i * 7) % 251;
  const from = new CopyWindow(source);
  for (const length of [0, 1, 3, 4, 5, 30, 42, 255, 256, 257, 511, 512, 1_400]) {
    for (const at of [0, 1, 2, 3, 255, 256, 300]) {
      const target = new Uint8Array(2_000).fill(0xee);
      from.copyTo(at, new CopyWindow(target), 5, length);
      const expected = new Uint8Array(2_000).fill(0xee);
      expected.set(source.subarray(at, at + length), 5);
      assert.deepEqual(target, expected, `${length} bytes from ${at}`);
    }
  }
  // Over another memory it reads that one.
  const other = new Uint8Array(600).fill(9);
  const target = new Uint8Array(600);
  from.over(other).copyTo(0, new CopyWindow(target), 0, 600);
  assert.deepEqual(target, other);
});
