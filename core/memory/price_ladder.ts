// Price ladder: the levels of one side, ordered, found by price, sparse over the whole i32 range.
//
// Prices become *ranks* so that the best level is always the one of the highest rank, on both sides:
//   key  = price xor 0x80000000          (order-preserving i32 -> u32)
//   rank = key for bids and sell stops, ~key for asks and buy stops
// One code serves all four ladders without a branch on the side.
//
//   Ladder.root ─► Node (64 children, bitmap) ─► … ─► Block: 4,096 ranks ─► Level
//
//   Node, 320 bytes                 Block, 16,960 bytes
//   @0   bitmap: children not empty @0   summary: bit i = bitmap i is not 0
//   @8   base rank                  @8   base rank
//   @12  parent node                @12  parent node
//   @16  children allocated         @16  ladder; 0 = block is free
//   @20  shift (bits below)         @64  64 × u64 bitmaps
//   @64  64 × child address         @576 4,096 × u32 level address, 0 = none
//
// The bitmaps of 4,096 ticks lie together, 520 bytes: on a flow whose few hundred orders are spread over
// 30,000 ticks the search structure stays in the first-level cache. Levels come from a dense pool, last freed
// first, for the same reason (levels indexed by price would span two megabytes there).
// The root grows upwards as prices are seen, so a range of 2^32 ticks costs nothing until it is used, and
// the usual depth is 2. Cost: add and remove O(depth) without a search; best O(1); next O(depth): count zeros.
// An empty block stays allocated until the pool runs out; a sweep then takes back the empty ones. Its bitmaps
// and level addresses are all zero by then, so that a recycled block needs no cleaning.
import { Ladder, Level, Order, LADDER_ASKS, LADDER_BUY_STOPS, kindOfLadder } from '../book/records';
import { Header, header } from './layout';

export const BLOCK_SIZE: u32 = 16960;
export const NODE_SIZE: u32 = 320;
const BLOCK_SHIFT: u32 = 12;
const BLOCK_MASK: u32 = 4095;
const BITS: u32 = 64; //     offset of a block's bitmaps
const SLOTS: u32 = 576; //   offset of a block's level addresses
const CHILDREN: u32 = 64; // offset of a node's children

@unmanaged
class Block {
  summary: u64;
  base: u32;
  parent: u32;
  ladder: u32;
}

@unmanaged
class Node {
  bitmap: u64;
  base: u32;
  parent: u32;
  children: u32;
  shift: u32;
}

/** 0 for ladders whose best is the highest price, all ones where it is the lowest. */
// @ts-ignore: decorator
@inline
function rankMask(kind: u32): u32 {
  return -u32(kind == LADDER_ASKS || kind == LADDER_BUY_STOPS);
}

// @ts-ignore: decorator
@inline
export function rankOf(price: i32, kind: u32): u32 {
  return u32(price) ^ 0x80000000 ^ rankMask(kind);
}

// @ts-ignore: decorator
@inline
export function priceOf(rank: u32, kind: u32): i32 {
  return i32(rank ^ 0x80000000 ^ rankMask(kind));
}

// @ts-ignore: decorator
@inline
export function levelPrice(level: Level): i32 {
  return priceOf(level.rank, kindOfLadder(level.ladder));
}

// @ts-ignore: decorator
@inline
function highest(bitmap: u64): u32 {
  return u32(63 - clz(bitmap));
}

// ---- acquire -------------------------------------------------------------------------------

/**
 * The level of `rank`, made when there is none; 0 when a pool is exhausted. A level made here must get an
 * order at once (an empty level may not stay).
 */
// @ts-ignore: decorator
@inline
export function acquireLevel(ladderAddress: u32, rank: u32): u32 {
  const h = header();
  const ladder = changetype<Ladder>(ladderAddress);
  let block = nearBlock(ladder, rank);
  if (!block) {
    block = reachBlock(ladderAddress, rank);
    if (!block) return 0;
  }
  const slot = block + SLOTS + ((rank & BLOCK_MASK) << 2);
  // Without a branch on "is the level there": it is a coin toss on sparse books. The candidate from the
  // free stack is self-linked and empty, so making it needs no initialisation but its place.
  const present = load<u32>(slot);
  const top = h.levelStackTop;
  const isNew = u32(present == 0);
  if (isNew & u32(top == h.levelStack)) return 0;
  const level = select<u32>(load<u32>(top - 4), present, isNew);
  h.levelStackTop = top - (isNew << 2);
  store<u32>(slot, level);
  changetype<Level>(level).rank = rank;
  store<u64>(level, <u64>block | (<u64>ladderAddress << 32), 24); // block, ladder
  const word = block + BITS + (((rank >> 6) & 63) << 3);
  store<u64>(word, load<u64>(word) | ((<u64>1) << (rank & 63)));
  const b = changetype<Block>(block);
  const summary = b.summary;
  b.summary = summary | ((<u64>1) << ((rank >> 6) & 63));
  if (!summary) markParents(b.parent, rank);
  noteAcquired(ladder, <u64>rank + 1);
  return level;
}

// Prices come near one another: the block of the last order is nearly always the next one's too. Its address and the upper 20 bits
// of its ranks stand in one word of the ladder, so that one load and one comparison find it. 0 is "none".

/** The block of `rank` if it is the one used last, else 0. */
// @ts-ignore: decorator
@inline
function nearBlock(ladder: Ladder, rank: u32): u32 {
  const near = ladder.near;
  return u32(near >> 32) == rank >> BLOCK_SHIFT ? u32(near) : 0;
}

/** Whether the remembered block, if any, is this ladder's and of the ranks that it is remembered for. */
export function nearIsRight(ladderAddress: u32): bool {
  const near = changetype<Ladder>(ladderAddress).near;
  const block = changetype<Block>(u32(near));
  return !near || (block.ladder == ladderAddress && block.base >> BLOCK_SHIFT == u32(near >> 32));
}

/** The block of `rank`, made when there is none, and remembered; 0 when a pool is exhausted. */
export function reachBlock(ladderAddress: u32, rank: u32): u32 {
  const ladder = changetype<Ladder>(ladderAddress);
  let block = findBlock(ladder, rank);
  if (!block) block = growTo(ladderAddress, rank);
  if (block) ladder.near = (<u64>(rank >> BLOCK_SHIFT) << 32) | <u64>block;
  return block;
}

/** The block of `rank`, 0 when there is none. */
export function findBlock(ladder: Ladder, rank: u32): u32 {
  const root = ladder.root;
  const shift = ladder.shift;
  if (!root || (<u64>(rank ^ changetype<Block>(root).base)) >> shift) return 0;
  // Without a loop for the depths of real books: 4,096 and 262,144 ticks.
  if (shift == BLOCK_SHIFT + 6) return load<u32>(root + CHILDREN + (((rank >> BLOCK_SHIFT) & 63) << 2));
  return shift == BLOCK_SHIFT ? root : findBlockBelow(root, shift, rank);
}

function findBlockBelow(root: u32, rootShift: u32, rank: u32): u32 {
  let place = root;
  for (let shift = rootShift; shift > BLOCK_SHIFT && place; ) {
    shift -= 6;
    place = load<u32>(place + CHILDREN + (((rank >> shift) & 63) << 2));
  }
  return place;
}

function markParents(parent: u32, rank: u32): void {
  while (parent) {
    const node = changetype<Node>(parent);
    const before = node.bitmap;
    node.bitmap = before | ((<u64>1) << ((rank >> (node.shift - 6)) & 63));
    if (before) return;
    parent = node.parent;
  }
}

/** Makes root, nodes and block for `rank`; the block, or 0 when a pool is exhausted. */
export function growTo(ladderAddress: u32, rank: u32): u32 {
  const h = header();
  // Before the walk: a sweep may free nodes, and the walk must not stand on one.
  if (!h.blockFree && h.blockFresh == h.blocksEnd) sweepBlocks(h);
  const ladder = changetype<Ladder>(ladderAddress);
  if (!ladder.root) {
    const block = takeBlock(rank, 0, ladderAddress);
    if (!block) return 0;
    ladder.root = block;
    ladder.shift = BLOCK_SHIFT;
  }
  while ((<u64>(rank ^ changetype<Block>(ladder.root).base)) >> ladder.shift) {
    const root = ladder.root;
    const base = changetype<Block>(root).base;
    const node = takeNode(base, ladder.shift + 6, 0);
    if (!node) return 0;
    const n = changetype<Node>(node);
    n.children = 1;
    const child = (base >> ladder.shift) & 63;
    n.bitmap = changetype<Block>(root).summary ? (<u64>1) << child : 0;
    store<u32>(node + CHILDREN + (child << 2), root);
    changetype<Block>(root).parent = node;
    ladder.root = node;
    ladder.shift += 6;
  }
  let place = ladder.root;
  let shift = ladder.shift;
  while (shift > BLOCK_SHIFT) {
    shift -= 6;
    const link = place + CHILDREN + (((rank >> shift) & 63) << 2);
    let child = load<u32>(link);
    if (!child) {
      child = shift > BLOCK_SHIFT ? takeNode(rank, shift, place) : takeBlock(rank, place, ladderAddress);
      if (!child) return 0;
      store<u32>(link, child);
      changetype<Node>(place).children += 1;
    }
    place = child;
  }
  return place;
}

// ---- release -------------------------------------------------------------------------------

/** Takes `level` out of the ladder if its last order has gone; no branch on whether it did. */
// @ts-ignore: decorator
@inline
export function releaseIfEmpty(level: Level): void {
  const h = header();
  const empty = u32(level.count == 0);
  const rank = level.rank;
  const block = level.block;
  const slot = block + SLOTS + ((rank & BLOCK_MASK) << 2);
  store<u32>(slot, select<u32>(0, changetype<u32>(level), empty));
  const top = h.levelStackTop;
  store<u32>(top, changetype<u32>(level));
  h.levelStackTop = top + (empty << 2);
  const word = block + BITS + (((rank >> 6) & 63) << 3);
  const bits = load<u64>(word) & ~((<u64>empty) << (rank & 63));
  store<u64>(word, bits);
  const b = changetype<Block>(block);
  const summary = b.summary & ~((<u64>u32(bits == 0)) << ((rank >> 6) & 63));
  b.summary = summary;
  if (!summary) clearParents(b.parent, rank);
  noteReleased(changetype<Ladder>(level.ladder), empty, <u64>rank + 1);
}

// Best and second best are kept as rank + 1. Orders near the touch come and go: one that improves the best and is
// cancelled must not cost a search, nor a branch on whether it was the best. So the second is remembered
// where it is known, and both updates are selections; only a best that goes while the second is unknown is searched for.

export const BOUND_UNKNOWN: u64 = u64.MAX_VALUE;

// @ts-ignore: decorator
@inline
function noteAcquired(ladder: Ladder, bound: u64): void {
  const best = ladder.bound;
  const second = ladder.second;
  const between = select<u64>(bound, second, (u32(bound > second) & u32(bound < best)));
  ladder.second = select<u64>(best, between, bound > best);
  ladder.bound = max<u64>(best, bound);
}

// @ts-ignore: decorator
@inline
function noteReleased(ladder: Ladder, empty: u32, bound: u64): void {
  const best = ladder.bound;
  const second = ladder.second;
  const wasBest = empty & u32(best == bound);
  const left = select<u64>(second, best, wasBest);
  ladder.second = select<u64>(BOUND_UNKNOWN, second, wasBest | (empty & u32(second == bound)));
  ladder.bound = left;
  if (left == BOUND_UNKNOWN) lowerBound(ladder);
}

function clearParents(parent: u32, rank: u32): void {
  while (parent) {
    const node = changetype<Node>(parent);
    const bitmap = node.bitmap & ~((<u64>1) << ((rank >> (node.shift - 6)) & 63));
    node.bitmap = bitmap;
    if (bitmap) return;
    parent = node.parent;
  }
}

/** Searches the best level. */
export function lowerBound(ladder: Ladder): void {
  const root = ladder.root;
  ladder.bound =
    changetype<Block>(root).summary ? <u64>changetype<Level>(bestBelow(root, ladder.shift)).rank + 1 : 0;
}

// ---- order of levels -----------------------------------------------------------------------

/** Level of the highest rank, 0 when the ladder is empty. */
// @ts-ignore: decorator
@inline
export function bestLevel(ladderAddress: u32): u32 {
  const ladder = changetype<Ladder>(ladderAddress);
  const bound = ladder.bound;
  if (!bound) return 0;
  const rank = u32(bound - 1);
  let block = nearBlock(ladder, rank);
  if (!block) block = findBlock(ladder, rank);
  return load<u32>(block + SLOTS + ((rank & BLOCK_MASK) << 2));
}

function bestBelow(start: u32, shift: u32): u32 {
  const block = bestBlock(start, shift);
  return bestInBlock(block, changetype<Block>(block).summary);
}

/** The block of the highest ranks at or below `start`, which is not empty. */
function bestBlock(start: u32, startShift: u32): u32 {
  let place = start;
  for (let shift = startShift; shift > BLOCK_SHIFT; shift -= 6) {
    place = load<u32>(place + CHILDREN + (highest(changetype<Node>(place).bitmap) << 2));
  }
  return place;
}

// @ts-ignore: decorator
@inline
function bestInBlock(block: u32, summary: u64): u32 {
  const index = highest(summary);
  const slot = (index << 6) | highest(load<u64>(block + BITS + (index << 3)));
  return load<u32>(block + SLOTS + (slot << 2));
}

/** The next block that is not empty, with lower ranks; 0 at the end. */
function nextBlock(block: u32): u32 {
  const rank = changetype<Block>(block).base;
  let parent = changetype<Block>(block).parent;
  while (parent) {
    const node = changetype<Node>(parent);
    const shift = node.shift - 6;
    const left = node.bitmap & (((<u64>1) << ((rank >> shift) & 63)) - 1);
    if (left) return bestBlock(load<u32>(parent + CHILDREN + (highest(left) << 2)), shift);
    parent = node.parent;
  }
  return 0;
}

/** The next level after `level` (next lower rank), 0 at the end. */
export function nextLevel(level: Level): u32 {
  const rank = level.rank;
  const block = level.block;
  const index = (rank >> 6) & 63;
  const below = load<u64>(block + BITS + (index << 3)) & (((<u64>1) << (rank & 63)) - 1);
  if (below) return load<u32>(block + SLOTS + (((index << 6) | highest(below)) << 2));
  const lower = changetype<Block>(block).summary & (((<u64>1) << index) - 1);
  if (lower) return bestInBlock(block, lower);
  const next = nextBlock(block);
  return next ? bestInBlock(next, changetype<Block>(next).summary) : 0;
}

/** One level as queries and views show it: price i32 | orders u32 | volume u64. */
export const LEVEL_ROW_SIZE: u32 = 16;

/**
 * Writes up to `count` levels to `out`, best first, or those behind `after` (0: from the best). Returns how many. It walks the
 * bits of a word, so that no level has to be loaded before the next one is known: a third of the time of nextLevel.
 */
export function writeLevels(ladderAddress: u32, after: u32, count: u32, out: u32): u32 {
  const first = after ? after : bestLevel(ladderAddress);
  if (!first || !count) return 0;
  const flip = 0x80000000 ^ rankMask(kindOfLadder(ladderAddress)); // rank -> price
  const rank = changetype<Level>(first).rank;
  let block = changetype<Level>(first).block;
  let index = (rank >> 6) & 63;
  let bits = load<u64>(block + BITS + (index << 3));
  if (after) bits &= ((<u64>1) << (rank & 63)) - 1;
  let lower = changetype<Block>(block).summary & (((<u64>1) << index) - 1);
  const end = out + count * LEVEL_ROW_SIZE;
  let at = out;
  while (true) {
    const base = changetype<Block>(block).base | (index << 6);
    const slots = block + SLOTS + (index << 8);
    while (bits) {
      const bit = highest(bits);
      const level = changetype<Level>(load<u32>(slots + (bit << 2)));
      store<u64>(at, <u64>((base | bit) ^ flip) | (<u64>level.count << 32));
      store<u64>(at, level.volume, 8);
      at += LEVEL_ROW_SIZE;
      if (at == end) return count;
      bits ^= (<u64>1) << bit;
    }
    if (!lower) {
      block = nextBlock(block);
      if (!block) return (at - out) / LEVEL_ROW_SIZE;
      lower = changetype<Block>(block).summary;
    }
    index = highest(lower);
    lower ^= (<u64>1) << index;
    bits = load<u64>(block + BITS + (index << 3));
  }
}

/** The level that a row of writeLevels stands for. */
export function levelOfPrice(ladderAddress: u32, price: i32): u32 {
  const rank = rankOf(price, kindOfLadder(ladderAddress));
  const block = findBlock(changetype<Ladder>(ladderAddress), rank);
  return block ? load<u32>(block + SLOTS + ((rank & BLOCK_MASK) << 2)) : 0;
}

// ---- pools ---------------------------------------------------------------------------------

function takeNode(rank: u32, shift: u32, parent: u32): u32 {
  const h = header();
  let node = h.nodeFree;
  if (node) {
    h.nodeFree = load<u32>(node + CHILDREN);
    memory.fill(node, 0, NODE_SIZE);
  } else {
    node = h.nodeFresh;
    if (node == h.nodesEnd) return 0;
    h.nodeFresh = node + NODE_SIZE;
  }
  const n = changetype<Node>(node);
  n.base = shift < 32 ? (rank >> shift) << shift : 0;
  n.shift = shift;
  n.parent = parent;
  return node;
}

function takeBlock(rank: u32, parent: u32, ladder: u32): u32 {
  const h = header();
  let block = h.blockFree;
  if (block) {
    h.blockFree = changetype<Block>(block).parent;
  } else {
    block = h.blockFresh;
    if (block == h.blocksEnd) return 0;
    h.blockFresh = block + BLOCK_SIZE;
  }
  const taken = changetype<Block>(block);
  assert(taken.summary == 0 && taken.ladder == 0);
  taken.base = (rank >> BLOCK_SHIFT) << BLOCK_SHIFT;
  taken.parent = parent;
  taken.ladder = ladder;
  return block;
}

/** Gives back every empty block that is not a root, and nodes that are left without children. */
function sweepBlocks(h: Header): void {
  for (let block = h.blocks; block < h.blockFresh; block += BLOCK_SIZE) {
    const b = changetype<Block>(block);
    if (!b.ladder || b.summary || !b.parent) continue;
    const ladder = changetype<Ladder>(b.ladder);
    if (u32(ladder.near) == block) ladder.near = 0;
    let rank = b.base;
    let parent = b.parent;
    b.ladder = 0;
    b.parent = h.blockFree;
    h.blockFree = block;
    while (parent) {
      const node = changetype<Node>(parent);
      store<u32>(parent + CHILDREN + (((rank >> (node.shift - 6)) & 63) << 2), 0);
      node.children -= 1;
      if (node.children || !node.parent) break;
      rank = node.base;
      const above = node.parent;
      store<u32>(parent + CHILDREN, h.nodeFree);
      h.nodeFree = parent;
      parent = above;
    }
  }
}

// ---- queue of a level ----------------------------------------------------------------------

/** Puts `order` at the back of the level's queue. */
// @ts-ignore: decorator
@inline
export function appendOrder(levelAddress: u32, order: Order, visible: u32): void {
  const level = changetype<Level>(levelAddress);
  const last = level.prev;
  store<u64>(changetype<u32>(order), <u64>levelAddress | (<u64>last << 32)); // next, prev
  order.level = levelAddress;
  store<u32>(last, changetype<u32>(order)); // next: at offset 0 of orders and levels alike
  level.prev = changetype<u32>(order);
  level.count += 1;
  level.volume += visible;
}

/** Takes `order` out of its level's queue and the level out of the ladder when it was the last. */
// @ts-ignore: decorator
@inline
export function removeOrder(order: Order): void {
  const level = changetype<Level>(order.level);
  const next = order.next;
  const prev = order.prev;
  store<u32>(prev, next); //    next of the one before
  store<u32>(next, prev, 4); // prev of the one behind
  level.count -= 1;
  level.volume -= order.qty;
  releaseIfEmpty(level);
}
