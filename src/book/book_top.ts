// Top of book and depth to a price, read from a core's memory as plain numbers: what decides orders reads
// these, for an engine that matches and for a view that follows a feed alike. Nothing is allocated.
import { RESULT_ROW, RESULT_ROWS } from './book_queries.ts';
import { Ladder, type CoreExports } from './core.ts';

/** Of a side without orders, where a price is a plain number: below every price that a book can have. */
export const PRICE_TICKS_NONE = -0x8000_0000;
/** Levels that `depthQty` asks for at once. */
const DEPTH_ROWS = 16;
/** Of a row of a depth query, in words. */
const ROW_WORDS = RESULT_ROW.size / 4;
const ROW_QTY = RESULT_ROW.qty / 4;
const TWO_32 = 0x1_0000_0000;

export class BookTop {
  // What `readTop` read last. Quantities are sums of u32, exact up to 2^53.
  bidTicks = PRICE_TICKS_NONE;
  bidQty = 0;
  askTicks = PRICE_TICKS_NONE;
  askQty = 0;

  readonly #core: CoreExports;
  readonly #u32: Uint32Array;
  readonly #i32: Int32Array;
  readonly #results: number;

  constructor(core: CoreExports, memory: WebAssembly.Memory) {
    this.#core = core;
    this.#u32 = new Uint32Array(memory.buffer);
    this.#i32 = new Int32Array(memory.buffer);
    this.#results = core.resultsAddress() >>> 0;
  }

  /**
   * Reads the top of `book` into `bidTicks`, `bidQty`, `askTicks`, `askQty`: PRICE_TICKS_NONE and 0 where a side is
   * empty. Two calls into the core.
   */
  readTop(book: number): void {
    const core = this.#core;
    const i32 = this.#i32;
    const u32 = this.#u32;
    const row = (this.#results + RESULT_ROWS) >>> 2;
    if (core.depth(book, Ladder.Bids, 0, 1) === 0) {
      this.bidTicks = PRICE_TICKS_NONE;
      this.bidQty = 0;
    } else {
      this.bidTicks = i32[row];
      this.bidQty = u32[row + ROW_QTY] + u32[row + ROW_QTY + 1] * TWO_32;
    }
    if (core.depth(book, Ladder.Asks, 0, 1) === 0) {
      this.askTicks = PRICE_TICKS_NONE;
      this.askQty = 0;
    } else {
      this.askTicks = i32[row];
      this.askQty = u32[row + ROW_QTY] + u32[row + ROW_QTY + 1] * TWO_32;
    }
  }

  /**
   * Visible quantity that an order of `side` could take up to `toPriceTicks`: a buy from the asks at or below it, a
   * sell from the bids at or above it.
   */
  depthQty(book: number, side: number, toPriceTicks: number): number {
    const core = this.#core;
    const i32 = this.#i32;
    const u32 = this.#u32;
    const ladder = side > 0 ? Ladder.Asks : Ladder.Bids;
    const rows = (this.#results + RESULT_ROWS) >>> 2;
    let sum = 0;
    let after = 0;
    for (;;) {
      const count = core.depth(book, ladder, after, DEPTH_ROWS);
      for (let i = 0; i < count; i++) {
        const row = rows + i * ROW_WORDS;
        if ((toPriceTicks - i32[row]) * side < 0) return sum;
        sum += u32[row + ROW_QTY] + u32[row + ROW_QTY + 1] * TWO_32;
      }
      if (count < DEPTH_ROWS) return sum;
      after = u32[this.#results >>> 2];
    }
  }
}
