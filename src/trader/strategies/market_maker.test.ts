// The market maker: its formulas by hand, when it moves, when it is silent, and what holds always.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { Reason, Side } from '../../book/types.ts';
import { PRICE_TICKS_NONE } from '../instruments.ts';
import { PaperDesk } from './paper_desk.ts';
import type { Strategy } from './strategy.ts';

const NONE = PRICE_TICKS_NONE;

/** One that may change its quotes with every event. */
function maker(desk: PaperDesk, given: Readonly<Record<string, number>> = {}): Strategy {
  return desk.make('market-maker', { quoteRefreshNanos: 1, ...given });
}

describe('prices', () => {
  // Prices in cents, defaults: half_spread 50, min_spread 20, imbalance widening 0.5.
  const table: readonly (readonly [what: string, top: [number, number, number, number], bid: number, ask: number])[] = [
    // mid 10000, imbalance 0: half 50
    ['balanced', [9990, 10, 10_010, 10], 9950, 10_050],
    // imbalance (30 − 10) / 40 = 0.5: half = 50 + 0.5 · 0.5 · 50 = 62.5; 9937.5 down, 10062.5 up
    ['heavier bid', [9990, 30, 10_010, 10], 9937, 10_063],
    // the same width, whichever side is heavier
    ['heavier ask', [9990, 10, 10_010, 30], 9937, 10_063],
    // imbalance (99 − 1) / 100 = 0.98: half = 50 · 1.49 = 74.5
    ['lopsided', [9990, 99, 10_010, 1], 9925, 10_075],
    // mid 10000.5: 9950.5 down, 10050.5 up
    ['half a tick', [10_000, 10, 10_001, 10], 9950, 10_051],
  ];
  for (const [what, top, bid, ask] of table) {
    test(what, () => {
      const desk = new PaperDesk();
      assert.deepEqual(desk.top(maker(desk), ...top), [`quote 0 buy ${bid} 100`, `quote 0 sell ${ask} 100`]);
    });
  }

  test('around the fair value, not the mid', () => {
    const desk = new PaperDesk();
    const strategy = maker(desk);
    desk.top(strategy, 9990, 10, 10_010, 10); // fair 10000
    // mid 10200, fair 10000 + 0.1 · 200 = 10020: 9970 and 10070
    assert.deepEqual(desk.top(strategy, 10_190, 10, 10_210, 10), ['quote 0 buy 9970 100', 'quote 0 sell 10070 100']);
  });

  test('never closer together than min_spread', () => {
    const desk = new PaperDesk();
    const strategy = maker(desk, { half_spread: 3, min_spread: 25 });
    // half = max(3, 12.5): 9987.5 down, 10012.5 up
    assert.deepEqual(desk.top(strategy, 9990, 10, 10_010, 10), ['quote 0 buy 9987 100', 'quote 0 sell 10013 100']);
  });

  test('price units become ticks of the instrument', () => {
    const desk = new PaperDesk([{ ticker: 1, symbol: 'COARSE', decimals: 2, tickUnits: 25, lotSize: 1 }]);
    // half 50 units = 2 ticks, threshold 10 units = 0.4 ticks; mid 400 ticks
    assert.deepEqual(desk.top(maker(desk), 399, 10, 401, 10), ['quote 0 buy 398 100', 'quote 0 sell 402 100']);
  });

  test('a price outside of the instrument is not quoted; the other side is (known mistake 32)', () => {
    const desk = new PaperDesk();
    // mid 30 cents: the bid would stand at −20; cast to unsigned it would be 4,294,967,276
    assert.deepEqual(desk.top(maker(desk), 20, 10, 40, 10), ['quote 0 sell 80 100']);
  });

  test('after a jump the formula may trade at once; with `passive` it never does', () => {
    // fair 10000, then the market falls to 9800 × 9820: fair 9981, bid 9931 is above the ask.
    for (const [passive, bid] of [[0, 9931], [1, 9819]]) {
      const desk = new PaperDesk();
      const strategy = maker(desk, { passive });
      desk.top(strategy, 9990, 10, 10_010, 10);
      assert.deepEqual(desk.top(strategy, 9800, 10, 9820, 10), [`quote 0 buy ${bid} 100`, 'quote 0 sell 10031 100']);
    }
    // and up to 10180 × 10200: fair 10019, the ask 10069 is below the bid
    for (const [passive, ask] of [[0, 10_069], [1, 10_181]]) {
      const desk = new PaperDesk();
      const strategy = maker(desk, { passive });
      desk.top(strategy, 9990, 10, 10_010, 10);
      assert.deepEqual(desk.top(strategy, 10_180, 10, 10_200, 10), ['quote 0 buy 9969 100', `quote 0 sell ${ask} 100`]);
    }
  });
});

describe('quantities', () => {
  // max_position 1000, base 100, skew 0.5
  const table: readonly (readonly [position: number, bidQty: number, askQty: number])[] = [
    [0, 100, 100],
    [200, 90, 100], // r = 0.2: 100 · (1 − 0.5 · 0.2)
    [-200, 100, 90],
    [333, 83, 100], // 100 · (1 − 0.1665) = 83.35, down
    [950, 50, 100], // 52.5 by the skew, but only 50 fit
    [1000, 0, 100], // at its maximum: not quoted
    [1200, 0, 100], // beyond it (a limit was lowered)
    [-1000, 100, 0],
  ];
  for (const [position, bidQty, askQty] of table) {
    test(`position ${position}: bid ${bidQty}, ask ${askQty}`, () => {
      const desk = new PaperDesk();
      const strategy = maker(desk);
      desk.hold(position);
      desk.top(strategy, 9990, 10, 10_010, 10);
      assert.deepEqual([desk.quoteQty(0, Side.Buy), desk.quoteQty(0, Side.Sell)], [bidQty, askQty]);
    });
  }

  test('never above the largest order, whole lots, at least one', () => {
    const desk = new PaperDesk([{ ticker: 1, symbol: 'LOTS', decimals: 2, tickUnits: 1, lotSize: 30 }]);
    const strategy = maker(desk, { baseQty: 500 });
    desk.maxQty = 70;
    assert.deepEqual(desk.top(strategy, 9990, 10, 10_010, 10), ['quote 0 buy 9950 60', 'quote 0 sell 10050 60']);
    desk.maxQty = 20;
    assert.deepEqual(desk.top(strategy, 9990, 10, 10_010, 10), ['withdraw 0 buy', 'withdraw 0 sell']);
  });

  test('a maximum position of 0 quotes nothing', () => {
    const desk = new PaperDesk();
    desk.maxHeld = 0;
    assert.deepEqual(desk.top(maker(desk), 9990, 10, 10_010, 10), []);
  });
});

describe('moves', () => {
  test('a quote stays until the wanted price is the threshold away', () => {
    const desk = new PaperDesk();
    const strategy = maker(desk);
    desk.top(strategy, 9990, 10, 10_010, 10); // 9950, 10050
    // mid 10090: fair 10009, 9 away
    assert.deepEqual(desk.top(strategy, 10_080, 10, 10_100, 10), []);
    // mid 10019: fair 10010, 10 away
    assert.deepEqual(desk.top(strategy, 10_009, 10, 10_029, 10), ['quote 0 buy 9960 100', 'quote 0 sell 10060 100']);
  });

  test('the side that the other would run into goes first', () => {
    const desk = new PaperDesk();
    const strategy = maker(desk, { halfSpread: 20 });
    desk.top(strategy, 9990, 10, 10_010, 10); // 9980, 10020
    // mid 10500: fair 10050, 10030 and 10070: the bid would meet the old ask
    assert.deepEqual(desk.top(strategy, 10_490, 10, 10_510, 10), ['quote 0 sell 10070 100', 'quote 0 buy 10030 100']);
    // mid 9505: fair 9995.5 (10050 − 54.5), 9975 and 10016: the ask would meet the old bid
    assert.deepEqual(desk.top(strategy, 9495, 10, 9515, 10), ['quote 0 buy 9975 100', 'quote 0 sell 10016 100']);
  });

  test('a threshold wider than the spread never lets one side keep a price that the other crosses', () => {
    const desk = new PaperDesk();
    const strategy = maker(desk, { halfSpread: 20, priceUpdateThreshold: 60 });
    desk.top(strategy, 9990, 10, 10_010, 10); // 9980, 10020
    // The bid is filled; the fair value rises to 10050: the new bid 10030 is above the ask that would stay.
    desk.fill(strategy, Side.Buy, 9980, 100);
    assert.deepEqual([desk.quoteTicks(0, Side.Buy), desk.quoteTicks(0, Side.Sell)], [9980, 10_020]);
    desk.during(() => desk.quote(0, Side.Buy, 0, 0));
    assert.deepEqual(desk.top(strategy, 10_490, 10, 10_510, 10), ['quote 0 sell 10070 100', 'quote 0 buy 10030 95']);
  });

  test('not within quote_refresh_nanos of the last change, so that it cannot chase its own quotes', () => {
    // A threshold of 0 and a book that our quotes are the top of: each event moves the fair value.
    const desk = new PaperDesk();
    const strategy = desk.make('market-maker', { halfSpread: 20, priceUpdateThreshold: 0 });
    let changes = 0;
    for (let i = 0; i < 1000; i++) {
      const [bid, ask] = i % 2 === 0 ? [9960, 10_000] : [10_000, 10_040];
      changes += desk.top(strategy, bid, 10, ask, 10).length > 0 ? 1 : 0;
      desk.nowNs += 10_000;
    }
    assert.ok(changes >= 8 && changes <= 11, `${changes} changes in 10 ms, at most one a millisecond`);
  });

  test('a partly filled quote keeps its place; a filled one is placed again', () => {
    const desk = new PaperDesk();
    const strategy = maker(desk);
    desk.top(strategy, 9990, 10, 10_010, 10);
    assert.deepEqual(desk.fill(strategy, Side.Buy, 9950, 40), []);
    assert.equal(desk.quoteQty(0, Side.Buy), 60);
    // position 100: r = 0.1, 95
    assert.deepEqual(desk.fill(strategy, Side.Buy, 9950, 60), ['quote 0 buy 9950 95']);
  });

  test('nothing is known: both sides are withdrawn, and quoted again when it is', () => {
    const desk = new PaperDesk();
    const strategy = maker(desk);
    const unknown: [number, number, number, number][] = [
      [NONE, 0, 10_010, 10], [9990, 10, NONE, 0], [10_000, 10, 10_000, 10], [10_010, 10, 9990, 10],
    ];
    for (const top of unknown) {
      assert.deepEqual(desk.top(strategy, 9990, 10, 10_010, 10), ['quote 0 buy 9950 100', 'quote 0 sell 10050 100']);
      assert.deepEqual(desk.top(strategy, ...top), ['withdraw 0 buy', 'withdraw 0 sell']);
      assert.deepEqual(desk.top(strategy, ...top), []);
    }
  });

  test('not trading: nothing is done; the end: everything is withdrawn', () => {
    const desk = new PaperDesk();
    const strategy = maker(desk);
    desk.trading = false;
    assert.deepEqual(desk.top(strategy, 9990, 10, 10_010, 10), []);
    desk.trading = true;
    desk.top(strategy, 9990, 10, 10_010, 10);
    desk.top(strategy, 9990, 10, 10_010, 10, 2);
    assert.deepEqual(desk.during(() => strategy.onStop?.(desk)), ['withdraw 0 buy', 'withdraw 0 sell', 'withdraw 2 buy', 'withdraw 2 sell']);
  });

  test('each instrument is quoted by its own market and position (known mistake 30)', () => {
    const desk = new PaperDesk();
    const strategy = maker(desk);
    desk.hold(1000, 1);
    assert.deepEqual(desk.top(strategy, 9990, 10, 10_010, 10, 0), ['quote 0 buy 9950 100', 'quote 0 sell 10050 100']);
    assert.deepEqual(desk.top(strategy, 4990, 10, 5010, 10, 1), ['quote 1 sell 5050 100']);
    assert.deepEqual(desk.top(strategy, 9990, 10, 10_010, 10, 0), []);
  });
});

describe('always', () => {
  const top = fc.record({
    bid: fc.integer({ min: 50, max: 3000 }), spread: fc.integer({ min: -3, max: 200 }),
    bidQty: fc.integer({ min: 0, max: 900 }), askQty: fc.integer({ min: 0, max: 900 }),
    fillSide: fc.constantFrom(0, 1, -1), fillShare: fc.double({ min: 0.01, max: 1, noNaN: true }),
  });
  const parameters = fc.record({
    halfSpread: fc.integer({ min: 0, max: 300 }), minSpread: fc.integer({ min: 0, max: 50 }),
    baseQty: fc.integer({ min: 1, max: 400 }), priceUpdateThreshold: fc.integer({ min: 0, max: 400 }),
    positionSkewFactor: fc.double({ min: 0, max: 1, noNaN: true }), passive: fc.constantFrom(0, 1),
  });
  const limits = fc.record({ maxQty: fc.integer({ min: 1, max: 300 }), maxHeld: fc.integer({ min: 0, max: 1000 }) });

  for (const name of ['market-maker', 'market-maker-bps']) {
    test(`${name}: quotes never cross each other, sizes are whole and within the limits`, () => {
      fc.assert(
        fc.property(fc.array(top, { minLength: 1, maxLength: 30 }), parameters, limits, (tops, given, { maxQty, maxHeld }) => {
          const desk = new PaperDesk();
          Object.assign(desk, { maxQty, maxHeld });
          const strategy = desk.make(name, name === 'market-maker' ? given : {
            spreadBps: given.halfSpread + 1, quoteSize: given.baseQty, maxInventory: maxHeld + 1, quoteRefreshNanos: given.minSpread + 1,
            skewFactor: given.positionSkewFactor,
          });
          for (const { bid, spread, bidQty, askQty, fillSide, fillShare } of tops) {
            desk.nowNs += bid % 40;
            desk.top(strategy, bid, bidQty, bid + spread, askQty);
            const [bidTicks, askTicks] = [desk.quoteTicks(0, Side.Buy), desk.quoteTicks(0, Side.Sell)];
            for (const side of [Side.Buy, Side.Sell]) {
              const qty = desk.quoteQty(0, side);
              assert.ok(Number.isInteger(qty) && qty <= maxQty, `${qty} of at most ${maxQty}`);
              assert.ok(qty === 0 || qty <= maxHeld - side * desk.positions.position(0), `${qty} beyond the position`);
              assert.ok(Number.isInteger(desk.quoteTicks(0, side)));
            }
            if (bidTicks !== NONE && askTicks !== NONE) assert.ok(bidTicks < askTicks, `${bidTicks} × ${askTicks}`);
            if (!desk.features.known(0)) assert.deepEqual([bidTicks, askTicks], [NONE, NONE]);
            if (fillSide !== 0 && desk.quoteQty(0, fillSide) > 0) {
              desk.fill(strategy, fillSide, desk.quoteTicks(0, fillSide), Math.ceil(desk.quoteQty(0, fillSide) * fillShare));
            }
          }
        }),
        { numRuns: 300 },
      );
    });

    test(`${name}: the same events lead to the same calls`, () => {
      fc.assert(
        fc.property(fc.array(top, { minLength: 1, maxLength: 30 }), (tops) => {
          const run = (): string[] => {
            const desk = new PaperDesk();
            const strategy = desk.make(name);
            return tops.flatMap(({ bid, spread, bidQty, askQty, fillSide }) => {
              desk.nowNs += bid * 1000;
              const calls = [...desk.top(strategy, bid, bidQty, bid + spread, askQty)];
              if (fillSide !== 0 && desk.quoteQty(0, fillSide) > 0) calls.push(...desk.fill(strategy, fillSide, bid, 1));
              return calls;
            });
          };
          assert.deepEqual(run(), run());
        }),
        { numRuns: 50 },
      );
    });
  }
});

describe('refusals', () => {
  test('after a refusal it waits, longer each time, until something is accepted', () => {
    const desk = new PaperDesk();
    const strategy = maker(desk);
    desk.refusal = Reason.Loss;
    const top = (): string[] => desk.top(strategy, 9990, 10, 10_010, 10);
    const refused = ['quote 0 buy 9950 100 refused', 'quote 0 sell 10050 100 refused'];
    for (const pauseMs of [100, 200, 400]) {
      assert.deepEqual(top(), refused);
      desk.afterMs(pauseMs - 1);
      assert.deepEqual(top(), [], `still waiting after ${pauseMs - 1} ms`);
      desk.afterMs(1);
    }
    desk.refusal = Reason.None;
    assert.deepEqual(top(), ['quote 0 buy 9950 100', 'quote 0 sell 10050 100']);
    desk.accept(strategy);
    assert.deepEqual(desk.reject(strategy, Reason.State), []);
    desk.afterMs(99);
    assert.deepEqual(top(), []);
    desk.afterMs(1);
    assert.deepEqual(top(), ['quote 0 buy 9950 100', 'quote 0 sell 10050 100'], 'after an accept, 100 ms again');
  });

  test('messages that cross on their way are no refusal', () => {
    for (const reason of [Reason.SelfTrade, Reason.UnknownOrder, Reason.TooLate]) {
      const desk = new PaperDesk();
      const strategy = maker(desk);
      desk.top(strategy, 9990, 10, 10_010, 10);
      desk.reject(strategy, reason);
      assert.deepEqual(desk.top(strategy, 9990, 10, 10_010, 10), ['quote 0 buy 9950 100', 'quote 0 sell 10050 100']);
    }
  });

  test('what had to wait is placed by the timer when the market is quiet', () => {
    const desk = new PaperDesk();
    const strategy = maker(desk);
    desk.top(strategy, 9990, 10, 10_010, 10, 1);
    assert.equal(strategy.needsTimer?.(), false);
    desk.reject(strategy, Reason.State, 1);
    assert.equal(strategy.needsTimer?.(), true, 'a process that rests wakes for it');
    const timer = (): string[] => desk.during(() => strategy.onTimer?.(desk));
    // Of this one nothing has been told yet, so nothing waits.
    desk.features.onTop(2, 9990, 10, 10_010, 10);
    desk.afterMs(50);
    assert.deepEqual(timer(), []);
    desk.afterMs(50);
    assert.deepEqual(timer(), ['quote 1 buy 9950 100', 'quote 1 sell 10050 100']);
    assert.deepEqual(timer(), []);
  });
});
