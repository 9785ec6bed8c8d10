// Reads events out of the ring and folds every byte of every one into a checksum, with a count by type.
//
// Eight lanes of 32 bits, so that a processor can work on them side by side: a reader on another thread
// has some fifteen nanoseconds an event. Each step is a bijection of the lane, so any changed, lost,
// doubled or swapped event changes the sum. reference/main.c does the same.
import { EVENT, Ev } from '../src/book/types.ts';

/** Event types count from 1. */
export const EVENT_TYPES = Ev.State + 1;
const EVENT_WORDS = EVENT.size / 4;
const LANES = 8;
const GROUP = 32;
const FACTOR = 0x9e3779b1;

export class EventChecksum {
  /** Events by type. */
  readonly types = new Float64Array(EVENT_TYPES);
  readonly #words: Int32Array;
  readonly #base: number;
  readonly #mask: number;
  readonly #lanes = new Int32Array(LANES);
  /** Of the last touches; kept so that no compiler leaves them out. */
  seen = 0;

  /** `words` over the engine's memory; the ring at byte `address`, `slots` (a power of two) of them. */
  constructor(words: Int32Array, address: number, slots: number) {
    this.#words = words;
    this.#base = address >>> 2;
    this.#mask = slots - 1;
  }

  reset(): void {
    this.types.fill(0);
    this.#lanes.fill(0);
  }

  /**
   * Reads events number `from` up to `to`, both modulo 2^32 as i32. Allocates nothing.
   *
   * In groups, each first touched a word a line: where the cores are far apart a line takes some 250 ns to come, and a processor
   * that meets the lines one by one, with sixteen words to fold each, has no more than six on their way.
   */
  read(from: number, to: number): void {
    let at = from;
    while (at !== to) {
      const left = (to - at) | 0;
      const end = (at + (left < GROUP ? left : GROUP)) | 0;
      this.#touch(at, end);
      this.#fold(at, end);
      at = end;
    }
  }

  #touch(from: number, to: number): void {
    const words = this.#words;
    let seen = 0;
    for (let n = from; n !== to; n = (n + 1) | 0) seen ^= words[this.#base + (n & this.#mask) * EVENT_WORDS];
    this.seen = seen;
  }

  #fold(from: number, to: number): void {
    const words = this.#words;
    const lanes = this.#lanes;
    const { types } = this;
    let l0 = lanes[0];
    let l1 = lanes[1];
    let l2 = lanes[2];
    let l3 = lanes[3];
    let l4 = lanes[4];
    let l5 = lanes[5];
    let l6 = lanes[6];
    let l7 = lanes[7];
    for (let n = from; n !== to; n = (n + 1) | 0) {
      const at = this.#base + (n & this.#mask) * EVENT_WORDS;
      const head = words[at];
      types[head & 255]++;
      l0 = (Math.imul(l0 ^ head, FACTOR) + words[at + 8]) | 0;
      l1 = (Math.imul(l1 ^ words[at + 1], FACTOR) + words[at + 9]) | 0;
      l2 = (Math.imul(l2 ^ words[at + 2], FACTOR) + words[at + 10]) | 0;
      l3 = (Math.imul(l3 ^ words[at + 3], FACTOR) + words[at + 11]) | 0;
      l4 = (Math.imul(l4 ^ words[at + 4], FACTOR) + words[at + 12]) | 0;
      l5 = (Math.imul(l5 ^ words[at + 5], FACTOR) + words[at + 13]) | 0;
      l6 = (Math.imul(l6 ^ words[at + 6], FACTOR) + words[at + 14]) | 0;
      l7 = (Math.imul(l7 ^ words[at + 7], FACTOR) + words[at + 15]) | 0;
    }
    lanes[0] = l0;
    lanes[1] = l1;
    lanes[2] = l2;
    lanes[3] = l3;
    lanes[4] = l4;
    lanes[5] = l5;
    lanes[6] = l6;
    lanes[7] = l7;
  }

  /** The lanes folded into 32 bits. */
  value(): number {
    let sum = 0;
    for (const lane of this.#lanes) sum = Math.imul(sum ^ lane, FACTOR);
    return sum >>> 0;
  }
}
