// The table for people: one line a figure, what it needs to be judged beside it, faults in words below.
import type { Machine } from './machine.ts';
import { judge, type Goal, type Row } from './row.ts';

const HEAD = [
  'work', 'figure', 'quartiles', 'goal', 'verdict', 'against', 'ratio [interval]', 'boundary', 'statistic', 'threads',
  'durability',
] as const;

/** Three significant digits at least, no false precision. */
export function formatFigure(value: number): string {
  const size = Math.abs(value);
  if (size === 0) return '0';
  if (size >= 1000) return formatCount(Math.round(value));
  if (size >= 100) return value.toFixed(0);
  if (size >= 10) return value.toFixed(1);
  return value.toFixed(size >= 0.1 ? 2 : 4);
}

/** 1,996,097 */
export function formatCount(count: number): string {
  return count.toLocaleString('en-US');
}

export function formatGoal(goal: Goal, unit: string): string {
  const sign = { 'at most': '≤', below: '<', above: '>' }[goal.relation];
  return goal.ofRatio ? `${sign} ${goal.value} ×` : `${sign} ${formatFigure(goal.value)} ${unit}`;
}

function cells(row: Row): string[] {
  const { spread, ratio } = row;
  return [
    row.name,
    `${formatFigure(row.figure)} ${row.unit}`,
    spread && spread.samples > 1
      ? `${formatFigure(spread.quartileLow)} … ${formatFigure(spread.quartileHigh)} of ${spread.samples}`
      : '–',
    row.goal ? formatGoal(row.goal, row.unit) : '–',
    judge(row),
    ratio ? `${ratio.against}: ${formatFigure(ratio.otherMedian)}` : '–',
    ratio ? `${ratio.median.toFixed(3)} [${ratio.low.toFixed(3)}, ${ratio.high.toFixed(3)}] ${ratio.pairs} pairs` : '–',
    row.boundary,
    row.statistic,
    row.threads,
    row.durability,
  ];
}

function ratioNote(row: Row): string {
  const { ratio } = row;
  return ratio ? `interval of the median paired ratio, coverage ${(ratio.coverage * 100).toFixed(1)} %` : '';
}

export function formatMachine(machine: Machine): string {
  return [
    `${machine.cpu}, ${machine.cores} cores, ${formatFigure(machine.memoryMiB)} MiB; ${machine.system}`,
    `Node ${machine.node} (V8 ${machine.v8}); commit ${machine.commit}; load before ${machine.loadBefore.toFixed(2)}; ` +
      machine.date,
  ].join('\n');
}

export function formatTable(machine: Machine, rows: readonly Row[]): string {
  const table = [HEAD as readonly string[], ...rows.map(cells)];
  const widths = HEAD.map((_, column) => Math.max(...table.map((line) => line[column].length)));
  const lines = table.map((line) => line.map((cell, i) => cell.padEnd(widths[i])).join('  ').trimEnd());
  lines.splice(1, 0, widths.map((width) => '─'.repeat(width)).join('  '));

  const notes: string[] = [];
  for (const row of rows) {
    const about = row.checks.map((check) => `checked: ${check}`);
    if (row.quoted) about.push(`quoted, not measured here: ${row.quoted}`);
    if (row.ratio) about.push(ratioNote(row));
    if (judge(row) === 'not reached') about.push(row.tried === undefined ? 'NOT REACHED' : `NOT REACHED; tried: ${row.tried}`);
    if (about.length > 0) notes.push(row.name, ...about.map((line) => `  ${line}`));
  }
  return [formatMachine(machine), '', ...lines, '', ...notes].join('\n');
}
