// One run of a plan: exchange, journal, feed and clients of production on a simulated clock, network and
// disk, in one thread. This file is the composition and the two phases.
//
//   1 clock, ways, fabric ─► 2 auditor ─► 3 exchange's machine ─► 4 historian ─► 5 clients ─► 6 faults
//
//   phase one   faults on; whatever happens, nothing that must hold may break (safety)
//   phase two   healed; bad clients go on for a while, and the good ones are answered in time (I15); then
//               all come to rest: everybody is connected, answered, has every message and the engine's
//               books; views are compared; all orders are cancelled; the journal is executed once more
//
// A run is a function of its plan. What it throws is a Violation, or a fault of the program, which is one
// too. Limits: LIVENESS_NS of simulated time for phase two.
import { assert } from '../base/assert.ts';
import { Prng } from '../base/prng.ts';
import { Exchange } from '../exchange/exchange.ts';
import { JournalDamagedError } from '../journal/reader.ts';
import { JournalDivergedError } from '../journal/replay.ts';
import { listSnapshots, snapshotName } from '../journal/snapshot.ts';
import { MemoryFabric, PERFECT_LINK, type StreamPolicy } from '../net/memory_network.ts';
import { Framing } from '../wire/framing/frame.ts';
import { ClientResponse } from '../wire/generated/native.ts';
import { SoupHeader } from '../wire/generated/soup.ts';
import { Auditor } from './auditor.ts';
import { BadClient } from './bad_clients.ts';
import type { ClientContext, Participant } from './client.ts';
import { ExchangeHost, type Life } from './exchange_host.ts';
import { Faults, Ways } from './faults.ts';
import { Heard, Historian } from './heard.ts';
import * as invariants from './invariants.ts';
import type { LedgerLimits } from './ledger.ts';
import { generatorsOf, type ClientPlan, type SettingPlan, type SimPlan } from './plan.ts';
import { Receiver } from './receiver.ts';
import { clientOf, exchangeConfig, FEED_PORT, GROUP, HISTORIAN_NAME, HOST, speaksSoup } from './setting.ts';
import { SimTrader, TRADER_POSITION_MAX } from './sim_trader.ts';
import { SimWorld } from './sim_world.ts';
import { Trace } from './trace.ts';
import { TradingClient } from './trading_client.ts';

const MS = 1_000_000;
/** Good clients may have been thrown out, wait for a lapse of 10 s and for an attempt every 5 s. */
const LIVENESS_NS = 120_000 * MS;
/** Bad clients alone misbehave for so long. */
const QUIET_NS = 40 * MS;
/** How often phase two looks whether all has come to rest. */
const LOOK_NS = 5 * MS;
const HISTORIAN_IDLE_NS = 50 * MS;
/** Turns of the exchange that an answer may take, each at most 20 µs after the last. */
const ANSWER_SLACK_NS = 25 * MS;
/** Responses that a client may have to take before an answer, beside those to what it sent before: fills, the end of all its orders. */
const RESPONSES_AHEAD = 64;
const SOUP_RESPONSE_BYTES = SoupHeader.bytes + ClientResponse.bytes;

/** Plants a mistake, for tests of the simulator. */
export interface Planted {
  /** In every life of the exchange, before it is used. */
  readonly life?: (life: Life) => void;
  /** In every participant. */
  readonly participant?: (participant: Participant) => void;
}

export interface SimOptions {
  /** Keep the trace in words. */
  readonly trace?: boolean;
  readonly plant?: Planted | undefined;
}

export interface SimFigures {
  readonly lives: number;
  readonly crashes: number;
  readonly failedStarts: number;
  readonly snapshots: number;
  readonly faults: number;
  readonly commands: number;
  readonly trades: number;
  readonly records: number;
  readonly feedMessages: number;
  readonly answered: number;
  readonly sentAgain: number;
  readonly booksCompared: number;
  readonly traderDeaths: number;
  readonly events: number;
  readonly simulatedNs: number;
}

export interface SimResult {
  readonly seed: number;
  /** Of the trace; two runs of a plan have the same. */
  readonly hash: string;
  /** `refused`: damage that one machine cannot repair was found, and nothing was told that is not so. */
  readonly outcome: 'done' | 'refused';
  readonly figures: SimFigures;
  readonly lines: readonly string[];
}

/** What went wrong, and where the run was. */
export interface SimFailure {
  readonly error: unknown;
  readonly hash: string;
  readonly simulatedNs: number;
  readonly lines: readonly string[];
}

export class Simulation {
  readonly trace: Trace;
  readonly world: SimWorld;
  readonly host: ExchangeHost;
  readonly auditor: Auditor;
  readonly participants: Participant[] = [];
  readonly #plan: SimPlan;
  readonly #fabric: MemoryFabric;
  readonly #context: ClientContext;
  readonly #faults: Faults;
  readonly #traders: readonly TradingClient[];
  readonly #receivers: readonly Receiver[];
  readonly #simTraders: readonly SimTrader[];
  readonly #bad: readonly BadClient[];

  constructor(plan: SimPlan, options: SimOptions = {}) {
    this.#plan = plan;
    const { setting, seed } = plan;
    const generators = generatorsOf(seed);

    // 1 Time and wires.
    this.trace = new Trace(options.trace ?? false);
    this.world = new SimWorld(generators.turns);
    const ways = new Ways(generators.ways, setting.wayNs);
    const streams: StreamPolicy = {
      receiveChunkMax: Infinity, sendChunkMax: Infinity, bufferBytes: setting.bufferBytes,
    };
    this.#fabric = new MemoryFabric({
      seed: generators.link.below(2 ** 31), clock: this.world.clock, streams,
      latency: (from, to, kind) => this.#way(ways, from, to, kind),
    });
    this.#fabric.links.set(HISTORIAN_NAME, PERFECT_LINK);

    // 2 Who looks over everybody's shoulder.
    const heard = new Heard(this.trace);
    this.auditor = new Auditor({
      heard, limitsOf: limitsOf(plan), rises: (client) => speaksSoupAlone(plan, client),
    });

    // 3 The exchange's machine.
    this.host = new ExchangeHost({
      world: this.world, fabric: this.#fabric, auditor: this.auditor, trace: this.trace,
      config: exchangeConfig(plan), setting, disk: generators.disk, salts: generators.salts,
      plant: options.plant?.life,
    });

    // 5 Who takes part.
    this.#context = {
      world: this.world, fabric: this.#fabric, host: this.host, auditor: this.auditor, heard, trace: this.trace,
      setting, quietSinceNs: Infinity,
      latencyBoundNs: (ahead) => 8 * setting.wayNs + 8 * setting.syncNs + ANSWER_SLACK_NS + narrowNs(setting, ahead),
    };
    for (const client of plan.clients) this.participants.push(participantOf(this.#context, client));
    if (options.plant?.participant !== undefined) this.participants.forEach(options.plant.participant);
    this.#traders = this.participants.filter((each) => each instanceof TradingClient);
    this.#receivers = this.participants.filter((each) => each instanceof Receiver);
    this.#simTraders = this.participants.filter((each) => each instanceof SimTrader);
    this.#bad = this.participants.filter((each) => each instanceof BadClient);

    // 6 What strikes them.
    this.#faults = new Faults({
      world: this.world, fabric: this.#fabric, host: this.host, setting, trace: this.trace,
      participants: this.participants, traders: this.#simTraders,
    }, ways);
  }

  async run(): Promise<SimResult> {
    const { world, host } = this;
    await this.#addHistorian(this.#context.heard);
    this.#faults.plan(this.#plan.faults);
    host.start();
    for (const participant of this.participants)
      world.at(participant.plan.startNs, () => participant.start());
    await world.run(this.#plan.durationNs, () => this.#isRefused);
    if (!this.#isRefused) await this.#phaseTwo();
    for (const participant of this.participants) participant.stop();
    return this.#result();
  }

  get failure(): Omit<SimFailure, 'error'> {
    return { hash: this.trace.hash, simulatedNs: this.world.nowNs, lines: this.trace.lines };
  }

  get #isRefused(): boolean {
    return this.host.refused !== '';
  }

  // 4 Hears everything that is published.
  async #addHistorian(heard: Heard): Promise<void> {
    const network = this.#fabric.network(HISTORIAN_NAME);
    const socket = await network.multicastReceiver({
      group: GROUP, port: FEED_PORT, interface: HOST, receiveBufferBytes: 8 << 20,
    });
    const historian = new Historian(heard, socket);
    this.world.add({
      name: HISTORIAN_NAME, idleNs: HISTORIAN_IDLE_NS, turn: () => network.poll() + historian.poll(),
    });
  }

  /** How long something takes, and who wakes up when it arrives. */
  #way(ways: Ways, from: string, to: string, kind: 'stream' | 'datagram'): number {
    const { nowNs } = this.world;
    const ns = ways.latencyNs(from, to, kind, nowNs);
    this.world.wake(to, nowNs + ns);
    return ns;
  }

  // ── phase two ──────────────────────────────────────────────────────────────────────────────

  async #phaseTwo(): Promise<void> {
    const { world, trace } = this;
    trace.say(world.nowNs, 'healed');
    this.#faults.heal();
    this.host.heal();
    const limitNs = world.nowNs + LIVENESS_NS;
    await this.#until(limitNs, () => this.host.isRunning && this.#traders.every(({ ready }) => ready), 'everybody is let in');
    await world.run(Math.max(world.nowNs, this.#faults.overNs), () => this.#isRefused);
    if (this.#isRefused) return;
    this.#context.quietSinceNs = world.nowNs;
    await world.run(world.nowNs + QUIET_NS);
    for (const bad of this.#bad) bad.stop();
    for (const participant of this.participants) participant.quieten();
    await this.#until(limitNs, () => this.#atRest, 'all comes to rest');
    trace.say(world.nowNs, 'at rest');
    this.#checkViews();
    for (const trader of this.#traders) trader.cancelAll();
    await world.run(world.nowNs + 2 * LOOK_NS);
    await this.#until(limitNs, () => this.#atRest && this.#noGoodOrders, 'all orders end');
    this.#checkViews();
    await this.#checkJournal();
  }

  async #until(limitNs: number, holds: () => boolean, what: string): Promise<void> {
    const { world } = this;
    while (!holds() && !this.#isRefused) {
      invariants.everythingEnds(world.nowNs < limitNs, () => `${what}: not within ${LIVENESS_NS / 1e9} s: ${this.#why}`);
      await world.run(world.nowNs + LOOK_NS);
    }
  }

  get #why(): string {
    const waiting = [...this.#traders, ...this.#receivers, ...this.#simTraders].filter((each) => !each.settled);
    const up = this.host.isRunning ? 'runs' : 'does not run';
    const deaf = this.host.isRunning ? [...this.#traders, ...this.#simTraders].filter((each) => !this.#hasAll(each)) : [];
    return [
      `the exchange ${up}`, ...waiting.map((each) => each.whyUnsettled),
      ...deaf.map(({ name }) => `${name} has not heard all`),
    ].join('; ');
  }

  get #atRest(): boolean {
    const { host } = this;
    if (!host.isRunning || !host.exchange.settled) return false;
    return this.#traders.every((each) => each.settled && this.#hasAll(each)) &&
      this.#receivers.every((each) => each.settled) && this.#simTraders.every((each) => each.settled && this.#hasAll(each));
  }

  /** Every response to it has been heard. */
  #hasAll({ client, entry }: TradingClient | SimTrader): boolean {
    if (entry === null || entry.framing !== Framing.Soup) return entry !== null;
    const log = this.host.exchange.gateway.accounts.find(client)?.kept;
    return log !== undefined && log !== null && entry.nextSequence === log.next;
  }

  get #noGoodOrders(): boolean {
    return this.#traders.every(({ client }) => this.auditor.ledger.ordersOf(client).length === 0);
  }

  #checkViews(): void {
    for (const trader of this.#traders) trader.checkView();
    for (const trader of this.#simTraders) trader.checkView();
    for (const receiver of this.#receivers) receiver.checkBooks();
    this.auditor.deepLook(this.host.exchange);
    this.auditor.checkHeard(this.host.exchange);
  }

  /** The journal once more: with the snapshots that there are, and from its first record. */
  async #checkJournal(): Promise<void> {
    try {
      await this.#executeAgain();
    } catch (error) {
      const damage = error instanceof JournalDamagedError || error instanceof JournalDivergedError;
      if (!damage || !this.host.isDamaged) throw error;
      this.host.refused = error.message;
    }
  }

  async #executeAgain(): Promise<void> {
    const copy = this.host.disk.copy(1);
    const config = exchangeConfig(this.#plan);
    const snapshots = listSnapshots(copy.mount());
    if (snapshots.length > 0) this.#compare(await Exchange.replica(config, { storage: copy.mount() }));
    const storage = copy.mount();
    for (const sequence of snapshots) storage.remove(snapshotName(sequence));
    this.#compare(await Exchange.replica(config, { storage }));
  }

  #compare(replica: Exchange): void {
    const { host } = this;
    // The last write may have landed elsewhere, and no later record says that it is missing.
    const whole = replica.recovered?.lastSequence === host.life?.queue.lastSequence;
    if (!whole && host.misdirected) host.refused = 'the last batch is not there';
    else this.auditor.checkReplica(host.exchange, replica);
  }

  #result(): SimResult {
    const { host, auditor, trace, world } = this;
    if (host.life !== null) {
      const { exchange } = host.life;
      trace.addText(exchange.eventHash.toString(16));
      trace.addText(exchange.engine.stateHash().toString(16));
      trace.add(host.life.queue.lastSequence);
    }
    trace.add(world.events);
    const sum = (of: (each: TradingClient) => number): number => this.#traders.reduce((total, each) => total + of(each), 0);
    return {
      seed: this.#plan.seed,
      hash: trace.hash,
      outcome: this.#isRefused ? 'refused' : 'done',
      figures: {
        lives: host.lives, crashes: host.crashes, failedStarts: host.failedStarts, snapshots: host.snapshots,
        faults: this.#faults.struck, commands: auditor.commands, trades: auditor.ledger.trades,
        records: host.life?.queue.lastSequence ?? 0, feedMessages: auditor.heard.feedLast,
        answered: sum(({ answered }) => answered), sentAgain: sum(({ sentAgain }) => sentAgain),
        booksCompared: this.#receivers.reduce((total, { compared }) => total + compared, 0),
        traderDeaths: this.#simTraders.reduce((total, { deaths }) => total + deaths, 0),
        events: world.events, simulatedNs: world.nowNs,
      },
      lines: trace.lines,
    };
  }
}

function participantOf(context: ClientContext, plan: ClientPlan): Participant {
  const prng = new Prng(plan.seed);
  switch (plan.kind) {
    case 'soup':
    case 'resend':
      return new TradingClient(context, plan, prng, { framing: Framing.Soup, resends: plan.kind === 'resend' });
    case 'bare':
      return new TradingClient(context, plan, prng, { framing: Framing.Bare, resends: false });
    case 'sequenced':
      return new TradingClient(context, plan, prng, { framing: Framing.Sequenced, resends: false });
    case 'maker':
    case 'taker':
      return new SimTrader(context, plan, prng);
    case 'receiver':
      return new Receiver(context, plan, prng);
    default:
      return new BadClient(context, plan, prng);
  }
}

/**
 * A stream brings its buffer a round trip, and an answer stands behind what its client was told before: where that does
 * not fit at once, the other round trips, of two ways of up to twice the typical time. Nothing in most settings.
 */
function narrowNs({ bufferBytes, wayNs }: SettingPlan, ahead: number): number {
  const roundTrips = Math.ceil(((RESPONSES_AHEAD + ahead) * SOUP_RESPONSE_BYTES) / bufferBytes);
  return (roundTrips - 1) * 4 * wayNs;
}

/** By the exchange's limits, and of a trader by its own. */
function limitsOf({ setting, clients }: SimPlan): (client: number) => LedgerLimits {
  const traders = new Set(clients.filter(({ kind }) => kind === 'maker' || kind === 'taker').map(clientOf));
  const { positionMax, openOrdersMax: openOrders } = setting;
  const smaller = positionMax === 0 ? TRADER_POSITION_MAX : Math.min(positionMax, TRADER_POSITION_MAX);
  const all = { position: positionMax, openOrders };
  const trader = { position: smaller, openOrders };
  return (client) => (traders.has(client) ? trader : all);
}

/** Nobody uses this client id on a framing where ids may be used again. */
function speaksSoupAlone({ clients }: SimPlan, client: number): boolean {
  const plan = clients.find((each) => clientOf(each) === client);
  assert(client >= 0, 'client ids are not negative');
  return plan !== undefined && speaksSoup(plan.kind);
}

/** Runs a plan once. Throws what broke it; `onFailure` is told where the run was. */
export async function simulate(
  plan: SimPlan, options: SimOptions = {}, onFailure: (failure: SimFailure) => void = () => {},
): Promise<SimResult> {
  const simulation = new Simulation(plan, options);
  try {
    return await simulation.run();
  } catch (error) {
    onFailure({ error, ...simulation.failure });
    throw error;
  }
}
