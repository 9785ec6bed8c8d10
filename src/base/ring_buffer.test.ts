import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Worker } from 'node:worker_threads';
import { fuzzRing } from './ring_buffer.fuzz.ts';
import { initializeRing, ringBytes, RingConsumer, RingProducer, RING_NONE } from './ring_buffer.ts';

/** Records of a stress run; more by the environment. */
const STRESS_RECORDS = Number(process.env['OUTCRY_STRESS_RECORDS'] ?? 400_000);

function ring(slots: number, slotBytes: number): { buffer: SharedArrayBuffer; producer: RingProducer; consumer: RingConsumer } {
  const buffer = new SharedArrayBuffer(ringBytes(slots, slotBytes));
  initializeRing(buffer, 0, slots, slotBytes);
  return { buffer, producer: new RingProducer(buffer, 0), consumer: new RingConsumer(buffer, 0) };
}

test('full and empty are return values, and nothing is overwritten', () => {
  const { buffer, producer, consumer } = ring(4, 8);
  const words = new Int32Array(buffer);
  assert.equal(consumer.take(), RING_NONE);
  for (let i = 0; i < 4; i += 1) words[producer.claim() / 4] = 10 + i;
  assert.equal(producer.claim(), RING_NONE);
  assert.equal(consumer.take(), RING_NONE, 'claimed is not yet published');
  producer.publish();
  assert.equal(producer.claim(), RING_NONE);
  assert.equal(words[consumer.take() / 4], 10);
  assert.equal(producer.claim(), RING_NONE, 'taken is not yet released');
  consumer.release();
  words[producer.claim() / 4] = 14;
  producer.publish();
  assert.deepEqual([1, 2, 3, 4].map(() => words[consumer.take() / 4]), [11, 12, 13, 14]);
  assert.equal(consumer.take(), RING_NONE);
});

test('released slots are told in portions, and all of them when there is nothing left', () => {
  const { producer, consumer } = ring(64, 8);
  for (let i = 0; i < 64; i += 1) producer.claim();
  producer.publish();
  for (let i = 0; i < 7; i += 1) {
    consumer.take();
    consumer.release();
    assert.equal(producer.claim(), RING_NONE);
  }
  consumer.take();
  consumer.release();
  assert.equal(producer.used, 56, 'an eighth');
  for (let i = 0; i < 8 * 7 - 1; i += 1) consumer.take();
  assert.equal(producer.used, 56, 'taken is not released');
  consumer.release();
  consumer.take();
  assert.equal(producer.used, 1);
  consumer.release();
  assert.equal(producer.used, 1);
  assert.equal(consumer.take(), RING_NONE);
  assert.equal(producer.used, 0);
});

test('a layout that cannot be is refused with the value', () => {
  assert.throws(() => ringBytes(3, 8), /slots was 3, expected a power of two/);
  assert.throws(() => ringBytes(4, 12), /slotBytes was 12, expected a multiple of 8/);
  assert.throws(() => initializeRing(new SharedArrayBuffer(100), 0, 4, 8), /the ring needs 416 bytes from 0 on, the buffer has 100/);
  assert.throws(() => initializeRing(new SharedArrayBuffer(1000), 4, 4, 8), /offset was 4, expected a multiple of 64/);
  assert.throws(() => new RingProducer(new SharedArrayBuffer(1000), 0), /no ring at offset 0: its first word was 0x0/);
});

test('random operations agree with the twin, across the wrap of the cursors', () => {
  for (let seed = 1; seed <= 300; seed += 1) fuzzRing(seed, 400);
});

/** A producer that neither writes nor ends for so long has died. */
const DEAD_MS = 60_000;

interface Outcome { misplaced: number; torn: number; received: number }

/** Faults for the producer thread, to see that the test below would notice them. */
type Fault = 'none' | 'publish-first' | 'ignore-full' | 'twice';

/**
 * A thread writes numbered records, each word of a record derived from its number; this thread reads
 * them all. Says how many were lost or doubled, and how many had words of different records.
 */
async function stress(slots: number, batch: number, records: number, fault: Fault): Promise<Outcome> {
  const slotBytes = 64;
  const buffer = new SharedArrayBuffer(ringBytes(slots, slotBytes));
  initializeRing(buffer, 0, slots, slotBytes);
  const ended = new Int32Array(new SharedArrayBuffer(4)); // 1: all that will come is in the ring
  const script = `
    import { workerData } from 'node:worker_threads';
    import { RingProducer } from '${new URL('./ring_buffer.ts', import.meta.url).href}';
    const { buffer, batch, records, fault, ended } = workerData;
    const producer = new RingProducer(buffer, 0);
    const words = new Int32Array(buffer);
    const pause = new Int32Array(new SharedArrayBuffer(4));
    let unpublished = 0;
    let refusals = 0;
    let at = -1;
    for (let n = 0; n < records; n += 1) {
      const previous = at;
      while ((at = producer.claim()) < 0) {
        producer.publish();
        unpublished = 0;
        if (fault === 'ignore-full') { at = previous; break; }
        refusals += 1;
        if (refusals % 500 === 0) Atomics.wait(pause, 0, 0, 0.01); // the other side may wait for our core
      }
      if (fault === 'publish-first') { producer.publish(); Atomics.wait(pause, 0, 0, 0.05); }
      const value = fault === 'twice' && n % 1000 === 999 ? n - 1 : n;
      for (let i = 0; i < ${slotBytes / 4}; i += 1) words[at / 4 + i] = Math.imul(value, 0x9e3779b1) + i | 0;
      unpublished += 1;
      if (unpublished >= batch) { producer.publish(); unpublished = 0; }
    }
    producer.publish();
    Atomics.store(ended, 0, 1);`;
  const worker = new Worker(new URL(`data:text/javascript,${encodeURIComponent(script)}`), {
    workerData: { buffer, batch, records, fault, ended },
  });
  const exit = new Promise<void>((resolve, reject) => {
    worker.once('error', reject);
    worker.once('exit', () => resolve());
  });
  await new Promise<void>((resolve) => void worker.once('online', resolve));
  const consumer = new RingConsumer(buffer, 0);
  const words = new Int32Array(buffer);
  const pause = new Int32Array(new SharedArrayBuffer(4));
  let misplaced = 0;
  let torn = 0;
  let received = 0;
  let idle = 0;
  let lastProgressMs = performance.now();
  for (let n = 0; n < records;) {
    const whole = Atomics.load(ended, 0) === 1; // asked first: what is not there then never comes
    const at = consumer.take();
    if (at === RING_NONE) {
      consumer.release();
      if (whole) break;
      idle += 1;
      if (idle % 500 !== 0) continue;
      Atomics.wait(pause, 0, 0, 0.01);
      if (performance.now() - lastProgressMs > DEAD_MS) break;
      continue;
    }
    if (idle > 0) lastProgressMs = performance.now();
    idle = 0;
    const first = words[at / 4];
    if (first !== Math.imul(n, 0x9e3779b1)) misplaced += 1;
    for (let i = 1; i < slotBytes / 4; i += 1) {
      if (words[at / 4 + i] !== ((first + i) | 0)) {
        torn += 1;
        break;
      }
    }
    n += 1;
    received = n;
    if (n % batch === 0) consumer.release();
  }
  consumer.release();
  await worker.terminate();
  await exit;
  return { misplaced, torn, received };
}

for (const [slots, batch] of [[1, 1], [8, 1], [1024, 1], [1024, 64]]) {
  test(`two threads, ${slots} slots, batches of ${batch}: no record is lost, doubled or torn`, async () => {
    const records = slots < 1024 ? STRESS_RECORDS / 10 : STRESS_RECORDS;
    assert.deepEqual(await stress(slots, batch, records, 'none'), { misplaced: 0, torn: 0, received: records });
  });
}

test('the stress test notices records published before they are written', async () => {
  const { misplaced, torn } = await stress(8, 1, 500, 'publish-first');
  assert.ok(misplaced + torn > 0);
});

test('the stress test notices a producer that writes on when the ring is full', async () => {
  const { misplaced, torn, received } = await stress(2, 1, 50_000, 'ignore-full');
  assert.ok(misplaced + torn > 0 || received < 50_000);
});

test('the stress test notices a doubled record', async () => {
  const { misplaced } = await stress(64, 1, 5000, 'twice');
  assert.equal(misplaced, 5);
});
