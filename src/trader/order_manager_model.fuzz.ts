// The order manager, the risk gate and the position keeper against a naive exchange, with everything
// in flight that can be: requests and responses delayed at will, cancels and modifies that cross fills,
// refusals, fills told late or before their acceptance, a sink without room, broken connections that
// lose requests, resumes, listeners that call back in, an exchange that answers inside the call.
//
// After every step, by what the exchange knows and what is on its way (I9 of the reliability rules):
//   - position and everything that could still trade stay within the limits, on both sides, and for
//     all books together;
//   - the gate's worst case is never better than the real one;
//   - a side has at most one quote of this process at the exchange or on its way there;
//   - nothing was let through on unknown or stale numbers, over the loss limit or after the stop loss
//     but what reduces;
//   - positions are the sum of the fills told, invariants hold, an order ends once.
// In the end, healed and emptied: nothing reserved, nothing open, positions and cash as the exchange has them.
//
// By hand: node bin/node26.mjs src/trader/order_manager_model.fuzz.ts [seeds] [first seed] [steps]
import assert from 'node:assert/strict';
import { Prng } from '../base/prng.ts';
import { Reason, Tif } from '../book/types.ts';
import { ResponseType } from '../wire/generated/native.ts';
import type { ExposureLedger } from './exposure_ledger.ts';
import { BOOK_ALL, PRICE_TICKS_NONE, TraderInstruments, plainInstruments } from './instruments.ts';
import { OrderManager, OrderStatus, type OrderListener, type OrderSink } from './order_manager.ts';
import { ModelExchange, type ModelRequest, type ModelResponse } from './order_manager_exchange.reference.ts';
import { PositionKeeper } from './position_keeper.ts';
import { LIMIT_NONE, RISK_LIMITS_DEFAULT, RiskGate, type RiskLimits } from './risk.ts';

const BOOKS = 2;
const MS = 1_000_000;
/** Marks the orders that are quotes. */
export const QUOTE_FLAG = 1;
const INSTRUMENTS = new TraderInstruments(plainInstruments([1, 2]));
/** In the second scale, quantities add up beyond 2^32. */
const SCALES = [1, 200_000_000];

/** How a connection goes on after a break: in the same stream, or without what was missed. */
type Resume = 'complete' | 'with a gap';

interface World {
  readonly scale: number;
  readonly resume: Resume;
  /** The client may die, and comes back with nothing but the exchange's log. */
  readonly restarts: boolean;
  readonly reorders: boolean;
  /** The exchange answers inside the sink's calls. */
  readonly embedded: boolean;
  readonly callsBack: boolean;
  readonly cancelOnDisconnect: boolean;
  readonly quoteBy: 'modify' | 'cancel';
  limits: RiskLimits;
}

/** `shared`: with a ledger, which no client leaves in doubt. */
function randomWorld(prng: Prng, shared: boolean): World {
  const reorders = prng.chance(0.25);
  const resume = prng.chance(0.7) || shared ? 'complete' : 'with a gap';
  const scale = SCALES[prng.chance(0.3) && !shared ? 1 : 0];
  return {
    scale, reorders, resume, restarts: resume === 'complete' && prng.chance(0.4) && !shared,
    embedded: prng.chance(0.2), callsBack: prng.chance(0.4), cancelOnDisconnect: prng.chance(0.5),
    quoteBy: prng.chance(0.5) ? 'modify' : 'cancel',
    limits: {
      ...RISK_LIMITS_DEFAULT,
      maxOrderQty: 10 * scale, maxPosition: prng.between(10, 30) * scale, maxOpenOrders: prng.between(3, 12),
      maxLoss: prng.chance(0.6) ? prng.between(20, 200) * scale : LIMIT_NONE,
      maxPositionTotal: prng.chance(0.5) ? 35 * scale : LIMIT_NONE,
      stopLoss: prng.chance(0.3) ? prng.between(200, 900) * scale : LIMIT_NONE,
      collarTicks: prng.chance(0.3) ? 30 : 0,
      ordersPerSecond: prng.chance(0.2) ? 20 : LIMIT_NONE,
    },
  };
}

/** What a gate with a planted mistake needs to know to make it. */
export interface Watcher {
  watch(orders: OrderManager): void;
  requested(request: ModelRequest): void;
  broken(): void;
}

type Gate = RiskGate & Partial<Watcher>;

/** The classes under test; mistakes are planted by others in their place. */
export interface Parts {
  /** Shared with other runs; then no client dies, for what it had open would be counted twice. */
  readonly ledger?: ExposureLedger;
  readonly gate?: new (...parameters: ConstructorParameters<typeof RiskGate>) => Gate;
  readonly manager?: typeof OrderManager;
}

export class Run implements OrderSink, OrderListener {
  world: World;
  readonly exchange: ModelExchange;
  positions: PositionKeeper;
  gate: Gate;
  orders: OrderManager;
  readonly #parts: Parts;
  /** Of this process: it does not know which of the orders that it adopted were quotes. */
  #firstId = 1;
  readonly #prng: Prng;
  #nowNs = MS;
  /** Responses delivered. */
  #cursor = 0;
  #connected = true;
  #room = true;
  readonly #mids: (number | null)[] = [null, null];
  readonly #done = new Set<number>();
  readonly #told = [0, 0];
  #settled = false;
  sent = 0;
  fills = 0;
  breaks = 0;
  restarts = 0;
  quoted = 0;

  constructor(seed: number, parts: Parts = {}) {
    const prng = new Prng(seed);
    this.#prng = prng;
    this.world = randomWorld(prng, parts.ledger !== undefined);
    this.exchange = new ModelExchange(BOOKS, prng.fork(), this.world.reorders);
    this.#parts = parts;
    [this.positions, this.gate, this.orders] = this.#start(1);
  }

  /** A client process that knows nothing yet. */
  #start(firstOrderId: number): [PositionKeeper, Gate, OrderManager] {
    this.#firstId = firstOrderId;
    const positions = new PositionKeeper(INSTRUMENTS);
    const gate: Gate = new (this.#parts.gate ?? RiskGate)(
      INSTRUMENTS, positions, this.world.limits, { ledger: this.#parts.ledger },
    );
    const orders = new (this.#parts.manager ?? OrderManager)(INSTRUMENTS, gate, positions, this, {
      ordersMax: 64, firstOrderId, quoteBy: this.world.quoteBy, quoteFlags: QUOTE_FLAG,
    });
    orders.listener = this;
    gate.watch?.(orders);
    return [positions, gate, orders];
  }

  run(steps: number): void {
    for (let step = 0; step < steps; step++) this.step();
    this.finish();
  }

  step(): void {
    this.#step();
    this.check();
  }

  // ── the sink ───────────────────────────────────────────────────────────────────────────────

  newOrder(
    book: number, id: number, side: number, price: number, qty: number, tif: number, flags: number,
  ): boolean {
    this.#judge(book, side, qty, 0);
    const request = { type: 'new', book, id, side, price, qty, tif, quote: flags === QUOTE_FLAG } as const;
    if (!this.#send(request)) return false;
    this.sent++;
    this.quoted += request.quote ? 1 : 0;
    return true;
  }

  cancel(book: number, id: number): boolean {
    return this.#send({ type: 'cancel', book, id, side: 0, price: 0, qty: 0, tif: 0, quote: false });
  }

  modify(book: number, id: number, side: number, price: number, qty: number): boolean {
    this.#judge(book, side, qty, this.orders.executed(id) + this.orders.leaves(id));
    return this.#send({ type: 'modify', book, id, side, price, qty, tif: 0, quote: false });
  }

  massCancel(book: number): boolean {
    return this.#send({ type: 'mass', book, id: 0, side: 0, price: 0, qty: 0, tif: 0, quote: false });
  }

  #send(request: ModelRequest): boolean {
    assert.ok(this.#connected, 'nothing is sent over a broken connection');
    if (!this.#room || this.#prng.chance(0.02)) return false;
    this.gate.requested?.(request);
    this.exchange.requests.push(request);
    if (this.world.embedded) {
      this.exchange.processOne();
      this.#deliver(this.exchange.log.length);
    }
    return true;
  }

  /** What risk must not have let through, judged from the outside. The order counts as open already. */
  #judge(book: number, side: number, qty: number, oldQty: number): void {
    const { limits } = this.world;
    assert.ok(!this.gate.killed, 'nothing is sent after a kill');
    assert.ok(!this.gate.stale(book), 'nothing is sent on stale market data');
    assert.ok(limits.collarTicks === 0 || this.#mids[book] !== null, 'no collar without a mid');
    const position = this.positions.position(book);
    const openQty = this.gate.openQty(book, side);
    if (position * side < 0 && openQty <= Math.abs(position)) return;
    // Not reducing.
    const mid2 = this.#mids[book];
    assert.ok(position === 0 || mid2 !== null, 'nothing is added to a position of unknown profit');
    const profit2 = 2 * this.positions.cash(book) + (position === 0 ? 0 : position * (mid2 ?? 0));
    assert.ok(-profit2 <= 2 * limits.maxLoss, 'nothing is added beyond the largest loss');
    assert.ok(!this.gate.stopLossHit, 'nothing is added after the stop loss');
    assert.ok(qty > oldQty || openQty > 0, 'an order has a quantity');
  }

  // ── the listener ───────────────────────────────────────────────────────────────────────────

  onFill(book: number, _id: number, side: number, _price: number, qty: number): void {
    this.fills++;
    this.#told[book] += side * qty;
    assert.equal(this.positions.position(book), this.#told[book], 'the position is the sum of the fills told');
    if (this.world.callsBack && this.#prng.chance(0.2)) this.#client();
  }

  onStatus(_book: number, id: number, status: number): void {
    if (status === OrderStatus.Done && id !== 0) {
      assert.ok(!this.#done.has(id), `order ${id} ends once`);
      this.#done.add(id);
      assert.equal(this.orders.status(id), OrderStatus.Done);
    }
    if (this.world.callsBack && this.#prng.chance(0.2)) this.#client();
  }

  // ── steps ──────────────────────────────────────────────────────────────────────────────────

  #step(): void {
    const prng = this.#prng;
    this.#nowNs += prng.between(1, 20) * MS;
    // What stands still gets going again after some steps.
    if (!this.#connected && prng.chance(0.05)) {
      if (this.world.restarts && prng.chance(0.5)) this.#restart();
      else this.#reconnect();
    }
    if (!this.#room) this.#room = prng.chance(0.1);
    const dice = prng.below(100);
    if (dice < 35) this.#client();
    else if (dice < 55) for (let i = prng.between(1, 4); i > 0; i--) this.exchange.processOne();
    else if (dice < 75) this.#deliver(this.#cursor + prng.between(1, 6));
    else if (dice < 85) this.#trade();
    else if (dice < 93) this.#market();
    else if (dice < 95) this.orders.poll(this.#nowNs);
    else if (dice < 96) this.#room = false;
    else if (dice < 99 || this.world.reorders) this.exchange.releaseSome();
    else if (this.#connected) this.#break();
  }

  #client(): void {
    const prng = this.#prng;
    const book = prng.below(BOOKS);
    const side = prng.chance(0.5) ? 1 : -1;
    const price = 1000 + prng.between(-12, 12);
    const qty = prng.between(1, 10) * this.world.scale;
    const dice = prng.below(100);
    if (dice < 40) this.orders.send(book, side, price, qty, prng.chance(0.2) ? Tif.Ioc : Tif.Gtc, this.#nowNs);
    else if (dice < 65) this.orders.quote(book, side, price, prng.chance(0.15) ? 0 : qty, this.#nowNs);
    else if (dice < 78) this.orders.modify(this.#anyOrder(), price, qty, this.#nowNs);
    else if (dice < 90) this.orders.cancel(this.#anyOrder());
    else if (dice < 91) this.orders.cancelAll(prng.chance(0.5) ? book : BOOK_ALL);
    else this.#control();
  }

  /** Mostly one that is open. */
  #anyOrder(): number {
    const { orders } = this;
    if (orders.liveOrders === 0 || this.#prng.chance(0.1)) return this.#prng.below(orders.nextOrderId) + 1;
    return orders.liveOrder(this.#prng.below(orders.liveOrders));
  }

  #control(): void {
    const prng = this.#prng;
    const dice = prng.below(20);
    if (dice < 1) this.gate.kill();
    else if (dice < 2) this.gate.setStale(prng.below(BOOKS), true);
    else if (dice < 8) this.gate.setStale(BOOK_ALL, false);
    else if (dice < 15) this.gate.reset();
    else this.#raiseLossLimits();
  }

  /** What is lost is lost: without more to lose, a run would end as one that can only reduce. */
  #raiseLossLimits(): void {
    const { limits } = this.world;
    const raised = (limit: number): number => (limit === LIMIT_NONE ? limit : limit + 200 * this.world.scale);
    this.world.limits = { ...limits, maxLoss: raised(limits.maxLoss), stopLoss: raised(limits.stopLoss) };
    this.gate.setLimits(this.world.limits);
  }

  #trade(): void {
    const ids = [...this.exchange.orders.keys()];
    if (ids.length === 0) return;
    const id = ids[this.#prng.below(ids.length)];
    const dice = this.#prng.below(20);
    if (dice < 17) this.exchange.fill(id);
    else if (dice < 19 || this.world.reorders) this.exchange.expire(id, Reason.SelfTrade);
    else this.exchange.decrement(id);
    if (this.world.embedded) this.#deliver(this.exchange.log.length);
  }

  #market(): void {
    const book = this.#prng.below(BOOKS);
    const bid = 1000 + this.#prng.between(-30, 30);
    const ask = bid + this.#prng.between(1, 4);
    const twoSided = this.#prng.chance(0.95);
    this.#mids[book] = twoSided ? bid + ask : null;
    this.gate.setTop(book, bid, twoSided ? ask : PRICE_TICKS_NONE);
  }

  /** Responses up to a place in the log. */
  #deliver(end: number): void {
    while (this.#connected && this.#cursor < Math.min(end, this.exchange.log.length)) {
      this.#hand(this.exchange.log[this.#cursor++]);
    }
  }

  #hand({ type, book, id, side, price, exec, leaves }: ModelResponse): void {
    this.orders.onResponse(type, book, id, side, price, exec, leaves, this.#nowNs);
  }

  #break(): void {
    this.breaks++;
    this.#connected = false;
    this.exchange.loseRequests();
    this.orders.onDisconnected();
    this.gate.broken?.();
  }

  /** A new process: the whole log is told again, from its beginning. */
  #restart(): void {
    this.restarts++;
    this.#drain();
    this.#done.clear();
    this.#told.fill(0);
    this.#mids.fill(null);
    this.#cursor = 0;
    const { world } = this;
    // While it catches up it decides nothing.
    const quiet = { ...world, callsBack: false };
    [this.positions, this.gate, this.orders] = this.#start(this.orders.nextOrderId);
    this.world = quiet;
    this.#connected = true;
    this.#deliver(this.exchange.log.length);
    this.world = world;
    assert.equal(this.orders.liveOrders, this.exchange.orders.size, 'every live order is adopted, and no other');
    for (const { id, open, executed } of this.exchange.orders.values()) {
      assert.deepEqual([this.orders.leaves(id), this.orders.executed(id)], [open, executed], `order ${id}`);
    }
  }

  /** The log-in comes after all that the old connection brought. */
  #drain(): void {
    while (this.exchange.requests.length > 0) this.exchange.processOne();
    if (this.world.cancelOnDisconnect) this.exchange.cancelAll(BOOK_ALL);
  }

  #reconnect(): void {
    this.#drain();
    const complete = this.world.resume === 'complete';
    if (!complete) this.#cursor = this.exchange.log.length;
    this.#connected = true;
    this.orders.onResumed(complete, this.#nowNs);
    if (!complete && this.#prng.chance(0.5)) this.#settle();
  }

  /** An operator who asked the exchange: what of each order was executed. Only once the exchange is done with it. */
  #settle(): void {
    const { orders, exchange } = this;
    for (let i = orders.liveOrders - 1; i >= 0; i--) {
      const id = orders.liveOrder(i);
      const before = orders.executed(id);
      const order = exchange.ended.get(id);
      if (exchange.orders.has(id) || this.#undelivered(id)) continue;
      const qty = (order?.executed ?? 0) - before;
      // The prices of missed fills are in the log.
      const missed = exchange.log.filter((each) => each.type === ResponseType.Filled && each.id === id);
      const value = missed.reduce((sum, { exec, price }) => sum + exec * price, 0);
      if (qty > 0 && missed.length > 1) continue; // one price cannot tell several
      this.#settled ||= qty > 0;
      orders.settle(id, qty, qty > 0 ? value / qty : PRICE_TICKS_NONE);
    }
  }

  #undelivered(id: number): boolean {
    return this.exchange.requests.some((request) => request.id === id)
      || this.exchange.log.slice(this.#cursor).some((response) => response.id === id);
  }

  // ── what must be so ────────────────────────────────────────────────────────────────────────

  check(): void {
    const { exchange, gate, world } = this;
    this.orders.checkInvariants();
    let total = 0;
    for (let book = 0; book < BOOKS; book++) {
      const long = exchange.worst(book, 1);
      const short = exchange.worst(book, -1);
      total += Math.max(long, short);
      assert.ok(long <= world.limits.maxPosition, `book ${book}: ${long} long at worst, limit ${world.limits.maxPosition}`);
      assert.ok(short <= world.limits.maxPosition, `book ${book}: ${short} short at worst, limit ${world.limits.maxPosition}`);
      assert.ok(gate.worstLong(book) >= long, `book ${book}: the gate knows of ${gate.worstLong(book)} long, it may be ${long}`);
      assert.ok(gate.worstShort(book) >= short, `book ${book}: the gate knows of ${gate.worstShort(book)} short, it may be ${short}`);
      for (const side of [1, -1]) {
        assert.ok(exchange.quotes(book, side, this.#firstId) <= 1, `book ${book}: one quote a side`);
      }
    }
    assert.ok(total <= world.limits.maxPositionTotal, `${total} at worst over all books`);
  }

  /** Healed and emptied. */
  finish(): void {
    this.#room = true;
    if (!this.#connected) this.#reconnect();
    this.orders.cancelAll(BOOK_ALL);
    for (let round = 0; round < 20 && (this.orders.liveOrders > 0 || this.exchange.requests.length > 0); round++) {
      this.#nowNs += MS;
      this.orders.poll(this.#nowNs);
      while (this.exchange.requests.length > 0) this.exchange.processOne();
      this.exchange.release();
      this.#deliver(this.exchange.log.length);
      for (let i = 0; i < this.orders.liveOrders; i++) this.orders.cancel(this.orders.liveOrder(i));
      if (this.world.resume === 'with a gap') this.#settleAll();
      this.check();
    }
    assert.equal(this.orders.liveOrders, 0, 'every order has ended');
    assert.equal(this.orders.unknownOrders, 0);
    assert.equal(this.exchange.orders.size, 0, 'also at the exchange');
    for (let book = 0; book < BOOKS; book++) {
      this.#checkEnd(book);
      this.#checkFlatten(book);
    }
  }

  #settleAll(): void {
    for (let i = this.orders.liveOrders - 1; i >= 0; i--) {
      const id = this.orders.liveOrder(i);
      if (this.exchange.orders.has(id) || this.#undelivered(id)) continue;
      const qty = (this.exchange.ended.get(id)?.executed ?? 0) - this.orders.executed(id);
      if (this.orders.settle(id, qty, 1000) && qty > 0) this.#settled = true;
    }
  }

  #checkEnd(book: number): void {
    for (const side of [1, -1]) {
      assert.equal(this.gate.openQty(book, side), 0, 'nothing is reserved any more');
      assert.equal(this.orders.quoteId(book, side), 0, 'no quote is left');
    }
    assert.equal(this.gate.openOrders(book), 0);
    // Fills that a gap swallowed of orders which had ended by then are gone for good.
    assert.equal(this.positions.position(book), this.exchange.positions[book], 'positions agree');
    if (!this.#settled) assert.equal(this.positions.cash(book), this.exchange.cash[book], 'cash agrees');
  }

  /** Over the loss limit a position can be closed, and only that. */
  #checkFlatten(book: number): void {
    const { gate, positions } = this;
    const position = positions.position(book);
    if (position === 0) return;
    const side = Math.sign(position);
    gate.setStale(BOOK_ALL, false);
    gate.reset();
    gate.setLimits({ ...this.world.limits, maxLoss: 0, collarTicks: 0, maxPosition: LIMIT_NONE, maxPositionTotal: LIMIT_NONE });
    // A mark far enough on the wrong side to have lost something.
    const mid = Math.round(-positions.cash(book) / position) - side * 100;
    for (let other = 0; other < BOOKS; other++) gate.setTop(other, mid - 1, mid + 1);
    const laterNs = this.#nowNs + 2e9;
    const closing = Math.min(Math.abs(position), gate.maxOrderQty(book));
    assert.equal(gate.check(book, -side, 1000, closing, laterNs), Reason.None, 'closing passes');
    assert.equal(gate.check(book, side, 1000, 1, laterNs), Reason.Loss, 'adding does not');
    if (Math.abs(position) >= gate.maxOrderQty(book)) return;
    assert.equal(gate.check(book, -side, 1000, Math.abs(position) + 1, laterNs), Reason.Loss, 'nor does a flip');
  }
}

export function fuzzOrders(seed: number, steps: number, parts: Parts = {}): Run {
  try {
    const run = new Run(seed, parts);
    run.run(steps);
    return run;
  } catch (error) {
    const again = `node bin/node26.mjs src/trader/order_manager_model.fuzz.ts 1 ${seed} ${steps}`;
    throw new Error(`orders and exchange differ; again: ${again}`, { cause: error });
  }
}

if (import.meta.main) {
  const seeds = Number(process.argv[2] ?? 1000);
  const first = Number(process.argv[3] ?? 1);
  const steps = Number(process.argv[4] ?? 2000);
  const sums = { sent: 0, fills: 0, breaks: 0, restarts: 0, quoted: 0 };
  for (let seed = first; seed < first + seeds; seed++) {
    const run = fuzzOrders(seed, steps);
    sums.sent += run.sent;
    sums.fills += run.fills;
    sums.breaks += run.breaks;
    sums.restarts += run.restarts;
    sums.quoted += run.quoted;
  }
  console.log(
    `${seeds} runs of ${steps} steps: ${sums.sent} orders (${sums.quoted} quotes), ${sums.fills} fills, ${sums.breaks} broken`
    + ` connections, ${sums.restarts} restarts; exposure within limits throughout (seeds ${first} to ${first + seeds - 1})`,
  );
}
