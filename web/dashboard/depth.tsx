// Depth: how much rests up to each price, bids to the left and asks to the right of the middle. On a canvas, while
// the book changes; the pointer tells the sum up to its price.
import { compact, count, price } from '../shared/format.ts';
import type { Level } from '../../src/observe/dashboard/messages.ts';
import { colours } from '../shared/theme.ts';
import { Canvas, CANVAS_FONT, type Paint, type Pointer } from './canvas.tsx';
import { Panel } from './panel.tsx';
import { state } from './state.ts';

const BOTTOM = 22;
const TOP = 18;
/** Behind the last price that is known. */
const ROOM = 1.04;
/** Two prices of the axis are at least so far apart. */
const LABEL_WIDTH = 92;

interface Scales {
  readonly low: number;
  readonly high: number;
  readonly most: number;
  readonly width: number;
  readonly height: number;
}

const xOf = ({ low, high, width }: Scales, at: number): number => ((at - low) / (high - low)) * width;
const yOf = ({ most, height }: Scales, sum: number): number => height - BOTTOM - (sum / most) * (height - BOTTOM - TOP);

function sumOf(levels: readonly Level[]): number {
  let sum = 0;
  for (const level of levels) sum += level[1];
  return sum;
}

/** Steps outwards from the best price, filled down to the axis. */
function paintSide(context: CanvasRenderingContext2D, scales: Scales, levels: readonly Level[], edge: number, line: string, fill: string): void {
  const ground = yOf(scales, 0);
  let sum = 0;
  context.beginPath();
  context.moveTo(xOf(scales, levels[0][0]), ground);
  for (const [at, qty] of levels) {
    context.lineTo(xOf(scales, at), yOf(scales, sum));
    sum += qty;
    context.lineTo(xOf(scales, at), yOf(scales, sum));
  }
  context.lineTo(edge, yOf(scales, sum));
  context.strokeStyle = line;
  context.lineWidth = 1.5;
  context.stroke();
  context.lineTo(edge, ground);
  context.closePath();
  context.fillStyle = fill;
  context.fill();
}

function paintAxis(context: CanvasRenderingContext2D, scales: Scales, decimals: number): void {
  const { low, high, width, height, most } = scales;
  const { line, muted } = colours.value;
  context.font = CANVAS_FONT;
  context.fillStyle = muted;
  context.strokeStyle = line;
  context.lineWidth = 1;
  context.textBaseline = 'alphabetic';
  const labels = Math.max(2, Math.floor(width / LABEL_WIDTH));
  for (let i = 0; i <= labels; i++) {
    context.textAlign = i === 0 ? 'left' : i === labels ? 'right' : 'center';
    context.fillText(price(Math.round(low + ((high - low) * i) / labels), decimals), (width * i) / labels, height - 6);
  }
  for (const share of [0.5, 1]) {
    const y = Math.round(yOf(scales, most * share)) + 0.5;
    context.beginPath();
    context.moveTo(0, y);
    context.lineTo(width, y);
    context.stroke();
    context.textAlign = 'left';
    context.fillText(compact(Math.round(most * share)), 2, y - 4);
  }
}

function paintPointer(context: CanvasRenderingContext2D, scales: Scales, pointer: Pointer, bids: readonly Level[], asks: readonly Level[], decimals: number): void {
  const at = scales.low + (pointer.x / scales.width) * (scales.high - scales.low);
  const onBids = at <= (bids[0][0] + asks[0][0]) / 2;
  const within = onBids ? bids.filter((level) => level[0] >= at) : asks.filter((level) => level[0] <= at);
  const { text, muted, panel, bid, ask } = colours.value;
  const sum = sumOf(within);
  const words = `${onBids ? 'Bids from' : 'Asks up to'} ${price(Math.round(at), decimals)}: ${count(sum)}`;
  context.strokeStyle = muted;
  context.setLineDash([3, 3]);
  context.beginPath();
  context.moveTo(pointer.x, TOP);
  context.lineTo(pointer.x, scales.height - BOTTOM);
  context.stroke();
  context.setLineDash([]);
  context.fillStyle = onBids ? bid : ask;
  context.beginPath();
  context.arc(pointer.x, yOf(scales, sum), 3.5, 0, 2 * Math.PI);
  context.fill();
  context.font = CANVAS_FONT;
  const wide = context.measureText(words).width;
  const left = Math.min(Math.max(pointer.x - wide / 2, 4), scales.width - wide - 4);
  context.fillStyle = panel;
  context.fillRect(left - 4, 0, wide + 8, 18);
  context.fillStyle = text;
  context.textAlign = 'left';
  context.fillText(words, left, 13);
}

const paint: Paint = (context, width, height, pointer) => {
  const { newest } = state.market;
  const { bid, bidSoft, ask, askSoft, muted } = { ...colours.value, bidSoft: colours.value['bid-soft'], askSoft: colours.value['ask-soft'] };
  const bids = newest?.bids ?? [];
  const asks = newest?.asks ?? [];
  context.font = CANVAS_FONT;
  if (bids.length === 0 || asks.length === 0) {
    context.fillStyle = muted;
    context.textAlign = 'center';
    context.fillText(newest === null ? 'Waiting for the book' : 'One side of the book is empty', width / 2, height / 2);
    return;
  }
  const middle = (bids[0][0] + asks[0][0]) / 2;
  // As far to either side: the middle stays in the middle.
  const reach = Math.max(middle - bids.at(-1)![0], asks.at(-1)![0] - middle, 1) * ROOM;
  const scales = { low: middle - reach, high: middle + reach, most: Math.max(sumOf(bids), sumOf(asks), 1), width, height };
  const decimals = state.instrument.value?.priceDecimals ?? 0;
  paintAxis(context, scales, decimals);
  paintSide(context, scales, bids, 0, bid, bidSoft);
  paintSide(context, scales, asks, width, ask, askSoft);
  if (pointer !== null) paintPointer(context, scales, pointer, bids, asks, decimals);
};

const version = (): number => state.marketVersion;

export function DepthPanel() {
  return (
    <Panel area="depth-panel" about="How much could be bought or sold up to each price: bids to the left, asks to the right" title="Depth" note={state.instrument.value?.symbol} empty={state.instrument.value === null ? 'No instrument is traded.' : undefined}>
      <Canvas label="Depth of the book: quantity up to each price" paint={paint} version={version} />
    </Panel>
  );
}
