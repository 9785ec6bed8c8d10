import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MarketWatch } from './market_watch.ts';
import { TRADES_MAX } from './messages.ts';
import { TEN_LEVELS } from './server_rig.reference.ts';

function watch(): MarketWatch {
  return new MarketWatch(
    [{ ticker: 3, symbol: 'THREE', decimals: 2, tickSize: 25 }, { ticker: 9, symbol: 'NINE', decimals: 0, tickSize: 1 }], TEN_LEVELS,
  );
}

test('prices are in units, the ladder has at most the levels asked for', () => {
  const market = watch().market(3, 2);
  assert.deepEqual([market?.bids, market?.asks], [[[2_500, 5, 2], [2_475, 5, 2]], [[2_525, 7, 1], [2_550, 7, 1]]]);
  assert.deepEqual([market?.lastPrice, market?.trades, market?.updates], [null, [], 0]);
  assert.equal(watch().market(9, 1_000)?.bids.length, 10);
  assert.equal(watch().market(4, 2), null);
});

test('trades have rising ids of their own for each book, and the last of them are kept', () => {
  const market = watch();
  for (let i = 1; i <= TRADES_MAX + 50; i++) {
    market.nowMs = i;
    market.onTrade(1, i % 2 === 0 ? 1 : -1, i, 2 * i);
  }
  market.onTrade(0, 1, 4, 1);
  const kept = market.market(9, 1)?.trades ?? [];
  assert.equal(kept.length, TRADES_MAX);
  for (const [i, { id, atMs, side, price, qty }] of kept.entries())
    assert.deepEqual([id, atMs, side, price, qty], [51 + i, id, id % 2 === 0 ? 1 : -1, id, 2 * id]);
  assert.deepEqual(market.market(9, 1, TRADES_MAX + 48)?.trades.map(({ id }) => id), [TRADES_MAX + 49, TRADES_MAX + 50]);
  assert.deepEqual(market.market(9, 1, TRADES_MAX + 50)?.trades, []);
  assert.deepEqual([market.lastTradeId(9), market.lastTradeId(3), market.lastTradeId(4)], [TRADES_MAX + 50, 1, 0]);
  assert.deepEqual([market.market(3, 1)?.lastPrice, market.market(9, 1)?.lastPrice], [100, TRADES_MAX + 50]);
});

test('an instrument is active for a minute after a change', () => {
  const market = watch();
  assert.equal(market.active(1_000_000), 0);
  market.nowMs = 1_000_000;
  market.onUpdate(0);
  market.nowMs = 1_030_000;
  market.onTrade(1, 1, 1, 1);
  assert.deepEqual([1_030_000, 1_060_000, 1_060_001, 1_090_001].map((nowMs) => market.active(nowMs)), [2, 2, 1, 0]);
  assert.deepEqual([market.updates(3), market.updates(9), market.updates(4)], [1, 1, 0]);
});
