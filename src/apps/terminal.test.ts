import assert from 'node:assert/strict';
import { stripVTControlCharacters } from 'node:util';
import { test } from 'node:test';
import {
  bar, coloured, decimal, fit, plain, renderView, Screen, span, sparkline, whole,
} from './terminal.ts';
import type { DemoView } from './terminal.ts';

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

test('numbers as people read them', () => {
  assert.deepEqual(
    [0, 999, 1000, 1_234_567, -1000, 99.6].map(whole),
    ['0', '999', '1,000', '1,234,567', '-1,000', '100'],
  );
  assert.deepEqual(
    [decimal(5, 2), decimal(-5, 2), decimal(123456, 4), decimal(7, 0)],
    ['0.05', '-0.05', '12.3456', '7'],
  );
  assert.deepEqual(
    [0, 999, 1000, 12_345, 999_499, 999_500, 1_500_000, 2e9].map(span),
    ['0 ns', '999 ns', '1.00 µs', '12.3 µs', '999 µs', '1.00 ms', '1.50 ms', '2.00 s'],
  );
  assert.equal(fit('abcdef', 4), 'abc…');
  assert.equal(fit('ab', 4), 'ab  ');
  assert.equal(bar(2.5), '██▌');
  assert.equal(bar(0), '');
  assert.equal(sparkline([0, 5, 10], 5), '▁▄█  ');
  assert.equal(sparkline([1, 2, 3], 0), '');
});

test('the screen comes and goes without a trace, also when left twice', () => {
  let written = '';
  const screen = new Screen({ write: (text) => { written += text; return true; } });
  screen.leave();
  assert.equal(written, '');
  screen.enter();
  screen.draw(['one', 'two']);
  screen.leave();
  screen.leave();
  assert.ok(written.startsWith('\x1b[?1049h'));
  assert.ok(written.endsWith('\x1b[?7h\x1b[?25h\x1b[?1049l'));
  assert.ok(written.includes('\x1b[H\x1b[2Kone\r\n\x1b[2Ktwo\r\n\x1b[J'));
  assert.deepEqual([screen.columns, screen.rows], [80, 24]);
});
