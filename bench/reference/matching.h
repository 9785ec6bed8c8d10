// Matching of the core (core/book/matching.ts, order_book.ts): limit orders, day, GTC and IOC; cancel,
// reduce, replace.
//
// The flows of the benchmark have nothing else, so stops, icebergs, minimum quantities and self-trade
// prevention are not here, nor their tests on the way: this program does less than the core, never more.
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

/** Answers a command that does nothing. */
static __attribute__((noinline)) void reject(const Command *cmd, u32 reason) {
  *claim_event() = (Event){
    .head = event_head(EV_REJECTED, cmd->side, EVF_END, reason, cmd->book, cmd->type, 0),
    .price = cmd->price, .qty = cmd->qty, .client = cmd->client, .id = cmd->id,
  };
}

/** Marks the last event written as its command's last. */
INLINE void end_command(void) {
  Event *last = AT(Event, h.event_base) + ((h.events_written - 1) & h.event_mask);
  last->head |= (u64)EVF_END << 16;
}

static void write_rested(const Order *o) {
  *claim_event() = (Event){
    .head = event_head(EV_RESTED, side_of(o), 0, 0, book_of(o)->index, 0, ORDER_LIMIT),
    .price = price_of_order(o), .qty = o->qty, .client = o->client, .id = o->id, .order_id = o->order_id,
    .maker_order_id = o->priority, .leaves = o->qty, .displayed = o->qty,
  };
}

// ---- leaving ----

static void forget(Order *order) {
  cut_link(find_link(order->client, order->id), order);
  free_order(order);
}

// ---- arriving ----

/** Whether the ladder's best level is at or above `limit` (a rank of that ladder). */
INLINE int crosses(const Ladder *ladder, u32 limit) { return ladder->bound > limit; }

INLINE u32 add_saturating(u32 a, u32 b) {
  const u32 sum = a + b;
  return sum < a ? UINT32_MAX : sum;
}

/** One fill of `maker`, the first order of `level`; the maker's open quantity after it. */
INLINE u32 fill(Book *book, Level *level, Order *maker, u32 traded) {
  maker->qty -= traded;
  maker->executed = add_saturating(maker->executed, traded);
  level->volume -= traded;
  book->last_price = level_price(level);
  book->last_qty = traded;
  book->has_last = 1;
  return maker->qty;
}

/**
 * Trades of an aggressor that is `open` large, down to rank `limit` of the opposite side; what is left
 * of it.
 */
INLINE u32 match(
  Book *book, Ladder *opposite, u32 limit, i32 side, u32 client, u64 id, u64 order_id, u32 open
) {
  do {
    Level *level = best_level(opposite);
    Order *maker = AT(Order, level->link.next);
    const u32 traded = open < maker->qty ? open : maker->qty;
    open -= traded;
    const u32 maker_left = fill(book, level, maker, traded);
    *claim_event() = (Event){
      .head = event_head(EV_TRADE, side, 0, 0, book->index, 0, 0),
      .price = level_price(level), .qty = traded, .client = client, .maker_client = maker->client, .id = id,
      .maker_id = maker->id, .order_id = order_id, .maker_order_id = maker->order_id, .leaves = open,
      .displayed = maker_left,
    };
    if (!maker_left) {
      remove_order(maker);
      forget(maker);
    }
  } while (open && crosses(opposite, limit));
  return open;
}

/**
 * A plain order of `qty`, of which `open` is left, goes to the back of `level`; the caller puts it into
 * the id map.
 */
INLINE Order *place(Level *level, const Command *cmd, u32 open, u64 order_id) {
  Order *o = take_order();
  o->qty = open;
  o->id = cmd->id;
  o->client = cmd->client;
  o->order_id = order_id;
  o->priority = order_id;
  o->executed = cmd->qty - open;
  o->ext = 0;
  o->owner = cmd->client;
  o->kind = cmd->tif | ORDER_LIMIT << 8 | (cmd->side < 0 ? KIND_SELL : 0) | (u32)cmd->stp << KIND_STP_SHIFT;
  append_order(level, o, open);
  return o;
}

/** A new order that crosses; the taker gets no slot unless it rests. */
static __attribute__((noinline)) void new_crossing(const Command *cmd, Book *book) {
  const u32 kind = cmd->side < 0;
  const u32 rank = rank_of(cmd->price, kind);
  const u64 order_id = ++h.counter;
  *claim_event() = (Event){
    .head = event_head(EV_ACCEPTED, cmd->side, 0, 0, book->index, 0, ORDER_LIMIT),
    .price = cmd->price, .qty = cmd->qty, .client = cmd->client, .id = cmd->id, .order_id = order_id,
    .maker_order_id = order_id, .leaves = cmd->qty,
  };
  const u32 open =
    match(book, &book->ladders[kind ^ 1], ~rank, cmd->side, cmd->client, cmd->id, order_id, cmd->qty);
  if (open && cmd->tif != TIF_IOC) {
    Order *order = place(acquire_level(&book->ladders[kind], rank), cmd, open, order_id);
    insert_order(order);
    write_rested(order);
  } else if (open) {
    *claim_event() = (Event){
      .head = event_head(EV_CANCELED, cmd->side, 0, REASON_CANNOT_FILL, book->index, 0, ORDER_LIMIT),
      .price = cmd->price, .qty = open, .client = cmd->client, .id = cmd->id, .order_id = order_id,
      .maker_order_id = order_id,
    };
  }
  end_command();
  reserve_events();
}

INLINE void new_order(const Command *cmd) {
  const u32 index = cmd->book;
  if (index >= h.book_count) return reject(cmd, REASON_TICKER);
  Book *book = AT(Book, h.books) + index;
  if (book->state_and_stops) return reject(cmd, REASON_STATE);
  const i32 side = cmd->side;
  const u32 tif = cmd->tif;
  if (cmd->order_type != ORDER_LIMIT || cmd->flags) return reject(cmd, REASON_UNSUPPORTED);
  if (side != 1 && side != -1) return reject(cmd, REASON_SIDE);
  if (tif > TIF_IOC || tif == 2 || cmd->stp > STP_NONE) return reject(cmd, REASON_UNSUPPORTED);
  const u32 qty = cmd->qty;
  if (qty - 1 >= UINT32_MAX - 1) return reject(cmd, REASON_QUANTITY);
  const i32 price = cmd->price;
  if ((u32)price - (u32)book->min_price > book->price_span) return reject(cmd, REASON_PRICE);
  if (h.orders_live >= h.orders_max) return reject(cmd, REASON_CAPACITY);
  const u64 id = cmd->id;
  const u32 client = cmd->client;
  const u32 hash = hash_of(client, id);
  u32 *head = head_of(hash);
  if (find_link_from(head, hash, client, id)) return reject(cmd, REASON_DUPLICATE);
  const u32 kind = side < 0;
  const u32 rank = rank_of(price, kind);
  if (crosses(&book->ladders[kind ^ 1], ~rank)) {
    new_crossing(cmd, book);
    return;
  }
  const u64 order_id = ++h.counter;
  if (tif == TIF_IOC) {
    Event event = {
      .head = event_head(EV_ACCEPTED, side, 0, 0, index, 0, ORDER_LIMIT),
      .price = price, .qty = qty, .client = client, .id = id, .order_id = order_id,
      .maker_order_id = order_id, .leaves = qty,
    };
    *claim_reserved() = event;
    event.head = event_head(EV_CANCELED, side, EVF_END, REASON_CANNOT_FILL, index, 0, ORDER_LIMIT);
    event.leaves = 0;
    *claim_reserved() = event;
    return;
  }
  insert_at(head, hash, place(acquire_level(&book->ladders[kind], rank), cmd, qty, order_id));
  *claim_reserved() = (Event){
    .head = event_head(EV_ACCEPTED, side, EVF_RESTS | EVF_END, 0, index, 0, ORDER_LIMIT),
    .price = price, .qty = qty, .client = client, .id = id, .order_id = order_id, .maker_order_id = order_id,
    .leaves = qty, .displayed = qty,
  };
}

// ---- cancel, replace, reduce ----

INLINE void cancel_order(const Command *cmd) {
  u32 *link = find_link(cmd->client, cmd->id);
  if (!link) return reject(cmd, cmd->book >= h.book_count ? REASON_TICKER : REASON_UNKNOWN_ORDER);
  Order *o = order_of(*link);
  if (book_of(o) != AT(Book, h.books) + cmd->book) return reject(cmd, REASON_UNKNOWN_ORDER);
  *claim_reserved() = (Event){
    .head = event_head(EV_CANCELED, side_of(o), EVF_RESTING | EVF_END, REASON_NONE, cmd->book, 0, ORDER_LIMIT),
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

INLINE void write_replaced(
  const Order *o, u32 flags, u32 index, i32 price, u32 qty, i32 old_price, u32 old_qty, u32 displayed
) {
  *claim_event() = (Event){
    .head = event_head(EV_REPLACED, side_of(o), flags, 0, index, 0, ORDER_LIMIT),
    .price = price, .qty = qty, .client = o->client, .maker_client = (u32)old_price, .id = o->id,
    .maker_id = old_qty,
    .order_id = o->order_id, .maker_order_id = o->priority, .leaves = qty, .displayed = displayed,
  };
}

/** A replaced order that crosses: it leaves the book, trades, and what is left of it rests again. */
static __attribute__((noinline)) void replace_crossing(Order *o, Book *book, i32 price, u32 rank, u32 qty) {
  const u32 kind = o->kind & KIND_SELL ? LADDER_ASKS : LADDER_BIDS;
  const i32 old_price = price_of_order(o);
  const u32 old_qty = o->qty;
  remove_order(o);
  o->priority = ++h.counter;
  if (!h.ack_replace_last) write_replaced(o, EVF_RESTING, book->index, price, qty, old_price, old_qty, 0);
  const u32 open = match(book, &book->ladders[kind ^ 1], ~rank, side_of(o), o->client, o->id, o->order_id, qty);
  if (h.ack_replace_last) write_replaced(o, EVF_RESTING, book->index, price, qty, old_price, old_qty, 0);
  o->executed = add_saturating(o->executed, qty - open);
  o->qty = open;
  if (open) {
    append_order(acquire_level(&book->ladders[kind], rank), o, open);
    write_rested(o);
  } else {
    forget(o);
  }
  end_command();
  reserve_events();
}

INLINE void replace_order(const Command *cmd) {
  const u32 index = cmd->book;
  if (index >= h.book_count) return reject(cmd, REASON_TICKER);
  Book *book = AT(Book, h.books) + index;
  u32 *link = find_link(cmd->client, cmd->id);
  if (!link) return reject(cmd, REASON_UNKNOWN_ORDER);
  Order *o = order_of(*link);
  const i32 price = cmd->price;
  const u32 qty = cmd->qty;
  const u32 kind = o->kind & KIND_SELL ? LADDER_ASKS : LADDER_BIDS;
  const u32 rank = rank_of(price, kind);
  const Level *level = AT(Level, o->level);
  Ladder *own = &book->ladders[kind];
  if (AT(Ladder, level->ladder) != own) return reject(cmd, REASON_UNKNOWN_ORDER);
  if (book->state_and_stops) return reject(cmd, REASON_STATE);
  if (qty - 1 >= UINT32_MAX - 1) return reject(cmd, REASON_QUANTITY);
  if ((u32)price - (u32)book->min_price > book->price_span) return reject(cmd, REASON_PRICE);
  if (cmd->flags) return reject(cmd, REASON_UNSUPPORTED);
  const i32 old_price = level_price(level);
  const u32 old_qty = o->qty;
  if (rank == level->rank && qty <= old_qty) {
    lower_to(o, qty);
    write_replaced(o, EVF_KEPT | EVF_RESTING | EVF_END, index, price, qty, old_price, old_qty, qty);
    return;
  }
  if (crosses(&book->ladders[kind ^ 1], ~rank)) {
    replace_crossing(o, book, price, rank, qty);
    return;
  }
  Level *fresh = acquire_level(own, rank);
  fresh->count += 1; // holds the level, which may be the order's own, while the order moves
  remove_order(o);
  fresh->count -= 1;
  o->priority = ++h.counter;
  o->qty = qty;
  append_order(fresh, o, qty);
  write_replaced(o, EVF_RESTS | EVF_RESTING | EVF_END, index, price, qty, old_price, old_qty, qty);
}

static void reduce_order(const Command *cmd) {
  const u32 index = cmd->book;
  if (index >= h.book_count) return reject(cmd, REASON_TICKER);
  Book *book = AT(Book, h.books) + index;
  if (book->state_and_stops) return reject(cmd, REASON_STATE);
  const u32 by = cmd->qty;
  if (!by) return reject(cmd, REASON_QUANTITY);
  u32 *link = find_link(cmd->client, cmd->id);
  Order *o = link ? order_of(*link) : NULL;
  if (!o || book_of(o) != book) return reject(cmd, REASON_UNKNOWN_ORDER);
  const u32 before = o->qty;
  if (by >= before) return cancel_order(cmd);
  lower_to(o, before - by);
  *claim_event() = (Event){
    .head = event_head(EV_REDUCED, side_of(o), EVF_RESTING | EVF_END, REASON_NONE, index, 0, ORDER_LIMIT),
    .price = price_of_order(o), .qty = by, .client = o->client, .id = o->id, .maker_id = before,
    .order_id = o->order_id,
    .maker_order_id = o->priority, .leaves = o->qty, .displayed = o->qty,
  };
}

// ---- batches ----

enum { COMMANDS_PER_ROUND = PLAIN_EVENTS_RESERVED / PLAIN_EVENTS_MAX };

/** 1 = ask for orders that are far away some commands ahead, as core/engine.ts does, here by the processor's prefetch instruction. */
static u32 look_ahead;

enum { TOUCH_AHEAD = 6, FAR_ORDERS = 512, FAR_ROUNDS = 2, FAR_ROUNDS_MAX = 8 };

/** Whether commands name orders that came long ago, judged by the first of a round (core/engine.ts). */
INLINE int orders_are_far(const Command *cmd) {
  if (cmd->type != CMD_NEW) {
    u32 *link = find_link(cmd->client, cmd->id);
    const int far = link && h.counter - order_of(*link)->order_id > FAR_ORDERS;
    if (!far) h.far_rounds -= h.far_rounds != 0;
    else if (h.far_rounds < FAR_ROUNDS_MAX) h.far_rounds += 1;
  }
  return h.far_rounds >= FAR_ROUNDS;
}

/** Asks for the line of the order that the command probably names. */
INLINE void touch_order(const Command *cmd) {
  __builtin_prefetch(order_of(*head_of(hash_of(cmd->client, cmd->id))));
}

/** Executes `count` commands; room in the ring is asked for, and events are published, once a round. */
static __attribute__((noinline)) void process(const Command *cmd, u32 count) {
  const Command *end = cmd + count;
  while (cmd < end) {
    const Command *round_end = end - cmd < COMMANDS_PER_ROUND ? end : cmd + COMMANDS_PER_ROUND;
    reserve_events();
    const int far = look_ahead && orders_are_far(cmd);
    for (; cmd < round_end; cmd++) {
      if (far && cmd + TOUCH_AHEAD < end) touch_order(cmd + TOUCH_AHEAD);
      if (cmd->type == CMD_NEW) new_order(cmd);
      else if (cmd->type == CMD_CANCEL) cancel_order(cmd);
      else if (cmd->type == CMD_REPLACE) replace_order(cmd);
      else if (cmd->type == CMD_REDUCE) reduce_order(cmd);
      else reject(cmd, REASON_UNSUPPORTED);
    }
    publish_some();
  }
  atomic_store(&published, h.events_written);
}

#endif
