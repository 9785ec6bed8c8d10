// The way of a producer's inputs through the engine allocates nothing: orders, cancels, modifies, fills and
// market data, with a tap that reads every record.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { leastHeapPerOperation } from '../../bench/harness/heap.ts';
import { ManualClock } from '../../src/base/clock.ts';
import { Output } from '../../src/engine/outputs.ts';
import { EngineProducer } from '../../src/engine/producer.ts';
import { TradingEngine } from '../../src/engine/trading_engine.ts';

const BYTES_MAX = 0.1;
const ORDERS = 512;
/** Orders, modifies, cancels, quotes and trades of a round. */
const OPERATIONS = 3 * ORDERS + 2 * 64;

test('producer to tap: at most 0.1 byte of heap an input', async () => {
  const clock = new ManualClock();
  const engine = new TradingEngine({
    loop: 'manual', clock, instruments: [{ symbol: 'X' }, { symbol: 'Y' }], ordersMax: 2_048, maxOrdersPerSecond: 1_000_000,
    maxPositionSize: 1_000_000, maxPortfolioValue: 1_000_000_000, collarTicks: 5_000, latencySampleEvery: 0,
    breakers: [{ measure: 'error-rate' }, { measure: 'loss', amount: 1_000_000 }],
  });
  await engine.start();
  // Beyond 2^31: times are no small integers any more, so each that is boxed is seen.
  clock.advance(10_000_000_000);
  const producer = new EngineProducer(engine.producer());
  const told = new Float64Array(16);
  engine.tap((view, at) => (told[view.getUint8(at)] += 1));
  const ids = new Float64Array(ORDERS);
  const work = (): void => {
    const { nowNs } = clock;
    while (engine.poll(nowNs) > 0);
  };
  const round = (): void => {
    clock.advance(10_000_000);
    for (let i = 0; i < 64; i++) {
      producer.quote(i & 1, 9_990 + (i % 3), 20, 10_010 + (i % 3), 20);
      producer.trade(i & 1, 1, 10_000, 3);
    }
    for (let i = 0; i < ORDERS; i++) {
      const side = i & 2 ? 1 : -1;
      // Every eighth meets the market's quote.
      ids[i] = producer.placeLimit(i & 1, side, i % 8 === 0 ? 10_000 + 30 * side : 10_000 - side * (15 + (i % 40)), 1);
    }
    work();
    for (let i = 0; i < ORDERS; i++) producer.modify(ids[i], 9_950 + (i & 2 ? -(i % 9) : 120 + (i % 9)), 1);
    work();
    for (let i = 0; i < ORDERS; i++) producer.cancel(ids[i]);
    work();
  };
  const bytes = await leastHeapPerOperation(round, OPERATIONS, BYTES_MAX);
  assert.ok(bytes <= BYTES_MAX, `${bytes} bytes an input`);
  for (const type of [Output.Accepted, Output.Fill, Output.Canceled, Output.Modified, Output.CancelRejected]) {
    assert.ok(told[type] > 0, `${told[type]} outputs of type ${type}`);
  }
  assert.deepEqual(engine.orders(), []);
  engine.checkInvariants();
  await engine.stop();
});
