// Looks at everything of ours that runs on this machine, and says how it is (system_view.ts).
//
//   runtime folder ─ once a second: who has come, who has gone ─► WatchedProcess for each statistics file ─┐
//   /proc ─► MachineWatch ─────────────────────────────────────────────────────────────────────────────────┴─► SystemView
//
// Nothing is asked of anybody: the files are mapped and read, and no process notices. One that was killed leaves a file behind,
// which goes when its number is nobody's any more; one that hangs stops beating. One that starts again on the same port is another
// file, and is watched in its place.
// Cost of a look at an exchange and two traders at 25,000 requests/s, on a machine that was busy with other things: half a
// millisecond, once a second, when slices are taken and the folder is listed, 5 ms: 0.7 % of a core at four looks a second.
import type { LatencyCurve } from './latency_window.ts';
import { MachineWatch } from './machine_watch.ts';
import { runtimeFolder, statsFiles, StatsReader, statsVerb } from './shared_stats.ts';
import { exchangeView, isExchange, isTrader, orderLatency, portOf, tradesOn, traderView } from './system_readings.ts';
import { traderStat } from './system_stats.ts';
import type { LatencyView, SystemView } from './system_view.ts';
import { WatchedProcess } from './watched_process.ts';

export type { LatencyCurve } from './latency_window.ts';

export interface SystemWatchOptions {
  /** Order port of the exchange to watch. Default: the one that was started last. */
  readonly exchangePort?: number;
  /** Where the statistics of processes lie. Default: the user's runtime folder. */
  readonly folder?: string;
}

const LIST_MS = 1_000;

export class SystemWatch {
  readonly #folder: string;
  readonly #port: number | null;
  readonly #machine = new MachineWatch();
  /** By path. */
  readonly #watched = new Map<string, WatchedProcess>();
  #listedMs = -Infinity;
  #exchange: WatchedProcess | null = null;

  constructor({ exchangePort, folder }: SystemWatchOptions = {}) {
    this.#folder = folder ?? runtimeFolder();
    this.#port = exchangePort ?? null;
  }

  /**
   * All that is known now. Made to be called a few times a second; any process may have come or gone meanwhile. `elapsedMs` rises
   * steadily, whatever the clock of the machine does.
   */
  look(nowMs: number = Date.now(), elapsedMs: number = performance.now()): SystemView {
    if (elapsedMs - this.#listedMs >= LIST_MS) this.#list(nowMs, elapsedMs);
    for (const one of this.#watched.values()) one.look(nowMs, elapsedMs);
    const all = [...this.#watched.values()].toSorted(byKindAndStart);
    const exchange = all.find((one) => isExchange(one) && (this.#port === null || portOf(one) === this.#port)) ?? null;
    this.#exchange = exchange;
    return {
      atMs: nowMs,
      machine: this.#machine.look(elapsedMs),
      processes: all.map((one) => one.view()),
      exchange: exchange === null ? null : exchangeView(exchange),
      traders: all.filter((one) => isTrader(one) && this.#isOfWatched(one, exchange)).map(traderView),
    };
  }

  /** While the exchange is gone those whose orders went to its port; where no port was named, everybody. */
  #isOfWatched(trader: WatchedProcess, exchange: WatchedProcess | null): boolean {
    if (exchange !== null) return tradesOn(trader, exchange);
    return this.#port === null || trader.value(traderStat('exchange_port')) === this.#port;
  }

  /** Order latency of the watched exchange over the window, as a distribution. As of the last look. */
  orderCurve(): LatencyCurve {
    return this.#exchange === null ? [] : (orderLatency(this.#exchange)?.curve() ?? []);
  }

  /** Its order latency of the last whole second alone; null: nothing was measured in it. As of the last look. */
  lastSecond(): LatencyView | null {
    return this.#exchange === null ? null : (orderLatency(this.#exchange)?.lastSecond ?? null);
  }

  close(): void {
    for (const { stats } of this.#watched.values()) stats.release();
    this.#watched.clear();
  }

  /** Takes up those that have come and lets go those that have gone. */
  #list(nowMs: number, elapsedMs: number): void {
    this.#listedMs = elapsedMs;
    const paths = new Set(statsFiles(this.#folder));
    for (const [path, { stats }] of this.#watched) {
      if (paths.has(path) && stats.isAlive) continue;
      stats.release();
      this.#watched.delete(path);
    }
    for (const path of paths) {
      if (this.#watched.has(path)) continue;
      const opened = opening(path, nowMs, elapsedMs);
      if (opened !== null) this.#watched.set(path, opened);
    }
  }
}

/** null: it is not complete yet, or is gone already. */
function opening(path: string, nowMs: number, elapsedMs: number): WatchedProcess | null {
  try {
    return new WatchedProcess(StatsReader.open(path), statsVerb(path), nowMs, elapsedMs);
  } catch {
    return null;
  }
}

/** Exchanges first; of each kind the newest first. */
function byKindAndStart(a: WatchedProcess, b: WatchedProcess): number {
  const rank = (one: WatchedProcess): number => (isExchange(one) ? 0 : isTrader(one) ? 1 : 2);
  return rank(a) - rank(b) || b.stats.startedMs - a.stats.startedMs || a.stats.pid - b.stats.pid;
}
