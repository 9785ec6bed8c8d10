// The incremental feed: events of the engine → updates of the public book, in the C++ book's
// conventions.
//
//   order enters the book         add
//   fill                          trade (aggressor's side, resting price, no order or priority), then
//                                 cancel (quantity before the fill) or modify
//   cancel                        cancel with quantity 0
//   replace, priority lost        cancel with quantity 0, later the add
//   less quantity, priority kept  modify
//   state                         state, in layouts that have it
//
// The published books are changed with every update, so at any moment they are what a receiver of
// all messages up to `channel.next − 1` holds.
//
// Order: that of the events. A batch's updates leave together at its end, earlier where they fill a
// datagram. After a second of silence a heartbeat says which message comes next, and so does one with each
// snapshot cycle, so that the two are in step: an exchange at rest wakes once for both.
// Cost: a look-up and the stores of the messages, no allocation.
import { POLL_AGAIN_NS } from '../base/agent.ts';
import { assert } from '../base/assert.ts';
import type { MatchingEngine } from '../book/matching_engine.ts';
import { Ev, EvFlag, EVENT, State } from '../book/types.ts';
import {
  ORDER_NONE_HI,
  ORDER_NONE_LO,
  PRICE_NONE_HI,
  PRICE_NONE_LO,
  PRIORITY_NONE_HI,
  PRIORITY_NONE_LO,
  UpdateType,
} from '../wire/generated/native.ts';
import { FeedLayout } from './config.ts';
import type { FeedChannel } from './feed_channel.ts';
import { highHalf, type InstrumentTable, lowHalf } from './instruments.ts';
import type { PublishedBooks } from './published_books.ts';

const HEARTBEAT_NS = 1_000_000_000;
/** Words of an event slot. */
const WORD = {
  price: EVENT.price / 4,
  qty: EVENT.qty / 4,
  orderId: EVENT.orderId / 4,
  makerOrderId: EVENT.makerOrderId / 4,
  priority: EVENT.makerOrderId / 4,
  displayed: EVENT.displayed / 4,
} as const;

export class FeedPublisher {
  readonly channel: FeedChannel;
  /** Of every instrument, by book index. */
  readonly states: Uint8Array;
  readonly #books: PublishedBooks;
  readonly #instruments: InstrumentTable;
  readonly #u8: Uint8Array;
  readonly #u16: Uint16Array;
  readonly #u32: Uint32Array;
  readonly #i32: Int32Array;
  #sentNs = 0;

  constructor(
    engine: MatchingEngine,
    instruments: InstrumentTable,
    books: PublishedBooks,
    channel: FeedChannel,
  ) {
    this.#u8 = engine.u8;
    this.#u16 = engine.u16;
    this.#u32 = engine.u32;
    this.#i32 = engine.i32;
    this.#instruments = instruments;
    this.#books = books;
    this.channel = channel;
    this.states = new Uint8Array(instruments.count).fill(State.Open);
  }

  /** An event stands at byte address `at` of the engine's memory. */
  onEvent(at: number): void {
    const word = at >>> 2;
    const u32 = this.#u32;
    const flags = this.#u8[at + EVENT.flags];
    const book = this.#u16[(at + EVENT.book) >>> 1];
    switch (this.#u8[at]) {
      case Ev.Accepted:
        if ((flags & EvFlag.Rests) !== 0) this.#add(at, book, word + WORD.orderId);
        return;
      case Ev.Rested:
        return this.#add(at, book, word + WORD.priority);
      case Ev.Trade:
        return this.#trade(at, book);
      case Ev.Canceled:
        if ((flags & EvFlag.Resting) !== 0) this.#cancel(book, this.#slot(word + WORD.orderId), 0);
        return;
      case Ev.Reduced:
        if ((flags & EvFlag.Resting) !== 0)
          this.#show(book, this.#slot(word + WORD.orderId), u32[word + WORD.displayed]);
        return;
      case Ev.Displayed:
        return this.#show(book, this.#slot(word + WORD.orderId), u32[word + WORD.displayed]);
      case Ev.Replaced:
        if ((flags & EvFlag.Resting) !== 0) {
          const slot = this.#slot(word + WORD.orderId);
          if ((flags & EvFlag.Kept) !== 0) this.#show(book, slot, u32[word + WORD.displayed]);
          else this.#cancel(book, slot, 0);
        }
        if ((flags & EvFlag.Rests) !== 0) this.#add(at, book, word + WORD.priority);
        return;
      case Ev.State:
        return this.#state(book, this.#u8[at + EVENT.reason]);
      default:
        return;
    }
  }

  /** Sends what a batch has left, and a heartbeat after silence. Returns the datagrams sent. */
  flush(nowNs: number): number {
    const { channel } = this;
    const datagrams = channel.flush();
    if (datagrams > 0) this.#sentNs = nowNs;
    else if (nowNs - this.#sentNs >= HEARTBEAT_NS && channel.heartbeat()) {
      this.#sentNs = nowNs;
      return 1;
    }
    return datagrams;
  }

  /** A snapshot cycle begins: the heartbeat that would come before the next one comes now. */
  onCycle(nowNs: number): void {
    if (nowNs > this.#sentNs && this.channel.heartbeat()) this.#sentNs = nowNs;
  }

  /** When the next heartbeat is due, in the layout that has one, or what waits is tried again. */
  dueNs(nowNs: number): number {
    const { channel } = this;
    const due = this.#sentNs + HEARTBEAT_NS;
    if (channel.sent < channel.next || due <= nowNs) return nowNs + POLL_AGAIN_NS;
    return channel.layout === FeedLayout.Native ? due : Infinity;
  }

  #add(at: number, book: number, priorityWord: number): void {
    const u32 = this.#u32;
    const word = at >>> 2;
    const orderLo = u32[word + WORD.orderId];
    const orderHi = u32[word + WORD.orderId + 1];
    const side = (this.#u8[at + EVENT.side] << 24) >> 24;
    const ticks = this.#i32[word + WORD.price];
    const qty = u32[word + WORD.displayed];
    const priorityLo = u32[priorityWord];
    const priorityHi = u32[priorityWord + 1];
    this.#books.add(book, side, orderLo, orderHi, ticks, qty, priorityLo, priorityHi);
    const price = ticks * this.#instruments.tickUnits[book];
    this.channel.append(
      UpdateType.Add,
      this.#instruments.tickers[book],
      orderLo,
      orderHi,
      side,
      lowHalf(price),
      highHalf(price),
      qty,
      priorityLo,
      priorityHi,
    );
  }

  #trade(at: number, book: number): void {
    const word = at >>> 2;
    const qty = this.#u32[word + WORD.qty];
    const price = this.#i32[word + WORD.price] * this.#instruments.tickUnits[book];
    this.channel.append(
      UpdateType.Trade,
      this.#instruments.tickers[book],
      ORDER_NONE_LO,
      ORDER_NONE_HI,
      (this.#u8[at + EVENT.side] << 24) >> 24,
      lowHalf(price),
      highHalf(price),
      qty,
      PRIORITY_NONE_LO,
      PRIORITY_NONE_HI,
    );
    const slot = this.#slot(word + WORD.makerOrderId);
    const before = this.#books.qtyOf(slot);
    assert(before >= qty, 'an order shows what it trades');
    if (before === qty) this.#filled(book, slot, before);
    else this.#show(book, slot, before - qty);
  }

  /** The visible quantity of an order is now `qty`. */
  #show(book: number, slot: number, qty: number): void {
    const books = this.#books;
    if (qty === 0) return this.#cancel(book, slot, 0);
    if (books.qtyOf(slot) === qty) return; // hidden quantity has changed
    books.setQty(slot, qty);
    this.#update(
      UpdateType.Modify,
      book,
      slot,
      qty,
      books.priorityLoOf(slot),
      books.priorityHiOf(slot),
    );
  }

  #cancel(book: number, slot: number, qty: number): void {
    const books = this.#books;
    this.#update(
      UpdateType.Cancel,
      book,
      slot,
      qty,
      books.priorityLoOf(slot),
      books.priorityHiOf(slot),
    );
    books.remove(slot);
  }

  #filled(book: number, slot: number, qty: number): void {
    this.#update(UpdateType.Cancel, book, slot, qty, PRIORITY_NONE_LO, PRIORITY_NONE_HI);
    this.#books.remove(slot);
  }

  #update(
    type: number,
    book: number,
    slot: number,
    qty: number,
    priorityLo: number,
    priorityHi: number,
  ): void {
    const books = this.#books;
    const price = books.priceOf(slot) * this.#instruments.tickUnits[book];
    this.channel.append(
      type,
      this.#instruments.tickers[book],
      books.orderLoOf(slot),
      books.orderHiOf(slot),
      books.sideOf(slot),
      lowHalf(price),
      highHalf(price),
      qty,
      priorityLo,
      priorityHi,
    );
  }

  #state(book: number, state: number): void {
    this.states[book] = state;
    if (!this.channel.has(UpdateType.State)) return;
    this.channel.append(
      UpdateType.State,
      this.#instruments.tickers[book],
      ORDER_NONE_LO,
      ORDER_NONE_HI,
      0,
      PRICE_NONE_LO,
      PRICE_NONE_HI,
      state,
      PRIORITY_NONE_LO,
      PRIORITY_NONE_HI,
    );
  }

  #slot(orderWord: number): number {
    const slot = this.#books.find(this.#u32[orderWord], this.#u32[orderWord + 1]);
    assert(slot !== 0, 'an order in the book was published');
    return slot;
  }
}
