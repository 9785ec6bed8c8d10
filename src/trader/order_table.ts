// The open orders of the order manager: records in slots, found by client order id.
//
//   slots   id | book | side | price | executed | leaves | …    one typed array a field
//   list    [ open slots, densely | free slots ]                place: slot → index in the list
//   table   hash of id → slot + 1, 0 = free                     linear probing, at most half full
//
// Ids rise, so the multiplicative hash spreads neighbours far apart. Taking an id out moves those
// behind it that would not be found any more (backward shift), so there are no tombstones and a
// look-up stays short for ever. The list is in no order: a removal puts the last one in its place.
//
// Cost: a look-up is a multiplication and about one load and compare; insert and remove some ten
// stores. Nothing is allocated after the constructor. Limits: ORDERS_MAX orders; ids below 2^53.
import { assert } from '../base/assert.ts';

/** 80 MB of tables; an exchange's session has far fewer orders. */
export const ORDERS_MAX = 2 ** 20;
export const SLOT_NONE = -1;
/** Multiplicative hashing: 2^32 divided by the golden ratio. */
const HASH_FACTOR = 0x9e37_79b1;

export class OrderTable {
  readonly id: Float64Array;
  readonly book: Uint16Array;
  readonly side: Int8Array;
  readonly price: Int32Array;
  /** Lots executed, those still open, and those that count as open at the risk gate. */
  readonly executed: Float64Array;
  readonly leaves: Float64Array;
  readonly reserved: Float64Array;
  /** Of a modify in flight: its price, and its total with executions. */
  readonly nextPrice: Int32Array;
  readonly nextTotal: Float64Array;
  readonly flags: Uint16Array;
  readonly #list: Int32Array;
  readonly #place: Int32Array;
  readonly #table: Int32Array;
  readonly #mask: number;
  readonly #shift: number;
  #count = 0;

  constructor(ordersMax: number) {
    if (!(Number.isInteger(ordersMax) && ordersMax >= 1 && ordersMax <= ORDERS_MAX)) {
      throw new RangeError(`orders: expected a whole number 1 … ${ORDERS_MAX}, was ${ordersMax}`);
    }
    this.id = new Float64Array(ordersMax);
    this.book = new Uint16Array(ordersMax);
    this.side = new Int8Array(ordersMax);
    this.price = new Int32Array(ordersMax);
    this.executed = new Float64Array(ordersMax);
    this.leaves = new Float64Array(ordersMax);
    this.reserved = new Float64Array(ordersMax);
    this.nextPrice = new Int32Array(ordersMax);
    this.nextTotal = new Float64Array(ordersMax);
    this.flags = new Uint16Array(ordersMax);
    this.#list = Int32Array.from({ length: ordersMax }, (_, slot) => slot);
    this.#place = Int32Array.from({ length: ordersMax }, (_, slot) => slot);
    let bits = 1;
    while (2 ** bits < 2 * ordersMax) bits++;
    this.#table = new Int32Array(2 ** bits);
    this.#mask = 2 ** bits - 1;
    this.#shift = 32 - bits;
  }

  get count(): number {
    return this.#count;
  }

  get full(): boolean {
    return this.#count === this.#list.length;
  }

  /** Slot of the i-th open order, in no order; for i from 0 below `count`. */
  slotAt(i: number): number {
    return this.#list[i];
  }

  /** The slot of an open order, or SLOT_NONE. */
  find(orderId: number): number {
    const table = this.#table;
    for (let i = this.#home(orderId); ; i = (i + 1) & this.#mask) {
      const slot = table[i] - 1;
      if (slot === SLOT_NONE || this.id[slot] === orderId) return slot;
    }
  }

  /** The slot of a new order, of which nothing is executed or reserved. There must be room, and no order of that id. */
  insert(
    orderId: number, book: number, side: number, priceTicks: number, qty: number, flags: number,
  ): number {
    assert(this.#count < this.#list.length, 'the order table has room');
    const slot = this.#list[this.#count];
    this.#count++;
    this.id[slot] = orderId;
    this.book[slot] = book;
    this.side[slot] = side;
    this.price[slot] = priceTicks;
    this.executed[slot] = 0;
    this.leaves[slot] = qty;
    this.reserved[slot] = 0;
    this.flags[slot] = flags;
    let i = this.#home(orderId);
    while (this.#table[i] !== 0) i = (i + 1) & this.#mask;
    this.#table[i] = slot + 1;
    return slot;
  }

  remove(slot: number): void {
    const place = this.#place[slot];
    assert(place < this.#count, 'an order that is removed is open');
    this.#unlink(this.id[slot]);
    this.#count--;
    const last = this.#list[this.#count];
    this.#list[place] = last;
    this.#place[last] = place;
    this.#list[this.#count] = slot;
    this.#place[slot] = this.#count;
  }

  #home(orderId: number): number {
    return Math.imul(orderId | 0, HASH_FACTOR) >>> this.#shift;
  }

  #unlink(orderId: number): void {
    const table = this.#table;
    const mask = this.#mask;
    let hole = this.#home(orderId);
    while (this.id[table[hole] - 1] !== orderId) hole = (hole + 1) & mask;
    table[hole] = 0;
    for (let i = (hole + 1) & mask; table[i] !== 0; i = (i + 1) & mask) {
      const home = this.#home(this.id[table[i] - 1]);
      if (((i - home) & mask) >= ((i - hole) & mask)) {
        table[hole] = table[i];
        table[i] = 0;
        hole = i;
      }
    }
  }

  /** O(slots). Throws when something that must always hold does not. */
  checkInvariants(): void {
    for (let i = 0; i < this.#list.length; i++) {
      const slot = this.#list[i];
      assert(this.#place[slot] === i, 'every slot is listed once, where it says');
      assert(i >= this.#count || this.find(this.id[slot]) === slot, 'an open order is found by its id');
    }
    let named = 0;
    for (const entry of this.#table) named += entry === 0 ? 0 : 1;
    assert(named === this.#count, 'open orders and no others are in the table');
  }
}
