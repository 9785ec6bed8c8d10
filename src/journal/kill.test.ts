// kill -9 under load, on real files (kill.fuzz.ts).
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { killMany } from './kill.fuzz.ts';

const KILLS = Number(process.env['OUTCRY_JOURNAL_KILLS'] ?? 6);
const SEED = Number(process.env['OUTCRY_JOURNAL_SEED'] ?? 1);
/** A victim starts in a quarter of a second, on a busy machine in some. */
const TIMEOUT_MS = 60_000 + KILLS * 5_000;

test('what a process had acknowledged is there after kill -9', { timeout: TIMEOUT_MS }, async (t) => {
  const results = await killMany(KILLS, SEED);
  assert.equal(results.length, KILLS);
  assert.ok(results.some(({ reported }) => reported > 0), 'somebody acknowledged something');
  t.diagnostic(results.map(({ reported, recovered }) => `${reported}/${recovered}`).join(' '));
});
