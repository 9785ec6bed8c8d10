// A clock over a processor's counter of ticks, kept in step with the system's monotonic clock.
//
//   now = base + (ticks − base ticks) · ns per tick
//
//   every CHECK_NS the two are compared:   a ── system ── b      a, b: ticks around one read of the system's clock;
//                                                                of three such, the pair that lies closest counts
//   error ≤ STEP_NS   the next stretch runs faster or slower, by SLEW_MAX at most, so that the error is gone at its end
//   error > STEP_NS   somebody stopped the machine, or the counter: takes over the system's time. Where that lies
//                     behind, the clock stands until it is reached: it never goes back.
//
// The rate is that of the whole time since the start, so it gets better the longer the clock runs.
// Why: the system's clock costs 40 – 57 ns from JavaScript, a counter that can be called directly 15 (docs/LATENCY.md).
// Cost: a refresh is one read of the counter, a multiplication, three loads, one or two stores; a check, 0.3 µs, ten a second.
// Limits: a counter of one rate for all cores (whoever hands it in has seen to that). Without serialisation the processor may
// read it some ns before what stands in front of it has ended.
import { assert } from './assert.ts';
import type { Clock } from './clock.ts';

/** The first checks come sooner, as the rate is known from little time. */
const CHECK_FIRST_NS = 5e6;
const CHECK_NS = 100e6;
/** A part of the rate: 1 ms in 2 s. Crystals differ by 0.0001, NTP turns the system's clock by 0.0005 at most. */
const SLEW_MAX = 0.0005;
const STEP_NS = 1e6;
const TRIES = 3;
/** How long the rate is measured before the clock is given out. */
const CALIBRATION_NS = 2e6;

// Cells: numbers that change in typed memory are never boxed.
const NOW = 0;
const BASE_NS = 1;
const BASE_TICKS = 2;
const NS_PER_TICK = 3;
const CHECK_TICKS = 4;
const CELLS = 5;

export interface CounterClockDrift {
  /** Comparisons with the system's clock. */
  readonly checks: number;
  /** The last error found, and the largest after the first second; system's time less ours. */
  readonly errorNs: number;
  readonly errorMaxNs: number;
  /** Times that the system's time was taken over. */
  readonly steps: number;
  /** Rate of the counter. */
  readonly ticksPerSecond: number;
  /** Ticks between the two reads around the system's clock: how well the two can be compared, in ns. */
  readonly bracketNs: number;
}

export class CounterClock implements Clock {
  readonly #ticks: () => number;
  readonly #systemMs: () => number;
  readonly #cells = new Float64Array(CELLS);
  readonly #startMs: number;
  // Where the rate is measured from.
  #originTicks: number;
  #originNs: number;
  #nsPerTick: number;
  #intervalNs = CHECK_FIRST_NS;
  #checks = 0;
  #errorNs = 0;
  #errorMaxNs = 0;
  #steps = 0;
  #bracketNs = 0;
  // The pair that `#compare` has found.
  #ticksAt = 0;
  #systemNs = 0;

  /** `ticks`: the counter, exact to 2^53. `systemMs`: the system's monotonic clock. Takes CALIBRATION_NS. */
  constructor(ticks: () => number, systemMs: () => number = () => performance.now()) {
    this.#ticks = ticks;
    this.#systemMs = systemMs;
    this.#startMs = systemMs();
    this.#nsPerTick = 1;
    this.#compare();
    this.#originTicks = this.#ticksAt;
    this.#originNs = this.#systemNs;
    while ((systemMs() - this.#startMs) * 1e6 - this.#originNs < CALIBRATION_NS);
    this.#compare();
    this.#nsPerTick = (this.#systemNs - this.#originNs) / (this.#ticksAt - this.#originTicks);
    assert(this.#nsPerTick > 0 && this.#nsPerTick < 1e6, 'a counter goes forward');
    this.#begin(this.#systemNs, this.#nsPerTick);
  }

  get nowNs(): number {
    return this.#cells[NOW];
  }

  refresh(): number {
    const cells = this.#cells;
    const ticks = this.#ticks();
    if (ticks >= cells[CHECK_TICKS]) this.#check();
    const now = Math.floor(cells[BASE_NS] + (ticks - cells[BASE_TICKS]) * cells[NS_PER_TICK]);
    if (now > cells[NOW]) cells[NOW] = now;
    return cells[NOW];
  }

  refreshInto(target: Float64Array, index: number): void {
    const cells = this.#cells;
    const ticks = this.#ticks();
    if (ticks >= cells[CHECK_TICKS]) this.#check();
    const now = Math.floor(cells[BASE_NS] + (ticks - cells[BASE_TICKS]) * cells[NS_PER_TICK]);
    if (now > cells[NOW]) cells[NOW] = now;
    target[index] = cells[NOW];
  }

  /** How the two clocks have agreed. */
  get drift(): CounterClockDrift {
    return {
      checks: this.#checks, errorNs: this.#errorNs, errorMaxNs: this.#errorMaxNs, steps: this.#steps,
      ticksPerSecond: 1e9 / this.#nsPerTick, bracketNs: this.#bracketNs,
    };
  }

  /** Both clocks at one moment, as closely as they can be read together. */
  #compare(): void {
    let closest = Infinity;
    for (let i = 0; i < TRIES; i += 1) {
      const before = this.#ticks();
      const systemMs = this.#systemMs();
      const after = this.#ticks();
      if (after - before >= closest) continue;
      closest = after - before;
      this.#ticksAt = (before + after) / 2;
      this.#systemNs = (systemMs - this.#startMs) * 1e6;
    }
    this.#bracketNs = closest * this.#nsPerTick;
  }

  /** A stretch from the moment compared last, at `ns`. */
  #begin(ns: number, nsPerTick: number): void {
    const cells = this.#cells;
    cells[BASE_NS] = ns;
    cells[BASE_TICKS] = this.#ticksAt;
    cells[NS_PER_TICK] = nsPerTick;
    cells[CHECK_TICKS] = this.#ticksAt + this.#intervalNs / this.#nsPerTick;
  }

  #check(): void {
    const cells = this.#cells;
    this.#compare();
    const ours = cells[BASE_NS] + (this.#ticksAt - cells[BASE_TICKS]) * cells[NS_PER_TICK];
    const error = this.#systemNs - ours;
    this.#checks += 1;
    this.#errorNs = error;
    if (ours > 1e9) this.#errorMaxNs = Math.max(this.#errorMaxNs, Math.abs(error));
    this.#intervalNs = Math.min(2 * this.#intervalNs, CHECK_NS);
    if (Math.abs(error) > STEP_NS) {
      this.#steps += 1;
      this.#originTicks = this.#ticksAt;
      this.#originNs = this.#systemNs;
      this.#begin(this.#systemNs, this.#nsPerTick);
      return;
    }
    const elapsed = this.#ticksAt - this.#originTicks;
    // Right behind a step the way is too short to measure by.
    if (elapsed * this.#nsPerTick >= CALIBRATION_NS) this.#nsPerTick = (this.#systemNs - this.#originNs) / elapsed;
    const slew = Math.max(-SLEW_MAX, Math.min(SLEW_MAX, error / this.#intervalNs));
    this.#begin(ours, this.#nsPerTick * (1 + slew));
  }
}
