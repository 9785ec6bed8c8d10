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
// State: per instrument one record of sixteen 64-bit floats, two cache lines, of which most strategies read
// the first; instruments share nothing.
//
//   0 bid   1 bid qty   2 ask        3 ask qty         4 spread   5 fair    6 imbalance   7 signal
//   8 mid2  9 micro    10 trade ratio  11 touch ratio  12 s      13 v
//
// Order: features are those of the last top that was told, so tell it after the book has changed. Cost:
// three divisions an update, one load a read. (Computing on reading was tried: a strategy's callback then
// grew beyond what V8 puts into one function, and each read that was left out of it allocated its answer.
// For the same reason `book` is checked where something is told, not where it is read: eight checked reads
// cost as much as the update.) Nothing is allocated. Limits: prices are i32 ticks, so bid + ask, differences and halves are exact;
// quantities are exact up to 2^53.
import { assert } from '../base/assert.ts';
import { Side } from '../book/types.ts';
import { MID2_NONE, PRICE_TICKS_NONE } from './instruments.ts';

export const FAIR_ALPHA_DEFAULT = 0.1;
/** Weight that a trade keeps with each later one. */
export const TRADE_DECAY_DEFAULT = 0.9;
const SIGNAL_FAIR_WEIGHT = 0.7;
const SIGNAL_IMBALANCE_WEIGHT = 0.3;

/** log2 of the floats of a record. */
const RECORD_SHIFT = 4;
const BID = 0;
const BID_QTY = 1;
const ASK = 2;
const ASK_QTY = 3;
/** 0 while unknown: a known one is at least 1. */
const SPREAD = 4;
const FAIR = 5;
const IMBALANCE = 6;
const SIGNAL = 7;
const MID2 = 8;
const MICRO = 9;
const TRADE_RATIO = 10;
const TOUCH_RATIO = 11;
const SIGNED_VOLUME = 12;
const VOLUME = 13;

/** No average yet: no mid is this low, for no price is. */
const FAIR_NONE = PRICE_TICKS_NONE;

/** A whole number of ticks that fits i32, and not the one that says none. */
function isPrice(ticks: number): boolean {
  return (ticks | 0) === ticks && ticks !== PRICE_TICKS_NONE;
}

/** Above 0, exact, and neither NaN nor infinite. */
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
    const isBid = isPrice(bidTicks) && isQuantity(bidQty);
    const isAsk = isPrice(askTicks) && isQuantity(askQty);
    records[at + BID] = isBid ? bidTicks : PRICE_TICKS_NONE;
    records[at + BID_QTY] = isBid ? bidQty : 0;
    records[at + ASK] = isAsk ? askTicks : PRICE_TICKS_NONE;
    records[at + ASK_QTY] = isAsk ? askQty : 0;
    if (isBid && isAsk && askTicks > bidTicks) this.#learn(at, bidTicks, bidQty, askTicks, askQty);
    else this.#forgetTop(at);
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
    const signed = decay * records[at + SIGNED_VOLUME] + side * qty;
    const volume = decay * records[at + VOLUME] + qty;
    records[at + SIGNED_VOLUME] = signed;
    records[at + VOLUME] = volume;
    records[at + TRADE_RATIO] = signed / volume;
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
    records[at + SIGNED_VOLUME] = 0;
    records[at + VOLUME] = 0;
    records[at + TRADE_RATIO] = 0;
    records[at + TOUCH_RATIO] = 0;
    this.#forgetTop(at);
  }

  // ── what is known ──────────────────────────────────────────────────────────────────────────

  /** Both sides are there and the spread is positive. False: no feature of the book may be used. */
  known(book: number): boolean {
    return this.#records[(book << RECORD_SHIFT) + SPREAD] > 0;
  }

  /** Best price in ticks, PRICE_TICKS_NONE where the side is empty. */
  bidTicks(book: number): number {
    return this.#records[(book << RECORD_SHIFT) + BID];
  }

  /** Quantity at the best price, 0 where the side is empty. */
  bidQty(book: number): number {
    return this.#records[(book << RECORD_SHIFT) + BID_QTY];
  }

  askTicks(book: number): number {
    return this.#records[(book << RECORD_SHIFT) + ASK];
  }

  askQty(book: number): number {
    return this.#records[(book << RECORD_SHIFT) + ASK_QTY];
  }

  /** Bid + ask: twice the mid, exactly, whichever way prices are rounded. MID2_NONE while unknown. */
  mid2(book: number): number {
    return this.#records[(book << RECORD_SHIFT) + MID2];
  }

  /** Average of the mid in ticks. PRICE_TICKS_NONE while unknown. */
  fairTicks(book: number): number {
    return this.#records[(book << RECORD_SHIFT) + FAIR];
  }

  /** Ask − bid in ticks, at least 1. 0 while unknown. */
  spreadTicks(book: number): number {
    return this.#records[(book << RECORD_SHIFT) + SPREAD];
  }

  /** −1 (all asks) … +1 (all bids). 0 while unknown. */
  imbalance(book: number): number {
    return this.#records[(book << RECORD_SHIFT) + IMBALANCE];
  }

  /** Between bid and ask, in ticks. PRICE_TICKS_NONE while unknown. */
  microTicks(book: number): number {
    return this.#records[(book << RECORD_SHIFT) + MICRO];
  }

  /** −1 (only sellers) … +1 (only buyers were aggressive). 0 before the first trade. */
  tradeRatio(book: number): number {
    return this.#records[(book << RECORD_SHIFT) + TRADE_RATIO];
  }

  /** Share of the touch that the last trade took. 0 before the first, or if it met an empty side. */
  touchRatio(book: number): number {
    return this.#records[(book << RECORD_SHIFT) + TOUCH_RATIO];
  }

  /** −1 (sell) … +1 (buy). 0 while unknown. */
  signal(book: number): number {
    return this.#records[(book << RECORD_SHIFT) + SIGNAL];
  }

  /** Whether `signal` says something: 0 can also be an answer. */
  signalKnown(book: number): boolean {
    return this.known(book);
  }

  /** Every record against the rules above; throws at the first that is broken. */
  checkInvariants(): void {
    for (let book = 0; book < this.instrumentCount; book++) {
      const at = book << RECORD_SHIFT;
      const record = this.#records.subarray(at, at + (1 << RECORD_SHIFT));
      assert(record.every(Number.isFinite), 'every field is a finite number');
      assert((record[BID] !== PRICE_TICKS_NONE) === record[BID_QTY] > 0, 'a bid has a quantity');
      assert((record[ASK] !== PRICE_TICKS_NONE) === record[ASK_QTY] > 0, 'an ask has a quantity');
      const known = record[SPREAD] > 0;
      assert(!known || record[SPREAD] === record[ASK] - record[BID], 'the spread is that of the top');
      assert(known === (record[FAIR] !== FAIR_NONE), 'a fair value where the top is known');
      assert(known === (record[MID2] !== MID2_NONE), 'a mid where the top is known');
      assert(Math.abs(record[IMBALANCE]) <= 1, 'the imbalance lies in −1 … +1');
      assert(Math.abs(record[SIGNAL]) <= 1, 'the signal lies in −1 … +1');
      assert(Math.abs(record[SIGNED_VOLUME]) <= record[VOLUME], 'the share of trades lies in −1 … +1');
    }
  }

  #at(book: number): number {
    assert(book >= 0 && book < this.instrumentCount, 'a book is an index below the instrument count');
    return book << RECORD_SHIFT;
  }

  #learn(at: number, bid: number, bidQty: number, ask: number, askQty: number): void {
    const records = this.#records;
    const mid = (bid + ask) / 2;
    const spread = ask - bid;
    const before = records[at + FAIR];
    const fair = before === FAIR_NONE ? mid : before + this.#alpha * (mid - before);
    const bidShare = bidQty / (bidQty + askQty);
    const imbalance = (bidQty - askQty) / (bidQty + askQty);
    const raw = (SIGNAL_FAIR_WEIGHT * (fair - mid)) / spread + SIGNAL_IMBALANCE_WEIGHT * imbalance;
    records[at + SPREAD] = spread;
    records[at + FAIR] = fair;
    records[at + IMBALANCE] = imbalance;
    records[at + SIGNAL] = raw > 1 ? 1 : raw < -1 ? -1 : raw;
    records[at + MID2] = bid + ask;
    // bid + spread · share: unlike the sum of products it cannot be rounded outside of the spread.
    records[at + MICRO] = bid + spread * bidShare;
  }

  #forgetTop(at: number): void {
    const records = this.#records;
    records[at + SPREAD] = 0;
    records[at + FAIR] = FAIR_NONE;
    records[at + IMBALANCE] = 0;
    records[at + SIGNAL] = 0;
    records[at + MID2] = MID2_NONE;
    records[at + MICRO] = PRICE_TICKS_NONE;
  }
}
