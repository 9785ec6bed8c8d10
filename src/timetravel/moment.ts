// What there is to see at one instant of a tape, as plain data: it can be sent to another thread, and be drawn.
//
//   question: book, levels, a level, an order, how many rows ─► momentOf(machine) ─► Moment
//
// The machine stands at its position; nothing is moved. Prices are ticks, ids and hashes text, times ns since the
// tape's zero. Cost: a walk over the orders of the engine for its hash, a few levels and rows.
import { PRICE_TICKS_NONE } from '../book/book_top.ts';
import { COMMAND, type DepthLevel, type EngineEvent, Ev, EVENT } from '../book/types.ts';
import { decodeCommands, hex64 } from '../journal/payloads.ts';
import type { BookFigures } from './figures.ts';
import type { NamedInstrument } from './journal_context.ts';
import { orderStoryOf, type OrderName, type OrderStory } from './order_story.ts';
import { countUpTo } from './tape.ts';
import { OVERVIEW_COLUMNS, type TimeMachine } from './time_machine.ts';
import { commandText, eventText, outcomeText } from './words.ts';

export interface Question {
  readonly book: number;
  /** A side. */
  readonly levels: number;
  /** Inputs before and behind the instant. */
  readonly rows: number;
  readonly trades: number;
  /** Whose queue is wanted. */
  readonly level: { readonly side: number; readonly price: number } | null;
  readonly order: OrderName | null;
}

export interface Moment {
  readonly position: number;
  readonly sequence: number;
  readonly timeNs: number;
  readonly book: number;
  readonly bids: readonly LevelRow[];
  readonly asks: readonly LevelRow[];
  readonly figures: BookFigures;
  readonly ordersLive: number;
  /** Of the input that led here, every event in words. */
  readonly said: readonly string[];
  /** Inputs around the instant, oldest first; `position` tells which has happened. */
  readonly rows: readonly InputRow[];
  /** Of the book, the newest first. */
  readonly trades: readonly TradeRow[];
  readonly queue: Queue | null;
  readonly order: OrderStory | null;
  readonly stateHash: string;
  readonly eventHash: string;
  /** The last position up to which the journal's own hash was met; 0: none yet. */
  readonly verifiedTo: number;
}

export interface LevelRow {
  readonly price: number;
  readonly qty: number;
  readonly orders: number;
}

export type Tone = 'new' | 'trade' | 'cancel' | 'replace' | 'reject' | 'note';

export interface InputRow {
  /** Behind it. */
  readonly position: number;
  readonly sequence: number;
  readonly timeNs: number;
  readonly tone: Tone;
  /** "commands" of which one, "session", … */
  readonly text: string;
  readonly outcome: readonly string[];
  /** Whether the journal's own hash stood here and was met; null: none stood here. */
  readonly verified: boolean | null;
}

export interface TradeRow {
  readonly position: number;
  readonly timeNs: number;
  /** The aggressor's. */
  readonly side: number;
  readonly price: number;
  readonly qty: number;
  readonly taker: string;
  readonly maker: string;
}

export interface Queue {
  readonly side: number;
  readonly price: number;
  readonly orders: readonly QueueRow[];
}

export interface QueueRow {
  readonly client: number;
  readonly id: string;
  readonly qty: number;
  readonly hidden: number;
  readonly executed: number;
  /** Shown quantity that trades before it. */
  readonly aheadQty: number;
}

/** Commands of one input that are put into words. */
const COMMANDS_SHOWN_MAX = 3;
/** Events of one input in words, in a row and for the instant itself. */
const OUTCOMES_SHOWN_MAX = 4;
const SAID_MAX = 200;
/** Orders of a queue that are listed. */
const QUEUE_ORDERS_MAX = 2_000;

export function momentOf(machine: TimeMachine, question: Question): Moment {
  const { engine, position, tape } = machine;
  const { book } = question;
  const depth = engine.depth(book, question.levels);
  const verified = countUpTo(machine.verified, machine.verified.length, position);
  return {
    position,
    sequence: position === 0 ? (tape.start?.sequence ?? 0) : tape.sequences[position - 1],
    timeNs: position === 0 ? (tape.timesNs[0] ?? 0) : tape.timesNs[position - 1],
    book,
    bids: depth.bids.map(levelRow),
    asks: depth.asks.map(levelRow),
    figures: machine.figures.of(book),
    ordersLive: engine.ordersLive,
    said: saidAt(machine, position),
    rows: rowsAround(machine, question.rows),
    trades: tradesUpTo(machine, book, question.trades),
    queue: question.level === null ? null : queueOf(machine, book, question.level.side, question.level.price),
    order: question.order === null ? null : orderStoryOf(machine, question.order),
    stateHash: hex64(engine.stateHash()),
    eventHash: hex64(machine.eventHash),
    verifiedTo: verified === 0 ? 0 : machine.verified[verified - 1],
  };
}

function levelRow({ price, qty, orders }: DepthLevel): LevelRow {
  return { price, qty: Number(qty), orders };
}

function queueOf(machine: TimeMachine, book: number, side: number, price: number): Queue {
  let aheadQty = 0;
  const orders = machine.engine.queue(book, side, price).slice(0, QUEUE_ORDERS_MAX).map((order) => {
    const row = {
      client: order.client, id: String(order.id), qty: order.qty, hidden: order.hidden, executed: order.executed, aheadQty,
    };
    aheadQty += order.qty;
    return row;
  });
  return { side, price, orders };
}

// ── inputs and events in words ───────────────────────────────────────────────────────────────

function instrumentOf({ tape }: TimeMachine, book: number): NamedInstrument | null {
  return tape.instruments[book] ?? null;
}

function saidAt(machine: TimeMachine, position: number): string[] {
  if (position === 0) return [];
  const said: string[] = [];
  for (const event of machine.log.of(position - 1)) {
    if (said.length === SAID_MAX) return [...said, '…'];
    const name = 'client' in event ? `${event.client}.${event.id} ` : event.type === 'trade' ? `${event.takerClient}.${event.takerId} ` : '';
    said.push(name + eventText(event, false, instrumentOf(machine, event.book)));
  }
  return said;
}

function rowsAround(machine: TimeMachine, rows: number): InputRow[] {
  const from = Math.max(0, machine.position - rows);
  const to = Math.min(machine.inputs, machine.position + rows);
  return Array.from({ length: to - from }, (_, index) => inputRow(machine, from + index));
}

function inputRow(machine: TimeMachine, input: number): InputRow {
  const { tape } = machine;
  const events: EngineEvent[] = [];
  let more = false;
  for (const event of machine.log.of(input)) {
    more = events.length === OUTCOMES_SHOWN_MAX;
    if (more) break;
    events.push(event);
  }
  const own = onlyOrderOf(machine, input);
  const outcome = events.map((event) => outcomeText(event, own, instrumentOf(machine, event.book))).filter((text) => text !== '');
  const hash = tape.hashes.get(input);
  return {
    position: input + 1,
    sequence: tape.sequences[input],
    timeNs: tape.timesNs[input],
    tone: toneOf(machine, input),
    text: inputText(machine, input),
    outcome: more ? [...outcome, '…'] : outcome,
    verified: hash === undefined ? null : machine.verified[countUpTo(machine.verified, machine.verified.length, input + 1) - 1] === input + 1,
  };
}

function inputText(machine: TimeMachine, input: number): string {
  const { notes, slots, firstSlot } = machine.tape;
  const note = notes.get(input);
  const words: string[] = note === undefined ? [] : [`${note.type}${note.text === '' ? '' : `: ${note.text}`}`];
  for (const command of decodeCommands(slots.subarray(firstSlot[input] * COMMAND.size, firstSlot[input + 1] * COMMAND.size))) {
    if (words.length === COMMANDS_SHOWN_MAX) return `${words.join(' · ')} · …`;
    words.push(commandText(command, instrumentOf(machine, command.book)));
  }
  return words.join(' · ');
}

/** "CLIENT.ID" of an input that is one command; else empty. */
function onlyOrderOf({ tape: { slots, firstSlot } }: TimeMachine, input: number): string {
  const [first, more] = decodeCommands(slots.subarray(firstSlot[input] * COMMAND.size, firstSlot[input + 1] * COMMAND.size));
  return first === undefined || more !== undefined ? '' : `${first.client}.${first.order}`;
}

function toneOf({ log }: TimeMachine, input: number): Tone {
  let tone: Tone = 'note';
  for (let event = log.firstOf[input]; event < log.firstOf[input + 1]; event++) {
    const type = log.typeOf(event);
    if (type === Ev.Trade) return 'trade';
    if (type === Ev.Accepted) tone = 'new';
    else if (tone === 'note') tone = type === Ev.Rejected ? 'reject' : type === Ev.Canceled ? 'cancel' : 'replace';
  }
  return tone;
}

// ── trades ───────────────────────────────────────────────────────────────────────────────────

function tradesUpTo(machine: TimeMachine, book: number, count: number): TradeRow[] {
  const events = machine.tradesOf[book];
  const end = countUpTo(events, events.length, machine.log.firstOf[machine.position] - 1);
  return events.slice(Math.max(0, end - count), end).toReversed().map((event) => tradeRow(machine, event));
}

function tradeRow(machine: TimeMachine, event: number): TradeRow {
  const trade = machine.log.decode(event) as EngineEvent & { type: 'trade' };
  const position = machine.positionOfEvent(event);
  return {
    position,
    timeNs: machine.tape.timesNs[position - 1],
    side: trade.side,
    price: trade.price,
    qty: trade.qty,
    taker: `${trade.takerClient}.${trade.takerId}`,
    maker: `${trade.makerClient}.${trade.makerId}`,
  };
}

// ── the whole day ────────────────────────────────────────────────────────────────────────────

/** A day of one book in OVERVIEW_COLUMNS columns of equally many inputs; prices are ticks, null where there is none. */
export interface Overview {
  readonly book: number;
  readonly positions: readonly number[];
  readonly timesNs: readonly number[];
  readonly bids: readonly (number | null)[];
  readonly asks: readonly (number | null)[];
  readonly highs: readonly (number | null)[];
  readonly lows: readonly (number | null)[];
  /** Traded quantity by what the aggressor did. */
  readonly bought: readonly number[];
  readonly sold: readonly number[];
}

export function overviewOf(machine: TimeMachine, book: number): Overview {
  const books = machine.tradesOf.length;
  const positions = Array.from({ length: OVERVIEW_COLUMNS }, (_, column) => Math.min(machine.columnEnd(column), machine.inputs));
  const price = (column: number, ask: number): number | null => {
    const ticks = machine.columnTops[(column * books + book) * 2 + ask];
    return ticks === PRICE_TICKS_NONE ? null : ticks;
  };
  const overview = {
    book,
    positions,
    timesNs: positions.map((position) => machine.tape.timesNs[Math.max(0, position - 1)] ?? 0),
    bids: positions.map((_, column) => price(column, 0)),
    asks: positions.map((_, column) => price(column, 1)),
    highs: positions.map((): number | null => null),
    lows: positions.map((): number | null => null),
    bought: positions.map(() => 0),
    sold: positions.map(() => 0),
  };
  let column = 0;
  for (const event of machine.tradesOf[book]) {
    const position = machine.positionOfEvent(event);
    while (column < OVERVIEW_COLUMNS - 1 && positions[column] < position) column += 1;
    const ticks = machine.log.i32(event, EVENT.price);
    const qty = machine.log.u32(event, EVENT.qty);
    overview.highs[column] = Math.max(overview.highs[column] ?? ticks, ticks);
    overview.lows[column] = Math.min(overview.lows[column] ?? ticks, ticks);
    if (machine.log.sideOf(event) > 0) overview.bought[column] += qty;
    else overview.sold[column] += qty;
  }
  return overview;
}
