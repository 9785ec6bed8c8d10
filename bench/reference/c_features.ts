// The C feature engine as a function of this process.
import { loadCLibrary } from './c_library.ts';

export const RECORD_FLOATS = 16;

/** Steps through the engine from nothing; the sum of the signals after each step. */
export type CFeatures = (words: Int32Array, steps: number, records: Float64Array, instruments: number) => number;

/** Null where no compiler is. */
export function loadCFeatures(): CFeatures | null {
  const library = loadCLibrary('features');
  if (library === null) return null;
  return library.func('double features_run(int32_t *words, uint32_t steps, double *records, uint32_t instruments)');
}
