// An exchange, order flow and traders in one process, over the memory network with a clock in the
// test's hand, or over sockets.
import assert from 'node:assert/strict';
import { FlowDriver } from '../../src/apps/flow_driver.ts';
import { freePorts } from '../../src/apps/free_ports.ts';
import { ManualClock } from '../../src/base/clock.ts';
import { Prng } from '../../src/base/prng.ts';
import { EXCHANGE_DEFAULT } from '../../src/exchange/config.ts';
import { Exchange } from '../../src/exchange/exchange.ts';
import { MemoryFabric } from '../../src/net/memory_network.ts';
import { RequestKind } from '../../src/recorded/order_flow.ts';
import { Framing } from '../../src/wire/framing/frame.ts';
import { plainInstruments, TraderInstruments } from '../../src/trader/instruments.ts';
import { RISK_LIMITS_DEFAULT } from '../../src/trader/risk.ts';
import { createStrategy, strategyNamed } from '../../src/trader/strategies/strategies.ts';
import { Trader } from '../../src/trader/trader.ts';
import type { Clock } from '../../src/base/clock.ts';
import type { ExchangeConfig } from '../../src/exchange/config.ts';
import type { FabricOptions } from '../../src/net/memory_network.ts';
import type { Network, StreamConnection } from '../../src/net/transport.ts';
import type { FlowRequest, OrderFlow } from '../../src/recorded/order_flow.ts';
import type { Strategy } from '../../src/trader/strategies/strategy.ts';
import type { TraderOptions } from '../../src/trader/trader.ts';

const HOST = '127.0.0.1';
const GROUP = '239.255.77.7';
const TICKER = 1;
/** A turn of everybody in test time. */
export const TURN_NS = 20_000;
const TURNS_MAX = 400_000;

/**
 * Endless order flow around a price that wanders: new orders near it, cancels of old ones, and
 * immediate orders across the spread.
 */
export class WanderingFlow implements OrderFlow {
  readonly name = 'wandering';
  readonly request: FlowRequest = { timeNs: 0, kind: 1, orderId: 0, side: 0, price: 0, qty: 0 };
  readonly messagesTotal = null;
  messages = 0;
  lastOrderId: number;
  readonly #prng: Prng;
  readonly #gapNs: number;
  readonly #open: number[] = [];
  #mid = 10_000;

  constructor(seed: number, firstOrderId: number, gapNs: number) {
    this.#prng = new Prng(seed);
    this.lastOrderId = firstOrderId - 1;
    this.#gapNs = gapNs;
  }

  next(): boolean {
    const prng = this.#prng;
    this.messages++;
    const timeNs = this.messages * this.#gapNs;
    if (prng.chance(0.05)) this.#mid += prng.between(-3, 3);
    const side = prng.chance(0.5) ? 1 : -1;
    if (this.#open.length > 60 || (this.#open.length > 20 && prng.chance(0.3))) {
      const [orderId] = this.#open.splice(prng.below(this.#open.length), 1);
      this.#set(timeNs, RequestKind.Cancel, orderId, side, 0, 0);
      return true;
    }
    const orderId = ++this.lastOrderId;
    const qty = prng.between(1, 40);
    if (this.#open.length > 20 && prng.chance(0.2)) {
      this.#set(timeNs, RequestKind.Immediate, orderId, side, this.#mid + side * 12, qty);
      return true;
    }
    this.#open.push(orderId);
    this.#set(timeNs, RequestKind.New, orderId, side, this.#mid - side * prng.between(4, 30), qty);
    return true;
  }

  close(): void {}

  #set(
    timeNs: number, kind: RequestKind, orderId: number, side: number, price: number, qty: number,
  ): void {
    Object.assign(this.request, { timeNs, kind, orderId, side, price, qty });
  }
}

export interface RigTrader {
  readonly trader: Trader;
  readonly network: Network;
  /** The connection in use, to be cut. */
  connection: StreamConnection;
}

export interface TradeRigOptions {
  readonly fabric?: FabricOptions;
  /** Makes real networks instead of the memory one; needs a clock that runs. */
  readonly network?: () => Network;
  readonly clock?: Clock;
  readonly config?: Partial<ExchangeConfig>;
  /** Names the sessions of the exchange. */
  readonly stamp?: number;
  readonly flowSeed?: number;
  /** Between two requests of the flow. */
  readonly flowGapNs?: number;
}

export type AddTrader = Partial<Omit<TraderOptions, 'entry' | 'strategy'>> & {
  readonly client: number;
  readonly strategy: Strategy;
  readonly framing?: Framing;
  readonly account?: string;
  readonly session?: string;
  readonly nextSequence?: number;
};

/** On a network of one's own nobody else has it. */
const FABRIC_PORT = 5_000;
let runs = 0;

export class TradeRig {
  readonly exchange: Exchange;
  readonly fabric: MemoryFabric | null;
  readonly clock: Clock;
  readonly traders: RigTrader[] = [];
  readonly flow: FlowDriver;
  readonly instruments = new TraderInstruments(plainInstruments([TICKER]));
  readonly #manual: ManualClock | null;
  readonly #networks: Network[];
  readonly #makeNetwork: () => Network;
  readonly #flowNetwork: Network;
  readonly #needsEventLoop: boolean;

  private constructor(
    exchange: Exchange, options: TradeRigOptions, fabric: MemoryFabric | null, networks: Network[],
    makeNetwork: () => Network,
  ) {
    this.exchange = exchange;
    this.fabric = fabric;
    this.#manual = options.clock === undefined ? new ManualClock() : null;
    this.clock = options.clock ?? (this.#manual as ManualClock);
    this.#networks = networks;
    this.#makeNetwork = makeNetwork;
    this.#flowNetwork = makeNetwork();
    networks.push(this.#flowNetwork);
    this.#needsEventLoop = networks.some((network) => network.needsEventLoop);
    const { flowSeed = 1, flowGapNs = 50_000 } = options;
    this.flow = new FlowDriver({
      clock: this.clock, entry: { client: 999 }, ticker: TICKER, speed: 1,
      pass: (pass, first) => (pass > 0 ? null : new WanderingFlow(flowSeed, first, flowGapNs)),
    });
  }

  static async open(options: TradeRigOptions = {}): Promise<TradeRig> {
    const fabric = options.network === undefined ? new MemoryFabric(options.fabric) : null;
    const make = options.network ?? ((): Network => (fabric as MemoryFabric).network());
    const network = make();
    const port = fabric === null ? await freePorts() : FABRIC_PORT;
    const exchange = await Exchange.open({
      config: {
        ...EXCHANGE_DEFAULT,
        listeners: [
          { host: HOST, port: 0, framing: 'auto' }, { host: HOST, port: 0, framing: 'sequenced' },
        ],
        instruments: [EXCHANGE_DEFAULT.instruments[0]],
        ordersMax: 10_000,
        feed: { layout: 'native', group: GROUP, port },
        snapshot: { group: GROUP, port: port + 1, intervalNs: 50_000_000 },
        retransmit: { ...EXCHANGE_DEFAULT.retransmit, host: HOST, port: 0 },
        ...options.config,
      },
      network, stamp: options.stamp ?? 1_700_000_000,
    });
    return new TradeRig(exchange, options, fabric, [network], make);
  }

  async startFlow(): Promise<void> {
    this.flow.connect(
      await this.#flowNetwork.connect({ host: HOST, port: this.exchange.ports[0] }),
    );
  }

  async add(options: AddTrader): Promise<RigTrader> {
    const network = this.#makeNetwork();
    this.#networks.push(network);
    const { feed, snapshot } = this.exchange.config;
    const { client, strategy, framing = Framing.Soup, account, session, nextSequence, ...others } =
      options;
    const made: Partial<RigTrader> = { network };
    const own = { interface: HOST, receiveBufferBytes: 4 << 20 };
    const trader = await Trader.open({
      clock: this.clock, instruments: this.instruments, strategy, limits: RISK_LIMITS_DEFAULT,
      firstOrderId: 1, run: 1_000 * ++runs,
      entry: {
        client, framing, ...(account === undefined ? {} : { account }),
        ...(session === undefined ? {} : { session }),
        ...(nextSequence === undefined ? {} : { nextSequence }),
      },
      connect: async () => {
        const port = this.exchange.ports[framing === Framing.Sequenced ? 1 : 0];
        const connection = await network.connect({ host: HOST, port });
        made.connection = connection;
        return connection;
      },
      feed: {
        layout: 'native', ordersMax: 10_000,
        join: async () => ({
          incremental: await network.multicastReceiver({ ...own, group: GROUP, port: feed.port }),
          snapshot: await network.multicastReceiver({ ...own, group: GROUP, port: snapshot.port }),
          retransmit: await network.unicast({ host: HOST, port: 0 }),
        }),
        retransmitHost: HOST, retransmitPort: this.exchange.retransmitPort,
      },
      ...others,
    });
    const added = Object.assign(made, { trader }) as RigTrader;
    this.traders.push(added);
    return added;
  }

  /** As if its process had been killed. */
  remove(gone: RigTrader): void {
    this.traders.splice(this.traders.indexOf(gone), 1);
    this.#networks.splice(this.#networks.indexOf(gone.network), 1);
    gone.network.close();
  }

  /** Turns of everybody; promises of connections are kept between them. */
  async turn(turns = 1, stepNs = TURN_NS): Promise<void> {
    for (let i = 0; i < turns; i++) {
      if (this.#manual !== null) this.#manual.advance(stepNs);
      const nowNs = this.clock.refresh();
      this.exchange.poll(nowNs);
      this.#flowNetwork.poll();
      if (this.flow.entry.connected) this.flow.poll(nowNs);
      for (const { trader, network } of this.traders) {
        network.poll();
        trader.poll(nowNs);
      }
      if (this.#needsEventLoop || i % 16 === 0) await new Promise((done) => setImmediate(done));
    }
  }

  async until(condition: () => boolean, what: string, stepNs = TURN_NS): Promise<void> {
    for (let turns = 0; !condition(); turns++) {
      assert.ok(turns < TURNS_MAX, `never came: ${what}`);
      await this.turn(1, stepNs);
    }
  }

  /** Everybody stops; everything under way arrives. */
  async settle(): Promise<void> {
    for (const { trader } of this.traders) trader.stop();
    await this.until(() => this.traders.every(({ trader }) => trader.stopped), 'traders stopped');
    this.flow.stop();
    await this.until(
      () => !this.flow.entry.connected || this.flow.idle, 'the flow’s answers',
    );
    await this.turn(200);
  }

  close(): void {
    this.exchange.close(this.clock.nowNs);
    for (const network of this.#networks) network.close();
  }
}

/** A built-in strategy with parameters that suit the flow above. */
export function builtIn(name: string, parameters: Record<string, number> = {}): Strategy {
  const definition = strategyNamed(name);
  assert.ok(definition);
  return createStrategy(definition, new TraderInstruments(plainInstruments([TICKER])), parameters);
}

export const MAKER = { half_spread: 5, min_spread: 4, base_qty: 20, price_update_threshold: 1 };
export const TAKER = { signal_threshold: 0.15, base_qty: 10 };
