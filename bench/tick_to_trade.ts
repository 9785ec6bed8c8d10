// Tick to trade: the time from a datagram that has been received to the request that it led to being
// with the operating system, over real sockets, in the trader as `outcry trade` runs it.
//
//   this process                                              the exchange's process
//   paced flow ─► order entry ───────────── TCP ────────────► gateway ─► matching ─► responses
//   feed_rx ─► view_updated ─► decided ─► order_tx ── TCP ──►    └──► feed publisher ── multicast ─► feed_rx
//
// A market maker that quotes around the mid and follows each of its moves, so that it decides often. A repetition is one pass
// of the flow at a fixed rate, whatever the exchange and the trader do. Each stage is counted from
// `feed_rx` (src/trader/tick_profile.ts has the bias); what lies before `recv` returned is not known.
// The flow's sender shares the trader's loop and thread: its sends are part of what a datagram waits for.
import { AgentRunner, type Agent } from '../src/base/agent.ts';
import { freePorts } from '../src/apps/free_ports.ts';
import { ExchangeProcess } from '../src/apps/demo_process.ts';
import { FlowDriver } from '../src/apps/flow_driver.ts';
import { assert } from '../src/base/assert.ts';
import { MonotonicClock } from '../src/base/clock.ts';
import type { HistogramSummary } from '../src/base/histogram.ts';
import { chooseNetwork } from '../src/net/choose_network.ts';
import type { Network } from '../src/net/transport.ts';
import { generateEquityFlow, type EquityFlow } from '../src/recorded/equity_flow.ts';
import { EquityOrderFlow } from '../src/recorded/order_flow.ts';
import { TraderInstruments } from '../src/trader/instruments.ts';
import { RISK_LIMITS_DEFAULT } from '../src/trader/risk.ts';
import { createStrategy, strategyNamed } from '../src/trader/strategies/strategies.ts';
import type { TickProfileSummary } from '../src/trader/tick_profile.ts';
import { Trader } from '../src/trader/trader.ts';
import { sizeOf, type BenchContext, type Benchmark } from './context.ts';
import type { Row } from './harness/row.ts';
import { spreadOf } from './harness/statistics.ts';
import { formatCount } from './harness/table.ts';

const HOST = '127.0.0.1';
const GROUP = '239.255.0.1';
const TICKER = 1;
const FLOW_CLIENT = 1;
const TRADER_CLIENT = 2;
const UNITS_PER_TICK = 5;
const ORDERS_PER_PASS = 10_000;
/** Times the flow's own speed, which is some 1,800 messages a second: 18,000. */
const SPEED = 10;
const RECEIVE_BUFFER_BYTES = 8 * 1024 * 1024;
const SETTLE_MS = 10_000;
const PASS_MS = 60_000;
const LOOK_MS = 2;
const PARAMETERS = { spread_bps: 4, quote_size: 20, quote_refresh_nanos: 1 };
const LIMITS = { ...RISK_LIMITS_DEFAULT, maxPosition: 1_000_000, maxPositionTotal: 1_000_000, maxLoss: 1e12 };

interface Pass {
  readonly profile: TickProfileSummary;
  readonly messages: number;
  readonly requests: number;
  readonly fills: number;
}

async function until(what: string, holds: () => boolean, limitMs = SETTLE_MS): Promise<void> {
  const endMs = performance.now() + limitMs;
  while (!holds()) {
    if (performance.now() > endMs) throw new Error(`tick to trade: ${what} did not happen within ${limitMs} ms`);
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  }
}

async function openTrader(network: Network, clock: MonotonicClock, port: number, multicastPort: number): Promise<Trader> {
  const instruments = new TraderInstruments([
    { ticker: TICKER, symbol: 'EQTY', decimals: 3, tickUnits: UNITS_PER_TICK, lotSize: 1 },
  ]);
  const definition = strategyNamed('market-maker-bps');
  assert(definition !== undefined, 'the market maker is built in');
  const own = { group: GROUP, interface: HOST, receiveBufferBytes: RECEIVE_BUFFER_BYTES };
  return Trader.open({
    clock, instruments, strategy: createStrategy(definition, instruments, PARAMETERS), limits: LIMITS,
    entry: { client: TRADER_CLIENT }, firstOrderId: 1, connect: () => network.connect({ host: HOST, port }),
    feed: {
      layout: 'native', retransmitHost: HOST, retransmitPort: multicastPort + 2,
      join: async () => ({
        incremental: await network.multicastReceiver({ ...own, port: multicastPort }),
        snapshot: await network.multicastReceiver({ ...own, port: multicastPort + 1 }),
        retransmit: await network.unicast({ host: HOST, port: 0 }),
      }),
    },
  });
}

async function runPass(flow: EquityFlow): Promise<Pass> {
  const multicastPort = await freePorts();
  const exchange = await ExchangeProcess.start({
    port: 0, multicastPort, ticker: TICKER, symbol: 'EQTY', decimals: 3, tickSize: UNITS_PER_TICK,
  });
  const { network } = chooseNetwork();
  let loop: AgentRunner | null = null;
  try {
    const clock = new MonotonicClock();
    const trader = await openTrader(network, clock, exchange.port, multicastPort);
    const driver = new FlowDriver({
      clock, entry: { client: FLOW_CLIENT }, ticker: TICKER, speed: SPEED,
      pass: (pass, firstOrderId) =>
        (pass > 0 ? null : new EquityOrderFlow(flow, { unitsPerTick: UNITS_PER_TICK, firstOrderId })),
    });
    const receive: Agent = { name: 'network', poll: () => network.poll() };
    loop = new AgentRunner({ clock, agents: [receive, trader, driver], wait: 'yield', needsEventLoop: network.needsEventLoop });
    const running = loop.run();
    await until('the trader’s session and feed', () => trader.session.ready && trader.feed.fresh);
    driver.connect(await network.connect({ host: HOST, port: exchange.port }));
    await until('the end of the flow', () => driver.idle || driver.closedReason !== '', PASS_MS);
    assert(driver.closedReason === '', 'the flow’s session lasts');
    trader.stop();
    await until('the trader’s cancels', () => trader.stopped);
    const proof = await exchange.proof();
    await until('the feed reaching the engine', () => trader.feed.fresh && trader.feed.nextSequence > proof.sequence);
    loop.stop();
    await running;
    assert(trader.view.publicHash().toString(16).padStart(16, '0') === proof.publicHash, "the trader's books equal the engine's");
    const { positions } = trader.runner;
    assert(positions.position(0) + driver.position === 0, 'what one has bought the other has sold');
    assert(trader.feed.gaps === 0, 'no datagram was lost');
    return {
      profile: trader.profile.summary(), messages: trader.feed.applied, requests: trader.session.entry.requests,
      fills: trader.fills,
    };
  } finally {
    loop?.stop();
    network.close();
    await exchange.stop();
  }
}

async function run(context: BenchContext): Promise<Row[]> {
  const orders = sizeOf(context, ORDERS_PER_PASS, 1_000);
  const flow = generateEquityFlow({ scenario: 'normal', orders: orders + (orders % 2) });
  const passes: Pass[] = [];
  for (let pass = 0; pass < context.pairs; pass++) {
    context.progress(`tick to trade: pass ${pass + 1} of ${context.pairs}`);
    passes.push(await runPass(flow));
  }
  const sum = (of: (pass: Pass) => number): number => passes.reduce((total, pass) => total + of(pass), 0);
  const counts = `${formatCount(sum((pass) => pass.messages))} feed messages, ${formatCount(sum((pass) => pass.requests))} requests, ` +
    `${formatCount(sum((pass) => pass.fills))} fills; books equal, positions sum to zero, no gap, in each pass`;
  const row = (stage: keyof TickProfileSummary): Row => {
    const of = (percentile: (summary: HistogramSummary) => number): number[] => passes.map(({ profile }) => percentile(profile[stage]));
    const microseconds = (percentile: (summary: HistogramSummary) => number): string => (spreadOf(of(percentile)).median / 1e3).toFixed(1);
    const spread = spreadOf(of((summary) => summary.p50));
    return {
      name: `tick to trade: feed_rx → ${stage}`, figure: spread.median, unit: 'ns/op',
      statistic: `median of ${spread.samples} p50s`, boundary: 'process → process, TCP', threads: '2 (exchange; trader and flow)',
      durability: 'none', spread, small: context.small,
      checks: [
        `p50 ${microseconds((s) => s.p50)}, p90 ${microseconds((s) => s.p90)}, p99 ${microseconds((s) => s.p99)}, ` +
          `p99.9 ${microseconds((s) => s.p999)}, max ${microseconds((s) => s.max)} µs (medians of the passes)`,
        counts,
      ],
    };
  };
  return [row('view_updated'), row('decided'), row('order_tx')];
}

export const tickToTrade: Benchmark = {
  name: 'tick-to-trade', about: 'datagram received to request sent, over sockets, by a market maker', byDefault: true, run,
};
