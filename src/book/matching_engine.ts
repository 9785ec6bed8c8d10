// The matching engine: the core as a class.
//
// Two faces. Objects (`submit`, `depth`, …) for tests, tools and the library: convenient, they allocate.
// Raw (`commandBase`, `process`, the event ring) for the pipeline: slots in shared memory, nothing is allocated.
//
//   commands   commandBase + 32 · n, n < commandSlotsMax; an extended command takes two slots
//   events     eventBase + 64 · (n & eventMask), n from the consumer's cursor to eventsWritten()
import { BookQueries } from './book_queries.ts';
import { BookTop, PRICE_TICKS_NONE } from './book_top.ts';
import {
  BOOK, DEFAULT_COMMAND_SLOTS, DEFAULT_EVENT_SLOTS, DEFAULT_VIEW_LEVELS, EXTENSION, KIND_SELL, LEVEL, ORDER,
  createCore, roomOf, type CoreExports, type EngineRoom,
} from './core.ts';
import type { CoreVariant } from './core_module.ts';
import type { BookReaderSource } from './book_reader.ts';
import type { Depth, Engine, QueuedOrder, RestingOrder, Top, Vwap } from './engine.ts';
import {
  COMMAND, COMMAND_DEFAULT, COMMAND_EXTENSION, Cmd, CmdFlag, EVENT, Ev, EvFlag,
  type Command, type EngineConfig, type EngineEvent,
} from './types.ts';

/** What a command's slot can hold; what lies within, the core judges. */
const U32_MAX = 0xffff_ffff;
const NUMBERS_HELD = [
  ['book', 0, 0xffff], ['client', 0, U32_MAX], ['side', -128, 127], ['orderType', 0, 255], ['tif', 0, 255], ['stp', 0, 255],
  ['price', -0x8000_0000, 0x7fff_ffff], ['qty', 0, U32_MAX], ['display', 0, U32_MAX], ['minQty', 0, U32_MAX],
  ['stopPrice', -0x8000_0000, 0x7fff_ffff], ['owner', 0, U32_MAX],
] as const;

/** A slot would cut what does not fit: a quantity of 2^32 + 5 to 5, a price of 100.75 to 100. */
function checkFits(command: Command): void {
  if (typeof command !== 'object' || command === null) {
    throw new TypeError(`command: expected an object with a type, was ${command === null ? 'null' : typeof command}`);
  }
  for (const [name, min, max] of NUMBERS_HELD) {
    const value = command[name];
    if (value === undefined || (Number.isInteger(value) && value >= min && value <= max)) continue;
    throw new RangeError(`${name}: expected a whole number ${min} … ${max}, was ${value}`);
  }
  const { id } = command;
  if (id === undefined || (typeof id === 'bigint' && BigInt.asUintN(64, id) === id)) return;
  throw new RangeError(`id: expected a bigint 0 … 2^64 − 1, was ${String(id)}`);
}

/** Cursors of the ring count modulo 2^32. */
const CURSOR_WRAP = 0x1_0000_0000;

export interface MatchingEngineOptions {
  variant?: CoreVariant;
}

export class MatchingEngine implements Engine {
  readonly memory: WebAssembly.Memory;
  /** Bytes of core memory reserved. */
  readonly bytes: number;
  readonly u8: Uint8Array;
  readonly u16: Uint16Array;
  readonly u32: Uint32Array;
  readonly i32: Int32Array;
  readonly view: DataView;
  readonly commandBase: number;
  readonly commandSlotsMax: number;
  readonly eventBase: number;
  readonly eventMask: number;
  /** How much of what there may be at once. */
  readonly room: EngineRoom;
  /** Top of book as plain numbers, for what decides orders in this thread. */
  readonly touch: BookTop;
  /** Called when the ring fills within a command; must release events before it returns. */
  onEventsFull: () => void;

  private readonly core: CoreExports;
  private readonly queries: BookQueries;
  private readonly viewLevels: number;
  readonly #books: number;
  private readonly publishedIndex: number;
  private readonly releasedIndex: number;
  private written = 0;
  /** Events collected by `submit`. */
  private collected: EngineEvent[] = [];
  private collectedTo = 0;

  constructor(config: EngineConfig, options: MatchingEngineOptions = {}) {
    this.onEventsFull = () => {
      throw new Error('the event ring is full and nobody reads it: set onEventsFull or call releaseEvents');
    };
    this.room = roomOf(config);
    const made = createCore(config, options.variant ?? 'core', (needed) => this.makeRoom(needed));
    this.core = made.core;
    this.memory = made.memory;
    this.bytes = made.bytes;
    const buffer = made.memory.buffer;
    this.u8 = new Uint8Array(buffer);
    this.u16 = new Uint16Array(buffer);
    this.u32 = new Uint32Array(buffer);
    this.i32 = new Int32Array(buffer);
    this.view = new DataView(buffer);
    this.commandBase = this.core.commandsAddress() >>> 0;
    this.eventBase = this.core.eventsAddress() >>> 0;
    this.#books = this.core.bookAddress(0) >>> 0;
    this.queries = new BookQueries(this.core, made.memory, config.instruments.length);
    this.touch = new BookTop(this.core, made.memory);
    this.viewLevels = config.viewLevels ?? DEFAULT_VIEW_LEVELS;
    this.commandSlotsMax = config.commandSlots ?? DEFAULT_COMMAND_SLOTS;
    this.eventMask = (config.eventsMax ?? DEFAULT_EVENT_SLOTS) - 1;
    this.publishedIndex = (this.core.publishedAddress() >>> 0) >>> 2;
    this.releasedIndex = (this.core.releasedAddress() >>> 0) >>> 2;
  }

  // ---- raw face --------------------------------------------------------------------------------

  /** Executes the commands in slots 0 … slots − 1. */
  process(slots: number): void {
    this.core.processCommands(this.commandBase, slots);
  }

  /** Executes command slots that lie elsewhere in the engine's memory. */
  processAt(address: number, slots: number): void {
    this.core.processCommands(address, slots);
  }

  /** Events written since the engine was made. */
  eventsWritten(): number {
    const low = this.core.eventsWritten() >>> 0;
    const before = this.written % CURSOR_WRAP;
    this.written += low >= before ? low - before : low + CURSOR_WRAP - before;
    return this.written;
  }

  /** Frees the ring's slots below event number `upTo`. */
  releaseEvents(upTo: number): void {
    Atomics.store(this.i32, this.releasedIndex, (upTo % CURSOR_WRAP) | 0);
  }

  /** Called by the core when fewer than `needed` slots are free: publishes, lets the consumer release, renews the credit. */
  private makeRoom(needed: number): void {
    const slots = this.eventMask + 1;
    const written = this.core.eventsWritten();
    let credit = (Atomics.load(this.i32, this.releasedIndex) + slots) | 0;
    while (((credit - written) | 0) < needed) {
      Atomics.store(this.i32, this.publishedIndex, written);
      this.onEventsFull();
      credit = (Atomics.load(this.i32, this.releasedIndex) + slots) | 0;
    }
    this.core.setEventsCredit(credit);
  }

  /** Index into an Int32Array over the memory of the cursors that another thread may poll and move. */
  get cursors(): { published: number; released: number } {
    return { published: this.publishedIndex, released: this.releasedIndex };
  }

  // Questions without objects, for the stage before the engine. Addresses hold until the next call of `process`.

  /** Address of the live order of (client, id), or 0. */
  orderNamed(client: number, idLo: number, idHi: number): number {
    return this.core.orderNamed(client, idLo, idHi) >>> 0;
  }

  /** Of the order at `address`: the instrument that it is on. */
  bookOf(address: number): number {
    const level = this.u32[(address + ORDER.level) >>> 2];
    // A book's ladders come first in it, and it is aligned to its size.
    return Math.floor((this.u32[(level + LEVEL.ladder) >>> 2] - this.#books) / BOOK.size);
  }

  /** Of the order at `address`: +1 or −1. */
  sideOf(address: number): number {
    return (this.u32[(address + ORDER.kind) >>> 2] & KIND_SELL) === 0 ? 1 : -1;
  }

  /** Of the order at `address`: what can still trade, shown or not. */
  openOf(address: number): number {
    const extension = this.u32[(address + ORDER.ext) >>> 2];
    const hidden = extension === 0 ? 0 : this.u32[(extension + EXTENSION.hidden) >>> 2];
    return this.u32[(address + ORDER.qty) >>> 2] + hidden;
  }

  /** Of the order at `address`: what it has traded. */
  executedOf(address: number): number {
    return this.u32[(address + ORDER.executed) >>> 2];
  }

  /** Price of an instrument's last trade in ticks, PRICE_TICKS_NONE before the first. */
  lastTicks(book: number): number {
    const at = this.#books + book * BOOK.size;
    return this.u32[(at + BOOK.hasLast) >>> 2] === 0 ? PRICE_TICKS_NONE : this.i32[(at + BOOK.lastPrice) >>> 2];
  }

  get ordersLive(): number {
    return this.core.ordersLive();
  }

  get stopsLive(): number {
    return this.core.stopsLive();
  }

  /** Commands whose stops reached `triggersMax`. */
  get triggersDeferred(): number {
    return this.core.triggersDeferred();
  }

  /** What a BookReader on another thread needs to read the published views. */
  get readerSource(): BookReaderSource {
    return {
      buffer: this.memory.buffer,
      viewsAddress: this.core.viewsAddress() >>> 0,
      viewSize: this.core.viewSize(),
      viewLevels: this.viewLevels,
    };
  }

  /** Writes one command into slot `slot`; returns the slots that it takes, 1 or 2. */
  writeCommand(slot: number, command: Command): number {
    const at = this.commandBase + slot * COMMAND.size;
    const { view } = this;
    const extended = command.type === Cmd.New && (
      command.display !== undefined || command.minQty !== undefined || command.stopPrice !== undefined ||
      command.owner !== undefined);
    const flags =
      (command.postOnly ? CmdFlag.PostOnly : 0) | (extended ? CmdFlag.Extended : 0) | (command.chain ? CmdFlag.Chain : 0);
    const second =
      command.type === Cmd.State ? (command.state ?? COMMAND_DEFAULT.state)
      : command.type === Cmd.Reject ? (command.op ?? COMMAND_DEFAULT.op)
      : (command.orderType ?? COMMAND_DEFAULT.orderType);
    view.setUint8(at + COMMAND.type, command.type);
    view.setInt8(at + COMMAND.side, command.side ?? COMMAND_DEFAULT.side);
    view.setUint8(at + COMMAND.orderType, second);
    view.setUint8(at + COMMAND.tif, command.tif ?? COMMAND_DEFAULT.tif);
    view.setUint8(at + COMMAND.flags, flags);
    view.setUint8(at + COMMAND.stp, command.stp ?? COMMAND_DEFAULT.stp);
    view.setUint16(at + COMMAND.book, command.book ?? COMMAND_DEFAULT.book, true);
    view.setUint32(at + COMMAND.client, command.client ?? COMMAND_DEFAULT.client, true);
    view.setInt32(at + COMMAND.price, command.price ?? COMMAND_DEFAULT.price, true);
    view.setBigUint64(at + COMMAND.id, command.id ?? COMMAND_DEFAULT.id, true);
    view.setUint32(at + COMMAND.qty, command.qty ?? COMMAND_DEFAULT.qty, true);
    view.setUint32(at + COMMAND.reason, command.reason ?? COMMAND_DEFAULT.reason, true);
    if (!extended) return 1;
    const next = at + COMMAND.size;
    view.setUint32(next + COMMAND_EXTENSION.display, command.display ?? COMMAND_DEFAULT.display, true);
    view.setUint32(next + COMMAND_EXTENSION.minQty, command.minQty ?? COMMAND_DEFAULT.minQty, true);
    view.setInt32(next + COMMAND_EXTENSION.stopPrice, command.stopPrice ?? COMMAND_DEFAULT.stopPrice, true);
    view.setUint32(next + COMMAND_EXTENSION.owner, command.owner ?? COMMAND_DEFAULT.owner, true);
    return 2;
  }

  // ---- object face -----------------------------------------------------------------------------

  /** Executes one command and returns its events; do not mix with a consumer of the raw ring. */
  submit(command: Command): EngineEvent[] {
    checkFits(command);
    this.collected = [];
    this.collectedTo = this.eventsWritten();
    const ownFull = this.onEventsFull;
    this.onEventsFull = () => this.collect();
    try {
      this.process(this.writeCommand(0, command));
      this.collect();
    } finally {
      this.onEventsFull = ownFull;
    }
    return this.collected;
  }

  private collect(): void {
    const end = this.eventsWritten();
    for (let n = this.collectedTo; n < end; n++) this.collected.push(this.readEvent(n));
    this.collectedTo = end;
    this.releaseEvents(end);
  }

  /** Event number `n` as an object; it must still be in the ring. */
  readEvent(n: number): EngineEvent {
    const at = this.eventBase + (n & this.eventMask) * EVENT.size;
    return decodeEvent(this.view, at);
  }

  depth(book: number, levels: number): Depth {
    return this.queries.depth(book, levels);
  }

  top(book: number): Top {
    return this.queries.top(book);
  }

  vwap(book: number, side: number, qty: number | bigint): Vwap {
    return this.queries.vwap(book, side, qty);
  }

  /** Orders of one price in queue order, the next to trade first. */
  queue(book: number, side: number, price: number): QueuedOrder[] {
    return this.queries.queue(book, side, price);
  }

  /** A live order by its client's id, stops included; null: there is none. */
  order(client: number, id: bigint): RestingOrder | null {
    return this.queries.order(client, id);
  }

  /** Last trade of an instrument, null before the first. */
  lastTrade(book: number): { price: number; qty: number } | null {
    return this.queries.lastTrade(book);
  }

  stateHash(): bigint {
    return BigInt.asUintN(64, this.core.stateHash());
  }

  publicHash(): bigint {
    return this.queries.publicHash();
  }

  checkInvariants(): void {
    this.queries.checkInvariants();
  }

  /**
   * Handle of a live order, 0n for none: slot and generation. It stays valid while that very order lives;
   * `isLive` tells a stale one from the order that has taken its slot since.
   */
  handle(client: number, id: bigint): bigint {
    return BigInt.asUintN(64, this.core.handle(client, Number(id & 0xffff_ffffn), Number(id >> 32n)));
  }

  isLive(handle: bigint): boolean {
    return this.core.orderAt(handle) !== 0;
  }

}

/** One 64-byte event as an object. */
export function decodeEvent(view: DataView, at: number): EngineEvent {
  const flags = view.getUint8(at + EVENT.flags);
  const end = (flags & EvFlag.End) !== 0;
  const rests = (flags & EvFlag.Rests) !== 0;
  const resting = (flags & EvFlag.Resting) !== 0;
  const book = view.getUint16(at + EVENT.book, true);
  const side = view.getInt8(at + EVENT.side);
  const reason = view.getUint8(at + EVENT.reason);
  const price = view.getInt32(at + EVENT.price, true);
  const qty = view.getUint32(at + EVENT.qty, true);
  const client = view.getUint32(at + EVENT.client, true);
  const id = view.getBigUint64(at + EVENT.id, true);
  const orderId = view.getBigUint64(at + EVENT.orderId, true);
  const priority = view.getBigUint64(at + EVENT.makerOrderId, true);
  const leaves = view.getUint32(at + EVENT.leaves, true);
  const displayed = view.getUint32(at + EVENT.displayed, true);
  const type = view.getUint8(at + EVENT.type);
  switch (type) {
    case Ev.Accepted:
      return { type: 'accepted', book, client, id, orderId, side, orderType: view.getUint8(at + EVENT.orderType), price, qty, displayed, rests, end };
    case Ev.Trade:
      return {
        type: 'trade', book, side, price, qty, takerClient: client, takerId: id, takerOrderId: orderId, takerLeaves: leaves,
        makerClient: view.getUint32(at + EVENT.makerClient, true), makerId: view.getBigUint64(at + EVENT.makerId, true),
        makerOrderId: priority, makerLeaves: displayed, iceberg: (flags & EvFlag.Iceberg) !== 0, end,
      };
    case Ev.Canceled:
      return { type: 'canceled', book, client, id, orderId, side, price, qty, reason, priority, resting, end };
    case Ev.Replaced:
      return { type: 'replaced', book, client, id, orderId, side, price, qty, oldPrice: view.getInt32(at + EVENT.makerClient, true), oldOpen: view.getUint32(at + EVENT.makerId, true) + view.getUint32(at + EVENT.makerId + 4, true), displayed, priority, rests, resting, kept: (flags & EvFlag.Kept) !== 0, end };
    case Ev.Reduced:
      return { type: 'reduced', book, client, id, orderId, side, price, qty, leaves, displayed, reason, resting, end };
    case Ev.Rejected:
      return { type: 'rejected', book, client, id, side, op: view.getUint8(at + EVENT.op), price, qty, reason, end };
    case Ev.Triggered:
      return { type: 'triggered', book, client, id, orderId, side, price, qty, end };
    case Ev.Rested:
      return { type: 'rested', book, client, id, orderId, side, price, displayed, leaves, priority, end };
    case Ev.Displayed:
      return { type: 'displayed', book, client, id, orderId, side, price, displayed, leaves, priority, end };
    case Ev.State:
      return { type: 'state', book, state: reason, end };
    default:
      throw new Error(`event type must be 1 … 10, was ${type}`);
  }
}
