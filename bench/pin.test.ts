// A thread that was pinned moved nowhere any more, and all processes of a benchmark shared its one core: the system says
// of such a thread that it has one core, which was taken for a machine of one.
import assert from 'node:assert/strict';
import { cpus } from 'node:os';
import { test } from 'node:test';
import { threadCores } from '../src/os/affinity.ts';
import { pinTo } from './pin.ts';

test('a thread that is pinned to one core can be pinned to another, and goes back to where it was', (t) => {
  const before = threadCores();
  const release = pinTo(1);
  if (cpus().length < 2 || threadCores().join() !== '1') return t.skip('needs two cores and leave to choose one');
  try {
    const back = pinTo(0);
    assert.deepEqual(threadCores(), [0]);
    back();
    assert.deepEqual(threadCores(), [1]);
  } finally {
    release();
  }
  assert.deepEqual(threadCores(), before);
});
