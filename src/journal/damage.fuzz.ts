// Journals that are damaged on purpose: torn at every sector, each bit turned, and mutated by what
// knows their structure. Run by damage.test.ts, and, on versions with a mistake planted, by
// planted.test.ts; by hand:
//   node bin/node26.mjs src/journal/damage.fuzz.ts [seeds] [first seed]
//
// The rule: whatever was done, a journal is either refused, or what recovery gives is what was
// written, up to what must be there.
import assert from 'node:assert/strict';
import { Prng } from '../base/prng.ts';
import { MemoryDisk } from './memory_storage.ts';
import { JournalDamagedError, JournalReader } from './reader.ts';
import {
  crcOfSalt,
  RECORD,
  RECORD_HEADER_BYTES,
  recordBytes,
  sealRecord,
  setUint53,
} from './record.ts';
import { JournalType } from './record_types.ts';
import { examine, recover } from './recovery.ts';
import {
  decodeSegmentHeader,
  encodeSegmentHeader,
  SECTOR_BYTES,
  SEGMENT_HEADER_BYTES,
  segmentName,
} from './segment.ts';
import type { SegmentOptions } from './segment_writer.ts';
import type { Storage } from './storage.ts';
import { JournalWriter } from './writer.ts';

/** Salts and payloads from a seed, so that a run can be repeated. */
function optionsOf(prng: Prng, segmentBytes: number): SegmentOptions {
  return { segmentBytes, randomBits: () => BigInt(prng.u32()) * 0x1_0000_0001n };
}

/** One word for each record, payload and all. */
function recordsOf(storage: Storage): string[] {
  const reader = JournalReader.open(storage, { payloadBytesMax: 1 << 16 });
  const records: string[] = [];
  while (reader.next()) {
    const { type, timeNs, sequence, bytes, payloadAt, payloadLength } = reader;
    const payload = Buffer.from(bytes.buffer, payloadAt, payloadLength).toString('latin1');
    records.push(`${sequence} ${type} ${timeNs} ${payload}`);
  }
  reader.close();
  return records;
}

function appendRandom(writer: JournalWriter, prng: Prng, lengthMax: number): void {
  const payload = Uint8Array.from({ length: prng.below(lengthMax) }, () => prng.between(1, 255));
  writer.append(JournalType.Commands, payload, 0, payload.length, prng.u32());
}

/** A journal that ended in good order; its last record testifies to all others. */
function cleanJournal(seed: number, segmentBytes: number, bytesMin: number): MemoryDisk {
  const prng = new Prng(seed);
  const disk = new MemoryDisk(seed);
  const storage = disk.mount();
  const writer = JournalWriter.open(storage, optionsOf(prng, segmentBytes));
  for (let written = 0; written < bytesMin; ) {
    const before = writer.lastSequence;
    for (let i = prng.below(8); i >= 0; i--) appendRandom(writer, prng, 120);
    if (prng.chance(0.8)) writer.sync();
    written += 100 * (writer.lastSequence - before);
  }
  writer.close(prng.u32());
  storage.close();
  return disk;
}

// ── bits ─────────────────────────────────────────────────────────────────────────────────────

export interface FlipCounts {
  bits: number;
  refused: number;
  repaired: number;
}

/**
 * Turns bits of a clean journal of some 64 KiB (`segments` of them, every `stride`-th bit), one at a
 * time: each is refused, or repaired so that no record but the last, the testimony, is lost.
 */
export function flipBits(segmentBytes: number, segments: number, stride: number): FlipCounts {
  const disk = cleanJournal(11, segmentBytes, segmentBytes * (segments - 0.6));
  const names = disk.mount().list();
  const records = recordsOf(disk.mount());
  const counts: FlipCounts = { bits: 0, refused: 0, repaired: 0 };
  for (const name of names) {
    for (let bit = counts.bits % stride; bit < segmentBytes * 8; bit += stride) {
      counts.bits += 1;
      disk.flipBit(name, bit);
      const { verdict } = examine(disk.mount(), { payloadBytesMax: 1 << 16 });
      if (verdict === 'damaged') {
        counts.refused += 1;
        disk.flipBit(name, bit);
        continue;
      }
      assert.notEqual(verdict, 'whole', `${name}, bit ${bit} was taken without a word`);
      const repaired = disk.copy(1);
      recover(repaired.mount());
      const there = recordsOf(repaired.mount());
      assert.ok(there.length >= records.length - 1, `${name}, bit ${bit}: a record was lost`);
      assert.deepEqual(there, records.slice(0, there.length), `${name}, bit ${bit}`);
      counts.repaired += 1;
      disk.flipBit(name, bit);
    }
  }
  assert.deepEqual(recordsOf(disk.mount()), records);
  return counts;
}

// ── tears ────────────────────────────────────────────────────────────────────────────────────

/**
 * A batch of some sectors, of which every subset reaches the disk: what comes back is what stood
 * before it, and those first records of it that are whole.
 */
export function tearBatch(seed: number, sectorsMax: number): number {
  let tried = 0;
  for (let mask = 0; ; mask++) {
    const { disk, acked, records, sectors } = unsyncedBatch(seed, sectorsMax);
    if (mask >= 2 ** sectors.length) return tried;
    disk.losePower((_, sector, versions) => {
      const index = sectors.indexOf(sector);
      return (mask >> index) & 1 ? versions : 0;
    });
    const { cut } = recover(disk.mount());
    const there = recordsOf(disk.mount());
    const where = `seed ${seed}, sectors ${mask.toString(2)} of ${sectors.length}`;
    assert.ok(there.length >= acked, `${where}: ${there.length} there, ${acked} acknowledged`);
    assert.deepEqual(there, records.slice(0, there.length), where);
    if (mask === 2 ** sectors.length - 1) assert.equal(there.length, records.length, where);
    if (mask === 0) assert.equal(there.length, acked, where);
    if (cut !== null) assert.equal(cut.sequence, there.length + 1, where);
    writeOn(disk, there, where);
    tried += 1;
  }
}

/** Some acknowledged records, and a batch behind them that has been written and not synced. */
function unsyncedBatch(seed: number, sectorsMax: number) {
  const prng = new Prng(seed);
  const disk = new MemoryDisk(seed);
  const storage = disk.mount();
  const writer = JournalWriter.open(storage, optionsOf(prng, 16 << 10));
  for (let i = prng.below(5); i >= 0; i--) appendRandom(writer, prng, 300);
  writer.sync();
  const acked = writer.durableSequence;
  let bytes = 0;
  while (bytes < (sectorsMax - 2) * SECTOR_BYTES) {
    appendRandom(writer, prng, prng.chance(0.5) ? 60 : 1200);
    bytes = writer.batchedBytes;
  }
  writer.flush();
  const records = recordsOf(storage);
  return { disk, acked, records, sectors: disk.unsyncedSectors(segmentName(1)) };
}

/** A recovered journal takes new records, and has them and the old ones afterwards. */
function writeOn(disk: MemoryDisk, before: readonly string[], where: string): void {
  const storage = disk.mount();
  const writer = JournalWriter.open(storage, optionsOf(new Prng(1), 16 << 10));
  assert.equal(writer.recovered.cut, null, `${where}: a second recovery finds nothing`);
  writer.append(JournalType.Clock, new Uint8Array(0), 0, 0, 5);
  writer.close(6);
  storage.close();
  assert.deepEqual(
    recordsOf(disk.mount()),
    [...before, `${before.length + 1} 3 5 `, `${before.length + 2} 2 6 `],
    where,
  );
}

// ── mutations ────────────────────────────────────────────────────────────────────────────────

/** A segment's bytes, and where its records begin. */
interface Parsed {
  readonly name: string;
  readonly bytes: Uint8Array;
  readonly view: DataView;
  readonly records: readonly number[];
  readonly end: number;
}

function parse(name: string, bytes: Uint8Array): Parsed {
  const view = new DataView(bytes.buffer);
  const records: number[] = [];
  let at = SEGMENT_HEADER_BYTES;
  while (at + RECORD_HEADER_BYTES <= bytes.length && view.getUint16(at + RECORD.type, true) > 0) {
    records.push(at);
    at += recordBytes(view.getUint32(at, true));
  }
  return { name, bytes, view, records, end: at };
}

const bytesAt = ({ view }: Parsed, at: number): number => recordBytes(view.getUint32(at, true));

/** Makes the record at `at` whole again after a change, under its own salt. */
function reseal({ bytes, view }: Parsed, at: number): void {
  const header = decodeSegmentHeader(bytes);
  if (typeof header === 'string') return; // the mutation before this one was of the header
  const salt = crcOfSalt(Number(header.salt & 0xffff_ffffn) | 0, Number(header.salt >> 32n) | 0);
  const acked = view.getUint32(at + RECORD.acked, true);
  const previous = view.getInt32(at + RECORD.previousCrc, true);
  sealRecord(view, new Int32Array(bytes.buffer), at, acked, previous, false, salt);
}

type Mutation = (prng: Prng, segment: Parsed, all: readonly Parsed[]) => void;

const pick = <T>(prng: Prng, list: readonly T[]): T => list[prng.below(list.length)];

/** What goes wrong with bytes that have the form of a journal. */
const MUTATIONS: Readonly<Record<string, Mutation>> = {
  'a field of a record': (prng, segment) => {
    const at = pick(prng, segment.records) + 4 * prng.below(RECORD_HEADER_BYTES / 4);
    const odd = [0, 1, 7, 0xffff_ffff, 0x7fff_ffff, segment.bytes.length, prng.u32()];
    segment.view.setUint32(at, pick(prng, odd), true);
  },
  'a field of a record that is not the last, resealed': (prng, segment) => {
    if (segment.records.length < 2) return;
    const at = pick(prng, segment.records.slice(0, -1));
    const offset = pick(prng, [RECORD.sequence, RECORD.time, RECORD.type, RECORD.payload - 8]);
    segment.view.setUint16(at + offset, prng.below(0x1_0000), true);
    reseal(segment, at);
  },
  'the header of a segment': (prng, segment) => {
    segment.bytes[prng.below(SEGMENT_HEADER_BYTES)] = prng.below(256);
  },
  'a header that checks and says another thing': (prng, segment) => {
    const header = decodeSegmentHeader(segment.bytes);
    if (typeof header === 'string') return;
    const more = prng.between(1, 5);
    encodeSegmentHeader(
      segment.bytes,
      pick(prng, [
        { ...header, number: header.number + more },
        { ...header, firstSequence: header.firstSequence + more },
        { ...header, salt: header.salt ^ BigInt(more) },
        { ...header, previousHash: header.previousHash ^ BigInt(more) },
      ]),
    );
  },
  'two records that change places': (prng, segment) => {
    const [a, b] = [pick(prng, segment.records), pick(prng, segment.records)];
    const bytes = Math.min(bytesAt(segment, a), bytesAt(segment, b));
    const first = segment.bytes.slice(a, a + bytes);
    segment.bytes.copyWithin(a, b, b + bytes);
    segment.bytes.set(first, b);
  },
  'a record that is gone, the others closing up': (prng, segment) => {
    const at = pick(prng, segment.records);
    segment.bytes.copyWithin(at, at + bytesAt(segment, at), segment.end);
    segment.bytes.fill(0, segment.end - bytesAt(segment, at), segment.end);
  },
  'a record that comes twice': (prng, segment) => {
    const at = pick(prng, segment.records);
    const bytes = bytesAt(segment, at);
    if (segment.end + bytes > segment.bytes.length) return;
    segment.bytes.copyWithin(at + bytes, at, segment.end);
  },
  'records of another segment, or of another journal': (prng, segment, all) => {
    const other = pick(prng, all);
    const from = pick(prng, other.records);
    const to = pick(prng, [...segment.records, segment.end]);
    const bytes = Math.min(other.end - from, segment.bytes.length - to);
    segment.bytes.set(other.bytes.slice(from, from + bytes), to);
  },
  'a sector of zeros, or of another place': (prng, segment) => {
    const sector = (bytes: Uint8Array): number =>
      prng.below(bytes.length / SECTOR_BYTES) * SECTOR_BYTES;
    const from = sector(segment.bytes);
    const to = sector(segment.bytes);
    if (prng.chance(0.5)) segment.bytes.fill(0, to, to + SECTOR_BYTES);
    else segment.bytes.copyWithin(to, from, from + SECTOR_BYTES);
  },
  'random bytes': (prng, segment) => {
    const at = prng.below(segment.bytes.length);
    const end = Math.min(segment.bytes.length, at + prng.between(1, 200));
    for (let i = at; i < end; i++) segment.bytes[i] = prng.below(256);
  },
  'what looks like the next record behind the end': (prng, segment) => {
    const last = segment.records.at(-1);
    if (last === undefined || segment.end + 64 > segment.bytes.length) return;
    segment.bytes.copyWithin(segment.end, last, last + 40);
    const sequence = segment.view.getUint32(last + RECORD.sequence, true) + prng.between(1, 3);
    setUint53(segment.view, segment.end + RECORD.sequence, sequence);
    setUint53(segment.view, segment.end + RECORD.acked, sequence);
    segment.view.setUint32(segment.end, prng.below(100), true);
  },
};

export const MUTATION_NAMES = Object.keys(MUTATIONS);

/**
 * One mutation of a clean journal, sometimes two. It is refused, or nothing that had been
 * acknowledged is lost or changed. Returns what was done and what came of it.
 */
export function fuzzMutations(seed: number): { mutation: string; verdict: string } {
  const prng = new Prng(seed);
  const disk = cleanJournal(prng.u32(), 4096, prng.between(500, 14_000));
  const records = recordsOf(disk.mount());
  const contents = disk.contents();
  const segments = [...contents].map(([name, bytes]) => parse(name, bytes));
  const foreign = cleanJournal(prng.u32(), 4096, 1000).contents();
  const others = [...segments, ...[...foreign].map(([name, bytes]) => parse(name, bytes))];
  const done: string[] = [];
  for (let count = prng.chance(0.2) ? 2 : 1; count > 0; count--) {
    const mutation = pick(prng, MUTATION_NAMES);
    MUTATIONS[mutation](prng, pick(prng, segments), others);
    done.push(mutation);
  }
  const what = `seed ${seed}: ${done.join(' and ')}`;
  const mutated = diskOf(segments.map(({ name, bytes }): [string, Uint8Array] => [name, bytes]));
  // The last record is the testimony to all others; it alone may go.
  const ackedSequence = records.length - 1;
  const { verdict } = examine(mutated.mount(), { ackedSequence });
  if (verdict === 'damaged') {
    assert.throws(() => recover(mutated.mount(), { ackedSequence }), JournalDamagedError, what);
    return { mutation: done[0], verdict };
  }
  recover(mutated.mount(), { ackedSequence });
  const there = recordsOf(mutated.mount());
  assert.ok(there.length >= records.length - 1, `${what}: ${there.length} of ${records.length}`);
  assert.deepEqual(there, records.slice(0, there.length), what);
  assert.equal(examine(mutated.mount()).verdict, 'whole', `${what}: repaired for good`);
  return { mutation: done[0], verdict };
}

/** A disk with these files, all durable. */
export function diskOf(files: Iterable<readonly [string, Uint8Array]>): MemoryDisk {
  const disk = new MemoryDisk(1);
  const storage = disk.mount();
  for (const [name, bytes] of files) {
    const file = storage.create(name, 0);
    file.writeAt(bytes, 0, bytes.length, 0);
    file.sync();
  }
  storage.syncDirectory();
  return disk;
}

if (import.meta.main) {
  const [seeds = 1_000, first = 1] = process.argv.slice(2).map(Number);
  const counts = new Map<string, number>();
  for (let seed = first; seed < first + seeds; seed++) {
    const { mutation, verdict } = fuzzMutations(seed);
    const key = `${mutation}: ${verdict}`;
    counts.set(key, (counts.get(key) ?? 0) + 1);
  }
  for (const key of [...counts.keys()].toSorted()) console.log(`${counts.get(key)}\t${key}`);
  for (let seed = first; seed < first + 3; seed++) console.log('tears', tearBatch(seed, 6));
  console.log('bits', flipBits(4096, 4, 7));
}
