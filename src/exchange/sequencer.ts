// Requests of all sessions in one total order: each becomes a 32-byte command slot (64 bytes
// extended) in the engine's memory, in the order in which the gateway hands them over, which is
// that of arrival.
//
//   request (native, in the session's buffer) ──► ticker → book, units → ticks ──► command slot
//
// What the engine could not be told (an unknown ticker, a price off the grid) and what cannot be
// right whatever the book holds (side, quantity, another's client id) becomes a Reject command, so
// that its answer comes out of the engine's one ordered event stream with all the others. The
// checks stand in the order of docs/MATCHING.md, the instrument's state first: it changes by
// commands of this sequence only, so it is known here. The engine checks everything again. What an
// account may do is the risk gate's to say (risk_gate.ts), and its refusals are Reject commands too: the
// slots tell all that was decided.
//
// A full command area is processed at once (`onFull`). Cost: some ten stores a request, no
// allocation.
import {
  CLIENT_ALL,
  Cmd,
  CmdFlag,
  COMMAND,
  COMMAND_EXTENSION,
  OrderType,
  OWNER_NONE,
  QTY_NONE,
  Reason,
  State,
  Stp,
  Tif,
} from '../book/types.ts';
import type { MatchingEngine } from '../book/matching_engine.ts';
import {
  ClientRequest,
  ClientRequestExtended,
  OrderFlag,
  RequestType,
  TICKER_NONE,
} from '../wire/generated/native.ts';
import type { Counters } from '../base/counters.ts';
import { assert } from '../base/assert.ts';
import { C } from './counters.ts';
import { BOOK_UNKNOWN, type InstrumentTable } from './instruments.ts';
import { slotsOf } from './journal_stage.ts';
import { Check, Pace, type RiskGate } from './risk_gate.ts';
import type { Account } from './session/accounts.ts';

/**
 * In a mass cancel: every instrument. In a Reject: the ticker is unknown, and stands in `price`.
 */
export const BOOK_NONE = 0xffff;
const SLOT_WORDS = COMMAND.size / 4;
/** With its extension, so that a command is never cut in two. */
const SLOTS_PER_COMMAND = 2;

/** Words of a command slot; the first two are packed from bytes, little-endian. */
const WORD = {
  client: COMMAND.client / 4,
  price: COMMAND.price / 4,
  idLo: COMMAND.id / 4,
  idHi: COMMAND.id / 4 + 1,
  qty: COMMAND.qty / 4,
  reason: COMMAND.reason / 4,
} as const;
const EXTENSION_WORD = {
  display: COMMAND_EXTENSION.display / 4,
  minQty: COMMAND_EXTENSION.minQty / 4,
  stopPrice: COMMAND_EXTENSION.stopPrice / 4,
  owner: COMMAND_EXTENSION.owner / 4,
} as const;
assert(
  COMMAND.type === 0 &&
    COMMAND.side === 1 &&
    COMMAND.orderType === 2 &&
    COMMAND.tif === 3 &&
    COMMAND.flags === 4 &&
    COMMAND.stp === 5 &&
    COMMAND.book === 6,
  'the first two words of a command slot are packed as written here',
);

export interface SequencerOptions {
  /** Any client may name any self-trade group: nobody has a password here. */
  readonly anyOwner: boolean;
  readonly risingOrderIds: boolean;
  /** No room for another command: the batch must be executed before this returns. */
  readonly onFull: () => void;
}

export class Sequencer {
  /** Command slots written and not yet taken. */
  slots = 0;

  readonly #engine: MatchingEngine;
  readonly #instruments: InstrumentTable;
  readonly #values: Counters['values'];
  readonly #options: SequencerOptions;
  readonly #gate: RiskGate;
  readonly #u32: Uint32Array;
  readonly #base: number;
  /** State of every instrument after the commands so far. */
  readonly #states: Uint8Array;

  constructor(
    engine: MatchingEngine,
    instruments: InstrumentTable,
    gate: RiskGate,
    counters: Counters,
    options: SequencerOptions,
  ) {
    this.#engine = engine;
    this.#instruments = instruments;
    this.#gate = gate;
    this.#values = counters.values;
    this.#options = options;
    this.#u32 = engine.u32;
    this.#base = engine.commandBase / 4;
    this.#states = new Uint8Array(instruments.count).fill(State.Open);
    assert(engine.commandSlotsMax >= SLOTS_PER_COMMAND, 'an extended command fits');
  }

  /** Takes the batch: the number of slots, which are the engine's now. */
  take(): number {
    const slots = this.slots;
    this.slots = 0;
    return slots;
  }

  /**
   * A request of `account` stands at `at`. `soup`: its order ids rise. Its size has been checked by
   * the framing. Returns whether it came in time, too fast, or too fast once too often.
   */
  request(view: DataView, at: number, account: Account, soup: boolean): Pace {
    const type = ClientRequest.type(view, at);
    const cancels = type === RequestType.Cancel || type === RequestType.MassCancel;
    this.#values[C.requests] += 1;
    // Now, and not after the gate has reserved something for a batch that this would end.
    if (this.slots + SLOTS_PER_COMMAND > this.#engine.commandSlotsMax) this.#options.onFull();
    const pace =
      (this.#gate.checks & Check.Rate) === 0 ? Pace.Kept : this.#gate.pace(account, cancels);
    this.#take(view, at, account, type, soup, pace !== Pace.Kept);
    return pace;
  }

  #take(
    view: DataView,
    at: number,
    account: Account,
    type: number,
    soup: boolean,
    tooFast: boolean,
  ): void {
    const ticker = ClientRequest.ticker(view, at);
    const orderLo = ClientRequest.orderLo(view, at);
    const orderHi = ClientRequest.orderHi(view, at);
    const isNew = type === RequestType.New || type === RequestType.NewExtended;
    // A new order uses its id up whatever becomes of it: so a repeated one is never a new one.
    const repeated =
      isNew && soup && this.#options.risingOrderIds && !account.raise(orderLo, orderHi);
    const book = this.#instruments.bookOf(ticker);
    if (tooFast) return this.#reject(view, at, account, opOf(type), book, Reason.Rate);
    if (ClientRequest.client(view, at) !== account.client)
      return this.#reject(view, at, account, opOf(type), book, Reason.NotYours);
    if (type === RequestType.MassCancel) return this.#massCancel(view, at, account, ticker);
    if (book === BOOK_UNKNOWN)
      return this.#reject(view, at, account, opOf(type), book, Reason.UnknownTicker);
    if (repeated) return this.#reject(view, at, account, Cmd.New, book, Reason.DuplicateId);
    const { checks } = this.#gate;
    if (
      (checks & Check.Killed) !== 0 &&
      type !== RequestType.Cancel &&
      this.#gate.isKilled(account)
    )
      return this.#reject(view, at, account, opOf(type), book, Reason.Killed);
    switch (type) {
      case RequestType.New:
        return this.#limit(view, at, account, book, orderLo, orderHi);
      case RequestType.Cancel:
        if (checks !== 0) this.#gate.noteSaid(account);
        return this.#command(
          Cmd.Cancel,
          0,
          0,
          0,
          0,
          0,
          book,
          account.client,
          0,
          orderLo,
          orderHi,
          0,
          0,
        );
      case RequestType.NewExtended:
        return this.#extended(view, at, account, book, orderLo, orderHi);
      default:
        assert(type === RequestType.Modify, 'the framing lets known request types through only');
        return this.#modify(view, at, account, book, orderLo, orderHi);
    }
  }

  /**
   * Cancels all orders of a client, or with CLIENT_ALL of everybody, for the system. Reason.None: its
   * session has ended, and it was agreed so.
   */
  cancelAll(client: number, reason: Reason): void {
    this.#command(Cmd.MassCancel, 0, 0, 0, 0, 0, BOOK_NONE, client, 0, 0, 0, 0, reason);
  }

  /**
   * Puts a client's lock into the sequence, or with Reason.None its end: a Reject that answers no
   * request. The client is told by it; who executes the slots again learns it from its event.
   */
  lock(client: number, reason: Reason): void {
    this.#command(
      Cmd.Reject,
      0,
      Cmd.MassCancel,
      0,
      0,
      0,
      BOOK_NONE,
      client,
      TICKER_NONE,
      0,
      0,
      0,
      reason,
    );
  }

  /** State of an instrument after the commands so far. */
  stateOf(book: number): State {
    return this.#states[book] as State;
  }

  /** Opens, halts or closes an instrument. */
  setState(book: number, state: State): void {
    assert(state <= State.Closed, 'a state that the engine knows');
    this.#states[book] = state;
    this.#command(Cmd.State, 0, state, 0, 0, 0, book, 0, 0, 0, 0, 0, 0);
  }

  /** Has what was taken so far executed: what comes next stands behind it in the journal. */
  cut(): void {
    if (this.slots > 0) this.#options.onFull();
  }

  /**
   * Command slots of a journal stand in the engine's memory, about to be executed once more: what they
   * meant here, the states of instruments and the order ids that they used up. `accountOf`: of a client.
   */
  replay(slots: number, accountOf: (client: number) => Account): void {
    const u32 = this.#u32;
    for (let slot = 0; slot < slots; ) {
      const word = this.#base + slot * SLOT_WORDS;
      slot += slotsOf(u32, word);
      const type = u32[word] & 0xff;
      const second = (u32[word] >>> 16) & 0xff;
      const client = u32[word + WORD.client];
      if (type === Cmd.State) this.#states[u32[word + 1] >>> 16] = second;
      else if (client !== CLIENT_ALL) {
        const account = accountOf(client);
        const usesId = type === Cmd.New || (type === Cmd.Reject && second === Cmd.New);
        const onSoup = account.kept !== null && account.log === account.kept;
        if (usesId && onSoup && this.#options.risingOrderIds)
          account.raise(u32[word + WORD.idLo], u32[word + WORD.idHi]);
      }
    }
  }

  /** States of all instruments, for a snapshot, and back. */
  saveStates(): Uint8Array {
    return this.#states.slice();
  }

  restoreStates(states: Uint8Array): void {
    this.#states.set(states);
  }

  #limit(
    view: DataView,
    at: number,
    account: Account,
    book: number,
    orderLo: number,
    orderHi: number,
  ): void {
    const side = ClientRequest.side(view, at);
    const qty = ClientRequest.qty(view, at);
    const ticks = this.#instruments.ticksOf(
      book,
      ClientRequest.priceLo(view, at),
      ClientRequest.priceHi(view, at),
    );
    let refused = this.#orState(book, this.#invalid(side, qty, ticks, book));
    if (refused === Reason.None && this.#isLimited(book))
      refused = this.#judge(account, book, side, OrderType.Limit, ticks, 0, qty);
    if (refused !== Reason.None)
      return this.#reject(view, at, account, Cmd.New, book, refused);
    this.#command(
      Cmd.New,
      side,
      OrderType.Limit,
      Tif.Gtc,
      0,
      Stp.Default,
      book,
      account.client,
      ticks,
      orderLo,
      orderHi,
      qty,
      0,
    );
  }

  #extended(
    view: DataView,
    at: number,
    account: Account,
    book: number,
    orderLo: number,
    orderHi: number,
  ): void {
    const side = ClientRequest.side(view, at);
    const qty = ClientRequest.qty(view, at);
    const orderType = ClientRequestExtended.orderType(view, at);
    const tif = ClientRequestExtended.tif(view, at);
    const flags = ClientRequestExtended.flags(view, at);
    const stp = ClientRequestExtended.stp(view, at);
    const owner = ClientRequestExtended.owner(view, at);
    const limited = orderType === OrderType.Limit || orderType === OrderType.StopLimit;
    const stopped = orderType === OrderType.Stop || orderType === OrderType.StopLimit;
    const ticks = limited
      ? this.#instruments.ticksOf(
          book,
          ClientRequest.priceLo(view, at),
          ClientRequest.priceHi(view, at),
        )
      : 0;
    const stopTicks = stopped
      ? this.#instruments.ticksOf(
          book,
          ClientRequestExtended.stopPriceLo(view, at),
          ClientRequestExtended.stopPriceHi(view, at),
        )
      : 0;
    let invalid: Reason = side * side !== 1 ? Reason.Side : Reason.None;
    if (
      invalid === Reason.None &&
      (!(limited || stopped || orderType === OrderType.Market) ||
        !isTif(tif) ||
        stp > Stp.Decrement ||
        (flags & ~OrderFlag.PostOnly) !== 0)
    )
      invalid = Reason.Unsupported;
    if (invalid === Reason.None)
      invalid = this.#invalid(side, qty, ticks === ticks ? stopTicks : ticks, book);
    if (invalid === Reason.None && !this.#mayOwn(account, owner)) invalid = Reason.NotYours;
    let refused = this.#orState(book, invalid);
    if (refused === Reason.None && this.#isLimited(book))
      refused = this.#judge(account, book, side, orderType, ticks, stopTicks, qty);
    if (refused !== Reason.None)
      return this.#reject(view, at, account, Cmd.New, book, refused);
    this.#command(
      Cmd.New,
      side,
      orderType,
      tif,
      CmdFlag.Extended | ((flags & OrderFlag.PostOnly) !== 0 ? CmdFlag.PostOnly : 0),
      stp,
      book,
      account.client,
      ticks,
      orderLo,
      orderHi,
      qty,
      0,
    );
    const word = this.#base + this.slots * SLOT_WORDS;
    const u32 = this.#u32;
    u32[word + EXTENSION_WORD.display] = ClientRequestExtended.display(view, at);
    u32[word + EXTENSION_WORD.minQty] = ClientRequestExtended.minQty(view, at);
    u32[word + EXTENSION_WORD.stopPrice] = stopTicks;
    u32[word + EXTENSION_WORD.owner] = owner;
    this.slots++;
  }

  #modify(
    view: DataView,
    at: number,
    account: Account,
    book: number,
    orderLo: number,
    orderHi: number,
  ): void {
    const qty = ClientRequest.qty(view, at);
    const ticks = this.#instruments.ticksOf(
      book,
      ClientRequest.priceLo(view, at),
      ClientRequest.priceHi(view, at),
    );
    let refused = this.#orState(book, this.#invalid(1, qty, ticks, book));
    if (refused === Reason.None && this.#isLimited(book))
      refused = this.#judgeModify(account, book, orderLo, orderHi, ticks, qty);
    if (refused !== Reason.None)
      return this.#reject(view, at, account, Cmd.Replace, book, refused);
    this.#command(
      Cmd.Replace,
      0,
      0,
      0,
      CmdFlag.Chain,
      0,
      book,
      account.client,
      ticks,
      orderLo,
      orderHi,
      qty,
      0,
    );
  }

  #massCancel(view: DataView, at: number, account: Account, ticker: number): void {
    const side = ClientRequest.side(view, at);
    const book = ticker === TICKER_NONE ? BOOK_NONE : this.#instruments.bookOf(ticker);
    if (book === BOOK_UNKNOWN)
      return this.#reject(view, at, account, Cmd.MassCancel, book, Reason.UnknownTicker);
    if (side * side > 1) return this.#reject(view, at, account, Cmd.MassCancel, book, Reason.Side);
    if (this.#gate.checks !== 0) this.#gate.noteSaid(account);
    this.#command(Cmd.MassCancel, side, 0, 0, 0, 0, book, account.client, 0, 0, 0, 0, 0);
  }

  /** The risk gate has something to say of orders; where the instrument is not open, the engine has. */
  #isLimited(book: number): boolean {
    return (
      (this.#gate.checks & (Check.Limits | Check.Shares)) !== 0 &&
      this.#states[book] === State.Open
    );
  }

  /** What the gate says of a new order; asked again when the account's own earlier requests could decide. */
  #judge(
    account: Account,
    book: number,
    side: number,
    orderType: number,
    ticks: number,
    stopTicks: number,
    qty: number,
  ): Reason {
    const gate = this.#gate;
    const reason = gate.newOrder(account, book, side, orderType, ticks, stopTicks, qty);
    if (reason === Reason.None || !gate.mayChange(account, reason)) return reason;
    this.#cut();
    return gate.newOrder(account, book, side, orderType, ticks, stopTicks, qty);
  }

  #judgeModify(
    account: Account,
    book: number,
    idLo: number,
    idHi: number,
    ticks: number,
    chainQty: number,
  ): Reason {
    const gate = this.#gate;
    const reason = gate.modify(account, book, idLo, idHi, ticks, chainQty);
    if (reason === Reason.None || !gate.mayChange(account, reason)) return reason;
    this.#cut();
    return gate.modify(account, book, idLo, idHi, ticks, chainQty);
  }

  /** Executes the batch as it is, so that the gate knows what became of it. */
  #cut(): void {
    this.#values[C.batches_cut] += 1;
    this.#options.onFull();
  }

  /** Reason.None when side, quantity and price can be right, the first that cannot otherwise. */
  #invalid(side: number, qty: number, ticks: number, book: number): Reason {
    if (side * side !== 1) return Reason.Side;
    if (qty === 0 || qty === QTY_NONE || qty % this.#instruments.lots[book] !== 0)
      return Reason.Quantity;
    return ticks === ticks ? Reason.None : Reason.Price;
  }

  /** An instrument that is not open refuses for that reason, whatever else is wrong. */
  #orState(book: number, invalid: Reason): Reason {
    return invalid === Reason.None || this.#states[book] === State.Open ? invalid : Reason.State;
  }

  #mayOwn(account: Account, owner: number): boolean {
    return (
      owner === OWNER_NONE ||
      owner === account.client ||
      owner === account.owner ||
      this.#options.anyOwner
    );
  }

  /**
   * A Reject that repeats the request's side, quantity and, if there is one, price; of an unknown
   * ticker that one.
   */
  #reject(
    view: DataView,
    at: number,
    account: Account,
    op: number,
    book: number,
    reason: Reason,
  ): void {
    const known = book !== BOOK_UNKNOWN && book !== BOOK_NONE;
    const ticks = known
      ? this.#instruments.ticksOf(
          book,
          ClientRequest.priceLo(view, at),
          ClientRequest.priceHi(view, at),
        ) | 0
      : ClientRequest.ticker(view, at);
    this.#values[C.requests_refused] += 1;
    this.#command(
      Cmd.Reject,
      ClientRequest.side(view, at),
      op,
      0,
      0,
      0,
      known ? book : BOOK_NONE,
      account.client,
      ticks,
      ClientRequest.orderLo(view, at),
      ClientRequest.orderHi(view, at),
      ClientRequest.qty(view, at),
      reason,
    );
  }

  #command(
    type: number,
    side: number,
    orderType: number,
    tif: number,
    flags: number,
    stp: number,
    book: number,
    client: number,
    ticks: number,
    idLo: number,
    idHi: number,
    qty: number,
    reason: number,
  ): void {
    if (this.slots + SLOTS_PER_COMMAND > this.#engine.commandSlotsMax) this.#options.onFull();
    const word = this.#base + this.slots * SLOT_WORDS;
    const u32 = this.#u32;
    u32[word] = type | ((side & 0xff) << 8) | (orderType << 16) | (tif << 24);
    u32[word + 1] = flags | (stp << 8) | (book << 16);
    u32[word + WORD.client] = client;
    u32[word + WORD.price] = ticks;
    u32[word + WORD.idLo] = idLo;
    u32[word + WORD.idHi] = idHi;
    u32[word + WORD.qty] = qty;
    u32[word + WORD.reason] = reason;
    this.slots++;
    this.#values[C.commands] += 1;
  }
}

/** The engine's name of what a request wanted. */
function opOf(type: number): number {
  switch (type) {
    case RequestType.Cancel:
      return Cmd.Cancel;
    case RequestType.Modify:
      return Cmd.Replace;
    case RequestType.MassCancel:
      return Cmd.MassCancel;
    default:
      return Cmd.New;
  }
}

function isTif(tif: number): boolean {
  return tif === Tif.Day || tif === Tif.Gtc || tif === Tif.Ioc || tif === Tif.Fok;
}
