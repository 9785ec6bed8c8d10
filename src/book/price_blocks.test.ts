// Blocks of the price ladder (core/memory/price_ladder.ts) that are taken back and given out again: a ladder remembers the
// block that it used last, and must forget it with the block.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Prng } from '../base/prng.ts';
import { MatchingEngine } from './matching_engine.ts';
import { ReferenceEngine } from './order_book.reference.ts';
import { Cmd, Tif, type Command } from './types.ts';

/** Prices so far apart that each has a block of its own. */
const STEP = 5_000;
const PRICES = 30;

test('a block that was taken back is not taken for the one that it was', () => {
  const config = { instruments: [{ minPrice: 1, maxPrice: STEP * PRICES * 2 }], ordersMax: 16, levelsMax: 16, blocksMax: 6 };
  const core = new MatchingEngine(config, { variant: 'core.checked' });
  const twin = new ReferenceEngine(config);
  const random = new Prng(11);
  const live: bigint[] = [];
  const submit = (command: Command) => assert.deepEqual(core.submit(command), twin.submit(command));
  for (let id = 1n; id <= 3_000n; id++) {
    const buy = random.below(2) === 0;
    const price = STEP * (random.between(1, PRICES) + (buy ? 0 : PRICES - 1));
    submit({ type: Cmd.New, tif: Tif.Gtc, client: 1, id, side: buy ? 1 : -1, price, qty: 1 });
    live.push(id);
    if (live.length > random.below(4)) submit({ type: Cmd.Cancel, client: 1, id: live.shift() ?? 0n });
    core.checkInvariants();
  }
  assert.equal(core.stateHash(), twin.stateHash());
});
