// What an operator does to a running exchange: lock out, let in again, halt, open, close, log out, look.
//
//   operator's channel, or the program that holds the Exchange ─► Controls ─► sequencer: commands, in sequence
//                                                                        └──► risk gate: locks, at once
//
// A lock is two command slots: a mass cancel with reason 20, and a Reject that answers no request, which
// tells the client and stands for the lock wherever the slots are executed again. From the moment of the
// call no new order of the account passes; cancels still do. It holds over reconnects, until `reset`.
//
// Called between turns, or in a turn before its requests are taken: what it does takes effect before
// everything that arrives later. Nothing here is on the path of a request.
import { CLIENT_ALL, Reason, State } from '../book/types.ts';
import { CLIENT_NONE } from '../wire/generated/native.ts';
import { CloseReason } from './counters.ts';
import type { Gateway } from './gateway.ts';
import { BOOK_UNKNOWN, type InstrumentTable } from './instruments.ts';
import type { RiskGate } from './risk_gate.ts';
import type { Sequencer } from './sequencer.ts';
import type { Account, Accounts } from './session/accounts.ts';

/** A session as operators see it. */
export interface SessionView {
  readonly client: number;
  readonly peer: string;
  readonly framing: string;
  /** null: nobody counts them here. */
  readonly openOrders: number | null;
  readonly locked: boolean;
  readonly unreadBytes: number;
}

export class Controls {
  readonly #sequencer: Sequencer;
  readonly #gate: RiskGate;
  readonly #gateway: Gateway;
  readonly #accounts: Accounts;
  readonly #instruments: InstrumentTable;
  readonly #changed: () => void;

  /** `changed`: there is something to do for the exchange, which may be at rest. */
  constructor(sequencer: Sequencer, gate: RiskGate, gateway: Gateway, instruments: InstrumentTable, changed: () => void) {
    this.#sequencer = sequencer;
    this.#gate = gate;
    this.#gateway = gateway;
    this.#accounts = gateway.accounts;
    this.#instruments = instruments;
    this.#changed = changed;
  }

  /** Cancels all orders of a client and locks it out; with null everybody. */
  kill(client: number | null): void {
    const account = client === null ? null : this.#known(client);
    this.#gate.kill(account);
    this.#sequencer.cancelAll(client ?? CLIENT_ALL, Reason.Killed);
    this.#sequencer.lock(client ?? CLIENT_ALL, Reason.Killed);
    this.#changed();
  }

  /** Lets a client in again; with null everybody, whoever was locked out alone too. */
  reset(client: number | null): void {
    const account = client === null ? null : this.#known(client);
    this.#gate.reset(account);
    this.#sequencer.lock(client ?? CLIENT_ALL, Reason.None);
    if (account !== null) this.#gateway.letGo(account);
    this.#changed();
  }

  /** Opens, halts or closes an instrument; with null all of them. */
  setState(ticker: number | null, state: State): void {
    if (ticker !== null) this.#sequencer.setState(this.#bookOf(ticker), state);
    else for (let book = 0; book < this.#instruments.count; book++) this.#sequencer.setState(book, state);
    this.#changed();
  }

  /** Ends a client's session; false: it has none. */
  logout(client: number): boolean {
    const session = this.#accounts.find(client)?.session ?? null;
    if (session === null) return false;
    this.#gateway.close(session, CloseReason.Operator, 'by the operator');
    this.#changed();
    return true;
  }

  /** Clients that are locked out one by one; and whether everybody is. */
  get locked(): { all: boolean; clients: number[] } {
    const clients = [...this.#accounts.all()].filter((account) => this.#gate.isLockedAlone(account));
    return { all: this.#gate.allKilled, clients: clients.map(({ client }) => client) };
  }

  /** State of every instrument, after all commands so far. */
  get states(): { ticker: number; symbol: string; state: State }[] {
    return this.#instruments.list.map(({ ticker, symbol }, book) => ({
      ticker,
      symbol,
      state: this.#sequencer.stateOf(book),
    }));
  }

  /** Instruments that take cancels only. */
  get halted(): number {
    let halted = 0;
    for (let book = 0; book < this.#instruments.count; book++) if (this.#sequencer.stateOf(book) === State.Halted) halted++;
    return halted;
  }

  /** Who is connected and logged in. */
  get sessions(): SessionView[] {
    return [...this.#accounts.all()]
      .filter(({ session }) => session !== null)
      .map((account) => ({
        client: account.client,
        peer: account.session?.connection.peer ?? '',
        framing: account.session?.decoder?.framing ?? '',
        openOrders: this.#gate.follows ? this.#gate.openOrdersOf(account) : null,
        locked: this.#gate.isKilled(account),
        unreadBytes: account.session?.pendingBytes ?? 0,
      }));
  }

  /** A client may be locked out before it has ever been here. */
  #known(client: number): Account {
    if (!Number.isInteger(client) || client < 0 || client >= CLIENT_NONE)
      throw new RangeError(`client: expected 0 to ${CLIENT_NONE - 1}, was ${client}`);
    const account = this.#gateway.accountOf(client);
    if (account === null)
      throw new RangeError(`client ${client}: there is no room for one more account`);
    return account;
  }

  #bookOf(ticker: number): number {
    const book = this.#instruments.bookOf(ticker);
    if (book !== BOOK_UNKNOWN) return book;
    const known = [...this.#instruments.tickers].join(', ');
    throw new RangeError(`ticker: expected one of ${known}, was ${ticker}`);
  }
}
