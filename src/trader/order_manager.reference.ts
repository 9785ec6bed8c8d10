// The states of orders again, slow and obvious: one object an order, the table of order_manager.ts
// read from top to bottom. It sends nothing and knows no quotes and no risk.
import { Reason } from '../book/types.ts';
import { ResponseType } from '../wire/generated/native.ts';
import { PRICE_TICKS_NONE } from './instruments.ts';
import { OrderStatus } from './order_manager.ts';

interface Order {
  readonly book: number;
  readonly side: number;
  price: number;
  executed: number;
  leaves: number;
  /** A modify without an answer. */
  next: { price: number; total: number } | null;
  accepted: boolean;
  cancelling: boolean;
  cancelWanted: boolean;
  doubtful: boolean;
  fenced: boolean;
  unknown: boolean;
  ended: boolean;
}

export interface Response {
  readonly type: number;
  readonly book: number;
  readonly id: number;
  readonly side: number;
  readonly price: number;
  readonly exec: number;
  readonly leaves: number;
}

const QTY_NONE = 2 ** 32 - 1;

export class ReferenceOrders {
  readonly orders = new Map<number, Order>();
  readonly positions: number[];
  nextId: number;
  killed = false;
  counts = { fills: 0, lateFills: 0, overfills: 0, adopted: 0, unexpected: 0, malformed: 0 };
  readonly #firstId: number;
  readonly #ordersMax: number;

  constructor(books: number, firstId: number, ordersMax: number) {
    this.positions = Array.from({ length: books }, () => 0);
    this.nextId = this.#firstId = firstId;
    this.#ordersMax = ordersMax;
  }

  // ── requests that were taken ───────────────────────────────────────────────────────────────

  sent(id: number, book: number, side: number, price: number, qty: number): void {
    this.nextId = id + 1;
    this.orders.set(id, this.#order(book, side, price, qty, false));
  }

  modifying(id: number, price: number, qty: number): void {
    const order = this.orders.get(id)!;
    order.next = { price, total: order.executed + qty };
  }

  cancelling(id: number): void {
    const order = this.orders.get(id)!;
    if (!order.cancelWanted && !order.ended) order.cancelling = true;
  }

  // ── the connection ─────────────────────────────────────────────────────────────────────────

  broken(): void {
    for (const order of this.orders.values()) {
      order.doubtful ||= !order.accepted || order.next !== null || order.cancelling;
    }
  }

  /** Every cancel goes out. */
  resumed(complete: boolean): void {
    for (const order of this.orders.values()) {
      if (!complete) order.unknown = true;
      if (order.ended) continue;
      if (!complete || order.doubtful || order.unknown) {
        order.fenced ||= complete;
        order.doubtful = false;
        order.cancelWanted = true;
      }
      if (order.cancelWanted) Object.assign(order, { cancelling: true, cancelWanted: false });
    }
  }

  // ── responses ──────────────────────────────────────────────────────────────────────────────

  response(response: Response): void {
    const order = this.orders.get(response.id);
    if (order === undefined) return this.#stranger(response);
    switch (response.type) {
      case ResponseType.Accepted:
        if (order.accepted && order.executed === 0) this.counts.unexpected++;
        order.accepted = true;
        return;
      case ResponseType.Filled: return this.#filled(response, order);
      case ResponseType.Canceled: case ResponseType.Expired: return this.#ended(response, order);
      case ResponseType.Modified: return this.#modified(response, order);
      case ResponseType.Rejected: return this.#rejected(response.id, order);
      case ResponseType.CancelRejected: return this.#cancelRejected(response, order);
      default: this.counts.malformed++;
    }
  }

  #filled(response: Response, order: Order): void {
    const { id, book, side, exec } = response;
    if (book !== order.book || side !== order.side) {
      this.counts.malformed++;
      this.#lateFill(response);
      return;
    }
    if (!isFill(response)) {
      this.counts.malformed++;
      return;
    }
    if (exec > this.reserved(id)) this.counts.overfills++;
    order.accepted = true;
    order.executed += exec;
    order.leaves = Math.max(0, order.leaves - exec);
    this.counts.fills++;
    this.positions[book] += side * exec;
    if (this.reserved(id) === 0) this.orders.delete(id);
  }

  #ended({ id, leaves: removed }: Response, order: Order): void {
    if (order.ended) {
      this.counts.unexpected++;
      return;
    }
    const left = order.unknown ? this.reserved(id) : order.leaves;
    if (removed >= left) this.orders.delete(id);
    else this.#owes(order, left - removed);
  }

  #modified({ id, price, exec, leaves }: Response, order: Order): void {
    if (order.ended) {
      this.counts.unexpected++;
      return;
    }
    order.accepted = true;
    if (exec !== 0) {
      if (!order.unknown) order.leaves = Math.min(order.leaves, leaves);
    } else if (order.next !== null) {
      order.price = order.next.price;
      order.leaves = Math.max(0, order.next.total - order.executed);
      order.next = null;
    } else if (price === PRICE_TICKS_NONE || leaves === QTY_NONE) {
      this.counts.malformed++;
    } else {
      this.counts.unexpected++;
      order.price = price;
      order.leaves = leaves;
    }
    if (this.reserved(id) === 0) this.orders.delete(id);
  }

  #rejected(id: number, order: Order): void {
    if (!order.accepted) {
      this.orders.delete(id);
    } else if (order.next === null) {
      this.counts.unexpected++;
    } else {
      order.next = null;
      if (order.leaves === 0) this.orders.delete(id);
    }
  }

  #cancelRejected({ id, exec }: Response, order: Order): void {
    if (!order.cancelling) {
      this.counts.unexpected++;
      return;
    }
    const gone = exec === Reason.UnknownOrder || exec === Reason.TooLate || exec === QTY_NONE;
    if (gone && order.unknown) return this.#owes(order, this.reserved(id));
    if (gone && order.fenced) {
      this.orders.delete(id);
      return;
    }
    order.cancelling = false;
    if (order.fenced || order.unknown) order.cancelWanted = true;
  }

  #stranger(response: Response): void {
    const { type, id, leaves } = response;
    const foreign = id !== 0 && (id < this.#firstId || id >= this.nextId);
    if (type === ResponseType.Filled) {
      const taken = this.#lateFill(response);
      if (taken && foreign && leaves > 0) this.#adopt(response, response.exec);
    } else if (foreign && (type === ResponseType.Accepted || type === ResponseType.Modified)) {
      this.#adopt(response, 0);
    } else if (type !== ResponseType.Rejected && type !== ResponseType.CancelRejected) {
      this.counts.unexpected++;
    }
  }

  #lateFill(response: Response): boolean {
    if (!(response.book in this.positions) || !isFill(response)) {
      this.counts.malformed++;
      return false;
    }
    this.counts.fills++;
    this.counts.lateFills++;
    this.positions[response.book] += response.side * response.exec;
    return true;
  }

  #adopt({ id, book, side, price, leaves }: Response, executed: number): void {
    const known = book in this.positions && (side === 1 || side === -1);
    if (!known || id < 1 || id >= 2 ** 53 - 1 || leaves === 0 || leaves >= QTY_NONE) {
      this.counts.malformed++;
      return;
    }
    if (this.orders.size === this.#ordersMax) {
      this.killed = true;
      return;
    }
    this.counts.adopted++;
    this.orders.set(id, { ...this.#order(book, side, price, leaves, true), executed });
    this.nextId = Math.max(this.nextId, id + 1);
  }

  /** The exchange no longer has it, and so much of it is still to be told as fills. */
  #owes(order: Order, qty: number): void {
    const { unknown } = order;
    Object.assign(order, {
      leaves: qty, next: null, ended: true, accepted: true, unknown,
      cancelling: false, cancelWanted: false, doubtful: false, fenced: false,
    });
  }

  // ── what is so ─────────────────────────────────────────────────────────────────────────────

  status(id: number): OrderStatus {
    const order = this.orders.get(id);
    if (order === undefined) return id >= 1 && id < this.nextId ? OrderStatus.Done : OrderStatus.None;
    if (order.cancelling || order.cancelWanted || order.ended) return OrderStatus.PendingCancel;
    if (order.next !== null) return OrderStatus.PendingModify;
    return order.accepted ? OrderStatus.Live : OrderStatus.PendingNew;
  }

  reserved(id: number): number {
    const order = this.orders.get(id);
    if (order === undefined) return 0;
    return Math.max(order.leaves, (order.next?.total ?? 0) - order.executed);
  }

  #order(book: number, side: number, price: number, leaves: number, accepted: boolean): Order {
    return {
      book, side, price, executed: 0, leaves, next: null, accepted, cancelling: false, cancelWanted: false,
      doubtful: accepted, fenced: false, unknown: false, ended: false,
    };
  }
}

function isFill({ side, price, exec }: Response): boolean {
  return (side === 1 || side === -1) && Number.isInteger(price) && price > -(2 ** 31) && price < 2 ** 31
    && exec >= 1 && exec < QTY_NONE;
}
