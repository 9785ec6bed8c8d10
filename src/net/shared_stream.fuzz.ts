// Random writes, looks and reads on a stream's ring and on its twin, which must agree at every step; and a peer that
// writes anything into its words, which must never make this side fail or touch a byte outside.
// By hand: node bin/node26.mjs src/net/shared_stream.fuzz.ts [rounds] [first seed]
import assert from 'node:assert/strict';
import { Prng } from '../base/prng.ts';
import { ReferenceStream } from './shared_stream.reference.ts';
import {
  SharedStreamReader, SharedStreamWriter, STREAM_BROKEN, STREAM_PUBLISHED, STREAM_RELEASED, STREAM_RING_BYTES,
} from './shared_stream.ts';

/** Bytes around ring and buffers that nobody may touch. */
const GUARD = 64;
const GUARD_BYTE = 0xa5;
const WRITER = 0;
const READER = 8;

function guarded(bytes: number): { all: Uint8Array; inner: Uint8Array } {
  const all = new Uint8Array(bytes + 2 * GUARD).fill(GUARD_BYTE);
  return { all, inner: all.subarray(GUARD, GUARD + bytes) };
}

function assertGuards(all: Uint8Array): void {
  for (let i = 0; i < GUARD; i += 1) assert.ok(all[i] === GUARD_BYTE && all[all.length - 1 - i] === GUARD_BYTE, 'nothing beside it was touched');
}

export function fuzzStream(seed: number, steps: number): void {
  const prng = new Prng(seed);
  const words = new Int32Array(16);
  const ring = guarded(STREAM_RING_BYTES);
  const into = guarded(STREAM_RING_BYTES);
  const writer = new SharedStreamWriter(words, WRITER, READER, ring.inner);
  const reader = new SharedStreamReader(words, READER, WRITER, ring.inner);
  const twin = new ReferenceStream();
  // Long and short pieces, so that the ring is often full, often empty, and wraps at any place.
  const lengthMax = [50, 5_000, 60_000][prng.below(3)];
  try {
    for (let step = 0; step < steps; step += 1) {
      switch (prng.below(3)) {
        case 0: {
          const source = new Uint8Array(prng.between(1, lengthMax));
          for (let i = 0; i < source.length; i += 1) source[i] = prng.below(256);
          const offset = prng.below(source.length);
          const expected = twin.write([...source.subarray(offset)]);
          // The writer looks for room only when what it knows of is not enough: so it takes all that there is.
          assert.equal(writer.write(source, offset, source.length - offset), expected, 'bytes taken');
          break;
        }
        case 1: {
          assert.equal(reader.look(), twin.look(), 'look');
          break;
        }
        default: {
          const max = prng.between(1, lengthMax);
          const offset = prng.below(into.inner.length - max);
          const expected = twin.read(max);
          assert.equal(reader.read(into.inner, offset, max), expected.length, 'bytes read');
          assert.deepEqual([...into.inner.subarray(offset, offset + expected.length)], expected, 'the bytes themselves');
          assert.equal(reader.tell(), twin.tell(), 'tell');
        }
      }
      assert.equal(reader.available, twin.available, 'available');
    }
    assertGuards(ring.all);
    assertGuards(into.all);
  } catch (error) {
    throw new Error(`stream fuzz failed; again: node bin/node26.mjs src/net/shared_stream.fuzz.ts 1 ${seed}`, { cause: error });
  }
}

/** The other side's words change to anything at any moment. */
export function fuzzHostilePeer(seed: number, steps: number): { broken: number } {
  const prng = new Prng(seed);
  const words = new Int32Array(16);
  const ring = guarded(STREAM_RING_BYTES);
  const into = guarded(4096);
  let broken = 0;
  let writer = new SharedStreamWriter(words, WRITER, READER, ring.inner);
  let reader = new SharedStreamReader(words, READER, WRITER, ring.inner);
  const hostile = (): number => [prng.u32() | 0, -1, STREAM_RING_BYTES, STREAM_RING_BYTES + 1, -STREAM_RING_BYTES, 0][prng.below(6)];
  for (let step = 0; step < steps; step += 1) {
    words[WRITER + STREAM_PUBLISHED] = hostile();
    words[READER + STREAM_RELEASED] = hostile();
    const taken = writer.write(into.inner, 0, prng.between(1, 4096));
    assert.ok(taken === STREAM_BROKEN || (taken >= 0 && taken <= 4096));
    words[WRITER + STREAM_PUBLISHED] = hostile();
    const looked = reader.look();
    assert.ok(reader.available <= STREAM_RING_BYTES, 'no more than the ring holds');
    const max = prng.between(1, 4096);
    const count = reader.read(into.inner, 0, max);
    assert.ok(count >= 0 && count <= max);
    reader.tell();
    if (taken !== STREAM_BROKEN && looked !== STREAM_BROKEN) continue;
    broken += 1;
    writer = new SharedStreamWriter(words, WRITER, READER, ring.inner);
    reader = new SharedStreamReader(words, READER, WRITER, ring.inner);
  }
  assertGuards(ring.all);
  assertGuards(into.all);
  return { broken };
}

if (import.meta.main) {
  const rounds = Number(process.argv[2] ?? 200);
  const first = Number(process.argv[3] ?? 1);
  for (let i = 0; i < rounds; i += 1) {
    fuzzStream(first + i, 300);
    fuzzHostilePeer(first + i, 300);
  }
  console.log(`${rounds} streams agreed with their twin and bore a hostile peer (seeds ${first} to ${first + rounds - 1})`);
}
