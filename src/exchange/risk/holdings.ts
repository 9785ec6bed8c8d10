// What accounts have, as the engine's events say: open orders, positions and open quantities where they
// are limited, and the price blocks in which their orders stand.
//
//   accepted ─► one order more, its quantity open       rests ─► in its price's block
//   trade    ─► taker and maker: open became position    0 left ─► one order less, out of its block
//   canceled, reduced, replaced ─► open quantity changes           out of the old block, into the new one
//
// It follows from events alone: whoever tells the same events again, from a journal, has the same. There
// is no map of orders: an event says its order's side, quantities and price, a replace what was open before.
//
// Cost: one or two look-ups an event. Every subtraction is asserted not to go below zero.
import { assert } from '../../base/assert.ts';
import type { MatchingEngine } from '../../book/matching_engine.ts';
import { Ev, EVENT, EvFlag, OrderType } from '../../book/types.ts';
import type { Accounts } from '../session/accounts.ts';
import type { StateReader, StateWriter } from '../state_bytes.ts';
import { Exposures, NO_CELL } from './exposures.ts';
import { LIMIT, LIMIT_FIELDS, type LimitTable } from './limit_table.ts';
import { PriceRegions } from './price_regions.ts';

/** Words of an event slot. */
const WORD = {
  price: EVENT.price / 4,
  qty: EVENT.qty / 4,
  client: EVENT.client / 4,
  makerClient: EVENT.makerClient / 4,
  /** replaced: the old price. */
  oldPrice: EVENT.makerClient / 4,
  /** replaced: the old open quantity, displayed and hidden. */
  oldDisplayed: EVENT.makerId / 4,
  oldHidden: EVENT.makerId / 4 + 1,
  leaves: EVENT.leaves / 4,
  displayed: EVENT.displayed / 4,
  makerLeaves: EVENT.displayed / 4,
} as const;

export class Holdings {
  /** Live orders by account slot, waiting stops included. */
  readonly openOrders: Uint32Array;
  /** null: nobody's position is limited. */
  readonly exposures: Exposures | null;
  /** By account slot; null: it never had an order at rest. */
  readonly regions: (PriceRegions | null)[];
  /** The limits' rows, and the first one of each account: they say whose positions are kept. */
  rows: Float64Array;
  readonly #row: Uint32Array;
  readonly #engine: MatchingEngine;
  readonly #accounts: Accounts;
  /** The next `rested` event is an iceberg's next part, which stands in the book already. */
  #refreshing = false;

  constructor(
    engine: MatchingEngine,
    accounts: Accounts,
    accountsMax: number,
    books: number,
    limits: LimitTable,
    row: Uint32Array,
  ) {
    this.#engine = engine;
    this.#accounts = accounts;
    this.rows = limits.rows;
    this.#row = row;
    this.openOrders = new Uint32Array(accountsMax);
    this.exposures = limits.tracksPositions ? new Exposures(accountsMax, books) : null;
    this.regions = new Array<PriceRegions | null>(accountsMax).fill(null);
  }

  /** The cell of an account on an instrument, made where there is none; NO_CELL: no room. */
  cell(slot: number, book: number): number {
    return this.exposures === null ? NO_CELL : this.exposures.open(slot, book);
  }

  /** An account that has nothing is known no more. */
  forget(slot: number): void {
    assert(this.openOrders[slot] === 0, 'an account that is forgotten has no orders');
    this.exposures?.drop(slot);
    this.regions[slot] = null;
  }

  /** What an account has, for a snapshot. */
  save(slot: number, to: StateWriter): void {
    to.number(this.openOrders[slot]);
    to.array(this.regions[slot]?.save() ?? new Float64Array(0));
    to.array(this.exposures?.save(slot) ?? new Float64Array(0));
  }

  /**
   * What a snapshot says of an account, as far as it is kept here: what is kept no more would not be
   * followed, and be wrong after the next event. `follows`: events will be.
   */
  restore(slot: number, from: StateReader, follows: boolean): void {
    const openOrders = from.number();
    const regions = from.float64s();
    const cells = from.float64s();
    if (!follows) return;
    this.openOrders[slot] = openOrders;
    if (regions.length > 0) this.#regionsOf(slot).restore(regions);
    this.exposures?.restore(slot, cells, (book) => this.#isTracked(slot, book));
  }

  checkInvariants(): void {
    this.exposures?.checkInvariants();
    for (const regions of this.regions) regions?.checkInvariants();
  }

  /** An event stands at byte address `at` of the engine's memory. */
  onEvent(at: number): void {
    const word = at >>> 2;
    switch (this.#engine.u8[at]) {
      case Ev.Accepted:
        return this.#onAccepted(at, word);
      case Ev.Trade:
        return this.#onTrade(at, word);
      case Ev.Canceled:
        return this.#onCanceled(at, word);
      case Ev.Replaced:
        return this.#onReplaced(at, word);
      case Ev.Reduced:
        return this.#onReduced(at, word);
      case Ev.Triggered:
        return this.#regionsOf(this.#slotAt(word + WORD.client)).leaveStop();
      case Ev.Rested:
        return this.#onRested(at, word);
      case Ev.Displayed:
        this.#refreshing = false;
        return;
      default:
        return;
    }
  }

  #onAccepted(at: number, word: number): void {
    const { u8, u32, i32 } = this.#engine;
    const slot = this.#slotAt(word + WORD.client);
    const side = sideOf(u8[at + EVENT.side]);
    const book = this.#bookAt(at);
    this.openOrders[slot]++;
    const cell = this.#trackedCell(slot, book);
    if (cell !== NO_CELL) this.exposures?.changeOpen(cell, side, u32[word + WORD.qty]);
    if ((u8[at + EVENT.flags] & EvFlag.Rests) !== 0)
      this.#regionsOf(slot).enter(book, side, i32[word + WORD.price]);
    else if (isStop(u8[at + EVENT.orderType])) this.#regionsOf(slot).enterStop();
  }

  #onTrade(at: number, word: number): void {
    const { u8, u32, i32 } = this.#engine;
    const side = sideOf(u8[at + EVENT.side]);
    const book = this.#bookAt(at);
    const qty = u32[word + WORD.qty];
    const taker = this.#slotAt(word + WORD.client);
    const maker = this.#slotAt(word + WORD.makerClient);
    const takerCell = this.#trackedCell(taker, book);
    if (takerCell !== NO_CELL) this.exposures?.trade(takerCell, side, qty);
    const makerCell = this.#trackedCell(maker, book);
    if (makerCell !== NO_CELL) this.exposures?.trade(makerCell, -side, qty);
    if (u32[word + WORD.leaves] === 0) this.#ended(taker);
    if (u32[word + WORD.makerLeaves] === 0) {
      this.#ended(maker);
      this.#regionsOf(maker).leave(book, -side, i32[word + WORD.price]);
    }
    this.#refreshing = (u8[at + EVENT.flags] & EvFlag.Iceberg) !== 0;
  }

  #onCanceled(at: number, word: number): void {
    const { u8, u32, i32 } = this.#engine;
    const slot = this.#slotAt(word + WORD.client);
    const side = sideOf(u8[at + EVENT.side]);
    const book = this.#bookAt(at);
    this.#ended(slot);
    const cell = this.#trackedCell(slot, book);
    if (cell !== NO_CELL) this.exposures?.changeOpen(cell, side, -u32[word + WORD.qty]);
    if ((u8[at + EVENT.flags] & EvFlag.Resting) !== 0)
      this.#regionsOf(slot).leave(book, side, i32[word + WORD.price]);
    else if (isStop(u8[at + EVENT.orderType])) this.#regionsOf(slot).leaveStop();
  }

  #onReplaced(at: number, word: number): void {
    const { u8, u32, i32 } = this.#engine;
    const slot = this.#slotAt(word + WORD.client);
    const side = sideOf(u8[at + EVENT.side]);
    const book = this.#bookAt(at);
    const flags = u8[at + EVENT.flags];
    const oldOpen = u32[word + WORD.oldDisplayed] + u32[word + WORD.oldHidden];
    const cell = this.#trackedCell(slot, book);
    if (cell !== NO_CELL) this.exposures?.changeOpen(cell, side, u32[word + WORD.qty] - oldOpen);
    if ((flags & EvFlag.Kept) !== 0) return;
    const regions = this.#regionsOf(slot);
    regions.leave(book, side, i32[word + WORD.oldPrice]);
    if ((flags & EvFlag.Rests) !== 0) regions.enter(book, side, i32[word + WORD.price]);
  }

  #onReduced(at: number, word: number): void {
    const { u8, u32 } = this.#engine;
    const slot = this.#slotAt(word + WORD.client);
    const cell = this.#trackedCell(slot, this.#bookAt(at));
    if (cell !== NO_CELL)
      this.exposures?.changeOpen(cell, sideOf(u8[at + EVENT.side]), -u32[word + WORD.qty]);
    // A resting iceberg whose visible part is used up shows its next one.
    this.#refreshing =
      (u8[at + EVENT.flags] & EvFlag.Resting) !== 0 && u32[word + WORD.displayed] === 0;
  }

  #onRested(at: number, word: number): void {
    if (this.#refreshing) {
      this.#refreshing = false;
      return;
    }
    const { u8, i32 } = this.#engine;
    this.#regionsOf(this.#slotAt(word + WORD.client)).enter(
      this.#bookAt(at),
      sideOf(u8[at + EVENT.side]),
      i32[word + WORD.price],
    );
  }

  #ended(slot: number): void {
    assert(this.openOrders[slot] > 0, 'an order that ends was counted');
    this.openOrders[slot]--;
  }

  #isTracked(slot: number, book: number): boolean {
    return this.rows[(this.#row[slot] + book) * LIMIT_FIELDS + LIMIT.tracked] !== 0;
  }

  /** The cell where positions are kept; NO_CELL elsewhere. */
  #trackedCell(slot: number, book: number): number {
    if (!this.#isTracked(slot, book)) return NO_CELL;
    const cell = this.cell(slot, book);
    assert(cell !== NO_CELL, 'an account that was let through has a cell');
    return cell;
  }

  #slotAt(word: number): number {
    // Known while it has orders; made here only where events of another life are told again.
    const account = this.#accounts.open(this.#engine.u32[word]);
    assert(account !== null, 'there is room for every account that has orders');
    return account.slot;
  }

  #bookAt(at: number): number {
    return this.#engine.u16[(at + EVENT.book) >>> 1];
  }

  #regionsOf(slot: number): PriceRegions {
    return (this.regions[slot] ??= new PriceRegions());
  }
}

function sideOf(byte: number): number {
  return (byte << 24) >> 24;
}

function isStop(orderType: number): boolean {
  return orderType === OrderType.Stop || orderType === OrderType.StopLimit;
}
