// The operator's language: one command a line in, one answer a line out, JSON both. No input or output
// of its own (operator_channel.ts has that).
//
//   {"token":"…","command":"kill","client":7}      ─► {"ok":true,"result":{…}}
//   {"token":"…","command":"halt","ticker":1,"id":3} ─► {"id":3,"ok":true,"result":{…}}
//   anything else                                  ─► {"ok":false,"error":"…: expected …, was …"}
//
// Every line has the token, so a line means the same wherever it stands. A wrong one is answered, and
// ends its connection. Whatever comes, from whomever, is an answer: nothing here throws at its caller.
// What is done, and what is refused, is told to the listener in words.
import { State } from '../book/types.ts';
import type { Controls } from './controls.ts';

/** An operator's request is short. */
export const LINE_BYTES_MAX = 1_024;

export interface OperatorAnswer {
  /** One line of JSON, without its end. */
  readonly text: string;
  /** False: whoever said this does not know the token. */
  readonly trusted: boolean;
}

/** Told of every command, done or refused. */
export type OperatorLog = (what: string) => void;

/** Whom or what a command is about. */
const Subject = { Client: 'client', Ticker: 'ticker', None: '' } as const;
type Subject = (typeof Subject)[keyof typeof Subject];

interface OperatorCommand {
  readonly subject: Subject;
  /** `all: true` instead of one. */
  readonly mayAll: boolean;
  readonly help: string;
}

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

/** What came, checked. */
interface Asked {
  readonly command: string;
  /** null: all. */
  readonly target: number | null;
}

/** A fault of what was asked; its message is the answer. */
class AskedWrongly extends Error {
  override readonly name = 'AskedWrongly';
}

export class Operator {
  readonly #controls: Controls;
  readonly #token: string;
  readonly #figures: () => object;
  readonly #log: OperatorLog;

  /** `figures`: what `status` says beside instruments and locks. */
  constructor(controls: Controls, token: string, figures: () => object, log: OperatorLog) {
    this.#controls = controls;
    this.#token = token;
    this.#figures = figures;
    this.#log = log;
  }

  /** Does what a line says. */
  answer(line: string, peer: string): OperatorAnswer {
    let fields: Readonly<Record<string, unknown>> = {};
    let done = 'a line';
    let trusted = false;
    try {
      fields = fieldsOf(line);
      trusted = this.#knows(fields['token']);
      if (!trusted) throw new AskedWrongly("token: expected the exchange's");
      const asked = askedOf(fields);
      done = wordsOf(asked);
      const result = this.#do(asked);
      this.#log(`${peer}: ${done}`);
      return { text: answerText(fields, { result }), trusted: true };
    } catch (error) {
      // Of our own faults only those that say what was asked wrongly.
      if (!(error instanceof AskedWrongly || error instanceof RangeError)) throw error;
      this.#log(`${peer}: refused: ${done}: ${error.message}`);
      return { text: answerText(fields, { error: error.message }), trusted };
    }
  }

  /** Only text can be the token: what else JSON can say must not be asked for its text. */
  #knows(token: unknown): boolean {
    return typeof token === 'string' && sameText(token, this.#token);
  }

  #do({ command, target }: Asked): object {
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

function fieldsOf(line: string): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    throw new AskedWrongly('expected one JSON object a line');
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new AskedWrongly('expected one JSON object a line');
  return value as Record<string, unknown>;
}

function askedOf(fields: Readonly<Record<string, unknown>>): Asked {
  const { command } = fields;
  if (typeof command !== 'string' || !Object.hasOwn(OPERATOR_COMMANDS, command)) {
    const known = Object.keys(OPERATOR_COMMANDS).join(', ');
    throw new AskedWrongly(`command: expected one of ${known}, was ${shown(command)}`);
  }
  const { subject, mayAll } = OPERATOR_COMMANDS[command];
  const known = ['id', 'token', 'command', subject, mayAll ? 'all' : ''];
  for (const name of Object.keys(fields))
    if (!known.includes(name)) throw new AskedWrongly(`${shown(name)}: ${command} knows no such field`);
  if (subject === Subject.None) return { command, target: null };
  const target = fields[subject];
  if (mayAll && fields['all'] === true && target === undefined) return { command, target: null };
  if (fields['all'] !== undefined && target !== undefined)
    throw new AskedWrongly(`${command}: expected ${subject} or all, were both`);
  if (typeof target !== 'number' || !Number.isInteger(target) || target < 0 || target > 0xffff_fffe) {
    const all = mayAll ? ', or "all": true' : '';
    throw new AskedWrongly(`${subject}: expected a number 0 to 4294967294${all}, was ${shown(target)}`);
  }
  return { command, target };
}

function answerText(fields: Readonly<Record<string, unknown>>, rest: { error: string } | { result: object }): string {
  const { id } = fields;
  const named = typeof id === 'string' || typeof id === 'number' ? { id } : {};
  return JSON.stringify({ ...named, ok: 'result' in rest, ...rest });
}

function wordsOf({ command, target }: Asked): string {
  const { subject } = OPERATOR_COMMANDS[command];
  if (subject === Subject.None) return command;
  return `${command} ${target === null ? 'all' : `${subject} ${target}`}`;
}

/** What came, for people and logs: short, and nothing in it but itself. */
function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? 'nothing';
  return text.length > 40 ? `${text.slice(0, 40)}…` : text;
}

/** Takes as long whatever is equal. */
export function sameText(a: string, b: string): boolean {
  let different = a.length ^ b.length;
  for (let i = 0; i < b.length; i++) different |= b.charCodeAt(i) ^ (i < a.length ? a.charCodeAt(i) : 0);
  return different === 0;
}
