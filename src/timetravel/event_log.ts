// Everything that the engine said of a tape, 64 bytes an event (book/types.ts, EVENT), found by number and by input.
//
//   chunk 0: event 0 │ event 1 │ … │ event 16,383      chunk 1: …
//   firstOf   of each input its first event, and one behind the last
//
// In chunks, so that it grows without being copied. Limit: EVENTS_MAX.
import { decodeEvent } from '../book/matching_engine.ts';
import { EVENT, type EngineEvent } from '../book/types.ts';

const CHUNK_SHIFT = 14;
const CHUNK_EVENTS = 1 << CHUNK_SHIFT;
const CHUNK_MASK = CHUNK_EVENTS - 1;
/** 384 MB. */
export const EVENTS_MAX = 6 << 20;

export class EventLog {
  count = 0;
  /** Length: inputs + 1; filled as far as inputs have ended. */
  readonly firstOf: Uint32Array;
  readonly #chunks: DataView[] = [];

  constructor(inputs: number) {
    this.firstOf = new Uint32Array(inputs + 1);
  }

  /** Copies the event that stands at `at`. False: there is no room. */
  append(u8: Uint8Array, at: number): boolean {
    if (this.count === EVENTS_MAX) return false;
    if ((this.count & CHUNK_MASK) === 0) this.#chunks.push(new DataView(new ArrayBuffer(CHUNK_EVENTS * EVENT.size)));
    const chunk = this.#chunks[this.count >> CHUNK_SHIFT];
    const to = (this.count & CHUNK_MASK) * EVENT.size;
    new Uint8Array(chunk.buffer, to, EVENT.size).set(u8.subarray(at, at + EVENT.size));
    this.count += 1;
    return true;
  }

  /** Everything appended so far belongs to inputs before `input` + 1. */
  endOf(input: number): void {
    this.firstOf[input + 1] = this.count;
  }

  typeOf(event: number): number {
    return this.#chunks[event >> CHUNK_SHIFT].getUint8((event & CHUNK_MASK) * EVENT.size);
  }

  sideOf(event: number): number {
    return this.#chunks[event >> CHUNK_SHIFT].getInt8((event & CHUNK_MASK) * EVENT.size + EVENT.side);
  }

  u32(event: number, offset: number): number {
    return this.#chunks[event >> CHUNK_SHIFT].getUint32((event & CHUNK_MASK) * EVENT.size + offset, true);
  }

  i32(event: number, offset: number): number {
    return this.#chunks[event >> CHUNK_SHIFT].getInt32((event & CHUNK_MASK) * EVENT.size + offset, true);
  }

  decode(event: number): EngineEvent {
    return decodeEvent(this.#chunks[event >> CHUNK_SHIFT], (event & CHUNK_MASK) * EVENT.size);
  }

  /** Those of one input, in order. */
  *of(input: number): Generator<EngineEvent> {
    for (let event = this.firstOf[input]; event < this.firstOf[input + 1]; event++) yield this.decode(event);
  }
}
