// Producers on other threads: real workers hand inputs into one engine.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { describe, test } from 'node:test';
import { Worker } from 'node:worker_threads';
import { TradingEngine } from '../../src/engine/trading_engine.ts';
import { EngineProducer } from '../../src/engine/producer.ts';
import type { ProducerHandle } from '../../src/engine/shared_state.ts';

const WORKERS = 10;
const ORDERS = Number(process.env['ENGINE_WORKER_ORDERS'] ?? 400);
const SCRIPT = new URL('./producer_worker.ts', import.meta.url);

interface Order {
  readonly kind: 'orders' | 'slow' | 'die';
  readonly handle: ProducerHandle;
  readonly worker: number;
  readonly orders: number;
  readonly book: number;
}

/** What a worker has handed in: ids placed and cancelled, refusals that it met and tried again. */
interface Done {
  readonly placed: number[];
  readonly cancelled: number[];
  readonly full: number;
}

async function run(engine: TradingEngine, order: Omit<Order, 'handle'>): Promise<Done> {
  const worker = new Worker(SCRIPT, { workerData: { ...order, handle: engine.producer() } satisfies Order });
  const [message] = (await Promise.race([
    once(worker, 'message'), once(worker, 'error').then(([error]) => Promise.reject(error as Error)),
  ])) as [Done];
  await worker.terminate();
  return message;
}

describe('producers in workers', () => {
  test(`${WORKERS} of them place and cancel: each order ends once, in its producer’s order, and positions are the sum of fills`, async () => {
    const engine = new TradingEngine({
      instruments: [{ symbol: 'X' }, { symbol: 'Y' }], maxOrdersPerSecond: 1_000_000, maxPositionSize: Infinity,
      maxPortfolioValue: Infinity, queue: { normalSlots: 256, urgentSlots: 64 }, venue: { kind: 'embedded', selfTrade: 'none' },
    });
    const ended = new Map<number, string>();
    const accepted: number[] = [];
    const sums = [0, 0];
    engine.on('accepted', ({ orderId }) => accepted.push(orderId));
    engine.on('canceled', ({ orderId, executed }) => {
      assert.ok(!ended.has(orderId), `order ${orderId} ends once`);
      ended.set(orderId, executed > 0 ? 'partly' : 'canceled');
    });
    engine.on('fill', ({ orderId, leaves, side, quantity, symbol }) => {
      sums[symbol === 'X' ? 0 : 1] += side === 'buy' ? quantity : -quantity;
      if (leaves > 0) return;
      assert.ok(!ended.has(orderId), `order ${orderId} ends once`);
      ended.set(orderId, 'filled');
    });
    await engine.start();
    const all = await Promise.all(Array.from({ length: WORKERS }, (_, worker) =>
      run(engine, { kind: 'orders', worker, orders: ORDERS, book: worker % 2 })));
    const report = await engine.stop({ policy: 'keep' });
    assert.deepEqual([report.complete, report.lost], [true, 0]);
    engine.checkInvariants();

    const placed = all.flatMap((done) => done.placed);
    assert.equal(placed.length, WORKERS * ORDERS);
    assert.equal(new Set(placed).size, placed.length, 'no id was given out twice');
    const open = new Set(engine.orders().map(({ orderId }) => orderId));
    for (const id of placed) assert.notEqual(ended.has(id), open.has(id), `order ${id} has ended or is open`);
    for (const { cancelled } of all) for (const id of cancelled) assert.ok(ended.has(id), `order ${id} was cancelled`);
    // Orders of one producer reach the venue in the order of its calls.
    const place = new Map(accepted.map((id, index) => [id, index]));
    for (const done of all) {
      const order = done.placed.map((id) => place.get(id)).filter((index) => index !== undefined);
      assert.deepEqual(order, order.toSorted((a, b) => a - b));
    }
    assert.deepEqual(engine.positions().map(({ quantity }) => quantity), sums);
    assert.ok(all.some(({ full }) => full > 0) || ORDERS * WORKERS < 256, 'the small queue has pushed back');
  });

  test('an input from a worker wakes an engine that sleeps', async () => {
    const engine = new TradingEngine({ instruments: [{ symbol: 'X' }], holdsProcess: true });
    await engine.start();
    const told = new Promise<number>((resolve) => engine.on('accepted', ({ orderId }) => resolve(orderId)));
    const done = await run(engine, { kind: 'slow', worker: 0, orders: 1, book: 0 });
    assert.equal(await told, done.placed[0]);
    await engine.stop();
  });

  test('an engine in a worker takes orders of this thread, and sleeps and wakes there', async () => {
    const worker = new Worker(new URL('./engine_worker.ts', import.meta.url));
    const told: string[] = [];
    const handle = await new Promise<ProducerHandle>((resolve, reject) => {
      worker.once('error', reject);
      worker.on('message', (message: ProducerHandle | string) => {
        if (typeof message === 'string') told.push(message);
        else resolve(message);
      });
    });
    const producer = new EngineProducer(handle);
    await new Promise((resolve) => setTimeout(resolve, 60));
    const id = producer.placeLimit(0, 1, 1_000, 5);
    while (told.length < 1) await new Promise((resolve) => setTimeout(resolve, 1));
    producer.cancel(id);
    while (told.length < 2) await new Promise((resolve) => setTimeout(resolve, 1));
    assert.deepEqual(told, [`accepted ${id}`, `canceled ${id}`]);
    worker.postMessage('stop');
    const [code] = (await once(worker, 'exit')) as [number];
    assert.equal(code, 0, 'the worker ends by itself');
  });

  test('a worker that dies amid an input stops nobody once it is retired', async () => {
    const engine = new TradingEngine({ instruments: [{ symbol: 'X' }], latencySampleEvery: 1 });
    await engine.start();
    const handle = engine.producer();
    const worker = new Worker(SCRIPT, { workerData: { kind: 'die', handle, worker: 0, orders: 3, book: 0 } satisfies Order });
    const [code] = (await once(worker, 'exit')) as [number];
    assert.equal(code, 9);
    const blocked = engine.placeOrder({ symbol: 'X', side: 'buy', price: 10, quantity: 1 });
    for (let ms = 0; engine.orders().length < 3 && ms < 10_000; ms++) await new Promise((resolve) => setTimeout(resolve, 1));
    assert.equal(engine.orders().length, 3, 'what it had handed in has taken effect');
    assert.equal(engine.retire(handle), 1);
    assert.ok((await blocked).ok);
    await engine.stop();
  });
});
