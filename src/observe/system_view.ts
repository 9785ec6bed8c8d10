// What the monitor knows of the running processes at one instant, as plain data.
//
//   shared statistics of each process ─► SystemWatch.look() ─► SystemView ─┬─► /metrics      metrics/
//                                                                          ├─► alerts        alerts/
//                                                                          └─► dashboard     dashboard/messages.ts
//
// Everything here can be sent as JSON. Rates and latencies are those of the last WINDOW_SECONDS unless their name says
// otherwise; totals are since the start of their process. What is not known is null, never 0.
// Money is in the currency's units as a double: for eyes and alerts, never for accounts.

/** Over which rates and latencies are taken, in seconds: `/api/dashboard` speaks of the last minute. */
export const WINDOW_SECONDS = 60;

export interface SystemView {
  /** ms since 1970. */
  readonly atMs: number;
  readonly machine: MachineView;
  /** Every process of ours that runs under this user, exchanges first, the monitor itself among them. */
  readonly processes: readonly ProcessView[];
  /** The exchange that is watched; null: none runs. */
  readonly exchange: ExchangeView | null;
  /** Those that trade on that exchange; all that run where none is watched. */
  readonly traders: readonly TraderView[];
}

export interface MachineView {
  /** 0 … 100 for each core, over the last second. */
  readonly coresBusyPercent: readonly number[];
  readonly memoryTotalBytes: number;
  readonly memoryAvailableBytes: number;
  /** Since the machine started. */
  readonly interfaces: readonly InterfaceView[];
  /** All interfaces together; loopback counts, for here it carries orders and feed. */
  readonly network: NetworkStats;
}

/** Under the names that users of other systems know. */
export interface NetworkStats {
  /** Since the machine started. */
  readonly packetsReceived: number;
  readonly packetsSent: number;
  readonly bytesReceived: number;
  readonly bytesSent: number;
  /** Packets a second, over the last second or two. */
  readonly rxRatePps: number;
  readonly txRatePps: number;
}

export interface InterfaceView {
  readonly name: string;
  readonly receivedBytes: number;
  readonly sentBytes: number;
  readonly receivedPackets: number;
  readonly sentPackets: number;
  readonly dropped: number;
}

export interface ProcessView {
  /** Its verb: exchange, trade, dashboard, … */
  readonly verb: string;
  readonly title: string;
  readonly pid: number;
  readonly startedMs: number;
  /** False: no sign of life for longer than a beat should take. */
  readonly beating: boolean;
  /** Of one core, over the last second; two busy threads make 200. */
  readonly cpuPercent: number;
  readonly residentBytes: number;
  readonly heapUsedBytes: number;
  readonly allocatedBytesPerSecond: number;
  /** Turns of its loop that had work, 0 … 100; null: it has no loop. */
  readonly busyTurnsPercent: number | null;
}

/** With a `count` of 0 nothing came in the window: the other figures are 0 then and say nothing, the totals still hold. */
export interface LatencyView {
  readonly count: number;
  readonly meanNs: number;
  readonly p50Ns: number;
  readonly p90Ns: number;
  readonly p99Ns: number;
  readonly p999Ns: number;
  readonly maxNs: number;
  /** Since the start of the process: how many, and their sum, so that others can take rates of their own. */
  readonly totalCount: number;
  readonly totalNs: number;
}

export interface StageView {
  readonly stage: string;
  /** Since the stage before. */
  readonly own: LatencyView;
  /** Since the first stage. */
  readonly since: LatencyView;
}

export interface RateView {
  readonly total: number;
  /** Over the last second or two. */
  readonly perSecond: number;
}

export interface QueueView {
  readonly name: string;
  readonly used: number;
  readonly capacity: number;
}

export interface ExchangeView {
  readonly pid: number;
  /** "127.0.0.1:12345". */
  readonly endpoint: string;
  readonly port: number;
  readonly sessions: number;
  readonly ordersLive: number;
  readonly ordersMax: number;
  readonly requests: RateView;
  readonly accepted: RateView;
  readonly rejected: RateView;
  readonly trades: RateView;
  readonly responses: RateView;
  readonly feedMessages: RateView;
  readonly feedDatagrams: RateView;
  readonly bytesIn: RateView;
  readonly bytesOut: RateView;
  /** Datagrams that its own socket did not take. */
  readonly feedLost: RateView;
  readonly retransmitRequests: RateView;
  /** Totals by reason, those that are not 0. */
  readonly rejectedBy: Readonly<Record<string, number>>;
  readonly closedBy: Readonly<Record<string, number>>;
  readonly lockedOut: number;
  readonly halted: number;
  /** From the bytes read to the answer sent, in the exchange; null: it does not measure, or has not measured anything yet. */
  readonly orderLatency: LatencyView | null;
  /** Requests answered within so long, since the start: bounds and counts rise; empty: it does not measure. */
  readonly orderBuckets: readonly (readonly [upToNs: number, count: number])[];
  /** By stage that was ever passed, in the order in which time passes them; empty: as above. */
  readonly stages: readonly StageView[];
  readonly queues: readonly QueueView[];
  readonly journal: JournalView | null;
}

export interface JournalView {
  readonly mode: string;
  readonly sequence: number;
  /** Up to which records are as safe as the mode asks. */
  readonly releasedSequence: number;
  readonly lagRecords: number;
  readonly backlogBytes: number;
  readonly syncs: RateView;
  readonly meanSyncNs: number;
  readonly longestSyncNs: number;
}

export interface TraderView {
  readonly pid: number;
  readonly client: number;
  readonly strategy: string;
  /** running, paused, … (RUNNER_STATE_TEXT). */
  readonly state: string;
  readonly connected: boolean;
  readonly feedFresh: boolean;
  readonly feedGaps: number;
  readonly ordersSent: RateView;
  readonly fills: RateView;
  readonly ordersOpen: number;
  readonly rejected: number;
  /** Refused by its own risk checks. */
  readonly refused: number;
  /** 0 … 100: share of the orders sent that have traded, since it started. */
  readonly fillRatePercent: number;
  /** Over the last WINDOW_SECONDS: orders sent, and orders that traded for the first time, some of which may have been sent before. */
  readonly minute: { readonly ordersSent: number; readonly ordersFilled: number };
  /** null: a position has no price to value it with. */
  readonly pnl: number | null;
  readonly books: readonly TraderBookView[];
  /** null: it is an engine inside of a program, whose limits nobody sets from outside. */
  readonly limits: TraderLimitsView | null;
  /** From the datagram to the order sent; null: nothing was measured yet. */
  readonly tickToTrade: LatencyView | null;
  /** From the order sent to its acknowledgement; null as above. */
  readonly roundTrip: LatencyView | null;
  /** What keeps it from trading; empty while nothing does. */
  readonly standsStill: readonly string[];
}

/** Of each of its instruments, in the whole numbers of `outcry ctl limits`: lots, and for the loss price units (cents). */
export interface TraderLimitsView {
  readonly maxOrderQty: number;
  readonly maxPosition: number;
  readonly maxLoss: number;
}

/** Of a limit: none, or not told. */
export const LIMIT_UNKNOWN = Number.MAX_SAFE_INTEGER;

export interface TraderBookView {
  readonly ticker: number;
  readonly symbol: string;
  readonly position: number;
  readonly realised: number;
  readonly unrealised: number | null;
  /** Its own quotes, the price as money (99.9), not in the feed's whole numbers; null: none. */
  readonly bid: { readonly price: number; readonly qty: number } | null;
  readonly ask: { readonly price: number; readonly qty: number } | null;
  /** Quantity, and money; LIMIT_UNKNOWN: none, or not told. */
  readonly positionMax: number;
  readonly lossMax: number;
}
