// What each account holds and could come to hold, by instrument: a cell an (account, instrument).
//
//   index   open addressing, linear probing: slot → cell + 1, 0 = free             load ≤ 1/2
//   cells   eight f64, one cache line:
//           position │ open buys │ open sells │ pending buys │ pending sells │ batch │ key │ next of the account
//
// Pending is what has been let through in the batch that is being collected. It is worth something in
// that batch only: when the batch has been executed, its events have made positions and open
// quantities of it, and pending begins at 0 again because `batch` is another. So a command that the
// engine refuses needs no bookkeeping at all.
//
//   worst case of buying   position + open buys + pending buys
//   worst case of selling  open sells + pending sells − position
//
// Cost: a look-up is two multiplications and about two loads. Nothing is allocated; pages of cells
// that were never used cost nothing.
// Limits: sums stay below 2^53, which the gate's bound on positions sees to and an assertion holds;
// CELLS_MAX pairs, beyond which `open` says so.
import { assert } from '../../base/assert.ts';

/** Instruments of one engine: how many books an account has cells for at most. */
export const BOOKS_MAX = 4_096;
/** A million pairs: 64 MB of address space. */
const CELLS_MAX = 1 << 20;
/** No account comes beyond, limit or not: twice this and any one order stay below 2^53. */
export const POSITION_MAX = 2 ** 51;
export const NO_CELL = -1;

const CELL_FIELDS = 8;
const POSITION = 0;
/** Open quantity of a side; pending stands two further. */
const BUYS = 1;
const SELLS = 2;
const PENDING = 2;
const BATCH = 5;
const KEY = 6;
const NEXT = 7;
const SUM_MAX = 2 ** 53;
/** Multiplicative hashing: 2^32 divided by the golden ratio, and a prime to keep instruments apart. */
const HASH_FACTOR = 0x9e37_79b1;
const BOOK_FACTOR = 0x85eb_ca6b;

export class Exposures {
  /** Cells in use. */
  count = 0;
  readonly capacity: number;
  /** Number of the batch that is being collected. */
  #batch = 1;
  readonly #cells: Float64Array;
  readonly #index: Int32Array;
  readonly #mask: number;
  readonly #shift: number;
  /** First cell of an account, + 1; 0 = it has none. */
  readonly #first: Int32Array;
  /** Cells given back, chained by NEXT, + 1; then the first never used. */
  #free = 0;
  #fresh = 0;

  constructor(accountsMax: number, books: number) {
    assert(accountsMax > 0 && books > 0 && books <= BOOKS_MAX, 'there are accounts and instruments');
    this.capacity = Math.min(accountsMax * books, CELLS_MAX);
    let bits = 4;
    while (1 << bits < this.capacity * 2) bits++;
    this.#index = new Int32Array(1 << bits);
    this.#mask = (1 << bits) - 1;
    this.#shift = 32 - bits;
    this.#cells = new Float64Array(this.capacity * CELL_FIELDS);
    this.#first = new Int32Array(accountsMax);
  }

  /** A batch has been executed: what was pending is known from its events now. */
  nextBatch(): void {
    this.#batch++;
  }

  /** The cell of an account on an instrument, or NO_CELL. */
  find(account: number, book: number): number {
    const key = account * BOOKS_MAX + book;
    for (let i = this.#home(account, book); ; i = (i + 1) & this.#mask) {
      const cell = this.#index[i] - 1;
      if (cell < 0) return NO_CELL;
      if (this.#cells[cell * CELL_FIELDS + KEY] === key) return cell * CELL_FIELDS;
    }
  }

  /** The same, made where there is none; NO_CELL: no room for one more. */
  open(account: number, book: number): number {
    const found = this.find(account, book);
    if (found !== NO_CELL) return found;
    if (this.count === this.capacity) return NO_CELL;
    const cell = this.#free === 0 ? this.#fresh++ : this.#free - 1;
    const at = cell * CELL_FIELDS;
    if (this.#free !== 0) this.#free = this.#cells[at + NEXT];
    this.#cells.fill(0, at, at + CELL_FIELDS);
    this.#cells[at + KEY] = account * BOOKS_MAX + book;
    this.#cells[at + NEXT] = this.#first[account];
    this.#first[account] = cell + 1;
    let i = this.#home(account, book);
    while (this.#index[i] !== 0) i = (i + 1) & this.#mask;
    this.#index[i] = cell + 1;
    this.count++;
    return at;
  }

  position(cell: number): number {
    return this.#cells[cell + POSITION];
  }

  /** Open quantity of a side, what is pending included. */
  working(cell: number, side: number): number {
    const at = cell + (side > 0 ? BUYS : SELLS);
    const open = this.#cells[at];
    return this.#cells[cell + BATCH] === this.#batch ? open + this.#cells[at + PENDING] : open;
  }

  /** How far the account could come on a side if all that it has there traded, and nothing on the other. */
  worst(cell: number, side: number): number {
    return side * this.#cells[cell + POSITION] + this.working(cell, side);
  }

  /** An order, or what a modify adds, has been let through. */
  reserve(cell: number, side: number, qty: number): void {
    const cells = this.#cells;
    if (cells[cell + BATCH] !== this.#batch) {
      cells[cell + BATCH] = this.#batch;
      cells[cell + BUYS + PENDING] = 0;
      cells[cell + SELLS + PENDING] = 0;
    }
    const at = cell + (side > 0 ? BUYS : SELLS) + PENDING;
    cells[at] += qty;
    assert(cells[at] < SUM_MAX, 'sums of quantities are exact');
  }

  /** The open quantity of a side became larger, or smaller. */
  changeOpen(cell: number, side: number, by: number): void {
    const at = cell + (side > 0 ? BUYS : SELLS);
    const open = this.#cells[at] + by;
    assert(open >= 0 && open < SUM_MAX, 'open quantities are exact and never below zero');
    this.#cells[at] = open;
  }

  /** An order traded: open quantity became position. */
  trade(cell: number, side: number, qty: number): void {
    this.changeOpen(cell, side, -qty);
    const position = this.#cells[cell + POSITION] + side * qty;
    assert(position < SUM_MAX && position > -SUM_MAX, 'positions are exact');
    this.#cells[cell + POSITION] = position;
  }

  /** True while an account holds or could come to hold something. */
  isOpen(account: number): boolean {
    const cells = this.#cells;
    for (let next = this.#first[account]; next !== 0; ) {
      const at = (next - 1) * CELL_FIELDS;
      if (cells[at + POSITION] !== 0 || this.working(at, 1) !== 0 || this.working(at, -1) !== 0)
        return true;
      next = cells[at + NEXT];
    }
    return false;
  }

  /** Gives back the cells of an account that holds nothing. */
  drop(account: number): void {
    assert(!this.isOpen(account), 'an account that is forgotten holds nothing');
    for (let next = this.#first[account]; next !== 0; ) {
      const cell = next - 1;
      const at = cell * CELL_FIELDS;
      next = this.#cells[at + NEXT];
      this.#unlink(account, this.#cells[at + KEY] - account * BOOKS_MAX, cell);
      this.#cells[at + KEY] = NO_CELL;
      this.#cells[at + NEXT] = this.#free;
      this.#free = cell + 1;
      this.count--;
    }
    this.#first[account] = 0;
  }

  /** Instrument, position, open buys and sells of each of an account's cells; for a snapshot. */
  save(account: number): Float64Array {
    const saved: number[] = [];
    for (let next = this.#first[account]; next !== 0; ) {
      const at = (next - 1) * CELL_FIELDS;
      const [position, buys, sells] = this.#cells.subarray(at, at + SELLS + 1);
      saved.push(this.#cells[at + KEY] - account * BOOKS_MAX, position, buys, sells);
      next = this.#cells[at + NEXT];
    }
    return Float64Array.from(saved);
  }

  restore(account: number, saved: Float64Array, isKept: (book: number) => boolean): void {
    for (let i = 0; i < saved.length; i += 4) {
      if (!isKept(saved[i])) continue;
      const cell = this.open(account, saved[i]);
      assert(cell !== NO_CELL, 'there is room for the cells that there were');
      this.#cells.set(saved.subarray(i + 1, i + 4), cell);
    }
  }

  /** O(n): every cell is found from its key and counted once. */
  checkInvariants(): void {
    let seen = 0;
    for (let account = 0; account < this.#first.length; account++) {
      for (let next = this.#first[account]; next !== 0; ) {
        const at = (next - 1) * CELL_FIELDS;
        const book = this.#cells[at + KEY] - account * BOOKS_MAX;
        assert(book >= 0 && book < BOOKS_MAX, 'a cell belongs to the account that lists it');
        assert(this.find(account, book) === at, 'a cell is found by its key');
        seen++;
        next = this.#cells[at + NEXT];
      }
    }
    assert(seen === this.count, 'every cell in use belongs to an account');
    let indexed = 0;
    for (const entry of this.#index) if (entry !== 0) indexed++;
    assert(indexed === this.count, 'every cell in use stands in the index once');
  }

  /** Takes a cell out of the index; those behind that would not be found any more move up. */
  #unlink(account: number, book: number, cell: number): void {
    const index = this.#index;
    const mask = this.#mask;
    let hole = this.#home(account, book);
    while (index[hole] !== cell + 1) hole = (hole + 1) & mask;
    index[hole] = 0;
    for (let i = (hole + 1) & mask; index[i] !== 0; i = (i + 1) & mask) {
      const key = this.#cells[(index[i] - 1) * CELL_FIELDS + KEY];
      const owner = Math.floor(key / BOOKS_MAX);
      const home = this.#home(owner, key - owner * BOOKS_MAX);
      if (((i - home) & mask) >= ((i - hole) & mask)) {
        index[hole] = index[i];
        index[i] = 0;
        hole = i;
      }
    }
  }

  #home(account: number, book: number): number {
    return Math.imul(account + Math.imul(book, BOOK_FACTOR), HASH_FACTOR) >>> this.#shift;
  }
}
