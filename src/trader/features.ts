// Feature engine: what strategies want to know about a market, from its top of book and its trades.
//
//   fair value   f ← f + α·(mid − f), α = 0.1 by default: exponential moving average of the mid, one step
//                a call of `onTop`; the first mid begins it
//   spread       ask − bid
//   imbalance    (bid qty − ask qty) / (bid qty + ask qty), −1 … +1
//   microprice   (bid · ask qty + ask · bid qty) / (bid qty + ask qty): the mid leant towards the side
//                that is about to give way [1, 2]
//   trade ratio  s / v, −1 … +1, where with each trade s ← λ·s + side·qty and v ← λ·v + qty: the signed
//                share of aggressive volume [3] over a window that forgets, λ = 0.9: half of the weight
//                lies on the last 6.6 trades (ln 2 / −ln λ)
//   touch ratio  quantity of the last trade / quantity that stood at the touch it hit [4]; above 1 it
//                took more than was shown
//   signal       clamp(0.7·(fair − mid)/spread + 0.3·imbalance, −1, +1): up when the mid has fallen below
//                its average and when the bid is the heavier side
//
// [1] J. Gatheral, R. Oomen, Zero-intelligence realized variance estimation, Finance and Stochastics
//     14 (2010): the weighted mid. [2] S. Stoikov, The micro-price, Quantitative Finance 18 (2018), which
//     takes it as the first approximation. [3] R. Cont, A. Kukanov, S. Stoikov, The price impact of order
//     book events, Journal of Financial Econometrics 12 (2014): trade imbalance, here as a share and with
//     exponential weights. [4] S. Ghosh, Building Low Latency Applications with C++ (2023), ch. 9.
//
// Unknown: a top with an empty side, or whose spread is zero or negative, has no features. `known` says
// so, and every read then answers a stated value that is a number: none of them is ever NaN. An unknown
// top also ends the average: the next known mid begins a new one, so that no price from before a hole,
// a sweep or a clear enters what comes after. The trade window ends with `clear` only.
//
// State: per instrument one record of eight 64-bit floats, one cache line; instruments share nothing.
//
//   0 bid ticks · 1 bid qty · 2 ask ticks · 3 ask qty · 4 fair · 5 signed volume · 6 volume · 7 touch ratio
//
// Order: features are those of the last top that was told, so tell it after the book has changed. Cost:
// one multiplication an update, the divisions are paid by who reads; nothing is allocated. Limits:
// prices are i32 ticks, so bid + ask, differences and halves are exact; quantities are exact up to 2^53.
import { assert } from '../base/assert.ts';
import { Side } from '../book/types.ts';
import { MID2_NONE, PRICE_TICKS_NONE } from './instruments.ts';

export const FAIR_ALPHA_DEFAULT = 0.1;
/** Weight that a trade keeps with each later one. */
export const TRADE_DECAY_DEFAULT = 0.9;
const SIGNAL_FAIR_WEIGHT = 0.7;
const SIGNAL_IMBALANCE_WEIGHT = 0.3;

/** log2 of the floats of a record. */
const RECORD_SHIFT = 3;
const BID = 0;
const BID_QTY = 1;
const ASK = 2;
const ASK_QTY = 3;
const FAIR = 4;
const SIGNED_VOLUME = 5;
const VOLUME = 6;
const TOUCH_RATIO = 7;

/** No average yet: no mid is this low, for no price is. */
const FAIR_NONE = PRICE_TICKS_NONE;

/** Not NaN, not infinite, and exact in sums of two. */
function isQuantity(qty: number): boolean {
  return qty > 0 && qty <= Number.MAX_SAFE_INTEGER;
}

export interface FeatureOptions {
  /** α of the fair value, above 0, at most 1. */
  readonly alpha?: number;
  /** λ of the trade ratio, at least 0, below 1. */
  readonly tradeDecay?: number;
}

export class FeatureEngine {
  readonly instrumentCount: number;
  readonly #alpha: number;
  readonly #tradeDecay: number;
  readonly #records: Float64Array;

  constructor(instrumentCount: number, options: FeatureOptions = {}) {
    const { alpha = FAIR_ALPHA_DEFAULT, tradeDecay = TRADE_DECAY_DEFAULT } = options;
    assert(instrumentCount > 0, 'a feature engine has at least one instrument');
    assert(alpha > 0 && alpha <= 1, 'alpha of the fair value lies above 0, at most at 1');
    assert(tradeDecay >= 0 && tradeDecay < 1, 'the decay of trades is at least 0 and below 1');
    this.instrumentCount = instrumentCount;
    this.#alpha = alpha;
    this.#tradeDecay = tradeDecay;
    this.#records = new Float64Array(instrumentCount << RECORD_SHIFT);
    for (let book = 0; book < instrumentCount; book++) this.clear(book);
  }

  // ── what happens ───────────────────────────────────────────────────────────────────────────

  /**
   * The top of the book after a change: prices in ticks, PRICE_TICKS_NONE and quantity 0 for an empty
   * side. One observation of the fair value, also when it repeats the last.
   */
  onTop(book: number, bidTicks: number, bidQty: number, askTicks: number, askQty: number): void {
    const at = this.#at(book);
    const records = this.#records;
    this.#setSide(at + BID, bidTicks, bidQty);
    this.#setSide(at + ASK, askTicks, askQty);
    if (!this.#knownAt(at)) {
      records[at + FAIR] = FAIR_NONE;
      return;
    }
    const mid = (bidTicks + askTicks) / 2;
    const fair = records[at + FAIR];
    records[at + FAIR] = fair === FAIR_NONE ? mid : fair + this.#alpha * (mid - fair);
  }

  /**
   * A trade, told before the top that it leaves behind. `side` is the aggressor's; a trade without one
   * (a side that is neither buy nor sell) says nothing about aggression and is left out.
   */
  onTrade(book: number, side: number, _priceTicks: number, qty: number): void {
    const at = this.#at(book);
    if ((side !== Side.Buy && side !== Side.Sell) || !isQuantity(qty)) return;
    const records = this.#records;
    const decay = this.#tradeDecay;
    records[at + SIGNED_VOLUME] = decay * records[at + SIGNED_VOLUME] + side * qty;
    records[at + VOLUME] = decay * records[at + VOLUME] + qty;
    const hit = records[at + (side === Side.Buy ? ASK_QTY : BID_QTY)];
    records[at + TOUCH_RATIO] = hit > 0 ? qty / hit : 0;
  }

  /** Forgets everything about an instrument: its book was emptied, or was never known. */
  clear(book: number): void {
    const at = this.#at(book);
    const records = this.#records;
    records[at + BID] = PRICE_TICKS_NONE;
    records[at + BID_QTY] = 0;
    records[at + ASK] = PRICE_TICKS_NONE;
    records[at + ASK_QTY] = 0;
    records[at + FAIR] = FAIR_NONE;
    records[at + SIGNED_VOLUME] = 0;
    records[at + VOLUME] = 0;
    records[at + TOUCH_RATIO] = 0;
  }

  // ── what is known ──────────────────────────────────────────────────────────────────────────

  /** Both sides are there and the spread is positive. False: no feature of the book may be used. */
  known(book: number): boolean {
    return this.#knownAt(this.#at(book));
  }

  /** Best price in ticks, PRICE_TICKS_NONE where the side is empty. */
  bidTicks(book: number): number {
    return this.#records[this.#at(book) + BID];
  }

  /** Quantity at the best price, 0 where the side is empty. */
  bidQty(book: number): number {
    return this.#records[this.#at(book) + BID_QTY];
  }

  askTicks(book: number): number {
    return this.#records[this.#at(book) + ASK];
  }

  askQty(book: number): number {
    return this.#records[this.#at(book) + ASK_QTY];
  }

  /** Bid + ask: twice the mid, exactly, whichever way prices are rounded. MID2_NONE while unknown. */
  mid2(book: number): number {
    const at = this.#at(book);
    return this.#knownAt(at) ? this.#records[at + BID] + this.#records[at + ASK] : MID2_NONE;
  }

  /** Average of the mid in ticks. PRICE_TICKS_NONE while unknown. */
  fairTicks(book: number): number {
    return this.#records[this.#at(book) + FAIR];
  }

  /** Ask − bid in ticks, at least 1. 0 while unknown. */
  spreadTicks(book: number): number {
    const at = this.#at(book);
    return this.#knownAt(at) ? this.#records[at + ASK] - this.#records[at + BID] : 0;
  }

  /** −1 (all asks) … +1 (all bids). 0 while unknown. */
  imbalance(book: number): number {
    const at = this.#at(book);
    return this.#knownAt(at) ? this.#imbalanceAt(at) : 0;
  }

  /** Between bid and ask, in ticks. PRICE_TICKS_NONE while unknown. */
  microTicks(book: number): number {
    const at = this.#at(book);
    if (!this.#knownAt(at)) return PRICE_TICKS_NONE;
    const records = this.#records;
    const bid = records[at + BID];
    const bidQty = records[at + BID_QTY];
    // bid + spread · share: unlike the sum of products it cannot be rounded outside of the spread.
    return bid + (records[at + ASK] - bid) * (bidQty / (bidQty + records[at + ASK_QTY]));
  }

  /** −1 (only sellers) … +1 (only buyers were aggressive). 0 before the first trade. */
  tradeRatio(book: number): number {
    const at = this.#at(book);
    const volume = this.#records[at + VOLUME];
    return volume > 0 ? this.#records[at + SIGNED_VOLUME] / volume : 0;
  }

  /** Share of the touch that the last trade took. 0 before the first, or if it met an empty side. */
  touchRatio(book: number): number {
    return this.#records[this.#at(book) + TOUCH_RATIO];
  }

  /** −1 (sell) … +1 (buy). 0 while unknown. */
  signal(book: number): number {
    const at = this.#at(book);
    if (!this.#knownAt(at)) return 0;
    const records = this.#records;
    const bid = records[at + BID];
    const ask = records[at + ASK];
    const reversion = (records[at + FAIR] - (bid + ask) / 2) / (ask - bid);
    const raw = SIGNAL_FAIR_WEIGHT * reversion + SIGNAL_IMBALANCE_WEIGHT * this.#imbalanceAt(at);
    return raw > 1 ? 1 : raw < -1 ? -1 : raw;
  }

  /** Whether `signal` says something: 0 can also be an answer. */
  signalKnown(book: number): boolean {
    return this.#knownAt(this.#at(book));
  }

  /** Every record against the rules above; throws at the first that is broken. */
  checkInvariants(): void {
    const records = this.#records;
    for (let book = 0; book < this.instrumentCount; book++) {
      const at = this.#at(book);
      for (let field = 0; field <= TOUCH_RATIO; field++) {
        assert(Number.isFinite(records[at + field]), 'every field is a finite number');
      }
      const isBid = records[at + BID] !== PRICE_TICKS_NONE;
      const isAsk = records[at + ASK] !== PRICE_TICKS_NONE;
      assert(isBid === records[at + BID_QTY] > 0, 'a bid has a quantity');
      assert(isAsk === records[at + ASK_QTY] > 0, 'an ask has a quantity');
      assert(this.#knownAt(at) === (records[at + FAIR] !== FAIR_NONE), 'a fair value where it is known');
      assert(Math.abs(records[at + SIGNED_VOLUME]) <= records[at + VOLUME], 'the share of trades is one');
    }
  }

  #at(book: number): number {
    assert(book >= 0 && book < this.instrumentCount, 'a book is an index below the instrument count');
    return book << RECORD_SHIFT;
  }

  /** Writes price and quantity of a side at `at`, or that it is empty: whatever is not a price or a quantity is none. */
  #setSide(at: number, ticks: number, qty: number): void {
    const records = this.#records;
    const there = (ticks | 0) === ticks && ticks !== PRICE_TICKS_NONE && isQuantity(qty);
    records[at] = there ? ticks : PRICE_TICKS_NONE;
    records[at + 1] = there ? qty : 0;
  }

  #knownAt(at: number): boolean {
    const records = this.#records;
    const bid = records[at + BID];
    // "None" is the lowest price: an empty ask stands above nothing, an empty bid has to be looked for.
    return records[at + ASK] > bid && bid !== PRICE_TICKS_NONE;
  }

  #imbalanceAt(at: number): number {
    const bidQty = this.#records[at + BID_QTY];
    const askQty = this.#records[at + ASK_QTY];
    return (bidQty - askQty) / (bidQty + askQty);
  }
}
