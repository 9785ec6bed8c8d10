// Events of the engine → native responses of 42 bytes in the outbound logs of those they concern.
//
//   accepted               1  exec 0, leaves = quantity
//   canceled by its owner  2  exec none, leaves = quantity removed
//   trade                  3  to the taker, then to the maker
//   cancel rejected        4  exec = code, leaves 0; on `sequenced` none values behind the order id
//   rejected               5  exec = code, leaves 0
//   replaced               6  exec 0, leaves = open quantity
//   reduced by the system  6  exec = code, leaves = open quantity
//   a new order repeated   its first answer, once more (`soup`; rejected with 5 when that is not kept)
//   locked out             5  exec = 20, no order id: of nobody's request
//   canceled by the system 7  exec = code, leaves = quantity removed
//
// A triggered stop is told by what becomes of it; rested, displayed and state events are the
// feed's.
//
// Order: each account gets its messages in the order of the events. Cost: a look-up and some ten
// stores a message, no allocation once an account's log has grown.
import type { Counters } from '../base/counters.ts';
import type { MatchingEngine } from '../book/matching_engine.ts';
import { Cmd, Ev, EVENT, Reason } from '../book/types.ts';
import { Framing } from '../wire/framing/frame.ts';
import {
  ClientResponse,
  ORDER_NONE_HI,
  ORDER_NONE_LO,
  PRICE_NONE_HI,
  PRICE_NONE_LO,
  QTY_NONE,
  ResponseType,
} from '../wire/generated/native.ts';
import { C } from './counters.ts';
import { highHalf, type InstrumentTable, lowHalf } from './instruments.ts';
import { BOOK_NONE } from './sequencer.ts';
import type { Account, Accounts } from './session/accounts.ts';
import { NO_ANSWER } from './session/answers.ts';
import { FULL } from './session/outbound_log.ts';

const NOT_WRITTEN = 0;
/** Words of an event slot. */
const WORD = {
  price: EVENT.price / 4,
  qty: EVENT.qty / 4,
  client: EVENT.client / 4,
  makerClient: EVENT.makerClient / 4,
  id: EVENT.id / 4,
  makerId: EVENT.makerId / 4,
  orderId: EVENT.orderId / 4,
  makerOrderId: EVENT.makerOrderId / 4,
  leaves: EVENT.leaves / 4,
  displayed: EVENT.displayed / 4,
} as const;

export class Responses {
  readonly #u8: Uint8Array;
  readonly #u16: Uint16Array;
  readonly #u32: Uint32Array;
  readonly #i32: Int32Array;
  readonly #instruments: InstrumentTable;
  readonly #accounts: Accounts;
  readonly #values: Counters['values'];
  readonly #onPending: (account: Account) => void;
  readonly #onOverflow: (account: Account) => void;
  readonly #onLock: (client: number, reason: Reason) => void;

  /**
   * `onPending`: an account has something to send. `onOverflow`: its log is full of what it has not
   * read. `onLock`: a client is locked out, or let in again.
   */
  constructor(
    engine: MatchingEngine,
    instruments: InstrumentTable,
    accounts: Accounts,
    counters: Counters,
    onPending: (account: Account) => void,
    onOverflow: (account: Account) => void,
    onLock: (client: number, reason: Reason) => void,
  ) {
    this.#u8 = engine.u8;
    this.#u16 = engine.u16;
    this.#u32 = engine.u32;
    this.#i32 = engine.i32;
    this.#instruments = instruments;
    this.#accounts = accounts;
    this.#values = counters.values;
    this.#onPending = onPending;
    this.#onOverflow = onOverflow;
    this.#onLock = onLock;
  }

  /** An event stands at byte address `at` of the engine's memory. */
  onEvent(at: number): void {
    const word = at >>> 2;
    const u32 = this.#u32;
    switch (this.#u8[at]) {
      case Ev.Accepted:
        return this.#accepted(at, word);
      case Ev.Trade:
        return this.#trade(at, word);
      case Ev.Canceled: {
        const reason = this.#u8[at + EVENT.reason];
        if (reason === Reason.None)
          return this.#own(ResponseType.Canceled, at, word, QTY_NONE, u32[word + WORD.qty]);
        return this.#own(ResponseType.Expired, at, word, reason, u32[word + WORD.qty]);
      }
      case Ev.Replaced:
        return this.#own(ResponseType.Modified, at, word, 0, u32[word + WORD.qty]);
      case Ev.Reduced:
        return this.#own(
          ResponseType.Modified,
          at,
          word,
          this.#u8[at + EVENT.reason],
          u32[word + WORD.leaves],
        );
      case Ev.Rejected:
        return this.#rejected(at, word);
      default:
        return;
    }
  }

  #accepted(at: number, word: number): void {
    const u32 = this.#u32;
    const account = this.#accounts.find(u32[word + WORD.client]);
    this.#values[C.accepted] += 1;
    const sequence = this.#about(
      account, ResponseType.Accepted, at, word, 0, u32[word + WORD.qty],
    );
    this.#note(account, word, sequence);
  }

  /** About an order, to who sent it. */
  #own(type: number, at: number, word: number, execQty: number, leaves: number): void {
    const account = this.#accounts.find(this.#u32[word + WORD.client]);
    this.#about(account, type, at, word, execQty, leaves);
  }

  /** Number of the message, or NOT_WRITTEN. */
  #about(
    account: Account | null,
    type: number,
    at: number,
    word: number,
    execQty: number,
    leaves: number,
  ): number {
    const u32 = this.#u32;
    const book = this.#u16[(at + EVENT.book) >>> 1];
    const price = this.#i32[word + WORD.price] * this.#instruments.tickUnits[book];
    return this.#write(
      account,
      type,
      u32[word + WORD.client],
      this.#instruments.tickers[book],
      u32[word + WORD.id],
      u32[word + WORD.id + 1],
      u32[word + WORD.orderId],
      u32[word + WORD.orderId + 1],
      sideOf(this.#u8[at + EVENT.side]),
      lowHalf(price),
      highHalf(price),
      execQty,
      leaves,
    );
  }

  #trade(at: number, word: number): void {
    const u32 = this.#u32;
    const book = this.#u16[(at + EVENT.book) >>> 1];
    const ticker = this.#instruments.tickers[book];
    const price = this.#i32[word + WORD.price] * this.#instruments.tickUnits[book];
    const priceLo = lowHalf(price);
    const priceHi = highHalf(price);
    const qty = u32[word + WORD.qty];
    const side = sideOf(this.#u8[at + EVENT.side]);
    this.#values[C.trades] += 1;
    this.#write(
      this.#accounts.find(u32[word + WORD.client]),
      ResponseType.Filled,
      u32[word + WORD.client],
      ticker,
      u32[word + WORD.id],
      u32[word + WORD.id + 1],
      u32[word + WORD.orderId],
      u32[word + WORD.orderId + 1],
      side,
      priceLo,
      priceHi,
      qty,
      u32[word + WORD.leaves],
    );
    this.#write(
      this.#accounts.find(u32[word + WORD.makerClient]),
      ResponseType.Filled,
      u32[word + WORD.makerClient],
      ticker,
      u32[word + WORD.makerId],
      u32[word + WORD.makerId + 1],
      u32[word + WORD.makerOrderId],
      u32[word + WORD.makerOrderId + 1],
      -side,
      priceLo,
      priceHi,
      qty,
      u32[word + WORD.displayed],
    );
  }

  #rejected(at: number, word: number): void {
    const u32 = this.#u32;
    const client = u32[word + WORD.client];
    const account = this.#accounts.find(client);
    const book = this.#u16[(at + EVENT.book) >>> 1];
    const reason = this.#u8[at + EVENT.reason] as Reason;
    const op = this.#u8[at + EVENT.op];
    if (op === Cmd.MassCancel && (reason === Reason.Killed || reason === Reason.None)) {
      this.#onLock(client, reason);
      if (reason === Reason.None) return; // of its end nobody is told
    }
    const ticker = book === BOOK_NONE ? u32[word + WORD.price] : this.#instruments.tickers[book];
    this.#values[C.rejected] += 1;
    this.#values[C.rejected_for_none + reason] += 1;
    if (op === Cmd.New && reason === Reason.DuplicateId && this.#repeat(account, word)) return;
    if (op === Cmd.Cancel) {
      const none =
        account !== null &&
        account.log !== null &&
        account.log.writer.framing === Framing.Sequenced;
      this.#write(
        account,
        ResponseType.CancelRejected,
        client,
        ticker,
        u32[word + WORD.id],
        u32[word + WORD.id + 1],
        ORDER_NONE_LO,
        ORDER_NONE_HI,
        0,
        PRICE_NONE_LO,
        PRICE_NONE_HI,
        none ? QTY_NONE : reason,
        none ? QTY_NONE : 0,
      );
      return;
    }
    // A price that was refused as such, or never a price of an instrument, is not repeated.
    const priced = book !== BOOK_NONE && reason !== Reason.Price;
    const price = priced ? this.#i32[word + WORD.price] * this.#instruments.tickUnits[book] : 0;
    const sequence = this.#write(
      account,
      ResponseType.Rejected,
      client,
      ticker,
      u32[word + WORD.id],
      u32[word + WORD.id + 1],
      ORDER_NONE_LO,
      ORDER_NONE_HI,
      sideOf(this.#u8[at + EVENT.side]),
      priced ? lowHalf(price) : PRICE_NONE_LO,
      priced ? highHalf(price) : PRICE_NONE_HI,
      reason,
      0,
    );
    if (op === Cmd.New) this.#note(account, word, sequence);
  }

  /** A new order has its answer: it can be given again. */
  #note(account: Account | null, word: number, sequence: number): void {
    if (sequence === NOT_WRITTEN || account === null || account.answers === null) return;
    if (account.log !== account.kept) return;
    account.answers.note(this.#u32[word + WORD.id], this.#u32[word + WORD.id + 1], sequence);
  }

  /** Answers a repeated new order as the first time; false: that answer is not kept. */
  #repeat(account: Account | null, word: number): boolean {
    if (account === null || account.answers === null || account.log !== account.kept) return false;
    const { log, answers } = account;
    if (log === null) return false;
    const sequence = answers.find(this.#u32[word + WORD.id], this.#u32[word + WORD.id + 1]);
    if (sequence === NO_ANSWER || !log.canRepeat(sequence)) return false;
    const at = log.claim();
    if (at === FULL) return false;
    log.repeat(sequence, at);
    this.#values[C.answers_repeated] += 1;
    this.#sent(account);
    return true;
  }

  /** Number of the message, or NOT_WRITTEN. */
  #write(
    account: Account | null,
    type: number,
    client: number,
    ticker: number,
    clientOrderLo: number,
    clientOrderHi: number,
    marketOrderLo: number,
    marketOrderHi: number,
    side: number,
    priceLo: number,
    priceHi: number,
    execQty: number,
    leavesQty: number,
  ): number {
    if (account === null || account.log === null) {
      // Its connection was its only identity, and that is gone.
      this.#values[C.responses_without_session] += 1;
      return NOT_WRITTEN;
    }
    const log = account.log;
    let at = log.claim();
    if (at === FULL) {
      this.#onOverflow(account);
      if (account.log === null) return NOT_WRITTEN;
      at = log.claim();
    }
    ClientResponse.encode(
      log.view,
      at,
      type,
      client,
      ticker,
      clientOrderLo,
      clientOrderHi,
      marketOrderLo,
      marketOrderHi,
      side,
      priceLo,
      priceHi,
      execQty,
      leavesQty,
    );
    this.#sent(account);
    return log.next - 1;
  }

  #sent(account: Account): void {
    this.#values[C.responses] += 1;
    if (!account.listed) this.#onPending(account);
  }
}

function sideOf(byte: number): number {
  return (byte << 24) >> 24;
}
