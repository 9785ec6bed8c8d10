// Random claims, publishes, takes and releases on a ring and on its twin; they must agree at every step.
// By hand: node bin/node26.mjs src/base/ring_buffer.fuzz.ts [rounds] [first seed]
import assert from 'node:assert/strict';
import { Prng } from './prng.ts';
import { ReferenceRing } from './ring_buffer.reference.ts';
import { checkRing, initializeRing, ringBytes, RingConsumer, RingProducer, RING_NONE } from './ring_buffer.ts';

/** The cursors' words, to start them anywhere. */
const PUBLISHED_WORD = 128 / 4;
const RELEASED_WORD = 256 / 4;

export function fuzzRing(seed: number, steps: number): void {
  const prng = new Prng(seed);
  const slots = 2 ** prng.below(8);
  const slotBytes = 8 * prng.between(1, 9);
  const offset = 64 * prng.below(3);
  const buffer = new SharedArrayBuffer(offset + ringBytes(slots, slotBytes) + 64);
  const bytes = new Uint8Array(buffer).fill(0xa5); // old content must not matter, and what lies around must stay
  initializeRing(buffer, offset, slots, slotBytes);
  // Any start, and often one just before the cursors wrap around 2^32 or change sign.
  const start = [0, -3, 2 ** 31 - 5, prng.u32()][prng.below(4)] | 0;
  const words = new Int32Array(buffer, offset);
  words[PUBLISHED_WORD] = start;
  words[RELEASED_WORD] = start;
  let producer = new RingProducer(buffer, offset);
  let consumer = new RingConsumer(buffer, offset);
  const view = new DataView(buffer);
  const twin = new ReferenceRing(slots);
  let value = 0;
  try {
    for (let step = 0; step < steps; step += 1) {
      switch (prng.below(5)) {
        case 0: case 1: {
          value += 1;
          const at = producer.claim();
          assert.equal(at !== RING_NONE, twin.claim(value), 'claim');
          if (at === RING_NONE) break;
          bytes.fill(value & 0xff, at, at + slotBytes);
          view.setFloat64(at, value, true);
          break;
        }
        case 2: {
          producer.publish();
          twin.publish();
          break;
        }
        case 3: {
          const at = consumer.take();
          const expected = twin.take();
          assert.equal(at === RING_NONE ? null : view.getFloat64(at, true), expected, 'take');
          if (expected === null) break;
          for (let i = 8; i < slotBytes; i += 1) assert.equal(bytes[at + i], expected & 0xff, 'the rest of the slot');
          break;
        }
        default: {
          consumer.release();
          twin.release();
          break;
        }
      }
      assert.equal(producer.used, twin.used, 'used');
      assert.equal(consumer.available, twin.available, 'available');
      if (prng.chance(0.01)) {
        // A side that starts again goes on where the other side knows it to be.
        producer.publish();
        twin.publish();
        while (consumer.take() !== RING_NONE) assert.notEqual(twin.take(), null);
        assert.equal(twin.take(), null);
        consumer.release();
        twin.release();
        assert.equal(consumer.take(), RING_NONE); // tells the producer of the last ones
        assert.equal(twin.take(), null);
        checkRing(buffer, offset);
        producer = new RingProducer(buffer, offset);
        consumer = new RingConsumer(buffer, offset);
      }
    }
    const end = offset + ringBytes(slots, slotBytes);
    assert.ok(bytes.subarray(0, offset).every((byte) => byte === 0xa5), 'nothing written before the ring');
    assert.ok(bytes.subarray(end).every((byte) => byte === 0xa5), 'nothing written after the ring');
  } catch (error) {
    throw new Error(`ring fuzz failed; again: node bin/node26.mjs src/base/ring_buffer.fuzz.ts 1 ${seed}`, { cause: error });
  }
}

if (import.meta.main) {
  const rounds = Number(process.argv[2] ?? 1000);
  const first = Number(process.argv[3] ?? 1);
  for (let i = 0; i < rounds; i += 1) fuzzRing(first + i, 2000);
  console.log(`${rounds} rings agreed with their twin (seeds ${first} to ${first + rounds - 1})`);
}
