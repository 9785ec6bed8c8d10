// The trading engine: the trading side as a library, one object to talk to.
//
//   const engine = new TradingEngine({ maxOrdersPerSecond: 100_000 });
//   await engine.start();
//   const order = await engine.placeOrder({ symbol: 'BTC-USDT', side: 'buy', price: '50000.0', quantity: 100 });
//   await engine.stop();
//
// This file is the composition root, and one turn of the engine reads from top to bottom:
//
//   1 calls, on whatever thread ─► 2 queue ─► 3 intake ─► 4 journal ─► 5 processor ─► 6 venue
//                                                            │             │
//            9 listeners, promises ◄─ 8 dispatch ◄─ 7 sync ◄─┘   outputs ◄─┘
//
// One thread does all of it: strategies, listeners and promises are JavaScript objects, which belong to the
// thread that made them, and an input costs less than handing it to another thread would. The engine takes
// turns on its thread's event loop, each of bounded work, and sleeps when there is nothing to do. A program
// that wants it on a core of its own makes it in a worker and hands `engine.producer()` to the others.
//
// Nothing of an input is told or sent before the journal has it. What a broken invariant or a failed journal
// throws ends the engine: waiting calls are rejected with OutcomeUnknownError, and `stop` with the error.
//
// Limits: those of the configuration. Every refusal is a value with a reason code; only malformed arguments
// throw (RangeError).
import { AgentRunner, type Agent } from '../base/agent.ts';
import { MonotonicClock, type Clock } from '../base/clock.ts';
import type { Histogram } from '../base/histogram.ts';
import { anyOf } from '../base/wake_any.ts';
import { CmdFlag, Reason } from '../book/types.ts';
import type { PriceLevel } from '../book/order_book.ts';
import { OrderStatus } from '../trader/order_manager.ts';
import { changedSettings, changesOf, changesText, engineSettings, type Decimal, type EngineSettings, type LiveSettings, type Reloadable, type ShutdownOptions, type TradingEngineConfig } from './config.ts';
import { Dispatch, type Tap } from './dispatch.ts';
import { EmbeddedVenue } from './embedded_venue.ts';
import { engineStats, positionOf, Rates, strategyStats, tradingMetrics, type EngineStats, type Position, type StrategyStats, type TradingMetrics } from './engine_stats.ts';
import { Emitter, type EventName, type EventStream, type Listener, type SideText, type StreamOptions } from './events.ts';
import { ExchangeVenue } from './exchange_venue.ts';
import { BOOK_EVERY, Control, Input, InputFlag } from './inputs.ts';
import { Intake } from './intake.ts';
import { shown } from './checker.ts';
import {
  checkChanges, checkOrder, nameOf, OrderNumbers, quantityOf, sideOf, type ModifyRequest, type NewOrderRequest, type OrderReference,
} from './order_request.ts';
import { SLOT_NONE } from './order_names.ts';
import { OutputRing } from './outputs.ts';
import { ENGINE_STATE_TEXT, Processor, type EngineStateText } from './processor.ts';
import { EngineProducer } from './producer.ts';
import { refusedOrder, requestResult, Results, type OrderResult, type RequestKey, type RequestResult } from './results.ts';
import { Doorbell, Phase, SharedState, STRATEGY_ID_BASE, type ProducerHandle } from './shared_state.ts';
import { Shutdown, type ShutdownReport } from './shutdown.ts';
import type { Venue, VenueInputs, VenueListener } from './venue.ts';

/** Of the market, for an engine with its own books. Prices are decimals; quantities lots. */
export type MarketData =
  | { type: 'quote'; symbol: string; bid?: Decimal; bidQuantity?: number; ask?: Decimal; askQuantity?: number }
  | { type: 'trade'; symbol: string; side: SideText; price: Decimal; quantity: number }
  | { type: 'add'; symbol: string; reference: number; side: SideText; price: Decimal; quantity: number }
  | { type: 'modify'; symbol: string; reference: number; side: SideText; price: Decimal; quantity: number }
  | { type: 'cancel'; symbol: string; reference: number }
  | { type: 'clear'; symbol: string };

/** What a producer needs to know of a symbol. */
export interface InstrumentInfo {
  readonly symbol: string;
  /** Its dense index: `book` of a producer. */
  readonly book: number;
  readonly decimals: number;
  readonly tickSize: string;
  readonly lotSize: number;
}

export interface OpenOrder {
  readonly orderId: number;
  readonly clientOrderId?: number | string;
  readonly symbol: string;
  readonly side: SideText;
  readonly price: string;
  /** Open. */
  readonly quantity: number;
  readonly executed: number;
  readonly status: 'pending' | 'live' | 'pending-modify' | 'pending-cancel';
  readonly strategy: boolean;
}

/** Batches of 64 inputs: some 100 µs, in which urgent inputs still wait for one batch only. */
const BATCHES_A_TURN = 4;
/** Between two Time inputs, where time matters to somebody. */
const TICK_NS = 1_000_000;
/** Records between processor and dispatch: what one turn of 64 inputs usually has to tell, many times over. */
const OUTPUT_SLOTS = 1 << 14;
const DEPTH_DEFAULT = 10;
const STATUS_TEXT: Readonly<Record<number, OpenOrder['status']>> = {
  [OrderStatus.PendingNew]: 'pending', [OrderStatus.Live]: 'live', [OrderStatus.PendingModify]: 'pending-modify',
  [OrderStatus.PendingCancel]: 'pending-cancel',
};
/** An engine's life, beside the state of its processor. */
const Life = { New: 0, Starting: 1, Running: 2, Ended: 3, Failed: 4 } as const;
type Life = (typeof Life)[keyof typeof Life];

/** Any time: the timer itself does nothing. */
const HOLD_MS = 60_000;

export class TradingEngine implements Agent {
  readonly name = 'engine';
  readonly #settings: EngineSettings;
  readonly #clock: Clock;
  /** What was given, with all changes asked for since, whether or not they are in force yet. */
  #asked: TradingEngineConfig;
  readonly #shared: SharedState;
  readonly #outputs: OutputRing;
  readonly #processor: Processor;
  readonly #intake: Intake;
  readonly #emitter = new Emitter();
  readonly #results = new Results();
  readonly #dispatch: Dispatch;
  readonly #rates: Rates;
  readonly #producer: EngineProducer;
  readonly #doorbell: Doorbell;
  readonly #numbers = new OrderNumbers();
  #given: TradingEngineConfig;
  #life: Life = Life.New;
  #loop: AgentRunner | null = null;
  #loopEnd: Promise<void> | null = null;
  #shutdown: Shutdown | null = null;
  #stopped: Promise<ShutdownReport> | null = null;
  #onStopped: (report: ShutdownReport) => void = () => {};
  #onStopFailed: (error: unknown) => void = () => {};
  #failure: unknown = null;
  #starting: Promise<void> = Promise.resolve();
  #inTurn = false;
  /** Event time is the clock's plus this: what a replayed run had reached. */
  #timeBaseNs = 0;
  #lastTickNs = 0;
  #tokens = 0;
  /** Calls that found the urgent lane full; taken first in the next turn. */
  readonly #ownControls: { control: Control; token: number }[] = [];

  /** Checks `config` whole: a ConfigurationError names every fault. Nothing runs and nothing is opened yet. */
  constructor(config: TradingEngineConfig = {}) {
    this.#given = { ...config };
    this.#asked = this.#given;
    this.#settings = engineSettings(config);
    this.#clock = config.clock ?? new MonotonicClock();

    // 2 The queue, and what its producers share with this thread.
    this.#shared = SharedState.create(this.#settings.queue);
    this.#shared.stampMask = this.#settings.stampMask;

    // 5, 6 The processor with its venue; 4 the journal is the processor's first step.
    this.#outputs = new OutputRing(OUTPUT_SLOTS, () => this.#tellSoFar());
    this.#processor = new Processor({
      settings: this.#settings,
      outputs: this.#outputs,
      journal: config.journal ?? null,
      makeVenue: (owner) => this.#makeVenue(owner),
      readConfiguration: (text) => this.#readConfiguration(text),
    });

    // 3 The intake between queue and processor.
    this.#intake = new Intake(this.#shared, this.#processor, this.#settings.symbols.instruments.count);

    // 8, 9 Those who want to know.
    this.#dispatch = new Dispatch(this.#outputs, this.#processor, this.#emitter, this.#results, this.#clock);
    this.#rates = new Rates(this.#processor);

    // 1 This thread's own way into the queue.
    this.#producer = new EngineProducer(this.producer());
    this.#doorbell = new Doorbell(this.#shared, () => this.#intake.idle && this.#ownControls.length === 0);
  }

  #makeVenue(owner: VenueListener & VenueInputs): Venue {
    const { venue, symbols, ordersMax } = this.#settings;
    if (venue.kind === 'exchange') {
      return new ExchangeVenue({ settings: venue, instruments: symbols.instruments, ordersMax, clock: this.#clock }, owner);
    }
    const { stp, marketOrdersMax } = venue;
    return new EmbeddedVenue({ instruments: symbols.instruments, ordersMax, marketOrdersMax, stp }, owner);
  }

  // ── life ───────────────────────────────────────────────────────────────────────────────────

  get state(): EngineStateText {
    return ENGINE_STATE_TEXT[this.#processor.state];
  }

  /** Nothing passes until `reset`. */
  get killed(): boolean {
    return this.#processor.runner.risk.killed;
  }

  get autoTrading(): boolean {
    return this.#processor.autoTrading;
  }

  /** What ended the engine before its time; null while all is well. */
  get failure(): unknown {
    return this.#failure;
  }

  /**
   * Replays what `replay` has, opens the venue, and takes orders when it resolves. Once only. Rejects with what
   * kept the venue from opening (NetworkError, or an Error that says what was waited for).
   */
  start(): Promise<void> {
    if (this.#life !== Life.New) return Promise.reject(new Error('an engine is started once: make a new one'));
    this.#life = Life.Starting;
    this.#starting = this.#start();
    return this.#starting;
  }

  async #start(): Promise<void> {
    this.#clock.refresh();
    try {
      this.#replay();
      await this.#processor.venue.open();
    } catch (error) {
      this.#fail(error);
      throw error;
    }
    this.#processor.applyOwn(Input.Control, Control.Start, 0, this.#now());
    this.#shared.phase = Phase.Open;
    this.#life = Life.Running;
    this.#lastTickNs = this.#processor.nowNs;
    this.#finishTurn();
    if (this.#settings.loop === 'shared') this.#runLoop();
  }

  /** Strategies stop and their orders are withdrawn, new orders are refused (16); the program's own stay. */
  pause(): Promise<RequestResult> {
    return this.#control(Control.Pause);
  }

  resume(): Promise<RequestResult> {
    return this.#control(Control.Resume);
  }

  /** Cancels everything, urgently, and refuses every order (20) until `reset`. */
  kill(): Promise<RequestResult> {
    return this.#control(Control.Kill);
  }

  /** Lifts `kill` and the stop loss and closes the circuit breakers. Strategies stay as they are. */
  reset(): Promise<RequestResult> {
    return this.#control(Control.Reset);
  }

  /** Strategies decide, or not; off, their orders are withdrawn. */
  setAutoTrading(on: boolean): Promise<RequestResult> {
    if (typeof on !== 'boolean') throw new RangeError(`on: expected true or false, was ${shown(on)}`);
    return this.#control(on ? Control.AutoTradingOn : Control.AutoTradingOff);
  }

  /**
   * Takes nothing new, works off what is queued, deals with orders and positions by policy, syncs the journal, tells
   * the last events, closes the venue. Resolves with what was done; calling it again gives the same promise. After it
   * no handle of the engine keeps the process.
   */
  stop(options: ShutdownOptions = {}): Promise<ShutdownReport> {
    this.#stopped ??= this.#beginStop(options);
    return this.#stopped;
  }

  #beginStop(options: ShutdownOptions): Promise<ShutdownReport> {
    const { live } = changedSettings(this.#given, { shutdown: { ...this.#given.shutdown, ...options } }, this.#settings);
    const { policy, deadlineNs } = live.shutdown;
    if (this.#life === Life.Failed) return Promise.reject(this.#failure);
    // Stopped while it starts: as soon as it has.
    if (this.#life === Life.Starting) return this.#starting.then(() => this.#beginStop(options));
    if (this.#life !== Life.Running) {
      this.#life = Life.Ended;
      this.#emitter.end();
      return Promise.resolve({ policy, complete: true, drained: 0, lost: 0, openOrders: 0, positions: {} });
    }
    this.#clock.refresh();
    this.#shutdown = new Shutdown(policy, this.#now() + deadlineNs, this.#processor, this.#intake, this.#shared);
    const report = new Promise<ShutdownReport>((resolve, reject) => {
      this.#onStopped = resolve;
      this.#onStopFailed = reject;
    });
    if (this.#loop === null) this.#pollToTheEnd();
    else this.#doorbell.kick();
    // An idle engine's sleep lets the process end; an end that is awaited does not.
    const hold = setInterval(() => {}, HOLD_MS);
    return report.finally(() => clearInterval(hold));
  }

  /** A manual engine's end does not wait for its owner's next poll. */
  #pollToTheEnd(): void {
    if (this.#life !== Life.Running) return;
    try {
      this.poll(this.#clock.refresh());
    } catch {
      return; // the failure has been told
    }
    if (this.#life === Life.Running) setImmediate(() => this.#pollToTheEnd());
  }

  #replay(): void {
    const { replay } = this.#given;
    if (replay === undefined) return;
    this.#processor.replay(replay);
    if (this.#processor.highestId > 0) this.#shared.skipIds(this.#processor.highestId);
    this.#timeBaseNs = Math.max(0, this.#processor.nowNs - this.#clock.nowNs);
    this.#dispatch.timeBaseNs = this.#timeBaseNs;
  }

  #runLoop(): void {
    const { venue } = this.#processor;
    const wakeSource = venue.network === null ? this.#doorbell : anyOf(this.#doorbell, venue.network);
    this.#loop = new AgentRunner({
      agents: [this], clock: this.#clock, wait: this.#settings.wait, wakeSource,
      needsEventLoop: venue.network?.needsEventLoop ?? false, holdsProcess: this.#settings.holdsProcess,
    });
    this.#loopEnd = this.#loop.run().catch(() => {
      // Told by #fail already.
    });
  }

  // ── one turn ───────────────────────────────────────────────────────────────────────────────

  /** One turn. An engine whose loop is `manual` is driven by this; returns the work done. */
  poll(nowNs: number): number {
    // A listener that calls it is inside of a turn.
    if (this.#life !== Life.Running || this.#inTurn) return 0;
    this.#inTurn = true;
    try {
      // As it came, where it can: a sum would be boxed on its way down, every turn.
      return this.#timeBaseNs === 0 ? this.#turn(nowNs) : this.#turn(nowNs + this.#timeBaseNs);
    } catch (error) {
      this.#fail(error);
      throw error;
    } finally {
      this.#inTurn = false;
    }
  }

  #turn(nowNs: number): number {
    const processor = this.#processor;
    const { venue } = processor;
    if (this.#ownControls.length > 0) this.#takeOwnControls(nowNs);
    let work = 0;
    for (let batch = 0; batch < BATCHES_A_TURN && venue.hasRoom; batch++) {
      const taken = this.#intake.poll(nowNs);
      if (taken === 0) break;
      work += taken;
    }
    work += venue.poll(nowNs);
    if (nowNs - this.#lastTickNs >= TICK_NS && processor.wantsTime) {
      this.#lastTickNs = nowNs;
      processor.applyOwn(Input.Time, 0, 0, nowNs);
    }
    const ended = this.#shutdown !== null && this.#shutdown.advance(nowNs);
    this.#finishTurn();
    if (this.#rates.isDue(nowNs)) this.#rates.take(nowNs);
    if (ended) this.#end();
    return work;
  }

  #takeOwnControls(nowNs: number): void {
    for (const { control, token } of this.#ownControls.splice(0)) {
      this.#processor.applyOwn(Input.Control, control, token, nowNs);
    }
  }

  /** What the turn's inputs have caused is made safe, sent and told. */
  #finishTurn(): void {
    const processor = this.#processor;
    processor.sync();
    processor.venue.flush();
    if (!this.#dispatch.waiting) return;
    this.#dispatch.run(true);
    const { samples, sampleCount } = this.#dispatch;
    if (sampleCount === 0 || !processor.watchesLatency) return;
    for (let i = 0; i < sampleCount; i++) processor.applyOwn(Input.Latency, 0, samples[i], processor.nowNs);
  }

  /** An input has more to tell than the ring holds. */
  #tellSoFar(): void {
    this.#processor.sync();
    this.#dispatch.run(false);
  }

  #end(): void {
    const report = this.#shutdown!.report();
    this.#life = Life.Ended;
    this.#results.abandon('the engine has stopped before an answer came');
    this.#emitter.end();
    this.#loop?.stop();
    const closed = [this.#processor.venue.close(), this.#loopEnd ?? Promise.resolve()];
    void Promise.all(closed).then(() => this.#onStopped(report), this.#onStopFailed);
  }

  /** Nothing more is acknowledged, sent or told: what the engine knows may be wrong or not be safe. */
  #fail(error: unknown): void {
    if (this.#life === Life.Failed) return;
    this.#life = Life.Failed;
    this.#failure = error;
    this.#shared.phase = Phase.Closed;
    void this.#processor.venue.close().catch(() => {
      // There is a failure to be told already.
    });
    this.#results.abandon(`the engine has failed: ${error instanceof Error ? error.message : String(error)}`);
    this.#emitter.emit('error', { error, during: 'turn' });
    this.#emitter.end();
    this.#loop?.stop();
    this.#onStopFailed(error);
  }

  #now(): number {
    return this.#clock.nowNs + this.#timeBaseNs;
  }

  // ── orders ─────────────────────────────────────────────────────────────────────────────────

  /**
   * Hands an order in and resolves with what became of it: when the venue has accepted it, or, for one that cannot
   * rest (market, IOC, FOK), when it is done. A refusal is a result with `ok` false. Throws a RangeError (rejects)
   * for a malformed order, an OutcomeUnknownError when the engine ends before the answer.
   */
  async placeOrder(request: NewOrderRequest): Promise<OrderResult> {
    const calledNs = this.#clock.refresh() + this.#timeBaseNs;
    const orderId = this.tryPlaceOrder(request);
    if (orderId < 0) return refusedOrder(request.symbol, request.side, request.quantity, -orderId);
    return this.#results.order(orderId, request.symbol, request.side, request.quantity, calledNs);
  }

  /**
   * Hands an order in. Its id, or minus a reason when it was not taken: Capacity (−23) the queue is full, try again;
   * State (−16) the engine takes nothing; UnknownTicker (−1). What becomes of it is told by events. Throws a
   * RangeError for a malformed order.
   */
  tryPlaceOrder(request: NewOrderRequest): number {
    checkOrder(request);
    if (this.#shared.phase !== Phase.Open) return -Reason.State;
    const book = this.#bookFor(request.symbol);
    if (book < 0) return -Reason.UnknownTicker;
    const n = this.#numbers;
    n.read(request, this.#settings.symbols, book);
    const flags = (n.postOnly ? CmdFlag.PostOnly : 0) | (n.named ? InputFlag.Named : 0);
    return this.#kicked(this.#producer.place(
      book, n.side, n.orderType, n.tif, flags, n.stp, n.priceTicks, n.qty, n.displayQty, n.minQty, n.stopTicks, n.nameLo, n.nameHi,
    ));
  }

  /**
   * New price and open quantity of an order; what is left out stays. Resolves with what became of it: a refusal
   * (`ok` false) leaves the order as it was.
   */
  async modifyOrder(order: OrderReference, changes: ModifyRequest): Promise<RequestResult> {
    const calledNs = this.#clock.refresh() + this.#timeBaseNs;
    const taken = this.tryModifyOrder(order, changes);
    if (taken < 0) return requestResult(-taken, 0, 0);
    return this.#results.modify(this.#keyOf(order), calledNs);
  }

  /** The same without an answer: 0, or minus the reason it was not taken. */
  tryModifyOrder(order: OrderReference, changes: ModifyRequest): number {
    checkChanges(changes);
    const slot = this.#slotOf(order);
    if (slot === SLOT_NONE && changes.symbol === undefined) return -Reason.UnknownOrder;
    const { table, runner } = this.#processor;
    const { symbols } = this.#settings;
    const book = slot === SLOT_NONE ? symbols.bookOf(changes.symbol!) : table.book[slot];
    if (book < 0) return -Reason.UnknownTicker;
    if (slot === SLOT_NONE && (changes.price === undefined || changes.quantity === undefined)) {
      throw new RangeError('an order that the engine has not taken up yet is modified with price and quantity');
    }
    const priceTicks = changes.price === undefined
      ? runner.orders.orderTicks(table.wireId[slot]) : symbols.ticksOf(book, changes.price);
    const qty = changes.quantity === undefined
      ? runner.orders.leaves(table.wireId[slot]) : quantityOf('quantity', changes.quantity, 1);
    const n = this.#numbers;
    return this.#kicked(n.named
      ? this.#producer.modifyNamed(n.nameLo, n.nameHi, priceTicks, qty)
      : this.#producer.modify(idOf(order), priceTicks, qty));
  }

  /** Takes an order's whole rest out, urgently. Resolves with the quantity taken out. */
  async cancelOrder(order: OrderReference): Promise<RequestResult> {
    const calledNs = this.#clock.refresh() + this.#timeBaseNs;
    const taken = this.tryCancelOrder(order);
    if (taken < 0) return requestResult(-taken, 0, 0);
    return this.#results.cancel(this.#keyOf(order), calledNs);
  }

  /** The same without an answer: 0, or minus the reason it was not taken. */
  tryCancelOrder(order: OrderReference): number {
    this.#readReference(order);
    const n = this.#numbers;
    return this.#kicked(n.named ? this.#producer.cancelNamed(n.nameLo, n.nameHi) : this.#producer.cancel(idOf(order)));
  }

  /**
   * Cancels every order, or those of one symbol, urgently: those that still wait in the queue as well. Resolves, with
   * the number of orders that leave, when the venue has been told.
   */
  async cancelAll(symbol?: string): Promise<RequestResult> {
    const book = symbol === undefined ? BOOK_EVERY : this.#settings.symbols.bookOf(symbol);
    if (book < 0) return requestResult(Reason.UnknownTicker, 0, 0);
    const calledNs = this.#clock.refresh() + this.#timeBaseNs;
    const token = ++this.#tokens;
    const taken = this.#kicked(this.#producer.cancelAll(book, token));
    return taken < 0 ? requestResult(-taken, 0, 0) : this.#results.control(token, calledNs);
  }

  /** The open orders, in the order in which they were sent. */
  orders(): OpenOrder[] {
    const { table } = this.#processor;
    const slots: number[] = [];
    table.forEach((slot) => slots.push(slot));
    return slots.toSorted((a, b) => table.wireId[a] - table.wireId[b]).map((slot) => this.#openOrder(slot));
  }

  /** An open order; null: not open (any more), or not taken up yet. */
  order(order: OrderReference): OpenOrder | null {
    const slot = this.#slotOf(order);
    return slot === SLOT_NONE ? null : this.#openOrder(slot);
  }

  // ── the market ─────────────────────────────────────────────────────────────────────────────

  /**
   * Market data, for an engine with its own books: what it says stands in the book as the market's orders, against
   * which ours trade. 0, or minus the reason it was not taken: Capacity the queue is full; Unsupported on an exchange,
   * which has a feed of its own. Throws a RangeError for malformed data.
   */
  submitMarketData(data: MarketData): number {
    if (typeof data !== 'object' || data === null) throw new RangeError(`data: expected an object, was ${shown(data)}`);
    if (this.#processor.venue.kind === 'exchange') return -Reason.Unsupported;
    const book = this.#bookFor(data.symbol);
    if (book < 0) return -Reason.UnknownTicker;
    return this.#kicked(this.#submit(data, book));
  }

  #submit(data: MarketData, book: number): number {
    const { symbols } = this.#settings;
    const producer = this.#producer;
    switch (data.type) {
      case 'quote': {
        const { bid, bidQuantity = 0, ask, askQuantity = 0 } = data;
        return producer.quote(
          book, bid === undefined ? 0 : symbols.ticksOf(book, bid, 'bid'), bid === undefined ? 0 : quantityOf('bidQuantity', bidQuantity, 0),
          ask === undefined ? 0 : symbols.ticksOf(book, ask, 'ask'), ask === undefined ? 0 : quantityOf('askQuantity', askQuantity, 0),
        );
      }
      case 'trade':
        return producer.trade(book, sideOf(data.side), symbols.ticksOf(book, data.price), quantityOf('quantity', data.quantity, 1));
      case 'add':
        return producer.marketAdd(
          book, referenceOf(data.reference), sideOf(data.side), symbols.ticksOf(book, data.price), quantityOf('quantity', data.quantity, 1),
        );
      case 'modify':
        return producer.marketModify(
          book, referenceOf(data.reference), sideOf(data.side), symbols.ticksOf(book, data.price), quantityOf('quantity', data.quantity, 1),
        );
      case 'cancel':
        return producer.marketCancel(book, referenceOf(data.reference));
      case 'clear':
        return producer.marketClear(book);
      default:
        throw new RangeError(`type: expected quote, trade, add, modify, cancel, clear, was ${shown((data as { type: unknown }).type)}`);
    }
  }

  /** Levels of the venue's book, best first, as the engine's last turn left them. */
  book(symbol: string, levels = DEPTH_DEFAULT): { symbol: string; bids: PriceLevel[]; asks: PriceLevel[]; last: { price: string; quantity: number } | null } {
    const { symbols } = this.#settings;
    const book = this.#knownBook(symbol);
    const { bids, asks } = this.#processor.venue.depth(book, levels);
    const level = ({ price, qty, orders }: { price: number; qty: bigint; orders: number }): PriceLevel =>
      ({ price: symbols.priceText(book, price), qty, orders });
    const last = this.#processor.venue.lastTrade(book);
    return {
      symbol, bids: bids.map(level), asks: asks.map(level),
      last: last === null ? null : { price: symbols.priceText(book, last.price), quantity: last.qty },
    };
  }

  /** We traded elsewhere (a drop copy, a correction): the position moves. 0, or minus the reason it was not taken. */
  recordExecution(execution: { symbol: string; side: SideText; price: Decimal; quantity: number }): number {
    if (typeof execution !== 'object' || execution === null) throw new RangeError(`execution: expected an object, was ${shown(execution)}`);
    const { symbol, side, price, quantity } = execution;
    const book = this.#bookFor(symbol);
    if (book < 0) return -Reason.UnknownTicker;
    const ticks = this.#settings.symbols.ticksOf(book, price);
    return this.#kicked(this.#producer.execution(book, sideOf(side), ticks, quantityOf('quantity', quantity, 1)));
  }

  // ── positions and figures ──────────────────────────────────────────────────────────────────

  position(symbol: string): Position {
    return positionOf(this.#processor, this.#knownBook(symbol));
  }

  /** Of every symbol that has a name. */
  positions(): Position[] {
    return this.#settings.symbols.names.map((_, book) => positionOf(this.#processor, book));
  }

  stats(): EngineStats {
    return engineStats(
      this.#processor, this.#rates, this.#dispatch.orderLatency, this.#intake.queued, this.#intake.refused,
      this.#emitter.listenerErrors, this.#now(),
    );
  }

  /** From a call to its acceptance being told, of the calls that were timed; goes on counting. */
  get orderLatency(): Histogram {
    return this.#dispatch.orderLatency;
  }

  metrics(symbol: string): TradingMetrics {
    const { orderLatency, fillLatency } = this.#dispatch;
    return tradingMetrics(this.#processor, this.#rates, orderLatency, fillLatency, this.#knownBook(symbol), this.#now());
  }

  /** Of the strategy at a place of the configuration, or of everything traded. */
  strategyStats(place?: number): StrategyStats {
    const { group } = this.#processor;
    return strategyStats(this.#processor, (book) => place === undefined || group?.ownerOf(book) === place);
  }

  /** Index, decimals, tick and lot of a symbol; null: unknown. */
  instrument(symbol: string): InstrumentInfo | null {
    const { symbols } = this.#settings;
    const book = symbols.bookOf(symbol);
    if (book < 0) return null;
    const { decimals, lotSize } = symbols.instruments.list[book];
    return { symbol, book, decimals, tickSize: symbols.tickText(book), lotSize };
  }

  /** Gives a symbol its place before its first use, for producers that want its index; null: there is no room. */
  declare(symbol: string): InstrumentInfo | null {
    return this.#bookFor(symbol) < 0 ? null : this.instrument(symbol);
  }

  /** A hash of everything that decides the engine's future; equal after a replay of its inputs. */
  stateHash(): bigint {
    return this.#processor.stateHash();
  }

  checkInvariants(): void {
    this.#processor.checkInvariants();
    this.#intake.checkInvariants();
  }

  // ── events ─────────────────────────────────────────────────────────────────────────────────

  /** Calls `listener` for each event of that name; the function returned ends it. */
  on<K extends EventName>(name: K, listener: Listener<K>): () => void {
    return this.#emitter.on(name, listener);
  }

  once<K extends EventName>(name: K, listener: Listener<K>): () => void {
    return this.#emitter.once(name, listener);
  }

  off<K extends EventName>(name: K, listener: Listener<K>): boolean {
    return this.#emitter.off(name, listener);
  }

  /** Events of one name for `for await`, until the engine has stopped. */
  events<K extends EventName>(name: K, options: StreamOptions = {}): EventStream<K> {
    return this.#emitter.stream(name, options);
  }

  /** Every output record where it stands, without objects (OUTPUT has the layout); null: nobody. */
  tap(tap: Tap | null): void {
    if (tap !== null && typeof tap !== 'function') throw new TypeError(`tap: expected a function or null, was ${shown(tap)}`);
    this.#dispatch.tap = tap;
  }

  // ── other threads ──────────────────────────────────────────────────────────────────────────

  /** What an EngineProducer is made from, on this thread or, posted to it, in a worker. Each is for one thread. */
  producer(): ProducerHandle {
    return {
      buffer: this.#shared.buffer, producer: this.#shared.takeProducerNumber(),
      startMs: performance.now() - (this.#clock.nowNs + this.#timeBaseNs) / 1e6,
    };
  }

  /**
   * The thread of a producer has ended: what it had claimed in the queue and not handed in is given up, so that it
   * stops nobody. Returns how many inputs that were. Only when it certainly works no more.
   */
  retire(handle: ProducerHandle): number {
    return this.#kicked(this.#intake.disown(handle.producer));
  }

  // ── configuration ──────────────────────────────────────────────────────────────────────────

  /**
   * Changes limits, breakers, alerts, auto-trading or shutdown while the engine runs: checked whole (a
   * ConfigurationError names every fault, and nothing changes), journaled as an input, applied between two inputs.
   */
  async reconfigure(changes: Reloadable): Promise<RequestResult> {
    if (changes === undefined) throw new RangeError('changes: expected an object, was undefined');
    const { config } = changedSettings(this.#asked, changes, this.#settings);
    if (this.#life !== Life.Running) return requestResult(Reason.State, 0, 0);
    const calledNs = this.#clock.refresh() + this.#timeBaseNs;
    const token = ++this.#tokens;
    const number = this.#processor.keepText(changesText(changes));
    const taken = this.#kicked(this.#producer.configure(number, token));
    if (taken < 0) return requestResult(-taken, 0, 0);
    this.#asked = config;
    return this.#results.control(token, calledNs);
  }

  /** Called when a Configure input takes effect; its text was checked when it was handed in. */
  #readConfiguration(text: string): LiveSettings {
    const { config, live } = changedSettings(this.#given, changesOf(text), this.#settings);
    this.#given = config;
    return live;
  }

  // ── helpers ────────────────────────────────────────────────────────────────────────────────

  #control(control: Control): Promise<RequestResult> {
    if (this.#life !== Life.Running) return Promise.resolve(requestResult(Reason.State, 0, 0));
    const calledNs = this.#clock.refresh() + this.#timeBaseNs;
    const token = ++this.#tokens;
    const answer = this.#results.control(token, calledNs);
    // A control is never turned away because others have filled its lane.
    if (this.#producer.control(control, token) < 0) this.#ownControls.push({ control, token });
    this.#doorbell.kick();
    return answer;
  }

  /** The loop wakes when something was handed in on its own thread. */
  #kicked(taken: number): number {
    if (taken >= 0) this.#doorbell.kick();
    return taken;
  }

  /** The book of a symbol; a new one gets its place now, as an input. BOOK_UNKNOWN: it cannot have one. */
  #bookFor(symbol: string): number {
    const { symbols } = this.#settings;
    const book = symbols.bookOf(symbol);
    if (book >= 0 || this.#life !== Life.Running || symbols.placeFor(symbol) < 0) return book;
    // Naming a free place touches nothing that an input under way could be using.
    this.#processor.declare(symbol);
    this.#emitter.emit('declared', { symbol });
    return symbols.bookOf(symbol);
  }

  #knownBook(symbol: string): number {
    const book = this.#settings.symbols.bookOf(symbol);
    if (book >= 0) return book;
    throw new RangeError(`symbol: expected one of ${this.#settings.symbols.names.join(', ') || 'none yet'}, was ${JSON.stringify(symbol)}`);
  }

  #readReference(order: OrderReference): void {
    const name = typeof order === 'object' && order !== null && 'clientOrderId' in order ? order.clientOrderId : undefined;
    if (name === undefined) idOf(order);
    this.#numbers.name(name);
  }

  #slotOf(order: OrderReference): number {
    this.#readReference(order);
    const n = this.#numbers;
    const { table } = this.#processor;
    return n.named ? table.byName(n.nameLo, n.nameHi) : table.byPublicId(idOf(order));
  }

  #keyOf(order: OrderReference): RequestKey {
    this.#readReference(order);
    const n = this.#numbers;
    return n.named ? `name ${nameOf(n.nameLo, n.nameHi)}` : idOf(order);
  }

  #openOrder(slot: number): OpenOrder {
    const { table, runner } = this.#processor;
    const { symbols } = this.#settings;
    const wireId = table.wireId[slot];
    const book = table.book[slot];
    const named = table.isNamed(slot) ? { clientOrderId: nameOf(table.nameLo[slot], table.nameHi[slot]) } : {};
    return {
      orderId: table.publicId[slot], ...named, symbol: symbols.symbolOf(book), side: table.side[slot] > 0 ? 'buy' : 'sell',
      price: symbols.priceText(book, runner.orders.orderTicks(wireId)), quantity: runner.orders.leaves(wireId),
      executed: table.executed[slot], status: STATUS_TEXT[runner.orders.status(wireId)] ?? 'live',
      strategy: table.publicId[slot] >= STRATEGY_ID_BASE,
    };
  }
}

function idOf(order: OrderReference): number {
  const id = typeof order === 'object' && order !== null && 'orderId' in order ? order.orderId : order;
  if (typeof id === 'number' && Number.isSafeInteger(id) && id > 0) return id;
  throw new RangeError(`order: expected the number of an order, or { clientOrderId }, was ${shown(order)}`);
}

function referenceOf(reference: unknown): number {
  if (Number.isSafeInteger(reference) && (reference as number) >= 0) return reference as number;
  throw new RangeError(`reference: expected a whole number 0 … 2^53 − 1, was ${String(reference)}`);
}
