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
// all that is open on its side together do not exceed the position, so it cannot end beyond flat. In
// other words: with it the worst case of its side is at most 0.
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
// Several threads: each has a gate of its own, and a ledger in shared memory (`ledger`, shared_ledger.ts)
// has positions, open orders and limits of all of them together. It is asked behind all layers, in the step
// that counts the order there; its kill and its stop loss halt every gate at its next turn (`heed`).
//
// Cost: a check is some twenty loads and compares (bench/risk_check.ts); a change of a book ten.
// Nothing is allocated. Limits: RATE_MAX orders a second; values below 2^53 by `setLimits`.
import { assert } from '../base/assert.ts';
import { parseDecimal } from '../base/decimal.ts';
import { QTY_NONE, Reason } from '../book/types.ts';
import { BOOK_ALL, MID2_NONE, PRICE_TICKS_NONE, type TraderInstruments } from './instruments.ts';
import type { ExposureLedger } from './exposure_ledger.ts';
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
  /**
   * What the order managers of several threads must not exceed together: its limits are the last layer. Its
   * books are this gate's instruments, in their order.
   */
  readonly ledger?: ExposureLedger | undefined;
}

/** What a book's record holds, in about the order in which a check asks for it; 32 cells, 256 bytes. */
const Cell = {
  minTicks: 0, maxTicks: 1, lot: 2,
  /** Whole layers as one number: the reason why they refuse, or None. */
  stateReason: 3, lossReason: 4,
  maxOrderQty: 5,
  /** Tick-lots. */
  maxNotional: 6,
  worstLong: 7, worstShort: 8, maxPosition: 9,
  /** The larger worst case, and its value in portfolio money, doubled. */
  exposure: 10, gross2: 11,
  openOrders: 12, maxOpenOrders: 13,
  /** Prices within the collar; none while the reference is unknown. */
  collarLow: 14, collarHigh: 15,
  /** Mid or last trade, doubled; MID2_NONE: unknown. */
  reference2: 16,
  /** Size of the price at which the book is valued, doubled; 0: there has been none. */
  value2: 17,
  moneyPerTick: 18,
  openBuys: 19, openSells: 20,
  /** Tick-lots, doubled. */
  maxLoss2: 21,
  /** Ticks, doubled; LIMIT_NONE = off. */
  collar2: 22,
  bidTicks: 23, askTicks: 24, lastTicks: 25,
  /** What `check` asks first: prices within range and collar; no quantity where the state refuses; … */
  quickLow: 26, quickHigh: 27, quickQty: 28,
  /** … a worst case that neither position, loss nor open orders refuse (0: only what reduces); value of a lot. */
  quickWorst: 29, quickValue2: 30,
} as const;
const CELLS = 32;

/**
 * Of the whole engine: the first two change, then come limits; values doubled. `open`: 1, or 0 at a stop
 * loss, while profit is unknown that it needs, and where a sum is above its limit already. */
const Total = { exposure: 0, gross2: 1, maxPosition: 2, maxPortfolio2: 3, stopLoss2: 4, open: 5 } as const;
const TOTALS = 6;

export class RiskGate {
  /** Kill and stop loss call it: cancel everything. The order manager sets it. */
  onHalt: () => void = () => {};

  /** Asked and told by the order manager; marks come from here. Null: this thread trades alone. */
  readonly ledger: ExposureLedger | null;

  readonly #instruments: TraderInstruments;
  readonly #positions: PositionKeeper;
  readonly #markWithLast: boolean;
  #limits: RiskLimits;
  /** A record of CELLS numbers for each book. */
  readonly #cells: Float64Array;
  readonly #totals = new Float64Array(TOTALS);
  readonly #stale: Uint8Array;
  /** A book's part of a total may be so large that the total is exact. */
  readonly #partMax: number;
  /** Send times, the oldest at #rateNext; a single one that is long past: no limit. */
  #rateTimes = new Float64Array(1).fill(TIME_NONE);
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
    this.ledger = options.ledger ?? null;
    this.#limits = limits;
    this.#cells = new Float64Array(count * CELLS);
    this.#stale = new Uint8Array(count);
    this.#partMax = Math.floor(Number.MAX_SAFE_INTEGER / count);
    for (let book = 0, at = 0; book < count; book++, at += CELLS) {
      this.#cells[at + Cell.minTicks] = instruments.minTicks[book];
      this.#cells[at + Cell.maxTicks] = instruments.maxTicks[book];
      this.#cells[at + Cell.lot] = instruments.lots[book];
      this.#cells[at + Cell.moneyPerTick] = instruments.moneyPerTick[book];
      this.#cells[at + Cell.bidTicks] = PRICE_TICKS_NONE;
      this.#cells[at + Cell.askTicks] = PRICE_TICKS_NONE;
      this.#cells[at + Cell.lastTicks] = PRICE_TICKS_NONE;
      this.#cells[at + Cell.reference2] = MID2_NONE;
    }
    this.setLimits(limits);
  }

  // ── the question ───────────────────────────────────────────────────────────────────────────

  /**
   * Reason.None: a new order may be sent. Changes nothing.
   *
   * Nearly all orders pass, so it first asks what lets an order pass for certain, in as few numbers as
   * that takes; what does not is asked layer by layer. Asking all orders so took 34 ns, this 24 (and C, layer
   * by layer, 14: `outcry bench risk-check`).
   */
  check(book: number, side: number, priceTicks: number, qty: number, nowNs: number): Reason {
    const cells = this.#cells;
    const totals = this.#totals;
    const at = book * CELLS;
    if (book >>> 0 === book && at < cells.length && side * side === 1
      && (priceTicks | 0) === priceTicks
      && priceTicks >= cells[at + Cell.quickLow] && priceTicks <= cells[at + Cell.quickHigh]
      && qty >>> 0 === qty && qty > 0 && qty <= cells[at + Cell.quickQty]
      && Math.abs(priceTicks) * qty <= cells[at + Cell.maxNotional]
      && nowNs - this.#rateTimes[this.#rateNext] >= RATE_WINDOW_NS && totals[Total.open] === 1) {
      // Without a branch on the side, which is a coin toss: worstShort stands behind worstLong.
      const worst = cells[at + Cell.worstLong + ((1 - side) >> 1)] + qty;
      // Nor on which of the worst cases is the larger: what is below 0 here adds nothing.
      const added = worst - cells[at + Cell.exposure];
      if (worst <= cells[at + Cell.quickWorst]
        && totals[Total.exposure] + added <= totals[Total.maxPosition]
        && totals[Total.gross2] + added * cells[at + Cell.quickValue2] <= totals[Total.maxPortfolio2]
        && (cells[at + Cell.lot] === 1 || qty % cells[at + Cell.lot] === 0)) return Reason.None;
    }
    return this.#layers(book, side, priceTicks, qty, qty, 1, nowNs);
  }

  /** An order of which `reservedQty` is open may be changed to this price and open quantity. */
  checkModify(
    book: number, side: number, priceTicks: number, qty: number, reservedQty: number, nowNs: number,
  ): Reason {
    // Until the answer comes the larger of old and new counts.
    const addedQty = qty > reservedQty ? qty - reservedQty : 0;
    return this.#layers(book, side, priceTicks, qty, addedQty, 0, nowNs);
  }

  /**
   * `addedQty`: by how much the open quantity of the side grows; `orders`: new ones, 1 or 0. The
   * layers stand in one piece and the numbers of a book in one record: with a function a layer and
   * an array a number a check took almost twice the time (47 ns instead of 25).
   */
  #layers(
    book: number, side: number, priceTicks: number, qty: number, addedQty: number, orders: number,
    nowNs: number,
  ): Reason {
    const cells = this.#cells;
    if (!(book >= 0 && book < this.#stale.length) || (book | 0) !== book) return Reason.UnknownTicker;
    const at = book * CELLS;
    if (side !== 1 && side !== -1) return Reason.Side;
    if ((priceTicks | 0) !== priceTicks) return Reason.Price;
    if (priceTicks < cells[at + Cell.minTicks] || priceTicks > cells[at + Cell.maxTicks]) return Reason.Price;
    if (qty >>> 0 !== qty || qty === 0 || qty === QTY_NONE) return Reason.Quantity;
    if (cells[at + Cell.lot] !== 1 && qty % cells[at + Cell.lot] !== 0) return Reason.Quantity;

    if (cells[at + Cell.stateReason] !== Reason.None) return cells[at + Cell.stateReason] as Reason;
    if (qty > cells[at + Cell.maxOrderQty]) return Reason.OrderTooLarge;
    if (Math.abs(priceTicks) * qty > cells[at + Cell.maxNotional]) return Reason.Notional;

    const worst = cells[at + (side > 0 ? Cell.worstLong : Cell.worstShort)] + addedQty;
    const reduces = worst <= 0;
    const exposure = Math.max(worst, cells[at + Cell.exposure]);
    if (!reduces) {
      if (worst > cells[at + Cell.maxPosition]) return Reason.Position;
      const total = this.#totals[Total.exposure] - cells[at + Cell.exposure] + exposure;
      if (total > this.#totals[Total.maxPosition]) return Reason.Position;
      if (cells[at + Cell.lossReason] !== Reason.None) return cells[at + Cell.lossReason] as Reason;
      if (cells[at + Cell.openOrders] + orders > cells[at + Cell.maxOpenOrders]) return Reason.OpenOrders;
    }

    // The n-th last message, n the limit, left at least a second ago; also refused when a time is NaN.
    if (!(nowNs - this.#rateTimes[this.#rateNext] >= RATE_WINDOW_NS)) return Reason.Rate;
    if (priceTicks < cells[at + Cell.collarLow] || priceTicks > cells[at + Cell.collarHigh]) {
      return cells[at + Cell.reference2] === MID2_NONE ? Reason.StaleMarketData : Reason.Collar;
    }
    return reduces ? Reason.None : this.#portfolioLayers(at, priceTicks, exposure);
  }

  /** Portfolio value and stop loss, if the exposure of the book at `at` were so. */
  #portfolioLayers(at: number, priceTicks: number, exposure: number): Reason {
    const cells = this.#cells;
    const maxPortfolio2 = this.#totals[Total.maxPortfolio2];
    if (maxPortfolio2 !== LIMIT_NONE) {
      let price2 = cells[at + Cell.value2];
      if (cells[at + Cell.reference2] === MID2_NONE) price2 = Math.max(price2, 2 * Math.abs(priceTicks));
      const gross2 = exposure * price2 * cells[at + Cell.moneyPerTick];
      if (this.#totals[Total.gross2] - cells[at + Cell.gross2] + gross2 > maxPortfolio2) return Reason.Notional;
    }
    if (this.#totals[Total.stopLoss2] === LIMIT_NONE) return Reason.None;
    if (this.#stopLossHit) return Reason.Loss;
    return this.#positions.totalsKnown ? Reason.None : Reason.StaleMarketData;
  }

  // ── what is so ─────────────────────────────────────────────────────────────────────────────

  /** Position if everything bought for were filled, and nothing that is sold. */
  worstLong(book: number): number {
    return this.#cells[book * CELLS + Cell.worstLong];
  }

  /** The same short: positive = short. */
  worstShort(book: number): number {
    return this.#cells[book * CELLS + Cell.worstShort];
  }

  /** Lots that could still be filled on a side. */
  openQty(book: number, side: number): number {
    return this.#cells[openAt(book, side)];
  }

  openOrders(book: number): number {
    return this.#cells[book * CELLS + Cell.openOrders];
  }

  /** Worst-case gross value of all books, portfolio money, doubled. */
  grossValue2(): number {
    return this.#totals[Total.gross2];
  }

  /** Nothing passes. */
  get killed(): boolean {
    return this.#killed;
  }

  /** Only reducing orders pass. */
  get stopLossHit(): boolean {
    return this.#stopLossHit;
  }

  /** The loss limit of a book is reached: there, only reducing orders pass. */
  lossReached(book: number): boolean {
    return this.#cells[book * CELLS + Cell.lossReason] === Reason.Loss;
  }

  stale(book: number): boolean {
    return this.#stale[book] === 1;
  }

  /** Limits in force, the strictest of all that apply. */
  maxOrderQty(book: number): number {
    return this.#cells[book * CELLS + Cell.maxOrderQty];
  }

  maxPosition(book: number): number {
    return Math.min(this.#cells[book * CELLS + Cell.maxPosition], this.#totals[Total.maxPosition]);
  }

  /** Best price on the other side, which an order of `side` would meet; PRICE_TICKS_NONE: nobody there. */
  touchTicks(book: number, side: number): number {
    return this.#cells[book * CELLS + (side > 0 ? Cell.askTicks : Cell.bidTicks)];
  }

  /** A layer that is on compares prices, so that an order without one cannot pass. */
  needsPrice(book: number): boolean {
    const at = book * CELLS;
    return this.#cells[at + Cell.maxNotional] !== LIMIT_NONE || this.#cells[at + Cell.collar2] !== LIMIT_NONE
      || this.#totals[Total.maxPortfolio2] !== LIMIT_NONE;
  }

  // ── the order manager's calls ──────────────────────────────────────────────────────────────

  /** A new order is going out: `qty` of it counts until released or filled. */
  reserve(book: number, side: number, qty: number, priceTicks: number): void {
    this.#cells[book * CELLS + Cell.openOrders] += 1;
    this.adjust(book, side, qty, priceTicks);
  }

  /** More (less: negative) of an order counts. */
  adjust(book: number, side: number, deltaQty: number, priceTicks: number): void {
    const cells = this.#cells;
    const at = book * CELLS;
    const open = openAt(book, side);
    cells[open] += deltaQty;
    assert(cells[open] >= 0, 'no more is taken off a reservation than there is');
    if (cells[at + Cell.reference2] === MID2_NONE) {
      cells[at + Cell.value2] = Math.max(cells[at + Cell.value2], 2 * Math.abs(priceTicks));
    }
    this.#revalue(book);
  }

  /** An order ended, of which `qty` still counted. */
  release(book: number, side: number, qty: number): void {
    const cells = this.#cells;
    const open = openAt(book, side);
    assert(cells[open] >= qty, 'what is released was reserved');
    assert(cells[book * CELLS + Cell.openOrders] > 0, 'an order that ends was open');
    cells[open] -= qty;
    cells[book * CELLS + Cell.openOrders] -= 1;
    this.#revalue(book);
  }

  /**
   * After `PositionKeeper.onFill`: of the fill, `qty` had counted as open (0: of no open order).
   * `watchLoss` is to follow, once the order's own state is in order: it may cancel everything.
   */
  filled(book: number, side: number, qty: number): void {
    const open = openAt(book, side);
    assert(this.#cells[open] >= qty, 'what is filled was reserved');
    this.#cells[open] -= qty;
    this.#revalue(book);
  }

  /** Is the stop loss reached? Marks ask by themselves. */
  watchLoss(): void {
    const totals = this.#totals;
    const stopLoss2 = totals[Total.stopLoss2];
    const known = this.#positions.totalsKnown;
    const reached = stopLoss2 !== LIMIT_NONE && known && !this.#stopLossHit
      && -this.#positions.totalPnl2() >= stopLoss2;
    this.#stopLossHit ||= reached;
    this.#judgeTotals();
    if (reached) this.onHalt();
  }

  #judgeTotals(): void {
    const totals = this.#totals;
    const profitable = totals[Total.stopLoss2] === LIMIT_NONE
      || (!this.#stopLossHit && this.#positions.totalsKnown);
    const open = profitable && totals[Total.exposure] <= totals[Total.maxPosition]
      && totals[Total.gross2] <= totals[Total.maxPortfolio2];
    totals[Total.open] = open ? 1 : 0;
  }

  /** A new order or a modify leaves; it had passed `check` at this time. */
  sent(nowNs: number): void {
    if (this.#limits.ordersPerSecond === LIMIT_NONE) return;
    const times = this.#rateTimes;
    times[this.#rateNext] = nowNs;
    this.#rateNext = this.#rateNext + 1 === times.length ? 0 : this.#rateNext + 1;
  }

  /** What `sent` told last did not leave after all. The time that it took the place of was over a second ago. */
  unsent(): void {
    if (this.#limits.ordersPerSecond === LIMIT_NONE) return;
    const times = this.#rateTimes;
    this.#rateNext = this.#rateNext === 0 ? times.length - 1 : this.#rateNext - 1;
    times[this.#rateNext] = TIME_NONE;
  }

  // ── the market ─────────────────────────────────────────────────────────────────────────────

  /** Top of a book, PRICE_TICKS_NONE where a side is empty. Marks the position too. */
  setTop(book: number, bidTicks: number, askTicks: number): void {
    const cells = this.#cells;
    const at = book * CELLS;
    if (cells[at + Cell.bidTicks] === bidTicks && cells[at + Cell.askTicks] === askTicks) return this.watchLoss();
    cells[at + Cell.bidTicks] = bidTicks;
    cells[at + Cell.askTicks] = askTicks;
    this.#refer(book);
  }

  /** A trade in the market: the reference where a side is empty. */
  setLast(book: number, priceTicks: number): void {
    if (this.#cells[book * CELLS + Cell.lastTicks] === priceTicks) return this.watchLoss();
    this.#cells[book * CELLS + Cell.lastTicks] = priceTicks;
    this.#refer(book);
  }

  /** Market data of a book (BOOK_ALL: of all) is stale, or fresh again. Fresh at first. */
  setStale(book: number, stale: boolean): void {
    if (book === BOOK_ALL) this.#stale.fill(stale ? 1 : 0);
    else this.#stale[book] = stale ? 1 : 0;
    this.#judgeStates();
  }

  #refer(book: number): void {
    const cells = this.#cells;
    const at = book * CELLS;
    const bid = cells[at + Cell.bidTicks];
    const ask = cells[at + Cell.askTicks];
    const last = cells[at + Cell.lastTicks];
    const twoSided = bid !== PRICE_TICKS_NONE && ask !== PRICE_TICKS_NONE;
    const last2 = last === PRICE_TICKS_NONE ? MID2_NONE : 2 * last;
    const reference2 = twoSided ? bid + ask : last2;
    cells[at + Cell.reference2] = reference2;
    if (reference2 !== MID2_NONE) cells[at + Cell.value2] = Math.abs(reference2);
    this.#placeCollar(at);
    const mark2 = twoSided || this.#markWithLast ? reference2 : MID2_NONE;
    if (mark2 !== this.#positions.mark2(book)) this.#positions.mark(book, mark2);
    this.ledger?.mark(book, mark2);
    this.#revalue(book);
    this.watchLoss();
  }

  #placeCollar(at: number): void {
    const cells = this.#cells;
    const collar2 = cells[at + Cell.collar2];
    const reference2 = cells[at + Cell.reference2];
    const known = reference2 !== MID2_NONE;
    const off = collar2 === LIMIT_NONE;
    // The half of a doubled bound is exact; a price beyond it is beyond the collar.
    const low = known ? (reference2 - collar2) / 2 : Infinity;
    const high = known ? (reference2 + collar2) / 2 : -Infinity;
    cells[at + Cell.collarLow] = off ? -Infinity : low;
    cells[at + Cell.collarHigh] = off ? Infinity : high;
    cells[at + Cell.quickLow] = Math.max(cells[at + Cell.minTicks], cells[at + Cell.collarLow]);
    cells[at + Cell.quickHigh] = Math.min(cells[at + Cell.maxTicks], cells[at + Cell.collarHigh]);
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
    this.#totals[Total.maxPosition] = limits.maxPositionTotal;
    this.#totals[Total.maxPortfolio2] = doubled(limits.maxPortfolioValue);
    this.#totals[Total.stopLoss2] = doubled(limits.stopLoss);
    for (let book = 0; book < this.#instruments.count; book++) {
      const own = limits.tickers?.get(this.#instruments.tickers[book]);
      this.#setBook(book, own === undefined ? limits : stricter(limits, own));
      this.#revalue(book);
    }
    this.#judgeStates();
    this.#setRate(limits.ordersPerSecond);
    this.#limits = Object.freeze({ ...limits });
    this.watchLoss();
  }

  /** Cancels everything (`onHalt`), and nothing passes until `reset`. */
  kill(): void {
    this.#killed = true;
    this.#judgeStates();
    this.onHalt();
  }

  /** What other threads have brought about: a kill or stop loss of the ledger is this gate's too. Once a turn. */
  heed(): void {
    const { ledger } = this;
    if (ledger === null) return;
    if (ledger.killed && !this.#killed) this.kill();
    if (!ledger.stopLossHit || this.#stopLossHit) return;
    this.#stopLossHit = true;
    this.#judgeTotals();
    this.onHalt();
  }

  /** A position from before the start, which `PositionKeeper.restore` has brought back. */
  restored(book: number): void {
    this.#revalue(book);
    const { ledger } = this;
    if (ledger === null) return;
    const position = this.#positions.position(book);
    const side = position < 0 ? -1 : 1;
    // As fills for nothing, and a fee that leaves the cash as it was.
    let left = Math.abs(position);
    ledger.filled(book, side, 0, 0, 0, -this.#positions.cash(book));
    for (; left > 0; left -= Math.min(left, QTY_NONE - 1)) ledger.filled(book, side, 0, Math.min(left, QTY_NONE - 1), 0);
  }

  /** Lifts kill and stop loss. A loss that is still too large hits the latter again, at the next mark or fill. */
  reset(): void {
    this.#killed = false;
    this.#stopLossHit = false;
    this.#judgeStates();
    this.#judgeTotals();
  }

  #judgeState(book: number, reason: Reason): void {
    const cells = this.#cells;
    const at = book * CELLS;
    cells[at + Cell.stateReason] = reason;
    cells[at + Cell.quickQty] = reason === Reason.None ? Math.min(cells[at + Cell.maxOrderQty], QTY_NONE - 1) : 0;
  }

  #judgeStates(): void {
    for (let book = 0; book < this.#stale.length; book++) {
      const unfit = this.#stale[book] === 1 ? Reason.StaleMarketData : Reason.None;
      this.#judgeState(book, this.#killed ? Reason.Killed : unfit);
    }
  }

  #setBook(book: number, limits: TickerLimits): void {
    const cells = this.#cells;
    const at = book * CELLS;
    const tickUnits = this.#instruments.tickUnits[book];
    // Money in ticks is a whole number, so a limit between two of them is the lower one.
    const inTicks = (units: number): number => (units === LIMIT_NONE ? LIMIT_NONE : Math.floor(units / tickUnits));
    cells[at + Cell.maxOrderQty] = limits.maxOrderQty;
    cells[at + Cell.maxPosition] = limits.maxPosition;
    cells[at + Cell.maxLoss2] = inTicks(doubled(limits.maxLoss));
    cells[at + Cell.maxOpenOrders] = limits.maxOpenOrders;
    cells[at + Cell.maxNotional] = inTicks(limits.maxNotional);
    cells[at + Cell.collar2] = limits.collarTicks === 0 ? LIMIT_NONE : 2 * limits.collarTicks;
    this.#placeCollar(at);
  }

  /** The newest send times stay, so that a change of the limit opens no second window. */
  #setRate(ordersPerSecond: number): void {
    const off = ordersPerSecond === LIMIT_NONE;
    const length = off ? 1 : ordersPerSecond;
    const old = this.#rateTimes;
    const times = new Float64Array(length).fill(TIME_NONE);
    const kept = off ? 0 : Math.min(length, old.length);
    for (let i = 1; i <= kept; i++) {
      times[length - i] = old[(this.#rateNext - i + old.length) % old.length];
    }
    this.#rateTimes = times;
    this.#rateNext = 0;
  }

  /** What follows from position, open quantity, mark and limits: worst cases, totals, the loss layer. */
  #revalue(book: number): void {
    const cells = this.#cells;
    const at = book * CELLS;
    const positions = this.#positions;
    const position = positions.position(book);
    const long = position + cells[at + Cell.openBuys];
    const short = cells[at + Cell.openSells] - position;
    cells[at + Cell.worstLong] = long;
    cells[at + Cell.worstShort] = short;
    const lost = -positions.pnl2(book) > cells[at + Cell.maxLoss2] ? Reason.Loss : Reason.None;
    cells[at + Cell.lossReason] = positions.known(book) ? lost : Reason.StaleMarketData;
    const exposure = Math.min(long > short ? long : short, this.#partMax);
    // Where nothing is held or open and the market says no price, the next order says one.
    if (exposure === 0 && cells[at + Cell.reference2] === MID2_NONE) cells[at + Cell.value2] = 0;
    const gross2 = Math.min(exposure * cells[at + Cell.value2] * cells[at + Cell.moneyPerTick], this.#partMax);
    const priced = cells[at + Cell.reference2] !== MID2_NONE || this.#totals[Total.maxPortfolio2] === LIMIT_NONE;
    const adds = cells[at + Cell.lossReason] === Reason.None && priced
      && cells[at + Cell.openOrders] < cells[at + Cell.maxOpenOrders];
    cells[at + Cell.quickWorst] = adds ? Math.min(cells[at + Cell.maxPosition], this.#partMax) : 0;
    cells[at + Cell.quickValue2] = cells[at + Cell.value2] * cells[at + Cell.moneyPerTick];
    this.#totals[Total.exposure] += exposure - cells[at + Cell.exposure];
    this.#totals[Total.gross2] += gross2 - cells[at + Cell.gross2];
    cells[at + Cell.exposure] = exposure;
    cells[at + Cell.gross2] = gross2;
    this.#judgeTotals();
  }

  /** O(books). Throws when something that must always hold does not. */
  checkInvariants(): void {
    const cells = this.#cells;
    let exposures = 0;
    let gross2 = 0;
    for (let book = 0, at = 0; at < cells.length; book++, at += CELLS) {
      const position = this.#positions.position(book);
      const buys = cells[at + Cell.openBuys];
      const sells = cells[at + Cell.openSells];
      assert(buys >= 0 && sells >= 0, 'open quantities are not negative');
      assert(buys + sells === 0 || cells[at + Cell.openOrders] > 0, 'what is open is of an order');
      assert(cells[at + Cell.worstLong] === position + buys, 'the worst case long is all bought');
      assert(cells[at + Cell.worstShort] === sells - position, 'the worst case short is all sold');
      const worst = Math.max(position + buys, sells - position);
      assert(cells[at + Cell.exposure] === Math.min(worst, this.#partMax), 'the exposure is the larger worst case');
      exposures += cells[at + Cell.exposure];
      gross2 += cells[at + Cell.gross2];
    }
    assert(exposures === this.#totals[Total.exposure], 'the exposure of all is the sum of the books');
    assert(gross2 === this.#totals[Total.gross2], 'the value of all is the sum of the books');
  }
}

function openAt(book: number, side: number): number {
  return book * CELLS + (side < 0 ? Cell.openSells : Cell.openBuys);
}

function doubled(limit: number): number {
  return limit === LIMIT_NONE ? LIMIT_NONE : 2 * limit;
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
  if (all.collarTicks === 0 || own.collarTicks === 0) {
    limits.collarTicks = Math.max(all.collarTicks, own.collarTicks ?? 0);
  }
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
