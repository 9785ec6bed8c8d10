// Spread arbitrage: bounds, side, quantity, cooldown; taking and resting.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Reason, Side } from '../../book/types.ts';
import { PRICE_TICKS_NONE } from '../instruments.ts';
import { PaperDesk } from './paper_desk.ts';

const NAME = 'spread-arbitrage';

describe('bounds', () => {
  // 0.10 < spread < 1.00, in cents: 11 … 99
  for (const [spread, acts] of [[1, false], [10, false], [11, true], [50, true], [99, true], [100, false], [101, false]] as const) {
    test(`a spread of ${spread} cents: ${acts ? 'acts' : 'does not'}`, () => {
      const desk = new PaperDesk();
      const calls = desk.top(desk.make(NAME), 10_000, 20, 10_000 + spread, 10);
      assert.deepEqual(calls, acts ? [`order 0 buy ${10_000 + spread} 100 IOC`] : []);
    });
  }

  test('in currency, whatever the decimals and ticks, and exactly', () => {
    const desk = new PaperDesk([
      { ticker: 1, symbol: 'A', decimals: 4, tickUnits: 25, lotSize: 1 }, { ticker: 2, symbol: 'B', decimals: 0, tickUnits: 1, lotSize: 1 },
    ]);
    // 0.29 · 100 is 28.999999999999996 in floats: a spread of exactly 0.29 would pass as wider.
    const strategy = desk.make(NAME, { min_spread: 0.29, max_spread: 7 });
    assert.deepEqual(desk.top(strategy, 4000, 20, 4116, 10, 0), []); // 116 ticks of 0.0025 = 0.29
    assert.deepEqual(desk.top(strategy, 4000, 20, 4117, 10, 0), ['order 0 buy 4117 100 IOC']);
    assert.deepEqual(desk.top(strategy, 50, 20, 56, 10, 1), ['order 1 buy 56 100 IOC']);
    assert.deepEqual(desk.top(strategy, 50, 20, 57, 10, 1), []);
  });

  test('unknown or not trading: nothing', () => {
    const desk = new PaperDesk();
    const strategy = desk.make(NAME, { min_spread: 0, max_spread: 1e9 });
    assert.deepEqual(desk.top(strategy, PRICE_TICKS_NONE, 0, 10_000, 10), []);
    assert.deepEqual(desk.top(strategy, 10_000, 10, 9900, 10), []);
    desk.trading = false;
    assert.deepEqual(desk.top(strategy, 9900, 20, 10_000, 10), []);
  });
});

describe('side and quantity', () => {
  const table: readonly (readonly [what: string, position: number, bidQty: number, askQty: number, calls: string[]])[] = [
    ['flat, heavier bid: buys', 0, 20, 10, ['order 0 buy 10050 100 IOC']],
    ['flat, heavier ask: sells', 0, 10, 20, ['order 0 sell 10000 100 IOC']],
    ['flat, balanced: nothing', 0, 10, 10, []],
    ['long: sells, whatever the imbalance', 500, 20, 10, ['order 0 sell 10000 100 IOC']],
    ['short: buys', -500, 10, 20, ['order 0 buy 10050 100 IOC']],
    ['a small position is closed, not turned', 30, 20, 10, ['order 0 sell 10000 30 IOC']],
    ['a small short one too', -7, 20, 10, ['order 0 buy 10050 7 IOC']],
  ];
  for (const [what, position, bidQty, askQty, calls] of table) {
    test(what, () => {
      const desk = new PaperDesk();
      desk.hold(position);
      assert.deepEqual(desk.top(desk.make(NAME), 10_000, bidQty, 10_050, askQty), calls);
    });
  }

  test('at most the largest order, and the largest position', () => {
    const desk = new PaperDesk();
    const strategy = desk.make(NAME, { cooldownMs: 0 });
    desk.maxQty = 40;
    assert.deepEqual(desk.top(strategy, 10_000, 20, 10_050, 10), ['order 0 buy 10050 40 IOC']);
    desk.maxHeld = 15;
    assert.deepEqual(desk.top(strategy, 10_000, 20, 10_050, 10), ['order 0 buy 10050 15 IOC']);
    desk.maxHeld = 0;
    assert.deepEqual(desk.top(strategy, 10_000, 20, 10_050, 10), []);
  });
});

test('one order in 100 ms of event time, per instrument, refused ones included', () => {
  const desk = new PaperDesk();
  const strategy = desk.make(NAME);
  const act = (book = 0): number => desk.top(strategy, 10_000, 20, 10_050, 10, book).length;
  desk.refusal = Reason.Rate;
  assert.equal(act(), 1);
  desk.refusal = Reason.None;
  desk.afterMs(99);
  assert.deepEqual([act(), act(1)], [0, 1]);
  desk.afterMs(1);
  assert.deepEqual([act(), act(1)], [1, 0]);
});

describe('resting', () => {
  test('joins its own side, moves with it after the cooldown, leaves with the bounds', () => {
    const desk = new PaperDesk();
    const strategy = desk.make(NAME, { rest: 1 });
    assert.deepEqual(desk.top(strategy, 10_000, 20, 10_050, 10), ['quote 0 buy 10000 100']);
    assert.deepEqual(desk.top(strategy, 10_010, 20, 10_050, 10), []);
    desk.afterMs(100);
    assert.deepEqual(desk.during(() => strategy.onTimer?.(desk)), ['quote 0 buy 10010 100']);
    assert.deepEqual(desk.top(strategy, 10_045, 20, 10_050, 10), ['withdraw 0 buy'], 'at once, without a wait');
  });

  test('bought: offers what it has at the other side', () => {
    const desk = new PaperDesk();
    const strategy = desk.make(NAME, { rest: 1, cooldownMs: 0 });
    desk.top(strategy, 10_000, 20, 10_050, 10);
    assert.deepEqual(desk.fill(strategy, Side.Buy, 10_000, 30), ['withdraw 0 buy', 'quote 0 sell 10050 30']);
    assert.deepEqual(desk.fill(strategy, Side.Sell, 10_050, 30), ['quote 0 buy 10000 100']);
    assert.deepEqual(desk.during(() => strategy.onStop?.(desk)), ['withdraw 0 buy']);
  });

  test('a refusal is not repeated at the rate of the market data', () => {
    const desk = new PaperDesk();
    const strategy = desk.make(NAME, { rest: 1, cooldownMs: 0 });
    desk.refusal = Reason.Loss;
    assert.equal(desk.top(strategy, 10_000, 20, 10_050, 10).length, 1);
    assert.equal(desk.top(strategy, 10_001, 20, 10_050, 10).length, 0);
    desk.afterMs(100);
    assert.equal(desk.top(strategy, 10_001, 20, 10_050, 10).length, 1);
    desk.refusal = Reason.None;
    desk.reject(strategy, Reason.State);
    assert.equal(desk.top(strategy, 10_001, 20, 10_050, 10).length, 0);
  });
});
