import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { heapUseOf } from './heap.ts';
import { describeMachine } from './machine.ts';
import { runPaired } from './paired.ts';
import { resultsOf, saveResults } from './results.ts';
import { judge, type Row } from './row.ts';
import { median, medianInterval, pairedRatio, quantile, spreadOf } from './statistics.ts';
import { formatFigure, formatTable } from './table.ts';

/** A small generator of noise, so that the tests on statistics do not depend on the machine. */
function noise(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

test('quantiles of known samples', () => {
  assert.equal(median([3, 1, 2]), 2);
  assert.equal(median([4, 1, 3, 2]), 2.5);
  assert.equal(quantile([10, 20, 30, 40, 50], 0.25), 20);
  assert.equal(quantile([10, 20], 0.99), 19.9);
  assert.deepEqual(spreadOf([5, 1, 3]), {
    samples: 3, median: 3, quartileLow: 2, quartileHigh: 4, min: 1, max: 5,
  });
  assert.throws(() => median([]), /at least one sample/);
});

test('sign-test intervals are those of the tables', () => {
  // n = 10: ranks 2 and 9, coverage 1 - 2 * 11/1024. n = 20: ranks 6 and 15, coverage 95.86 %.
  const ten = medianInterval([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
  assert.deepEqual([ten.low, ten.high], [2, 9]);
  assert.ok(Math.abs(ten.coverage - (1 - 22 / 1024)) < 1e-12);
  const twenty = medianInterval(Array.from({ length: 20 }, (_, i) => i + 1));
  assert.deepEqual([twenty.low, twenty.high], [6, 15]);
  assert.ok(Math.abs(twenty.coverage - 0.9586) < 1e-4);
  // Too few samples: the whole range, and the coverage admits it.
  const three = medianInterval([1, 2, 3]);
  assert.deepEqual([three.low, three.high], [1, 3]);
  assert.equal(three.coverage, 0.75);
  assert.equal(medianInterval([7]).coverage, 0);
});

test('the interval holds the true median as often as it says', () => {
  const random = noise(7);
  let held = 0;
  const trials = 4000;
  for (let trial = 0; trial < trials; trial++) {
    // Skewed noise: the sign test must not mind.
    const samples = Array.from({ length: 12 }, () => 1 + random() ** 3);
    const { low, high } = medianInterval(samples);
    if (low <= 1.125 && 1.125 <= high) held++;
  }
  assert.ok(held / trials > 0.95, `held ${held} of ${trials}`);
});

test('a ratio is taken pair by pair: noise that falls on both sides cancels', () => {
  const random = noise(3);
  const drift = Array.from({ length: 10 }, (_, i) => 1 + i + random());
  const a = drift.map((value) => 2 * value);
  const ratio = pairedRatio(a, drift);
  assert.deepEqual([ratio.low, ratio.median, ratio.high], [2, 2, 2]);
  assert.throws(() => pairedRatio([1], [1, 2]), /as many samples/);
});

/** Operations that cost about the same everywhere; the counts, not the clock, make the factor. */
function work(rounds: number): number {
  let x = 1;
  for (let i = 0; i < rounds; i++) x = Math.imul(x ^ i, 0x9e3779b1) | 1;
  return x;
}

/** Cost of `rounds` with simulated noise of ±5 %: a test may not depend on how busy the machine is. */
function simulated(rounds: number, random: () => number): () => number {
  return () => rounds * (0.95 + 0.1 * random());
}

test('A/A: the interval holds 1; a planted factor of two is found', async () => {
  const random = noise(11);
  const same = await runPaired(simulated(1000, random), simulated(1000, random), { pairs: 20 });
  assert.ok(same.ratio.low <= 1 && 1 <= same.ratio.high, JSON.stringify(same.ratio));
  const twice = await runPaired(simulated(2000, random), simulated(1000, random), { pairs: 20 });
  assert.ok(twice.ratio.low > 1.7 && twice.ratio.high < 2.3, JSON.stringify(twice.ratio));
});

test('repetitions alternate, and real clocks give positive samples', async () => {
  const order: string[] = [];
  const timed = (name: string) => () => {
    order.push(name);
    const start = process.hrtime.bigint();
    work(20_000);
    return Number(process.hrtime.bigint() - start);
  };
  const result = await runPaired(timed('a'), timed('b'), { pairs: 3, warmups: 1 });
  assert.deepEqual(order, ['a', 'b', 'a', 'b', 'a', 'b', 'a', 'b']);
  assert.equal(result.a.samples, 3);
  assert.ok(result.a.min > 0 && result.b.min > 0);
});

const row: Row = {
  name: 'mixed flow, small', figure: 13, unit: 'ns/op', statistic: 'median of 10', boundary: 'core, batches',
  threads: '1', durability: 'none', checks: ['1,000 events equal'],
  ratio: { against: 'C', pairs: 10, otherMedian: 12, median: 1.08, low: 1.05, high: 1.12, coverage: 0.978 },
  goal: { relation: 'at most', value: 1.1, ofRatio: true },
};

test('a goal on a ratio needs the whole interval, not its middle', () => {
  assert.equal(judge(row), 'not reached');
  assert.equal(judge({ ...row, ratio: { ...row.ratio!, high: 1.1 } }), 'reached');
  assert.equal(judge({ ...row, small: true }), 'too small to count');
  const alone: Row = { ...row, goal: { relation: 'above', value: 50 }, figure: 51 };
  assert.equal(judge(alone), 'reached');
  assert.equal(judge({ ...alone, figure: 50 }), 'not reached');
});

test('the table names machine, boundary and what was not reached; results are saved', () => {
  const machine = describeMachine();
  const text = formatTable(machine, [{ ...row, tried: 'unrolling', quoted: 'llmes 11' }]);
  for (const word of [
    machine.cpu, machine.node, 'core, batches', '1.080 [1.050, 1.120] 10 pairs', '≤ 1.1 ×',
    'NOT REACHED; tried: unrolling', 'quoted, not measured here: llmes 11', 'checked: 1,000 events equal', '97.8 %',
  ]) assert.ok(text.includes(word), `${word} stands in\n${text}`);

  const folder = mkdtempSync(join(tmpdir(), 'outcry-bench-'));
  try {
    const saved = JSON.parse(readFileSync(saveResults(resultsOf(machine, [row]), folder), 'utf8'));
    assert.equal(saved.rows[0].verdict, 'not reached');
    assert.equal(saved.machine.node, process.version);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('figures keep three digits', () => {
  assert.deepEqual([0, 0.012, 2.71, 12.345, 2147158].map(formatFigure), ['0', '0.0120', '2.71', '12.3', '2,147,158']);
});

test('heap use: planted allocations are found, and their absence', async () => {
  const kept: number[][] = [];
  const count = 1000;
  const allocating = () => {
    kept.length = 0;
    for (let i = 0; i < count; i++) kept.push([i, i, i, i]);
  };
  const nothing = () => {
    work(count);
  };
  for (let i = 0; i < 20; i++) {
    allocating();
    nothing();
  }
  // A collection in between takes away what it counts: again, then.
  let planted = await heapUseOf(allocating);
  for (let again = 0; planted.collections > 0 && again < 10; again++) planted = await heapUseOf(allocating);
  // An array of four small integers is at least its header and its elements.
  assert.ok(planted.bytes >= count * 32, `${planted.bytes} bytes`);
  // Code that the engine finishes in the meantime counts too: again, then.
  let none = await heapUseOf(nothing);
  for (let again = 0; (none.bytes >= count / 10 || none.collections > 0) && again < 10; again++) none = await heapUseOf(nothing);
  assert.ok(none.bytes < count / 10, `${none.bytes} bytes`);
  assert.equal(none.collections, 0);
});

// From 1,075 samples on ½ to their number is 0, every tail was empty, and an interval of two neighbours had coverage 1.
test('the interval of a median of many samples is as wide as their number allows', () => {
  for (const n of [400, 1_000, 1_100, 10_000]) {
    const { low, high, coverage } = medianInterval(Array.from({ length: n }, (_, i) => i));
    const halfWidth = 0.98 * Math.sqrt(n); // of the normal distribution, in ranks
    assert.ok(coverage >= 0.95 && coverage < 0.97, `${n}: ${coverage}`);
    assert.ok(Math.abs((high - low) / 2 - halfWidth) < 2, `${n}: ${low} … ${high}`);
  }
});
