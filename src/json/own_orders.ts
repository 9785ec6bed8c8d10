// What a JSON session knows of its client's orders: enough to name their instrument, to reduce them, and to say the
// client's own reference again. Filled from requests and from the exchange's responses alone; orders from before the
// session are not in it.
//
// Limit: OWN_ORDERS_MAX at once, more are refused. An order leaves with its last response.
import { assert } from '../base/assert.ts';

/** As many as one account's fair share of an exchange with the defaults. */
export const OWN_ORDERS_MAX = 65_536;

/** What was asked last and not answered yet; '' nothing. */
export type Pending = '' | 'new' | 'replace' | 'reduce';

export interface OwnOrder {
  readonly id: bigint;
  readonly book: number;
  readonly side: number;
  /** JSON text; undefined: none was given. */
  readonly ref: string | undefined;
  priceTicks: number;
  /** Quantity executed, and open. */
  executed: number;
  leaves: number;
  pending: Pending;
}

export class OwnOrders {
  readonly #orders = new Map<bigint, OwnOrder>();

  get count(): number {
    return this.#orders.size;
  }

  get full(): boolean {
    return this.#orders.size >= OWN_ORDERS_MAX;
  }

  find(id: bigint): OwnOrder | undefined {
    return this.#orders.get(id);
  }

  /** The order with that id goes on where there is one: a request that was sent again. */
  add(order: OwnOrder): void {
    assert(!this.full, 'a full table is said before an order is sent');
    if (!this.#orders.has(order.id)) this.#orders.set(order.id, order);
  }

  remove(id: bigint): void {
    this.#orders.delete(id);
  }
}
