// Requests of a recorded day, one behind the other, in arrays that grow: 34 bytes each. They are kept until the end; who
// wants them takes them when all have been added, or on the way.
import type { FlowRequest, RequestKind } from './order_flow.ts';

/** The busiest stocks have some 5 million messages a day; of Binance's levels it is three hours of the busiest symbol. */
export const REQUESTS_MAX = 1 << 24;

export class RequestList {
  count = 0;
  /** Those that have been handed out. */
  taken = 0;
  #times = new Float64Array(1024);
  #ids = new Float64Array(1024);
  #prices = new Float64Array(1024);
  #quantities = new Float64Array(1024);
  #kinds = new Uint8Array(1024);
  #sides = new Int8Array(1024);

  add(timeNs: number, kind: RequestKind, orderId: number, side: number, price: number, qty: number): void {
    const at = this.count++;
    if (at === this.#kinds.length) this.#grow();
    this.#times[at] = timeNs;
    this.#ids[at] = orderId;
    this.#prices[at] = price;
    this.#quantities[at] = qty;
    this.#kinds[at] = kind;
    this.#sides[at] = side;
  }

  /** The next one; false: there is none. */
  next(into: FlowRequest): boolean {
    if (this.taken === this.count) return false;
    const at = this.taken++;
    into.timeNs = this.#times[at];
    into.kind = this.#kinds[at] as RequestKind;
    into.orderId = this.#ids[at];
    into.side = this.#sides[at];
    into.price = this.#prices[at];
    into.qty = this.#quantities[at];
    return true;
  }

  /** None is left to be handed out. */
  close(): void {
    this.taken = this.count;
  }

  #grow(): void {
    const size = 2 * this.#kinds.length;
    if (size > REQUESTS_MAX) throw new RangeError(`requests: expected at most ${REQUESTS_MAX}, was more`);
    const larger = <T extends Float64Array | Uint8Array | Int8Array>(before: T, after: T): T => {
      after.set(before);
      return after;
    };
    this.#times = larger(this.#times, new Float64Array(size));
    this.#ids = larger(this.#ids, new Float64Array(size));
    this.#prices = larger(this.#prices, new Float64Array(size));
    this.#quantities = larger(this.#quantities, new Float64Array(size));
    this.#kinds = larger(this.#kinds, new Uint8Array(size));
    this.#sides = larger(this.#sides, new Int8Array(size));
  }
}
