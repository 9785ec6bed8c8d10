import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { DecimalError, formatDecimal, parseDecimal } from './decimal.ts';

test('decimals become units exactly', () => {
  const rows: [string | number | bigint, number, bigint][] = [
    ['100.25', 2, 10025n], ['100', 2, 10000n], ['.5', 2, 50n], ['5.', 2, 500n], ['-0.01', 2, -1n], ['+7', 0, 7n],
    ['0.100', 1, 1n], [0.1, 1, 1n], [1.1, 2, 110n], [167.525, 3, 167525n], [12n, 2, 1200n],
    ['92233720368547758.07', 2, 9223372036854775807n],
  ];
  for (const [value, decimals, units] of rows) assert.equal(parseDecimal(value, decimals), units, String(value));
});

test('what is no decimal, or has too many digits, is refused with the text', () => {
  for (const value of ['', '.', '-', 'abc', '1,5', '1e3', '0x10', ' 1', '1.2.3', 'NaN', NaN, Infinity, 1e21, 1e-7]) {
    assert.throws(() => parseDecimal(value, 2), DecimalError, String(value));
  }
  assert.throws(() => parseDecimal('1.001', 2), /at most 2 decimals, was "1.001"/);
  assert.throws(() => parseDecimal('1'.repeat(100), 2), DecimalError);
});

test('text and units are inverse', () => {
  fc.assert(fc.property(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), fc.nat(9), (units, decimals) => {
    assert.equal(parseDecimal(formatDecimal(units, decimals), decimals), units);
  }));
});
