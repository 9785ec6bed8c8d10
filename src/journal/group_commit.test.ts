// Queue and group commit on one thread, with a disk in memory.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { GroupCommit } from './group_commit.ts';
import {
  JournalMode,
  JournalQueue,
  journalShared,
  JournalState,
  QUEUE_FULL,
} from './journal_queue.ts';
import { MemoryDisk } from './memory_storage.ts';
import { JournalReader } from './reader.ts';
import { RecordFlag } from './record.ts';
import { JournalType } from './record_types.ts';
import { examine, recover } from './recovery.ts';
import type { Storage } from './storage.ts';

const SEGMENT_BYTES = 8192;
const PAYLOAD_MAX = 2000;

interface Rig {
  readonly disk: MemoryDisk;
  readonly queue: JournalQueue;
  readonly commit: GroupCommit;
  readonly append: (count: number, length?: number) => number;
}

function rig(mode: JournalMode = JournalMode.Durable, disk = new MemoryDisk(1)): Rig {
  const storage = disk.mount();
  const { position, lastSequence } = recover(storage);
  const shared = journalShared(8192);
  const queue = new JournalQueue(shared, mode, PAYLOAD_MAX, lastSequence);
  let now = 0;
  const commit = new GroupCommit({
    shared,
    storage,
    mode,
    position,
    segmentBytes: SEGMENT_BYTES,
    payloadBytesMax: PAYLOAD_MAX,
    nowNs: () => (now += 10),
  });
  let made = 0;
  const append = (count: number, length = 100): number => {
    let taken = 0;
    for (let i = 0; i < count; i++) {
      made += 1;
      const words = new Int32Array(length / 4).fill(made);
      if (queue.appendWords(JournalType.Commands, words, 0, length, made, 0) === QUEUE_FULL) break;
      taken += 1;
    }
    queue.publish();
    return taken;
  };
  return { disk, queue, commit, append };
}

function read(storage: Storage): { sequence: number; acked: number; batchEnd: boolean }[] {
  const reader = JournalReader.open(storage);
  const records = [];
  while (reader.next()) {
    const { sequence, ackedSequence: acked, flags, type } = reader;
    if (type === JournalType.Commands) {
      const word = reader.view.getInt32(reader.payloadAt, true);
      assert.equal(word, reader.timeNs, 'payload and time belong together');
    }
    records.push({ sequence, acked, batchEnd: (flags & RecordFlag.BatchEnd) !== 0 });
  }
  return records;
}

test('what has gathered is one batch: one sync, one batch end, and then it may be acknowledged', () => {
  const { disk, queue, commit, append } = rig();
  assert.equal(commit.poll(), 0);
  append(5);
  assert.equal(queue.ackableSequence, 0);
  assert.equal(commit.poll(), 5);
  assert.equal(queue.ackableSequence, 5);
  append(2);
  commit.poll();
  assert.deepEqual(
    read(disk.mount()).map(({ acked, batchEnd }) => [acked, batchEnd]),
    [
      ...Array.from({ length: 4 }, () => [0, false]),
      [0, true],
      [5, false],
      [5, true],
    ],
  );
  assert.equal(queue.counter('batches'), 2);
  assert.equal(queue.counter('records'), 7);
  assert.equal(queue.counter('syncs'), 2);
  assert.equal(queue.counter('batch_records_max'), 5);
  assert.equal(queue.counter('sync_ns'), 20);
  assert.equal(queue.counter('sync_ns_max'), 10);
});

test('what has not been published is not taken', () => {
  const { queue, commit } = rig();
  queue.append(JournalType.Config, new Uint8Array(3), 0, 3, 1);
  assert.equal(commit.poll(), 0);
  queue.publish();
  assert.equal(commit.poll(), 1);
});

test('a full queue says so and takes nothing; with room again it goes on in sequence', () => {
  const { disk, queue, commit, append } = rig();
  const taken = append(1000);
  assert.ok(taken > 40 && taken < 60, `${taken} records of 144 bytes in 8 KiB`);
  assert.ok(queue.backlogBytes > 8192 - 200);
  const last = queue.lastSequence;
  assert.equal(append(1), 0);
  assert.equal(queue.lastSequence, last, 'a refused record has no sequence');
  commit.poll();
  assert.equal(queue.backlogBytes, 0);
  append(3);
  commit.poll();
  assert.equal(read(disk.mount()).length, taken + 3);
});

test('batches wrap around the ring and go over segments; all of it is read again', () => {
  const { disk, queue, commit, append } = rig();
  let appended = 0;
  for (let round = 0; round < 200; round++) {
    appended += append(1 + (round % 7), 4 * (1 + ((round * 37) % 400)));
    if (round % 3 === 0) commit.poll();
    if (round % 50 === 0) assert.ok(queue.ackableSequence <= queue.lastSequence);
  }
  commit.poll();
  assert.equal(queue.ackableSequence, appended);
  const records = read(disk.mount());
  assert.equal(records.length, appended);
  assert.ok(queue.counter('rotations') > 10);
  assert.equal(queue.counter('records'), appended);
  for (const { sequence, acked } of records) assert.ok(acked < sequence);
});

test('the end in good order: everything is there, and a last record testifies', () => {
  const { disk, queue, commit, append } = rig();
  append(3);
  while (commit.poll() > 0);
  queue.requestStop(4242);
  assert.ok(commit.stopRequested);
  commit.stop();
  commit.stop();
  assert.equal(queue.state, JournalState.Stopped);
  const { stoppedCleanly, records, lastSequence } = examine(disk.mount());
  assert.deepEqual([stoppedCleanly, records, lastSequence], [true, 4, 4]);
  const reader = JournalReader.open(disk.mount(), { fromSequence: 4 });
  reader.next();
  assert.deepEqual([reader.type, reader.timeNs, reader.ackedSequence], [JournalType.Stop, 4242, 3]);
});

test('the next life goes on behind it', () => {
  const first = rig();
  first.append(3);
  first.commit.poll();
  first.disk.losePower(() => 0);
  const second = rig(JournalMode.Durable, first.disk);
  assert.equal(second.queue.lastSequence, 3);
  assert.equal(second.queue.ackableSequence, 3, 'what recovery gave is acknowledged');
  second.append(2);
  second.commit.poll();
  assert.equal(read(second.disk.mount()).length, 5);
});

test('async-unsafe: acknowledged when written; synced when idle, and in any case after 8 MiB', () => {
  const { disk, queue, commit, append } = rig(JournalMode.AsyncUnsafe);
  append(5);
  commit.poll();
  assert.equal(queue.ackableSequence, 5);
  assert.equal(queue.durableSequence, 0);
  disk.losePower(() => 0);
  assert.equal(examine(disk.mount()).lastSequence, 0, 'that is what unsafe means');

  const again = rig(JournalMode.AsyncUnsafe);
  again.append(5);
  again.commit.poll();
  again.commit.poll();
  assert.equal(again.queue.durableSequence, 5, 'nothing else was to be done');
  assert.equal(queue.mode, 'async-unsafe');
});

test('a loop that sleeps is woken when more may be acknowledged', async () => {
  const { queue, commit, append } = rig();
  append(1);
  assert.equal(queue.ackableSequence, 0);
  const woken = new Promise<void>((resolve) => queue.arm(resolve));
  commit.poll();
  await woken;
  assert.equal(queue.ackableSequence, 1);
  // News from before it was armed count at once.
  append(1);
  commit.poll();
  let calls = 0;
  queue.arm(() => (calls += 1));
  assert.equal(calls, 1);
  // Not after it was disarmed.
  assert.equal(queue.ackableSequence, 2);
  queue.arm(() => (calls += 1));
  queue.disarm();
  append(1);
  commit.poll();
  await new Promise((resolve) => setTimeout(resolve, 5));
  assert.equal(calls, 1);
});

test('records that the queue cannot hold are a fault of the program', () => {
  const { queue } = rig();
  const words = new Int32Array(1000);
  assert.throws(() => queue.appendWords(7, words, 0, 2004, 0, 0), /not longer than allowed/);
  assert.throws(() => queue.appendWords(7, words, 0, 6, 0, 0), /multiple of 4 bytes/);
  assert.throws(
    () => new JournalQueue(journalShared(1024), JournalMode.Durable, 1000, 0),
    /half of the ring at most/,
  );
});
