// A journal record: one input of the machine that the journal brings back.
//
//    0        4        8                 16                24                32     34     36
//    │ length │ crc    │ sequence        │ time ns         │ acked sequence  │ type │ flags│ previous crc │
//   40
//    │ payload, `length` bytes │ zeros to a multiple of 8 │ next record …
//
// Little-endian. Every record begins at a multiple of 8.
//   crc            CRC-32C over the segment's salt, `length`, and all bytes from offset 8 to the end
//                  of the padding: no bit of a record can change unseen, nor can a record of another
//                  segment, or stale bytes of an earlier life of the same disk blocks, pass for one
//   sequence       rises by 1 from record to record, over all segments; from 1
//   acked          the highest sequence that was safely on disk when this record was written: a later
//                  record so testifies that an earlier one had been acknowledged, and damage to it
//                  can be told from the torn end of a batch that nobody was told of
//   previous crc   `crc` of the record before (0 before the first): finds lost and swapped records
//   flags          BatchEnd: the last record of one write. StateHash, SnapshotMark: see record_types.ts
//
// A record is written in two steps: `writeRecordHeader` where it is made, `sealRecord` where it is
// written to disk, which alone knows what is acknowledged and which record came before.
// Sequences and times are integers below 2^53, passed as numbers and stored as two halves: nothing
// here makes a BigInt or allocates.
import { assert } from '../base/assert.ts';
import { CRC_START, crcOf, crcWord, crcWords } from './crc32c.ts';

/** Offsets of fields in bytes. */
export const RECORD = {
  length: 0,
  crc: 4,
  sequence: 8,
  time: 16,
  acked: 24,
  type: 32,
  flags: 34,
  previousCrc: 36,
  payload: 40,
} as const;

export const RECORD_HEADER_BYTES = 40;
export const RECORD_ALIGN_BYTES = 8;
assert(RECORD.payload === RECORD_HEADER_BYTES, 'the payload follows the header');
assert(RECORD_HEADER_BYTES % RECORD_ALIGN_BYTES === 0, 'a payload is aligned as its record is');
assert(RECORD.previousCrc + 4 === RECORD.payload, 'the header has no holes');

/** Largest payload that any journal may be configured for: 16 times the largest batch of commands. */
export const PAYLOAD_BYTES_LIMIT = 4 << 20;

export const RecordFlag = {
  /** The last record of one write to disk. */
  BatchEnd: 1,
  /** The payload has the hash of the state after the record before this one. */
  StateHash: 2,
  /** A snapshot of the state after the record before this one has been written. */
  SnapshotMark: 4,
} as const;
export const RECORD_FLAGS_KNOWN =
  RecordFlag.BatchEnd | RecordFlag.StateHash | RecordFlag.SnapshotMark;

/** `type` of no record: reads as "nothing has been written here". */
export const RECORD_TYPE_NONE = 0;
/** The sequence before the first record. */
export const SEQUENCE_NONE = 0;
/** `previous crc` of the first record of a journal. */
export const PREVIOUS_CRC_NONE = 0;

/** What is wrong with a record, in the order in which it is looked for. */
export const RecordFault = {
  None: 0,
  /** All zero: nothing was written here, so this is the end, unless something stands behind it. */
  End: 1,
  /** Longer than allowed, or than what is left of the segment. */
  Length: 2,
  /** Some bit of it is wrong. */
  Crc: 3,
  /** Whole, but not a record of this version: type 0, unknown flags, padding that is not zero. */
  Form: 4,
  /** Whole, but with another number than the one due here. */
  Sequence: 5,
  /** Whole, but behind another record than the one before it. */
  Previous: 6,
} as const;
export type RecordFault = (typeof RecordFault)[keyof typeof RecordFault];

export const RECORD_FAULT_TEXT: Readonly<Record<RecordFault, string>> = {
  [RecordFault.None]: 'none',
  [RecordFault.End]: 'nothing is written there',
  [RecordFault.Length]: 'its length is beyond the maximum or the bytes left',
  [RecordFault.Crc]: 'its checksum does not match its bytes',
  [RecordFault.Form]: 'its type, flags or padding are not of this format',
  [RecordFault.Sequence]: 'it has another sequence than the one due',
  [RecordFault.Previous]: 'it follows another record than the one before it',
};

/** Bytes on disk of a record with a payload of `length` bytes. */
export function recordBytes(length: number): number {
  return (RECORD_HEADER_BYTES + length + RECORD_ALIGN_BYTES - 1) & ~(RECORD_ALIGN_BYTES - 1);
}

// ── 64-bit fields ────────────────────────────────────────────────────────────────────────────

const HALF = 0x1_0000_0000;

/** Writes an integer 0 … 2^53 − 1. */
export function setUint53(view: DataView, at: number, value: number): void {
  view.setUint32(at, value >>> 0, true);
  view.setUint32(at + 4, Math.floor(value / HALF), true);
}

/** Reads what `setUint53` wrote; beyond 2^53 it is not exact, which only damaged bytes can be. */
export function getUint53(view: DataView, at: number): number {
  return view.getUint32(at, true) + view.getUint32(at + 4, true) * HALF;
}

// ── writing ──────────────────────────────────────────────────────────────────────────────────

/**
 * Everything of the header that its maker knows, and the zeros behind the payload, which is written
 * after this. `at` is a multiple of 8; `recordBytes(length)` bytes from there belong to it.
 */
export function writeRecordHeader(
  view: DataView,
  at: number,
  length: number,
  sequence: number,
  timeNs: number,
  type: number,
  flags: number,
): void {
  assert(type > RECORD_TYPE_NONE && type <= 0xffff, 'a record has a type of 16 bits, not 0');
  assert((flags & ~RECORD_FLAGS_KNOWN) === 0, 'the flags of a record are known');
  assert(timeNs >= 0 && timeNs <= Number.MAX_SAFE_INTEGER, 'a time is a whole number of ns');
  const end = at + recordBytes(length);
  view.setInt32(end - 8, 0, true); // the padding is what the payload leaves of these
  view.setInt32(end - 4, 0, true);
  view.setUint32(at + RECORD.length, length, true);
  setUint53(view, at + RECORD.sequence, sequence);
  setUint53(view, at + RECORD.time, Math.floor(timeNs));
  view.setUint16(at + RECORD.type, type, true);
  view.setUint16(at + RECORD.flags, flags, true);
}

/** The checksum's state after the segment's salt, from where every record of it goes on. */
export function crcOfSalt(saltLow: number, saltHigh: number): number {
  return crcWord(crcWord(CRC_START, saltLow), saltHigh);
}

/** The checksum of the record at `at`, as an int32. `words` and `view` are over the same memory. */
function checksum(view: DataView, words: Int32Array, at: number, saltState: number): number {
  const length = view.getUint32(at + RECORD.length, true);
  const from = (view.byteOffset - words.byteOffset + at + RECORD.sequence) >> 2;
  const to = from + ((recordBytes(length) - RECORD.sequence) >> 2);
  return crcOf(crcWords(crcWord(saltState, length), words, from, to));
}

/**
 * The rest of the header, when the record is about to be written to disk. Returns its checksum, the
 * next record's `previousCrc`.
 */
export function sealRecord(
  view: DataView,
  words: Int32Array,
  at: number,
  ackedSequence: number,
  previousCrc: number,
  batchEnd: boolean,
  saltState: number,
): number {
  setUint53(view, at + RECORD.acked, ackedSequence);
  view.setInt32(at + RECORD.previousCrc, previousCrc, true);
  if (batchEnd) {
    const flags = view.getUint16(at + RECORD.flags, true);
    view.setUint16(at + RECORD.flags, flags | RecordFlag.BatchEnd, true);
  }
  const crc = checksum(view, words, at, saltState);
  view.setInt32(at + RECORD.crc, crc, true);
  return crc;
}

// ── checking ─────────────────────────────────────────────────────────────────────────────────

/** The header's own words, before anything is known to be whole: End, Length, or None. */
export function checkLength(
  view: DataView,
  at: number,
  payloadBytesMax: number,
  bytesLeft: number,
): RecordFault {
  const length = view.getUint32(at + RECORD.length, true);
  if (length === 0) {
    let any = 0;
    for (let i = 4; i < RECORD_HEADER_BYTES; i += 4) any |= view.getInt32(at + i, true);
    if (any === 0) return RecordFault.End;
  }
  if (length > payloadBytesMax || recordBytes(length) > bytesLeft) return RecordFault.Length;
  return RecordFault.None;
}

/** Whether the record that wholly stands at `at` is one of this segment: Crc, Form, or None. */
export function checkRecord(
  view: DataView,
  words: Int32Array,
  at: number,
  saltState: number,
): RecordFault {
  if (checksum(view, words, at, saltState) !== view.getInt32(at + RECORD.crc, true)) {
    return RecordFault.Crc;
  }
  const length = view.getUint32(at + RECORD.length, true);
  const end = at + recordBytes(length);
  let bad = view.getUint16(at + RECORD.type, true) === RECORD_TYPE_NONE ? 1 : 0;
  bad |= view.getUint16(at + RECORD.flags, true) & ~RECORD_FLAGS_KNOWN;
  for (let i = at + RECORD_HEADER_BYTES + length; i < end; i++) bad |= view.getUint8(i);
  return bad === 0 ? RecordFault.None : RecordFault.Form;
}

/** Whether a whole record is the one that is due: Sequence, Previous, or None. */
export function checkPlace(
  view: DataView,
  at: number,
  sequence: number,
  previousCrc: number,
): RecordFault {
  if (getUint53(view, at + RECORD.sequence) !== sequence) return RecordFault.Sequence;
  if (view.getInt32(at + RECORD.previousCrc, true) !== previousCrc) return RecordFault.Previous;
  return RecordFault.None;
}
