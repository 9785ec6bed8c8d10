// How far a stream may be told: each turn notes up to where it was written and which record of the
// journal that rests on; when the record is safe, so much may leave.
//
//   note(position, sequence) ─► ring of pairs, both rising ─► release(safe sequence) ─► below
//
// A stream is a client's responses, or the feed. Without a journal there is none of these.
// Cost: two stores a turn in which the stream grew, two loads a release. Limit: HELD_MAX notes; with
// more under way the last one is moved, so that what it held is told a little later, never earlier.
import { assert } from '../base/assert.ts';

/** Turns under way: a sync of 5 ms covers some fifty busy turns. */
const HELD_MAX = 64;
const MASK = HELD_MAX - 1;
assert((HELD_MAX & MASK) === 0, 'the ring is a power of two');

export class Held {
  // In typed arrays: number fields beyond 2^30 would be boxed anew each time.
  readonly #positions = new Float64Array(HELD_MAX);
  readonly #sequences = new Float64Array(HELD_MAX);
  /** 0: below it everything may leave. 1: up to where it has been noted. */
  readonly #at: Float64Array;
  #head = 0;
  #count = 0;

  /** Everything below `position` is safe. */
  constructor(position: number) {
    this.#at = Float64Array.of(position, position);
  }

  /** Positions below may leave. */
  get below(): number {
    return this.#at[0];
  }

  /** Nothing is held back. */
  get isFree(): boolean {
    return this.#count === 0;
  }

  /** Everything below `position` rests on records up to `sequence`. */
  note(position: number, sequence: number): void {
    if (position === this.#at[1]) return;
    this.#at[1] = position;
    if (this.#count === HELD_MAX) this.#count--;
    const i = (this.#head + this.#count) & MASK;
    this.#positions[i] = position;
    this.#sequences[i] = sequence;
    this.#count++;
  }

  /** Records up to `sequence` are safe. */
  release(sequence: number): void {
    while (this.#count > 0 && this.#sequences[this.#head] <= sequence) {
      this.#at[0] = this.#positions[this.#head];
      this.#head = (this.#head + 1) & MASK;
      this.#count--;
    }
  }
}
