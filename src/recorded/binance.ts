// The book of Binance's public streams as they were received (binance_lines.ts has their form).
//
//   snapshot, differences ─► levels of the book ─┐
//   best prices ─────────────────────────────────┴─► equal?
//
// The book is the snapshot and the differences behind it: the first that reaches beyond the snapshot, then each whose `pu`
// is the `u` before. A difference that does not follow is a gap, and the book waits for the next snapshot. The stream of
// best prices comes from elsewhere and carries the same numbers: where a difference ends, the book's best prices and
// quantities must be those of the last best-price message up to that number.
//
// A level is one order of the core's book. Prices and quantities are exact: as integers of the finest decimals that
// the recording's own texts have. Cost: some 30 µs a line, which is JSON's. Limits: prices and quantities of 31 and 32 bits
// in those units.
import { MarketView, PRICE_TICKS_NONE } from '../book/market_view.ts';
import { type BinanceBest, type BinanceDifference, type BinanceLevel, type BinanceLine, BinanceLines, type BinanceSnapshot, shown } from './binance_lines.ts';

export interface BinanceCounts {
  differences: number;
  tickers: number;
  trades: number;
  snapshots: number;
  /** Differences that were older than the snapshot. */
  stale: number;
  applied: number;
  gaps: number;
  /** Books compared with the stream of best prices, and those that were equal in price and quantity. */
  compared: number;
  agreed: number;
  others: number;
}

export interface BinanceOptions {
  /** Decimals of prices and quantities; more in the recording (other than zeros) are an error. */
  readonly priceDecimals: number;
  readonly qtyDecimals: number;
  readonly levelsMax?: number;
  /** Told of each level that a difference or a snapshot has set. */
  readonly onLevel?: (side: number, price: number) => void;
}

const LEVELS_DEFAULT = 1 << 16;
const DIFFERENCES_SHOWN = 10;
const SELL_IDS = 0x8000_0000;

export class BinanceBook {
  readonly view: MarketView;
  readonly counts: BinanceCounts = {
    differences: 0, tickers: 0, trades: 0, snapshots: 0, stale: 0, applied: 0, gaps: 0, compared: 0, agreed: 0, others: 0,
  };
  /** Of books that differed from the best prices: the first few, for people. */
  readonly disagreements: string[] = [];
  firstTimeNs = 0n;
  lastTimeNs = 0n;
  readonly #lines: BinanceLines;
  readonly #options: BinanceOptions;
  /** Number of the line being taken. */
  #line = 0;
  #priority = 0;
  /** Of the book; 0: no snapshot yet, or a gap since. */
  #updateId = 0;
  /** Differences that came before the snapshot. */
  #early: BinanceDifference[] = [];
  /** Best prices by update number, as received; those up to the book's are compared and dropped. */
  #tickers: BinanceBest[] = [];
  #waiting: { u: number; text: string }[] = [];

  constructor(path: string, options: BinanceOptions) {
    this.#lines = new BinanceLines(path);
    this.#options = options;
    this.view = new MarketView({
      instruments: [{ minPrice: 0, maxPrice: 2 ** 31 - 1 }], ordersMax: options.levelsMax ?? LEVELS_DEFAULT, viewLevels: 0,
    });
  }

  /** One line without its line feed. Throws RecordingError with the line's number. */
  line(text: string): void {
    this.take(this.parse(text));
  }

  /** The message of a line, for who wants to look at it, or to wait, before the book takes it. */
  parse(text: string): BinanceLine {
    return this.#lines.parse(text);
  }

  /** About a line that was handed out: throws a RecordingError. */
  fail(what: string, { line }: BinanceLine): never {
    this.#lines.fail(what, line);
  }

  take(line: BinanceLine): void {
    const { counts } = this;
    this.#line = line.line;
    this.lastTimeNs = line.timeNs;
    if (this.firstTimeNs === 0n) this.firstTimeNs = line.timeNs;
    switch (line.kind) {
      case 'snapshot':
        return this.#snapshot(line.message);
      case 'difference':
        counts.differences++;
        if (this.#updateId === 0) this.#early.push(line.message);
        else this.#difference(line.message);
        return;
      case 'best':
        counts.tickers++;
        this.#tickers.push(line.message);
        return this.#compareWaiting(line.message.u);
      case 'trade':
        counts.trades++;
        this.view.trade(0, this.price(line.message.p), this.qty(line.message.q));
        return;
      default:
        counts.others++;
    }
  }

  get lines(): number {
    return this.#lines.lines;
  }

  /** What stands at a price; 0: nothing. */
  qtyAt(side: number, price: number): number {
    const at = this.view.orderNamed(levelId(side, price), 0);
    return at === 0 ? 0 : this.view.orderQty(at);
  }

  /** At the end of the recording. */
  finish(): void {
    this.#compareWaiting(Infinity);
  }

  #snapshot({ lastUpdateId, bids, asks }: BinanceSnapshot): void {
    this.counts.snapshots++;
    this.view.clear(0);
    this.#levels(1, bids);
    this.#levels(-1, asks);
    this.#updateId = lastUpdateId;
    const early = this.#early;
    this.#early = [];
    let following = false;
    for (const difference of early) {
      if (difference.u < lastUpdateId) this.counts.stale++;
      else if (following) this.#difference(difference);
      else following = this.#first(difference, lastUpdateId);
    }
  }

  /** The first difference that reaches beyond the snapshot must begin within it. */
  #first(difference: BinanceDifference, lastUpdateId: number): boolean {
    if (difference.U > lastUpdateId + 1) {
      this.#gap(difference);
      return false;
    }
    this.#apply(difference);
    return true;
  }

  #difference(difference: BinanceDifference): void {
    if (this.#updateId === 0) this.#early.push(difference);
    else if (difference.u < this.#updateId) this.counts.stale++;
    else if (difference.pu === this.#updateId || (difference.U <= this.#updateId + 1 && difference.u > this.#updateId)) {
      this.#apply(difference);
    } else this.#gap(difference);
  }

  #gap(difference: BinanceDifference): void {
    this.counts.gaps++;
    this.#updateId = 0;
    this.#early = [difference];
  }

  #apply({ u, b, a }: BinanceDifference): void {
    this.#levels(1, b);
    this.#levels(-1, a);
    this.#updateId = u;
    this.counts.applied++;
    const { view } = this;
    view.readTop(0);
    if (view.bidTicks === PRICE_TICKS_NONE || view.askTicks === PRICE_TICKS_NONE) return;
    this.#waiting.push({ u, text: [view.bidTicks, view.bidQty, view.askTicks, view.askQty].join(' ') });
    this.#compareWaiting(this.#tickers.at(-1)?.u ?? 0);
  }

  /** Best prices are known up to `known`: compares the books of earlier numbers. */
  #compareWaiting(known: number): void {
    while (this.#waiting.length > 0 && this.#waiting[0].u <= known) {
      const { u, text } = this.#waiting.shift()!;
      while (this.#tickers.length > 1 && this.#tickers[1].u <= u) this.#tickers.shift();
      const ticker = this.#tickers[0];
      if (ticker === undefined || ticker.u > u) continue; // nothing was known of the best prices then
      const expected = [this.price(ticker.b), this.qty(ticker.B), this.price(ticker.a), this.qty(ticker.A)].join(' ');
      this.counts.compared++;
      if (expected === text) this.counts.agreed++;
      else if (this.disagreements.length < DIFFERENCES_SHOWN) this.disagreements.push(`update ${u}: expected ${expected}, was ${text}`);
    }
  }

  #levels(side: number, levels: readonly BinanceLevel[]): void {
    for (const [priceText, qtyText] of levels) {
      const price = this.price(priceText);
      const qty = this.qty(qtyText);
      const id = levelId(side, price);
      if (qty === 0) this.view.cancel(0, id, 0);
      else if (!this.view.modify(0, id, 0, qty) && !this.view.add(0, side, price, qty, id, 0, ++this.#priority, 0)) {
        this.#lines.fail(`expected room for a level at ${priceText}, was a full book`, this.#line);
      }
      this.#options.onLevel?.(side, price);
    }
  }

  /** A price or quantity of the line taken last, in the book's units. */
  price(text: string): number {
    return this.#integer(text, this.#options.priceDecimals, 2 ** 31 - 2);
  }

  qty(text: string): number {
    return this.#integer(text, this.#options.qtyDecimals, 2 ** 32 - 1);
  }

  /** "61800.20" with two decimals as 6180020. */
  #integer(text: string, decimals: number, max: number): number {
    const match = /^(\d+)(?:\.(\d*?)0*)?$/.exec(text);
    const fraction = match?.[2] ?? '';
    const value = match === null ? Number.NaN : Number(match[1] + fraction.padEnd(decimals, '0'));
    if (fraction.length > decimals || !(value <= max)) {
      this.#lines.fail(`expected a number of at most ${decimals} decimals up to ${max} of them, was ${shown(text)}`, this.#line);
    }
    return value;
  }
}

/** The name of a level's order, below 2^32. */
export function levelId(side: number, price: number): number {
  return side > 0 ? price + 1 : price + 1 + SELL_IDS;
}
