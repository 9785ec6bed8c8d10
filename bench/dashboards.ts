// What an exchange notices of its dashboard: its own order latency, from the bytes read to the answer sent, with nothing else
// running, and beside a dashboard with ten open pages.
//
//   core 0: outcry exchange, every turn followed            core 1: this client, 10,000 requests/s, open loop
//                 │ shared statistics, multicast feed                outcry dashboard ◄── ten pages (dashboards_pages.ts)
//                 └──────────────────────────────────────────────────────┘
//
// Both start and end for every pair: a dashboard that is merely stopped would still be a member of the feed's group. They have the
// client's core and not the exchange's, as a machine would be set up; so the figure is that of the exchange, out of its own
// statistics, and not that of the client, who shares his core with eleven others here. What the exchange does notice is one
// more receiver of its datagrams, which the kernel serves in the sender's time, and the memory that all of them use.
import { type ChildProcess, fork, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { freePorts } from '../src/apps/free_ports.ts';
import { AgentRunner, type Agent } from '../src/base/agent.ts';
import { assert } from '../src/base/assert.ts';
import { MonotonicClock } from '../src/base/clock.ts';
import { chooseNetwork } from '../src/net/choose_network.ts';
import { LatencyWindow } from '../src/observe/latency_window.ts';
import { EXCHANGE_PIPELINE, stageHistogram } from '../src/observe/profile/stages.ts';
import { StatsReader, statsPath } from '../src/observe/shared_stats.ts';
import { sizeOf, type BenchContext, type Benchmark } from './context.ts';
import type { DashboardsPagesState } from './dashboards_pages.ts';
import { GoodClient, INTERVAL_NS } from './good_client.ts';
import { runPaired } from './harness/paired.ts';
import type { Row } from './harness/row.ts';
import { formatCount } from './harness/table.ts';
import { pinTo } from './pin.ts';

const OUTCRY = fileURLToPath(new URL('../src/apps/outcry.ts', import.meta.url));
const NODE_FLAGS = ['--disable-warning=ExperimentalWarning'];
const TICKER = 1;
const PAGES = 10;
const PAGES_SMALL = 3;
/** Of a segment: two seconds. */
const REQUESTS = 20_000;
const REQUESTS_SMALL = 2_000;
/** Unmeasured, before each segment: what has just started is compiled, and what has ended is gone. */
const SETTLE_REQUESTS = 10_000;
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
    const open = Started.on(1, () => fork(file, [options], { stdio: ['ignore', 'ignore', 'inherit', 'ipc'], execArgv: NODE_FLAGS }));
    await open.ask(null);
    return new Dashboards(dashboard, open);
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

/** The exchange's own latencies, of what it does from now on. */
function watchExchange(stats: StatsReader): () => { readonly p50Ns: number; readonly p99Ns: number; readonly count: number } {
  stats.refresh();
  const names = EXCHANGE_PIPELINE.operations.map((operation) => stageHistogram(EXCHANGE_PIPELINE, 'response_tx', operation, 'since'));
  const window = new LatencyWindow(names.map((name) => stats.histogram(name)), 0);
  return () => {
    stats.refresh();
    window.look(1_000);
    assert(window.lastSecond !== null, 'the exchange has followed its turns');
    return window.lastSecond;
  };
}

interface Measured {
  readonly p50Ns: number[];
  readonly p99Ns: number[];
  requests: number;
}

async function measure(context: BenchContext, stats: StatsReader, port: string, good: GoodClient, environment: NodeJS.ProcessEnv): Promise<Row> {
  const requests = sizeOf(context, REQUESTS, REQUESTS_SMALL);
  const pages = context.small ? PAGES_SMALL : PAGES;
  const of = { alone: { p50Ns: [], p99Ns: [], requests: 0 } as Measured, beside: { p50Ns: [], p99Ns: [], requests: 0 } as Measured };
  const segment = async (into: Measured): Promise<number> => {
    await good.run(sizeOf(context, SETTLE_REQUESTS, 200));
    const look = watchExchange(stats);
    await good.run(requests);
    const { p50Ns, p99Ns, count } = look();
    into.p50Ns.push(p50Ns);
    into.p99Ns.push(p99Ns);
    into.requests += count;
    return p99Ns;
  };
  let looks: readonly [first: Look, last: Look] | null = null;
  const result = await runPaired(
    async () => {
      const dashboards = await Dashboards.start(port, pages, environment);
      try {
        const first = await dashboards.look();
        const p99Ns = await segment(of.beside);
        const last = await dashboards.look();
        assert(last.open === pages && last.markets >= first.markets + pages, 'every page was open and heard the market');
        looks = [first, last];
        return p99Ns;
      } finally {
        await dashboards.end();
      }
    },
    () => segment(of.alone),
    { pairs: context.small ? 1 : context.pairs, warmups: context.small ? 0 : 1 },
  );
  assert(good.wrong === 0, 'every order of the client was accepted, every cancel done');
  assert(looks !== null, 'there were dashboards');
  return rowOf(context, { pages, requests, result, of, looks });
}

interface Figures {
  readonly pages: number;
  readonly requests: number;
  readonly result: Awaited<ReturnType<typeof runPaired>>;
  readonly of: { readonly alone: Measured; readonly beside: Measured };
  /** Around the last segment. */
  readonly looks: readonly [first: Look, last: Look];
}

function rowOf(context: BenchContext, { pages, requests, result, of, looks: [first, last] }: Figures): Row {
  const { a, b, ratio, pairs } = result;
  const microseconds = (values: readonly number[]): string => (values.toSorted((x, y) => x - y)[values.length >> 1] / 1e3).toFixed(1);
  const perSecond = (what: 'messages' | 'bytes' | 'cpuSeconds'): number => (last[what] - first[what]) / (last.seconds - first.seconds);
  const whole = (value: number): string => formatCount(Math.round(value));
  return {
    name: `order → answer in the exchange p99, beside a dashboard with ${pages} pages`, figure: a.median, unit: 'ns/op',
    statistic: `p99 from bytes read to answer sent, of ${formatCount(requests)} requests, median of ${pairs} segments`,
    boundary: 'process', threads: '2 cores (exchange; client, dashboard, pages)', durability: 'none',
    spread: a,
    ratio: { ...ratio, against: 'the same exchange without', pairs, otherMedian: b.median },
    goal: { relation: 'at most', value: GOAL, ofRatio: true },
    checks: [
      `open loop, ${1e9 / INTERVAL_NS} requests/s, ${formatCount(of.alone.requests + of.beside.requests)} followed; ` +
        `p50 in µs: ${microseconds(of.beside.p50Ns)}; without ${microseconds(of.alone.p50Ns)}`,
      `${pages} pages: ${whole(perSecond('messages'))} messages and ${whole(perSecond('bytes'))} bytes a second; ` +
        `the dashboard took ${(perSecond('cpuSeconds') * 100).toFixed(1)} % of a core`,
    ],
    tried:
      'the feed polled every 5 ms and not woken by; one text for all pages; a page is sent the next state when it has taken the last; ' +
      'below the others in the scheduler’s order',
    small: context.small,
  };
}

async function run(context: BenchContext): Promise<Row[]> {
  context.progress('dashboards: an exchange alone, and beside a dashboard with open pages');
  const folder = mkdtempSync(join(tmpdir(), 'outcry-bench-dashboards-'));
  const environment = { ...process.env, XDG_RUNTIME_DIR: folder, NO_COLOR: '1' };
  const flags = ['-p', '0', '--multicast-port', String(await freePorts()), '--tickers', '1', '--profile', '1', '--wait', waitOf()];
  const exchange = Started.verb(0, 'exchange', flags, environment);
  const { network } = chooseNetwork();
  const good = new GoodClient();
  const receive: Agent = { name: 'network', poll: () => network.poll() };
  const runner = new AgentRunner({
    clock: new MonotonicClock(), agents: [receive, good], wait: 'yield', needsEventLoop: network.needsEventLoop,
  });
  try {
    const port = await exchange.says(/orders +tcp 127\.0\.0\.1:(\d+)/);
    await exchange.says(/transport/);
    good.connection = await network.connect({ host: '127.0.0.1', port: Number(port) });
    const running = runner.run();
    const release = pinTo(1);
    const stats = StatsReader.open(statsPath('exchange', exchange.child.pid));
    try {
      // At once: who says nothing for five seconds is shown out.
      await good.run(sizeOf(context, SETTLE_REQUESTS, 200));
      return [await measure(context, stats, port, good, environment)];
    } finally {
      release();
      stats.close();
      runner.stop();
      await running;
    }
  } finally {
    network.close();
    await exchange.end();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** One core has to be shared. */
function waitOf(): string {
  return availableParallelism() > 1 ? 'spin' : 'backoff';
}

export const dashboardsBenchmark: Benchmark = {
  name: 'dashboards', about: "the exchange's order latency beside a dashboard with ten open pages", byDefault: true, run,
};
