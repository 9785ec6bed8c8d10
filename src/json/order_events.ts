// The exchange's responses as JSON: one line each, with the words of `outcry match`, the session's sequence, and the
// client's own reference where this session has sent the order.
//
// The exchange refuses new orders and modifies with one message; which of the two it was is known from the order.
import { Reason, REASON_TEXT, Side } from '../book/types.ts';
import { BOOK_UNKNOWN, PRICE_TICKS_NONE, type TraderInstruments } from '../trader/instruments.ts';
import { ClientResponse, ResponseType } from '../wire/generated/native.ts';
import { jsonLine, quoted, wholeText } from './lines.ts';
import type { OwnOrder, OwnOrders } from './own_orders.ts';

type LineFields = Record<string, string | number | undefined>;

const ORDER_ID_NONE = 0xffff_ffff_ffff_ffffn;

/** How prices are written: as text, or as numbers with the same digits. */
export function priceJson(instruments: TraderInstruments, book: number, ticks: number, numbers: boolean): string {
  const text = instruments.priceText(book, ticks);
  return numbers ? text : `"${text}"`;
}

export class OrderEvents {
  readonly #instruments: TraderInstruments;
  readonly #orders: OwnOrders;
  /** Prices are JSON numbers. */
  numbers = false;

  constructor(instruments: TraderInstruments, orders: OwnOrders) {
    this.#instruments = instruments;
    this.#orders = orders;
  }

  /** The line of a response; what is known of its order follows it. */
  line(view: DataView, at: number, sequence: number, timestamp: string): string {
    const id = ClientResponse.clientOrderBig(view, at);
    const order = this.#orders.find(id);
    const fields = this.#fields(view, at, order);
    this.#follow(view, at, order);
    const { event, ...rest } = fields;
    return jsonLine({ event, seq: sequence, ...this.#names(view, at, id, order), ...rest, timestamp });
  }

  #names(view: DataView, at: number, id: bigint, order: OwnOrder | undefined): LineFields {
    const orderId = ClientResponse.marketOrderBig(view, at);
    const book = this.#instruments.bookOf(ClientResponse.ticker(view, at));
    const side = ClientResponse.side(view, at);
    return {
      id: id === 0n || id === ORDER_ID_NONE ? undefined : wholeText(id),
      ref: order?.ref,
      orderId: orderId === ORDER_ID_NONE ? undefined : wholeText(orderId),
      symbol: book === BOOK_UNKNOWN ? undefined : quoted(this.#instruments.list[book].symbol),
      side: side === Side.None ? undefined : sideJson(side),
    };
  }

  #fields(view: DataView, at: number, order: OwnOrder | undefined): LineFields {
    const leaves = ClientResponse.leavesQty(view, at);
    const exec = ClientResponse.execQty(view, at);
    switch (ClientResponse.type(view, at)) {
      case ResponseType.Accepted:
        return { event: '"accepted"', price: this.#price(view, at), qty: leaves };
      case ResponseType.Filled:
        return { event: '"fill"', price: this.#price(view, at), qty: exec, leaves };
      case ResponseType.Canceled:
        return { event: '"canceled"', qty: leaves, ...because(Reason.None) };
      case ResponseType.Expired:
        return { event: '"canceled"', qty: leaves, ...because(exec) };
      case ResponseType.Modified:
        return exec === 0 && order?.pending !== 'reduce'
          ? { event: '"replaced"', price: this.#price(view, at), qty: leaves }
          : { event: '"reduced"', price: this.#price(view, at), leaves, ...because(exec) };
      case ResponseType.CancelRejected:
        return { event: '"rejected"', op: '"cancel"', ...because(exec) };
      default:
        return { event: '"rejected"', op: opOf(order), ...because(exec) };
    }
  }

  #follow(view: DataView, at: number, order: OwnOrder | undefined): void {
    if (order === undefined) return;
    const exec = ClientResponse.execQty(view, at);
    switch (ClientResponse.type(view, at)) {
      case ResponseType.CancelRejected:
        return;
      case ResponseType.Rejected:
        if (order.pending === 'new') this.#orders.remove(order.id);
        order.pending = '';
        return;
      case ResponseType.Canceled:
      case ResponseType.Expired:
        return this.#orders.remove(order.id);
      case ResponseType.Filled:
        order.executed += exec;
        break;
      default:
        if (exec === 0) order.pending = ''; // not where the system has reduced it
        order.priceTicks = this.#ticks(view, at);
    }
    order.leaves = ClientResponse.leavesQty(view, at);
    if (order.leaves === 0) this.#orders.remove(order.id);
  }

  /** Undefined: the response has none, as that of a market order. */
  #price(view: DataView, at: number): string | undefined {
    const ticks = this.#ticks(view, at);
    if (ticks === PRICE_TICKS_NONE) return undefined;
    return priceJson(this.#instruments, this.#instruments.bookOf(ClientResponse.ticker(view, at)), ticks, this.numbers);
  }

  #ticks(view: DataView, at: number): number {
    const book = this.#instruments.bookOf(ClientResponse.ticker(view, at));
    if (book === BOOK_UNKNOWN) return PRICE_TICKS_NONE;
    return this.#instruments.ticksOfUnits(book, ClientResponse.priceLo(view, at), ClientResponse.priceHi(view, at));
  }
}

export function sideJson(side: number): string {
  return side > 0 ? '"buy"' : '"sell"';
}

/** A reject code and its words. */
export function because(reason: number): LineFields {
  return { reason, text: quoted(REASON_TEXT[reason] ?? 'unknown') };
}

function opOf(order: OwnOrder | undefined): string | undefined {
  return order === undefined || order.pending === '' ? undefined : quoted(order.pending);
}
