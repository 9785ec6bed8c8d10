import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AffinityError, setThreadCores, threadCores } from './affinity.ts';

const skip = process.platform !== 'linux' && 'Linux only';

test('a thread is kept on the cores that it asks for, and let go again', { skip }, () => {
  const before = threadCores();
  assert.ok(before.length > 0);
  const last = before.at(-1)!;
  try {
    setThreadCores([last]);
    assert.deepEqual(threadCores(), [last]);
  } finally {
    setThreadCores(before);
  }
  assert.deepEqual(threadCores(), before);
});

test('cores that the machine lacks are refused with their numbers', { skip }, () => {
  const before = threadCores();
  assert.throws(() => setThreadCores([1023]), (error) => error instanceof AffinityError && /cores 1023/.test(error.message));
  assert.throws(() => setThreadCores([-1]), AffinityError);
  assert.throws(() => setThreadCores([0.5]), AffinityError);
  assert.deepEqual(threadCores(), before);
});
