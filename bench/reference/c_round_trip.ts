// The hand-over between two threads in C as a function of this process.
import { assert } from '../../src/base/assert.ts';
import type { CounterClock } from '../../src/base/counter_clock.ts';
import { loadCLibrary } from './c_library.ts';

/** Latencies of `requests` requests, `intervalNs` apart (0: one at a time), into `samples`. */
export type CRoundTrip = (requests: number, intervalNs: number, core: number, samples: Float64Array) => void;

/** By the time-stamp counter at the rate of `counter`; null: by the system's clock. Null where no compiler is. */
export function loadCRoundTrip(counter: CounterClock | null): CRoundTrip | null {
  const library = loadCLibrary('round_trip');
  if (library === null) return null;
  const run = library.func('int round_trip_run(uint32_t requests, double interval, int core, double ns_per_tick, double *samples)');
  return (requests, intervalNs, core, samples) => {
    const nsPerTick = counter === null ? 0 : 1e9 / counter.drift.ticksPerSecond;
    assert(run(requests, intervalNs, core, nsPerTick, samples) === 0, 'every answer in C is the right one');
  };
}
