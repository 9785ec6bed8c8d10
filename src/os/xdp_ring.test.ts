// The rings of AF_XDP against a plain kernel: the other side is a list that takes and gives entries as the kernel would, with
// positions about to wrap at 2^32.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Prng } from '../base/prng.ts';
import { CompletedRing, FillRing, ReceivedRing, SendRing, type RingMemory } from './xdp_ring.ts';

const SEEDS = 40;
const STEPS = 2_000;

function memory(size: number, words: number, position: number): RingMemory {
  return {
    producer: Uint32Array.of(position), consumer: Uint32Array.of(position), flags: new Uint32Array(1),
    entries: new Uint32Array(size * words), size,
  };
}

for (const [name, words] of [['fill', 2], ['send', 4]] as const) {
  test(`the ${name} ring shows the kernel each entry once, in order, when published, and never more than fit`, () => {
    for (let seed = 1; seed <= SEEDS; seed += 1) {
      const prng = new Prng(seed);
      const size = 2 ** prng.between(0, 6);
      const shared = memory(size, words, 0xffff_ffff - prng.below(40));
      const fill = words === 2 ? new FillRing(shared) : null;
      const send = words === 4 ? new SendRing(shared) : null;
      const ring = (fill ?? send)!;
      const put: number[] = []; // not published
      const shown: number[] = []; // the kernel may take these
      let next = 1;
      for (let step = 0; step < STEPS; step += 1) {
        const roll = prng.below(3);
        if (roll === 0) {
          const room = size - put.length - shown.length;
          const count = prng.between(1, 5);
          assert.equal(ring.hasRoom(count), room >= count, `seed ${seed}: room for ${count} of ${room}`);
          for (let i = 0; i < Math.min(count, room); i += 1) {
            if (fill !== null) fill.put(next);
            else send!.put(next, next & 0x7ff);
            put.push(next);
            next += 1;
          }
        } else if (roll === 1) {
          assert.equal(ring.publish(), put.length > 0);
          shown.push(...put.splice(0));
        } else {
          const visible = (shared.producer[0] - shared.consumer[0]) >>> 0;
          assert.equal(visible, shown.length, `seed ${seed}: what is published, no more`);
          for (let i = prng.between(0, visible); i > 0; i -= 1) {
            const word = (shared.consumer[0] & (size - 1)) * words;
            const expected = shown.shift()!;
            assert.equal(shared.entries[word], expected);
            assert.equal(shared.entries[word + 1], 0);
            if (words === 4) assert.equal(shared.entries[word + 2], expected & 0x7ff);
            shared.consumer[0] += 1; // wraps as the kernel's does
          }
          assert.equal(ring.waiting, put.length + shown.length);
        }
      }
    }
  });
}

for (const [name, words] of [['completed', 2], ['received', 4]] as const) {
  test(`from the ${name} ring each entry is read once, in order, and its place given back when it was released`, () => {
    for (let seed = 1; seed <= SEEDS; seed += 1) {
      const prng = new Prng(seed);
      const size = 2 ** prng.between(0, 6);
      const shared = memory(size, words, 0xffff_ffff - prng.below(40));
      const completed = words === 2 ? new CompletedRing(shared) : null;
      const received = words === 4 ? new ReceivedRing(shared) : null;
      const ring = (completed ?? received)!;
      let made = 1;
      let expected = 1;
      for (let step = 0; step < STEPS; step += 1) {
        const filled = (shared.producer[0] - shared.consumer[0]) >>> 0;
        assert.ok(filled <= size);
        if (prng.chance(0.5)) {
          for (let i = prng.between(0, size - filled); i > 0; i -= 1) {
            const word = (shared.producer[0] & (size - 1)) * words;
            shared.entries[word] = made;
            if (words === 4) shared.entries[word + 2] = made & 0x7ff;
            shared.producer[0] += 1;
            made += 1;
          }
        } else {
          const max = prng.between(1, 9);
          const count = ring.peek(max);
          assert.ok(count <= max && count <= filled && (count > 0 || filled === 0), `seed ${seed}: ${count} of ${filled}`);
          for (let i = 0; i < count; i += 1) {
            assert.equal((completed ?? received)!.address(i), expected + i);
            if (received !== null) assert.equal(received.bytes(i), (expected + i) & 0x7ff);
          }
          const taken = prng.between(0, count);
          ring.release(taken);
          expected += taken;
          assert.equal((shared.producer[0] - shared.consumer[0]) >>> 0, made - expected);
        }
      }
    }
  });
}

test('the kernel says in a flag that it waits to be called', () => {
  const shared = memory(4, 2, 0);
  const ring = new FillRing(shared);
  assert.equal(ring.needsWakeup, false);
  shared.flags[0] = 1;
  assert.equal(ring.needsWakeup, true);
});

test('memory that is no ring is refused', () => {
  assert.throws(() => new FillRing(memory(3, 2, 0)), /a ring has a power of two of entries/);
  assert.throws(() => new FillRing({ ...memory(4, 2, 0), entries: new Uint32Array(7) }), /the ring memory holds its entries/);
});
