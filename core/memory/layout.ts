// Where everything stands. One engine owns one memory, so its header has a constant address and every
// field of it is one load with a constant offset.
//
//   0x00000  static data of the compiler (empty in the product, file names in the checked build)
//   0x10000  Header (one page)
//   0x11000  books · levels · level stack · blocks · nodes · id-map heads · orders ·
//            extensions · command slots · event ring · views        (sizes: engine.ts, createEngine)
//
// All sizes come from the configuration at creation; nothing grows beyond them.

export const HEADER_ADDRESS: u32 = 0x10000;
export const REGIONS_ADDRESS: u32 = 0x11000;
export const CACHE_LINE: u32 = 64;

/** State of the engine that is not a book. The three cursors live on lines of their own. */
@unmanaged
export class Header {
  // books
  books: u32; //             first Book
  bookCount: u32;
  stpDefault: u32; //        STP_*, never STP_DEFAULT
  ackReplaceLast: u32; //    0 or 1
  triggersMax: u32;
  stopsLive: u32; //         untriggered stops over all books
  triggersDeferred: u32; //  eligible stops left for a later command, counted
  dirtyBooks: u32; //        stack of books changed since views were published: address
  dirtyCount: u32; //        its height
  viewLevels: u32; //        levels a side in a view, 0 = no views
  views: u32;
  viewSize: u32;
  // orders
  orders: u32; //            first Order
  orderFresh: u32; //        first order never used yet
  orderFree: u32; //         LIFO list through Order.next, 0 = empty
  ordersLive: u32;
  ordersMax: u32;
  extensions: u32;
  extensionFresh: u32;
  extensionFree: u32;
  extensionsEnd: u32;
  // id map (linear hashing)
  heads: u32; //             first bucket head
  buckets: u32; //           buckets in use
  bucketMask: u32; //        2^k - 1 with 2^(k-1) < buckets <= 2^k
  growAt: u32; //            live orders above which a bucket is split
  shrinkAt: u32; //          live orders below which one is joined
  bucketsMin: u32;
  bucketsMax: u32;
  // ladders
  levels: u32;
  levelStack: u32; //        addresses of free levels
  levelStackTop: u32; //     address one past the top
  levelsMax: u32;
  blocks: u32;
  blockFresh: u32;
  blockFree: u32;
  blocksEnd: u32;
  nodes: u32;
  nodeFresh: u32;
  nodeFree: u32;
  nodesEnd: u32;
  results: u32; //           where queries put their answers
  // commands and events
  commands: u32;
  commandSlots: u32;
  eventBase: u32;
  eventMask: u32; //         slots - 1
  eventsWritten: u32; //     events written, modulo 2^32; the host widens it
  eventsCredit: u32; //      events that may be written: released as last read, plus the number of slots
  farRounds: u32; //         engine.ts, ordersAreFar
  counter: u64; //           last order id or priority given out
}

/** Cursor that a consumer polls: events readable so far (modulo 2^32). A line of its own. */
export const PUBLISHED_ADDRESS: u32 = HEADER_ADDRESS + 0x200;
/** Cursor that the consumer moves: events no longer needed (modulo 2^32). A line of its own. */
export const RELEASED_ADDRESS: u32 = HEADER_ADDRESS + 0x280;

// @ts-ignore: decorator
@inline
export function header(): Header {
  return changetype<Header>(HEADER_ADDRESS);
}
