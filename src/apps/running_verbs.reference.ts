// Verbs of `outcry` as processes of their own, for tests: each in a runtime folder of the test's, ended with it.
import assert from 'node:assert/strict';
import { type ChildProcessWithoutNullStreams, execFile, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';

const OUTCRY = fileURLToPath(new URL('./outcry.ts', import.meta.url));
const FLAGS = ['--disable-warning=ExperimentalWarning', OUTCRY];
const WAIT_MS = 60_000;

export interface Said {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** A verb that runs. */
export class RunningVerb {
  readonly child: ChildProcessWithoutNullStreams;
  stdout = '';
  stderr = '';
  exitCode: number | null = null;
  readonly ended: Promise<void>;

  constructor(child: ChildProcessWithoutNullStreams) {
    this.child = child;
    child.stdout.setEncoding('utf8').on('data', (text: string) => (this.stdout += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (this.stderr += text));
    this.ended = new Promise((resolve) => {
      child.once('close', (code) => {
        this.exitCode = code ?? -1;
        resolve();
      });
    });
  }

  /** The first group of `pattern` in what it says on stdout or stderr. */
  async says(pattern: RegExp): Promise<string> {
    let found: RegExpExecArray | null = null;
    await waitFor(() => {
      found = pattern.exec(this.stdout) ?? pattern.exec(this.stderr);
      assert.ok(found !== null || this.exitCode === null, `ended: ${this.stdout}${this.stderr}`);
      return found !== null;
    }, `${String(pattern)} from it`);
    return (found as RegExpExecArray | null)?.[1] ?? '';
  }
}

/** The runtime folder of one test, and the verbs in it. */
export class VerbRig {
  readonly environment: NodeJS.ProcessEnv;
  readonly #test: TestContext;

  constructor(t: TestContext) {
    const folder = mkdtempSync(join(tmpdir(), 'outcry-verbs-'));
    t.after(() => rmSync(folder, { recursive: true, force: true }));
    this.environment = { ...process.env, NO_COLOR: '1', XDG_RUNTIME_DIR: folder };
    this.#test = t;
  }

  start(...args: string[]): RunningVerb {
    const verb = new RunningVerb(spawn(process.execPath, [...FLAGS, ...args], { env: this.environment }));
    this.#test.after(async () => {
      verb.child.kill('SIGKILL');
      await verb.ended;
    });
    return verb;
  }

  /** Runs one to its end. */
  run(...args: string[]): Promise<Said> {
    return new Promise((resolve) => {
      execFile(process.execPath, [...FLAGS, ...args], { env: this.environment, timeout: WAIT_MS }, (error, stdout, stderr) => {
        resolve({ code: typeof error?.code === 'number' ? error.code : error === null ? 0 : -1, stdout, stderr });
      });
    });
  }
}

/** Waits, looking now and then; fails after a minute. */
export async function waitFor(holds: () => boolean | Promise<boolean>, what: string): Promise<void> {
  const endMs = performance.now() + WAIT_MS;
  while (!(await holds())) {
    if (performance.now() > endMs) throw new Error(`expected within ${WAIT_MS / 1_000} s: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
