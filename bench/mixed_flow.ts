// Mixed flow on one instrument, the operations by which order books are usually compared: 50 % add (some
// cross), 45 % cancel, 5 % reduce, five million of them, over a small and a deep book; core and C in
// turn.
import { MIXED_OPERATIONS, type MixedDepth } from '../src/recorded/mixed_flow.ts';
import { RANDOM_FLOW_ORDERS } from '../src/recorded/random_flow.ts';
import { rowBesideC } from './beside_c.ts';
import { sizeOf, type BenchContext, type Benchmark } from './context.ts';
import { mixedFlow, randomIdFlow } from './flows.ts';
import type { Row } from './harness/row.ts';

/** Median ns per operation, small and deep book, as quoted for this kind of machine. */
const PEERS: readonly (readonly [engine: string, small: string, deep: string])[] = [
  ['llmes (C++)', '11', '14'],
  ['QuantCup winner (C)', '23 – 35', '14'],
  ['geseq array (C++)', '25', '62'],
  ['geseq tree (C++)', '37', '90'],
  ['the C++ book', '38', '165'],
  ['llc-993 (Rust)', '42', '77'],
  ['CppTrader (C++)', '51 – 65', '148'],
  ['exchange-core direct (Java)', '58', '134'],
  ['liquibook (C++)', '328', '12,000'],
  ['nodejs-order-book (npm)', '6,700', '–'],
];

const TRIED =
  'orders that came long ago are asked for six commands ahead by a load (43 → 48 M/s small, 26 → 31 deep), where the first commands of a round name such ' +
  'ones; WebAssembly has no prefetch, and a load holds up what follows when it is late (the row beside C with prefetch says what that is worth)';

function peers(column: 1 | 2): string {
  return PEERS.map((peer) => `${peer[0]} ${peer[column]}`).join(', ') + ' ns';
}

async function run(context: BenchContext): Promise<Row[]> {
  const operations = sizeOf(context, MIXED_OPERATIONS, 5_000);
  const rows: Row[] = [];
  for (const depth of ['small', 'deep'] as MixedDepth[]) {
    context.progress(`mixed flow: ${depth}`);
    rows.push(
      await rowBesideC(context, `mixed flow, ${depth}`, mixedFlow(depth, operations), {
        unit: 'ns/op', goal: { relation: 'at most', value: 1.1, ofRatio: true },
        quoted: peers(depth === 'small' ? 1 : 2), tried: TRIED,
      }),
      // The core asks for far orders ahead by loading them, for WebAssembly has no prefetch instruction; C has one. No
      // goal: the structure is the same, the instruction is not.
      await rowBesideC(context, `mixed flow, ${depth}, C with prefetch`, mixedFlow(depth, operations), { unit: 'ns/op' }, true),
    );
  }
  return rows;
}

async function runRandomIds(context: BenchContext): Promise<Row[]> {
  context.progress('random ids');
  const flow = randomIdFlow(sizeOf(context, RANDOM_FLOW_ORDERS, 3_000));
  return [await rowBesideC(context, 'random 64-bit ids, overlapping lives', flow)];
}

export const mixedFlowBenchmark: Benchmark = {
  name: 'mixed-flow', about: 'adds, cancels, reduces on a small and a deep book, beside C',
  byDefault: true, run,
};

export const randomIds: Benchmark = {
  name: 'random-ids', about: 'our own second flow: random 64-bit ids, overlapping lives, beside C',
  byDefault: true, run: runRandomIds,
};
