// What an exchange notices of its dashboard: its own order latency, from the bytes read to the answer sent, with nothing else
// running, and beside a dashboard with ten open pages.
//
//   core 0: one of two exchanges, turns followed             core 1: this client, 10,000 requests/s, open loop
//                 │ shared statistics, multicast feed                of one: outcry dashboard ◄── ten pages (dashboards_pages.ts)
//                 └──────────────────────────────────────────────────────┘
//
// Alone and beside are two exchanges, one of them with the dashboard: while one is measured, all processes of the other are frozen
// (SIGSTOP). So they are measured by turns several times a second, with nothing to start in between. A dashboard that stands still is
// a member of the feed's group of its own exchange, and not of the other's, which has other ports. After half of the pairs the
// exchanges change their parts, for no two processes are laid out and compiled alike.
//
// Dashboard and pages have the client's core and not the exchange's, as a machine would be set up; so the figure is that of the
// exchange, out of its own statistics, and not that of the client, who shares his core with eleven others here. What the exchange
// does notice is one more receiver of its datagrams, which the kernel serves in the sender's time, and the memory that all of them use.
//
// A tick of the kernel, 250 times a second, meets less than 1 % of the requests, for each is 10 µs in the exchange: the p99 is the
// exchange's own. A segment in which the exchange had to wait for its core is measured again.
import { type ChildProcess, fork, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { freePorts } from '../src/apps/free_ports.ts';
import { AgentRunner, type Agent } from '../src/base/agent.ts';
import { assert } from '../src/base/assert.ts';
import { MonotonicClock } from '../src/base/clock.ts';
import { Histogram } from '../src/base/histogram.ts';
import { chooseNetwork } from '../src/net/choose_network.ts';
import type { Network, StreamConnection } from '../src/net/transport.ts';
import { EXCHANGE_PIPELINE, stageHistogram } from '../src/observe/profile/stages.ts';
import { StatsReader, statsPath } from '../src/observe/shared_stats.ts';
import { NODE_FLAGS } from '../src/os/settled_heap.ts';
import { sizeOf, type BenchContext, type Benchmark } from './context.ts';
import type { DashboardsPagesState } from './dashboards_pages.ts';
import { GoodClient, INTERVAL_NS } from './good_client.ts';
import { CoreWait } from './harness/core_wait.ts';
import { pairedRatio, spreadOf } from './harness/statistics.ts';
import type { Row } from './harness/row.ts';
import { formatCount } from './harness/table.ts';
import { pinTo } from './pin.ts';

const OUTCRY = fileURLToPath(new URL('../src/apps/outcry.ts', import.meta.url));
const TICKER = 1;
const PAGES = 10;
const PAGES_SMALL = 3;
/** Of a segment: a tenth of a second. Its p99 is that of the 10 worst. */
const REQUESTS = 1_000;
const REQUESTS_SMALL = 100;
/** Of a segment's requests are followed at least; a turn that begins while a request is still on its way may bring two. */
const FOLLOWED_PART = 0.9;
/** Until each page has heard the market, of runs of that many requests. */
const HEAR_RUNS = 100;
/** Unmeasured, before each segment: the caches are the other exchange's. */
const SETTLE_REQUESTS = 500;
/** For each pair that is asked for: they are short. */
const SEGMENTS_PER_PAIR = 10;
/** Of each exchange before all, and of the one with the dashboard when that has started: until everything is compiled. */
const WARM_UP_REQUESTS = 30_000;
/** A segment in which the exchange waited longer for its core, which it should have alone, is measured again. */
const WAIT_MAX_NS = 1_000_000;
/** But only so many more than were measured at the first go: a machine that others use takes twice the time, not for ever. */
const AGAIN_MORE = 10;
const START_MS = 60_000;
const GOAL = 1.05;

/** A process of this benchmark, on one core. */
class Started {
  readonly child: ChildProcess;
  #said = '';

  private constructor(child: ChildProcess) {
    this.child = child;
    child.stdout?.setEncoding('utf8').on('data', (text: string) => (this.#said += text));
    child.stderr?.setEncoding('utf8').on('data', (text: string) => (this.#said += text));
  }

  /** A process has the cores of the thread that starts it. */
  static on(core: number, start: () => ChildProcess): Started {
    const release = pinTo(core);
    try {
      return new Started(start());
    } finally {
      release();
    }
  }

  static verb(core: number, verb: string, flags: readonly string[], environment: NodeJS.ProcessEnv): Started {
    return Started.on(core, () => spawn(process.execPath, [...NODE_FLAGS, OUTCRY, verb, ...flags], {
      stdio: ['ignore', 'pipe', 'pipe'], env: { ...environment, OUTCRY_LAUNCHER: String(process.pid) },
    }));
  }

  /** The first group of `pattern` in what it says. */
  async says(pattern: RegExp): Promise<string> {
    const endMs = performance.now() + START_MS;
    for (;;) {
      const found = pattern.exec(this.#said);
      if (found !== null) return found[1] ?? '';
      assert(this.child.exitCode === null && performance.now() < endMs, 'a process of the benchmark starts');
      await sleep(5);
    }
  }

  async ask<T>(question: string | null): Promise<T> {
    const { child } = this;
    const answer = new Promise<T>((resolve, reject) => {
      child.once('message', resolve as (message: unknown) => void);
      child.once('exit', () => reject(new Error('a process of the benchmark ended by itself')));
    });
    if (question !== null) child.send(question);
    return answer;
  }

  freeze(): void {
    this.child.kill('SIGSTOP');
  }

  thaw(): void {
    this.child.kill('SIGCONT');
  }

  async end(): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    const ended = new Promise<void>((resolve) => this.child.once('exit', () => resolve()));
    this.child.kill('SIGKILL');
    await ended;
  }
}

interface Look extends DashboardsPagesState {
  readonly seconds: number;
  readonly cpuSeconds: number;
}

/** The dashboard and its pages, from their start to their end. */
class Dashboards {
  readonly #dashboard: Started;
  readonly #pages: Started;

  private constructor(dashboard: Started, pages: Started) {
    this.#dashboard = dashboard;
    this.#pages = pages;
  }

  static async start(exchangePort: string, pages: number, environment: NodeJS.ProcessEnv): Promise<Dashboards> {
    const dashboard = Started.verb(1, 'dashboard', ['-p', '0', '--exchange-port', exchangePort], environment);
    const url = (await dashboard.says(/page +(http:\S+)/)).replace('http', 'ws');
    const options = JSON.stringify({ url: `${url}ws`, pages, ticker: TICKER });
    const file = new URL('./dashboards_pages.ts', import.meta.url);
    const open = Started.on(1, () => fork(file, [options], { stdio: ['ignore', 'ignore', 'inherit', 'ipc'], execArgv: [...NODE_FLAGS] }));
    await open.ask(null);
    return new Dashboards(dashboard, open);
  }

  freeze(): void {
    this.#pages.freeze();
    this.#dashboard.freeze();
  }

  thaw(): void {
    this.#dashboard.thaw();
    this.#pages.thaw();
  }

  /** What its pages have heard so far, and what it has taken of a core. */
  async look(): Promise<Look> {
    const state = await this.#pages.ask<DashboardsPagesState>('state');
    return { ...state, seconds: performance.now() / 1e3, cpuSeconds: cpuSecondsOf(this.#dashboard.child.pid ?? 0) };
  }

  async end(): Promise<void> {
    await this.#pages.end();
    await this.#dashboard.end();
  }
}

/** Of all its threads; 0 where the system does not tell. */
function cpuSecondsOf(pid: number): number {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').replace(/^.*\) /, '').split(' ');
    return (Number(fields[11]) + Number(fields[12])) / 100; // utime, stime in ticks of 10 ms
  } catch {
    return 0;
  }
}

/** The exchange's own latencies, from the bytes read to the answer sent, out of its statistics. */
class OwnLatency {
  readonly latency = new Histogram();
  readonly #stats: StatsReader;
  readonly #parts: readonly { readonly live: Histogram; readonly seen: Histogram }[];

  constructor(stats: StatsReader) {
    this.#stats = stats;
    this.#parts = EXCHANGE_PIPELINE.operations.map((operation) => {
      const live = stats.histogram(stageHistogram(EXCHANGE_PIPELINE, 'response_tx', operation, 'since'));
      return { live, seen: new Histogram(live.valueMax) };
    });
  }

  /** From now on. */
  begin(): void {
    this.take();
    this.latency.reset();
  }

  /** Into `latency` what has been added since the last time. */
  take(): void {
    this.#stats.refresh();
    for (const { live, seen } of this.#parts) live.takeNew(seen, (highest, count) => this.latency.recordMany(highest, count));
  }
}

/** An exchange, the client's connection to it, and perhaps a dashboard. */
class Place {
  readonly connection: StreamConnection;
  readonly port: string;
  readonly own: OwnLatency;
  readonly wait: CoreWait;
  dashboards: Dashboards | null = null;
  readonly #exchange: Started;
  readonly #stats: StatsReader;

  private constructor(exchange: Started, port: string, connection: StreamConnection) {
    const pid = exchange.child.pid ?? 0;
    this.#exchange = exchange;
    this.port = port;
    this.connection = connection;
    this.#stats = StatsReader.open(statsPath('exchange', pid));
    this.own = new OwnLatency(this.#stats);
    this.wait = new CoreWait([pid]);
  }

  static async open(network: Network, environment: NodeJS.ProcessEnv): Promise<Place> {
    const flags = ['-p', '0', '--multicast-port', String(await freePorts()), '--tickers', '1', '--profile', '1', '--wait', waitOf()];
    const exchange = Started.verb(0, 'exchange', flags, environment);
    try {
      const port = await exchange.says(/orders +tcp 127\.0\.0\.1:(\d+)/);
      await exchange.says(/transport/);
      return new Place(exchange, port, await network.connect({ host: '127.0.0.1', port: Number(port) }));
    } catch (error) {
      await exchange.end();
      throw error;
    }
  }

  freeze(): void {
    this.#exchange.freeze();
    this.dashboards?.freeze();
  }

  thaw(): void {
    this.#exchange.thaw();
    this.dashboards?.thaw();
  }

  async close(): Promise<void> {
    this.#stats.close();
    await this.dashboards?.end();
    await this.#exchange.end();
  }
}

/** What was measured of one part. */
class Part {
  readonly p50Ns: number[] = [];
  readonly p99Ns: number[] = [];
  requests = 0;
  /** Segments that were measured again, and such that count though the exchange waited. */
  again = 0;
  disturbed = 0;

  take({ latency }: OwnLatency): void {
    this.p50Ns.push(latency.percentile(50));
    this.p99Ns.push(latency.percentile(99));
    this.requests += latency.count;
  }
}

/** Two places of which one runs, and the client of both. */
class Stage {
  readonly good = new GoodClient();
  readonly #context: BenchContext;
  #running: Place | null = null;

  constructor(context: BenchContext) {
    this.#context = context;
  }

  async run(place: Place, requests: number): Promise<void> {
    if (place !== this.#running) {
      this.#running?.freeze();
      place.thaw();
      this.#running = place;
      this.good.connection = place.connection;
    }
    await this.good.run(requests);
  }

  freeze(): void {
    this.#running?.freeze();
    this.#running = null;
  }

  async #segment({ own, wait }: Place): Promise<void> {
    const requests = sizeOf(this.#context, REQUESTS, REQUESTS_SMALL);
    own.begin();
    wait.begin();
    await this.good.run(requests);
    own.take();
    assert(own.latency.count >= requests * FOLLOWED_PART, 'the exchange follows its turns');
  }

  /** A segment that was not disturbed, if there is such. */
  async measure(place: Place, part: Part): Promise<void> {
    for (;;) {
      await this.run(place, sizeOf(this.#context, SETTLE_REQUESTS, 100));
      await this.#segment(place);
      const disturbed = place.wait.ns > WAIT_MAX_NS;
      if (disturbed && !this.#context.small && part.again < part.p99Ns.length + AGAIN_MORE) {
        part.again++;
        continue;
      }
      if (disturbed) part.disturbed++;
      return part.take(place.own);
    }
  }
}

type Parts = Readonly<Record<'alone' | 'beside', Part>>;

/** Pairs with the dashboard at one of the exchanges; what it and its pages did meanwhile. */
async function measureHalf(
  context: BenchContext, stage: Stage, places: Readonly<Record<'alone' | 'beside', Place>>, parts: Parts, environment: NodeJS.ProcessEnv,
): Promise<[first: Look, last: Look]> {
  const { beside } = places;
  const pages = context.small ? PAGES_SMALL : PAGES;
  const pairs = context.small ? 1 : Math.ceil((context.pairs * SEGMENTS_PER_PAIR) / 2);
  await stage.run(beside, sizeOf(context, SETTLE_REQUESTS, 100));
  const dashboards = (beside.dashboards = await Dashboards.start(beside.port, pages, environment));
  await stage.run(beside, sizeOf(context, WARM_UP_REQUESTS, 200));
  const first = await dashboards.look();
  for (let i = 0; i < pairs; i++) {
    // Alone first in every other pair.
    for (const which of i % 2 === 0 ? (['beside', 'alone'] as const) : (['alone', 'beside'] as const))
      await stage.measure(places[which], parts[which]);
  }
  let last = first;
  // However few pairs there were and however slow the machine is.
  for (let i = 0; i < HEAR_RUNS && (i === 0 || last.markets < first.markets + pages); i++) {
    await stage.run(beside, REQUESTS);
    last = await dashboards.look();
  }
  assert(last.open === pages && last.markets >= first.markets + pages, 'every page was open and heard the market');
  await dashboards.end();
  beside.dashboards = null;
  return [first, last];
}

function rowOf(context: BenchContext, { alone, beside }: Parts, [first, last]: readonly [first: Look, last: Look]): Row {
  const pages = context.small ? PAGES_SMALL : PAGES;
  const spread = spreadOf(beside.p99Ns);
  const pairs = beside.p99Ns.length;
  const microseconds = (values: readonly number[]): string => (spreadOf(values).median / 1e3).toFixed(1);
  const perSecond = (what: 'messages' | 'bytes' | 'cpuSeconds'): number => (last[what] - first[what]) / (last.seconds - first.seconds);
  const whole = (value: number): string => formatCount(Math.round(value));
  return {
    name: `order → answer in the exchange p99, beside a dashboard with ${pages} pages`, figure: spread.median, unit: 'ns/op',
    statistic: `p99 from bytes read to answer sent, of ${formatCount(sizeOf(context, REQUESTS, REQUESTS_SMALL))} requests, median of ${pairs} segments`,
    boundary: 'process', threads: '2 cores (exchange; client, dashboard, pages)', durability: 'none',
    spread,
    ratio: {
      ...pairedRatio(beside.p99Ns, alone.p99Ns), against: 'the same exchange without', pairs, otherMedian: spreadOf(alone.p99Ns).median,
    },
    goal: { relation: 'at most', value: GOAL, ofRatio: true },
    checks: [
      `open loop, ${1e9 / INTERVAL_NS} requests/s, ${formatCount(alone.requests + beside.requests)} followed; ` +
        `p50 in µs: ${microseconds(beside.p50Ns)}; without ${microseconds(alone.p50Ns)}`,
      `${pages} pages, frozen half of the time: ${whole(perSecond('messages'))} messages and ${whole(perSecond('bytes'))} bytes a second; ` +
        `the dashboard took ${(perSecond('cpuSeconds') * 100).toFixed(1)} % of a core`,
      `${beside.again} segments beside and ${alone.again} without measured again, for the exchange waited over ${WAIT_MAX_NS / 1e3} µs for its core; ` +
        `${beside.disturbed} and ${alone.disturbed} count though it did`,
    ],
    tried:
      'the feed polled every 5 ms and not woken by; one text for all pages; a page is sent the next state when it has taken the last; ' +
      'below the others in the scheduler’s order',
    small: context.small,
  };
}

async function measure(context: BenchContext, network: Network, stage: Stage, environment: NodeJS.ProcessEnv): Promise<Row> {
  const places: Place[] = [];
  const parts = { alone: new Part(), beside: new Part() };
  try {
    for (let i = 0; i < 2; i++) {
      stage.freeze();
      const place = await Place.open(network, environment);
      places.push(place);
      // At once: who says nothing for five seconds is shown out.
      await stage.run(place, sizeOf(context, WARM_UP_REQUESTS, 200));
    }
    const [one, other] = places;
    if (!context.small) await measureHalf(context, stage, { beside: one, alone: other }, parts, environment);
    const looks = await measureHalf(context, stage, { beside: other, alone: one }, parts, environment);
    assert(stage.good.wrong === 0, 'every order of the client was accepted, every cancel done');
    return rowOf(context, parts, looks);
  } finally {
    for (const place of places) await place.close();
  }
}

async function run(context: BenchContext): Promise<Row[]> {
  context.progress('dashboards: an exchange alone, and beside a dashboard with open pages');
  const folder = mkdtempSync(join(tmpdir(), 'outcry-bench-dashboards-'));
  const environment = { ...process.env, XDG_RUNTIME_DIR: folder, NO_COLOR: '1' };
  const { network } = chooseNetwork();
  const stage = new Stage(context);
  const receive: Agent = { name: 'network', poll: () => network.poll() };
  const runner = new AgentRunner({
    clock: new MonotonicClock(), agents: [receive, stage.good], wait: 'yield', needsEventLoop: network.needsEventLoop,
  });
  const running = runner.run();
  const release = pinTo(1);
  try {
    return [await measure(context, network, stage, environment)];
  } finally {
    release();
    runner.stop();
    await running;
    network.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** One core has to be shared. */
function waitOf(): string {
  return cpus().length > 1 ? 'spin' : 'backoff';
}

export const dashboardsBenchmark: Benchmark = {
  name: 'dashboards', about: "the exchange's order latency beside a dashboard with ten open pages", byDefault: true, run,
};
