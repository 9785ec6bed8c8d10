// Profit of each trader over ten minutes, and of all.
import { useComputed } from '@preact/signals';
import { useMemo } from 'preact/hooks';
import type uPlot from 'uplot';
import { money } from '../shared/format.ts';
import type { ColourName } from '../shared/theme.ts';
import { Chart, type Line } from './chart.tsx';
import { Panel } from './panel.tsx';
import { state } from './state.ts';

const COLOURS: readonly ColourName[] = ['series-1', 'series-2', 'series-4', 'series-6', 'series-3', 'series-5'];
/** More lines than colours cannot be told apart; the sum has them all. */
const TRADERS_MAX = COLOURS.length;

const moneyWithPlus = (value: number): string => money(value, true);

export function ProfitPanel() {
  const names = useComputed(() => {
    const found = new Set<string>();
    for (const { pnlByTrader } of state.history.value.points) for (const name of Object.keys(pnlByTrader)) found.add(name);
    return [...found].toSorted().slice(0, TRADERS_MAX).join('\n');
  });
  const data = useComputed<uPlot.AlignedData>(() => {
    const { points } = state.history.value;
    const traders = names.value === '' ? [] : names.value.split('\n');
    return [
      points.map((point) => point.atMs / 1000), points.map((point) => point.pnl),
      ...traders.map((name) => points.map((point) => point.pnlByTrader[name] ?? null)),
    ];
  });
  const labels = useComputed(() =>
    Object.fromEntries(state.traders.value.map(({ client, strategy }): [string, string] => [String(client), `${strategy} ${client}`])),
  );
  const lines = useMemo<readonly Line[]>(() => {
    const traders = names.value === '' ? [] : names.value.split('\n');
    return [
      { label: 'All', colour: 'text', width: 1.8 },
      ...traders.map((client, index): Line => ({ label: labels.value[client] ?? `client ${client}`, colour: COLOURS[index], width: 1.2 })),
    ];
  }, [names.value, Object.values(labels.value).join('\n')]);
  return (
    <Panel area="profit-panel" title="Profit by trader" empty={names.value === '' ? 'No trader runs.' : undefined}>
      <Chart label="Profit of each trader over ten minutes" lines={lines} data={data} format={moneyWithPlus} spanMin={1} />
    </Panel>
  );
}
