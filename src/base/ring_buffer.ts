// A queue of fixed-size slots between one producer and one consumer, in shared memory: between two
// threads, or two processes over one mapping.
//
//   0             128            256            384
//   │ description │ published    │ released     │ slot 0 │ slot 1 │ … │ slot n−1 │
//   magic, slot     written by     written by     slotBytes each, n a power of two
//   bytes, slots    the producer   the consumer
//
// Both cursors count slots since the start, modulo 2^32; slot number = cursor & (n − 1). Each lies on a
// pair of cache lines of its own (the prefetcher takes lines in pairs), so that the two sides do not
// fight over one. Each side keeps a copy of the other's cursor and reads the real one only when the copy
// says full or empty.
//
// Order: slots arrive in the order claimed. A slot is the consumer's after `publish` (a release store, no more: who then looks
// whether the other side sleeps puts a read-modify-write between) and the producer's again after `release`, which is told to
// the other side in portions: at the latest when an eighth of the ring has been released, or when `take` finds nothing. So "full"
// may come up to an eighth early while the consumer is still taking; it never lasts.
// On x86 a plain store is a release store and a plain load an acquire load, and V8 neither reorders the stores of a function
// to typed arrays nor leaves one out. There `publish` is one, and `take` looks so before it looks with Atomics.load: JavaScript's
// atomic store is a call and a full barrier (8 – 12 ns), its atomic load a call (6). That there is nothing is said by Atomics.load
// alone, so a loop that polls sees what comes whatever a compiler makes of plain loads. Elsewhere both are atomic.
// Full and empty are return values (−1). Nothing is ever overwritten, dropped or allocated.
// Cost: claim + publish + take + release 16 to 18 ns in one thread (30 with atomic store and load); 12 when 16 are published at
// once; C takes 1.2. The rest is V8's checks of maps, tags and bounds at each of some thirty accesses. No allocation. Figures: bench/queue.ts.
// Limits: one producer and one consumer, which nothing here can check: a second of either corrupts it.
import { assert } from './assert.ts';

const MAGIC = 0x4f525242; // "BRRO"
const PUBLISHED_AT = 128;
const RELEASED_AT = 256;
const SLOTS_AT = 384;

/** More would make a full ring look empty to int32 arithmetic. */
export const RING_SLOTS_MAX = 2 ** 30;
/** Released slots that may wait to be told: this part of the ring. */
const UNTOLD_DIVISOR = 8;
/** Whether plain stores and loads keep their order among themselves: see Order. */
export const STORES_IN_ORDER = process.arch === 'x64' || process.arch === 'ia32';
/** `claim` and `take` when there is none. */
export const RING_NONE = -1;

/** Bytes of a ring; `slots` a power of two, `slotBytes` a multiple of 8. */
export function ringBytes(slots: number, slotBytes: number): number {
  if (!(Number.isInteger(slots) && slots >= 1 && slots <= RING_SLOTS_MAX && Number.isInteger(Math.log2(slots)))) {
    throw new RangeError(`slots was ${slots}, expected a power of two of at most ${RING_SLOTS_MAX}`);
  }
  if (!(Number.isInteger(slotBytes) && slotBytes >= 8 && slotBytes % 8 === 0)) {
    throw new RangeError(`slotBytes was ${slotBytes}, expected a multiple of 8`);
  }
  return SLOTS_AT + slots * slotBytes;
}

/** Lays out an empty ring at `offset` (a multiple of 64) of the buffer. Before either side is made. */
export function initializeRing(
  buffer: ArrayBuffer | SharedArrayBuffer, offset: number, slots: number, slotBytes: number,
): void {
  const bytes = ringBytes(slots, slotBytes);
  if (offset % 64 !== 0 || offset < 0) throw new RangeError(`offset was ${offset}, expected a multiple of 64`);
  if (offset + bytes > buffer.byteLength) {
    throw new RangeError(`the ring needs ${bytes} bytes from ${offset} on, the buffer has ${buffer.byteLength}`);
  }
  const words = new Int32Array(buffer, offset, SLOTS_AT / 4);
  words.fill(0);
  words[1] = slotBytes;
  words[2] = slots;
  Atomics.store(words, 0, MAGIC);
}

/** What both sides read of the layout. */
class RingLayout {
  readonly words: Int32Array;
  readonly slotsAt: number;
  readonly slotBytes: number;
  readonly slots: number;

  constructor(buffer: ArrayBuffer | SharedArrayBuffer, offset: number) {
    this.words = new Int32Array(buffer, offset, SLOTS_AT / 4);
    const magic = Atomics.load(this.words, 0);
    if (magic !== MAGIC) {
      throw new Error(`no ring at offset ${offset}: its first word was 0x${(magic >>> 0).toString(16)}, expected 0x${MAGIC.toString(16)}`);
    }
    this.slotBytes = this.words[1];
    this.slots = this.words[2];
    this.slotsAt = offset + SLOTS_AT;
  }
}

/** The writing side. */
export class RingProducer {
  readonly slots: number;
  readonly slotBytes: number;
  readonly #words: Int32Array;
  readonly #slotsAt: number;
  readonly #mask: number;
  #claimed: number; // cursor after the last claimed slot
  #releasedSeen: number; // the consumer's cursor when last read

  /** Attaches to the ring that was laid out at `offset`. */
  constructor(buffer: ArrayBuffer | SharedArrayBuffer, offset: number) {
    const layout = new RingLayout(buffer, offset);
    this.slots = layout.slots;
    this.slotBytes = layout.slotBytes;
    this.#words = layout.words;
    this.#slotsAt = layout.slotsAt;
    this.#mask = layout.slots - 1;
    this.#claimed = Atomics.load(this.#words, PUBLISHED_AT / 4);
    this.#releasedSeen = Atomics.load(this.#words, RELEASED_AT / 4);
  }

  /** Byte offset in the buffer of the next free slot, to be written before `publish`; RING_NONE when full. */
  claim(): number {
    const claimed = this.#claimed;
    if (((claimed - this.#releasedSeen) | 0) === this.slots) {
      this.#releasedSeen = Atomics.load(this.#words, RELEASED_AT / 4);
      if (((claimed - this.#releasedSeen) | 0) === this.slots) return RING_NONE;
    }
    this.#claimed = (claimed + 1) | 0;
    return this.#slotsAt + (claimed & this.#mask) * this.slotBytes;
  }

  /** Hands every claimed slot to the consumer. */
  publish(): void {
    if (STORES_IN_ORDER) this.#words[PUBLISHED_AT / 4] = this.#claimed;
    else Atomics.store(this.#words, PUBLISHED_AT / 4, this.#claimed);
  }

  /** Slots that the consumer has not released yet, published or not. */
  get used(): number {
    return (this.#claimed - Atomics.load(this.#words, RELEASED_AT / 4)) | 0;
  }
}

/** The reading side. */
export class RingConsumer {
  readonly slots: number;
  readonly slotBytes: number;
  readonly #words: Int32Array;
  readonly #slotsAt: number;
  readonly #mask: number;
  readonly #untoldMax: number;
  #taken: number; // cursor after the last slot taken
  #released: number; // … after the last one released
  #told: number; // … after the last one the producer knows to be released
  #publishedSeen: number; // the producer's cursor when last read

  /** Attaches to the ring that was laid out at `offset`. */
  constructor(buffer: ArrayBuffer | SharedArrayBuffer, offset: number) {
    const layout = new RingLayout(buffer, offset);
    this.slots = layout.slots;
    this.slotBytes = layout.slotBytes;
    this.#words = layout.words;
    this.#slotsAt = layout.slotsAt;
    this.#mask = layout.slots - 1;
    this.#untoldMax = Math.max(1, layout.slots / UNTOLD_DIVISOR);
    this.#told = Atomics.load(this.#words, RELEASED_AT / 4);
    this.#released = this.#told;
    this.#taken = this.#told;
    this.#publishedSeen = Atomics.load(this.#words, PUBLISHED_AT / 4);
  }

  /** Byte offset in the buffer of the next slot, to be read before `release`; RING_NONE when there is none. */
  take(): number {
    const taken = this.#taken;
    if (STORES_IN_ORDER && taken === this.#publishedSeen) this.#publishedSeen = this.#words[PUBLISHED_AT / 4];
    if (taken === this.#publishedSeen) {
      this.#publishedSeen = Atomics.load(this.#words, PUBLISHED_AT / 4);
      if (taken === this.#publishedSeen) {
        if (this.#told !== this.#released) this.#tell();
        return RING_NONE;
      }
    }
    this.#taken = (taken + 1) | 0;
    return this.#slotsAt + (taken & this.#mask) * this.slotBytes;
  }

  /** Gives up every slot taken; the producer has them at the latest when `take` finds nothing. */
  release(): void {
    this.#released = this.#taken;
    if (((this.#released - this.#told) | 0) >= this.#untoldMax) this.#tell();
  }

  #tell(): void {
    this.#told = this.#released;
    Atomics.store(this.#words, RELEASED_AT / 4, this.#told);
  }

  /** Slots published and not yet taken. */
  get available(): number {
    return (Atomics.load(this.#words, PUBLISHED_AT / 4) - this.#taken) | 0;
  }
}

/** That the cursors of a ring at rest make sense; for tests. */
export function checkRing(buffer: ArrayBuffer | SharedArrayBuffer, offset: number): void {
  const layout = new RingLayout(buffer, offset);
  const published = Atomics.load(layout.words, PUBLISHED_AT / 4);
  const released = Atomics.load(layout.words, RELEASED_AT / 4);
  const held = (published - released) | 0;
  assert(held >= 0, 'the consumer has released only what was published');
  assert(held <= layout.slots, 'the producer has published only what was released');
}
