// What a metric is, and the little that the table (table.ts) is written with.
import type { Alert, Health } from '../alerts/alert.ts';
import type { LatencyCurve } from '../latency_window.ts';
import type { ExchangeView, JournalView, LatencyView, ProcessView, RateView, SystemView, TraderBookView, TraderView } from '../system_view.ts';

/** All that metrics are made of. */
export interface MetricsInput {
  readonly system: SystemView;
  /** Of a monitor that judges. */
  readonly health?: Health;
  /** Those of the last hour. */
  readonly alerts?: readonly Alert[];
  readonly monitor?: MonitorFigures;
}

/** What a monitor counts of its own work. */
export interface MonitorFigures {
  readonly alertsDropped: number;
  readonly webhook: { readonly sent: number; readonly failed: number; readonly dropped: number; readonly retried: number };
  /** Of the exchange that is followed. */
  readonly audits: { readonly completed: number; readonly incomplete: number };
}

/** Values are names of our own and numbers, never what a client has sent. */
export type Labels = Readonly<Record<string, string | number>>;

/** A distribution: quantiles of the last minute, count and sum since the start; buckets since the start where there are any. */
export interface Distribution {
  readonly latency: LatencyView;
  readonly buckets?: LatencyCurve;
}

export interface Reading<T> {
  readonly labels: Labels;
  readonly value: T;
}

interface Described {
  readonly name: string;
  readonly help: string;
  /** Base units, as the name ends: seconds, bytes; '' is a count, a share of one, or money and prices in the currency's units. */
  readonly unit: '' | 'seconds' | 'bytes';
  readonly labels: readonly string[];
}

export interface NumberMetric extends Described {
  readonly type: 'counter' | 'gauge';
  readonly read: (input: MetricsInput) => readonly Reading<number>[];
}

export interface DistributionMetric extends Described {
  readonly type: 'summary' | 'histogram';
  readonly read: (input: MetricsInput) => readonly Reading<Distribution>[];
}

export type Metric = NumberMetric | DistributionMetric;

export function isDistribution(metric: Metric): metric is DistributionMetric {
  return metric.type === 'summary' || metric.type === 'histogram';
}

/** null and NaN: not known, and so not told. */
type Known = number | null;

function unitOf(name: string): Described['unit'] {
  return (['seconds', 'bytes'] as const).find((unit) => new RegExp(`_${unit}(_total)?$`).test(name)) ?? '';
}

function numbers(readings: readonly Reading<Known>[]): Reading<number>[] {
  return readings.filter((one): one is Reading<number> => one.value !== null && !Number.isNaN(one.value));
}

function numberMetric(name: string, help: string, labels: readonly string[], read: (input: MetricsInput) => readonly Reading<Known>[]): NumberMetric {
  return {
    name, help, labels, unit: unitOf(name), type: name.endsWith('_total') ? 'counter' : 'gauge', read: (input) => numbers(read(input)),
  };
}

// ── one of each subject ────────────────────────────────────────────────────────────────────────

export function ofSystem(name: string, help: string, read: (input: MetricsInput) => Known): NumberMetric {
  return numberMetric(name, help, [], (input) => [{ labels: {}, value: read(input) }]);
}

export function ofExchange(name: string, help: string, read: (exchange: ExchangeView) => Known): NumberMetric {
  return numberMetric(name, help, [], ({ system: { exchange } }) => (exchange === null ? [] : [{ labels: {}, value: read(exchange) }]));
}

export function ofJournal(name: string, help: string, read: (journal: JournalView) => Known): NumberMetric {
  return ofExchange(name, help, ({ journal }) => (journal === null ? null : read(journal)));
}

const TRADER_LABELS = ['client', 'pid'];

function traderLabels({ client, pid }: TraderView): Labels {
  return { client, pid };
}

export function ofTraders(name: string, help: string, read: (trader: TraderView) => Known): NumberMetric {
  return numberMetric(name, help, TRADER_LABELS, ({ system: { traders } }) =>
    traders.map((trader) => ({ labels: traderLabels(trader), value: read(trader) })));
}

export function ofBooks(name: string, help: string, read: (book: TraderBookView) => Known): NumberMetric {
  return numberMetric(name, help, [...TRADER_LABELS, 'ticker', 'symbol'], ({ system: { traders } }) =>
    traders.flatMap((trader) => trader.books.map((book) => ({
      labels: { client: trader.client, pid: trader.pid, ticker: book.ticker, symbol: book.symbol }, value: read(book),
    }))));
}

export function ofProcesses(name: string, help: string, read: (process: ProcessView) => Known): NumberMetric {
  return numberMetric(name, help, ['verb', 'pid'], ({ system: { processes } }) =>
    processes.map((one) => ({ labels: { verb: one.verb, pid: one.pid }, value: read(one) })));
}

/** Several values of one subject, told apart by one label. */
export function byLabel(name: string, help: string, label: string, read: (input: MetricsInput) => Readonly<Record<string, Known>>): NumberMetric {
  return numberMetric(name, help, [label], (input) =>
    Object.entries(read(input)).map(([key, value]) => ({ labels: { [label]: key }, value })));
}

/** Always 1: what it says stands in its labels. */
export function info(name: string, help: string, labels: readonly string[], read: (input: MetricsInput) => readonly Labels[]): NumberMetric {
  return numberMetric(name, help, labels, (input) => read(input).map((one) => ({ labels: one, value: 1 })));
}

export function total(read: (exchange: ExchangeView) => RateView): (exchange: ExchangeView) => number {
  return (exchange) => read(exchange).total;
}

// ── distributions ──────────────────────────────────────────────────────────────────────────────

export function summary(
  name: string, help: string, labels: readonly string[], read: (input: MetricsInput) => readonly Reading<LatencyView | null>[],
): DistributionMetric {
  return {
    name, help, labels, unit: unitOf(name), type: 'summary',
    read: (input) => read(input).flatMap(({ labels: own, value }) => (value === null ? [] : [{ labels: own, value: { latency: value } }])),
  };
}

export function histogram(name: string, help: string, read: (exchange: ExchangeView) => Distribution | null): DistributionMetric {
  return {
    name, help, labels: [], unit: unitOf(name), type: 'histogram',
    read: ({ system: { exchange } }) => {
      const value = exchange === null ? null : read(exchange);
      return value === null ? [] : [{ labels: {}, value }];
    },
  };
}

export function traderSummary(name: string, help: string, read: (trader: TraderView) => LatencyView | null): DistributionMetric {
  return summary(name, help, TRADER_LABELS, ({ system: { traders } }) =>
    traders.map((trader) => ({ labels: traderLabels(trader), value: read(trader) })));
}
