// The orders behind a LOBSTER recording, one by one: what a book that saw only this file can know.
//
//   message ─► named order, known      ─► it shrinks or trades
//           └► named order, never seen ─► a nameless order of its level does (its name came before)
//   row     ─► level new to the window ─► a nameless order for what nobody told; where the row has
//                                         less than we do, its orders left unseen: they are
//                                         dropped, one nameless order takes their place
//
// Each level is a queue in order of arrival; what happened to a level while it stood outside the
// window is not known, so nameless quantity goes to the back. What must be done goes to the sink,
// in order: the same steps drive an engine (lobster_book.ts) and become requests to a running
// exchange (order_flow.ts).
//
// An execution takes from the front of its level, as a matching engine will, whichever order it
// names: the recording stays true level by level, while two orders of a level can change places
// (`take` puts up with it).
//
// Without rows of the book only the messages speak: what rested before them is unknown, its
// executions are made possible, its cancels ignored; a recording of few levels then leaves orders
// behind that nobody cancels.
//
// Cost: a map look-up and a set operation a message, and O(levels) for a level that opens. Limits:
// prices and quantities below 2^53.
import { assert } from '../base/assert.ts';
import { LobsterType, emptySide } from './lobster.ts';
import type { LobsterBookRows, LobsterMessages, LobsterSide } from './lobster.ts';
import { copySide, visibleChange, visibleLimit } from './lobster_window.ts';

/** Name of an order that the recording never named. */
export const NAMELESS = 0;

export interface RecordedOrder {
  /** Rising from 1 in order of arrival here; never used again. */
  readonly number: number;
  /** The recording's id, or NAMELESS. */
  readonly recordedId: number;
  /** +1 buy, −1 sell. */
  readonly side: number;
  /** Dollars × 10,000. */
  readonly price: number;
  open: number;
}

/** Who acts on the steps. `open` of an order is already what it is after the step. */
export interface RecordedOrderSink {
  /** It stands at the back of its level. */
  enter(order: RecordedOrder): void;
  /** `by` left without a trade; with open 0 the order is gone. */
  shrink(order: RecordedOrder, by: number): void;
  /** `by` of an order is taken by the aggressor that `execute` is about to tell of. */
  fill?(order: RecordedOrder, by: number): void;
  /** An aggressor takes `qty` from the front of the level; `side` is that of the resting orders. */
  execute(side: number, price: number, qty: number): void;
}

export interface LobsterOrderCounts {
  /** Orders entered by a message, from the first row, and for levels new to the window. */
  entered: number;
  seeded: number;
  adopted: number;
  /** Orders dropped because their level came back with less than they hold. */
  dropped: number;
  /** Cancels and executions that name an order known here, or one never seen. */
  known: number;
  nameless: number;
  /** Fills of another order than the one that the execution names. */
  changedPlaces: number;
  /** Messages with no change for the visible book: executions of hidden orders, crosses, halts. */
  hidden: number;
  crosses: number;
  halts: number;
  /**
   * Messages that contradict what the orders say: more than the level holds, another price or
   * side, a name used twice.
   */
  misfits: number;
}

interface Level {
  /** price × outwards: rises with the distance from the middle. */
  readonly key: number;
  open: number;
  /** In queue order. */
  readonly orders: Set<RecordedOrder>;
}

/** One side's levels, best first. */
class SideLevels {
  readonly outwards: number;
  readonly sorted: Level[] = [];

  constructor(outwards: number) {
    this.outwards = outwards;
  }

  /** Index of the first level at `key` or behind it. */
  indexOf(key: number): number {
    let lo = 0;
    let hi = this.sorted.length;
    while (lo < hi) {
      const middle = (lo + hi) >> 1;
      if (this.sorted[middle].key < key) lo = middle + 1;
      else hi = middle;
    }
    return lo;
  }

  find(key: number): Level | null {
    const level = this.sorted[this.indexOf(key)];
    return level !== undefined && level.key === key ? level : null;
  }

  findOrMake(key: number): Level {
    const at = this.indexOf(key);
    const found = this.sorted[at];
    if (found !== undefined && found.key === key) return found;
    const level: Level = { key, open: 0, orders: new Set() };
    this.sorted.splice(at, 0, level);
    return level;
  }

  forget(level: Level): void {
    const at = this.indexOf(level.key);
    assert(this.sorted[at] === level, 'a level stands where its price says');
    this.sorted.splice(at, 1);
  }
}

export class LobsterOrders {
  readonly counts: LobsterOrderCounts = {
    entered: 0,
    seeded: 0,
    adopted: 0,
    dropped: 0,
    known: 0,
    nameless: 0,
    changedPlaces: 0,
    hidden: 0,
    crosses: 0,
    halts: 0,
    misfits: 0,
  };
  readonly #sink: RecordedOrderSink;
  readonly #byId = new Map<number, RecordedOrder>();
  readonly #asks = new SideLevels(1);
  readonly #bids = new SideLevels(-1);
  #numbers = 0;
  #rows = 0;
  #asksBefore: LobsterSide = emptySide(0);
  #bidsBefore: LobsterSide = emptySide(0);

  constructor(sink: RecordedOrderSink) {
    this.#sink = sink;
  }

  /** Orders that live now. */
  get live(): number {
    let live = 0;
    for (const level of this.#asks.sorted) live += level.orders.size;
    for (const level of this.#bids.sorted) live += level.orders.size;
    return live;
  }

  /** Takes a message, and the row of the book after it where the recording has one. */
  step(message: LobsterMessages, row: LobsterBookRows | null): void {
    if (row !== null && this.#rows === 0) this.#seed(message, row);
    this.#apply(message);
    if (row === null) return;
    if (this.#rows > 0) {
      this.#openWindow(this.#asks, this.#asksBefore, row.asks, row.levelsMax);
      this.#openWindow(this.#bids, this.#bidsBefore, row.bids, row.levelsMax);
    }
    copySide(row.asks, this.#asksBefore);
    copySide(row.bids, this.#bidsBefore);
    this.#rows++;
  }

  /** Quantity at a price, 0 where there is none. */
  openAt(side: number, price: number): number {
    const levels = this.#levels(side);
    return levels.find(price * levels.outwards)?.open ?? 0;
  }

  #levels(side: number): SideLevels {
    return side > 0 ? this.#bids : this.#asks;
  }

  /** What stood in the book before the first message: the first row with that message undone. */
  #seed(message: LobsterMessages, row: LobsterBookRows): void {
    this.#asksBefore = emptySide(row.levelsMax);
    this.#bidsBefore = emptySide(row.levelsMax);
    const undone = -visibleChange(message);
    for (const [rowSide, side] of [
      [row.bids, 1],
      [row.asks, -1],
    ] as const) {
      let missing = side === message.direction ? undone : 0;
      for (let i = 0; i < rowSide.levels; i++) {
        const price = rowSide.price[i];
        const here = price === message.price ? missing : 0;
        missing -= here;
        if (rowSide.size[i] + here > 0) this.#enterSeed(side, price, rowSide.size[i] + here);
      }
      if (missing > 0) this.#enterSeed(side, message.price, missing);
    }
  }

  #enterSeed(side: number, price: number, size: number): void {
    this.counts.seeded++;
    this.#enter(NAMELESS, side, price, size);
  }

  #apply(message: LobsterMessages): void {
    switch (message.type) {
      case LobsterType.New:
        if (this.#byId.has(message.orderId)) this.counts.misfits++;
        this.counts.entered++;
        this.#enter(message.orderId, message.direction, message.price, message.size);
        return;
      case LobsterType.PartialCancel:
      case LobsterType.Delete:
        this.#take(message);
        return;
      case LobsterType.Execution:
        this.#execute(message);
        return;
      case LobsterType.HiddenExecution:
        this.counts.hidden++;
        return;
      case LobsterType.Cross:
        this.counts.crosses++;
        return;
      case LobsterType.Halt:
        this.counts.halts++;
        return;
      default:
        message.type satisfies never;
    }
  }

  #execute(message: LobsterMessages): void {
    const { direction, price, size, orderId } = message;
    const levels = this.#levels(direction);
    const held = levels.find(price * levels.outwards)?.open ?? 0;
    // Without a book file the order can be one that nobody announced: it is made, so that the trade
    // can happen.
    if (held < size) this.#enter(NAMELESS, direction, price, size - held);
    const level = levels.find(price * levels.outwards);
    assert(level !== null, 'a level that was filled up exists');
    this.#countName(this.#byId.get(orderId));
    let rest = size;
    for (const order of level.orders) {
      if (order.recordedId !== NAMELESS && order.recordedId !== orderId)
        this.counts.changedPlaces++;
      const by = Math.min(rest, order.open);
      this.#lessen(levels, level, order, by);
      this.#sink.fill?.(order, by);
      rest -= by;
      if (rest === 0) break;
    }
    assert(rest === 0, 'a level that was filled up has what is executed');
    this.#sink.execute(direction, price, size);
  }

  /**
   * Takes a cancelled quantity from its level: first from the order that it names, then from
   * nameless orders, then from the others, newest first. The last is needed where orders changed
   * places, or where an order of a level that stood outside the window is gone without a word.
   */
  #take(message: LobsterMessages): void {
    const { direction, price, size, orderId } = message;
    const levels = this.#levels(direction);
    const level = levels.find(price * levels.outwards);
    const named = this.#byId.get(orderId);
    this.#countName(named);
    // Without rows nobody told what rested before the first message: cancels of it find nothing.
    if (named === undefined && this.#rows === 0) return;
    let rest = size;
    if (named !== undefined && (named.price !== price || named.side !== direction))
      this.counts.misfits++;
    else if (named !== undefined && level !== null) {
      const by = Math.min(rest, named.open);
      this.#shrink(levels, level, named, by);
      rest -= by;
    }
    if (rest === 0) return;
    if (level !== null) {
      const others = [...level.orders].toReversed();
      const nameless = others.filter((order) => order.recordedId === NAMELESS);
      const known = others.filter((order) => order.recordedId !== NAMELESS);
      for (const order of [...nameless, ...known]) {
        const by = Math.min(rest, order.open);
        this.#shrink(levels, level, order, by);
        rest -= by;
        if (rest === 0) return;
      }
    }
    this.counts.misfits++;
  }

  #countName(named: RecordedOrder | undefined): void {
    if (named === undefined) this.counts.nameless++;
    else this.counts.known++;
  }

  /** Brings the levels that came into the window with this row to what the row says. */
  #openWindow(
    levels: SideLevels,
    before: LobsterSide,
    after: LobsterSide,
    levelsMax: number,
  ): void {
    const { outwards } = levels;
    const limitBefore = visibleLimit(before, levelsMax, outwards) * outwards;
    const limitAfter = visibleLimit(after, levelsMax, outwards) * outwards;
    if (limitBefore >= limitAfter) return;
    // What must go goes first, so that nothing that enters can meet it.
    const held: Level[] = [];
    for (
      let i = levels.indexOf(limitBefore);
      i < levels.sorted.length && levels.sorted[i].key <= limitAfter;
      i++
    ) {
      if (levels.sorted[i].key > limitBefore) held.push(levels.sorted[i]);
    }
    for (const level of held)
      if (level.open > sizeAt(after, level.key * outwards)) this.#drop(levels, level);
    for (let i = 0; i < after.levels; i++) {
      const key = after.price[i] * outwards;
      if (key <= limitBefore) continue;
      const untold = after.size[i] - (levels.find(key)?.open ?? 0);
      if (untold === 0) continue;
      this.counts.adopted++;
      this.#enter(NAMELESS, -outwards, after.price[i], untold);
    }
  }

  #drop(levels: SideLevels, level: Level): void {
    for (const order of level.orders) {
      this.counts.dropped++;
      this.#shrink(levels, level, order, order.open);
    }
  }

  #enter(recordedId: number, side: number, price: number, open: number): void {
    const levels = this.#levels(side);
    const level = levels.findOrMake(price * levels.outwards);
    const order: RecordedOrder = { number: ++this.#numbers, recordedId, side, price, open };
    level.orders.add(order);
    level.open += open;
    if (recordedId !== NAMELESS) this.#byId.set(recordedId, order);
    this.#sink.enter(order);
  }

  #shrink(levels: SideLevels, level: Level, order: RecordedOrder, by: number): void {
    this.#lessen(levels, level, order, by);
    this.#sink.shrink(order, by);
  }

  #lessen(levels: SideLevels, level: Level, order: RecordedOrder, by: number): void {
    assert(by > 0 && by <= order.open, 'an order gives no more than it has');
    order.open -= by;
    level.open -= by;
    if (order.open === 0) {
      level.orders.delete(order);
      if (this.#byId.get(order.recordedId) === order) this.#byId.delete(order.recordedId);
      if (level.orders.size === 0) levels.forget(level);
    }
  }
}

function sizeAt(side: LobsterSide, price: number): number {
  for (let i = 0; i < side.levels; i++) if (side.price[i] === price) return side.size[i];
  return 0;
}
