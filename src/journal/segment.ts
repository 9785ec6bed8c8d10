// A segment: one file of the journal, of a fixed size, written with zeros before it is used.
//
//    0       8         12        16               24     32              40              48
//    │ magic │ version │ segment │ first sequence │ salt │ previous hash │ configuration │
//   48           56    60           64
//    │ cluster id │ pad │ crc32c     │ record │ record │ … │ zeros to the end of the file
//
// Little-endian. `crc32c` covers the 60 bytes before it. A segment gets its final name when its
// header is safely on disk, so a header that does not check is damage, never a torn write.
//   salt            random for each segment; goes into the checksum of each of its records
//   previous hash   high half: checksum of the header of the segment before; low half: that of its
//                   last record (so the first record's `previous crc` is known without reading it).
//                   Each covers the one before it, so the hash stands for the whole journal so far.
//   configuration   hash of the configuration under which the segment was begun
//   cluster id      which system's journal this is: a file from elsewhere is refused
import { assert } from '../base/assert.ts';
import { CRC_START, crcBytes, crcOf } from './crc32c.ts';
import { getUint53, RECORD_HEADER_BYTES, setUint53 } from './record.ts';

/** Offsets of fields in bytes. */
export const SEGMENT = {
  magic: 0,
  version: 8,
  number: 12,
  firstSequence: 16,
  salt: 24,
  previousHash: 32,
  configurationHash: 40,
  clusterId: 48,
  pad: 56,
  crc: 60,
} as const;

export const SEGMENT_HEADER_BYTES = 64;
export const SEGMENT_VERSION = 1;
assert(SEGMENT.crc + 4 === SEGMENT_HEADER_BYTES, 'the checksum ends the header');

/** "OUTCRYJL" in file order. */
const MAGIC = 0x4c4a_5952_4354_554fn;

/** Room for a header and a few records; the simulator runs with these. */
export const SEGMENT_BYTES_MIN = 4096;
/** Offsets stay int32, and a segment can be held in memory whole. */
export const SEGMENT_BYTES_MAX = 1 << 30;
/** Some seconds of a busy exchange: few files, and a rotation is rare. */
export const SEGMENT_BYTES_DEFAULT = 64 << 20;
/** Files grow by whole sectors. */
export const SECTOR_BYTES = 512;

export interface SegmentHeader {
  /** From 1. */
  readonly number: number;
  readonly firstSequence: number;
  readonly salt: bigint;
  readonly previousHash: bigint;
  readonly configurationHash: bigint;
  readonly clusterId: bigint;
}

/** The hash that the header of the segment behind carries. */
export function segmentHash(headerCrc: number, lastRecordCrc: number): bigint {
  return (BigInt(headerCrc >>> 0) << 32n) | BigInt(lastRecordCrc >>> 0);
}

/** `previous crc` of the first record of a segment. */
export function previousCrcOf(header: SegmentHeader): number {
  return Number(BigInt.asIntN(32, header.previousHash));
}

/** Writes the header to the first 64 bytes of `bytes`; returns its checksum, an int32. */
export function encodeSegmentHeader(bytes: Uint8Array, header: SegmentHeader): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, SEGMENT_HEADER_BYTES);
  view.setBigUint64(SEGMENT.magic, MAGIC, true);
  view.setUint32(SEGMENT.version, SEGMENT_VERSION, true);
  view.setUint32(SEGMENT.number, header.number, true);
  setUint53(view, SEGMENT.firstSequence, header.firstSequence);
  view.setBigUint64(SEGMENT.salt, header.salt, true);
  view.setBigUint64(SEGMENT.previousHash, header.previousHash, true);
  view.setBigUint64(SEGMENT.configurationHash, header.configurationHash, true);
  view.setBigUint64(SEGMENT.clusterId, header.clusterId, true);
  view.setUint32(SEGMENT.pad, 0, true);
  const crc = crcOf(crcBytes(CRC_START, bytes, 0, SEGMENT.crc));
  view.setInt32(SEGMENT.crc, crc, true);
  return crc;
}

/** The header, or in words what is wrong with these 64 bytes. */
export function decodeSegmentHeader(bytes: Uint8Array): SegmentHeader | string {
  const view = new DataView(bytes.buffer, bytes.byteOffset, SEGMENT_HEADER_BYTES);
  const magic = view.getBigUint64(SEGMENT.magic, true);
  if (magic !== MAGIC) return `expected the magic ${hex(MAGIC)}, was ${hex(magic)}`;
  const expected = crcOf(crcBytes(CRC_START, bytes, 0, SEGMENT.crc)) >>> 0;
  const crc = view.getUint32(SEGMENT.crc, true);
  if (crc !== expected) {
    return `expected the checksum ${expected.toString(16)}, was ${crc.toString(16)}`;
  }
  const version = view.getUint32(SEGMENT.version, true);
  if (version !== SEGMENT_VERSION) return `expected version ${SEGMENT_VERSION}, was ${version}`;
  return {
    number: view.getUint32(SEGMENT.number, true),
    firstSequence: getUint53(view, SEGMENT.firstSequence),
    salt: view.getBigUint64(SEGMENT.salt, true),
    previousHash: view.getBigUint64(SEGMENT.previousHash, true),
    configurationHash: view.getBigUint64(SEGMENT.configurationHash, true),
    clusterId: view.getBigUint64(SEGMENT.clusterId, true),
  };
}

/** The checksum that ends an encoded header, an int32. */
export function headerCrcOf(bytes: Uint8Array): number {
  return new DataView(bytes.buffer, bytes.byteOffset).getInt32(SEGMENT.crc, true);
}

function hex(value: bigint): string {
  return value.toString(16).padStart(16, '0');
}

// ── names ────────────────────────────────────────────────────────────────────────────────────

const NUMBER_DIGITS = 10;
const SEGMENT_NAME = /^segment-(\d{10})\.journal$/;

/** Zeros for the segment after the current one, written ahead. */
export const SPARE_NAME = 'spare.tmp';
export const SPARE_UNFINISHED_NAME = 'spare-unfinished.tmp';
/** What ends in this is unfinished, and removed when the journal is opened. */
export const TEMPORARY_SUFFIX = '.tmp';

export function segmentName(number: number): string {
  return `segment-${String(number).padStart(NUMBER_DIGITS, '0')}.journal`;
}

/** The number in a segment's name; null for any other file. */
export function segmentNumberOf(name: string): number | null {
  const digits = SEGMENT_NAME.exec(name)?.[1];
  return digits === undefined ? null : Number(digits);
}

/** Where a torn tail is kept. */
export function tornName(segment: number, offset: number, copy: number): string {
  return `torn-${String(segment).padStart(NUMBER_DIGITS, '0')}-at-${offset}-${copy}.bytes`;
}

// ── limits ───────────────────────────────────────────────────────────────────────────────────

/** Throws when a segment cannot be of this size, or a payload in it. */
export function checkSizes(segmentBytes: number, payloadBytesMax: number): void {
  if (
    !Number.isInteger(segmentBytes) ||
    segmentBytes % SECTOR_BYTES !== 0 ||
    segmentBytes < SEGMENT_BYTES_MIN ||
    segmentBytes > SEGMENT_BYTES_MAX
  ) {
    throw new RangeError(
      `segmentBytes: expected a multiple of ${SECTOR_BYTES} from ${SEGMENT_BYTES_MIN} to ` +
        `${SEGMENT_BYTES_MAX}, was ${segmentBytes}`,
    );
  }
  const largest = payloadBytesIn(segmentBytes);
  if (!(Number.isInteger(payloadBytesMax) && payloadBytesMax >= 8 && payloadBytesMax <= largest)) {
    throw new RangeError(
      `payloadBytesMax: expected 8 to ${largest} (one record fills a segment of ` +
        `${segmentBytes} bytes), was ${payloadBytesMax}`,
    );
  }
}

/** The largest payload that a segment of this size can hold. */
export function payloadBytesIn(segmentBytes: number): number {
  return segmentBytes - SEGMENT_HEADER_BYTES - RECORD_HEADER_BYTES;
}
