// What the base costs, in nanoseconds an operation and bytes of heap: ring, queues, histogram, clock, random numbers.
// By hand: node bin/node26.mjs src/base/base.bench.ts [operations]
import { GCProfiler } from 'node:v8';
import { MonotonicClock } from './clock.ts';
import { Counters } from './counters.ts';
import { Histogram } from './histogram.ts';
import { initializeQueue, MpmcQueue, queueBytes } from './mpmc_queue.ts';
import { MpscConsumer } from './mpsc_queue.ts';
import { Prng } from './prng.ts';
import { initializePriorityQueue, PriorityQueue, priorityQueueBytes } from './priority_queue.ts';
import { initializeRing, ringBytes, RingConsumer, RingProducer } from './ring_buffer.ts';
import { SharedLock } from './shared_lock.ts';

export interface Measured {
  name: string;
  nsPerOperation: number;
  heapBytesPerOperation: number;
}

const RUNS = 5;

/** The median of five runs after a warm-up; heap of the run with no collection in it. */
function measure(name: string, operations: number, run: (operations: number) => number): Measured {
  let sink = run(Math.min(operations, 100_000));
  const times: number[] = [];
  let heap = Infinity;
  for (let i = 0; i < RUNS; i += 1) {
    const profiler = new GCProfiler();
    profiler.start();
    const heapBefore = process.memoryUsage().heapUsed;
    const start = performance.now();
    sink += run(operations);
    times.push(((performance.now() - start) * 1e6) / operations);
    const heapBytes = process.memoryUsage().heapUsed - heapBefore;
    if (profiler.stop()?.statistics.length === 0) heap = Math.min(heap, heapBytes / operations);
  }
  if (Number.isNaN(sink)) throw new Error('a benchmark computed nothing');
  return { name, nsPerOperation: times.toSorted((a, b) => a - b)[RUNS >> 1], heapBytesPerOperation: heap };
}

function ringBench(operations: number, batch: number): Measured {
  const slots = 1024;
  const buffer = new SharedArrayBuffer(ringBytes(slots, 64));
  initializeRing(buffer, 0, slots, 64);
  const producer = new RingProducer(buffer, 0);
  const consumer = new RingConsumer(buffer, 0);
  const words = new Int32Array(buffer);
  return measure(`ring: push + pop of 64 bytes, ${batch} at once`, operations, (count) => {
    let sum = 0;
    for (let done = 0; done < count; done += batch) {
      for (let i = 0; i < batch; i += 1) words[producer.claim() >> 2] = done;
      producer.publish();
      for (let i = 0; i < batch; i += 1) sum = (sum + words[consumer.take() >> 2]) | 0;
      consumer.release();
    }
    return sum;
  });
}

function newQueue(): SharedArrayBuffer {
  const buffer = new SharedArrayBuffer(queueBytes(1024, 56));
  initializeQueue(buffer, 0, 1024, 56);
  return buffer;
}

function mpmcBench(operations: number): Measured {
  const buffer = newQueue();
  const [producer, consumer] = [new MpmcQueue(buffer, 0, 1), new MpmcQueue(buffer, 0, 2)];
  const words = new Int32Array(buffer);
  return measure('MPMC queue: push + pop of 56 bytes', operations, (count) => {
    let sum = 0;
    for (let i = 0; i < count; i += 1) {
      const claimed = producer.claim();
      words[claimed >>> 2] = i;
      producer.publish(claimed);
      const taken = consumer.take();
      sum = (sum + words[taken >>> 2]) | 0;
      consumer.release(taken);
    }
    return sum;
  });
}

function mpmcBatchBench(operations: number, batch: number): Measured {
  const buffer = newQueue();
  const [producer, consumer] = [new MpmcQueue(buffer, 0, 1), new MpmcQueue(buffer, 0, 2)];
  const words = new Int32Array(buffer);
  return measure(`MPMC queue: push + pop of 56 bytes, ${batch} at once`, operations, (count) => {
    let sum = 0;
    for (let done = 0; done < count; done += batch) {
      producer.claimMany(batch);
      for (let i = 0; i < batch; i += 1) words[producer.claimedAt(i) >>> 2] = done;
      producer.publishMany();
      consumer.takeMany(batch);
      for (let i = 0; i < batch; i += 1) sum = (sum + words[consumer.takenAt(i) >>> 2]) | 0;
      consumer.releaseMany();
    }
    return sum;
  });
}

function mpscBench(operations: number): Measured {
  const buffer = newQueue();
  const [producer, consumer] = [new MpmcQueue(buffer, 0, 1), new MpscConsumer(buffer, 0, 2)];
  const words = new Int32Array(buffer);
  return measure('MPSC queue: push + pop of 56 bytes', operations, (count) => {
    let sum = 0;
    for (let i = 0; i < count; i += 1) {
      const claimed = producer.claim();
      words[claimed >>> 2] = i;
      producer.publish(claimed);
      sum = (sum + words[consumer.take() >>> 2]) | 0;
      consumer.release();
    }
    return sum;
  });
}

function priorityBench(operations: number): Measured {
  const layout = { urgentSlots: 64, normalSlots: 1024, slotBytes: 56 };
  const buffer = new SharedArrayBuffer(priorityQueueBytes(layout));
  initializePriorityQueue(buffer, 0, layout);
  const [producer, consumer] = [new PriorityQueue(buffer, 0, 1), new PriorityQueue(buffer, 0, 2)];
  const words = new Int32Array(buffer);
  return measure('priority queue: push + pop of 56 bytes', operations, (count) => {
    let sum = 0;
    for (let i = 0; i < count; i += 1) {
      const claimed = (i & 7) === 0 ? producer.claimUrgent() : producer.claim();
      words[claimed >>> 2] = i;
      producer.publish(claimed);
      const taken = consumer.take();
      sum = (sum + words[taken >>> 2]) | 0;
      consumer.release(taken);
    }
    return sum;
  });
}

function lockBench(operations: number): Measured {
  const words = new Int32Array(new SharedArrayBuffer(64));
  const lock = new SharedLock(words, 0, 1);
  return measure('shared lock: acquire + release', operations, (count) => {
    let entered = 0;
    for (let i = 0; i < count; i += 1) {
      if (lock.acquire()) entered += 1;
      lock.release();
    }
    return entered;
  });
}

/** Every figure, from so many operations a run. */
export function benchBase(operations: number): Measured[] {
  const histogram = new Histogram();
  const prng = new Prng(1);
  const clock = new MonotonicClock();
  const counters = new Counters(['a', 'b']);
  const b = counters.index('b');
  return [
    ringBench(operations, 1),
    ringBench(operations, 16),
    mpmcBench(operations),
    mpmcBatchBench(operations, 16),
    mpscBench(operations),
    priorityBench(operations),
    lockBench(operations),
    measure('histogram: record', operations, (count) => {
      for (let i = 0; i < count; i += 1) histogram.record((i * 7919) & 0xfffff);
      return histogram.count;
    }),
    measure('random: u32', operations, (count) => {
      let sum = 0;
      for (let i = 0; i < count; i += 1) sum ^= prng.u32();
      return sum;
    }),
    measure('random: f64', operations, (count) => {
      let sum = 0;
      for (let i = 0; i < count; i += 1) sum += prng.f64();
      return sum;
    }),
    measure('clock: refresh', operations, (count) => {
      for (let i = 0; i < count; i += 1) clock.refresh();
      return clock.nowNs;
    }),
    measure('counter: add', operations, (count) => {
      for (let i = 0; i < count; i += 1) counters.values[b] += 1;
      return counters.values[b];
    }),
  ];
}

if (import.meta.main) {
  const operations = Number(process.argv[2] ?? 5_000_000);
  for (const { name, nsPerOperation, heapBytesPerOperation } of benchBase(operations)) {
    const heap = heapBytesPerOperation === Infinity ? 'collected in every run' : `${heapBytesPerOperation.toFixed(2)} B`;
    console.log(`${name.padEnd(50)} ${nsPerOperation.toFixed(1).padStart(6)} ns   ${heap}`);
  }
}
