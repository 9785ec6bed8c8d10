// The engine's states, limits, breakers, alerts and changes of configuration.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Reason } from '../../src/book/types.ts';
import { ConfigurationError } from '../../src/engine/checker.ts';
import type { TradingEngineConfig } from '../../src/engine/config.ts';
import { TradingEngine } from '../../src/engine/trading_engine.ts';
import { EngineRig } from './engine_rig.ts';

const BUY = { symbol: 'X', side: 'buy', price: 10, quantity: 1 } as const;

async function place(rig: EngineRig, changes: object = {}): Promise<number> {
  return (await rig.answer(rig.engine.placeOrder({ ...BUY, ...changes }))).reason;
}

/** The market's best prices. */
function quote(rig: EngineRig, bid: number, ask: number, quantity = 1_000): void {
  rig.engine.submitMarketData({ type: 'quote', symbol: 'X', bid, bidQuantity: quantity, ask, askQuantity: quantity });
  rig.turn();
}

describe('states', () => {
  test('before start and after stop nothing is taken, and stop comes to an end at once', async () => {
    const rig = new EngineRig();
    const { engine } = rig;
    assert.equal(engine.state, 'idle');
    assert.deepEqual([(await engine.placeOrder(BUY)).reason, engine.tryCancelOrder(1)], [Reason.State, -Reason.State]);
    assert.equal((await engine.pause()).reason, Reason.State);
    assert.equal(engine.poll(0), 0);
    const never = new EngineRig();
    assert.deepEqual((await never.engine.stop()).complete, true);
    await assert.rejects(never.engine.start(), /an engine is started once/);
    await engine.start();
    await assert.rejects(engine.start(), /an engine is started once/);
    assert.ok((await rig.answer(engine.placeOrder(BUY))).ok);
    const report = engine.stop();
    assert.equal(engine.stop(), report, 'the same promise');
    await report;
    assert.equal(engine.state, 'stopped');
    assert.equal((await engine.placeOrder(BUY)).reason, Reason.State);
    assert.equal((await engine.kill()).reason, Reason.State);
    assert.equal((await engine.reconfigure({ maxPosition: 1 })).reason, Reason.State);
    assert.deepEqual(rig.take().filter((line) => line.startsWith('state')), ['state running', 'state stopping', 'state stopped']);
  });

  test('stopped while it starts: it starts, and stops', async () => {
    const rig = new EngineRig();
    const started = rig.engine.start();
    const stopped = rig.engine.stop();
    await started;
    assert.equal((await stopped).complete, true);
    assert.equal(rig.engine.state, 'stopped');
  });

  test('as many symbols as one engine may have', async () => {
    const rig = await EngineRig.start({ instrumentsMax: 4_096 }, []);
    for (let i = 0; i < 4_096; i += 1) assert.equal(rig.engine.declare(`S${i}`)?.book, i);
    assert.equal(rig.engine.declare('ONE-MORE'), null);
    assert.equal(await place(rig, { symbol: 'S4095' }), Reason.None);
    assert.equal(await place(rig, { symbol: 'S4095', side: 'sell', selfTrade: 'none' }), Reason.None);
    assert.equal(rig.engine.position('S4095').volume, 2);
    await rig.engine.stop();
  });

  test('paused: orders are refused, those that are open stay and can be cancelled', async () => {
    const rig = await EngineRig.start();
    await place(rig);
    assert.ok((await rig.answer(rig.engine.pause())).ok);
    assert.equal(rig.engine.state, 'paused');
    assert.equal(await place(rig), Reason.State);
    assert.equal((await rig.answer(rig.engine.modifyOrder(1, { quantity: 2 }))).reason, Reason.State);
    assert.equal(rig.engine.orders().length, 1);
    assert.ok((await rig.answer(rig.engine.cancelOrder(1))).ok);
    await rig.answer(rig.engine.resume());
    assert.equal(await place(rig), Reason.None);
    assert.deepEqual(rig.take().filter((line) => line.startsWith('state')), ['state paused', 'state running']);
    await rig.stop();
  });

  test('kill overtakes what is queued: everything goes, nothing passes until reset', async () => {
    const rig = await EngineRig.start();
    await place(rig);
    const queued = rig.engine.placeOrder(BUY);
    const kill = rig.engine.kill();
    rig.turn();
    assert.ok((await kill).ok);
    assert.equal((await queued).reason, Reason.Killed);
    assert.deepEqual(rig.take().slice(-4), [
      'state running killed', 'canceled #1 X buy 1 executed 0', 'rejected #2 X buy 1 @ 10.00 (20 killed, engine)',
      'book X 0 @ null / 0 @ null',
    ]);
    assert.equal(await place(rig), Reason.Killed);
    await rig.answer(rig.engine.reset());
    assert.equal(await place(rig), Reason.None);
    assert.equal(rig.engine.killed, false);
    await rig.stop();
  });
});

describe('limits', () => {
  test('rate: so many orders in any second of event time', async () => {
    const rig = await EngineRig.start({ maxOrdersPerSecond: 3 });
    const reasons: number[] = [];
    for (let i = 0; i < 4; i++) reasons.push(await place(rig));
    assert.deepEqual(reasons, [0, 0, 0, Reason.Rate]);
    rig.clock.advance(999_999_999);
    assert.equal(await place(rig), Reason.Rate);
    rig.clock.advance(1);
    assert.equal(await place(rig), Reason.None);
    await rig.stop();
  });

  test('position over everything open, of one symbol and of all; portfolio value; order size; notional; open orders', async () => {
    const rig = await EngineRig.start({
      maxPositionSize: 20, maxPortfolioValue: '150.00', instruments: [{ symbol: 'X' }, { symbol: 'Y' }],
      symbolLimits: { X: { maxPosition: 8, maxOrderQuantity: 5 }, Y: { maxOpenOrders: 1, maxNotional: '30' } },
    });
    assert.equal(await place(rig, { quantity: 6 }), Reason.OrderTooLarge);
    assert.equal(await place(rig, { quantity: 5 }), Reason.None);
    assert.equal(await place(rig, { quantity: 4 }), Reason.Position, 'five are open already');
    assert.equal(await place(rig, { symbol: 'Y', price: '3.01', quantity: 10 }), Reason.Notional);
    assert.equal(await place(rig, { symbol: 'Y', price: '3.00', quantity: 10 }), Reason.None);
    assert.equal(await place(rig, { symbol: 'Y', price: '1', quantity: 1 }), Reason.OpenOrders);
    assert.equal(await place(rig, { quantity: 3 }), Reason.None);
    assert.equal(await place(rig, { symbol: 'Z', price: '1', quantity: 3 }), Reason.Position, '18 of 20 lots are open');
    assert.equal(await place(rig, { symbol: 'Z', price: '100', quantity: 1 }), Reason.Notional, '110 of 150 are open');
    await rig.stop();
  });

  test('a collar needs a market to be measured from', async () => {
    const rig = await EngineRig.start({ collarTicks: 100 });
    assert.equal(await place(rig), Reason.StaleMarketData);
    quote(rig, 10, 11);
    assert.equal(await place(rig, { price: '9.49' }), Reason.Collar);
    assert.equal(await place(rig, { price: '9.50' }), Reason.None);
    await rig.stop();
  });

  test('at the stop loss everything is cancelled, strategies are off, and only what reduces passes', async () => {
    const rig = await EngineRig.start({ maxPortfolioValue: 10_000, stopLossPercentage: 0.02 });
    quote(rig, 99, 101, 10);
    await place(rig, { price: 101, quantity: 10 });
    await place(rig, { price: 50, quantity: 1 });
    rig.take();
    // Marked at 80.5: ten lots bought at 101 have lost 205 of the 200 that may be lost.
    quote(rig, 80, 81);
    assert.deepEqual(rig.take().filter((line) => !line.startsWith('book')), ['canceled #2 X buy 1 executed 0', 'alert StopLoss']);
    assert.equal(rig.engine.autoTrading, false);
    assert.equal(await place(rig, { price: 50 }), Reason.Loss);
    assert.equal(await place(rig, { side: 'sell', price: 80, quantity: 11 }), Reason.Loss, 'it would end beyond flat');
    assert.equal(await place(rig, { side: 'sell', price: 80, quantity: 10 }), Reason.None);
    assert.equal(rig.engine.position('X').realizedPnl, '-210.00');
    await rig.answer(rig.engine.reset());
    assert.equal(rig.engine.autoTrading, false, 'somebody has to turn them on again');
    await rig.stop();
  });
});

describe('circuit breakers', () => {
  const breakers: TradingEngineConfig['breakers'] = [
    { measure: 'error-rate', threshold: 0.5, minimum: 4, windowMs: 1_000, cooldownMs: 100, probes: 2 },
  ];

  test('refusals open it: open orders go, new ones are refused, reducing ones pass; probes close it', async () => {
    const rig = await EngineRig.start({ breakers, maxOrderQuantity: 100 });
    quote(rig, 10, 11);
    await place(rig, { price: 11, quantity: 5 });
    await place(rig, { price: 9 });
    for (let i = 0; i < 2; i++) await place(rig, { quantity: 101 });
    assert.deepEqual(rig.take().filter((line) => /^breaker|^canceled/.test(line)), [
      'breaker 0 error-rate open', 'canceled #2 X buy 1 executed 0',
    ]);
    assert.equal(await place(rig), Reason.State);
    assert.equal(await place(rig, { side: 'sell', price: 10, quantity: 5 }), Reason.None, 'it reduces');
    rig.turn(100);
    assert.deepEqual(rig.take().filter((line) => line.startsWith('breaker')), ['breaker 0 error-rate half-open']);
    assert.equal(await place(rig, { price: 9 }), Reason.None);
    assert.equal(await place(rig, { price: 9 }), Reason.None);
    assert.deepEqual(rig.take().filter((line) => line.startsWith('breaker')), ['breaker 0 error-rate closed']);
    await rig.stop();
  });

  test('reset closes it at once', async () => {
    const rig = await EngineRig.start({ breakers, maxOrderQuantity: 1 });
    for (let i = 0; i < 4; i++) await place(rig, { quantity: 2 });
    assert.equal(await place(rig), Reason.State);
    await rig.answer(rig.engine.reset());
    assert.equal(await place(rig), Reason.None);
    await rig.stop();
  });

  test('a loss opens its own; what is to be kept is kept', async () => {
    const rig = await EngineRig.start({ breakers: [{ measure: 'loss', amount: '20', windowMs: 1_000, onOpen: 'keep' }] });
    quote(rig, 10, 12);
    await place(rig, { price: 12, quantity: 10 });
    await place(rig, { price: 1 });
    quote(rig, 8, 10);
    assert.deepEqual(rig.take().filter((line) => /^breaker|^canceled/.test(line)), ['breaker 0 loss open']);
    assert.equal(rig.engine.orders().length, 1);
    await rig.stop();
  });

  test('slow inputs open one on latency; the samples are inputs, so a replay has them', async () => {
    const rig = await EngineRig.start({
      latencySampleEvery: 1, breakers: [{ measure: 'latency', limitMicros: 1_000, threshold: 0.5, minimum: 4, windowMs: 1_000 }],
      alerts: { highLatencyNs: 5_000_000 },
    });
    const slow = async (): Promise<void> => {
      const order = rig.engine.placeOrder(BUY);
      // The stamp is real time, the engine's clock is the test's: so much later is it told.
      rig.clock.advance(60_000_000_000);
      rig.turn();
      await order;
    };
    for (let i = 0; i < 4; i++) await slow();
    const lines = rig.take();
    assert.ok(lines.includes('alert HighLatency'), lines.join('\n'));
    assert.ok(rig.engine.stats().averageLatencyNs > 1_000_000);
    await rig.stop();
  });
});

describe('alerts', () => {
  test('a large position and a large loss are told once, and again after they were gone', async () => {
    const rig = await EngineRig.start({ alerts: { largePosition: 10, largeLoss: '50' } });
    quote(rig, 10, 11);
    const alerts = (): string[] => rig.take().filter((line) => line.startsWith('alert'));
    await place(rig, { price: 11, quantity: 10 });
    assert.deepEqual(alerts(), ['alert LargePosition']);
    quote(rig, 5, 6);
    quote(rig, 4, 5);
    assert.deepEqual(alerts(), ['alert LargeLoss']);
    quote(rig, 10, 11);
    quote(rig, 5, 6);
    assert.deepEqual(alerts(), ['alert LargeLoss']);
    await rig.stop();
  });
});

describe('configuration', () => {
  test('every fault is told, together', () => {
    const wrong = {
      maxOrdersPerSecond: 0, maxPortfolioValue: 'much', stopLossPercentage: 2, instruments: [{ symbol: '' }, { symbol: 'A', tickSize: '0.001' }],
      venue: { kind: 'moon' }, breakers: [{ measure: 'loss' }, { measure: 'latency', limitMicros: 1, treshold: 1 }],
      shutdown: { policy: 'hope' }, queue: { normalSlots: 100 }, symbolLimits: { B: {} }, maxPositionSise: 3,
      strategies: [],
    } as never;
    assert.throws(() => new TradingEngine(wrong), (error: unknown) => {
      assert.ok(error instanceof ConfigurationError);
      assert.deepEqual(error.faults.map(({ key }) => key).toSorted(), [
        'breakers[0].amount', 'breakers[1].treshold', 'instruments[0].symbol', 'instruments[1].tickSize', 'maxOrdersPerSecond',
        'maxPortfolioValue', 'maxPositionSise', 'queue.normalSlots', 'shutdown.policy', 'stopLossPercentage', 'symbolLimits.B',
        'venue.kind',
      ]);
      assert.match(error.message, /queue.normalSlots: expected a power of two, was 100/);
      assert.match(error.message, /maxPositionSise: unknown key, expected one of maxOrdersPerSecond, /);
      return true;
    });
  });

  test('limits that the risk gate cannot work with are a fault too', () => {
    assert.throws(() => new TradingEngine({ maxPositionSize: 2 ** 52 }), ConfigurationError);
  });

  test('a strategy that is none, parameters that are none, a symbol with two strategies', () => {
    const strategies = [
      { strategy: 'market-macker' }, { strategy: 'liquidity-taker', parameters: { aggresion: 1 }, symbols: ['A'] },
      { strategy: 'market-maker', symbols: ['A', 'B'] },
    ];
    assert.throws(() => new TradingEngine({ instruments: [{ symbol: 'A' }], strategies }), (error: unknown) => {
      assert.ok(error instanceof ConfigurationError);
      assert.deepEqual(error.faults.map(({ key }) => key), [
        'strategies[0].strategy', 'strategies[1].parameters.aggresion', 'strategies[2].symbols', 'strategies[2].symbols',
      ]);
      return true;
    });
  });

  test('a change is checked whole, applied between two inputs, and the old one stays when it is bad', async () => {
    const rig = await EngineRig.start({ maxOrderQuantity: 5 });
    assert.equal(await place(rig, { quantity: 6 }), Reason.OrderTooLarge);
    await assert.rejects(rig.engine.reconfigure({ maxOrderQuantity: 10, maxPosition: -1, maxOpenOrders: 0 }), (error: unknown) => {
      assert.ok(error instanceof ConfigurationError);
      assert.deepEqual(error.faults.map(({ key }) => key).toSorted(), ['maxOpenOrders', 'maxPosition']);
      return true;
    });
    await assert.rejects(rig.engine.reconfigure({ venue: {} } as never), /venue: cannot change while the engine runs/);
    assert.equal(await place(rig, { quantity: 6 }), Reason.OrderTooLarge, 'nothing of it was taken');
    const before = rig.engine.placeOrder({ ...BUY, quantity: 6 });
    const change = rig.engine.reconfigure({ maxOrderQuantity: 10 });
    rig.turn();
    assert.ok((await change).ok);
    assert.ok((await before).ok, 'urgent: orders that still wait are judged by it');
    assert.ok(rig.take().includes('configured'));
    await rig.answer(rig.engine.reconfigure({ maxOpenOrders: 2 }));
    assert.equal(await place(rig), Reason.None);
    assert.equal(await place(rig), Reason.OpenOrders);
    assert.equal(await place(rig, { quantity: 11 }), Reason.OrderTooLarge, 'earlier changes stay');
    await rig.stop();
  });

  test('a breaker whose rule is unchanged keeps its state', async () => {
    const breaker = { measure: 'error-rate', threshold: 0.5, minimum: 2, cooldownMs: 60_000 } as const;
    const rig = await EngineRig.start({ breakers: [breaker], maxOrderQuantity: 1 });
    for (let i = 0; i < 2; i++) await place(rig, { quantity: 2 });
    assert.equal(await place(rig), Reason.State);
    await rig.answer(rig.engine.reconfigure({ maxOrderQuantity: 5 }));
    assert.equal(await place(rig), Reason.State);
    await rig.answer(rig.engine.reconfigure({ breakers: [{ ...breaker, minimum: 3 }] }));
    assert.equal(await place(rig), Reason.None);
    await rig.stop();
  });
});

describe('listeners', () => {
  test('one that throws keeps nobody from anything', async () => {
    const rig = await EngineRig.start({}, ['accepted', 'error']);
    const heard: string[] = [];
    rig.engine.on('accepted', () => {
      throw new Error('mine');
    });
    rig.engine.on('accepted', () => heard.push('after'));
    assert.equal(await place(rig), Reason.None);
    assert.equal(await place(rig), Reason.None);
    assert.deepEqual(heard, ['after', 'after']);
    assert.deepEqual(rig.take(), [
      'accepted #1 X buy 1 @ 10.00', 'error during accepted: mine', 'accepted #2 X buy 1 @ 10.00', 'error during accepted: mine',
    ]);
    assert.equal(rig.engine.stats().listenerErrors, 2);
    await rig.stop();
  });

  test('without anybody to tell, its error is a warning of the process', async () => {
    const rig = await EngineRig.start({}, []);
    rig.engine.on('accepted', () => {
      throw new Error('unheard of');
    });
    const warning = new Promise<Error>((resolve) => process.once('warning', resolve));
    await place(rig);
    assert.match((await warning).message, /a listener of accepted threw: Error: unheard of/);
    await rig.stop();
  });

  test('coming and going, also from inside of an event', async () => {
    const rig = await EngineRig.start({}, []);
    const heard: string[] = [];
    const off = rig.engine.on('accepted', () => {
      heard.push('a');
      off();
      off();
      rig.engine.on('accepted', () => heard.push('c'));
    });
    rig.engine.once('accepted', () => heard.push('b'));
    await place(rig);
    await place(rig);
    assert.deepEqual(heard, ['a', 'b', 'c']);
    assert.equal(rig.engine.off('accepted', () => {}), false);
    assert.throws(() => rig.engine.on('acepted' as never, () => {}), /event: expected one of accepted, /);
    assert.throws(() => rig.engine.on('fill', null as never), /listener of fill: expected a function, was object/);
    await rig.stop();
  });

  test('orders from inside of an event are taken up in the next turn', async () => {
    const rig = await EngineRig.start({}, []);
    const seen: number[] = [];
    rig.engine.on('accepted', ({ orderId }) => {
      seen.push(orderId);
      if (orderId < 5) rig.engine.tryPlaceOrder(BUY);
      assert.equal(rig.engine.poll(0), 0, 'a turn is not begun inside of a turn');
    });
    rig.engine.tryPlaceOrder(BUY);
    rig.turn();
    assert.deepEqual(seen, [1, 2, 3, 4, 5]);
    await rig.stop();
  });

  test('a stream gives every event and ends with the engine; one that nobody reads is bounded', async () => {
    const rig = await EngineRig.start({}, []);
    const stream = rig.engine.events('accepted');
    const idle = rig.engine.events('accepted', { max: 2 });
    const aborted = new AbortController();
    const short = rig.engine.events('accepted', { signal: aborted.signal });
    const read: number[] = [];
    const reading = (async () => {
      for await (const { orderId } of stream) read.push(orderId);
    })();
    for (let i = 0; i < 5; i++) await place(rig);
    aborted.abort();
    await place(rig);
    await rig.stop();
    await reading;
    assert.deepEqual(read, [1, 2, 3, 4, 5, 6]);
    assert.equal(idle.dropped, 4);
    assert.deepEqual((await Array.fromAsync(idle)).map(({ orderId }) => orderId), [5, 6]);
    assert.equal((await Array.fromAsync(short)).length, 5);
    assert.throws(() => rig.engine.events('accepted', { max: 0 }), /max: expected a whole number above 0, was 0/);
    assert.deepEqual(await Array.fromAsync(rig.engine.events('accepted')), [], 'after the end there is nothing');
  });

  test('a tap sees every record in place', async () => {
    const rig = await EngineRig.start({}, []);
    const types: number[] = [];
    rig.engine.tap((view, at) => types.push(view.getUint8(at)));
    await place(rig);
    await place(rig, { quantity: 0xffff_fffe });
    assert.deepEqual(types, [1, 4]);
    rig.engine.tap(null);
    await place(rig);
    assert.equal(types.length, 2);
    await rig.stop();
  });
});
