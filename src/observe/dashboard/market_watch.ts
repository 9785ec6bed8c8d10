// What a page can see of the market: ladder, depth and trades of the instruments that are watched.
//
//   feed receiver ─► onUpdate, onTrade: counts and a ring of trades a book
//   page's turn   ─► market(): the ladder of one book, read now, and the trades behind a trade's id
//
// An update costs two stores; a ladder is read only when a page wants it. Nothing here is said twice: `updates` and the
// trades' ids tell whoever asks again whether anything is new. One watch for one exchange: when another one is followed the ids
// begin anew.
//
// Cost: 5 KB for every book that ever traded. Limits: TRADES_MAX trades a book, LEVELS_MAX levels.
import { type InstrumentInfo, LEVELS_MAX, type Level, type MarketMessage, type MarketTrade, TRADES_MAX } from './messages.ts';

/** An instrument as its exchange describes it. */
export interface WatchedInstrument {
  readonly ticker: number;
  readonly symbol: string;
  /** Prices are whole numbers of 10^-decimals; so many of them are a tick. */
  readonly decimals: number;
  readonly tickSize: number;
}

interface BookLevel {
  /** Ticks. */
  readonly price: number;
  readonly qty: number | bigint;
  readonly orders: number;
}

/** The books that a receiver of the feed keeps, by dense index, with prices in ticks. */
export interface WatchedBooks {
  depth(book: number, levels: number): { readonly bids: readonly BookLevel[]; readonly asks: readonly BookLevel[] };
}

/** An instrument that traded or changed within so long is active. */
const ACTIVE_MS = 60_000;

/** The last trades of a book. */
class TradeRing {
  /** Of the last one; the first is 1. */
  lastId = 0;
  readonly #atMs = new Float64Array(TRADES_MAX);
  readonly #price = new Float64Array(TRADES_MAX);
  readonly #qty = new Float64Array(TRADES_MAX);
  readonly #side = new Int8Array(TRADES_MAX);

  add(atMs: number, side: number, price: number, qty: number): void {
    const slot = this.lastId++ % TRADES_MAX;
    this.#atMs[slot] = atMs;
    this.#price[slot] = price;
    this.#qty[slot] = qty;
    this.#side[slot] = side;
  }

  lastPrice(): number | null {
    return this.lastId === 0 ? null : this.#price[(this.lastId - 1) % TRADES_MAX];
  }

  /** Those behind trade `afterId` that are still kept, oldest first. */
  after(afterId: number): MarketTrade[] {
    const first = Math.max(afterId, this.lastId - TRADES_MAX) + 1;
    const trades: MarketTrade[] = [];
    for (let id = first; id <= this.lastId; id++) {
      const slot = (id - 1) % TRADES_MAX;
      trades.push({ id, atMs: this.#atMs[slot], side: this.#side[slot], price: this.#price[slot], qty: this.#qty[slot] });
    }
    return trades;
  }
}

export class MarketWatch {
  readonly instruments: readonly WatchedInstrument[];
  /** ms since 1970; the receiver sets it before it polls. */
  nowMs = 0;
  /** The feed is whole and heard; the receiver keeps it. */
  fresh = false;
  readonly #books: WatchedBooks;
  readonly #bookOf: ReadonlyMap<number, number>;
  readonly #updates: Float64Array;
  readonly #changedMs: Float64Array;
  readonly #trades: (TradeRing | null)[];

  constructor(instruments: readonly WatchedInstrument[], books: WatchedBooks) {
    this.instruments = instruments;
    this.#books = books;
    this.#bookOf = new Map(instruments.map(({ ticker }, book) => [ticker, book]));
    this.#updates = new Float64Array(instruments.length);
    this.#changedMs = new Float64Array(instruments.length).fill(-Infinity);
    this.#trades = instruments.map(() => null);
  }

  // ── the receiver tells ─────────────────────────────────────────────────────────────────────

  onUpdate(book: number): void {
    this.#updates[book] += 1;
    this.#changedMs[book] = this.nowMs;
  }

  onTrade(book: number, side: number, priceTicks: number, qty: number): void {
    const trades = (this.#trades[book] ??= new TradeRing());
    trades.add(this.nowMs, side, priceTicks * this.instruments[book].tickSize, qty);
    this.onUpdate(book);
  }

  // ── pages ask ──────────────────────────────────────────────────────────────────────────────

  has(ticker: number): boolean {
    return this.#bookOf.has(ticker);
  }

  /** Rises with every change of the book of `ticker`. */
  updates(ticker: number): number {
    const book = this.#bookOf.get(ticker);
    return book === undefined ? 0 : this.#updates[book];
  }

  lastTradeId(ticker: number): number {
    const book = this.#bookOf.get(ticker);
    return book === undefined ? 0 : (this.#trades[book]?.lastId ?? 0);
  }

  /** The book as it is now, and the trades behind `afterTrade`; null: there is no such instrument. */
  market(ticker: number, levels: number, afterTrade = 0): MarketMessage | null {
    const book = this.#bookOf.get(ticker);
    if (book === undefined) return null;
    const { bids, asks } = this.#books.depth(book, Math.min(levels, LEVELS_MAX));
    const { tickSize } = this.instruments[book];
    const ladder = (side: readonly BookLevel[]): Level[] =>
      side.map(({ price, qty, orders }) => [price * tickSize, Number(qty), orders]);
    const trades = this.#trades[book];
    return {
      type: 'market', ticker, atMs: this.nowMs, updates: this.#updates[book], fresh: this.fresh,
      bids: ladder(bids), asks: ladder(asks),
      lastPrice: trades?.lastPrice() ?? null, trades: trades?.after(afterTrade) ?? [],
    };
  }

  /** Instruments that traded or changed in the last minute. */
  active(nowMs: number): number {
    return this.#changedMs.reduce((count, changedMs) => count + (nowMs - changedMs <= ACTIVE_MS ? 1 : 0), 0);
  }

  /** `stateOf`: what is known of an instrument's state. */
  infos(stateOf: (ticker: number) => InstrumentInfo['state']): InstrumentInfo[] {
    return this.instruments.map(({ ticker, symbol, decimals, tickSize }) => ({
      ticker, symbol, priceDecimals: decimals, tickSize, state: stateOf(ticker),
    }));
  }
}
