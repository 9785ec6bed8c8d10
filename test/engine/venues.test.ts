// One program on both venues: the same calls in the same order are told the same events, whether the books
// are in this process or on an Outcry exchange, over the memory network and over real sockets on loopback.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Prng } from '../../src/base/prng.ts';
import { OrderType, Reason, Stp, Tif } from '../../src/book/types.ts';
import { chooseNetwork } from '../../src/net/choose_network.ts';
import type { Network } from '../../src/net/transport.ts';
import { ManualClock, MonotonicClock } from '../../src/base/clock.ts';
import { EXCHANGE_DEFAULT, ListenerFraming } from '../../src/exchange/config.ts';
import { Exchange } from '../../src/exchange/exchange.ts';
import { MemoryFabric } from '../../src/net/memory_network.ts';
import { LOGIN_SECURITY, loginSigner } from '../../src/net/signing.ts';
import { freePorts } from '../../src/apps/free_ports.ts';
import { OrderEntry } from '../../src/trader/order_entry.ts';
import { Framing } from '../../src/wire/framing/frame.ts';
import type { TradingEngineConfig } from '../../src/engine/config.ts';
import type { EventName } from '../../src/engine/events.ts';
import { MemoryJournal } from '../../src/engine/input_journal.ts';
import { TradingEngine } from '../../src/engine/trading_engine.ts';
import { closedPort } from '../closed_port.ts';
import { lineOf } from './engine_rig.ts';

const SYMBOLS = ['ES', 'NQ'];
const INSTRUMENTS = [
  { symbol: 'ES', decimals: 2, tickSize: '0.25', ticker: 7 }, { symbol: 'NQ', decimals: 2, tickSize: '0.01', ticker: 9 },
];
const ORDER_EVENTS: readonly EventName[] = [
  'accepted', 'fill', 'canceled', 'rejected', 'modified', 'cancel-rejected', 'modify-rejected',
];
const SEEDS = Math.max(1, Math.floor(Number(process.env['ENGINE_SEEDS'] ?? 100) / 50));
const STEPS = 150;
const STEP_NS = 20_000;
const SECRET = new Uint8Array(32).fill(7);
/** Turns without news after which nothing is under way in the memory network. */
const QUIET_TURNS = 12;
/** Real sockets have delivered long before; nothing is asserted on time. */
const QUIET_MS = 12;

/** A venue with the market's side of it. */
interface Place {
  readonly engine: TradingEngine;
  readonly lines: string[];
  marketAdd(reference: number, book: number, side: 'buy' | 'sell', price: string, quantity: number): void;
  marketCancel(reference: number, book: number): void;
  quiet(): Promise<void>;
  close(): Promise<void>;
}

function listen(engine: TradingEngine): string[] {
  const lines: string[] = [];
  for (const name of ORDER_EVENTS) engine.on(name, (event) => lines.push(lineOf(name, event)));
  return lines;
}

async function embedded(config: TradingEngineConfig): Promise<Place> {
  const clock = new ManualClock();
  const engine = new TradingEngine({ ...config, instruments: INSTRUMENTS, loop: 'manual', clock });
  const lines = listen(engine);
  await engine.start();
  return {
    engine, lines,
    marketAdd: (reference, book, side, price, quantity) =>
      void engine.submitMarketData({ type: 'add', symbol: SYMBOLS[book], reference, side, price, quantity }),
    marketCancel: (reference, book) => void engine.submitMarketData({ type: 'cancel', symbol: SYMBOLS[book], reference }),
    quiet: async () => {
      clock.advance(STEP_NS);
      while (engine.poll(clock.nowNs) > 0);
      await Promise.resolve();
    },
    close: async () => {
      await engine.stop();
    },
  };
}

/** An exchange, a client that is the market, and an engine; in memory or on loopback. */
async function onExchange(
  config: TradingEngineConfig, real: boolean, framing: 'soup' | 'sequenced' | 'bare' = 'soup',
): Promise<Place & { exchange: Exchange; clock: ManualClock }> {
  const fabric = real ? null : new MemoryFabric({ seed: 5 });
  const network = (): Network => (fabric === null ? chooseNetwork().network : fabric.network());
  const networks = [network(), network(), network()];
  const [exchangeNetwork, marketNetwork, engineNetwork] = networks;
  const udp = real ? await freePorts() : 5_000;
  // Over real sockets the engine has to show that it has its key.
  const signs = real && framing === 'soup';
  const exchange = await Exchange.open({
    config: {
      ...EXCHANGE_DEFAULT,
      listeners: [{
        host: '127.0.0.1', port: real ? 0 : 12_345, framing: framing === 'sequenced' ? ListenerFraming.Sequenced : ListenerFraming.Auto,
      }],
      instruments: INSTRUMENTS.map(({ symbol, decimals, tickSize, ticker }) => ({
        symbol, decimals, ticker, tickSize: Number(tickSize) * 100, lotSize: 1, minPrice: Number(tickSize) * 100,
        maxPrice: 0x7fff_ffff * Number(tickSize) * 100,
      })),
      feed: { ...EXCHANGE_DEFAULT.feed, port: udp }, snapshot: { ...EXCHANGE_DEFAULT.snapshot, port: udp + 1 },
      retransmit: { ...EXCHANGE_DEFAULT.retransmit, port: udp + 2 },
      limits: { ...EXCHANGE_DEFAULT.limits, heartbeatNs: 10_000_000 },
      accounts: signs
        ? [{ user: 'ENGINE', password: '', client: 1, owner: null, cancelOnDisconnect: true, keys: [{ id: 'KEY', secret: SECRET }] }]
        : [],
    },
    network: exchangeNetwork, stamp: 1_700_000_000, security: LOGIN_SECURITY,
  });
  const clock = new ManualClock();
  const real_clock = new MonotonicClock();
  const time = (): number => {
    if (fabric === null) clock.nowNs = real_clock.refresh();
    else clock.advance(STEP_NS);
    return clock.nowNs;
  };
  const market = new OrderEntry({ onReady() {}, onResponse() {}, onClosed() {} }, {
    client: 2, framing: framing === 'sequenced' ? Framing.Sequenced : Framing.Bare,
  });
  market.connect(await marketNetwork.connect({ host: '127.0.0.1', port: exchange.ports[0] }), time());
  const engine = new TradingEngine({
    ...config, instruments: INSTRUMENTS, loop: 'manual', clock,
    venue: {
      kind: 'exchange', port: exchange.ports[0], framing, clientId: 1, multicastPort: udp, network: engineNetwork, startTimeoutMs: 60_000,
      ...(signs ? { account: 'ENGINE', signer: loginSigner('KEY', SECRET) } : {}),
    },
  });
  const lines = listen(engine);
  const turn = (): number => {
    const nowNs = time();
    let work = exchange.poll(nowNs);
    marketNetwork.poll();
    work += market.poll(nowNs);
    work += engine.poll(nowNs);
    return work;
  };
  const turnsUntil = async (done: () => boolean): Promise<void> => {
    while (!done()) {
      turn();
      await new Promise((resolve) => setImmediate(resolve));
    }
  };
  let started = false;
  await Promise.all([engine.start().finally(() => (started = true)), turnsUntil(() => started)]);
  return {
    exchange, engine, lines, clock,
    marketAdd: (reference, book, side, price, quantity) => {
      const units = Math.round(Number(price) * 100);
      market.newOrderExtended(
        INSTRUMENTS[book].ticker, reference, 0, side === 'buy' ? 1 : -1, units, 0, quantity, OrderType.Limit, Tif.Gtc, 0, Stp.None, 0, 0, 0, 0, 2,
      );
    },
    marketCancel: (reference, book) => void market.cancel(INSTRUMENTS[book].ticker, reference, 0),
    quiet: async () => {
      const needed = real ? QUIET_MS : QUIET_TURNS;
      for (let quiet = 0; quiet < needed;) {
        const before = lines.length;
        turn();
        quiet = lines.length === before ? quiet + 1 : 0;
        await new Promise((resolve) => (real ? setTimeout(resolve, 1) : setImmediate(resolve)));
      }
    },
    close: async () => {
      let stopped = false;
      await Promise.all([engine.stop().finally(() => (stopped = true)), turnsUntil(() => stopped)]);
      exchange.close(clock.nowNs);
      for (const each of networks) each.close();
    },
  };
}

/** The same calls for every place that this is given; returns what was told after each. */
async function script(place: Place, seed: number, steps: number): Promise<string[][]> {
  const { engine, lines } = place;
  const prng = new Prng(seed);
  const told: string[][] = [];
  const after = async (): Promise<void> => {
    await place.quiet();
    told.push([...lines.splice(0), `depth ${JSON.stringify(SYMBOLS.map((symbol) => shownDepth(engine, symbol)))}`]);
  };
  const price = (book: number): string => (book === 0 ? (100 + prng.below(12) / 4).toFixed(2) : (50 + prng.below(12) / 100).toFixed(2));
  let references = 0;
  let orders = 0;
  const flow: [number, number][] = [];
  for (let step = 0; step < steps; step++) {
    const chance = prng.below(100);
    const book = prng.below(2);
    const side = prng.chance(0.5) ? 'buy' : 'sell';
    const quantity = 1 + prng.below(20);
    if (chance < 30) {
      flow.push([++references, book]);
      place.marketAdd(references, book, side, price(book), quantity);
    } else if (chance < 35 && flow.length > 0) {
      const [[reference, its]] = flow.splice(prng.below(flow.length), 1);
      place.marketCancel(reference, its);
    } else if (chance < 70) {
      const kind = prng.below(10);
      const tif = (['gtc', 'gtc', 'gtc', 'ioc', 'fok', 'day'] as const)[prng.below(6)];
      const rests = tif === 'gtc' || tif === 'day';
      orders += 1;
      const id = engine.tryPlaceOrder({
        symbol: SYMBOLS[book], side, quantity, tif,
        ...(kind === 0 ? {} : kind === 1 ? { stopPrice: price(book) } : { price: price(book) }),
        ...(kind === 2 && rests ? { postOnly: true } : {}), ...(kind === 3 && rests && quantity > 2 ? { displayQuantity: 2 } : {}),
        ...(kind === 4 && tif !== 'fok' ? { minQuantity: 1 + prng.below(quantity) } : {}), ...(kind === 5 ? { clientOrderId: `1844674407370955${orders}` } : {}),
      });
      assert.equal(id, orders);
    } else if (chance < 82 && orders > 0) engine.tryCancelOrder(1 + prng.below(orders));
    else if (chance < 96) {
      const open = engine.orders().filter(({ status }) => status === 'live');
      if (open.length > 0) {
        const { orderId, symbol } = open[prng.below(open.length)];
        engine.tryModifyOrder(orderId, { price: price(SYMBOLS.indexOf(symbol)), quantity });
      }
    } else if (chance < 98) void engine.cancelAll(prng.chance(0.5) ? SYMBOLS[book] : undefined);
    else void engine.kill().then(() => engine.reset());
    await after();
  }
  return told;
}

function shownDepth(engine: TradingEngine, symbol: string): unknown {
  const { bids, asks, last } = engine.book(symbol, 20);
  const levels = (side: typeof bids) => side.map(({ price, qty, orders }) => [price, Number(qty), orders]);
  return [levels(bids), levels(asks), last?.price ?? null, engine.position(symbol).quantity, engine.position(symbol).realizedPnl];
}

const CONFIG: TradingEngineConfig = { maxPositionSize: 500, maxOrderQuantity: 18 };

describe('the same program on both venues', () => {
  for (const framing of ['soup', 'sequenced', 'bare'] as const) {
    test(`random calls are told the same, exchange over the memory network, ${framing}`, async () => {
      for (let seed = 1; seed <= SEEDS; seed++) {
        const here = await embedded(CONFIG);
        const there = await onExchange(CONFIG, false, framing);
        const [expected, actual] = [await script(here, seed, STEPS), await script(there, seed, STEPS)];
        // Without a mass cancel on the wire orders are cancelled one by one, in another order than the exchange's own.
        const inOrder = (lines: string[]): string[] => (framing === 'soup' ? lines : lines.toSorted());
        for (const [step, lines] of expected.entries()) {
          assert.deepEqual(inOrder(actual[step]), inOrder(lines), `seed ${seed} step ${step}`);
        }
        there.engine.checkInvariants();
        await here.close();
        await there.close();
      }
    });
  }

  test('random calls are told the same, exchange on loopback sockets', async () => {
    const here = await embedded(CONFIG);
    const there = await onExchange(CONFIG, true);
    const [expected, actual] = [await script(here, 77, 60), await script(there, 77, 60)];
    for (const [step, lines] of expected.entries()) assert.deepEqual(actual[step], lines, `step ${step}`);
    await here.close();
    await there.close();
  });
});

describe('an exchange as the venue', () => {
  test('promises are answered over the wire; its feed is the market, so market data is not taken', async () => {
    const place = await onExchange({}, false);
    const { engine } = place;
    place.marketAdd(1, 0, 'sell', '101.00', 10);
    await place.quiet();
    const order = engine.placeOrder({ symbol: 'ES', side: 'buy', price: '101.00', quantity: 4, tif: 'ioc' });
    await place.quiet();
    assert.deepEqual([(await order).status, (await order).executions.length], ['filled', 1]);
    assert.equal(engine.submitMarketData({ type: 'quote', symbol: 'ES', bid: 1, bidQuantity: 1 }), -Reason.Unsupported);
    assert.equal(engine.tryPlaceOrder({ symbol: 'ZZ', side: 'buy', price: 1, quantity: 1 }), -Reason.UnknownTicker);
    await place.close();
  });

  test('the inputs that came over the wire, replayed without one, give the same state', async () => {
    const journal = new MemoryJournal();
    const place = await onExchange({ ...CONFIG, journal }, false);
    await script(place, 5, 80);
    const hash = place.engine.stateHash();
    const count = journal.inputs.length;
    assert.ok(count > 200, `${count} inputs`);
    assert.equal(journal.synced, count);
    await place.close();
    const again = new TradingEngine({
      ...CONFIG, instruments: INSTRUMENTS, loop: 'manual',
      venue: { kind: 'exchange', network: new MemoryFabric().network(), startTimeoutMs: 1 }, replay: journal.inputs.slice(0, count),
    });
    // Nobody answers; the replay comes before that.
    await assert.rejects(again.start());
    assert.equal(again.stateHash(), hash);
  });

  test('a session that breaks and comes back is told; orders are refused in between, answers are not lost', async () => {
    const place = await onExchange({}, false);
    const { engine, exchange } = place;
    const told: string[] = [];
    engine.on('venue', (event) => told.push(lineOf('venue', event)));
    engine.tryPlaceOrder({ symbol: 'ES', side: 'buy', price: '90.00', quantity: 8 });
    await place.quiet();
    assert.equal(engine.orders().length, 1);
    assert.ok(exchange.controls.logout(1));
    await place.quiet();
    assert.deepEqual(told, ['venue down fresh']);
    const refused = engine.placeOrder({ symbol: 'ES', side: 'buy', price: '91.00', quantity: 8 });
    await place.quiet();
    assert.equal((await refused).reason, Reason.NotLoggedIn);
    for (let turns = 0; turns < 200 && told.length < 2; turns++) {
      place.clock.advance(5_000_000);
      await place.quiet();
    }
    assert.equal(told.at(-1), 'venue connected fresh');
    await place.quiet();
    // Cancelled by the exchange when the session broke, and told when it came back.
    assert.deepEqual(engine.orders(), []);
    assert.ok(place.lines.some((line) => line.startsWith('canceled #1 ES buy 8')), place.lines.join('\n'));
    const order = engine.placeOrder({ symbol: 'ES', side: 'buy', price: '91.00', quantity: 8 });
    await place.quiet();
    assert.equal((await order).status, 'accepted');
    engine.checkInvariants();
    await place.close();
  });

  test('flatten: everything is cancelled and traded away before the session ends', async () => {
    const place = await onExchange({ shutdown: { policy: 'flatten' } }, false);
    const { engine } = place;
    place.marketAdd(1, 0, 'sell', '101.00', 10);
    place.marketAdd(2, 0, 'buy', '100.00', 3);
    place.marketAdd(3, 0, 'buy', '99.75', 10);
    await place.quiet();
    engine.tryPlaceOrder({ symbol: 'ES', side: 'buy', price: '101.00', quantity: 8 });
    engine.tryPlaceOrder({ symbol: 'ES', side: 'buy', price: '90.00', quantity: 8 });
    await place.quiet();
    assert.equal(engine.position('ES').quantity, 8);
    await place.close();
    assert.equal(engine.position('ES').quantity, 0);
    assert.deepEqual((await engine.stop()).complete, true);
  });

  test('an exchange that is not there is said', async (t) => {
    const port = await closedPort(t);
    const engine = new TradingEngine({ instruments: INSTRUMENTS, venue: { kind: 'exchange', port, multicastPort: await freePorts() } });
    await assert.rejects(engine.start(), new RegExp(`127\\.0\\.0\\.1:${port}\\b`));
    assert.notEqual(engine.failure, null);
    await assert.rejects(engine.stop());
  });
});
