// In how many parts of the price range an account's orders stand: what it takes of the engine's
// levels and price blocks, which all accounts share.
//
// The engine keeps the prices of a side in blocks of 4,096 ticks, and a level for each price that has
// an order (core/memory/price_ladder.ts). Both are pools: who spread a few thousand orders over a few
// thousand far prices would leave nothing for anybody else. A price is far only beside others, and a
// reference can be moved or be absent; how many blocks somebody occupies is a fact.
//
//   table  open addressing, linear probing: block of one side of one instrument → orders of this account in it
//
// `blocks`: entries, and one for each waiting stop, whose price no event tells.
// `levels`: at most so many levels: orders, but no more than 4,096 a block.
//
// Cost: some five loads to enter or leave. It grows by doubling, from 8 entries to what its account uses.
import { assert } from '../../base/assert.ts';

/** Ticks of a block (core/memory/price_ladder.ts), and so the levels in it. */
const BLOCK_SHIFT = 12;
export const BLOCK_TICKS = 1 << BLOCK_SHIFT;
const ENTRIES_INITIAL = 16;
const HASH_FACTOR = 0x9e37_79b1;
const BOOK_FACTOR = 0x85eb_ca6b;
/** Blocks of the whole range, both sides. */
const BLOCKS_PER_BOOK = 2 ** 21;
const I32_SIGN = 0x8000_0000;

export class PriceRegions {
  /** Upper bound of the levels that the account's orders occupy. */
  levels = 0;
  #entries = 0;
  #stops = 0;
  /** Block + 1, 0 = free; exact beyond 32 bits. */
  #keys = new Float64Array(ENTRIES_INITIAL);
  #counts = new Uint32Array(ENTRIES_INITIAL);
  #mask = ENTRIES_INITIAL - 1;

  /** Blocks that the account's orders occupy. */
  get blocks(): number {
    return this.#entries + this.#stops;
  }

  /** True when an order of the account stands in the block of this price. */
  has(book: number, side: number, ticks: number): boolean {
    const low = lowOf(side, ticks);
    return this.#keys[this.#find(keyOf(book, low), hashOf(book, low))] !== 0;
  }

  /** An order came to rest. */
  enter(book: number, side: number, ticks: number): void {
    const low = lowOf(side, ticks);
    const key = keyOf(book, low);
    let at = this.#find(key, hashOf(book, low));
    if (this.#keys[at] === 0) {
      if (this.#entries * 2 > this.#mask) {
        this.#grow();
        at = this.#find(key, hashOf(book, low));
      }
      this.#keys[at] = key;
      this.#entries++;
    }
    if (++this.#counts[at] <= BLOCK_TICKS) this.levels++;
  }

  /** An order that rested has left. */
  leave(book: number, side: number, ticks: number): void {
    const low = lowOf(side, ticks);
    const at = this.#find(keyOf(book, low), hashOf(book, low));
    assert(this.#keys[at] !== 0, 'an order that leaves stood there');
    const count = this.#counts[at]--;
    if (count <= BLOCK_TICKS) this.levels--;
    if (count === 1) this.#remove(at);
  }

  /** A stop waits. */
  enterStop(): void {
    this.#stops++;
    this.levels++;
  }

  /** A stop waits no more. */
  leaveStop(): void {
    assert(this.#stops > 0, 'a stop that leaves has waited');
    this.#stops--;
    this.levels--;
  }

  /** Waiting stops, then block and orders in it, for each; for a snapshot. */
  save(): Float64Array {
    const saved = [this.#stops];
    for (let i = 0; i <= this.#mask; i++)
      if (this.#keys[i] !== 0) saved.push(this.#keys[i], this.#counts[i]);
    return Float64Array.from(saved);
  }

  restore(saved: Float64Array): void {
    assert(this.blocks === 0 && saved.length % 2 === 1, 'empty regions are made what others were');
    this.#stops = this.levels = saved[0];
    for (let i = 1; i < saved.length; i += 2) {
      if (this.#entries * 2 > this.#mask) this.#grow();
      const at = this.#find(saved[i], hashOfKey(saved[i]));
      this.#keys[at] = saved[i];
      this.#counts[at] = saved[i + 1];
      this.#entries++;
      this.levels += Math.min(saved[i + 1], BLOCK_TICKS);
    }
  }

  /** O(n): counts and entries agree. */
  checkInvariants(): void {
    let entries = 0;
    let levels = this.#stops;
    for (let i = 0; i <= this.#mask; i++) {
      const key = this.#keys[i];
      if (key === 0) {
        assert(this.#counts[i] === 0, 'a free entry counts nothing');
        continue;
      }
      assert(this.#find(key, hashOfKey(key)) === i, 'an entry is found by its key');
      assert(this.#counts[i] > 0, 'an entry has orders');
      entries++;
      levels += Math.min(this.#counts[i], BLOCK_TICKS);
    }
    assert(entries === this.#entries && levels === this.levels, 'sums agree with the entries');
  }

  /** Where the key stands, or the free entry where it would. */
  #find(key: number, hash: number): number {
    const keys = this.#keys;
    const mask = this.#mask;
    let i = hash & mask;
    while (keys[i] !== 0 && keys[i] !== key) i = (i + 1) & mask;
    return i;
  }

  #remove(at: number): void {
    const keys = this.#keys;
    const counts = this.#counts;
    const mask = this.#mask;
    let hole = at;
    keys[hole] = 0;
    counts[hole] = 0;
    this.#entries--;
    for (let i = (hole + 1) & mask; keys[i] !== 0; i = (i + 1) & mask) {
      if (((i - hashOfKey(keys[i])) & mask) >= ((i - hole) & mask)) {
        keys[hole] = keys[i];
        counts[hole] = counts[i];
        keys[i] = 0;
        counts[i] = 0;
        hole = i;
      }
    }
  }

  #grow(): void {
    const keys = this.#keys;
    const counts = this.#counts;
    this.#mask = keys.length * 2 - 1;
    this.#keys = new Float64Array(keys.length * 2);
    this.#counts = new Uint32Array(keys.length * 2);
    for (let i = 0; i < keys.length; i++) {
      if (keys[i] === 0) continue;
      const at = this.#find(keys[i], hashOfKey(keys[i]));
      this.#keys[at] = keys[i];
      this.#counts[at] = counts[i];
    }
  }
}

/** Block and side within an instrument. */
function lowOf(side: number, ticks: number): number {
  return (((ticks ^ I32_SIGN) >>> BLOCK_SHIFT) << 1) | (side > 0 ? 1 : 0);
}

/** Block of one side of one instrument, from 1. */
function keyOf(book: number, low: number): number {
  return book * BLOCKS_PER_BOOK + low + 1;
}

function hashOf(book: number, low: number): number {
  return Math.imul(low ^ Math.imul(book, BOOK_FACTOR), HASH_FACTOR) >>> 11;
}

function hashOfKey(key: number): number {
  const book = Math.floor((key - 1) / BLOCKS_PER_BOOK);
  return hashOf(book, key - 1 - book * BLOCKS_PER_BOOK);
}
