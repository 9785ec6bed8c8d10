// The risk gate: every order passes it before it is sent.
import { fail } from '../base/assert.ts';
import { Reason } from '../book/types.ts';
import type { TraderInstruments } from './instruments.ts';
import type { PositionKeeper } from './position_keeper.ts';

/** A limit that holds nobody back. */
export const LIMIT_NONE = Number.MAX_SAFE_INTEGER;

/** Limits of one ticker. */
export interface TickerLimits {
  /** Lots of one order. */
  readonly maxOrderQty: number;
  /** Lots, long or short, everything open included. */
  readonly maxPosition: number;
  /** Price units × lots (cents, where an instrument has two decimals). */
  readonly maxLoss: number;
  readonly maxOpenOrders: number;
  /** Price × quantity of one order, in price units × lots. */
  readonly maxNotional: number;
  /** Ticks from the mid, or from the last trade where a side is empty; 0 = off. */
  readonly collarTicks: number;
}

/** Limits of the whole engine, and those of every ticker that has no others. */
export interface RiskLimits extends TickerLimits {
  /** New orders and modifies within any second; cancels are free. */
  readonly ordersPerSecond: number;
  /** Lots of all tickers together, everything open included. */
  readonly maxPositionTotal: number;
  /** Portfolio money: gross value of all tickers, everything open included. */
  readonly maxPortfolioValue: number;
  /** Portfolio money: at this loss everything is cancelled and only reducing orders pass. LIMIT_NONE = off. */
  readonly stopLoss: number;
  /** Stricter (or the only) limits of single tickers, by ticker id: the stricter of both holds. */
  readonly tickers?: ReadonlyMap<number, Partial<TickerLimits>>;
}

export const RISK_LIMITS_DEFAULT: RiskLimits = {
  maxOrderQty: 100, maxPosition: 1_000, maxLoss: 100_000, maxOpenOrders: 100, maxNotional: LIMIT_NONE, collarTicks: 0,
  ordersPerSecond: 100_000, maxPositionTotal: 1_000_000, maxPortfolioValue: LIMIT_NONE, stopLoss: LIMIT_NONE,
};

/** Names of the risk reasons, as the field knows them. */
export const RISK_REASON_TEXT: Readonly<Record<number, string>> = {
  [Reason.None]: 'Allowed', [Reason.UnknownTicker]: 'UnknownTicker', [Reason.Side]: 'SideInvalid',
  [Reason.Price]: 'PriceInvalid', [Reason.Quantity]: 'QuantityInvalid',
  [Reason.OrderTooLarge]: 'OrderTooLarge', [Reason.Notional]: 'NotionalTooLarge', [Reason.Collar]: 'OutsideCollar',
  [Reason.Position]: 'PositionTooLarge', [Reason.Loss]: 'LossTooLarge', [Reason.OpenOrders]: 'OpenOrdersTooMany',
  [Reason.Rate]: 'RateTooHigh', [Reason.Killed]: 'Killed', [Reason.StaleMarketData]: 'StaleMarketData',
};

/** `stop_loss_percentage` (a fraction: 0.02 = 2 %) of the greatest portfolio value, exact, rounded down. */
export function stopLossOf(_maxPortfolioValue: number, _fraction: string | number): number { return fail('soon'); }

export class RiskGate {
  /** Called once when the stop loss is reached and when the gate is killed: cancel everything. Set by the order manager. */
  onHalt: () => void = () => {};

  constructor(_instruments: TraderInstruments, _positions: PositionKeeper, _limits: RiskLimits) {}

  // ── questions ──
  /** Reason.None = may be sent. Reserves nothing, counts nothing. */
  check(_book: number, _side: number, _priceTicks: number, _qty: number, _nowNs: number): Reason { return fail('soon'); }
  /** A live order with `reservedQty` is to be changed to this price and open quantity. */
  checkModify(_book: number, _side: number, _priceTicks: number, _qty: number, _reservedQty: number, _nowNs: number): Reason { return fail('soon'); }
  worstLong(_book: number): number { return fail('soon'); }
  worstShort(_book: number): number { return fail('soon'); }
  /** Reserved quantity of a side. */
  openQty(_book: number, _side: number): number { return fail('soon'); }
  openOrders(_book: number): number { return fail('soon'); }
  /** Gross worst-case value of all tickers, portfolio money, doubled. */
  grossValue2(): number { return fail('soon'); }
  get killed(): boolean { return fail('soon'); }
  get stopLossHit(): boolean { return fail('soon'); }
  stale(_book: number): boolean { return fail('soon'); }

  // ── the order manager's calls ──
  /** An order was sent: its quantity counts until released or filled. */
  reserve(_book: number, _side: number, _qty: number, _priceTicks: number): void { fail('soon'); }
  /** More (or less) of an order that is reserved already. */
  adjust(_book: number, _side: number, _deltaQty: number, _priceTicks: number): void { fail('soon'); }
  /** The order ended: `qty` of it was still reserved. */
  release(_book: number, _side: number, _qty: number): void { fail('soon'); }
  /** After PositionKeeper.onFill: `qty` of the reservation became position (0: a fill of nothing reserved). */
  filled(_book: number, _side: number, _qty: number): void { fail('soon'); }
  /** A new order or a modify went out: it counts for the rate. */
  sent(_nowNs: number): void { fail('soon'); }

  // ── the market ──
  /** Top of book in ticks, PRICE_TICKS_NONE where a side is empty. Marks the position too. */
  setTop(_book: number, _bidTicks: number, _askTicks: number): void { fail('soon'); }
  /** A trade of the market: the reference where a side is empty. */
  setLast(_book: number, _priceTicks: number): void { fail('soon'); }
  /** The market data of `book` (BOOK_ALL: of all) is stale, or fresh again. */
  setStale(_book: number, _stale: boolean): void { fail('soon'); }

  // ── control ──
  /** Checked whole first: throws a RangeError and changes nothing when a limit is bad. Between events. */
  setLimits(_limits: RiskLimits): void { fail('soon'); }
  get limits(): RiskLimits { return fail('soon'); }
  /** Nothing passes any more until `reset`; calls onHalt. */
  kill(): void { fail('soon'); }
  /** Lifts kill and stop loss; a loss that is still too large sets the latter again at the next mark or fill. */
  reset(): void { fail('soon'); }
  checkInvariants(): void { fail('soon'); }
}
