// The queues of src/base: one producer and one consumer (ring), many producers (MPSC), many on both sides (MPMC).
//
//   one thread:   a record is pushed and popped, single or in batches of 16; every number is read and checked
//   two threads:  this one produces, another one on another core consumes; the clock stops when the last
//                 record has been read
//
// A record is a cache line of which one word is written; further rows have records of 40 bytes and of any length, written and
// read whole (queue_records.ts). Beside ring and MPMC runs the same algorithm in C, over the same memory, with
// release stores. JavaScript's atomic stores are sequentially consistent, and its atomic operations are calls; the ring does
// without where the processor keeps stores in order (ring_buffer.ts).
import { Worker } from 'node:worker_threads';
import { assert } from '../src/base/assert.ts';
import { type BenchContext, type Benchmark, sizeOf } from './context.ts';
import { heapUseOf } from './harness/heap.ts';
import { runAlone, runPaired } from './harness/paired.ts';
import type { Goal, Row } from './harness/row.ts';
import { formatCount } from './harness/table.ts';
import { pinTo } from './pin.ts';
import type { ConsumerData } from './queue_consumer.ts';
import { KINDS, newQueue, sidesOf, SLOTS, type Kind, type Sides } from './queue_loops.ts';
import { BYTES_MEAN, isRecordKind, newRecordQueue, RECORD_KINDS, recordSides, type RecordKind } from './queue_records.ts';
import { cSidesOf } from './reference/c_queue.ts';
import { backOff, MATCHING_CORE } from './report_control.ts';
import { Control, State } from './two_threads.ts';

const RECORDS = 2_000_000;
const RECORDS_SMALL = 4_096;
const BATCH = 16;
const NAMES: Readonly<Record<Kind, string>> = { spsc: 'SPSC ring', mpsc: 'MPSC queue', mpmc: 'MPMC queue' };
const ONE_THREAD_TRIED =
  'each side keeps a copy of the other’s cursor, releases are told in portions of an eighth; on x86 published by a plain store and seen by a plain load ' +
  '(30 → 16 ns: JavaScript’s atomic ones are calls); addresses by Math.imul and shifts: no gain';
const THREADS_TRIED =
  'batches (the row below); on two cores of one machine a record costs at least the move of its cache line from core to core';

function sumOf(records: number): number {
  return Number(BigInt.asIntN(32, (BigInt(records) * BigInt(records - 1)) / 2n));
}

/** Nanoseconds a record. */
function passing(sides: Sides, records: number): () => number {
  const expected = sumOf(records);
  return () => {
    const start = process.hrtime.bigint();
    const sum = sides.pass(records);
    const ns = Number(process.hrtime.bigint() - start);
    assert(sum === expected, 'every record went through once');
    return ns / records;
  };
}

/** Two threads and a queue between them. */
class HandOver {
  readonly #control = new Int32Array(new SharedArrayBuffer(Control.Words * 4));
  readonly #sides: Sides;
  readonly #worker: Worker;
  readonly #ended: Promise<unknown>;
  #error: unknown = null;

  constructor(
    kind: Kind | RecordKind, batch: number, sides: (buffer: SharedArrayBuffer, control: Int32Array) => Sides, inC: boolean,
  ) {
    const buffer = isRecordKind(kind) ? newRecordQueue(kind) : newQueue(kind);
    this.#sides = sides(buffer, this.#control);
    const workerData: ConsumerData = { control: this.#control, buffer, kind, batch, inC };
    this.#worker = new Worker(new URL('queue_consumer.ts', import.meta.url), { workerData });
    this.#worker.on('error', (error) => (this.#error = error));
    this.#ended = new Promise((resolve) => void this.#worker.once('exit', resolve));
  }

  /** Nanoseconds a record. */
  async run(records: number): Promise<number> {
    const control = this.#control;
    Atomics.store(control, Control.Records, records);
    Atomics.store(control, Control.State, State.Start);
    Atomics.notify(control, Control.State);
    // The thread may still be starting: it gets the event loop until it has taken up its work.
    while (Atomics.load(control, Control.State) === State.Start) await this.#turn();
    const unpin = pinTo(MATCHING_CORE);
    const start = process.hrtime.bigint();
    this.#sides.produce(records);
    for (let turn = 0; Atomics.load(control, Control.State) === State.Running; turn++) backOff(control, turn >>> 5);
    const ns = Number(process.hrtime.bigint() - start);
    unpin();
    assert(Atomics.load(control, Control.Sum) === sumOf(records), 'every record came over once');
    return ns / records;
  }

  async #turn(): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve));
    if (this.#error !== null) throw this.#error;
  }

  async close(): Promise<void> {
    Atomics.store(this.#control, Control.State, State.Stop);
    Atomics.notify(this.#control, Control.State);
    await this.#ended;
    if (this.#error !== null) throw this.#error;
  }
}

type Common = Pick<Row, 'boundary' | 'threads' | 'durability' | 'unit' | 'small'>;

async function oneThread(context: BenchContext, kind: Kind, batch: number, goal?: Goal): Promise<Row> {
  const records = sizeOf(context, RECORDS, RECORDS_SMALL) & -BATCH;
  context.progress(`queue: ${NAMES[kind]}, one thread, ${batch} at once`);
  const control = new Int32Array(new SharedArrayBuffer(Control.Words * 4));
  const ours = passing(sidesOf(kind, newQueue(kind), batch, control), records);
  for (let i = 0; i < 2; i++) ours();
  const { bytes } = await heapUseOf(() => void ours());
  const checks = [`${formatCount(records)} records, each read and in its order, ${(bytes / records).toFixed(3)} B of heap a record`];
  const common: Common & { name: string; goal?: Goal; quoted?: string } = {
    name: `${NAMES[kind]}: push + pop${batch > 1 ? `, ${batch} at once` : ''}`, unit: 'ns/op', boundary: 'TypeScript API', threads: '1',
    durability: 'none', small: context.small, ...(goal ? { goal, quoted: '100 ns', tried: ONE_THREAD_TRIED } : {}),
  };
  const inC = kind === 'mpsc' || batch > 1 ? null : cSidesOf(kind, newQueue(kind));
  if (inC === null) {
    const spread = await runAlone(ours, { repetitions: context.pairs, warmups: 1 });
    return { ...common, figure: spread.median, statistic: `median of ${spread.samples} runs`, spread, checks };
  }
  const { a, b, ratio, pairs } = await runPaired(ours, passing(inC, records), { pairs: context.pairs, warmups: 1 });
  return {
    ...common, figure: a.median, statistic: `median of ${pairs} runs`, spread: a, checks,
    ratio: { ...ratio, against: 'the same in C', pairs, otherMedian: b.median },
  };
}

/** What a record costs its consumer: full queues are emptied, the filling is outside of the clock. */
async function emptying(context: BenchContext, kind: Kind, batch: number): Promise<Row> {
  const rounds = Math.ceil(sizeOf(context, RECORDS, RECORDS_SMALL) / SLOTS);
  context.progress(`queue: ${NAMES[kind]}, the consumer's part, ${batch} at once`);
  const sides = sidesOf(kind, newQueue(kind), batch, new Int32Array(new SharedArrayBuffer(Control.Words * 4)));
  const spread = await runAlone(() => {
    let ns = 0n;
    for (let round = 0; round < rounds; round++) {
      sides.produce(SLOTS);
      const start = process.hrtime.bigint();
      const sum = sides.consume(SLOTS);
      ns += process.hrtime.bigint() - start;
      assert(sum === sumOf(SLOTS), 'every record was read once');
    }
    return Number(ns) / (rounds * SLOTS);
  }, { repetitions: context.pairs, warmups: 2 });
  return {
    name: `${NAMES[kind]}: take + release${batch > 1 ? `, ${batch} at once` : ''}`, figure: spread.median, unit: 'ns/op',
    statistic: `median of ${spread.samples} runs`, boundary: 'TypeScript API', threads: '1', durability: 'none', spread, small: context.small,
    checks: [`${formatCount(rounds * SLOTS)} records, each read and in its order`],
  };
}

async function twoThreads(context: BenchContext, kind: Kind, batch: number): Promise<Row> {
  const records = sizeOf(context, RECORDS, RECORDS_SMALL) & -BATCH;
  context.progress(`queue: ${NAMES[kind]}, two threads, ${batch} at once`);
  const common: Common & { name: string } = {
    name: `${NAMES[kind]}: thread to thread${batch > 1 ? `, ${batch} at once` : ''}`, unit: 'ns/op',
    boundary: batch > 1 ? 'thread → thread, batches' : 'thread → thread, one at a time', threads: '2 (producer, consumer)',
    durability: 'none', small: context.small,
  };
  const checks = [`${formatCount(records)} records, each read by the other thread, in order`];
  const ours = new HandOver(kind, batch, (buffer, control) => sidesOf(kind, buffer, batch, control), false);
  const withC = kind !== 'mpsc' && batch === 1 && cSidesOf(kind, newQueue(kind)) !== null;
  const theirs = withC ? new HandOver(kind, 1, (buffer) => cSidesOf(kind, buffer)!, true) : null;
  try {
    const once = (): Promise<number> => ours.run(records);
    if (theirs === null) {
      const spread = await runAlone(once, { repetitions: context.pairs, warmups: 2 });
      return { ...common, figure: spread.median, statistic: `median of ${spread.samples} runs`, spread, checks };
    }
    const { a, b, ratio, pairs } = await runPaired(once, () => theirs.run(records), { pairs: context.pairs, warmups: 2 });
    return {
      ...common, figure: a.median, statistic: `median of ${pairs} runs`, spread: a, checks, tried: THREADS_TRIED,
      ratio: { ...ratio, against: 'the same in C', pairs, otherMedian: b.median },
    };
  } finally {
    await ours.close();
    await theirs?.close();
  }
}

const RECORD_NAMES: Readonly<Record<RecordKind, string>> = {
  spsc40: 'SPSC ring, 40 bytes', mpsc40: 'MPSC queue, 40 bytes', mpmc40: 'MPMC queue, 40 bytes',
  bytes: `SPSC byte ring, 8 … 256 bytes, ${BYTES_MEAN.toFixed(0)} on average`,
};

/** Whole records, by one thread and from thread to thread. */
async function wholeRecords(context: BenchContext, kind: RecordKind, batch: number, threads: 1 | 2): Promise<Row> {
  const records = sizeOf(context, RECORDS, RECORDS_SMALL) & -BATCH;
  const how = `${threads === 1 ? 'push + pop' : 'thread to thread'}${batch > 1 ? `, ${batch} at once` : ''}`;
  context.progress(`queue: ${RECORD_NAMES[kind]}, ${how}`);
  const common: Omit<Row, 'figure' | 'statistic' | 'boundary'> = {
    name: `${RECORD_NAMES[kind]}: ${how}`, unit: 'ns/op', threads: threads === 1 ? '1' : '2 (producer, consumer)', durability: 'none', small: context.small,
    checks: [`${formatCount(records)} records, every word of each compared`],
  };
  if (threads === 1) {
    const control = new Int32Array(new SharedArrayBuffer(Control.Words * 4));
    const once = passing(recordSides(kind, newRecordQueue(kind), batch, control), records);
    const spread = await runAlone(once, { repetitions: context.pairs, warmups: 2 });
    return { ...common, figure: spread.median, statistic: `median of ${spread.samples} runs`, boundary: 'TypeScript API', spread };
  }
  const pair = new HandOver(kind, batch, (buffer, control) => recordSides(kind, buffer, batch, control), false);
  try {
    const spread = await runAlone(() => pair.run(records), { repetitions: context.pairs, warmups: 2 });
    const boundary = batch > 1 ? 'thread → thread, batches' : 'thread → thread, one at a time';
    return { ...common, figure: spread.median, statistic: `median of ${spread.samples} runs`, boundary, spread };
  } finally {
    await pair.close();
  }
}

async function run(context: BenchContext): Promise<Row[]> {
  const rows: Row[] = [];
  for (const kind of KINDS) {
    for (const batch of [1, BATCH]) {
      const goal: Goal | undefined = kind === 'spsc' && batch === 1 ? { relation: 'at most', value: 20 } : undefined;
      rows.push(await oneThread(context, kind, batch, goal));
    }
  }
  for (const [kind, batch] of [['mpsc', 1], ['mpmc', 1], ['mpmc', BATCH]] as const) rows.push(await emptying(context, kind, batch));
  for (const kind of KINDS) {
    for (const batch of [1, BATCH]) rows.push(await twoThreads(context, kind, batch));
  }
  for (const kind of RECORD_KINDS) {
    for (const batch of [1, BATCH]) for (const threads of [1, 2] as const) rows.push(await wholeRecords(context, kind, batch, threads));
  }
  return rows;
}

export const queueBenchmark: Benchmark = {
  name: 'queue', about: 'a record through each queue, by one thread and from thread to thread, beside C', byDefault: true, run,
};
