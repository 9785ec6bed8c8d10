// Opening a journal after whatever happened: what is whole is kept, what nobody was told of is cut,
// and what had been acknowledged and is damaged is never skipped.
//
//   at the first record that is not whole, or not the one due                        do
//   a later segment exists                                                           refuse
//   a whole record behind it says that this one had been acknowledged                refuse
//   a snapshot, or whoever calls, says so                                            refuse
//   it is whole, but another record than the one due                                 refuse
//   it is not whole, though none of its sectors is missing                           refuse
//   otherwise: the torn end of a batch whose sync had not returned                   copy aside, cut
//
// Testimony is the `acked sequence` of later records, not their mere presence: the sectors of one
// write reach the disk in any order, so a record may stand whole behind a torn one of the same write,
// and nobody had been told of either. A record of a later batch always names it as acknowledged, for
// it was written after the sync had returned.
// A torn write leaves out whole sectors, and what was there before are the zeros of the preallocated
// segment. So a record that is damaged in another way is damaged, not torn, even as the last one.
// What one machine alone cannot know is whether a last batch without testimony that lacks a sector
// was torn, or had been synced and lost it afterwards. A clean stop ends with a record that testifies.
//
// What stands above all testimony is written again and synced, and so are, after anything but a clean
// stop, the zeros behind it: a killed process may have written and not synced, or its sync may have
// failed, and then the system takes for written what is not on disk. What is acted upon from here on
// must not be lost, and what was cut must not come back.
import {
  JournalDamagedError,
  type JournalEnd,
  JournalReader,
  type ReaderOptions,
} from './reader.ts';
import {
  RECORD_ALIGN_BYTES,
  RECORD_FAULT_TEXT,
  RecordFault,
  SEQUENCE_NONE,
} from './record.ts';
import { JournalType } from './record_types.ts';
import {
  SECTOR_BYTES,
  SEGMENT_HEADER_BYTES,
  segmentName,
  segmentNumberOf,
  TEMPORARY_SUFFIX,
  tornName,
} from './segment.ts';
import type { SegmentReader } from './segment_reader.ts';
import type { JournalPosition } from './segment_writer.ts';
import type { Storage, StorageFile } from './storage.ts';

/** Bytes of a torn tail are copied, and zeros written, in portions. */
const PORTION_BYTES = 1 << 20;
/**
 * Bytes that may be summed in vain while looking for whole records behind a bad one: a second's
 * work. Only bytes made for the purpose come near it; then nothing is decided.
 */
const SEARCH_BYTES_MAX = 2 ** 30;
/** Records between two tellings of progress. */
const PROGRESS_RECORDS = 1 << 16;

export interface RecoveryOptions extends ReaderOptions {
  /** Known from elsewhere (a snapshot) to have been acknowledged. Default: nothing. */
  readonly ackedSequence?: number;
  /** Told now and then, for long journals. */
  readonly onProgress?: (segment: number, segments: number, sequence: number) => void;
}

/** Bytes that are no records: the torn end of a journal, which nobody was told of, or dirt. */
export interface NoRecords {
  /** Of the segment's file. */
  readonly file: string;
  readonly offset: number;
  readonly bytes: number;
  /** The sequence due there. */
  readonly sequence: number;
  /** In words. */
  readonly reason: string;
}

/** What a journal is like; made without changing anything. */
export interface Examination {
  readonly verdict: 'empty' | 'whole' | 'torn' | 'damaged' | 'dirty';
  /** The first and the last sequence that can be read; 0 and 0 when there is none. */
  readonly firstSequence: number;
  readonly lastSequence: number;
  readonly segments: number;
  readonly records: number;
  /** The last record says that its writer ended in good order. */
  readonly stoppedCleanly: boolean;
  /** Where to go on; null where nothing was ever written, or where nothing may be. */
  readonly position: JournalPosition | null;
  /** Offset in the last segment from which on no later record shows that its sync had returned. */
  readonly unprovenFrom: number;
  readonly torn: NoRecords | null;
  /** Bytes that are not zero behind the records of full segments, where nothing was ever written. */
  readonly dirt: readonly NoRecords[];
  readonly damage: JournalDamagedError | null;
}

/** What `recover` has found and done. */
export interface Recovered {
  /** Null: there is no journal yet. */
  readonly position: JournalPosition | null;
  readonly firstSequence: number;
  readonly lastSequence: number;
  readonly stoppedCleanly: boolean;
  /** What was cut at the end. */
  readonly cut: Cut | null;
  /** What was cut behind the records of full segments. */
  readonly cleaned: readonly Cut[];
}

/** What was replaced by zeros, and the file that has kept it. */
export interface Cut extends NoRecords {
  readonly keptAs: string;
}

/** Reads the whole journal, or its part from `fromSequence` on, and says what it is like. */
export function examine(storage: Storage, options: RecoveryOptions = {}): Examination {
  const walk = new Walk(storage, options);
  try {
    walk.run();
  } catch (error) {
    if (!(error instanceof JournalDamagedError)) throw error;
    walk.damage = error;
    walk.position = null;
    walk.torn = null;
  } finally {
    walk.reader?.close();
  }
  return walk;
}

/**
 * Makes a journal ready to be written on: cuts a torn tail, removes what was never finished, syncs.
 * The storage is locked by the caller. Throws a JournalDamagedError where acknowledged data is
 * damaged; then nothing has been changed.
 */
export function recover(storage: Storage, options: RecoveryOptions = {}): Recovered {
  const examination = examine(storage, options);
  const { damage, position, unprovenFrom, torn, dirt } = examination;
  const { firstSequence, lastSequence, stoppedCleanly } = examination;
  if (damage !== null) throw damage;
  for (const name of storage.list()) {
    if (name.endsWith(TEMPORARY_SUFFIX)) storage.remove(name);
  }
  const cleaned = dirt.map((stray) => cleanSegment(storage, stray));
  let cut: Cut | null = null;
  if (position !== null) {
    const file = storage.open(segmentName(position.header.number));
    try {
      if (torn !== null) cut = { ...torn, keptAs: keepAside(storage, file, torn) };
      writeAgain(file, unprovenFrom, position.offset);
      if (torn !== null || !stoppedCleanly) writeZeros(file, position.offset, file.bytes);
      file.sync();
    } finally {
      file.close();
    }
    storage.syncDirectory();
  }
  return { position, firstSequence, lastSequence, stoppedCleanly, cut, cleaned };
}

/** One reading of a journal, and what was found. */
class Walk implements Examination {
  reader: JournalReader | null = null;
  damage: JournalDamagedError | null = null;
  position: JournalPosition | null = null;
  torn: NoRecords | null = null;
  readonly dirt: NoRecords[] = [];
  firstSequence = SEQUENCE_NONE;
  lastSequence = SEQUENCE_NONE;
  records = 0;
  segments = 0;
  unprovenFrom = SEGMENT_HEADER_BYTES;
  stoppedCleanly = false;
  readonly #storage: Storage;
  readonly #options: RecoveryOptions;

  constructor(storage: Storage, options: RecoveryOptions) {
    this.#storage = storage;
    this.#options = options;
  }

  get verdict(): Examination['verdict'] {
    if (this.damage !== null) return 'damaged';
    if (this.torn !== null) return 'torn';
    if (this.dirt.length > 0) return 'dirty';
    return this.position === null ? 'empty' : 'whole';
  }

  run(): void {
    const reader = JournalReader.open(this.#storage, {
      ...this.#options,
      onSegmentEnd: (segment, offset) => this.#endOf(segment, offset),
    });
    this.reader = reader;
    this.segments = reader.segments.length;
    if (reader.exists) this.#readAll(reader);
    const acked = this.#options.ackedSequence ?? SEQUENCE_NONE;
    if (acked > this.lastSequence) {
      throw new JournalDamagedError(
        `the journal in ${this.#storage.name} ends with sequence ${this.lastSequence}, but ` +
          `${acked} is known to have been acknowledged: records are missing`,
        '',
        0,
        this.lastSequence + 1,
      );
    }
  }

  #readAll(reader: JournalReader): void {
    const { onProgress } = this.#options;
    this.firstSequence = reader.nextSequence;
    this.lastSequence = reader.nextSequence - 1;
    let segment = 0;
    while (reader.next()) {
      if (reader.segment !== segment) this.unprovenFrom = SEGMENT_HEADER_BYTES;
      if (reader.ackedSequence === reader.sequence - 1) this.unprovenFrom = reader.offset;
      segment = reader.segment;
      this.records += 1;
      this.lastSequence = reader.sequence;
      this.stoppedCleanly = reader.type === JournalType.Stop;
      if (onProgress !== undefined && this.records % PROGRESS_RECORDS === 0) {
        onProgress(reader.segment - reader.segments[0] + 1, this.segments, reader.sequence);
      }
    }
    const { end } = reader;
    this.torn = judge(end, this.#storage.name);
    const { header, headerCrc } = end.segment;
    if (segment !== header.number) this.unprovenFrom = SEGMENT_HEADER_BYTES; // it has no record
    const { offset, nextSequence, lastCrc } = end;
    this.position = { header, headerCrc, offset, nextSequence, lastCrc };
  }

  /** A full segment: nothing stands behind its records. */
  #endOf(segment: SegmentReader, offset: number): void {
    const first = segment.nextNonZero(offset);
    if (first < 0) return;
    const { end } = lookBehind(segment, first, Infinity);
    this.dirt.push({
      file: segment.file.name,
      offset: first,
      bytes: end - first,
      sequence: this.lastSequence + 1,
      reason: 'bytes behind the records of a full segment, where nothing was ever written',
    });
  }
}

// ── judging ──────────────────────────────────────────────────────────────────────────────────

/** The torn tail that a journal ends with, or null for a whole one; throws for damage. */
function judge(end: JournalEnd, where: string): NoRecords | null {
  const { segment, offset, fault, nextSequence, isLast } = end;
  const file = segmentName(segment.header.number);
  const damaged = (why: string): JournalDamagedError =>
    new JournalDamagedError(
      `the journal in ${where} is damaged: ${file} at offset ${offset}, where sequence ` +
        `${nextSequence} is due: ${RECORD_FAULT_TEXT[fault]}; ${why}. Nothing has been changed`,
      file,
      offset,
      nextSequence,
    );
  if (!isLast) throw damaged('a later segment shows that it had been acknowledged');
  const behind = lookBehind(segment, fault === RecordFault.End ? offset : offset + 8, nextSequence);
  if (fault === RecordFault.End && behind.end <= offset) return null;
  if (behind.ackedSequence >= nextSequence) {
    throw damaged(
      `sequence ${behind.witness} at offset ${behind.witnessAt} shows that it had been acknowledged`,
    );
  }
  if (!behind.complete) throw damaged('what stands behind it is made to look like records');
  if (fault === RecordFault.Sequence || fault === RecordFault.Previous || fault === RecordFault.Form)
    throw damaged('it is whole, so this is no torn write');
  if (fault !== RecordFault.End && !lacksSector(segment, offset))
    throw damaged('none of its sectors is missing, so this is no torn write');
  return {
    file,
    offset,
    bytes: Math.max(behind.end, offset + RECORD_ALIGN_BYTES) - offset,
    sequence: nextSequence,
    reason: fault === RecordFault.End ? 'a hole, and bytes behind it' : RECORD_FAULT_TEXT[fault],
  };
}

interface Behind {
  /** Behind the last byte that is not zero. */
  end: number;
  /** The highest sequence that a whole record there calls acknowledged, and that record. */
  ackedSequence: number;
  witness: number;
  witnessAt: number;
  /** False: the search was given up. */
  complete: boolean;
}

/**
 * Looks for whole records from `from` to the end of the segment, at every multiple of 8, until one
 * calls `sequence` acknowledged.
 */
function lookBehind(segment: SegmentReader, from: number, sequence: number): Behind {
  const found: Behind = { end: 0, ackedSequence: 0, witness: 0, witnessAt: 0, complete: true };
  let summed = 0;
  let at = from;
  for (;;) {
    const nonZero = segment.nextNonZero(at);
    if (nonZero < 0) return found;
    // The first 8 bytes of a record, length and checksum, may be zero in truth.
    at = Math.max(at, nonZero - RECORD_ALIGN_BYTES);
    found.end = Math.max(found.end, nonZero + RECORD_ALIGN_BYTES);
    const bytes = segment.plausibleBytes(at, sequence);
    summed += bytes;
    if (bytes > 0 && segment.check(at) === RecordFault.None) {
      const { ackedSequence, sequence: witness } = segment.testimonyAt(at);
      if (ackedSequence > found.ackedSequence) {
        found.ackedSequence = ackedSequence;
        found.witness = witness;
        found.witnessAt = at;
      }
      at += bytes;
      found.end = Math.max(found.end, at);
      if (ackedSequence >= sequence) return found; // enough is known
      continue;
    }
    if (summed > SEARCH_BYTES_MAX) {
      found.complete = false;
      return found;
    }
    at += RECORD_ALIGN_BYTES;
  }
}

/**
 * Whether some sector's part of the record at `offset` is all zero, as before it was written, or
 * lies behind the end of the file.
 */
function lacksSector(segment: SegmentReader, offset: number): boolean {
  const claimed = segment.claimedBytes(offset);
  if (claimed === null) return false; // a length that nobody wrote
  const end = offset + claimed;
  if (end > segment.bytes) return true;
  for (let at = offset; at < end; ) {
    const sectorEnd = Math.min(end, at - (at % SECTOR_BYTES) + SECTOR_BYTES);
    const nonZero = segment.nextNonZero(at);
    if (nonZero < 0 || nonZero >= sectorEnd) return true;
    at = sectorEnd;
  }
  return false;
}

// ── changing ─────────────────────────────────────────────────────────────────────────────────

function cleanSegment(storage: Storage, dirt: NoRecords): Cut {
  const file = storage.open(dirt.file);
  try {
    const keptAs = keepAside(storage, file, dirt);
    writeZeros(file, dirt.offset, Math.min(dirt.offset + dirt.bytes, file.bytes));
    file.sync();
    return { ...dirt, keptAs };
  } finally {
    file.close();
  }
}

/** The same bytes in the same place: so that a sync has something to write. */
function writeAgain(file: StorageFile, from: number, to: number): void {
  const portion = new Uint8Array(Math.min(PORTION_BYTES, to - from));
  for (let at = from; at < to; at += portion.length) {
    const length = file.readAt(portion, 0, Math.min(portion.length, to - at), at);
    file.writeAt(portion, 0, length, at);
  }
}

/** From `from` to `to` (excluded). */
export function writeZeros(file: StorageFile, from: number, to: number): void {
  const portion = new Uint8Array(Math.min(PORTION_BYTES, Math.max(0, to - from)));
  for (let at = from; at < to; at += portion.length) {
    file.writeAt(portion, 0, Math.min(portion.length, to - at), at);
  }
}

/** Copies bytes that will be cut to a file of their own; returns its name. */
export function keepAside(storage: Storage, file: StorageFile, cut: NoRecords): string {
  const number = segmentNumberOf(cut.file) ?? 0;
  let copy = 1;
  while (storage.has(tornName(number, cut.offset, copy))) copy += 1;
  const keptAs = tornName(number, cut.offset, copy);
  const kept = storage.create(keptAs, 0);
  const portion = new Uint8Array(Math.min(PORTION_BYTES, cut.bytes));
  for (let done = 0; done < cut.bytes; done += portion.length) {
    const length = Math.min(portion.length, cut.bytes - done);
    const read = file.readAt(portion, 0, length, cut.offset + done);
    kept.writeAt(portion, 0, read, done);
  }
  kept.sync();
  kept.close();
  storage.syncDirectory();
  return keptAs;
}
