// The market as the gateway hears it from the exchange's feed, and its lines of JSON. The exchange is never asked.
//
//   datagrams ─► feed handler ─► market view ─┬─► trades: a line each, at once
//                                             └─► books that changed: top and depth when somebody wants them
//
// A line is made once a change and form of prices, however many read it. Times are those of the turn in which the
// gateway had the message; the feed's own messages carry none.
import { MarketView } from '../book/market_view.ts';
import { PRICE_TICKS_NONE } from '../book/book_top.ts';
import { Side } from '../book/types.ts';
import { FeedHandler, FEED_STATE_TEXT, type FeedListener, FeedState } from '../trader/feed_handler.ts';
import { FeedReceiver, type FeedSockets } from '../trader/feed_sockets.ts';
import type { Clock } from '../base/clock.ts';
import type { FeedLayout } from '../trader/feed_layout.ts';
import type { TraderInstruments } from '../trader/instruments.ts';
import { jsonLine, quoted, type Timestamps } from './lines.ts';
import { priceJson, sideJson } from './order_events.ts';

/** Depth that subscribers get; any other is asked for. */
export const DEPTH_LEVELS = 10;
const ORDERS_OF_MARKET_MAX = 1 << 20;
/** Every price but the one that means none. */
const TICKS_MIN = -0x7fff_ffff;
const TICKS_MAX = 0x7fff_ffff;

export interface MarketFeedOptions {
  readonly layout: FeedLayout['name'];
  readonly join: () => Promise<FeedSockets>;
  readonly retransmitHost: string;
  readonly retransmitPort: number;
}

export interface MarketOptions {
  readonly clock: Clock;
  readonly instruments: TraderInstruments;
  readonly feed: MarketFeedOptions;
  readonly timestamps: Timestamps;
}

/** Calls come from inside `poll`. */
export interface MarketListener {
  onTrade(book: number, side: number, priceTicks: number, qty: number): void;
  onBook(book: number): void;
  onState(): void;
}

export class Market implements FeedListener {
  readonly instruments: TraderInstruments;
  readonly view: MarketView;
  readonly feed: FeedHandler;
  readonly receiver: FeedReceiver;
  /** Set by whoever is told. */
  listener: MarketListener | null = null;
  trades = 0;
  readonly #timestamps: Timestamps;
  #nowNs = 0;
  /** Lines by form of prices and book, '' where they must be made anew. */
  readonly #tops: readonly string[][];
  readonly #depths: readonly string[][];

  static async open(options: MarketOptions): Promise<Market> {
    return new Market(options, await options.feed.join());
  }

  private constructor({ clock, instruments, feed, timestamps }: MarketOptions, sockets: FeedSockets) {
    this.instruments = instruments;
    this.#timestamps = timestamps;
    this.#tops = [0, 1].map(() => instruments.list.map(() => ''));
    this.#depths = [0, 1].map(() => instruments.list.map(() => ''));
    this.receiver = new FeedReceiver(sockets, feed.join, clock);
    this.view = new MarketView({
      instruments: instruments.list.map(() => ({ minPrice: TICKS_MIN, maxPrice: TICKS_MAX })),
      ordersMax: ORDERS_OF_MARKET_MAX,
    });
    const { incremental, snapshot, retransmit } = this.receiver;
    this.feed = new FeedHandler(this.view, this, {
      layout: feed.layout, instruments: instruments.list, incremental, snapshot,
      retransmit: retransmit === null ? null : {
        socket: retransmit, host: feed.retransmitHost, port: feed.retransmitPort,
      },
    });
  }

  poll(nowNs: number): number {
    this.#nowNs = nowNs;
    const work = this.feed.poll(nowNs);
    this.receiver.poll(nowNs);
    return work;
  }

  close(): void {
    this.receiver.close();
  }

  // ── the feed tells ─────────────────────────────────────────────────────────────────────────

  onUpdate(book: number): void {
    this.#forget(book);
    this.listener?.onBook(book);
  }

  onTrade(book: number, side: number, priceTicks: number, qty: number): void {
    this.trades++;
    this.#forget(book);
    this.listener?.onTrade(book, side, priceTicks, qty);
  }

  onState(_state: FeedState): void {
    this.listener?.onState();
  }

  #forget(book: number): void {
    for (const lines of this.#tops) lines[book] = '';
    for (const lines of this.#depths) lines[book] = '';
  }

  // ── lines ──────────────────────────────────────────────────────────────────────────────────

  get live(): boolean {
    return this.feed.state === FeedState.Live || this.feed.state === FeedState.Unsequenced;
  }

  get stateLine(): string {
    return jsonLine({ event: '"market"', state: quoted(FEED_STATE_TEXT[this.feed.state]), timestamp: this.#time });
  }

  tradeLine(book: number, side: number, priceTicks: number, qty: number, numbers: boolean): string {
    return jsonLine({
      event: '"trade"', symbol: this.#symbol(book), price: priceJson(this.instruments, book, priceTicks, numbers), volume: qty,
      side: side === Side.None ? undefined : sideJson(side), timestamp: this.#time,
    });
  }

  topLine(book: number, numbers: boolean): string {
    const lines = this.#tops[Number(numbers)];
    return (lines[book] ||= this.#makeTop(book, numbers));
  }

  depthLine(book: number, numbers: boolean): string {
    const lines = this.#depths[Number(numbers)];
    return (lines[book] ||= this.makeDepth(book, DEPTH_LEVELS, numbers));
  }

  /** An empty side is null. Price and volume are those of the last trade. */
  #makeTop(book: number, numbers: boolean): string {
    const { view } = this;
    view.readTop(book);
    const { bidTicks, bidQty, askTicks, askQty } = view;
    const last = view.lastTrade(book);
    return jsonLine({
      event: '"top"', symbol: this.#symbol(book),
      price: last === null ? 'null' : priceJson(this.instruments, book, last.price, numbers), volume: last?.qty ?? 'null',
      bid: this.#priceOrNull(book, bidTicks, numbers), bidVolume: bidQty,
      ask: this.#priceOrNull(book, askTicks, numbers), askVolume: askQty, timestamp: this.#time,
    });
  }

  /** Levels as [price, volume, orders], best first. */
  makeDepth(book: number, levels: number, numbers: boolean): string {
    const { bids, asks } = this.view.depth(book, levels);
    const rows = (side: typeof bids): string => `[${side.map(
      ({ price, qty, orders }) => `[${priceJson(this.instruments, book, price, numbers)},${qty},${orders}]`).join(',')}]`;
    return jsonLine({ event: '"depth"', symbol: this.#symbol(book), bids: rows(bids), asks: rows(asks), timestamp: this.#time });
  }

  #priceOrNull(book: number, ticks: number, numbers: boolean): string {
    return ticks === PRICE_TICKS_NONE ? 'null' : priceJson(this.instruments, book, ticks, numbers);
  }

  #symbol(book: number): string {
    return quoted(this.instruments.list[book].symbol);
  }

  get #time(): string {
    return this.#timestamps.text(this.#nowNs);
  }
}
