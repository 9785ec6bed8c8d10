// A pool of 64-byte records with a free list, as core/memory/slot_pool.ts has it, and the loop of core/bench/loops.ts over it.
#include <stdint.h>

enum { LIVE = 16, STRIDE = 5, RECORDS = 1024 };

typedef struct record { uint64_t id; struct record *next; uint32_t ext; char rest[44]; } record_t;

static record_t records[RECORDS];
static struct { record_t *free, *fresh; uint32_t live; } pool = { 0, records, 0 };

static record_t *take(void) {
  record_t *record = pool.free;
  pool.live++;
  if (!record) return pool.fresh++;
  pool.free = record->next;
  return record;
}

static void give(record_t *record) {
  record->id = 0;
  record->next = pool.free;
  pool.free = record;
  pool.live--;
}

double pool_run(uint32_t rounds) {
  record_t *volatile list[LIVE];
  uint64_t sum = 0;
  for (uint32_t round = 0; round < rounds; round++) {
    for (uint32_t i = 0; i < LIVE; i++) {
      record_t *record = take();
      record->id = (uint64_t)round + i + 1;
      record->ext = 0;
      list[i] = record;
    }
    for (uint32_t i = 0; i < LIVE; i++) {
      record_t *record = list[i * STRIDE % LIVE];
      sum += record->id;
      give(record);
    }
  }
  return (double)sum;
}
