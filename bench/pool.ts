// The engine's pool of orders: a record allocated and freed, in the core, beside the same in C.
//
// Sixteen live at once and go in another order than they came; each is named while it lives, and the names are summed when it ends,
// so a record given out twice shows.
import { assert } from '../src/base/assert.ts';
import { createCore } from '../src/book/core.ts';
import { sizeOf, type BenchContext, type Benchmark } from './context.ts';
import { loopsOver } from './core_loops.ts';
import { runAlone, runPaired } from './harness/paired.ts';
import type { Row } from './harness/row.ts';
import { formatCount } from './harness/table.ts';
import { loadCLibrary } from './reference/c_library.ts';

const OPERATIONS = 20_000_000;
const OPERATIONS_SMALL = 16_000;
const LIVE = 16;

function unexpected(): never {
  throw new Error('the pool writes no events');
}

async function run(context: BenchContext): Promise<Row[]> {
  context.progress('pool: allocate and free');
  const rounds = Math.ceil(sizeOf(context, OPERATIONS, OPERATIONS_SMALL) / LIVE);
  const made = createCore({ instruments: [{ minPrice: 1, maxPrice: 100 }], ordersMax: 1_024, extendedMax: 0, viewLevels: 0 }, 'core', unexpected);
  const loops = loopsOver(made.memory);
  // Names of a round: round + 1 … round + LIVE.
  const expected = (LIVE * (rounds * (rounds - 1))) / 2 + rounds * ((LIVE * (LIVE + 1)) / 2);
  const timed = (work: (rounds: number) => number) => () => {
    const start = process.hrtime.bigint();
    const sum = work(rounds);
    const ns = Number(process.hrtime.bigint() - start);
    assert(sum === expected, 'no record was two at once');
    return ns / (rounds * LIVE);
  };
  const ours = timed((count) => loops.poolLoop(count));
  const common: Omit<Row, 'figure' | 'statistic'> = {
    name: 'pool: allocate + free', unit: 'ns/op', boundary: 'core, batches', threads: '1', durability: 'none', quoted: '50 ns',
    goal: { relation: 'at most', value: 5 }, ...(context.small ? { small: true } : {}), tried: 'a free list through the records, the last freed first: nothing is left to take away',
    checks: [`${formatCount(rounds * LIVE)} lives of 64-byte records, ${LIVE} at once, each named and found under its name; none live at the end`],
  };
  const library = loadCLibrary('pool');
  if (library === null) {
    const spread = await runAlone(ours, { repetitions: context.pairs });
    return [{ ...common, figure: spread.median, statistic: `median of ${spread.samples} runs`, spread }];
  }
  const inC = library.func('double pool_run(uint32_t rounds)') as (rounds: number) => number;
  const { a, b, ratio, pairs } = await runPaired(ours, timed(inC), { pairs: context.pairs, warmups: 2 });
  assert(made.core.ordersLive() === 0, 'every record was given back');
  return [{
    ...common, figure: a.median, statistic: `median of ${pairs} runs`, spread: a, ratio: { ...ratio, against: 'the same in C', pairs, otherMedian: b.median },
  }];
}

export const poolBenchmark: Benchmark = {
  name: 'pool', about: 'a record of the engine’s pool allocated and freed, beside C', byDefault: true, run,
};
