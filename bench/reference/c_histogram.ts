// The loop of histogram.c over the memory of our histogram; see there.
import type { Histogram } from '../../src/base/histogram.ts';
import { loadCLibrary } from './c_library.ts';

/** Records all values; null where no compiler is. */
export function cRecorder(histogram: Histogram): ((values: Float64Array) => void) | null {
  const library = loadCLibrary('histogram');
  if (library === null) return null;
  const run = library.func('void histogram_record(double *words, const double *values, uint32_t count, double value_max)');
  const words = new Float64Array(histogram.memory);
  return (values) => void run(words, values, values.length, histogram.valueMax);
}
