// O(n) check of everything that must hold between records. Returns 0, or the number of the first broken rule, so
// that a fuzzer can say which.

import { findOrder } from '../memory/id_map';
import { header } from '../memory/layout';
import { BOUND_UNKNOWN, bestLevel, nearIsRight, nextLevel } from '../memory/price_ladder';
import { bookAt, isWaitingStop } from './order_book';
import {
  Book, Extension, KIND_SELL, LADDER_ASKS, LADDER_BIDS, LADDER_SELL_STOPS, Ladder, Level, ORDER_SIZE, Order,
  ladderOf,
} from './records';

export const INVARIANT_LEVELS_ORDERED: u32 = 1;
export const INVARIANT_LEVEL_NOT_EMPTY: u32 = 2;
export const INVARIANT_RING_CLOSED: u32 = 3;
export const INVARIANT_COUNT: u32 = 4;
export const INVARIANT_VOLUME: u32 = 5;
export const INVARIANT_QTY_POSITIVE: u32 = 6;
export const INVARIANT_IN_ID_MAP: u32 = 7;
export const INVARIANT_SIDE: u32 = 8;
export const INVARIANT_NOT_CROSSED: u32 = 9;
export const INVARIANT_ORDERS_LIVE: u32 = 10;
export const INVARIANT_LEVEL_POOL: u32 = 11;
export const INVARIANT_STOPS: u32 = 12;
export const INVARIANT_BOUND: u32 = 13;
export const INVARIANT_PRIORITY: u32 = 14;
export const INVARIANT_FREE_LIST: u32 = 15;
export const INVARIANT_LEVEL_BACKLINK: u32 = 16;
export const INVARIANT_ICEBERG: u32 = 17;
export const INVARIANT_NEAR_BLOCK: u32 = 18;

export function brokenInvariant(): u32 {
  const h = header();
  let orders: u32 = 0;
  let levels: u32 = 0;
  let stops: u32 = 0;
  for (let index: u32 = 0; index < h.bookCount; index++) {
    const book = bookAt(index);
    let bookStops: u32 = 0;
    for (let kind = LADDER_BIDS; kind <= LADDER_SELL_STOPS; kind++) {
      const ladderAddress = ladderOf(book, kind);
      if (!nearIsRight(ladderAddress)) return INVARIANT_NEAR_BLOCK;
      const bound = changetype<Ladder>(ladderAddress).bound;
      let level = bestLevel(ladderAddress);
      if (level ? bound != <u64>changetype<Level>(level).rank + 1 : bound != 0) return INVARIANT_BOUND;
      const second = changetype<Ladder>(ladderAddress).second;
      if (second != BOUND_UNKNOWN) {
        const next = level ? nextLevel(changetype<Level>(level)) : 0;
        if (next ? second != <u64>changetype<Level>(next).rank + 1 : second != 0) return INVARIANT_BOUND;
      }
      let above: u64 = u64.MAX_VALUE;
      while (level) {
        const l = changetype<Level>(level);
        if (<u64>l.rank >= above) return INVARIANT_LEVELS_ORDERED;
        above = l.rank;
        if (!l.count) return INVARIANT_LEVEL_NOT_EMPTY;
        if (l.ladder != ladderAddress) return INVARIANT_LEVEL_BACKLINK;
        levels += 1;
        let count: u32 = 0;
        let volume: u64 = 0;
        let before = level;
        let priority: u64 = 0;
        for (let at = l.next; at != level; at = changetype<Order>(at).next) {
          const o = changetype<Order>(at);
          if (o.prev != before) return INVARIANT_RING_CLOSED;
          before = at;
          count += 1;
          if (count > l.count) return INVARIANT_COUNT;
          volume += o.qty;
          if (!o.qty || !o.orderId) return INVARIANT_QTY_POSITIVE;
          if (o.level != level) return INVARIANT_LEVEL_BACKLINK;
          if ((o.kind & KIND_SELL ? 1 : 0) != (kind & 1)) return INVARIANT_SIDE;
          if (isWaitingStop(o) != kind >= 2) return INVARIANT_SIDE;
          if (findOrder(o.client, o.id) != at) return INVARIANT_IN_ID_MAP;
          if (kind < 2 && o.priority <= priority) return INVARIANT_PRIORITY;
          priority = o.priority;
          if (o.ext && kind < 2) {
            const x = changetype<Extension>(o.ext);
            if (x.hidden && (!x.display || o.qty > x.display)) return INVARIANT_ICEBERG;
          }
        }
        if (l.prev != before) return INVARIANT_RING_CLOSED;
        if (count != l.count) return INVARIANT_COUNT;
        if (volume != l.volume) return INVARIANT_VOLUME;
        orders += count;
        if (kind >= 2) bookStops += count;
        level = nextLevel(l);
      }
    }
    if (bookStops != changetype<Book>(book).stops) return INVARIANT_STOPS;
    stops += bookStops;
    const bid = bestLevel(ladderOf(book, LADDER_BIDS));
    const ask = bestLevel(ladderOf(book, LADDER_ASKS));
    // In ranks: bid key < ask key, where an ask's rank is the complement of its key.
    if (bid && ask && changetype<Level>(bid).rank >= ~changetype<Level>(ask).rank) return INVARIANT_NOT_CROSSED;
  }
  if (stops != h.stopsLive) return INVARIANT_STOPS;
  if (orders != h.ordersLive) return INVARIANT_ORDERS_LIVE;
  if (levels + (h.levelStackTop - h.levelStack) / 4 != h.levelsMax) return INVARIANT_LEVEL_POOL;
  let free: u32 = 0;
  for (let at = h.orderFree; at; at = changetype<Order>(at).next) {
    if (changetype<Order>(at).orderId) return INVARIANT_FREE_LIST;
    free += 1;
    if (free > h.ordersMax) return INVARIANT_FREE_LIST;
  }
  if (orders + free != (h.orderFresh - h.orders) / ORDER_SIZE) return INVARIANT_FREE_LIST;
  return 0;
}
