// A naive exchange with a wire in front of it, for the order manager's model test: what is really so.
//
//   client ─► requests (on their way) ─► orders ─► log of responses ─► (delivered later) ─► client
//
// It has no book and no prices to meet: fills come when the test says so. It answers as docs/PROTOCOL.md
// says, one session, responses numbered by their place in the log. A break loses what of the requests
// had not reached it, and perhaps cancels everything; the log stays, and a resume goes on in it.
//
// With `reorders`, reports of fills may be held back behind later responses of the same order: an
// exchange that tells a cancel, a refusal or a modify before the fills that came first.
import assert from 'node:assert/strict';
import { Reason, Tif, QTY_NONE } from '../book/types.ts';
import { ResponseType } from '../wire/generated/native.ts';
import type { Prng } from '../base/prng.ts';

export interface ModelRequest {
  readonly type: 'new' | 'cancel' | 'modify' | 'mass';
  readonly book: number;
  readonly id: number;
  readonly side: number;
  readonly price: number;
  /** New: quantity. Modify: total with executions. */
  readonly qty: number;
  readonly tif: number;
  readonly quote: boolean;
}

export interface ModelResponse {
  readonly type: number;
  readonly book: number;
  readonly id: number;
  readonly side: number;
  readonly price: number;
  readonly exec: number;
  readonly leaves: number;
}

export interface ModelOrder {
  readonly id: number;
  readonly book: number;
  readonly side: number;
  readonly quote: boolean;
  price: number;
  open: number;
  executed: number;
}

const REFUSALS = [Reason.State, Reason.Price, Reason.Notional, Reason.PostOnly, Reason.Capacity];

export class ModelExchange {
  /** On their way to the exchange, in order. */
  requests: ModelRequest[] = [];
  readonly log: ModelResponse[] = [];
  /** Live orders by id, and what became of those that ended. */
  readonly orders = new Map<number, ModelOrder>();
  readonly ended = new Map<number, ModelOrder>();
  readonly positions: number[];
  /** −Σ side · price · quantity, by book. */
  readonly cash: number[];
  highestId = 0;
  /** Reports that come later than they should. */
  readonly #held: ModelResponse[] = [];
  readonly #prng: Prng;
  readonly #reorders: boolean;

  constructor(books: number, prng: Prng, reorders: boolean) {
    this.positions = Array.from({ length: books }, () => 0);
    this.cash = Array.from({ length: books }, () => 0);
    this.#prng = prng;
    this.#reorders = reorders;
  }

  /** The oldest request arrives. */
  processOne(): void {
    const request = this.requests.shift();
    if (request === undefined) return;
    if (request.type === 'new') this.#new(request);
    else if (request.type === 'cancel') this.#cancel(request);
    else if (request.type === 'modify') this.#modify(request);
    else this.cancelAll(request.book);
  }

  /** Somebody trades with a live order: a part of it, or all. */
  fill(id: number): void {
    const order = this.orders.get(id);
    assert.ok(order, 'only live orders trade');
    const qty = this.#prng.chance(0.4) ? order.open : this.#prng.between(1, order.open);
    // At its price or better.
    const price = order.price - order.side * this.#prng.between(0, 3);
    order.open -= qty;
    order.executed += qty;
    this.positions[order.book] += order.side * qty;
    this.cash[order.book] -= order.side * qty * price;
    if (order.open === 0) this.#end(order);
    this.#report(ResponseType.Filled, order, qty, order.open, price);
  }

  /** The system cancels an order: self-trade prevention, a close. */
  expire(id: number, reason: Reason): void {
    const order = this.orders.get(id);
    assert.ok(order, 'only live orders expire');
    this.#end(order);
    this.#report(ResponseType.Expired, order, reason, order.open);
  }

  /** Self-trade prevention takes a part away. */
  decrement(id: number): void {
    const order = this.orders.get(id);
    assert.ok(order, 'only live orders are reduced');
    if (order.open < 2) return;
    order.open = this.#prng.between(1, order.open - 1);
    this.#report(ResponseType.Modified, order, Reason.SelfTrade, order.open);
  }

  cancelAll(book: number): void {
    for (const order of this.orders.values()) {
      if (book !== -1 && order.book !== book) continue;
      this.#end(order);
      this.#report(ResponseType.Canceled, order, QTY_NONE, order.open);
    }
  }

  /** Of what is on its way only the first part still arrives. */
  loseRequests(): void {
    this.requests.length = this.#prng.between(0, this.requests.length);
  }

  /** Everything held back is told. */
  release(): void {
    while (this.#held.length > 0) this.#releaseAt(0);
  }

  /** Perhaps one report that was held back is told now. */
  releaseSome(): void {
    if (this.#held.length > 0 && this.#prng.chance(0.3)) this.#releaseAt(this.#prng.below(this.#held.length));
  }

  /** Position if all that could still be bought were, requests on their way included. */
  worst(book: number, side: number): number {
    let open = 0;
    for (const order of this.orders.values()) {
      if (order.book === book && order.side === side) open += this.#canStillTrade(order.id, order.open, order.executed);
    }
    for (const { type, book: at, id, side: to, qty } of this.requests) {
      if (type === 'new' && at === book && to === side) open += this.#canStillTrade(id, qty, 0);
    }
    return side * this.positions[book] + open;
  }

  /** Quotes of a side that are at the exchange or on their way there, with ids from `firstId`. */
  quotes(book: number, side: number, firstId: number): number {
    const counts = (each: ModelOrder | ModelRequest): boolean =>
      each.quote && each.book === book && each.side === side && each.id >= firstId;
    let count = 0;
    for (const order of this.orders.values()) count += counts(order) ? 1 : 0;
    for (const request of this.requests) count += request.type === 'new' && counts(request) ? 1 : 0;
    return count;
  }

  #canStillTrade(id: number, open: number, executed: number): number {
    let most = open;
    for (const request of this.requests) {
      if (request.type === 'modify' && request.id === id) most = Math.max(most, request.qty - executed);
    }
    return most;
  }

  #new(request: ModelRequest): void {
    const { id, book, side, price, qty, tif, quote } = request;
    assert.ok(id > this.highestId, `client order ids rise: ${id} after ${this.highestId}`);
    this.highestId = id;
    if (this.#prng.chance(0.1)) {
      const reason = REFUSALS[this.#prng.below(REFUSALS.length)];
      return this.#tell({ type: ResponseType.Rejected, book, id, side, price, exec: reason, leaves: 0 }, false);
    }
    const order: ModelOrder = { id, book, side, quote, price, open: qty, executed: 0 };
    this.orders.set(id, order);
    this.#report(ResponseType.Accepted, order, 0, qty);
    while (this.orders.has(id) && this.#prng.chance(0.2)) this.fill(id);
    if (tif === Tif.Ioc && this.orders.has(id)) this.expire(id, Reason.CannotFill);
  }

  #cancel({ id, book }: ModelRequest): void {
    const order = this.orders.get(id);
    if (order === undefined || this.#prng.chance(0.03)) {
      const exec = order === undefined ? Reason.UnknownOrder : Reason.Rate;
      return this.#tell({ type: ResponseType.CancelRejected, book, id, side: 0, price: 0, exec, leaves: 0 }, false);
    }
    this.#end(order);
    this.#report(ResponseType.Canceled, order, QTY_NONE, order.open);
  }

  #modify({ id, book, side, price, qty }: ModelRequest): void {
    const order = this.orders.get(id);
    if (order === undefined || this.#prng.chance(0.1)) {
      const exec = order === undefined ? Reason.UnknownOrder : Reason.State;
      return this.#tell({ type: ResponseType.Rejected, book, id, side, price, exec, leaves: 0 }, false);
    }
    assert.equal(order.side, side);
    if (qty <= order.executed) {
      this.#end(order);
      return this.#report(ResponseType.Canceled, order, QTY_NONE, order.open);
    }
    order.price = price;
    order.open = qty - order.executed;
    this.#report(ResponseType.Modified, order, 0, order.open);
    while (this.orders.has(id) && this.#prng.chance(0.1)) this.fill(id);
  }

  #end(order: ModelOrder): void {
    this.orders.delete(order.id);
    this.ended.set(order.id, order);
  }

  #report(type: number, { id, book, side, price }: ModelOrder, exec: number, leaves: number, at = price): void {
    this.#tell({ type, book, id, side, price: at, exec, leaves }, type === ResponseType.Filled || type === ResponseType.Accepted);
  }

  #tell(response: ModelResponse, mayWait: boolean): void {
    // A reduction by the system says what is left, so all fills before it must have been told.
    if (response.type === ResponseType.Modified && response.exec !== 0) this.release();
    if (this.#reorders && mayWait && this.#prng.chance(0.3)) this.#held.push(response);
    else this.log.push(response);
  }

  #releaseAt(index: number): void {
    this.log.push(...this.#held.splice(index, 1));
  }
}
