// Writing a journal from the thread that makes the records.
//
//   append ─► batch buffer ─► flush (write) ─► sync (fdatasync) ─► durableSequence
//              the process may die from here on ┘                └ and the machine from here on
//
// `append` gathers; the caller says when the batch goes to the file and when it must be on disk. A
// batch that is full goes to the file by itself. For an exchange's thread, which must never wait for
// a disk, there is group_commit.ts.
//
// Rule for callers: nothing may be told to anybody that rests on a record above `durableSequence`
// (or, where only the process may die, above `writtenSequence`).
// Errors of the storage end it for good: `failed`, and every further call throws the same. A sync is
// never asked for twice.
// Cost: an append of 64 bytes some 60 ns, a flush of a batch 1 µs and its checksums, a sync what the
// disk takes. Nothing is allocated per record.
import { assert } from '../base/assert.ts';
import { copyBytes } from './copy_bytes.ts';
import { type Recovered, recover } from './recovery.ts';
import {
  PREVIOUS_CRC_NONE,
  RECORD,
  RECORD_HEADER_BYTES,
  recordBytes,
  sealRecord,
  SEQUENCE_NONE,
  writeRecordHeader,
} from './record.ts';
import { JournalType } from './record_types.ts';
import { type JournalFailedError, type SegmentOptions, SegmentWriter } from './segment_writer.ts';
import type { Storage } from './storage.ts';

/** Bytes of a batch before it goes to the file by itself. */
const BATCH_BYTES_DEFAULT = 256 << 10;

export interface WriterOptions extends SegmentOptions {
  /** Room for records between two flushes; at least one of the largest. Default 256 KiB. */
  readonly batchBytes?: number;
  /** Known from elsewhere to have been acknowledged: a snapshot's sequence. */
  readonly ackedSequence?: number;
}

export class JournalWriter {
  /** What was found when it was opened. */
  readonly recovered: Recovered;
  readonly #segments: SegmentWriter;
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #words: Int32Array;
  #used = 0;
  #lastCrc: number;
  #lastSequence: number;
  #writtenSequence: number;
  #durableSequence: number;
  #closed = false;

  /**
   * Locks the storage, recovers what is there and goes on behind it; makes a journal where there is
   * none. Throws a StorageLockedError, or a JournalDamagedError.
   */
  static open(storage: Storage, options: WriterOptions = {}): JournalWriter {
    storage.lock();
    // What was written under other sizes is still read.
    const { ackedSequence, clusterId } = options;
    const known = {
      ...(ackedSequence !== undefined && { ackedSequence }),
      ...(clusterId !== undefined && { clusterId }),
    };
    return new JournalWriter(storage, options, recover(storage, known));
  }

  private constructor(storage: Storage, options: WriterOptions, recovered: Recovered) {
    this.recovered = recovered;
    const { position } = recovered;
    this.#segments = new SegmentWriter(storage, options, position);
    const largest = recordBytes(this.#segments.payloadBytesMax);
    const room = Math.max(options.batchBytes ?? BATCH_BYTES_DEFAULT, largest);
    this.#bytes = new Uint8Array(room + (-room & 7));
    this.#view = new DataView(this.#bytes.buffer);
    this.#words = new Int32Array(this.#bytes.buffer);
    this.#lastCrc = position?.lastCrc ?? PREVIOUS_CRC_NONE;
    this.#lastSequence = position === null ? SEQUENCE_NONE : position.nextSequence - 1;
    this.#writtenSequence = this.#lastSequence;
    this.#durableSequence = this.#lastSequence;
  }

  /** Of the last record appended. */
  get lastSequence(): number {
    return this.#lastSequence;
  }

  /** Up to here the death of this process takes nothing. */
  get writtenSequence(): number {
    return this.#writtenSequence;
  }

  /** Up to here the death of the machine takes nothing. */
  get durableSequence(): number {
    return this.#durableSequence;
  }

  get payloadBytesMax(): number {
    return this.#segments.payloadBytesMax;
  }

  /** Bytes of the records that wait for a flush. */
  get batchedBytes(): number {
    return this.#used;
  }

  /** The error that ended it; null while all is well. */
  get failed(): JournalFailedError | null {
    return this.#segments.failed;
  }

  /**
   * One record: `length` bytes from `at` of `payload`. Returns its sequence. `timeNs`: of the
   * machine's own clock, whole nanoseconds.
   */
  append(
    type: number,
    payload: Uint8Array,
    at: number,
    length: number,
    timeNs: number,
    flags = 0,
  ): number {
    assert(!this.#closed, 'a journal is written before it is closed');
    assert(length <= this.payloadBytesMax, 'a payload is not longer than the journal allows');
    assert(at >= 0 && at + length <= payload.length, 'a payload lies inside its buffer');
    const bytes = recordBytes(length);
    if (this.#used + bytes > this.#bytes.length) this.flush();
    const start = this.#used;
    const sequence = this.#lastSequence + 1;
    writeRecordHeader(this.#view, start, length, sequence, timeNs, type, flags);
    copyBytes(payload, at, this.#bytes, start + RECORD_HEADER_BYTES, length);
    this.#used = start + bytes;
    this.#lastSequence = sequence;
    return sequence;
  }

  /** Hands everything appended to the operating system: from now on it survives this process. */
  flush(): void {
    if (this.failed !== null) throw this.failed;
    let from = 0; // of the part that goes into the segment at hand
    let to = 0;
    while (to < this.#used) {
      const bytes = recordBytes(this.#view.getUint32(to + RECORD.length, true));
      if (!this.#segments.fits(to + bytes - from)) {
        this.#write(from, to);
        this.#segments.rotate(this.#writtenSequence + 1, this.#lastCrc);
        this.#durableSequence = this.#writtenSequence;
        from = to;
      }
      to += bytes;
    }
    this.#write(from, to);
    this.#used = 0;
  }

  /** Everything appended is on disk when this returns. */
  sync(): void {
    this.flush();
    if (this.#durableSequence === this.#lastSequence) return;
    this.#segments.sync();
    this.#durableSequence = this.#lastSequence;
  }

  /** Writes the zeros of the next segment ahead, so that the next rotation is short. */
  prepareNext(): void {
    this.#segments.prepareNext();
  }

  /** The end in good order: everything on disk, and a last record that testifies to it. */
  close(timeNs: number): void {
    if (this.#closed) return;
    this.sync();
    this.append(JournalType.Stop, this.#bytes, 0, 0, timeNs);
    this.sync();
    this.#closed = true;
    this.#segments.close();
  }

  /** Gives the file up without another word, as a crash would; for whoever must stop after an error. */
  abandon(): void {
    this.#closed = true;
    this.#segments.close();
  }

  /** Seals and writes the records that stand from `from` to `to`, one after the other. */
  #write(from: number, to: number): void {
    if (from === to) return;
    const { saltState } = this.#segments;
    let records = 0;
    for (let at = from; at < to; ) {
      const next = at + recordBytes(this.#view.getUint32(at + RECORD.length, true));
      this.#lastCrc = sealRecord(
        this.#view,
        this.#words,
        at,
        this.#durableSequence,
        this.#lastCrc,
        next === to,
        saltState,
      );
      records += 1;
      at = next;
    }
    this.#segments.write(this.#bytes, from, to - from);
    this.#writtenSequence += records;
  }
}
