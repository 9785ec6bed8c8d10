// Strategy runner: everything between the market and the order session, in one thread, one call at
// a time.
//
//   onUpdate, onTrade ─► features ─► Strategy ─► RiskGate ─► OrderManager ─► trace ─► OrderSink
//                                       ▲                          │
//                 onResponse ───────────┴── PositionKeeper ◄───────┘
//
// It knows no socket, no clock and no file: events come with their time, requests leave through the
// sink. The same events in the same order lead to the same requests, whether they come from a feed
// (trader.ts), from an engine in the same process, or from a recording. `traceHash` folds every
// request that the sink took, so two runs are compared by one number.
//
//   Idle ─start─► Running ◄─resume─ Paused
//                    │ ──pause──────► │
//                    └────stop────────┴──► Stopping (withdraw, flatten) ──► Stopped
//
// Idle and Stopped: books, features, positions and orders are kept up to date, the strategy is not
// called. Paused: the strategy hears of its fills and orders and may send nothing. A kill, a stop
// loss and a strategy that throws pause it; all of these cancel every order, and so do books that
// are behind or silent (`cancelWhenStale`).
//
// Order: calls of the strategy are never nested. What a request causes at once (a status, or the
// answer of a venue in the same process) waits in a ring until the running call has ended. Cost:
// no allocation after the constructor. Limits: CALLS_MAX waiting calls, RESPONSES_MAX waiting
// responses, ANSWERS_MAX calls of the strategy for one event.
import { POLL_AGAIN_NS } from '../base/agent.ts';
import { assert } from '../base/assert.ts';
import { BOXED } from '../base/boxed.ts';
import { isTif, Reason, Tif } from '../book/types.ts';
import { FeatureEngine } from './features.ts';
import { BOOK_ALL, PRICE_TICKS_NONE } from './instruments.ts';
import { ORDER_NONE, OrderManager } from './order_manager.ts';
import { PositionKeeper } from './position_keeper.ts';
import { RiskGate } from './risk.ts';
import type { MarketView } from '../book/market_view.ts';
import type { ExposureLedger } from './exposure_ledger.ts';
import type { TraderInstruments } from './instruments.ts';
import type { OrderSink, OrderStatus, OrderTerms } from './order_manager.ts';
import type { Costing } from './position_snapshot.ts';
import type { RiskLimits } from './risk.ts';
import type { Desk, Strategy } from './strategies/strategy.ts';

export const RunnerState = { Idle: 0, Running: 1, Paused: 2, Stopping: 3, Stopped: 4 } as const;
export type RunnerState = (typeof RunnerState)[keyof typeof RunnerState];

export const RUNNER_STATE_TEXT: Readonly<Record<RunnerState, string>> = {
  0: 'idle', 1: 'running', 2: 'paused', 3: 'stopping', 4: 'stopped',
};

/** The books that decisions are made on: those of a feed, or an engine's own. */
export type MarketTop = Pick<
  MarketView, 'readTop' | 'bidTicks' | 'bidQty' | 'askTicks' | 'askQty' | 'depthQty'
>;

/** Told after positions and orders have moved, before the strategy. For counters and screens. */
export interface RunnerListener {
  onFill?(book: number, orderId: number, side: number, priceTicks: number, qty: number): void;
  onStatus?(book: number, orderId: number, status: OrderStatus, reason: Reason): void;
}

export interface StrategyRunnerOptions {
  readonly instruments: TraderInstruments;
  readonly market: MarketTop;
  readonly limits: RiskLimits;
  /** Null: orders come from `orders.send` alone. */
  readonly strategy: Strategy | null;
  readonly sink: OrderSink;
  /** Above every id that was ever used. */
  readonly firstOrderId?: number;
  /** Orders that may be open at once. */
  readonly ordersMax?: number;
  readonly costing?: Costing;
  /** Weight of the newest mid in the fair value. */
  readonly alpha?: number;
  /** Withdraw everything when the books are behind or silent; default true. */
  readonly cancelWhenStale?: boolean;
  /** `Strategy.onTimer` comes this often, if it is there. */
  readonly timerNs?: number;
  /** How a live quote is moved. */
  readonly quoteBy?: 'modify' | 'cancel';
  /** Where a side is empty, a position is marked with the last trade instead of being unknown. */
  readonly markWithLast?: boolean;
  /** Limits and positions that the runners of several threads have together (shared_ledger.ts). */
  readonly ledger?: ExposureLedger;
  readonly listener?: RunnerListener;
}

export interface StopOptions {
  /** Trade positions away at the touch once all orders are gone; default false. */
  readonly flatten?: boolean;
}

const TIMER_NS_DEFAULT = 100_000_000;
/** Calls of the strategy that wait: all that one response or request of a full book can cause. */
const CALLS_MAX = 1 << 12;
/** Answers of a venue in the same process to the requests of one event. */
const RESPONSES_MAX = 1 << 12;
/** A strategy that answers each answer with a new order would never come to an end. */
const ANSWERS_MAX = 1 << 16;
const ENDLESS_TEXT = `it answers its own orders without end: ${ANSWERS_MAX} calls for one event`;
/** Between two attempts to trade a position away. */
const FLATTEN_INTERVAL_NS = 50_000_000;
/** Then what is left is left, and told. */
const FLATTEN_TIMEOUT_NS = 5_000_000_000;
const TWO_16 = 0x1_0000;
const TWO_32 = 0x1_0000_0000;

/** What a strategy is called for at once, and what is kept for it. */
const Call = { MarketData: 0, Trade: 1, Timer: 2, Start: 3, Stop: 4 } as const;
type Call = (typeof Call)[keyof typeof Call];
const Kept = { Fill: 1, Status: 2 } as const;
/** In the trace. */
const Request = { New: 1, Cancel: 2, Modify: 3, MassCancel: 4 } as const;

/** Fields of a waiting call and of a waiting response, in doubles. */
const CALL_WORDS = 6;
const RESPONSE_WORDS = 7;

export class StrategyRunner implements Desk {
  readonly instruments: TraderInstruments;
  readonly features: FeatureEngine;
  readonly positions: PositionKeeper;
  readonly risk: RiskGate;
  readonly orders: OrderManager;
  readonly strategy: Strategy | null;
  nowNs = BOXED;
  /** What a strategy threw; it is stopped by that. Null: nothing. */
  fault: unknown = null;
  /** Events handled. */
  events = 0;
  /** Orders of the strategy that were refused before they were sent, by reason. */
  readonly refused = new Float64Array(Reason.StaleMarketData + 1);

  readonly #market: MarketTop;
  readonly #trace: TracedSink;
  readonly #listener: RunnerListener;
  readonly #cancelWhenStale: boolean;
  readonly #timerNs: number;
  #state: RunnerState = RunnerState.Idle;
  #fresh = false;
  #connected = false;
  #inEvent = false;
  #lastTimerNs = 0;
  #flatten = false;
  #flattenUntilNs = 0;
  #flattenNextNs = 0;

  readonly #calls = new Float64Array(CALLS_MAX * CALL_WORDS);
  #callsHead = 0;
  #callsTail = 0;
  readonly #responses = new Float64Array(RESPONSES_MAX * RESPONSE_WORDS);
  #responsesHead = 0;
  #responsesTail = 0;

  constructor(options: StrategyRunnerOptions) {
    const { instruments, firstOrderId = 1 } = options;
    this.instruments = instruments;
    this.nowNs = 0;
    this.strategy = options.strategy;
    this.#market = options.market;
    this.#listener = options.listener ?? {};
    this.#cancelWhenStale = options.cancelWhenStale ?? true;
    this.#timerNs = options.timerNs ?? TIMER_NS_DEFAULT;
    this.#trace = new TracedSink(options.sink, firstOrderId);
    this.features = new FeatureEngine(
      instruments.count, options.alpha === undefined ? {} : { alpha: options.alpha },
    );
    this.positions = new PositionKeeper(
      instruments, options.costing === undefined ? {} : { costing: options.costing },
    );
    this.risk = new RiskGate(instruments, this.positions, options.limits, {
      markWithLast: options.markWithLast, ledger: options.ledger,
    });
    this.orders = new OrderManager(instruments, this.risk, this.positions, this.#trace, {
      firstOrderId, ordersMax: options.ordersMax, quoteBy: options.quoteBy,
    });
    this.orders.listener = {
      onFill: (book, orderId, side, priceTicks, qty) =>
        this.#onFill(book, orderId, side, priceTicks, qty),
      onStatus: (book, orderId, status, reason) => this.#onStatus(book, orderId, status, reason),
    };
    this.risk.setStale(BOOK_ALL, true);
    this.orders.onDisconnected(); // until `onConnected`
  }

  // ── what it is doing ───────────────────────────────────────────────────────────────────────

  get state(): RunnerState {
    return this.#state;
  }

  get fresh(): boolean {
    return this.#fresh;
  }

  get connected(): boolean {
    return this.#connected;
  }

  get trading(): boolean {
    return this.#refusal() === Reason.None;
  }

  /** Requests that the sink took. */
  get decisions(): number {
    return this.#trace.decisions;
  }

  /** All requests that the sink took, in order, as one 64-bit number in hexadecimal. */
  get traceHash(): string {
    return this.#trace.hash;
  }

  /** It was to trade its positions away, and has ended with some left. */
  get leftOver(): boolean {
    return this.#flatten && this.#state === RunnerState.Stopped && !this.#isFlat();
  }

  /** Positions of an earlier run, from the keeper's snapshot; before the start. */
  restorePositions(view: DataView, at: number, length: number): void {
    assert(this.#state === RunnerState.Idle, 'positions are restored before the start');
    this.positions.restore(view, at, length);
    for (let book = 0; book < this.instruments.count; book++) this.risk.restored(book);
  }

  start(nowNs: number): void {
    assert(this.#state === RunnerState.Idle, 'a runner is started once');
    this.#begin(nowNs);
    this.#state = RunnerState.Running;
    this.#lastTimerNs = this.nowNs;
    this.#attempt(Call.Start, 0, 0, 0, 0);
    this.#end();
  }

  /** Withdraws everything and sends nothing more until `resume`. */
  pause(nowNs: number): void {
    this.#begin(nowNs);
    if (this.#state === RunnerState.Running) this.#pause();
    this.#end();
  }

  /** Goes on after `pause`, or after a halt once `risk.reset` has lifted it. */
  resume(nowNs: number): void {
    this.#begin(nowNs);
    if (this.#state === RunnerState.Paused && this.fault === null) {
      this.#state = RunnerState.Running;
      this.#consultOnAll();
    }
    this.#end();
  }

  /**
   * Withdraws everything, trades positions away if asked to, and ends; `state` says when. Without an
   * order session it ends at once, with what is open left open.
   */
  stop(nowNs: number, options: StopOptions = {}): void {
    this.#begin(nowNs);
    if (this.#state === RunnerState.Idle) this.#state = RunnerState.Stopped;
    if (this.#state === RunnerState.Running || this.#state === RunnerState.Paused) {
      this.#attempt(Call.Stop, 0, 0, 0, 0);
      this.#state = RunnerState.Stopping;
      this.#flatten = options.flatten ?? false;
      this.#flattenUntilNs = this.nowNs + FLATTEN_TIMEOUT_NS;
      this.orders.cancelAll(BOOK_ALL);
    }
    this.#end();
    this.#advanceStop();
  }

  /** New limits from the next event on. Throws a RangeError and keeps the old ones when they are bad. */
  setLimits(limits: RiskLimits, nowNs: number): void {
    this.#begin(nowNs);
    try {
      this.risk.setLimits(limits);
    } finally {
      this.#end();
    }
  }

  /** Cancels everything; nothing is sent until `risk.reset` and `resume`. */
  kill(nowNs: number): void {
    this.#begin(nowNs);
    this.risk.kill();
    this.#end();
  }

  // ── events of the market ───────────────────────────────────────────────────────────────────

  /** A message has changed the book of `book`. */
  onUpdate(book: number, nowNs: number): void {
    this.#begin(nowNs);
    this.#look(book);
    if (this.#refusal() === Reason.None) this.#attempt(Call.MarketData, book, 0, 0, 0);
    this.#end();
  }

  /** The book of `book` was emptied: what was known of it is void. */
  onClear(book: number, nowNs: number): void {
    this.#begin(nowNs);
    this.features.clear(book);
    this.risk.setTop(book, PRICE_TICKS_NONE, PRICE_TICKS_NONE);
    this.#end();
  }

  /** A trade in the market; the updates that it causes in the book follow. */
  onTrade(book: number, side: number, priceTicks: number, qty: number, nowNs: number): void {
    this.#begin(nowNs);
    this.features.onTrade(book, side, priceTicks, qty);
    this.risk.setLast(book, priceTicks);
    if (this.#refusal() === Reason.None) this.#attempt(Call.Trade, book, side, priceTicks, qty);
    this.#end();
  }

  /** The books are whole and in time, or not any more. */
  onFresh(fresh: boolean, nowNs: number): void {
    if (fresh === this.#fresh) return;
    this.#begin(nowNs);
    this.#fresh = fresh;
    this.risk.setStale(BOOK_ALL, !fresh);
    if (fresh) {
      this.#lookAtAll();
      this.#consultOnAll();
    } else if (this.#cancelWhenStale) this.orders.cancelAll(BOOK_ALL);
    this.#end();
  }

  // ── events of the order session ────────────────────────────────────────────────────────────

  /**
   * A response of the exchange, in its order; `book` is BOOK_UNKNOWN for a ticker that is not ours.
   * From inside of a request it waits until the event at hand has been handled.
   */
  onResponse(
    type: number, book: number, orderId: number, side: number, priceTicks: number,
    execQty: number, leavesQty: number, nowNs: number,
  ): void {
    if (this.#inEvent) {
      this.#keepResponse(type, book, orderId, side, priceTicks, execQty, leavesQty);
      return;
    }
    this.#begin(nowNs);
    const { orders } = this;
    // The time as it came, where it can: read from a field and handed on it would be boxed anew.
    if (nowNs === this.nowNs) {
      orders.onResponse(type, book, orderId, side, priceTicks, execQty, leavesQty, nowNs);
    } else {
      orders.onResponse(type, book, orderId, side, priceTicks, execQty, leavesQty, this.nowNs);
    }
    this.#end();
  }

  /** Requests are taken from now on. `complete`: no response was missed since the last time. */
  onConnected(complete: boolean, nowNs: number): void {
    this.#begin(nowNs);
    this.#connected = true;
    this.orders.onResumed(complete, this.nowNs);
    this.#consultOnAll();
    this.#end();
  }

  /** The exchange has begun anew, before the first response of the new session: no order is left. */
  onNewSession(nowNs: number): void {
    this.#begin(nowNs);
    this.orders.onNewSession();
    this.#end();
  }

  onDisconnected(nowNs: number): void {
    if (!this.#connected) return;
    this.#begin(nowNs);
    this.#connected = false;
    this.orders.onDisconnected();
    this.#end();
  }

  // ── time ───────────────────────────────────────────────────────────────────────────────────

  /** Timers, requests that found no room before, and the steps of a stop. Returns the work done. */
  poll(nowNs: number): number {
    this.#begin(nowNs);
    this.risk.heed();
    let work = this.#connected ? this.orders.poll(this.nowNs) : 0;
    if (this.#state === RunnerState.Running && this.nowNs - this.#lastTimerNs >= this.#timerNs) {
      this.#lastTimerNs = this.nowNs;
      if (this.#refusal() === Reason.None) this.#attempt(Call.Timer, 0, 0, 0, 0);
      work++;
    }
    this.#end();
    if (this.#state === RunnerState.Stopping) this.#advanceStop();
    return work;
  }

  /** When it has something to do though nothing comes. */
  dueNs(nowNs: number): number {
    if (this.#state === RunnerState.Stopping || this.orders.waits) return nowNs + POLL_AGAIN_NS;
    const timerNs = this.#state === RunnerState.Running && this.#needsTimer() ? this.#lastTimerNs + this.#timerNs : Infinity;
    // The runners of other threads may have halted it.
    return this.risk.ledger === null ? timerNs : Math.min(timerNs, nowNs + TIMER_NS_DEFAULT);
  }

  #needsTimer(): boolean {
    const { strategy } = this;
    if (strategy === null || strategy.onTimer === undefined) return false;
    try {
      return strategy.needsTimer?.() ?? true;
    } catch (error) {
      this.#faulted(error);
      return false;
    }
  }

  // ── Desk ───────────────────────────────────────────────────────────────────────────────────

  quote(book: number, side: number, priceTicks: number, qty: number): Reason {
    const refusal = this.#refusal();
    // What takes away is never refused for want of anything but a session.
    if (refusal !== Reason.None && !(qty === 0 && this.#connected)) return this.#refuse(refusal);
    const reason = this.orders.quote(book, side, priceTicks, qty, this.nowNs);
    return reason === Reason.None ? reason : this.#refuse(reason);
  }

  quoteTicks(book: number, side: number): number {
    return this.orders.quoteTicks(book, side);
  }

  quoteQty(book: number, side: number): number {
    return this.orders.quoteQty(book, side);
  }

  order(book: number, side: number, priceTicks: number, qty: number, tif: number): number {
    const refusal = this.#refusal();
    if (refusal !== Reason.None) return -this.#refuse(refusal);
    // Sent as it is, the low byte of any number would be some time in force.
    if (!isTif(tif)) return -this.#refuse(Reason.Unsupported);
    const orderId = this.orders.send(book, side, priceTicks, qty, tif, this.nowNs);
    if (orderId < 0) this.#refuse(-orderId as Reason);
    return orderId;
  }

  cancel(orderId: number): boolean {
    return this.orders.cancel(orderId);
  }

  cancelAll(book: number): void {
    this.orders.cancelAll(book);
  }

  depthQty(book: number, side: number, toPriceTicks: number): number {
    return this.#market.depthQty(book, side, toPriceTicks);
  }

  maxOrderQty(book: number): number {
    return this.risk.maxOrderQty(book);
  }

  maxPosition(book: number): number {
    return this.risk.maxPosition(book);
  }

  // ── one event ──────────────────────────────────────────────────────────────────────────────

  #begin(nowNs: number): void {
    assert(!this.#inEvent, 'events come one after the other');
    this.#inEvent = true;
    this.events++;
    if (nowNs > this.nowNs) this.nowNs = nowNs;
  }

  /** What the event has caused, until nothing is left. */
  #end(): void {
    let answers = 0;
    for (;;) {
      if (this.#callsHead !== this.#callsTail) this.#deliver();
      else if (this.#responsesHead !== this.#responsesTail) this.#takeResponse();
      else break;
      // Paused it can send nothing more, so what is left comes to an end.
      if (++answers === ANSWERS_MAX) this.#faulted(new Error(ENDLESS_TEXT));
    }
    if (this.#state === RunnerState.Running && (this.risk.killed || this.risk.stopLossHit)) {
      this.#pause();
    }
    this.#inEvent = false;
  }

  /** Why the strategy may not send now. */
  #refusal(): Reason {
    if (this.#state !== RunnerState.Running) return Reason.State;
    if (!this.#fresh) return Reason.StaleMarketData;
    if (!this.#connected) return Reason.NotLoggedIn;
    return this.risk.killed ? Reason.Killed : Reason.None;
  }

  #refuse(reason: Reason): Reason {
    this.refused[reason]++;
    return reason;
  }

  #pause(): void {
    this.#state = RunnerState.Paused;
    this.orders.cancelAll(BOOK_ALL);
  }

  /** Features, risk and mark of one book from its top. */
  #look(book: number): void {
    const market = this.#market;
    market.readTop(book);
    this.features.onTop(book, market.bidTicks, market.bidQty, market.askTicks, market.askQty);
    this.risk.setTop(book, market.bidTicks, market.askTicks);
  }

  /** After a time in which changes were not told. */
  #lookAtAll(): void {
    for (let book = 0; book < this.instruments.count; book++) this.#look(book);
  }

  /** After a time in which the strategy could not act. */
  #consultOnAll(): void {
    for (let book = 0; book < this.instruments.count; book++) {
      if (this.#refusal() === Reason.None) this.#attempt(Call.MarketData, book, 0, 0, 0);
    }
  }

  // ── the strategy ───────────────────────────────────────────────────────────────────────────

  /** Calls the strategy. What it throws ends its trading; it is the owner's to tell. */
  #attempt(call: Call, book: number, side: number, priceTicks: number, qty: number): void {
    const { strategy } = this;
    if (strategy === null) return;
    try {
      switch (call) {
        case Call.MarketData:
          return strategy.onMarketData(book, this);
        case Call.Trade:
          return strategy.onTrade?.(book, side, priceTicks, qty, this);
        case Call.Timer:
          return strategy.onTimer?.(this);
        case Call.Start:
          return strategy.onStart?.(this);
        default:
          return strategy.onStop?.(this);
      }
    } catch (error) {
      this.#faulted(error);
    }
  }

  #faulted(error: unknown): void {
    this.fault ??= error;
    if (this.#state === RunnerState.Running) this.#pause();
  }

  #onFill(book: number, orderId: number, side: number, priceTicks: number, qty: number): void {
    this.#listener.onFill?.(book, orderId, side, priceTicks, qty);
    if (this.#hears) this.#keepCall(Kept.Fill, book, orderId, side, priceTicks, qty);
  }

  #onStatus(book: number, orderId: number, status: OrderStatus, reason: Reason): void {
    if (orderId === ORDER_NONE) this.refused[reason]++; // a quote that had to wait
    this.#listener.onStatus?.(book, orderId, status, reason);
    if (this.#hears) this.#keepCall(Kept.Status, book, orderId, status, reason, 0);
  }

  /** There is a strategy, and it has begun and not ended. */
  get #hears(): boolean {
    if (this.strategy === null) return false;
    return this.#state === RunnerState.Running || this.#state === RunnerState.Paused;
  }

  #keepCall(
    kind: number, book: number, orderId: number, a: number, b: number, c: number,
  ): void {
    assert(this.#callsTail - this.#callsHead < CALLS_MAX, 'calls of the strategy have room to wait');
    const at = (this.#callsTail++ & (CALLS_MAX - 1)) * CALL_WORDS;
    const calls = this.#calls;
    calls[at] = kind;
    calls[at + 1] = book;
    calls[at + 2] = orderId;
    calls[at + 3] = a;
    calls[at + 4] = b;
    calls[at + 5] = c;
  }

  #deliver(): void {
    const at = (this.#callsHead++ & (CALLS_MAX - 1)) * CALL_WORDS;
    const calls = this.#calls;
    const { strategy } = this;
    if (strategy === null || !this.#hears) return;
    const book = calls[at + 1];
    const orderId = calls[at + 2];
    try {
      if (calls[at] === Kept.Fill) {
        strategy.onFill?.(book, orderId, calls[at + 3], calls[at + 4], calls[at + 5], this);
      } else {
        strategy.onOrder?.(
          book, orderId, calls[at + 3] as OrderStatus, calls[at + 4] as Reason, this,
        );
      }
    } catch (error) {
      this.#faulted(error);
    }
  }

  // ── responses that came from inside of a request ───────────────────────────────────────────

  #keepResponse(
    type: number, book: number, orderId: number, side: number, priceTicks: number,
    execQty: number, leavesQty: number,
  ): void {
    assert(
      this.#responsesTail - this.#responsesHead < RESPONSES_MAX,
      'answers of a venue in this process have room to wait',
    );
    const at = (this.#responsesTail++ & (RESPONSES_MAX - 1)) * RESPONSE_WORDS;
    const responses = this.#responses;
    responses[at] = type;
    responses[at + 1] = book;
    responses[at + 2] = orderId;
    responses[at + 3] = side;
    responses[at + 4] = priceTicks;
    responses[at + 5] = execQty;
    responses[at + 6] = leavesQty;
  }

  #takeResponse(): void {
    const at = (this.#responsesHead++ & (RESPONSES_MAX - 1)) * RESPONSE_WORDS;
    const r = this.#responses;
    this.orders.onResponse(
      r[at], r[at + 1], r[at + 2], r[at + 3], r[at + 4], r[at + 5], r[at + 6], this.nowNs,
    );
  }

  // ── the end ────────────────────────────────────────────────────────────────────────────────

  #advanceStop(): void {
    if (this.#state !== RunnerState.Stopping) return;
    if (!this.#connected) {
      this.#state = RunnerState.Stopped;
      return;
    }
    if (this.orders.liveOrders > 0) return;
    if (!this.#flatten || this.#isFlat() || this.nowNs >= this.#flattenUntilNs) {
      this.#state = RunnerState.Stopped;
      return;
    }
    if (this.nowNs < this.#flattenNextNs || !this.#fresh) return;
    this.#flattenNextNs = this.nowNs + FLATTEN_INTERVAL_NS;
    this.#begin(this.nowNs);
    for (let book = 0; book < this.instruments.count; book++) this.#flattenBook(book);
    this.#end();
  }

  #isFlat(): boolean {
    for (let book = 0; book < this.instruments.count; book++) {
      if (this.positions.position(book) !== 0) return false;
    }
    return true;
  }

  /** As much of a position as the touch of the other side and one order take. */
  #flattenBook(book: number): void {
    const position = this.positions.position(book);
    if (position === 0) return;
    const side = position > 0 ? -1 : 1;
    const touch = side > 0 ? this.features.askTicks(book) : this.features.bidTicks(book);
    if (touch === PRICE_TICKS_NONE) return;
    const qty = Math.min(Math.abs(position), this.risk.maxOrderQty(book));
    const orderId = this.orders.send(book, side, touch, qty, Tif.Ioc, this.nowNs);
    if (orderId < 0) this.#refuse(-orderId as Reason);
  }
}

/** Folds what the sink takes into 64 bits, in two lanes. Order ids count from the first. */
class TracedSink implements OrderSink {
  decisions = 0;
  readonly #sink: OrderSink;
  readonly #firstOrderId: number;
  #high = 0x6a09_e667 | 0;
  #low = 0xbb67_ae85 | 0;

  constructor(sink: OrderSink, firstOrderId: number) {
    this.#sink = sink;
    this.#firstOrderId = firstOrderId;
  }

  get hash(): string {
    const half = (word: number): string => (word >>> 0).toString(16).padStart(8, '0');
    return half(this.#high) + half(this.#low);
  }

  newOrder(
    book: number, orderId: number, side: number, priceTicks: number, qty: number, tif: number,
    flags: number, terms: OrderTerms | null,
  ): boolean {
    if (!this.#sink.newOrder(book, orderId, side, priceTicks, qty, tif, flags, terms)) return false;
    this.#fold(Request.New, book, orderId, side, priceTicks, qty);
    this.#mix(tif + flags * TWO_16);
    if (terms !== null) this.#foldTerms(terms);
    return true;
  }

  cancel(book: number, orderId: number): boolean {
    if (!this.#sink.cancel(book, orderId)) return false;
    this.#fold(Request.Cancel, book, orderId, 0, 0, 0);
    return true;
  }

  modify(
    book: number, orderId: number, side: number, priceTicks: number, chainQty: number,
  ): boolean {
    if (!this.#sink.modify(book, orderId, side, priceTicks, chainQty)) return false;
    this.#fold(Request.Modify, book, orderId, side, priceTicks, chainQty);
    return true;
  }

  massCancel(book: number): boolean {
    if (!this.#sink.massCancel(book)) return false;
    this.#fold(Request.MassCancel, book, this.#firstOrderId, 0, 0, 0);
    return true;
  }

  #foldTerms(terms: OrderTerms): void {
    this.#mix(terms.orderType + terms.stp * 256);
    this.#mix(terms.displayQty);
    this.#mix(terms.minQty);
    this.#mix(terms.stopTicks);
  }

  #fold(
    request: number, book: number, orderId: number, side: number, priceTicks: number, qty: number,
  ): void {
    this.decisions++;
    const order = orderId - this.#firstOrderId;
    this.#mix(request + (side + 1) * 256 + (book + 1) * TWO_16);
    this.#mix(order >>> 0);
    this.#mix(Math.floor(order / TWO_32));
    this.#mix(priceTicks);
    this.#mix(qty);
  }

  /** Two multiplicative lanes, each stirred by the other: every word reaches every bit. */
  #mix(word: number): void {
    let a = Math.imul(this.#high ^ word, 0x9e37_79b1);
    let b = Math.imul(this.#low + word, 0x85eb_ca6b);
    a ^= a >>> 15;
    b ^= b >>> 13;
    this.#high = Math.imul(a + b, 0xc2b2_ae35);
    this.#low = b ^ (a >>> 16) ^ Math.imul(a, 0x27d4_eb2f);
  }
}
