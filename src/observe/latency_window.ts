// The latencies of the last minute, of histograms that another process goes on writing.
//
//   live histograms ─ once a second ─► what is new ─► slice: pairs of value and count ─┬─► window (all slices together)
//                                                      kept for WINDOW_SECONDS ────────┴─► taken back when it leaves
//
// A slice holds its own cells only, some hundreds, so sixty seconds of it are small; the window's figures are right to 0.1 %, the
// histogram's own precision, and its sum is exact.
// Cost of a look: two comparisons, and once a second with new values 0.1 to 0.2 ms. Memory: 0.7 MB, and 16 bytes a cell of a slice.
// Limits: a second in which nobody looked falls into the slice of the next look.
import { Histogram } from '../base/histogram.ts';
import { STAGE_NS_MAX } from './profile/stages.ts';
import { WINDOW_SECONDS, type LatencyView } from './system_view.ts';

const SLICE_MS = 1_000;
/** Buckets of a curve in each doubling: a bar is 9 % wide. */
const CURVE_STEPS = 8;
/** For buckets since the start: 1, 2, 5, 10, … µs up to a second. */
export const BUCKET_BOUNDS_NS: readonly number[] = [
  ...[1e3, 1e4, 1e5, 1e6, 1e7, 1e8].flatMap((unit) => [unit, 2 * unit, 5 * unit]), 1e9,
];

/** A histogram: upper bounds in ns, rising, and how many values lie up to there from the bound before; empty ones left out. */
export type LatencyCurve = readonly (readonly [upToNs: number, count: number])[];

interface Slice {
  readonly atMs: number;
  readonly sumNs: number;
  readonly count: number;
  /** value, count, value, count, …; the value is the largest of its cell, so that the window has no largest below it. */
  readonly pairs: Float64Array;
}

/** Lent to one window at a time: what all parts have counted, and what of it is new. */
const scratch = new Histogram(STAGE_NS_MAX);
const delta = new Histogram(STAGE_NS_MAX);

export class LatencyWindow {
  /** Of the last slice; null: nothing was measured in it. */
  lastSecond: LatencyView | null = null;
  /** Of the window; null: nothing was ever measured. */
  view: LatencyView | null = null;
  readonly #parts: readonly Histogram[];
  readonly #before = new Histogram(STAGE_NS_MAX);
  readonly #window = new Histogram(STAGE_NS_MAX);
  readonly #slices: Slice[] = [];
  #sumNs = 0;
  #slicedMs: number;
  /** null: to be counted anew. */
  #buckets: LatencyCurve | null = null;

  /** `parts` count together. What they have counted before is in the totals, not in the window. */
  constructor(parts: readonly Histogram[], nowMs: number) {
    this.#parts = parts;
    for (const part of parts) this.#before.merge(part);
    const { count, sum } = this.#before;
    if (count > 0) this.view = viewOf(this.#window, 0, count, sum);
    this.#slicedMs = nowMs;
  }

  /** True: a second is over, the figures are new. */
  look(nowMs: number): boolean {
    if (nowMs - this.#slicedMs < SLICE_MS) return false;
    this.#slicedMs = nowMs;
    this.#take(nowMs);
    this.#drop(nowMs);
    const { count, sum } = this.#before;
    this.view = count === 0 ? null : viewOf(this.#window, this.#sumNs, count, sum);
    return true;
  }

  /** The window as bars. */
  curve(): LatencyCurve {
    const bars: [number, number][] = [];
    this.#window.forEachCell((_lowest, highest, count) => {
      const upToNs = Math.floor(2 ** (Math.ceil(Math.log2(highest + 1) * CURVE_STEPS) / CURVE_STEPS));
      const last = bars.at(-1);
      if (last !== undefined && last[0] === upToNs) last[1] += count;
      else bars.push([upToNs, count]);
    });
    return bars;
  }

  /** Values since the start up to each of BUCKET_BOUNDS_NS. */
  buckets(): LatencyCurve {
    this.#buckets ??= this.#countBuckets();
    return this.#buckets;
  }

  #countBuckets(): LatencyCurve {
    const counts = BUCKET_BOUNDS_NS.map((upToNs): [number, number] => [upToNs, 0]);
    this.#before.forEachCell((_lowest, highest, count) => {
      const bucket = counts.find(([upToNs]) => highest <= upToNs);
      if (bucket !== undefined) bucket[1] += count;
    });
    for (let i = 1; i < counts.length; i += 1) counts[i][1] += counts[i - 1][1];
    return counts;
  }

  /** What the parts have counted since the last slice. */
  #take(nowMs: number): void {
    this.lastSecond = null;
    const counted = this.#parts.reduce((total, { count }) => total + count, 0);
    if (counted === this.#before.count) return;
    scratch.reset();
    for (const part of this.#parts) scratch.merge(part);
    delta.assignDifference(scratch, this.#before);
    this.#before.assign(scratch);
    this.#buckets = null;
    const pairs: number[] = [];
    delta.forEachCell((_lowest, highest, count) => {
      pairs.push(highest, count);
      this.#window.recordMany(highest, count);
    });
    const slice = { atMs: nowMs, sumNs: delta.sum, count: delta.count, pairs: Float64Array.from(pairs) };
    this.#slices.push(slice);
    this.#sumNs += slice.sumNs;
    this.lastSecond = viewOf(delta, slice.sumNs, this.#before.count, this.#before.sum);
  }

  /** What is older than the window. */
  #drop(nowMs: number): void {
    while (this.#slices.length > 0 && nowMs - this.#slices[0].atMs >= WINDOW_SECONDS * 1_000) {
      const [{ pairs, sumNs }] = this.#slices.splice(0, 1);
      for (let i = 0; i < pairs.length; i += 2) this.#window.remove(pairs[i], pairs[i + 1]);
      this.#sumNs -= sumNs;
    }
    if (this.#slices.length > 0) return;
    this.#window.reset();
    this.#sumNs = 0;
  }
}

/** The largest is that of its cell: of a window the exact one is not known. */
function viewOf(histogram: Histogram, sumNs: number, totalCount: number, totalNs: number): LatencyView {
  const { count } = histogram;
  return {
    count, meanNs: count === 0 ? 0 : sumNs / count,
    p50Ns: histogram.percentile(50), p90Ns: histogram.percentile(90), p99Ns: histogram.percentile(99),
    p999Ns: histogram.percentile(99.9), maxNs: histogram.percentile(100), totalCount, totalNs,
  };
}
