// Answers to calls that return promises: what became of an order, a cancel, a modify, a control.
//
//   placeOrder ─► entry ─► outputs about its order: accepted, fills, … ─► OrderResult
//
// An order that can rest is answered when the venue has accepted it, with the executions that came along
// with the acceptance; one that cannot (market, IOC, FOK) when it is done. A refusal is an answer too, with
// `ok` false. A call whose answer can no longer come, for the engine has ended or failed, is rejected with an
// OutcomeUnknownError: of an order that means that nobody here knows what became of it.
// Cost: an entry and its promise; only calls that return promises have one.
import { REASON_TEXT, Reason } from '../book/types.ts';
import type { SideText } from './events.ts';

export interface ExecutionResult {
  /** At which it was executed. */
  readonly price: string;
  /** Lots. */
  readonly volume: number;
  /** From the call to the moment its result is told. */
  readonly latencyNs: number;
  /** Number of the event. */
  readonly sequence: number;
}

export type OrderResultStatus = 'accepted' | 'partially-filled' | 'filled' | 'canceled' | 'rejected';

export interface OrderResult {
  /** False: refused, nothing happened; `reason` says why. */
  readonly ok: boolean;
  readonly orderId: number;
  readonly symbol: string;
  readonly side: SideText;
  readonly status: OrderResultStatus;
  /** Code of docs/MATCHING.md; 0 when ok, or why the venue cancelled the rest. */
  readonly reason: number;
  readonly reasonText: string;
  readonly quantity: number;
  readonly executed: number;
  /** Open now. */
  readonly leaves: number;
  readonly executions: readonly ExecutionResult[];
  readonly latencyNs: number;
  readonly sequence: number;
}

/** What became of a cancel, a modify or a control. */
export interface RequestResult {
  readonly ok: boolean;
  readonly reason: number;
  readonly reasonText: string;
  /** Lots taken out by a cancel, open after a modify; orders that leave because of cancelAll. */
  readonly quantity: number;
  readonly latencyNs: number;
}

/** The engine ended or failed before the answer came. */
export class OutcomeUnknownError extends Error {
  override readonly name = 'OutcomeUnknownError';
}

export function reasonText(reason: number): string {
  return REASON_TEXT[reason] ?? `reason ${reason}`;
}

interface PendingOrder {
  readonly symbol: string;
  readonly side: SideText;
  readonly quantity: number;
  readonly calledNs: number;
  readonly executions: ExecutionResult[];
  readonly resolve: (result: OrderResult) => void;
  readonly reject: (error: Error) => void;
  executed: number;
  leaves: number;
  status: OrderResultStatus | null;
  reason: number;
  sequence: number;
}

interface PendingRequest {
  readonly calledNs: number;
  readonly resolve: (result: RequestResult) => void;
  readonly reject: (error: Error) => void;
}

/** Key of a request: an order's id, or a name of its caller's as text. */
export type RequestKey = number | string;

export class Results {
  readonly #orders = new Map<number, PendingOrder>();
  readonly #settled: [number, PendingOrder][] = [];
  readonly #cancels = new Map<RequestKey, PendingRequest[]>();
  readonly #modifies = new Map<RequestKey, PendingRequest[]>();
  readonly #controls = new Map<number, PendingRequest>();

  /** Calls without an answer. */
  get pending(): number {
    return this.#orders.size + this.#cancels.size + this.#modifies.size + this.#controls.size;
  }

  order(orderId: number, symbol: string, side: SideText, quantity: number, calledNs: number): Promise<OrderResult> {
    return new Promise((resolve, reject) => {
      this.#orders.set(orderId, {
        symbol, side, quantity, calledNs, executions: [], resolve, reject, executed: 0, leaves: 0, status: null, reason: 0,
        sequence: 0,
      });
    });
  }

  cancel(key: RequestKey, calledNs: number): Promise<RequestResult> {
    return wait(this.#cancels, key, calledNs);
  }

  modify(key: RequestKey, calledNs: number): Promise<RequestResult> {
    return wait(this.#modifies, key, calledNs);
  }

  control(token: number, calledNs: number): Promise<RequestResult> {
    return new Promise((resolve, reject) => this.#controls.set(token, { calledNs, resolve, reject }));
  }

  awaitsOrder(orderId: number): boolean {
    return this.#orders.has(orderId);
  }

  onAccepted(orderId: number, leaves: number, mayRest: boolean, sequence: number): void {
    const order = this.#orders.get(orderId);
    if (order === undefined) return;
    order.leaves = leaves;
    order.sequence = sequence;
    if (mayRest) this.#settle(orderId, order, 'accepted');
  }

  onFill(orderId: number, price: string, volume: number, leaves: number, sequence: number, nowNs: number): void {
    const order = this.#orders.get(orderId);
    if (order === undefined) return;
    order.executions.push({ price, volume, latencyNs: Math.max(0, nowNs - order.calledNs), sequence });
    order.executed += volume;
    order.leaves = leaves;
    order.sequence = sequence;
    if (leaves === 0) this.#settle(orderId, order, 'filled');
    else if (order.status !== null) order.status = 'partially-filled';
  }

  onCanceled(orderId: number, reason: number, sequence: number): void {
    const order = this.#orders.get(orderId);
    if (order === undefined) return;
    order.leaves = 0;
    order.reason = reason;
    order.sequence = sequence;
    this.#settle(orderId, order, order.executed > 0 ? 'partially-filled' : 'canceled');
  }

  onRejected(orderId: number, reason: number, sequence: number): void {
    const order = this.#orders.get(orderId);
    if (order === undefined) return;
    order.reason = reason;
    order.sequence = sequence;
    this.#settle(orderId, order, 'rejected');
  }

  onCancelDone(key: RequestKey, quantity: number, nowNs: number): void {
    if (this.#cancels.size > 0) answer(this.#cancels, key, Reason.None, quantity, nowNs, true);
  }

  onCancelRejected(key: RequestKey, reason: number, nowNs: number): void {
    if (this.#cancels.size > 0) answer(this.#cancels, key, reason, 0, nowNs, false);
  }

  onModified(key: RequestKey, quantity: number, nowNs: number): void {
    if (this.#modifies.size > 0) answer(this.#modifies, key, Reason.None, quantity, nowNs, false);
  }

  onModifyRejected(key: RequestKey, reason: number, nowNs: number): void {
    if (this.#modifies.size > 0) answer(this.#modifies, key, reason, 0, nowNs, false);
  }

  /** The order has ended: a modify of it that has no answer yet came too late. */
  onEnded(key: RequestKey, nowNs: number): void {
    if (this.#modifies.size > 0) answer(this.#modifies, key, Reason.TooLate, 0, nowNs, true);
    if (this.#cancels.size > 0) answer(this.#cancels, key, Reason.TooLate, 0, nowNs, true);
  }

  onControl(token: number, reason: number, quantity: number, nowNs: number): void {
    const request = this.#controls.get(token);
    if (request === undefined) return;
    this.#controls.delete(token);
    request.resolve(requestResult(reason, quantity, nowNs - request.calledNs));
  }

  /** At the end of a turn: answers the orders that the turn has settled, with everything it brought. */
  flush(nowNs: number): void {
    if (this.#settled.length === 0) return;
    for (const [orderId, order] of this.#settled) {
      this.#orders.delete(orderId);
      order.resolve(orderResult(orderId, order, nowNs));
    }
    this.#settled.length = 0;
  }

  /** No answer will come any more. */
  abandon(reason: string): void {
    this.flush(0);
    const error = new OutcomeUnknownError(reason);
    for (const order of this.#orders.values()) order.reject(error);
    for (const requests of [...this.#cancels.values(), ...this.#modifies.values()]) {
      for (const request of requests) request.reject(error);
    }
    for (const request of this.#controls.values()) request.reject(error);
    this.#orders.clear();
    this.#cancels.clear();
    this.#modifies.clear();
    this.#controls.clear();
  }

  #settle(orderId: number, order: PendingOrder, status: OrderResultStatus): void {
    if (order.status === null) this.#settled.push([orderId, order]);
    order.status = status === 'accepted' && order.executed > 0 ? 'partially-filled' : status;
  }
}

/** Answers before there was anything to wait for. */
export function requestResult(reason: number, quantity: number, latencyNs: number): RequestResult {
  return { ok: reason === Reason.None, reason, reasonText: reasonText(reason), quantity, latencyNs: Math.max(0, latencyNs) };
}

export function refusedOrder(symbol: string, side: SideText, quantity: number, reason: number): OrderResult {
  return {
    ok: false, orderId: 0, symbol, side, status: 'rejected', reason, reasonText: reasonText(reason), quantity, executed: 0,
    leaves: 0, executions: [], latencyNs: 0, sequence: 0,
  };
}

function orderResult(orderId: number, order: PendingOrder, nowNs: number): OrderResult {
  const { symbol, side, quantity, executions, executed, leaves, reason, sequence } = order;
  const status = order.status ?? 'accepted';
  return {
    ok: status !== 'rejected', orderId, symbol, side, status, reason, reasonText: reasonText(reason), quantity, executed,
    leaves, executions, latencyNs: Math.max(0, nowNs - order.calledNs), sequence,
  };
}

function wait(map: Map<RequestKey, PendingRequest[]>, key: RequestKey, calledNs: number): Promise<RequestResult> {
  return new Promise((resolve, reject) => {
    const request = { calledNs, resolve, reject };
    const waiting = map.get(key);
    if (waiting === undefined) map.set(key, [request]);
    else waiting.push(request);
  });
}

/** Answers the oldest request for `key`, or all of them. */
function answer(
  map: Map<RequestKey, PendingRequest[]>, key: RequestKey, reason: number, quantity: number, nowNs: number, all: boolean,
): void {
  const waiting = map.get(key);
  if (waiting === undefined) return;
  const answered = all ? waiting.splice(0) : waiting.splice(0, 1);
  if (waiting.length === 0) map.delete(key);
  for (const request of answered) request.resolve(requestResult(reason, quantity, nowNs - request.calledNs));
}
