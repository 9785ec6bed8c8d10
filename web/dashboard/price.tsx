// The price: last trade, best bid and ask over ten minutes, and the number itself, painted with the book.
import { signal, useComputed } from '@preact/signals';
import { useCallback, useEffect, useRef } from 'preact/hooks';
import type uPlot from 'uplot';
import { price } from '../shared/format.ts';
import { Chart, type Line } from './chart.tsx';
import { onFrame } from './frame.ts';
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

/** Last price and how far it is from where the line begins. Painted: it changes with each trade. */
function LastPrice() {
  const place = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const [now, change] = place.current!.children as unknown as [HTMLElement, HTMLElement];
    let painted = -1;
    return onFrame(() => {
      if (painted === state.marketVersion) return;
      painted = state.marketVersion;
      const { newest, trades, lasts } = state.market;
      const decimals = state.instrument.peek()?.priceDecimals ?? 0;
      const last = newest?.lastPrice ?? null;
      const side = trades[0]?.side ?? 0;
      now.textContent = last === null ? '–' : `${side > 0 ? '▲ ' : side < 0 ? '▼ ' : ''}${price(last, decimals)}`;
      now.dataset['side'] = side > 0 ? 'bid' : side < 0 ? 'ask' : '';
      const first = lasts.find((value) => value !== null) ?? null;
      if (last === null || first === null || first === 0) {
        change.textContent = '';
        return;
      }
      const moved = last - first;
      const share = ((moved / Math.abs(first)) * 100).toFixed(2).replace('-', '−');
      change.textContent = `${moved > 0 ? '+' : ''}${price(moved, decimals)} (${moved > 0 ? '+' : ''}${share}%)`;
    });
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
