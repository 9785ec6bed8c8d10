// Random values of every size in a histogram and in its twin; percentiles must agree to 0.1 %.
// By hand: node bin/node26.mjs src/base/histogram.fuzz.ts [rounds] [first seed]
import assert from 'node:assert/strict';
import { ReferenceHistogram } from './histogram.reference.ts';
import { Histogram } from './histogram.ts';
import { Prng } from './prng.ts';

const PERCENTS = [0, 1, 25, 50, 75, 90, 99, 99.9, 99.99, 100];

export function fuzzHistogram(seed: number): void {
  const prng = new Prng(seed);
  const valueMax = [2047, 2048, 4095, 1_000_000, 2 ** 31 - 1, 2 ** 31, 2 ** 40 - 1, Number.MAX_SAFE_INTEGER][prng.below(8)];
  const parts = [new Histogram(valueMax), new Histogram(valueMax)];
  const twins = [new ReferenceHistogram(), new ReferenceHistogram()];
  const magnitude = prng.below(Math.ceil(Math.log2(valueMax)) + 1);
  const count = prng.between(1, 300);
  try {
    for (let i = 0; i < count; i += 1) {
      // Powers of two and their neighbours are where cells begin.
      const size = 2 ** prng.between(0, magnitude);
      const value = Math.min(valueMax, prng.chance(0.3) ? Math.max(0, size + prng.between(-1, 1)) : Math.floor(prng.f64() * size));
      const which = prng.below(2);
      parts[which].record(value);
      twins[which].record(value);
    }
    const [histogram, other] = parts;
    const [twin, otherTwin] = twins;
    histogram.merge(other);
    twin.merge(otherTwin);
    histogram.checkInvariants();
    assert.equal(histogram.count, twin.count);
    assert.equal(histogram.min, twin.min);
    assert.equal(histogram.max, twin.max);
    assert.ok(Math.abs(histogram.mean - twin.mean) <= twin.mean * 1e-9);
    assert.equal(histogram.clamped, 0);
    for (const percent of PERCENTS) {
      const ours = histogram.percentile(percent);
      const exact = twin.percentile(percent);
      assert.ok(ours >= exact && ours - exact <= exact / 1024, `p${percent} was ${ours}, exactly ${exact}`);
    }
    let cells = 0;
    let last = -1;
    histogram.forEachCell((lowest, highest, cellCount) => {
      assert.ok(lowest > last && highest >= lowest);
      last = highest;
      cells += cellCount;
    });
    assert.equal(cells, twin.count);
  } catch (error) {
    throw new Error(`histogram fuzz failed; again: node bin/node26.mjs src/base/histogram.fuzz.ts 1 ${seed}`, { cause: error });
  }
}

if (import.meta.main) {
  const rounds = Number(process.argv[2] ?? 10_000);
  const first = Number(process.argv[3] ?? 1);
  for (let i = 0; i < rounds; i += 1) fuzzHistogram(first + i);
  console.log(`${rounds} histograms agreed with their twin (seeds ${first} to ${first + rounds - 1})`);
}
