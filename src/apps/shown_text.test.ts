import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  bar, clock, counted, decimal, fit, moneyText, percent, signed, span, sparkline, whole,
} from './shown_text.ts';

test('numbers as people read them', () => {
  assert.deepEqual(
    [0, 999, 1000, 1_234_567, -1000, 99.6].map(whole),
    ['0', '999', '1,000', '1,234,567', '-1,000', '100'],
  );
  assert.deepEqual([0, 1, 2, 1_234].map((count) => counted(count, 'gap')), ['0 gaps', '1 gap', '2 gaps', '1,234 gaps']);
  assert.deepEqual(
    [decimal(5, 2), decimal(-5, 2), decimal(123456, 4), decimal(7, 0)],
    ['0.05', '-0.05', '12.3456', '7'],
  );
  assert.deepEqual(
    [0, 999, 1000, 12_345, 999_499, 999_500, 1_500_000, 2e9].map(span),
    ['0 ns', '999 ns', '1.00 µs', '12.3 µs', '999 µs', '1.00 ms', '1.50 ms', '2.00 s'],
  );
  assert.equal(fit('abcdef', 4), 'abc…');
  assert.equal(fit('ab', 4), 'ab  ');
  assert.equal(bar(2.5), '██▌');
  assert.equal(bar(0), '');
  assert.equal(sparkline([0, 5, 10], 5), '▁▄█  ');
  assert.equal(sparkline([1, 2, 3], 0), '');
});

test('money and positions have their sign', () => {
  assert.deepEqual(
    [0, 1, 2, 2_469_000, -2_468_901].map((value2) => moneyText(value2, 2)),
    ['0.00', '+0.01', '+0.01', '+12,345.00', '−12,344.51'],
    'doubled, rounded to the unit',
  );
  assert.equal(moneyText(-30, 0), '−15');
  assert.deepEqual([0, 5, -1_234].map(signed), ['0', '+5', '−1,234']);
  assert.deepEqual([0, 3.44, 61.5].map(percent), ['0.0 %', '3.4 %', '62 %']);
  assert.equal(clock(3_723_456), '1:02:03');
});
