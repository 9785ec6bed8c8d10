// The quoter by itself: what stays, what moves, what waits and for how long, in which order.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Reason, Side } from '../../book/types.ts';
import { OrderStatus } from '../order_manager.ts';
import { PaperDesk } from './paper_desk.ts';
import { askTicksOf, bidTicksOf, PAUSE_MAX_NS, PAUSE_MIN_NS, Quoter, roomOf, wholeLots } from './quoter.ts';

type Wanted = [bidTicks: number, bidQty: number, askTicks: number, askQty: number];

/** A quoter on a desk; each `want` comes a nanosecond after the last. */
function quoterOn(desk: PaperDesk, thresholdTicks: number, refreshNs = 1): { quoter: Quoter; want: (...wanted: Wanted) => string[] } {
  const thresholds = new Float64Array(desk.instruments.count).fill(thresholdTicks);
  const quoter = new Quoter(desk.instruments, thresholds, refreshNs);
  return {
    quoter,
    want: (...wanted) => {
      desk.nowNs++;
      return desk.during(() => quoter.want(desk, 0, ...wanted));
    },
  };
}

test('what floats lose costs neither a tick nor a lot', () => {
  // 1000.1 − 0.1 · 1 is 1000.0000000000001 less than meant in one order of summation, more in another.
  assert.deepEqual([bidTicksOf(9994.9999999999), bidTicksOf(9995), bidTicksOf(9995.5)], [9995, 9995, 9995]);
  assert.deepEqual([askTicksOf(10_005.0000000001), askTicksOf(10_005), askTicksOf(10_004.5)], [10_005, 10_005, 10_005]);
  assert.deepEqual([bidTicksOf(-0.5), askTicksOf(-0.5)].map((ticks) => ticks + 0), [-1, 0]);
  assert.deepEqual([wholeLots(94.99999999999, 1), wholeLots(95.9, 1), wholeLots(95, 30)], [95, 95, 90]);
  assert.deepEqual([wholeLots(0.5, 1), wholeLots(0, 1), wholeLots(-5, 1), wholeLots(NaN, 1)], [0, 0, 0, 0]);
  assert.deepEqual([roomOf(Side.Buy, 30, 100), roomOf(Side.Sell, 30, 100), roomOf(Side.Buy, 130, 100)], [70, 130, 0]);
});

describe('what stays and what moves', () => {
  test('less than the threshold away: stays', () => {
    const desk = new PaperDesk();
    const { want } = quoterOn(desk, 5);
    assert.deepEqual(want(100, 10, 120, 10), ['quote 0 buy 100 10', 'quote 0 sell 120 10']);
    assert.deepEqual(want(104, 10, 116, 10), []);
    assert.deepEqual(want(105, 10, 116, 10), ['quote 0 buy 105 10']);
    assert.deepEqual(want(105, 10, 125, 10), ['quote 0 sell 125 10']);
  });

  test('a quantity that has become too large is reduced, one too small is left alone', () => {
    const desk = new PaperDesk();
    const { want } = quoterOn(desk, 5);
    want(100, 10, 120, 10);
    assert.deepEqual(want(102, 7, 120, 15), ['quote 0 buy 100 7']);
    assert.deepEqual(want(102, 9, 120, 15), []);
    assert.deepEqual(want(102, 0, 120, 15), ['withdraw 0 buy']);
  });

  test('a quote that stays never lets the other side meet it', () => {
    const desk = new PaperDesk();
    const { want } = quoterOn(desk, 50);
    want(100, 0, 110, 10);
    // The ask may stay at 110 by its threshold, the new bid is 110 too: both move, the ask first.
    assert.deepEqual(want(110, 10, 140, 10), ['quote 0 sell 140 10', 'quote 0 buy 110 10']);
  });

  test('outside of the price range of the instrument a side is left out, above and below', () => {
    const desk = new PaperDesk([{
      ticker: 1, symbol: 'A', decimals: 2, tickUnits: 1, lotSize: 1, minPriceTicks: 50, maxPriceTicks: 200,
    }]);
    const { want } = quoterOn(desk, 0);
    assert.deepEqual(want(50, 1, 200, 1), ['quote 0 buy 50 1', 'quote 0 sell 200 1']);
    assert.deepEqual(want(49, 1, 199, 1), ['withdraw 0 buy', 'quote 0 sell 199 1']);
    assert.deepEqual(want(60, 1, 201, 1), ['quote 0 buy 60 1', 'withdraw 0 sell']);
  });

  test('a bid at or above its ask is no pair of quotes', () => {
    const desk = new PaperDesk();
    const { want } = quoterOn(desk, 0);
    want(100, 1, 101, 1);
    assert.equal(want(101, 1, 101, 1).length, 2);
    assert.deepEqual([desk.quoteQty(0, Side.Buy), desk.quoteQty(0, Side.Sell)], [0, 0]);
  });
});

describe('what waits', () => {
  test('the refresh interval: nothing moves, nothing is withdrawn, what is too large is reduced', () => {
    const desk = new PaperDesk();
    const { quoter, want } = quoterOn(desk, 0, 100);
    want(100, 10, 120, 10);
    assert.deepEqual(want(101, 10, 121, 4), ['quote 0 sell 120 4']);
    assert.ok(quoter.isWaiting(0));
    desk.nowNs += 100;
    assert.deepEqual(want(101, 10, 121, 4), ['quote 0 buy 101 10', 'quote 0 sell 121 4']);
    assert.deepEqual([quoter.isWaiting(0), quoter.waitingCount], [false, 0]);
  });

  test('a reduction is no new quote: it starts no interval', () => {
    const desk = new PaperDesk();
    const { want } = quoterOn(desk, 0, 100);
    want(100, 10, 120, 10);
    desk.nowNs += 100;
    want(100, 4, 120, 10);
    assert.deepEqual(want(101, 4, 121, 10), ['quote 0 buy 101 4', 'quote 0 sell 121 10']);
  });

  test('an interval of 0 is one: never two changes at one instant', () => {
    const desk = new PaperDesk();
    const quoter = new Quoter(desk.instruments, new Float64Array(3), 0);
    quoter.want(desk, 0, 100, 1, 120, 1);
    assert.deepEqual(desk.during(() => quoter.want(desk, 0, 101, 1, 121, 1)), []);
  });

  test('a move that is refused withdraws its quote; the other side goes on', () => {
    const desk = new PaperDesk();
    const { quoter, want } = quoterOn(desk, 0);
    want(100, 10, 120, 10);
    desk.refusal = Reason.Position;
    assert.deepEqual(want(101, 10, 120, 10), ['quote 0 buy 101 10 refused', 'withdraw 0 buy']);
    desk.refusal = Reason.None;
    assert.deepEqual(want(101, 10, 121, 10), ['quote 0 sell 121 10'], 'the bid pauses, the ask does not');
    assert.equal(quoter.waitingCount, 1);
    desk.nowNs += PAUSE_MIN_NS;
    assert.deepEqual(want(101, 10, 121, 10), ['quote 0 buy 101 10']);
    assert.equal(quoter.waitingCount, 0);
  });

  test('while it pauses, a quote that should move is withdrawn, one that serves stays', () => {
    const desk = new PaperDesk();
    const { quoter, want } = quoterOn(desk, 5);
    want(100, 10, 120, 10);
    quoter.onOrder(desk, 0, OrderStatus.Done, Reason.State);
    assert.deepEqual(want(104, 10, 130, 10), ['withdraw 0 sell']);
    assert.deepEqual(want(104, 3, 130, 10), ['quote 0 buy 100 3']);
  });

  test('pauses double up to 6.4 s; several refusals at once are one; an accepted order ends it', () => {
    const desk = new PaperDesk();
    const { quoter, want } = quoterOn(desk, 0);
    const pauses: number[] = [];
    for (let i = 0; i < 9; i++) {
      const before = desk.nowNs;
      quoter.onOrder(desk, 0, OrderStatus.Done, Reason.State);
      quoter.onOrder(desk, 0, OrderStatus.Done, Reason.Rate);
      while (want(100, 1, 120, 1).length === 0) desk.nowNs += PAUSE_MIN_NS - 1;
      pauses.push(Math.round((desk.nowNs - before) / PAUSE_MIN_NS));
      quoter.withdraw(desk, 0);
    }
    assert.deepEqual(pauses, [1, 2, 4, 8, 16, 32, 64, 64, 64]);
    assert.equal(PAUSE_MAX_NS, 6.4e9);
    quoter.onOrder(desk, 0, OrderStatus.Live, Reason.None);
    quoter.onOrder(desk, 0, OrderStatus.Done, Reason.State);
    desk.nowNs += PAUSE_MIN_NS;
    assert.equal(want(100, 1, 120, 1).length, 2, 'both sides, after the shortest pause');
  });

  test('an order that ends as it was asked to pauses nothing', () => {
    const desk = new PaperDesk();
    const { quoter, want } = quoterOn(desk, 0);
    quoter.onOrder(desk, 0, OrderStatus.Done, Reason.None);
    assert.equal(want(100, 1, 120, 1).length, 2);
    assert.equal(quoter.waitingCount, 0);
  });

  test('each instrument by itself', () => {
    const desk = new PaperDesk();
    const { quoter, want } = quoterOn(desk, 0, 1000);
    quoter.onOrder(desk, 1, OrderStatus.Done, Reason.State);
    assert.equal(want(100, 1, 120, 1).length, 2);
    assert.deepEqual([quoter.isWaiting(0), quoter.isWaiting(1), quoter.waitingCount], [false, true, 1]);
    assert.deepEqual(desk.during(() => quoter.want(desk, 2, 100, 1, 120, 1)).length, 2);
    assert.deepEqual(desk.during(() => quoter.withdrawAll(desk)), ['withdraw 0 buy', 'withdraw 0 sell', 'withdraw 2 buy', 'withdraw 2 sell']);
    assert.equal(quoter.waitingCount, 0);
  });
});
