// A generated flow as a participant of a running exchange: each request when it is due.
//
// The flow does not know what we do, and nothing is brought back to it: a request on an order that
// traded with ours finds less, or is refused (`rejects`).
//
// Order: the flow's own. Cost: one request at a time, no allocation.
import { assert } from '../base/assert.ts';
import { Tif } from '../book/types.ts';
import { RequestKind, type OrderFlow } from '../recorded/order_flow.ts';
import { OrderEntry } from '../trader/order_entry.ts';
import {
  CLIENT_NONE, ClientResponse, OrderType, PRICE_NONE_HI, PRICE_NONE_LO, ResponseType, SelfTradePrevention,
} from '../wire/generated/native.ts';
import type { OrderEntryHandler } from '../trader/order_entry.ts';
import type { StreamConnection } from '../net/transport.ts';
import type { MarketSource } from './market_source.ts';

export interface FlowMarketOptions {
  readonly flow: OrderFlow;
  readonly ticker: number;
  readonly client: number;
}

/** Requests in one turn, so that their answers are read between. */
const BURST = 64;
const TWO_32 = 0x1_0000_0000;

export class FlowMarket implements MarketSource, OrderEntryHandler {
  readonly name = 'generated_market';
  readonly entry: OrderEntry;
  readonly startNs: number;
  timeOfDayNs = 0;
  messages = 0;
  rejects = 0;
  done = false;
  closedReason = '';
  readonly #flow: OrderFlow;
  readonly #ticker: number;
  #held: boolean;
  /** On the clock, of the first request; Infinity: not told yet. */
  #beginNs = Infinity;

  constructor(options: FlowMarketOptions) {
    this.#flow = options.flow;
    this.#ticker = options.ticker;
    this.entry = new OrderEntry(this, { framing: 'bare', client: options.client });
    this.#held = this.#flow.next();
    this.startNs = this.#held ? this.#flow.request.timeNs : 0;
  }

  connect(connection: StreamConnection): void {
    this.entry.connect(connection, 0);
  }

  begin(nowNs: number): void {
    this.#beginNs = nowNs;
  }

  get nextDueNs(): number {
    return this.#held ? this.#beginNs + this.#flow.request.timeNs - this.startNs : Infinity;
  }

  timeOf(nowNs: number): number {
    return this.startNs + nowNs - this.#beginNs;
  }

  poll(nowNs: number): number {
    let work = this.entry.poll(nowNs);
    for (let sent = 0; sent < BURST && this.nextDueNs <= nowNs; sent++) {
      this.#send();
      work++;
    }
    this.entry.flush();
    this.done = !this.#held && work === 0;
    return work;
  }

  close(): void {
    this.#held = false;
    this.entry.close();
    this.#flow.close();
  }

  onReady(): void {
    this.closedReason = '';
  }

  onClosed(reason: string): void {
    this.closedReason = reason;
  }

  onResponse(view: DataView, at: number): void {
    const type = ClientResponse.type(view, at);
    if (type === ResponseType.Rejected || type === ResponseType.CancelRejected) this.rejects++;
  }

  #send(): void {
    const { kind, orderId, side, price, qty, timeNs } = this.#flow.request;
    const { entry } = this;
    const ticker = this.#ticker;
    const idLow = orderId >>> 0;
    const idHigh = Math.floor(orderId / TWO_32);
    const priceLow = price >>> 0;
    const priceHigh = Math.floor(price / TWO_32) >>> 0;
    let taken: boolean;
    if (kind === RequestKind.Cancel) taken = entry.cancel(ticker, idLow, idHigh);
    else if (kind === RequestKind.Modify) {
      taken = entry.modify(ticker, idLow, idHigh, side, priceLow, priceHigh, qty);
    } else {
      taken = entry.newOrderExtended(
        ticker, idLow, idHigh, side, priceLow, priceHigh, qty, OrderType.Limit,
        kind === RequestKind.Immediate ? Tif.Ioc : Tif.Gtc, 0, SelfTradePrevention.None, 0, 0, PRICE_NONE_LO,
        PRICE_NONE_HI, CLIENT_NONE,
      );
    }
    assert(taken, 'a burst of requests fits the send buffer');
    this.timeOfDayNs = timeNs;
    this.messages++;
    this.#held = this.#flow.next();
  }
}
