// A journal with a thread of its own, for a process that must never wait for a disk.
//
//   const storage = new FileStorage(directory, { create: true });
//   storage.lock();
//   const recovered = recover(storage);            // and replay what is there: replay.ts
//   const journal = await ThreadedJournal.start(storage.name, recovered.position, { mode: 'durable' });
//   journal.queue.append(…); journal.queue.publish(); … journal.queue.ackableSequence
//   await journal.stop(timeNs);
//   storage.close();
//
// Two threads: one writes and syncs, one writes the zeros of the next segment ahead.
import { Worker } from 'node:worker_threads';
import {
  type JournalFailure,
  JournalMode,
  JournalQueue,
  journalShared,
  JournalState,
  RING_BYTES_DEFAULT,
  SHARED,
} from './journal_queue.ts';
import type { Agent } from '../base/agent.ts';
import type { JournalThreadData } from './journal_thread.ts';
import { payloadBytesIn, SEGMENT_BYTES_DEFAULT } from './segment.ts';
import {
  type JournalPosition,
  PAYLOAD_BYTES_DEFAULT,
  type SegmentOptions,
} from './segment_writer.ts';
import type { SpareThreadData } from './spare_thread.ts';

export interface ThreadedJournalOptions extends Omit<SegmentOptions, 'randomBits'> {
  /** Default durable. */
  readonly mode?: JournalMode;
  /** Room for what waits to be written, a power of two. Default 16 MiB. */
  readonly ringBytes?: number;
}

/** A journal that is written to, wherever its writing side runs. */
export interface RunningJournal {
  readonly queue: JournalQueue;
  /** To be polled by the loop that appends; null: it has a thread of its own. */
  readonly agent: Agent | null;
  /** What has failed; null while nothing has. */
  readonly failure: JournalFailure | null;
  /** Resolves after `stop`; rejects when it has failed. */
  readonly ended: Promise<void>;
  /** Everything appended and published is synced and the last record written when this resolves. */
  stop(timeNs: number): Promise<void>;
}

/** A stop is asked for again this often: a thread that was just falling asleep misses one. */
const STOP_AGAIN_MS = 5;

export class ThreadedJournal implements RunningJournal {
  readonly queue: JournalQueue;
  readonly agent = null;
  readonly #journal: Worker;
  readonly #spare: Worker;
  readonly #ended: Promise<void>;

  /** Runs when this resolves; rejects with what kept it from it. The caller holds the lock. */
  static async start(
    directory: string,
    position: JournalPosition | null,
    options: ThreadedJournalOptions = {},
  ): Promise<ThreadedJournal> {
    const journal = new ThreadedJournal(directory, position, options);
    await journal.#running();
    return journal;
  }

  private constructor(
    directory: string,
    position: JournalPosition | null,
    options: ThreadedJournalOptions,
  ) {
    const shared = journalShared(options.ringBytes ?? RING_BYTES_DEFAULT);
    const segmentBytes = options.segmentBytes ?? SEGMENT_BYTES_DEFAULT;
    const payloadBytesMax =
      options.payloadBytesMax ?? Math.min(PAYLOAD_BYTES_DEFAULT, payloadBytesIn(segmentBytes));
    const mode = options.mode ?? JournalMode.Durable;
    const last = position === null ? 0 : position.nextSequence - 1;
    this.queue = new JournalQueue(shared, mode, payloadBytesMax, last);
    const data: JournalThreadData = {
      shared,
      directory,
      mode,
      position,
      segmentBytes,
      payloadBytesMax,
      clusterId: options.clusterId ?? 0n,
      configurationHash: options.configurationHash ?? 0n,
    };
    const spare: SpareThreadData = { shared, directory, segmentBytes };
    this.#journal = startThread('journal_thread', data);
    this.#spare = startThread('spare_thread', spare);
    this.#spare.unref();
    // Without it rotations take longer, and what keeps it from writing keeps the other one too.
    this.#spare.once('error', () => Atomics.store(new Int32Array(shared), SHARED.spareFailed, 1));
    this.#ended = new Promise((resolve, reject) => {
      this.#journal.once('error', reject);
      this.#journal.once('exit', () => {
        if (this.queue.state === JournalState.Stopped) resolve();
        else reject(new Error('the thread of the journal ended before it was asked to'));
      });
    });
    // Whoever asks gets the error; that nobody has asked yet is no fault.
    this.#ended.catch(() => void this.#spare.terminate());
  }

  get failure(): JournalFailure | null {
    return this.queue.failure;
  }

  get ended(): Promise<void> {
    return this.#ended;
  }

  async stop(timeNs: number): Promise<void> {
    const again = setInterval(() => this.queue.requestStop(timeNs), STOP_AGAIN_MS);
    try {
      this.queue.requestStop(timeNs);
      await this.#ended;
    } finally {
      clearInterval(again);
      await this.#spare.terminate();
    }
  }

  async #running(): Promise<void> {
    await Promise.race([
      new Promise<void>((resolve) => this.#journal.once('message', () => resolve())),
      this.#ended,
    ]);
  }
}

/** The thread's file lies beside this one: TypeScript in a clone, JavaScript in a package. */
function startThread(name: string, workerData: object): Worker {
  const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
  return new Worker(new URL(`./${name}.${extension}`, import.meta.url), { workerData });
}
