// Drives an order flow into an exchange over one session: sends what is due, pairs each request
// with its first answer, and measures the time between.
//
//   OrderFlow.next ─due?─► OrderEntry ─► …exchange… ─► response ─► the oldest request it can answer
//
// The exchange takes one session's requests in order, so requests wait for their answers in a FIFO:
// the head is answered by the first response that carries its order id and is not a fill. (Fills,
// and cancels that nobody asked for, belong to requests answered earlier.)
//
// A paced request is timed from the moment at which it was due, not from when it could be sent, so
// that a slow exchange cannot hide behind its own slowness. At full speed a window bounds what is
// under way.
//
// Passes: at the end of the flow the session's orders are cancelled and the next pass begins, with
// order ids that go on rising. Cost: about 100 ns a request beside the flow's and the session's
// own.
import { assert } from '../base/assert.ts';
import { Histogram } from '../base/histogram.ts';
import { Stp, OrderType, Tif } from '../book/types.ts';
import { OrderEntry } from '../trader/order_entry.ts';
import { Pacer, RequestKind } from '../recorded/order_flow.ts';
import {
  CLIENT_NONE, ClientResponse, PRICE_NONE_HI, PRICE_NONE_LO, RejectCode, ResponseType, Side,
} from '../wire/generated/native.ts';
import { RESPONSE_TYPE_MAX } from '../wire/message_sizes.ts';
import type { Agent } from '../base/agent.ts';
import type { Clock } from '../base/clock.ts';
import type { OrderEntryHandler, OrderEntryOptions } from '../trader/order_entry.ts';
import type { OrderFlow } from '../recorded/order_flow.ts';
import type { StreamConnection } from '../net/transport.ts';

export interface FlowDriverOptions {
  readonly clock: Clock;
  readonly entry: OrderEntryOptions;
  readonly ticker: number;
  /** Times the recorded speed; Infinity: as fast as the window allows. */
  readonly speed: number;
  /** Requests under way at most. */
  readonly window?: number;
  /** Orders stay in the book at the end of a pass; only sensible with one pass. */
  readonly keepOrders?: boolean;
  /** The flow of a pass, its order ids from `firstOrderId`; null: no more passes. */
  readonly pass: (pass: number, firstOrderId: number) => OrderFlow | null;
  /**
   * Asked between two passes, once a turn: false holds the next one back. `pass` counts those done.
   */
  readonly mayBegin?: (pass: number) => boolean;
}

/** At full speed: enough to keep both processes busy, few enough that the answers stay quick. */
export const WINDOW_FULL_SPEED = 256;
/** Paced: a second's requests at the rate that a session reaches; then sending waits. */
const WINDOW_PACED = 1 << 18;
/** Requests sent in one turn, so that answers are read between. */
const SEND_BURST = 128;
const TWO_32 = 0x1_0000_0000;

export class FlowDriver implements Agent, OrderEntryHandler {
  readonly name = 'order_flow';
  readonly entry: OrderEntry;
  /** First answers, in nanoseconds; the owner may reset it between two looks. */
  readonly latency = new Histogram();
  requests = 0;
  fills = 0;
  /** What the fills have left: quantity, and money in price units × quantity, exact below 2^53. */
  position = 0;
  cash = 0;
  /** Of the last response taken in. */
  sequence = 0;
  rejects = 0;
  /** Requests by RequestKind, responses by ResponseType, rejects by code. */
  readonly requestsByKind = new Float64Array(RequestKind.Cancel + 1);
  readonly responsesByType = new Float64Array(RESPONSE_TYPE_MAX + 1);
  readonly rejectsByCode = new Float64Array(RejectCode.StaleMarketData + 1);
  /** Passes begun. */
  passes = 0;
  /** Why the session ended, '' while it has not. */
  closedReason = '';
  /** Recorded time of the last request, in nanoseconds. */
  recordedNs = 0;

  readonly #clock: Clock;
  readonly #options: FlowDriverOptions;
  readonly #window: number;
  /** FIFO of requests without an answer: order ids and times, at index n & mask. */
  readonly #ids: Float64Array;
  readonly #times: Float64Array;
  readonly #mask: number;
  #sent = 0;
  #answered = 0;
  #flow: OrderFlow | null = null;
  #pacer: Pacer | null = null;
  /** The flow's current request has not been sent. */
  #holding = false;
  #lastOrderId = 0;
  #stopped = false;
  /** Time of the answers being read in this turn; 0: not read yet. */
  #answerNs = 0;

  constructor(options: FlowDriverOptions) {
    this.#options = options;
    this.#clock = options.clock;
    this.entry = new OrderEntry(this, options.entry);
    const { speed, window = speed === Infinity ? WINDOW_FULL_SPEED : WINDOW_PACED } = options;
    this.#window = window;
    const slots = 2 ** Math.ceil(Math.log2(this.#window));
    this.#ids = new Float64Array(slots);
    this.#times = new Float64Array(slots);
    this.#mask = slots - 1;
  }

  connect(connection: StreamConnection): void {
    this.entry.connect(connection, this.#clock.nowNs);
  }

  /** Requests without an answer. */
  get underWay(): number {
    return this.#sent - this.#answered;
  }

  /** Everything sent has been answered, and nothing more will be sent. */
  get idle(): boolean {
    return this.#stopped && this.underWay === 0 && this.entry.pendingBytes === 0;
  }

  /** No request after this one; what is under way is still answered. */
  stop(): void {
    this.#stopped = true;
    this.#flow?.close();
    this.#flow = null;
  }

  poll(nowNs: number): number {
    this.#answerNs = 0;
    let work = this.entry.poll(nowNs);
    if (this.entry.ready && !this.#stopped) work += this.#send(nowNs);
    return work;
  }

  onReady(): void {
    this.closedReason = '';
  }

  onClosed(reason: string): void {
    this.closedReason = reason;
  }

  onResponse(view: DataView, offset: number, sequence: number): void {
    this.sequence = sequence;
    const type = ClientResponse.type(view, offset);
    this.responsesByType[type]++;
    if (type === ResponseType.Filled) return this.#filled(view, offset);
    if (type === ResponseType.Rejected || type === ResponseType.CancelRejected) {
      this.rejects++;
      const code = ClientResponse.execQty(view, offset);
      // A sequenced cancel reject names none, which counts as 0.
      this.rejectsByCode[code < this.rejectsByCode.length ? code : 0]++;
    }
    if (this.#answered === this.#sent) return;
    const slot = this.#answered & this.#mask;
    const id = ClientResponse.clientOrderHi(view, offset) * TWO_32 + ClientResponse.clientOrderLo(
      view, offset,
    );
    if (id !== this.#ids[slot]) return;
    this.#answered++;
    if (this.#answerNs === 0) this.#answerNs = this.#clock.refresh();
    this.latency.record(Math.max(0, this.#answerNs - this.#times[slot]));
  }

  #filled(view: DataView, offset: number): void {
    this.fills++;
    const qty = ClientResponse.side(view, offset) * ClientResponse.execQty(view, offset);
    const price = (ClientResponse.priceHi(view, offset) | 0) * TWO_32 + ClientResponse.priceLo(
      view, offset,
    );
    this.position += qty;
    this.cash -= price * qty;
    assert(Number.isSafeInteger(this.cash), 'cash is exact');
  }

  #send(nowNs: number): number {
    let sent = 0;
    while (sent < SEND_BURST && this.underWay < this.#window) {
      if (!this.#holding && !this.#advance()) break;
      const flow = this.#flow;
      const pacer = this.#pacer;
      assert(flow !== null && pacer !== null, 'a pass is running');
      const dueNs = pacer.dueNs(flow.request.timeNs, nowNs);
      if (dueNs > nowNs || !this.#request(flow)) break;
      const slot = this.#sent & this.#mask;
      this.#ids[slot] = flow.request.orderId;
      this.#times[slot] = pacer.speed === Infinity ? nowNs : dueNs;
      this.#sent++;
      this.requests++;
      this.requestsByKind[flow.request.kind]++;
      this.recordedNs = flow.request.timeNs;
      this.#lastOrderId = flow.lastOrderId;
      this.#holding = false;
      sent++;
    }
    if (sent > 0) this.entry.flush();
    return sent;
  }

  /** Moves to the next request, of the next pass if need be. */
  #advance(): boolean {
    if (this.#flow !== null) {
      if (this.#flow.next()) return (this.#holding = true);
      // The last answers of this pass come first, so that none is taken for one of the next.
      if (this.underWay > 0) return false;
      const { keepOrders, ticker } = this.#options;
      if (keepOrders !== true && !this.entry.massCancel(ticker, Side.None)) return false;
      this.#flow.close();
      this.#flow = null;
    }
    if (this.passes > 0 && this.#options.mayBegin?.(this.passes) === false) return false;
    this.#flow = this.#options.pass(this.passes, this.#lastOrderId + 1);
    if (this.#flow === null) {
      this.#stopped = true;
      return false;
    }
    this.passes++;
    this.#pacer = new Pacer(this.#options.speed);
    this.#holding = this.#flow.next();
    // A pass without a request would be followed by others like it.
    if (!this.#holding) this.stop();
    return this.#holding;
  }

  /** The flow's request on its way. False: no room now. */
  #request(flow: OrderFlow): boolean {
    const { kind, orderId, side, price, qty } = flow.request;
    const { ticker } = this.#options;
    const entry = this.entry;
    const idLo = orderId >>> 0;
    const idHi = Math.floor(orderId / TWO_32);
    const priceLo = price >>> 0;
    const priceHi = Math.floor(price / TWO_32) >>> 0;
    if (kind === RequestKind.Cancel) return entry.cancel(ticker, idLo, idHi);
    if (kind === RequestKind.Modify) {
      return entry.modify(ticker, idLo, idHi, side, priceLo, priceHi, qty);
    }
    // The recorded orders belonged to many: orders of this session trade with each other.
    return entry.newOrderExtended(
      ticker, idLo, idHi, side, priceLo, priceHi, qty, OrderType.Limit,
      kind === RequestKind.Immediate ? Tif.Ioc : Tif.Gtc, 0, Stp.None, 0, 0, PRICE_NONE_LO,
      PRICE_NONE_HI, CLIENT_NONE,
    );
  }
}
