// Lines over time: uPlot with the page's colours, sizes and a legend of its own that tells the values under the pointer, or
// the newest ones. Drawn when its data changes, once a second, while it is in sight.
import { effect, useSignal, type ReadonlySignal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import { clock } from '../shared/format.ts';
import { colours, type ColourName } from '../shared/theme.ts';
import { seenOf } from './seen.ts';

export interface Line {
  readonly label: string;
  readonly colour: ColourName;
  /** The area below it. */
  readonly fill?: ColourName;
  readonly dash?: number[];
  readonly width?: number;
  /** Holds its value until the next point. */
  readonly stepped?: boolean;
}

interface ChartProps {
  /** For those who do not see it. */
  readonly label: string;
  /** Others than before: the chart is made anew. */
  readonly lines: readonly Line[];
  /** Seconds since 1970, then each line's values. */
  readonly data: ReadonlySignal<uPlot.AlignedData>;
  readonly format: (value: number) => string;
  readonly logarithmic?: boolean;
  /** Two lines between which is filled. */
  readonly band?: readonly [upper: number, lower: number, colour: ColourName];
  /** The least distance that the axis spans. */
  readonly spanMin?: number;
}

/** uPlot's enum has no values at run time. */
// oxlint-disable-next-line typescript/no-unsafe-enum-assignment -- a number is what it is.
const LOGARITHMIC = 3 as uPlot.Scale.Distr;

const AXIS_FONT = '11px Inter, system-ui, sans-serif';
/** Room for "1,234.56"; wider values get more. */
const AXIS_WIDTH_MIN = 44;
const CHARACTER_WIDTH = 6.6;

function axes(format: ChartProps['format']): uPlot.Axis[] {
  const common = { font: AXIS_FONT, stroke: () => colours.value.muted, ticks: { show: false } };
  const grid = { stroke: () => colours.value.line, width: 1 };
  return [
    {
      ...common, grid: { show: false }, size: 24, gap: 4, space: 70,
      incrs: [5, 10, 15, 30, 60, 120, 300, 600],
      // Whole minutes without their seconds.
      values: (_, splits, __, ___, step) => splits.map((at) => clock(at * 1000).slice(0, step < 60 ? undefined : 5)),
    },
    {
      ...common, grid, gap: 6, space: 34,
      size: (_, values) => Math.max(AXIS_WIDTH_MIN, 10 + CHARACTER_WIDTH * Math.max(0, ...(values ?? []).map((value) => (value as string | null)?.length ?? 0))),
      values: (_, splits) => splits.map((value) => (value === null ? '' : format(value))),
    },
  ];
}

/** Powers of ten alone have a name on a logarithmic axis. */
function powersOnly(_: uPlot, splits: number[]): (number | null)[] {
  return splits.map((value) => (Math.abs(Math.log10(value) % 1) < 1e-9 ? value : null));
}

function range(spanMin: number): uPlot.Range.Function {
  return (_, low, high) => {
    if (low === null || high === null) return [0, 1];
    const room = Math.max((high - low) * 0.08, (spanMin - (high - low)) / 2, Math.abs(high) * 1e-9, Number.MIN_VALUE);
    // What is never negative starts at 0 and not below.
    return [low >= 0 && low - room < 0 ? 0 : low - room, high + room];
  };
}

function options({ lines, format, logarithmic, band, spanMin }: ChartProps, size: { width: number; height: number }): uPlot.Options {
  const [x, y] = axes(format);
  return {
    ...size,
    padding: [8, 16, 0, 0],
    legend: { show: false },
    cursor: { y: false, drag: { x: false, y: false }, points: { size: 6 } },
    scales: {
      x: { time: true },
      y: logarithmic === true ? { distr: LOGARITHMIC, log: 10 } : { range: range(spanMin ?? 0) },
    },
    axes: [x, logarithmic === true ? { ...y, filter: powersOnly, grid: { ...y.grid, filter: powersOnly } } : y],
    series: [
      {},
      ...lines.map((line): uPlot.Series => ({
        label: line.label,
        stroke: () => colours.value[line.colour],
        ...(line.fill === undefined ? {} : { fill: () => colours.value[line.fill!] }),
        ...(line.dash === undefined ? {} : { dash: line.dash }),
        ...(line.stepped === true ? { paths: uPlot.paths.stepped!({ align: 1 }) } : {}),
        width: line.width ?? 1.5,
        points: { show: false },
      })),
    ],
    ...(band === undefined ? {} : { bands: [{ series: [band[0], band[1]], fill: () => colours.value[band[2]] }] }),
  };
}

export function Chart(props: ChartProps) {
  const place = useRef<HTMLDivElement>(null);
  const pointed = useSignal<number | null>(null);
  const { data } = props;
  const kind = props.lines.map(({ label }) => label).join('\n');

  useEffect(() => {
    const element = place.current!;
    const size = (): { width: number; height: number } => ({ width: Math.max(80, element.clientWidth), height: Math.max(60, element.clientHeight) });
    const chart = new uPlot({ ...options(props, size()), hooks: { setCursor: [(plot) => (pointed.value = plot.cursor.idx ?? null)] } }, data.peek(), element);
    const resized = new ResizeObserver(() => chart.setSize(size()));
    resized.observe(element);
    const { seen, stop: stopSeen } = seenOf(element);
    const stopData = effect(() => {
      if (seen.value) chart.setData(data.value);
    });
    const stopColours = effect(() => {
      if (colours.value.text !== undefined) chart.redraw(false);
    });
    return () => {
      stopData();
      stopSeen();
      stopColours();
      resized.disconnect();
      chart.destroy();
    };
  }, [kind, props.format, data]);

  return (
    <figure class="chart">
      <Legend lines={props.lines} data={data} format={props.format} pointed={pointed} />
      <div class="chart-place" ref={place} role="img" aria-label={props.label} />
    </figure>
  );
}

type LegendProps = Pick<ChartProps, 'lines' | 'data' | 'format'> & { readonly pointed: ReadonlySignal<number | null> };

function Legend({ lines, data, format, pointed }: LegendProps) {
  const columns = data.value;
  const at = pointed.value ?? columns[0].length - 1;
  return (
    <figcaption class="legend">
      {lines.map(({ label, colour }, index) => {
        const value = columns[index + 1]?.[at] ?? null;
        return (
          <span key={label}>
            <i class={`swatch ${colour}`} />
            {label} <b>{value === null ? '–' : format(value)}</b>
          </span>
        );
      })}
      {pointed.value !== null && columns[0][at] !== undefined && <time>{clock(columns[0][at] * 1000)}</time>}
    </figcaption>
  );
}
