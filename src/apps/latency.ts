// Latency as reports show it.
import type { Histogram } from '../base/histogram.ts';

export interface LatencySummary {
  readonly count: number;
  readonly p50Ns: number;
  readonly p90Ns: number;
  readonly p99Ns: number;
  readonly p999Ns: number;
  readonly maxNs: number;
}

export function latencySummary(histogram: Histogram): LatencySummary {
  const { count, p50, p90, p99, p999, max } = histogram.summary();
  return { count, p50Ns: p50, p90Ns: p90, p99Ns: p99, p999Ns: p999, maxNs: max };
}
