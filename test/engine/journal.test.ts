// Event sourcing: every input is journaled before it takes effect, nothing is told before the journal has
// it, and the inputs alone give the same state again.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Prng } from '../../src/base/prng.ts';
import { MemoryDisk } from '../../src/journal/memory_storage.ts';
import { JournalReader } from '../../src/journal/reader.ts';
import { JournalType } from '../../src/journal/record_types.ts';
import { JournalWriter } from '../../src/journal/writer.ts';
import type { TradingEngineConfig } from '../../src/engine/config.ts';
import { MemoryJournal, RECORD_INPUT, RECORD_INPUT_TEXT, type InputJournal, type JournaledInput } from '../../src/engine/input_journal.ts';
import { OutcomeUnknownError } from '../../src/engine/results.ts';
import { TradingEngine } from '../../src/engine/trading_engine.ts';
import { EngineRig } from './engine_rig.ts';

const SEEDS = Math.max(3, Math.floor(Number(process.env['ENGINE_SEEDS'] ?? 100) / 20));

const CONFIG: TradingEngineConfig = {
  instruments: [{ symbol: 'A' }, { symbol: 'B', tickSize: '0.05' }], maxPositionSize: 400, maxOrderQuantity: 40,
  breakers: [
    { measure: 'error-rate', threshold: 0.4, minimum: 5, windowMs: 50, cooldownMs: 5, probes: 2 },
    { measure: 'loss', amount: '15', windowMs: 50, cooldownMs: 5 },
    { measure: 'latency', limitMicros: 500, threshold: 0.9, minimum: 3, windowMs: 50, cooldownMs: 5 },
  ],
  latencySampleEvery: 4, stopLossPercentage: 0.000_02, queue: { normalSlots: 128 },
  strategies: [{ strategy: 'market-maker', parameters: { halfSpread: 0.1, baseQty: 5 }, symbols: ['B'] }],
};

/** Everything that a program can do, at random. */
function act(engine: TradingEngine, prng: Prng, orders: number[]): void {
  const symbol = ['A', 'B', 'C', 'D'][prng.below(4)];
  const price = (100 + prng.below(8) * 0.05).toFixed(2);
  const side = prng.chance(0.5) ? 'buy' : 'sell';
  const quantity = 1 + prng.below(45);
  const chance = prng.below(100);
  if (chance < 40) {
    const id = engine.tryPlaceOrder({
      symbol, side, price, quantity, ...(prng.chance(0.2) ? { tif: 'ioc' } : {}), ...(prng.chance(0.2) ? { clientOrderId: prng.below(30) } : {}),
      ...(prng.chance(0.05) ? { stopPrice: price } : {}),
    });
    if (id > 0) orders.push(id);
  } else if (chance < 55 && orders.length > 0) engine.tryCancelOrder(orders[prng.below(orders.length)]);
  else if (chance < 65) {
    const open = engine.orders();
    if (open.length > 0) engine.tryModifyOrder(open[prng.below(open.length)].orderId, { quantity });
  } else if (chance < 85) {
    engine.submitMarketData({ type: 'quote', symbol, bid: price, bidQuantity: quantity, ask: (Number(price) + 0.1).toFixed(2), askQuantity: quantity });
  } else if (chance < 90) engine.submitMarketData({ type: 'trade', symbol, side, price, quantity });
  else if (chance < 92) void engine.cancelAll(prng.chance(0.5) ? 'A' : undefined);
  else if (chance < 94) void (prng.chance(0.5) ? engine.pause() : engine.resume());
  else if (chance < 95) void (prng.chance(0.3) ? engine.kill() : engine.reset());
  else if (chance < 97) void engine.setAutoTrading(prng.chance(0.7));
  else void engine.reconfigure({ maxOrderQuantity: 20 + prng.below(30), autoTrading: prng.chance(0.8) });
}

describe('replay', () => {
  test('the constants of the record types are those of the journal', () => {
    assert.deepEqual([RECORD_INPUT, RECORD_INPUT_TEXT], [JournalType.EngineInput, JournalType.EngineInputText]);
  });

  test('random inputs give the same state hash again, at every point where it was taken', async () => {
    for (let seed = 1; seed <= SEEDS; seed++) {
      const prng = new Prng(seed);
      const journal = new MemoryJournal();
      const rig = await EngineRig.start({ ...CONFIG, journal }, []);
      const orders: number[] = [];
      const marks: [count: number, hash: bigint][] = [];
      for (let step = 0; step < 250; step++) {
        for (let calls = prng.below(6); calls > 0; calls--) act(rig.engine, prng, orders);
        rig.turn(prng.below(3));
        if (prng.chance(0.02)) marks.push([journal.inputs.length, rig.engine.stateHash()]);
      }
      marks.push([journal.inputs.length, rig.engine.stateHash()]);
      for (const [count, hash] of marks) {
        const again = new EngineRig({ ...CONFIG, replay: journal.inputs.slice(0, count) }, []);
        // Starting is an input of its own; where the run was under way it changes nothing.
        await again.engine.start();
        assert.equal(again.engine.stateHash(), hash, `seed ${seed}: ${count} inputs`);
        again.engine.checkInvariants();
        await again.engine.stop();
      }
      await rig.engine.stop();
    }
  });

  test('planted: one bit of one input changed gives another state', async () => {
    const journal = new MemoryJournal();
    const rig = await EngineRig.start({ ...CONFIG, journal }, []);
    rig.engine.tryPlaceOrder({ symbol: 'A', side: 'buy', price: 100, quantity: 2 });
    rig.turn();
    const { inputs } = journal;
    const last = inputs.length - 1;
    const changed: JournaledInput = { ...inputs[last], bytes: inputs[last].bytes.map((byte, i) => (i === 20 ? byte ^ 1 : byte)) };
    const again = new EngineRig({ ...CONFIG, replay: [...inputs.slice(0, last), changed] }, []);
    await again.engine.start();
    assert.notEqual(again.engine.stateHash(), rig.engine.stateHash());
    await rig.engine.stop();
  });

  test('an engine goes on where an earlier one was cut off: symbols, orders, positions, ids, names', async () => {
    const journal = new MemoryJournal();
    const first = await EngineRig.start({ journal }, []);
    first.engine.submitMarketData({ type: 'quote', symbol: 'LATER', bid: 10, bidQuantity: 5, ask: 11, askQuantity: 5 });
    const filled = await first.answer(first.engine.placeOrder({ symbol: 'LATER', side: 'buy', price: 11, quantity: 3 }));
    const open = await first.answer(first.engine.placeOrder({ symbol: 'LATER', side: 'buy', price: 9, quantity: 3, clientOrderId: '99' }));
    // The process is gone here: nobody stops it.
    const second = new EngineRig({ journal, replay: [...journal.inputs] });
    await second.engine.start();
    assert.deepEqual(second.take(), ['state running'], 'the past is not told again');
    assert.equal(second.engine.position('LATER').quantity, 3);
    assert.deepEqual(second.engine.orders().map(({ orderId, clientOrderId }) => [orderId, clientOrderId]), [[open.orderId, 99]]);
    const next = await second.answer(second.engine.placeOrder({ symbol: 'LATER', side: 'buy', price: 9, quantity: 1 }));
    assert.ok(next.orderId > Math.max(filled.orderId, open.orderId), 'no id comes twice');
    assert.ok((await second.answer(second.engine.cancelOrder({ clientOrderId: 99 }))).ok);
    await second.engine.stop();
    // … and again after a clean stop.
    const third = new EngineRig({ replay: [...journal.inputs] }, []);
    await third.engine.start();
    assert.equal(third.engine.position('LATER').quantity, 3);
    assert.ok((await third.answer(third.engine.placeOrder({ symbol: 'LATER', side: 'buy', price: 9, quantity: 1 }))).ok);
    await third.engine.stop();
  });

  test('through the journal of the exchange, on a disk that loses what was not synced', async () => {
    const disk = new MemoryDisk(3);
    const writer = JournalWriter.open(disk.mount(), { segmentBytes: 1 << 16 });
    const rig = await EngineRig.start({ journal: writer }, []);
    const order = await rig.answer(rig.engine.placeOrder({ symbol: 'A', side: 'buy', price: 10, quantity: 2 }));
    await rig.answer(rig.engine.reconfigure({ maxOrderQuantity: 7 }));
    const hash = rig.engine.stateHash();
    disk.losePower();
    const storage = disk.mount();
    const again = new EngineRig({ replay: inputsOf(storage) }, []);
    await again.engine.start();
    assert.equal(again.engine.stateHash(), hash, 'what was answered is there');
    assert.deepEqual(again.engine.orders().map(({ orderId }) => orderId), [order.orderId]);
    const large = await again.answer(again.engine.placeOrder({ symbol: 'A', side: 'buy', price: 10, quantity: 8 }));
    assert.equal(large.ok, false, 'the configuration too');
    await again.engine.stop();
  });
});

function* inputsOf(storage: ReturnType<MemoryDisk['mount']>): Generator<JournaledInput> {
  const reader = JournalReader.open(storage);
  while (reader.next()) {
    yield { type: reader.type, bytes: reader.bytes, at: reader.payloadAt, length: reader.payloadLength, timeNs: reader.timeNs };
  }
  reader.close();
}

/** Fails when told to; knows what had been told outside before each sync. */
class FailingJournal implements InputJournal {
  appended = 0;
  synced = 0;
  failsAt: 'append' | 'sync' | 'never' = 'never';

  append(): number {
    if (this.failsAt === 'append') throw new Error('EIO: write');
    return ++this.appended;
  }

  sync(): void {
    if (this.failsAt === 'sync') throw new Error('ENOSPC: sync');
    this.synced = this.appended;
  }
}

describe('the order of journal and effects', () => {
  test('no event and no answer before its input is safe', async () => {
    const journal = new FailingJournal();
    const rig = await EngineRig.start({ journal }, []);
    let unsafe = 0;
    rig.engine.tap(() => (unsafe += journal.synced < journal.appended ? 1 : 0));
    for (let i = 0; i < 300; i++) rig.engine.tryPlaceOrder({ symbol: 'X', side: i % 2 ? 'buy' : 'sell', price: 10, quantity: 1 + (i % 7) });
    rig.turn();
    assert.equal(unsafe, 0);
    await rig.engine.stop();
  });

  for (const failsAt of ['append', 'sync'] as const) {
    test(`a journal that fails at ${failsAt} ends the engine: nothing more is acknowledged`, async () => {
      const journal = new FailingJournal();
      const rig = await EngineRig.start({ journal });
      await rig.answer(rig.engine.placeOrder({ symbol: 'X', side: 'buy', price: 10, quantity: 1 }));
      rig.take();
      journal.failsAt = failsAt;
      const order = rig.engine.placeOrder({ symbol: 'X', side: 'buy', price: 11, quantity: 1 });
      const cancel = rig.engine.cancelOrder(1);
      const pause = rig.engine.pause();
      assert.throws(() => rig.engine.poll(0), /EIO|ENOSPC/);
      for (const answer of [order, cancel, pause]) await assert.rejects(answer, OutcomeUnknownError);
      await assert.rejects(rig.engine.stop(), /EIO|ENOSPC/);
      assert.deepEqual(rig.take(), [`error during turn: ${failsAt === 'append' ? 'EIO: write' : 'ENOSPC: sync'}`]);
      assert.equal(rig.engine.poll(0), 0);
      assert.ok(rig.engine.tryPlaceOrder({ symbol: 'X', side: 'buy', price: 11, quantity: 1 }) < 0);
      assert.match(String(rig.engine.failure), /EIO|ENOSPC/);
    });
  }
});
