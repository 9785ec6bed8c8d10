// Builds core/bench/loops.ts (the core plus loops over single questions) and runs it over an engine's memory.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, globSync, mkdirSync, readFileSync, renameSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { BENCH_FOLDER } from './harness/results.ts';

const ROOT = fileURLToPath(new URL('..', import.meta.url));

export interface CoreLoops {
  bestLoop(index: number, count: number): number;
  depthLoop(index: number, levels: number, count: number): number;
  poolLoop(rounds: number): number;
}

function buildLoops(): string {
  const hash = createHash('sha256');
  for (const file of [...globSync('core/**/*.ts', { cwd: ROOT }).toSorted(), 'asconfig.json', 'package-lock.json']) {
    hash.update(file).update('\0').update(readFileSync(join(ROOT, file))).update('\0');
  }
  mkdirSync(BENCH_FOLDER, { recursive: true });
  const output = join(BENCH_FOLDER, `loops-${hash.digest('hex').slice(0, 16)}.wasm`);
  if (existsSync(output)) return output;
  const asc = join(dirname(createRequire(import.meta.url).resolve('assemblyscript/package.json')), 'bin/asc.js');
  // Under a name of this process first: two test files may build at once.
  const temporary = `${output}.${process.pid}`;
  const args = [asc, 'core/bench/loops.ts', '--config', 'asconfig.json', '--use', 'CHECKED=0', '--outFile', temporary];
  const result = spawnSync(process.execPath, args, { cwd: ROOT, encoding: 'utf8' });
  if (result.status !== 0) throw new Error(`the core's loops did not compile:\n${result.stdout}${result.stderr}`);
  renameSync(temporary, output);
  return output;
}

function unexpected(): never {
  throw new Error('the loops neither write events nor abort');
}

/**
 * A second instance, with the loops, over the memory of an engine. All state is in the memory, so it
 * sees the books.
 */
export function loopsOver(memory: WebAssembly.Memory): CoreLoops {
  const imports = { env: { memory, makeRoom: unexpected, abort: unexpected } };
  const module = new WebAssembly.Module(readFileSync(buildLoops()));
  return new WebAssembly.Instance(module, imports).exports as unknown as CoreLoops;
}
