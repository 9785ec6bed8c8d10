import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ManualClock, MonotonicClock } from './clock.ts';

test('the monotonic clock moves on refresh only, and never back', () => {
  const clock = new MonotonicClock();
  assert.equal(clock.nowNs, 0);
  let last = clock.refresh();
  for (let i = 0; i < 100_000; i += 1) {
    const now = clock.refresh();
    assert.ok(now >= last && Number.isInteger(now));
    last = now;
  }
  assert.ok(last > 0);
  assert.equal(clock.nowNs, last);
});

test('the monotonic clock counts nanoseconds', () => {
  const clock = new MonotonicClock();
  const outerStart = process.hrtime.bigint();
  const start = clock.refresh();
  const innerStart = process.hrtime.bigint();
  while (process.hrtime.bigint() - innerStart < 5_000_000n);
  const inner = Number(process.hrtime.bigint() - innerStart);
  const elapsed = clock.refresh() - start;
  const outer = Number(process.hrtime.bigint() - outerStart);
  // Bracketed by another clock, however long the machine made us wait in between.
  assert.ok(elapsed >= inner - 1_000 && elapsed <= outer + 1_000, `${elapsed} ns, others ${inner} to ${outer}`);
});

test('the manual clock moves when told', () => {
  const clock = new ManualClock();
  clock.advance(5);
  assert.equal(clock.refresh(), 5);
  assert.throws(() => clock.advance(-1), /advance was -1 ns/);
});
