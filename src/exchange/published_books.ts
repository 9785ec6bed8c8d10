// The books as the feed has told them so far: what a receiver who has missed nothing holds. The
// feed publisher looks up here what an event does not repeat (price and priority of the order it
// changes), and snapshots are taken from here, at the very sequence that the feed has reached.
//
//   order id ─hash─► slot (64 bytes): id, priority, price, quantity, links, snapshot marks
//   per book and side: list of slots in order of arrival, which keeps every level's queue in order
//
// A snapshot is frozen at one instant and read at leisure, so that a large book neither bursts nor
// stops the exchange: an order that changes before the walk has come to it keeps what it was
// (`frozenQty`), one that leaves stays in its list as a ghost until the walk has passed, one that
// comes meanwhile is skipped.
//
//   freeze() ──► walk: list 0, list 1, … ──► done          one walk at a time
//
// Order: rising arrival in each list. Cost: a hash look-up and some stores an update, no
// allocation.
// Limits: `ordersMax` live orders, and as many ghosts.
import { assert } from '../base/assert.ts';

/** Words of a slot. */
const ORDER_LO = 0;
const ORDER_HI = 1;
const PRIORITY_LO = 2;
const PRIORITY_HI = 3;
const PRICE = 4;
const QTY = 5;
const NEXT = 6;
const PREVIOUS = 7;
const LIST = 8;
/** Walk during which it came. */
const BORN = 9;
/** Walk that has passed it. */
const WALKED = 10;
/** Walk for which FROZEN_QTY is kept. */
const FROZEN = 11;
const FROZEN_QTY = 12;
/** 64 bytes: an order costs one cache line. */
const SLOT_WORDS = 16;
assert(FROZEN_QTY < SLOT_WORDS, 'the fields of a slot fit');
/** Of an order in a snapshot: its list, and the words up to its quantity. */
const SAVED_WORDS = QTY + 2;

const NONE = 0;
const HASH_FACTOR = 0x9e37_79b1;
/** Ids that follow each other share a cache line of the table: 16 entries of 4 bytes. */
const LINE_BITS = 4;
const LINE_MASK = (1 << LINE_BITS) - 1;

export class PublishedBooks {
  readonly books: number;
  /** Orders in all books. */
  live = 0;
  readonly #i32: Int32Array;
  readonly #u32: Uint32Array;
  readonly #table: Int32Array;
  readonly #tableMask: number;
  readonly #tableShift: number;
  readonly #heads: Int32Array;
  readonly #tails: Int32Array;
  readonly #slotsMax: number;
  #free = NONE;
  #fresh = 1;

  /** Number of the walk that runs or ran last. */
  #walk = 0;
  #walking = false;
  #walkList = 0;
  #walkNext = NONE;

  constructor(books: number, ordersMax: number) {
    this.books = books;
    // Live orders and ghosts; slot 0 is nobody. Pages that are never touched cost nothing.
    this.#slotsMax = 2 * ordersMax + 1;
    this.#i32 = new Int32Array(this.#slotsMax * SLOT_WORDS);
    this.#u32 = new Uint32Array(this.#i32.buffer);
    let bits = LINE_BITS + 4;
    while (1 << bits < ordersMax * 2) bits++;
    this.#table = new Int32Array(1 << bits);
    this.#tableMask = (1 << bits) - 1;
    this.#tableShift = 32 - (bits - LINE_BITS);
    this.#heads = new Int32Array(books * 2);
    this.#tails = new Int32Array(books * 2);
  }

  /** Slot of a live order, 0 for none. */
  find(orderLo: number, orderHi: number): number {
    const table = this.#table;
    const u32 = this.#u32;
    for (let i = this.#home(orderLo, orderHi); table[i] !== NONE; i = (i + 1) & this.#tableMask) {
      const word = table[i] * SLOT_WORDS;
      if (u32[word + ORDER_LO] === orderLo && u32[word + ORDER_HI] === orderHi) return table[i];
    }
    return NONE;
  }

  priceOf(slot: number): number {
    return this.#i32[slot * SLOT_WORDS + PRICE];
  }

  qtyOf(slot: number): number {
    return this.#u32[slot * SLOT_WORDS + QTY];
  }

  sideOf(slot: number): number {
    return (this.#i32[slot * SLOT_WORDS + LIST] & 1) === 0 ? 1 : -1;
  }

  priorityLoOf(slot: number): number {
    return this.#u32[slot * SLOT_WORDS + PRIORITY_LO];
  }

  priorityHiOf(slot: number): number {
    return this.#u32[slot * SLOT_WORDS + PRIORITY_HI];
  }

  /** Puts an order at the back of its side. */
  add(
    book: number,
    side: number,
    orderLo: number,
    orderHi: number,
    price: number,
    qty: number,
    priorityLo: number,
    priorityHi: number,
  ): void {
    const slot = this.#take();
    const list = book * 2 + (side > 0 ? 0 : 1);
    const i32 = this.#i32;
    const word = slot * SLOT_WORDS;
    const tail = this.#tails[list];
    i32[word + ORDER_LO] = orderLo;
    i32[word + ORDER_HI] = orderHi;
    i32[word + PRIORITY_LO] = priorityLo;
    i32[word + PRIORITY_HI] = priorityHi;
    i32[word + PRICE] = price;
    i32[word + QTY] = qty;
    i32[word + NEXT] = NONE;
    i32[word + PREVIOUS] = tail;
    i32[word + LIST] = list;
    i32[word + BORN] = this.#walk;
    i32[word + WALKED] = 0;
    i32[word + FROZEN] = 0;
    if (tail === NONE) this.#heads[list] = slot;
    else i32[tail * SLOT_WORDS + NEXT] = slot;
    this.#tails[list] = slot;
    this.#enter(slot, orderLo, orderHi);
    this.live++;
  }

  setQty(slot: number, qty: number): void {
    const word = slot * SLOT_WORDS;
    this.#keep(word);
    this.#i32[word + QTY] = qty;
  }

  remove(slot: number): void {
    const word = slot * SLOT_WORDS;
    this.#leave(slot, this.#u32[word + ORDER_LO], this.#u32[word + ORDER_HI]);
    this.live--;
    if (this.#keep(word)) this.#i32[word + QTY] = 0;
    else this.#release(slot);
  }

  // ── walk ───────────────────────────────────────────────────────────────────────────────────

  /**
   * A walk over the books as they are now begins. Returns the number of orders that it will meet.
   */
  freeze(): number {
    assert(!this.#walking, 'one walk at a time');
    this.#walk++;
    this.#walking = true;
    this.#walkList = 0;
    this.#walkNext = this.#heads[0];
    return this.live;
  }

  /** List (2 × book, + 1 for asks) that the walk stands in; 2 × books when it is over. */
  get walkList(): number {
    return this.#walkList;
  }

  /**
   * The next order of the list that the walk stands in, 0 at its end. Its fields are the frozen
   * ones until the next call.
   */
  nextOfList(): number {
    assert(this.#walking, 'a walk has begun');
    const i32 = this.#i32;
    const slot = this.#walkNext;
    if (slot === NONE || i32[slot * SLOT_WORDS + BORN] === this.#walk) return NONE;
    const word = slot * SLOT_WORDS;
    this.#walkNext = i32[word + NEXT];
    i32[word + WALKED] = this.#walk;
    return slot;
  }

  /** Goes on to the next list; false: the walk is over. */
  nextList(): boolean {
    assert(this.#walking, 'a walk has begun');
    this.#walkList++;
    if (this.#walkList < this.books * 2) {
      this.#walkNext = this.#heads[this.#walkList];
      return true;
    }
    this.#walking = false;
    return false;
  }

  /**
   * Quantity of a slot from `nextOfList` as it was at the freeze; frees the slot when it was a
   * ghost: call it last.
   */
  takeFrozenQty(slot: number): number {
    const word = slot * SLOT_WORDS;
    if (this.#i32[word + FROZEN] !== this.#walk) return this.#u32[word + QTY];
    const qty = this.#u32[word + FROZEN_QTY];
    if (this.#i32[word + QTY] === 0) this.#release(slot);
    return qty;
  }

  orderLoOf(slot: number): number {
    return this.#u32[slot * SLOT_WORDS + ORDER_LO];
  }

  orderHiOf(slot: number): number {
    return this.#u32[slot * SLOT_WORDS + ORDER_HI];
  }

  /** Book, side, order, priority, price, quantity of every order, in the order of the lists; for a snapshot. */
  save(): Int32Array {
    const i32 = this.#i32;
    const saved = new Int32Array(this.live * SAVED_WORDS);
    let at = 0;
    for (let list = 0; list < this.books * 2; list++) {
      for (let slot = this.#heads[list]; slot !== NONE; slot = i32[slot * SLOT_WORDS + NEXT]) {
        const word = slot * SLOT_WORDS;
        if (i32[word + QTY] === 0) continue; // a ghost
        saved[at] = list;
        saved.set(i32.subarray(word, word + QTY + 1), at + 1);
        at += SAVED_WORDS;
      }
    }
    assert(at === saved.length, 'live orders are counted');
    return saved;
  }

  restore(saved: Int32Array): void {
    assert(this.live === 0, 'empty books are made what others were');
    const u32 = new Uint32Array(saved.buffer, saved.byteOffset, saved.length);
    for (let at = 0; at < saved.length; at += SAVED_WORDS) {
      const list = saved[at];
      const order = at + 1;
      this.add(
        list >>> 1,
        (list & 1) === 0 ? 1 : -1,
        u32[order + ORDER_LO],
        u32[order + ORDER_HI],
        saved[order + PRICE],
        u32[order + QTY],
        u32[order + PRIORITY_LO],
        u32[order + PRIORITY_HI],
      );
    }
  }

  /** O(n), for tests. */
  checkInvariants(): void {
    let live = 0;
    let ghosts = 0;
    for (let list = 0; list < this.books * 2; list++) {
      let previous = NONE;
      for (
        let slot = this.#heads[list];
        slot !== NONE;
        slot = this.#i32[slot * SLOT_WORDS + NEXT]
      ) {
        const word = slot * SLOT_WORDS;
        assert(this.#i32[word + PREVIOUS] === previous, 'links go both ways');
        assert(this.#i32[word + LIST] === list, 'a slot knows its list');
        if (this.#i32[word + QTY] === 0) {
          assert(
            this.#walking && this.#i32[word + WALKED] !== this.#walk,
            'a ghost waits for the walk',
          );
          ghosts++;
        } else {
          assert(
            this.find(this.#u32[word + ORDER_LO], this.#u32[word + ORDER_HI]) === slot,
            'a live order is found',
          );
          live++;
        }
        previous = slot;
      }
      assert(this.#tails[list] === previous, 'the tail is the last');
    }
    assert(live === this.live, 'live orders are counted');
    let free = 0;
    for (let slot = this.#free; slot !== NONE; slot = this.#i32[slot * SLOT_WORDS + NEXT]) free++;
    assert(live + ghosts + free === this.#fresh - 1, 'every slot is live, a ghost or free');
  }

  /** Before a change: keeps the quantity for the walk. True: the walk will still come by. */
  #keep(word: number): boolean {
    const i32 = this.#i32;
    const walk = this.#walk;
    if (!this.#walking || i32[word + BORN] === walk || i32[word + WALKED] === walk) return false;
    if (i32[word + FROZEN] === walk) return true;
    i32[word + FROZEN] = walk;
    i32[word + FROZEN_QTY] = i32[word + QTY];
    return true;
  }

  #take(): number {
    const slot = this.#free;
    if (slot !== NONE) {
      this.#free = this.#i32[slot * SLOT_WORDS + NEXT];
      return slot;
    }
    assert(this.#fresh < this.#slotsMax, 'there are as many slots as live orders and ghosts');
    return this.#fresh++;
  }

  /** Out of its list, to the free ones. */
  #release(slot: number): void {
    const i32 = this.#i32;
    const word = slot * SLOT_WORDS;
    const list = i32[word + LIST];
    const next = i32[word + NEXT];
    const previous = i32[word + PREVIOUS];
    if (this.#walkNext === slot) this.#walkNext = next;
    if (previous === NONE) this.#heads[list] = next;
    else i32[previous * SLOT_WORDS + NEXT] = next;
    if (next === NONE) this.#tails[list] = previous;
    else i32[next * SLOT_WORDS + PREVIOUS] = previous;
    i32[word + NEXT] = this.#free;
    this.#free = slot;
  }

  // ── hash table: open addressing, linear probing, backward shift ────────────────────────────

  #home(orderLo: number, orderHi: number): number {
    const line = Math.imul((orderLo >>> LINE_BITS) ^ orderHi, HASH_FACTOR) >>> this.#tableShift;
    return (line << LINE_BITS) | (orderLo & LINE_MASK);
  }

  #enter(slot: number, orderLo: number, orderHi: number): void {
    const table = this.#table;
    let i = this.#home(orderLo, orderHi);
    while (table[i] !== NONE) i = (i + 1) & this.#tableMask;
    table[i] = slot;
  }

  #leave(slot: number, orderLo: number, orderHi: number): void {
    const table = this.#table;
    const mask = this.#tableMask;
    let hole = this.#home(orderLo, orderHi);
    while (table[hole] !== slot) hole = (hole + 1) & mask;
    for (let i = (hole + 1) & mask; table[i] !== NONE; i = (i + 1) & mask) {
      const word = table[i] * SLOT_WORDS;
      const home = this.#home(this.#u32[word + ORDER_LO], this.#u32[word + ORDER_HI]);
      if (((i - home) & mask) < ((i - hole) & mask)) continue;
      table[hole] = table[i];
      hole = i;
    }
    table[hole] = NONE;
  }
}
