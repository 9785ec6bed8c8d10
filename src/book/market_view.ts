// Books fed from a market data feed: what the exchange's feed publisher knows it has said and what a
// feed handler has heard. The same core structures as in matching, so depth and public hash agree by construction
// when the orders do. Instruments are dense indices; 64-bit numbers come as two u32 halves.
import { BookQueries, RESULT_ROWS } from './book_queries.ts';
import { BookTop } from './book_top.ts';
import {
  DEFAULT_VIEW_LEVELS, EVENT_SLOTS_MIN, KIND_SELL, LEVEL, Ladder, ORDER, createCore, type CoreExports,
} from './core.ts';
import type { CoreVariant } from './core_module.ts';
import type { BookReaderSource } from './book_reader.ts';
import type { Depth, Top } from './engine.ts';
import type { EngineConfig } from './types.ts';

/** Of all orders of a view (core/feed/market_view.ts). */
const VIEW_CLIENT = 0;
/** As in core/book/hashes.ts. */
const HASH_START = 0xcbf2_9ce4_8422_2325n;
const HASH_FACTOR = 0x9e37_79b9_7f4a_7c15n;
const SIDES = [1, -1];
/** A view executes no commands and writes no events. */
const COMMAND_SLOTS_MIN = 2;

export type MarketViewConfig = Pick<EngineConfig, 'instruments' | 'ordersMax' | 'levelsMax' | 'viewLevels'>;

export { PRICE_TICKS_NONE } from './book_top.ts';

export class MarketView {
  readonly memory: WebAssembly.Memory;
  private readonly core: CoreExports;
  private readonly queries: BookQueries;
  private readonly touch: BookTop;
  private readonly u32: Uint32Array;
  private readonly i32: Int32Array;
  private readonly results: number;
  private readonly viewLevels: number;

  constructor(config: MarketViewConfig, options: { variant?: CoreVariant } = {}) {
    const made = createCore(
      { ...config, extendedMax: 0, commandSlots: COMMAND_SLOTS_MIN, eventsMax: EVENT_SLOTS_MIN },
      options.variant ?? 'core',
      () => {
        throw new Error('a market view writes no events');
      },
    );
    this.core = made.core;
    this.memory = made.memory;
    this.u32 = new Uint32Array(made.memory.buffer);
    this.i32 = new Int32Array(made.memory.buffer);
    this.results = this.core.resultsAddress() >>> 0;
    this.queries = new BookQueries(this.core, made.memory, config.instruments.length);
    this.touch = new BookTop(this.core, made.memory);
    this.viewLevels = config.viewLevels ?? DEFAULT_VIEW_LEVELS;
  }

  /** A new order at the back of its level. False: refused (unknown instrument, known order, no room, quantity 0). */
  add(
    book: number, side: number, price: number, qty: number, orderLow: number, orderHigh: number,
    priorityLow: number, priorityHigh: number,
  ): boolean {
    return this.core.viewAdd(book, side, price, qty, orderLow, orderHigh, priorityLow, priorityHigh) !== 0;
  }

  /** The order's visible quantity is now `qty`; it keeps its place. False: unknown order or quantity 0. */
  modify(book: number, orderLow: number, orderHigh: number, qty: number): boolean {
    return this.core.viewModify(book, orderLow, orderHigh, qty) !== 0;
  }

  /** The order has left the book. False: unknown order. */
  cancel(book: number, orderLow: number, orderHigh: number): boolean {
    return this.core.viewCancel(book, orderLow, orderHigh) !== 0;
  }

  /** Empties one book. */
  clear(book: number): boolean {
    return this.core.viewClear(book) !== 0;
  }

  /** Remembers the last trade; the updates that follow change the book. */
  trade(book: number, price: number, qty: number): boolean {
    return this.core.viewTrade(book, price, qty) !== 0;
  }

  /** Publishes top and depth of the changed books for readers on other threads. */
  publish(): void {
    this.core.publish();
  }

  /** What a BookReader on another thread needs; it sees what was published last. */
  get readerSource(): BookReaderSource {
    return {
      buffer: this.memory.buffer,
      viewsAddress: this.core.viewsAddress() >>> 0,
      viewSize: this.core.viewSize(),
      viewLevels: this.viewLevels,
    };
  }

  get ordersLive(): number {
    return this.core.ordersLive();
  }

  /** Best price of a side in ticks, or null; no allocation. */
  bestPrice(book: number, side: number): number | null {
    if (this.core.depth(book, side > 0 ? Ladder.Bids : Ladder.Asks, 0, 1) === 0) return null;
    return this.i32[(this.results + RESULT_ROWS) >>> 2];
  }

  // What `readTop` read last, as book_top.ts says.
  get bidTicks(): number {
    return this.touch.bidTicks;
  }

  get bidQty(): number {
    return this.touch.bidQty;
  }

  get askTicks(): number {
    return this.touch.askTicks;
  }

  get askQty(): number {
    return this.touch.askQty;
  }

  /** Reads the top of `book` into the four above. */
  readTop(book: number): void {
    this.touch.readTop(book);
  }

  /** Visible quantity that an order of `side` could take up to `toPriceTicks`. */
  depthQty(book: number, side: number, toPriceTicks: number): number {
    return this.touch.depthQty(book, side, toPriceTicks);
  }

  depth(book: number, levels: number): Depth {
    return this.queries.depth(book, levels);
  }

  top(book: number): Top {
    return this.queries.top(book);
  }

  lastTrade(book: number): { price: number; qty: number } | null {
    return this.queries.lastTrade(book);
  }

  /** Cursor of the order with this id, as in a walk, whatever book it is on; 0: there is none. */
  orderNamed(orderLow: number, orderHigh: number): number {
    return this.core.orderNamed(VIEW_CLIENT, orderLow, orderHigh) >>> 0;
  }

  /** Of the order at `cursor`: +1 or −1. */
  orderSide(cursor: number): number {
    return (this.u32[(cursor + ORDER.kind) >>> 2] & KIND_SELL) === 0 ? 1 : -1;
  }

  // ---- walking the orders: for snapshots -------------------------------------------------------

  /** Cursor of the first order of a side, best level first, 0 for none. Any change of the book ends the walk. */
  firstOrder(book: number, side: number): number {
    return this.core.firstOrder(book, side > 0 ? Ladder.Bids : Ladder.Asks) >>> 0;
  }

  /** The order behind, in queue order, then the next level's first; 0 at the end. */
  orderAfter(cursor: number): number {
    return this.core.orderAfter(cursor) >>> 0;
  }

  /** Visible quantity of the order at `cursor`. */
  orderQty(cursor: number): number {
    return this.u32[(cursor + ORDER.qty) >>> 2];
  }

  orderIdLow(cursor: number): number {
    return this.u32[(cursor + ORDER.orderId) >>> 2];
  }

  orderIdHigh(cursor: number): number {
    return this.u32[(cursor + ORDER.orderId + 4) >>> 2];
  }

  priorityLow(cursor: number): number {
    return this.u32[(cursor + ORDER.priority) >>> 2];
  }

  priorityHigh(cursor: number): number {
    return this.u32[(cursor + ORDER.priority + 4) >>> 2];
  }

  /** Price in ticks of the order at `cursor`, which stands on the bid side if `side` > 0. */
  orderPrice(cursor: number, side: number): number {
    const level = this.u32[(cursor + ORDER.level) >>> 2];
    const rank = this.i32[(level + LEVEL.rank) >>> 2];
    // price_ladder.ts: rank = price xor 2^31, complemented for asks
    return (side > 0 ? rank : ~rank) ^ 0x8000_0000;
  }

  publicHash(): bigint {
    return this.queries.publicHash();
  }

  /**
   * The public hash as if the other books were empty: to tell which of them differ. A hundred times the time of `publicHash`.
   */
  publicHashOf(book: number): bigint {
    let hash = HASH_START;
    for (const side of SIDES) {
      for (let order = this.firstOrder(book, side); order !== 0; order = this.orderAfter(order)) {
        if (hash === HASH_START) hash = mixed(hash, BigInt(book));
        hash = mixed(hash, wide(this.orderIdLow(order), this.orderIdHigh(order)));
        hash = mixed(hash, BigInt(this.orderPrice(order, side)));
        hash = mixed(hash, BigInt(this.orderQty(order)));
        hash = mixed(hash, wide(this.priorityLow(order), this.priorityHigh(order)));
      }
    }
    return hash;
  }

  checkInvariants(): void {
    this.queries.checkInvariants();
  }

}

function mixed(hash: bigint, value: bigint): bigint {
  const x = BigInt.asUintN(64, (hash ^ BigInt.asUintN(64, value)) * HASH_FACTOR);
  return x ^ (x >> 32n);
}

function wide(low: number, high: number): bigint {
  return (BigInt(high) << 32n) | BigInt(low);
}
