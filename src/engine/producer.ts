// A producer: hands inputs to a trading engine from any thread, without objects and without waiting.
//
//   const producer = new EngineProducer(handle);              // in the worker that has been posted the handle
//   const id = producer.placeLimit(book, 1, 5_000_000, 100);  // id of the order, or minus the reason
//   if (id === -Reason.Capacity) …                            // the queue is full: nothing was taken, try again
//
// Every call writes one record into the engine's queue and returns: an order id or 0 when it was taken,
// minus a reject code when it was not (`Capacity` the lane is full, `State` the engine takes nothing).
// What becomes of it is told on the engine's thread, by events that carry the order id. Orders, modifies
// and market data go through the normal lane in the order of the calls; cancels and control through the
// urgent lane, which overtakes: a cancel that overtakes its own order finds it all the same (intake.ts).
//
// Ids come in blocks of ID_BLOCK, so producers never give out the same. Books and ticks are those of the
// engine (`engine.instrument(symbol)`).
// Cost: some ten stores and the two locked instructions of a claim. One call in `stampMask` + 1 reads the
// clock, 40 ns, for the engine's latency figures. No allocation.
// Limits: a producer is for one thread. One that ends between claim and publish stops the queue until the
// engine is told (`engine.retire(handle)`).
import { PriorityQueue } from '../base/priority_queue.ts';
import { QUEUE_FULL } from '../base/mpmc_queue.ts';
import { OrderType, Reason, Tif } from '../book/types.ts';
import { BOOK_EVERY, Control, Input, InputFlag, InputViews } from './inputs.ts';
import { ID_BLOCK, Phase, SharedState, type ProducerHandle } from './shared_state.ts';

const TWO_32 = 0x1_0000_0000;

export class EngineProducer {
  readonly #shared: SharedState;
  readonly #queue: PriorityQueue;
  readonly #views: InputViews;
  readonly #startMs: number;
  #nextId = 0;
  #idsEnd = 0;
  #calls = 0;

  constructor(handle: ProducerHandle) {
    this.#shared = new SharedState(handle.buffer);
    this.#queue = new PriorityQueue(handle.buffer, this.#shared.queueAt, handle.producer);
    this.#views = new InputViews(handle.buffer);
    this.#startMs = handle.startMs;
  }

  /** Inputs that wait in either lane, of all producers. */
  get queued(): number {
    return this.#queue.normalDepth + this.#queue.urgentDepth;
  }

  /** A limit order. `priceTicks` i32; `qty` 1 … 2^32 − 2. Its id, or minus the reason. */
  placeLimit(book: number, side: number, priceTicks: number, qty: number, tif: number = Tif.Gtc, flags = 0): number {
    return this.place(book, side, OrderType.Limit, tif, flags, 0, priceTicks, qty, 0, 0, 0);
  }

  /**
   * Any order. `flags`: 1 post-only; `displayQty` 0: all of it shows; `minQty` 0: none; `stopTicks` of stop and
   * stop-limit. With `nameLo` and `nameHi`, and flag InputFlag.Named, it also goes by a name of the caller's.
   */
  place(
    book: number, side: number, orderType: number, tif: number, flags: number, stp: number, priceTicks: number,
    qty: number, displayQty: number, minQty: number, stopTicks: number, nameLo = 0, nameHi = 0,
  ): number {
    const at = this.#claim();
    if (at < 0) return at;
    if (this.#nextId === this.#idsEnd) this.#takeIds();
    const id = this.#nextId;
    this.#nextId = id + 1;
    this.#views.write(
      at, Input.New, side, orderType, tif, flags, stp, book, nameLo, nameHi, priceTicks, qty, displayQty, minQty,
      stopTicks, 0, id, this.#stamp(),
    );
    this.#publish(at);
    return id;
  }

  /** New price and new open quantity of an order. */
  modify(orderId: number, priceTicks: number, qty: number): number {
    const at = this.#claim();
    if (at < 0) return at;
    this.#views.write(
      at, Input.Modify, 0, 0, 0, 0, 0, 0, 0, 0, priceTicks, qty, 0, 0, 0, 0, orderId, this.#stamp(),
    );
    this.#publish(at);
    return 0;
  }

  modifyNamed(nameLo: number, nameHi: number, priceTicks: number, qty: number): number {
    const at = this.#claim();
    if (at < 0) return at;
    this.#views.write(
      at, Input.Modify, 0, 0, 0, InputFlag.Named, 0, 0, nameLo, nameHi, priceTicks, qty, 0, 0, 0, 0, 0, this.#stamp(),
    );
    this.#publish(at);
    return 0;
  }

  /** The whole rest of an order, urgently. */
  cancel(orderId: number): number {
    return this.#urgent(Input.Cancel, 0, 0, 0, 0, 0, orderId);
  }

  cancelNamed(nameLo: number, nameHi: number): number {
    return this.#urgent(Input.Cancel, 0, InputFlag.Named, 0, nameLo, nameHi, 0);
  }

  /** Every order of `book` (BOOK_EVERY: of all), those that still wait in the queue included; urgently. */
  cancelAll(book: number = BOOK_EVERY, token = 0): number {
    return this.#urgent(Input.CancelAll, 0, 0, book, 0, 0, token);
  }

  /** Pause, kill, auto-trading …; urgently. */
  control(control: Control, token = 0): number {
    return this.#urgent(Input.Control, control, 0, 0, 0, 0, token);
  }

  /** A configuration whose text the engine keeps under `number`; urgently. */
  configure(number: number, token: number): number {
    return this.#urgent(Input.Configure, 0, 0, 0, number, 0, token);
  }

  /** The market's best prices, for an engine with its own books: quantity 0 where a side is empty. */
  quote(book: number, bidTicks: number, bidQty: number, askTicks: number, askQty: number): number {
    return this.#market(Input.Quote, 0, book, 0, 0, bidTicks, bidQty, askQty, askTicks);
  }

  /** A trade in the market; `side` is the aggressor's. */
  trade(book: number, side: number, priceTicks: number, qty: number): number {
    return this.#market(Input.Trade, side, book, 0, 0, priceTicks, qty, 0, 0);
  }

  /** An order of the market came (`reference` below 2^53, unlike that of any other live one of the market), … */
  marketAdd(book: number, reference: number, side: number, priceTicks: number, qty: number): number {
    return this.#market(
      Input.MarketAdd, side, book, reference >>> 0, Math.floor(reference / TWO_32), priceTicks, qty, 0, 0,
    );
  }

  /** … has another price or open quantity, … */
  marketModify(book: number, reference: number, side: number, priceTicks: number, qty: number): number {
    return this.#market(
      Input.MarketModify, side, book, reference >>> 0, Math.floor(reference / TWO_32), priceTicks, qty, 0, 0,
    );
  }

  /** … or is gone. */
  marketCancel(book: number, reference: number): number {
    return this.#market(Input.MarketCancel, 0, book, reference >>> 0, Math.floor(reference / TWO_32), 0, 0, 0, 0);
  }

  /** All orders of the market in `book` are gone. */
  marketClear(book: number): number {
    return this.#market(Input.MarketClear, 0, book, 0, 0, 0, 0, 0, 0);
  }

  /** We traded elsewhere (a drop copy, a correction): the position moves, by no order of this engine. */
  execution(book: number, side: number, priceTicks: number, qty: number): number {
    return this.#market(Input.Execution, side, book, 0, 0, priceTicks, qty, 0, 0);
  }

  #market(
    type: number, side: number, book: number, idLo: number, idHi: number, price: number, qty: number, qty2: number,
    price2: number,
  ): number {
    const at = this.#claim();
    if (at < 0) return at;
    this.#views.write(at, type, side, 0, 0, 0, 0, book, idLo, idHi, price, qty, qty2, 0, price2, 0, 0, this.#stamp());
    this.#publish(at);
    return 0;
  }

  #urgent(
    type: number, orderType: number, flags: number, book: number, idLo: number, idHi: number, orderId: number,
  ): number {
    if (this.#shared.phase === Phase.Closed) return -Reason.State;
    const at = this.#queue.claimUrgent();
    if (at === QUEUE_FULL) return -Reason.Capacity;
    this.#views.write(at, type, 0, orderType, 0, flags, 0, book, idLo, idHi, 0, 0, 0, 0, 0, 0, orderId, this.#stamp());
    this.#publish(at);
    return 0;
  }

  /** Byte offset of a free slot of the normal lane, or minus the reason. */
  #claim(): number {
    if (this.#shared.phase !== Phase.Open) return -Reason.State;
    const at = this.#queue.claim();
    return at === QUEUE_FULL ? -Reason.Capacity : at;
  }

  #publish(at: number): void {
    this.#queue.publish(at);
    this.#shared.ring();
  }

  #takeIds(): void {
    const first = this.#shared.takeIdBlock();
    // 0 is no order's id.
    this.#nextId = Math.max(1, first);
    this.#idsEnd = first + ID_BLOCK;
  }

  /** Nanoseconds since the engine was made, for one input in so many, else 0. */
  #stamp(): number {
    this.#calls = (this.#calls + 1) | 0;
    if ((this.#calls & this.#shared.stampMask) !== 0) return 0;
    return Math.round((performance.now() - this.#startMs) * 1e6);
  }
}
