// Questions about the books of a market data processor: depth, a hash of everything, and what must hold between records.
// For whoever the lanes stand still for: nothing here waits or locks.
import {
  MD_PRICE_BITS, MD_SYMBOL_SHIFT, MdBook, MdLane, MdOrder, MdSide, mdBookAt, mdHeader, mdLaneAt, mdLaneOf, mdRankOf, mdSideAt,
} from './market_data_layout';
import { mdFind } from './market_data_orders';
import { MD_RANK_NONE, bestRowBelow, payloadAt, rankAt, rowsCapacity } from './market_data_rows';

/** A level in the results: price u64, volume u64, orders u64. */
const ROW_BYTES: u32 = 24;
const HASH_START: u64 = 0xcbf2_9ce4_8422_2325;
const HASH_PRIME: u64 = 0x0000_0100_0000_01b3;

// @ts-ignore: decorator
@inline
function hashed(hash: u64, word: u64): u64 {
  const mixed = (hash ^ word) * HASH_PRIME;
  return mixed ^ (mixed >> 32);
}

/** Writes up to `levels` levels of a side, best first, to the results; their number. */
export function mdDepth(symbol: u32, side: u32, levels: u32): u32 {
  const rows = mdSideAt(mdBookAt(symbol), side);
  let at = mdHeader().results;
  let below = i64.MAX_VALUE;
  let written: u32 = 0;
  for (; written < levels; written++) {
    const index = bestRowBelow(rows, below);
    if (index == <u32>rows.count) break;
    below = load<i64>(rankAt(rows.rows, index));
    const payload = payloadAt(rows.rows, rows.sizeClass, index);
    store<u64>(at, u64(below < 0 ? -below : below));
    store<u64>(at, load<u64>(payload), 8);
    store<u64>(at, load<u64>(payload, 8), 16);
    at += ROW_BYTES;
  }
  return written;
}

function hashSide(symbol: u32, side: u32, hash: u64): u64 {
  const levels = mdDepth(symbol, side, u32.MAX_VALUE);
  hash = hashed(hash, levels);
  const end = mdHeader().results + levels * ROW_BYTES;
  for (let at = mdHeader().results; at < end; at += 8) hash = hashed(hash, load<u64>(at));
  return hash;
}

/** All books in the order of their symbols: last trade, bids, asks. */
export function mdHash(): u64 {
  let hash = HASH_START;
  for (let symbol: u32 = 0; symbol < mdHeader().symbols; symbol++) {
    const book = changetype<MdBook>(mdBookAt(symbol));
    hash = hashed(hashed(hash, book.lastPrice), book.lastVolume);
    hash = hashSide(symbol, 1, hashSide(symbol, 0, hash));
  }
  return hash;
}

export const MD_BROKEN_UNUSED_ROW: u32 = 1;
export const MD_BROKEN_EMPTY_ROW: u32 = 2;
export const MD_BROKEN_ROW_TWICE: u32 = 3;
export const MD_BROKEN_ROW_ORDER: u32 = 4;
export const MD_BROKEN_ORDERS: u32 = 5;
export const MD_BROKEN_CHAIN: u32 = 6;
export const MD_BROKEN_LEVEL: u32 = 7;
export const MD_BROKEN_FREE_LIST: u32 = 8;
const FEW_ROWS_CAPACITY: u32 = 16;

/** 0, or which rule the rows of a side break. */
function brokenSide(side: MdSide): u32 {
  if (!side.rows) return side.count ? MD_BROKEN_UNUSED_ROW : 0;
  const capacity = rowsCapacity(side.sizeClass);
  const count = <u32>side.count;
  if (count > capacity) return MD_BROKEN_UNUSED_ROW;
  for (let i: u32 = 0; i < capacity; i++) {
    const rank = load<i64>(rankAt(side.rows, i));
    const payload = payloadAt(side.rows, side.sizeClass, i);
    // What is unused must look so where rows are found by comparing all of them.
    if (i >= count) {
      if (capacity <= FEW_ROWS_CAPACITY && (rank != MD_RANK_NONE || load<u64>(payload) | load<u64>(payload, 8))) return MD_BROKEN_UNUSED_ROW;
      continue;
    }
    if (!load<u64>(payload, 8) || !load<u64>(payload)) return MD_BROKEN_EMPTY_ROW;
    if (capacity > FEW_ROWS_CAPACITY) {
      if (i && load<i64>(rankAt(side.rows, i - 1)) >= rank) return MD_BROKEN_ROW_ORDER;
    } else {
      for (let other: u32 = 0; other < i; other++) if (load<i64>(rankAt(side.rows, other)) == rank) return MD_BROKEN_ROW_TWICE;
    }
  }
  return 0;
}

function ordersOf(side: MdSide): u64 {
  let orders: u64 = 0;
  for (let i: u32 = 0; i < <u32>side.count; i++) orders += load<u64>(payloadAt(side.rows, side.sizeClass, i), 8);
  return orders;
}

/** That an order's level is there and holds at least the order. */
function hasLevel(order: MdOrder): bool {
  const place = u32(order.where >> MD_PRICE_BITS);
  const price = order.where & ((1 << MD_PRICE_BITS) - 1);
  const side = mdSideAt(mdBookAt(place >> 1), place & 1);
  const rank = mdRankOf(price, place & 1);
  const index = bestRowBelow(side, rank + 1);
  if (index == <u32>side.count || load<i64>(rankAt(side.rows, index)) != rank) return false;
  return load<u64>(payloadAt(side.rows, side.sizeClass, index)) >= order.volume;
}

function brokenChains(laneIndex: u32): u32 {
  const lane = changetype<MdLane>(mdLaneAt(laneIndex));
  let found: u32 = 0;
  for (let bucket: u32 = 0; bucket < lane.buckets; bucket++) {
    let at = load<u32>(lane.heads + (bucket << 2));
    for (; at; at = changetype<MdOrder>(at).next) {
      const order = changetype<MdOrder>(at);
      const symbol = u32(order.where >> MD_SYMBOL_SHIFT);
      if (load<u32>(mdFind(lane, order.sequence, symbol)) != at || !order.volume) return MD_BROKEN_CHAIN;
      if (mdLaneOf(symbol) != laneIndex || !hasLevel(order)) return MD_BROKEN_LEVEL;
      found += 1;
    }
  }
  if (found != lane.ordersLive) return MD_BROKEN_CHAIN;
  let free: u32 = 0;
  for (let at = lane.orderFree; at; at = changetype<MdOrder>(at).next) free += 1;
  const used = (lane.orderFresh - lane.orders) / <u32>offsetof<MdOrder>();
  return found + free == used ? 0 : MD_BROKEN_FREE_LIST;
}

/** Walks everything. 0, or the number of the first rule that does not hold. */
export function mdBrokenInvariant(): u32 {
  const h = mdHeader();
  let orders: u64 = 0;
  for (let symbol: u32 = 0; symbol < h.symbols; symbol++) {
    for (let side: u32 = 0; side < 2; side++) {
      const rows = mdSideAt(mdBookAt(symbol), side);
      const broken = brokenSide(rows);
      if (broken) return broken;
      orders += ordersOf(rows);
    }
  }
  let live: u64 = 0;
  for (let lane: u32 = 0; lane < h.lanes; lane++) {
    const broken = brokenChains(lane);
    if (broken) return broken;
    live += changetype<MdLane>(mdLaneAt(lane)).ordersLive;
  }
  return orders == live ? 0 : MD_BROKEN_ORDERS;
}
