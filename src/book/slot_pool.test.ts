// The order pool's own guard (core/memory/slot_pool.ts), on the checked build: mistakes are planted in the memory, as a
// wrong line of the core would make them.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ORDER } from './core.ts';
import { MarketView } from './market_view.ts';

function oneOrder(): { view: MarketView; words: Uint32Array; at: number } {
  const view = new MarketView({ instruments: [{ minPrice: 1, maxPrice: 1_000 }], ordersMax: 10 }, { variant: 'core.checked' });
  assert.ok(view.add(0, 1, 100, 5, 7, 0, 7, 0));
  return { view, words: new Uint32Array(view.memory.buffer), at: view.firstOrder(0, 1) };
}

test('an order that is freed twice is found', () => {
  const { view, words, at } = oneOrder();
  // Freed once already: the generation of a free slot is 0.
  words[(at + ORDER.orderId) >>> 2] = 0;
  assert.throws(() => view.cancel(0, 7, 0), /core assertion failed at .*slot_pool\.ts/);
});

test('a free slot that somebody still uses is found when it is given out again', () => {
  const { view, words, at } = oneOrder();
  assert.ok(view.cancel(0, 7, 0));
  words[(at + ORDER.orderId) >>> 2] = 7;
  assert.throws(() => view.add(0, 1, 100, 5, 8, 0, 8, 0), /core assertion failed at .*slot_pool\.ts/);
});

test('the product without assertions does the same work', () => {
  const view = new MarketView({ instruments: [{ minPrice: 1, maxPrice: 1_000 }], ordersMax: 2 });
  for (let round = 1; round <= 100; round++) {
    assert.ok(view.add(0, 1, 100, 5, round * 2, 0, round * 2, 0));
    assert.ok(view.add(0, -1, 101, 5, round * 2 + 1, 0, round * 2 + 1, 0));
    assert.equal(view.add(0, 1, 99, 5, 1_000_000, 0, 1, 0), false, 'full is a return value');
    assert.ok(view.cancel(0, round * 2, 0) && view.cancel(0, round * 2 + 1, 0));
  }
  view.checkInvariants();
});
