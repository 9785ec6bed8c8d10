// Books rebuilt from a recording of every order: what ITCH and MBO recordings say, applied to the core's
// books, and everything that does not fit counted.
//
//   add · reduce · execute · remove · replace · clear ─► RecordedBooks ─► MarketView (the core)
//
// A recording that begins in the middle of a day names orders that it never announced; those are
// counted as unknown and change nothing. An execution of more than is open, an order announced twice
// and a book that stands crossed are faults of the recording or of who reads it.
//
// Cost: some 150 ns an update. Limits: 4,096 instruments; prices in ticks of 31 bits.
import { MarketView } from '../book/market_view.ts';

export interface RecordedCounts {
  added: number;
  reduced: number;
  executed: number;
  removed: number;
  replaced: number;
  trades: number;
  cleared: number;
  /** Named an order that is not there, or is another book's. */
  unknown: number;
  /** Executed or reduced by more than was open. */
  excess: number;
  /** Announced an order that was there already. */
  duplicates: number;
  /** A price or quantity that cannot be, or no room. */
  refused: number;
}

export interface RecordedBooksOptions {
  readonly instruments: number;
  /** Orders that live at once. */
  readonly ordersMax: number;
}

const I32_MIN = -(2 ** 31);
const I32_MAX = 2 ** 31 - 1;
const U32_MAX = 2 ** 32 - 1;

export class RecordedBooks {
  readonly view: MarketView;
  readonly counts: RecordedCounts = {
    added: 0, reduced: 0, executed: 0, removed: 0, replaced: 0, trades: 0, cleared: 0,
    unknown: 0, excess: 0, duplicates: 0, refused: 0,
  };
  /** Most orders that were in the books at once. */
  ordersPeak = 0;
  #priority = 0;

  constructor(options: RecordedBooksOptions) {
    const { instruments, ordersMax } = options;
    this.view = new MarketView({
      instruments: Array.from({ length: instruments }, () => ({ minPrice: I32_MIN, maxPrice: I32_MAX })),
      ordersMax, viewLevels: 0,
    });
  }

  /** A new order behind all others of its price. `side` +1 buy, −1 sell. False: it was not taken. */
  add(book: number, low: number, high: number, side: number, ticks: number, qty: number): boolean {
    if (!isPrice(ticks) || qty < 1 || qty > U32_MAX) {
      this.counts.refused++;
      return false;
    }
    if (this.view.orderNamed(low, high) !== 0) {
      this.counts.duplicates++;
      return false;
    }
    const priority = ++this.#priority;
    if (!this.view.add(book, side, ticks, qty, low, high, priority >>> 0, Math.floor(priority / 2 ** 32))) {
      this.counts.refused++;
      return false;
    }
    this.counts.added++;
    const live = this.view.ordersLive;
    if (live > this.ordersPeak) this.ordersPeak = live;
    return true;
  }

  /** Takes `qty` off the order, which keeps its place; the last of it removes the order. */
  reduce(book: number, low: number, high: number, qty: number): boolean {
    if (!this.#take(book, low, high, qty)) return false;
    this.counts.reduced++;
    return true;
  }

  /** The order traded `qty`, at `ticks`. */
  execute(book: number, low: number, high: number, qty: number, ticks: number): boolean {
    if (!this.#take(book, low, high, qty)) return false;
    this.counts.executed++;
    if (isPrice(ticks)) this.view.trade(book, ticks, qty);
    else this.counts.refused++;
    return true;
  }

  remove(book: number, low: number, high: number): boolean {
    if (!this.view.cancel(book, low, high)) {
      this.counts.unknown++;
      return false;
    }
    this.counts.removed++;
    return true;
  }

  /** The old order leaves, the new one of the same side comes in behind all others. */
  replace(
    book: number, oldLow: number, oldHigh: number, low: number, high: number, ticks: number, qty: number,
  ): boolean {
    const order = this.view.orderNamed(oldLow, oldHigh);
    const side = order === 0 ? 0 : this.view.orderSide(order);
    // An order that is there may be another book's.
    if (order === 0 || !this.view.cancel(book, oldLow, oldHigh)) {
      this.counts.unknown++;
      return false;
    }
    if (!this.add(book, low, high, side, ticks, qty)) return false;
    this.counts.added--;
    this.counts.replaced++;
    return true;
  }

  /** The order is now at `ticks` with `qty`: it keeps its place only if it got smaller at its price. */
  amend(book: number, low: number, high: number, ticks: number, qty: number): boolean {
    const order = this.view.orderNamed(low, high);
    if (order === 0) {
      this.counts.unknown++;
      return false;
    }
    const side = this.view.orderSide(order);
    if (this.view.orderPrice(order, side) !== ticks || qty > this.view.orderQty(order)) {
      return this.replace(book, low, high, low, high, ticks, qty);
    }
    if (!this.view.modify(book, low, high, qty)) {
      if (qty === 0) this.counts.refused++;
      else this.counts.unknown++;
      return false;
    }
    this.counts.replaced++;
    return true;
  }

  clear(book: number): void {
    this.view.clear(book);
    this.counts.cleared++;
  }

  /** A trade that touches no visible order. */
  trade(book: number, ticks: number, qty: number): void {
    if (!isPrice(ticks)) {
      this.counts.refused++;
      return;
    }
    this.view.trade(book, ticks, qty);
    this.counts.trades++;
  }

  /** Ticks of an order; 0 when it is unknown. */
  priceOf(low: number, high: number): number {
    const order = this.view.orderNamed(low, high);
    return order === 0 ? 0 : this.view.orderPrice(order, this.view.orderSide(order));
  }

  /** Best bid at or above best ask. */
  crossed(book: number): boolean {
    const { view } = this;
    view.readTop(book);
    return view.bidQty > 0 && view.askQty > 0 && view.bidTicks >= view.askTicks;
  }

  #take(book: number, low: number, high: number, qty: number): boolean {
    const order = this.view.orderNamed(low, high);
    const open = order === 0 ? 0 : this.view.orderQty(order);
    const taken = order !== 0 && (qty >= open ? this.view.cancel(book, low, high) : this.view.modify(book, low, high, open - qty));
    if (!taken) this.counts.unknown++;
    else if (qty > open) this.counts.excess++;
    return taken;
  }
}

function isPrice(ticks: number): boolean {
  return Number.isInteger(ticks) && ticks >= I32_MIN && ticks <= I32_MAX;
}
