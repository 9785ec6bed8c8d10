// A view with everything in it, for tests of whatever shows one.
import type { ExchangeView, LatencyView, SystemView, TraderView } from '../../src/observe/system_view.ts';

export const NOW_MS = 1_800_000_000_000;

export function latency(p50Ns: number, count = 1_000): LatencyView {
  return {
    count, meanNs: 1.2 * p50Ns, p50Ns, p90Ns: 2 * p50Ns, p99Ns: 4 * p50Ns, p999Ns: 8 * p50Ns, maxNs: 20 * p50Ns,
    totalCount: 50_000, totalNs: 60_000 * p50Ns,
  };
}

export const EXCHANGE: ExchangeView = {
  pid: 4_711, endpoint: '127.0.0.1:12345', port: 12_345, sessions: 3, ordersLive: 12_000, ordersMax: 1_048_576,
  requests: { total: 1_234_567, perSecond: 98_765.4 }, accepted: { total: 1_000_000, perSecond: 80_000 },
  rejected: { total: 1_234, perSecond: 12 }, trades: { total: 345_678, perSecond: 25_000 }, responses: { total: 1_500_000, perSecond: 120_000 },
  feedMessages: { total: 1_400_000, perSecond: 110_000 }, feedDatagrams: { total: 50_000, perSecond: 4_000 },
  bytesIn: { total: 40e6, perSecond: 3e6 }, bytesOut: { total: 60e6, perSecond: 5e6 }, feedLost: { total: 7, perSecond: 0 },
  retransmitRequests: { total: 9, perSecond: 0 }, rejectedBy: { price: 1_000, position: 234 }, closedBy: { closed_by_peer: 5, slow_reader: 1 },
  lockedOut: 1, halted: 2, orderLatency: latency(10_000), orderBuckets: [[1_000, 0], [20_000, 40_000], [1e9, 49_999]],
  stages: ['sequenced', 'matched', 'journaled', 'feed_tx', 'response_tx'].map((stage, index) =>
    ({ stage, own: latency(2_000), since: latency(2_000 * (index + 1)) })),
  queues: [{ name: 'orders', used: 12_000, capacity: 1_048_576 }, { name: 'journal', used: 3_000_000, capacity: 16_777_216 }],
  journal: {
    mode: 'durable', sequence: 500_000, releasedSequence: 499_990, lagRecords: 10, backlogBytes: 4_096,
    syncs: { total: 9_000, perSecond: 400 }, meanSyncNs: 1_500_000, longestSyncNs: 30_000_000,
  },
};

export const TRADER: TraderView = {
  pid: 4_712, client: 7, strategy: 'market-maker', state: 'running', connected: true, feedFresh: true, feedGaps: 2,
  ordersSent: { total: 20_000, perSecond: 1_500 }, fills: { total: 5_000, perSecond: 300 }, ordersOpen: 4, rejected: 3, refused: 11,
  fillRatePercent: 25, minute: { ordersSent: 400, ordersFilled: 100 }, pnl: 1_234.5,
  books: [
    {
      ticker: 1, symbol: 'AAPL', position: -150, realised: 1_000.5, unrealised: 234, positionMax: 1_000, lossMax: 1_000,
      bid: { price: 99.98, qty: 100 }, ask: { price: 100.02, qty: 85 },
    },
    { ticker: 2, symbol: 'BTC-USDT', position: 0, realised: 0, unrealised: 0, positionMax: 1_000, lossMax: 1_000, bid: null, ask: null },
  ],
  limits: { maxOrderQty: 100, maxPosition: 1_000, maxLoss: 100_000 },
  tickToTrade: latency(6_000), roundTrip: latency(40_000), standsStill: [],
};

/** An exchange, a trader and a monitor on two cores. */
export const EXAMPLE_VIEW: SystemView = {
  atMs: NOW_MS,
  machine: {
    coresBusyPercent: [75.5, 12], memoryTotalBytes: 32e9, memoryAvailableBytes: 20e9,
    interfaces: [{ name: 'lo', receivedBytes: 5e9, sentBytes: 5e9, receivedPackets: 3e7, sentPackets: 3e7, dropped: 1 }],
    network: { packetsReceived: 3e7, packetsSent: 3e7, bytesReceived: 5e9, bytesSent: 5e9, rxRatePps: 4_000, txRatePps: 4_000 },
  },
  processes: [['exchange', 4_711, 'exchange 127.0.0.1:12345'], ['trade', 4_712, 'trade market-maker, client 7'], ['dashboard', 4_713, 'dashboard 127.0.0.1:8080']]
    .map(([verb, pid, title], index) => ({
      verb: String(verb), pid: Number(pid), title: String(title), startedMs: NOW_MS - 3_723_000, beating: true, cpuPercent: 90 / (index + 1),
      residentBytes: 120e6, heapUsedBytes: 12e6, allocatedBytesPerSecond: 200_000, busyTurnsPercent: index === 2 ? null : 40,
    })),
  exchange: EXCHANGE,
  traders: [TRADER],
};
