// An engine inside of another program, as the monitor sees it.
import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { EnginePublisher } from '../../src/observe/engine_publisher.ts';
import { statsPath } from '../../src/observe/shared_stats.ts';
import { SystemWatch } from '../../src/observe/system_watch.ts';
import type { TraderView } from '../../src/observe/system_view.ts';
import { TradingEngine } from '../../src/engine/trading_engine.ts';

const UNTIL_MS = 20_000;
const folder = mkdtempSync(join(tmpdir(), 'outcry-engine-published-'));
test.after(() => rmSync(folder, { recursive: true }));

async function seen(watch: SystemWatch, holds: (trader: TraderView) => boolean): Promise<TraderView> {
  const untilMs = performance.now() + UNTIL_MS;
  for (;;) {
    const { traders } = watch.look();
    if (traders.length === 1 && holds(traders[0])) return traders[0];
    if (performance.now() > untilMs) assert.fail(`not seen: ${JSON.stringify(traders)}`);
    await sleep(20);
  }
}

test('orders, positions, profit, latency and state of an engine are published; its file goes when it is closed', async (t) => {
  const engine = new TradingEngine({ maxOrdersPerSecond: 100_000 });
  await engine.start();
  t.after(() => engine.stop());
  const publisher = new EnginePublisher(engine, { title: 'a desk', strategy: 'by hand', folder });
  const watch = new SystemWatch({ folder });
  t.after(() => watch.close());
  engine.submitMarketData({ type: 'quote', symbol: 'AAPL', bid: '99.00', bidQuantity: 500, ask: '101.00', askQuantity: 500 });
  const order = await engine.placeOrder({ symbol: 'AAPL', side: 'buy', price: '101.00', quantity: 10 });
  assert.equal(order.status, 'filled');
  let resting = 0;
  while (engine.orderLatency.count === 0) { // one call in some is timed
    const { ok } = await engine.placeOrder({ symbol: 'AAPL', side: 'buy', price: '90.00', quantity: 1 }); // oxlint-disable-line no-await-in-loop -- one after the other
    assert.ok(ok && ++resting < 90);
  }
  const trader = await seen(watch, ({ ordersSent, roundTrip }) => ordersSent.total === 1 + resting && roundTrip !== null);
  assert.deepEqual([trader.client, trader.strategy, trader.state], [0, 'by hand', 'running']);
  assert.deepEqual([trader.fills.total, trader.ordersOpen, trader.pnl], [1, resting, -10]);
  assert.ok(Math.abs(trader.fillRatePercent - 100 / (1 + resting)) < 1e-9);
  const [{ symbol, position, realised, unrealised, bid, ask }] = trader.books;
  assert.deepEqual([symbol, position, realised, unrealised, bid, ask], ['AAPL', 10, 0, -10, null, null]);
  assert.equal(trader.roundTrip?.totalCount, engine.orderLatency.count);
  assert.equal(watch.look().processes[0].title, 'a desk');
  await engine.pause();
  await seen(watch, ({ state }) => state === 'paused');
  publisher.close();
  assert.equal(existsSync(statsPath('engine', process.pid, folder)), false);
});
