// Every kind of alert, each raised by what it is there for, in a running system: an exchange with a journal, traders that lose,
// hold too much, are rejected and wait, on loopback; a monitor whose own receiver loses datagrams and turns a bit. Then the
// exchange hangs for a moment, and in the end it is killed.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { marketViewOf, MarketReceiver } from '../../src/apps/dashboard_market.ts';
import { marketFile, type MarketDescription, readMarketFile } from '../../src/apps/market_file.ts';
import { MonotonicClock } from '../../src/base/clock.ts';
import { chooseNetwork } from '../../src/net/choose_network.ts';
import { AlertMonitor } from '../../src/observe/alerts/alert_monitor.ts';
import { ALERTS_DEFAULT, type AlertSettings } from '../../src/observe/alerts/alert_settings.ts';
import { BookAudit } from '../../src/observe/alerts/book_audit.ts';
import { Webhook } from '../../src/observe/alerts/webhook.ts';
import { SystemWatch } from '../../src/observe/system_watch.ts';
import { outcry, type Running, type RunningExchange, startExchange } from '../trade/processes.ts';
import { AlteringNetwork } from './altering_network.ts';
import type { AddressInfo } from 'node:net';
import type { AlertKind } from '../../src/observe/alerts/alert.ts';
import type { AlertChange } from '../../src/observe/alerts/alert_book.ts';
import type { SystemView } from '../../src/observe/system_view.ts';

const LOOK_MS = 100;
const WAIT_MS = 90_000;
const MAKER = 9_101;
const LOSER = 9_102;
const REJECTED = 9_103;
/** No other order has it. */
const MARKED_QTY = 77;

const SETTINGS: AlertSettings = {
  ...ALERTS_DEFAULT, raiseAfterMs: 0, clearAfterMs: 500, largeLossPercent: 0, largeLoss: 0.5, largePositionPercent: 0, largePosition: 10,
  overloadCpuPercent: 1, feedGapsPerMinute: 2, journalLagRecords: 1, journalLagBytes: 0, journalLagNs: 0, rejectRatioPercent: 90, rejectCountMin: 20,
  highLatencyNs: 0, highRoundTripNs: 500_000_000, auditIntervalMs: 300,
};

const folder = mkdtempSync(join(tmpdir(), 'outcry-alerts-'));
after(() => rmSync(folder, { recursive: true }));

/** Of instrument 1, prices in cents. */
const STRATEGIES: Readonly<Record<string, string>> = {
  // Both sides around 100.00, far apart: whoever trades with it has lost half of that at once. The ask keeps moving, so that
  // there is always something to hear.
  maker: `turn: 0, onTimer(desk) {
    desk.quote(0, 1, 9_900, ${MARKED_QTY});
    desk.quote(0, -1, 10_090 + 10 * (this.turn++ % 2), 1_000);
  }`,
  loser: 'onTimer(desk) { if (desk.positions.position(0) < 20) desk.order(0, 1, 10_100, 2, 1); }',
  // More than one order may have, as the exchange is configured.
  rejected: 'onTimer(desk) { desk.order(0, 1, 9_000, 100, 1); }',
};

function strategyFile(name: string): string {
  const path = join(folder, `${name}.mjs`);
  writeFileSync(path, `export default () => ({ name: '${name}', onMarketData() {}, ${STRATEGIES[name]} });\n`);
  return path;
}

class Rig {
  readonly told: AlertChange[] = [];
  readonly monitor: AlertMonitor;
  readonly receiver: MarketReceiver;
  readonly altering: AlteringNetwork;
  readonly #audit: BookAudit;
  readonly #watch: SystemWatch;
  readonly #processes: readonly Running[];

  constructor(exchange: RunningExchange, processes: readonly Running[], receiver: MarketReceiver, altering: AlteringNetwork, audit: BookAudit, webhook: Webhook) {
    this.#processes = processes;
    this.#watch = new SystemWatch({ exchangePort: exchange.port });
    this.monitor = new AlertMonitor(SETTINGS, (change) => {
      this.told.push(change);
      webhook.tell(change);
    });
    this.receiver = receiver;
    this.altering = altering;
    this.#audit = audit;
  }

  /** Looks until `event` of this kind about `subject` has been told, and gives it. */
  async until(event: AlertChange['event'], kind: AlertKind, subject: RegExp): Promise<AlertChange['alert']> {
    const deadlineMs = performance.now() + WAIT_MS;
    for (;;) {
      const found = this.told.find((change) => change.event === event && change.alert.kind === kind && subject.test(change.alert.subject));
      if (found !== undefined) return found.alert;
      assert.ok(performance.now() < deadlineMs, `expected ${kind} of ${subject} to be ${event} within ${WAIT_MS} ms, was ${this.#story()}`);
      this.look();
      await sleep(LOOK_MS);
    }
  }

  look(): void {
    this.receiver.poll();
    this.#audit.poll(performance.now());
    this.monitor.observe(this.#ours(this.#watch.look()), { feedGaps: this.receiver.feed.gaps, mismatches: this.#audit.mismatches });
  }

  /** Others run tests here too. */
  #ours(view: SystemView): SystemView {
    const pids = new Set(this.#processes.map(({ child }) => child.pid));
    return {
      ...view,
      processes: view.processes.filter(({ pid }) => pids.has(pid)), traders: view.traders.filter(({ pid }) => pids.has(pid)),
    };
  }

  #story(): string {
    return this.told.map(({ event, alert }) => `${event} ${alert.kind} ${alert.message}`).join('\n');
  }

  close(): void {
    this.#audit.close();
    this.receiver.close();
    this.#watch.close();
  }
}

async function marketOf(exchange: Running): Promise<MarketDescription> {
  for (let i = 0; i < 500; i++) {
    const market = readMarketFile(marketFile(exchange.child.pid));
    if (market !== null) return market;
    await sleep(20);
  }
  throw new Error('expected the exchange to leave what a receiver needs within 10 s');
}

test('each fault raises its alert, and the webhook hears of all of them, in order', { timeout: 600_000 }, async (t) => {
  const config = join(folder, 'exchange.toml');
  writeFileSync(config, `[[exchange.limits]]\nclient = ${REJECTED}\nmax_order_qty = 1\n`);
  const exchange = await startExchange('--config', config, '--journal', join(folder, 'journal'));
  const trade = (client: number, name: string): Running =>
    outcry('trade', ...exchange.flags, '--client-id', String(client), '-s', strategyFile(name), '--max-order-qty', '1000', '--max-position', '10000', '--wait', 'sleep');
  const processes: Running[] = [exchange, trade(MAKER, 'maker'), trade(LOSER, 'loser'), trade(REJECTED, 'rejected')];
  t.after(async () => {
    for (const { child } of processes) child.kill('SIGKILL');
    await Promise.all(processes.map(({ ended }) => ended));
  });

  const heard: AlertChange[] = [];
  const server = createServer((request, response) => {
    let body = '';
    request.setEncoding('utf8').on('data', (text: string) => {
      body += text;
    }).on('end', () => {
      heard.push(JSON.parse(body) as AlertChange);
      response.end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const webhook = new Webhook(
    { ...SETTINGS.webhook, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`, timeoutMs: 60_000 }, { source: 'test' },
  );

  const { network } = chooseNetwork();
  const clock = new MonotonicClock();
  const market = await marketOf(exchange);
  const altering = new AlteringNetwork(network, market.feed.port, MARKED_QTY);
  const receiver = await MarketReceiver.join(market, altering.network, clock);
  const view = marketViewOf(market);
  const audit = new BookAudit({
    followed: receiver, instruments: market.instruments, intervalMs: () => SETTINGS.auditIntervalMs,
    join: async () => MarketReceiver.join(market, network, clock, { view, asks: false }),
  }, performance.now());
  const rig = new Rig(exchange, processes, receiver, altering, audit, webhook);
  t.after(() => {
    rig.close();
    network.close();
    webhook.close();
    server.closeAllConnections();
    server.close();
  });

  // What the traders do.
  const position = await rig.until('raised', 'LargePosition', new RegExp(`^T1 of client ${LOSER}$`));
  assert.ok(position.value >= 10 && position.detail['symbolId'] === 1 && position.detail['client'] === LOSER, position.message);
  const loss = await rig.until('raised', 'LargeLoss', new RegExp(`^T1 of client ${LOSER}$`));
  assert.ok(Number(loss.detail['pnl']) <= -0.5 && loss.severity === 'critical', loss.message);
  const rejects = await rig.until('raised', 'RejectRatio', new RegExp(`^client ${REJECTED}$`));
  assert.ok(Number(rejects.detail['rejected']) >= 18, rejects.message);
  assert.ok(Number((await rig.until('raised', 'SystemOverload', /^$/)).detail['cpuUsagePercent']) >= 1);
  assert.ok(Number((await rig.until('raised', 'JournalLag', /^exchange$/)).detail['records']) >= 1);
  rig.monitor.settings = { ...SETTINGS, journalLagRecords: 0 }; // any disk is behind by one again and again
  await rig.until('cleared', 'JournalLag', /^exchange$/);

  // What the monitor's receiver hears wrongly: one bit, and then too little.
  const mismatch = await rig.until('raised', 'HashMismatch', /^T1$/);
  assert.ok(altering.altered > 0);
  assert.notEqual(mismatch.detail['fresh'], mismatch.detail['followed']);
  altering.losesEvery = 3;
  const gaps = await rig.until('raised', 'FeedGaps', /^monitor$/);
  assert.ok(Number(gaps.detail['gaps']) >= 2 && altering.lost > 0, gaps.message);
  altering.losesEvery = 0;

  // The exchange hangs.
  exchange.child.kill('SIGSTOP');
  const silent = await rig.until('raised', 'ProcessSilent', /^exchange /);
  assert.equal(silent.detail['pid'], exchange.child.pid);
  assert.equal(rig.monitor.health.score, 0);
  exchange.child.kill('SIGCONT');
  await rig.until('cleared', 'ProcessSilent', /^exchange /);
  const late = await rig.until('raised', 'HighLatency', /^client /);
  assert.ok(Number(late.detail['latencyNs']) >= 500_000_000, late.message);

  // It is killed.
  exchange.child.kill('SIGKILL');
  assert.match((await rig.until('raised', 'ProcessSilent', /^exchange$/)).message, /the exchange has gone, and clients [\d, ]+ wait for it$/);

  for (let i = 0; webhook.waiting > 0 && i < 1_000; i++) await sleep(20);
  assert.deepEqual(heard.map(({ event, alert }) => [event, alert.id]), rig.told.map(({ event, alert }) => [event, alert.id]));
  assert.deepEqual([webhook.failed, webhook.dropped], [0, 0]);
});
