// The feature engine's slow twin: exact fractions of big integers in plain objects, every feature computed
// from its definition when it is read. Its answers are the floats nearest to the exact values.
//
// Planted mistakes are subclasses of it: the fuzzer compares them with the engine and must notice.
import { MID2_NONE, PRICE_TICKS_NONE } from './instruments.ts';
import type { FeatureOptions } from './features.ts';

export interface Fraction { readonly n: bigint; readonly d: bigint }

/** A whole number, or one with a few decimals such as 0.1, as the fraction that its text says. */
export function fraction(value: number): Fraction {
  const [whole, decimals = ''] = value.toLocaleString('en-US', { useGrouping: false, maximumFractionDigits: 20 }).split('.');
  return { n: BigInt(whole + decimals), d: 10n ** BigInt(decimals.length) };
}

export const plus = (a: Fraction, b: Fraction): Fraction => ({ n: a.n * b.d + b.n * a.d, d: a.d * b.d });
export const minus = (a: Fraction, b: Fraction): Fraction => ({ n: a.n * b.d - b.n * a.d, d: a.d * b.d });
export const times = (a: Fraction, b: Fraction): Fraction => ({ n: a.n * b.n, d: a.d * b.d });
export const over = (a: Fraction, b: Fraction): Fraction => ({ n: a.n * b.d, d: a.d * b.n });

/** The nearest float, to 60 bits behind the point. */
export function floatOf({ n, d }: Fraction): number {
  return Number((n << 60n) / d) / 2 ** 60;
}

const ZERO = fraction(0);
const ONE = fraction(1);

interface Level { readonly ticks: number; readonly qty: number }

interface Instrument {
  bid: Level | null;
  ask: Level | null;
  fair: Fraction | null;
  signed: Fraction;
  volume: Fraction;
  touch: Fraction;
}

function level(ticks: number, qty: number): Level | null {
  const price = Number.isInteger(ticks) && ticks > PRICE_TICKS_NONE && ticks < 2 ** 31;
  return price && quantity(qty) ? { ticks, qty } : null;
}

function quantity(qty: number): boolean {
  return Number.isFinite(qty) && qty > 0 && qty <= Number.MAX_SAFE_INTEGER;
}

export class ReferenceFeatures {
  protected readonly instruments: Instrument[];
  protected readonly alpha: Fraction;
  protected readonly decay: Fraction;

  constructor(instrumentCount: number, { alpha = 0.1, tradeDecay = 0.9 }: FeatureOptions = {}) {
    this.alpha = fraction(alpha);
    this.decay = fraction(tradeDecay);
    this.instruments = Array.from({ length: instrumentCount }, () => this.nothing());
  }

  onTop(book: number, bidTicks: number, bidQty: number, askTicks: number, askQty: number): void {
    const one = this.of(book);
    one.bid = level(bidTicks, bidQty);
    one.ask = level(askTicks, askQty);
    const mid = this.mid(one);
    if (mid === null) one.fair = null;
    else if (one.fair === null) one.fair = mid;
    else one.fair = plus(one.fair, times(this.alpha, minus(mid, one.fair)));
  }

  onTrade(book: number, side: number, _priceTicks: number, qty: number): void {
    if (Math.abs(side) !== 1 || !quantity(qty)) return;
    const one = this.of(book);
    const amount = fraction(qty);
    one.signed = plus(times(this.decay, one.signed), times(fraction(side), amount));
    one.volume = plus(times(this.decay, one.volume), amount);
    const hit = side > 0 ? one.ask : one.bid;
    one.touch = hit === null ? ZERO : over(amount, fraction(hit.qty));
  }

  clear(book: number): void {
    Object.assign(this.of(book), this.nothing());
  }

  known(book: number): boolean {
    return this.mid(this.of(book)) !== null;
  }

  bidTicks(book: number): number {
    return this.of(book).bid?.ticks ?? PRICE_TICKS_NONE;
  }

  bidQty(book: number): number {
    return this.of(book).bid?.qty ?? 0;
  }

  askTicks(book: number): number {
    return this.of(book).ask?.ticks ?? PRICE_TICKS_NONE;
  }

  askQty(book: number): number {
    return this.of(book).ask?.qty ?? 0;
  }

  mid2(book: number): number {
    const mid = this.mid(this.of(book));
    return mid === null ? MID2_NONE : floatOf(times(fraction(2), mid));
  }

  fairTicks(book: number): number {
    const { fair } = this.of(book);
    return fair === null ? PRICE_TICKS_NONE : floatOf(fair);
  }

  spreadTicks(book: number): number {
    const { bid, ask } = this.of(book);
    return this.known(book) ? ask!.ticks - bid!.ticks : 0;
  }

  imbalance(book: number): number {
    return this.known(book) ? floatOf(this.imbalanceOf(this.of(book))) : 0;
  }

  microTicks(book: number): number {
    if (!this.known(book)) return PRICE_TICKS_NONE;
    const bid = this.of(book).bid!;
    const ask = this.of(book).ask!;
    const weighted = plus(
      times(fraction(bid.ticks), fraction(ask.qty)), times(fraction(ask.ticks), fraction(bid.qty)),
    );
    return floatOf(over(weighted, plus(fraction(bid.qty), fraction(ask.qty))));
  }

  tradeRatio(book: number): number {
    const { signed, volume } = this.of(book);
    return volume.n === 0n ? 0 : floatOf(over(signed, volume));
  }

  touchRatio(book: number): number {
    return floatOf(this.of(book).touch);
  }

  signal(book: number): number {
    const one = this.of(book);
    const mid = this.mid(one);
    if (mid === null) return 0;
    const reversion = over(minus(one.fair!, mid), fraction(one.ask!.ticks - one.bid!.ticks));
    const raw = plus(times(fraction(0.7), reversion), times(fraction(0.3), this.imbalanceOf(one)));
    return Math.min(Math.max(floatOf(raw), -1), 1);
  }

  signalKnown(book: number): boolean {
    return this.known(book);
  }

  /** Half of the sum of the prices; null while unknown. */
  protected mid({ bid, ask }: Instrument): Fraction | null {
    if (bid === null || ask === null || ask.ticks <= bid.ticks) return null;
    return over(fraction(bid.ticks + ask.ticks), plus(ONE, ONE));
  }

  protected of(book: number): Instrument {
    return this.instruments[book];
  }

  private imbalanceOf({ bid, ask }: Instrument): Fraction {
    const [bids, asks] = [fraction(bid!.qty), fraction(ask!.qty)];
    return over(minus(bids, asks), plus(bids, asks));
  }

  private nothing(): Instrument {
    return { bid: null, ask: null, fair: null, signed: ZERO, volume: ZERO, touch: ZERO };
  }
}
