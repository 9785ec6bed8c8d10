import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Prng } from '../../src/base/prng.ts';
import { compareResults, formatComparison } from './compare.ts';
import { describeMachine } from './machine.ts';
import { resultsOf, type Results } from './results.ts';
import type { Row } from './row.ts';
import { spreadOf } from './statistics.ts';

const machine = describeMachine();

/** Ten repetitions of each of 30 rows, with noise of ±15 % and now and then a repetition that took three times as long. */
function measured(seed: number, factor: (row: number) => number): Results {
  const prng = new Prng(seed);
  const rows = Array.from({ length: 30 }, (_, i): Row => {
    const isRate = i % 3 === 0;
    const samples = Array.from({ length: 10 }, () => {
      const cost = (10 + i) * factor(i) * (0.85 + 0.3 * prng.f64()) * (prng.chance(0.05) ? 3 : 1);
      return isRate ? 1_000 / cost : cost;
    });
    const spread = spreadOf(samples);
    return {
      name: `row ${i}`, figure: spread.median, unit: isRate ? 'M msg/s' : 'ns/op', statistic: 'median of 10', boundary: 'core, batches', threads: '1',
      durability: 'none', spread, checks: ['simulated'],
    };
  });
  return resultsOf(machine, rows);
}

test('a planted slowdown of two is found in every row; noise alone raises no alarm in a hundred runs', () => {
  for (let seed = 1; seed <= 100; seed++) {
    const before = measured(seed, () => 1);
    const same = compareResults(before, measured(seed + 1_000, () => 1));
    assert.deepEqual(same.filter(({ change }) => change !== 'same'), [], `seed ${seed}`);
    const planted = compareResults(before, measured(seed + 2_000, (row) => (row === seed % 30 ? 2 : 1)));
    assert.deepEqual(planted.filter(({ change }) => change !== 'same').map(({ name, change }) => [name, change]), [[`row ${seed % 30}`, 'slower']]);
  }
});

test('what got twice as fast, what is new and what is gone is told', () => {
  const before = measured(1, () => 1);
  const after = measured(2, (row) => (row === 4 ? 0.5 : 1));
  after.rows[0] = { ...after.rows[0], name: 'another' };
  const told = compareResults(before, after).filter(({ change }) => change !== 'same').map(({ name, change }) => `${name}: ${change}`);
  assert.deepEqual(told, ['another: new', 'row 4: faster', 'row 0: gone']);
  assert.match(formatComparison(before, compareResults(before, after)), /faster {2}row 4: .* ns\/op \(0\.\d\d ×\)[^]*nothing is slower/);
});

test('results of another machine are refused', () => {
  const other = { ...measured(1, () => 1), machine: { ...machine, cpu: 'abacus' } };
  assert.throws(() => compareResults(other, measured(2, () => 1)), /compare: expected results of .*; was abacus/);
});
