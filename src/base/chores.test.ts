import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AgentRunner } from './agent.ts';
import { Chores, chores, forgetTimer, type ChoreTimers } from './chores.ts';
import { MonotonicClock } from './clock.ts';

const TIMER = setTimeout(() => {}, 0);

/** Time that passes from wake-up to wake-up, and one timer. */
class Simulated implements ChoreTimers {
  now = 0;
  wakeUps = 0;
  armed: { call: () => void; atMs: number } | null = null;

  nowMs(): number {
    return this.now;
  }

  set(call: () => void, delayMs: number): NodeJS.Timeout {
    assert.equal(this.armed, null, 'one timer');
    this.armed = { call, atMs: this.now + delayMs };
    return TIMER;
  }

  clear(): void {
    assert.notEqual(this.armed, null);
    this.armed = null;
  }

  /** Rings until `ms`. */
  runTo(ms: number): void {
    for (let timer = this.armed; timer !== null && timer.atMs <= ms; timer = this.armed) {
      this.now = timer.atMs;
      this.armed = null;
      this.wakeUps += 1;
      timer.call();
    }
    this.now = ms;
  }
}

function rig() {
  const time = new Simulated();
  const done: string[] = [];
  const own = new Chores(time);
  return { time, done, own, say: (what: string) => () => void done.push(`${what} ${time.now}`) };
}

test('a chore is done at its latest time where nothing wakes the process before, once', () => {
  const { time, done, own, say } = rig();
  own.plan(say('a'), 100, 300);
  own.plan(say('b'), 250);
  time.runTo(1_000);
  assert.deepEqual(done, ['b 250', 'a 250'], 'the one is awake for the other');
  assert.equal(time.wakeUps, 1);
  assert.equal(time.armed, null, 'nothing is left to wake for');
});

test('awake anyway: what may be done is done, what is too early stays', () => {
  const { time, done, own, say } = rig();
  own.plan(say('a'), 100, 300);
  own.plan(say('b'), 200, 400);
  time.runTo(150);
  own.doDue();
  assert.deepEqual(done, ['a 150']);
  own.doDue();
  assert.equal(done.length, 1, 'not again');
  time.runTo(399);
  assert.equal(done.length, 1);
  time.runTo(400);
  assert.deepEqual(done, ['a 150', 'b 400']);
});

test('planned anew counts, dropped is not done', () => {
  const { time, done, own, say } = rig();
  const [a, b] = [say('a'), say('b')];
  own.plan(a, 100);
  own.plan(b, 200);
  own.plan(a, 500);
  own.drop(b);
  own.drop(b);
  time.runTo(1_000);
  assert.deepEqual(done, ['a 500']);
  assert.equal(time.wakeUps, 1, 'nobody is woken for what was dropped');
});

test('a chore may plan and drop chores, itself too', () => {
  const { time, done, own, say } = rig();
  let left = 3;
  const other = say('other');
  const again = (): void => {
    say('again')();
    left -= 1;
    if (left > 0) own.plan(again, 100);
    else own.drop(other);
  };
  own.plan(again, 100);
  own.plan(other, 1_000);
  time.runTo(2_000);
  assert.deepEqual(done, ['again 100', 'again 200', 'again 300']);
  assert.equal(time.armed, null);
});

// Whatever the phases they begin with: a loop that wakes once a second ends up as the only one that wakes the process.
test('what is seldom falls into step with a loop that wakes once a second', () => {
  for (let phase = 0; phase < 1_000; phase += 37) {
    const { time, done, own } = rig();
    const often = (name: string) => {
      const work = (): void => {
        done.push(name);
        own.planSeldom(work);
      };
      own.planSeldom(work);
    };
    often('a');
    time.runTo(phase / 2);
    often('b');
    time.runTo(phase);
    for (let second = 0; second < 13; second += 1) {
      if (second === 3) {
        time.wakeUps = 0;
        done.length = 0;
      }
      time.runTo(phase + second * 1_001);
      own.doDue();
    }
    assert.equal(time.wakeUps, 0, `phase ${phase}`);
    assert.deepEqual([done.filter((name) => name === 'a').length, done.length], [10, 20], `phase ${phase}`);
  }
});

// Node woke for each of them at the time it would have come: an idle process twice a second more.
test('nobody is woken for a timer that was forgotten', async () => {
  const FORGOTTEN = 20;
  const turns = await new Promise<number>((resolve) => {
    const timers = Array.from({ length: FORGOTTEN }, (_, i) => setTimeout(() => assert.fail('forgotten'), 50 + 10 * i).unref());
    // As a loop that sleeps by a timer does.
    setTimeout(() => {
      for (const timer of timers) forgetTimer(timer);
      const { loopCount } = performance.nodeTiming.uvMetricsInfo;
      setTimeout(() => resolve(performance.nodeTiming.uvMetricsInfo.loopCount - loopCount), 300);
    }, 1);
  });
  assert.ok(turns < FORGOTTEN / 4, `${turns} turns of the event loop`);
});

test('a loop that rests does the chores of its process when a deadline wakes it, and not when news do', async () => {
  const done: number[] = [];
  const dues = [Infinity, 60, Infinity];
  let polls = 0;
  const chore = (): void => void done.push(polls);
  const clock = new MonotonicClock();
  const runner = new AgentRunner({
    clock, wait: 'sleep', wakeSource: { arm: () => {}, disarm: () => {} },
    agents: [{ name: 'only', poll: () => ((polls += 1), 0), dueNs: () => dues[polls - 1] * 1e6 }],
  });
  chores.plan(chore, 0, 60_000);
  const ran = runner.run();
  while (polls < 1) await new Promise((resolve) => void setImmediate(resolve));
  runner.wake();
  assert.deepEqual([polls, done], [2, []]);
  while (done.length === 0) await new Promise((resolve) => void setTimeout(resolve, 1));
  assert.deepEqual(done, [3], 'behind the turn that the deadline brought');
  runner.stop();
  await ran;
});
