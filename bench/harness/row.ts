// A row of the benchmark's table: a figure with everything that is needed to judge it.
import type { Interval, Spread } from './statistics.ts';

/** Where the clock starts and stops. */
export type Boundary =
  | 'core, batches'
  | 'core, one at a time'
  | 'core → thread, batches'
  | 'core → thread, one at a time'
  | 'thread → thread, batches'
  | 'thread → thread, one at a time'
  | 'TypeScript API'
  | 'process'
  | 'process → process, TCP'
  | 'process → process, UDP'
  | 'process → process, shared memory';

export type Unit = 'ns/op' | 'ns/msg' | 'M msg/s' | 'k orders/s' | 'MiB' | 'MB' | 'B/op' | 'collections' | '% CPU' | 's';

/** What must be reached, and how to tell. */
export interface Goal {
  relation: 'at most' | 'below' | 'above';
  value: number;
  /** Judge the interval of the paired ratio instead of the figure. */
  ofRatio?: boolean;
}

/** A ratio to something that ran in the same run, interleaved. */
export interface Ratio extends Interval {
  against: string;
  pairs: number;
  /** Median figure of the other side, in the row's unit. */
  otherMedian: number;
}

export interface Row {
  name: string;
  figure: number;
  unit: Unit;
  statistic: string;
  boundary: Boundary;
  /** Threads at work: "1", "2 (matching, consumer)". */
  threads: string;
  durability: string;
  spread?: Spread;
  ratio?: Ratio;
  goal?: Goal;
  /** Figures that others published for this work; never measured here. */
  quoted?: string;
  /** What was checked for correctness, with its figures. */
  checks: string[];
  /** Printed when the goal is not reached. */
  tried?: string;
  /** Work was cut down for a test run: no figure of it counts. */
  small?: boolean;
}

export type Verdict = 'reached' | 'not reached' | 'no goal' | 'too small to count';

/** "Within" a ratio means that the whole interval lies there, not only its middle. */
export function judge(row: Row): Verdict {
  if (!row.goal) return 'no goal';
  if (row.small) return 'too small to count';
  const { relation, value, ofRatio } = row.goal;
  if (ofRatio && !row.ratio) return 'not reached';
  if (relation === 'above') return (ofRatio ? row.ratio!.low : row.figure) > value ? 'reached' : 'not reached';
  const figure = ofRatio ? row.ratio!.high : row.figure;
  return (relation === 'below' ? figure < value : figure <= value) ? 'reached' : 'not reached';
}
