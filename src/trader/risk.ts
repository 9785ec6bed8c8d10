// The risk gate: every order and every modify passes it before it is sent.
//
//   worst case of a book   long  = position + open buys      short = open sells − position
//                          exposure = the larger of the two, never below 0
//
// Open is all that could still be filled: from the moment an order is sent until the exchange has
// told its end, and of a modify the larger of old and new until it is answered. The order manager
// keeps it through `reserve`, `adjust`, `filled` and `release`. So whatever is in flight, and in
// whichever order answers come, no position can end beyond its limit.
//
// Layers, in this order; the first that refuses gives the reason:
//    door             book, side, price and quantity are whole numbers in their ranges      1 2 3 4
//    state            not killed (20), market data fresh (25)
//    order size       quantity (9), price × quantity (10)
//  r position         exposure on the order's side, of the book and of all books together   12
//  r loss             profit of the book known (25) and not below −maxLoss                  13
//  r open orders      of the book                                                           14
//    message rate     news and modifies within any second, by event time                    15
//    price collar     distance from the mid, or from the last trade; known (25)             11
//  r portfolio value  gross worst-case value of all books                                   10
//  r stop loss        not hit (13), profit of all books known (25)
//
// A reducing order passes the layers marked r: it is opposite to the position, and its quantity and
// all that is open on its side together do not exceed the position, so it cannot end beyond flat.
// A refused order leaves no trace. Cancels do not pass here: nothing may hold them up.
//
// Unknown numbers reject: an empty book has no mid, a position without a mark no profit. NaN cannot
// enter: what comes in are integers or is refused at the door, what is kept are integers.
// What is open or held in a book is valued at its reference (mid, else last trade). Where there has been
// no price at all, an order is valued at its own; a reference that goes away leaves its last value.
//
// Stop loss: when the profit of all books reaches −stopLoss, all orders are cancelled (`onHalt`) and
// only reducing ones pass until `reset`. Kill: likewise, and nothing passes.
//
// Cost: a check is some twenty loads and compares (bench/risk_check.ts); a change of a book ten.
// Nothing is allocated. Limits: RATE_MAX orders a second; values below 2^53 by `setLimits`.
import { assert } from '../base/assert.ts';
import { parseDecimal } from '../base/decimal.ts';
import { QTY_NONE, Reason } from '../book/types.ts';
import { BOOK_ALL, MID2_NONE, PRICE_TICKS_NONE, type TraderInstruments } from './instruments.ts';
import type { PositionKeeper } from './position_keeper.ts';

/** A limit that holds nobody back. */
export const LIMIT_NONE = Number.MAX_SAFE_INTEGER;
/** 8 MB of send times; ten times what the defaults allow. */
export const RATE_MAX = 1_000_000;
/** Over which `ordersPerSecond` counts. */
export const RATE_WINDOW_NS = 1_000_000_000;
/** Before any event time. */
const TIME_NONE = -Number.MAX_SAFE_INTEGER;

/** Limits of one ticker. All are whole numbers. */
export interface TickerLimits {
  /** Lots of one order. */
  readonly maxOrderQty: number;
  /** Lots, long or short, everything open included. */
  readonly maxPosition: number;
  /** Price units × lots (cents, where an instrument has two decimals). */
  readonly maxLoss: number;
  readonly maxOpenOrders: number;
  /** Price × quantity of one order, in price units × lots. */
  readonly maxNotional: number;
  /** Ticks from the mid, or from the last trade where a side is empty; 0 = off. */
  readonly collarTicks: number;
}

/** Limits of the whole engine, and those that every ticker has. */
export interface RiskLimits extends TickerLimits {
  /** New orders and modifies within any second; cancels are free. */
  readonly ordersPerSecond: number;
  /** Lots of all tickers together, long or short, everything open included. */
  readonly maxPositionTotal: number;
  /** Portfolio money: gross value of all tickers, everything open included. */
  readonly maxPortfolioValue: number;
  /** Portfolio money: at this loss everything is cancelled and only reducing orders pass. */
  readonly stopLoss: number;
  /** Further limits of single tickers, by ticker id; of two the stricter holds. */
  readonly tickers?: ReadonlyMap<number, Partial<TickerLimits>> | undefined;
}

/** The command line's defaults for a ticker; `[trading]`'s for the engine where they need no currency. */
export const RISK_LIMITS_DEFAULT: RiskLimits = {
  maxOrderQty: 100, maxPosition: 1_000, maxLoss: 100_000, maxOpenOrders: 100,
  maxNotional: LIMIT_NONE, collarTicks: 0,
  ordersPerSecond: 100_000, maxPositionTotal: 1_000_000,
  maxPortfolioValue: LIMIT_NONE, stopLoss: LIMIT_NONE,
};

/** Names of the risk reasons, as the field knows them. */
export const RISK_REASON_TEXT: Readonly<Record<number, string>> = {
  [Reason.None]: 'Allowed', [Reason.UnknownTicker]: 'UnknownTicker', [Reason.Side]: 'SideInvalid',
  [Reason.Price]: 'PriceInvalid', [Reason.Quantity]: 'QuantityInvalid', [Reason.OrderTooLarge]: 'OrderTooLarge',
  [Reason.Notional]: 'NotionalTooLarge', [Reason.Collar]: 'OutsideCollar', [Reason.Position]: 'PositionTooLarge',
  [Reason.Loss]: 'LossTooLarge', [Reason.OpenOrders]: 'OpenOrdersTooMany', [Reason.Rate]: 'RateTooHigh',
  [Reason.Killed]: 'Killed', [Reason.StaleMarketData]: 'StaleMarketData',
};

export interface RiskGateOptions {
  /** Where a side of a book is empty, a position is marked with the last trade instead of being unknown. */
  readonly markWithLast?: boolean | undefined;
}

const TOTAL_EXPOSURE = 0;
const TOTAL_GROSS2 = 1;

export class RiskGate {
  /** Kill and stop loss call it: cancel everything. The order manager sets it. */
  onHalt: () => void = () => {};

  readonly #instruments: TraderInstruments;
  readonly #positions: PositionKeeper;
  readonly #markWithLast: boolean;
  #limits: RiskLimits;

  // Limits by book, turned into what the layers compare.
  readonly #maxOrderQty: Float64Array;
  readonly #maxPosition: Float64Array;
  /** Tick-lots, doubled. */
  readonly #maxLoss2: Float64Array;
  readonly #maxOpenOrders: Float64Array;
  /** Tick-lots. */
  readonly #maxNotional: Float64Array;
  /** Ticks, doubled; LIMIT_NONE = off. */
  readonly #collar2: Float64Array;

  // What is open, by book and side: buys at 2 · book, sells beside them.
  readonly #open: Float64Array;
  readonly #openOrders: Uint32Array;
  /** The larger of both worst cases, and its value in portfolio money, doubled. */
  readonly #exposure: Float64Array;
  readonly #gross2: Float64Array;
  readonly #totals = new Float64Array(2);
  /** A book's part of a total may be so large that the total is exact. */
  readonly #partMax: number;

  // The market, by book.
  readonly #bidTicks: Int32Array;
  readonly #askTicks: Int32Array;
  readonly #lastTicks: Int32Array;
  /** Mid or last trade, doubled; MID2_NONE: unknown. */
  readonly #reference2: Float64Array;
  /** Size of the price at which the book is valued, doubled; 0: there has been none. */
  readonly #value2: Float64Array;
  readonly #stale: Uint8Array;

  /** Send times, the oldest at #rateNext; empty: no limit. */
  #rateTimes = new Float64Array(0);
  #rateNext = 0;
  #killed = false;
  #stopLossHit = false;

  constructor(
    instruments: TraderInstruments, positions: PositionKeeper, limits: RiskLimits,
    options: RiskGateOptions = {},
  ) {
    const { count } = instruments;
    this.#instruments = instruments;
    this.#positions = positions;
    this.#markWithLast = options.markWithLast ?? false;
    this.#limits = limits;
    this.#maxOrderQty = new Float64Array(count);
    this.#maxPosition = new Float64Array(count);
    this.#maxLoss2 = new Float64Array(count);
    this.#maxOpenOrders = new Float64Array(count);
    this.#maxNotional = new Float64Array(count);
    this.#collar2 = new Float64Array(count);
    this.#open = new Float64Array(2 * count);
    this.#openOrders = new Uint32Array(count);
    this.#exposure = new Float64Array(count);
    this.#gross2 = new Float64Array(count);
    this.#partMax = Math.floor(Number.MAX_SAFE_INTEGER / count);
    this.#bidTicks = new Int32Array(count).fill(PRICE_TICKS_NONE);
    this.#askTicks = new Int32Array(count).fill(PRICE_TICKS_NONE);
    this.#lastTicks = new Int32Array(count).fill(PRICE_TICKS_NONE);
    this.#reference2 = new Float64Array(count).fill(MID2_NONE);
    this.#value2 = new Float64Array(count);
    this.#stale = new Uint8Array(count);
    for (let book = 0; book < count; book++) this.#revalue(book);
    this.setLimits(limits);
  }

  // ── the question ───────────────────────────────────────────────────────────────────────────

  /** Reason.None: a new order may be sent. Changes nothing. */
  check(book: number, side: number, priceTicks: number, qty: number, nowNs: number): Reason {
    const door = this.#door(book, side, priceTicks, qty);
    if (door !== Reason.None) return door;
    return this.#layers(book, side, priceTicks, qty, qty, 1, nowNs);
  }

  /** An order of which `reservedQty` is open may be changed to this price and open quantity. */
  checkModify(
    book: number, side: number, priceTicks: number, qty: number, reservedQty: number, nowNs: number,
  ): Reason {
    const door = this.#door(book, side, priceTicks, qty);
    if (door !== Reason.None) return door;
    // Until the answer comes the larger of old and new counts.
    const addedQty = qty > reservedQty ? qty - reservedQty : 0;
    return this.#layers(book, side, priceTicks, qty, addedQty, 0, nowNs);
  }

  #door(book: number, side: number, priceTicks: number, qty: number): Reason {
    if (!(book >= 0 && book < this.#stale.length) || (book | 0) !== book) return Reason.UnknownTicker;
    if (side !== 1 && side !== -1) return Reason.Side;
    if ((priceTicks | 0) !== priceTicks) return Reason.Price;
    const { minTicks, maxTicks, lots } = this.#instruments;
    if (priceTicks < minTicks[book] || priceTicks > maxTicks[book]) return Reason.Price;
    if (qty >>> 0 !== qty || qty === 0 || qty === QTY_NONE) return Reason.Quantity;
    return lots[book] === 1 || qty % lots[book] === 0 ? Reason.None : Reason.Quantity;
  }

  /** `addedQty`: by how much the open quantity of the side grows; `orders`: new ones, 1 or 0. */
  #layers(
    book: number, side: number, priceTicks: number, qty: number, addedQty: number, orders: number,
    nowNs: number,
  ): Reason {
    if (this.#killed) return Reason.Killed;
    if (this.#stale[book] === 1) return Reason.StaleMarketData;
    if (qty > this.#maxOrderQty[book]) return Reason.OrderTooLarge;
    if (Math.abs(priceTicks) * qty > this.#maxNotional[book]) return Reason.Notional;
    const position = this.#positions.position(book);
    const openQty = this.#open[2 * book + (side < 0 ? 1 : 0)] + addedQty;
    // Opposite to the position, and everything on that side together no more than it.
    const reduces = position * side < 0 && openQty <= Math.abs(position);
    const exposure = Math.max(this.#exposure[book], side * position + openQty);
    if (!reduces) {
      const added = this.#addingLayers(book, side * position + openQty, exposure, orders);
      if (added !== Reason.None) return added;
    }
    if (!this.#rateAllows(nowNs)) return Reason.Rate;
    const collar = this.#collar(book, priceTicks);
    if (collar !== Reason.None || reduces) return collar;
    return this.#portfolioLayers(book, priceTicks, exposure);
  }

  /** Position, loss and open orders. `sideQty`: the position's worst case on the order's side. */
  #addingLayers(book: number, sideQty: number, exposure: number, orders: number): Reason {
    if (sideQty > this.#maxPosition[book]) return Reason.Position;
    const total = this.#totals[TOTAL_EXPOSURE] - this.#exposure[book] + exposure;
    if (total > this.#limits.maxPositionTotal) return Reason.Position;
    if (!this.#positions.known(book)) return Reason.StaleMarketData;
    if (-this.#positions.pnl2(book) > this.#maxLoss2[book]) return Reason.Loss;
    return this.#openOrders[book] + orders > this.#maxOpenOrders[book] ? Reason.OpenOrders : Reason.None;
  }

  /** The n-th last message, n the limit, left at least a second ago; also false when the time is NaN. */
  #rateAllows(nowNs: number): boolean {
    return this.#rateTimes.length === 0 || nowNs - this.#rateTimes[this.#rateNext] >= RATE_WINDOW_NS;
  }

  #collar(book: number, priceTicks: number): Reason {
    const collar2 = this.#collar2[book];
    if (collar2 === LIMIT_NONE) return Reason.None;
    const reference2 = this.#reference2[book];
    if (reference2 === MID2_NONE) return Reason.StaleMarketData;
    return Math.abs(2 * priceTicks - reference2) > collar2 ? Reason.Collar : Reason.None;
  }

  /** Portfolio value and stop loss. */
  #portfolioLayers(book: number, priceTicks: number, exposure: number): Reason {
    const { maxPortfolioValue, stopLoss } = this.#limits;
    if (maxPortfolioValue !== LIMIT_NONE) {
      const price2 = this.#reference2[book] === MID2_NONE
        ? Math.max(this.#value2[book], 2 * Math.abs(priceTicks))
        : this.#value2[book];
      const gross2 = exposure * price2 * this.#instruments.moneyPerTick[book];
      const total2 = this.#totals[TOTAL_GROSS2] - this.#gross2[book] + gross2;
      if (total2 > 2 * maxPortfolioValue) return Reason.Notional;
    }
    if (this.#stopLossHit) return Reason.Loss;
    if (stopLoss !== LIMIT_NONE && !this.#positions.totalsKnown) return Reason.StaleMarketData;
    return Reason.None;
  }

  // ── what is so ─────────────────────────────────────────────────────────────────────────────

  /** Position if everything bought for were filled, and nothing that is sold. */
  worstLong(book: number): number {
    return this.#positions.position(book) + this.#open[2 * book];
  }

  /** The same short: positive = short. */
  worstShort(book: number): number {
    return this.#open[2 * book + 1] - this.#positions.position(book);
  }

  /** Lots that could still be filled on a side. */
  openQty(book: number, side: number): number {
    return this.#open[2 * book + (side < 0 ? 1 : 0)];
  }

  openOrders(book: number): number {
    return this.#openOrders[book];
  }

  /** Worst-case gross value of all books, portfolio money, doubled. */
  grossValue2(): number {
    return this.#totals[TOTAL_GROSS2];
  }

  /** Nothing passes. */
  get killed(): boolean {
    return this.#killed;
  }

  /** Only reducing orders pass. */
  get stopLossHit(): boolean {
    return this.#stopLossHit;
  }

  stale(book: number): boolean {
    return this.#stale[book] === 1;
  }

  /** Limits in force, the strictest of all that apply. */
  maxOrderQty(book: number): number {
    return this.#maxOrderQty[book];
  }

  maxPosition(book: number): number {
    return Math.min(this.#maxPosition[book], this.#limits.maxPositionTotal);
  }

  /** Best price on the other side, which an order of `side` would meet; PRICE_TICKS_NONE: nobody there. */
  touchTicks(book: number, side: number): number {
    return side > 0 ? this.#askTicks[book] : this.#bidTicks[book];
  }

  /** A layer that is on compares prices, so that an order without one cannot pass. */
  needsPrice(book: number): boolean {
    return this.#maxNotional[book] !== LIMIT_NONE || this.#collar2[book] !== LIMIT_NONE
      || this.#limits.maxPortfolioValue !== LIMIT_NONE;
  }

  // ── the order manager's calls ──────────────────────────────────────────────────────────────

  /** A new order is going out: `qty` of it counts until released or filled. */
  reserve(book: number, side: number, qty: number, priceTicks: number): void {
    this.#openOrders[book] += 1;
    this.adjust(book, side, qty, priceTicks);
  }

  /** More (less: negative) of an order counts. */
  adjust(book: number, side: number, deltaQty: number, priceTicks: number): void {
    this.#open[2 * book + (side < 0 ? 1 : 0)] += deltaQty;
    assert(this.openQty(book, side) >= 0, 'no more is taken off a reservation than there is');
    if (this.#reference2[book] === MID2_NONE) {
      this.#value2[book] = Math.max(this.#value2[book], 2 * Math.abs(priceTicks));
    }
    this.#revalue(book);
  }

  /** An order ended, of which `qty` still counted. */
  release(book: number, side: number, qty: number): void {
    const at = 2 * book + (side < 0 ? 1 : 0);
    assert(this.#open[at] >= qty, 'what is released was reserved');
    assert(this.#openOrders[book] > 0, 'an order that ends was open');
    this.#open[at] -= qty;
    this.#openOrders[book] -= 1;
    this.#revalue(book);
  }

  /** After `PositionKeeper.onFill`: of the fill, `qty` had counted as open (0: of no open order). */
  filled(book: number, side: number, qty: number): void {
    const at = 2 * book + (side < 0 ? 1 : 0);
    assert(this.#open[at] >= qty, 'what is filled was reserved');
    this.#open[at] -= qty;
    this.#revalue(book);
    this.#watchLoss();
  }

  /** A new order or a modify left. */
  sent(nowNs: number): void {
    const times = this.#rateTimes;
    if (times.length === 0) return;
    times[this.#rateNext] = nowNs;
    this.#rateNext = this.#rateNext + 1 === times.length ? 0 : this.#rateNext + 1;
  }

  // ── the market ─────────────────────────────────────────────────────────────────────────────

  /** Top of a book, PRICE_TICKS_NONE where a side is empty. Marks the position too. */
  setTop(book: number, bidTicks: number, askTicks: number): void {
    if (this.#bidTicks[book] === bidTicks && this.#askTicks[book] === askTicks) return;
    this.#bidTicks[book] = bidTicks;
    this.#askTicks[book] = askTicks;
    this.#refer(book);
  }

  /** A trade in the market: the reference where a side is empty. */
  setLast(book: number, priceTicks: number): void {
    if (this.#lastTicks[book] === priceTicks) return;
    this.#lastTicks[book] = priceTicks;
    this.#refer(book);
  }

  /** Market data of a book (BOOK_ALL: of all) is stale, or fresh again. Fresh at first. */
  setStale(book: number, stale: boolean): void {
    if (book === BOOK_ALL) this.#stale.fill(stale ? 1 : 0);
    else this.#stale[book] = stale ? 1 : 0;
  }

  #refer(book: number): void {
    const bid = this.#bidTicks[book];
    const ask = this.#askTicks[book];
    const last = this.#lastTicks[book];
    const twoSided = bid !== PRICE_TICKS_NONE && ask !== PRICE_TICKS_NONE;
    const last2 = last === PRICE_TICKS_NONE ? MID2_NONE : 2 * last;
    const reference2 = twoSided ? bid + ask : last2;
    this.#reference2[book] = reference2;
    if (reference2 !== MID2_NONE) this.#value2[book] = Math.abs(reference2);
    this.#revalue(book);
    const mark2 = twoSided || this.#markWithLast ? reference2 : MID2_NONE;
    if (mark2 === this.#positions.mark2(book)) return;
    this.#positions.mark(book, mark2);
    this.#watchLoss();
  }

  // ── control ────────────────────────────────────────────────────────────────────────────────

  get limits(): RiskLimits {
    return this.#limits;
  }

  /**
   * New limits, between two events. Checked whole first: a RangeError says what was wrong, and the
   * old ones stay. What is open already is left alone.
   */
  setLimits(limits: RiskLimits): void {
    const faults = faultsOf(limits, this.#partMax);
    if (faults.length > 0) throw new RangeError(`risk limits: ${faults.join('; ')}`);
    for (let book = 0; book < this.#instruments.count; book++) {
      const own = limits.tickers?.get(this.#instruments.tickers[book]);
      this.#setBook(book, own === undefined ? limits : stricter(limits, own));
    }
    this.#setRate(limits.ordersPerSecond);
    this.#limits = Object.freeze({ ...limits });
    this.#watchLoss();
  }

  /** Cancels everything (`onHalt`), and nothing passes until `reset`. */
  kill(): void {
    this.#killed = true;
    this.onHalt();
  }

  /** Lifts kill and stop loss. A loss that is still too large hits the latter again, at the next mark or fill. */
  reset(): void {
    this.#killed = false;
    this.#stopLossHit = false;
  }

  #setBook(book: number, limits: TickerLimits): void {
    const tickUnits = this.#instruments.tickUnits[book];
    const inTicks = (units: number): number => (units === LIMIT_NONE ? LIMIT_NONE : Math.floor(units / tickUnits));
    this.#maxOrderQty[book] = limits.maxOrderQty;
    this.#maxPosition[book] = limits.maxPosition;
    // Profit is a whole number, so a limit between two of them is the lower one.
    this.#maxLoss2[book] = limits.maxLoss === LIMIT_NONE ? LIMIT_NONE : Math.floor((2 * limits.maxLoss) / tickUnits);
    this.#maxOpenOrders[book] = limits.maxOpenOrders;
    this.#maxNotional[book] = inTicks(limits.maxNotional);
    this.#collar2[book] = limits.collarTicks === 0 ? LIMIT_NONE : 2 * limits.collarTicks;
  }

  /** The newest send times stay, so that a change of the limit opens no second window. */
  #setRate(ordersPerSecond: number): void {
    const length = ordersPerSecond === LIMIT_NONE ? 0 : ordersPerSecond;
    const old = this.#rateTimes;
    if (length === old.length) return;
    const times = new Float64Array(length).fill(TIME_NONE);
    const kept = Math.min(length, old.length);
    for (let i = 1; i <= kept; i++) {
      times[length - i] = old[(this.#rateNext - i + old.length) % old.length];
    }
    this.#rateTimes = times;
    this.#rateNext = 0;
  }

  #watchLoss(): void {
    const { stopLoss } = this.#limits;
    if (this.#stopLossHit || stopLoss === LIMIT_NONE || !this.#positions.totalsKnown) return;
    if (-this.#positions.totalPnl2() < 2 * stopLoss) return;
    this.#stopLossHit = true;
    this.onHalt();
  }

  /** The book's part of the totals, anew. */
  #revalue(book: number): void {
    const position = this.#positions.position(book);
    const long = position + this.#open[2 * book];
    const short = this.#open[2 * book + 1] - position;
    const exposure = Math.min(long > short ? long : short, this.#partMax);
    // Where nothing is held or open and the market says no price, the next order says one.
    if (exposure === 0 && this.#reference2[book] === MID2_NONE) this.#value2[book] = 0;
    const gross2 = Math.min(
      exposure * this.#value2[book] * this.#instruments.moneyPerTick[book], this.#partMax,
    );
    this.#totals[TOTAL_EXPOSURE] += exposure - this.#exposure[book];
    this.#totals[TOTAL_GROSS2] += gross2 - this.#gross2[book];
    this.#exposure[book] = exposure;
    this.#gross2[book] = gross2;
  }

  /** O(books). Throws when something that must always hold does not. */
  checkInvariants(): void {
    let exposures = 0;
    let gross2 = 0;
    for (let book = 0; book < this.#exposure.length; book++) {
      assert(this.#open[2 * book] >= 0 && this.#open[2 * book + 1] >= 0, 'open quantities are not negative');
      const worst = Math.max(this.worstLong(book), this.worstShort(book));
      assert(this.#exposure[book] === Math.min(worst, this.#partMax), 'the exposure is the larger worst case');
      const nothing = this.#open[2 * book] === 0 && this.#open[2 * book + 1] === 0;
      assert(nothing || this.#openOrders[book] > 0, 'what is open is of an order');
      exposures += this.#exposure[book];
      gross2 += this.#gross2[book];
    }
    assert(exposures === this.#totals[TOTAL_EXPOSURE], 'the exposure of all is the sum of the books');
    assert(gross2 === this.#totals[TOTAL_GROSS2], 'the value of all is the sum of the books');
  }
}

const TICKER_LIMITS = [
  'maxOrderQty', 'maxPosition', 'maxLoss', 'maxOpenOrders', 'maxNotional', 'collarTicks',
] as const;
/** Doubled or in halves of it, everything stays exact. */
const LIMIT_MAX = 2 ** 51;

function stricter(all: TickerLimits, own: Partial<TickerLimits>): TickerLimits {
  const limits = { ...all };
  for (const name of TICKER_LIMITS) limits[name] = Math.min(all[name], own[name] ?? LIMIT_NONE);
  // 0 is off there, not the strictest.
  if (all.collarTicks === 0 || own.collarTicks === 0) limits.collarTicks = Math.max(all.collarTicks, own.collarTicks ?? 0);
  return limits;
}

/** What is wrong, a line each. */
function faultsOf(limits: RiskLimits, partMax: number): string[] {
  const faults: string[] = [];
  const look = (name: string, value: number | undefined, max: number, min = 0): void => {
    if (value === LIMIT_NONE && !name.startsWith('collarTicks')) return;
    if (typeof value === 'number' && Number.isInteger(value) && value >= min && value <= max) return;
    faults.push(`${name}: expected a whole number ${min} … ${max}, was ${value}`);
  };
  for (const name of TICKER_LIMITS) look(name, limits[name], LIMIT_MAX);
  for (const [ticker, own] of limits.tickers ?? []) {
    for (const name of TICKER_LIMITS) {
      if (own[name] !== undefined) look(`${name} of ticker ${ticker}`, own[name], LIMIT_MAX);
    }
  }
  look('ordersPerSecond', limits.ordersPerSecond, RATE_MAX, 1);
  // Beyond, a book's part could be cut to what the sums can hold and still pass.
  look('maxPositionTotal', limits.maxPositionTotal, partMax);
  look('maxPortfolioValue', limits.maxPortfolioValue, Math.floor(partMax / 2));
  look('stopLoss', limits.stopLoss, Math.floor(partMax / 2), 1);
  return faults;
}

/** Decimals of a stop loss's fraction. */
const FRACTION_DECIMALS = 9;

/**
 * `stop_loss_percentage` (a fraction: 0.02 is 2 %) of the largest portfolio value, in its money:
 * exact, rounded down.
 */
export function stopLossOf(maxPortfolioValue: number, fraction: string | number): number {
  const parts = parseDecimal(fraction, FRACTION_DECIMALS);
  return Number((BigInt(maxPortfolioValue) * parts) / 10n ** BigInt(FRACTION_DECIMALS));
}
