// The journal in the loop of whoever appends: what it writes is what the one on a thread writes, and its end and its failures
// are told the same way.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ManualClock } from '../base/clock.ts';
import { JournalMode, JournalState, QUEUE_FULL } from './journal_queue.ts';
import { LoopJournal } from './loop_journal.ts';
import { MemoryDisk } from './memory_storage.ts';
import { JournalReader } from './reader.ts';
import { JournalType } from './record_types.ts';
import { examine, recover } from './recovery.ts';

const OPTIONS = { segmentBytes: 8_192, ringBytes: 8_192, payloadBytesMax: 2_000 };

function start(disk: MemoryDisk, mode: JournalMode = JournalMode.Durable): LoopJournal {
  const storage = disk.mount();
  return new LoopJournal(storage, recover(storage).position, new ManualClock(), { ...OPTIONS, mode });
}

for (const mode of Object.values(JournalMode)) {
  test(`${mode}: acknowledged behind the agent's turn and not before, over many segments, all of it there`, async () => {
    const disk = new MemoryDisk(1);
    const journal = start(disk, mode);
    const { queue, agent } = journal;
    const words = new Int32Array(100);
    for (let n = 1; n <= 500; n++) {
      words.fill(n);
      assert.notEqual(queue.appendWords(JournalType.Commands, words, 0, 4 * (n % 100), n, 0), QUEUE_FULL);
      queue.publish();
      assert.equal(queue.ackableSequence, n - 1);
      assert.equal(agent.poll(0), 1);
      assert.equal(queue.ackableSequence, n);
    }
    assert.equal(agent.dueNs?.(0), Infinity);
    await journal.stop(99);
    await journal.ended;
    await journal.stop(100); // once is enough
    assert.ok(queue.counter('rotations') >= 5);

    const storage = disk.mount();
    const { stoppedCleanly, lastSequence } = examine(storage);
    assert.deepEqual([stoppedCleanly, lastSequence], [true, 501]);
    const reader = JournalReader.open(storage);
    while (reader.next() && reader.type === JournalType.Commands) {
      assert.equal(reader.payloadLength, 4 * (reader.sequence % 100));
      if (reader.payloadLength > 0) assert.equal(reader.view.getInt32(reader.payloadAt, true), reader.sequence);
    }
    reader.close();
    assert.equal(reader.sequence, 501);
  });
}

test('a stop takes what was published and not yet written; the next one goes on behind it', async () => {
  const disk = new MemoryDisk(2);
  for (let life = 0; life < 3; life++) {
    const journal = start(disk);
    assert.equal(journal.queue.lastSequence, life * 2);
    journal.queue.append(JournalType.Clock, new Uint8Array(0), 0, 0, life);
    journal.queue.publish();
    await journal.stop(life);
  }
  assert.equal(examine(disk.mount()).records, 6);
});

test('a disk that fails is told once, in the queue and by `ended`, and nothing is done after it', async () => {
  const disk = new MemoryDisk(3);
  const journal = start(disk);
  const { queue, agent } = journal;
  const append = (): number => {
    queue.append(JournalType.Clock, new Uint8Array(0), 0, 0, 1);
    queue.publish();
    return agent.poll(0);
  };
  assert.equal(append(), 1);
  disk.faults.syncErrorRate = 1;
  assert.equal(append(), 0);
  assert.deepEqual([queue.failed, queue.state, queue.ackableSequence], [true, JournalState.Failed, 1]);
  assert.ok(journal.failure !== null);
  const { operations } = disk;
  assert.equal(append(), 0);
  await assert.rejects(journal.stop(9), /EIO/);
  await assert.rejects(journal.ended, /EIO/);
  assert.equal(disk.operations, operations, 'a sync that failed is never asked for again');
});
