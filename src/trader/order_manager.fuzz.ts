// Random responses, sensible and not, to an order manager and its twin: the same state of every order,
// at every step, and nothing throws.
// By hand: node bin/node26.mjs src/trader/order_manager.fuzz.ts [seeds] [first seed] [steps]
import assert from 'node:assert/strict';
import { Prng } from '../base/prng.ts';
import { Reason, Tif } from '../book/types.ts';
import { BOOK_UNKNOWN, PRICE_TICKS_NONE, TraderInstruments, plainInstruments } from './instruments.ts';
import { ReferenceOrders, type Response } from './order_manager.reference.ts';
import { OrderManager, type OrderSink } from './order_manager.ts';
import { PositionKeeper } from './position_keeper.ts';
import { LIMIT_NONE, RISK_LIMITS_DEFAULT, RiskGate } from './risk.ts';

const BOOKS = 2;
const INSTRUMENTS = new TraderInstruments(plainInstruments([1, 2]));
const FIRST_ID = 1000;
const ORDERS_MAX = 12;
const NO_LIMITS = {
  ...RISK_LIMITS_DEFAULT, maxOrderQty: LIMIT_NONE, maxPosition: LIMIT_NONE, maxLoss: LIMIT_NONE, maxOpenOrders: LIMIT_NONE,
  maxPositionTotal: LIMIT_NONE, ordersPerSecond: LIMIT_NONE,
};
const ODD_QTY = [0, 2 ** 32 - 1, 2 ** 32 - 2, 2 ** 31];
const REASONS = [0, Reason.UnknownOrder, Reason.TooLate, Reason.Rate, Reason.State, 2 ** 32 - 1];
const TAKES_ALL: OrderSink = { newOrder: () => true, cancel: () => true, modify: () => true, massCancel: () => true };

export function fuzzStates(seed: number, steps: number, Manager = OrderManager): void {
  const prng = new Prng(seed);
  const positions = new PositionKeeper(INSTRUMENTS);
  const gate = new RiskGate(INSTRUMENTS, positions, NO_LIMITS);
  const manager = new Manager(INSTRUMENTS, gate, positions, TAKES_ALL, { ordersMax: ORDERS_MAX, firstOrderId: FIRST_ID });
  gate.onHalt = () => {}; // a kill is seen, and cancels nothing here
  const twin = new ReferenceOrders(BOOKS, FIRST_ID, ORDERS_MAX);
  for (let book = 0; book < BOOKS; book++) gate.setTop(book, 99, 101);
  let connected = true;
  try {
    for (let step = 0; step < steps; step++) {
      const dice = prng.below(100);
      if (dice < 30) request(prng, manager, twin);
      else if (dice < 98) respond(randomResponse(prng, twin), manager, twin);
      else if (connected) {
        connected = false;
        manager.onDisconnected();
        twin.broken();
      }
      if (!connected && prng.chance(0.2)) {
        connected = true;
        const complete = prng.chance(0.6);
        manager.onResumed(complete, step);
        twin.resumed(complete);
      }
      compare(manager, twin, positions);
      assert.equal(gate.killed, twin.killed, 'killed');
      gate.reset();
      twin.killed = false;
    }
  } catch (error) {
    const again = `node bin/node26.mjs src/trader/order_manager.fuzz.ts 1 ${seed} ${steps}`;
    throw new Error(`orders and their twin differ; again: ${again}`, { cause: error });
  }
}

function request(prng: Prng, manager: OrderManager, twin: ReferenceOrders): void {
  const ids = [...twin.orders.keys()];
  const id = ids.length === 0 ? 5 : ids[prng.below(ids.length)];
  const qty = prng.between(1, 20);
  const dice = prng.below(3);
  if (dice === 0) {
    const [book, side] = [prng.below(BOOKS), prng.chance(0.5) ? 1 : -1];
    const sent = manager.send(book, side, 100, qty, Tif.Gtc, 0);
    if (sent > 0) twin.sent(sent, book, side, 100, qty);
  } else if (dice === 1) {
    if (manager.modify(id, 101, qty, 0) === Reason.None) twin.modifying(id, 101, qty);
  } else if (manager.cancel(id)) {
    twin.cancelling(id);
  }
}

function randomResponse(prng: Prng, twin: ReferenceOrders): Response {
  const ids = [...twin.orders.keys()];
  const known = ids.length > 0 && prng.chance(0.85);
  const id = known
    ? ids[prng.below(ids.length)]
    : [0, prng.between(1, 20), prng.between(FIRST_ID, twin.nextId + 3), 2 ** 53][prng.below(4)];
  const order = twin.orders.get(id);
  const sane = prng.chance(0.9);
  const qty = sane ? prng.between(1, Math.max(1, Math.min(order?.leaves ?? 20, 2 ** 31))) : ODD_QTY[prng.below(ODD_QTY.length)];
  const type = sane ? prng.between(1, 7) : prng.below(9);
  return {
    type, id,
    book: prng.chance(0.97) ? order?.book ?? prng.below(BOOKS) : prng.between(BOOK_UNKNOWN, BOOKS),
    side: prng.chance(0.97) ? order?.side ?? (prng.chance(0.5) ? 1 : -1) : prng.between(-1, 1),
    price: prng.chance(0.97) ? prng.between(90, 110) : PRICE_TICKS_NONE,
    exec: type === 3 ? qty : REASONS[prng.below(REASONS.length)],
    leaves: prng.chance(0.5) ? order?.leaves ?? 3 : prng.below(20),
  };
}

function respond({ type, book, id, side, price, exec, leaves }: Response, manager: OrderManager, twin: ReferenceOrders): void {
  manager.onResponse(type, book, id, side, price, exec, leaves, 0);
  twin.response({ type, book, id, side, price, exec, leaves });
}

function compare(manager: OrderManager, twin: ReferenceOrders, positions: PositionKeeper): void {
  manager.checkInvariants();
  const { fills, lateFills, overfills, adopted, unexpected, malformed } = manager;
  assert.deepEqual({ fills, lateFills, overfills, adopted, unexpected, malformed }, twin.counts);
  assert.equal(manager.liveOrders, twin.orders.size);
  assert.equal(manager.nextOrderId, twin.nextId);
  for (const [id, order] of twin.orders) {
    const ours = `${manager.status(id)} ${manager.orderTicks(id)} ${manager.executed(id)} ${manager.leaves(id)} ${manager.reserved(id)}`;
    const theirs = `${twin.status(id)} ${order.price} ${order.executed} ${order.leaves} ${twin.reserved(id)}`;
    assert.equal(ours, theirs, `order ${id}: status, price, executed, leaves, reserved`);
  }
  for (let id = twin.nextId - 8; id < twin.nextId + 2; id++) assert.equal(manager.status(id), twin.status(id), `status of ${id}`);
  for (let book = 0; book < BOOKS; book++) assert.equal(positions.position(book), twin.positions[book], `position ${book}`);
}

if (import.meta.main) {
  const seeds = Number(process.argv[2] ?? 1000);
  const first = Number(process.argv[3] ?? 1);
  const steps = Number(process.argv[4] ?? 1000);
  for (let seed = first; seed < first + seeds; seed++) fuzzStates(seed, steps);
  console.log(`${seeds} runs of ${steps} steps agreed with their twin (seeds ${first} to ${first + seeds - 1})`);
}
