// The C feature engine as a function of this process: built as a library when its source has changed.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import koffi from 'koffi';
import { BENCH_FOLDER } from '../harness/results.ts';
import { compilerVersion } from './c_book.ts';

const SOURCE = fileURLToPath(new URL('features.c', import.meta.url));
/** No contraction: a fused multiply-add rounds once where JavaScript rounds twice. */
const FLAGS = ['-O3', '-march=native', '-ffp-contract=off', '-std=gnu11', '-Wall', '-Wextra', '-shared', '-fPIC'];

export const RECORD_FLOATS = 16;

/** Steps through the engine from nothing; the sum of the signals after each step. */
export type CFeatures = (words: Int32Array, steps: number, records: Float64Array, instruments: number) => number;

/** Null where no compiler is. */
export function loadCFeatures(): CFeatures | null {
  const version = compilerVersion();
  if (version === null) return null;
  const hash = createHash('sha256').update(version).update(FLAGS.join(' ')).update(readFileSync(SOURCE));
  mkdirSync(BENCH_FOLDER, { recursive: true });
  const library = join(BENCH_FOLDER, `features-${hash.digest('hex').slice(0, 16)}.so`);
  if (!existsSync(library)) {
    // Under a name of this process first: two test files may build at once.
    const temporary = `${library}.${process.pid}`;
    const compiler = process.env['CC'] ?? 'gcc';
    const result = spawnSync(compiler, [...FLAGS, '-o', temporary, SOURCE], { encoding: 'utf8' });
    if (result.status !== 0) throw new Error(`the C feature engine did not compile:\n${result.stderr}`);
    renameSync(temporary, library);
  }
  return koffi.load(library).func('double features_run(int32_t *words, uint32_t steps, double *records, uint32_t instruments)');
}
