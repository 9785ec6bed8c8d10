// The exposure ledger: an order reserved with all limits on and released again.
//
//   one thread:   the ledger of a single thread, and the shared one with its lock
//   two threads:  both order as fast as they can, which no trading does: the most that waiting for the lock can cost
//
// Beside the shared one runs what a design without a lock could do with the 32 bits that JavaScript exchanges atomically.
import { Worker } from 'node:worker_threads';
import { assert } from '../src/base/assert.ts';
import { LEDGER_LIMITS_NONE, LocalLedger, type LedgerLimits } from '../src/trader/exposure_ledger.ts';
import { initializeSharedLedger, ledgerBytes, SharedLedger } from '../src/trader/shared_ledger.ts';
import { type BenchContext, type Benchmark, sizeOf } from './context.ts';
import { heapUseOf } from './harness/heap.ts';
import { runAlone, runPaired } from './harness/paired.ts';
import type { Row } from './harness/row.ts';
import { formatCount } from './harness/table.ts';
import { BOOKS, CounterLedger, orders } from './ledger_loops.ts';
import type { LedgerThreadData } from './ledger_thread.ts';
import { pinTo } from './pin.ts';
import { backOff, MATCHING_CORE } from './report_control.ts';
import { Control, State } from './two_threads.ts';

const ORDERS = 1_000_000;
const ORDERS_SMALL = 2_000;
const SEND_TIMES = 1_000;
const LIMITS: LedgerLimits = {
  ...LEDGER_LIMITS_NONE, positionMax: 1_000_000, positionTotalMax: 10_000_000, openOrdersMax: 1_000, portfolioValueMax: 1e12, stopLoss: 1e12,
};
const MONEY_PER_TICK = Array.from({ length: BOOKS }, () => 1);

function marked<Ledger extends { mark(book: number, mid2: number): void }>(ledger: Ledger): Ledger {
  for (let book = 0; book < BOOKS; book++) ledger.mark(book, 20_000);
  return ledger;
}

function newShared(): SharedArrayBuffer {
  const buffer = new SharedArrayBuffer(ledgerBytes(BOOKS, SEND_TIMES));
  initializeSharedLedger(buffer, 0, MONEY_PER_TICK, SEND_TIMES, LIMITS);
  marked(new SharedLedger(buffer, 0));
  return buffer;
}

function timed(work: () => number, count: number): number {
  const start = process.hrtime.bigint();
  const refused = work();
  const ns = Number(process.hrtime.bigint() - start);
  assert(refused === 0, 'no order is refused');
  return ns / count;
}

/** Another thread that orders at the same time. */
class SecondThread {
  readonly #control = new Int32Array(new SharedArrayBuffer(Control.Words * 4));
  readonly #worker: Worker;
  readonly #ended: Promise<unknown>;

  constructor(ledger: SharedArrayBuffer, counters: SharedArrayBuffer) {
    const workerData: LedgerThreadData = { control: this.#control, ledger, counters };
    this.#worker = new Worker(new URL('ledger_thread.ts', import.meta.url), { workerData });
    this.#ended = new Promise((resolve, reject) => {
      this.#worker.once('exit', resolve);
      this.#worker.once('error', reject);
    });
  }

  /** Nanoseconds an order and thread, both threads at it; `count` below zero: on the counters. */
  async run(count: number, work: () => number): Promise<number> {
    const control = this.#control;
    Atomics.store(control, Control.Records, count);
    Atomics.store(control, Control.State, State.Start);
    Atomics.notify(control, Control.State);
    while (Atomics.load(control, Control.State) === State.Start) await new Promise((resolve) => setImmediate(resolve));
    const unpin = pinTo(MATCHING_CORE);
    const ns = timed(() => {
      const refused = work();
      for (let turn = 0; Atomics.load(control, Control.State) === State.Running; turn++) backOff(control, turn >>> 5);
      return refused + Atomics.load(control, Control.Sum);
    }, Math.abs(count));
    unpin();
    return ns;
  }

  async close(): Promise<void> {
    Atomics.store(this.#control, Control.State, State.Stop);
    Atomics.notify(this.#control, Control.State);
    await this.#ended;
  }
}

async function run(context: BenchContext): Promise<Row[]> {
  const count = sizeOf(context, ORDERS, ORDERS_SMALL);
  context.progress(`ledger: ${formatCount(count)} orders`);
  const local = LocalLedger.create(MONEY_PER_TICK, SEND_TIMES);
  local.setLimits(LIMITS);
  marked(local);
  const buffer = newShared();
  const shared = new SharedLedger(buffer, 0);
  const counters = new SharedArrayBuffer(CounterLedger.bytes);
  const counter = new CounterLedger(counters);
  const second = new SecondThread(buffer, counters);
  const options = { pairs: context.pairs, warmups: 2 };
  const common = { unit: 'ns/op', boundary: 'TypeScript API', durability: 'none', small: context.small } as const;
  const rows: Row[] = [];
  try {
    const alone = await runAlone(() => timed(() => orders(local, count), count), { repetitions: context.pairs, warmups: 2 });
    const { bytes } = await heapUseOf(() => void orders(shared, count));
    const checks = [`${formatCount(count)} orders, none refused, all limits on, ${(bytes / count).toFixed(3)} B of heap an order`];
    rows.push({ ...common, name: 'ledger: reserve + release', figure: alone.median, statistic: `median of ${alone.samples} runs`, threads: '1', spread: alone, checks });
    const one = await runPaired(() => timed(() => orders(shared, count), count), () => timed(() => orders(counter, count), count), options);
    const against = 'three counters without a lock, not exact';
    rows.push({
      ...common, name: 'shared ledger: reserve + release', figure: one.a.median, statistic: `median of ${one.pairs} runs`, threads: '1', spread: one.a, checks,
      ratio: { ...one.ratio, against, pairs: one.pairs, otherMedian: one.b.median },
    });
    const two = await runPaired(() => second.run(count, () => orders(shared, count)), () => second.run(-count, () => orders(counter, count)), options);
    const view = shared.snapshot();
    assert(shared.read(view), 'the ledger is whole');
    assert(view.exposureTotal === 0 && view.openOrdersTotal === 0, 'every order was taken off again');
    rows.push({
      ...common, name: 'shared ledger: reserve + release, contended', figure: two.a.median, statistic: `median of ${two.pairs} runs`, threads: '2', spread: two.a,
      ratio: { ...two.ratio, against, pairs: two.pairs, otherMedian: two.b.median },
      checks: [`twice ${formatCount(count)} orders, none refused; nothing open and no exposure left`],
    });
    return rows;
  } finally {
    await second.close();
  }
}

export const ledgerBenchmark: Benchmark = {
  name: 'ledger', about: 'positions and limits of an engine: one thread, and shared by two', byDefault: true, run,
};
