// The book of alerts: hysteresis step by step, and against its twin.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { ALERTS_MAX, AlertBook, type AlertChange, SUBJECTS_MAX } from './alert_book.ts';
import { fuzzAlertBook } from './alert_book.fuzz.ts';
import type { Measure } from './rules.ts';

/** Runs of the fuzzer, 120 looks each. */
const SEEDS = Number(process.env['OUTCRY_ALERT_SEEDS'] ?? 150);
const SETTINGS = { raiseAfterMs: 1_000, clearAfterMs: 2_000, clearPercent: 80, keepMs: 60_000 };
const ATMS = 1.7e12;

function measure(value: number, differs: Partial<Measure> = {}): Measure {
  return { kind: 'HighLatency', subject: 'exchange', value, threshold: 100, text: `value ${value}`, part: null, detail: { latencyNs: value }, ...differs };
}

class Rig {
  readonly book = new AlertBook();
  readonly changes: AlertChange[] = [];
  elapsedMs = 0;

  /** The same measures at each of `looks` looks, `stepMs` apart. */
  look(measures: readonly Measure[], looks = 1, stepMs = 500, atMs = ATMS + this.elapsedMs): void {
    for (let i = 0; i < looks; i++) {
      this.changes.push(...this.book.update(measures, { atMs: atMs + i * stepMs, elapsedMs: this.elapsedMs }, SETTINGS));
      this.elapsedMs += stepMs;
    }
  }

  get events(): string[] {
    return this.changes.map(({ event, alert }) => `${event} ${alert.id}`);
  }
}

describe('hysteresis', () => {
  test('raised when beyond the threshold without a break for raiseAfter, cleared when below the lower bound for clearAfter', () => {
    const rig = new Rig();
    rig.look([measure(100)], 2);
    assert.deepEqual(rig.events, []);
    rig.look([measure(100)]); // a second has passed
    assert.deepEqual(rig.events, ['raised 1']);
    rig.look([measure(80)], 20); // between the bounds nothing changes
    assert.deepEqual(rig.events, ['raised 1']);
    rig.look([measure(79)], 4);
    assert.deepEqual(rig.events, ['raised 1']);
    rig.look([measure(79)]);
    assert.deepEqual(rig.events, ['raised 1', 'cleared 1']);
    const [alert] = rig.book.alerts;
    assert.deepEqual([alert.raisedMs, alert.clearedMs], [ATMS + 1_000, ATMS + 13_500]);
  });

  test('a value that flaps around the threshold raises once; one that never stays beyond it, never', () => {
    const rig = new Rig();
    for (let i = 0; i < 50; i++) rig.look([measure(i % 2 === 0 ? 150 : 99)], 1);
    assert.deepEqual(rig.events, []);
    rig.look([measure(150)], 3);
    for (let i = 0; i < 200; i++) rig.look([measure(i % 2 === 0 ? 150 : 10)], 2);
    assert.deepEqual(rig.events, ['raised 1']);
  });

  test('what is not measured any more is below: its process has gone, its rule is off', () => {
    const rig = new Rig();
    rig.look([measure(100)], 3);
    rig.look([], 5);
    assert.deepEqual(rig.events, ['raised 1', 'cleared 1']);
  });

  test('a fact is raised at once', () => {
    const rig = new Rig();
    rig.look([measure(1, { kind: 'ProcessSilent', threshold: 1, isFact: true })]);
    assert.deepEqual(rig.events, ['raised 1']);
    assert.equal(rig.book.alerts[0].severity, 'critical');
  });

  // An alert took an hour to be raised, or was cleared at once, when the wall clock was set.
  test('a wall clock that jumps moves no alert', () => {
    const rig = new Rig();
    rig.look([measure(100)], 1, 500, ATMS);
    rig.look([measure(100)], 1, 500, ATMS + 3_600_000);
    assert.deepEqual(rig.events, []);
    rig.look([measure(100)], 1, 500, ATMS - 3_600_000);
    assert.deepEqual(rig.events, ['raised 1']);
  });
});

test('an alert that holds shows its worst value, with a sentence, its threshold and the time', () => {
  const rig = new Rig();
  rig.look([measure(100)], 3);
  rig.look([measure(300)]);
  rig.look([measure(200)]);
  const [alert] = rig.book.alerts;
  assert.deepEqual(alert, {
    id: 1, kind: 'HighLatency', severity: 'warning', subject: 'exchange', message: 'exchange: value 300', value: 300, threshold: 100,
    raisedMs: ATMS + 1_000, clearedMs: null, detail: { latencyNs: 300, timestamp: '1700000001500000000' },
  });
});

test('of two measures of one kind and subject the worse counts; other subjects are other alerts', () => {
  const rig = new Rig();
  rig.look([measure(50), measure(3, { threshold: 2, text: 'the other' }), measure(100, { subject: 'client 1' })], 3);
  assert.deepEqual(rig.book.alerts.map(({ subject, message }) => [subject, message]), [
    ['client 1', 'client 1: value 100'], ['exchange', 'exchange: the other'],
  ]);
});

test('newest first; a cleared alert stays for an hour, one that holds longer', () => {
  const rig = new Rig();
  rig.look([measure(100), measure(100, { subject: 'b' })], 3);
  rig.look([measure(100, { subject: 'b' })], 5);
  assert.deepEqual(rig.book.alerts.map(({ id, clearedMs }) => [id, clearedMs === null]), [[2, true], [1, false]]);
  rig.look([measure(100, { subject: 'b' })], 119);
  assert.deepEqual(rig.book.alerts.map(({ id }) => id), [2, 1]);
  rig.look([measure(100, { subject: 'b' })], 1);
  assert.deepEqual(rig.book.alerts.map(({ id }) => id), [2]);
});

test('subjects and alerts are bounded, and what had no room is counted', () => {
  const rig = new Rig();
  const many = Array.from({ length: SUBJECTS_MAX + 5 }, (_, i) => measure(100, { subject: `s${i}` }));
  rig.look(many, 3);
  assert.equal(rig.book.alerts.length, SUBJECTS_MAX);
  assert.equal(rig.book.dropped, 15);
  // Raised and cleared again and again within the hour.
  for (let round = 1; rig.book.alerts.length < ALERTS_MAX || round < 6; round++) {
    rig.look([], 5);
    rig.look(many.slice(0, SUBJECTS_MAX), 3);
    assert.ok(round < 10);
  }
  assert.equal(rig.book.alerts.length, ALERTS_MAX);
  const { alerts } = rig.book;
  assert.equal(alerts.filter(({ clearedMs }) => clearedMs === null).length, SUBJECTS_MAX, 'those that hold are kept');
  assert.ok(rig.book.dropped > 15);
});

test('book and twin agree after every look', () => {
  let raised = 0;
  for (let seed = 1; seed <= SEEDS; seed++) raised += fuzzAlertBook(seed, 120);
  assert.ok(raised > SEEDS, `${raised} alerts`);
});
