// The last ten minutes, a point a second, for whoever opens a page now.
//
//   slot:        0    1    2   …  599           a column of doubles for every series; NaN: not known
//                └─ slot = seconds added mod HISTORY_SECONDS
//   traders:     a column each, by name; when all are taken the one that was heard longest ago gives its column
//
// Cost: 5 KB a series. Limits: HISTORY_SECONDS points, TRADERS_MAX traders.
import { HISTORY_SECONDS, type HistoryPoint } from './messages.ts';

/** More than a chart can tell apart. */
export const TRADERS_MAX = 32;

interface TraderColumn {
  readonly name: string;
  readonly values: Float64Array;
  /** Points added when it was last heard. */
  heardAt: number;
}

const column = (): Float64Array => new Float64Array(HISTORY_SECONDS).fill(NaN);

export class History {
  /** Points that were ever added; the last one's number. */
  added = 0;
  readonly #atMs = column();
  readonly #requests = column();
  readonly #trades = column();
  readonly #feedMessages = column();
  readonly #latency = { p50: column(), p90: column(), p99: column(), max: column() };
  readonly #pnl = column();
  readonly #cpu = column();
  readonly #score = column();
  readonly #traders: TraderColumn[] = [];

  add(point: HistoryPoint): void {
    const slot = this.added++ % HISTORY_SECONDS;
    this.#atMs[slot] = point.atMs;
    this.#requests[slot] = point.requestsPerSecond ?? NaN;
    this.#trades[slot] = point.tradesPerSecond ?? NaN;
    this.#feedMessages[slot] = point.feedMessagesPerSecond ?? NaN;
    this.#latency.p50[slot] = point.latency?.p50Ns ?? NaN;
    this.#latency.p90[slot] = point.latency?.p90Ns ?? NaN;
    this.#latency.p99[slot] = point.latency?.p99Ns ?? NaN;
    this.#latency.max[slot] = point.latency?.maxNs ?? NaN;
    this.#pnl[slot] = point.pnl ?? NaN;
    this.#cpu[slot] = point.cpuPercent;
    this.#score[slot] = point.healthScore;
    for (const { values } of this.#traders) values[slot] = NaN;
    for (const [name, pnl] of Object.entries(point.pnlByTrader)) {
      const trader = this.#traderOf(name);
      trader.heardAt = this.added;
      trader.values[slot] = pnl;
    }
  }

  /** Those behind the point number `after` that are still kept, oldest first. */
  points(after = 0): HistoryPoint[] {
    const first = Math.max(0, after, this.added - HISTORY_SECONDS);
    return Array.from({ length: Math.max(0, this.added - first) }, (_, i) => this.#point((first + i) % HISTORY_SECONDS));
  }

  #point(slot: number): HistoryPoint {
    const known = (value: number): number | null => (Number.isNaN(value) ? null : value);
    const { p50, p90, p99, max } = this.#latency;
    const latency = { p50Ns: p50[slot], p90Ns: p90[slot], p99Ns: p99[slot], maxNs: max[slot] };
    return {
      atMs: this.#atMs[slot],
      requestsPerSecond: known(this.#requests[slot]),
      tradesPerSecond: known(this.#trades[slot]),
      feedMessagesPerSecond: known(this.#feedMessages[slot]),
      latency: Number.isNaN(latency.p50Ns) ? null : latency,
      pnl: known(this.#pnl[slot]),
      pnlByTrader: Object.fromEntries(this.#traders.flatMap(
        ({ name, values }): [string, number][] => (Number.isNaN(values[slot]) ? [] : [[name, values[slot]]]),
      )),
      cpuPercent: this.#cpu[slot],
      healthScore: this.#score[slot],
    };
  }

  #traderOf(name: string): TraderColumn {
    const known = this.#traders.find((trader) => trader.name === name);
    if (known !== undefined) return known;
    if (this.#traders.length >= TRADERS_MAX) {
      const oldest = this.#traders.reduce((a, b) => (b.heardAt < a.heardAt ? b : a));
      this.#traders.splice(this.#traders.indexOf(oldest), 1);
    }
    const trader = { name, values: column(), heardAt: this.added };
    this.#traders.push(trader);
    return trader;
  }
}
