// Fills, risk checks, marks and whole lives of orders allocate nothing: at most 0.1 byte each. Numbers
// are as large as they get: times and money beyond 32 bits, where an engine could box them.
import assert from 'node:assert/strict';
import { GCProfiler } from 'node:v8';
import { test } from 'node:test';
import { QTY_NONE, Tif } from '../book/types.ts';
import { ResponseType } from '../wire/generated/native.ts';
import { TraderInstruments, plainInstruments } from './instruments.ts';
import { OrderManager, type OrderSink } from './order_manager.ts';
import { PositionKeeper } from './position_keeper.ts';
import { RATE_MAX, RISK_LIMITS_DEFAULT, RiskGate, type RiskLimits } from './risk.ts';

const BYTES_MAX = 0.1;
const OPERATIONS = 200_000;
/**
 * Event times are made once a poll, not once an order: numbers beyond 32 bits that stand in their boxes
 * already. (The text keeps the array from holding them unboxed.)
 */
const TIMES: readonly (number | string)[] = ['none', ...Array.from({ length: 4096 }, (_, i) => 1.7e15 + i * 2e9)];
const INSTRUMENTS = new TraderInstruments(plainInstruments([1, 2, 3, 4]));
const BUY = 1;
const SELL = -1;

/** The least heap growth an operation of some undisturbed runs; runs with a collection do not count. */
function bytesPerOperation(operations: number, run: () => void): number {
  for (let i = 0; i < 3; i++) run();
  let least = Infinity;
  for (let attempt = 0; attempt < 8 && least > BYTES_MAX; attempt++) {
    const profiler = new GCProfiler();
    profiler.start();
    const before = process.memoryUsage().heapUsed;
    run();
    const bytes = process.memoryUsage().heapUsed - before;
    const collections = profiler.stop()?.statistics.length ?? 0;
    if (collections === 0) least = Math.min(least, bytes / operations);
  }
  return least;
}

for (const costing of ['vwap', 'fifo', 'lifo'] as const) {
  test(`fills and marks of a position allocate nothing: ${costing}`, () => {
    const keeper = new PositionKeeper(INSTRUMENTS, { costing, lotsMax: 64 });
    let turn = 0;
    const bytes = bytesPerOperation(OPERATIONS, () => {
      for (let i = 0; i < OPERATIONS / 2; i++) {
        turn++;
        const book = turn & 3;
        const qty = 1_000_000 + (turn % 7919);
        keeper.mark(book, 30_000_000 + (turn % 101));
        keeper.onFill(book, (turn & 31) < 16 ? BUY : SELL, 15_000_000 + (turn % 97), qty, 3);
      }
    });
    assert.ok(Math.abs(keeper.cash(0)) > 2 ** 32 && keeper.known(0));
    assert.ok(bytes <= BYTES_MAX, `${bytes} bytes an operation`);
  });
}

const LIMITS: RiskLimits = {
  ...RISK_LIMITS_DEFAULT, maxOrderQty: 10_000, maxPosition: 1_000_000, maxPositionTotal: 4_000_000, maxLoss: 10 ** 14,
  maxNotional: 10 ** 13, collarTicks: 50_000, maxPortfolioValue: 10 ** 14, stopLoss: 10 ** 14, ordersPerSecond: RATE_MAX,
};

test('risk checks, marks and reservations allocate nothing', () => {
  const positions = new PositionKeeper(INSTRUMENTS);
  const gate = new RiskGate(INSTRUMENTS, positions, LIMITS);
  let turn = 0;
  let refused = 0;
  const bytes = bytesPerOperation(OPERATIONS, () => {
    for (let i = 0; i < OPERATIONS / 4; i++) {
      turn++;
      const book = turn & 3;
      const nowNs = TIMES[1 + (turn & 4095)] as number;
      const price = 15_000_000 + (turn % 199);
      gate.setTop(book, price - 1, price + 1);
      if (gate.check(book, (turn & 4) === 0 ? BUY : SELL, price, 1 + (turn & 1023), nowNs) !== 0) refused++;
      gate.reserve(book, BUY, 100, price);
      gate.sent(nowNs);
      gate.release(book, BUY, 100);
    }
  });
  assert.equal(refused, 0);
  gate.checkInvariants();
  assert.ok(bytes <= BYTES_MAX, `${bytes} bytes an operation`);
});

/** Takes every request. */
class Taker implements OrderSink {
  requests = 0;

  newOrder(): boolean {
    this.requests++;
    return true;
  }

  cancel(): boolean {
    this.requests++;
    return true;
  }

  modify(): boolean {
    this.requests++;
    return true;
  }

  massCancel(): boolean {
    this.requests++;
    return true;
  }
}

test('orders from the request to the last response, and quotes, allocate nothing', () => {
  const positions = new PositionKeeper(INSTRUMENTS);
  const gate = new RiskGate(INSTRUMENTS, positions, LIMITS);
  const sink = new Taker();
  // Ids that fit 32 bits, as those of the first two billion orders do: a larger number that goes
  // through a call may be a box of 16 bytes each time.
  const orders = new OrderManager(INSTRUMENTS, gate, positions, sink, { firstOrderId: 1 });
  let told = 0;
  orders.listener = { onFill: () => told++, onStatus: () => told++ };
  for (let book = 0; book < 4; book++) gate.setTop(book, 14_999_999, 15_000_001);
  const turns = OPERATIONS / 16;
  let turn = 0;
  const bytes = bytesPerOperation(OPERATIONS, () => {
    for (let i = 0; i < turns; i++) {
      turn++;
      const book = turn & 3;
      const nowNs = TIMES[1 + (turn & 4095)] as number;
      const side = (turn & 4) === 0 ? BUY : SELL;
      const price = 15_000_000 + (turn & 63);
      const id = orders.send(book, side, price, 100, Tif.Gtc, nowNs);
      orders.onResponse(ResponseType.Accepted, book, id, side, price, 0, 100, nowNs);
      orders.onResponse(ResponseType.Filled, book, id, side, price, 40, 60, nowNs);
      orders.modify(id, price, 80, nowNs);
      orders.onResponse(ResponseType.Modified, book, id, side, price, 0, 80, nowNs);
      orders.cancel(id);
      orders.onResponse(ResponseType.Canceled, book, id, side, price, QTY_NONE, 80, nowNs);
      orders.quote(book, side, price, 50, nowNs);
      const quote = orders.quoteId(book, side);
      orders.onResponse(ResponseType.Accepted, book, quote, side, price, 0, 50, nowNs);
      orders.quote(book, side, price - side, 60, nowNs);
      orders.quote(book, side, price - 2 * side, 60, nowNs);
      orders.onResponse(ResponseType.Modified, book, quote, side, price - side, 0, 60, nowNs);
      orders.onResponse(ResponseType.Modified, book, quote, side, price - 2 * side, 0, 60, nowNs);
      orders.onResponse(ResponseType.Filled, book, quote, side, price - 2 * side, 60, 0, nowNs);
      orders.cancelAll(book);
      orders.poll(nowNs);
    }
  });
  assert.equal(orders.liveOrders, 0);
  assert.equal(sink.requests, turn * 6, 'nothing was refused');
  assert.ok(told > turn * 8 && orders.unexpected === 0);
  orders.checkInvariants();
  assert.ok(bytes <= BYTES_MAX, `${bytes} bytes an operation`);
});
