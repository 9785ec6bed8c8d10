// Seeds on threads, each thread taking the next seed when it has done its last.
//
//   first … last ─► seed ─► thread (sim_thread.ts) ─► SeedReport ─► told
//
// Seeds are handed out in order, so when a run is stopped all below `next` are done: nothing that was begun is
// thrown away, and the rest is one range. What is being made smaller then stays as small as it is.
import { setFlagsFromString } from 'node:v8';
import { Worker } from 'node:worker_threads';
import type { SeedReport, SimTask } from './sim_report.ts';

/**
 * A run leaves much behind at once, and little stays: a heap that begins small marks all of it several times a run.
 * Measured: 150 to 220 ms of processor time a run, and 100 to 140 with this.
 */
const THREAD_HEAP_MB = 256;

export class SeedThreads {
  /** The first seed that has not been handed out. */
  next: number;
  readonly #last: number;
  readonly #task: SimTask;
  readonly #stop = new Int32Array(new SharedArrayBuffer(4));

  constructor(first: number, last: number, task: Omit<SimTask, 'stop'>) {
    this.next = first;
    this.#last = last;
    this.#task = { ...task, stop: this.#stop };
  }

  /** No further seed is begun; those in hand are finished. */
  stop(): void {
    Atomics.store(this.#stop, 0, 1);
  }

  get #isStopped(): boolean {
    return Atomics.load(this.#stop, 0) !== 0;
  }

  /** Until all seeds are done, or those in hand after a stop. */
  async run(jobs: number, told: (report: SeedReport) => void): Promise<void> {
    setFlagsFromString(`--initial-heap-size=${THREAD_HEAP_MB}`); // of threads that are made from now on
    const threads = Math.min(jobs, this.#last - this.next + 1);
    await Promise.all(Array.from({ length: threads }, () => this.#thread(told)));
  }

  #thread(told: (report: SeedReport) => void): Promise<void> {
    const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
    return new Promise((resolve, reject) => {
      const worker = new Worker(new URL(`./sim_thread.${extension}`, import.meta.url), { workerData: this.#task });
      let seed = 0;
      const hand = (): void => {
        if (this.#isStopped || this.next > this.#last) return worker.postMessage(null);
        seed = this.next++;
        worker.postMessage(seed);
      };
      worker.on('message', (report: SeedReport) => {
        told(report);
        hand();
      });
      worker.once('error', (cause) => reject(new Error(`the thread of seed ${seed} failed: ${String(cause)}`, { cause })));
      worker.once('exit', () => resolve());
      hand();
    });
  }
}
