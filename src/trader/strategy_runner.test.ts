// The runner with a venue written out: what the market says and how requests are answered stands in
// each test.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Reason, Side, Tif } from '../book/types.ts';
import { ResponseType } from '../wire/generated/native.ts';
import { plainInstruments, PRICE_TICKS_NONE, TraderInstruments } from './instruments.ts';
import { ORDER_NONE, OrderStatus } from './order_manager.ts';
import { LIMIT_NONE, RISK_LIMITS_DEFAULT } from './risk.ts';
import { LocalLedger } from './exposure_ledger.ts';
import { RunnerState, StrategyRunner } from './strategy_runner.ts';
import type { OrderSink } from './order_manager.ts';
import type { RiskLimits } from './risk.ts';
import type { Desk, Strategy } from './strategies/strategy.ts';
import type { MarketTop, StrategyRunnerOptions } from './strategy_runner.ts';

const MS = 1_000_000;

/** Tops that a test sets, requests as lines of text. */
class Venue implements MarketTop, OrderSink {
  bidTicks = PRICE_TICKS_NONE;
  bidQty = 0;
  askTicks = PRICE_TICKS_NONE;
  askQty = 0;
  readonly tops: [bid: number, bidQty: number, ask: number, askQty: number][] = [];
  requests: string[] = [];
  full = false;
  /** Called from inside of each new order. */
  answer: ((orderId: number) => void) | null = null;

  readTop(book: number): void {
    [this.bidTicks, this.bidQty, this.askTicks, this.askQty] =
      this.tops[book] ?? [PRICE_TICKS_NONE, 0, PRICE_TICKS_NONE, 0];
  }

  depthQty(book: number, side: number, toPriceTicks: number): number {
    const [bid, bidQty, ask, askQty] = this.tops[book];
    if (side > 0) return ask <= toPriceTicks ? askQty : 0;
    return bid >= toPriceTicks ? bidQty : 0;
  }

  newOrder(
    book: number, orderId: number, side: number, priceTicks: number, qty: number, tif: number,
  ): boolean {
    if (this.full) return false;
    this.#say(`new ${orderId} book ${book} ${side > 0 ? 'buy' : 'sell'} ${qty} @ ${priceTicks}` +
      (tif === Tif.Ioc ? ' ioc' : ''));
    this.answer?.(orderId);
    return true;
  }

  cancel(_book: number, orderId: number): boolean {
    return !this.full && this.#say(`cancel ${orderId}`);
  }

  modify(_book: number, orderId: number, _side: number, priceTicks: number, qty: number): boolean {
    return !this.full && this.#say(`modify ${orderId} to ${qty} @ ${priceTicks}`);
  }

  massCancel(book: number): boolean {
    return !this.full && this.#say(`cancel all of ${book}`);
  }

  #say(line: string): true {
    this.requests.push(line);
    return true;
  }

  /** What was said since the last look. */
  take(): string[] {
    return this.requests.splice(0);
  }
}

/** Writes down its calls and does what the test says. */
class Scripted implements Strategy {
  readonly name = 'scripted';
  calls: string[] = [];
  act: (desk: Desk, book: number) => void = () => {};
  onFillDo: (desk: Desk) => void = () => {};
  #depth = 0;

  onStart(): void {
    this.calls.push('start');
  }

  onMarketData(book: number, desk: Desk): void {
    this.#call(`data ${book} mid2 ${desk.features.mid2(book)}`, () => this.act(desk, book));
  }

  onTrade(book: number, side: number, priceTicks: number, qty: number): void {
    this.#call(`trade ${book} ${side} ${qty} @ ${priceTicks}`, () => {});
  }

  onFill(
    book: number, orderId: number, side: number, ticks: number, qty: number, desk: Desk,
  ): void {
    const position = desk.positions.position(book);
    this.#call(`fill ${orderId} ${side} ${qty} @ ${ticks}, position ${position}`, () => {
      this.onFillDo(desk);
    });
  }

  onOrder(_book: number, orderId: number, status: OrderStatus, reason: Reason): void {
    this.#call(`order ${orderId} status ${status} reason ${reason}`, () => {});
  }

  onTimer(desk: Desk): void {
    this.#call(`timer at ${desk.nowNs / MS} ms`, () => {});
  }

  onStop(): void {
    this.calls.push('stop');
  }

  take(): string[] {
    return this.calls.splice(0);
  }

  #call(line: string, body: () => void): void {
    assert.equal(this.#depth, 0, `nested: ${line}`);
    this.#depth++;
    this.calls.push(line);
    body();
    this.#depth--;
  }
}

interface Rig {
  venue: Venue;
  strategy: Scripted;
  runner: StrategyRunner;
  /** An update of book 0 with this top, a microsecond later. */
  update: (bid: number, ask: number) => void;
  respond: (
    type: number, orderId: number, side: number, ticks: number, exec: number, leaves: number,
  ) => void;
}

function rig(
  options: Partial<Omit<StrategyRunnerOptions, 'limits'>> & { limits?: Partial<RiskLimits> } = {},
): Rig {
  const venue = new Venue();
  const strategy = new Scripted();
  const { limits, ...others } = options;
  const runner = new StrategyRunner({
    instruments: new TraderInstruments(plainInstruments([1, 2])), market: venue, sink: venue,
    strategy, limits: { ...RISK_LIMITS_DEFAULT, ...limits }, ...others,
  });
  const later = (): number => runner.nowNs + 1_000;
  return {
    venue, strategy, runner,
    update: (bid, ask) => {
      venue.tops[0] = [bid, 10, ask, 10];
      runner.onUpdate(0, later());
    },
    respond: (type, orderId, side, ticks, exec, leaves) =>
      runner.onResponse(type, 0, orderId, side, ticks, exec, leaves, later()),
  };
}

/** Started, with fresh books and a session; what that caused has been taken. */
function trading(options: Parameters<typeof rig>[0] = {}): Rig {
  const made = rig(options);
  made.venue.tops[0] = [100, 10, 102, 10];
  made.venue.tops[1] = [200, 10, 202, 10];
  made.runner.start(0);
  made.runner.onFresh(true, 0);
  made.runner.onConnected(true, 0);
  made.strategy.take();
  made.venue.take();
  return made;
}

const buy = (desk: Desk): number => desk.order(0, Side.Buy, 100, 10, Tif.Gtc);

test('an order needs a start, fresh books and a session, and is refused by name without', () => {
  const { runner, strategy, venue } = rig();
  venue.tops[0] = [100, 10, 102, 10];
  assert.equal(runner.order(0, Side.Buy, 100, 10, Tif.Gtc), -Reason.State);
  runner.start(0);
  assert.deepEqual(strategy.take(), ['start']);
  assert.equal(runner.quote(0, Side.Buy, 100, 10), Reason.StaleMarketData);
  runner.onFresh(true, 1);
  assert.equal(runner.quote(0, Side.Buy, 100, 10), Reason.NotLoggedIn);
  assert.equal(runner.trading, false);
  assert.deepEqual(strategy.take(), [], 'the strategy is not asked before it can act');
  runner.onConnected(true, 2);
  assert.ok(runner.trading);
  assert.deepEqual(
    strategy.take(), [`data 0 mid2 202`, `data 1 mid2 ${2 * PRICE_TICKS_NONE}`],
    'then on every book',
  );
  assert.equal(runner.order(0, Side.Buy, 100, 10, Tif.Gtc), 1);
  runner.risk.kill();
  assert.equal(runner.order(0, Side.Buy, 100, 10, Tif.Gtc), -Reason.Killed);
  assert.deepEqual(
    [Reason.State, Reason.StaleMarketData, Reason.NotLoggedIn, Reason.Killed].map(
      (reason) => runner.refused[reason],
    ),
    [1, 1, 1, 1],
  );
});

test('the strategy is called after each update, with features and mark up to date', () => {
  const { runner, strategy, update, respond, venue } = trading();
  strategy.act = (desk) => {
    if (desk.quoteQty(0, Side.Buy) === 0) desk.quote(0, Side.Buy, 100, 10);
  };
  update(100, 104);
  assert.deepEqual(strategy.take(), ['data 0 mid2 204']);
  assert.deepEqual(venue.take(), ['new 1 book 0 buy 10 @ 100']);
  respond(ResponseType.Accepted, 1, Side.Buy, 100, 0, 10);
  respond(ResponseType.Filled, 1, Side.Buy, 100, 4, 6);
  assert.deepEqual(
    strategy.take(), ['order 1 status 2 reason 0', 'fill 1 1 4 @ 100, position 4'],
  );
  update(110, 112);
  assert.equal(runner.positions.unrealised2(0), 4 * (222 - 200));
  runner.onTrade(0, Side.Sell, 110, 3, runner.nowNs);
  assert.deepEqual(strategy.take(), ['data 0 mid2 222', 'trade 0 -1 3 @ 110']);
  assert.equal(runner.depthQty(0, Side.Buy, 112), 10);
});

test('a book that is emptied has no features, and its average begins anew', () => {
  const { runner, update } = trading();
  for (let i = 0; i < 20; i++) update(100, 102);
  runner.onClear(0, runner.nowNs);
  assert.equal(runner.features.known(0), false);
  update(500, 502);
  assert.equal(runner.features.fairTicks(0), 501, 'nothing of the old average is left');
});

// The embedded venue and the backtest answer inside of `newOrder`. A strategy that was called back
// from there saw its own order before `order` had told it the id.
test('answers from inside of a request come after the call that sent it, in order', () => {
  const { runner, strategy, update, venue } = trading();
  venue.answer = (orderId) => {
    const { nowNs } = runner;
    runner.onResponse(ResponseType.Accepted, 0, orderId, Side.Buy, 100, 0, 10, nowNs);
    runner.onResponse(ResponseType.Filled, 0, orderId, Side.Buy, 100, 10, 0, nowNs);
  };
  let sent = 0;
  strategy.act = (desk) => {
    strategy.calls.push(`sent ${buy(desk)}, position ${desk.positions.position(0)}`);
    sent++;
  };
  strategy.onFillDo = (desk) => {
    if (sent++ < 3) strategy.calls.push(`sent ${buy(desk)} on a fill`);
  };
  update(100, 102);
  assert.deepEqual(strategy.take(), [
    'data 0 mid2 202', 'sent 1, position 0',
    'order 1 status 2 reason 0', 'fill 1 1 10 @ 100, position 10', 'sent 2 on a fill',
    'order 1 status 5 reason 0',
    'order 2 status 2 reason 0', 'fill 2 1 10 @ 100, position 20', 'sent 3 on a fill',
    'order 2 status 5 reason 0',
    'order 3 status 2 reason 0', 'fill 3 1 10 @ 100, position 30', 'order 3 status 5 reason 0',
  ]);
});

test('a strategy that answers each of its fills with another order is a failed one', () => {
  const { runner, strategy, update, venue } = trading({
    limits: {
      maxPosition: 2 ** 30, maxPositionTotal: 2 ** 30, maxPortfolioValue: LIMIT_NONE,
      ordersPerSecond: 1_000_000, maxLoss: 2 ** 40,
    },
  });
  venue.answer = (orderId) => {
    runner.onResponse(ResponseType.Filled, 0, orderId, Side.Buy, 100, 10, 0, runner.nowNs);
  };
  strategy.act = buy;
  strategy.onFillDo = buy;
  update(100, 102);
  assert.match(String(runner.fault), /answers its own orders without end/);
  assert.equal(runner.state, RunnerState.Paused);
  assert.equal(runner.positions.position(0), 10 * runner.decisions, 'no fill was left behind');
});

test('events inside of an event are a mistake of the caller', () => {
  const { runner, strategy, update } = trading();
  strategy.act = () => {
    assert.throws(() => runner.onUpdate(0, 1), /one after the other/);
  };
  update(100, 102);
  assert.equal(strategy.take().length, 1);
});

test('pause cancels everything and refuses; fills are still told; resume asks again', () => {
  const { runner, strategy, update, respond, venue } = trading();
  strategy.act = (desk) => {
    desk.quote(0, Side.Buy, 100, 10);
  };
  update(100, 102);
  respond(ResponseType.Accepted, 1, Side.Buy, 100, 0, 10);
  venue.take();
  strategy.take();
  runner.pause(runner.nowNs);
  assert.deepEqual(venue.take(), ['cancel all of -1']);
  assert.equal(runner.order(0, Side.Buy, 100, 10, Tif.Gtc), -Reason.State);
  respond(ResponseType.Filled, 1, Side.Buy, 100, 4, 6);
  update(90, 92);
  respond(ResponseType.Canceled, 1, Side.Buy, 100, 0xffff_ffff, 6);
  assert.deepEqual(
    strategy.take(), ['fill 1 1 4 @ 100, position 4', 'order 1 status 5 reason 0'],
    'no market data while paused',
  );
  assert.deepEqual(venue.take(), []);
  runner.resume(runner.nowNs);
  assert.deepEqual(strategy.take(), ['data 0 mid2 182', 'data 1 mid2 402']);
  assert.deepEqual(venue.take(), ['new 2 book 0 buy 10 @ 100']);
});

test('what a full session did not take is cancelled as soon as it does', () => {
  const { runner, strategy, update, respond, venue } = trading();
  strategy.act = buy;
  update(100, 102);
  respond(ResponseType.Accepted, 1, Side.Buy, 100, 0, 10);
  venue.take();
  venue.full = true;
  runner.pause(runner.nowNs);
  runner.poll(runner.nowNs);
  assert.deepEqual(venue.take(), []);
  venue.full = false;
  runner.poll(runner.nowNs);
  assert.deepEqual(venue.take(), ['cancel 1']);
});

test('stale books cancel everything, unless they are not to; fresh ones are looked at whole', () => {
  for (const cancelWhenStale of [true, false]) {
    const { runner, strategy, update, respond, venue } = trading({ cancelWhenStale });
    strategy.act = (desk) => {
      if (desk.quoteQty(0, Side.Buy) === 0) desk.quote(0, Side.Buy, 100, 10);
    };
    update(100, 102);
    respond(ResponseType.Accepted, 1, Side.Buy, 100, 0, 10);
    venue.take();
    strategy.take();
    runner.onFresh(false, runner.nowNs);
    assert.deepEqual(venue.take(), cancelWhenStale ? ['cancel all of -1'] : []);
    assert.equal(runner.order(0, Side.Sell, 102, 1, Tif.Gtc), -Reason.StaleMarketData);
    update(50, 52);
    assert.deepEqual(strategy.take(), [], 'no decision on stale books');
    venue.tops[0] = [60, 10, 62, 10]; // by a snapshot, of which no message is told
    if (cancelWhenStale) respond(ResponseType.Canceled, 1, Side.Buy, 100, 0xffff_ffff, 10);
    strategy.take();
    runner.onFresh(true, runner.nowNs);
    assert.deepEqual(strategy.take(), ['data 0 mid2 122', 'data 1 mid2 402']);
    assert.deepEqual(venue.take(), cancelWhenStale ? ['new 2 book 0 buy 10 @ 100'] : []);
  }
});

test('a quote can be withdrawn while the books are stale', () => {
  const { runner, strategy, update, respond, venue } = trading({ cancelWhenStale: false });
  strategy.act = (desk) => {
    desk.quote(0, Side.Buy, 100, 10);
  };
  update(100, 102);
  respond(ResponseType.Accepted, 1, Side.Buy, 100, 0, 10);
  venue.take();
  runner.onFresh(false, runner.nowNs);
  assert.equal(runner.quote(0, Side.Buy, 100, 0), Reason.None);
  assert.deepEqual(venue.take(), ['cancel 1']);
});

test('stop tells the strategy, cancels, and is done when all is answered', () => {
  const { runner, strategy, update, respond, venue } = trading();
  strategy.act = buy;
  update(100, 102);
  respond(ResponseType.Accepted, 1, Side.Buy, 100, 0, 10);
  venue.take();
  strategy.take();
  runner.stop(runner.nowNs);
  assert.deepEqual(venue.take(), ['cancel all of -1']);
  assert.equal(runner.state, RunnerState.Stopping);
  respond(ResponseType.Filled, 1, Side.Buy, 100, 4, 6);
  respond(ResponseType.Canceled, 1, Side.Buy, 100, 0xffff_ffff, 6);
  update(90, 92);
  runner.poll(runner.nowNs);
  assert.equal(runner.state, RunnerState.Stopped);
  assert.deepEqual(strategy.take(), ['stop'], 'nothing after it');
  assert.equal(runner.positions.position(0), 4, 'but what happens is kept');
  runner.resume(runner.nowNs);
  assert.equal(runner.state, RunnerState.Stopped);
});

test('flatten trades the position away at the touch, an order at a time', () => {
  const { runner, strategy, update, respond, venue } = trading({ limits: { maxOrderQty: 10 } });
  strategy.act = buy;
  update(100, 102);
  update(100, 102);
  strategy.act = () => {};
  for (const id of [1, 2]) {
    respond(ResponseType.Accepted, id, Side.Buy, 100, 0, 10);
    respond(ResponseType.Filled, id, Side.Buy, 100, 10, 0);
  }
  venue.take();
  runner.stop(runner.nowNs, { flatten: true });
  assert.deepEqual(venue.take(), ['new 3 book 0 sell 10 @ 100 ioc']);
  runner.poll(runner.nowNs);
  assert.deepEqual(venue.take(), [], 'one at a time');
  respond(ResponseType.Accepted, 3, Side.Sell, 100, 0, 10);
  respond(ResponseType.Filled, 3, Side.Sell, 100, 7, 3);
  respond(ResponseType.Expired, 3, Side.Sell, 100, Reason.None, 3);
  venue.tops[0] = [99, 10, 102, 10];
  runner.onUpdate(0, runner.nowNs);
  runner.poll(runner.nowNs + 49 * MS);
  assert.deepEqual(venue.take(), [], 'not at the rate of the loop');
  runner.poll(runner.nowNs + 2 * MS);
  assert.deepEqual(venue.take(), ['new 4 book 0 sell 10 @ 99 ioc']);
  respond(ResponseType.Filled, 4, Side.Sell, 99, 10, 0);
  runner.poll(runner.nowNs + 60 * MS);
  assert.deepEqual(venue.take(), ['new 5 book 0 sell 3 @ 99 ioc']);
  respond(ResponseType.Filled, 5, Side.Sell, 99, 3, 0);
  runner.poll(runner.nowNs);
  assert.equal(runner.state, RunnerState.Stopped);
  assert.equal(runner.positions.position(0), 0);
});

test('flatten gives up after five seconds, or at once without a session', () => {
  for (const connected of [true, false]) {
    const { runner, strategy, update, respond } = trading();
    strategy.act = buy;
    update(100, 102);
    strategy.act = () => {};
    respond(ResponseType.Filled, 1, Side.Buy, 100, 10, 0);
    runner.onFresh(false, runner.nowNs); // no price to trade at
    if (!connected) runner.onDisconnected(runner.nowNs);
    runner.stop(runner.nowNs, { flatten: true });
    if (connected) {
      runner.poll(runner.nowNs + 4_900 * MS);
      assert.equal(runner.state, RunnerState.Stopping);
      runner.poll(runner.nowNs + 200 * MS);
    }
    assert.equal(runner.state, RunnerState.Stopped);
    assert.equal(runner.positions.position(0), 10);
  }
});

// A time in force that is none went to the wire, where its low byte became another one.
test('an order of a time in force that is none is refused', () => {
  const { runner } = trading();
  for (const tif of [Tif.Day, Tif.Gtc, Tif.Ioc, Tif.Fok]) assert.ok(runner.order(0, Side.Buy, 100, 1, tif) > 0);
  for (const tif of [2, 5, -1, 257, 1.5, NaN, Infinity, undefined as unknown as number, 'ioc' as unknown as number]) {
    assert.equal(runner.order(0, Side.Buy, 100, 1, tif), -Reason.Unsupported, String(tif));
  }
  assert.equal(runner.refused[Reason.Unsupported], 9);
});

test('limits change at one point; bad ones change nothing', () => {
  const { runner } = trading();
  assert.equal(runner.maxOrderQty(0), 100);
  runner.setLimits({ ...RISK_LIMITS_DEFAULT, maxOrderQty: 5 }, runner.nowNs);
  assert.equal(runner.order(0, Side.Buy, 100, 6, Tif.Gtc), -Reason.OrderTooLarge);
  assert.throws(
    () => runner.setLimits({ ...RISK_LIMITS_DEFAULT, maxOrderQty: -1 }, runner.nowNs), RangeError,
  );
  assert.equal(runner.maxOrderQty(0), 5);
  assert.equal(runner.order(0, Side.Buy, 100, 5, Tif.Gtc), 1, 'and events are taken again');
});

test('a kill and a stop loss pause: everything is cancelled, resume needs a reset', () => {
  const { runner, strategy, update, respond, venue } = trading({ limits: { stopLoss: 500 } });
  strategy.act = buy;
  update(100, 102);
  strategy.act = () => {};
  respond(ResponseType.Filled, 1, Side.Buy, 100, 10, 0);
  update(40, 42); // a loss of 590
  assert.ok(runner.risk.stopLossHit);
  assert.equal(runner.state, RunnerState.Paused);
  strategy.take();
  update(40, 42);
  assert.deepEqual(strategy.take(), []);
  assert.equal(runner.orders.send(0, Side.Sell, 40, 10, Tif.Ioc, runner.nowNs), 2, 'reducing passes');
  respond(ResponseType.Filled, 2, Side.Sell, 40, 10, 0);
  runner.setLimits({ ...runner.risk.limits, stopLoss: LIMIT_NONE }, runner.nowNs);
  runner.risk.reset();
  runner.resume(runner.nowNs);
  assert.equal(runner.state, RunnerState.Running);
  venue.take();
  runner.kill(runner.nowNs);
  assert.equal(runner.state, RunnerState.Paused);
  assert.equal(runner.trading, false);
});

test('a strategy that throws is paused for good, its orders are cancelled', () => {
  const { runner, strategy, update, respond, venue } = trading();
  strategy.act = buy;
  update(100, 102);
  respond(ResponseType.Accepted, 1, Side.Buy, 100, 0, 10);
  venue.take();
  strategy.act = () => {
    throw new Error('division of a cat by zero');
  };
  update(100, 104);
  assert.match(String(runner.fault), /division of a cat/);
  assert.deepEqual(venue.take(), ['cancel all of -1']);
  runner.resume(runner.nowNs);
  assert.equal(runner.state, RunnerState.Paused);
  respond(ResponseType.Filled, 1, Side.Buy, 100, 10, 0);
  assert.equal(runner.positions.position(0), 10);
});

test('a break of the session: nothing is sent, and what was unanswered is asked for again', () => {
  const { runner, strategy, update, venue } = trading();
  strategy.act = buy;
  update(100, 102);
  venue.take();
  strategy.act = () => {};
  runner.onDisconnected(runner.nowNs);
  assert.equal(runner.order(0, Side.Buy, 100, 10, Tif.Gtc), -Reason.NotLoggedIn);
  assert.equal(runner.risk.openQty(0, Side.Buy), 10, 'it may have arrived');
  strategy.take();
  runner.onConnected(true, runner.nowNs);
  assert.deepEqual(venue.take(), ['cancel 1']);
  assert.deepEqual(strategy.take(), ['data 0 mid2 202', 'data 1 mid2 402']);
});

test('before the start responses move positions and orders, and no strategy hears of it', () => {
  const { runner, strategy } = rig({ firstOrderId: 1_000 });
  const { Accepted, Filled } = ResponseType;
  runner.onResponse(Accepted, 0, 7, Side.Buy, 100, 0, 10, 0);
  runner.onResponse(Filled, 0, 7, Side.Buy, 100, 4, 6, 0);
  assert.deepEqual([runner.positions.position(0), runner.orders.leaves(7)], [4, 6]);
  assert.deepEqual(strategy.take(), []);
});

test('timers come by event time, while trading', () => {
  const { runner, strategy } = trading({ timerNs: 10 * MS });
  for (const ms of [5, 9, 10, 11, 19, 20, 95]) runner.poll(ms * MS);
  assert.deepEqual(strategy.take(), ['timer at 10 ms', 'timer at 20 ms', 'timer at 95 ms']);
  runner.pause(runner.nowNs);
  runner.poll(200 * MS);
  assert.deepEqual(strategy.take(), []);
});

// Ten wake-ups a second were most of what an idle trader took of a core.
test('it is due for the timer where the strategy has one and needs it, and at once for what waits to be sent', () => {
  const { runner, strategy, venue, update } = trading({ timerNs: 10 * MS });
  runner.poll(12 * MS);
  assert.equal(runner.dueNs(12 * MS), 22 * MS);
  const needs = Object.assign(strategy, { needsTimer: (): boolean => false });
  assert.equal(runner.dueNs(12 * MS), Infinity);
  strategy.take();
  runner.poll(40 * MS);
  assert.deepEqual(strategy.take(), ['timer at 40 ms'], 'awake anyway, it comes');
  needs.needsTimer = () => true;
  assert.equal(runner.dueNs(40 * MS), 50 * MS);

  venue.full = true;
  strategy.act = (desk) => void desk.quote(0, Side.Buy, 100, 10);
  update(100, 104);
  needs.needsTimer = () => false;
  assert.equal(runner.dueNs(41 * MS), 51 * MS);
  venue.full = false;
  runner.poll(51 * MS);
  assert.equal(runner.dueNs(51 * MS), Infinity, 'it was sent');

  needs.needsTimer = () => {
    throw new Error('confused');
  };
  assert.equal(runner.dueNs(52 * MS), Infinity);
  assert.match(String(runner.fault), /confused/);
  assert.equal(runner.state, RunnerState.Paused, 'as for whatever else a strategy throws');
});

test('without a timer there is none to be due for; with others in a ledger it looks up all the same', () => {
  const bare = { name: 'bare', onMarketData: () => {} };
  const alone = trading({ strategy: bare });
  assert.equal(alone.runner.dueNs(MS), Infinity);
  const ledger = LocalLedger.create([1, 1], 16);
  const together = trading({ strategy: bare, ledger });
  assert.equal(together.runner.dueNs(MS), 101 * MS);
});

test('time never runs backwards, whatever comes', () => {
  const { runner } = trading();
  runner.poll(500);
  runner.onUpdate(0, 400);
  assert.equal(runner.nowNs, 500);
});

test('a remembered quote that risk refuses later is counted and told', () => {
  const { runner, strategy, update, respond } = trading({ limits: { maxOrderQty: 10 } });
  strategy.act = (desk) => {
    desk.quote(0, Side.Buy, 100, 10);
    desk.quote(0, Side.Buy, 99, 9); // remembered: the first is unanswered
  };
  update(100, 102);
  strategy.act = () => {};
  runner.setLimits({ ...runner.risk.limits, maxOrderQty: 5 }, runner.nowNs);
  strategy.take();
  respond(ResponseType.Accepted, 1, Side.Buy, 100, 0, 10);
  assert.deepEqual(
    strategy.take().at(-1), `order ${ORDER_NONE} status ${OrderStatus.Done} reason 9`,
  );
  assert.equal(runner.refused[Reason.OrderTooLarge], 1);
});

// ── the trace ──────────────────────────────────────────────────────────────────────────────────

/** A run of its own: some requests of every kind. */
function traced(
  change: (what: { price: number; qty: number; extra: boolean }) => void, firstOrderId = 1,
): [hash: string, decisions: number] {
  const what = { price: 100, qty: 10, extra: false };
  change(what);
  const { runner, respond, venue } = trading({ firstOrderId });
  runner.quote(0, Side.Buy, what.price, what.qty);
  respond(ResponseType.Accepted, firstOrderId, Side.Buy, what.price, 0, what.qty);
  runner.quote(0, Side.Buy, what.price + 1, what.qty);
  respond(ResponseType.Modified, firstOrderId, Side.Buy, what.price + 1, 0, what.qty);
  runner.order(1, Side.Sell, 202, 5, Tif.Ioc);
  if (what.extra) {
    venue.full = true;
    runner.order(1, Side.Sell, 202, 5, Tif.Ioc);
    venue.full = false;
  }
  runner.cancel(firstOrderId);
  return [runner.traceHash, runner.decisions];
}

test('the trace is that of the requests taken, whatever id they begin with', () => {
  const same = (): void => {};
  const [hash, decisions] = traced(same);
  assert.equal(decisions, 4);
  assert.match(hash, /^[0-9a-f]{16}$/);
  assert.deepEqual(traced(same), [hash, 4]);
  assert.deepEqual(traced(same, 2 ** 45), [hash, 4]);
  assert.deepEqual(traced((what) => (what.extra = true)), [hash, 4], 'what a full session refused');
  assert.notEqual(traced((what) => what.price++)[0], hash);
  assert.notEqual(traced((what) => what.qty++)[0], hash);
});
