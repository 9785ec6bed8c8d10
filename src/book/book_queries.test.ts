// Orders of a price in queue order, and where an order stands, told as objects.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MatchingEngine } from './matching_engine.ts';
import { Cmd, OrderType } from './types.ts';

function engineWith(): MatchingEngine {
  return new MatchingEngine({ instruments: [{ minPrice: -100, maxPrice: 100 }, { minPrice: 1, maxPrice: 1_000 }], ordersMax: 100 }, { variant: 'core.checked' });
}

test('a queue has its orders from front to back, shown and hidden, on either side and below zero', () => {
  const engine = engineWith();
  const rest = (id: number, side: number, price: number, qty: number, more = {}): void =>
    void engine.submit({ type: Cmd.New, client: 7, id: BigInt(id), side, price, qty, ...more });
  for (const price of [-5, -6, -4]) for (let i = 0; i < 3; i++) rest(100 - price * 10 + i, 1, price, 10 + i);
  rest(1, -1, 3, 50, { display: 20 });
  rest(2, -1, 3, 5);
  rest(3, -1, 4, 6);
  assert.deepEqual(engine.queue(0, 1, -5).map(({ id, qty }) => [id, qty]), [[150n, 10], [151n, 11], [152n, 12]]);
  assert.deepEqual(engine.queue(0, -1, 3).map(({ client, id, qty, hidden }) => [client, id, qty, hidden]), [[7, 1n, 20, 30], [7, 2n, 5, 0]]);
  assert.deepEqual(engine.queue(0, -1, 4).map(({ id }) => id), [3n]);
  for (const [book, side, price] of [[0, 1, -7], [0, -1, -5], [1, 1, -5]] as const) assert.deepEqual(engine.queue(book, side, price), []);
  engine.submit({ type: Cmd.New, client: 8, id: 9n, side: 1, price: 3, qty: 22 });
  // What was shown of the first is gone, the next has traded two, and the first stands behind it anew.
  assert.deepEqual(engine.queue(0, -1, 3).map(({ id, qty, hidden, executed }) => [id, qty, hidden, executed]), [[2n, 3, 0, 2], [1n, 20, 10, 20]]);
  assert.throws(() => engine.queue(2, 1, 5), /instrument index must be 0 … 1, was 2/);
});

test('an order says book, side and price; a stop the price at which it triggers', () => {
  const engine = engineWith();
  engine.submit({ type: Cmd.New, client: 1, book: 1, id: 2n ** 60n, side: -1, price: 900, qty: 4 });
  for (const [id, side, stopPrice] of [[10n, 1, 40], [11n, -1, -40]] as const)
    engine.submit({ type: Cmd.New, client: 1, id, side, orderType: OrderType.StopLimit, price: stopPrice, stopPrice, qty: 3 });
  const { book, side, price, qty, isStop, executed } = engine.order(1, 2n ** 60n)!;
  assert.deepEqual([book, side, price, qty, isStop, executed], [1, -1, 900, 4, false, 0]);
  assert.deepEqual([10n, 11n].map((id) => engine.order(1, id)!).map((stop) => [stop.book, stop.side, stop.price, stop.isStop]), [[0, 1, 40, true], [0, -1, -40, true]]);
  assert.equal(engine.order(2, 10n), null);
  engine.submit({ type: Cmd.Cancel, client: 1, id: 10n });
  assert.equal(engine.order(1, 10n), null);
});
