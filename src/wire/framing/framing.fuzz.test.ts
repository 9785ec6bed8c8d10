import { test } from 'node:test';
import { fuzzFraming } from './framing.fuzz.ts';

/** OUTCRY_FRAMING_ROUNDS sets the length. */
const ROUNDS = Number(process.env['OUTCRY_FRAMING_ROUNDS'] ?? 3_000);

test(`framings agree with a simple parser on ${ROUNDS} random and damaged streams`, () => {
  for (let seed = 1; seed <= ROUNDS; seed++) fuzzFraming(seed);
});
