// What a sleeping loop may expect of the queue.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { JournalMode, JournalQueue, journalShared, SHARED } from './journal_queue.ts';
import { JournalType } from './record_types.ts';

const PAYLOAD = new Uint8Array(16);

function durable(shared: SharedArrayBuffer, sequence: number): void {
  const words = new Int32Array(shared, 0, 256);
  Atomics.store(words, SHARED.durable, sequence);
  Atomics.notify(words, SHARED.durable);
}

test('a loop that sleeps again and again is woken once by news, and leaves one waiter', async () => {
  const shared = journalShared(4096);
  const queue = new JournalQueue(shared, JournalMode.Durable, 64, 0);
  queue.append(JournalType.Operator, PAYLOAD, 0, 16, 0);
  queue.publish();
  assert.equal(queue.ackableSequence, 0);
  let woken = 0;
  for (let i = 0; i < 1_000; i++) {
    queue.arm(() => (woken += 1));
    queue.disarm();
  }
  queue.arm(() => (woken += 1));
  const words = new Int32Array(shared, 0, 256);
  Atomics.store(words, SHARED.durable, 1);
  assert.equal(Atomics.notify(words, SHARED.durable), 1, 'one waiter, though it slept 1,001 times');
  await new Promise((resolve) => setTimeout(resolve, 10));
  assert.equal(woken, 1);
});

test('news that came before the sleep wakes at once', () => {
  const shared = journalShared(4096);
  const queue = new JournalQueue(shared, JournalMode.Durable, 64, 0);
  queue.append(JournalType.Operator, PAYLOAD, 0, 16, 0);
  assert.equal(queue.ackableSequence, 0);
  durable(shared, 1);
  let woken = 0;
  queue.arm(() => (woken += 1));
  assert.equal(woken, 1);
  assert.equal(queue.ackableSequence, 1);
});

test("the thread's own last record is beyond the last one appended", () => {
  const shared = journalShared(4096);
  const queue = new JournalQueue(shared, JournalMode.Durable, 64, 2 ** 32 - 1);
  durable(shared, 0); // 2^32 in its low half
  assert.equal(queue.durableSequence, 2 ** 32);
  durable(shared, -3);
  assert.equal(queue.durableSequence, 2 ** 32 - 3);
});
