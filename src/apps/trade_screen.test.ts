import assert from 'node:assert/strict';
import { stripVTControlCharacters } from 'node:util';
import { test } from 'node:test';
import { coloured, plain } from './terminal.ts';
import { pairText, renderTrade, tradeLine, tradeSummary } from './trade_screen.ts';
import { status } from './trade_status.reference.ts';
import type { TradeView } from './trade_screen.ts';

const VIEW: TradeView = {
  status: status({ position: -1_200 }), endpoint: '127.0.0.1:12345', elapsedMs: 3_723_456,
  fills: [{ timeMs: Date.UTC(2026, 0, 1), side: -1, symbol: 'AMZN', price: '223.9500', qty: 40 }],
  notice: '',
};

test('every line fills the width, whatever the size of the terminal', () => {
  for (const width of [60, 79, 80, 120, 160]) {
    for (const height of [1, 3, 9, 13, 14, 24, 50]) {
      const lines = renderTrade(VIEW, width, height, plain);
      assert.ok(lines.length <= height, `${lines.length} lines in ${height} rows`);
      for (const line of lines) {
        assert.equal(line.length, Math.min(width, 140), `width ${width}, height ${height}: "${line}"`);
      }
    }
  }
  assert.equal(renderTrade(VIEW, 80, 24, plain).length, 24);
});

test('the view says what matters', () => {
  const text = renderTrade(VIEW, 80, 24, plain).join('\n');
  for (const part of [
    'market-maker', 'client 2', '● running', '1:02:03', 'AMZN', '223.9500 × 224.0000',
    '223.9400 × 224.0100', '−1,200', '+0.1240', 'orders 18  open 2', 'moved 400', '61 %',
    'p50 12.3 µs', 'p99.9 1.23 ms', 'rejected 0  gaps 0  sessions 1', '▼    40 @ 223.9500 AMZN',
  ]) assert.ok(text.includes(part), `expected "${part}" in\n${text}`);
});

test('what keeps it from trading stands first', () => {
  const shown = (given: Parameters<typeof status>[0]): string =>
    renderTrade({ ...VIEW, status: status(given) }, 80, 24, plain)[0];
  assert.match(shown({ session: 'no session' }), /○ no session/);
  assert.match(shown({ fresh: false, feed: 'gap' }), /○ feed gap/);
  assert.match(shown({ state: 'paused' }), /● paused/);
  const trouble = renderTrade(
    { ...VIEW, status: status({ trouble: 'cannot connect to 127.0.0.1:12345' }) }, 100, 24, plain,
  ).join('\n');
  assert.ok(trouble.includes('cannot connect to 127.0.0.1:12345'));
});

test('a notice takes the place of the last row', () => {
  const last = (notice: string): string => renderTrade({ ...VIEW, notice }, 80, 24, plain).at(-1)!.trim();
  assert.match(last(''), /^Ctrl-C cancels its orders/);
  assert.equal(last('configuration: took over trade.max_position'), 'configuration: took over trade.max_position');
});

test('a one-sided quote, and none', () => {
  const book = { tickUnits: 100, decimals: 4 };
  assert.equal(pairText({ ticks: 5, qty: 1 }, null, book), '0.0500 × –');
  assert.equal(pairText(null, { ticks: 5, qty: 1 }, book), '– × 0.0500');
  assert.equal(pairText(null, null, book), '–');
});

test('colours change no column', () => {
  const lines = renderTrade(VIEW, 100, 30, coloured).map((line) => stripVTControlCharacters(line));
  assert.deepEqual(lines, renderTrade(VIEW, 100, 30, plain));
});

test('a plain line, with as much as is known', () => {
  assert.equal(
    tradeLine({ ...VIEW, elapsedMs: 2_000 }),
    '   2.0 s  running  AMZN 223.9500 × 224.0000  quotes 223.9400 × 224.0100  position −1,200  ' +
      'profit +0.1240  18 orders  11 fills (61 % of orders)  tick → trade p50 12.3 µs p99 99.9 µs',
  );
  const none = { count: 0, p50Ns: 0, p90Ns: 0, p99Ns: 0, p999Ns: 0, maxNs: 0 };
  const quiet = status({ tickToTrade: none, tickToTradeNow: none, pnl2: null, trouble: 'none' });
  assert.match(
    tradeLine({ ...VIEW, status: quiet }), /profit unknown .* of orders\) {2}none$/,
  );
});

test('a window without an order leaves its latency out', () => {
  const none = { count: 0, p50Ns: 0, p90Ns: 0, p99Ns: 0, p999Ns: 0, maxNs: 0 };
  const line = tradeLine({ ...VIEW, status: status({ tickToTradeNow: none }) });
  assert.match(line, /of orders\)$/);
});

test('why it stands still is on the view and in the summary', () => {
  const halted = status({
    rejected: 7, rejectedBy: { killed: 7 }, standsStill: ['the exchange has locked client 2 out'],
    refusedBy: { PositionTooLarge: 1_500, RateTooHigh: 3, LossTooLarge: 2, Killed: 1, Collar: 1 },
  });
  const text = tradeSummary({ ...VIEW, status: halted }, true, plain).join('\n');
  for (const part of [
    'rejected  killed 7\n', 'halted    the exchange has locked client 2 out',
    'refused   PositionTooLarge 1,500, RateTooHigh 3, LossTooLarge 2, 2 other reasons',
  ]) assert.ok(text.includes(part), `expected "${part}" in\n${text}`);
  assert.match(renderTrade({ ...VIEW, status: halted }, 120, 30, plain).join('\n'), /the exchange has locked client 2 out/);
});

test('the summary fits a terminal and says what is left', () => {
  const lines = tradeSummary(VIEW, true, plain);
  for (const line of lines) assert.ok(line.length <= 90, `"${line}"`);
  const text = lines.join('\n');
  for (const part of [
    'strategy  market-maker, client 2, 3723.5 s', 'profit    +0.1240, realised +0.1000, open +0.0240',
    'position  AMZN −1,200', 'orders    18 sent, 400 moves, 3 cancels, all orders gone',
    '4 came too late, 0 rejected, 1 refused by own checks', 'fills     11, 450 traded, 61 % of orders',
    'latency   tick → trade p50 12.3 µs', 'feed      54,321 messages, 4,321 trades, 0 gaps',
  ]) assert.ok(text.includes(part), `expected "${part}" in\n${text}`);
  assert.ok(!text.includes('trouble'));
  const left = tradeSummary(
    { ...VIEW, status: status({ pnl2: null, trouble: 'it broke' }) }, false, plain,
  ).join('\n');
  for (const part of [
    '2 orders left at the exchange', 'unknown: no price for an open position', 'trouble   it broke',
  ]) assert.ok(left.includes(part), part);
});
