// The risk gate: what a request may do, looked at between the sequencer and the engine, before its
// command slot is written.
//
//   request ─► killed? ─► rate ─► … ─► size ─► notional ─► collar ─► shares ─► open orders ─► position ─► command slot
//                                                                                    │ let through: reserved
//   events of the engine ─► positions, open quantities, open orders, price blocks ◄──┘ until its batch is executed
//
// A request that is refused becomes a Reject command like the sequencer's other refusals, so its answer
// comes in the one stream of events, and whoever executes the command slots again, from a journal, needs
// neither this gate nor the clock: the slots say what it decided. What it knows of accounts follows from
// the events alone, so it is right again after such a replay.
//
// At every instant, for every account and instrument with a limit, on both sides:
//
//   position + everything open + everything let through and not executed yet ≤ limit
//
// An order is reserved whole, whatever its type; a modify is, until its event has come, the larger of
// before and after. What its own cancels of the same batch will free does not count before they are
// executed; where that would decide, the sequencer has the batch executed and asks again (`mayChange`).
//
// There is no map of orders: events say side, quantity and client, a modify asks the engine.
// Rules, codes and their order: docs/MATCHING.md. Cost with no limit at all: `checks === 0`, one branch a
// request and one an event. Otherwise a look-up of the account's cell a check and an event, no allocation
// but the doubling of an account's table of price blocks.
// Limits: POSITION_MAX for whoever has a limit; accounts and instruments as configured.
import { assert } from '../base/assert.ts';
import { PRICE_TICKS_NONE } from '../book/book_top.ts';
import type { MatchingEngine } from '../book/matching_engine.ts';
import { CLIENT_ALL, OrderType, Reason } from '../book/types.ts';
import { type AccountLimits, CollarReference, type ExchangeConfig, NO_LIMIT, type RiskConfig } from './config.ts';
import { NO_CELL } from './risk/exposures.ts';
import { Holdings } from './risk/holdings.ts';
import { LIMIT, LIMIT_FIELDS, LimitTable, type TrackedBooks } from './risk/limit_table.ts';
import { RateLimiter } from './risk/rate_limiter.ts';
import type { Account, Accounts } from './session/accounts.ts';
import type { StateReader, StateWriter } from './state_bytes.ts';

/** What has to be looked at; bits of `checks`. */
export const Check = { Rate: 1, Killed: 2, Limits: 4, Shares: 8 } as const;

/** What becomes of a request that came too soon. */
export const Pace = { Kept: 0, TooFast: 1, LogOut: 2 } as const;
export type Pace = (typeof Pace)[keyof typeof Pace];

/** An account leaves at least this part of the engine's orders to others: a 32nd. */
const ORDERS_RESERVE_SHIFT = 5;
/** It takes at most half of the levels and a quarter of the price blocks. */
const LEVELS_SHARE_SHIFT = 1;
const BLOCKS_SHARE_SHIFT = 2;
const BPS = 10_000;

export class RiskGate {
  /** Bits of Check; 0: nothing is limited and nobody is locked out. */
  checks: number;
  /** Limits or shares need what the events say: `onEvent` has to be called, and open orders are counted. */
  readonly follows: boolean;
  /** Everybody is locked out. */
  allKilled = false;
  /** Accounts locked out one by one. */
  killedCount = 0;

  readonly #engine: MatchingEngine;
  readonly #accounts: Accounts;
  #limits: LimitTable;
  #rows: Float64Array;
  #byMid: boolean;
  readonly #holdings: Holdings;
  readonly #messages: RateLimiter;
  readonly #cancels: RateLimiter;
  readonly #refusals: RateLimiter;
  // By account slot.
  readonly #row: Uint32Array;
  readonly #openOrdersMax: Float64Array;
  readonly #killed: Uint8Array;
  /** Batch in which the account last said something, and in which it last sent an order. */
  readonly #saidIn: Float64Array;
  readonly #orderedIn: Float64Array;
  /** New orders of that batch, and new places in the book: modifies too. */
  readonly #pendingOrders: Uint32Array;
  readonly #pendingPlaces: Uint32Array;
  // An account's share of what all use.
  readonly #ordersShare: number;
  readonly #levelsShare: number;
  readonly #blocksShare: number;
  #batch = 1;
  #nowNs = 0;

  constructor(config: ExchangeConfig, engine: MatchingEngine, accounts: Accounts) {
    const { risk, limits, instruments } = config;
    const slots = limits.accounts;
    this.#engine = engine;
    this.#accounts = accounts;
    this.#limits = new LimitTable(risk, instruments);
    this.#rows = this.#limits.rows;
    this.#byMid = risk.collarReference === CollarReference.Mid;
    this.checks = checksOf(this.#limits, risk);
    this.follows = this.#limits.tracksPositions || risk.fairShares;
    this.#messages = new RateLimiter(slots);
    this.#cancels = new RateLimiter(slots);
    this.#refusals = new RateLimiter(slots);
    this.#row = new Uint32Array(slots);
    this.#holdings = new Holdings(engine, accounts, slots, instruments.length, this.#limits, this.#row);
    this.#openOrdersMax = new Float64Array(slots);
    this.#killed = new Uint8Array(slots);
    this.#saidIn = new Float64Array(slots);
    this.#orderedIn = new Float64Array(slots);
    this.#pendingOrders = new Uint32Array(slots);
    this.#pendingPlaces = new Uint32Array(slots);
    const { ordersMax, levelsMax, blocksMax } = engine.room;
    this.#ordersShare = risk.fairShares ? ordersMax - (ordersMax >>> ORDERS_RESERVE_SHIFT) : Infinity;
    // Where there are as many of one as of the other, the first cannot run out alone.
    this.#levelsShare =
      risk.fairShares && levelsMax < ordersMax ? levelsMax >>> LEVELS_SHARE_SHIFT : Infinity;
    this.#blocksShare =
      risk.fairShares && blocksMax < levelsMax ? blocksMax >>> BLOCKS_SHARE_SHIFT : Infinity;
    for (const account of accounts.all()) this.admit(account);
    accounts.onAdmit = (account) => this.admit(account);
  }

  // ── accounts ───────────────────────────────────────────────────────────────────────────────

  /**
   * Other limits from now on. What has to be counted from the start must have been before:
   * positions, open orders, shares (src/apps/config.ts: they are no `reload` settings). Rates begin anew.
   */
  reconfigure({ risk, instruments }: ExchangeConfig): void {
    const limits = new LimitTable(risk, instruments);
    const follows = limits.tracksPositions || risk.fairShares;
    assert(follows === this.follows, 'whether events are followed does not change');
    this.#limits = limits;
    this.#rows = limits.rows;
    this.#holdings.rows = limits.rows;
    this.#byMid = risk.collarReference === CollarReference.Mid;
    this.checks = checksOf(limits, risk) | (this.checks & Check.Killed);
    for (const account of this.#accounts.all()) this.admit(account);
  }

  /** An account is known from now on. */
  admit({ slot, client }: Account): void {
    const limits = this.#limits.accountOf(client);
    this.#row[slot] = this.#limits.rowOf(client);
    this.#openOrdersMax[slot] = limits.openOrders === NO_LIMIT ? Infinity : limits.openOrders;
    this.#setRates(slot, limits);
  }

  /** True while the account has something that must not be forgotten: orders, a position, a lock, a used-up rate. */
  keeps({ slot }: Account): boolean {
    return (
      this.#killed[slot] !== 0 ||
      this.#holdings.openOrders[slot] !== 0 ||
      this.#saidIn[slot] === this.#batch ||
      this.#holdings.exposures?.isOpen(slot) === true ||
      !this.#messages.isFull(slot, this.#nowNs) ||
      !this.#cancels.isFull(slot, this.#nowNs) ||
      !this.#refusals.isFull(slot, this.#nowNs)
    );
  }

  /** An account that keeps nothing is known no more. */
  forget({ slot }: Account): void {
    assert(this.#killed[slot] === 0, 'who is locked out is not forgotten');
    this.#holdings.forget(slot);
    this.#saidIn[slot] = this.#orderedIn[slot] = 0;
  }

  // ── time and batches ───────────────────────────────────────────────────────────────────────

  turn(nowNs: number): void {
    this.#nowNs = nowNs;
  }

  /** The batch has been executed and all its events have been told. */
  executed(): void {
    this.#batch++;
    this.#holdings.exposures?.nextBatch();
  }

  // ── rate ───────────────────────────────────────────────────────────────────────────────────

  /** A request has come. Cancels have a budget of their own, the larger one. */
  pace({ slot }: Account, isCancel: boolean): Pace {
    const budget = isCancel ? this.#cancels : this.#messages;
    if (budget.take(slot, this.#nowNs)) return Pace.Kept;
    return this.#refusals.take(slot, this.#nowNs) ? Pace.TooFast : Pace.LogOut;
  }

  /** A log-in counts as a message; false: too many of them. */
  mayEnter({ slot }: Account): boolean {
    return this.#messages.take(slot, this.#nowNs);
  }

  // ── kill switch ────────────────────────────────────────────────────────────────────────────

  isKilled({ slot }: Account): boolean {
    return this.allKilled || this.#killed[slot] !== 0;
  }

  /** Locked out by itself, not with everybody. */
  isLockedAlone({ slot }: Account): boolean {
    return this.#killed[slot] !== 0;
  }

  /** Locks an account out, or with null everybody, until `reset`. */
  kill(account: Account | null): void {
    if (account === null) this.allKilled = true;
    else if (this.#killed[account.slot] === 0) {
      this.#killed[account.slot] = 1;
      this.killedCount++;
    }
    this.checks |= Check.Killed;
  }

  /** Lets an account in again; with null everybody, whoever had been locked out alone too. */
  reset(account: Account | null): void {
    if (account === null) {
      this.allKilled = false;
      this.#killed.fill(0);
      this.killedCount = 0;
    } else if (this.#killed[account.slot] !== 0) {
      this.#killed[account.slot] = 0;
      this.killedCount--;
    }
    if (!this.allKilled && this.killedCount === 0) this.checks &= ~Check.Killed;
  }

  // ── orders ─────────────────────────────────────────────────────────────────────────────────

  /** A request of the account goes on to the engine, whatever it is. */
  noteSaid({ slot }: Account): void {
    this.#saidIn[slot] = this.#batch;
  }

  /**
   * True when a refusal may be due to what the account itself has under way in this batch: the
   * same request could pass once that is executed.
   */
  mayChange({ slot }: Account, reason: Reason): boolean {
    return (
      this.#saidIn[slot] === this.#batch &&
      (reason === Reason.Position || reason === Reason.OpenOrders || reason === Reason.Capacity)
    );
  }

  /**
   * A valid new order for an open instrument. Reason.None: let through and reserved.
   * `ticks`: the limit, for limit and stop-limit orders; `stopTicks`: of stops.
   */
  newOrder(
    account: Account,
    book: number,
    side: number,
    orderType: number,
    ticks: number,
    stopTicks: number,
    qty: number,
  ): Reason {
    const { slot } = account;
    const row = (this.#row[slot] + book) * LIMIT_FIELDS;
    const fresh = this.#orderedIn[slot] !== this.#batch;
    const pendingOrders = fresh ? 0 : this.#pendingOrders[slot];
    const pendingPlaces = fresh ? 0 : this.#pendingPlaces[slot];
    const openOrders = this.#holdings.openOrders[slot] + pendingOrders;
    let cell = NO_CELL;
    if (this.#rows[row + LIMIT.any] !== 0) {
      const reason = this.#order(row, book, orderType, ticks, stopTicks, qty);
      if (reason !== Reason.None) return reason;
      if (this.#rows[row + LIMIT.tracked] !== 0) {
        cell = this.#holdings.cell(slot, book);
        if (cell === NO_CELL) return Reason.Capacity;
        const further = this.#position(slot, row, cell, side, qty, openOrders);
        if (further !== Reason.None) return further;
      }
    }
    if (openOrders >= this.#ordersShare) return Reason.OpenOrders;
    if (
      orderType !== OrderType.Market &&
      this.#lacksPlace(slot, pendingPlaces) &&
      !this.#standsThere(slot, pendingPlaces, book, side, orderType, ticks)
    )
      return Reason.Capacity;
    this.#orderedIn[slot] = this.#saidIn[slot] = this.#batch;
    this.#pendingOrders[slot] = pendingOrders + 1;
    this.#pendingPlaces[slot] = pendingPlaces + 1;
    if (cell !== NO_CELL) this.#reserve(cell, side, qty);
    return Reason.None;
  }

  /** A modify for an open instrument: `chainQty` is the order's total, executions included. */
  modify(
    account: Account,
    book: number,
    idLo: number,
    idHi: number,
    ticks: number,
    chainQty: number,
  ): Reason {
    const { slot } = account;
    const row = (this.#row[slot] + book) * LIMIT_FIELDS;
    const fresh = this.#orderedIn[slot] !== this.#batch;
    const pendingOrders = fresh ? 0 : this.#pendingOrders[slot];
    const pendingPlaces = fresh ? 0 : this.#pendingPlaces[slot];
    if (this.#rows[row + LIMIT.any] !== 0) {
      const reason = this.#order(row, book, OrderType.Limit, ticks, 0, chainQty);
      if (reason !== Reason.None) return reason;
    }
    if (this.#rows[row + LIMIT.tracked] !== 0 || this.#lacksPlace(slot, pendingPlaces)) {
      const reason =
        pendingOrders === 0
          ? this.#changed(account, row, book, idLo, idHi, ticks, chainQty, pendingPlaces)
          : this.#unsettled(slot, row, book, chainQty, pendingPlaces);
      if (reason !== Reason.None) return reason;
    }
    this.#orderedIn[slot] = this.#saidIn[slot] = this.#batch;
    this.#pendingOrders[slot] = pendingOrders;
    this.#pendingPlaces[slot] = pendingPlaces + 1;
    return Reason.None;
  }

  /** Whose positions are kept. */
  get tracked(): readonly TrackedBooks[] {
    return this.#limits.tracked;
  }

  // ── snapshots ──────────────────────────────────────────────────────────────────────────────

  /** What an account has, and whether it is locked out. */
  save({ slot }: Account, to: StateWriter): void {
    to.number(this.#killed[slot]);
    this.#holdings.save(slot, to);
  }

  restore(account: Account, from: StateReader): void {
    if (from.number() !== 0) this.kill(account);
    this.#holdings.restore(account.slot, from, this.follows);
  }

  // ── what it knows, for operators and tests ─────────────────────────────────────────────────

  openOrdersOf({ slot }: Account): number {
    return this.#holdings.openOrders[slot];
  }

  /** Position, or 0 where none is kept. */
  positionOf({ slot }: Account, book: number): number {
    const exposures = this.#holdings.exposures;
    const cell = exposures?.find(slot, book) ?? NO_CELL;
    return exposures === null || cell === NO_CELL ? 0 : exposures.position(cell);
  }

  /** Open quantity of a side, what is under way included; 0 where none is kept. */
  workingOf({ slot }: Account, book: number, side: number): number {
    const exposures = this.#holdings.exposures;
    const cell = exposures?.find(slot, book) ?? NO_CELL;
    return exposures === null || cell === NO_CELL ? 0 : exposures.working(cell, side);
  }

  /** Price blocks and, at most, levels that the account's orders occupy. */
  occupies({ slot }: Account): { blocks: number; levels: number } {
    const regions = this.#holdings.regions[slot];
    return { blocks: regions?.blocks ?? 0, levels: regions?.levels ?? 0 };
  }

  checkInvariants(): void {
    this.#holdings.checkInvariants();
  }

  // ── events ─────────────────────────────────────────────────────────────────────────────────

  /** An event of the engine stands at byte address `at` of its memory. For those who `follow`. */
  onEvent(at: number): void {
    this.#holdings.onEvent(at);
  }

  /** A lock (Reason.Killed) or its end, as it stands in the sequence: the operator's command has set it already, a replay learns it here. */
  onLock(client: number, reason: Reason): void {
    if (client === CLIENT_ALL) {
      if (reason === Reason.Killed) this.kill(null);
      else this.reset(null);
    } else if (reason === Reason.Killed) {
      const account = this.#accounts.open(client);
      assert(account !== null, 'there was room for who is locked out');
      this.kill(account);
    } else {
      const account = this.#accounts.find(client);
      if (account !== null) this.reset(account);
    }
  }

  // ── leaves ─────────────────────────────────────────────────────────────────────────────────

  /** What one order may be: its size, its notional, its price. */
  #order(
    row: number,
    book: number,
    orderType: number,
    ticks: number,
    stopTicks: number,
    qty: number,
  ): Reason {
    const rows = this.#rows;
    if (qty > rows[row + LIMIT.orderQty]) return Reason.OrderTooLarge;
    const priced = orderType === OrderType.Limit || orderType === OrderType.StopLimit;
    const notional = rows[row + LIMIT.notional];
    if (notional !== Infinity) {
      if (priced) {
        if (Math.abs(ticks) * qty > notional) return Reason.Notional;
      } else if (orderType === OrderType.Stop) {
        if (Math.abs(stopTicks) * qty > notional) return Reason.Notional;
      } else {
        // Without a price and without a reference nobody knows what it will cost.
        const reference2 = this.#reference2(book);
        if (reference2 === PRICE_TICKS_NONE * 2 || Math.abs(reference2) * qty > notional * 2)
          return Reason.Notional;
      }
    }
    if (!priced) return Reason.None;
    const collarTicks = rows[row + LIMIT.collarTicks];
    const collarBps = rows[row + LIMIT.collarBps];
    if (collarTicks === Infinity && collarBps === Infinity) return Reason.None;
    const reference2 = this.#reference2(book);
    if (reference2 === PRICE_TICKS_NONE * 2) return Reason.None; // somebody has to be the first
    const away2 = Math.abs(2 * ticks - reference2);
    return away2 > 2 * collarTicks || away2 * BPS > collarBps * Math.abs(reference2)
      ? Reason.Collar
      : Reason.None;
  }

  /** The position that everything open could make, then the open orders. A reducing order passes both. */
  #position(
    slot: number,
    row: number,
    cell: number,
    side: number,
    qty: number,
    openOrders: number,
  ): Reason {
    const exposed = this.#exposed(cell, side, qty);
    // At most flat with everything that reduces: opposite to the position, and all of it within.
    if (exposed <= 0) return Reason.None;
    if (exposed > this.#rows[row + LIMIT.position]) return Reason.Position;
    return openOrders >= this.#openOrdersMax[slot] ? Reason.OpenOrders : Reason.None;
  }

  /** A modify of an order that the engine knows: until its event has come, the larger of before and after counts. */
  #changed(
    account: Account,
    row: number,
    book: number,
    idLo: number,
    idHi: number,
    ticks: number,
    chainQty: number,
    pendingPlaces: number,
  ): Reason {
    const { slot } = account;
    const engine = this.#engine;
    const order = engine.orderNamed(account.client, idLo, idHi);
    // The engine says that it knows no such order, or not on this instrument.
    if (order === 0 || engine.bookOf(order) !== book) return Reason.None;
    const side = engine.sideOf(order);
    const more = chainQty - this.#chainOf(order);
    const adds = more > 0 && this.#rows[row + LIMIT.tracked] !== 0;
    const cell = adds ? this.#holdings.cell(slot, book) : NO_CELL;
    if (adds) {
      if (cell === NO_CELL) return Reason.Capacity;
      const exposed = this.#exposed(cell, side, more);
      if (exposed > 0 && exposed > this.#rows[row + LIMIT.position]) return Reason.Position;
    }
    if (
      this.#lacksPlace(slot, pendingPlaces) &&
      !this.#standsThere(slot, pendingPlaces, book, side, OrderType.Limit, ticks)
    )
      return Reason.Capacity;
    if (adds) this.#reserve(cell, side, more);
    return Reason.None;
  }

  /**
   * A modify with a new order of the account before it in the batch, which may be the one that it
   * names, on either side: all of it counts on both. Where that is too much, the batch is executed first.
   */
  #unsettled(
    slot: number,
    row: number,
    book: number,
    chainQty: number,
    pendingPlaces: number,
  ): Reason {
    if (this.#lacksPlace(slot, pendingPlaces)) return Reason.Capacity;
    const cell = this.#holdings.cell(slot, book);
    if (cell === NO_CELL) return Reason.Capacity;
    const limit = this.#rows[row + LIMIT.position];
    if (this.#exposed(cell, 1, chainQty) > limit || this.#exposed(cell, -1, chainQty) > limit)
      return Reason.Position;
    this.#reserve(cell, 1, chainQty);
    this.#reserve(cell, -1, chainQty);
    return Reason.None;
  }

  /** Executed and open: what a modify's quantity is compared with. */
  #chainOf(order: number): number {
    return this.#engine.executedOf(order) + this.#engine.openOf(order);
  }

  /** Where the account could come on a side with `qty` more there. */
  #exposed(cell: number, side: number, qty: number): number {
    const { exposures } = this.#holdings;
    assert(exposures !== null, 'positions are kept where they are limited');
    return exposures.worst(cell, side) + qty;
  }

  #reserve(cell: number, side: number, qty: number): void {
    const { exposures } = this.#holdings;
    assert(exposures !== null, 'positions are kept where they are limited');
    exposures.reserve(cell, side, qty);
  }

  /** Twice the reference price, so that a mid is whole; twice PRICE_TICKS_NONE: there is none. */
  #reference2(book: number): number {
    if (this.#byMid) {
      const { touch } = this.#engine;
      touch.readTop(book);
      const { bidTicks, askTicks } = touch;
      if (bidTicks !== PRICE_TICKS_NONE && askTicks !== PRICE_TICKS_NONE)
        return bidTicks + askTicks;
    }
    return 2 * this.#engine.lastTicks(book);
  }

  /** True when one more order at a new price would be beyond the account's share of levels or blocks. */
  #lacksPlace(slot: number, pending: number): boolean {
    const regions = this.#holdings.regions[slot];
    const levels = regions === null ? 0 : regions.levels;
    const blocks = regions === null ? 0 : regions.blocks;
    return levels + pending >= this.#levelsShare || blocks + pending >= this.#blocksShare;
  }

  /** Beyond the share of blocks an order may still join others of its account in theirs. */
  #standsThere(
    slot: number,
    pending: number,
    book: number,
    side: number,
    orderType: number,
    ticks: number,
  ): boolean {
    const regions = this.#holdings.regions[slot];
    return (
      regions !== null &&
      regions.levels + pending < this.#levelsShare &&
      orderType === OrderType.Limit &&
      regions.has(book, side, ticks)
    );
  }

  #setRates(slot: number, limits: AccountLimits): void {
    this.#messages.set(slot, limits.messagesPerSecond);
    this.#cancels.set(slot, limits.cancelsPerSecond);
    this.#refusals.set(slot, limits.refusalsPerSecond);
  }

}

function checksOf(limits: LimitTable, risk: RiskConfig): number {
  return (
    (limits.limitsRate ? Check.Rate : 0) |
    (limits.limitsOrders ? Check.Limits : 0) |
    (risk.fairShares ? Check.Shares : 0)
  );
}
