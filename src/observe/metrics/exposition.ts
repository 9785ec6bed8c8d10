// Metrics as text for other programs: Prometheus' text format 0.0.4, JSON, CSV. Pure functions of what is known.
//
//   # HELP outcry_order_latency_seconds …        one for each metric that has a value
//   # TYPE outcry_order_latency_seconds summary
//   outcry_order_latency_seconds{quantile="0.99"} 4.1e-05
//   outcry_order_latency_seconds_sum 12.5        since the start, so that rates can be taken
//   outcry_order_latency_seconds_count 300000
//
// A quantile of a minute in which nothing came is NaN, as the format has it; what is not known has no line.
import type { LatencyView } from '../system_view.ts';
import { isDistribution, type Distribution, type Labels, type Metric, type MetricsInput, type Reading } from './metric.ts';
import { METRICS } from './table.ts';

export const PROMETHEUS_CONTENT_TYPE = 'text/plain; version=0.0.4; charset=utf-8';

const NS = 1e9;
const QUANTILES = [
  ['0.5', 'p50Ns'], ['0.9', 'p90Ns'], ['0.99', 'p99Ns'], ['0.999', 'p999Ns'],
] as const satisfies readonly (readonly [string, keyof LatencyView])[];

/** One line of the text: a metric's own name, or that of a part of its distribution. */
export interface Sample {
  readonly metric: Metric;
  readonly name: string;
  readonly labels: Labels;
  readonly value: number;
}

/** All there is to say, metric by metric. */
export function samplesOf(input: MetricsInput): Sample[] {
  return METRICS.flatMap((metric): Sample[] => {
    if (isDistribution(metric)) {
      return metric.read(input).flatMap((reading) => distributionSamples(metric, reading));
    }
    return metric.read(input).map(({ labels, value }) => ({ metric, name: metric.name, labels, value }));
  });
}

function distributionSamples(metric: Metric, { labels, value: { latency, buckets } }: Reading<Distribution>): Sample[] {
  const { name } = metric;
  const { count, totalCount, totalNs } = latency;
  const bounded = buckets === undefined ? [] : [
    ...buckets.map(([upToNs, upTo]) => ({ metric, name: `${name}_bucket`, labels: withLabel(labels, 'le', String(upToNs / NS)), value: upTo })),
    { metric, name: `${name}_bucket`, labels: withLabel(labels, 'le', '+Inf'), value: totalCount },
  ];
  const quantiles = buckets !== undefined ? [] : QUANTILES.map(([quantile, field]) => ({
    metric, name, labels: withLabel(labels, 'quantile', quantile), value: count === 0 ? NaN : latency[field] / NS,
  }));
  return [
    ...bounded, ...quantiles,
    { metric, name: `${name}_sum`, labels, value: totalNs / NS },
    { metric, name: `${name}_count`, labels, value: totalCount },
  ];
}

function withLabel(labels: Labels, name: string, value: string): Labels {
  return { ...labels, [name]: value };
}

/** For /metrics. */
export function prometheusText(input: MetricsInput): string {
  let text = '';
  let told: Metric | null = null;
  for (const { metric, name, labels, value } of samplesOf(input)) {
    if (metric !== told) text += `# HELP ${metric.name} ${escaped(metric.help)}\n# TYPE ${metric.name} ${metric.type}\n`;
    told = metric;
    text += `${name}${labelsText(labels)} ${numberText(value)}\n`;
  }
  return text;
}

/** One object; what is not a number in JSON is null. */
export function metricsJson(input: MetricsInput): string {
  const metrics = samplesOf(input).map(({ metric, name, labels, value }) =>
    ({ name, type: metric.type, unit: metric.unit, labels, value: Number.isFinite(value) ? value : null }));
  return JSON.stringify({ format: 'outcry-metrics', version: 1, atMs: input.system.atMs, metrics });
}

const CSV_COLUMNS = 'time_ms,name,type,unit,labels,value';

/** A row a sample, so that rows of several looks can stand below one another. */
export function metricsCsv(input: MetricsInput): string {
  const rows = samplesOf(input).map(({ metric, name, labels, value }) => {
    const text = Object.entries(labels).map(([label, of]) => `${label}=${of}`).join(';');
    return [input.system.atMs, name, metric.type, metric.unit, quoted(text), numberText(value)].join(',');
  });
  return `${[CSV_COLUMNS, ...rows].join('\n')}\n`;
}

/** By what `[monitoring]` calls them. */
export const METRICS_FORMATS = {
  prometheus: { type: PROMETHEUS_CONTENT_TYPE, write: prometheusText },
  json: { type: 'application/json; charset=utf-8', write: metricsJson },
  csv: { type: 'text/csv; charset=utf-8', write: metricsCsv },
} as const;
export type MetricsFormat = keyof typeof METRICS_FORMATS;

function quoted(text: string): string {
  return /[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

function labelsText(labels: Labels): string {
  const parts = Object.entries(labels).map(([name, value]) => `${name}="${escaped(String(value)).replaceAll('"', String.raw`\"`)}"`);
  return parts.length === 0 ? '' : `{${parts.join(',')}}`;
}

/** Of help and labels alike; quotation marks are the labels' own. */
function escaped(text: string): string {
  return text.replaceAll('\\', String.raw`\\`).replaceAll('\n', String.raw`\n`);
}

function numberText(value: number): string {
  if (value === Infinity) return '+Inf';
  return value === -Infinity ? '-Inf' : String(value);
}
