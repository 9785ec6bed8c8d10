// The faults of a plan, planned into the world: when each begins, what it does, and when it is over.
//
//   datagrams   the link of all, or of one receiver, gets worse for a while
//   streams     bytes come one by one, or in lumps, or not at all; connections break, or seem to stand
//   disk        errors, no room, slow syncs, bits that turn over, writes that land elsewhere
//   process     dies between two events or amid an operation of the disk, with its machine or alone; pauses
//   clock       the calendar jumps; the exchange's clock runs fast or slow
//
// What lasts is counted, so that overlapping faults end when the last one does. `heal` ends all.
import { Prng } from '../base/prng.ts';
import { State } from '../book/types.ts';
import { type LossyLink, type MemoryFabric, PERFECT_LINK, type StreamPolicy } from '../net/memory_network.ts';
import type { Participant } from './client.ts';
import type { ExchangeHost } from './exchange_host.ts';
import type { FaultPlan, SettingPlan } from './plan.ts';
import { EXCHANGE_NAME, HISTORIAN_NAME } from './setting.ts';
import type { SimWorld } from './sim_world.ts';
import type { SimTrader } from './sim_trader.ts';
import type { Trace } from './trace.ts';

const LOSS_MAX = 0.3;
const DUPLICATE_MAX = 0.5;
const REORDER_MAX = 0.5;
const REORDER_DISTANCE = 12;
const BURST_NS_MAX = 20_000_000;
const COALESCE_NS = 3_000_000;
const SLOW_SYNC_NS = 5_000_000_000;
const HOUR_S = 3_600;
/** Ten per cent is more than any quartz. */
const DRIFT_MAX = 0.1;
const PAUSE_NS_MAX = 200_000_000;
const MARK_DELAY_NS_MAX = 5_000_000;
const OPERATIONS_MAX = 120;
const BIT_MAX = 2 ** 31;

export interface FaultTargets {
  readonly world: SimWorld;
  readonly fabric: MemoryFabric;
  readonly host: ExchangeHost;
  readonly setting: SettingPlan;
  readonly trace: Trace;
  readonly participants: readonly Participant[];
  readonly traders: readonly SimTrader[];
}

/** How long ways take just now; asked at each send. */
export class Ways {
  /** Arrivals at multiples of this only. */
  coalesceNs = 0;
  /** Streams from and to a name stand still until then. */
  readonly stalledUntilNs = new Map<string, number>();
  /** What was sent in a stall is on its way until then, and all that follows it on the same way. */
  lastStallNs = 0;
  readonly #prng: Prng;
  readonly #typicalNs: number;

  constructor(prng: Prng, typicalNs: number) {
    this.#prng = prng;
    this.#typicalNs = typicalNs;
  }

  latencyNs(from: string, to: string, kind: 'stream' | 'datagram', nowNs: number): number {
    let ns = this.#prng.between(1_000, 2 * this.#typicalNs);
    if (this.coalesceNs > 0) ns += this.coalesceNs - ((nowNs + ns) % this.coalesceNs);
    if (kind === 'datagram') return ns;
    const until = Math.max(this.stalledUntilNs.get(from) ?? 0, this.stalledUntilNs.get(to) ?? 0);
    return Math.max(ns, until - nowNs);
  }
}

export class Faults {
  struck = 0;
  readonly #targets: FaultTargets;
  readonly #ways: Ways;
  readonly #normal: StreamPolicy;
  /** What lasts at the moment, by fault. */
  readonly #links = new Map<number, Partial<LossyLink>>();
  readonly #ends = new Map<number, () => void>();
  #healed = false;

  constructor(targets: FaultTargets, ways: Ways) {
    this.#targets = targets;
    this.#ways = ways;
    this.#normal = targets.fabric.streams;
  }

  plan(faults: readonly FaultPlan[]): void {
    const { world } = this.#targets;
    for (const fault of faults) {
      // The clock runs at its rate from the first start on.
      if (fault.kind === 'drift') this.#strike(fault);
      else world.at(fault.atNs, () => {
        if (!this.#healed) this.#strike(fault);
      });
    }
  }

  /** Phase two: nothing lasts any more, and nothing comes. */
  heal(): void {
    this.#healed = true;
    for (const end of this.#ends.values()) end();
    this.#ends.clear();
    this.#targets.fabric.links.clear();
    this.#targets.fabric.links.set(HISTORIAN_NAME, PERFECT_LINK);
    this.#ways.stalledUntilNs.clear();
    this.#targets.fabric.mend();
    this.#targets.world.resumeAll();
  }

  /** Nothing of the faults is on its way any more from then on. */
  get overNs(): number {
    return this.#ways.lastStallNs;
  }

  #strike(fault: FaultPlan): void {
    const { world, trace } = this.#targets;
    this.struck++;
    trace.say(world.nowNs, `fault ${fault.index}: ${fault.kind}`);
    const prng = new Prng(fault.seed);
    switch (fault.kind) {
      case 'loss':
        return this.#link(fault, { loss: prng.f64() * LOSS_MAX });
      case 'duplicate':
        return this.#link(fault, { duplicate: prng.f64() * DUPLICATE_MAX });
      case 'reorder':
        return this.#link(fault, { reorder: prng.f64() * REORDER_MAX, reorderDistance: prng.between(1, REORDER_DISTANCE) });
      case 'burst':
        return this.#link({ ...fault, lengthNs: prng.between(1, BURST_NS_MAX) }, { loss: 1 });
      case 'deaf':
        return this.#deaf(fault);
      case 'chunks':
        return this.#streams(fault, { receiveChunkMax: prng.between(1, 3), sendChunkMax: prng.between(1, 7) });
      case 'coalesce':
        this.#ways.coalesceNs = prng.between(1, COALESCE_NS);
        return this.#lasts(fault, () => (this.#ways.coalesceNs = 0));
      case 'stall':
        return this.#stall(fault);
      case 'half-open':
        return this.#targets.fabric.sever(this.#someone(fault).name);
      case 'reset':
        return this.#someone(fault).abort();
      default:
        return this.#strikeHost(fault, prng);
    }
  }

  #strikeHost(fault: FaultPlan, prng: Prng): void {
    const { host, world, setting } = this.#targets;
    const { faults } = host.disk;
    switch (fault.kind) {
      case 'eio-write':
        return this.#rate(fault, 'writeErrorRate', prng.f64() * 0.2);
      case 'eio-sync':
        return this.#rate(fault, 'syncErrorRate', prng.f64() * 0.2);
      case 'eio-read':
        return this.#rate(fault, 'readErrorRate', prng.f64() * 0.02);
      case 'misdirect':
        // One write, and whoever reads it later finds damage.
        host.misdirected = true;
        return this.#rate({ ...fault, lengthNs: fault.lengthNs / 8 }, 'misdirectedRate', prng.f64() * 0.2);
      case 'enospc':
        faults.capacityBytes = host.disk.usedBytes + prng.below(2 * setting.segmentBytes);
        return this.#lasts(fault, () => (faults.capacityBytes = Infinity));
      case 'slow-sync':
        host.slowSyncNs = prng.chance(0.3) ? SLOW_SYNC_NS : prng.below(100_000_000);
        return this.#lasts(fault, () => (host.slowSyncNs = 0));
      case 'bit-flip':
        host.flipBit(prng.below(BIT_MAX), prng.below(BIT_MAX));
        return host.end('killed after a bit had turned over', false);
      case 'kill':
        return host.end('killed', false);
      case 'power':
        return host.end('killed', true);
      case 'die':
        return host.dieAfter(prng.between(1, OPERATIONS_MAX));
      case 'pause':
        return world.pause(this.#paused(fault), world.nowNs + prng.between(1, PAUSE_NS_MAX));
      case 'snapshot':
        return host.snapshot(prng.below(MARK_DELAY_NS_MAX));
      case 'old-snapshot':
        host.end('killed, and its newest snapshot lost', false);
        return host.spoilSnapshot(prng.chance(0.5), prng.below(BIT_MAX));
      case 'kill-trader':
        return this.#killTrader(fault, prng);
      case 'halt':
        return this.#halt(fault);
      case 'wall-jump':
        host.wallErrorS += prng.between(-HOUR_S, HOUR_S);
        return;
      case 'drift':
        host.clockRate = 1 + (prng.f64() - 0.5) * 2 * DRIFT_MAX;
        return;
      default:
        throw new Error(`a fault of kind ${fault.kind} is not planned by time`);
    }
  }

  // ── datagrams ──────────────────────────────────────────────────────────────────────────────

  #link(fault: FaultPlan, link: Partial<LossyLink>): void {
    this.#links.set(fault.index, link);
    this.#setLink();
    this.#lasts(fault, () => {
      this.#links.delete(fault.index);
      this.#setLink();
    });
  }

  #setLink(): void {
    const link = { ...PERFECT_LINK };
    for (const more of this.#links.values()) {
      link.loss = Math.max(link.loss, more.loss ?? 0);
      link.duplicate = Math.max(link.duplicate, more.duplicate ?? 0);
      link.reorder = Math.max(link.reorder, more.reorder ?? 0);
      link.reorderDistance = Math.max(link.reorderDistance, more.reorderDistance ?? 0);
    }
    this.#targets.fabric.link = link;
  }

  #deaf(fault: FaultPlan): void {
    const { links } = this.#targets.fabric;
    const { name } = this.#someone(fault);
    links.set(name, { ...PERFECT_LINK, loss: 1 });
    this.#lasts(fault, () => links.delete(name));
  }

  // ── streams ────────────────────────────────────────────────────────────────────────────────

  #streams(fault: FaultPlan, policy: Partial<StreamPolicy>): void {
    const { fabric } = this.#targets;
    fabric.streams = { ...this.#normal, ...policy };
    this.#lasts(fault, () => (fabric.streams = this.#normal));
  }

  #stall(fault: FaultPlan): void {
    const { world } = this.#targets;
    const { name } = this.#someone(fault);
    const untilNs = world.nowNs + fault.lengthNs;
    this.#ways.stalledUntilNs.set(name, untilNs);
    this.#ways.lastStallNs = Math.max(this.#ways.lastStallNs, untilNs);
  }

  #someone({ whom }: FaultPlan): Participant {
    const { participants } = this.#targets;
    return participants[whom % participants.length];
  }

  // ── machine ────────────────────────────────────────────────────────────────────────────────

  #rate(
    fault: FaultPlan, name: 'writeErrorRate' | 'syncErrorRate' | 'readErrorRate' | 'misdirectedRate', rate: number,
  ): void {
    const { faults } = this.#targets.host.disk;
    faults[name] = rate;
    this.#lasts(fault, () => (faults[name] = 0));
  }

  #paused(fault: FaultPlan): string {
    return fault.whom % 2 === 0 ? EXCHANGE_NAME : this.#someone(fault).name;
  }

  #killTrader(fault: FaultPlan, prng: Prng): void {
    const { traders } = this.#targets;
    if (traders.length === 0) return;
    traders[fault.whom % traders.length].kill(prng.chance(0.5), prng.between(1_000_000, PAUSE_NS_MAX));
  }

  #halt(fault: FaultPlan): void {
    const { host, setting } = this.#targets;
    const ticker = 1 + (fault.whom % setting.instruments);
    const set = (state: State): void => {
      if (host.isRunning) host.exchange.setState(ticker, state);
    };
    set(State.Halted);
    this.#lasts(fault, () => set(State.Open));
  }

  #lasts(fault: FaultPlan, end: () => void): void {
    this.#ends.set(fault.index, end);
    this.#targets.world.after(fault.lengthNs, () => {
      if (this.#ends.delete(fault.index)) end();
    });
  }
}
