// One instrument of a market-by-order recording (DBN) as order flow for a running exchange: requests that make its book
// what the recording says, with trades where it has fills.
//
//   A ─► new · C ─► modify to the smaller total, or cancel · M ─► modify · R ─► cancel of everything
//   F ─► an immediate order of the other side, where the order filled is the one that would trade; the cancel or modify
//        that the recording has behind it then finds the quantity gone already. Fills out of turn are counted, and shrink
//   T and the rest ─► nothing
//
// The day is read once and its requests are kept. Cost: some microseconds a record when it is read. Limits: REQUESTS_MAX
// (request_list.ts); prices of 31 bits of ticks (dbn_books.ts).
import { Side } from '../book/types.ts';
import { Dbn, DBN_PRICE_SCALE, DbnAction, DbnReader, DbnType } from './dbn.ts';
import { DbnBooks } from './dbn_books.ts';
import { emptyRequest, type OrderFlow, RequestKind } from './order_flow.ts';
import { PriceUnits } from './price_units.ts';
import { RequestList } from './request_list.ts';
import { RecordingError, RecordingSource } from './recording_source.ts';
import type { MarketView } from '../book/market_view.ts';

const ORDERS_MAX = 1 << 20;
const BOOK = 0;

export interface DbnFlowOptions {
  readonly path: string;
  /** Of the instrument; without, the first that the recording has. */
  readonly instrument?: number;
  /** Decimals of the instrument's price at the exchange: 2 = cents. */
  readonly priceDecimals?: number;
  /** Client order id of the first order. */
  readonly firstOrderId?: number;
  /** Told how much of the file has been read, 0 … 1. */
  readonly onProgress?: (part: number) => void;
}

export interface DbnFlowCounts {
  /** Records of the instrument, and those of others that were passed over. */
  messages: number;
  others: number;
  executions: number;
  /** Fills of orders that were not the ones to trade. */
  outOfTurn: number;
  /** New orders that could trade at once; an exchange lets them. */
  crossing: number;
  /** Records that name an order never announced, or take more than is open. */
  misfits: number;
}

/** What is at the exchange of a recorded order. */
interface Live {
  readonly orderId: number;
  readonly side: number;
  price: number;
  open: number;
  /** With executions, as the exchange counts. */
  total: number;
  /** Executed there, and still to be told by the recording as a cancel or modify. */
  ahead: number;
}

export class DbnFlow implements OrderFlow {
  readonly request = emptyRequest();
  lastOrderId: number;
  readonly counts: DbnFlowCounts = { messages: 0, others: 0, executions: 0, outOfTurn: 0, crossing: 0, misfits: 0 };
  readonly #books = new DbnBooks(ORDERS_MAX, 1);
  readonly #live = new Map<bigint, Live>();
  readonly #requests = new RequestList();
  readonly #units: PriceUnits;
  #instrument: number | null;

  /** Reads the recording. A RecordingError for what is none, or has no such instrument. */
  static async read(options: DbnFlowOptions): Promise<DbnFlow> {
    const flow = new DbnFlow(options);
    const source = new RecordingSource(options.path);
    const reader = new DbnReader(options.path, (view, at) => flow.#onRecord(view, at));
    for await (const piece of source) {
      reader.push(piece);
      options.onProgress?.(source.bytesRead / source.fileBytes);
    }
    reader.finish();
    if (flow.counts.messages > 0) return flow;
    const wanted = options.instrument === undefined ? 'market-by-order records' : `records of instrument ${options.instrument}`;
    throw new RecordingError(options.path, -1, `expected ${wanted}, was none`);
  }

  private constructor({ path, instrument, priceDecimals = 2, firstOrderId = 1 }: DbnFlowOptions) {
    this.#instrument = instrument ?? null;
    this.#units = new PriceUnits(path, DBN_PRICE_SCALE, priceDecimals);
    this.lastOrderId = firstOrderId - 1;
  }

  get name(): string {
    return `dbn instrument ${this.#instrument ?? 0}`;
  }

  get messages(): number {
    return this.#requests.taken;
  }

  get messagesTotal(): number {
    return this.#requests.count;
  }

  /** The instrument's book at the end of the recording; `units` makes prices of the exchange of its ticks. */
  get book(): MarketView {
    return this.#books.books.view;
  }

  units(ticks: number): number {
    return this.#units.of(ticks * this.#books.instruments[BOOK].unit);
  }

  next(): boolean {
    return this.#requests.next(this.request);
  }

  close(): void {
    this.#requests.close();
  }

  // ── reading ────────────────────────────────────────────────────────────────────────────────

  #onRecord(view: DataView, at: number): void {
    if (Dbn.type(view, at) !== DbnType.Mbo) return;
    this.#instrument ??= Dbn.instrument(view, at);
    if (Dbn.instrument(view, at) !== this.#instrument) {
      this.counts.others++;
      return;
    }
    this.counts.messages++;
    const id = Dbn.order(view, at);
    const inTurn = Dbn.action(view, at) === DbnAction.Fill && this.#inTurn(id);
    this.#books.onRecord(view, at);
    const timeNs = Dbn.eventTime(view, at);
    const size = Dbn.size(view, at);
    switch (Dbn.action(view, at)) {
      case DbnAction.Add: return this.#enter(timeNs, id);
      case DbnAction.Cancel: return this.#shrink(timeNs, id, size);
      case DbnAction.Modify: return this.#amend(timeNs, id);
      case DbnAction.Fill: return this.#fill(timeNs, id, size, inTurn);
      case DbnAction.Clear:
        for (const live of this.#live.values()) this.#requests.add(timeNs, RequestKind.Cancel, live.orderId, live.side, 0, 0);
        this.#live.clear();
        return;
      default: // trades, and what changes nothing
    }
  }

  /** The first order of its side that is not executed already. */
  #inTurn(id: bigint): boolean {
    const order = this.#live.get(id);
    if (order === undefined) return false;
    const { book } = this;
    for (let at = book.firstOrder(BOOK, order.side); at !== 0; at = book.orderAfter(at)) {
      const first = BigInt(book.orderIdHigh(at)) * 0x1_0000_0000n + BigInt(book.orderIdLow(at));
      if (first === id) return true;
      if ((this.#live.get(first)?.open ?? 0) > 0) return false;
    }
    return false;
  }

  /** An order as the recorded book has it now; null: it has none. */
  #recorded(id: bigint): { readonly side: number; readonly ticks: number; readonly qty: number } | null {
    const { book } = this;
    const at = book.orderNamed(Number(id & 0xffff_ffffn), Number(id >> 32n));
    if (at === 0) return null;
    const side = book.orderSide(at);
    return { side, ticks: book.orderPrice(at, side), qty: book.orderQty(at) };
  }

  #enter(timeNs: number, id: bigint): void {
    const order = this.#recorded(id);
    if (order === null || this.#live.has(id)) return this.#misfit();
    if (this.#books.books.crossed(BOOK)) this.counts.crossing++;
    const { side, qty } = order;
    const price = this.units(order.ticks);
    const orderId = ++this.lastOrderId;
    this.#live.set(id, { orderId, side, price, open: qty, total: qty, ahead: 0 });
    this.#requests.add(timeNs, RequestKind.New, orderId, side, price, qty);
  }

  #fill(timeNs: number, id: bigint, qty: number, inTurn: boolean): void {
    const order = this.#live.get(id);
    if (order === undefined || qty > order.open) return this.#misfit();
    this.counts.executions++;
    if (!inTurn) {
      this.counts.outOfTurn++; // its cancel comes behind
      return;
    }
    order.open -= qty;
    order.ahead += qty;
    const side = order.side === Side.Buy ? Side.Sell : Side.Buy;
    this.#requests.add(timeNs, RequestKind.Immediate, ++this.lastOrderId, side, order.price, qty);
  }

  #shrink(timeNs: number, id: bigint, qty: number): void {
    const order = this.#live.get(id);
    if (order === undefined) return this.#misfit();
    const executed = Math.min(order.ahead, qty);
    order.ahead -= executed;
    this.#take(timeNs, order, qty - executed);
    if (order.open === 0 && order.ahead === 0) this.#live.delete(id);
  }

  #take(timeNs: number, order: Live, qty: number): void {
    if (qty === 0) return;
    if (qty > order.open) return this.#misfit();
    order.open -= qty;
    order.total -= qty;
    if (order.open > 0) this.#requests.add(timeNs, RequestKind.Modify, order.orderId, order.side, order.price, order.total);
    else this.#requests.add(timeNs, RequestKind.Cancel, order.orderId, order.side, 0, 0);
  }

  #amend(timeNs: number, id: bigint): void {
    const order = this.#live.get(id);
    const recorded = this.#recorded(id);
    if (order === undefined || recorded === null) return this.#misfit();
    const price = this.units(recorded.ticks);
    order.ahead = 0; // its quantity says what is left
    if (price === order.price && recorded.qty === order.open) return;
    order.total += recorded.qty - order.open;
    order.open = recorded.qty;
    order.price = price;
    this.#requests.add(timeNs, RequestKind.Modify, order.orderId, order.side, price, order.total);
  }

  #misfit(): void {
    this.counts.misfits++;
  }
}
