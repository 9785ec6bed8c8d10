// A lock between threads, in shared memory, that readers can do without.
//
//   │ count i32 │ waiters i32 │ holder i32 │ broken i32 │      one cache line, not shared with data
//
// `count` is lock and version in one word: odd while somebody is inside, and never the same again (modulo 2^32).
//   a writer   moves it from even to odd, changes the data, moves it on to even
//   a reader   notes an even count, copies the data, and keeps the copy if the count is still the same
// So a reader never holds up a writer, and a copy is never from two states.
//
// Who finds it taken looks again SPINS_MAX times, longer than any section takes, and then sleeps until the
// holder wakes one of those who wait. Nobody is served in order.
//
// A holder that dies inside leaves data that nobody can trust. It is found: who has slept for PATIENCE_MS while
// the count did not move declares the lock broken, for all and for ever, with the holder's number in `broken`.
// From then on `acquire` answers false; the lock is not taken over.
//
// Cost: acquire + release is one compare-and-exchange, one store and one load, without a system call while nobody
// waits. Nothing is allocated. Figures: `outcry bench queue`.
// Limits: not reentrant (asserted); threads of one process, since only a SharedArrayBuffer can be slept on; a reader
// that is away for exactly 2^31 sections does not notice.
import { assert } from './assert.ts';

const COUNT = 0;
const WAITERS = 1;
const HOLDER = 2;
const BROKEN = 3;

/** Words of a lock: a whole cache line. */
export const LOCK_WORDS = 16;
/** Nobody holds it, or nobody broke it. */
export const LOCK_HOLDER_NONE = 0;
/** In `broken`: it died before it had written its number, or after it had taken it away. */
export const LOCK_HOLDER_UNKNOWN = -1;

/** Looks before sleeping, some 0.5 µs: a section takes about a tenth. */
const SPINS_MAX = 64;
/** A section takes less than a microsecond; a thread that is off its core comes back within milliseconds. */
export const PATIENCE_MS = 1000;

/** A handle: each thread makes its own, with a number of its own. */
export class SharedLock {
  readonly #words: Int32Array;
  readonly #at: number;
  readonly #holder: number;
  readonly #patienceMs: number;

  /** The lock in `words[at …]`, all zeros at first, at a multiple of 16 words. */
  constructor(words: Int32Array, at: number, holder: number, patienceMs: number = PATIENCE_MS) {
    if (!(words.buffer instanceof SharedArrayBuffer)) throw new TypeError('lock: expected words of a SharedArrayBuffer');
    if (!(Number.isInteger(at) && at >= 0 && (words.byteOffset / 4 + at) % LOCK_WORDS === 0 && at + LOCK_WORDS <= words.length)) {
      throw new RangeError(`lock: expected the start of a cache line inside of the words, was word ${at}`);
    }
    if (!(Number.isInteger(holder) && holder > LOCK_HOLDER_NONE && holder < 2 ** 31)) {
      throw new RangeError(`lock: expected a holder 1 … 2^31 − 1, was ${holder}`);
    }
    this.#words = words;
    this.#at = at;
    this.#holder = holder;
    this.#patienceMs = patienceMs;
  }

  /** Goes inside; false: the lock is broken, and the data with it. */
  acquire(): boolean {
    const words = this.#words;
    const at = this.#at;
    const count = words[at + COUNT]; // may be old, then the exchange fails
    if ((count & 1) !== 0 || Atomics.compareExchange(words, at + COUNT, count, count + 1) !== count) {
      if (!this.#acquireLater()) return false;
    }
    if (words[at + BROKEN] !== LOCK_HOLDER_NONE) {
      this.#leave(); // it came back after all; what others wanted to write meanwhile is missing
      return false;
    }
    words[at + HOLDER] = this.#holder;
    return true;
  }

  /** Leaves. */
  release(): void {
    assert(this.#words[this.#at + HOLDER] === this.#holder, 'a lock is released by its holder');
    this.#words[this.#at + HOLDER] = LOCK_HOLDER_NONE;
    this.#leave();
  }

  #leave(): void {
    const words = this.#words;
    const at = this.#at;
    Atomics.store(words, at + COUNT, (words[at + COUNT] + 1) | 0);
    // In this order, while a waiter counts itself first and then looks: one of the two sees the other.
    if (Atomics.load(words, at + WAITERS) > 0) Atomics.notify(words, at + COUNT, 1);
  }

  #acquireLater(): boolean {
    const words = this.#words;
    const at = this.#at;
    assert(Atomics.load(words, at + HOLDER) !== this.#holder, 'a thread is inside of a lock once');
    for (let turn = 0; ; turn += 1) {
      const count = Atomics.load(words, at + COUNT);
      if ((count & 1) === 0) {
        if (Atomics.compareExchange(words, at + COUNT, count, count + 1) === count) return true;
      } else if (turn >= SPINS_MAX) {
        if (Atomics.load(words, at + BROKEN) !== LOCK_HOLDER_NONE) return false;
        this.#sleep(count);
      }
    }
  }

  /** Until somebody leaves, or nobody has for as long as our patience lasts. */
  #sleep(count: number): void {
    const words = this.#words;
    const at = this.#at;
    Atomics.add(words, at + WAITERS, 1);
    const how = Atomics.wait(words, at + COUNT, count, this.#patienceMs);
    Atomics.sub(words, at + WAITERS, 1);
    if (how !== 'timed-out') return;
    const holder = Atomics.load(words, at + HOLDER);
    if (Atomics.load(words, at + COUNT) === count) Atomics.compareExchange(words, at + BROKEN, LOCK_HOLDER_NONE, holder || LOCK_HOLDER_UNKNOWN);
  }

  /** For a reader, before it copies: the count to hand to `unchanged`; odd while somebody is inside. */
  observe(): number {
    return Atomics.load(this.#words, this.#at + COUNT);
  }

  /** For a reader, after it has copied: that nobody was inside since `count`, which was even. */
  unchanged(count: number): boolean {
    // An exchange, not a load: what was copied before must not be read after it.
    return (count & 1) === 0 && Atomics.compareExchange(this.#words, this.#at + COUNT, count, count) === count;
  }

  /** Who is inside right now; LOCK_HOLDER_NONE when nobody is. */
  get holder(): number {
    return Atomics.load(this.#words, this.#at + HOLDER);
  }

  /** Who died inside (LOCK_HOLDER_UNKNOWN: just entering or leaving); LOCK_HOLDER_NONE while the lock is whole. */
  get brokenBy(): number {
    return Atomics.load(this.#words, this.#at + BROKEN);
  }
}
