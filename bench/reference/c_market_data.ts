// The market data processor in C as a function of this process.
import { loadCLibrary } from './c_library.ts';

/** Puts all messages through a fresh processor; nanoseconds. `hash` gets that of all books. */
export type CMarketData = (
  messages: Uint8Array, count: number, symbols: number, threads: number, ownShare: number, ordersMax: number, helperCore: number,
  hash: BigUint64Array,
) => number;

/** Null where no compiler is. */
export function loadCMarketData(): CMarketData | null {
  const library = loadCLibrary('market_data');
  if (library === null) return null;
  return library.func(
    'double market_data_run(uint8_t *messages, uint32_t count, uint32_t symbols, uint32_t threads, uint32_t own_share, ' +
      'uint32_t orders_max, uint32_t core, uint64_t *hash)',
  );
}
