import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ManualClock } from '../base/clock.ts';
import { MarketView } from '../book/market_view.ts';
import { MemoryFabric } from '../net/memory_network.ts';
import { FeedHandler } from '../trader/feed_handler.ts';
import { DemoMonitor } from './demo_monitor.ts';
import { FlowDriver } from './flow_driver.ts';
import { status } from './trade_status.reference.ts';
import type { FlowSource } from './demo_source.ts';
import type { MonitorParts } from './demo_monitor.ts';

const SOURCE: FlowSource = {
  symbol: 'TEST', description: 'written', decimals: 3, tickSize: 5, speedDefault: 1,
  timeOfDay: true, traders: [],
  pass: () => {
    throw new Error('nothing flows here');
  },
};

async function setUp(speed: number): Promise<{ monitor: DemoMonitor; parts: MonitorParts }> {
  const monitor = new DemoMonitor();
  const view = new MarketView({ instruments: [{ minPrice: 1, maxPrice: 1000 }], ordersMax: 16 });
  const network = new MemoryFabric().network();
  const feed = new FeedHandler(view, monitor, {
    instruments: [{ ticker: 1, tickUnits: 5 }],
    incremental: await network.unicast({ host: '127.0.0.1', port: 0 }),
    snapshot: null,
    retransmit: null,
  });
  const driver = new FlowDriver({
    clock: new ManualClock(), entry: { client: 1 }, ticker: 1, speed, pass: () => null,
  });
  const traders = { statuses: [status()] };
  const accounts = { summary: { clients: 2, compared: 9, position: 0, cash: 0, difference: '' } };
  return {
    monitor,
    parts: { source: SOURCE, speed, endpoint: 'here', view, feed, driver, traders, accounts, dashboard: null },
  };
}

test('rates are those of the last second, latencies those of the last window', async () => {
  const { monitor, parts } = await setUp(10);
  const { driver } = parts;
  for (let ms = 0; ms <= 2_000; ms += 100) {
    driver.requests = ms; // a thousand a second
    driver.latency.record(1_000);
    monitor.look(parts, ms, 5);
  }
  for (let ms = 2_100; ms <= 4_000; ms += 100) {
    driver.requests = 2_000 + (ms - 2_000) * 3;
    driver.latency.record(50_000);
    monitor.look(parts, ms, 5);
  }
  const seen = monitor.look(parts, 4_001, 5);
  assert.equal(Math.round(seen.requestsPerSecond / 100), 30);
  assert.deepEqual(seen.requestRates.map((rate) => Math.round(rate / 100)), [10, 10, 30, 30]);
  assert.equal(seen.elapsedMs, 4_001);
  assert.ok(seen.latency.p50Ns > 40_000, 'the first window is past');
  assert.equal(monitor.finish(driver).count, 41, 'the whole run is kept');
});

test('prices in units of the instrument; the tape has the newest trade first', async () => {
  const { monitor, parts } = await setUp(Infinity);
  parts.view.add(0, 1, 100, 7, 1, 0, 1, 0);
  parts.view.add(0, -1, 102, 9, 2, 0, 2, 0);
  for (let price = 1; price <= 100; price++) {
    monitor.onTrade(0, price % 2 === 0 ? 1 : -1, price, price);
  }
  const seen = monitor.look(parts, 0, 5);
  assert.deepEqual(seen.bids, [{ price: 500, qty: 7, orders: 1 }]);
  assert.deepEqual(seen.asks, [{ price: 510, qty: 9, orders: 1 }]);
  assert.equal(seen.trades, 100);
  assert.equal(seen.lastPrice, 500);
  assert.deepEqual(
    seen.tape.slice(0, 2).map(({ price, side, qty }) => [price, side, qty]),
    [[500, 1, 100], [495, -1, 99]],
  );
  assert.equal(seen.tape.length, 64);
  assert.match(seen.source, /^written 00:00:00 full speed, pass 0$/);
  assert.equal(seen.hint, '');
  assert.deepEqual([seen.traders.length, seen.accounts.compared], [1, 9]);
});
