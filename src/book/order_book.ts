// One instrument's order book with matching, for programs that want an object to talk to.
//
//   const book = new OrderBook({ decimals: 2 });
//   book.add({ id: 1, side: 'sell', price: '100.25', qty: 10 });
//   book.add({ id: 2, side: 'buy', price: '100.25', qty: 4 });   // → filled, one trade of 4 at '100.25'
//
// Prices are decimal text or numbers that stand for it; they are turned into ticks exactly, never through binary
// fractions. It is a thin face of MatchingEngine: convenient, about a microsecond an order, and it allocates; a
// program that counts nanoseconds uses MatchingEngine's command slots.
import { DecimalError, formatDecimal, parseDecimal } from '../base/decimal.ts';
import { MatchingEngine } from './matching_engine.ts';
import {
  Cmd, OrderType, REASON_TEXT, Reason, Side, Stp, Tif, type Command, type EngineEvent,
} from './types.ts';

export type BookSide = 'buy' | 'sell';
/** Any unsigned 64-bit number; beyond 2^53 − 1 as text or bigint. */
export type OrderId = number | string | bigint;

export interface OrderBookOptions {
  /** Decimals of a price, 0 … 18; default 2. */
  decimals?: number;
  /** Smallest price step in units of 10^-decimals; default 1. */
  tickSize?: number;
  /** Lowest and highest price allowed; default one tick and the highest that fits. */
  minPrice?: number | string;
  maxPrice?: number | string;
  /** Orders that may live at once; default 100,000. */
  ordersMax?: number;
  /** Self-trade prevention for orders that do not say; default none. */
  stp?: SelfTrade;
}

export type SelfTrade = 'none' | 'cancel-newest' | 'cancel-oldest' | 'cancel-both' | 'decrement';

export interface NewOrder {
  id: OrderId;
  side: BookSide;
  qty: number;
  /** Not for market and stop orders. */
  price?: number | string;
  type?: 'limit' | 'market' | 'stop' | 'stop-limit';
  tif?: 'gtc' | 'day' | 'ioc' | 'fok';
  stopPrice?: number | string;
  postOnly?: boolean;
  /** Iceberg: the part that is shown. */
  display?: number;
  minQty?: number;
  /** Whose order it is, for self-trade prevention; 0 … 2^32 − 2. */
  owner?: number;
  stp?: SelfTrade;
}

export interface Fill {
  makerId: bigint;
  takerId: bigint;
  price: string;
  qty: number;
}

/** What became of a request. */
export interface Result {
  /** False: nothing happened, `reason` says why. */
  ok: boolean;
  /** Code of docs/MATCHING.md; 0 when ok. */
  reason: number;
  reasonText: string;
  /** Trades in order, those of stops that it triggered included. */
  fills: Fill[];
  /** Everything that happened, as the engine said it. */
  events: EngineEvent[];
}

export interface PriceLevel {
  price: string;
  qty: bigint;
  orders: number;
}

const SIDES = { buy: Side.Buy, sell: Side.Sell } as const;
const TYPES = {
  limit: OrderType.Limit, market: OrderType.Market, stop: OrderType.Stop, 'stop-limit': OrderType.StopLimit,
} as const;
const TIFS = { gtc: Tif.Gtc, day: Tif.Day, ioc: Tif.Ioc, fok: Tif.Fok } as const;
const STPS = {
  none: Stp.None, 'cancel-newest': Stp.CancelNewest, 'cancel-oldest': Stp.CancelOldest,
  'cancel-both': Stp.CancelBoth, decrement: Stp.Decrement,
} as const;
const BOOK = 0;
const TICKS_MAX = 2 ** 31 - 1;
/** As for a trader's instruments: with more, not even one unit of money is an exact 64-bit number. */
const DECIMALS_MAX = 18;
const U64_MAX = 0xffff_ffff_ffff_ffffn;

export class OrderBook {
  readonly decimals: number;
  readonly tickSize: number;
  /** The engine underneath, with this book as instrument 0. */
  readonly engine: MatchingEngine;

  constructor(options: OrderBookOptions = {}) {
    if (!isRecord(options)) throw new TypeError(`options: expected an object, was ${shown(options)}`);
    this.decimals = options.decimals ?? 2;
    if (!(Number.isInteger(this.decimals) && this.decimals >= 0 && this.decimals <= DECIMALS_MAX)) {
      throw new RangeError(`decimals must be a whole number 0 … ${DECIMALS_MAX}, was ${shown(this.decimals)}`);
    }
    this.tickSize = options.tickSize ?? 1;
    if (!Number.isInteger(this.tickSize) || this.tickSize < 1) {
      throw new RangeError(`tickSize must be a whole number of at least 1, was ${shown(this.tickSize)}`);
    }
    this.engine = new MatchingEngine({
      instruments: [{
        minPrice: options.minPrice === undefined ? 1 : this.ticks(options.minPrice),
        maxPrice: options.maxPrice === undefined ? TICKS_MAX : this.ticks(options.maxPrice),
      }],
      ordersMax: quantity('ordersMax', options.ordersMax ?? 100_000),
      stp: named(STPS, 'stp', options.stp ?? 'none'),
    });
  }

  /**
   * A new order. Malformed input throws a RangeError, what is no order at all a TypeError; what the rules refuse
   * comes back with `ok` false.
   */
  add(order: NewOrder): Result {
    if (!isRecord(order)) throw new TypeError(`add: expected an order { id, side, price, qty, … }, was ${shown(order)}`);
    const command: Command = {
      type: Cmd.New,
      id: orderId(order.id),
      side: named(SIDES, 'side', order.side),
      orderType: named(TYPES, 'type', order.type ?? 'limit'),
      tif: named(TIFS, 'tif', order.tif ?? 'gtc'),
      qty: quantity('qty', order.qty),
    };
    if (order.price !== undefined) command.price = this.ticks(order.price);
    else if (command.orderType === OrderType.Limit || command.orderType === OrderType.StopLimit) {
      throw new RangeError(`price: a ${order.type ?? 'limit'} order needs one`);
    }
    if (order.stopPrice !== undefined) command.stopPrice = this.ticks(order.stopPrice);
    if (order.postOnly) command.postOnly = true;
    if (order.display !== undefined) command.display = quantity('display', order.display);
    if (order.minQty !== undefined) command.minQty = quantity('minQty', order.minQty);
    if (order.owner !== undefined) command.owner = quantity('owner', order.owner);
    if (order.stp !== undefined) command.stp = named(STPS, 'stp', order.stp);
    return this.run(command);
  }

  /** Takes the whole rest of an order out. */
  cancel(id: OrderId): Result {
    return this.run({ type: Cmd.Cancel, id: orderId(id) });
  }

  /** Lowers the open quantity by `qty`; the order keeps its place. */
  reduce(id: OrderId, qty: number): Result {
    return this.run({ type: Cmd.Reduce, id: orderId(id), qty: quantity('qty', qty) });
  }

  /** A new price and open quantity; at the same price and a smaller quantity the order keeps its place. */
  replace(id: OrderId, price: number | string, qty: number): Result {
    return this.run({ type: Cmd.Replace, id: orderId(id), price: this.ticks(price), qty: quantity('qty', qty) });
  }

  get bestBid(): PriceLevel | null {
    return this.level(this.engine.top(BOOK).bid);
  }

  get bestAsk(): PriceLevel | null {
    return this.level(this.engine.top(BOOK).ask);
  }

  /** At most `levels` levels a side, best first. */
  depth(levels = 10): { bids: PriceLevel[]; asks: PriceLevel[] } {
    if (!(typeof levels === 'number' && levels >= 0)) throw new RangeError(`levels: expected 0 or more, was ${shown(levels)}`);
    const { bids, asks } = this.engine.depth(BOOK, levels);
    return { bids: bids.map((level) => this.level(level)!), asks: asks.map((level) => this.level(level)!) };
  }

  /**
   * What an order of `side` for `qty` would find now: the quantity that is there, and the average price over it,
   * null when nothing is. Hidden quantity is not counted.
   */
  vwap(side: BookSide, qty: number): { filled: bigint; averagePrice: number | null } {
    const { filled, cost } = this.engine.vwap(BOOK, named(SIDES, 'side', side), quantity('qty', qty));
    if (filled === 0n) return { filled, averagePrice: null };
    const units = (Number(cost) / Number(filled)) * this.tickSize;
    return { filled, averagePrice: units / 10 ** this.decimals };
  }

  /** Price in ticks of an exact decimal; a RangeError for anything off the tick grid. */
  ticks(price: number | string): number {
    if (typeof price !== 'string' && typeof price !== 'number') {
      throw new RangeError(`price: expected a decimal as text or number, was ${shown(price)}`);
    }
    let units: bigint;
    try {
      units = parseDecimal(price, this.decimals);
    } catch (error) {
      if (error instanceof DecimalError) throw new RangeError(`price: ${error.message}`, { cause: error });
      throw error;
    }
    const size = BigInt(this.tickSize);
    if (units % size !== 0n) {
      throw new RangeError(`price must be a multiple of ${formatDecimal(size, this.decimals)}, was ${price}`);
    }
    const ticks = units / size;
    if (ticks > BigInt(TICKS_MAX) || ticks < -BigInt(TICKS_MAX)) {
      throw new RangeError(`price must be within ${TICKS_MAX} ticks of 0, was ${price}`);
    }
    return Number(ticks);
  }

  /** The decimal text of a price in ticks. */
  price(ticks: number): string {
    return formatDecimal(BigInt(ticks) * BigInt(this.tickSize), this.decimals);
  }

  private level(level: { price: number; qty: bigint; orders: number } | null): PriceLevel | null {
    return level && { price: this.price(level.price), qty: level.qty, orders: level.orders };
  }

  private run(command: Command): Result {
    const events = this.engine.submit(command);
    const first = events[0];
    const reason = first?.type === 'rejected' ? first.reason : Reason.None;
    const fills: Fill[] = [];
    for (const event of events) {
      if (event.type !== 'trade') continue;
      fills.push({ makerId: event.makerId, takerId: event.takerId, price: this.price(event.price), qty: event.qty });
    }
    return { ok: reason === Reason.None, reason, reasonText: REASON_TEXT[reason] ?? 'unknown', fills, events };
  }
}

function orderId(id: OrderId): bigint {
  if (typeof id !== 'number' && typeof id !== 'string' && typeof id !== 'bigint') {
    throw new RangeError(`id: expected a whole number, text or a bigint, was ${shown(id)}`);
  }
  if (typeof id === 'number' && !Number.isSafeInteger(id)) {
    throw new RangeError(`id must be a whole number up to 2^53 − 1, or text or a bigint beyond; was ${id}`);
  }
  if (typeof id === 'string' && !/^\d{1,20}$/.test(id)) {
    throw new RangeError(`id must be decimal digits, was "${id}"`);
  }
  const value = BigInt(id);
  if (value < 0n || value > U64_MAX) throw new RangeError(`id must be 0 … 2^64 − 1, was ${id}`);
  return value;
}

function quantity(name: string, value: number): number {
  if (!Number.isInteger(value) || value < 0 || value > 0xffff_fffe) {
    throw new RangeError(`${name} must be a whole number 0 … 4294967294, was ${shown(value)}`);
  }
  return value;
}

function named<Names extends Readonly<Record<string, number>>>(
  names: Names, field: string, value: unknown,
): Names[keyof Names] {
  if (typeof value === 'string' && Object.hasOwn(names, value)) return names[value] as Names[keyof Names];
  throw new RangeError(`${field}: expected ${Object.keys(names).join(', ')}, was ${shown(value)}`);
}

function isRecord(value: unknown): boolean {
  return typeof value === 'object' && value !== null;
}

/** What came, whatever it is. */
function shown(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value);
  return isRecord(value) || typeof value === 'function' ? `a ${typeof value}` : String(value);
}
