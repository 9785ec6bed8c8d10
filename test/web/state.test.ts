// What the page makes of messages: state, the market of one instrument, bins of a histogram.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { HelloMessage, HistoryPoint, MarketMessage, MarketTrade } from '../../src/observe/dashboard/messages.ts';
import { binsOf } from '../../web/dashboard/histogram.ts';
import { Market, PRICE_STEP_MS } from '../../web/dashboard/market.ts';
import { PageState } from '../../web/dashboard/state.ts';
import { FixtureMarket } from './fixture_market.ts';
import { alert, FixtureSystem } from './fixture_system.ts';

const INSTRUMENTS: HelloMessage['instruments'] = [
  { ticker: 1, symbol: 'ONE', priceDecimals: 2, tickSize: 1, state: 'open' },
  { ticker: 7, symbol: 'SEVEN', priceDecimals: 0, tickSize: 1, state: 'open' },
];
const HELLO: HelloMessage = { type: 'hello', version: 1, commands: true, timeTravel: false, instruments: INSTRUMENTS };

function trade(id: number, atMs = id * 1_000): MarketTrade {
  return { id, atMs, side: id % 2 === 0 ? 1 : -1, price: 100 + id, qty: id };
}

function market(ticker: number, atMs: number, trades: readonly MarketTrade[] = []): MarketMessage {
  return { type: 'market', ticker, atMs, updates: 1, fresh: true, bids: [[99, 1, 1]], asks: [[101, 1, 1]], lastPrice: 100, trades };
}

test('the first instrument is chosen by itself, another one by the reader; messages of others are left alone', () => {
  const page = new PageState();
  const tickerShown = (): number | undefined => page.market.newest?.ticker;
  page.apply(HELLO);
  assert.equal(page.instrument.value?.symbol, 'ONE');
  page.apply(market(1, 5_000, [trade(1)]));
  assert.equal(page.market.trades.length, 1);
  assert.equal(page.choose(99), false, 'there is none such');
  assert.equal(page.choose(7), true);
  assert.equal(tickerShown(), undefined, 'the book of another instrument is not shown under its name');
  page.apply(market(1, 6_000));
  assert.equal(tickerShown(), undefined);
  page.apply(market(7, 6_000));
  assert.equal(tickerShown(), 7);
  page.apply({ ...HELLO, instruments: [INSTRUMENTS[1]] });
  assert.equal(page.instrument.value?.symbol, 'SEVEN', 'still there after another exchange is followed');
  page.apply({ ...HELLO, instruments: [INSTRUMENTS[0]] });
  assert.equal(page.instrument.value?.symbol, 'ONE', 'gone, so the first');
});

test('a server of another version is refused in words', () => {
  const page = new PageState();
  page.apply({ ...HELLO, version: 2 as 1 });
  assert.equal(page.condition.value, 'refused');
  assert.match(page.refused.value, /version 1, the server 2/);
  assert.equal(page.instruments.value.length, 0);
});

test('condition: loading, live, stale, disconnected', () => {
  const page = new PageState();
  const link = (state: 'connecting' | 'live' | 'stale' | 'lost'): void => {
    page.link.value = { state, retryAtMs: 0, reconnects: 0 };
  };
  const seen: string[] = [];
  for (const state of ['connecting', 'lost', 'live'] as const) {
    link(state);
    seen.push(page.condition.value);
  }
  page.apply(new FixtureSystem([new FixtureMarket(INSTRUMENTS[0], 100, 1)], 0).status(1));
  for (const state of ['live', 'stale', 'lost', 'connecting'] as const) {
    link(state);
    seen.push(page.condition.value);
  }
  assert.deepEqual(seen, ['loading', 'disconnected', 'loading', 'live', 'stale', 'disconnected', 'disconnected']);
});

test('seconds are added to the history, the oldest leave, what came before is not changed', () => {
  const page = new PageState();
  const point = (atMs: number): HistoryPoint => ({
    atMs, requestsPerSecond: 1, tradesPerSecond: null, feedMessagesPerSecond: null, latency: null, pnl: null, pnlByTrader: {}, cpuPercent: 0, healthScore: 100,
  });
  const first = Array.from({ length: 600 }, (_, i) => point(i));
  page.apply({ type: 'history', points: first, histogram: [] });
  page.apply({ type: 'second', point: point(600), histogram: [[1_000, 4]] });
  const { points, histogram } = page.history.value;
  assert.deepEqual([points.length, points[0].atMs, points.at(-1)!.atMs], [600, 1, 600]);
  assert.deepEqual(histogram, [[1_000, 4]]);
  assert.equal(first.length, 600);
});

test('alerts: critical ones that hold, others that hold, those that are over', () => {
  const page = new PageState();
  const system = new FixtureSystem([new FixtureMarket(INSTRUMENTS[0], 100, 1)], 0);
  system.dials.alerts = [alert(1, { clearedMs: 5, raisedMs: 40 }), alert(2, { raisedMs: 10 }), alert(3, { severity: 'critical', raisedMs: 1 }), alert(4, { raisedMs: 20 })];
  page.apply(system.status(50));
  assert.deepEqual(page.alerts.value.map(({ id }) => id), [3, 4, 2, 1]);
  assert.deepEqual(page.alertsCurrent.value.map(({ id }) => id), [3, 4, 2]);
});

test('quotes of traders are those of the instrument that is looked at', () => {
  const page = new PageState();
  page.apply(HELLO);
  const markets = INSTRUMENTS.map((instrument) => new FixtureMarket(instrument, 100, 1));
  page.apply(new FixtureSystem(markets, 0).status(50));
  assert.deepEqual(page.ownQuotes.value.map(({ side, price, trader }) => `${side} ${price} ${trader}`), [
    'bid 99 market-maker (client 7)', 'ask 102 market-maker (client 7)',
  ]);
  page.choose(7);
  assert.deepEqual(page.ownQuotes.value.map(({ price }) => price), [98, 103]);
});

test('trades come newest first, once, and the past again after a reconnect', () => {
  const view = new Market();
  view.apply(market(1, 10_000, [trade(1), trade(2)]));
  view.apply(market(1, 10_100, [trade(2), trade(3)]));
  assert.deepEqual(view.trades.map(({ id }) => id), [3, 2, 1]);
  // A server that was started again counts from 1; without `reconnected` its trades would be taken for known ones.
  view.reconnected();
  view.apply(market(1, 20_000, [trade(1, 19_000)]));
  assert.deepEqual(view.trades.map(({ id, atMs }) => [id, atMs]), [[1, 19_000]]);
  for (let i = 2; i < 500; i++) view.apply(market(1, 20_000 + i, [trade(i)]));
  assert.equal(view.trades.length, 200);
  assert.equal(view.trades[0].id, 499);
});

test('the price line rises in time whatever messages say, and is bounded', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 5_000_000 }), { maxLength: 60 }), (times) => {
      const view = new Market();
      for (const [index, atMs] of times.entries()) {
        if (index === 30) view.reconnected();
        view.apply(market(1, atMs, index % 7 === 0 ? [trade(index + 1, Math.max(0, atMs - 3_000))] : []));
      }
      assert.ok(view.times.every((time, index) => index === 0 || time > view.times[index - 1]));
      for (const line of [view.bids, view.asks, view.lasts]) assert.equal(line.length, view.times.length);
    }),
    { numRuns: 100 },
  );
  const view = new Market();
  for (let i = 0; i < 10_000; i++) view.apply(market(1, i * PRICE_STEP_MS));
  assert.ok(view.times.length <= 2_600 && view.times.length >= 2_400, `${view.times.length}`);
  assert.equal(view.times.at(-1), (9_999 * PRICE_STEP_MS) / 1_000);
});

test('bins: every order in exactly one, between the ends of the axis', () => {
  assert.equal(binsOf([]), null);
  assert.equal(binsOf([[0, 5]]), null);
  const single = binsOf([[10_000, 5]])!;
  assert.equal(single.total, 5);
  assert.ok(single.high - single.low >= 1, 'at least a decade');
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.integer({ min: 1, max: 10_000_000_000 }), fc.integer({ min: 1, max: 1_000_000 })), { minLength: 1, maxLength: 80 }), (histogram) => {
      const bins = binsOf(histogram)!;
      assert.equal(bins.counts.reduce((sum, bin) => sum + bin, 0), histogram.reduce((sum, [, number]) => sum + number, 0));
      assert.equal(bins.largest, Math.max(...bins.counts));
      for (const [upTo] of histogram) assert.ok(Math.log10(upTo) >= bins.low && Math.log10(upTo) <= bins.high, `${upTo} in ${bins.low} … ${bins.high}`);
    }),
    { numRuns: 200 },
  );
});
