// Whether a profile has become slower than a saved one, by a rule that noise does not trip.
//
// A measurement is cut into windows of equal length. Each gives, for each stage, p50, p90 and p99 of its own time; the windows'
// values are the sample, not the single latencies, for these come in bursts and are not independent.
//
//   ratios   every value now ÷ every value then, sorted
//   least    the ratio at rank nm/2 − z·sqrt(nm(n + m + 1)/12): the lower bound of the shift between the two samples
//            (Hodges and Lehmann's estimate with Mann and Whitney's ranks; no distribution is assumed)
//   slower   least > 1 + tolerance: even the smallest shift that fits the data exceeds what is tolerated
//
// Z = 3.7: one false alarm in 9,000 comparisons that lie exactly at the tolerance, and the 15 to 24 comparisons of a run
// together one in 400; with nothing changed at all, far fewer. A single wild window, or a few, change no rank that counts.
// Noise *between* runs (another hour, another machine, up to 1.5× on shared ones) is in no window of one run: save several
// runs into one baseline, and their spread is in it.
// Power: forty windows against forty find a shift of 20 % in noise of 6 %, with one window in ten disturbed up to threefold.
// Limits: WINDOWS_MIN windows on both sides; a percentile counts where a window has ten values beyond it.
import type { ProfileWindow, StageFigures } from './profile_reader.ts';
import { ALL } from './profile_reader.ts';

const FORMAT = 'outcry-profile-baseline';
const VERSION = 1;
/** Fewer could not reach the rank that Z asks for. */
export const WINDOWS_MIN = 10;
/** Of a baseline that gathers runs: the newest stay. */
export const WINDOWS_MAX = 400;
export const TOLERANCE_DEFAULT = 0.1;
const Z = 3.7;
const VALUES_BEYOND_MIN = 10;

export const STATISTICS = ['p50', 'p90', 'p99'] as const;
export type Statistic = (typeof STATISTICS)[number];
const PART_BEYOND: Readonly<Record<Statistic, number>> = { p50: 0.5, p90: 0.1, p99: 0.01 };

/** Values of the windows by "pipeline stage statistic". */
export interface Baseline {
  readonly format: typeof FORMAT;
  readonly version: typeof VERSION;
  /** For people: machine, date, what ran, of each run that was gathered. */
  readonly runs: readonly string[];
  readonly values: Readonly<Record<string, readonly number[]>>;
}

export interface Comparison {
  readonly pipeline: string;
  readonly stage: string;
  readonly statistic: Statistic;
  readonly verdict: 'slower' | 'faster' | 'same' | 'too few windows';
  readonly thenNs: number;
  readonly nowNs: number;
  /** Estimate and bounds of now ÷ then; NaN with too few windows. */
  readonly ratio: number;
  readonly least: number;
  readonly most: number;
  readonly windowsThen: number;
  readonly windowsNow: number;
}

export class BaselineError extends Error {
  override readonly name = 'BaselineError';
}

function key({ pipeline, stage }: StageFigures, statistic: Statistic): string {
  return `${pipeline} ${stage} ${statistic}`;
}

/** What windows have to say about each stage. */
export function baselineOf(windows: readonly ProfileWindow[], run: string): Baseline {
  const values: Record<string, number[]> = {};
  for (const { stages } of windows) {
    for (const figures of stages) {
      if (figures.operation !== ALL || figures.span !== 'own') continue;
      for (const statistic of STATISTICS) {
        if (figures.count * PART_BEYOND[statistic] < VALUES_BEYOND_MIN) continue;
        (values[key(figures, statistic)] ??= []).push(figures[statistic]);
      }
    }
  }
  return { format: FORMAT, version: VERSION, runs: [run], values };
}

/** A baseline of both. */
export function gathered(before: Baseline, run: Baseline): Baseline {
  const keys = new Set([...Object.keys(before.values), ...Object.keys(run.values)]);
  const values = Object.fromEntries([...keys].map((name): [string, number[]] =>
    [name, [...(before.values[name] ?? []), ...(run.values[name] ?? [])].slice(-WINDOWS_MAX)]));
  return { ...run, runs: [...before.runs, ...run.runs], values };
}

/** A baseline from a file's text; a BaselineError says what is wrong with it. */
export function parseBaseline(text: string, path: string): Baseline {
  const fail = (what: string): never => {
    throw new BaselineError(`${path}: expected ${what}`);
  };
  let parsed: Partial<Baseline> | null = null;
  try {
    parsed = JSON.parse(text) as Partial<Baseline> | null;
  } catch {
    fail('a saved baseline in JSON');
  }
  if (parsed?.format !== FORMAT) fail(`a saved baseline (format "${FORMAT}"), was ${JSON.stringify(parsed?.format)}`);
  if (parsed?.version !== VERSION) fail(`version ${VERSION}, was ${JSON.stringify(parsed?.version)}`);
  const { values, runs } = parsed as Baseline;
  const sound = typeof values === 'object' && values !== null && Array.isArray(runs) &&
    Object.values(values).every((list) => Array.isArray(list) && list.every((value) => Number.isFinite(value) && value >= 0));
  if (!sound) fail('runs, and values of 0 or more by stage and statistic');
  return { format: FORMAT, version: VERSION, runs, values };
}

/** Each stage and statistic of the baseline. */
export function compare(then: Baseline, now: Baseline, tolerance: number = TOLERANCE_DEFAULT): Comparison[] {
  return Object.keys(then.values).map((name) => {
    const [pipeline, stage, statistic] = name.split(' ') as [string, string, Statistic];
    const before = then.values[name];
    const after = now.values[name] ?? [];
    const enough = before.length >= WINDOWS_MIN && after.length >= WINDOWS_MIN;
    const { ratio, least, most } = enough ? shiftOf(before, after) : { ratio: Number.NaN, least: Number.NaN, most: Number.NaN };
    const judged = least > 1 + tolerance ? 'slower' : most < 1 / (1 + tolerance) ? 'faster' : 'same';
    return {
      pipeline, stage, statistic, verdict: enough ? judged : 'too few windows', thenNs: medianOf(before), nowNs: medianOf(after),
      ratio, least, most, windowsThen: before.length, windowsNow: after.length,
    };
  });
}

/** Estimate and bounds of the ratio between two samples. */
export function shiftOf(then: readonly number[], now: readonly number[]): { ratio: number; least: number; most: number } {
  const ratios = now.flatMap((after) => then.map((before) => Math.max(after, 1) / Math.max(before, 1))).toSorted((a, b) => a - b);
  const pairs = ratios.length;
  const rank = Math.floor(pairs / 2 - Z * Math.sqrt((pairs * (then.length + now.length + 1)) / 12));
  const index = Math.max(0, rank);
  return { ratio: medianOf(ratios), least: ratios[index], most: ratios[pairs - 1 - index] };
}

function medianOf(values: readonly number[]): number {
  if (values.length === 0) return Number.NaN;
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >>> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}
