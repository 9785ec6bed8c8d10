// The position keeper again, slow and obvious: BigInt throughout, lots as an array, sums made anew
// each time they are asked for. And an ideal VWAP in exact fractions, which rounds nothing.
import type { Costing } from './position_snapshot.ts';

interface Lot {
  qty: bigint;
  cost: bigint;
}

interface Book {
  position: bigint;
  /** Oldest first; VWAP keeps one. Cost without the position's sign. */
  lots: Lot[];
  /** Every fill: side · price · quantity, and its fee. */
  spent: bigint;
  realised: bigint;
  fees: bigint;
  volume: bigint;
  fills: bigint;
  mark2: bigint | null;
}

export class ReferencePositions {
  readonly #costing: Costing;
  readonly #lotsMax: number;
  readonly #books: Book[];
  lotsMerged = 0;

  /** `lotsMax`: over all books, one of them kept for each book without any. */
  constructor(books: number, costing: Costing, lotsMax = Infinity) {
    this.#costing = costing;
    this.#lotsMax = lotsMax;
    this.#books = Array.from({ length: books }, () => ({
      position: 0n, lots: [], spent: 0n, realised: 0n, fees: 0n, volume: 0n, fills: 0n, mark2: null,
    }));
  }

  onFill(at: number, side: number, priceTicks: number, quantity: number, feeTicks = 0): void {
    const book = this.#books[at];
    const [sign, price, qty, fee] = [BigInt(side), BigInt(priceTicks), BigInt(quantity), BigInt(feeTicks)];
    const direction = signOf(book.position);
    const closed = direction === -sign ? min(qty, abs(book.position)) : 0n;
    if (closed > 0n) book.realised += direction * (price * closed - this.#close(book, closed));
    if (qty > closed) this.#open(book, price, qty - closed);
    book.position += sign * qty;
    book.spent += sign * price * qty + fee;
    book.realised -= fee;
    book.fees += fee;
    book.volume += qty;
    book.fills += 1n;
  }

  mark(at: number, mid2: number | null): void {
    this.#books[at].mark2 = mid2 === null ? null : BigInt(mid2);
  }

  of(at: number): { position: bigint; cost: bigint; cash: bigint; realised2: bigint; fees: bigint; volume: bigint; fills: bigint } {
    const { position, spent, realised, fees, volume, fills } = this.#books[at];
    return { position, cost: this.#cost(at), cash: -spent, realised2: 2n * realised, fees, volume, fills };
  }

  /** null: a position without a mark. */
  unrealised2(at: number): bigint | null {
    const { position, mark2 } = this.#books[at];
    if (position === 0n) return 0n;
    return mark2 === null ? null : position * mark2 - 2n * this.#cost(at);
  }

  /** null: unknown. In portfolio money, doubled. */
  totalPnl2(moneyPerTick: ArrayLike<number>): bigint | null {
    let sum = 0n;
    for (let at = 0; at < this.#books.length; at++) {
      const open = this.unrealised2(at);
      if (open === null) return null;
      sum += (2n * this.#books[at].realised + open) * BigInt(moneyPerTick[at]);
    }
    return sum;
  }

  #cost(at: number): bigint {
    const { position, lots } = this.#books[at];
    return signOf(position) * lots.reduce((sum, { cost }) => sum + cost, 0n);
  }

  #open(book: Book, price: bigint, qty: bigint): void {
    const newest = book.lots.at(-1);
    const bare = this.#books.filter(({ lots }) => lots.length === 0).length;
    const used = this.#books.reduce((sum, { lots }) => sum + lots.length, 0);
    const full = this.#lotsMax - used <= bare;
    if (newest !== undefined && (this.#costing === 'vwap' || full || newest.cost === price * newest.qty)) {
      if (this.#costing !== 'vwap' && newest.cost !== price * newest.qty) this.lotsMerged++;
      newest.qty += qty;
      newest.cost += price * qty;
    } else {
      book.lots.push({ qty, cost: price * qty });
    }
  }

  /** What the closed quantity cost. */
  #close(book: Book, qty: bigint): bigint {
    let closed = 0n;
    for (let left = qty; left > 0n;) {
      const lot = this.#costing === 'lifo' ? book.lots.at(-1)! : book.lots[0];
      const taken = min(left, lot.qty);
      const share = divideHalfEven(lot.cost * taken, lot.qty);
      lot.qty -= taken;
      lot.cost -= share;
      if (lot.qty === 0n) book.lots.splice(book.lots.indexOf(lot), 1);
      closed += share;
      left -= taken;
    }
    return closed;
  }
}

/** numerator / denominator (> 0) to the nearest whole number, a half to the even one. */
export function divideHalfEven(numerator: bigint, denominator: bigint): bigint {
  let quotient = numerator / denominator;
  if (quotient * denominator > numerator) quotient -= 1n; // BigInt division goes to zero; floor it
  const twice = 2n * (numerator - quotient * denominator);
  if (twice > denominator || (twice === denominator && quotient % 2n !== 0n)) quotient += 1n;
  return quotient;
}

/** VWAP in exact fractions: the cost of the open position as numerator / denominator. */
export class IdealVwap {
  position = 0n;
  numerator = 0n;
  denominator = 1n;

  onFill(side: number, priceTicks: number, quantity: number): void {
    const [sign, price, qty] = [BigInt(side), BigInt(priceTicks), BigInt(quantity)];
    const closed = signOf(this.position) === -sign ? min(qty, abs(this.position)) : 0n;
    if (closed > 0n) {
      // What stays keeps its share: cost · (|position| − closed) / |position|.
      this.numerator *= abs(this.position) - closed;
      this.denominator *= abs(this.position);
    }
    this.numerator += sign * price * (qty - closed) * this.denominator;
    this.position += sign * qty;
    const divisor = greatestCommonDivisor(abs(this.numerator), this.denominator);
    this.numerator /= divisor;
    this.denominator /= divisor;
  }

  /** |cost − this|, doubled, rounded up. */
  distance2(cost: bigint): bigint {
    const difference = abs(cost * this.denominator - this.numerator) * 2n;
    return (difference + this.denominator - 1n) / this.denominator;
  }
}

function abs(value: bigint): bigint {
  return value < 0n ? -value : value;
}

function min(a: bigint, b: bigint): bigint {
  return a < b ? a : b;
}

function signOf(value: bigint): bigint {
  if (value === 0n) return 0n;
  return value > 0n ? 1n : -1n;
}

function greatestCommonDivisor(a: bigint, b: bigint): bigint {
  let [x, y] = [a, b];
  while (y > 0n) [x, y] = [y, x % y];
  return x;
}
