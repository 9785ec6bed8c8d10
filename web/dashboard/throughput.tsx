// What goes through, each second: requests, trades, messages of the feed.
import { useComputed } from '@preact/signals';
import type uPlot from 'uplot';
import { compact } from '../shared/format.ts';
import { Chart, type Line } from './chart.tsx';
import { Panel } from './panel.tsx';
import { state } from './state.ts';

const LINES: readonly Line[] = [
  { label: 'Feed messages', colour: 'series-6', width: 1.2 },
  { label: 'Requests', colour: 'series-1', fill: 'accent-soft' },
  { label: 'Trades', colour: 'series-2', width: 1.2 },
];

export function ThroughputPanel() {
  const data = useComputed<uPlot.AlignedData>(() => {
    const { points } = state.history.value;
    return [
      points.map((point) => point.atMs / 1000), points.map((point) => point.feedMessagesPerSecond),
      points.map((point) => point.requestsPerSecond), points.map((point) => point.tradesPerSecond),
    ];
  });
  return (
    <Panel area="throughput-panel" about="Requests of clients, trades, and messages of the public feed, each second" title="Throughput" note="a second" empty={state.history.value.points.length === 0 ? 'Nothing was counted yet.' : undefined}>
      <Chart label="Requests, trades and feed messages a second over ten minutes" lines={LINES} data={data} format={compact} />
    </Panel>
  );
}
