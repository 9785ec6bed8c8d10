import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Worker } from 'node:worker_threads';
import { plant } from './queue_stress.reference.ts';
import { LOCK_HOLDER_NONE, LOCK_WORDS, SharedLock } from './shared_lock.ts';

/** A holder that a busy machine keeps off its core is not a dead one. */
const PATIENCE_MS = 60_000;
const MODULE = new URL('./shared_lock.ts', import.meta.url).href;

/** A thread that runs `script` with `words` (the lock in the first 16) and `lock`, then ends; its value is what it posts. */
function run(words: Int32Array, holder: number, script: string, module = MODULE): { worker: Worker; value: Promise<unknown> } {
  const text = `
    import { parentPort, workerData } from 'node:worker_threads';
    import { SharedLock } from '${module}';
    const { words, holder } = workerData;
    const lock = new SharedLock(words, 0, holder, ${PATIENCE_MS});
    const nap = new Int32Array(new SharedArrayBuffer(4));
    ${script}`;
  const worker = new Worker(new URL(`data:text/javascript,${encodeURIComponent(text)}`), { workerData: { words, holder } });
  const value = new Promise<unknown>((resolve, reject) => {
    worker.once('message', resolve);
    worker.once('error', reject);
    worker.once('exit', () => resolve(undefined));
  });
  return { worker, value };
}

const newWords = (): Int32Array => new Int32Array(new SharedArrayBuffer((LOCK_WORDS + 16) * 4));

/** Sections in which a pair of numbers is changed one after the other, some of them interrupted for a while. */
const SECTIONS = 3000;
const INCREMENT = `
  Atomics.add(words, 18, 1);
  while (Atomics.load(words, 18) < 4) Atomics.wait(nap, 0, 0, 0.1); // all begin together
  for (let i = 0; i < ${SECTIONS}; i += 1) {
    if (!lock.acquire()) throw new Error('broken');
    const value = words[16] + 1;
    if (i % 500 === 250) Atomics.wait(nap, 0, 0, 0.1); // off its core, while others want in
    words[16] = value;
    if (i % 500 === 0) Atomics.wait(nap, 0, 0, 0.1);
    words[17] = value;
    lock.release();
  }
  parentPort.postMessage('done');`;

async function increment(module?: string): Promise<{ words: Int32Array; torn: number; copies: number }> {
  const words = newWords();
  const running = [1, 2, 3, 4].map((holder) => run(words, holder, INCREMENT, module));
  const lock = new SharedLock(words, 0, 9);
  let done = false;
  const all = Promise.all(running.map(({ value }) => value)).finally(() => (done = true));
  all.catch(() => {});
  let torn = 0;
  let copies = 0;
  while (!done) {
    for (let i = 0; i < 200; i += 1) {
      const count = lock.observe();
      const first = words[16];
      const second = words[17];
      if (!lock.unchanged(count)) continue;
      copies += 1;
      if (first !== second) torn += 1;
    }
    await new Promise((resolve) => setImmediate(resolve));
  }
  await all;
  return { words, torn, copies };
}

test('four threads change a pair of numbers, a reader copies it: nothing is lost, no copy is torn', async () => {
  const { words, torn, copies } = await increment();
  assert.deepEqual([words[16], words[17]], [4 * SECTIONS, 4 * SECTIONS]);
  assert.equal(torn, 0);
  assert.ok(copies > 0, 'some copies were kept');
});

test('without exchange the same threads lose changes', async () => {
  const planted = plant(new URL('./shared_lock.ts', import.meta.url), [[
    'if ((count & 1) !== 0 || Atomics.compareExchange(words, at + COUNT, count, count + 1) !== count) {', 'if (false) {',
  ], ["assert(this.#words[this.#at + HOLDER] === this.#holder, 'a lock is released by its holder');", '']]);
  try {
    const { words } = await increment(planted.url);
    assert.ok(words[16] < 4 * SECTIONS, `${words[16]} of ${4 * SECTIONS}`);
  } finally {
    planted.remove();
  }
});

test('a reader keeps no copy while somebody is inside, nor one from two sections', () => {
  const words = newWords();
  const lock = new SharedLock(words, 0, 1);
  const before = lock.observe();
  assert.equal(lock.unchanged(before), true);
  assert.ok(lock.acquire());
  assert.equal(lock.unchanged(before), false);
  assert.equal(lock.unchanged(lock.observe()), false, 'inside');
  lock.release();
  assert.equal(lock.unchanged(before), false, 'changed meanwhile');
  assert.equal(lock.unchanged(lock.observe()), true);
});

test('the count may wrap', () => {
  const words = newWords();
  words[0] = 2 ** 31 - 2;
  const lock = new SharedLock(words, 0, 1);
  for (let i = 0; i < 3; i += 1) {
    assert.ok(lock.acquire());
    lock.release();
  }
  assert.equal(words[0], -(2 ** 31) + 4);
});

test('who waits is woken when the holder leaves', async () => {
  const words = newWords();
  const lock = new SharedLock(words, 0, 1);
  assert.ok(lock.acquire());
  const waiting = [2, 3].map((holder) => run(words, holder, 'parentPort.postMessage(lock.acquire()); lock.release();'));
  while (Atomics.load(words, 1) < 2) await new Promise((resolve) => setImmediate(resolve)); // both sleep
  lock.release();
  assert.deepEqual(await Promise.all(waiting.map(({ value }) => value)), [true, true]);
  assert.equal(lock.brokenBy, LOCK_HOLDER_NONE);
});

test('a holder that dies inside is found and named, and nobody gets in any more', async () => {
  const words = newWords();
  const { worker, value } = run(words, 7, `lock.acquire(); parentPort.postMessage('inside'); Atomics.wait(nap, 0, 0);`);
  assert.equal(await value, 'inside');
  await worker.terminate();
  const lock = new SharedLock(words, 0, 1, 50);
  assert.equal(lock.holder, 7);
  assert.equal(lock.acquire(), false);
  assert.equal(lock.brokenBy, 7);
  assert.equal(new SharedLock(words, 0, 2).acquire(), false, 'at once, for everybody');
});

test('a holder that only slept too long finds the lock broken when it comes back', () => {
  const words = newWords();
  const sleeper = new SharedLock(words, 0, 7);
  assert.ok(sleeper.acquire());
  assert.equal(new SharedLock(words, 0, 1, 10).acquire(), false);
  sleeper.release();
  assert.equal(sleeper.acquire(), false);
  assert.equal(words[0] % 2, 0, 'and leaves it open');
  assert.equal(sleeper.brokenBy, 7);
});

test('entering twice, leaving what one does not hold, and a place that is none are found', () => {
  const words = newWords();
  const lock = new SharedLock(words, 0, 1);
  assert.ok(lock.acquire());
  assert.throws(() => lock.acquire(), /a thread is inside of a lock once/);
  assert.throws(() => new SharedLock(words, 0, 2).release(), /released by its holder/);
  lock.release();
  assert.throws(() => lock.release(), /released by its holder/);
  assert.throws(() => new SharedLock(words, 8, 1), /expected the start of a cache line inside of the words, was word 8/);
  assert.throws(() => new SharedLock(words, 32, 1), /was word 32/);
  assert.throws(() => new SharedLock(words, 0, 0), /expected a holder 1 … 2\^31 − 1, was 0/);
  assert.throws(() => new SharedLock(new Int32Array(16), 0, 1), /expected words of a SharedArrayBuffer/);
});
