// The order flows that benchmarks replay: command slots, and what an engine needs to take them.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { assert } from '../src/base/assert.ts';
import { COMMAND } from '../src/book/types.ts';
import { EQUITY_PRICE_MAX, generateEquityFlow, type EquityScenarioName } from '../src/recorded/equity_flow.ts';
import { generateMixedFlow, type MixedDepth } from '../src/recorded/mixed_flow.ts';
import { generateRandomFlow } from '../src/recorded/random_flow.ts';
import { BENCH_FOLDER } from './harness/results.ts';

/** Commands for one instrument (book 0), and the sizes of an engine that they fit in. */
export interface BookFlow {
  name: string;
  /** Command slots of 32 bytes, none extended. */
  slots: Uint8Array;
  commands: number;
  /** The first so many commands only fill the book: they run before the clock starts. */
  fillCommands: number;
  minPrice: number;
  maxPrice: number;
  ordersMax: number;
  levelsMax: number;
  /** Whether a replace is acknowledged after its trades (the equity flow's rule). */
  ackReplaceLast: boolean;
}

/** Slots handed to the engine at a time when nothing else is said: 32 KiB, less than a first-level cache. */
export const BATCH_SLOTS = 1024;
/** The event ring without a second thread: 256 KiB, so that it stays in the second-level cache. */
export const EVENT_SLOTS = 4096;

/** Writes a flow where another process can read it; the path. */
export function writeFlow(flow: BookFlow): string {
  assert(flow.slots.length === flow.commands * COMMAND.size, 'a flow has whole slots');
  mkdirSync(BENCH_FOLDER, { recursive: true });
  const file = join(BENCH_FOLDER, `${flow.name.replaceAll(/[^a-z0-9-]+/g, '-')}-${process.pid}.slots`);
  writeFileSync(file, flow.slots);
  return file;
}

/** The equity flow of a scenario, with its plain limit orders. */
export function equityFlow(scenario: EquityScenarioName, orders: number): BookFlow {
  const flow = generateEquityFlow({ scenario, orders });
  return {
    name: `equity-${scenario}`, slots: flow.slots, commands: flow.messages, fillCommands: 0,
    minPrice: 1, maxPrice: EQUITY_PRICE_MAX,
    // Peaks of the million orders: 41,800 live orders and 1,400 levels; powers of two above.
    ordersMax: 1 << 16, levelsMax: 1 << 12, ackReplaceLast: true,
  };
}

/** Adds, cancels and reduces over a book of some 6,000 (small) or 99,000 (deep) orders. */
export function mixedFlow(depth: MixedDepth, operations: number): BookFlow {
  const flow = generateMixedFlow({ depth, operations });
  return {
    name: `mixed-${depth}`, slots: flow.slots, commands: flow.fillCommands + flow.operations,
    fillCommands: flow.fillCommands,
    minPrice: flow.minPrice, maxPrice: flow.maxPrice, ordersMax: 1 << 17, levelsMax: 1 << 13,
    ackReplaceLast: false,
  };
}

/** Random 64-bit ids, lives that overlap. */
export function randomIdFlow(orders: number): BookFlow {
  const flow = generateRandomFlow({ orders });
  return {
    name: 'random-ids', slots: flow.slots, commands: flow.messages, fillCommands: 0, minPrice: flow.minPrice,
    maxPrice: flow.maxPrice, ordersMax: 1 << 16, levelsMax: 1 << 13, ackReplaceLast: true,
  };
}

/** Operations that the clock covers. */
export function timedCommands(flow: BookFlow): number {
  return flow.commands - flow.fillCommands;
}
