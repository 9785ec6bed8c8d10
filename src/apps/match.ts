// `outcry match`: a matching engine on stdin and stdout, one JSON object a line, for conformance
// suites of any language.
//
//   in   {"op":"new","id":7,"side":"buy","price":100,"qty":5}
//        optional: "type":"limit|market|stop|stop-limit", "stopPrice", "tif":"gtc|ioc|fok|day",
//        "postOnly", "display", "minQty", "client", "owner", "stp" (without, or null: a limit
//        order, gtc); fields that are not named here are not looked at
//        {"op":"cancel","id":7}   {"op":"reduce","id":7,"qty":1}
//        {"op":"replace","id":7,"price":101,"qty":4}       "chain":true: qty is the chain's total
//        {"op":"massCancel"}   "side":"buy|sell"       {"op":"state","state":"open|halted|closed"}
//        {"op":"depth","levels":5}   {"op":"hash"}
//   out  {"event":"accepted|trade|canceled|replaced|reduced|rejected|triggered|state|depth|hash",…}
//
// Prices are ticks. Ids are any u64: up to 2^53 − 1 as numbers, any as strings; they come out in
// the shortest of these forms. An order belongs to the owner that it names, else to its client;
// owner 0, the default of both, is nobody, so such orders never count as a self-trade. A line that
// cannot be read is answered by `rejected` with a reason, a text and the line's number; the
// process goes on. Meanings: docs/MATCHING.md.
//
// Input is read in chunks and answered chunk by chunk; nothing is read while stdout takes nothing.
// Limits: a line of LINE_CHARS_MAX characters, one instrument over the whole i32 range of ticks.
import type { Readable, Writable } from 'node:stream';
import { once } from 'node:events';
import { Command as Verb, InvalidArgumentError, Option } from 'commander';
import type { Engine } from '../book/engine.ts';
import { MatchingEngine } from '../book/matching_engine.ts';
import { ReferenceEngine } from '../book/order_book.reference.ts';
import {
  Cmd, OrderType, Reason, Side, State, Stp, Tif,
  type Command, type DepthLevel, type EngineConfig, type EngineEvent,
} from '../book/types.ts';
import {
  because, exact, type Fields, flag, idOf, integer, named, ORDER_TYPES, parseObject, Refusal, show, SIDES, STPS, TIFS,
  toLine,
} from '../json/fields.ts';

/** Longest line; far above any command, low enough that a stream without newlines costs little. */
export const LINE_CHARS_MAX = 1 << 20;
/** Answers are handed on at least this often. */
const OUTPUT_CHARS = 1 << 16;
const ORDERS_MAX = 1_000_000;
const LEVELS_SHOWN = 10;
const LEVELS_MAX = 1000;
const I32_MIN = -(2 ** 31);
const I32_MAX = 2 ** 31 - 1;
const U32_MAX = 2 ** 32 - 1;

const STATES = new Map<unknown, State>([
  ['open', State.Open], ['halted', State.Halted], ['closed', State.Closed],
]);
const STATE_NAMES = ['open', 'halted', 'closed'];
const OP_NAMES: Readonly<Record<number, string>> = {
  [Cmd.New]: 'new', [Cmd.Cancel]: 'cancel', [Cmd.Replace]: 'replace', [Cmd.Reduce]: 'reduce',
  [Cmd.MassCancel]: 'massCancel', [Cmd.State]: 'state',
};
const OPS = [...Object.values(OP_NAMES), 'depth', 'hash'];

/** One conversation: lines in, answers out. No input or output of its own. */
export class MatchSession {
  readonly #engine: Engine;
  #lines = 0;

  constructor(engine: Engine) {
    this.#engine = engine;
  }

  /** The answers to one line, each ended by a newline; empty for a blank line. */
  answer(line: string): string {
    this.#lines++;
    const text = line.trim();
    if (text === '') return '';
    let fields: Fields = {};
    try {
      fields = parseObject(text);
      return this.#execute(fields);
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      return this.#refuse(error, fields);
    }
  }

  /** The answer to a line that was longer than LINE_CHARS_MAX. */
  answerTooLong(): string {
    this.#lines++;
    const text = `expected a line of at most ${LINE_CHARS_MAX} characters`;
    return this.#refuse(new Refusal(Reason.Malformed, text), {});
  }

  #refuse(refusal: Refusal, { id, op }: Fields): string {
    return toLine({
      event: 'rejected',
      ...(Number.isSafeInteger(id) || typeof id === 'string' ? { id } : {}),
      ...(typeof op === 'string' ? { op } : {}),
      reason: refusal.reason, text: refusal.message, line: this.#lines,
    });
  }

  #execute(fields: Fields): string {
    switch (fields['op']) {
      case 'depth': {
        const levels = integer(fields, 'levels', 1, LEVELS_MAX, Reason.Malformed, LEVELS_SHOWN);
        const { bids, asks } = this.#engine.depth(0, levels);
        return toLine({ event: 'depth', bids: bids.map(row), asks: asks.map(row) });
      }
      case 'hash':
        return toLine({
          event: 'hash',
          hash: hex(this.#engine.stateHash()),
          public: hex(this.#engine.publicHash()),
        });
      default: {
        let answers = '';
        for (const event of this.#engine.submit(toCommand(fields))) answers += describe(event);
        return answers;
      }
    }
  }
}

// ── Reading ──────────────────────────────────────────────────────────────────────────────────────

function toCommand(fields: Fields): Command {
  const client = integer(fields, 'client', 0, U32_MAX, Reason.Malformed, 0);
  switch (fields['op']) {
    case 'new':
      return toNew(fields, client);
    case 'cancel':
      return { type: Cmd.Cancel, client, id: idOf(fields) };
    case 'replace':
      return {
        type: Cmd.Replace, client, id: idOf(fields),
        price: ticks(fields, 'price'), qty: quantity(fields, 'qty'), chain: flag(fields, 'chain'),
      };
    case 'reduce':
      return { type: Cmd.Reduce, client, id: idOf(fields), qty: quantity(fields, 'qty') };
    case 'massCancel': {
      const side = named(fields, 'side', SIDES, Reason.Side, Side.None);
      return { type: Cmd.MassCancel, client, side };
    }
    case 'state':
      return { type: Cmd.State, state: named(fields, 'state', STATES, Reason.Malformed) };
    default:
      throw new Refusal(
        Reason.Malformed, `op: expected ${OPS.join(', ')}, was ${show(fields['op'])}`,
      );
  }
}

function toNew(fields: Fields, client: number): Command {
  const orderType = named(fields, 'type', ORDER_TYPES, Reason.Unsupported, OrderType.Limit);
  const isStop = orderType === OrderType.Stop || orderType === OrderType.StopLimit;
  const limited = orderType === OrderType.Limit || orderType === OrderType.StopLimit;
  const owner = integer(fields, 'owner', 0, U32_MAX - 1, Reason.Malformed, client);
  const stp = named(fields, 'stp', STPS, Reason.Unsupported, Stp.Default);
  return {
    type: Cmd.New, client, id: idOf(fields), orderType,
    side: named(fields, 'side', SIDES, Reason.Side),
    tif: named(fields, 'tif', TIFS, Reason.Unsupported, Tif.Gtc),
    stp: owner === 0 ? Stp.None : stp,
    price: limited ? ticks(fields, 'price') : 0,
    qty: quantity(fields, 'qty'),
    postOnly: flag(fields, 'postOnly'),
    display: integer(fields, 'display', 0, U32_MAX, Reason.Unsupported, 0),
    minQty: integer(fields, 'minQty', 0, U32_MAX, Reason.Unsupported, 0),
    stopPrice: isStop ? ticks(fields, 'stopPrice') : 0,
    owner,
  };
}

function ticks(fields: Fields, field: string): number {
  return integer(fields, field, I32_MIN, I32_MAX, Reason.Price);
}

/** 0 passes here: the engine refuses it, as it does from anyone. */
function quantity(fields: Fields, field: string): number {
  return integer(fields, field, 0, U32_MAX, Reason.Quantity);
}

// ── Writing ──────────────────────────────────────────────────────────────────────────────────────

function describe(event: EngineEvent): string {
  switch (event.type) {
    case 'accepted':
      return toLine({ event: 'accepted', ...name(event) });
    case 'trade': {
      const { makerId, takerId, makerClient, takerClient, price, qty } = event;
      return toLine({
        event: 'trade', maker: exact(makerId), taker: exact(takerId), price, qty,
        ...(makerClient === 0 ? {} : { makerClient }),
        ...(takerClient === 0 ? {} : { takerClient }),
      });
    }
    case 'canceled': {
      const { qty, reason } = event;
      return toLine({ event: 'canceled', ...name(event), qty, ...because(reason) });
    }
    case 'replaced': {
      const { price, qty } = event;
      return toLine({ event: 'replaced', ...name(event), price, qty });
    }
    case 'reduced': {
      const { qty, leaves, reason } = event;
      return toLine({ event: 'reduced', ...name(event), qty, leaves, ...because(reason) });
    }
    case 'rejected': {
      const op = OP_NAMES[event.op];
      return toLine({ event: 'rejected', ...name(event), op, ...because(event.reason) });
    }
    case 'triggered':
      return toLine({ event: 'triggered', ...name(event), qty: event.qty });
    case 'state':
      return toLine({ event: 'state', state: STATE_NAMES[event.state] });
    default:
      return ''; // rested, displayed: for the public feed
  }
}

function row({ price, qty, orders }: DepthLevel): (number | string)[] {
  return [price, exact(qty), orders];
}

function name({ id, client }: { id: bigint; client: number }): Fields {
  return client === 0 ? { id: exact(id) } : { id: exact(id), client };
}

function hex(hash: bigint): string {
  return hash.toString(16).padStart(16, '0');
}

// ── Running ──────────────────────────────────────────────────────────────────────────────────────

/** Answers every line of `input` on `output`; resolves when the input has ended. */
export async function runMatch(input: Readable, output: Writable, engine: Engine): Promise<void> {
  const session = new MatchSession(engine);
  let rest = '';
  let skipping = false;
  let answers = '';
  const flush = async (): Promise<void> => {
    if (answers === '') return;
    const taken = output.write(answers);
    answers = '';
    if (!taken) await once(output, 'drain');
  };
  input.setEncoding('utf8');
  for await (const chunk of input as AsyncIterable<string>) {
    let start = 0;
    for (let end = chunk.indexOf('\n'); end >= 0; end = chunk.indexOf('\n', start)) {
      if (!skipping) answers += session.answer(rest + chunk.slice(start, end));
      rest = '';
      skipping = false;
      start = end + 1;
      if (answers.length >= OUTPUT_CHARS) await flush();
    }
    if (!skipping) rest += chunk.slice(start);
    if (rest.length > LINE_CHARS_MAX) {
      answers += session.answerTooLong();
      rest = '';
      skipping = true;
    }
    await flush();
  }
  answers += session.answer(rest);
  await flush();
}

interface MatchOptions {
  twin?: boolean;
  stp: Stp;
  orders: number;
}

const HELP = `
Commands, one a line; prices are ticks, ids beyond 2^53 - 1 strings:
  {"op":"new","id":7,"side":"buy","price":100,"qty":5}
    also "type": limit, market, stop, stop-limit   "stopPrice"   "tif": gtc, day, ioc, fok
         "postOnly"   "display"   "minQty"   "client"   "owner"
         "stp": none, cancel-newest, cancel-oldest, cancel-both, decrement
  {"op":"cancel","id":7}                          {"op":"reduce","id":7,"qty":1}
  {"op":"replace","id":7,"price":101,"qty":4}     {"op":"massCancel","side":"buy"}
  {"op":"state","state":"halted"}                 {"op":"depth","levels":5}   {"op":"hash"}

Example:
  echo '{"op":"new","id":1,"side":"buy","price":100,"qty":5}' | outcry match`;

/** The verb, for the command line. */
export function matchCommand(): Verb {
  return new Verb('match')
    .description('a matching engine on stdin and stdout, one JSON object a line')
    .addOption(new Option('--stp <mode>', 'self-trade mode of orders with an owner but no mode')
      .default(Stp.None, 'none').argParser(parseStp))
    .addOption(new Option('--orders <count>', 'orders that may live at once')
      .default(ORDERS_MAX).argParser(parseCount))
    .option('--twin', 'run the slow reference engine instead of the core')
    .addHelpText('after', HELP)
    .action(async (options: MatchOptions) => {
      const config: EngineConfig = {
        instruments: [{ minPrice: I32_MIN, maxPrice: I32_MAX }],
        ordersMax: options.orders, stp: options.stp,
      };
      const engine = options.twin ? new ReferenceEngine(config) : new MatchingEngine(config);
      await runMatch(process.stdin, process.stdout, engine);
    });
}

function parseStp(text: string): Stp {
  const mode = STPS.get(text.toLowerCase());
  if (mode !== undefined) return mode;
  throw new InvalidArgumentError(`expected ${[...STPS.keys()].join(', ')}, was "${text}"`);
}

function parseCount(text: string): number {
  const count = Number(text);
  if (!/^\d+$/.test(text) || count < 1 || count > 2 ** 24) {
    throw new InvalidArgumentError(`expected a whole number 1 … ${2 ** 24}, was "${text}"`);
  }
  return count;
}
