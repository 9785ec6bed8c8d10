// Results are kept under build/bench/, one file a run, so that runs can be compared later.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Machine } from './machine.ts';
import { judge, type Row } from './row.ts';

/** Everything that benchmarks write goes here: results, command files, the C program. */
export const BENCH_FOLDER = fileURLToPath(new URL('../../build/bench/', import.meta.url));

export interface Results {
  machine: Machine;
  rows: (Row & { verdict: string })[];
}

export function resultsOf(machine: Machine, rows: readonly Row[]): Results {
  return { machine, rows: rows.map((row) => ({ ...row, verdict: judge(row) })) };
}

/** Writes the results and returns the path. */
export function saveResults(results: Results, folder: string = BENCH_FOLDER): string {
  mkdirSync(folder, { recursive: true });
  const stamp = results.machine.date.replaceAll(/[:.]/g, '-');
  const file = join(folder, `results-${stamp}-${process.pid}.json`);
  writeFileSync(file, `${JSON.stringify(results, null, 2)}\n`);
  return file;
}
