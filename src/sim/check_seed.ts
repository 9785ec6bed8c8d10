// One seed, judged: its plan is run twice and the traces must be equal; where something breaks, the plan is
// made smaller while the same thing still breaks.
//
//   seed ─► plan ─► run, run again: same trace? ─► held
//                      └─ Violation, or any other error ─► shrink ─► the one command that shows it
//
// Two runs that differ are a finding too: something in the program depends on more than the seed.
// Shrinking drops faults, then clients, then time: halves first, then one by one, again while it helps.
// Limits: SHRINK_RUNS_MAX runs.
import { Violation } from './invariants.ts';
import { makePlan, partOf, type FaultKind, type Part, type SimPlan } from './plan.ts';
import { simulate, type Planted, type SimResult } from './simulation.ts';

const SHRINK_RUNS_MAX = 120;
const DURATION_NS_MIN = 20_000_000;
/** The command says durations in microseconds. */
const US = 1_000;

/** What a run was found to break: an invariant's name, `trace`, or `error`. */
export interface Broken {
  readonly id: string;
  readonly message: string;
  readonly error: unknown;
}

export interface SeedOptions {
  readonly kinds?: ReadonlySet<FaultKind> | undefined;
  readonly part?: Part | undefined;
  readonly plant?: Planted | undefined;
  readonly shrink?: boolean | undefined;
  readonly trace?: boolean | undefined;
  /** True: what is found is made no smaller any more. */
  readonly isStopped?: (() => boolean) | undefined;
}

export interface SeedVerdict {
  readonly seed: number;
  /** Of the first run; null: it broke. */
  readonly result: SimResult | null;
  readonly broken: Broken | null;
  /** The smallest plan that still breaks so; null where nothing broke, or nothing was shrunk. */
  readonly smallest: SimPlan | null;
  /** Words of the run that broke. */
  readonly lines: readonly string[];
}

export function planOf(seed: number, { kinds, part }: SeedOptions): SimPlan {
  return partOf(makePlan(seed, kinds), part ?? {});
}

export async function checkSeed(seed: number, options: SeedOptions = {}): Promise<SeedVerdict> {
  const plan = planOf(seed, options);
  const first = await runPlan(plan, options);
  if (first.broken === null && first.result !== null) {
    const again = await runPlan(plan, options);
    const hash = again.result?.hash ?? `the second run broke: ${again.broken?.message}`;
    if (hash === first.result.hash) return { seed, result: first.result, broken: null, smallest: null, lines: first.lines };
    const message = `two runs of seed ${seed} differ: traces ${first.result.hash} and ${hash}`;
    const broken = { id: 'trace', message, error: new Error(message) };
    return { seed, result: first.result, broken, smallest: null, lines: first.lines };
  }
  const { broken } = first;
  const smallest = options.shrink === true && broken !== null ? await shrink(plan, broken.id, options) : null;
  return { seed, result: null, broken, smallest, lines: first.lines };
}

interface Run {
  readonly result: SimResult | null;
  readonly broken: Broken | null;
  readonly lines: readonly string[];
}

async function runPlan(plan: SimPlan, { plant, trace }: SeedOptions): Promise<Run> {
  let lines: readonly string[] = [];
  try {
    const result = await simulate(plan, { plant, trace: trace ?? false }, (failure) => (lines = failure.lines));
    return { result, broken: null, lines: result.lines };
  } catch (error) {
    return { result: null, broken: brokenBy(error), lines };
  }
}

function brokenBy(error: unknown): Broken {
  if (error instanceof Violation) return { id: error.id, message: error.message, error };
  return { id: 'error', message: error instanceof Error ? `${error.name}: ${error.message}` : String(error), error };
}

/** The smallest part of a plan that was found to break the same way. */
async function shrink(plan: SimPlan, id: string, { plant, isStopped }: SeedOptions): Promise<SimPlan> {
  let runs = 0;
  let best = plan;
  const breaks = async (candidate: SimPlan): Promise<boolean> => {
    if (runs >= SHRINK_RUNS_MAX || isStopped?.() === true) return false;
    runs++;
    return (await runPlan(candidate, { plant })).broken?.id === id;
  };
  const indices = (of: readonly { readonly index: number }[]): number[] => of.map(({ index }) => index);
  for (let before = Infinity; sizeOf(best) < before; ) {
    before = sizeOf(best);
    best = await dropSome(best, indices(best.faults), (faults) => ({ faults }), breaks);
    best = await dropSome(best, indices(best.clients), (clients) => ({ clients }), breaks);
    const durationNs = Math.floor(best.durationNs / 2 / US) * US;
    const shorter = partOf(best, { durationNs });
    if (durationNs >= DURATION_NS_MIN && (await breaks(shorter))) best = shorter;
  }
  return best;
}

function sizeOf({ faults, clients, durationNs }: SimPlan): number {
  return (faults.length + clients.length) * 1e10 + durationNs;
}

/** Leaves out chunks of a list, larger ones first, while it still breaks. */
async function dropSome(
  plan: SimPlan, all: readonly number[], part: (kept: readonly number[]) => Part,
  breaks: (candidate: SimPlan) => Promise<boolean>,
): Promise<SimPlan> {
  let best = plan;
  let kept = all;
  for (let chunk = Math.max(1, kept.length >> 1); kept.length > 0; chunk >>= 1) {
    for (let end = kept.length; end > 0; end -= chunk) {
      const fewer = [...kept.slice(0, Math.max(0, end - chunk)), ...kept.slice(end)];
      const candidate = partOf(best, part(fewer));
      if (!(await breaks(candidate))) continue;
      kept = fewer;
      best = candidate;
    }
    if (chunk === 1) break;
  }
  return best;
}

/** The one command that runs a plan again; `whole`: the plan that it is a part of. */
export function commandOf(plan: SimPlan, whole: SimPlan, kinds: string | null): string {
  const words = [`outcry sim --seed ${plan.seed}`];
  if (kinds !== null) words.push(`--faults ${kinds}`);
  if (plan.faults.length < whole.faults.length) words.push(`--only-faults ${listOf(plan.faults)}`);
  if (plan.clients.length < whole.clients.length) words.push(`--only-clients ${listOf(plan.clients)}`);
  if (plan.durationNs !== whole.durationNs) words.push(`--duration ${plan.durationNs / US}us`);
  return words.join(' ');
}

function listOf(of: readonly { readonly index: number }[]): string {
  return of.length === 0 ? 'none' : of.map(({ index }) => index).join(',');
}
