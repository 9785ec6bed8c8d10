// Stages that share one thread, or have one each: the same agents, by configuration.
//
//   shared      one loop on the calling thread: stage 1 . poll ─► stage 2 . poll ─► …
//   dedicated   a thread a stage, each with a loop, a clock and cores of its own
//
// A stage is a module with `createAgent(data)`. What stages say to each other goes through rings in shared memory that `data` carries, so
// it is the same either way. Order within a ring is kept in both; what two rings carry is in no order between threads.
// A stage that throws ends the whole group: `ended` rejects with what it threw, and the others stop after the turn at hand.
// Cost: shared, a message passes all stages in one turn; dedicated, each hand-over costs the move of a cache line, 120 – 160 ns there and back,
// and each stage has a core or takes the others' time.
// Limits: a dedicated stage stops within a turn, or its longest sleep, 1 ms.
import { Worker } from 'node:worker_threads';
import { AgentRunner, type Agent, type WaitStrategy } from '../base/agent.ts';
import { assert } from '../base/assert.ts';
import { machineClock } from '../os/machine_clock.ts';
import type { StageThreadData, StageThreadMessage } from './stage_thread.ts';

export type ThreadMode = 'shared' | 'dedicated';

/** What a stage's module exports. */
export interface StageModule {
  readonly createAgent: (data: unknown) => Agent;
}

export interface Stage {
  readonly name: string;
  /** URL of its module. */
  readonly module: string;
  /** Handed to `createAgent`; what a thread can be given: numbers, texts, shared memory. */
  readonly data: unknown;
  /** Of its own thread. Default: wherever the system puts it. */
  readonly cores?: readonly number[];
}

export interface StageGroupOptions {
  readonly mode: ThreadMode;
  readonly wait: WaitStrategy;
  /** Told what the machine refuses a stage. */
  readonly onRefused?: (stage: string, what: string) => void;
}

export class StageGroup {
  /** Resolves when all stages have stopped; rejects with what one of them threw. */
  readonly ended: Promise<void>;
  readonly #stop: () => void;

  private constructor(ended: Promise<void>, stop: () => void) {
    this.ended = ended;
    this.#stop = stop;
    ended.catch(() => {}); // for whoever waits
  }

  /** Resolves when every stage runs. */
  static async start(stages: readonly Stage[], options: StageGroupOptions): Promise<StageGroup> {
    assert(stages.length > 0, 'a group has stages');
    return options.mode === 'shared' ? await StageGroup.#shared(stages, options) : await StageGroup.#dedicated(stages, options);
  }

  /** Idempotent; `ended` says when it is done. */
  stop(): void {
    this.#stop();
  }

  static async #shared(stages: readonly Stage[], { wait, onRefused }: StageGroupOptions): Promise<StageGroup> {
    const agents: Agent[] = [];
    for (const { name, module, data, cores } of stages) {
      if (cores !== undefined && cores.length > 0) onRefused?.(name, 'cores of its own need a thread of its own (dedicated)');
      const { createAgent } = (await import(module)) as StageModule;
      agents.push(createAgent(data));
    }
    const runner = new AgentRunner({ agents, clock: machineClock().clock, wait });
    return new StageGroup(runner.run(), () => runner.stop());
  }

  static async #dedicated(stages: readonly Stage[], { wait, onRefused }: StageGroupOptions): Promise<StageGroup> {
    const control = new Int32Array(new SharedArrayBuffer(4));
    const stop = (): void => void Atomics.store(control, 0, 1);
    const threads = stages.map(({ name, module, data, cores = [] }) =>
      new StageThread({ module, data, wait, cores, control }, (what) => onRefused?.(name, what)));
    // Whichever fails takes the others along.
    for (const { ended } of threads) ended.catch(stop);
    const ended = Promise.allSettled(threads.map((thread) => thread.ended)).then((results) => {
      for (const result of results) if (result.status === 'rejected') throw result.reason;
    });
    await Promise.race([Promise.all(threads.map(({ running }) => running)), ended]);
    return new StageGroup(ended, stop);
  }
}

/** One thread, from here. */
class StageThread {
  readonly running: Promise<void>;
  readonly ended: Promise<void>;

  constructor(workerData: StageThreadData, refused: (what: string) => void) {
    // The thread's file lies beside this one: TypeScript in a clone, JavaScript in a package.
    const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
    const worker = new Worker(new URL(`./stage_thread.${extension}`, import.meta.url), { workerData });
    this.running = new Promise((resolve) => {
      worker.on('message', (message: StageThreadMessage) => {
        if (message.say === 'running') resolve();
        else refused(message.what);
      });
    });
    this.ended = new Promise((resolve, reject) => {
      worker.once('error', reject);
      worker.once('exit', () => resolve());
    });
  }
}
