// Datagrams that came too early, kept until those before them have come.
//
//   bytes   [ slot 0 | slot 1 | slot 2 | … ]         slotBytes each, for one datagram
//   sorted  [ … | 2 | 0 | … ]  #length from #start   slots in the order of their first sequence
//   free    [ 1 | 3 | … ]                            the others, but for the receive slot
//
// One slot is always held back as `receiveSlot`: the socket writes into it, and keeping the
// datagram means keeping the slot and taking another, so nothing is copied.
//
// Order: by first sequence, then by arrival. Cost: O(log n) to find the place and a move of the
// indices behind it; datagrams nearly always belong at the end, which moves none. Dropping the
// first moves #start, and now and then, when the window has reached the end of its array, all of it
// back to the front. Limit: `capacity` datagrams; when they are full a new one is refused, never an
// older one lost.
import { assert } from '../base/assert.ts';

export class DatagramQueue {
  readonly bytes: Uint8Array;
  readonly view: DataView;
  readonly slotBytes: number;
  readonly capacity: number;
  /** Slot that the next datagram is received into. */
  receiveSlot = 0;

  readonly #first: Float64Array;
  readonly #count: Uint32Array;
  readonly #sorted: Int32Array;
  readonly #free: Int32Array;
  #start = 0;
  #length = 0;
  #freeLength: number;

  constructor(capacity: number, slotBytes: number) {
    if (!Number.isInteger(capacity) || capacity < 1) {
      throw new RangeError(`capacity: expected at least 1, was ${capacity}`);
    }
    this.capacity = capacity;
    this.slotBytes = slotBytes;
    const slots = capacity + 1;
    this.bytes = new Uint8Array(slots * slotBytes);
    this.view = new DataView(this.bytes.buffer);
    this.#first = new Float64Array(slots);
    this.#count = new Uint32Array(slots);
    this.#sorted = new Int32Array(2 * slots);
    this.#free = new Int32Array(slots);
    for (let i = 0; i < capacity; i++) this.#free[i] = slots - 1 - i;
    this.#freeLength = capacity;
  }

  get length(): number {
    return this.#length;
  }

  /** First sequence of the i-th datagram in order. */
  firstAt(i: number): number {
    assert(i < this.#length, 'datagram index lies below the length');
    return this.#first[this.#sorted[this.#start + i]];
  }

  /** Sequence after the last message of the i-th datagram in order. */
  endAt(i: number): number {
    assert(i < this.#length, 'datagram index lies below the length');
    const slot = this.#sorted[this.#start + i];
    return this.#first[slot] + this.#count[slot];
  }

  /** Slot of the first datagram in order. */
  get headSlot(): number {
    assert(this.#length > 0, 'a datagram is queued');
    return this.#sorted[this.#start];
  }

  get headCount(): number {
    assert(this.#length > 0, 'a datagram is queued');
    return this.#count[this.#sorted[this.#start]];
  }

  /**
   * Keeps the datagram in the receive slot, messages first … first + count − 1.
   * 1: kept; 0: these very messages are queued already; −1: full.
   */
  keep(first: number, count: number): number {
    const sorted = this.#sorted;
    let at = this.#placeOf(first);
    for (let i = at - 1; i >= this.#start && this.#first[sorted[i]] === first; i--) {
      if (this.#count[sorted[i]] >= count) return 0;
    }
    if (this.#freeLength === 0) return -1;
    if (this.#start + this.#length === sorted.length) {
      at -= this.#start;
      sorted.copyWithin(0, this.#start);
      this.#start = 0;
    }
    const slot = this.receiveSlot;
    this.#first[slot] = first;
    this.#count[slot] = count;
    sorted.copyWithin(at + 1, at, this.#start + this.#length);
    sorted[at] = slot;
    this.#length++;
    this.receiveSlot = this.#free[--this.#freeLength];
    return 1;
  }

  /** Frees the first datagram in order. */
  dropHead(): void {
    assert(this.#length > 0, 'a datagram is queued');
    this.#free[this.#freeLength++] = this.#sorted[this.#start++];
    this.#length--;
  }

  clear(): void {
    while (this.#length > 0) this.dropHead();
    this.#start = 0;
  }

  /** O(n): every slot is held exactly once, and the order holds. */
  checkInvariants(): void {
    assert(
      this.#length + this.#freeLength === this.capacity, 'queued and free slots make the capacity',
    );
    const seen = new Set<number>([this.receiveSlot]);
    for (let i = 0; i < this.#length; i++) seen.add(this.#sorted[this.#start + i]);
    for (let i = 0; i < this.#freeLength; i++) seen.add(this.#free[i]);
    assert(seen.size === this.capacity + 1, 'no slot is held twice');
    for (let i = 1; i < this.#length; i++) {
      assert(this.firstAt(i - 1) <= this.firstAt(i), 'queued datagrams are in order');
    }
  }

  /** Index into #sorted of the first queued datagram that begins after `first`. */
  #placeOf(first: number): number {
    let low = this.#start;
    let high = low + this.#length;
    if (this.#length > 0 && this.#first[this.#sorted[high - 1]] <= first) return high;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#first[this.#sorted[middle]] <= first) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
