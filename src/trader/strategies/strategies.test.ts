// The built-in strategies on the strategy runner, against a real matching engine: end to end, the same twice,
// random markets with faults, planted mistakes, and the heap.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { leastHeapPerOperation } from '../../../bench/harness/heap.ts';
import { Reason, Side, Tif } from '../../book/types.ts';
import { ResponseType } from '../../wire/generated/native.ts';
import { PRICE_TICKS_NONE, TraderInstruments, plainInstruments } from '../instruments.ts';
import type { OrderSink } from '../order_manager.ts';
import { LIMIT_NONE, RISK_LIMITS_DEFAULT } from '../risk.ts';
import { StrategyRunner, type MarketTop } from '../strategy_runner.ts';
import type { StrategyDefinition } from './parameters.ts';
import { createStrategy, STRATEGIES, strategyNamed } from './strategies.ts';
import { fuzzStrategy } from './strategies.fuzz.ts';
import type { Desk, Strategy } from './strategy.ts';
import { ReferenceVenue } from './venue.reference.ts';

const SEEDS = Number(process.env['STRATEGIES_SEEDS'] ?? 12);
const MS = 1_000_000;
const LIMITS = { ...RISK_LIMITS_DEFAULT, maxLoss: LIMIT_NONE };

describe('end to end', () => {
  const instruments = new TraderInstruments(plainInstruments([1]));

  /** A runner in a market of 99.90 × 100.10 of the others, whatever was asked for already handled. */
  function inMarket(strategy: Strategy, bidQty = 10, askQty = 10): { venue: ReferenceVenue; runner: StrategyRunner } {
    const venue = new ReferenceVenue({ seed: 1, instruments });
    const runner = venue.connect({ strategy, limits: LIMITS, timerNs: 5 * MS });
    venue.order(0, Side.Buy, 9990, bidQty);
    venue.order(0, Side.Sell, 10_010, askQty);
    venue.pass(MS);
    return { venue, runner };
  }

  test('market-maker: quotes both sides, is hit, is skewed, withdraws', () => {
    const { venue, runner } = inMarket(createStrategy(strategyNamed('market-maker')!, instruments));
    assert.deepEqual(venue.requests, ['new 1 0 1 9950 100 1', 'new 2 0 -1 10050 100 1']);

    venue.order(0, Side.Sell, 9950, 110, Tif.Ioc); // the market's 10 and our 100
    venue.pass(2 * MS);
    assert.equal(runner.positions.position(0), 100);
    // The bid side is empty: nothing is known, nothing is quoted. The book was heard of before the fill, so
    // the bid is cancelled too; that comes too late and does no harm.
    assert.deepEqual(venue.requests.slice(2), ['cancel 1', 'cancel 2']);
    assert.equal(venue.open.size, 0);

    venue.order(0, Side.Buy, 9990, 10);
    venue.pass(2 * MS);
    assert.deepEqual(venue.requests.slice(4), ['new 3 0 1 9950 95 1', 'new 4 0 -1 10050 100 1']);
    runner.stop(venue.nowNs);
    venue.pass(MS);
    assert.equal(venue.open.size, 0);
  });

  test('market-maker-bps: quotes around the mid, a fill shifts both', () => {
    const strategy = createStrategy(strategyNamed('market-maker-bps')!, instruments, {
      spread_bps: 10, max_inventory: 200, skew_factor: 1, quote_refresh_nanos: 10 * MS,
    });
    const { venue, runner } = inMarket(strategy);
    // mid 10000, half 5; inside the market, so the mid stays
    assert.deepEqual(venue.requests, ['new 1 0 1 9995 100 1', 'new 2 0 -1 10005 100 1']);
    venue.order(0, Side.Sell, 9995, 100, Tif.Ioc);
    venue.pass(MS);
    assert.equal(runner.positions.position(0), 100);
    assert.equal(venue.requests.length, 2, 'nothing new within the refresh interval');
    venue.pass(10 * MS);
    // 9990 × 10005: mid 9997.5, half 4.99875, shift = 100 / 200 · half = 2.499: 9990.002 and 9999.997
    assert.deepEqual(venue.requests.slice(2), ['new 3 0 1 9990 100 1', 'modify 2 10000 100']);
  });

  test('liquidity-taker: takes through the touch and leaves no rest behind', () => {
    const strategy = createStrategy(strategyNamed('liquidity-taker')!, instruments, { signal_threshold: 0.2 });
    const { venue, runner } = inMarket(strategy, 90, 10);
    // imbalance 0.8, signal 0.24; limit 10010 + 10.01
    assert.deepEqual(venue.requests, ['new 1 0 1 10020 100 3']);
    assert.equal(runner.positions.position(0), 10);
    assert.equal(venue.open.size, 0);
    assert.equal(runner.orders.liveOrders, 0);
  });

  test('spread-arbitrage: buys the imbalance, sells what it has', () => {
    const strategy = createStrategy(strategyNamed('spread-arbitrage')!, instruments);
    const { venue, runner } = inMarket(strategy, 200, 100);
    assert.deepEqual(venue.requests, ['new 1 0 1 10010 100 3']);
    assert.equal(runner.positions.position(0), 100);
    venue.pass(100 * MS);
    venue.order(0, Side.Sell, 10_020, 10);
    venue.pass(MS);
    assert.deepEqual(venue.requests.slice(1), ['new 2 0 -1 9990 100 3']);
    assert.equal(runner.positions.position(0), 0);
  });

  test('stale books: quotes are withdrawn, and placed again when they are fresh', () => {
    const { venue, runner } = inMarket(createStrategy(strategyNamed('market-maker')!, instruments));
    runner.onFresh(false, venue.nowNs);
    venue.pass(10 * MS);
    assert.equal(venue.open.size, 0);
    runner.onFresh(true, venue.nowNs);
    venue.pass(10 * MS);
    assert.equal(venue.open.size, 2);
  });

  test('a strategy sees the top after the message, also after a clear (known mistake 15)', () => {
    const seen: string[] = [];
    const venue = new ReferenceVenue({ seed: 1, instruments });
    const { touch } = venue.engine;
    const probe: Strategy = {
      name: 'probe',
      onMarketData(book, { features }) {
        touch.readTop(book);
        assert.deepEqual(
          [features.bidTicks(book), features.bidQty(book), features.askTicks(book), features.askQty(book)],
          [touch.bidTicks, touch.bidQty, touch.askTicks, touch.askQty],
        );
        seen.push(features.known(book) ? `${features.bidTicks(book)} × ${features.askTicks(book)}` : 'unknown');
      },
    };
    venue.connect({ strategy: probe, limits: LIMITS });
    venue.order(0, Side.Buy, 99, 5);
    venue.order(0, Side.Sell, 101, 5);
    venue.order(0, Side.Buy, 101, 5, Tif.Ioc);
    venue.order(0, Side.Sell, 102, 5);
    venue.clear(0);
    assert.deepEqual(seen, ['unknown', 'unknown', '99 × 101', 'unknown', '99 × 102', 'unknown']);
  });
});

describe('random markets', () => {
  for (const definition of STRATEGIES) {
    test(`${definition.name}: latency, refusals, stale books, ${SEEDS} seeds`, () => {
      let requests = 0;
      let fills = 0;
      for (let seed = 1; seed <= SEEDS; seed++) {
        const fuzzed = fuzzStrategy(definition, seed);
        requests += fuzzed.requests;
        fills += fuzzed.fills;
      }
      assert.ok(requests > 2 * SEEDS && fills > SEEDS, `${requests} requests, ${fills} fills`);
    });

    test(`${definition.name}: the same seed leads to the same requests`, () => {
      const hashes = [3, 3, 4].map((seed) => fuzzStrategy(definition, seed).hash);
      assert.equal(hashes[0], hashes[1]);
      assert.notEqual(hashes[0], hashes[2]);
    });
  }

  const planted: readonly (readonly [what: string, act: (book: number, desk: Desk) => void, message: RegExp])[] = [
    [
      'an order with each update instead of a quote that moves',
      (book, desk) => void desk.order(book, Side.Buy, desk.features.bidTicks(book), desk.instruments.lots[book], Tif.Gtc),
      /one live quote a side/,
    ],
    [
      'a strategy that throws',
      (book, desk) => {
        if (desk.features.imbalance(book) > 0.5) throw new Error('too heavy');
      },
      /no strategy throws/,
    ],
  ];
  for (const [what, act, message] of planted) {
    test(`found when planted: ${what}`, () => {
      const definition: StrategyDefinition = {
        name: 'market-maker-planted', about: '', parameters: {},
        create: () => ({
          name: 'planted',
          onMarketData: (book, desk) => {
            if (desk.features.known(book)) act(book, desk);
          },
        }),
      };
      let found = '';
      for (let seed = 1; seed <= 20 && found === ''; seed++) {
        try {
          fuzzStrategy(definition, seed);
        } catch (error) {
          assert.ok(error instanceof Error);
          found = String(error.cause);
        }
      }
      assert.match(found, message);
    });
  }
});

/** A market that a test writes: one price level a side. */
class PlainMarket implements MarketTop {
  bidTicks = PRICE_TICKS_NONE;
  bidQty = 0;
  askTicks = PRICE_TICKS_NONE;
  askQty = 0;

  readTop(): void {
    // What was written last is the top of every book.
  }

  depthQty(): number {
    return 0;
  }
}

/** Takes everything and keeps the last requests, so that a test can answer them without allocating. */
class PlainSink implements OrderSink {
  requests = 0;
  /** Words of a request: kind (1 new, 2 cancel, 3 modify), order, side, price, quantity, time in force. */
  readonly words = new Int32Array(6 * 64);
  waiting = 0;

  newOrder(_book: number, orderId: number, side: number, priceTicks: number, qty: number, tif: number): boolean {
    return this.#keep(1, orderId, side, priceTicks, qty, tif);
  }

  cancel(_book: number, orderId: number): boolean {
    return this.#keep(2, orderId, 0, 0, 0, 0);
  }

  modify(_book: number, orderId: number, side: number, priceTicks: number, chainQty: number): boolean {
    return this.#keep(3, orderId, side, priceTicks, chainQty, 0);
  }

  massCancel(): boolean {
    return true;
  }

  #keep(kind: number, orderId: number, side: number, priceTicks: number, qty: number, tif: number): boolean {
    const at = 6 * this.waiting++;
    const { words } = this;
    words[at] = kind;
    words[at + 1] = orderId;
    words[at + 2] = side;
    words[at + 3] = priceTicks;
    words[at + 4] = qty;
    words[at + 5] = tif;
    this.requests++;
    return true;
  }
}

const UPDATES = 2000;
const BYTES_MAX = 0.1;

const HEAP_CASES: readonly (readonly [name: string, given: Readonly<Record<string, number>>])[] = [
  ['market-maker', { priceUpdateThreshold: 1, quoteRefreshNanos: 1 }],
  ['market-maker-bps', { quoteRefreshNanos: 1 }],
  ['liquidity-taker', { signalThreshold: 0, orderIntervalMs: 0 }],
  ['spread-arbitrage', { cooldownMs: 0, minSpread: 0 }],
  ['spread-arbitrage', { cooldownMs: 0, minSpread: 0, rest: 1 }],
];

describe('heap', () => {
  for (const [name, given] of HEAP_CASES) {
    test(`${name} ${JSON.stringify(given)}: an update, its requests, their answers and fills allocate nothing`, async () => {
      const instruments = new TraderInstruments(plainInstruments([1, 2]));
      const market = new PlainMarket();
      const sink = new PlainSink();
      const strategy = createStrategy(strategyNamed(name)!, instruments, given);
      const limits = { ...LIMITS, maxPosition: 1_000_000, maxPositionTotal: LIMIT_NONE, ordersPerSecond: 1_000_000 };
      const runner = new StrategyRunner({ instruments, market, limits, strategy, sink });
      runner.start(0);
      runner.onConnected(true, 0);
      runner.onFresh(true, 0);
      // New orders are accepted and every third is filled at once; of the rest, what is IOC ends.
      const answer = (nowNs: number): void => {
        const { words } = sink;
        for (let i = 0; i < sink.waiting; i++) {
          const at = 6 * i;
          const orderId = words[at + 1];
          const side = words[at + 2];
          const price = words[at + 3];
          const qty = words[at + 4];
          if (words[at] === 1) {
            runner.onResponse(ResponseType.Accepted, 0, orderId, side, price, 0, qty, nowNs);
            if (orderId % 3 === 0) runner.onResponse(ResponseType.Filled, 0, orderId, side, price, qty, 0, nowNs);
            else if (words[at + 5] === Tif.Ioc) runner.onResponse(ResponseType.Expired, 0, orderId, side, price, 18, qty, nowNs);
          } else if (words[at] === 2) {
            runner.onResponse(ResponseType.Canceled, 0, orderId, 0, 0, 0xffff_ffff, runner.orders.leaves(orderId), nowNs);
          } else runner.onResponse(ResponseType.Modified, 0, orderId, side, price, 0, qty, nowNs);
        }
        sink.waiting = 0;
      };
      let startNs = 0;
      const round = (): void => {
        let nowNs = startNs;
        for (let i = 0; i < UPDATES; i++) {
          const bid = 10_000 + ((i * 7) & 31);
          market.bidTicks = bid;
          market.bidQty = 10 + (i & 63);
          market.askTicks = bid + 20;
          market.askQty = 80 - (i & 63);
          nowNs += 10_000;
          if ((i & 7) === 0) runner.onTrade(0, i & 8 ? 1 : -1, bid, 5, nowNs);
          runner.onUpdate(0, nowNs);
          answer(nowNs);
          if ((i & 255) === 0) runner.poll(nowNs);
        }
        startNs = nowNs;
      };
      const least = await leastHeapPerOperation(round, UPDATES, BYTES_MAX);
      assert.ok(sink.requests > UPDATES, `${sink.requests} requests`);
      assert.equal(runner.fault, null);
      assert.equal(runner.refused[Reason.Rate], 0);
      assert.ok(least <= BYTES_MAX, `${least} bytes an update, expected at most ${BYTES_MAX}`);
    });
  }
});
