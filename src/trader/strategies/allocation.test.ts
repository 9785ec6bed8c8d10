// The callbacks of the built-in strategies allocate nothing: at most 0.1 byte a call, whatever the time.
//
// A file of its own, for a process in which strategies see one class of desk, as they do when they trade:
// where V8 has seen several, it reads a time as a number on the heap.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { leastHeapPerOperation } from '../../../bench/harness/heap.ts';
import { Reason } from '../../book/types.ts';
import { FeatureEngine } from '../features.ts';
import { PRICE_TICKS_NONE, TraderInstruments, plainInstruments } from '../instruments.ts';
import { OrderStatus } from '../order_manager.ts';
import { PositionKeeper } from '../position_keeper.ts';
import { createStrategy, strategyNamed } from './strategies.ts';
import type { Desk } from './strategy.ts';

const UPDATES = 2000;
const BYTES_MAX = 0.1;

/** A desk that takes everything and writes nothing down. */
class SilentDesk implements Desk {
  nowNs = 1.7e18;
  calls = 0;
  trading = true;
  readonly instruments = new TraderInstruments(plainInstruments([1, 2]));
  readonly features = new FeatureEngine(2);
  readonly positions = new PositionKeeper(this.instruments);
  readonly #ticks = new Int32Array(2).fill(PRICE_TICKS_NONE);
  readonly #qty = new Int32Array(2);

  quote(_book: number, side: number, priceTicks: number, qty: number): Reason {
    this.calls++;
    this.#ticks[side > 0 ? 0 : 1] = qty > 0 ? priceTicks : PRICE_TICKS_NONE;
    this.#qty[side > 0 ? 0 : 1] = qty;
    return this.calls % 7 === 0 ? Reason.Rate : Reason.None;
  }

  quoteTicks(_book: number, side: number): number {
    return this.#ticks[side > 0 ? 0 : 1];
  }

  quoteQty(_book: number, side: number): number {
    return this.#qty[side > 0 ? 0 : 1];
  }

  order(): number {
    return ++this.calls;
  }

  cancel(): boolean {
    return true;
  }

  cancelAll(): void {
    this.#qty.fill(0);
  }

  depthQty(): number {
    return 0;
  }

  maxOrderQty(): number {
    return 100;
  }

  maxPosition(): number {
    return 1000;
  }
}

const CASES: readonly (readonly [name: string, given: Readonly<Record<string, number>>])[] = [
  ['market-maker', { priceUpdateThreshold: 1, quoteRefreshNanos: 1 }],
  ['market-maker-bps', { quoteRefreshNanos: 1 }],
  ['liquidity-taker', { signalThreshold: 0, orderIntervalMs: 0 }],
  ['spread-arbitrage', { cooldownMs: 0, minSpread: 0 }],
  ['spread-arbitrage', { cooldownMs: 0, minSpread: 0, rest: 1 }],
];

for (const [name, given] of CASES) {
  test(`${name} ${JSON.stringify(given)}: callbacks allocate nothing, however large the time`, async () => {
    const desk = new SilentDesk();
    const strategy = createStrategy(strategyNamed(name)!, desk.instruments, given);
    const round = (): void => {
      for (let i = 0; i < UPDATES; i++) {
        const bid = 10_000 + ((i * 7) & 31);
        desk.nowNs += 2 ** 27;
        desk.features.onTop(0, bid, (i & 127) === 0 ? 0 : 10 + (i & 63), bid + 20, 80 - (i & 63));
        strategy.onMarketData(0, desk);
        if ((i & 15) === 3) strategy.onFill?.(0, i, i & 16 ? 1 : -1, bid, 5, desk);
        if ((i & 15) === 7) strategy.onOrder?.(0, i, i & 16 ? OrderStatus.Live : OrderStatus.Done, Reason.State, desk);
        if ((i & 15) === 11) strategy.onTimer?.(desk);
      }
    };
    const least = await leastHeapPerOperation(round, UPDATES, BYTES_MAX);
    assert.ok(desk.calls > UPDATES, `${desk.calls} calls`);
    assert.ok(least <= BYTES_MAX, `${least} bytes an update, expected at most ${BYTES_MAX}`);
  });
}
