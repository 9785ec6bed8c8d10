// Price ladder: the levels of one side, ordered, found by price, sparse over the whole i32 range.
//
// Prices become *ranks* so that the best level is always the one of the highest rank, on both sides:
//   key  = price xor 0x80000000          (order-preserving i32 -> u32)
//   rank = key for bids and sell stops, ~key for asks and buy stops
// One code serves all four ladders without a branch on the side.
//
//   Ladder.root ─► Node (64 children, bitmap) ─► … ─► Block: 4,096 ranks ─► Leaf: 64 level addresses
//
//   Block, 832 bytes               Node, 320 bytes              Leaf, 256 bytes
//   @0   summary: leaves not empty @0   bitmap: live children   @0  64 × level address
//   @8   base rank                 @8   base rank
//   @12  parent node               @12  parent node
//   @16  leaves allocated          @16  children allocated
//   @20  ladder                    @20  shift (bits below)
//   @64  64 × u64 leaf bitmaps     @64  64 × child address
//   @576 64 × leaf address
//
// The bitmaps of 4,096 ticks lie together, 520 bytes: on a flow whose few hundred orders are spread over
// 30,000 ticks the search structure stays in the first-level cache. Levels come from a dense pool, last freed
// first, for the same reason (levels indexed by price would span two megabytes there).
// The root grows upwards as prices are seen, so a range of 2^32 ticks costs nothing until it is used, and
// the usual depth is 2 to 3. Cost: add and remove O(depth) without a search; best O(depth): count zeros.
// An empty leaf or block stays allocated until its pool runs out; a sweep then takes back the empty ones.
import { Ladder, Level, Order, LADDER_ASKS, LADDER_BUY_STOPS, kindOfLadder } from '../book/records';
import { Header, header } from './layout';

export const BLOCK_SIZE: u32 = 832;
export const NODE_SIZE: u32 = 320;
export const LEAF_SIZE: u32 = 256;
const BLOCK_SHIFT: u32 = 12;
const BITS: u32 = 64; //    offset of a block's leaf bitmaps
const LEAVES: u32 = 576; // offset of a block's leaf addresses
const CHILDREN: u32 = 64; // offset of a node's children

@unmanaged
class Block {
  summary: u64;
  base: u32;
  parent: u32;
  leaves: u32;
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
  let block = findBlock(ladder, rank);
  const leafIndex = (rank >> 6) & 63;
  const slot = rank & 63;
  let leaf = block ? load<u32>(block + LEAVES + (leafIndex << 2)) : 0;
  if (!leaf) {
    block = growTo(ladderAddress, rank);
    if (!block) return 0;
    leaf = load<u32>(block + LEAVES + (leafIndex << 2));
  }
  const slotAddress = leaf + (slot << 2);
  // Without a branch on "is the level there": it is a coin toss on sparse books. The candidate from the
  // free stack is self-linked and empty, so making it needs no initialisation but its place.
  const present = load<u32>(slotAddress);
  const top = h.levelStackTop;
  const isNew = u32(present == 0);
  if (isNew && top == h.levelStack) return 0;
  const level = select<u32>(present, load<u32>(top - 4), present != 0);
  h.levelStackTop = top - (isNew << 2);
  store<u32>(slotAddress, level);
  const l = changetype<Level>(level);
  l.rank = rank;
  l.block = block;
  l.ladder = ladderAddress;
  const bitsAddress = block + BITS + (leafIndex << 3);
  store<u64>(bitsAddress, load<u64>(bitsAddress) | ((<u64>1) << slot));
  const b = changetype<Block>(block);
  const summary = b.summary;
  b.summary = summary | ((<u64>1) << leafIndex);
  if (!summary && b.parent) markParents(b.parent, rank);
  ladder.bound = max<u64>(ladder.bound, <u64>rank + 1);
  return level;
}

// @ts-ignore: decorator
@inline
function findBlock(ladder: Ladder, rank: u32): u32 {
  let place = ladder.root;
  let shift = ladder.shift;
  if (!place || (<u64>(rank ^ changetype<Block>(place).base)) >> shift) return 0;
  while (shift > BLOCK_SHIFT) {
    shift -= 6;
    place = load<u32>(place + CHILDREN + (((rank >> shift) & 63) << 2));
    if (!place) return 0;
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

/** Makes root, nodes, block and leaf for `rank`; the block, or 0 when a pool is exhausted. */
function growTo(ladderAddress: u32, rank: u32): u32 {
  const h = header();
  // Before the walk: a sweep may free nodes, and the walk must not stand on one.
  if (!h.blockFree && h.blockFresh == h.blocksEnd) sweepBlocks(h);
  const ladder = changetype<Ladder>(ladderAddress);
  if (!ladder.root) {
    const block = takeBlock();
    if (!block) return 0;
    initBlock(block, rank, 0, ladderAddress);
    ladder.root = block;
    ladder.shift = BLOCK_SHIFT;
  }
  while ((<u64>(rank ^ changetype<Block>(ladder.root).base)) >> ladder.shift) {
    const root = ladder.root;
    const node = takeNode();
    if (!node) return 0;
    const shift = ladder.shift + 6;
    const n = changetype<Node>(node);
    const base = changetype<Block>(root).base;
    n.base = shift < 32 ? (base >> shift) << shift : 0;
    n.shift = shift;
    n.parent = 0;
    n.children = 1;
    const slot = (base >> (shift - 6)) & 63;
    n.bitmap = changetype<Block>(root).summary ? (<u64>1) << slot : 0;
    store<u32>(node + CHILDREN + (slot << 2), root);
    changetype<Block>(root).parent = node;
    ladder.root = node;
    ladder.shift = shift;
  }
  let place = ladder.root;
  let shift = ladder.shift;
  while (shift > BLOCK_SHIFT) {
    shift -= 6;
    const link = place + CHILDREN + (((rank >> shift) & 63) << 2);
    let child = load<u32>(link);
    if (!child) {
      if (shift > BLOCK_SHIFT) {
        child = takeNode();
        if (!child) return 0;
        const n = changetype<Node>(child);
        n.base = (rank >> shift) << shift;
        n.shift = shift;
        n.parent = place;
        n.children = 0;
        n.bitmap = 0;
      } else {
        child = takeBlock();
        if (!child) return 0;
        initBlock(child, rank, place, ladderAddress);
      }
      store<u32>(link, child);
      changetype<Node>(place).children += 1;
    }
    place = child;
  }
  const link = place + LEAVES + (((rank >> 6) & 63) << 2);
  if (!load<u32>(link)) {
    const leaf = takeLeaf();
    if (!leaf) return 0;
    store<u32>(link, leaf);
    changetype<Block>(place).leaves += 1;
  }
  return place;
}

function initBlock(block: u32, rank: u32, parent: u32, ladder: u32): void {
  const b = changetype<Block>(block);
  b.summary = 0;
  b.base = (rank >> BLOCK_SHIFT) << BLOCK_SHIFT;
  b.parent = parent;
  b.leaves = 0;
  b.ladder = ladder;
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
  const leafIndex = (rank >> 6) & 63;
  const slot = rank & 63;
  const slotAddress = load<u32>(block + LEAVES + (leafIndex << 2)) + (slot << 2);
  store<u32>(slotAddress, select<u32>(0, changetype<u32>(level), empty != 0));
  const top = h.levelStackTop;
  store<u32>(top, changetype<u32>(level));
  h.levelStackTop = top + (empty << 2);
  const bitsAddress = block + BITS + (leafIndex << 3);
  const bits = load<u64>(bitsAddress) & ~((<u64>empty) << slot);
  store<u64>(bitsAddress, bits);
  const b = changetype<Block>(block);
  const summary = b.summary & ~((<u64>u32(bits == 0)) << leafIndex);
  b.summary = summary;
  if (!summary) clearParents(b.parent, rank, level.ladder);
}

function clearParents(parent: u32, rank: u32, ladder: u32): void {
  while (parent) {
    const node = changetype<Node>(parent);
    const bitmap = node.bitmap & ~((<u64>1) << ((rank >> (node.shift - 6)) & 63));
    node.bitmap = bitmap;
    if (bitmap) return;
    parent = node.parent;
  }
  changetype<Ladder>(ladder).bound = 0;
}

// ---- order of levels -----------------------------------------------------------------------

/** Level of the highest rank, 0 when the ladder is empty; makes the bound exact. */
export function bestLevel(ladderAddress: u32): u32 {
  const ladder = changetype<Ladder>(ladderAddress);
  const place = ladder.root;
  if (!place || changetype<Block>(place).summary == 0) {
    ladder.bound = 0;
    return 0;
  }
  const level = bestBelow(place, ladder.shift);
  ladder.bound = <u64>changetype<Level>(level).rank + 1;
  return level;
}

// @ts-ignore: decorator
@inline
function bestBelow(start: u32, startShift: u32): u32 {
  let place = start;
  for (let shift = startShift; shift > BLOCK_SHIFT; shift -= 6) {
    place = load<u32>(place + CHILDREN + (highest(changetype<Node>(place).bitmap) << 2));
  }
  const leafIndex = highest(changetype<Block>(place).summary);
  const slot = highest(load<u64>(place + BITS + (leafIndex << 3)));
  return load<u32>(load<u32>(place + LEAVES + (leafIndex << 2)) + (slot << 2));
}

/** The next level after `level` (next lower rank), 0 at the end. */
export function nextLevel(level: Level): u32 {
  const rank = level.rank;
  const block = level.block;
  const leafIndex = (rank >> 6) & 63;
  const below = load<u64>(block + BITS + (leafIndex << 3)) & (((<u64>1) << (rank & 63)) - 1);
  if (below) {
    return load<u32>(load<u32>(block + LEAVES + (leafIndex << 2)) + (highest(below) << 2));
  }
  const lower = changetype<Block>(block).summary & (((<u64>1) << leafIndex) - 1);
  if (lower) {
    const index = highest(lower);
    const slot = highest(load<u64>(block + BITS + (index << 3)));
    return load<u32>(load<u32>(block + LEAVES + (index << 2)) + (slot << 2));
  }
  let parent = changetype<Block>(block).parent;
  while (parent) {
    const node = changetype<Node>(parent);
    const shift = node.shift - 6;
    const left = node.bitmap & (((<u64>1) << ((rank >> shift) & 63)) - 1);
    if (left) return bestBelow(load<u32>(parent + CHILDREN + (highest(left) << 2)), shift);
    parent = node.parent;
  }
  return 0;
}

// ---- pools ---------------------------------------------------------------------------------

function takeNode(): u32 {
  const h = header();
  let node = h.nodeFree;
  if (node) {
    h.nodeFree = load<u32>(node + CHILDREN);
    memory.fill(node, 0, NODE_SIZE);
    return node;
  }
  node = h.nodeFresh;
  if (node == h.nodesEnd) return 0;
  h.nodeFresh = node + NODE_SIZE;
  return node;
}

function takeBlock(): u32 {
  const h = header();
  let block = h.blockFree;
  if (block) {
    h.blockFree = load<u32>(block + LEAVES);
    memory.fill(block, 0, BLOCK_SIZE);
    return block;
  }
  block = h.blockFresh;
  if (block == h.blocksEnd) return 0;
  h.blockFresh = block + BLOCK_SIZE;
  return block;
}

function takeLeaf(): u32 {
  const h = header();
  if (!h.leafFree && h.leafFresh == h.leavesEnd) sweepLeaves(h);
  let leaf = h.leafFree;
  if (leaf) {
    h.leafFree = load<u32>(leaf);
    store<u32>(leaf, 0);
    return leaf;
  }
  leaf = h.leafFresh;
  if (leaf == h.leavesEnd) return 0;
  h.leafFresh = leaf + LEAF_SIZE;
  return leaf;
}

/** Gives back the empty leaves of one block. An empty leaf holds only zeros. */
function freeEmptyLeaves(h: Header, block: u32): bool {
  const b = changetype<Block>(block);
  if (b.leaves == u32(popcnt(b.summary))) return false;
  for (let i: u32 = 0; i < 64; i++) {
    const link = block + LEAVES + (i << 2);
    const leaf = load<u32>(link);
    if (leaf && !(b.summary & ((<u64>1) << i))) {
      store<u32>(leaf, h.leafFree);
      h.leafFree = leaf;
      store<u32>(link, 0);
      b.leaves -= 1;
    }
  }
  return true;
}

/** Finds the next block with empty leaves, round the pool at most once: one comparison a block. */
function sweepLeaves(h: Header): void {
  let block = h.blockClock;
  const used = (h.blockFresh - h.blocks) / BLOCK_SIZE;
  for (let i: u32 = 0; i < used; i++) {
    if (block >= h.blockFresh) block = h.blocks;
    const found = changetype<Block>(block).ladder != 0 && freeEmptyLeaves(h, block);
    block += BLOCK_SIZE;
    if (found) break;
  }
  h.blockClock = block;
}

/** Gives back every empty block that is not a root, and nodes that are left without children. */
function sweepBlocks(h: Header): void {
  for (let block = h.blocks; block < h.blockFresh; block += BLOCK_SIZE) {
    const b = changetype<Block>(block);
    if (!b.ladder || b.summary || !b.parent) continue;
    if (b.leaves) freeEmptyLeaves(h, block);
    let rank = b.base;
    let parent = b.parent;
    b.ladder = 0;
    store<u32>(block + LEAVES, h.blockFree);
    h.blockFree = block;
    while (parent) {
      const node = changetype<Node>(parent);
      store<u32>(parent + CHILDREN + (((rank >> (node.shift - 6)) & 63) << 2), 0);
      node.children -= 1;
      if (node.children || !node.parent) break;
      rank = node.base;
      const next = node.parent;
      store<u32>(parent + CHILDREN, h.nodeFree);
      h.nodeFree = parent;
      parent = next;
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
  order.next = levelAddress;
  order.prev = last;
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
