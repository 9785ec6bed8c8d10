// Tools that some tests need beside Node: a C compiler, tshark. Without one a test skips and says
// so; in continuous integration (CI=true), where .ci/run has installed them all, it fails instead,
// so that nothing is left out there without anyone noticing.
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import type { TestContext } from 'node:test';

/** Path of an executable in PATH, or null. */
export function findTool(tool: string): string | null {
  const suffix = process.platform === 'win32' ? '.exe' : '';
  for (const folder of (process.env['PATH'] ?? '').split(delimiter)) {
    const path = join(folder, tool + suffix);
    try {
      accessSync(path, constants.X_OK);
      return path;
    } catch {
      // Not in this folder.
    }
  }
  return null;
}

export function inCi(environment: NodeJS.ProcessEnv = process.env): boolean {
  return environment['CI'] === 'true' || environment['CI'] === '1';
}

/** The tool's path; null after the test was told to skip, and then it must return. */
export function requireTool(t: TestContext, tool: string): string | null {
  return requireThat(t, findTool(tool), `${tool} is not installed`);
}

/**
 * `value` unless it is null: then the test skips with the reason, or fails in continuous
 * integration.
 */
export function requireThat<T>(t: TestContext, value: T | null, reason: string): T | null {
  if (value !== null) return value;
  if (inCi()) throw new Error(`${reason}; in continuous integration nothing may be missing`);
  t.skip(reason);
  return null;
}
