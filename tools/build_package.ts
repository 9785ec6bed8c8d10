// `npm run build`: dist/, what the published package runs, for Node strips no types inside
// node_modules.
//
//   **.js, **.d.ts                 from src: the library's front, the command, the processes and
//                                  threads that it starts, and what they import (tsconfig.build.json); no tests
//   web/                           the pages, where src/apps/web_folder.ts looks
//   core.wasm, core.checked.wasm   where src/book/core_module.ts looks when the core's sources are not there
import { spawnSync } from 'node:child_process';
import { copyFileSync, cpSync, mkdirSync, rmSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildCore } from './build_core.ts';
import { buildWeb } from './build_web.ts';

const root = dirname(dirname(fileURLToPath(import.meta.url)));

/** Builds into `folder`, replacing what was there. */
export function buildPackage(folder: string): void {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  compile(folder, []);
  for (const variant of ['core', 'core.checked'] as const)
    copyFileSync(buildCore(variant), join(folder, `${variant}.wasm`));
  // Without the build's own notes, which have no extension.
  cpSync(buildWeb(), join(folder, 'web'), { recursive: true, filter: (path) => statSync(path).isDirectory() || extname(path) !== '' });
}

/** The declarations alone, into an empty `folder`. */
export function compileDeclarations(folder: string): void {
  compile(folder, ['--emitDeclarationOnly']);
}

function compile(folder: string, flags: readonly string[]): void {
  const require = createRequire(import.meta.url);
  const compiler = join(dirname(require.resolve('typescript/package.json')), 'bin/tsc');
  const args = [compiler, '--project', 'tsconfig.build.json', '--outDir', folder, ...flags];
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { cwd: root, encoding: 'utf8' });
  if (status !== 0) throw new Error(`the package did not compile:\n${stdout}${stderr}`);
}

if (import.meta.main) {
  buildPackage(join(root, 'dist'));
  process.stdout.write('built dist/\n');
}
