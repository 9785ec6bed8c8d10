// "No allocation" on the way through the core: bytes of JavaScript heap per operation, and collections
// meanwhile.
import { sizeOf, type BenchContext, type Benchmark } from './context.ts';
import { CoreBook } from './core_book.ts';
import { mixedFlow, timedCommands } from './flows.ts';
import { heapUseOf } from './harness/heap.ts';
import type { Row } from './harness/row.ts';
import { formatCount } from './harness/table.ts';

const OPERATIONS = 1_000_000;

const TRIED = 'all messages lie in the core’s memory; three flows before the one that counts, for compiling allocates too';

async function run(context: BenchContext): Promise<Row[]> {
  const flow = mixedFlow('small', sizeOf(context, OPERATIONS, 20_000));
  const commands = timedCommands(flow);
  const rows: Row[] = [];
  for (const oneAtATime of [false, true]) {
    const how = oneAtATime ? 'one at a time' : 'batches';
    context.progress(`allocation: ${how}`);
    const book = new CoreBook(flow, oneAtATime ? { batch: 1 } : {});
    // Compiling allocates too, so the code is warm before it counts.
    for (let i = 0; i < 3; i++) book.run();
    book.reset();
    book.fill();
    const { bytes, collections } = await heapUseOf(() => book.replay());
    const common = {
      statistic: 'one flow after three', boundary: oneAtATime ? 'core, one at a time' : 'core, batches',
      threads: '1', durability: 'none', small: context.small,
    } as const;
    const checks = [`${formatCount(commands)} operations, ${formatCount(bytes)} bytes in all`];
    rows.push(
      {
        ...common, name: `heap allocated, ${how}`, figure: bytes / commands, unit: 'B/op',
        goal: { relation: 'at most', value: 0.1 }, checks, tried: TRIED,
      },
      {
        ...common, name: `collections, ${how}`, figure: collections, unit: 'collections',
        goal: { relation: 'at most', value: 0 }, checks, tried: TRIED,
      },
    );
  }
  return rows;
}

export const allocation: Benchmark = {
  name: 'allocation', about: 'JavaScript heap allocated per operation', byDefault: true, run,
};
