// The book's own records. Links are addresses; 0 is "none".

/**
 * A live order: 64 bytes, one cache line, so that whoever touches an order pays for one line.
 * `next` and `prev` stand where Level has them: a level is the sentinel of its ring of orders, and
 * unlinking needs no test for first or last.
 */
@unmanaged
export class Order {
  next: u32; //      @0  towards the back of the queue; in the free list the next free one
  prev: u32; //      @4
  qty: u32; //       @8  visible open quantity (while aggressive: the whole open quantity)
  level: u32; //     @12 Level it rests in, 0 while aggressive
  id: u64; //        @16 client's id
  client: u32; //    @24
  hashNext: u32; //  @28 chain of the id map
  orderId: u64; //   @32 the engine's id; 0 = slot is free: the slot's generation, never reused
  priority: u64; //  @40 number of its present queue entry
  executed: u32; //  @48 total executed so far
  ext: u32; //       @52 Extension, 0 for a plain order
  owner: u32; //     @56 self-trade group
  kind: u32; //      @60 packed, below
}

// Order.kind: bits 0-7 tif, 8-15 order type, 16 side (1 = sell), 17 post-only, 18 untriggered stop, 19-21 stp
export const KIND_SELL: u32 = 1 << 16;
export const KIND_POST_ONLY: u32 = 1 << 17;
export const KIND_STOP: u32 = 1 << 18;
export const KIND_STP_SHIFT: u32 = 19;

/** What only some orders have: 32 bytes. */
@unmanaged
export class Extension {
  display: u32; //    @0  iceberg: visible part, 0 = not an iceberg
  hidden: u32; //     @4  iceberg at rest: open quantity not shown
  minQty: u32; //     @8  stop: minimum quantity at trigger
  stopPrice: i32; //  @12 ticks
  price: i32; //      @16 stop: limit price of the order it becomes
  reserved: u32; //   @20
  reserved2: u64; //  @24
}

/** One price of one side: 32 bytes, sentinel of the ring of its orders. Kept self-linked while empty. */
@unmanaged
export class Level {
  next: u32; //    @0  first order of the queue
  prev: u32; //    @4  last order
  count: u32; //   @8  orders
  rank: u32; //    @12 price as a rank of its ladder (price_ladder.ts)
  volume: u64; //  @16 sum of visible quantities
  block: u32; //   @24 ladder block it hangs in
  ladder: u32; //  @28 Ladder it belongs to
}

/** One side of a book, or one side's stops: 32 bytes. */
@unmanaged
export class Ladder {
  root: u32; //   @0  block or node, 0 = never used
  shift: u32; //  @4  bits of rank below the root: 12 for a block, 18, 24, 30, 36 for nodes
  bound: u64; //  @8  best rank + 1; 0 = empty
  second: u64; // @16 second best rank + 1, 0 = there is none, BOUND_UNKNOWN = not known
  near: u64; //   @24 block used last | its ranks shifted right by 12, 0 = none (price_ladder.ts)
}

/** One instrument: 256 bytes, aligned to 256, so that a ladder's address names its book and kind. Its ladders come first. */
@unmanaged
export class Book {
  l0: u64; l1: u64; l2: u64; l3: u64; l4: u64; l5: u64; l6: u64; l7: u64;
  l8: u64; l9: u64; l10: u64; l11: u64; l12: u64; l13: u64; l14: u64; l15: u64;
  state: u32; //        @128 STATE_*
  stops: u32; //        @132 untriggered stops
  minPrice: i32; //     @136
  maxPrice: i32; //     @140
  priceSpan: u32; //    @144 maxPrice - minPrice: one comparison checks the range
  index: u32; //        @148
  lastPrice: i32; //    @152 of the last trade
  lastQty: u32; //      @156
  hasLast: u32; //      @160 0 before the first trade
  dirty: u32; //        @164 1 = in the dirty stack
  view: u32; //         @168 its View, 0 = none
}

/** Offset of Book.state and Book.stops as one word: 0 = open and nothing waits. */
export const STATE_AND_STOPS: usize = 128;

export const ORDER_SIZE: u32 = 64;
export const EXTENSION_SIZE: u32 = 32;
export const LEVEL_SIZE: u32 = 32;
export const LADDER_SIZE: u32 = 32;
export const BOOK_SIZE: u32 = 256;

// Kinds of ladder, by their place in the book.
export const LADDER_BIDS: u32 = 0;
export const LADDER_ASKS: u32 = 1;
export const LADDER_BUY_STOPS: u32 = 2;
export const LADDER_SELL_STOPS: u32 = 3;

// @ts-ignore: decorator
@inline
export function ladderOf(book: u32, kind: u32): u32 {
  return book + kind * LADDER_SIZE;
}

// @ts-ignore: decorator
@inline
export function bookOfLadder(ladder: u32): u32 {
  return ladder & ~(BOOK_SIZE - 1);
}

// @ts-ignore: decorator
@inline
export function kindOfLadder(ladder: u32): u32 {
  return (ladder >> 5) & 3;
}
