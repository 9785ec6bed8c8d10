// Random measures, look after look, into the book of alerts and its twin: after each look they have the same alerts.
// By hand: node bin/node26.mjs src/observe/alerts/alert_book.fuzz.ts [rounds] [first seed]
import assert from 'node:assert/strict';
import { Prng } from '../../base/prng.ts';
import { AlertBook } from './alert_book.ts';
import { referenceAlerts, type Sample } from './alert_book.reference.ts';
import type { AlertKind } from './alert.ts';
import type { Measure } from './rules.ts';

const KINDS: readonly AlertKind[] = ['HighLatency', 'LargeLoss', 'ProcessSilent'];
const SUBJECTS = ['a', 'b'];
const KEYS = KINDS.flatMap((kind) => SUBJECTS.map((subject) => `${kind} ${subject}`));
/** The wall clock jumps about as it likes: nothing may depend on it. */
const WALL_MS = 1.7e12;

function measureOf(prng: Prng, kind: AlertKind, subject: string, ratio: number): Measure {
  const threshold = prng.between(1, 1_000);
  return {
    kind, subject, threshold, value: ratio * threshold, text: `ratio ${ratio}`, part: null, detail: {},
    ...(kind === 'ProcessSilent' ? { isFact: true } : {}),
  };
}

/** Near the bounds, for that is where it matters; binary fractions, so that value ÷ threshold is exact. */
function randomRatio(prng: Prng): number {
  return prng.below(13) / 8;
}

export function fuzzAlertBook(seed: number, looks: number): number {
  const prng = new Prng(seed);
  const settings = {
    raiseAfterMs: prng.below(4) * 250, clearAfterMs: prng.below(6) * 250, clearPercent: prng.between(1, 8) * 12.5,
    keepMs: prng.between(1, 40) * 250,
  };
  const book = new AlertBook();
  const samples: Sample[] = [];
  /** Chance that a ratio stays what it was: runs are what hysteresis is about. */
  const stays = prng.f64();
  const ratios = new Map<string, number>();
  let elapsedMs = prng.below(1_000);
  let lastId = 0;
  let raised = 0;
  for (let look = 0; look < looks; look++) {
    elapsedMs += prng.below(3) * 125;
    const measures: Measure[] = [];
    const seen = new Map<string, number>();
    for (const kind of KINDS) {
      for (const subject of SUBJECTS) {
        const key = `${kind} ${subject}`;
        if (!prng.chance(stays)) ratios.set(key, prng.chance(0.2) ? 0 : randomRatio(prng));
        const ratio = ratios.get(key) ?? 0;
        if (ratio === 0) continue; // not measured
        measures.push(measureOf(prng, kind, subject, ratio));
        // A second figure of the same: the worse counts.
        if (prng.chance(0.2)) measures.push(measureOf(prng, kind, subject, ratio / 2));
        seen.set(key, ratio);
      }
    }
    samples.push({ elapsedMs, ratios: seen });
    const changes = book.update(measures, { atMs: WALL_MS + prng.below(7_200_000), elapsedMs }, settings);
    for (const { event, alert } of changes) {
      assert.equal(alert.clearedMs === null, event === 'raised');
      if (event === 'cleared') continue;
      assert.ok(alert.id > lastId, 'ids rise');
      lastId = alert.id;
      raised++;
    }
    compare(book, samples, settings, seed, look);
  }
  return raised;
}

function compare(book: AlertBook, samples: readonly Sample[], settings: Parameters<typeof referenceAlerts>[3], seed: number, look: number): void {
  const expected = referenceAlerts(samples, KEYS, (key) => key.startsWith('ProcessSilent'), settings);
  const was = book.alerts.map(({ kind, subject, clearedMs, value, threshold }) => lineOf(`${kind} ${subject}`, clearedMs, value / threshold));
  const wanted = expected.map(({ key, clearedMs, worstRatio }) => lineOf(key, clearedMs, worstRatio));
  assert.deepEqual(was.toSorted(byText), wanted.toSorted(byText), `seed ${seed}, look ${look}, ${JSON.stringify(settings)}`);
  const ids = book.alerts.map(({ id }) => id);
  assert.deepEqual(ids, ids.toSorted((a, b) => b - a), 'newest first');
}

function lineOf(key: string, clearedMs: number | null, worst: number): string {
  return `${key} ${clearedMs === null ? 'holds' : 'cleared'} ${worst}`;
}

function byText(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}

if (import.meta.main) {
  const [rounds = 1_000, first = 1] = process.argv.slice(2).map(Number);
  let raised = 0;
  for (let seed = first; seed < first + rounds; seed++) raised += fuzzAlertBook(seed, 120);
  console.log(`${rounds} runs from seed ${first}: ${raised} alerts, book and twin agree`);
}
