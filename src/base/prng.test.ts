import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Prng } from './prng.ts';

test('the same seed gives the same numbers, another seed others', () => {
  const first = new Prng(42);
  const again = new Prng(42);
  const other = new Prng(43);
  const far = new Prng(42 + 2 ** 32);
  let equalToOther = 0;
  for (let i = 0; i < 1000; i += 1) {
    const value = first.u32();
    assert.equal(value, again.u32());
    if (value === other.u32() || value === far.u32()) equalToOther += 1;
  }
  assert.ok(equalToOther < 3);
});

test('numbers stay what they are: replays of old seeds depend on it', () => {
  const prng = new Prng(1);
  assert.deepEqual([prng.u32(), prng.u32(), prng.u32(), prng.u32()], [393_288_148, 2_174_103_013, 3_814_759_091, 2_092_745_082]);
});

/** The published algorithm in BigInt, digit by digit. */
function xoshiroReference(seed: number, count: number): number[] {
  const mask = 0xffff_ffffn;
  let state = (BigInt(seed) & mask) ^ ((BigInt(seed) >> 32n) * 0x85ebca6bn & mask);
  const splitmix = (): bigint => {
    state = (state + 0x9e3779b9n) & mask;
    let z = state;
    z = ((z ^ (z >> 16n)) * 0x21f0aaadn) & mask;
    z = ((z ^ (z >> 15n)) * 0x735a2d97n) & mask;
    return z ^ (z >> 15n);
  };
  const s = [splitmix(), splitmix(), splitmix(), splitmix() | 1n];
  const rotl = (x: bigint, k: bigint): bigint => ((x << k) | (x >> (32n - k))) & mask;
  const out: number[] = [];
  for (let i = 0; i < count; i += 1) {
    out.push(Number((rotl((s[1] * 5n) & mask, 7n) * 9n) & mask));
    const t = (s[1] << 9n) & mask;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = rotl(s[3], 11n);
  }
  return out;
}

test('agrees with a BigInt twin of the published algorithm', () => {
  for (const seed of [0, 1, 7, 2 ** 31, 2 ** 32, 2 ** 40 + 5, Number.MAX_SAFE_INTEGER]) {
    const prng = new Prng(seed);
    const ours = Array.from({ length: 200 }, () => prng.u32());
    assert.deepEqual(ours, xoshiroReference(seed, 200));
  }
});

test('integers are even over their range, both ends included', () => {
  const prng = new Prng(5);
  const counts = [0, 0, 0, 0, 0, 0, 0];
  for (let i = 0; i < 70_000; i += 1) counts[prng.between(-3, 3) + 3] += 1;
  for (const count of counts) assert.ok(Math.abs(count - 10_000) < 500, `counts were ${counts.join(' ')}`);
  assert.equal(prng.below(1), 0);
  assert.ok(prng.below(2 ** 32) < 2 ** 32);
  assert.throws(() => prng.below(0), /1 to 2\^32/);
});

test('floats are in [0, 1) with mean one half, chances come true that often', () => {
  const prng = new Prng(6);
  let sum = 0;
  let hits = 0;
  for (let i = 0; i < 100_000; i += 1) {
    const value = prng.f64();
    assert.ok(value >= 0 && value < 1);
    sum += value;
    if (prng.chance(0.1)) hits += 1;
  }
  assert.ok(Math.abs(sum / 100_000 - 0.5) < 0.01);
  assert.ok(Math.abs(hits - 10_000) < 600);
});

test('a fork goes its own way', () => {
  const parent = new Prng(9);
  const twin = new Prng(9);
  const child = parent.fork();
  twin.fork().u32();
  assert.equal(parent.u32(), twin.u32());
  assert.notEqual(child.u32(), parent.u32());
});

test('a seed that is none is refused with its value', () => {
  for (const seed of [-1, 0.5, Number.NaN, 2 ** 53]) assert.throws(() => new Prng(seed), new RegExp(`seed was ${seed}`));
});
