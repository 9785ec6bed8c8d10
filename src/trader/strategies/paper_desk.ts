// A desk on paper, for tests of one strategy: everything that is asked for happens at once and is written down.
//
//   const desk = new PaperDesk();
//   const strategy = desk.make('market-maker', { half_spread: 20 });
//   desk.top(strategy, 9990, 10, 10_010, 10);   // → ['quote 0 buy 9980 100', 'quote 0 sell 10020 100']
//   desk.fill(strategy, Side.Buy, 9980, 40);    // → what the strategy does about it
//
// Each event comes a nanosecond after the last, or later by `afterMs`. Features and positions are the real
// ones; quotes live in a map. Risk is two limits that a test sets, and
// a reason to refuse everything for. What happens to orders on the way to an exchange and back is not here:
// tests on the strategy runner and the backtest have that. It allocates as it likes: no desk for trading.
import { assert } from '../../base/assert.ts';
import { isTif, Reason, Side, Tif } from '../../book/types.ts';
import { FeatureEngine } from '../features.ts';
import { PRICE_TICKS_NONE, TraderInstruments, plainInstruments, type TraderInstrument } from '../instruments.ts';
import { OrderStatus } from '../order_manager.ts';
import { PositionKeeper } from '../position_keeper.ts';
import type { StrategyDefinition } from './parameters.ts';
import { createStrategy, strategyNamed } from './strategies.ts';
import type { Desk, Strategy } from './strategy.ts';

const MS = 1_000_000;

interface Quote { readonly orderId: number; readonly ticks: number; readonly qty: number }

export class PaperDesk implements Desk {
  nowNs = 0;
  trading = true;
  /** Every order and quote is answered with this. */
  refusal: Reason = Reason.None;
  /** Of one order. */
  maxQty = 100;
  maxHeld = 1000;
  readonly instruments: TraderInstruments;
  readonly features: FeatureEngine;
  readonly positions: PositionKeeper;
  /** `quote 0 buy 9950 100`, `order 0 sell 10000 100 IOC`, `withdraw 0 buy`; ` refused` behind what was. */
  calls: string[] = [];
  readonly #quotes = new Map<string, Quote>();
  #lastOrderId = 0;

  constructor(list: readonly TraderInstrument[] = plainInstruments([1, 2, 3])) {
    this.instruments = new TraderInstruments(list);
    this.features = new FeatureEngine(this.instruments.count);
    this.positions = new PositionKeeper(this.instruments);
  }

  // ── Desk ───────────────────────────────────────────────────────────────────────────────────

  quote(book: number, side: number, priceTicks: number, qty: number): Reason {
    if (qty === 0) {
      this.calls.push(`withdraw ${book} ${sideText(side)}`);
      this.#quotes.delete(key(book, side));
      return Reason.None;
    }
    this.calls.push(`quote ${book} ${sideText(side)} ${priceTicks} ${qty}${this.#refusalText}`);
    if (this.refusal !== Reason.None) return this.refusal;
    this.#quotes.set(key(book, side), { orderId: ++this.#lastOrderId, ticks: priceTicks, qty });
    const [bid, ask] = [this.quoteTicks(book, Side.Buy), this.quoteTicks(book, Side.Sell)];
    assert(ask === PRICE_TICKS_NONE || bid < ask, 'no quote runs into our own on the other side');
    return Reason.None;
  }

  quoteTicks(book: number, side: number): number {
    return this.#quotes.get(key(book, side))?.ticks ?? PRICE_TICKS_NONE;
  }

  quoteQty(book: number, side: number): number {
    return this.#quotes.get(key(book, side))?.qty ?? 0;
  }

  order(book: number, side: number, priceTicks: number, qty: number, tif: number): number {
    this.calls.push(`order ${book} ${sideText(side)} ${priceTicks} ${qty} ${tifText(tif)}${this.#refusalText}`);
    if (!isTif(tif)) return -Reason.Unsupported;
    return this.refusal === Reason.None ? ++this.#lastOrderId : -this.refusal;
  }

  cancel(orderId: number): boolean {
    this.calls.push(`cancel ${orderId}`);
    return true;
  }

  cancelAll(book: number): void {
    this.calls.push(`cancel all ${book}`);
    this.#quotes.delete(key(book, Side.Buy));
    this.#quotes.delete(key(book, Side.Sell));
  }

  /** The touch is all there is. */
  depthQty(book: number, side: number, toPriceTicks: number): number {
    const { features } = this;
    if (side === Side.Buy) return features.askTicks(book) <= toPriceTicks ? features.askQty(book) : 0;
    return features.bidTicks(book) >= toPriceTicks ? features.bidQty(book) : 0;
  }

  maxOrderQty(_book: number): number {
    return this.maxQty;
  }

  maxPosition(_book: number): number {
    return this.maxHeld;
  }

  /** A strategy for the instruments of this desk: a built-in one by name, or one of yours. */
  make(strategy: string | StrategyDefinition, given: Readonly<Record<string, number | string>> = {}): Strategy {
    const definition = typeof strategy === 'string' ? strategyNamed(strategy) : strategy;
    if (definition !== undefined) return createStrategy(definition, this.instruments, given);
    throw new RangeError(`expected the name of a built-in strategy, was ${JSON.stringify(strategy)}`);
  }

  // ── what happens ───────────────────────────────────────────────────────────────────────────

  /** A new top of the book of `book`; returns what the strategy does about it, as the others do. */
  top(strategy: Strategy, bid: number, bidQty: number, ask: number, askQty: number, book = 0): string[] {
    this.nowNs++;
    this.features.onTop(book, bid, bidQty, ask, askQty);
    return this.during(() => strategy.onMarketData(book, this));
  }

  /** The quote of a side, or an order, trades. */
  fill(strategy: Strategy, side: number, priceTicks: number, qty: number, book = 0): string[] {
    const quote = this.#quotes.get(key(book, side));
    if (quote !== undefined && quote.qty > qty) this.#quotes.set(key(book, side), { ...quote, qty: quote.qty - qty });
    else this.#quotes.delete(key(book, side));
    this.nowNs++;
    this.positions.onFill(book, side, priceTicks, qty);
    return this.during(() => strategy.onFill?.(book, quote?.orderId ?? 1, side, priceTicks, qty, this));
  }

  /** The exchange ends the quotes of a book: a reject of what was sent. */
  reject(strategy: Strategy, reason: Reason, book = 0): string[] {
    this.#quotes.delete(key(book, Side.Buy));
    this.#quotes.delete(key(book, Side.Sell));
    return this.during(() => strategy.onOrder?.(book, this.#lastOrderId, OrderStatus.Done, reason, this));
  }

  accept(strategy: Strategy, book = 0): void {
    strategy.onOrder?.(book, this.#lastOrderId, OrderStatus.Live, Reason.None, this);
  }

  afterMs(ms: number): void {
    this.nowNs += ms * MS;
  }

  /** Gives a position, as if traded before. */
  hold(position: number, book = 0): void {
    const change = position - this.positions.position(book);
    if (change !== 0) this.positions.onFill(book, Math.sign(change), 10_000, Math.abs(change));
  }

  during(work: () => void): string[] {
    this.calls = [];
    work();
    return this.calls;
  }

  get #refusalText(): string {
    return this.refusal === Reason.None ? '' : ' refused';
  }
}

function key(book: number, side: number): string {
  return `${book} ${side}`;
}

/** GTC, IOC, …; what is none of them as it came. */
function tifText(tif: number): string {
  const name = Object.entries(Tif).find(([, value]) => value === tif)?.[0];
  return name === undefined ? `tif ${tif}` : name.toUpperCase();
}

function sideText(side: number): string {
  return side === Side.Buy ? 'buy' : 'sell';
}
