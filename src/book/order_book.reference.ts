// The matching rules of docs/MATCHING.md as a program: slow, obvious, and the judge of the core.
//
//   instrument ─┬─ bids        highest price first ─┐
//               ├─ asks        lowest price first   ├─ Ladder: levels in a sorted array,
//               ├─ buyStops    lowest stop first    │          each level a queue in an array
//               └─ sellStops   highest stop first  ─┘
//   live orders: client → id → order
//
// Order within a level: rising `priority`. Cost: O(log levels + queue) an operation, BigInt ids, an
// object an event. Limits: quantities are u32 and sums of them plain numbers, exact below 2^53 (two
// million orders of the largest size); what leaves the class as a sum is a bigint.
// Methods are protected, not private, so that a test can plant a mistake in a subclass.
import type { Depth, Engine, Top, Vwap } from './engine.ts';
import {
  CLIENT_ALL, Cmd, COMMAND_DEFAULT, ORDER_ID_NONE, OrderType, OWNER_NONE, QTY_NONE, Reason, Side, State, Stp, Tif,
  type Command, type DepthLevel, type EngineConfig, type EngineEvent, type InstrumentConfig,
} from './types.ts';

/** In a mass cancel: every instrument. */
export const BOOK_ALL = 0xffff;
const TIFS: ReadonlySet<number> = new Set([Tif.Day, Tif.Gtc, Tif.Ioc, Tif.Fok]);
/** Parts that an iceberg may show one after another: what one order can make it answer with. */
export const ICEBERG_PARTS_MAX = 1000;
const TRIGGERS_MAX = 1024;
const LEVELS_MAX = 65_536;
const EXECUTED_MAX = 0xffff_ffff;
/** Start of both hashes. */
export const HASH_START = 0xcbf2_9ce4_8422_2325n;
const HASH_FACTOR = 0x9e37_79b9_7f4a_7c15n;

/** A live order: resting, waiting for its trigger, or just arriving. */
export interface Order {
  readonly book: Instrument;
  readonly client: number;
  readonly id: bigint;
  readonly owner: number;
  /** The engine's number of the order, for life. */
  readonly orderId: bigint;
  readonly side: number;
  readonly tif: number;
  readonly postOnly: boolean;
  /** Self-trade mode when it is the aggressor, never Default. */
  readonly stp: number;
  /** Visible part at rest, 0 = all. */
  readonly display: number;
  readonly minQty: number;
  /** A triggered stop has become Market or Limit. */
  orderType: number;
  /** 0 for market and stop orders. */
  price: number;
  /** 0 when it is not a waiting stop. */
  stopPrice: number;
  /** Number of its latest arrival. */
  priority: bigint;
  open: number;
  executed: number;
  /** Visible quantity, 0 when it does not rest. */
  displayed: number;
}

/** A command with every field present and of the width it has in the command slot. */
interface FullCommand {
  type: number; book: number; client: number; id: bigint;
  side: number; orderType: number; tif: number; stp: number; price: number; qty: number;
  postOnly: boolean; chain: boolean;
  display: number; minQty: number; stopPrice: number; owner: number;
  state: number; reason: number; op: number;
}

/** All orders of one price, first come first. */
interface Level {
  readonly price: number;
  readonly orders: Order[];
}

/** The levels of one side, or of one side's waiting stops, best first. */
class Ladder {
  readonly levels: Level[] = [];
  readonly #highestFirst: boolean;

  constructor(highestFirst: boolean) {
    this.#highestFirst = highestFirst;
  }

  /** Number of levels that stand before `price`: where its level is or would be. */
  #position(price: number): number {
    let low = 0;
    let high = this.levels.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      const other = this.levels[middle].price;
      if (this.#highestFirst ? other > price : other < price) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  has(price: number): boolean {
    return this.levels[this.#position(price)]?.price === price;
  }

  /** Puts the order at the back of the queue of its price. */
  add(order: Order): void {
    const price = levelPrice(order);
    const position = this.#position(price);
    const level = this.levels[position];
    if (level?.price === price) level.orders.push(order);
    else this.levels.splice(position, 0, { price, orders: [order] });
  }

  remove(order: Order): void {
    const position = this.#position(levelPrice(order));
    const orders = this.levels[position].orders;
    orders.splice(orders.indexOf(order), 1);
    if (orders.length === 0) this.levels.splice(position, 1);
  }

  *[Symbol.iterator](): Iterator<Order> {
    for (const level of this.levels) yield* level.orders;
  }
}

export class Instrument {
  readonly index: number;
  readonly minPrice: number;
  readonly maxPrice: number;
  readonly bids = new Ladder(true);
  readonly asks = new Ladder(false);
  readonly buyStops = new Ladder(false);
  readonly sellStops = new Ladder(true);
  state: number = State.Open;
  /** Price of the last trade, null before the first. */
  last: number | null = null;

  constructor(index: number, config: InstrumentConfig) {
    this.index = index;
    this.minPrice = config.minPrice;
    this.maxPrice = config.maxPrice;
  }

  /** Ladders in the order in which mass cancel and hash walk them. */
  get ladders(): readonly Ladder[] {
    return [this.bids, this.asks, this.buyStops, this.sellStops];
  }

  opposite(side: number): Ladder {
    return side === Side.Buy ? this.asks : this.bids;
  }
}

export class ReferenceEngine implements Engine {
  readonly instruments: readonly Instrument[];
  /** Commands after which `triggersMax` left eligible stops for a later one. */
  triggersDeferred = 0;
  protected readonly live = new Map<number, Map<bigint, Order>>();
  protected liveCount = 0;
  protected readonly ordersMax: number;
  protected readonly levelsMax: number;
  protected readonly triggersMax: number;
  protected readonly stpDefault: number;
  protected readonly ackReplaceLast: boolean;
  /** The number that the next arrival takes. */
  protected next = 1n;
  protected events: EngineEvent[] = [];

  constructor(config: EngineConfig) {
    const { instruments } = config;
    if (instruments.length < 1 || instruments.length >= BOOK_ALL) {
      throw new RangeError(`instruments: expected 1 … ${BOOK_ALL - 1}, was ${instruments.length}`);
    }
    if (!Number.isInteger(config.ordersMax) || config.ordersMax < 1) {
      throw new RangeError(`ordersMax: expected a whole number from 1, was ${config.ordersMax}`);
    }
    this.instruments = instruments.map((instrument, index) => new Instrument(index, instrument));
    this.ordersMax = config.ordersMax;
    this.levelsMax = config.levelsMax ?? Math.min(config.ordersMax, LEVELS_MAX);
    this.triggersMax = config.triggersMax ?? TRIGGERS_MAX;
    this.stpDefault = config.stp || Stp.None;
    this.ackReplaceLast = config.ackReplaceLast ?? false;
  }

  submit(command: Command): EngineEvent[] {
    this.events = [];
    this.execute(fullCommand(command));
    const last = this.events.at(-1);
    if (last !== undefined) last.end = true;
    return this.events;
  }

  protected execute(command: FullCommand): void {
    switch (command.type) {
      case Cmd.New: return this.executeNew(command);
      case Cmd.Cancel: return this.executeCancel(command);
      case Cmd.Replace: return this.executeReplace(command);
      case Cmd.Reduce: return this.executeReduce(command);
      case Cmd.MassCancel: return this.executeMassCancel(command);
      case Cmd.State: return this.executeState(command);
      case Cmd.Reject: return this.reject(command, command.reason, command.op);
      default:
        throw new RangeError(`command type: expected 1 … ${Cmd.Reject}, was ${command.type}`);
    }
  }

  // ── New ────────────────────────────────────────────────────────────────────────────────────────

  protected executeNew(command: FullCommand): void {
    const book = this.instruments[command.book];
    if (book === undefined) return this.reject(command, Reason.UnknownTicker);
    const invalid = this.checkFields(command, book);
    if (invalid !== Reason.None) return this.reject(command, invalid);
    const order = this.orderOf(command, book);
    if (!isStop(order.orderType)) {
      const refusal = this.checkEntry(order);
      if (refusal !== Reason.None) return this.reject(command, refusal);
    }
    if (this.liveCount >= this.ordersMax) return this.reject(command, Reason.Capacity);

    this.next += 1n;
    this.addLive(order);
    if (isStop(order.orderType)) {
      this.emitAccepted(order, false);
      this.wait(order);
    } else {
      const rests = this.restsAtOnce(order);
      if (rests) this.place(order);
      this.emitAccepted(order, rests);
      if (!rests) this.enter(order, null);
    }
    this.checkStops(book);
  }

  /** The checks that need no look at the book but for duplicates; Reason.None when all pass. */
  protected checkFields(command: FullCommand, book: Instrument): number {
    const { side, orderType, tif, stp, qty, price } = command;
    if (book.state !== State.Open) return Reason.State;
    if (side !== Side.Buy && side !== Side.Sell) return Reason.Side;
    if (orderType < OrderType.Market || orderType > OrderType.StopLimit) return Reason.Unsupported;
    if (!TIFS.has(tif)) return Reason.Unsupported;
    if (stp < Stp.Default || stp > Stp.Decrement) return Reason.Unsupported;
    if (qty === 0 || qty === QTY_NONE) return Reason.Quantity;
    if (hasLimit(orderType) && !inRange(price, book)) return Reason.Price;
    if (isStop(orderType) && !inRange(command.stopPrice, book)) return Reason.Price;
    if (this.find(command.client, command.id) !== undefined) return Reason.DuplicateId;
    const restable = hasLimit(orderType) && (tif === Tif.Day || tif === Tif.Gtc);
    const iceberg = command.display > 0 && command.display < qty;
    if ((iceberg || command.postOnly) && !restable) return Reason.Unsupported;
    if (command.minQty > qty) return Reason.Unsupported;
    if (iceberg && Math.ceil(qty / command.display) > ICEBERG_PARTS_MAX) return Reason.Unsupported;
    return Reason.None;
  }

  /** Post-only, FOK and minimum quantity against the book as it stands. */
  protected checkEntry(order: Order): number {
    if (order.postOnly && crosses(order)) return Reason.PostOnly;
    const needed = order.tif === Tif.Fok ? order.open : Math.min(order.minQty, order.open);
    if (needed > 0 && this.available(order) < needed) return Reason.CannotFill;
    return Reason.None;
  }

  /** What the order could trade at once, hidden quantity included. */
  protected available(order: Order): number {
    let total = 0;
    for (const level of order.book.opposite(order.side).levels) {
      if (!reaches(order, level.price)) break;
      const firstOwn = order.stp === Stp.None
        ? -1
        : level.orders.findIndex((resting) => resting.owner === order.owner);
      if (firstOwn >= 0 && order.stp !== Stp.CancelOldest) {
        // Matching ends here, so what an iceberg shows anew behind the own order is out of reach.
        return total + sum(level.orders.slice(0, firstOwn), (resting) => resting.displayed);
      }
      const others = order.stp === Stp.None
        ? level.orders
        : level.orders.filter((resting) => resting.owner !== order.owner);
      total += sum(others, (resting) => resting.open);
    }
    return total;
  }

  protected orderOf(command: FullCommand, book: Instrument): Order {
    const { orderType, qty } = command;
    return {
      book,
      client: command.client,
      id: command.id,
      owner: command.owner === OWNER_NONE ? command.client : command.owner,
      orderId: this.next,
      side: command.side,
      tif: command.tif,
      postOnly: command.postOnly,
      stp: command.stp === Stp.Default ? this.stpDefault : command.stp,
      display: command.display < qty ? command.display : 0,
      minQty: command.minQty,
      orderType,
      price: hasLimit(orderType) ? command.price : 0,
      stopPrice: isStop(orderType) ? command.stopPrice : 0,
      priority: this.next,
      open: qty,
      executed: 0,
      displayed: 0,
    };
  }

  // ── Cancel, reduce, replace, mass cancel, state ────────────────────────────────────────────────

  protected executeCancel(command: FullCommand): void {
    const book = this.instruments[command.book];
    if (book === undefined) return this.reject(command, Reason.UnknownTicker);
    const order = this.findIn(book, command);
    if (order === undefined) return this.reject(command, Reason.UnknownOrder);
    this.takeOut(order, Reason.None);
  }

  protected executeReduce(command: FullCommand): void {
    const book = this.instruments[command.book];
    if (book === undefined) return this.reject(command, Reason.UnknownTicker);
    if (book.state !== State.Open) return this.reject(command, Reason.State);
    if (command.qty === 0) return this.reject(command, Reason.Quantity);
    const order = this.findIn(book, command);
    if (order === undefined) return this.reject(command, Reason.UnknownOrder);
    if (command.qty >= order.open) return this.takeOut(order, Reason.None);
    order.open -= command.qty;
    order.displayed = Math.min(order.displayed, order.open);
    this.emitReduced(order, command.qty, Reason.None, !isStop(order.orderType));
  }

  protected executeReplace(command: FullCommand): void {
    const book = this.instruments[command.book];
    if (book === undefined) return this.reject(command, Reason.UnknownTicker);
    if (book.state !== State.Open) return this.reject(command, Reason.State);
    if (command.qty === 0 || command.qty === QTY_NONE) return this.reject(command, Reason.Quantity);
    const order = this.findIn(book, command);
    if (order === undefined) return this.reject(command, Reason.UnknownOrder);
    const limited = hasLimit(order.orderType);
    const price = limited ? command.price : 0;
    if (limited && !inRange(price, book)) return this.reject(command, Reason.Price);
    const open = command.chain ? command.qty - order.executed : command.qty;
    if (open <= 0) {
      this.takeOut(order, Reason.None);
    } else if (order.display > 0 && Math.ceil(open / order.display) > ICEBERG_PARTS_MAX) {
      return this.reject(command, Reason.Unsupported);
    } else if (isStop(order.orderType)) {
      this.replaceInPlace(order, price, open);
    } else if (price === order.price && open <= order.open) {
      this.replaceInPlace(order, price, open);
    } else if (order.postOnly && crosses({ ...order, price })) {
      return this.reject(command, Reason.PostOnly);
    } else {
      this.replaceAnew(order, price, open);
    }
    this.checkStops(book);
  }

  /** A waiting stop, or a resting order that keeps its priority. */
  protected replaceInPlace(order: Order, price: number, open: number): void {
    const { price: oldPrice, open: oldOpen } = order;
    order.price = price;
    order.open = open;
    order.displayed = Math.min(order.displayed, open);
    this.emit({
      type: 'replaced', ...names(order), side: order.side, price, qty: open, oldPrice, oldOpen,
      displayed: order.displayed, priority: order.priority, rests: false,
      resting: !isStop(order.orderType), kept: true, end: false,
    });
  }

  /** Out of its queue and in again as a new arrival. */
  protected replaceAnew(order: Order, price: number, open: number): void {
    const { price: oldPrice, open: oldOpen } = order;
    ladderOf(order).remove(order);
    order.price = price;
    order.open = open;
    order.displayed = 0;
    order.priority = this.takeNumber();
    const rests = this.restsAtOnce(order);
    if (rests) this.place(order);
    const replaced: EngineEvent = {
      type: 'replaced', ...names(order), side: order.side, price, qty: open, oldPrice, oldOpen,
      displayed: order.displayed, priority: order.priority, rests, resting: true, kept: false,
      end: false,
    };
    if (rests) this.emit(replaced);
    else this.enter(order, replaced);
  }

  protected executeMassCancel(command: FullCommand): void {
    const all = command.book === BOOK_ALL;
    const book = this.instruments[command.book];
    if (book === undefined && !all) return this.reject(command, Reason.UnknownTicker);
    if (command.side !== Side.None && command.side !== Side.Buy && command.side !== Side.Sell) {
      return this.reject(command, Reason.Side);
    }
    const { client, side, reason } = command;
    const wanted = (order: Order): boolean =>
      (client === CLIENT_ALL || order.client === client) && (side === Side.None || order.side === side);
    for (const each of all ? this.instruments : [book]) this.takeOutAll(each, wanted, reason);
  }

  protected executeState(command: FullCommand): void {
    const book = this.instruments[command.book];
    if (book === undefined) return this.reject(command, Reason.UnknownTicker);
    const { state } = command;
    if (state !== State.Open && state !== State.Halted && state !== State.Closed) {
      return this.reject(command, Reason.Unsupported);
    }
    book.state = state;
    this.emit({ type: 'state', book: book.index, state, end: false });
    if (state === State.Closed) this.takeOutAll(book, isDay, Reason.State);
    this.checkStops(book);
  }

  protected takeOutAll(book: Instrument, wanted: (order: Order) => boolean, reason: number): void {
    for (const ladder of book.ladders) {
      for (const order of [...ladder].filter(wanted)) this.takeOut(order, reason);
    }
  }

  /** Ends an order that rests or waits. */
  protected takeOut(order: Order, reason: number): void {
    const resting = !isStop(order.orderType);
    ladderOf(order).remove(order);
    this.end(order, order.open, reason, resting);
  }

  // ── Arrival and matching ───────────────────────────────────────────────────────────────────────

  /** Will the order go into the book without meeting anything there? */
  protected restsAtOnce(order: Order): boolean {
    return mayRest(order) && !crosses(order) && this.hasLevel(order);
  }

  /**
   * Matches an arriving order and finds its rest a place or an end. `replaced` announces an arrival
   * by replace: before the matching, or with `ackReplaceLast` after it.
   */
  protected enter(order: Order, replaced: EngineEvent | null): void {
    if (replaced !== null && !this.ackReplaceLast) this.emit(replaced);
    const selfTraded = this.match(order);
    if (replaced !== null && this.ackReplaceLast) this.emit(replaced);
    if (selfTraded > 0) return this.end(order, selfTraded, Reason.SelfTrade, false);
    if (order.open === 0) return this.removeLive(order);
    if (!mayRest(order)) return this.end(order, order.open, Reason.CannotFill, false);
    if (!this.hasLevel(order)) return this.end(order, order.open, Reason.Capacity, false);
    this.place(order);
    this.emitRested(order);
  }

  /** Trades while it can; returns what self-trade prevention makes the aggressor cancel, or 0. */
  protected match(taker: Order): number {
    while (taker.open > 0 && crosses(taker)) {
      const maker = taker.book.opposite(taker.side).levels[0].orders[0];
      if (taker.stp === Stp.None || maker.owner !== taker.owner) {
        this.trade(taker, maker);
        continue;
      }
      switch (taker.stp) {
        case Stp.CancelNewest:
          return taker.open;
        case Stp.CancelOldest:
          this.takeOut(maker, Reason.SelfTrade);
          break;
        case Stp.CancelBoth:
          this.takeOut(maker, Reason.SelfTrade);
          return taker.open;
        case Stp.Decrement: {
          const qty = this.decrement(taker, maker);
          if (taker.open === 0) return qty;
          this.emitReduced(taker, qty, Reason.SelfTrade, false);
          break;
        }
        default:
          throw new RangeError(`self-trade mode: expected 1 … ${Stp.Decrement}, was ${taker.stp}`);
      }
    }
    return 0;
  }

  protected trade(taker: Order, maker: Order): void {
    const qty = Math.min(taker.open, maker.displayed);
    for (const order of [taker, maker]) {
      order.open -= qty;
      order.executed = Math.min(order.executed + qty, EXECUTED_MAX);
    }
    maker.displayed -= qty;
    maker.book.last = maker.price;
    const iceberg = maker.display > 0 && maker.open > 0;
    this.emit({
      type: 'trade', book: maker.book.index, side: taker.side, price: maker.price, qty,
      takerClient: taker.client, takerId: taker.id, takerOrderId: taker.orderId,
      takerLeaves: taker.open,
      makerClient: maker.client, makerId: maker.id, makerOrderId: maker.orderId,
      makerLeaves: maker.open,
      iceberg, end: false,
    });
    if (maker.open === 0) {
      ladderOf(maker).remove(maker);
      this.removeLive(maker);
    } else if (maker.displayed === 0) {
      this.refresh(maker);
    } else if (iceberg) {
      this.emit({
        type: 'displayed', ...names(maker), side: maker.side, price: maker.price,
        displayed: maker.displayed, leaves: maker.open, priority: maker.priority, end: false,
      });
    }
  }

  /** Takes the smaller quantity from both without a trade; returns it. Tells of the maker only. */
  protected decrement(taker: Order, maker: Order): number {
    const qty = Math.min(taker.open, maker.displayed);
    taker.open -= qty;
    maker.open -= qty;
    maker.displayed -= qty;
    if (maker.open === 0) {
      ladderOf(maker).remove(maker);
      this.end(maker, qty, Reason.SelfTrade, true);
    } else {
      this.emitReduced(maker, qty, Reason.SelfTrade, true);
      if (maker.displayed === 0) this.refresh(maker);
    }
    return qty;
  }

  /** Shows an iceberg's next part at the back of its level. */
  protected refresh(order: Order): void {
    const ladder = ladderOf(order);
    const level = ladder.levels[0];
    level.orders.shift();
    level.orders.push(order);
    order.displayed = visible(order);
    order.priority = this.takeNumber();
    this.emitRested(order);
  }

  /** Into the visible book, at the back of its level. */
  protected place(order: Order): void {
    order.displayed = visible(order);
    ladderOf(order).add(order);
  }

  /** Is there a level of the order's price, or a free one? */
  protected hasLevel(order: Order): boolean {
    return ladderOf(order).has(levelPrice(order)) || this.levelCount() < this.levelsMax;
  }

  protected levelCount(): number {
    return sum(this.instruments, (book) => sum(book.ladders, (ladder) => ladder.levels.length));
  }

  // ── Stops ──────────────────────────────────────────────────────────────────────────────────────

  /** A new stop takes its place among the waiting. */
  protected wait(order: Order): void {
    if (!this.hasLevel(order)) {
      return this.end(order, order.open, Reason.Capacity, false);
    }
    ladderOf(order).add(order);
  }

  /** Triggers eligible stops one by one; each may trade and make others eligible. */
  protected checkStops(book: Instrument): void {
    if (book.state !== State.Open) return;
    for (let triggered = 0; triggered < this.triggersMax; triggered++) {
      const stop = this.nextEligible(book);
      if (stop === null) return;
      this.trigger(stop);
    }
    if (this.nextEligible(book) !== null) this.triggersDeferred++;
  }

  /** Buy stops before sell stops, nearest stop price first, then arrival. */
  protected nextEligible(book: Instrument): Order | null {
    for (const ladder of [book.buyStops, book.sellStops]) {
      const first = ladder.levels[0]?.orders[0];
      if (first !== undefined && isEligible(first)) return first;
    }
    return null;
  }

  protected trigger(order: Order): void {
    ladderOf(order).remove(order);
    order.orderType = order.orderType === OrderType.Stop ? OrderType.Market : OrderType.Limit;
    order.stopPrice = 0;
    order.priority = this.takeNumber();
    this.emit({
      type: 'triggered', ...names(order), side: order.side, price: order.price, qty: order.open,
      end: false,
    });
    const refusal = this.checkEntry(order);
    if (refusal !== Reason.None) this.end(order, order.open, refusal, false);
    else this.enter(order, null);
  }

  // ── Live orders ────────────────────────────────────────────────────────────────────────────────

  protected takeNumber(): bigint {
    return this.next++;
  }

  protected find(client: number, id: bigint): Order | undefined {
    return this.live.get(client)?.get(id);
  }

  /** The order that a cancel, reduce or replace names, if it lives on that instrument. */
  protected findIn(book: Instrument, command: FullCommand): Order | undefined {
    const order = this.find(command.client, command.id);
    return order?.book === book ? order : undefined;
  }

  protected addLive(order: Order): void {
    let orders = this.live.get(order.client);
    if (orders === undefined) this.live.set(order.client, (orders = new Map()));
    orders.set(order.id, order);
    this.liveCount++;
  }

  protected removeLive(order: Order): void {
    const orders = this.live.get(order.client)!;
    orders.delete(order.id);
    if (orders.size === 0) this.live.delete(order.client);
    this.liveCount--;
  }

  /** The order is over: `qty` of it is cancelled. */
  protected end(order: Order, qty: number, reason: number, resting: boolean): void {
    this.removeLive(order);
    this.emit({
      type: 'canceled', ...names(order), side: order.side, price: order.price, qty, reason,
      priority: order.priority, resting, end: false,
    });
  }

  // ── Events ─────────────────────────────────────────────────────────────────────────────────────

  protected emit(event: EngineEvent): void {
    this.events.push(event);
  }

  protected reject(command: FullCommand, reason: number, op = command.type): void {
    const { book, client, id, side, price, qty } = command;
    this.emit({ type: 'rejected', book, client, id, side, op, price, qty, reason, end: false });
  }

  protected emitAccepted(order: Order, rests: boolean): void {
    this.emit({
      type: 'accepted', ...names(order), side: order.side, orderType: order.orderType,
      price: order.price, qty: order.open, displayed: order.displayed, rests, end: false,
    });
  }

  protected emitRested(order: Order): void {
    this.emit({
      type: 'rested', ...names(order), side: order.side, price: order.price,
      displayed: order.displayed, leaves: order.open, priority: order.priority, end: false,
    });
  }

  protected emitReduced(order: Order, qty: number, reason: number, resting: boolean): void {
    this.emit({
      type: 'reduced', ...names(order), side: order.side, price: order.price, qty,
      leaves: order.open, displayed: order.displayed, reason, resting, end: false,
    });
  }

  // ── Views ──────────────────────────────────────────────────────────────────────────────────────

  depth(book: number, levels: number): Depth {
    const { bids, asks } = this.instrument(book);
    return {
      bids: bids.levels.slice(0, levels).map(depthLevel),
      asks: asks.levels.slice(0, levels).map(depthLevel),
    };
  }

  top(book: number): Top {
    const { bids, asks } = this.depth(book, 1);
    return { bid: bids[0] ?? null, ask: asks[0] ?? null };
  }

  vwap(book: number, side: number, qty: number | bigint): Vwap {
    let left = BigInt(qty);
    let filled = 0n;
    let cost = 0n;
    for (const order of this.instrument(book).opposite(side)) {
      const take = left < BigInt(order.displayed) ? left : BigInt(order.displayed);
      left -= take;
      filled += take;
      cost += take * BigInt(order.price);
    }
    return { filled, cost };
  }

  publicHash(): bigint {
    let hash = HASH_START;
    for (const { index, bids, asks } of this.instruments) {
      if (bids.levels.length + asks.levels.length > 0) hash = mix(hash, index);
      for (const ladder of [bids, asks]) {
        for (const order of ladder) {
          hash = mixAll(hash, [order.orderId, order.price, order.displayed, order.priority]);
        }
      }
    }
    return hash;
  }

  stateHash(): bigint {
    let hash = HASH_START;
    for (const book of this.instruments) {
      const touched = book.ladders.some((ladder) => ladder.levels.length > 0) || book.last !== null;
      if (!touched && book.state === State.Open) continue;
      hash = mixAll(hash, [book.index, book.state, book.last ?? 0, book.last === null ? 0 : 1]);
      for (const ladder of book.ladders) {
        for (const order of ladder) {
          hash = mixAll(hash, [
            order.orderId, order.id, order.client, order.owner, order.price, order.displayed,
            order.open, order.executed, order.priority, order.display, order.stopPrice, order.tif,
            order.orderType, order.postOnly ? 1 : 0,
          ]);
        }
      }
    }
    return mix(hash, this.next);
  }

  protected instrument(index: number): Instrument {
    const book = this.instruments[index];
    if (book === undefined) {
      throw new RangeError(`book: expected 0 … ${this.instruments.length - 1}, was ${index}`);
    }
    return book;
  }

  checkInvariants(): void {
    let found = 0;
    for (const book of this.instruments) {
      const bid = book.bids.levels[0];
      const ask = book.asks.levels[0];
      check(!bid || !ask || bid.price < ask.price, 'the book is not crossed');
      for (const ladder of book.ladders) {
        const lowestFirst = ladder === book.asks || ladder === book.buyStops;
        for (const [index, level] of ladder.levels.entries()) {
          const previous = ladder.levels[index - 1];
          check(previous?.price !== level.price, 'two levels have different prices');
          check(!previous || previous.price < level.price === lowestFirst, 'levels are in order');
          check(inRange(level.price, book), 'a level is inside the range');
          check(level.orders.length > 0, 'a level has an order');
          found += level.orders.length;
          for (const [position, order] of level.orders.entries()) {
            check(ladderOf(order) === ladder, 'an order is on its side');
            check(levelPrice(order) === level.price, 'an order is at its price');
            const before = level.orders[position - 1];
            check(!before || before.priority < order.priority, 'priorities rise in a queue');
            this.checkOrder(order);
          }
        }
      }
    }
    check(found === this.liveCount, 'every live order is in one queue');
    check(this.liveCount <= this.ordersMax, 'live orders are within the maximum');
    check(this.levelCount() <= this.levelsMax, 'levels are within the maximum');
    check(this.next < ORDER_ID_NONE, 'the counter has numbers left');
  }

  protected checkOrder(order: Order): void {
    const { open, displayed, display } = order;
    check(this.find(order.client, order.id) === order, 'an order in a queue is live');
    check(order.priority < this.next, 'numbers come from the counter');
    check(order.orderId <= order.priority, 'later arrivals have higher numbers');
    check(open > 0 && open < QTY_NONE, 'an order has open quantity');
    check(displayed <= open, 'visible quantity is part of the open quantity');
    if (isStop(order.orderType)) check(displayed === 0, 'a waiting stop is not visible');
    else if (display === 0) check(displayed === open, 'a plain order is wholly visible');
    else check(displayed > 0 && displayed <= display, 'an iceberg shows at most its display');
  }
}

// ── The small questions ──────────────────────────────────────────────────────────────────────────

function isStop(orderType: number): boolean {
  return orderType === OrderType.Stop || orderType === OrderType.StopLimit;
}

function hasLimit(orderType: number): boolean {
  return orderType === OrderType.Limit || orderType === OrderType.StopLimit;
}

/** Where the order rests or waits. */
function ladderOf(order: Order): Ladder {
  const { book } = order;
  if (isStop(order.orderType)) return order.side === Side.Buy ? book.buyStops : book.sellStops;
  return order.side === Side.Buy ? book.bids : book.asks;
}

/** The price by which it stands there. */
function levelPrice(order: Order): number {
  return isStop(order.orderType) ? order.stopPrice : order.price;
}

function mayRest(order: Order): boolean {
  return order.orderType === OrderType.Limit && (order.tif === Tif.Day || order.tif === Tif.Gtc);
}

function isDay(order: Order): boolean {
  return order.tif === Tif.Day;
}

function inRange(price: number, book: Instrument): boolean {
  return price >= book.minPrice && price <= book.maxPrice;
}

/** Would the order trade at `price`? */
function reaches(order: Order, price: number): boolean {
  if (order.orderType === OrderType.Market) return true;
  return order.side === Side.Buy ? price <= order.price : price >= order.price;
}

function crosses(order: Order): boolean {
  const best = order.book.opposite(order.side).levels[0];
  return best !== undefined && reaches(order, best.price);
}

/** What a resting order shows when it shows anew. */
function visible(order: Order): number {
  return order.display > 0 ? Math.min(order.display, order.open) : order.open;
}

function isEligible(stop: Order): boolean {
  const { last } = stop.book;
  if (last === null) return false;
  return stop.side === Side.Buy ? last >= stop.stopPrice : last <= stop.stopPrice;
}

function names(order: Order): { book: number; client: number; id: bigint; orderId: bigint } {
  return { book: order.book.index, client: order.client, id: order.id, orderId: order.orderId };
}

function depthLevel(level: Level): DepthLevel {
  const qty = BigInt(sum(level.orders, (order) => order.displayed));
  return { price: level.price, qty, orders: level.orders.length };
}

function sum<T>(items: readonly T[], of: (item: T) => number): number {
  let total = 0;
  for (const item of items) total += of(item);
  return total;
}

/** One step of the hashes of docs/MATCHING.md; negative values enter sign-extended. */
export function mix(hash: bigint, value: number | bigint): bigint {
  const mixed = BigInt.asUintN(64, (hash ^ BigInt.asUintN(64, BigInt(value))) * HASH_FACTOR);
  return mixed ^ (mixed >> 32n);
}

export function mixAll(hash: bigint, values: readonly (number | bigint)[]): bigint {
  let mixed = hash;
  for (const value of values) mixed = mix(mixed, value);
  return mixed;
}

function check(holds: boolean, what: string): void {
  if (!holds) throw new Error(`broken invariant; expected: ${what}`);
}

/** With every field, each of the width that it has in the slot. */
function fullCommand(command: Command): FullCommand {
  return {
    type: command.type,
    book: (command.book ?? COMMAND_DEFAULT.book) & 0xffff,
    client: (command.client ?? COMMAND_DEFAULT.client) >>> 0,
    id: BigInt.asUintN(64, command.id ?? COMMAND_DEFAULT.id),
    side: ((command.side ?? COMMAND_DEFAULT.side) << 24) >> 24,
    orderType: (command.orderType ?? COMMAND_DEFAULT.orderType) & 0xff,
    tif: (command.tif ?? COMMAND_DEFAULT.tif) & 0xff,
    stp: (command.stp ?? COMMAND_DEFAULT.stp) & 0xff,
    price: (command.price ?? COMMAND_DEFAULT.price) | 0,
    qty: (command.qty ?? COMMAND_DEFAULT.qty) >>> 0,
    postOnly: command.postOnly ?? COMMAND_DEFAULT.postOnly,
    chain: command.chain ?? COMMAND_DEFAULT.chain,
    display: (command.display ?? COMMAND_DEFAULT.display) >>> 0,
    minQty: (command.minQty ?? COMMAND_DEFAULT.minQty) >>> 0,
    stopPrice: (command.stopPrice ?? COMMAND_DEFAULT.stopPrice) | 0,
    owner: (command.owner ?? COMMAND_DEFAULT.owner) >>> 0,
    state: (command.state ?? COMMAND_DEFAULT.state) & 0xff,
    reason: (command.reason ?? COMMAND_DEFAULT.reason) & 0xff,
    op: (command.op ?? COMMAND_DEFAULT.op) & 0xff,
  };
}
