// The rings against a list that is never cut but when it is read.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Prng } from '../../base/prng.ts';
import { History, TRADERS_MAX } from './history.ts';
import { HISTORY_SECONDS, type HistoryPoint } from './messages.ts';

function randomPoint(prng: Prng, second: number): HistoryPoint {
  const maybe = (): number | null => (prng.below(4) === 0 ? null : prng.below(1_000));
  const p50Ns = prng.below(1_000);
  return {
    atMs: second * 1_000, requestsPerSecond: maybe(), tradesPerSecond: maybe(), feedMessagesPerSecond: maybe(),
    latency: prng.below(3) === 0 ? null : { p50Ns, p90Ns: p50Ns + 1, p99Ns: p50Ns + 2, maxNs: p50Ns + 3 },
    pnl: maybe(),
    pnlByTrader: Object.fromEntries([1, 2, 3].filter(() => prng.below(2) === 0).map((client) => [client, prng.below(100) - 50])),
    cpuPercent: prng.below(100), healthScore: prng.below(101),
  };
}

test('points come back as they were added, the last ten minutes of them', () => {
  const prng = new Prng(7);
  const history = new History();
  const twin: HistoryPoint[] = [];
  assert.deepEqual(history.points(), []);
  for (let second = 0; second < 2 * HISTORY_SECONDS + 17; second++) {
    const point = randomPoint(prng, second);
    history.add(point);
    twin.push(point);
    if (second % 97 !== 0) continue;
    assert.deepEqual(history.points(), twin.slice(-HISTORY_SECONDS));
    assert.deepEqual(history.points(history.added - 5), twin.slice(-5));
    assert.deepEqual(history.points(history.added), []);
  }
});

test('traders beyond the columns take that of the one heard longest ago', () => {
  const history = new History();
  const base = randomPoint(new Prng(1), 0);
  const add = (...names: string[]): void => history.add({ ...base, pnlByTrader: Object.fromEntries(names.map((name) => [name, 1])) });
  const first = Array.from({ length: TRADERS_MAX }, (_, i) => `t${i}`);
  add(...first);
  add(...first.filter((name) => name !== 't5'));
  add('new');
  const [one, two, three] = history.points();
  assert.deepEqual(Object.keys(three.pnlByTrader), ['new']);
  assert.equal('t5' in one.pnlByTrader, false, 'its column was given away');
  assert.equal(Object.keys(one.pnlByTrader).length, TRADERS_MAX - 1);
  assert.equal(Object.keys(two.pnlByTrader).length, TRADERS_MAX - 1);
});
