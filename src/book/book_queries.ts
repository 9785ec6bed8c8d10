// Questions about the books in a core's memory, as objects: the same for an engine that matches and for a view that
// follows a feed. They allocate; a program that counts nanoseconds reads the published views (book_reader.ts).
import { BOOK, EXTENSION, KIND_SELL, KIND_STOP, Ladder, LEVEL, ORDER, type CoreExports } from './core.ts';
import type { Depth, QueuedOrder, RestingOrder, Top, Vwap } from './engine.ts';
import type { DepthLevel } from './types.ts';

/** Results of a depth query: address of the last level, then rows from here on (core/memory/price_ladder.ts). */
export const RESULT_ROWS = 64;
export const RESULT_ROW = { price: 0, orders: 4, qty: 8, size: 16 } as const;
/** Levels that one query answers (core/book/order_book.ts); deeper books are asked again from the last level. */
const ROWS_MAX = 1_024;
const WORD = 0xffff_ffffn;
/** Four of them begin a book (core/book/records.ts). */
const LADDER_BYTES = 32;

export class BookQueries {
  readonly #core: CoreExports;
  readonly #view: DataView;
  readonly #results: number;
  readonly #books: number;

  constructor(core: CoreExports, memory: WebAssembly.Memory, books: number) {
    this.#core = core;
    this.#view = new DataView(memory.buffer);
    this.#results = core.resultsAddress() >>> 0;
    this.#books = books;
  }

  depth(book: number, levels: number): Depth {
    return { bids: this.#levels(book, Ladder.Bids, levels), asks: this.#levels(book, Ladder.Asks, levels) };
  }

  top(book: number): Top {
    return {
      bid: this.#levels(book, Ladder.Bids, 1)[0] ?? null,
      ask: this.#levels(book, Ladder.Asks, 1)[0] ?? null,
    };
  }

  vwap(book: number, side: number, qty: number | bigint): Vwap {
    this.#check(book);
    const wanted = BigInt(qty);
    const ladder = side > 0 ? Ladder.Asks : Ladder.Bids;
    this.#core.vwap(book, ladder, Number(wanted & WORD), Number((wanted >> 32n) & WORD));
    const low = this.#view.getBigUint64(this.#results + 8, true);
    const high = this.#view.getBigInt64(this.#results + 16, true);
    return { filled: this.#view.getBigUint64(this.#results, true), cost: (high << 64n) + low };
  }

  /** Last trade of an instrument, null before the first. */
  lastTrade(book: number): { price: number; qty: number } | null {
    this.#check(book);
    const at = this.#core.bookAddress(book) >>> 0;
    if (this.#view.getUint32(at + BOOK.hasLast, true) === 0) return null;
    return { price: this.#view.getInt32(at + BOOK.lastPrice, true), qty: this.#view.getUint32(at + BOOK.lastQty, true) };
  }

  publicHash(): bigint {
    return BigInt.asUintN(64, this.#core.publicHash());
  }

  checkInvariants(): void {
    const broken = this.#core.brokenInvariant();
    if (broken !== 0) throw new Error(`invariant ${broken} of core/book/invariants.ts does not hold`);
  }

  /** Orders of one price in queue order, the next to trade first. */
  queue(book: number, side: number, price: number): QueuedOrder[] {
    this.#check(book);
    const orders: QueuedOrder[] = [];
    let order = this.#core.firstOrder(book, side > 0 ? Ladder.Bids : Ladder.Asks) >>> 0;
    while (order !== 0 && this.#priceOf(order) !== price) {
      const level = this.#view.getUint32(order + ORDER.level, true);
      order = this.#core.orderAfter(this.#view.getUint32(level + LEVEL.last, true)) >>> 0;
    }
    if (order === 0) return orders;
    const level = this.#view.getUint32(order + ORDER.level, true);
    for (; order !== level; order = this.#view.getUint32(order, true)) orders.push(this.#orderAt(order));
    return orders;
  }

  /** A live order by its client's id, stops included; null: there is none. */
  order(client: number, id: bigint): RestingOrder | null {
    const order = this.#core.orderNamed(client, Number(id & WORD), Number(id >> 32n)) >>> 0;
    if (order === 0) return null;
    const level = this.#view.getUint32(order + ORDER.level, true);
    const first = this.#core.bookAddress(0) >>> 0;
    const kind = this.#view.getUint32(order + ORDER.kind, true);
    return {
      ...this.#orderAt(order),
      // A book's ladders come first in it, and it is aligned to its size.
      book: Math.floor((this.#view.getUint32(level + LEVEL.ladder, true) - first) / BOOK.size),
      side: (kind & KIND_SELL) === 0 ? 1 : -1,
      price: this.#priceOf(order),
      isStop: (kind & KIND_STOP) !== 0,
    };
  }

  #orderAt(order: number): QueuedOrder {
    const extension = this.#view.getUint32(order + ORDER.ext, true);
    return {
      client: this.#view.getUint32(order + ORDER.client, true),
      id: this.#view.getBigUint64(order + ORDER.id, true),
      orderId: this.#view.getBigUint64(order + ORDER.orderId, true),
      priority: this.#view.getBigUint64(order + ORDER.priority, true),
      qty: this.#view.getUint32(order + ORDER.qty, true),
      hidden: extension === 0 ? 0 : this.#view.getUint32(extension + EXTENSION.hidden, true),
      executed: this.#view.getUint32(order + ORDER.executed, true),
    };
  }

  /** Of the level that an order stands in; of a stop that at which it triggers. */
  #priceOf(order: number): number {
    const level = this.#view.getUint32(order + ORDER.level, true);
    const ladder = this.#view.getUint32(level + LEVEL.ladder, true) - (this.#core.bookAddress(0) >>> 0);
    const kind = (ladder % BOOK.size) / LADDER_BYTES;
    const rank = this.#view.getInt32(level + LEVEL.rank, true);
    // core/memory/price_ladder.ts: rank = price xor 2^31, complemented where the lowest price is the best.
    const lowestFirst = kind === Ladder.Asks || kind === Ladder.BuyStops;
    return (lowestFirst ? ~rank : rank) ^ 0x8000_0000;
  }

  #levels(book: number, ladder: number, levels: number): DepthLevel[] {
    this.#check(book);
    const out: DepthLevel[] = [];
    let after = 0;
    while (out.length < levels) {
      const n = this.#core.depth(book, ladder, after, Math.min(ROWS_MAX, levels - out.length));
      for (let i = 0; i < n; i++) {
        const at = this.#results + RESULT_ROWS + i * RESULT_ROW.size;
        out.push({
          price: this.#view.getInt32(at + RESULT_ROW.price, true),
          qty: this.#view.getBigUint64(at + RESULT_ROW.qty, true),
          orders: this.#view.getUint32(at + RESULT_ROW.orders, true),
        });
      }
      after = this.#view.getUint32(this.#results, true);
      if (n < ROWS_MAX || after === 0) break;
    }
    return out;
  }

  #check(book: number): void {
    if (!Number.isInteger(book) || book < 0 || book >= this.#books) {
      throw new RangeError(`instrument index must be 0 … ${this.#books - 1}, was ${book}`);
    }
  }
}
