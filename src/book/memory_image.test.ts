// An engine from the bytes of another: it says the same from there on.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MatchingEngine } from './matching_engine.ts';
import { leftOut, restoreMemory, saveMemory } from './memory_image.ts';
import { RandomCommands } from './random_commands.ts';
import { Prng } from '../base/prng.ts';
import { Cmd, type Command, type EngineConfig } from './types.ts';

const CONFIG: EngineConfig = {
  instruments: [{ minPrice: 1, maxPrice: 10_000 }, { minPrice: 1, maxPrice: 10_000 }],
  ordersMax: 500,
};

function randomCommand(prng: Prng, id: number): Command {
  const client = prng.between(1, 3);
  const book = prng.below(2);
  if (prng.chance(0.3))
    return { type: Cmd.Cancel, client, book, id: BigInt(prng.between(1, id)) };
  const side = prng.chance(0.5) ? 1 : -1;
  const order = { client, book, id: BigInt(id), side, price: 100 + prng.between(-9, 9), qty: prng.between(1, 50) };
  return prng.chance(0.2)
    ? { type: Cmd.New, ...order, qty: order.qty + 20, display: 5 }
    : { type: Cmd.New, ...order };
}

test('an engine goes on from the bytes of another with the same events', () => {
  for (let seed = 1; seed <= 10; seed++) {
    const prng = new Prng(seed);
    const first = new MatchingEngine(CONFIG, { variant: 'core.checked' });
    for (let id = 1; id <= 400; id++) first.submit(randomCommand(prng, id));
    const second = new MatchingEngine(CONFIG, { variant: 'core.checked' });
    // It has a past of its own, which must leave no trace.
    second.submit({ type: Cmd.New, client: 9, book: 1, id: 9n, side: 1, price: 50, qty: 5 });
    restoreMemory(second, saveMemory(first));
    second.checkInvariants();
    assert.equal(second.stateHash(), first.stateHash());
    for (let id = 401; id <= 800; id++) {
      const command = randomCommand(prng, id);
      assert.deepEqual(second.submit(command), first.submit(command), `seed ${seed}, command ${id}`);
    }
    second.checkInvariants();
  }
});

test('an image of a larger engine is refused', () => {
  const large = new MatchingEngine({ ...CONFIG, ordersMax: 200_000 });
  const image = saveMemory(large);
  image[image.length - 1_025] = 1 << 20;
  assert.throws(() => restoreMemory(new MatchingEngine(CONFIG), image), /expected a page below/);
});

test('what is left out beside commands and events is zero, whatever has happened', () => {
  for (let seed = 1; seed <= 6; seed++) {
    const random = new RandomCommands(seed);
    const engine = new MatchingEngine(random.config, { variant: 'core.checked' });
    for (let i = 0; i < 3_000; i++) random.observe(engine.submit(random.next()));
    const ranges = leftOut(engine);
    assert.equal(ranges.length, 6);
    for (const [from, to] of ranges.slice(2)) {
      assert.ok(from > 0x1_0000 && to >= from && to <= engine.bytes, `seed ${seed}: ${from} … ${to}`);
      assert.ok(engine.u8.subarray(from, to).every((byte) => byte === 0), `seed ${seed}: ${from} … ${to}`);
    }
    // Orders have been taken, so the range of those never taken begins behind the first.
    assert.ok(ranges[2][0] > ranges[2][1] - random.config.ordersMax * 64, `seed ${seed}`);
  }
});
