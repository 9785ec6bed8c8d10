// Statistics files that the test writes itself; test/observe/system_watch.test.ts has real processes.
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { sharedMemoryFolder } from '../os/mapped_file.ts';
import { PROCESS_STAT, processDeclarations } from './process_stats.ts';
import { profileDeclarations } from './profile/declarations.ts';
import { PipelineProfile } from './profile/pipeline_profile.ts';
import { EXCHANGE_PIPELINE, TRADER_PIPELINE } from './profile/stages.ts';
import { SharedStats, statsPath } from './shared_stats.ts';
import { bookStat, exchangeCounter, exchangeDeclarations, exchangeStat, ROUND_TRIP, traderDeclarations, traderStat } from './system_stats.ts';
import { SystemWatch } from './system_watch.ts';
import { BEAT_LATE_MS } from './watched_process.ts';
import type { TraderView } from './system_view.ts';

const folder = mkdtempSync(join(sharedMemoryFolder() ?? tmpdir(), 'outcry-watch-test-'));
test.after(() => rmSync(folder, { recursive: true }));

/** A process whose beats come when the test says. */
class Played {
  readonly stats: SharedStats;

  constructor(path: string, title: string, stats: SharedStats) {
    this.stats = stats;
    this.stats.title = title;
    assert.equal(path, stats.file.path);
  }

  static exchange(name: string, port: number): Played {
    const path = statsPath(name, process.pid, folder);
    const declarations = [...processDeclarations(), ...exchangeDeclarations(COUNTERS), ...profileDeclarations(EXCHANGE_PIPELINE)];
    const played = new Played(path, `exchange ${port}`, SharedStats.create(path, '', declarations));
    played.set(exchangeStat('port'), port);
    played.stats.setText(exchangeStat('endpoint'), `127.0.0.1:${port}`);
    for (const none of ['journal_ring_bytes', 'feed_held'] as const) played.set(exchangeStat(none), NaN);
    return played;
  }

  static trader(name: string, instruments: number): Played {
    const path = statsPath(name, process.pid, folder);
    const declarations = [...processDeclarations(), ...traderDeclarations(instruments, true), ...profileDeclarations(TRADER_PIPELINE)];
    const played = new Played(path, 'trade', SharedStats.create(path, '', declarations));
    played.set(traderStat('books'), instruments);
    return played;
  }

  set(name: string, value: number): void {
    this.stats.cells[this.stats.cell(name)] = value;
  }

  count(counter: string, value: number): void {
    this.set(exchangeCounter(counter), value);
  }

  /** Says at `atMs` that it lives. */
  beatAt(atMs: number): void {
    this.stats.beat();
    this.stats.cells[3] = atMs; // the header's field, src/observe/shared_stats.ts
  }
}

/** Some of an exchange's; those that a process does not have read as nothing. */
const COUNTERS = [
  'closed_slow_reader', 'closed_rate', 'requests', 'rejected', 'journal_sequence', 'journal_released', 'journal_waiting_bytes', 'journal_syncs',
  'journal_sync_ns', 'journal_sync_ns_max', 'rejected_for_price', 'rejected_for_side',
];
const START = Date.now() + 1_000_000; // later than any beat of creation

test('an exchange: totals, rates of the last second, counts by reason, queues, journal', () => {
  const played = Played.exchange('exchange', 4_711);
  const watch = new SystemWatch({ folder });
  played.beatAt(START);
  watch.look(START, START);
  for (let i = 1; i <= 12; i += 1) {
    played.count('requests', 1_000 * i);
    played.count('rejected_for_price', 3);
    played.count('closed_slow_reader', 2);
    played.count('journal_sequence', 500);
    played.count('journal_released', 480);
    played.count('journal_syncs', 10 * i);
    played.count('journal_sync_ns', 5e9 + 10 * i * 2_000_000); // the start was slow: that is not today's mean
    played.count('journal_sync_ns_max', 9e6);
    played.set(exchangeStat('orders_live'), 17);
    played.set(exchangeStat('orders_max'), 1_000);
    played.set(PROCESS_STAT.cpuNs, i * 125e6);
    played.beatAt(START + 250 * i);
    watch.look(START + 250 * i + 7 * (i % 3), START + 250 * i + 7 * (i % 3)); // looked at whenever: the process's own times count
  }
  played.stats.setText(exchangeStat('journal_mode'), 'durable');
  const { exchange, processes, traders } = watch.look(START + 3_010, START + 3_010);
  assert.ok(exchange !== null);
  assert.deepEqual([exchange.port, exchange.endpoint, exchange.pid], [4_711, '127.0.0.1:4711', process.pid]);
  assert.equal(exchange.requests.total, 12_000);
  assert.equal(exchange.requests.perSecond, 4_000);
  assert.deepEqual(exchange.rejectedBy, { price: 3 });
  assert.deepEqual(exchange.closedBy, { slow_reader: 2 });
  assert.deepEqual(exchange.queues, [{ name: 'orders', used: 17, capacity: 1_000 }]);
  assert.deepEqual(exchange.journal, {
    mode: 'durable', sequence: 500, releasedSequence: 480, lagRecords: 20, backlogBytes: 0,
    syncs: { total: 120, perSecond: 40 }, meanSyncNs: 2e6, longestSyncNs: 9e6,
  });
  assert.deepEqual([exchange.orderLatency, exchange.orderBuckets, exchange.stages], [null, [], []]);
  assert.equal(processes[0].cpuPercent, 50);
  assert.deepEqual(traders, []);
  // Counters that are set back (a recovery begins anew) make no negative rate.
  played.count('requests', 0);
  played.beatAt(START + 3_250);
  assert.deepEqual(watch.look(START + 3_250, START + 3_250).exchange?.requests, { total: 0, perSecond: 0 });
  // No sign of life: the last rates are not today's.
  played.count('requests', 5_000);
  played.beatAt(START + 4_500);
  const late = watch.look(START + 4_500 + BEAT_LATE_MS, START + 4_500 + BEAT_LATE_MS);
  assert.equal(late.processes[0].beating, false);
  assert.deepEqual(late.exchange?.requests, { total: 5_000, perSecond: 0 });
  watch.close();
  played.stats.remove();
});

// Figures stood still for an hour when the clock of the machine was set back by one, and every process was called silent when it was
// set forwards, for the age of a sign of life was taken by that clock.
test('the clock of the machine is set: figures go on, nobody is called silent', () => {
  const played = Played.exchange('exchange', 4_711);
  const watch = new SystemWatch({ folder });
  const HOUR_MS = 3_600_000;
  let requests = 0;
  for (let i = 0, wallMs = START; i < 60; i += 1, wallMs += 250) {
    if (i === 20) wallMs -= HOUR_MS;
    if (i === 40) wallMs += 2 * HOUR_MS;
    // The process says it first, and the clock is set between that and the look.
    played.count('requests', (requests += 1_000));
    played.beatAt(i === 20 ? wallMs + HOUR_MS : i === 40 ? wallMs - 2 * HOUR_MS : wallMs);
    const { exchange, processes } = watch.look(wallMs, i * 250);
    assert.equal(processes[0].beating, true, `look ${i}`);
    assert.equal(exchange?.requests.total, requests, `look ${i}`);
    const settled = (i > 0 && i < 20) || (i > 26 && i < 40) || i > 46;
    if (settled) assert.equal(exchange?.requests.perSecond, 4_000, `look ${i}`);
  }
  assert.equal(watch.look(START, 60 * 250 + BEAT_LATE_MS).processes[0].beating, false, 'and who is silent still is');
  watch.close();
  played.stats.remove();
});

test('latency of all operations together, by stage and over the window', () => {
  const played = Played.exchange('exchange', 4_711);
  const profile = new PipelineProfile(EXCHANGE_PIPELINE, played.stats, 1);
  const watch = new SystemWatch({ folder });
  played.beatAt(START);
  watch.look(START, START);
  const stamps = Float64Array.of(1_000, 2_000, 4_000, 0, 5_000, 11_000);
  for (const counts of [[3, 0, 0, 0], [0, 5, 0, 1]]) profile.commit(stamps, Float64Array.from(counts));
  played.beatAt(START + 1_000);
  const view = watch.look(START + 1_000, START + 1_000).exchange;
  assert.ok(view !== null && view.orderLatency !== null);
  assert.deepEqual([view.orderLatency.count, view.orderLatency.meanNs, view.orderLatency.totalCount, view.orderLatency.totalNs], [9, 10_000, 9, 90_000]);
  assert.ok(Math.abs(view.orderLatency.p50Ns - 10_000) <= 10);
  assert.deepEqual(view.stages.map(({ stage, own, since }) => [stage, own.meanNs, since.meanNs]), [
    ['sequenced', 1_000, 1_000], ['matched', 2_000, 3_000], ['feed_tx', 1_000, 4_000], ['response_tx', 6_000, 10_000],
  ]);
  assert.equal(watch.orderCurve().reduce((sum, [, count]) => sum + count, 0), 9);
  assert.equal(watch.lastSecond()?.count, 9);
  assert.equal(view.orderBuckets.at(-1)?.[1], 9);
  played.beatAt(START + 70_000);
  const minuteLater = watch.look(START + 70_000, START + 70_000).exchange?.orderLatency;
  assert.deepEqual([minuteLater?.count, minuteLater?.totalCount], [0, 9]);
  assert.equal(watch.lastSecond(), null);
  assert.deepEqual(watch.orderCurve(), []);
  watch.close();
  played.stats.remove();
});

test('orders of the last minute, beside those since the start', () => {
  const played = Played.trader('trade', 1);
  const watch = new SystemWatch({ folder });
  const at = (second: number, sent: number, filled: number): TraderView => {
    played.set(traderStat('orders_sent'), sent);
    played.set(traderStat('orders_filled'), filled);
    const ms = START + 1_000 * second;
    played.beatAt(ms);
    return watch.look(ms, ms).traders[0];
  };
  assert.deepEqual(at(0, 100, 100).minute, { ordersSent: 0, ordersFilled: 0 }, 'what was before anybody looked');
  assert.deepEqual(at(1, 200, 110).minute, { ordersSent: 100, ordersFilled: 10 });
  const after = at(31, 300, 160);
  assert.deepEqual(after.minute, { ordersSent: 200, ordersFilled: 60 });
  assert.equal(after.fillRatePercent, (100 * 160) / 300);
  assert.deepEqual(at(62, 300, 160).minute, { ordersSent: 100, ordersFilled: 50 });
  assert.deepEqual(at(95, 300, 160).minute, { ordersSent: 0, ordersFilled: 0 });
  watch.close();
  played.stats.remove();
});

test('a trader with its books; what is not known is null', () => {
  const played = Played.trader('trade', 2);
  const watch = new SystemWatch({ folder });
  const set = (name: Parameters<typeof traderStat>[0], value: number): void => played.set(traderStat(name), value);
  for (const [name, value] of [['client', 7], ['connected', 1], ['orders_sent', 200], ['orders_filled', 50], ['fills', 60], ['pnl', NaN]] as const) set(name, value);
  played.stats.setText(traderStat('state'), 'running');
  played.stats.setText(traderStat('strategy'), 'market-maker');
  played.stats.setText(traderStat('stands_still'), 'one thing\nanother');
  for (const book of [0, 1]) {
    played.stats.setText(bookStat('symbol', book), ['AAPL', 'BTC-USDT'][book]);
    for (const [name, value] of [['ticker', book + 1], ['position', -5], ['unrealised', book === 0 ? NaN : 2.5], ['bid_price', book === 0 ? NaN : 99.5], ['bid_qty', 10]] as const) {
      played.set(bookStat(name, book), value);
    }
  }
  played.stats.histogram(ROUND_TRIP).record(30_000);
  played.beatAt(START);
  const [trader] = watch.look(START, START).traders;
  assert.deepEqual([trader.client, trader.state, trader.strategy, trader.connected, trader.feedFresh], [7, 'running', 'market-maker', true, false]);
  assert.deepEqual([trader.fillRatePercent, trader.pnl, trader.fills.total], [25, null, 60]);
  assert.deepEqual(trader.standsStill, ['one thing', 'another']);
  const [first, second] = trader.books;
  assert.deepEqual([first.symbol, first.ticker, first.position, first.unrealised, first.bid], ['AAPL', 1, -5, null, null]);
  assert.deepEqual([second.symbol, second.ticker, second.unrealised, second.bid], ['BTC-USDT', 2, 2.5, { price: 99.5, qty: 10 }]);
  assert.equal(trader.tickToTrade, null);
  assert.equal(trader.roundTrip?.totalCount, 1);
  watch.close();
  played.stats.remove();
});

test('a file in the place of another, as when a number is given out again, is another process', () => {
  const first = Played.exchange('exchange', 100);
  first.count('requests', 9_000);
  first.beatAt(START);
  const watch = new SystemWatch({ folder });
  assert.equal(watch.look(START, START).exchange?.requests.total, 9_000);
  const second = Played.exchange('exchange', 200);
  second.count('requests', 5);
  second.beatAt(START + 1_000);
  const { exchange, processes } = watch.look(START + 1_000, START + 1_000);
  assert.deepEqual([exchange?.port, exchange?.requests, processes.length], [200, { total: 5, perSecond: 0 }, 1]);
  watch.close();
  second.stats.remove();
});

// Each start of a process was another mapping, and kept what it had written in memory for good.
test('of processes that have gone nothing stays mapped', { skip: process.platform !== 'linux' && 'the system tells of mappings on Linux' }, () => {
  const mappings = (): number => readFileSync('/proc/self/maps', 'latin1').split('\n').filter((line) => line.includes(folder)).length;
  const watch = new SystemWatch({ folder });
  const before = mappings();
  for (let i = 0; i < 5; i += 1) {
    const played = Played.trader(`trade${i}`, 1);
    played.beatAt(START);
    const nowMs = START + i * 2_000;
    assert.equal(watch.look(nowMs, nowMs).traders.length, 1);
    played.stats.remove();
    assert.equal(watch.look(nowMs + 1_000, nowMs + 1_000).traders.length, 0);
  }
  assert.equal(mappings() - before, 5, 'those of the writers, which are in this process here');
  watch.close();
});

test('traders of another exchange are none of the watched one\'s', () => {
  const exchange = Played.exchange('exchange', 100);
  exchange.stats.setText(exchangeStat('ports'), '100,101');
  const traders = [[7, 101], [8, 10], [9, 100]].map(([client, port]) => {
    const played = Played.trader(`trade${client}`, 1);
    played.set(traderStat('client'), client);
    played.set(traderStat('exchange_port'), port);
    return played;
  });
  for (const played of [exchange, ...traders]) played.beatAt(START);
  const watch = new SystemWatch({ folder });
  const clients = (nowMs: number): number[] => watch.look(nowMs, nowMs).traders.map(({ client }) => client).toSorted((a, b) => a - b);
  assert.deepEqual(clients(START), [7, 9]);
  exchange.stats.remove();
  assert.deepEqual(clients(START + 1_000), [7, 8, 9], 'without one they are all shown');
  watch.close();
  for (const { stats } of traders) stats.remove();
});

test('of several exchanges the newest, or that of the port; other files do not disturb', () => {
  const old = Played.exchange('exchange', 100);
  const young = Played.exchange('younger', 200);
  young.stats.cells[2] = old.stats.cells[2] + 1_000; // started, in the header
  const other = join(folder, 'other.stats');
  writeFileSync(other, 'something else');
  for (const played of [old, young]) played.beatAt(START);
  const newest = new SystemWatch({ folder });
  const chosen = new SystemWatch({ folder, exchangePort: 100 });
  const none = new SystemWatch({ folder, exchangePort: 300 });
  assert.equal(newest.look(START, START).exchange?.port, 200);
  assert.equal(chosen.look(START, START).exchange?.port, 100);
  assert.equal(none.look(START, START).exchange, null);
  assert.equal(newest.look(START, START).processes.length, 2);
  young.stats.remove();
  assert.equal(newest.look(START + 1_000, START + 1_000).exchange?.port, 100, 'the one that is left');
  old.stats.remove();
  assert.deepEqual(newest.look(START + 2_000, START + 2_000).processes, []);
  for (const watch of [newest, chosen, none]) watch.close();
  rmSync(other);
});
