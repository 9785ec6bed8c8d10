// The venue in this process: a matching engine of its own, whose other participants are the market data
// that the program hands in.
//
//   requests ─► [ commands of this input ] ─► MatchingEngine ─► events ─┬─► responses to our orders
//   market data ─►                                                      ├─► trades
//                                                                       └─► changed books
//
// Clients of the matching engine: OURS, and two of the market. A quote stands in the book as two orders of
// QUOTES, one a side; single orders of the market (MarketAdd …) are those of FLOW. So what we send trades
// against what the market shows, a market that moves through our price fills us, and strategies see one book
// in which both stand. That is all it says about a real market: nothing of queues before us, nothing of how
// the market would have answered. The market's clients never trade with themselves.
//
// Order: the commands of one input run as one batch, in the order of the calls; then their events are told,
// each in its turn; then each book that has changed, once (where nobody looks deeper than the best prices, only
// books whose best prices may have changed). What that makes strategies send is the next batch.
// Cost: one call into the core a batch, some twenty loads and stores an event. No allocation, but where one
// command has more events than the ring holds (an order that trades with tens of thousands): those are copied
// out, since the core must not be asked about books in the middle of a command.
import { assert } from '../base/assert.ts';
import { MatchingEngine } from '../book/matching_engine.ts';
import type { CoreVariant } from '../book/core_module.ts';
import type { Depth } from '../book/engine.ts';
import { Cmd, CmdFlag, COMMAND, COMMAND_EXTENSION, Ev, EVENT, EvFlag, OrderType, OWNER_NONE, Reason, Stp, Tif } from '../book/types.ts';
import { BOOK_ALL, PRICE_TICKS_NONE } from '../trader/instruments.ts';
import type { TraderInstruments } from '../trader/instruments.ts';
import type { OrderTerms } from '../trader/order_manager.ts';
import type { MarketTop } from '../trader/strategy_runner.ts';
import { ResponseType } from '../wire/generated/native.ts';
import { QTY_NONE } from '../book/types.ts';
import { Input, INPUT, type InputViews } from './inputs.ts';
import type { Venue, VenueListener } from './venue.ts';

export const Client = { Flow: 0, Ours: 1, Quotes: 2 } as const;

/** Commands that one input may cause, of which an extended one takes two slots: a mass withdrawal by strategies. */
const COMMAND_SLOTS = 1 << 15;
const EVENT_SLOTS = 1 << 16;
/** Events are given back to the ring so many at a time: an atomic store empties the store buffer. */
const RELEASE_EVENTS = EVENT_SLOTS / 16;
/** In a mass cancel: every instrument. */
const BOOK_NONE = 0xffff;
const TWO_32 = 0x1_0000_0000;
const SLOT_WORDS = COMMAND.size / 4;
const WORD = {
  client: COMMAND.client / 4, price: COMMAND.price / 4, idLo: COMMAND.id / 4, idHi: COMMAND.id / 4 + 1,
  qty: COMMAND.qty / 4, reason: COMMAND.reason / 4,
} as const;
const EXTENSION_WORD = {
  display: COMMAND_EXTENSION.display / 4, minQty: COMMAND_EXTENSION.minQty / 4,
  stopPrice: COMMAND_EXTENSION.stopPrice / 4, owner: COMMAND_EXTENSION.owner / 4,
} as const;
const EVENT_WORD = {
  price: EVENT.price / 4, qty: EVENT.qty / 4, client: EVENT.client / 4, makerClient: EVENT.makerClient / 4,
  id: EVENT.id / 4, makerId: EVENT.makerId / 4, leaves: EVENT.leaves / 4, displayed: EVENT.displayed / 4,
} as const;

export interface EmbeddedVenueOptions {
  readonly instruments: TraderInstruments;
  readonly ordersMax: number;
  readonly marketOrdersMax: number;
  readonly stp: Stp;
  readonly variant?: CoreVariant;
}

/** Events to be read: those of the ring, or copies of it. */
interface EventMemory {
  readonly u8: Uint8Array;
  readonly u16: Uint16Array;
  readonly u32: Uint32Array;
  readonly i32: Int32Array;
}

export class EmbeddedVenue implements Venue {
  readonly kind = 'embedded';
  readonly market: MarketTop;
  readonly network = null;
  readonly hasRoom = true;
  /** Nothing is different: the books are part of what is replayed. */
  replaying = false;
  readonly engine: MatchingEngine;
  /** Market data that the books refused. */
  marketRefused = 0;
  /** Every changed book is told, not only those whose best prices may have: somebody looks deeper. */
  tellsEveryChange = false;

  readonly #listener: VenueListener;
  readonly #u32: Uint32Array;
  /** Two halves: one is filled while the other is executed. */
  readonly #halves: readonly [number, number];
  #half = 0;
  #slots = 0;
  #cursor = 0;
  /** Events below it are free in the ring. */
  #released = 0;
  /** Copies of the ring that a single command has filled. */
  #copies: EventMemory[] = [];
  readonly #copyEvents: number[] = [];
  readonly #copyFirst: number[] = [];
  readonly #isChanged: Uint8Array;
  readonly #changed: Uint16Array;
  #changedCount = 0;
  // Best prices when the book was last looked at, PRICE_TICKS_NONE for an empty side.
  readonly #bidTicks: Int32Array;
  readonly #askTicks: Int32Array;
  // The market's quotes, bid at 2 · book and ask beside it: price, and whether one stands.
  readonly #quoteTicks: Int32Array;
  readonly #quoteLive: Uint8Array;

  constructor(options: EmbeddedVenueOptions, listener: VenueListener) {
    const { instruments, ordersMax, marketOrdersMax, stp } = options;
    this.#listener = listener;
    const books = instruments.count;
    this.engine = new MatchingEngine({
      instruments: instruments.list.map((_, book) => ({
        minPrice: instruments.minTicks[book], maxPrice: instruments.maxTicks[book],
      })),
      ordersMax: ordersMax + marketOrdersMax + 2 * books,
      stp, commandSlots: COMMAND_SLOTS, eventsMax: EVENT_SLOTS, viewLevels: 0,
    }, options.variant === undefined ? {} : { variant: options.variant });
    this.engine.onEventsFull = () => this.#copyRing();
    this.market = this.engine.touch;
    this.#u32 = this.engine.u32;
    const half = (COMMAND_SLOTS / 2) * COMMAND.size;
    this.#halves = [this.engine.commandBase, this.engine.commandBase + half];
    this.#isChanged = new Uint8Array(books);
    this.#changed = new Uint16Array(books);
    this.#bidTicks = new Int32Array(books).fill(PRICE_TICKS_NONE);
    this.#askTicks = new Int32Array(books).fill(PRICE_TICKS_NONE);
    this.#quoteTicks = new Int32Array(2 * books);
    this.#quoteLive = new Uint8Array(2 * books);
  }

  open(): Promise<void> {
    return Promise.resolve();
  }

  poll(): number {
    return 0;
  }

  flush(): void {
    // Nothing leaves the process.
  }

  close(): Promise<void> {
    // The memory goes with the last reference to it.
    return Promise.resolve();
  }

  // ── requests ───────────────────────────────────────────────────────────────────────────────

  newOrder(
    book: number, orderId: number, side: number, priceTicks: number, qty: number, tif: number, flags: number,
    terms: OrderTerms | null = null,
  ): boolean {
    if (terms === null) {
      return this.#command(
        Cmd.New, side, OrderType.Limit, tif, flags & CmdFlag.PostOnly, 0, book, Client.Ours, priceTicks, orderId, qty,
      );
    }
    if (this.#slots + 2 > COMMAND_SLOTS / 2) return false;
    const limited = terms.orderType === OrderType.Limit || terms.orderType === OrderType.StopLimit;
    this.#command(
      Cmd.New, side, terms.orderType, tif, (flags & CmdFlag.PostOnly) | CmdFlag.Extended, terms.stp, book, Client.Ours,
      limited ? priceTicks : 0, orderId, qty,
    );
    const word = (this.#halves[this.#half] >>> 2) + this.#slots * SLOT_WORDS;
    const u32 = this.#u32;
    u32[word + EXTENSION_WORD.display] = terms.displayQty;
    u32[word + EXTENSION_WORD.minQty] = terms.minQty;
    u32[word + EXTENSION_WORD.stopPrice] = terms.stopTicks;
    u32[word + EXTENSION_WORD.owner] = OWNER_NONE;
    this.#slots += 1;
    return true;
  }

  cancel(book: number, orderId: number): boolean {
    return this.#command(Cmd.Cancel, 0, 0, 0, 0, 0, book, Client.Ours, 0, orderId, 0);
  }

  modify(book: number, orderId: number, _side: number, priceTicks: number, chainQty: number): boolean {
    return this.#command(Cmd.Replace, 0, 0, 0, CmdFlag.Chain, 0, book, Client.Ours, priceTicks, orderId, chainQty);
  }

  massCancel(book: number): boolean {
    const which = book === BOOK_ALL ? BOOK_NONE : book;
    return this.#command(Cmd.MassCancel, 0, 0, 0, 0, 0, which, Client.Ours, 0, 0, 0);
  }

  /** Runs what was asked for, and what that makes others ask for, until nothing is left. */
  settle(nowNs: number): boolean {
    if (this.#slots === 0) return false;
    while (this.#slots > 0) {
      const slots = this.#slots;
      const at = this.#halves[this.#half];
      this.#slots = 0;
      this.#half ^= 1;
      this.engine.processAt(at, slots);
      this.#tell(nowNs);
    }
    return true;
  }

  // ── the market ─────────────────────────────────────────────────────────────────────────────

  applySession(): void {
    // There is none.
  }

  applyMarket(views: InputViews, at: number): void {
    const book = views.u16[(at + INPUT.book) >>> 1];
    const type = views.u8[at + INPUT.type];
    if (type === Input.Quote) return this.#quote(views, at, book);
    const side = views.i8[at + INPUT.side];
    const price = views.i32[(at + INPUT.price) >>> 2];
    const qty = views.u32[(at + INPUT.qty) >>> 2];
    const id = views.u32[(at + INPUT.idHi) >>> 2] * TWO_32 + views.u32[(at + INPUT.idLo) >>> 2];
    if (type === Input.MarketAdd) {
      this.#command(Cmd.New, side, OrderType.Limit, Tif.Gtc, 0, Stp.None, book, Client.Flow, price, id, qty);
    } else if (type === Input.MarketModify) {
      this.#command(Cmd.Replace, 0, 0, 0, 0, 0, book, Client.Flow, price, id, qty);
    } else if (type === Input.MarketCancel) {
      this.#command(Cmd.Cancel, 0, 0, 0, 0, 0, book, Client.Flow, 0, id, 0);
    } else if (type === Input.MarketClear) {
      this.#command(Cmd.MassCancel, 0, 0, 0, 0, 0, book, Client.Flow, 0, 0, 0);
      this.#command(Cmd.MassCancel, 0, 0, 0, 0, 0, book, Client.Quotes, 0, 0, 0);
    }
  }

  /** Both sides of the market's quote, the one first that does not meet the other's old price. */
  #quote(views: InputViews, at: number, book: number): void {
    const bid = views.i32[(at + INPUT.price) >>> 2];
    const bidQty = views.u32[(at + INPUT.qty) >>> 2];
    const ask = views.i32[(at + INPUT.price2) >>> 2];
    const askQty = views.u32[(at + INPUT.qty2) >>> 2];
    if (bidQty > 0 && askQty > 0 && bid >= ask) {
      this.marketRefused += 1;
      return;
    }
    const askFirst = bidQty > 0 && this.#quoteLive[2 * book + 1] !== 0 && bid >= this.#quoteTicks[2 * book + 1];
    if (askFirst) this.#quoteSide(book, 1, ask, askQty);
    this.#quoteSide(book, 0, bid, bidQty);
    if (!askFirst) this.#quoteSide(book, 1, ask, askQty);
  }

  #quoteSide(book: number, sideIndex: number, ticks: number, qty: number): void {
    const index = 2 * book + sideIndex;
    const id = index + 1;
    const side = sideIndex === 0 ? 1 : -1;
    if (this.#quoteLive[index] === 0) {
      if (qty === 0) return;
      this.#command(Cmd.New, side, OrderType.Limit, Tif.Gtc, 0, Stp.None, book, Client.Quotes, ticks, id, qty);
      this.#quoteLive[index] = 1;
    } else if (qty === 0) {
      this.#command(Cmd.Cancel, 0, 0, 0, 0, 0, book, Client.Quotes, 0, id, 0);
    } else {
      this.#command(Cmd.Replace, 0, 0, 0, 0, 0, book, Client.Quotes, ticks, id, qty);
    }
    this.#quoteTicks[index] = ticks;
  }

  depth(book: number, levels: number): Depth {
    return this.engine.depth(book, levels);
  }

  lastTrade(book: number): { price: number; qty: number } | null {
    return this.engine.lastTrade(book);
  }

  stateHash(): bigint {
    return this.engine.stateHash();
  }

  checkInvariants(): void {
    this.engine.checkInvariants();
    assert(this.#slots === 0, 'every command has run');
    assert(this.#changedCount === 0, 'every changed book was told');
  }

  // ── commands and events ────────────────────────────────────────────────────────────────────

  #command(
    type: number, side: number, orderType: number, tif: number, flags: number, stp: number, book: number, client: number,
    ticks: number, id: number, qty: number,
  ): boolean {
    if (this.#slots >= COMMAND_SLOTS / 2) return false;
    const word = (this.#halves[this.#half] >>> 2) + this.#slots * SLOT_WORDS;
    const u32 = this.#u32;
    u32[word] = type | ((side & 0xff) << 8) | (orderType << 16) | (tif << 24);
    u32[word + 1] = flags | (stp << 8) | (book << 16);
    u32[word + WORD.client] = client;
    u32[word + WORD.price] = ticks;
    u32[word + WORD.idLo] = id;
    u32[word + WORD.idHi] = Math.floor(id / TWO_32);
    u32[word + WORD.qty] = qty;
    u32[word + WORD.reason] = 0;
    this.#slots += 1;
    return true;
  }

  /** One command has filled the ring: its events are copied out and told when it has ended. */
  #copyRing(): void {
    const { engine } = this;
    const end = engine.eventsWritten();
    const buffer = engine.u8.slice(engine.eventBase, engine.eventBase + (engine.eventMask + 1) * EVENT.size).buffer;
    this.#copies.push({
      u8: new Uint8Array(buffer), u16: new Uint16Array(buffer), u32: new Uint32Array(buffer), i32: new Int32Array(buffer),
    });
    this.#copyFirst.push(this.#cursor);
    this.#copyEvents.push(end - this.#cursor);
    this.#cursor = end;
    this.#released = end;
    engine.releaseEvents(end);
  }

  #tell(nowNs: number): void {
    const { engine } = this;
    const mask = engine.eventMask;
    for (const [i, copy] of this.#copies.entries()) {
      const first = this.#copyFirst[i];
      const end = first + this.#copyEvents[i];
      for (let n = first; n < end; n++) this.#onEvent(copy, (n & mask) * EVENT.size, nowNs);
    }
    if (this.#copies.length > 0) {
      this.#copies = [];
      this.#copyFirst.length = 0;
      this.#copyEvents.length = 0;
    }
    const end = engine.eventsWritten();
    for (let n = this.#cursor; n < end; n++) this.#onEvent(engine, engine.eventBase + (n & mask) * EVENT.size, nowNs);
    this.#cursor = end;
    if (end - this.#released >= RELEASE_EVENTS) {
      this.#released = end;
      engine.releaseEvents(end);
    }
    if (this.#changedCount > 0) this.#tellChanged(nowNs);
  }

  #tellChanged(nowNs: number): void {
    const { touch } = this.engine;
    for (let i = 0; i < this.#changedCount; i++) {
      const book = this.#changed[i];
      this.#isChanged[book] = 0;
      this.#listener.onUpdate(book, nowNs);
      // The listener has had it read.
      touch.readTop(book);
      this.#bidTicks[book] = touch.bidTicks;
      this.#askTicks[book] = touch.askTicks;
    }
    this.#changedCount = 0;
  }

  #onEvent(events: EventMemory, at: number, nowNs: number): void {
    const word = at >>> 2;
    const book = events.u16[(at + EVENT.book) >>> 1];
    const { u32 } = events;
    const flags = events.u8[at + EVENT.flags];
    const reason = events.u8[at + EVENT.reason];
    switch (events.u8[at]) {
      case Ev.Accepted:
        if ((flags & EvFlag.Rests) !== 0) this.#changeAt(book, events, at, word);
        return this.#own(events, word, at, ResponseType.Accepted, book, 0, u32[word + EVENT_WORD.qty], nowNs);
      case Ev.Trade:
        this.#change(book);
        return this.#trade(events, word, at, book, nowNs);
      case Ev.Canceled:
        if ((flags & EvFlag.Resting) !== 0) this.#changeAt(book, events, at, word);
        this.#quoteEnded(u32, word);
        if (reason === Reason.None) return this.#own(events, word, at, ResponseType.Canceled, book, QTY_NONE, u32[word + EVENT_WORD.qty], nowNs);
        return this.#own(events, word, at, ResponseType.Expired, book, reason, u32[word + EVENT_WORD.qty], nowNs);
      case Ev.Replaced:
        this.#change(book);
        return this.#own(events, word, at, ResponseType.Modified, book, 0, u32[word + EVENT_WORD.qty], nowNs);
      case Ev.Reduced:
        if ((flags & EvFlag.Resting) !== 0) this.#change(book);
        return this.#own(events, word, at, ResponseType.Modified, book, reason, u32[word + EVENT_WORD.leaves], nowNs);
      case Ev.Rejected:
        return this.#rejected(events, word, at, book, reason, nowNs);
      case Ev.Rested:
      case Ev.Displayed:
        return this.#change(book);
      default:
        return;
    }
  }

  /** About one order, to us if it is ours. */
  #own(
    events: EventMemory, word: number, at: number, type: number, book: number, execQty: number, leaves: number,
    nowNs: number,
  ): void {
    const { u32 } = events;
    if (u32[word + EVENT_WORD.client] !== Client.Ours) return;
    this.#listener.onResponse(
      type, book, u32[word + EVENT_WORD.id + 1] * TWO_32 + u32[word + EVENT_WORD.id], sideOf(events.u8[at + EVENT.side]),
      events.i32[word + EVENT_WORD.price], execQty, leaves, nowNs,
    );
  }

  #trade(events: EventMemory, word: number, at: number, book: number, nowNs: number): void {
    const { u32 } = events;
    const price = events.i32[word + EVENT_WORD.price];
    const qty = u32[word + EVENT_WORD.qty];
    const side = sideOf(events.u8[at + EVENT.side]);
    this.#listener.onTrade(book, side, price, qty, nowNs);
    if (u32[word + EVENT_WORD.client] === Client.Ours) {
      this.#listener.onResponse(
        ResponseType.Filled, book, u32[word + EVENT_WORD.id + 1] * TWO_32 + u32[word + EVENT_WORD.id], side, price, qty,
        u32[word + EVENT_WORD.leaves], nowNs,
      );
    }
    const maker = u32[word + EVENT_WORD.makerClient];
    const makerLeaves = u32[word + EVENT_WORD.displayed];
    if (maker === Client.Ours) {
      this.#listener.onResponse(
        ResponseType.Filled, book, u32[word + EVENT_WORD.makerId + 1] * TWO_32 + u32[word + EVENT_WORD.makerId], -side,
        price, qty, makerLeaves, nowNs,
      );
    } else if (maker === Client.Quotes && makerLeaves === 0) this.#quoteLive[u32[word + EVENT_WORD.makerId] - 1] = 0;
    if (u32[word + EVENT_WORD.client] === Client.Quotes && u32[word + EVENT_WORD.leaves] === 0) {
      this.#quoteLive[u32[word + EVENT_WORD.id] - 1] = 0;
    }
  }

  #rejected(events: EventMemory, word: number, at: number, book: number, reason: number, nowNs: number): void {
    const { u32 } = events;
    const client = u32[word + EVENT_WORD.client];
    const op = events.u8[at + EVENT.op];
    if (client !== Client.Ours) {
      this.marketRefused += 1;
      // A new order that was refused does not stand; a replace that was refused leaves its order as it was.
      if (client === Client.Quotes && op === Cmd.New) this.#quoteLive[u32[word + EVENT_WORD.id] - 1] = 0;
      return;
    }
    const type = op === Cmd.Cancel ? ResponseType.CancelRejected : ResponseType.Rejected;
    if (op === Cmd.MassCancel) return;
    this.#own(events, word, at, type, book, reason, 0, nowNs);
  }

  #quoteEnded(u32: Uint32Array, word: number): void {
    if (u32[word + EVENT_WORD.client] === Client.Quotes) this.#quoteLive[u32[word + EVENT_WORD.id] - 1] = 0;
  }

  /** The event's price has another quantity: of no matter where it lies behind the best of its side. */
  #changeAt(book: number, events: EventMemory, at: number, word: number): void {
    const price = events.i32[word + EVENT_WORD.price];
    const bids = sideOf(events.u8[at + EVENT.side]) > 0;
    const best = bids ? this.#bidTicks[book] : this.#askTicks[book];
    const behind = best !== PRICE_TICKS_NONE && (bids ? price < best : price > best);
    if (!behind || this.tellsEveryChange) this.#change(book);
  }

  #change(book: number): void {
    if (this.#isChanged[book] !== 0) return;
    this.#isChanged[book] = 1;
    this.#changed[this.#changedCount++] = book;
  }
}

function sideOf(byte: number): number {
  return (byte << 24) >> 24;
}
