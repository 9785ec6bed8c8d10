// The engine's live orders by the three names that they go by: the id that the caller has, the caller's
// own name for it, if it gave one, and the order manager's id, which is the one on the wire.
//
//   public id ──► ids   ──┐
//   wire id   ──► wires ──┼──► slot: public id, wire id, own name (u64), book, side, flags, stamp
//   own name  ──► names ──┘
//
// Three maps of open addressing with linear probing, as large as four times the orders, so that a probe is
// one line mostly. Eight ids that count up share a line, in every other cell of it; which line, says a
// multiplication by the golden ratio: so a new order seldom touches a cold line, and runs stay short. (Their low
// bits as they are would fill neighbouring cells: every removal then walks the whole run.)
// Removal moves the entries behind it back (no tombstones): the maps never grow old.
//
// Slots come from a free list, last freed first. Cost: one to two probes a question, no allocation. Limits:
// `ordersMax` orders; public and wire ids whole numbers 1 … 2^53 − 1.
import { assert } from '../base/assert.ts';

export const SLOT_NONE = -1;
/** Named: it has a name of its caller’s. MayRest: it stays until done. Probe: of a half-open breaker. Strategy: a strategy sent it. Priced: it has a limit price. */
export const OrderFlagBits = { Named: 1, MayRest: 2, Probe: 4, Strategy: 8, Priced: 16 } as const;

const FILL_DIVISOR = 4;
/** Cells of a cache line. */
const LINE_CELLS = 16;
const TWO_32 = 0x1_0000_0000;
/** Odd, from the golden ratio: spreads names that differ in any bits. */
const SPREAD = 0x9e37_79b1;

export class OrderNames {
  readonly ordersMax: number;
  // By slot.
  readonly publicId: Float64Array;
  readonly wireId: Float64Array;
  readonly nameLo: Uint32Array;
  readonly nameHi: Uint32Array;
  readonly book: Uint16Array;
  readonly side: Int8Array;
  readonly flags: Uint8Array;
  /** When the order's record was written by its producer, 0 where no time was taken. */
  readonly stampNs: Float64Array;
  /** Lots executed so far. */
  readonly executed: Float64Array;

  #live = 0;
  #free = 0;
  readonly #next: Int32Array;
  readonly #mask: number;
  readonly #shift: number;
  readonly #lineShift: number;
  readonly #ids: Int32Array;
  readonly #wires: Int32Array;
  readonly #names: Int32Array;

  constructor(ordersMax: number) {
    assert(Number.isInteger(ordersMax) && ordersMax >= 1, 'a table has room for an order');
    this.ordersMax = ordersMax;
    this.publicId = new Float64Array(ordersMax);
    this.wireId = new Float64Array(ordersMax);
    this.nameLo = new Uint32Array(ordersMax);
    this.nameHi = new Uint32Array(ordersMax);
    this.book = new Uint16Array(ordersMax);
    this.side = new Int8Array(ordersMax);
    this.flags = new Uint8Array(ordersMax);
    this.stampNs = new Float64Array(ordersMax);
    this.executed = new Float64Array(ordersMax);
    this.#next = Int32Array.from({ length: ordersMax }, (_, slot) => (slot + 1 < ordersMax ? slot + 1 : SLOT_NONE));
    const cells = Math.max(2 * LINE_CELLS, 2 ** Math.ceil(Math.log2(ordersMax * FILL_DIVISOR)));
    this.#mask = cells - 1;
    this.#shift = 32 - Math.log2(cells);
    this.#lineShift = 32 - Math.log2(cells / LINE_CELLS);
    this.#ids = new Int32Array(cells).fill(SLOT_NONE);
    this.#wires = new Int32Array(cells).fill(SLOT_NONE);
    this.#names = new Int32Array(cells).fill(SLOT_NONE);
  }

  get live(): number {
    return this.#live;
  }

  get full(): boolean {
    return this.#free === SLOT_NONE;
  }

  /** A slot for an order that none of the three names is taken by; SLOT_NONE when full. */
  add(
    publicId: number, wireId: number, book: number, side: number, flags: number, nameLo: number, nameHi: number,
    stampNs: number,
  ): number {
    const slot = this.#free;
    if (slot === SLOT_NONE) return SLOT_NONE;
    this.#free = this.#next[slot];
    this.publicId[slot] = publicId;
    this.wireId[slot] = wireId;
    this.book[slot] = book;
    this.side[slot] = side;
    this.flags[slot] = flags;
    this.nameLo[slot] = nameLo;
    this.nameHi[slot] = nameHi;
    this.stampNs[slot] = stampNs;
    this.executed[slot] = 0;
    this.#insert(this.#ids, this.#homeOf(publicId), slot);
    this.#insert(this.#wires, this.#homeOf(wireId), slot);
    if ((flags & OrderFlagBits.Named) !== 0) this.#insert(this.#names, this.#homeOfName(nameLo, nameHi), slot);
    this.#live += 1;
    return slot;
  }

  byPublicId(id: number): number {
    const cells = this.#ids;
    let cell = this.#homeOf(id);
    for (;;) {
      const slot = cells[cell];
      if (slot === SLOT_NONE || this.publicId[slot] === id) return slot;
      cell = (cell + 1) & this.#mask;
    }
  }

  byWireId(id: number): number {
    const cells = this.#wires;
    let cell = this.#homeOf(id);
    for (;;) {
      const slot = cells[cell];
      if (slot === SLOT_NONE || this.wireId[slot] === id) return slot;
      cell = (cell + 1) & this.#mask;
    }
  }

  byName(lo: number, hi: number): number {
    const cells = this.#names;
    let cell = this.#homeOfName(lo, hi);
    for (;;) {
      const slot = cells[cell];
      if (slot === SLOT_NONE || (this.nameLo[slot] === lo && this.nameHi[slot] === hi)) return slot;
      cell = (cell + 1) & this.#mask;
    }
  }

  isNamed(slot: number): boolean {
    return (this.flags[slot] & OrderFlagBits.Named) !== 0;
  }

  remove(slot: number): void {
    this.#erase(this.#ids, this.#homeOf(this.publicId[slot]), slot, 0);
    this.#erase(this.#wires, this.#homeOf(this.wireId[slot]), slot, 1);
    if ((this.flags[slot] & OrderFlagBits.Named) !== 0) {
      this.#erase(this.#names, this.#homeOfName(this.nameLo[slot], this.nameHi[slot]), slot, 2);
    }
    this.publicId[slot] = 0;
    this.#next[slot] = this.#free;
    this.#free = slot;
    this.#live -= 1;
  }

  /** Calls `visit(slot)` for every live order, by slot. */
  forEach(visit: (slot: number) => void): void {
    for (let slot = 0; slot < this.ordersMax; slot++) if (this.publicId[slot] !== 0) visit(slot);
  }

  checkInvariants(): void {
    let live = 0;
    this.forEach((slot) => {
      live += 1;
      assert(this.byPublicId(this.publicId[slot]) === slot, 'an order is found by its public id');
      assert(this.byWireId(this.wireId[slot]) === slot, 'an order is found by its wire id');
      if ((this.flags[slot] & OrderFlagBits.Named) === 0) return;
      assert(this.byName(this.nameLo[slot], this.nameHi[slot]) === slot, 'an order is found by its own name');
    });
    assert(live === this.#live, 'as many orders are live as were counted');
    let free = 0;
    for (let slot = this.#free; slot !== SLOT_NONE; slot = this.#next[slot]) free += 1;
    assert(free + live === this.ordersMax, 'every slot is live or free');
    for (const cells of [this.#ids, this.#wires]) {
      assert(cells.filter((slot) => slot !== SLOT_NONE).length === live, 'a map holds the live orders only');
    }
  }

  #homeOf(id: number): number {
    // Whole numbers below 2^52: the low half decides, the high one where producers count in blocks of their own.
    const high = id >= TWO_32 ? Math.floor(id / TWO_32) : 0;
    const low = id >>> 0;
    const line = Math.imul((low >>> 3) ^ Math.imul(high, SPREAD), SPREAD) >>> this.#lineShift;
    return line * LINE_CELLS + (low & 7) * 2;
  }

  #homeOfName(lo: number, hi: number): number {
    return Math.imul(lo ^ Math.imul(hi, SPREAD), SPREAD) >>> this.#shift;
  }

  #insert(cells: Int32Array, home: number, slot: number): void {
    let cell = home;
    while (cells[cell] !== SLOT_NONE) cell = (cell + 1) & this.#mask;
    cells[cell] = slot;
  }

  /** Takes `slot` out and moves back what only stood behind it because the place was taken. */
  #erase(cells: Int32Array, home: number, slot: number, map: number): void {
    const mask = this.#mask;
    let hole = home;
    while (cells[hole] !== slot) hole = (hole + 1) & mask;
    let cell = (hole + 1) & mask;
    while (cells[cell] !== SLOT_NONE) {
      const wanted = this.#homeOfSlot(cells[cell], map);
      // It may move into the hole when its home does not lie between the hole and it.
      if (((cell - wanted) & mask) >= ((cell - hole) & mask)) {
        cells[hole] = cells[cell];
        hole = cell;
      }
      cell = (cell + 1) & mask;
    }
    cells[hole] = SLOT_NONE;
  }

  #homeOfSlot(slot: number, map: number): number {
    if (map === 0) return this.#homeOf(this.publicId[slot]);
    if (map === 1) return this.#homeOf(this.wireId[slot]);
    return this.#homeOfName(this.nameLo[slot], this.nameHi[slot]);
  }
}
