// One stock of an ITCH day as order flow for a running exchange: requests that make its book what the recording says,
// message by message, with trades where it has trades.
//
//   A F ─► new · X ─► modify to the smaller total (which includes executions), or cancel · D ─► cancel
//   U ─► cancel, then new · E C ─► an immediate order of the other side, where the order named is the one that would
//   trade: first at the best price; else (a cross, a print out of turn) the order shrinks without a trade, counted
//   P Q B and the rest ─► nothing; H ─► counted
//
// The day is read once and its requests are kept, 34 bytes each, so that a replay waits for no disk. Orders that the
// recording names and never announced are counted and change nothing (recorded_books.ts).
//
// Cost: some microseconds a message when it is read, nothing when it is replayed. Limit: REQUESTS_MAX (request_list.ts).
import { Side } from '../book/types.ts';
import { Itch, ITCH_BYTES, ItchReader, ItchType, ITCH_PRICE_SCALE } from './itch.ts';
import { ItchBooks, REF_END } from './itch_books.ts';
import { emptyRequest, type OrderFlow, RequestKind } from './order_flow.ts';
import { PriceUnits } from './price_units.ts';
import { RequestList } from './request_list.ts';
import { RecordingError, RecordingSource } from './recording_source.ts';
import type { MarketView } from '../book/market_view.ts';

const ORDERS_MAX = 1 << 20;
const BOOK = 0;

export interface ItchFlowOptions {
  readonly path: string;
  readonly symbol: string;
  /** Decimals of the instrument's price at the exchange: 2 = cents. */
  readonly priceDecimals?: number;
  /** Client order id of the first order. */
  readonly firstOrderId?: number;
  /** Told how much of the file has been read, 0 … 1. */
  readonly onProgress?: (part: number) => void;
}

export interface ItchFlowCounts {
  /** Messages of the stock. */
  messages: number;
  executions: number;
  /** Executions of orders that were not the ones to trade. */
  outOfTurn: number;
  /** New orders that could trade at once; an exchange lets them. */
  crossing: number;
  halts: number;
  /** Messages that name an order never announced, or take more than is open. */
  misfits: number;
}

/** What is at the exchange of a recorded order. */
interface Live {
  readonly orderId: number;
  readonly side: number;
  readonly price: number;
  open: number;
  /** With executions, as the exchange counts. */
  total: number;
}

export class ItchFlow implements OrderFlow {
  readonly name: string;
  readonly request = emptyRequest();
  lastOrderId: number;
  readonly counts: ItchFlowCounts = { messages: 0, executions: 0, outOfTurn: 0, crossing: 0, halts: 0, misfits: 0 };
  readonly #books: ItchBooks;
  readonly #live = new Map<bigint, Live>();
  readonly #requests = new RequestList();
  readonly #units: PriceUnits;

  /** Reads the day. A RecordingError for what is no recording, or has no such stock. */
  static async read(options: ItchFlowOptions): Promise<ItchFlow> {
    const flow = new ItchFlow(options);
    const source = new RecordingSource(options.path);
    const reader = new ItchReader((view, at) => flow.#onMessage(view, at));
    for await (const piece of source) {
      reader.push(piece);
      options.onProgress?.(source.bytesRead / source.fileBytes);
    }
    reader.finish();
    if (flow.#books.instruments.length > 0) return flow;
    throw new RecordingError(options.path, -1, `expected messages of ${options.symbol}, was none`);
  }

  private constructor({ path, priceDecimals = 2, firstOrderId = 1, symbol }: ItchFlowOptions) {
    this.#units = new PriceUnits(path, ITCH_PRICE_SCALE, priceDecimals);
    this.name = `itch ${symbol}`;
    this.lastOrderId = firstOrderId - 1;
    this.#books = new ItchBooks({ symbols: [symbol], ordersMax: ORDERS_MAX });
  }

  get messages(): number {
    return this.#requests.taken;
  }

  get messagesTotal(): number {
    return this.#requests.count;
  }

  /** The stock's book at the end of the recording, prices in 1/10,000 dollar. */
  get book(): MarketView {
    return this.#books.books.view;
  }

  /** Units of the exchange's price of a recorded one. */
  units(price: number): number {
    return this.#units.of(price);
  }

  next(): boolean {
    return this.#requests.next(this.request);
  }

  close(): void {
    this.#requests.close();
  }

  // ── reading ────────────────────────────────────────────────────────────────────────────────

  #onMessage(view: DataView, at: number): void {
    const before = this.#books.instruments[BOOK]?.messages ?? 0;
    const type = Itch.type(view, at);
    if (ITCH_BYTES[type] < REF_END) return; // of no order
    const ref = Itch.ref(view, at);
    const inTurn = this.#inTurn(ref);
    const changed = this.#books.onMessage(view, at) === BOOK;
    if ((this.#books.instruments[BOOK]?.messages ?? 0) === before) return; // of another stock
    this.counts.messages++;
    const timeNs = Itch.timeNs(view, at);
    switch (type) {
      case ItchType.Add:
      case ItchType.AddAttributed:
        if (!changed) return this.#misfit();
        return this.#enter(timeNs, ref, Itch.side(view, at), Itch.price(view, at), Itch.shares(view, at));
      case ItchType.Executed:
      case ItchType.ExecutedAt:
        return this.#execute(timeNs, ref, Itch.takenShares(view, at), inTurn);
      case ItchType.Canceled:
        return this.#shrink(timeNs, ref, Itch.takenShares(view, at));
      case ItchType.Deleted:
        return this.#remove(timeNs, ref);
      case ItchType.Replaced: {
        const old = this.#live.get(ref);
        this.#remove(timeNs, ref);
        if (old !== undefined && changed) {
          this.#enter(timeNs, Itch.newRef(view, at), old.side, Itch.newPrice(view, at), Itch.newShares(view, at));
        }
        return;
      }
      case ItchType.TradingAction:
        if (Itch.tradingState(view, at) !== 'T') this.counts.halts++;
        return;
      default: // nothing that the visible book would show
    }
  }

  /** It is the first order of the best price of its side: who comes trades with it. */
  #inTurn(ref: bigint): boolean {
    const order = this.#live.get(ref);
    if (order === undefined) return false;
    const { view } = this.#books.books;
    const first = view.firstOrder(BOOK, order.side);
    return first !== 0 && BigInt(view.orderIdHigh(first)) * 0x1_0000_0000n + BigInt(view.orderIdLow(first)) === ref;
  }

  #enter(timeNs: number, ref: bigint, side: number, price: number, qty: number): void {
    const { view } = this.#books.books;
    view.readTop(BOOK);
    if (view.bidQty > 0 && view.askQty > 0 && view.bidTicks >= view.askTicks) this.counts.crossing++;
    const orderId = ++this.lastOrderId;
    this.#live.set(ref, { orderId, side, price, open: qty, total: qty });
    this.#requests.add(timeNs, RequestKind.New, orderId, side, this.units(price), qty);
  }

  #execute(timeNs: number, ref: bigint, qty: number, inTurn: boolean): void {
    const order = this.#live.get(ref);
    if (order === undefined || qty > order.open) return this.#misfit();
    this.counts.executions++;
    if (!inTurn) {
      this.counts.outOfTurn++;
      return this.#shrink(timeNs, ref, qty);
    }
    order.open -= qty;
    if (order.open === 0) this.#live.delete(ref);
    const side = order.side === Side.Buy ? Side.Sell : Side.Buy;
    this.#requests.add(timeNs, RequestKind.Immediate, ++this.lastOrderId, side, this.units(order.price), qty);
  }

  #shrink(timeNs: number, ref: bigint, qty: number): void {
    const order = this.#live.get(ref);
    if (order === undefined || qty > order.open) return this.#misfit();
    if (qty === order.open) return this.#remove(timeNs, ref);
    order.open -= qty;
    order.total -= qty;
    this.#requests.add(timeNs, RequestKind.Modify, order.orderId, order.side, this.units(order.price), order.total);
  }

  #remove(timeNs: number, ref: bigint): void {
    const order = this.#live.get(ref);
    if (order === undefined) return this.#misfit();
    this.#live.delete(ref);
    this.#requests.add(timeNs, RequestKind.Cancel, order.orderId, order.side, 0, 0);
  }

  #misfit(): void {
    this.counts.misfits++;
  }
}
