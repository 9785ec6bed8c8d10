// The mixed flow: 50 % add (some cross), 45 % cancel, 5 % reduce, over a book of a chosen size, on
// one instrument: the operations by which order books are usually compared.
//
//   fill: adds until `live` orders rest   │   operations: the mix, the book staying at that size
//
// The mix alone would let the book grow, so adds cross the spread more often while it holds more
// than `live` orders and less often while it holds fewer: about one add in ten. Cancels and reduces
// name orders that live, any of them alike, which a matcher beside the generator knows. Prices
// stand around a mid that walks by single ticks, thicker towards it. Ids are 1, 2, 3, …, so that
// engines that index by id can be compared.
//
// Cost: about 0.3 µs a command. Memory: 32 bytes a command, 17 bytes an order while it runs.
import { Prng } from '../base/prng.ts';
import { Side, Tif } from '../book/types.ts';
import { FlowMatcher } from './flow_matcher.ts';
import { SlotWriter } from './slot_writer.ts';

export const MIXED_DEPTHS = {
  small: { live: 6_000, spreadTicks: 200 },
  deep: { live: 99_000, spreadTicks: 1_500 },
} as const;
export type MixedDepth = keyof typeof MIXED_DEPTHS;

export const MIXED_OPERATIONS = 5_000_000;
/** Below 2^16 and with room on both sides: engines of many kinds can hold it. */
export const MIXED_MID_PRICE = 32_768;

const CHANCE = {
  add: 0.5,
  cancel: 0.45,
  crossAbove: 0.2,
  crossBelow: 0.02,
  midStep: 0.02,
} as const;
const QTY_MAX = 100;
/** A crossing order reaches this far through the best price. */
const CROSS_TICKS_MAX = 3;

export interface MixedFlowOptions {
  depth: MixedDepth;
  operations?: number;
  seed?: number;
  /** Slots in a SharedArrayBuffer. */
  shared?: boolean;
}

export interface MixedFlow {
  readonly depth: MixedDepth;
  /** Command slots: first those that fill the book, then the operations. */
  readonly slots: Uint8Array;
  readonly fillCommands: number;
  readonly operations: number;
  /** Of the operations. */
  readonly adds: number;
  readonly cancels: number;
  readonly reduces: number;
  /** Trades that the operations cause. */
  readonly fills: number;
  /** Orders that live at the end, and at most. */
  readonly live: number;
  readonly livePeak: number;
  readonly levelsPeak: number;
  readonly minPrice: number;
  readonly maxPrice: number;
  /** The highest id. */
  readonly idsMax: number;
}

export function generateMixedFlow(options: MixedFlowOptions): MixedFlow {
  const { depth, operations = MIXED_OPERATIONS, seed = 1 } = options;
  if (!Object.hasOwn(MIXED_DEPTHS, depth))
    throw new RangeError(`depth: expected small or deep, was "${depth}"`);
  if (!Number.isInteger(operations) || operations < 0 || operations > 50_000_000) {
    throw new RangeError(`operations: expected an integer 0 … 50,000,000, was ${operations}`);
  }
  return new MixedGenerator(depth, operations, seed, options.shared ?? false).run();
}

class MixedGenerator {
  readonly #depth: MixedDepth;
  readonly #target: number;
  readonly #spreadTicks: number;
  readonly #operations: number;
  readonly #random: Prng;
  readonly #writer: SlotWriter;
  readonly #matcher: FlowMatcher;
  readonly #priceMax: number;
  readonly #sides: Int8Array;
  /** Ids that may live; those that do not any more are dropped when they are met. */
  readonly #ids: Uint32Array;
  #idCount = 0;
  #nextId = 1;
  #mid = MIXED_MID_PRICE;

  constructor(depth: MixedDepth, operations: number, seed: number, shared: boolean) {
    const { live, spreadTicks } = MIXED_DEPTHS[depth];
    this.#depth = depth;
    this.#target = live;
    this.#spreadTicks = spreadTicks;
    this.#operations = operations;
    this.#random = new Prng(seed);
    // The fill's adds never cross, so it takes one command an order; an operation is one command.
    const idsMax = live + operations;
    this.#priceMax = MIXED_MID_PRICE + 2 * spreadTicks + CROSS_TICKS_MAX;
    this.#writer = new SlotWriter(live + operations, shared);
    this.#matcher = new FlowMatcher(idsMax, this.#priceMax);
    this.#sides = new Int8Array(idsMax + 1);
    this.#ids = new Uint32Array(idsMax);
  }

  run(): MixedFlow {
    const writer = this.#writer;
    const matcher = this.#matcher;
    while (matcher.standing < this.#target) this.#addPassive();
    const fillCommands = writer.commands;
    const fillsBefore = matcher.fills;
    for (let n = 0; n < this.#operations; n++) this.#operate();
    return {
      depth: this.#depth,
      slots: writer.slots(),
      fillCommands,
      operations: writer.commands - fillCommands,
      adds: writer.newOrders - fillCommands,
      cancels: writer.cancels,
      reduces: writer.reduces,
      fills: matcher.fills - fillsBefore,
      live: matcher.standing,
      livePeak: matcher.standingPeak,
      levelsPeak: matcher.levelsPeak,
      minPrice: MIXED_MID_PRICE - 2 * this.#spreadTicks - CROSS_TICKS_MAX,
      maxPrice: this.#priceMax,
      idsMax: this.#nextId - 1,
    };
  }

  #operate(): void {
    const random = this.#random;
    if (random.chance(CHANCE.midStep)) this.#stepMid();
    const draw = random.f64();
    if (draw < CHANCE.add) {
      const cross = this.#matcher.standing > this.#target ? CHANCE.crossAbove : CHANCE.crossBelow;
      if (random.chance(cross)) this.#addCrossing();
      else this.#addPassive();
    } else if (draw < CHANCE.add + CHANCE.cancel) {
      const id = this.#liveId(1);
      this.#writer.cancel(id, 0, this.#sides[id]);
      this.#apply();
    } else {
      const id = this.#liveId(2);
      this.#writer.reduce(id, 0, this.#sides[id], random.between(1, this.#matcher.open(id) - 1));
      this.#apply();
    }
  }

  #stepMid(): void {
    const step = this.#random.chance(0.5) ? 1 : -1;
    if (Math.abs(this.#mid + step - MIXED_MID_PRICE) <= this.#spreadTicks) this.#mid += step;
  }

  #addPassive(): void {
    const random = this.#random;
    const away = 1 + Math.floor(this.#spreadTicks * random.f64() ** 2);
    const { bestBid, bestAsk } = this.#matcher;
    if (random.chance(0.5)) this.#add(Side.Buy, Math.min(this.#mid - away, bestAsk - 1));
    else this.#add(Side.Sell, Math.max(this.#mid + away, bestBid + 1));
  }

  #addCrossing(): void {
    const random = this.#random;
    const through = random.between(0, CROSS_TICKS_MAX);
    const { bestBid, bestAsk } = this.#matcher;
    // An empty side has its best price just outside of the range; the order then rests at the edge
    // of the mid.
    if (random.chance(0.5))
      this.#add(Side.Buy, bestAsk > this.#priceMax ? this.#mid : bestAsk + through);
    else this.#add(Side.Sell, bestBid === 0 ? this.#mid : bestBid - through);
  }

  #add(side: number, price: number): void {
    const id = this.#nextId++;
    this.#sides[id] = side;
    this.#writer.newOrder(id, 0, side, price, this.#random.between(1, QTY_MAX), Tif.Gtc);
    this.#apply();
    if (this.#matcher.open(id) > 0) this.#ids[this.#idCount++] = id;
  }

  #apply(): void {
    this.#matcher.processAt(this.#writer.view, this.#writer.lastAt);
  }

  /** A random order that lives and wants at least `openMin`. */
  #liveId(openMin: number): number {
    for (;;) {
      const at = this.#random.below(this.#idCount);
      const id = this.#ids[at];
      const open = this.#matcher.open(id);
      if (open >= openMin) return id;
      if (open === 0) this.#ids[at] = this.#ids[--this.#idCount];
    }
  }
}
