// A profile for other programs: CSV with a row for each stage, operation and span, JSON with the curves too.
import type { ProfileWindow, StageFigures } from './profile_reader.ts';

/** Columns of the CSV and fields of the JSON, in this order; nanoseconds but for the first five. */
export const COLUMNS = [
  'pipeline', 'stage', 'operation', 'span', 'count', 'min', 'mean', 'p50', 'p90', 'p99', 'p999', 'p9999', 'max', 'deviation', 'jitter',
] as const satisfies readonly (keyof StageFigures)[];

/** What was measured, for whoever reads the file later. */
export interface ProfileOrigin {
  readonly title: string;
  readonly pid: number;
  readonly machine: string;
  readonly takenMs: number;
}

/** Rows without a value are left out. Nothing in it needs quoting. */
export function profileCsv(window: ProfileWindow): string {
  const rows = window.stages.filter(({ count }) => count > 0).map((figures) => COLUMNS.map((column) => cell(figures[column])).join(','));
  return `${[COLUMNS.join(','), ...rows].join('\n')}\n`;
}

function cell(value: string | number): string {
  return typeof value === 'string' ? value : String(Math.round(value * 10) / 10);
}

export function profileJson(window: ProfileWindow, origin: ProfileOrigin): string {
  const { seconds, samples, process, curves } = window;
  const stages = window.stages.filter(({ count }) => count > 0).map((figures) =>
    Object.fromEntries(COLUMNS.map((column) => [column, figures[column]])));
  return JSON.stringify({ format: 'outcry-profile', version: 1, unit: 'ns', ...origin, seconds, samples, process, stages, curves });
}
