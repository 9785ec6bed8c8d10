// The ledger as objects, sums taken anew for every question, in integers without bounds: the slow, obvious twin
// that the fuzzer compares with.
import { Reason } from '../book/types.ts';
import { LEDGER_LIMIT_NONE, LEDGER_LIMITS_NONE, type LedgerLimits } from './exposure_ledger.ts';
import { MID2_NONE } from './instruments.ts';

interface Book { position: bigint; buys: bigint; sells: bigint; orders: number; mark2: number; cash: bigint; exact: boolean }

const CASH_MAX = 2n ** 51n;
const abs = (value: bigint): bigint => (value < 0n ? -value : value);

export class ReferenceLedger {
  readonly books: Book[];
  limits: LedgerLimits = LEDGER_LIMITS_NONE;
  killed = false;
  stopLossHit = false;
  readonly #moneyPerTick: readonly bigint[];
  readonly #money2Max: bigint;
  readonly #sentNs: number[] = [];

  constructor(moneyPerTick: readonly number[]) {
    this.#moneyPerTick = moneyPerTick.map(BigInt);
    this.#money2Max = BigInt(Number.MAX_SAFE_INTEGER) / BigInt(moneyPerTick.length);
    this.books = moneyPerTick.map(() => ({ position: 0n, buys: 0n, sells: 0n, orders: 0, mark2: MID2_NONE, cash: 0n, exact: true }));
  }

  get sent(): number {
    return this.#sentNs.length;
  }

  get openOrders(): number {
    return this.books.reduce((sum, book) => sum + book.orders, 0);
  }

  exposure(book: number, buys = this.books[book].buys, sells = this.books[book].sells): bigint {
    const long = this.books[book].position + buys;
    const short = sells - this.books[book].position;
    return long > short ? long : short;
  }

  get exposureTotal(): bigint {
    return this.books.reduce((sum, _, book) => sum + this.exposure(book), 0n);
  }

  /** Null: unknown. */
  value2(book: number, exposure = this.exposure(book)): bigint | null {
    if (exposure === 0n) return 0n;
    const { mark2 } = this.books[book];
    if (mark2 === MID2_NONE) return null;
    const value2 = exposure * abs(BigInt(mark2)) * this.#moneyPerTick[book];
    return value2 <= this.#money2Max ? value2 : null;
  }

  /** Null: unknown. */
  pnl2(book: number): bigint | null {
    const { position, cash, mark2, exact } = this.books[book];
    if (!exact || (position !== 0n && mark2 === MID2_NONE)) return null;
    const held2 = position === 0n ? 0n : position * BigInt(mark2);
    const pnl2 = (2n * cash + held2) * this.#moneyPerTick[book];
    return abs(held2) <= 2n * CASH_MAX && abs(pnl2) <= this.#money2Max ? pnl2 : null;
  }

  /** Null: unknown. */
  #sum(of: (book: number) => bigint | null): bigint | null {
    let sum = 0n;
    for (let book = 0; book < this.books.length; book += 1) {
      const value = of(book);
      if (value === null) return null;
      sum += value;
    }
    return sum;
  }

  get grossValue2(): bigint | null {
    return this.#sum((book) => this.value2(book));
  }

  get pnl2Total(): bigint | null {
    return this.#sum((book) => this.pnl2(book));
  }

  tryReserve(book: number, side: number, qty: number, nowNs: number): Reason {
    const reason = this.#judge(book, side, qty, 1, nowNs);
    if (reason !== Reason.None) return reason;
    this.#sentNs.push(nowNs);
    this.reserve(book, side, qty);
    return Reason.None;
  }

  tryAdjust(book: number, side: number, deltaQty: number, nowNs: number): Reason {
    const reason = deltaQty > 0 ? this.#judge(book, side, deltaQty, 0, nowNs) : this.#judgeRate(nowNs);
    if (reason !== Reason.None) return reason;
    this.#sentNs.push(nowNs);
    this.adjust(book, side, deltaQty);
    return Reason.None;
  }

  #judgeRate(nowNs: number): Reason {
    if (this.killed) return Reason.Killed;
    const rate = this.limits.ordersPerSecond;
    if (rate === LEDGER_LIMIT_NONE) return Reason.None;
    const lately = this.#sentNs.filter((then) => nowNs - then < 1e9).length;
    return lately + 1 > rate ? Reason.Rate : Reason.None;
  }

  #judge(book: number, side: number, qty: number, orders: number, nowNs: number): Reason {
    if (qty === 0) return Reason.Quantity;
    const { position, buys, sells } = this.books[book];
    const { limits } = this;
    const rate = this.#judgeRate(nowNs);
    if (rate !== Reason.None) return rate;
    const open = (side > 0 ? buys : sells) + BigInt(qty);
    const against = side > 0 ? -position : position;
    if (against > 0n && open <= against) return Reason.None;
    if (this.stopLossHit) return Reason.Loss;
    if (limits.stopLoss !== LEDGER_LIMIT_NONE && this.pnl2Total === null) return Reason.StaleMarketData;
    if (this.openOrders + orders > limits.openOrdersMax) return Reason.OpenOrders;
    if (open - against > BigInt(limits.positionMax)) return Reason.Position;
    const exposure = side > 0 ? this.exposure(book, open, sells) : this.exposure(book, buys, open);
    if (this.exposureTotal - this.exposure(book) + exposure > BigInt(limits.positionTotalMax)) return Reason.Position;
    if (limits.portfolioValueMax === LEDGER_LIMIT_NONE) return Reason.None;
    const gross2 = this.grossValue2;
    if (gross2 === null || this.books[book].mark2 === MID2_NONE) return Reason.StaleMarketData;
    const value2 = exposure * abs(BigInt(this.books[book].mark2)) * this.#moneyPerTick[book];
    return gross2 - this.value2(book)! + value2 > 2n * BigInt(limits.portfolioValueMax) ? Reason.Notional : Reason.None;
  }

  reserve(book: number, side: number, qty: number): void {
    this.books[book].orders += 1;
    this.adjust(book, side, qty);
  }

  adjust(book: number, side: number, deltaQty: number): void {
    if (side > 0) this.books[book].buys += BigInt(deltaQty);
    else this.books[book].sells += BigInt(deltaQty);
  }

  release(book: number, side: number, qty: number): void {
    this.books[book].orders -= 1;
    this.adjust(book, side, -qty);
  }

  filled(book: number, side: number, priceTicks: number, qty: number, reservedQty: number, fee: number): void {
    const of = this.books[book];
    of.position += BigInt(side) * BigInt(qty);
    const cash = of.cash - BigInt(side) * BigInt(priceTicks) * BigInt(qty) - BigInt(fee);
    if (abs(cash) <= CASH_MAX && abs(cash - of.cash) <= CASH_MAX) of.cash = cash;
    else of.exact = false;
    this.adjust(book, side, -reservedQty);
    this.#checkLoss();
  }

  mark(book: number, mid2: number): void {
    if (this.books[book].mark2 === mid2) return;
    this.books[book].mark2 = mid2;
    this.#checkLoss();
  }

  setLimits(limits: LedgerLimits): void {
    this.limits = limits;
    this.#checkLoss();
  }

  reset(): void {
    this.killed = false;
    this.stopLossHit = false;
  }

  #checkLoss(): void {
    const pnl2 = this.pnl2Total;
    if (this.limits.stopLoss !== LEDGER_LIMIT_NONE && pnl2 !== null && pnl2 <= -2n * BigInt(this.limits.stopLoss)) this.stopLossHit = true;
  }
}
