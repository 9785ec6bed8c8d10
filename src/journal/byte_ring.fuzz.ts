// Random claims, publishes, takes and releases on a byte ring and on its twin; they must agree at
// every step. Run by byte_ring.test.ts; by hand:
//   node bin/node26.mjs src/journal/byte_ring.fuzz.ts [rounds] [first seed]
import assert from 'node:assert/strict';
import { Prng } from '../base/prng.ts';
import {
  byteRingBytes,
  ByteRingConsumer,
  ByteRingProducer,
  checkByteRing,
  initializeByteRing,
  RING_NONE,
} from './byte_ring.ts';
import { ReferenceByteRing } from './byte_ring.reference.ts';

const PUBLISHED_WORD = 128 / 4;
const RELEASED_WORD = 256 / 4;
const BYTES_AT = 384;

export function fuzzByteRing(seed: number, steps: number): void {
  const prng = new Prng(seed);
  const capacity = 64 << prng.below(6);
  const offset = 64 * prng.below(3);
  const buffer = new SharedArrayBuffer(offset + byteRingBytes(capacity) + 64);
  // Old content must not matter, that of −1, which means "skip", included; what lies around stays.
  const bytes = new Uint8Array(buffer).fill(prng.chance(0.5) ? 0xff : 0xa5);
  const around = bytes[0];
  initializeByteRing(buffer, offset, capacity);
  // Any start, and often one just before the cursors wrap around 2^32 or change sign.
  const start = [0, -64, 2 ** 31 - 128, 8 * prng.below(2 ** 29)][prng.below(4)] | 0;
  const words = new Int32Array(buffer, offset);
  words[PUBLISHED_WORD] = start;
  words[RELEASED_WORD] = start;
  const first = offset + BYTES_AT;
  const twin = new ReferenceByteRing(capacity, start & (capacity - 1));
  let producer = new ByteRingProducer(buffer, offset);
  let consumer = new ByteRingConsumer(buffer, offset);
  const view = new DataView(buffer);
  let value = 0;
  try {
    for (let step = 0; step < steps; step++) {
      switch (prng.below(6)) {
        case 0:
        case 1:
        case 2: {
          value += 1;
          const length = 8 * prng.between(1, capacity / 16);
          const at = producer.claim(length);
          const expected = twin.claim(value, length);
          assert.equal(at === RING_NONE ? null : at - first, expected, 'claim');
          if (at === RING_NONE) break;
          bytes.fill(value & 0xff, at, at + length);
          view.setInt32(at, value, true); // never −1
          break;
        }
        case 3:
          producer.publish();
          twin.publish();
          checkByteRing(buffer, offset);
          break;
        case 4: {
          const at = consumer.peek();
          const expected = twin.take();
          assert.equal(at === RING_NONE ? null : view.getInt32(at, true), expected?.value ?? null);
          if (expected === null) break;
          for (let i = 4; i < expected.length; i++) {
            assert.equal(bytes[at + i], expected.value & 0xff, 'the rest of the frame');
          }
          consumer.advance(expected.length);
          break;
        }
        default:
          consumer.release();
          twin.release();
      }
      assert.equal(producer.used, twin.used, 'used');
      // Both sides can be made anew, where nothing is in their hands alone.
      if (prng.chance(0.01)) {
        producer.publish();
        twin.publish();
        consumer.release();
        twin.release();
        producer = new ByteRingProducer(buffer, offset);
        consumer = new ByteRingConsumer(buffer, offset);
      }
    }
    assert.ok(bytes.subarray(0, offset).every((byte) => byte === around));
    assert.ok(bytes.subarray(first + capacity).every((byte) => byte === around));
  } catch (error) {
    const again = `node bin/node26.mjs src/journal/byte_ring.fuzz.ts 1 ${seed}`;
    throw new Error(`byte ring, seed ${seed}: ${again}`, { cause: error });
  }
}

if (import.meta.main) {
  const [rounds = 10_000, first = 1] = process.argv.slice(2).map(Number);
  for (let seed = first; seed < first + rounds; seed++) fuzzByteRing(seed, 2_000);
  console.log(`${rounds} rounds, no difference`);
}
