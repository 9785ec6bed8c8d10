// The table of recovery.ts, line by line, and what each says.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { diskOf } from './damage.fuzz.ts';
import { MemoryDisk } from './memory_storage.ts';
import { JournalDamagedError, JournalReader } from './reader.ts';
import { RECORD, recordBytes } from './record.ts';
import { JournalType } from './record_types.ts';
import { examine, recover } from './recovery.ts';
import { SECTOR_BYTES, SEGMENT_HEADER_BYTES, segmentName } from './segment.ts';
import type { Storage } from './storage.ts';
import { JournalWriter } from './writer.ts';

const OPTIONS = { segmentBytes: 8192 };
const LENGTH = 400;
const RECORD_BYTES = recordBytes(LENGTH);

/** Appends `count` records of 400 bytes, told apart by their content. */
function append(writer: JournalWriter, count: number, content = 1): void {
  for (let i = 0; i < count; i++) {
    const payload = new Uint8Array(LENGTH).fill(content + i);
    writer.append(JournalType.Commands, payload, 0, LENGTH, 1000 + i);
  }
}

/** Acknowledged batches of so many records each, then one that is written and not synced. */
function journalOf(synced: readonly number[], written = 0): MemoryDisk {
  const disk = new MemoryDisk(1);
  const writer = JournalWriter.open(disk.mount(), OPTIONS);
  for (const count of synced) {
    append(writer, count);
    writer.sync();
  }
  append(writer, written, 100);
  writer.flush();
  return disk;
}

/** Where record `index` (from 0) of the first segment begins. */
const place = (index: number): number => SEGMENT_HEADER_BYTES + index * RECORD_BYTES;

/** Writes over bytes of a file, durably. */
function scribble(disk: MemoryDisk, name: string, at: number, bytes: Uint8Array): void {
  const file = disk.mount().open(name);
  file.writeAt(bytes, 0, bytes.length, at);
  file.sync();
}

function lastSequenceOf(storage: Storage): number {
  const reader = JournalReader.open(storage);
  while (reader.next());
  return reader.nextSequence - 1;
}

const damageOf = (disk: MemoryDisk): string => examine(disk.mount()).damage?.message ?? 'none';

test('an empty directory is no journal yet', () => {
  const disk = new MemoryDisk(1);
  const { verdict, position } = examine(disk.mount());
  assert.equal(verdict, 'empty');
  assert.equal(position, null);
  assert.equal(recover(disk.mount()).position, null);
});

test('after a clean stop nothing is cut and the last record says so', () => {
  const disk = new MemoryDisk(1);
  const storage = disk.mount();
  const writer = JournalWriter.open(storage, OPTIONS);
  append(writer, 3);
  writer.close(77);
  storage.close();
  const { verdict, stoppedCleanly, lastSequence, firstSequence } = examine(disk.mount());
  assert.deepEqual([verdict, stoppedCleanly, firstSequence, lastSequence], ['whole', true, 1, 4]);
  const { cut, cleaned } = recover(disk.mount());
  assert.deepEqual([cut, cleaned], [null, []]);
});

test('torn tail: kept aside, cut, synced; the rest goes on', () => {
  const disk = journalOf([2, 2], 3);
  // Of the last batch the first sectors reach the disk: record 5 whole, 6 in part.
  const torn = Math.floor(place(5) / SECTOR_BYTES) + 1;
  disk.losePower((_, sector, versions) => (sector < torn ? versions : 0));
  const examination = examine(disk.mount());
  assert.equal(examination.verdict, 'torn');
  assert.equal(examination.torn?.sequence, 6);
  const before = disk.contents().get(segmentName(1));
  const { cut, lastSequence, position } = recover(disk.mount());
  assert.equal(lastSequence, 5);
  assert.equal(position?.offset, place(5));
  assert.equal(cut?.offset, place(5));
  assert.equal(cut?.keptAs, `torn-0000000001-at-${place(5)}-1.bytes`);
  const kept = disk.contents().get(cut.keptAs);
  assert.deepEqual(kept, before?.slice(place(5), place(5) + cut.bytes), 'what was cut is kept');
  assert.ok(cut.bytes > 0 && cut.bytes <= SECTOR_BYTES);
  disk.losePower(() => 0);
  assert.equal(examine(disk.mount()).verdict, 'whole', 'the cut was synced');
  assert.equal(lastSequenceOf(disk.mount()), 5);
});

test('a hole with whole records behind it that nobody was told of: cut, for good', () => {
  const disk = journalOf([2], 3);
  // The sectors of record 3 are missing, those of 4 and 5 are there.
  disk.losePower((_, sector, versions) => (sector * SECTOR_BYTES < place(3) ? 0 : versions));
  assert.equal(examine(disk.mount()).verdict, 'torn');
  const { cut } = recover(disk.mount());
  assert.equal(cut?.sequence, 3);
  assert.match(cut?.reason ?? '', /hole|checksum/);
  // What stood behind the hole must not come back when the hole is filled.
  const writer = JournalWriter.open(disk.mount(), OPTIONS);
  append(writer, 1);
  writer.sync();
  assert.equal(lastSequenceOf(disk.mount()), 3);
});

test('a damaged record that a later batch calls acknowledged: refused, with place and witness', () => {
  const disk = journalOf([2, 2, 1]);
  disk.flipBit(segmentName(1), (place(1) + 100) * 8);
  const message = damageOf(disk);
  assert.match(message, /segment-0000000001\.journal at offset 504, where sequence 2 is due/);
  assert.match(message, /its checksum does not match/);
  assert.match(message, new RegExp(`sequence 3 at offset ${place(2)} shows that it had been`));
  const before = disk.contents();
  assert.throws(() => recover(disk.mount()), JournalDamagedError);
  assert.deepEqual(disk.contents(), before, 'nothing has been changed');
});

test('acknowledged sectors that went back to zeros: refused, for a later batch testifies', () => {
  const disk = journalOf([2, 2, 1]);
  scribble(disk, segmentName(1), SEGMENT_HEADER_BYTES, new Uint8Array(2 * RECORD_BYTES));
  assert.match(damageOf(disk), /sequence 1 is due: nothing is written there; sequence 3 at/);
});

test('a damaged record of the last batch that lacks no sector: refused, for no write tears so', () => {
  const disk = journalOf([2, 2]);
  disk.flipBit(segmentName(1), (place(3) + 200) * 8 + 3);
  assert.match(damageOf(disk), /sequence 4 is due: .*none of its sectors is missing/);
});

test('a snapshot, or another system, knows better: refused', () => {
  const disk = journalOf([2], 2);
  disk.losePower(() => 0);
  assert.equal(examine(disk.mount(), { ackedSequence: 2 }).verdict, 'whole');
  const { verdict, damage } = examine(disk.mount(), { ackedSequence: 3 });
  assert.equal(verdict, 'damaged');
  assert.match(damage?.message ?? '', /ends with sequence 2, but 3 is known to have been/);
  assert.throws(() => recover(disk.mount(), { ackedSequence: 3 }), JournalDamagedError);
});

test('a damaged header of a segment: refused, never skipped', () => {
  const disk = journalOf([15, 15, 15]);
  assert.ok(disk.mount().list().length >= 3);
  for (const number of [1, 2, 3]) {
    disk.flipBit(segmentName(number), 200);
    assert.match(
      damageOf(disk),
      new RegExp(`the header of ${segmentName(number)} in memory is damaged, .* ever skipped: expected the checksum`),
    );
    disk.flipBit(segmentName(number), 200);
  }
});

test('a segment that is missing between others: refused', () => {
  const disk = journalOf([15, 15, 15]);
  disk.mount().remove(segmentName(2));
  assert.match(damageOf(disk), /segment-0000000002\.journal is missing in memory, though segment-0+3/);
});

test('a segment that ends before the next one begins: refused', () => {
  const disk = journalOf([15, 15, 15]);
  const bytes = disk.contents().get(segmentName(1))!;
  const records = Math.floor((8192 - SEGMENT_HEADER_BYTES) / RECORD_BYTES);
  scribble(disk, segmentName(1), place(records - 1), new Uint8Array(8192 - place(records - 1)));
  assert.match(damageOf(disk), /nothing is written there; a later segment shows that it had been/);
  scribble(disk, segmentName(1), 0, bytes);
  assert.equal(damageOf(disk), 'none');
});

test('a journal of another system: refused', () => {
  const disk = new MemoryDisk(1);
  const storage = disk.mount();
  const writer = JournalWriter.open(storage, { ...OPTIONS, clusterId: 5n, configurationHash: 9n });
  writer.close(1);
  storage.close();
  assert.equal(examine(disk.mount(), { clusterId: 5n }).verdict, 'whole');
  assert.equal(examine(disk.mount()).position?.header.configurationHash, 9n);
  assert.throws(
    () => JournalWriter.open(disk.mount(), { ...OPTIONS, clusterId: 6n }),
    /expected the journal of system 6, was that of 5/,
  );
});

test('a last segment that was cut short by somebody ends like a torn one, or is refused', () => {
  for (const [cut, verdict] of [
    [place(3) + 20, 'torn'], // amid the header of record 4, the last: nobody testifies to it
    [place(3) + 300, 'torn'],
    [place(3), 'whole'],
    [place(1) + 300, 'torn'],
  ] as const) {
    const bytes = journalOf([4]).contents().get(segmentName(1))!.slice(0, cut);
    const disk = diskOf([[segmentName(1), bytes]]);
    assert.equal(examine(disk.mount()).verdict, verdict, `cut at ${cut}`);
    const writer = JournalWriter.open(disk.mount(), OPTIONS);
    append(writer, 5);
    writer.sync();
    assert.equal(examine(disk.mount()).verdict, 'whole', `cut at ${cut}, and written on`);
  }
});

test('a record of an earlier life in the place of one that was acknowledged: refused', () => {
  // Found by thinking of a write that never reached the disk: the old record has the right salt, the
  // right sequence and the right predecessor. The record behind it names another one.
  const disk = journalOf([2], 1);
  const old = disk.contents().get(segmentName(1))!;
  disk.losePower(() => 0);
  const writer = JournalWriter.open(disk.mount(), OPTIONS);
  append(writer, 1, 50);
  writer.sync();
  append(writer, 1, 60);
  writer.sync();
  scribble(disk, segmentName(1), place(2), old.slice(place(2), place(3)));
  const message = damageOf(disk);
  assert.match(message, /where sequence 4 is due: it follows another record than the one before it/);
});

test('stale records of another segment in the space of this one are no records', () => {
  // As when a file system gives out blocks of a file that was removed: same sequences, other salt.
  const stale = journalOf([3]).contents().get(segmentName(1))!;
  const disk = new MemoryDisk(2);
  JournalWriter.open(disk.mount(), OPTIONS).abandon();
  scribble(disk, segmentName(1), place(0), stale.slice(place(0), place(3)));
  assert.equal(lastSequenceOf(disk.mount()), 0);
  assert.equal(examine(disk.mount()).lastSequence, 0);
});

test('bytes behind the records of a full segment are cleaned, and kept aside', () => {
  const disk = journalOf([15, 15, 15]);
  disk.flipBit(segmentName(1), 8191 * 8);
  assert.equal(examine(disk.mount()).verdict, 'dirty');
  const { cleaned } = recover(disk.mount());
  assert.equal(cleaned.length, 1);
  assert.equal(cleaned[0].file, segmentName(1));
  assert.deepEqual(disk.contents().get(cleaned[0].keptAs)?.length, cleaned[0].bytes);
  assert.equal(examine(disk.mount()).verdict, 'whole');
});

test('a tail made to look like records of a million bytes each does not keep recovery busy', () => {
  const disk = new MemoryDisk(1);
  const writer = JournalWriter.open(disk.mount(), { segmentBytes: 2 << 20 });
  const payload = new Uint8Array(1 << 20);
  const view = new DataView(payload.buffer);
  for (let at = 0; at + 40 <= payload.length; at += 40) {
    view.setUint32(at + RECORD.length, (1 << 20) - 100_000, true);
    view.setUint32(at + RECORD.sequence, 3, true);
    view.setUint16(at + RECORD.type, 1, true);
  }
  writer.append(JournalType.Commands, payload, 0, payload.length, 1);
  writer.sync();
  disk.flipBit(segmentName(1), (SEGMENT_HEADER_BYTES + 9) * 8);
  const { damage } = examine(disk.mount());
  assert.match(damage?.message ?? '', /made to look like records|none of its sectors is missing/);
});

test('what was never finished is removed, and nothing else', () => {
  const disk = journalOf([2]);
  const storage = disk.mount();
  for (const name of ['spare.tmp', 'segment-0000000002.journal.tmp', 'notes.txt']) {
    storage.create(name, 10).close();
  }
  recover(storage);
  assert.deepEqual(storage.list(), ['notes.txt', segmentName(1)]);
});

test('what a killed process had written is synced before it counts', () => {
  const disk = journalOf([2], 2);
  disk.killProcess();
  const writer = JournalWriter.open(disk.mount(), OPTIONS);
  assert.equal(writer.durableSequence, 4, 'it was written, so it is there');
  disk.losePower(() => 0);
  assert.equal(lastSequenceOf(disk.mount()), 4, 'and it stays, though only recovery synced it');
});

test('what a failed sync has forgotten is written again before it counts', () => {
  // The system keeps the pages of a sync that failed and calls them clean: reading them proves
  // nothing, and another sync has nothing to do.
  for (let seed = 1; seed < 40; seed++) {
    const disk = new MemoryDisk(seed);
    const writer = JournalWriter.open(disk.mount(), OPTIONS);
    append(writer, 2);
    writer.sync();
    append(writer, 4);
    disk.faults.syncErrorRate = 1;
    assert.throws(() => writer.sync());
    disk.faults.syncErrorRate = 0;
    disk.killProcess();
    const { lastSequence } = recover(disk.mount());
    assert.equal(lastSequence, 6, 'the process that comes reads all of it');
    disk.losePower(() => 0);
    assert.equal(lastSequenceOf(disk.mount()), 6, `seed ${seed}`);
  }
});

test('progress is told on long journals', () => {
  const disk = new MemoryDisk(1);
  const writer = JournalWriter.open(disk.mount(), { segmentBytes: 8 << 20 });
  for (let i = 0; i < 70_000; i++) writer.append(JournalType.Clock, new Uint8Array(0), 0, 0, i);
  writer.sync();
  const told: number[][] = [];
  examine(disk.mount(), { onProgress: (...progress) => told.push(progress) });
  assert.deepEqual(told, [[1, 1, 65_536]]);
});
