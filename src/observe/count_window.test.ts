// The window against a list of everything with its time, as in latency_window.test.ts.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Prng } from '../base/prng.ts';
import { CountWindow } from './count_window.ts';

for (const seed of [1, 2, 3]) {
  test(`seed ${seed}: gained is what came in the last minute`, () => {
    const prng = new Prng(seed);
    const came: { readonly atMs: number; readonly count: number }[] = [];
    let total = 5_000; // before anybody looked
    const window = new CountWindow(total, 0);
    assert.equal(window.gained, 0);
    let nowMs = 0;
    for (let i = 0; i < 300; i += 1) {
      nowMs += prng.chance(0.02) ? 1_000 * prng.below(90) + 1_000 : 1_000; // at times nobody looks
      const count = nowMs > 90_000 && nowMs < 155_000 ? 0 : prng.below(40);
      total += count;
      came.push({ atMs: nowMs, count });
      window.look(total, nowMs);
      const minute = came.filter(({ atMs }) => nowMs - atMs < 60_000).reduce((sum, { count: each }) => sum + each, 0);
      assert.equal(window.gained, minute, `at ${nowMs}`);
    }
  });
}

test('between two seconds nothing changes, and a total that was set back is no negative gain', () => {
  const window = new CountWindow(0, 0);
  window.look(7, 999);
  assert.equal(window.gained, 0);
  window.look(7, 1_000);
  window.look(9, 1_999);
  assert.equal(window.gained, 7);
  window.look(-3, 2_000);
  assert.equal(window.gained, 0);
});
