// What the trading side knows of its instruments: ticker ids and symbols ↔ dense book indexes,
// prices of the wire and of people ↔ ticks, money of one instrument ↔ money of the portfolio.
//
//   ticks          whole steps of the price grid, i32: what books, risk and positions work in
//   units          ticks × tickUnits, in 10^-decimals of the currency: what the wire carries
//   tick-lots      ticks × quantity: money of one instrument, an integer
//   portfolio money  tick-lots × moneyPerTick, in 10^-portfolioDecimals of the currency
//
// `portfolioDecimals` is the fewest decimals in which a tick of every instrument is a whole number
// (8 decimals with a tick of 0.01 need two), so that sums over instruments stay integers and small.
//
// Conversions are exact or refused, nothing is rounded. Cost: a look-up by ticker is one load below
// DIRECT_TICKERS, a Map look-up above; a symbol takes one pass over its text (a perfect hash, made with the instruments).
// Limits: INSTRUMENTS_MAX instruments; a tick is at most TICK_UNITS_MAX units.
import { assert } from '../base/assert.ts';
import { formatDecimal, parseDecimal } from '../base/decimal.ts';
import { NAME_NONE, PerfectHash } from '../base/perfect_hash.ts';

/** No price, where ticks are expected; never a price, because a book's lowest is one above. */
export const PRICE_TICKS_NONE = -0x8000_0000;
/** No mid: the sum of two prices that are none. */
export const MID2_NONE = 2 * PRICE_TICKS_NONE;
export const BOOK_UNKNOWN = -1;
/** "All instruments", where a book is expected. */
export const BOOK_ALL = -1;

/** As many as one engine has (SPEC T2). */
export const INSTRUMENTS_MAX = 4_096;
/** A tick of a thousand with nine decimals. */
export const TICK_UNITS_MAX = 1e12;
const DECIMALS_MAX = 18;
const MIN_TICKS_DEFAULT = 1;
const DIRECT_TICKERS = 65_536;
const TWO_32 = 0x1_0000_0000;
/** High halves of numbers below 2^53 in size. */
const HIGH_MAX = 0x1f_ffff;
const U32_MAX = 0xffff_ffff;

export interface TraderInstrument {
  /** Id on the wire, u32 below 2^32 − 1. */
  readonly ticker: number;
  readonly symbol: string;
  /** Decimals of its price units. */
  readonly decimals: number;
  /** One tick in price units. */
  readonly tickUnits: number;
  /** Quantities are multiples of it. */
  readonly lotSize: number;
  /** Prices allowed, in ticks, both included; 1 … 2^31 − 1 unless given. */
  readonly minPriceTicks?: number | undefined;
  readonly maxPriceTicks?: number | undefined;
}

export class TraderInstruments {
  readonly list: readonly TraderInstrument[];
  readonly count: number;
  /** By book: price units of a tick. */
  readonly tickUnits: Float64Array;
  /** By book: lowest and highest price allowed. Prices between them are exact as units, below 2^53. */
  readonly minTicks: Int32Array;
  readonly maxTicks: Int32Array;
  /** By book: portfolio money of one tick on a quantity of one. */
  readonly moneyPerTick: Float64Array;
  /** By book. */
  readonly lots: Uint32Array;
  readonly tickers: Uint32Array;
  /** Portfolio money counts 10^-portfolioDecimals of the currency. */
  readonly portfolioDecimals: number;
  readonly #direct = new Int16Array(DIRECT_TICKERS).fill(BOOK_UNKNOWN);
  readonly #others = new Map<number, number>();
  readonly #symbols: PerfectHash;

  constructor(list: readonly TraderInstrument[]) {
    if (list.length < 1 || list.length > INSTRUMENTS_MAX) {
      throw new RangeError(`instruments: expected 1 to ${INSTRUMENTS_MAX}, was ${list.length}`);
    }
    this.list = list.map((instrument) => Object.freeze({ ...checked(instrument) }));
    this.count = list.length;
    this.tickers = Uint32Array.from(list, ({ ticker }) => ticker);
    this.tickUnits = Float64Array.from(list, ({ tickUnits }) => tickUnits);
    this.minTicks = Int32Array.from(this.list, ({ minPriceTicks }) => minPriceTicks ?? MIN_TICKS_DEFAULT);
    this.maxTicks = Int32Array.from(this.list, (instrument) => instrument.maxPriceTicks ?? ticksMaxOf(instrument));
    this.lots = Uint32Array.from(list, ({ lotSize }) => lotSize);
    this.portfolioDecimals = Math.max(...list.map(neededDecimals));
    this.moneyPerTick = Float64Array.from(list, (instrument) => this.#moneyOfTick(instrument));
    for (let book = 0; book < list.length; book++) this.#name(book, list[book]);
    this.#symbols = symbolsOf(list);
  }

  /** The dense index of a ticker id, or BOOK_UNKNOWN. */
  bookOf(ticker: number): number {
    if (ticker < DIRECT_TICKERS) return this.#direct[ticker];
    return this.#others.get(ticker) ?? BOOK_UNKNOWN;
  }

  /** The dense index of a symbol, or BOOK_UNKNOWN. */
  bookOfSymbol(symbol: string): number {
    return this.#symbols.indexOf(symbol);
  }

  // ── the wire ───────────────────────────────────────────────────────────────────────────────

  /** An i64 price of the wire in ticks; PRICE_TICKS_NONE: off the grid or beyond i32 ticks. */
  ticksOfUnits(book: number, unitsLo: number, unitsHi: number): number {
    const high = unitsHi | 0;
    if (high > HIGH_MAX || high < -HIGH_MAX) return PRICE_TICKS_NONE;
    const ticks = (high * TWO_32 + unitsLo) / this.tickUnits[book];
    return (ticks | 0) === ticks ? ticks : PRICE_TICKS_NONE;
  }

  /** Low half of the i64 that the wire carries for a price of the instrument. */
  unitsLo(book: number, priceTicks: number): number {
    return (priceTicks * this.tickUnits[book]) >>> 0;
  }

  /** High half, as u32. */
  unitsHi(book: number, priceTicks: number): number {
    return Math.floor((priceTicks * this.tickUnits[book]) / TWO_32) >>> 0;
  }

  // ── people ─────────────────────────────────────────────────────────────────────────────────

  /** Exact decimal text (or the number it prints as) to ticks. Throws where it is off the grid or too large. */
  ticksOf(book: number, price: string | number): number {
    const { decimals, tickUnits, symbol } = this.list[book];
    const units = parseDecimal(price, decimals);
    const ticks = Number(units / BigInt(tickUnits));
    if (units % BigInt(tickUnits) !== 0n) {
      const tick = formatDecimal(BigInt(tickUnits), decimals);
      throw new RangeError(`price of ${symbol}: expected a multiple of ${tick}, was ${price}`);
    }
    const min = this.minTicks[book];
    const max = this.maxTicks[book];
    if (ticks >= min && ticks <= max) return ticks;
    throw new RangeError(`price of ${symbol}: expected ${min} … ${max} ticks, was ${ticks}`);
  }

  priceText(book: number, priceTicks: number): string {
    const { decimals, tickUnits } = this.list[book];
    return formatDecimal(BigInt(priceTicks) * BigInt(tickUnits), decimals);
  }

  /** A sum of currency as portfolio money; throws where it has more decimals or reaches 2^53. */
  moneyOf(amount: string | number): number {
    const money = Number(parseDecimal(amount, this.portfolioDecimals));
    if (Number.isSafeInteger(money)) return money;
    throw new RangeError(`money: expected below 2^53 of 10^-${this.portfolioDecimals}, was ${amount}`);
  }

  moneyText(money: number): string {
    return formatDecimal(BigInt(money), this.portfolioDecimals);
  }

  #moneyOfTick({ symbol, decimals, tickUnits }: TraderInstrument): number {
    const scale = this.portfolioDecimals - decimals;
    const money = scale >= 0 ? tickUnits * 10 ** scale : tickUnits / 10 ** -scale;
    if (Number.isSafeInteger(money) && money <= TICK_UNITS_MAX) return money;
    const unit = `10^-${this.portfolioDecimals}`;
    throw new RangeError(`tick of ${symbol}: expected at most ${TICK_UNITS_MAX} of ${unit}, was ${money}`);
  }

  #name(book: number, { ticker }: TraderInstrument): void {
    if (this.bookOf(ticker) !== BOOK_UNKNOWN) {
      throw new RangeError(`instruments: expected different ticker ids, was ${ticker} twice`);
    }
    if (ticker < DIRECT_TICKERS) this.#direct[ticker] = book;
    else this.#others.set(ticker, book);
  }
}

function symbolsOf(list: readonly TraderInstrument[]): PerfectHash {
  const seen = new Set<string>();
  for (const { symbol } of list) {
    if (seen.has(symbol)) throw new RangeError(`instruments: expected different symbols, was "${symbol}" twice`);
    seen.add(symbol);
  }
  return new PerfectHash([...seen]);
}

assert(BOOK_UNKNOWN === NAME_NONE, 'a symbol that is not there has no book');

/** Instruments as `--tickers 1,2,3` makes them: symbols T1, T2, T3, two decimals, tick and lot 1. */
export function plainInstruments(tickers: readonly number[]): TraderInstrument[] {
  return tickers.map((ticker) => ({
    ticker, symbol: `T${ticker}`, decimals: 2, tickUnits: 1, lotSize: 1,
  }));
}

/** Decimals that a tick really uses: 0.01 given in 10^-8 uses two. */
function neededDecimals({ decimals, tickUnits }: TraderInstrument): number {
  let needed = decimals;
  for (let rest = tickUnits; needed > 0 && rest % 10 === 0; rest /= 10) needed--;
  return needed;
}

/** Prices beyond ± this many ticks would not fit i32, or not be exact as units. */
function ticksMaxOf({ tickUnits }: TraderInstrument): number {
  return Math.min(-PRICE_TICKS_NONE - 1, Math.floor(Number.MAX_SAFE_INTEGER / tickUnits));
}

function checked(instrument: TraderInstrument): TraderInstrument {
  const { ticker, symbol, decimals, tickUnits, lotSize, minPriceTicks, maxPriceTicks } = instrument;
  wholeNumber(ticker, 0, U32_MAX - 1, 'ticker id');
  if (symbol === '') throw new RangeError(`symbol of ticker ${ticker}: expected text, was ""`);
  wholeNumber(decimals, 0, DECIMALS_MAX, `decimals of ${symbol}`);
  wholeNumber(tickUnits, 1, TICK_UNITS_MAX, `tick of ${symbol} in price units`);
  wholeNumber(lotSize, 1, U32_MAX - 1, `lot size of ${symbol}`);
  const ticksMax = ticksMaxOf(instrument);
  const lowest = minPriceTicks ?? MIN_TICKS_DEFAULT;
  wholeNumber(lowest, -ticksMax, ticksMax, `lowest price of ${symbol} in ticks`);
  wholeNumber(maxPriceTicks ?? ticksMax, lowest, ticksMax, `highest price of ${symbol} in ticks`);
  return instrument;
}

function wholeNumber(value: number, min: number, max: number, what: string): void {
  if (Number.isInteger(value) && value >= min && value <= max) return;
  throw new RangeError(`${what}: expected a whole number ${min} … ${max}, was ${value}`);
}
