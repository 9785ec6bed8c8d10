// Real processes of the `outcry` command for tests, and an exchange among them.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { freePorts } from '../../src/apps/free_ports.ts';
import type { ChildProcess } from 'node:child_process';

const ENTRY = fileURLToPath(new URL('../../src/apps/outcry.ts', import.meta.url));

export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Running {
  readonly child: ChildProcess;
  readonly ended: Promise<Ended>;
  /** Resolves when stdout or stderr have had this; rejects when the process ends before. */
  said(pattern: RegExp): Promise<RegExpExecArray>;
}

/** The program itself, without its launcher: a signal meets the process that trades. */
export function outcry(...args: string[]): Running {
  const child = spawn(
    process.execPath, ['--disable-warning=ExperimentalWarning', ENTRY, ...args],
    { stdio: ['ignore', 'pipe', 'pipe'] },
  );
  let stdout = '';
  let stderr = '';
  const looks = new Set<() => void>();
  const heard = (): void => {
    for (const look of looks) look();
  };
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
    heard();
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
    heard();
  });
  const ended = new Promise<Ended>((resolve) => {
    child.on('close', (code, signal) => resolve({ code, signal, stdout, stderr }));
  });
  const said = (pattern: RegExp): Promise<RegExpExecArray> =>
    new Promise((resolve, reject) => {
      const look = (): void => {
        const found = pattern.exec(stdout + stderr);
        if (found === null) return;
        looks.delete(look);
        resolve(found);
      };
      looks.add(look);
      void ended.then(() => reject(new Error(`it ended before ${pattern}: ${stdout}${stderr}`)));
      look();
    });
  return { child, ended, said };
}

export interface RunningExchange extends Running {
  readonly port: number;
  readonly multicastPort: number;
  /** Flags with which a trader finds it. */
  readonly flags: readonly string[];
}

export async function startExchange(...flags: string[]): Promise<RunningExchange> {
  const multicastPort = await freePorts();
  const running = outcry(
    'exchange', '--json', '--port', '0', '--multicast-port', String(multicastPort),
    '--snapshot-interval', '200ms', ...flags,
  );
  const [, port] = await running.said(/tcp 127\.0\.0\.1:(\d+)[\s\S]*transport .*\n/);
  return {
    ...running, port: Number(port), multicastPort,
    flags: ['--port', port, '--multicast-port', String(multicastPort)],
  };
}

/** The last line of stdout of a process that was told --json. */
export function resultOf(ended: Ended, expectedCode = 0): unknown {
  const { code, stdout, stderr } = ended;
  assert.equal(code, expectedCode, stderr + stdout);
  return JSON.parse(stdout.trimEnd().split('\n').at(-1) ?? '');
}

/** Ends it as Ctrl-C does and gives its result. */
export async function interrupted(running: Running): Promise<unknown> {
  running.child.kill('SIGINT');
  return resultOf(await running.ended);
}
