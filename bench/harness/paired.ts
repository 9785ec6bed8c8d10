// Paired measurement: A B A B …, so that what else the machine does falls on both alike.
import { assert } from '../../src/base/assert.ts';
import { pairedRatio, spreadOf, type Interval, type Spread } from './statistics.ts';

/**
 * One repetition: does the work and returns its cost (nanoseconds per operation, or any positive
 * measure).
 */
export type Repetition = () => number | Promise<number>;

export interface PairedResult {
  a: Spread;
  b: Spread;
  /** a / b. */
  ratio: Interval;
  pairs: number;
}

/** Runs `pairs` pairs after `warmups` unrecorded ones. */
export async function runPaired(
  a: Repetition,
  b: Repetition,
  options: { pairs: number; warmups?: number },
): Promise<PairedResult> {
  const { pairs, warmups = 1 } = options;
  assert(pairs >= 1, 'at least one pair');
  for (let i = 0; i < warmups; i++) {
    await a();
    await b();
  }
  const samplesA: number[] = [];
  const samplesB: number[] = [];
  for (let i = 0; i < pairs; i++) {
    samplesA.push(await a());
    samplesB.push(await b());
  }
  return { a: spreadOf(samplesA), b: spreadOf(samplesB), ratio: pairedRatio(samplesA, samplesB), pairs };
}

/** Runs one side alone. */
export async function runAlone(
  a: Repetition,
  options: { repetitions: number; warmups?: number },
): Promise<Spread> {
  const { repetitions, warmups = 1 } = options;
  assert(repetitions >= 1, 'at least one repetition');
  for (let i = 0; i < warmups; i++) await a();
  const samples: number[] = [];
  for (let i = 0; i < repetitions; i++) samples.push(await a());
  return spreadOf(samples);
}
