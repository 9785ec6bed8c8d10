// What an exchange is told before it starts: checked and complete (src/apps/config.ts does both),
// never changed afterwards, passed on explicitly. The defaults are those that users of other
// systems know.
import { SOUP_PACKET_BYTES_MAX } from '../wire/framing/soup.ts';
import { assert } from '../base/assert.ts';
import { Stp } from '../book/types.ts';

/** How a listener finds the framing of a connection: by its first byte, or as stated. */
export const ListenerFraming = {
  Auto: 'auto',
  Bare: 'bare',
  Sequenced: 'sequenced',
  Soup: 'soup',
} as const;
export type ListenerFraming = (typeof ListenerFraming)[keyof typeof ListenerFraming];

export const FeedLayout = { Native: 'native', Book: 'book', Bare: 'bare' } as const;
export type FeedLayout = (typeof FeedLayout)[keyof typeof FeedLayout];

export interface ListenerConfig {
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
  readonly framing: ListenerFraming;
}

export interface InstrumentConfig {
  /** On the wire. */
  readonly ticker: number;
  readonly symbol: string;
  /** A price unit is 10^-decimals. */
  readonly decimals: number;
  /** Price units in a tick. */
  readonly tickSize: number;
  /** Quantities are multiples of it. */
  readonly lotSize: number;
  /** Range of prices in units, both ends included, multiples of the tick. */
  readonly minPrice: number;
  readonly maxPrice: number;
}

/** Who may log in on `soup`. */
export interface AccountConfig {
  /** At most 6 ASCII characters. */
  readonly user: string;
  /** At most 10; '': it cannot log in by one. Never asked for beyond loopback. */
  readonly password: string;
  readonly client: number;
  /** Self-trade group that this account may name beside its own client id; null = none. */
  readonly owner: number | null;
  readonly cancelOnDisconnect: boolean;
  /** Any of them proves who it is; several, so that one can be replaced by another. */
  readonly keys?: readonly LoginKey[];
}

/** What signed log-ins are signed with. */
export interface LoginKey {
  /** At most 8 printable ASCII characters. */
  readonly id: string;
  readonly secret: Uint8Array;
}

/** In every limit below: nothing is refused for this. */
export const NO_LIMIT = 0;

/** What an account may do on an instrument. Checked before matching (risk_gate.ts). */
export interface OrderLimits {
  /** Of one order, executions included. */
  readonly orderQty: number;
  /** Of one order: price × quantity in whole units of money, 10^decimals price units each. */
  readonly notional: number;
  /** How far a price may be from the reference, either way. Where both are given the nearer holds. */
  readonly collarTicks: number;
  /** The same in ten-thousandths of the reference. */
  readonly collarBps: number;
  /** Long or short, should everything open trade. */
  readonly position: number;
}

/** What an account may do over all instruments. */
export interface AccountLimits {
  /** Live orders, waiting stops included. */
  readonly openOrders: number;
  /** New orders and modifies: so many at once, and so many a second. Beyond: refused. */
  readonly messagesPerSecond: number;
  /** Cancels and mass cancels, counted apart; none given = CANCELS_PER_MESSAGE times the above. */
  readonly cancelsPerSecond: number;
  /** Requests refused for their rate, at once and a second. Beyond: logged out. */
  readonly refusalsPerSecond: number;
}

/** Limits of one client, of one instrument, or of one client there; what is null stands as it was. */
export type LimitOverride = {
  readonly client: number | null;
  readonly ticker: number | null;
} & { readonly [K in keyof (OrderLimits & AccountLimits)]: number | null };

/**
 * What a price is compared with: the last trade; or the middle of best bid and ask, and where one of them
 * is missing the last trade. Before there is any, nothing is refused for it. (Not the middle for want of a
 * trade: two far orders would then keep everybody out.)
 */
export const CollarReference = { Last: 'last', Mid: 'mid' } as const;
export type CollarReference = (typeof CollarReference)[keyof typeof CollarReference];

export interface RiskConfig {
  /** Of everybody, everywhere. */
  readonly limits: OrderLimits & AccountLimits;
  /**
   * What differs. For an account on an instrument a row of both holds before one of either alone;
   * of an account's and an instrument's the stricter holds.
   */
  readonly overrides: readonly LimitOverride[];
  readonly collarReference: CollarReference;
  /** No account may fill the engine's orders, levels or price blocks alone. */
  readonly fairShares: boolean;
}

/** The operator's channel (operator_channel.ts). It opens where there is a token. */
export interface OperatorConfig {
  readonly enabled: boolean;
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
  readonly token: string;
}

export interface LimitsConfig {
  readonly connections: number;
  readonly connectionsPerAddress: number;
  /** New ones: so many at once and so many a second; more wait in the kernel. */
  readonly connectionsPerSecond: number;
  /** Client ids known at once. */
  readonly accounts: number;
  /** Frames taken from one session in a turn: one that floods gets this share and no more. */
  readonly framesPerTurn: number;
  readonly receiveBytes: number;
  /** Outbound bytes a session may leave unread before it is closed. */
  readonly slowReaderBytes: number;
  /** Outbound bytes kept for an account, read or not, so that it can resume. */
  readonly outboundLogBytes: number;
  /** Held by the outbound logs of all clients together, but for 64 KiB each. */
  readonly outboundTotalBytes: number;
  readonly loginNs: number;
  /** From the first byte of a frame to its last. */
  readonly frameNs: number;
  readonly heartbeatNs: number;
  /** Silence of a client that is flagged; twice that closes. */
  readonly lapseNs: number;
  /**
   * After a start on a journal: how long clients whose orders end with their connection have to come
   * back before they end.
   */
  readonly restartGraceNs: number;
}

export interface ExchangeConfig {
  readonly listeners: readonly ListenerConfig[];
  readonly instruments: readonly InstrumentConfig[];
  readonly accounts: readonly AccountConfig[];
  /** Listen beyond loopback without accounts. */
  readonly insecure: boolean;
  /** Client order ids of an account rise strictly on `soup`. */
  readonly risingOrderIds: boolean;
  /** Of connections that name themselves (bare, sequenced, and soup without accounts). */
  readonly cancelOnDisconnect: boolean;
  readonly ordersMax: number;
  readonly stp: Stp;
  readonly interface: string;
  readonly ttl: number;
  readonly feed: { readonly layout: FeedLayout; readonly group: string; readonly port: number };
  /** `intervalNs` 0: no cycles. */
  readonly snapshot: { readonly group: string; readonly port: number; readonly intervalNs: number };
  /** `messages`: how many of the last ones can be had again. */
  readonly retransmit: {
    readonly host: string;
    readonly port: number;
    readonly messages: number;
    readonly datagramsPerSecond: number;
  };
  readonly limits: LimitsConfig;
  readonly risk: RiskConfig;
  readonly operator: OperatorConfig;
}

export const PORT_DEFAULT = 12_345;
export const MULTICAST_PORT_DEFAULT = 5_000;
const MILLISECOND_NS = 1_000_000;

export const LIMITS_DEFAULT: LimitsConfig = {
  connections: 2_048,
  connectionsPerAddress: 2_048,
  // A connection costs some 20 µs: one that comes back without end may take 2 % of the thread.
  connectionsPerSecond: 1_000,
  accounts: 4_096,
  framesPerTurn: 256,
  receiveBytes: 64 * 1024,
  // 0.6 s of answers at 300,000 orders/s.
  slowReaderBytes: 8 * 1024 * 1024,
  outboundLogBytes: 16 * 1024 * 1024,
  outboundTotalBytes: 128 * 1024 * 1024,
  loginNs: 5_000 * MILLISECOND_NS,
  frameNs: 5_000 * MILLISECOND_NS,
  heartbeatNs: 1_000 * MILLISECOND_NS,
  lapseNs: 5_000 * MILLISECOND_NS,
  // A client tries again at least every 5 s (trader/order_session.ts): it has tried twice.
  restartGraceNs: 10_000 * MILLISECOND_NS,
};
assert(
  LIMITS_DEFAULT.receiveBytes >= SOUP_PACKET_BYTES_MAX,
  'a receive buffer can hold the largest packet',
);
assert(
  LIMITS_DEFAULT.outboundLogBytes >= LIMITS_DEFAULT.slowReaderBytes,
  'a slow reader finds its messages in the log',
);
assert(LIMITS_DEFAULT.lapseNs > LIMITS_DEFAULT.heartbeatNs, 'a heartbeat comes before a lapse');

/** Where an account's cancels are not limited by themselves: so many times its messages. */
export const CANCELS_PER_MESSAGE = 4;

/** Who asks for no limits gets none, but for the rate at which refused requests end a session. */
export const RISK_DEFAULT: RiskConfig = {
  limits: {
    orderQty: NO_LIMIT,
    notional: NO_LIMIT,
    collarTicks: NO_LIMIT,
    collarBps: NO_LIMIT,
    position: NO_LIMIT,
    openOrders: NO_LIMIT,
    messagesPerSecond: NO_LIMIT,
    cancelsPerSecond: NO_LIMIT,
    refusalsPerSecond: 1_000,
  },
  overrides: [],
  collarReference: CollarReference.Last,
  fairShares: true,
};

/** `--tickers 1,2,3`: symbols T1, T2, T3, cents, any positive price. */
export function plainInstrument(ticker: number): InstrumentConfig {
  return {
    ticker,
    symbol: `T${ticker}`,
    decimals: 2,
    tickSize: 1,
    lotSize: 1,
    minPrice: 1,
    maxPrice: 0x7fff_ffff,
  };
}

export const EXCHANGE_DEFAULT: ExchangeConfig = {
  listeners: [{ host: '127.0.0.1', port: PORT_DEFAULT, framing: ListenerFraming.Auto }],
  instruments: [plainInstrument(1), plainInstrument(2), plainInstrument(3)],
  accounts: [],
  insecure: false,
  risingOrderIds: true,
  cancelOnDisconnect: true,
  ordersMax: 1 << 20,
  stp: Stp.CancelNewest,
  interface: '127.0.0.1',
  ttl: 1,
  feed: { layout: FeedLayout.Native, group: '239.255.0.1', port: MULTICAST_PORT_DEFAULT },
  snapshot: {
    group: '239.255.0.1',
    port: MULTICAST_PORT_DEFAULT + 1,
    intervalNs: 1_000 * MILLISECOND_NS,
  },
  retransmit: {
    host: '127.0.0.1',
    port: MULTICAST_PORT_DEFAULT + 2,
    messages: 1 << 18,
    datagramsPerSecond: 20_000,
  },
  limits: LIMITS_DEFAULT,
  risk: RISK_DEFAULT,
  operator: { enabled: true, host: '127.0.0.1', port: 0, token: '' },
};
