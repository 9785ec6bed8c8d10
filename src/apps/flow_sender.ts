// Sends an order flow into an exchange, as an agent of a loop.
//
//   OrderFlow ─next─► held request ─due?─► OrderEntry ─► TCP
//                                             │
//            latency, answers, rejects ◄──────┘ responses
//
// Open loop: a request goes out when the recording says so, whether or not earlier ones have been answered, and its
// latency counts from that moment, not from the moment at which it could be sent. At speed `max` nothing is planned, so
// latency counts from sending, and `windowMax` bounds how many requests are unanswered.
//
// Every order carries "no self-trade prevention": the recorded orders of one session belonged to many.
// Cost: two array cells a request. Limits: order ids rise, and no more than RING requests are unanswered.
import { assert } from '../base/assert.ts';
import { Histogram } from '../base/histogram.ts';
import type { Agent } from '../base/agent.ts';
import type { StreamConnection } from '../net/transport.ts';
import { Pacer, RequestKind } from '../recorded/order_flow.ts';
import type { FlowRequest, OrderFlow } from '../recorded/order_flow.ts';
import { OrderEntry } from '../trader/order_entry.ts';
import type { OrderEntryHandler, OrderEntryOptions } from '../trader/order_entry.ts';
import {
  CLIENT_NONE, ClientResponse, OrderType, PRICE_NONE_HI, PRICE_NONE_LO, RejectCode, ResponseType,
  SelfTradePrevention, Side, TimeInForce,
} from '../wire/generated/native.ts';

/** Requests of one turn, so that responses are read in between. */
const REQUESTS_PER_POLL = 256;
/** Cells for orders with an unanswered request, by order id; far more than can be on their way. */
const RING = 1 << 18;
const TWO_32 = 0x1_0000_0000;
/** After the last request: how long answers may stay away before the sender gives up. */
const ANSWER_TIMEOUT_NS = 5_000_000_000;
export const WINDOW_DEFAULT = 1_024;

export interface FlowSenderOptions {
  flow: OrderFlow;
  /** Instrument that the flow becomes orders of. */
  ticker: number;
  /** Times the recorded speed; Infinity: as fast as it goes. */
  speed: number;
  /** Unanswered requests at most when nothing paces the flow. */
  windowMax?: number;
  session: OrderEntryOptions;
}

export interface FlowSenderCounts {
  newOrders: number;
  immediateOrders: number;
  modifies: number;
  cancels: number;
  massCancels: number;
  accepted: number;
  modified: number;
  canceled: number;
  /** Fill reports; a trade of two of the flow's own orders makes two. */
  fills: number;
  filledQty: number;
  /** By reject code. */
  readonly rejects: number[];
  /** Rejected cancels, whose code some framings do not carry. */
  cancelRejects: number;
}

export class FlowSender implements Agent, OrderEntryHandler {
  readonly name = 'flow_sender';
  readonly entry: OrderEntry;
  readonly counts: FlowSenderCounts = {
    newOrders: 0, immediateOrders: 0, modifies: 0, cancels: 0, massCancels: 0, accepted: 0, modified: 0, canceled: 0,
    fills: 0, filledQty: 0, rejects: Array.from<number>({ length: RejectCode.StaleMarketData + 1 }).fill(0), cancelRejects: 0,
  };
  /** From due (or sent, at speed `max`) to the request's own answer, in nanoseconds. */
  readonly latency = new Histogram();
  /** Requests that have had no answer. */
  unanswered = 0;
  /** Nothing more will be sent, and all is answered or given up. */
  finished = false;
  /** Why the session ended, when it ended by itself. */
  closedReason: string | null = null;
  readonly #flow: OrderFlow;
  readonly #ticker: number;
  readonly #pacer: Pacer;
  readonly #windowMax: number;
  readonly #request: FlowRequest;
  /** By order id modulo RING: whose cell it is, its unanswered requests, and when the last of them was due. */
  readonly #cellId = new Float64Array(RING);
  readonly #cellWaiting = new Uint8Array(RING);
  readonly #cellDueNs = new Float64Array(RING);
  #held = false;
  #flowEnded = false;
  #nowNs = 0;
  #lastNewsNs = 0;

  constructor(options: FlowSenderOptions) {
    this.#flow = options.flow;
    this.#ticker = options.ticker;
    this.#pacer = new Pacer(options.speed);
    this.#windowMax = options.speed === Infinity ? (options.windowMax ?? WINDOW_DEFAULT) : RING / 2;
    if (!(this.#windowMax >= 1 && this.#windowMax <= RING / 2)) {
      throw new RangeError(`window: expected 1 … ${RING / 2}, was ${this.#windowMax}`);
    }
    this.#request = options.flow.request;
    this.entry = new OrderEntry(this, options.session);
  }

  /** Requests taken by the session. */
  get sent(): number {
    const { counts } = this;
    return counts.newOrders + counts.immediateOrders + counts.modifies + counts.cancels + counts.massCancels;
  }

  start(connection: StreamConnection, nowNs: number): void {
    this.#lastNewsNs = nowNs;
    this.entry.connect(connection, nowNs);
  }

  /** Sends nothing more; `finished` follows when the answers are in. */
  stop(): void {
    this.#flowEnded = true;
    this.#held = false;
  }

  poll(nowNs: number): number {
    this.#nowNs = nowNs;
    let work = this.entry.poll(nowNs);
    if (this.entry.ready) work += this.#send(nowNs);
    if (work > 0) this.entry.flush();
    if (this.#flowEnded && !this.finished) {
      const answered = this.unanswered === 0 && this.entry.pendingBytes === 0;
      this.finished = answered || nowNs - this.#lastNewsNs > ANSWER_TIMEOUT_NS;
    }
    return work;
  }

  close(): void {
    this.entry.close();
    this.#flow.close();
  }

  onReady(): void {
    this.#lastNewsNs = this.#nowNs;
  }

  onClosed(reason: string): void {
    if (!this.finished) this.closedReason = reason;
    this.finished = true;
  }

  onResponse(view: DataView, offset: number): void {
    const { counts } = this;
    this.#lastNewsNs = this.#nowNs;
    switch (ClientResponse.type(view, offset)) {
      case ResponseType.Filled:
        counts.fills++;
        counts.filledQty += ClientResponse.execQty(view, offset);
        return;
      case ResponseType.Accepted:
        counts.accepted++;
        break;
      case ResponseType.Modified:
        counts.modified++;
        break;
      case ResponseType.Canceled:
        counts.canceled++;
        break;
      case ResponseType.CancelRejected:
        counts.cancelRejects++;
        break;
      case ResponseType.Rejected: {
        const code = ClientResponse.execQty(view, offset);
        counts.rejects[code] = (counts.rejects[code] ?? 0) + 1;
        break;
      }
      default: // expired: the rest of an immediate order left by itself
        return;
    }
    this.#answered(ClientResponse.clientOrderLo(view, offset) + ClientResponse.clientOrderHi(view, offset) * TWO_32);
  }

  /** The rest of an immediate order that is cancelled behind its acknowledgement finds nothing waiting. */
  #answered(orderId: number): void {
    const cell = orderId % RING;
    if (this.#cellId[cell] !== orderId || this.#cellWaiting[cell] === 0) return;
    this.#cellWaiting[cell]--;
    this.unanswered--;
    // With several requests of one order on their way only the last one's time is known.
    if (this.#cellWaiting[cell] === 0) this.latency.record(Math.max(0, this.#nowNs - this.#cellDueNs[cell]));
  }

  #send(nowNs: number): number {
    let count = 0;
    while (count < REQUESTS_PER_POLL && this.unanswered < this.#windowMax) {
      if (!this.#held) {
        if (this.#flowEnded) return count;
        this.#held = this.#flow.next();
        if (!this.#held) {
          this.#flowEnded = true;
          return count;
        }
      }
      const dueNs = this.#pacer.dueNs(this.#request.timeNs, nowNs);
      if (dueNs > nowNs || !this.#put()) return count;
      this.#held = false;
      count++;
      this.#lastNewsNs = nowNs;
      if (this.#request.kind !== RequestKind.MassCancel) this.#wait(this.#request.orderId, this.#pacer.speed === Infinity ? nowNs : dueNs);
    }
    return count;
  }

  #wait(orderId: number, dueNs: number): void {
    const cell = orderId % RING;
    if (this.#cellId[cell] !== orderId) {
      assert(this.#cellWaiting[cell] === 0, 'the ring is larger than what can be on its way');
      this.#cellId[cell] = orderId;
    }
    this.#cellWaiting[cell]++;
    this.#cellDueNs[cell] = dueNs;
    this.unanswered++;
  }

  /** Hands the request to the session; false: no room now. */
  #put(): boolean {
    const { counts, entry } = this;
    const { kind, orderId, side, price, qty } = this.#request;
    const ticker = this.#ticker;
    const lo = orderId % TWO_32;
    const hi = Math.floor(orderId / TWO_32);
    const priceLo = price % TWO_32;
    const priceHi = Math.floor(price / TWO_32);
    switch (kind) {
      case RequestKind.New:
      case RequestKind.Immediate: {
        const tif = kind === RequestKind.New ? TimeInForce.Gtc : TimeInForce.Ioc;
        const taken = entry.newOrderExtended(
          ticker, lo, hi, side, priceLo, priceHi, qty, OrderType.Limit, tif, 0, SelfTradePrevention.None, 0, 0,
          PRICE_NONE_LO, PRICE_NONE_HI, CLIENT_NONE,
        );
        if (taken && kind === RequestKind.New) counts.newOrders++;
        else if (taken) counts.immediateOrders++;
        return taken;
      }
      case RequestKind.Modify: {
        const taken = entry.modify(ticker, lo, hi, side, priceLo, priceHi, qty);
        if (taken) counts.modifies++;
        return taken;
      }
      case RequestKind.Cancel: {
        const taken = entry.cancel(ticker, lo, hi);
        if (taken) counts.cancels++;
        return taken;
      }
      case RequestKind.MassCancel: {
        const taken = entry.massCancel(ticker, Side.None);
        if (taken) counts.massCancels++;
        return taken;
      }
      default:
        return kind satisfies never;
    }
  }
}
