// The order manager: every order of this client as a state machine, keyed by client order id.
//
//   send, quote ─► risk gate ─► [ order table ] ─► sink ─► exchange
//                                  ▲                          │
//   positions, risk gate, listener ◄────── onResponse ◄───────┘
//
// States (rows) and what the exchange says (columns); · = counted as unexpected, nothing changes:
//
//                  accepted   filled           modified   canceled,   rejected        cancel
//                                                         expired                     rejected
//   PendingNew     Live       Live, or Done¹   Live       Done²       Done            ·
//   Live           ·          Live, or Done¹   Live³      Done²       ·               ·
//   PendingModify  PendingM.  PendingModify⁴   Live       Done²       Live, or Done⁴  ·
//   PendingCancel  PendingC.  stays, or Done¹  PendingC.  Done²       Done, or stays⁵ as before⁶
//   Done, unknown  adopted⁷   position moves⁷  adopted⁷   ·           ·               ·
//
//   ¹ nothing is left, neither of the old quantity nor of one in flight. A fill may come before the
//     acceptance.
//   ² Where less was removed than was left, fills are still to be told: the order stays PendingCancel
//     and what is owed stays reserved until they come.
//   ³ reduced by the system (self-trade prevention), or a modify that this process does not know
//   ⁴ Where nothing is left of the old quantity, a modify in flight decides by its answer.
//   ⁵ Done when the new order is rejected; when a modify is, the cancel is still to be answered.
//   ⁶ Live, PendingNew or PendingModify. Not an end: a fill that ends the order may be on its way.
//   ⁷ An order that this process never sent and that may be open was sent before a restart: it is
//     adopted. It is nobody's: its owner cancels it (`cancelAll`) when the stream has caught up, before
//     new quotes stand beside it. A fill always moves the position, whatever is known of its order.
//
// What is reserved at the risk gate for an order, at every instant: the larger of what is left of it
// and, with a modify in flight, what the new total would leave. Modifies carry the total including
// executions, so fills that cross them on the way add nothing. A request on its way out changes no
// reservation downwards; only answers do.
//
// Quotes: one order a side and book at most, moved by modify (or by cancel and new). While a request
// of it is unanswered, the quote wanted next is remembered; the latest wins and goes out when the
// answer comes. Withdrawing never waits. A move that risk refuses withdraws the old quote: it stands
// at a price that nobody wants any more. (Not where only the rate is too high, or the sink is full:
// that is tried again by `poll`.)
//
// A broken connection: what was unanswered then may or may not have reached the exchange, and stays
// reserved. When the stream of responses goes on where it broke off (`onResumed(true)`, soup), every
// such order is cancelled: the answer comes after all that happened to it before, so one that the
// exchange does not know is known to have ended or never to have arrived. When the stream cannot go
// on (`onResumed(false)`: bare, sequenced, another session), nobody will ever tell what was executed in
// between. Then nothing is guessed: every open order is cancelled, one whose whole rest is removed has
// ended, and the others stay reserved until `settle` says what became of them.
//
// Order of effects: position, risk, the order's state, listener, next quote; so the listener may call
// back in. A sink may answer from inside its calls.
//
// With a ledger (RiskGate's option) all that counts at the gate counts there too, for the order managers of
// all threads together: asked for in the step that counts it, just before the request leaves. A request that
// the sink had no room for is taken back, but for its place in the ledger's rate.
//
// Table: slots of open orders in typed arrays, found by id through open addressing (linear probing,
// at most half full, backward shift on removal), and listed densely. Cost: a response is a look-up
// and some twenty stores. Nothing is allocated. Limits: ORDERS_MAX open orders; ids below 2^53.
import { assert } from '../base/assert.ts';
import { OrderType, QTY_NONE, Reason, Tif } from '../book/types.ts';
import { ResponseType } from '../wire/generated/native.ts';
import type { ExposureLedger } from './exposure_ledger.ts';
import { BOOK_ALL, BOOK_UNKNOWN, PRICE_TICKS_NONE, type TraderInstruments } from './instruments.ts';
import { OrderTable, SLOT_NONE } from './order_table.ts';
import type { PositionKeeper } from './position_keeper.ts';
import type { RiskGate } from './risk.ts';

/** No order. */
export const ORDER_NONE = 0;
/** Ten books of a hundred orders (the default limit of open orders), and room for those on their way out. */
export const ORDERS_DEFAULT = 2_048;
const ID_MAX = Number.MAX_SAFE_INTEGER;
const WANTED_NONE = -1;
const QUOTE_NONE = -1;

/** What an order is beside a limit order good till cancelled; read before `send` returns. */
export interface OrderTerms {
  orderType: number;
  /** OrderFlag bits: 1 post-only. */
  flags: number;
  stp: number;
  displayQty: number;
  minQty: number;
  stopTicks: number;
  owner: number;
}

/** Where requests go: order entry's adapter, the embedded engine, the backtest. */
export interface OrderSink {
  /** False: no room, nothing was taken. `terms`: null for a limit order without any. */
  newOrder(
    book: number, orderId: number, side: number, priceTicks: number, qty: number, tif: number, flags: number,
    terms: OrderTerms | null,
  ): boolean;
  cancel(book: number, orderId: number): boolean;
  /** `chainQty`: total of the order including executions. */
  modify(book: number, orderId: number, side: number, priceTicks: number, chainQty: number): boolean;
  /** BOOK_ALL (−1): all instruments. */
  massCancel(book: number): boolean;
}

export interface OrderListener {
  /** The position has moved already. */
  onFill(book: number, orderId: number, side: number, priceTicks: number, qty: number): void;
  /**
   * The exchange brought an order into `status`; `reason` where it gave one. With ORDER_NONE: a
   * remembered quote of this book was refused by risk.
   */
  onStatus(book: number, orderId: number, status: OrderStatus, reason: Reason): void;
}

/** None: an id that has not been used. */
export const OrderStatus = {
  None: 0, PendingNew: 1, Live: 2, PendingModify: 3, PendingCancel: 4, Done: 5,
} as const;
export type OrderStatus = (typeof OrderStatus)[keyof typeof OrderStatus];

export interface OrderManagerOptions {
  /** Orders that may be open at once; default ORDERS_DEFAULT. */
  readonly ordersMax?: number | undefined;
  /** First client order id to give out, above all that were ever used; default 1. */
  readonly firstOrderId?: number | undefined;
  /** How a live quote is moved; default by modify. */
  readonly quoteBy?: 'modify' | 'cancel' | undefined;
  /** OrderFlag bits of quotes: 1 post-only. */
  readonly quoteFlags?: number | undefined;
}

/** What is known of an open order, as bits. */
const Flag = {
  /** The exchange has it: an acceptance or a fill was seen. */
  Accepted: 1,
  Modifying: 2,
  Cancelling: 4,
  /** Its cancel was one of many. */
  Mass: 8,
  /** To be cancelled as soon as the sink takes it. */
  CancelWanted: 16,
  /** Something of it was unanswered when the connection broke. */
  Doubtful: 32,
  /** Cancelled after a resume, so that "unknown order" is its end. */
  Fenced: 64,
  /** The stream of responses has a gap since: what was executed cannot be known. */
  Unknown: 128,
  /** The exchange no longer has it; what is left was executed and is not told yet. */
  Ended: 256,
  Quote: 512,
} as const;
const LEAVING = Flag.Cancelling | Flag.CancelWanted | Flag.Ended;

export class OrderManager {
  /** Set by the owner before the first event. */
  listener: OrderListener = { onFill: () => {}, onStatus: () => {} };

  /** Fills, and those of them whose order was not open here. */
  fills = 0;
  lateFills = 0;
  /** Fills beyond what was left of their order. */
  overfills = 0;
  /** Orders of an earlier run that turned out to be open. */
  adopted = 0;
  /** Responses that the table of states has no use for, and those that cannot be. */
  unexpected = 0;
  malformed = 0;
  /** Requests that the sink had no room for. */
  sinkFull = 0;
  /** Orders and quotes that risk refused. */
  refused = 0;

  readonly #orders: OrderTable;
  readonly #risk: RiskGate;
  readonly #ledger: ExposureLedger | null;
  readonly #positions: PositionKeeper;
  readonly #sink: OrderSink;
  readonly #instruments: TraderInstruments;
  readonly #books: number;
  readonly #moveByModify: boolean;
  readonly #quoteFlags: number;
  readonly #firstOrderId: number;
  #nextOrderId: number;
  #connected = true;

  // Quotes, by book and side: buys at 2 · book, sells beside them.
  readonly #quoteId: Float64Array;
  /** The quote to go out next; quantity WANTED_NONE = none. */
  readonly #wantedPrice: Int32Array;
  readonly #wantedQty: Float64Array;

  /** Orders with CancelWanted. */
  #cancelsWaiting = 0;
  /** Some quote was put off because of the rate or a full sink. */
  #quotesWaiting = false;
  #unknown = 0;

  constructor(
    instruments: TraderInstruments, risk: RiskGate, positions: PositionKeeper, sink: OrderSink,
    options: OrderManagerOptions = {},
  ) {
    this.#orders = new OrderTable(options.ordersMax ?? ORDERS_DEFAULT);
    this.#risk = risk;
    this.#ledger = risk.ledger;
    this.#positions = positions;
    this.#sink = sink;
    this.#instruments = instruments;
    this.#books = instruments.count;
    this.#moveByModify = (options.quoteBy ?? 'modify') === 'modify';
    this.#quoteFlags = options.quoteFlags ?? 0;
    this.#firstOrderId = wholeNumber(options.firstOrderId ?? 1, 1, ID_MAX, 'first order id');
    this.#nextOrderId = this.#firstOrderId;
    this.#quoteId = new Float64Array(2 * instruments.count).fill(ORDER_NONE);
    this.#wantedPrice = new Int32Array(2 * instruments.count);
    this.#wantedQty = new Float64Array(2 * instruments.count).fill(WANTED_NONE);
    risk.onHalt = () => {
      this.cancelAll(BOOK_ALL);
    };
  }

  // ── orders ─────────────────────────────────────────────────────────────────────────────────

  /**
   * An order. Returns its client order id, or −reason: of the risk gate, Capacity where the table or
   * the sink is full, NotLoggedIn while the connection is broken.
   */
  send(
    book: number, side: number, priceTicks: number, qty: number, tif: number, nowNs: number,
    terms: OrderTerms | null = null,
  ): number {
    const riskTicks = terms === null ? priceTicks : this.#riskTicks(book, side, priceTicks, terms);
    if (riskTicks === PRICE_TICKS_NONE) {
      this.refused++;
      return -Reason.StaleMarketData;
    }
    const reason = this.#risk.check(book, side, riskTicks, qty, nowNs);
    if (reason !== Reason.None) {
      this.refused++;
      return -reason;
    }
    return this.#sendNew(book, side, priceTicks, riskTicks, qty, tif, terms?.flags ?? 0, terms, 0, nowNs);
  }

  /**
   * New price and new open quantity of an order. UnknownOrder: not open; TooLate: on its way out;
   * State: a request of it is unanswered; Capacity: the sink is full.
   */
  modify(orderId: number, priceTicks: number, qty: number, nowNs: number): Reason {
    const slot = this.#orders.find(orderId);
    if (slot === SLOT_NONE) return Reason.UnknownOrder;
    if ((this.#orders.flags[slot] & (LEAVING | Flag.Unknown)) !== 0) return Reason.TooLate;
    if ((this.#orders.flags[slot] & (Flag.Accepted | Flag.Modifying)) !== Flag.Accepted) return Reason.State;
    const reason = this.#checkModify(slot, priceTicks, qty, nowNs);
    if (reason === Reason.None) return this.#sendModify(slot, priceTicks, qty, nowNs);
    this.refused++;
    return reason;
  }

  /** True: cancelled, or on its way. False: not open, or the sink has no room (try again). */
  cancel(orderId: number): boolean {
    const slot = this.#orders.find(orderId);
    if (slot === SLOT_NONE) return false;
    if ((this.#orders.flags[slot] & LEAVING) !== 0) return true;
    return this.#sendCancel(slot);
  }

  /**
   * Cancels all orders of a book, or of all (BOOK_ALL), and forgets the quotes wanted there. What the
   * sink has no room for is sent by `poll`. Returns the number of orders that leave because of it.
   */
  cancelAll(book: number): number {
    for (let at = 0; at < this.#wantedQty.length; at++) {
      if (book === BOOK_ALL || at >> 1 === book) this.#wantedQty[at] = WANTED_NONE;
    }
    let leaving = 0;
    for (let i = 0; i < this.#orders.count; i++) {
      const slot = this.#orders.slotAt(i);
      if (book !== BOOK_ALL && this.#orders.book[slot] !== book) continue;
      if ((this.#orders.flags[slot] & LEAVING) !== 0) continue;
      this.#orders.flags[slot] |= Flag.Cancelling | Flag.Mass;
      leaving++;
    }
    if (leaving === 0 || (this.#connected && this.#sink.massCancel(book))) return leaving;
    this.sinkFull += this.#connected ? 1 : 0;
    this.#putOffMass(book);
    return leaving;
  }

  /** Marks of a mass cancel that did not leave become cancels to be sent one by one. */
  #putOffMass(book: number): void {
    for (let i = 0; i < this.#orders.count; i++) {
      const slot = this.#orders.slotAt(i);
      if (book !== BOOK_ALL && this.#orders.book[slot] !== book) continue;
      if ((this.#orders.flags[slot] & Flag.Mass) === 0) continue;
      this.#orders.flags[slot] &= ~(Flag.Cancelling | Flag.Mass);
      this.#wantCancel(slot);
    }
  }

  /** Market orders are judged at the touch, stops at their stop price. None: unknown, and it matters. */
  #riskTicks(book: number, side: number, priceTicks: number, terms: OrderTerms): number {
    if (terms.orderType === OrderType.Stop) return terms.stopTicks;
    if (terms.orderType !== OrderType.Market) return priceTicks;
    if (!(book >= 0 && book < this.#books)) return priceTicks;
    const touchTicks = this.#risk.touchTicks(book, side);
    if (touchTicks !== PRICE_TICKS_NONE || this.#risk.needsPrice(book)) return touchTicks;
    return this.#instruments.minTicks[book];
  }

  #checkModify(slot: number, priceTicks: number, qty: number, nowNs: number): Reason {
    // The total with executions must fit the message too.
    if (this.#orders.executed[slot] + qty >= QTY_NONE) return Reason.Quantity;
    return this.#risk.checkModify(
      this.#orders.book[slot], this.#orders.side[slot], priceTicks, qty, this.#orders.reserved[slot], nowNs,
    );
  }

  // ── requests ───────────────────────────────────────────────────────────────────────────────
  //
  // All that belongs to a request is written before the sink is called, because the answer may come
  // from inside the call; a sink that refuses has taken nothing, so it is written back.

  #sendNew(
    book: number, side: number, priceTicks: number, riskTicks: number, qty: number, tif: number,
    flags: number, terms: OrderTerms | null, kind: number, nowNs: number,
  ): number {
    if (!this.#connected) return -Reason.NotLoggedIn;
    if (this.#orders.full || this.#nextOrderId === ID_MAX) return -Reason.Capacity;
    const reason = this.#ledger === null ? Reason.None : this.#ledger.tryReserve(book, side, qty, nowNs);
    if (reason !== Reason.None) {
      this.refused++;
      return -reason;
    }
    const orderId = this.#nextOrderId;
    this.#nextOrderId = orderId + 1;
    const slot = this.#orders.insert(orderId, book, side, priceTicks, qty, kind);
    this.#orders.reserved[slot] = qty;
    this.#risk.reserve(book, side, qty, riskTicks);
    this.#risk.sent(nowNs);
    if (kind === Flag.Quote) this.#quoteId[quoteAt(book, side)] = orderId;
    if (this.#sink.newOrder(book, orderId, side, priceTicks, qty, tif, flags, terms)) return orderId;
    this.sinkFull++;
    this.#risk.unsent();
    this.#remove(slot);
    this.#nextOrderId = orderId;
    return -Reason.Capacity;
  }

  #sendModify(slot: number, priceTicks: number, qty: number, nowNs: number): Reason {
    if (!this.#connected) return Reason.NotLoggedIn;
    const book = this.#orders.book[slot];
    const side = this.#orders.side[slot];
    const total = this.#orders.executed[slot] + qty;
    // Until the answer comes the larger of old and new counts.
    const added = Math.max(0, qty - this.#orders.reserved[slot]);
    const reason = this.#ledger === null ? Reason.None : this.#ledger.tryAdjust(book, side, added, nowNs);
    if (reason !== Reason.None) {
      this.refused++;
      return reason;
    }
    this.#orders.nextPrice[slot] = priceTicks;
    this.#orders.nextTotal[slot] = total;
    this.#orders.flags[slot] |= Flag.Modifying;
    if (added > 0) {
      this.#orders.reserved[slot] += added;
      this.#risk.adjust(book, side, added, priceTicks);
    }
    this.#risk.sent(nowNs);
    if (this.#sink.modify(book, this.#orders.id[slot], side, priceTicks, total)) return Reason.None;
    this.sinkFull++;
    this.#risk.unsent();
    this.#orders.flags[slot] &= ~Flag.Modifying;
    this.#reserve(slot);
    return Reason.Capacity;
  }

  #sendCancel(slot: number): boolean {
    if (!this.#connected) return false;
    this.#orders.flags[slot] |= Flag.Cancelling;
    if (this.#sink.cancel(this.#orders.book[slot], this.#orders.id[slot])) return true;
    this.sinkFull++;
    this.#orders.flags[slot] &= ~Flag.Cancelling;
    return false;
  }

  #wantCancel(slot: number): void {
    if ((this.#orders.flags[slot] & Flag.CancelWanted) !== 0) return;
    this.#orders.flags[slot] |= Flag.CancelWanted;
    this.#cancelsWaiting++;
  }

  /** Something could not be sent before: `poll` tries again. */
  get waits(): boolean {
    return this.#connected && (this.#cancelsWaiting > 0 || this.#quotesWaiting);
  }

  /** Sends what could not be sent before: cancels first, then quotes. Returns the work done. */
  poll(nowNs: number): number {
    if (!this.#connected) return 0;
    let work = this.#cancelsWaiting > 0 ? this.#sendWaitingCancels() : 0;
    if (!this.#quotesWaiting || this.#cancelsWaiting > 0) return work;
    this.#quotesWaiting = false;
    for (let at = 0; at < this.#wantedQty.length; at++) {
      if (this.#wantedQty[at] === WANTED_NONE) continue;
      work++;
      this.#pursueRemembered(at, nowNs);
    }
    return work;
  }

  #sendWaitingCancels(): number {
    let sent = 0;
    // Backwards: a sink that answers at once may take orders out of the list meanwhile.
    for (let i = this.#orders.count - 1; i >= 0; i--) {
      if (i >= this.#orders.count) continue;
      const slot = this.#orders.slotAt(i);
      if ((this.#orders.flags[slot] & Flag.CancelWanted) === 0) continue;
      this.#orders.flags[slot] &= ~Flag.CancelWanted;
      this.#cancelsWaiting--;
      if (!this.#sendCancel(slot)) {
        this.#wantCancel(slot);
        return sent;
      }
      sent++;
    }
    return sent;
  }

  // ── quotes ─────────────────────────────────────────────────────────────────────────────────

  /**
   * Moves, places or (qty 0) withdraws the one quote of a side. None: done, or remembered until the
   * last request is answered. Rate and Capacity: remembered too, `poll` tries again. Another reason:
   * refused, and a quote that stood there is withdrawn.
   */
  quote(book: number, side: number, priceTicks: number, qty: number, nowNs: number): Reason {
    if (!(book >= 0 && book < this.#books) || (book | 0) !== book) return Reason.UnknownTicker;
    if (side !== 1 && side !== -1) return Reason.Side;
    if (qty >>> 0 !== qty || qty === QTY_NONE) return Reason.Quantity;
    if (qty > 0 && (priceTicks | 0) !== priceTicks) return Reason.Price;
    const at = quoteAt(book, side);
    this.#wantedPrice[at] = priceTicks;
    this.#wantedQty[at] = qty;
    return this.#pursue(at, nowNs);
  }

  /** Brings the quote of a side to what is wanted, as far as it can be done now. */
  #pursue(at: number, nowNs: number): Reason {
    const qty = this.#wantedQty[at];
    if (qty === WANTED_NONE) return Reason.None;
    const orderId = this.#quoteId[at];
    if (orderId === ORDER_NONE) return this.#placeQuote(at, nowNs);
    const slot = this.#orders.find(orderId);
    const flags = this.#orders.flags[slot];
    if ((flags & LEAVING) !== 0) {
      if (qty === 0) this.#wantedQty[at] = WANTED_NONE;
      return Reason.None;
    }
    if (qty === 0) return this.#withdrawQuote(at, slot, Reason.None);
    if ((flags & (Flag.Accepted | Flag.Modifying)) !== Flag.Accepted) return Reason.None;
    if (this.#orders.price[slot] === this.#wantedPrice[at] && this.#orders.leaves[slot] === qty) {
      this.#wantedQty[at] = WANTED_NONE;
      return Reason.None;
    }
    // A chain of modifies ends where its total with executions would no longer fit the message.
    return this.#moveByModify && this.#orders.executed[slot] + qty < QTY_NONE
      ? this.#moveQuote(at, slot, nowNs)
      : this.#replaceQuote(slot);
  }

  #placeQuote(at: number, nowNs: number): Reason {
    const qty = this.#wantedQty[at];
    const priceTicks = this.#wantedPrice[at];
    const book = at >> 1;
    const side = (at & 1) === 0 ? 1 : -1;
    this.#wantedQty[at] = WANTED_NONE;
    if (qty === 0) return Reason.None;
    const reason = this.#risk.check(book, side, priceTicks, qty, nowNs);
    if (reason === Reason.Rate) return this.#putOff(at, priceTicks, qty, reason);
    if (reason !== Reason.None) {
      this.refused++;
      return reason;
    }
    const sent = this.#sendNew(
      book, side, priceTicks, priceTicks, qty, Tif.Gtc, this.#quoteFlags, null, Flag.Quote, nowNs,
    );
    return isPutOff(reasonOf(sent)) ? this.#putOff(at, priceTicks, qty, reasonOf(sent)) : reasonOf(sent);
  }

  #moveQuote(at: number, slot: number, nowNs: number): Reason {
    const qty = this.#wantedQty[at];
    const priceTicks = this.#wantedPrice[at];
    this.#wantedQty[at] = WANTED_NONE;
    const reason = this.#checkModify(slot, priceTicks, qty, nowNs);
    if (reason === Reason.Rate) return this.#putOff(at, priceTicks, qty, reason);
    if (reason !== Reason.None) {
      this.refused++;
      return this.#withdrawQuote(at, slot, reason);
    }
    const sent = this.#sendModify(slot, priceTicks, qty, nowNs);
    if (isPutOff(sent)) return this.#putOff(at, priceTicks, qty, sent);
    // What is left is a refusal of the ledger.
    return sent === Reason.None || sent === Reason.NotLoggedIn ? sent : this.#withdrawQuote(at, slot, sent);
  }

  /** The wanted quote follows when the cancel is answered. */
  #replaceQuote(slot: number): Reason {
    if (this.#sendCancel(slot)) return Reason.None;
    this.#quotesWaiting = true;
    return Reason.Capacity;
  }

  #withdrawQuote(at: number, slot: number, reason: Reason): Reason {
    this.#wantedQty[at] = WANTED_NONE;
    if (!this.#sendCancel(slot)) this.#wantCancel(slot);
    return reason;
  }

  #putOff(at: number, priceTicks: number, qty: number, reason: Reason): Reason {
    this.#wantedPrice[at] = priceTicks;
    this.#wantedQty[at] = qty;
    this.#quotesWaiting = true;
    return reason;
  }

  /** For a quote that was remembered nobody waits for the reason: the listener is told. */
  #pursueRemembered(at: number, nowNs: number): void {
    const reason = this.#pursue(at, nowNs);
    if (reason === Reason.None || reason === Reason.Rate || reason === Reason.Capacity) return;
    this.listener.onStatus(at >> 1, ORDER_NONE, OrderStatus.Done, reason);
  }

  // ── responses ──────────────────────────────────────────────────────────────────────────────

  /**
   * One response of the exchange, in the order of its stream: `type` and the fields behind it as in
   * ClientResponse, with the book (BOOK_UNKNOWN: a ticker that is none of ours), the client order id
   * as a number, the price in ticks (PRICE_TICKS_NONE: off the grid) and quantities as u32.
   */
  onResponse(
    type: number, book: number, orderId: number, side: number, priceTicks: number, execQty: number,
    leavesQty: number, nowNs: number,
  ): void {
    const slot = this.#orders.find(orderId);
    if (slot === SLOT_NONE) return this.#stranger(type, book, orderId, side, priceTicks, execQty, leavesQty);
    const quote = (this.#orders.flags[slot] & Flag.Quote) === 0 ? QUOTE_NONE : this.#sideOf(slot);
    switch (type) {
      case ResponseType.Accepted:
        this.#accepted(slot);
        break;
      case ResponseType.Filled:
        this.#filled(slot, book, side, priceTicks, execQty);
        break;
      case ResponseType.Canceled:
        this.#ended(slot, leavesQty, Reason.None);
        break;
      case ResponseType.Expired:
        this.#ended(slot, leavesQty, execQty as Reason);
        break;
      case ResponseType.Modified:
        this.#modified(slot, priceTicks, execQty as Reason, leavesQty);
        break;
      case ResponseType.Rejected:
        this.#rejected(slot, execQty as Reason);
        break;
      case ResponseType.CancelRejected:
        this.#cancelRejected(slot, execQty as Reason);
        break;
      default:
        this.malformed++;
        return;
    }
    if (quote !== QUOTE_NONE) this.#pursueRemembered(quote, nowNs);
  }

  #accepted(slot: number): void {
    if ((this.#orders.flags[slot] & Flag.Accepted) !== 0) {
      // Behind a fill it is late, not wrong.
      if (this.#orders.executed[slot] === 0) this.unexpected++;
      return;
    }
    this.#orders.flags[slot] |= Flag.Accepted;
    this.#tell(slot, Reason.None);
  }

  #filled(slot: number, book: number, side: number, priceTicks: number, qty: number): void {
    if (book !== this.#orders.book[slot] || side !== this.#orders.side[slot]) {
      this.malformed++;
      this.#lateFill(book, this.#orders.id[slot], side, priceTicks, qty);
      return;
    }
    if (!isFill(side, priceTicks, qty)) {
      this.malformed++;
      return;
    }
    const orderId = this.#orders.id[slot];
    const accepted = (this.#orders.flags[slot] & Flag.Accepted) !== 0;
    this.#orders.flags[slot] |= Flag.Accepted;
    this.#take(slot, priceTicks, qty);
    const ends = this.#orders.reserved[slot] === 0;
    if (ends) this.#remove(slot);
    this.#risk.watchLoss();
    this.listener.onFill(book, orderId, side, priceTicks, qty);
    if (ends) return this.listener.onStatus(book, orderId, OrderStatus.Done, Reason.None);
    // The listener may have called back in, and the order have ended by now.
    const still = this.#orders.find(orderId);
    if (!accepted && still !== SLOT_NONE) this.#tell(still, Reason.None);
  }

  /** A fill of an open order into position, reservation and order. */
  #take(slot: number, priceTicks: number, qty: number): void {
    const book = this.#orders.book[slot];
    const side = this.#orders.side[slot];
    const leaves = this.#orders.leaves[slot];
    this.fills++;
    this.#orders.executed[slot] += qty;
    this.#orders.leaves[slot] = leaves > qty ? leaves - qty : 0;
    const before = this.#orders.reserved[slot];
    const after = Math.min(before, this.#toReserve(slot));
    if (qty > before) this.overfills++;
    this.#orders.reserved[slot] = after;
    this.#positions.onFill(book, side, priceTicks, qty);
    this.#risk.filled(book, side, before - after);
    this.#ledger?.filled(book, side, priceTicks, qty, before - after);
  }

  /** Canceled or expired: `removedQty` of it will not be filled. */
  #ended(slot: number, removedQty: number, reason: Reason): void {
    const flags = this.#orders.flags[slot];
    // With a gap in the stream the modify may have taken effect: the larger of both is the bound.
    const leaves = (flags & Flag.Unknown) !== 0 ? this.#orders.reserved[slot] : this.#orders.leaves[slot];
    if ((flags & Flag.Ended) !== 0) {
      this.unexpected++;
      return;
    }
    if (removedQty >= leaves) {
      this.#finish(slot, reason);
      return;
    }
    this.#orders.leaves[slot] = leaves - removedQty;
    this.#end(slot);
    this.#tell(slot, reason);
  }

  /** The exchange no longer has it, and #leaves of it are still to be told as fills. */
  #end(slot: number): void {
    const flags = this.#orders.flags[slot];
    const at = this.#sideOf(slot);
    if ((flags & Flag.Quote) !== 0 && this.#quoteId[at] === this.#orders.id[slot]) this.#quoteId[at] = ORDER_NONE;
    if ((flags & Flag.CancelWanted) !== 0) this.#cancelsWaiting--;
    this.#orders.flags[slot] = (flags & (Flag.Unknown | Flag.Quote)) | Flag.Accepted | Flag.Ended;
    this.#reserve(slot);
  }

  #modified(slot: number, priceTicks: number, reason: Reason, leavesQty: number): void {
    const flags = this.#orders.flags[slot];
    if ((flags & Flag.Ended) !== 0) {
      this.unexpected++;
      return;
    }
    this.#orders.flags[slot] |= Flag.Accepted;
    if (reason !== Reason.None) {
      // What is left after a gap may be less because of fills that nobody told: then nothing is let go.
      if ((flags & Flag.Unknown) === 0) this.#orders.leaves[slot] = Math.min(this.#orders.leaves[slot], leavesQty);
    } else if ((flags & Flag.Modifying) !== 0) {
      this.#orders.flags[slot] &= ~Flag.Modifying;
      this.#orders.price[slot] = this.#orders.nextPrice[slot];
      // Not what the message says: fills may have been told before it that it counts as open.
      this.#orders.leaves[slot] = Math.max(0, this.#orders.nextTotal[slot] - this.#orders.executed[slot]);
    } else if (priceTicks !== PRICE_TICKS_NONE && leavesQty !== QTY_NONE) {
      this.unexpected++;
      this.#orders.price[slot] = priceTicks;
      this.#orders.leaves[slot] = leavesQty;
    } else {
      this.malformed++;
    }
    if (this.#toReserve(slot) === 0) return this.#finish(slot, reason);
    this.#reserve(slot);
    this.#tell(slot, reason);
  }

  #rejected(slot: number, reason: Reason): void {
    const flags = this.#orders.flags[slot];
    if ((flags & Flag.Accepted) === 0) return this.#finish(slot, reason);
    if ((flags & Flag.Modifying) === 0) {
      this.unexpected++;
      return;
    }
    this.#orders.flags[slot] &= ~Flag.Modifying;
    if (this.#toReserve(slot) === 0) return this.#finish(slot, reason);
    this.#reserve(slot);
    this.#tell(slot, reason);
  }

  #cancelRejected(slot: number, reason: Reason): void {
    const flags = this.#orders.flags[slot];
    if ((flags & Flag.Cancelling) === 0) {
      this.unexpected++;
      return;
    }
    // What was wanted instead waits for the next call: else refusals would chase requests for ever.
    if ((flags & Flag.Quote) !== 0) this.#wantedQty[this.#sideOf(slot)] = WANTED_NONE;
    // On `sequenced` the reason is none: there, an order is refused a cancel when it is not there.
    const gone = reason === Reason.UnknownOrder || reason === Reason.TooLate || reason === (QTY_NONE as Reason);
    if (gone && (flags & Flag.Unknown) !== 0) {
      this.#orders.leaves[slot] = this.#orders.reserved[slot];
      this.#end(slot);
      return this.#tell(slot, Reason.UnknownOrder);
    }
    if (gone && (flags & Flag.Fenced) !== 0) return this.#finish(slot, Reason.UnknownOrder);
    this.#orders.flags[slot] &= ~(Flag.Cancelling | Flag.Mass);
    // The fence must come through, whatever held it up.
    if ((flags & (Flag.Fenced | Flag.Unknown)) !== 0) this.#wantCancel(slot);
    this.#tell(slot, reason);
  }

  /** A response about an order that is not open here. */
  #stranger(
    type: number, book: number, orderId: number, side: number, priceTicks: number, execQty: number,
    leavesQty: number,
  ): void {
    // An id of this run has ended; any other is of an order that another run sent.
    const foreign = orderId !== ORDER_NONE && !(orderId >= this.#firstOrderId && orderId < this.#nextOrderId);
    if (type === ResponseType.Filled) {
      const taken = this.#lateFill(book, orderId, side, priceTicks, execQty);
      if (taken && foreign && leavesQty > 0) this.#adopt(book, orderId, side, priceTicks, execQty, leavesQty);
      return;
    }
    if (foreign && (type === ResponseType.Accepted || type === ResponseType.Modified)) {
      return this.#adopt(book, orderId, side, priceTicks, 0, leavesQty);
    }
    const refusal = type === ResponseType.Rejected || type === ResponseType.CancelRejected;
    // Names no order: that we are locked out, which no cancel ever is, or a mass cancel that was refused.
    if (refusal && orderId === ORDER_NONE) {
      if (execQty !== Reason.Killed) this.#putOffMass(BOOK_ALL);
      return;
    }
    // The answer to a cancel or modify that crossed the order's end on the way.
    if (!refusal) this.unexpected++;
  }

  /** False: it is none. */
  #lateFill(book: number, orderId: number, side: number, priceTicks: number, qty: number): boolean {
    if (!(book >= 0 && book < this.#books) || !isFill(side, priceTicks, qty)) {
      this.malformed++;
      return false;
    }
    this.fills++;
    this.lateFills++;
    this.#positions.onFill(book, side, priceTicks, qty);
    this.#risk.filled(book, side, 0);
    this.#ledger?.filled(book, side, priceTicks, qty, 0);
    this.#risk.watchLoss();
    this.listener.onFill(book, orderId, side, priceTicks, qty);
    return true;
  }

  #adopt(
    book: number, orderId: number, side: number, priceTicks: number, executedQty: number, leavesQty: number,
  ): void {
    const known = book >= 0 && book < this.#books && (side === 1 || side === -1);
    // Ids of earlier runs may lie below zero: a session counts from the first of this one.
    if (!known || orderId === ORDER_NONE || !(Math.abs(orderId) < ID_MAX) || leavesQty === 0 || leavesQty >= QTY_NONE) {
      this.malformed++;
      return;
    }
    // Without a place for it nobody would know what it can still do.
    if (this.#orders.full) return this.#risk.kill();
    this.adopted++;
    this.restore(orderId, book, side, priceTicks, executedQty, leavesQty);
    this.listener.onStatus(book, orderId, OrderStatus.Live, Reason.None);
  }

  // ── ends ───────────────────────────────────────────────────────────────────────────────────

  #finish(slot: number, reason: Reason): void {
    const book = this.#orders.book[slot];
    const orderId = this.#orders.id[slot];
    this.#remove(slot);
    this.listener.onStatus(book, orderId, OrderStatus.Done, reason);
  }

  #tell(slot: number, reason: Reason): void {
    this.listener.onStatus(this.#orders.book[slot], this.#orders.id[slot], this.#statusOf(slot), reason);
  }

  /** What must count as open of the order. */
  #toReserve(slot: number): number {
    const leaves = this.#orders.leaves[slot];
    if ((this.#orders.flags[slot] & Flag.Modifying) === 0) return leaves;
    return Math.max(leaves, this.#orders.nextTotal[slot] - this.#orders.executed[slot]);
  }

  #reserve(slot: number): void {
    const wanted = this.#toReserve(slot);
    const delta = wanted - this.#orders.reserved[slot];
    if (delta === 0) return;
    this.#orders.reserved[slot] = wanted;
    this.#risk.adjust(this.#orders.book[slot], this.#orders.side[slot], delta, this.#priceOf(slot));
    this.#ledger?.adjust(this.#orders.book[slot], this.#orders.side[slot], delta);
  }

  // ── the connection ─────────────────────────────────────────────────────────────────────────

  /** Requests are refused from now on, and remembered quotes are old news when it is back. */
  onDisconnected(): void {
    this.#connected = false;
    this.#wantedQty.fill(WANTED_NONE);
    this.#quotesWaiting = false;
    for (let i = 0; i < this.#orders.count; i++) {
      const slot = this.#orders.slotAt(i);
      const flags = this.#orders.flags[slot];
      const unanswered = (flags & Flag.Accepted) === 0 || (flags & (Flag.Modifying | Flag.Cancelling)) !== 0;
      if (unanswered) this.#orders.flags[slot] |= Flag.Doubtful;
    }
  }

  /**
   * Requests are taken again. `complete`: the stream of responses goes on where it broke off, so that
   * every response comes sooner or later.
   */
  onResumed(complete: boolean, _nowNs: number): void {
    this.#connected = true;
    for (let i = 0; i < this.#orders.count; i++) {
      const slot = this.#orders.slotAt(i);
      const flags = this.#orders.flags[slot];
      if ((flags & Flag.Ended) !== 0) {
        if (!complete) this.#loseTrack(slot);
        continue;
      }
      if (complete && (flags & (Flag.Doubtful | Flag.Unknown)) === 0) continue;
      if (complete) this.#orders.flags[slot] |= Flag.Fenced;
      else this.#loseTrack(slot);
      this.#orders.flags[slot] &= ~(Flag.Doubtful | Flag.Cancelling | Flag.Mass);
      this.#wantCancel(slot);
    }
    this.#sendWaitingCancels();
  }

  /**
   * The exchange has begun anew and knows nothing from before: each open order has ended. What was
   * executed of it without being told is lost with the session that would have told it.
   */
  onNewSession(): void {
    this.#wantedQty.fill(WANTED_NONE);
    this.#quotesWaiting = false;
    // Backwards: the listener may call back in, and the last takes the place of the one removed.
    for (let i = this.#orders.count - 1; i >= 0; i--) {
      if (i < this.#orders.count) this.#finish(this.#orders.slotAt(i), Reason.None);
    }
  }

  #loseTrack(slot: number): void {
    if ((this.#orders.flags[slot] & Flag.Unknown) !== 0) return;
    this.#orders.flags[slot] |= Flag.Unknown;
    this.#unknown++;
  }

  /**
   * Ends an order of which the stream told no end (`unknownOrders`): `execQty` of it was executed at
   * `priceTicks` without being told. False: not such an order.
   */
  settle(orderId: number, execQty: number, priceTicks: number): boolean {
    const slot = this.#orders.find(orderId);
    if (slot === SLOT_NONE || (this.#orders.flags[slot] & Flag.Unknown) === 0) return false;
    const book = this.#orders.book[slot];
    const side = this.#orders.side[slot];
    if (execQty > 0) {
      assert(isFill(side, priceTicks, execQty), 'what is settled has a price and a quantity');
      this.#take(slot, priceTicks, execQty);
    }
    this.#remove(slot);
    this.#risk.watchLoss();
    if (execQty > 0) this.listener.onFill(book, orderId, side, priceTicks, execQty);
    this.listener.onStatus(book, orderId, OrderStatus.Done, Reason.None);
    return true;
  }

  /**
   * An order that was open when the client journal was written; before the first event. Nobody here
   * has asked for its end, so it is asked after when the stream goes on: one that the exchange does
   * not know has ended.
   */
  restore(
    orderId: number, book: number, side: number, priceTicks: number, executedQty: number, leavesQty: number,
  ): void {
    assert(this.#orders.find(orderId) === SLOT_NONE, 'an order is restored once');
    assert(!this.#orders.full, 'there is room for every restored order');
    const slot = this.#orders.insert(orderId, book, side, priceTicks, leavesQty, Flag.Accepted | Flag.Doubtful);
    this.#orders.executed[slot] = executedQty;
    this.#orders.reserved[slot] = leavesQty;
    this.#risk.reserve(book, side, leavesQty, priceTicks);
    this.#ledger?.reserve(book, side, leavesQty);
    if (orderId >= this.#nextOrderId) this.#nextOrderId = orderId + 1;
  }

  // ── what is so ─────────────────────────────────────────────────────────────────────────────

  status(orderId: number): OrderStatus {
    const slot = this.#orders.find(orderId);
    if (slot !== SLOT_NONE) return this.#statusOf(slot);
    // Ids rise, also over restarts: those below have been used.
    return orderId > ORDER_NONE && orderId < this.#nextOrderId ? OrderStatus.Done : OrderStatus.None;
  }

  /** What is left of an open order; 0 when it is not open. */
  leaves(orderId: number): number {
    const slot = this.#orders.find(orderId);
    return slot === SLOT_NONE ? 0 : this.#orders.leaves[slot];
  }

  /** What was executed of an open order; 0 when it is not open. */
  executed(orderId: number): number {
    const slot = this.#orders.find(orderId);
    return slot === SLOT_NONE ? 0 : this.#orders.executed[slot];
  }

  /** It is open and the exchange has it: an acceptance or a fill was seen, whatever is asked of it since. */
  accepted(orderId: number): boolean {
    const slot = this.#orders.find(orderId);
    return slot !== SLOT_NONE && (this.#orders.flags[slot] & Flag.Accepted) !== 0;
  }

  /** What counts as open of an order at the risk gate; 0 when it is not open. */
  reserved(orderId: number): number {
    const slot = this.#orders.find(orderId);
    return slot === SLOT_NONE ? 0 : this.#orders.reserved[slot];
  }

  /** BOOK_UNKNOWN when it is not open. */
  orderBook(orderId: number): number {
    const slot = this.#orders.find(orderId);
    return slot === SLOT_NONE ? BOOK_UNKNOWN : this.#orders.book[slot];
  }

  /** 0 when it is not open. */
  orderSide(orderId: number): number {
    const slot = this.#orders.find(orderId);
    return slot === SLOT_NONE ? 0 : this.#orders.side[slot];
  }

  /** PRICE_TICKS_NONE when it is not open. */
  orderTicks(orderId: number): number {
    const slot = this.#orders.find(orderId);
    return slot === SLOT_NONE ? PRICE_TICKS_NONE : this.#orders.price[slot];
  }

  /** The quote of a side that may be at the exchange, or ORDER_NONE. */
  quoteId(book: number, side: number): number {
    return this.#quoteId[quoteAt(book, side)];
  }

  /** Price at which the side's quote stands or to which it is being moved; PRICE_TICKS_NONE without one. */
  quoteTicks(book: number, side: number): number {
    const at = quoteAt(book, side);
    if (this.#wantedQty[at] > 0) return this.#wantedPrice[at];
    const slot = this.#standingQuote(at);
    if (slot === SLOT_NONE) return PRICE_TICKS_NONE;
    return this.#priceOf(slot);
  }

  /** Open quantity of the side's quote, as asked for while that is unanswered; 0 without one. */
  quoteQty(book: number, side: number): number {
    const at = quoteAt(book, side);
    if (this.#wantedQty[at] !== WANTED_NONE) return this.#wantedQty[at];
    const slot = this.#standingQuote(at);
    if (slot === SLOT_NONE) return 0;
    if ((this.#orders.flags[slot] & Flag.Modifying) === 0) return this.#orders.leaves[slot];
    return Math.max(0, this.#orders.nextTotal[slot] - this.#orders.executed[slot]);
  }

  /** Slot of a quote that is not on its way out. */
  #standingQuote(at: number): number {
    if (this.#quoteId[at] === ORDER_NONE) return SLOT_NONE;
    const slot = this.#orders.find(this.#quoteId[at]);
    return (this.#orders.flags[slot] & LEAVING) !== 0 ? SLOT_NONE : slot;
  }

  /** Orders whose end has not been told. */
  get liveOrders(): number {
    return this.#orders.count;
  }

  /** Id of the i-th of them, in no order; for i from 0 below `liveOrders`. */
  liveOrder(i: number): number {
    return this.#orders.id[this.#orders.slotAt(i)];
  }

  /** Orders of which nobody will tell what was executed: `settle` ends them. */
  get unknownOrders(): number {
    return this.#unknown;
  }

  /** Cancels that the sink had no room for yet. */
  get cancelsWaiting(): number {
    return this.#cancelsWaiting;
  }

  /** The id that the next order gets. */
  get nextOrderId(): number {
    return this.#nextOrderId;
  }

  get connected(): boolean {
    return this.#connected;
  }

  /** Where its quote would be listed. */
  #sideOf(slot: number): number {
    return quoteAt(this.#orders.book[slot], this.#orders.side[slot]);
  }

  /** With a modify in flight the price that it asks for. */
  #priceOf(slot: number): number {
    const modifying = (this.#orders.flags[slot] & Flag.Modifying) !== 0;
    return modifying ? this.#orders.nextPrice[slot] : this.#orders.price[slot];
  }

  #statusOf(slot: number): OrderStatus {
    const flags = this.#orders.flags[slot];
    if ((flags & LEAVING) !== 0) return OrderStatus.PendingCancel;
    if ((flags & Flag.Modifying) !== 0) return OrderStatus.PendingModify;
    return (flags & Flag.Accepted) === 0 ? OrderStatus.PendingNew : OrderStatus.Live;
  }

  /** The order is no longer open: its reservation, its slot and its names go. */
  #remove(slot: number): void {
    const book = this.#orders.book[slot];
    const side = this.#orders.side[slot];
    const flags = this.#orders.flags[slot];
    const at = quoteAt(book, side);
    if ((flags & Flag.Quote) !== 0 && this.#quoteId[at] === this.#orders.id[slot]) this.#quoteId[at] = ORDER_NONE;
    if ((flags & Flag.CancelWanted) !== 0) this.#cancelsWaiting--;
    if ((flags & Flag.Unknown) !== 0) this.#unknown--;
    this.#risk.release(book, side, this.#orders.reserved[slot]);
    this.#ledger?.release(book, side, this.#orders.reserved[slot]);
    this.#orders.remove(slot);
  }

  /** O(slots + books). Throws when something that must always hold does not. */
  checkInvariants(): void {
    const sums = new Float64Array(2 * this.#books);
    const counts = new Uint32Array(this.#books);
    let waiting = 0;
    let unknown = 0;
    this.#orders.checkInvariants();
    for (let i = 0; i < this.#orders.count; i++) {
      const slot = this.#orders.slotAt(i);
      this.#checkOrder(slot);
      sums[this.#sideOf(slot)] += this.#orders.reserved[slot];
      counts[this.#orders.book[slot]]++;
      waiting += (this.#orders.flags[slot] & Flag.CancelWanted) === 0 ? 0 : 1;
      unknown += (this.#orders.flags[slot] & Flag.Unknown) === 0 ? 0 : 1;
    }
    assert(waiting === this.#cancelsWaiting, 'cancels that wait are counted');
    assert(unknown === this.#unknown, 'orders of unknown fate are counted');
    for (let at = 0; at < sums.length; at++) {
      const side = (at & 1) === 0 ? 1 : -1;
      assert(this.#risk.openQty(at >> 1, side) === sums[at], 'what is open is the sum of the reservations');
      const quote = this.#quoteId[at];
      assert(quote === ORDER_NONE || this.#orders.find(quote) !== SLOT_NONE, 'a quote is an open order');
    }
    for (let book = 0; book < counts.length; book++) {
      assert(this.#risk.openOrders(book) === counts[book], 'open orders are counted at the gate');
    }
    this.#risk.checkInvariants();
  }

  #checkOrder(slot: number): void {
    const flags = this.#orders.flags[slot];
    assert(this.#orders.id[slot] < this.#nextOrderId, 'ids rise');
    assert(this.#orders.reserved[slot] === this.#toReserve(slot), 'reserved is the larger of old and new');
    assert(this.#orders.reserved[slot] > 0, 'an order with nothing to come has ended');
    const at = this.#sideOf(slot);
    const quote = (flags & Flag.Quote) !== 0 && (flags & Flag.Ended) === 0;
    assert(!quote || this.#quoteId[at] === this.#orders.id[slot], 'a side has one quote');
  }
}

function quoteAt(book: number, side: number): number {
  return 2 * book + (side < 0 ? 1 : 0);
}

function reasonOf(sent: number): Reason {
  return sent < 0 ? (-sent as Reason) : Reason.None;
}

/** Tried again by `poll`: too fast, or the sink is full. */
function isPutOff(reason: Reason): boolean {
  return reason === Reason.Rate || reason === Reason.Capacity;
}

function isFill(side: number, priceTicks: number, qty: number): boolean {
  return (side === 1 || side === -1) && (priceTicks | 0) === priceTicks && priceTicks !== PRICE_TICKS_NONE
    && qty >>> 0 === qty && qty > 0 && qty !== QTY_NONE;
}

function wholeNumber(value: number, min: number, max: number, what: string): number {
  if (Number.isInteger(value) && value >= min && value <= max) return value;
  throw new RangeError(`${what}: expected a whole number ${min} … ${max}, was ${value}`);
}
