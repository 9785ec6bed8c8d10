// The exchange end to end: two processes, order entry over TCP with every request acknowledged, the
// public feed by multicast, applied by the client to books of its own.
//
//   this process                                       the exchange's process
//   equity flow ─► order entry ──────── TCP ─────────► gateway ─► matching ─► responses
//   books ◄─────── feed handler ◄─── UDP multicast ─── feed publisher ◄──┘
//
// A repetition is one pass of the flow, from its first request to its last answer, with a window of
// requests under way. After the last, orders are put into the books, which a pass leaves empty, and the
// client's books must have the hash of the engine's at the same feed sequence.
import { AgentRunner, type Agent } from '../src/base/agent.ts';
import { freePorts } from '../src/apps/free_ports.ts';
import { ExchangeProcess } from '../src/apps/demo_process.ts';
import { FlowDriver, WINDOW_FULL_SPEED } from '../src/apps/flow_driver.ts';
import { assert } from '../src/base/assert.ts';
import { MonotonicClock } from '../src/base/clock.ts';
import { MarketView } from '../src/book/market_view.ts';
import { chooseNetwork } from '../src/net/choose_network.ts';
import { generateEquityFlow, type EquityFlow } from '../src/recorded/equity_flow.ts';
import { EquityOrderFlow } from '../src/recorded/order_flow.ts';
import { FeedHandler } from '../src/trader/feed_handler.ts';
import { ResponseType } from '../src/wire/generated/native.ts';
import { sizeOf, type BenchContext, type Benchmark } from './context.ts';
import type { Row } from './harness/row.ts';
import { spreadOf } from './harness/statistics.ts';
import { formatCount } from './harness/table.ts';

const HOST = '127.0.0.1';
const GROUP = '239.255.0.1';
const TICKER = 1;
const CLIENT = 1;
const UNITS_PER_TICK = 5;
const ORDERS_PER_PASS = 200_000;
const WARMUP_PASSES = 2;
const ORDERS_MAX = 1 << 20;
const RECEIVE_BUFFER_BYTES = 8 * 1024 * 1024;
const SETTLE_MS = 10_000;
/** All passes together, on a machine that others use too. */
const PASSES_MS = 120_000;
const LOOK_MS = 2;
/** Orders put into the books, which a pass leaves empty, before they are compared. */
const RESTING = 100;
const RESTING_BEST_BID = 100_000;

const TRIED =
  'an order of this flow is two requests, two answers or more and as many updates, by two processes on two cores; full datagrams cut by the kernel out of one send, answers of a turn in one send a session, 256 frames a read, room of datagram sockets asked about only when there is none (each datagram was news of the next poll before)';

/** The books are all that is wanted of the feed. */
function ignore(): void {}

/** What came of the passes. */
interface Outcome {
  /** Nanoseconds of each pass that counts. */
  passesNs: number[];
  driver: FlowDriver;
  updates: number;
  gaps: number;
  hash: string;
  resting: number;
  network: string;
}

function milliseconds(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

async function until(what: string, holds: () => boolean, limitMs = SETTLE_MS): Promise<void> {
  const endMs = performance.now() + limitMs;
  while (!holds()) {
    if (performance.now() > endMs) throw new Error(`TCP benchmark: ${what} did not happen within ${limitMs} ms`);
    await milliseconds(LOOK_MS);
  }
}

/** Both sides of a book, a level an order. */
async function restOrders(driver: FlowDriver): Promise<void> {
  const accepted = driver.responsesByType[ResponseType.Accepted];
  for (let i = 0; i < RESTING; i++) {
    const side = i % 2 === 0 ? 1 : -1;
    const price = (RESTING_BEST_BID - side * (i + 1)) * UNITS_PER_TICK;
    // Ids above those of the flow: the high half is 1.
    assert(driver.entry.newOrder(TICKER, i, 1, side, price, 0, 1 + i), 'the session takes the orders');
  }
  driver.entry.flush();
  await until('the resting orders', () => driver.responsesByType[ResponseType.Accepted] === accepted + RESTING);
}

async function runPasses(flow: EquityFlow, passes: number): Promise<Outcome> {
  const multicastPort = await freePorts();
  const exchange = await ExchangeProcess.start({
    port: 0, multicastPort, ticker: TICKER, symbol: 'EQTY', decimals: 3, tickSize: UNITS_PER_TICK,
  });
  const { network } = chooseNetwork();
  let runner: AgentRunner | null = null;
  try {
    const clock = new MonotonicClock();
    const view = new MarketView({ instruments: [{ minPrice: 0, maxPrice: 0x7fff_ffff }], ordersMax: ORDERS_MAX });
    const multicast = { group: GROUP, interface: HOST, receiveBufferBytes: RECEIVE_BUFFER_BYTES };
    const feed = new FeedHandler(view, { onUpdate: ignore, onTrade: ignore, onState: ignore }, {
      instruments: [{ ticker: TICKER, tickUnits: UNITS_PER_TICK }],
      incremental: await network.multicastReceiver({ ...multicast, port: multicastPort }),
      snapshot: await network.multicastReceiver({ ...multicast, port: multicastPort + 1 }),
      retransmit: { socket: await network.unicast({ host: HOST, port: 0 }), host: HOST, port: multicastPort + 2 },
    });
    const marksNs: number[] = [];
    const driver: FlowDriver = new FlowDriver({
      clock, entry: { client: CLIENT }, ticker: TICKER, speed: Infinity,
      pass: (pass, firstOrderId) => {
        marksNs.push(Number(process.hrtime.bigint()));
        if (pass === WARMUP_PASSES) driver.latency.reset();
        return pass === passes ? null : new EquityOrderFlow(flow, { unitsPerTick: UNITS_PER_TICK, firstOrderId });
      },
    });
    driver.connect(await network.connect({ host: HOST, port: exchange.port }));
    const receive: Agent = { name: 'network', poll: () => network.poll() };
    runner = new AgentRunner({ clock, agents: [receive, feed, driver], needsEventLoop: network.kind === 'node' });
    const running = runner.run();
    await until('the end of the passes', () => driver.idle || driver.closedReason !== '', PASSES_MS);
    if (driver.closedReason !== '') throw new Error(`TCP benchmark: the session ended: ${driver.closedReason}`);
    await restOrders(driver);
    const proof = await exchange.proof();
    await until('the feed reaching the engine', () => feed.fresh && feed.nextSequence > proof.sequence);
    assert(feed.nextSequence - 1 === proof.sequence, 'the feed handler has applied what the exchange published');
    const hash = view.publicHash().toString(16).padStart(16, '0');
    assert(hash === proof.publicHash, "the receiver's books equal the engine's");
    driver.entry.close();
    runner.stop();
    await running;
    const passesNs = marksNs.slice(WARMUP_PASSES + 1, passes + 1).map((mark, i) => mark - marksNs[WARMUP_PASSES + i]);
    return { passesNs, driver, updates: feed.applied, gaps: feed.gaps, hash, resting: view.ordersLive, network: network.kind };
  } finally {
    runner?.stop(); // else a failure would leave the loop turning, and the process with it
    network.close();
    await exchange.stop();
  }
}

async function run(context: BenchContext): Promise<Row[]> {
  const orders = sizeOf(context, ORDERS_PER_PASS, 2_000);
  const passes = WARMUP_PASSES + context.pairs;
  context.progress(`TCP: ${passes} passes of ${orders} new orders`);
  const flow = generateEquityFlow({ scenario: 'normal', orders: orders + (orders % 2) });
  const { passesNs, driver, updates, gaps, hash, resting, network } = await runPasses(flow, passes);
  assert(driver.underWay === 0, 'every request has been answered');
  const thousandsPerSecond = (count: number) => spreadOf(passesNs.map((ns) => (count / ns) * 1e6));
  const spread = thousandsPerSecond(flow.newOrders);
  const requests = thousandsPerSecond(flow.messages);
  const { latency } = driver;
  const microseconds = (percent: number) => (latency.percentile(percent) / 1e3).toFixed(1);
  const common = {
    statistic: `median of ${spread.samples} passes`, boundary: 'process → process, TCP',
    threads: '2 (exchange, client)',
    durability: 'none', small: context.small,
  } as const;
  return [
    {
      ...common, name: 'exchange over TCP: new orders', figure: spread.median, unit: 'k orders/s', spread,
      goal: { relation: 'above', value: 1_000 }, quoted: '1 – 1.2 M orders/s', tried: TRIED,
      checks: [
        `one session, ${WINDOW_FULL_SPEED} requests under way, ${network} sockets`,
        `each answered: ${formatCount(driver.requests)} in all`,
        `${formatCount(updates)} multicast updates applied, ${gaps} gaps`,
        `the receiver's book of ${resting} orders equals the engine's (${hash})`,
        `first answer p50 ${microseconds(50)} µs, p99 ${microseconds(99)} µs at this load (closed loop: no latency figure)`,
      ],
    },
    {
      ...common, name: 'exchange over TCP: all requests', figure: requests.median, unit: 'k orders/s',
      spread: requests,
      checks: [
        `per pass ${formatCount(flow.newOrders)} new, ${formatCount(flow.cancels)} cancels, ${formatCount(flow.modifies)} modifies`,
      ],
    },
  ];
}

export const exchangeTcp: Benchmark = {
  name: 'exchange-tcp',
  about: 'exchange and load client in two processes, acknowledgements and multicast', byDefault: true, run,
};
