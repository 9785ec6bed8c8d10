// Generated from src/wire/schema.ts by `npm run generate`. Do not edit.
//
// The 40-byte market data message. Little-endian, packed.
// 64-bit fields are two unsigned halves (`priceLo`, `priceHi`, `setPrice(view, at, lo, hi)`): nothing is
// allocated. `priceBig` and `setPriceBig`, `read` and `write` are for cold code.

/** Type byte of a MarketData message. */
export const MarketDataType = {
  Add: 1,
  Cancel: 2,
  Modify: 3,
  Trade: 4, // last price and volume; the book stays as it is
} as const;
export type MarketDataType = (typeof MarketDataType)[keyof typeof MarketDataType];

/** Side byte of a MarketData message. */
export const MarketDataSide = {
  Bid: 0,
  Ask: 1,
} as const;
export type MarketDataSide = (typeof MarketDataSide)[keyof typeof MarketDataSide];

/** Fields of a MarketData as an object, for cold code. */
export interface MarketDataFields {
  symbol: number;
  type: number;
  side: number;
  price: bigint;
  volume: bigint;
  timestamp: bigint;
  sequence: bigint;
}

/** Input of the market data processor. 40 bytes. */
export const MarketData = {
  bytes: 40,
  offset: {
    symbol: 0, type: 2, side: 3, price: 4, volume: 12, timestamp: 20, sequence: 28,
  },

  /** instrument, below 4,096 */
  symbol(view: DataView, at: number): number {
    return view.getUint16(at, true);
  },
  setSymbol(view: DataView, at: number, value: number): void {
    view.setUint16(at, value, true);
  },

  /** MarketDataType */
  type(view: DataView, at: number): number {
    return view.getUint8(at + 2);
  },
  setType(view: DataView, at: number, value: number): void {
    view.setUint8(at + 2, value);
  },

  /** MarketDataSide */
  side(view: DataView, at: number): number {
    return view.getUint8(at + 3);
  },
  setSide(view: DataView, at: number, value: number): void {
    view.setUint8(at + 3, value);
  },

  /** price × 10,000; 0 < price < 10,000,000,000 */
  priceLo(view: DataView, at: number): number {
    return view.getUint32(at + 4, true);
  },
  priceHi(view: DataView, at: number): number {
    return view.getUint32(at + 8, true);
  },
  setPrice(view: DataView, at: number, lo: number, hi: number): void {
    view.setUint32(at + 4, lo, true);
    view.setUint32(at + 8, hi, true);
  },
  priceBig(view: DataView, at: number): bigint {
    return view.getBigUint64(at + 4, true);
  },
  setPriceBig(view: DataView, at: number, value: bigint): void {
    view.setBigUint64(at + 4, value, true);
  },

  /** quantity */
  volumeLo(view: DataView, at: number): number {
    return view.getUint32(at + 12, true);
  },
  volumeHi(view: DataView, at: number): number {
    return view.getUint32(at + 16, true);
  },
  setVolume(view: DataView, at: number, lo: number, hi: number): void {
    view.setUint32(at + 12, lo, true);
    view.setUint32(at + 16, hi, true);
  },
  volumeBig(view: DataView, at: number): bigint {
    return view.getBigUint64(at + 12, true);
  },
  setVolumeBig(view: DataView, at: number, value: bigint): void {
    view.setBigUint64(at + 12, value, true);
  },

  /** nanoseconds */
  timestampLo(view: DataView, at: number): number {
    return view.getUint32(at + 20, true);
  },
  timestampHi(view: DataView, at: number): number {
    return view.getUint32(at + 24, true);
  },
  setTimestamp(view: DataView, at: number, lo: number, hi: number): void {
    view.setUint32(at + 20, lo, true);
    view.setUint32(at + 24, hi, true);
  },
  timestampBig(view: DataView, at: number): bigint {
    return view.getBigUint64(at + 20, true);
  },
  setTimestampBig(view: DataView, at: number, value: bigint): void {
    view.setBigUint64(at + 20, value, true);
  },

  /** add: number of the message and name of the order; cancel, modify: the add's number */
  sequenceLo(view: DataView, at: number): number {
    return view.getUint32(at + 28, true);
  },
  sequenceHi(view: DataView, at: number): number {
    return view.getUint32(at + 32, true);
  },
  setSequence(view: DataView, at: number, lo: number, hi: number): void {
    view.setUint32(at + 28, lo, true);
    view.setUint32(at + 32, hi, true);
  },
  sequenceBig(view: DataView, at: number): bigint {
    return view.getBigUint64(at + 28, true);
  },
  setSequenceBig(view: DataView, at: number, value: bigint): void {
    view.setBigUint64(at + 28, value, true);
  },

  /** All fields at once. */
  encode(
    view: DataView, at: number,
    symbol: number, type: number, side: number, priceLo: number, priceHi: number, volumeLo: number,
    volumeHi: number, timestampLo: number, timestampHi: number, sequenceLo: number,
    sequenceHi: number,
  ): void {
    view.setUint16(at, symbol, true);
    view.setUint8(at + 2, type);
    view.setUint8(at + 3, side);
    view.setUint32(at + 4, priceLo, true);
    view.setUint32(at + 8, priceHi, true);
    view.setUint32(at + 12, volumeLo, true);
    view.setUint32(at + 16, volumeHi, true);
    view.setUint32(at + 20, timestampLo, true);
    view.setUint32(at + 24, timestampHi, true);
    view.setUint32(at + 28, sequenceLo, true);
    view.setUint32(at + 32, sequenceHi, true);
    view.setUint32(at + 36, 0);
  },

  read(view: DataView, at: number): MarketDataFields {
    return {
      symbol: MarketData.symbol(view, at),
      type: MarketData.type(view, at),
      side: MarketData.side(view, at),
      price: MarketData.priceBig(view, at),
      volume: MarketData.volumeBig(view, at),
      timestamp: MarketData.timestampBig(view, at),
      sequence: MarketData.sequenceBig(view, at),
    };
  },
  write(view: DataView, at: number, fields: MarketDataFields): void {
    MarketData.setSymbol(view, at, fields.symbol);
    MarketData.setType(view, at, fields.type);
    MarketData.setSide(view, at, fields.side);
    MarketData.setPriceBig(view, at, fields.price);
    MarketData.setVolumeBig(view, at, fields.volume);
    MarketData.setTimestampBig(view, at, fields.timestamp);
    MarketData.setSequenceBig(view, at, fields.sequence);
    view.setUint32(at + 36, 0);
  },
} as const;
