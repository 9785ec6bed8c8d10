// Two threads and two rings of lines in C: a 32-byte command there, an event back, nothing matched. What a request and its answer
// between threads cost on this machine; loops, layout and clock are those of request_response_loops.ts:
//
//   line   words 0 … 14: the message │ word 15: its number, written last        (64 bytes, a cache line)
//
// Whoever waits looks at the number of the next line, so a message is one move of a line from core to core.
#define _GNU_SOURCE
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdint.h>
#include <string.h>
#include <time.h>
#if defined(__x86_64__)
#include <x86intrin.h>
#endif

/* Requests under way at most; looks in a row after which it is asked whether all is well, and the core is left to others. */
enum { SLOTS = 1024, COMMAND_WORDS = 8, EVENT_WORDS = 15, LOOKS = 32, LOOKS_MAX = 1 << 12 };

typedef struct {
  _Alignas(64) uint32_t words[EVENT_WORDS];
  _Atomic uint32_t number;
} line_t;
_Static_assert(sizeof(line_t) == 64, "a message is a cache line");

static struct {
  _Alignas(128) line_t requests[SLOTS];
  _Alignas(128) line_t answers[SLOTS];
  _Alignas(128) _Atomic int stop, ready;
  int core;
  double ns_per_tick;
} shared;

/* The time-stamp counter where ours reads it, else the system's clock. */
static double now(void) {
#if defined(__x86_64__)
  if (shared.ns_per_tick > 0) return (double)__rdtsc() * shared.ns_per_tick;
#endif
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec * 1e9 + (double)time.tv_nsec;
}

/* Publishes the line: its words before its number. */
static void tell(line_t *line, uint32_t number) {
  atomic_store_explicit(&line->number, number, memory_order_release);
}

static int is_there(const line_t *line, uint32_t number) {
  return atomic_load_explicit(&line->number, memory_order_acquire) == number;
}

static void *answer(void *argument) {
  (void)argument;
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(shared.core, &set);
  sched_setaffinity(0, sizeof set, &set);
  atomic_store(&shared.ready, 1);
  for (uint32_t done = 0, looks = 0;;) {
    const line_t *request = shared.requests + done % SLOTS;
    if (!is_there(request, done + 1)) {
      if (++looks % LOOKS != 0) continue;
      if (atomic_load_explicit(&shared.stop, memory_order_relaxed)) return 0;
      if (looks % LOOKS_MAX == 0) sched_yield();
      continue;
    }
    line_t *event = shared.answers + done % SLOTS;
    memcpy(event->words, request->words, COMMAND_WORDS * 4);
    memset(event->words + COMMAND_WORDS, 0, (EVENT_WORDS - COMMAND_WORDS) * 4);
    tell(event, ++done);
    looks = 0;
  }
}

static void request(uint32_t n) {
  line_t *line = shared.requests + n % SLOTS;
  for (int i = 0; i < COMMAND_WORDS; i++) line->words[i] = n;
  tell(line, n + 1);
}

/* Answers that are there beyond `answered`; 2^32 - 1 when one is wrong. */
static uint32_t read_answers(uint32_t answered) {
  uint32_t n = answered;
  for (; is_there(shared.answers + n % SLOTS, n + 1); n++) if (shared.answers[n % SLOTS].words[0] != n) return UINT32_MAX;
  return n - answered;
}

/* `requests` requests, `interval` ns apart (0: each when the last one is answered); 0, or how many answers were wrong.
   `ns_per_tick` of the time-stamp counter; 0: there is none to use. */
int round_trip_run(uint32_t requests, double interval, int core, double ns_per_tick, double *samples) {
  memset(&shared, 0, sizeof shared);
  shared.core = core;
  shared.ns_per_tick = ns_per_tick;
  pthread_t thread;
  pthread_create(&thread, 0, answer, 0);
  while (!atomic_load(&shared.ready)) sched_yield();
  int wrong = 0;
  const double start = now() + interval;
  for (uint32_t sent = 0, answered = 0, looks = 0; answered < requests;) {
    const double before = now();
    if (interval == 0) request(sent++);
    else while (sent < requests && sent * interval <= before - start && sent - answered < SLOTS) request(sent++);
    uint32_t answers = 0;
    do {
      answers = read_answers(answered);
      if (!answers && ++looks % LOOKS_MAX == 0) sched_yield();
    } while (!answers && interval == 0);
    if (answers == UINT32_MAX) { wrong = 1; break; }
    if (!answers) continue;
    const double after = now();
    for (const uint32_t end = answered + answers; answered < end; answered++) samples[answered] = interval == 0 ? after - before : after - start - answered * interval;
  }
  atomic_store(&shared.stop, 1);
  pthread_join(thread, 0);
  return wrong;
}
