// The exchange's thread appends, the trader's appends and flushes, and a reader reads, without
// anything being allocated once they run: at most 0.1 byte a record.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { GCProfiler } from 'node:v8';
import { GroupCommit } from './group_commit.ts';
import { JournalMode, JournalQueue, journalShared, QUEUE_FULL } from './journal_queue.ts';
import { JournalReader } from './reader.ts';
import { JournalType } from './record_types.ts';
import { MemoryDisk } from './memory_storage.ts';
import type { Storage, StorageFile } from './storage.ts';
import { JournalWriter } from './writer.ts';

const BYTES_PER_RECORD_MAX = 0.1;
const RECORDS = 20_000;
const SEGMENT_BYTES = 1 << 28;

/** The least heap growth per record of some undisturbed runs; runs with a collection do not count. */
function bytesPerRecord(run: () => void): number {
  let least = Infinity;
  for (let attempt = 0; attempt < 12 && least > BYTES_PER_RECORD_MAX; attempt++) {
    const profiler = new GCProfiler();
    profiler.start();
    const before = process.memoryUsage().heapUsed;
    run();
    const bytes = process.memoryUsage().heapUsed - before;
    const collections = profiler.stop()?.statistics.length ?? 0;
    if (collections === 0) least = Math.min(least, bytes / RECORDS);
  }
  return least;
}

/** A disk that keeps nothing, so that what is measured is the journal's own. */
function nowhere(): Storage {
  const file: StorageFile = {
    name: 'nothing',
    bytes: SEGMENT_BYTES,
    readAt: () => 0,
    writeAt: () => {},
    sync: () => {},
    close: () => {},
  };
  return {
    name: 'nowhere',
    list: () => [],
    has: () => false,
    create: () => file,
    open: () => file,
    rename: () => {},
    remove: () => {},
    syncDirectory: () => {},
    lock: () => {},
    close: () => {},
  };
}

test('the synchronous writer: append and flush', () => {
  const writer = JournalWriter.open(nowhere(), { segmentBytes: SEGMENT_BYTES });
  const payload = new Uint8Array(64).fill(3);
  const run = (): void => {
    const now = performance.now() * 1e6; // a turn's time, as everywhere
    for (let i = 0; i < RECORDS; i++) {
      writer.append(JournalType.Commands, payload, 0, 64, now);
      if (i % 8 === 7) writer.flush();
      if (i % 64 === 63) writer.sync();
    }
  };
  const bytes = bytesPerRecord(run);
  assert.ok(bytes <= BYTES_PER_RECORD_MAX, `${bytes} bytes a record`);
  assert.ok(writer.durableSequence > 0);
});

test('the queue: append words, publish, ask how far it is; and group commit behind it', () => {
  const shared = journalShared(1 << 20);
  const mode = JournalMode.Durable;
  const queue = new JournalQueue(shared, mode, 4096, 0);
  const commit = new GroupCommit({
    shared,
    mode,
    storage: nowhere(),
    position: null,
    segmentBytes: SEGMENT_BYTES,
  });
  const words = new Int32Array(1024).fill(9);
  let behind = 0;
  const run = (): void => {
    const now = performance.now() * 1e6;
    for (let i = 0; i < RECORDS; i++) {
      if (queue.appendWords(JournalType.Commands, words, 8, 320, now, 0) === QUEUE_FULL) behind++;
      queue.publish();
      if (i % 16 === 15) commit.poll();
      if (queue.ackableSequence < queue.lastSequence) behind++;
    }
  };
  const bytes = bytesPerRecord(run);
  assert.ok(bytes <= BYTES_PER_RECORD_MAX, `${bytes} bytes a record`);
  assert.ok(behind > 0 && queue.ackableSequence === queue.lastSequence);
});

test('the reader: next', () => {
  const disk = new MemoryDisk(1);
  const writer = JournalWriter.open(disk.mount(), { segmentBytes: 4 << 20 });
  const payload = new Uint8Array(64).fill(3);
  for (let i = 0; i < RECORDS; i++) writer.append(JournalType.Commands, payload, 0, 64, i);
  writer.sync();
  const readers = Array.from({ length: 14 }, () => JournalReader.open(disk.mount()));
  for (const reader of readers) reader.next(); // the segment is in memory now
  let sum = 0;
  const run = (): void => {
    const reader = readers.pop();
    if (reader === undefined) return;
    while (reader.next()) sum += reader.timeNs + reader.payloadLength;
  };
  run();
  run();
  const bytes = bytesPerRecord(run);
  assert.ok(bytes <= BYTES_PER_RECORD_MAX, `${bytes} bytes a record`);
  assert.ok(sum > 0);
});
