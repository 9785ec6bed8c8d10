// What the dashboard's server and its page say to each other: JSON over one WebSocket and a few paths. The page imports
// these types and nothing else of the server.
//
//   page                                   server
//    │ ── GET / (page, scripts, styles) ───► │
//    │ ── upgrade /ws (Host, Origin) ──────► │
//    │ ◄── hello, history ─────────────────  │
//    │ ── watch {ticker, levels} ──────────► │
//    │ ◄── status, every STATUS_MS ────────  │
//    │ ◄── market, each MARKET_MS at most ─  │   the newest state only: a slow page misses states, never gets late ones
//    │ ── POST /api/commands (token) ──────► │
//
// A hello may come again: another exchange is followed, or an instrument's state has changed. It begins everything anew, so
// the market message behind it has the trades of the past once more. The server sends the next state when the browser has
// answered the ping behind the last one.
//
// Paths, all GET but the last and all JSON but the first two:
//   /metrics          Prometheus' text format
//   /                 the page
//   /api/dashboard    DashboardSummary, names with underscores as other systems have them
//   /api/status       StatusMessage                /api/market?ticker=1&levels=20   MarketMessage
//   /api/history      HistoryMessage               /api/alerts   Alert[] of the last hour
//   /api/instruments  InstrumentInfo[]             /api/health   {"status":"ok"}, 503 where nothing is watched
//   /api/time-travel  TimeTravelList; /api/time-travel/SOURCE/FILE  bytes; with the token where there is one
//   /api/commands     POST CommandRequest → CommandAnswer; Authorization: Bearer TOKEN
//
// Errors: {"error":"what was expected, what was"} with 400, 403, 404, 409, 429, 503.
// Prices are whole numbers of 10^-priceDecimals of their instrument; quantities whole; times ms since 1970.
import type { Alert, Health } from '../alerts/alert.ts';
import type { LatencyView, SystemView } from '../system_view.ts';

export const PROTOCOL_VERSION = 1;
/** Between two status messages. */
export const STATUS_MS = 250;
/** Between two states of a market: thirty pictures a second. */
export const MARKET_MS = 33;
export const LEVELS_MAX = 50;
/** Trades kept by the server for a page that comes. */
export const TRADES_MAX = 200;
/** Points of each series, a second apart. */
export const HISTORY_SECONDS = 600;

export interface DashboardSummary {
  readonly avg_order_latency_nanos: number | null;
  readonly p99_order_latency_nanos: number | null;
  /** As it stands now, since the traders started. */
  readonly total_pnl_dollars: number | null;
  /** Orders that traded, of those sent, in the last minute. */
  readonly fill_rate_percent: number | null;
  /** Instruments that traded or changed in the last minute. */
  readonly active_symbols: number;
  readonly system_health_score: number;
  readonly alerts_last_hour: number;
}

export interface InstrumentInfo {
  readonly ticker: number;
  readonly symbol: string;
  readonly priceDecimals: number;
  readonly tickSize: number;
  readonly state: 'open' | 'halted' | 'closed' | 'unknown';
}

export interface HelloMessage {
  readonly type: 'hello';
  readonly version: typeof PROTOCOL_VERSION;
  /** Commands are possible, with the token. */
  readonly commands: boolean;
  /** Journals and recordings can be opened under /time-travel. */
  readonly timeTravel: boolean;
  /** Name under /api/time-travel of the journal of the exchange that is watched; none: it has none, or there is no token. */
  readonly journal?: string;
  readonly instruments: readonly InstrumentInfo[];
}

export interface StatusMessage {
  readonly type: 'status';
  readonly summary: DashboardSummary;
  readonly health: Health;
  readonly system: SystemView;
  /** Those of the last hour, newest first. */
  readonly alerts: readonly Alert[];
  /** How the monitor itself hears the market. */
  readonly feed: FeedView | null;
}

export interface FeedView {
  readonly state: string;
  readonly fresh: boolean;
  readonly sequence: number;
  readonly gaps: number;
  readonly recovered: number;
  readonly duplicates: number;
  readonly messagesPerSecond: number;
}

/** [price, quantity, orders]. */
export type Level = readonly [price: number, qty: number, orders: number];

export interface MarketTrade {
  /** Rises by one with each trade of this ticker that the monitor saw. */
  readonly id: number;
  readonly atMs: number;
  /** The aggressor's: +1 bought, −1 sold. */
  readonly side: number;
  readonly price: number;
  readonly qty: number;
}

export interface MarketMessage {
  readonly type: 'market';
  readonly ticker: number;
  readonly atMs: number;
  /** Updates of this book that the monitor has applied. */
  readonly updates: number;
  /** False: the feed is being repaired and this may be old. */
  readonly fresh: boolean;
  /** Best first, at most as many as were asked for. */
  readonly bids: readonly Level[];
  readonly asks: readonly Level[];
  readonly lastPrice: number | null;
  /** Since the last message, oldest first; the first message has up to TRADES_MAX of the past. */
  readonly trades: readonly MarketTrade[];
}

/** A second of the past. Of what is not known, null. */
export interface HistoryPoint {
  readonly atMs: number;
  readonly requestsPerSecond: number | null;
  readonly tradesPerSecond: number | null;
  readonly feedMessagesPerSecond: number | null;
  /** Of this second alone. */
  readonly latency: Pick<LatencyView, 'p50Ns' | 'p90Ns' | 'p99Ns' | 'maxNs'> | null;
  readonly pnl: number | null;
  readonly pnlByTrader: Readonly<Record<string, number>>;
  readonly cpuPercent: number;
  readonly healthScore: number;
}

export interface HistoryMessage {
  readonly type: 'history';
  /** Oldest first; a page appends from the status messages' `second`. */
  readonly points: readonly HistoryPoint[];
  /** The order latency's distribution over the window: upper bounds in ns and counts, empty buckets left out. */
  readonly histogram: readonly (readonly [upToNs: number, count: number])[];
}

export type ServerMessage = HelloMessage | StatusMessage | MarketMessage | HistoryMessage | SecondMessage;

/** Once a second: what `history` gains. */
export interface SecondMessage {
  readonly type: 'second';
  readonly point: HistoryPoint;
  readonly histogram: HistoryMessage['histogram'];
}

/** What a page may say; anything else ends its connection. */
export interface WatchMessage {
  readonly type: 'watch';
  readonly ticker: number;
  readonly levels: number;
}

export type CommandRequest =
  /** Everybody's orders are cancelled and nobody trades until a reset; with `client`, that one. */
  | { readonly command: 'kill' | 'reset'; readonly client?: number; readonly confirm: true }
  | { readonly command: 'halt' | 'open' | 'close'; readonly ticker?: number; readonly confirm: true }
  /** Of a trader: quotes are withdrawn; it goes on; it ends in order. */
  | { readonly command: 'pause' | 'resume' | 'stop'; readonly client: number; readonly confirm: true }
  | { readonly command: 'limits'; readonly client: number; readonly maxPosition?: number; readonly maxOrderQty?: number; readonly maxLoss?: number; readonly confirm: true };

export interface CommandAnswer {
  readonly ok: boolean;
  /** What was done, or why not, for people. */
  readonly text: string;
}

/** What /time-travel can open. */
export interface TimeTravelList {
  readonly sources: readonly TimeTravelSource[];
}

export interface TimeTravelSource {
  /** For the path and for links. */
  readonly name: string;
  readonly kind: 'journal' | 'recording';
  readonly title: string;
  /** The exchange that is watched writes it. */
  readonly live: boolean;
  /** When the newest of its files was last written to, ms since 1970; null: there are none. */
  readonly changedMs: number | null;
  readonly files: readonly { readonly name: string; readonly bytes: number }[];
}
