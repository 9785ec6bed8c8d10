import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Worker } from 'node:worker_threads';
import { Counters } from './counters.ts';

test('counts by index, read by name', () => {
  const counters = new Counters(['received', 'sent']);
  const sent = counters.index('sent');
  counters.values[sent] += 3;
  counters.values[sent] += 2 ** 40;
  assert.equal(counters.get('sent'), 2 ** 40 + 3);
  assert.deepEqual(counters.snapshot(), { received: 0, sent: 2 ** 40 + 3 });
  assert.deepEqual(counters.names, ['received', 'sent']);
});

test('a name that is none is refused with its value', () => {
  assert.throws(() => new Counters(['a']).get('b'), /counter was "b", expected one of a/);
  assert.throws(() => new Counters(['a', 'a']), /the names of counters differ/);
});

test('another thread reads along', async () => {
  const counters = new Counters(['turns']);
  const worker = new Worker(new URL(`data:text/javascript,${encodeURIComponent(`
    import { workerData } from 'node:worker_threads';
    import { Counters } from '${new URL('./counters.ts', import.meta.url).href}';
    const counters = new Counters(['turns'], workerData);
    for (let i = 0; i < 1000; i += 1) counters.values[0] += 1;
  `)}`), { workerData: counters.values.buffer });
  await new Promise<void>((resolve, reject) => {
    worker.once('error', reject);
    worker.once('exit', () => resolve());
  });
  assert.equal(counters.get('turns'), 1000);
});
