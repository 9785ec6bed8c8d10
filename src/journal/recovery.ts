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
// Recovery ends with a sync of the last segment: what a killed process had written and not synced
// stands here too, and must not be lost after it has been acted upon.
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

/** The torn end of a journal, which nobody was told of. */
export interface TornTail {
  /** Of the segment's file. */
  readonly file: string;
  readonly offset: number;
  readonly bytes: number;
  /** The first sequence that is not there. */
  readonly sequence: number;
  /** In words. */
  readonly reason: string;
}

/** What a journal is like; made without changing anything. */
export interface Examination {
  readonly verdict: 'empty' | 'whole' | 'torn' | 'damaged';
  /** The first and the last sequence that can be read; 0 and 0 when there is none. */
  readonly firstSequence: number;
  readonly lastSequence: number;
  readonly segments: number;
  readonly records: number;
  /** The last record says that its writer ended in good order. */
  readonly stoppedCleanly: boolean;
  /** Where to go on; null where nothing was ever written, or where nothing may be. */
  readonly position: JournalPosition | null;
  readonly torn: TornTail | null;
  readonly damage: JournalDamagedError | null;
}

/** What `recover` has found and done. */
export interface Recovered {
  /** Null: there is no journal yet. */
  readonly position: JournalPosition | null;
  readonly firstSequence: number;
  readonly lastSequence: number;
  readonly stoppedCleanly: boolean;
  /** What was cut, and the file that has kept it. */
  readonly cut: (TornTail & { readonly keptAs: string }) | null;
}

/** Reads the whole journal, or its part from `fromSequence` on, and says what it is like. */
export function examine(storage: Storage, options: RecoveryOptions = {}): Examination {
  const walk = new Walk(storage, options);
  try {
    walk.run();
  } catch (error) {
    if (!(error instanceof JournalDamagedError)) throw error;
    walk.damage = error;
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
  const { damage, position, torn, firstSequence, lastSequence, stoppedCleanly } = examine(
    storage,
    options,
  );
  if (damage !== null) throw damage;
  for (const name of storage.list()) {
    if (name.endsWith(TEMPORARY_SUFFIX)) storage.remove(name);
  }
  let cut: Recovered['cut'] = null;
  if (position !== null) {
    const file = storage.open(segmentName(position.header.number));
    try {
      if (torn !== null) cut = { ...torn, keptAs: cutTail(storage, file, torn) };
      file.sync();
    } finally {
      file.close();
    }
    storage.syncDirectory();
  }
  return { position, firstSequence, lastSequence, stoppedCleanly, cut };
}

/** One reading of a journal, and what was found. */
class Walk implements Examination {
  reader: JournalReader | null = null;
  damage: JournalDamagedError | null = null;
  position: JournalPosition | null = null;
  torn: TornTail | null = null;
  firstSequence = SEQUENCE_NONE;
  lastSequence = SEQUENCE_NONE;
  records = 0;
  segments = 0;
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
    return this.position === null ? 'empty' : 'whole';
  }

  run(): void {
    const reader = JournalReader.open(this.#storage, this.#options);
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
    while (reader.next()) {
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
    const { offset, nextSequence, lastCrc } = end;
    this.position = { header, headerCrc, offset, nextSequence, lastCrc };
  }
}

// ── judging ──────────────────────────────────────────────────────────────────────────────────

/** The torn tail that a journal ends with, or null for a whole one; throws for damage. */
function judge(end: JournalEnd, where: string): TornTail | null {
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

/** Looks for whole records from `from` to the end of the segment, at every multiple of 8. */
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

// ── cutting ──────────────────────────────────────────────────────────────────────────────────

/** Keeps the tail in a file of its own, then writes zeros over it. Returns that file's name. */
function cutTail(storage: Storage, file: StorageFile, torn: TornTail): string {
  const number = segmentNumberOf(torn.file) ?? 0;
  let copy = 1;
  while (storage.has(tornName(number, torn.offset, copy))) copy += 1;
  const keptAs = tornName(number, torn.offset, copy);
  const kept = storage.create(keptAs, 0);
  const portion = new Uint8Array(Math.min(PORTION_BYTES, torn.bytes));
  for (let done = 0; done < torn.bytes; done += portion.length) {
    const length = Math.min(portion.length, torn.bytes - done);
    const read = file.readAt(portion, 0, length, torn.offset + done);
    kept.writeAt(portion, 0, read, done);
  }
  kept.sync();
  kept.close();
  storage.syncDirectory();
  portion.fill(0);
  const end = Math.min(torn.offset + torn.bytes, file.bytes);
  for (let at = torn.offset; at < end; at += portion.length) {
    file.writeAt(portion, 0, Math.min(portion.length, end - at), at);
  }
  return keptAs;
}
