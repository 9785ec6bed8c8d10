// Time, as a number of nanoseconds since the clock was made, read once per turn of a loop.
//
// A read costs 40 ns and a BigInt read 56 bytes of heap, so a loop reads once per turn
// (`refresh`) and everything in that turn takes the cached `nowNs`. A double counts nanoseconds
// exactly for 104 days; beyond that it rounds to 2 ns, which no interval here notices.
// Stages receive the number and never the clock: tests and simulation hand in what they like.

export interface Clock {
  /** Nanoseconds since the start, as of the last refresh. Never goes back. */
  readonly nowNs: number;
  /** Reads the time anew and returns it. */
  refresh(): number;
  /**
   * Reads the time anew into `target[index]`. Where a call is not inlined, V8 hands a returned number of this size
   * over in a box of 16 bytes; this way there is none, whatever the compiler decides.
   */
  refreshInto(target: Float64Array, index: number): void;
}

/** The machine's monotonic clock: no jumps when somebody sets the time. */
export class MonotonicClock implements Clock {
  readonly #startMs = performance.now();
  // In a typed array: a number field that is written so often could be boxed anew each time.
  readonly #now = new Float64Array(1);

  get nowNs(): number {
    return this.#now[0];
  }

  refresh(): number {
    const now = Math.round((performance.now() - this.#startMs) * 1e6);
    // performance.now() is monotonic, its rounding to a double is not quite.
    if (now > this.#now[0]) this.#now[0] = now;
    return this.#now[0];
  }

  refreshInto(target: Float64Array, index: number): void {
    const now = Math.round((performance.now() - this.#startMs) * 1e6);
    if (now > this.#now[0]) this.#now[0] = now;
    target[index] = this.#now[0];
  }
}

/** Time that moves only when told to. */
export class ManualClock implements Clock {
  nowNs = 0;

  refresh(): number {
    return this.nowNs;
  }

  refreshInto(target: Float64Array, index: number): void {
    target[index] = this.nowNs;
  }

  advance(byNs: number): void {
    if (!(byNs >= 0)) throw new RangeError(`advance was ${byNs} ns, expected 0 or more`);
    this.nowNs += byNs;
  }
}

/** The calendar's time in milliseconds since 1970, for stamps that people read; it can jump. */
export function wallClockMs(): number {
  return Date.now();
}
