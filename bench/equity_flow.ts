// The equity flow: five scenarios, reports handed to another thread inside the measured time. The result
// is the slowest scenario's figure.
//
// Checked in every repetition: number of reports, their checksum as the consumer saw it against the one
// taken here on one thread, the final book's hash. Checked once a scenario: message, fill and report
// counts of the published table (for the full flow of a million orders and its seed).
import { assert } from '../src/base/assert.ts';
import { Ev } from '../src/book/types.ts';
import {
  EQUITY_EXPECTED, EQUITY_EXPECTED_MESSAGES, EQUITY_ORDERS, EQUITY_SCENARIOS, type EquityScenarioName,
} from '../src/recorded/equity_flow.ts';
import { rowBesideC } from './beside_c.ts';
import { sizeOf, type BenchContext, type Benchmark } from './context.ts';
import { CoreBook, type CoreVerification } from './core_book.ts';
import { equityFlow, type BookFlow } from './flows.ts';
import { HandOver } from './hand_over.ts';
import { runAlone } from './harness/paired.ts';
import type { Goal, Row } from './harness/row.ts';
import { formatCount } from './harness/table.ts';

const GOAL: Goal = { relation: 'above', value: 50 };
const QUOTED =
  '247 public engines: best open 8.19 M/s (C), CppTrader 7.26, best Java 2.21, JavaScript 0.71, ' +
  'TypeScript 0.33; a closed reference 33.2';

function millionsPerSecond(messages: number, ns: number): number {
  return (messages / ns) * 1_000;
}

/** Reports of the published table: what the core writes for the feed only (`rested`) is none of them. */
function reportsOf(verification: CoreVerification): number {
  return verification.events - verification.types[Ev.Rested];
}

function publishedCounts(
  scenario: EquityScenarioName, flow: BookFlow, verification: CoreVerification, whole: boolean,
): string {
  const fills = verification.types[Ev.Trade];
  const reports = reportsOf(verification);
  const counted = [flow.commands, fills, reports].map((n) => formatCount(n));
  if (!whole) return `${counted[0]} messages, ${counted[1]} fills, ${counted[2]} reports`;
  const expected = EQUITY_EXPECTED[scenario];
  assert(flow.commands === EQUITY_EXPECTED_MESSAGES.messages, 'the flow has the published number of messages');
  assert(fills === expected.fills, 'the flow has the published number of fills');
  assert(reports === expected.reports, 'the flow has the published number of reports');
  return `${counted[0]} messages, ${counted[1]} fills, ${counted[2]} reports, as published`;
}

/** Rows of one scenario: batches and one at a time. */
async function scenarioRows(context: BenchContext, scenario: EquityScenarioName, orders: number): Promise<[Row, Row]> {
  context.progress(`equity flow: ${scenario}`);
  const flow = equityFlow(scenario, orders);
  const verification = new CoreBook(flow).verify();
  const counts = publishedCounts(scenario, flow, verification, orders === EQUITY_ORDERS);
  const rows: Row[] = [];
  for (const oneAtATime of [false, true]) {
    const handOver = new HandOver(flow, oneAtATime ? { batch: 1 } : {});
    const spread = await runAlone(
      async () => {
        const result = await handOver.run();
        assert(result.checksum === verification.checksum, 'the consumer read every report as it was written');
        assert(result.hash === verification.hash, 'the final book is the one that a single thread reaches');
        return millionsPerSecond(flow.commands, result.ns);
      },
      { repetitions: context.pairs },
    );
    await handOver.close();
    rows.push({
      name: `equity flow ${scenario}, ${oneAtATime ? 'one at a time' : 'batches'}`,
      figure: spread.median, unit: 'M msg/s', statistic: `median of ${spread.samples} flows`,
      boundary: oneAtATime ? 'core → thread, one at a time' : 'core → thread, batches',
      threads: '2 (matching, consumer)', durability: 'none', spread, small: context.small,
      checks: [counts, `every report read and checksummed by the consumer, each repetition: ${verification.checksum}`],
    });
  }
  return rows as [Row, Row];
}

const TRIED_BATCHES =
  'the same structure in C, matching alone, is below 50 M/s in the worst scenarios on a Xeon (benchmark equity-flow-c); reports staged and copied by SIMD ' +
  '1.14 – 1.56 times slower, rings of 256 KiB and 4 MiB no faster, no look ahead no faster, fewer instructions no faster: docs/LATENCY.md, Book and matching';

/** Where the goal stands that batches reach. */
const TRIED_ONE_AT_A_TIME =
  'a plain store instead of the atomic one that publishes, no look ahead: no difference within the noise; what is left is the call ' +
  'from JavaScript into the core and a cursor handed to the other core for each message';

function lowestOf(rows: readonly Row[], how: string): Row {
  const lowest = rows.reduce((a, b) => (b.figure < a.figure ? b : a));
  return {
    ...lowest, name: `EQUITY FLOW, lowest of ${rows.length}, ${how}`, goal: GOAL, quoted: QUOTED,
    checks: [`the lowest is ${lowest.name}`],
  };
}

async function run(context: BenchContext): Promise<Row[]> {
  const orders = sizeOf(context, EQUITY_ORDERS, 4_000);
  const batches: Row[] = [];
  const single: Row[] = [];
  for (const scenario of Object.keys(EQUITY_SCENARIOS) as EquityScenarioName[]) {
    const [inBatches, oneAtATime] = await scenarioRows(context, scenario, orders);
    batches.push(inBatches);
    single.push(oneAtATime);
  }
  return [
    ...batches, { ...lowestOf(batches, 'batches'), tried: TRIED_BATCHES },
    ...single, { ...lowestOf(single, 'one at a time'), tried: TRIED_ONE_AT_A_TIME },
  ];
}

/** The same flow inside the core, beside the C program: says what a scenario costs without the hand-over. */
async function runBesideC(context: BenchContext): Promise<Row[]> {
  const orders = sizeOf(context, EQUITY_ORDERS, 4_000);
  const rows: Row[] = [];
  for (const scenario of Object.keys(EQUITY_SCENARIOS) as EquityScenarioName[]) {
    context.progress(`equity flow beside C: ${scenario}`);
    rows.push(await rowBesideC(context, `equity flow ${scenario}, matching only`, equityFlow(scenario, orders)));
  }
  return rows;
}

export const equityFlowBenchmark: Benchmark = {
  name: 'equity-flow', about: 'five scenarios of the published equity flow, reports to another thread',
  byDefault: true, run,
};

export const equityFlowBesideC: Benchmark = {
  name: 'equity-flow-c', about: 'the same flow in the core and in C, without hand-over',
  byDefault: false, run: runBesideC,
};
