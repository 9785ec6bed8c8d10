// The whole day as a strip, and the scrubber on it: best prices as a band, trades as their range, traded quantity below by what
// the aggressor did, the life of the chosen order as marks. Every pixel stands for equally many events.
//
// Two canvases: the day, painted when it or the size changes, and above it what moves with the instant.
import { effect, signal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import type { Overview } from '../../src/timetravel/moment.ts';
import { colours } from '../shared/theme.ts';
import { pause } from './player.ts';
import { day, go, moment, order, overview } from './state.ts';
import { stepBy, toEnd, toStart, LEAP } from './actions.ts';
import { timeOfDay } from './times.ts';

const FONT = '11px Inter, system-ui, sans-serif';
const AXIS_HEIGHT = 18;
const VOLUME_SHARE = 0.24;
const LABEL_WIDTH = 104;
const PADDING = 6;

/** Where the pointer is, in pixels from the left; null: elsewhere. */
const hovered = signal<number | null>(null);

export function Strip() {
  const place = useRef<HTMLDivElement>(null);
  useEffect(() => {
    // Kept: its size may change between the strip's end, which empties the reference, and the end of this effect.
    const box = place.current!;
    const [below, above] = [...box.querySelectorAll('canvas')];
    const size = signal({ width: 0, height: 0 });
    const resized = new ResizeObserver(() => {
      const { clientWidth: width, clientHeight: height } = box;
      size.value = { width, height };
    });
    resized.observe(box);
    const stopBelow = effect(() => paintOn(below, size.value.width, size.value.height, paintDay));
    const stopAbove = effect(() => paintOn(above, size.value.width, size.value.height, paintNow));
    return () => {
      stopBelow();
      stopAbove();
      resized.disconnect();
    };
  }, []);
  const position = moment.value?.position ?? 0;
  const seek = (event: PointerEvent): void => {
    const { left, width } = place.current!.getBoundingClientRect();
    pause();
    go({ position: Math.round(((event.clientX - left) / width) * (day.value?.inputs ?? 0)) });
  };
  return (
    <div
      class="strip" ref={place} role="slider" tabIndex={0} aria-label="Instant of the day" aria-valuemin={0} aria-valuemax={day.value?.inputs ?? 0}
      aria-valuenow={position} aria-valuetext={timeOfDay(moment.value?.timeNs ?? 0, day.value?.zeroMs ?? null, 3)}
      onPointerDown={(event) => {
        event.currentTarget.setPointerCapture(event.pointerId);
        seek(event);
      }}
      onPointerMove={(event) => {
        hovered.value = event.offsetX;
        if (event.buttons === 1) seek(event);
      }}
      onPointerLeave={() => (hovered.value = null)}
      onKeyDown={(event) => {
        if (event.key === 'PageUp') stepBy(-LEAP * 10);
        else if (event.key === 'PageDown') stepBy(LEAP * 10);
        else if (event.key === 'Home') toStart();
        else if (event.key === 'End') toEnd();
        else return;
        event.preventDefault();
        event.stopPropagation();
      }}
    >
      <canvas />
      <canvas />
    </div>
  );
}

type Paint = (context: CanvasRenderingContext2D, width: number, height: number) => void;

function paintOn(canvas: HTMLCanvasElement, width: number, height: number, paint: Paint): void {
  const scale = devicePixelRatio;
  const [columns, rows] = [Math.round(width * scale), Math.round(height * scale)];
  if (canvas.width !== columns || canvas.height !== rows) {
    canvas.width = columns;
    canvas.height = rows;
  }
  const context = canvas.getContext('2d')!;
  context.setTransform(scale, 0, 0, scale, 0, 0);
  context.clearRect(0, 0, width, height);
  context.font = FONT;
  if (width > 0) paint(context, width, height);
}

// ── the day ──────────────────────────────────────────────────────────────────────────────────

function paintDay(context: CanvasRenderingContext2D, width: number, height: number): void {
  const whole = overview.value;
  if (whole === null || colours.value.bid === undefined) return;
  const bottom = height - AXIS_HEIGHT;
  const priceBottom = bottom * (1 - VOLUME_SHARE);
  const scale = scaleOf(whole, priceBottom);
  const columnWidth = width / whole.positions.length;
  paintVolume(context, whole, columnWidth, bottom, bottom * VOLUME_SHARE);
  if (scale !== null) {
    paintBand(context, whole, columnWidth, scale);
    paintTrades(context, whole, columnWidth, scale);
  }
  paintAxis(context, whole, width, height);
}

/** Ticks to pixels over what is nearly all of the day: a moment's empty or absurd touch does not flatten the rest. */
function scaleOf({ bids, asks, highs, lows }: Overview, bottom: number): ((ticks: number) => number) | null {
  const traded = [...highs, ...lows].filter((value) => value !== null);
  const seen = (traded.length > 20 ? traded : [...bids, ...asks].filter((value) => value !== null)).toSorted((a, b) => a - b);
  if (seen.length === 0) return null;
  const cut = Math.floor(seen.length * 0.002);
  const low = seen[cut];
  const high = seen[seen.length - 1 - cut];
  const margin = Math.max(1, (high - low) * 0.08);
  return (ticks) => PADDING + (1 - (ticks - low + margin) / (high - low + 2 * margin)) * (bottom - 2 * PADDING);
}

function paintBand(context: CanvasRenderingContext2D, { bids, asks }: Overview, step: number, y: (ticks: number) => number): void {
  const clamp = (ticks: number): number => Math.max(-50, Math.min(4_000, y(ticks)));
  context.fillStyle = colours.value['accent-soft'];
  for (const [column, bid] of bids.entries()) {
    const ask = asks[column];
    if (bid === null || ask === null) continue;
    const top = clamp(ask);
    context.fillRect(column * step, top, step + 0.5, Math.max(1, clamp(bid) - top));
  }
  for (const [values, colour] of [[bids, colours.value.bid], [asks, colours.value.ask]] as const) {
    context.strokeStyle = colour;
    context.globalAlpha = 0.55;
    context.lineWidth = 1;
    context.beginPath();
    let isDown = false;
    for (const [column, value] of values.entries()) {
      if (value === null) isDown = false;
      else if (isDown) context.lineTo(column * step, clamp(value));
      else {
        context.moveTo(column * step, clamp(value));
        isDown = true;
      }
    }
    context.stroke();
    context.globalAlpha = 1;
  }
}

function paintTrades(context: CanvasRenderingContext2D, { highs, lows }: Overview, step: number, y: (ticks: number) => number): void {
  context.fillStyle = colours.value.text;
  for (const [column, high] of highs.entries()) {
    const low = lows[column];
    if (high === null || low === null) continue;
    const top = y(high);
    context.fillRect(column * step, top - 0.5, Math.max(1, step), Math.max(1, y(low) - top + 1));
  }
}

function paintVolume(context: CanvasRenderingContext2D, { bought, sold }: Overview, step: number, bottom: number, height: number): void {
  const totals = bought.map((quantity, column) => quantity + sold[column]);
  // One burst does not make bars of everything else vanish.
  const sorted = totals.filter((total) => total > 0).toSorted((a, b) => a - b);
  const largest = sorted[Math.floor(sorted.length * 0.985)] ?? 1;
  for (const [column, total] of totals.entries()) {
    if (total === 0) continue;
    const full = Math.min(1, total / largest) * height;
    const up = full * (bought[column] / total);
    context.globalAlpha = 0.75;
    context.fillStyle = colours.value.ask;
    context.fillRect(column * step, bottom - full, Math.max(1, step), full - up);
    context.fillStyle = colours.value.bid;
    context.fillRect(column * step, bottom - up, Math.max(1, step), up);
  }
  context.globalAlpha = 1;
}

function paintAxis(context: CanvasRenderingContext2D, { timesNs, positions }: Overview, width: number, height: number): void {
  const zeroMs = day.value?.zeroMs ?? null;
  const labels = Math.max(1, Math.floor(width / LABEL_WIDTH));
  const spanNs = (timesNs.at(-1) ?? 0) - timesNs[0];
  context.fillStyle = colours.value.muted;
  context.textBaseline = 'middle';
  for (let label = 0; label < labels; label++) {
    const column = Math.floor((label / labels) * positions.length);
    const x = (column / positions.length) * width;
    context.fillRect(x, height - AXIS_HEIGHT, 1, 4);
    context.fillText(timeOfDay(timesNs[column], zeroMs, spanNs < 60e9 ? 3 : 0), x + 5, height - AXIS_HEIGHT / 2 + 1);
  }
}

// ── the instant ──────────────────────────────────────────────────────────────────────────────

function paintNow(context: CanvasRenderingContext2D, width: number, height: number): void {
  const inputs = day.value?.inputs ?? 0;
  if (inputs === 0 || colours.value.accent === undefined) return;
  const bottom = height - AXIS_HEIGHT;
  const xOf = (position: number): number => (position / inputs) * width;
  const x = xOf(moment.value?.position ?? 0);
  // What is still to come is veiled.
  context.fillStyle = colours.value.panel;
  context.globalAlpha = 0.45;
  context.fillRect(x, 0, width - x, bottom);
  context.globalAlpha = 1;
  paintOrder(context, xOf, bottom);
  context.fillStyle = colours.value.accent;
  context.fillRect(x - 1, 0, 2, bottom);
  context.beginPath();
  context.moveTo(x - 6, 0);
  context.lineTo(x + 6, 0);
  context.lineTo(x, 8);
  context.fill();
  if (hovered.value !== null) paintHover(context, hovered.value, width, bottom);
}

function paintOrder(context: CanvasRenderingContext2D, xOf: (position: number) => number, bottom: number): void {
  const story = order.value === null ? null : (moment.value?.order ?? null);
  if (story === null || story.steps.length === 0) return;
  const [from, to] = [xOf(story.steps[0].position), xOf(story.steps.at(-1)!.position)];
  context.fillStyle = colours.value.warn;
  context.fillRect(from, bottom - 3, Math.max(2, to - from), 3);
  for (const { position, type } of story.steps) {
    context.beginPath();
    context.arc(xOf(position), bottom - 1.5, type === 'trade' ? 4.5 : 3, 0, 2 * Math.PI);
    context.fill();
  }
}

function paintHover(context: CanvasRenderingContext2D, x: number, width: number, bottom: number): void {
  const whole = overview.value;
  if (whole === null) return;
  const column = Math.max(0, Math.min(whole.positions.length - 1, Math.floor((x / width) * whole.positions.length)));
  const text = timeOfDay(whole.timesNs[column], day.value?.zeroMs ?? null, 3);
  const textWidth = context.measureText(text).width + 12;
  const left = Math.min(width - textWidth, x + 8);
  context.fillStyle = colours.value.muted;
  context.fillRect(x, 0, 1, bottom);
  context.fillStyle = colours.value.panel;
  context.fillRect(left, 10, textWidth, 20);
  context.strokeStyle = colours.value.line;
  context.strokeRect(left + 0.5, 10.5, textWidth - 1, 19);
  context.fillStyle = colours.value.text;
  context.textBaseline = 'middle';
  context.fillText(text, left + 6, 20.5);
}
