// `outcry exchange --journal` killed (kill -9) under load: nothing acknowledged is lost, nothing doubled.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { killAndResume } from './kill.fuzz.ts';

const KILLS = Number(process.env['OUTCRY_KILLS'] ?? 4);
const SEED = Number(process.env['OUTCRY_KILL_SEED'] ?? 1);

test(`${KILLS} exchanges killed under load: 0 acknowledged lost, 0 doubled, equal hashes`, { timeout: 60_000 + KILLS * 10_000 }, async () => {
  const figures = await killAndResume(KILLS, SEED);
  assert.equal(figures.kills, KILLS);
  assert.ok(figures.answered > KILLS, 'clients traded');
  process.stdout.write(`kills: 0 lost, 0 doubled, ${JSON.stringify(figures)}\n`);
});
