// A trader of production on the simulator's clock, network and disk: strategy, risk, orders, client journal.
//
//   start ─► ClientJournal.open ─► Trader.open ─► turns ─► killed, with its machine or alone ─► start …
//
// As src/apps/trade.ts composes it. When all is quiet its position and its open orders are those that the
// exchange's events say (I8); at every event its orders at the exchange are within its own limits (I9, by
// the ledger).
import { MemoryDisk } from '../journal/memory_storage.ts';
import { ClientJournal } from '../trader/client_journal.ts';
import { plainInstruments, TraderInstruments } from '../trader/instruments.ts';
import { LIMIT_NONE, type RiskLimits } from '../trader/risk.ts';
import type { OrderEntry } from '../trader/order_entry.ts';
import { createStrategy, strategyNamed } from '../trader/strategies/strategies.ts';
import { Trader } from '../trader/trader.ts';
import { Framing } from '../wire/framing/frame.ts';
import { assert } from '../base/assert.ts';
import type { Prng } from '../base/prng.ts';
import type { Network } from '../net/transport.ts';
import type { ClientContext, Participant } from './client.ts';
import * as invariants from './invariants.ts';
import type { ClientPlan } from './plan.ts';
import {
  clientOf, EXCHANGE_NAME, FEED_PORT, GROUP, HOST, nameOf, passwordOf, PORT, RETRANSMIT_PORT, SNAPSHOT_PORT, userOf,
} from './setting.ts';
import { ProcessClock } from './sim_world.ts';
import type { StreamConnection } from '../net/transport.ts';

const IDLE_NS = 20_000_000;
const RETRY_NS = 50_000_000;
const QUEUE_DATAGRAMS = 256;
/** More than any process sends log-ins. */
const RUNS_APART = 1_000;
/** What a trader may have in each instrument, by its own risk gate. */
export const TRADER_POSITION_MAX = 120;
const STRATEGIES = {
  maker: ['market-maker', { half_spread: 3, min_spread: 2, base_qty: 15, price_update_threshold: 1 }],
  taker: ['liquidity-taker', { signal_threshold: 0.15, base_qty: 8 }],
} as const;

const LIMITS: RiskLimits = {
  maxOrderQty: 60, maxPosition: TRADER_POSITION_MAX, maxLoss: LIMIT_NONE, maxOpenOrders: 20,
  maxNotional: LIMIT_NONE, collarTicks: 0, ordersPerSecond: 100_000, maxPositionTotal: LIMIT_NONE,
  maxPortfolioValue: LIMIT_NONE, stopLoss: LIMIT_NONE,
};

export class SimTrader implements Participant {
  readonly plan: ClientPlan;
  readonly name: string;
  readonly idleNs = IDLE_NS;
  readonly client: number;
  deaths = 0;
  readonly #context: ClientContext;
  readonly #prng: Prng;
  readonly #disk: MemoryDisk;
  readonly #instruments: TraderInstruments;
  #network: Network | null = null;
  #trader: Trader | null = null;
  #clock: ProcessClock;
  #connection: StreamConnection | null = null;
  #runs = 0;
  #stopped = false;
  #quiet = false;

  constructor(context: ClientContext, plan: ClientPlan, prng: Prng) {
    this.plan = plan;
    this.name = nameOf(plan);
    this.client = clientOf(plan);
    this.#context = context;
    this.#prng = prng;
    this.#disk = new MemoryDisk(prng.below(2 ** 31));
    this.#clock = new ProcessClock(context.world.clock, 1);
    const tickers = Array.from({ length: context.setting.instruments }, (_, i) => i + 1);
    this.#instruments = new TraderInstruments(plainInstruments(tickers));
  }

  start(): void {
    if (this.#stopped || this.#trader !== null) return;
    this.#context.world.task(this.#open());
  }

  async #open(): Promise<void> {
    const { world, fabric, setting } = this.#context;
    this.#network = fabric.network(this.name);
    this.#clock = new ProcessClock(world.clock, 1);
    const storage = this.#disk.mount();
    const journal = ClientJournal.open(
      storage, { client: this.client, framing: Framing.Soup, instruments: this.#instruments },
      { segmentBytes: 64 << 10, randomBits: () => BigInt(this.#prng.u32()) * 0x1_0000_0001n },
    );
    try {
      this.#trader = await this.#openTrader(journal, this.#network, setting.instruments);
    } catch {
      // Nobody listens: a supervisor tries again.
      this.#disk.killProcess();
      this.#network.close();
      world.after(RETRY_NS, () => this.start());
      return;
    }
    if (this.#stopped) return this.stop();
    if (this.#quiet) this.#trader.stop();
    if (!world.has(this.name)) world.add(this);
  }

  async #openTrader(journal: ClientJournal, network: Network, instruments: number): Promise<Trader> {
    const { setting, world } = this.#context;
    const { kind } = this.plan;
    assert(kind === 'maker' || kind === 'taker', 'a trader is a maker or a taker');
    const [strategyName, parameters] = STRATEGIES[kind];
    const definition = strategyNamed(strategyName);
    assert(definition !== undefined && instruments > 0, 'the strategy is built in');
    const group = { group: GROUP, interface: HOST };
    this.#runs++;
    return Trader.open({
      clock: this.#clock, instruments: this.#instruments, journal, limits: LIMITS,
      strategy: createStrategy(definition, this.#instruments, parameters),
      firstOrderId: journal.nextOrderId, run: this.#runs * RUNS_APART,
      entry: {
        client: this.client, framing: Framing.Soup, account: userOf(this.client),
        password: passwordOf(setting, this.client), session: journal.session,
        nextSequence: Math.max(1, journal.nextSequence),
      },
      connect: async () => {
        const connection = await world.track(network.connect({ host: HOST, port: PORT }));
        world.wake(EXCHANGE_NAME, world.nowNs + 1);
        this.#connection = connection;
        return connection;
      },
      feed: {
        layout: 'native', ordersMax: setting.ordersMax, queueDatagrams: QUEUE_DATAGRAMS,
        join: async () => ({
          incremental: await network.multicastReceiver({ ...group, port: FEED_PORT }),
          snapshot: await network.multicastReceiver({ ...group, port: SNAPSHOT_PORT }),
          retransmit: await network.unicast({ host: HOST, port: 0 }),
        }),
        retransmitHost: HOST, retransmitPort: RETRANSMIT_PORT,
      },
    });
  }

  turn(): number {
    const trader = this.#trader;
    if (trader === null) return 0;
    const work = (this.#network?.poll() ?? 0) + trader.poll(this.#clock.refresh());
    const { feed } = trader;
    if (feed.fresh) this.#context.auditor.onFresh(this.name, feed.nextSequence, () => trader.view.publicHash());
    const { fault } = trader.runner;
    if (fault !== null) throw fault instanceof Error ? fault : new Error(`the strategy of ${this.name} failed`);
    return work;
  }

  /** Its process dies, with `power` its machine; it starts again after a while. */
  kill(power: boolean, downNs: number): void {
    if (this.#trader === null || this.#stopped) return;
    const { world, fabric, trace } = this.#context;
    trace.say(world.nowNs, `${this.name}: killed${power ? ', and its machine lost power' : ''}`);
    this.deaths++;
    if (power) {
      fabric.sever(this.name);
      this.#disk.losePower();
    } else this.#disk.killProcess();
    this.#gone();
    world.after(downNs, () => this.start());
  }

  #gone(): void {
    this.#trader = null;
    this.#connection = null;
    this.#network?.close();
    this.#context.world.remove(this.name);
  }

  abort(): void {
    if (this.#connection !== null) this.#context.fabric.reset(this.#connection);
    this.#context.world.wake(this.name, this.#context.world.nowNs + 1);
  }

  /** Cancels all, opens nothing. */
  quieten(): void {
    this.#quiet = true;
    this.#trader?.stop();
  }

  stop(): void {
    this.#stopped = true;
    this.#gone();
  }

  /** Its order session; null: it does not run. */
  get entry(): OrderEntry | null {
    return this.#trader?.session.entry ?? null;
  }

  /** It has stopped in good order, and knows all that was told. */
  get settled(): boolean {
    const trader = this.#trader;
    if (trader === null || !trader.stopped || !trader.session.ready || !trader.feed.fresh) return false;
    // It may have stopped without a session: then orders that nobody answered are cancelled when there is one again.
    return trader.runner.orders.liveOrders === 0;
  }

  get whyUnsettled(): string {
    const trader = this.#trader;
    if (trader === null) return `${this.name}: does not run`;
    return `${this.name}: ${trader.sessionText} (${trader.session.reason}), feed ${trader.feedText}, ` +
      `runner ${trader.runner.state}, ${trader.runner.orders.liveOrders} live orders`;
  }

  checkView(): void {
    const trader = this.#trader;
    assert(trader !== null, 'settled before');
    const { ledger } = this.#context.auditor;
    invariants.viewIsTheExchanges(
      `live orders of ${this.name}`, ledger.ordersOf(this.client).length, trader.runner.orders.liveOrders,
    );
    for (let book = 0; book < this.#instruments.count; book++)
      invariants.viewIsTheExchanges(
        `position of ${this.name} in ${book}`,
        ledger.exposure(this.client, book).position, trader.runner.positions.position(book),
      );
    trader.runner.orders.checkInvariants();
    trader.runner.positions.checkInvariants();
  }
}
