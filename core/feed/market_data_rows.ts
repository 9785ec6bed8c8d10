// The levels of one side of one book: rows in a block of capacity C = 8 << class.
//
//   rank i64 × C  │  (volume u64, orders u64) × C        24 C bytes, whole lines; unused rows: MD_RANK_NONE, 0, 0
//
// A rank is the price for bids and its negative for asks: the better, the higher, so one code serves both sides.
//
//   up to 16 rows   in no order. A level is found by comparing eight ranks at a time; a new one goes behind the last, and
//                   the last one takes the place of one that empties. All without a branch: whether a level exists
//                   or empties is a coin toss on real books, and a wrong guess costs more than the whole update.
//   more            sorted, the best one last, since that is where things happen: found by halving, moved by loops
//
// Best price: of few rows the largest of at most 16 ranks, of many the last. A side that outgrows its block moves to one of
// twice the size, one that uses a quarter of it to one of half; blocks of a size are kept for whoever needs that size.
// Limits: MD_ROWS_MAX levels a side; a lane's rows together.
import { MD_LANE_FREE_ROWS, MD_LANE_SCRATCH, MdLane, MdSide, either32 } from './market_data_layout';

export const MD_RANK_NONE: i64 = i64.MIN_VALUE;
const FIRST_CAPACITY: u32 = 8;
/** Classes whose rows are in no order. */
const CLASS_SMALL_MAX: u32 = 1;
const CLASS_MAX: u32 = 9;
export const MD_ROWS_MAX: u32 = FIRST_CAPACITY << CLASS_MAX; // 4,096
const ROW_BYTES: u32 = 24;

// @ts-ignore: decorator
@inline
export function rowsCapacity(sizeClass: u32): u32 {
  return FIRST_CAPACITY << sizeClass;
}

// @ts-ignore: decorator
@inline
export function rankAt(rows: u32, index: u32): u32 {
  return rows + (index << 3);
}

/** Address of (volume, orders) of a row. */
// @ts-ignore: decorator
@inline
export function payloadAt(rows: u32, sizeClass: u32, index: u32): u32 {
  return rows + (64 << sizeClass) + (index << 4);
}

// ---- blocks ------------------------------------------------------------------------------------

function takeBlock(lane: u32, sizeClass: u32): u32 {
  const free = lane + MD_LANE_FREE_ROWS + (sizeClass << 2);
  let block = load<u32>(free);
  const bytes = rowsCapacity(sizeClass) * ROW_BYTES;
  if (block) store<u32>(free, load<u32>(block));
  else {
    const l = changetype<MdLane>(lane);
    if (l.rowsEnd - l.rowsFresh < bytes) return 0;
    block = l.rowsFresh;
    l.rowsFresh = block + bytes;
  }
  memory.fill(block, 0, bytes);
  for (let i: u32 = 0; i < rowsCapacity(sizeClass); i++) store<i64>(rankAt(block, i), MD_RANK_NONE);
  return block;
}

function giveBlock(lane: u32, block: u32, sizeClass: u32): void {
  const free = lane + MD_LANE_FREE_ROWS + (sizeClass << 2);
  store<u32>(block, load<u32>(free));
  store<u32>(free, block);
}

/** Moves a side's rows, as they stand, into a block of another size; false where there is none, and nothing has changed. */
function moveRows(lane: u32, side: MdSide, sizeClass: u32): bool {
  const block = takeBlock(lane, sizeClass);
  if (!block) return false;
  const rows = side.rows;
  const count = <u32>side.count;
  memory.copy(block, rows, count << 3);
  memory.copy(payloadAt(block, sizeClass, 0), payloadAt(rows, side.sizeClass, 0), count << 4);
  giveBlock(lane, rows, side.sizeClass);
  side.rows = block;
  side.sizeClass = <u16>sizeClass;
  return true;
}

/** Sorts the few rows of a side that becomes one of many. */
function sortRows(side: MdSide): void {
  const rows = side.rows;
  const sizeClass = <u32>side.sizeClass;
  for (let i: u32 = 1; i < <u32>side.count; i++) {
    const rank = load<i64>(rankAt(rows, i));
    const payload = v128.load(payloadAt(rows, sizeClass, i));
    let at = i;
    for (; at && load<i64>(rankAt(rows, at - 1)) > rank; at--) {
      store<i64>(rankAt(rows, at), load<i64>(rankAt(rows, at - 1)));
      v128.store(payloadAt(rows, sizeClass, at), v128.load(payloadAt(rows, sizeClass, at - 1)));
    }
    store<i64>(rankAt(rows, at), rank);
    v128.store(payloadAt(rows, sizeClass, at), payload);
  }
}

/** Makes room for one row more. */
function makeRoom(lane: u32, side: MdSide): bool {
  const sizeClass = <u32>side.sizeClass;
  if (sizeClass == CLASS_MAX || !moveRows(lane, side, sizeClass + 1)) return false;
  if (sizeClass == CLASS_SMALL_MAX) sortRows(side);
  return true;
}

// ---- few rows ----------------------------------------------------------------------------------

/** One bit for each of eight ranks from `at` that is `rank`. */
// @ts-ignore: decorator
@inline
function equalRanks(at: u32, rank: i64): u32 {
  const wanted = i64x2.splat(rank);
  return i64x2.bitmask(i64x2.eq(v128.load(at), wanted)) |
    (i64x2.bitmask(i64x2.eq(v128.load(at, 16), wanted)) << 2) |
    (i64x2.bitmask(i64x2.eq(v128.load(at, 32), wanted)) << 4) |
    (i64x2.bitmask(i64x2.eq(v128.load(at, 48), wanted)) << 6);
}

/** Index of the row of `rank`, else that of the first unused one, which is the capacity when there is none. */
// @ts-ignore: decorator
@inline
function findFew(rows: u32, sizeClass: u32, count: u32, rank: i64): u32 {
  let found = equalRanks(rows, rank);
  if (sizeClass) found |= equalRanks(rows + 64, rank) << 8;
  return ctz<u32>(found | (1 << count));
}

// ---- one update of a level ---------------------------------------------------------------------

/**
 * Adds `volume` (modulo 2^64) and `orders` (+1 an order comes, 0, −1 one goes) to the level of `rank`, which comes into being
 * with its first order and goes with its last. False, and nothing changed, when there is no room for the level
 * or for the sum of its volumes.
 */
// @ts-ignore: decorator
@inline
export function updateLevel(lane: u32, side: MdSide, rank: i64, volume: u64, orders: u64): bool {
  const sizeClass = <u32>side.sizeClass;
  const rows = side.rows;
  if (sizeClass > CLASS_SMALL_MAX || !rows) return updateMany(lane, side, rank, volume, orders);
  const count = <u32>side.count;
  const index = findFew(rows, sizeClass, count, rank);
  if (index == rowsCapacity(sizeClass)) return updateMany(lane, side, rank, volume, orders);
  const payload = payloadAt(rows, sizeClass, index);
  const newVolume = load<u64>(payload) + volume;
  const newOrders = load<u64>(payload, 8) + orders;
  if (u32(newVolume < volume) & u32(<i64>orders > 0)) return false;
  const isNew = u32(index == count);
  const isGone = u32(newOrders == 0);
  const last = count + isNew - 1;
  store<i64>(rankAt(rows, index), rank);
  store<u64>(payload, newVolume);
  store<u64>(payload, newOrders, 8);
  // The last row takes the place of one that is gone; else the row takes its own.
  const from = either32(last, index, isGone);
  store<i64>(rankAt(rows, index), load<i64>(rankAt(rows, from)));
  const fromPayload = payloadAt(rows, sizeClass, from);
  store<u64>(payload, load<u64>(fromPayload));
  store<u64>(payload, load<u64>(fromPayload, 8), 8);
  // … and is unused from then on; else the scratch row is.
  store<i64>(either32(rankAt(rows, last), lane + MD_LANE_SCRATCH, isGone), MD_RANK_NONE);
  const cleared = either32(payloadAt(rows, sizeClass, last), lane + MD_LANE_SCRATCH + 64, isGone);
  store<u64>(cleared, 0);
  store<u64>(cleared, 0, 8);
  side.count = <u16>(last + 1 - isGone);
  return true;
}

// ---- many rows ---------------------------------------------------------------------------------

/** Index of the first row that is not below `rank`; the number of rows when all are. */
export function findMany(rows: u32, count: u32, rank: i64): u32 {
  let low: u32 = 0;
  let high = count;
  while (low < high) {
    const middle = (low + high) >> 1;
    const below = load<i64>(rankAt(rows, middle)) < rank;
    low = either32(middle + 1, low, u32(below));
    high = either32(high, middle, u32(below));
  }
  return low;
}

/** updateLevel for a side without rows, full, or of many rows; out of line. */
export function updateMany(lane: u32, side: MdSide, rank: i64, volume: u64, orders: u64): bool {
  if (!side.rows) {
    side.rows = takeBlock(lane, 0);
    return side.rows != 0 && updateLevel(lane, side, rank, volume, orders);
  }
  if (<u32>side.sizeClass <= CLASS_SMALL_MAX) return makeRoom(lane, side) && updateMany2(lane, side, rank, volume, orders);
  return updateSorted(lane, side, rank, volume, orders);
}

function updateMany2(lane: u32, side: MdSide, rank: i64, volume: u64, orders: u64): bool {
  if (<u32>side.sizeClass <= CLASS_SMALL_MAX) return updateLevel(lane, side, rank, volume, orders);
  return updateSorted(lane, side, rank, volume, orders);
}

function updateSorted(lane: u32, side: MdSide, rank: i64, volume: u64, orders: u64): bool {
  const count = <u32>side.count;
  const index = findMany(side.rows, count, rank);
  if (index == count || load<i64>(rankAt(side.rows, index)) != rank) {
    if (count == rowsCapacity(side.sizeClass) && !makeRoom(lane, side)) return false;
    insertRow(side, index, rank, volume);
    return true;
  }
  const payload = payloadAt(side.rows, side.sizeClass, index);
  const newVolume = load<u64>(payload) + volume;
  const newOrders = load<u64>(payload, 8) + orders;
  if (<i64>orders > 0 && newVolume < volume) return false;
  store<u64>(payload, newVolume);
  store<u64>(payload, newOrders, 8);
  if (!newOrders) removeRow(lane, side, index);
  return true;
}

function insertRow(side: MdSide, index: u32, rank: i64, volume: u64): void {
  const rows = side.rows;
  const count = <u32>side.count;
  const payload = payloadAt(rows, side.sizeClass, index);
  memory.copy(rankAt(rows, index + 1), rankAt(rows, index), (count - index) << 3);
  memory.copy(payload + 16, payload, (count - index) << 4);
  store<i64>(rankAt(rows, index), rank);
  store<u64>(payload, volume);
  store<u64>(payload, 1, 8);
  side.count = <u16>(count + 1);
}

function removeRow(lane: u32, side: MdSide, index: u32): void {
  const rows = side.rows;
  const sizeClass = <u32>side.sizeClass;
  const last = <u32>side.count - 1;
  const payload = payloadAt(rows, sizeClass, index);
  memory.copy(rankAt(rows, index), rankAt(rows, index + 1), (last - index) << 3);
  memory.copy(payload, payload + 16, (last - index) << 4);
  store<i64>(rankAt(rows, last), MD_RANK_NONE);
  v128.store(payloadAt(rows, sizeClass, last), i64x2.splat(0));
  side.count = <u16>last;
  // Where no smaller block is to be had, it keeps the large one.
  if (last == rowsCapacity(sizeClass) >> 2) moveRows(lane, side, sizeClass - 1);
}

// ---- questions ---------------------------------------------------------------------------------

/** Index of the best row whose rank is below `below`; `count` when there is none. */
export function bestRowBelow(side: MdSide, below: i64): u32 {
  const rows = side.rows;
  const count = <u32>side.count;
  if (<u32>side.sizeClass > CLASS_SMALL_MAX) {
    const end = findMany(rows, count, below);
    return end ? end - 1 : count;
  }
  let best = count;
  let bestRank = MD_RANK_NONE;
  for (let i: u32 = 0; i < count; i++) {
    const rank = load<i64>(rankAt(rows, i));
    if (rank < below && rank > bestRank) {
      best = i;
      bestRank = rank;
    }
  }
  return best;
}
