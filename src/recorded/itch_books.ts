// The books of an ITCH day: every order of every stock, from its messages.
//
//   R directory ─► an instrument of that locate code · A F ─► add · E C ─► execute · X ─► reduce · D ─► remove
//   U ─► replace (the rest comes in behind) · P Q ─► trade that touches no visible order · H ─► trading state
//
// A stock that the directory does not name is taken in at its first order. Prices are the feed's own units, 1/10,000
// dollar, as ticks. What does not fit is counted (recorded_books.ts), nothing is guessed.
import { Itch, ITCH_BYTES, ItchType } from './itch.ts';
import { RecordedBooks } from './recorded_books.ts';

/** Stocks that one core holds; NASDAQ lists more, and a filter picks. */
export const ITCH_INSTRUMENTS_MAX = 4_096;
const LOCATES = 65_536;
const NONE = -1;
/** Behind an order's reference. */
export const REF_END = 19;

export interface ItchInstrument {
  readonly symbol: string;
  readonly locate: number;
  messages: number;
  /** T trading, H halted, P paused, Q quotation only; empty: never told. */
  state: string;
  crossedMoments: number;
}

export interface ItchBooksOptions {
  /** Only these; none given: all, up to ITCH_INSTRUMENTS_MAX. */
  readonly symbols?: readonly string[];
  readonly ordersMax: number;
}

export class ItchBooks {
  readonly books: RecordedBooks;
  readonly instruments: ItchInstrument[] = [];
  readonly byType = new Uint32Array(256);
  firstTimeNs = 0;
  lastTimeNs = 0;
  /** Times that went back; the feed's never do. */
  timesBack = 0;
  /** Stocks that found no place. */
  left = 0;
  /** Crossed books are asked after each message only where trading goes on continuously. */
  #open = false;
  readonly #wanted: ReadonlySet<string> | null;
  readonly #index = new Int32Array(LOCATES).fill(NONE);
  readonly #known = new Uint8Array(LOCATES);

  constructor(options: ItchBooksOptions) {
    this.#wanted = options.symbols === undefined ? null : new Set(options.symbols);
    const instruments = this.#wanted?.size ?? ITCH_INSTRUMENTS_MAX;
    this.books = new RecordedBooks({ instruments, ordersMax: options.ordersMax });
  }

  /** Takes in the message at `at`; the book that it changed, −1 for none. */
  onMessage(view: DataView, at: number): number {
    const type = Itch.type(view, at);
    this.byType[type]++;
    this.#time(Itch.timeNs(view, at));
    const locate = Itch.locate(view, at);
    if (this.#known[locate] === 0) {
      if (type === ItchType.Directory) this.#learn(locate, Itch.stock(view, at));
      else if (type === ItchType.Add || type === ItchType.AddAttributed) this.#learn(locate, Itch.orderStock(view, at));
    }
    if (type === ItchType.SystemEvent) {
      const event = Itch.event(view, at);
      if (event === 'Q') this.#open = true;
      else if (event === 'M') this.#open = false;
      return NONE;
    }
    const book = this.#index[locate];
    if (book === NONE || ITCH_BYTES[type] < REF_END) return NONE; // levels of the whole market are of no stock
    const instrument = this.instruments[book];
    instrument.messages++;
    if (!this.#apply(type, view, at, book)) return NONE;
    if (this.#open && instrument.state !== 'H' && instrument.state !== 'P' && this.books.crossed(book)) {
      instrument.crossedMoments++;
    }
    return book;
  }

  /** Index of a symbol among the instruments, −1. */
  bookOf(symbol: string): number {
    return this.instruments.findIndex((instrument) => instrument.symbol === symbol);
  }

  #time(timeNs: number): void {
    if (this.firstTimeNs === 0) this.firstTimeNs = timeNs;
    if (timeNs < this.lastTimeNs) this.timesBack++;
    else this.lastTimeNs = timeNs;
  }

  #learn(locate: number, symbol: string): void {
    this.#known[locate] = 1;
    if (this.#wanted !== null && !this.#wanted.has(symbol)) return;
    if (this.instruments.length === (this.#wanted?.size ?? ITCH_INSTRUMENTS_MAX)) {
      this.left++;
      return;
    }
    this.#index[locate] = this.instruments.length;
    this.instruments.push({ symbol, locate, messages: 0, state: '', crossedMoments: 0 });
  }

  /** False: it was no change of the book. */
  #apply(type: number, view: DataView, at: number, book: number): boolean {
    const { books } = this;
    const low = Itch.refLow(view, at);
    const high = Itch.refHigh(view, at);
    switch (type) {
      case ItchType.Add:
      case ItchType.AddAttributed:
        return books.add(book, low, high, Itch.side(view, at), Itch.price(view, at), Itch.shares(view, at));
      case ItchType.Executed:
        return books.execute(book, low, high, Itch.takenShares(view, at), books.priceOf(low, high));
      case ItchType.ExecutedAt:
        return books.execute(book, low, high, Itch.takenShares(view, at), Itch.executionPrice(view, at));
      case ItchType.Canceled:
        return books.reduce(book, low, high, Itch.takenShares(view, at));
      case ItchType.Deleted:
        return books.remove(book, low, high);
      case ItchType.Replaced:
        return books.replace(
          book, low, high, Itch.newRefLow(view, at), Itch.newRefHigh(view, at),
          Itch.newPrice(view, at), Itch.newShares(view, at),
        );
      case ItchType.Trade:
        books.trade(book, Itch.price(view, at), Itch.shares(view, at));
        return false;
      case ItchType.TradingAction:
        this.instruments[book].state = Itch.tradingState(view, at);
        return false;
      default:
        return false;
    }
  }
}
