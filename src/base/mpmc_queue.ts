// A queue of fixed-size slots between any number of producers and any number of consumers, without a
// lock, in shared memory: between threads, or between processes over one mapping.
//
//   0             128            256            384
//   │ description │ claimed      │ taken        │ slot 0 │ slot 1 │ … │ slot n−1 │
//   magic, slot     cursor of      cursor of      n a power of two
//   bytes, slots    the producers  the consumers
//
//   slot:  │ sequence u32 │ holder u32 │ slotBytes of payload │
//
// Both cursors count slots since the start, modulo 2^32; slot number = cursor & (n − 1). Each lies on a
// pair of cache lines of its own (the prefetcher takes lines in pairs). With a payload of 56 bytes a
// record and its sequence are one cache line.
//
// The sequence says whose turn a slot is, for the cursor p that comes to it next:
//
//   2p          free, or claimed and being written:  a producer that moves `claimed` from p to p + 1 has it
//   2p + 1      published, or taken and being read:  a consumer that moves `taken` from p to p + 1 has it
//   2(p + n)    released: free again, for the cursor one lap later
//
// (Dmitry Vyukov's bounded queue, with the sequence doubled: so that its lowest bit tells the two kinds of
// owner apart, which finds a slot published or released twice, and so that one slot is enough.)
//
// Order: records are taken in the order in which their slots were claimed; so the records of one producer
// are, and a consumer sees them rising. `publish` is a release store: who takes a record sees all that its
// producer wrote before. A batch is published from its last slot to its first and only the first with an
// atomic store: nobody looks at a later slot before somebody has seen the first (cursors advance one slot at
// a time), and through it all the others. `releaseMany` does the same towards the producers.
//
// Full and empty are return values (−1) and exact at the moment of the answer: "full" when the oldest slot
// has not been released, "empty" when the oldest record has not been published, even if later ones have.
// Nothing is ever overwritten, dropped or allocated.
//
// A producer that dies between `claim` and `publish` leaves a slot that stops all consumers; a consumer that
// dies between `take` and `release` one that stops all producers a lap later. A handle made with an owner
// number writes it into each slot it holds, so `stalledOwner` names the first, and `disown(owner)` frees
// what either has left: unpublished slots are skipped, taken records count as delivered. Two instructions
// of a claim come before the number: a death just there (a process that is killed) remains, as owner 0.
//
// Cost: claim + publish + take + release are four locked instructions. No allocation.
// Figures: base.bench.ts, `outcry bench queue`.
// Limits: 2^29 slots, 4 GiB of buffer. Lock-free as a whole, not wait-free: a thread that loses the race for a
// cursor goes round again. A thread that sleeps inside `claim` or `take` while exactly 2^32 others go by is
// not noticed (at 50 million a second 86 s asleep, to the very record).
import { assert } from './assert.ts';

const MAGIC = 0x514d504d; // "MPMQ"
const CLAIMED_AT = 128;
const TAKEN_AT = 256;
const SLOTS_AT = 384;
const SLOT_HEADER_BYTES = 8;
/** From the word of a sequence to its payload. */
export const SLOT_HEADER_WORDS = SLOT_HEADER_BYTES / 4;

/** Twice the slots must stay below half of 2^32, so that a difference of sequences has a sign. */
export const QUEUE_SLOTS_MAX = 2 ** 29;
/** `claim` when there is no free slot. */
export const QUEUE_FULL = -1;
/** `take` when there is no record. */
export const QUEUE_EMPTY = -1;
/** A handle without an owner number: its slots cannot be disowned. */
export const QUEUE_OWNER_NONE = 0;
export const QUEUE_OWNER_MAX = 2 ** 30 - 1;

/** In `holder`: the owner beside it is a consumer. */
export const HOLDER_TAKEN = 0x4000_0000;
/** In `holder`: published by `disown`, nobody wrote it. */
export const HOLDER_VOID = -1;

/** Bytes of a queue; `slots` a power of two, `slotBytes` (the payload) a multiple of 8. */
export function queueBytes(slots: number, slotBytes: number): number {
  if (!(Number.isInteger(slots) && slots >= 1 && slots <= QUEUE_SLOTS_MAX && Number.isInteger(Math.log2(slots)))) {
    throw new RangeError(`slots was ${slots}, expected a power of two of at most ${QUEUE_SLOTS_MAX}`);
  }
  if (!(Number.isInteger(slotBytes) && slotBytes >= 8 && slotBytes % 8 === 0)) {
    throw new RangeError(`slotBytes was ${slotBytes}, expected a multiple of 8`);
  }
  return SLOTS_AT + slots * (SLOT_HEADER_BYTES + slotBytes);
}

/** Lays out an empty queue at `offset` (a multiple of 64) of the buffer. Before any handle is made. */
export function initializeQueue(
  buffer: ArrayBuffer | SharedArrayBuffer, offset: number, slots: number, slotBytes: number,
): void {
  const bytes = queueBytes(slots, slotBytes);
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
    words[word] = 2 * slot;
    words[word + 1] = QUEUE_OWNER_NONE;
  }
  Atomics.store(words, 0, MAGIC);
}

/** What a handle reads of the layout. Words count from the start of the buffer. */
export class QueueLayout {
  readonly words: Int32Array;
  readonly claimedWord: number;
  readonly takenWord: number;
  readonly slotsWord: number;
  readonly strideWords: number;
  readonly slots: number;
  readonly slotBytes: number;

  constructor(buffer: ArrayBuffer | SharedArrayBuffer, offset: number, owner: number) {
    if (!(Number.isInteger(owner) && owner >= QUEUE_OWNER_NONE && owner <= QUEUE_OWNER_MAX)) {
      throw new RangeError(`owner was ${owner}, expected 0 … ${QUEUE_OWNER_MAX}`);
    }
    const head = new Int32Array(buffer, offset, SLOTS_AT / 4);
    const magic = Atomics.load(head, 0);
    if (magic !== MAGIC) {
      throw new Error(`no queue at offset ${offset}: its first word was 0x${(magic >>> 0).toString(16)}, expected 0x${MAGIC.toString(16)}`);
    }
    this.slotBytes = head[1];
    this.slots = head[2];
    this.words = new Int32Array(buffer, 0, (offset + queueBytes(this.slots, this.slotBytes)) / 4);
    this.claimedWord = (offset + CLAIMED_AT) / 4;
    this.takenWord = (offset + TAKEN_AT) / 4;
    this.slotsWord = (offset + SLOTS_AT) / 4;
    this.strideWords = SLOT_HEADER_WORDS + this.slotBytes / 4;
  }
}

/**
 * A handle: each thread makes its own, for producing, consuming or both. Byte offsets are those of the
 * buffer; a slot is the caller's from `claim` to `publish`, and from `take` to `release`. Slots may be
 * published and released in any order; many may be held at once.
 */
export class MpmcQueue {
  readonly slots: number;
  /** Payload bytes. */
  readonly slotBytes: number;
  readonly #words: Int32Array;
  readonly #claimedWord: number;
  readonly #takenWord: number;
  readonly #slotsWord: number;
  readonly #strideWords: number;
  readonly #mask: number;
  readonly #lap: number; // what a sequence gains in a lap
  readonly #owner: number;
  #claimedFrom = 0; // cursor of the first slot of the batch claimed …
  #claimedCount = 0; // … and its slots; 0: none is open
  #takenFrom = 0;
  #takenCount = 0;

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
    this.#mask = this.slots - 1;
    this.#lap = 2 * this.slots;
    this.#owner = owner;
  }

  /** Byte offset of a free slot, to be written before `publish`; QUEUE_FULL when there is none. */
  claim(): number {
    const words = this.#words;
    let cursor = words[this.#claimedWord];
    for (;;) {
      const word = this.#slotsWord + (cursor & this.#mask) * this.#strideWords;
      const ahead = (Atomics.load(words, word) - (cursor << 1)) | 0;
      if (ahead < 0) return QUEUE_FULL;
      if (ahead === 0) {
        const found = Atomics.compareExchange(words, this.#claimedWord, cursor, (cursor + 1) | 0);
        if (found === cursor) {
          words[word + 1] = this.#owner;
          return (word + SLOT_HEADER_WORDS) * 4;
        }
        cursor = found;
      } else {
        cursor = Atomics.load(words, this.#claimedWord); // what was read is old
      }
    }
  }

  /** Hands the claimed slot at `at` to the consumers. */
  publish(at: number): void {
    const words = this.#words;
    const word = (at >>> 2) - SLOT_HEADER_WORDS;
    const sequence = words[word];
    assert((sequence & 1) === 0, 'a slot is published once, by who claimed it');
    Atomics.store(words, word, sequence + 1);
  }

  /** Byte offset of the oldest record, to be read before `release`; QUEUE_EMPTY when there is none. */
  take(): number {
    const words = this.#words;
    let cursor = words[this.#takenWord];
    for (;;) {
      const word = this.#slotsWord + (cursor & this.#mask) * this.#strideWords;
      const ahead = (Atomics.load(words, word) - ((cursor << 1) + 1)) | 0;
      if (ahead < 0) return QUEUE_EMPTY;
      if (ahead > 0) {
        cursor = Atomics.load(words, this.#takenWord);
        continue;
      }
      const found = Atomics.compareExchange(words, this.#takenWord, cursor, (cursor + 1) | 0);
      if (found !== cursor) {
        cursor = found;
        continue;
      }
      const at = (word + SLOT_HEADER_WORDS) * 4;
      const isVoid = words[word + 1] === HOLDER_VOID;
      words[word + 1] = this.#owner | HOLDER_TAKEN;
      if (!isVoid) return at;
      this.release(at);
      cursor = (cursor + 1) | 0;
    }
  }

  /** Gives the slot of a record taken back to the producers. */
  release(at: number): void {
    const words = this.#words;
    const word = (at >>> 2) - SLOT_HEADER_WORDS;
    const sequence = words[word];
    assert((sequence & 1) === 1, 'a slot is released once, by who took it');
    Atomics.store(words, word, (sequence - 1 + this.#lap) | 0);
  }

  /**
   * Claims up to `countMax` slots that follow each other, at `claimedAt(0 … count − 1)`; 0 when full. All of
   * them are to be written before `publishMany`, and that comes before the next batch.
   */
  claimMany(countMax: number): number {
    assert(this.#claimedCount === 0, 'a batch is published before the next one is claimed');
    const words = this.#words;
    const most = Math.min(countMax, this.slots);
    for (;;) {
      const cursor = Atomics.load(words, this.#claimedWord);
      const count = this.#run(cursor, cursor << 1, most);
      if (count === 0) {
        // Full, unless another producer has moved on since the cursor was read.
        if (Atomics.load(words, this.#claimedWord) === cursor) return 0;
        continue;
      }
      if (Atomics.compareExchange(words, this.#claimedWord, cursor, (cursor + count) | 0) !== cursor) continue;
      for (let i = 0; i < count; i += 1) words[this.#wordOf(cursor + i) + 1] = this.#owner;
      this.#claimedFrom = cursor;
      this.#claimedCount = count;
      return count;
    }
  }

  /** Byte offset of a slot of the batch claimed. */
  claimedAt(index: number): number {
    assert(index < this.#claimedCount, 'the index lies in the batch claimed');
    return (this.#wordOf(this.#claimedFrom + index) + SLOT_HEADER_WORDS) * 4;
  }

  /** Hands the whole batch claimed to the consumers. */
  publishMany(): void {
    const words = this.#words;
    const from = this.#claimedFrom;
    const count = this.#claimedCount;
    assert(count > 0, 'a batch is claimed before it is published');
    for (let i = count - 1; i > 0; i -= 1) words[this.#wordOf(from + i)] = ((from + i) << 1) + 1;
    Atomics.store(words, this.#wordOf(from), (from << 1) + 1);
    this.#claimedCount = 0;
  }

  /** Takes up to `countMax` records, oldest first, at `takenAt(0 … count − 1)`; 0 when empty. */
  takeMany(countMax: number): number {
    assert(this.#takenCount === 0, 'a batch is released before the next one is taken');
    const words = this.#words;
    const most = Math.min(countMax, this.slots);
    for (;;) {
      const cursor = Atomics.load(words, this.#takenWord);
      const count = this.#run(cursor, (cursor << 1) + 1, most);
      if (count === 0) {
        // Empty, unless another consumer has moved on since the cursor was read, or the oldest is void.
        if (this.#skipVoid(cursor)) continue;
        if (Atomics.load(words, this.#takenWord) === cursor) return 0;
        continue;
      }
      if (Atomics.compareExchange(words, this.#takenWord, cursor, (cursor + count) | 0) !== cursor) continue;
      for (let i = 0; i < count; i += 1) words[this.#wordOf(cursor + i) + 1] = this.#owner | HOLDER_TAKEN;
      this.#takenFrom = cursor;
      this.#takenCount = count;
      return count;
    }
  }

  /** Byte offset of a record of the batch taken. */
  takenAt(index: number): number {
    assert(index < this.#takenCount, 'the index lies in the batch taken');
    return (this.#wordOf(this.#takenFrom + index) + SLOT_HEADER_WORDS) * 4;
  }

  /** Gives the whole batch taken back to the producers. */
  releaseMany(): void {
    const words = this.#words;
    const from = this.#takenFrom;
    const count = this.#takenCount;
    assert(count > 0, 'a batch is taken before it is released');
    for (let i = count - 1; i > 0; i -= 1) words[this.#wordOf(from + i)] = (from + i + this.slots) << 1;
    Atomics.store(words, this.#wordOf(from), (from + this.slots) << 1);
    this.#takenCount = 0;
  }
  /** Slots claimed and not yet taken, published or not; read from any thread, as of one moment of the call. */
  get depth(): number {
    for (;;) {
      const taken = Atomics.load(this.#words, this.#takenWord);
      const claimed = Atomics.load(this.#words, this.#claimedWord);
      if (Atomics.load(this.#words, this.#takenWord) === taken) return (claimed - taken) | 0;
    }
  }

  /**
   * The owner of the slot that is next to be taken, when it is claimed and not yet published (QUEUE_OWNER_NONE:
   * unknown); QUEUE_EMPTY when no slot keeps the consumers waiting. Of a living producer that is a matter of
   * moments; the same answer again and again while `takenCursor` stands still says that it died or sleeps.
   */
  get stalledOwner(): number {
    const words = this.#words;
    for (;;) {
      const taken = Atomics.load(words, this.#takenWord);
      const claimed = Atomics.load(words, this.#claimedWord);
      const word = this.#wordOf(taken);
      const sequence = Atomics.load(words, word);
      const holder = Atomics.load(words, word + 1);
      if (Atomics.load(words, this.#takenWord) !== taken) continue;
      if (claimed === taken || sequence !== taken << 1) return QUEUE_EMPTY;
      return holder >= 0 && (holder & HOLDER_TAKEN) === 0 ? holder : QUEUE_OWNER_NONE;
    }
  }

  /** The consumers' cursor, modulo 2^32. */
  get takenCursor(): number {
    return Atomics.load(this.#words, this.#takenWord);
  }

  /**
   * Frees every slot that a dead owner has left: those it claimed become void, which consumers skip, and those
   * it took are released, their records lost. Returns how many. Only for an owner that certainly works no more
   * (its thread has exited, its process was waited for); all others may go on meanwhile.
   */
  disown(owner: number): number {
    assert(owner > QUEUE_OWNER_NONE && owner <= QUEUE_OWNER_MAX, 'who left the slots has an owner number');
    const words = this.#words;
    let freed = 0;
    for (let slot = 0; slot < this.slots; slot += 1) {
      const word = this.#wordOf(slot);
      const sequence = Atomics.load(words, word);
      const holder = Atomics.load(words, word + 1);
      if ((sequence & 1) === 0 && holder === owner) {
        Atomics.store(words, word + 1, HOLDER_VOID);
        Atomics.store(words, word, sequence + 1);
        freed += 1;
      } else if ((sequence & 1) === 1 && holder === (owner | HOLDER_TAKEN)) {
        Atomics.store(words, word, (sequence - 1 + this.#lap) | 0);
        freed += 1;
      }
    }
    return freed;
  }

  /** Word of the sequence of the slot that a cursor comes to. */
  #wordOf(cursor: number): number {
    return this.#slotsWord + (cursor & this.#mask) * this.#strideWords;
  }

  /** How many slots from `cursor` on, at most `most`, have the sequence that a batch wants, from `sequence` on. */
  #run(cursor: number, sequence: number, most: number): number {
    const words = this.#words;
    for (let i = 0; i < most; i += 1) {
      const word = this.#wordOf(cursor + i);
      if (Atomics.load(words, word) !== ((sequence + 2 * i) | 0)) return i;
      if (words[word + 1] === HOLDER_VOID) return i;
    }
    return most;
  }

  /** Takes the record at `cursor` and gives it back when it is void; true when it was. */
  #skipVoid(cursor: number): boolean {
    const words = this.#words;
    const word = this.#wordOf(cursor);
    if (Atomics.load(words, word) !== (cursor << 1) + 1 || words[word + 1] !== HOLDER_VOID) return false;
    if (Atomics.compareExchange(words, this.#takenWord, cursor, (cursor + 1) | 0) === cursor) {
      words[word + 1] = this.#owner | HOLDER_TAKEN;
      this.release((word + SLOT_HEADER_WORDS) * 4);
    }
    return true;
  }
}

/** That cursors and sequences of a queue make sense while nobody works on it and nobody holds a slot; for tests. */
export function checkQueue(buffer: ArrayBuffer | SharedArrayBuffer, offset: number): void {
  const words = new Int32Array(buffer, offset);
  const slots = words[2];
  const strideWords = SLOT_HEADER_WORDS + words[1] / 4;
  const claimed = words[CLAIMED_AT / 4];
  const taken = words[TAKEN_AT / 4];
  const depth = (claimed - taken) | 0;
  assert(depth >= 0, 'only what was claimed has been taken');
  assert(depth <= slots, 'only what was released has been claimed again');
  for (let i = 0; i < slots; i += 1) {
    const cursor = (taken + i) | 0;
    const sequence = words[SLOTS_AT / 4 + (cursor & (slots - 1)) * strideWords];
    assert(sequence === ((cursor << 1) | (i < depth ? 1 : 0)), 'what was claimed is published, the rest is free');
  }
}
