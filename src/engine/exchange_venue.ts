// The venue at the end of a wire: an Outcry exchange, by TCP for orders and by multicast for its books.
//
//   requests ─► OrderSession ─► TCP ─► exchange ─► multicast ─► FeedHandler ─► [inputs] ─► MarketView
//                    └── responses ─► [inputs] ─► engine
//
// The session and the feed are those of `outcry trade`. What they hear becomes inputs of the engine, journaled
// before they take effect: responses, every message of the feed, the session going up and down, the books
// becoming whole or not. So a replay of the journal gives the same positions, orders and books without a wire;
// requests then go nowhere, and are taken or not as they were (`up`).
//
// Order ids: those of an account rise over all its processes (SEMANTICS, soup), so the wire carries ours plus
// a base, microseconds since 1970 at the start of the first process; it travels with the session's inputs, so
// that a replay goes on with it.
//
// Room: what an input can cause must find room in the send buffer, or a replay would differ; so the buffer holds
// a cancel of every open order beside, and `hasRoom` turns false, which holds the queue, long before it is full.
// Order: responses first, then the feed, as they came. Cost: that of session and feed; an input's record beside.
import { MarketView } from '../book/market_view.ts';
import { wallClockMs, type Clock } from '../base/clock.ts';
import type { Depth } from '../book/engine.ts';
import { Side } from '../book/types.ts';
import { chooseNetwork } from '../net/choose_network.ts';
import type { DatagramSocket, Network } from '../net/transport.ts';
import { FEED_STATE_TEXT, FeedHandler, type FeedBooks, type FeedListener } from '../trader/feed_handler.ts';
import { FeedReceiver, type FeedSockets } from '../trader/feed_sockets.ts';
import type { TraderInstruments } from '../trader/instruments.ts';
import { ORDER_NONE, type OrderTerms } from '../trader/order_manager.ts';
import { OrderSession, SESSION_STATE_TEXT, SessionState, type OrderSessionHandler } from '../trader/order_session.ts';
import type { MarketTop } from '../trader/strategy_runner.ts';
import type { ExchangeSettings } from './config.ts';
import { Input, INPUT, SessionChange, type InputViews } from './inputs.ts';
import type { Venue, VenueInputs, VenueListener } from './venue.ts';

const TICKS_MIN = -0x7fff_ffff;
const TICKS_MAX = 0x7fff_ffff;
/** Orders of the market that the books can hold. */
const MARKET_ORDERS_MAX = 1 << 20;
/** Bytes of a request with its frame, generously. */
const REQUEST_BYTES = 64;
/** Requests that must find room before further inputs are taken. */
const ROOM_MIN = 4_096;
/** Node's sockets deliver in later turns of the event loop. */
const LINGER_MS = 300;
/** Datagrams of some milliseconds that wait in the kernel while listeners are at work. */
const FEED_RECEIVE_BYTES = 8 << 20;
const TWO_32 = 0x1_0000_0000;

export interface ExchangeVenueOptions {
  readonly settings: ExchangeSettings;
  readonly instruments: TraderInstruments;
  readonly ordersMax: number;
  readonly clock: Clock;
}

export class ExchangeVenue implements Venue, OrderSessionHandler {
  readonly kind = 'exchange';
  readonly network: Network;
  readonly market: MarketTop;
  readonly view: MarketView;
  replaying = false;
  /** It always does: what a message changes is not known before it is applied. */
  tellsEveryChange = true;

  readonly #options: ExchangeVenueOptions;
  readonly #owner: VenueListener & VenueInputs;
  readonly #ownsNetwork: boolean;
  readonly #session: OrderSession;
  #receiver: FeedReceiver | null = null;
  #feed: FeedHandler | null = null;
  #nowNs = 0;
  /** As inputs have told it. */
  #up = false;
  #fresh = false;
  #applied = false;
  #closed = false;
  /** Order ids on the wire are the order manager's plus this. */
  #idBase: number;

  constructor(options: ExchangeVenueOptions, owner: VenueListener & VenueInputs) {
    const { settings, instruments, ordersMax, clock } = options;
    this.#options = options;
    this.#owner = owner;
    this.#ownsNetwork = settings.network === null;
    this.#idBase = Math.floor(wallClockMs() * 1_000);
    this.network = settings.network ?? chooseNetwork().network;
    this.view = new MarketView({
      instruments: instruments.list.map(() => ({ minPrice: TICKS_MIN, maxPrice: TICKS_MAX })), ordersMax: MARKET_ORDERS_MAX,
    });
    this.market = this.view;
    this.#session = new OrderSession(this, {
      entry: {
        framing: settings.framing, client: settings.clientId, sendBufferBytes: (ordersMax + 2 * ROOM_MIN) * REQUEST_BYTES,
        ...(settings.account === null ? {} : { account: settings.account }),
        ...(settings.password === null ? {} : { password: settings.password }),
        ...(settings.signer === null ? {} : { signer: settings.signer }),
      },
      clock, instruments, journal: null, run: this.#idBase, connect: () => this.network.connect({ host: settings.host, port: settings.port }),
    });
  }

  /** The session is up and the books are whole; rejects with what was missing at the end of `startTimeoutMs`. */
  async open(): Promise<void> {
    const { settings, instruments, clock } = this.#options;
    const receiver = new FeedReceiver(await this.#join(), () => this.#join(), clock);
    this.#receiver = receiver;
    const { incremental, snapshot, retransmit } = receiver;
    const inputs = new FeedInputs(this, instruments.count);
    this.#feed = new FeedHandler(inputs, inputs, {
      instruments: instruments.list, incremental, snapshot,
      retransmit: retransmit === null ? null : { socket: retransmit, host: settings.host, port: settings.retransmitPort },
    });
    const connection = await this.network.connect({ host: settings.host, port: settings.port });
    this.#session.begin(connection, clock.refresh());
    const untilNs = clock.nowNs + settings.startTimeoutNs;
    while (!this.#up || !this.#fresh) {
      await new Promise((resolve) => setImmediate(resolve));
      this.poll(clock.refresh());
      this.flush();
      if (this.#session.state === SessionState.Ended) throw new Error(`order session: ${this.#session.reason}`);
      if (clock.nowNs >= untilNs) throw new Error(this.#missing());
    }
  }

  async #join(): Promise<FeedSockets> {
    const { settings } = this.#options;
    const { network } = this;
    const own = { interface: settings.interface, receiveBufferBytes: FEED_RECEIVE_BYTES };
    const opened: DatagramSocket[] = [];
    const keep = (socket: DatagramSocket): DatagramSocket => {
      opened.push(socket);
      return socket;
    };
    try {
      return {
        incremental: keep(await network.multicastReceiver({ ...own, group: settings.group, port: settings.groupPort })),
        snapshot: keep(await network.multicastReceiver({ ...own, group: settings.group, port: settings.snapshotPort })),
        retransmit: keep(await network.unicast({ host: settings.interface, port: 0 })),
      };
    } catch (error) {
      for (const socket of opened) socket.close();
      throw error;
    }
  }

  #missing(): string {
    const { settings } = this.#options;
    const seconds = settings.startTimeoutNs / 1e9;
    const session = `order session with ${settings.host}:${settings.port}: ${SESSION_STATE_TEXT[this.#session.state]} ${this.#session.reason}`;
    const feed = `feed on ${settings.group}:${settings.groupPort}: ${FEED_STATE_TEXT[this.#feed!.state]}`;
    return `expected a session and whole books within ${seconds} s, was ${session.trim()}; ${feed}`;
  }

  // ── turns ──────────────────────────────────────────────────────────────────────────────────

  settle(): boolean {
    return false; // what requests cause comes over the wire
  }

  poll(nowNs: number): number {
    if (this.#closed || this.#feed === null) return 0;
    this.#nowNs = nowNs;
    let work = this.network.poll();
    work += this.#session.poll(nowNs);
    work += this.#feed.poll(nowNs);
    if (this.#feed.fresh !== this.#fresh) this.#tellSession(this.#feed.fresh ? SessionChange.Fresh : SessionChange.Stale);
    this.#receiver!.poll(nowNs);
    return work;
  }

  flush(): void {
    this.#session.flush();
  }

  get hasRoom(): boolean {
    return !this.#session.ready || this.#session.entry.room >= ROOM_MIN;
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#session.end();
    this.#receiver?.close();
    if (!this.#ownsNetwork) return;
    if (this.network.needsEventLoop) await new Promise((resolve) => setTimeout(resolve, LINGER_MS));
    this.network.close();
  }

  // ── requests ───────────────────────────────────────────────────────────────────────────────

  newOrder(
    book: number, orderId: number, side: number, priceTicks: number, qty: number, tif: number, flags: number,
    terms: OrderTerms | null,
  ): boolean {
    if (this.replaying) return this.#up;
    return this.#session.newOrder(book, orderId + this.#idBase, side, priceTicks, qty, tif, flags, terms);
  }

  cancel(book: number, orderId: number): boolean {
    return this.replaying ? this.#up : this.#session.cancel(book, orderId + this.#idBase);
  }

  modify(book: number, orderId: number, side: number, priceTicks: number, chainQty: number): boolean {
    return this.replaying ? this.#up : this.#session.modify(book, orderId + this.#idBase, side, priceTicks, chainQty);
  }

  /** As OrderSession: without a log-in orders are cancelled one by one. */
  massCancel(book: number): boolean {
    return this.replaying ? this.#up && this.#options.settings.framing === 'soup' : this.#session.massCancel(book);
  }

  // ── what the order session tells ───────────────────────────────────────────────────────────

  onResponse(
    type: number, book: number, orderId: number, side: number, priceTicks: number, execQty: number, leavesQty: number,
  ): void {
    // An order of another process of this account is none of ours.
    const id = Math.max(ORDER_NONE, orderId - this.#idBase);
    this.#owner.onVenueInput(Input.Response, side, type, book, 0, 0, priceTicks, execQty, leavesQty, id, this.#nowNs);
  }

  onReady(complete: boolean): void {
    this.#tellSession(complete ? SessionChange.UpComplete : SessionChange.Up);
  }

  onDown(): void {
    if (!this.#closed) this.#tellSession(SessionChange.Down);
  }

  #tellSession(change: SessionChange): void {
    this.#owner.onVenueInput(Input.Session, 0, change, 0, 0, 0, 0, 0, 0, this.#idBase, this.#nowNs);
  }

  applySession(change: number, idBase: number): void {
    if (this.replaying && idBase !== 0) this.#idBase = idBase;
    if (change === SessionChange.Fresh || change === SessionChange.Stale) this.#fresh = change === SessionChange.Fresh;
    else this.#up = change !== SessionChange.Down;
  }

  // ── what the feed tells ────────────────────────────────────────────────────────────────────

  /** A message of the feed becomes an input, which comes back to `applyMarket`. False: the books refused it. */
  onFeed(
    type: number, side: number, book: number, idLo: number, idHi: number, price: number, qty: number, priority: number,
  ): boolean {
    this.#applied = false;
    this.#owner.onVenueInput(type, side, 0, book, idLo, idHi, price, qty, 0, priority, this.#nowNs);
    return this.#applied;
  }

  applyMarket(views: InputViews, at: number, nowNs: number): void {
    const word = at >>> 2;
    const book = views.u16[(at + INPUT.book) >>> 1];
    const idLo = views.u32[word + (INPUT.idLo >>> 2)];
    const idHi = views.u32[word + (INPUT.idHi >>> 2)];
    const price = views.i32[word + (INPUT.price >>> 2)];
    const qty = views.u32[word + (INPUT.qty >>> 2)];
    const type = views.u8[at];
    if (type === Input.Trade) {
      this.#applied = this.view.trade(book, price, qty);
      return;
    }
    if (type === Input.MarketAdd) {
      const priority = views.f64[(at + INPUT.orderId) >>> 3];
      const side = views.i8[at + INPUT.side];
      this.#applied = this.view.add(book, side, price, qty, idLo, idHi, priority >>> 0, Math.floor(priority / TWO_32));
    } else if (type === Input.MarketModify) this.#applied = this.view.modify(book, idLo, idHi, qty);
    else if (type === Input.MarketCancel) this.#applied = this.view.cancel(book, idLo, idHi);
    else if (type === Input.MarketClear) this.#applied = this.view.clear(book);
    if (!this.#applied) return;
    if (type === Input.MarketClear) this.#owner.onClear(book, nowNs);
    else this.#owner.onUpdate(book, nowNs);
  }

  // ── questions ──────────────────────────────────────────────────────────────────────────────

  depth(book: number, levels: number): Depth {
    return this.view.depth(book, levels);
  }

  lastTrade(book: number): { price: number; qty: number } | null {
    return this.view.lastTrade(book);
  }

  stateHash(): bigint {
    return this.view.publicHash();
  }

  checkInvariants(): void {
    this.view.checkInvariants();
    this.#feed?.checkInvariants();
  }
}

/** The feed handler's books: messages as inputs of the engine. */
class FeedInputs implements FeedBooks, FeedListener {
  readonly #venue: ExchangeVenue;
  readonly #books: number;

  constructor(venue: ExchangeVenue, books: number) {
    this.#venue = venue;
    this.#books = books;
  }

  add(
    book: number, side: number, price: number, qty: number, orderLow: number, orderHigh: number, priorityLow: number,
    priorityHigh: number,
  ): boolean {
    return this.#venue.onFeed(
      Input.MarketAdd, side, book, orderLow, orderHigh, price, qty, priorityHigh * TWO_32 + priorityLow,
    );
  }

  modify(book: number, orderLow: number, orderHigh: number, qty: number): boolean {
    return this.#venue.onFeed(Input.MarketModify, Side.None, book, orderLow, orderHigh, 0, qty, 0);
  }

  cancel(book: number, orderLow: number, orderHigh: number): boolean {
    return this.#venue.onFeed(Input.MarketCancel, Side.None, book, orderLow, orderHigh, 0, 0, 0);
  }

  clear(book: number): boolean {
    return this.#venue.onFeed(Input.MarketClear, Side.None, book, 0, 0, 0, 0, 0);
  }

  /** The print follows, with the aggressor's side, in `onTrade`. */
  trade(book: number): boolean {
    return book < this.#books;
  }

  publish(): void {
    this.#venue.view.publish();
  }

  onUpdate(): void {
    // Told when the message was applied.
  }

  onTrade(book: number, side: number, price: number, qty: number): void {
    this.#venue.onFeed(Input.Trade, side, book, 0, 0, price, qty, 0);
  }

  onState(): void {
    // Whether the books are fresh is asked after each poll.
  }
}
