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
