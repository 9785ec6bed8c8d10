// Symbols of an engine: those that its configuration declares, and room for others, which get the next
// free place at their first use and are like `defaultInstrument` (two decimals, tick 0.01, lot 1, unless
// configured). Books are dense and laid out at start; declaring only gives a place its name.
//
//   books 0 … declared − 1: from the configuration    then: named at first use    then: free places
//
// Prices of people become ticks here: text or a number, exactly, or a RangeError that says what was
// expected. Plain text such as "50000.0" takes a short way without BigInt; both ways agree (a test).
import { DecimalError, formatDecimal, parseDecimal } from '../base/decimal.ts';
import { BOOK_UNKNOWN, INSTRUMENTS_MAX, TraderInstruments, type TraderInstrument } from '../trader/instruments.ts';
import { SYMBOL } from './inputs.ts';
import { shown, type Checker } from './checker.ts';
import type { Decimal } from './config.ts';

/** What a symbol is like. */
export interface SymbolOptions {
  /** Decimals of its prices; default 2. */
  decimals?: number;
  /** Smallest price step, as a decimal; default one unit of the last decimal. */
  tickSize?: Decimal;
  /** Quantities are multiples of it; default 1. */
  lotSize?: number;
}

export interface InstrumentOptions extends SymbolOptions {
  symbol: string;
  /** Lowest and highest price allowed; default one tick and 2^31 − 1 ticks. */
  minPrice?: Decimal;
  maxPrice?: Decimal;
  /** Its id on the exchange; default its place, from 1. */
  ticker?: number;
}

const ROOM_DEFAULT = 64;
/** Ticker ids of places without a declaration: above all that a person writes. */
const TICKER_BASE = 0x8000_0000;
const TICKS_MAX = 2 ** 31 - 1;
/** Digits that are exact in a double. */
const SHORT_DIGITS = 15;
const DIGIT_0 = 48;
const POINT = 46;

export class SymbolTable {
  readonly instruments: TraderInstruments;
  readonly #names: string[];
  readonly #declared: number;
  /** Those named since; the declared ones have the instruments' perfect hash. */
  readonly #books = new Map<string, number>();
  readonly #open: boolean;

  /** `declared` symbols first; of the others those in `open` tables are named at first use. */
  constructor(instruments: TraderInstruments, declared: number, open: boolean) {
    this.instruments = instruments;
    this.#names = instruments.list.slice(0, declared).map(({ symbol }) => symbol);
    this.#declared = declared;
    this.#open = open;
  }

  /** Symbols that have a name. */
  get count(): number {
    return this.#names.length;
  }

  get names(): readonly string[] {
    return this.#names;
  }

  /** BOOK_UNKNOWN: none has it. Throws a RangeError for what is no text. */
  bookOf(symbol: string): number {
    if (typeof symbol !== 'string') throw new RangeError(`symbol: expected a text, was ${shown(symbol)}`);
    const book = this.instruments.bookOfSymbol(symbol);
    if (book !== BOOK_UNKNOWN && book < this.#declared) return book;
    return this.#books.get(symbol) ?? BOOK_UNKNOWN;
  }

  /** "#5" for a place without a name. */
  symbolOf(book: number): string {
    return this.#names[book] ?? `#${book}`;
  }

  /** The place that `symbol` would get; BOOK_UNKNOWN when there is none or none may be had. */
  placeFor(symbol: string): number {
    if (!this.#open || this.#names.length >= this.instruments.count || !isSymbol(symbol)) return BOOK_UNKNOWN;
    return this.#names.length;
  }

  /** Names the next place. */
  name(symbol: string): number {
    const book = this.#names.length;
    this.#names.push(symbol);
    this.#books.set(symbol, book);
    return book;
  }

  /** Ticks of an exact decimal. Throws a RangeError where it is none, off the grid, or beyond i32. */
  ticksOf(book: number, price: Decimal, what = 'price'): number {
    const { decimals, tickUnits } = this.instruments.list[book];
    const units = typeof price === 'string' ? shortUnits(price, decimals) : NaN;
    const ticks = units === units ? units / tickUnits : this.#longTicks(book, price, what);
    if (Number.isInteger(ticks) && ticks <= TICKS_MAX && ticks >= -TICKS_MAX) return ticks;
    const symbol = this.symbolOf(book);
    if (!Number.isInteger(ticks)) {
      throw new RangeError(`${what} of ${symbol}: expected a multiple of ${this.tickText(book)}, was ${price}`);
    }
    throw new RangeError(`${what} of ${symbol}: expected within ${TICKS_MAX} ticks of 0, was ${price}`);
  }

  priceText(book: number, ticks: number): string {
    return this.instruments.priceText(book, ticks);
  }

  tickText(book: number): string {
    const { decimals, tickUnits } = this.instruments.list[book];
    return formatDecimal(BigInt(tickUnits), decimals);
  }

  /** Doubled tick-lots of `book` as currency, exactly. */
  money2Text(book: number, tickLots2: number): string {
    const { decimals, tickUnits } = this.instruments.list[book];
    return halfText(BigInt(tickLots2) * BigInt(tickUnits), decimals);
  }

  /** Doubled portfolio money as currency, exactly. */
  portfolio2Text(money2: number): string {
    return halfText(BigInt(money2), this.instruments.portfolioDecimals);
  }

  #longTicks(book: number, price: Decimal, what: string): number {
    const { decimals, tickUnits } = this.instruments.list[book];
    if (typeof price !== 'string' && typeof price !== 'number' && typeof price !== 'bigint') {
      throw new RangeError(`${what} of ${this.symbolOf(book)}: expected a decimal as text or number, was ${shown(price)}`);
    }
    try {
      const units = parseDecimal(price, decimals);
      return units % BigInt(tickUnits) === 0n ? Number(units / BigInt(tickUnits)) : NaN;
    } catch (error) {
      if (!(error instanceof DecimalError)) throw error;
      throw new RangeError(`${what} of ${this.symbolOf(book)}: ${error.message}`, { cause: error });
    }
  }
}

/** Half of `doubled` units of 10^-decimals as text: one decimal more where it needs one. */
function halfText(doubled: bigint, decimals: number): string {
  return doubled % 2n === 0n ? formatDecimal(doubled / 2n, decimals) : formatDecimal(doubled * 5n, decimals + 1);
}

/** Units of plain text of digits and at most one point; NaN where the long way has to say what it is. */
function shortUnits(text: string, decimals: number): number {
  const { length } = text;
  if (length === 0 || length > SHORT_DIGITS) return NaN;
  let units = 0;
  let seen = -1; // decimals seen, −1 before the point
  for (let i = 0; i < length; i++) {
    const code = text.charCodeAt(i);
    if (code === POINT && seen < 0) seen = 0;
    else if (code < DIGIT_0 || code > DIGIT_0 + 9) return NaN;
    else if (seen < decimals) {
      units = units * 10 + (code - DIGIT_0);
      if (seen >= 0) seen += 1;
    } else if (code !== DIGIT_0) return NaN;
  }
  if (length === 1 && seen === 0) return NaN;
  for (let i = Math.max(seen, 0); i < decimals; i++) units *= 10;
  return units <= Number.MAX_SAFE_INTEGER ? units : NaN;
}

/** One to 24 visible ASCII characters. */
export function isSymbol(symbol: unknown): symbol is string {
  return typeof symbol === 'string' && symbol.length <= SYMBOL.bytesMax && /^[!-~]+$/.test(symbol) && !symbol.startsWith('#');
}

/** The table of a configuration's `instruments`, `defaultInstrument` and `instrumentsMax`. */
export function wholeInstruments(check: Checker, given: Record<string, unknown>, onExchange: boolean): SymbolTable {
  const declared = check.array(given['instruments'], 'instruments').map((entry, place) =>
    instrumentOf(check, check.object(entry, `instruments[${place}]`), `instruments[${place}]`, place));
  const open = !onExchange && given['defaultInstrument'] !== null;
  if (onExchange && declared.length === 0) check.fault('instruments', 'an exchange’s are to be declared, was none');
  const room = check.whole(given, 'instrumentsMax', Math.max(open ? ROOM_DEFAULT : 1, declared.length), 1, INSTRUMENTS_MAX);
  if (room < declared.length) check.fault('instrumentsMax', `expected at least the ${declared.length} declared, was ${room}`);
  const asDefault = check.object(given['defaultInstrument'] ?? undefined, 'defaultInstrument');
  check.known(asDefault, 'defaultInstrument', ['decimals', 'tickSize', 'lotSize']);
  const like = likeOf(check, asDefault, 'defaultInstrument');
  const places = Math.max(open ? room : 1, declared.length);
  const list = [...declared];
  while (list.length < places) list.push(placeOf(like, list.length));
  try {
    return new SymbolTable(new TraderInstruments(list), declared.length, open);
  } catch (error) {
    check.fault('instruments', error instanceof Error ? error.message : String(error));
    return new SymbolTable(new TraderInstruments([placeOf({ decimals: 2, tickUnits: 1, lotSize: 1 }, 0)]), 0, open);
  }
}

function instrumentOf(check: Checker, given: Record<string, unknown>, where: string, place: number): TraderInstrument {
  check.known(given, where, ['symbol', 'decimals', 'tickSize', 'lotSize', 'minPrice', 'maxPrice', 'ticker']);
  const symbol = check.text(given, `${where}.symbol`, '');
  if (!isSymbol(symbol)) check.fault(`${where}.symbol`, `expected 1 to ${SYMBOL.bytesMax} visible ASCII characters, the first not #, was ${JSON.stringify(given['symbol'] ?? null)}`);
  const like = likeOf(check, given, where);
  const ticks = (name: 'minPrice' | 'maxPrice', fallback: number): number => {
    const units = check.units(given, `${where}.${name}`, fallback * like.tickUnits, like.decimals, -Number.MAX_SAFE_INTEGER);
    const value = units / like.tickUnits;
    if (Number.isInteger(value) && Math.abs(value) <= TICKS_MAX) return value;
    check.fault(`${where}.${name}`, `expected a multiple of the tick within ${TICKS_MAX} ticks of 0, was ${String(given[name])}`);
    return fallback;
  };
  return {
    ...like, symbol: isSymbol(symbol) ? symbol : `#${place}`,
    ticker: check.whole(given, `${where}.ticker`, place + 1, 0, 2 ** 32 - 2),
    minPriceTicks: ticks('minPrice', 1), maxPriceTicks: ticks('maxPrice', Math.min(TICKS_MAX, Math.floor(Number.MAX_SAFE_INTEGER / like.tickUnits))),
  };
}

type Like = Pick<TraderInstrument, 'decimals' | 'tickUnits' | 'lotSize'>;

function placeOf(like: Like, place: number): TraderInstrument {
  return { ...like, symbol: `#${place}`, ticker: TICKER_BASE + place };
}

function likeOf(check: Checker, given: Record<string, unknown>, where: string): Like {
  const decimals = check.whole(given, `${where}.decimals`, 2, 0, 12);
  return {
    decimals,
    tickUnits: check.units(given, `${where}.tickSize`, 1, decimals, 1),
    lotSize: check.whole(given, `${where}.lotSize`, 1, 1, 2 ** 32 - 2),
  };
}
