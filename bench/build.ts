// A clean build of everything: the core in both variants, the generated files, the package.
//
// In a copy of the sources without build/ and dist/, by the commands that people use; installing packages is not part of it.
import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { assert } from '../src/base/assert.ts';
import type { BenchContext, Benchmark } from './context.ts';
import { runAlone } from './harness/paired.ts';
import type { Row } from './harness/row.ts';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const PARTS = ['src', 'core', 'examples', 'bench', 'test', 'tools', 'bin', 'docs', 'package.json', 'package-lock.json', 'tsconfig.json', 'tsconfig.build.json', 'asconfig.json'];
const MADE = ['build/core.wasm', 'build/core.checked.wasm', 'dist/index.js', 'dist/index.d.ts', 'dist/core.wasm', 'dist/apps/outcry.js'];
/** Of what is generated: the rest is imported by the generator itself. */
const GENERATED = ['core/wire/generated.ts', 'docs/PROTOCOL.md'];
const REPETITIONS_MAX = 3;

function buildIn(folder: string, tools: readonly string[]): number {
  for (const part of ['build', 'dist', ...GENERATED]) rmSync(join(folder, part), { recursive: true, force: true });
  const start = process.hrtime.bigint();
  for (const tool of tools) execFileSync(process.execPath, [join(folder, 'tools', tool)], { cwd: folder, stdio: ['ignore', 'ignore', 'inherit'] });
  return Number(process.hrtime.bigint() - start) / 1e9;
}

async function run(context: BenchContext): Promise<Row[]> {
  context.progress('build: everything, from nothing');
  // Small: the generated files alone, for a test on a busy machine.
  const tools = context.small ? ['generate.ts'] : ['build_core.ts', 'generate.ts', 'build_package.ts'];
  const folder = mkdtempSync(join(tmpdir(), 'outcry-build-'));
  try {
    for (const part of PARTS) cpSync(join(ROOT, part), join(folder, part), { recursive: true });
    symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
    const spread = await runAlone(() => buildIn(folder, tools), { repetitions: context.small ? 1 : Math.min(context.pairs, REPETITIONS_MAX), warmups: 0 });
    const made = context.small ? GENERATED : [...GENERATED, ...MADE];
    for (const file of made) assert(existsSync(join(folder, file)), 'the build made its files');
    return [{
      name: 'clean build of everything', figure: spread.median, unit: 's', statistic: `median of ${spread.samples} builds`, boundary: 'process', threads: 'as the tools take',
      durability: 'none', spread, quoted: '15 – 180 s', goal: { relation: 'at most', value: 15 }, ...(context.small ? { small: true } : {}),
      tried: 'the core compiled once per variant, types checked once', checks: [`made from nothing: ${made.join(', ')}`],
    }];
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

export const buildBenchmark: Benchmark = { name: 'build', about: 'a clean build of everything', byDefault: false, run };
