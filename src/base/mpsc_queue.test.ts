import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { startQueueAt } from './mpmc_queue.fuzz.ts';
import { checkQueue, initializeQueue, MpmcQueue, QUEUE_EMPTY, QUEUE_FULL, queueBytes } from './mpmc_queue.ts';
import { fuzzMpsc } from './mpsc_queue.fuzz.ts';
import { MPSC_LOOKS_MAX, MpscConsumer } from './mpsc_queue.ts';
import { plant, StressPool, type StressOptions, type StressOutcome } from './queue_stress.reference.ts';

/** Records of a stress run; more by the environment. */
const STRESS_RECORDS = Number(process.env['OUTCRY_QUEUE_RECORDS'] ?? 60_000);
const SEEDS = Number(process.env['OUTCRY_QUEUE_SEEDS'] ?? 150);

function queueOf(slots: number, slotBytes: number): { buffer: SharedArrayBuffer; producer: MpmcQueue; consumer: MpscConsumer; words: Int32Array } {
  const buffer = new SharedArrayBuffer(queueBytes(slots, slotBytes));
  initializeQueue(buffer, 0, slots, slotBytes);
  return { buffer, producer: new MpmcQueue(buffer, 0, 1), consumer: new MpscConsumer(buffer, 0, 9), words: new Int32Array(buffer) };
}

test('full and empty are return values, and nothing is overwritten', () => {
  const { producer, consumer, words } = queueOf(4, 8);
  assert.equal(consumer.take(), QUEUE_EMPTY);
  const claimed = [0, 1, 2, 3].map(() => producer.claim());
  claimed.forEach((at, i) => (words[at / 4] = 10 + i));
  assert.equal(producer.claim(), QUEUE_FULL);
  assert.equal(consumer.take(), QUEUE_EMPTY, 'claimed is not yet published');
  claimed.forEach((at) => producer.publish(at));
  assert.equal(words[consumer.take() / 4], 10);
  assert.equal(producer.claim(), QUEUE_FULL, 'taken is not yet released');
  consumer.release();
  const again = producer.claim();
  assert.equal(again, claimed[0], 'the slot released');
  words[again / 4] = 14;
  producer.publish(again);
  assert.deepEqual([1, 2, 3, 4].map(() => words[consumer.take() / 4]), [11, 12, 13, 14]);
  assert.equal(consumer.take(), QUEUE_EMPTY);
});

test('released slots are given back in portions, and all of them when there is nothing left for a while', () => {
  const { producer, consumer } = queueOf(64, 8);
  producer.claimMany(64);
  producer.publishMany();
  for (let i = 0; i < 7; i += 1) {
    consumer.take();
    consumer.release();
    assert.equal(producer.claim(), QUEUE_FULL);
  }
  consumer.take();
  consumer.release();
  assert.equal(producer.claimMany(64), 8, 'an eighth');
  producer.publishMany();
  for (let i = 0; i < 63; i += 1) consumer.take();
  assert.equal(producer.claim(), QUEUE_FULL, 'taken is not released');
  consumer.release();
  consumer.take();
  consumer.release();
  assert.equal(producer.claimMany(64), 63, 'one released and not given back');
  for (let looks = 1; looks < MPSC_LOOKS_MAX; looks += 1) assert.equal(consumer.take(), QUEUE_EMPTY);
  assert.equal(producer.claim(), QUEUE_FULL);
  assert.equal(consumer.take(), QUEUE_EMPTY);
  assert.notEqual(producer.claim(), QUEUE_FULL);
});

test('a dead producer\'s slots are skipped and go back by themselves', () => {
  const { buffer, producer, consumer } = queueOf(4, 8);
  const dead = new MpmcQueue(buffer, 0, 7);
  dead.claim();
  const mine = producer.claim();
  producer.publish(mine);
  dead.claim();
  assert.equal(consumer.take(), QUEUE_EMPTY);
  assert.equal(producer.stalledOwner, 7);
  assert.equal(producer.disown(7), 2);
  assert.equal(consumer.take(), mine);
  consumer.release();
  assert.equal(consumer.take(), QUEUE_EMPTY);
  checkQueue(buffer, 0);
});

test('what a dead consumer had not given back is freed, and another one goes on behind it', () => {
  const { buffer, producer, consumer } = queueOf(16, 8);
  producer.claimMany(16);
  producer.publishMany();
  for (let i = 0; i < 5; i += 1) {
    consumer.take();
    if (i < 3) consumer.release(); // two of them given back as a portion, one not
  }
  assert.equal(producer.disown(9), 3);
  assert.equal(producer.claimMany(16), 5);
  producer.publishMany();
  const next = new MpscConsumer(buffer, 0, 10);
  assert.equal(next.depth, 16);
  let records = 0;
  while (next.take() !== QUEUE_EMPTY) records += 1;
  assert.equal(records, 16);
});

test('one consumer may be followed by several, and they by one', () => {
  const { buffer, producer, consumer, words } = queueOf(8, 8);
  const push = (value: number): void => {
    const at = producer.claim();
    words[at / 4] = value;
    producer.publish(at);
  };
  for (const value of [1, 2, 3]) push(value);
  assert.equal(words[consumer.take() / 4], 1);
  consumer.release();
  const many = new MpmcQueue(buffer, 0, 11);
  const second = many.take();
  assert.equal(words[second / 4], 2);
  many.release(second);
  const last = new MpscConsumer(buffer, 0, 12);
  assert.equal(words[last.take() / 4], 3);
  last.release();
  assert.equal(last.take(), QUEUE_EMPTY);
  checkQueue(buffer, 0);
});

test('cursors wrap around 2^32 in the middle of anything', () => {
  for (const start of [-5, 2 ** 31 - 5]) {
    const { buffer, words } = queueOf(4, 8);
    startQueueAt(buffer, 0, start | 0);
    const producer = new MpmcQueue(buffer, 0, 1);
    const consumer = new MpscConsumer(buffer, 0);
    for (let i = 0; i < 20; i += 1) {
      const at = producer.claim();
      words[at / 4] = i;
      producer.publish(at);
      assert.equal(words[consumer.take() / 4], i);
      consumer.release();
      assert.equal(consumer.take(), QUEUE_EMPTY);
      checkQueue(buffer, 0);
    }
  }
});

test('random operations agree with the twin', () => {
  for (let seed = 1; seed <= SEEDS; seed += 1) fuzzMpsc(seed, 400);
});

// ── threads ──────────────────────────────────────────────────────────────────────────────────────

const pool = new StressPool(5);
after(() => pool.close());

const RUN: StressOptions = { kind: 'mpsc', producers: 4, consumers: 1, slots: 64, recordWords: 14, batch: 1, records: STRESS_RECORDS };

for (const [slots, recordWords, batch, part] of [[1, 14, 1, 0.05], [2, 4, 1, 0.1], [64, 14, 1, 1], [1024, 62, 32, 1]]) {
  test(`4 producers, ${slots} slots, batches of ${batch}: no record is lost, doubled, torn or misplaced`, async () => {
    const records = 4 * Math.ceil((STRESS_RECORDS * part) / 4);
    const outcome = await pool.run({ ...RUN, slots, recordWords, batch, records });
    assert.deepEqual(outcome, { received: records, lost: 0, doubled: 0, torn: 0, misplaced: 0, errors: [] });
  });
}

const faultsOf = ({ lost, doubled, torn, misplaced, errors }: StressOutcome): number => lost + doubled + torn + misplaced + errors.length;

for (const [name, right, wrong] of [
  [
    'a take that does not look at the sequence',
    'if (Atomics.load(words, word) !== (taken << 1) + 1) {', 'if (Atomics.load(words, this.#claimedWord) === taken) {',
  ],
  [
    'a slot given back when it is taken', '      this.#looks = 0;\n',
    '      this.#looks = 0;\n      Atomics.store(words, word, (taken + this.slots) << 1);\n      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 0.02);\n',
  ],
]) {
  test(`the stress test notices ${name}`, async () => {
    const planted = plant(new URL('./mpsc_queue.ts', import.meta.url), [[right, wrong]]);
    try {
      const outcome = await pool.run({ ...RUN, slots: 8, records: 4000, consumerModule: planted.url });
      assert.ok(faultsOf(outcome) > 0, JSON.stringify(outcome));
    } finally {
      planted.remove();
    }
  });
}
