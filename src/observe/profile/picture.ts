// A profile as a picture: where the time goes, and how far the tail reaches. One SVG without anything from outside, light or dark as
// the reader's system is; or the same in a page with its table.
//
//   ┌ title ─────────────────────────────────────────────────┐
//   │ waterfall   a bar a stage, from the median of the stage before to its own; thin line: to its p99, or the edge
//   │ curves      time over percentile, both logarithmic: 50, 90, 99, 99.9, 99.99 %
//   └────────────────────────────────────────────────────────┘
//
// The curves are those of the time since the first stage, so the last one is the pipeline's. Medians of sums are not sums of
// medians: a bar begins where the stage before has its median.
import { ALL, curveKey, type Curve, type ProfileWindow, type StageFigures } from './profile_reader.ts';
import type { ProfileOrigin } from './export.ts';

const WIDTH = 1_000;
const LEFT = 120;
const RIGHT = 120;
const PLOT = WIDTH - LEFT - RIGHT;
const TITLE_HEIGHT = 84;
const BAR_HEIGHT = 34;
const HEAD_HEIGHT = 30;
const CURVES_HEIGHT = 320;
const GAP = 34;
const FOOT = 44;
/** 1 − 10^−n of the values: the axis of percentiles runs in n. */
const NINES = [0, 0.301_03, 1, 2, 3, 4] as const;
const NINES_TEXT = ['0', '50 %', '90 %', '99 %', '99.9 %', '99.99 %'] as const;
const NINES_MAX = 4.3;
/** Medians' share of the waterfall: what lies beyond so many times the last one is cut off, and its label says how far it goes. */
const TAIL_SHOWN = 1.6;
/** A curve is drawn with so many points at most. */
const POINTS_MAX = 400;

const COLOURS = ['#2f7ed8', '#19a974', '#c9820a', '#8e5bd0', '#d6455d', '#158f9c'] as const;

const STYLE = `
:root { color-scheme: light dark }
text { font: 12px system-ui, sans-serif; fill: #5b6470 }
.title { font-size: 17px; font-weight: 600; fill: #17202b }
.name { font-weight: 600; fill: #17202b }
.paper { fill: #ffffff } .grid { stroke: #e3e7ec; stroke-width: 1 }
.tail { stroke-width: 2; stroke-linecap: round; opacity: .55 }
.curve { fill: none; stroke-width: 1.8; stroke-linejoin: round }
@media (prefers-color-scheme: dark) {
  text { fill: #9aa6b5 } .title, .name { fill: #eef2f6 } .paper { fill: #12171d } .grid { stroke: #26303b }
}`;

/** Nanoseconds as people read them. */
export function durationText(ns: number): string {
  if (ns < 1_000) return `${Math.round(ns)} ns`;
  if (ns < 1e6) return `${digits(ns / 1e3)} µs`;
  if (ns < 1e9) return `${digits(ns / 1e6)} ms`;
  return `${digits(ns / 1e9)} s`;
}

function digits(value: number): string {
  return value < 10 ? value.toFixed(2) : value < 100 ? value.toFixed(1) : value.toFixed(0);
}

/** The stages of a pipeline that were passed, with the time since its first. */
function passed(window: ProfileWindow, pipeline: string): StageFigures[] {
  return window.stages.filter((one) => one.pipeline === pipeline && one.operation === ALL && one.span === 'since' && one.count > 0);
}

/** The whole SVG as text. */
export function profilePicture(window: ProfileWindow, origin: ProfileOrigin): string {
  const pipelines = Object.keys(window.samples).filter((name) => passed(window, name).length > 0);
  const parts: string[] = [];
  let top = TITLE_HEIGHT;
  for (const pipeline of pipelines) {
    const panel = pipelinePanel(window, pipeline, top);
    parts.push(...panel.parts);
    top = panel.bottom + GAP;
  }
  if (pipelines.length === 0) {
    parts.push(`<text x="${LEFT}" y="${top}">Nothing was recorded in this time.</text>`);
    top += GAP;
  }
  const height = top + FOOT - GAP;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" role="img" aria-label="${escaped(`Latency profile of ${origin.title}`)}">`,
    `<style>${STYLE}</style>`,
    `<rect class="paper" width="${WIDTH}" height="${height}" rx="8"/>`,
    `<text class="title" x="24" y="36">${escaped(origin.title)}: where the time goes</text>`,
    `<text x="24" y="58">${escaped(subtitle(window, origin))}</text>`,
    ...parts,
    '</svg>',
    '',
  ].join('\n');
}

function subtitle({ seconds, samples }: ProfileWindow, { machine, takenMs }: ProfileOrigin): string {
  const counts = Object.entries(samples).map(([name, { samples: taken, requests, every }]) =>
    `${name}: ${count(taken)} samples${every > 1 ? ` of one turn in ${every}` : ''}, ${count(requests)} ${name === 'trader' ? 'decisions' : 'requests'}`);
  return `${counts.join(' · ')} · ${seconds.toFixed(0)} s · ${machine} · ${new Date(takenMs).toISOString().slice(0, 16).replace('T', ' ')}`;
}

function count(value: number): string {
  return Math.round(value).toLocaleString('en');
}

function pipelinePanel(window: ProfileWindow, pipeline: string, top: number): { parts: string[]; bottom: number } {
  const stages = passed(window, pipeline);
  const barsTop = top + HEAD_HEIGHT;
  const barsBottom = barsTop + stages.length * BAR_HEIGHT;
  const curvesTop = barsBottom + GAP + HEAD_HEIGHT;
  return {
    parts: [
      `<text class="name" x="24" y="${top + 14}">${escaped(pipeline)}: median time of each stage; the thin line reaches to p99</text>`,
      ...waterfall(stages, barsTop),
      `<text class="name" x="24" y="${barsBottom + GAP + 10}">${escaped(pipeline)}: time since the first stage, over the share of all that took no longer</text>`,
      ...curves(window, stages, curvesTop),
    ],
    bottom: curvesTop + CURVES_HEIGHT + 24,
  };
}

// ── waterfall ──────────────────────────────────────────────────────────────────────────────────

function waterfall(stages: readonly StageFigures[], top: number): string[] {
  // The scale is the medians': a tail a hundred times as long would leave nothing of them to see, and ends at the edge.
  const end = TAIL_SHOWN * Math.max(1, ...stages.map(({ p50 }) => p50));
  const x = (ns: number): number => LEFT + (Math.min(ns, end) / end) * PLOT;
  const bottom = top + stages.length * BAR_HEIGHT;
  const parts = linearTicks(end).map((ns) =>
    `<line class="grid" x1="${fixed(x(ns))}" y1="${top}" x2="${fixed(x(ns))}" y2="${bottom}"/><text x="${fixed(x(ns))}" y="${bottom + 16}" text-anchor="middle">${durationText(ns)}</text>`);
  let before = 0;
  for (const [index, { stage, p50, p99 }] of stages.entries()) {
    const y = top + index * BAR_HEIGHT + 6;
    const colour = COLOURS[index % COLOURS.length];
    const middle = y + (BAR_HEIGHT - 12) / 2;
    const from = Math.min(before, p50);
    parts.push(
      `<text class="name" x="${LEFT - 10}" y="${middle + 4}" text-anchor="end">${escaped(stage)}</text>`,
      `<line class="tail" stroke="${colour}" x1="${fixed(x(p50))}" y1="${middle}" x2="${fixed(x(p99))}" y2="${middle}"/>`,
      `<rect fill="${colour}" x="${fixed(x(from))}" y="${y}" width="${fixed(Math.max(2, x(p50) - x(from)))}" height="${BAR_HEIGHT - 12}" rx="3"/>`,
      `<text x="${fixed(x(p99) + 8)}" y="${middle + 4}">${durationText(p50)} → ${durationText(p99)}</text>`,
    );
    before = p50;
  }
  return parts;
}

/** Four to nine round values from 0 to `end`. */
function linearTicks(end: number): number[] {
  const unit = 10 ** Math.floor(Math.log10(end));
  const step = [0.1, 0.2, 0.5, 1, 2].map((part) => part * unit).find((one) => end / one <= 8) ?? unit;
  return Array.from({ length: Math.floor(end / step) + 1 }, (_, i) => i * step);
}

// ── curves ─────────────────────────────────────────────────────────────────────────────────────

function curves(window: ProfileWindow, stages: readonly StageFigures[], top: number): string[] {
  const low = Math.log10(Math.max(1, Math.min(...stages.map(({ min }) => min))) * 0.9);
  const high = Math.log10(Math.max(10, ...stages.map(({ max }) => max)) * 1.1);
  const bottom = top + CURVES_HEIGHT;
  const x = (nines: number): number => LEFT + (Math.min(nines, NINES_MAX) / NINES_MAX) * PLOT;
  const y = (ns: number): number => bottom - ((Math.log10(Math.max(1, ns)) - low) / (high - low)) * CURVES_HEIGHT;
  const parts = NINES.map((nines, i) =>
    `<line class="grid" x1="${fixed(x(nines))}" y1="${top}" x2="${fixed(x(nines))}" y2="${bottom}"/><text x="${fixed(x(nines))}" y="${bottom + 16}" text-anchor="middle">${NINES_TEXT[i]}</text>`);
  for (let power = Math.ceil(low); power <= Math.floor(high); power += 1) {
    const at = fixed(y(10 ** power));
    parts.push(`<line class="grid" x1="${LEFT}" y1="${at}" x2="${LEFT + PLOT}" y2="${at}"/><text x="${LEFT - 8}" y="${at}" dy="4" text-anchor="end">${durationText(10 ** power)}</text>`);
  }
  const labels = spreadLabels(stages.map(({ max }) => y(max)));
  for (const [index, { pipeline, stage, count: total }] of stages.entries()) {
    const curve = window.curves[curveKey(pipeline, stage, 'since')] ?? [];
    const colour = COLOURS[index % COLOURS.length];
    const points = pointsOf(curve, total).map(([nines, ns]) => `${fixed(x(nines))},${fixed(y(ns))}`);
    parts.push(
      `<polyline class="curve" stroke="${colour}" points="${points.join(' ')}"/>`,
      `<text x="${LEFT + PLOT + 8}" y="${fixed(labels[index] + 4)}" style="fill:${colour}">${escaped(stage)}</text>`,
    );
  }
  return parts;
}

/** Places of labels at least a line apart, in the order of the curves' ends. */
function spreadLabels(ends: readonly number[]): number[] {
  const order = ends.map((_, index) => index).toSorted((a, b) => ends[b] - ends[a]);
  const places = [...ends];
  for (let i = 1; i < order.length; i += 1) places[order[i]] = Math.min(places[order[i]], places[order[i - 1]] - 15);
  return places;
}

/** [n of 1 − 10^−n, time], rising in both; thinned out where it would be drawn on the same spot. */
export function pointsOf(curve: Curve, total: number): [nines: number, ns: number][] {
  const points: [number, number][] = [];
  let below = 0;
  let last = -Infinity;
  for (const [lowest, highest, values] of curve) {
    if (points.length === 0) points.push([0, lowest]);
    below += values;
    const beyond = Math.max(total - below, 0.5) / total; // the largest value stands for half of itself
    const nines = -Math.log10(beyond);
    if (nines - last < NINES_MAX / POINTS_MAX && below < total) continue;
    last = nines;
    points.push([nines, (lowest + highest) / 2]);
  }
  return points;
}

function fixed(value: number): string {
  return value.toFixed(1);
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
}

// ── page ───────────────────────────────────────────────────────────────────────────────────────

const TABLE: readonly (readonly [column: keyof StageFigures, title: string])[] = [
  ['count', 'count'], ['min', 'min'], ['mean', 'mean'], ['p50', 'p50'], ['p90', 'p90'], ['p99', 'p99'], ['p999', 'p99.9'],
  ['p9999', 'p99.99'], ['max', 'max'], ['jitter', 'jitter'],
];

/** The picture with its figures below: a page of its own. */
export function profilePage(window: ProfileWindow, origin: ProfileOrigin): string {
  const rows = window.stages.filter(({ count: values }) => values > 0).map((figures) => {
    const cells = TABLE.map(([column]) => `<td>${column === 'count' ? count(figures.count) : durationText(Number(figures[column]))}</td>`);
    const { pipeline, stage, operation, span } = figures;
    const names = [pipeline, stage, operation, span === 'own' ? 'of its own' : 'since the first'].map((name) => `<th>${escaped(name)}</th>`);
    return `<tr${operation === ALL ? ' class="all"' : ''}>${names.join('')}${cells.join('')}</tr>`;
  });
  const head = ['pipeline', 'stage', 'operation', 'time', ...TABLE.map(([, title]) => title)].map((title) => `<th>${title}</th>`).join('');
  return `<!doctype html>
<html lang="en"><meta charset="utf-8"><title>${escaped(origin.title)}: latency profile</title>
<style>
:root { color-scheme: light dark } body { font: 13px system-ui, sans-serif; margin: 24px auto; max-width: 1100px }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums } th { text-align: left; font-weight: 500 }
td { text-align: right } th, td { padding: 3px 8px; border-bottom: 1px solid color-mix(in srgb, currentColor 15%, transparent) } .all { font-weight: 600 }
</style>
${profilePicture(window, origin)}
<table><thead><tr>${head}</tr></thead><tbody>
${rows.join('\n')}
</tbody></table></html>
`;
}
