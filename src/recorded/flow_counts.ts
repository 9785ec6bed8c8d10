// Runs the command slots of a flow through the core and counts what comes out.
//
// Reports are what an exchange would send to the owners: every event but those for the public feed
// alone. Standing orders are looked at after every SAMPLE_SLOTS messages, so their peak can be a
// few short.
// Cost: that of the core, and about 5 ns an event.
import { assert } from '../base/assert.ts';
import type { MatchingEngine } from '../book/matching_engine.ts';
import { COMMAND, EVENT, Ev } from '../book/types.ts';

const SAMPLE_SLOTS = 64;

export interface FlowCounts {
  messages: number;
  accepted: number;
  trades: number;
  /** By request, and the rests of immediate orders. */
  canceled: number;
  replaced: number;
  reduced: number;
  rejected: number;
  reports: number;
  standingMean: number;
  standingPeak: number;
}

/**
 * The engine must be fresh, with one instrument that holds the flow's prices; `slots` holds no
 * extended commands.
 */
export function countFlow(slots: Uint8Array, engine: MatchingEngine): FlowCounts {
  assert(slots.length % COMMAND.size === 0, 'slots come whole');
  assert(engine.commandSlotsMax >= SAMPLE_SLOTS, 'the engine takes a batch at once');
  const byType = new Float64Array(Ev.State + 1);
  let counted = engine.eventsWritten();
  const drain = (): void => {
    const end = engine.eventsWritten();
    for (let n = counted; n < end; n++)
      byType[engine.u8[engine.eventBase + (n & engine.eventMask) * EVENT.size]]++;
    counted = end;
    engine.releaseEvents(end);
  };
  engine.onEventsFull = drain;
  const messages = slots.length / COMMAND.size;
  let samples = 0;
  let standingSum = 0;
  let standingPeak = 0;
  for (let from = 0; from < messages; from += SAMPLE_SLOTS) {
    const count = Math.min(SAMPLE_SLOTS, messages - from);
    engine.u8.set(
      slots.subarray(from * COMMAND.size, (from + count) * COMMAND.size),
      engine.commandBase,
    );
    engine.process(count);
    drain();
    const standing = engine.ordersLive;
    samples++;
    standingSum += standing;
    if (standing > standingPeak) standingPeak = standing;
  }
  const [accepted, trades, canceled, replaced, reduced, rejected] = [
    Ev.Accepted,
    Ev.Trade,
    Ev.Canceled,
    Ev.Replaced,
    Ev.Reduced,
    Ev.Rejected,
  ].map((type) => byType[type]);
  return {
    messages,
    accepted,
    trades,
    canceled,
    replaced,
    reduced,
    rejected,
    reports: accepted + trades + canceled + replaced + reduced + rejected,
    standingMean: samples === 0 ? 0 : standingSum / samples,
    standingPeak,
  };
}
