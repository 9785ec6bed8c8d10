// `outcry demo`, which is `npm start`: the whole system on one machine, to look at.
//
//   this process                                             the exchange's process
//   order flow ─► order entry ───────────── TCP ────────────► gateway ─► matching ─► responses
//   view ◄─ books ◄─ feed handler ◄──┬─ UDP multicast ─────── feed publisher ◄──┘        ▲
//                                    │                                                   │
//   market maker, liquidity taker ◄──┤                       orders ─── TCP ─────────────┘
//   dashboard ◄──────────────────────┘
//   (a process each)
//
// It goes on until Ctrl-C or --duration, then sends nothing more, waits until all is answered and
// received, and compares: the books that the feed built with those of the engine, by their hashes;
// what each client thinks it owns with what the exchange knows (while it runs, too); and the sums over
// all accounts with zero. All equal: exit code 0. A terminal shows the live view; anything else gets
// a plain line now and then.
import { availableParallelism } from 'node:os';
import { Command } from 'commander';
import { AgentRunner } from '../base/agent.ts';
import { MonotonicClock } from '../base/clock.ts';
import { MarketView } from '../book/market_view.ts';
import { chooseNetwork } from '../net/choose_network.ts';
import { parseSpeed } from '../recorded/order_flow.ts';
import { FeedHandler, FEED_STATE_TEXT } from '../trader/feed_handler.ts';
import { RejectCode } from '../wire/generated/native.ts';
import { FlowDriver } from './flow_driver.ts';
import { DemoMonitor } from './demo_monitor.ts';
import { renderView } from './demo_screen.ts';
import { type DemoFlags, option, parseSeconds, portNumber } from './demo_flags.ts';
import { DashboardProcess, ExchangeProcess, ProcessStartError } from './demo_process.ts';
import { plainLine, summaryLines } from './demo_report.ts';
import { chooseSource } from './demo_source.ts';
import { applyPerformance } from './config_machine.ts';
import { addConfigFlags, commandSources, readConfig } from './config_sections.ts';
import { AccountCheck, accountOf, DemoTraders } from './demo_traders.ts';
import { freePorts } from './free_ports.ts';
import { Interrupts } from './interrupts.ts';
import { coloured, plain, Screen } from './terminal.ts';
import type { PerformanceConfig } from './config_system.ts';
import type { MonitorParts } from './demo_monitor.ts';
import type { Agent, WaitStrategy } from '../base/agent.ts';
import type { Network } from '../net/transport.ts';
import type { DemoResult } from './demo_report.ts';
import type { FlowSource } from './demo_source.ts';
import type { ClientAccount, TradingPlace } from './demo_traders.ts';
import type { Paint } from './terminal.ts';

const HOST = '127.0.0.1';
const GROUP = '239.255.0.1';
const PORT_DEFAULT = 12_345;
const MULTICAST_PORT_DEFAULT = 5_000;
const DASHBOARD_PORT_DEFAULT = 8_080;
/** Exchange, flow and receiver, two traders. */
const PROCESSES = 4;
const TICKER = 1;
const CLIENT = 1;

/** The eye follows ten pictures a second. */
const FRAME_MS = 100;
const LINE_MS = 1_000;
/** Between two comparisons of the accounts. */
const COMPARE_MS = 250;
const LEVELS_SHOWN = 30;
/** A burst of a full-speed second fits. */
const RECEIVE_BUFFER_BYTES = 8 * 1024 * 1024;
const ORDERS_MAX = 1 << 20;
/** After the last request: how long answers and feed may take to come to rest. */
const SETTLE_MS = 10_000;
const EXIT_FAILED = 1;
/** 128 + SIGINT. */
const EXIT_INTERRUPTED = 130;
/** Of the configuration file and the environment: what the demo asks of the machine. */
const PERFORMANCE = ['performance'] as const;

export function demoCommand(): Command {
  return addConfigFlags(new Command('demo'), PERFORMANCE)
    .description(
      'Runs the whole system on this machine: an exchange, order flow sent into it over TCP, a ' +
        'market maker and a liquidity taker that trade against it, and a receiver that builds the ' +
        'book from the multicast feed. Ctrl-C ends it and shows whether books and accounts agree.',
    )
    .option(
      '--speed <times>',
      'of the recorded speed: 0.5, 10x, max (default: a pass in some ten seconds)',
      option(parseSpeed),
    )
    .option('--duration <time>', 'end after so long: seconds, or 500ms, 2m', option(parseSeconds))
    .option('--data <file>', 'LOBSTER message file to replay')
    .option(
      '--scenario <name>',
      'generated flow instead: static, normal, swing-25, swing-40, flash-crash',
    )
    .option(
      '-p, --port <port>', 'TCP port of the exchange, 0 = a free one', option(portNumber),
      PORT_DEFAULT,
    )
    .option(
      '--multicast-port <port>',
      `first of three UDP ports (default: ${MULTICAST_PORT_DEFAULT}, or those behind --port)`,
      option(portNumber),
    )
    .option(
      '--dashboard-port <port>',
      `first TCP port tried for the dashboard (default: ${DASHBOARD_PORT_DEFAULT}, or a free one with --port 0)`, option(portNumber),
    )
    .option('--no-dashboard', 'none; with --json there is none unless its port is named')
    .option('--json', 'no view; the last line of stdout is the result as one JSON object')
    .addHelpText(
      'after',
      `
Examples:
  outcry demo
  outcry demo --speed max --duration 10
  outcry demo --port 13000                 beside another one
  outcry demo --scenario flash-crash --json --duration 5`,
    )
    .action(async (flags: DemoFlags, command: Command) => {
      process.exitCode = await runDemo(flags, readConfig(commandSources(command, PERFORMANCE)).performance);
    });
}

/** Runs until it is told to end; returns the exit code. */
async function runDemo(flags: DemoFlags, performance: PerformanceConfig): Promise<number> {
  // Before anything is started: processes have their cores and their node from who starts them.
  for (const lacking of applyPerformance(performance, { memoryFollows: true })) process.stderr.write(`${lacking}\n`);
  const source = chooseSource({
    ...(flags.data === undefined ? {} : { data: flags.data }),
    ...(flags.scenario === undefined ? {} : { scenario: flags.scenario }),
  });
  const end = new EndOfRun();
  const multicastPort = await multicastPortOf(flags);
  const exchange = await startExchange(flags.port, multicastPort, source, performance);
  const { network } = chooseNetwork();
  let traders: DemoTraders | null = null;
  let client: DemoClient | null = null;
  let dashboard: DashboardProcess | null = null;
  try {
    exchange.onEnd = (reason) => end.because(reason);
    const place = { group: GROUP, port: exchange.port, multicastPort, ticker: TICKER };
    traders = await DemoTraders.start(source, place, traderWaitStrategy(), performance);
    for (const trader of traders.all) trader.onEnd = (reason) => end.because(reason);
    const speed = flags.speed ?? source.speedDefault;
    client = await connectClient(network, place, source, speed, traders);
    const running = client.runner.run();
    running.catch((error: Error) => end.because(error.message));
    // When the market runs: it waits for nothing that is only looked at.
    client.dashboard = dashboard = startDashboard(flags, exchange.port);
    if (flags.duration !== undefined) end.after(flags.duration * 1000);
    await watch(client, exchange, flags, end);
    if (end.failure !== '') throw new Error(end.failure);
    const result = await settle(client, exchange);
    client.driver.entry.close();
    client.runner.stop();
    await running;
    report(result, flags.json ?? false);
    return result.ok ? 0 : EXIT_FAILED;
  } finally {
    client?.runner.stop();
    network.close();
    await dashboard?.stop();
    await traders?.stop();
    await exchange.stop();
    end.dispose();
  }
}

/** What ends a run: Ctrl-C, its duration, or a failure. */
class EndOfRun {
  /** '' unless something failed. */
  failure = '';
  readonly reached: Promise<void>;
  #resolve: () => void = () => {};
  #timer: NodeJS.Timeout | null = null;
  readonly #interrupts: Interrupts;

  constructor() {
    this.reached = new Promise((resolve) => {
      this.#resolve = resolve;
    });
    this.#interrupts = new Interrupts(
      ['SIGINT', 'SIGTERM', 'SIGHUP'],
      () => this.#resolve(),
      () => process.exit(EXIT_INTERRUPTED), // does not wait for the comparison
    );
  }

  because(failure: string): void {
    this.failure ||= failure;
    this.#resolve();
  }

  after(ms: number): void {
    this.#timer = setTimeout(() => this.#resolve(), ms);
  }

  dispose(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#interrupts.dispose();
  }
}

/** Everything on the client's side of the wires. */
interface DemoClient extends MonitorParts {
  readonly clock: MonotonicClock;
  readonly monitor: DemoMonitor;
  readonly runner: AgentRunner;
  readonly network: Network;
  readonly traders: DemoTraders;
  readonly accounts: AccountCheck;
  dashboard: DashboardProcess | null;
}

async function connectClient(
  network: Network, { port: tcpPort, multicastPort }: TradingPlace, source: FlowSource,
  speed: number, traders: DemoTraders,
): Promise<DemoClient> {
  const clock = new MonotonicClock();
  const endpoint = `${HOST}:${tcpPort}`;
  // 1. The feed, so that no message is missed.
  const monitor = new DemoMonitor();
  const view = new MarketView(
    { instruments: [{ minPrice: 0, maxPrice: 0x7fff_ffff }], ordersMax: ORDERS_MAX },
  );
  const multicast = { group: GROUP, interface: HOST, receiveBufferBytes: RECEIVE_BUFFER_BYTES };
  const feed = new FeedHandler(view, monitor, {
    instruments: [{ ticker: TICKER, tickUnits: source.tickSize }],
    incremental: await network.multicastReceiver({ ...multicast, port: multicastPort }),
    snapshot: await network.multicastReceiver({ ...multicast, port: multicastPort + 1 }),
    retransmit: {
      socket: await network.unicast({ host: HOST, port: 0 }), host: HOST, port: multicastPort + 2,
    },
  });
  // 2. The flow, over one order session.
  const driver: FlowDriver = new FlowDriver({
    clock, entry: { client: CLIENT }, ticker: TICKER, speed,
    pass: (_pass, first) => source.pass(first),
    mayBegin: (pass) => traders.mayBegin(pass, driver.requests),
  });
  driver.connect(await network.connect({ host: HOST, port: tcpPort }));
  // 3. One loop for all of it.
  const receive: Agent = { name: 'network', poll: () => network.poll() };
  const runner = new AgentRunner({
    clock, agents: [receive, feed, driver], wait: waitStrategy(),
    needsEventLoop: network.needsEventLoop,
  });
  const accounts = new AccountCheck();
  return {
    source, speed, endpoint, view, feed, driver, clock, monitor, runner, network, traders, accounts,
    dashboard: null,
  };
}

function startDashboard(flags: DemoFlags, exchangePort: number): DashboardProcess | null {
  if (!flags.dashboard || (flags.json === true && flags.dashboardPort === undefined)) return null;
  return new DashboardProcess({
    port: flags.dashboardPort ?? (flags.port === 0 ? 0 : DASHBOARD_PORT_DEFAULT), exchangePort,
  });
}

/**
 * With a core for each of exchange and flow neither ever sleeps: the flow leaves on time, and the
 * latencies are those of the exchange. On one core they have to make room for each other.
 */
function waitStrategy(): WaitStrategy {
  return availableParallelism() > 1 ? 'yield' : 'backoff';
}

/**
 * Traders that spin on cores which are not theirs alone take them for milliseconds at a time: on two
 * cores an answer of the exchange took 5 ms instead of 0.4.
 */
function traderWaitStrategy(): WaitStrategy {
  return availableParallelism() >= PROCESSES ? 'yield' : 'sleep';
}

/** Shows what happens, and compares the accounts, until the run ends. */
async function watch(
  client: DemoClient, exchange: ExchangeProcess, flags: DemoFlags, end: EndOfRun,
): Promise<void> {
  const live = process.stdout.isTTY && !flags.json;
  const screen = new Screen(process.stdout);
  const { traders, driver, accounts } = client;
  let linkPrinted = false;
  const compare = (): void => {
    traders.look(driver.requests);
    accounts.compare(exchange, viewsOf(client)).then(() => {
      if (accounts.summary.difference !== '') end.because(accounts.summary.difference);
    }, () => {}); // an exchange that has ended has been told of
  };
  const look = (): void => {
    const view = client.monitor.look(client, client.clock.nowNs / 1e6, LEVELS_SHOWN);
    if (live) screen.draw(renderView(view, screen.columns, screen.rows, paint()));
    else if (!flags.json && view.elapsedMs > 0) process.stdout.write(`${plainLine(view)}\n`);
    if (!live && !flags.json && !linkPrinted && view.dashboard !== '') {
      linkPrinted = true;
      process.stdout.write(`dashboard ${view.dashboard}\n`);
    }
    if (driver.closedReason !== '') {
      end.because(`the order session ended: ${driver.closedReason}`);
    }
    for (const { strategy, trouble } of traders.statuses) {
      if (trouble !== '') end.because(`${strategy}: ${trouble}`);
    }
  };
  if (live) screen.enter();
  const leave = (): void => screen.leave();
  // Whatever ends this process, the terminal comes back.
  process.on('exit', leave);
  const timer = setInterval(look, live ? FRAME_MS : LINE_MS);
  const comparing = setInterval(compare, COMPARE_MS);
  try {
    look();
    await end.reached;
  } finally {
    clearInterval(timer);
    clearInterval(comparing);
    leave();
    process.off('exit', leave);
  }
}

/** What each client thinks it owns, each at its own moment. */
function viewsOf({ driver, traders }: DemoClient): ClientAccount[] {
  const { sequence, position, cash } = driver;
  return [{ client: CLIENT, sequence, position, cash }, ...traders.statuses.map(accountOf)];
}

/** Lets everything under way arrive, then compares books and accounts. */
async function settle(client: DemoClient, exchange: ExchangeProcess): Promise<DemoResult> {
  const { driver, feed, view, monitor, source, accounts } = client;
  driver.stop();
  const traders = await client.traders.finish();
  await until(() => driver.idle || driver.closedReason !== '');
  const proof = await exchange.proof();
  await until(() => feed.fresh && feed.nextSequence > proof.sequence);
  const { sequence, position, cash } = driver;
  const views = [{ client: CLIENT, sequence, position, cash }, ...traders.map(accountOf)];
  await accounts.compare(exchange, views);
  const receiverHash = view.publicHash().toString(16).padStart(16, '0');
  const equal = receiverHash === proof.publicHash && feed.nextSequence - 1 === proof.sequence;
  const balanced = isBalanced(views) && accounts.summary.difference === '';
  const open = traders.reduce((sum, { ordersOpen }) => sum + ordersOpen, 0);
  return {
    ok: equal && balanced && open === 0 && driver.underWay === 0,
    equal,
    balanced,
    engineHash: proof.publicHash,
    receiverHash,
    engineSequence: proof.sequence,
    feedSequence: feed.nextSequence - 1,
    feedState: FEED_STATE_TEXT[feed.state],
    seconds: Math.round(client.clock.nowNs / 1e6) / 1000,
    source: `${source.symbol}, ${source.description}`,
    passes: driver.passes,
    requests: driver.requests,
    responses: driver.entry.responses,
    rejects: driver.rejects,
    tooLate: driver.rejectsByCode[RejectCode.UnknownOrder],
    unanswered: driver.underWay,
    trades: monitor.trades,
    updates: feed.applied,
    engineOrders: proof.restingOrders,
    receiverOrders: view.ordersLive,
    gaps: feed.gaps,
    requested: feed.requested,
    duplicates: feed.duplicates,
    snapshots: feed.snapshots,
    dropped: feed.dropped,
    network: client.network.kind,
    latencyNs: monitor.finish(driver),
    accounts: accounts.summary,
    dashboard: client.dashboard?.url ?? '',
    priceDecimals: source.decimals,
    traders,
  };
}

/** The clients' own views, when nothing is under way any more: nobody has what nobody lost. */
function isBalanced(views: readonly ClientAccount[]): boolean {
  const position = views.reduce((sum, view) => sum + view.position, 0);
  const cash = views.reduce((sum, view) => sum + view.cash, 0);
  return position === 0 && cash === 0;
}

/** Waits, looking every few milliseconds, at most SETTLE_MS. */
async function until(holds: () => boolean): Promise<void> {
  const endMs = performance.now() + SETTLE_MS;
  while (!holds() && performance.now() < endMs) {
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** Colours where a person looks who has not declined them (NO_COLOR). */
function paint(): Paint {
  return process.stdout.isTTY && process.stdout.hasColors() ? coloured : plain;
}

function report(result: DemoResult, json: boolean): void {
  const lines = json ? [JSON.stringify(result)] : summaryLines(result, paint());
  process.stdout.write(`${lines.join('\n')}\n`);
}

// ── ports ──────────────────────────────────────────────────────────────────────────────────────

async function startExchange(
  port: number, multicastPort: number, source: FlowSource, performance: PerformanceConfig,
): Promise<ExchangeProcess> {
  const { symbol, decimals, tickSize } = source;
  try {
    return await ExchangeProcess.start({
      port, multicastPort, ticker: TICKER, symbol, decimals, tickSize, wait: waitStrategy(), performance,
    });
  } catch (error) {
    if (!(error instanceof ProcessStartError) || error.code !== 'EADDRINUSE') throw error;
    throw new Error(
      `${error.message}. Is another one running? End it (Ctrl-C there), or give this one ` +
        `ports of its own: npm start -- --port ${PORT_DEFAULT + 1_000}`,
      { cause: error },
    );
  }
}

/**
 * As asked for; beside a port of one's own the three behind it, so that one option sets a second
 * demo apart.
 */
async function multicastPortOf(flags: DemoFlags): Promise<number> {
  if (flags.multicastPort !== undefined && flags.multicastPort !== 0) return flags.multicastPort;
  if (flags.port === 0 || flags.multicastPort === 0) return freePorts();
  return flags.port === PORT_DEFAULT ? MULTICAST_PORT_DEFAULT : flags.port + 1;
}
