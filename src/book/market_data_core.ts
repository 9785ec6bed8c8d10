// The core as a market data processor: its exports and the places of its memory that TypeScript reads.
// Layout and rules: core/feed/market_data_layout.ts, which a test holds these numbers to.
import { coreMemory, instantiateCore } from './core.ts';
import type { CoreVariant } from './core_module.ts';

export interface MarketDataCore {
  mdLayout(symbols: number, lanes: number, localGroups: number, ordersMax: number, rowsBytes: number): number;
  mdProcess(lane: number, max: number): number;
  mdRingAddress(): number;
  mdResultsAddress(): number;
  mdLaneAddress(lane: number): number;
  mdBookAddress(symbol: number): number;
  mdSymbolLane(symbol: number): number;
  mdDepth(symbol: number, side: number, levels: number): number;
  mdHash(): bigint;
  mdBrokenInvariant(): number;
}

export const MESSAGE_BYTES = 40;
/** Messages between receiver and processors. */
export const MARKET_DATA_RING_SLOTS = 65_536;
export const MARKET_DATA_SYMBOLS_MAX = 4_096;
export const MARKET_DATA_THREADS_MAX = 8;
/** Of 16 groups of symbols as many are dealt between the threads. */
export const SHARES = 16;
/** Levels a side: what a block of rows holds at most. */
export const MARKET_DATA_LEVELS_MAX = 4_096;
/** Bytes of the smallest block of rows, which a side with levels has. */
export const ROWS_BYTES_MIN = 192;

/** Places in the header page. */
export const HEADER = { published: 0x1_0200, stop: 0x1_0300, sleeping: 0x1_0304 } as const;
/** Places in a lane. */
export const LANE = { ordersLive: 12, applied: 0x100, refused: 0x140, released: 0x400 } as const;
/** Places in a book. */
export const MARKET_BOOK = { lastPrice: 16, lastVolume: 24, timestamp: 32, applied: 40, dropped: 48 } as const;
/** A level in the results. */
export const RESULT_ROW = { bytes: 24, price: 0, volume: 8, orders: 16 } as const;

/** Reasons for which a message is refused, by code; 0 is none. */
export const MARKET_DATA_REASONS = [
  'none', 'symbol', 'type', 'side', 'price', 'volume', 'duplicate', 'unknownReference', 'otherSide', 'capacity',
] as const;
export type MarketDataReason = Exclude<(typeof MARKET_DATA_REASONS)[number], 'none'>;

/** An instance over a processor's memory; every thread has its own. */
export function marketDataCore(variant: CoreVariant, memory: WebAssembly.Memory): MarketDataCore {
  const core: unknown = instantiateCore(variant, memory, () => {
    throw new Error('a market data processor writes no events');
  });
  return core as MarketDataCore;
}

/** Makes memory and instance and lays the processor out in it. */
export function createMarketDataCore(
  variant: CoreVariant, layout: Parameters<MarketDataCore['mdLayout']>,
): { core: MarketDataCore; memory: WebAssembly.Memory } {
  const bytes = marketDataCore(variant, coreMemory(0)).mdLayout(...layout);
  if (bytes === 0) throw new RangeError('market data processor: the sum of all regions must be below 4 GiB');
  const memory = coreMemory(bytes);
  const core = marketDataCore(variant, memory);
  core.mdLayout(...layout);
  return { core, memory };
}
