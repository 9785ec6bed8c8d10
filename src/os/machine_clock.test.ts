import assert from 'node:assert/strict';
import { test } from 'node:test';
import { spawnSync } from 'node:child_process';
import { MonotonicClock } from '../base/clock.ts';
import { clockText, machineClock } from './machine_clock.ts';
import { timeStampCounter } from './time_stamp_counter.ts';

const skip = timeStampCounter().ticks === null && timeStampCounter().reason;

test('the counter goes forward and agrees with the system', { skip }, () => {
  const { clock, counter, reason } = machineClock('tsc');
  assert.ok(counter !== null && reason === '' && clock === counter);
  assert.match(clockText({ clock, counter, reason }), /time-stamp counter, \d+\.\d MHz/);
  const outerMs = performance.now();
  const start = clock.refresh();
  const innerMs = performance.now();
  let last = start;
  while (performance.now() - innerMs < 60) {
    const now = clock.refresh();
    assert.ok(now >= last);
    last = now;
  }
  const inner = (performance.now() - innerMs) * 1e6;
  const elapsed = clock.refresh() - start;
  const outer = (performance.now() - outerMs) * 1e6;
  // Bracketed by the system's clock; a step of a millisecond is the most that it may be off before it corrects itself.
  assert.ok(elapsed > inner - 1e6 && elapsed < outer + 1e6, `${elapsed} ns, the system ${inner} to ${outer}`);
  assert.ok(counter.drift.checks >= 2, `${counter.drift.checks} checks`);
});

test('without the counter it is the system clock, and the reason is told', () => {
  const asked = machineClock('system');
  assert.ok(asked.clock instanceof MonotonicClock && asked.counter === null);
  assert.equal(clockText(asked), "the system's (no time-stamp counter: OUTCRY_CLOCK=system)");
  assert.throws(() => machineClock('sundial'), /expected system or tsc, was "sundial"/);
});

test('a Node without foreign functions falls back, and nothing is said on stderr either way', () => {
  const program = `
    import { machineClock } from ${JSON.stringify(new URL('machine_clock.ts', import.meta.url).href)};
    const { clock, reason } = machineClock('');
    clock.refresh();
    console.log(JSON.stringify(reason));`;
  for (const flags of [[], ['--no-experimental-ffi']]) {
    const run = spawnSync(process.execPath, [...flags, '--input-type=module', '-e', program], { encoding: 'utf8' });
    assert.equal(run.stderr, '');
    if (flags.length > 0 && skip === false) assert.match(run.stdout, /this Node has no node:ffi|ffi/i);
    else assert.equal(JSON.parse(run.stdout), skip === false ? '' : timeStampCounter().reason);
  }
});
