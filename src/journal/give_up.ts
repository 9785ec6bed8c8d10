// The last resort for a damaged journal: an operator who knows what is lost says from which sequence
// on it may be, and the journal ends before it. Nothing is deleted: it all stays under other names.
//
//   segment-0000000004.journal, damaged at offset 9000  ─► torn-0000000004-at-9000-1.bytes, zeros there
//   segment-0000000005.journal and later                ─► given-up-segment-0000000005.journal …
//   snapshots of that sequence or later                 ─► given-up-snapshot-….snapshot
//
// The latest go first, so a crash amid it leaves the same damage, and it can be done again.
import { JournalDamagedError } from './reader.ts';
import { examine, keepAside, recover, type Recovered, writeZeros } from './recovery.ts';
import { RECORD_ALIGN_BYTES } from './record.ts';
import { segmentName, segmentNumberOf } from './segment.ts';
import { listSnapshots, snapshotName } from './snapshot.ts';
import type { Storage } from './storage.ts';

const PREFIX = 'given-up-';

export interface GivenUp {
  /** The files that have kept what was given up. */
  readonly keptAs: readonly string[];
  /** The journal as it is now. */
  readonly recovered: Recovered;
}

/**
 * Ends a damaged journal before `sequence`, which must be the one that its damage names, so that
 * nobody gives up more than he has looked at. The caller holds the lock.
 */
export function giveUpFrom(storage: Storage, sequence: number): GivenUp {
  const { damage } = examine(storage);
  if (damage === null) throw new RangeError('the journal is not damaged: there is nothing to give up');
  if (damage.sequence !== sequence) {
    throw new RangeError(
      `expected sequence ${damage.sequence}, where the damage is, was ${sequence}: ${damage.message}`,
    );
  }
  const number = segmentNumberOf(damage.file);
  if (number === null) throw damage;
  const keptAs: string[] = [];
  const aside = (name: string): void => {
    storage.rename(name, PREFIX + name);
    keptAs.push(PREFIX + name);
  };
  // A segment whose header is damaged, or that is missing, goes with those behind it.
  const inside = damage.offset > 0;
  const last = inside ? sequence - 1 : examine(storage, { segmentsBelow: number }).lastSequence;
  for (const newer of listSnapshots(storage)) if (newer > last) aside(snapshotName(newer));
  for (const name of storage.list().toReversed()) {
    const later = segmentNumberOf(name);
    if (later !== null && (later > number || (later === number && !inside))) aside(name);
  }
  storage.syncDirectory();
  if (inside) keptAs.push(cutFrom(storage, damage));
  return { keptAs, recovered: recover(storage) };
}

/** Keeps a segment from an offset on in a file of its own and writes zeros there. */
function cutFrom(storage: Storage, { file: name, offset, sequence, message }: JournalDamagedError): string {
  const file = storage.open(segmentName(segmentNumberOf(name) ?? 0));
  try {
    const bytes = Math.max(file.bytes - offset, RECORD_ALIGN_BYTES);
    const keptAs = keepAside(storage, file, { file: name, offset, bytes, sequence, reason: message });
    writeZeros(file, offset, file.bytes);
    file.sync();
    return keptAs;
  } finally {
    file.close();
  }
}
