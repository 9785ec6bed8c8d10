// A symbol of Binance's public streams as order flow for a running exchange: requests that make its book the recorded one
// at each difference, with a trade where the recording has one.
//
//   snapshot, difference ─► of each level named, what the exchange holds now beside what it must hold:
//                           less ─► modify to the smaller total (which includes executions), or cancel
//                           more ─► modify to the larger total, or new, when all that shrinks has shrunk
//   trade ─► an immediate order of its quantity at its price on the taker's side
//   best prices and the rest ─► nothing
//
// A level is one order: such a recording knows no queue, and an order that grows stands behind all others of its price.
//
// A difference says quantities, not changes, and names what happened to a level since the one before, its trades included.
// So no quantity is taken twice: a trade takes it, the difference behind finds it gone. Which trades a difference includes is
// said by the times of the exchange's own clock (T, else E): those up to its own. They come over another
// connection, some too early, some too late; so a difference waits until the next one is there.
//
// Between two differences the book is not known. A trade at a price says: nothing better was left on its side, and
// its quantity stood there. Where our book says otherwise it is brought to that first (`unseen`), so that each trade is one
// fill at its price; the difference behind sets right what of it did not last.
//
// Cost: JSON's when it is read, nothing when it is replayed. Limits: REQUESTS_MAX (request_list.ts); prices and quantities
// of 31 and 32 bits in units of the decimals given (binance.ts); times to the millisecond, as the exchange tells them; a snapshot
// names no symbol, so one recording has the snapshots of one.
import { assert } from '../base/assert.ts';
import { BinanceBook, levelId } from './binance.ts';
import { type BinanceLine, LineReader } from './binance_lines.ts';
import { emptyRequest, type OrderFlow, RequestKind } from './order_flow.ts';
import { RequestList } from './request_list.ts';
import { RecordingError, RecordingSource } from './recording_source.ts';
import { MarketView } from '../book/market_view.ts';

const LEVELS_MAX = 1 << 16;
/** The recorded ones, and those that trades tell of between two differences. */
const HELD_MAX = 2 * LEVELS_MAX;
const BOOK = 0;
const U32_MAX = 2 ** 32 - 1;
const PRICE_END = 2 ** 31 - 1;
/** What trades in the book, where the stream tells. */
const IN_BOOK = 'MARKET';

export interface BinanceFlowOptions {
  readonly path: string;
  /** Without, the first that the recording names. */
  readonly symbol?: string;
  /** Decimals of the instrument's price and of a quantity of 1 at the exchange; more in the recording are an error. */
  readonly priceDecimals?: number;
  readonly qtyDecimals?: number;
  /** Client order id of the first order. */
  readonly firstOrderId?: number;
  /** Told how much of the file has been read, 0 … 1. */
  readonly onProgress?: (part: number) => void;
  /** The recorded book has changed, and the requests so far lead to it. */
  readonly onBook?: (flow: BinanceFlow) => void;
}

export interface BinanceFlowCounts {
  /** Lines of the symbol, and those of others that were passed over. */
  messages: number;
  others: number;
  /** Differences and snapshots that the recorded book took. */
  books: number;
  gaps: number;
  trades: number;
  /** Of them: those whose quantity no difference had told of. */
  unseen: number;
  /** Trades before the first book, behind the last, and beside the book: no orders. */
  skipped: number;
  /** Recorded books whose sides crossed: what would have traded waits for a later one. */
  crossed: number;
}

type BookLine = Extract<BinanceLine, { kind: 'difference' | 'snapshot' }>;
type TradeLine = Extract<BinanceLine, { kind: 'trade' }>;

interface Trade {
  readonly eventMs: number;
  readonly timeNs: number;
  /** The taker's. */
  readonly side: number;
  readonly price: number;
  readonly qty: number;
}

/** The order of a level at the exchange. */
interface Level {
  readonly orderId: number;
  readonly side: number;
  readonly price: number;
  open: number;
  /** With executions, as the exchange counts. */
  total: number;
}

export class BinanceFlow implements OrderFlow {
  readonly request = emptyRequest();
  lastOrderId: number;
  readonly counts: BinanceFlowCounts = {
    messages: 0, others: 0, books: 0, gaps: 0, trades: 0, unseen: 0, skipped: 0, crossed: 0,
  };
  readonly #options: BinanceFlowOptions;
  readonly #recorded: BinanceBook;
  readonly #requests = new RequestList();
  #symbol: string | null;
  /** What the exchange holds: the orders of its levels by name, and the levels' prices, best first. */
  readonly #levels = new Map<number, Level>();
  readonly #prices = new MarketView({ instruments: [{ minPrice: 0, maxPrice: PRICE_END }], ordersMax: HELD_MAX, viewLevels: 0 });
  /** Levels that may differ from the recorded ones, by name. */
  readonly #touched = new Map<number, { readonly side: number; readonly price: number }>();
  /** The difference or snapshot that was received last, and when it happened. */
  #waiting: BookLine | null = null;
  #waitingMs = 0;
  #trades: Trade[] = [];
  /** The latest time that a message told. */
  #latestMs = 0;
  #startNs = -1n;

  /** Reads the recording. A RecordingError for what is none, or has no book of the symbol. */
  static async read(options: BinanceFlowOptions): Promise<BinanceFlow> {
    const flow = new BinanceFlow(options);
    const source = new RecordingSource(options.path);
    const reader = new LineReader(options.path, (line) => flow.#onLine(line));
    for await (const piece of source) {
      reader.push(piece);
      options.onProgress?.(source.bytesRead / source.fileBytes);
    }
    reader.finish();
    flow.#finish();
    if (flow.counts.books > 0 && flow.#recorded.counts.differences > 0) return flow;
    throw new RecordingError(options.path, -1, `expected a snapshot and differences of ${flow.#symbol ?? 'a symbol'}, was none`);
  }

  private constructor(options: BinanceFlowOptions) {
    const { path, symbol, priceDecimals = 2, qtyDecimals = 3, firstOrderId = 1 } = options;
    this.#options = options;
    this.#symbol = symbol ?? null;
    this.#recorded = new BinanceBook(path, {
      priceDecimals, qtyDecimals, levelsMax: LEVELS_MAX, onLevel: (side, price) => this.#touch(side, price),
    });
    this.lastOrderId = firstOrderId - 1;
  }

  get name(): string {
    return `binance ${this.#symbol ?? ''}`;
  }

  get messages(): number {
    return this.#requests.taken;
  }

  get messagesTotal(): number {
    return this.#requests.count;
  }

  /** The recorded book as of the last difference, in the exchange's units. */
  get book(): MarketView {
    return this.#recorded.view;
  }

  next(): boolean {
    return this.#requests.next(this.request);
  }

  close(): void {
    this.#requests.close();
  }

  // ── reading ────────────────────────────────────────────────────────────────────────────────

  #onLine(text: string): void {
    const line = this.#recorded.parse(text);
    this.#symbol ??= line.symbol === '' ? null : line.symbol;
    if (line.symbol !== '' && line.symbol !== this.#symbol) {
      this.counts.others++;
      return;
    }
    this.counts.messages++;
    if (this.#startNs < 0n) this.#startNs = line.timeNs;
    if (line.kind === 'difference' || line.kind === 'snapshot') {
      this.#settle();
      this.#waiting = line;
      this.#waitingMs = this.#eventTime(line);
      return;
    }
    this.#recorded.take(line);
    if (line.kind === 'trade') this.#trade(line);
  }

  #trade(line: TradeLine): void {
    const { p, q, m, X = IN_BOOK } = line.message;
    const [price, qty] = [this.#recorded.price(p), this.#recorded.qty(q)];
    if (X !== IN_BOOK || price === 0 || qty === 0) this.counts.skipped++;
    else this.#trades.push({ eventMs: this.#eventTime(line), timeNs: this.#receivedNs(line), side: m ? -1 : 1, price, qty });
  }

  #finish(): void {
    this.#settle();
    this.#recorded.finish();
    this.counts.gaps = this.#recorded.counts.gaps;
    this.counts.skipped += this.#trades.length;
    this.#trades = [];
  }

  /** All trades of the difference that waits are there: they, then what else it says. */
  #settle(): void {
    const line = this.#waiting;
    if (line === null) return;
    this.#waiting = null;
    const timeNs = this.#receivedNs(line);
    this.#executeUntil(this.#waitingMs, timeNs);
    const { counts } = this.#recorded;
    const before = counts.applied + counts.snapshots;
    this.#recorded.take(line);
    if (counts.applied + counts.snapshots === before) return; // stale, or behind a gap
    if (line.kind === 'snapshot') for (const { side, price } of this.#levels.values()) this.#touch(side, price);
    this.#agree(timeNs);
    this.counts.books++;
    this.#options.onBook?.(this);
  }

  #eventTime(line: BookLine | TradeLine): number {
    const { T, E } = line.message;
    const timeMs = T ?? E;
    if (timeMs === undefined) {
      // Snapshots are asked for, not streamed; spot's tell no time.
      if (line.kind === 'snapshot') return this.#latestMs;
      this.#recorded.fail(`expected a number as "E" of a ${line.kind}, was nothing`, line);
    }
    this.#latestMs = Math.max(this.#latestMs, timeMs);
    return timeMs;
  }

  /** Since the recording's first line. */
  #receivedNs(line: BinanceLine): number {
    return Number(line.timeNs - this.#startNs);
  }

  #touch(side: number, price: number): void {
    this.#touched.set(levelId(side, price), { side, price });
  }

  // ── requests ───────────────────────────────────────────────────────────────────────────────

  /** Trades of the book until then, those of no book yet passed over; none is due later than the difference behind. */
  #executeUntil(eventMs: number, timeNs: number): void {
    const later: Trade[] = [];
    for (const trade of this.#trades) {
      if (trade.eventMs > eventMs) later.push(trade);
      else if (this.counts.books === 0) this.counts.skipped++;
      else this.#execute(trade, Math.min(trade.timeNs, timeNs));
    }
    this.#trades = later;
  }

  #execute({ side, price, qty }: Trade, timeNs: number): void {
    const passive = -side;
    const requests = this.#requests.count;
    this.#clear(timeNs, passive, price);
    if ((this.#levels.get(levelId(passive, price))?.open ?? 0) < qty) {
      this.#clear(timeNs, side, price - side); // it would trade with what comes
      this.#set(timeNs, passive, price, qty);
    }
    this.counts.trades++;
    if (this.#requests.count > requests) this.counts.unseen++;
    this.#requests.add(timeNs, RequestKind.Immediate, ++this.lastOrderId, side, price, qty);
    const level = this.#levels.get(levelId(passive, price))!;
    this.#hold(level, level.open - qty);
    this.#touch(passive, price);
  }

  /** Takes away the side's levels that are better than `price`. */
  #clear(timeNs: number, side: number, price: number): void {
    for (;;) {
      const best = this.#prices.bestPrice(BOOK, side);
      if (best === null || (best - price) * side <= 0) return;
      this.#set(timeNs, side, best, 0);
      this.#touch(side, best);
    }
  }

  /** Makes the levels touched what is recorded: first what shrinks, so that nothing that comes meets what has left. */
  #agree(timeNs: number): void {
    for (const [id, { side, price }] of this.#touched) {
      const qty = this.#recorded.qtyAt(side, price);
      if (qty > (this.#levels.get(id)?.open ?? 0)) continue;
      this.#set(timeNs, side, price, qty);
      this.#touched.delete(id);
    }
    const { view } = this.#recorded;
    view.readTop(BOOK);
    if (view.bidQty > 0 && view.askQty > 0 && view.bidTicks >= view.askTicks) {
      this.counts.crossed++;
      return;
    }
    for (const { side, price } of this.#touched.values()) this.#set(timeNs, side, price, this.#recorded.qtyAt(side, price));
    this.#touched.clear();
  }

  /** The level has `qty` from now on. */
  #set(timeNs: number, side: number, price: number, qty: number): void {
    const level = this.#levels.get(levelId(side, price));
    if (level === undefined) {
      if (qty > 0) this.#enter(timeNs, side, price, qty);
      return;
    }
    if (qty === level.open) return;
    const total = level.total + qty - level.open;
    if (qty > 0 && total <= U32_MAX) {
      level.total = total;
      this.#requests.add(timeNs, RequestKind.Modify, level.orderId, side, price, total);
      this.#hold(level, qty);
      return;
    }
    this.#requests.add(timeNs, RequestKind.Cancel, level.orderId, side, 0, 0);
    this.#hold(level, 0);
    if (qty > 0) this.#enter(timeNs, side, price, qty); // executions had used its total up
  }

  #enter(timeNs: number, side: number, price: number, qty: number): void {
    const level = { orderId: ++this.lastOrderId, side, price, open: 0, total: qty };
    this.#levels.set(levelId(side, price), level);
    this.#requests.add(timeNs, RequestKind.New, level.orderId, side, price, qty);
    this.#hold(level, qty);
  }

  #hold(level: Level, qty: number): void {
    const { side, price } = level;
    const id = levelId(side, price);
    if (qty === 0) {
      this.#levels.delete(id);
      this.#prices.cancel(BOOK, id, 0);
    } else if (level.open === 0) assert(this.#prices.add(BOOK, side, price, qty, id, 0, 0, 0), 'there is room for a level more');
    level.open = qty;
  }
}
