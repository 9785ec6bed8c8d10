// Looks for tests: a system in which nothing is wrong, and what differs from it.
import type { ExchangeView, JournalView, LatencyView, ProcessView, RateView, SystemView, TraderBookView, TraderView } from '../system_view.ts';
import type { Look } from './rules.ts';

export function latencyView(p99Ns: number): LatencyView {
  return {
    count: 100, meanNs: p99Ns / 2, p50Ns: p99Ns / 2, p90Ns: p99Ns / 2, p99Ns, p999Ns: p99Ns, maxNs: p99Ns, totalCount: 100, totalNs: 50 * p99Ns,
  };
}

export function rateView(total: number): RateView {
  return { total, perSecond: 0 };
}

export function processView(differs: Partial<ProcessView> = {}): ProcessView {
  return {
    verb: 'exchange', title: '', pid: 1, startedMs: 0, beating: true, cpuPercent: 5, residentBytes: 2 ** 20, heapUsedBytes: 0,
    allocatedBytesPerSecond: 0, busyTurnsPercent: null, ...differs,
  };
}

export function journalView(differs: Partial<JournalView> = {}): JournalView {
  return {
    mode: 'durable', sequence: 0, releasedSequence: 0, lagRecords: 0, backlogBytes: 0, syncs: rateView(0), meanSyncNs: 0, longestSyncNs: 0, ...differs,
  };
}

export function exchangeView(differs: Partial<ExchangeView> = {}): ExchangeView {
  const none = rateView(0);
  return {
    pid: 1, endpoint: '127.0.0.1:12345', port: 12_345, sessions: 0, ordersLive: 0, ordersMax: 1, requests: none, accepted: none, rejected: none,
    trades: none, responses: none, feedMessages: none, feedDatagrams: none, bytesIn: none, bytesOut: none, feedLost: none, retransmitRequests: none,
    rejectedBy: {}, closedBy: {}, lockedOut: 0, halted: 0, orderLatency: null, orderBuckets: [], stages: [], queues: [], journal: null,
    ...differs,
  };
}

export function bookView(differs: Partial<TraderBookView> = {}): TraderBookView {
  return {
    ticker: 7, symbol: 'T7', position: 0, realised: 0, unrealised: 0, bid: null, ask: null, positionMax: 1_000, lossMax: 1_000, ...differs,
  };
}

export function traderView(differs: Partial<TraderView> = {}): TraderView {
  return {
    pid: 2, client: 5, strategy: 'market-maker', state: 'running', connected: true, feedFresh: true, feedGaps: 0, ordersSent: rateView(0),
    fills: rateView(0), ordersOpen: 0, rejected: 0, refused: 0, fillRatePercent: 0, minute: { ordersSent: 0, ordersFilled: 0 }, pnl: 0, books: [], limits: null, tickToTrade: null, roundTrip: null,
    standsStill: [], ...differs,
  };
}

export function systemView(differs: Partial<SystemView> = {}): SystemView {
  return {
    atMs: 1.7e12,
    machine: {
      coresBusyPercent: [10, 20], memoryTotalBytes: 8 * 2 ** 30, memoryAvailableBytes: 6 * 2 ** 30, interfaces: [],
      network: { packetsReceived: 0, packetsSent: 0, bytesReceived: 0, bytesSent: 0, rxRatePps: 0, txRatePps: 0 },
    },
    processes: [], exchange: null, traders: [], ...differs,
  };
}

export function lookAt(system: Partial<SystemView> = {}, differs: Partial<Omit<Look, 'system'>> = {}): Look {
  return { elapsedMs: 0, feedGaps: null, mismatches: [], ...differs, system: systemView(system) };
}
