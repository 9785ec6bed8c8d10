// Traders against an exchange: sessions that break, feeds that lose, processes that end.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Histogram } from '../../src/base/histogram.ts';
import { Reason, Side, State, Tif } from '../../src/book/types.ts';
import { MemoryDisk } from '../../src/journal/memory_storage.ts';
import { TradeMonitor } from '../../src/apps/trade_status.ts';
import { SMOOTH_STREAMS } from '../../src/net/memory_network.ts';
import { ClientJournal } from '../../src/trader/client_journal.ts';
import { plainInstruments, TraderInstruments } from '../../src/trader/instruments.ts';
import { SessionState } from '../../src/trader/order_session.ts';
import { RoundTrip } from '../../src/trader/round_trip.ts';
import { RunnerState } from '../../src/trader/strategy_runner.ts';
import { builtIn, MAKER, TAKER, TradeRig, TURN_NS } from './trade_rig.ts';
import type { Desk, Strategy } from '../../src/trader/strategies/strategy.ts';


/** Keeps one bid below everything. */
class OneBid implements Strategy {
  readonly name = 'one-bid';
  ticks = 9_000;
  qty = 10;

  onMarketData(book: number, desk: Desk): void {
    desk.quote(book, Side.Buy, this.ticks, this.qty);
  }

  onTimer(desk: Desk): void {
    desk.quote(0, Side.Buy, this.ticks, this.qty);
  }
}

test('a maker and a taker trade with the flow; their views are the exchange’s', async () => {
  const rig = await TradeRig.open();
  await rig.startFlow();
  const maker = await rig.add({ client: 1, strategy: builtIn('market-maker', MAKER) });
  const taker = await rig.add({ client: 2, strategy: builtIn('liquidity-taker', TAKER) });
  await rig.turn(60_000);
  assert.ok(maker.trader.fills > 20 && taker.trader.fills > 0, 'both have traded');
  assert.ok(maker.trader.profile.orderTx.count > 0);
  await rig.settle();
  const positions = rig.traders.map(({ trader }) => trader.runner.positions);
  assert.equal(
    positions.reduce((sum, keeper) => sum + keeper.position(0), rig.flow.position), 0,
    'positions of all clients sum to zero',
  );
  assert.equal(positions.reduce((sum, keeper) => sum + keeper.cash(0), rig.flow.cash), 0);
  for (const { trader } of rig.traders) {
    assert.equal(trader.runner.orders.liveOrders, 0);
    assert.equal(trader.view.publicHash(), rig.exchange.engine.publicHash());
    assert.equal(trader.runner.orders.lateFills, 0);
    trader.runner.orders.checkInvariants();
    trader.feed.checkInvariants();
  }
  rig.close();
});

test('no order leaves before everything from before is known', async () => {
  const rig = await TradeRig.open({ config: { cancelOnDisconnect: false } });
  const strategy = new OneBid();
  const first = await rig.add({ client: 1, strategy });
  await rig.until(() => rig.exchange.engine.ordersLive === 1, 'the first bid');
  rig.remove(first); // killed; the exchange keeps the order
  await rig.turn(50);
  assert.equal(rig.exchange.engine.ordersLive, 1);
  let liveAtFirstCall = -1;
  const watching: Strategy = {
    name: 'watching',
    onMarketData: (book, desk) => {
      if (liveAtFirstCall < 0) liveAtFirstCall = rig.exchange.engine.ordersLive;
      strategy.onMarketData(book, desk);
    },
  };
  const second = await rig.add({
    client: 1, strategy: watching, firstOrderId: 1_000, nextSequence: 1,
  });
  await rig.until(() => second.trader.session.newOrders === 1, 'the second bid');
  assert.equal(liveAtFirstCall, 0, 'what the first had left was cancelled before a decision');
  await rig.until(() => rig.exchange.engine.ordersLive === 1, 'its arrival');
  assert.equal(second.trader.runner.orders.liveOrders, 1, 'and the first is known to be gone');
  rig.close();
});

// The exchange does not know such orders: asked to cancel them it refused, they never ended, and a
// stop waited in vain for them.
test('orders of a session that is no more end with it, before anything is decided', async () => {
  const rig = await TradeRig.open({ config: { cancelOnDisconnect: false } });
  const disk = new MemoryDisk(1);
  const identity = { client: 1, framing: 'soup' as const, instruments: rig.instruments };
  const first = await rig.add({ client: 1, strategy: new OneBid(), journal: ClientJournal.open(disk.mount(), identity) });
  await rig.until(() => first.trader.runner.orders.accepted(1), 'the first bid');
  rig.close();
  disk.killProcess();

  const other = await TradeRig.open({ stamp: 1_700_000_001 }); // it has forgotten everything
  const journal = ClientJournal.open(disk.mount(), identity, { newSession: true });
  const second = await other.add({
    client: 1, journal, firstOrderId: journal.nextOrderId, strategy: new OneBid(),
  });
  assert.equal(second.trader.runner.orders.liveOrders, 1, 'restored');
  await other.until(() => second.trader.session.ready, 'ready');
  const { orders } = second.trader.runner;
  assert.equal(orders.accepted(1), false, 'the old bid is gone');
  await other.until(() => orders.accepted(journal.nextOrderId) || second.trader.runner.decisions > 0, 'a new one');
  orders.checkInvariants();
  await other.settle();
  assert.deepEqual([orders.liveOrders, orders.unknownOrders], [0, 0]);
  second.trader.close();
  other.close();
});

// Its one ask was taken and nobody else was there: no mid, so no mark, so every order was refused
// (25) and both sides stayed empty for good.
test('alone in a market a maker goes on when one side was taken', async () => {
  const rig = await TradeRig.open();
  const maker = await rig.add({
    client: 1,
    strategy: {
      name: 'both-sides',
      onMarketData: () => {},
      onTimer: (desk) => {
        desk.quote(0, Side.Buy, 9_990, 10);
        if (desk.positions.position(0) === 0) desk.quote(0, Side.Sell, 10_010, 10);
      },
    },
  });
  const other = await rig.add({ client: 2, strategy: { name: 'by-hand', onMarketData: () => {} } });
  const hand = other.trader.runner;
  await rig.until(() => hand.trading, 'the other');
  for (const [side, ticks] of [[Side.Buy, 9_980], [Side.Sell, 10_020]] as const) {
    assert.ok(hand.order(0, side, ticks, 10, Tif.Gtc) > 0); // the first prices
  }
  await rig.until(() => maker.trader.runner.quoteQty(0, Side.Sell) === 10, 'both quotes');
  await rig.until(() => hand.features.askTicks(0) === 10_010, 'seen');
  hand.cancelAll(0);
  await rig.until(() => hand.orders.liveOrders === 0, 'the maker is alone');
  assert.ok(hand.order(0, Side.Buy, 10_010, 10, Tif.Ioc) > 0);
  maker.trader.runner.refused.fill(0);
  await rig.until(() => maker.trader.fills > 0, 'the ask was taken');
  await rig.turn(2_000);
  const { runner } = maker.trader;
  assert.equal(runner.positions.position(0), -10);
  assert.equal(runner.features.askQty(0), 0, 'one side is empty');
  assert.equal(runner.positions.known(0), true, 'marked with the last trade');
  assert.equal(runner.quote(0, Side.Sell, 10_020, 5), Reason.None, 'it may quote on');
  assert.equal(runner.refused[Reason.StaleMarketData], 0);
  rig.close();
});

test('why a trader stands still is in its status, by name', async () => {
  const rig = await TradeRig.open();
  const stranger = await rig.add({
    client: 1, strategy: new OneBid(), instruments: new TraderInstruments(plainInstruments([77])),
  });
  const maker = await rig.add({ client: 2, strategy: new OneBid() });
  assert.deepEqual(new TradeMonitor(maker.trader).look(0).standsStill, []);
  await rig.until(() => stranger.trader.session.ready && maker.trader.runner.trading, 'ready');
  assert.match(new TradeMonitor(stranger.trader).look(0).standsStill.join(), /does not have ticker 77: name its own with -t/);
  rig.exchange.controls.kill(2);
  maker.trader.runner.order(0, Side.Buy, 9_990, 1, Tif.Ioc);
  await rig.until(() => maker.trader.session.rejects[Reason.Killed] > 0, 'a refusal');
  maker.trader.runner.order(0, Side.Buy, 9_990, 2 ** 31, Tif.Ioc);
  const said = new TradeMonitor(maker.trader).look(0);
  assert.equal(said.rejectedBy['killed'], said.rejected);
  assert.equal(said.refusedBy['OrderTooLarge'], 1);
  assert.match(said.standsStill.join(), /has locked client 2 out: outcry ctl reset --client 2/);
  rig.close();
});

// They were read off counters, which never fall: a trader that traded again was said to be locked out.
test('what keeps a trader from trading is said while it does, and no longer', async () => {
  const rig = await TradeRig.open();
  const { trader } = await rig.add({ client: 2, strategy: new OneBid() });
  const { runner, session } = trader;
  const monitor = new TradeMonitor(trader);
  const stands = (): string => monitor.look(0).standsStill.join('; ');
  const places = (): boolean => runner.order(0, Side.Buy, 9_000, 1, Tif.Ioc) > 0;
  await rig.until(() => runner.trading, 'ready');
  await rig.until(() => runner.orders.accepted(1), 'the bid');

  rig.exchange.controls.kill(2);
  await rig.until(() => session.lockedOut, 'it is told at once, without asking');
  assert.match(stands(), /locked client 2 out/);
  rig.exchange.controls.reset(2);
  await rig.until(() => places() && !session.lockedOut, 'an order is taken again');
  assert.equal(stands(), '');

  rig.exchange.controls.setState(1, State.Halted);
  await rig.until(() => places() && session.refusedFor(0) === Reason.State, 'a refusal');
  assert.equal(stands(), 'the exchange takes no orders in T1: halted or closed, until its operator opens it (outcry ctl open)');
  rig.exchange.controls.setState(1, State.Open);
  await rig.until(() => places() && stands() === '', 'open again');

  // Ours: a loss limit, until the price has come back.
  runner.positions.onFill(0, Side.Buy, 10_000, 100);
  runner.risk.filled(0, Side.Buy, 0);
  const mark = (ticks: number): void => runner.risk.setTop(0, ticks, ticks);
  mark(8_000);
  assert.equal(stands(), 'the loss limit of T1 is reached: own checks refuse what does not reduce the position');
  mark(9_999);
  assert.equal(stands(), '');
  rig.close();
});

// Nobody was there to take the position, and the end was reported as clean.
test('told to trade its positions away, a trader that cannot says so', async () => {
  const rig = await TradeRig.open();
  const { trader } = await rig.add({ client: 1, strategy: { name: 'idle', onMarketData: () => {} } });
  await rig.until(() => trader.session.ready, 'ready');
  trader.runner.positions.onFill(0, Side.Buy, 10_000, 7);
  trader.runner.risk.filled(0, Side.Buy, 0);
  const { books: [book], pnl2 } = new TradeMonitor(trader).look(0);
  assert.deepEqual([book.unrealised2, pnl2], [null, null], 'an unknown profit is no number');
  trader.stop({ flatten: true });
  assert.equal(trader.runner.leftOver, false, 'it is still trying');
  await rig.until(() => trader.stopped, 'the end', 5_000_000);
  assert.deepEqual([trader.runner.leftOver, trader.runner.positions.position(0)], [true, 7]);
  rig.close();

  const other = await TradeRig.open();
  const flat = await other.add({ client: 1, strategy: { name: 'idle', onMarketData: () => {} } });
  await other.until(() => flat.trader.session.ready, 'ready');
  flat.trader.stop({ flatten: true });
  await other.until(() => flat.trader.stopped, 'the end', 5_000_000);
  assert.equal(flat.trader.runner.leftOver, false);
  other.close();
});

// The feed is whole at once, the session takes its time: without the echo the first decisions rested
// on a position from before hundreds of fills.
test('the first decision knows every fill from before, however slowly they come', async () => {
  const rig = await TradeRig.open();
  await rig.startFlow();
  const first = await rig.add({ client: 1, strategy: builtIn('market-maker', MAKER) });
  await rig.until(() => first.trader.fills > 200, 'fills');
  rig.remove(first);
  await rig.turn(2_000); // from here on the flow trades with itself
  if (rig.fabric !== null) {
    rig.fabric.streams = { receiveChunkMax: 3, sendChunkMax: 30, bufferBytes: 256 * 1024 };
  }
  let known = NaN;
  await rig.add({
    client: 1, firstOrderId: 1_000_000, nextSequence: 1,
    strategy: {
      name: 'first-look',
      onMarketData: (book, desk) => {
        if (Number.isNaN(known)) known = desk.positions.position(book);
      },
    },
  });
  await rig.until(() => !Number.isNaN(known), 'a first decision');
  if (rig.fabric !== null) rig.fabric.streams = SMOOTH_STREAMS;
  await rig.settle();
  assert.ok(rig.flow.position !== 0);
  assert.equal(known, -rig.flow.position);
  rig.close();
});

test('a broken session is resumed where it broke off', async () => {
  const rig = await TradeRig.open();
  await rig.startFlow();
  const maker = await rig.add({ client: 1, strategy: builtIn('market-maker', MAKER) });
  await rig.turn(8_000);
  for (let breaks = 1; breaks <= 5; breaks++) {
    maker.connection.close(); // from below: neither side knows
    await rig.until(() => !maker.trader.session.ready, 'the break is noticed');
    assert.equal(maker.trader.runner.trading, false);
    await rig.until(() => maker.trader.session.ready, 'and mended');
    assert.equal(maker.trader.session.sessions, 1 + breaks);
    await rig.turn(8_000);
  }
  await rig.settle();
  const { positions, orders } = maker.trader.runner;
  assert.equal(positions.position(0) + rig.flow.position, 0);
  assert.equal(positions.cash(0) + rig.flow.cash, 0);
  assert.deepEqual([orders.liveOrders, orders.unknownOrders], [0, 0]);
  orders.checkInvariants();
  rig.close();
});

for (const framing of ['bare', 'sequenced'] as const) {
  test(`${framing}: trades, and after a break knows that it cannot know`, async () => {
    const rig = await TradeRig.open();
    await rig.startFlow();
    const maker = await rig.add({ client: 1, strategy: builtIn('market-maker', MAKER), framing });
    await rig.until(() => maker.trader.fills > 5, 'fills');
    const { orders, positions } = maker.trader.runner;
    await rig.until(() => orders.liveOrders > 0, 'an open order');
    maker.connection.close();
    await rig.until(() => !maker.trader.session.ready, 'the break');
    await rig.until(() => maker.trader.session.ready, 'another session');
    await rig.until(() => maker.trader.session.rejects[6] > 0 || framing === 'sequenced', 'asked');
    await rig.turn(2_000);
    assert.ok(orders.unknownOrders > 0, 'what was open then may have traded');
    for (let i = orders.liveOrders - 1; i >= 0; i--) {
      orders.settle(orders.liveOrder(i), 0, 10_000); // the exchange has cancelled them
    }
    await rig.settle();
    assert.equal(orders.unknownOrders, 0);
    assert.equal(positions.position(0) + rig.flow.position, 0);
    rig.close();
  });
}

test('a refused log-in is tried again for a while and then final', async () => {
  const rig = await TradeRig.open();
  const holder = await rig.add({ client: 1, strategy: new OneBid() });
  await rig.until(() => holder.trader.session.ready, 'the first');
  const other = await rig.add({ client: 1, strategy: new OneBid() });
  await rig.until(() => other.trader.session.reason !== '', 'a refusal');
  assert.match(other.trader.session.reason, /session not available \(S\): this account is logged in already, or /);
  assert.notEqual(other.trader.session.state, SessionState.Ended);
  const sinceNs = rig.clock.nowNs;
  await rig.until(() => other.trader.session.state === SessionState.Ended, 'the end', 5_000_000);
  assert.ok(rig.clock.nowNs - sinceNs > 14e9);
  // The one that holds the account never noticed.
  assert.equal(holder.trader.session.sessions, 1);
  const unknown = await rig.add({ client: 3, strategy: new OneBid(), account: 'nobody' });
  await rig.until(() => unknown.trader.session.state === SessionState.Ended, 'the end at once');
  assert.match(unknown.trader.session.reason, /not authorised/);
  rig.close();
});

test('an exchange that is gone is asked for with growing pauses', async () => {
  const rig = await TradeRig.open();
  const maker = await rig.add({ client: 1, strategy: new OneBid() });
  await rig.until(() => maker.trader.session.ready, 'ready');
  let attempts = 0;
  const connect = maker.network.connect.bind(maker.network);
  maker.network.connect = (options) => {
    attempts++;
    return connect({ ...options, port: 1 });
  };
  maker.connection.close();
  await rig.turn(2_000, 10_000_000); // twenty seconds
  assert.ok(attempts >= 5 && attempts <= 10, `${attempts} attempts`);
  assert.match(maker.trader.session.reason, /cannot connect/);
  maker.network.connect = connect;
  await rig.until(() => maker.trader.session.ready, 'ready again', 10_000_000);
  assert.equal(maker.trader.session.reason, '');
  rig.close();
});

test('a feed that loses: no decision on a hole, and the books come back', async () => {
  const link = { loss: 0.1, duplicate: 0.05, reorder: 0.1, reorderDistance: 4 };
  const rig = await TradeRig.open({ fabric: { seed: 5, link } });
  await rig.startFlow();
  const decidedStale: number[] = [];
  const inner = builtIn('market-maker', MAKER);
  const maker = await rig.add({
    client: 1,
    strategy: {
      ...inner, name: 'watched',
      onMarketData(book: number, desk: Desk): void {
        if (!maker.trader.feed.fresh && maker.trader.feed.state !== 1) decidedStale.push(book);
        inner.onMarketData(book, desk);
      },
      onFill: (...args) => inner.onFill?.(...args),
      onOrder: (...args) => inner.onOrder?.(...args),
      onTimer: (desk) => inner.onTimer?.(desk),
    },
  });
  await rig.turn(60_000);
  assert.ok(maker.trader.feed.gaps > 10, `${maker.trader.feed.gaps} gaps`);
  assert.ok(maker.trader.fills > 5);
  assert.deepEqual(decidedStale, []);
  if (rig.fabric !== null) rig.fabric.link = { loss: 0, duplicate: 0, reorder: 0, reorderDistance: 0 };
  await rig.settle();
  await rig.until(() => maker.trader.feed.fresh, 'whole books');
  assert.equal(maker.trader.view.publicHash(), rig.exchange.engine.publicHash());
  assert.equal(maker.trader.runner.positions.position(0) + rig.flow.position, 0);
  rig.close();
});

test('a feed that has gone silent is joined again', async () => {
  const rig = await TradeRig.open();
  await rig.startFlow();
  const maker = await rig.add({ client: 1, strategy: new OneBid() });
  await rig.turn(2_000);
  assert.ok(maker.trader.feed.fresh);
  assert.equal(maker.trader.runner.quoteQty(0, Side.Buy), 10);
  // It falls out of its groups without any error.
  for (const socket of [maker.trader.receiver.incremental, maker.trader.receiver.snapshot]) {
    socket?.close();
  }
  await rig.until(() => !maker.trader.feed.fresh, 'silence is noticed', 1_000_000);
  assert.equal(maker.trader.runner.quoteQty(0, Side.Buy), 0, 'its quote is withdrawn');
  await rig.until(() => maker.trader.receiver.rejoined > 0, 'joined again', 1_000_000);
  await rig.until(() => maker.trader.feed.fresh, 'fresh again', 100_000);
  await rig.until(() => maker.trader.runner.quoteQty(0, Side.Buy) === 10, 'and it quotes');
  rig.close();
});

test('stop leaves nothing at the exchange, and flattens where asked to', async () => {
  const rig = await TradeRig.open();
  await rig.startFlow();
  const maker = await rig.add({ client: 1, strategy: builtIn('market-maker', MAKER) });
  await rig.until(() => Math.abs(maker.trader.runner.positions.position(0)) > 20, 'a position');
  maker.trader.stop({ flatten: true });
  await rig.until(() => maker.trader.stopped, 'stopped');
  assert.equal(maker.trader.runner.state, RunnerState.Stopped);
  assert.equal(maker.trader.runner.positions.position(0), 0);
  assert.equal(maker.trader.runner.orders.liveOrders, 0);
  maker.trader.close();
  rig.close();
});

test('orders are followed to their answers, also after the connection broke amid one', async () => {
  const rig = await TradeRig.open();
  await rig.startFlow();
  const roundTrip = new RoundTrip(rig.clock, new Histogram());
  const maker = await rig.add({ client: 1, strategy: builtIn('market-maker', MAKER), roundTrip });
  const { histogram } = roundTrip;
  await rig.until(() => histogram.count >= 3, 'three answers');
  assert.ok(histogram.min >= TURN_NS, `${histogram.min} ns: an answer takes a turn at least`);
  const sent = maker.trader.session.newOrders;
  await rig.until(() => maker.trader.session.newOrders > sent, 'an order on its way');
  maker.connection.close();
  await rig.until(() => !maker.trader.session.ready, 'the end of the session');
  const { count } = histogram;
  await rig.until(() => histogram.count > count, 'an answer in the next session');
  assert.ok(histogram.max < 5e7, `${histogram.max} ns: none of them waited for another session`);
  rig.close();
});

test('what the trading has cost is on the profile, stage by stage', async () => {
  const rig = await TradeRig.open();
  await rig.startFlow();
  const maker = await rig.add({ client: 1, strategy: builtIn('market-maker', MAKER) });
  await rig.turn(20_000);
  const { viewUpdated, decided, orderTx } = maker.trader.profile;
  assert.ok(orderTx.count > 10);
  assert.equal(decided.count, orderTx.count);
  assert.ok(viewUpdated.count > 0 && viewUpdated.count < decided.count, 'a sample of them');
  maker.trader.profile.reset();
  assert.equal(maker.trader.profile.summary().order_tx.count, 0);
  rig.close();
});
