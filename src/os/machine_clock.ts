// The best clock that this machine has: the time-stamp counter where it can be had, the system's monotonic clock else.
// OUTCRY_CLOCK=system asks for the latter.
import { MonotonicClock, type Clock } from '../base/clock.ts';
import { CounterClock } from '../base/counter_clock.ts';
import { timeStampCounter } from './time_stamp_counter.ts';

export interface MachineClock {
  readonly clock: Clock;
  /** null: it is the system's clock. */
  readonly counter: CounterClock | null;
  /** Why it is the system's clock; '' where it is not. */
  readonly reason: string;
}

/** A clock that begins now; takes 2 ms where it is the counter's. */
export function machineClock(wanted: string | undefined = process.env['OUTCRY_CLOCK']): MachineClock {
  if (wanted !== undefined && wanted !== '' && wanted !== 'system' && wanted !== 'tsc') {
    throw new RangeError(`OUTCRY_CLOCK: expected system or tsc, was "${wanted}"`);
  }
  if (wanted === 'system') return { clock: new MonotonicClock(), counter: null, reason: 'OUTCRY_CLOCK=system' };
  const { ticks, reason } = timeStampCounter();
  if (ticks === null) return { clock: new MonotonicClock(), counter: null, reason };
  const counter = new CounterClock(ticks);
  return { clock: counter, counter, reason: '' };
}

/** For a banner: which clock it is. */
export function clockText({ counter, reason }: MachineClock): string {
  if (counter === null) return `the system's (no time-stamp counter: ${reason})`;
  return `time-stamp counter, ${(counter.drift.ticksPerSecond / 1e6).toFixed(1)} MHz, checked against the system's`;
}
