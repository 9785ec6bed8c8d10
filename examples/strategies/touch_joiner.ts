// Joins the best bid while buyers are the aggressive side and the best ask while sellers are, and
// offers at the other side what it has got. After a fill it stays out for a while.
import { Side } from 'outcry';
import type { Desk, Strategy, StrategyParameters, TraderInstruments } from 'outcry';

export const parameters = {
  size: { default: 10, unit: 'quantity', min: 1, max: 1e6, whole: true, about: 'of each quote' },
  ratio: { default: 0.2, unit: '', min: 0, max: 1, about: 'joins while the flow leans this far' },
  pauseMs: { default: 500, unit: 'ms', min: 0, max: 60_000, about: 'stays out after a fill' },
};

class TouchJoiner implements Strategy {
  readonly name = 'touch-joiner';
  readonly #size: number;
  readonly #ratio: number;
  readonly #pauseNs: number;
  /** By book: no new quote before this time. Made once; callbacks allocate nothing. */
  readonly #outUntilNs: Float64Array;

  constructor({ size, ratio, pauseMs }: StrategyParameters, instruments: TraderInstruments) {
    this.#size = size;
    this.#ratio = ratio;
    this.#pauseNs = pauseMs * 1_000_000;
    this.#outUntilNs = new Float64Array(instruments.count);
  }

  onMarketData(book: number, desk: Desk): void {
    const { features } = desk;
    const stays = features.known(book) && desk.nowNs >= this.#outUntilNs[book];
    const flow = stays ? features.tradeRatio(book) : 0;
    const position = stays ? desk.positions.position(book) : 0;
    const bidQty = position < 0 ? -position : position === 0 && flow > this.#ratio ? this.#size : 0;
    const askQty = position > 0 ? position : position === 0 && flow < -this.#ratio ? this.#size : 0;
    this.#quote(desk, book, Side.Buy, features.bidTicks(book), bidQty);
    this.#quote(desk, book, Side.Sell, features.askTicks(book), askQty);
  }

  onFill(book: number, _id: number, _side: number, _price: number, _qty: number, desk: Desk): void {
    this.#outUntilNs[book] = desk.nowNs + this.#pauseNs;
    this.onMarketData(book, desk);
  }

  /** A change only where there is one: what stands keeps its place in the queue. */
  #quote(desk: Desk, book: number, side: number, priceTicks: number, qty: number): void {
    const wanted = Math.min(qty, desk.maxOrderQty(book));
    if (wanted === 0 && desk.quoteQty(book, side) === 0) return;
    if (wanted > 0 && desk.quoteTicks(book, side) === priceTicks) return;
    desk.quote(book, side, priceTicks, wanted);
  }
}

export default (given: StrategyParameters, instruments: TraderInstruments): Strategy =>
  new TouchJoiner(given, instruments);
