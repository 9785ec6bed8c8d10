// One instrument's orders at rest: entering and leaving the book, and questions about it.
// Rules: docs/MATCHING.md. Nothing here matches.
import { EVF_RESTING, EV_CANCELED, EV_REJECTED, EV_RESTED, ORDER_STOP_LIMIT } from '../codes';
import { eventHead, writeEvent } from '../memory/event_ring';
import { cutLink, findLink } from '../memory/id_map';
import { header } from '../memory/layout';
import {
  LEVEL_ROW_SIZE, appendOrder, bestLevel, levelOfPrice, levelPrice, nextLevel, removeOrder, writeLevels,
} from '../memory/price_ladder';
import { freeOrder } from '../memory/slot_pool';
import { Command } from '../records';
import { BOOK_SIZE, Book, Extension, KIND_SELL, KIND_STOP, Level, Order, bookOfLadder, ladderOf } from './records';

/** Levels that one depth query answers at most. */
export const RESULT_LEVELS: u32 = 1024;

// ---- what an order says about itself ---------------------------------------------------------

// @ts-ignore: decorator
@inline
export function bookAt(index: u32): u32 {
  return header().books + index * BOOK_SIZE;
}

// @ts-ignore: decorator
@inline
export function sideOf(order: Order): i32 {
  return order.kind & KIND_SELL ? -1 : 1;
}

// @ts-ignore: decorator
@inline
export function tifOf(order: Order): u32 {
  return order.kind & 255;
}

// @ts-ignore: decorator
@inline
export function orderTypeOf(order: Order): u32 {
  return (order.kind >> 8) & 255;
}

// @ts-ignore: decorator
@inline
export function isWaitingStop(order: Order): bool {
  return (order.kind & KIND_STOP) != 0;
}

// @ts-ignore: decorator
@inline
export function hiddenOf(order: Order): u32 {
  const ext = order.ext;
  return ext ? changetype<Extension>(ext).hidden : 0;
}

// @ts-ignore: decorator
@inline
export function displayOf(order: Order): u32 {
  const ext = order.ext;
  return ext ? changetype<Extension>(ext).display : 0;
}

// @ts-ignore: decorator
@inline
export function openOf(order: Order): u32 {
  return order.qty + hiddenOf(order);
}

// @ts-ignore: decorator
@inline
export function bookOf(order: Order): u32 {
  return bookOfLadder(changetype<Level>(order.level).ladder);
}

// @ts-ignore: decorator
@inline
export function indexOf(order: Order): u32 {
  return changetype<Book>(bookOf(order)).index;
}

/** Price of an order at rest or waiting, as events show it: 0 for a plain stop. */
export function priceOfOrder(order: Order): i32 {
  if (isWaitingStop(order)) {
    return orderTypeOf(order) == ORDER_STOP_LIMIT ? changetype<Extension>(order.ext).price : 0;
  }
  return levelPrice(changetype<Level>(order.level));
}

/** Remembers that the book's view must be published at the end of the batch. */
// @ts-ignore: decorator
@inline
export function markDirty(book: u32): void {
  const b = changetype<Book>(book);
  if (b.dirty) return;
  b.dirty = 1;
  const h = header();
  const count = h.dirtyCount;
  store<u32>(h.dirtyBooks + (count << 2), book);
  h.dirtyCount = count + 1;
}

// ---- entering and leaving --------------------------------------------------------------------

/** Puts an order that was aggressive or new at the back of `level`, showing its display part. */
// @ts-ignore: decorator
@inline
export function rest(order: Order, level: u32): void {
  const ext = order.ext;
  if (ext) {
    const x = changetype<Extension>(ext);
    if (x.display) {
      const open = order.qty;
      const visible = min<u32>(open, x.display);
      order.qty = visible;
      x.hidden = open - visible;
    }
  }
  appendOrder(level, order, order.qty);
}

/** Forgets an order that stands in no level: id map and pool. */
// @ts-ignore: decorator
@inline
export function forget(order: Order): void {
  const link = findLink(order.client, order.id);
  assert(link != 0);
  cutLink(link, order);
  freeOrder(order);
}

/** Takes an order out of its level (or the stops) and forgets it, with its canceled event. */
export function cancelResting(order: Order, reason: u32): void {
  const book = bookOf(order);
  const waiting = isWaitingStop(order);
  writeEvent(
    eventHead(EV_CANCELED, sideOf(order), waiting ? 0 : EVF_RESTING, reason, changetype<Book>(book).index, 0, orderTypeOf(order)),
    priceOfOrder(order), openOf(order), order.client, 0, order.id, 0, order.orderId, order.priority, 0, 0,
  );
  if (waiting) {
    changetype<Book>(book).stops -= 1;
    header().stopsLive -= 1;
  }
  removeOrder(order);
  forget(order);
  markDirty(book);
}

/** The canceled event of an order that stands in no level: a rest that may not enter the book. */
export function writeCanceledRest(order: Order, index: u32, price: i32, qty: u32, reason: u32): void {
  writeEvent(
    eventHead(EV_CANCELED, sideOf(order), 0, reason, index, 0, orderTypeOf(order)),
    price, qty, order.client, 0, order.id, 0, order.orderId, order.priority, 0, 0,
  );
}

/** The feed's news of an order that entered the book (type EV_RESTED) or whose visible part changed. */
export function writeVisible(type: u8, order: Order): void {
  writeEvent(
    eventHead(type, sideOf(order), 0, 0, indexOf(order), 0, orderTypeOf(order)),
    priceOfOrder(order), order.qty, order.client, 0, order.id, 0, order.orderId, order.priority, openOf(order), order.qty,
  );
}

export function writeRejected(cmd: Command, op: u32, reason: u32): void {
  writeEvent(
    eventHead(EV_REJECTED, cmd.side, 0, reason, cmd.book, op, 0),
    cmd.price, cmd.qty, cmd.client, 0, cmd.id, 0, 0, 0, 0, 0,
  );
}

/** Makes an iceberg's next part visible at the back of its level; the order's visible part is 0 now. */
export function refreshIceberg(order: Order): void {
  const x = changetype<Extension>(order.ext);
  const level = changetype<Level>(order.level);
  const visible = min<u32>(x.display, x.hidden);
  // Unlinked by hand: the level stays although it may be empty for a moment.
  const next = order.next;
  const prev = order.prev;
  store<u32>(prev, next);
  store<u32>(next, prev, 4);
  level.count -= 1;
  order.qty = visible;
  x.hidden -= visible;
  const h = header();
  const priority = h.counter + 1;
  h.counter = priority;
  order.priority = priority;
  appendOrder(changetype<u32>(level), order, visible);
  writeVisible(EV_RESTED, order);
}

/** Lowers the open quantity at rest to `open`, the hidden part first. */
export function lowerTo(order: Order, open: u32): void {
  const before = order.qty;
  const visible = min<u32>(before, open);
  changetype<Level>(order.level).volume -= before - visible;
  order.qty = visible;
  if (order.ext) changetype<Extension>(order.ext).hidden = open - visible;
}

// ---- questions -------------------------------------------------------------------------------

/** Best price of a side into results: found, price, orders, volume. The ladder keeps it at hand. */
// @ts-ignore: decorator
@inline
export function bestOf(book: u32, kind: u32): u32 {
  return bestLevel(ladderOf(book, kind));
}

/** Levels of a side into `out`, from the best (after = 0) or behind level `after`; the last one's address stands before the results. */
export function depth(book: u32, kind: u32, after: u32, count: u32, out: u32): u32 {
  const ladder = ladderOf(book, kind);
  const n = writeLevels(ladder, after, count, out);
  const last = n ? levelOfPrice(ladder, load<i32>(out + (n - 1) * LEVEL_ROW_SIZE)) : 0;
  store<u32>(header().results, last);
  return n;
}

/**
 * Walks the visible levels of a side until `qty` is reached. Results: filled u64, cost low u64 and high u64
 * (cost = sum of price × quantity, a signed 128-bit number: 2^31 × 2^64 does not fit in 64 bits).
 */
export function vwap(book: u32, kind: u32, qty: u64): void {
  const out = header().results;
  let filled: u64 = 0;
  let low: u64 = 0;
  let high: i64 = 0;
  let level = bestOf(book, kind);
  while (level && filled < qty) {
    const l = changetype<Level>(level);
    const take = min<u64>(qty - filled, l.volume);
    filled += take;
    const price = <i64>levelPrice(l);
    // price (32 bits) × take (64 bits) in two halves
    const part0 = <i64>(take & 0xffffffff) * price;
    const part1 = <i64>(take >> 32) * price;
    const add0 = <u64>part0;
    const before = low;
    low += add0;
    high += (part0 >> 63) + <i64>u32(low < before);
    const add1 = <u64>(part1 << 32);
    const before1 = low;
    low += add1;
    high += (part1 >> 32) + <i64>u32(low < before1);
    level = nextLevel(l);
  }
  store<u64>(out, filled);
  store<u64>(out, low, 8);
  store<i64>(out, high, 16);
}

/** First order of a ladder, best level first, 0 for none. */
export function firstOrder(book: u32, kind: u32): u32 {
  const level = bestOf(book, kind);
  return level ? changetype<Level>(level).next : 0;
}

/** The order after `order` in its level, else the first of the next level, else 0. */
export function orderAfter(order: u32): u32 {
  const o = changetype<Order>(order);
  const next = o.next;
  if (next != o.level) return next;
  const level = nextLevel(changetype<Level>(o.level));
  return level ? changetype<Level>(level).next : 0;
}
