// Snapshot cycles: every interval the whole of the published books, for those who join late or
// could not be helped otherwise.
//
//   start (7, last incremental sequence)
//   per instrument: clear (6), state (9) if not open, bids and asks in priority order (5)
//   end (8, the same sequence)
//
// The books are frozen at the start, between two batches, so a cycle is what the feed had said up
// to the sequence it names, though its messages are spread over SPREAD of the interval: a large
// book does not burst, and the exchange never stops for it. Native: each cycle is a MoldUDP64
// session of its own and ends with an end-of-session packet; book: numbers from 0 each cycle.
//
// Cost: the stores of a message. Limits: a cycle that the socket cannot take in time delays the
// next one.
import { POLL_AGAIN_NS } from '../base/agent.ts';
import type { DatagramSocket } from '../net/transport.ts';
import { State } from '../book/types.ts';
import {
  ORDER_NONE_HI,
  ORDER_NONE_LO,
  PRICE_NONE_HI,
  PRICE_NONE_LO,
  PRIORITY_NONE_HI,
  PRIORITY_NONE_LO,
  QTY_NONE,
  TICKER_NONE,
  UpdateType,
} from '../wire/generated/native.ts';
import { FeedLayout } from './config.ts';
import { FeedChannel } from './feed_channel.ts';
import type { FeedPublisher } from './feed_publisher.ts';
import { highHalf, type InstrumentTable, lowHalf } from './instruments.ts';
import type { PublishedBooks } from './published_books.ts';

const TWO_32 = 0x1_0000_0000;
/**
 * Part of the interval over which a cycle is spread; the rest lets a receiver ask for what it
 * lacks.
 */
const SPREAD = 0.75;
/** Messages written in one turn at most: a late turn must not become a burst that sockets drop. */
const MESSAGES_PER_TURN = 2_048;

export class SnapshotPublisher {
  readonly channel: FeedChannel;
  cycles = 0;
  messages = 0;
  readonly #feed: FeedPublisher;
  readonly #books: PublishedBooks;
  readonly #instruments: InstrumentTable;
  /** 0: no cycles. */
  intervalNs: number;
  readonly #sessionOf: (cycle: number) => string;
  #running = false;
  /** Its first message is written. */
  #started = false;
  #startNs = -Infinity;
  /** States of the instruments at the freeze. */
  readonly #states: Uint8Array;
  /** Messages that this cycle has, those for states not counted, and that it has written. */
  #total = 0;
  #written = 0;
  #last = 0;
  /** Instrument whose orders come next. */
  #headed = -1;

  /** `sessionOf`: name of the MoldUDP64 session of a cycle, from 1. `intervalNs` 0: never. */
  constructor(
    feed: FeedPublisher,
    books: PublishedBooks,
    instruments: InstrumentTable,
    socket: DatagramSocket,
    intervalNs: number,
    window: number,
    sessionOf: (cycle: number) => string,
  ) {
    this.channel = new FeedChannel(feed.channel.layout, socket, window);
    this.#feed = feed;
    this.#books = books;
    this.#instruments = instruments;
    this.intervalNs = intervalNs;
    this.#sessionOf = sessionOf;
    this.#states = new Uint8Array(instruments.count);
  }

  /** Between two batches. Returns the messages written. */
  poll(nowNs: number): number {
    if (this.intervalNs === 0) return 0;
    if (!this.#running) {
      if (nowNs - this.#startNs < this.intervalNs) {
        if (this.channel.sent < this.channel.next) this.channel.flush();
        return 0;
      }
      this.#begin(nowNs);
    }
    // What the freeze has seen, and the feed not told, is not told here either.
    if (this.#last >= this.#feed.channel.released) return 0;
    const share = Math.min(1, (nowNs - this.#startNs) / (this.intervalNs * SPREAD));
    // Whole datagrams: a small book goes out at once.
    const { perDatagram } = this.channel;
    const due =
      share === 1 ? Infinity : (Math.floor((this.#total * share) / perDatagram) + 1) * perDatagram;
    const before = this.#written;
    const until = Math.min(due, before + MESSAGES_PER_TURN);
    while (this.#running && this.#written < until && this.#roomInSocket()) this.#step();
    this.messages += this.#written - before;
    return this.#written - before;
  }

  /** When the next cycle begins; of one under way a portion is due every now and then. */
  dueNs(nowNs: number): number {
    if (this.intervalNs === 0) return Infinity;
    const waits = this.#running || this.channel.sent < this.channel.next;
    return waits ? nowNs + POLL_AGAIN_NS : this.#startNs + this.intervalNs;
  }

  #begin(nowNs: number): void {
    this.cycles++;
    this.#startNs = nowNs;
    this.#feed.onCycle(nowNs);
    this.channel.begin(
      this.#sessionOf(this.cycles),
      this.channel.layout === FeedLayout.Book ? 0 : 1,
    );
    this.#last = this.#feed.channel.next - 1;
    this.#total = this.#books.freeze() + this.#books.books + 2;
    this.#states.set(this.#feed.states);
    this.#written = 0;
    this.#headed = -1;
    this.#running = true;
    this.#started = false;
  }

  /** Writes the next message of the cycle. */
  #step(): void {
    if (!this.#started) {
      this.#started = true;
      return this.#mark(UpdateType.SnapshotStart);
    }
    const books = this.#books;
    const list = books.walkList;
    const book = list >>> 1;
    if (this.#headed < book) {
      this.#headed = book;
      return this.#head(book);
    }
    const slot = books.nextOfList();
    if (slot !== 0) return this.#order(book, slot);
    if (books.nextList()) return;
    this.#mark(UpdateType.SnapshotEnd);
    this.#running = false;
    this.channel.flush();
    this.channel.end();
  }

  #order(book: number, slot: number): void {
    const books = this.#books;
    const price = books.priceOf(slot) * this.#instruments.tickUnits[book];
    const orderLo = books.orderLoOf(slot);
    const orderHi = books.orderHiOf(slot);
    const side = books.sideOf(slot);
    const priorityLo = books.priorityLoOf(slot);
    const priorityHi = books.priorityHiOf(slot);
    this.#write(
      UpdateType.Snapshot,
      this.#instruments.tickers[book],
      orderLo,
      orderHi,
      side,
      lowHalf(price),
      highHalf(price),
      books.takeFrozenQty(slot),
      priorityLo,
      priorityHi,
    );
  }

  #head(book: number): void {
    const ticker = this.#instruments.tickers[book];
    this.#write(
      UpdateType.Clear,
      ticker,
      ORDER_NONE_LO,
      ORDER_NONE_HI,
      0,
      PRICE_NONE_LO,
      PRICE_NONE_HI,
      QTY_NONE,
      PRIORITY_NONE_LO,
      PRIORITY_NONE_HI,
    );
    const state = this.#states[book];
    if (state === State.Open || !this.channel.has(UpdateType.State)) return;
    this.#write(
      UpdateType.State,
      ticker,
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

  /** Start or end: the last incremental sequence in the order field. */
  #mark(type: number): void {
    this.#write(
      type,
      TICKER_NONE,
      this.#last >>> 0,
      (this.#last / TWO_32) >>> 0,
      0,
      PRICE_NONE_LO,
      PRICE_NONE_HI,
      QTY_NONE,
      PRIORITY_NONE_LO,
      PRIORITY_NONE_HI,
    );
  }

  #write(
    type: number,
    ticker: number,
    orderLo: number,
    orderHi: number,
    side: number,
    priceLo: number,
    priceHi: number,
    qty: number,
    priorityLo: number,
    priorityHi: number,
  ): void {
    this.channel.append(
      type,
      ticker,
      orderLo,
      orderHi,
      side,
      priceLo,
      priceHi,
      qty,
      priorityLo,
      priorityHi,
    );
    this.#written++;
  }

  /** False: a datagram waits and the socket does not take it. */
  #roomInSocket(): boolean {
    const { channel } = this;
    return channel.next - channel.sent < channel.perDatagram || channel.flush() > 0;
  }
}
