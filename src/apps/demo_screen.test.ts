import assert from 'node:assert/strict';
import { stripVTControlCharacters } from 'node:util';
import { test } from 'node:test';
import { renderView } from './demo_screen.ts';
import { coloured, plain } from './terminal.ts';
import { status } from './trade_status.reference.ts';
import type { DemoView } from './demo_screen.ts';

const VIEW: DemoView = {
  symbol: 'AMZN', source: 'recorded flow of 2012-06-21, pass 3', endpoint: '127.0.0.1:12345',
  hint: '', elapsedMs: 3_723_456,
  feedState: 'live', fresh: true, priceDecimals: 4,
  bids: [{ price: 2_239_500, qty: 100, orders: 2 }, { price: 2_238_100, qty: 4_200, orders: 11 }],
  asks: [{ price: 2_240_000, qty: 1_000, orders: 3 }],
  lastPrice: 2_239_500, requestsPerSecond: 123_456, requests: 9_876_543, tradesPerSecond: 7_890,
  trades: 54_321,
  updatesPerSecond: 200_000, updates: 12_345_678, restingOrders: 16,
  requestRates: [1, 2, 3, 4, 5, 6, 7, 8],
  latency: {
    count: 5, p50Ns: 12_340, p90Ns: 20_000, p99Ns: 99_900, p999Ns: 1_234_567, maxNs: 2_000_000_000,
  },
  sequence: 12_345_678, gaps: 0, requested: 0, recovered: 0, duplicates: 0, snapshots: 1,
  dropped: 0,
  tape: [{ timeMs: Date.UTC(2026, 0, 1, 1, 2, 3, 4), side: 1, price: 2_239_500, qty: 100 }],
  traders: [
    status({ strategy: 'market-maker', position: -1_200, pnl2: 24_680 }),
    status({ strategy: 'liquidity-taker', client: 3, bid: null, ask: null, pnl2: -9 }),
  ],
  accounts: { clients: 3, compared: 1_234, position: 0, cash: 0, difference: '' },
  dashboard: '',
};

test('every line fills the width, whatever the size of the terminal', () => {
  for (const width of [60, 79, 80, 81, 120, 160]) {
    // 15 rows once got 16 lines: each frame pushed its own title off the screen.
    for (const height of [1, 5, 9, 15, 16, 24, 25, 50, 80]) {
      const lines = renderView(VIEW, width, height, plain);
      assert.ok(lines.length <= height, `${lines.length} lines in ${height} rows`);
      for (const line of lines) assert.equal(
        line.length, width, `width ${width}, height ${height}: "${line}"`,
      );
    }
  }
});

test('a standard terminal is filled to the last row', () => {
  for (const rows of [9, 15, 24, 60]) {
    assert.equal(renderView(VIEW, 80, rows, plain).length, rows);
  }
});

test('the view says what matters', () => {
  const text = renderView(VIEW, 80, 24, plain).join('\n');
  for (const part of [
    'AMZN', '● live', '1:02:03', '223.9500', '224.0000', '4,200', 'spread 0.0500', 'mid 223.97500',
    'last 223.9500',
    '123,456/s', 'p50 12.3 µs', 'p99 99.9 µs', 'p99.9 1.23 ms', 'feed at 12,345,678', 'gaps 0',
    '▲   100 @ 223.9500',
  ]) assert.ok(text.includes(part), `expected "${part}" in\n${text}`);
});

test('the traders stand beside the market: quotes, position, profit, share, latency', () => {
  const text = renderView(VIEW, 80, 24, plain).join('\n');
  for (const part of [
    ' market-maker     223.9400 × 224.0100    −1,200      +1.2340   61 %  p50 12.3 µs',
    ' liquidity-taker  –                           0      −0.0005   61 %  p50 12.3 µs',
    'all accounts: position 0, cash 0.0000; 1,234 views agree with the exchange',
  ]) assert.ok(text.includes(part), `expected "${part}" in\n${text}`);
  assert.ok(renderView(VIEW, 100, 24, plain).join('\n').includes('p50 12.3 µs  p99 99.9 µs'));
  const low = renderView(VIEW, 80, 13, plain).join('\n');
  assert.ok(!low.includes('market-maker') && low.includes('spread'), 'a low one keeps the book');
});

test('a trader that rests says so; a profit that is unknown, too; a difference stands out', () => {
  const traders = [status({ state: 'paused', bid: null, ask: null, pnl2: null })];
  const accounts = { ...VIEW.accounts, difference: 'client 2 has what it has not' };
  const text = renderView({ ...VIEW, traders, accounts }, 80, 24, plain).join('\n');
  for (const part of ['paused', 'unknown', 'client 2 has what it has not']) {
    assert.ok(text.includes(part), part);
  }
});

test('books that are behind are not shown as a market', () => {
  const text = renderView({ ...VIEW, fresh: false, feedState: 'gap' }, 80, 24, plain).join('\n');
  assert.ok(text.includes('○ gap'));
  assert.ok(text.includes('not to be traded on'));
  assert.ok(!text.includes('spread'));
});

test('an empty book and a one-sided one', () => {
  assert.ok(renderView(
    { ...VIEW, bids: [], asks: [], lastPrice: null, tape: [] }, 80, 24, plain,
  ).join('\n').includes('empty'));
  assert.ok(renderView({ ...VIEW, asks: [] }, 80, 24, plain).join('\n').includes('one side'));
});

test('colours change no column', () => {
  const lines = renderView(VIEW, 100, 30, coloured).map((line) => stripVTControlCharacters(line));
  assert.deepEqual(lines, renderView(VIEW, 100, 30, plain));
});

test('the link to the dashboard stands whole in the last line of a standard terminal', () => {
  const dashboard = 'http://127.0.0.1:8080/#token=hZfw3i-jsJD_OTtYQq_jNOyVMODkGywU';
  const lines = renderView({ ...VIEW, dashboard }, 80, 24, plain);
  assert.equal(lines.length, 24);
  assert.equal(lines.at(-1)?.trimEnd(), ` ${dashboard}  Ctrl-C ends it`);
});
