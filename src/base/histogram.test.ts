import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fuzzHistogram } from './histogram.fuzz.ts';
import { Histogram, histogramBytes } from './histogram.ts';

test('an empty histogram has zeros', () => {
  const histogram = new Histogram();
  assert.deepEqual(histogram.summary(), {
    count: 0, min: 0, mean: 0, max: 0, deviation: 0, p50: 0, p90: 0, p99: 0, p999: 0, p9999: 0,
  });
  histogram.checkInvariants();
});

test('small values are exact, large ones right to a thousandth', () => {
  const histogram = new Histogram();
  for (let value = 1; value <= 2000; value += 1) histogram.record(value);
  assert.equal(histogram.percentile(50), 1000);
  assert.equal(histogram.percentile(99.9), 1998);
  assert.equal(histogram.percentile(0), 1);
  assert.equal(histogram.mean, 1000.5);
  histogram.reset();
  histogram.record(1_234_567);
  assert.equal(histogram.percentile(50), 1_234_567, 'never beyond the largest recorded');
  histogram.record(9_999_999_999);
  const p50 = histogram.percentile(50);
  assert.ok(p50 >= 1_234_567 && p50 <= 1_234_567 * 1.001);
  assert.equal(histogram.min, 1_234_567);
  assert.equal(histogram.max, 9_999_999_999);
});

test('values beyond the bound are counted as clamped, and the largest stays known', () => {
  const histogram = new Histogram(9999);
  histogram.record(5);
  histogram.record(123_456);
  assert.equal(histogram.clamped, 1);
  assert.equal(histogram.max, 123_456);
  assert.equal(histogram.percentile(100), 123_456);
  assert.equal(histogram.percentile(50), 5);
  histogram.checkInvariants();
});

test('what is no value is refused', () => {
  const histogram = new Histogram();
  assert.throws(() => histogram.record(-1), /values of 0 or more/);
  assert.throws(() => histogram.record(Number.NaN), /values of 0 or more/);
  assert.throws(() => histogram.percentile(101), /percent was 101/);
  assert.throws(() => new Histogram(10), /valueMax was 10/);
  assert.throws(() => histogram.merge(new Histogram(4096)), /the same bound/);
  assert.equal(histogram.count, 0);
});

test('many of one value at once, for the corrected samples of an open-loop test', () => {
  const histogram = new Histogram();
  histogram.recordMany(100, 99);
  histogram.record(5000);
  assert.equal(histogram.count, 100);
  assert.equal(histogram.percentile(99), 100);
  assert.ok(histogram.summary().deviation > 400);
});

test('another holder of the memory reads along', () => {
  const writer = new Histogram(1_000_000);
  const reader = new Histogram(1_000_000, writer.memory);
  writer.record(77);
  assert.equal(reader.count, 1);
  assert.equal(reader.percentile(50), 77);
});

test('an interval is what came between two looks', () => {
  const whole = new Histogram(1_000_000);
  const before = new Histogram(1_000_000);
  const interval = new Histogram(1_000_000);
  interval.record(5); // is forgotten
  for (let value = 1; value <= 100; value += 1) whole.record(value);
  before.assign(whole);
  interval.assignDifference(whole, before);
  assert.equal(interval.count, 0);
  assert.equal(interval.max, 0);
  for (let value = 901; value <= 1_000; value += 1) whole.record(value);
  whole.record(5_000_000);
  interval.assignDifference(whole, before);
  interval.checkInvariants();
  assert.deepEqual([interval.count, interval.min, interval.percentile(50), interval.max, interval.clamped], [101, 901, 951, 5_000_000, 1]);
  assert.equal(interval.mean, (950.5 * 100 + 5_000_000) / 101);
});

test('what is new is told cell by cell, once, and what was seen becomes a copy', () => {
  const live = new Histogram();
  const seen = new Histogram();
  const taken = (): [number, number][] => {
    const cells: [number, number][] = [];
    live.takeNew(seen, (highest, count) => cells.push([highest, count]));
    assert.deepEqual(seen.summary(), live.summary());
    seen.checkInvariants();
    return cells;
  };
  assert.deepEqual(taken(), []);
  live.recordMany(1_000, 3);
  live.record(70_000);
  assert.deepEqual(taken(), [[1_000, 3], [70_015, 1]]);
  assert.deepEqual(taken(), []);
  live.record(5);
  live.record(1_000);
  live.record(2 ** 41); // beyond the bound
  assert.deepEqual(taken(), [[5, 1], [1_000, 1], [2 ** 40 - 1, 1]]);
  assert.equal(seen.clamped, 1);
});

test('what is taken back was never there, but for the least and the largest', () => {
  const histogram = new Histogram();
  const kept = new Histogram();
  for (const value of [3, 900, 5_000, 5_001, 70_000]) {
    histogram.recordMany(value, 2);
    if (value > 900) kept.recordMany(value, 2);
  }
  histogram.remove(3, 2);
  histogram.remove(900, 2);
  histogram.checkInvariants();
  assert.deepEqual([histogram.count, histogram.sum, histogram.mean], [kept.count, kept.sum, kept.mean]);
  for (const percent of [1, 50, 99, 100]) assert.equal(histogram.percentile(percent), kept.percentile(percent));
  assert.equal(histogram.min, 3);
  assert.throws(() => histogram.remove(3, 1), /no more is taken back/);
  assert.throws(() => histogram.remove(2 ** 40, 1), /was told apart/);
});

test('a histogram may lie anywhere in memory of zeros', () => {
  const memory = new ArrayBuffer(64 + histogramBytes(4_095));
  const writer = new Histogram(4_095, memory, 64);
  writer.initialize();
  writer.record(12);
  assert.equal(new Histogram(4_095, memory, 64).min, 12);
  assert.ok(new Uint8Array(memory, 0, 64).every((byte) => byte === 0));
  assert.throws(() => new Histogram(4_095, memory, 128), RangeError);
});

test('random values agree with a sorted list', () => {
  for (let seed = 1; seed <= 300; seed += 1) fuzzHistogram(seed);
});
