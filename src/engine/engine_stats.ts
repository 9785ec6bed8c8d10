// Figures of a trading engine, under the names that users of the other systems know. For people and
// screens: floats are allowed here, nothing is decided by them.
//
// Rates are of the last whole second that has passed, measured at turns of the engine; before the first has
// passed, since the start. Cost: a copy of the counters a second.
import type { Histogram } from '../base/histogram.ts';
import type { Processor } from './processor.ts';

/** What the figures of symbols are made of. */
export interface SymbolFigures extends Pick<Processor, 'symbols' | 'counts' | 'inputs'> {
  readonly runner: Pick<Processor['runner'], 'positions'>;
}

export interface ProcessingStats {
  /** Inputs that have taken effect. */
  readonly messagesProcessed: number;
  /** From a producer's call to its acceptance being told; of the calls that were timed. */
  readonly averageLatencyNs: number;
  readonly throughputMsgPerSec: number;
}

/** Beyond the three: what else is worth a look. */
export interface EngineStats extends ProcessingStats {
  readonly p50LatencyNs: number;
  readonly p99LatencyNs: number;
  readonly queued: number;
  /** Calls turned away because a lane of the queue was full. */
  readonly backPressure: number;
  readonly openOrders: number;
  readonly ordersSent: number;
  readonly fills: number;
  /** Orders and requests refused, by reason code. */
  readonly refused: Readonly<Record<number, number>>;
  readonly listenerErrors: number;
  /** Of all symbols, in currency; null while a mark is unknown. */
  readonly totalPnl: string | null;
}

export interface TradingMetrics {
  readonly timestampNs: number;
  readonly symbolId: number;
  /** Means over all symbols, of the calls that were timed. */
  readonly orderLatencyNs: number;
  readonly fillLatencyNs: number;
  readonly currentPosition: number;
  /** In currency; null while the mark is unknown. */
  readonly unrealizedPnl: number | null;
  readonly ordersSentPerSecond: number;
  readonly fillsPerSecond: number;
  readonly marketDataRate: number;
}

export interface StrategyStats {
  /** In currency. */
  readonly realizedPnl: number;
  /** In currency; null while a mark is unknown. */
  readonly unrealizedPnl: number | null;
  /** Share of its orders that were executed at least in part. */
  readonly fillRatePercent: number;
  readonly ordersSent: number;
  readonly fillsReceived: number;
  /** By symbol, those that are not 0. */
  readonly currentPositions: Readonly<Record<string, number>>;
}

export interface Position {
  readonly symbol: string;
  /** Lots, negative when short. */
  readonly quantity: number;
  /** Cost per lot for people; null when flat. */
  readonly averagePrice: number | null;
  /** Currency, exactly. */
  readonly realizedPnl: string;
  /** Null while the mark is unknown. */
  readonly unrealizedPnl: string | null;
  /** Lots that are open to be bought and sold. */
  readonly openBuyQuantity: number;
  readonly openSellQuantity: number;
  /** Lots executed. */
  readonly volume: number;
  readonly fills: number;
}

const SECOND_NS = 1_000_000_000;
/** Counters per symbol of which rates are taken. */
const ORDERS = 0;
const FILLS = 1;
const UPDATES = 2;
const KINDS = 3;

export class Rates {
  readonly #processor: SymbolFigures;
  readonly #before: Float64Array;
  readonly #rates: Float64Array;
  #inputsBefore = 0;
  #inputsRate = 0;
  #sinceNs = 0;
  #measured = false;

  constructor(processor: SymbolFigures) {
    this.#processor = processor;
    const cells = processor.symbols.instruments.count * KINDS;
    this.#before = new Float64Array(cells);
    this.#rates = new Float64Array(cells);
  }

  /** A second has passed since the last time. */
  isDue(nowNs: number): boolean {
    return nowNs - this.#sinceNs >= SECOND_NS;
  }

  /** Takes the rates of the time since then. */
  take(nowNs: number): void {
    this.#measure(nowNs);
    this.#measured = true;
    const { counts, inputs, symbols } = this.#processor;
    for (let book = 0; book < symbols.count; book++) {
      this.#before[book * KINDS + ORDERS] = counts.ordersSent[book];
      this.#before[book * KINDS + FILLS] = counts.fills[book];
      this.#before[book * KINDS + UPDATES] = counts.updates[book];
    }
    this.#inputsBefore = inputs;
    this.#sinceNs = nowNs;
  }

  inputsPerSecond(nowNs: number): number {
    if (!this.#measured) this.#measure(nowNs);
    return this.#inputsRate;
  }

  ordersPerSecond(book: number, nowNs: number): number {
    return this.#rate(book, ORDERS, nowNs);
  }

  fillsPerSecond(book: number, nowNs: number): number {
    return this.#rate(book, FILLS, nowNs);
  }

  updatesPerSecond(book: number, nowNs: number): number {
    return this.#rate(book, UPDATES, nowNs);
  }

  #rate(book: number, kind: number, nowNs: number): number {
    if (!this.#measured) this.#measure(nowNs);
    return this.#rates[book * KINDS + kind];
  }

  #measure(nowNs: number): void {
    const seconds = Math.max(nowNs - this.#sinceNs, 1) / SECOND_NS;
    const { counts, inputs, symbols } = this.#processor;
    this.#inputsRate = (inputs - this.#inputsBefore) / seconds;
    for (let book = 0; book < symbols.count; book++) {
      const at = book * KINDS;
      this.#rates[at + ORDERS] = (counts.ordersSent[book] - this.#before[at + ORDERS]) / seconds;
      this.#rates[at + FILLS] = (counts.fills[book] - this.#before[at + FILLS]) / seconds;
      this.#rates[at + UPDATES] = (counts.updates[book] - this.#before[at + UPDATES]) / seconds;
    }
  }
}

export function positionOf(processor: Processor, book: number): Position {
  const { symbols, runner } = processor;
  const { positions, risk } = runner;
  const quantity = positions.position(book);
  const { decimals, tickUnits } = symbols.instruments.list[book];
  return {
    symbol: symbols.symbolOf(book),
    quantity,
    averagePrice: quantity === 0 ? null : (positions.averageTicks(book) * tickUnits) / 10 ** decimals,
    realizedPnl: symbols.money2Text(book, positions.realised2(book)),
    unrealizedPnl: positions.known(book) ? symbols.money2Text(book, positions.unrealised2(book)) : null,
    openBuyQuantity: risk.openQty(book, 1),
    openSellQuantity: risk.openQty(book, -1),
    volume: positions.volume(book),
    fills: positions.fills(book),
  };
}

/** Doubled tick-lots as a number of currency, for screens. */
function currency(processor: SymbolFigures, book: number, tickLots2: number): number {
  const { decimals, tickUnits } = processor.symbols.instruments.list[book];
  return (tickLots2 * tickUnits) / (2 * 10 ** decimals);
}

/** null: the mark is unknown. */
function unrealized(processor: SymbolFigures, book: number): number | null {
  const { positions } = processor.runner;
  return positions.known(book) ? currency(processor, book, positions.unrealised2(book)) : null;
}

export function tradingMetrics(
  processor: SymbolFigures, rates: Rates, orderLatency: Histogram, fillLatency: Histogram, book: number, nowNs: number,
): TradingMetrics {
  const { positions } = processor.runner;
  return {
    timestampNs: nowNs,
    symbolId: book,
    orderLatencyNs: orderLatency.mean,
    fillLatencyNs: fillLatency.mean,
    currentPosition: positions.position(book),
    unrealizedPnl: unrealized(processor, book),
    ordersSentPerSecond: rates.ordersPerSecond(book, nowNs),
    fillsPerSecond: rates.fillsPerSecond(book, nowNs),
    marketDataRate: rates.updatesPerSecond(book, nowNs),
  };
}

/** Sums over the symbols that `includes` says yes to. */
export function strategyStats(processor: SymbolFigures, includes: (book: number) => boolean): StrategyStats {
  const { symbols, runner, counts } = processor;
  const { positions } = runner;
  let realizedPnl = 0;
  let unrealizedPnl: number | null = 0;
  let ordersSent = 0;
  let ordersFilled = 0;
  let fillsReceived = 0;
  const currentPositions: Record<string, number> = {};
  for (let book = 0; book < symbols.count; book++) {
    if (!includes(book)) continue;
    realizedPnl += currency(processor, book, positions.realised2(book));
    const ofBook = unrealized(processor, book);
    unrealizedPnl = unrealizedPnl === null || ofBook === null ? null : unrealizedPnl + ofBook;
    ordersSent += counts.ordersSent[book];
    ordersFilled += counts.ordersFilled[book];
    fillsReceived += counts.fills[book];
    const position = positions.position(book);
    if (position !== 0) currentPositions[symbols.symbolOf(book)] = position;
  }
  const fillRatePercent = ordersSent === 0 ? 0 : (100 * ordersFilled) / ordersSent;
  return { realizedPnl, unrealizedPnl, fillRatePercent, ordersSent, fillsReceived, currentPositions };
}

export function engineStats(
  processor: Processor, rates: Rates, latency: Histogram, queued: number, backPressure: number, listenerErrors: number,
  nowNs: number,
): EngineStats {
  const { positions, orders } = processor.runner;
  const total = (counts: Float64Array): number => counts.reduce((sum, count) => sum + count, 0);
  const refused: Record<number, number> = {};
  for (const [reason, count] of processor.refused.entries()) if (count > 0) refused[reason] = count;
  return {
    messagesProcessed: processor.inputs,
    averageLatencyNs: latency.mean,
    throughputMsgPerSec: rates.inputsPerSecond(nowNs),
    p50LatencyNs: latency.percentile(50),
    p99LatencyNs: latency.percentile(99),
    queued,
    backPressure,
    openOrders: orders.liveOrders,
    ordersSent: total(processor.counts.ordersSent),
    fills: total(processor.counts.fills),
    refused,
    listenerErrors,
    totalPnl: positions.totalsKnown ? processor.symbols.portfolio2Text(positions.totalPnl2()) : null,
  };
}
