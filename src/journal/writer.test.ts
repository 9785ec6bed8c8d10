// The synchronous writer and the reader, where nothing goes wrong.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MemoryDisk } from './memory_storage.ts';
import { JournalReader } from './reader.ts';
import { RecordFlag } from './record.ts';
import { JournalType } from './record_types.ts';
import { examine } from './recovery.ts';
import { segmentName } from './segment.ts';
import { PAYLOAD_BYTES_DEFAULT } from './segment_writer.ts';
import type { Storage } from './storage.ts';
import { JournalWriter } from './writer.ts';

const SMALL = { segmentBytes: 8192 };
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

interface Read {
  sequence: number;
  type: number;
  timeNs: number;
  acked: number;
  batchEnd: boolean;
  text: string;
}

function readAll(storage: Storage, fromSequence?: number): Read[] {
  const reader = JournalReader.open(storage, fromSequence === undefined ? {} : { fromSequence });
  const records: Read[] = [];
  while (reader.next()) {
    const { sequence, type, timeNs, ackedSequence: acked, flags, payloadAt, payloadLength } = reader;
    const text = new TextDecoder().decode(
      reader.bytes.subarray(payloadAt, payloadAt + payloadLength),
    );
    const batchEnd = (flags & RecordFlag.BatchEnd) !== 0;
    records.push({ sequence, type, timeNs, acked, batchEnd, text });
  }
  reader.close();
  return records;
}

test('records come back as they were appended, with what was acknowledged and where batches ended', () => {
  const disk = new MemoryDisk(1);
  const storage = disk.mount();
  const writer = JournalWriter.open(storage, SMALL);
  assert.equal(writer.append(JournalType.Config, bytes('xxhello'), 2, 5, 2 ** 40), 1);
  assert.equal(writer.append(JournalType.Clock, bytes(''), 0, 0, 2 ** 40 + 1.9), 2);
  assert.deepEqual([writer.writtenSequence, writer.durableSequence], [0, 0]);
  assert.ok(writer.batchedBytes > 0);
  writer.flush();
  assert.deepEqual([writer.writtenSequence, writer.durableSequence], [2, 0]);
  writer.append(64, bytes('a client type'), 0, 13, 3);
  writer.sync();
  assert.deepEqual([writer.writtenSequence, writer.durableSequence, writer.lastSequence], [3, 3, 3]);
  writer.close(4);
  assert.deepEqual(readAll(storage), [
    { sequence: 1, type: 4, timeNs: 2 ** 40, acked: 0, batchEnd: false, text: 'hello' },
    { sequence: 2, type: 3, timeNs: 2 ** 40 + 1, acked: 0, batchEnd: true, text: '' },
    { sequence: 3, type: 64, timeNs: 3, acked: 0, batchEnd: true, text: 'a client type' },
    { sequence: 4, type: 2, timeNs: 4, acked: 3, batchEnd: true, text: '' },
  ]);
});

test('a journal goes on where it ended, in the next life and the one after', () => {
  const disk = new MemoryDisk(1);
  for (const [life, name] of ['one', 'two', 'three'].entries()) {
    const storage = disk.mount();
    const writer = JournalWriter.open(storage, SMALL);
    assert.equal(writer.lastSequence, life * 2);
    assert.equal(writer.recovered.stoppedCleanly, life > 0);
    writer.append(JournalType.Config, bytes(name), 0, name.length, life);
    writer.close(life);
    storage.close();
  }
  const texts = readAll(disk.mount()).map(({ text }) => text);
  assert.deepEqual(texts, ['one', '', 'two', '', 'three', '']);
});

test('segments follow one another; a reader begins anywhere', () => {
  const disk = new MemoryDisk(1);
  const storage = disk.mount();
  const writer = JournalWriter.open(storage, { segmentBytes: 4096, payloadBytesMax: 1000 });
  for (let n = 1; n <= 100; n++) {
    const text = `${n} `.repeat(n);
    writer.append(JournalType.Config, bytes(text), 0, text.length, n);
    if (n % 3 === 0) writer.sync();
    if (n % 10 === 0) writer.prepareNext();
  }
  writer.close(101);
  const all = readAll(storage);
  assert.equal(all.length, 101);
  for (const { sequence, text } of all.slice(0, 100)) {
    assert.equal(text, `${sequence} `.repeat(sequence));
  }
  assert.ok(storage.list().length >= 6, storage.list().join());
  for (const from of [1, 2, 17, 50, 51, 99, 101]) {
    assert.deepEqual(readAll(storage, from), all.slice(from - 1), `from ${from}`);
  }
  assert.deepEqual(readAll(storage, 102), []);
  assert.deepEqual(readAll(storage, 1000), []);
});

test('the oldest segments may be gone; what they held cannot be asked for', () => {
  const disk = new MemoryDisk(1);
  const storage = disk.mount();
  const writer = JournalWriter.open(storage, { segmentBytes: 4096, payloadBytesMax: 1000 });
  for (let n = 1; n <= 20; n++) writer.append(JournalType.Config, new Uint8Array(900), 0, 900, n);
  writer.close(21);
  storage.remove(segmentName(1));
  const there = readAll(storage);
  assert.equal(there[0].sequence, 5);
  assert.throws(() => readAll(storage, 4), /begins with sequence 5, expected one of at most 4/);
  assert.equal(examine(storage).firstSequence, 5);
});

test('the largest payload fits, and the smallest segment holds one', () => {
  const disk = new MemoryDisk(1);
  const storage = disk.mount();
  const writer = JournalWriter.open(storage, { segmentBytes: 4096 });
  assert.equal(writer.payloadBytesMax, 4096 - 64 - 40);
  const payload = new Uint8Array(writer.payloadBytesMax).fill(9);
  for (let n = 0; n < 3; n++) writer.append(JournalType.Config, payload, 0, payload.length, n);
  writer.close(3);
  assert.equal(examine(storage).records, 4);
  assert.equal(storage.list().length, 4);
  assert.throws(
    () => JournalWriter.open(new MemoryDisk(2).mount(), { segmentBytes: 1000 }),
    /segmentBytes: expected a multiple of 512/,
  );
});

test('what cannot be appended is a fault of the program', () => {
  const writer = JournalWriter.open(new MemoryDisk(1).mount(), {
    segmentBytes: 4096,
    payloadBytesMax: 100,
  });
  const payload = new Uint8Array(200);
  assert.throws(() => writer.append(7, payload, 0, 101, 0), /not longer than the journal allows/);
  assert.throws(() => writer.append(7, payload, 150, 51, 0), /inside its buffer/);
  assert.throws(() => writer.append(0, payload, 0, 1, 0), /has a type of 16 bits, not 0/);
  assert.throws(() => writer.append(7, payload, 0, 1, -1), /whole number of ns/);
  assert.throws(() => writer.append(7, payload, 0, 1, 0, 64), /flags of a record are known/);
  writer.close(1);
  assert.throws(() => writer.append(7, payload, 0, 1, 2), /before it is closed/);
  writer.close(2); // once is enough
});

test('a journal written with larger records is read with smaller ones configured', () => {
  // Sizes of the configuration are limits of what is written; a limit of what is read would turn
  // a smaller setting into damage.
  const disk = new MemoryDisk(1);
  const storage = disk.mount();
  const writer = JournalWriter.open(storage, { segmentBytes: 1 << 20, payloadBytesMax: 5000 });
  writer.append(JournalType.Config, new Uint8Array(5000), 0, 5000, 1);
  writer.close(2);
  storage.close();
  const again = JournalWriter.open(disk.mount(), { segmentBytes: 4096, payloadBytesMax: 64 });
  assert.equal(again.lastSequence, 2);
  assert.ok(PAYLOAD_BYTES_DEFAULT > 5000);
});

test('two writers of one journal: the second is kept out', () => {
  const disk = new MemoryDisk(1);
  JournalWriter.open(disk.mount(), SMALL).abandon();
  assert.throws(() => JournalWriter.open(disk.mount(), SMALL), /is in use/);
});

test('a reader beside a writer ends where the writing stands', () => {
  const disk = new MemoryDisk(1);
  const storage = disk.mount();
  const writer = JournalWriter.open(storage, SMALL);
  writer.append(JournalType.Clock, bytes(''), 0, 0, 1);
  writer.flush();
  writer.append(JournalType.Clock, bytes(''), 0, 0, 2);
  assert.equal(readAll(disk.mount()).length, 1);
  writer.flush();
  assert.equal(readAll(disk.mount()).length, 2);
});
