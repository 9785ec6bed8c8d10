// What all simulated clients have in common: a place in the world, a network of their own, and a
// connection that is made again when it ends.
//
//   Down ──connect──► Up ──it ended──► Down, a pause later again
//
// A client is a process of the world: a turn polls its network and then does what it wants to.
import type { Prng } from '../base/prng.ts';
import type { MemoryFabric } from '../net/memory_network.ts';
import type { Network, StreamConnection } from '../net/transport.ts';
import type { Auditor } from './auditor.ts';
import type { ExchangeHost } from './exchange_host.ts';
import type { Heard } from './heard.ts';
import type { ClientPlan, SettingPlan } from './plan.ts';
import { clientOf, EXCHANGE_NAME, HOST, nameOf, PORT } from './setting.ts';
import type { Process, SimWorld } from './sim_world.ts';
import type { Trace } from './trace.ts';

/** What a client may use. */
export interface ClientContext {
  readonly world: SimWorld;
  readonly fabric: MemoryFabric;
  readonly host: ExchangeHost;
  readonly auditor: Auditor;
  readonly heard: Heard;
  readonly trace: Trace;
  readonly setting: SettingPlan;
  /** Since then nothing but clients misbehaves; Infinity: something does. */
  quietSinceNs: number;
  /** An answer takes no longer than this while all is quiet, behind the answers to so many requests that were sent before. */
  readonly latencyBoundNs: (ahead: number) => number;
}

const IDLE_NS = 50_000_000;
const PAUSE_NS_MIN = 2_000_000;
const PAUSE_NS_MAX = 80_000_000;

/** Anything that takes part: good clients, bad ones, receivers. */
export interface Participant extends Process {
  readonly plan: ClientPlan;
  /** It begins. */
  start(): void;
  /** No more of it: connections end, no turns follow. */
  stop(): void;
  /** Its connection breaks, unread bytes and all; nothing for those that have none. */
  abort(): void;
  /** Phase two: nothing new is begun. */
  quieten(): void;
}

export abstract class SimClient implements Participant {
  readonly plan: ClientPlan;
  readonly name: string;
  readonly client: number;
  readonly idleNs: number = IDLE_NS;
  protected readonly context: ClientContext;
  protected readonly prng: Prng;
  protected readonly network: Network;
  protected connection: StreamConnection | null = null;
  protected quiet = false;
  /** When the next attempt to connect is due. */
  protected nextAttemptNs = 0;
  protected readonly port: number = PORT;
  #connecting = false;
  #stopped = false;

  constructor(context: ClientContext, plan: ClientPlan, prng: Prng) {
    this.context = context;
    this.plan = plan;
    this.prng = prng;
    this.name = nameOf(plan);
    this.client = clientOf(plan);
    this.network = context.fabric.network(this.name);
  }

  get nowNs(): number {
    return this.context.world.nowNs;
  }

  start(): void {
    this.context.world.add(this);
  }

  stop(): void {
    this.#stopped = true;
    this.context.world.remove(this.name);
    this.network.close();
    this.connection = null;
  }

  abort(): void {
    if (this.connection !== null) this.context.fabric.reset(this.connection);
    this.context.world.wake(this.name, this.nowNs + 1);
  }

  quieten(): void {
    this.quiet = true;
  }

  turn(): number {
    const work = this.network.poll();
    if (this.connection === null && !this.#connecting && this.nowNs >= this.nextAttemptNs && this.wantsConnection)
      this.#connect();
    const more = this.act();
    if (this.connection === null && !this.#connecting)
      this.context.world.wake(this.name, Math.max(this.nextAttemptNs, this.nowNs + 1_000_000));
    return work + more;
  }

  protected get wantsConnection(): boolean {
    return true;
  }

  /** What it does in a turn; returns the work done. */
  protected abstract act(): number;

  /** A connection is there. */
  protected abstract onConnected(connection: StreamConnection): void;

  /** It has ended, or could not be had: the next attempt follows after a pause. */
  protected lost(): void {
    this.connection = null;
    this.nextAttemptNs = this.nowNs + this.prng.between(PAUSE_NS_MIN, PAUSE_NS_MAX);
  }

  #connect(): void {
    const { world } = this.context;
    this.#connecting = true;
    world.task(this.network.connect({ host: HOST, port: this.port }).then(
      (connection) => {
        this.#connecting = false;
        if (this.#stopped) return connection.close();
        this.connection = connection;
        world.wake(EXCHANGE_NAME, this.nowNs + 1);
        this.onConnected(connection);
      },
      () => {
        this.#connecting = false;
        this.lost();
      },
    ));
  }
}
