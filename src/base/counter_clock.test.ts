import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CounterClock } from './counter_clock.ts';
import { Prng } from './prng.ts';

/** A machine whose two clocks go on as told; each read takes 20 ns. */
class Machine {
  realNs = 5e12;
  /** Of the counter, and of the system's clock, against real time. */
  ticksPerNs = 2.6;
  systemRate = 1;
  #ticks = 1e13;
  #systemNs = 7e9;

  readonly ticks = (): number => {
    this.pass(20);
    return Math.floor(this.#ticks);
  };

  readonly systemMs = (): number => {
    this.pass(20);
    return this.#systemNs / 1e6;
  };

  pass(ns: number): void {
    this.realNs += ns;
    this.#ticks += ns * this.ticksPerNs;
    this.#systemNs += ns * this.systemRate;
  }

  /** The system's clock was set on (by a suspended machine whose counter stood, say). */
  jump(ns: number): void {
    this.#systemNs += ns;
  }
}

function run(machine: Machine, clock: CounterClock, ns: number, everyNs = 50_000): void {
  const end = machine.realNs + ns;
  let last = clock.nowNs;
  while (machine.realNs < end) {
    machine.pass(everyNs);
    const now = clock.refresh();
    assert.ok(now >= last && Number.isInteger(now), `never back: ${now} after ${last}`);
    last = now;
  }
}

test('it follows the system clock within nanoseconds', () => {
  const machine = new Machine();
  const clock = new CounterClock(machine.ticks, machine.systemMs);
  const startNs = machine.realNs - clock.refresh();
  run(machine, clock, 20e9);
  assert.ok(Math.abs(machine.realNs - startNs - clock.refresh()) < 100);
  const { checks, errorMaxNs, steps, ticksPerSecond } = clock.drift;
  assert.ok(checks > 190 && checks < 220, `${checks} checks in 20 s`);
  assert.ok(errorMaxNs < 100, `${errorMaxNs}`);
  assert.equal(steps, 0);
  assert.ok(Math.abs(ticksPerSecond - 2.6e9) < 1e3);
});

test('a rate that changes is followed without a jump', () => {
  const machine = new Machine();
  const clock = new CounterClock(machine.ticks, machine.systemMs);
  run(machine, clock, 2e9);
  const before = machine.realNs - clock.refresh();
  machine.ticksPerNs *= 1 + 100e-6; // 100 µs a second too fast
  run(machine, clock, 10e9);
  assert.ok(Math.abs(machine.realNs - clock.refresh() - before) < 25_000, 'a tenth of a second of it at most, twice over');
  assert.equal(clock.drift.steps, 0);
  assert.ok(clock.drift.errorMaxNs > 1_000, 'and the drift is told');
});

test('a system clock that was set on is taken over at once, and counted', () => {
  const machine = new Machine();
  const clock = new CounterClock(machine.ticks, machine.systemMs);
  run(machine, clock, 2e9);
  const before = machine.realNs - clock.refresh();
  machine.jump(5e9);
  run(machine, clock, 1e9);
  assert.ok(Math.abs(machine.realNs - clock.refresh() + 5e9 - before) < 1_000);
  assert.equal(clock.drift.steps, 1);
});

test('a system clock behind ours stops the clock until it is reached', () => {
  const machine = new Machine();
  const clock = new CounterClock(machine.ticks, machine.systemMs);
  run(machine, clock, 2e9);
  const before = machine.realNs - clock.refresh();
  machine.jump(-1e9);
  run(machine, clock, 0.5e9);
  const stood = clock.nowNs;
  run(machine, clock, 0.2e9);
  assert.equal(clock.nowNs, stood);
  run(machine, clock, 2e9);
  assert.ok(Math.abs(machine.realNs - clock.refresh() - 1e9 - before) < 1_000);
});

test('whatever pauses come between reads, it never goes back and ends with the system', () => {
  for (let seed = 1; seed <= 20; seed += 1) {
    const prng = new Prng(seed);
    const machine = new Machine();
    const clock = new CounterClock(machine.ticks, machine.systemMs);
    const start = machine.realNs - clock.refresh();
    for (let i = 0; i < 2_000; i += 1) {
      machine.systemRate = 1 + prng.between(-400, 400) / 1e6;
      const pauseNs = 10 ** prng.between(1, 7);
      run(machine, clock, pauseNs * prng.between(1, 20), pauseNs);
    }
    machine.systemRate = 1;
    run(machine, clock, 3e9, 1e6);
    const system = machine.systemMs() * 1e6 - 7e9;
    assert.ok(Math.abs(clock.refresh() - system) < 3e6, `seed ${seed}: ${clock.nowNs} of ${system}, began ${start}`);
    machine.pass(1e6);
    const into = new Float64Array(2);
    clock.refreshInto(into, 1);
    assert.equal(into[1], clock.nowNs);
  }
});
