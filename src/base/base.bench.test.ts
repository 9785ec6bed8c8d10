// Runs the benchmark small, so that it never rots, and holds the base to "no allocation".
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { benchBase } from './base.bench.ts';

test('nothing in the base allocates per operation', () => {
  for (const { name, nsPerOperation, heapBytesPerOperation } of benchBase(100_000)) {
    assert.ok(nsPerOperation > 0, name);
    assert.ok(heapBytesPerOperation <= 0.1, `${name}: ${heapBytesPerOperation} bytes, expected at most 0.1`);
  }
});
