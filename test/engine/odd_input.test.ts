// What a program without types can hand to an engine: it is told what was expected, the engine goes on as before.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { MemoryJournal } from '../../src/engine/input_journal.ts';
import { TradingEngine } from '../../src/engine/trading_engine.ts';

const cyclic: Record<string, unknown> = {};
cyclic['self'] = cyclic;
const ODD: readonly unknown[] = [
  null, undefined, true, NaN, -1, 1.5, Infinity, 2 ** 60, '', ' ', 'x', '__proto__', 'constructor', -1n, 2n ** 70n, Symbol('s'),
  {}, [], Object.create(null), () => 1, { id: 5n }, cyclic,
];

describe('odd input', () => {
  const engine = new TradingEngine({ instruments: [{ symbol: 'X' }] });
  before(() => engine.start());
  after(() => engine.stop());
  const order = { symbol: 'X', side: 'buy', price: '10', quantity: 1 };
  const quote = { type: 'quote', symbol: 'X', bid: '9', bidQuantity: 1, ask: '11', askQuantity: 1 };
  const execution = { symbol: 'X', side: 'buy', price: '10', quantity: 1 };
  const each = (name: string, good: object, call: (given: never) => unknown): [string, (value: unknown) => unknown][] =>
    Object.keys(good).map((key) => [`${name} with ${key}`, (value) => call({ ...good, [key]: value } as never)]);

  const calls: readonly [string, (value: never) => unknown][] = [
    ['new TradingEngine', (value) => new TradingEngine(value)],
    ['placeOrder', (value) => engine.placeOrder(value)], ['tryPlaceOrder', (value) => engine.tryPlaceOrder(value)],
    ['modifyOrder', (value) => engine.modifyOrder(value, { quantity: 1 })],
    ['changes', (value) => engine.modifyOrder(1, value)], ['cancelOrder', (value) => engine.cancelOrder(value)],
    ['tryCancelOrder', (value) => engine.tryCancelOrder(value)], ['order', (value) => engine.order(value)],
    ['submitMarketData', (value) => engine.submitMarketData(value)], ['recordExecution', (value) => engine.recordExecution(value)],
    ['book', (value) => engine.book(value)], ['position', (value) => engine.position(value)], ['metrics', (value) => engine.metrics(value)],
    ['instrument', (value) => engine.instrument(value)], ['declare', (value) => engine.declare(value)],
    ['setAutoTrading', (value) => engine.setAutoTrading(value)], ['tap', (value) => engine.tap(value)],
    ['on', (value) => engine.on(value, () => {})], ['listener', (value) => engine.on('fill', value)],
    ['reconfigure', (value) => engine.reconfigure(value)],
    ...each('placeOrder', { ...order, type: 0, tif: 0, stopPrice: 0, displayQuantity: 0, minQuantity: 0, selfTrade: 0, clientOrderId: 0 }, (given) => engine.placeOrder({ ...order, ...given as object } as never)),
    ...each('submitMarketData', quote, (given) => engine.submitMarketData(given)),
    ...each('recordExecution', execution, (given) => engine.recordExecution(given)),
  ];
  for (const [name, call] of calls) {
    test(name, async () => {
      let refused = 0;
      for (const value of ODD) {
        try {
          await call(value as never);
        } catch (error) {
          refused++;
          assert.ok(error instanceof Error && ['RangeError', 'TypeError', 'ConfigurationError'].includes(error.name), String(error));
          assert.match(error.message, /expected|unknown key/);
          assert.doesNotMatch(error.message, /Cannot|undefined \(reading|serialize|circular/);
        }
      }
      assert.ok(refused > 0, 'some of it is refused');
      engine.tap(null);
      engine.checkInvariants();
    });
  }
});

// Limits of symbols were looked up in an object of the caller's, where every symbol called `constructor` had some:
// the engine could neither be reconfigured nor stopped any more.
test('symbols with the names of what every object has are symbols like others', async () => {
  const engine = new TradingEngine({});
  await engine.start();
  for (const symbol of ['constructor', '__proto__', 'toString', 'hasOwnProperty']) {
    assert.equal(engine.declare(symbol)?.symbol, symbol);
    assert.equal(engine.submitMarketData({ type: 'quote', symbol, bid: 9, bidQuantity: 5, ask: 11, askQuantity: 5 }), 0);
    assert.equal((await engine.placeOrder({ symbol, side: 'buy', price: 11, quantity: 2 })).executed, 2);
  }
  assert.equal((await engine.reconfigure({ maxOrderQuantity: 5 })).ok, true);
  const { positions } = await engine.stop();
  assert.deepEqual(Object.entries(positions), [['constructor', 2], ['__proto__', 2], ['toString', 2], ['hasOwnProperty', 2]]);
});

// In JSON, as inputs are kept, Infinity is null: lifting a limit was refused as malformed when it came to its turn.
test('a limit can be lifted while the engine runs, and after a replay it is', async () => {
  const journal = new MemoryJournal();
  const engine = new TradingEngine({ instruments: [{ symbol: 'X' }], maxPortfolioValue: 100, journal });
  await engine.start();
  engine.submitMarketData({ type: 'quote', symbol: 'X', bid: 99, bidQuantity: 5, ask: 100, askQuantity: 5 });
  const buy = async (from: TradingEngine): Promise<boolean> => (await from.placeOrder({ symbol: 'X', side: 'buy', price: 100, quantity: 2 })).ok;
  assert.equal(await buy(engine), false);
  assert.equal((await engine.reconfigure({ maxPortfolioValue: Infinity })).ok, true);
  assert.equal(await buy(engine), true);
  const again = new TradingEngine({ instruments: [{ symbol: 'X' }], maxPortfolioValue: 100, replay: journal.inputs.slice() });
  await again.start();
  assert.equal(again.stateHash(), engine.stateHash());
  assert.equal(await buy(again), true);
  await Promise.all([engine.stop(), again.stop()]);
});
