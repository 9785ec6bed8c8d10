import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Prng } from '../base/prng.ts';
import { ORDERS_MAX, OrderTable, SLOT_NONE } from './order_table.ts';

test('random inserts and removals: every id is found where a Map says, and no other', () => {
  for (let seed = 1; seed <= 60; seed++) {
    const prng = new Prng(seed);
    const ordersMax = prng.between(1, 40);
    const table = new OrderTable(ordersMax);
    const twin = new Map<number, number>();
    // Neighbours, ids of equal low halves, and ids whose distance makes their hashes meet.
    const step = [1, 2 ** 32, 2 ** 16, 7][prng.below(4)];
    let next = prng.chance(0.5) ? 1 : 2 ** 52;
    const used: number[] = [];
    for (let i = 0; i < 1500; i++) {
      if (twin.size < ordersMax && prng.chance(0.5)) {
        const slot = table.insert(next, prng.below(4096), prng.chance(0.5) ? 1 : -1, i, i + 1, 0);
        assert.ok(![...twin.values()].includes(slot), 'a slot of its own');
        twin.set(next, slot);
        used.push(next);
        next = Math.min(next + step, Number.MAX_SAFE_INTEGER - 1 - i);
        if (twin.has(next)) break;
      } else if (twin.size > 0) {
        const ids = [...twin.keys()];
        const id = ids[prng.below(ids.length)];
        table.remove(table.find(id));
        twin.delete(id);
      }
      assert.equal(table.count, twin.size);
      assert.equal(table.full, twin.size === ordersMax);
      const listed = new Set<number>();
      for (let at = 0; at < table.count; at++) listed.add(table.id[table.slotAt(at)]);
      assert.deepEqual(listed, new Set(twin.keys()));
      const asked = used[prng.below(Math.max(1, used.length))] ?? 3;
      assert.equal(table.find(asked), twin.get(asked) ?? SLOT_NONE);
      if (i % 16 === 0) table.checkInvariants();
    }
  }
});

test('a slot comes back clean', () => {
  const table = new OrderTable(1);
  const slot = table.insert(7, 3, -1, -50, 9, 5);
  table.executed[slot] = table.reserved[slot] = 4;
  table.remove(slot);
  assert.equal(table.insert(8, 4, 1, 60, 2, 0), slot);
  const { id, book, side, price, executed, leaves, reserved, flags } = table;
  assert.deepEqual(
    [id, book, side, price, executed, leaves, reserved, flags].map((field) => field[slot]), [8, 4, 1, 60, 0, 2, 0, 0],
  );
});

test('no room, and removing twice, are broken invariants', () => {
  const table = new OrderTable(1);
  const slot = table.insert(7, 0, 1, 1, 1, 0);
  assert.throws(() => table.insert(8, 0, 1, 1, 1, 0), /the order table has room/);
  table.remove(slot);
  assert.throws(() => table.remove(slot), /an order that is removed is open/);
});

test('a table has a size', () => {
  for (const orders of [0, 1.5, NaN, ORDERS_MAX + 1]) {
    assert.throws(() => new OrderTable(orders), new RegExp(`orders: expected a whole number 1 … ${ORDERS_MAX}, was ${orders}`));
  }
});
