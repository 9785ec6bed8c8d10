// Where the answers to an account's last new orders stand in its outbound log, so that a request that
// comes a second time is answered as it was the first time.
//
//   ids  (u32 low, u32 high)   rising, a ring of ANSWERS_KEPT
//   sequences                  of the answer to each: accepted or rejected
//
// On `soup` the order ids of an account rise strictly and every new order uses its id up, whatever
// the answer; answers come in the order of requests. So the ring is sorted, and a look-up halves it.
// It follows from the messages alone and is the same whenever the same events are told again.
//
// Cost: three stores a new order, ten comparisons a repeated one. Limit: ANSWERS_KEPT; what is older, or
// is not in the log any more, is not found.
import { assert } from '../../base/assert.ts';

/** A client sends again what it had under way when it was cut off: seldom more than a few hundred. 16 KB an account. */
export const ANSWERS_KEPT = 1_024;
const MASK = ANSWERS_KEPT - 1;
assert((ANSWERS_KEPT & MASK) === 0, 'the ring is a power of two');
export const NO_ANSWER = 0;

export class Answers {
  readonly #low = new Uint32Array(ANSWERS_KEPT);
  readonly #high = new Uint32Array(ANSWERS_KEPT);
  readonly #sequences = new Float64Array(ANSWERS_KEPT);
  /** Answers noted, kept or not. */
  #count = 0;

  /** A new order was answered by message `sequence`. An id that is not above all before has its answer already. */
  note(idLo: number, idHi: number, sequence: number): void {
    if (this.#count > 0 && !this.#isBelow((this.#count - 1) & MASK, idLo, idHi)) return;
    const at = this.#count & MASK;
    this.#low[at] = idLo;
    this.#high[at] = idHi;
    this.#sequences[at] = sequence;
    this.#count++;
  }

  /** Number of the message that answered a new order, or NO_ANSWER. */
  find(idLo: number, idHi: number): number {
    let from = Math.max(0, this.#count - ANSWERS_KEPT);
    let to = this.#count;
    while (from < to) {
      const middle = Math.floor((from + to) / 2);
      if (this.#isBelow(middle & MASK, idLo, idHi)) from = middle + 1;
      else to = middle;
    }
    const at = from & MASK;
    const found = from < this.#count && this.#low[at] === idLo && this.#high[at] === idHi;
    return found ? this.#sequences[at] : NO_ANSWER;
  }

  /** Ids and sequences of those kept, the oldest first; for a snapshot. */
  save(): Float64Array {
    const from = Math.max(0, this.#count - ANSWERS_KEPT);
    const saved = new Float64Array((this.#count - from) * 3);
    for (let i = from; i < this.#count; i++) {
      const at = i & MASK;
      saved.set([this.#low[at], this.#high[at], this.#sequences[at]], (i - from) * 3);
    }
    return saved;
  }

  restore(saved: Float64Array): void {
    assert(this.#count === 0, 'answers are restored before any is noted');
    for (let i = 0; i < saved.length; i += 3) this.note(saved[i], saved[i + 1], saved[i + 2]);
  }

  #isBelow(at: number, idLo: number, idHi: number): boolean {
    return this.#high[at] < idHi || (this.#high[at] === idHi && this.#low[at] < idLo);
  }
}
