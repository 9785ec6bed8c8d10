// The journal's side of the queue: everything that has gathered is sealed, written and synced at
// once; what gathers meanwhile is the next batch. So a batch is as large as the disk is slow, without
// a timer, and a record waits for at most two syncs.
//
//   ring ─► seal: acked sequence, previous crc, checksum ─► write ─► ring released ─► sync ─► durable
//           (in the ring itself; a batch that wraps around, or fills its segment, takes two writes)
//
// An agent: `poll` makes one batch. On a thread of its own it may block there (journal_thread.ts); in
// a simulation it runs on the simulator's.
//
// In mode `async-unsafe` a batch counts when it is written; a sync follows when nothing else is to be
// done, after SYNC_LATE_BYTES at the latest.
// The first error is told in the shared block and thrown, and nothing is done after it: a sync that
// failed is never asked for again, since the system may have dropped what it was about.
import type { Agent } from '../base/agent.ts';
import { assert } from '../base/assert.ts';
import { ByteRingConsumer, RING_NONE } from './byte_ring.ts';
import {
  JOURNAL_COUNTERS,
  JOURNAL_RING_AT,
  type JournalCounter,
  JournalMode,
  JournalState,
  SHARED,
  writeFailure,
} from './journal_queue.ts';
import {
  getUint53,
  PREVIOUS_CRC_NONE,
  RECORD,
  recordBytes,
  sealRecord,
  SEQUENCE_NONE,
  writeRecordHeader,
} from './record.ts';
import { JournalType } from './record_types.ts';
import {
  JournalFailedError,
  type JournalPosition,
  type SegmentOptions,
  SegmentWriter,
} from './segment_writer.ts';
import type { Storage } from './storage.ts';

/** A batch ends here even when more has gathered, so that what came first is not held up for long. */
const BATCH_BYTES_MAX = 4 << 20;
/** What may wait for a sync in mode async-unsafe. */
const SYNC_LATE_BYTES = 8 << 20;

export interface GroupCommitOptions extends SegmentOptions {
  /** The queue's shared memory (journal_queue.ts). */
  readonly shared: SharedArrayBuffer;
  readonly storage: Storage;
  readonly mode: JournalMode;
  /** Where the journal ends, as recovered; null: a new one. */
  readonly position: JournalPosition | null;
  /** For the counters of syncs. Default: no time passes. */
  readonly nowNs?: () => number;
  /** Told when a segment has begun: the next one's zeros may be written. Default: nobody. */
  readonly onSegment?: () => void;
}

const COUNTER = Object.fromEntries(JOURNAL_COUNTERS.map((name, index) => [name, index])) as Record<
  JournalCounter,
  number
>;

export class GroupCommit implements Agent {
  readonly name = 'journaled';
  readonly #words: Int32Array;
  readonly #counters: Float64Array;
  readonly #stopTime: Float64Array;
  readonly #shared: SharedArrayBuffer;
  readonly #ring: ByteRingConsumer;
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #all: Int32Array;
  readonly #segments: SegmentWriter;
  readonly #durableMode: boolean;
  readonly #nowNs: () => number;
  readonly #onSegment: () => void;
  #lastCrc: number;
  // In a typed array: number fields beyond 2^30 would be boxed anew each time.
  readonly #sequences: Float64Array;
  #unsyncedBytes = 0;
  #batchRecords = 0;
  #stopped = false;

  constructor(options: GroupCommitOptions) {
    const { shared, position } = options;
    this.#shared = shared;
    this.#words = new Int32Array(shared, 0, JOURNAL_RING_AT / 4);
    this.#counters = new Float64Array(shared, SHARED.counters * 8, JOURNAL_COUNTERS.length);
    this.#stopTime = new Float64Array(shared, SHARED.stopTime * 8, 1);
    this.#ring = new ByteRingConsumer(shared, JOURNAL_RING_AT);
    this.#bytes = new Uint8Array(shared);
    this.#view = new DataView(shared);
    this.#all = new Int32Array(shared, 0, shared.byteLength >> 2);
    this.#durableMode = options.mode === JournalMode.Durable;
    this.#nowNs = options.nowNs ?? (() => 0);
    this.#onSegment = options.onSegment ?? (() => {});
    this.#lastCrc = position?.lastCrc ?? PREVIOUS_CRC_NONE;
    const last = position === null ? SEQUENCE_NONE : position.nextSequence - 1;
    this.#sequences = Float64Array.of(last, last);
    this.#segments = this.#guarded(() => new SegmentWriter(options.storage, options, position));
    Atomics.store(this.#words, SHARED.state, JournalState.Running);
    this.#onSegment();
  }

  get stopRequested(): boolean {
    return Atomics.load(this.#words, SHARED.stop) !== 0;
  }

  /** Writes and syncs what has gathered. Returns the records. Throws the storage's first error. */
  poll(): number {
    const failed = this.#segments.failed;
    if (failed !== null) throw failed;
    try {
      return this.#batch();
    } catch (error) {
      throw this.#failure(error);
    }
  }

  /** Sleeps until there is something to write or to stop for; only on a thread that may block. */
  wait(timeoutMs: number): void {
    if (!this.stopRequested) this.#ring.wait(timeoutMs);
  }

  /** The end in good order, when everything appended has been polled: a last record testifies. */
  stop(): void {
    if (this.#stopped) return;
    this.#guarded(() => {
      this.#sync();
      this.#writeStop(this.#stopTime[0]);
      this.#sync();
    });
    this.#stopped = true;
    this.#segments.close();
    Atomics.store(this.#words, SHARED.state, JournalState.Stopped);
    this.#tell();
  }

  #batch(): number {
    this.#batchRecords = 0;
    let batchBytes = 0;
    let at = this.#ring.peek();
    while (at !== RING_NONE && batchBytes < BATCH_BYTES_MAX) {
      batchBytes += this.#writeRun(at, BATCH_BYTES_MAX - batchBytes);
      at = this.#ring.peek();
    }
    this.#ring.release(); // the system has it: the memory can be used again
    this.#unsyncedBytes += batchBytes;
    const due = this.#durableMode || batchBytes === 0 || this.#unsyncedBytes >= SYNC_LATE_BYTES;
    const syncs = due && this.#unsyncedBytes > 0;
    if (syncs) this.#sync();
    if (batchBytes > 0) this.#account(batchBytes);
    if (batchBytes > 0 || syncs) this.#tell();
    return this.#batchRecords;
  }

  /**
   * Seals and writes the records that stand one behind the other from `first` on, as far as they fit
   * into the segment. Returns their bytes.
   */
  #writeRun(first: number, bytesMax: number): number {
    let firstBytes = this.#recordBytesAt(first);
    if (!this.#segments.fits(firstBytes)) this.#rotate();
    let end = first;
    let records = 0;
    for (let at = first; ; firstBytes = this.#recordBytesAt(at)) {
      if (!this.#segments.fits(end + firstBytes - first)) break;
      this.#ring.advance(firstBytes);
      end += firstBytes;
      records += 1;
      at = this.#ring.peek();
      if (at !== end || end - first >= bytesMax) break;
    }
    this.#seal(first, end);
    this.#segments.write(this.#bytes, first, end - first);
    this.#sequences[0] += records;
    this.#batchRecords += records;
    return end - first;
  }

  #seal(first: number, end: number): void {
    const { saltState } = this.#segments;
    const acked = this.#sequences[1];
    let sequence = this.#sequences[0];
    for (let at = first; at < end; ) {
      sequence += 1;
      const due = getUint53(this.#view, at + RECORD.sequence) === sequence;
      assert(due, 'the queue numbers records as the journal does');
      const next = at + this.#recordBytesAt(at);
      this.#lastCrc = sealRecord(
        this.#view,
        this.#all,
        at,
        acked,
        this.#lastCrc,
        next === end,
        saltState,
      );
      at = next;
    }
  }

  #recordBytesAt(at: number): number {
    return recordBytes(this.#view.getUint32(at + RECORD.length, true));
  }

  #sync(): void {
    const start = this.#nowNs();
    this.#segments.sync();
    const ns = this.#nowNs() - start;
    const counters = this.#counters;
    counters[COUNTER.syncs] += 1;
    counters[COUNTER.sync_ns] += ns;
    if (ns > counters[COUNTER.sync_ns_max]) counters[COUNTER.sync_ns_max] = ns;
    this.#unsyncedBytes = 0;
    this.#sequences[1] = this.#sequences[0];
  }

  #rotate(): void {
    const start = this.#nowNs();
    this.#segments.rotate(this.#sequences[0] + 1, this.#lastCrc);
    this.#sequences[1] = this.#sequences[0];
    this.#unsyncedBytes = 0;
    const ns = this.#nowNs() - start;
    const counters = this.#counters;
    counters[COUNTER.rotations] += 1;
    if (ns > counters[COUNTER.rotation_ns_max]) counters[COUNTER.rotation_ns_max] = ns;
    this.#onSegment();
  }

  #writeStop(timeNs: number): void {
    const bytes = new Uint8Array(recordBytes(0));
    const view = new DataView(bytes.buffer);
    if (!this.#segments.fits(bytes.length)) this.#rotate();
    const [written, durable] = this.#sequences;
    writeRecordHeader(view, 0, 0, written + 1, timeNs, JournalType.Stop, 0);
    const words = new Int32Array(bytes.buffer);
    const { saltState } = this.#segments;
    this.#lastCrc = sealRecord(view, words, 0, durable, this.#lastCrc, true, saltState);
    this.#segments.write(bytes, 0, bytes.length);
    this.#sequences[0] += 1;
  }

  #account(batchBytes: number): void {
    const counters = this.#counters;
    counters[COUNTER.batches] += 1;
    counters[COUNTER.records] += this.#batchRecords;
    counters[COUNTER.bytes] += batchBytes;
    if (this.#batchRecords > counters[COUNTER.batch_records_max])
      counters[COUNTER.batch_records_max] = this.#batchRecords;
  }

  /** How far it is, to the other thread, which may be waiting for it. */
  #tell(): void {
    const words = this.#words;
    Atomics.store(words, SHARED.written, this.#sequences[0] | 0);
    Atomics.store(words, SHARED.durable, this.#sequences[1] | 0);
    Atomics.notify(words, SHARED.written);
    Atomics.notify(words, SHARED.durable);
  }

  #guarded<T>(action: () => T): T {
    try {
      return action();
    } catch (error) {
      throw this.#failure(error);
    }
  }

  /** Tells an error to the other thread, which stops for good. */
  #failure(error: unknown): JournalFailedError {
    const failure = error instanceof JournalFailedError ? error : new JournalFailedError(error);
    writeFailure(this.#shared, failure);
    Atomics.store(this.#words, SHARED.state, JournalState.Failed);
    Atomics.notify(this.#words, SHARED.written);
    Atomics.notify(this.#words, SHARED.durable);
    return failure;
  }
}
