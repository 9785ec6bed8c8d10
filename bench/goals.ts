// The goals as one table: what must be reached, what was measured last, and whether that reaches it.
//
// Each goal names the rows that show it. Figures come from the saved results (build/bench/), the newest whole run of each row; a goal
// without any is printed as not measured. A goal that several rows show is reached when all of them are.
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { BENCH_FOLDER, type Results } from './harness/results.ts';
import type { Row } from './harness/row.ts';
import { formatFigure, formatGoal } from './harness/table.ts';

export interface GoalLine {
  readonly work: string;
  readonly boundary: string;
  /** What others published. */
  readonly quoted: string;
  readonly target: string;
  /** Names of the rows that show it. */
  readonly rows: RegExp;
  /** The benchmark that has them. */
  readonly benchmark: string;
}

export const GOALS: readonly GoalLine[] = [
  { work: 'book add / cancel / best / top 10', boundary: 'core, batches', quoted: 'Rust 65 / 58 / 12 / 85 ns; C++ 62 / 55 / 11 / 80', target: '20 / 20 / 3 / 30 ns', rows: /^book (add|cancel|best|top 10)/, benchmark: 'order-book' },
  { work: 'mixed flow, small and deep', boundary: 'core, batches', quoted: 'llmes (C++) 11, 14', target: '≤ 1.1 × the same structure in C', rows: /^mixed flow, (small|deep)$/, benchmark: 'mixed-flow' },
  { work: 'equity flow, worst of five', boundary: 'core → thread', quoted: 'best open 8.19 M/s (C), best TypeScript 0.33', target: '> 50 M messages/s', rows: /^EQUITY FLOW, lowest of 5, batches/, benchmark: 'equity-flow' },
  { work: 'request → response', boundary: 'thread → matching thread → thread', quoted: '450 ns mean, 1.8 µs p99 (Rust)', target: 'p50 < 250 ns, p99 < 1 µs', rows: /^request → response, .*: p(50|99)$/, benchmark: 'request-response' },
  { work: 'jitter of the same', boundary: 'the same', quoted: '100 ns target', target: '< 100 ns', rows: /^request → response, .*: jitter/, benchmark: 'request-response' },
  { work: 'exchange end to end', boundary: 'process → process, TCP', quoted: '1 – 1.2 M orders/s', target: '> 1 M orders/s', rows: /^exchange over TCP: new orders/, benchmark: 'exchange-tcp' },
  { work: 'TCP round trip', boundary: 'two processes, loopback', quoted: '–', target: '≤ 1.1 × C', rows: /^TCP round trip/, benchmark: 'sockets' },
  { work: 'order → acknowledgement', boundary: 'two processes, shared memory', quoted: '–', target: 'p50 < 1 µs', rows: /^order → acknowledgement, shared memory/, benchmark: 'order-ack' },
  { work: 'market data, 40 bytes, 4,096 books', boundary: 'two threads', quoted: '52 M/s (Rust), 48 (C++), 32 (Java)', target: '> 52 M/s', rows: /^market data, 40 bytes.*two threads/, benchmark: 'market-data' },
  { work: 'SPSC push + pop', boundary: 'one thread', quoted: '100 ns', target: '20 ns', rows: /^SPSC ring: push \+ pop$/, benchmark: 'queue' },
  { work: 'pool allocate + free', boundary: 'core', quoted: '50 ns', target: '5 ns', rows: /^pool: allocate \+ free/, benchmark: 'pool' },
  { work: 'add / cancel through the API', boundary: 'TypeScript API', quoted: '500 / 200 ns', target: '100 / 80 ns', rows: /^API (add|cancel)/, benchmark: 'order-book' },
  { work: 'features / risk check', boundary: 'TypeScript API', quoted: '100 / 100 ns', target: '50 / 30 ns', rows: /^(features: update|risk check$)/, benchmark: 'features, risk-check' },
  { work: '1 M native messages over TCP', boundary: 'two processes', quoted: '2.1 s Rust, 2.0 s C++', target: '0.5 s', rows: /^1 M native messages over TCP/, benchmark: 'sockets' },
  { work: 'parse 1 M JSON messages; over TCP', boundary: 'one thread; two processes', quoted: '1.8 s Rust, 1.7 s C++', target: '0.6 s; 1.0 s', rows: /JSON messages/, benchmark: 'json' },
  { work: '1 M resting orders', boundary: 'core; process', quoted: '100 MB; 42 MB base', target: '64 MiB; 120 MB', rows: /^(core memory|process), .*resting orders/, benchmark: 'memory' },
  { work: 'CPU, idle with back-off', boundary: 'process', quoted: '< 50 %', target: '< 1 %', rows: /^idle exchange, back-off/, benchmark: 'idle' },
  { work: 'log call', boundary: 'TypeScript API', quoted: '–', target: '30 ns', rows: /^log call, three numbers/, benchmark: 'logger' },
  { work: 'clean build of everything', boundary: 'process', quoted: '15 – 180 s', target: '15 s', rows: /^clean build/, benchmark: 'build' },
];

interface Measured {
  row: Row & { verdict: string };
  commit: string;
  date: string;
}

/** The newest whole figure of each row of the saved results. */
export function newestRows(folder: string = BENCH_FOLDER): Map<string, Measured> {
  const newest = new Map<string, Measured>();
  for (const file of globSync('results-*.json', { cwd: folder })) {
    const { machine, rows } = JSON.parse(readFileSync(join(folder, file), 'utf8')) as Results;
    for (const row of rows) {
      const known = newest.get(row.name);
      if (row.small || (known !== undefined && known.date > machine.date)) continue;
      newest.set(row.name, { row, commit: machine.commit, date: machine.date });
    }
  }
  return newest;
}

function verdictOf(measured: readonly Measured[]): string {
  const judged = measured.filter(({ row }) => row.goal !== undefined);
  if (judged.length === 0) return measured.length === 0 ? 'not measured' : 'no goal in these rows';
  return judged.every(({ row }) => row.verdict === 'reached') ? 'reached' : 'not reached';
}

function rowText({ row, commit, date }: Measured): string[] {
  const ratio = row.ratio ? `; ${row.ratio.median.toFixed(2)} × ${row.ratio.against}` : '';
  const goal = row.goal ? `, goal ${formatGoal(row.goal, row.unit)}: ${row.verdict}` : '';
  const lines = [`    ${row.name}: ${formatFigure(row.figure)} ${row.unit}${ratio}${goal} (${commit}, ${date.slice(0, 16)})`];
  if (row.verdict === 'not reached' && row.tried !== undefined) lines.push(`      tried: ${row.tried}`);
  return lines;
}

/** Every goal with what was measured last. */
export function formatGoals(newest: ReadonlyMap<string, Measured>): string {
  const lines = ['Goals, and what was measured last of each:', ''];
  for (const { work, boundary, quoted, target, rows, benchmark } of GOALS) {
    const measured = [...newest.values()].filter(({ row }) => rows.test(row.name));
    const command = `outcry bench ${benchmark.replaceAll(',', '')}`;
    lines.push(`${verdictOf(measured).padEnd(12)}  ${work} (${boundary}): ${target}; quoted: ${quoted}; ${command}`);
    for (const one of measured) lines.push(...rowText(one));
  }
  return lines.join('\n');
}
