// Runs the benchmark small, so that it never rots; its figures say nothing at this size.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { benchWire } from './wire.bench.ts';

test('the wire benchmark runs', () => {
  const figures = benchWire(2, 1_000);
  assert.equal(figures.length, 15);
  for (const { name, leastNs, medianNs, mostNs } of figures) {
    assert.ok(leastNs > 0 && leastNs <= medianNs && medianNs <= mostNs, name);
  }
});
