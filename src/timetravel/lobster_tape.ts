// A recorded day of LOBSTER as a tape: each message one input, with the commands that make it happen in a matching
// engine (recorded/lobster_orders.ts): a new order is a limit order, an execution an immediate order of the other side.
//
//   client 1   orders that the recording names, by its ids
//   client 2   who takes: the recording has no names for them, they are numbered
//   client 3   orders that nobody announced: in the book before the first message, or on levels that came into view
//
// Messages that move nothing visible (hidden executions, crosses, halts) are inputs with a note. Prices are
// dollars × 10,000, as ticks. Without the book file what rested before the first message is not known.
import { formatDecimal } from '../base/decimal.ts';
import { Cmd, COMMAND, OrderType, Side, Tif } from '../book/types.ts';
import { LOBSTER_ENGINE_CONFIG } from '../recorded/lobster_book.ts';
import { LobsterBookRows, LobsterError, LobsterHalt, LobsterMessages, LobsterType } from '../recorded/lobster.ts';
import { LobsterOrders, NAMELESS, type RecordedOrder, type RecordedOrderSink } from '../recorded/lobster_orders.ts';
import { type Tape, TapeWriter } from './tape.ts';

export const RECORDED_CLIENT = 1;
export const TAKING_CLIENT = 2;
export const NAMELESS_CLIENT = 3;

const PRICE_DECIMALS = 4;
const PROGRESS_ROWS = 1 << 13;

export interface RecordedFile {
  readonly name: string;
  readonly content: Uint8Array;
}

/** Throws a LobsterError where a file is not what it should be. */
export function readLobster(
  messages: RecordedFile,
  book: RecordedFile | null,
  onProgress: (line: number) => void = () => {},
): Tape {
  return new LobsterTape(new LobsterMessages(messages.name, messages.content)).read(messages.name, book, onProgress);
}

/** Symbol and day of a file named as LOBSTER does, AMZN_2012-06-21_34200000_57600000_message_10.csv; else as far as it is. */
export function lobsterName(name: string): { symbol: string; zeroMs: number | null } {
  const parts = /([A-Za-z][\w.-]*?)_(\d{4}-\d\d-\d\d)_/.exec(name);
  if (parts === null) return { symbol: name.replace(/\.[^.]*$/, ''), zeroMs: null };
  const zeroMs = Date.parse(`${parts[2]}T00:00:00Z`);
  return { symbol: parts[1], zeroMs: Number.isNaN(zeroMs) ? null : zeroMs };
}

class LobsterTape implements RecordedOrderSink {
  readonly #messages: LobsterMessages;
  readonly #orders = new LobsterOrders(this);
  readonly #writer = new TapeWriter();
  readonly #slot = new Uint8Array(COMMAND.size);
  readonly #view = new DataView(this.#slot.buffer);
  /** The recording's ids that are in use in the engine. */
  readonly #idsLive = new Set<number>();
  /** Of orders that go by their number: their name was none, or taken. */
  readonly #byNumber = new Set<number>();
  #taken = 0;

  constructor(messages: LobsterMessages) {
    this.#messages = messages;
  }

  read(name: string, book: RecordedFile | null, onProgress: (line: number) => void): Tape {
    const messages = this.#messages;
    const rows = book === null ? null : new LobsterBookRows(book.name, book.content);
    const faults: string[] = [];
    while (messages.next()) {
      if (this.#writer.isFull) {
        faults.push(`only the first ${this.#writer.inputs.toLocaleString('en')} messages are shown`);
        break;
      }
      if (rows !== null && !rows.next())
        throw new LobsterError(rows.path, rows.line + 1, `expected a row for ${name}:${messages.line}, was the end of the file`);
      this.#writer.begin(messages.line, messages.timeNs);
      const note = noteOf(messages);
      if (note !== '') this.#writer.note('message', note);
      this.#orders.step(messages, rows);
      if (messages.line % PROGRESS_ROWS === 0) onProgress(messages.line);
    }
    const { symbol, zeroMs } = lobsterName(name);
    return this.#writer.finish({
      name, kind: 'recording', instruments: [{ symbol, decimals: PRICE_DECIMALS, tickSize: 1 }], engine: LOBSTER_ENGINE_CONFIG,
      start: null, zeroMs: zeroMs ?? 0, faults,
    });
  }

  enter(order: RecordedOrder): void {
    const { recordedId, number } = order;
    if (recordedId === NAMELESS || this.#idsLive.has(recordedId)) this.#byNumber.add(number);
    else this.#idsLive.add(recordedId);
    this.#name(order);
    this.#limit(order.side, order.price, order.open, Tif.Gtc);
  }

  shrink(order: RecordedOrder, by: number): void {
    this.#name(order);
    this.#view.setUint8(COMMAND.type, order.open === 0 ? Cmd.Cancel : Cmd.Reduce);
    this.#view.setUint32(COMMAND.qty, order.open === 0 ? 0 : by, true);
    this.#write();
    if (order.open === 0) this.#forget(order);
  }

  fill(order: RecordedOrder): void {
    if (order.open === 0) this.#forget(order);
  }

  execute(side: number, price: number, qty: number): void {
    this.#taken += 1;
    this.#client(TAKING_CLIENT, this.#taken);
    this.#limit(-side, price, qty, Tif.Ioc);
  }

  #name({ recordedId, number }: RecordedOrder): void {
    if (this.#byNumber.has(number)) this.#client(NAMELESS_CLIENT, number);
    else this.#client(RECORDED_CLIENT, recordedId);
  }

  #forget({ recordedId, number }: RecordedOrder): void {
    if (!this.#byNumber.delete(number)) this.#idsLive.delete(recordedId);
  }

  #client(client: number, id: number): void {
    this.#slot.fill(0);
    this.#view.setUint32(COMMAND.client, client, true);
    this.#view.setBigUint64(COMMAND.id, BigInt(id), true);
  }

  #limit(side: number, price: number, qty: number, tif: Tif): void {
    const view = this.#view;
    view.setUint8(COMMAND.type, Cmd.New);
    view.setInt8(COMMAND.side, side);
    view.setUint8(COMMAND.orderType, OrderType.Limit);
    view.setUint8(COMMAND.tif, tif);
    view.setInt32(COMMAND.price, this.#ticks(price), true);
    view.setUint32(COMMAND.qty, qty, true);
    this.#write();
  }

  #write(): void {
    this.#writer.slots(this.#slot, 0, 1);
  }

  #ticks(price: number): number {
    const max = LOBSTER_ENGINE_CONFIG.instruments[0].maxPrice;
    if (price <= max) return price;
    throw new LobsterError(this.#messages.path, this.#messages.line, `expected a price of at most ${max}, was ${price}`);
  }
}

/** Of a message that changes nothing visible; else empty. */
function noteOf({ type, size, price, direction }: LobsterMessages): string {
  const at = `${size} @ ${formatDecimal(BigInt(price), PRICE_DECIMALS)}`;
  switch (type) {
    case LobsterType.HiddenExecution:
      return `hidden ${direction === Side.Buy ? 'bid' : 'offer'} executed, ${at}`;
    case LobsterType.Cross:
      return `cross, ${at}`;
    case LobsterType.Halt:
      return price === LobsterHalt.Halted ? 'trading is halted' : price === LobsterHalt.Quoting ? 'quoting resumes' : 'trading resumes';
    default:
      return '';
  }
}
