// Order latency: its distribution over the window on a logarithmic axis, and its percentiles over ten minutes.
import { useComputed } from '@preact/signals';
import type uPlot from 'uplot';
import { count, duration } from '../shared/format.ts';
import { colours } from '../shared/theme.ts';
import { Canvas, CANVAS_FONT, type Paint } from './canvas.tsx';
import { Chart, type Line } from './chart.tsx';
import { binsOf, type Bins } from './histogram.ts';
import { Panel } from './panel.tsx';
import { measured, state } from './state.ts';

const BOTTOM = 22;
const TOP = 20;
const EMPTY = 'No order was measured in the last minute.';

function paintBars(context: CanvasRenderingContext2D, bins: Bins, width: number, ground: number, pointed: number | null): void {
  const step = width / bins.counts.length;
  const gap = step > 4 ? 1 : 0;
  for (const [index, bin] of bins.counts.entries()) {
    if (bin === 0) continue;
    // One order in a million is a pixel, too.
    const height = Math.max(1.5, (bin / bins.largest) * (ground - TOP));
    context.fillStyle = colours.value[index === pointed ? 'text' : 'accent'];
    context.fillRect(index * step, ground - height, step - gap, height);
  }
}

function paintAxis(context: CanvasRenderingContext2D, bins: Bins, width: number, ground: number): void {
  const { line, muted } = colours.value;
  context.strokeStyle = line;
  context.beginPath();
  context.moveTo(0, ground + 0.5);
  context.lineTo(width, ground + 0.5);
  context.stroke();
  context.fillStyle = muted;
  for (let power = Math.ceil(bins.low); power <= bins.high; power++) {
    const x = ((power - bins.low) / (bins.high - bins.low)) * width;
    context.textAlign = x < 20 ? 'left' : x > width - 20 ? 'right' : 'center';
    context.fillText(duration(10 ** power), x, ground + 16);
  }
}

/** Where the percentiles lie, by name; a name that has no room is left out, its line is not. */
function paintMarks(context: CanvasRenderingContext2D, bins: Bins, width: number, ground: number): void {
  const latency = measured(state.status.value?.system.exchange?.orderLatency);
  if (latency === null) return;
  context.textAlign = 'left';
  let roomFrom = -Infinity;
  for (const [name, ns] of [['p50', latency.p50Ns], ['p90', latency.p90Ns], ['p99', latency.p99Ns], ['p99.9', latency.p999Ns]] as const) {
    if (ns <= 0) continue;
    const x = Math.round(((Math.log10(ns) - bins.low) / (bins.high - bins.low)) * width) + 0.5;
    if (x < 0 || x > width) continue;
    context.strokeStyle = colours.value.warn;
    context.setLineDash([2, 3]);
    context.beginPath();
    context.moveTo(x, TOP - 4);
    context.lineTo(x, ground);
    context.stroke();
    context.setLineDash([]);
    const left = Math.min(x + 3, width - 30);
    if (left < roomFrom) continue;
    context.fillStyle = colours.value.warn;
    context.fillText(name, left, 12);
    roomFrom = left + context.measureText(name).width + 6;
  }
}

const paint: Paint = (context, width, height, pointer) => {
  const bins = binsOf(state.history.value.histogram);
  if (bins === null) return;
  const ground = height - BOTTOM;
  context.font = CANVAS_FONT;
  context.lineWidth = 1;
  const pointed = pointer === null ? null : Math.min(bins.counts.length - 1, Math.floor((pointer.x / width) * bins.counts.length));
  paintBars(context, bins, width, ground, pointed);
  paintAxis(context, bins, width, ground);
  if (pointed === null) {
    paintMarks(context, bins, width, ground);
    return;
  }
  const edge = (index: number): string => duration(10 ** (bins.low + ((bins.high - bins.low) * index) / bins.counts.length));
  const bin = bins.counts[pointed];
  context.fillStyle = colours.value.text;
  context.textAlign = 'left';
  context.fillText(`${edge(pointed)} – ${edge(pointed + 1)}: ${count(bin)} (${((bin / bins.total) * 100).toFixed(1)}%)`, 2, 12);
};

export function HistogramPanel() {
  const latency = measured(state.status.value?.system.exchange?.orderLatency);
  const empty = state.history.value.histogram.length === 0 ? EMPTY : undefined;
  const words = latency === null ? '' : `${count(latency.count)} orders`;
  return (
    <Panel area="histogram-panel" about="How long orders took inside the exchange in the last minute, from the bytes read to the answer written; the axis is logarithmic" title="Order latency" note={words} empty={empty}>
      <Canvas label={`Distribution of the order latency: median ${duration(latency?.p50Ns ?? null)}, p99 ${duration(latency?.p99Ns ?? null)}`} paint={paint} />
    </Panel>
  );
}

const LINES: readonly Line[] = [
  { label: 'p50', colour: 'series-3' },
  { label: 'p90', colour: 'series-1' },
  { label: 'p99', colour: 'series-2' },
  { label: 'max', colour: 'series-5', width: 1, dash: [2, 3] },
];

export function PercentilesPanel() {
  const data = useComputed<uPlot.AlignedData>(() => {
    const { points } = state.history.value;
    const column = (pick: 'p50Ns' | 'p90Ns' | 'p99Ns' | 'maxNs'): (number | null)[] =>
      // A logarithm has no place for 0.
      points.map(({ latency }) => (latency === null || latency[pick] <= 0 ? null : latency[pick]));
    return [points.map((point) => point.atMs / 1000), column('p50Ns'), column('p90Ns'), column('p99Ns'), column('maxNs')];
  });
  const empty = state.history.value.points.some(({ latency }) => latency !== null) ? undefined : 'No order was measured in the last ten minutes.';
  return (
    <Panel area="percentiles-panel" about="Of each second: half of the orders took at most p50, 99 of 100 at most p99; the axis is logarithmic" title="Latency percentiles" empty={empty} note="each second">
      <Chart label="Percentiles of the order latency over ten minutes" lines={LINES} data={data} format={duration} logarithmic />
    </Panel>
  );
}
