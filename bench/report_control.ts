// What matching thread and report consumer say to each other besides reports.
import { EVENT_TYPES } from './event_checksum.ts';

/** Words of the control block. */
export const Control = { State: 0, Complete: 1, Total: 2, Checksum: 3, Types: 4 } as const;
export const CONTROL_WORDS = Control.Types + EVENT_TYPES;

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
