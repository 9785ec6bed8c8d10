// Orders through the library: every kind, what becomes of it, and how it is told.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Reason } from '../../src/book/types.ts';
import { EngineRig } from './engine_rig.ts';

/** Both sides of X at 99 and 101, ten lots each. */
async function quoted(config = {}): Promise<EngineRig> {
  const rig = await EngineRig.start(config);
  rig.engine.submitMarketData({ type: 'quote', symbol: 'X', bid: '99', bidQuantity: 10, ask: '101', askQuantity: 10 });
  rig.turn();
  rig.take();
  return rig;
}

describe('placing orders', () => {
  test('the quick start, as its configuration is written', async () => {
    const rig = await EngineRig.start({
      maxOrdersPerSecond: 100_000, maxPositionSize: 1_000_000, maxPortfolioValue: 10_000_000, stopLossPercentage: 0.02,
    });
    const { engine } = rig;
    const order = await rig.answer(engine.placeOrder({ symbol: 'BTC-USDT', side: 'buy', price: '50000.0', quantity: 100 }));
    assert.deepEqual(
      [order.ok, order.orderId, order.status, order.leaves, order.reason, order.executions.length], [true, 1, 'accepted', 100, 0, 0],
    );
    assert.deepEqual(rig.take(), [
      'declared BTC-USDT', 'accepted #1 BTC-USDT buy 100 @ 50000.00', 'book BTC-USDT 100 @ 50000.00 / 0 @ null',
    ]);
    assert.deepEqual(engine.orders().map(({ orderId, price, quantity, status }) => [orderId, price, quantity, status]), [
      [1, '50000.00', 100, 'live'],
    ]);
    await rig.stop();
  });

  test('an order that crosses is answered with its executions', async () => {
    const rig = await quoted();
    const order = await rig.answer(rig.engine.placeOrder({ symbol: 'X', side: 'buy', price: 101, quantity: 4 }));
    assert.equal(order.status, 'filled');
    assert.deepEqual(order.executions.map(({ price, volume }) => [price, volume]), [['101.00', 4]]);
    assert.deepEqual(rig.take(), [
      'accepted #1 X buy 4 @ 101.00', 'trade X buy 4 @ 101.00', 'fill #1 X buy 4 @ 101.00 leaves 0 executed 4',
      'book X 10 @ 99.00 / 6 @ 101.00',
    ]);
    await rig.stop();
  });

  test('a rest stays: partially filled', async () => {
    const rig = await quoted();
    const order = await rig.answer(rig.engine.placeOrder({ symbol: 'X', side: 'buy', price: 101, quantity: 14 }));
    assert.deepEqual([order.status, order.executed, order.leaves], ['partially-filled', 10, 4]);
    assert.equal(rig.engine.order(order.orderId)?.quantity, 4);
    await rig.stop();
  });

  test('market, IOC and FOK are answered when they are done', async () => {
    const rig = await quoted();
    const { engine } = rig;
    const market = await rig.answer(engine.placeOrder({ symbol: 'X', side: 'buy', quantity: 4 }));
    assert.deepEqual([market.status, market.executed], ['filled', 4]);
    const ioc = await rig.answer(engine.placeOrder({ symbol: 'X', side: 'buy', price: 101, quantity: 20, tif: 'ioc' }));
    assert.deepEqual([ioc.status, ioc.executed, ioc.leaves, ioc.reasonText], ['partially-filled', 6, 0, 'cannot fill']);
    const fok = await rig.answer(engine.placeOrder({ symbol: 'X', side: 'sell', price: 99, quantity: 11, tif: 'fok' }));
    assert.deepEqual([fok.ok, fok.status, fok.reason], [false, 'rejected', Reason.CannotFill]);
    const nothing = await rig.answer(engine.placeOrder({ symbol: 'X', side: 'buy', price: 100, quantity: 1, tif: 'ioc' }));
    assert.deepEqual([nothing.ok, nothing.status, nothing.executed], [true, 'canceled', 0]);
    await rig.stop();
  });

  test('a market order without anybody on the other side has no price to be judged by: 25', async () => {
    const rig = await EngineRig.start();
    const order = await rig.answer(rig.engine.placeOrder({ symbol: 'X', side: 'buy', quantity: 4 }));
    assert.deepEqual([order.ok, order.reason], [false, Reason.StaleMarketData]);
    assert.deepEqual(rig.take().slice(1), ['rejected #1 X buy 4 @ null (25 stale or unknown market data, risk)']);
    await rig.stop();
  });

  test('post-only, iceberg and minimum quantity', async () => {
    const rig = await quoted();
    const { engine } = rig;
    const crossing = await rig.answer(engine.placeOrder({ symbol: 'X', side: 'buy', price: 101, quantity: 1, postOnly: true }));
    assert.deepEqual([crossing.ok, crossing.reason], [false, Reason.PostOnly]);
    assert.ok((await rig.answer(engine.placeOrder({ symbol: 'X', side: 'buy', price: 100, quantity: 1, postOnly: true }))).ok);
    assert.ok((await rig.answer(engine.placeOrder({ symbol: 'X', side: 'sell', price: 102, quantity: 50, displayQuantity: 5 }))).ok);
    assert.deepEqual(engine.book('X', 2).asks.map(({ price, qty }) => [price, qty]), [['101.00', 10n], ['102.00', 5n]]);
    const minimum = await rig.answer(engine.placeOrder({ symbol: 'X', side: 'buy', price: 101, quantity: 20, minQuantity: 11 }));
    assert.deepEqual([minimum.ok, minimum.reason], [false, Reason.CannotFill]);
    await rig.stop();
  });

  test('a stop waits, triggers on a trade, and enters', async () => {
    const rig = await quoted();
    const { engine } = rig;
    const stop = await rig.answer(engine.placeOrder({ symbol: 'X', side: 'buy', stopPrice: 101, quantity: 3 }));
    assert.equal(stop.status, 'accepted');
    rig.take();
    await rig.answer(engine.placeOrder({ symbol: 'X', side: 'buy', price: 101, quantity: 1, tif: 'ioc' }));
    assert.deepEqual(rig.take().filter((line) => line.startsWith('fill')), [
      'fill #2 X buy 1 @ 101.00 leaves 0 executed 1', 'fill #1 X buy 3 @ 101.00 leaves 0 executed 3',
    ]);
    const limited = await rig.answer(engine.placeOrder({ symbol: 'X', side: 'sell', stopPrice: 95, price: '94.5', quantity: 3 }));
    assert.deepEqual([limited.ok, limited.status], [true, 'accepted']);
    assert.deepEqual(rig.take(), ['accepted #3 X sell 3 @ 94.50']);
    await rig.stop();
  });

  test('a name of one’s own, up to 2^64 − 1', async () => {
    const rig = await EngineRig.start();
    const { engine } = rig;
    const order = { symbol: 'X', side: 'buy', price: 10, quantity: 1 } as const;
    await rig.answer(engine.placeOrder({ ...order, clientOrderId: 7 }));
    await rig.answer(engine.placeOrder({ ...order, clientOrderId: '18446744073709551615' }));
    assert.deepEqual(rig.take().slice(1).filter((line) => line.startsWith('accepted')), [
      'accepted #1 "7" X buy 1 @ 10.00', 'accepted #2 "18446744073709551615" X buy 1 @ 10.00',
    ]);
    const again = await rig.answer(engine.placeOrder({ ...order, clientOrderId: 7n }));
    assert.deepEqual([again.ok, again.reason], [false, Reason.DuplicateId]);
    assert.equal(engine.order({ clientOrderId: 7 })?.orderId, 1);
    assert.ok((await rig.answer(engine.cancelOrder({ clientOrderId: 7 }))).ok);
    assert.ok((await rig.answer(engine.placeOrder({ ...order, clientOrderId: 7 }))).ok, 'free again when its order has ended');
    await rig.stop();
  });

  const MALFORMED: readonly (readonly [object, RegExp])[] = [
    [{ side: 'hold' }, /side: expected buy or sell, was "hold"/],
    [{ quantity: 0 }, /quantity: expected a whole number 1 … 4294967294, was 0/],
    [{ quantity: 1.5 }, /quantity: expected a whole number .* was 1.5/],
    [{ price: '10.005' }, /price of X: expected at most 2 decimals, was "10.005"/],
    [{ price: 'ten' }, /price of X: expected a decimal number such as 100.25, was "ten"/],
    [{ price: '30000000' }, /price of X: expected within 2147483647 ticks of 0, was 30000000/],
    [{ type: 'limit', price: undefined }, /price: a limit order needs one, was undefined/],
    [{ type: 'stop' }, /stopPrice: a stop order needs one, was undefined/],
    [{ tif: 'gtd' }, /tif: expected gtc, day, ioc, fok, was "gtd"/],
    [{ type: 'toString' }, /type: expected limit, market, stop, stop-limit, was "toString"/],
    [{ clientOrderId: -1 }, /clientOrderId: expected a whole number/],
    [{ clientOrderId: 2 ** 53 }, /clientOrderId: expected a whole number up to 2\^53 − 1/],
    [{ clientOrderId: '18446744073709551616' }, /clientOrderId: expected/],
  ];
  test('a malformed order throws and says what was expected', async () => {
    const rig = await EngineRig.start();
    for (const [wrong, message] of MALFORMED) {
      const request = { symbol: 'X', side: 'buy', price: '10', quantity: 1, ...wrong } as never;
      assert.throws(() => rig.engine.tryPlaceOrder(request), message);
      await assert.rejects(rig.engine.placeOrder(request), message);
    }
    rig.turn();
    assert.deepEqual(rig.take(), ['declared X'], 'and nothing was handed in');
    await rig.stop();
  });

  // These were TypeErrors of the engine's own code, and `qty` was left out in silence.
  test('what is no order, no reference or has a misspelt key throws and says what was expected', async () => {
    const rig = await EngineRig.start();
    const { engine } = rig;
    for (const [wrong, message] of [
      [null, /^RangeError: order: expected an object, was null$/],
      [undefined, /^RangeError: order: expected an object, was undefined$/],
      ['buy', /^RangeError: order: expected an object, was "buy"$/],
      [{ symbol: 'X', side: 'buy', price: '10', qty: 1 }, /^RangeError: order: expected only the keys symbol, .*, was "qty" too$/],
    ] as const) {
      assert.throws(() => engine.tryPlaceOrder(wrong as never), message);
      await assert.rejects(engine.placeOrder(wrong as never), message);
    }
    for (const wrong of ['x', null, undefined, true, {}, 0, NaN, { orderId: 'x' }] as never[]) {
      const message = /^RangeError: order: expected the number of an order, or \{ clientOrderId \}, was /;
      assert.throws(() => engine.tryCancelOrder(wrong), message);
      await assert.rejects(engine.cancelOrder(wrong), message);
      await assert.rejects(engine.modifyOrder(wrong, { price: '10' }), message);
      assert.throws(() => engine.order(wrong), message);
    }
    await assert.rejects(engine.modifyOrder(1, null as never), /^RangeError: changes: expected an object, was null$/);
    await assert.rejects(engine.modifyOrder(1, { qty: 1 } as never), /^RangeError: changes: expected only the keys .*, was "qty" too$/);
    rig.turn();
    assert.deepEqual(rig.take(), [], 'and nothing was handed in');
    await rig.stop();
  });

  test('symbols: declared ones with their grid, others by their first use, none beyond the room', async () => {
    const rig = await EngineRig.start({
      instruments: [{ symbol: 'ES', decimals: 2, tickSize: '0.25', lotSize: 5, minPrice: 100, maxPrice: 200 }], instrumentsMax: 2,
    });
    const { engine } = rig;
    assert.deepEqual(engine.instrument('ES'), { symbol: 'ES', book: 0, decimals: 2, tickSize: '0.25', lotSize: 5 });
    assert.throws(() => engine.tryPlaceOrder({ symbol: 'ES', side: 'buy', price: '150.10', quantity: 5 }),
      /price of ES: expected a multiple of 0.25, was 150.10/);
    const place = (price: string, quantity: number) => rig.answer(engine.placeOrder({ symbol: 'ES', side: 'buy', price, quantity }));
    assert.equal((await place('150.25', 6)).reason, Reason.Quantity, 'lots');
    assert.equal((await place('99.75', 5)).reason, Reason.Price, 'range');
    assert.ok((await place('150.25', 5)).ok);
    assert.equal(engine.instrument('NEW'), null);
    assert.ok((await rig.answer(engine.placeOrder({ symbol: 'NEW', side: 'buy', price: 1, quantity: 1 }))).ok);
    assert.equal((await rig.answer(engine.placeOrder({ symbol: 'ANOTHER', side: 'buy', price: 1, quantity: 1 }))).reason, Reason.UnknownTicker);
    assert.equal(engine.tryPlaceOrder({ symbol: 'not a symbol', side: 'buy', price: 1, quantity: 1 }), -Reason.UnknownTicker);
    await rig.stop();
    const strict = await EngineRig.start({ defaultInstrument: null });
    assert.equal(strict.engine.tryPlaceOrder({ symbol: 'X', side: 'buy', price: 1, quantity: 1 }), -Reason.UnknownTicker);
    await strict.stop();
  });
});

describe('changing and taking out', () => {
  test('a modify keeps what is left out; the quantity is what is to be open', async () => {
    const rig = await quoted();
    const { engine } = rig;
    const { orderId } = await rig.answer(engine.placeOrder({ symbol: 'X', side: 'sell', price: 103, quantity: 10 }));
    rig.take();
    const fewer = await rig.answer(engine.modifyOrder(orderId, { quantity: 6 }));
    assert.deepEqual([fewer.ok, fewer.quantity], [true, 6]);
    await rig.answer(engine.modifyOrder(orderId, { price: '102.5' }));
    assert.deepEqual(rig.take().filter((line) => line.startsWith('modified')), [
      'modified #1 X sell 6 @ 103.00 executed 0', 'modified #1 X sell 6 @ 102.50 executed 0',
    ]);
    // The market comes up to it, through its own ten at 101, and takes two; then open is to be one.
    engine.submitMarketData({ type: 'add', symbol: 'X', reference: 1, side: 'buy', price: '102.5', quantity: 12 });
    rig.turn();
    const one = await rig.answer(engine.modifyOrder(orderId, { quantity: 1 }));
    assert.deepEqual([one.ok, one.quantity], [true, 1]);
    assert.deepEqual(engine.orders().map(({ quantity, executed }) => [quantity, executed]), [[1, 2]]);
    const gone = await rig.answer(engine.modifyOrder(99, { quantity: 1 }));
    assert.deepEqual([gone.ok, gone.reason], [false, Reason.UnknownOrder]);
    await rig.stop();
  });

  test('a modify of an order that still waits in the queue says symbol, price and quantity', async () => {
    const rig = await EngineRig.start();
    const { engine } = rig;
    const orderId = engine.tryPlaceOrder({ symbol: 'X', side: 'buy', price: 10, quantity: 5 });
    assert.equal(engine.tryModifyOrder(orderId, { price: 11 }), -Reason.UnknownOrder);
    assert.throws(() => engine.tryModifyOrder(orderId, { symbol: 'X', price: 11 }), /price and quantity/);
    assert.equal(engine.tryModifyOrder(orderId, { symbol: 'X', price: 11, quantity: 4 }), 0);
    rig.turn();
    assert.deepEqual(engine.orders().map(({ price, quantity }) => [price, quantity]), [['11.00', 4]]);
    await rig.stop();
  });

  test('risk looks at what a modify adds', async () => {
    const rig = await EngineRig.start({ maxPositionSize: 10 });
    const { engine } = rig;
    const { orderId } = await rig.answer(engine.placeOrder({ symbol: 'X', side: 'buy', price: 10, quantity: 10 }));
    const more = await rig.answer(engine.modifyOrder(orderId, { quantity: 11 }));
    assert.deepEqual([more.ok, more.reason], [false, Reason.Position]);
    assert.equal(engine.order(orderId)?.quantity, 10);
    await rig.stop();
  });

  test('a cancel takes the rest out; a second one finds nothing', async () => {
    const rig = await quoted();
    const { engine } = rig;
    const { orderId } = await rig.answer(engine.placeOrder({ symbol: 'X', side: 'buy', price: 101, quantity: 14 }));
    rig.take();
    const cancel = await rig.answer(engine.cancelOrder(orderId));
    assert.deepEqual([cancel.ok, cancel.quantity], [true, 4]);
    assert.deepEqual(rig.take()[0], 'canceled #1 X buy 4 executed 10');
    const again = await rig.answer(engine.cancelOrder({ orderId }));
    assert.deepEqual([again.ok, again.reason], [false, Reason.UnknownOrder]);
    assert.deepEqual(rig.take(), ['cancel-rejected #1 (6 unknown order)']);
    assert.throws(() => engine.tryCancelOrder(-4), /order: expected the number of an order/);
    await rig.stop();
  });

  test('a cancel that overtakes its order: it is answered as cancelled and never reaches the book', async () => {
    const rig = await quoted();
    const { engine } = rig;
    const orderId = engine.tryPlaceOrder({ symbol: 'X', side: 'buy', price: 101, quantity: 4 });
    const cancel = await rig.answer(engine.cancelOrder(orderId));
    assert.deepEqual([cancel.ok, cancel.quantity], [true, 4]);
    assert.deepEqual(rig.take(), ['canceled #1 X buy 4 executed 0']);
    assert.equal(engine.position('X').quantity, 0);
    await rig.stop();
  });

  test('cancelAll: of one symbol, of all, those still queued included', async () => {
    const rig = await EngineRig.start();
    const { engine } = rig;
    for (const symbol of ['X', 'X', 'Y']) await rig.answer(engine.placeOrder({ symbol, side: 'buy', price: 10, quantity: 1 }));
    const queued = engine.placeOrder({ symbol: 'X', side: 'buy', price: 10, quantity: 1 });
    const all = await rig.answer(engine.cancelAll('X'));
    assert.deepEqual([all.ok, all.quantity], [true, 2]);
    assert.equal((await queued).status, 'canceled');
    assert.deepEqual(engine.orders().map(({ symbol }) => symbol), ['Y']);
    assert.equal((await rig.answer(engine.cancelAll())).quantity, 1);
    assert.equal((await engine.cancelAll('NONE')).reason, Reason.UnknownTicker);
    await rig.stop();
  });

  test('our own orders do not trade with each other: cancel newest, unless said otherwise', async () => {
    const rig = await EngineRig.start();
    const { engine } = rig;
    await rig.answer(engine.placeOrder({ symbol: 'X', side: 'buy', price: 10, quantity: 5 }));
    const newest = await rig.answer(engine.placeOrder({ symbol: 'X', side: 'sell', price: 10, quantity: 2 }));
    assert.deepEqual([newest.ok, newest.status, newest.reason], [true, 'canceled', Reason.SelfTrade]);
    const both = await rig.answer(engine.placeOrder({ symbol: 'X', side: 'sell', price: 10, quantity: 2, selfTrade: 'none' }));
    assert.equal(both.status, 'filled');
    assert.equal(engine.position('X').quantity, 0, 'bought and sold');
    assert.equal(engine.position('X').volume, 4);
    await rig.stop();
  });
});

describe('back-pressure', () => {
  test('a full queue is a code from try…, a result from the promises, and a cancel still passes', async () => {
    const rig = await EngineRig.start({ queue: { normalSlots: 4, urgentSlots: 2 } });
    const { engine } = rig;
    const order = { symbol: 'X', side: 'buy', price: 10, quantity: 1 } as const;
    const ids = [1, 2, 3, 4].map(() => engine.tryPlaceOrder(order));
    assert.deepEqual(ids, [1, 2, 3, 4]);
    assert.equal(engine.tryPlaceOrder(order), -Reason.Capacity);
    const refused = await engine.placeOrder(order);
    assert.deepEqual([refused.ok, refused.reason, refused.reasonText, refused.orderId], [false, Reason.Capacity, 'capacity', 0]);
    assert.equal(engine.submitMarketData({ type: 'quote', symbol: 'X', bid: 1, bidQuantity: 1 }), -Reason.Capacity);
    assert.equal(engine.tryCancelOrder(1), 0);
    assert.equal(engine.tryCancelOrder(2), 0);
    assert.equal(engine.tryCancelOrder(3), -Reason.Capacity);
    const kill = engine.kill();
    assert.equal(engine.stats().backPressure, 5);
    rig.turn();
    assert.ok((await kill).ok, 'kill passes whatever is queued');
    assert.ok(engine.killed);
    assert.deepEqual(engine.orders(), []);
    await rig.stop();
  });
});
