// The risk gate again, slow and obvious: every sum is made anew from the list of open orders and
// fills each time it is asked, in BigInt, and every send time is kept.
import { Reason } from '../book/types.ts';
import type { TraderInstruments } from './instruments.ts';
import { LIMIT_NONE, RATE_WINDOW_NS, type RiskLimits, type TickerLimits } from './risk.ts';

interface Open {
  readonly book: number;
  readonly side: number;
  qty: number;
}

interface Market {
  bid: number | null;
  ask: number | null;
  last: number | null;
  stale: boolean;
  /** The last price known, doubled: the market's, or the largest of own orders since there was nothing. */
  value2: bigint;
}

export class ReferenceRisk {
  limits: RiskLimits;
  killed = false;
  stopLossHit = false;
  readonly open = new Map<number, Open>();
  readonly #instruments: TraderInstruments;
  readonly #markWithLast: boolean;
  readonly #markets: Market[];
  readonly #positions: bigint[];
  readonly #cash: bigint[];
  /** All since the rate was limited last. */
  #sends: number[] = [];

  constructor(instruments: TraderInstruments, limits: RiskLimits, markWithLast: boolean) {
    this.#instruments = instruments;
    this.limits = limits;
    this.#markWithLast = markWithLast;
    this.#markets = instruments.list.map(() => ({ bid: null, ask: null, last: null, stale: false, value2: 0n }));
    this.#positions = instruments.list.map(() => 0n);
    this.#cash = instruments.list.map(() => 0n);
  }

  // ── what happens ───────────────────────────────────────────────────────────────────────────

  reserve(id: number, book: number, side: number, qty: number, price: number): void {
    this.open.set(id, { book, side, qty });
    this.#sawPrice(book, price);
  }

  adjust(id: number, deltaQty: number, price: number): void {
    const order = this.open.get(id)!;
    order.qty += deltaQty;
    this.#sawPrice(order.book, price);
  }

  end(id: number): void {
    const { book } = this.open.get(id)!;
    this.open.delete(id);
    this.#forgetPrice(book);
  }

  fill(book: number, side: number, price: number, qty: number, id: number | null): void {
    this.#positions[book] += BigInt(side * qty);
    this.#cash[book] -= BigInt(side) * BigInt(qty) * BigInt(price);
    if (id !== null) this.open.get(id)!.qty -= qty;
    this.#forgetPrice(book);
    this.watchLoss();
  }

  top(book: number, bid: number | null, ask: number | null): void {
    Object.assign(this.#markets[book], { bid, ask });
    this.#referred(book);
  }

  last(book: number, price: number): void {
    this.#markets[book].last = price;
    this.#referred(book);
  }

  stale(book: number | null, stale: boolean): void {
    for (const [at, market] of this.#markets.entries()) if (book === null || at === book) market.stale = stale;
  }

  sent(nowNs: number): void {
    if (this.limits.ordersPerSecond !== LIMIT_NONE) this.#sends.push(nowNs);
  }

  setLimits(limits: RiskLimits): void {
    this.limits = limits;
    if (limits.ordersPerSecond === LIMIT_NONE) this.#sends = [];
    this.watchLoss();
  }

  watchLoss(): void {
    const total = this.#totalPnl2();
    if (this.limits.stopLoss === LIMIT_NONE || total === null) return;
    if (-total >= 2n * BigInt(this.limits.stopLoss)) this.stopLossHit = true;
  }

  reset(): void {
    this.killed = this.stopLossHit = false;
  }

  // ── the question ───────────────────────────────────────────────────────────────────────────

  /** A new order, or a change of the open order `modified` to this quantity. */
  check(book: number, side: number, price: number, qty: number, nowNs: number, modified: Open | null): Reason {
    return this.#door(book, side, price, qty) || this.#layers(book, side, price, qty, nowNs, modified);
  }

  worst(book: number, side: number): bigint {
    let sum = BigInt(side) * this.#positions[book];
    for (const order of this.open.values()) if (order.book === book && order.side === side) sum += BigInt(order.qty);
    return sum;
  }

  exposure(book: number): bigint {
    return max(this.worst(book, 1), this.worst(book, -1));
  }

  gross2(book: number, exposure = this.exposure(book), value2 = this.#markets[book].value2): bigint {
    return exposure * value2 * BigInt(this.#instruments.moneyPerTick[book]);
  }

  limitsOf(book: number): TickerLimits {
    const own = this.limits.tickers?.get(this.#instruments.tickers[book]) ?? {};
    const of = (name: keyof TickerLimits): number => Math.min(this.limits[name], own[name] ?? LIMIT_NONE);
    const collars = [this.limits.collarTicks, own.collarTicks ?? 0].filter((ticks) => ticks > 0);
    return {
      maxOrderQty: of('maxOrderQty'), maxPosition: of('maxPosition'), maxLoss: of('maxLoss'),
      maxOpenOrders: of('maxOpenOrders'), maxNotional: of('maxNotional'),
      collarTicks: collars.length > 0 ? Math.min(...collars) : 0,
    };
  }

  #door(book: number, side: number, price: number, qty: number): Reason {
    if (!Number.isInteger(book) || book < 0 || book >= this.#instruments.count) return Reason.UnknownTicker;
    if (side !== 1 && side !== -1) return Reason.Side;
    const [lowest, highest] = [this.#instruments.minTicks[book], this.#instruments.maxTicks[book]];
    if (!Number.isInteger(price) || price < lowest || price > highest) return Reason.Price;
    if (!Number.isInteger(qty) || qty < 1 || qty > 2 ** 32 - 2) return Reason.Quantity;
    return qty % this.#instruments.lots[book] === 0 ? Reason.None : Reason.Quantity;
  }

  #layers(book: number, side: number, price: number, qty: number, nowNs: number, modified: Open | null): Reason {
    const market = this.#markets[book];
    const own = this.limitsOf(book);
    const units = BigInt(this.#instruments.tickUnits[book]);
    if (this.killed) return Reason.Killed;
    if (market.stale) return Reason.StaleMarketData;
    if (qty > own.maxOrderQty) return Reason.OrderTooLarge;
    if (own.maxNotional !== LIMIT_NONE && abs(BigInt(price)) * BigInt(qty) * units > BigInt(own.maxNotional)) return Reason.Notional;

    const position = this.#positions[book];
    const added = BigInt(Math.max(0, qty - (modified?.qty ?? 0)));
    const openQty = this.worst(book, side) - BigInt(side) * position + added;
    const reduces = position * BigInt(side) < 0n && openQty <= abs(position);
    const exposure = max(this.exposure(book), this.worst(book, side) + added);
    if (!reduces) {
      if (this.worst(book, side) + added > BigInt(own.maxPosition)) return Reason.Position;
      let total = exposure - this.exposure(book);
      for (let at = 0; at < this.#markets.length; at++) total += this.exposure(at);
      if (total > BigInt(this.limits.maxPositionTotal)) return Reason.Position;
      const pnl2 = this.#pnl2(book);
      if (pnl2 === null) return Reason.StaleMarketData;
      if (own.maxLoss !== LIMIT_NONE && -pnl2 * units > 2n * BigInt(own.maxLoss)) return Reason.Loss;
      const orders = [...this.open.values()].filter((order) => order.book === book).length;
      if (orders + (modified === null ? 1 : 0) > own.maxOpenOrders) return Reason.OpenOrders;
    }
    const recent = this.#sends.filter((at) => nowNs - at < RATE_WINDOW_NS).length;
    if (recent >= this.limits.ordersPerSecond) return Reason.Rate;
    if (own.collarTicks > 0) {
      const reference2 = this.#reference2(book);
      if (reference2 === null) return Reason.StaleMarketData;
      if (Math.abs(2 * price - reference2) > 2 * own.collarTicks) return Reason.Collar;
    }
    if (reduces) return Reason.None;
    return this.#portfolio(book, price, exposure);
  }

  #portfolio(book: number, price: number, exposure: bigint): Reason {
    if (this.limits.maxPortfolioValue !== LIMIT_NONE) {
      const { value2 } = this.#markets[book];
      const at2 = this.#reference2(book) === null ? max(value2, 2n * abs(BigInt(price))) : value2;
      let total2 = this.gross2(book, exposure, at2) - this.gross2(book);
      for (let at = 0; at < this.#markets.length; at++) total2 += this.gross2(at);
      if (total2 > 2n * BigInt(this.limits.maxPortfolioValue)) return Reason.Notional;
    }
    if (this.limits.stopLoss === LIMIT_NONE) return Reason.None;
    if (this.stopLossHit) return Reason.Loss;
    return this.#totalPnl2() === null ? Reason.StaleMarketData : Reason.None;
  }

  /** Mid, else last trade, doubled; null: unknown. */
  #reference2(book: number): number | null {
    const { bid, ask, last } = this.#markets[book];
    if (bid !== null && ask !== null) return bid + ask;
    return last === null ? null : 2 * last;
  }

  #pnl2(book: number): bigint | null {
    const { bid, ask } = this.#markets[book];
    const marked = (bid !== null && ask !== null) || this.#markWithLast;
    const mark2 = marked ? this.#reference2(book) : null;
    if (this.#positions[book] === 0n) return 2n * this.#cash[book];
    return mark2 === null ? null : 2n * this.#cash[book] + this.#positions[book] * BigInt(mark2);
  }

  #totalPnl2(): bigint | null {
    let sum = 0n;
    for (let book = 0; book < this.#markets.length; book++) {
      const pnl2 = this.#pnl2(book);
      if (pnl2 === null) return null;
      sum += pnl2 * BigInt(this.#instruments.moneyPerTick[book]);
    }
    return sum;
  }

  #referred(book: number): void {
    const reference2 = this.#reference2(book);
    if (reference2 !== null) this.#markets[book].value2 = abs(BigInt(reference2));
    this.#forgetPrice(book);
    this.watchLoss();
  }

  #sawPrice(book: number, price: number): void {
    const market = this.#markets[book];
    if (this.#reference2(book) === null) market.value2 = max(market.value2, 2n * abs(BigInt(price)));
    this.#forgetPrice(book);
  }

  #forgetPrice(book: number): void {
    if (this.#reference2(book) === null && this.exposure(book) === 0n) this.#markets[book].value2 = 0n;
  }
}

function abs(value: bigint): bigint {
  return value < 0n ? -value : value;
}

function max(a: bigint, b: bigint): bigint {
  return a > b ? a : b;
}
