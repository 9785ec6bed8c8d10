// The books of a market-by-order recording in DBN.
//
//   add A · cancel C (a part or all) · modify M · clear R ─► RecordedBooks; trade T and fill F change no book: what they
//   took comes as a cancel or modify behind them
//
// A fill must meet an order that is there, at its price and with at least its quantity; a book must not be crossed where an
// event ends (flag LAST). Both are counted, and so is what does not fit.
//
// Ticks: prices come in units of 10^-9. An instrument's tick is the smallest power of ten of those with which eight
// times its first price still fits 31 bits: 0.0001 for a future at 5,200, 0.00000001 for a currency at 1.1. A
// price between two of them is refused and counted.
import { Dbn, DBN_PRICE_NONE, DbnAction, DbnFlag, DbnType } from './dbn.ts';
import { RecordedBooks } from './recorded_books.ts';

const INSTRUMENTS_MAX = 4_096;
const TICKS_MAX = 2 ** 31;
/** A price may grow so often. */
const PRICE_ROOM = 8;

export interface DbnInstrument {
  readonly id: number;
  /** 10^-9 in a tick; 0 before the first price. */
  unit: number;
  records: number;
}

export interface DbnFillCounts {
  fills: number;
  /** Met the resting order at its price with at least its quantity. */
  met: number;
  trades: number;
  /** Ends of events, and those at which the book was crossed. */
  events: number;
  crossed: number;
}

export class DbnBooks {
  readonly books: RecordedBooks;
  readonly instruments: DbnInstrument[] = [];
  readonly fills: DbnFillCounts = { fills: 0, met: 0, trades: 0, events: 0, crossed: 0 };
  readonly #instrumentsMax: number;
  readonly #index = new Map<number, number>();
  /** Filled but not yet cancelled or modified, by order: later fills of one order meet what is left. */
  readonly #pending = new Map<string, number>();

  constructor(ordersMax: number, instrumentsMax = INSTRUMENTS_MAX) {
    this.#instrumentsMax = instrumentsMax;
    this.books = new RecordedBooks({ instruments: instrumentsMax, ordersMax });
  }

  /** Takes in the record at `at`; records of other types are passed over. */
  onRecord(view: DataView, at: number): void {
    if (Dbn.type(view, at) !== DbnType.Mbo) return;
    const book = this.#bookOf(Dbn.instrument(view, at));
    if (book < 0) return;
    const instrument = this.instruments[book];
    instrument.records++;
    this.#apply(view, at, book, instrument);
    if ((Dbn.flags(view, at) & DbnFlag.Last) === 0) return;
    this.#pending.clear();
    this.fills.events++;
    if (this.books.crossed(book)) this.fills.crossed++;
  }

  #bookOf(id: number): number {
    const known = this.#index.get(id);
    if (known !== undefined) return known;
    const book = this.instruments.length === this.#instrumentsMax ? -1 : this.instruments.length;
    this.#index.set(id, book);
    if (book >= 0) this.instruments.push({ id, unit: 0, records: 0 });
    return book;
  }

  #apply(view: DataView, at: number, book: number, instrument: DbnInstrument): void {
    const { books } = this;
    const [low, high] = [Dbn.orderLow(view, at), Dbn.orderHigh(view, at)];
    const size = Dbn.size(view, at);
    switch (Dbn.action(view, at)) {
      case DbnAction.Add:
        books.add(book, low, high, Dbn.side(view, at), ticksOf(view, at, instrument), size);
        return;
      case DbnAction.Cancel:
        books.reduce(book, low, high, size);
        return;
      case DbnAction.Modify:
        books.amend(book, low, high, ticksOf(view, at, instrument), size);
        return;
      case DbnAction.Clear:
        books.clear(book);
        return;
      case DbnAction.Trade:
        this.fills.trades++;
        books.trade(book, ticksOf(view, at, instrument), size);
        return;
      case DbnAction.Fill:
        this.#fill(low, high, ticksOf(view, at, instrument), size);
        return;
      default:
    }
  }

  #fill(low: number, high: number, ticks: number, size: number): void {
    const { view } = this.books;
    this.fills.fills++;
    const order = view.orderNamed(low, high);
    if (order === 0) return;
    const name = `${high}:${low}`;
    const before = this.#pending.get(name) ?? 0;
    const fits = view.orderPrice(order, view.orderSide(order)) === ticks && view.orderQty(order) - before >= size;
    if (!fits) return;
    this.#pending.set(name, before + size);
    this.fills.met++;
  }
}

/** NaN when the price is none or lies between two ticks. */
function ticksOf(view: DataView, at: number, instrument: DbnInstrument): number {
  const price = Dbn.price(view, at);
  if (price >= DBN_PRICE_NONE || !Number.isSafeInteger(price)) return Number.NaN;
  if (instrument.unit === 0) instrument.unit = unitFor(price);
  return price / instrument.unit;
}

function unitFor(price: number): number {
  let unit = 1;
  while ((Math.abs(price) * PRICE_ROOM) / unit > TICKS_MAX) unit *= 10;
  return unit;
}
