// The market maker in basis points: its formulas by hand, the skew, the refresh interval.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Side } from '../../book/types.ts';
import { PRICE_TICKS_NONE } from '../instruments.ts';
import { PaperDesk } from './paper_desk.ts';

const NAME = 'market-maker-bps';
/** Bid and ask that are quoted with `position` around a mid of 10,000. */
type QuotesAt = (position: number) => readonly [bid: number, ask: number];

function quotesAt(parameters: Readonly<Record<string, number>>, position: number): readonly [number, number] {
  const desk = new PaperDesk();
  desk.hold(position);
  desk.maxHeld = 10_000;
  desk.top(desk.make(NAME, parameters), 9990, 10, 10_010, 10);
  return [desk.quoteTicks(0, Side.Buy), desk.quoteTicks(0, Side.Sell)];
}

describe('prices', () => {
  // mid 10000 (100.00)
  const table: readonly (readonly [what: string, parameters: Record<string, number>, position: number, bid: number, ask: number])[] = [
    // half = 10000 · 10 / 20000 = 5
    ['flat', {}, 0, 9995, 10_005],
    // half = 10000 · 3 / 20000 = 1.5: 9998.5 down, 10001.5 up
    ['rounded outwards', { spread_bps: 3 }, 0, 9998, 10_002],
    // half = 10000 · 1 / 20000 = 0.5, at least 10000 · 2 / 10000 = 2
    ['the least edge', { spread_bps: 1, min_edge_bps: 2 }, 0, 9998, 10_002],
    // half 20; shift = 0.3 · 0.5 · 20 = 3: both down
    ['long', { spread_bps: 40 }, 300, 9977, 10_017],
    // shift −3: both up
    ['short', { spread_bps: 40 }, -300, 9983, 10_023],
    // shift = 0.1 · 0.5 · 5 = 0.25: 9994.75 down, 10004.75 up
    ['a shift of less than a tick moves the side that it takes over the edge', {}, 100, 9994, 10_005],
    // inventory beyond the maximum counts as the maximum: shift 20; the side that adds is not quoted
    ['beyond the maximum', { spread_bps: 40, skew_factor: 1, max_inventory: 1000 }, 5000, PRICE_TICKS_NONE, 10_000],
    ['full skew', { spread_bps: 40, skew_factor: 1, max_inventory: 1000 }, 999, 9960, 10_001],
  ];
  for (const [what, parameters, position, bid, ask] of table) {
    test(what, () => assert.deepEqual(quotesAt(parameters, position), [bid, ask]));
  }

  test('no quote is priced to trade at once, however large the skew', () => {
    for (const position of [-1000, -999, 0, 999, 1000]) {
      for (const spread of [1, 2, 3]) {
        const desk = new PaperDesk();
        desk.maxHeld = 10_000;
        desk.hold(position);
        desk.top(desk.make(NAME, { spread_bps: 50, skew_factor: 1, max_inventory: 1001 }), 10_000, 10, 10_000 + spread, 10);
        assert.ok(desk.quoteTicks(0, Side.Buy) < 10_000 + spread && desk.quoteTicks(0, Side.Sell) > 10_000);
      }
    }
  });

  test('not trading: nothing is done; unknown: withdrawn; the end: withdrawn', () => {
    const desk = new PaperDesk();
    const strategy = desk.make(NAME);
    desk.trading = false;
    assert.deepEqual(desk.top(strategy, 9990, 10, 10_010, 10), []);
    desk.trading = true;
    assert.equal(desk.top(strategy, 9990, 10, 10_010, 10).length, 2);
    assert.deepEqual(desk.top(strategy, 9990, 10, PRICE_TICKS_NONE, 0), ['withdraw 0 buy', 'withdraw 0 sell']);
    desk.afterMs(1);
    desk.top(strategy, 9990, 10, 10_010, 10);
    assert.deepEqual(desk.during(() => strategy.onStop?.(desk)), ['withdraw 0 buy', 'withdraw 0 sell']);
  });

  test('around the mid, and a negative price has a width too', () => {
    const desk = new PaperDesk([{
      ticker: 1, symbol: 'OIL', decimals: 2, tickUnits: 1, lotSize: 1, minPriceTicks: -100_000, maxPriceTicks: 100_000,
    }]);
    const strategy = desk.make(NAME, { quoteRefreshNanos: 1 });
    assert.deepEqual(desk.top(strategy, -3710, 10, -3690, 10), ['quote 0 buy -3702 100', 'quote 0 sell -3698 100']);
    // A mid of 0 has no width: nothing can be quoted.
    assert.deepEqual(desk.top(strategy, -10, 10, 10, 10), ['withdraw 0 sell', 'withdraw 0 buy']);
  });
});

describe('skew', () => {
  /** Both sides fall as the position rises, and stay near the mid. */
  function checkSkew(at: QuotesAt): void {
    let last = at(-900);
    for (let position = -800; position <= 900; position += 100) {
      const now = at(position);
      for (const [side, what] of [[0, 'bid'], [1, 'ask']] as const) {
        assert.ok(now[side] < last[side], `${what} at ${position}: ${now[side]}, before ${last[side]}`);
        assert.ok(Math.abs(now[side] - 10_000) < 100, `${what} at ${position}: ${now[side]}`);
      }
      last = now;
    }
  }
  const half = 40;
  const shiftOf = (position: number): number => (position / 1000) * half;

  test('both sides are shifted by the signed skew (known mistake 32)', () => {
    checkSkew((position) => quotesAt({ spread_bps: 80, skew_factor: 1, max_inventory: 1000 }, position));
  });

  test('a skew that only ever moves one side is found (known mistake 32, planted)', () => {
    const oneSided: QuotesAt = (position) => [
      10_000 - half - Math.max(shiftOf(position), 0), 10_000 + half - Math.min(shiftOf(position), 0),
    ];
    assert.throws(() => checkSkew(oneSided), /bid at -800/);
  });

  test('a skew cast to unsigned is found (known mistake 32, planted)', () => {
    const unsigned: QuotesAt = (position) => [
      10_000 - half - (shiftOf(position) >>> 0), 10_000 + half - (shiftOf(position) >>> 0),
    ];
    assert.throws(() => checkSkew(unsigned), /at -800: -42949/);
  });
});

describe('sizes', () => {
  const table: readonly (readonly [position: number, bidQty: number, askQty: number])[] = [
    [0, 60, 60],
    [100, 50, 60], // 150 − 100 left on the side that adds
    [-100, 60, 50],
    [150, 0, 60],
    [-150, 60, 0],
    [200, 0, 60],
  ];
  for (const [position, bidQty, askQty] of table) {
    test(`position ${position}: bid ${bidQty}, ask ${askQty}`, () => {
      const desk = new PaperDesk();
      desk.hold(position);
      desk.top(desk.make(NAME, { quote_size: 60, max_inventory: 150 }), 9990, 10, 10_010, 10);
      assert.deepEqual([desk.quoteQty(0, Side.Buy), desk.quoteQty(0, Side.Sell)], [bidQty, askQty]);
    });
  }

  test('the limits of the risk gate hold too', () => {
    const desk = new PaperDesk();
    Object.assign(desk, { maxQty: 30, maxHeld: 20 });
    desk.top(desk.make(NAME), 9990, 10, 10_010, 10);
    assert.deepEqual([desk.quoteQty(0, Side.Buy), desk.quoteQty(0, Side.Sell)], [20, 20]);
  });
});

describe('refresh', () => {
  const refresh = { quote_refresh_nanos: 5_000_000 };

  test('no new quote within the interval, on either side', () => {
    const desk = new PaperDesk();
    const strategy = desk.make(NAME, refresh);
    const top = (mid: number): string[] => desk.top(strategy, mid - 10, 10, mid + 10, 10);
    assert.equal(top(10_000).length, 2);
    desk.afterMs(4.9);
    assert.deepEqual(top(10_100), []);
    assert.deepEqual(desk.fill(strategy, Side.Buy, 9995, 100), []);
    desk.afterMs(0.1);
    // Of two changes that are due at once the second is not held up by the first.
    assert.equal(top(10_100).length, 2);
    assert.deepEqual(top(10_200), []);
  });

  test('what had to wait comes with the timer, once', () => {
    const desk = new PaperDesk();
    const strategy = desk.make(NAME, refresh);
    desk.top(strategy, 9990, 10, 10_010, 10);
    desk.top(strategy, 9980, 10, 10_000, 10);
    const timer = (): string[] => desk.during(() => strategy.onTimer?.(desk));
    assert.deepEqual(timer(), []);
    desk.afterMs(5);
    assert.deepEqual(timer(), ['quote 0 buy 9985 100', 'quote 0 sell 9995 100']);
    desk.afterMs(5);
    assert.deepEqual(timer(), []);
  });

  test('a withdrawal does not wait', () => {
    const desk = new PaperDesk();
    const strategy = desk.make(NAME, refresh);
    desk.top(strategy, 9990, 10, 10_010, 10);
    assert.deepEqual(desk.top(strategy, 10_010, 10, 9990, 10), ['withdraw 0 buy', 'withdraw 0 sell']);
  });

  test('a quote that may not move yet but has become too large is reduced where it stands', () => {
    const desk = new PaperDesk();
    const strategy = desk.make(NAME, { ...refresh, quote_size: 100, max_inventory: 100 });
    desk.top(strategy, 9990, 10, 10_010, 10);
    desk.hold(30); // bought by another way than this quote
    desk.afterMs(1);
    assert.deepEqual(desk.top(strategy, 10_090, 10, 10_110, 10), ['quote 0 buy 9995 70']);
  });
});
