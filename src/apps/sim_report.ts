// What one seed came to, as plain data: it goes between threads, onto the screen and into JSON.
import { checkSeed, commandOf, planOf, type SeedOptions } from '../sim/check_seed.ts';
import { kindsNamed } from '../sim/plan.ts';
import type { SimFigures } from '../sim/simulation.ts';

/** How seeds are to be run. */
export interface SimTask {
  /** Words of --faults; null: all kinds. */
  readonly faults: readonly string[] | null;
  readonly onlyFaults: readonly number[] | null;
  readonly onlyClients: readonly number[] | null;
  readonly durationNs: number | null;
  readonly trace: boolean;
  readonly shrink: boolean;
  /** Its first word, in memory of all threads, is not 0 when a run ends early; null: nothing stops it. */
  readonly stop: Int32Array | null;
}

export interface SeedReport {
  readonly seed: number;
  readonly ok: boolean;
  readonly outcome: string;
  readonly hash: string;
  readonly figures: SimFigures | null;
  /** The invariant that broke, or `trace`, or `error`; '': none. */
  readonly broken: string;
  readonly message: string;
  readonly stack: string;
  /** Runs it again, and the smallest that breaks in the same way. */
  readonly command: string;
  readonly smallest: string;
  readonly lines: readonly string[];
}

export async function judge(seed: number, task: SimTask): Promise<SeedReport> {
  const { stop } = task;
  const options: SeedOptions = {
    kinds: task.faults === null ? undefined : kindsNamed(task.faults),
    part: {
      faults: task.onlyFaults ?? undefined,
      clients: task.onlyClients ?? undefined,
      durationNs: task.durationNs ?? undefined,
    },
    trace: task.trace,
    shrink: task.shrink,
    isStopped: () => stop !== null && Atomics.load(stop, 0) !== 0,
  };
  const { result, broken, smallest, lines } = await checkSeed(seed, options);
  const words = task.faults === null ? null : task.faults.join(',');
  const whole = planOf(seed, { kinds: options.kinds });
  return {
    seed,
    ok: broken === null,
    outcome: broken === null ? (result?.outcome ?? '') : 'broken',
    hash: result?.hash ?? '',
    figures: result?.figures ?? null,
    broken: broken?.id ?? '',
    message: broken?.message ?? '',
    stack: broken?.error instanceof Error ? (broken.error.stack ?? '') : '',
    command: commandOf(planOf(seed, options), whole, words),
    smallest: smallest === null ? '' : commandOf(smallest, whole, words),
    lines,
  };
}
