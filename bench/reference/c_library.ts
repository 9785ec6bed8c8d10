// C functions of this process: a source of this folder, built as a library when it has changed.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import koffi from 'koffi';
import { BENCH_FOLDER } from '../harness/results.ts';
import { compilerVersion } from './c_book.ts';

/** No contraction: a fused multiply-add rounds once where JavaScript rounds twice. */
const FLAGS = ['-O3', '-march=native', '-ffp-contract=off', '-std=gnu11', '-Wall', '-Wextra', '-shared', '-fPIC'];

/** The library of `<name>.c`, linked with others of the system; null where no compiler is. */
export function loadCLibrary(name: string, libraries: readonly string[] = []): ReturnType<typeof koffi.load> | null {
  const version = compilerVersion();
  if (version === null) return null;
  const source = fileURLToPath(new URL(`${name}.c`, import.meta.url));
  const hash = createHash('sha256').update(version).update(FLAGS.join(' ')).update(readFileSync(source));
  mkdirSync(BENCH_FOLDER, { recursive: true });
  const library = join(BENCH_FOLDER, `${name}-${hash.digest('hex').slice(0, 16)}.so`);
  if (!existsSync(library)) {
    // Under a name of this process first: two test files may build at once.
    const temporary = `${library}.${process.pid}`;
    const compiler = process.env['CC'] ?? 'gcc';
    const result = spawnSync(compiler, [...FLAGS, '-o', temporary, source, ...libraries.map((other) => `-l${other}`)], { encoding: 'utf8' });
    if (result.status !== 0) throw new Error(`${name}.c did not compile:\n${result.stderr}`);
    renameSync(temporary, library);
  }
  return koffi.load(library);
}
