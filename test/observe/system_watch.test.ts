// What the monitor sees of real processes: an exchange with a trader, as they come, trade, hang, are killed and start again.
import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { statsPath } from '../../src/observe/shared_stats.ts';
import { SystemWatch } from '../../src/observe/system_watch.ts';
import type { ExchangeView, ProcessView, SystemView, TraderView } from '../../src/observe/system_view.ts';
import { outcry, startExchange, type Running, type RunningExchange } from '../trade/processes.ts';

const UNTIL_MS = 30_000;
const LOOK_MS = 50;
const folder = mkdtempSync(join(tmpdir(), 'outcry-watch-'));
test.after(() => rmSync(folder, { recursive: true }));

/** Looks until it is seen. */
async function seen<T>(watch: SystemWatch, what: string, find: (view: SystemView) => T | null | undefined | false): Promise<T> {
  const untilMs = performance.now() + UNTIL_MS;
  for (;;) {
    const view = watch.look();
    const found = find(view);
    if (found !== null && found !== undefined && found !== false) return found;
    if (performance.now() > untilMs) assert.fail(`${what}: not seen in ${UNTIL_MS / 1_000} s, but ${JSON.stringify(view)}`);
    await sleep(LOOK_MS);
  }
}

function ending(t: TestContext, running: Running): void {
  t.after(async () => {
    running.child.kill('SIGCONT');
    running.child.kill('SIGKILL');
    await running.ended;
  });
}

function start(t: TestContext, ...args: string[]): Running {
  const running = outcry(...args);
  ending(t, running);
  return running;
}

async function exchangeOf(t: TestContext, ...flags: string[]): Promise<RunningExchange> {
  const exchange = await startExchange(...flags);
  ending(t, exchange);
  return exchange;
}

function watchOf(t: TestContext, { port }: RunningExchange): SystemWatch {
  const watch = new SystemWatch({ exchangePort: port });
  t.after(() => watch.close());
  return watch;
}

/** Order flow from another process. */
function flowTo(t: TestContext, { port }: RunningExchange): void {
  start(t, 'replay', 'equity', '--to', `127.0.0.1:${port}`, '--orders', '500000', '--speed', '20', '--client-id', '99', '--json');
}

test('an exchange and a trader with what they do; one that is killed is gone, one that hangs is silent', async (t) => {
  const exchange = await exchangeOf(t, '--tickers', '1,2', '--journal', join(folder, 'journal'), '--durability', 'async-unsafe');
  const watch = watchOf(t, exchange);
  const { pid } = exchange.child;
  const first = await seen(watch, 'an exchange', ({ exchange: found }) => found);
  assert.deepEqual([first.pid, first.endpoint, first.sessions, first.ordersLive], [pid, `127.0.0.1:${exchange.port}`, 0, 0]);
  assert.equal(first.journal?.mode, 'async-unsafe');

  const trader = start(t, 'trade', ...exchange.flags, '-c', '7', '-t', '1,2', '--half-spread', '5', '--set', 'min_spread=4', '--set', 'price_update_threshold=1', '--max-position', '500');
  flowTo(t, exchange);
  const traderOf = ({ traders }: SystemView): TraderView | undefined => traders.find((one) => one.pid === trader.child.pid);
  const trading = await seen(watch, 'a trader that trades', (view) => {
    const found = traderOf(view);
    const { exchange: served } = view;
    // A latency counts from the first look on: what was there before has no part in it.
    const measured = (found?.roundTrip?.count ?? 0) > 0 && (served?.orderLatency?.count ?? 0) > 0;
    return measured && found!.fills.total > 0 && found!.tickToTrade !== null && served!.trades.total > 0 && view;
  });
  checkExchange(trading.exchange);
  checkTrader(traderOf(trading));
  assert.ok(trading.machine.coresBusyPercent.length > 0 && trading.machine.memoryAvailableBytes > 0);
  const exchangeProcess = ({ processes }: SystemView): ProcessView | undefined => processes.find((one) => one.pid === pid);
  const busy = await seen(watch, 'the exchange at work', (view) => {
    const one = exchangeProcess(view);
    return one !== undefined && one.cpuPercent > 0 && one.busyTurnsPercent !== null && view.exchange!.requests.perSecond > 0 && one;
  });
  assert.deepEqual([busy.verb, busy.beating], ['exchange', true]);
  assert.ok(busy.residentBytes > 20e6 && busy.heapUsedBytes > 1e6);
  assert.ok(watch.orderCurve().length > 0);

  trader.child.kill('SIGKILL');
  await trader.ended;
  await seen(watch, 'no trader', (view) => traderOf(view) === undefined);
  assert.equal(existsSync(statsPath('trade', trader.child.pid)), false, 'what a killed process left is swept up');

  exchange.child.kill('SIGSTOP');
  const silent = await seen(watch, 'an exchange that hangs', (view) => exchangeProcess(view)?.beating === false && view.exchange);
  assert.equal(silent.requests.perSecond, 0);
  assert.ok(silent.requests.total > 0);
  exchange.child.kill('SIGCONT');
  await seen(watch, 'an exchange that goes on', (view) => exchangeProcess(view)?.beating === true);
});

function checkExchange(view: ExchangeView | null): void {
  assert.ok(view !== null && view.orderLatency !== null && view.journal !== null);
  assert.ok(view.sessions >= 1 && view.accepted.total > 0 && view.feedMessages.total > 0 && view.trades.total > 0, JSON.stringify(view));
  assert.ok(view.requests.total >= view.accepted.total + view.rejected.total, 'all of a copy is from the same turn');
  assert.ok(view.orderLatency.p50Ns > 0 && view.orderLatency.p50Ns <= view.orderLatency.p99Ns && view.orderLatency.p99Ns <= view.orderLatency.maxNs);
  assert.deepEqual(view.stages.map(({ stage }) => stage), ['sequenced', 'matched', 'journaled', 'feed_tx', 'response_tx']);
  assert.deepEqual(view.queues.map(({ name }) => name), ['orders', 'sessions', 'journal', 'feed']);
  assert.ok(view.journal.sequence > 0 && view.journal.releasedSequence <= view.journal.sequence);
}

function checkTrader(view: TraderView | undefined): void {
  assert.ok(view !== undefined && view.tickToTrade !== null && view.roundTrip !== null);
  assert.deepEqual([view.client, view.strategy, view.state, view.connected, view.feedFresh], [7, 'market-maker', 'running', true, true]);
  assert.deepEqual(view.books.map(({ ticker, symbol, positionMax, lossMax }) => [ticker, symbol, positionMax, lossMax]), [[1, 'T1', 500, 1_000], [2, 'T2', 500, 1_000]]);
  assert.ok(view.ordersSent.total > 0 && view.fillRatePercent > 0 && view.fillRatePercent <= 100);
  assert.ok(view.roundTrip.p50Ns > 1_000 && view.roundTrip.maxNs < 30e9, JSON.stringify(view.roundTrip));
}

test('an exchange that is killed and starts again on the same port is watched on', async (t) => {
  const old = await exchangeOf(t);
  const watch = watchOf(t, old);
  await seen(watch, 'the first', ({ exchange }) => exchange?.pid === old.child.pid);
  old.child.kill('SIGKILL');
  await old.ended;
  await seen(watch, 'none', ({ exchange }) => exchange === null);
  const young = await exchangeOf(t, '--port', String(old.port), '--multicast-port', String(old.multicastPort));
  const found = await seen(watch, 'the second', ({ exchange }) => exchange);
  assert.deepEqual([found.pid, found.requests.total], [young.child.pid, 0]);
  // Its end in order takes its file along.
  young.child.kill('SIGINT');
  await young.ended;
  await seen(watch, 'none again', ({ exchange, processes }) => exchange === null && processes.every(({ pid }) => pid !== young.child.pid));
});

test('metrics_enabled = false publishes nothing, latency_profiling = false no latency', async (t) => {
  const silentFile = join(folder, 'silent.toml');
  writeFileSync(silentFile, '[monitoring]\nmetrics_enabled = false\n');
  const silent = await exchangeOf(t, '--config', silentFile);
  assert.equal(existsSync(statsPath('exchange', silent.child.pid)), false);
  const quickFile = join(folder, 'quick.toml');
  writeFileSync(quickFile, '[monitoring]\nlatency_profiling = false\n');
  const exchange = await exchangeOf(t, '--config', quickFile);
  const silentTrader = start(t, 'trade', ...exchange.flags, '--config', silentFile, '-c', '8');
  const trader = start(t, 'trade', ...exchange.flags, '--config', quickFile, '-c', '9');
  flowTo(t, exchange);
  const watch = watchOf(t, exchange);
  await silentTrader.said(/running/);
  const view = await seen(watch, 'requests and orders', (one) => {
    const sent = one.traders.find(({ pid }) => pid === trader.child.pid)?.ordersSent.total ?? 0;
    return sent > 0 && (one.exchange?.trades.total ?? 0) > 0 && one;
  });
  assert.deepEqual([view.exchange?.orderLatency, view.exchange?.stages], [null, []]);
  const { tickToTrade, roundTrip } = view.traders.find(({ pid }) => pid === trader.child.pid)!;
  assert.deepEqual([tickToTrade, roundTrip], [null, null]);
  for (const { pid } of [silent.child, silentTrader.child]) assert.equal(view.processes.find((one) => one.pid === pid), undefined);
});
