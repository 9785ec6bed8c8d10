// A recorded day as a participant of a running exchange: the orders of everybody else.
//
//   message (+ book row) ─► LobsterOrders ─► enter · shrink · execute ─► requests ─► exchange
//                                │                                                     │
//                             the order as recorded   ── compared ──   as it is ◄── responses
//
// As long as nobody else trades, the exchange's book is the recording's. When somebody does, the two
// part, and this says how far:
// - Who stands before a recorded order gets the execution that the recording gave to it. The
//   recording goes on without the order, so its rest is withdrawn here at once (`withdrawnQty`): the
//   rest of the market behaves as it did, and a queue is never longer than it was.
// - What an aggressor of ours takes is gone. Later messages on it find less or nothing
//   (`missedQty`); a recorded aggressor then meets the next order, as it would have.
// - A recorded order that would now trade on arrival with one of ours does so.
//
// So the assumption is: the others do not react to us. Their orders do trade with ours.
//
// Order: a message is sent when all answers to the one before have come, so recorded orders keep
// their order of arrival. Cost: some map look-ups and one allocation an order. Limits: prices on the
// instrument's grid (a LobsterError says where one is not), quantities below 2^32.
import { assert } from '../base/assert.ts';
import { LOBSTER_PRICE_SCALE, LobsterBookRows, LobsterError, LobsterMessages } from '../recorded/lobster.ts';
import { LobsterOrders } from '../recorded/lobster_orders.ts';
import { priceUnit } from '../recorded/price_units.ts';
import { OrderEntry } from '../trader/order_entry.ts';
import {
  CLIENT_NONE, ClientResponse, OrderType, PRICE_NONE_HI, PRICE_NONE_LO, ResponseType, SelfTradePrevention,
} from '../wire/generated/native.ts';
import { Tif } from '../book/types.ts';
import type { LobsterOrderCounts, RecordedOrder, RecordedOrderSink } from '../recorded/lobster_orders.ts';
import type { OrderEntryHandler } from '../trader/order_entry.ts';
import type { StreamConnection } from '../net/transport.ts';
import type { MarketSource } from './market_source.ts';

export interface RecordedMarketOptions {
  readonly messagesPath: string;
  /** The book after each message; without it orders from before the first message are not known. */
  readonly bookPath?: string;
  readonly ticker: number;
  readonly client: number;
  /** Decimals of the instrument's price: 2 = cents. */
  readonly decimals: number;
  /** Messages after this time of day are not sent, in nanoseconds after midnight. */
  readonly toNs?: number;
}

/** An order at the exchange that stands for a recorded one. */
interface SentOrder {
  readonly recorded: RecordedOrder;
  readonly clientOrderId: number;
  readonly priceUnits: number;
  /** What the exchange holds of it. */
  open: number;
  executed: number;
  /** Cancelled by the message at hand. */
  cancelled: number;
}

/** What became of the recording. */
export interface RecordedMarketCounts {
  messages: number;
  requests: number;
  /** Of recorded orders, withdrawn because somebody else got their execution. */
  withdrawnQty: number;
  /** Of recorded orders, gone before the recording's own execution or cancel of them. */
  missedQty: number;
  rejects: number;
}

const TWO_32 = 0x1_0000_0000;

export class RecordedMarket implements MarketSource, OrderEntryHandler, RecordedOrderSink {
  readonly name = 'recorded_market';
  readonly entry: OrderEntry;
  readonly counts: RecordedMarketCounts = {
    messages: 0, requests: 0, withdrawnQty: 0, missedQty: 0, rejects: 0,
  };
  /** Nothing more will come, and all that was sent is answered. */
  done = false;
  /** Why the session ended, '' while it has not. */
  closedReason = '';
  /** Time of day of the first message. */
  readonly startNs: number;
  /** Of the last message sent. */
  timeOfDayNs = 0;

  readonly #ticker: number;
  readonly #toNs: number;
  /** On the clock, of the first message; Infinity: not told yet. */
  #beginNs = Infinity;
  readonly #unit: number;
  readonly #messages: LobsterMessages;
  readonly #rows: LobsterBookRows | null;
  readonly #orders = new LobsterOrders(this);
  readonly #byNumber = new Map<number, SentOrder>();
  readonly #byClientOrderId = new Map<number, SentOrder>();
  /** Recorded orders of the message at hand, to be compared once it has been answered. */
  readonly #touched: SentOrder[] = [];
  /** Requests without an answer, by client order id; the exchange answers in their order. */
  readonly #underWay: number[] = [];
  #underWayHead = 0;
  #lastClientOrderId = 0;
  #held: boolean;

  constructor(options: RecordedMarketOptions) {
    const { decimals, messagesPath, bookPath } = options;
    this.#unit = priceUnit(LOBSTER_PRICE_SCALE, decimals);
    this.#ticker = options.ticker;
    this.#toNs = options.toNs ?? Infinity;
    this.#messages = new LobsterMessages(messagesPath);
    this.#rows = bookPath === undefined ? null : new LobsterBookRows(bookPath);
    this.entry = new OrderEntry(this, { framing: 'bare', client: options.client });
    this.#held = this.#advance();
    this.startNs = this.#held ? this.#messages.timeNs : 0;
  }

  get messages(): number {
    return this.counts.messages;
  }

  connect(connection: StreamConnection): void {
    this.entry.connect(connection, 0);
  }

  /** What became of the recording's own orders. */
  get orderCounts(): Readonly<LobsterOrderCounts> {
    return this.#orders.counts;
  }

  begin(nowNs: number): void {
    this.#beginNs = nowNs;
  }

  get nextDueNs(): number {
    return this.#held ? this.#beginNs + this.#messages.timeNs - this.startNs : Infinity;
  }

  timeOf(nowNs: number): number {
    return this.startNs + nowNs - this.#beginNs;
  }

  poll(nowNs: number): number {
    let work = this.entry.poll(nowNs);
    if (this.#answered) work += this.#reconcile();
    if (this.#answered && this.#held && this.nextDueNs <= nowNs) {
      this.#send();
      work++;
    }
    if (work > 0) this.entry.flush();
    this.done = !this.#held && this.#answered && this.#touched.length === 0;
    return work;
  }

  close(): void {
    this.#held = false;
    this.entry.close();
    this.#messages.close();
    this.#rows?.close();
  }

  // ── the recording tells ────────────────────────────────────────────────────────────────────

  enter(recorded: RecordedOrder): void {
    const clientOrderId = ++this.#lastClientOrderId;
    const order: SentOrder = {
      recorded, clientOrderId, priceUnits: this.#units(recorded.price), open: recorded.open, executed: 0,
      cancelled: 0,
    };
    this.#byNumber.set(recorded.number, order);
    this.#byClientOrderId.set(clientOrderId, order);
    this.#new(clientOrderId, recorded.side, order.priceUnits, recorded.open, Tif.Gtc);
  }

  shrink(recorded: RecordedOrder, by: number): void {
    const order = this.#touch(recorded);
    const left = Math.min(by, Math.max(0, order.open - recorded.open));
    order.cancelled += left;
    this.counts.missedQty += by - left;
  }

  fill(recorded: RecordedOrder, by: number): void {
    const order = this.#touch(recorded);
    this.counts.missedQty += by - Math.min(by, order.open);
  }

  execute(side: number, price: number, qty: number): void {
    this.#new(++this.#lastClientOrderId, -side, this.#units(price), qty, Tif.Ioc);
  }

  #touch(recorded: RecordedOrder): SentOrder {
    const order = this.#byNumber.get(recorded.number);
    assert(order !== undefined, 'the recording shrinks an order that it has entered');
    if (!this.#touched.includes(order)) this.#touched.push(order);
    return order;
  }

  // ── requests ───────────────────────────────────────────────────────────────────────────────

  #send(): void {
    this.timeOfDayNs = this.#messages.timeNs;
    this.counts.messages++;
    this.#orders.step(this.#messages, this.#rows);
    // Without an execution there is no answer to wait for.
    if (this.#answered) this.#reconcile();
    this.#held = this.#advance();
  }

  /** Brings recorded orders that are larger at the exchange than in the recording down to it. */
  #reconcile(): number {
    const touched = this.#touched.length;
    for (const order of this.#touched) {
      const { open } = order.recorded;
      if (order.open > open) {
        this.counts.withdrawnQty += Math.max(0, order.open - open - order.cancelled);
        this.#lower(order, open);
      } else if (order.open === 0) this.#forget(order);
      order.cancelled = 0;
    }
    this.#touched.length = 0;
    return touched;
  }

  #lower(order: SentOrder, open: number): void {
    const { clientOrderId, priceUnits, recorded } = order;
    const idLow = clientOrderId >>> 0;
    const idHigh = Math.floor(clientOrderId / TWO_32);
    const taken = open === 0
      ? this.entry.cancel(this.#ticker, idLow, idHigh)
      : this.entry.modify(
        this.#ticker, idLow, idHigh, recorded.side, priceUnits >>> 0, highOf(priceUnits), order.executed + open,
      );
    this.#sent(taken, clientOrderId);
  }

  #new(clientOrderId: number, side: number, priceUnits: number, qty: number, tif: number): void {
    // The recorded orders belonged to many: they may trade with each other.
    const taken = this.entry.newOrderExtended(
      this.#ticker, clientOrderId >>> 0, Math.floor(clientOrderId / TWO_32), side, priceUnits >>> 0,
      highOf(priceUnits), qty, OrderType.Limit, tif, 0, SelfTradePrevention.None, 0, 0, PRICE_NONE_LO, PRICE_NONE_HI,
      CLIENT_NONE,
    );
    this.#sent(taken, clientOrderId);
  }

  #sent(taken: boolean, clientOrderId: number): void {
    assert(taken, 'one message of a recording fits the send buffer');
    this.counts.requests++;
    this.#underWay.push(clientOrderId);
  }

  get #answered(): boolean {
    return this.#underWayHead === this.#underWay.length;
  }

  #advance(): boolean {
    const messages = this.#messages;
    const rows = this.#rows;
    if (!messages.next() || messages.timeNs > this.#toNs) return false;
    if (rows !== null && !rows.next()) {
      throw new LobsterError(
        rows.path, rows.line + 1, `expected a row for ${messages.path}:${messages.line}, was the end of the file`,
      );
    }
    return true;
  }

  #units(price: number): number {
    if (price % this.#unit === 0) return price / this.#unit;
    throw new LobsterError(
      this.#messages.path, this.#messages.line,
      `expected a price that is a multiple of ${this.#unit}, was ${price}: give the instrument more decimals`,
    );
  }

  // ── answers ────────────────────────────────────────────────────────────────────────────────

  onReady(): void {
    this.closedReason = '';
  }

  onClosed(reason: string): void {
    this.closedReason = reason;
  }

  onResponse(view: DataView, at: number): void {
    const type = ClientResponse.type(view, at);
    const clientOrderId = ClientResponse.clientOrderHi(view, at) * TWO_32 + ClientResponse.clientOrderLo(view, at);
    const order = this.#byClientOrderId.get(clientOrderId);
    if (type === ResponseType.Filled) {
      this.#filled(order, ClientResponse.execQty(view, at));
      return;
    }
    if (type === ResponseType.Rejected || type === ResponseType.CancelRejected) this.counts.rejects++;
    else if (order !== undefined) {
      const ended = type === ResponseType.Canceled || type === ResponseType.Expired;
      order.open = ended ? 0 : ClientResponse.leavesQty(view, at);
      if (ended) this.#forget(order);
    }
    if (this.#underWay[this.#underWayHead] !== clientOrderId) return;
    this.#underWayHead++;
    if (!this.#answered) return;
    this.#underWay.length = 0;
    this.#underWayHead = 0;
  }

  #filled(order: SentOrder | undefined, qty: number): void {
    if (order === undefined) return; // the aggressor's side of a recorded execution
    order.open -= qty;
    order.executed += qty;
    assert(order.open >= 0, 'an order trades no more than it has');
  }

  #forget(order: SentOrder): void {
    if (order.recorded.open > 0) return;
    this.#byNumber.delete(order.recorded.number);
    this.#byClientOrderId.delete(order.clientOrderId);
  }
}

function highOf(units: number): number {
  return Math.floor(units / TWO_32) >>> 0;
}
