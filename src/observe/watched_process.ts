// One process as its shared statistics show it: numbers as of its last beat, rates between two beats, latencies of the last minute.
//
//   file ─ a new beat ─► sample: its time, and all counters and gauges ─► samples of the last second or so ─► rates
//
// The time of a sample is the process's own: it wrote the numbers when it said that it is alive, so a rate is right however late
// somebody looks. How old the last sign of life is, and what a minute is, goes by a clock that rises steadily (`elapsedMs`): the
// machine's may be set, forwards or back. Cost of a look: a copy of the numbers, some 200 of an exchange, 1 µs; latencies beside (latency_window.ts).
import { PROCESS_STAT } from './process_stats.ts';
import { CountWindow } from './count_window.ts';
import { LatencyWindow } from './latency_window.ts';
import { StatKind, type StatsReader } from './shared_stats.ts';
import type { ProcessView, RateView } from './system_view.ts';

/** Rates are over at least so long, where the process is that old. */
const RATE_MS = 1_000;
/** Twelve beats, two or three of a process that rests: a machine that is busy delays one by two or three. */
export const BEAT_LATE_MS = 3_000;

interface Sample {
  readonly atMs: number;
  readonly values: Float64Array;
}

export class WatchedProcess {
  readonly stats: StatsReader;
  readonly verb: string;
  readonly #indexes: ReadonlyMap<string, number>;
  readonly #cells: Int32Array;
  /** Oldest first; the first is the newest that is RATE_MS older than the last, or all there is. */
  readonly #samples: Sample[] = [];
  readonly #windows = new Map<string, LatencyWindow>();
  readonly #counts = new Map<string, CountWindow>();
  #elapsedMs = 0;
  /** Signs of life when it was last looked at, and when the last of them was. */
  #beats: number;
  #beatMs: number;

  constructor(stats: StatsReader, verb: string, nowMs: number, elapsedMs: number) {
    this.stats = stats;
    this.verb = verb;
    const names = stats.names.filter((name) => stats.kind(name) === StatKind.Counter || stats.kind(name) === StatKind.Gauge);
    this.#indexes = new Map(names.map((name, index) => [name, index]));
    this.#cells = Int32Array.from(names, (name) => stats.cell(name));
    // When that was, only the machine's clock knows.
    this.#beatMs = elapsedMs - Math.max(0, nowMs - stats.beatMs);
    this.#elapsedMs = elapsedMs;
    this.#beats = stats.beats;
    this.#takeSample();
  }

  look(nowMs: number, elapsedMs: number): void {
    const sinceMs = elapsedMs - this.#elapsedMs;
    this.#elapsedMs = elapsedMs;
    this.stats.refresh();
    for (const window of this.#windows.values()) window.look(elapsedMs);
    if (this.stats.beats !== this.#beats) {
      this.#beats = this.stats.beats;
      // It came since the last look, whatever the machine's clock says.
      this.#beatMs = elapsedMs - Math.min(sinceMs, Math.max(0, nowMs - this.stats.beatMs));
      this.#takeSample();
    }
    for (const [name, window] of this.#counts) window.look(this.value(name) || 0, elapsedMs);
  }

  #takeSample(): void {
    const atMs = this.stats.beatMs;
    // Its clock was set back, or it said so twice in a millisecond.
    while (this.#samples.length > 0 && atMs <= this.#samples[this.#samples.length - 1].atMs) this.#samples.pop();
    const { cells } = this.stats;
    this.#samples.push({ atMs, values: Float64Array.from(this.#cells, (cell) => cells[cell]) });
    while (this.#samples.length > 2 && this.#samples[1].atMs <= atMs - RATE_MS) this.#samples.shift();
  }

  get beating(): boolean {
    return this.#elapsedMs - this.#beatMs < BEAT_LATE_MS;
  }

  has(name: string): boolean {
    return this.stats.has(name);
  }

  /** A counter or gauge; NaN: it has none of this name, or does not know. */
  value(name: string): number {
    const index = this.#indexes.get(name);
    return index === undefined ? NaN : (this.#samples.at(-1)?.values[index] ?? NaN);
  }

  /** What a counter has gained between the first sample and the last; 0 where it was set back. */
  gained(name: string): number {
    const index = this.#indexes.get(name);
    if (index === undefined) return 0;
    const last = this.#samples.at(-1);
    return last === undefined ? 0 : Math.max(0, last.values[index] - this.#samples[0].values[index]);
  }

  rate(name: string): RateView {
    const last = this.#samples.at(-1);
    const elapsedMs = last === undefined ? 0 : last.atMs - this.#samples[0].atMs;
    const perSecond = this.beating && elapsedMs > 0 ? (this.gained(name) * 1_000) / elapsedMs : 0;
    return { total: this.value(name) || 0, perSecond };
  }

  /** What a counter has gained in the last minute, from the first time on that it is asked for. */
  gainedInWindow(name: string): number {
    const known = this.#counts.get(name);
    if (known !== undefined) return known.gained;
    this.#counts.set(name, new CountWindow(this.value(name) || 0, this.#elapsedMs));
    return 0;
  }

  /** A text; '' where it has none of this name. */
  text(name: string): string {
    return this.has(name) ? this.stats.text(name) : '';
  }

  /** The last minute of these histograms together, from the first time on that they are asked for; null: it does not measure. */
  latency(names: readonly string[]): LatencyWindow | null {
    const known = this.#windows.get(names[0]);
    if (known !== undefined) return known;
    if (!names.every((name) => this.has(name))) return null;
    const window = new LatencyWindow(names.map((name) => this.stats.histogram(name)), this.#elapsedMs);
    this.#windows.set(names[0], window);
    return window;
  }

  view(): ProcessView {
    const turns = this.gained(PROCESS_STAT.turns);
    return {
      verb: this.verb,
      title: this.stats.title,
      pid: this.stats.pid,
      startedMs: this.stats.startedMs,
      beating: this.beating,
      cpuPercent: this.rate(PROCESS_STAT.cpuNs).perSecond / 1e7,
      residentBytes: this.value(PROCESS_STAT.residentBytes) || 0,
      heapUsedBytes: this.value(PROCESS_STAT.heapUsedBytes) || 0,
      allocatedBytesPerSecond: this.rate(PROCESS_STAT.allocatedBytes).perSecond,
      busyTurnsPercent: turns === 0 ? null : (100 * this.gained(PROCESS_STAT.busyTurns)) / turns,
    };
  }
}
