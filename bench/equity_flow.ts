// The equity flow: five scenarios, reports handed to another thread inside the measured time. The result is the
// slowest scenario's figure.
//
// Checked in every repetition: number of reports, their checksum as the consumer saw it against the one taken here
// on one thread, the final book's hash. Checked once a scenario: message, fill and report counts of the published
// table (for the full flow of a million orders and its seed).
import { assert } from '../src/base/assert.ts';
import { Ev } from '../src/book/types.ts';
import { EQUITY_EXPECTED, EQUITY_EXPECTED_MESSAGES, EQUITY_ORDERS, EQUITY_SCENARIOS, type EquityScenarioName } from '../src/recorded/equity_flow.ts';
import { sizeOf, type BenchContext, type Benchmark } from './context.ts';
import { CoreBook, type CoreVerification } from './core_book.ts';
import { equityFlow, type BookFlow } from './flows.ts';
import { HandOver } from './hand_over.ts';
import { runAlone, runPaired } from './harness/paired.ts';
import type { Goal, Row } from './harness/row.ts';
import { CBook } from './reference/c_book.ts';

const GOAL: Goal = { relation: 'above', value: 50 };
const QUOTED =
  '247 public engines: best open 8.19 M/s (C), CppTrader 7.26, best Java 2.21, JavaScript 0.71, TypeScript 0.33; a closed reference 33.2';

function millionsPerSecond(messages: number, ns: number): number {
  return (messages / ns) * 1_000;
}

/** Reports of the published table: what the core writes for the feed only (`rested`) is none of them. */
function reportsOf(verification: CoreVerification): number {
  return verification.events - verification.types[Ev.Rested];
}

function publishedCounts(scenario: EquityScenarioName, flow: BookFlow, verification: CoreVerification, whole: boolean): string {
  const fills = verification.types[Ev.Trade];
  const reports = reportsOf(verification);
  const counted = [flow.commands, fills, reports].map((n) => n.toLocaleString('en-US'));
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
    const handOver = new HandOver(flow, { oneAtATime });
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
  return [...batches, lowestOf(batches, 'batches'), ...single, { ...lowestOf(single, 'one at a time') }];
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

/** One flow in the core and in C, repetitions in turn; every byte of every event compared first. */
export async function rowBesideC(context: BenchContext, name: string, flow: BookFlow, goal?: Goal): Promise<Row> {
  const book = new CoreBook(flow);
  const verification = book.verify();
  const inCore = () => {
    const result = book.run();
    assert(result.hash === verification.hash, 'each repetition ends with the same book');
    assert(result.events === verification.events, 'each repetition has the same number of events');
    return result.ns / flow.commands;
  };
  const common = {
    name, unit: 'ns/msg', boundary: 'core, batches', threads: '1', durability: 'none', small: context.small,
  } as const;
  const counted = `${flow.commands.toLocaleString('en-US')} messages, ${verification.events.toLocaleString('en-US')} events`;
  const c = CBook.start(flow);
  if (c === null) {
    const spread = await runAlone(inCore, { repetitions: context.pairs });
    return {
      ...common, figure: spread.median, statistic: `median of ${spread.samples} flows`, spread, ...(goal ? { goal } : {}),
      checks: [`${counted}; no C compiler on this machine, so nothing to compare with`], tried: 'no compiler for the reference',
    };
  }
  try {
    const verified = await c.verify();
    assert(verified.checksum === verification.checksum, 'core and C write the same events, byte for byte');
    assert(verified.hash === verification.hash, 'core and C end with the same book');
    const inC = async () => {
      const result = await c.run();
      assert(result.hash === verification.hash, 'each repetition in C ends with the same book');
      return result.ns / flow.commands;
    };
    const { a, b, ratio, pairs } = await runPaired(inCore, inC, { pairs: context.pairs, warmups: 2 });
    return {
      ...common, figure: a.median, statistic: `median of ${pairs} flows`, spread: a, ...(goal ? { goal } : {}),
      ratio: { ...ratio, against: 'the same in C', pairs, otherMedian: b.median },
      checks: [`${counted}; all event bytes equal to C's (checksum ${verification.checksum}), final book equal (${verification.hash})`],
    };
  } finally {
    await c.close();
  }
}

export const equityFlowBenchmark: Benchmark = {
  name: 'equity-flow', about: 'five scenarios of the published equity flow, reports to another thread', byDefault: true, run,
};

export const equityFlowBesideC: Benchmark = {
  name: 'equity-flow-c', about: 'the same flow in the core and in C, without hand-over', byDefault: false, run: runBesideC,
};
