// The lock-free order book: several threads add to one book and cancel from it, beside a lock and beside a concurrent skip list.
//
//   threads ─► MPSC queue ─► one writer ─► book          ours: nobody waits for a lock, the book stays a plain one
//   threads ─► lock ─► book                              the same book
//   threads ─► skip list in C                            no lock, no writer: compare-and-swap on every level
//
// A round begins with an empty book and ends when every operation has taken effect. Then the orders that are left are compared with
// those that the operations leave, one by one: id, price, quantity. Ways take turns: A B, A C.
import { Worker } from 'node:worker_threads';
import { assert } from '../src/base/assert.ts';
import { initializeQueue, queueBytes } from '../src/base/mpmc_queue.ts';
import { MPSC_LOOKS_MAX, MpscConsumer } from '../src/base/mpsc_queue.ts';
import { LOCK_WORDS } from '../src/base/shared_lock.ts';
import { Prng } from '../src/base/prng.ts';
import { MarketView } from '../src/book/market_view.ts';
import { sizeOf, type BenchContext, type Benchmark } from './context.ts';
import { runPaired } from './harness/paired.ts';
import type { Row } from './harness/row.ts';
import { formatCount } from './harness/table.ts';
import { Waiting } from './queue_loops.ts';
import { loadCLibrary } from './reference/c_library.ts';
import { Control, idOf, OP, OpKind, RECORD_BYTES, STOP, type TaskData, WAYS, type Way } from './shared_book_tasks.ts';

const THREADS = 2;
const OPERATIONS = 200_000;
const OPERATIONS_SMALL = 2_000;
const SLOTS = 4_096;
const PRICES = 1_000;
const SEED = 23;
/** A round takes a tenth of a second; one that takes so long has lost an operation. */
const LOST_MS = 60_000;

/** A thread's operations: half add, half cancel one of its own that is in the book, when there are as many as `live`. */
function operationsOf(thread: number, count: number, live: number): Int32Array {
  const prng = new Prng(SEED + thread);
  const operations = new Int32Array(new SharedArrayBuffer(count * OP.words * 4));
  const inBook: number[] = [];
  for (let i = 0, added = 0; i < count; i++) {
    const cancels = inBook.length > 0 && prng.chance(inBook.length >= live ? 0.5 : 0.1);
    if (!cancels) {
      operations.set([OpKind.Add, added, 1 + prng.below(PRICES), 1 + prng.below(100)], i * OP.words);
      inBook.push(added++);
      continue;
    }
    const place = prng.below(inBook.length);
    operations.set([OpKind.Cancel, inBook[place]], i * OP.words);
    inBook[place] = inBook[inBook.length - 1];
    inBook.pop();
  }
  return operations;
}

/** id → price and quantity of the orders that are left. */
function leftBy(operations: readonly Int32Array[]): Map<number, string> {
  const orders = new Map<number, string>();
  for (const [thread, of] of operations.entries()) {
    for (let at = 0; at < of.length; at += OP.words) {
      const id = idOf(thread, of[at + OP.number]);
      if (of[at] === OpKind.Add) orders.set(id, `${of[at + OP.price]} ${of[at + OP.qty]}`);
      else orders.delete(id);
    }
  }
  return orders;
}

class SharedBook {
  readonly operations: readonly Int32Array[];
  readonly #expected: Map<number, string>;
  readonly #view: MarketView;
  readonly #queue = new SharedArrayBuffer(queueBytes(SLOTS, RECORD_BYTES));
  readonly #control = new Int32Array(new SharedArrayBuffer(Control.Words * 4));
  readonly #consumer: MpscConsumer;
  readonly #workers: Worker[];
  readonly #ended: Promise<unknown>;
  readonly #skipList = loadCLibrary('skip_list');
  #error: unknown = null;

  constructor(count: number) {
    this.operations = Array.from({ length: THREADS }, (_, thread) => operationsOf(thread, count, count / 20));
    this.#expected = leftBy(this.operations);
    this.#view = new MarketView({ instruments: [{ minPrice: 1, maxPrice: PRICES }], ordersMax: THREADS * count });
    initializeQueue(this.#queue, 0, SLOTS, RECORD_BYTES);
    this.#consumer = new MpscConsumer(this.#queue, 0);
    const lock = new Int32Array(new SharedArrayBuffer(LOCK_WORDS * 4));
    this.#workers = this.operations.map((operations, thread) => {
      const workerData: TaskData = { thread, control: this.#control, operations, memory: this.#view.memory, queue: this.#queue, lock };
      const worker = new Worker(new URL('shared_book_thread.ts', import.meta.url), { workerData });
      worker.on('error', (error) => (this.#error = error));
      return worker;
    });
    this.#ended = Promise.all(this.#workers.map((worker) => new Promise<void>((resolve) => void worker.once('exit', () => resolve()))));
  }

  /** Without a compiler there is none. */
  get hasSkipList(): boolean {
    return this.#skipList !== null;
  }

  get ordersLeft(): number {
    return this.#expected.size;
  }

  get count(): number {
    return this.operations.reduce((sum, { length }) => sum + length / OP.words, 0);
  }

  /** One round; nanoseconds an operation, of all threads together. */
  async round(way: Way): Promise<number> {
    const control = this.#control;
    this.#empty();
    for (const word of [Control.Ended, Control.Done]) Atomics.store(control, word, 0);
    Atomics.store(control, Control.Way, WAYS.indexOf(way));
    const startMs = performance.now();
    Atomics.add(control, Control.Round, 1);
    Atomics.notify(control, Control.Round);
    const written = way === 'ring' ? await this.#write() : 0;
    while (Atomics.load(control, Control.Ended) < THREADS) await this.#turn(startMs);
    const ns = (performance.now() - startMs) * 1e6;
    assert(written + Atomics.load(control, Control.Done) === this.count, 'every operation found what it named');
    this.#check(way === 'skip' ? this.#skipped() : this.#booked());
    return ns / this.count;
  }

  async close(): Promise<void> {
    Atomics.store(this.#control, Control.Round, STOP);
    Atomics.notify(this.#control, Control.Round);
    await this.#ended;
  }

  /** The single writer: applies records until all have come. Now and then the event loop has a turn, for threads that start or fail. */
  async #write(): Promise<number> {
    const view = this.#view;
    const records = new Int32Array(this.#queue);
    const consumer = this.#consumer;
    const waiting = new Waiting(this.#control);
    const { count } = this;
    const startMs = performance.now();
    let done = 0;
    let applied = 0;
    for (let looks = 0; applied < count; ) {
      const at = consumer.take();
      if (at < 0) {
        looks += 1;
        waiting.again();
        if ((looks & 0xfff) === 0) await this.#turn(startMs);
        continue;
      }
      waiting.done();
      const word = at >>> 2;
      const id = records[word + OP.number];
      const found = records[word] === OpKind.Add
        ? view.add(0, 1, records[word + OP.price], records[word + OP.qty], id, 0, id, 0)
        : view.cancel(0, id, 0);
      consumer.release();
      done += found ? 1 : 0;
      applied += 1;
    }
    for (let i = 0; i < MPSC_LOOKS_MAX; i++) consumer.take(); // every slot goes back
    return done;
  }

  async #turn(startMs: number): Promise<void> {
    await new Promise((resolve) => void setImmediate(resolve));
    if (this.#error !== null) throw this.#error;
    assert(performance.now() - startMs < LOST_MS, 'the threads end');
  }

  #empty(): void {
    this.#view.clear(0);
    const reset = this.#skipList?.func('int skip_reset(uint32_t threads, uint32_t orders)');
    assert(reset === undefined || reset(THREADS, this.operations[0].length / OP.words) === 1, 'there is memory for the skip list');
  }

  *#booked(): Generator<[number, string]> {
    const view = this.#view;
    for (let order = view.firstOrder(0, 1); order !== 0; order = view.orderAfter(order)) {
      yield [view.orderIdLow(order), `${view.orderPrice(order, 1)} ${view.orderQty(order)}`];
    }
  }

  *#skipped(): Generator<[number, string]> {
    const orders = this.#skipList?.func('int skip_orders(int32_t *into, uint32_t most)');
    const into = new Int32Array(3 * this.count);
    const found: number = orders?.(into, this.count) ?? -1;
    assert(found >= 0, 'the skip list is in order');
    for (let i = 0; i < found; i++) yield [into[3 * i], `${into[3 * i + 1]} ${into[3 * i + 2]}`];
  }

  #check(orders: Iterable<[number, string]>): void {
    let count = 0;
    for (const [id, text] of orders) {
      if (this.#expected.get(id) !== text) throw new Error(`order ${id}: expected ${this.#expected.get(id) ?? 'none'}, was ${text}`);
      count += 1;
    }
    assert(count === this.#expected.size, 'every order that was not cancelled is in the book');
  }
}

async function run(context: BenchContext): Promise<Row[]> {
  const count = sizeOf(context, OPERATIONS, OPERATIONS_SMALL);
  const book = new SharedBook(count);
  const checks = [
    `${formatCount(book.count)} adds and cancels by ${THREADS} threads, each found what it named`,
    `the ${formatCount(book.ordersLeft)} orders that are left, compared one by one`,
  ];
  const common = { unit: 'ns/op', boundary: 'thread → thread, one at a time', durability: 'none', small: context.small, checks } as const;
  const names = { ring: 'our queue and one writer', lock: 'a lock around the same book', skip: 'a concurrent skip list in C' } as const;
  const rows: Row[] = [];
  try {
    for (const way of book.hasSkipList ? (['lock', 'skip'] as const) : (['lock'] as const)) {
      context.progress(`shared book: ${names[way]}`);
      const { a, b, ratio, pairs } = await runPaired(() => book.round(way), () => book.round('ring'), { pairs: context.pairs, warmups: 3 });
      const statistic = `median of ${pairs} rounds`;
      if (way === 'lock') {
        rows.push({ ...common, name: `shared book: ${names.ring}`, figure: b.median, statistic, spread: b, threads: `${THREADS + 1} (${THREADS} producers, writer)`, checks: [...checks] });
      }
      rows.push({
        ...common, name: `shared book: ${names[way]}`, figure: a.median, statistic, spread: a, threads: `${THREADS}`, checks: [...checks],
        ratio: { ...ratio, against: names.ring, pairs, otherMedian: b.median },
      });
    }
    return rows;
  } finally {
    await book.close();
  }
}

export const sharedBook: Benchmark = {
  name: 'shared-book', about: 'several threads on one book: queue and one writer, beside a lock and a concurrent skip list', byDefault: true, run,
};
