// The mixed flow and the flow of random ids: shares and sizes, and that engines agree on them.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Engine } from '../book/engine.ts';
import { MatchingEngine } from '../book/matching_engine.ts';
import { ReferenceEngine } from '../book/order_book.reference.ts';
import { COMMAND, Cmd } from '../book/types.ts';
import { MIXED_DEPTHS, generateMixedFlow } from './mixed_flow.ts';
import { generateRandomFlow } from './random_flow.ts';

const TYPES = [Cmd.New, Cmd.Cancel, Cmd.Reduce, Cmd.Replace] as const;

interface Counts {
  trades: number;
  rejects: number;
  events: number;
}

function run(engine: Engine, slots: Uint8Array): Counts {
  const counts = { trades: 0, rejects: 0, events: 0 };
  const view = new DataView(slots.buffer, slots.byteOffset, slots.byteLength);
  for (let at = 0; at < slots.length; at += COMMAND.size) {
    const type = TYPES.find((known) => known === view.getUint8(at + COMMAND.type));
    assert.ok(type !== undefined);
    const events = engine.submit({
      type,
      id: view.getBigUint64(at + COMMAND.id, true),
      side: view.getInt8(at + COMMAND.side),
      orderType: view.getUint8(at + COMMAND.orderType),
      tif: view.getUint8(at + COMMAND.tif),
      price: view.getInt32(at + COMMAND.price, true),
      qty: view.getUint32(at + COMMAND.qty, true),
    });
    counts.events += events.length;
    for (const event of events) {
      if (event.type === 'trade') counts.trades++;
      if (event.type === 'rejected') counts.rejects++;
    }
  }
  return counts;
}

function levelsOf(engine: Engine): number {
  const { bids, asks } = engine.depth(0, 100_000);
  return bids.length + asks.length;
}

function ordersOf(engine: Engine): number {
  const { bids, asks } = engine.depth(0, 100_000);
  return [...bids, ...asks].reduce((sum, level) => sum + level.orders, 0);
}

describe('mixed flow', () => {
  for (const depth of ['small', 'deep'] as const) {
    test(`${depth}: the mix, at a steady size`, () => {
      const { live } = MIXED_DEPTHS[depth];
      const operations = 100_000;
      const flow = generateMixedFlow({ depth, operations });
      assert.equal(flow.operations, operations);
      assert.equal(flow.adds + flow.cancels + flow.reduces, operations);
      assert.ok(Math.abs(flow.adds / operations - 0.5) < 0.01, `adds ${flow.adds}`);
      assert.ok(Math.abs(flow.cancels / operations - 0.45) < 0.01, `cancels ${flow.cancels}`);
      assert.ok(Math.abs(flow.reduces / operations - 0.05) < 0.005, `reduces ${flow.reduces}`);
      assert.equal(flow.fillCommands, live);
      assert.ok(Math.abs(flow.live - live) < live * 0.05, `live ${flow.live}`);
      assert.ok(flow.livePeak < live * 1.05, `peak ${flow.livePeak}`);
      assert.ok(flow.fills > operations * 0.02, `fills ${flow.fills}`);
      assert.equal(flow.slots.length, (flow.fillCommands + operations) * COMMAND.size);
    });
  }

  test('core and twin find every cancel and reduce alive and count the same trades', () => {
    const flow = generateMixedFlow({ depth: 'small', operations: 10_000, seed: 7 });
    const config = {
      instruments: [{ minPrice: flow.minPrice, maxPrice: flow.maxPrice }],
      ordersMax: 10_000,
    };
    for (const engine of [new MatchingEngine(config), new ReferenceEngine(config)]) {
      const counts = run(engine, flow.slots);
      assert.equal(counts.rejects, 0);
      assert.equal(counts.trades, flow.fills);
      assert.equal(ordersOf(engine), flow.live);
      assert.ok(levelsOf(engine) <= flow.levelsPeak);
    }
  });

  test('the same seed gives the same bytes, another seed others', () => {
    const one = generateMixedFlow({ depth: 'small', operations: 1_000, seed: 3 });
    const two = generateMixedFlow({ depth: 'small', operations: 1_000, seed: 3, shared: true });
    const three = generateMixedFlow({ depth: 'small', operations: 1_000, seed: 4 });
    assert.ok(two.slots.buffer instanceof SharedArrayBuffer);
    assert.deepEqual(Buffer.from(one.slots), Buffer.from(two.slots));
    assert.notDeepEqual(Buffer.from(one.slots), Buffer.from(three.slots));
  });

  test('wrong options are refused', () => {
    assert.throws(
      () => generateMixedFlow({ depth: JSON.parse('"huge"') }),
      /depth: expected small or deep, was "huge"/,
    );
    assert.throws(
      () => generateMixedFlow({ depth: 'small', operations: -1 }),
      /operations: expected an integer/,
    );
  });
});

describe('random flow', () => {
  test('lives overlap, ids are random and unique', () => {
    const flow = generateRandomFlow({ orders: 20_000, live: 1_000 });
    assert.equal(flow.newOrders, 20_000);
    assert.equal(flow.cancels, flow.newOrders - flow.immediateOrders);
    assert.ok(Math.abs(flow.immediateOrders / flow.newOrders - 0.15) < 0.01);
    assert.ok(Math.abs(flow.modifies / flow.cancels - 0.2) < 0.01);
    assert.ok(flow.livePeak > 700 && flow.livePeak < 1_100, `live ${flow.livePeak}`);
    const view = new DataView(flow.slots.buffer, flow.slots.byteOffset, flow.slots.byteLength);
    const ids = new Set<bigint>();
    let high = 0;
    for (let at = 0; at < flow.slots.length; at += COMMAND.size) {
      const id = view.getBigUint64(at + COMMAND.id, true);
      if (view.getUint8(at + COMMAND.type) !== Cmd.New) {
        assert.ok(ids.has(id), 'only what was entered is cancelled or modified');
        continue;
      }
      assert.ok(!ids.has(id));
      ids.add(id);
      if (id >= 1n << 63n) high++;
    }
    assert.ok(Math.abs(high / 20_000 - 0.5) < 0.02, 'ids use all 64 bits');
  });

  test('core and twin agree, and what is refused has traded before', () => {
    const flow = generateRandomFlow({ orders: 5_000, live: 500 });
    const config = {
      instruments: [{ minPrice: flow.minPrice, maxPrice: flow.maxPrice }],
      ordersMax: 5_000,
    };
    const core = new MatchingEngine(config);
    const twin = new ReferenceEngine(config);
    const counts = run(core, flow.slots);
    assert.deepEqual(run(twin, flow.slots), counts);
    assert.equal(core.stateHash(), twin.stateHash());
    assert.ok(counts.trades > 50, String(counts.trades));
    assert.ok(counts.rejects > 0 && counts.rejects < flow.messages / 5, String(counts.rejects));
    assert.equal(ordersOf(core), 0, 'every order is cancelled in the end');
  });

  test('the same seed gives the same bytes, another seed others', () => {
    const one = generateRandomFlow({ orders: 500, seed: 3 });
    const two = generateRandomFlow({ orders: 500, seed: 3 });
    const three = generateRandomFlow({ orders: 500, seed: 4 });
    assert.deepEqual(Buffer.from(one.slots), Buffer.from(two.slots));
    assert.notDeepEqual(Buffer.from(one.slots), Buffer.from(three.slots));
    assert.throws(() => generateRandomFlow({ orders: 0 }), /orders: expected an integer/);
    assert.throws(() => generateRandomFlow({ live: 1.5 }), /live: expected an integer/);
  });
});
