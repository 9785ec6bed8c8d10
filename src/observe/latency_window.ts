// The latencies of the last minute, of histograms that another process goes on writing.
//
//   live histograms ─ once a second ─► what is new ─► slice: pairs of value and count ─┬─► window (all slices together)
//                                                      kept for WINDOW_SECONDS ────────┴─► taken back when it leaves
//
// A slice holds its own cells only, some hundreds, so sixty seconds of it are small; the window's figures are right to 0.1 %, the
// histogram's own precision, and its sum is exact.
// Cost of a look: two comparisons, and once a second a pass over the cells between least and largest of each histogram that has
// new values, some 20 µs. Memory: of cells that have values alone, and 16 bytes a cell of a slice.
// Limits: a second in which nobody looked falls into the slice of the next look.
import { Histogram } from '../base/histogram.ts';
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
  /** value, count, value, count, …; the value is the largest of its cell, so that the window has no largest below it. */
  readonly pairs: Float64Array;
}

interface Part {
  readonly live: Histogram;
  /** What is in a slice already, or was there before anybody looked. */
  readonly seen: Histogram;
}

export class LatencyWindow {
  /** Of the last slice; null: nothing was measured in it. */
  lastSecond: LatencyView | null = null;
  /** Of the window; null: nothing was ever measured. */
  view: LatencyView | null = null;
  readonly #parts: readonly Part[];
  readonly #window = new Histogram();
  readonly #slices: Slice[] = [];
  /** Of each of BUCKET_BOUNDS_NS alone, since the start. */
  readonly #bucketCounts = new Float64Array(BUCKET_BOUNDS_NS.length);
  #sumNs = 0;
  #slicedMs: number;

  /** `parts` count together. What they have counted before is in the totals, not in the window. `nowMs` rises steadily, here and below. */
  constructor(parts: readonly Histogram[], nowMs: number) {
    this.#parts = parts.map((live) => ({ live, seen: new Histogram(live.valueMax) }));
    this.#slicedMs = nowMs;
    this.#takeNew();
    this.view = this.#windowView();
  }

  /** True: a second is over, the figures are new. */
  look(nowMs: number): boolean {
    if (nowMs - this.#slicedMs < SLICE_MS) return false;
    this.#slicedMs = nowMs;
    const before = this.#total('sum');
    const pairs = this.#takeNew();
    if (pairs.length > 0) this.#add({ atMs: nowMs, sumNs: this.#total('sum') - before, pairs });
    else this.lastSecond = null;
    this.#drop(nowMs);
    this.view = this.#windowView();
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
    let upTo = 0;
    return BUCKET_BOUNDS_NS.map((boundNs, index) => [boundNs, (upTo += this.#bucketCounts[index])]);
  }

  /** Cells of all parts that have more than before, as pairs, rising where there is one part. */
  #takeNew(): Float64Array {
    const pairs: number[] = [];
    for (const { live, seen } of this.#parts) {
      let bucket = 0;
      live.takeNew(seen, (highest, count) => {
        pairs.push(highest, count);
        while (highest > BUCKET_BOUNDS_NS[bucket]) bucket += 1; // cells rise
        if (bucket < BUCKET_BOUNDS_NS.length) this.#bucketCounts[bucket] += count;
      });
    }
    return Float64Array.from(pairs);
  }

  #add(slice: Slice): void {
    const { pairs, sumNs } = slice;
    second.reset();
    for (let i = 0; i < pairs.length; i += 2) {
      second.recordMany(pairs[i], pairs[i + 1]);
      this.#window.recordMany(pairs[i], pairs[i + 1]);
    }
    this.#slices.push(slice);
    this.#sumNs += sumNs;
    this.lastSecond = viewOf(second, sumNs, this.#total('count'), this.#total('sum'));
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

  #windowView(): LatencyView | null {
    const count = this.#total('count');
    return count === 0 ? null : viewOf(this.#window, this.#sumNs, count, this.#total('sum'));
  }

  #total(of: 'count' | 'sum'): number {
    return this.#parts.reduce((total, { seen }) => total + seen[of], 0);
  }
}

/** Lent to one window at a time: its last slice. */
const second = new Histogram();
const SHARES = [0.5, 0.9, 0.99, 0.999, 1] as const;

/** The largest is that of its cell: of a window the exact one is not known. */
function viewOf(histogram: Histogram, sumNs: number, totalCount: number, totalNs: number): LatencyView {
  const { count } = histogram;
  const ranks = SHARES.map((share) => Math.max(1, Math.ceil(share * count - 1e-9)));
  const found: number[] = [];
  let seen = 0;
  histogram.forEachCell((_lowest, highest, cellCount) => {
    seen += cellCount;
    while (found.length < ranks.length && seen >= ranks[found.length]) found.push(highest);
  });
  const [p50Ns = 0, p90Ns = 0, p99Ns = 0, p999Ns = 0, maxNs = 0] = found;
  return { count, meanNs: count === 0 ? 0 : sumNs / count, p50Ns, p90Ns, p99Ns, p999Ns, maxNs, totalCount, totalNs };
}
