import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Prng } from '../base/prng.ts';
import { DatagramQueue } from './datagram_queue.ts';

test('keeps what comes in any order, in order, and gives every slot back', () => {
  for (let seed = 1; seed <= 30; seed++) {
    const prng = new Prng(seed);
    const queue = new DatagramQueue(1 + prng.below(12), 64);
    /** The queue as a plain list. */
    const twin: { first: number; count: number; mark: number }[] = [];
    let mark = 0;
    for (let step = 0; step < 2000; step++) {
      if (prng.chance(0.45) && twin.length > 0) {
        const head = twin.shift();
        assert.equal(queue.firstAt(0), head?.first);
        assert.equal(queue.headCount, head?.count);
        assert.equal(
          queue.view.getUint32(queue.headSlot * 64, true), head?.mark,
          'the bytes are those that were received',
        );
        queue.dropHead();
      } else if (prng.chance(0.01)) {
        queue.clear();
        twin.length = 0;
      } else {
        const first = prng.below(40) * 10;
        const count = 1 + prng.below(20);
        queue.view.setUint32(queue.receiveSlot * 64, ++mark, true);
        const expected = twin.some(
          (entry) => entry.first === first && entry.count >= count,
        ) ? 0 : twin.length === queue.capacity ? -1 : 1;
        assert.equal(queue.keep(first, count), expected, `seed ${seed}, step ${step}`);
        if (expected === 1) {
          const at = twin.findIndex((entry) => entry.first > first);
          twin.splice(at < 0 ? twin.length : at, 0, { first, count, mark });
        }
      }
      queue.checkInvariants();
      assert.deepEqual(
        Array.from({ length: queue.length }, (_, i) => queue.firstAt(i)),
        twin.map((entry) => entry.first),
      );
      assert.deepEqual(
        Array.from({ length: queue.length }, (_, i) => queue.endAt(i)),
        twin.map((entry) => entry.first + entry.count),
      );
    }
  }
});

test('a capacity below one is refused', () => {
  assert.throws(() => new DatagramQueue(0, 64), /capacity: expected at least 1, was 0/);
});
