// An exchange that is polled only when it says that it must be does all that goes by the clock as one that is polled all the
// time: heartbeats, snapshot cycles, lapses, deadlines of log-ins and frames, silent operators. A loop at rest relies on it.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { buy, ExchangeRig, logIn, soup } from './exchange_rig.ts';

const MS = 1e6;
const SECONDS = 14;
/** Deadlines of sessions are looked at so often (SWEEP_NS of the gateway), and a loop's timers have milliseconds. */
const LATE_NS = 52 * MS;
const OPERATOR_TOKEN = 'a-token-of-this-test-1234';

/** What had been counted, and when. */
interface Happening {
  readonly what: string;
  readonly count: number;
  readonly atNs: number;
}

interface Run {
  readonly happenings: Happening[];
  readonly polls: number;
}

/** `step` says when the next poll comes. */
async function run(step: (rig: ExchangeRig) => number): Promise<Run> {
  const rig = await ExchangeRig.open({
    config: {
      snapshot: { group: '239.255.77.1', port: 31_901, intervalNs: 700 * MS },
      operator: { enabled: true, host: '127.0.0.1', port: 0, token: OPERATOR_TOKEN },
    },
  });
  try {
    const [feed, snapshots] = [await rig.capture('feed'), await rig.capture('snapshot')];
    const silent = await rig.client();
    silent.say(logIn('5'));
    const half = await rig.client();
    half.say(logIn('6').subarray(0, 7));
    await rig.client(); // says nothing at all
    const trader = await rig.client();
    trader.say(logIn('7'));
    for (let i = 1; i <= 20; i++) trader.say(soup('U', buy(7, i, 9_000 + i, 1)));
    await rig.until(() => rig.counter('accepted') === 20, 'orders in the books');
    const startNs = rig.nowNs;
    const seen = new Map<string, number>();
    const happenings: Happening[] = [];
    const look = (): void => {
      const counts = {
        'bytes to the silent one': silent.received.length,
        'bytes to the trader': trader.received.length,
        feed: feed.datagrams.length,
        snapshots: snapshots.datagrams.length,
        lapses: rig.counter('lapses'),
        ended: rig.ended.length,
      };
      for (const [name, count] of Object.entries(counts)) {
        if (count !== seen.get(name) && seen.size === 6) happenings.push({ what: name, count, atNs: rig.nowNs - startNs });
        seen.set(name, count);
      }
    };
    let polls = 0;
    look();
    while (rig.nowNs - startNs < SECONDS * 1e9) {
      await rig.turn(1, step(rig));
      polls++;
      look();
    }
    return { happenings, polls };
  } finally {
    rig.close();
  }
}

test('polled when it is due, an exchange is on time, and is seldom polled', async () => {
  const always = await run(() => MS);
  // As AgentRunner sleeps: whole milliseconds, at most a second.
  const due = await run(({ exchange, nowNs }) => Math.min(Math.max(Math.ceil((exchange.dueNs(nowNs) - nowNs) / MS), 1), 1_000) * MS);
  const series = ({ happenings }: Run, name: string): Happening[] => happenings.filter(({ what }) => what === name);
  for (const [name, least] of [['bytes to the silent one', 8], ['feed', 13], ['snapshots', 19], ['lapses', 1], ['ended', 2]] as const) {
    const [expected, found] = [series(always, name), series(due, name)];
    assert.ok(expected.length >= least, `${name}: ${expected.length}`);
    for (const [i, { count, atNs }] of expected.entries()) {
      // What is due "a second after the last one" carries each delay on.
      const allowedNs = LATE_NS * (i + 1);
      const came = found.find((happening) => happening.count >= count)?.atNs ?? SECONDS * 1e9 + allowedNs;
      assert.ok(came - atNs <= allowedNs, `${name} ${count}: expected at ${atNs / MS} ms, was at ${came / MS}`);
    }
  }
  // Nineteen snapshots and fourteen heartbeats of the feed, nine each of two sessions, and what ends.
  assert.ok(due.polls < 90, `${due.polls} polls in ${SECONDS} s`);
});
