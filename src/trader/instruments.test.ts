import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { BOOK_UNKNOWN, MID2_NONE, PRICE_TICKS_NONE, TraderInstruments, plainInstruments } from './instruments.ts';

const AAPL = { ticker: 3, symbol: 'AAPL', decimals: 2, tickUnits: 5, lotSize: 1 };
const BTC = { ticker: 900_000, symbol: 'BTC-USDT', decimals: 8, tickUnits: 1_000_000, lotSize: 10, minPriceTicks: -50, maxPriceTicks: 10_000_000 };
const TWO = new TraderInstruments([AAPL, BTC]);

test('books are found by ticker and by symbol', () => {
  assert.deepEqual([TWO.bookOf(3), TWO.bookOf(900_000), TWO.bookOf(4), TWO.bookOf(900_001)], [0, 1, BOOK_UNKNOWN, BOOK_UNKNOWN]);
  assert.deepEqual([TWO.bookOfSymbol('BTC-USDT'), TWO.bookOfSymbol('BTC')], [1, BOOK_UNKNOWN]);
  assert.deepEqual(plainInstruments([1, 7])[1], { ticker: 7, symbol: 'T7', decimals: 2, tickUnits: 1, lotSize: 1 });
});

test('none values are no prices, and the sum of two is no mid', () => {
  assert.ok(PRICE_TICKS_NONE < TWO.minTicks[1]);
  assert.ok(MID2_NONE < 2 * -(2 ** 31 - 1));
});

test('decimal text becomes ticks exactly, or not at all', () => {
  assert.equal(TWO.ticksOf(0, '150.25'), 3005);
  assert.equal(TWO.ticksOf(1, 50_000.12), 5_000_012);
  assert.equal(TWO.ticksOf(1, '-0.50'), -50);
  assert.equal(TWO.priceText(0, 3005), '150.25');
  assert.equal(TWO.priceText(1, 1), '0.01000000');
  assert.throws(() => TWO.ticksOf(0, '150.26'), /price of AAPL: expected a multiple of 0.05, was 150.26/);
  assert.throws(() => TWO.ticksOf(0, '0'), /price of AAPL: expected 1 … 2147483647 ticks, was 0/);
  assert.throws(() => TWO.ticksOf(1, 100_000.01), /price of BTC-USDT: expected -50 … 10000000 ticks, was 10000001/);
  assert.throws(() => TWO.ticksOf(0, 'NaN'), /expected a decimal number/);
});

test('wire prices become ticks and back, every half of them', () => {
  fc.assert(fc.property(fc.integer({ min: -(2 ** 31) + 1, max: 2 ** 31 - 1 }), fc.constantFrom(0, 1), (ticks, book) => {
    const [lo, hi] = [TWO.unitsLo(book, ticks), TWO.unitsHi(book, ticks)];
    assert.equal((BigInt(hi) << 32n) + BigInt(lo), BigInt.asUintN(64, BigInt(ticks) * BigInt(TWO.tickUnits[book])));
    assert.equal(TWO.ticksOfUnits(book, lo, hi), ticks);
    assert.equal(TWO.ticksOfUnits(book, lo + 1 < 2 ** 32 ? lo + 1 : lo - 1, hi), PRICE_TICKS_NONE, 'off the grid');
  }));
  assert.equal(TWO.ticksOfUnits(0, 0xffff_ffff, 0x7fff_ffff), PRICE_TICKS_NONE, 'the wire’s none');
});

test('portfolio money uses the fewest decimals that make every tick whole', () => {
  assert.equal(TWO.portfolioDecimals, 2);
  assert.deepEqual([...TWO.moneyPerTick], [5, 1]);
  assert.equal(TWO.moneyOf('10000000.0'), 1_000_000_000);
  assert.equal(TWO.moneyText(-12_345), '-123.45');
  assert.throws(() => TWO.moneyOf('0.001'), /expected at most 2 decimals/);
  assert.throws(() => TWO.moneyOf('90071992547409.92'), /money: expected below 2\^53 of 10\^-2/);
  const whole = new TraderInstruments([{ ...AAPL, decimals: 0, tickUnits: 100 }]);
  assert.deepEqual([whole.portfolioDecimals, whole.moneyPerTick[0]], [0, 100]);
});

test('a price range is cut to what is exact as units', () => {
  const coarse = new TraderInstruments([{ ...AAPL, tickUnits: 1e12 }]);
  assert.equal(coarse.maxTicks[0], 9007);
  assert.throws(() => new TraderInstruments([{ ...AAPL, tickUnits: 1e12, maxPriceTicks: 9008 }]), /highest price of AAPL in ticks: expected a whole number 1 … 9007, was 9008/);
});

const BAD: readonly [fault: object, expected: RegExp][] = [
  [{ ticker: 0xffff_ffff }, /ticker id: expected a whole number 0 … 4294967294, was 4294967295/],
  [{ ticker: 3 }, /expected different ticker ids, was 3 twice/],
  [{ symbol: 'AAPL' }, /expected different symbols, was "AAPL" twice/],
  [{ symbol: '' }, /symbol of ticker 900000: expected text/],
  [{ decimals: 19 }, /decimals of BTC-USDT: expected a whole number 0 … 18, was 19/],
  [{ tickUnits: 0.5 }, /tick of BTC-USDT in price units: expected a whole number 1 … 1000000000000, was 0.5/],
  [{ tickUnits: 1, decimals: 18 }, /tick of AAPL: expected at most 1000000000000 of 10\^-18, was/],
  [{ lotSize: 0 }, /lot size of BTC-USDT: expected a whole number 1 … 4294967294, was 0/],
  [{ minPriceTicks: NaN }, /lowest price of BTC-USDT in ticks: expected a whole number .*, was NaN/],
  [{ maxPriceTicks: -51 }, /highest price of BTC-USDT in ticks: expected a whole number -50 … /],
];

for (const [fault, expected] of BAD) {
  test(`refused: ${JSON.stringify(fault)}`, () => {
    assert.throws(() => new TraderInstruments([AAPL, { ...BTC, ...fault }]), expected);
  });
}

test('an engine has 1 to 4,096 instruments', () => {
  assert.throws(() => new TraderInstruments([]), /instruments: expected 1 to 4096, was 0/);
  const many = Array.from({ length: 4097 }, (_, ticker) => ticker);
  assert.throws(() => new TraderInstruments(plainInstruments(many)), /expected 1 to 4096, was 4097/);
  assert.equal(new TraderInstruments(plainInstruments(many.slice(1))).count, 4096);
});
