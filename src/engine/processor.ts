// The heart of the trading engine: a function from inputs, in order and each with its event time, to
// requests, positions and outputs. It knows no clock, no promise, no queue and no listener.
//
//   input ─► journal ─► apply ─┬─► orders: gates (state, breakers) ─► risk ─► order manager ─► venue
//                              ├─► market data ─► venue's books
//                              └─► control, configuration, time
//   venue ─► responses, trades, changed books ─► strategy runner (positions, features, strategies) ─► outputs
//
// One input takes effect wholly, with all that it causes in a venue of this process, before the next. So
// what becomes of inputs does not depend on how they were batched, and a replay of the journal ends in the
// same state (`stateHash`). Positions, risk and orders are those of StrategyRunner, the same for strategies
// and for orders of the program.
//
// Order of gates for a new order: symbol known (1), id free (5), withdrawn by a cancel that overtook it,
// engine takes orders (16; killed 20), breakers (16), then the risk gate's layers.
// Cost: see bench/engine_api.ts. No allocation on the way of orders, market data and responses.
import { assert } from '../base/assert.ts';
import { CmdFlag, OrderType, OWNER_NONE, QTY_NONE, Reason, Tif } from '../book/types.ts';
import { BOOK_ALL, BOOK_UNKNOWN, PRICE_TICKS_NONE } from '../trader/instruments.ts';
import { ORDER_NONE, OrderStatus, type OrderSink, type OrderTerms } from '../trader/order_manager.ts';
import { RunnerState, StrategyRunner } from '../trader/strategy_runner.ts';
import { ResponseType } from '../wire/generated/native.ts';
import { BreakerState, CircuitBreaker } from './circuit_breaker.ts';
import { ConfigurationError } from './checker.ts';
import type { BreakerSettings, EngineSettings, LiveSettings } from './config.ts';
import { RECORD_INPUT, RECORD_INPUT_TEXT, type InputJournal, type JournaledInput } from './input_journal.ts';
import { BOOK_EVERY, Control, Input, INPUT, InputFlag, InputViews, SessionChange, SYMBOL } from './inputs.ts';
import type { InputTarget } from './intake.ts';
import { OrderFlagBits, OrderNames, SLOT_NONE } from './order_names.ts';
import { Output, OutputFlag, type OutputRing } from './outputs.ts';
import { STRATEGY_ID_BASE } from './shared_state.ts';
import { strategyGroup, type StrategyGroup } from './strategy_group.ts';
import type { SymbolTable } from './symbol_table.ts';
import type { Venue, VenueInputs, VenueListener } from './venue.ts';
import { StateHash } from './state_hash.ts';

export const EngineState = { Idle: 0, Running: 1, Paused: 2, Stopping: 3, Stopped: 4 } as const;
export type EngineState = (typeof EngineState)[keyof typeof EngineState];

export const ENGINE_STATE_TEXT = ['idle', 'running', 'paused', 'stopping', 'stopped'] as const;
export type EngineStateText = (typeof ENGINE_STATE_TEXT)[number];

/** Who refused an order, in `op` of a Rejected output. */
export const RefusedBy = { Engine: 0, Risk: 1, Venue: 2 } as const;
export const REFUSED_BY_TEXT = ['engine', 'risk', 'venue'] as const;

/** Bits of a Venue output, in `op`. */
export const VenueState = { Connected: 1, Fresh: 2 } as const;

/** What an Alert output is about, in `op`. */
export const AlertKind = { HighLatency: 1, LargeLoss: 2, LargePosition: 3, StopLoss: 4, StrategyFault: 5 } as const;

/** Of one symbol since the start. */
export interface BookCounts {
  readonly ordersSent: Float64Array;
  readonly fills: Float64Array;
  /** Orders that were filled at least once. */
  readonly ordersFilled: Float64Array;
  readonly updates: Float64Array;
}

export interface ProcessorOptions {
  readonly settings: EngineSettings;
  readonly outputs: OutputRing;
  readonly journal: InputJournal | null;
  readonly makeVenue: (owner: VenueListener & VenueInputs) => Venue;
  /** A Configure input's text, as settings. Throws when they are not. */
  readonly readConfiguration: (text: string) => LiveSettings;
}

/** Outputs that are written only for somebody who listens. */
export const Wanted = { Trade: 1, Book: 2 } as const;

const TEXT_BYTES_MAX = 1 << 20;
const TWO_32 = 0x1_0000_0000;

export class Processor implements InputTarget, VenueListener, VenueInputs, OrderSink {
  readonly symbols: SymbolTable;
  readonly runner: StrategyRunner;
  readonly venue: Venue;
  readonly table: OrderNames;
  readonly group: StrategyGroup | null;
  readonly counts: BookCounts;
  /** Inputs that have taken effect. */
  inputs = 0;
  /** The highest id of an order that a producer gave out. */
  highestId = 0;
  /** Event time of the last one. */
  nowNs = 0;
  state: EngineState = EngineState.Idle;
  autoTrading: boolean;
  live: LiveSettings;
  breakers: CircuitBreaker[];
  /** What strategies have thrown, by member. */
  readonly faults: Map<number, unknown> = new Map();
  /** Which of Wanted somebody listens to. */
  wanted = 0;
  /** Orders refused, by reason. */
  readonly refused = new Float64Array(Reason.StaleMarketData + 1);

  readonly #outputs: OutputRing;
  readonly #journal: InputJournal | null;
  readonly #readConfiguration: (text: string) => LiveSettings;
  readonly #texts: Map<number, string> = new Map();
  #textNumber = 0;
  #pendingSync = false;
  #replaying = false;
  readonly #scratch = new InputViews(new ArrayBuffer(INPUT.size));

  // The order that is being sent, for the sink.
  #sendingId = 0;
  #sendingFlags = 0;
  #sendingNameLo = 0;
  #sendingNameHi = 0;
  #sendingStampNs = 0;
  readonly #terms: OrderTerms = {
    orderType: OrderType.Limit, flags: 0, stp: 0, displayQty: 0, minQty: 0, stopTicks: 0, owner: OWNER_NONE,
  };

  // Books that a listener is to hear about at the end of the turn.
  readonly #isTouched: Uint8Array;
  readonly touched: Uint16Array;
  touchedCount = 0;
  /** Of the input at hand, for who waits for it. */
  #leaving = 0;
  #refusal: Reason = Reason.None;
  #moneyMoved = false;
  #wasHalted = false;
  readonly #alerted: Uint8Array;

  constructor(options: ProcessorOptions) {
    const { settings, outputs } = options;
    this.symbols = settings.symbols;
    this.live = settings.live;
    this.autoTrading = settings.live.autoTrading;
    this.#outputs = outputs;
    this.#journal = options.journal;
    this.#readConfiguration = options.readConfiguration;
    const { instruments } = settings.symbols;
    const books = instruments.count;
    this.table = new OrderNames(settings.ordersMax);
    this.venue = options.makeVenue(this);
    this.group = strategyGroup(settings.strategies, settings.symbols);
    this.venue.tellsEveryChange = this.group !== null;
    this.runner = new StrategyRunner({
      instruments, market: this.venue.market, limits: settings.live.limits, strategy: this.group, sink: this,
      ordersMax: settings.ordersMax, costing: settings.costing, timerNs: settings.timerNs, markWithLast: true,
    });
    if (this.group !== null) this.group.onFault = (member, error) => this.#onStrategyFault(member, error);
    this.breakers = settings.live.breakers.map((rule) => new CircuitBreaker(rule));
    this.#isTouched = new Uint8Array(books);
    this.touched = new Uint16Array(books);
    this.#alerted = new Uint8Array(books);
    const perBook = (): Float64Array => new Float64Array(books);
    this.counts = { ordersSent: perBook(), fills: perBook(), ordersFilled: perBook(), updates: perBook() };
    this.#setStrategiesTrading();
  }

  // ── inputs ─────────────────────────────────────────────────────────────────────────────────

  /**
   * The input at `at` takes effect. `nowNs` never falls. It is handed down as it came: a number that is read from a
   * field and handed on is boxed anew each time.
   */
  apply(views: InputViews, at: number, nowNs: number): void {
    this.#journalInput(views, at, nowNs);
    this.nowNs = nowNs;
    this.#outputs.timeNs[0] = nowNs;
    this.inputs += 1;
    switch (views.u8[at]) {
      case Input.New:
        this.#onNew(views, at, nowNs);
        break;
      case Input.Cancel:
        this.#onCancel(views, at);
        break;
      case Input.Modify:
        this.#onModify(views, at, nowNs);
        break;
      case Input.CancelAll:
        this.#leaving = this.#onCancelAll(views.u16[(at + INPUT.book) >>> 1]);
        break;
      case Input.Quote:
      case Input.MarketAdd:
      case Input.MarketModify:
      case Input.MarketCancel:
      case Input.MarketClear:
        this.#onMarketData(views, at, nowNs);
        break;
      case Input.Trade:
        this.#onMarketTrade(views, at, nowNs);
        break;
      case Input.Response:
        this.#onResponseInput(views, at, nowNs);
        break;
      default:
        this.#onRareInput(views, at);
    }
    const { orders } = this.runner;
    // A venue without a mass cancel takes them one by one, now and not at the next tick.
    if (orders.cancelsWaiting > 0) orders.poll(nowNs);
    this.venue.settle(nowNs);
    this.#afterInput(nowNs);
    // What breakers and the like have asked for.
    while (this.venue.settle(nowNs)) this.#afterInput(nowNs);
    const type = views.u8[at];
    if (type === Input.CancelAll || type === Input.Control || type === Input.Configure) this.#done(views, at);
  }

  /** Tells who asked, if somebody waits: `orderId` is the token of the call then. */
  #done(views: InputViews, at: number): void {
    const token = views.f64[(at + INPUT.orderId) >>> 3];
    const leaving = this.#leaving;
    const refusal = this.#refusal;
    this.#leaving = 0;
    this.#refusal = Reason.None;
    if (token === 0) return;
    this.#outputs.write(Output.Done, 0, refusal, 0, BOOK_EVERY, 0, 0, 0, 0, leaving, 0, 0, token, 0);
  }

  #onRareInput(views: InputViews, at: number): void {
    switch (views.u8[at]) {
      case Input.Control:
        return this.#onControl(views.u8[at + INPUT.orderType] as Control);
      case Input.Session:
        this.venue.applySession(views.u8[at + INPUT.orderType], views.f64[(at + INPUT.orderId) >>> 3]);
        return this.#onSession(views.u8[at + INPUT.orderType] as SessionChange);
      case Input.Configure:
        return this.#onConfigure(views.u32[(at + INPUT.idLo) >>> 2]);
      case Input.Declare:
        return this.#onDeclare(views, at);
      case Input.Execution:
        return this.#onExecution(views, at);
      case Input.Time:
        return this.#onTime();
      case Input.Latency:
        return this.#onLatency(views.f64[(at + INPUT.orderId) >>> 3]);
      default:
        // A type that this version does not know changes nothing; the journal keeps it.
        return;
    }
  }

  /** An input of the engine's own, in its turn. */
  applyOwn(type: number, code = 0, value = 0, nowNs = this.nowNs): void {
    this.#scratch.write(0, type, 0, code, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, value, 0);
    this.apply(this.#scratch, 0, nowNs);
  }

  /** Keeps a configuration's text until its input comes; returns its number. */
  keepText(text: string): number {
    assert(text.length <= TEXT_BYTES_MAX, 'a configuration has a bounded length');
    this.#textNumber += 1;
    this.#texts.set(this.#textNumber, text);
    return this.#textNumber;
  }

  /**
   * A symbol gets the next place: an input that may come at any time, also from inside of another's events, because
   * nobody can have used the place. The caller has asked `symbols.placeFor`.
   */
  declare(symbol: string): void {
    const views = new InputViews(new ArrayBuffer(INPUT.size));
    views.write(0, Input.Declare, 0, 0, 0, 0, 0, this.symbols.count, 0, 0, 0, 0, 0, 0, 0, symbol.length, 0, 0);
    for (let i = 0; i < symbol.length; i++) views.u8[SYMBOL.at + i] = symbol.charCodeAt(i);
    this.#journalInput(views, 0, this.nowNs);
    this.inputs += 1;
    this.#onDeclare(views, 0);
  }

  /** Everything that was journaled is safe when this returns. */
  sync(): void {
    if (!this.#pendingSync) return;
    this.#pendingSync = false;
    this.#journal?.sync();
  }

  /** Inputs of an earlier run, told to nobody. */
  replay(inputs: Iterable<JournaledInput>): number {
    this.#replaying = true;
    this.venue.replaying = true;
    let count = 0;
    for (const { type, bytes, at, length, timeNs } of inputs) {
      if (type !== RECORD_INPUT && type !== RECORD_INPUT_TEXT) continue;
      const copy = new Uint8Array(INPUT.size);
      copy.set(bytes.subarray(at, at + INPUT.size));
      const views = new InputViews(copy.buffer);
      if (type === RECORD_INPUT_TEXT) {
        const text = new TextDecoder().decode(bytes.subarray(at + INPUT.size, at + length));
        views.u32[INPUT.idLo >>> 2] = this.keepText(text);
      }
      this.apply(views, 0, timeNs);
      this.#outputs.read = this.#outputs.written;
      count += 1;
    }
    this.touchedCount = 0;
    this.#isTouched.fill(0);
    this.#replaying = false;
    this.venue.replaying = false;
    return count;
  }

  #journalInput(views: InputViews, at: number, nowNs: number): void {
    const journal = this.#journal;
    if (journal === null || this.#replaying) return;
    this.#pendingSync = true;
    if (views.u8[at] !== Input.Configure) {
      journal.append(RECORD_INPUT, views.u8, at, INPUT.size, nowNs);
      return;
    }
    const text = new TextEncoder().encode(this.#texts.get(views.u32[(at + INPUT.idLo) >>> 2]));
    const record = new Uint8Array(INPUT.size + text.length);
    record.set(views.u8.subarray(at, at + INPUT.size));
    record.set(text, INPUT.size);
    journal.append(RECORD_INPUT_TEXT, record, 0, record.length, nowNs);
  }

  // ── orders ─────────────────────────────────────────────────────────────────────────────────

  knows(views: InputViews, at: number): boolean {
    return this.#slotOf(views, at) !== SLOT_NONE;
  }

  refuseCancel(views: InputViews, at: number, nowNs: number): void {
    this.#outputs.timeNs[0] = nowNs;
    this.#answerInput(Output.CancelRejected, views, at, Reason.Capacity);
  }

  #slotOf(views: InputViews, at: number): number {
    if ((views.u8[at + INPUT.flags] & InputFlag.Named) === 0) {
      return this.table.byPublicId(views.f64[(at + INPUT.orderId) >>> 3]);
    }
    return this.table.byName(views.u32[(at + INPUT.idLo) >>> 2], views.u32[(at + INPUT.idHi) >>> 2]);
  }

  #onNew(views: InputViews, at: number, nowNs: number): void {
    const word = at >>> 2;
    const book = views.u16[(at + INPUT.book) >>> 1];
    const flags = views.u8[at + INPUT.flags];
    const qty = views.u32[word + (INPUT.qty >>> 2)];
    const side = views.i8[at + INPUT.side];
    const price = views.i32[word + (INPUT.price >>> 2)];
    const orderType = views.u8[at + INPUT.orderType];
    const tif = views.u8[at + INPUT.tif];
    const publicId = views.f64[(at + INPUT.orderId) >>> 3];
    const named = (flags & InputFlag.Named) !== 0;
    this.#sendingId = publicId;
    if (publicId > this.highestId) this.highestId = publicId;
    this.#sendingFlags = named ? OrderFlagBits.Named : 0;
    if (tif === Tif.Gtc || tif === Tif.Day) this.#sendingFlags |= OrderFlagBits.MayRest;
    if (orderType === OrderType.Market) this.#sendingFlags &= ~OrderFlagBits.MayRest;
    if (orderType === OrderType.Limit || orderType === OrderType.StopLimit) this.#sendingFlags |= OrderFlagBits.Priced;
    this.#sendingNameLo = named ? views.u32[word + (INPUT.idLo >>> 2)] : 0;
    this.#sendingNameHi = named ? views.u32[word + (INPUT.idHi >>> 2)] : 0;
    this.#sendingStampNs = views.f64[(at + INPUT.stampNs) >>> 3];
    if ((flags & InputFlag.Withdrawn) !== 0) {
      this.#tell(Output.Canceled, book, side, Reason.None, 0, price, qty, 0, 0);
      this.#sendingId = 0;
      return;
    }
    const refusal = this.#gate(book, side, qty, named, publicId, nowNs);
    if (refusal !== Reason.None) {
      this.#refuse(refusal, RefusedBy.Engine, book, side, price, qty);
    } else {
      const terms = this.#readTerms(views, at, word, orderType, flags);
      const sent = this.runner.orders.send(book, side, price, qty, tif, nowNs, terms);
      if (sent < 0) this.#refuse(-sent as Reason, RefusedBy.Risk, book, side, price, qty);
    }
    this.#sendingId = 0;
  }

  /** What the risk gate cannot know. */
  #gate(book: number, side: number, qty: number, named: boolean, publicId: number, nowNs: number): Reason {
    if (book >= this.symbols.count) return Reason.UnknownTicker;
    if (this.table.byPublicId(publicId) !== SLOT_NONE) return Reason.DuplicateId;
    if (named && this.table.byName(this.#sendingNameLo, this.#sendingNameHi) !== SLOT_NONE) return Reason.DuplicateId;
    if (this.runner.risk.killed) return Reason.Killed;
    if (this.state !== EngineState.Running) return Reason.State;
    if (this.table.full) return Reason.Capacity;
    return this.#breakersAllow(book, side, qty, nowNs) ? Reason.None : Reason.State;
  }

  /** What the order at `at` is beside a limit order; null: nothing. */
  #readTerms(views: InputViews, at: number, word: number, orderType: number, flags: number): OrderTerms | null {
    const postOnly = flags & CmdFlag.PostOnly;
    const stp = views.u8[at + INPUT.stp];
    const displayQty = views.u32[word + (INPUT.qty2 >>> 2)];
    const minQty = views.u32[word + (INPUT.qty3 >>> 2)];
    if (orderType === OrderType.Limit && (postOnly | stp | displayQty | minQty) === 0) return null;
    const terms = this.#terms;
    terms.orderType = orderType;
    terms.flags = postOnly;
    terms.stp = stp;
    terms.displayQty = displayQty;
    terms.minQty = minQty;
    terms.stopTicks = views.i32[word + (INPUT.price2 >>> 2)];
    return terms;
  }

  /** An open breaker lets through what can only reduce. */
  #breakersAllow(book: number, side: number, qty: number, nowNs: number): boolean {
    let allowed = true;
    for (let i = 0; i < this.breakers.length; i++) if (!this.breakers[i].allows(nowNs)) allowed = false;
    if (allowed) return true;
    const { risk } = this.runner;
    return (side > 0 ? risk.worstLong(book) : risk.worstShort(book)) + qty <= 0;
  }

  #refuse(reason: Reason, by: number, book: number, side: number, price: number, qty: number): void {
    this.refused[reason] += 1;
    this.#tell(Output.Rejected, book, side, reason, by, price, qty, 0, 0);
    if (by === RefusedBy.Risk && reason !== Reason.Killed) {
      for (let i = 0; i < this.breakers.length; i++) this.breakers[i].onAnswer(true, false, this.nowNs);
    }
  }

  /** About the order that is being sent. */
  #tell(
    type: number, book: number, side: number, reason: number, op: number, price: number, qty: number, leaves: number,
    executed: number,
  ): void {
    this.#outputs.write(
      type, side, reason, op, book, outputFlags(this.#sendingFlags),
      this.#sendingNameLo, this.#sendingNameHi, price, qty, leaves, executed, this.#sendingId, this.#sendingStampNs,
    );
  }

  #onCancel(views: InputViews, at: number): void {
    const slot = this.#slotOf(views, at);
    if (slot === SLOT_NONE) return this.#answerInput(Output.CancelRejected, views, at, Reason.UnknownOrder);
    if (!this.runner.orders.cancel(this.table.wireId[slot])) {
      this.#answerInput(Output.CancelRejected, views, at, Reason.TooLate);
    }
  }

  #answerInput(type: number, views: InputViews, at: number, reason: Reason): void {
    const word = at >>> 2;
    const named = (views.u8[at + INPUT.flags] & InputFlag.Named) !== 0;
    this.#outputs.write(
      type, 0, reason, RefusedBy.Engine, BOOK_EVERY, named ? OutputFlag.Named : 0, views.u32[word + (INPUT.idLo >>> 2)],
      views.u32[word + (INPUT.idHi >>> 2)], 0, 0, 0, 0, views.f64[(at + INPUT.orderId) >>> 3], 0,
    );
  }

  #onModify(views: InputViews, at: number, nowNs: number): void {
    const slot = this.#slotOf(views, at);
    if (slot === SLOT_NONE) return this.#answerInput(Output.ModifyRejected, views, at, Reason.UnknownOrder);
    const reason = this.runner.risk.killed ? Reason.Killed
      : this.state !== EngineState.Running ? Reason.State
      : this.runner.orders.modify(
        this.table.wireId[slot], views.i32[(at + INPUT.price) >>> 2], views.u32[(at + INPUT.qty) >>> 2], nowNs,
      );
    if (reason !== Reason.None) this.#answerInput(Output.ModifyRejected, views, at, reason);
  }

  /** Orders that leave because of it. */
  #onCancelAll(book: number): number {
    if (book !== BOOK_EVERY && book >= this.symbols.count) return 0;
    return this.runner.orders.cancelAll(book === BOOK_EVERY ? BOOK_ALL : book);
  }

  // ── the sink: what passes from the order manager to the venue ────────────────────────────────

  newOrder(
    book: number, orderId: number, side: number, priceTicks: number, qty: number, tif: number, flags: number,
    terms: OrderTerms | null = null,
  ): boolean {
    const strategy = this.#sendingId === 0;
    if (this.table.full || (strategy && !this.#breakersAllow(book, side, qty, this.nowNs))) return false;
    if (!this.venue.newOrder(book, orderId, side, priceTicks, qty, tif, flags, terms)) return false;
    let bits = strategy ? OrderFlagBits.Strategy | OrderFlagBits.Priced : this.#sendingFlags;
    if (strategy && tif === Tif.Gtc) bits |= OrderFlagBits.MayRest;
    for (let i = 0; i < this.breakers.length; i++) if (this.breakers[i].onSent(this.nowNs)) bits |= OrderFlagBits.Probe;
    this.table.add(
      strategy ? STRATEGY_ID_BASE + orderId : this.#sendingId, orderId, book, side, bits, this.#sendingNameLo,
      this.#sendingNameHi, strategy ? 0 : this.#sendingStampNs,
    );
    this.counts.ordersSent[book] += 1;
    return true;
  }

  cancel(book: number, orderId: number): boolean {
    return this.venue.cancel(book, orderId);
  }

  modify(book: number, orderId: number, side: number, priceTicks: number, chainQty: number): boolean {
    return this.venue.modify(book, orderId, side, priceTicks, chainQty);
  }

  massCancel(book: number): boolean {
    return this.venue.massCancel(book);
  }

  // ── what the venue tells ───────────────────────────────────────────────────────────────────

  onResponse(
    type: number, book: number, wireId: number, side: number, priceTicks: number, execQty: number, leavesQty: number,
    nowNs: number,
  ): void {
    const { orders } = this.runner;
    const refused = type === ResponseType.Rejected;
    const modifying = refused && orders.status(wireId) === OrderStatus.PendingModify;
    // The response repeats neither; the order is known until it takes it in.
    const askedTicks = refused ? orders.orderTicks(wireId) : 0;
    const askedQty = refused ? orders.leaves(wireId) : 0;
    this.runner.onResponse(type, book, wireId, side, priceTicks, execQty, leavesQty, nowNs);
    // Of an instrument that is not ours there is nothing to tell.
    if (book === BOOK_UNKNOWN) return;
    const slot = this.#slotOfWire(wireId, book, side);
    switch (type) {
      case ResponseType.Accepted:
        this.#write(Output.Accepted, slot, wireId, book, side, Reason.None, priceTicks, leavesQty, leavesQty);
        this.#answered(slot, false, nowNs);
        break;
      case ResponseType.Filled:
        this.#moneyMoved = true;
        this.counts.fills[book] += 1;
        if (slot !== SLOT_NONE) this.#executed(slot, book, execQty);
        this.#write(Output.Fill, slot, wireId, book, side, Reason.None, priceTicks, execQty, leavesQty);
        break;
      case ResponseType.Canceled:
        this.#write(Output.Canceled, slot, wireId, book, side, Reason.None, priceTicks, leavesQty, 0);
        break;
      case ResponseType.Expired:
        this.#write(Output.Canceled, slot, wireId, book, side, execQty as Reason, priceTicks, leavesQty, 0);
        break;
      case ResponseType.Modified:
        this.#write(Output.Modified, slot, wireId, book, side, execQty as Reason, priceTicks, leavesQty, leavesQty);
        break;
      case ResponseType.CancelRejected:
        this.#write(Output.CancelRejected, slot, wireId, book, side, execQty as Reason, 0, 0, 0);
        break;
      case ResponseType.Rejected:
        this.refused[execQty] += 1;
        this.#write(
          modifying ? Output.ModifyRejected : Output.Rejected, slot, wireId, book, side, execQty as Reason, askedTicks,
          askedQty, 0,
        );
        if (!modifying) this.#answered(slot, true, nowNs);
        break;
      default:
        return;
    }
    // An acceptance or a modify ends nothing.
    if (type === ResponseType.Accepted || (type === ResponseType.Filled && leavesQty > 0) || slot === SLOT_NONE) return;
    if (orders.status(wireId) === OrderStatus.Done) this.table.remove(slot);
  }

  #executed(slot: number, book: number, qty: number): void {
    const { executed } = this.table;
    if (executed[slot] === 0) this.counts.ordersFilled[book] += 1;
    executed[slot] += qty;
  }

  /** An order that the order manager has adopted, from before this process, gets its place here too. */
  #slotOfWire(wireId: number, book: number, side: number): number {
    const slot = this.table.byWireId(wireId);
    const { orders } = this.runner;
    if (slot !== SLOT_NONE || orders.orderSide(wireId) === 0) return slot;
    const bits = OrderFlagBits.Strategy | OrderFlagBits.Priced | OrderFlagBits.MayRest;
    return this.table.add(STRATEGY_ID_BASE + wireId, wireId, book, side, bits, 0, 0, 0);
  }

  /** A native response of a venue at a wire, as an input; the books of this process answer without. */
  #onResponseInput(views: InputViews, at: number, nowNs: number): void {
    if (this.venue.kind === 'embedded') return;
    const word = at >>> 2;
    const book = views.u16[(at + INPUT.book) >>> 1];
    this.onResponse(
      views.u8[at + INPUT.orderType], book < this.symbols.count ? book : BOOK_UNKNOWN, views.f64[(at + INPUT.orderId) >>> 3],
      views.i8[at + INPUT.side], views.i32[word + (INPUT.price >>> 2)], views.u32[word + (INPUT.qty >>> 2)],
      views.u32[word + (INPUT.qty2 >>> 2)], nowNs,
    );
  }

  /** A fill that no order of ours has: the order manager moves the position for it. */
  #onExecution(views: InputViews, at: number): void {
    const word = at >>> 2;
    const book = views.u16[(at + INPUT.book) >>> 1];
    const side = views.i8[at + INPUT.side];
    const qty = views.u32[word + (INPUT.qty >>> 2)];
    if (book >= this.symbols.count || side * side !== 1 || qty === 0 || qty === QTY_NONE) return;
    const price = views.i32[word + (INPUT.price >>> 2)];
    this.onResponse(ResponseType.Filled, book, ORDER_NONE, side, price, qty, 0, this.nowNs);
  }

  onTrade(book: number, side: number, priceTicks: number, qty: number, nowNs: number): void {
    this.runner.onTrade(book, side, priceTicks, qty, nowNs);
    this.#moneyMoved = true;
    if ((this.wanted & Wanted.Trade) === 0) return;
    this.#outputs.write(Output.Trade, side, 0, 0, book, 0, 0, 0, priceTicks, qty, 0, 0, 0, 0);
  }

  onUpdate(book: number, nowNs: number): void {
    this.runner.onUpdate(book, nowNs);
    this.counts.updates[book] += 1;
    this.#moneyMoved = true;
    if ((this.wanted & Wanted.Book) !== 0) this.#touch(book);
  }

  onClear(book: number, nowNs: number): void {
    this.runner.onClear(book, nowNs);
    if ((this.wanted & Wanted.Book) !== 0) this.#touch(book);
  }

  /** What a venue at a wire has heard is an input like any other. */
  onVenueInput(
    type: number, side: number, code: number, book: number, idLo: number, idHi: number, priceTicks: number, qty: number,
    qty2: number, orderId: number, nowNs: number,
  ): void {
    this.#scratch.write(0, type, side, code, 0, 0, 0, book & BOOK_EVERY, idLo, idHi, priceTicks, qty, qty2, 0, 0, 0, orderId, 0);
    this.apply(this.#scratch, 0, nowNs);
  }

  #onSession(change: SessionChange): void {
    const { runner } = this;
    if (change === SessionChange.Down) runner.onDisconnected(this.nowNs);
    else if (change === SessionChange.Up || change === SessionChange.UpComplete) {
      runner.onConnected(change === SessionChange.UpComplete, this.nowNs);
    } else runner.onFresh(change === SessionChange.Fresh, this.nowNs);
    const state = (runner.connected ? VenueState.Connected : 0) | (runner.fresh ? VenueState.Fresh : 0);
    this.#outputs.write(Output.Venue, 0, 0, state, BOOK_EVERY, 0, 0, 0, 0, 0, 0, 0, 0, 0);
  }

  /** Books told as touched are told; new ones may be gathered. */
  clearTouched(): void {
    for (let i = 0; i < this.touchedCount; i++) this.#isTouched[this.touched[i]] = 0;
    this.touchedCount = 0;
  }

  #touch(book: number): void {
    if (this.#isTouched[book] !== 0) return;
    this.#isTouched[book] = 1;
    this.touched[this.touchedCount++] = book;
  }

  /** About an order that the table has in `slot`, or had. */
  #write(
    type: number, slot: number, wireId: number, book: number, side: number, reason: Reason, price: number, qty: number,
    leaves: number,
  ): void {
    const { table } = this;
    const known = slot !== SLOT_NONE;
    const bits = known ? table.flags[slot] : 0;
    this.#outputs.write(
      type, side !== 0 || !known ? side : table.side[slot], reason, RefusedBy.Venue, book, outputFlags(bits), known ? table.nameLo[slot] : 0,
      known ? table.nameHi[slot] : 0, price, qty, leaves, known ? table.executed[slot] : 0,
      known ? table.publicId[slot] : wireId === ORDER_NONE ? ORDER_NONE : STRATEGY_ID_BASE + wireId, known ? table.stampNs[slot] : 0,
    );
  }

  #answered(slot: number, refused: boolean, nowNs: number): void {
    if (this.breakers.length === 0) return;
    const probe = slot !== SLOT_NONE && (this.table.flags[slot] & OrderFlagBits.Probe) !== 0;
    for (let i = 0; i < this.breakers.length; i++) this.breakers[i].onAnswer(refused, probe, nowNs);
  }

  // ── the market ─────────────────────────────────────────────────────────────────────────────

  #onMarketData(views: InputViews, at: number, nowNs: number): void {
    if (views.u16[(at + INPUT.book) >>> 1] >= this.symbols.count) return;
    this.venue.applyMarket(views, at, nowNs);
  }

  #onMarketTrade(views: InputViews, at: number, nowNs: number): void {
    const book = views.u16[(at + INPUT.book) >>> 1];
    const side = views.i8[at + INPUT.side];
    const price = views.i32[(at + INPUT.price) >>> 2];
    const qty = views.u32[(at + INPUT.qty) >>> 2];
    if (book >= this.symbols.count || side * side !== 1 || qty === 0) return;
    this.venue.applyMarket(views, at, nowNs);
    this.onTrade(book, side, price, qty, nowNs);
  }

  // ── control ────────────────────────────────────────────────────────────────────────────────

  #onControl(control: Control): void {
    const { runner } = this;
    switch (control) {
      case Control.Start:
        return this.#start();
      case Control.Pause:
        if (this.state === EngineState.Running) this.#enter(EngineState.Paused);
        return;
      case Control.Resume:
        if (this.state === EngineState.Paused) this.#enter(EngineState.Running);
        return;
      case Control.Kill:
        runner.kill(this.nowNs);
        return this.#enter(this.state);
      case Control.Reset:
        return this.#reset();
      case Control.AutoTradingOn:
      case Control.AutoTradingOff:
        this.autoTrading = control === Control.AutoTradingOn;
        return this.#setStrategiesTrading();
      case Control.StopCancel:
      case Control.StopKeep:
        this.#enter(EngineState.Stopping);
        this.group?.onStop(runner);
        if (control === Control.StopCancel) runner.orders.cancelAll(BOOK_ALL);
        return;
      case Control.Flatten:
        return this.#flatten();
      case Control.StopEnd:
        return this.#enter(EngineState.Stopped);
      default:
        return;
    }
  }

  /** At the start. After a replay: a run that was under way goes on as it was, paused or killed included. */
  #start(): void {
    const { runner } = this;
    if (this.state === EngineState.Running || this.state === EngineState.Paused) return this.#enter(this.state);
    if (this.venue.kind === 'embedded') {
      runner.onConnected(true, this.nowNs);
      runner.onFresh(true, this.nowNs);
    }
    if (runner.state === RunnerState.Idle) runner.start(this.nowNs);
    else this.group?.onStart(runner);
    this.#enter(EngineState.Running);
  }

  /** One attempt to trade every position away: as much as the touch's price and one order take. */
  #flatten(): void {
    const { positions, risk, orders } = this.runner;
    for (let book = 0; book < this.symbols.count; book++) {
      const position = positions.position(book);
      if (position === 0) continue;
      const side = position > 0 ? -1 : 1;
      const touch = risk.touchTicks(book, side);
      if (touch === PRICE_TICKS_NONE) continue;
      orders.send(book, side, touch, Math.min(Math.abs(position), risk.maxOrderQty(book)), Tif.Ioc, this.nowNs);
    }
  }

  #enter(state: EngineState): void {
    this.state = state;
    this.#setStrategiesTrading();
    this.#outputs.write(Output.State, 0, 0, state, BOOK_EVERY, 0, 0, 0, 0, 0, 0, 0, 0, 0);
  }

  /** Lifts kill and stop loss; closes the breakers. */
  #reset(): void {
    const { runner } = this;
    runner.risk.reset();
    runner.resume(this.nowNs);
    this.#wasHalted = runner.risk.stopLossHit;
    for (const [i, breaker] of this.breakers.entries()) {
      if (breaker.state === BreakerState.Closed) continue;
      breaker.reset(this.nowNs);
      this.#tellBreaker(i, breaker);
    }
    this.#enter(this.state);
  }

  /** Strategies decide while the engine runs, auto-trading is on, and no breaker is open. */
  #setStrategiesTrading(): void {
    const { group } = this;
    if (group === null) return;
    const open = this.breakers.some((breaker) => breaker.state === BreakerState.Open);
    const trading = this.autoTrading && this.state === EngineState.Running && !open;
    if (trading === group.trading) return;
    group.trading = trading;
    if (trading) this.#consult();
    else if (this.state !== EngineState.Stopping) this.#withdrawStrategies();
  }

  /** Strategies look at their symbols anew. */
  #consult(): void {
    if (this.runner.state !== RunnerState.Running) return;
    for (let book = 0; book < this.symbols.count; book++) {
      if (this.group!.ownerOf(book) >= 0) this.runner.onUpdate(book, this.nowNs);
    }
  }

  #withdrawStrategies(): void {
    this.table.forEach((slot) => {
      if ((this.table.flags[slot] & OrderFlagBits.Strategy) !== 0) this.runner.orders.cancel(this.table.wireId[slot]);
    });
  }

  #onStrategyFault(member: number, error: unknown): void {
    if (!this.faults.has(member)) this.faults.set(member, error);
    this.#outputs.write(
      Output.Alert, 0, 0, AlertKind.StrategyFault, BOOK_EVERY, 0, 0, 0, 0, 0, 0, 0, 0, member,
    );
    this.table.forEach((slot) => {
      const strategy = (this.table.flags[slot] & OrderFlagBits.Strategy) !== 0;
      if (strategy && this.group!.ownerOf(this.table.book[slot]) === member) {
        this.runner.orders.cancel(this.table.wireId[slot]);
      }
    });
  }

  #onConfigure(number: number): void {
    const text = this.#texts.get(number);
    assert(text !== undefined, 'a configuration comes with its text');
    this.#texts.delete(number);
    try {
      const live = this.#readConfiguration(text);
      this.runner.setLimits(live.limits, this.nowNs);
      this.#replaceBreakers(live.breakers);
      if (live.autoTrading !== this.live.autoTrading) this.autoTrading = live.autoTrading;
      this.live = live;
    } catch (error) {
      // Each was checked when it was handed in; two that were good by themselves can be bad together.
      if (!(error instanceof ConfigurationError) && !(error instanceof RangeError)) throw error;
      this.#refusal = Reason.Malformed;
      return;
    }
    this.#setStrategiesTrading();
    this.#outputs.write(Output.Configured, 0, 0, 0, BOOK_EVERY, 0, 0, 0, 0, 0, 0, 0, 0, 0);
  }

  /** A breaker whose rule is unchanged keeps its state; others begin closed. */
  #replaceBreakers(rules: readonly BreakerSettings[]): void {
    const before = this.breakers;
    this.breakers = rules.map((rule, i) =>
      i < before.length && JSON.stringify(before[i].rule) === JSON.stringify(rule) ? before[i] : new CircuitBreaker(rule));
  }

  #onDeclare(views: InputViews, at: number): void {
    const length = views.u32[(at + SYMBOL.length) >>> 2];
    let symbol = '';
    for (let i = 0; i < length && i < SYMBOL.bytesMax; i++) symbol += String.fromCharCode(views.u8[at + SYMBOL.at + i]);
    if (this.symbols.bookOf(symbol) >= 0 || this.symbols.placeFor(symbol) < 0) return;
    this.symbols.name(symbol);
  }

  #onTime(): void {
    this.runner.poll(this.nowNs);
    for (let i = 0; i < this.breakers.length; i++) this.breakers[i].onTime(this.nowNs);
  }

  #onLatency(latencyNs: number): void {
    for (const breaker of this.breakers) breaker.onLatency(latencyNs, this.nowNs);
    if (latencyNs <= this.live.alerts.highLatencyNs) return;
    this.#outputs.write(
      Output.Alert, 0, 0, AlertKind.HighLatency, BOOK_EVERY, 0, 0, 0, 0, 0, 0, 0, 0, latencyNs,
    );
  }

  // ── after each input ───────────────────────────────────────────────────────────────────────

  #afterInput(nowNs: number): void {
    const { risk } = this.runner;
    if (this.#moneyMoved) {
      this.#moneyMoved = false;
      this.#watchMoney(nowNs);
    }
    if (risk.stopLossHit !== this.#wasHalted) {
      this.#wasHalted = risk.stopLossHit;
      if (this.#wasHalted) this.#onStopLoss();
    }
    if (this.breakers.length > 0) this.#watchBreakers();
  }

  /** At the stop loss the risk gate has cancelled everything; strategies stay off until somebody turns them on. */
  #onStopLoss(): void {
    this.autoTrading = false;
    this.#setStrategiesTrading();
    this.#outputs.write(
      Output.Alert, 0, 0, AlertKind.StopLoss, BOOK_EVERY, 0, 0, 0, 0, 0, 0, 0, 0,
      this.runner.positions.totalPnl2(),
    );
  }

  readonly #breakerStates: number[] = [];

  #watchBreakers(): void {
    for (let i = 0; i < this.breakers.length; i++) {
      const breaker = this.breakers[i];
      if (breaker.state === (this.#breakerStates[i] ?? BreakerState.Closed)) continue;
      this.#breakerStates[i] = breaker.state;
      this.#tellBreaker(i, breaker);
      if (breaker.state === BreakerState.Open && this.live.breakers[i].cancels) this.runner.orders.cancelAll(BOOK_ALL);
      this.#setStrategiesTrading();
    }
  }

  #tellBreaker(i: number, breaker: CircuitBreaker): void {
    this.#breakerStates[i] = breaker.state;
    this.#outputs.write(
      Output.Breaker, 0, 0, breaker.state, i, 0, 0, 0, 0, 0, 0, 0, breaker.openings, breaker.openedBy,
    );
  }

  /** Profit for the loss breakers; losses and positions for the alerts, once each until they are below again. */
  #watchMoney(nowNs: number): void {
    const { positions } = this.runner;
    if (this.breakers.length > 0 && positions.totalsKnown) {
      const profit2 = positions.totalPnl2();
      for (let i = 0; i < this.breakers.length; i++) this.breakers[i].onProfit(profit2, nowNs);
    }
    const { largeLoss, largePosition } = this.live.alerts;
    if (largeLoss === Number.MAX_SAFE_INTEGER && largePosition === Number.MAX_SAFE_INTEGER) return;
    const { moneyPerTick } = this.symbols.instruments;
    for (let book = 0; book < this.symbols.count; book++) {
      const loss = (-positions.pnl2(book) * moneyPerTick[book]) / 2;
      const lost = positions.known(book) && loss >= largeLoss;
      const large = Math.abs(positions.position(book)) >= largePosition;
      const now = (lost ? 1 : 0) | (large ? 2 : 0);
      const fresh = now & ~this.#alerted[book];
      this.#alerted[book] = now;
      if ((fresh & 1) !== 0) this.#alert(AlertKind.LargeLoss, book, positions.pnl2(book));
      if ((fresh & 2) !== 0) this.#alert(AlertKind.LargePosition, book, positions.position(book));
    }
  }

  #alert(kind: number, book: number, value: number): void {
    this.#outputs.write(Output.Alert, 0, 0, kind, book, 0, 0, 0, 0, 0, 0, 0, 0, value);
  }

  // ── questions ──────────────────────────────────────────────────────────────────────────────

  /** Time matters to somebody: strategies' timers, an open breaker, an order session, a stop under way. */
  get wantsTime(): boolean {
    if (this.group !== null || this.venue.kind === 'exchange' || this.state === EngineState.Stopping) return true;
    for (let i = 0; i < this.breakers.length; i++) if (this.breakers[i].state !== BreakerState.Closed) return true;
    return false;
  }

  /** Latency samples are of use as inputs. */
  get watchesLatency(): boolean {
    if (this.live.alerts.highLatencyNs !== Infinity) return true;
    for (const breaker of this.breakers) if (breaker.rule.measure === 'latency') return true;
    return false;
  }

  /** Everything that decides the future, but what strategies keep to themselves; equal after a replay. */
  stateHash(): bigint {
    const hash = new StateHash();
    hash.big(this.venue.stateHash());
    const { positions, risk } = this.runner;
    for (let book = 0; book < this.symbols.count; book++) {
      hash.text(this.symbols.symbolOf(book));
      for (const value of [
        positions.position(book), positions.cash(book), positions.realised2(book), positions.volume(book),
        positions.mark2(book), risk.worstLong(book), risk.worstShort(book), risk.openOrders(book),
      ]) hash.number(value);
    }
    const { table } = this;
    const slots: number[] = [];
    table.forEach((slot) => slots.push(slot));
    for (const slot of slots.toSorted((a, b) => table.wireId[a] - table.wireId[b])) {
      for (const value of [
        table.publicId[slot], table.wireId[slot], table.book[slot], table.flags[slot], table.nameHi[slot] * TWO_32 + table.nameLo[slot],
        this.runner.orders.status(table.wireId[slot]), this.runner.orders.leaves(table.wireId[slot]),
      ]) hash.number(value);
    }
    hash.text(this.runner.traceHash);
    for (const value of [
      this.state, this.autoTrading ? 1 : 0, risk.killed ? 1 : 0, risk.stopLossHit ? 1 : 0, this.runner.orders.nextOrderId,
    ]) hash.number(value);
    for (const breaker of this.breakers) breaker.forEachNumber((value) => hash.number(value));
    return hash.value;
  }

  checkInvariants(): void {
    this.table.checkInvariants();
    this.venue.checkInvariants();
    this.runner.orders.checkInvariants();
    this.runner.risk.checkInvariants();
    this.runner.positions.checkInvariants();
    for (const breaker of this.breakers) breaker.checkInvariants();
    if (this.venue.kind === 'embedded') this.#checkTouch();
    assert(this.runner.orders.liveOrders === this.table.live, 'table and order manager have the same orders');
  }

  /** The books of this process are told only where their best prices may have changed. */
  #checkTouch(): void {
    const { market } = this.venue;
    const { risk } = this.runner;
    for (let book = 0; book < this.symbols.count; book++) {
      market.readTop(book);
      assert(risk.touchTicks(book, 1) === market.askTicks, 'risk knows the best ask');
      assert(risk.touchTicks(book, -1) === market.bidTicks, 'risk knows the best bid');
    }
  }
}

/** What the table knows of an order, as an output says it. */
function outputFlags(bits: number): number {
  return ((bits & OrderFlagBits.Named) !== 0 ? OutputFlag.Named : 0)
    | ((bits & OrderFlagBits.Strategy) !== 0 ? OutputFlag.Strategy : 0)
    | ((bits & OrderFlagBits.MayRest) !== 0 ? OutputFlag.MayRest : 0)
    | ((bits & OrderFlagBits.Priced) !== 0 ? OutputFlag.Priced : 0);
}
