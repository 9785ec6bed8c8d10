// Compiles the core (AssemblyScript in `core/`) to WebAssembly; run by whatever needs it.
//
// Two modules come out, each named by the hash of everything it was made from, so a build that is
// up to date costs one hash of the sources and no compiler:
//   build/core.wasm          the product
//   build/core.checked.wasm  the same with costly assertions on, for tests and simulation
import { createHash } from 'node:crypto';
import { spawnSync } from 'node:child_process';
import { existsSync, globSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const buildFolder = join(root, 'build');

export type CoreVariant = 'core' | 'core.checked';

function sourceHash(): string {
  const hash = createHash('sha256');
  const files = globSync('core/**/*.ts', { cwd: root }).toSorted();
  for (const file of [...files, 'asconfig.json', 'package-lock.json']) {
    hash.update(file).update('\0').update(readFileSync(join(root, file))).update('\0');
  }
  return hash.digest('hex');
}

function compile(variant: CoreVariant, stamp: string): void {
  const require = createRequire(import.meta.url);
  const asc = join(dirname(require.resolve('assemblyscript/package.json')), 'bin/asc.js');
  const output = join(buildFolder, `${variant}.wasm`);
  // Written under a name of this process, then renamed: two test files may build at once.
  const temporary = `${output}.${process.pid}`;
  const args = [asc, '--config', 'asconfig.json', '--target', variant, '--outFile', temporary];
  const result = spawnSync(process.execPath, args, { cwd: root, encoding: 'utf8' });
  if (result.status !== 0) {
    throw new Error(`the core did not compile:\n${result.stdout}${result.stderr}`);
  }
  renameSync(temporary, output);
  writeFileSync(`${output}.${process.pid}.stamp`, stamp);
  renameSync(`${output}.${process.pid}.stamp`, `${output}.stamp`);
}

/** Path of an up-to-date module, compiled first when the sources have changed since. */
export function buildCore(variant: CoreVariant = 'core'): string {
  mkdirSync(buildFolder, { recursive: true });
  const output = join(buildFolder, `${variant}.wasm`);
  const stampFile = `${output}.stamp`;
  const stamp = sourceHash();
  if (existsSync(output) && existsSync(stampFile) && readFileSync(stampFile, 'utf8') === stamp) {
    return output;
  }
  compile(variant, stamp);
  return output;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  for (const variant of ['core', 'core.checked'] as const) console.log(buildCore(variant));
}
