// What an operator of an exchange can have done: the commands, and the controls that they move.
import { State } from '../book/types.ts';
import type { Controls } from './controls.ts';
import { type Asked, type CommandSet, type OperatorCommand, Subject } from './operator.ts';

export const OPERATOR_COMMANDS: Readonly<Record<string, OperatorCommand>> = {
  kill: { subject: Subject.Client, mayAll: true, help: 'cancel all orders and lock out until reset' },
  reset: { subject: Subject.Client, mayAll: true, help: 'let in again' },
  halt: { subject: Subject.Ticker, mayAll: true, help: 'take cancels only' },
  open: { subject: Subject.Ticker, mayAll: true, help: 'trade' },
  close: { subject: Subject.Ticker, mayAll: true, help: 'end the day: day orders are cancelled' },
  logout: { subject: Subject.Client, mayAll: false, help: 'end a session' },
  sessions: { subject: Subject.None, mayAll: false, help: 'who is connected' },
  status: { subject: Subject.None, mayAll: false, help: 'instruments, locks, counters' },
};

const STATE_NAMES: Readonly<Record<State, string>> = {
  [State.Open]: 'open',
  [State.Halted]: 'halted',
  [State.Closed]: 'closed',
};

export class ExchangeCommands implements CommandSet {
  readonly whose = "the exchange's";
  readonly commands = OPERATOR_COMMANDS;
  readonly #controls: Controls;
  readonly #figures: () => object;

  /** `figures`: what `status` says beside instruments and locks. */
  constructor(controls: Controls, figures: () => object) {
    this.#controls = controls;
    this.#figures = figures;
  }

  do({ command, target }: Asked): object {
    const controls = this.#controls;
    switch (command) {
      case 'kill':
        controls.kill(target);
        return controls.locked;
      case 'reset':
        controls.reset(target);
        return controls.locked;
      case 'halt':
        return this.#setState(target, State.Halted);
      case 'open':
        return this.#setState(target, State.Open);
      case 'close':
        return this.#setState(target, State.Closed);
      case 'logout':
        return { ended: controls.logout(target ?? 0) };
      case 'sessions':
        return controls.sessions;
      default:
        return { ...this.#figures(), locked: controls.locked, instruments: this.#instruments() };
    }
  }

  #setState(ticker: number | null, state: State): object {
    this.#controls.setState(ticker, state);
    return { instruments: this.#instruments() };
  }

  #instruments(): object[] {
    return this.#controls.states.map(({ ticker, symbol, state }) => ({
      ticker,
      symbol,
      state: STATE_NAMES[state],
    }));
  }
}
