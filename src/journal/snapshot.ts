// Snapshots: the whole state after some record, so that a restart replays only what came later. What
// stands inside is the owner's; here it is bytes.
//
//    0       8         12            16         24        32           40              48
//    │ magic │ version │ content crc │ sequence │ time ns │ state hash │ content bytes │
//   48              56           64    68           72
//    │ configuration │ cluster id │ pad │ header crc │ content …
//
// Little-endian. One file each, named by its sequence. Written under another name, synced, renamed,
// directory synced: overwriting in place was damaged in 30 of 40 kills, with the rename in none. So
// a snapshot under its own name that does not check is damage, and an older one serves.
//   sequence      the state is that after this record, which was durable before the snapshot was made:
//                 a snapshot testifies that everything up to it had been acknowledged
//   state hash    of the state, as the journal's records of type StateHash give it
import { CRC_START, crcAll, crcBytes, crcOf } from './crc32c.ts';
import { getUint53, setUint53 } from './record.ts';
import {
  decodeSegmentHeader,
  SEGMENT_HEADER_BYTES,
  segmentName,
  segmentNumberOf,
  TEMPORARY_SUFFIX,
} from './segment.ts';
import type { Storage } from './storage.ts';

/** Offsets of fields in bytes. */
export const SNAPSHOT = {
  magic: 0,
  version: 8,
  contentCrc: 12,
  sequence: 16,
  time: 24,
  stateHash: 32,
  contentBytes: 40,
  configurationHash: 48,
  clusterId: 56,
  pad: 64,
  headerCrc: 68,
} as const;
export const SNAPSHOT_HEADER_BYTES = 72;
const VERSION = 1;

/** "OUTCRYSN" in file order. */
const MAGIC = 0x4e53_5952_4354_554fn;
/** Kept by `pruneSnapshots`: the newest, and one in case that it turns out damaged. */
const KEEP_DEFAULT = 2;

export interface SnapshotInfo {
  readonly sequence: number;
  readonly timeNs: number;
  readonly stateHash: bigint;
  readonly configurationHash: bigint;
  readonly clusterId: bigint;
}

export interface Snapshot extends SnapshotInfo {
  readonly content: Uint8Array;
}

const NAME = /^snapshot-(\d{16})\.snapshot$/;

export function snapshotName(sequence: number): string {
  return `snapshot-${String(sequence).padStart(16, '0')}.snapshot`;
}

/** Writes a snapshot; when this returns it survives the machine. Returns the file's name. */
export function writeSnapshot(storage: Storage, info: SnapshotInfo, content: Uint8Array): string {
  const name = snapshotName(info.sequence);
  const temporary = name + TEMPORARY_SUFFIX;
  if (storage.has(temporary)) storage.remove(temporary);
  const header = encodeHeader(info, content);
  const file = storage.create(temporary, 0);
  try {
    file.writeAt(header, 0, header.length, 0);
    if (content.length > 0) file.writeAt(content, 0, content.length, header.length);
    file.sync();
  } finally {
    file.close();
  }
  storage.rename(temporary, name);
  storage.syncDirectory();
  return name;
}

/** Sequences of all snapshots, whole or not, the newest first. */
export function listSnapshots(storage: Storage): number[] {
  const sequences: number[] = [];
  for (const name of storage.list()) {
    const digits = NAME.exec(name)?.[1];
    if (digits !== undefined) sequences.push(Number(digits));
  }
  return sequences.toSorted((a, b) => b - a);
}

/** A snapshot, or in words what is wrong with it. */
export function readSnapshot(storage: Storage, sequence: number): Snapshot | string {
  const file = storage.open(snapshotName(sequence));
  try {
    const header = new Uint8Array(SNAPSHOT_HEADER_BYTES);
    const read = file.readAt(header, 0, SNAPSHOT_HEADER_BYTES, 0);
    if (read < SNAPSHOT_HEADER_BYTES) {
      return `expected ${SNAPSHOT_HEADER_BYTES} bytes at least, was ${read}`;
    }
    const info = decodeHeader(header);
    if (typeof info === 'string') return info;
    if (info.sequence !== sequence) return `expected sequence ${sequence}, was ${info.sequence}`;
    const bytes = file.bytes - SNAPSHOT_HEADER_BYTES;
    if (bytes !== info.contentBytes) {
      return `expected ${info.contentBytes} bytes of content, was ${bytes}`;
    }
    const content = new Uint8Array(bytes);
    file.readAt(content, 0, bytes, SNAPSHOT_HEADER_BYTES);
    const crc = crcOf(crcAll(CRC_START, content));
    if (crc !== info.contentCrc) {
      return `expected the content's checksum ${hex32(info.contentCrc)}, was ${hex32(crc)}`;
    }
    const { timeNs, stateHash, configurationHash, clusterId } = info;
    return { sequence, timeNs, stateHash, configurationHash, clusterId, content };
  } finally {
    file.close();
  }
}

/** The newest snapshot that is whole, and what is wrong with newer ones. */
export function newestSnapshot(storage: Storage): {
  readonly snapshot: Snapshot | null;
  readonly damaged: readonly { readonly sequence: number; readonly fault: string }[];
} {
  const damaged: { sequence: number; fault: string }[] = [];
  for (const sequence of listSnapshots(storage)) {
    const snapshot = readSnapshot(storage, sequence);
    if (typeof snapshot !== 'string') return { snapshot, damaged };
    damaged.push({ sequence, fault: snapshot });
  }
  return { snapshot: null, damaged };
}

/** Removes all but the newest whole snapshots. Returns the sequences of those removed. */
export function pruneSnapshots(storage: Storage, keep: number = KEEP_DEFAULT): number[] {
  if (!(Number.isInteger(keep) && keep >= 1)) {
    throw new RangeError(`keep: expected a whole number above 0, was ${keep}`);
  }
  const removed: number[] = [];
  let kept = 0;
  for (const sequence of listSnapshots(storage)) {
    if (kept < keep) {
      if (typeof readSnapshot(storage, sequence) !== 'string') kept += 1;
      continue; // a damaged one among the newest stays, to be looked at
    }
    storage.remove(snapshotName(sequence));
    removed.push(sequence);
  }
  if (removed.length > 0) storage.syncDirectory();
  return removed;
}

/**
 * Removes the segments whose records are all at or below `sequence`, the oldest first, so that what
 * is left has no gap at any time. The last segment stays. Returns the numbers of those removed.
 */
export function pruneSegments(storage: Storage, sequence: number): number[] {
  const numbers = storage.list().flatMap((name) => segmentNumberOf(name) ?? []);
  const removed: number[] = [];
  for (const [index, number] of numbers.slice(0, -1).entries()) {
    if (firstSequenceOf(storage, numbers[index + 1]) > sequence + 1) break;
    storage.remove(segmentName(number));
    storage.syncDirectory();
    removed.push(number);
  }
  return removed;
}

function firstSequenceOf(storage: Storage, number: number): number {
  const bytes = new Uint8Array(SEGMENT_HEADER_BYTES);
  const file = storage.open(segmentName(number));
  try {
    file.readAt(bytes, 0, SEGMENT_HEADER_BYTES, 0);
  } finally {
    file.close();
  }
  const header = decodeSegmentHeader(bytes);
  // Damage is for recovery to tell; here it means that nothing may go.
  return typeof header === 'string' ? Infinity : header.firstSequence;
}

function encodeHeader(info: SnapshotInfo, content: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(SNAPSHOT_HEADER_BYTES);
  const view = new DataView(bytes.buffer);
  view.setBigUint64(SNAPSHOT.magic, MAGIC, true);
  view.setUint32(SNAPSHOT.version, VERSION, true);
  const contentCrc = crcOf(crcAll(CRC_START, content));
  view.setInt32(SNAPSHOT.contentCrc, contentCrc, true);
  setUint53(view, SNAPSHOT.sequence, info.sequence);
  setUint53(view, SNAPSHOT.time, Math.floor(info.timeNs));
  view.setBigUint64(SNAPSHOT.stateHash, info.stateHash, true);
  setUint53(view, SNAPSHOT.contentBytes, content.length);
  view.setBigUint64(SNAPSHOT.configurationHash, info.configurationHash, true);
  view.setBigUint64(SNAPSHOT.clusterId, info.clusterId, true);
  const headerCrc = crcOf(crcBytes(CRC_START, bytes, 0, SNAPSHOT.headerCrc));
  view.setInt32(SNAPSHOT.headerCrc, headerCrc, true);
  return bytes;
}

function decodeHeader(
  bytes: Uint8Array,
): (SnapshotInfo & { contentCrc: number; contentBytes: number }) | string {
  const view = new DataView(bytes.buffer);
  const magic = view.getBigUint64(SNAPSHOT.magic, true);
  if (magic !== MAGIC) return `expected the magic ${MAGIC.toString(16)}, was ${magic.toString(16)}`;
  const expected = crcOf(crcBytes(CRC_START, bytes, 0, SNAPSHOT.headerCrc));
  const crc = view.getInt32(SNAPSHOT.headerCrc, true);
  if (crc !== expected) {
    return `expected the header's checksum ${hex32(expected)}, was ${hex32(crc)}`;
  }
  const version = view.getUint32(SNAPSHOT.version, true);
  if (version !== VERSION) return `expected version ${VERSION}, was ${version}`;
  return {
    sequence: getUint53(view, SNAPSHOT.sequence),
    timeNs: getUint53(view, SNAPSHOT.time),
    stateHash: view.getBigUint64(SNAPSHOT.stateHash, true),
    configurationHash: view.getBigUint64(SNAPSHOT.configurationHash, true),
    clusterId: view.getBigUint64(SNAPSHOT.clusterId, true),
    contentCrc: view.getInt32(SNAPSHOT.contentCrc, true),
    contentBytes: getUint53(view, SNAPSHOT.contentBytes),
  };
}

function hex32(value: number): string {
  return (value >>> 0).toString(16).padStart(8, '0');
}
