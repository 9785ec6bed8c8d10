// `outcry exchange --journal` killed (kill -9) under load: nothing acknowledged is lost, nothing doubled.
import assert from 'node:assert/strict';
import { availableParallelism } from 'node:os';
import { test } from 'node:test';
import { killAndResume, killText } from './kill.fuzz.ts';

const KILLS = Number(process.env['OUTCRY_KILLS'] ?? 4);
const SEED = Number(process.env['OUTCRY_KILL_SEED'] ?? 1);

/** A long run takes both cores, with a journal each. */
const LANES = KILLS >= 100 ? Math.min(4, availableParallelism()) : 1;

test(`${KILLS} exchanges killed under load: 0 acknowledged lost, 0 doubled, equal hashes`, { timeout: 60_000 + KILLS * 10_000 }, async (t) => {
  const figures = await killAndResume(KILLS, SEED, LANES);
  t.diagnostic(killText(figures));
  assert.equal(figures.kills, KILLS);
  assert.ok(figures.acknowledged > KILLS, 'clients traded');
  assert.deepEqual([figures.lost, figures.doubled, figures.hashesDiffer], [0, 0, 0]);
  assert.equal(figures.hashesEqual, figures.journals * 6);
});
