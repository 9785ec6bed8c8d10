// A queue of fixed-size slots from any number of producers to one consumer, without a lock, in shared memory:
// between threads, or between processes over one mapping.
//
//   0             128            256            384
//   │ description │ claimed      │ released     │ slot 0 │ slot 1 │ … │ slot n−1 │
//   magic, slot     cursor of      cursor of      n a power of two
//   bytes, slots    the producers  the consumer
//
//   slot:  │ sequence u32 │ holder u32 │ slotBytes of payload │
//
// Beside mpmc_queue.ts it saves what several consumers need: no race for the cursor of the consumers, no store
// into each slot when it is released. Claiming is a compare-and-exchange of `claimed` against the room that
// `released` leaves; publishing writes p + 1 into the sequence of the slot that cursor p came to, which the
// consumer looks for. Slots are only ever written by producers. The consumer's side is that of ring_buffer.ts:
// releases are told in portions of an eighth of the queue, at the latest when `take` finds nothing; so "full" may
// come up to an eighth early while the consumer is still taking, and never lasts.
//
// Cursors count modulo 2^32, each on a pair of cache lines of its own. With a payload of 56 bytes a record and its
// sequence are one cache line.
//
// Order: records are taken in the order in which their slots were claimed, those of one producer as it wrote them.
// `publish` is a release store. A batch is published from its last slot to its first and only the first with
// an atomic store: the consumer looks at no later slot before it has seen the first.
// Full and empty are return values (−1). Nothing is ever overwritten, dropped or allocated.
//
// A producer that dies between `claim` and `publish` leaves a slot that stops the consumer. Producers made with an
// owner number are named by `stalledOwner`, and `disown(owner)` makes what they left void, which the consumer
// skips. Two instructions of a claim come before the number: a death just there remains, as owner 0.
//
// Cost: two locked instructions a record where mpmc_queue.ts has four, about half the time. Figures: base.bench.ts,
// `outcry bench queue`. No allocation.
// Limits: one consumer, which nothing here can check: a second corrupts it. 2^30 slots, 4 GiB of buffer.
import { assert } from './assert.ts';
import { QUEUE_EMPTY, QUEUE_FULL, QUEUE_OWNER_MAX, QUEUE_OWNER_NONE, queueBytes } from './mpmc_queue.ts';

const MAGIC = 0x5153504d; // "MPSQ"
const CLAIMED_AT = 128;
const RELEASED_AT = 256;
const SLOTS_AT = 384;
const SLOT_HEADER_BYTES = 8;
const SLOT_HEADER_WORDS = SLOT_HEADER_BYTES / 4;

/** Released slots that may wait to be told: this part of the queue. */
const UNTOLD_DIVISOR = 8;

/** In `holder`: published by `disown`, nobody wrote it. */
const HOLDER_VOID = -1;
/** In `holder`: the owner below, above it bits of the lap, so that what an earlier lap left is known as that. */
const HOLDER_LAP_SHIFT = 16;

/** Bytes of a queue; `slots` a power of two, `slotBytes` (the payload) a multiple of 8. As one for several consumers. */
export const mpscBytes = queueBytes;

/** Lays out an empty queue at `offset` (a multiple of 64) of the buffer. Before either side is made. */
export function initializeMpsc(
  buffer: ArrayBuffer | SharedArrayBuffer, offset: number, slots: number, slotBytes: number,
): void {
  const bytes = mpscBytes(slots, slotBytes);
  if (offset % 64 !== 0 || offset < 0) throw new RangeError(`offset was ${offset}, expected a multiple of 64`);
  if (offset + bytes > Math.min(buffer.byteLength, 2 ** 32)) {
    throw new RangeError(`the queue needs ${bytes} bytes from ${offset} on, the buffer has ${buffer.byteLength}`);
  }
  const words = new Int32Array(buffer, offset, bytes / 4);
  words.fill(0, 0, SLOTS_AT / 4);
  words[1] = slotBytes;
  words[2] = slots;
  const strideWords = SLOT_HEADER_WORDS + slotBytes / 4;
  for (let slot = 0; slot < slots; slot += 1) {
    const word = SLOTS_AT / 4 + slot * strideWords;
    words[word] = (slot + 1 - slots) | 0; // as if published one lap ago
    words[word + 1] = holderOf((slot - slots) | 0, Math.log2(slots), QUEUE_OWNER_NONE);
  }
  Atomics.store(words, 0, MAGIC);
}

/** What a claim writes into `holder`. */
function holderOf(cursor: number, lapShift: number, owner: number): number {
  return ((cursor >>> lapShift) << HOLDER_LAP_SHIFT) | owner;
}

/** What both sides read of the layout; words count from the start of the buffer. */
class MpscLayout {
  readonly words: Int32Array;
  readonly claimedWord: number;
  readonly releasedWord: number;
  readonly slotsWord: number;
  readonly strideWords: number;
  readonly slotBytes: number;
  readonly slots: number;
  readonly lapShift: number;

  constructor(buffer: ArrayBuffer | SharedArrayBuffer, offset: number) {
    const head = new Int32Array(buffer, offset, SLOTS_AT / 4);
    const magic = Atomics.load(head, 0);
    if (magic !== MAGIC) {
      throw new Error(`no queue at offset ${offset}: its first word was 0x${(magic >>> 0).toString(16)}, expected 0x${MAGIC.toString(16)}`);
    }
    this.slotBytes = head[1];
    this.slots = head[2];
    this.words = new Int32Array(buffer, 0, (offset + mpscBytes(this.slots, this.slotBytes)) / 4);
    this.claimedWord = (offset + CLAIMED_AT) / 4;
    this.releasedWord = (offset + RELEASED_AT) / 4;
    this.slotsWord = (offset + SLOTS_AT) / 4;
    this.strideWords = SLOT_HEADER_WORDS + this.slotBytes / 4;
    this.lapShift = Math.log2(this.slots);
  }
}

/** A writing side; each thread makes its own. Byte offsets are those of the buffer. */
export class MpscProducer {
  readonly slots: number;
  /** Payload bytes. */
  readonly slotBytes: number;
  readonly #words: Int32Array;
  readonly #claimedWord: number;
  readonly #releasedWord: number;
  readonly #slotsWord: number;
  readonly #strideWords: number;
  readonly #mask: number;
  readonly #lapShift: number;
  readonly #owner: number;
  #batchFrom = 0; // cursor of the first slot of the batch claimed …
  #batchCount = 0; // … and its slots; 0: none is open

  /** Attaches to the queue that was laid out at `offset`. */
  constructor(buffer: ArrayBuffer | SharedArrayBuffer, offset: number, owner: number = QUEUE_OWNER_NONE) {
    if (!(Number.isInteger(owner) && owner >= QUEUE_OWNER_NONE && owner <= QUEUE_OWNER_MAX)) {
      throw new RangeError(`owner was ${owner}, expected 0 … ${QUEUE_OWNER_MAX}`);
    }
    const layout = new MpscLayout(buffer, offset);
    this.slots = layout.slots;
    this.slotBytes = layout.slotBytes;
    this.#words = layout.words;
    this.#claimedWord = layout.claimedWord;
    this.#releasedWord = layout.releasedWord;
    this.#slotsWord = layout.slotsWord;
    this.#strideWords = layout.strideWords;
    this.#mask = layout.slots - 1;
    this.#lapShift = layout.lapShift;
    this.#owner = owner;
  }

  /** Byte offset of a free slot, to be written before `publish`; QUEUE_FULL when there is none. */
  claim(): number {
    const words = this.#words;
    let cursor = words[this.#claimedWord]; // may be old, then the exchange fails
    for (;;) {
      if (((cursor - Atomics.load(words, this.#releasedWord)) | 0) >= this.slots) {
        const now = Atomics.load(words, this.#claimedWord);
        if (now === cursor) return QUEUE_FULL;
        cursor = now;
        continue;
      }
      const found = Atomics.compareExchange(words, this.#claimedWord, cursor, (cursor + 1) | 0);
      if (found === cursor) {
        const word = this.#wordOf(cursor);
        words[word + 1] = holderOf(cursor, this.#lapShift, this.#owner);
        return (word + SLOT_HEADER_WORDS) * 4;
      }
      cursor = found;
    }
  }

  /** Hands the claimed slot at `at` to the consumer. Slots may be published in any order. */
  publish(at: number): void {
    const words = this.#words;
    const word = (at >>> 2) - SLOT_HEADER_WORDS;
    const sequence = (words[word] + this.slots) | 0;
    assert(
      words[word + 1] >>> HOLDER_LAP_SHIFT === (((sequence - 1) >>> this.#lapShift) & 0xffff),
      'a slot is published once, by who claimed it',
    );
    Atomics.store(words, word, sequence);
  }

  /**
   * Claims up to `countMax` slots that follow each other, at `claimedAt(0 … count − 1)`; 0 when full. All of them are
   * to be written before `publishMany`, and that comes before the next batch.
   */
  claimMany(countMax: number): number {
    assert(this.#batchCount === 0, 'a batch is published before the next one is claimed');
    const words = this.#words;
    let cursor = Atomics.load(words, this.#claimedWord);
    for (;;) {
      const room = (Atomics.load(words, this.#releasedWord) + this.slots - cursor) | 0;
      const count = Math.min(countMax, room);
      if (count <= 0) {
        const now = Atomics.load(words, this.#claimedWord);
        if (now === cursor) return 0;
        cursor = now;
        continue;
      }
      const found = Atomics.compareExchange(words, this.#claimedWord, cursor, (cursor + count) | 0);
      if (found === cursor) {
        for (let i = 0; i < count; i += 1) {
          words[this.#wordOf(cursor + i) + 1] = holderOf((cursor + i) | 0, this.#lapShift, this.#owner);
        }
        this.#batchFrom = cursor;
        this.#batchCount = count;
        return count;
      }
      cursor = found;
    }
  }

  /** Byte offset of a slot of the batch claimed. */
  claimedAt(index: number): number {
    assert(index < this.#batchCount, 'the index lies in the batch claimed');
    return (this.#wordOf(this.#batchFrom + index) + SLOT_HEADER_WORDS) * 4;
  }

  /** Hands the whole batch claimed to the consumer. */
  publishMany(): void {
    const words = this.#words;
    const from = this.#batchFrom;
    assert(this.#batchCount > 0, 'a batch is claimed before it is published');
    for (let i = this.#batchCount - 1; i > 0; i -= 1) words[this.#wordOf(from + i)] = from + i + 1;
    Atomics.store(words, this.#wordOf(from), (from + 1) | 0);
    this.#batchCount = 0;
  }

  /** Slots that the consumer has not given back yet, published or not. */
  get used(): number {
    // In this order: read the other way round, what was released in between would count as below none.
    const released = Atomics.load(this.#words, this.#releasedWord);
    return Math.min((Atomics.load(this.#words, this.#claimedWord) - released) | 0, this.slots);
  }

  #wordOf(cursor: number): number {
    return this.#slotsWord + (cursor & this.#mask) * this.#strideWords;
  }
}

/** The reading side. */
export class MpscConsumer {
  readonly slots: number;
  /** Payload bytes. */
  readonly slotBytes: number;
  readonly #words: Int32Array;
  readonly #claimedWord: number;
  readonly #releasedWord: number;
  readonly #slotsWord: number;
  readonly #strideWords: number;
  readonly #mask: number;
  readonly #lapShift: number;
  readonly #untoldMax: number;
  #taken: number; // cursor after the last slot taken
  #released: number; // … after the last one released
  #told: number; // … after the last one the producers know to be released

  /** Attaches to the queue that was laid out at `offset`. */
  constructor(buffer: ArrayBuffer | SharedArrayBuffer, offset: number) {
    const layout = new MpscLayout(buffer, offset);
    this.slots = layout.slots;
    this.slotBytes = layout.slotBytes;
    this.#words = layout.words;
    this.#claimedWord = layout.claimedWord;
    this.#releasedWord = layout.releasedWord;
    this.#slotsWord = layout.slotsWord;
    this.#strideWords = layout.strideWords;
    this.#mask = layout.slots - 1;
    this.#lapShift = layout.lapShift;
    this.#untoldMax = Math.max(1, layout.slots / UNTOLD_DIVISOR);
    this.#told = Atomics.load(this.#words, this.#releasedWord);
    this.#released = this.#told;
    this.#taken = this.#told;
  }

  /** Byte offset of the oldest record, to be read before `release`; QUEUE_EMPTY when there is none. */
  take(): number {
    const words = this.#words;
    for (;;) {
      const taken = this.#taken;
      const word = this.#wordOf(taken);
      if (Atomics.load(words, word) !== ((taken + 1) | 0)) {
        if (this.#told !== this.#released) this.#tell();
        return QUEUE_EMPTY;
      }
      this.#taken = (taken + 1) | 0;
      if (words[word + 1] !== HOLDER_VOID) return (word + SLOT_HEADER_WORDS) * 4;
      if (this.#released === taken) this.release(); // nothing is held: the void slot goes back by itself
    }
  }

  /** Gives up every record taken; the producers have the slots at the latest when `take` finds nothing. */
  release(): void {
    this.#released = this.#taken;
    if (((this.#released - this.#told) | 0) >= this.#untoldMax) this.#tell();
  }

  #tell(): void {
    this.#told = this.#released;
    Atomics.store(this.#words, this.#releasedWord, this.#told);
  }

  /** Slots claimed and not yet taken, published or not. */
  get depth(): number {
    return (Atomics.load(this.#words, this.#claimedWord) - this.#taken) | 0;
  }

  /**
   * The owner of the slot that is next to be taken, when it is claimed and not yet published (QUEUE_OWNER_NONE: unknown);
   * QUEUE_EMPTY when no slot keeps the consumer waiting. Of a living producer that is a matter of moments; the same
   * answer again and again says that it died or sleeps.
   */
  get stalledOwner(): number {
    const taken = this.#taken;
    const word = this.#wordOf(taken);
    if (this.depth === 0 || Atomics.load(this.#words, word) === ((taken + 1) | 0)) return QUEUE_EMPTY;
    const holder = Atomics.load(this.#words, word + 1);
    const owner = holder & 0xffff;
    return holder === holderOf(taken, this.#lapShift, owner) ? owner : QUEUE_OWNER_NONE;
  }

  /**
   * Makes void what a dead producer has claimed and not published; returns how many slots. Only for an owner that certainly
   * works no more (its thread has exited, its process was waited for); the others may go on meanwhile.
   */
  disown(owner: number): number {
    assert(owner > QUEUE_OWNER_NONE && owner <= QUEUE_OWNER_MAX, 'who left the slots has an owner number');
    const words = this.#words;
    let freed = 0;
    for (let i = 0; i < this.depth; i += 1) {
      const cursor = (this.#taken + i) | 0;
      const word = this.#wordOf(cursor);
      if (Atomics.load(words, word) === ((cursor + 1) | 0)) continue;
      if (Atomics.load(words, word + 1) !== holderOf(cursor, this.#lapShift, owner)) continue;
      Atomics.store(words, word + 1, HOLDER_VOID);
      Atomics.store(words, word, (cursor + 1) | 0);
      freed += 1;
    }
    return freed;
  }

  #wordOf(cursor: number): number {
    return this.#slotsWord + (cursor & this.#mask) * this.#strideWords;
  }
}

/** That cursors and sequences of a queue make sense while nobody works on it and nobody holds a slot; for tests. */
export function checkMpsc(buffer: ArrayBuffer | SharedArrayBuffer, offset: number): void {
  const layout = new MpscLayout(buffer, offset);
  const { words, slots } = layout;
  const claimed = words[layout.claimedWord];
  const released = words[layout.releasedWord];
  const used = (claimed - released) | 0;
  assert(used >= 0, 'only what was claimed has been released');
  assert(used <= slots, 'only what was released has been claimed again');
  for (let i = 0; i < slots; i += 1) {
    const cursor = (released + i - (i < used ? 0 : slots)) | 0;
    const sequence = words[layout.slotsWord + (cursor & (slots - 1)) * layout.strideWords];
    assert(sequence === ((cursor + 1) | 0), 'every slot was last published by its last claim');
  }
}
