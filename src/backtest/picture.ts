// A backtest as a picture: price with our trades, position, profit and its drawdown over the same
// time. One SVG without anything from outside, light or dark as the reader's system is.
//
//   ┌ title ─────────────────────────────┐
//   │ price      line, ▲ bought, ▼ sold  │
//   │ position   area around zero        │
//   │ profit     line, drawdown shaded   │
//   └ time ──────────────────────────────┘
//
// Cost: each column of pixels draws the lowest and highest value that falls into it, so a picture's size does
// not depend on the length of the run. Fills beyond MARKS_MAX are thinned out, and the picture says so.
import { MID2_NONE } from '../trader/instruments.ts';
import type { BacktestResult } from './recorder.ts';

const WIDTH = 1_000;
const LEFT = 74;
const RIGHT = 18;
const PLOT_WIDTH = WIDTH - LEFT - RIGHT;
const TITLE_HEIGHT = 80;
const GAP = 30;
const PANELS = { price: 260, position: 120, profit: 180 } as const;
const AXIS_HEIGHT = 34;
const HEIGHT = TITLE_HEIGHT + PANELS.price + PANELS.position + PANELS.profit + 2 * GAP + AXIS_HEIGHT;
/** More marks than this are a smear. */
const MARKS_MAX = 1_500;
const GRID_LINES = 6;
const NS_PER_S = 1_000_000_000;
/** Steps of a time axis, in seconds. */
const TIME_STEPS_S = [1, 2, 5, 10, 30, 60, 120, 300, 600, 1_800, 3_600, 7_200];
const TIME_LABELS_MAX = 9;

const STYLE = `
:root { color-scheme: light dark }
text { font: 12px system-ui, sans-serif; fill: #5b6470 }
.title { font-size: 17px; font-weight: 600; fill: #17202b }
.name { font-weight: 600; fill: #17202b }
.paper { fill: #ffffff } .grid { stroke: #e3e7ec; stroke-width: 1 } .zero { stroke: #9aa4b1; stroke-width: 1 }
.price { stroke: #47566b; fill: none; stroke-width: 1.2 } .profit { stroke: #1f6fd6; fill: none; stroke-width: 1.6 }
.position { fill: #7a5cc7; fill-opacity: .45 } .drawdown { fill: #d64545; fill-opacity: .16 }
.buy { fill: #178a54 } .sell { fill: #d0423f }
@media (prefers-color-scheme: dark) {
  text { fill: #9aa6b5 } .title, .name { fill: #eef2f6 } .paper { fill: #12171d } .grid { stroke: #26303b } .zero { stroke: #5c6875 }
  .price { stroke: #c3cedb } .profit { stroke: #64a8ff } .position { fill: #a78bfa } .drawdown { fill: #ff6b6b; fill-opacity: .22 }
  .buy { fill: #3ecf8e } .sell { fill: #ff7b72 }
}`;

/** The whole SVG as text. */
export function backtestPicture(result: BacktestResult): string {
  const { course } = result;
  const time = new TimeScale(course.timeNs[0] ?? 0, course.timeNs.at(-1) ?? 1);
  const tick = result.instrument.tickSize / 10 ** result.instrument.decimals;
  const priceTop = TITLE_HEIGHT;
  const positionTop = priceTop + PANELS.price + GAP;
  const profitTop = positionTop + PANELS.position + GAP;
  const parts = [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${escaped(titleOf(result))}">`,
    `<style>${STYLE}</style>`,
    `<rect class="paper" width="${WIDTH}" height="${HEIGHT}" rx="8"/>`,
    ...titleLines(result),
    ...timeAxis(time, priceTop, profitTop + PANELS.profit),
    ...pricePanel(result, time, tick, priceTop),
    ...positionPanel(result, time, positionTop),
    ...profitPanel(result, time, tick, profitTop),
    '</svg>',
  ];
  return `${parts.join('\n')}\n`;
}

/** Time to x, and each row of a column of the course to its pixel column. */
class TimeScale {
  readonly startNs: number;
  readonly spanNs: number;

  constructor(startNs: number, endNs: number) {
    this.startNs = startNs;
    this.spanNs = Math.max(1, endNs - startNs);
  }

  x(timeNs: number): number {
    return LEFT + ((timeNs - this.startNs) / this.spanNs) * PLOT_WIDTH;
  }
}

class ValueScale {
  readonly low: number;
  readonly high: number;
  readonly top: number;
  readonly height: number;

  constructor(low: number, high: number, top: number, height: number) {
    const room = high > low ? (high - low) * 0.06 : Math.max(1, Math.abs(high) * 0.01);
    this.low = low - room;
    this.high = high + room;
    this.top = top;
    this.height = height;
  }

  y(value: number): number {
    return this.top + this.height * (1 - (value - this.low) / (this.high - this.low));
  }
}

function titleOf(result: BacktestResult): string {
  return `${result.strategy} on ${result.instrument.symbol}`;
}

function titleLines(result: BacktestResult): string[] {
  const { summary } = result;
  const words = [
    `profit ${money(summary.profit)}`, `drawdown ${money(summary.drawdownMax)}`,
    `${whole(summary.fills)} fills`, `${whole(summary.boughtQty + summary.soldQty)} traded`,
    `position ${whole(summary.positionMin)} … ${whole(summary.positionMax)}`,
  ];
  return [
    `<text class="title" x="${LEFT}" y="30">${escaped(titleOf(result))}</text>`,
    `<text x="${LEFT}" y="50">${escaped(words.join('  ·  '))}</text>`,
  ];
}

function pricePanel(result: BacktestResult, time: TimeScale, tick: number, top: number): string[] {
  const { course, fills } = result;
  const price = course.mid2.map((mid2) => (mid2 === MID2_NONE ? NaN : (mid2 / 2) * tick));
  const [low, high] = rangeOf([...price.filter(Number.isFinite), ...fills.map((fill) => fill.priceTicks * tick)]);
  const scale = new ValueScale(low, high, top, PANELS.price);
  const step = Math.max(1, Math.ceil(fills.length / MARKS_MAX));
  const marks = fills.filter((_, index) => index % step === 0).map((fill) => {
    const x = time.x(fill.timeNs);
    const y = scale.y(fill.priceTicks * tick);
    return fill.side > 0
      ? `<path class="buy" d="M${fixed(x)} ${fixed(y)}l-3.5 7h7z"/>`
      : `<path class="sell" d="M${fixed(x)} ${fixed(y)}l-3.5 -7h7z"/>`;
  });
  const thinned = step > 1 ? `, one mark in ${step} fills` : '';
  return [
    ...grid(scale, (value) => value.toFixed(Math.min(4, result.instrument.decimals))),
    `<text class="name" x="${LEFT}" y="${top - 6}">price${thinned}</text>`,
    `<path class="price" d="${line(course.timeNs, price, time, scale)}"/>`,
    ...marks,
  ];
}

function positionPanel(result: BacktestResult, time: TimeScale, top: number): string[] {
  const { course } = result;
  const [low, high] = rangeOf([0, ...course.position]);
  const scale = new ValueScale(low, high, top, PANELS.position);
  return [
    ...grid(scale, whole),
    `<text class="name" x="${LEFT}" y="${top - 6}">position</text>`,
    `<path class="position" d="${area(course.timeNs, course.position, course.position.map(() => 0), time, scale)}"/>`,
    zeroLine(scale),
  ];
}

function profitPanel(result: BacktestResult, time: TimeScale, tick: number, top: number): string[] {
  const { course } = result;
  const profit = course.profit2.map((profit2) => (profit2 / 2) * tick);
  let high = 0;
  const highest = profit.map((value) => (high = Math.max(high, value)));
  const [low, most] = rangeOf([0, ...profit, high]);
  const scale = new ValueScale(low, most, top, PANELS.profit);
  return [
    ...grid(scale, money),
    `<text class="name" x="${LEFT}" y="${top - 6}">profit, realised and unrealised; drawdown shaded</text>`,
    `<path class="drawdown" d="${area(course.timeNs, profit, highest, time, scale)}"/>`,
    zeroLine(scale),
    `<path class="profit" d="${line(course.timeNs, profit, time, scale)}"/>`,
  ];
}

/** A path through the lowest and highest value of each pixel column; gaps where the value is not known. */
function line(timeNs: readonly number[], values: readonly number[], time: TimeScale, scale: ValueScale): string {
  let path = '';
  let pen = 'M';
  for (const column of columnsOf(timeNs, values, time)) {
    if (column.low > column.high) {
      pen = 'M';
      continue;
    }
    path += `${pen}${fixed(column.x)} ${fixed(scale.y(column.first))}`;
    if (column.high > column.low) {
      path += `V${fixed(scale.y(column.low))}V${fixed(scale.y(column.high))}V${fixed(scale.y(column.last))}`;
    }
    pen = 'L';
  }
  return path;
}

/** The area between two curves. */
function area(
  timeNs: readonly number[], from: readonly number[], to: readonly number[], time: TimeScale, scale: ValueScale,
): string {
  const there = columnsOf(timeNs, from, time);
  const back = columnsOf(timeNs, to, time).toReversed();
  if (there.length === 0) return '';
  const out = there.map((column) => `${fixed(column.x)} ${fixed(scale.y(column.last))}`);
  const home = back.map((column) => `${fixed(column.x)} ${fixed(scale.y(column.last))}`);
  return `M${[...out, ...home].join('L')}Z`;
}

interface Column {
  readonly x: number;
  first: number;
  low: number;
  high: number;
  last: number;
}

/** Rows gathered by pixel column; `low > high` where nothing is known. */
function columnsOf(timeNs: readonly number[], values: readonly number[], time: TimeScale): Column[] {
  const columns: Column[] = [];
  let current: Column | null = null;
  for (let i = 0; i < timeNs.length; i++) {
    const x = Math.round(time.x(timeNs[i]));
    const value = values[i];
    if (current === null || current.x !== x) {
      current = { x, first: value, low: Infinity, high: -Infinity, last: value };
      columns.push(current);
    }
    if (Number.isNaN(value)) continue;
    if (current.low > current.high) current.first = value;
    current.low = Math.min(current.low, value);
    current.high = Math.max(current.high, value);
    current.last = value;
  }
  return columns;
}

function grid(scale: ValueScale, label: (value: number) => string): string[] {
  const lines: string[] = [];
  const step = roundStep((scale.high - scale.low) / GRID_LINES);
  for (let i = Math.ceil(scale.low / step); i * step <= scale.high; i++) {
    const value = i * step;
    const y = fixed(scale.y(value));
    lines.push(`<line class="grid" x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${y}" y2="${y}"/>`);
    lines.push(`<text x="${LEFT - 8}" y="${y}" dy="4" text-anchor="end">${escaped(label(value))}</text>`);
  }
  return lines;
}

/** The least of 1, 2, 5 × 10^n that is not below `least`. */
function roundStep(least: number): number {
  const power = 10 ** Math.floor(Math.log10(least));
  const step = [1, 2, 5, 10].find((factor) => factor * power >= least) ?? 10;
  return step * power;
}

function zeroLine(scale: ValueScale): string {
  const y = fixed(scale.y(0));
  return `<line class="zero" x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${y}" y2="${y}"/>`;
}

function timeAxis(time: TimeScale, top: number, bottom: number): string[] {
  const spanS = time.spanNs / NS_PER_S;
  const stepS = TIME_STEPS_S.find((step) => spanS / step <= TIME_LABELS_MAX) ?? Math.ceil(spanS / TIME_LABELS_MAX);
  const marks: string[] = [];
  for (let s = Math.ceil(time.startNs / NS_PER_S / stepS) * stepS; s * NS_PER_S <= time.startNs + time.spanNs; s += stepS) {
    const x = fixed(time.x(s * NS_PER_S));
    marks.push(`<line class="grid" x1="${x}" x2="${x}" y1="${top}" y2="${bottom}"/>`);
    marks.push(`<text x="${x}" y="${bottom + 20}" text-anchor="middle">${clockText(s, stepS < 60)}</text>`);
  }
  return marks;
}

/** 09:30, or 09:30:05. */
export function clockText(seconds: number, withSeconds: boolean): string {
  const pad = (value: number): string => String(Math.floor(value)).padStart(2, '0');
  const text = `${pad(seconds / 3_600)}:${pad((seconds / 60) % 60)}`;
  return withSeconds ? `${text}:${pad(seconds % 60)}` : text;
}

function rangeOf(values: readonly number[]): [number, number] {
  let low = Infinity;
  let high = -Infinity;
  for (const value of values) {
    low = Math.min(low, value);
    high = Math.max(high, value);
  }
  return low > high ? [0, 1] : [low, high];
}

function money(value: number): string {
  return value.toLocaleString('en-US', { minimumFractionDigits: 2, maximumFractionDigits: 2 });
}

function whole(value: number): string {
  return Math.round(value).toLocaleString('en-US');
}

function fixed(value: number): string {
  return String(Math.round(value * 10) / 10);
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
}
