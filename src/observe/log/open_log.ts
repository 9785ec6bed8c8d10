// A log for a process: the memory, the writing side, and whoever reads it, on a thread of its own or in the same loop.
//
// In a file of shared memory (`ringPath`) the records outlive a process that is killed: `recoverLogs` of the next one writes what
// nobody had. A record may then come twice, for the reader tells in portions how far it is; none is missing.
import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { MappedFile } from '../../os/mapped_file.ts';
import { processExists, runtimeFolder } from '../shared_stats.ts';
import { LogDrain, type LogFormat, type LogSink } from './log_drain.ts';
import { LogDescriptor, LogFile } from './log_file.ts';
import { initializeLog, logBytes, LogControl, type LogLevel, type LogSite, SLOTS_DEFAULT, wakeLogThread } from './log_layout.ts';
import { Logger } from './logger.ts';
import type { LogThreadData } from './log_thread.ts';
import type { Agent } from '../../base/agent.ts';

export interface LogOptions {
  readonly sites: readonly LogSite[];
  readonly level: LogLevel;
  /** Of the loop's clock. */
  readonly nowNs: number;
  /** `dedicated`: a thread formats and writes. `shared`: an agent of the caller's loop does. */
  readonly thread: 'dedicated' | 'shared';
  readonly format?: LogFormat;
  /** Default: stderr. */
  readonly path?: string | null;
  /** On stderr: in front of lines, to clear what a terminal shows there. */
  readonly before?: string;
  /** Default 64 MiB, 5 older files. */
  readonly bytesMax?: number;
  readonly kept?: number;
  readonly slots?: number;
  /** Keeps the memory in this file, where files can be mapped. */
  readonly ringPath?: string | null;
}

const BYTES_MAX = 64 * 2 ** 20;
const KEPT = 5;
const STDERR = 2;
/** It holds a few lines at a time; Node's own defaults would let it grow by tens of megabytes. */
const HEAP = { maxYoungGenerationSizeMb: 2, maxOldGenerationSizeMb: 24 } as const;

export class Log {
  readonly logger: Logger;
  /** First of the loop's agents takes the time over; the last, in `shared` mode, writes. */
  readonly first: Agent;
  readonly last: Agent | null;
  /** The memory, for whoever wants to read along. */
  readonly memory: ArrayBuffer | SharedArrayBuffer;
  readonly #ring: MappedFile | null;
  readonly #drain: LogDrain | null;
  readonly #control = new Int32Array(new SharedArrayBuffer(4 * LogControl.Words));
  readonly #worker: Worker | null;
  readonly #ended: Promise<void>;

  constructor(options: LogOptions) {
    const { sites, level, nowNs, thread, format = 'text', path = null, before = '', bytesMax = BYTES_MAX, kept = KEPT, slots = SLOTS_DEFAULT, ringPath = null } = options;
    const shared = new SharedArrayBuffer(logBytes(slots));
    this.#ring = ringPath === null ? null : mappedRing(ringPath, logBytes(slots));
    this.memory = this.#ring?.buffer ?? shared;
    initializeLog(this.memory, sites, level, nowNs, slots);
    this.logger = new Logger(this.memory, thread === 'dedicated' ? this.#control : null);
    this.first = this.logger;
    if (thread === 'shared') {
      this.#drain = new LogDrain(this.memory, path === null ? new LogDescriptor(STDERR, before) : new LogFile(path, { bytesMax, kept }), format);
      this.last = this.#drain;
      this.#worker = null;
      this.#ended = Promise.resolve();
      return;
    }
    this.#drain = null;
    this.last = null;
    const workerData: LogThreadData = { memory: this.#ring?.path ?? shared, format, path, before, bytesMax, kept, control: this.#control };
    // The thread's file lies beside this one: TypeScript in a clone, JavaScript in a package.
    const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
    this.#worker = new Worker(new URL(`./log_thread.${extension}`, import.meta.url), { workerData, resourceLimits: HEAP });
    this.#worker.unref();
    this.#ended = new Promise((resolve, reject) => {
      this.#worker?.once('exit', () => resolve()).once('error', reject);
    });
    this.#ended.catch(() => {}); // told by `close`
  }

  /** Everything said so far has been written when it resolves; nothing may be said any more. Rejects with what ended the thread. */
  async close(): Promise<void> {
    this.#drain?.close();
    if (this.#worker !== null) {
      this.#worker.ref();
      Atomics.store(this.#control, LogControl.End, 1);
      Atomics.notify(this.#control, LogControl.End);
      wakeLogThread(this.#control);
      await this.#ended;
    }
    if (this.#ring === null) return;
    this.#ring.close();
    rmSync(this.#ring.path, { force: true });
  }
}

/** null: this system maps no files. */
function mappedRing(path: string, bytes: number): MappedFile | null {
  const file = MappedFile.create(path, bytes);
  if (file.mapped) return file;
  file.close();
  rmSync(path);
  return null;
}

const RING_SUFFIX = '.logring';

/** Where the records of a process lie. */
export function ringPathOf(what: string, pid: number = process.pid, folder: string = runtimeFolder()): string {
  return join(folder, `${what}-${pid}${RING_SUFFIX}`);
}

/** Writes what killed processes have said and nobody has written; how many records. What is no log any more is removed. */
export function recoverLogs(sink: LogSink, format: LogFormat = 'text', folder: string = runtimeFolder()): number {
  let records = 0;
  for (const name of readdirSync(folder)) {
    const pid = name.endsWith(RING_SUFFIX) ? Number(/-(\d+)\.logring$/.exec(name)?.[1] ?? 0) : 0;
    if (pid === 0 || processExists(pid)) continue;
    const path = join(folder, name);
    try {
      const file = MappedFile.open(path, true);
      const drain = new LogDrain(file.buffer, sink, format);
      drain.drain();
      records += drain.records;
      file.close();
    } catch {
      // Killed while it was made: it holds no record.
    }
    rmSync(path, { force: true });
  }
  return records;
}
