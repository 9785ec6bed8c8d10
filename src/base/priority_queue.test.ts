import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { QUEUE_EMPTY, QUEUE_FULL } from './mpmc_queue.ts';
import { fuzzPriorityQueue } from './priority_queue.fuzz.ts';
import { initializePriorityQueue, Lane, PriorityQueue, priorityQueueBytes, type PriorityQueueLayout } from './priority_queue.ts';
import { StressPool } from './queue_stress.reference.ts';

/** Records of a stress run; more by the environment. */
const STRESS_RECORDS = Number(process.env['OUTCRY_QUEUE_RECORDS'] ?? 60_000);
const SEEDS = Number(process.env['OUTCRY_QUEUE_SEEDS'] ?? 150);

class Rig {
  readonly buffer: SharedArrayBuffer;
  readonly queue: PriorityQueue;
  readonly #words: Int32Array;

  constructor(layout: Partial<PriorityQueueLayout> = {}) {
    const whole = { urgentSlots: 8, normalSlots: 8, slotBytes: 8, ...layout };
    this.buffer = new SharedArrayBuffer(priorityQueueBytes(whole));
    initializePriorityQueue(this.buffer, 0, whole);
    this.queue = new PriorityQueue(this.buffer, 0, 1);
    this.#words = new Int32Array(this.buffer);
  }

  push(value: number, urgent = false): boolean {
    const at = urgent ? this.queue.claimUrgent() : this.queue.claim();
    if (at === QUEUE_FULL) return false;
    this.#words[at / 4] = value;
    this.queue.publish(at);
    return true;
  }

  /** The next record's value, −1 when there is none. */
  take(): number {
    const at = this.queue.take();
    if (at === QUEUE_EMPTY) return -1;
    const value = this.#words[at / 4];
    this.queue.release(at);
    return value;
  }

  takeMany(countMax: number): number[] {
    const count = this.queue.takeMany(countMax);
    const values = Array.from({ length: count }, (_, i) => this.#words[this.queue.takenAt(i) / 4]);
    this.queue.releaseMany();
    return values;
  }
}

test('urgent records overtake normal ones, each lane in its order', () => {
  const rig = new Rig();
  for (const value of [1, 2, 3]) rig.push(value);
  for (const value of [101, 102]) rig.push(value, true);
  const lanes: number[] = [];
  const values = [1, 2, 3, 4, 5].map(() => {
    const value = rig.take();
    lanes.push(rig.queue.takenLane);
    return value;
  });
  assert.deepEqual(values, [101, 102, 1, 2, 3]);
  assert.deepEqual(lanes, [Lane.Urgent, Lane.Urgent, Lane.Normal, Lane.Normal, Lane.Normal]);
  assert.equal(rig.take(), -1);
});

test('a full normal lane refuses normal records, never urgent ones, and both refusals are counted apart', () => {
  const rig = new Rig({ urgentSlots: 2, normalSlots: 4 });
  for (let i = 0; i < 4; i += 1) assert.equal(rig.push(i), true);
  assert.equal(rig.push(4), false);
  assert.equal(rig.push(4), false);
  assert.equal(rig.push(101, true), true, 'a cancel gets in');
  assert.equal(rig.push(102, true), true);
  assert.equal(rig.push(103, true), false, 'the urgent lane has its own end');
  const observer = new PriorityQueue(rig.buffer, 0);
  assert.deepEqual(
    [observer.normalDepth, observer.urgentDepth, observer.normalRefused, observer.urgentRefused], [4, 2, 2, 1],
  );
  assert.deepEqual([rig.take(), rig.take(), rig.take()], [101, 102, 0]);
});

test('under urgent records without end every seventeenth is a normal one', () => {
  const rig = new Rig({ urgentSlots: 32, normalSlots: 32 });
  for (let i = 0; i < 10; i += 1) rig.push(i);
  const taken: number[] = [];
  for (let i = 0; i < 10 * 17; i += 1) {
    while (rig.push(100 + i, true));
    taken.push(rig.take());
  }
  assert.deepEqual(taken.flatMap((value, i) => (value < 100 ? [[value, i % 17]] : [])), Array.from({ length: 10 }, (_, i) => [i, 16]));
});

test('urgent records taken while no normal one waited do count for the run', () => {
  const rig = new Rig({ urgentRunMax: 2 });
  for (const value of [101, 102, 103, 104]) rig.push(value, true);
  assert.deepEqual([rig.take(), rig.take(), rig.take()], [101, 102, 103], 'no normal one: no bound');
  rig.push(1);
  rig.push(2);
  assert.deepEqual([rig.take(), rig.take(), rig.take()], [1, 104, 2]);
});

test('batches: urgent ones first, as many as the run may have, the rest normal', () => {
  const rig = new Rig({ urgentRunMax: 3 });
  for (const value of [101, 102, 103, 104, 105]) rig.push(value, true);
  for (const value of [1, 2, 3]) rig.push(value);
  assert.deepEqual(rig.takeMany(4), [101, 102, 103, 1]);
  assert.deepEqual(rig.takeMany(2), [104, 105]);
  assert.deepEqual(rig.takeMany(8), [2, 3]);
  assert.deepEqual(rig.takeMany(8), []);
});

test('a batch takes urgent records although the run is used up and a normal producer sleeps inside', () => {
  const rig = new Rig({ urgentRunMax: 2 });
  const sleeping = rig.queue.claim();
  for (const value of [101, 102, 103, 104]) rig.push(value, true);
  assert.deepEqual(rig.takeMany(2), [101, 102]);
  assert.deepEqual(rig.takeMany(9), [103, 104]);
  rig.queue.publish(sleeping);
  assert.equal(rig.takeMany(9).length, 1);
});

test('what a dead owner has left in either lane is freed', () => {
  const rig = new Rig();
  const dead = new PriorityQueue(rig.buffer, 0, 7);
  dead.claim();
  dead.claimUrgent();
  rig.push(1);
  rig.push(101, true);
  assert.equal(rig.take(), -1);
  assert.equal(rig.queue.stalledOwner, 7);
  assert.equal(rig.queue.disown(7), 2);
  assert.equal(rig.queue.stalledOwner, QUEUE_EMPTY);
  assert.deepEqual([rig.take(), rig.take(), rig.take()], [101, 1, -1]);
});

test('a layout that cannot be is refused with the value', () => {
  const layout = { urgentSlots: 2, normalSlots: 4, slotBytes: 8 };
  const buffer = new SharedArrayBuffer(priorityQueueBytes(layout));
  assert.throws(() => initializePriorityQueue(buffer, 0, { ...layout, urgentRunMax: 0 }), /urgentRunMax was 0, expected 1/);
  assert.throws(() => initializePriorityQueue(buffer, 0, { ...layout, normalSlots: 5 }), /slots was 5, expected a power of two/);
  assert.throws(() => initializePriorityQueue(buffer, 64, layout), /the queue needs \d+ bytes from 64 on, the buffer has \d+/);
  assert.throws(() => initializePriorityQueue(buffer, 8, layout), /offset was 8, expected a multiple of 64/);
  assert.throws(() => new PriorityQueue(buffer, 0), /no priority queue at offset 0: its first word was 0x0/);
});

test('random operations agree with the twin', () => {
  for (let seed = 1; seed <= SEEDS; seed += 1) fuzzPriorityQueue(seed, 400);
});

const pool = new StressPool(6);
after(() => pool.close());

for (const batch of [1, 16]) {
  test(`4 producers on both lanes, 2 consumers, batches of ${batch}: no record is lost, doubled, torn or misplaced`, async () => {
    const records = 4 * Math.ceil(STRESS_RECORDS / 8);
    const outcome = await pool.run({ kind: 'priority', producers: 4, consumers: 2, slots: 64, recordWords: 14, batch, records });
    assert.deepEqual(outcome, { received: records, lost: 0, doubled: 0, torn: 0, misplaced: 0, errors: [] });
  });
}
