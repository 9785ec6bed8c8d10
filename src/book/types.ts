// The engine's vocabulary on the TypeScript side: commands in, events out. The numbers are those of
// core/codes.ts, the byte offsets those of core/records.ts; tests hold them together.

export const Cmd = { New: 1, Cancel: 2, Replace: 3, Reduce: 4, MassCancel: 5, State: 6, Reject: 7 } as const;
export type Cmd = (typeof Cmd)[keyof typeof Cmd];

/** FIX OrdType values. */
export const OrderType = { Market: 1, Limit: 2, Stop: 3, StopLimit: 4 } as const;
export type OrderType = (typeof OrderType)[keyof typeof OrderType];

/** FIX TimeInForce values. */
export const Tif = { Day: 0, Gtc: 1, Ioc: 3, Fok: 4 } as const;
export type Tif = (typeof Tif)[keyof typeof Tif];

export function isTif(value: number): boolean {
  return value === Tif.Gtc || value === Tif.Ioc || value === Tif.Fok || value === Tif.Day;
}

/** Self-trade prevention; Default = the engine's configured mode. */
export const Stp = { Default: 0, None: 1, CancelNewest: 2, CancelOldest: 3, CancelBoth: 4, Decrement: 5 } as const;
export type Stp = (typeof Stp)[keyof typeof Stp];

export const State = { Open: 0, Halted: 1, Closed: 2 } as const;
export type State = (typeof State)[keyof typeof State];

export const Side = { Buy: 1, Sell: -1, None: 0 } as const;
export type Side = (typeof Side)[keyof typeof Side];

export const CmdFlag = { PostOnly: 1, Extended: 2, Chain: 4 } as const;

export const Ev = {
  Accepted: 1, Trade: 2, Canceled: 3, Replaced: 4, Reduced: 5, Rejected: 6, Triggered: 7, Rested: 8, Displayed: 9,
  State: 10,
} as const;
export type Ev = (typeof Ev)[keyof typeof Ev];

export const EvFlag = { Rests: 1, Resting: 2, Kept: 4, Iceberg: 8, End: 16 } as const;

/** Reject codes and reasons of cancels; one numbering for every protocol. */
export const Reason = {
  None: 0, UnknownTicker: 1, Side: 2, Price: 3, Quantity: 4, DuplicateId: 5, UnknownOrder: 6, TooLate: 7, NotYours: 8,
  OrderTooLarge: 9, Notional: 10, Collar: 11, Position: 12, Loss: 13, OpenOrders: 14, Rate: 15, State: 16,
  PostOnly: 17, CannotFill: 18, SelfTrade: 19, Killed: 20, NotLoggedIn: 21, Malformed: 22, Capacity: 23,
  Unsupported: 24, StaleMarketData: 25,
} as const;
export type Reason = (typeof Reason)[keyof typeof Reason];

/** Words for people, by code. */
export const REASON_TEXT: Readonly<Record<number, string>> = {
  0: 'none', 1: 'unknown ticker', 2: 'side', 3: 'price', 4: 'quantity', 5: 'duplicate id', 6: 'unknown order',
  7: 'too late', 8: 'not yours', 9: 'order too large', 10: 'notional', 11: 'collar', 12: 'position', 13: 'loss',
  14: 'open orders', 15: 'rate', 16: 'state', 17: 'post-only would trade', 18: 'cannot fill', 19: 'self-trade',
  20: 'killed', 21: 'not logged in', 22: 'malformed', 23: 'capacity', 24: 'unsupported',
  25: 'stale or unknown market data',
};

/** None values of the wire and of the core (C++ book's encodings). */
export const PRICE_NONE = 0x7fff_ffff_ffff_ffffn;
export const QTY_NONE = 0xffff_ffff;
export const OWNER_NONE = 0xffff_ffff;
/** In a mass cancel: the orders of every client. */
export const CLIENT_ALL = 0xffff_ffff;
export const ORDER_ID_NONE = 0xffff_ffff_ffff_ffffn;
export const PRIORITY_NONE = 0xffff_ffff_ffff_ffffn;

/** Command slot: 32 bytes, little-endian. Offsets of fields in bytes. */
export const COMMAND = {
  size: 32, type: 0, side: 1, orderType: 2, tif: 3, flags: 4, stp: 5, book: 6, client: 8, price: 12, id: 16, qty: 24,
  reason: 28,
} as const;

/** Second slot of an extended command. */
export const COMMAND_EXTENSION = { size: 32, display: 0, minQty: 4, stopPrice: 8, owner: 12 } as const;

/** Event slot: 64 bytes, little-endian. Offsets of fields in bytes. */
export const EVENT = {
  size: 64, type: 0, side: 1, flags: 2, reason: 3, book: 4, op: 6, orderType: 7, price: 8, qty: 12, client: 16,
  makerClient: 20, id: 24, makerId: 32, orderId: 40, makerOrderId: 48, leaves: 56, displayed: 60,
} as const;

/** A command as an object, for tests, tools and the library; the pipeline writes slots instead. What is left out: a limit order, good till cancelled, else 0 or none. */
export interface Command {
  type: Cmd;
  book?: number;
  client?: number;
  id?: bigint;
  side?: Side | number;
  orderType?: OrderType | number;
  tif?: Tif | number;
  stp?: Stp | number;
  price?: number;
  qty?: number;
  postOnly?: boolean;
  chain?: boolean;
  display?: number;
  minQty?: number;
  stopPrice?: number;
  owner?: number;
  state?: State;
  reason?: Reason;
  op?: Cmd;
}

/** What a command in object form means by the fields that it leaves out: the same for the core and its twin. */
export const COMMAND_DEFAULT = {
  book: 0, client: 0, id: 0n, side: Side.None, orderType: OrderType.Limit, tif: Tif.Gtc, stp: Stp.Default, price: 0, qty: 0,
  postOnly: false, chain: false, display: 0, minQty: 0, stopPrice: 0, owner: OWNER_NONE,
  state: State.Open, reason: Reason.None, op: Cmd.New,
} as const satisfies Omit<Required<Command>, 'type'>;

/** An event as an object; fields that its type does not use are left out by both engines alike. */
export type EngineEvent =
  | { type: 'accepted'; book: number; client: number; id: bigint; orderId: bigint; side: number; orderType: number; price: number; qty: number; displayed: number; rests: boolean; end: boolean }
  | { type: 'trade'; book: number; side: number; price: number; qty: number; takerClient: number; takerId: bigint; takerOrderId: bigint; takerLeaves: number; makerClient: number; makerId: bigint; makerOrderId: bigint; makerLeaves: number; iceberg: boolean; end: boolean }
  | { type: 'canceled'; book: number; client: number; id: bigint; orderId: bigint; side: number; price: number; qty: number; reason: number; priority: bigint; resting: boolean; end: boolean }
  | { type: 'replaced'; book: number; client: number; id: bigint; orderId: bigint; side: number; price: number; qty: number; oldPrice: number; oldOpen: number; displayed: number; priority: bigint; rests: boolean; resting: boolean; kept: boolean; end: boolean }
  | { type: 'reduced'; book: number; client: number; id: bigint; orderId: bigint; side: number; price: number; qty: number; leaves: number; displayed: number; reason: number; resting: boolean; end: boolean }
  | { type: 'rejected'; book: number; client: number; id: bigint; side: number; op: number; price: number; qty: number; reason: number; end: boolean }
  | { type: 'triggered'; book: number; client: number; id: bigint; orderId: bigint; side: number; price: number; qty: number; end: boolean }
  | { type: 'rested'; book: number; client: number; id: bigint; orderId: bigint; side: number; price: number; displayed: number; leaves: number; priority: bigint; end: boolean }
  | { type: 'displayed'; book: number; client: number; id: bigint; orderId: bigint; side: number; price: number; displayed: number; leaves: number; priority: bigint; end: boolean }
  | { type: 'state'; book: number; state: number; end: boolean };

/** One side of a depth view, best first. */
export interface DepthLevel {
  price: number;
  /** Sum of visible quantities, u64. */
  qty: bigint;
  orders: number;
}

export interface InstrumentConfig {
  /** Lowest and highest price allowed, in ticks, both included. */
  minPrice: number;
  maxPrice: number;
}

export interface EngineConfig {
  instruments: readonly InstrumentConfig[];
  /** Orders (stops included) that may live at once over all instruments. */
  ordersMax: number;
  /** Price levels that may be non-empty at once over all instruments; default min(ordersMax, 65,536). */
  levelsMax?: number;
  /**
   * Price blocks (4,096 neighbouring ticks of one side, 17 KB of address space each, touched as used) that may hold
   * orders at once over all instruments; default min(levelsMax, 4,096) + 4 an instrument. An order that finds no block is canceled,
   * reason 23.
   */
  blocksMax?: number;
  /** Default self-trade mode: Stp.None in the core. */
  stp?: Stp;
  /** Emit `replaced` after the trades of a replace instead of before. */
  ackReplaceLast?: boolean;
  /** Stops that one command may trigger. */
  triggersMax?: number;
  /** Orders that may have an extension (iceberg, stop) at once; default ordersMax. */
  extendedMax?: number;
  /** Command slots of 32 bytes that one call of `process` may run. */
  commandSlots?: number;
  /** Event slots, a power of two. */
  eventsMax?: number;
  /** Levels a side in the published depth view, 0 = no views. */
  viewLevels?: number;
}
