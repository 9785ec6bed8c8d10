import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Prng } from '../base/prng.ts';
import { OrderFlagBits, OrderNames, SLOT_NONE } from './order_names.ts';
import { ReferenceNames } from './order_names.reference.ts';
import { ID_BLOCK, STRATEGY_ID_BASE } from './shared_state.ts';

const SEEDS = Number(process.env['ENGINE_SEEDS'] ?? 100);

test('an order is found by each of its names, and by none when it is gone', () => {
  const names = new OrderNames(4);
  const slot = names.add(7, 100, 3, -1, OrderFlagBits.Named, 1, 2, 55);
  assert.equal(names.byPublicId(7), slot);
  assert.equal(names.byWireId(100), slot);
  assert.equal(names.byName(1, 2), slot);
  assert.deepEqual([names.book[slot], names.side[slot], names.stampNs[slot], names.live], [3, -1, 55, 1]);
  names.remove(slot);
  assert.deepEqual([names.byPublicId(7), names.byWireId(100), names.byName(1, 2)], [SLOT_NONE, SLOT_NONE, SLOT_NONE]);
  names.checkInvariants();
});

test('full is a return value, and a freed slot is the next', () => {
  const names = new OrderNames(2);
  assert.ok(names.add(1, 1, 0, 1, 0, 0, 0, 0) >= 0);
  const second = names.add(2, 2, 0, 1, 0, 0, 0, 0);
  assert.ok(names.full);
  assert.equal(names.add(3, 3, 0, 1, 0, 0, 0, 0), SLOT_NONE);
  names.remove(second);
  assert.equal(names.add(4, 4, 0, 1, 0, 0, 0, 0), second);
});

test('an order without a name of its own is not found by the name 0', () => {
  const names = new OrderNames(2);
  names.add(1, 1, 0, 1, 0, 0, 0, 0);
  assert.equal(names.byName(0, 0), SLOT_NONE);
});

/**
 * Ids as several producers and the strategies give them out: neighbours, blocks far apart; names that differ in one
 * bit or by a multiple of a power of two.
 */
function compare(seed: number, ordersMax: number, steps: number): void {
  const prng = new Prng(seed);
  const names = new OrderNames(ordersMax);
  const twin = new ReferenceNames(ordersMax);
  const producers = [0, ID_BLOCK, 77 * ID_BLOCK, 4_096 * ID_BLOCK, STRATEGY_ID_BASE];
  let wireId = 1 + prng.below(1_000_000);
  for (let step = 0; step < steps; step++) {
    if (prng.chance(0.52)) {
      const publicId = ++producers[prng.below(producers.length)];
      const named = prng.chance(0.3);
      const [lo, hi] = [prng.below(64) << prng.below(26), prng.below(3)];
      const free = !named || twin.byName(lo >>> 0, hi) === SLOT_NONE;
      if (!free) continue;
      const flags = named ? OrderFlagBits.Named : 0;
      wireId += 1;
      const slot = names.add(publicId, wireId, 0, 1, flags, lo >>> 0, hi, 0);
      assert.equal(slot, twin.add(publicId, wireId, flags, lo >>> 0, hi), `seed ${seed} step ${step}`);
    } else if (twin.orders.length > 0) {
      const { slot } = twin.orders[prng.below(twin.orders.length)];
      names.remove(slot);
      twin.remove(slot);
    }
    const id = producers[prng.below(producers.length)] - prng.below(40);
    if (id > 0) assert.equal(names.byPublicId(id), twin.byPublicId(id), `seed ${seed} step ${step} id ${id}`);
    const wire = wireId - prng.below(40);
    assert.equal(names.byWireId(wire), twin.byWireId(wire), `seed ${seed} step ${step} wire ${wire}`);
    const [lo, hi] = [(prng.below(64) << prng.below(26)) >>> 0, prng.below(3)];
    assert.equal(names.byName(lo, hi), twin.byName(lo, hi), `seed ${seed} step ${step} name ${lo}:${hi}`);
  }
  names.checkInvariants();
}

test('the same as its twin on random additions, removals and questions', () => {
  for (let seed = 1; seed <= SEEDS; seed++) compare(seed, [1, 3, 16, 61][seed % 4], 400);
});

test('orders of the same run behind one that is removed are found', () => {
  const names = new OrderNames(8);
  for (let id = 1; id <= 8; id++) names.add(id * 8, id, 0, 1, 0, 0, 0, 0);
  for (let id = 1; id <= 8; id += 2) names.remove(names.byPublicId(id * 8));
  for (let id = 2; id <= 8; id += 2) assert.ok(names.byPublicId(id * 8) >= 0, `${id * 8}`);
  names.checkInvariants();
});
