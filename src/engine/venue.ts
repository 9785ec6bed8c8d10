// A venue: where orders go and where prices come from. The engine knows only this; one venue has the books
// in this process (embedded_venue.ts), another is an exchange at the end of a wire (exchange_venue.ts).
//
//   engine ── OrderSink: newOrder, cancel, modify, massCancel ──► venue
//   engine ◄── VenueListener: responses, trades, updates, session ── venue
//
// Requests never call back before they return: what they cause comes from `settle` (a venue in this process)
// or from a later `poll` (one at a wire).
import type { Depth } from '../book/engine.ts';
import type { Network } from '../net/transport.ts';
import type { OrderSink } from '../trader/order_manager.ts';
import type { MarketTop } from '../trader/strategy_runner.ts';
import type { InputViews } from './inputs.ts';

export interface VenueListener {
  /** About an order of ours; `type` is a native ResponseType. */
  onResponse(
    type: number, book: number, wireId: number, side: number, priceTicks: number, execQty: number, leavesQty: number,
    nowNs: number,
  ): void;
  /** A trade in the market, ours or not; `side` is the aggressor's. */
  onTrade(book: number, side: number, priceTicks: number, qty: number, nowNs: number): void;
  /** The book of `book` has changed. */
  onUpdate(book: number, nowNs: number): void;
  onClear(book: number, nowNs: number): void;
}

/** What has come over a wire is an input: journaled, and then told like everything else. */
export interface VenueInputs {
  /** Fields as in inputs.ts. */
  onVenueInput(
    type: number, side: number, code: number, book: number, idLo: number, idHi: number, priceTicks: number, qty: number,
    qty2: number, orderId: number, nowNs: number,
  ): void;
}

export interface Venue extends OrderSink {
  readonly kind: 'embedded' | 'exchange';
  readonly market: MarketTop;
  /** What wakes a sleeping loop; null: nothing comes from outside. */
  readonly network: Network | null;
  /** Every changed book is to be told, not only those whose best prices may have. */
  tellsEveryChange: boolean;
  /** Inputs of an earlier run are applied: requests are taken and go nowhere. */
  replaying: boolean;
  /** Orders are taken and prices come; rejects with what kept it from that. */
  open(): Promise<void>;
  /** What requests have caused, here and now. False: nothing was asked for. */
  settle(nowNs: number): boolean;
  /** What has come over a wire. Returns the work done. */
  poll(nowNs: number): number;
  /** Sends what requests have left to be sent; after the journal has their cause. */
  flush(): void;
  /** False: no further inputs should be taken now, for what they cause might find no room. */
  readonly hasRoom: boolean;
  /** Resolves when nothing of it keeps the process. */
  close(): Promise<void>;

  /** A Quote, Trade, MarketAdd, MarketModify, MarketCancel or MarketClear at `at` takes effect. */
  applyMarket(views: InputViews, at: number, nowNs: number): void;
  /** A SessionChange takes effect; `idBase` is what its input carried. */
  applySession(change: number, idBase: number): void;
  depth(book: number, levels: number): Depth;
  lastTrade(book: number): { price: number; qty: number } | null;
  /** Everything in it that decides the future. */
  stateHash(): bigint;
  checkInvariants(): void;
}
