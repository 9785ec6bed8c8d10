// A trader in this process: transport, clock, journal and loop around src/trader/trader.ts. `outcry
// trade` and the demo's traders are both made here.
import { setTimeout as sleep } from 'node:timers/promises';
import { AgentRunner, type WaitStrategy } from '../base/agent.ts';
import { wallClockMs, type Clock } from '../base/clock.ts';
import { NetworkError } from '../net/network_error.ts';
import { machineClock } from '../os/machine_clock.ts';
import { loginSigner } from '../net/signing.ts';
import { TraderInstruments } from '../trader/instruments.ts';
import { LIMIT_NONE } from '../trader/risk.ts';
import { RoundTrip } from '../trader/round_trip.ts';
import { SessionState } from '../trader/order_session.ts';
import { Trader } from '../trader/trader.ts';
import { TradeMonitor } from './trade_status.ts';
import type { Agent } from '../base/agent.ts';
import type { Histogram } from '../base/histogram.ts';
import type { Log } from '../observe/log/open_log.ts';
import type { PipelineProfile } from '../observe/profile/pipeline_profile.ts';
import type { Network } from '../net/transport.ts';
import type { FeedSockets } from '../trader/feed_sockets.ts';
import type { RiskLimits, TickerLimits } from '../trader/risk.ts';
import type { Strategy } from '../trader/strategies/strategy.ts';
import type { StopOptions } from '../trader/strategy_runner.ts';
import type { ClientJournal } from '../trader/client_journal.ts';
import type { TraderListener } from '../trader/trader.ts';
import type { TradeConfig, TradeLimits } from './config_trade.ts';

/** A burst of a full-speed second fits. */
const RECEIVE_BUFFER_BYTES = 8 * 1024 * 1024;
/** Whoever says nothing that an exchange says for so long after the connection is none. */
const FIRST_ANSWER_MS = 10_000;
/** Cancels and their answers, and positions that are traded away. */
const STOP_MS = 8_000;
/** What has been taken still goes out for so long. */
const LINGER_MS = 100;
const LOOK_MS = 2;
/** Ids count microseconds since 1970 where no journal keeps them: rising, and below 2^52. */
const IDS_PER_MS = 1_000;

export interface TradeSessionOptions {
  readonly config: TradeConfig;
  readonly instruments: TraderInstruments;
  readonly strategy: Strategy;
  readonly network: Network;
  readonly wait: WaitStrategy;
  readonly journal: ClientJournal | null;
  readonly listener?: TraderListener;
  /** Where the stamps of decisions can be seen from outside. */
  readonly profile?: PipelineProfile;
  /** Of the times from an order to its acknowledgement. */
  readonly roundTrips?: Histogram;
  /** Default: the machine's. */
  readonly clock?: Clock;
  /** Has its turns in the session's loop. */
  readonly log?: Pick<Log, 'first' | 'last'>;
}

export class TradeSession {
  readonly trader: Trader;
  readonly monitor: TradeMonitor;
  readonly clock: Clock;
  readonly #network: Network;
  readonly #endpoint: string;
  readonly #loop: AgentRunner;
  #limits: TradeLimits;
  #running: Promise<void> = Promise.resolve();

  private constructor(
    trader: Trader, clock: Clock, { network, wait, config, log }: TradeSessionOptions,
  ) {
    this.trader = trader;
    this.#limits = config.limits;
    this.clock = clock;
    this.monitor = new TradeMonitor(trader);
    this.#network = network;
    this.#endpoint = `${config.host}:${config.port}`;
    const receive: Agent = { name: 'network', poll: () => network.poll(), dueNs: () => Infinity };
    this.#loop = new AgentRunner({
      clock, agents: [log?.first, receive, trader, log?.last].filter((agent) => agent != null),
      wait, needsEventLoop: network.needsEventLoop, wakeSource: network,
    });
  }

  /** Joins the feed, connects; throws what prevents that, with what to do. */
  static async open(options: TradeSessionOptions): Promise<TradeSession> {
    const { config, network, journal } = options;
    const clock = options.clock ?? machineClock().clock;
    clock.refresh();
    const run = Math.floor(wallClockMs()) * IDS_PER_MS;
    const connect = { host: config.host, port: config.port };
    try {
      const trader = await Trader.open({
        clock, instruments: options.instruments, strategy: options.strategy,
        limits: riskLimits(config.limits, options.instruments),
        costing: config.costing, cancelWhenStale: config.cancelWhenStale,
        firstAnswerMaxNs: FIRST_ANSWER_MS * 1e6,
        firstOrderId: Math.max((journal?.nextOrderId ?? 0) + 1, run), run,
        connect: () => network.connect(connect),
        entry: {
          client: config.clientId, framing: config.framing,
          ...(config.user === null ? {} : { account: config.user }),
          ...(config.password === null ? {} : { password: config.password }),
          ...(config.key === null ? {} : { signer: loginSigner(config.key.id, config.key.secret) }),
          ...(journal === null ? {} : {
            session: journal.session, nextSequence: journal.nextSequence,
          }),
        },
        feed: {
          layout: config.feed.layout, join: () => joinFeed(network, config),
          retransmitHost: config.retransmit.host, retransmitPort: config.retransmit.port,
        },
        ...(journal === null ? {} : { journal }),
        ...(options.profile === undefined ? {} : { profile: options.profile }),
        ...(options.roundTrips === undefined ? {} : { roundTrip: new RoundTrip(clock, options.roundTrips) }),
        ...(options.listener === undefined ? {} : { listener: options.listener }),
      });
      return new TradeSession(trader, clock, options);
    } catch (error) {
      throw explained(error, config);
    }
  }

  /** Whose turns are counted. */
  get loop(): AgentRunner {
    return this.#loop;
  }

  /** As they were said last, by the configuration or an operator. */
  get limits(): TradeLimits {
    return this.#limits;
  }

  /** From the next event on. Throws a RangeError and keeps the old ones when they are bad. Between two turns. */
  setLimits(limits: TradeLimits): void {
    this.trader.runner.setLimits(riskLimits(limits, this.trader.instruments), this.clock.refresh());
    this.#limits = limits;
    this.#loop.wake();
  }

  /** Withdraws everything and sends nothing more until `resume`. Between two turns. */
  pause(): void {
    this.trader.runner.pause(this.clock.refresh());
    this.#loop.wake();
  }

  resume(): void {
    this.trader.runner.resume(this.clock.refresh());
    this.#loop.wake();
  }

  /** Runs until `stop`; rejects with what went wrong. */
  run(): Promise<void> {
    this.#running = this.#loop.run();
    return this.#running;
  }

  /** The session will not come back by itself. */
  get ended(): boolean {
    return this.trader.session.state === SessionState.Ended;
  }

  /** Why it will not. */
  get endText(): string {
    const { entry, reason } = this.trader.session;
    if (entry.heard) return `the exchange does not take the session up: ${reason}`;
    return (
      `expected an exchange with framing ${entry.framing} on ${this.#endpoint}: ${reason}. The port for orders and its framing stand in ` +
      'what outcry exchange says when it starts ("orders"); name them: outcry trade --port PORT --framing NAME'
    );
  }

  /**
   * Cancels all orders, waits for the answers, logs out and closes everything. False: some answer
   * did not come in time.
   */
  async stop(options: StopOptions = {}): Promise<boolean> {
    const { trader } = this;
    trader.stop(options);
    this.#loop.wake();
    const untilMs = performance.now() + STOP_MS;
    while (!trader.stopped && performance.now() < untilMs) await sleep(LOOK_MS);
    const { stopped } = trader;
    await this.close();
    return stopped;
  }

  /** Ends at once: what is open is left to the exchange. */
  async close(): Promise<void> {
    this.#loop.stop();
    await this.#running.catch(() => {}); // told to whoever runs it
    this.trader.close();
    // Node's sockets deliver in later turns of the event loop.
    await sleep(this.#network.needsEventLoop ? LINGER_MS : 0);
    this.#network.close();
  }
}

/** Joins the groups of a feed: all of its sockets, or none. */
export async function joinFeed(
  network: Network, config: Pick<TradeConfig, 'interface' | 'feed' | 'snapshot'>,
): Promise<FeedSockets> {
  const { feed, snapshot } = config;
  const own = { interface: config.interface, receiveBufferBytes: RECEIVE_BUFFER_BYTES };
  const opened: { close(): void }[] = [];
  const keep = <T extends { close(): void }>(socket: T): T => {
    opened.push(socket);
    return socket;
  };
  try {
    return {
      incremental: keep(
        await network.multicastReceiver({ ...own, group: feed.group, port: feed.port }),
      ),
      snapshot: keep(
        await network.multicastReceiver({ ...own, group: snapshot.group, port: snapshot.port }),
      ),
      retransmit: keep(await network.unicast({ host: config.interface, port: 0 })),
    };
  } catch (error) {
    for (const socket of opened) socket.close();
    throw error;
  }
}

/** Nothing listens: say what to start. */
function explained(error: unknown, { host, port }: TradeConfig): unknown {
  if (!(error instanceof NetworkError) || error.code !== 'ECONNREFUSED') return error;
  const flags = port === 12_345 ? '' : ` --port ${port}`;
  return new Error(
    `no exchange answers on ${host}:${port}. Start one in another terminal: outcry exchange${flags}` +
      '; or name the one that runs: outcry trade --host ADDRESS --port PORT',
    { cause: error },
  );
}

// ── limits ─────────────────────────────────────────────────────────────────────────────────────

/** The limits of the configuration in the units of the risk gate. */
export function riskLimits(limits: TradeLimits, instruments: TraderInstruments): RiskLimits {
  // The configuration's money has as many decimals as the finest instrument names; the portfolio's
  // has those that its ticks need.
  const scale = 10 ** (limits.moneyDecimals - instruments.portfolioDecimals);
  return {
    maxOrderQty: limits.maxOrderQty,
    maxPosition: limits.maxPosition,
    maxLoss: limits.maxLoss,
    maxOpenOrders: limits.maxOpenOrders,
    maxNotional: LIMIT_NONE,
    collarTicks: limits.collarTicks,
    ordersPerSecond: limits.maxOrdersPerSecond,
    maxPositionTotal: limits.maxPositionSize,
    maxPortfolioValue: Math.floor(limits.maxPortfolioValue / scale),
    // A share of nearly nothing is still a limit: the least loss there is.
    stopLoss: Math.max(1, Math.floor(limits.stopLoss / scale)),
    ...(limits.maxNotional === null ? {} : {
      tickers: notionals(limits.maxNotional, limits.moneyDecimals, instruments),
    }),
  };
}

/** One amount of money in the price units of each instrument. */
function notionals(
  maxNotional: number, moneyDecimals: number, instruments: TraderInstruments,
): ReadonlyMap<number, Partial<TickerLimits>> {
  return new Map(instruments.list.map(({ ticker, decimals }) => [
    ticker, { maxNotional: Math.floor(maxNotional / 10 ** (moneyDecimals - decimals)) },
  ]));
}
