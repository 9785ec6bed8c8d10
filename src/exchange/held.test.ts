// What may leave, against a list of everything that was noted.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Prng } from '../base/prng.ts';
import { Held } from './held.ts';

test('positions leave when their records are safe, in order', () => {
  const held = new Held(10);
  assert.equal(held.below, 10);
  assert.ok(held.isFree);
  held.note(12, 1);
  held.note(12, 2); // nothing was written in this turn
  held.note(15, 3);
  held.release(0);
  assert.equal(held.below, 10);
  held.release(2);
  assert.equal(held.below, 12);
  held.release(3);
  assert.equal(held.below, 15);
  assert.ok(held.isFree);
});

test('never earlier than their records, whatever comes, and at last everything', () => {
  for (let seed = 1; seed <= 50; seed++) {
    const prng = new Prng(seed);
    const held = new Held(1);
    const notes: [position: number, sequence: number][] = [];
    let position = 1;
    let sequence = 0;
    let safe = 0;
    for (let step = 0; step < 1_000; step++) {
      position += prng.below(3);
      sequence += prng.below(3);
      held.note(position, sequence);
      notes.push([position, sequence]);
      if (prng.chance(0.1)) {
        safe = prng.between(safe, sequence);
        held.release(safe);
      }
      const due = notes.findLast(([, record]) => record <= safe)?.[0] ?? 1;
      assert.ok(held.below <= due, `seed ${seed}: ${held.below} may leave, ${due} are safe`);
    }
    held.release(sequence);
    assert.equal(held.below, position, 'everything leaves at last');
  }
});
