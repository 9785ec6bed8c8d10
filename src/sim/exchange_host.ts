// The machine that the exchange runs on: its disk, its processes one after the other, and what can
// become of them.
//
//   start:  lock ─► recover ─► Exchange.open (replay) ─► queue, group commit ─► Start record ─► turns
//   turns:  'exchange' polls;  'journal' writes and syncs what has gathered, one sync after the other
//   ends:   kill (its sockets are closed by the system), power (nothing is said to anybody, unsynced
//           sectors are torn), amid an operation of the disk, a failed write or sync, damage found
//
// As src/apps/exchange_journal.ts composes it, with the simulator's clock, network and disk handed in;
// the journal's thread is a process of the world, and a sync takes its time before it, since a batch
// counts when its sync returns.
// A start that fails is tried again, as a supervisor does, until `heal` has made the disk good; a journal
// that is refused as damaged where nothing had damaged it is a violation.
import { assert } from '../base/assert.ts';
import type { Prng } from '../base/prng.ts';
import type { ExchangeConfig } from '../exchange/config.ts';
import { Exchange } from '../exchange/exchange.ts';
import { makeSnapshot } from '../exchange/make_snapshot.ts';
import { GroupCommit } from '../journal/group_commit.ts';
import { JournalMode, JournalQueue, journalShared } from '../journal/journal_queue.ts';
import { DiedError, MemoryDisk } from '../journal/memory_storage.ts';
import { JournalDamagedError } from '../journal/reader.ts';
import { recover } from '../journal/recovery.ts';
import { JournalDivergedError } from '../journal/replay.ts';
import { JournalFailedError } from '../journal/segment_writer.ts';
import { listSnapshots, snapshotName } from '../journal/snapshot.ts';
import { type Storage, StorageError } from '../journal/storage.ts';
import type { MemoryFabric } from '../net/memory_network.ts';
import type { Network } from '../net/transport.ts';
import type { Auditor } from './auditor.ts';
import { Violation } from './invariants.ts';
import { EXCHANGE_NAME, type SettingPlan } from './setting.ts';
import { ProcessClock, type SimWorld } from './sim_world.ts';
import type { Trace } from './trace.ts';

const JOURNAL_NAME = 'journal';
/** The least that a journal's ring may have. */
const RING_BYTES = 1 << 20;
const IDLE_NS = 20_000_000;
/** A supervisor starts it again after 1 ms to so long. */
const RESTART_NS_MAX = 60_000_000;
/** News of the disk reach the exchange's loop after up to so long. */
const WAKE_NS_MAX = 10_000;
/** 2023, in seconds. */
const WALL_CLOCK_S = 1_700_000_000;
const SNAPSHOTS_KEPT = 3;

/** One process of the exchange. */
export interface Life {
  readonly number: number;
  readonly exchange: Exchange;
  readonly queue: JournalQueue;
  readonly commit: GroupCommit;
  readonly storage: Storage;
  readonly network: Network;
  readonly clock: ProcessClock;
}

export interface HostOptions {
  readonly world: SimWorld;
  readonly fabric: MemoryFabric;
  readonly auditor: Auditor;
  readonly trace: Trace;
  readonly config: ExchangeConfig;
  readonly setting: SettingPlan;
  readonly disk: Prng;
  readonly salts: Prng;
  /** Plants a mistake in a life before it is used. */
  readonly plant?: ((life: Life) => void) | undefined;
}

export class ExchangeHost {
  readonly disk: MemoryDisk;
  /** How fast its clock runs. */
  clockRate = 1;
  /** The calendar's error in seconds. */
  wallErrorS = 0;
  /** Each sync takes at least so long: a slow disk. */
  slowSyncNs = 0;
  /** Writes have landed elsewhere: what is on the disk may be refused, for good. */
  misdirected = false;
  /** Why the journal cannot be used any more; '': it can. */
  refused = '';
  lives = 0;
  crashes = 0;
  snapshots = 0;
  failedStarts = 0;
  readonly #options: HostOptions;
  #life: Life | null = null;
  #starting = false;
  /** Puts files right of which bits were turned over since the journal was last found whole. */
  #flips: (() => void)[] = [];
  /** Durable before the last batch: what one machine can know to have been acknowledged. */
  #testified = 0;

  constructor(options: HostOptions) {
    this.#options = options;
    this.disk = new MemoryDisk(options.disk.below(2 ** 31));
  }

  get life(): Life | null {
    return this.#life;
  }

  /** Somebody has damaged what is on the disk. */
  get isDamaged(): boolean {
    return this.misdirected || this.#flips.length > 0;
  }

  get isRunning(): boolean {
    return this.#life !== null;
  }

  /** The exchange that runs. */
  get exchange(): Exchange {
    assert(this.#life !== null, 'the exchange runs');
    return this.#life.exchange;
  }

  /** Begins a process; where that fails, another one later. */
  start(): void {
    if (this.#starting || this.#life !== null || this.refused !== '') return;
    this.#starting = true;
    const { world } = this.#options;
    world.task(this.#start().finally(() => (this.#starting = false)));
  }

  async #start(): Promise<void> {
    const { trace, world } = this.#options;
    let network: Network | null = null;
    try {
      const storage = this.disk.mount();
      storage.lock();
      const recovered = recover(storage, { ackedSequence: listSnapshots(storage)[0] ?? 0 });
      const { fabric, config } = this.#options;
      network = fabric.network(EXCHANGE_NAME);
      const clock = new ProcessClock(world.clock, this.clockRate);
      const wallS = WALL_CLOCK_S + Math.floor(world.nowNs / 1e9) + this.wallErrorS;
      const { auditor } = this.#options;
      if (this.#lostUntestified(recovered.lastSequence)) return this.#onRefused('the last batch is not there');
      auditor.journalRecovered(recovered.lastSequence);
      const exchange = await Exchange.open({
        config, network, stamp: wallS, recovery: { storage }, core: 'core.checked',
        listener: { onEvent: (at) => auditor.onEvent(at) },
      });
      auditor.begin(exchange, storage);
      this.#begin(exchange, storage, network, clock, wallS, recovered);
      this.#flips = [];
      const alarms = exchange.recovered?.alarms.length ?? 0;
      trace.say(world.nowNs, `exchange: life ${this.lives} from record ${recovered.lastSequence}, ${alarms} alarms`);
    } catch (error) {
      network?.close();
      this.#onFailedStart(error);
    }
  }

  #begin(
    exchange: Exchange, storage: Storage, network: Network, clock: ProcessClock, wallS: number,
    { position, lastSequence }: ReturnType<typeof recover>,
  ): void {
    const { setting, salts, plant, world } = this.#options;
    const { segmentBytes, payloadBytesMax, hashInterval } = setting;
    const mode = setting.durable ? JournalMode.Durable : JournalMode.AsyncUnsafe;
    const shared = journalShared(RING_BYTES);
    const queue = new JournalQueue(shared, mode, payloadBytesMax, lastSequence);
    const commit = new GroupCommit({
      shared, storage, mode, position, segmentBytes, payloadBytesMax,
      randomBits: () => BigInt(salts.u32()) * 0x1_0000_0001n,
    });
    const nowNs = clock.refresh();
    this.lives++;
    const life = { number: this.lives, exchange, queue, commit, storage, network, clock };
    plant?.(life);
    exchange.startJournal({ queue, nowNs, wallClockMs: wallS * 1000, program: 'sim', hashInterval });
    this.#life = life;
    world.add({ name: EXCHANGE_NAME, idleNs: IDLE_NS, turn: () => this.#turn(life) });
    world.add({ name: JOURNAL_NAME, idleNs: Infinity, turn: () => this.#sync(life) });
  }

  #turn(life: Life): number {
    const { world, auditor, setting, disk: prng } = this.#options;
    const { exchange, queue } = life;
    const work = exchange.poll(life.clock.refresh());
    auditor.onTurn(exchange);
    if (queue.backlogBytes > 0) {
      const syncNs = Math.max(this.slowSyncNs, prng.between(1_000, 2 * setting.syncNs));
      world.wake(JOURNAL_NAME, world.nowNs + syncNs);
    }
    if (queue.failed) this.end('the journal has failed', false);
    return work;
  }

  /** One batch to the disk; the time that it takes has passed before. */
  #sync(life: Life): number {
    const { world, disk: prng } = this.#options;
    try {
      const durable = life.queue.durableSequence;
      if (life.commit.poll() > 0) this.#testified = durable;
    } catch (error) {
      if (error instanceof DiedError) this.end('it died amid an operation of the disk', prng.chance(0.5));
      else if (!(error instanceof JournalFailedError)) throw error;
    }
    world.wake(EXCHANGE_NAME, world.nowNs + prng.between(1, WAKE_NS_MAX));
    return 0;
  }

  /** The process is gone; with `power` the machine too, and nothing is said to anybody. */
  end(why: string, power: boolean): void {
    const life = this.#life;
    if (life === null) return;
    const { world, fabric, trace, disk: prng, setting } = this.#options;
    this.#life = null;
    this.crashes++;
    world.remove(EXCHANGE_NAME);
    world.remove(JOURNAL_NAME);
    this.disk.faults.diesAt = 0;
    // What mode async-unsafe loses with the machine it has promised nobody.
    const machine = power && setting.durable;
    if (machine) {
      fabric.sever(EXCHANGE_NAME);
      this.disk.losePower();
    } else this.disk.killProcess();
    life.network.close();
    trace.say(world.nowNs, `exchange: ${why}${machine ? ', and the machine lost power' : ''}`);
    this.#startLater(prng.between(1_000_000, RESTART_NS_MAX));
  }

  /** Amid the n-th operation of the disk from now on. */
  dieAfter(operations: number): void {
    if (this.#life !== null) this.disk.faults.diesAt = this.disk.operations + operations;
  }

  /** What runs beside the exchange: a snapshot of what is durable. */
  snapshot(markDelayNs: number): void {
    const life = this.#life;
    if (life === null || life.queue.failed) return;
    const { world, trace } = this.#options;
    const through = life.queue.durableSequence;
    if (through === 0) return;
    const policy = { keep: SNAPSHOTS_KEPT, removeSegments: false };
    const made = makeSnapshot(this.disk.mount(), this.#options.config, through, policy);
    world.task(made.then(
      ({ sequence, hash, alarms }) => {
        this.snapshots++;
        trace.say(world.nowNs, `exchange: snapshot of record ${sequence}, ${alarms.length} alarms`);
        world.after(markDelayNs, () => {
          if (this.#life === life && !life.queue.failed) life.exchange.journal?.snapshotMark(sequence, hash);
        });
      },
      (error: unknown) => this.#onFailedSnapshot(error),
    ));
  }

  /** The newest snapshot is lost, or has a bit that turned over: an older one must do. */
  spoilSnapshot(flip: boolean, bit: number): void {
    const storage = this.disk.mount();
    const newest = listSnapshots(storage)[0];
    if (newest === undefined) return;
    const name = snapshotName(newest);
    if (flip) this.disk.flipBit(name, bit % (storage.open(name).bytes * 8));
    else {
      storage.remove(name);
      storage.syncDirectory();
    }
  }

  /** A bit of the journal turns over; when that is found the file comes back from a copy. */
  flipBit(file: number, bit: number): void {
    const names = this.disk.names().filter((name) => name.endsWith('.journal'));
    if (names.length === 0) return;
    const name = names[file % names.length];
    const copy = this.disk.contents().get(name);
    assert(copy !== undefined, 'the file is there');
    this.disk.flipBit(name, bit % (copy.length * 8));
    this.#flips.push(() => {
      if (this.disk.has(name)) this.disk.restore(name, copy);
    });
  }

  /** The disk is good again, and the exchange will be up. */
  heal(): void {
    Object.assign(this.disk.faults, {
      capacityBytes: Infinity, writeErrorRate: 0, syncErrorRate: 0, readErrorRate: 0, misdirectedRate: 0, diesAt: 0,
    });
    this.slowSyncNs = 0;
    this.start();
  }

  #startLater(delayNs: number): void {
    this.#options.world.after(delayNs, () => this.start());
  }

  #onFailedStart(error: unknown): void {
    const { world, trace, disk: prng } = this.#options;
    this.disk.killProcess();
    if (error instanceof JournalDamagedError || error instanceof JournalDivergedError) {
      if (!this.isDamaged) throw new Violation('I11', `the journal is refused, and nothing had damaged it: ${error.message}`);
      return this.#onRefused(error.message);
    }
    const expected = error instanceof DiedError || error instanceof StorageError || error instanceof JournalFailedError;
    if (!expected) throw error;
    this.failedStarts++;
    this.disk.faults.diesAt = 0;
    trace.say(world.nowNs, `exchange: no start: ${error.message}`);
    this.#startLater(prng.between(1_000_000, RESTART_NS_MAX));
  }

  /**
   * After a crash the damage of the last batch alone cannot be told from one that was never synced; nor can records that
   * were covered by zeros to the end be told from some that were never written.
   */
  #lostUntestified(lastSequence: number): boolean {
    const untestified = lastSequence >= this.#testified || this.disk.erased;
    return this.isDamaged && lastSequence < this.#options.auditor.told && untestified;
  }

  /** Damage was found. Files with flipped bits come back from a copy; other damage is the end. */
  #onRefused(message: string): void {
    const { world, trace, disk: prng } = this.#options;
    trace.say(world.nowNs, `exchange: refused: ${message}`);
    this.disk.killProcess();
    if (this.#flips.length === 0) {
      this.refused = message;
      return;
    }
    // The copy that was made first is that of the whole file.
    for (const flip of this.#flips.toReversed()) flip();
    this.#flips = [];
    this.#startLater(prng.between(1_000_000, RESTART_NS_MAX));
  }

  #onFailedSnapshot(error: unknown): void {
    const { world, trace, disk: prng } = this.#options;
    if (error instanceof DiedError) return this.end('it died amid a snapshot', prng.chance(0.5));
    const damage = error instanceof JournalDamagedError || error instanceof JournalDivergedError;
    if (damage && !this.isDamaged) throw error;
    if (!damage && !(error instanceof StorageError)) throw error;
    trace.say(world.nowNs, `exchange: no snapshot: ${error.message}`);
  }
}
