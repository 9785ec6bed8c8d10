// Order flow for a running exchange: requests with the times at which they happened.
//
//   LOBSTER messages (+ book rows) ─► LobsterOrders ─┬─► new · modify · cancel · immediate
//   equity flow's slots ─────────────────────────────┘
//
// A flow is asked for one request at a time and puts it into `request`, which it uses again; it
// does no waiting: a Pacer says when a request is due, at recorded speed, N times that, or at once.
//
// Client order ids rise from `firstOrderId`, in the order of entry, whatever the recording called
// its orders: sessions that take only rising ids take them, and a second flow can go on behind
// `lastOrderId`.
//
// From LOBSTER:
//   new limit                  → new, good till cancelled
//   partial cancel             → modify to the smaller total (which includes executions)
//   delete                     → cancel
//   execution of a visible one → immediate order of the other side, so that the trade happens
//   execution of a hidden one, cross → nothing, counted · halt → `halted`, counted
//   resting before the window, or in a level that comes into it → new, when the book file is given
// From the equity flow: a modify asks for the total `quantity + 1`, where the flow's published
// counts are for an open quantity of that much; the two differ for the few orders that had traded
// before their modify.
//
// Cost: under a microsecond a request. Limits: prices and ids below 2^53.
import { Cmd, COMMAND, State, Tif } from '../book/types.ts';
import type { EquityFlow } from './equity_flow.ts';
import {
  LOBSTER_PRICE_SCALE,
  LobsterBookRows,
  LobsterError,
  LobsterHalt,
  LobsterMessages,
  LobsterType,
} from './lobster.ts';
import { LobsterOrders } from './lobster_orders.ts';
import type { LobsterOrderCounts, RecordedOrder, RecordedOrderSink } from './lobster_orders.ts';
import { priceUnit } from './price_units.ts';

export const RequestKind = { New: 1, Immediate: 2, Modify: 3, Cancel: 4 } as const;
export type RequestKind = (typeof RequestKind)[keyof typeof RequestKind];

/** One request; the fields that its kind does not use are 0. */
export interface FlowRequest {
  /** When it happened, in nanoseconds of the recording's own clock. */
  timeNs: number;
  kind: RequestKind;
  /** The client's id of the order: a new one of New and Immediate, a known one of the others. */
  orderId: number;
  /** +1 buy, −1 sell. */
  side: number;
  /** Units of the instrument's price (cents with two decimals). */
  price: number;
  /** New, immediate: quantity. Modify: the order's total, executions included. */
  qty: number;
}

export interface OrderFlow {
  readonly name: string;
  /** The current request; written anew by `next`. */
  readonly request: FlowRequest;
  /** Moves to the next request; false at the end. */
  next(): boolean;
  /** The highest client order id used so far; `firstOrderId − 1` before the first. */
  readonly lastOrderId: number;
  /** Messages of the source taken so far, and how many it has where that is known. */
  readonly messages: number;
  readonly messagesTotal: number | null;
  close(): void;
}

export function emptyRequest(): FlowRequest {
  return { timeNs: 0, kind: RequestKind.New, orderId: 0, side: 0, price: 0, qty: 0 };
}

/** When a flow's requests are due. */
export class Pacer {
  /** How many times faster than recorded; Infinity: everything at once. */
  readonly speed: number;
  #startNs = 0;
  #firstTimeNs = -1;

  constructor(speed: number) {
    if (!(speed > 0)) throw new RangeError(`speed: expected a number above 0, was ${speed}`);
    this.speed = speed;
  }

  /**
   * The moment, on the clock of `nowNs`, at which something recorded at `timeNs` is due; the first
   * call is due now.
   */
  dueNs(timeNs: number, nowNs: number): number {
    if (this.#firstTimeNs < 0) {
      this.#firstTimeNs = timeNs;
      this.#startNs = nowNs;
    }
    return this.#startNs + (timeNs - this.#firstTimeNs) / this.speed;
  }
}

/** "1", "0.5", "10x" or "max" as a speed. */
export function parseSpeed(text: string): number {
  if (text === 'max') return Infinity;
  const speed = /^\d+(\.\d+)?x?$/.test(text) ? Number(text.replace('x', '')) : 0;
  if (speed > 0) return speed;
  throw new RangeError(
    `speed: expected a number above 0 such as 1, 0.5 or 10x, or max, was "${text}"`,
  );
}

export interface LobsterFlowOptions {
  messagesPath: string;
  /**
   * Rows of the book: with them the exchange's book becomes what the recording shows, from the
   * first message on.
   */
  bookPath?: string;
  /** Decimals of the instrument's price at the exchange: 2 = cents. */
  priceDecimals?: number;
  /** Client order id of the first order. */
  firstOrderId?: number;
}

export class LobsterFlow implements OrderFlow, RecordedOrderSink {
  readonly name = 'lobster';
  readonly request = emptyRequest();
  readonly messagesTotal = null;
  messages = 0;
  lastOrderId: number;
  /** Set by halt messages. */
  state: State = State.Open;
  readonly #messages: LobsterMessages;
  readonly #rows: LobsterBookRows | null;
  readonly #orders = new LobsterOrders(this);
  /** Recorded units in one unit of the exchange's price. */
  readonly #unit: number;
  /** By number of the recorded order: its id at the exchange, and its total quantity there. */
  readonly #ids: number[] = [];
  readonly #totals: number[] = [];
  /**
   * Requests of the current message that have not been handed out; one message can cause several.
   */
  readonly #waiting: FlowRequest[] = [];
  #waitingNext = 0;
  #waitingEnd = 0;

  constructor(options: LobsterFlowOptions) {
    this.#unit = priceUnit(LOBSTER_PRICE_SCALE, options.priceDecimals ?? 2);
    this.lastOrderId = (options.firstOrderId ?? 1) - 1;
    this.#messages = new LobsterMessages(options.messagesPath);
    this.#rows = options.bookPath === undefined ? null : new LobsterBookRows(options.bookPath);
  }

  /** What became of the messages. */
  get counts(): Readonly<LobsterOrderCounts> {
    return this.#orders.counts;
  }

  /**
   * The row of the book after the current message, for who wants to compare; null without a book
   * file.
   */
  get row(): LobsterBookRows | null {
    return this.#rows;
  }

  /** True when the current request is the last one that its message causes. */
  get messageDone(): boolean {
    return this.#waitingNext === this.#waitingEnd;
  }

  next(): boolean {
    while (this.#waitingNext === this.#waitingEnd) if (!this.#nextMessage()) return false;
    Object.assign(this.request, this.#waiting[this.#waitingNext++]);
    return true;
  }

  close(): void {
    this.#messages.close();
    this.#rows?.close();
  }

  enter(order: RecordedOrder): void {
    const orderId = ++this.lastOrderId;
    this.#ids[order.number] = orderId;
    this.#totals[order.number] = order.open;
    this.#put(RequestKind.New, orderId, order.side, this.#units(order.price), order.open);
  }

  shrink(order: RecordedOrder, by: number): void {
    const orderId = this.#ids[order.number];
    if (order.open === 0) {
      this.#put(RequestKind.Cancel, orderId, order.side, 0, 0);
      return;
    }
    this.#totals[order.number] -= by;
    this.#put(
      RequestKind.Modify,
      orderId,
      order.side,
      this.#units(order.price),
      this.#totals[order.number],
    );
  }

  execute(side: number, price: number, qty: number): void {
    this.#put(RequestKind.Immediate, ++this.lastOrderId, -side, this.#units(price), qty);
  }

  #nextMessage(): boolean {
    this.#waitingNext = this.#waitingEnd = 0;
    const messages = this.#messages;
    const rows = this.#rows;
    if (!messages.next()) return false;
    if (rows !== null && !rows.next()) {
      throw new LobsterError(
        rows.path,
        rows.line + 1,
        `expected a row for ${messages.path}:${messages.line}, was the end of the file`,
      );
    }
    this.messages++;
    if (messages.type === LobsterType.Halt)
      this.state = messages.price === LobsterHalt.Trading ? State.Open : State.Halted;
    this.#orders.step(messages, rows);
    return true;
  }

  #units(price: number): number {
    if (price % this.#unit === 0) return price / this.#unit;
    throw new LobsterError(
      this.#messages.path,
      this.#messages.line,
      `expected a price that is a multiple of ${this.#unit}, was ${price}: ` +
        'give the instrument more price decimals',
    );
  }

  #put(kind: RequestKind, orderId: number, side: number, price: number, qty: number): void {
    if (this.#waitingEnd === this.#waiting.length) this.#waiting.push(emptyRequest());
    const request = this.#waiting[this.#waitingEnd++];
    request.timeNs = this.#messages.timeNs;
    request.kind = kind;
    request.orderId = orderId;
    request.side = side;
    request.price = price;
    request.qty = qty;
  }
}

export interface EquityOrderFlowOptions {
  /** Units of the exchange's price in a tick of the flow. */
  unitsPerTick?: number;
  firstOrderId?: number;
}

/** The generated flow as requests, for when no recording is at hand. */
export class EquityOrderFlow implements OrderFlow {
  readonly name: string;
  readonly request = emptyRequest();
  readonly messagesTotal: number;
  messages = 0;
  lastOrderId: number;
  readonly #flow: EquityFlow;
  readonly #view: DataView;
  readonly #unitsPerTick: number;
  readonly #firstOrderId: number;
  /** By the flow's own id: the id at the exchange, counted from `firstOrderId`. */
  readonly #idOffsets: Uint32Array;

  constructor(flow: EquityFlow, options: EquityOrderFlowOptions = {}) {
    this.name = `equity flow, ${flow.scenario}`;
    this.messagesTotal = flow.messages;
    this.#flow = flow;
    this.#view = new DataView(flow.slots.buffer, flow.slots.byteOffset, flow.slots.byteLength);
    this.#unitsPerTick = options.unitsPerTick ?? 1;
    this.#firstOrderId = options.firstOrderId ?? 1;
    this.lastOrderId = this.#firstOrderId - 1;
    this.#idOffsets = new Uint32Array(flow.newOrders + 1);
  }

  next(): boolean {
    if (this.messages === this.messagesTotal) return false;
    const at = this.messages * COMMAND.size;
    const view = this.#view;
    const request = this.request;
    const type = view.getUint8(at + COMMAND.type);
    const flowId = view.getUint32(at + COMMAND.id, true);
    if (type === Cmd.New) this.#idOffsets[flowId] = ++this.lastOrderId - this.#firstOrderId;
    request.timeNs = this.#flow.timesUs[this.messages] * 1_000;
    request.kind =
      type === Cmd.Cancel
        ? RequestKind.Cancel
        : type === Cmd.Replace
          ? RequestKind.Modify
          : view.getUint8(at + COMMAND.tif) === Tif.Ioc
            ? RequestKind.Immediate
            : RequestKind.New;
    request.orderId = this.#firstOrderId + this.#idOffsets[flowId];
    request.side = view.getInt8(at + COMMAND.side);
    request.price = view.getInt32(at + COMMAND.price, true) * this.#unitsPerTick;
    request.qty = view.getUint32(at + COMMAND.qty, true);
    this.messages++;
    return true;
  }

  close(): void {
    this.messages = this.messagesTotal;
  }
}
