// One set of limits for the order managers of several threads: a ledger behind their risk gates. Each of them
// trades with a naive exchange of its own (order_manager_model.fuzz.ts: delays, lost requests, broken
// connections); whatever is in flight at any of them, all together stay within the ledger's limits, and the
// ledger has exactly what they have. SHARED_LIMITS_SEEDS: how many runs.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Worker } from 'node:worker_threads';
import { Reason, Side, Tif } from '../book/types.ts';
import { ResponseType } from '../wire/generated/native.ts';
import { LEDGER_LIMITS_NONE, LocalLedger, type LedgerLimits } from './exposure_ledger.ts';
import { plainInstruments, TraderInstruments } from './instruments.ts';
import { Run } from './order_manager_model.fuzz.ts';
import { OrderManager } from './order_manager.ts';
import { PositionKeeper } from './position_keeper.ts';
import { LIMIT_NONE, RISK_LIMITS_DEFAULT, RiskGate } from './risk.ts';
import { initializeSharedLedger, ledgerBytes, SharedLedger } from './shared_ledger.ts';
import { RunnerState, StrategyRunner } from './strategy_runner.ts';
import type { LedgerView } from './exposure_ledger.ts';
import type { OrderSink } from './order_manager.ts';
import type { Desk } from './strategies/strategy.ts';

const SEEDS = Number(process.env['SHARED_LIMITS_SEEDS'] ?? 20);
const STEPS = 400;
const BOOKS = 2;
const SEND_TIMES = 100;
const MONEY_PER_TICK = [1, 1];
const TWO = new TraderInstruments(plainInstruments([1, 2]));

/** Tighter than the limits of the runs, which differ by their seeds. */
function limitsOf(seed: number): LedgerLimits {
  return {
    ...LEDGER_LIMITS_NONE, positionMax: 15 + (seed % 40), positionTotalMax: 25 + (seed % 50), openOrdersMax: 4 + (seed % 12),
  };
}

function assertWithin(view: LedgerView, limits: LedgerLimits): void {
  for (let book = 0; book < BOOKS; book++) assert.ok(view.exposure(book) <= limits.positionMax, `${view.exposure(book)} of ${limits.positionMax}`);
  assert.ok(view.exposureTotal <= limits.positionTotalMax, `${view.exposureTotal} of ${limits.positionTotalMax}`);
}

function assertSums(view: LedgerView, runs: readonly Run[]): void {
  const sum = (part: (run: Run) => number): number => runs.reduce((total, run) => total + part(run), 0);
  for (let book = 0; book < BOOKS; book++) {
    assert.equal(view.position(book), sum((run) => run.positions.position(book)), 'positions');
    assert.equal(view.cash(book), sum((run) => run.positions.cash(book)), 'cash');
    assert.equal(view.openBuyQty(book), sum((run) => run.gate.openQty(book, Side.Buy)), 'open buys');
    assert.equal(view.openSellQty(book), sum((run) => run.gate.openQty(book, Side.Sell)), 'open sells');
    assert.equal(view.openOrders(book), sum((run) => run.gate.openOrders(book)), 'open orders');
  }
}

/** Three clients in turns. */
function threeClients(seed: number, manager: typeof OrderManager = OrderManager): { sent: number; fills: number } {
  const ledger = LocalLedger.create(MONEY_PER_TICK, SEND_TIMES);
  const limits = limitsOf(seed);
  ledger.setLimits(limits);
  const runs = [0, 1, 2].map((i) => new Run(1_000 * seed + i, { ledger, manager }));
  for (let step = 0; step < STEPS; step++) {
    for (const run of runs) run.step();
    assertWithin(ledger.view, limits);
    assertSums(ledger.view, runs);
  }
  for (const run of runs) run.finish();
  assertSums(ledger.view, runs);
  assert.equal(ledger.view.openOrdersTotal, 0);
  return {
    sent: runs.reduce((total, run) => total + run.sent, 0), fills: runs.reduce((total, run) => total + run.fills, 0),
  };
}

test(`three clients behind one ledger, ${SEEDS} runs: together within its limits, and it has what they have`, () => {
  let [sent, fills] = [0, 0];
  for (let seed = 1; seed <= SEEDS; seed++) {
    const run = threeClients(seed);
    sent += run.sent;
    fills += run.fills;
  }
  assert.ok(sent > 20 * SEEDS && fills > 20 * SEEDS, `${sent} sent, ${fills} fills`);
});

test('found when planted: a client that does not tell the ledger', () => {
  class Silent extends OrderManager {
    constructor(...[instruments, gate, positions, sink, options]: ConstructorParameters<typeof OrderManager>) {
      super(instruments, Object.defineProperty(gate, 'ledger', { value: null }), positions, sink, options);
    }
  }
  assert.throws(() => threeClients(1, Silent), /positions|open buys|open sells/);
});

// ── threads ──────────────────────────────────────────────────────────────────────────────────

const THREADS = 4;

test('four threads with a client each, looked at meanwhile: never beyond the limits, in the end exact', async () => {
  const buffer = new SharedArrayBuffer(ledgerBytes(BOOKS, SEND_TIMES));
  const limits = limitsOf(7);
  initializeSharedLedger(buffer, 0, MONEY_PER_TICK, SEND_TIMES, limits);
  const script = `
    import { parentPort, workerData } from 'node:worker_threads';
    import { Run } from '${new URL('./order_manager_model.fuzz.ts', import.meta.url).href}';
    import { SharedLedger } from '${new URL('./shared_ledger.ts', import.meta.url).href}';
    const { buffer, seed } = workerData;
    const run = new Run(seed, { ledger: new SharedLedger(buffer, 0, 60_000) });
    run.run(3_000);
    const books = [0, 1].map((book) => [run.positions.position(book), run.positions.cash(book)]);
    parentPort.postMessage({ sent: run.sent, fills: run.fills, books });`;
  interface Told { sent: number; fills: number; books: [number, number][] }
  const threads = Array.from({ length: THREADS }, (_, i) => {
    const worker = new Worker(new URL(`data:text/javascript,${encodeURIComponent(script)}`), { workerData: { buffer, seed: 11 + i } });
    return new Promise<Told>((resolve, reject) => worker.once('message', resolve).once('error', reject));
  });
  let running = true;
  const all = Promise.all(threads).finally(() => (running = false));
  all.catch(() => {});
  const ledger = new SharedLedger(buffer, 0, 60_000);
  const view = ledger.snapshot();
  while (running) {
    assert.ok(ledger.read(view), 'the ledger is whole');
    assertWithin(view, limits);
    await new Promise((resolve) => setImmediate(resolve));
  }
  const told = await all;
  assert.ok(ledger.read(view));
  for (const { sent, fills } of told) assert.ok(sent > 20 && fills > 10, `a client: ${sent} sent, ${fills} fills`);
  for (let book = 0; book < BOOKS; book++) {
    assert.equal(view.position(book), told.reduce((total, { books }) => total + books[book][0], 0));
    assert.equal(view.cash(book), told.reduce((total, { books }) => total + books[book][1], 0));
    assert.deepEqual([view.openBuyQty(book), view.openSellQty(book), view.openOrders(book)], [0, 0, 0]);
  }
});

// ── one client's view of it ──────────────────────────────────────────────────────────────────

/** Takes everything and answers nothing. */
class Silence implements OrderSink {
  readonly taken: string[] = [];
  full = false;

  newOrder(_book: number, id: number, _side: number, ticks: number, qty: number): boolean {
    return this.#take(`new ${id} ${qty} @ ${ticks}`);
  }

  cancel(_book: number, id: number): boolean {
    return this.#take(`cancel ${id}`);
  }

  modify(_book: number, id: number, _side: number, ticks: number, qty: number): boolean {
    return this.#take(`modify ${id} to ${qty} @ ${ticks}`);
  }

  massCancel(): boolean {
    return this.#take('mass cancel');
  }

  #take(request: string): boolean {
    if (!this.full) this.taken.push(request);
    return !this.full;
  }
}

function client(ledger: LocalLedger): { orders: OrderManager; sink: Silence; positions: PositionKeeper } {
  const positions = new PositionKeeper(TWO);
  const gate = new RiskGate(TWO, positions, { ...RISK_LIMITS_DEFAULT, maxLoss: LIMIT_NONE }, { ledger });
  gate.setTop(0, 99, 101);
  const sink = new Silence();
  return { orders: new OrderManager(TWO, gate, positions, sink), sink, positions };
}

test('what the ledger refuses is not sent; what the sink refuses is taken back', () => {
  const ledger = LocalLedger.create(MONEY_PER_TICK, SEND_TIMES);
  ledger.setLimits({ ...LEDGER_LIMITS_NONE, positionMax: 50 });
  const [one, other] = [client(ledger), client(ledger)];
  assert.equal(one.orders.send(0, Side.Buy, 100, 40, Tif.Gtc, 0), 1);
  assert.equal(other.orders.send(0, Side.Buy, 100, 20, Tif.Gtc, 0), -Reason.Position);
  assert.equal(other.orders.liveOrders, 0);
  assert.equal(other.orders.nextOrderId, 1, 'no id is used');
  other.sink.full = true;
  assert.equal(other.orders.send(0, Side.Buy, 100, 10, Tif.Gtc, 0), -Reason.Capacity);
  assert.equal(ledger.view.openBuyQty(0), 40);
  other.sink.full = false;

  // A quote is placed, may not grow, and what refuses its move withdraws it.
  assert.equal(other.orders.quote(0, Side.Buy, 99, 10, 0), Reason.None);
  other.orders.onResponse(ResponseType.Accepted, 0, 1, Side.Buy, 99, 0, 10, 0);
  assert.equal(other.orders.modify(1, 99, 11, 0), Reason.Position);
  assert.equal(other.orders.quote(0, Side.Buy, 98, 30, 0), Reason.Position);
  assert.deepEqual(other.sink.taken, ['new 1 10 @ 99', 'cancel 1']);
  assert.equal(ledger.view.openBuyQty(0), 50);
  other.orders.checkInvariants();
});

test('too fast for the ledger: a quote is put off and goes out later', () => {
  const ledger = LocalLedger.create(MONEY_PER_TICK, SEND_TIMES);
  ledger.setLimits({ ...LEDGER_LIMITS_NONE, ordersPerSecond: 1 });
  const [one, other] = [client(ledger), client(ledger)];
  assert.equal(one.orders.send(0, Side.Buy, 100, 1, Tif.Gtc, 0), 1);
  assert.equal(other.orders.quote(0, Side.Buy, 99, 10, 1), Reason.Rate);
  other.orders.poll(2);
  assert.deepEqual(other.sink.taken, []);
  other.orders.poll(1e9);
  assert.deepEqual(other.sink.taken, ['new 1 10 @ 99']);
});

test('a position from before the start is in the ledger, at its cost', () => {
  const ledger = LocalLedger.create(MONEY_PER_TICK, SEND_TIMES);
  const { orders, positions } = client(ledger);
  positions.onFill(0, Side.Sell, 120, 7);
  positions.onFill(1, Side.Buy, 50, 3);
  positions.onFill(1, Side.Sell, 55, 3); // flat, with a profit
  const gate = new RiskGate(TWO, positions, RISK_LIMITS_DEFAULT, { ledger });
  for (const book of [0, 1]) gate.restored(book);
  assert.deepEqual([ledger.view.position(0), ledger.view.cash(0)], [-7, 840]);
  assert.deepEqual([ledger.view.position(1), ledger.view.cash(1)], [0, 15]);
  orders.restore(9, 0, Side.Buy, 90, 0, 5);
  assert.equal(ledger.view.openBuyQty(0), 5);
});

test('a kill and a stop loss of the ledger halt every runner at its next turn', () => {
  const ledger = LocalLedger.create(MONEY_PER_TICK, SEND_TIMES);
  ledger.setLimits({ ...LEDGER_LIMITS_NONE, stopLoss: 100 });
  const market = { bidTicks: 99, bidQty: 10, askTicks: 101, askQty: 10, readTop: () => {}, depthQty: () => 0 };
  const running = (): { runner: StrategyRunner; sink: Silence } => {
    const sink = new Silence();
    const strategy = { name: 'bids', onMarketData: (book: number, desk: Desk) => void desk.quote(book, Side.Buy, 99, 1) };
    const runner = new StrategyRunner({
      instruments: TWO, market, limits: RISK_LIMITS_DEFAULT, strategy, sink, ledger, markWithLast: true,
    });
    runner.start(1);
    runner.onConnected(true, 1);
    runner.onFresh(true, 1);
    return { runner, sink };
  };
  const [one, other] = [running(), running()];
  assert.deepEqual(other.sink.taken, ['new 1 1 @ 99', 'new 2 1 @ 99']);
  ledger.kill();
  for (const { runner, sink } of [one, other]) {
    runner.poll(2);
    assert.equal(runner.state, RunnerState.Paused);
    assert.equal(sink.taken.at(-1), 'mass cancel');
  }
  ledger.reset();
  for (const { runner } of [one, other]) {
    runner.risk.reset();
    runner.resume(3);
    assert.equal(runner.state, RunnerState.Running);
  }
  // The loss of one of them.
  one.runner.onResponse(ResponseType.Filled, 0, 1, Side.Buy, 300, 1, 0, 4);
  assert.equal(ledger.stopLossHit, true);
  other.runner.poll(5);
  assert.deepEqual([other.runner.state, other.runner.risk.stopLossHit], [RunnerState.Paused, true]);
});
