import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { QUEUE_EMPTY, QUEUE_FULL } from './mpmc_queue.ts';
import { fuzzMpsc, startMpscAt } from './mpsc_queue.fuzz.ts';
import { checkMpsc, initializeMpsc, MpscConsumer, MpscProducer, mpscBytes } from './mpsc_queue.ts';
import { plant, StressPool, type StressOptions, type StressOutcome } from './queue_stress.reference.ts';

/** Records of a stress run; more by the environment. */
const STRESS_RECORDS = Number(process.env['OUTCRY_QUEUE_RECORDS'] ?? 60_000);

function queueOf(slots: number, slotBytes: number): { buffer: SharedArrayBuffer; producer: MpscProducer; consumer: MpscConsumer; words: Int32Array } {
  const buffer = new SharedArrayBuffer(mpscBytes(slots, slotBytes));
  initializeMpsc(buffer, 0, slots, slotBytes);
  return { buffer, producer: new MpscProducer(buffer, 0, 1), consumer: new MpscConsumer(buffer, 0), words: new Int32Array(buffer) };
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

test('records come in the order of their claims, whoever publishes first', () => {
  const { buffer, producer, consumer } = queueOf(8, 8);
  const other = new MpscProducer(buffer, 0, 2);
  const first = producer.claim();
  const second = other.claim();
  other.publish(second);
  assert.equal(consumer.take(), QUEUE_EMPTY, 'the oldest is not published');
  assert.equal(consumer.stalledOwner, 1);
  producer.publish(first);
  assert.deepEqual([consumer.take(), consumer.take(), consumer.take()], [first, second, QUEUE_EMPTY]);
});

test('released slots are told in portions, and all of them when there is nothing left', () => {
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
  assert.equal(producer.used, 56, 'an eighth');
  for (let i = 0; i < 8 * 7 - 1; i += 1) consumer.take();
  consumer.release();
  consumer.take();
  consumer.release();
  assert.equal(producer.used, 1, 'one released and not told');
  assert.equal(consumer.take(), QUEUE_EMPTY);
  assert.equal(producer.used, 0);
});

test('a slot published twice, or a batch left open, is found', () => {
  const { producer, consumer } = queueOf(2, 8);
  const at = producer.claim();
  producer.publish(at);
  assert.throws(() => producer.publish(at), /a slot is published once/);
  consumer.take();
  consumer.release();
  assert.throws(() => producer.publish(at), /a slot is published once/);
  assert.throws(() => producer.publishMany(), /claimed before it is published/);
  producer.claimMany(1);
  assert.throws(() => producer.claimMany(1), /published before the next/);
  assert.throws(() => producer.claimedAt(1), /lies in the batch/);
});

test('a layout that cannot be is refused with the value', () => {
  assert.throws(() => mpscBytes(3, 8), /slots was 3, expected a power of two/);
  assert.throws(() => initializeMpsc(new SharedArrayBuffer(100), 0, 4, 8), /the queue needs 448 bytes from 0 on, the buffer has 100/);
  assert.throws(() => initializeMpsc(new SharedArrayBuffer(1000), 4, 4, 8), /offset was 4, expected a multiple of 64/);
  assert.throws(() => new MpscConsumer(new SharedArrayBuffer(1000), 0), /no queue at offset 0: its first word was 0x0/);
  assert.throws(() => new MpscProducer(queueOf(2, 8).buffer, 0, -1), /owner was -1, expected 0 … 65534/);
});

test('a producer that dies between claim and publish is named, and what it left is skipped', () => {
  const { buffer, producer, consumer } = queueOf(4, 8);
  const dead = new MpscProducer(buffer, 0, 7);
  dead.publish(dead.claim());
  dead.claim();
  const mine = producer.claim();
  producer.publish(mine);
  dead.claim();
  assert.equal(producer.claim(), QUEUE_FULL);
  assert.notEqual(consumer.take(), QUEUE_EMPTY, 'what it published stays');
  consumer.release();
  assert.equal(consumer.stalledOwner, 7);
  assert.equal(consumer.disown(7), 2);
  assert.equal(consumer.take(), mine);
  consumer.release();
  assert.equal(consumer.take(), QUEUE_EMPTY);
  assert.equal(producer.used, 0, 'void slots went back by themselves');
  checkMpsc(buffer, 0);
});

test('what an owner left in an earlier lap is not taken for what another has just claimed', () => {
  // A claim writes its owner two instructions after it has the slot; until then the slot names who had it before.
  const { buffer, producer, consumer, words } = queueOf(1, 8);
  const dead = new MpscProducer(buffer, 0, 7);
  const at = dead.claim();
  dead.publish(at);
  consumer.take();
  consumer.release();
  const holderOfDead = words[at / 4 - 1];
  assert.equal(producer.claim(), at);
  words[at / 4 - 1] = holderOfDead; // as in between
  assert.equal(consumer.stalledOwner, 0, 'unknown');
  assert.equal(consumer.disown(7), 0);
});

test('cursors wrap around 2^32 in the middle of anything', () => {
  for (const start of [-5, 2 ** 31 - 5]) {
    const { buffer, words } = queueOf(4, 8);
    startMpscAt(buffer, 0, start | 0);
    const producer = new MpscProducer(buffer, 0, 1);
    const consumer = new MpscConsumer(buffer, 0);
    for (let i = 0; i < 20; i += 1) {
      const at = producer.claim();
      words[at / 4] = i;
      producer.publish(at);
      assert.equal(words[consumer.take() / 4], i);
      consumer.release();
      assert.equal(consumer.take(), QUEUE_EMPTY);
      checkMpsc(buffer, 0);
    }
  }
});

test('random operations agree with the twin', () => {
  for (let seed = 1; seed <= 150; seed += 1) fuzzMpsc(seed, 400);
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

test('the stress test notices records published before they are written', async () => {
  const outcome = await pool.run({ ...RUN, slots: 8, records: 400, publishFirst: true });
  assert.ok(outcome.torn + outcome.misplaced > 0, JSON.stringify(outcome));
});

/** Where another thread comes in between; on a machine with idle cores it happens by itself, but not in every run. */
const PAUSE = 'if ((cursor & 15) === 0) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 0.05);';

for (const [name, right, wrong] of [
  [
    'a claim without compare-and-exchange',
    'const found = Atomics.compareExchange(words, this.#claimedWord, cursor, (cursor + 1) | 0);',
    `const found = cursor; ${PAUSE} Atomics.store(words, this.#claimedWord, (cursor + 1) | 0);`,
  ],
  [
    'a claim that does not look at the room',
    'if (((cursor - Atomics.load(words, this.#releasedWord)) | 0) >= this.slots) {', 'if (cursor === -1) {',
  ],
  [
    'a take that does not look at the sequence',
    'if (Atomics.load(words, word) !== ((taken + 1) | 0)) {', 'if (Atomics.load(words, this.#claimedWord) === taken) {',
  ],
]) {
  test(`the stress test notices ${name}`, async () => {
    const planted = plant(new URL('./mpsc_queue.ts', import.meta.url), [[right, wrong]]);
    try {
      const outcome = await pool.run({ ...RUN, slots: 8, records: 4000, module: planted.url });
      assert.ok(faultsOf(outcome) > 0, JSON.stringify(outcome));
    } finally {
      planted.remove();
    }
  });
}
