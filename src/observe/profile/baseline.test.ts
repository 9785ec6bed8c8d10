// The rule must not cry wolf, and must not sleep: both are tried on noise that looks like a shared machine's.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Prng } from '../../base/prng.ts';
import { type Baseline, BaselineError, baselineOf, compare, gathered, parseBaseline, shiftOf, STATISTICS, WINDOWS_MAX, WINDOWS_MIN } from './baseline.ts';
import type { ProfileWindow, StageFigures } from './profile_reader.ts';

const WINDOWS = 40;
const STAGES = ['sequenced', 'matched', 'journaled', 'feed_tx', 'response_tx'];

/** A normal number, by Box and Muller. */
function normal(prng: Prng): number {
  const radius = Math.sqrt(-2 * Math.log((prng.below(2 ** 30) + 1) / 2 ** 30));
  return radius * Math.cos((2 * Math.PI * prng.below(2 ** 30)) / 2 ** 30);
}

/** Windows of a run: 6 % of noise from window to window, and one in ten disturbed by another process, up to threefold. */
function run(prng: Prng, slower: Readonly<Record<string, number>> = {}, count = WINDOWS): ProfileWindow[] {
  return Array.from({ length: count }, () => {
    const disturbed = prng.chance(0.1) ? 1 + (2 * prng.below(1_000)) / 1_000 : 1;
    return {
      seconds: 1, curves: {}, samples: {}, process: null,
      stages: STAGES.map((stage, index): StageFigures => {
        const base = 500 * (index + 1) * Math.exp(0.06 * normal(prng)) * disturbed * (slower[stage] ?? 1);
        const wide = Math.exp(0.06 * normal(prng));
        return {
          pipeline: 'exchange', stage, operation: 'all', span: 'own', count: 2_000, min: base / 2, mean: base, max: base * 20,
          deviation: base, p50: base, p90: base * 1.5 * wide, p99: base * 3 * wide ** 2, p999: base * 8, p9999: base * 15, jitter: base * 2,
        };
      }),
    };
  });
}

const slowerOf = (then: Baseline, now: Baseline): string[] =>
  compare(then, now).filter(({ verdict }) => verdict === 'slower').map(({ stage, statistic }) => `${stage} ${statistic}`);

test('noise trips nothing in 300 pairs of runs', () => {
  const prng = new Prng(1);
  let alarms = 0;
  for (let i = 0; i < 300; i += 1) alarms += slowerOf(baselineOf(run(prng), ''), baselineOf(run(prng), '')).length;
  assert.equal(alarms, 0, 'of 4,500 comparisons');
});

test('a stage that became 20 % slower is found, it alone, in every one of 100 runs', () => {
  const prng = new Prng(2);
  let wrongStage = 0;
  for (let i = 0; i < 100; i += 1) {
    // Three runs make the baseline, as the document advises.
    const then = [0, 1, 2].map(() => baselineOf(run(prng), '')).reduce(gathered);
    const found = slowerOf(then, baselineOf(run(prng, { matched: 1.2 }), ''));
    assert.ok(found.includes('matched p50'), `run ${i}: ${found.join(', ')}`);
    wrongStage += found.filter((name) => !name.startsWith('matched')).length;
  }
  assert.equal(wrongStage, 0);
});

test('a shift within the tolerance is not told, twice the time always is', () => {
  const prng = new Prng(3);
  let told = 0;
  for (let i = 0; i < 100; i += 1) {
    told += slowerOf(baselineOf(run(prng), ''), baselineOf(run(prng, { matched: 1.05 }), '')).length;
    const found = slowerOf(baselineOf(run(prng), ''), baselineOf(run(prng, { matched: 2 }), ''));
    assert.deepEqual(found.filter((name) => name.startsWith('matched')), STATISTICS.map((statistic) => `matched ${statistic}`));
  }
  assert.equal(told, 0);
});

test('faster is told too, and is no fault', () => {
  const prng = new Prng(4);
  const verdicts = compare(baselineOf(run(prng), ''), baselineOf(run(prng, { journaled: 0.5 }), ''));
  const journaled = verdicts.find(({ stage, statistic }) => stage === 'journaled' && statistic === 'p50');
  assert.equal(journaled?.verdict, 'faster');
  assert.ok(journaled.ratio > 0.4 && journaled.ratio < 0.6);
});

test('the bounds hold the true shift, as often as they say', () => {
  const prng = new Prng(5);
  let missed = 0;
  for (let i = 0; i < 500; i += 1) {
    const sample = (scale: number): number[] => Array.from({ length: 20 }, () => 1_000 * scale * Math.exp(0.1 * normal(prng)));
    const { least, most, ratio } = shiftOf(sample(1), sample(1.3));
    assert.ok(least <= ratio && ratio <= most);
    if (least > 1.3 || most < 1.3) missed += 1;
  }
  assert.ok(missed <= 2, `${missed} of 500`);
});

test('with too few windows, or too few values in them, there is no verdict', () => {
  const prng = new Prng(6);
  const then = baselineOf(run(prng), '');
  for (const { verdict } of compare(then, baselineOf(run(prng, { matched: 3 }, WINDOWS_MIN - 1), ''))) {
    assert.equal(verdict, 'too few windows');
  }
  const thin = run(prng);
  for (const { stages } of thin) for (const stage of stages) Object.assign(stage, { count: 150 });
  assert.deepEqual(Object.keys(baselineOf(thin, '').values).filter((name) => name.endsWith('p99')), [], 'p99 of 150 values is the largest or so');
  assert.equal(Object.keys(baselineOf(thin, '').values).filter((name) => name.endsWith('p90')).length, STAGES.length);
});

test('runs are gathered, the oldest windows leave, and a file comes back as it was', () => {
  const prng = new Prng(7);
  let all = baselineOf(run(prng), 'run 0');
  for (let i = 1; i < 25; i += 1) all = gathered(all, baselineOf(run(prng), `run ${i}`));
  assert.equal(all.values['exchange matched p50'].length, WINDOWS_MAX);
  assert.equal(all.runs.length, 25);
  assert.deepEqual(parseBaseline(JSON.stringify(all), 'x'), all);
});

test('what is no baseline is refused with what was expected', () => {
  const bad: [string, RegExp][] = [
    ['{', /x\.json: expected a saved baseline in JSON/],
    ['null', /format "outcry-profile-baseline"\), was undefined/],
    ['{"format":"outcry-profile-baseline","version":9}', /version 1, was 9/],
    ['{"format":"outcry-profile-baseline","version":1,"runs":[],"values":{"a b c":["x"]}}', /values of 0 or more/],
    ['{"format":"outcry-profile-baseline","version":1,"runs":[],"values":null}', /values of 0 or more/],
  ];
  for (const [text, reason] of bad) {
    assert.throws(() => parseBaseline(text, 'x.json'), (error) => error instanceof BaselineError && reason.test(error.message));
  }
});
