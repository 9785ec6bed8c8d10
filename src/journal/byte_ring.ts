// A queue of byte frames of any length between one producer and one consumer, in shared memory: what
// the exchange's thread appends and the journal's thread writes, without a copy in between.
//
//   0          128          256          384
//   │ magic,   │ published  │ released   │ frame │ frame │ … │ skip │ unused │   capacity bytes,
//   capacity,  by producer  by consumer                                         a power of two
//   sleeping
//
// Both cursors count bytes since the start, modulo 2^32; place = cursor & (capacity − 1). Frames are
// multiples of 8 bytes and never straddle the end: a frame that does not fit there begins at the
// start of the memory, and the word SKIP stands where it would have begun. The first word of a frame
// is never SKIP (a record begins with its length).
//
// Order: as claimed. A frame is the consumer's after `publish` (a release store) and the producer's
// again after `release`. Each side keeps a copy of the other's cursor and reads the real one only
// when the copy says full or empty.
// Full and empty are return values (−1). Nothing is overwritten, dropped or allocated.
// Limits: a frame of at most half the capacity, so that one fits at last whatever the place; one
// producer and one consumer, which nothing here can check.
import { assert } from '../base/assert.ts';

const MAGIC = 0x5254_5942; // "BYTR"
const CAPACITY_WORD = 1;
/** Not 0: the consumer sleeps, or is about to, and wants to be woken. */
const SLEEPING_WORD = 2;
const PUBLISHED_WORD = 128 / 4;
const RELEASED_WORD = 256 / 4;
const BYTES_AT = 384;
/** Where a frame would begin: go to the start of the memory. */
const SKIP = -1;

/** `claim` and `peek` when there is none. */
export const RING_NONE = -1;
/** More would make a full ring look empty to int32 arithmetic. */
const CAPACITY_MAX = 2 ** 30;
const FRAME_ALIGN_BYTES = 8;

/** Bytes of a ring with room for `capacity` bytes of frames, a power of two of at least 64. */
export function byteRingBytes(capacity: number): number {
  const fits = Number.isInteger(Math.log2(capacity)) && capacity >= 64 && capacity <= CAPACITY_MAX;
  if (!fits) {
    throw new RangeError(
      `capacity: expected a power of two from 64 to ${CAPACITY_MAX}, was ${capacity}`,
    );
  }
  return BYTES_AT + capacity;
}

/** Lays out an empty ring at `offset` (a multiple of 64), before either side is made. */
export function initializeByteRing(
  buffer: ArrayBuffer | SharedArrayBuffer,
  offset: number,
  capacity: number,
): void {
  const bytes = byteRingBytes(capacity);
  if (offset % 64 !== 0) throw new RangeError(`offset: expected a multiple of 64, was ${offset}`);
  if (offset + bytes > buffer.byteLength) {
    throw new RangeError(
      `the ring needs ${bytes} bytes from ${offset} on, the buffer has ${buffer.byteLength}`,
    );
  }
  const words = new Int32Array(buffer, offset, BYTES_AT / 4);
  words.fill(0);
  words[CAPACITY_WORD] = capacity;
  Atomics.store(words, 0, MAGIC);
}

/** What both sides read of the layout. */
class ByteRingLayout {
  /** Of the ring's head. */
  readonly words: Int32Array;
  readonly capacity: number;
  /** Where frames begin, in bytes of the buffer. */
  readonly bytesAt: number;

  constructor(buffer: ArrayBuffer | SharedArrayBuffer, offset: number) {
    this.words = new Int32Array(buffer, offset, BYTES_AT / 4);
    const magic = Atomics.load(this.words, 0);
    if (magic !== MAGIC) {
      throw new Error(
        `no ring at offset ${offset}: expected the first word 0x${MAGIC.toString(16)}, ` +
          `was 0x${(magic >>> 0).toString(16)}`,
      );
    }
    this.capacity = this.words[CAPACITY_WORD];
    this.bytesAt = offset + BYTES_AT;
  }
}

/** The writing side. */
export class ByteRingProducer {
  readonly capacity: number;
  /** Longer frames cannot be claimed. */
  readonly frameBytesMax: number;
  readonly #words: Int32Array;
  readonly #bytesAt: number;
  readonly #mask: number;
  /** The whole buffer, to write SKIP. */
  readonly #buffer: Int32Array;
  #claimed: number;
  #releasedSeen: number;

  constructor(buffer: ArrayBuffer | SharedArrayBuffer, offset: number) {
    const layout = new ByteRingLayout(buffer, offset);
    this.capacity = layout.capacity;
    this.frameBytesMax = layout.capacity / 2;
    this.#words = layout.words;
    this.#bytesAt = layout.bytesAt;
    this.#mask = layout.capacity - 1;
    this.#buffer = new Int32Array(buffer, 0, buffer.byteLength >> 2);
    this.#claimed = Atomics.load(layout.words, PUBLISHED_WORD);
    this.#releasedSeen = Atomics.load(layout.words, RELEASED_WORD);
  }

  /** Byte offset in the buffer of a frame to be written before `publish`; RING_NONE when full. */
  claim(bytes: number): number {
    assert(bytes % FRAME_ALIGN_BYTES === 0 && bytes > 0, 'a frame is a multiple of 8 bytes');
    assert(bytes <= this.frameBytesMax, 'a frame takes half of the ring at most');
    const place = this.#claimed & this.#mask;
    const left = this.capacity - place;
    const skipped = bytes > left ? left : 0;
    if (!this.#hasRoom(skipped + bytes)) return RING_NONE;
    if (skipped > 0) this.#buffer[(this.#bytesAt + place) >> 2] = SKIP;
    this.#claimed = (this.#claimed + skipped + bytes) | 0;
    return this.#bytesAt + (skipped > 0 ? 0 : place);
  }

  /** Hands every claimed frame to the consumer, and wakes it when it sleeps. */
  publish(): void {
    Atomics.store(this.#words, PUBLISHED_WORD, this.#claimed);
    // Both sides store first and look second, in one order for all: one of the two sees the other.
    if (Atomics.load(this.#words, SLEEPING_WORD) !== 0) this.wake();
  }

  /** Wakes the consumer for another reason than a frame. */
  wake(): void {
    Atomics.notify(this.#words, PUBLISHED_WORD);
  }

  /** Bytes that the consumer has not released yet, published or not. */
  get used(): number {
    return (this.#claimed - Atomics.load(this.#words, RELEASED_WORD)) | 0;
  }

  #hasRoom(bytes: number): boolean {
    const limit = this.capacity - bytes;
    if (((this.#claimed - this.#releasedSeen) | 0) <= limit) return true;
    this.#releasedSeen = Atomics.load(this.#words, RELEASED_WORD);
    return ((this.#claimed - this.#releasedSeen) | 0) <= limit;
  }
}

/** The reading side. */
export class ByteRingConsumer {
  readonly capacity: number;
  readonly #words: Int32Array;
  readonly #bytesAt: number;
  readonly #mask: number;
  readonly #buffer: Int32Array;
  #taken: number;
  #publishedSeen: number;

  constructor(buffer: ArrayBuffer | SharedArrayBuffer, offset: number) {
    const layout = new ByteRingLayout(buffer, offset);
    this.capacity = layout.capacity;
    this.#words = layout.words;
    this.#bytesAt = layout.bytesAt;
    this.#mask = layout.capacity - 1;
    this.#buffer = new Int32Array(buffer, 0, buffer.byteLength >> 2);
    this.#taken = Atomics.load(layout.words, RELEASED_WORD);
    this.#publishedSeen = Atomics.load(layout.words, PUBLISHED_WORD);
  }

  /** Byte offset in the buffer of the next frame; RING_NONE when there is none. */
  peek(): number {
    if (this.#taken === this.#publishedSeen) {
      this.#publishedSeen = Atomics.load(this.#words, PUBLISHED_WORD);
      if (this.#taken === this.#publishedSeen) return RING_NONE;
    }
    const place = this.#taken & this.#mask;
    if (this.#buffer[(this.#bytesAt + place) >> 2] !== SKIP) return this.#bytesAt + place;
    this.#taken = (this.#taken + this.capacity - place) | 0;
    return this.#bytesAt;
  }

  /** Goes behind the frame that `peek` found, which has so many bytes. */
  advance(bytes: number): void {
    this.#taken = (this.#taken + bytes) | 0;
  }

  /** Gives every frame passed back to the producer. */
  release(): void {
    Atomics.store(this.#words, RELEASED_WORD, this.#taken);
  }

  /**
   * Sleeps until more is published than has been passed, or somebody calls `wake`, or the time is
   * over. Only on a thread that may block.
   */
  wait(timeoutMs: number): void {
    Atomics.store(this.#words, SLEEPING_WORD, 1);
    Atomics.wait(this.#words, PUBLISHED_WORD, this.#taken, timeoutMs);
    Atomics.store(this.#words, SLEEPING_WORD, 0);
  }
}

/** That the cursors of a ring at rest make sense; for tests. */
export function checkByteRing(buffer: ArrayBuffer | SharedArrayBuffer, offset: number): void {
  const { words, capacity } = new ByteRingLayout(buffer, offset);
  const published = Atomics.load(words, PUBLISHED_WORD);
  const released = Atomics.load(words, RELEASED_WORD);
  const held = (published - released) | 0;
  assert(held >= 0, 'the consumer has released only what was published');
  assert(held <= capacity, 'the producer has published only what was released');
  assert(((published | released) & (FRAME_ALIGN_BYTES - 1)) === 0, 'frames are multiples of 8 bytes');
}
