// The window against a list of everything with its time: the twin in a few lines.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Histogram } from '../base/histogram.ts';
import { Prng } from '../base/prng.ts';
import { BUCKET_BOUNDS_NS, LatencyWindow } from './latency_window.ts';
import { STAGE_NS_MAX } from './profile/stages.ts';
import type { LatencyView } from './system_view.ts';

function agrees(view: LatencyView | null, values: readonly number[]): void {
  assert.ok(view !== null);
  assert.equal(view.count, values.length);
  const sorted = values.toSorted((a, b) => a - b);
  const exact = (percent: number): number => sorted[Math.max(1, Math.ceil((percent / 100) * sorted.length - 1e-9)) - 1] ?? 0;
  const figures = [[view.p50Ns, 50], [view.p90Ns, 90], [view.p99Ns, 99], [view.p999Ns, 99.9], [view.maxNs, 100]];
  for (const [ours, percent] of figures) {
    assert.ok(ours >= exact(percent) && ours - exact(percent) <= exact(percent) / 1_024, `p${percent} was ${ours}, exactly ${exact(percent)}`);
  }
  const mean = values.length === 0 ? 0 : values.reduce((sum, value) => sum + value, 0) / values.length;
  assert.ok(Math.abs(view.meanNs - mean) <= mean * 1e-9, `mean was ${view.meanNs}, exactly ${mean}`);
}

for (const seed of [1, 2, 3]) {
  test(`seed ${seed}: figures are those of the values of the last minute, totals those of all`, () => {
    const prng = new Prng(seed);
    const parts = [new Histogram(STAGE_NS_MAX), new Histogram(STAGE_NS_MAX), new Histogram(STAGE_NS_MAX)];
    const all: { sliceMs: number; value: number }[] = [];
    const record = (sliceMs: number): void => {
      const value = Math.floor(1_000 * 2 ** (prng.f64() * 12));
      parts[prng.below(parts.length)].record(value);
      all.push({ sliceMs, value });
    };
    for (let i = 0; i < 50; i += 1) record(-Infinity); // before anybody looked: in the totals alone
    const window = new LatencyWindow(parts, 0);
    agrees(window.view, []);
    for (let nowMs = 1_000; nowMs < 200_000; nowMs += 1_000) {
      const silent = nowMs > 90_000 && nowMs < 155_000; // longer than a window
      const count = silent || prng.chance(0.3) ? 0 : prng.below(40);
      for (let i = 0; i < count; i += 1) record(nowMs);
      assert.equal(window.look(nowMs - 1), false, 'the second is not over');
      assert.equal(window.look(nowMs), true);
      agrees(window.view, all.filter(({ sliceMs }) => nowMs - sliceMs < 60_000).map(({ value }) => value));
      assert.equal(window.view?.totalCount, all.length);
      assert.equal(window.view?.totalNs, all.reduce((sum, { value }) => sum + value, 0));
      if (count === 0) assert.equal(window.lastSecond, null);
      else agrees(window.lastSecond, all.filter(({ sliceMs }) => sliceMs === nowMs).map(({ value }) => value));
    }
  });
}

test('a curve has every value of the window, in bars that rise; buckets those since the start', () => {
  const live = new Histogram(STAGE_NS_MAX);
  live.record(4_000);
  const window = new LatencyWindow([live], 0);
  for (const value of [0, 900, 901, 7_000, 7_001, 2e9]) live.record(value);
  window.look(1_000);
  const curve = window.curve();
  assert.equal(curve.reduce((sum, [, count]) => sum + count, 0), 6);
  for (const [index, [upToNs]] of curve.entries()) if (index > 0) assert.ok(upToNs > curve[index - 1][0]);
  const barOf = (value: number): number => curve.find(([upToNs]) => value <= upToNs)?.[0] ?? NaN;
  assert.equal(barOf(900), barOf(901));
  assert.ok(barOf(7_000) < 7_000 * 1.1 && barOf(2e9) < 2e9 * 1.1);
  const buckets = window.buckets();
  assert.deepEqual(buckets.map(([bound]) => bound), BUCKET_BOUNDS_NS);
  const upTo = (bound: number): number => buckets.find(([found]) => found === bound)?.[1] ?? NaN;
  assert.deepEqual([upTo(1e3), upTo(2e3), upTo(5e3), upTo(1e4), upTo(1e9)], [3, 3, 4, 6, 6], 'two seconds are beyond the last');
  live.record(10);
  assert.deepEqual(window.buckets(), buckets, 'as of the last slice');
  window.look(2_000);
  assert.equal(window.buckets()[0][1], 4);
});

test('nothing measured: no view', () => {
  const window = new LatencyWindow([new Histogram(STAGE_NS_MAX)], 0);
  window.look(5_000);
  assert.deepEqual([window.view, window.lastSecond], [null, null]);
  assert.deepEqual(window.curve(), []);
});
