// Two threads and two cursors in C: a 32-byte command there, a 64-byte event back, nothing matched. What a request and its answer
// between threads cost on this machine; the loops are those of request_response_loops.ts.
#define _GNU_SOURCE
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdint.h>
#include <string.h>
#include <time.h>

enum { COMMANDS = 1024, EVENTS = 16384, LOOKS_MAX = 1 << 12 };

typedef struct { uint64_t words[4]; } command_t;
typedef struct { uint64_t words[8]; } event_t;

static command_t commands[COMMANDS];
static event_t events[EVENTS];
static struct {
  _Alignas(128) _Atomic uint32_t requested;
  _Alignas(128) _Atomic uint32_t published;
  _Alignas(128) _Atomic int stop, ready;
  int core;
} shared;

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec * 1e9 + (double)time.tv_nsec;
}

static void *answer(void *argument) {
  (void)argument;
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(shared.core, &set);
  sched_setaffinity(0, sizeof set, &set);
  atomic_store(&shared.ready, 1);
  uint32_t done = 0, looks = 0;
  while (!atomic_load_explicit(&shared.stop, memory_order_relaxed)) {
    const uint32_t requested = atomic_load_explicit(&shared.requested, memory_order_acquire);
    if (requested == done) {
      if (++looks % LOOKS_MAX == 0) sched_yield();
      continue;
    }
    for (; done != requested; done++) {
      event_t *event = events + done % EVENTS;
      memcpy(event->words, commands[done % COMMANDS].words, sizeof(command_t));
      memset(event->words + 4, 0, 32);
    }
    atomic_store_explicit(&shared.published, done, memory_order_release);
  }
  return 0;
}

static void request(uint32_t n) {
  commands[n % COMMANDS] = (command_t){{n, n, n, n}};
  atomic_store_explicit(&shared.requested, n + 1, memory_order_release);
}

/** Answers that are there beyond `answered`; 2^32 - 1 when one is wrong. */
static uint32_t read_answers(uint32_t answered) {
  const uint32_t published = atomic_load_explicit(&shared.published, memory_order_acquire);
  for (uint32_t n = answered; n != published; n++) if (events[n % EVENTS].words[0] != n) return UINT32_MAX;
  return published - answered;
}

/** `requests` requests, `interval` ns apart (0: each when the last one is answered); 0, or how many answers were wrong. */
int round_trip_run(uint32_t requests, double interval, int core, double *samples) {
  memset(&shared, 0, sizeof shared);
  shared.core = core;
  pthread_t thread;
  pthread_create(&thread, 0, answer, 0);
  while (!atomic_load(&shared.ready)) sched_yield();
  int wrong = 0;
  const double start = now() + interval;
  for (uint32_t sent = 0, answered = 0, looks = 0; answered < requests;) {
    const double before = now();
    if (interval == 0) request(sent++);
    else while (sent < requests && sent * interval <= before - start && sent - answered < COMMANDS) request(sent++);
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
