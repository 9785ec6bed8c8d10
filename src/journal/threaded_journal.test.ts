// The journal on threads of its own, on real files.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { FileStorage } from './file_storage.ts';
import { JournalMode, QUEUE_FULL } from './journal_queue.ts';
import { JournalReader } from './reader.ts';
import { JournalType } from './record_types.ts';
import { examine, recover } from './recovery.ts';
import { SPARE_NAME } from './segment.ts';
import { ThreadedJournal, type ThreadedJournalOptions } from './threaded_journal.ts';

const SEGMENT_BYTES = 64 << 10;
const WAIT_MS = 20_000;

function storageOf(t: TestContext): FileStorage {
  const directory = mkdtempSync(join(tmpdir(), 'outcry-journal-'));
  const storage = new FileStorage(directory);
  t.after(() => {
    storage.close();
    rmSync(directory, { recursive: true, force: true });
  });
  return storage;
}

async function start(
  storage: FileStorage,
  options: ThreadedJournalOptions = {},
): Promise<ThreadedJournal> {
  storage.lock();
  const { position } = recover(storage);
  return ThreadedJournal.start(storage.name, position, {
    segmentBytes: SEGMENT_BYTES,
    ringBytes: 1 << 18,
    payloadBytesMax: 4096,
    ...options,
  });
}

async function until(what: string, holds: () => boolean): Promise<void> {
  const end = Date.now() + WAIT_MS;
  while (!holds()) {
    assert.ok(Date.now() < end, `${what} within ${WAIT_MS} ms`);
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}

for (const mode of Object.values(JournalMode)) {
  test(`${mode}: many records over many segments, acknowledged as they come, all of them there`, async (t) => {
    const storage = storageOf(t);
    const journal = await start(storage, { mode });
    const { queue } = journal;
    const words = new Int32Array(256);
    const records = 3_000;
    let full = 0;
    for (let n = 1; n <= records; n++) {
      words.fill(n);
      while (queue.appendWords(JournalType.Commands, words, 0, 40 + 4 * (n % 200), n, 0) === QUEUE_FULL) {
        full += 1;
        await new Promise((resolve) => setImmediate(resolve));
      }
      if (n % 5 === 0) queue.publish();
      assert.ok(queue.ackableSequence <= n);
    }
    queue.publish();
    await until('everything is acknowledged', () => queue.ackableSequence === records);
    await journal.stop(99);
    t.diagnostic(
      `${queue.counter('batches')} batches, ${queue.counter('rotations')} rotations, full ${full} times`,
    );
    assert.ok(queue.counter('rotations') >= 20);

    const { stoppedCleanly, lastSequence } = examine(storage);
    assert.deepEqual([stoppedCleanly, lastSequence], [true, records + 1]);
    const reader = JournalReader.open(storage);
    while (reader.next() && reader.type === JournalType.Commands) {
      assert.equal(reader.payloadLength, 40 + 4 * (reader.sequence % 200));
      assert.equal(reader.view.getInt32(reader.payloadAt, true), reader.sequence);
    }
    reader.close();
    assert.equal(reader.sequence, records + 1);
  });
}

test('it goes on where it ended, and starts from nothing where there is nothing', async (t) => {
  const storage = storageOf(t);
  for (let life = 0; life < 3; life++) {
    const journal = await start(storage);
    assert.equal(journal.queue.lastSequence, life * 2);
    journal.queue.append(JournalType.Clock, new Uint8Array(0), 0, 0, life);
    journal.queue.publish();
    await journal.stop(life);
  }
  assert.equal(examine(storage).records, 6);
});

test('the zeros of the next segment are written ahead', async (t) => {
  const storage = storageOf(t);
  const journal = await start(storage);
  await until('there is a spare', () => storage.has(SPARE_NAME));
  assert.equal(storage.open(SPARE_NAME).bytes, SEGMENT_BYTES);
  await journal.stop(1);
  recover(storage);
  assert.ok(!storage.has(SPARE_NAME), 'and removed when the journal is opened again');
});

test('zeros that cannot be written ahead are told of, and the journal goes on', async (t) => {
  const storage = storageOf(t);
  // Its name is taken by a directory, which is no file to be removed.
  new FileStorage(join(storage.name, 'spare-unfinished.tmp'), { create: true }).close();
  const journal = await start(storage);
  await until('it is told', () => journal.queue.spareFailed);
  const words = new Int32Array(1000);
  for (let n = 0; n < 40; n++) {
    journal.queue.appendWords(JournalType.Commands, words, 0, 4000, n, 0);
    journal.queue.publish();
  }
  await journal.stop(1);
  assert.ok(journal.queue.counter('rotations') >= 2);
  assert.equal(examine(storage).records, 41);
});

test('a failure of the disk ends it: told in shared memory, and nothing is acknowledged any more', async (t) => {
  const storage = storageOf(t);
  const journal = await start(storage);
  const { queue } = journal;
  // The next segment cannot be made: its name is taken by a directory.
  await until('there is a spare', () => storage.has(SPARE_NAME));
  const inTheWay = new FileStorage(join(storage.name, 'segment-0000000002.journal'), { create: true });
  writeFileSync(join(inTheWay.name, 'file'), '');
  const words = new Int32Array(1024);
  while (!queue.failed) {
    queue.appendWords(JournalType.Commands, words, 0, 4096, 1, 0);
    queue.publish();
    await new Promise((resolve) => setImmediate(resolve));
  }
  assert.match(queue.failure?.code ?? '', /^E[A-Z]+$/);
  assert.match(queue.failure?.message ?? '', /stopped for good: cannot rename .*segment-0000000002/);
  assert.deepEqual(journal.failure, queue.failure);
  await assert.rejects(journal.ended);
  await assert.rejects(journal.stop(1));
  const acked = queue.ackableSequence;
  assert.ok(acked < queue.lastSequence);
  rmSync(inTheWay.name, { recursive: true });
  assert.ok(recover(storage).lastSequence >= acked);
});

test('a directory that cannot be written to fails the start', async (t) => {
  const storage = storageOf(t);
  storage.lock();
  await assert.rejects(
    ThreadedJournal.start(join(storage.name, 'nowhere'), null, { segmentBytes: SEGMENT_BYTES }),
    /cannot .*nowhere/,
  );
});
