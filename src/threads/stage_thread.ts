// The thread of one stage: its cores, its clock, its agent, until it is told to stop.
import { parentPort, workerData } from 'node:worker_threads';
import { AgentRunner, type Agent, type WaitStrategy } from '../base/agent.ts';
import { AffinityError, setThreadCores } from '../os/affinity.ts';
import { LibcUnavailableError } from '../os/libc.ts';
import { machineClock } from '../os/machine_clock.ts';
import type { StageModule } from './stage_group.ts';

export interface StageThreadData {
  readonly module: string;
  readonly data: unknown;
  readonly wait: WaitStrategy;
  readonly cores: readonly number[];
  /** Word 0: not 0, and the stage ends after the turn at hand. */
  readonly control: Int32Array;
}

/** What the thread says: refused (in words), then running. What an agent throws ends it as any error does. */
export type StageThreadMessage = { readonly say: 'refused'; readonly what: string } | { readonly say: 'running' };

async function main({ module, data, wait, cores, control }: StageThreadData): Promise<void> {
  const say = (message: StageThreadMessage): void => parentPort?.postMessage(message);
  if (cores.length > 0) {
    try {
      setThreadCores(cores);
    } catch (error) {
      if (!(error instanceof AffinityError || error instanceof LibcUnavailableError)) throw error;
      say({ say: 'refused', what: error.message });
    }
  }
  const { createAgent } = (await import(module)) as StageModule;
  const stopped: Agent = {
    name: 'stop',
    poll: () => {
      if (Atomics.load(control, 0) !== 0) runner.stop();
      return 0;
    },
  };
  const runner = new AgentRunner({ agents: [createAgent(data), stopped], clock: machineClock().clock, wait });
  say({ say: 'running' });
  await runner.run();
}

await main(workerData as StageThreadData);
