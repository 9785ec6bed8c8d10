// The writing side of the log in C, over the same memory: level, claim, time, site, three numbers, publish. See
// src/observe/log/log_layout.ts and src/base/ring_buffer.ts for the layout. Called once a batch.
#include <stdint.h>

enum { LEAST = 2, LOST = 2, RING_AT = 128 + 32768, PUBLISHED = 128, RELEASED = 256, SLOTS_AT = 384, SLOT = 64 };

struct state {
  uint32_t claimed, released_seen, sequence;
};

/* Each call goes through a function that is not inlined, as a call site's would. */
static __attribute__((noinline)) void say3(uint8_t *memory, struct state *state, int level, uint32_t site, double time,
                                           double a, double b, double c) {
  const int32_t *header = (const int32_t *)memory;
  if (level < header[LEAST]) return;
  uint8_t *ring = memory + RING_AT;
  const uint32_t slots = ((const uint32_t *)ring)[2];
  state->sequence++;
  if (state->claimed - state->released_seen == slots) {
    state->released_seen = __atomic_load_n((uint32_t *)(ring + RELEASED), __ATOMIC_ACQUIRE);
    if (state->claimed - state->released_seen == slots) {
      ((double *)memory)[LOST] += 1;
      return;
    }
  }
  uint8_t *slot = ring + SLOTS_AT + (state->claimed++ & (slots - 1)) * SLOT;
  ((double *)slot)[0] = time;
  ((uint32_t *)slot)[2] = site | 3u << 16;
  ((uint32_t *)slot)[3] = state->sequence;
  ((double *)slot)[2] = a;
  ((double *)slot)[3] = b;
  ((double *)slot)[4] = c;
  __atomic_store_n((uint32_t *)(ring + PUBLISHED), state->claimed, __ATOMIC_RELEASE);
}

/* `count` records with the numbers first, first + 1, …; `kept`: the state between calls. */
void log_batch(uint8_t *memory, uint32_t *kept, uint32_t count, uint32_t first, uint32_t site, double time) {
  struct state *state = (struct state *)kept;
  for (uint32_t i = 0; i < count; i++) say3(memory, state, 3, site, time, first + i, 2, 3);
}
