// Statistics of repeated measurements: medians, quantiles, and the interval of a paired ratio.
//
// A ratio is taken pair by pair (A and B measured one right after the other, so that whatever else the
// machine does falls on both) and its median is reported with a sign-test interval: two order
// statistics of the ratios, which hold the true median with a coverage that follows from the binomial
// distribution alone. Nothing is assumed about the shape of the noise, and no random numbers are needed.
import { assert } from '../../src/base/assert.ts';

/**
 * Coverage asked for; the one reached is reported, and is at least this where there are six pairs or
 * more.
 */
export const COVERAGE_WANTED = 0.95;

export function sorted(samples: readonly number[]): number[] {
  return samples.toSorted((a, b) => a - b);
}

/** Quantile `q` (0…1) with linear interpolation between neighbours. */
export function quantile(samples: readonly number[], q: number): number {
  assert(samples.length > 0, 'a quantile needs at least one sample');
  assert(q >= 0 && q <= 1, 'a quantile lies between 0 and 1');
  const order = sorted(samples);
  const position = q * (order.length - 1);
  const below = Math.floor(position);
  const above = Math.min(below + 1, order.length - 1);
  return order[below] + (order[above] - order[below]) * (position - below);
}

export function median(samples: readonly number[]): number {
  return quantile(samples, 0.5);
}

/** What a set of samples looks like: the middle, the quartiles and the ends. */
export interface Spread {
  samples: number;
  median: number;
  quartileLow: number;
  quartileHigh: number;
  min: number;
  max: number;
}

export function spreadOf(samples: readonly number[]): Spread {
  return {
    samples: samples.length,
    median: median(samples),
    quartileLow: quantile(samples, 0.25),
    quartileHigh: quantile(samples, 0.75),
    min: quantile(samples, 0),
    max: quantile(samples, 1),
  };
}

/** An interval for a median: [low, high] holds it with probability `coverage`. */
export interface Interval {
  median: number;
  low: number;
  high: number;
  coverage: number;
}

/** P(X ≤ k) for X binomial (n, ½). */
function binomialHalfCdf(n: number, k: number): number {
  let logTerm = -n * Math.LN2; // ½ ** n is no number any more from 1,075 on
  let sum = Math.exp(logTerm);
  for (let i = 1; i <= k; i++) {
    logTerm += Math.log((n - i + 1) / i);
    sum += Math.exp(logTerm);
  }
  return sum;
}

/**
 * Sign-test interval of the median: the k-th smallest and k-th largest sample, with the largest k that
 * still covers COVERAGE_WANTED. With fewer than six samples that is the whole range, and the coverage
 * says how little it promises.
 */
export function medianInterval(samples: readonly number[]): Interval {
  assert(samples.length > 0, 'an interval needs at least one sample');
  const order = sorted(samples);
  const n = order.length;
  let k = 1;
  while (2 * (k + 1) <= n && 1 - 2 * binomialHalfCdf(n, k) >= COVERAGE_WANTED) k++;
  return {
    median: median(order),
    low: order[k - 1],
    high: order[n - k],
    coverage: Math.max(0, 1 - 2 * binomialHalfCdf(n, k - 1)),
  };
}

/** Interval of the median of a[i] / b[i]. */
export function pairedRatio(a: readonly number[], b: readonly number[]): Interval {
  assert(a.length === b.length, 'a paired ratio needs as many samples on both sides');
  assert(a.every((value) => value > 0) && b.every((value) => value > 0), 'measured durations are above zero');
  return medianInterval(a.map((value, i) => value / b[i]));
}
