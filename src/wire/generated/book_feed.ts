// Generated from src/wire/schema.ts by `npm run generate`. Do not edit.
//
// Feed in the C++ book's layout. Little-endian, packed.
// 64-bit fields are two unsigned halves (`priceLo`, `priceHi`, `setPrice(view, at, lo, hi)`): nothing is
// allocated. `priceBig` and `setPriceBig`, `read` and `write` are for cold code.

/** Type byte of a BookUpdate. */
export const BookUpdateType = {
  Clear: 1,
  Add: 2,
  Modify: 3,
  Cancel: 4,
  Trade: 5,
  SnapshotStart: 6,
  SnapshotEnd: 7,
} as const;
export type BookUpdateType = (typeof BookUpdateType)[keyof typeof BookUpdateType];

/** Fields of a BookUpdate as an object, for cold code. */
export interface BookUpdateFields {
  sequence: bigint;
  type: number;
  order: bigint;
  ticker: number;
  side: number;
  price: bigint;
  qty: number;
  priority: bigint;
}

/** The same change in the layout of the C++ book: numbered, order before ticker, own type numbers. 42 bytes. */
export const BookUpdate = {
  bytes: 42,
  offset: {
    sequence: 0, type: 8, order: 9, ticker: 17, side: 21, price: 22, qty: 30, priority: 34,
  },

  /** incremental: from 1; snapshot: from 0 each cycle */
  sequenceLo(view: DataView, at: number): number {
    return view.getUint32(at, true);
  },
  sequenceHi(view: DataView, at: number): number {
    return view.getUint32(at + 4, true);
  },
  setSequence(view: DataView, at: number, lo: number, hi: number): void {
    view.setUint32(at, lo, true);
    view.setUint32(at + 4, hi, true);
  },
  sequenceBig(view: DataView, at: number): bigint {
    return view.getBigUint64(at, true);
  },
  setSequenceBig(view: DataView, at: number, value: bigint): void {
    view.setBigUint64(at, value, true);
  },

  /** BookUpdateType */
  type(view: DataView, at: number): number {
    return view.getUint8(at + 8);
  },
  setType(view: DataView, at: number, value: number): void {
    view.setUint8(at + 8, value);
  },

  /** the exchange's order id; trade: none; snapshot start and end: last incremental sequence */
  orderLo(view: DataView, at: number): number {
    return view.getUint32(at + 9, true);
  },
  orderHi(view: DataView, at: number): number {
    return view.getUint32(at + 13, true);
  },
  setOrder(view: DataView, at: number, lo: number, hi: number): void {
    view.setUint32(at + 9, lo, true);
    view.setUint32(at + 13, hi, true);
  },
  orderBig(view: DataView, at: number): bigint {
    return view.getBigUint64(at + 9, true);
  },
  setOrderBig(view: DataView, at: number, value: bigint): void {
    view.setBigUint64(at + 9, value, true);
  },

  /** instrument */
  ticker(view: DataView, at: number): number {
    return view.getUint32(at + 17, true);
  },
  setTicker(view: DataView, at: number, value: number): void {
    view.setUint32(at + 17, value, true);
  },

  /** Side; trade: of the aggressor */
  side(view: DataView, at: number): number {
    return view.getInt8(at + 21);
  },
  setSide(view: DataView, at: number, value: number): void {
    view.setInt8(at + 21, value);
  },

  /** units of 10^-decimals; trade: of the resting order */
  priceLo(view: DataView, at: number): number {
    return view.getUint32(at + 22, true);
  },
  priceHi(view: DataView, at: number): number {
    return view.getUint32(at + 26, true);
  },
  setPrice(view: DataView, at: number, lo: number, hi: number): void {
    view.setUint32(at + 22, lo, true);
    view.setUint32(at + 26, hi, true);
  },
  priceBig(view: DataView, at: number): bigint {
    return view.getBigInt64(at + 22, true);
  },
  setPriceBig(view: DataView, at: number, value: bigint): void {
    view.setBigInt64(at + 22, value, true);
  },

  /** as in MarketUpdate; cancel after a fill: the quantity before it; cancel by request: 0 */
  qty(view: DataView, at: number): number {
    return view.getUint32(at + 30, true);
  },
  setQty(view: DataView, at: number, value: number): void {
    view.setUint32(at + 30, value, true);
  },

  /** place in the queue of its price; trade: none */
  priorityLo(view: DataView, at: number): number {
    return view.getUint32(at + 34, true);
  },
  priorityHi(view: DataView, at: number): number {
    return view.getUint32(at + 38, true);
  },
  setPriority(view: DataView, at: number, lo: number, hi: number): void {
    view.setUint32(at + 34, lo, true);
    view.setUint32(at + 38, hi, true);
  },
  priorityBig(view: DataView, at: number): bigint {
    return view.getBigUint64(at + 34, true);
  },
  setPriorityBig(view: DataView, at: number, value: bigint): void {
    view.setBigUint64(at + 34, value, true);
  },

  /** All fields at once. */
  encode(
    view: DataView, at: number,
    sequenceLo: number, sequenceHi: number, type: number, orderLo: number, orderHi: number,
    ticker: number, side: number, priceLo: number, priceHi: number, qty: number,
    priorityLo: number, priorityHi: number,
  ): void {
    view.setUint32(at, sequenceLo, true);
    view.setUint32(at + 4, sequenceHi, true);
    view.setUint8(at + 8, type);
    view.setUint32(at + 9, orderLo, true);
    view.setUint32(at + 13, orderHi, true);
    view.setUint32(at + 17, ticker, true);
    view.setInt8(at + 21, side);
    view.setUint32(at + 22, priceLo, true);
    view.setUint32(at + 26, priceHi, true);
    view.setUint32(at + 30, qty, true);
    view.setUint32(at + 34, priorityLo, true);
    view.setUint32(at + 38, priorityHi, true);
  },

  read(view: DataView, at: number): BookUpdateFields {
    return {
      sequence: BookUpdate.sequenceBig(view, at),
      type: BookUpdate.type(view, at),
      order: BookUpdate.orderBig(view, at),
      ticker: BookUpdate.ticker(view, at),
      side: BookUpdate.side(view, at),
      price: BookUpdate.priceBig(view, at),
      qty: BookUpdate.qty(view, at),
      priority: BookUpdate.priorityBig(view, at),
    };
  },
  write(view: DataView, at: number, fields: BookUpdateFields): void {
    BookUpdate.setSequenceBig(view, at, fields.sequence);
    BookUpdate.setType(view, at, fields.type);
    BookUpdate.setOrderBig(view, at, fields.order);
    BookUpdate.setTicker(view, at, fields.ticker);
    BookUpdate.setSide(view, at, fields.side);
    BookUpdate.setPriceBig(view, at, fields.price);
    BookUpdate.setQty(view, at, fields.qty);
    BookUpdate.setPriorityBig(view, at, fields.priority);
  },
} as const;
