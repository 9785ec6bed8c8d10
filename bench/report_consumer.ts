// The thread that takes the engine's reports: reads every one out of the shared ring and checksums it.
//
// It works while `control` says RUN and sleeps between repetitions. Polling has a price that the
// *matching* thread pays: each look at the published cursor takes that cache line away from it, so after
// a look that found little the consumer pauses before the next one.
import { workerData } from 'node:worker_threads';
import { EVENT_TYPES, EventChecksum } from './event_checksum.ts';
import { pinTo } from './pin.ts';
import { CONSUMER_CORE, Control, State, backOff, type ConsumerData } from './report_control.ts';

/** Events that make a look worthwhile; with fewer than this the consumer pauses first. */
const EVENTS_WORTHWHILE = 64;
/** Turns of an empty loop: some 100 ns. */
const PAUSE_TURNS = 200;

const { memory, control, eventsAddress, eventSlots, publishedIndex, releasedIndex } = workerData as ConsumerData;
const words = new Int32Array(memory.buffer);
const checksum = new EventChecksum(words, eventsAddress, eventSlots);

pinTo(CONSUMER_CORE);

let turns = 0;
function pause(): void {
  for (let i = 0; i < PAUSE_TURNS; i++) turns = (turns + i) | 0;
}

/** Reads until everything of this repetition has been read. */
function consumeAll(): void {
  let cursor = 0;
  let idle = 0;
  for (;;) {
    const published = Atomics.load(words, publishedIndex);
    const found = (published - cursor) | 0;
    if (found > 0) {
      checksum.read(cursor, published);
      cursor = published;
      Atomics.store(words, releasedIndex, cursor);
      idle = 0;
    } else if (Atomics.load(control, Control.Complete) === 1 && cursor === Atomics.load(control, Control.Total)) {
      return;
    }
    if (found < EVENTS_WORTHWHILE) pause();
    backOff(control, idle++);
  }
}

for (;;) {
  Atomics.wait(control, Control.State, State.Idle);
  if (Atomics.load(control, Control.State) === State.Stop) break;
  checksum.reset();
  Atomics.store(control, Control.State, State.Running);
  consumeAll();
  Atomics.store(control, Control.Checksum, checksum.value() | 0);
  for (let type = 0; type < EVENT_TYPES; type++) Atomics.store(control, Control.Types + type, checksum.types[type]);
  Atomics.store(control, Control.State, State.Idle);
}
