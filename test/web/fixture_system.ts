// What a monitor might know of a system at work, from numbers: every panel of the page has something to show. `SystemDials`
// are what a test turns to see a state.
import { Prng } from '../../src/base/prng.ts';
import type { Alert, Health } from '../../src/observe/alerts/alert.ts';
import type { HistoryMessage, HistoryPoint, StatusMessage } from '../../src/observe/dashboard/messages.ts';
import type {
  ExchangeView, LatencyView, ProcessView, RateView, StageView, SystemView, TraderBookView, TraderLimitsView, TraderView,
} from '../../src/observe/system_view.ts';
import { summaryOf } from '../../src/observe/dashboard/summary.ts';
import type { FixtureMarket } from './fixture_market.ts';

export interface SystemDials {
  exchange: boolean;
  traders: boolean;
  journal: boolean;
  alerts: readonly Alert[];
  feedFresh: boolean;
  tradersPaused: boolean;
  limits: TraderLimitsView;
}

const STAGES: readonly (readonly [stage: string, meanNs: number])[] = [
  ['gateway_rx', 1_900], ['sequenced', 850], ['journaled', 6_400], ['matched', 1_250], ['response_tx', 2_300], ['feed_tx', 1_600],
];
const SECONDS_BEFORE = 420;
const MIB = 2 ** 20;

export class FixtureSystem {
  readonly dials: SystemDials = {
    exchange: true, traders: true, journal: true, alerts: [], feedFresh: true, tradersPaused: false,
    limits: { maxOrderQty: 100, maxPosition: 200, maxLoss: 500_000 },
  };
  readonly points: HistoryPoint[] = [];
  readonly #random = new Prng(11);
  readonly #markets: readonly FixtureMarket[];
  readonly #profits = new Map<number, number>([[7, 0], [8, 0], [9, 0]]);
  #seconds = 0;

  constructor(markets: readonly FixtureMarket[], nowMs: number) {
    this.#markets = markets;
    for (let i = SECONDS_BEFORE; i > 0; i--) this.second(nowMs - i * 1000);
  }

  /** A second passes; its point. */
  second(atMs: number): HistoryPoint {
    this.#seconds++;
    for (const [client, profit] of this.#profits) this.#profits.set(client, profit + this.#around(client === 9 ? -0.12 : 0.35, 4.2));
    const load = 1 + 0.25 * Math.sin(this.#seconds / 37) + this.#around(0, 0.12);
    const pnlByTrader = Object.fromEntries([...this.#profits].map(([client, profit]) => [String(client), profit]));
    const point: HistoryPoint = {
      atMs, requestsPerSecond: 42_000 * load, tradesPerSecond: 6_100 * load, feedMessagesPerSecond: 51_000 * load,
      latency: { p50Ns: 11_800 * load, p90Ns: 19_500 * load, p99Ns: 41_000 * load + Math.abs(this.#around(0, 9_000)), maxNs: 160_000 + Math.abs(this.#around(0, 240_000)) },
      pnl: [...this.#profits.values()].reduce((sum, profit) => sum + profit, 0), pnlByTrader,
      cpuPercent: 55 * load, healthScore: 96,
    };
    this.points.push(point);
    return point;
  }

  histogram(): HistoryMessage['histogram'] {
    return Array.from({ length: 120 }, (_, i): [number, number] => {
      const upToNs = Math.round(4_000 * 10 ** (i / 50));
      const far = Math.log10(upToNs / 12_500);
      return [upToNs, Math.round(90_000 * Math.exp(-far * far * (far < 0 ? 60 : 9)) + this.#random.u32() % 40)];
    });
  }

  status(atMs: number): StatusMessage {
    const { alerts, feedFresh, traders } = this.dials;
    const system = this.#system(atMs);
    const health = this.#health(alerts);
    return {
      type: 'status', summary: summaryOf(system, this.#markets.length, health, alerts), health, system, alerts,
      feed: traders || this.dials.exchange
        ? { state: feedFresh ? 'live' : 'recovering', fresh: feedFresh, sequence: 8_412_007, gaps: 3, recovered: 3, duplicates: 12, messagesPerSecond: 51_240 }
        : null,
    };
  }

  #system(atMs: number): SystemView {
    const { exchange, traders } = this.dials;
    return {
      atMs,
      machine: {
        coresBusyPercent: [72, 64, 38, 12].map((busy) => busy + this.#around(0, 6)), memoryTotalBytes: 16_384 * MIB, memoryAvailableBytes: 9_100 * MIB,
        interfaces: [{ name: 'lo', receivedBytes: 91_233 * MIB, sentBytes: 91_233 * MIB, receivedPackets: 9e8, sentPackets: 9e8, dropped: 0 }],
        network: { packetsReceived: 9e8, packetsSent: 9e8, bytesReceived: 9e10, bytesSent: 9e10, rxRatePps: 92_000, txRatePps: 92_000 },
      },
      processes: this.#processes(atMs),
      exchange: exchange ? this.#exchange() : null,
      traders: traders ? [this.#trader(7, 'market-maker', 41), this.#trader(8, 'momentum', 24), this.#trader(9, 'mean-reversion', 33)] : [],
    };
  }

  #processes(atMs: number): ProcessView[] {
    const one = (verb: string, title: string, pid: number, cpuPercent: number, resident: number): ProcessView => ({
      verb, title, pid, startedMs: atMs - 4_205_000, beating: true, cpuPercent: cpuPercent + this.#around(0, 3), residentBytes: resident * MIB,
      heapUsedBytes: resident * 0.21 * MIB, allocatedBytesPerSecond: verb === 'dashboard' ? 2.4e6 : 1_900, busyTurnsPercent: verb === 'dashboard' ? null : 61,
    });
    const traders = [7, 8, 9].map((client) => one('trade', `trade client ${client}`, 40_210 + client, 31, 96));
    return [
      ...(this.dials.exchange ? [one('exchange', 'exchange', 40_200, 88, 212)] : []),
      ...(this.dials.traders ? traders : []),
      one('dashboard', 'dashboard', 40_230, 4, 118),
    ];
  }

  #exchange(): ExchangeView {
    const point = this.points.at(-1)!;
    const requests = point.requestsPerSecond ?? 0;
    const rate = (perSecond: number): RateView => ({ total: Math.round(perSecond * 4_200), perSecond });
    return {
      pid: 40_200, endpoint: '127.0.0.1:12345', port: 12_345, sessions: 5, ordersLive: 48_213, ordersMax: 1_000_000,
      requests: rate(requests), accepted: rate(requests * 0.985), rejected: rate(requests * 0.015), trades: rate(point.tradesPerSecond ?? 0),
      responses: rate(requests * 1.3), feedMessages: rate(point.feedMessagesPerSecond ?? 0), feedDatagrams: rate(9_100),
      bytesIn: rate(2_300_000), bytesOut: rate(5_100_000), feedLost: { total: 0, perSecond: 0 }, retransmitRequests: { total: 3, perSecond: 0 },
      rejectedBy: { 'rate limit': 2_113, 'unknown order': 812, 'price collar': 44 }, closedBy: {}, lockedOut: 0, halted: 0,
      orderLatency: latency(12_400 + this.#around(0, 300)), orderBuckets: [],
      stages: stages(), queues: [{ name: 'orders', used: 48_213, capacity: 1_000_000 }, { name: 'journal', used: 1_200, capacity: 16_384 }, { name: 'events', used: 96, capacity: 65_536 }],
      journal: this.dials.journal
        ? { mode: 'group', sequence: 91_233_411, releasedSequence: 91_233_402, lagRecords: 9, backlogBytes: 4_096, syncs: rate(1_840), meanSyncNs: 310_000, longestSyncNs: 4_100_000 }
        : null,
    };
  }

  #trader(client: number, strategy: string, fillRatePercent: number): TraderView {
    const paused = this.dials.tradersPaused;
    const profit = this.#profits.get(client)!;
    const books = this.#markets.slice(0, client === 7 ? 2 : 1).map((market, index): TraderBookView => {
      const { ticker, symbol, tickSize, priceDecimals } = market.instrument;
      const { bid, ask } = market.best;
      const money = (units: number): number => units / 10 ** priceDecimals;
      const quotes = strategy === 'market-maker' && !paused;
      return {
        ticker, symbol, position: Math.round(120 * Math.sin(this.#seconds / 40 + client + index)), realised: profit * 0.8 / (index + 1), unrealised: profit * 0.2,
        bid: quotes ? { price: money(bid - tickSize * (index + 1)), qty: 40 } : null, ask: quotes ? { price: money(ask + tickSize * (index + 1)), qty: 40 } : null,
        positionMax: 200, lossMax: 5_000,
      };
    });
    return {
      pid: 40_210 + client, client, strategy, state: paused ? 'paused' : 'running', connected: true, feedFresh: true, feedGaps: 0,
      ordersSent: { total: 120_000, perSecond: paused ? 0 : 1_240 }, fills: { total: 40_000, perSecond: paused ? 0 : 312 }, ordersOpen: quoteCount(books),
      rejected: 12, refused: 3, fillRatePercent, minute: { ordersSent: 74_400, ordersFilled: 744 * fillRatePercent }, pnl: profit, books, tickToTrade: latency(14_100), roundTrip: latency(61_000),
      limits: this.dials.limits,
      standsStill: client === 9 && !paused ? ['its position is at the limit of ACME'] : [],
    };
  }

  #health(alerts: readonly Alert[]): Health {
    const held = alerts.some(({ clearedMs }) => clearedMs === null);
    const parts: Health['parts'] = [
      { name: 'latency', score: held ? 0.55 : 0.96, because: 'p99 41.0 µs of 1 ms' }, { name: 'loss', score: 1, because: 'no trader loses' },
      { name: 'queues', score: 0.99, because: 'journal 7% full' }, { name: 'journal lag', score: 1, because: '9 records' },
      { name: 'feed gaps', score: 1, because: 'none in the last minute' }, { name: 'cpu', score: 0.97, because: 'mean 46% of 95%' },
      { name: 'memory', score: 1, because: '44% of 90%' },
    ];
    return { score: 100 * Math.min(...parts.map(({ score }) => score)), parts };
  }

  /** `middle` ± `reach`. */
  #around(middle: number, reach: number): number {
    return middle + ((this.#random.u32() / 2 ** 32) * 2 - 1) * reach;
  }
}

function quoteCount(books: readonly TraderBookView[]): number {
  return books.reduce((sum, { bid, ask }) => sum + Number(bid !== null) + Number(ask !== null), 0);
}

function latency(meanNs: number): LatencyView {
  return {
    count: 2_520_000, meanNs, p50Ns: meanNs * 0.94, p90Ns: meanNs * 1.6, p99Ns: meanNs * 3.3, p999Ns: meanNs * 9, maxNs: meanNs * 31,
    totalCount: 176_400_000, totalNs: 176_400_000 * meanNs,
  };
}

function stages(): StageView[] {
  let since = 0;
  return STAGES.map(([stage, meanNs]) => {
    since += meanNs;
    return { stage, own: latency(meanNs), since: latency(since) };
  });
}

export function alert(id: number, more: Partial<Alert> = {}): Alert {
  return {
    id, kind: 'HighLatency', severity: 'warning', subject: '', message: 'p99 1.4 ms, the limit is 1 ms', value: 1_400_000, threshold: 1_000_000,
    raisedMs: Date.now() - id * 61_000, clearedMs: null, detail: {}, ...more,
  };
}
