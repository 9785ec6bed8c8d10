// Results beside earlier ones: which rows have become slower for certain.
//
// A row counts as a regression when even the better quartile of its new repetitions is worse than REGRESSION_FACTOR times the worse
// quartile of the old ones. Noise moves single repetitions and, on a machine that others use, whole quartiles by some ten
// per cent; a factor of two moves all of them. Rows without a spread (sizes, counts) are compared by their figure.
// Only rows of one name, unit and boundary are compared, and only results of one machine: others say nothing of the code.
import type { Results } from './results.ts';
import type { Row } from './row.ts';
import { formatFigure } from './table.ts';

export const REGRESSION_FACTOR = 1.25;

export type Change = 'slower' | 'faster' | 'same' | 'new' | 'gone';

export interface Comparison {
  name: string;
  change: Change;
  unit: string;
  before: number | null;
  after: number | null;
  /** How many times worse the new figure is; below 1 it is better. */
  worseBy: number | null;
}

/** Rates: more is better; everything else is a cost. */
function isRate(row: Row): boolean {
  return row.unit === 'M msg/s' || row.unit === 'k orders/s';
}

/** Both quartiles as costs, the better one first. */
function costsOf(row: Row): [better: number, worse: number] {
  const low = row.spread?.quartileLow ?? row.figure;
  const high = row.spread?.quartileHigh ?? row.figure;
  return isRate(row) ? [1 / high, 1 / low] : [low, high];
}

function judged(before: Row, after: Row): Change {
  const [betterBefore, worseBefore] = costsOf(before);
  const [betterAfter, worseAfter] = costsOf(after);
  if (betterAfter > REGRESSION_FACTOR * worseBefore) return 'slower';
  return betterBefore > REGRESSION_FACTOR * worseAfter ? 'faster' : 'same';
}

function nameOf(row: Row): string {
  return `${row.name} · ${row.unit} · ${row.boundary}`;
}

/** Throws a RangeError when the two are not of one machine. */
export function compareResults(before: Results, after: Results): Comparison[] {
  if (before.machine.cpu !== after.machine.cpu || before.machine.cores !== after.machine.cores) {
    const text = ({ machine }: Results): string => `${machine.cpu}, ${machine.cores} cores`;
    throw new RangeError(`compare: expected results of ${text(after)}; was ${text(before)}`);
  }
  const old = new Map(before.rows.map((row) => [nameOf(row), row]));
  const seen = new Set(after.rows.map(nameOf));
  const changes = after.rows.map((row): Comparison => {
    const earlier = old.get(nameOf(row));
    if (earlier === undefined) return { name: row.name, change: 'new', unit: row.unit, before: null, after: row.figure, worseBy: null };
    const ratio = row.figure / earlier.figure;
    return {
      name: row.name, change: judged(earlier, row), unit: row.unit, before: earlier.figure, after: row.figure,
      worseBy: Number.isFinite(ratio) ? (isRate(row) ? 1 / ratio : ratio) : null,
    };
  });
  const gone = before.rows.filter((row) => !seen.has(nameOf(row)))
    .map((row): Comparison => ({ name: row.name, change: 'gone', unit: row.unit, before: row.figure, after: null, worseBy: null }));
  return [...changes, ...gone];
}

export function formatComparison(before: Results, changes: readonly Comparison[]): string {
  const shown = (figure: number | null): string => (figure === null ? '–' : formatFigure(figure));
  const lines = changes.map(({ name, change, unit, before: old, after, worseBy }) =>
    `${change.padEnd(7)} ${name}: ${shown(old)} → ${shown(after)} ${unit}${worseBy === null ? '' : ` (${worseBy.toFixed(2)} ×)`}`);
  const slower = changes.filter(({ change }) => change === 'slower').length;
  return [
    `Compared with commit ${before.machine.commit} of ${before.machine.date} (slower: beyond ${REGRESSION_FACTOR} × its worse quartile, with the better one):`,
    ...lines, slower > 0 ? `${slower} slower` : 'nothing is slower',
  ].join('\n');
}
