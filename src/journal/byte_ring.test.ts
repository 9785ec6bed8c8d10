import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Worker } from 'node:worker_threads';
import { fuzzByteRing } from './byte_ring.fuzz.ts';
import {
  byteRingBytes,
  ByteRingConsumer,
  ByteRingProducer,
  initializeByteRing,
  RING_NONE,
} from './byte_ring.ts';

const ROUNDS = Number(process.env['OUTCRY_JOURNAL_FUZZ'] ?? 300);
const RECORDS = Number(process.env['OUTCRY_STRESS_RECORDS'] ?? 400_000) / 4;

test('the byte ring agrees with its twin', () => {
  for (let seed = 1; seed <= ROUNDS; seed++) fuzzByteRing(seed, 500);
});

test('a frame that does not fit behind the last one begins at the start', () => {
  const buffer = new SharedArrayBuffer(byteRingBytes(64));
  initializeByteRing(buffer, 0, 64);
  const producer = new ByteRingProducer(buffer, 0);
  const consumer = new ByteRingConsumer(buffer, 0);
  const first = producer.claim(32);
  producer.claim(16);
  producer.publish();
  assert.equal(producer.claim(24), RING_NONE, '16 bytes are left, and 0 at the start');
  consumer.peek();
  consumer.advance(32);
  consumer.release();
  assert.equal(producer.claim(24), first);
  producer.publish();
  consumer.advance(16);
  assert.equal(consumer.peek(), first);
});

test('a ring without work says so, and what cannot be asked for is refused', () => {
  const buffer = new SharedArrayBuffer(byteRingBytes(64));
  assert.throws(() => new ByteRingConsumer(buffer, 0), /no ring at offset 0: expected/);
  initializeByteRing(buffer, 0, 64);
  const producer = new ByteRingProducer(buffer, 0);
  const consumer = new ByteRingConsumer(buffer, 0);
  assert.equal(consumer.peek(), RING_NONE);
  assert.throws(() => producer.claim(40), /half of the ring/);
  assert.throws(() => producer.claim(12), /multiple of 8/);
  assert.throws(() => byteRingBytes(100), /power of two from 64 .*was 100/);
  assert.throws(() => initializeByteRing(buffer, 64, 64), /needs 448 bytes from 64 on/);
  assert.throws(() => initializeByteRing(buffer, 8, 64), /multiple of 64, was 8/);
  consumer.wait(1); // nothing comes: it ends by itself
});

test('frames of random lengths between two threads, with a consumer that sleeps', async () => {
  const capacity = 4096;
  const buffer = new SharedArrayBuffer(byteRingBytes(capacity));
  initializeByteRing(buffer, 0, capacity);
  const script = `
    import { parentPort, workerData } from 'node:worker_threads';
    const { ByteRingConsumer, RING_NONE } = await import(workerData.module);
    const { Prng } = await import(workerData.prng);
    const consumer = new ByteRingConsumer(workerData.buffer, 0);
    const words = new Int32Array(workerData.buffer);
    const prng = new Prng(5);
    let wrong = 0;
    for (let n = 0; n < workerData.records;) {
      const at = consumer.peek();
      if (at === RING_NONE) { consumer.wait(1000); continue; }
      const bytes = 8 * prng.between(1, 64);
      for (let i = 0; i < bytes; i += 4) if (words[(at + i) >> 2] !== n) wrong += 1;
      consumer.advance(bytes);
      consumer.release();
      n += 1;
    }
    parentPort.postMessage(wrong);`;
  const worker = new Worker(new URL(`data:text/javascript,${encodeURIComponent(script)}`), {
    workerData: {
      buffer,
      records: RECORDS,
      module: new URL('byte_ring.ts', import.meta.url).href,
      prng: new URL('../base/prng.ts', import.meta.url).href,
    },
  });
  const result = new Promise<unknown>((resolve, reject) => {
    worker.once('message', resolve);
    worker.once('error', reject);
  });
  const { Prng } = await import('../base/prng.ts');
  const lengths = new Prng(5);
  const pauses = new Prng(6);
  const producer = new ByteRingProducer(buffer, 0);
  const words = new Int32Array(buffer);
  for (let n = 0; n < RECORDS; n++) {
    const bytes = 8 * lengths.between(1, 64);
    let at = producer.claim(bytes);
    while (at === RING_NONE) at = producer.claim(bytes);
    for (let i = 0; i < bytes; i += 4) words[(at + i) >> 2] = n;
    producer.publish();
    // Now and then it pauses long enough for the other side to fall asleep.
    if (pauses.chance(0.001)) await new Promise((resolve) => setTimeout(resolve, 1));
  }
  assert.equal(await result, 0);
});
