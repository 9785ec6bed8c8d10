// The order manager: every order of this client as a state machine, keyed by client order id.
import { fail } from '../base/assert.ts';
import type { Reason } from '../book/types.ts';
import type { TraderInstruments } from './instruments.ts';
import type { PositionKeeper } from './position_keeper.ts';
import type { RiskGate } from './risk.ts';

/** No order. */
export const ORDER_NONE = 0;

/** Where requests go: order entry's adapter, the embedded engine, the backtest. */
export interface OrderSink {
  /** False: no room, nothing was taken. `flags`: OrderFlag bits (1 post-only). */
  newOrder(
    book: number, orderId: number, side: number, priceTicks: number, qty: number, tif: number, flags: number,
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
  /** An order came into `status`; `reason` where the exchange or risk gave one. */
  onStatus(book: number, orderId: number, status: OrderStatus, reason: Reason): void;
}

/** None: an id that was never used. */
export const OrderStatus = {
  None: 0, PendingNew: 1, Live: 2, PendingModify: 3, PendingCancel: 4, Done: 5,
} as const;
export type OrderStatus = (typeof OrderStatus)[keyof typeof OrderStatus];

export interface OrderManagerOptions {
  /** Orders that may be open at once; default ORDERS_DEFAULT. */
  ordersMax?: number;
  /** First client order id to give out: above all that were ever used. */
  firstOrderId?: number;
  /** How a live quote is moved; default by modify. */
  quoteBy?: 'modify' | 'cancel';
}

export class OrderManager {
  /** Set by the owner (the strategy runner) before the first event. */
  listener: OrderListener = { onFill: () => {}, onStatus: () => {} };

  constructor(
    _instruments: TraderInstruments, _risk: RiskGate, _positions: PositionKeeper, _sink: OrderSink,
    _options: OrderManagerOptions = {},
  ) {}

  /** A limit order. The client order id, or −reason. */
  send(
    _book: number, _side: number, _priceTicks: number, _qty: number, _tif: number, _nowNs: number, _flags = 0,
  ): number { return fail('soon'); }
  /** Moves, places or (qty 0) withdraws the one quote of a side. None = taken, remembered, or nothing to do. */
  quote(_book: number, _side: number, _priceTicks: number, _qty: number, _nowNs: number): Reason { return fail('soon'); }
  /** New price and new open quantity of a live order. */
  modify(_orderId: number, _priceTicks: number, _qty: number, _nowNs: number): Reason { return fail('soon'); }
  /** False: not open, or no room (try again). */
  cancel(_orderId: number): boolean { return fail('soon'); }
  /** All orders of a book, or of all (BOOK_ALL). Number of orders whose cancel was asked for. */
  cancelAll(_book: number): number { return fail('soon'); }

  /** One response of the exchange, in its order. book BOOK_UNKNOWN: a ticker that is not ours. */
  onResponse(
    _type: number, _book: number, _orderId: number, _side: number, _priceTicks: number, _execQty: number,
    _leavesQty: number, _nowNs: number,
  ): void { fail('soon'); }
  /** What could not be sent before: cancels first, then remembered quotes. Returns the work done. */
  poll(_nowNs: number): number { return fail('soon'); }
  onDisconnected(): void { fail('soon'); }
  /** `complete`: the response stream goes on where it broke off (soup resume). */
  onResumed(_complete: boolean, _nowNs: number): void { fail('soon'); }
  /** Ends an order of unknown fate by hand: what of it was executed, and at which price. */
  settle(_orderId: number, _execQty: number, _priceTicks: number): boolean { return fail('soon'); }
  /** From the client journal, before the first event: an order that was open. */
  restore(
    _orderId: number, _book: number, _side: number, _priceTicks: number, _executedQty: number, _leavesQty: number,
  ): void { fail('soon'); }

  status(_orderId: number): OrderStatus { return fail('soon'); }
  leaves(_orderId: number): number { return fail('soon'); }
  executed(_orderId: number): number { return fail('soon'); }
  /** The live quote of a side, or ORDER_NONE. */
  quoteId(_book: number, _side: number): number { return fail('soon'); }
  get liveOrders(): number { return fail('soon'); }
  get nextOrderId(): number { return fail('soon'); }
  get connected(): boolean { return fail('soon'); }
  checkInvariants(): void { fail('soon'); }
}
