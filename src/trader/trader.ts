// The trader: from the datagrams of a feed to the bytes of orders, live. This file is the pipeline;
// each stage is a file of its own.
//
//   1 sockets ─► 2 feed handler ─► 3 market view ─► 4 runner: features, strategy, risk, orders ─┐
//                                                        ▲                                      │
//   6 journal ◄── 5 order session ◄── exchange ──────────┴── responses      requests ──► 5 ◄────┘
//
// One agent on one thread. A message of the feed is applied, decided on and answered before the next
// one is looked at: its requests leave with one send, at once. It never waits; transports are handed
// in, and so is the time.
//
// Order in a turn: responses first, so that a decision knows every fill that has arrived; then the
// feed; then timers and what found no room before. All events of a turn have the turn's time; what is
// measured has stamps of its own. Cost: no allocation after start, but for connections made anew and
// the texts of their ends, and the box of 16 bytes that a turn's time comes in.
import { BOXED } from '../base/boxed.ts';
import { MarketView } from '../book/market_view.ts';
import { ResponseType, Side } from '../wire/generated/native.ts';
import { FeedHandler, FEED_STATE_TEXT } from './feed_handler.ts';
import { FeedReceiver, type FeedSockets } from './feed_sockets.ts';
import { UpdateKind } from './feed_layout.ts';
import {
  OrderSession, type OrderSessionHandler, SESSION_STATE_TEXT, SessionState, type SessionJournal,
} from './order_session.ts';
import { RunnerState, StrategyRunner } from './strategy_runner.ts';
import { NOT_READ, TraderOperation, TraderStage, TRADER_PIPELINE } from '../observe/profile/stages.ts';
import { TickProfile, VIEW_EVERY } from './tick_profile.ts';
import type { Agent } from '../base/agent.ts';
import type { Clock } from '../base/clock.ts';
import type { PipelineProfile } from '../observe/profile/pipeline_profile.ts';
import type { StreamConnection } from '../net/transport.ts';
import type { ExposureLedger } from './exposure_ledger.ts';
import type { FeedListener, FeedState } from './feed_handler.ts';
import type { FeedLayout } from './feed_layout.ts';
import type { TraderInstruments } from './instruments.ts';
import type { OrderEntryOptions } from './order_entry.ts';
import type { Costing } from './position_snapshot.ts';
import type { RiskLimits } from './risk.ts';
import type { RoundTrip } from './round_trip.ts';
import type { Strategy } from './strategies/strategy.ts';
import type { StopOptions } from './strategy_runner.ts';

export interface TraderFeedOptions {
  readonly layout: FeedLayout['name'];
  /** Joins the feed's groups; asked again when they have been silent for long. */
  readonly join: () => Promise<FeedSockets>;
  /** Where the retransmit service listens. */
  readonly retransmitHost: string;
  readonly retransmitPort: number;
  /** Orders of the market that the books can hold. */
  readonly ordersMax?: number;
  /** Datagrams kept out of order. Default: the feed handler's. */
  readonly queueDatagrams?: number;
}

export interface TraderOptions {
  readonly clock: Clock;
  readonly instruments: TraderInstruments;
  readonly entry: OrderEntryOptions;
  /** A fresh connection to the exchange. */
  readonly connect: () => Promise<StreamConnection>;
  readonly feed: TraderFeedOptions;
  readonly strategy: Strategy;
  readonly limits: RiskLimits;
  /**
   * On the wire: above every id that was ever used, and the one before it was not used either. The
   * runner and all that it tells of count from 1.
   */
  readonly firstOrderId: number;
  /** Tells this process from every other of the account (order_session.ts). */
  readonly run?: number;
  readonly ordersMax?: number;
  readonly costing?: Costing;
  readonly alpha?: number;
  readonly cancelWhenStale?: boolean;
  /**
   * Where a side of the book is empty, a position is worth the last trade's price; default true. False:
   * it is worth nothing known, and orders that could enlarge a loss are refused (25): alone in a market,
   * a maker whose one side was taken would never quote again.
   */
  readonly markWithLast?: boolean;
  readonly timerNs?: number;
  /** order_session.ts */
  readonly firstAnswerMaxNs?: number;
  /** Limits and positions that the traders of several threads have together (shared_ledger.ts). */
  readonly ledger?: ExposureLedger;
  readonly quoteBy?: 'modify' | 'cancel';
  /** What a process before this one has left, applied before anything else. */
  readonly journal?: TraderJournal;
  readonly listener?: TraderListener;
  /** Takes every decision's stamps too, where others can see them. */
  readonly profile?: PipelineProfile;
  /** Follows some orders from the send to the answer. */
  readonly roundTrip?: RoundTrip;
}

/** The client's journal: keeps what must not be lost, and has what was kept. */
export interface TraderJournal extends SessionJournal {
  /** The first log-in asks for what comes behind the last response kept. */
  readonly resumes: boolean;
  /** Puts positions, cash and open orders into a runner that has not started. */
  restore(runner: StrategyRunner, idBase: number): void;
  /** Once a turn: what was journaled survives this process from here on. */
  poll(runner: StrategyRunner, nowNs: number): void;
  close(runner: StrategyRunner, nowNs: number): void;
}

/** For people; calls come from inside `poll`. */
export interface TraderListener {
  onFill?(book: number, orderId: number, side: number, priceTicks: number, qty: number): void;
  onTrade?(book: number, side: number, priceTicks: number, qty: number): void;
  onSession?(state: SessionState, reason: string): void;
  onFeed?(state: FeedState): void;
}

const ORDERS_OF_MARKET_MAX = 1 << 20;

export class Trader implements Agent, FeedListener, OrderSessionHandler {
  readonly name = 'trader';
  readonly instruments: TraderInstruments;
  readonly receiver: FeedReceiver;
  readonly view: MarketView;
  readonly feed: FeedHandler;
  readonly runner: StrategyRunner;
  readonly session: OrderSession;
  readonly profile = new TickProfile();
  /** An order's id on the wire is the runner's plus this. */
  readonly idBase: number;
  /** Fills taken in, and the orders that had at least one. */
  fills = 0;
  ordersFilled = 0;
  filledQty = 0;
  /** Trades of the market, ours included. */
  trades = 0;

  readonly #clock: Clock;
  readonly #journal: TraderJournal | null;
  readonly #listener: TraderListener;
  #nowNs = BOXED;
  #messages = 0;
  readonly #stamps = new Float64Array(TRADER_PIPELINE.stages.length);
  readonly #shown: PipelineProfile | null;
  readonly #roundTrip: RoundTrip | null;
  /** What was decided on, one of each kind of message. */
  readonly #operations = TRADER_PIPELINE.operations.map((_, kind) =>
    Float64Array.from(TRADER_PIPELINE.operations, (_name, other) => (other === kind ? 1 : 0)));
  #stopping = false;

  /** Joins the feed and connects to the exchange; throws what prevents that. */
  static async open(options: TraderOptions): Promise<Trader> {
    // The feed first, so that no message is missed.
    const sockets = await options.feed.join();
    try {
      const connection = await options.connect();
      return new Trader(options, sockets, connection);
    } catch (error) {
      sockets.incremental.close();
      sockets.snapshot?.close();
      sockets.retransmit?.close();
      throw error;
    }
  }

  private constructor(options: TraderOptions, sockets: FeedSockets, connection: StreamConnection) {
    const { clock, instruments, feed } = options;
    this.#clock = clock;
    this.#journal = options.journal ?? null;
    this.#listener = options.listener ?? {};
    this.#shown = options.profile ?? null;
    this.#roundTrip = options.roundTrip ?? null;
    this.instruments = instruments;
    this.#nowNs = 0;
    this.idBase = options.firstOrderId - 1;

    // 1 Datagrams, each with the time at which it was received.
    this.receiver = new FeedReceiver(sockets, feed.join, clock);

    // 2, 3 Whole books from them.
    this.view = new MarketView({
      instruments: instruments.list.map(() => ({ minPrice: TICKS_MIN, maxPrice: TICKS_MAX })),
      ordersMax: feed.ordersMax ?? ORDERS_OF_MARKET_MAX,
    });
    const { incremental, snapshot, retransmit } = this.receiver;
    this.feed = new FeedHandler(this.view, this, {
      layout: feed.layout, instruments: instruments.list, incremental, snapshot,
      ...(feed.queueDatagrams === undefined ? {} : { queueDatagrams: feed.queueDatagrams }),
      retransmit: retransmit === null ? null : {
        socket: retransmit, host: feed.retransmitHost, port: feed.retransmitPort,
      },
    });

    // 5 The session that requests leave by.
    this.session = new OrderSession(this, {
      entry: options.entry, clock, instruments, connect: options.connect, journal: this.#journal,
      resumes: this.#journal?.resumes ?? true, run: options.run ?? 0,
      idBase: this.idBase,
      ...(options.firstAnswerMaxNs !== undefined && { firstAnswerMaxNs: options.firstAnswerMaxNs }),
      ...(options.roundTrip !== undefined && { roundTrip: options.roundTrip }),
    });

    // 4 Decisions.
    this.runner = new StrategyRunner({
      ...options,
      firstOrderId: 1,
      markWithLast: options.markWithLast ?? true,
      market: this.view, sink: this.session,
      listener: {
        onFill: (book, orderId, side, ticks, qty) => this.#onFill(book, orderId, side, ticks, qty),
      },
    });

    // 6 What is known from before.
    this.#journal?.restore(this.runner, this.idBase);
    this.fills = this.ordersFilled = this.filledQty = 0; // of this process
    const nowNs = clock.refresh();
    this.runner.start(nowNs);
    this.feed.start(nowNs);
    this.session.begin(connection, nowNs);
  }

  /** One turn of the pipeline. Returns the work done. */
  poll(nowNs: number): number {
    this.#nowNs = nowNs;
    let work = this.session.poll(nowNs);
    work += this.feed.poll(nowNs);
    if (this.feed.fresh !== this.runner.fresh) this.runner.onFresh(this.feed.fresh, nowNs);
    work += this.runner.poll(nowNs);
    this.session.flush();
    this.receiver.poll(nowNs);
    this.#journal?.poll(this.runner, nowNs);
    return work;
  }

  /** When it has something to do though nothing comes. */
  dueNs(nowNs: number): number {
    return Math.min(this.session.dueNs(nowNs), this.feed.dueNs(), this.runner.dueNs(nowNs), this.receiver.dueNs);
  }

  /** Cancels all orders and ends by the runner's rules; `stopped` says when. */
  stop(options: StopOptions = {}): void {
    this.#stopping = true;
    this.runner.stop(this.#clock.refresh(), options);
    this.session.flush();
  }

  /** Nothing of ours is left at the exchange, or there is no session that could say so. */
  get stopped(): boolean {
    return this.#stopping && this.runner.state === RunnerState.Stopped;
  }

  /** After the last poll: logs out, leaves the feed, ends the journal. */
  close(): void {
    this.session.end();
    this.#journal?.close(this.runner, this.#clock.refresh());
    this.receiver.close();
  }

  // ── the feed tells ─────────────────────────────────────────────────────────────────────────

  onUpdate(book: number, kind: number): void {
    const { entry } = this.session;
    const before = entry.requests;
    const sampled = (this.#messages++ & (VIEW_EVERY - 1)) === 0;
    if (sampled) this.#clock.refreshInto(this.#stamps, TraderStage.ViewUpdated);
    if (kind === UpdateKind.Clear) this.runner.onClear(book, this.#nowNs);
    else this.runner.onUpdate(book, this.#nowNs);
    if (entry.requests !== before) this.#send(sampled, TraderOperation.Update);
  }

  onTrade(book: number, side: number, priceTicks: number, qty: number): void {
    this.trades++;
    const { entry } = this.session;
    const before = entry.requests;
    this.runner.onTrade(book, side, priceTicks, qty, this.#nowNs);
    if (entry.requests !== before) this.#send(false, TraderOperation.Trade);
    this.#listener.onTrade?.(book, side, priceTicks, qty);
  }

  onState(state: FeedState): void {
    this.runner.onFresh(this.feed.fresh, this.#nowNs);
    this.#listener.onFeed?.(state);
  }

  /** What was decided on a message leaves at once. */
  #send(viewRead: boolean, operation: number): void {
    const stamps = this.#stamps;
    this.#clock.refreshInto(stamps, TraderStage.Decided);
    this.session.flush();
    this.#clock.refreshInto(stamps, TraderStage.OrderTx);
    stamps[TraderStage.FeedRx] = this.receiver.receivedNs[0];
    if (!viewRead) stamps[TraderStage.ViewUpdated] = NOT_READ;
    this.profile.record(stamps);
    if (this.#shown !== null) this.#shown.commit(stamps, this.#operations[operation]);
  }

  // ── the order session tells ────────────────────────────────────────────────────────────────

  onResponse(
    type: number, book: number, orderId: number, side: number, priceTicks: number,
    execQty: number, leavesQty: number,
  ): void {
    if (this.#roundTrip !== null && (type === ResponseType.Accepted || type === ResponseType.Rejected)) this.#roundTrip.answered(orderId);
    if (type === ResponseType.Filled && this.#isFirstFill(orderId)) this.ordersFilled++;
    this.runner.onResponse(
      type, book, orderId, side, priceTicks, execQty, leavesQty, this.#nowNs,
    );
  }

  onReady(complete: boolean): void {
    this.runner.onConnected(complete, this.#nowNs);
    this.#listener.onSession?.(this.session.state, '');
  }

  onNewSession(): void {
    this.runner.onNewSession(this.#nowNs);
  }

  onDown(reason: string): void {
    this.runner.onDisconnected(this.#nowNs);
    this.#listener.onSession?.(this.session.state, reason);
  }

  #onFill(book: number, orderId: number, side: number, priceTicks: number, qty: number): void {
    this.fills++;
    this.filledQty += qty;
    this.#listener.onFill?.(book, orderId, side, priceTicks, qty);
  }

  /** Asked before it is taken in. */
  #isFirstFill(orderId: number): boolean {
    const { orders } = this.runner;
    return orders.orderSide(orderId) !== Side.None && orders.executed(orderId) === 0;
  }

  // ── for people ─────────────────────────────────────────────────────────────────────────────

  /** Orders sent that have traded, in per cent; 0 before the first. */
  get fillRatePercent(): number {
    return this.session.newOrders === 0 ? 0 : (100 * this.ordersFilled) / this.session.newOrders;
  }

  get sessionText(): string {
    return SESSION_STATE_TEXT[this.session.state];
  }

  get feedText(): string {
    return FEED_STATE_TEXT[this.feed.state];
  }
}

/** Every price but the one that means none. */
const TICKS_MIN = -0x7fff_ffff;
const TICKS_MAX = 0x7fff_ffff;
