// A trader that dies amid any operation of its disk, again and again, against an account at an
// exchange that forgets nothing. After each restart the trader knows what the exchange has told, goes
// on without a gap, and uses no order id twice.
// By hand: node bin/node26.mjs src/trader/client_journal.fuzz.ts [seeds] [first seed] [steps each]
//
// The exchange here is a list of responses and the open orders of one account: it accepts, fills in
// part, cancels, and cancels everything when the client has gone. The trader's half is the real one:
// runner, order manager, position keeper, journal. Deaths are of the process (what was written stays)
// or of the machine (what was not synced may be gone, sector by sector).
import assert from 'node:assert/strict';
import { Prng } from '../base/prng.ts';
import { Side, Tif } from '../book/types.ts';
import { DiedError, MemoryDisk } from '../journal/memory_storage.ts';
import { ClientResponse, ResponseType } from '../wire/generated/native.ts';
import { ClientJournal, ORDER_IDS } from './client_journal.ts';
import { plainInstruments, PRICE_TICKS_NONE, TraderInstruments } from './instruments.ts';
import { OrderStatus } from './order_manager.ts';
import { tellResponse } from './order_session.ts';
import { LIMIT_NONE, RISK_LIMITS_DEFAULT } from './risk.ts';
import { StrategyRunner } from './strategy_runner.ts';
import type { ClientIdentity } from './client_journal.ts';
import type { OrderSink } from './order_manager.ts';

const INSTRUMENTS = new TraderInstruments(plainInstruments([7, 9]));
const IDENTITY: ClientIdentity = { client: 5, framing: 'soup', instruments: INSTRUMENTS };
const SESSION = 'X1';
const TWO_32 = 2 ** 32;

interface OpenOrder {
  id: number;
  book: number;
  side: number;
  ticks: number;
  leaves: number;
  executed: number;
}

/** One account: its open orders, and everything that it was ever told. */
export class AccountExchange implements OrderSink {
  readonly log: Uint8Array[] = [];
  readonly positions = [0, 0];
  readonly cash = [0, 0];
  readonly open = new Map<number, OpenOrder>();
  /** Requests that the client has made and that are still on their way. */
  #inbox: (() => void)[] = [];
  /** The highest order id that ever came. */
  lastId = 0;

  newOrder(book: number, orderId: number, side: number, ticks: number, qty: number): boolean {
    this.#inbox.push(() => {
      assert.ok(orderId > this.lastId, `order ids rise: ${orderId} came after ${this.lastId}`);
      this.lastId = orderId;
      this.open.set(orderId, { id: orderId, book, side, ticks, leaves: qty, executed: 0 });
      this.#tell(ResponseType.Accepted, this.#order(orderId), ticks, 0, qty);
    });
    return true;
  }

  cancel(book: number, orderId: number): boolean {
    this.#inbox.push(() => {
      const order = this.open.get(orderId);
      if (order !== undefined) return this.#cancel(order, ResponseType.Canceled);
      const unknown = { id: orderId, book, side: 0, ticks: 0, leaves: 0, executed: 0 };
      this.#tell(ResponseType.CancelRejected, unknown, 0, 6, 0);
    });
    return true;
  }

  modify(book: number, orderId: number, side: number, ticks: number, chainQty: number): boolean {
    this.#inbox.push(() => {
      const order = this.open.get(orderId);
      if (order === undefined) {
        const unknown = { id: orderId, book, side, ticks, leaves: 0, executed: 0 };
        return this.#tell(ResponseType.Rejected, unknown, ticks, 6, 0);
      }
      if (chainQty <= order.executed) return this.#cancel(order, ResponseType.Canceled);
      Object.assign(order, { ticks, leaves: chainQty - order.executed });
      this.#tell(ResponseType.Modified, order, ticks, 0, order.leaves);
    });
    return true;
  }

  massCancel(): boolean {
    return false;
  }

  /** Takes in some of what is on its way. */
  arrive(count: number): void {
    for (const request of this.#inbox.splice(0, count)) request();
  }

  fill(prng: Prng): void {
    const orders = [...this.open.values()];
    if (orders.length === 0) return;
    const order = orders[prng.below(orders.length)];
    const qty = prng.between(1, order.leaves);
    order.leaves -= qty;
    order.executed += qty;
    this.positions[order.book] += order.side * qty;
    this.cash[order.book] -= order.side * qty * order.ticks;
    if (order.leaves === 0) this.open.delete(order.id);
    this.#tell(ResponseType.Filled, order, order.ticks, qty, order.leaves);
  }

  /** The connection broke: what was on its way is lost, what is open is cancelled. */
  disconnect(prng: Prng): void {
    this.arrive(prng.below(this.#inbox.length + 1));
    this.#inbox = [];
    for (const order of this.open.values()) this.#cancel(order, ResponseType.Expired);
  }

  #cancel(order: OpenOrder, type: number): void {
    this.open.delete(order.id);
    this.#tell(type, order, order.ticks, type === ResponseType.Expired ? 0 : 0xffff_ffff, order.leaves);
  }

  #order(id: number): OpenOrder {
    const order = this.open.get(id);
    assert.ok(order);
    return order;
  }

  #tell(type: number, order: OpenOrder, ticks: number, exec: number, leaves: number): void {
    const bytes = new Uint8Array(ClientResponse.bytes);
    ClientResponse.encode(
      new DataView(bytes.buffer), 0, type, IDENTITY.client, INSTRUMENTS.tickers[order.book],
      order.id >>> 0, Math.floor(order.id / TWO_32), 1, 0, order.side, ticks, 0, exec, leaves,
    );
    this.log.push(bytes);
  }
}

/** One life of the trader. */
class Life {
  readonly journal: ClientJournal;
  readonly runner: StrategyRunner;

  constructor(disk: MemoryDisk, exchange: AccountExchange, snapshotRecords: number) {
    this.journal = ClientJournal.open(disk.mount(), IDENTITY, {
      snapshotRecords, segmentBytes: 4096,
    });
    const sink: OrderSink = {
      newOrder: (book, orderId, side, ticks, qty) => {
        if (orderId > this.journal.orderIdEnd) this.journal.reserve(orderId, 0);
        return exchange.newOrder(book, orderId, side, ticks, qty);
      },
      cancel: (book, orderId) => exchange.cancel(book, orderId),
      modify: (book, orderId, side, ticks, qty) => exchange.modify(book, orderId, side, ticks, qty),
      massCancel: () => false,
    };
    this.runner = new StrategyRunner({
      instruments: INSTRUMENTS, sink, strategy: null, firstOrderId: this.journal.nextOrderId,
      market: {
        bidTicks: PRICE_TICKS_NONE, bidQty: 0, askTicks: PRICE_TICKS_NONE, askQty: 0,
        readTop: () => {}, depthQty: () => 0,
      },
      limits: {
        ...RISK_LIMITS_DEFAULT, maxPosition: 2 ** 30, maxPositionTotal: 2 ** 30,
        maxLoss: LIMIT_NONE, maxPortfolioValue: LIMIT_NONE,
      },
    });
  }

  /** Log-in, and everything that the exchange has told since. */
  begin(exchange: AccountExchange): void {
    const { journal, runner } = this;
    // By the journal alone: what is told later could be trimmed there, or another session's.
    assert.ok(journal.nextOrderId > exchange.lastId, 'no order id is given out twice');
    if (journal.nextSequence > 0) assert.equal(journal.session, SESSION);
    journal.restore(runner);
    this.#check(exchange);
    runner.start(0);
    runner.onFresh(true, 0);
    for (const book of [0, 1]) runner.risk.setTop(book, 99, 101);
    const next = journal.nextSequence === 0 ? 1 : journal.nextSequence;
    assert.ok(next <= exchange.log.length + 1, 'the exchange is never behind its client');
    journal.onSession(SESSION, next, 0);
    this.hear(exchange, Infinity);
    runner.onConnected(true, 0);
    journal.poll(runner, 0);
  }

  /** What was restored is what the responses up to there say. */
  #check(exchange: AccountExchange): void {
    const known = exchange.log.slice(0, Math.max(0, this.journal.nextSequence - 1));
    const positions = [0, 0];
    for (const bytes of known) {
      const view = new DataView(bytes.buffer);
      if (ClientResponse.type(view, 0) !== ResponseType.Filled) continue;
      const book = INSTRUMENTS.bookOf(ClientResponse.ticker(view, 0));
      positions[book] += ClientResponse.side(view, 0) * ClientResponse.execQty(view, 0);
    }
    for (const book of [0, 1]) {
      assert.equal(this.runner.positions.position(book), positions[book], 'restored position');
    }
    this.runner.orders.checkInvariants();
  }

  /** Takes in up to `count` responses, each journaled first. */
  hear(exchange: AccountExchange, count: number): void {
    const { journal, runner } = this;
    for (let n = 0; n < count && journal.nextSequence <= exchange.log.length; n++) {
      const bytes = exchange.log[journal.nextSequence - 1];
      const view = new DataView(bytes.buffer);
      journal.onResponse(view, 0, journal.nextSequence, 0);
      tellResponse(view, 0, INSTRUMENTS, 0, {
        onResponse: (...response) => runner.onResponse(...response, runner.nowNs + 1),
      });
    }
  }

  /** Something that a trader does. */
  act(prng: Prng): void {
    const { orders, nowNs } = this.runner;
    const book = prng.below(2);
    const side = prng.chance(0.5) ? Side.Buy : Side.Sell;
    const ticks = prng.between(95, 105);
    const what = prng.below(4);
    if (what < 2) orders.send(book, side, ticks, prng.between(1, 20), Tif.Gtc, nowNs);
    else if (what === 2) orders.quote(book, side, ticks, prng.below(20), nowNs);
    else if (orders.liveOrders > 0) orders.cancel(orders.liveOrder(prng.below(orders.liveOrders)));
  }
}

/** What a run has been through. */
export interface ClientJournalRun {
  deaths: number;
  responses: number;
}

export function fuzzClientJournal(seed: number, steps: number): ClientJournalRun {
  const prng = new Prng(seed);
  const disk = new MemoryDisk(seed);
  const exchange = new AccountExchange();
  const snapshotRecords = prng.chance(0.5) ? prng.between(3, 60) : 300;
  const power = prng.chance(0.5);
  let deaths = 0;
  let life: Life | null = null;
  disk.faults.diesAt = nextDeath(disk, prng);
  for (let step = 0; step < steps; ) {
    try {
      if (life === null) {
        life = new Life(disk, exchange, snapshotRecords);
        life.begin(exchange);
      }
      step++;
      oneStep(life, exchange, prng);
    } catch (error) {
      if (!isDeath(error)) throw error;
      deaths++;
      life = null;
      if (power) disk.losePower();
      exchange.disconnect(prng);
      disk.faults.diesAt = nextDeath(disk, prng);
    }
  }
  disk.faults.diesAt = 0;
  if (life === null) disk.killProcess();
  end(life ?? restarted(disk, exchange, snapshotRecords), exchange, disk);
  return { deaths, responses: exchange.log.length };
}

/** Often amid the opening, which takes some operations a file, and often long after it. */
function nextDeath(disk: MemoryDisk, prng: Prng): number {
  return disk.operations + prng.between(1, 200 + 20 * disk.contents().size);
}

/** The writer wraps what its disk throws. */
function isDeath(error: unknown): boolean {
  return error instanceof DiedError || (error instanceof Error && error.cause instanceof DiedError);
}

function oneStep(life: Life, exchange: AccountExchange, prng: Prng): void {
  life.act(prng);
  if (prng.chance(0.7)) exchange.arrive(prng.below(4));
  if (prng.chance(0.5)) exchange.fill(prng);
  life.hear(exchange, prng.below(5));
  life.runner.poll(life.runner.nowNs + 1_000_000);
  life.journal.poll(life.runner, life.runner.nowNs);
}

function restarted(disk: MemoryDisk, exchange: AccountExchange, snapshotRecords: number): Life {
  const life = new Life(disk, exchange, snapshotRecords);
  life.begin(exchange);
  return life;
}

/** Everything arrives; then both sides agree, and so does a reader of what was closed in good order. */
function end(life: Life, exchange: AccountExchange, disk: MemoryDisk): void {
  const { runner, journal } = life;
  for (let turn = 0; turn < 50; turn++) {
    exchange.arrive(Infinity);
    life.hear(exchange, Infinity);
    runner.orders.cancelAll(-1);
    runner.poll(runner.nowNs + 1_000_000_000);
  }
  assert.equal(exchange.open.size, 0);
  assert.equal(runner.orders.liveOrders, 0, 'no order is stuck');
  const agree = (positions: StrategyRunner['positions']): void => {
    for (const book of [0, 1]) {
      assert.equal(positions.position(book), exchange.positions[book], 'position');
      assert.equal(positions.cash(book), exchange.cash[book], 'cash');
    }
  };
  agree(runner.positions);
  assert.equal(journal.nextSequence, exchange.log.length + 1);
  assert.ok(runner.orders.status(runner.orders.nextOrderId) === OrderStatus.None);
  journal.close(runner, 0);
  const again = new Life(disk, exchange, 1_000);
  assert.equal(again.journal.responses, 0, 'a clean end leaves nothing to take in again');
  again.journal.restore(again.runner);
  agree(again.runner.positions);
  assert.ok(again.journal.nextOrderId > runner.orders.nextOrderId - 1);
  assert.ok(again.journal.nextOrderId <= runner.orders.nextOrderId + ORDER_IDS + 1);
  again.journal.abandon();
  // Old snapshots and segments have gone: two snapshots and what lies behind the older one.
  assert.ok([...disk.contents().keys()].filter((name) => name.endsWith('.snapshot')).length <= 2);
}

if (import.meta.main) {
  const [seeds = 100, first = 1, steps = 2_000] = process.argv.slice(2).map(Number);
  let deaths = 0;
  for (let seed = first; seed < first + seeds; seed++) {
    try {
      deaths += fuzzClientJournal(seed, steps).deaths;
    } catch (error) {
      console.error(`seed ${seed}: node bin/node26.mjs src/trader/client_journal.fuzz.ts 1 ${seed} ${steps}`);
      throw error;
    }
  }
  console.log(`${seeds} seeds, ${deaths} deaths`);
}
