// All benchmarks, and running a choice of them.
import { readFileSync } from 'node:fs';
import { assert } from '../src/base/assert.ts';
import { allocation } from './allocation.ts';
import type { BenchContext, Benchmark } from './context.ts';
import { buildBenchmark } from './build.ts';
import { dashboardsBenchmark } from './dashboards.ts';
import { engineApi } from './engine_api.ts';
import { equityFlowBenchmark, equityFlowBesideC } from './equity_flow.ts';
import { exchangeLimits } from './exchange_limits.ts';
import { exchangeTcp } from './exchange_tcp.ts';
import { featuresBenchmark } from './features.ts';
import { formatGoals, newestRows } from './goals.ts';
import { compareResults, formatComparison } from './harness/compare.ts';
import { describeMachine, type Machine } from './harness/machine.ts';
import { resultsOf, saveResults, type Results } from './harness/results.ts';
import { judge, type Row } from './harness/row.ts';
import { formatTable } from './harness/table.ts';
import { jsonBenchmark } from './json.ts';
import { kernelBypass } from './kernel_bypass.ts';
import { ledgerBenchmark } from './ledger.ts';
import { idleBenchmark } from './idle.ts';
import { journalBenchmark } from './journal.ts';
import { journalExchange } from './journal_exchange.ts';
import { marketDataBenchmark } from './market_data.ts';
import { loggerBenchmark } from './logger.ts';
import { memory } from './memory.ts';
import { mixedFlowBenchmark, randomIds } from './mixed_flow.ts';
import { npmPeer } from './npm_peer.ts';
import { orderAck } from './order_ack.ts';
import { orderBook } from './order_book.ts';
import { profilerBenchmark } from './profiler.ts';
import { protection } from './protection.ts';
import { queueBenchmark } from './queue.ts';
import { poolBenchmark } from './pool.ts';
import { readersBenchmark } from './readers.ts';
import { requestResponse } from './request_response.ts';
import { riskCheck } from './risk_check.ts';
import { selfCheck } from './self_check.ts';
import { sharedBook } from './shared_book.ts';
import { symbolsBenchmark } from './symbols.ts';
import { sockets } from './sockets.ts';
import { tickToTrade } from './tick_to_trade.ts';

export const BENCHMARKS: readonly Benchmark[] = [
  orderBook, mixedFlowBenchmark, npmPeer, randomIds, equityFlowBenchmark, equityFlowBesideC, allocation,
  memory, exchangeTcp, sockets, jsonBenchmark, kernelBypass, orderAck, idleBenchmark, protection, dashboardsBenchmark, exchangeLimits, featuresBenchmark, riskCheck, queueBenchmark, ledgerBenchmark, marketDataBenchmark, requestResponse, symbolsBenchmark, readersBenchmark, sharedBook, poolBenchmark, buildBenchmark,
  journalBenchmark, journalExchange, tickToTrade, engineApi,
  loggerBenchmark, profilerBenchmark, selfCheck,
];

export interface SuiteOptions extends BenchContext {
  /** Names of benchmarks; none = the default set. */
  names: readonly string[];
  /** Everything. */
  comprehensive: boolean;
}

export interface SuiteResult {
  machine: Machine;
  rows: Row[];
  notReached: number;
  /** The table for people. */
  text: string;
  /** Where the results are kept. */
  file: string;
}

function namesOf({ name, alias }: Benchmark): string[] {
  return alias === undefined ? [name] : [name, alias];
}

/** Of the first name that there is not; '': there are all. */
export function nameFault(names: readonly string[]): string {
  const known = BENCHMARKS.flatMap(namesOf);
  const unknown = names.find((name) => !known.includes(name));
  return unknown === undefined ? '' : `benchmark: expected one of ${known.join(', ')}, was "${unknown}"`;
}

function chosen(options: SuiteOptions): readonly Benchmark[] {
  const fault = nameFault(options.names);
  if (fault !== '') throw new RangeError(fault);
  if (options.names.length > 0) return BENCHMARKS.filter((one) => namesOf(one).some((name) => options.names.includes(name)));
  return BENCHMARKS.filter((benchmark) => options.comprehensive || benchmark.byDefault);
}

export async function runSuite(options: SuiteOptions): Promise<SuiteResult> {
  assert(options.pairs >= 1, 'at least one pair');
  const benchmarks = chosen(options);
  const machine = describeMachine();
  const rows: Row[] = [];
  for (const benchmark of benchmarks) rows.push(...(await benchmark.run(options)));
  return {
    machine, rows, notReached: rows.filter((row) => judge(row) === 'not reached').length,
    text: formatTable(machine, rows), file: saveResults(resultsOf(machine, rows)),
  };
}

/** Every goal with what was measured last. */
export function goalsText(): string {
  return formatGoals(newestRows());
}

/** How the results of `file` compare with the earlier ones of `before`. */
export function comparison(before: string, file: string): { text: string; slower: number } {
  const [old, now] = [before, file].map((path) => JSON.parse(readFileSync(path, 'utf8')) as Results);
  const changes = compareResults(old, now);
  return { text: formatComparison(old, changes), slower: changes.filter(({ change }) => change === 'slower').length };
}
