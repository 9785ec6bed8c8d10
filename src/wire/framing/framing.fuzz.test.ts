import { test } from 'node:test';
import { fuzzFraming } from './framing.fuzz.ts';

/** OUTCRY_FUZZ = rounds, for a longer run. */
const ROUNDS = Number(process.env.OUTCRY_FUZZ ?? 3_000);

test(`framings agree with a simple parser on ${ROUNDS} random and damaged streams`, () => {
  for (let seed = 1; seed <= ROUNDS; seed++) fuzzFraming(seed);
});
