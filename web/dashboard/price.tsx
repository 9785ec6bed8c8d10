// The price: last trade, best bid and ask over ten minutes, and the number itself, painted with the book.
import { signal, useComputed } from '@preact/signals';
import { useCallback, useEffect, useRef } from 'preact/hooks';
import type uPlot from 'uplot';
import { price } from '../shared/format.ts';
import { Chart, type Line } from './chart.tsx';
import { MARKET_PAINT_MS, onFrame } from './frame.ts';
import { Panel } from './panel.tsx';
import { state } from './state.ts';

const LINES: readonly Line[] = [
  { label: 'Ask', colour: 'ask', width: 1, stepped: true },
  { label: 'Bid', colour: 'bid', width: 1, stepped: true },
  { label: 'Last', colour: 'text', width: 1.6, stepped: true },
];
/** The chart has a point each PRICE_STEP_MS and is drawn twice a second. */
const DRAW_MS = 500;

/** Rises when the chart is to be drawn again. */
const drawn = signal(0);

/** "+0.12 (+0.05%)"; '': it is not known. */
function changeText(first: number | null, last: number | null, decimals: number): string {
  if (last === null || first === null || first === 0) return '';
  const moved = last - first;
  const sign = moved > 0 ? '+' : '';
  const share = ((moved / Math.abs(first)) * 100).toFixed(2).replace('-', '−');
  return `${sign}${price(moved, decimals)} (${sign}${share}%)`;
}

/** Last price and how far it is from where the line begins. Painted: it changes with each trade. */
function LastPrice() {
  const place = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const [now, change] = place.current!.children as unknown as [HTMLElement, HTMLElement];
    let painted = -1;
    let shown = '';
    return onFrame(() => {
      if (painted === state.marketVersion) return;
      painted = state.marketVersion;
      const { newest, trades, lasts } = state.market;
      const decimals = state.instrument.peek()?.priceDecimals ?? 0;
      const last = newest?.lastPrice ?? null;
      const side = trades[0]?.side ?? 0;
      const first = lasts.find((value) => value !== null) ?? null;
      const texts = [last === null ? '–' : `${side > 0 ? '▲ ' : side < 0 ? '▼ ' : ''}${price(last, decimals)}`, changeText(first, last, decimals)];
      // The book changes far more often than its last price.
      if (shown === texts.join('\n')) return;
      shown = texts.join('\n');
      [now.textContent, change.textContent] = texts;
      now.dataset['side'] = side > 0 ? 'bid' : side < 0 ? 'ask' : '';
    }, MARKET_PAINT_MS);
  }, []);
  return <div class="last-price" ref={place}><strong /><span /></div>;
}

export function PricePanel() {
  const decimals = state.instrument.value?.priceDecimals ?? 0;
  const symbol = state.instrument.value?.symbol ?? 'Price';
  const format = useCallback((value: number) => price(Math.round(value), decimals), [decimals]);
  const data = useComputed<uPlot.AlignedData>(() => {
    const { times, asks, bids, lasts } = state.market;
    // Read, so that it is computed again; the columns themselves are the same arrays, only longer.
    return drawn.value >= 0 && state.ticker.value !== null ? [times, asks, bids, lasts] : [[], [], [], []];
  });
  useEffect(() => {
    const timer = setInterval(() => drawn.value++, DRAW_MS);
    return () => clearInterval(timer);
  }, []);
  return (
    <Panel area="price-panel" title={symbol} note={<LastPrice />} empty={state.instrument.value === null ? 'No instrument is traded.' : undefined}>
      <Chart
        label={`${symbol}: last price, best bid and best ask over ten minutes`} lines={LINES} data={data} format={format}
        band={[1, 2, 'line']} spanMin={(state.instrument.value?.tickSize ?? 1) * 4}
      />
    </Panel>
  );
}
