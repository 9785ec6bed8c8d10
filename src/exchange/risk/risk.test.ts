// The gate's tables: beside their twins, at their limits, and the limits that a configuration means.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  type LimitOverride,
  NO_LIMIT,
  plainInstrument,
  RISK_DEFAULT,
  type RiskConfig,
} from '../config.ts';
import { Exposures } from './exposures.ts';
import { LIMIT, LIMIT_FIELDS, LimitTable } from './limit_table.ts';
import { BLOCK_TICKS, PriceRegions } from './price_regions.ts';
import { RateLimiter } from './rate_limiter.ts';
import { fuzzExposures, fuzzRegions } from './risk.fuzz.ts';

const ROUNDS = Number(process.env['RISK_FUZZ_ROUNDS'] ?? 20);

test('random calls: exposures and price regions as their twins', () => {
  for (let seed = 1; seed <= ROUNDS; seed++) {
    fuzzExposures(seed, 1_000);
    fuzzRegions(seed, 1_000);
  }
});

test('quantities of 32 bits add up beyond 2^32, and nothing goes below zero (mistakes 23, 25)', () => {
  const exposures = new Exposures(2, 2);
  const cell = exposures.open(1, 1);
  exposures.changeOpen(cell, 1, 3_000_000_000);
  exposures.reserve(cell, 1, 2_000_000_000);
  assert.equal(exposures.worst(cell, 1), 5_000_000_000);
  assert.throws(() => exposures.changeOpen(cell, 1, -3_000_000_001), /never below zero/);
  assert.throws(() => exposures.changeOpen(cell, -1, -1), /never below zero/);
  assert.throws(() => exposures.changeOpen(cell, 1, 2 ** 53), /exact/);
  assert.throws(() => exposures.drop(1), /holds nothing/);
  const regions = new PriceRegions();
  regions.enter(0, 1, 100);
  assert.throws(() => regions.leave(0, 1, 100 + 4_096), /stood there/);
  assert.throws(() => regions.leaveStop(), /has waited/);
});

test('orders of a block are its levels, up to as many as it has', () => {
  const regions = new PriceRegions();
  for (let i = 0; i < BLOCK_TICKS + 100; i++) regions.enter(0, 1, i % 7);
  assert.deepEqual([regions.blocks, regions.levels], [1, BLOCK_TICKS]);
  for (let i = 0; i < 100; i++) regions.leave(0, 1, i % 7);
  assert.deepEqual([regions.blocks, regions.levels], [1, BLOCK_TICKS]);
  for (let i = 100; i < 150; i++) regions.leave(0, 1, i % 7);
  assert.equal(regions.levels, BLOCK_TICKS - 50);
  regions.checkInvariants();
});

test('a table of exposures that is full says so', () => {
  const exposures = new Exposures(3, 2);
  for (let account = 0; account < 3; account++)
    for (let book = 0; book < 2; book++) assert.ok(exposures.open(account, book) >= 0);
  assert.equal(exposures.count, exposures.capacity);
});

test('rate: so many at once and so many a second, by a clock that is handed in', () => {
  const rate = new RateLimiter(2);
  rate.set(0, 10);
  const taken = (nowNs: number, tries: number): number =>
    Array.from({ length: tries }, () => rate.take(0, nowNs)).filter(Boolean).length;
  assert.equal(taken(5e9, 25), 10, 'ten at once');
  assert.equal(taken(5e9 + 99_999_999, 5), 0);
  assert.equal(taken(5e9 + 1e8, 5), 1, 'then one every tenth of a second');
  assert.equal(taken(5.5e9, 25), 4);
  assert.equal(rate.isFull(0, 6e9), false);
  assert.equal(rate.isFull(0, 6.5e9), true);
  assert.equal(taken(100e9, 25), 10, 'a long silence saves up no more');
  assert.ok(Array.from({ length: 1_000 }, () => rate.take(1, 0)).every(Boolean), 'no rate, no limit');
  assert.throws(() => rate.set(0, 1e8), /nanoseconds can tell/);
  for (const perSecond of [1, 3, 7, 300_000, 10_000_000]) {
    rate.set(0, perSecond);
    let count = 0;
    while (rate.take(0, 0)) count++;
    assert.equal(count, perSecond, 'a burst is exact');
  }
});

function override(row: Partial<LimitOverride>): LimitOverride {
  const limits = Object.fromEntries(Object.keys(RISK_DEFAULT.limits).map((key) => [key, null]));
  return { client: null, ticker: null, ...(limits as object), ...row } as LimitOverride;
}

test('which limit holds: both before one, of two the stricter, else that of everybody', () => {
  const risk: RiskConfig = {
    ...RISK_DEFAULT,
    limits: { ...RISK_DEFAULT.limits, orderQty: 100, position: NO_LIMIT, messagesPerSecond: 50 },
    overrides: [
      override({ client: 7, orderQty: 500, openOrders: 3, cancelsPerSecond: 70 }),
      override({ ticker: 2, orderQty: 200, position: 1_000 }),
      override({ client: 7, ticker: 3, orderQty: 5, position: 0 }),
      override({ client: 8, orderQty: NO_LIMIT }),
    ],
  };
  const table = new LimitTable(risk, [1, 2, 3].map(plainInstrument));
  const of = (client: number, book: number, field: number): number =>
    table.rows[(table.rowOf(client) + book) * LIMIT_FIELDS + field];
  const orderQty = (client: number): number[] => [0, 1, 2].map((book) => of(client, book, LIMIT.orderQty));
  assert.deepEqual(orderQty(1), [100, 200, 100], 'everybody, and where a ticker has its own');
  assert.deepEqual(orderQty(7), [500, 200, 5], 'its own, the stricter of both, and what both have');
  assert.deepEqual(orderQty(8), [Infinity, 200, Infinity], 'none of its own');
  assert.equal(of(1, 1, LIMIT.position), 1_000);
  assert.equal(of(7, 1, LIMIT.position), 1_000);
  assert.deepEqual([0, 1, 2].map((book) => of(1, book, LIMIT.tracked)), [0, 1, 0]);
  assert.deepEqual([0, 1, 2].map((book) => of(7, book, LIMIT.tracked)), [1, 1, 1], 'open orders need positions');
  assert.deepEqual(table.accountOf(1), { openOrders: 0, messagesPerSecond: 50, cancelsPerSecond: 200, refusalsPerSecond: 1_000 });
  assert.deepEqual(table.accountOf(7), { openOrders: 3, messagesPerSecond: 50, cancelsPerSecond: 70, refusalsPerSecond: 1_000 });
  const none = new LimitTable(RISK_DEFAULT, [plainInstrument(1)]);
  assert.deepEqual([none.limitsOrders, none.limitsRate, none.tracksPositions], [false, false, false]);
});

test('notional: in ticks of each instrument, and exact where the product is not (mistake 24)', () => {
  const risk = { ...RISK_DEFAULT, limits: { ...RISK_DEFAULT.limits, notional: 1_000_000 } };
  const table = new LimitTable(risk, [
    plainInstrument(1),
    { ...plainInstrument(2), decimals: 4, tickSize: 100 },
    { ...plainInstrument(3), decimals: 9, tickSize: 7 },
  ]);
  const notional = [0, 1, 2].map((book) => table.rows[book * LIMIT_FIELDS + LIMIT.notional]);
  assert.deepEqual(notional, [100_000_000, 100_000_000, Math.floor(1e15 / 7)]);
  // Any product of ticks and quantity against any limit below 2^53: the rounded one decides as the exact one.
  const ticks = [1, 3, 2 ** 31 - 1, 2_000_000_011, 94_906_267];
  const quantities = [1, 2 ** 32 - 2, 4_194_301, 94_906_267];
  for (const price of ticks) {
    for (const qty of quantities) {
      const exact = BigInt(price) * BigInt(qty);
      for (const by of [-1n, 0n, 1n]) {
        const limit = exact + by;
        if (limit >= 2n ** 53n || limit < 0n) continue;
        assert.equal(price * qty > Number(limit), exact > limit, `${price} × ${qty} against ${limit}`);
      }
      assert.equal(price * qty > 2 ** 53 - 1, exact > 2n ** 53n - 1n);
    }
  }
});
