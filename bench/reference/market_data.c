// The market data processor's structure in C: ring, lanes, rows, chains as core/feed/market_data*.ts has them, with a
// second thread for the second lane. What the machine gives: the compiler's own instruction set, prefetches where the core
// has only loads, release stores where it has sequentially consistent ones.
//
// Built as a library: market_data_run puts `count` messages through a fresh processor and answers with the nanoseconds.
#define _GNU_SOURCE
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

enum { MESSAGE = 40, RING = 65536, ROUND = 32, CHUNK = 1024, RELEASE_EVERY = 2048, LANES = 2, CLASS_SMALL = 1, CLASS_MAX = 9 };
enum { ADD = 1, CANCEL = 2, MODIFY = 3, TRADE = 4, REASONS = 10 };
enum { BAD_SYMBOL = 1, BAD_TYPE, BAD_SIDE, BAD_PRICE, BAD_VOLUME, DUPLICATE, UNKNOWN, OTHER_SIDE, CAPACITY };
#define PRICE_LIMIT 10000000000ull
#define PRICE_BITS 34
#define PRICE_MASK ((1ull << PRICE_BITS) - 1)
#define RANK_NONE INT64_MIN
#define BUCKETS_MIN 1024u
#define BUCKETS_PER_ORDER 2u

typedef struct __attribute__((packed)) { uint16_t symbol; uint8_t type, side; uint64_t price, volume, timestamp, sequence; uint32_t reserved; } message_t;
typedef struct { uint64_t volume, orders; } payload_t;
typedef struct { char *rows; uint16_t count, size_class; uint32_t pad; } side_t;
typedef struct { side_t sides[2]; uint64_t last_price, last_volume, timestamp, applied; } book_t;
typedef struct order { uint64_t sequence, volume, where; struct order *next; } order_t;

typedef struct {
  uint32_t index, live, orders_max, buckets, mask, grow_at, shrink_at, buckets_max, taken;
  uint64_t sequence_max, applied[5], refused[REASONS];
  order_t *orders, *fresh, *free, **heads;
  char *rows_fresh, *rows_end, *free_rows[CLASS_MAX + 1];
  int64_t scratch_rank;
  payload_t scratch;
  const char *list[ROUND];
  _Alignas(128) _Atomic uint32_t released;
} lane_t;

typedef struct {
  char *ring;
  book_t *books;
  uint32_t symbols, lanes, core;
  uint8_t lane_of[4096];
  lane_t lane[LANES];
  _Alignas(128) _Atomic uint32_t published;
  _Alignas(128) _Atomic int stop, ready;
} processor_t;

// ── orders ───────────────────────────────────────────────────────────────────────────────────────

static uint32_t hash_of(uint64_t sequence) {
  return (uint32_t)sequence ^ (uint32_t)(((sequence >> 16) * 0x9e3779b97f4a7c15ull) >> 40);
}

static order_t **head_of(const lane_t *lane, uint64_t sequence) {
  const uint32_t bucket = hash_of(sequence) & lane->mask;
  return lane->heads + (bucket >= lane->buckets ? bucket & (lane->mask >> 1) : bucket);
}

static int differs(const order_t *order, uint64_t sequence, uint32_t symbol) {
  return ((order->sequence ^ sequence) | ((order->where >> (PRICE_BITS + 1)) ^ symbol)) != 0;
}

static order_t **find_from(order_t **link, uint64_t sequence, uint32_t symbol) {
  while (*link && differs(*link, sequence, symbol)) link = &(*link)->next;
  return link;
}

static void set_thresholds(lane_t *lane) {
  lane->grow_at = lane->buckets < lane->buckets_max ? lane->buckets / BUCKETS_PER_ORDER : UINT32_MAX;
  lane->shrink_at = lane->buckets > BUCKETS_MIN ? lane->buckets / (8 * BUCKETS_PER_ORDER) : 0;
}

static void split(lane_t *lane) {
  const uint32_t added = lane->buckets++;
  if (added > lane->mask) lane->mask = lane->mask << 1 | 1;
  order_t **stay = lane->heads + (added & lane->mask >> 1), **move = lane->heads + added;
  for (order_t *order = *stay; order; order = order->next) {
    order_t ***list = (hash_of(order->sequence) & lane->mask) == added ? &move : &stay;
    **list = order;
    *list = &order->next;
  }
  *stay = *move = 0;
  set_thresholds(lane);
}

static void join(lane_t *lane) {
  const uint32_t last = --lane->buckets;
  order_t **link = lane->heads + (last & lane->mask >> 1);
  while (*link) link = &(*link)->next;
  *link = lane->heads[last];
  lane->heads[last] = 0;
  if (last == (lane->mask >> 1) + 1) lane->mask >>= 1;
  set_thresholds(lane);
}

static int refill(lane_t *lane) {
  if (lane->free) return 1;
  if (lane->live == lane->orders_max) return 0;
  lane->free = lane->fresh++;
  lane->free->next = 0;
  return 1;
}

// ── rows ─────────────────────────────────────────────────────────────────────────────────────────

static int64_t *ranks(const side_t *side) { return (int64_t *)side->rows; }
static payload_t *payloads(const side_t *side) { return (payload_t *)(side->rows + (64 << side->size_class)); }

static char *take_block(lane_t *lane, uint32_t size_class) {
  const uint32_t capacity = 8u << size_class;
  char *block = lane->free_rows[size_class];
  if (block) lane->free_rows[size_class] = *(char **)block;
  else {
    if (lane->rows_end - lane->rows_fresh < 24 * (int64_t)capacity) return 0;
    block = lane->rows_fresh;
    lane->rows_fresh += 24 * capacity;
  }
  memset(block, 0, 24 * capacity);
  for (uint32_t i = 0; i < capacity; i++) ((int64_t *)block)[i] = RANK_NONE;
  return block;
}

static int move_rows(lane_t *lane, side_t *side, uint32_t size_class) {
  char *block = take_block(lane, size_class);
  if (!block) return 0;
  memcpy(block, side->rows, side->count * 8u);
  memcpy(block + (64 << size_class), payloads(side), side->count * 16u);
  *(char **)side->rows = lane->free_rows[side->size_class];
  lane->free_rows[side->size_class] = side->rows;
  side->rows = block;
  side->size_class = (uint16_t)size_class;
  return 1;
}

static void sort_rows(side_t *side) {
  for (uint32_t i = 1; i < side->count; i++) {
    const int64_t rank = ranks(side)[i];
    const payload_t payload = payloads(side)[i];
    uint32_t at = i;
    for (; at && ranks(side)[at - 1] > rank; at--) {
      ranks(side)[at] = ranks(side)[at - 1];
      payloads(side)[at] = payloads(side)[at - 1];
    }
    ranks(side)[at] = rank;
    payloads(side)[at] = payload;
  }
}

static int update_sorted(lane_t *lane, side_t *side, int64_t rank, uint64_t volume, uint64_t orders) {
  uint32_t low = 0, high = side->count;
  while (low < high) {
    const uint32_t middle = (low + high) / 2;
    if (ranks(side)[middle] < rank) low = middle + 1;
    else high = middle;
  }
  if (low == side->count || ranks(side)[low] != rank) {
    if (side->count == 8u << side->size_class && (side->size_class == CLASS_MAX || !move_rows(lane, side, side->size_class + 1))) return 0;
    memmove(ranks(side) + low + 1, ranks(side) + low, (side->count - low) * 8u);
    memmove(payloads(side) + low + 1, payloads(side) + low, (side->count - low) * 16u);
    ranks(side)[low] = rank;
    payloads(side)[low] = (payload_t){volume, 1};
    side->count++;
    return 1;
  }
  payload_t *row = payloads(side) + low;
  if ((int64_t)orders > 0 && row->volume + volume < volume) return 0;
  row->volume += volume;
  row->orders += orders;
  if (row->orders) return 1;
  const uint32_t last = --side->count;
  memmove(ranks(side) + low, ranks(side) + low + 1, (last - low) * 8u);
  memmove(payloads(side) + low, payloads(side) + low + 1, (last - low) * 16u);
  ranks(side)[last] = RANK_NONE;
  payloads(side)[last] = (payload_t){0, 0};
  if (last == (8u << side->size_class) >> 2) move_rows(lane, side, side->size_class - 1u);
  return 1;
}

static int update_level(lane_t *lane, side_t *side, int64_t rank, uint64_t volume, uint64_t orders);

static __attribute__((noinline)) int update_many(lane_t *lane, side_t *side, int64_t rank, uint64_t volume, uint64_t orders) {
  if (!side->rows) return (side->rows = take_block(lane, 0)) != 0 && update_level(lane, side, rank, volume, orders);
  if (side->size_class <= CLASS_SMALL) {
    const int was_small = side->size_class < CLASS_SMALL;
    if (!move_rows(lane, side, side->size_class + 1u)) return 0;
    if (was_small) return update_level(lane, side, rank, volume, orders);
    sort_rows(side);
  }
  return update_sorted(lane, side, rank, volume, orders);
}

static uint32_t equal_ranks(const int64_t *from, int64_t rank) {
  uint32_t found = 0;
  for (int i = 0; i < 8; i++) found |= (uint32_t)(from[i] == rank) << i;
  return found;
}

static inline __attribute__((always_inline)) int update_level(lane_t *lane, side_t *side, int64_t rank, uint64_t volume, uint64_t orders) {
  if (side->size_class > CLASS_SMALL || !side->rows) return update_many(lane, side, rank, volume, orders);
  const uint32_t count = side->count;
  uint32_t found = equal_ranks(ranks(side), rank);
  if (side->size_class) found |= equal_ranks(ranks(side) + 8, rank) << 8;
  const uint32_t index = (uint32_t)__builtin_ctz(found | 1u << count);
  if (index == 8u << side->size_class) return update_many(lane, side, rank, volume, orders);
  payload_t *row = payloads(side) + index;
  const uint64_t new_volume = row->volume + volume, new_orders = row->orders + orders;
  if ((new_volume < volume) & ((int64_t)orders > 0)) return 0;
  const uint32_t gone = new_orders == 0, last = count + (index == count) - 1;
  ranks(side)[index] = rank;
  row->volume = new_volume;
  row->orders = new_orders;
  const uint32_t from = gone ? last : index;
  ranks(side)[index] = ranks(side)[from];
  row->volume = payloads(side)[from].volume;
  row->orders = payloads(side)[from].orders;
  *(gone ? ranks(side) + last : &lane->scratch_rank) = RANK_NONE;
  payload_t *cleared = gone ? payloads(side) + last : &lane->scratch;
  cleared->volume = 0;
  cleared->orders = 0;
  side->count = (uint16_t)(last + 1 - gone);
  return 1;
}

// ── messages ─────────────────────────────────────────────────────────────────────────────────────

static int64_t rank_of(uint64_t price, uint32_t side) { return side ? -(int64_t)price : (int64_t)price; }

static int bad_reason(const processor_t *p, const message_t *m) {
  if (m->symbol >= p->symbols) return BAD_SYMBOL;
  if (m->type - 1u >= 4) return BAD_TYPE;
  if (m->side > 1) return BAD_SIDE;
  return m->price - 1 >= PRICE_LIMIT - 1 ? BAD_PRICE : BAD_VOLUME;
}

static inline __attribute__((always_inline)) int add_or_cancel(lane_t *lane, const message_t *m, book_t *book, int is_add) {
  if (is_add & (!lane->free | (m->sequence <= lane->sequence_max))) {
    if (!refill(lane)) return CAPACITY;
    if (*find_from(head_of(lane, m->sequence), m->sequence, m->symbol)) return DUPLICATE;
  }
  order_t **head = head_of(lane, m->sequence), **from = is_add ? &lane->free : head;
  order_t *order = *from;
  if (!is_add && (!order || differs(order, m->sequence, m->symbol))) {
    from = find_from(head, m->sequence, m->symbol);
    order = *from;
    if (!order) return UNKNOWN;
  }
  const uint64_t place = (uint64_t)(m->symbol << 1 | m->side) << PRICE_BITS;
  const uint64_t where = is_add ? place | m->price : order->where;
  if ((where ^ place) > PRICE_MASK) return OTHER_SIDE;
  const uint64_t volume = is_add ? m->volume : order->volume, sign = is_add ? 1 : (uint64_t)-1;
  if (!update_level(lane, &book->sides[m->side], rank_of(where ^ place, m->side), volume * sign, sign)) return CAPACITY;
  order->sequence = m->sequence;
  order->volume = volume;
  order->where = where;
  order_t **to = is_add ? head : &lane->free;
  *from = order->next;
  order->next = *to;
  *to = order;
  if (m->sequence > lane->sequence_max) lane->sequence_max = m->sequence;
  lane->live += (uint32_t)sign;
  if (lane->live > lane->grow_at) split(lane);
  else if (lane->live < lane->shrink_at) join(lane);
  return 0;
}

static int modify(lane_t *lane, const message_t *m, book_t *book) {
  order_t *order = *find_from(head_of(lane, m->sequence), m->sequence, m->symbol);
  if (!order) return UNKNOWN;
  const uint64_t place = (uint64_t)(m->symbol << 1 | m->side) << PRICE_BITS;
  if ((order->where ^ place) > PRICE_MASK) return OTHER_SIDE;
  side_t *side = &book->sides[m->side];
  if (!update_level(lane, side, rank_of(m->price, m->side), m->volume, 1)) return CAPACITY;
  update_level(lane, side, rank_of(order->where ^ place, m->side), -order->volume, (uint64_t)-1);
  order->where = place | m->price;
  order->volume = m->volume;
  return 0;
}

static inline __attribute__((always_inline)) void apply(processor_t *p, lane_t *lane, const message_t *m) {
  book_t *book = p->books + m->symbol;
  int reason = 0;
  if ((m->symbol >= p->symbols) | (m->type - 1u >= 4) | (m->side > 1) | (m->price - 1 >= PRICE_LIMIT - 1) |
      ((m->volume == 0) & (m->type != CANCEL))) reason = bad_reason(p, m);
  else if (m->type <= CANCEL) reason = add_or_cancel(lane, m, book, m->type == ADD);
  else if (m->type == MODIFY) reason = modify(lane, m, book);
  else {
    book->last_price = m->price;
    book->last_volume = m->volume;
  }
  if (reason) {
    lane->refused[reason]++;
    return;
  }
  book->timestamp = m->timestamp;
  book->applied++;
  lane->applied[m->type]++;
}

static uint32_t process(processor_t *p, lane_t *lane, uint32_t max) {
  const uint32_t start = lane->taken;
  uint32_t total = atomic_load_explicit(&p->published, memory_order_acquire) - start;
  if (total > max) total = max;
  for (uint32_t done = 0; done < total;) {
    const uint32_t count = total - done < ROUND ? total - done : ROUND;
    uint32_t own = 0;
    for (uint32_t i = 0; i < count; i++) {
      const char *at = p->ring + (size_t)((start + done + i) % RING) * MESSAGE;
      lane->list[own] = at;
      own += p->lane_of[((const message_t *)at)->symbol >> 4] == lane->index;
    }
    for (uint32_t i = 0; i < own; i++) {
      const message_t *m = (const message_t *)lane->list[i];
      const side_t *side = &p->books[m->symbol < p->symbols ? m->symbol : 0].sides[m->side & 1];
      __builtin_prefetch(side->rows);
      __builtin_prefetch(side->rows + 64);
      __builtin_prefetch(side->rows + 128);
      __builtin_prefetch(*head_of(lane, m->sequence));
    }
    for (uint32_t i = 0; i < own; i++) apply(p, lane, (const message_t *)lane->list[i]);
    done += count;
    lane->taken = start + done;
    if (done % RELEASE_EVERY == 0) atomic_store_explicit(&lane->released, start + done, memory_order_release);
  }
  atomic_store_explicit(&lane->released, start + total, memory_order_release);
  return total;
}

// ── a run ────────────────────────────────────────────────────────────────────────────────────────

static void *region(size_t bytes) {
  return mmap(0, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
}

static void *help(void *argument) {
  processor_t *p = argument;
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(p->core, &set);
  sched_setaffinity(0, sizeof set, &set);
  atomic_store(&p->ready, 1);
  uint32_t looks = 0;
  while (!atomic_load_explicit(&p->stop, memory_order_relaxed)) {
    if (process(p, &p->lane[1], RING)) looks = 0;
    else if (++looks % 2000 == 0) sched_yield();
  }
  return 0;
}

static uint64_t hashed(uint64_t hash, uint64_t word) {
  const uint64_t mixed = (hash ^ word) * 0x100000001b3ull;
  return mixed ^ mixed >> 32;
}

static uint64_t hash_side(const side_t *side, uint64_t hash) {
  hash = hashed(hash, side->count);
  int64_t below = INT64_MAX;
  for (uint32_t n = 0; n < side->count; n++) {
    uint32_t best = 0;
    int64_t rank = RANK_NONE;
    for (uint32_t i = 0; i < side->count; i++) {
      if (ranks(side)[i] < below && ranks(side)[i] > rank) rank = ranks(side)[best = i];
    }
    below = rank;
    hash = hashed(hash, (uint64_t)(rank < 0 ? -rank : rank));
    hash = hashed(hashed(hash, payloads(side)[best].volume), payloads(side)[best].orders);
  }
  return hash;
}

static uint64_t hash_books(const processor_t *p) {
  uint64_t hash = 0xcbf29ce484222325ull;
  for (uint32_t i = 0; i < p->symbols; i++) {
    const book_t *book = p->books + i;
    hash = hashed(hashed(hash, book->last_price), book->last_volume);
    hash = hash_side(&book->sides[1], hash_side(&book->sides[0], hash));
  }
  return hash;
}

static void receive_all(processor_t *p, const char *messages, uint32_t count) {
  uint32_t next = 0;
  while (next < count) {
    uint32_t chunk = count - next < CHUNK ? count - next : CHUNK;
    for (uint32_t lane = 0; lane < p->lanes; lane++) {
      const uint32_t room = RING - (next - atomic_load_explicit(&p->lane[lane].released, memory_order_acquire));
      if (room < chunk) chunk = room;
    }
    const uint32_t index = next % RING;
    if (chunk > RING - index) chunk = RING - index;
    memcpy(p->ring + (size_t)index * MESSAGE, messages + (size_t)next * MESSAGE, (size_t)chunk * MESSAGE);
    next += chunk;
    atomic_store_explicit(&p->published, next, memory_order_release);
    process(p, &p->lane[0], CHUNK);
  }
  while (process(p, &p->lane[0], RING)) {}
  if (p->lanes > 1) while (atomic_load_explicit(&p->lane[1].released, memory_order_acquire) != count) {}
}

/** Applies the messages with `lanes` threads; `hash` gets the hash of all books. */
double market_data_run(const char *messages, uint32_t count, uint32_t symbols, uint32_t lanes, uint32_t own_share, uint32_t orders_max, uint32_t core, uint64_t *hash) {
  processor_t *p = region(sizeof *p);
  const size_t ring_bytes = (size_t)RING * MESSAGE, book_bytes = sizeof(book_t) * (symbols + 1), rows_bytes = (size_t)symbols * 8 * 192 + (64 << 20);
  *p = (processor_t){.symbols = symbols, .lanes = lanes, .core = core, .ring = region(ring_bytes), .books = region(book_bytes)};
  uint32_t heads = BUCKETS_MIN;
  while (heads < orders_max) heads *= 2;
  for (uint32_t i = 0; i < lanes; i++) {
    lane_t *lane = &p->lane[i];
    lane->index = i;
    lane->orders_max = orders_max;
    lane->buckets = BUCKETS_MIN;
    lane->mask = BUCKETS_MIN - 1;
    lane->buckets_max = heads;
    set_thresholds(lane);
    lane->heads = region((size_t)heads * sizeof *lane->heads);
    lane->orders = lane->fresh = region((size_t)orders_max * sizeof(order_t));
    lane->rows_fresh = region(rows_bytes);
    lane->rows_end = lane->rows_fresh + rows_bytes;
  }
  for (uint32_t group = 0; group < 4096; group++) p->lane_of[group] = lanes > 1 && group % 16 >= own_share && group << 4 < symbols;
  pthread_t helper;
  if (lanes > 1) {
    pthread_create(&helper, 0, help, p);
    while (!atomic_load(&p->ready)) sched_yield();
  }
  struct timespec start, end;
  clock_gettime(CLOCK_MONOTONIC, &start);
  receive_all(p, messages, count);
  clock_gettime(CLOCK_MONOTONIC, &end);
  atomic_store(&p->stop, 1);
  if (lanes > 1) pthread_join(helper, 0);
  *hash = hash_books(p);
  for (uint32_t i = 0; i < lanes; i++) {
    munmap(p->lane[i].heads, (size_t)heads * sizeof(order_t *));
    munmap(p->lane[i].orders, (size_t)orders_max * sizeof(order_t));
    munmap(p->lane[i].rows_end - rows_bytes, rows_bytes);
  }
  munmap(p->ring, ring_bytes);
  munmap(p->books, book_bytes);
  munmap(p, sizeof *p);
  return (double)(end.tv_sec - start.tv_sec) * 1e9 + (double)(end.tv_nsec - start.tv_nsec);
}
