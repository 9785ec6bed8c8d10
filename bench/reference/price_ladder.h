// Price ladder of the core (core/memory/price_ladder.ts): radix-64 nodes over blocks of 4,096 ranks.
//
// What only runs when a pool is exhausted (taking back empty blocks) is left out: the pools of this
// program are large enough, and running out ends it.
#ifndef PRICE_LADDER_H
#define PRICE_LADDER_H

#include <stdio.h>
#include <stdlib.h>
#include "records.h"

enum { BLOCK_SHIFT = 12, BLOCK_MASK = 4095 };

INLINE u32 rank_mask(u32 kind) { return -(u32)(kind == LADDER_ASKS || kind == LADDER_BUY_STOPS); }
INLINE u32 rank_of(i32 price, u32 kind) { return (u32)price ^ 0x80000000u ^ rank_mask(kind); }
INLINE i32 price_of(u32 rank, u32 kind) { return (i32)(rank ^ 0x80000000u ^ rank_mask(kind)); }
INLINE u32 highest(u64 bitmap) { return 63 - (u32)__builtin_clzll(bitmap); }
INLINE u32 kind_of_ladder(u32 ladder) { return (ladder >> 5) & 3; }
INLINE i32 level_price(const Level *level) { return price_of(level->rank, kind_of_ladder(level->ladder)); }

RARE u32 exhausted(const char *pool) {
  fprintf(stderr, "the pool of %s is exhausted\n", pool);
  exit(1);
}

RARE u32 take_node(void) {
  const u32 node = h.node_fresh;
  if (node == h.nodes_end) return exhausted("nodes");
  h.node_fresh = node + sizeof(Node);
  return node;
}

RARE u32 take_block(u32 rank, u32 parent, u32 ladder) {
  const u32 block = h.block_fresh;
  if (block == h.blocks_end) return exhausted("blocks");
  h.block_fresh = block + sizeof(Block);
  Block *b = AT(Block, block);
  b->base = (rank >> BLOCK_SHIFT) << BLOCK_SHIFT;
  b->parent = parent;
  b->ladder = ladder;
  return block;
}

/** Makes root, nodes and block for `rank`; the block. */
RARE Block *grow_to(Ladder *ladder, u32 rank) {
  if (!ladder->root) {
    ladder->root = take_block(rank, 0, ADDRESS(ladder));
    ladder->shift = BLOCK_SHIFT;
  }
  while ((u64)(rank ^ AT(Block, ladder->root)->base) >> ladder->shift) {
    Block *root = AT(Block, ladder->root); // base and parent stand alike in blocks and nodes
    const u32 shift = ladder->shift + 6;
    const u32 address = take_node();
    Node *n = AT(Node, address);
    n->base = shift < 32 ? (root->base >> shift) << shift : 0;
    n->shift = shift;
    n->children = 1;
    const u32 slot = (root->base >> (shift - 6)) & 63;
    n->bitmap = root->summary ? 1ull << slot : 0;
    n->child[slot] = ladder->root;
    root->parent = address;
    ladder->root = address;
    ladder->shift = shift;
  }
  u32 place = ladder->root;
  u32 shift = ladder->shift;
  while (shift > BLOCK_SHIFT) {
    shift -= 6;
    Node *parent = AT(Node, place);
    u32 *link = &parent->child[(rank >> shift) & 63];
    if (!*link) {
      if (shift > BLOCK_SHIFT) {
        *link = take_node();
        Node *n = AT(Node, *link);
        n->base = (rank >> shift) << shift;
        n->shift = shift;
        n->parent = place;
      } else {
        *link = take_block(rank, place, ADDRESS(ladder));
      }
      parent->children += 1;
    }
    place = *link;
  }
  return AT(Block, place);
}

static Block *find_block_below(u32 root, u32 root_shift, u32 rank) {
  u32 place = root;
  for (u32 shift = root_shift; shift > BLOCK_SHIFT && place;) {
    shift -= 6;
    place = AT(Node, place)->child[(rank >> shift) & 63];
  }
  return AT(Block, place);
}

static __attribute__((noinline)) Block *find_block(const Ladder *ladder, u32 rank) {
  const u32 root = ladder->root;
  const u32 shift = ladder->shift;
  if (!root || (u64)(rank ^ AT(Block, root)->base) >> shift) return NULL;
  if (shift == BLOCK_SHIFT + 6) return AT(Block, AT(Node, root)->child[(rank >> BLOCK_SHIFT) & 63]);
  return shift == BLOCK_SHIFT ? AT(Block, root) : find_block_below(root, shift, rank);
}

/** The block of `rank` if it is the one used last, else NULL. */
INLINE Block *near_block(const Ladder *ladder, u32 rank) {
  return (u32)(ladder->near >> 32) == rank >> BLOCK_SHIFT ? AT(Block, (u32)ladder->near) : NULL;
}

/** The block of `rank`, made when there is none, and remembered. */
static __attribute__((noinline)) Block *reach_block(Ladder *ladder, u32 rank) {
  Block *block = find_block(ladder, rank);
  if (!block) block = grow_to(ladder, rank);
  ladder->near = (u64)(rank >> BLOCK_SHIFT) << 32 | ADDRESS(block);
  return block;
}

RARE void mark_parents(u32 parent, u32 rank) {
  while (parent) {
    Node *node = AT(Node, parent);
    const u64 before = node->bitmap;
    node->bitmap = before | 1ull << ((rank >> (node->shift - 6)) & 63);
    if (before) return;
    parent = node->parent;
  }
}

// Best and second best as rank + 1; both updates are selections, only a best that goes while the second
// is unknown is searched for.
static const u64 BOUND_UNKNOWN = UINT64_MAX;

INLINE void note_acquired(Ladder *ladder, u64 bound) {
  const u64 best = ladder->bound;
  const u64 second = ladder->second;
  const u64 between = (bound > second) & (bound < best) ? bound : second;
  ladder->second = bound > best ? best : between;
  ladder->bound = best > bound ? best : bound;
}

/** The level of `rank`, made when there is none; it must get an order at once. */
INLINE Level *acquire_level(Ladder *ladder, u32 rank) {
  Block *block = near_block(ladder, rank);
  if (!block) block = reach_block(ladder, rank);
  u32 *slot = &block->level[rank & BLOCK_MASK];
  const u32 present = *slot;
  const u32 top = h.level_stack_top;
  const u32 is_new = present == 0;
  if (is_new & (top == h.level_stack)) exhausted("levels");
  const u32 candidate = AT(u32, top)[-1];
  const u32 address = is_new ? candidate : present;
  h.level_stack_top = top - (is_new << 2);
  *slot = address;
  Level *level = AT(Level, address);
  level->rank = rank;
  level->block = ADDRESS(block);
  level->ladder = ADDRESS(ladder);
  const u32 word = (rank >> 6) & 63;
  block->bits[word] |= 1ull << (rank & 63);
  const u64 summary = block->summary;
  block->summary = summary | 1ull << word;
  if (!summary) mark_parents(block->parent, rank);
  note_acquired(ladder, (u64)rank + 1);
  return level;
}

RARE void clear_parents(u32 parent, u32 rank) {
  while (parent) {
    Node *node = AT(Node, parent);
    node->bitmap &= ~(1ull << ((rank >> (node->shift - 6)) & 63));
    if (node->bitmap) return;
    parent = node->parent;
  }
}

INLINE Level *best_in_block(const Block *block, u64 summary) {
  const u32 word = highest(summary);
  return AT(Level, block->level[word << 6 | highest(block->bits[word])]);
}

static Level *best_below(u32 start, u32 start_shift) {
  u32 place = start;
  for (u32 shift = start_shift; shift > BLOCK_SHIFT; shift -= 6) {
    const Node *node = AT(Node, place);
    place = node->child[highest(node->bitmap)];
  }
  const Block *block = AT(Block, place);
  return best_in_block(block, block->summary);
}

/** Searches the best level. */
static __attribute__((noinline)) void lower_bound(Ladder *ladder) {
  ladder->bound = AT(Block, ladder->root)->summary ? (u64)best_below(ladder->root, ladder->shift)->rank + 1 : 0;
}

INLINE void note_released(Ladder *ladder, u32 empty, u64 bound) {
  const u64 best = ladder->bound;
  const u64 second = ladder->second;
  const u32 was_best = empty & (best == bound);
  const u64 left = was_best ? second : best;
  ladder->second = was_best | (empty & (second == bound)) ? BOUND_UNKNOWN : second;
  ladder->bound = left;
  if (left == BOUND_UNKNOWN) lower_bound(ladder);
}

/** Takes `level` out of the ladder if its last order has gone; no branch on whether it did. */
INLINE void release_if_empty(Level *level) {
  const u32 empty = level->count == 0;
  const u32 rank = level->rank;
  Block *block = AT(Block, level->block);
  block->level[rank & BLOCK_MASK] = empty ? 0 : ADDRESS(level);
  const u32 top = h.level_stack_top;
  *AT(u32, top) = ADDRESS(level);
  h.level_stack_top = top + (empty << 2);
  const u32 word = (rank >> 6) & 63;
  const u64 bits = block->bits[word] & ~((u64)empty << (rank & 63));
  block->bits[word] = bits;
  const u64 summary = block->summary & ~((u64)(bits == 0) << word);
  block->summary = summary;
  if (!summary) clear_parents(block->parent, rank);
  note_released(AT(Ladder, level->ladder), empty, (u64)rank + 1);
}

/** Level of the highest rank, NULL when the ladder is empty. */
INLINE Level *best_level(const Ladder *ladder) {
  const u64 bound = ladder->bound;
  if (!bound) return NULL;
  const u32 rank = (u32)(bound - 1);
  const Block *block = near_block(ladder, rank);
  if (!block) block = find_block(ladder, rank);
  return AT(Level, block->level[rank & BLOCK_MASK]);
}

/** The next level after `level` (next lower rank), NULL at the end. */
static Level *next_level(const Level *level) {
  const u32 rank = level->rank;
  const Block *block = AT(Block, level->block);
  const u32 word = (rank >> 6) & 63;
  const u64 below = block->bits[word] & ((1ull << (rank & 63)) - 1);
  if (below) return AT(Level, block->level[word << 6 | highest(below)]);
  const u64 lower = block->summary & ((1ull << word) - 1);
  if (lower) return best_in_block(block, lower);
  for (u32 parent = block->parent; parent;) {
    const Node *node = AT(Node, parent);
    const u32 shift = node->shift - 6;
    const u64 left = node->bitmap & ((1ull << ((rank >> shift) & 63)) - 1);
    if (left) return best_below(node->child[highest(left)], shift);
    parent = node->parent;
  }
  return NULL;
}

INLINE void append_order(Level *level, Order *order, u32 visible) {
  const u32 last = level->link.prev;
  order->link.next = ADDRESS(level);
  order->link.prev = last;
  order->level = ADDRESS(level);
  AT(Link, last)->next = ADDRESS(order);
  level->link.prev = ADDRESS(order);
  level->count += 1;
  level->volume += visible;
}

INLINE void remove_order(Order *order) {
  Level *level = AT(Level, order->level);
  const u32 next = order->link.next;
  const u32 prev = order->link.prev;
  AT(Link, prev)->next = next;
  AT(Link, next)->prev = prev;
  level->count -= 1;
  level->volume -= order->qty;
  release_if_empty(level);
}

#endif
