// A trading engine inside of another program, published as `outcry trade` publishes itself: `outcry stat`, the dashboard and Prometheus
// see it, as a trader with client 0.
//
//   const engine = new TradingEngine(config);
//   await engine.start();
//   const publisher = new EnginePublisher(engine, { title: 'my desk' });
//   …
//   publisher.close();
//
// Figures are copied four times a second between two turns of the event loop, some 20 µs and 1 µs a symbol; the engine does not
// notice. Symbols appear as they get their places, the first SYMBOLS_MAX of them; profit is that of all.
// The file lies in shared memory for this user alone and goes with the process.
import { rmSync } from 'node:fs';
import type { Histogram } from '../base/histogram.ts';
import { ProcessStats, processDeclarations } from './process_stats.ts';
import { runtimeFolder, SharedStats, StatKind, statsPath } from './shared_stats.ts';
import { bookStat, ROUND_TRIP, traderDeclarations, traderStat, type BookNumber, type TraderNumber } from './system_stats.ts';

const SYMBOLS_MAX = 64;

/** What a TradingEngine tells of itself. */
export interface PublishedEngine {
  readonly state: string;
  /** From a call to its acceptance being told; of the calls that were timed. */
  readonly orderLatency: Histogram;
  stats(): {
    readonly ordersSent: number; readonly fills: number; readonly openOrders: number; readonly totalPnl: string | null;
    readonly refused: Readonly<Record<number, number>>;
  };
  strategyStats(): { readonly fillRatePercent: number };
  positions(): readonly { readonly symbol: string; readonly quantity: number; readonly realizedPnl: string; readonly unrealizedPnl: string | null }[];
}

export interface EnginePublisherOptions {
  /** What it is, for people. Default: "trading engine". */
  readonly title?: string;
  /** What it trades with, for people. Default: none. */
  readonly strategy?: string;
  /** Default: the user's runtime folder, where everybody looks. */
  readonly folder?: string;
}

export class EnginePublisher {
  readonly #engine: PublishedEngine;
  readonly #stats: SharedStats;
  readonly #process: ProcessStats;
  readonly #latency: Histogram;
  #symbols = 0;
  readonly #exit = (): void => rmSync(this.#stats.file.path, { force: true });

  /** Publishes until `close`. Never keeps the process alive; throws where there is no shared folder. */
  constructor(engine: PublishedEngine, { title = 'trading engine', strategy = '', folder = runtimeFolder() }: EnginePublisherOptions = {}) {
    this.#engine = engine;
    const roundTrip = { name: ROUND_TRIP, kind: StatKind.Histogram, valueMax: engine.orderLatency.valueMax };
    const declarations = [...processDeclarations(), ...traderDeclarations(SYMBOLS_MAX, false), roundTrip];
    this.#stats = SharedStats.create(statsPath('engine', process.pid, folder), title, declarations);
    this.#latency = this.#stats.histogram(ROUND_TRIP);
    this.#stats.setText(traderStat('strategy'), strategy);
    this.#process = new ProcessStats(this.#stats);
    this.#process.figures = () => this.#publish();
    process.on('exit', this.#exit);
  }

  close(): void {
    this.#process.close();
    this.#stats.remove();
    process.off('exit', this.#exit);
  }

  #publish(): void {
    const engine = this.#engine;
    const { ordersSent, fills, openOrders, totalPnl, refused } = engine.stats();
    const positions = engine.positions().slice(0, SYMBOLS_MAX);
    const numbers: Record<TraderNumber, number> = {
      client: 0, exchange_port: 0, connected: 1, feed_fresh: 1, feed_gaps: 0,
      orders_sent: ordersSent,
      orders_filled: (engine.strategyStats().fillRatePercent * ordersSent) / 100,
      fills, orders_open: openOrders,
      rejected: 0,
      refused: Object.values(refused).reduce((sum, count) => sum + count, 0),
      pnl: moneyOf(totalPnl),
      books: positions.length,
      max_order_qty: NaN, max_position: NaN, max_loss: NaN,
    };
    for (const [name, value] of Object.entries(numbers)) this.#set(traderStat(name as TraderNumber), value);
    for (const [book, position] of positions.entries()) this.#publishBook(book, position);
    this.#stats.setText(traderStat('state'), engine.state);
    engine.orderLatency.takeNew(this.#latency, () => {}); // of its cells those that have changed
  }

  #publishBook(book: number, { symbol, quantity, realizedPnl, unrealizedPnl }: ReturnType<PublishedEngine['positions']>[number]): void {
    if (book >= this.#symbols) {
      this.#stats.setText(bookStat('symbol', book), symbol);
      this.#symbols = book + 1;
    }
    const numbers: Record<BookNumber, number> = {
      ticker: book, position: quantity, realised: moneyOf(realizedPnl), unrealised: moneyOf(unrealizedPnl),
      bid_price: NaN, bid_qty: NaN, ask_price: NaN, ask_qty: NaN, position_max: NaN, loss_max: NaN,
    };
    for (const [name, value] of Object.entries(numbers)) this.#set(bookStat(name as BookNumber, book), value);
  }

  #set(name: string, value: number): void {
    this.#stats.cells[this.#stats.cell(name)] = value;
  }
}

function moneyOf(text: string | null): number {
  return text === null ? NaN : Number(text);
}
