// The liquidity taker: threshold, limit prices by hand, waits in event time.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Reason, Side, Tif } from '../../book/types.ts';
import type { TraderInstrument } from '../instruments.ts';
import { PRICE_TICKS_NONE } from '../instruments.ts';
import { PaperDesk } from './paper_desk.ts';
import type { Desk, Strategy } from './strategy.ts';

const NAME = 'liquidity-taker';
const MS = 1_000_000;

/** A market whose signal is +0.3 · imbalance: bid quantity of 100. */
const strong = (desk: PaperDesk, strategy: Strategy, share: number, side: number = Side.Buy): string[] => {
  const [heavy, light] = [Math.round(100 * (1 + share)), Math.round(100 * (1 - share))];
  return desk.top(strategy, 9990, side === Side.Buy ? heavy : light, 10_000, side === Side.Buy ? light : heavy);
};

describe('orders', () => {
  test('beyond the threshold only, either way, and IOC', () => {
    const desk = new PaperDesk();
    const strategy = desk.make(NAME, { signal_threshold: 0.15 });
    assert.deepEqual(strong(desk, strategy, 0.5), []); // 0.3 · 0.5 = the threshold itself
    // limit = 10000 + 10 bp = 10010
    assert.deepEqual(strong(desk, strategy, 0.51), ['order 0 buy 10010 100 IOC']);
    desk.afterMs(100);
    // limit = 9990 − 9.99 = 9980.01, up: 9981
    assert.deepEqual(strong(desk, strategy, 0.51, Side.Sell), ['order 0 sell 9981 100 IOC']);
  });

  test('a mid below its average is bought', () => {
    const desk = new PaperDesk();
    const strategy = desk.make(NAME);
    desk.top(strategy, 9995, 10, 10_005, 10);
    // mid 9990, fair 9999, spread 10: 0.7 · 9 / 10 = 0.63. limit = 9995 + 9.995, down: 10004
    assert.deepEqual(desk.top(strategy, 9985, 10, 9995, 10), ['order 0 buy 10004 100 IOC']);
  });

  const limits: readonly (readonly [what: string, instrument: Partial<TraderInstrument>, ask: number, limit: number])[] = [
    ['exact', {}, 3000, 3003],
    ['rounded down to a tick', {}, 3999, 4002], // + 3.999
    ['never below the touch', {}, 5, 5], // + 0.005
    ['held at the end of the price range', { maxPriceTicks: 3001 }, 3000, 3001],
    // −1000 + 10 bp of 1000 = −999: through the touch, not away from it
    ['a negative price', { minPriceTicks: -100_000 }, -1000, -999],
  ];
  for (const [what, instrument, ask, limit] of limits) {
    test(`limit: ${what}`, () => {
      const desk = new PaperDesk([{ ticker: 1, symbol: 'A', decimals: 2, tickUnits: 1, lotSize: 1, ...instrument }]);
      const strategy = desk.make(NAME, { signalThreshold: 0.1 });
      assert.deepEqual(desk.top(strategy, ask - 2, 90, ask, 10), [`order 0 buy ${limit} 100 IOC`]);
    });
  }

  test('limit: a sell at a negative price goes through the touch too', () => {
    const desk = new PaperDesk([{ ticker: 1, symbol: 'A', decimals: 2, tickUnits: 1, lotSize: 1, minPriceTicks: -100_000 }]);
    const strategy = desk.make(NAME, { signalThreshold: 0.1 });
    assert.deepEqual(desk.top(strategy, -1000, 10, -998, 90), ['order 0 sell -1001 100 IOC']);
  });

  test('limit: held at the lower end of the price range too', () => {
    const desk = new PaperDesk();
    const strategy = desk.make(NAME, { signalThreshold: 0.1, aggressionBps: 10_000 });
    assert.deepEqual(desk.top(strategy, 3, 10, 5, 90), ['order 0 sell 1 100 IOC']);
  });

  test('at most the largest order and the room to the position, in whole lots', () => {
    const desk = new PaperDesk([{ ticker: 1, symbol: 'A', decimals: 2, tickUnits: 1, lotSize: 10 }]);
    const strategy = desk.make(NAME, { signalThreshold: 0.1 });
    desk.maxQty = 60;
    assert.deepEqual(strong(desk, strategy, 0.9), ['order 0 buy 10010 60 IOC']);
    desk.afterMs(100);
    desk.hold(965);
    assert.deepEqual(strong(desk, strategy, 0.9), ['order 0 buy 10010 30 IOC']);
    desk.afterMs(100);
    desk.hold(995);
    assert.deepEqual(strong(desk, strategy, 0.9), [], 'less than a lot of room');
    assert.deepEqual(strong(desk, strategy, 0.9, Side.Sell), ['order 0 sell 9981 60 IOC'], 'nothing was ordered, nothing waits');
  });

  test('no signal: no order', () => {
    const desk = new PaperDesk();
    const strategy = desk.make(NAME, { signalThreshold: 0 });
    assert.deepEqual(desk.top(strategy, PRICE_TICKS_NONE, 0, 10_000, 10), []);
    assert.deepEqual(desk.top(strategy, 10_000, 90, 10_000, 10), []);
    desk.trading = false;
    assert.deepEqual(strong(desk, strategy, 0.9), []);
    desk.trading = true;
    assert.deepEqual(strong(desk, strategy, 0), [], 'a signal of 0 is not above a threshold of 0');
  });
});

/** Orders at least 100 ms of event time apart, whatever the clock on the wall does meanwhile. */
function checkWait(make: (desk: PaperDesk) => Strategy): void {
  const now = Date.now;
  try {
    for (const step of [0, 3_600_000, -3_600_000]) {
      const desk = new PaperDesk();
      const strategy = make(desk);
      const wall = now();
      Date.now = () => wall;
      assert.equal(strong(desk, strategy, 0.9).length, 1);
      Date.now = () => wall + step;
      desk.afterMs(99);
      assert.equal(strong(desk, strategy, 0.9).length, 0, `after 99 ms, wall clock ${step}`);
      desk.afterMs(1);
      assert.equal(strong(desk, strategy, 0.9).length, 1, `after 100 ms, wall clock ${step}`);
    }
  } finally {
    Date.now = now;
  }
}

/** The mistake: a step of the clock blocks it for an hour or lets it flood. */
class WallClockTaker implements Strategy {
  readonly name = 'wall-clock';
  #lastMs = -Infinity;

  onMarketData(book: number, desk: Desk): void {
    if (desk.features.signal(book) < 0.1 || Date.now() - this.#lastMs < 100) return;
    this.#lastMs = Date.now();
    desk.order(book, Side.Buy, desk.features.askTicks(book), 1, Tif.Ioc);
  }
}

describe('waits', () => {
  test('100 ms between orders, whatever the wall clock does (known mistake 29)', () => {
    checkWait((desk) => desk.make(NAME, { signalThreshold: 0.1 }));
  });

  test('a cooldown by the wall clock is found (known mistake 29, planted)', () => {
    assert.throws(() => checkWait(() => new WallClockTaker()), /after 100 ms, wall clock 0/);
  });

  test('twice as long after a trade, once', () => {
    const desk = new PaperDesk();
    const strategy = desk.make(NAME, { signalThreshold: 0.1 });
    strong(desk, strategy, 0.9);
    desk.afterMs(1);
    desk.fill(strategy, Side.Buy, 10_000, 100);
    desk.afterMs(198);
    assert.equal(strong(desk, strategy, 0.9).length, 0);
    desk.afterMs(1);
    assert.equal(strong(desk, strategy, 0.9).length, 1);
    desk.afterMs(100);
    assert.equal(strong(desk, strategy, 0.9).length, 1, 'the order before did not trade');
  });

  test('of each instrument alone (known mistake 30)', () => {
    const desk = new PaperDesk();
    const strategy = desk.make(NAME, { signalThreshold: 0.1 });
    assert.deepEqual(desk.top(strategy, 9990, 90, 10_000, 10, 0), ['order 0 buy 10010 100 IOC']);
    assert.deepEqual(desk.top(strategy, 90, 90, 100, 10, 1), ['order 1 buy 100 100 IOC']);
    desk.fill(strategy, Side.Buy, 100, 100, 1);
    desk.afterMs(100);
    assert.equal(desk.top(strategy, 9990, 90, 10_000, 10, 0).length, 1);
    assert.equal(desk.top(strategy, 90, 90, 100, 10, 1).length, 0);
  });

  test('a refused order waits like one that was sent', () => {
    const desk = new PaperDesk();
    const strategy = desk.make(NAME, { signalThreshold: 0.1, orderIntervalMs: 10 });
    desk.refusal = Reason.Rate;
    assert.deepEqual(strong(desk, strategy, 0.9), ['order 0 buy 10010 100 IOC refused']);
    desk.afterMs(9);
    assert.deepEqual(strong(desk, strategy, 0.9), []);
    desk.afterMs(1);
    assert.equal(strong(desk, strategy, 0.9).length, 1);
  });

  test('event time may begin anywhere', () => {
    for (const nowNs of [0, 5 * MS, 1.7e18]) {
      const desk = new PaperDesk();
      desk.nowNs = nowNs;
      assert.equal(strong(desk, desk.make(NAME, { signalThreshold: 0.1 }), 0.9).length, 1);
    }
  });
});
