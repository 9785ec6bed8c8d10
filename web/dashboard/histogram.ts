// Buckets of a histogram, as the server tells them, to bins of equal width on a logarithmic axis.
import type { HistoryMessage } from '../../src/observe/dashboard/messages.ts';

export interface Bins {
  /** Powers of ten (ns) where the axis begins and ends. */
  readonly low: number;
  readonly high: number;
  readonly counts: readonly number[];
  readonly largest: number;
  readonly total: number;
}

/** Twelve bins a decade: each a fifth wider than the one before. Buckets of the server are finer. */
const BINS_PER_POWER = 12;
/** The axis spans at least a decade. */
const POWERS_MIN = 1;

/** null: there is nothing to show. */
export function binsOf(histogram: HistoryMessage['histogram']): Bins | null {
  const buckets = histogram.filter(([upTo, count]) => upTo > 0 && count > 0);
  if (buckets.length === 0) return null;
  let least = Infinity;
  let most = 0;
  let total = 0;
  for (const [upTo, count] of buckets) {
    least = Math.min(least, upTo);
    most = Math.max(most, upTo);
    total += count;
  }
  // A bin of room on both sides, cut at whole bins so that the axis stands still while values move a little.
  const bin = (ns: number): number => Math.floor(Math.log10(ns) * BINS_PER_POWER + 1e-9);
  const first = bin(least) - 1;
  const bins = Math.max(bin(most) + 2 - first, POWERS_MIN * BINS_PER_POWER);
  const counts = Array.from({ length: bins }, () => 0);
  for (const [upTo, count] of buckets) counts[bin(upTo) - first] += count;
  return { low: first / BINS_PER_POWER, high: (first + bins) / BINS_PER_POWER, counts, largest: Math.max(...counts), total };
}
