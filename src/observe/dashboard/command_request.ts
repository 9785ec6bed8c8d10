// A command of a page, from what came to what is meant. Everything is checked here, so that whoever carries it out is handed
// nothing but a CommandRequest.
import type { CommandRequest } from './messages.ts';

/** What the field of that name may be. */
interface FieldRule {
  readonly needed: boolean;
  readonly max: number;
  readonly min: number;
}

/** Of ids on the wire; the last one means none. */
const ID_MAX = 0xffff_fffe;
const id = (needed: boolean): FieldRule => ({ needed, min: 0, max: ID_MAX });
/** The trader's own checks say what is too much; here a limit is a whole number that the wire could carry. */
const LIMIT: FieldRule = { needed: false, min: 1, max: Number.MAX_SAFE_INTEGER };

const FIELDS: Readonly<Record<CommandRequest['command'], Readonly<Record<string, FieldRule>>>> = {
  kill: { client: id(false) },
  reset: { client: id(false) },
  halt: { ticker: id(false) },
  open: { ticker: id(false) },
  close: { ticker: id(false) },
  pause: { client: id(true) },
  resume: { client: id(true) },
  stop: { client: id(true) },
  limits: { client: id(true), maxPosition: LIMIT, maxOrderQty: LIMIT, maxLoss: LIMIT },
};
const COMMANDS = Object.keys(FIELDS).join(', ');

/** What was asked wrongly: expected and was. */
export class CommandError extends Error {
  override readonly name = 'CommandError';
}

/** Throws a CommandError. */
export function commandRequest(body: unknown): CommandRequest {
  if (typeof body !== 'object' || body === null || Array.isArray(body))
    throw new CommandError('expected a JSON object with a command');
  const fields = body as Readonly<Record<string, unknown>>;
  const { command, confirm } = fields;
  if (!isCommand(command)) throw new CommandError(`command: expected one of ${COMMANDS}, was ${shown(command)}`);
  const rules = FIELDS[command];
  for (const name of Object.keys(fields)) {
    if (name === 'command' || name === 'confirm' || Object.hasOwn(rules, name)) continue;
    throw new CommandError(`${shown(name)}: ${command} knows no such field`);
  }
  for (const [name, rule] of Object.entries(rules)) checkField(command, name, rule, fields[name]);
  if (command === 'limits' && Object.keys(fields).length < 4)
    throw new CommandError('limits: expected one of maxPosition, maxOrderQty, maxLoss, was none');
  if (confirm !== true) throw new CommandError(`confirm: expected true, was ${shown(confirm)}`);
  return fields as unknown as CommandRequest;
}

function isCommand(value: unknown): value is CommandRequest['command'] {
  return typeof value === 'string' && Object.hasOwn(FIELDS, value);
}

function checkField(command: string, name: string, { needed, min, max }: FieldRule, value: unknown): void {
  if (value === undefined && !needed) return;
  if (typeof value === 'number' && Number.isInteger(value) && value >= min && value <= max) return;
  throw new CommandError(`${name} of ${command}: expected a whole number ${min} to ${max}, was ${shown(value)}`);
}

/** What a command is about; empty: everybody or everything. */
export function subjectOf(request: CommandRequest): Readonly<Record<string, number>> {
  return Object.fromEntries(
    Object.entries(request).filter((field): field is [string, number] => typeof field[1] === 'number'),
  );
}

/** For logs and people: "kill client 7", "limits client 2, maxLoss 500". */
export function commandText(request: CommandRequest): string {
  const said = Object.entries(subjectOf(request)).map(([name, value]) => `${name} ${value}`);
  return `${request.command} ${said.length === 0 ? 'all' : said.join(', ')}`;
}

/** Short, and nothing in it but itself. */
function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? 'nothing';
  return text.length > 40 ? `${text.slice(0, 40)}…` : text;
}
