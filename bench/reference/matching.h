// Matching of the core (core/book/matching.ts, order_book.ts): limit orders, day, GTC and IOC; cancel, reduce, replace.
//
// The flows of the benchmark have nothing else, so stops, icebergs, minimum quantities and self-trade prevention
// are not here, nor their tests on the way: this program does less than the core, never more.
#ifndef MATCHING_H
#define MATCHING_H

#include "event_ring.h"
#include "id_map.h"
#include "price_ladder.h"

// ---- order pool: last freed, first used ----

INLINE Order *take_order(void) {
  h.orders_live += 1;
  const u32 free = h.order_free;
  if (free) {
    h.order_free = AT(Order, free)->link.next;
    return AT(Order, free);
  }
  const u32 fresh = h.order_fresh;
  h.order_fresh = fresh + sizeof(Order);
  return AT(Order, fresh);
}

INLINE void free_order(Order *order) {
  order->order_id = 0;
  order->link.next = h.order_free;
  h.order_free = ADDRESS(order);
  h.orders_live -= 1;
}

// ---- what an order says about itself ----

INLINE i32 side_of(const Order *order) { return order->kind & KIND_SELL ? -1 : 1; }
INLINE u32 tif_of(const Order *order) { return order->kind & 255; }
INLINE Book *book_of(const Order *order) {
  return AT(Book, AT(Level, order->level)->ladder & ~(u32)(sizeof(Book) - 1));
}
INLINE i32 price_of_order(const Order *order) { return level_price(AT(Level, order->level)); }

// ---- events ----

static void write_rejected(const Command *cmd, u32 reason) {
  *claim_event() = (Event){
    .head = event_head(EV_REJECTED, cmd->side, 0, reason, cmd->book, cmd->type, 0),
    .price = cmd->price, .qty = cmd->qty, .client = cmd->client, .id = cmd->id,
  };
}

static void write_canceled_rest(const Order *o, u32 index, i32 price, u32 qty, u32 reason) {
  *claim_event() = (Event){
    .head = event_head(EV_CANCELED, side_of(o), 0, reason, index, 0, ORDER_LIMIT),
    .price = price, .qty = qty, .client = o->client, .id = o->id, .order_id = o->order_id, .maker_order_id = o->priority,
  };
}

static void write_rested(const Order *o) {
  *claim_event() = (Event){
    .head = event_head(EV_RESTED, side_of(o), 0, 0, book_of(o)->index, 0, ORDER_LIMIT),
    .price = price_of_order(o), .qty = o->qty, .client = o->client, .id = o->id, .order_id = o->order_id,
    .maker_order_id = o->priority, .leaves = o->qty, .displayed = o->qty,
  };
}

static void write_own(
  const Order *o, u32 type, u32 flags, u32 index, i32 price, u32 qty, i32 old_price, u32 old_displayed, u32 displayed
) {
  *claim_event() = (Event){
    .head = event_head(type, side_of(o), flags, 0, index, 0, ORDER_LIMIT),
    .price = price, .qty = qty, .client = o->client, .maker_client = (u32)old_price, .id = o->id,
    .maker_id = old_displayed, .order_id = o->order_id, .maker_order_id = o->priority, .leaves = qty,
    .displayed = displayed,
  };
}

// ---- leaving ----

static void forget(Order *order) {
  cut_link(find_link(order->client, order->id), order);
  free_order(order);
}

static void cancel_resting(Order *o) {
  *claim_event() = (Event){
    .head = event_head(EV_CANCELED, side_of(o), EVF_RESTING, REASON_NONE, book_of(o)->index, 0, ORDER_LIMIT),
    .price = price_of_order(o), .qty = o->qty, .client = o->client, .id = o->id, .order_id = o->order_id,
    .maker_order_id = o->priority,
  };
  remove_order(o);
  forget(o);
}

// ---- arriving ----

/** Whether the ladder's best level is at or above `limit` (a rank of that ladder). */
INLINE int crosses(const Ladder *ladder, u32 limit) { return ladder->bound > limit; }

INLINE u32 add_saturating(u32 a, u32 b) {
  const u32 sum = a + b;
  return sum < a ? UINT32_MAX : sum;
}

/** Trades `taker` against the ladder down to rank `limit`. */
static void match(Order *taker, Book *book, Ladder *opposite, u32 limit) {
  const i32 side = side_of(taker);
  while (taker->qty) {
    Level *level = best_level(opposite);
    if (!level || level->rank < limit) return;
    const i32 price = level_price(level);
    u32 orders = level->count;
    while (orders && taker->qty) {
      Order *maker = AT(Order, level->link.next);
      const u32 traded = taker->qty < maker->qty ? taker->qty : maker->qty;
      taker->qty -= traded;
      taker->executed = add_saturating(taker->executed, traded);
      maker->qty -= traded;
      maker->executed = add_saturating(maker->executed, traded);
      level->volume -= traded;
      book->last_price = price;
      book->last_qty = traded;
      book->has_last = 1;
      *claim_event() = (Event){
        .head = event_head(EV_TRADE, side, 0, 0, book->index, 0, 0),
        .price = price, .qty = traded, .client = taker->client, .maker_client = maker->client, .id = taker->id,
        .maker_id = maker->id, .order_id = taker->order_id, .maker_order_id = maker->order_id, .leaves = taker->qty,
        .displayed = maker->qty,
      };
      if (!maker->qty) {
        remove_order(maker);
        forget(maker);
        orders -= 1;
      }
    }
  }
}

/** An order that stands in no level meets the market: its own event, trades, what becomes of the rest. */
static void arrive(
  Order *order, Book *book, i32 price, u32 limit, u32 type, u32 old_flags, i32 old_price, u32 old_displayed
) {
  const u32 kind = order->kind & KIND_SELL ? LADDER_ASKS : LADDER_BIDS;
  Ladder *own = &book->ladders[kind];
  Ladder *opposite = &book->ladders[kind ^ 1];
  const u32 qty = order->qty;
  const u32 index = book->index;
  const int may_rest = tif_of(order) <= TIF_GTC;
  if (!crosses(opposite, limit)) {
    if (may_rest) {
      append_order(acquire_level(own, rank_of(price, kind)), order, qty);
      write_own(order, type, EVF_RESTS | old_flags, index, price, qty, old_price, old_displayed, qty);
      return;
    }
    write_own(order, type, old_flags, index, price, qty, old_price, old_displayed, 0);
    write_canceled_rest(order, index, price, qty, REASON_CANNOT_FILL);
    forget(order);
    return;
  }
  const int ack_last = type == EV_REPLACED && h.ack_replace_last;
  if (!ack_last) write_own(order, type, old_flags, index, price, qty, old_price, old_displayed, 0);
  match(order, book, opposite, limit);
  if (ack_last) write_own(order, type, old_flags, index, price, qty, old_price, old_displayed, 0);
  if (!order->qty) {
    forget(order);
  } else if (may_rest) {
    append_order(acquire_level(own, rank_of(price, kind)), order, order->qty);
    write_rested(order);
  } else {
    write_canceled_rest(order, index, price, order->qty, REASON_CANNOT_FILL);
    forget(order);
  }
}

static void new_crossing(const Command *cmd, Book *book) {
  const u32 kind = cmd->side > 0 ? LADDER_BIDS : LADDER_ASKS;
  Order *order = take_order();
  const u64 order_id = ++h.counter;
  order->qty = cmd->qty;
  order->level = 0;
  order->id = cmd->id;
  order->client = cmd->client;
  order->order_id = order_id;
  order->priority = order_id;
  order->executed = 0;
  order->ext = 0;
  order->owner = cmd->client;
  order->kind = cmd->tif | ORDER_LIMIT << 8 | (cmd->side < 0 ? KIND_SELL : 0) | (u32)cmd->stp << KIND_STP_SHIFT;
  insert_order(order);
  arrive(order, book, cmd->price, ~rank_of(cmd->price, kind), EV_ACCEPTED, 0, 0, 0);
}

INLINE void new_order(const Command *cmd) {
  const u32 index = cmd->book;
  if (index >= h.book_count) return write_rejected(cmd, REASON_TICKER);
  Book *book = AT(Book, h.books) + index;
  const i32 side = cmd->side;
  const u32 tif = cmd->tif;
  const i32 price = cmd->price;
  if (book->state != 0) return write_rejected(cmd, REASON_STATE);
  if (side * side != 1) return write_rejected(cmd, REASON_SIDE);
  if (cmd->order_type != ORDER_LIMIT || tif > TIF_IOC || tif == 2 || cmd->stp > STP_NONE || cmd->flags) {
    return write_rejected(cmd, REASON_UNSUPPORTED);
  }
  if (cmd->qty - 1 >= UINT32_MAX - 1) return write_rejected(cmd, REASON_QUANTITY);
  if (price < book->min_price || price > book->max_price) return write_rejected(cmd, REASON_PRICE);
  const u64 id = cmd->id;
  const u32 client = cmd->client;
  if (find_link(client, id)) return write_rejected(cmd, REASON_DUPLICATE);
  if (h.orders_live == h.orders_max) return write_rejected(cmd, REASON_CAPACITY);
  const u32 kind = side < 0;
  const u32 rank = rank_of(price, kind);
  Ladder *opposite = &book->ladders[kind ^ 1];
  if (crosses(opposite, ~rank)) return new_crossing(cmd, book);
  const u32 qty = cmd->qty;
  const u64 order_id = ++h.counter;
  if (tif == TIF_IOC) {
    Event event = {
      .head = event_head(EV_ACCEPTED, side, 0, 0, index, 0, ORDER_LIMIT),
      .price = price, .qty = qty, .client = client, .id = id, .order_id = order_id, .maker_order_id = order_id, .leaves = qty,
    };
    *claim_reserved() = event;
    event.head = event_head(EV_CANCELED, side, EVF_END, REASON_CANNOT_FILL, index, 0, ORDER_LIMIT);
    event.leaves = 0;
    *claim_reserved() = event;
    return;
  }
  Level *level = acquire_level(&book->ladders[kind], rank);
  Order *o = take_order();
  o->qty = qty;
  o->id = id;
  o->client = client;
  o->order_id = order_id;
  o->priority = order_id;
  o->executed = 0;
  o->ext = 0;
  o->owner = client;
  o->kind = tif | ORDER_LIMIT << 8 | (side < 0 ? KIND_SELL : 0) | (u32)cmd->stp << KIND_STP_SHIFT;
  append_order(level, o, qty);
  insert_order(o);
  *claim_reserved() = (Event){
    .head = event_head(EV_ACCEPTED, side, EVF_RESTS | EVF_END, 0, index, 0, ORDER_LIMIT),
    .price = price, .qty = qty, .client = client, .id = id, .order_id = order_id, .maker_order_id = order_id,
    .leaves = qty, .displayed = qty,
  };
}

// ---- cancel, reduce, replace ----

/** The live order of the command's client and id in its book, or NULL. */
INLINE Order *target(const Command *cmd, const Book *book) {
  const u32 *link = find_link(cmd->client, cmd->id);
  if (!link) return NULL;
  Order *order = order_of(*link);
  return book_of(order) == book ? order : NULL;
}

INLINE void cancel_order(const Command *cmd) {
  u32 *link = find_link(cmd->client, cmd->id);
  if (!link) return write_rejected(cmd, cmd->book >= h.book_count ? REASON_TICKER : REASON_UNKNOWN_ORDER);
  Order *o = order_of(*link);
  if (book_of(o) != AT(Book, h.books) + cmd->book) return write_rejected(cmd, REASON_UNKNOWN_ORDER);
  *claim_reserved() = (Event){
    .head = event_head(EV_CANCELED, side_of(o), EVF_RESTING, REASON_NONE, cmd->book, 0, ORDER_LIMIT),
    .price = price_of_order(o), .qty = o->qty, .client = o->client, .id = o->id, .order_id = o->order_id,
    .maker_order_id = o->priority,
  };
  remove_order(o);
  cut_link(link, o);
  free_order(o);
}

INLINE void lower_to(Order *order, u32 open) {
  AT(Level, order->level)->volume -= order->qty - open;
  order->qty = open;
}

static void reduce_order(const Command *cmd) {
  if (cmd->book >= h.book_count) return write_rejected(cmd, REASON_TICKER);
  Book *book = AT(Book, h.books) + cmd->book;
  if (book->state != 0) return write_rejected(cmd, REASON_STATE);
  const u32 by = cmd->qty;
  if (!by) return write_rejected(cmd, REASON_QUANTITY);
  Order *o = target(cmd, book);
  if (!o) return write_rejected(cmd, REASON_UNKNOWN_ORDER);
  const u32 before = o->qty;
  if (by >= before) return cancel_resting(o);
  lower_to(o, before - by);
  *claim_event() = (Event){
    .head = event_head(EV_REDUCED, side_of(o), EVF_RESTING, REASON_NONE, cmd->book, 0, ORDER_LIMIT),
    .price = price_of_order(o), .qty = by, .client = o->client, .id = o->id, .maker_id = before, .order_id = o->order_id,
    .maker_order_id = o->priority, .leaves = o->qty, .displayed = o->qty,
  };
}

static void replace_order(const Command *cmd) {
  if (cmd->book >= h.book_count) return write_rejected(cmd, REASON_TICKER);
  Book *book = AT(Book, h.books) + cmd->book;
  if (book->state != 0) return write_rejected(cmd, REASON_STATE);
  u32 open = cmd->qty;
  if (open == 0 || open == UINT32_MAX) return write_rejected(cmd, REASON_QUANTITY);
  Order *o = target(cmd, book);
  if (!o) return write_rejected(cmd, REASON_UNKNOWN_ORDER);
  const i32 price = cmd->price;
  if (price < book->min_price || price > book->max_price) return write_rejected(cmd, REASON_PRICE);
  if (cmd->flags & FLAG_CHAIN) {
    if (open <= o->executed) return cancel_resting(o);
    open -= o->executed;
  }
  const i32 old_price = price_of_order(o);
  const u32 old_displayed = o->qty;
  if (price == old_price && open <= o->qty) {
    lower_to(o, open);
    write_own(o, EV_REPLACED, EVF_KEPT | EVF_RESTING, cmd->book, price, open, old_price, old_displayed, open);
    return;
  }
  remove_order(o);
  o->level = 0;
  o->qty = open;
  o->priority = ++h.counter;
  arrive(o, book, price, ~rank_of(price, o->kind & KIND_SELL ? LADDER_ASKS : LADDER_BIDS), EV_REPLACED, EVF_RESTING,
    old_price, old_displayed);
}

/** Executes one command; the last of its events gets the flag END. */
INLINE void execute(const Command *cmd) {
  reserve_events();
  switch (cmd->type) {
    case CMD_NEW: new_order(cmd); break;
    case CMD_CANCEL: cancel_order(cmd); break;
    case CMD_REPLACE: replace_order(cmd); break;
    case CMD_REDUCE: reduce_order(cmd); break;
    default: write_rejected(cmd, REASON_UNSUPPORTED);
  }
  Event *last = AT(Event, h.event_base) + ((h.events_written - 1) & h.event_mask);
  last->head |= (u64)EVF_END << 16;
  publish_some();
}

#endif
