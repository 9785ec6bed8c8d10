// What every account has traded, by the exchange's own events: the truth that the clients' views are
// compared with.
//
//   trade event ─► taker:  position + side · qty, cash − side · price · qty ─┐
//              └─► maker:  the opposite                                     ─┴─► a point in its history
//
// A client knows what the responses up to some sequence have told it, and that is a moment of its own.
// So each account keeps the last POINTS_MAX states with the sequence of the response that told of
// each; `at` looks one up. Positions over all accounts sum to zero at any moment, and so does cash:
// there are no fees.
//
// One instrument. Cash in price units × quantity, exact below 2^53, asserted. Cost: some ten stores a
// side of a trade, no allocation once an account is known; an account takes 1.5 MiB.
import { assert } from '../base/assert.ts';
import { Ev, EVENT } from '../book/types.ts';
import type { MatchingEngine } from '../book/matching_engine.ts';

/** Some seconds of the busiest account, and a power of two. */
const POINTS_MAX = 1 << 16;

/** An account at one moment. */
export interface AccountState {
  readonly client: number;
  /** Of the last response that is counted. */
  readonly sequence: number;
  readonly position: number;
  /** In price units × quantity. */
  readonly cash: number;
  readonly fills: number;
}

/** Over all accounts. */
export interface LedgerSums {
  readonly accounts: number;
  readonly position: number;
  readonly cash: number;
  readonly trades: number;
}

class AccountHistory {
  readonly client: number;
  position = 0;
  cash = 0;
  /** Points written. */
  count = 0;
  // Filled, so that all of it is there from the first trade on: taken page by page it looked like a leak for ten minutes.
  readonly #sequences = new Float64Array(POINTS_MAX).fill(0);
  readonly #positions = new Float64Array(POINTS_MAX).fill(0);
  readonly #cash = new Float64Array(POINTS_MAX).fill(0);

  constructor(client: number) {
    this.client = client;
  }

  /** A fill of which the response `sequence` tells. */
  fill(side: number, price: number, qty: number, sequence: number): void {
    this.position += side * qty;
    this.cash -= side * price * qty;
    assert(Number.isSafeInteger(this.cash), 'cash is exact');
    const slot = this.count++ & (POINTS_MAX - 1);
    this.#sequences[slot] = sequence;
    this.#positions[slot] = this.position;
    this.#cash[slot] = this.cash;
  }

  /** The state that the responses up to `sequence` tell of; null: not kept any more. */
  at(sequence: number): AccountState | null {
    const first = Math.max(0, this.count - POINTS_MAX);
    let low = first - 1; // the last point that is known to be told
    let high = this.count; // the first that is known not to be
    while (high - low > 1) {
      const middle = (low + high) >>> 1;
      if (this.#sequences[middle & (POINTS_MAX - 1)] <= sequence) low = middle;
      else high = middle;
    }
    if (low < first && first > 0) return null;
    const slot = low & (POINTS_MAX - 1);
    const none = low < 0;
    return {
      client: this.client, sequence, fills: low + 1,
      position: none ? 0 : this.#positions[slot], cash: none ? 0 : this.#cash[slot],
    };
  }
}

export class AccountLedger {
  trades = 0;
  readonly #engine: MatchingEngine;
  readonly #tickUnits: number;
  readonly #sequenceOf: (client: number) => number;
  readonly #accounts = new Map<number, AccountHistory>();

  /** `sequenceOf`: of the last response written for a client. */
  constructor(
    engine: MatchingEngine, tickUnits: number, sequenceOf: (client: number) => number,
  ) {
    this.#engine = engine;
    this.#tickUnits = tickUnits;
    this.#sequenceOf = sequenceOf;
  }

  /** The exchange's listener: an event stands at `at`, its responses have been written. */
  onEvent(at: number): void {
    const { u8, u32, i32 } = this.#engine;
    if (u8[at] !== Ev.Trade) return;
    this.trades++;
    const word = at >>> 2;
    const side = (u8[at + EVENT.side] << 24) >> 24;
    const price = i32[word + EVENT.price / 4] * this.#tickUnits;
    const qty = u32[word + EVENT.qty / 4];
    const taker = u32[word + EVENT.client / 4];
    const maker = u32[word + EVENT.makerClient / 4];
    // The taker is told before the maker, also where both are the same.
    const told = this.#sequenceOf(taker);
    this.#of(taker).fill(side, price, qty, taker === maker ? told - 1 : told);
    this.#of(maker).fill(-side, price, qty, this.#sequenceOf(maker));
  }

  /** What `client` has after the responses up to `sequence`; null: that is too long ago. */
  at(client: number, sequence: number): AccountState | null {
    const account = this.#accounts.get(client);
    if (account === undefined) return { client, sequence, position: 0, cash: 0, fills: 0 };
    return account.at(sequence);
  }

  sums(): LedgerSums {
    let position = 0;
    let cash = 0;
    for (const account of this.#accounts.values()) {
      position += account.position;
      cash += account.cash;
    }
    return { accounts: this.#accounts.size, position, cash, trades: this.trades };
  }

  #of(client: number): AccountHistory {
    let account = this.#accounts.get(client);
    if (account === undefined) {
      account = new AccountHistory(client);
      this.#accounts.set(client, account);
    }
    return account;
  }
}
