// The compiled core as a module: loading, the memory that it lives in, and its exports.
//
// One engine owns one memory. The memory is shared, so that readers and consumers on other threads see it; it is
// reserved whole at start and its buffer never changes. Pages that nobody has touched cost nothing.
import { coreModule, type CoreVariant } from './core_module.ts';
import { QTY_NONE, Stp, type EngineConfig } from './types.ts';

/** What the core offers; addresses are byte offsets into its memory (core/exports.ts). */
export interface CoreExports {
  layoutEngine(
    books: number, ordersMax: number, extensionsMax: number, levelsMax: number, blocksMax: number,
    commandSlots: number, eventSlots: number, viewLevels: number, stpDefault: number, ackReplaceLast: number, triggersMax: number,
  ): number;
  initEngine(): void;
  setRange(index: number, minPrice: number, maxPrice: number): void;
  processCommands(at: number, slots: number): void;
  commandsAddress(): number;
  eventsAddress(): number;
  resultsAddress(): number;
  publishedAddress(): number;
  releasedAddress(): number;
  viewsAddress(): number;
  viewSize(): number;
  eventsWritten(): number;
  setEventsCredit(credit: number): void;
  ordersLive(): number;
  stopsLive(): number;
  triggersDeferred(): number;
  bookAddress(index: number): number;
  lastNumberLow(): number;
  lastNumberHigh(): number;
  depth(index: number, kind: number, afterLevel: number, count: number): number;
  vwap(index: number, kind: number, qtyLow: number, qtyHigh: number): void;
  stateHash(): bigint;
  publicHash(): bigint;
  brokenInvariant(): number;
  firstOrder(index: number, kind: number): number;
  orderAfter(order: number): number;
  handle(client: number, idLow: number, idHigh: number): bigint;
  orderAt(handle: bigint): number;
  orderNamed(client: number, idLow: number, idHigh: number): number;
  viewAdd(
    index: number, side: number, price: number, qty: number, orderLow: number, orderHigh: number,
    priorityLow: number, priorityHigh: number,
  ): number;
  viewModify(index: number, orderLow: number, orderHigh: number, qty: number): number;
  viewCancel(index: number, orderLow: number, orderHigh: number): number;
  viewClear(index: number): number;
  viewTrade(index: number, price: number, qty: number): number;
  publish(): void;
}

/** Byte offsets of core/book/records.ts that queries read. */
export const ORDER = { qty: 8, level: 12, id: 16, client: 24, orderId: 32, priority: 40, executed: 48, ext: 52, kind: 60 } as const;
export const EXTENSION = { hidden: 4 } as const;
export const KIND_SELL = 1 << 16;
export const KIND_STOP = 1 << 18;
export const LEVEL = { next: 0, last: 4, count: 8, rank: 12, volume: 16, ladder: 28 } as const;
/** Where the header stands, and of its fields (core/memory/layout.ts) those that say how far each pool has ever been used. */
export const HEADER_ADDRESS = 0x1_0000;
export const HEADER = {
  orders: 48, orderFresh: 52, ordersMax: 64, extensionFresh: 72, extensionsEnd: 80, blockFresh: 132, blocksEnd: 140, nodeFresh: 148,
  nodesEnd: 156,
} as const;
export const BOOK = { size: 256, state: 128, lastPrice: 152, lastQty: 156, hasLast: 160 } as const;
/** Order and ladder kinds (core/book/records.ts). */
export const Ladder = { Bids: 0, Asks: 1, BuyStops: 2, SellStops: 3 } as const;

const PAGE = 65_536;
/** Maximum that the module's import declares, in pages: 4 GiB. */
const PAGES_MAX = 65_536;
const LAYOUT_PAGES = 18;

/** A memory of at least `bytes`, not growable: its buffer stays the same for good. */
export function coreMemory(bytes: number): WebAssembly.Memory {
  const pages = Math.max(LAYOUT_PAGES, Math.ceil(bytes / PAGE));
  if (pages > PAGES_MAX) throw new Error(`the core's memory must be at most 4 GiB, was ${bytes} bytes`);
  return new WebAssembly.Memory({ initial: pages, maximum: pages, shared: true });
}

/** An instance over `memory`. `makeRoom` is called when the event ring has less than `needed` free slots. */
export function instantiateCore(
  variant: CoreVariant, memory: WebAssembly.Memory, makeRoom: (needed: number) => void,
): CoreExports {
  const abort = (_message: number, file: number, line: number, column: number): never => {
    throw new Error(`core assertion failed at ${readText(memory, file)}:${line}:${column}`);
  };
  const imports = { env: { memory, makeRoom, abort } };
  return new WebAssembly.Instance(coreModule(variant), imports).exports as unknown as CoreExports;
}

/** AssemblyScript string: UTF-16 at the address, its length in bytes in the four before. */
function readText(memory: WebAssembly.Memory, address: number): string {
  if (!address) return 'core';
  const length = new Uint32Array(memory.buffer, address - 4, 1)[0] >>> 1;
  return String.fromCharCode(...new Uint16Array(memory.buffer, address, length));
}

export const DEFAULT_COMMAND_SLOTS = 8_192;
export const DEFAULT_EVENT_SLOTS = 16_384;
const DEFAULT_LEVELS_MAX = 65_536;
/** Two rounds of plain commands (core/memory/event_ring.ts). */
export const EVENT_SLOTS_MIN = 64;
/** 70 MB of address space: every level may stand alone in a block up to here. */
const BLOCKS_DEFAULT_MAX = 4_096;
export const DEFAULT_VIEW_LEVELS = 10;
const DEFAULT_TRIGGERS_MAX = 1_024;
export const INSTRUMENTS_MAX = 4_096;

export interface EngineRoom {
  readonly ordersMax: number;
  readonly levelsMax: number;
  readonly blocksMax: number;
}

/** How many orders, levels and price blocks there may be at once, with the defaults filled in. */
export function roomOf(config: EngineConfig): EngineRoom {
  const { ordersMax } = config;
  const levelsMax = config.levelsMax ?? Math.min(ordersMax, DEFAULT_LEVELS_MAX);
  const blocksMax =
    config.blocksMax ?? Math.min(levelsMax, BLOCKS_DEFAULT_MAX) + 4 * config.instruments.length;
  return { ordersMax, levelsMax, blocksMax };
}

/** Arguments of layoutEngine for `config`, with every limit checked; all faults in one error. */
export function layoutArguments(config: EngineConfig): Parameters<CoreExports['layoutEngine']> {
  const faults: string[] = [];
  const whole = (name: string, value: number, low: number, high: number) => {
    if (!Number.isInteger(value) || value < low || value > high) {
      faults.push(`${name} must be a whole number ${low} … ${high}, was ${value}`);
    }
    return value;
  };
  const books = whole('instruments.length', config.instruments.length, 1, INSTRUMENTS_MAX);
  const room = roomOf(config);
  const ordersMax = whole('ordersMax', room.ordersMax, 1, 50_000_000);
  const extendedMax = whole('extendedMax', config.extendedMax ?? ordersMax, 0, ordersMax);
  const levelsMax = whole('levelsMax', room.levelsMax, 1, ordersMax);
  const blocksMax = whole('blocksMax', room.blocksMax, 1, 200_000);
  const commandSlots = whole('commandSlots', config.commandSlots ?? DEFAULT_COMMAND_SLOTS, 2, 1 << 23);
  const eventSlots = whole('eventsMax', config.eventsMax ?? DEFAULT_EVENT_SLOTS, EVENT_SLOTS_MIN, 1 << 24);
  if (eventSlots & (eventSlots - 1)) faults.push(`eventsMax must be a power of two, was ${eventSlots}`);
  const viewLevels = whole('viewLevels', config.viewLevels ?? DEFAULT_VIEW_LEVELS, 0, 1_024);
  const stp = whole('stp', config.stp ?? Stp.None, Stp.None, Stp.Decrement);
  const triggersMax = whole('triggersMax', config.triggersMax ?? DEFAULT_TRIGGERS_MAX, 1, QTY_NONE);
  for (const [index, range] of config.instruments.entries()) {
    whole(`instruments[${index}].minPrice`, range.minPrice, -(2 ** 31), 2 ** 31 - 1);
    whole(`instruments[${index}].maxPrice`, range.maxPrice, range.minPrice, 2 ** 31 - 1);
  }
  if (faults.length > 0) throw new RangeError(`engine configuration: ${faults.join('; ')}`);
  return [
    books, ordersMax, extendedMax, levelsMax, blocksMax, commandSlots, eventSlots, viewLevels, stp,
    config.ackReplaceLast ? 1 : 0, triggersMax,
  ];
}

/** Instances in the smallest memory, to learn sizes with: laying out writes the header alone, and again as often as asked. */
const sizers = new Map<CoreVariant, CoreExports>();

/** Bytes of memory that a layout needs; 0: more than there may be. */
function bytesFor(variant: CoreVariant, layout: Parameters<CoreExports['layoutEngine']>): number {
  let sizer = sizers.get(variant);
  if (sizer === undefined) {
    sizer = instantiateCore(variant, coreMemory(0), () => {});
    sizers.set(variant, sizer);
  }
  return sizer.layoutEngine(...layout);
}

/** Makes memory and instance for `config` and lays the engine out in it. */
export function createCore(
  config: EngineConfig, variant: CoreVariant, makeRoom: (needed: number) => void,
): { core: CoreExports; memory: WebAssembly.Memory; bytes: number } {
  const layout = layoutArguments(config);
  const bytes = bytesFor(variant, layout);
  if (bytes === 0) throw new RangeError('engine configuration: the sum of all regions must be below 4 GiB');
  const memory = coreMemory(bytes);
  const core = instantiateCore(variant, memory, makeRoom);
  core.layoutEngine(...layout);
  core.initEngine();
  for (const [index, range] of config.instruments.entries()) core.setRange(index, range.minPrice, range.maxPrice);
  return { core, memory, bytes };
}
