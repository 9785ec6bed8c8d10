// One direction of a stream between two processes: a ring of bytes with one writer and one reader, who do not
// trust each other.
//
//   words of a side (in the segment's table, on lines of its own)        ring: STREAM_RING_BYTES
//   │ published: bytes written │ end: 0, or not: no more will come │ released: bytes read │
//
// A side writes its own words alone: `published` of what it writes, `released` of what it reads, so a side that
// waits looks at one cache line. Cursors count bytes modulo 2^32; place = cursor & (bytes − 1). Each side keeps
// its own cursors privately and never reads them back. What the other says is taken only when it is possible:
// no more published than the ring holds, no more released than was published. Anything else is BROKEN, and ends
// the stream; no value there is makes a side read or write outside of the ring.
//
// Order: bytes arrive in the order written; `end` is set behind the last byte. Released bytes are told in quarters of
// the ring, so "no room" may come that much early while the reader still reads; it never lasts.
// Cost: write and read of 42 bytes some 60 ns each, most of it the atomic store; an idle look one load. No allocation.
import { CopyWindow } from './copy_window.ts';

export const STREAM_RING_BYTES = 128 * 1024;
/** Words of a side. */
export const STREAM_PUBLISHED = 0;
export const STREAM_END = 1;
export const STREAM_RELEASED = 2;
/** The other side's cursors cannot be. */
export const STREAM_BROKEN = -1;
const MASK = STREAM_RING_BYTES - 1;
const UNTOLD_MAX = STREAM_RING_BYTES / 4;

export class SharedStreamWriter {
  readonly #words: Int32Array;
  readonly #own: number;
  readonly #peer: number;
  readonly #ring: CopyWindow;
  readonly #source: CopyWindow;
  #published = 0;
  #releasedSeen = 0;

  /** `own`, `peer`: index of the sides' first words. Both sides begin with empty rings. */
  constructor(words: Int32Array, own: number, peer: number, ring: Uint8Array) {
    this.#words = words;
    this.#own = own;
    this.#peer = peer;
    this.#ring = new CopyWindow(ring);
    this.#source = new CopyWindow(ring);
  }

  /** Bytes taken, 0 when there is no room, or STREAM_BROKEN. */
  write(source: Uint8Array, offset: number, length: number): number {
    let room = STREAM_RING_BYTES - ((this.#published - this.#releasedSeen) >>> 0);
    if (room < length) {
      const released = Atomics.load(this.#words, this.#peer + STREAM_RELEASED);
      const used = (this.#published - released) >>> 0;
      if (used > STREAM_RING_BYTES) return STREAM_BROKEN;
      this.#releasedSeen = released;
      room = STREAM_RING_BYTES - used;
    }
    const count = Math.min(room, length);
    if (count === 0) return 0;
    const place = this.#published & MASK;
    const first = Math.min(count, STREAM_RING_BYTES - place);
    const from = this.#source.over(source);
    from.copyTo(offset, this.#ring, place, first);
    if (first < count) from.copyTo(offset + first, this.#ring, 0, count - first);
    this.#published = (this.#published + count) | 0;
    Atomics.store(this.#words, this.#own + STREAM_PUBLISHED, this.#published);
    return count;
  }
}

export class SharedStreamReader {
  readonly #words: Int32Array;
  readonly #own: number;
  readonly #peer: number;
  readonly #ring: CopyWindow;
  readonly #target: CopyWindow;
  #publishedSeen = 0;
  #taken = 0;
  #told = 0;

  constructor(words: Int32Array, own: number, peer: number, ring: Uint8Array) {
    this.#words = words;
    this.#own = own;
    this.#peer = peer;
    this.#ring = new CopyWindow(ring);
    this.#target = new CopyWindow(ring);
  }

  /** Bytes that a look has brought and nobody has read. */
  get available(): number {
    return (this.#publishedSeen - this.#taken) >>> 0;
  }

  /** True when the writer has published more than the last look brought. Changes nothing. */
  get hasNews(): boolean {
    return this.#words[this.#peer + STREAM_PUBLISHED] !== this.#publishedSeen;
  }

  /** Takes up what was published: 1 for more bytes, 0 for none, STREAM_BROKEN. */
  look(): number {
    if (!this.hasNews) return 0;
    const published = Atomics.load(this.#words, this.#peer + STREAM_PUBLISHED);
    if ((published - this.#taken) >>> 0 > STREAM_RING_BYTES) return STREAM_BROKEN;
    this.#publishedSeen = published;
    return 1;
  }

  /** Bytes put at target[offset …], at most `max`; 0 when a look has brought no more. */
  read(target: Uint8Array, offset: number, max: number): number {
    const count = Math.min(max, this.available);
    if (count === 0) return 0;
    const place = this.#taken & MASK;
    const first = Math.min(count, STREAM_RING_BYTES - place);
    const to = this.#target.over(target);
    this.#ring.copyTo(place, to, offset, first);
    if (first < count) this.#ring.copyTo(0, to, offset + first, count - first);
    this.#taken = (this.#taken + count) | 0;
    return count;
  }

  /** Tells the writer what has been read, when it is worth it. True: a writer may wait for it. */
  tell(): boolean {
    if (((this.#taken - this.#told) | 0) < UNTOLD_MAX) return false;
    this.#told = this.#taken;
    Atomics.store(this.#words, this.#own + STREAM_RELEASED, this.#told);
    return true;
  }
}
