// The C reader of market data messages as a function of this process.
import { loadCLibrary } from './c_library.ts';

/** Sums that the C reader makes: mantissas, decimals, volumes, timestamps, symbols' bytes. */
export const JSON_SUMS = 5;

/** Reads every line; their number, −1 where one is no message. */
export type CJson = (bytes: Uint8Array, length: number, sums: BigUint64Array) => number;

/** Null where no compiler is. */
export function loadCJson(): CJson | null {
  const library = loadCLibrary('json');
  return library === null ? null : library.func('int64_t json_run(const uint8_t *bytes, uint64_t length, _Out_ uint64_t *sums)');
}
