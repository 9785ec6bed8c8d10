// Event ring of the core (core/memory/event_ring.ts), producer's side: 64-byte slots.
#ifndef EVENT_RING_H
#define EVENT_RING_H

#include <stdatomic.h>
#include "records.h"

enum { PUBLISH_EVERY = 256, PLAIN_EVENTS_MAX = 2, PLAIN_EVENTS_RESERVED = 32 };

/** What the consumer may read, and what it has given back; a line each. */
static _Alignas(64) _Atomic u32 published;
static _Alignas(64) _Atomic u32 released;

/** Called when the ring is full in the middle of a command; must release before it returns. */
static void on_events_full(void);

RARE void make_room(u32 needed) {
  const u32 slots = h.event_mask + 1;
  h.events_credit = atomic_load(&released) + slots;
  while (h.events_credit - h.events_written < needed) {
    atomic_store(&published, h.events_written);
    on_events_full();
    h.events_credit = atomic_load(&released) + slots;
  }
}

/** Room for a round of plain commands, so that writing their events needs no test. */
INLINE void reserve_events(void) {
  if (h.events_credit - h.events_written < PLAIN_EVENTS_RESERVED) make_room(PLAIN_EVENTS_RESERVED);
}

/** The next slot, after reserve_events. */
INLINE Event *claim_reserved(void) {
  const u32 written = h.events_written;
  h.events_written = written + 1;
  return AT(Event, h.event_base) + (written & h.event_mask);
}

/** The next slot anywhere else. */
INLINE Event *claim_event(void) {
  if (h.events_credit == h.events_written) make_room(1);
  return claim_reserved();
}

INLINE void publish_some(void) {
  const u32 written = h.events_written;
  if (written - atomic_load_explicit(&published, memory_order_relaxed) >= PUBLISH_EVERY) {
    atomic_store(&published, written);
  }
}

/** The event's first eight bytes. */
INLINE u64 event_head(u32 type, i32 side, u32 flags, u32 reason, u32 book, u32 op, u32 order_type) {
  const u32 low = type | ((u32)side & 255) << 8 | flags << 16 | reason << 24;
  const u32 high = book | op << 16 | order_type << 24;
  return (u64)high << 32 | low;
}

#endif
