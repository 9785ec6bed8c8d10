// Market data into an engine with its own books, positions out of its fills, and strategies between them.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Prng } from '../../src/base/prng.ts';
import { Reason } from '../../src/book/types.ts';
import type { Desk, Strategy } from '../../src/trader/strategies/strategy.ts';
import { EngineRig } from './engine_rig.ts';

describe('market data', () => {
  test('a quote stands in the book as the market’s orders and moves as it is told', async () => {
    const rig = await EngineRig.start({}, ['trade', 'book', 'fill']);
    const { engine } = rig;
    const quote = (bid: string, ask: string, bidQuantity = 10, askQuantity = 10): void => {
      engine.submitMarketData({ type: 'quote', symbol: 'X', bid, bidQuantity, ask, askQuantity });
      rig.turn();
    };
    quote('10', '11');
    quote('12', '13');
    quote('8', '9', 5, 4);
    quote('8', '9', 5, 4);
    quote('8', '9.5', 0, 4);
    assert.deepEqual(rig.take(), [
      'book X 10 @ 10.00 / 10 @ 11.00', 'book X 10 @ 12.00 / 10 @ 13.00', 'book X 5 @ 8.00 / 4 @ 9.00', 'book X 5 @ 8.00 / 4 @ 9.00',
      'book X 0 @ null / 4 @ 9.50',
    ]);
    quote('10', '10');
    assert.deepEqual(rig.take(), [], 'a crossed quote is none');
    engine.submitMarketData({ type: 'quote', symbol: 'X' });
    rig.turn();
    assert.deepEqual(engine.book('X').asks, []);
    await rig.stop();
  });

  test('a market that moves through our price fills us, at our price', async () => {
    const rig = await EngineRig.start({}, ['trade', 'fill']);
    const { engine } = rig;
    engine.submitMarketData({ type: 'quote', symbol: 'X', bid: 10, bidQuantity: 5, ask: 11, askQuantity: 5 });
    rig.turn();
    await rig.answer(engine.placeOrder({ symbol: 'X', side: 'sell', price: '10.5', quantity: 8 }));
    engine.submitMarketData({ type: 'quote', symbol: 'X', bid: '10.6', bidQuantity: 3, ask: 11, askQuantity: 5 });
    engine.submitMarketData({ type: 'quote', symbol: 'X', bid: '10.6', bidQuantity: 9, ask: 11, askQuantity: 5 });
    rig.turn();
    assert.deepEqual(rig.take(), [
      'trade X buy 3 @ 10.50', 'fill #1 X sell 3 @ 10.50 leaves 5 executed 3', 'trade X buy 5 @ 10.50',
      'fill #1 X sell 5 @ 10.50 leaves 0 executed 8',
    ]);
    assert.deepEqual(engine.book('X').bids.map(({ price, qty }) => [price, qty]), [['10.60', 4n]]);
    await rig.stop();
  });

  test('what the market’s quote has left when we took all of it stands again with the next', async () => {
    const rig = await EngineRig.start({}, []);
    const { engine } = rig;
    for (let i = 0; i < 3; i++) {
      engine.submitMarketData({ type: 'quote', symbol: 'X', bid: 10, bidQuantity: 5, ask: 11, askQuantity: 5 });
      rig.turn();
      assert.equal((await rig.answer(engine.placeOrder({ symbol: 'X', side: 'buy', quantity: 9 }))).executed, 5);
      assert.deepEqual(engine.book('X').asks, []);
    }
    await rig.stop();
  });

  test('single orders of the market: add, modify, cancel, clear; trades are prints', async () => {
    const rig = await EngineRig.start({}, ['trade', 'book']);
    const { engine } = rig;
    const add = (reference: number, side: 'buy' | 'sell', price: number): number =>
      engine.submitMarketData({ type: 'add', symbol: 'X', reference, side, price, quantity: 10 });
    add(1, 'buy', 10);
    add(2, 'buy', 10);
    add(3, 'sell', 12);
    rig.turn();
    assert.deepEqual(engine.book('X').bids.map(({ qty, orders }) => [qty, orders]), [[20n, 2]]);
    engine.submitMarketData({ type: 'modify', symbol: 'X', reference: 1, side: 'buy', price: 10, quantity: 4 });
    engine.submitMarketData({ type: 'cancel', symbol: 'X', reference: 2 });
    engine.submitMarketData({ type: 'trade', symbol: 'X', side: 'sell', price: 11, quantity: 3 });
    rig.turn();
    assert.deepEqual(rig.take().slice(-2), ['trade X sell 3 @ 11.00', 'book X 4 @ 10.00 / 10 @ 12.00']);
    engine.submitMarketData({ type: 'clear', symbol: 'X' });
    rig.turn();
    assert.deepEqual(rig.take(), ['book X 0 @ null / 0 @ null']);
    assert.throws(() => engine.submitMarketData({ type: 'cancel', symbol: 'X', reference: -1 }), /reference: expected a whole number/);
    assert.throws(() => engine.submitMarketData({ type: 'qoute', symbol: 'X' } as never), /type: expected quote, .*was "qoute"/);
    await rig.stop();
  });
});

describe('positions', () => {
  test('KNOWN_MISTAKES 21: bought 10 at 100, sold 15 at 90: −100 realised, −5 at 90; bought 5 at 95: −125', async () => {
    const rig = await EngineRig.start({}, []);
    const { engine } = rig;
    const trade = async (side: 'buy' | 'sell', price: number, quantity: number): Promise<void> => {
      engine.submitMarketData({ type: 'add', symbol: 'X', reference: quantity, side: side === 'buy' ? 'sell' : 'buy', price, quantity });
      rig.turn();
      await rig.answer(engine.placeOrder({ symbol: 'X', side, price, quantity }));
    };
    await trade('buy', 100, 10);
    await trade('sell', 90, 15);
    const { quantity, averagePrice, realizedPnl } = engine.position('X');
    assert.deepEqual([quantity, averagePrice, realizedPnl], [-5, 90, '-100.00']);
    await trade('buy', 95, 5);
    assert.deepEqual(engine.position('X').realizedPnl, '-125.00');
    assert.equal(engine.stats().totalPnl, '-125.00');
    await rig.stop();
  });

  test('fills add up to positions, whatever is traded', async () => {
    const rig = await EngineRig.start({ maxPositionSize: Infinity, maxPortfolioValue: Infinity }, []);
    const { engine } = rig;
    const prng = new Prng(11);
    const sums = new Map<string, number>();
    engine.on('fill', ({ symbol, side, quantity }) => {
      sums.set(symbol, (sums.get(symbol) ?? 0) + (side === 'buy' ? quantity : -quantity));
    });
    for (let i = 0; i < 400; i++) {
      const symbol = ['X', 'Y', 'Z'][prng.below(3)];
      const mid = 1_000 + prng.below(50);
      engine.submitMarketData({ type: 'quote', symbol, bid: mid - 1, bidQuantity: prng.below(30), ask: mid + 1, askQuantity: prng.below(30) });
      engine.tryPlaceOrder({ symbol, side: prng.chance(0.5) ? 'buy' : 'sell', price: mid + prng.below(7) - 3, quantity: 1 + prng.below(20) });
      rig.turn();
    }
    assert.ok([...sums.values()].some((sum) => sum !== 0));
    for (const { symbol, quantity } of engine.positions()) assert.equal(quantity, sums.get(symbol) ?? 0, symbol);
    await rig.stop();
  });

  test('figures under the names that people know', async () => {
    const rig = await EngineRig.start({ latencySampleEvery: 1 }, []);
    const { engine } = rig;
    engine.submitMarketData({ type: 'quote', symbol: 'X', bid: 10, bidQuantity: 5, ask: 11, askQuantity: 5 });
    rig.turn();
    await rig.answer(engine.placeOrder({ symbol: 'X', side: 'buy', price: 11, quantity: 2 }));
    await rig.answer(engine.placeOrder({ symbol: 'X', side: 'buy', price: 9, quantity: 2 }));
    rig.turn(1_000);
    const { messagesProcessed, averageLatencyNs, throughputMsgPerSec, openOrders, ordersSent, fills } = engine.stats();
    assert.deepEqual([messagesProcessed, openOrders, ordersSent, fills], [5, 1, 2, 1]);
    assert.ok(averageLatencyNs >= 0 && throughputMsgPerSec >= 3, `${averageLatencyNs} ${throughputMsgPerSec}`);
    const metrics = engine.metrics('X');
    assert.deepEqual(
      [metrics.symbolId, metrics.currentPosition, metrics.unrealizedPnl, metrics.ordersSentPerSecond, metrics.fillsPerSecond],
      [0, 2, -1, 2, 1],
    );
    assert.deepEqual(engine.strategyStats(), {
      realizedPnl: 0, unrealizedPnl: -1, fillRatePercent: 50, ordersSent: 2, fillsReceived: 1, currentPositions: { X: 2 },
    });
    assert.throws(() => engine.metrics('Y'), /symbol: expected one of X, was "Y"/);
    await rig.stop();
  });
});

/** Joins the bid with one lot while there is one; writes down what it hears. */
class Joiner implements Strategy {
  readonly name = 'joiner';
  readonly heard: string[] = [];
  failsAt = Infinity;

  onStart(): void {
    this.heard.push('start');
  }

  onMarketData(book: number, desk: Desk): void {
    this.heard.push(`data ${book}`);
    if (this.heard.length >= this.failsAt) throw new Error('lost its mind');
    const { features } = desk;
    if (features.known(book)) desk.quote(book, 1, features.bidTicks(book), 1);
  }

  onFill(book: number, _orderId: number, side: number, priceTicks: number, qty: number): void {
    this.heard.push(`fill ${book} ${side * qty} @ ${priceTicks}`);
  }

  onStop(): void {
    this.heard.push('stop');
  }
}

describe('strategies', () => {
  const instruments = [{ symbol: 'X' }, { symbol: 'Y' }];

  test('one trades its symbols beside the program’s own orders; its orders are told as its own', async () => {
    const joiner = new Joiner();
    const rig = await EngineRig.start({ instruments, strategies: [{ strategy: joiner, symbols: ['X'] }] }, ['accepted', 'fill', 'canceled']);
    const { engine } = rig;
    for (const symbol of ['X', 'Y']) {
      engine.submitMarketData({ type: 'quote', symbol, bid: 10, bidQuantity: 5, ask: 11, askQuantity: 5 });
    }
    engine.tryPlaceOrder({ symbol: 'Y', side: 'buy', price: 9, quantity: 3 });
    rig.turn();
    assert.deepEqual(engine.orders().map(({ symbol, strategy, price }) => [symbol, strategy, price]), [
      ['X', true, '10.00'], ['Y', false, '9.00'],
    ]);
    assert.ok(joiner.heard.every((line) => !line.includes(' 1')), 'it hears nothing of Y');
    rig.take();
    engine.submitMarketData({ type: 'add', symbol: 'X', reference: 1, side: 'sell', price: 10, quantity: 6 });
    rig.turn();
    assert.ok(joiner.heard.includes('fill 0 1 @ 1000'), joiner.heard.join());
    assert.match(rig.take()[0], /^fill #4503599627370497 X buy 1 @ 10.00/);
    assert.equal(engine.strategyStats(0).currentPositions['X'], 1);
    await rig.stop();
    assert.equal(joiner.heard.at(-1), 'stop');
  });

  test('auto-trading off: its orders are withdrawn, the program’s stay; on: it looks anew', async () => {
    const joiner = new Joiner();
    const rig = await EngineRig.start({ instruments, autoTrading: false, strategies: [{ strategy: joiner }] }, ['accepted', 'canceled', 'state']);
    const { engine } = rig;
    engine.submitMarketData({ type: 'quote', symbol: 'X', bid: 10, bidQuantity: 5, ask: 11, askQuantity: 5 });
    engine.tryPlaceOrder({ symbol: 'X', side: 'buy', price: 9, quantity: 3 });
    rig.turn();
    assert.equal(engine.orders().length, 1);
    assert.ok((await rig.answer(engine.setAutoTrading(true))).ok);
    assert.deepEqual(engine.orders().map(({ strategy }) => strategy), [false, true]);
    await rig.answer(engine.setAutoTrading(false));
    assert.deepEqual(engine.orders().map(({ strategy }) => strategy), [false]);
    await rig.answer(engine.setAutoTrading(true));
    await rig.answer(engine.pause());
    assert.deepEqual(engine.orders().map(({ strategy }) => strategy), [false]);
    await rig.answer(engine.resume());
    assert.equal(engine.orders().length, 2);
    await rig.stop();
  });

  test('one that throws is taken out, its orders with it; the other goes on', async () => {
    const broken = new Joiner();
    const sound = new Joiner();
    broken.failsAt = 4;
    const rig = await EngineRig.start({
      instruments, strategies: [{ strategy: broken, symbols: ['X'] }, { strategy: sound, symbols: ['Y'] }],
    }, ['alert']);
    const { engine } = rig;
    for (let i = 0; i < 4; i++) {
      for (const symbol of ['X', 'Y']) engine.submitMarketData({ type: 'quote', symbol, bid: 10 + i, bidQuantity: 5, ask: 20, askQuantity: 5 });
      rig.turn();
    }
    assert.deepEqual(rig.take(), ['alert StrategyFault']);
    assert.deepEqual(engine.orders().map(({ symbol }) => symbol), ['Y']);
    assert.ok(sound.heard.length > broken.heard.length);
    await rig.stop();
  });

  test('the built-in ones run by their names', async () => {
    const rig = await EngineRig.start({
      instruments, maxPositionSize: 1_000_000,
      strategies: [
        { strategy: 'market-maker', parameters: { halfSpread: 2, baseQty: 10 }, symbols: ['X'] },
        { strategy: 'liquidity-taker', symbols: ['Y'] },
      ],
    }, ['accepted', 'fill']);
    const { engine } = rig;
    const prng = new Prng(3);
    for (let i = 0; i < 200; i++) {
      for (const symbol of ['X', 'Y']) {
        const mid = 100 + prng.below(9) / 2;
        engine.submitMarketData({
          type: 'quote', symbol, bid: (mid - 0.05).toFixed(2), bidQuantity: 1 + prng.below(500), ask: (mid + 0.05).toFixed(2), askQuantity: 1 + prng.below(500),
        });
      }
      rig.turn(50);
    }
    const [x, y] = [engine.strategyStats(0), engine.strategyStats(1)];
    assert.ok(x.ordersSent > 10 && y.ordersSent > 10, `${x.ordersSent} ${y.ordersSent}`);
    assert.ok(y.fillsReceived > 0);
    await rig.stop();
  });

  test('a breaker that opens stops them, and its probes are theirs', async () => {
    const joiner = new Joiner();
    const rig = await EngineRig.start({
      instruments, strategies: [{ strategy: joiner, symbols: ['X'] }], maxOrderQuantity: 5,
      breakers: [{ measure: 'error-rate', threshold: 0.6, minimum: 2, cooldownMs: 50, probes: 1 }],
    }, ['breaker', 'rejected']);
    const { engine } = rig;
    const quote = (bid: number): void => {
      engine.submitMarketData({ type: 'quote', symbol: 'X', bid, bidQuantity: 5, ask: 20, askQuantity: 5 });
      rig.turn();
    };
    quote(10);
    assert.equal(engine.orders().length, 1);
    for (let i = 0; i < 3; i++) engine.tryPlaceOrder({ symbol: 'Y', side: 'buy', price: 9, quantity: 6 });
    rig.turn();
    assert.ok(rig.take().includes('breaker 0 error-rate open'));
    assert.deepEqual(engine.orders(), []);
    quote(11);
    assert.deepEqual(engine.orders(), [], 'it is not asked');
    rig.turn(50);
    quote(12);
    assert.deepEqual(rig.take(), ['breaker 0 error-rate half-open', 'breaker 0 error-rate closed']);
    assert.equal(engine.orders().length, 1);
    await rig.stop();
  });
});

test('an unknown symbol of market data gets a place like that of an order; where there is no room, a code', async () => {
  const rig = await EngineRig.start({ instrumentsMax: 1 }, []);
  assert.equal(rig.engine.submitMarketData({ type: 'quote', symbol: 'X', bid: 1, bidQuantity: 1 }), 0);
  assert.equal(rig.engine.submitMarketData({ type: 'quote', symbol: 'Y', bid: 1, bidQuantity: 1 }), -Reason.UnknownTicker);
  assert.deepEqual(rig.engine.declare('X')?.book, 0);
  assert.equal(rig.engine.declare('Y'), null);
  await rig.stop();
});
