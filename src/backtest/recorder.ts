// What happened in a backtest: fills, the course of position and profit, and what they add up to.
//
// Profit is looked at after each fill and at each tick of the clock, marked at the middle of the
// book as the trader sees it. A mark-out is how far the middle has moved our way so long after a fill
// (negative: who traded with us knew better).
//
// Money comes as the position keeper has it, whole numbers of half ticks × quantity, and is turned
// into currency in the result only. Cost: a comparison a round, a row a sample; all rows are kept
// (40 bytes each; a day of ticks of 100 ms has 234,000).
import type { Agent } from '../base/agent.ts';
import type { InstrumentConfig } from '../exchange/config.ts';
import type { Exchange } from '../exchange/exchange.ts';
import { MID2_NONE } from '../trader/instruments.ts';
import type { Trader, TraderListener } from '../trader/trader.ts';
import type { MarketSource } from './market_source.ts';

/** After a fill, in nanoseconds. */
export const MARKOUT_NS = [1_000_000_000, 10_000_000_000, 60_000_000_000] as const;

export interface BacktestFill {
  /** Of the source's clock. */
  readonly timeNs: number;
  readonly orderId: number;
  /** Ours: +1 bought, −1 sold. */
  readonly side: number;
  readonly priceTicks: number;
  readonly qty: number;
  /** After it. */
  readonly position: number;
  /** Middle of the book as the trader saw it, doubled; MID2_NONE without one. */
  readonly mid2: number;
  /** Ticks that the middle had moved our way after each of MARKOUT_NS; null: no middle then. */
  readonly markoutTicks: (number | null)[];
}

/** Rows of the course of a run; columns of equal length. */
export interface BacktestCourse {
  readonly timeNs: number[];
  readonly mid2: number[];
  readonly position: number[];
  /** Realised and unrealised, in half ticks × quantity. */
  readonly profit2: number[];
}

export interface BacktestSummary {
  readonly fills: number;
  readonly boughtQty: number;
  readonly soldQty: number;
  readonly ordersSent: number;
  readonly modifies: number;
  readonly cancels: number;
  readonly rejects: number;
  readonly fillRatePercent: number;
  /** In currency. */
  readonly realised: number;
  readonly unrealised: number;
  readonly profit: number;
  /** Largest fall of the profit from its highest so far. */
  readonly drawdownMax: number;
  readonly turnover: number;
  readonly profitPerShare: number;
  readonly position: number;
  readonly positionMax: number;
  readonly positionMin: number;
  /** Mean of |position| over time. */
  readonly positionMean: number;
  /** Ticks, weighted by quantity, one for each of MARKOUT_NS; null without a fill. */
  readonly markoutTicks: readonly (number | null)[];
}

export interface BacktestResult {
  readonly strategy: string;
  readonly instrument: InstrumentConfig;
  readonly startNs: number;
  readonly endNs: number;
  readonly messages: number;
  readonly instants: number;
  readonly fills: readonly BacktestFill[];
  readonly course: BacktestCourse;
  readonly summary: BacktestSummary;
  /** Of every request the strategy caused, in order. */
  readonly traceHash: string;
  /** Of the exchange's books at the end. */
  readonly bookHash: string;
}

/** The one instrument. */
const BOOK = 0;
const SAMPLE_NS = 100_000_000;

interface Markout {
  readonly fill: BacktestFill;
  readonly index: number;
  readonly dueNs: number;
}

export class BacktestRecorder implements Agent, TraderListener {
  readonly name = 'recorder';
  readonly fills: BacktestFill[] = [];
  readonly course: BacktestCourse = { timeNs: [], mid2: [], position: [], profit2: [] };
  readonly #instrument: InstrumentConfig;
  readonly #source: MarketSource;
  #trader: Trader | null = null;
  #nowNs = 0;
  /** Infinity: the day has not begun. */
  #nextSampleNs = Infinity;
  /** For each mark-out a queue in order of time. */
  readonly #markouts: { waiting: Markout[]; head: number }[] = MARKOUT_NS.map(() => ({ waiting: [], head: 0 }));
  #turnover = 0;
  #boughtQty = 0;
  #soldQty = 0;

  constructor(instrument: InstrumentConfig, source: MarketSource) {
    this.#instrument = instrument;
    this.#source = source;
  }

  watch(trader: Trader): void {
    this.#trader = trader;
  }

  /** The day begins. */
  begin(nowNs: number): void {
    this.#nextSampleNs = nowNs;
  }

  onFill(_book: number, orderId: number, side: number, priceTicks: number, qty: number): void {
    const trader = this.#watched();
    const nowNs = trader.runner.nowNs;
    const fill: BacktestFill = {
      timeNs: this.#source.timeOf(nowNs), orderId, side, priceTicks, qty,
      position: trader.runner.positions.position(BOOK), mid2: trader.runner.features.mid2(BOOK),
      markoutTicks: MARKOUT_NS.map(() => null),
    };
    this.fills.push(fill);
    for (let index = 0; index < MARKOUT_NS.length; index++) {
      this.#markouts[index].waiting.push({ fill, index, dueNs: nowNs + MARKOUT_NS[index] });
    }
    this.#turnover += priceTicks * qty;
    if (side > 0) this.#boughtQty += qty;
    else this.#soldQty += qty;
    this.#nextSampleNs = 0; // the profit after it is a row of its own
  }

  poll(nowNs: number): number {
    this.#nowNs = nowNs;
    if (nowNs < this.#nextSampleNs) return 0;
    this.#nextSampleNs = (Math.floor(nowNs / SAMPLE_NS) + 1) * SAMPLE_NS;
    this.#sample();
    return 0;
  }

  result(exchange: Exchange, instants: number): BacktestResult {
    this.#sample();
    const { runner } = this.#watched();
    return {
      strategy: runner.strategy?.name ?? '', instrument: this.#instrument,
      startNs: this.#source.startNs, endNs: this.#source.timeOf(this.#nowNs),
      messages: this.#source.messages, instants, fills: this.fills, course: this.course,
      summary: this.#summary(), traceHash: runner.traceHash,
      bookHash: exchange.engine.publicHash().toString(16).padStart(16, '0'),
    };
  }

  #watched(): Trader {
    if (this.#trader === null) throw new Error('the recorder watches no trader yet: call watch first');
    return this.#trader;
  }

  #sample(): void {
    const { runner } = this.#watched();
    const { positions, features } = runner;
    const mid2 = features.mid2(BOOK);
    this.#markOut(mid2);
    const { course } = this;
    course.timeNs.push(this.#source.timeOf(this.#nowNs));
    course.mid2.push(mid2);
    course.position.push(positions.position(BOOK));
    // Where the middle is not known the position is worth what it was worth before.
    const profit2 = positions.known(BOOK)
      ? positions.realised2(BOOK) + positions.unrealised2(BOOK) : (course.profit2.at(-1) ?? 0);
    course.profit2.push(profit2);
  }

  #markOut(mid2: number): void {
    for (const queue of this.#markouts) {
      while (queue.head < queue.waiting.length && queue.waiting[queue.head].dueNs <= this.#nowNs) {
        const { fill, index } = queue.waiting[queue.head++];
        if (mid2 !== MID2_NONE && fill.mid2 !== MID2_NONE) {
          fill.markoutTicks[index] = (fill.side * (mid2 - 2 * fill.priceTicks)) / 2;
        }
      }
      if (queue.head === queue.waiting.length) {
        queue.waiting.length = 0;
        queue.head = 0;
      }
    }
  }

  #summary(): BacktestSummary {
    const { runner, session, fillRatePercent } = this.#watched();
    const { positions } = runner;
    const { course } = this;
    const currency = this.#instrument.tickSize / 10 ** this.#instrument.decimals;
    const traded = this.#boughtQty + this.#soldQty;
    const profit2 = course.profit2.at(-1) ?? 0;
    const realised2 = positions.realised2(BOOK);
    return {
      fills: this.fills.length, boughtQty: this.#boughtQty, soldQty: this.#soldQty,
      ordersSent: session.newOrders, modifies: session.modifies, cancels: session.cancels,
      rejects: session.rejects.reduce((sum, n) => sum + n, 0), fillRatePercent,
      realised: (realised2 / 2) * currency, unrealised: ((profit2 - realised2) / 2) * currency,
      profit: (profit2 / 2) * currency, drawdownMax: (drawdown2(course.profit2) / 2) * currency,
      turnover: this.#turnover * currency,
      profitPerShare: traded === 0 ? 0 : ((profit2 / 2) * currency) / traded,
      position: positions.position(BOOK),
      positionMax: course.position.reduce((a, b) => Math.max(a, b), 0),
      positionMin: course.position.reduce((a, b) => Math.min(a, b), 0),
      positionMean: meanOverTime(course.timeNs, course.position),
      markoutTicks: MARKOUT_NS.map((_, index) => meanMarkout(this.fills, index)),
    };
  }
}

/** Largest fall from the highest value so far; a run begins at 0. */
export function drawdown2(profit2: readonly number[]): number {
  let high = 0;
  let fall = 0;
  for (const value of profit2) {
    high = Math.max(high, value);
    fall = Math.max(fall, high - value);
  }
  return fall;
}

/** Mean of |value|, each holding until the next row. */
function meanOverTime(timeNs: readonly number[], values: readonly number[]): number {
  const spanNs = (timeNs.at(-1) ?? 0) - (timeNs[0] ?? 0);
  if (spanNs <= 0) return 0;
  let sum = 0;
  for (let i = 1; i < values.length; i++) sum += Math.abs(values[i - 1]) * (timeNs[i] - timeNs[i - 1]);
  return sum / spanNs;
}

/** Weighted by quantity; null where none is known. */
function meanMarkout(fills: readonly BacktestFill[], index: number): number | null {
  let qty = 0;
  let sum = 0;
  for (const fill of fills) {
    const ticks = fill.markoutTicks[index];
    if (ticks === null) continue;
    sum += ticks * fill.qty;
    qty += fill.qty;
  }
  return qty === 0 ? null : sum / qty;
}
