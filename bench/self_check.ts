// The harness measured by itself: the core against itself must give a ratio whose interval holds 1, and
// a side that does its work twice must be found to take twice as long.
import { sizeOf, type BenchContext, type Benchmark } from './context.ts';
import { CoreBook } from './core_book.ts';
import { mixedFlow, timedCommands } from './flows.ts';
import { runPaired } from './harness/paired.ts';
import type { Row } from './harness/row.ts';

async function run(context: BenchContext): Promise<Row[]> {
  context.progress('self-check: the core against itself');
  const flow = mixedFlow('small', sizeOf(context, 1_000_000, 2_000));
  const commands = timedCommands(flow);
  const [a, b] = [new CoreBook(flow), new CoreBook(flow)];
  const once = (book: CoreBook) => () => book.run().ns / commands;
  const twice = (book: CoreBook) => () => (book.run().ns + book.run().ns) / commands;
  const row = async (name: string, left: () => number, right: () => number, expected: number): Promise<Row> => {
    const result = await runPaired(left, right, { pairs: context.pairs, warmups: 3 });
    const { low, high } = result.ratio;
    return {
      name, figure: result.a.median, unit: 'ns/op', statistic: `median of ${result.pairs} flows`,
      boundary: 'core, batches',
      threads: '1', durability: 'none', spread: result.a, small: context.small,
      ratio: { ...result.ratio, against: 'the core', pairs: result.pairs, otherMedian: result.b.median },
      checks: [`the interval ${low <= expected && expected <= high ? 'holds' : 'DOES NOT HOLD'} ${expected}`],
    };
  };
  return [
    await row('self-check: A/A', once(a), once(b), 1),
    await row('self-check: planted factor of two', twice(a), once(b), 2),
  ];
}

export const selfCheck: Benchmark = {
  name: 'self-check', about: 'the harness itself: A/A, and a planted factor of two', byDefault: false, run,
};
