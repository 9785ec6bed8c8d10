import assert from 'node:assert/strict';
import { test } from 'node:test';
import { QTY_NONE, Reason } from '../book/types.ts';
import { ResponseType } from '../wire/generated/native.ts';
import { PRICE_TICKS_NONE, type TraderInstruments } from './instruments.ts';
import type { ModelRequest } from './order_manager_exchange.reference.ts';
import { QUOTE_FLAG, fuzzOrders, type Parts, type Watcher } from './order_manager_model.fuzz.ts';
import { OrderManager, OrderStatus, type OrderTerms } from './order_manager.ts';
import type { PositionKeeper } from './position_keeper.ts';
import { RiskGate, type RiskGateOptions, type RiskLimits } from './risk.ts';

const SEEDS = Number(process.env['ORDER_MODEL_SEEDS'] ?? 60);
const STEPS = Number(process.env['ORDER_MODEL_STEPS'] ?? 1000);

test(`exposure stays within the limits whatever is in flight: ${SEEDS} runs of ${STEPS} steps`, () => {
  let [sent, fills, breaks, quoted, restarts] = [0, 0, 0, 0, 0];
  for (let seed = 1; seed <= SEEDS; seed++) {
    const run = fuzzOrders(seed, STEPS);
    sent += run.sent;
    fills += run.fills;
    breaks += run.breaks;
    quoted += run.quoted;
    restarts += run.restarts;
  }
  // The runs really do something.
  const steps = SEEDS * STEPS;
  assert.ok(sent > steps / 50 && quoted > steps / 150 && fills > steps / 50, `${sent} sent, ${quoted} quotes, ${fills} fills`);
  assert.ok(breaks > steps / 1000 && restarts > 0, `${breaks} breaks, ${restarts} restarts`);
});

// ── planted ──────────────────────────────────────────────────────────────────────────────────

/** A gate that knows what the order manager does, and draws a wrong conclusion. */
class Planted extends RiskGate implements Watcher {
  protected readonly positions: PositionKeeper;
  protected orders!: OrderManager;
  /** Total that the last modify asked for, by order. */
  protected readonly asked = new Map<number, number>();
  protected readonly lost = new Set<number>();

  constructor(
    instruments: TraderInstruments, positions: PositionKeeper, limits: RiskLimits, options?: RiskGateOptions,
  ) {
    super(instruments, positions, limits, options);
    this.positions = positions;
  }

  watch(orders: OrderManager): void {
    this.orders = orders;
  }

  requested({ type, id, qty }: ModelRequest): void {
    if (type === 'modify') this.asked.set(id, qty);
  }

  broken(): void {}

  /** The layers behind that of the position would let it through. */
  protected fineOtherwise(book: number): boolean {
    return this.positions.known(book) && -this.positions.pnl2(book) <= 2 * this.limits.maxLoss
      && this.positions.totalsKnown && !this.stopLossHit;
  }

  /** The open quantity of a side, by a rule. */
  protected open(book: number, side: number, countedOf: (id: number, status: OrderStatus) => number): number {
    let sum = 0;
    for (let i = 0; i < this.orders.liveOrders; i++) {
      const id = this.orders.liveOrder(i);
      if (this.orders.orderBook(id) !== book || this.orders.orderSide(id) !== side) continue;
      sum += countedOf(id, this.orders.status(id));
    }
    return sum;
  }
}

/** Judges positions by what `counted` says is open. */
abstract class Miscounts extends Planted {
  abstract counted(id: number, status: OrderStatus): number;

  override check(book: number, side: number, priceTicks: number, qty: number, nowNs: number): Reason {
    const reason = super.check(book, side, priceTicks, qty, nowNs);
    if (reason !== Reason.Position || !this.fineOtherwise(book)) return reason;
    const open = this.open(book, side, (id, status) => this.counted(id, status));
    const worst = side * this.positions.position(book) + open + qty;
    return worst > this.limits.maxPosition ? reason : Reason.None;
  }
}

class IgnoresOpen extends Miscounts {
  counted(): number {
    return 0;
  }
}

class ReleasesOnCancelRequest extends Miscounts {
  counted(id: number, status: OrderStatus): number {
    return status === OrderStatus.PendingCancel ? 0 : this.orders.reserved(id);
  }
}

class CountsModifiesAsDone extends Miscounts {
  counted(id: number, status: OrderStatus): number {
    const asked = this.asked.get(id) ?? 0;
    return status === OrderStatus.PendingModify ? Math.max(0, asked - this.orders.executed(id)) : this.orders.reserved(id);
  }
}

class CountsModifiesAsRefused extends Miscounts {
  counted(id: number): number {
    return this.orders.leaves(id);
  }
}

class TakesUnansweredForLost extends Miscounts {
  override broken(): void {
    for (let i = 0; i < this.orders.liveOrders; i++) {
      const id = this.orders.liveOrder(i);
      if (this.orders.status(id) === OrderStatus.PendingNew) this.lost.add(id);
    }
  }

  counted(id: number): number {
    return this.lost.has(id) ? 0 : this.orders.reserved(id);
  }
}

class AnyOppositeReduces extends Planted {
  override check(book: number, side: number, priceTicks: number, qty: number, nowNs: number): Reason {
    const reason = super.check(book, side, priceTicks, qty, nowNs);
    const opposite = this.positions.position(book) * side < 0;
    return opposite && (reason === Reason.Position || reason === Reason.Loss) ? Reason.None : reason;
  }
}

class UnknownProfitPasses extends Planted {
  override check(book: number, side: number, priceTicks: number, qty: number, nowNs: number): Reason {
    const reason = super.check(book, side, priceTicks, qty, nowNs);
    return reason === Reason.StaleMarketData && !this.positions.known(book) ? Reason.None : reason;
  }
}

class StaleDataPasses extends Planted {
  override check(book: number, side: number, priceTicks: number, qty: number, nowNs: number): Reason {
    const reason = super.check(book, side, priceTicks, qty, nowNs);
    return reason === Reason.StaleMarketData && this.stale(book) ? Reason.None : reason;
  }
}

class LossPasses extends Planted {
  override check(book: number, side: number, priceTicks: number, qty: number, nowNs: number): Reason {
    const reason = super.check(book, side, priceTicks, qty, nowNs);
    return reason === Reason.Loss ? Reason.None : reason;
  }
}

class Sums32 extends Planted {
  override check(book: number, side: number, priceTicks: number, qty: number, nowNs: number): Reason {
    const reason = super.check(book, side, priceTicks, qty, nowNs);
    if (reason !== Reason.Position || !this.fineOtherwise(book)) return reason;
    const sum = (side * this.positions.position(book) + this.openQty(book, side) + qty) | 0;
    return sum > this.limits.maxPosition ? reason : Reason.None;
  }
}

type Response = [
  type: number, book: number, orderId: number, side: number, priceTicks: number, execQty: number,
  leavesQty: number, nowNs: number,
];

/** Orders known by ticker and side (mistake 22). */
class KeyedByTickerAndSide extends OrderManager {
  readonly #latest = new Map<string, number>();

  override send(
    book: number, side: number, priceTicks: number, qty: number, tif: number, nowNs: number,
    terms: OrderTerms | null = null,
  ): number {
    const id = super.send(book, side, priceTicks, qty, tif, nowNs, terms);
    if (id > 0) this.#latest.set(`${book} ${side}`, id);
    return id;
  }

  override onResponse(...[type, book, orderId, side, ...rest]: Response): void {
    super.onResponse(type, book, this.#latest.get(`${book} ${side}`) ?? orderId, side, ...rest);
  }
}

/** Fills of an order on its way out are not expected any more. */
class ForgetsCancelled extends OrderManager {
  override onResponse(...response: Response): void {
    const [type, , orderId] = response;
    if (type === ResponseType.Filled && this.status(orderId) >= OrderStatus.PendingCancel) return;
    super.onResponse(...response);
  }
}

/** A cancel answered is the end, whatever it says of the quantity. */
class CancelIsTheEnd extends OrderManager {
  override onResponse(...[type, book, orderId, side, priceTicks, execQty, leavesQty, nowNs]: Response): void {
    const removed = type === ResponseType.Canceled ? QTY_NONE : leavesQty;
    super.onResponse(type, book, orderId, side, priceTicks, execQty, removed, nowNs);
  }
}

/** A cancel refused means that nothing is left. */
class RefusalIsTheEnd extends OrderManager {
  override onResponse(...[type, ...rest]: Response): void {
    const end = type === ResponseType.CancelRejected && rest[4] === Reason.UnknownOrder;
    if (!end) return super.onResponse(type, ...rest);
    super.onResponse(ResponseType.Canceled, rest[0], rest[1], rest[2], rest[3], QTY_NONE, QTY_NONE, rest[6]);
  }
}

/** The new quote goes out beside the old one, which is cancelled. */
class QuotesTwice extends OrderManager {
  readonly #terms: OrderTerms = {
    orderType: 2, flags: QUOTE_FLAG, stp: 0, displayQty: 0, minQty: 0, stopTicks: 0, owner: 0xffff_ffff,
  };

  override quote(book: number, side: number, priceTicks: number, qty: number, nowNs: number): Reason {
    if (qty === 0 || this.quoteTicks(book, side) === PRICE_TICKS_NONE) {
      return super.quote(book, side, priceTicks, qty, nowNs);
    }
    this.cancel(this.quoteId(book, side));
    const id = super.send(book, side, priceTicks, qty, 1, nowNs, this.#terms);
    return id < 0 ? (-id as Reason) : Reason.None;
  }
}

const EXPOSED = /at worst|the gate knows of/;
const PLANTED: readonly (readonly [what: string, parts: Parts, found: RegExp])[] = [
  ['open orders are ignored (mistake 18)', { gate: IgnoresOpen }, EXPOSED],
  ['released on the cancel’s request instead of its answer', { gate: ReleasesOnCancelRequest }, EXPOSED],
  ['a modify counts as done before it is answered', { gate: CountsModifiesAsDone }, EXPOSED],
  ['a modify counts once it is answered', { gate: CountsModifiesAsRefused }, EXPOSED],
  ['what was unanswered at a break counts as lost', { gate: TakesUnansweredForLost }, EXPOSED],
  ['any opposite order reduces (mistake 19)', { gate: AnyOppositeReduces }, /at worst|the gate knows of|nothing is added/],
  ['unknown profit passes (mistake 17)', { gate: UnknownProfitPasses }, /nothing is added to a position of unknown profit/],
  ['stale market data passes', { gate: StaleDataPasses }, /nothing is sent on stale market data/],
  ['loss passes', { gate: LossPasses }, /nothing is added beyond the largest loss|after the stop loss|adding does not/],
  ['sums in 32 bits (mistake 23)', { gate: Sums32 }, EXPOSED],
  ['orders are known by ticker and side (mistake 22)', { manager: KeyedByTickerAndSide }, /./],
  ['late fills of cancelled orders are dropped', { manager: ForgetsCancelled }, /at worst|the gate knows of|every order has ended/],
  ['a cancel answered releases fills that are still to be told', { manager: CancelIsTheEnd }, EXPOSED],
  ['a cancel refused ends the order', { manager: RefusalIsTheEnd }, EXPOSED],
  ['two quotes a side', { manager: QuotesTwice }, /one quote a side/],
];

for (const [what, parts, found] of PLANTED) {
  test(`the model finds it when planted: ${what}`, () => {
    let message = '';
    for (let seed = 1; seed <= 400 && message === ''; seed++) {
      try {
        fuzzOrders(seed, 600, parts);
      } catch (error) {
        message = ((error as Error).cause as Error).message;
      }
    }
    assert.match(message, found, 'nothing, or something else, was found');
  });
}
