// From what is on disk back to the state: the newest snapshot that holds, then every record behind it.
//
//   snapshots, newest first ─► whole? ─► its state hash is that of its content? ─► replay from there
//        └ none holds ─► from the first record, if the journal still has it
//
// While records are replayed, every StateHash record is compared with the hash of the state at hand,
// and every SnapshotMark that names the snapshot at the start with that. Where they differ, the start
// was wrong: an older snapshot and a longer replay are tried, and the caller is alarmed. Where even
// the replay from the first record differs, the state cannot be known: JournalDivergedError.
import { decodeSnapshotMark, decodeStateHash, hex64, SNAPSHOT_MARK_BYTES, STATE_HASH_BYTES } from './payloads.ts';
import { JournalDamagedError, JournalReader, type ReaderOptions } from './reader.ts';
import { RecordFault, SEQUENCE_NONE } from './record.ts';
import { JournalType } from './record_types.ts';
import { listSnapshots, readSnapshot, type Snapshot, type SnapshotInfo } from './snapshot.ts';
import type { Storage } from './storage.ts';

/** The machine whose inputs the journal holds. */
export interface ReplayTarget {
  /** Back to the state before the first record. */
  reset(): void;
  /** To the state that a snapshot holds; throws when its content makes no sense. Then another state is begun. */
  load(content: Uint8Array, info: SnapshotInfo): void;
  /** One record: the reader's at hand. StateHash and SnapshotMark are kept from it. */
  apply(record: JournalReader): void;
  /** Of the state at hand. */
  stateHash(): bigint;
}

export interface ReplayResult {
  /** Sequence of the snapshot that was used; 0: none. */
  readonly snapshotSequence: number;
  readonly lastSequence: number;
  /** Records that were applied. */
  readonly records: number;
  readonly hashesCompared: number;
  /** What was wrong with newer snapshots, in words. */
  readonly alarms: readonly string[];
}

/** The state that the journal leads to is not the one that it says there was. */
export class JournalDivergedError extends Error {
  override readonly name = 'JournalDivergedError';
  readonly sequence: number;

  constructor(message: string, sequence: number) {
    super(message);
    this.sequence = sequence;
  }
}

export interface ReplayOptions extends Omit<ReaderOptions, 'fromSequence'> {
  /** Told now and then how far it is. */
  readonly onProgress?: (sequence: number) => void;
  /**
   * Ends behind this record, known to be safe: what follows may be being written. Default: the whole
   * journal.
   */
  readonly throughSequence?: number;
}

const PROGRESS_RECORDS = 1 << 14;

/** Brings `target` to the state after the last record. The journal has been recovered before. */
export function replay(
  storage: Storage,
  target: ReplayTarget,
  options: ReplayOptions = {},
): ReplayResult {
  const alarms: string[] = [];
  for (const sequence of [...listSnapshots(storage), SEQUENCE_NONE]) {
    try {
      const result = replayFrom(storage, target, sequence, options);
      return { ...result, alarms };
    } catch (error) {
      if (!(error instanceof JournalDivergedError)) throw error;
      if (sequence === SEQUENCE_NONE) {
        throw alarms.length === 0
          ? error
          : new JournalDivergedError(`${alarms.join('; ')}; ${error.message}`, error.sequence);
      }
      alarms.push(`snapshot ${sequence} is not used: ${error.message}`);
    }
  }
  throw new Error('a replay starts at a snapshot or at the first record');
}

function replayFrom(
  storage: Storage,
  target: ReplayTarget,
  sequence: number,
  options: ReplayOptions,
): Omit<ReplayResult, 'alarms'> {
  const reader = openBehind(storage, sequence, options);
  try {
    const snapshot = sequence === SEQUENCE_NONE ? null : load(storage, target, sequence);
    if (snapshot === null) target.reset();
    let records = 0;
    let hashesCompared = 0;
    const through = options.throughSequence ?? Infinity;
    while (reader.nextSequence <= through && reader.next()) {
      if (reader.type === JournalType.StateHash) {
        compare(decodeStateHash(payloadOf(reader, STATE_HASH_BYTES)), target.stateHash(), reader.sequence);
        hashesCompared += 1;
      } else if (reader.type === JournalType.SnapshotMark) {
        if (compareMark(reader, snapshot)) hashesCompared += 1;
      } else {
        target.apply(reader);
        records += 1;
        if (options.onProgress !== undefined && records % PROGRESS_RECORDS === 0) {
          options.onProgress(reader.sequence);
        }
      }
    }
    if (reader.nextSequence <= through) expectEnd(reader);
    const lastSequence = reader.exists ? reader.nextSequence - 1 : SEQUENCE_NONE;
    return { snapshotSequence: sequence, lastSequence, records, hashesCompared };
  } finally {
    reader.close();
  }
}

/** A reader whose next record is the one behind `sequence`. */
function openBehind(storage: Storage, sequence: number, options: ReplayOptions): JournalReader {
  let reader: JournalReader;
  try {
    reader = JournalReader.open(storage, { ...options, fromSequence: sequence + 1 });
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new JournalDivergedError(`${error.message}: the records between are gone`, sequence);
  }
  const last = reader.exists ? reader.nextSequence - 1 : SEQUENCE_NONE;
  if (last >= sequence) return reader;
  reader.close();
  throw new JournalDamagedError(
    `the journal in ${storage.name} ends with sequence ${last}, but there is a snapshot of ` +
      `${sequence}: records are missing`,
    '',
    0,
    last + 1,
  );
}

function load(storage: Storage, target: ReplayTarget, sequence: number): Snapshot {
  const snapshot = readSnapshot(storage, sequence);
  if (typeof snapshot === 'string') throw new JournalDivergedError(snapshot, sequence);
  try {
    target.load(snapshot.content, snapshot);
  } catch (error) {
    // Whatever it trips over: what was begun with it is thrown away, and the journal has the truth.
    throw new JournalDivergedError(error instanceof Error ? error.message : String(error), sequence);
  }
  compare(snapshot.stateHash, target.stateHash(), sequence);
  return snapshot;
}

/** Whether a mark is of the snapshot that the replay began with; then the hashes must agree. */
function compareMark(reader: JournalReader, snapshot: Snapshot | null): boolean {
  const mark = decodeSnapshotMark(payloadOf(reader, SNAPSHOT_MARK_BYTES));
  if (snapshot === null || mark.sequence !== snapshot.sequence) return false;
  compare(mark.hash, snapshot.stateHash, mark.sequence);
  return true;
}

function compare(expected: bigint, was: bigint, sequence: number): void {
  if (expected === was) return;
  throw new JournalDivergedError(
    `the state hash at sequence ${sequence} was ${hex64(was)}, expected ${hex64(expected)}`,
    sequence,
  );
}

/** Of a record that has so many bytes: a whole one of another length is no record of this program. */
function payloadOf(reader: JournalReader, bytes: number): Uint8Array {
  if (reader.payloadLength !== bytes) {
    throw new JournalDivergedError(
      `sequence ${reader.sequence}: expected ${bytes} bytes in a record of type ${reader.type}, was ${reader.payloadLength}`,
      reader.sequence,
    );
  }
  return reader.bytes.subarray(reader.payloadAt, reader.payloadAt + reader.payloadLength);
}

function expectEnd(reader: JournalReader): void {
  if (!reader.exists) return;
  const { fault, isLast, offset, nextSequence, segment } = reader.end;
  if (fault === RecordFault.End && isLast) return;
  throw new JournalDamagedError(
    `the journal cannot be replayed beyond sequence ${nextSequence - 1}: recover it first`,
    segment.file.name,
    offset,
    nextSequence,
  );
}
