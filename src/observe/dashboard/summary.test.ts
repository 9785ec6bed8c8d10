// The seven figures of /api/dashboard out of a view.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { EXAMPLE_VIEW, TRADER } from '../../../test/observe/example_view.ts';
import { summaryOf } from './summary.ts';
import type { TraderView } from '../system_view.ts';

const HEALTH = { score: 90, parts: [] };

function traderWith(changes: Partial<TraderView>): TraderView {
  return { ...TRADER, ...changes };
}

function fillRateOf(...minutes: readonly TraderView['minute'][]): number | null {
  return summaryOf({ ...EXAMPLE_VIEW, traders: minutes.map((minute) => traderWith({ minute })) }, 2, HEALTH, []).fill_rate_percent;
}

// It was that of all orders since the traders started: after a day no figure of the last minute moved it.
test('the fill rate is that of the last minute, of all traders together', () => {
  assert.equal(fillRateOf({ ordersSent: 400, ordersFilled: 100 }, { ordersSent: 100, ordersFilled: 100 }), 40);
  assert.equal(fillRateOf({ ordersSent: 10, ordersFilled: 0 }), 0);
  assert.equal(fillRateOf({ ordersSent: 10, ordersFilled: 12 }), 100, 'two of them were sent before');
  assert.equal(fillRateOf({ ordersSent: 0, ordersFilled: 3 }), null, 'nothing was sent');
  assert.equal(fillRateOf(), null);
});

test('the profit is the whole as it stands; unknown of one trader is unknown', () => {
  const profit = (...pnls: readonly (number | null)[]): number | null =>
    summaryOf({ ...EXAMPLE_VIEW, traders: pnls.map((pnl) => traderWith({ pnl })) }, 2, HEALTH, []).total_pnl_dollars;
  assert.equal(profit(10, -2.5), 7.5);
  assert.equal(profit(10, null), null);
  assert.equal(profit(), null);
});
