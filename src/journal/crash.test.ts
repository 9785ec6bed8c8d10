// Crashes and failing disks, over many seeds (crash.fuzz.ts).
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fuzzCrashes, fuzzErrors, fuzzMisdirected } from './crash.fuzz.ts';
import { GroupCommit } from './group_commit.ts';
import { JournalMode, JournalQueue, journalShared } from './journal_queue.ts';
import { MemoryDisk } from './memory_storage.ts';
import { JournalReader } from './reader.ts';
import { JournalType } from './record_types.ts';
import { JournalFailedError } from './segment_writer.ts';
import { JournalWriter } from './writer.ts';

const SEEDS = Number(process.env['OUTCRY_JOURNAL_SEEDS'] ?? 150);
const FIRST = Number(process.env['OUTCRY_JOURNAL_SEED'] ?? 1);
const PAYLOAD = new Uint8Array(100).fill(7);
const OPTIONS = { segmentBytes: 4096 };

test('what was acknowledged survives a crash at any operation, recovery included', () => {
  for (let seed = FIRST; seed < FIRST + SEEDS; seed++) fuzzCrashes(seed);
});

test('what was acknowledged survives EIO of writes, syncs and reads, and a full disk', () => {
  for (let seed = FIRST; seed < FIRST + SEEDS; seed++) fuzzErrors(seed);
});

test('a write in the wrong place is refused when anything can know of it', (t) => {
  let refused = 0;
  for (let seed = FIRST; seed < FIRST + SEEDS; seed++) if (fuzzMisdirected(seed)) refused += 1;
  t.diagnostic(`${refused} of ${SEEDS} refused`);
  assert.ok(refused > SEEDS / 10 && refused < SEEDS, `${refused} of ${SEEDS} refused`);
});

function countRecords(disk: MemoryDisk): number {
  const reader = JournalReader.open(disk.mount());
  while (reader.next());
  return reader.nextSequence - 1;
}

test('a sync that failed ends the writer for good, and is never asked for again', () => {
  const disk = new MemoryDisk(1);
  const storage = disk.mount();
  const writer = JournalWriter.open(storage, OPTIONS);
  writer.append(JournalType.Commands, PAYLOAD, 0, 100, 1);
  writer.sync();
  writer.append(JournalType.Commands, PAYLOAD, 0, 100, 2);
  disk.faults.syncErrorRate = 1;
  assert.throws(
    () => writer.sync(),
    (error) =>
      error instanceof JournalFailedError &&
      error.code === 'EIO' &&
      /the journal has stopped for good: .*input\/output error/.test(error.message),
  );
  disk.faults.syncErrorRate = 0;
  const before = disk.operations;
  const first = writer.failed;
  for (const again of [() => writer.sync(), () => writer.flush(), () => writer.close(3)]) {
    assert.throws(again, (error) => error === first, 'the same error, every time');
  }
  assert.equal(disk.operations, before, 'the disk was not asked again');
  assert.equal(writer.durableSequence, 1, 'and nothing more counts as safe');
});

test('a write that failed ends the writer as well; what was safe stays', () => {
  const disk = new MemoryDisk(1);
  const writer = JournalWriter.open(disk.mount(), OPTIONS);
  writer.append(JournalType.Commands, PAYLOAD, 0, 100, 1);
  writer.sync();
  disk.faults.writeErrorRate = 1;
  writer.append(JournalType.Commands, PAYLOAD, 0, 100, 2);
  assert.throws(() => writer.flush(), JournalFailedError);
  disk.faults.writeErrorRate = 0;
  assert.throws(() => writer.sync(), JournalFailedError);
  disk.losePower();
  JournalWriter.open(disk.mount(), OPTIONS).abandon();
  assert.ok(countRecords(disk) >= 1);
});

test('a full disk ends it at the rotation that finds no room, with ENOSPC', () => {
  const disk = new MemoryDisk(1, { capacityBytes: 10_000 });
  const writer = JournalWriter.open(disk.mount(), OPTIONS);
  assert.throws(
    () => {
      for (;;) {
        writer.append(JournalType.Commands, PAYLOAD, 0, 100, 1);
        writer.sync();
      }
    },
    (error) => error instanceof JournalFailedError && error.code === 'ENOSPC',
  );
  const safe = writer.durableSequence;
  assert.equal(safe, 2 * Math.floor((4096 - 64) / 144), 'two segments of them');
  disk.losePower();
  disk.faults.capacityBytes = Infinity;
  JournalWriter.open(disk.mount(), OPTIONS).abandon();
  assert.equal(countRecords(disk), safe);
});

test('zeros of a new segment that are not there end the writer, before anything is acknowledged', () => {
  // Found by a disk that wrote them elsewhere: the file had its header and nothing else.
  const storage = new MemoryDisk(1).mount();
  const create = storage.create.bind(storage);
  storage.create = (name) => create(name, 0);
  assert.throws(
    () => JournalWriter.open(storage, OPTIONS),
    /expected 4096 bytes in the new segment-0000000001\.journal\.tmp, was 0/,
  );
});

function group(disk: MemoryDisk, mode: JournalMode) {
  const shared = journalShared(4096);
  const queue = new JournalQueue(shared, mode, 1000, 0);
  const commit = new GroupCommit({
    ...OPTIONS,
    payloadBytesMax: 1000,
    shared,
    storage: disk.mount(),
    mode,
    position: null,
  });
  return { queue, commit };
}

test('group commit: an error is told to the other side, which acknowledges nothing more', () => {
  const disk = new MemoryDisk(1);
  const { queue, commit } = group(disk, JournalMode.Durable);
  queue.append(JournalType.Commands, PAYLOAD, 0, 100, 1);
  queue.publish();
  assert.equal(commit.poll(), 1);
  assert.equal(queue.ackableSequence, 1);
  assert.ok(!queue.failed);
  disk.faults.syncErrorRate = 1;
  queue.append(JournalType.Commands, PAYLOAD, 0, 100, 2);
  queue.publish();
  assert.throws(() => commit.poll(), JournalFailedError);
  disk.faults.syncErrorRate = 0;
  const before = disk.operations;
  assert.throws(() => commit.poll(), JournalFailedError);
  assert.throws(() => commit.stop(), JournalFailedError);
  assert.equal(disk.operations, before, 'the disk was not asked again');
  assert.equal(queue.ackableSequence, 1);
  assert.equal(queue.failure?.code, 'EIO');
  assert.match(queue.failure?.message ?? '', /stopped for good/);
});
