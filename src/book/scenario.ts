// Scenarios: matching told as text that a person can read and any engine can be held to.
//
//   == An older order at the same price fills first
//   with stp newest, instrument 1 .. 1000     settings, optional; one "instrument LOW .. HIGH" for
//                                             each book; also: orders N, levels N, triggers N,
//                                             replaced-last
//   > sell A1 10 @ 101                        a command: client A (= 1), its order 1
//     accepted A1 sell 10 @ 101 shows 10      the events it must cause, all of them, in order
//   > buy B1 4 @ 102 ioc
//     accepted B1 buy 4 @ 102
//     trade B1 buys 4 @ 101 from A1, leaves 0 and 6
//   book                                      the visible book at this point
//     bids | price | asks
//          |   101 | A1 6                     visible + hidden quantity: A1 6+20
//
// Commands:  buy|sell NAME QTY [@ PRICE] [stop PRICE] OPTIONS     without @ a market order
//            OPTIONS: day gtc ioc fok post-only, display N, min N, owner N, stp MODE, book N
//            new NAME QTY …  with the raw options side N, type N, tif N, stp N, for invalid fields
//            cancel NAME · reduce NAME by N · replace NAME QTY [@ PRICE] [chain]
//            mass-cancel A [buy|sell|side N] [book N|book all]
//            state open|halted|closed|N [book N]
// Events:    as formatEvent writes them. "shows N": visible in the book after the event. "resting":
//            the order stood in the visible book before.
// Names:     letter and id, or CLIENT.ID. '#' starts a comment.
//
// The same text runs on anything behind ScenarioTarget: an engine in this process or a whole
// exchange over TCP, which sees less; then only what it observes is compared.
import type { Depth, Engine } from './engine.ts';
import { EventBook } from './event_book.ts';
import { BOOK_ALL } from './order_book.reference.ts';
import {
  CLIENT_ALL, Cmd, COMMAND_DEFAULT, OrderType, REASON_TEXT, Reason, Side, State, Stp, Tif,
  type Command, type EngineConfig, type EngineEvent, type InstrumentConfig,
} from './types.ts';

/** Fields of an engine event; a target leaves out what it cannot see. */
export type Observed = { type: EngineEvent['type'] } & { [field: string]: unknown };

export interface Step {
  readonly line: number;
  readonly command: Command;
  readonly events: readonly Observed[];
}

export interface BookRow {
  readonly price: number;
  readonly bids: readonly RowEntry[];
  readonly asks: readonly RowEntry[];
}

export interface RowEntry {
  readonly client: number;
  readonly id: bigint;
  readonly displayed: number;
  readonly hidden: number;
}

/** A drawn book: rows from the highest price to the lowest. */
export interface BookTable {
  readonly line: number;
  readonly book: number;
  readonly rows: readonly BookRow[];
}

export interface Scenario {
  readonly title: string;
  readonly file: string;
  readonly line: number;
  readonly config: EngineConfig;
  readonly steps: readonly (Step | BookTable)[];
}

/** What a scenario runs against. */
export interface ScenarioTarget {
  /** Executes the command and returns all that was observed because of it. */
  submit(command: Command): readonly Observed[] | Promise<readonly Observed[]>;
  /** False for expected events that this target has no way of seeing; absent: it sees all. */
  observes?(expected: Observed): boolean;
  /** The visible book, where the target can tell. */
  depth?(book: number, levels: number): Depth | Promise<Depth>;
  /** Throws where the target's own state contradicts itself or the events so far. */
  check?(): void;
  close?(): void | Promise<void>;
}

export type ScenarioTargetFactory =
  (scenario: Scenario) => ScenarioTarget | Promise<ScenarioTarget>;

export class ScenarioError extends Error {
  override name = 'ScenarioError';
}

// ── Words ────────────────────────────────────────────────────────────────────────────────────────

const STP_WORDS: Readonly<Record<string, number>> = {
  none: Stp.None, newest: Stp.CancelNewest, oldest: Stp.CancelOldest, both: Stp.CancelBoth,
  decrement: Stp.Decrement,
};
const TIF_WORDS: Readonly<Record<string, number>> = {
  day: Tif.Day, gtc: Tif.Gtc, ioc: Tif.Ioc, fok: Tif.Fok,
};
const STATE_WORDS: Readonly<Record<string, number>> = {
  open: State.Open, halted: State.Halted, closed: State.Closed,
};
const OP_WORDS: Readonly<Record<string, number>> = {
  new: Cmd.New, cancel: Cmd.Cancel, replace: Cmd.Replace, reduce: Cmd.Reduce,
  'mass-cancel': Cmd.MassCancel, state: Cmd.State, reject: Cmd.Reject,
};
const REASON_WORDS: Readonly<Record<string, number>> = Object.fromEntries(
  Object.entries(REASON_TEXT).map(([code, text]) => [text.replaceAll(' ', '-'), Number(code)]),
);
const WIDEST: InstrumentConfig = { minPrice: -1_000_000, maxPrice: 1_000_000 };
const ORDERS_MAX = 1000;
const LETTERS = 26;

function wordOf(words: Readonly<Record<string, number>>, value: number): string {
  return Object.keys(words).find((word) => words[word] === value) ?? String(value);
}

export function formatName(client: number, id: bigint): string {
  return client >= 1 && client <= LETTERS
    ? String.fromCharCode(64 + client) + id
    : `${client}.${id}`;
}

// ── Reading ──────────────────────────────────────────────────────────────────────────────────────

/** The words of one line, taken one by one. */
class Words {
  readonly #words: readonly string[];
  readonly #place: string;
  #position = 0;

  constructor(text: string, place: string) {
    this.#words = text.replaceAll(',', ' ').split(/\s+/).filter((word) => word !== '');
    this.#place = place;
  }

  get done(): boolean {
    return this.#position === this.#words.length;
  }

  fail(expected: string): never {
    throw new ScenarioError(
      `${this.#place}: expected ${expected}, was "${this.#words[this.#position] ?? 'end of line'}"`,
    );
  }

  next(expected: string): string {
    return this.done ? this.fail(expected) : this.#words[this.#position++];
  }

  /** Takes the word if it comes next. */
  accept(word: string): boolean {
    if (this.#words[this.#position] !== word) return false;
    this.#position++;
    return true;
  }

  expect(word: string): void {
    if (!this.accept(word)) this.fail(`"${word}"`);
  }

  integer(): number {
    const word = this.next('a number');
    if (/^-?\d+$/.test(word)) return Number(word);
    this.#position--;
    return this.fail('a number');
  }

  /** One of the words, or the raw number. */
  oneOf(words: Readonly<Record<string, number>>): number {
    const word = this.next(Object.keys(words).join(', '));
    const value = words[word];
    if (value !== undefined) return value;
    this.#position--;
    return /^\d+$/.test(word) ? this.integer() : this.fail(Object.keys(words).join(', '));
  }

  has(words: Readonly<Record<string, number>>): boolean {
    return Object.hasOwn(words, this.#words[this.#position] ?? '');
  }

  name(): { client: number; id: bigint } {
    const word = this.next('an order name such as A1');
    const letter = /^([A-Z])(\d+)$/.exec(word);
    if (letter) return { client: letter[1].charCodeAt(0) - 64, id: BigInt(letter[2]) };
    const numbers = /^(\d+)\.(\d+)$/.exec(word);
    if (numbers) return { client: Number(numbers[1]), id: BigInt(numbers[2]) };
    this.#position--;
    return this.fail('an order name such as A1');
  }

  end(): void {
    if (!this.done) this.fail('end of line');
  }
}

/** Parses a file of scenarios; errors name file and line. */
export function parseScenarios(text: string, file: string): Scenario[] {
  const scenarios: Scenario[] = [];
  let steps: (Step | BookTable)[] = [];
  let events: Observed[] | null = null;
  let rows: BookRow[] | null = null;
  for (const [index, raw] of text.split('\n').entries()) {
    const line = index + 1;
    const place = `${file}:${line}`;
    const content = raw.replace(/#.*/, '').trim();
    if (content === '') continue;
    if (content.startsWith('== ')) {
      steps = [];
      events = rows = null;
      const title = content.slice(3);
      scenarios.push({ title, file, line, steps, config: configOf(new Words('', place)) });
    } else if (scenarios.length === 0) {
      throw new ScenarioError(`${place}: expected "== TITLE" to begin with, was "${content}"`);
    } else if (content.startsWith('with ')) {
      const config = configOf(new Words(content.slice(5), place));
      scenarios.push({ ...scenarios.pop()!, config });
    } else if (content.startsWith('>')) {
      events = [];
      rows = null;
      steps.push({ line, command: parseCommand(content.slice(1), place), events });
    } else if (/^book( \d+)?$/.test(content)) {
      rows = [];
      events = null;
      steps.push({ line, book: Number(content.slice(5)), rows });
    } else if (rows !== null) {
      if (!/^bids *\| *price *\| *asks$/.test(content)) rows.push(parseRow(raw, place));
    } else if (events !== null) {
      events.push(parseEvent(content, place));
    } else {
      throw new ScenarioError(`${place}: expected a command or a book, was "${content}"`);
    }
  }
  return scenarios;
}

function configOf(words: Words): EngineConfig {
  const instruments: InstrumentConfig[] = [];
  const config: Partial<EngineConfig> = {};
  while (!words.done) {
    if (words.accept('instrument')) {
      const minPrice = words.integer();
      words.expect('..');
      instruments.push({ minPrice, maxPrice: words.integer() });
    } else if (words.accept('stp')) config.stp = words.oneOf(STP_WORDS) as Stp;
    else if (words.accept('orders')) config.ordersMax = words.integer();
    else if (words.accept('levels')) config.levelsMax = words.integer();
    else if (words.accept('triggers')) config.triggersMax = words.integer();
    else if (words.accept('replaced-last')) config.ackReplaceLast = true;
    else words.fail('instrument, stp, orders, levels, triggers or replaced-last');
  }
  if (instruments.length === 0) instruments.push(WIDEST);
  return { ordersMax: ORDERS_MAX, ...config, instruments };
}

export function parseCommand(text: string, place: string): Command {
  const words = new Words(text, place);
  const verb = words.next('a command');
  const command = parseVerb(verb, words);
  while (!words.done) parseOption(command, words);
  if (verb === 'buy' || verb === 'sell' || verb === 'new') {
    const limited = command.price !== undefined;
    const stop = command.stopPrice !== undefined;
    command.orderType ??= stop
      ? (limited ? OrderType.StopLimit : OrderType.Stop)
      : (limited ? OrderType.Limit : OrderType.Market);
    command.tif ??= COMMAND_DEFAULT.tif;
  }
  return command;
}

function parseVerb(verb: string, words: Words): Command {
  switch (verb) {
    case 'buy':
      return { type: Cmd.New, side: Side.Buy, ...words.name(), qty: words.integer() };
    case 'sell':
      return { type: Cmd.New, side: Side.Sell, ...words.name(), qty: words.integer() };
    case 'new':
      return { type: Cmd.New, ...words.name(), qty: words.integer() };
    case 'cancel':
      return { type: Cmd.Cancel, ...words.name() };
    case 'replace':
      return { type: Cmd.Replace, ...words.name(), qty: words.integer() };
    case 'reduce': {
      const name = words.name();
      words.expect('by');
      return { type: Cmd.Reduce, ...name, qty: words.integer() };
    }
    case 'mass-cancel': {
      const client = words.next('a client letter or number, or everybody');
      const number =
        client === 'everybody' ? CLIENT_ALL
        : /^[A-Z]$/.test(client) ? client.charCodeAt(0) - 64
        : Number(client);
      const reason = words.accept('because') ? words.oneOf(REASON_WORDS) as Reason : Reason.None;
      return { type: Cmd.MassCancel, client: number, side: Side.None, reason };
    }
    case 'state':
      return { type: Cmd.State, state: words.oneOf(STATE_WORDS) as State };
    default:
      throw new ScenarioError(
        `unknown command "${verb}"; `
        + 'expected buy, sell, new, cancel, reduce, replace, mass-cancel or state',
      );
  }
}

function parseOption(command: Command, words: Words): void {
  if (words.accept('@')) command.price = words.integer();
  else if (words.accept('stop')) command.stopPrice = words.integer();
  else if (words.accept('post-only')) command.postOnly = true;
  else if (words.accept('chain')) command.chain = true;
  else if (words.accept('display')) command.display = words.integer();
  else if (words.accept('min')) command.minQty = words.integer();
  else if (words.accept('owner')) command.owner = words.integer();
  else if (words.accept('stp')) command.stp = words.oneOf(STP_WORDS);
  else if (words.accept('book')) command.book = words.accept('all') ? BOOK_ALL : words.integer();
  else if (words.accept('buy')) command.side = Side.Buy;
  else if (words.accept('sell')) command.side = Side.Sell;
  else if (words.accept('side')) command.side = words.integer();
  else if (words.accept('type')) command.orderType = words.integer();
  else if (words.accept('tif')) command.tif = words.integer();
  else if (words.has(TIF_WORDS)) command.tif = words.oneOf(TIF_WORDS);
  else words.fail('an option of the command');
}

/** One expected event, in the form that formatEvent writes. */
export function parseEvent(text: string, place: string): Observed {
  const words = new Words(text, place);
  const type = words.next('an event') as EngineEvent['type'];
  const event: Observed = type === 'state'
    ? { type, state: words.oneOf(STATE_WORDS) }
    : { type, ...(type === 'trade' ? parseTrade(words) : parseOrderEvent(type, words)) };
  event['book'] = words.accept('book') ? words.integer() : 0;
  words.end();
  return event;
}

function parseTrade(words: Words): Record<string, unknown> {
  const taker = words.name();
  const buys = words.accept('buys');
  if (!buys) words.expect('sells');
  const qty = words.integer();
  words.expect('@');
  const price = words.integer();
  words.expect(buys ? 'from' : 'to');
  const maker = words.name();
  words.expect('leaves');
  const takerLeaves = words.integer();
  words.expect('and');
  return {
    takerClient: taker.client, takerId: taker.id, makerClient: maker.client, makerId: maker.id,
    side: buys ? Side.Buy : Side.Sell, qty, price, takerLeaves, makerLeaves: words.integer(),
    iceberg: words.accept('iceberg'),
  };
}

function parseOrderEvent(type: EngineEvent['type'], words: Words): Record<string, unknown> {
  const name = words.name();
  switch (type) {
    case 'accepted': {
      const side = words.accept('buy') ? Side.Buy : (words.expect('sell'), Side.Sell);
      const qty = words.integer();
      const limited = words.accept('@');
      const price = limited ? words.integer() : 0;
      if (words.accept('market')) {
        const orderType = OrderType.Market;
        return { ...name, side, qty, price, orderType, displayed: 0, rests: false };
      }
      const orderType = words.accept('stop')
        ? (limited ? OrderType.StopLimit : OrderType.Stop)
        : OrderType.Limit;
      const rests = words.accept('shows');
      const displayed = rests ? words.integer() : 0;
      return { ...name, side, qty, price, orderType, displayed, rests };
    }
    case 'canceled': {
      const qty = words.integer();
      const reason = words.has(REASON_WORDS) ? words.oneOf(REASON_WORDS) : Reason.None;
      return { ...name, qty, reason, resting: words.accept('resting') };
    }
    case 'replaced': {
      const qty = words.integer();
      const price = words.accept('@') ? words.integer() : 0;
      const oldPrice = words.accept('was') ? words.integer() : price;
      const kept = words.accept('kept');
      const shows = words.accept('shows');
      const displayed = shows ? words.integer() : 0;
      const resting = words.accept('resting');
      return { ...name, qty, price, oldPrice, kept, displayed, rests: shows && !kept, resting };
    }
    case 'reduced': {
      words.expect('by');
      const qty = words.integer();
      words.expect('leaves');
      const leaves = words.integer();
      const displayed = words.accept('shows') ? words.integer() : 0;
      const reason = words.has(REASON_WORDS) ? words.oneOf(REASON_WORDS) : Reason.None;
      return { ...name, qty, leaves, displayed, reason, resting: words.accept('resting') };
    }
    case 'rejected':
      return { ...name, op: words.oneOf(OP_WORDS), reason: words.oneOf(REASON_WORDS) };
    case 'triggered':
      return { ...name, qty: words.integer() };
    case 'rested':
    case 'displayed': {
      words.expect('@');
      const price = words.integer();
      words.expect('shows');
      const displayed = words.integer();
      words.expect('of');
      return { ...name, price, displayed, leaves: words.integer() };
    }
    default:
      return words.fail('the line of an event that is known; see formatEvent');
  }
}

function parseRow(text: string, place: string): BookRow {
  const cells = text.replace(/#.*/, '').split('|');
  if (cells.length !== 3) {
    throw new ScenarioError(`${place}: expected "bids | price | asks", was "${text.trim()}"`);
  }
  const price = new Words(cells[1], place);
  const row = {
    price: price.integer(), bids: entriesOf(cells[0], place), asks: entriesOf(cells[2], place),
  };
  price.end();
  return row;
}

function entriesOf(cell: string, place: string): RowEntry[] {
  const words = new Words(cell.replaceAll('+', ' + '), place);
  const entries: RowEntry[] = [];
  while (!words.done) {
    const name = words.name();
    const displayed = words.integer();
    entries.push({ ...name, displayed, hidden: words.accept('+') ? words.integer() : 0 });
  }
  return entries;
}

// ── Writing ──────────────────────────────────────────────────────────────────────────────────────

/** The settings as the line of a scenario that begins with "with". */
export function formatConfig(config: EngineConfig): string {
  const parts = config.instruments.map(({ minPrice, maxPrice }) =>
    `instrument ${minPrice} .. ${maxPrice}`);
  parts.push(`orders ${config.ordersMax}`);
  if (config.stp) parts.push(`stp ${wordOf(STP_WORDS, config.stp)}`);
  if (config.levelsMax !== undefined) parts.push(`levels ${config.levelsMax}`);
  if (config.triggersMax !== undefined) parts.push(`triggers ${config.triggersMax}`);
  if (config.ackReplaceLast) parts.push('replaced-last');
  return `with ${parts.join(', ')}`;
}

/** The command as a line of a scenario, without the '>'. */
export function formatCommand(command: Command): string {
  const { client = 0, id = 0n, qty = 0, side = 0, price = 0, book = 0 } = command;
  const name = formatName(client, id);
  const place = book === 0 ? '' : book === BOOK_ALL ? ' book all' : ` book ${book}`;
  switch (command.type) {
    case Cmd.New:
      return formatNew(command) + place;
    case Cmd.Cancel:
      return `cancel ${name}${place}`;
    case Cmd.Reduce:
      return `reduce ${name} by ${qty}${place}`;
    case Cmd.Replace:
      return `replace ${name} ${qty} @ ${price}${command.chain ? ' chain' : ''}${place}`;
    case Cmd.MassCancel: {
      const who =
        client === CLIENT_ALL ? 'everybody'
        : client >= 1 && client <= LETTERS ? String.fromCharCode(64 + client)
        : client;
      const which = side === 0 ? '' : ` side ${side}`;
      const why = formatReason(command.reason ?? Reason.None);
      return `mass-cancel ${who}${why && ` because${why}`}${which}${place}`;
    }
    case Cmd.State:
      return `state ${wordOf(STATE_WORDS, command.state ?? 0)}${place}`;
    case Cmd.Reject:
      return `# reject ${name} ${wordOf(REASON_WORDS, command.reason ?? 0)}${place}`;
    default:
      throw new RangeError(`command type: expected 1 … ${Cmd.Reject}, was ${String(command.type)}`);
  }
}

function formatNew(command: Command): string {
  const { client = 0, id = 0n, qty = 0, side = 0, orderType = OrderType.Limit } = command;
  const isStop = orderType === OrderType.Stop || orderType === OrderType.StopLimit;
  const limited = orderType === OrderType.Limit || orderType === OrderType.StopLimit;
  const known = isStop || limited || orderType === OrderType.Market;
  const verb = side === Side.Buy ? 'buy' : side === Side.Sell ? 'sell' : 'new';
  const parts = [verb, formatName(client, id), String(qty)];
  if (limited || !known) parts.push(`@ ${command.price ?? 0}`);
  if (isStop) parts.push(`stop ${command.stopPrice ?? 0}`);
  if (!known) parts.push(`type ${orderType}`);
  if (verb === 'new') parts.push(`side ${side}`);
  const tif = wordOf(TIF_WORDS, command.tif ?? COMMAND_DEFAULT.tif);
  parts.push(/^\d/.test(tif) ? `tif ${tif}` : tif);
  if (command.postOnly) parts.push('post-only');
  if (command.display) parts.push(`display ${command.display}`);
  if (command.minQty) parts.push(`min ${command.minQty}`);
  if (command.owner !== undefined) parts.push(`owner ${command.owner}`);
  if (command.stp) parts.push(`stp ${wordOf(STP_WORDS, command.stp)}`);
  return parts.join(' ');
}

/** The event as a line of a scenario; what a target cannot see reads "undefined". */
export function formatEvent(observed: Observed): string {
  const event = observed as unknown as EngineEvent;
  return `${event.type} ${formatFields(event)}${event.book > 0 ? ` book ${event.book}` : ''}`;
}

function formatFields(event: EngineEvent): string {
  if (event.type === 'state') return wordOf(STATE_WORDS, event.state);
  if (event.type === 'trade') return formatTrade(event);
  const name = formatName(event.client, event.id);
  switch (event.type) {
    case 'accepted': {
      const side = event.side === Side.Buy ? 'buy' : 'sell';
      return `${name} ${side} ${event.qty}${formatAccepted(event)}`;
    }
    case 'canceled':
      return `${name} ${event.qty}${formatReason(event.reason)}${event.resting ? ' resting' : ''}`;
    case 'replaced': {
      const { qty, price, oldPrice, displayed, kept, rests, resting } = event;
      const shows = rests || (kept && resting) ? ` shows ${displayed}` : '';
      const flags = `${kept ? ' kept' : ''}${shows}${resting ? ' resting' : ''}`;
      return `${name} ${qty} @ ${price} was ${oldPrice}${flags}`;
    }
    case 'reduced': {
      const { qty, leaves, displayed, reason, resting } = event;
      const shows = displayed > 0 ? ` shows ${displayed}` : '';
      const flags = `${shows}${formatReason(reason)}${resting ? ' resting' : ''}`;
      return `${name} by ${qty} leaves ${leaves}${flags}`;
    }
    case 'rejected':
      return `${name} ${wordOf(OP_WORDS, event.op)} ${wordOf(REASON_WORDS, event.reason)}`;
    case 'triggered':
      return `${name} ${event.qty}`;
    case 'rested':
    case 'displayed':
      return `${name} @ ${event.price} shows ${event.displayed} of ${event.leaves}`;
    default:
      throw new RangeError(`event type: expected one of the engine's, was ${String(event)}`);
  }
}

function formatAccepted(event: EngineEvent & { type: 'accepted' }): string {
  const { orderType, price } = event;
  if (orderType === OrderType.Market) return ' market';
  if (orderType === OrderType.Stop) return ' stop';
  if (orderType === OrderType.StopLimit) return ` @ ${price} stop`;
  return ` @ ${price}${event.rests ? ` shows ${event.displayed}` : ''}`;
}

function formatTrade(event: EngineEvent & { type: 'trade' }): string {
  const taker = formatName(event.takerClient, event.takerId);
  const maker = formatName(event.makerClient, event.makerId);
  const buys = event.side === Side.Buy;
  const traded = `${buys ? 'buys' : 'sells'} ${event.qty} @ ${event.price}`;
  const leaves = `leaves ${event.takerLeaves} and ${event.makerLeaves}`;
  const iceberg = event.iceberg ? ' iceberg' : '';
  return `${taker} ${traded} ${buys ? 'from' : 'to'} ${maker}, ${leaves}${iceberg}`;
}

function formatReason(reason: number): string {
  return reason === Reason.None ? '' : ` ${wordOf(REASON_WORDS, reason)}`;
}

function formatEntry({ client, id, displayed, hidden }: RowEntry): string {
  return `${formatName(client, id)} ${displayed}${hidden > 0 ? `+${hidden}` : ''}`;
}

/** Draws rows as a table, highest price first. */
export function formatTable(rows: readonly BookRow[]): string {
  const cells = rows.map((row) => [
    row.bids.map(formatEntry).join(' '), String(row.price), row.asks.map(formatEntry).join(' '),
  ]);
  const width = Math.max(4, ...cells.map(([bids]) => bids.length));
  const priceWidth = Math.max(5, ...cells.map(([, price]) => price.length));
  const lines = [['bids', 'price', 'asks'], ...cells].map(([bids, price, asks]) =>
    `  ${bids.padStart(width)} | ${price.padStart(priceWidth)} | ${asks}`.trimEnd());
  return lines.join('\n');
}

/** Rows of a book rebuilt from events. */
export function rowsOf(events: EventBook, book: number): BookRow[] {
  const rows = new Map<number, { price: number; bids: RowEntry[]; asks: RowEntry[] }>();
  for (const side of [Side.Buy, Side.Sell]) {
    for (const level of events.levels(book, side)) {
      const entries = level.entries.map(({ client, id, displayed, open }) =>
        ({ client, id, displayed, hidden: open - displayed }));
      const row = rows.get(level.price) ?? { price: level.price, bids: [], asks: [] };
      if (side === Side.Buy) row.bids = entries;
      else row.asks = entries;
      rows.set(level.price, row);
    }
  }
  return [...rows.values()].toSorted((a, b) => b.price - a.price);
}

// ── Running ──────────────────────────────────────────────────────────────────────────────────────

/** Runs a scenario; throws a ScenarioError with both sides drawn at the first difference. */
export async function runScenario(
  scenario: Scenario, make: ScenarioTargetFactory,
): Promise<void> {
  const target = await make(scenario);
  try {
    for (const step of scenario.steps) {
      if ('command' in step) await runStep(scenario, step, target);
      else await compareBook(scenario, step, target);
    }
  } finally {
    await target.close?.();
  }
}

async function runStep(scenario: Scenario, step: Step, target: ScenarioTarget): Promise<void> {
  const where = `${scenario.file}:${step.line}: "${scenario.title}"`;
  const place = `${where}: ${formatCommand(step.command)}`;
  const observed = await target.submit(step.command);
  const expected = step.events.filter((event) => target.observes?.(event) ?? true);
  const same = observed.length === expected.length
    && expected.every((event, index) => agrees(event, observed[index]));
  if (!same) {
    const list = (events: readonly Observed[]) =>
      events.map((event) => `    ${formatEvent(event)}`).join('\n') || '    (nothing)';
    throw new ScenarioError(`${place}\n  expected:\n${list(expected)}\n  came:\n${list(observed)}`);
  }
  try {
    target.check?.();
  } catch (error) {
    throw new ScenarioError(`${place}: ${(error as Error).message}`, { cause: error });
  }
}

/** Equal in type and in every field that both sides name. */
function agrees(expected: Observed, observed: Observed): boolean {
  return Object.entries(expected).every(([field, value]) =>
    observed[field] === undefined || observed[field] === value) && expected.type === observed.type;
}

async function compareBook(
  scenario: Scenario, table: BookTable, target: ScenarioTarget,
): Promise<void> {
  const depth = await target.depth?.(table.book, table.rows.length + 1);
  if (depth === undefined) return;
  const side = (which: 'bids' | 'asks') => table.rows
    .filter((row) => row[which].length > 0)
    .map((row) => `${row.price}: ${sum(row[which])} (${row[which].length})`);
  const bids = side('bids').join(', ');
  const asks = side('asks').toReversed().join(', ');
  const place = `${scenario.file}:${table.line}: "${scenario.title}"`;
  if (formatLevels(depth.bids) !== bids || formatLevels(depth.asks) !== asks) {
    throw new ScenarioError(
      `${place}: depth, best first\n  expected: bids ${bids} | asks ${asks}\n`
      + `  was:      bids ${formatLevels(depth.bids)} | asks ${formatLevels(depth.asks)}`,
    );
  }
  if (target instanceof EngineTarget) {
    const expected = formatTable(table.rows);
    const was = formatTable(rowsOf(target.events, table.book));
    if (was !== expected) {
      throw new ScenarioError(`${place}: book\nexpected:\n${expected}\nwas:\n${was}`);
    }
  }
}

function formatLevels(levels: Depth['bids']): string {
  return levels.map((level) => `${level.price}: ${level.qty} (${level.orders})`).join(', ');
}

function sum(entries: readonly RowEntry[]): number {
  return entries.reduce((total, entry) => total + entry.displayed, 0);
}

/** An engine in this process; every event is seen, and a book is rebuilt from them alone. */
export class EngineTarget implements ScenarioTarget {
  readonly events = new EventBook();
  readonly #engine: Engine;

  constructor(engine: Engine) {
    this.#engine = engine;
  }

  submit(command: Command): readonly Observed[] {
    const events = this.#engine.submit(command);
    for (const [index, event] of events.entries()) {
      if (event.end !== (index === events.length - 1)) {
        throw new ScenarioError(`event ${index + 1} of ${events.length}: end was ${event.end}`);
      }
      this.events.apply(event);
    }
    return events;
  }

  depth(book: number, levels: number): Depth {
    return this.#engine.depth(book, levels);
  }

  check(): void {
    this.#engine.checkInvariants();
    const told = this.events.publicHash();
    const is = this.#engine.publicHash();
    if (told !== is) {
      throw new ScenarioError(`public hash: expected ${told} from the events, was ${is}`);
    }
  }
}
