// The operator's language: one command a line in, one answer a line out, JSON both. No input or output
// of its own (operator_channel.ts has that), and no commands: whoever listens brings his own (exchange_commands.ts;
// src/apps/trader_control.ts).
//
//   {"token":"…","command":"kill","client":7}      ─► {"ok":true,"result":{…}}
//   {"token":"…","command":"halt","ticker":1,"id":3} ─► {"id":3,"ok":true,"result":{…}}
//   anything else                                  ─► {"ok":false,"error":"…: expected …, was …"}
//
// Every line has the token, so a line means the same wherever it stands. A wrong one is answered, and
// ends its connection. Whatever comes, from whomever, is an answer: nothing here throws at its caller.
// What is done, and what is refused, is told to the listener in words.
import { sameText } from '../base/constant_time.ts';

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
export const Subject = { Client: 'client', Ticker: 'ticker', None: '' } as const;
export type Subject = (typeof Subject)[keyof typeof Subject];

export interface OperatorCommand {
  readonly subject: Subject;
  /** `all: true` instead of one. */
  readonly mayAll: boolean;
  readonly help: string;
  /** Further whole numbers that may be said, with what they are. */
  readonly numbers?: Readonly<Record<string, string>>;
}

/** What came, checked. */
export interface Asked {
  readonly command: string;
  /** null: all, or nobody. */
  readonly target: number | null;
  /** Of the command's `numbers` those that were said. */
  readonly numbers: Readonly<Record<string, number>>;
}

/** What an operator can have done here. */
export interface CommandSet {
  /** "the exchange's": whose token it has to be. */
  readonly whose: string;
  readonly commands: Readonly<Record<string, OperatorCommand>>;
  /** Does it and returns what the answer tells; a RangeError says why not. */
  do(asked: Asked): object;
}

/** A fault of what was asked; its message is the answer. */
class AskedWrongly extends Error {
  override readonly name = 'AskedWrongly';
}

export class Operator {
  readonly #set: CommandSet;
  readonly #token: string;
  readonly #log: OperatorLog;

  constructor(set: CommandSet, token: string, log: OperatorLog) {
    this.#set = set;
    this.#token = token;
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
      if (!trusted) throw new AskedWrongly(`token: expected ${this.#set.whose}`);
      const asked = askedOf(fields, this.#set.commands);
      done = wordsOf(asked, this.#set.commands[asked.command]);
      const result = this.#set.do(asked);
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

function askedOf(
  fields: Readonly<Record<string, unknown>>, commands: CommandSet['commands'],
): Asked {
  const { command } = fields;
  if (typeof command !== 'string' || !Object.hasOwn(commands, command)) {
    const known = Object.keys(commands).join(', ');
    throw new AskedWrongly(`command: expected one of ${known}, was ${shown(command)}`);
  }
  const { subject, mayAll, numbers = {} } = commands[command];
  const known = ['id', 'token', 'command', subject, mayAll ? 'all' : '', ...Object.keys(numbers)];
  for (const name of Object.keys(fields))
    if (!known.includes(name)) throw new AskedWrongly(`${shown(name)}: ${command} knows no such field`);
  return { command, target: targetOf(fields, command, commands[command]), numbers: numbersOf(fields, numbers) };
}

function targetOf(
  fields: Readonly<Record<string, unknown>>, command: string, { subject, mayAll }: OperatorCommand,
): number | null {
  if (subject === Subject.None) return null;
  const target = fields[subject];
  if (mayAll && fields['all'] === true && target === undefined) return null;
  if (fields['all'] !== undefined && target !== undefined)
    throw new AskedWrongly(`${command}: expected ${subject} or all, were both`);
  if (typeof target !== 'number' || !Number.isInteger(target) || target < 0 || target > 0xffff_fffe) {
    const all = mayAll ? ', or "all": true' : '';
    throw new AskedWrongly(`${subject}: expected a number 0 to 4294967294${all}, was ${shown(target)}`);
  }
  return target;
}

function numbersOf(
  fields: Readonly<Record<string, unknown>>, numbers: Readonly<Record<string, string>>,
): Record<string, number> {
  const said: Record<string, number> = {};
  for (const name of Object.keys(numbers)) {
    const value = fields[name];
    if (value === undefined) continue;
    if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 0)
      throw new AskedWrongly(`${name}: expected a whole number, was ${shown(value)}`);
    said[name] = value;
  }
  return said;
}

function answerText(fields: Readonly<Record<string, unknown>>, rest: { error: string } | { result: object }): string {
  const { id } = fields;
  const named = typeof id === 'string' || typeof id === 'number' ? { id } : {};
  return JSON.stringify({ ...named, ok: 'result' in rest, ...rest });
}

function wordsOf({ command, target, numbers }: Asked, { subject }: OperatorCommand): string {
  const about = subject === Subject.None ? '' : target === null ? ' all' : ` ${subject} ${target}`;
  return `${command}${about}${Object.entries(numbers).map(([name, value]) => `, ${name} ${value}`).join('')}`;
}

/** What came, for people and logs: short, and nothing in it but itself. */
function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? 'nothing';
  return text.length > 40 ? `${text.slice(0, 40)}…` : text;
}
