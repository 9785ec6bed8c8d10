// Instruments: ticker ids of the wire ↔ dense book indexes of the engine, price units ↔ ticks.
//
// Conversions are exact or refused: a unit price is taken apart into two u32 halves, put together
// as a number below 2^53, and must be a whole number of ticks that fits i32. Nothing is rounded.
//
// Cost: a look-up is one load for ticker ids below DIRECT_TICKERS, a Map look-up above.
import { assert } from '../base/assert.ts';
import type { InstrumentConfig } from './config.ts';

/** Not a price: off the tick grid or beyond i32 ticks. */
export const TICKS_INVALID = NaN;
export const BOOK_UNKNOWN = -1;

const DIRECT_TICKERS = 65_536;
const TWO_32 = 0x1_0000_0000;
/** High halves of numbers below 2^53 in size. */
const HIGH_MAX = 0x1f_ffff;
const INSTRUMENTS_MAX = 4_096;

export class InstrumentTable {
  readonly count: number;
  readonly list: readonly InstrumentConfig[];
  /** By book index. */
  readonly tickers: Uint32Array;
  readonly tickUnits: Float64Array;
  readonly lots: Uint32Array;
  readonly #direct = new Int16Array(DIRECT_TICKERS).fill(BOOK_UNKNOWN);
  readonly #others = new Map<number, number>();

  constructor(list: readonly InstrumentConfig[]) {
    assert(
      list.length > 0 && list.length <= INSTRUMENTS_MAX,
      'an exchange has 1 to 4,096 instruments',
    );
    this.list = list;
    this.count = list.length;
    this.tickers = Uint32Array.from(list, (instrument) => instrument.ticker);
    this.tickUnits = Float64Array.from(list, (instrument) => instrument.tickSize);
    this.lots = Uint32Array.from(list, (instrument) => instrument.lotSize);
    for (let book = 0; book < list.length; book++) {
      const { ticker } = list[book];
      assert(this.bookOf(ticker) === BOOK_UNKNOWN, 'ticker ids of instruments differ');
      if (ticker < DIRECT_TICKERS) this.#direct[ticker] = book;
      else this.#others.set(ticker, book);
    }
  }

  /** The engine's index, or BOOK_UNKNOWN. */
  bookOf(ticker: number): number {
    if (ticker < DIRECT_TICKERS) return this.#direct[ticker];
    return this.#others.get(ticker) ?? BOOK_UNKNOWN;
  }

  /** A price of the wire (i64 units as two u32 halves) in ticks of `book`, or TICKS_INVALID. */
  ticksOf(book: number, priceLo: number, priceHi: number): number {
    const high = priceHi | 0;
    if (high > HIGH_MAX || high < -HIGH_MAX) return TICKS_INVALID;
    const ticks = (high * TWO_32 + priceLo) / this.tickUnits[book];
    return (ticks | 0) === ticks ? ticks : TICKS_INVALID;
  }

  /** Range of every book in ticks, for the engine. */
  ranges(): { minPrice: number; maxPrice: number }[] {
    return this.list.map(({ minPrice, maxPrice, tickSize }) => ({
      minPrice: Math.ceil(minPrice / tickSize),
      maxPrice: Math.floor(maxPrice / tickSize),
    }));
  }
}

/** Low and high half of a whole number of units below 2^53 in size, as an i64. */
export function lowHalf(units: number): number {
  return units >>> 0;
}

export function highHalf(units: number): number {
  return Math.floor(units / TWO_32) >>> 0;
}
