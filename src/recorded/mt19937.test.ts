import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Mt19937 } from './mt19937.ts';

test('the words of the reference: the first and the ten-thousandth of its default seed', () => {
  const random = new Mt19937(5489);
  assert.equal(random.word(), 3_499_211_612);
  for (let i = 2; i < 10_000; i++) random.word();
  // The C++ standard names this one as the check of std::mt19937.
  assert.equal(random.word(), 4_123_659_995);
});

test('a uniform takes 27 and 26 bits of two words', () => {
  const words = new Mt19937(23);
  const uniforms = new Mt19937(23);
  for (let i = 0; i < 1_000; i++) {
    const a = words.word() >>> 5;
    const b = words.word() >>> 6;
    assert.equal(uniforms.uniform(), (a * 2 ** 26 + b) / 2 ** 53);
  }
});

test('integers cover their range, ends included', () => {
  const random = new Mt19937(1);
  const seen = new Set<number>();
  for (let i = 0; i < 1_000; i++) seen.add(random.integer(3, 7));
  assert.deepEqual(
    [...seen].toSorted((a, b) => a - b),
    [3, 4, 5, 6, 7],
  );
});

test('a seed is an integer of 32 bits', () => {
  for (const seed of [-1, 1.5, 2 ** 32, Number.NaN])
    assert.throws(() => new Mt19937(seed), /seed: expected an integer/);
});
