// Journals on a faulty disk, from seeds: written, crashed at any operation, recovered, written on.
// Run by crash.test.ts, and, on versions with a mistake planted, by planted.test.ts; by hand:
//   node bin/node26.mjs src/journal/crash.fuzz.ts [seeds] [first seed]
//
// The oracle is a list of all payloads appended. After each crash the recovered records must be a
// beginning of that list, at least as long as what had been told to be safe: synced, when the machine
// went down; written, when only the process died.
import assert from 'node:assert/strict';
import { Prng } from '../base/prng.ts';
import { GroupCommit } from './group_commit.ts';
import { JournalMode, JournalQueue, journalShared, QUEUE_FULL } from './journal_queue.ts';
import { DiedError, type DiskFaults, MemoryDisk } from './memory_storage.ts';
import { JournalDamagedError, JournalReader } from './reader.ts';
import { recover } from './recovery.ts';
import { JournalType } from './record_types.ts';
import { JournalFailedError, type SegmentOptions } from './segment_writer.ts';
import { type Storage, StorageError } from './storage.ts';
import { JournalWriter } from './writer.ts';

/** What the exchange's side needs of a journal, whichever way it is written. */
interface Journal {
  /** False: no room now. */
  append(type: number, payload: Uint8Array, timeNs: number): boolean;
  /** Writes some of what has been appended, or all, and syncs some of that. */
  work(prng: Prng): void;
  /** Writes the zeros of the next segment ahead, where somebody must ask for that. */
  prepare?(): void;
  readonly lastSequence: number;
  /** What was told to be safe from the death of the process, and from that of the machine. */
  readonly writtenSequence: number;
  readonly durableSequence: number;
  close(timeNs: number): void;
}

type Opener = (storage: Storage, options: SegmentOptions) => Journal;

/** The synchronous writer. */
const openWriter: Opener = (storage, options) => {
  const writer = JournalWriter.open(storage, { ...options, batchBytes: 2048 });
  return {
    append: (type, payload, timeNs) => {
      writer.append(type, payload, 0, payload.length, timeNs);
      return true;
    },
    work: (prng) => {
      if (prng.chance(0.5)) writer.flush();
      else writer.sync();
    },
    prepare: () => writer.prepareNext(),
    get lastSequence() {
      return writer.lastSequence;
    },
    get writtenSequence() {
      return writer.writtenSequence;
    },
    get durableSequence() {
      return writer.durableSequence;
    },
    close: (timeNs) => writer.close(timeNs),
  };
};

/** Queue and group commit, both on this thread. */
const openGroup =
  (mode: JournalMode): Opener =>
  (storage, options) => {
    storage.lock();
    const { position, lastSequence } = recover(storage);
    const shared = journalShared(8192);
    const payloadBytesMax = options.payloadBytesMax ?? 8;
    const queue = new JournalQueue(shared, mode, payloadBytesMax, lastSequence);
    const commit = new GroupCommit({ ...options, shared, storage, mode, position });
    return {
      append: (type, payload, timeNs) =>
        queue.append(type, payload, 0, payload.length, timeNs) !== QUEUE_FULL,
      work: (prng) => {
        if (prng.chance(0.8)) queue.publish();
        commit.poll();
      },
      get lastSequence() {
        return queue.lastSequence;
      },
      get writtenSequence() {
        return queue.writtenSequence;
      },
      get durableSequence() {
        return queue.durableSequence;
      },
      close: (timeNs) => {
        queue.publish();
        while (commit.poll() > 0);
        queue.requestStop(timeNs);
        commit.stop();
      },
    };
  };

const OPENERS: readonly Opener[] = [
  openWriter,
  openGroup(JournalMode.Durable),
  openGroup(JournalMode.AsyncUnsafe),
];

interface Appended {
  readonly type: number;
  readonly timeNs: number;
  readonly payload: Uint8Array;
}

/** Everything that one run knows. */
class Run {
  readonly prng: Prng;
  readonly disk: MemoryDisk;
  readonly options: SegmentOptions;
  readonly open: Opener;
  /** All records that may be there, in order. */
  appended: Appended[] = [];
  /** So many of them must be there, and so many even when the machine goes down. */
  written = 0;
  durable = 0;
  /** What records that are synced themselves call acknowledged. */
  testified = 0;
  /** Called when a life has recovered and begins to append. */
  whenOpen: () => void = () => {};
  /** Numbers records over all lives, as their time: one of an earlier life is known by it. */
  #made = 0;
  readonly rotates: boolean;

  /** `rotates`: segments are small, so that there are many. */
  constructor(seed: number, rotates = true, faults: Partial<DiskFaults> = {}) {
    this.rotates = rotates;
    this.prng = new Prng(seed);
    this.disk = new MemoryDisk(this.prng.u32(), faults);
    this.options = {
      segmentBytes: rotates ? 4096 * this.prng.between(1, 3) : 1 << 18,
      payloadBytesMax: this.prng.between(64, 3000),
      randomBits: () => BigInt(this.prng.u32()) * 0x1_0000_0001n,
    };
    this.open = OPENERS[this.prng.below(OPENERS.length)];
  }

  make(type: number, length: number): Appended {
    this.#made += 1;
    return { type, timeNs: this.#made, payload: new Uint8Array(length).fill(this.#made & 0xff) };
  }

  append(journal: Journal): void {
    const { payloadBytesMax = 8 } = this.options;
    const record = this.make(JournalType.Commands, this.prng.below(Math.min(payloadBytesMax, 700)));
    if (journal.append(record.type, record.payload, record.timeNs)) this.appended.push(record);
  }

  /**
   * Compares what is there with what was appended: a beginning of it, as long as it must be. What
   * is not there has never been.
   */
  check(storage: Storage): void {
    const reader = JournalReader.open(storage);
    while (reader.next()) {
      const due = this.appended[reader.sequence - 1];
      assert.ok(due !== undefined, `sequence ${reader.sequence} was never appended`);
      assert.equal(reader.timeNs, due.timeNs, `sequence ${reader.sequence} is the one appended`);
      assert.equal(reader.type, due.type);
      const { payloadAt, payloadLength } = reader;
      const payload = reader.bytes.subarray(payloadAt, payloadAt + payloadLength);
      assert.deepEqual(payload, due.payload);
    }
    const there = reader.exists ? reader.nextSequence - 1 : 0;
    reader.close();
    assert.ok(there >= this.written, `${there} records are there, ${this.written} were acknowledged`);
    this.appended.length = there;
  }

  /** Opens, checks, appends and works; ends in good order now and then. */
  live(steps: number): void {
    const storage = this.disk.mount();
    const journal = this.open(storage, this.options);
    this.check(storage);
    assert.equal(journal.lastSequence, this.appended.length);
    assert.equal(journal.durableSequence, this.appended.length, 'what recovery gives is durable');
    this.testified = this.appended.length;
    this.whenOpen();
    this.#ask(journal);
    for (let step = 0; step < steps; step++) {
      if (this.prng.chance(0.7)) this.append(journal);
      else journal.work(this.prng);
      if (this.rotates && this.prng.chance(0.03)) journal.prepare?.();
      this.#ask(journal);
    }
    if (this.prng.chance(0.3)) this.end(journal);
    this.#ask(journal);
  }

  #ask(journal: Journal): void {
    // Records that became durable now were written when this much was.
    if (journal.durableSequence > this.durable) this.testified = this.durable;
    this.written = journal.writtenSequence;
    this.durable = journal.durableSequence;
  }

  end(journal: Journal): void {
    const stop = this.make(JournalType.Stop, 0);
    this.appended.push(stop);
    journal.close(stop.timeNs);
  }

  /** The process has ended, and half of the times the machine with it. */
  crash(): void {
    if (this.prng.chance(0.5)) return this.disk.killProcess();
    this.disk.losePower();
    this.written = this.durable;
  }
}

/** A run of several lives, each of which may die at any operation, recovery included. */
export function fuzzCrashes(seed: number): void {
  repeatably('crashes', seed, () => {
    const run = new Run(seed);
    const lives = run.prng.between(3, 6);
    for (let life = 0; life < lives; life++) {
      const { disk } = run;
      disk.faults.diesAt = run.prng.chance(0.9) ? disk.operations + run.prng.between(1, 90) : 0;
      survive(() => run.live(run.prng.between(5, 120)));
      run.crash();
    }
    run.disk.faults.diesAt = 0;
    run.live(20);
  });
}

/** The same with a disk that fails and fills up: an error ends a life, and nothing told is lost. */
export function fuzzErrors(seed: number): void {
  repeatably('errors', seed, () => {
    const run = new Run(seed);
    const { disk, prng } = run;
    for (let life = 0; life < 5; life++) {
      disk.faults.writeErrorRate = prng.chance(0.5) ? 0.02 : 0;
      disk.faults.syncErrorRate = prng.chance(0.5) ? 0.05 : 0;
      disk.faults.readErrorRate = prng.chance(0.2) ? 0.01 : 0;
      disk.faults.capacityBytes = disk.usedBytes + prng.below(40_000);
      survive(() => run.live(100));
      run.crash();
    }
    Object.assign(disk.faults, { writeErrorRate: 0, syncErrorRate: 0, readErrorRate: 0 });
    disk.faults.capacityBytes = Infinity;
    run.live(20);
  });
}

/**
 * A disk that writes in the wrong place now and then. The batch that is missing is found by a later
 * one that calls it acknowledged, and what was written over by its content: refused. The last batch
 * alone nobody testifies to; nothing before it is lost without a word. Returns whether it was refused.
 */
export function fuzzMisdirected(seed: number): boolean {
  let refused = false;
  repeatably('misdirected', seed, () => {
    // Batches only: where the zeros of a new segment or of a recovery land, several batches may go,
    // and their testimony with them. No machine alone can know of that.
    const run = new Run(seed, false);
    for (let life = 0; life < 4 && !refused; life++) {
      run.whenOpen = () => (run.disk.faults.misdirectedRate = 0.05);
      try {
        survive(() => run.live(60));
      } catch (error) {
        if (!(error instanceof JournalDamagedError)) throw error;
        refused = true;
      }
      run.disk.faults.misdirectedRate = 0;
      run.crash();
      run.written = run.testified;
      run.durable = run.testified;
    }
  });
  return refused;
}

/** Runs what may die, or meet an error of the disk, and no other. */
function survive(action: () => void): void {
  try {
    action();
  } catch (error) {
    const expected =
      error instanceof DiedError ||
      error instanceof JournalFailedError ||
      error instanceof StorageError;
    if (!expected) throw error;
  }
}

function repeatably(what: string, seed: number, action: () => void): void {
  try {
    action();
  } catch (error) {
    const again = `node bin/node26.mjs src/journal/crash.fuzz.ts 1 ${seed}`;
    throw new Error(`${what}, seed ${seed} (${again}): ${(error as Error).message}`, {
      cause: error,
    });
  }
}

if (import.meta.main) {
  const [seeds = 1_000, first = 1] = process.argv.slice(2).map(Number);
  for (let seed = first; seed < first + seeds; seed++) {
    fuzzCrashes(seed);
    fuzzErrors(seed);
    fuzzMisdirected(seed);
  }
  console.log(`${seeds} seeds, nothing lost`);
}
