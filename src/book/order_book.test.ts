import assert from 'node:assert/strict';
import test from 'node:test';
import { OrderBook } from './order_book.ts';
import { Reason } from './types.ts';

test('orders rest, trade at the resting price, and leave', () => {
  const book = new OrderBook();
  assert.deepEqual(book.add({ id: 1, side: 'sell', price: '100.25', qty: 10 }).fills, []);
  const result = book.add({ id: 2, side: 'buy', price: 100.5, qty: 4 });
  assert.equal(result.ok, true);
  assert.deepEqual(result.fills, [{ makerId: 1n, takerId: 2n, price: '100.25', qty: 4 }]);
  assert.deepEqual(book.bestAsk, { price: '100.25', qty: 6n, orders: 1 });
  assert.equal(book.bestBid, null);
  assert.equal(book.cancel(1).ok, true);
  assert.equal(book.bestAsk, null);
  assert.deepEqual(
    (({ ok, reason, reasonText }) => ({ ok, reason, reasonText }))(book.cancel(1)),
    { ok: false, reason: Reason.UnknownOrder, reasonText: 'unknown order' },
  );
});

test('a smaller quantity keeps the place in the queue, a larger one loses it', () => {
  const book = new OrderBook();
  book.add({ id: 1, side: 'buy', price: 10, qty: 5 });
  book.add({ id: 2, side: 'buy', price: 10, qty: 5 });
  book.reduce(1, 2);
  assert.equal(book.add({ id: 3, side: 'sell', type: 'market', qty: 1 }).fills[0]?.makerId, 1n);
  book.replace(1, 10, 9);
  assert.equal(book.add({ id: 4, side: 'sell', type: 'market', qty: 1 }).fills[0]?.makerId, 2n);
  book.engine.checkInvariants();
});

test('stops, icebergs, post-only and self-trade prevention are there', () => {
  const book = new OrderBook({ stp: 'cancel-newest' });
  book.add({ id: 1, side: 'sell', price: 10, qty: 100, display: 10, owner: 1 });
  assert.deepEqual(book.bestAsk, { price: '10.00', qty: 10n, orders: 1 });
  assert.equal(book.add({ id: 2, side: 'buy', price: 10, qty: 1, postOnly: true }).reason, Reason.PostOnly);
  assert.equal(book.add({ id: 3, side: 'buy', price: 10, qty: 1, owner: 1 }).fills.length, 0);
  book.add({ id: 4, side: 'buy', type: 'stop', stopPrice: 10, qty: 2, owner: 2 });
  const result = book.add({ id: 5, side: 'buy', price: 10, qty: 1, owner: 3 });
  assert.deepEqual(result.fills.map((fill) => [fill.takerId, fill.qty]), [[5n, 1], [4n, 2]]);
});

test('ids of 64 bits, exact prices, depth and volume-weighted price', () => {
  const book = new OrderBook({ decimals: 2, tickSize: 5 });
  book.add({ id: '18446744073709551615', side: 'buy', price: '1.05', qty: 3 });
  book.add({ id: 2n ** 63n, side: 'buy', price: '1.00', qty: 1 });
  assert.deepEqual(book.depth(5).bids, [
    { price: '1.05', qty: 3n, orders: 1 }, { price: '1.00', qty: 1n, orders: 1 },
  ]);
  assert.deepEqual(book.vwap('sell', 4), { filled: 4n, averagePrice: 1.0375 });
  assert.deepEqual(book.vwap('buy', 4), { filled: 0n, averagePrice: null });
  assert.equal(book.cancel('18446744073709551615').ok, true);
});

test('decimals are a whole number up to 18', () => {
  // Taken as they came, the mistake showed with a price at the earliest.
  for (const decimals of [-1, 1.5, 19, NaN, Infinity]) {
    assert.throws(() => new OrderBook({ decimals }), {
      name: 'RangeError', message: `decimals must be a whole number 0 … 18, was ${decimals}`,
    });
  }
  for (const [decimals, text] of [[0, '2'], [18, '0.000000000000000002']] as const) {
    const book = new OrderBook({ decimals });
    book.add({ id: 1, side: 'buy', price: text, qty: 1 });
    assert.equal(book.bestBid?.price, text);
  }
});

test('malformed input says what was expected and what came', () => {
  const book = new OrderBook({ tickSize: 5 });
  const order = { id: 1, side: 'buy', price: '1.00', qty: 1 } as const;
  assert.throws(() => book.add({ ...order, price: '1.01' }), /multiple of 0.05, was 1.01/);
  assert.throws(() => book.add({ ...order, price: 'abc' }), /expected a decimal number such as 100.25, was "abc"/);
  assert.throws(() => book.add({ ...order, id: 2 ** 53 }), /id must be a whole number up to 2\^53/);
  assert.throws(() => book.add({ ...order, id: '-1' }), /decimal digits/);
  assert.throws(() => book.add({ ...order, qty: 1.5 }), /qty must be a whole number/);
  assert.throws(() => book.add({ id: 1, side: 'buy', qty: 1 }), /price: a limit order needs one/);
  assert.throws(() => book.add({ ...order, side: 'both' as 'buy' }), /side: expected buy, sell, was "both"/);
  assert.equal(book.add({ ...order, qty: 0 }).reason, Reason.Quantity);
});

// `add(null)` said "Cannot read properties of null", `cancel(undefined)` "Cannot convert undefined to a BigInt", and
// `type: 'constructor'` was an order type.
test('whatever a program without types hands in, the error says what was expected', () => {
  const odd: readonly unknown[] = [
    null, undefined, true, NaN, -1, 1.5, Infinity, 2 ** 60, '', ' ', 'x', '__proto__', 'constructor', -1n, 2n ** 70n,
    Symbol('s'), {}, [], Object.create(null), () => 1,
  ];
  const book = new OrderBook();
  const order = { id: 1, side: 'buy', price: '1.00', qty: 1 };
  const calls: readonly ((value: never) => unknown)[] = [
    (value) => new OrderBook(value),
    (value) => new OrderBook({ decimals: value }), (value) => new OrderBook({ tickSize: value }),
    (value) => new OrderBook({ ordersMax: value }), (value) => new OrderBook({ stp: value }), (value) => new OrderBook({ minPrice: value }),
    (value) => book.add(value), (value) => book.cancel(value), (value) => book.reduce(value, 1),
    (value) => book.reduce(1, value), (value) => book.replace(value, '1', 1), (value) => book.replace(1, value, 1),
    (value) => book.replace(1, '1', value), (value) => book.vwap(value, 1), (value) => book.vwap('buy', value),
    (value) => book.depth(value), (value) => book.ticks(value), (value) => book.engine.submit(value),
    ...Object.keys({ ...order, type: 0, tif: 0, stopPrice: 0, display: 0, minQty: 0, owner: 0, stp: 0 })
      .map((key) => (value: never) => book.add({ ...order, [key]: value } as never)),
  ];
  let refused = 0;
  for (const call of calls) {
    for (const value of odd) {
      try {
        call(value as never);
      } catch (error) {
        refused++;
        assert.ok(error instanceof RangeError || error instanceof TypeError, String(error));
        assert.match(error.message, /(expected|must be|needs one).*|was /);
        assert.doesNotMatch(error.message, /Cannot|is not a function|undefined \(reading/, call.toString());
      }
    }
  }
  assert.ok(refused > 200, `${refused} refused`);
  assert.throws(() => book.add(null as never), { name: 'TypeError', message: 'add: expected an order { id, side, price, qty, … }, was null' });
  assert.throws(() => book.cancel(null as never), { name: 'RangeError', message: 'id: expected a whole number, text or a bigint, was null' });
  assert.throws(() => book.vwap('bye' as 'buy', 1), { message: 'side: expected buy, sell, was "bye"' });
});
