// `npm run build:embedded`: the core as a C library, in build/embedded/.
//
//   core/embedded.ts ─ asc ─► core.wasm ─ wasm2c ─► core.c ┐
//                                     embed/outcry.c ──────┴─ cc ─► liboutcry.a · liboutcry.so · outcry.h
//
// Compiled without threads, for wasm2c knows no atomic operations and a C program brings its own. Needs wabt (Debian:
// `apt-get install wabt`) and a C compiler ($CC, else cc). What is up to date is not built again.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { copyFileSync, existsSync, globSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));

export const EMBEDDED_FOLDER = join(root, 'build', 'embedded');
const EMBED = join(root, 'embed');
/** The C compiler: $CC, else cc. */
export const COMPILER = process.env['CC'] ?? 'cc';
/** As the product's core (asconfig.json), but without threads and without SIMD. */
const ASC_FLAGS = [
  '--runtime', 'stub', '-O3', '--noAssert', '--importMemory', '--initialMemory', '16', '--maximumMemory', '65536',
  '--exportStart', '_start',
];
/** The reservation of outcry.c takes the place of checks and of a signal handler. */
const C_FLAGS = ['-O3', '-std=gnu11', '-fPIC', '-DWASM_RT_SKIP_SIGNAL_RECOVERY=1'];
/** For what we wrote; the generated file has unused labels and variables. */
const WARNINGS = ['-Wall', '-Wextra', '-Werror'];

/** A tool that is not there, or that refused. */
export class EmbeddedBuildError extends Error {
  override readonly name = 'EmbeddedBuildError';
}

/** What is missing to build, in words; null: nothing. */
export function missingForEmbedded(): string | null {
  const works = (command: string): boolean => spawnSync(command, ['--version']).status === 0;
  if (!works('wasm2c')) return 'wasm2c is missing; Debian has it in the package wabt';
  if (!works(COMPILER)) return `a C compiler is missing: ${COMPILER} does not run; set CC or install gcc`;
  return null;
}

function run(command: string, args: readonly string[]): void {
  const { status, stdout, stderr, error } = spawnSync(command, args, { cwd: root, encoding: 'utf8' });
  if (status === 0) return;
  throw new EmbeddedBuildError(`${command} ${args.join(' ')} failed: ${error?.message ?? ''}\n${stdout ?? ''}${stderr ?? ''}`);
}

function stampOf(): string {
  const hash = createHash('sha256').update([COMPILER, ...ASC_FLAGS, ...C_FLAGS].join(' '));
  const sources = [...globSync('core/**/*.ts', { cwd: root }), ...globSync('embed/*', { cwd: root })].toSorted();
  for (const file of [...sources, 'package-lock.json']) {
    hash.update(file).update('\0').update(readFileSync(join(root, file))).update('\0');
  }
  return hash.digest('hex');
}

function build(folder: string): void {
  const at = (name: string): string => join(folder, name);
  const asc = join(dirname(createRequire(import.meta.url).resolve('assemblyscript/package.json')), 'bin/asc.js');
  run(process.execPath, [asc, 'core/embedded.ts', '--config', 'none', ...ASC_FLAGS, '--outFile', at('core.wasm')]);
  run('wasm2c', [at('core.wasm'), '--module-name', 'core', '--output', at('core.c')]);
  run(COMPILER, [...C_FLAGS, '-c', at('core.c'), '-o', at('core.o')]);
  run(COMPILER, [...C_FLAGS, ...WARNINGS, `-I${folder}`, '-c', join(EMBED, 'outcry.c'), '-o', at('outcry.o')]);
  run('ar', ['rcs', at('liboutcry.a'), at('core.o'), at('outcry.o')]);
  run(COMPILER, ['-shared', '-o', at('liboutcry.so'), at('core.o'), at('outcry.o'), '-lm']);
  copyFileSync(join(EMBED, 'outcry.h'), at('outcry.h'));
}

/** An up-to-date build/embedded, built first when sources have changed. Throws EmbeddedBuildError with the tool's words. */
export function buildEmbedded(): string {
  const stamp = stampOf();
  const stampFile = join(EMBEDDED_FOLDER, 'stamp');
  if (existsSync(stampFile) && readFileSync(stampFile, 'utf8') === stamp) return EMBEDDED_FOLDER;
  // In a folder of this process first: two test files may build at once.
  const temporary = `${EMBEDDED_FOLDER}.${process.pid}`;
  mkdirSync(temporary, { recursive: true });
  try {
    build(temporary);
    writeFileSync(join(temporary, 'stamp'), stamp);
    rmSync(EMBEDDED_FOLDER, { recursive: true, force: true });
    renameSync(temporary, EMBEDDED_FOLDER);
  } finally {
    rmSync(temporary, { recursive: true, force: true });
  }
  return EMBEDDED_FOLDER;
}

if (import.meta.main) {
  const missing = missingForEmbedded();
  if (missing !== null) {
    process.stderr.write(`error: ${missing}\n`);
    process.exitCode = 1;
  } else {
    const folder = buildEmbedded();
    process.stdout.write(`built ${folder}: liboutcry.a, liboutcry.so, outcry.h\n`);
    process.stdout.write(`  cc program.c -I${folder} ${folder}/liboutcry.a -lm\n`);
  }
}
