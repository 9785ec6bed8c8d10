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
import { CELLS_AT, Flag, Float, LEVELS, type LogLevel, PART_BYTES, RING_AT, sitesOf, TEXT_PARTS_MAX, wakeLogThread, Word } from './log_layout.ts';
import type { Agent } from '../../base/agent.ts';

/** Instead of half a surrogate pair, as encoders have it. */
const REPLACEMENT = 0xfffd;

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

  /** A text with a number in front, of which the site's words make use or not. Cut after TEXT_PARTS_MAX slots, or where the ring ends. */
  sayText(site: number, a: number, text: string): void {
    const cell = this.#begin(site, 1 | (Flag.Text >>> 16));
    if (cell === RING_NONE) return;
    this.#floats[cell] = a;
    let from = 0;
    for (let part = 0; part < TEXT_PARTS_MAX && from < text.length; part += 1) {
      const at = this.#ring.claim();
      if (at === RING_NONE) break;
      const word = at >>> 2;
      this.#words[word + 2] = Flag.More;
      this.#words[word + 3] = this.#sequence;
      from = this.#copy(text, from, at);
    }
    this.#ring.publish();
  }

  /** As many characters as a slot has room for; where the rest begins. (TextEncoder's encodeInto makes an object a call.) */
  #copy(text: string, from: number, at: number): number {
    const bytes = this.#bytes;
    const begin = at + CELLS_AT;
    const end = begin + PART_BYTES;
    let to = begin;
    let i = from;
    while (i < text.length && to < end) {
      const code = text.charCodeAt(i);
      if (code < 0x80) {
        bytes[to] = code;
        to += 1;
        i += 1;
        continue;
      }
      const point = text.codePointAt(i) ?? REPLACEMENT;
      const size = utf8Bytes(point);
      if (to + size > end) break;
      putUtf8(bytes, to, point, size);
      to += size;
      i += size === 4 ? 2 : 1;
    }
    this.#floats[at >>> 3] = to - begin;
    return i;
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

/** Of a character beyond ASCII. */
function utf8Bytes(point: number): number {
  return point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;
}

function putUtf8(bytes: Uint8Array, at: number, point: number, size: number): void {
  let rest = point >= 0xd800 && point < 0xe000 ? REPLACEMENT : point;
  for (let i = size - 1; i > 0; i -= 1) {
    bytes[at + i] = 0x80 | (rest & 0x3f);
    rest >>>= 6;
  }
  bytes[at] = ((0xf00 >>> size) & 0xff) | rest; // 110…, 1110…, 11110…
}
