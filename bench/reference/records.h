// The core's records (core/records.ts, core/book/records.ts) as C structures.
//
// Everything lies in one mapping below 4 GB, so a link is a 32-bit address and 0 is "none", as in the core.
#ifndef RECORDS_H
#define RECORDS_H

#include <stdint.h>

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;
typedef int8_t i8;
typedef int32_t i32;

#define AT(type, address) ((type *)(uintptr_t)(address))
#define ADDRESS(pointer) ((u32)(uintptr_t)(pointer))
#define INLINE static inline __attribute__((always_inline))
#define RARE static __attribute__((noinline, cold))

typedef struct {
  u8 type;
  i8 side;
  u8 order_type;
  u8 tif;
  u8 flags;
  u8 stp;
  u16 book;
  u32 client;
  i32 price;
  u64 id;
  u32 qty;
  u32 reason;
} Command;

typedef struct {
  u64 head; // type, side, flags, reason, book, op, order type: event_head()
  i32 price;
  u32 qty;
  u32 client;
  u32 maker_client;
  u64 id;
  u64 maker_id;
  u64 order_id;
  u64 maker_order_id;
  u32 leaves;
  u32 displayed;
} Event;

/** First in orders and levels alike: a level is the sentinel of the ring of its orders. */
typedef struct {
  u32 next;
  u32 prev;
} Link;

typedef struct {
  Link link;
  u32 qty;
  u32 level;
  u64 id;
  u32 client;
  u32 hash_next;
  u64 order_id;
  u64 priority;
  u32 executed;
  u32 ext;
  u32 owner;
  u32 kind;
} Order;

typedef struct {
  Link link;
  u32 count;
  u32 rank;
  u64 volume;
  u32 block;
  u32 ladder;
} Level;

typedef struct {
  u32 root;
  u32 shift;
  u64 bound; //  best rank + 1; 0 = empty
  u64 second; // second best rank + 1; 0 = there is none, BOUND_UNKNOWN
  u64 near; // block used last | its ranks shifted right by 12
} Ladder;

typedef struct {
  Ladder ladders[4]; // bids, asks, buy stops, sell stops
  u64 state_and_stops;
  i32 min_price;
  i32 max_price;
  u32 price_span;
  u32 index;
  i32 last_price;
  u32 last_qty;
  u32 has_last;
  u32 dirty;
  u32 view;
  u32 pad[21];
} Book;

typedef struct {
  u64 summary;
  u32 base;
  u32 parent;
  u32 ladder;
  u32 pad[11];
  u64 bits[64];
  u32 level[4096];
} Block;

typedef struct {
  u64 bitmap;
  u32 base;
  u32 parent;
  u32 children;
  u32 shift;
  u32 pad[10];
  u32 child[64];
} Node;

_Static_assert(sizeof(Command) == 32, "a command is half a cache line");
_Static_assert(sizeof(Event) == 64, "an event is one cache line");
_Static_assert(sizeof(Order) == 64, "an order is one cache line");
_Static_assert(sizeof(Level) == 32, "two levels a cache line");
_Static_assert(sizeof(Book) == 256, "four lines a book");
_Static_assert(sizeof(Block) == 16960 && sizeof(Node) == 320, "as in the core");

enum { KIND_SELL = 1 << 16, KIND_POST_ONLY = 1 << 17, KIND_STP_SHIFT = 19 };
enum { LADDER_BIDS = 0, LADDER_ASKS = 1, LADDER_BUY_STOPS = 2, LADDER_SELL_STOPS = 3 };
enum { CMD_NEW = 1, CMD_CANCEL, CMD_REPLACE, CMD_REDUCE };
enum { ORDER_MARKET = 1, ORDER_LIMIT = 2 };
enum { TIF_DAY = 0, TIF_GTC = 1, TIF_IOC = 3, TIF_FOK = 4 };
enum { STP_DEFAULT = 0, STP_NONE = 1, STP_CANCEL_NEWEST, STP_CANCEL_OLDEST, STP_CANCEL_BOTH, STP_DECREMENT };
enum { FLAG_POST_ONLY = 1, FLAG_EXTENDED = 2, FLAG_CHAIN = 4 };
enum {
  EV_ACCEPTED = 1, EV_TRADE, EV_CANCELED, EV_REPLACED, EV_REDUCED, EV_REJECTED, EV_TRIGGERED, EV_RESTED,
  EV_DISPLAYED,
  EV_STATE, EV_TYPES,
};
enum { EVF_RESTS = 1, EVF_RESTING = 2, EVF_KEPT = 4, EVF_ICEBERG = 8, EVF_END = 16 };
enum {
  REASON_NONE = 0, REASON_TICKER = 1, REASON_SIDE = 2, REASON_PRICE = 3, REASON_QUANTITY = 4,
  REASON_DUPLICATE = 5,
  REASON_UNKNOWN_ORDER = 6, REASON_STATE = 16, REASON_POST_ONLY = 17, REASON_CANNOT_FILL = 18,
  REASON_SELF_TRADE = 19,
  REASON_CAPACITY = 23, REASON_UNSUPPORTED = 24,
};

/** State of the engine that is not a book (core/memory/layout.ts). */
typedef struct {
  u32 books, book_count;
  u32 stp_default, ack_replace_last;
  u32 orders, order_fresh, order_free, orders_live, orders_max;
  u32 heads, buckets, bucket_mask, grow_at, shrink_at, buckets_min, buckets_max;
  u32 levels, level_stack, level_stack_top, levels_max;
  u32 block_fresh, blocks_end;
  u32 node_fresh, nodes_end;
  u32 event_base, event_mask, events_written, events_credit;
  u32 far_rounds;
  u64 counter;
} Header;

static Header h;

#endif
