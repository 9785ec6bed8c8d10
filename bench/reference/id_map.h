// Id map of the core (core/memory/id_map.ts): linear hashing with chains through the orders.
#ifndef ID_MAP_H
#define ID_MAP_H

#include "records.h"

enum { LOAD_SMALL_X4 = 1, LOAD_LARGE_X4 = 4, SMALL_BUCKETS = 16384 };

INLINE u32 hash_of(u32 client, u64 id) {
  const u64 x = (id ^ ((u64)client << 40) ^ client) * 0x9e3779b97f4a7c15ull;
  return (u32)(x >> 32);
}

INLINE u32 *head_of(u32 client, u64 id) {
  const u32 hash = hash_of(client, id);
  const u32 mask = h.bucket_mask;
  const u32 whole = hash & mask;
  const u32 bucket = whole < h.buckets ? whole : (hash & (mask >> 1));
  return AT(u32, h.heads) + bucket;
}

/** The link that points to the order, whose value is 0 when it is absent. */
INLINE u32 *find_link(u32 client, u64 id) {
  u32 *link = head_of(client, id);
  while (*link) {
    Order *o = AT(Order, *link);
    if (o->id == id && o->client == client) break;
    link = &o->hash_next;
  }
  return link;
}

RARE void split_bucket(void) {
  const u32 fresh = h.buckets;
  if (fresh >= h.buckets_max) return;
  if (fresh > h.bucket_mask) h.bucket_mask = (h.bucket_mask << 1) | 1;
  const u32 mask = h.bucket_mask;
  h.buckets = fresh + 1;
  u32 *heads = AT(u32, h.heads);
  u32 *keep = &heads[fresh & (mask >> 1)];
  u32 *move = &heads[fresh];
  for (u32 order = *keep; order;) {
    Order *o = AT(Order, order);
    if ((hash_of(o->client, o->id) & mask) == fresh) {
      *move = order;
      move = &o->hash_next;
    } else {
      *keep = order;
      keep = &o->hash_next;
    }
    order = o->hash_next;
  }
  *keep = 0;
  *move = 0;
}

RARE void merge_bucket(void) {
  const u32 last = h.buckets - 1;
  if (last < h.buckets_min) return;
  const u32 mask = h.bucket_mask;
  u32 *heads = AT(u32, h.heads);
  u32 *link = &heads[last & (mask >> 1)];
  while (*link) link = &AT(Order, *link)->hash_next;
  *link = heads[last];
  heads[last] = 0;
  h.buckets = last;
  if (last == (mask >> 1) + 1) h.bucket_mask = mask >> 1;
}

INLINE void insert_order(Order *order) {
  u32 *link = head_of(order->client, order->id);
  order->hash_next = *link;
  *link = ADDRESS(order);
  const u32 load4 = h.buckets < SMALL_BUCKETS ? LOAD_SMALL_X4 : LOAD_LARGE_X4;
  if ((h.orders_live << 2) > h.buckets * load4) split_bucket();
}

INLINE void cut_link(u32 *link, Order *order) {
  *link = order->hash_next;
  if ((h.orders_live << 5) < h.buckets) merge_bucket();
}

#endif
