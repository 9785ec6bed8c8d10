// Orders as a program writes them, turned into the numbers of an input, exactly or with a RangeError that
// says what was expected. Malformed requests are mistakes of the program and throw; what rules, risk or the
// market refuse is an answer and does not.
import { OrderType, Stp, Tif } from '../book/types.ts';
import { shown } from './checker.ts';
import type { Decimal } from './config.ts';
import type { SideText } from './events.ts';
import type { SelfTrade } from '../book/order_book.ts';
import type { SymbolTable } from './symbol_table.ts';

export interface NewOrderRequest {
  symbol: string;
  side: SideText;
  /** Lots, 1 … 2^32 − 2, a multiple of the lot size. */
  quantity: number;
  /** Exact decimal text, or a number that stands for the decimal it prints as. Not for market and stop. */
  price?: Decimal;
  /** Default limit with a price, market without, stop with a stop price alone, stop-limit with both. */
  type?: 'limit' | 'market' | 'stop' | 'stop-limit';
  /** Default gtc. */
  tif?: 'gtc' | 'day' | 'ioc' | 'fok';
  stopPrice?: Decimal;
  postOnly?: boolean;
  /** Iceberg: the part that is shown. */
  displayQuantity?: number;
  minQuantity?: number;
  selfTrade?: SelfTrade;
  /** A name of your own, any unsigned 64-bit number, unlike that of any other live order. */
  clientOrderId?: number | string | bigint;
}

/** An order by the engine's number or by a name of your own. */
export type OrderReference = number | { readonly orderId: number } | { readonly clientOrderId: number | string | bigint };

export interface ModifyRequest {
  /** Default: as it is. */
  price?: Decimal;
  /** Open quantity wanted; default: as it is. */
  quantity?: number;
  /** Needed, with price and quantity, only of an order that the engine has not taken up yet. */
  symbol?: string;
}

const TYPES = { limit: OrderType.Limit, market: OrderType.Market, stop: OrderType.Stop, 'stop-limit': OrderType.StopLimit } as const;
const TIFS = { gtc: Tif.Gtc, day: Tif.Day, ioc: Tif.Ioc, fok: Tif.Fok } as const;
const STPS = {
  none: Stp.None, 'cancel-newest': Stp.CancelNewest, 'cancel-oldest': Stp.CancelOldest, 'cancel-both': Stp.CancelBoth,
  decrement: Stp.Decrement,
} as const;
const PLACE_KEYS: ReadonlySet<string> = new Set<keyof NewOrderRequest>([
  'symbol', 'side', 'quantity', 'price', 'type', 'tif', 'stopPrice', 'postOnly', 'displayQuantity', 'minQuantity', 'selfTrade',
  'clientOrderId',
]);
const MODIFY_KEYS: ReadonlySet<string> = new Set<keyof ModifyRequest>(['price', 'quantity', 'symbol']);
const QTY_MAX = 0xffff_fffe;
const U64_MAX = 0xffff_ffff_ffff_ffffn;
const WORD = 0xffff_ffffn;
const TWO_32 = 0x1_0000_0000;

/** Numbers of the request read last; one object for all of them. */
export class OrderNumbers {
  side = 0;
  orderType = 0;
  tif = 0;
  stp = 0;
  priceTicks = 0;
  qty = 0;
  displayQty = 0;
  minQty = 0;
  stopTicks = 0;
  postOnly = false;
  named = false;
  nameLo = 0;
  nameHi = 0;

  /** Everything but the symbol, which the caller has found to be `book`. */
  read(request: NewOrderRequest, symbols: SymbolTable, book: number): void {
    const type = request.type ?? typeOf(request);
    this.side = sideOf(request.side);
    this.orderType = named(TYPES, 'type', type);
    this.tif = named(TIFS, 'tif', request.tif ?? 'gtc');
    this.stp = request.selfTrade === undefined ? Stp.Default : named(STPS, 'selfTrade', request.selfTrade);
    this.qty = quantityOf('quantity', request.quantity, 1);
    const limited = this.orderType === OrderType.Limit || this.orderType === OrderType.StopLimit;
    const stopped = this.orderType === OrderType.Stop || this.orderType === OrderType.StopLimit;
    if (limited && request.price === undefined) throw new RangeError(`price: a ${type} order needs one, was undefined`);
    if (stopped && request.stopPrice === undefined) throw new RangeError(`stopPrice: a ${type} order needs one, was undefined`);
    this.priceTicks = limited ? symbols.ticksOf(book, request.price!) : 0;
    this.stopTicks = stopped ? symbols.ticksOf(book, request.stopPrice!, 'stopPrice') : 0;
    this.displayQty = request.displayQuantity === undefined ? 0 : quantityOf('displayQuantity', request.displayQuantity, 0);
    this.minQty = request.minQuantity === undefined ? 0 : quantityOf('minQuantity', request.minQuantity, 0);
    this.postOnly = request.postOnly === true;
    this.name(request.clientOrderId);
  }

  /** The caller's own name for an order. */
  name(clientOrderId: number | string | bigint | undefined): void {
    this.named = clientOrderId !== undefined;
    if (clientOrderId === undefined) {
      this.nameLo = 0;
      this.nameHi = 0;
    } else if (typeof clientOrderId === 'number' && Number.isSafeInteger(clientOrderId) && clientOrderId >= 0) {
      this.nameLo = clientOrderId >>> 0;
      this.nameHi = Math.floor(clientOrderId / TWO_32);
    } else {
      const value = bigNameOf(clientOrderId);
      this.nameLo = Number(value & WORD);
      this.nameHi = Number(value >> 32n);
    }
  }
}

function bigNameOf(id: number | string | bigint): bigint {
  const expected = 'clientOrderId: expected a whole number up to 2^53 − 1, or text or a bigint up to 2^64 − 1';
  const fits = typeof id === 'bigint' || (typeof id === 'string' && /^\d{1,20}$/.test(id));
  if (!fits) throw new RangeError(`${expected}, was ${shown(id)}`);
  const value = BigInt(id);
  if (value < 0n || value > U64_MAX) throw new RangeError(`${expected}, was ${shown(id)}`);
  return value;
}

/** A name as it is given back: a number, or text beyond 2^53 − 1. */
export function nameOf(lo: number, hi: number): number | string {
  const number = hi * TWO_32 + lo;
  return number <= Number.MAX_SAFE_INTEGER ? number : ((BigInt(hi) << 32n) | BigInt(lo)).toString();
}

/** Throws unless it is an object with the keys of an order: a misspelt one would be left out in silence. */
export function checkOrder(request: unknown): void {
  checkKeys('order', request, PLACE_KEYS);
}

/** The same of a modify's changes. */
export function checkChanges(changes: unknown): void {
  checkKeys('changes', changes, MODIFY_KEYS);
}

function checkKeys(what: string, value: unknown, keys: ReadonlySet<string>): void {
  if (typeof value !== 'object' || value === null) throw new RangeError(`${what}: expected an object, was ${shown(value)}`);
  for (const key in value) {
    if (!keys.has(key)) throw new RangeError(`${what}: expected only the keys ${[...keys].join(', ')}, was "${key}" too`);
  }
}

export function sideOf(side: unknown): number {
  if (side === 'buy') return 1;
  if (side === 'sell') return -1;
  throw new RangeError(`side: expected buy or sell, was ${shown(side)}`);
}

export function quantityOf(name: string, value: unknown, low: number): number {
  if (Number.isInteger(value) && (value as number) >= low && (value as number) <= QTY_MAX) return value as number;
  throw new RangeError(`${name}: expected a whole number ${low} … ${QTY_MAX}, was ${shown(value)}`);
}

function typeOf({ price, stopPrice }: NewOrderRequest): NonNullable<NewOrderRequest['type']> {
  if (stopPrice !== undefined) return price === undefined ? 'stop' : 'stop-limit';
  return price === undefined ? 'market' : 'limit';
}

function named<T>(names: Readonly<Record<string, T>>, field: string, name: unknown): T {
  const value = typeof name === 'string' && Object.hasOwn(names, name) ? names[name] : undefined;
  if (value !== undefined) return value;
  throw new RangeError(`${field}: expected ${Object.keys(names).join(', ')}, was ${shown(name)}`);
}
