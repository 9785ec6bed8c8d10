// A backtest: one strategy against a recorded or generated day, with the exchange between them.
//
//   1 market source ─► 2 exchange ─► feed ──feedNs──► 3 trader: books, features, strategy, risk, orders
//                          ▲ ◄───────────────────────orderNs── requests ──┘
//                          └── responses ──responseNs──► trader           4 recorder: fills, profit, …
//
// Exchange and trader are those of production, unmodified, on a network in memory and a clock that
// jumps from one instant to the next (world.ts). So our orders are real orders: they stand in the
// queue where they arrived, trade when the queue before them is gone, change the book that the
// strategy sees, and are refused for the exchange's own reasons. Feed, requests and responses take
// the time that the latency model says.
//
// Order: the same input, seed and strategy are the same run, to the last bit of `traceHash`. Cost:
// some 10 µs a recorded message, mostly the exchange's and the trader's turns.
import { ManualClock } from '../base/clock.ts';
import { Prng } from '../base/prng.ts';
import { EXCHANGE_DEFAULT, type ExchangeConfig, type InstrumentConfig } from '../exchange/config.ts';
import { Exchange } from '../exchange/exchange.ts';
import { MemoryFabric, type FabricLatency } from '../net/memory_network.ts';
import { TraderInstruments } from '../trader/instruments.ts';
import { Trader } from '../trader/trader.ts';
import { BacktestRecorder } from './recorder.ts';
import { World } from './world.ts';
import type { Costing } from '../trader/position_keeper.ts';
import type { RiskLimits } from '../trader/risk.ts';
import type { Strategy } from '../trader/strategies/strategy.ts';
import type { BacktestResult } from './recorder.ts';
import type { MarketSource } from './market_source.ts';

/** Times in nanoseconds. Each message takes its base and, evenly spread, up to `jitterNs` more; ways keep their order. */
export interface BacktestLatency {
  /** From the exchange's publisher to the trader. */
  readonly feedNs: number;
  /** From the trader to the exchange's gateway. */
  readonly orderNs: number;
  /** From the exchange's gateway to the trader. */
  readonly responseNs: number;
  readonly jitterNs: number;
}

/** A co-located trader in software: tens of microseconds each way. */
export const BACKTEST_LATENCY_DEFAULT: BacktestLatency = {
  feedNs: 50_000, orderNs: 50_000, responseNs: 50_000, jitterNs: 0,
};

export interface BacktestOptions {
  readonly source: MarketSource;
  /** The one that the source trades. */
  readonly instrument: InstrumentConfig;
  readonly strategy: (instruments: TraderInstruments) => Strategy;
  readonly limits: (instruments: TraderInstruments) => RiskLimits;
  readonly latency?: BacktestLatency;
  readonly costing?: Costing;
  readonly seed?: number;
  /** Strategies' timers, and how often profit is looked at. */
  readonly tickNs?: number;
  /** Trade the position away at the end; default false. */
  readonly flatten?: boolean;
  readonly quoteBy?: 'modify' | 'cancel';
  /** Told now and then: messages done, time of day. */
  readonly onProgress?: (messages: number, timeOfDayNs: number) => void;
}

const HOST = '127.0.0.1';
const PORT = 12_345;
const MARKET = 'market';
const EXCHANGE = 'exchange';
const TRADER = 'trader';
/** The market's session is a client like any other. */
export const MARKET_CLIENT = 1;
export const TRADER_CLIENT = 2;
const TICK_NS_DEFAULT = 100_000_000;
/** Instants between two looks of the event loop. */
const SLICE_INSTANTS = 4_096;
/** Log-in and first heartbeat, at the largest latency that makes sense. */
const READY_NS = 600_000_000_000;
/** What is under way at the end arrives in this time, or never. */
const SETTLE_NS = 60_000_000_000;

/** Runs it to its end. Throws what ends it before: a strategy's fault, a bad recording. */
export async function runBacktest(options: BacktestOptions): Promise<BacktestResult> {
  const backtest = await Backtest.open(options);
  const result = await backtest.run(); // where this throws nothing is worth an orderly end: all is in memory
  backtest.close();
  return result;
}

export class Backtest {
  readonly trader: Trader;
  readonly exchange: Exchange;
  readonly #options: BacktestOptions;
  readonly #clock: ManualClock;
  readonly #world: World;
  readonly #recorder: BacktestRecorder;

  static async open(options: BacktestOptions): Promise<Backtest> {
    const clock = new ManualClock();
    const latency = latencyModel(options.latency ?? BACKTEST_LATENCY_DEFAULT, options.seed ?? 1);
    const fabric = new MemoryFabric({ clock, latency, streams: WIDE_STREAMS });

    // 1, 2 The market before the first instant: what rests when the day begins.
    const exchange = await Exchange.open({
      config: exchangeConfig(options.instrument), network: fabric.network(EXCHANGE), stamp: 0,
    });
    const { source } = options;
    const marketNetwork = fabric.network(MARKET);
    source.connect(await marketNetwork.connect({ host: HOST, port: PORT }));
    const market = { name: MARKET, poll: () => marketNetwork.poll() };

    // 3, 4 The trader, who hears the feed from its first message.
    const recorder = new BacktestRecorder(options.instrument, source);
    const { trader, receive } = await openTrader(options, clock, fabric, recorder);
    const world = new World({
      clock, agents: [market, source, exchange, receive, trader, recorder], sources: [source, fabricDue(fabric)],
      tickNs: options.tickNs ?? TICK_NS_DEFAULT,
    });
    return new Backtest(options, clock, world, exchange, trader, recorder);
  }

  private constructor(
    options: BacktestOptions, clock: ManualClock, world: World, exchange: Exchange, trader: Trader,
    recorder: BacktestRecorder,
  ) {
    this.#options = options;
    this.#clock = clock;
    this.#world = world;
    this.exchange = exchange;
    this.trader = trader;
    this.#recorder = recorder;
    recorder.watch(trader);
  }

  async run(): Promise<BacktestResult> {
    const { source } = this.#options;
    await this.#until(() => this.trader.session.ready && this.trader.feed.fresh, READY_NS);
    if (!this.trader.session.ready) throw new Error(`the trader has no order session: ${this.trader.sessionText}, ${this.trader.session.reason}`);
    // The day begins when the trader is logged in and hears the feed, however slow its ways are.
    source.begin(this.#clock.nowNs);
    this.#recorder.begin(this.#clock.nowNs);
    await this.#until(() => source.done, Infinity);
    await this.#until(() => false, this.#clock.nowNs + longestNs(this.#options.latency ?? BACKTEST_LATENCY_DEFAULT));
    this.trader.stop({ flatten: this.#options.flatten ?? false });
    await this.#until(() => this.trader.stopped, this.#clock.nowNs + SETTLE_NS);
    this.#check();
    return this.#recorder.result(this.exchange, this.#world.instants);
  }

  close(): void {
    this.trader.close();
    this.#options.source.close();
    this.exchange.close(this.#clock.nowNs);
  }

  async #until(holds: () => boolean, untilNs: number): Promise<void> {
    const { source, onProgress } = this.#options;
    this.#world.settle();
    while (!holds()) {
      for (let i = 0; i < SLICE_INSTANTS && !holds(); i++) if (!this.#world.step(untilNs)) return;
      this.#check();
      onProgress?.(source.messages, source.timeOfDayNs);
      await new Promise((resolve) => setImmediate(resolve));
    }
  }

  /** What must not be passed over in silence. */
  #check(): void {
    const { source } = this.#options;
    const { runner, session } = this.trader;
    const { fault } = runner;
    if (fault !== null) {
      throw new Error(`the strategy failed: ${fault instanceof Error ? fault.message : JSON.stringify(fault)}`, { cause: fault });
    }
    if (source.closedReason !== '') throw new Error(`the market's session ended: ${source.closedReason}`);
    if (session.sessions > 0 && !session.ready) {
      throw new Error(`the trader's session ended: ${this.trader.sessionText}, ${session.reason}`);
    }
  }
}

/** A recorded message can cause thousands of requests at once: the first row of a deep book. */
const WIDE_STREAMS = { receiveChunkMax: Infinity, sendChunkMax: Infinity, bufferBytes: 64 * 1024 * 1024 };

function exchangeConfig(instrument: InstrumentConfig): ExchangeConfig {
  return {
    ...EXCHANGE_DEFAULT,
    instruments: [instrument],
    listeners: [{ host: HOST, port: PORT, framing: 'auto' }],
    // Nothing is lost on this network, and the trader hears the feed from its beginning.
    snapshot: { ...EXCHANGE_DEFAULT.snapshot, intervalNs: 0 },
  };
}

async function openTrader(
  options: BacktestOptions, clock: ManualClock, fabric: MemoryFabric, recorder: BacktestRecorder,
): Promise<{ trader: Trader; receive: { name: string; poll: () => number } }> {
  const { instrument } = options;
  const instruments = new TraderInstruments([{
    ticker: instrument.ticker, symbol: instrument.symbol, decimals: instrument.decimals,
    tickUnits: instrument.tickSize, lotSize: instrument.lotSize,
    minPriceTicks: Math.ceil(instrument.minPrice / instrument.tickSize),
    maxPriceTicks: Math.floor(instrument.maxPrice / instrument.tickSize),
  }]);
  const network = fabric.network(TRADER);
  const { feed, snapshot, retransmit } = EXCHANGE_DEFAULT;
  const join = async (group: string, port: number) =>
    network.multicastReceiver({ group, port, interface: HOST, receiveBufferBytes: WIDE_STREAMS.bufferBytes });
  const trader = await Trader.open({
    clock, instruments, strategy: options.strategy(instruments), limits: options.limits(instruments),
    entry: { client: TRADER_CLIENT, framing: 'soup' }, firstOrderId: 1,
    connect: () => network.connect({ host: HOST, port: PORT }),
    feed: {
      layout: feed.layout, retransmitHost: HOST, retransmitPort: retransmit.port,
      join: async () => ({
        incremental: await join(feed.group, feed.port), snapshot: await join(snapshot.group, snapshot.port),
        retransmit: await network.unicast({ host: HOST, port: 0 }),
      }),
    },
    timerNs: options.tickNs ?? TICK_NS_DEFAULT,
    listener: recorder,
    ...(options.costing === undefined ? {} : { costing: options.costing }),
    ...(options.quoteBy === undefined ? {} : { quoteBy: options.quoteBy }),
  });
  return { trader, receive: { name: TRADER, poll: () => network.poll() } };
}

/** What was sent last has arrived after this. */
function longestNs({ feedNs, orderNs, responseNs, jitterNs }: BacktestLatency): number {
  return Math.max(feedNs, orderNs, responseNs) + jitterNs;
}

function latencyModel(latency: BacktestLatency, seed: number): FabricLatency {
  for (const [name, ns] of Object.entries(latency)) {
    if (!(ns >= 0 && Number.isFinite(ns))) throw new RangeError(`latency ${name}: expected 0 ns or more, was ${ns}`);
  }
  const prng = new Prng(seed);
  const jitter = (): number => (latency.jitterNs === 0 ? 0 : prng.below(latency.jitterNs));
  return (from, to, kind) => {
    if (from === TRADER) return latency.orderNs + jitter();
    if (to === TRADER) return (kind === 'stream' ? latency.responseNs : latency.feedNs) + jitter();
    return 0; // the market's own messages arrive when they were recorded
  };
}

function fabricDue(fabric: MemoryFabric): { readonly nextDueNs: number } {
  return { get nextDueNs() { return fabric.nextDueNs; } };
}
