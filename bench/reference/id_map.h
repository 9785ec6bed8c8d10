// Id map of the core (core/memory/id_map.ts): linear hashing with chains through the orders, every link
// with a filter of the ids behind it.
#ifndef ID_MAP_H
#define ID_MAP_H

#include "records.h"

enum { BUCKETS_PER_ORDER = 4 };
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
  const u32 bit = filter_bit(hash);
  for (u32 word = *link; word & bit; word = *link) {
    Order *o = order_of(word);
    if (o->id == id && o->client == client) return link;
    link = &o->hash_next;
  }
  return NULL;
}

INLINE u32 *find_link(u32 client, u64 id) {
  const u32 hash = hash_of(client, id);
  return find_link_from(head_of(hash), hash, client, id);
}

/** Live orders at which the table grows and shrinks next; after every change of `buckets`. */
static void set_thresholds(void) {
  const u32 buckets = h.buckets;
  h.grow_at = buckets >= h.buckets_max ? UINT32_MAX : buckets / BUCKETS_PER_ORDER;
  h.shrink_at = buckets > h.buckets_min ? buckets / (8 * BUCKETS_PER_ORDER) : 0;
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
    const u32 next = o->hash_next & ~(u32)FILTER;
    const u32 hash = hash_of(o->client, o->id);
    u32 *chain = (hash & mask) == fresh ? &move : &keep;
    o->hash_next = *chain;
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
  u32 *link = &heads[last & (mask >> 1)];
  while (*link) {
    *link |= word & FILTER;
    link = &order_of(*link)->hash_next;
  }
  *link = word;
  heads[last] = 0;
  h.buckets = last;
  if (last == (mask >> 1) + 1) h.bucket_mask = mask >> 1;
  set_thresholds();
}

INLINE void insert_at(u32 *link, u32 hash, Order *order) {
  const u32 word = *link;
  order->hash_next = word;
  *link = ADDRESS(order) | (word & FILTER) | filter_bit(hash);
  if (h.orders_live > h.grow_at) split_bucket();
}

INLINE void insert_order(Order *order) {
  const u32 hash = hash_of(order->client, order->id);
  insert_at(head_of(hash), hash, order);
}

INLINE void cut_link(u32 *link, Order *order) {
  *link = order->hash_next;
  if (h.orders_live < h.shrink_at) merge_bucket();
}

#endif
