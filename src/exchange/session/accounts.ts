// Who trades here: one account per client id, found by client id on the way of every event.
//
//   clients  open addressing, linear probing:  slot → account, null = free        load ≤ 1/2
//
// An account that comes from the configuration or from a `soup` log-in stays: it owns a log at
// which it can resume. One that a bare or sequenced connection named lives as long as that
// connection.
// Cost: a look-up is a multiplication and about one load. Limits: `accountsMax`, refused beyond.
import { assert } from '../../base/assert.ts';
import type { AccountConfig } from '../config.ts';
import type { Answers } from './answers.ts';
import type { OutboundLog } from './outbound_log.ts';
import type { Session } from './session.ts';

/** Multiplicative hashing: 2^32 divided by the golden ratio. */
const HASH_FACTOR = 0x9e37_79b1;

export class Account {
  readonly client: number;
  /** Its place in tables by account, below `limits.accounts`; given to another when it is removed. */
  readonly slot: number;
  /** From the configuration; null where the client named itself. */
  readonly config: AccountConfig | null;
  readonly cancelOnDisconnect: boolean;
  /** Its connection, if there is one. */
  session: Session | null = null;
  /** What is sent to it; null: nobody is connected and nothing is kept. */
  log: OutboundLog | null = null;
  /** The log at which it can resume: that of its `soup` sessions. */
  kept: OutboundLog | null = null;
  /** Where `kept` answers its last new orders; null where order ids need not rise. */
  answers: Answers | null = null;
  /** Highest order id it has used, as halves; −1: none yet. */
  orderHigh = -1;
  orderLow = -1;
  /** It has had a connection since the start. */
  hasReturned = false;
  /** Without a connection, and asked now and then whether it can be forgotten. */
  leaving = false;
  /** In the list of those with something to send. */
  listed = false;

  constructor(
    client: number,
    slot: number,
    config: AccountConfig | null,
    cancelOnDisconnect: boolean,
  ) {
    this.client = client;
    this.slot = slot;
    this.config = config;
    this.cancelOnDisconnect = config?.cancelOnDisconnect ?? cancelOnDisconnect;
  }

  /** The group it may trade under, beside its own client id. */
  get owner(): number | null {
    return this.config?.owner ?? null;
  }

  /** Takes note of an order id; false when it is not above all before. */
  raise(orderLo: number, orderHi: number): boolean {
    if (orderHi < this.orderHigh || (orderHi === this.orderHigh && orderLo <= this.orderLow))
      return false;
    this.orderHigh = orderHi;
    this.orderLow = orderLo;
    return true;
  }
}

export class Accounts {
  readonly #max: number;
  readonly #slots: (Account | null)[];
  readonly #shift: number;
  readonly #byUser = new Map<string, AccountConfig>();
  readonly #cancelOnDisconnect: boolean;
  /** Told of each account before anybody else sees it. */
  onAdmit: (account: Account) => void = () => {};
  readonly #freeSlots: number[] = [];
  #count = 0;

  constructor(
    configured: readonly AccountConfig[],
    accountsMax: number,
    cancelOnDisconnect: boolean,
  ) {
    assert(
      accountsMax > 0 && configured.length <= accountsMax,
      'there is room for the configured accounts',
    );
    this.#max = accountsMax;
    this.#cancelOnDisconnect = cancelOnDisconnect;
    let bits = 4;
    while (1 << bits < accountsMax * 2) bits++;
    this.#slots = new Array<Account | null>(1 << bits).fill(null);
    this.#shift = 32 - bits;
    for (const config of configured) {
      assert(!this.#byUser.has(config.user), 'user names of accounts differ');
      assert(this.find(config.client) === null, 'client ids of accounts differ');
      this.#byUser.set(config.user, config);
      this.#put(new Account(config.client, this.#count, config, cancelOnDisconnect));
    }
  }

  get count(): number {
    return this.#count;
  }

  /** True when users and passwords are configured, so that nobody may name himself on `soup`. */
  get configured(): boolean {
    return this.#byUser.size > 0;
  }

  /** Every account; for operators. */
  *all(): Generator<Account> {
    for (const account of this.#slots) if (account !== null) yield account;
  }

  find(client: number): Account | null {
    const slots = this.#slots;
    const mask = slots.length - 1;
    for (let i = this.#home(client); ; i = (i + 1) & mask) {
      const account = slots[i];
      if (account === null || account.client === client) return account;
    }
  }

  ofUser(user: string): AccountConfig | undefined {
    return this.#byUser.get(user);
  }

  /** The account of a client that names itself; null: no room for one more. */
  open(client: number): Account | null {
    const known = this.find(client);
    if (known !== null) return known;
    if (this.#count === this.#max) return null;
    const slot = this.#freeSlots.pop() ?? this.#count;
    const account = this.#put(new Account(client, slot, null, this.#cancelOnDisconnect));
    this.onAdmit(account);
    return account;
  }

  /** Forgets an account without a configuration. */
  remove(account: Account): void {
    assert(
      account.config === null && account.session === null,
      'only accounts that live by a connection are removed',
    );
    const slots = this.#slots;
    const mask = slots.length - 1;
    let hole = this.#home(account.client);
    while (slots[hole] !== account) hole = (hole + 1) & mask;
    slots[hole] = null;
    this.#count--;
    this.#freeSlots.push(account.slot);
    // Those behind the hole that would not be found any more move into it.
    for (let i = (hole + 1) & mask; slots[i] !== null; i = (i + 1) & mask) {
      const other = slots[i] as Account;
      const home = this.#home(other.client);
      if (((i - home) & mask) >= ((i - hole) & mask)) {
        slots[hole] = other;
        slots[i] = null;
        hole = i;
      }
    }
  }

  #home(client: number): number {
    return Math.imul(client, HASH_FACTOR) >>> this.#shift;
  }

  #put(account: Account): Account {
    const slots = this.#slots;
    const mask = slots.length - 1;
    let i = this.#home(account.client);
    while (slots[i] !== null) i = (i + 1) & mask;
    slots[i] = account;
    this.#count++;
    return account;
  }
}
