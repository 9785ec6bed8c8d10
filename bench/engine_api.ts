// Add and cancel through the library: TradingEngine with its own books, its queue, risk, order manager and
// matching, on one thread.
//
//   call       the producer's call alone: one record handed in
//   told       from the call until what became of it was told, in turns of 64 inputs: queue, gates, risk, order
//              manager, matching core, outputs. 1,024 orders rest at 64 prices a side, then they are cancelled
//   placeOrder the promise, one at a time, on the event loop's thread
//
// The goal of an API whose add returns with the order in the book is that of bench/order_book.ts: here are queue,
// limits, positions, order states and events besides, for which nobody has published a figure.
//
// Every limit is on (the rate too, which is why event time moves two microseconds an order); nobody listens,
// so no event becomes an object. Checked: every order is accepted, every cancel takes its order out, none is open.
import { assert } from '../src/base/assert.ts';
import { ManualClock } from '../src/base/clock.ts';
import { EngineProducer } from '../src/engine/producer.ts';
import { Output } from '../src/engine/outputs.ts';
import { TradingEngine } from '../src/engine/trading_engine.ts';
import type { BenchContext, Benchmark } from './context.ts';
import { leastHeapPerOperation } from './harness/heap.ts';
import type { Row } from './harness/row.ts';
import { spreadOf } from './harness/statistics.ts';
import { formatCount } from './harness/table.ts';

const BATCH = 1_024;
const PRICES = 64;
const MID = 100_000;
const NS_AN_ORDER = 2_000;
const PROMISES = 20_000;
const HEAP_BYTES_MAX = 0.1;

class EngineUnderTest {
  readonly clock = new ManualClock();
  readonly engine: TradingEngine;
  readonly told = new Float64Array(16);
  #producer: EngineProducer | null = null;
  readonly #ids = new Float64Array(BATCH);

  constructor() {
    this.engine = new TradingEngine({
      loop: 'manual', clock: this.clock, instruments: [{ symbol: 'X', minPrice: 1, maxPrice: 2_000 }], ordersMax: 2 * BATCH,
      maxOrdersPerSecond: 1_000_000, maxPositionSize: 10_000_000, maxPortfolioValue: 10_000_000_000, collarTicks: 0,
      latencySampleEvery: 0,
    });
  }

  async start(): Promise<void> {
    await this.engine.start();
    this.#producer = new EngineProducer(this.engine.producer());
  }

  /** Records told are counted in the tap: no objects. */
  countTold(): void {
    this.engine.tap((view, at) => (this.told[view.getUint8(at)] += 1));
  }

  /** A batch of resting orders is handed in. */
  callAdds(): void {
    const producer = this.#producer!;
    const ids = this.#ids;
    for (let i = 0; i < BATCH; i++) {
      const side = i & 1 ? -1 : 1;
      ids[i] = producer.placeLimit(0, side, MID - side * (1 + (i * 7) % PRICES), 1 + (i & 63));
    }
  }

  callCancels(): void {
    const producer = this.#producer!;
    const ids = this.#ids;
    for (let i = 0; i < BATCH; i++) producer.cancel(ids[i]);
  }

  /** Turns until everything was told. */
  work(): void {
    const { engine, clock } = this;
    while (engine.poll(clock.nowNs) > 0);
  }

  round(): void {
    this.clock.advance(BATCH * NS_AN_ORDER);
    this.callAdds();
    this.work();
    this.callCancels();
    this.work();
  }
}

function timed(work: () => void): number {
  const start = process.hrtime.bigint();
  work();
  return Number(process.hrtime.bigint() - start) / BATCH;
}

/** Nanoseconds an operation of each part, a sample a batch. */
function measure(subject: EngineUnderTest, batches: number, warmups: number): Record<'addCall' | 'add' | 'cancelCall' | 'cancel', number[]> {
  const samples = { addCall: [] as number[], add: [] as number[], cancelCall: [] as number[], cancel: [] as number[] };
  for (let i = -warmups; i < batches; i++) {
    subject.clock.advance(BATCH * NS_AN_ORDER);
    const addCall = timed(() => subject.callAdds());
    const addWork = timed(() => subject.work());
    const cancelCall = timed(() => subject.callCancels());
    const cancelWork = timed(() => subject.work());
    if (i < 0) continue;
    samples.addCall.push(addCall);
    samples.add.push(addCall + addWork);
    samples.cancelCall.push(cancelCall);
    samples.cancel.push(cancelCall + cancelWork);
  }
  return samples;
}

/** A batch of each, every answer counted. */
function check(subject: EngineUnderTest): string {
  subject.countTold();
  subject.told.fill(0);
  subject.round();
  subject.engine.tap(null);
  assert(subject.told[Output.Accepted] === BATCH, 'every order is accepted');
  assert(subject.told[Output.Canceled] === BATCH, 'every cancel takes its order out');
  assert(subject.engine.stats().openOrders === 0, 'no order is left');
  subject.engine.checkInvariants();
  return `${formatCount(BATCH)} orders accepted and cancelled, each told, before and after`;
}

async function promises(context: BenchContext): Promise<Row> {
  const count = context.small ? 200 : PROMISES;
  const engine = new TradingEngine({ instruments: [{ symbol: 'X' }], maxOrdersPerSecond: 1_000_000, maxPositionSize: Infinity, maxPortfolioValue: Infinity });
  await engine.start();
  const samples: number[] = [];
  for (let i = 0; i < count; i++) {
    const start = process.hrtime.bigint();
    const { ok, orderId } = await engine.placeOrder({ symbol: 'X', side: 'buy', price: '100.25', quantity: 1 });
    samples.push(Number(process.hrtime.bigint() - start));
    assert(ok, 'an awaited order is accepted');
    if (i % 64 === 63) await engine.cancelAll();
    else assert(orderId > 0, 'an accepted order has a number');
  }
  await engine.stop();
  const spread = spreadOf(samples.slice(count / 10));
  return {
    name: 'engine: placeOrder, awaited', figure: spread.median, unit: 'ns/op', statistic: 'median, one at a time',
    boundary: 'TypeScript API', threads: '1', durability: 'none', spread, small: context.small,
    checks: [`${formatCount(count)} orders accepted`],
  };
}

const TRIED =
  'maps of order names with eight ids that count up to a cache line (add 30 % less), ring slots given back 4,096 at a ' +
  'time instead of one, books told only when their best prices may have changed, records that concern nobody not ' +
  'looked at. What is left lies flat over some sixty small functions: queue 100, core 42, risk and order manager 90, ' +
  'answers 80, trace of the requests 30 ns';

async function run(context: BenchContext): Promise<Row[]> {
  const batches = context.small ? 10 : 2_000;
  context.progress(`engine API: ${batches} batches of ${BATCH}`);
  const subject = new EngineUnderTest();
  await subject.start();
  const before = check(subject);
  const samples = measure(subject, batches, context.small ? 2 : 500);
  check(subject);
  const heap = await leastHeapPerOperation(() => subject.round(), 2 * BATCH, HEAP_BYTES_MAX);
  await subject.engine.stop();
  const row = (name: string, values: number[]): Row => {
    const spread = spreadOf(values);
    return {
      name, figure: spread.median, unit: 'ns/op', statistic: `median of batches of ${BATCH}`, boundary: 'TypeScript API',
      threads: '1', durability: 'none', spread, checks: [before], small: context.small, tried: TRIED,
    };
  };
  return [
    row('engine: add, the call', samples.addCall),
    row('engine: add, until told', samples.add),
    row('engine: cancel, the call', samples.cancelCall),
    row('engine: cancel, until told', samples.cancel),
    {
      name: 'engine: heap allocated', figure: heap, unit: 'B/op', statistic: 'least of rounds without a collection',
      boundary: 'TypeScript API', threads: '1', durability: 'none', small: context.small,
      goal: { relation: 'at most', value: HEAP_BYTES_MAX }, checks: [`${formatCount(2 * BATCH)} operations a round`],
    },
    await promises(context),
  ];
}

export const engineApi: Benchmark = {
  name: 'engine-api', about: 'add and cancel through TradingEngine', byDefault: true, run,
};
