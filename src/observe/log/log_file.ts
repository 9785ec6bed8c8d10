// Where the lines of a log go: a file that is turned over when it has grown, or a descriptor such as stderr.
//
//   exchange.log ─► exchange.log.1 ─► exchange.log.2 … ─► exchange.log.<kept>, whose lines go
//
// A line is never cut between two files. Writing is synchronous, on the thread of the log. A disk that is full or gone loses lines and
// says so, once, on stderr: a log must not end what it is about.
import { closeSync, existsSync, fstatSync, openSync, renameSync, writeSync } from 'node:fs';
import type { LogSink } from './log_drain.ts';

const STDERR = 2;
/** How often a descriptor that takes nothing now is asked again. */
const RETRIES = 1_000;

export interface LogFileOptions {
  /** Bytes at which the file is turned over. */
  readonly bytesMax: number;
  /** Older files that stay. */
  readonly kept: number;
}

export class LogFile implements LogSink {
  readonly path: string;
  readonly #options: LogFileOptions;
  #fd: number;
  #bytes: number;
  #failed = false;

  /** Goes on with a file that is there. */
  constructor(path: string, options: LogFileOptions) {
    this.path = path;
    this.#options = options;
    this.#fd = openSync(path, 'a', 0o640);
    this.#bytes = fstatSync(this.#fd).size;
  }

  write(lines: string): void {
    const bytes = Buffer.from(lines);
    try {
      if (this.#bytes > 0 && this.#bytes + bytes.length > this.#options.bytesMax) this.#turnOver();
      writeWhole(this.#fd, bytes);
      this.#bytes += bytes.length;
    } catch (error) {
      this.#fail(error);
    }
  }

  close(): void {
    closeSync(this.#fd);
  }

  #turnOver(): void {
    const { kept } = this.#options;
    for (let i = kept; i >= 1; i -= 1) {
      const from = i === 1 ? this.path : `${this.path}.${i - 1}`;
      if (existsSync(from)) renameSync(from, `${this.path}.${i}`);
    }
    closeSync(this.#fd);
    this.#fd = openSync(this.path, kept === 0 ? 'w' : 'a', 0o640);
    this.#bytes = 0;
  }

  #fail(error: unknown): void {
    if (this.#failed) return;
    this.#failed = true;
    new LogDescriptor(STDERR).write(`log: cannot write ${this.path}: ${error instanceof Error ? error.message : String(error)}\n`);
  }
}

/** An open descriptor that stays open. Whoever read it and has gone loses lines, nothing else. */
export class LogDescriptor implements LogSink {
  readonly #fd: number;
  readonly #before: string;

  /** `before`: what clears a terminal's line in which something else is shown. */
  constructor(fd: number, before = '') {
    this.#fd = fd;
    this.#before = before;
  }

  write(lines: string): void {
    try {
      writeWhole(this.#fd, Buffer.from(this.#before + lines));
    } catch {
      // A pipe without a reader: there is nobody to tell.
    }
  }

  close(): void {}
}

function writeWhole(fd: number, bytes: Uint8Array): void {
  let from = 0;
  for (let tries = 0; from < bytes.length; tries += 1) {
    try {
      from += writeSync(fd, bytes, from);
    } catch (error) {
      // A pipe that Node has made non-blocking, and that is full.
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN' || tries === RETRIES) throw error;
      Atomics.wait(WAIT, 0, 0, 1);
    }
  }
}

const WAIT = new Int32Array(new SharedArrayBuffer(4));
