// The risk gate's question in C as a function of this process.
import { loadCLibrary } from './c_library.ts';

/** Doubles of a book's record, and of the engine's, in the order of risk.c. */
export const RISK_RECORD = 32;

/** Asks about all orders; the answers weighted 1 … 8 in turn, summed. */
export type CRisk = (
  words: Int32Array, orders: number, books: Float64Array, count: number, totals: Float64Array, nowNs: number,
) => number;

/** Null where no compiler is. */
export function loadCRisk(): CRisk | null {
  const library = loadCLibrary('risk');
  if (library === null) return null;
  return library.func(
    'double risk_run(int32_t *words, uint32_t orders, double *books, uint32_t count, double *totals, double now_ns)',
  );
}
