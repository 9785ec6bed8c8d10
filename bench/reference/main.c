// The core's data structure in C, as a program that the benchmark runs beside the core.
//
//   order_book COMMANDS ordersMax levelsMax minPrice maxPrice eventSlots batch ackReplaceLast fill lookAhead fill
//
// COMMANDS is a file of 32-byte command slots for book 0, of which the first `fill` are not timed. Each
// line on stdin asks for one repetition on an empty book and is answered by one line of JSON on stdout,
// so that repetitions here and in the core can alternate:
//   run     the flow, timed: {"ns", "events", "hash"}
//   verify  the flow with every event read: {"events", "checksum", "types", "hash"}
// hash is the public hash of docs/MATCHING.md of the final book, checksum covers all bytes of all events.
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include "matching.h"

static u32 arena;
static struct {
  u32 orders_max, levels_max, event_slots, batch, ack_replace_last, fill;
  i32 min_price, max_price;
} options;

// ---- consumer of the events: counts and checks ----

static int verifying;
static u32 consumed;
enum { LANES = 8 };
static u32 lanes[LANES];
static u64 type_counts[EV_TYPES];

static void consume(void) {
  const u32 written = h.events_written;
  if (verifying) {
    for (; consumed != written; consumed++) {
      const Event *event = AT(Event, h.event_base) + (consumed & h.event_mask);
      type_counts[event->head & 255] += 1;
      const u32 *words = (const u32 *)event;
      for (u32 i = 0; i < LANES; i++) lanes[i] = (lanes[i] ^ words[i]) * 0x9e3779b1u + words[i + LANES];
    }
  }
  consumed = written;
  atomic_store(&released, written);
}

static void on_events_full(void) { consume(); }

static u32 checksum(void) {
  u32 sum = 0;
  for (u32 i = 0; i < LANES; i++) sum = (sum ^ lanes[i]) * 0x9e3779b1u;
  return sum;
}

// ---- memory ----

static u32 region(u32 *at, u64 bytes) {
  const u32 start = (*at + 255) & ~255u;
  *at = start + (u32)bytes;
  return start;
}

enum { HEADS_NEAR = 1 << 17, BUCKETS_MIN = 1024, BLOCKS_MAX = 128, NODES_MAX = 256 };

static void lay_out(u32 base, u32 *end) {
  u32 at = base;
  u32 buckets_max = 1;
  while (buckets_max * 2 <= options.orders_max || (buckets_max * 2 <= HEADS_NEAR && buckets_max * 2 <= 4 * options.orders_max)) {
    buckets_max <<= 1;
  }
  memset(&h, 0, sizeof h);
  h.books = region(&at, sizeof(Book));
  h.book_count = 1;
  h.levels = region(&at, (u64)options.levels_max * sizeof(Level));
  h.levels_max = options.levels_max;
  h.level_stack = region(&at, (u64)(options.levels_max + 1) * 4) + 4;
  h.block_fresh = region(&at, BLOCKS_MAX * sizeof(Block));
  h.blocks_end = h.block_fresh + BLOCKS_MAX * sizeof(Block);
  h.node_fresh = region(&at, NODES_MAX * sizeof(Node));
  h.nodes_end = h.node_fresh + NODES_MAX * sizeof(Node);
  h.heads = region(&at, (u64)buckets_max * 4);
  h.buckets_max = buckets_max;
  h.orders = h.order_fresh = region(&at, (u64)options.orders_max * sizeof(Order));
  h.orders_max = options.orders_max;
  h.event_base = region(&at, (u64)options.event_slots * sizeof(Event));
  *end = at;
}

/** An empty book in memory that has been touched before, so that no repetition pays for page faults. */
static void reset(void) {
  u32 end;
  lay_out(arena, &end);
  memset(AT(void, arena), 0, end - arena);
  h.stp_default = STP_NONE;
  h.ack_replace_last = options.ack_replace_last;
  h.buckets_min = h.buckets = BUCKETS_MIN;
  h.bucket_mask = BUCKETS_MIN - 1;
  set_thresholds();
  h.event_mask = options.event_slots - 1;
  h.events_credit = options.event_slots;
  Book *book = AT(Book, h.books);
  book->min_price = options.min_price;
  book->max_price = options.max_price;
  book->price_span = (u32)options.max_price - (u32)options.min_price;
  // Lowest addresses on top of the stack.
  h.level_stack_top = h.level_stack + (h.levels_max << 2);
  for (u32 i = 0; i < h.levels_max; i++) {
    const u32 level = h.levels + (h.levels_max - 1 - i) * sizeof(Level);
    AT(Level, level)->link = (Link){level, level};
    AT(u32, h.level_stack)[i] = level;
  }
  consumed = 0;
  memset(lanes, 0, sizeof lanes);
  memset(type_counts, 0, sizeof type_counts);
  atomic_store(&published, 0);
  atomic_store(&released, 0);
}

// ---- hash of the book ----

static u64 mix(u64 hash, u64 value) {
  const u64 x = (hash ^ value) * 0x9e3779b97f4a7c15ull;
  return x ^ (x >> 32);
}

static u64 public_hash(void) {
  u64 hash = 0xcbf29ce484222325ull;
  Book *book = AT(Book, h.books);
  int first = 1;
  for (u32 kind = LADDER_BIDS; kind <= LADDER_ASKS; kind++) {
    for (const Level *level = best_level(&book->ladders[kind]); level; level = next_level(level)) {
      for (u32 at = level->link.next; at != ADDRESS(level); at = AT(Order, at)->link.next) {
        const Order *order = AT(Order, at);
        if (first) hash = mix(hash, book->index);
        first = 0;
        hash = mix(hash, order->order_id);
        hash = mix(hash, (u64)(int64_t)level_price(level));
        hash = mix(hash, order->qty);
        hash = mix(hash, order->priority);
      }
    }
  }
  return hash;
}

// ---- repetitions ----

static u64 now_ns(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (u64)t.tv_sec * 1000000000ull + (u64)t.tv_nsec;
}

static u64 replay(const Command *commands, u64 count) {
  const u64 start = now_ns();
  for (u64 done = 0; done < count;) {
    const u64 left = count - done;
    const u32 slots = left < options.batch ? (u32)left : options.batch;
    process(commands + done, slots);
    consume();
    done += slots;
  }
  return now_ns() - start;
}

static int fail(const char *what) {
  perror(what);
  return 1;
}

int main(int argc, char **argv) {
  if (argc != 11) {
    fprintf(stderr, "usage: %s COMMANDS ordersMax levelsMax minPrice maxPrice eventSlots batch ackReplaceLast fill lookAhead\n",
      argv[0]);
    return 2;
  }
  options.orders_max = (u32)strtoul(argv[2], NULL, 10);
  options.levels_max = (u32)strtoul(argv[3], NULL, 10);
  options.min_price = (i32)strtol(argv[4], NULL, 10);
  options.max_price = (i32)strtol(argv[5], NULL, 10);
  options.event_slots = (u32)strtoul(argv[6], NULL, 10);
  options.batch = (u32)strtoul(argv[7], NULL, 10);
  options.ack_replace_last = (u32)strtoul(argv[8], NULL, 10);
  options.fill = (u32)strtoul(argv[9], NULL, 10);
  look_ahead = (u32)strtoul(argv[10], NULL, 10);

  const int file = open(argv[1], O_RDONLY);
  struct stat status;
  if (file < 0 || fstat(file, &status) != 0) return fail(argv[1]);
  const u64 count = (u64)status.st_size / sizeof(Command);
  const Command *commands = mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_PRIVATE | MAP_POPULATE, file, 0);
  if (commands == MAP_FAILED) return fail("mmap of the commands");

  u32 bytes;
  lay_out(0, &bytes);
  void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
  if (memory == MAP_FAILED) return fail("mmap of the engine");
  arena = ADDRESS(memory);

  char line[64];
  while (fgets(line, sizeof line, stdin)) {
    reset();
    if (strcmp(line, "run\n") == 0) {
      verifying = 0;
      replay(commands, options.fill);
      const u64 ns = replay(commands + options.fill, count - options.fill);
      printf("{\"ns\":%llu,\"events\":%u,\"hash\":\"%016llx\"}\n", (unsigned long long)ns, h.events_written,
        (unsigned long long)public_hash());
    } else if (strcmp(line, "verify\n") == 0) {
      verifying = 1;
      replay(commands, count);
      printf("{\"events\":%u,\"checksum\":%u,\"types\":[", h.events_written, checksum());
      for (u32 i = 0; i < EV_TYPES; i++) printf(i ? ",%llu" : "%llu", (unsigned long long)type_counts[i]);
      printf("],\"hash\":\"%016llx\"}\n", (unsigned long long)public_hash());
    } else {
      fprintf(stderr, "expected run or verify, was %s", line);
      return 2;
    }
    fflush(stdout);
  }
  return 0;
}
