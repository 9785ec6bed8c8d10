// A histogram of non-negative integers (nanoseconds, bytes, …) to three significant digits, from 0 to
// any bound up to 2^53, in fixed memory: the HDR histogram's buckets.
//
//   value          0 … 2047           2048 … 4095         4096 … 8191          …
//   cell width     1                  2                   4                    doubles each octave
//   cells          2048               1024                1024                 1024 each
//
// So a cell is never wider than 1/1024 of its values: percentiles are right to 0.1 %.
//
// Cost: `record` 4 – 7 ns where C takes 3 (bench/profiler.ts), no allocation. Two things made it 16: V8 adds the whole number 1 to
// a word that has always held whole numbers by way of integers (to int64, add, back: 20 cycles, each waiting for the last), so
// what is added comes out of a Float64Array; and a guess at whether a value lies in the first 2048. Memory: 8 bytes a cell, 31,744 cells for the default bound
// of 2^40 ns (18 minutes); pages of values that never come are never touched.
// One writer; another thread may read the same memory and sees it a little late.
// Limits: values above the bound count as the bound, and `clamped` says how many; sums are doubles.
import { assert } from './assert.ts';

/** Values below 2^SUB_BITS have a cell each. */
const SUB_BITS = 11;
const HALF_BITS = SUB_BITS - 1;
const HALF = 2 ** HALF_BITS;
/** Or-ed to a value, it makes the first octave that of all values with a cell each. */
const FIRST_OCTAVE = 2 * HALF - 1;
const FIRST_OCTAVE_ZEROS = Math.clz32(FIRST_OCTAVE);
const VALUE_MAX_DEFAULT = 2 ** 40 - 1;

// Words before the cells.
const TOTAL = 0;
const SUM = 1;
const MIN = 2;
const MAX = 3;
const CLAMPED = 4;
const CELLS_AT = 8;
const NO_CELL = -1;
/** 1 as a double that V8 cannot know to be whole: see Cost. */
const ONE = Float64Array.of(1);

/** The cell of a value. Integers of 32 bits throughout, no branch but the one on large values. */
function cellOf(value: number): number {
  if (value < 2 ** 31) {
    const octave = FIRST_OCTAVE_ZEROS - Math.clz32(value | FIRST_OCTAVE);
    return ((octave << HALF_BITS) + (value >>> octave)) | 0;
  }
  // Integers of 32 bits end here: the same with division.
  const high = Math.floor(value / 2 ** 31);
  const octave = FIRST_OCTAVE_ZEROS + 31 - Math.clz32(high);
  return (octave * HALF + Math.floor(value / 2 ** octave)) | 0;
}

/** The least value of a cell. */
function lowestOf(cell: number): number {
  if (cell < 2 * HALF) return cell;
  const octave = Math.floor(cell / HALF) - 1;
  return (cell - octave * HALF) * 2 ** octave;
}

/** Bytes of a histogram of this bound. */
export function histogramBytes(valueMax: number): number {
  if (!Number.isSafeInteger(valueMax) || valueMax < 2 * HALF - 1) {
    throw new RangeError(`valueMax was ${valueMax}, expected an integer of at least ${2 * HALF - 1}`);
  }
  return (CELLS_AT + cellOf(valueMax) + 1) * 8;
}

export interface HistogramSummary {
  count: number;
  min: number;
  mean: number;
  max: number;
  /** Square root of the mean squared distance from the mean, from the cells. */
  deviation: number;
  p50: number;
  p90: number;
  p99: number;
  p999: number;
  p9999: number;
}

export class Histogram {
  /** Largest value that is told apart. */
  readonly valueMax: number;
  readonly #words: Float64Array;
  readonly #cells: number;

  /**
   * `memory`: another thread's or process's, with the same bound and the same place in it, to read along; or
   * fresh memory, all zeros, before `initialize`.
   */
  constructor(valueMax: number = VALUE_MAX_DEFAULT, memory?: ArrayBufferLike, byteOffset = 0) {
    const bytes = histogramBytes(valueMax);
    this.valueMax = valueMax;
    this.#cells = bytes / 8 - CELLS_AT;
    this.#words = new Float64Array(memory ?? new SharedArrayBuffer(bytes), byteOffset, bytes / 8);
    if (memory === undefined) this.initialize();
  }

  get memory(): ArrayBufferLike {
    return this.#words.buffer;
  }

  /** Makes memory of zeros an empty histogram, and touches its first page alone. */
  initialize(): void {
    this.#words[MIN] = Infinity;
  }

  /** One value of 0 or more; fractions count as the integer below. */
  record(value: number): void {
    this.recordMany(value, ONE[0]);
  }

  /** The same value `count` times. */
  recordMany(value: number, count: number): void {
    assert(value >= 0, 'a histogram takes values of 0 or more'); // false for NaN too
    const words = this.#words;
    let bounded = value;
    if (value > this.valueMax) {
      bounded = this.valueMax;
      words[CLAMPED] += count;
    }
    words[CELLS_AT + cellOf(bounded)] += count;
    words[TOTAL] += count;
    words[SUM] += value * count;
    if (value < words[MIN]) words[MIN] = value;
    if (value > words[MAX]) words[MAX] = value;
  }

  /** Takes back `count` values that were recorded as this one; the least and the largest stay what they were. */
  remove(value: number, count: number): void {
    assert(value >= 0 && value <= this.valueMax, 'what is taken back was told apart');
    const words = this.#words;
    const cell = CELLS_AT + cellOf(value);
    assert(words[cell] >= count, 'no more is taken back than was recorded');
    words[cell] -= count;
    words[TOTAL] -= count;
    words[SUM] -= value * count;
  }

  get count(): number {
    return this.#words[TOTAL];
  }

  /** Of all values, exactly as long as it is below 2^53. */
  get sum(): number {
    return this.#words[SUM];
  }

  /** The least value recorded, exactly; 0 when there is none. */
  get min(): number {
    return this.count === 0 ? 0 : this.#words[MIN];
  }

  /** The largest value recorded, exactly, also beyond the bound; 0 when there is none. */
  get max(): number {
    return this.#words[MAX];
  }

  /** 0 when there is none. */
  get mean(): number {
    return this.count === 0 ? 0 : this.#words[SUM] / this.count;
  }

  /** Values that were above the bound. */
  get clamped(): number {
    return this.#words[CLAMPED];
  }

  /** The value that `percent` of the values do not exceed (the largest of its cell); 0 when there is none. */
  percentile(percent: number): number {
    if (!(percent >= 0 && percent <= 100)) throw new RangeError(`percent was ${percent}, expected 0 to 100`);
    const { count } = this;
    if (count === 0) return 0;
    const rank = Math.max(1, Math.ceil((percent / 100) * count - 1e-9)); // 99.9 % of 1000 is 999, not 999.0000001
    let seen = 0;
    for (let cell = 0; cell < this.#cells; cell += 1) {
      seen += this.#words[CELLS_AT + cell];
      if (seen >= rank) {
        // Beyond the bound nothing is told apart: the largest is all that is known.
        const last = cell === this.#cells - 1;
        return last ? this.max : Math.max(Math.min(lowestOf(cell + 1) - 1, this.max), this.min);
      }
    }
    return this.max;
  }

  /** Adds what `other` has recorded; both with the same bound. */
  merge(other: Histogram): void {
    assert(other.valueMax === this.valueMax, 'merged histograms have the same bound');
    const words = this.#words;
    const others = other.#words;
    for (let i = CELLS_AT; i < words.length; i += 1) words[i] += others[i];
    words[TOTAL] += others[TOTAL];
    words[SUM] += others[SUM];
    words[CLAMPED] += others[CLAMPED];
    words[MIN] = Math.min(words[MIN], others[MIN]);
    words[MAX] = Math.max(words[MAX], others[MAX]);
  }

  /** Forgets everything. */
  reset(): void {
    this.#words.fill(0);
    this.initialize();
  }

  /**
   * Takes over what `other` has recorded since `before` was taken over from it, the two with the same bound: an
   * interval of a histogram that goes on. The least and the largest are those of the cells.
   */
  assignDifference(other: Histogram, before: Histogram): void {
    assert(other.valueMax === this.valueMax && before.valueMax === this.valueMax, 'histograms of a difference have the same bound');
    const words = this.#words;
    const later = other.#words;
    const earlier = before.#words;
    let count = 0;
    let first = NO_CELL;
    let last = NO_CELL;
    for (let cell = 0; cell < this.#cells; cell += 1) {
      const more = later[CELLS_AT + cell] - earlier[CELLS_AT + cell];
      words[CELLS_AT + cell] = more;
      if (more === 0) continue;
      count += more;
      if (first === NO_CELL) first = cell;
      last = cell;
    }
    words[TOTAL] = count; // of the cells: the writer may be between a cell and the total
    words[SUM] = later[SUM] - earlier[SUM];
    words[CLAMPED] = later[CLAMPED] - earlier[CLAMPED];
    words[MIN] = first === NO_CELL ? Infinity : Math.max(lowestOf(first), later[MIN]);
    words[MAX] = last === NO_CELL ? 0 : last === this.#cells - 1 ? later[MAX] : Math.min(lowestOf(last + 1) - 1, later[MAX]);
  }

  /**
   * Adds to `seen` what this one, that another thread goes on writing, has recorded beyond it, both with the same bound, and calls
   * `visit(highest, count)` for each cell that has more, rising. Afterwards `seen` is a copy of this.
   */
  takeNew(seen: Histogram, visit: (highest: number, count: number) => void): void {
    assert(seen.valueMax === this.valueMax, 'a histogram and what was seen of it have the same bound');
    const words = this.#words;
    const before = seen.#words;
    if (words[TOTAL] === before[TOTAL]) return;
    before[SUM] = words[SUM];
    before[CLAMPED] = words[CLAMPED];
    before[MIN] = words[MIN];
    before[MAX] = words[MAX];
    const last = this.#lastCell;
    for (let cell = this.#firstCell; cell <= last; cell += 1) {
      const more = words[CELLS_AT + cell] - before[CELLS_AT + cell];
      if (more === 0) continue;
      before[CELLS_AT + cell] += more;
      before[TOTAL] += more; // of the cells: the writer may be between a cell and the total
      visit(lowestOf(cell + 1) - 1, more);
    }
  }

  /** No cell below it has values. */
  get #firstCell(): number {
    return this.count === 0 ? 0 : cellOf(Math.min(this.valueMax, this.#words[MIN]));
  }

  /** No cell above it has values; NO_CELL: there are none. */
  get #lastCell(): number {
    return this.count === 0 ? NO_CELL : cellOf(Math.min(this.valueMax, this.#words[MAX]));
  }

  /** Takes over all that `other` has recorded, with the same bound. */
  assign(other: Histogram): void {
    assert(other.valueMax === this.valueMax, 'a histogram takes over one of the same bound');
    this.#words.set(other.#words);
  }

  /** Calls `visit(lowest, highest, count)` for each cell with values, rising. */
  forEachCell(visit: (lowest: number, highest: number, count: number) => void): void {
    const last = this.#lastCell;
    for (let cell = this.#firstCell; cell <= last; cell += 1) {
      const count = this.#words[CELLS_AT + cell];
      if (count > 0) visit(lowestOf(cell), lowestOf(cell + 1) - 1, count);
    }
  }

  /** The figures that reports show. */
  summary(): HistogramSummary {
    const { count, min, mean, max } = this;
    let squares = 0;
    this.forEachCell((lowest, highest, cellCount) => {
      const distance = (lowest + highest) / 2 - mean;
      squares += distance * distance * cellCount;
    });
    return {
      count, min, mean, max,
      deviation: count === 0 ? 0 : Math.sqrt(squares / count),
      p50: this.percentile(50), p90: this.percentile(90), p99: this.percentile(99),
      p999: this.percentile(99.9), p9999: this.percentile(99.99),
    };
  }

  /** That the sums agree with the cells; for tests. */
  checkInvariants(): void {
    let total = 0;
    for (let cell = 0; cell < this.#cells; cell += 1) {
      assert(this.#words[CELLS_AT + cell] >= 0, 'no cell is negative');
      total += this.#words[CELLS_AT + cell];
    }
    assert(total === this.count, 'the cells add up to the count');
    assert(this.count === 0 || this.min <= this.max, 'the least is not above the largest');
    assert(this.clamped <= this.count, 'no more clamped than recorded');
  }
}
