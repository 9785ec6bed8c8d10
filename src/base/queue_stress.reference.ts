// Producers and consumers in threads of their own on one queue, and everything that could go wrong counted:
// for the tests of the queues, which also let it find queues that are broken on purpose.
//
//   record:  │ producer u32 │ number u32 │ words mixed from both … │ checksum of all words before │
//
// Each record is counted where it arrives, in a byte of its own, so a lost and a doubled one are told apart; each
// consumer looks at the checksum and that the numbers of one producer only ever rise. The threads live as long as
// the pool, since starting one takes longer than most runs. This file is also what they run.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { isMainThread, parentPort, Worker } from 'node:worker_threads';
import { initializeQueue, type MpmcQueue, queueBytes } from './mpmc_queue.ts';
import type { MpscConsumer } from './mpsc_queue.ts';
import { initializePriorityQueue, type PriorityQueue, priorityQueueBytes, type PriorityQueueLayout } from './priority_queue.ts';

export interface StressOptions {
  /** In a priority queue every other producer uses the urgent lane. */
  kind: 'mpmc' | 'mpsc' | 'priority';
  producers: number;
  consumers: number;
  slots: number;
  /** Words of a record, checksum included. */
  recordWords: number;
  /** Records claimed, taken, published and released together; 1 uses the calls for single ones. */
  batch: number;
  /** Of all producers together. */
  records: number;
  /** Another module than the product's own, for all or for consumers only: a queue broken on purpose. */
  module?: string;
  consumerModule?: string;
  /** Records are published before they are written. */
  publishFirst?: boolean;
}

export interface StressOutcome {
  received: number;
  lost: number;
  doubled: number;
  /** Checksum or words wrong. */
  torn: number;
  /** A producer's record after a later one of the same producer, at one consumer. */
  misplaced: number;
  /** Assertions of the queue that fired, and whatever else ended a thread's part. */
  errors: string[];
}

/** Without a record for this long, the rest counts as lost; sooner where that is what is expected. */
const LOST_MS = 10_000;
const BROKEN_LOST_MS = 100;
/** A thread that gives up takes one such time; one that takes so many does not come back. */
const STUCK_FACTOR = 3;
/** Looks in vain before a thread gives its core away: there are more threads than cores. */
const LOOKS_MAX = 100;
const NAP_MS = 0.02;

const RECEIVED = 0;
const GIVEN_UP = 1;
/** Stays 0, nobody is woken by it. */
const NAP = 2;

interface Task extends StressOptions {
  role: 'producer' | 'consumer';
  index: number;
  buffer: SharedArrayBuffer;
  control: Int32Array;
  /** How often each record came, by producer and number. */
  seen: Uint8Array;
  recordsEach: number;
  lostMs: number;
}

interface Part { torn: number; misplaced: number; error: string | null }

function mixed(producer: number, number: number, word: number): number {
  return Math.imul(Math.imul(producer + 1, 0x9e3779b1) ^ Math.imul(number + 1, 0x85ebca6b), 2 * word + 1) | 0;
}

function checksumOf(words: Int32Array, from: number, to: number): number {
  let sum = 0x811c9dc5;
  for (let i = from; i < to; i += 1) sum = Math.imul(sum ^ words[i], 0x01000193);
  return sum;
}

function writeRecord(words: Int32Array, at: number, task: Task, number: number): void {
  const first = at / 4;
  const last = first + task.recordWords - 1;
  words[first] = task.index;
  words[first + 1] = number;
  for (let i = first + 2; i < last; i += 1) words[i] = mixed(task.index, number, i - first);
  words[last] = checksumOf(words, first, last);
}

/** Waits a little, now and then; false: the run was given up. */
class Patience {
  readonly #task: Task;
  #looks = 0;
  #since = performance.now();

  constructor(task: Task) {
    this.#task = task;
  }

  progress(): void {
    this.#looks = 0;
  }

  wait(): boolean {
    this.#looks += 1;
    if (this.#looks === 1) this.#since = performance.now();
    if (this.#looks % LOOKS_MAX !== 0) return true;
    Atomics.wait(this.#task.control, NAP, 0, NAP_MS);
    if (performance.now() - this.#since > this.#task.lostMs) Atomics.store(this.#task.control, GIVEN_UP, 1);
    return Atomics.load(this.#task.control, GIVEN_UP) === 0;
  }
}

function publishAndWrite(queue: Producing, words: Int32Array, at: number, task: Task, number: number): void {
  if (task.publishFirst === true) {
    queue.publish(at);
    Atomics.wait(task.control, NAP, 0, 0.05);
    writeRecord(words, at, task, number);
    return;
  }
  writeRecord(words, at, task, number);
  queue.publish(at);
}

type Producing = MpmcQueue | PriorityQueue;
type Consuming = MpmcQueue | MpscConsumer | PriorityQueue;

/** Claims, writes and publishes up to `most` records; returns how many. */
function produceSome(queue: Producing, words: Int32Array, task: Task, number: number, most: number): number {
  if (task.batch === 1 || !('claimMany' in queue)) {
    const at = task.index % 2 === 1 && 'claimUrgent' in queue ? queue.claimUrgent() : queue.claim();
    if (at < 0) return 0;
    publishAndWrite(queue, words, at, task, number);
    return 1;
  }
  const count = queue.claimMany(most);
  for (let i = 0; i < count; i += 1) writeRecord(words, queue.claimedAt(i), task, number + i);
  if (count > 0) queue.publishMany();
  return count;
}

function produce(queue: Producing, task: Task): void {
  const words = new Int32Array(task.buffer);
  const patience = new Patience(task);
  for (let number = 0; number < task.recordsEach;) {
    const count = produceSome(queue, words, task, number, Math.min(task.batch, task.recordsEach - number));
    number += count;
    if (count > 0) patience.progress();
    else if (!patience.wait()) return;
  }
}

class Receiver {
  readonly #task: Task;
  readonly #words: Int32Array;
  readonly #last: Int32Array;
  torn = 0;
  misplaced = 0;
  received = 0;

  constructor(task: Task) {
    this.#task = task;
    this.#words = new Int32Array(task.buffer);
    this.#last = new Int32Array(task.producers).fill(-1);
  }

  receive(at: number): void {
    const words = this.#words;
    const { recordWords, recordsEach, producers, seen } = this.#task;
    const first = at / 4;
    const producer = words[first];
    const number = words[first + 1];
    this.received += 1;
    if (checksumOf(words, first, first + recordWords - 1) !== words[first + recordWords - 1] ||
      !(producer >= 0 && producer < producers && number >= 0 && number < recordsEach)) {
      this.torn += 1;
      return;
    }
    Atomics.add(seen, producer * recordsEach + number, 1);
    if (number <= this.#last[producer]) this.misplaced += 1;
    this.#last[producer] = number;
  }
}

/** Takes, checks and releases up to a batch of records. */
function consumeSome(queue: Consuming, receiver: Receiver, batch: number): void {
  if ('takeMany' in queue && batch > 1) {
    const count = queue.takeMany(batch);
    for (let i = 0; i < count; i += 1) receiver.receive(queue.takenAt(i));
    if (count > 0) queue.releaseMany();
    return;
  }
  const at = queue.take();
  if (at < 0) {
    if (!('takeMany' in queue)) queue.release();
    return;
  }
  receiver.receive(at);
  if ('takeMany' in queue) queue.release(at);
  else if (receiver.received % batch === 0) queue.release();
}

function consume(queue: Consuming, task: Task, part: Part): void {
  const receiver = new Receiver(task);
  const patience = new Patience(task);
  let told = 0;
  for (;;) {
    const before = receiver.received;
    consumeSome(queue, receiver, task.batch);
    if (receiver.received > before) {
      patience.progress();
      continue;
    }
    const all = Atomics.add(task.control, RECEIVED, receiver.received - told) + receiver.received - told;
    told = receiver.received;
    part.torn = receiver.torn;
    part.misplaced = receiver.misplaced;
    if (all >= task.recordsEach * task.producers || !patience.wait()) return;
  }
}

async function work(task: Task): Promise<Part> {
  const part: Part = { torn: 0, misplaced: 0, error: null };
  try {
    const { buffer, index, role, kind, module, consumerModule } = task;
    const [file, name] = MODULES[kind][role];
    const broken = module ?? (role === 'consumer' ? consumerModule : undefined);
    const loaded = await import(broken ?? new URL(file, import.meta.url).href);
    const queue = new loaded[name](buffer, 0, index + (role === 'producer' ? 1 : 101));
    if (role === 'producer') produce(queue, task);
    else consume(queue, task, part);
  } catch (error) {
    part.error = String(error);
    if (isBroken(task)) Atomics.store(task.control, GIVEN_UP, 1);
  }
  return part;
}

const MPMC = ['./mpmc_queue.ts', 'MpmcQueue'] as const;
const PRIORITY = ['./priority_queue.ts', 'PriorityQueue'] as const;
const MODULES = {
  mpmc: { producer: MPMC, consumer: MPMC },
  mpsc: { producer: MPMC, consumer: ['./mpsc_queue.ts', 'MpscConsumer'] },
  priority: { producer: PRIORITY, consumer: PRIORITY },
} as const;

function newQueue({ kind, slots, recordWords }: StressOptions): SharedArrayBuffer {
  const slotBytes = recordWords * 4;
  const layout: PriorityQueueLayout = { urgentSlots: slots, normalSlots: slots, slotBytes, urgentRunMax: 4 };
  const buffer = new SharedArrayBuffer(kind === 'priority' ? priorityQueueBytes(layout) : queueBytes(slots, slotBytes));
  if (kind === 'priority') initializePriorityQueue(buffer, 0, layout);
  else initializeQueue(buffer, 0, slots, slotBytes);
  return buffer;
}

/** Threads that wait for runs. */
export class StressPool {
  readonly #workers: Worker[];

  constructor(threads: number) {
    this.#workers = Array.from({ length: threads }, startWorker);
  }

  async run(options: StressOptions): Promise<StressOutcome> {
    const { producers, consumers, records } = options;
    if (producers + consumers > this.#workers.length) {
      throw new RangeError(`the pool has ${this.#workers.length} threads, was asked for ${producers + consumers}`);
    }
    const recordsEach = Math.ceil(records / producers);
    const buffer = newQueue(options);
    const seen = new Uint8Array(new SharedArrayBuffer(producers * recordsEach));
    const control = new Int32Array(new SharedArrayBuffer(64));
    const lostMs = isBroken(options) ? BROKEN_LOST_MS : LOST_MS;
    const parts = await Promise.all(Array.from({ length: producers + consumers }, (_, i) => this.#ask(i, {
      ...options, buffer, seen, control, recordsEach, lostMs,
      role: i < producers ? 'producer' : 'consumer', index: i < producers ? i : i - producers,
    })));
    return {
      received: control[RECEIVED],
      lost: seen.filter((times) => times === 0).length, doubled: seen.filter((times) => times > 1).length,
      torn: parts.reduce((sum, part) => sum + part.torn, 0), misplaced: parts.reduce((sum, part) => sum + part.misplaced, 0),
      errors: parts.map((part) => part.error).filter((error) => error !== null),
    };
  }

  /** A thread's part. One that does not come back, as it may on a broken queue, is replaced. */
  #ask(thread: number, task: Task): Promise<Part> {
    return new Promise((resolve, reject) => {
      const worker = this.#workers[thread];
      const done = (part: Part): void => {
        worker.off('error', reject);
        clearTimeout(stuck);
        resolve(part);
      };
      const stuck = setTimeout(() => {
        this.#workers[thread] = startWorker();
        void worker.terminate().then(() => done({ torn: 0, misplaced: 0, error: `${task.role} ${task.index} did not come back` }));
      }, task.lostMs * STUCK_FACTOR);
      worker.once('error', reject);
      worker.once('message', done);
      worker.postMessage(task);
    });
  }

  async close(): Promise<void> {
    await Promise.all(this.#workers.map((worker) => worker.terminate()));
  }
}

function startWorker(): Worker {
  return new Worker(new URL(import.meta.url), { workerData: 'queue stress' });
}

function isBroken({ module, consumerModule, publishFirst }: StressOptions): boolean {
  return module !== undefined || consumerModule !== undefined || publishFirst === true;
}

/**
 * A copy of a module with mistakes put in: each pair's first text, which must be there once, becomes the second.
 * Returns its address, and what removes it.
 */
export function plant(module: URL, mistakes: readonly (readonly [right: string, wrong: string])[]): { url: string; remove: () => void } {
  let text = readFileSync(module, 'utf8');
  for (const [right, wrong] of mistakes) {
    if (text.split(right).length !== 2) throw new Error(`${module.href}: expected once: ${right}`);
    text = text.replace(right, () => wrong);
  }
  text = text.replaceAll(/ from '(\.[^']+)'/g, (_, path: string) => ` from '${new URL(path, module).href}'`);
  const folder = mkdtempSync(join(tmpdir(), 'outcry-planted-'));
  const file = join(folder, 'planted.ts');
  writeFileSync(file, text);
  return { url: pathToFileURL(file).href, remove: () => rmSync(folder, { recursive: true }) };
}

if (!isMainThread && parentPort !== null) {
  const port = parentPort;
  port.on('message', (task: Task) => {
    void work(task).then((part) => port.postMessage(part));
  });
}
