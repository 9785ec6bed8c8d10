import assert from 'node:assert/strict';
import { test } from 'node:test';
import { OrderType, QTY_NONE, Reason, Tif } from '../book/types.ts';
import { ResponseType } from '../wire/generated/native.ts';
import { BOOK_ALL, BOOK_UNKNOWN, PRICE_TICKS_NONE, TraderInstruments, plainInstruments } from './instruments.ts';
import { fuzzStates } from './order_manager.fuzz.ts';
import {
  ORDER_NONE, OrderManager, OrderStatus, type OrderListener, type OrderManagerOptions, type OrderSink, type OrderTerms,
} from './order_manager.ts';
import { PositionKeeper } from './position_keeper.ts';
import { LIMIT_NONE, RISK_LIMITS_DEFAULT, RiskGate, type RiskLimits } from './risk.ts';

const SEEDS = Number(process.env['ORDER_FUZZ_SEEDS'] ?? 150);

const BUY = 1;
const SELL = -1;
const { Accepted, Canceled, Filled, CancelRejected, Rejected, Modified, Expired } = ResponseType;
const { PendingNew, Live, PendingModify, PendingCancel, Done } = OrderStatus;
const STATUS = ['none', 'PendingNew', 'Live', 'PendingModify', 'PendingCancel', 'Done'];
const TWO = new TraderInstruments(plainInstruments([1, 2]));
const WIDE = { ...RISK_LIMITS_DEFAULT, maxOpenOrders: LIMIT_NONE };

/** A desk whose exchange is the test: what is sent is written down, what comes back is said by hand. */
class Desk implements OrderSink, OrderListener {
  readonly positions = new PositionKeeper(TWO);
  readonly gate: RiskGate;
  readonly orders: OrderManager;
  /** Requests as text: `new 1 buy 10 @ 100`. */
  sent: string[] = [];
  /** What the listener was told: `1 Live`, `fill 1 4 @ 100`. */
  told: string[] = [];
  /** Requests that the sink still takes. */
  room = Infinity;
  onRequest: (() => void) | null = null;
  nowNs = 1e9;

  constructor(limits: Partial<RiskLimits> = {}, options: OrderManagerOptions = {}) {
    this.gate = new RiskGate(TWO, this.positions, { ...WIDE, ...limits });
    this.orders = new OrderManager(TWO, this.gate, this.positions, this, options);
    this.orders.listener = this;
    for (const book of [0, 1]) this.gate.setTop(book, 99, 101);
  }

  newOrder(
    book: number, id: number, side: number, price: number, qty: number, tif: number, flags: number, terms: OrderTerms | null,
  ): boolean {
    const more = (tif === Tif.Gtc ? '' : ` tif ${tif}`) + (flags === 0 ? '' : ` flags ${flags}`);
    const kind = terms === null ? '' : ` type ${terms.orderType}`;
    return this.#take(`new ${id} ${side > 0 ? 'buy' : 'sell'} ${qty} @ ${price}${book === 0 ? '' : ` in ${book}`}${more}${kind}`);
  }

  cancel(_book: number, id: number): boolean {
    return this.#take(`cancel ${id}`);
  }

  modify(_book: number, id: number, _side: number, price: number, qty: number): boolean {
    return this.#take(`modify ${id} to ${qty} @ ${price}`);
  }

  massCancel(book: number): boolean {
    return this.#take(`mass cancel ${book}`);
  }

  #take(request: string): boolean {
    if (this.room <= 0) return false;
    this.room--;
    this.sent.push(request);
    this.onRequest?.();
    return true;
  }

  onFill(_book: number, id: number, _side: number, price: number, qty: number): void {
    this.told.push(`fill ${id} ${qty} @ ${price}`);
  }

  onStatus(_book: number, id: number, status: OrderStatus, reason: Reason): void {
    this.told.push(`${id} ${STATUS[status]}${reason === Reason.None ? '' : ` ${reason}`}`);
  }

  send(side: number, qty: number, price = 100, book = 0): number {
    return this.orders.send(book, side, price, qty, Tif.Gtc, this.nowNs);
  }

  quote(side: number, qty: number, price = 100): Reason {
    return this.orders.quote(0, side, price, qty, this.nowNs);
  }

  /** A response about an order of book 0. */
  say(type: ResponseType, id: number, exec = 0, leaves = 0, price = 100, side = BUY): void {
    this.orders.onResponse(type, 0, id, side, price, exec, leaves, this.nowNs);
    this.orders.checkInvariants();
  }

  /** Open quantity on the buy side, as the gate counts it. */
  get open(): number {
    return this.gate.openQty(0, BUY);
  }

  take(): string[] {
    return this.sent.splice(0);
  }
}

// ── states ───────────────────────────────────────────────────────────────────────────────────

/** A desk with one buy order of 10 @ 100, id 1, in a state. */
function orderIn(state: OrderStatus): Desk {
  const desk = new Desk();
  assert.equal(desk.send(BUY, 10), 1);
  if (state === PendingNew) return desk;
  if (state === PendingCancel) {
    desk.say(Accepted, 1, 0, 10);
    assert.equal(desk.orders.cancel(1), true);
    return desk;
  }
  desk.say(Accepted, 1, 0, 10);
  if (state === PendingModify) assert.equal(desk.orders.modify(1, 101, 12, desk.nowNs), Reason.None);
  if (state === Done) desk.say(Canceled, 1, QTY_NONE, 10);
  assert.equal(desk.orders.status(1), state);
  return desk;
}

const EVENTS: readonly (readonly [what: string, type: ResponseType, exec: number, leaves: number])[] = [
  ['accepted', Accepted, 0, 10], ['filled in part', Filled, 4, 6], ['filled', Filled, 10, 0], ['modified', Modified, 0, 12],
  ['reduced by the system', Modified, Reason.SelfTrade, 7], ['canceled', Canceled, QTY_NONE, 10], ['expired', Expired, 16, 10],
  ['canceled, 3 owed', Canceled, QTY_NONE, 7], ['rejected', Rejected, 16, 0], ['cancel rejected', CancelRejected, 15, 0],
];

/** Of each state: status and open quantity after each of the events; `!` = counted as unexpected. */
const TABLE: Readonly<Record<number, string>> = {
  [PendingNew]: 'Live 10 | Live 6 | Done 0 | Live 10! | Live 7 | Done 0 | Done 0 | PendingCancel 3 | Done 0 | PendingNew 10!',
  [Live]: 'Live 10! | Live 6 | Done 0 | Live 12! | Live 7 | Done 0 | Done 0 | PendingCancel 3 | Live 10! | Live 10!',
  [PendingModify]: 'PendingModify 12! | PendingModify 8 | PendingModify 2 | Live 12 | PendingModify 12 | Done 0 | Done 0'
    + ' | PendingCancel 3 | Live 10 | PendingModify 12!',
  [PendingCancel]: 'PendingCancel 10! | PendingCancel 6 | Done 0 | PendingCancel 12! | PendingCancel 7 | Done 0 | Done 0'
    + ' | PendingCancel 3 | PendingCancel 10! | Live 10',
  [Done]: 'Done 0! | Done 0 | Done 0 | Done 0! | Done 0! | Done 0! | Done 0! | Done 0! | Done 0 | Done 0',
};

for (const [state, row] of Object.entries(TABLE)) {
  test(`every response to an order that is ${STATUS[Number(state)]}`, () => {
    const cells = row.split(' | ');
    for (const [i, [what, type, exec, leaves]] of EVENTS.entries()) {
      const desk = orderIn(Number(state) as OrderStatus);
      desk.say(type, 1, exec, leaves);
      const after = `${STATUS[desk.orders.status(1)]} ${desk.open}${desk.orders.unexpected > 0 ? '!' : ''}`;
      // A modified without a modify takes the exchange's word for what is open.
      const expected = state === String(PendingNew) && what === 'modified' ? 'Live 12!' : cells[i];
      assert.equal(after, expected, what);
    }
  });
}

test('an order through its life: accepted, filled in parts, done; position and listener', () => {
  const desk = new Desk();
  assert.equal(desk.send(BUY, 10), 1);
  desk.say(Accepted, 1, 0, 10);
  desk.say(Filled, 1, 4, 6, 99);
  assert.deepEqual([desk.orders.leaves(1), desk.orders.executed(1), desk.open, desk.positions.position(0)], [6, 4, 6, 4]);
  desk.say(Filled, 1, 6, 0, 100);
  assert.deepEqual(desk.take(), ['new 1 buy 10 @ 100']);
  assert.deepEqual(desk.told, ['1 Live', 'fill 1 4 @ 99', 'fill 1 6 @ 100', '1 Done']);
  assert.deepEqual([desk.orders.liveOrders, desk.open, desk.positions.cash(0)], [0, 0, -996]);
  assert.equal(desk.orders.status(1), Done);
  assert.equal(desk.orders.status(2), OrderStatus.None);
});

test('orders are known by their id: a late fill of the first does not touch the second (known mistake 22)', () => {
  const desk = new Desk();
  desk.send(BUY, 10);
  desk.say(Accepted, 1, 0, 10);
  desk.orders.cancel(1);
  desk.say(Canceled, 1, QTY_NONE, 6); // 4 were executed before, and are told after
  desk.send(BUY, 10, 101);
  desk.say(Accepted, 2, 0, 10, 101);
  assert.deepEqual([desk.orders.status(1), desk.open], [PendingCancel, 14], 'what is owed stays reserved');
  desk.say(Filled, 1, 4, 6);
  assert.deepEqual([desk.orders.status(1), desk.orders.leaves(2), desk.open], [Done, 10, 10]);
  desk.say(Filled, 1, 2, 0);
  assert.deepEqual([desk.positions.position(0), desk.orders.leaves(2), desk.orders.lateFills], [6, 10, 1], 'even more: it moves the position');
});

test('a fill may come before the acceptance', () => {
  const desk = new Desk();
  desk.send(BUY, 10);
  desk.say(Filled, 1, 4, 6);
  assert.deepEqual([desk.orders.status(1), desk.orders.leaves(1)], [Live, 6]);
  desk.say(Accepted, 1, 0, 10);
  assert.deepEqual([desk.orders.status(1), desk.orders.leaves(1), desk.orders.unexpected], [Live, 6, 0]);
  assert.deepEqual(desk.told, ['fill 1 4 @ 100', '1 Live']);
});

test('more filled than was left moves the position by all of it', () => {
  const desk = orderIn(Live);
  desk.say(Filled, 1, 13, 0);
  assert.deepEqual([desk.positions.position(0), desk.open, desk.orders.overfills], [13, 0, 1]);
});

test('an immediate order: its rest expires', () => {
  const desk = new Desk();
  assert.equal(desk.orders.send(0, BUY, 100, 10, Tif.Ioc, 0), 1);
  assert.deepEqual(desk.take(), ['new 1 buy 10 @ 100 tif 3']);
  desk.say(Accepted, 1, 0, 10);
  desk.say(Filled, 1, 4, 6);
  desk.say(Expired, 1, Reason.CannotFill, 6);
  assert.deepEqual(desk.told.slice(-1), ['1 Done 18']);
  assert.equal(desk.open, 0);
});

test('responses that cannot be are counted and change nothing', () => {
  const desk = orderIn(Live);
  const odd: [type: number, book: number, id: number, side: number, price: number, exec: number, leaves: number][] = [
    [9, 0, 1, BUY, 100, 1, 1], [Filled, 0, 1, BUY, 100, 0, 10], [Filled, 0, 1, BUY, PRICE_TICKS_NONE, 1, 9],
    [Filled, BOOK_UNKNOWN, 77, BUY, 100, 1, 0], [Filled, 0, 77, 0, 100, 1, 0], [Filled, 0, 77, BUY, 100, QTY_NONE, 0],
    [Accepted, 0, 2 ** 53, BUY, 100, 0, 5], [Accepted, BOOK_UNKNOWN, 88, BUY, 100, 0, 5], [Accepted, 0, 88, 0, 100, 0, 5],
    [Modified, 0, 1, BUY, PRICE_TICKS_NONE, 0, 5],
  ];
  for (const [i, response] of odd.entries()) {
    desk.orders.onResponse(...response, 0);
    desk.orders.checkInvariants();
    assert.equal(desk.orders.malformed, i + 1, JSON.stringify(response));
  }
  assert.deepEqual([desk.positions.position(0), desk.open, desk.orders.liveOrders], [0, 10, 1]);
  // A fill that names another side than the order's: the exchange has traded it, so it counts, but not for the order.
  desk.say(Filled, 1, 2, 0, 100, SELL);
  assert.deepEqual([desk.positions.position(0), desk.open], [-2, 10]);
});

// ── requests ─────────────────────────────────────────────────────────────────────────────────

test('what risk refuses is not sent, and takes no id', () => {
  const desk = new Desk({ maxOrderQty: 10 });
  assert.equal(desk.send(BUY, 11), -Reason.OrderTooLarge);
  assert.equal(desk.orders.send(5, BUY, 100, 1, Tif.Gtc, 0), -Reason.UnknownTicker);
  assert.deepEqual([desk.take(), desk.orders.nextOrderId, desk.orders.refused], [[], 1, 2]);
  assert.equal(desk.send(BUY, 10), 1);
});

test('a sink without room is a return value: nothing is reserved, no id used, no rate counted', () => {
  const desk = new Desk({ ordersPerSecond: 2 });
  desk.room = 0;
  assert.equal(desk.send(BUY, 10), -Reason.Capacity);
  assert.deepEqual([desk.open, desk.orders.nextOrderId, desk.orders.liveOrders, desk.orders.sinkFull], [0, 1, 0, 1]);
  desk.room = 1;
  assert.equal(desk.send(BUY, 10), 1);
  desk.say(Accepted, 1, 0, 10);
  assert.equal(desk.orders.cancel(1), false);
  assert.equal(desk.orders.modify(1, 100, 5, desk.nowNs), Reason.Capacity);
  assert.deepEqual([desk.orders.status(1), desk.open], [Live, 10]);
  desk.room = 1;
  assert.equal(desk.orders.modify(1, 100, 5, desk.nowNs), Reason.None, 'the second within the second');
  assert.equal(desk.send(BUY, 1), -Reason.Rate);
});

test('a full table is a return value', () => {
  const desk = new Desk({}, { ordersMax: 2 });
  assert.deepEqual([desk.send(BUY, 1), desk.send(BUY, 1), desk.send(BUY, 1)], [1, 2, -Reason.Capacity]);
  desk.say(Rejected, 1, Reason.State);
  assert.equal(desk.send(BUY, 1), 3);
});

test('a modify carries the total with executions; until its answer the larger of old and new is reserved', () => {
  const desk = orderIn(Live);
  desk.take();
  desk.say(Filled, 1, 4, 6);
  assert.equal(desk.orders.modify(1, 101, 8, desk.nowNs), Reason.None);
  assert.deepEqual(desk.take(), ['modify 1 to 12 @ 101']);
  assert.equal(desk.open, 8);
  assert.equal(desk.orders.modify(1, 102, 9, desk.nowNs), Reason.State, 'one at a time');
  desk.say(Filled, 1, 5, 1); // crossed it
  assert.equal(desk.open, 3, '12 − 9');
  desk.say(Modified, 1, 0, 3, 101);
  assert.deepEqual([desk.orders.leaves(1), desk.orders.orderTicks(1), desk.open], [3, 101, 3]);
  assert.equal(desk.orders.modify(1, 101, 1, desk.nowNs), Reason.None);
  assert.equal(desk.open, 3, 'less is asked for, but may be refused');
  desk.say(Rejected, 1, Reason.State);
  assert.deepEqual([desk.open, desk.orders.leaves(1), desk.told.at(-1)], [3, 3, '1 Live 16']);
});

test('a modify that comes when more is executed than it wants ends the order', () => {
  const desk = orderIn(Live);
  assert.equal(desk.orders.modify(1, 100, 3, desk.nowNs), Reason.None);
  desk.say(Filled, 1, 4, 6);
  assert.equal(desk.open, 6);
  desk.say(Canceled, 1, QTY_NONE, 6);
  assert.deepEqual([desk.orders.status(1), desk.open, desk.positions.position(0)], [Done, 0, 4]);
});

test('filled to the last lot with a larger modify in flight: the answer decides', () => {
  for (const answer of [Modified, Rejected]) {
    const desk = orderIn(PendingModify); // 10 → 12
    desk.say(Filled, 1, 10, 0);
    assert.deepEqual([desk.orders.status(1), desk.open], [PendingModify, 2]);
    desk.say(answer, 1, answer === Rejected ? Reason.UnknownOrder : 0, answer === Rejected ? 0 : 2);
    assert.deepEqual([desk.orders.status(1), desk.open], answer === Modified ? [Live, 2] : [Done, 0]);
  }
});

test('a modify of what cannot be modified', () => {
  const desk = orderIn(PendingNew);
  assert.equal(desk.orders.modify(1, 100, 5, 0), Reason.State);
  assert.equal(desk.orders.modify(9, 100, 5, 0), Reason.UnknownOrder);
  desk.orders.cancel(1);
  assert.equal(desk.orders.modify(1, 100, 5, 0), Reason.TooLate);
  const full = orderIn(Live);
  full.say(Filled, 1, 4, 6);
  assert.equal(full.orders.modify(1, 100, QTY_NONE - 4, 0), Reason.Quantity, 'the total would not fit');
  assert.equal(full.orders.modify(1, 100, 500, full.nowNs), Reason.OrderTooLarge);
});

test('a cancel may follow a new order or a modify at once; asking twice sends one', () => {
  const desk = orderIn(PendingModify);
  desk.take();
  assert.deepEqual([desk.orders.cancel(1), desk.orders.cancel(1), desk.orders.cancel(9)], [true, true, false]);
  assert.deepEqual(desk.take(), ['cancel 1']);
  assert.deepEqual([desk.orders.status(1), desk.open], [PendingCancel, 12]);
  desk.say(Modified, 1, 0, 12, 101);
  assert.equal(desk.orders.status(1), PendingCancel);
  desk.say(Canceled, 1, QTY_NONE, 12);
  assert.deepEqual([desk.orders.status(1), desk.open], [Done, 0]);
  const fresh = orderIn(PendingNew);
  fresh.orders.cancel(1);
  fresh.say(Rejected, 1, Reason.State);
  fresh.say(CancelRejected, 1, Reason.UnknownOrder);
  assert.deepEqual([fresh.orders.status(1), fresh.orders.unexpected, fresh.told], [Done, 0, ['1 Done 16']]);
});

test('orders of other kinds: terms go to the sink; markets are judged at the touch, stops at their stop', () => {
  const terms = { orderType: OrderType.Market, flags: 0, stp: 0, displayQty: 0, minQty: 0, stopTicks: 0, owner: 1 } as OrderTerms;
  const desk = new Desk({ collarTicks: 5 });
  assert.equal(desk.orders.send(0, BUY, 0, 5, Tif.Ioc, desk.nowNs, terms), 1);
  assert.deepEqual(desk.take(), ['new 1 buy 5 @ 0 tif 3 type 1']);
  terms.orderType = OrderType.Stop;
  terms.stopTicks = 106;
  assert.equal(desk.orders.send(0, BUY, 0, 5, Tif.Gtc, desk.nowNs, terms), -Reason.Collar);
  terms.orderType = OrderType.Limit;
  terms.flags = 1;
  assert.equal(desk.orders.send(0, BUY, 100, 5, Tif.Gtc, desk.nowNs, terms), 2);
  assert.deepEqual(desk.take(), ['new 2 buy 5 @ 100 flags 1 type 2']);
  terms.orderType = OrderType.Market;
  desk.gate.setTop(0, 99, PRICE_TICKS_NONE);
  assert.equal(desk.orders.send(0, BUY, 0, 5, Tif.Ioc, desk.nowNs, terms), -Reason.StaleMarketData, 'nobody to judge it by');
  const free = new Desk();
  free.gate.setTop(0, 99, PRICE_TICKS_NONE);
  assert.equal(free.orders.send(0, BUY, 0, 5, Tif.Ioc, free.nowNs, terms), 1, 'no layer asks for a price');
});

// ── quotes ───────────────────────────────────────────────────────────────────────────────────

test('one quote a side: placed, moved by modify, withdrawn', () => {
  const desk = new Desk({}, { quoteFlags: 1 });
  assert.deepEqual([desk.quote(BUY, 10), desk.quote(SELL, 10, 102)], [Reason.None, Reason.None]);
  desk.say(Accepted, 1, 0, 10);
  desk.say(Accepted, 2, 0, 10, 102, SELL);
  assert.deepEqual([desk.orders.quoteId(0, BUY), desk.orders.quoteId(0, SELL)], [1, 2]);
  assert.deepEqual([desk.orders.quoteTicks(0, BUY), desk.orders.quoteQty(0, BUY)], [100, 10]);
  desk.quote(BUY, 10);
  assert.deepEqual(desk.take(), ['new 1 buy 10 @ 100 flags 1', 'new 2 sell 10 @ 102 flags 1'], 'it stands there already');
  desk.quote(BUY, 8, 99);
  assert.deepEqual([desk.orders.quoteTicks(0, BUY), desk.orders.quoteQty(0, BUY)], [99, 8]);
  desk.say(Modified, 1, 0, 8, 99);
  desk.say(Filled, 1, 3, 5, 99);
  desk.quote(BUY, 8, 99);
  desk.say(Modified, 1, 0, 8, 99);
  desk.quote(BUY, 0);
  assert.deepEqual([desk.orders.quoteTicks(0, BUY), desk.orders.quoteQty(0, BUY)], [PRICE_TICKS_NONE, 0]);
  desk.say(Canceled, 1, QTY_NONE, 8, 99);
  assert.deepEqual(desk.take(), ['modify 1 to 8 @ 99', 'modify 1 to 11 @ 99', 'cancel 1']);
  assert.equal(desk.orders.quoteId(0, BUY), ORDER_NONE);
});

test('while a request is unanswered the next quote is remembered, the latest wins', () => {
  const desk = new Desk();
  desk.quote(BUY, 10, 100);
  desk.quote(BUY, 10, 101);
  desk.quote(BUY, 9, 102);
  assert.deepEqual([desk.orders.quoteTicks(0, BUY), desk.orders.quoteQty(0, BUY)], [102, 9]);
  assert.deepEqual(desk.take(), ['new 1 buy 10 @ 100']);
  desk.say(Accepted, 1, 0, 10);
  assert.deepEqual(desk.take(), ['modify 1 to 9 @ 102']);
  desk.quote(BUY, 9, 103);
  desk.quote(BUY, 9, 102);
  desk.say(Modified, 1, 0, 9, 102);
  assert.deepEqual(desk.take(), [], 'it is where it is wanted');
});

test('withdrawing never waits, and a quote wanted after it waits for the answer', () => {
  const desk = new Desk();
  desk.quote(BUY, 10);
  desk.quote(BUY, 0);
  assert.deepEqual(desk.take(), ['new 1 buy 10 @ 100', 'cancel 1']);
  desk.quote(BUY, 5, 99);
  desk.quote(BUY, 5, 98);
  desk.say(Accepted, 1, 0, 10);
  assert.deepEqual(desk.take(), []);
  desk.say(Canceled, 1, QTY_NONE, 10);
  assert.deepEqual(desk.take(), ['new 2 buy 5 @ 98']);
});

test('moved by cancel and new: never two at once', () => {
  const desk = new Desk({}, { quoteBy: 'cancel' });
  desk.quote(BUY, 10);
  desk.say(Accepted, 1, 0, 10);
  desk.quote(BUY, 10, 101);
  desk.quote(BUY, 10, 102);
  assert.deepEqual(desk.take(), ['new 1 buy 10 @ 100', 'cancel 1']);
  desk.say(Filled, 1, 10, 0); // crossed the cancel
  assert.deepEqual(desk.take(), ['new 2 buy 10 @ 102']);
  desk.say(CancelRejected, 1, Reason.UnknownOrder);
  desk.say(Accepted, 2, 0, 10, 102);
  assert.deepEqual([desk.orders.quoteId(0, BUY), desk.orders.unexpected], [2, 0]);
});

test('a refused cancel is not chased: the next call of quote tries again', () => {
  const desk = new Desk({}, { quoteBy: 'cancel' });
  desk.quote(BUY, 10);
  desk.say(Accepted, 1, 0, 10);
  desk.quote(BUY, 10, 101);
  desk.say(CancelRejected, 1, Reason.Rate);
  assert.deepEqual(desk.take(), ['new 1 buy 10 @ 100', 'cancel 1']);
  assert.equal(desk.orders.quoteTicks(0, BUY), 100);
  desk.quote(BUY, 10, 101);
  assert.deepEqual(desk.take(), ['cancel 1']);
});

test('a rejected quote, an unsolicited cancel and a fill leave the side free', () => {
  const desk = new Desk();
  desk.quote(BUY, 10);
  desk.quote(BUY, 8, 99);
  desk.say(Rejected, 1, Reason.PostOnly);
  assert.deepEqual(desk.take(), ['new 1 buy 10 @ 100', 'new 2 buy 8 @ 99'], 'the newer one is tried');
  desk.say(Rejected, 2, Reason.PostOnly);
  assert.deepEqual(desk.take(), []);
  desk.quote(BUY, 5);
  desk.say(Accepted, 3, 0, 5);
  desk.say(Expired, 3, Reason.SelfTrade, 5);
  desk.quote(BUY, 6);
  desk.say(Accepted, 4, 0, 6);
  desk.say(Filled, 4, 6, 0);
  assert.deepEqual([desk.orders.quoteId(0, BUY), desk.take()], [ORDER_NONE, ['new 3 buy 5 @ 100', 'new 4 buy 6 @ 100']]);
});

test('a move that risk refuses withdraws the quote; the listener hears of one that was remembered', () => {
  const desk = new Desk({ maxOrderQty: 10 });
  desk.quote(BUY, 10);
  desk.say(Accepted, 1, 0, 10);
  assert.equal(desk.quote(BUY, 11, 101), Reason.OrderTooLarge);
  assert.deepEqual(desk.take(), ['new 1 buy 10 @ 100', 'cancel 1']);
  desk.say(Canceled, 1, QTY_NONE, 10);
  desk.quote(BUY, 10);
  desk.quote(BUY, 11, 101);
  desk.told = [];
  desk.say(Accepted, 2, 0, 10);
  assert.deepEqual(desk.take(), ['new 2 buy 10 @ 100', 'cancel 2']);
  assert.deepEqual(desk.told, ['2 Live', '0 Done 9']);
  assert.equal(desk.quote(BUY, -1), Reason.Quantity);
  assert.equal(desk.quote(BUY, 1, NaN), Reason.Price);
  assert.equal(desk.quote(0, 1), Reason.Side);
  assert.equal(desk.orders.quote(7, BUY, 100, 1, 0), Reason.UnknownTicker);
});

test('too fast, or no room: the quote is put off and poll sends it', () => {
  const desk = new Desk({ ordersPerSecond: 1 });
  desk.quote(BUY, 10);
  desk.say(Accepted, 1, 0, 10);
  assert.equal(desk.quote(BUY, 10, 101), Reason.Rate);
  assert.equal(desk.quote(SELL, 10, 103), Reason.Rate);
  desk.nowNs += 1e9;
  desk.room = 0;
  desk.take();
  desk.orders.poll(desk.nowNs);
  desk.room = Infinity;
  desk.orders.poll(desk.nowNs);
  assert.deepEqual(desk.take(), ['modify 1 to 10 @ 101']);
  desk.nowNs += 1e9;
  desk.orders.poll(desk.nowNs);
  assert.deepEqual(desk.take(), ['new 2 sell 10 @ 103']);
  assert.equal(desk.orders.poll(desk.nowNs), 0);
});

test('a withdrawal that finds no room is sent by poll, before any quote', () => {
  const desk = new Desk();
  desk.quote(BUY, 10);
  desk.say(Accepted, 1, 0, 10);
  desk.take();
  desk.room = 0;
  assert.equal(desk.quote(BUY, 0), Reason.None);
  assert.equal(desk.quote(SELL, 10, 102), Reason.Capacity);
  assert.equal(desk.orders.cancelsWaiting, 1);
  desk.room = 1;
  assert.equal(desk.orders.poll(desk.nowNs), 2);
  desk.room = 1;
  desk.orders.poll(desk.nowNs);
  assert.deepEqual(desk.take(), ['cancel 1', 'new 2 sell 10 @ 102']);
});

// ── everything at once ───────────────────────────────────────────────────────────────────────

test('cancel all: one message, one book or all, and quotes wanted there are forgotten', () => {
  const desk = new Desk();
  desk.send(BUY, 1, 100, 1);
  desk.quote(BUY, 10);
  desk.quote(BUY, 10, 101);
  desk.take();
  assert.equal(desk.orders.cancelAll(0), 1);
  desk.say(Accepted, 2, 0, 10);
  assert.deepEqual(desk.take(), ['mass cancel 0']);
  assert.equal(desk.orders.cancelAll(BOOK_ALL), 1, 'the other is on its way out already');
  assert.equal(desk.orders.cancelAll(BOOK_ALL), 0);
  assert.deepEqual(desk.take(), ['mass cancel -1']);
  desk.say(Canceled, 2, QTY_NONE, 10);
  assert.deepEqual([desk.orders.status(1), desk.orders.status(2), desk.take()], [PendingCancel, Done, []]);
});

test('a mass cancel without room, or refused, is sent one by one', () => {
  const desk = new Desk();
  for (let i = 0; i < 3; i++) desk.send(BUY, 1);
  desk.take();
  desk.room = 0;
  assert.equal(desk.orders.cancelAll(BOOK_ALL), 3);
  assert.equal(desk.orders.status(1), PendingCancel);
  desk.room = 2;
  assert.equal(desk.orders.poll(0), 2);
  desk.room = Infinity;
  assert.equal(desk.orders.poll(0), 1);
  assert.deepEqual(desk.take().toSorted(), ['cancel 1', 'cancel 2', 'cancel 3']);
  const refused = new Desk();
  refused.send(BUY, 1);
  refused.orders.cancelAll(0);
  refused.say(Rejected, ORDER_NONE, Reason.Rate);
  refused.orders.poll(0);
  assert.deepEqual(refused.take(), ['new 1 buy 1 @ 100', 'mass cancel 0', 'cancel 1']);
});

test('once wrong: being told of a lock-out was taken for a refused mass cancel, and each order was cancelled again', () => {
  const desk = new Desk();
  desk.send(BUY, 1);
  desk.say(Accepted, 1);
  desk.orders.cancelAll(BOOK_ALL);
  assert.deepEqual(desk.take(), ['new 1 buy 1 @ 100', 'mass cancel -1']);
  // The operator's kill crosses it: its own message names no order, the orders' ends follow.
  desk.orders.onResponse(Rejected, BOOK_UNKNOWN, ORDER_NONE, 0, PRICE_TICKS_NONE, Reason.Killed, 0, desk.nowNs);
  desk.orders.poll(desk.nowNs);
  assert.deepEqual(desk.take(), []);
  assert.equal(desk.orders.status(1), PendingCancel);
  desk.say(Expired, 1, Reason.Killed, 1);
  assert.equal(desk.orders.status(1), Done);
  assert.equal(desk.orders.unexpected, 0);
});

test('kill and stop loss cancel everything', () => {
  const desk = new Desk({ stopLoss: 100 });
  desk.send(BUY, 10, 110);
  desk.say(Accepted, 1, 0, 10, 110);
  desk.quote(SELL, 5, 112);
  desk.take();
  desk.say(Filled, 1, 9, 1, 112);
  assert.deepEqual(desk.take(), ['mass cancel -1'], '9 × 12 lost');
  assert.deepEqual([desk.orders.status(1), desk.orders.status(2)], [PendingCancel, PendingCancel]);
  assert.equal(desk.send(BUY, 1), -Reason.Loss);
  assert.equal(desk.send(SELL, 4), 3, 'closing passes: 9, of which 5 are quoted');
  desk.gate.kill();
  assert.deepEqual(desk.take(), ['new 3 sell 4 @ 100', 'mass cancel -1']);
  assert.equal(desk.send(SELL, 1), -Reason.Killed);
});

test('once wrong: the stop loss hits inside a fill, and the exchange answers the mass cancel at once', () => {
  const desk = new Desk({ stopLoss: 100 });
  desk.send(BUY, 10, 110);
  desk.send(BUY, 10, 110);
  for (const id of [1, 2]) desk.say(Accepted, id, 0, 10, 110);
  desk.onRequest = () => {
    desk.onRequest = null;
    desk.orders.onResponse(Canceled, 0, 1, BUY, 110, QTY_NONE, 1, 0);
    desk.orders.onResponse(Canceled, 0, 2, BUY, 110, QTY_NONE, 10, 0);
  };
  desk.told = [];
  desk.say(Filled, 1, 9, 1, 112);
  assert.deepEqual(desk.told, ['1 Done', '2 Done', 'fill 1 9 @ 112']);
  assert.deepEqual([desk.orders.liveOrders, desk.open, desk.positions.position(0)], [0, 0, 9]);
});

test('once wrong: the listener ends the order from inside its fill, and it was told of its state after the end', () => {
  const desk = new Desk();
  desk.send(BUY, 10);
  const told: string[] = [];
  desk.orders.listener = {
    onFill: (_book, id) => {
      told.push(`fill ${id}`);
      if (desk.orders.cancel(id)) desk.orders.onResponse(Canceled, 0, id, BUY, 100, QTY_NONE, 6, 0);
    },
    onStatus: (_book, id, status) => told.push(`${id} ${STATUS[status]}`),
  };
  desk.say(Filled, 1, 4, 6); // before its acceptance
  assert.deepEqual(told, ['fill 1', '1 Done']);
});

// ── the connection ───────────────────────────────────────────────────────────────────────────

test('while the connection is broken nothing is sent; a cancel of all waits for it', () => {
  const desk = orderIn(Live);
  desk.take();
  desk.orders.onDisconnected();
  assert.equal(desk.orders.connected, false);
  assert.equal(desk.send(BUY, 1), -Reason.NotLoggedIn);
  assert.equal(desk.quote(BUY, 1), Reason.NotLoggedIn);
  assert.equal(desk.orders.modify(1, 100, 5, desk.nowNs), Reason.NotLoggedIn);
  assert.equal(desk.orders.cancel(1), false);
  assert.equal(desk.orders.cancelAll(BOOK_ALL), 1);
  assert.deepEqual([desk.take(), desk.orders.poll(0)], [[], 0]);
  desk.orders.onResumed(true, 0);
  assert.deepEqual(desk.take(), ['cancel 1']);
});

test('a resume without a gap: what had no answer is cancelled, and the answer tells its fate', () => {
  const desk = new Desk();
  for (let i = 0; i < 5; i++) desk.send(BUY, 10); // 1: untouched 2: cancelled 3: modified 4: new, arrives 5: new, lost
  for (const id of [1, 2, 3]) desk.say(Accepted, id, 0, 10);
  desk.orders.cancel(2);
  desk.orders.modify(3, 101, 15, desk.nowNs);
  assert.equal(desk.open, 55);
  desk.orders.onDisconnected();
  assert.equal(desk.open, 55, 'nobody knows what has arrived');
  desk.take();
  desk.orders.onResumed(true, 0);
  assert.deepEqual(desk.take().toSorted(), ['cancel 2', 'cancel 3', 'cancel 4', 'cancel 5'], 'order 1 stands as it did');
  // The log goes on: the cancel of 2 had arrived, the modify of 3 not, 4 was accepted and traded.
  desk.say(Canceled, 2, QTY_NONE, 10);
  desk.say(Accepted, 4, 0, 10);
  desk.say(Filled, 4, 3, 7);
  assert.equal(desk.open, 10 + 15 + 7 + 10);
  // And now the answers to the cancels above, behind all of it.
  desk.say(CancelRejected, 2, Reason.UnknownOrder);
  desk.say(Canceled, 3, QTY_NONE, 10);
  desk.say(Canceled, 4, QTY_NONE, 7);
  desk.say(CancelRejected, 5, Reason.UnknownOrder);
  assert.deepEqual([1, 2, 3, 4, 5].map((id) => desk.orders.status(id)), [Live, Done, Done, Done, Done]);
  assert.deepEqual([desk.open, desk.positions.position(0), desk.orders.unexpected], [10, 3, 0]);
});

test('a cancel after a resume that is refused for another reason is sent again', () => {
  const desk = orderIn(PendingNew);
  desk.orders.onDisconnected();
  desk.orders.onResumed(true, 0);
  desk.take();
  desk.say(CancelRejected, 1, Reason.Rate);
  assert.deepEqual([desk.orders.status(1), desk.open], [PendingCancel, 10]);
  desk.orders.poll(0);
  assert.deepEqual(desk.take(), ['cancel 1']);
});

test('a resume with a gap: what was executed is not known, stays reserved, and is settled by hand', () => {
  const desk = new Desk();
  for (let i = 0; i < 3; i++) desk.send(BUY, 10);
  for (const id of [1, 2, 3]) desk.say(Accepted, id, 0, 10);
  desk.orders.onDisconnected();
  desk.take();
  desk.orders.onResumed(false, 0);
  assert.deepEqual([desk.take().toSorted(), desk.orders.unknownOrders], [['cancel 1', 'cancel 2', 'cancel 3'], 3]);
  assert.equal(desk.orders.settle(9, 0, PRICE_TICKS_NONE), false);
  desk.say(Canceled, 1, QTY_NONE, 10); // its whole rest: nothing had been executed
  desk.say(Canceled, 2, QTY_NONE, 4); // 6 were
  desk.say(CancelRejected, 3, QTY_NONE); // gone: all, a part, or nothing was executed (the C++ book's none as the reason)
  assert.deepEqual([1, 2, 3].map((id) => desk.orders.status(id)), [Done, PendingCancel, PendingCancel]);
  assert.deepEqual([desk.open, desk.orders.unknownOrders], [16, 2]);
  assert.equal(desk.orders.settle(2, 6, 100), true);
  assert.equal(desk.orders.settle(3, 0, PRICE_TICKS_NONE), true);
  assert.deepEqual([desk.open, desk.positions.position(0), desk.orders.unknownOrders, desk.orders.liveOrders], [0, 6, 0, 0]);
  assert.deepEqual(desk.told.slice(-3), ['fill 2 6 @ 100', '2 Done', '3 Done']);
  const live = orderIn(Live);
  assert.equal(live.orders.settle(1, 0, PRICE_TICKS_NONE), false, 'only orders of unknown fate');
});

test('once wrong: after a gap, what the system took from an order hid fills that nobody had told', () => {
  const desk = orderIn(Live);
  desk.orders.onDisconnected();
  desk.orders.onResumed(false, 0); // 3 were executed meanwhile
  desk.say(Modified, 1, Reason.SelfTrade, 5); // and 2 taken away
  assert.equal(desk.open, 10);
  desk.say(Canceled, 1, QTY_NONE, 5);
  assert.deepEqual([desk.open, desk.orders.status(1)], [5, PendingCancel], '3 of the 5 are position');
});

test('the side of a quote is free again when its cancel after a gap finds nothing', () => {
  const desk = new Desk();
  desk.quote(BUY, 10);
  desk.say(Accepted, 1, 0, 10);
  desk.orders.onDisconnected();
  desk.orders.onResumed(false, 0);
  desk.take();
  desk.quote(BUY, 5);
  assert.deepEqual(desk.take(), [], 'not before');
  desk.say(CancelRejected, 1, Reason.UnknownOrder);
  desk.quote(BUY, 5);
  assert.deepEqual([desk.take(), desk.open], [['new 2 buy 5 @ 100'], 15]);
});

// ── after a restart ──────────────────────────────────────────────────────────────────────────

test('orders of an earlier run are adopted when the exchange speaks of them, and their fills count', () => {
  const desk = new Desk({}, { firstOrderId: 100 });
  desk.say(Accepted, 7, 0, 10);
  desk.say(Filled, 7, 4, 6);
  desk.say(Modified, 8, 0, 5, 101);
  desk.say(Filled, 9, 2, 3, 99);
  assert.deepEqual([7, 8, 9].map((id) => desk.orders.leaves(id)), [6, 5, 3]);
  assert.deepEqual([desk.open, desk.positions.position(0), desk.orders.adopted], [14, 6, 3]);
  desk.say(Filled, 10, 1, 0);
  assert.deepEqual([desk.orders.liveOrders, desk.positions.position(0)], [3, 7], 'one that is done is not adopted');
  assert.equal(desk.orders.cancel(8), true);
  desk.say(Canceled, 8, QTY_NONE, 5);
  assert.deepEqual([desk.orders.status(8), desk.open, desk.send(BUY, 1)], [Done, 9, 100]);
  desk.say(Accepted, 200, 0, 1);
  assert.equal(desk.send(BUY, 1), 201, 'ids stay above all that were ever seen');
});

test('an order that cannot be adopted stops everything', () => {
  const desk = new Desk({}, { firstOrderId: 100, ordersMax: 1 });
  desk.say(Accepted, 7, 0, 10);
  assert.equal(desk.gate.killed, false);
  desk.say(Accepted, 8, 0, 10);
  assert.equal(desk.gate.killed, true);
});

test('orders are restored from the client’s own journal', () => {
  const desk = new Desk({}, { firstOrderId: 100 });
  desk.orders.restore(42, 0, BUY, 100, 3, 7);
  assert.deepEqual([desk.orders.status(42), desk.orders.executed(42), desk.orders.leaves(42), desk.open], [Live, 3, 7, 7]);
  assert.deepEqual([desk.orders.orderBook(42), desk.orders.orderSide(42), desk.orders.orderTicks(42)], [0, BUY, 100]);
  desk.say(Filled, 42, 7, 0);
  assert.deepEqual([desk.orders.status(42), desk.open], [Done, 0]);
  assert.deepEqual([desk.orders.orderBook(42), desk.orders.orderSide(42), desk.orders.orderTicks(42)], [BOOK_UNKNOWN, 0, PRICE_TICKS_NONE]);
});

test('a restored order that the exchange does not know has ended, once the stream has gone on', () => {
  const desk = new Desk({}, { firstOrderId: 100 });
  desk.orders.restore(42, 0, BUY, 100, 3, 7);
  desk.orders.onDisconnected();
  desk.orders.onResumed(true, 0);
  assert.equal(desk.orders.status(42), OrderStatus.PendingCancel, 'it is asked after');
  desk.say(ResponseType.CancelRejected, 42, Reason.UnknownOrder, QTY_NONE);
  assert.deepEqual([desk.orders.status(42), desk.open, desk.orders.liveOrders], [Done, 0, 0]);
  desk.orders.checkInvariants();
});

test('ids: the first one is a positive whole number', () => {
  for (const firstOrderId of [0, 1.5, 2 ** 53]) {
    assert.throws(() => new Desk({}, { firstOrderId }), /first order id: expected a whole number 1 … 9007199254740991, was/);
  }
});

// ── against the twin ─────────────────────────────────────────────────────────────────────────

test('random responses, sensible and not: every state as the twin says, and nothing throws', () => {
  for (let seed = 1; seed <= SEEDS; seed++) fuzzStates(seed, 600);
});

class ForgetsExecutions extends OrderManager {
  override modify(orderId: number, priceTicks: number, qty: number, nowNs: number): Reason {
    return super.modify(orderId, priceTicks, Math.max(1, qty - this.executed(orderId)), nowNs);
  }
}

class AdoptsNothing extends OrderManager {
  override onResponse(...response: Parameters<OrderManager['onResponse']>): void {
    const [type, , id] = response;
    if (type === Accepted && this.status(id) !== PendingNew) return;
    super.onResponse(...response);
  }
}

class EndsAtRejects extends OrderManager {
  override onResponse(...response: Parameters<OrderManager['onResponse']>): void {
    const [type, book, id, side, price, exec, , nowNs] = response;
    if (type !== Rejected || this.status(id) !== PendingModify) return super.onResponse(...response);
    super.onResponse(Expired, book, id, side, price, exec, QTY_NONE, nowNs);
  }
}

for (const [what, Manager] of [
  ['a modify’s total without executions', ForgetsExecutions],
  ['orders of an earlier run ignored', AdoptsNothing],
  ['a refused modify ends the order', EndsAtRejects],
] as const) {
  test(`the twin finds it when planted: ${what}`, () => {
    assert.throws(() => {
      for (let seed = 1; seed <= 50; seed++) fuzzStates(seed, 600, Manager);
    }, /orders and their twin differ/);
  });
}
