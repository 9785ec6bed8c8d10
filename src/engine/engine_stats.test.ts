// Figures of symbols out of positions that the test makes; test/engine/market.test.ts has those of an engine at work.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Histogram } from '../base/histogram.ts';
import { PositionKeeper } from '../trader/position_keeper.ts';
import { Checker } from './checker.ts';
import { Rates, strategyStats, tradingMetrics, type SymbolFigures, type TradingMetrics } from './engine_stats.ts';
import { wholeInstruments } from './symbol_table.ts';

const perBook = (): Float64Array => new Float64Array(2);

// It was 0 there, a profit like any other, while position() and totalPnl said null.
test('the unrealised profit is null, never 0, while a mark is unknown, and so is a sum with such a part', () => {
  const check = new Checker();
  const symbols = wholeInstruments(check, { instruments: [{ symbol: 'X', decimals: 2, tickSize: '0.01' }, { symbol: 'Y', decimals: 0, tickSize: '1' }] }, false);
  check.end();
  const positions = new PositionKeeper(symbols.instruments);
  const source: SymbolFigures = {
    symbols, inputs: 0, runner: { positions }, counts: { ordersSent: perBook(), fills: perBook(), ordersFilled: perBook(), updates: perBook() },
  };
  const rates = new Rates(source);
  const metrics = (book: number): TradingMetrics => tradingMetrics(source, rates, new Histogram(), new Histogram(), book, 1);
  const sum = (...books: number[]): number | null => strategyStats(source, (book) => books.includes(book)).unrealizedPnl;
  assert.deepEqual([metrics(0).unrealizedPnl, sum(0, 1)], [0, 0], 'flat: nothing to be marked');

  positions.onFill(0, 1, 1_000, 5); // five at 10.00
  positions.onFill(1, -1, 70, 2);
  positions.mark(1, 2 * 67);
  assert.deepEqual([metrics(0).unrealizedPnl, metrics(1).unrealizedPnl], [null, 6]);
  assert.deepEqual([sum(0), sum(1), sum(0, 1)], [null, 6, null]);

  positions.mark(0, 2 * 990);
  assert.deepEqual([metrics(0).unrealizedPnl, sum(0, 1)], [-0.5, 5.5]);
});
