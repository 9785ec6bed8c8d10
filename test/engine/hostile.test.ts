// What producers hand in is not trusted: any numbers, in any order, are refused by a code or change nothing,
// and one order that trades with everybody passes through every ring.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Prng } from '../../src/base/prng.ts';
import { InputViews } from '../../src/engine/inputs.ts';
import { MemoryJournal } from '../../src/engine/input_journal.ts';
import { Output, OUTPUT } from '../../src/engine/outputs.ts';
import { EngineProducer } from '../../src/engine/producer.ts';
import { PriorityQueue } from '../../src/base/priority_queue.ts';
import { SharedState } from '../../src/engine/shared_state.ts';
import { EngineRig } from './engine_rig.ts';

const SEEDS = Math.max(2, Math.floor(Number(process.env['ENGINE_SEEDS'] ?? 100) / 40));
const ODD = [
  0, 1, -1, 2, 3, 4, 5, 77, 127, -128, 255, 256, 65_535, 65_536, 0x7fff_ffff, -0x8000_0000, 0xffff_ffff, 0xffff_fffe, 2 ** 40, NaN,
  Infinity, -Infinity, 0.5, 1_000, 1_001, 999,
];

describe('hostile numbers', () => {
  test('through every call of a producer: the engine stays whole, and a replay has the same state', async () => {
    for (let seed = 1; seed <= SEEDS; seed++) {
      const prng = new Prng(seed);
      const odd = (): number => ODD[prng.below(ODD.length)];
      const journal = new MemoryJournal();
      const config = { instruments: [{ symbol: 'X', minPrice: '0.01', maxPrice: 1_000 }], maxPositionSize: 5_000 };
      const rig = await EngineRig.start({ ...config, journal }, []);
      const producer = new EngineProducer(rig.engine.producer());
      const price = (): number => (prng.chance(0.7) ? 990 + prng.below(20) : odd());
      const qty = (): number => (prng.chance(0.7) ? 1 + prng.below(30) : odd());
      const book = (): number => (prng.chance(0.8) ? 0 : odd());
      const side = (): number => (prng.chance(0.8) ? [1, -1][prng.below(2)] : odd());
      const id = (): number => (prng.chance(0.7) ? 2 ** 20 + prng.below(300) : odd());
      const calls = [
        () => producer.place(book(), side(), odd(), odd(), odd(), odd(), price(), qty(), odd(), odd(), odd(), odd(), odd()),
        () => producer.placeLimit(book(), side(), price(), qty()),
        () => producer.placeLimit(book(), side(), price(), qty(), odd(), odd()),
        () => producer.modify(id(), price(), qty()), () => producer.modifyNamed(odd(), odd(), price(), qty()),
        () => producer.cancel(id()), () => producer.cancelNamed(odd(), odd()), () => producer.cancelAll(book()),
        () => producer.quote(book(), price(), qty(), price(), qty()), () => producer.trade(book(), side(), price(), qty()),
        () => producer.marketAdd(book(), prng.below(50), side(), price(), qty()),
        () => producer.marketModify(book(), prng.below(50), side(), price(), qty()),
        () => producer.marketCancel(book(), prng.below(50)), () => producer.marketClear(book()),
        () => producer.execution(book(), side(), price(), prng.chance(0.5) ? 1 + prng.below(9) : odd()),
      ];
      for (let step = 0; step < 300; step++) {
        for (let i = prng.below(8); i > 0; i--) calls[prng.below(calls.length)]();
        rig.turn(1);
      }
      const again = new EngineRig({ ...config, replay: journal.inputs }, []);
      await again.engine.start();
      assert.equal(again.engine.stateHash(), rig.engine.stateHash(), `seed ${seed}`);
      await again.engine.stop();
      await rig.engine.stop();
    }
  });

  test('records of random bytes', async () => {
    for (let seed = 1; seed <= SEEDS; seed++) {
      const prng = new Prng(seed);
      const rig = await EngineRig.start({ instruments: [{ symbol: 'X' }], maxPositionSize: 5_000 }, []);
      const handle = rig.engine.producer();
      const shared = new SharedState(handle.buffer);
      const queue = new PriorityQueue(handle.buffer, shared.queueAt, handle.producer);
      const views = new InputViews(handle.buffer);
      for (let step = 0; step < 300; step++) {
        for (let i = prng.below(6); i > 0; i--) {
          const at = prng.chance(0.2) ? queue.claimUrgent() : queue.claim();
          if (at < 0) break;
          for (let word = 0; word < 14; word++) views.u32[(at >>> 2) + word] = prng.chance(0.5) ? prng.below(4) : prng.u32();
          // No text comes with a Configure of random bytes, and a producer offers none; control is tried elsewhere.
          const type = prng.below(30);
          views.u8[at] = type === 5 || type === 6 ? 0 : type;
          queue.publish(at);
        }
        rig.turn(1);
      }
      await rig.engine.stop();
    }
  });
});

describe('an order that trades with everybody', () => {
  test('more events than any ring holds: every fill is told, in order, after the journal has its cause', async () => {
    const count = 70_000;
    const journal = new MemoryJournal();
    const rig = await EngineRig.start({
      journal, maxPositionSize: Infinity, maxPortfolioValue: Infinity, maxOrdersPerSecond: 1_000_000,
      venue: { kind: 'embedded', marketOrdersMax: count }, queue: { normalSlots: 1 << 17 },
    }, []);
    const { engine } = rig;
    for (let reference = 1; reference <= count; reference++) {
      engine.submitMarketData({ type: 'add', symbol: 'X', reference, side: 'sell', price: 10 + (reference % 7), quantity: 1 });
    }
    while (engine.stats().queued > 0) engine.poll(0);
    let fills = 0;
    let executed = 0;
    let sequence = 0;
    engine.tap((view, at) => {
      assert.equal(journal.synced, journal.inputs.length);
      const next = view.getFloat64(at + OUTPUT.sequence, true);
      assert.ok(next > sequence);
      sequence = next;
      if (view.getUint8(at) !== Output.Fill) return;
      fills += 1;
      executed += view.getUint32(at + OUTPUT.qty, true);
      assert.equal(view.getUint32(at + OUTPUT.executed, true), executed);
    });
    const order = engine.placeOrder({ symbol: 'X', side: 'buy', price: 20, quantity: count + 5 });
    while (engine.stats().queued > 0) engine.poll(0);
    assert.deepEqual([fills, (await order).executions.length, (await order).leaves], [count, count, 5]);
    assert.equal(engine.position('X').quantity, count);
    engine.checkInvariants();
    await engine.stop();
  });
});

describe('executions elsewhere', () => {
  test('move the position and its profit, by no order', async () => {
    const rig = await EngineRig.start();
    const { engine } = rig;
    assert.equal(engine.recordExecution({ symbol: 'X', side: 'buy', price: '10.50', quantity: 4 }), 0);
    engine.recordExecution({ symbol: 'X', side: 'sell', price: '11.00', quantity: 1 });
    rig.turn();
    assert.deepEqual(rig.take(), [
      'declared X', 'fill #0 X buy 4 @ 10.50 leaves 0 executed 0', 'fill #0 X sell 1 @ 11.00 leaves 0 executed 0',
    ]);
    assert.deepEqual([engine.position('X').quantity, engine.position('X').realizedPnl], [3, '0.50']);
    await rig.stop();
  });
});
