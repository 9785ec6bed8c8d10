import assert from 'node:assert/strict';
import { test } from 'node:test';
import { plainLine, summaryLines } from './demo_report.ts';
import { coloured, plain } from './terminal.ts';
import { status } from './trade_status.reference.ts';
import type { DemoResult } from './demo_report.ts';
import type { DemoView } from './demo_screen.ts';

const LATENCY = {
  count: 5, p50Ns: 12_340, p90Ns: 20_000, p99Ns: 99_900, p999Ns: 1_234_567, maxNs: 2_000_000,
};
const RESULT: DemoResult = {
  ok: true, equal: true, balanced: true, engineHash: '0123456789abcdef', receiverHash: '0123456789abcdef',
  engineSequence: 12_345, feedSequence: 12_345, feedState: 'live', seconds: 10,
  source: 'AMZN, recorded 2012-06-21', passes: 2, requests: 50_000, responses: 60_000, rejects: 3, tooLate: 2,
  unanswered: 0, trades: 4_000, updates: 12_345, engineOrders: 77, receiverOrders: 77, gaps: 1,
  requested: 40, duplicates: 2, snapshots: 0, dropped: 0, network: 'epoll', latencyNs: LATENCY,
  accounts: { clients: 3, compared: 1_234, position: 0, cash: 0, difference: '' },
  dashboard: '', priceDecimals: 2,
  traders: [
    status({ position: -150 }), status({ strategy: 'liquidity-taker', pnl2: null }),
  ],
};
const VIEW: DemoView = {
  symbol: 'AMZN', source: '', endpoint: '', hint: '', elapsedMs: 1_000, feedState: 'live',
  fresh: true, priceDecimals: 2, bids: [{ price: 22_395, qty: 1, orders: 1 }], asks: [],
  lastPrice: null, requestsPerSecond: 5_000, requests: 5_000, tradesPerSecond: 10, trades: 10,
  updatesPerSecond: 6_000, updates: 6_000, restingOrders: 1, requestRates: [], latency: LATENCY,
  sequence: 6_000, gaps: 0, requested: 0, recovered: 0, duplicates: 0, snapshots: 0, dropped: 0,
  tape: [], traders: RESULT.traders, accounts: RESULT.accounts, dashboard: '',
};

test('the summary shows both hashes one above the other, and what they say', () => {
  const lines = summaryLines(RESULT, plain);
  assert.ok(lines.includes('requests  50,000 sent, 5,000 a second, 2 too late, 1 rejected, 0 unanswered'));
  const hash = '0123456789abcdef   at sequence 12,345, 77 orders resting';
  const at = lines.indexOf(`engine    ${hash}`);
  assert.equal(lines[at + 1], `receiver  ${hash}`);
  assert.match(lines[at + 2], /^books {5}equal/);
  for (const line of lines) assert.ok(line.length <= 80, `fits a terminal: "${line}"`);
});

test('the summary says what the traders have and that nobody has what nobody lost', () => {
  assert.deepEqual(summaryLines(RESULT, plain).slice(-6), [
    'maker     position −150, profit +0.1240, 11 fills, 61 % of 18 orders traded',
    '          tick → trade p50 12.3 µs, p99 99.9 µs',
    'taker     position 0, profit unknown, 11 fills, 61 % of 18 orders traded',
    '          tick → trade p50 12.3 µs, p99 99.9 µs',
    'accounts  equal: of 3 clients positions sum to 0 and cash to 0.00',
    '          1,234 times a client’s view was the exchange’s',
  ]);
  const accounts = { ...RESULT.accounts, difference: 'client 2 after response 7: expected …' };
  for (const [given, expected] of [
    [{ ...RESULT, balanced: false, accounts }, /NOT EQUAL: client 2 after response 7/],
    [{ ...RESULT, balanced: false }, /NOT EQUAL: the clients’ own views do not sum to zero/],
  ] as const) {
    assert.match(summaryLines(given, plain).at(-1) ?? '', expected);
  }
});

test('unequal books cannot be overlooked', () => {
  const lines = summaryLines(
    { ...RESULT, equal: false, receiverHash: 'fedcba9876543210' }, coloured,
  );
  const verdict = lines.find((line) => line.includes('NOT EQUAL')) ?? '';
  assert.ok(verdict.includes('books') && verdict.includes('\x1b[1;31m'));
});

test('a plain line has the market and the feed, a dash for an empty side', () => {
  assert.equal(
    plainLine(VIEW),
    '   1.0 s  5,000 requests/s  6,000 updates/s  10 trades  p50 12.3 µs p99 99.9 µs  ' +
      'AMZN 223.95 × –  market-maker −150 +0.1240  liquidity-taker 0 unknown  live  sequence 6,000  gaps 0',
  );
});

test('where the dashboard was stands last, without what its page commands with', () => {
  const lines = summaryLines({ ...RESULT, dashboard: 'http://127.0.0.1:8080/' }, plain);
  assert.equal(lines.at(-1), 'dashboard was at http://127.0.0.1:8080/ while it ran');
});
