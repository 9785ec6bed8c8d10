// What an exchange and a trader publish, as the monitor reads it, beside what they are.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { builtIn, MAKER, TradeRig } from '../../test/trade/trade_rig.ts';
import { State } from '../book/types.ts';
import { exchangeCounters } from '../exchange/counters.ts';
import { sharedMemoryFolder } from '../os/mapped_file.ts';
import { ProcessStats, processDeclarations } from '../observe/process_stats.ts';
import { SharedStats, statsPath, type StatDeclaration } from '../observe/shared_stats.ts';
import { exchangeDeclarations, traderDeclarations } from '../observe/system_stats.ts';
import { SystemWatch } from '../observe/system_watch.ts';
import type { SystemView } from '../observe/system_view.ts';
import { ExchangeFigures } from './exchange_figures.ts';
import { TradeFigures } from './trade_figures.ts';
import { bookStatus } from './trade_status.ts';

const CENTS = 100;

/** A maker and a flow on an exchange, whose figures are written when the test says, and read. */
async function published(t: TestContext): Promise<{ rig: TradeRig; look: () => SystemView }> {
  const folder = mkdtempSync(join(sharedMemoryFolder() ?? tmpdir(), 'outcry-figures-'));
  const rig = await TradeRig.open();
  await rig.startFlow();
  const { trader } = await rig.add({ client: 1, strategy: builtIn('market-maker', MAKER) });
  const processes: ProcessStats[] = [];
  const open = (verb: string, declarations: readonly StatDeclaration[], figures: (stats: SharedStats) => () => void): void => {
    const stats = SharedStats.create(statsPath(verb, process.pid, folder), verb, [...processDeclarations(), ...declarations]);
    const own = new ProcessStats(stats);
    own.figures = figures(stats);
    processes.push(own);
  };
  open('exchange', exchangeDeclarations(exchangeCounters().names), (stats) => {
    const figures = new ExchangeFigures(stats, rig.exchange);
    return () => figures.publish();
  });
  open('trade', traderDeclarations(1, false), (stats) => {
    const figures = new TradeFigures(stats, trader, rig.exchange.ports[1]);
    return () => figures.publish();
  });
  const watch = new SystemWatch({ folder });
  t.after(() => {
    watch.close();
    for (const one of processes) one.close();
    rig.close();
    rmSync(folder, { recursive: true });
  });
  let nowMs = Date.now();
  const look = (): SystemView => {
    while (Date.now() <= nowMs); // a beat is told from the last by its millisecond
    nowMs = Date.now();
    for (const one of processes) one.sample();
    return watch.look();
  };
  return { rig, look };
}

test('a trader: positions, profit, quotes, counts are its own', async (t) => {
  const { rig, look } = await published(t);
  const [{ trader }] = rig.traders;
  await rig.until(() => trader.fills > 20 && trader.runner.positions.position(0) !== 0, 'fills');
  const [view] = look().traders;
  const { positions } = trader.runner;
  const book = bookStatus(trader, 0);
  assert.ok(book.bestBid !== null && book.bestAsk !== null && view.pnl !== null);
  const mark = ((book.bestBid.ticks + book.bestAsk.ticks) / 2) * book.tickUnits;
  const profit = (positions.cash(0) * book.tickUnits + positions.position(0) * mark) / CENTS;
  assert.ok(Math.abs(view.pnl - profit) < 1e-6, `profit was ${view.pnl}, of cash and position ${profit}`);
  const [{ ticker, position, realised, unrealised, bid, ask, positionMax, lossMax }] = view.books;
  assert.ok(unrealised !== null && Math.abs(realised + unrealised - view.pnl) < 1e-6);
  assert.deepEqual([ticker, position, positionMax, lossMax], [1, positions.position(0), 1_000, 1_000]);
  for (const [told, own] of [[bid, book.bid], [ask, book.ask]]) {
    const quote = own === null ? null : { price: 'ticks' in own ? (own.ticks * book.tickUnits) / CENTS : NaN, qty: own.qty };
    assert.deepEqual(told, quote);
  }
  assert.ok(bid !== null || ask !== null);
  const { session, runner } = trader;
  const { maxOrderQty, maxPosition, maxLoss } = runner.risk.limits;
  assert.deepEqual(view.limits, { maxOrderQty, maxPosition, maxLoss });
  assert.deepEqual([view.client, view.state, view.connected, view.feedFresh], [1, 'running', true, true]);
  assert.deepEqual([view.ordersSent.total, view.fills.total, view.ordersOpen], [session.newOrders, trader.fills, runner.orders.liveOrders]);
  assert.ok(Math.abs(view.fillRatePercent - trader.fillRatePercent) < 1e-9);
  trader.runner.pause(rig.clock.nowNs);
  assert.equal(look().traders[0].state, 'paused');
});

test('an exchange: every counter, orders, sessions, locks, states; a locked out trader says so', async (t) => {
  const { rig, look } = await published(t);
  await rig.until(() => rig.exchange.counters.get('trades') > 5, 'trades');
  const { exchange } = look();
  const { counters, engine, gateway } = rig.exchange;
  assert.ok(exchange !== null);
  for (const [told, counter] of [
    [exchange.requests, 'requests'], [exchange.accepted, 'accepted'], [exchange.rejected, 'rejected'], [exchange.trades, 'trades'], [exchange.responses, 'responses'],
    [exchange.feedMessages, 'feed_messages'], [exchange.feedDatagrams, 'feed_datagrams'], [exchange.bytesIn, 'bytes_in'], [exchange.bytesOut, 'bytes_out'],
  ] as const) assert.equal(told.total, counters.get(counter), counter);
  assert.deepEqual([exchange.port, exchange.endpoint, exchange.sessions], [rig.exchange.ports[0], `127.0.0.1:${rig.exchange.ports[0]}`, gateway.count]);
  assert.deepEqual([exchange.ordersLive, exchange.ordersMax], [engine.ordersLive, 10_000]);
  assert.deepEqual([exchange.lockedOut, exchange.halted, exchange.journal], [0, 0, null]);
  assert.deepEqual(exchange.queues.map(({ name, used }) => [name, used]), [['orders', engine.ordersLive], ['sessions', 2]], 'without a journal nothing waits for one');
  rig.exchange.controls.kill(1);
  rig.exchange.controls.setState(1, State.Halted);
  await rig.until(() => rig.traders[0].trader.session.lockedOut, 'the lock');
  const locked = look();
  assert.deepEqual([locked.exchange?.lockedOut, locked.exchange?.halted], [1, 1]);
  assert.match(locked.traders[0].standsStill.join('\n'), /the exchange has locked client 1 out/);
  rig.exchange.controls.kill(null);
  await rig.turn(10);
  assert.equal(look().exchange?.lockedOut, 2, 'everybody who is here');
});
