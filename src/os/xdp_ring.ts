// The four rings of an AF_XDP socket, each shared with the kernel, single producer and single consumer.
//
//   entries:  0        cons            prod      size−1      the positions rise for ever and wrap at 2^32; entry = position & mask
//             │ free   │ filled ░░░░░░ │ free    │
//
// Two rings are filled by us (fill: frames to receive into; send), two by the kernel (received; completed). Entries of fill
// and completed are one address (u64), those of received and send are address u64, length u32, options u32.
// Ordering: an entry is written before the producer's position is stored, and read before the consumer's is. `Atomics` on
// both positions gives that; each side keeps the other's position cached and loads it only when that says full or empty,
// because the line belongs to the other side.
// Cost: two atomic operations a burst, whatever its size.
import { assert } from '../base/assert.ts';

/** The kernel wants to be called to go on. */
const NEEDS_WAKEUP = 1;
const WORDS_OF_ADDRESS = 2;
const WORDS_OF_DESCRIPTOR = 4;

/** Views over what the kernel shares; see xdp_socket.ts. All positions and flags are one word each. */
export interface RingMemory {
  producer: Uint32Array;
  consumer: Uint32Array;
  flags: Uint32Array;
  /** Two or four words an entry. */
  entries: Uint32Array;
  /** A power of two. */
  size: number;
}

/** What both sides of all four have. */
class Ring {
  readonly size: number;
  protected readonly producer: Uint32Array;
  protected readonly consumer: Uint32Array;
  protected readonly entries: Uint32Array;
  protected readonly mask: number;
  readonly #flags: Uint32Array;

  constructor(memory: RingMemory, words: number) {
    assert(memory.size > 0 && (memory.size & (memory.size - 1)) === 0, 'a ring has a power of two of entries');
    assert(memory.entries.length === memory.size * words, 'the ring memory holds its entries');
    this.size = memory.size;
    this.mask = memory.size - 1;
    this.producer = memory.producer;
    this.consumer = memory.consumer;
    this.entries = memory.entries;
    this.#flags = memory.flags;
  }

  get needsWakeup(): boolean {
    return (Atomics.load(this.#flags, 0) & NEEDS_WAKEUP) !== 0;
  }
}

/** We fill it. `put` as often as `free` allows, then `publish` once. */
class ProducerRing extends Ring {
  #next: number; // written, not yet published
  #published: number;
  #consumed: number; // the kernel's position, as last loaded

  constructor(memory: RingMemory, words: number) {
    super(memory, words);
    this.#next = Atomics.load(this.producer, 0);
    this.#published = this.#next;
    this.#consumed = Atomics.load(this.consumer, 0);
  }

  /** Whether `count` more entries fit. */
  hasRoom(count: number): boolean {
    if (this.size - ((this.#next - this.#consumed) >>> 0) >= count) return true;
    this.#consumed = Atomics.load(this.consumer, 0);
    return this.size - ((this.#next - this.#consumed) >>> 0) >= count;
  }

  /** Entries that the kernel has not taken yet. */
  get waiting(): number {
    this.#consumed = Atomics.load(this.consumer, 0);
    return (this.#next - this.#consumed) >>> 0;
  }

  /** The index of the next entry, which is then taken. */
  protected take(): number {
    const index = this.#next & this.mask;
    this.#next = (this.#next + 1) >>> 0;
    return index;
  }

  /** Shows the kernel what was put since the last time; false: nothing was. */
  publish(): boolean {
    if (this.#next === this.#published) return false;
    this.#published = this.#next;
    Atomics.store(this.producer, 0, this.#next);
    return true;
  }
}

/** The kernel fills it. `peek` says how many wait; what was read is given back by `release`. */
class ConsumerRing extends Ring {
  protected position: number;
  #produced: number;

  constructor(memory: RingMemory, words: number) {
    super(memory, words);
    this.position = Atomics.load(this.consumer, 0);
    this.#produced = Atomics.load(this.producer, 0);
  }

  /** Entries that wait, at most `max`. */
  peek(max: number): number {
    let count = (this.#produced - this.position) >>> 0;
    if (count === 0) {
      this.#produced = Atomics.load(this.producer, 0);
      count = (this.#produced - this.position) >>> 0;
    }
    return count < max ? count : max;
  }

  release(count: number): void {
    this.position = (this.position + count) >>> 0;
    Atomics.store(this.consumer, 0, this.position);
  }
}

export class FillRing extends ProducerRing {
  constructor(memory: RingMemory) {
    super(memory, WORDS_OF_ADDRESS);
  }

  put(address: number): void {
    const word = this.take() * WORDS_OF_ADDRESS;
    this.entries[word] = address;
    this.entries[word + 1] = 0; // frames lie in the first 4 GB of their memory
  }
}

export class SendRing extends ProducerRing {
  constructor(memory: RingMemory) {
    super(memory, WORDS_OF_DESCRIPTOR);
  }

  put(address: number, bytes: number): void {
    const word = this.take() * WORDS_OF_DESCRIPTOR;
    this.entries[word] = address;
    this.entries[word + 1] = 0;
    this.entries[word + 2] = bytes;
    this.entries[word + 3] = 0;
  }
}

export class CompletedRing extends ConsumerRing {
  constructor(memory: RingMemory) {
    super(memory, WORDS_OF_ADDRESS);
  }

  /** The address of the entry `index` behind the first that waits. */
  address(index: number): number {
    return this.entries[((this.position + index) & this.mask) * WORDS_OF_ADDRESS];
  }
}

export class ReceivedRing extends ConsumerRing {
  constructor(memory: RingMemory) {
    super(memory, WORDS_OF_DESCRIPTOR);
  }

  address(index: number): number {
    return this.entries[((this.position + index) & this.mask) * WORDS_OF_DESCRIPTOR];
  }

  bytes(index: number): number {
    return this.entries[((this.position + index) & this.mask) * WORDS_OF_DESCRIPTOR + 2];
  }
}
