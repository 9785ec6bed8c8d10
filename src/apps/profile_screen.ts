// A latency profile in the terminal: a row a stage, with where in the pipeline's time it lies.
//
//   exchange 127.0.0.1:12345   pid 4711 · 1 s · one turn in 64 · 1,234 samples, 5,678 requests
//     stage            count     p50     p90     p99   p99.9  p99.99     max  jitter
//     sequenced        5,678  412 ns  600 ns  …                                        ▏██
//     matched          …                                                               ▏  ███
import type { Comparison } from '../observe/profile/baseline.ts';
import { durationText } from '../observe/profile/picture.ts';
import { ALL, type ProcessFigures, type ProfileWindow, type StageFigures } from '../observe/profile/profile_reader.ts';
import type { Paint } from './terminal.ts';

const NAME_WIDTH = 14;
const COUNT_WIDTH = 11;
const CELL_WIDTH = 9;
const BAR_WIDTH = 24;
const CELLS = ['p50', 'p90', 'p99', 'p999', 'p9999', 'max', 'jitter'] as const;
const TITLES = ['p50', 'p90', 'p99', 'p99.9', 'p99.99', 'max', 'jitter'] as const;

export interface ShownProfile {
  readonly title: string;
  readonly pid: number;
  readonly alive: boolean;
  readonly window: ProfileWindow;
  /** Operations one by one, too. */
  readonly details: boolean;
}

export function renderProfile({ title, pid, alive, window, details }: ShownProfile, paint: Paint): string[] {
  const lines = [`${paint('title', ` ${title} `)}  ${paint('dim', `pid ${pid}${alive ? '' : ' (has ended)'} · ${seconds(window.seconds)}`)}`];
  const pipelines = Object.entries(window.samples);
  for (const [pipeline, { samples, requests, every }] of pipelines) {
    const what = pipeline === 'trader' ? 'decisions' : 'requests';
    lines.push('', `${paint('heading', pipeline)}  ${paint('dim', `${count(samples)} samples${every > 1 ? ` of one turn in ${count(every)}` : ''}, ${count(requests)} ${what}`)}`);
    lines.push(...pipelineRows(window, pipeline, details, paint));
  }
  if (pipelines.length === 0) {
    lines.push('', 'This process follows no stage: start it without --profile 0 and without monitoring.latency_profiling = false.');
  }
  if (window.process !== null) lines.push('', ...processRows(window.process, window.seconds, paint));
  return lines;
}

function pipelineRows(window: ProfileWindow, pipeline: string, details: boolean, paint: Paint): string[] {
  const of = (span: string): StageFigures[] => window.stages.filter((one) => one.pipeline === pipeline && one.span === span);
  const own = of('own');
  const since = of('since').filter(({ operation, count: values }) => operation === ALL && values > 0);
  const head = `  ${'stage'.padEnd(NAME_WIDTH)}${'count'.padStart(COUNT_WIDTH)}${TITLES.map((name) => name.padStart(CELL_WIDTH)).join('')}`;
  const end = Math.max(1, ...since.map(({ p50 }) => p50));
  const rows = [paint('dim', head)];
  let before = 0;
  for (const { stage, p50 } of since) {
    const figures = own.find((one) => one.stage === stage && one.operation === ALL);
    if (figures === undefined) continue;
    rows.push(`  ${row(stage, figures)}  ${paint('good', bar(before, p50, end))}`);
    if (details) {
      for (const part of own) {
        if (part.stage === stage && part.operation !== ALL && part.count > 0) rows.push(paint('dim', `  ${row(`  ${part.operation}`, part)}`));
      }
    }
    before = p50;
  }
  const last = since.at(-1);
  if (last !== undefined) rows.push(paint('strong', `  ${row('in all', last)}`));
  else rows.push(paint('dim', '  nothing in this time'));
  return rows;
}

function row(name: string, figures: StageFigures): string {
  const cells = CELLS.map((column) => durationText(figures[column]).padStart(CELL_WIDTH));
  return `${name.padEnd(NAME_WIDTH)}${count(figures.count).padStart(COUNT_WIDTH)}${cells.join('')}`;
}

/** From the median of the stage before to this one's, over the pipeline's median. */
function bar(from: number, to: number, end: number): string {
  const start = Math.round((Math.min(from, to) / end) * BAR_WIDTH);
  const length = Math.max(1, Math.round((to / end) * BAR_WIDTH) - start);
  return `▏${' '.repeat(start)}${'█'.repeat(length)}`;
}

function processRows(process: ProcessFigures, forSeconds: number, paint: Paint): string[] {
  const { allocatedBytes, collections, collectionNs, cpuNs, turns, busyTurns, heapUsedBytes, residentBytes } = process;
  const share = turns === 0 ? '' : ` · ${((100 * busyTurns) / turns).toFixed(0)} % of ${count(turns / forSeconds)} turns/s busy`;
  return [
    `${paint('heading', 'process')}  CPU ${((100 * cpuNs) / 1e9 / forSeconds).toFixed(0)} %${share}`,
    `  allocated ${bytes(allocatedBytes / forSeconds)}/s · ${collections} collections, ${durationText(collectionNs)}` +
      ` · heap ${bytes(heapUsedBytes)} · resident ${bytes(residentBytes)}`,
  ];
}

/** The comparison with a baseline, a line each; slower ones first. */
export function renderComparison(comparisons: readonly Comparison[], tolerance: number, paint: Paint): string[] {
  const order = ['slower', 'faster', 'same', 'too few windows'];
  const sorted = comparisons.toSorted((a, b) => order.indexOf(a.verdict) - order.indexOf(b.verdict));
  const name = (one: Comparison): string => `${one.pipeline} ${one.stage} ${one.statistic}`;
  const width = Math.max(5, ...sorted.map((one) => name(one).length));
  return [
    paint('dim', `  ${'stage'.padEnd(width)}${'then'.padStart(CELL_WIDTH)}${'now'.padStart(CELL_WIDTH)}${'ratio'.padStart(8)}  interval`),
    ...sorted.map((one) => {
      const { verdict, thenNs, nowNs, ratio, least, most, windowsThen, windowsNow } = one;
      const style = verdict === 'slower' ? 'bad' : verdict === 'faster' ? 'good' : 'dim';
      const figures = verdict === 'too few windows'
        ? `  ${windowsThen} windows then, ${windowsNow} now`
        : `${durationText(thenNs).padStart(CELL_WIDTH)}${durationText(nowNs).padStart(CELL_WIDTH)}${ratio.toFixed(2).padStart(8)}  ${least.toFixed(2)} … ${most.toFixed(2)}`;
      return `  ${name(one).padEnd(width)}${figures}  ${paint(style, verdict)}`;
    }),
    '',
    `  slower: even the lower end of the interval lies above ${(1 + tolerance).toFixed(2)}`,
  ];
}

function count(value: number): string {
  return Math.round(value).toLocaleString('en');
}

function seconds(value: number): string {
  return value < 10 ? `${value.toFixed(1)} s` : `${Math.round(value).toLocaleString('en')} s`;
}

function bytes(value: number): string {
  if (value < 1_024) return `${Math.round(value)} B`;
  if (value < 1_048_576) return `${(value / 1_024).toFixed(1)} KiB`;
  return `${(value / 1_048_576).toFixed(1)} MiB`;
}
