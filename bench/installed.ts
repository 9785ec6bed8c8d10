// Sources as an installed package has them: JavaScript beside a compiled core.
//
// In a clone Node strips the types of every file that it loads, and the stripper stays resident (some
// twenty megabytes). A figure for the memory of a process is one for the package as users run it, so it
// is taken on stripped files.
import { copyFileSync, existsSync, globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { stripTypeScriptTypes } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildCore } from '../tools/build_core.ts';
import { BENCH_FOLDER } from './harness/results.ts';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
/** What a program over the matching engine loads. */
const SOURCES = ['src/base/*.ts', 'src/wire/*.ts', 'src/book/*.ts', 'src/os/*.ts'];

/** Path of `program` (a file of bench/) as JavaScript, with the sources it needs beside it. */
export function installed(program: string): string {
  const folder = join(BENCH_FOLDER, `installed-${process.pid}`);
  if (existsSync(folder)) rmSync(folder, { recursive: true });
  for (const file of [...globSync(SOURCES, { cwd: ROOT }), `bench/${program}`]) {
    if (/\.(test|fuzz|bench|reference)\.ts$/.test(file) || file.endsWith('.d.ts')) continue;
    const text = stripTypeScriptTypes(readFileSync(join(ROOT, file), 'utf8'));
    const output = join(folder, file.replace(/\.ts$/, '.js'));
    mkdirSync(dirname(output), { recursive: true });
    writeFileSync(output, text.replaceAll(/(from '\.[^']*)\.ts'/g, "$1.js'"));
  }
  // Where src/book/core.ts looks when there is no build of the core to run.
  copyFileSync(buildCore('core'), join(folder, 'src/core.wasm'));
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }\n');
  return join(folder, 'bench', program.replace(/\.ts$/, '.js'));
}

export function removeInstalled(): void {
  rmSync(join(BENCH_FOLDER, `installed-${process.pid}`), { recursive: true, force: true });
}
