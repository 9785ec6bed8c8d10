// What a strategy is, and what it sees and may do.
//
//   market data ─► features ─► Strategy.onMarketData ─► Desk.quote / order / cancel ─► risk ─► orders
//                                    ▲
//        onFill, onOrder ────────────┘  what became of them
//
// A strategy is called on one thread, one call at a time, to its end: what an order causes at once,
// such as a fill, is told after the call that sent it has ended. Order: calls come in the order of
// the events that caused them. The same calls with the same `nowNs` yield the same decisions, live
// and in a backtest, as long as a strategy uses nothing but its arguments: no clock, no randomness
// of its own, no promise, no I/O.
//
// Cost: nothing that a strategy calls here allocates, and a strategy should not either: state in
// fields and typed arrays, made by the constructor. Limits: instruments are dense indices `book`,
// 0 … `instruments.count` − 1.
import type { Reason } from '../../book/types.ts';
import type { FeatureEngine } from '../features.ts';
import type { TraderInstruments } from '../instruments.ts';
import type { OrderStatus } from '../order_manager.ts';
import type { PositionKeeper } from '../position_keeper.ts';

/** What a strategy sees and may do. One object for the life of the process. */
export interface Desk {
  /**
   * Time of the event being handled, in nanoseconds that never run backwards. Only differences mean
   * anything. The only clock a strategy has.
   */
  readonly nowNs: number;
  readonly instruments: TraderInstruments;
  /** What the market looks like. Up to date when a strategy is called. */
  readonly features: FeatureEngine;
  /** What has been traded. */
  readonly positions: PositionKeeper;
  /** False: stopped, stale or killed; orders would be refused. */
  readonly trading: boolean;

  /**
   * Keeps at most one live quote a side: places it, moves it, reduces it, or withdraws it (`qty` 0).
   * `qty` is the open quantity wanted. At the price where it stands a smaller quantity keeps its
   * place in the queue, a larger one loses it. Returns Reason.None when taken or when there is
   * nothing to do, else why not. A move that risk refuses withdraws the quote: it stands where
   * nobody wants it any more. What is asked while an answer is outstanding follows the answer.
   */
  quote(book: number, side: number, priceTicks: number, qty: number): Reason;
  /** Price at which the side's quote stands or is on its way to; PRICE_TICKS_NONE without one. */
  quoteTicks(book: number, side: number): number;
  /** Open quantity of the side's quote, 0 without one. */
  quoteQty(book: number, side: number): number;

  /** A limit order (`tif`: one of Tif; mostly Gtc or Ioc). Its client order id, or minus the reason. */
  order(book: number, side: number, priceTicks: number, qty: number, tif: number): number;
  /** False: not an open order of ours. */
  cancel(orderId: number): boolean;
  cancelAll(book: number): void;

  /** Quantity that an order of `side` could trade at once up to and including `toPriceTicks`. */
  depthQty(book: number, side: number, toPriceTicks: number): number;
  /** Limits in force now. */
  maxOrderQty(book: number): number;
  maxPosition(book: number): number;
}

/** A trading rule. Only `name` and `onMarketData` must be there. */
export interface Strategy {
  readonly name: string;
  /** Once, before anything else. Market data is not known yet. */
  onStart?(desk: Desk): void;
  /** After each message that changed the book of `book`, while the books are whole and in time. */
  onMarketData(book: number, desk: Desk): void;
  /** A trade in the market, ours or not; `side` is the aggressor's. The book does not show it yet. */
  onTrade?(book: number, side: number, priceTicks: number, qty: number, desk: Desk): void;
  /** We traded; `side` is ours. The position already counts it. */
  onFill?(
    book: number, orderId: number, side: number, priceTicks: number, qty: number, desk: Desk,
  ): void;
  /** An order of ours changed its state. `reason` says why it was refused or ended, else 0. */
  onOrder?(
    book: number, orderId: number, status: OrderStatus, reason: Reason, desk: Desk,
  ): void;
  /** Each so many nanoseconds of event time, as the runner is configured. */
  onTimer?(desk: Desk): void;
  /**
   * Asked before a process with nothing to do sleeps. False: it need not wake for the next timer, which comes with whatever wakes
   * it, within a second. Default: it wakes.
   */
  needsTimer?(): boolean;
  /** Once, before open orders are cancelled. */
  onStop?(desk: Desk): void;
  /** Its own idea of its profit, in money of the portfolio; default: the position keeper's. */
  pnl?(desk: Desk): number;
}

/** By name as declared; complete and inside their ranges when a factory is called. */
export type StrategyParameters = Readonly<Record<string, number>>;

/** What a strategy file exports as its default. */
export type StrategyFactory = (
  parameters: StrategyParameters, instruments: TraderInstruments,
) => Strategy;
