// The summary: seven numbers of the last minute, each with where it comes from.
import type { ComponentChildren } from 'preact';
import type { HistoryPoint } from '../../src/observe/dashboard/messages.ts';
import { compact, count, duration, money, percent, UNKNOWN } from '../shared/format.ts';
import { Sparkline } from './sparkline.tsx';
import { measured, state } from './state.ts';

interface TileProps {
  readonly name: string;
  readonly label: string;
  readonly value: string;
  readonly under: ComponentChildren;
  readonly values: readonly (number | null)[];
  readonly tone?: 'good' | 'bad' | 'warn' | undefined;
}

/** "41.2 µs": the unit smaller than the number. */
function Value({ text }: { readonly text: string }) {
  const [, number, unit] = /^(.*\d[kMG]?)(\s?(?:ns|µs|ms|s|%|\/s))$/.exec(text) ?? [];
  return number === undefined ? <>{text}</> : <>{number}<small>{unit}</small></>;
}

function Tile({ name, label, value, under, values, tone }: TileProps) {
  return (
    <li class={`tile ${tone ?? ''}`} data-tile={name}>
      <span class="tile-label">{label}</span>
      <strong class="tile-value"><Value text={value} /></strong>
      <span class="tile-under">{under}</span>
      <Sparkline values={values} />
    </li>
  );
}

function LatencyTiles({ points }: { readonly points: readonly HistoryPoint[] }) {
  const summary = state.status.value?.summary;
  const latency = measured(state.status.value?.system.exchange?.orderLatency);
  return (
    <>
      <Tile
        name="avg-latency" label="Order latency, mean" value={duration(latency === null ? null : (summary?.avg_order_latency_nanos ?? null))}
        under={<>p50 {duration(latency?.p50Ns ?? null)}</>} values={points.map((point) => point.latency?.p50Ns ?? null)}
      />
      <Tile
        name="p99-latency" label="Order latency, p99" value={duration(latency === null ? null : (summary?.p99_order_latency_nanos ?? null))}
        under={<>max {duration(latency?.maxNs ?? null)}</>} values={points.map((point) => point.latency?.p99Ns ?? null)}
      />
    </>
  );
}

function MoneyTiles({ points }: { readonly points: readonly HistoryPoint[] }) {
  const summary = state.status.value?.summary;
  const pnl = summary?.total_pnl_dollars ?? null;
  const traders = state.traders.value;
  const fills = traders.reduce((sum, trader) => sum + trader.fills.perSecond, 0);
  return (
    <>
      <Tile
        name="profit" label="Profit" value={money(pnl, true)} values={points.map((point) => point.pnl)}
        under={`${count(traders.length)} ${traders.length === 1 ? 'trader' : 'traders'}`}
        tone={pnl === null || pnl === 0 ? undefined : pnl > 0 ? 'good' : 'bad'}
      />
      <Tile
        name="fill-rate" label="Fill rate" value={percent(summary?.fill_rate_percent ?? null)}
        under={`${compact(fills)} fills/s`} values={state.summaries.value.map((each) => each.fill_rate_percent)}
      />
    </>
  );
}

export function Tiles() {
  const { points } = state.history.value;
  const status = state.status.value;
  const exchange = status?.system.exchange ?? null;
  const current = state.alertsCurrent.value;
  return (
    <ul class="tiles" aria-label="Summary of the last minute">
      <LatencyTiles points={points} />
      <Tile
        name="throughput" label="Throughput" value={exchange === null ? UNKNOWN : `${compact(exchange.requests.perSecond)}/s`}
        under={exchange === null ? 'no exchange' : `${compact(exchange.trades.perSecond)} trades/s`}
        values={points.map((point) => point.requestsPerSecond)}
      />
      <MoneyTiles points={points} />
      <Tile
        name="active-symbols" label="Active symbols" value={count(status?.summary.active_symbols ?? null)}
        under={`of ${count(state.instruments.value.length)}`} values={state.summaries.value.map((each) => each.active_symbols)}
      />
      <Tile
        name="alerts" label="Alerts, last hour" value={count(status?.summary.alerts_last_hour ?? null)}
        under={current.length === 0 ? 'none holds now' : `${count(current.length)} now`}
        values={state.summaries.value.map((each) => each.alerts_last_hour)}
        tone={current.some((alert) => alert.severity === 'critical') ? 'bad' : current.length > 0 ? 'warn' : undefined}
      />
    </ul>
  );
}
