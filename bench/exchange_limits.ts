// What the exchange's protection costs those who break no limit: the whole pipeline, from the bytes of a
// request to the bytes of its answer and of the feed, with limits and without, by turns in one process.
//
// The requests: quotes on both sides, modifies, trades, cancels, rejects (test/exchange/endless_network.ts).
// Transport costs nothing here, so the share is larger than over TCP.
import { assert } from '../src/base/assert.ts';
import { EXCHANGE_DEFAULT, RISK_DEFAULT, type RiskConfig } from '../src/exchange/config.ts';
import { Exchange } from '../src/exchange/exchange.ts';
import { EndlessClient, EndlessNetwork, mixedRequests } from '../test/exchange/endless_network.ts';
import { sizeOf, type BenchContext, type Benchmark } from './context.ts';
import { runPaired } from './harness/paired.ts';
import type { Row } from './harness/row.ts';

const TURNS = 2_000;
const WARMUP_TURNS = 3_000;
const TURN_NS = 100_000;

const NO_LIMITS: RiskConfig = { ...RISK_DEFAULT, fairShares: false };
const EVERY_LIMIT: RiskConfig = {
  ...RISK_DEFAULT,
  limits: {
    orderQty: 1_000, notional: 1_000_000, collarTicks: 50_000, collarBps: 90_000, position: 1_000_000_000, openOrders: 1_000,
    messagesPerSecond: 10_000_000, cancelsPerSecond: 10_000_000, refusalsPerSecond: 1_000,
  },
  collarReference: 'mid',
};

/** An exchange with two clients that never end. */
class Pipeline {
  readonly exchange: Exchange;
  #nowNs = 0;

  private constructor(exchange: Exchange) {
    this.exchange = exchange;
  }

  static async open(risk: RiskConfig): Promise<Pipeline> {
    const clients = [1, 2].map((client) => new EndlessClient(client, mixedRequests(client)));
    const config = { ...EXCHANGE_DEFAULT, risk, ordersMax: 10_000, snapshot: { ...EXCHANGE_DEFAULT.snapshot, intervalNs: 0 } };
    return new Pipeline(await Exchange.open({ config, network: new EndlessNetwork(clients), stamp: 1 }));
  }

  /** Nanoseconds a request. */
  run(turns: number): number {
    const before = this.exchange.counters.get('requests');
    const start = performance.now();
    for (let i = 0; i < turns; i++) this.exchange.poll((this.#nowNs += TURN_NS));
    const ns = (performance.now() - start) * 1e6;
    return ns / (this.exchange.counters.get('requests') - before);
  }
}

async function compare(context: BenchContext, name: string, risk: RiskConfig): Promise<Row> {
  const turns = sizeOf(context, TURNS, 20);
  const limited = await Pipeline.open(risk);
  const free = await Pipeline.open(NO_LIMITS);
  for (const pipeline of [limited, free]) pipeline.run(context.small ? 20 : WARMUP_TURNS);
  const { a, ratio, pairs } = await runPaired(() => limited.run(turns), () => free.run(turns), { pairs: context.pairs });
  const counted = (pipeline: Pipeline, counter: string): number =>
    pipeline.exchange.counters.get(counter) / pipeline.exchange.counters.get('requests');
  for (const counter of ['accepted', 'rejected', 'trades']) {
    const different = Math.abs(counted(limited, counter) - counted(free, counter));
    assert(different < 0.01, 'the limits refuse nothing of this flow');
  }
  return {
    name: `request through the exchange, ${name}`, figure: a.median, unit: 'ns/op',
    statistic: `median of ${pairs} runs`, boundary: 'process', threads: '1', durability: 'none', spread: a,
    ratio: { ...ratio, against: 'no limit at all', pairs, otherMedian: a.median / ratio.median },
    checks: ['both answered alike', `${limited.exchange.counters.get('batches_cut')} batches cut for a judgement`],
    small: context.small,
  };
}

async function run(context: BenchContext): Promise<Row[]> {
  context.progress('exchange limits: the pipeline with and without');
  return [
    await compare(context, 'fair shares (default)', RISK_DEFAULT),
    await compare(context, 'every limit', EVERY_LIMIT),
  ];
}

export const exchangeLimits: Benchmark = {
  name: 'exchange-limits',
  about: 'what limits cost those who keep within them', byDefault: false, run,
};
