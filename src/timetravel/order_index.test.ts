// The index of orders against its twin, with names that collide in every part.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Prng } from '../base/prng.ts';
import { OrderIndex } from './order_index.ts';
import { OrderIndexReference } from './order_index.reference.ts';

/** Touches a seed. */
const TOUCHES = Number(process.env['TIMETRAVEL_FUZZ_TOUCHES'] ?? 20_000);
const EDGES = [0, 1, 2, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff];

test('events of orders and clients of ids are those of the twin', () => {
  for (let seed = 1; seed <= 4; seed++) {
    const prng = new Prng(seed);
    const ids = seed % 2 === 0 ? TOUCHES : 40;
    const part = (): number => (prng.chance(0.2) ? EDGES[prng.below(EDGES.length)] : prng.below(ids));
    const index = new OrderIndex();
    const twin = new OrderIndexReference();
    const names: [number, number, number][] = [];
    for (let event = 0; event < TOUCHES; event++) {
      const name: [number, number, number] =
        names.length > 0 && prng.chance(0.5) ? names[prng.below(names.length)] : [prng.below(5), part(), prng.chance(0.8) ? 0 : part()];
      names.push(name);
      index.touch(...name, event);
      twin.touch(...name, event);
    }
    assert.equal(index.orders, twin.orders, `seed ${seed}`);
    for (let i = 0; i < 500; i++) {
      const [client, low, high] = prng.chance(0.8) ? names[prng.below(names.length)] : [prng.below(9), part(), part()];
      assert.deepEqual(index.eventsOf(client, low, high), twin.eventsOf(client, low, high), `seed ${seed}, ${client}.${high}.${low}`);
      if (i < 20) assert.deepEqual(index.clientsOf(low, high), twin.clientsOf(low, high), `seed ${seed}, ${high}.${low}`);
    }
  }
});
