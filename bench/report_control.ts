// What matching thread and report consumer say to each other besides reports.
import { EVENT_TYPES } from './event_checksum.ts';

/** Cores of the two threads: left to itself, a system with few cores keeps both on one for seconds at a time. */
export const MATCHING_CORE = 0;
export const CONSUMER_CORE = 1;

/** Words of the control block; Nap stays 0, nobody is woken by it. */
export const Control = { State: 0, Complete: 1, Total: 2, Checksum: 3, Nap: 4, Types: 5 } as const;
export const CONTROL_WORDS = Control.Types + EVENT_TYPES;

/** Looks in a row that found nothing before a thread gives its core away: some 20 µs. */
const SPINS_MAX = 200;
const NAP_MS = 0.05;

/**
 * Waits for another thread, `turn` counting the looks so far. It spins, since the other one is usually about to answer; but
 * where the two have to share a core, or others want it too, spinning for a whole time slice would be all that happens.
 */
export function backOff(control: Int32Array, turn: number): void {
  if (turn > SPINS_MAX) Atomics.wait(control, Control.Nap, 0, NAP_MS);
}

/** Idle → Start (matching thread) → Running → Idle (consumer); Stop ends the consumer. */
export const State = { Idle: 0, Start: 1, Running: 2, Stop: 3 } as const;

export interface ConsumerData {
  memory: WebAssembly.Memory;
  control: Int32Array;
  eventsAddress: number;
  eventSlots: number;
  publishedIndex: number;
  releasedIndex: number;
}
