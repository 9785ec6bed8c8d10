// What has happened in each book so far: counts of orders, and the day's trades. Part of the state that a jump brings back.
//
//   one book   │ entered │ canceled │ replaced │ rejected │ trades │ volume │ notional │ first │ high │ low │ last │
//
// Prices are ticks; volume and notional are sums in doubles, for eyes. Cost: a handful of stores an event.
import { Ev, EVENT } from '../book/types.ts';

const FIELDS = 11;
const ENTERED = 0;
const CANCELED = 1;
const REPLACED = 2;
const REJECTED = 3;
const TRADES = 4;
const VOLUME = 5;
const NOTIONAL = 6;
const FIRST = 7;
const HIGH = 8;
const LOW = 9;
const LAST = 10;

/** Prices are ticks, null before the first trade. */
export interface BookFigures {
  readonly entered: number;
  readonly canceled: number;
  readonly replaced: number;
  readonly rejected: number;
  readonly trades: number;
  readonly volume: number;
  readonly vwap: number | null;
  readonly first: number | null;
  readonly high: number | null;
  readonly low: number | null;
  readonly last: number | null;
}

export class Figures {
  readonly #books: number;
  readonly #values: Float64Array;

  constructor(books: number) {
    this.#books = books;
    this.#values = new Float64Array(books * FIELDS);
  }

  onEvent(view: DataView, at: number): void {
    const book = view.getUint16(at + EVENT.book, true);
    if (book >= this.#books) return; // a reject of a book that is not there
    const of = book * FIELDS;
    switch (view.getUint8(at + EVENT.type)) {
      case Ev.Accepted:
        this.#values[of + ENTERED] += 1;
        return;
      case Ev.Trade:
        this.#trade(of, view.getInt32(at + EVENT.price, true), view.getUint32(at + EVENT.qty, true));
        return;
      case Ev.Canceled:
        this.#values[of + CANCELED] += 1;
        return;
      case Ev.Replaced:
      case Ev.Reduced:
        this.#values[of + REPLACED] += 1;
        return;
      case Ev.Rejected:
        this.#values[of + REJECTED] += 1;
        return;
      default:
    }
  }

  of(book: number): BookFigures {
    const value = (field: number): number => this.#values[book * FIELDS + field];
    const traded = value(TRADES) > 0;
    return {
      entered: value(ENTERED),
      canceled: value(CANCELED),
      replaced: value(REPLACED),
      rejected: value(REJECTED),
      trades: value(TRADES),
      volume: value(VOLUME),
      vwap: traded ? value(NOTIONAL) / value(VOLUME) : null,
      first: traded ? value(FIRST) : null,
      high: traded ? value(HIGH) : null,
      low: traded ? value(LOW) : null,
      last: traded ? value(LAST) : null,
    };
  }

  save(): Float64Array {
    return this.#values.slice();
  }

  restore(values: Float64Array): void {
    this.#values.set(values);
  }

  #trade(of: number, price: number, qty: number): void {
    const values = this.#values;
    const first = values[of + TRADES] === 0;
    values[of + TRADES] += 1;
    values[of + VOLUME] += qty;
    values[of + NOTIONAL] += qty * price;
    values[of + LAST] = price;
    if (first) values[of + FIRST] = price;
    if (first || price > values[of + HIGH]) values[of + HIGH] = price;
    if (first || price < values[of + LOW]) values[of + LOW] = price;
  }
}
