// Damage of every kind is refused or repaired, never taken (damage.fuzz.ts).
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { flipBits, fuzzMutations, MUTATION_NAMES, tearBatch } from './damage.fuzz.ts';

const SEEDS = Number(process.env['OUTCRY_JOURNAL_FUZZ'] ?? 300);
const FIRST = Number(process.env['OUTCRY_JOURNAL_SEED'] ?? 1);
/** 1 turns each bit. */
const STRIDE = Number(process.env['OUTCRY_JOURNAL_FLIP_STRIDE'] ?? 53);
/** 2 to this power subsets of sectors are tried. */
const SECTORS_MAX = Number(process.env['OUTCRY_JOURNAL_SECTORS'] ?? 6);
/** Each bit of 64 KiB takes a minute, all subsets of ten sectors another, on a machine that is free. */
const LONG = { timeout: 1_800_000 };

test('a bit turned anywhere in a journal of 64 KiB that ended in good order', LONG, (t) => {
  const counts = flipBits(16 << 10, 4, STRIDE);
  const { bits, refused, repaired } = counts;
  t.diagnostic(`${bits} of 524288 bits turned, one at a time: ${refused} refused, ${repaired} repaired, 0 taken`);
  assert.equal(counts.bits, counts.refused + counts.repaired);
  assert.ok(counts.refused > counts.repaired, 'most of it is records');
  assert.ok(counts.repaired > 0, 'and some is not');
});

test('each bit of a small journal', () => {
  assert.equal(flipBits(4096, 1, 1).bits, 4096 * 8);
});

test('a batch torn at every sector, in any order of them', LONG, (t) => {
  let tried = 0;
  for (let seed = FIRST; seed < FIRST + 8; seed++) tried += tearBatch(seed, SECTORS_MAX);
  t.diagnostic(`${tried} subsets of the sectors of a batch: nothing acknowledged lost, nothing else made up`);
  assert.ok(tried >= 8 * 2 ** (SECTORS_MAX - 2), `${tried} torn batches`);
});

test('journals mutated by what knows their structure', (t) => {
  const seen = new Map<string, number>();
  for (let seed = FIRST; seed < FIRST + SEEDS; seed++) {
    const { mutation, verdict } = fuzzMutations(seed);
    seen.set(verdict, (seen.get(verdict) ?? 0) + 1);
    seen.set(mutation, (seen.get(mutation) ?? 0) + 1);
  }
  t.diagnostic(JSON.stringify(Object.fromEntries(seen)));
  for (const name of [...MUTATION_NAMES, 'damaged', 'torn', 'whole']) assert.ok(seen.has(name), name);
});
