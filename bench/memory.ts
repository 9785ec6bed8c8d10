// Memory of a million resting orders: the core's own, and what the whole process occupies, running the
// JavaScript of an installed package.
import { execFileSync } from 'node:child_process';
import type { BenchContext, Benchmark } from './context.ts';
import type { Row } from './harness/row.ts';
import { installed, removeInstalled } from './installed.ts';
import type { MemoryAnswer } from './memory_probe.ts';
import { formatCount } from './harness/table.ts';

const ORDERS = 1_000_000;
const FLOW_OPERATIONS = 10_000_000;
const MIB = 2 ** 20;
const TRIED =
  'stripped JavaScript instead of TypeScript (- 25 MB), start-up pages of the program given back (- 17 MB); smaller young generation, ' +
  'no optimising compilers, one thread (- 4 MB at most)';

function run(context: BenchContext): Promise<Row[]> {
  const orders = context.small ? 10_000 : ORDERS;
  const flow = context.small ? 10_000 : (context.orders ?? FLOW_OPERATIONS);
  context.progress(`memory: ${orders} resting orders in a process of their own`);
  const probe = installed('memory_probe.ts');
  const output = execFileSync(process.execPath, [probe, String(orders), String(flow)], { encoding: 'utf8' });
  removeInstalled();

  const answer = JSON.parse(output.trim().split('\n').at(-1)!) as MemoryAnswer;
  const count = formatCount(orders);
  const common = { threads: '1', durability: 'none', small: context.small } as const;
  return Promise.resolve([
    {
      ...common, name: `core memory, ${count} resting orders`, figure: answer.coreBytes / MIB, unit: 'MiB',
      statistic: 'reserved by the engine', boundary: 'core, batches',
      goal: { relation: 'at most', value: 64 },
      checks: [`${count} orders rest, each 64 bytes; the whole reserve counts, rings and tables with it`],
    },
    {
      ...common, name: `process, ${count} resting orders`, figure: answer.restingMB, unit: 'MB',
      statistic: 'VmRSS',
      boundary: 'process', goal: { relation: 'below', value: 120 },
      quoted: 'peers 100 MB for the orders, 42 MB base',
      checks: [
        `${answer.idleMB.toFixed(0)} MB before the engine was made; ${answer.startedMB.toFixed(0)} MB with the orders, before start-up pages were given back`,
        `${answer.fileMB.toFixed(0)} MB of the total are pages of Node's own program file`,
      ], tried: TRIED,
    },
    {
      ...common, name: 'process, the same after flow', figure: answer.afterFlowMB, unit: 'MB',
      statistic: 'VmRSS',
      boundary: 'process', goal: { relation: 'below', value: 120 },
      checks: [
        `${formatCount(flow)} cancels and adds later; as many orders rest; every invariant of the core holds`,
        `peak (VmHWM, checking the invariants included) ${answer.peakMB.toFixed(0)} MB`,
      ], tried: TRIED,
    },
  ]);
}

export const memory: Benchmark = {
  name: 'memory', about: 'a million resting orders: core and process', byDefault: true, run,
};
