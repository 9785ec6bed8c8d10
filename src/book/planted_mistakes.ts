// The twin with a mistake planted, one each: engines of the kind that the tests must be able to tell
// from a right one. The fuzzer has to find and shrink each of them, some scenario has to fail on it.
import type { Depth, EngineFactory } from './engine.ts';
import { ReferenceEngine, type Instrument, type Order } from './order_book.reference.ts';
import { Reason, Stp, type EngineEvent } from './types.ts';

type Command = Parameters<ReferenceEngine['submit']>[0];

/** Two prices share a level. */
class PriceModulo256 extends ReferenceEngine {
  override submit(command: Command): EngineEvent[] {
    return super.submit(command.price === undefined
      ? command
      : { ...command, price: command.price & 0xff });
  }
}

/** The newest order of a level stands first. */
class NewestFirst extends ReferenceEngine {
  protected override place(order: Order): void {
    super.place(order);
    const { bids, asks } = order.book;
    const ladder = bids.has(order.price) ? bids : asks;
    const level = ladder.levels.find((each) => each.price === order.price);
    level?.orders.unshift(level.orders.pop() ?? order);
  }
}

/** A second order with a live id takes the first one's name. */
class DuplicateOverwrites extends ReferenceEngine {
  protected override checkFields(
    ...command: Parameters<ReferenceEngine['checkFields']>
  ): number {
    const reason = super.checkFields(...command);
    return reason === Reason.DuplicateId ? Reason.None : reason;
  }
}

/** Quantity 0 enters the book. */
class PhantomOrders extends ReferenceEngine {
  protected override checkFields(
    ...command: Parameters<ReferenceEngine['checkFields']>
  ): number {
    const reason = super.checkFields(...command);
    return reason === Reason.Quantity ? Reason.None : reason;
  }
}

class NoSelfTradePrevention extends ReferenceEngine {
  protected override match(taker: Order): number {
    return super.match(Object.assign(taker, { stp: Stp.None }));
  }
}

/** The quantity of a level is summed in 32 bits. */
class SumsWrap extends ReferenceEngine {
  override depth(book: number, levels: number): Depth {
    const { bids, asks } = super.depth(book, levels);
    const wrap = (side: Depth['bids']): Depth['bids'] =>
      side.map((level) => ({ ...level, qty: level.qty & 0xffff_ffffn }));
    return { bids: wrap(bids), asks: wrap(asks) };
  }
}

/** A reduce by more than is open leaves almost 2^32. */
class ReduceBelowZero extends ReferenceEngine {
  protected override executeReduce(...[command]: Parameters<ReferenceEngine['executeReduce']>): void {
    const order = this.find(command.client, command.id);
    if (order === undefined || command.qty <= order.open) return super.executeReduce(command);
    order.open = (order.open - command.qty) >>> 0;
    this.emitReduced(order, command.qty, Reason.None, true);
  }
}

/** Buy stops trigger whatever the last price is. */
class TriggersAnything extends ReferenceEngine {
  protected override nextEligible(book: Instrument): Order | null {
    if (book.last === null) return null;
    return super.nextEligible(book) ?? [...book.buyStops][0] ?? null;
  }
}

/** A refreshed iceberg keeps its place in the queue. */
class RefreshInPlace extends ReferenceEngine {
  protected override refresh(order: Order): void {
    order.displayed = Math.min(order.display, order.open);
    order.priority = this.takeNumber();
    this.emitRested(order);
  }
}

/** A repriced order rests where it was told to, whatever stands on the other side. */
class ReplaceRests extends ReferenceEngine {
  protected override enter(order: Order, replaced: EngineEvent | null): void {
    if (replaced === null) return super.enter(order, replaced);
    this.emit(replaced);
    this.place(order);
    this.emitRested(order);
  }
}

/** FOK and minimum quantity count what stands behind an own order that ends the matching. */
class CountsBehindOwn extends ReferenceEngine {
  protected override available(order: Order): number {
    return super.available({ ...order, stp: Stp.None });
  }
}

/** What each engine gets wrong. */
export const MISTAKES: readonly { what: string; engine: EngineFactory }[] = [
  { what: 'price modulo 256', engine: (config) => new PriceModulo256(config) },
  { what: 'the newest order of a level first', engine: (config) => new NewestFirst(config) },
  { what: 'a duplicate id overwrites', engine: (config) => new DuplicateOverwrites(config) },
  { what: 'quantity 0 is accepted', engine: (config) => new PhantomOrders(config) },
  { what: 'no self-trade prevention', engine: (config) => new NoSelfTradePrevention(config) },
  { what: '32-bit sums of quantities', engine: (config) => new SumsWrap(config) },
  { what: 'a reduce below zero', engine: (config) => new ReduceBelowZero(config) },
  { what: 'a stop triggers on the wrong side', engine: (config) => new TriggersAnything(config) },
  { what: 'an iceberg refresh keeps its place', engine: (config) => new RefreshInPlace(config) },
  { what: 'a repriced order is not matched again', engine: (config) => new ReplaceRests(config) },
  { what: 'FOK counts behind an own order', engine: (config) => new CountsBehindOwn(config) },
];
