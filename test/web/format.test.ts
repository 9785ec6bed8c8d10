// Numbers as the pages show them: exact prices, units that leave three digits, dashes for what is not known.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  bytes, clock, compact, count, duration, money, percent, preciseClock, price, rate, signed, span, UNKNOWN,
} from '../../web/shared/format.ts';

const RUNS = { numRuns: 300 };

test('a price is its digits with a point, whatever its size', () => {
  assert.equal(price(12_345, 2), '123.45');
  assert.equal(price(5, 2), '0.05');
  assert.equal(price(0, 2), '0.00');
  assert.equal(price(-5, 2), '−0.05');
  assert.equal(price(7, 0), '7');
  assert.equal(price(1_234_567, 0), '1,234,567');
  assert.equal(price(123_456_789_012, 4), '12,345,678.9012');
  // 0.1 + 0.2 as doubles shows 0.30000000000000004; 9007199254740991 / 100 loses its last digit.
  assert.equal(price(Number.MAX_SAFE_INTEGER, 2), '90,071,992,547,409.91');
});

test('every price reads back as the whole number that it was', () => {
  fc.assert(
    fc.property(fc.maxSafeInteger(), fc.integer({ min: 0, max: 9 }), (units, decimals) => {
      const text = price(units, decimals);
      assert.equal(Number(text.replaceAll(/[,.]/g, '').replace('−', '-')), units === 0 ? 0 : units);
      assert.match(text, decimals === 0 ? /^−?\d{1,3}(,\d{3})*$/ : new RegExp(`^−?\\d{1,3}(,\\d{3})*\\.\\d{${decimals}}$`));
    }),
    RUNS,
  );
});

test('durations: the unit that leaves three digits', () => {
  const shown = [0, 1, 999, 999.4, 999.6, 1_000, 41_234, 99_940, 99_960, 999_400, 999_600, 1_840_000, 12e9, 3_600e9].map(duration);
  assert.deepEqual(shown, [
    '0 ns', '1 ns', '999 ns', '999 ns', '1.00 µs', '1.00 µs', '41.2 µs', '99.9 µs', '100 µs', '999 µs', '1.00 ms', '1.84 ms', '12.0 s', '3,600 s',
  ]);
});

test('no duration below a second is longer than seven signs, and none says 1000 of a smaller unit', () => {
  fc.assert(
    fc.property(fc.double({ min: 0, max: 999_400_000, noNaN: true }), (ns) => {
      const text = duration(ns);
      assert.ok(text.length <= 7, text);
      assert.doesNotMatch(text, /1,?000/);
    }),
    RUNS,
  );
});

test('numbers, rates, money, shares, bytes', () => {
  assert.deepEqual([0, 999, 1_000, -1_234_567].map(count), ['0', '999', '1,000', '−1,234,567']);
  assert.deepEqual([3, 0, -3].map(signed), ['+3', '0', '−3']);
  assert.deepEqual([0, 0.5, 12.4, 9_999, 10_000, 123_456, 1_230_000, 2.5e9, -45_678].map(compact), ['0', '0.5', '12', '9,999', '10.0k', '123k', '1.23M', '2.50G', '−45.7k']);
  assert.equal(rate(42_100), '42.1k/s');
  assert.deepEqual([0, 12.345, -0.001, -8.5, 99_999.99, 250_000.4, 12_345_678].map((value) => money(value)), [
    '$0.00', '$12.35', '$0.00', '−$8.50', '$99,999.99', '$250,000', '$12.3M',
  ]);
  assert.deepEqual([5, 0, -5].map((value) => money(value, true)), ['+$5.00', '$0.00', '−$5.00']);
  assert.deepEqual([0, 0.04, 3.26, 9.94, 9.96, 55.5, 100].map(percent), ['0%', '0.0%', '3.3%', '9.9%', '10%', '56%', '100%']);
  assert.deepEqual([0, 1023, 1024, 5 * 2 ** 20, 3.5 * 2 ** 30].map(bytes), ['0 B', '1023 B', '1.00 KiB', '5.00 MiB', '3.50 GiB']);
});

test('what is not known is a dash, never 0', () => {
  for (const text of [count(null), compact(null), duration(null), money(null), percent(null), bytes(null), rate(null)]) assert.equal(text, UNKNOWN);
});

test('times of day and how long', () => {
  const at = new Date(2026, 2, 1, 9, 5, 7, 42).getTime();
  assert.equal(clock(at), '09:05:07');
  assert.equal(preciseClock(at), '09:05:07.042');
  assert.deepEqual([-5, 0, 59_999, 60_000, 3_599_000, 3_600_000, 7_500_000, 86_400_000, 100_000_000].map(span), [
    '0 s', '0 s', '59 s', '1 min', '59 min', '1 h', '2 h 5 min', '1 d', '1 d 3 h',
  ]);
});
