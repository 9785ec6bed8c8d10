import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Reason } from '../book/types.ts';
import { fuzzLedger } from './exposure_ledger.fuzz.ts';
import { LEDGER_LIMIT_NONE, LEDGER_LIMITS_NONE, LEDGER_QTY_MAX, LocalLedger, type LedgerLimits } from './exposure_ledger.ts';
import { MID2_NONE } from './instruments.ts';

const BUY = 1;
const SELL = -1;
const SECOND_NS = 1e9;
const SEEDS = Number(process.env['OUTCRY_LEDGER_SEEDS'] ?? 40);

function ledgerOf(limits: Partial<LedgerLimits> = {}, moneyPerTick: number[] = [1, 1]): LocalLedger {
  const ledger = LocalLedger.create(moneyPerTick, 10);
  ledger.setLimits({ ...LEDGER_LIMITS_NONE, ...limits });
  return ledger;
}

test('open orders count as if they were filled: position 90, limit 100, two BUY 10 do not both pass', () => {
  const ledger = ledgerOf({ positionMax: 100 });
  ledger.filled(0, BUY, 50, 90, 0);
  assert.equal(ledger.tryReserve(0, BUY, 10, 0), Reason.None);
  assert.equal(ledger.tryReserve(0, BUY, 10, 0), Reason.Position);
  assert.equal(ledger.tryReserve(1, BUY, 100, 0), Reason.None, 'another book');
  ledger.release(0, BUY, 10);
  assert.equal(ledger.tryReserve(0, BUY, 10, 0), Reason.None);
});

test('a fill turns open into position and leaves the worst case alone; the rest goes with the order', () => {
  const ledger = ledgerOf();
  ledger.tryReserve(0, SELL, 10, 0);
  ledger.filled(0, SELL, 100, 4, 4);
  assert.deepEqual([ledger.view.position(0), ledger.view.openSellQty(0), ledger.view.worstShort(0)], [-4, 6, 10]);
  assert.equal(ledger.view.openOrdersTotal, 1);
  ledger.release(0, SELL, 6);
  assert.deepEqual([ledger.view.position(0), ledger.view.openSellQty(0), ledger.view.exposure(0)], [-4, 0, 4]);
  assert.equal(ledger.view.openOrdersTotal, 0);
});

test('reducing orders pass the layers of position, loss, open orders and value, as far as they cannot end beyond flat', () => {
  const ledger = ledgerOf({ positionMax: 5, openOrdersMax: 0, stopLoss: 1, portfolioValueMax: 0, positionTotalMax: 0 });
  ledger.filled(0, BUY, 100, 10, 0);
  ledger.mark(0, 150);
  assert.equal(ledger.stopLossHit, true);
  assert.equal(ledger.tryReserve(0, BUY, 1, 0), Reason.Loss);
  assert.equal(ledger.tryReserve(0, SELL, 6, 0), Reason.None);
  assert.equal(ledger.tryReserve(0, SELL, 5, 0), Reason.Loss, '6 are open already: 11 would flip');
  assert.equal(ledger.tryReserve(0, SELL, 4, 0), Reason.None);
  ledger.kill();
  assert.equal(ledger.tryReserve(0, SELL, 1, 0), Reason.Killed, 'killed is killed');
});

test('the position of all books together', () => {
  const ledger = ledgerOf({ positionTotalMax: 100 });
  assert.equal(ledger.tryReserve(0, BUY, 60, 0), Reason.None);
  assert.equal(ledger.tryReserve(1, SELL, 41, 0), Reason.Position);
  assert.equal(ledger.tryReserve(1, SELL, 40, 0), Reason.None);
  assert.equal(ledger.tryReserve(0, SELL, 60, 0), Reason.None, 'the other side of a book is not its worst case');
  assert.equal(ledger.tryReserve(0, SELL, 1, 0), Reason.Position);
  assert.equal(ledger.view.exposureTotal, 100);
});

test('open orders of all books together', () => {
  const ledger = ledgerOf({ openOrdersMax: 2 });
  assert.equal(ledger.tryReserve(0, BUY, 1, 0), Reason.None);
  assert.equal(ledger.tryReserve(1, BUY, 1, 0), Reason.None);
  assert.equal(ledger.tryReserve(0, BUY, 1, 0), Reason.OpenOrders);
  assert.equal(ledger.tryAdjust(0, BUY, 5, 0), Reason.None, 'a larger order is not one more');
  ledger.filled(0, BUY, 10, 6, 6);
  ledger.release(0, BUY, 0);
  assert.equal(ledger.tryReserve(0, BUY, 1, 0), Reason.None);
  assert.deepEqual([ledger.view.openOrders(0), ledger.view.openOrders(1)], [1, 1]);
});

test('gross value counts both sides of the book at the mark, in portfolio money', () => {
  const ledger = ledgerOf({ portfolioValueMax: 100_000 }, [1, 10]);
  assert.equal(ledger.tryReserve(0, BUY, 1, 0), Reason.StaleMarketData, 'a book without a mark');
  ledger.mark(0, 2 * 500);
  ledger.mark(1, -2 * 20); // prices below zero count by their size
  assert.equal(ledger.tryReserve(0, BUY, 100, 0), Reason.None);
  assert.equal(ledger.view.grossValue2, 2 * 50_000);
  assert.equal(ledger.tryReserve(1, SELL, 251, 0), Reason.Notional);
  assert.equal(ledger.tryReserve(1, SELL, 250, 0), Reason.None);
  assert.equal(ledger.view.grossValue2, 2 * 100_000);
  ledger.mark(0, 2 * 600);
  assert.equal(ledger.view.grossValue2, 2 * 110_000, 'a mark may lift it above the limit');
  assert.equal(ledger.tryReserve(1, BUY, 1, 0), Reason.Notional, 'then nothing passes that is not reducing');
});

test('a book that is exposed and not marked stops what money limits, in all books, until it is marked or flat', () => {
  const ledger = ledgerOf({ portfolioValueMax: 1_000_000 });
  ledger.mark(0, 20);
  ledger.reserve(1, BUY, 5);
  assert.equal(ledger.view.valueKnown, false);
  assert.equal(ledger.tryReserve(0, BUY, 1, 0), Reason.StaleMarketData);
  ledger.mark(1, 30);
  assert.equal(ledger.tryReserve(0, BUY, 1, 0), Reason.None);
  ledger.mark(1, MID2_NONE);
  assert.equal(ledger.tryReserve(0, BUY, 1, 0), Reason.StaleMarketData);
  ledger.release(1, BUY, 5);
  assert.equal(ledger.tryReserve(0, BUY, 1, 0), Reason.None);
});

test('profit is cash and position at the mark; at the stop loss it stops until reset', () => {
  const ledger = ledgerOf({ stopLoss: 1000 }, [1, 10]);
  ledger.filled(1, BUY, 100, 10, 0);
  assert.equal(ledger.view.pnlKnown, false);
  assert.equal(ledger.tryReserve(0, BUY, 1, 0), Reason.StaleMarketData, 'no mark, no known profit');
  ledger.mark(1, 201);
  assert.equal(ledger.view.pnl2, 10 * (201 - 200) * 10);
  ledger.mark(1, 181);
  assert.deepEqual([ledger.view.pnl2, ledger.stopLossHit], [-1900, false]);
  ledger.mark(1, 180);
  assert.deepEqual([ledger.view.pnl2, ledger.stopLossHit], [-2000, true]);
  ledger.mark(1, 300);
  assert.equal(ledger.tryReserve(0, BUY, 1, 0), Reason.Loss, 'it stays');
  ledger.reset();
  assert.equal(ledger.tryReserve(0, BUY, 1, 0), Reason.None);
  ledger.filled(1, SELL, 150, 10, 0, 7);
  assert.equal(ledger.view.pnl2, 2 * (500 - 7) * 10, 'flat: realised, fees taken off');
});

test('a fee is paid on either side', () => {
  const ledger = ledgerOf();
  ledger.filled(0, BUY, 10, 1, 0, 2);
  ledger.filled(0, SELL, 10, 1, 0, 3);
  assert.equal(ledger.view.cash(0), -5);
});

test('at most so many orders within any second, also across seconds and after the limit changed', () => {
  const ledger = ledgerOf({ ordersPerSecond: 3 });
  const send = (atMs: number): Reason => ledger.tryReserve(0, BUY, 1, atMs * 1e6);
  assert.deepEqual([send(0), send(900), send(950), send(990)], [Reason.None, Reason.None, Reason.None, Reason.Rate]);
  assert.deepEqual([send(1000), send(1001), send(1899), send(1900)], [Reason.None, Reason.Rate, Reason.Rate, Reason.None]);
  assert.equal(ledger.tryAdjust(0, BUY, -1, 1900 * 1e6), Reason.Rate, 'a modify counts');
  ledger.setLimits({ ...LEDGER_LIMITS_NONE, ordersPerSecond: 5 });
  assert.deepEqual([send(1901), send(1902), send(1903)], [Reason.None, Reason.None, Reason.Rate]);
  ledger.setLimits({ ...LEDGER_LIMITS_NONE, ordersPerSecond: 1 });
  assert.equal(ledger.tryReserve(0, BUY, 1, 1902 * 1e6 + SECOND_NS - 1), Reason.Rate);
  assert.equal(ledger.tryReserve(0, BUY, 1, 1902 * 1e6 + SECOND_NS), Reason.None);
});

test('a refused order leaves no trace', () => {
  const ledger = ledgerOf({ positionMax: 10 });
  const before = ledger.view.numbers.slice();
  for (const qty of [11, 0]) assert.notEqual(ledger.tryReserve(0, BUY, qty, 5), Reason.None);
  assert.deepEqual(ledger.view.numbers, before);
});

test('what cannot be an order is refused by its reason', () => {
  const ledger = ledgerOf();
  for (const book of [-1, 2, 0.5, NaN]) assert.equal(ledger.tryReserve(book, BUY, 1, 0), Reason.UnknownTicker);
  for (const side of [0, 2, NaN]) assert.equal(ledger.tryReserve(0, side, 1, 0), Reason.Side);
  for (const qty of [0, -1, 0.5, NaN, 2 ** 32]) assert.equal(ledger.tryReserve(0, BUY, qty, 0), Reason.Quantity);
});

test('sums beyond 32 bits are exact, and no position leaves its bounds', () => {
  const ledger = ledgerOf();
  ledger.filled(0, BUY, 1, 3e9, 0);
  ledger.filled(0, BUY, 1, 2e9, 0);
  assert.equal(ledger.view.position(0), 5e9);
  assert.equal(ledger.tryReserve(0, BUY, 0xffff_ffff, 0), Reason.None);
  assert.equal(ledger.view.worstLong(0), 5e9 + 0xffff_ffff);
  while (ledger.tryReserve(1, SELL, 0xffff_ffff, 0) === Reason.None);
  assert.ok(ledger.view.worstShort(1) <= LEDGER_QTY_MAX, 'no limit still means the bound');
  assert.throws(() => {
    for (;;) ledger.filled(0, BUY, 1, 0xffff_ffff, 0);
  }, /a position stays within its bounds/);
});

test('money beyond its bounds is unknown, never wrong', () => {
  const ledger = ledgerOf({ stopLoss: 1e9 }, [1e12, 1]);
  ledger.mark(0, 2 ** 31 + 2);
  ledger.filled(0, BUY, 2 ** 30, 1_000_000, 0);
  assert.deepEqual([ledger.view.valueKnown, ledger.view.pnlKnown], [false, false]);
  assert.equal(ledger.tryReserve(1, BUY, 1, 0), Reason.StaleMarketData);
  ledger.filled(0, SELL, 2 ** 30, 1_000_000, 0);
  assert.deepEqual([ledger.view.valueKnown, ledger.view.pnlKnown], [true, true], 'flat again, and the cash was exact');
  for (let i = 0; i < 2; i += 1) ledger.filled(0, BUY, 2 ** 31 - 1, 2 ** 20, 0);
  for (let i = 0; i < 2; i += 1) ledger.filled(0, SELL, 2 ** 31 - 1, 2 ** 20, 0);
  assert.equal(ledger.view.pnlKnown, false, 'once a sum was not kept, nothing brings it back');
});

test('a profit within its bounds is unknown when what it is made of was not exact', () => {
  const ledger = ledgerOf({}, [1]);
  ledger.filled(0, BUY, 2 ** 31 - 1, 2 ** 20, 0);
  ledger.mark(0, 2 ** 32 - 1);
  assert.equal(ledger.view.pnl2, 2 ** 20);
  ledger.filled(0, BUY, 0, 2 ** 20 + 1, 0); // now position × mark2 is odd and beyond 2^53
  assert.equal(ledger.view.pnlKnown, false);
});

test('the difference of two profits may be beyond 2^53: the old one is taken off first', () => {
  // Found by the fuzzer: `total += new - old` lost a unit when one book swung from a large profit to a large loss.
  const ledger = ledgerOf({}, [1_000_003]);
  ledger.filled(0, BUY, 0, 2_000_001, 0);
  ledger.mark(0, 4001);
  ledger.mark(0, -3502);
  assert.equal(BigInt(ledger.view.pnl2), -3502n * 2_000_001n * 1_000_003n);
});

test('what was never counted cannot be taken away', () => {
  const ledger = ledgerOf();
  assert.throws(() => ledger.release(0, BUY, 0), /an order that ends was counted/);
  ledger.tryReserve(0, BUY, 5, 0);
  assert.throws(() => ledger.adjust(0, BUY, -6), /only what is open is taken away/);
  assert.throws(() => ledger.filled(0, BUY, 1, 5, 6), /a fill uses at most itself/);
  assert.throws(() => ledger.filled(0, BUY, 0.5, 5, 5), /the money of a fill is whole/);
  assert.throws(() => ledger.mark(2, 5), /a mark is of a book/);
  assert.throws(() => ledger.mark(0, NaN), /a mark is whole/);
});

test('limits that cannot be are refused with the value, and the old ones stay', () => {
  const ledger = ledgerOf({ positionMax: 5 });
  for (const [limits, message] of [
    [{ positionMax: -1 }, /positionMax: expected a whole number 0 … 1099511627776 or LEDGER_LIMIT_NONE, was -1/],
    [{ ordersPerSecond: 11 }, /ordersPerSecond: expected a whole number 1 … 10 or LEDGER_LIMIT_NONE, was 11/],
    [{ ordersPerSecond: 0 }, /was 0/],
    [{ portfolioValueMax: NaN }, /portfolioValueMax: .* was NaN/],
    [{ stopLoss: 0 }, /stopLoss: expected a whole number 1 … .*, was 0/],
    [{ openOrdersMax: 1.5 }, /openOrdersMax: .* was 1.5/],
  ] as [Partial<LedgerLimits>, RegExp][]) {
    assert.throws(() => ledger.setLimits({ ...LEDGER_LIMITS_NONE, ...limits }), message);
  }
  assert.equal(ledger.tryReserve(0, BUY, 6, 0), Reason.Position);
  assert.equal(LEDGER_LIMIT_NONE, Number.MAX_SAFE_INTEGER);
});

test('random operations agree with the twin, and every layer refuses now and then', () => {
  const reasons = new Map<number, number>();
  for (let seed = 1; seed <= SEEDS; seed += 1) {
    for (const [reason, times] of fuzzLedger(seed, 400)) reasons.set(reason, (reasons.get(reason) ?? 0) + times);
  }
  for (const reason of [
    Reason.None, Reason.Quantity, Reason.Killed, Reason.Rate, Reason.Loss, Reason.StaleMarketData, Reason.OpenOrders, Reason.Position,
    Reason.Notional,
  ]) assert.ok((reasons.get(reason) ?? 0) >= 10, `reason ${reason} came ${reasons.get(reason) ?? 0} times`);
});
