// The health score from the measures, and the monitor as a whole.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { AlertMonitor } from './alert_monitor.ts';
import { ALERTS_DEFAULT } from './alert_settings.ts';
import { healthOf } from './health.ts';
import { exchangeView, latencyView, processView, rateView, systemView, traderView } from './looks.reference.ts';
import type { Health } from './alert.ts';
import type { Measure } from './rules.ts';

function latencyOf(value: number, threshold = 100): Measure {
  return { kind: 'HighLatency', subject: 'exchange', value, threshold, text: `p99 ${value}`, part: 'latency', detail: {} };
}

function partOf({ parts }: Health, name: string): readonly [number, string] {
  const part = parts.find((one) => one.name === name);
  assert.ok(part !== undefined, name);
  return [part.score, part.because];
}

describe('health', () => {
  test('where nothing is measured it is 100, and each part says so', () => {
    const health = healthOf([], []);
    assert.deepEqual(health.parts.map(({ name }) => name), ['latency', 'loss', 'queues', 'journal lag', 'feed gaps', 'cpu', 'memory']);
    assert.deepEqual([health.score, partOf(health, 'loss')], [100, [1, 'not measured']]);
  });

  test('a part costs nothing up to half of its threshold, half at it, everything at one and a half', () => {
    for (const [value, score] of [[0, 1], [50, 1], [75, 0.75], [100, 0.5], [150, 0], [10_000, 0]] as const) {
      const health = healthOf([], [latencyOf(value)]);
      assert.deepEqual([partOf(health, 'latency'), health.score], [[score, `exchange: p99 ${value}`], Math.round(100 * score)]);
    }
  });

  test('the worst measure of a part counts, and the least part is the score', () => {
    const queues = [{ name: 'log', used: 1, capacity: 4 }, { name: 'journal', used: 6, capacity: 8 }, { name: 'none', used: 0, capacity: 0 }];
    const health = healthOf(queues, [latencyOf(60), latencyOf(80), latencyOf(70)]);
    assert.deepEqual(partOf(health, 'latency'), [0.7, 'exchange: p99 80']);
    assert.deepEqual(partOf(health, 'queues'), [0.375, 'journal 75 % full']);
    assert.equal(health.score, 38);
  });

  test('a silent exchange has no latency to be proud of', () => {
    const monitor = new AlertMonitor(ALERTS_DEFAULT);
    monitor.observe(systemView({ processes: [processView({ beating: false })], exchange: exchangeView({ orderLatency: latencyView(1) }) }));
    assert.deepEqual([monitor.health.score, partOf(monitor.health, 'latency')], [0, [0, 'exchange 1: exchange, process 1, gives no sign of life']]);
  });
});

describe('the monitor', () => {
  test('before the first look nothing is known', () => {
    const monitor = new AlertMonitor(ALERTS_DEFAULT);
    assert.deepEqual([monitor.health.score, monitor.alerts, monitor.dropped], [100, [], 0]);
  });

  test('tells of what is raised and cleared, and goes by new settings from the next look on', () => {
    const told: string[] = [];
    const monitor = new AlertMonitor({ ...ALERTS_DEFAULT, highLatencyNs: 100, raiseAfterMs: 0, clearAfterMs: 0 }, ({ event, alert }) => told.push(`${event} ${alert.kind}`));
    const system = systemView({ exchange: exchangeView({ orderLatency: latencyView(150) }) });
    monitor.observe(system, undefined, 0);
    monitor.observe(system, undefined, 250);
    assert.deepEqual(told, ['raised HighLatency']);
    monitor.settings = { ...monitor.settings, highLatencyNs: 1_000 };
    monitor.observe(system, undefined, 500);
    assert.deepEqual(told, ['raised HighLatency', 'cleared HighLatency']);
  });

  test('rates are those of the last minute: what happened before it is forgotten', () => {
    const monitor = new AlertMonitor({ ...ALERTS_DEFAULT, raiseAfterMs: 0, clearAfterMs: 0 });
    const look = (gaps: number, elapsedMs: number): readonly string[] =>
      monitor.observe(systemView({ traders: [traderView({ feedGaps: gaps, ordersSent: rateView(0) })] }), undefined, elapsedMs).map(({ event }) => event);
    assert.deepEqual(look(0, 0), []);
    assert.deepEqual(look(3, 250), ['raised']);
    assert.deepEqual(look(3, 60_000), []);
    assert.deepEqual(look(3, 60_251), ['cleared']);
  });

  test('however often it looks, it keeps a bounded number of looks', () => {
    const monitor = new AlertMonitor({ ...ALERTS_DEFAULT, raiseAfterMs: 0 });
    // One gap a look, 2,000 looks within a second: those that are kept have 299 between them.
    for (let i = 0; i < 2_000; i++) monitor.observe(systemView({ traders: [traderView({ feedGaps: i })] }), undefined, i / 2);
    assert.deepEqual(monitor.alerts.map(({ kind, value }) => [kind, value]), [['FeedGaps', 299]]);
  });
});
