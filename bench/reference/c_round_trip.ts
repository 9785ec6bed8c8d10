// The hand-over between two threads in C as a function of this process.
import { assert } from '../../src/base/assert.ts';
import { loadCLibrary } from './c_library.ts';

/** Latencies of `requests` requests, `intervalNs` apart (0: one at a time), into `samples`. */
export type CRoundTrip = (requests: number, intervalNs: number, core: number, samples: Float64Array) => void;

/** Null where no compiler is. */
export function loadCRoundTrip(): CRoundTrip | null {
  const library = loadCLibrary('round_trip');
  if (library === null) return null;
  const run = library.func('int round_trip_run(uint32_t requests, double interval, int core, double *samples)');
  return (requests, intervalNs, core, samples) => assert(run(requests, intervalNs, core, samples) === 0, 'every answer in C is the right one');
}
