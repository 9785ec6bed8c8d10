// The equity flow: the calibrated single-stock order flow of the "Matching Engine Algorithm
// Performance Challenge" (arXiv 2606.01183), draw for draw, so that counts and results compare with
// those published for other engines.
//
//   creation order i = 0 … N − 1 (first half buys, second half sells)
//     normal → mid · uniform → level k (0 best … 799) · uniform → quantity
//   shuffled → arrival order; one clock runs through the arrivals:
//     new ─┬─ 15 % IOC
//          └─ 20 % modify after 30 … 99 µs
//             ─ 95 % cancel after an exponential time ─ 2 % of both come twice
//
// An order's cancel moves the clock, so its successor arrives after it: what stands in the book is
// the five per cent that nobody cancels. The late doubles (at most 20 µs later, at most two an
// order) are the only messages not written in order of time; they wait in a list of a few entries
// until the clock has passed them. That is the stable sort by time that the flow is defined by,
// without sorting.
//
// Output: one 32-byte command slot of the core a message (`COMMAND` in src/book/types.ts): book 0,
// client 0, price in ticks of $0.005, id = creation index + 1, and beside them the time in µs.
// A modify is a replace to (price, quantity + 1): always more than what is open, so it always loses
// its place.
//
// Cost: about a second for the million orders. Memory: 64 MB of slots, 16 MB of times, and 15 MB
// for the orders while it runs.
import { assert } from '../base/assert.ts';
import { Side, Tif } from '../book/types.ts';
import { Mt19937 } from './mt19937.ts';
import { SlotWriter } from './slot_writer.ts';

export interface EquityScenario {
  /**
   * Yearly volatility and the price swing of one standard deviation over the flow, as fractions.
   */
  readonly volatility: number;
  readonly swing: number;
}

export const EQUITY_SCENARIO_NAMES = [
  'static',
  'normal',
  'swing-25',
  'swing-40',
  'flash-crash',
] as const;
export type EquityScenarioName = (typeof EQUITY_SCENARIO_NAMES)[number];

export const EQUITY_SCENARIOS: Readonly<Record<EquityScenarioName, EquityScenario>> = {
  static: { volatility: 0, swing: 0 },
  normal: { volatility: 0.15, swing: 0.02 },
  'swing-25': { volatility: 0.5, swing: 0.25 },
  'swing-40': { volatility: 0.5, swing: 0.4 },
  'flash-crash': { volatility: 0.5, swing: 0.6 },
};

/** What every engine must count on the flow of a million orders from seed 23. */
export interface EquityExpectation {
  readonly fills: number;
  readonly reports: number;
}
export const EQUITY_EXPECTED: Readonly<Record<EquityScenarioName, EquityExpectation>> = {
  static: { fills: 827, reports: 2_147_158 },
  normal: { fills: 62_474, reports: 2_204_643 },
  'swing-25': { fills: 66_908, reports: 2_208_868 },
  'swing-40': { fills: 68_803, reports: 2_210_662 },
  'flash-crash': { fills: 70_178, reports: 2_211_931 },
};
export const EQUITY_EXPECTED_MESSAGES = {
  messages: 1_996_097,
  newOrders: 1_000_000,
  immediateOrders: 150_234,
  cancels: 823_422,
  modifies: 172_675,
} as const;

export const EQUITY_SEED = 23;
export const EQUITY_ORDERS = 1_000_000;
/** Tick prices that the flow can name: 1 … this; more than any swing of these scenarios reaches. */
export const EQUITY_PRICE_MAX = 1 << 21;

const MID_START_DOLLARS = 167.52;
const TICK_DOLLARS = 0.005;
const LEVELS = 800;
const LEVEL_EXPONENT = -2.23;
/** A second heap of orders a few levels down, as the recordings show it. */
const LEVEL_BUMP = { weight: 5, at: 8 } as const;
const QTY_MAX = 100;

const CHANCE = {
  immediate: 0.15,
  modify: 0.2,
  towardsOther: 0.8,
  cancel: 0.95,
  again: 0.02,
} as const;
const MODIFY_AFTER_US = 30;
const MODIFY_SPREAD_US = 70;
const AGAIN_SPREAD_US = 20;
/**
 * Half of the orders at the best level are cancelled within this time; further down by the root of
 * the level.
 */
const HALF_LIFE_US = 431;

/** New, modify, cancel, and the last two once more. */
const MESSAGES_PER_ORDER_MAX = 5;
/**
 * Doubles waiting at once: two an order, each at most 20 µs late, and every order moves the clock
 * by one at least.
 */
const LATE_MAX = 2 * (AGAIN_SPREAD_US + 1);

export interface EquityFlowOptions {
  scenario: EquityScenarioName;
  seed?: number;
  /** New orders; the figures of `EQUITY_EXPECTED` hold for a million. An even number. */
  orders?: number;
  /** Slots in a SharedArrayBuffer, for a matching thread of its own. */
  shared?: boolean;
}

export interface EquityFlow {
  readonly scenario: EquityScenarioName;
  readonly seed: number;
  readonly messages: number;
  readonly newOrders: number;
  /** Of the new orders: immediate or cancel. */
  readonly immediateOrders: number;
  readonly cancels: number;
  readonly modifies: number;
  /** `messages` command slots of 32 bytes. */
  readonly slots: Uint8Array;
  /** Per message: µs since the start of the flow, an integer. */
  readonly timesUs: Float64Array;
  readonly minPrice: number;
  readonly maxPrice: number;
}

/** The orders by creation index. */
interface Orders {
  readonly price: Int32Array;
  readonly level: Uint16Array;
  readonly qty: Uint8Array;
}

export function generateEquityFlow(options: EquityFlowOptions): EquityFlow {
  const { scenario, seed = EQUITY_SEED, orders: count = EQUITY_ORDERS } = options;
  if (!Object.hasOwn(EQUITY_SCENARIOS, scenario)) {
    throw new RangeError(
      `scenario: expected one of ${EQUITY_SCENARIO_NAMES.join(', ')}, was "${scenario}"`,
    );
  }
  if (!Number.isInteger(count) || count < 2 || count % 2 !== 0 || count > EQUITY_ORDERS) {
    throw new RangeError(`orders: expected an even number 2 … ${EQUITY_ORDERS}, was ${count}`);
  }
  const random = new Mt19937(seed);
  const orders = drawOrders(random, count, EQUITY_SCENARIOS[scenario]);
  const arrivals = shuffled(random, count);
  const writer = new FlowWriter(orders, count, options.shared ?? false);
  emitMessages(random, orders, arrivals, writer);
  return writer.finish(scenario, seed);
}

/**
 * Prices, levels and quantities in creation order: per order one normal, one level, one quantity.
 */
function drawOrders(random: Mt19937, count: number, scenario: EquityScenario): Orders {
  const { volatility, swing } = scenario;
  // Without volatility the mid stands still, whatever the time step (which would be 0/0).
  const dt = volatility === 0 ? 0 : (swing / volatility) ** 2 / count;
  const sigma = volatility * Math.sqrt(dt);
  const drift = (-sigma * sigma) / 2;
  const levels = new LevelDraw();
  const price = new Int32Array(count);
  const level = new Uint16Array(count);
  const qty = new Uint8Array(count);
  let mid = MID_START_DOLLARS;
  for (let i = 0; i < count; i++) {
    const z = Math.sqrt(-2 * Math.log(random.uniform())) * Math.cos(2 * Math.PI * random.uniform());
    mid *= Math.exp(drift + sigma * z);
    const midTicks = Math.round(mid / TICK_DOLLARS);
    const k = levels.draw(random.uniform());
    const away = k + 1;
    level[i] = k;
    price[i] = i < count / 2 ? Math.max(1, midTicks - away) : midTicks + away;
    qty[i] = random.integer(1, QTY_MAX);
  }
  return { price, level, qty };
}

/** Draws levels 0 … 799 with the flow's weights. */
export class LevelDraw {
  /** Cumulative share of levels 0 … k at index k. */
  readonly #bounds = new Float64Array(LEVELS);

  constructor() {
    const bounds = this.#bounds;
    let sum = 0;
    for (let k = 0; k < LEVELS; k++) {
      const fromBump = k - LEVEL_BUMP.at;
      sum += (k + 1) ** LEVEL_EXPONENT + LEVEL_BUMP.weight * Math.exp((-fromBump * fromBump) / 2);
      bounds[k] = sum;
    }
    for (let k = 0; k < LEVELS; k++) bounds[k] /= sum;
  }

  /** The level of a uniform number: the first whose bound is above it. */
  draw(uniform: number): number {
    const bounds = this.#bounds;
    let lo = 0;
    let hi = LEVELS - 1;
    while (lo < hi) {
      const middle = (lo + hi) >> 1;
      if (bounds[middle] > uniform) hi = middle;
      else lo = middle + 1;
    }
    return lo;
  }
}

/** 0 … count − 1 in arrival order: Fisher – Yates from the last index down. */
function shuffled(random: Mt19937, count: number): Uint32Array {
  const indices = new Uint32Array(count);
  for (let i = 0; i < count; i++) indices[i] = i;
  for (let i = count - 1; i > 0; i--) {
    const j = random.integer(0, i);
    const held = indices[i];
    indices[i] = indices[j];
    indices[j] = held;
  }
  return indices;
}

function emitMessages(
  random: Mt19937,
  orders: Orders,
  arrivals: Uint32Array,
  writer: FlowWriter,
): void {
  const { price, level } = orders;
  const half = arrivals.length / 2;
  let now = 0;
  for (const index of arrivals) {
    const towardsOther = index < half ? 1 : -1;
    if (random.uniform() < CHANCE.immediate) {
      writer.newOrder(now, index, Tif.Ioc);
      now += 1;
      continue;
    }
    writer.newOrder(now, index, Tif.Gtc);
    const modified = random.uniform() < CHANCE.modify;
    let newPrice = price[index];
    if (modified) {
      now += MODIFY_AFTER_US + Math.floor(MODIFY_SPREAD_US * random.uniform());
      if (random.uniform() < CHANCE.towardsOther) newPrice = Math.max(1, newPrice + towardsOther);
      writer.modify(now, index, newPrice);
    }
    if (random.uniform() < CHANCE.cancel) {
      const rate = Math.LN2 / HALF_LIFE_US / Math.sqrt(1 + level[index]);
      now += Math.floor(-Math.log(random.uniform()) / rate);
      writer.cancel(now, index);
      if (random.uniform() < CHANCE.again) writer.cancelLate(now + later(random), index);
      if (modified && random.uniform() < CHANCE.again)
        writer.modifyLate(now + later(random), index, newPrice);
    }
    now += 1;
  }
}

function later(random: Mt19937): number {
  return 1 + Math.floor(AGAIN_SPREAD_US * random.uniform());
}

/** Writes slots in order of time, those of equal time in the order of the calls. */
class FlowWriter {
  readonly #orders: Orders;
  readonly #half: number;
  readonly #writer: SlotWriter;
  readonly #timesUs: Float64Array;
  #minPrice = EQUITY_PRICE_MAX;
  #maxPrice = 1;
  /** Doubles in order of time, until the clock passes them. */
  readonly #lateTimeUs = new Float64Array(LATE_MAX);
  readonly #lateIndex = new Uint32Array(LATE_MAX);
  /** The price of a modify; 0 says cancel. */
  readonly #latePrice = new Int32Array(LATE_MAX);
  #late = 0;

  constructor(orders: Orders, count: number, shared: boolean) {
    this.#orders = orders;
    this.#half = count / 2;
    // Untouched pages cost nothing, so the worst case is reserved.
    this.#writer = new SlotWriter(count * MESSAGES_PER_ORDER_MAX, shared);
    this.#timesUs = new Float64Array(count * MESSAGES_PER_ORDER_MAX);
  }

  newOrder(timeUs: number, index: number, tif: number): void {
    this.#releaseLate(timeUs);
    const price = this.#orders.price[index];
    this.#bound(price);
    this.#timesUs[this.#writer.commands] = timeUs;
    this.#writer.newOrder(index + 1, 0, this.#side(index), price, this.#orders.qty[index], tif);
  }

  modify(timeUs: number, index: number, price: number): void {
    this.#releaseLate(timeUs);
    this.#writeModify(timeUs, index, price);
  }

  cancel(timeUs: number, index: number): void {
    this.#releaseLate(timeUs);
    this.#writeCancel(timeUs, index);
  }

  cancelLate(timeUs: number, index: number): void {
    this.#insertLate(timeUs, index, 0);
  }

  modifyLate(timeUs: number, index: number, price: number): void {
    this.#insertLate(timeUs, index, price);
  }

  finish(scenario: EquityScenarioName, seed: number): EquityFlow {
    this.#releaseLate(Infinity);
    const writer = this.#writer;
    return {
      scenario,
      seed,
      messages: writer.commands,
      newOrders: writer.newOrders,
      immediateOrders: writer.immediateOrders,
      cancels: writer.cancels,
      modifies: writer.replaces,
      slots: writer.slots(),
      timesUs: this.#timesUs.subarray(0, writer.commands),
      minPrice: this.#minPrice,
      maxPrice: this.#maxPrice,
    };
  }

  #side(index: number): number {
    return index < this.#half ? Side.Buy : Side.Sell;
  }

  #writeModify(timeUs: number, index: number, price: number): void {
    this.#bound(price);
    this.#timesUs[this.#writer.commands] = timeUs;
    this.#writer.replace(index + 1, 0, this.#side(index), price, this.#orders.qty[index] + 1);
  }

  #writeCancel(timeUs: number, index: number): void {
    this.#timesUs[this.#writer.commands] = timeUs;
    this.#writer.cancel(index + 1, 0, this.#side(index));
  }

  #bound(price: number): void {
    if (price < this.#minPrice) this.#minPrice = price;
    if (price > this.#maxPrice) this.#maxPrice = price;
  }

  /**
   * Writes the doubles due at or before `timeUs`: at an equal time they were called for earlier.
   */
  #releaseLate(timeUs: number): void {
    let due = 0;
    while (due < this.#late && this.#lateTimeUs[due] <= timeUs) {
      const price = this.#latePrice[due];
      if (price === 0) this.#writeCancel(this.#lateTimeUs[due], this.#lateIndex[due]);
      else this.#writeModify(this.#lateTimeUs[due], this.#lateIndex[due], price);
      due++;
    }
    if (due === 0) return;
    this.#lateTimeUs.copyWithin(0, due, this.#late);
    this.#lateIndex.copyWithin(0, due, this.#late);
    this.#latePrice.copyWithin(0, due, this.#late);
    this.#late -= due;
  }

  #insertLate(timeUs: number, index: number, price: number): void {
    const end = this.#late++;
    assert(end < LATE_MAX, 'the doubles of twenty microseconds have room');
    let at = end;
    while (at > 0 && this.#lateTimeUs[at - 1] > timeUs) at--;
    this.#lateTimeUs.copyWithin(at + 1, at, end);
    this.#lateIndex.copyWithin(at + 1, at, end);
    this.#latePrice.copyWithin(at + 1, at, end);
    this.#lateTimeUs[at] = timeUs;
    this.#lateIndex[at] = index;
    this.#latePrice[at] = price;
  }
}
