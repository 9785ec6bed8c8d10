// Every order and account by itself, from the engine's events alone: what invariants about orders,
// limits and positions are checked against.
//
//   event ─► order: ordered = filled + open + cancelled + prevented      by engine's id, while it lives
//        └─► exposure of (client, instrument): position, open to buy, open to sell
//        └─► instrument: bought, sold, state; cash of each side of a trade
//
// Each side of a trade is booked by its own order's side, not as the opposite of the other: that the two
// sum to nothing is a finding. Cost: some objects an event. Limits: sums below 2^53.
import { OrderType, Reason, State } from '../book/types.ts';
import { Violation } from './invariants.ts';
import type { EngineEvent } from '../book/types.ts';
import * as invariants from './invariants.ts';

export interface LedgerOrder {
  readonly orderId: bigint;
  readonly client: number;
  readonly id: bigint;
  readonly book: number;
  readonly side: number;
  /** Price of limit and stop-limit orders; null: any. */
  limit: number | null;
  ordered: number;
  filled: number;
  open: number;
  cancelled: number;
  prevented: number;
}

/** What a client has and could come to have on an instrument. */
export interface Exposure {
  position: number;
  openBuy: number;
  openSell: number;
}

export interface LedgerInstrument {
  readonly minPrice: number;
  readonly maxPrice: number;
}

/** What a client may have: 0 is no limit. */
export interface LedgerLimits {
  readonly position: number;
  readonly openOrders: number;
}

class BookSums {
  bought = 0;
  sold = 0;
  position = 0;
  cash = 0;
  state: number = State.Open;
}

/** More instruments than any plan has. */
const BOOKS_MAX = 16;

export class Ledger {
  readonly orders = new Map<bigint, LedgerOrder>();
  readonly sums: readonly BookSums[];
  trades = 0;
  readonly #instruments: readonly LedgerInstrument[];
  readonly #limitsOf: (client: number) => LedgerLimits;
  readonly #rises: (client: number) => boolean;
  readonly #exposures = new Map<number, Exposure>();
  readonly #openOrders = new Map<number, number>();
  /** Engine's id by client and its id: of clients whose ids rise, for good. */
  readonly #accepted = new Map<number, Map<bigint, bigint>>();

  /** `rises`: ids of this client are never used twice. */
  constructor(
    instruments: readonly LedgerInstrument[], limitsOf: (client: number) => LedgerLimits,
    rises: (client: number) => boolean,
  ) {
    this.#instruments = instruments;
    this.#limitsOf = limitsOf;
    this.#rises = rises;
    this.sums = instruments.map(() => new BookSums());
  }

  exposure(client: number, book: number): Exposure {
    const key = client * BOOKS_MAX + book;
    let exposure = this.#exposures.get(key);
    if (exposure === undefined) {
      exposure = { position: 0, openBuy: 0, openSell: 0 };
      this.#exposures.set(key, exposure);
    }
    return exposure;
  }

  openOrders(client: number): number {
    return this.#openOrders.get(client) ?? 0;
  }

  /** Live orders of a client: own id and what is open, by id. */
  ordersOf(client: number): LedgerOrder[] {
    return [...this.orders.values()]
      .filter((order) => order.client === client)
      .toSorted((a, b) => (a.id < b.id ? -1 : 1));
  }

  apply(event: EngineEvent): void {
    switch (event.type) {
      case 'accepted':
        return this.#onAccepted(event);
      case 'trade':
        return this.#onTrade(event);
      case 'canceled':
        return this.#onCanceled(event);
      case 'replaced':
        return this.#onReplaced(event);
      case 'reduced':
        return this.#onReduced(event);
      case 'state':
        this.sums[event.book].state = event.state;
        return;
      default:
        return;
    }
  }

  /** Over all instruments. */
  checkSums(): void {
    for (const [book, sums] of this.sums.entries()) {
      invariants.boughtEqualsSold(book, sums.bought, sums.sold);
      invariants.positionsSumToZero(book, sums.position, sums.cash);
    }
  }

  #onAccepted(event: Extract<EngineEvent, { type: 'accepted' }>): void {
    const { orderId, client, id, book, side, qty, orderType, price } = event;
    const limited = orderType === OrderType.Limit || orderType === OrderType.StopLimit;
    const order = {
      orderId, client, id, book, side, limit: limited ? price : null,
      ordered: qty, filled: 0, open: qty, cancelled: 0, prevented: 0,
    };
    if (this.#rises(client)) {
      let accepted = this.#accepted.get(client);
      if (accepted === undefined) this.#accepted.set(client, (accepted = new Map()));
      invariants.noSecondEffect(client, id, accepted.get(id), orderId);
      accepted.set(id, orderId);
    }
    this.orders.set(orderId, order);
    this.#openOrders.set(client, this.openOrders(client) + 1);
    this.#opened(order, qty);
    this.#countOpen(order);
    invariants.orderAddsUp(order, qty);
  }

  /** An order that cannot end beyond flat passes however many there are. */
  #countOpen({ client, book, side }: LedgerOrder): void {
    const { position, openBuy, openSell } = this.exposure(client, book);
    const reduces = (side > 0 ? position + openBuy : openSell - position) <= 0;
    if (!reduces) invariants.withinOpenOrders(client, this.openOrders(client), this.#limitsOf(client).openOrders);
  }

  #onTrade(event: Extract<EngineEvent, { type: 'trade' }>): void {
    const taker = this.#order(event.takerOrderId);
    const maker = this.#order(event.makerOrderId);
    const { book } = event;
    this.trades++;
    invariants.executedAsPromised(event, taker, maker, this.sums[book].state, this.#instruments[book]);
    this.#filled(taker, event.price, event.qty, event.takerLeaves);
    this.#filled(maker, event.price, event.qty, event.makerLeaves);
  }

  #filled(order: LedgerOrder, price: number, qty: number, leaves: number): void {
    const sums = this.sums[order.book];
    if (order.side > 0) sums.bought += qty;
    else sums.sold += qty;
    sums.position += order.side * qty;
    sums.cash -= order.side * price * qty;
    order.filled += qty;
    order.open -= qty;
    this.exposure(order.client, order.book).position += order.side * qty;
    this.#opened(order, -qty);
    invariants.orderAddsUp(order, leaves);
    this.#ended(order);
  }

  #onCanceled(event: Extract<EngineEvent, { type: 'canceled' }>): void {
    const order = this.#order(event.orderId);
    const { qty } = event;
    if (event.reason === Reason.SelfTrade) order.prevented += qty;
    else order.cancelled += qty;
    order.open -= qty;
    this.#opened(order, -qty);
    invariants.orderAddsUp(order, 0);
    this.#ended(order);
  }

  #onReplaced(event: Extract<EngineEvent, { type: 'replaced' }>): void {
    const order = this.#order(event.orderId);
    if (order.limit !== null) order.limit = event.price;
    const more = event.qty - event.oldOpen;
    order.ordered += more;
    order.open += more;
    this.#opened(order, more);
    invariants.orderAddsUp(order, event.qty);
  }

  #onReduced(event: Extract<EngineEvent, { type: 'reduced' }>): void {
    const order = this.#order(event.orderId);
    if (event.reason === Reason.SelfTrade) order.prevented += event.qty;
    else order.cancelled += event.qty;
    order.open -= event.qty;
    this.#opened(order, -event.qty);
    invariants.orderAddsUp(order, event.leaves);
    this.#ended(order);
  }

  /** So much more of the order can trade. */
  #opened(order: LedgerOrder, qty: number): void {
    const exposure = this.exposure(order.client, order.book);
    if (order.side > 0) exposure.openBuy += qty;
    else exposure.openSell += qty;
    invariants.withinPosition(order.client, order.book, exposure, this.#limitsOf(order.client).position);
  }

  #ended(order: LedgerOrder): void {
    if (order.open > 0) return;
    this.orders.delete(order.orderId);
    this.#openOrders.set(order.client, this.openOrders(order.client) - 1);
  }

  #order(orderId: bigint): LedgerOrder {
    const order = this.orders.get(orderId);
    if (order === undefined) throw new Violation('I2', `an event about order ${orderId}, which does not live`);
    return order;
  }
}
