import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AgentRunner, type Agent, type WaitStrategy } from './agent.ts';
import { ManualClock, MonotonicClock } from './clock.ts';

function agent(name: string, poll: (nowNs: number) => number): Agent {
  return { name, poll };
}

test('agents run in order, with one time per turn', async () => {
  const clock = new ManualClock();
  const seen: string[] = [];
  const runner = new AgentRunner({
    clock,
    agents: [
      agent('first', (now) => {
        seen.push(`first ${now}`);
        clock.advance(10);
        return 1;
      }),
      agent('second', (now) => {
        seen.push(`second ${now}`);
        if (seen.length === 6) runner.stop();
        return 0;
      }),
    ],
  });
  await runner.run();
  assert.deepEqual(seen, ['first 0', 'second 0', 'first 10', 'second 10', 'first 20', 'second 20']);
  assert.equal(runner.turns, 3);
  assert.equal(runner.busyTurns, 3);
});

for (const wait of ['spin', 'yield', 'backoff'] satisfies WaitStrategy[]) {
  for (const busy of [true, false]) {
    test(`timers fire under ${wait}, ${busy ? 'always busy' : 'idle'}`, async () => {
      let ticks = 0;
      const runner = new AgentRunner({
        clock: new MonotonicClock(), wait, agents: [agent('only', () => (busy ? 1 : 0))],
      });
      const timer = setInterval(() => {
        ticks += 1;
        if (ticks === 5) runner.stop();
      }, 1);
      await runner.run();
      clearInterval(timer);
      assert.equal(ticks, 5);
      assert.ok(runner.turns > 5);
      assert.equal(runner.busyTurns, busy ? runner.turns : 0);
    });
  }
}

test('a transport in the event loop gets a turn of it every turn', async () => {
  let eventLoopTurns = 0;
  const count = (): void => {
    eventLoopTurns += 1;
    if (eventLoopTurns < 100) setImmediate(count);
    else runner.stop();
  };
  const runner = new AgentRunner({
    clock: new MonotonicClock(), wait: 'spin', needsEventLoop: true, agents: [agent('only', () => 1)],
  });
  setImmediate(count);
  await runner.run();
  assert.ok(Math.abs(runner.turns - eventLoopTurns) <= 2, `${runner.turns} turns, ${eventLoopTurns} of the event loop`);
});

test('an idle loop that backs off falls asleep, and wakes by itself', async () => {
  let polls = 0;
  const runner = new AgentRunner({
    clock: new MonotonicClock(),
    agents: [agent('only', () => {
      polls += 1;
      if (polls === 1_300) runner.stop(); // 200 spins, 1,000 yields, then sleeps
      return 0;
    })],
  });
  await runner.run();
  assert.equal(polls, 1_300);
});

test('news wake a sleeping loop, which is armed while it sleeps and only then', async () => {
  const polls: string[] = [];
  let armed: (() => void) | null = null;
  let news = 0;
  const runner = new AgentRunner({
    clock: new MonotonicClock(),
    wakeSource: {
      arm: (wake) => {
        armed = wake;
        if (news < 3) {
          news += 1;
          setImmediate(() => armed?.());
        }
      },
      disarm: () => {
        armed = null;
      },
    },
    agents: [agent('only', () => {
      assert.equal(armed, null, 'nobody polls asleep');
      if (news > polls.length) polls.push('woken');
      if (polls.length === 3) runner.stop();
      return 0;
    })],
  });
  await runner.run();
  assert.equal(polls.length, 3);
  assert.equal(armed, null);
});

test('a loop that is to sleep does so after each turn without work', async () => {
  let turns = 0;
  const sleeps: number[] = [];
  const runner = new AgentRunner({
    clock: new MonotonicClock(), wait: 'sleep',
    wakeSource: {
      arm: (wake) => {
        sleeps.push(turns);
        setImmediate(wake);
      },
      disarm: () => {},
    },
    agents: [agent('only', () => {
      turns += 1;
      if (turns === 8) runner.stop();
      return turns === 3 || turns === 4 ? 1 : 0; // two turns with work
    })],
  });
  await runner.run();
  assert.deepEqual(sleeps, [1, 2, 5, 6, 7]);
});

/** A loop that can be woken, whose agent has work at `workAt` and says so, for some milliseconds of real time. */
async function restingLoop(options: { dueNs?: (nowNs: number) => number; workAtNs: readonly number[]; forMs: number }) {
  const polls: number[] = [];
  const worked: number[] = [];
  const left = [...options.workAtNs];
  const { dueNs } = options;
  const runner = new AgentRunner({
    clock: new MonotonicClock(), wait: 'sleep', wakeSource: { arm: () => {}, disarm: () => {} },
    agents: [{
      ...agent('only', (now) => {
        polls.push(now);
        if (left.length === 0 || now < left[0]) return 0;
        left.shift();
        worked.push(now);
        return 1;
      }),
      ...(dueNs !== undefined && { dueNs }),
    }],
  });
  setTimeout(() => runner.stop(), options.forMs);
  await runner.run();
  return { polls, worked };
}

test('a loop sleeps until the earliest time that an agent names, and not longer', async () => {
  const dueNs = 60e6;
  const { polls, worked } = await restingLoop({ dueNs: (now) => (now < dueNs ? dueNs : Infinity), workAtNs: [dueNs], forMs: 100 });
  assert.equal(worked.length, 1);
  assert.ok(worked[0] >= dueNs, `${worked[0]}`);
  // One at the start, one at its time, perhaps one a little early, one behind the work, one at the stop.
  assert.ok(polls.length <= 5, `${polls.length} polls: ${polls.join(' ')}`);
});

test('an agent that names no time is polled all the same', async () => {
  const { polls } = await restingLoop({ workAtNs: [], forMs: 200 });
  assert.ok(polls.length >= 3, `${polls.length}`);
});

/** Turns that a loop which backs off makes from its sleep, through one turn with work, to its next sleep. */
async function turnsFor(cause: 'clock' | 'news'): Promise<number> {
  let polls = 0;
  let due = false;
  let sleeps = 0;
  const runner = new AgentRunner({
    clock: new MonotonicClock(), wakeSource: { arm: () => (sleeps += 1), disarm: () => {} },
    agents: [{
      name: 'only',
      poll: () => {
        polls += 1;
        const work = due ? 1 : 0;
        due = false;
        return work;
      },
      dueNs: (now) => (cause === 'clock' && sleeps === 0 ? now + 5e6 : Infinity),
    }],
  });
  const ran = runner.run();
  const asleep = async (times: number): Promise<void> => {
    while (sleeps < times) await new Promise((resolve) => void setTimeout(resolve, 1));
  };
  await asleep(1);
  due = true;
  const before = polls;
  if (cause === 'news') runner.wake();
  await asleep(2);
  runner.stop();
  await ran;
  return polls - before;
}

// Each heartbeat of an idle exchange let its loop spin and yield for 2 ms, and that was most of what it took of a core.
test('what goes by the clock does not begin the wait anew; news do', async () => {
  const [clock, news] = [await turnsFor('clock'), await turnsFor('news')];
  assert.ok(clock <= 4, `${clock} turns`);
  assert.ok(news > 200, `${news} turns`);
});

test('news that come alone are waited behind for a moment, news that come often for long', async () => {
  const US = 1_000;
  const clock = new ManualClock();
  // How long each sleep lasts until there are news, and the turns that the loop makes for them.
  const sleepsNs = [5_000, 1_000_000, 1_000_000, 400_000, 30_000, 900, 900].map((us) => us * US);
  const turns: number[] = [];
  let polls = 0;
  let news = false;
  const runner = new AgentRunner({
    clock,
    wakeSource: {
      arm: (wake) => {
        turns.push(polls);
        polls = 0;
        clock.advance(sleepsNs[turns.length - 1] ?? 0);
        news = true;
        if (turns.length > sleepsNs.length) runner.stop();
        else setImmediate(wake);
      },
      disarm: () => {},
    },
    agents: [agent('a turn takes a microsecond', () => {
      clock.advance(US);
      polls += 1;
      const work = news ? 1 : 0;
      news = false;
      return work;
    })],
  });
  await runner.run();
  const [start, ...others] = turns;
  assert.ok(start >= 2_000, `${start}`);
  // Behind sleeps of 5 ms, 1 s, 1 s, 400 ms, 30 ms, 0.9 ms, 0.9 ms.
  assert.deepEqual(others.map((count) => (count < 250 ? 'short' : count >= 2_000 ? 'long' : count)), ['long', 'short', 'short', 'short', 'short', 'long', 'long']);
});

test('an agent that is given work from outside wakes its loop, with a turn that comes later', async () => {
  let wake = (): void => assert.fail('not told');
  let asleep = 0;
  const jobs: string[] = [];
  const done: string[] = [];
  const runner = new AgentRunner({
    clock: new MonotonicClock(), wait: 'sleep', wakeSource: { arm: () => (asleep += 1), disarm: () => {} },
    agents: [{
      ...agent('only', () => {
        wake(); // amid a turn there is nothing to wake
        return jobs.length === 0 ? 0 : done.push(...jobs.splice(0));
      }),
      dueNs: () => Infinity,
      wokenBy: (call) => (wake = call),
    }],
  });
  wake(); // before the run neither
  const ran = runner.run();
  const next = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve));
  while (asleep === 0) await next();
  jobs.push('one');
  wake();
  jobs.push('two');
  wake();
  const inside = [[...done], runner.turns];
  await next();
  await next();
  const behind = [[...done], runner.turns];
  runner.stop();
  await ran;
  wake();
  await next();
  assert.deepEqual(inside, [[], 1], 'not inside of the call');
  assert.deepEqual(behind, [['one', 'two'], 3], 'one wake-up for both: a turn with them, and one that finds nothing');
  assert.equal(runner.turns, 3, 'none for who has stopped');
});

test('stop wakes a sleeping loop, and may be called at any time and twice', async () => {
  const runner = new AgentRunner({ clock: new MonotonicClock(), agents: [agent('only', () => 0)] });
  const run = runner.run();
  setTimeout(() => {
    runner.stop();
    runner.stop();
  }, 20);
  await run;
  runner.stop();
});

test('what an agent throws ends the run', async () => {
  const runner = new AgentRunner({
    clock: new MonotonicClock(),
    agents: [agent('broken', () => {
      throw new Error('cursors have crossed');
    })],
  });
  await assert.rejects(runner.run(), /cursors have crossed/);
  assert.throws(() => runner.run(), /a runner runs once/);
});
