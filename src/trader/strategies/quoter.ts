// Quoter: from the quotes that a strategy wants to as few changes of the live ones as its rules allow.
//
//   wanted ──► may it stand? ──► does the live one do? ──► keep
//                 │ no                  │ no
//                 ▼                     ├─ may change now ──► place or move
//              withdraw                 └─ may not ─────────► wait; withdraw what is refused its move
//
// A quote may stand when its price lies in the instrument's range and its quantity is at least a lot.
// A live one does while it is less than `thresholdTicks` away from the wanted price; then it keeps its
// place in the queue and its quantity, unless that has become too large: it is reduced, never topped up.
// Changes wait for two things:
//   refresh  `refreshNs` between changes of an instrument, at least 1: our quotes are part of the book that
//            we look at, so a change can be the reason for the next one, at the rate of the answers or, with
//            a venue in the same process, without end. Both sides together, so that no side moves into the
//            other one that has to stay; what stands may stand on until then
//   pause    after a refusal, 100 ms and twice as long each time up to 6.4 s, until an order is accepted.
//            A refusal by our own risk gate pauses its side, one by the exchange (which says no side)
//            both. What cannot be moved meanwhile is withdrawn: a cancel is always allowed. Where an order
//            only ended because messages crossed on their way, nothing pauses
// Withdrawals wait for nothing.
//
// Order: the side that the other one would run into goes first, so that the exchange never sees our own
// quotes cross. Times are the desk's event time. Cost: a few loads; nothing is allocated.
import { Reason, Side } from '../../book/types.ts';
import { PRICE_TICKS_NONE, type TraderInstruments } from '../instruments.ts';
import { OrderStatus } from '../order_manager.ts';
import type { Desk } from './strategy.ts';

const MS = 1_000_000;
export const PAUSE_MIN_NS = 100 * MS;
export const PAUSE_MAX_NS = 64 * PAUSE_MIN_NS;
/** Two changes never happen at one instant. */
export const REFRESH_MIN_NS = 1;
/** Before any event. */
const LONG_AGO_NS = -Infinity;
/**
 * What is this little short of a whole number is that number: what floats lose must not cost a tick or a
 * lot. Above the distance of two floats at the highest price (2^-21), far below anything meant.
 */
const ROUNDING = 1e-6;

/** A price to buy at: down to a whole tick. */
export function bidTicksOf(price: number): number {
  return Math.floor(price + ROUNDING);
}

/** A price to sell at: up to a whole tick. */
export function askTicksOf(price: number): number {
  return Math.ceil(price - ROUNDING);
}

/** `qty` in whole lots, rounded down, never below 0. */
export function wholeLots(qty: number, lot: number): number {
  return qty > 0 ? Math.floor((qty + ROUNDING) / lot) * lot : 0;
}

/** Lots that `side` may still add before the position reaches `maxPosition` on its side; never below 0. */
export function roomOf(side: number, position: number, maxPosition: number): number {
  return Math.max(0, maxPosition - side * position);
}

/**
 * Reasons that say nothing of the next order: requests crossed on their way with a fill, or with the move of
 * our own other side.
 */
function isPassing(reason: Reason): boolean {
  return reason === Reason.SelfTrade || reason === Reason.UnknownOrder || reason === Reason.TooLate;
}

export class Quoter {
  readonly #instruments: TraderInstruments;
  readonly #thresholdTicks: Float64Array;
  readonly #refreshNs: number;
  readonly #changedNs: Float64Array;
  /** By book and side: 2 · book for bids, + 1 for asks. */
  readonly #pausedUntilNs: Float64Array;
  readonly #pauseNs: Float64Array;
  /** By book: something is wanted that had to wait. */
  readonly #waiting: Uint8Array;
  #waitingCount = 0;

  /** `thresholdTicks` by book: smaller moves are left out; 0 = every move is made. */
  constructor(instruments: TraderInstruments, thresholdTicks: Float64Array, refreshNs = REFRESH_MIN_NS) {
    this.#instruments = instruments;
    this.#thresholdTicks = thresholdTicks;
    this.#refreshNs = Math.max(refreshNs, REFRESH_MIN_NS);
    this.#changedNs = new Float64Array(instruments.count).fill(LONG_AGO_NS);
    this.#pausedUntilNs = new Float64Array(2 * instruments.count).fill(LONG_AGO_NS);
    this.#pauseNs = new Float64Array(2 * instruments.count).fill(PAUSE_MIN_NS);
    this.#waiting = new Uint8Array(instruments.count);
  }

  /** Instruments of which a change waits. */
  get waitingCount(): number {
    return this.#waitingCount;
  }

  isWaiting(book: number): boolean {
    return this.#waiting[book] !== 0;
  }

  /** Wanted from now on: a bid and an ask in whole ticks and whole lots; quantity 0 = none. */
  want(
    desk: Desk, book: number, bidTicks: number, bidQty: number, askTicks: number, askQty: number,
  ): void {
    const wantedBid = bidTicks < askTicks && this.#inRange(book, bidTicks) ? bidQty : 0;
    const wantedAsk = bidTicks < askTicks && this.#inRange(book, askTicks) ? askQty : 0;
    const liveBid = desk.quoteTicks(book, Side.Buy);
    const liveAsk = desk.quoteTicks(book, Side.Sell);
    let bid = wantedBid > 0 && this.#does(book, liveBid, bidTicks) ? liveBid : bidTicks;
    let ask = wantedAsk > 0 && this.#does(book, liveAsk, askTicks) ? liveAsk : askTicks;
    // What each side alone would keep can cross the other's new place.
    if (bid >= ask) {
      bid = bidTicks;
      ask = askTicks;
    }
    const mayChange = desk.nowNs - this.#changedNs[book] >= this.#refreshNs;
    this.#setWaiting(book, 0);
    if (liveAsk !== PRICE_TICKS_NONE && bid >= liveAsk) {
      this.#side(desk, book, Side.Sell, ask, wantedAsk, mayChange);
      this.#side(desk, book, Side.Buy, bid, wantedBid, mayChange);
    } else {
      this.#side(desk, book, Side.Buy, bid, wantedBid, mayChange);
      this.#side(desk, book, Side.Sell, ask, wantedAsk, mayChange);
    }
  }

  /** No quotes of this instrument. */
  withdraw(desk: Desk, book: number): void {
    this.#setWaiting(book, 0);
    this.#withdrawSide(desk, book, Side.Buy);
    this.#withdrawSide(desk, book, Side.Sell);
  }

  withdrawAll(desk: Desk): void {
    for (let book = 0; book < this.#instruments.count; book++) this.withdraw(desk, book);
  }

  /** The strategy's `onOrder`, handed on. */
  onOrder(desk: Desk, book: number, status: OrderStatus, reason: Reason): void {
    const slot = 2 * book;
    if (status === OrderStatus.Live) {
      this.#pauseNs[slot] = PAUSE_MIN_NS;
      this.#pauseNs[slot + 1] = PAUSE_MIN_NS;
    } else if (status === OrderStatus.Done && reason !== Reason.None) {
      this.#setWaiting(book, 1);
      if (isPassing(reason)) return;
      this.#pause(desk, slot);
      this.#pause(desk, slot + 1);
    }
  }

  /** Whether a live quote serves for the wanted price. */
  #does(book: number, liveTicks: number, wantedTicks: number): boolean {
    if (liveTicks === PRICE_TICKS_NONE) return false;
    const distance = Math.abs(wantedTicks - liveTicks);
    return distance === 0 || distance < this.#thresholdTicks[book];
  }

  #side(
    desk: Desk, book: number, side: number, priceTicks: number, qty: number, mayChange: boolean,
  ): void {
    if (qty <= 0) return this.#withdrawSide(desk, book, side);
    const liveQty = desk.quoteQty(book, side);
    const stays = liveQty > 0 && desk.quoteTicks(book, side) === priceTicks;
    if (stays && liveQty <= qty) return;
    const slot = 2 * book + (side === Side.Buy ? 0 : 1);
    const paused = desk.nowNs < this.#pausedUntilNs[slot];
    if (!stays && (paused || !mayChange)) {
      this.#setWaiting(book, 1);
      if (paused) this.#withdrawSide(desk, book, side);
      else if (liveQty > qty) desk.quote(book, side, desk.quoteTicks(book, side), qty);
      return;
    }
    const reason = desk.quote(book, side, priceTicks, qty);
    if (reason === Reason.None) {
      if (!stays) this.#changedNs[book] = desk.nowNs;
      return;
    }
    this.#pause(desk, slot);
    this.#setWaiting(book, 1);
    this.#withdrawSide(desk, book, side);
  }

  #withdrawSide(desk: Desk, book: number, side: number): void {
    if (desk.quoteQty(book, side) > 0) desk.quote(book, side, desk.quoteTicks(book, side), 0);
  }

  /** A pause is as long as what came before has earned; refusals within one are the same refusal. */
  #pause(desk: Desk, slot: number): void {
    // The time is read from the desk: handed on it would be a number on the heap.
    if (desk.nowNs < this.#pausedUntilNs[slot]) return;
    const pauseNs = this.#pauseNs[slot];
    this.#pausedUntilNs[slot] = desk.nowNs + pauseNs;
    this.#pauseNs[slot] = Math.min(2 * pauseNs, PAUSE_MAX_NS);
  }

  #setWaiting(book: number, waiting: number): void {
    this.#waitingCount += waiting - this.#waiting[book];
    this.#waiting[book] = waiting;
  }

  #inRange(book: number, priceTicks: number): boolean {
    const { minTicks, maxTicks } = this.#instruments;
    return priceTicks >= minTicks[book] && priceTicks <= maxTicks[book];
  }
}
