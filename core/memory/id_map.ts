// Id map: (client, client's order id) -> order. Any u64 id.
//
// Linear hashing (Litwin 1980) with chains through Order.hashNext: the table of heads grows and shrinks by one
// bucket at a time, in place, so it occupies what is live, no operation pays for a rehash, and no second
// table is needed. What that buys: on a flow with 500 live orders the heads fit 8 KB, where a table
// sized for a million would miss the second-level cache on every look-up.
//
//   heads:  [0 … buckets)   u32 address of the first order of the chain, 0 = empty
//   bucket: h & mask, or h & (mask >> 1) while that bucket has not been split yet
//
// Cost: one head line + one order line a look-up. Bound: a chain is as long as chance makes it; the multiplier is
// fixed, so a client that crafts ids can lengthen chains of its own, up to its open-order limit.
import { Order } from '../book/records';
import { header } from './layout';

const HASH_NEXT: u32 = 28; // offset of Order.hashNext

/** Live orders per bucket (× 4) above which a small table grows: few collisions while it is cached anyway. */
const LOAD_SMALL_X4: u32 = 1;
const LOAD_LARGE_X4: u32 = 4;
/** Up to here a table counts as small: 16,384 heads are 64 KB. */
const SMALL_BUCKETS: u32 = 16384;

// @ts-ignore: decorator
@inline
function hashOf(client: u32, id: u64): u32 {
  // The buckets take low bits of the result, so the product's high half is folded once more: without it the
  // upper 20 bits of an id would never reach them.
  const x = u32(((id ^ client) * 0x9e3779b97f4a7c15) >> 32);
  return x ^ (x >> 15) ^ (client * 0x85ebca6b);
}

// @ts-ignore: decorator
@inline
function headAddress(client: u32, id: u64): u32 {
  const h = header();
  const hash = hashOf(client, id);
  const mask = h.bucketMask;
  const whole = hash & mask;
  const bucket = select<u32>(whole, hash & (mask >> 1), whole < h.buckets);
  return h.heads + (bucket << 2);
}

/** Address of the link that points to the order (so that it can be cut), whose value is 0 when absent. */
// @ts-ignore: decorator
@inline
export function findLink(client: u32, id: u64): u32 {
  let link = headAddress(client, id);
  let order = load<u32>(link);
  while (order) {
    const o = changetype<Order>(order);
    if (o.id == id && o.client == client) break;
    link = order + HASH_NEXT;
    order = load<u32>(link);
  }
  return link;
}

// @ts-ignore: decorator
@inline
export function findOrder(client: u32, id: u64): u32 {
  return load<u32>(findLink(client, id));
}

/** Puts in an order that is known to be absent. */
// @ts-ignore: decorator
@inline
export function insertOrder(order: Order): void {
  const link = headAddress(order.client, order.id);
  order.hashNext = load<u32>(link);
  store<u32>(link, changetype<u32>(order));
  growIfLoaded();
}

/** Takes out the order that `link` (from findLink) points to. */
// @ts-ignore: decorator
@inline
export function cutLink(link: u32, order: Order): void {
  store<u32>(link, order.hashNext);
  shrinkIfIdle();
}

// @ts-ignore: decorator
@inline
function growIfLoaded(): void {
  const h = header();
  const buckets = h.buckets;
  const load4 = select<u32>(LOAD_SMALL_X4, LOAD_LARGE_X4, buckets < SMALL_BUCKETS);
  if ((h.ordersLive << 2) > buckets * load4) splitBucket();
}

// @ts-ignore: decorator
@inline
function shrinkIfIdle(): void {
  const h = header();
  // An eighth of the small load: far from growth again, so that a steady book moves no bucket.
  if ((h.ordersLive << 5) < h.buckets) mergeBucket();
}

/** Splits the next bucket in two. */
function splitBucket(): void {
  const h = header();
  const fresh = h.buckets;
  if (fresh >= h.bucketsMax) return;
  if (fresh > h.bucketMask) h.bucketMask = (h.bucketMask << 1) | 1;
  const mask = h.bucketMask;
  h.buckets = fresh + 1;
  let keepLink = h.heads + ((fresh & (mask >> 1)) << 2);
  let moveLink = h.heads + (fresh << 2);
  let order = load<u32>(keepLink);
  while (order) {
    const o = changetype<Order>(order);
    if ((hashOf(o.client, o.id) & mask) == fresh) {
      store<u32>(moveLink, order);
      moveLink = order + HASH_NEXT;
    } else {
      store<u32>(keepLink, order);
      keepLink = order + HASH_NEXT;
    }
    order = o.hashNext;
  }
  store<u32>(keepLink, 0);
  store<u32>(moveLink, 0);
}

/** Joins the last bucket to the one that it was split from. */
function mergeBucket(): void {
  const h = header();
  const last = h.buckets - 1;
  if (last < h.bucketsMin) return;
  const mask = h.bucketMask;
  let link = h.heads + ((last & (mask >> 1)) << 2);
  while (load<u32>(link)) link = load<u32>(link) + HASH_NEXT;
  store<u32>(link, load<u32>(h.heads + (last << 2)));
  store<u32>(h.heads + (last << 2), 0);
  h.buckets = last;
  if (last == (mask >> 1) + 1) h.bucketMask = mask >> 1;
}
