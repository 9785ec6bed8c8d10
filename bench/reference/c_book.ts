// The C program of this folder as an object: built when its sources changed, started on a flow, asked for one
// repetition at a time.
import { spawn, spawnSync, type ChildProcessByStdio } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, globSync, mkdirSync, readFileSync, renameSync, unlinkSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { BENCH_FOLDER } from '../harness/results.ts';
import { BATCH_SLOTS, EVENT_SLOTS, writeFlow, type BookFlow } from '../flows.ts';

const FOLDER = fileURLToPath(new URL('.', import.meta.url));
const FLAGS = ['-O3', '-march=native', '-std=gnu11', '-Wall', '-Wextra'];

/** First line of the compiler's version, or null where there is none. CC names another one. */
export function compilerVersion(): string | null {
  const result = spawnSync(compiler(), ['--version'], { encoding: 'utf8' });
  return result.status === 0 ? result.stdout.split('\n', 1)[0] : null;
}

function compiler(): string {
  return process.env['CC'] ?? 'gcc';
}

/** Path of the up-to-date program, or null where no compiler is. */
export function buildCBook(): string | null {
  const version = compilerVersion();
  if (version === null) return null;
  const hash = createHash('sha256').update(version).update(FLAGS.join(' '));
  for (const file of globSync('*.{c,h}', { cwd: FOLDER }).toSorted()) {
    hash.update(file).update(readFileSync(join(FOLDER, file)));
  }
  mkdirSync(BENCH_FOLDER, { recursive: true });
  const program = join(BENCH_FOLDER, `order_book-${hash.digest('hex').slice(0, 16)}`);
  if (existsSync(program)) return program;
  // Under a name of this process first: two test files may build at once.
  const temporary = `${program}.${process.pid}`;
  const result = spawnSync(compiler(), [...FLAGS, '-o', temporary, join(FOLDER, 'main.c')], { encoding: 'utf8' });
  if (result.status !== 0) throw new Error(`the C program did not compile:\n${result.stderr}`);
  renameSync(temporary, program);
  return program;
}

export interface CRun { ns: number; events: number; hash: string }
export interface CVerification { events: number; checksum: number; types: number[]; hash: string }

/** One C process holding one flow. */
export class CBook {
  readonly #child: ChildProcessByStdio<Writable, Readable, null>;
  readonly #lines: AsyncIterator<string>;
  readonly #file: string;
  readonly #exited: Promise<void>;

  private constructor(child: ChildProcessByStdio<Writable, Readable, null>, file: string) {
    this.#child = child;
    this.#file = file;
    this.#lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    this.#exited = new Promise((resolve) => child.once('exit', () => resolve()));
  }

  /** Starts the program on `flow`; null where no compiler is. With `lookAhead` it prefetches orders that are far away. */
  static start(flow: BookFlow, lookAhead = false): CBook | null {
    const program = buildCBook();
    if (program === null) return null;
    const file = writeFlow(flow);
    const numbers = [
      flow.ordersMax, flow.levelsMax, flow.minPrice, flow.maxPrice, EVENT_SLOTS, BATCH_SLOTS,
      flow.ackReplaceLast ? 1 : 0, flow.fillCommands, lookAhead ? 1 : 0,
    ];
    const child = spawn(program, [file, ...numbers.map(String)], { stdio: ['pipe', 'pipe', 'inherit'] });
    return new CBook(child, file);
  }

  /** The flow, timed as a whole, on an empty book. */
  run(): Promise<CRun> {
    return this.#ask('run');
  }

  /** The flow with every event read and checksummed. */
  verify(): Promise<CVerification> {
    return this.#ask('verify');
  }

  async close(): Promise<void> {
    this.#child.stdin.end();
    await this.#exited;
    unlinkSync(this.#file);
  }

  async #ask<Answer>(request: string): Promise<Answer> {
    this.#child.stdin.write(`${request}\n`);
    const line = await this.#lines.next();
    if (line.done) throw new Error(`the C program ended instead of answering "${request}"`);
    return JSON.parse(line.value) as Answer;
  }
}
