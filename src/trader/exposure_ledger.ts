// Positions, open orders and limits of a whole engine: what several risk gates together must not exceed.
//
//   totals | limits | book 0 | book 1 | … | send times
//
// All of it is one block of doubles that hold whole numbers, so that threads can share it (shared_ledger.ts puts a
// lock around exactly this code) and a consistent copy of it is a copy of memory.
//
// What an order may still do is counted as if it had happened: a book's `exposure` is the larger side of
//
//   worstLong = position + open buys        worstShort = open sells − position
//
// and its gross value is exposure × |mark2| × moneyPerTick. An order is asked for before it is sent
// (`tryReserve`) and counted in the same step; a fill moves quantity from open to position, which never
// raises the exposure; the end of an order takes away what was left. So no sum is ever above its limit because
// of an order that was asked for. (A mark can lift the value of what is held; then only reducing orders pass.)
//
// Layers of `tryReserve`, in this order: killed · rate · for orders that are not reducing: stop loss · unknown
// values · open orders · position of the book · positions of all books · portfolio value. Reducing = on the side
// against the position, its quantity and the other open quantity of that side together not beyond flat.
//
// Unknown stays unknown: a book that is exposed and has no mark, or whose money left its bounds, is not in the
// totals and is counted; while there is one, limits on money let only reducing orders pass.
//
// Cost: some forty loads and stores an order; totals are kept, not summed. Nothing is allocated.
// Limits: LEDGER_QTY_MAX lots a book; money of all books together below 2^53, doubled, and of each its even share of that.
import { assert } from '../base/assert.ts';
import { Reason } from '../book/types.ts';
import { MID2_NONE } from './instruments.ts';

/** A limit that holds nobody back. */
export const LEDGER_LIMIT_NONE = Number.MAX_SAFE_INTEGER;
/** Position or open quantity of a book: 256 fills of the largest quantity; 4,096 such books stay below 2^53. */
export const LEDGER_QTY_MAX = 2 ** 40;
/** Cash of a book in tick-lots, so that twice of it plus a valued position is exact. */
const CASH_MAX = 2 ** 51;
/** Of a limit: doubled it is below 2^53. */
const LEDGER_MONEY_MAX = Math.floor(Number.MAX_SAFE_INTEGER / 2);
const SECOND_NS = 1e9;

/** Limits of the whole engine. LEDGER_LIMIT_NONE: none. Money is portfolio money. */
export interface LedgerLimits {
  /** Lots of one book, long or short, everything open included. */
  readonly positionMax: number;
  /** Lots of all books together, everything open included. */
  readonly positionTotalMax: number;
  /** Open orders of all books together. */
  readonly openOrdersMax: number;
  /** Orders and modifies within any second, at most the ledger's `sendTimes`. */
  readonly ordersPerSecond: number;
  /** Gross value of all books, everything open included. */
  readonly portfolioValueMax: number;
  /** At this loss only reducing orders pass, until `reset`. */
  readonly stopLoss: number;
}

export const LEDGER_LIMITS_NONE: LedgerLimits = {
  positionMax: LEDGER_LIMIT_NONE, positionTotalMax: LEDGER_LIMIT_NONE, openOrdersMax: LEDGER_LIMIT_NONE,
  ordersPerSecond: LEDGER_LIMIT_NONE, portfolioValueMax: LEDGER_LIMIT_NONE, stopLoss: LEDGER_LIMIT_NONE,
};

/** What a risk gate asks and tells. `side` buy +1, sell −1; quantities are lots. */
export interface ExposureLedger {
  /** A new order: counted when Reason.None, refused otherwise. */
  tryReserve(book: number, side: number, qty: number, nowNs: number): Reason;
  /** A live order of the book is to become larger (or smaller: only the rate can refuse that) by `deltaQty`. */
  tryAdjust(book: number, side: number, deltaQty: number, nowNs: number): Reason;
  /** An order that exists already, found after a restart: counted without being asked for. */
  reserve(book: number, side: number, qty: number): void;
  /** A live order has become larger or smaller by `deltaQty` without being asked for. */
  adjust(book: number, side: number, deltaQty: number): void;
  /** An order has ended; `qty` of it was still counted. */
  release(book: number, side: number, qty: number): void;
  /**
   * A fill: `qty` becomes position, `reservedQty` of it was counted as open (0: a fill of nothing that was counted).
   * `fee` in tick-lots, paid when positive.
   */
  filled(book: number, side: number, priceTicks: number, qty: number, reservedQty: number, fee?: number): void;
  /** Bid + ask in ticks; MID2_NONE when unknown. */
  mark(book: number, mid2: number): void;
  /** Nothing passes until `reset`. When it has returned, nothing that was asked before passes any more. */
  kill(): void;
  /** Lifts kill and stop loss; a loss that is still too large sets the latter again at the next fill or change of a mark. */
  reset(): void;
  readonly killed: boolean;
  readonly stopLossHit: boolean;
}

// Layout, in doubles.
const T_EXPOSURE = 0; // sums over books …
const T_VALUE2 = 1;
const T_PNL2 = 2;
const T_UNVALUED = 3; // … and how many books are in none of them
const T_UNKNOWN_PNL = 4;
const T_ORDERS = 5;
const T_SENT = 6; // since the start
const T_HALT = 7; // its low half as an int32
const L_POSITION = 8;
const L_EXPOSURE = 9;
const L_ORDERS = 10;
const L_RATE = 11;
const L_VALUE2 = 12;
const L_STOP_LOSS2 = 13;
const T_NEXT_SEND = 14; // where the next send's time goes in their ring
const BOOKS_AT = 16;

const B_POSITION = 0;
const B_OPEN_BUY = 1;
const B_OPEN_SELL = 2;
const B_ORDERS = 3;
const B_MARK2 = 4;
const B_MONEY_PER_TICK = 5;
const B_CASH = 6;
const B_EXPOSURE = 7; // as counted in the totals …
const B_VALUE2 = 8;
const B_PNL2 = 9;
const B_UNVALUED = 10; // … or 1: not counted
const B_UNKNOWN_PNL = 11;
const B_INEXACT = 12; // 1: the cash left its bounds once, so profit is unknown for good
/** Two cache lines. */
const BOOK_NUMBERS = 16;

const HALT_KILLED = 1;
const HALT_STOP_LOSS = 2;

/** Doubles of a ledger's block. */
export function ledgerNumbers(books: number, sendTimes: number): number {
  return ledgerStateNumbers(books) + sendTimes;
}

/** Doubles of it without the send times: what a snapshot copies. */
export function ledgerStateNumbers(books: number): number {
  return BOOKS_AT + books * BOOK_NUMBERS;
}

/** Lays out an empty ledger: no positions, nothing open, no marks. */
export function initializeLedger(numbers: Float64Array, moneyPerTick: ArrayLike<number>): void {
  numbers.fill(0);
  for (let book = 0; book < moneyPerTick.length; book += 1) {
    numbers[BOOKS_AT + book * BOOK_NUMBERS + B_MARK2] = MID2_NONE;
    numbers[BOOKS_AT + book * BOOK_NUMBERS + B_MONEY_PER_TICK] = moneyPerTick[book];
  }
}

/** Reads a ledger's block: that of a single thread's ledger at any time, or a copy of a shared one. */
export class LedgerView {
  readonly numbers: Float64Array;
  readonly books: number;
  readonly #words: Int32Array;

  constructor(numbers: Float64Array, books: number) {
    this.numbers = numbers;
    this.books = books;
    this.#words = new Int32Array(numbers.buffer, numbers.byteOffset, BOOKS_AT * 2);
  }

  position(book: number): number { return this.numbers[this.#at(book) + B_POSITION]; }
  openBuyQty(book: number): number { return this.numbers[this.#at(book) + B_OPEN_BUY]; }
  openSellQty(book: number): number { return this.numbers[this.#at(book) + B_OPEN_SELL]; }
  openOrders(book: number): number { return this.numbers[this.#at(book) + B_ORDERS]; }
  mark2(book: number): number { return this.numbers[this.#at(book) + B_MARK2]; }
  /** −Σ side · price · quantity − fees, tick-lots. */
  cash(book: number): number { return this.numbers[this.#at(book) + B_CASH]; }
  /** Position if every open buy is filled and no sell. */
  worstLong(book: number): number { return this.position(book) + this.openBuyQty(book); }
  /** Short position (positive) if every open sell is filled and no buy. */
  worstShort(book: number): number { return this.openSellQty(book) - this.position(book); }
  exposure(book: number): number { return this.numbers[this.#at(book) + B_EXPOSURE]; }

  get exposureTotal(): number { return this.numbers[T_EXPOSURE]; }
  get openOrdersTotal(): number { return this.numbers[T_ORDERS]; }
  /** Orders and modifies since the start. */
  get sent(): number { return this.numbers[T_SENT]; }
  /** Gross worst-case value of all books, portfolio money, doubled. Whole while `valueKnown`. */
  get grossValue2(): number { return this.numbers[T_VALUE2]; }
  /** Profit of all books, realised and not, portfolio money, doubled. Whole while `pnlKnown`. */
  get pnl2(): number { return this.numbers[T_PNL2]; }
  get valueKnown(): boolean { return this.numbers[T_UNVALUED] === 0; }
  get pnlKnown(): boolean { return this.numbers[T_UNKNOWN_PNL] === 0; }
  get killed(): boolean { return (Atomics.load(this.#words, T_HALT * 2) & HALT_KILLED) !== 0; }
  get stopLossHit(): boolean { return (Atomics.load(this.#words, T_HALT * 2) & HALT_STOP_LOSS) !== 0; }

  #at(book: number): number {
    return BOOKS_AT + book * BOOK_NUMBERS;
  }
}

/** The ledger of one thread, and the arithmetic of a shared one. */
export class LocalLedger implements ExposureLedger {
  readonly view: LedgerView;
  readonly #numbers: Float64Array;
  readonly #words: Int32Array;
  readonly #books: number;
  readonly #sendTimesAt: number;
  readonly #sendTimes: number;
  readonly #money2Max: number; // of one book, so that the sum over all is exact

  /** Over a block that `initializeLedger` has laid out, its end being the ring of send times. */
  constructor(numbers: Float64Array, books: number) {
    this.view = new LedgerView(numbers, books);
    this.#numbers = numbers;
    this.#words = new Int32Array(numbers.buffer, numbers.byteOffset, BOOKS_AT * 2);
    this.#books = books;
    this.#sendTimesAt = ledgerStateNumbers(books);
    this.#sendTimes = numbers.length - this.#sendTimesAt;
    assert(this.#sendTimes >= 0, 'a block holds its books');
    this.#money2Max = Math.floor(Number.MAX_SAFE_INTEGER / books);
  }

  /** A ledger with a block of its own, nothing limited yet. */
  static create(moneyPerTick: ArrayLike<number>, sendTimes: number): LocalLedger {
    const numbers = new Float64Array(ledgerNumbers(moneyPerTick.length, sendTimes));
    initializeLedger(numbers, moneyPerTick);
    const ledger = new LocalLedger(numbers, moneyPerTick.length);
    ledger.setLimits(LEDGER_LIMITS_NONE);
    return ledger;
  }

  tryReserve(book: number, side: number, qty: number, nowNs: number): Reason {
    const malformed = this.malformed(book, side, qty);
    if (malformed !== Reason.None) return malformed;
    const reason = this.#judge(this.#at(book), side, qty, 1, nowNs);
    if (reason !== Reason.None) return reason;
    this.#count(nowNs);
    this.#numbers[T_ORDERS] += 1;
    this.#numbers[this.#at(book) + B_ORDERS] += 1;
    this.#open(this.#at(book), side, qty);
    return Reason.None;
  }

  tryAdjust(book: number, side: number, deltaQty: number, nowNs: number): Reason {
    const malformed = this.malformed(book, side, Math.abs(deltaQty));
    if (malformed !== Reason.None) return malformed;
    const reason = deltaQty > 0 ? this.#judge(this.#at(book), side, deltaQty, 0, nowNs) : this.#judgeRate(nowNs);
    if (reason !== Reason.None) return reason;
    this.#count(nowNs);
    this.#open(this.#at(book), side, deltaQty);
    return Reason.None;
  }

  reserve(book: number, side: number, qty: number): void {
    assert(this.malformed(book, side, qty) === Reason.None, 'an order of the exchange has book, side and quantity');
    this.#numbers[T_ORDERS] += 1;
    this.#numbers[this.#at(book) + B_ORDERS] += 1;
    this.#open(this.#at(book), side, qty);
  }

  adjust(book: number, side: number, deltaQty: number): void {
    assert(this.malformed(book, side, Math.abs(deltaQty)) === Reason.None, 'a change has book, side and quantity');
    this.#open(this.#at(book), side, deltaQty);
  }

  release(book: number, side: number, qty: number): void {
    assert(this.malformed(book, side, qty) === Reason.None, 'the end of an order has book, side and quantity');
    const at = this.#at(book);
    assert(this.#numbers[at + B_ORDERS] > 0, 'an order that ends was counted');
    this.#numbers[T_ORDERS] -= 1;
    this.#numbers[at + B_ORDERS] -= 1;
    this.#open(at, side, -qty);
  }

  filled(book: number, side: number, priceTicks: number, qty: number, reservedQty: number, fee: number = 0): void {
    assert(this.malformed(book, side, qty) === Reason.None, 'a fill has book, side and quantity');
    assert(reservedQty >= 0 && reservedQty <= qty, 'a fill uses at most itself of what was counted');
    const numbers = this.#numbers;
    const at = this.#at(book);
    const position = numbers[at + B_POSITION] + side * qty;
    assert(Math.abs(position) <= LEDGER_QTY_MAX, 'a position stays within its bounds');
    numbers[at + B_POSITION] = position;
    const value = priceTicks * qty + side * fee;
    assert(Number.isInteger(value), 'the money of a fill is whole');
    const cash = numbers[at + B_CASH] - side * value;
    if (Math.abs(value) <= CASH_MAX && Math.abs(cash) <= CASH_MAX) numbers[at + B_CASH] = cash;
    else numbers[at + B_INEXACT] = 1;
    this.#open(at, side, -reservedQty);
    this.#checkLoss();
  }

  mark(book: number, mid2: number): void {
    assert(Number.isInteger(book) && book >= 0 && book < this.#books, 'a mark is of a book');
    assert(Number.isInteger(mid2), 'a mark is whole');
    const at = this.#at(book);
    if (this.#numbers[at + B_MARK2] === mid2) return;
    this.#numbers[at + B_MARK2] = mid2;
    this.#recount(at);
    this.#checkLoss();
  }

  /** The limits from now on; what is above a new one stays, and only reducing orders pass. */
  setLimits(limits: LedgerLimits): void {
    checkLimits(limits, this.#sendTimes);
    const numbers = this.#numbers;
    numbers[L_POSITION] = limits.positionMax;
    numbers[L_EXPOSURE] = limits.positionTotalMax;
    numbers[L_ORDERS] = limits.openOrdersMax;
    numbers[L_RATE] = limits.ordersPerSecond;
    numbers[L_VALUE2] = limits.portfolioValueMax === LEDGER_LIMIT_NONE ? LEDGER_LIMIT_NONE : 2 * limits.portfolioValueMax;
    numbers[L_STOP_LOSS2] = limits.stopLoss === LEDGER_LIMIT_NONE ? LEDGER_LIMIT_NONE : 2 * limits.stopLoss;
    this.#checkLoss();
  }

  kill(): void {
    Atomics.or(this.#words, T_HALT * 2, HALT_KILLED);
  }

  reset(): void {
    Atomics.store(this.#words, T_HALT * 2, 0);
  }

  get killed(): boolean {
    return this.view.killed;
  }

  get stopLossHit(): boolean {
    return this.view.stopLossHit;
  }

  /** Why these cannot be those of an order; Reason.None when they can. */
  malformed(book: number, side: number, qty: number): Reason {
    if (!(Number.isInteger(book) && book >= 0 && book < this.#books)) return Reason.UnknownTicker;
    if (side !== 1 && side !== -1) return Reason.Side;
    if (!(Number.isInteger(qty) && qty >= 0 && qty <= 0xffff_ffff)) return Reason.Quantity;
    return Reason.None;
  }

  /** All layers, in order. `orders`: how many more there would be. */
  #judge(at: number, side: number, qty: number, orders: number, nowNs: number): Reason {
    if (qty === 0) return Reason.Quantity;
    const numbers = this.#numbers;
    const reason = this.#judgeRate(nowNs);
    if (reason !== Reason.None) return reason;
    const position = numbers[at + B_POSITION];
    const open = numbers[at + (side > 0 ? B_OPEN_BUY : B_OPEN_SELL)] + qty;
    if (position * side < 0 && open <= Math.abs(position)) return Reason.None;
    if ((this.#words[T_HALT * 2] & HALT_STOP_LOSS) !== 0) return Reason.Loss;
    if (numbers[T_UNKNOWN_PNL] > 0 && numbers[L_STOP_LOSS2] !== LEDGER_LIMIT_NONE) return Reason.StaleMarketData;
    if (numbers[T_ORDERS] + orders > numbers[L_ORDERS]) return Reason.OpenOrders;
    const worst = side * position + open;
    if (worst > Math.min(numbers[L_POSITION], LEDGER_QTY_MAX)) return Reason.Position;
    const exposure = Math.max(numbers[at + B_EXPOSURE], worst);
    const total = numbers[T_EXPOSURE] - numbers[at + B_EXPOSURE] + exposure;
    if (total > numbers[L_EXPOSURE]) return Reason.Position;
    return numbers[L_VALUE2] === LEDGER_LIMIT_NONE ? Reason.None : this.#judgeValue(at, exposure);
  }

  #judgeRate(nowNs: number): Reason {
    const numbers = this.#numbers;
    if ((this.#words[T_HALT * 2] & HALT_KILLED) !== 0) return Reason.Killed;
    const rate = numbers[L_RATE];
    const sent = numbers[T_SENT];
    if (rate === LEDGER_LIMIT_NONE || sent < rate) return Reason.None;
    // The order `rate` orders ago must lie a second back, then any second holds at most `rate`.
    const back = numbers[T_NEXT_SEND] - rate;
    const then = numbers[this.#sendTimesAt + (back >= 0 ? back : back + this.#sendTimes)];
    return nowNs - then >= SECOND_NS ? Reason.None : Reason.Rate;
  }

  #judgeValue(at: number, exposure: number): Reason {
    const numbers = this.#numbers;
    if (numbers[T_UNVALUED] > 0 || numbers[at + B_MARK2] === MID2_NONE) return Reason.StaleMarketData;
    const value2 = exposure * Math.abs(numbers[at + B_MARK2]) * numbers[at + B_MONEY_PER_TICK];
    return numbers[T_VALUE2] - numbers[at + B_VALUE2] + value2 > numbers[L_VALUE2] ? Reason.Notional : Reason.None;
  }

  /** An order or a modify goes out. */
  #count(nowNs: number): void {
    const numbers = this.#numbers;
    numbers[T_SENT] += 1;
    if (this.#sendTimes === 0) return;
    const next = numbers[T_NEXT_SEND];
    numbers[this.#sendTimesAt + next] = nowNs;
    numbers[T_NEXT_SEND] = next + 1 < this.#sendTimes ? next + 1 : 0;
  }

  /** More, or less, is open on a side. */
  #open(at: number, side: number, deltaQty: number): void {
    const of = at + (side > 0 ? B_OPEN_BUY : B_OPEN_SELL);
    const open = this.#numbers[of] + deltaQty;
    assert(open >= 0, 'only what is open is taken away');
    assert(open <= LEDGER_QTY_MAX, 'what is open stays within its bounds');
    this.#numbers[of] = open;
    this.#recount(at);
  }

  /** What a book adds to the totals, anew. */
  #recount(at: number): void {
    const numbers = this.#numbers;
    const position = numbers[at + B_POSITION];
    const exposure = Math.max(position + numbers[at + B_OPEN_BUY], numbers[at + B_OPEN_SELL] - position);
    numbers[T_EXPOSURE] += exposure - numbers[at + B_EXPOSURE];
    numbers[at + B_EXPOSURE] = exposure;
    this.#recountValue(at, exposure);
    this.#recountPnl(at, position);
  }

  #recountValue(at: number, exposure: number): void {
    const numbers = this.#numbers;
    const mark2 = numbers[at + B_MARK2];
    // Whole numbers in doubles: a product that is not exact is beyond 2^53, and so is the rounded one.
    const value2 = exposure === 0 ? 0 : exposure * Math.abs(mark2) * numbers[at + B_MONEY_PER_TICK];
    const known = (exposure === 0 || mark2 !== MID2_NONE) && value2 <= this.#money2Max;
    numbers[T_VALUE2] = numbers[T_VALUE2] - numbers[at + B_VALUE2] + (known ? value2 : 0);
    numbers[at + B_VALUE2] = known ? value2 : 0;
    numbers[T_UNVALUED] += (known ? 0 : 1) - numbers[at + B_UNVALUED];
    numbers[at + B_UNVALUED] = known ? 0 : 1;
  }

  #recountPnl(at: number, position: number): void {
    const numbers = this.#numbers;
    const mark2 = numbers[at + B_MARK2];
    const held2 = position === 0 ? 0 : position * mark2;
    const pnl2 = (2 * numbers[at + B_CASH] + held2) * numbers[at + B_MONEY_PER_TICK];
    const known = numbers[at + B_INEXACT] === 0 && (position === 0 || mark2 !== MID2_NONE) &&
      Math.abs(held2) <= 2 * CASH_MAX && Math.abs(pnl2) <= this.#money2Max;
    // The old one off first: the difference of two profits can be beyond 2^53, the sum of the others cannot.
    numbers[T_PNL2] = numbers[T_PNL2] - numbers[at + B_PNL2] + (known ? pnl2 : 0);
    numbers[at + B_PNL2] = known ? pnl2 : 0;
    numbers[T_UNKNOWN_PNL] += (known ? 0 : 1) - numbers[at + B_UNKNOWN_PNL];
    numbers[at + B_UNKNOWN_PNL] = known ? 0 : 1;
  }

  #checkLoss(): void {
    const numbers = this.#numbers;
    if (numbers[T_UNKNOWN_PNL] > 0 || numbers[L_STOP_LOSS2] === LEDGER_LIMIT_NONE) return;
    if (numbers[T_PNL2] <= -numbers[L_STOP_LOSS2]) Atomics.or(this.#words, T_HALT * 2, HALT_STOP_LOSS);
  }

  #at(book: number): number {
    return BOOKS_AT + book * BOOK_NUMBERS;
  }
}

function checkLimits(limits: LedgerLimits, sendTimes: number): void {
  const check = (name: keyof LedgerLimits, min: number, max: number): void => {
    const value = limits[name];
    if (value === LEDGER_LIMIT_NONE || (Number.isInteger(value) && value >= min && value <= max)) return;
    throw new RangeError(`${name}: expected a whole number ${min} … ${max} or LEDGER_LIMIT_NONE, was ${value}`);
  };
  check('positionMax', 0, LEDGER_QTY_MAX);
  check('positionTotalMax', 0, LEDGER_LIMIT_NONE);
  check('openOrdersMax', 0, LEDGER_LIMIT_NONE);
  check('ordersPerSecond', 1, sendTimes);
  check('portfolioValueMax', 0, LEDGER_MONEY_MAX);
  check('stopLoss', 1, LEDGER_MONEY_MAX);
}
