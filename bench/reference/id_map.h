// Id map of the core (core/memory/id_map.ts): linear hashing with chains through the orders, heads with
// a filter.
#ifndef ID_MAP_H
#define ID_MAP_H

#include "records.h"

enum { BUCKETS_PER_ORDER_SMALL = 4, BUCKETS_PER_ORDER_LARGE = 2, SMALL_BUCKETS = 16384 };
enum { FILTER = 63 };

INLINE u32 hash_of(u32 client, u64 id) {
  const u32 x = (u32)(((id ^ client) * 0x9e3779b97f4a7c15ull) >> 32);
  return x ^ (x >> 15) ^ (client * 0x85ebca6bu);
}

INLINE u32 *head_of(u32 hash) {
  const u32 mask = h.bucket_mask;
  const u32 whole = hash & mask;
  const u32 bucket = whole < h.buckets ? whole : (hash & (mask >> 1));
  return AT(u32, h.heads) + bucket;
}

INLINE u32 filter_bit(u32 hash) { return 1u << (hash >> 30); }
INLINE Order *order_of(u32 word) { return AT(Order, word & ~(u32)FILTER); }

/** The link that points to the order; NULL when there is no such order. */
INLINE u32 *find_link_from(u32 *link, u32 hash, u32 client, u64 id) {
  u32 word = *link;
  if (!(word & filter_bit(hash))) return NULL;
  do {
    Order *o = order_of(word);
    if (o->id == id && o->client == client) return link;
    link = &o->hash_next;
    word = *link;
  } while (word);
  return NULL;
}

INLINE u32 *find_link(u32 client, u64 id) {
  const u32 hash = hash_of(client, id);
  return find_link_from(head_of(hash), hash, client, id);
}

/** Live orders at which the table grows and shrinks next; after every change of `buckets`. */
static void set_thresholds(void) {
  const u32 buckets = h.buckets;
  const u32 per_order = buckets < SMALL_BUCKETS ? BUCKETS_PER_ORDER_SMALL : BUCKETS_PER_ORDER_LARGE;
  h.grow_at = buckets >= h.buckets_max ? UINT32_MAX : buckets / per_order;
  h.shrink_at = buckets > h.buckets_min ? buckets / (8 * BUCKETS_PER_ORDER_SMALL) : 0;
}

static __attribute__((noinline)) void split_bucket(void) {
  const u32 fresh = h.buckets;
  if (fresh > h.bucket_mask) h.bucket_mask = (h.bucket_mask << 1) | 1;
  const u32 mask = h.bucket_mask;
  h.buckets = fresh + 1;
  u32 *heads = AT(u32, h.heads);
  u32 *old = &heads[fresh & (mask >> 1)];
  u32 keep = 0;
  u32 move = 0;
  for (u32 order = *old & ~(u32)FILTER; order;) {
    Order *o = AT(Order, order);
    const u32 next = o->hash_next;
    const u32 hash = hash_of(o->client, o->id);
    u32 *chain = (hash & mask) == fresh ? &move : &keep;
    o->hash_next = *chain & ~(u32)FILTER;
    *chain = order | (*chain & FILTER) | filter_bit(hash);
    order = next;
  }
  *old = keep;
  heads[fresh] = move;
  set_thresholds();
}

static __attribute__((noinline)) void merge_bucket(void) {
  const u32 last = h.buckets - 1;
  const u32 mask = h.bucket_mask;
  u32 *heads = AT(u32, h.heads);
  const u32 word = heads[last];
  u32 *head = &heads[last & (mask >> 1)];
  const u32 first = *head;
  if (!first) {
    *head = word;
  } else if (word) {
    u32 *link = &order_of(first)->hash_next;
    while (*link) link = &AT(Order, *link)->hash_next;
    *link = word & ~(u32)FILTER;
    *head = first | (word & FILTER);
  }
  heads[last] = 0;
  h.buckets = last;
  if (last == (mask >> 1) + 1) h.bucket_mask = mask >> 1;
  set_thresholds();
}

INLINE void insert_at(u32 *link, u32 hash, Order *order) {
  const u32 word = *link;
  order->hash_next = word & ~(u32)FILTER;
  *link = ADDRESS(order) | (word & FILTER) | filter_bit(hash);
  if (h.orders_live > h.grow_at) split_bucket();
}

INLINE void insert_order(Order *order) {
  const u32 hash = hash_of(order->client, order->id);
  insert_at(head_of(hash), hash, order);
}

INLINE void cut_link(u32 *link, Order *order) {
  const u32 next = order->hash_next;
  *link = next ? next | (*link & FILTER) : 0;
  if (h.orders_live < h.shrink_at) merge_bucket();
}

#endif
