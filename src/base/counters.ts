// Named counters in one block of shared memory, so that a monitor on another thread reads them without
// touching the stage that counts.
//
//   values: Float64Array, one cell a counter, exact up to 2^53
//
// One writer per block: an addition is a plain load and store. Another thread reads each value whole
// (an aligned 64-bit cell), and sees it a little late.
// Two writers on neighbouring cells would fight over a cache line: give each thread a block of its own.
// Cost: `values[index] += n`, 1 to 6 ns, no call, no allocation.
import { assert } from './assert.ts';

/** Cells of a block; 8 bytes each. */
const COUNTERS_MAX = 4096;

export class Counters {
  /** The cells; hot code writes `values[index] += n` itself. */
  readonly values: Float64Array;
  readonly #names: readonly string[];
  readonly #indexByName: ReadonlyMap<string, number>;

  /**
   * One counter per name, in this order, all 0.
   * `memory`: another thread's `values.buffer`, with the same names, to read along; or fresh memory, all zeros.
   */
  constructor(names: readonly string[], memory?: ArrayBufferLike, byteOffset = 0) {
    assert(names.length <= COUNTERS_MAX, 'a block has room for its counters');
    this.#names = [...names];
    this.#indexByName = new Map(names.map((name, index) => [name, index]));
    assert(this.#indexByName.size === names.length, 'the names of counters differ');
    const bytes = names.length * 8;
    this.values = new Float64Array(memory ?? new SharedArrayBuffer(bytes), byteOffset, names.length);
  }

  get names(): readonly string[] {
    return this.#names;
  }

  /** The cell of `name`; look it up once and keep it. */
  index(name: string): number {
    const index = this.#indexByName.get(name);
    if (index === undefined) throw new RangeError(`counter was "${name}", expected one of ${this.#names.join(', ')}`);
    return index;
  }

  get(name: string): number {
    return this.values[this.index(name)];
  }

  /** All of them as they are now, by name. */
  snapshot(): Record<string, number> {
    return Object.fromEntries(this.#names.map((name, index) => [name, this.values[index]]));
  }
}
