// The queues of src/base in C, over the very same memory: ring_buffer.ts (one producer, one consumer) and
// mpmc_queue.ts. Their layouts are described there. Orders of memory as a C program would choose them: release
// stores, where JavaScript knows only sequentially consistent ones.
//
// Built as a library and called once a repetition; each function answers with the sum of the numbers that the
// records carried.
#include <sched.h>
#include <stdatomic.h>
#include <stdint.h>

typedef _Atomic uint32_t cursor_t;

enum { SLOT_BYTES_WORD = 1, SLOTS_WORD = 2, PRODUCER_WORD = 32, CONSUMER_WORD = 64, SLOTS_AT = 384 };
/** Looks in vain before a thread offers its core. */
enum { LOOKS_MAX = 4096 };

static void look_again(uint32_t *looks) {
  if (++*looks % LOOKS_MAX == 0) sched_yield();
#if defined(__x86_64__)
  else __builtin_ia32_pause();
#endif
}

// ── one producer, one consumer ───────────────────────────────────────────────────────────────────

typedef struct {
  char *base;
  cursor_t *published, *released;
  uint32_t slots, slot_bytes, claimed, released_seen, taken, published_seen, told;
} ring_t;

static ring_t ring_at(char *base) {
  uint32_t *words = (uint32_t *)base;
  ring_t ring = {
    .base = base, .published = (cursor_t *)words + PRODUCER_WORD, .released = (cursor_t *)words + CONSUMER_WORD,
    .slots = words[SLOTS_WORD], .slot_bytes = words[SLOT_BYTES_WORD],
  };
  ring.claimed = ring.published_seen = atomic_load(ring.published);
  ring.taken = ring.told = ring.released_seen = atomic_load(ring.released);
  return ring;
}

static uint32_t *ring_slot(const ring_t *ring, uint32_t cursor) {
  return (uint32_t *)(ring->base + SLOTS_AT + (size_t)(cursor & (ring->slots - 1)) * ring->slot_bytes);
}

static int ring_push(ring_t *ring, uint32_t value) {
  if (ring->claimed - ring->released_seen == ring->slots) {
    ring->released_seen = atomic_load_explicit(ring->released, memory_order_acquire);
    if (ring->claimed - ring->released_seen == ring->slots) return 0;
  }
  *ring_slot(ring, ring->claimed) = value;
  ring->claimed += 1;
  atomic_store_explicit(ring->published, ring->claimed, memory_order_release);
  return 1;
}

static void ring_tell(ring_t *ring) {
  ring->told = ring->taken;
  atomic_store_explicit(ring->released, ring->told, memory_order_release);
}

static int ring_pop(ring_t *ring, uint32_t *value) {
  if (ring->taken == ring->published_seen) {
    ring->published_seen = atomic_load_explicit(ring->published, memory_order_acquire);
    if (ring->taken == ring->published_seen) {
      if (ring->told != ring->taken) ring_tell(ring);
      return 0;
    }
  }
  *value = *ring_slot(ring, ring->taken);
  ring->taken += 1;
  if (ring->taken - ring->told >= ring->slots / 8) ring_tell(ring);
  return 1;
}

uint32_t spsc_pass(char *base, uint32_t records) {
  ring_t ring = ring_at(base);
  uint32_t sum = 0, value = 0;
  for (uint32_t i = 0; i < records; i++) {
    ring_push(&ring, i);
    ring_pop(&ring, &value);
    sum += value;
  }
  ring_pop(&ring, &value); // tells what is released
  return sum;
}

uint32_t spsc_produce(char *base, uint32_t records) {
  ring_t ring = ring_at(base);
  uint32_t looks = 0;
  for (uint32_t i = 0; i < records;) {
    if (ring_push(&ring, i)) i++;
    else look_again(&looks);
  }
  return 0;
}

uint32_t spsc_consume(char *base, uint32_t records) {
  ring_t ring = ring_at(base);
  uint32_t sum = 0, value = 0, looks = 0;
  for (uint32_t i = 0; i < records;) {
    if (ring_pop(&ring, &value)) {
      sum += value;
      i++;
    } else {
      look_again(&looks);
    }
  }
  ring_tell(&ring);
  return sum;
}

// ── many producers, many consumers ───────────────────────────────────────────────────────────────

typedef struct {
  char *base;
  cursor_t *claimed, *taken;
  uint32_t slots, stride;
} queue_t;

static queue_t queue_at(char *base) {
  uint32_t *words = (uint32_t *)base;
  return (queue_t){
    .base = base, .claimed = (cursor_t *)words + PRODUCER_WORD, .taken = (cursor_t *)words + CONSUMER_WORD,
    .slots = words[SLOTS_WORD], .stride = words[SLOT_BYTES_WORD] + 8,
  };
}

static cursor_t *queue_slot(const queue_t *queue, uint32_t cursor) {
  return (cursor_t *)(queue->base + SLOTS_AT + (size_t)(cursor & (queue->slots - 1)) * queue->stride);
}

/** The slot at the cursor, moved on, if its sequence is `2 * cursor + published`; null when it lags behind. */
static cursor_t *queue_acquire(const queue_t *queue, cursor_t *shared, uint32_t published) {
  uint32_t cursor = atomic_load_explicit(shared, memory_order_relaxed);
  for (;;) {
    cursor_t *slot = queue_slot(queue, cursor);
    const int32_t ahead = (int32_t)(atomic_load_explicit(slot, memory_order_acquire) - (2 * cursor + published));
    if (ahead < 0) return 0;
    if (ahead > 0) cursor = atomic_load_explicit(shared, memory_order_relaxed);
    else if (atomic_compare_exchange_strong_explicit(shared, &cursor, cursor + 1, memory_order_relaxed, memory_order_relaxed)) return slot;
  }
}

static int queue_push(const queue_t *queue, uint32_t value) {
  cursor_t *slot = queue_acquire(queue, queue->claimed, 0);
  if (!slot) return 0;
  uint32_t *words = (uint32_t *)slot;
  words[1] = 1; // the owner
  words[2] = value;
  atomic_store_explicit(slot, words[0] + 1, memory_order_release);
  return 1;
}

static int queue_pop(const queue_t *queue, uint32_t *value) {
  cursor_t *slot = queue_acquire(queue, queue->taken, 1);
  if (!slot) return 0;
  uint32_t *words = (uint32_t *)slot;
  words[1] = 2 | 0x40000000;
  *value = words[2];
  atomic_store_explicit(slot, words[0] - 1 + 2 * queue->slots, memory_order_release);
  return 1;
}

uint32_t mpmc_pass(char *base, uint32_t records) {
  const queue_t queue = queue_at(base);
  uint32_t sum = 0, value = 0;
  for (uint32_t i = 0; i < records; i++) {
    queue_push(&queue, i);
    queue_pop(&queue, &value);
    sum += value;
  }
  return sum;
}

uint32_t mpmc_produce(char *base, uint32_t records) {
  const queue_t queue = queue_at(base);
  uint32_t looks = 0;
  for (uint32_t i = 0; i < records;) {
    if (queue_push(&queue, i)) i++;
    else look_again(&looks);
  }
  return 0;
}

uint32_t mpmc_consume(char *base, uint32_t records) {
  const queue_t queue = queue_at(base);
  uint32_t sum = 0, value = 0, looks = 0;
  for (uint32_t i = 0; i < records;) {
    if (queue_pop(&queue, &value)) {
      sum += value;
      i++;
    } else {
      look_again(&looks);
    }
  }
  return sum;
}
