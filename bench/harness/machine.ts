// What a figure was measured on: it means nothing without.
import { execFileSync } from 'node:child_process';
import { availableParallelism, cpus, loadavg, release, totalmem } from 'node:os';
import { fileURLToPath } from 'node:url';

export interface Machine {
  cpu: string;
  /** Cores this process may use. */
  cores: number;
  memoryMiB: number;
  system: string;
  node: string;
  v8: string;
  /** Commit of the sources; "+" behind it when the working tree differs, "unknown" outside of a clone. */
  commit: string;
  /**
   * Processes that wanted to run in the last minute: above ~1 before the start, the figures are
   * disturbed.
   */
  loadBefore: number;
  date: string;
}

function git(...args: string[]): string {
  const root = fileURLToPath(new URL('../..', import.meta.url));
  return execFileSync('git', args, { cwd: root, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
}

function commitOf(): string {
  try {
    const dirty = git('status', '--porcelain', '--untracked-files=no') !== '';
    return git('rev-parse', '--short=10', 'HEAD') + (dirty ? '+' : '');
  } catch {
    return 'unknown';
  }
}

export function describeMachine(): Machine {
  return {
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    cores: availableParallelism(),
    memoryMiB: Math.round(totalmem() / 2 ** 20),
    system: `${process.platform} ${release()} ${process.arch}`,
    node: process.version,
    v8: process.versions.v8,
    commit: commitOf(),
    loadBefore: loadavg()[0],
    date: new Date().toISOString(),
  };
}
