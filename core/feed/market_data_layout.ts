// Where everything of a market data processor stands. A processor owns one memory, so its header has a constant
// address. One ring holds the messages; work is split by symbol into lanes, each worked on by one thread, which looks at
// every message and applies its own. Each lane has its orders, rows of levels and counters; nothing is written by
// two threads, and cursors have lines of their own.
//
//   0x10000  Header · published cursor (line of its own)       0x11000  lane of each group of 16 symbols (4,096 bytes)
//   0x12000  Lane × lanes (4 KiB each): state · free rows · counters · scratch row · released cursor · list of a round
//   then     ring · books (64 B, one line each) · per lane: heads · orders (32 B) · rows
//
// Symbols that are neighbours share a lane, 16 at a time: a processor's prefetcher fetches lines in pairs, and a pair
// whose halves belong to two cores would wander between them.

export const MD_HEADER_ADDRESS: u32 = 0x10000;
/** Messages in the ring so far, modulo 2^32. */
export const MD_PUBLISHED_ADDRESS: u32 = MD_HEADER_ADDRESS + 0x200;
export const MD_LANE_TABLE: u32 = 0x11000;
export const MD_LANES_ADDRESS: u32 = 0x12000;
export const MD_LANE_SIZE: u32 = 0x1000;
export const MD_LANES_MAX: u32 = 8;
/** Groups of the largest symbol that two bytes can say: a bad symbol has a lane too, where it is counted. */
export const MD_GROUPS: u32 = 4_096;
export const MD_GROUP_SHIFT: u32 = 4;

export const MD_MESSAGE_BYTES: u32 = 40;
/** SPEC M2. 2.6 MB: a thread that the system takes off its core for a millisecond at full speed loses nothing. */
export const MD_RING_SLOTS: u32 = 65_536;
export const MD_RING_MASK: u32 = MD_RING_SLOTS - 1;

/** Refusals, in the order in which they are found out. */
export const MD_OK: u32 = 0;
export const MD_BAD_SYMBOL: u32 = 1;
export const MD_BAD_TYPE: u32 = 2;
export const MD_BAD_SIDE: u32 = 3;
export const MD_BAD_PRICE: u32 = 4;
export const MD_BAD_VOLUME: u32 = 5;
export const MD_DUPLICATE: u32 = 6;
export const MD_UNKNOWN_REFERENCE: u32 = 7;
export const MD_OTHER_SIDE: u32 = 8;
export const MD_CAPACITY: u32 = 9;

@unmanaged
export class MdHeader {
  symbols: u32;
  lanes: u32;
  books: u32; //         first MdBook
  ring: u32;
  results: u32; //       where queries put their answers
}

@unmanaged
export class MdLane {
  // orders
  orders: u32; //        first MdOrder
  orderFresh: u32;
  orderFree: u32; //     LIFO through MdOrder.next, 0 = empty
  ordersLive: u32;
  ordersMax: u32;
  // references (linear hashing)
  heads: u32;
  buckets: u32;
  bucketMask: u32; //    2^k - 1 with 2^(k-1) < buckets <= 2^k
  growAt: u32; //        live orders above which a bucket is split
  shrinkAt: u32; //      live orders below which one is joined
  bucketsMin: u32;
  bucketsMax: u32;
  // rows
  rows: u32;
  rowsFresh: u32;
  rowsEnd: u32;
  taken: u32; //         cursor in the ring
  touched: u32; //       sum of what was asked for ahead: a load whose value goes nowhere may be left out
  gap: u32;
  sequenceMax: u64; //   above it no order can live
}

/** Inside a lane: free rows by size class (u32 each), counters (u64 each), one row for stores that are to change nothing. */
export const MD_LANE_FREE_ROWS: u32 = 0x80;
export const MD_LANE_APPLIED: u32 = 0x100; //   by type, 0 unused
export const MD_LANE_REFUSED: u32 = 0x140; //   by reason, 0 unused
export const MD_LANE_SCRATCH: u32 = 0x200; //   a rank, and a payload 64 bytes behind
export const MD_LANE_RELEASED: u32 = 0x400; //  cursor that the receiver reads; a line of its own
export const MD_LANE_LIST: u32 = 0x800; //      addresses of a round's messages

/** The levels of one side: market_data_rows.ts. */
@unmanaged
export class MdSide {
  rows: u32; //          address of its rows, 0 = none yet
  count: u16;
  sizeClass: u16;
}

/** One line: bids, asks, the last trade, the time of the last message applied. */
@unmanaged
export class MdBook {
  bidRows: u32;
  bidCount: u16;
  bidClass: u16;
  askRows: u32;
  askCount: u16;
  askClass: u16;
  lastPrice: u64; //     0 = no trade yet
  lastVolume: u64;
  timestamp: u64;
  applied: u64; //       messages
  dropped: u64; //       messages lost because the ring was full: the book is no longer to be trusted. The receiver's to write
  reserved: u64;
}
export const MD_BOOK_SHIFT: u32 = 6;

@unmanaged
export class MdOrder {
  sequence: u64; //      its name
  volume: u64;
  where: u64; //         price | (symbol << 1 | side) << 34
  next: u32; //          chain of the bucket, or free list
  reserved: u32;
}
export const MD_ORDER_SIZE: u32 = 32;
export const MD_PRICE_BITS: u64 = 34;
export const MD_SYMBOL_SHIFT: u64 = MD_PRICE_BITS + 1;
/** 10^10 < 2^34: a price never reaches into the bits above. */
export const MD_PRICE_LIMIT: u64 = 10_000_000_000;

// @ts-ignore: decorator
@inline
export function mdHeader(): MdHeader {
  return changetype<MdHeader>(MD_HEADER_ADDRESS);
}

// @ts-ignore: decorator
@inline
export function mdLaneAt(index: u32): u32 {
  return MD_LANES_ADDRESS + index * MD_LANE_SIZE;
}

// @ts-ignore: decorator
@inline
export function mdLaneOf(symbol: u32): u32 {
  return load<u8>(MD_LANE_TABLE + (symbol >> MD_GROUP_SHIFT));
}

// @ts-ignore: decorator
@inline
export function mdBookAt(symbol: u32): u32 {
  return mdHeader().books + (symbol << MD_BOOK_SHIFT);
}

// @ts-ignore: decorator
@inline
export function mdSideAt(book: u32, side: u32): MdSide {
  return changetype<MdSide>(book + (side << 3));
}

/** The better, the higher: the price of a bid, the negative of an ask's. */
// @ts-ignore: decorator
@inline
export function mdRankOf(price: u64, side: u32): i64 {
  const negative = -(<i64>side); // 0 or all ones
  return (<i64>price ^ negative) - negative;
}

// Whether a select becomes a branch is the engine's choice, so what must not be one is computed.

/** `a` if `first` is 1, `b` if it is 0. */
// @ts-ignore: decorator
@inline
export function either32(a: u32, b: u32, first: u32): u32 {
  return b ^ ((a ^ b) & (0 - first));
}

// @ts-ignore: decorator
@inline
export function either64(a: u64, b: u64, first: u32): u64 {
  return b ^ ((a ^ b) & (0 - <u64>first));
}
