// A book without a lock as others build it: a concurrent skip list of orders by price and time (Herlihy and Shavit, "The Art of
// Multiprocessor Programming", 14.4), for the benchmark beside our book with one writer.
//
//   key    (PRICE_MAX − price) << 40 │ arrival         best price first, then first come; arrivals from one atomic counter
//   node   key, order, next of each level; the lowest bit of a next says that its node is gone at that level
//
// An order is in the book when it hangs in the lowest level, and out of it when that level's next is marked: two compare-and-swaps.
// Who passes a marked node unlinks it. An order is cancelled by the thread that entered it, after it has, as orders of a session are.
// Nodes come from an array of their thread and are not used twice in a run, so no memory is reclaimed under a reader: what a
// real one would need for that (epochs, hazard pointers) is left out, in its favour.
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>

enum { LEVELS = 18, THREADS_MAX = 16, OP_WORDS = 4, ADD = 1, PRICE_MAX = 1 << 20 };

typedef _Atomic uintptr_t link_t;
typedef struct node {
  uint64_t key;
  int32_t id, price, qty, top;
  link_t next[LEVELS];
} node_t;

static node_t head;
static _Atomic uint64_t arrivals;
static node_t *nodes[THREADS_MAX];
static uint32_t room;

static node_t *node_of(uintptr_t link) { return (node_t *)(link & ~(uintptr_t)1); }
static int is_marked(uintptr_t link) { return link & 1; }

/** Empties it; room for so many orders of each thread. 0: no memory. */
int skip_reset(uint32_t threads, uint32_t orders) {
  for (uint32_t i = 0; i < threads && i < THREADS_MAX; i++) {
    if (orders > room) {
      free(nodes[i]);
      nodes[i] = malloc((size_t)orders * sizeof(node_t));
    }
    if (!nodes[i]) return 0;
  }
  if (orders > room) room = orders;
  for (int level = 0; level < LEVELS; level++) atomic_store(&head.next[level], 0);
  atomic_store(&arrivals, 0);
  return 1;
}

/** Where `key` stands or would: the nodes in front of it and behind, of every level. */
static void find(uint64_t key, node_t **before, node_t **behind) {
again:;
  node_t *pred = &head;
  for (int level = LEVELS - 1; level >= 0; level--) {
    node_t *at = node_of(atomic_load_explicit(&pred->next[level], memory_order_acquire));
    while (at) {
      uintptr_t next = atomic_load_explicit(&at->next[level], memory_order_acquire);
      if (is_marked(next)) {
        uintptr_t expected = (uintptr_t)at;
        if (!atomic_compare_exchange_strong(&pred->next[level], &expected, next & ~(uintptr_t)1)) goto again;
        at = node_of(next);
        continue;
      }
      if (at->key >= key) break;
      pred = at;
      at = node_of(next);
    }
    before[level] = pred;
    behind[level] = at;
  }
}

static void add(node_t *node, int top) {
  node_t *before[LEVELS], *behind[LEVELS];
  node->top = top;
  for (;;) {
    find(node->key, before, behind);
    for (int level = 0; level < top; level++) atomic_store_explicit(&node->next[level], (uintptr_t)behind[level], memory_order_relaxed);
    uintptr_t expected = (uintptr_t)behind[0];
    if (atomic_compare_exchange_strong(&before[0]->next[0], &expected, (uintptr_t)node)) break;
  }
  for (int level = 1; level < top; level++) {
    for (;;) {
      uintptr_t expected = (uintptr_t)behind[level];
      if (atomic_compare_exchange_strong(&before[level]->next[level], &expected, (uintptr_t)node)) break;
      find(node->key, before, behind);
      atomic_store(&node->next[level], (uintptr_t)behind[level]); // nobody else changes it before it hangs here
    }
  }
}

/** 0: it was not there any more. */
static int cancel(node_t *node) {
  uintptr_t next;
  for (int level = node->top - 1; level > 0; level--) {
    next = atomic_load(&node->next[level]);
    while (!is_marked(next) && !atomic_compare_exchange_strong(&node->next[level], &next, next | 1));
  }
  next = atomic_load(&node->next[0]);
  for (;;) {
    if (is_marked(next)) return 0;
    if (atomic_compare_exchange_strong(&node->next[0], &next, next | 1)) break;
  }
  node_t *before[LEVELS], *behind[LEVELS];
  find(node->key, before, behind);
  return 1;
}

/** One thread's operations: kind, number of the order in its thread, price, quantity. How many of them found what they named. */
uint32_t skip_run(uint32_t thread, const int32_t *ops, uint32_t count) {
  node_t *own = nodes[thread];
  uint32_t random = 0x9e3779b9u * (thread + 1), done = 0;
  for (uint32_t i = 0; i < count; i++, ops += OP_WORDS) {
    node_t *node = own + ops[1];
    if (ops[0] != ADD) {
      done += cancel(node);
      continue;
    }
    random ^= random << 13, random ^= random >> 17, random ^= random << 5;
    int top = 1 + __builtin_ctz(random | 1u << (LEVELS - 1));
    node->id = (int32_t)((thread + 1) << 24) | ops[1];
    node->price = ops[2];
    node->qty = ops[3];
    node->key = (uint64_t)(PRICE_MAX - ops[2]) << 40 | atomic_fetch_add(&arrivals, 1);
    add(node, top);
    done++;
  }
  return done;
}

/** Writes id, price and quantity of the orders in the book, best first, at most `most`; how many. -1: they are not in order. */
int skip_orders(int32_t *into, uint32_t most) {
  uint32_t count = 0;
  uint64_t last = 0;
  for (node_t *at = node_of(atomic_load(&head.next[0])); at; at = node_of(atomic_load(&at->next[0]))) {
    if (is_marked(atomic_load(&at->next[0]))) continue;
    if (at->key < last) return -1;
    last = at->key;
    if (count < most) into[3 * count] = at->id, into[3 * count + 1] = at->price, into[3 * count + 2] = at->qty;
    count++;
  }
  return (int)count;
}
