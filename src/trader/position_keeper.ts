// Positions, cost and profit of every instrument, from fills and marks. Integers only.
//
//   by book:  position | cost | cash | realised | fees | volume | fills | mark2
//   lots:     quantity | cost | neighbours      one list a book, oldest ─► newest (FIFO and LIFO only)
//
// Money of an instrument counts tick-lots (ticks × quantity), money of the portfolio 10^-decimals of
// the currency; both are whole numbers in doubles. What is valued at a mid comes doubled (…2),
// because the mark is kept as bid + ask. Cost and cash have signs: +10 bought at 100 is cost 1,000
// and cash −1,000; −5 sold at 90 is cost −450 and cash +450. So at any time, exactly,
//
//   realised = cash + cost      realised2 + unrealised2 = 2·cash + position·mark2
//
// Costing: a fill on the side of the position adds its value to the cost. A fill against it closes
// min(quantity, |position|) at cost and opens the rest, if any, at its own price: nothing is blended
// across a flip. What a closed quantity cost:
//   vwap  its share of the cost sum, rounded half to even; the rest of the sum stays (averages and
//         their drift do not exist)
//   fifo  the oldest lots, lifo the newest; a lot of one price is exact. When no lot is free, a fill
//         is put into the newest lot of its book, as VWAP within that lot, and counted (`lotsMerged`);
//         one lot is kept for every book, so that there always is one.
// Fees are whole tick-lots of the fill, paid when positive: part of cash and of realised profit, and
// summed apart.
//
// Unknown stays unknown: a position without a mark, and a book whose sums left their bounds (MONEY_MAX,
// far beyond what the risk gate lets through; its position goes on being exact), have no profit, and
// then `totalsKnown` is false.
//
// Cost: a fill is some twenty loads and stores, closing n lots n times that; a mark ten. Totals are
// kept, not summed. Nothing is allocated. Limits: POSITION_MAX lots, LOTS_MAX lots in the pool.
import { assert } from '../base/assert.ts';
import { BOOK_UNKNOWN, MID2_NONE, type TraderInstruments } from './instruments.ts';
import {
  SNAPSHOT_BOOK_BYTES, SNAPSHOT_HEADER_BYTES, SNAPSHOT_LOT_BYTES, readSnapshot,
  writeSnapshotBook, writeSnapshotHeader, type Costing, type SavedBook,
} from './position_snapshot.ts';

export type { Costing } from './position_snapshot.ts';

export interface PositionKeeperOptions {
  /** How a closed quantity's cost is found; default VWAP. */
  readonly costing?: Costing | undefined;
  /** Lots of FIFO and LIFO over all instruments; default LOTS_DEFAULT beside one for each book. */
  readonly lotsMax?: number | undefined;
}

/** Bounds of one book's cash and cost: doubled, and their sum doubled, they are exact below 2^53. */
export const MONEY_MAX = 2 ** 51;
/** Bound of position · mark2, so that it adds to 2·cash without rounding. */
const VALUE2_MAX = 2 ** 52;
/** A million fills of the largest quantity; no gate lets a thousandth of it through. */
export const POSITION_MAX = 2 ** 52;
/** 65,536 open lots in 2 MB: a day of a busy strategy that never goes flat. */
export const LOTS_DEFAULT = 65_536;
/** Their memory is taken at start: 32 bytes each. */
export const LOTS_MAX = 2 ** 24;
const LOT_NONE = -1;

/** Cells of `takeShare`. */
export const Share = { Cost: 0, Part: 1, Whole: 2 } as const;

/** What is said of a total. */
const TOTAL_PNL2 = 0;
const TOTAL_GROSS2 = 1;

export class PositionKeeper {
  readonly costing: Costing;
  /** Fills that found no free lot and went into the newest one of their book. */
  lotsMerged = 0;

  readonly #instruments: TraderInstruments;
  readonly #position: Float64Array;
  readonly #cost: Float64Array;
  readonly #cash: Float64Array;
  readonly #realised: Float64Array;
  readonly #fees: Float64Array;
  readonly #volume: Float64Array;
  readonly #fills: Float64Array;
  readonly #mark2: Float64Array;
  /** 1: cash, cost and realised are within their bounds, and so exact. */
  readonly #exact: Uint8Array;

  // What each book adds to the totals, in portfolio money, and which books are unknown.
  readonly #moneyPerTick: Float64Array;
  readonly #pnlMoney2: Float64Array;
  readonly #grossMoney2: Float64Array;
  readonly #unknown: Uint8Array;
  readonly #totals = new Float64Array(2);
  /** One book may add so much that the sum over all is exact. */
  readonly #moneyOfBookMax: number;
  #unknownBooks = 0;

  readonly #share = new Float64Array(3);

  // Lots. Of a free lot only #lotNext is used: the free list.
  readonly #lotQty: Float64Array;
  readonly #lotCost: Float64Array;
  readonly #lotPrevious: Int32Array;
  readonly #lotNext: Int32Array;
  readonly #oldest: Int32Array;
  readonly #newest: Int32Array;
  #freeLot: number;
  #freeLots: number;
  /** Books without a lot; as many lots stay free for them. */
  #booksWithoutLots: number;

  constructor(instruments: TraderInstruments, options: PositionKeeperOptions = {}) {
    const { count } = instruments;
    this.costing = options.costing ?? 'vwap';
    this.#instruments = instruments;
    this.#position = new Float64Array(count);
    this.#cost = new Float64Array(count);
    this.#cash = new Float64Array(count);
    this.#realised = new Float64Array(count);
    this.#fees = new Float64Array(count);
    this.#volume = new Float64Array(count);
    this.#fills = new Float64Array(count);
    this.#mark2 = new Float64Array(count).fill(MID2_NONE);
    this.#exact = new Uint8Array(count).fill(1);
    this.#moneyPerTick = instruments.moneyPerTick;
    this.#pnlMoney2 = new Float64Array(count);
    this.#grossMoney2 = new Float64Array(count);
    this.#unknown = new Uint8Array(count);
    this.#moneyOfBookMax = Math.floor(Number.MAX_SAFE_INTEGER / count);
    const lots = this.costing === 'vwap' ? 0 : lotsOf(options.lotsMax ?? LOTS_DEFAULT + count, count);
    this.#lotQty = new Float64Array(lots);
    this.#lotCost = new Float64Array(lots);
    this.#lotPrevious = new Int32Array(lots);
    this.#lotNext = Int32Array.from({ length: lots }, (_, lot) => (lot + 1 < lots ? lot + 1 : LOT_NONE));
    this.#oldest = new Int32Array(count).fill(LOT_NONE);
    this.#newest = new Int32Array(count).fill(LOT_NONE);
    this.#freeLot = lots > 0 ? 0 : LOT_NONE;
    this.#freeLots = lots;
    this.#booksWithoutLots = lots > 0 ? count : 0;
  }

  // ── what happens ───────────────────────────────────────────────────────────────────────────

  /**
   * Bought (side +1) or sold (−1) `qty` lots. `fee`: tick-lots paid, negative when received; part of
   * cash and of realised profit.
   */
  onFill(book: number, side: number, priceTicks: number, qty: number, fee = 0): void {
    const before = this.#position[book];
    const after = before + side * qty;
    assert(after <= POSITION_MAX && after >= -POSITION_MAX, 'a position stays below 2^52 lots');
    this.#fills[book] += 1;
    this.#volume[book] += qty;
    if (this.#exact[book] === 1) {
      const closedQty = before * side < 0 ? Math.min(qty, Math.abs(before)) : 0;
      if (closedQty > 0) this.#close(book, side, priceTicks, closedQty);
      if (qty > closedQty) this.#open(book, side, priceTicks, qty - closedQty);
      this.#cash[book] -= side * qty * priceTicks + fee;
      this.#realised[book] -= fee;
      this.#fees[book] += fee;
      if (!this.#withinBounds(book, priceTicks, qty, fee)) this.#giveUp(book);
    }
    this.#position[book] = after;
    this.#revalue(book);
  }

  /** bid + ask of the book (or twice the last trade); MID2_NONE: no longer known. */
  mark(book: number, mid2: number): void {
    this.#mark2[book] = mid2;
    this.#revalue(book);
  }

  // ── what is so ─────────────────────────────────────────────────────────────────────────────

  /** Lots; negative = short. */
  position(book: number): number {
    return this.#position[book];
  }

  /** Realised profit, fees taken off, in tick-lots, doubled. */
  realised2(book: number): number {
    return 2 * this.#realised[book];
  }

  /** Profit of the open position at the mark, in tick-lots, doubled; 0 where it is not known. */
  unrealised2(book: number): number {
    if (this.#unknown[book] === 1 || this.#position[book] === 0) return 0;
    return this.#position[book] * this.#mark2[book] - 2 * this.#cost[book] + 0; // never −0
  }

  /** realised2 + unrealised2; 0 where it is not known. */
  pnl2(book: number): number {
    return this.#unknown[book] === 1 ? 0 : this.realised2(book) + this.unrealised2(book);
  }

  /** −Σ side · price · quantity − fees, in tick-lots. */
  cash(book: number): number {
    return this.#cash[book];
  }

  /** What the open position cost, in tick-lots, with the position's sign. */
  costTicks(book: number): number {
    return this.#cost[book];
  }

  /** Tick-lots paid. */
  fees(book: number): number {
    return this.#fees[book];
  }

  /** Lots traded. */
  volume(book: number): number {
    return this.#volume[book];
  }

  fills(book: number): number {
    return this.#fills[book];
  }

  /** MID2_NONE: unknown. */
  mark2(book: number): number {
    return this.#mark2[book];
  }

  marked(book: number): boolean {
    return this.#mark2[book] !== MID2_NONE;
  }

  /** The book's profit is known: it is flat or marked, and its sums are within their bounds. */
  known(book: number): boolean {
    return this.#unknown[book] === 0;
  }

  /** What a lot of the open position cost, in ticks; 0 when flat. A float, for people and features. */
  averageTicks(book: number): number {
    return this.#position[book] === 0 ? 0 : this.#cost[book] / this.#position[book];
  }

  /** Profit of all instruments in portfolio money, doubled; of the known ones while `totalsKnown` is false. */
  totalPnl2(): number {
    return this.#totals[TOTAL_PNL2];
  }

  /** Realised profit of all instruments in portfolio money, doubled. Sums over the instruments. */
  totalRealised2(): number {
    let sum = 0;
    for (let book = 0; book < this.#realised.length; book++) {
      if (this.#exact[book] === 1) sum += this.realised2(book) * this.#moneyPerTick[book];
    }
    return sum;
  }

  /** Σ |position · mark2| in portfolio money, doubled; of the known ones while `totalsKnown` is false. */
  grossValue2(): number {
    return this.#totals[TOTAL_GROSS2];
  }

  /** False while any instrument's profit is unknown. */
  get totalsKnown(): boolean {
    return this.#unknownBooks === 0;
  }

  /** Open lots of all books (FIFO and LIFO). */
  get lots(): number {
    return this.#lotQty.length - this.#freeLots;
  }

  // ── cost ───────────────────────────────────────────────────────────────────────────────────
  //
  // Sums of money go from function to function in cells: a number beyond 2^31 as an argument or a
  // result of a call that is not inlined is a box of 16 bytes.

  #open(book: number, side: number, priceTicks: number, qty: number): void {
    this.#cost[book] += side * priceTicks * qty;
    if (this.#lotQty.length > 0) this.#addLot(book, priceTicks, qty);
  }

  /** `qty`, at most the position, is closed by a fill of `side`. */
  #close(book: number, side: number, priceTicks: number, qty: number): void {
    const share = this.#share;
    const held = Math.abs(this.#position[book]);
    share[Share.Cost] = this.#cost[book];
    if (this.#lotQty.length > 0) {
      this.#closeLots(book, side, qty);
    } else if (qty < held) {
      share[Share.Part] = qty;
      share[Share.Whole] = held;
      takeShare(share);
    }
    // The cost has the position's sign, which is not the fill's.
    this.#cost[book] -= share[Share.Cost];
    this.#realised[book] -= side * qty * priceTicks + share[Share.Cost];
  }

  /** Takes `qty` from the lots; what it cost, with the position's sign, is left in the cost cell. */
  #closeLots(book: number, side: number, qty: number): void {
    const share = this.#share;
    const oldestFirst = this.costing === 'fifo';
    let closed = 0;
    for (let left = qty; left > 0;) {
      const lot = oldestFirst ? this.#oldest[book] : this.#newest[book];
      const lotQty = this.#lotQty[lot];
      share[Share.Cost] = this.#lotCost[lot];
      if (lotQty > left) {
        share[Share.Part] = left;
        share[Share.Whole] = lotQty;
        takeShare(share);
        this.#lotQty[lot] = lotQty - left;
        this.#lotCost[lot] -= share[Share.Cost];
      } else {
        this.#freeLotOf(book, lot);
      }
      closed += share[Share.Cost];
      left -= lotQty;
    }
    share[Share.Cost] = -side * closed;
  }

  /** False: a number of this fill left its bounds. The fill's own value may have been rounded. */
  #withinBounds(book: number, priceTicks: number, qty: number, fee: number): boolean {
    return Math.abs(priceTicks * qty) <= MONEY_MAX && Math.abs(fee) <= MONEY_MAX
      && Math.abs(this.#cash[book]) <= MONEY_MAX && Math.abs(this.#cost[book]) <= MONEY_MAX
      && Math.abs(this.#fees[book]) <= MONEY_MAX;
  }

  /** The money of a book is unknown from now on; its position is not. */
  #giveUp(book: number): void {
    this.#exact[book] = 0;
    this.#cost[book] = this.#cash[book] = this.#realised[book] = this.#fees[book] = 0;
    while (this.#oldest[book] !== LOT_NONE) this.#freeLotOf(book, this.#oldest[book]);
  }

  /** The book's part of the totals, anew. */
  #revalue(book: number): void {
    const position = this.#position[book];
    const mark2 = this.#mark2[book];
    const perTick = this.#moneyPerTick[book];
    const max = this.#moneyOfBookMax;
    const value2 = position === 0 ? 0 : position * mark2;
    const pnlMoney2 = (2 * this.#cash[book] + value2) * perTick;
    const grossMoney2 = Math.abs(value2) * perTick;
    const known = this.#exact[book] === 1 && (position === 0 || mark2 !== MID2_NONE)
      && Math.abs(value2) <= VALUE2_MAX && Math.abs(pnlMoney2) <= max && grossMoney2 <= max;
    this.#totals[TOTAL_PNL2] += (known ? pnlMoney2 : 0) - this.#pnlMoney2[book];
    this.#totals[TOTAL_GROSS2] += (known ? grossMoney2 : 0) - this.#grossMoney2[book];
    this.#pnlMoney2[book] = known ? pnlMoney2 : 0;
    this.#grossMoney2[book] = known ? grossMoney2 : 0;
    const unknown = known ? 0 : 1;
    this.#unknownBooks += unknown - this.#unknown[book];
    this.#unknown[book] = unknown;
  }

  // ── lots ───────────────────────────────────────────────────────────────────────────────────

  #addLot(book: number, priceTicks: number, qty: number): void {
    const newest = this.#newest[book];
    if (newest !== LOT_NONE) {
      // At the newest lot's price the order of the two does not matter: one lot is both.
      const samePrice = this.#lotCost[newest] === priceTicks * this.#lotQty[newest];
      const noneFree = this.#freeLots <= this.#booksWithoutLots;
      if (samePrice || noneFree) {
        if (!samePrice) this.lotsMerged++;
        this.#lotQty[newest] += qty;
        this.#lotCost[newest] += priceTicks * qty;
        return;
      }
    }
    const lot = this.#takeLot(book);
    this.#lotQty[lot] = qty;
    this.#lotCost[lot] = priceTicks * qty;
  }

  /** A lot behind the newest one of the book. */
  #takeLot(book: number): number {
    const lot = this.#freeLot;
    assert(lot !== LOT_NONE, 'every book without a lot has one kept for it');
    this.#freeLot = this.#lotNext[lot];
    this.#freeLots--;
    const newest = this.#newest[book];
    this.#lotPrevious[lot] = newest;
    this.#lotNext[lot] = LOT_NONE;
    this.#newest[book] = lot;
    if (newest !== LOT_NONE) {
      this.#lotNext[newest] = lot;
    } else {
      this.#oldest[book] = lot;
      this.#booksWithoutLots--;
    }
    return lot;
  }

  /** Takes the oldest or the newest lot of a book out of its list. */
  #freeLotOf(book: number, lot: number): void {
    const previous = this.#lotPrevious[lot];
    const next = this.#lotNext[lot];
    if (previous === LOT_NONE) this.#oldest[book] = next;
    else this.#lotNext[previous] = next;
    if (next === LOT_NONE) this.#newest[book] = previous;
    else this.#lotPrevious[next] = previous;
    if (this.#oldest[book] === LOT_NONE) this.#booksWithoutLots++;
    this.#lotNext[lot] = this.#freeLot;
    this.#freeLot = lot;
    this.#freeLots++;
  }

  // ── snapshot (position_snapshot.ts), not on the way of a message ───────────────────────────
  //
  // Marks are not kept: after a restart the market has to be seen again. A snapshot of another
  // costing is taken: lots serve FIFO and LIFO alike, and a cost sum is one lot.

  /** Bytes that `snapshot` writes now. */
  get snapshotBytes(): number {
    return SNAPSHOT_HEADER_BYTES + this.#tradedBooks() * SNAPSHOT_BOOK_BYTES + this.lots * SNAPSHOT_LOT_BYTES;
  }

  /** Writes everything at `at`; returns the bytes written. */
  snapshot(view: DataView, at: number): number {
    writeSnapshotHeader(view, at, this.costing, this.#tradedBooks(), this.lots);
    let end = at + SNAPSHOT_HEADER_BYTES;
    for (let book = 0; book < this.#fills.length; book++) {
      if (this.#fills[book] > 0) end = writeSnapshotBook(view, end, this.#save(book));
    }
    return end - at;
  }

  /**
   * Takes a snapshot in place of everything here. Throws a RangeError that says what was expected,
   * before anything has changed, when the bytes are none, or hold a position of an instrument that
   * is not here.
   */
  restore(view: DataView, at: number, length: number): void {
    const saved = readSnapshot(view, at, length, POSITION_MAX, MONEY_MAX);
    let lots = this.#instruments.count;
    for (const { ticker, numbers, lots: own } of saved) {
      if (numbers[0] === 0) continue;
      lots += Math.max(0, own.length - 1);
      if (this.#instruments.bookOf(ticker) !== BOOK_UNKNOWN) continue;
      throw new RangeError(`position of ticker ${ticker}: expected an instrument of that id, was none`);
    }
    if (this.#lotQty.length > 0 && lots > this.#lotQty.length) {
      throw new RangeError(`lots of the snapshot: expected room for ${lots}, was ${this.#lotQty.length}`);
    }
    for (let book = 0; book < this.#fills.length; book++) this.#forget(book);
    for (const each of saved) {
      const book = this.#instruments.bookOf(each.ticker);
      if (book !== BOOK_UNKNOWN) this.#load(book, each);
    }
  }

  #tradedBooks(): number {
    let traded = 0;
    for (const fills of this.#fills) traded += fills > 0 ? 1 : 0;
    return traded;
  }

  #save(book: number): SavedBook {
    const lots: [qty: number, cost: number][] = [];
    for (let lot = this.#oldest[book]; lot !== LOT_NONE; lot = this.#lotNext[lot]) {
      lots.push([this.#lotQty[lot], this.#lotCost[lot]]);
    }
    return {
      ticker: this.#instruments.tickers[book], exact: this.#exact[book] === 1,
      numbers: this.#saved().map((cells) => cells[book]), lots,
    };
  }

  #load(book: number, { exact, numbers, lots }: SavedBook): void {
    for (const [i, cells] of this.#saved().entries()) cells[book] = numbers[i];
    this.#exact[book] = exact ? 1 : 0;
    const [position, cost] = numbers;
    if (this.#lotQty.length > 0 && exact && position !== 0) {
      const own = lots.length > 0 ? lots : [[Math.abs(position), Math.sign(position) * cost] as const];
      for (const [qty, lotCost] of own) {
        const lot = this.#takeLot(book);
        this.#lotQty[lot] = qty;
        this.#lotCost[lot] = lotCost;
      }
    }
    this.#revalue(book);
  }

  #forget(book: number): void {
    while (this.#oldest[book] !== LOT_NONE) this.#freeLotOf(book, this.#oldest[book]);
    for (const cells of this.#saved()) cells[book] = 0;
    this.#exact[book] = 1;
    this.#mark2[book] = MID2_NONE;
    this.#revalue(book);
  }

  /** The numbers of a book that a snapshot holds, in its order. */
  #saved(): readonly Float64Array[] {
    return [this.#position, this.#cost, this.#cash, this.#realised, this.#fees, this.#volume, this.#fills];
  }

  // ── invariants ─────────────────────────────────────────────────────────────────────────────

  /** O(books + lots). Throws when something that must always hold does not. */
  checkInvariants(): void {
    let pnl2 = 0;
    let gross2 = 0;
    let unknown = 0;
    let lots = 0;
    let without = 0;
    for (let book = 0; book < this.#position.length; book++) {
      lots += this.#checkBook(book);
      pnl2 += this.#pnlMoney2[book];
      gross2 += this.#grossMoney2[book];
      unknown += this.#unknown[book];
      without += this.#oldest[book] === LOT_NONE ? 1 : 0;
    }
    assert(pnl2 === this.#totals[TOTAL_PNL2], 'the total profit is the sum of the books');
    assert(gross2 === this.#totals[TOTAL_GROSS2], 'the gross value is the sum of the books');
    assert(unknown === this.#unknownBooks, 'unknown books are counted');
    if (this.#lotQty.length === 0) return;
    assert(without === this.#booksWithoutLots, 'books without a lot are counted');
    assert(this.#freeLots >= without, 'a lot is free for every book without one');
    let free = 0;
    for (let lot = this.#freeLot; lot !== LOT_NONE; lot = this.#lotNext[lot]) free++;
    assert(free === this.#freeLots, 'free lots are counted');
    assert(lots + free === this.#lotQty.length, 'every lot is free or in one list');
  }

  /** Returns the number of the book's lots. */
  #checkBook(book: number): number {
    const position = this.#position[book];
    if (this.#exact[book] === 1) {
      assert(this.#realised[book] === this.#cash[book] + this.#cost[book], 'realised = cash + cost');
      assert(position !== 0 || this.#cost[book] === 0, 'nothing open costs nothing');
    }
    if (this.#unknown[book] === 0 && position !== 0) {
      const value2 = position * this.#mark2[book];
      assert(
        this.realised2(book) + this.unrealised2(book) === 2 * this.#cash[book] + value2,
        'realised + unrealised = cash + position · mark',
      );
    }
    if (this.#lotQty.length === 0 || this.#exact[book] === 0) return 0;
    let qty = 0;
    let cost = 0;
    let lots = 0;
    let previous = LOT_NONE;
    for (let lot = this.#oldest[book]; lot !== LOT_NONE; lot = this.#lotNext[lot]) {
      assert(this.#lotPrevious[lot] === previous, 'lots are linked both ways');
      assert(this.#lotQty[lot] > 0, 'a lot has a quantity');
      qty += this.#lotQty[lot];
      cost += this.#lotCost[lot];
      previous = lot;
      lots++;
    }
    assert(this.#newest[book] === previous, 'the newest lot is the last one');
    assert(qty === Math.abs(position), 'the lots are the position');
    assert(cost * Math.sign(position) === this.#cost[book], 'the lots are the cost');
    return lots;
  }
}

/**
 * Makes the cost cell the share part/whole of it, rounded half to even, exactly: cost · part may have
 * 104 bits. |cost| ≤ 2^53, 0 ≤ part ≤ whole ≤ 2^52.
 */
export function takeShare(cells: Float64Array): void {
  const cost = cells[Share.Cost];
  const part = cells[Share.Part];
  const whole = cells[Share.Whole];
  const size = Math.abs(cost);
  const rest = size % whole;
  let quotient = ((size - rest) / whole) * part;
  let remainder = 0;
  // And rest · part / whole, with its remainder.
  if (rest * part <= Number.MAX_SAFE_INTEGER) {
    remainder = (rest * part) % whole;
    quotient += (rest * part - remainder) / whole;
  } else {
    // Multiplication and division in one, a binary digit of `part` at a time.
    let more = 0;
    for (let bit = 2 ** 52, left = part; bit >= 1; bit /= 2) {
      more *= 2;
      remainder *= 2; // below 2^53, as `whole` is at most 2^52
      if (remainder >= whole) {
        remainder -= whole;
        more++;
      }
      if (left < bit) continue;
      left -= bit;
      remainder += rest;
      if (remainder >= whole) {
        remainder -= whole;
        more++;
      }
    }
    quotient += more;
  }
  const twice = 2 * remainder - whole;
  if (twice > 0 || (twice === 0 && quotient % 2 === 1)) quotient++;
  cells[Share.Cost] = cost < 0 ? -quotient : quotient;
}

function lotsOf(lots: number, books: number): number {
  if (Number.isInteger(lots) && lots >= books && lots <= LOTS_MAX) return lots;
  throw new RangeError(`lots: expected ${books} (one a book) … ${LOTS_MAX}, was ${lots}`);
}
