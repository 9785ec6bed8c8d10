// `npm run build:web`: the pages of web/ as files that a browser takes, in build/web (Vite, web/vite.config.ts). Run by
// whatever needs them; what is up to date is not built again.
//
// Up to date: `stamp` in that folder is the hash of everything in web/, of the files of src and build that went in the last
// time (Vite names them in `sources`), and of the lock file.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, globSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildCore } from './build_core.ts';

const root = dirname(dirname(fileURLToPath(import.meta.url)));

/** Has index.html, time_travel/index.html and assets/. */
export const WEB_FOLDER = join(root, 'build', 'web');

function stampOf(folder: string): string {
  const pages = globSync('web/**/*.*', { cwd: root }).map((path) => path.replaceAll('\\', '/'));
  const beside = readFileSync(join(folder, 'sources'), 'utf8').split('\n').filter((path) => path !== '');
  const hash = createHash('sha256');
  for (const file of [...pages.toSorted(), ...beside, 'package-lock.json']) {
    hash.update(file).update('\0');
    // One that was removed since: another hash.
    if (existsSync(join(root, file))) hash.update(readFileSync(join(root, file)));
    hash.update('\0');
  }
  return hash.digest('hex');
}

function upToDate(): boolean {
  const stampFile = join(WEB_FOLDER, 'stamp');
  return existsSync(stampFile) && readFileSync(stampFile, 'utf8') === stampOf(WEB_FOLDER);
}

function build(folder: string): void {
  const vite = join(dirname(createRequire(import.meta.url).resolve('vite/package.json')), 'bin/vite.js');
  const args = [vite, 'build', '--config', 'web/vite.config.ts', '--outDir', folder, '--logLevel', 'warn'];
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { cwd: root, encoding: 'utf8' });
  if (status !== 0) throw new Error(`the pages were not built:\n${stdout}${stderr}`);
}

/** Path of up-to-date pages, built first when something has changed since. */
export function buildWeb(): string {
  buildCore(); // goes into the page of time travel
  if (upToDate()) return WEB_FOLDER;
  // In a folder of this process first: two may build at once.
  const temporary = `${WEB_FOLDER}.${process.pid}`;
  mkdirSync(temporary, { recursive: true });
  try {
    build(temporary);
    writeFileSync(join(temporary, 'stamp'), stampOf(temporary));
    rmSync(WEB_FOLDER, { recursive: true, force: true });
    renameSync(temporary, WEB_FOLDER);
  } catch (error) {
    // The other one was a moment quicker with the same pages.
    if (!upToDate()) throw error;
  } finally {
    rmSync(temporary, { recursive: true, force: true });
  }
  return WEB_FOLDER;
}

if (import.meta.main) process.stdout.write(`built ${buildWeb()}\n`);
