// From what the monitor knows to what a page and other systems are told: the seven figures of /api/dashboard, and the point
// that a second leaves in the history.
import type { Alert, Health } from '../alerts/alert.ts';
import type { LatencyView, SystemView, TraderView } from '../system_view.ts';
import type { DashboardSummary, HistoryPoint } from './messages.ts';

const HOUR_MS = 3_600_000;

export function summaryOf(
  view: SystemView, activeSymbols: number, health: Health, alerts: readonly Alert[],
): DashboardSummary {
  const latency = view.exchange?.orderLatency ?? null;
  const measured = latency !== null && latency.count > 0;
  return {
    avg_order_latency_nanos: measured ? Math.round(latency.meanNs) : null,
    p99_order_latency_nanos: measured ? latency.p99Ns : null,
    total_pnl_dollars: totalPnl(view.traders),
    fill_rate_percent: fillRate(view.traders),
    active_symbols: activeSymbols,
    system_health_score: health.score,
    alerts_last_hour: alerts.filter(({ raisedMs }) => view.atMs - raisedMs <= HOUR_MS).length,
  };
}

/** null: there is no trader, or one of them does not know. */
export function totalPnl(traders: readonly TraderView[]): number | null {
  if (traders.length === 0 || traders.some(({ pnl }) => pnl === null)) return null;
  return traders.reduce((sum, { pnl }) => sum + (pnl ?? 0), 0);
}

/** Of the last minute; null: nothing was sent in it. Orders that were sent before may trade in it as well: never above 100. */
function fillRate(traders: readonly TraderView[]): number | null {
  const sent = traders.reduce((sum, { minute }) => sum + minute.ordersSent, 0);
  if (sent === 0) return null;
  const filled = traders.reduce((sum, { minute }) => sum + minute.ordersFilled, 0);
  return Math.min(100, (100 * filled) / sent);
}

/** `second`: the order latency of the last second alone. */
export function pointOf(view: SystemView, health: Health, second: LatencyView | null): HistoryPoint {
  const { exchange, traders } = view;
  return {
    atMs: view.atMs,
    requestsPerSecond: exchange?.requests.perSecond ?? null,
    tradesPerSecond: exchange?.trades.perSecond ?? null,
    feedMessagesPerSecond: exchange?.feedMessages.perSecond ?? null,
    latency: second === null
      ? null : { p50Ns: second.p50Ns, p90Ns: second.p90Ns, p99Ns: second.p99Ns, maxNs: second.maxNs },
    pnl: totalPnl(traders),
    pnlByTrader: Object.fromEntries(
      traders.flatMap(({ client, pnl }): [string, number][] => (pnl === null ? [] : [[String(client), pnl]])),
    ),
    cpuPercent: meanBusyPercent(view),
    healthScore: health.score,
  };
}

/** Mean over the machine's cores. */
function meanBusyPercent({ machine: { coresBusyPercent } }: SystemView): number {
  if (coresBusyPercent.length === 0) return 0;
  return coresBusyPercent.reduce((sum, percent) => sum + percent, 0) / coresBusyPercent.length;
}
