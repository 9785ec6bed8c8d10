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

/**
 * Writes the results and returns the path; those of a small run, which count for nothing, replace the
 * last such.
 */
export function saveResults(results: Results, folder: string = BENCH_FOLDER): string {
  mkdirSync(folder, { recursive: true });
  const stamp = results.machine.date.replaceAll(/[:.]/g, '-');
  const small = results.rows.some((row) => row.small);
  const file = join(folder, small ? 'results-small.json' : `results-${stamp}-${process.pid}.json`);
  writeFileSync(file, `${JSON.stringify(results, null, 2)}\n`);
  return file;
}
