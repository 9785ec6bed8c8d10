// A market that was never traded: books of LEVELS levels a side around a price that wanders, from a seed. For the page's
// tests, which want a thousand updates a second without an exchange.
import { Prng } from '../../src/base/prng.ts';
import { TRADES_MAX, type InstrumentInfo, type Level, type MarketMessage, type MarketTrade } from '../../src/observe/dashboard/messages.ts';

const LEVELS = 50;
const QTY_MAX = 900;

interface Resting {
  qty: number;
  orders: number;
}

export class FixtureMarket {
  readonly instrument: InstrumentInfo;
  readonly #random: Prng;
  /** By price; what is missing has nothing. */
  readonly #resting = new Map<number, Resting>();
  /** The best bid, in ticks; the best ask is one above, or two. */
  #bidTicks: number;
  #spreadTicks = 1;
  #updates = 0;
  #lastPrice: number;
  readonly #trades: MarketTrade[] = [];
  #tradeId = 0;

  constructor(instrument: InstrumentInfo, priceTicks: number, seed: number) {
    this.instrument = instrument;
    this.#random = new Prng(seed);
    this.#bidTicks = priceTicks;
    this.#lastPrice = priceTicks * instrument.tickSize;
  }

  /** Trades of the last minutes, for who comes later. */
  past(atMs: number, trades: number, stepMs: number): void {
    for (let i = trades; i > 0; i--) {
      for (let j = 0; j < 6; j++) this.update(atMs - i * stepMs);
      this.#trade(atMs - i * stepMs);
    }
  }

  /** One order comes, goes or trades. */
  update(atMs: number): void {
    this.#updates++;
    const what = this.#random.u32() % 100;
    if (what < 4) this.#trade(atMs);
    else if (what < 6) this.#move();
    else this.#change();
  }

  /** `after`: the last trade that is known there. */
  message(atMs: number, levels: number, after: number): MarketMessage {
    const { ticker } = this.instrument;
    return {
      type: 'market', ticker, atMs, updates: this.#updates, fresh: true, lastPrice: this.#lastPrice,
      bids: this.#side(-1, levels), asks: this.#side(1, levels), trades: this.#trades.filter(({ id }) => id > after),
    };
  }

  /** The best prices of either side. */
  get best(): { readonly bid: number; readonly ask: number } {
    const { tickSize } = this.instrument;
    return { bid: this.#bidTicks * tickSize, ask: (this.#bidTicks + this.#spreadTicks) * tickSize };
  }

  #side(sign: number, levels: number): Level[] {
    const { tickSize } = this.instrument;
    const best = sign < 0 ? this.#bidTicks : this.#bidTicks + this.#spreadTicks;
    return Array.from({ length: Math.min(levels, LEVELS) }, (_, i): Level => {
      const ticks = best + sign * i;
      const { qty, orders } = this.#at(ticks);
      return [ticks * tickSize, qty, orders];
    });
  }

  #at(ticks: number): Resting {
    let resting = this.#resting.get(ticks);
    if (resting === undefined) {
      const away = Math.min(Math.abs(ticks - this.#bidTicks), 20);
      resting = { qty: 20 + (this.#random.u32() % (QTY_MAX / 3 + 25 * away)), orders: 1 + (this.#random.u32() % 12) };
      this.#resting.set(ticks, resting);
    }
    return resting;
  }

  /** Most of what happens, happens near the best price. */
  #change(): void {
    const away = Math.floor((this.#random.u32() % 1000) ** 2 / 1_000_000 * 24);
    const ticks = this.#random.u32() % 2 === 0 ? this.#bidTicks - away : this.#bidTicks + this.#spreadTicks + away;
    const resting = this.#at(ticks);
    const by = 1 + (this.#random.u32() % 60);
    const more = this.#random.u32() % QTY_MAX >= resting.qty;
    resting.qty = Math.max(1, resting.qty + (more ? by : -by));
    resting.orders = Math.max(1, resting.orders + (more ? 1 : -1));
  }

  #move(): void {
    this.#bidTicks += (this.#random.u32() % 2) * 2 - 1;
    this.#spreadTicks = 1 + (this.#random.u32() % 5 === 0 ? 1 : 0);
  }

  #trade(atMs: number): void {
    const bought = this.#random.u32() % 2 === 0;
    const price = bought ? this.best.ask : this.best.bid;
    this.#lastPrice = price;
    this.#trades.push({ id: ++this.#tradeId, atMs, side: bought ? 1 : -1, price, qty: 1 + (this.#random.u32() % 120) });
    if (this.#trades.length > TRADES_MAX) this.#trades.shift();
  }
}
