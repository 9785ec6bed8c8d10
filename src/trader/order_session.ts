// The order session of a trader: keeps it up, knows when it has caught up, and is the sink that the
// order manager sends to.
//
//   Down ──connect──► Connecting ──► LoggingIn ──► CatchingUp ──the echo came──► Ready
//     ▲                                                                            │
//     └──────────── the connection broke, the exchange refused: wait, again ◄──────┘
//
// Caught up: what the exchange has to say about the time before is told in order, but nothing says
// where it ends. So the session asks for the cancel of an order that does not exist, and the refusal
// of that is the echo: every response to what was before stands before it. Until then no order is
// taken, so no decision rests on a position from before a fill. Each log-in asks with an id of its
// own: what is told again has the echoes of earlier ones in it.
//
// `soup` resumes where it broke off (`complete`: nothing was missed). `bare` and `sequenced` have no
// such thing: what happened while the connection was down is never told, and the order manager asks
// after each order that was open.
//
// Order: responses in the order of the exchange, each journaled before it is acted upon. Cost: no
// allocation but for connections and the texts of their ends. Limits: the pause between two attempts
// doubles from PAUSE_MIN_NS to PAUSE_MAX_NS; a log-in that is refused is tried again for
// `refusedMaxNs`, for the exchange may not have noticed the end of our last connection yet.
import { POLL_AGAIN_NS } from '../base/agent.ts';
import { assert } from '../base/assert.ts';
import { BOXED } from '../base/boxed.ts';
import { Reason, Tif } from '../book/types.ts';
import {
  CLIENT_NONE, ClientResponse, OrderType, PRICE_NONE_HI, PRICE_NONE_LO, ResponseType,
  SelfTradePrevention, Side, TICKER_NONE,
} from '../wire/generated/native.ts';
import { Framing } from '../wire/framing/frame.ts';
import { SoupRejectCode } from '../wire/generated/soup.ts';
import { BOOK_ALL, BOOK_UNKNOWN, PRICE_TICKS_NONE } from './instruments.ts';
import { OrderEntry } from './order_entry.ts';
import { ORDER_NONE } from './order_manager.ts';
import type { Clock } from '../base/clock.ts';
import type { StreamConnection } from '../net/transport.ts';
import type { TraderInstruments } from './instruments.ts';
import type { OrderEntryHandler, OrderEntryOptions } from './order_entry.ts';
import type { OrderSink, OrderTerms } from './order_manager.ts';
import type { RoundTrip } from './round_trip.ts';

export const SessionState = {
  Down: 0, Connecting: 1, LoggingIn: 2, CatchingUp: 3, Ready: 4, Ended: 5,
} as const;
export type SessionState = (typeof SessionState)[keyof typeof SessionState];

export const SESSION_STATE_TEXT: Readonly<Record<SessionState, string>> = {
  0: 'no session', 1: 'connecting', 2: 'logging in', 3: 'catching up', 4: 'ready', 5: 'ended',
};

/** Where responses and order ids are kept (client_journal.ts). */
export interface SessionJournal {
  /** A response stands at `at`, valid during the call; `sequence` is its place in the session. */
  onResponse(view: DataView, at: number, sequence: number, nowNs: number): void;
  /**
   * A log-in was accepted: the session's name and the next response due. True: it is another session
   * than that of what was kept, taken up from its first response on.
   */
  onSession(session: string, nextSequence: number, nowNs: number): boolean;
  /** Order ids up to here may be used. */
  readonly orderIdEnd: number;
  /** Makes more of them usable: at least up to and including `orderId`. */
  reserve(orderId: number, nowNs: number): void;
}

/** Calls come from inside `poll`. */
export interface OrderSessionHandler {
  onResponse(
    type: number, book: number, orderId: number, side: number, priceTicks: number,
    execQty: number, leavesQty: number,
  ): void;
  /** Orders are taken; `complete`: no response was missed since the last time. */
  onReady(complete: boolean): void;
  /**
   * The journal says that the exchange has begun anew: no order from before exists. Responses of the
   * new session follow.
   */
  onNewSession?(): void;
  /** Orders are not taken any more. */
  onDown(reason: string): void;
}

export interface OrderSessionOptions {
  readonly entry: OrderEntryOptions;
  readonly clock: Clock;
  readonly instruments: TraderInstruments;
  /** A fresh connection to the exchange. */
  readonly connect: () => Promise<StreamConnection>;
  readonly journal: SessionJournal | null;
  /**
   * The first log-in misses nothing: no order is known from before, or it asks for the response
   * behind the last one known. Default true.
   */
  readonly resumes?: boolean;
  /**
   * Differs from that of every other process of this account, by more than the log-ins of one:
   * microseconds since 1970 do. Whole, below 2^52. Default 0: there is no other.
   */
  readonly run?: number;
  /**
   * Order ids on the wire are the order manager's plus this, so that its own are small whole numbers,
   * which V8 passes on without a box. Ids of earlier runs come out at or below zero. Default 0.
   */
  readonly idBase?: number;
  readonly refusedMaxNs?: number;
  /**
   * Whoever has not said anything that an exchange says so long after the first connection is none, and the session ends;
   * at once, if something else was said. Default Infinity: other attempts are made.
   */
  readonly firstAnswerMaxNs?: number;
  /** Follows some orders to their answers. Default: none. */
  readonly roundTrip?: RoundTrip;
}

const PAUSE_MIN_NS = 100_000_000;
const PAUSE_MAX_NS = 5_000_000_000;
/** The exchange closes a connection that has been silent for twice its lapse of 5 s. */
const REFUSED_MAX_NS_DEFAULT = 15_000_000_000;
const TWO_32 = 0x1_0000_0000;
/** Ids from here on are echoes, below are orders: microseconds since 1970 reach it in 2112. */
export const ECHO_ID_MIN = 2 ** 52;
const ECHO_HI_MIN = ECHO_ID_MIN / TWO_32;
/** Reject codes fit a byte. */
const CODES = 256;
/** High halves of ids that are numbers. */
const ID_HI_MAX = 0x1f_ffff;

export class OrderSession implements OrderEntryHandler, OrderSink {
  readonly name = 'order_tx';
  readonly entry: OrderEntry;
  /** Times that the session was ready. */
  sessions = 0;
  /** Requests by what they ask for. */
  newOrders = 0;
  cancels = 0;
  modifies = 0;
  /** Responses by type. */
  readonly responses = new Float64Array(ResponseType.Expired + 1);
  /** Refusals of the exchange by code. */
  readonly rejects = new Float64Array(CODES);
  /** The exchange has locked us out, and has not taken an order since. */
  lockedOut = false;
  /** Why the last connection ended, '' while all is well. */
  reason = '';

  readonly #handler: OrderSessionHandler;
  readonly #instruments: TraderInstruments;
  readonly #options: OrderSessionOptions;
  readonly #journal: SessionJournal | null;
  /** By book: why the exchange refused the last order that it answered; None: it took it. */
  readonly #refusedFor: Uint8Array;
  readonly #roundTrip: RoundTrip | null;
  #state: SessionState = SessionState.Down;
  #nowNs = BOXED;
  #nextAttemptNs = 0;
  #pauseNs = PAUSE_MIN_NS;
  #refusedSinceNs = -1;
  /** Until when an exchange must have been heard; Infinity before the first connection. */
  #answerByNs = Infinity;
  #resumes: boolean;
  readonly #idBase: number;
  /** Order id of the last echo asked for. */
  #echoId: number;

  constructor(handler: OrderSessionHandler, options: OrderSessionOptions) {
    this.#handler = handler;
    this.#instruments = options.instruments;
    this.#options = options;
    this.#journal = options.journal;
    this.#refusedFor = new Uint8Array(options.instruments.count);
    this.#resumes = options.resumes !== false;
    const { run = 0, idBase = 0 } = options;
    this.#idBase = idBase;
    this.#roundTrip = options.roundTrip ?? null;
    this.#nowNs = 0;
    assert(run >= 0 && run < ECHO_ID_MIN, 'the id of an echo is a number');
    this.#echoId = ECHO_ID_MIN + run;
    this.entry = new OrderEntry(this, options.entry);
  }

  get state(): SessionState {
    return this.#state;
  }

  get ready(): boolean {
    return this.#state === SessionState.Ready;
  }

  /** Why the exchange refused the last order of a book that it answered; None where it took it. */
  refusedFor(book: number): Reason {
    return this.#refusedFor[book] as Reason;
  }

  /** Takes what has come and keeps the session up. Returns the work done. */
  poll(nowNs: number): number {
    this.#nowNs = nowNs;
    if (this.#state !== SessionState.Ready) this.#advance(nowNs);
    return this.entry.poll(nowNs);
  }

  /** When it has something to do though nothing comes. */
  dueNs(nowNs: number): number {
    if (this.#state === SessionState.Down) return this.#nextAttemptNs;
    // A connection is made outside of the loop.
    if (this.#state === SessionState.Connecting) return nowNs + POLL_AGAIN_NS;
    const dueNs = this.entry.dueNs(nowNs);
    return this.#state === SessionState.Ended || this.entry.heard ? dueNs : Math.min(dueNs, this.#answerByNs);
  }

  /** Starts a session on a connection that the owner has made. */
  begin(connection: StreamConnection, nowNs: number): void {
    this.#nowNs = nowNs;
    this.#state = SessionState.LoggingIn;
    if (this.#answerByNs === Infinity) this.#answerByNs = nowNs + (this.#options.firstAnswerMaxNs ?? Infinity);
    this.entry.connect(connection, nowNs);
  }

  /** Hands what waits to the connection. */
  flush(): void {
    this.entry.flush();
    if (this.#roundTrip !== null) this.#roundTrip.sent();
  }

  /** Logs out; no further attempt. */
  end(): void {
    this.#state = SessionState.Ended;
    this.entry.close();
  }

  // ── requests ───────────────────────────────────────────────────────────────────────────────

  newOrder(
    book: number, orderId: number, side: number, priceTicks: number, qty: number, tif: number,
    flags: number, terms: OrderTerms | null,
  ): boolean {
    if (this.#state !== SessionState.Ready) return false;
    const journal = this.#journal;
    const wireId = orderId + this.#idBase;
    if (journal !== null && wireId > journal.orderIdEnd) journal.reserve(wireId, this.#nowNs);
    if (!this.#encodeNew(book, orderId, side, priceTicks, qty, tif, flags, terms)) return false;
    this.newOrders++;
    if (this.#roundTrip !== null) this.#roundTrip.offer(orderId);
    return true;
  }

  cancel(book: number, orderId: number): boolean {
    if (this.#state !== SessionState.Ready) return false;
    const wireId = orderId + this.#idBase;
    const taken = this.entry.cancel(
      this.#instruments.tickers[book], wireId | 0, Math.floor(wireId / TWO_32),
    );
    if (taken) this.cancels++;
    return taken;
  }

  modify(
    book: number, orderId: number, side: number, priceTicks: number, chainQty: number,
  ): boolean {
    if (this.#state !== SessionState.Ready) return false;
    const instruments = this.#instruments;
    const wireId = orderId + this.#idBase;
    const taken = this.entry.modify(
      instruments.tickers[book], wireId | 0, Math.floor(wireId / TWO_32), side,
      instruments.unitsLo(book, priceTicks), instruments.unitsHi(book, priceTicks), chainQty,
    );
    if (taken) this.modifies++;
    return taken;
  }

  /** Without a log-in one by one instead: other exchanges that speak so have no mass cancel. */
  massCancel(book: number): boolean {
    if (this.#state !== SessionState.Ready || this.entry.framing !== Framing.Soup) return false;
    const ticker = book === BOOK_ALL ? TICKER_NONE : this.#instruments.tickers[book];
    const taken = this.entry.massCancel(ticker, Side.None);
    if (taken) this.cancels++;
    return taken;
  }

  #encodeNew(
    book: number, orderId: number, side: number, priceTicks: number, qty: number, tif: number,
    flags: number, terms: OrderTerms | null,
  ): boolean {
    const instruments = this.#instruments;
    const ticker = instruments.tickers[book];
    const wireId = orderId + this.#idBase;
    const lo = wireId | 0; // the codec takes the bits: below 2^31 either way, so it needs no box
    const hi = Math.floor(wireId / TWO_32);
    const priceLo = instruments.unitsLo(book, priceTicks);
    const priceHi = instruments.unitsHi(book, priceTicks);
    if (terms !== null) {
      const stops = terms.orderType === OrderType.Stop || terms.orderType === OrderType.StopLimit;
      return this.entry.newOrderExtended(
        ticker, lo, hi, side, priceLo, priceHi, qty, terms.orderType, tif, flags, terms.stp,
        terms.displayQty, terms.minQty,
        stops ? instruments.unitsLo(book, terms.stopTicks) : PRICE_NONE_LO,
        stops ? instruments.unitsHi(book, terms.stopTicks) : PRICE_NONE_HI, terms.owner,
      );
    }
    if (tif === Tif.Gtc && flags === 0) {
      return this.entry.newOrder(ticker, lo, hi, side, priceLo, priceHi, qty);
    }
    return this.entry.newOrderExtended(
      ticker, lo, hi, side, priceLo, priceHi, qty, OrderType.Limit, tif, flags,
      SelfTradePrevention.Default, 0, 0, PRICE_NONE_LO, PRICE_NONE_HI, CLIENT_NONE,
    );
  }

  // ── what the session tells ─────────────────────────────────────────────────────────────────

  onReady(entry: OrderEntry): void {
    this.#state = SessionState.CatchingUp;
    this.#refusedSinceNs = -1;
    const journal = this.#journal;
    if (journal !== null && journal.onSession(entry.session, entry.nextSequence, this.#nowNs)) {
      this.#resumes = true; // of the new one nothing is missed
      this.#handler.onNewSession?.();
    }
    // What an earlier process left behind. Without a log-in the exchange has cancelled it by itself.
    if (this.sessions === 0 && entry.framing === Framing.Soup) {
      entry.massCancel(TICKER_NONE, Side.None);
    }
    this.#echoId++;
    entry.cancel(
      this.#instruments.tickers[0], this.#echoId >>> 0, Math.floor(this.#echoId / TWO_32),
    );
    entry.flush();
  }

  onResponse(view: DataView, at: number, sequence: number): void {
    this.#journal?.onResponse(view, at, sequence, this.#nowNs);
    if (isEcho(view, at)) {
      // Expected is "unknown order". That the first instrument is unknown shows nowhere else.
      if (ClientResponse.execQty(view, at) === Reason.UnknownTicker) this.#countRefusal(0, Reason.UnknownTicker);
      return this.#onEcho(wireIdOf(view, at));
    }
    this.#count(view, at);
    tellResponse(view, at, this.#instruments, this.#idBase, this.#handler);
  }

  onClosed(reason: string): void {
    if (this.#roundTrip !== null) this.#roundTrip.forget();
    if (this.#state === SessionState.Ended) return this.#handler.onDown('');
    const never = this.sessions === 0 && this.entry.framing === Framing.Sequenced;
    this.reason = never ? `${reason} (it must listen with framing sequenced)` : reason;
    this.#state = SessionState.Down;
    this.#nextAttemptNs = this.#nowNs + this.#pauseNs;
    this.#pauseNs = Math.min(this.#pauseNs * 2, PAUSE_MAX_NS);
    if (this.entry.loginRefusedCode !== 0) this.#refused(this.entry.loginRefusedCode);
    if (this.entry.foreign && this.#answerByNs !== Infinity) this.#state = SessionState.Ended;
    this.#handler.onDown(this.reason);
  }

  #onEcho(id: number): void {
    if (this.#state !== SessionState.CatchingUp || id !== this.#echoId) return;
    // Later log-ins of `soup` ask for the session by name, at the next response.
    const first = this.sessions === 0;
    const complete = first ? this.#resumes : this.entry.framing === Framing.Soup;
    this.#state = SessionState.Ready;
    this.#pauseNs = PAUSE_MIN_NS;
    this.reason = '';
    this.sessions++;
    this.#handler.onReady(complete);
  }

  #count(view: DataView, at: number): void {
    const type = ClientResponse.type(view, at);
    if (type < this.responses.length) this.responses[type]++;
    if (type === ResponseType.CancelRejected) this.rejects[codeOf(view, at)]++;
    if (type !== ResponseType.Rejected && type !== ResponseType.Accepted) return;
    const book = this.#instruments.bookOf(ClientResponse.ticker(view, at));
    if (type === ResponseType.Rejected) return this.#countRefusal(book, codeOf(view, at));
    this.lockedOut = false;
    if (book !== BOOK_UNKNOWN) this.#refusedFor[book] = Reason.None;
  }

  #countRefusal(book: number, code: number): void {
    this.rejects[code]++;
    if (code === Reason.Killed) this.lockedOut = true;
    if (book !== BOOK_UNKNOWN) this.#refusedFor[book] = code;
  }

  // ── connections ────────────────────────────────────────────────────────────────────────────

  /** Without a session. */
  #advance(nowNs: number): void {
    if (this.#state === SessionState.Down && nowNs >= this.#nextAttemptNs) this.#attempt();
    if (this.#state === SessionState.Ended || this.entry.heard || nowNs < this.#answerByNs) return;
    this.reason ||= `it said nothing within ${(this.#options.firstAnswerMaxNs ?? Infinity) / 1e9} s`;
    this.end();
  }

  #attempt(): void {
    this.#state = SessionState.Connecting;
    this.#options.connect().then(
      (connection) => this.#connected(connection),
      (error: Error) => this.#failed(error.message),
    );
  }

  #connected(connection: StreamConnection): void {
    if (this.#state !== SessionState.Connecting) return connection.close();
    this.begin(connection, this.#options.clock.refresh());
  }

  #failed(reason: string): void {
    if (this.#state !== SessionState.Connecting) return;
    this.#state = SessionState.Down;
    this.reason = reason;
    this.#nextAttemptNs = this.#options.clock.refresh() + this.#pauseNs;
    this.#pauseNs = Math.min(this.#pauseNs * 2, PAUSE_MAX_NS);
  }

  /**
   * A log-in was refused. "Not authorised" stays so; "session not available" may for a while be our
   * own last connection, whose end the exchange has not noticed yet.
   */
  #refused(code: number): void {
    if (this.#refusedSinceNs < 0) this.#refusedSinceNs = this.#nowNs;
    const limitNs = this.#options.refusedMaxNs ?? REFUSED_MAX_NS_DEFAULT;
    const final = code === SoupRejectCode.NotAuthorised;
    if (final || this.#nowNs - this.#refusedSinceNs >= limitNs) this.#state = SessionState.Ended;
  }
}

/** The answer to the question that some session began with. */
export function isEcho(view: DataView, at: number): boolean {
  const high = ClientResponse.clientOrderHi(view, at);
  return high >= ECHO_HI_MIN && high <= ID_HI_MAX;
}

/** Of a refusal; None where it carries none of ours. */
function codeOf(view: DataView, at: number): number {
  const code = ClientResponse.execQty(view, at);
  return code < CODES ? code : Reason.None;
}

/** An id of the wire as a number; ORDER_NONE for one that is none. */
function wireIdOf(view: DataView, at: number): number {
  const high = ClientResponse.clientOrderHi(view, at);
  return high > ID_HI_MAX ? ORDER_NONE : high * TWO_32 + ClientResponse.clientOrderLo(view, at);
}

/**
 * As the order manager counts. The halves are subtracted before they are put together: the id of the
 * wire as one number would need a box.
 */
function orderIdOf(view: DataView, at: number, baseLow: number, baseHigh: number): number {
  const low = ClientResponse.clientOrderLo(view, at);
  const high = ClientResponse.clientOrderHi(view, at);
  if (high > ID_HI_MAX || (high === 0 && low === 0)) return ORDER_NONE;
  const orderId = (high - baseHigh) * TWO_32 + (low - baseLow);
  return (orderId | 0) === orderId ? orderId | 0 : orderId;
}

/**
 * A response of the wire in the terms of the trading side: book, order id above `idBase`, ticks. The
 * executed quantity of a cancel is none and left out: it would need a box.
 */
export function tellResponse(
  view: DataView, at: number, instruments: TraderInstruments, idBase: number,
  handler: Pick<OrderSessionHandler, 'onResponse'>,
): void {
  const book = instruments.bookOf(ClientResponse.ticker(view, at));
  const type = ClientResponse.type(view, at);
  handler.onResponse(
    type,
    book,
    orderIdOf(view, at, idBase >>> 0, Math.floor(idBase / TWO_32)),
    ClientResponse.side(view, at),
    book === BOOK_UNKNOWN ? PRICE_TICKS_NONE : instruments.ticksOfUnits(
      book, ClientResponse.priceLo(view, at), ClientResponse.priceHi(view, at),
    ),
    type === ResponseType.Canceled ? 0 : ClientResponse.execQty(view, at),
    ClientResponse.leavesQty(view, at),
  );
}
