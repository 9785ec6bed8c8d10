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
  /** A sum left its bounds once: its money is unknown for good. */
  lost: boolean;
}

/** The bounds that position_keeper.ts states. */
const MONEY_MAX = 2n ** 51n;
const VALUE2_MAX = 2n ** 52n;
const TOTAL_MAX = 2n ** 53n - 1n;

export class ReferencePositions {
  readonly #costing: Costing;
  readonly #lotsMax: number;
  readonly #books: Book[];
  readonly #moneyPerTick: readonly bigint[];
  lotsMerged = 0;

  /** `lotsMax`: over all books, one of them kept for each book without any. */
  constructor(moneyPerTick: Iterable<number>, costing: Costing, lotsMax = Infinity) {
    this.#costing = costing;
    this.#lotsMax = lotsMax;
    this.#moneyPerTick = Array.from(moneyPerTick, BigInt);
    this.#books = this.#moneyPerTick.map(() => ({
      position: 0n, lots: [], spent: 0n, realised: 0n, fees: 0n, volume: 0n, fills: 0n, mark2: null, lost: false,
    }));
  }

  onFill(at: number, side: number, priceTicks: number, quantity: number, feeTicks = 0): void {
    const book = this.#books[at];
    const [sign, price, qty, fee] = [BigInt(side), BigInt(priceTicks), BigInt(quantity), BigInt(feeTicks)];
    const direction = signOf(book.position);
    const closed = direction === -sign ? this.closable(book.position, qty) : 0n;
    book.position += sign * qty;
    book.volume += qty;
    book.fills += 1n;
    if (book.lost) return;
    if (closed > 0n) book.realised += direction * (price * closed - this.#close(book, closed));
    if (qty > closed) this.#open(book, price, qty - closed);
    book.spent += sign * price * qty + fee;
    book.realised -= fee;
    book.fees += fee;
    const cost = book.lots.reduce((sum, lot) => sum + lot.cost, 0n);
    if ([price * qty, fee, book.spent, cost, book.fees].every((sum) => abs(sum) <= MONEY_MAX)) return;
    Object.assign(book, { lost: true, lots: [], spent: 0n, realised: 0n, fees: 0n });
  }

  mark(at: number, mid2: number | null): void {
    this.#books[at].mark2 = mid2 === null ? null : BigInt(mid2);
  }

  of(at: number): { position: bigint; cost: bigint; cash: bigint; realised2: bigint; fees: bigint; volume: bigint; fills: bigint } {
    const { position, spent, realised, fees, volume, fills } = this.#books[at];
    return { position, cost: this.#cost(at), cash: -spent, realised2: 2n * realised, fees, volume, fills };
  }

  /** null: unknown. */
  unrealised2(at: number): bigint | null {
    const { position, mark2, lost, realised } = this.#books[at];
    if (lost || (position !== 0n && mark2 === null)) return null;
    const value2 = position * (mark2 ?? 0n);
    const open2 = position === 0n ? 0n : value2 - 2n * this.#cost(at);
    const bookMax = TOTAL_MAX / BigInt(this.#books.length);
    const within = abs(value2) <= VALUE2_MAX && abs(value2) * this.#moneyPerTick[at] <= bookMax
      && abs(2n * realised + open2) * this.#moneyPerTick[at] <= bookMax;
    return within ? open2 : null;
  }

  /** In portfolio money, doubled, over the books that are known; and whether all are. */
  totals(): { pnl2: bigint; gross2: bigint; known: boolean } {
    const totals = { pnl2: 0n, gross2: 0n, known: true };
    for (const [at, { position, mark2, realised }] of this.#books.entries()) {
      const open2 = this.unrealised2(at);
      if (open2 === null) {
        totals.known = false;
      } else {
        totals.pnl2 += (2n * realised + open2) * this.#moneyPerTick[at];
        totals.gross2 += abs(position * (mark2 ?? 0n)) * this.#moneyPerTick[at];
      }
    }
    return totals;
  }

  /** What `taken` of a lot's quantity cost. Mistakes are planted here and in `closable`. */
  protected share(cost: bigint, taken: bigint, qty: bigint): bigint {
    return divideHalfEven(cost * taken, qty);
  }

  /** How much of a position a fill against it closes. */
  protected closable(position: bigint, qty: bigint): bigint {
    return min(qty, abs(position));
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
      const share = this.share(lot.cost, taken, lot.qty);
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
