// The example strategy on a desk on paper: what it asks for, event by event.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PaperDesk, Side } from '../../src/index.ts';
import { loadStrategy } from '../../src/apps/strategy_loader.ts';

const definition = await loadStrategy('./touch_joiner.ts', import.meta.dirname);

test('joins the side of the flow, sells what it got, stays out after a fill', () => {
  const desk = new PaperDesk();
  const strategy = desk.make(definition, { pause_ms: 100 });
  assert.deepEqual(desk.top(strategy, 9990, 10, 10_010, 10), []);

  desk.features.onTrade(0, Side.Buy, 10_010, 5);
  assert.deepEqual(desk.top(strategy, 9990, 10, 10_010, 5), ['quote 0 buy 9990 10']);
  assert.deepEqual(desk.fill(strategy, Side.Buy, 9990, 4), ['withdraw 0 buy']);

  assert.deepEqual(desk.top(strategy, 9990, 10, 10_020, 10), []);
  desk.afterMs(100);
  assert.deepEqual(desk.top(strategy, 9990, 10, 10_020, 10), ['quote 0 sell 10020 4']);
});
