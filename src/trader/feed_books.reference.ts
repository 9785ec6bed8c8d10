// Books fed from a feed, the slow and obvious way: one Map of orders and a sort when somebody
// looks. The twin of MarketView; tests of the feed handler compare against it.
import type { FeedBooks } from './feed_handler.ts';

interface RestingOrder {
  orderId: bigint;
  side: number;
  price: number;
  qty: number;
  priority: bigint;
}

const MASK_64 = (1n << 64n) - 1n;

export class ReferenceFeedBooks implements FeedBooks {
  readonly lastTrades = new Map<number, { price: number; qty: number }>();
  published = 0;
  readonly #books: Map<bigint, RestingOrder>[] = [];

  constructor(books: number) {
    for (let i = 0; i < books; i++) this.#books.push(new Map());
  }

  add(
    book: number, side: number, price: number, qty: number, orderLow: number, orderHigh: number,
    priorityLow: number, priorityHigh: number,
  ): boolean {
    const orderId = u64(orderLow, orderHigh);
    if ((side !== 1 && side !== -1) || qty === 0 || this.#books[book].has(orderId)) return false;
    this.#books[book].set(
      orderId, { orderId, side, price, qty, priority: u64(priorityLow, priorityHigh) },
    );
    return true;
  }

  modify(book: number, orderLow: number, orderHigh: number, qty: number): boolean {
    const order = this.#books[book].get(u64(orderLow, orderHigh));
    if (order === undefined || qty === 0) return false;
    order.qty = qty;
    return true;
  }

  cancel(book: number, orderLow: number, orderHigh: number): boolean {
    return this.#books[book].delete(u64(orderLow, orderHigh));
  }

  clear(book: number): boolean {
    this.#books[book].clear();
    return true;
  }

  trade(book: number, price: number, qty: number): boolean {
    this.lastTrades.set(book, { price, qty });
    return true;
  }

  publish(): void {
    this.published++;
  }

  orders(book: number): number {
    return this.#books[book].size;
  }

  /** Best first, then by priority. */
  side(book: number, side: number): RestingOrder[] {
    const orders = [...this.#books[book].values()].filter((order) => order.side === side);
    return orders.toSorted(
      (a, b) => (b.price - a.price) * side || (a.priority < b.priority ? -1 : 1),
    );
  }

  /** Best price of a side in ticks, or undefined. */
  best(book: number, side: number): number | undefined {
    return this.side(book, side)[0]?.price;
  }

  /** As in docs/MATCHING.md. */
  publicHash(): bigint {
    let hash = 0xcbf29ce484222325n;
    for (let book = 0; book < this.#books.length; book++) {
      if (this.#books[book].size === 0) continue;
      hash = mix(hash, BigInt(book));
      for (const order of [...this.side(book, 1), ...this.side(book, -1)]) {
        for (const value of [
          order.orderId, BigInt(order.price), BigInt(order.qty), order.priority,
        ]) hash = mix(hash, value);
      }
    }
    return hash;
  }
}

function u64(lo: number, hi: number): bigint {
  return (BigInt(hi >>> 0) << 32n) | BigInt(lo >>> 0);
}

function mix(hash: bigint, value: bigint): bigint {
  const x = ((hash ^ (value & MASK_64)) * 0x9e3779b97f4a7c15n) & MASK_64;
  return x ^ (x >> 32n);
}
