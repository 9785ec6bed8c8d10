import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { DecimalError, formatDecimal, parseDecimal } from '../base/decimal.ts';
import { Checker } from './checker.ts';
import { isSymbol, wholeInstruments, type SymbolTable } from './symbol_table.ts';

function tableOf(given: Record<string, unknown>, onExchange = false): SymbolTable {
  const check = new Checker();
  const table = wholeInstruments(check, given, onExchange);
  check.end();
  return table;
}

/** What a price is by the long way, in ticks; the message of its refusal otherwise. */
function longWay(price: string, decimals: number, tickUnits: bigint): number | string {
  try {
    const units = parseDecimal(price, decimals);
    if (units % tickUnits !== 0n) return 'grid';
    const ticks = Number(units / tickUnits);
    return Math.abs(ticks) <= 2 ** 31 - 1 ? ticks : 'range';
  } catch (error) {
    assert.ok(error instanceof DecimalError);
    return 'decimal';
  }
}

test('prices become ticks exactly, by the short way as by the long one', () => {
  const digits = fc.stringMatching(/^[+-]?\d{0,12}(\.\d{0,10})?$/);
  const noise = fc.stringMatching(/^[-+ .eE0-9]{0,18}$/);
  fc.assert(fc.property(fc.oneof(digits, noise), fc.integer({ min: 0, max: 8 }), fc.integer({ min: 1, max: 500 }), (price, decimals, tickUnits) => {
    const table = tableOf({ instruments: [{ symbol: 'X', decimals, tickSize: formatDecimal(BigInt(tickUnits), decimals) }] });
    const expected = longWay(price, decimals, BigInt(tickUnits));
    let actual: number | string;
    try {
      actual = table.ticksOf(0, price);
    } catch (error) {
      assert.ok(error instanceof RangeError);
      actual = error.message.includes('multiple') ? 'grid' : error.message.includes('within') ? 'range' : 'decimal';
    }
    assert.equal(actual, expected === -0 ? 0 : expected, `${price} with ${decimals} decimals in ticks of ${tickUnits}`);
  }), { numRuns: 3_000 });
});

test('numbers stand for what they print as', () => {
  const table = tableOf({ instruments: [{ symbol: 'X' }] });
  assert.equal(table.ticksOf(0, 0.29), 29);
  assert.equal(table.ticksOf(0, 1.1), 110);
  assert.equal(table.priceText(0, 110), '1.10');
  assert.throws(() => table.ticksOf(0, NaN), RangeError);
  assert.throws(() => table.ticksOf(0, 1e21), RangeError);
});

test('half a unit of doubled money has one decimal more', () => {
  const table = tableOf({ instruments: [{ symbol: 'X', tickSize: '0.05' }] });
  assert.equal(table.money2Text(0, 3), '0.075');
  assert.equal(table.money2Text(0, -4), '-0.10');
  assert.equal(table.portfolio2Text(5), '0.025');
});

test('places: declared ones first, then whoever comes, then none', () => {
  const table = tableOf({ instruments: [{ symbol: 'A' }], instrumentsMax: 3 });
  assert.deepEqual([table.count, table.instruments.count, table.bookOf('A'), table.bookOf('B')], [1, 3, 0, -1]);
  for (const [symbol, place] of [['B', 1], ['C', 2]] as const) {
    assert.equal(table.placeFor(symbol), place);
    assert.equal(table.name(symbol), place);
  }
  assert.equal(table.placeFor('D'), -1);
  assert.deepEqual([table.symbolOf(2), table.symbolOf(7)], ['C', '#7']);
  assert.equal(tableOf({ instruments: [{ symbol: 'A' }], defaultInstrument: null }).placeFor('B'), -1);
  assert.equal(tableOf({ instruments: [{ symbol: 'A' }] }, true).placeFor('B'), -1, 'never on an exchange');
});

test('others are like defaultInstrument', () => {
  const table = tableOf({ defaultInstrument: { decimals: 4, tickSize: '0.0005', lotSize: 10 } });
  table.name('EURUSD');
  assert.equal(table.ticksOf(0, '1.0845'), 2_169);
  assert.equal(table.instruments.lots[0], 10);
});

test('what a symbol may be', () => {
  for (const good of ['X', 'BTC-USDT', 'ES.FUT', 'A'.repeat(24)]) assert.ok(isSymbol(good), good);
  for (const bad of ['', ' ', 'A B', '#1', 'A'.repeat(25), 'ü', 3, null]) assert.equal(isSymbol(bad), false, String(bad));
});

test('an exchange’s instruments are declared; two of one name are a fault', () => {
  assert.throws(() => tableOf({}, true), /instruments: an exchange’s are to be declared/);
  assert.throws(() => tableOf({ instruments: [{ symbol: 'A' }, { symbol: 'A' }] }), /different symbols, was "A" twice/);
  assert.throws(() => tableOf({ instruments: [{ symbol: 'A' }, { symbol: 'B' }], instrumentsMax: 1 }), /expected at least the 2 declared, was 1/);
});
