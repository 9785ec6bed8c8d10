import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { closeSync, ftruncateSync, openSync, unlinkSync } from 'node:fs';
import { after, test } from 'node:test';
import { Worker } from 'node:worker_threads';
import { requireThat } from '../../test/requirements.ts';
import { fuzzQueue, startQueueAt } from './mpmc_queue.fuzz.ts';
import { checkQueue, initializeQueue, MpmcQueue, QUEUE_EMPTY, QUEUE_FULL, queueBytes } from './mpmc_queue.ts';
import { plant, StressPool, type StressOptions, type StressOutcome } from './queue_stress.reference.ts';

type Koffi = typeof import('koffi').default;

/** Records of a stress run; more by the environment. */
const STRESS_RECORDS = Number(process.env['OUTCRY_QUEUE_RECORDS'] ?? 60_000);
const SEEDS = Number(process.env['OUTCRY_QUEUE_SEEDS'] ?? 150);

function queueOf(slots: number, slotBytes: number): { buffer: SharedArrayBuffer; queue: MpmcQueue; words: Int32Array } {
  const buffer = new SharedArrayBuffer(queueBytes(slots, slotBytes));
  initializeQueue(buffer, 0, slots, slotBytes);
  return { buffer, queue: new MpmcQueue(buffer, 0, 1), words: new Int32Array(buffer) };
}

test('full and empty are return values, and nothing is overwritten', () => {
  const { queue, words } = queueOf(4, 8);
  assert.equal(queue.take(), QUEUE_EMPTY);
  const claimed = [0, 1, 2, 3].map(() => queue.claim());
  claimed.forEach((at, i) => (words[at / 4] = 10 + i));
  assert.equal(queue.claim(), QUEUE_FULL);
  assert.equal(queue.take(), QUEUE_EMPTY, 'claimed is not yet published');
  claimed.forEach((at) => queue.publish(at));
  assert.equal(queue.depth, 4);
  const first = queue.take();
  assert.equal(words[first / 4], 10);
  assert.equal(queue.claim(), QUEUE_FULL, 'taken is not yet released');
  queue.release(first);
  const again = queue.claim();
  assert.equal(again, first, 'the slot released');
  words[again / 4] = 14;
  queue.publish(again);
  assert.deepEqual([1, 2, 3, 4].map(() => words[queue.take() / 4]), [11, 12, 13, 14]);
  assert.equal(queue.take(), QUEUE_EMPTY);
  assert.equal(queue.depth, 0);
});

test('records come in the order of their claims, whatever order they are published in', () => {
  const { queue, words } = queueOf(8, 8);
  const [a, b, c] = [queue.claim(), queue.claim(), queue.claim()];
  [a, b, c].forEach((at, i) => (words[at / 4] = i));
  queue.publish(c);
  queue.publish(b);
  assert.equal(queue.take(), QUEUE_EMPTY, 'the oldest is not published');
  queue.publish(a);
  assert.deepEqual([queue.take(), queue.take(), queue.take()], [a, b, c]);
});

test('slots are released in any order; a producer waits for the oldest', () => {
  const { queue } = queueOf(2, 8);
  queue.publish(queue.claim());
  queue.publish(queue.claim());
  const [a, b] = [queue.take(), queue.take()];
  queue.release(b);
  assert.equal(queue.claim(), QUEUE_FULL);
  queue.release(a);
  assert.equal(queue.claim(), a);
  assert.equal(queue.claim(), b);
});

test('one slot is enough', () => {
  const { queue } = queueOf(1, 8);
  for (let i = 0; i < 5; i += 1) {
    const at = queue.claim();
    assert.equal(queue.claim(), QUEUE_FULL);
    queue.publish(at);
    assert.equal(queue.claim(), QUEUE_FULL);
    assert.equal(queue.take(), at);
    assert.equal(queue.claim(), QUEUE_FULL);
    queue.release(at);
  }
});

test('batches take what there is, and wrap around the end of the slots', () => {
  const { buffer, queue, words } = queueOf(4, 16);
  const consumer = new MpmcQueue(buffer, 0, 2);
  let next = 0;
  let expected = 0;
  for (const [wanted, claimed, taken] of [[3, 3, 3], [3, 3, 3], [9, 4, 4], [4, 4, 4]]) {
    assert.equal(queue.claimMany(wanted), claimed);
    for (let i = 0; i < claimed; i += 1) words[queue.claimedAt(i) / 4] = next++;
    assert.equal(consumer.takeMany(9), 0, 'claimed is not yet published');
    queue.publishMany();
    assert.equal(consumer.takeMany(9), taken);
    for (let i = 0; i < taken; i += 1) assert.equal(words[consumer.takenAt(i) / 4], expected++);
    consumer.releaseMany();
  }
  assert.equal(consumer.takeMany(1), 0);
  checkQueue(buffer, 0);
});

test('a batch is no larger than the room, and none when there is none', () => {
  const { queue } = queueOf(4, 8);
  queue.publish(queue.claim());
  const held = queue.take();
  assert.equal(queue.claimMany(4), 3, 'one slot is held by its reader');
  queue.publishMany();
  assert.equal(queue.claimMany(4), 0);
  queue.release(held);
  assert.equal(queue.claimMany(4), 1);
  queue.publishMany();
  assert.equal(queue.takeMany(2), 2);
  queue.releaseMany();
  assert.equal(queue.takeMany(4), 2);
});

test('a slot published or released twice, or a batch left open, is found', () => {
  const { queue } = queueOf(2, 8);
  const at = queue.claim();
  queue.publish(at);
  assert.throws(() => queue.publish(at), /a slot is published once/);
  queue.take();
  assert.throws(() => queue.publish(at), /a slot is published once/);
  queue.release(at);
  assert.throws(() => queue.release(at), /a slot is released once/);
  assert.throws(() => queue.publishMany(), /claimed before it is published/);
  queue.claimMany(1);
  assert.throws(() => queue.claimMany(1), /published before the next/);
  assert.throws(() => queue.claimedAt(1), /lies in the batch/);
  queue.publishMany();
  queue.takeMany(1);
  assert.throws(() => queue.takeMany(1), /released before the next/);
});

test('a layout that cannot be is refused with the value', () => {
  assert.throws(() => queueBytes(3, 8), /slots was 3, expected a power of two/);
  assert.throws(() => queueBytes(2 ** 30, 8), /slots was 1073741824, expected a power of two of at most 536870912/);
  assert.throws(() => queueBytes(4, 12), /slotBytes was 12, expected a multiple of 8/);
  assert.throws(() => initializeQueue(new SharedArrayBuffer(100), 0, 4, 8), /the queue needs 448 bytes from 0 on, the buffer has 100/);
  assert.throws(() => initializeQueue(new SharedArrayBuffer(1000), 4, 4, 8), /offset was 4, expected a multiple of 64/);
  assert.throws(() => new MpmcQueue(new SharedArrayBuffer(1000), 0), /no queue at offset 0: its first word was 0x0/);
  const { buffer } = queueOf(2, 8);
  assert.throws(() => new MpmcQueue(buffer, 0, 2 ** 30), /owner was 1073741824, expected 0 … 1073741823/);
});

test('cursors wrap around 2^32 in the middle of anything', () => {
  for (const start of [-5, 2 ** 31 - 5, 2 ** 30 - 5]) {
    const { buffer, queue, words } = queueOf(4, 8);
    startQueueAt(buffer, 0, start | 0);
    for (let i = 0; i < 20; i += 2) {
      for (const value of [i, i + 1]) {
        const at = queue.claim();
        words[at / 4] = value;
        queue.publish(at);
      }
      assert.equal(queue.depth, 2);
      const count = queue.takeMany(3);
      assert.deepEqual(Array.from({ length: count }, (_, k) => words[queue.takenAt(k) / 4]), [i, i + 1]);
      queue.releaseMany();
      checkQueue(buffer, 0);
    }
  }
});

test('random operations agree with the twin', () => {
  for (let seed = 1; seed <= SEEDS; seed += 1) fuzzQueue(seed, 400);
});

test('a producer that dies between claim and publish is named, and what it left is skipped', async () => {
  const { buffer, queue, words } = queueOf(8, 8);
  const script = `
    import { parentPort, workerData } from 'node:worker_threads';
    import { MpmcQueue } from '${new URL('./mpmc_queue.ts', import.meta.url).href}';
    const queue = new MpmcQueue(workerData, 0, 7);
    queue.claim();
    queue.claimMany(2);
    parentPort.postMessage('inside');
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);`;
  const worker = new Worker(new URL(`data:text/javascript,${encodeURIComponent(script)}`), { workerData: buffer });
  await new Promise((resolve) => void worker.once('message', resolve));
  assert.equal(queue.stalledOwner, 7);
  const mine = queue.claim();
  words[mine / 4] = 42;
  queue.publish(mine);
  assert.equal(queue.take(), QUEUE_EMPTY, 'the dead one is before it');
  await worker.terminate();
  assert.equal(queue.stalledOwner, 7, 'still');
  assert.equal(queue.disown(7), 3);
  assert.equal(queue.stalledOwner, QUEUE_EMPTY);
  assert.equal(queue.take(), mine);
  queue.release(mine);
  assert.equal(queue.disown(7), 0);
  checkQueue(buffer, 0);
});

test('a consumer that dies with records leaves its slots to be freed', () => {
  const { buffer, queue } = queueOf(4, 8);
  const dead = new MpmcQueue(buffer, 0, 9);
  queue.claimMany(4);
  queue.publishMany();
  dead.take();
  dead.takeMany(2);
  assert.equal(queue.claim(), QUEUE_FULL);
  assert.equal(queue.disown(9), 3);
  assert.equal(queue.claimMany(4), 3);
  queue.publishMany();
  assert.equal(queue.takeMany(4), 4, 'the one it had not taken, and three new ones');
});

test('an owner that only slept is not the one disowned', () => {
  const { buffer, queue } = queueOf(4, 8);
  const other = new MpmcQueue(buffer, 0, 2);
  const mine = queue.claim();
  const others = other.claim();
  other.publish(others);
  assert.equal(other.disown(2), 0, 'what it published is no longer its own');
  queue.publish(mine);
  assert.equal(other.take(), mine);
  assert.equal(queue.disown(1), 0, 'what it claimed is now with its reader');
  assert.equal(queue.take(), others);
  assert.equal(queue.disown(2), 1, 'its own record of that slot counts, as taken');
  assert.throws(() => queue.disown(0), /who left the slots has an owner number/);
});

test('what an owner did in an earlier lap is not taken for what another has just claimed or taken', () => {
  // A handle writes its number two instructions after it has the slot; until then the slot names who had it before.
  const { buffer, queue, words } = queueOf(1, 8);
  const dead = new MpmcQueue(buffer, 0, 7);
  const at = dead.claim();
  const asProducer = words[at / 4 - 1];
  dead.publish(at);
  assert.equal(dead.take(), at);
  const asConsumer = words[at / 4 - 1];
  dead.release(at);
  assert.equal(queue.claim(), at);
  words[at / 4 - 1] = asConsumer; // as in between
  assert.equal(queue.stalledOwner, 0, 'unknown');
  assert.equal(queue.disown(7), 0);
  queue.publish(at);
  assert.equal(queue.take(), at);
  words[at / 4 - 1] = asProducer;
  assert.equal(queue.disown(7), 0);
  queue.release(at);
  checkQueue(buffer, 0);
});

// ── threads ──────────────────────────────────────────────────────────────────────────────────────

const pool = new StressPool(8);
after(() => pool.close());

const RUN: StressOptions = { kind: 'mpmc', producers: 4, consumers: 4, slots: 64, recordWords: 14, batch: 1, records: STRESS_RECORDS };

function nothingWrong(outcome: StressOutcome, records: number): void {
  assert.deepEqual(outcome, { received: records, lost: 0, doubled: 0, torn: 0, misplaced: 0, errors: [] });
}

for (const [slots, recordWords, batch, part] of [[1, 14, 1, 0.05], [2, 4, 1, 0.1], [64, 14, 1, 1], [1024, 62, 32, 1]]) {
  test(`4 producers, 4 consumers, ${slots} slots, batches of ${batch}: no record is lost, doubled, torn or misplaced`, async () => {
    const records = 4 * Math.ceil((STRESS_RECORDS * part) / 4);
    nothingWrong(await pool.run({ ...RUN, slots, recordWords, batch, records }), records);
  });
}

test('1 producer and 4 consumers, 4 producers and 1 consumer', async () => {
  const records = 4 * Math.ceil(STRESS_RECORDS / 16);
  nothingWrong(await pool.run({ ...RUN, producers: 1, records }), records);
  nothingWrong(await pool.run({ ...RUN, consumers: 1, records }), records);
});

const faultsOf = ({ lost, doubled, torn, misplaced, errors }: StressOutcome): number => lost + doubled + torn + misplaced + errors.length;

test('the stress test notices records published before they are written', async () => {
  const outcome = await pool.run({ ...RUN, slots: 8, records: 400, publishFirst: true });
  assert.ok(outcome.torn + outcome.misplaced > 0, JSON.stringify(outcome));
});

/** Where another thread comes in between; on a machine with idle cores it happens by itself, but not in every run. */
const PAUSE = 'if ((cursor & 15) === 0) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 0.05);';

for (const [name, ...mistakes] of [
  ['a claim without compare-and-exchange', [
    'const found = Atomics.compareExchange(words, this.#claimedWord, cursor, (cursor + 1) | 0);\n        if (found === cursor) {',
    `const found = cursor; ${PAUSE} Atomics.store(words, this.#claimedWord, (cursor + 1) | 0);\n        if (found === cursor) {`,
  ]],
  ['a take without compare-and-exchange', [
    'const found = Atomics.compareExchange(words, this.#takenWord, cursor, (cursor + 1) | 0);\n      if (found !== cursor) {',
    `const found = cursor; ${PAUSE} Atomics.store(words, this.#takenWord, (cursor + 1) | 0);\n      if (found !== cursor) {`,
  ]],
  ['a claim that does not look at the sequence', [
    'if (ahead < 0) return QUEUE_FULL;', '',
  ], ['if (ahead === 0) {\n        const', 'if (ahead <= 0) {\n        const']],
  ['a take that does not look at the sequence', [
    'if (ahead < 0) return QUEUE_EMPTY;\n      if (ahead > 0) {', 'if (Atomics.load(words, this.#claimedWord) === cursor) return QUEUE_EMPTY;\n      if (ahead > 0) {',
  ]],
] as [string, ...[string, string][]][]) {
  test(`the stress test notices ${name}`, async () => {
    const planted = plant(new URL('./mpmc_queue.ts', import.meta.url), mistakes);
    try {
      const outcome = await pool.run({ ...RUN, slots: 8, records: 4000, module: planted.url });
      assert.ok(faultsOf(outcome) > 0, JSON.stringify(outcome));
    } finally {
      planted.remove();
    }
  });
}

// ── processes ────────────────────────────────────────────────────────────────────────────────────

/** Maps a file for several processes, by direct system calls; its text runs in the other process too. */
function mapShared(koffi: Koffi, file: number, bytes: number): ArrayBuffer {
  const mmap = koffi.load(null).func('void *mmap(void *, size_t, int, int, int, int64_t)');
  const readAndWrite = 3;
  const shared = 1;
  return koffi.view(mmap(null, bytes, readAndWrite, shared, file, 0), bytes);
}

test('two processes over one mapping', { timeout: 30_000 }, async (t) => {
  if (requireThat(t, process.platform === 'linux' ? true : null, 'no /dev/shm on this system') === null) return;
  const records = 20_000;
  const bytes = queueBytes(64, 16);
  const path = `/dev/shm/outcry-queue-test-${process.pid}`;
  const file = openSync(path, 'w+');
  try {
    ftruncateSync(file, bytes);
    const buffer = mapShared((await import('koffi')).default, file, bytes);
    initializeQueue(buffer, 0, 64, 16);
    const script = `
      import koffi from '${import.meta.resolve('koffi')}';
      import { openSync } from 'node:fs';
      import { MpmcQueue } from '${new URL('./mpmc_queue.ts', import.meta.url).href}';
      ${mapShared.toString()}
      const buffer = mapShared(koffi, openSync('${path}', 'r+'), ${bytes});
      const queue = new MpmcQueue(buffer, 0, 2);
      const words = new Int32Array(buffer);
      const nap = new Int32Array(new SharedArrayBuffer(4));
      for (let i = 0; i < ${records}; i += 1) {
        let at;
        while ((at = queue.claim()) < 0) Atomics.wait(nap, 0, 0, 0.05);
        words[at / 4] = i;
        words[at / 4 + 1] = ~i;
        queue.publish(at);
      }`;
    const child = spawn(process.execPath, ['--input-type=module', '--eval', script], { stdio: ['ignore', 'ignore', 'inherit'] });
    const exit = new Promise((resolve) => void child.once('exit', resolve));
    const queue = new MpmcQueue(buffer, 0, 1);
    const words = new Int32Array(buffer);
    for (let i = 0; i < records;) {
      const at = queue.take();
      if (at === QUEUE_EMPTY) {
        await new Promise((resolve) => setImmediate(resolve));
        assert.equal(child.exitCode ?? 0, 0, 'the other process ended with an error');
        continue;
      }
      assert.deepEqual([words[at / 4], words[at / 4 + 1]], [i, ~i]);
      queue.release(at);
      i += 1;
    }
    assert.equal(await exit, 0);
    assert.equal(queue.take(), QUEUE_EMPTY);
    checkQueue(buffer, 0);
  } finally {
    closeSync(file);
    unlinkSync(path);
  }
});
