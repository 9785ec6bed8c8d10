// The writing side of a log: a small binary record a call, for another thread to make text of.
//
//   say3(site, a, b, c):   level ─► claim a slot ─► time, site, numbers ─► publish
//
// The time is the turn's: a Logger stands first among the agents of its loop and takes it over, so a call reads no clock.
// The same turn wakes the other thread, when that sleeps and something was said: no call of a log ever does.
// When the ring is full the record is counted as lost and that is all: the caller never waits. `lost` is said by the other side.
// Cost: 20 to 25 ns a call (docs/LATENCY.md), a text one more ns a character; below the level, 1 to 2. No allocation; a number
// beyond 32 bits is boxed where V8 does not inline the call, as anywhere.
// Rule: one thread writes. Numbers are doubles: integers beyond 2^53 go in two halves, with `sayWide`.
import { RING_NONE, RingProducer } from '../../base/ring_buffer.ts';
import { CELLS_AT, Flag, Float, LEVELS, type LogLevel, PART_BYTES, RING_AT, sitesOf, TEXT_BYTES_MAX, wakeLogThread, Word } from './log_layout.ts';
import type { Agent } from '../../base/agent.ts';

const LATIN_1 = 0xff;
const UNKNOWN_CHARACTER = 0x3f; // ?

export class Logger implements Agent {
  readonly name = 'log';
  readonly #ring: RingProducer;
  readonly #words: Int32Array;
  readonly #floats: Float64Array;
  readonly #bytes: Uint8Array;
  /** Level of each site. */
  readonly #levels: Uint8Array;
  readonly #time = new Float64Array(1);
  readonly #control: Int32Array | null;
  #sequence = 0;
  #sequenceSeen = 0;

  /** Writes into a log that was laid out in `memory`; `control`: of the thread that reads it, where one does. */
  constructor(memory: ArrayBuffer | SharedArrayBuffer, control: Int32Array | null = null) {
    this.#control = control;
    this.#levels = Uint8Array.from(sitesOf(memory), ({ level }) => LEVELS.indexOf(level));
    this.#ring = new RingProducer(memory, RING_AT);
    this.#words = new Int32Array(memory);
    this.#floats = new Float64Array(memory, 0, memory.byteLength >>> 3);
    this.#bytes = new Uint8Array(memory);
    this.#time[0] = this.#floats[Float.StartNs];
  }

  /** The turn's time. */
  poll(nowNs: number): number {
    this.#time[0] = nowNs;
    if (this.#sequence !== this.#sequenceSeen) {
      this.#sequenceSeen = this.#sequence;
      if (this.#control !== null) wakeLogThread(this.#control);
    }
    return 0;
  }

  /** What was said is handed on in the next turn. */
  dueNs(nowNs: number): number {
    return this.#sequence === this.#sequenceSeen ? Infinity : nowNs;
  }

  /** Least level that is written; takes effect at once, on whichever thread it is set. */
  set level(level: LogLevel) {
    this.#words[Word.Least] = LEVELS.indexOf(level);
  }

  get level(): LogLevel {
    return LEVELS[this.#words[Word.Least]];
  }

  /** Records that found the ring full. */
  get lost(): number {
    return this.#floats[Float.Lost];
  }

  /** Records that the other side has not read yet. */
  get waiting(): number {
    return this.#ring.used;
  }

  say(site: number): void {
    if (this.#begin(site, 0) !== RING_NONE) this.#ring.publish();
  }

  say3(site: number, a: number, b: number, c: number): void {
    const cell = this.#begin(site, 3);
    if (cell === RING_NONE) return;
    const floats = this.#floats;
    floats[cell] = a;
    floats[cell + 1] = b;
    floats[cell + 2] = c;
    this.#ring.publish();
  }

  say6(site: number, a: number, b: number, c: number, d: number, e: number, f: number): void {
    const cell = this.#begin(site, 6);
    if (cell === RING_NONE) return;
    const floats = this.#floats;
    floats[cell] = a;
    floats[cell + 1] = b;
    floats[cell + 2] = c;
    floats[cell + 3] = d;
    floats[cell + 4] = e;
    floats[cell + 5] = f;
    this.#ring.publish();
  }

  /** An integer of 64 bits as its halves, and a number. */
  sayWide(site: number, low: number, high: number, b: number): void {
    const cell = this.#begin(site, 2);
    if (cell === RING_NONE) return;
    this.#words[2 * cell] = low;
    this.#words[2 * cell + 1] = high;
    this.#floats[cell + 1] = b;
    this.#ring.publish();
  }

  /** A text with a number in front, of which the site's words make use or not. Cut at TEXT_BYTES_MAX, or where the ring ends. */
  sayText(site: number, a: number, text: string): void {
    const cell = this.#begin(site, 1 | (Flag.Text >>> 16));
    if (cell === RING_NONE) return;
    this.#floats[cell] = a;
    const length = Math.min(text.length, TEXT_BYTES_MAX);
    for (let from = 0; from < length; from += PART_BYTES) {
      const at = this.#ring.claim();
      if (at === RING_NONE) break;
      const word = at >>> 2;
      this.#floats[at >>> 3] = text.length;
      this.#words[word + 2] = Flag.More;
      this.#words[word + 3] = this.#sequence;
      this.#copy(text, from, Math.min(from + PART_BYTES, length), at + CELLS_AT);
    }
    this.#ring.publish();
  }

  #copy(text: string, from: number, end: number, at: number): void {
    const bytes = this.#bytes;
    for (let i = from; i < end; i += 1) {
      const code = text.charCodeAt(i);
      bytes[at + i - from] = code <= LATIN_1 ? code : UNKNOWN_CHARACTER;
    }
  }

  /** Claims a slot and writes its head; index of its first cell, or RING_NONE. */
  #begin(site: number, cells: number): number {
    const words = this.#words;
    if (this.#levels[site] < words[Word.Least]) return RING_NONE;
    this.#sequence = (this.#sequence + 1) | 0;
    const at = this.#ring.claim();
    if (at === RING_NONE) {
      this.#floats[Float.Lost] += 1;
      return RING_NONE;
    }
    const word = at >>> 2;
    this.#floats[at >>> 3] = this.#time[0];
    words[word + 2] = site | (cells << 16);
    words[word + 3] = this.#sequence;
    return (at + CELLS_AT) >>> 3;
  }
}
