// Many producers, one consumer: the reading side of mpmc_queue.ts at half the cost.
//
// Memory and producers are those of MpmcQueue: `initializeQueue` lays it out, every producer is an MpmcQueue, and
// a queue may at different times have one consumer of this kind or several of that. What is saved:
//
//   take      no race for the cursor: it is this side's alone, and a plain store tells the others how far it is
//   release   slots are given back in portions, like a batch: plain stores from the last to the first, and one
//             atomic store for the first, before which no producer looks at the others
//
// A portion is an eighth of the queue; what is less goes back when `take` has found nothing MPSC_LOOKS_MAX times
// on end. So "full" may come up to an eighth early, and does not last.
//
// Order and everything else as there. A consumer that dies leaves the slots that it had not given back; made with
// an owner number, `disown` frees them.
//
// Cost: one atomic load a record: half of what a single take and release of MpmcQueue cost, as much as its batches of 16
// with nothing to keep in mind. Between two threads, where moving the cache line decides, there is no difference. No
// allocation. Figures: `outcry bench queue`.
// What was tried: a consumer that never writes into slots, with a cursor of releases that producers compare with. Between
// two threads it was half as fast: lines that both cores have read cost the producer more to write than those that the
// consumer has written last.
// Limits: one consumer, which nothing here can check: a second one, of either kind, corrupts the queue.
import { HOLDER_TAKEN, HOLDER_VOID, QUEUE_EMPTY, QUEUE_OWNER_NONE, QueueLayout, SLOT_HEADER_WORDS } from './mpmc_queue.ts';

/** Slots that may wait to be given back: this part of the queue. */
const UNTOLD_DIVISOR = 8;
/** Looks in vain, one after the other, before the rest of a portion is given back. */
export const MPSC_LOOKS_MAX = 64;

export class MpscConsumer {
  readonly slots: number;
  /** Payload bytes. */
  readonly slotBytes: number;
  readonly #words: Int32Array;
  readonly #claimedWord: number;
  readonly #takenWord: number;
  readonly #slotsWord: number;
  readonly #strideWords: number;
  readonly #mask: number;
  readonly #untoldMax: number;
  readonly #holder: number; // what a slot says while this side has it
  #taken: number; // cursor after the last slot taken
  #released: number; // … after the last one released
  #told: number; // … after the last one given back
  #looks = 0; // in vain, one after the other

  /** Attaches to the queue that was laid out at `offset`. */
  constructor(buffer: ArrayBuffer | SharedArrayBuffer, offset: number, owner: number = QUEUE_OWNER_NONE) {
    const layout = new QueueLayout(buffer, offset, owner);
    this.slots = layout.slots;
    this.slotBytes = layout.slotBytes;
    this.#words = layout.words;
    this.#claimedWord = layout.claimedWord;
    this.#takenWord = layout.takenWord;
    this.#slotsWord = layout.slotsWord;
    this.#strideWords = layout.strideWords;
    this.#mask = layout.slots - 1;
    this.#untoldMax = Math.max(1, layout.slots / UNTOLD_DIVISOR);
    this.#holder = owner | HOLDER_TAKEN;
    this.#taken = Atomics.load(this.#words, this.#takenWord);
    this.#released = this.#taken;
    this.#told = this.#taken;
  }

  /** Byte offset in the buffer of the oldest record, to be read before `release`; QUEUE_EMPTY when there is none. */
  take(): number {
    const words = this.#words;
    for (;;) {
      const taken = this.#taken;
      const word = this.#wordOf(taken);
      if (Atomics.load(words, word) !== (taken << 1) + 1) {
        this.#looks += 1;
        if (this.#looks >= MPSC_LOOKS_MAX && this.#told !== this.#released) this.#tell();
        return QUEUE_EMPTY;
      }
      this.#looks = 0;
      this.#taken = (taken + 1) | 0;
      words[this.#takenWord] = this.#taken;
      const isVoid = words[word + 1] === HOLDER_VOID;
      words[word + 1] = this.#holder;
      if (!isVoid) return (word + SLOT_HEADER_WORDS) * 4;
      if (this.#released === taken) this.release(); // nothing is held: the void slot goes back by itself
    }
  }

  /** Gives up every record taken. Producers have the slots when a portion is full, or when there is nothing more to take. */
  release(): void {
    this.#released = this.#taken;
    if (((this.#released - this.#told) | 0) >= this.#untoldMax) this.#tell();
  }

  #tell(): void {
    const words = this.#words;
    const first = this.#told;
    for (let i = ((this.#released - first) | 0) - 1; i > 0; i -= 1) {
      words[this.#wordOf(first + i)] = (first + i + this.slots) << 1;
    }
    Atomics.store(words, this.#wordOf(first), (first + this.slots) << 1);
    this.#told = this.#released;
  }

  /** Slots claimed and not yet taken, published or not. */
  get depth(): number {
    return (Atomics.load(this.#words, this.#claimedWord) - this.#taken) | 0;
  }

  #wordOf(cursor: number): number {
    return this.#slotsWord + (cursor & this.#mask) * this.#strideWords;
  }
}
