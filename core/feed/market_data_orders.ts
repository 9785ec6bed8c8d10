// The orders of a lane by symbol and the sequence number of their add: linear hashing, chains through the orders.
// (By number alone two books' orders of one number would be told from one another in one lane and not in two.)
//
//   bucket → order → order → 0        two buckets a live order, one split or joined at a time
//
// Numbers come in rising order, so a number's low bits are its bucket: neighbours share a line of heads, and what came
// last is near. What is left of a number after 2^16 of them is mixed in, so that orders that rest for long, or a feed that
// numbers in strides, do not all meet in a few buckets. The pool gives out the record that became free last: it is warm.
import { MD_ORDER_SIZE, MD_SYMBOL_SHIFT, MdLane, MdOrder, either32 } from './market_data_layout';

const EPOCH_BITS: u64 = 16;
/** As many as keep most chains at one order; four cost more lines than they save looks. */
export const BUCKETS_PER_ORDER: u32 = 2;
const MD_ORDER_NEXT: u32 = 24;
const MIX: u64 = 0x9e37_79b9_7f4a_7c15;

// @ts-ignore: decorator
@inline
function hashOf(sequence: u64): u32 {
  return u32(sequence) ^ u32(((sequence >> EPOCH_BITS) * MIX) >> 40);
}

/** Address of the head of the bucket that `sequence` belongs to. */
// @ts-ignore: decorator
@inline
export function mdHeadOf(lane: MdLane, sequence: u64): u32 {
  let bucket = hashOf(sequence) & lane.bucketMask;
  // Without a branch: which half of the table has been split is a coin toss.
  bucket = either32(bucket & (lane.bucketMask >> 1), bucket, u32(bucket >= lane.buckets));
  return lane.heads + (bucket << 2);
}

/** The link that leads to the order: address of a head or of a `next`; the link's value is 0 when there is none. */
// @ts-ignore: decorator
@inline
export function mdFind(lane: MdLane, sequence: u64, symbol: u32): u32 {
  return mdFindFrom(mdHeadOf(lane, sequence), sequence, symbol);
}

/** 0 if the record is the order of this symbol and number. */
// @ts-ignore: decorator
@inline
export function mdDiffers(order: u32, sequence: u64, symbol: u32): u64 {
  const o = changetype<MdOrder>(order);
  return (o.sequence ^ sequence) | ((o.where >> MD_SYMBOL_SHIFT) ^ <u64>symbol);
}

/** mdFind for a caller that has the head already. */
export function mdFindFrom(head: u32, sequence: u64, symbol: u32): u32 {
  let link = head;
  let order = load<u32>(link);
  while (order && mdDiffers(order, sequence, symbol)) {
    link = order + MD_ORDER_NEXT;
    order = load<u32>(link);
  }
  return link;
}

/** Puts one fresh record on the free list, if it is empty and there is one. */
export function mdRefill(lane: MdLane): bool {
  if (lane.orderFree) return true;
  if (lane.ordersLive == lane.ordersMax) return false;
  const order = lane.orderFresh;
  lane.orderFresh = order + MD_ORDER_SIZE;
  changetype<MdOrder>(order).next = 0;
  lane.orderFree = order;
  return true;
}

/**
 * Moves the record at the head of the list `from` to the head of the list `to`. A chain and the free list are both such
 * lists, so this is how an order comes (free list → chain) and how it goes, and both are the same instructions.
 */
// @ts-ignore: decorator
@inline
export function mdMove(from: u32, to: u32): void {
  const order = load<u32>(from);
  store<u32>(from, changetype<MdOrder>(order).next);
  changetype<MdOrder>(order).next = load<u32>(to);
  store<u32>(to, order);
}

/** Tables grow and shrink with what lives; after each change of it. */
// @ts-ignore: decorator
@inline
export function mdResize(lane: MdLane, live: u32): void {
  lane.ordersLive = live;
  if (live > lane.growAt) mdSplit(lane);
  else if (live < lane.shrinkAt) mdJoin(lane);
}

/** Live orders at which the table changes next. */
export function mdSetThresholds(lane: MdLane): void {
  const buckets = lane.buckets;
  lane.growAt = buckets < lane.bucketsMax ? buckets / BUCKETS_PER_ORDER : u32.MAX_VALUE;
  // Far from growing again, so that a steady book moves no bucket.
  lane.shrinkAt = buckets > lane.bucketsMin ? buckets / (8 * BUCKETS_PER_ORDER) : 0;
}

/** Splits the next bucket: orders whose hash has the next bit move to the new one. */
export function mdSplit(lane: MdLane): void {
  const added = lane.buckets;
  if (added > lane.bucketMask) lane.bucketMask = (lane.bucketMask << 1) | 1;
  lane.buckets = added + 1;
  let stay = lane.heads + ((added & (lane.bucketMask >> 1)) << 2);
  let move = lane.heads + (added << 2);
  let order = load<u32>(stay);
  while (order) {
    const goes = (hashOf(changetype<MdOrder>(order).sequence) & lane.bucketMask) == added;
    if (goes) {
      store<u32>(move, order);
      move = order + MD_ORDER_NEXT;
    } else {
      store<u32>(stay, order);
      stay = order + MD_ORDER_NEXT;
    }
    order = changetype<MdOrder>(order).next;
  }
  store<u32>(stay, 0);
  store<u32>(move, 0);
  mdSetThresholds(lane);
}

/** Joins the last bucket to the one that it was split from. */
export function mdJoin(lane: MdLane): void {
  const last = lane.buckets - 1;
  const from = lane.heads + (last << 2);
  let link = lane.heads + ((last & (lane.bucketMask >> 1)) << 2);
  while (load<u32>(link)) link = load<u32>(link) + MD_ORDER_NEXT;
  store<u32>(link, load<u32>(from));
  store<u32>(from, 0);
  lane.buckets = last;
  if (last == (lane.bucketMask >> 1) + 1) lane.bucketMask >>= 1;
  mdSetThresholds(lane);
}
