// What bench/ledger.ts measures: an order reserved and released, on the ledger and on the design that was rejected.
import { Reason } from '../src/book/types.ts';

export const BOOKS = 4;
const BOOK_WORDS = 32;
const TOTALS_WORD = BOOKS * BOOK_WORDS;

interface Reserving {
  tryReserve(book: number, side: number, qty: number, nowNs: number): Reason;
  release(book: number, side: number, qty: number): void;
}

/** Orders in all books in turn, bought and sold; how many were refused. */
export function orders(ledger: Reserving, count: number): number {
  let refused = 0;
  for (let i = 0; i < count; i++) {
    const side = (i & 4) === 0 ? 1 : -1;
    if (ledger.tryReserve(i & (BOOKS - 1), side, 5, i) === Reason.None) ledger.release(i & (BOOKS - 1), side, 5);
    else refused++;
  }
  return refused;
}

/**
 * Without a lock, as far as 32-bit words go: open quantity of the book's side, open orders, exposure of all books,
 * each added first and taken back when it is too much. It keeps no money and no rate, and is not exact: others see
 * sums above their limits, and are refused because of orders that are refused themselves. Kept to show that exactness
 * is not what the lock costs.
 */
export class CounterLedger {
  static readonly bytes = (TOTALS_WORD + 64) * 4;
  readonly #words: Int32Array;
  readonly #max = 1_000_000;

  constructor(buffer: SharedArrayBuffer) {
    this.#words = new Int32Array(buffer);
  }

  tryReserve(book: number, side: number, qty: number, _nowNs: number): Reason {
    const words = this.#words;
    const open = book * BOOK_WORDS + (side > 0 ? 0 : 1);
    if (Atomics.add(words, open, qty) + qty > this.#max) {
      Atomics.sub(words, open, qty);
      return Reason.Position;
    }
    if (Atomics.add(words, TOTALS_WORD, 1) + 1 > this.#max) {
      Atomics.sub(words, open, qty);
      Atomics.sub(words, TOTALS_WORD, 1);
      return Reason.OpenOrders;
    }
    if (Atomics.add(words, TOTALS_WORD + 32, qty) + qty > this.#max) {
      Atomics.sub(words, open, qty);
      Atomics.sub(words, TOTALS_WORD, 1);
      Atomics.sub(words, TOTALS_WORD + 32, qty);
      return Reason.Position;
    }
    return Reason.None;
  }

  release(book: number, side: number, qty: number): void {
    const words = this.#words;
    Atomics.sub(words, book * BOOK_WORDS + (side > 0 ? 0 : 1), qty);
    Atomics.sub(words, TOTALS_WORD, 1);
    Atomics.sub(words, TOTALS_WORD + 32, qty);
  }
}
