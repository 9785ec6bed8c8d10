import assert from 'node:assert/strict';
import { test } from 'node:test';
import { EXCHANGE_DEFAULT, type ExchangeConfig } from './config.ts';
import { checkShape, shapeOf } from './journal_origin.ts';

function configOf(tickers: number[], change: Partial<ExchangeConfig> = {}): ExchangeConfig {
  const instruments = tickers.map((ticker) => ({
    ticker, symbol: `T${ticker}`, decimals: 2, tickSize: 1, lotSize: 1, minPrice: 1, maxPrice: 1_000_000,
  }));
  return { ...EXCHANGE_DEFAULT, instruments, ...change };
}

/** What is said of a journal that was begun under `first`. */
function faultOf(first: ExchangeConfig, second: ExchangeConfig): string | null {
  const shape = JSON.parse(JSON.stringify(shapeOf(first))) as Record<string, unknown>;
  try {
    checkShape('DIR', { stamp: 1, shape }, second);
    return null;
  } catch (error) {
    const { name, message } = error as Error;
    assert.equal(name, 'JournalConfigError');
    return /^the journal in DIR was written under another configuration \((.*)\): start with that one, or give another directory$/.exec(message)?.[1] ?? message;
  }
}

// Both sides had been cut to their first 120 characters, which were the same.
test('what differs is named, however long what is alike before it', () => {
  const three = configOf([1, 2, 3]);
  assert.equal(faultOf(three, configOf([1, 2, 3])), null);
  assert.equal(faultOf(three, configOf([1, 2])), 'instruments: expected 3 (…, T3), was 2 (…)');
  assert.equal(faultOf(three, configOf([5])), 'instruments: expected 3 (T1, T2, T3), was 1 (T5)');
  const hundred = Array.from({ length: 100 }, (_, i) => i + 1);
  assert.equal(faultOf(configOf(hundred), configOf(hundred.toSpliced(90, 1))), 'instruments: expected 100 (…, T91, T92, T93, T94, …), was 99 (…, T92, T93, T94, T95, …)');
  const instruments = three.instruments.map((one) => (one.ticker === 2 ? { ...one, tickSize: 5 } : one));
  assert.equal(faultOf(three, { ...three, instruments }), 'instruments.T2.tickSize: expected 1, was 5');
});

test('every difference is told; limits and what else may change is none', () => {
  const first = configOf([1]);
  assert.equal(faultOf(first, { ...first, ordersMax: 7, risingOrderIds: false }), `ordersMax: expected ${first.ordersMax}, was 7; risingOrderIds: expected true, was false`);
  assert.equal(faultOf(first, { ...first, limits: { ...first.limits, accounts: 9 }, listeners: [] }), null);
});

test('a journal of a version that kept less: said, with what it had', () => {
  const { feedLayout: _, ...older } = shapeOf(configOf([1]));
  assert.throws(() => checkShape('DIR', { stamp: 1, shape: older }, configOf([1])), /\(feedLayout: expected nothing, was "native"\)/);
});
