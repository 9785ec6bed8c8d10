// The simulator notices what it is there for: each planted mistake is caught by some seed, by an invariant
// that may notice it.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { checkSeed } from '../../src/sim/check_seed.ts';
import { kindsNamed } from '../../src/sim/plan.ts';
import { PLANTED_MISTAKES, putBack } from './planted_mistakes.ts';

const SEEDS_MAX = Number(process.env['OUTCRY_SIM_PLANTED_SEEDS'] ?? 40);
const caught: string[] = [];

for (const { what, faults, by, patch, plant } of PLANTED_MISTAKES) {
  test(`planted: ${what} – caught`, async () => {
    try {
      patch?.();
      for (let seed = 1; seed <= SEEDS_MAX; seed++) {
        const { broken } = await checkSeed(seed, { kinds: kindsNamed(faults), plant });
        if (broken === null) continue;
        assert.ok(by.includes(broken.id), `expected ${by.join(' or ')}, was ${broken.message}`);
        caught.push(`${broken.id.padEnd(5)} seed ${seed}: ${what}`);
        return;
      }
      assert.fail(`not within ${SEEDS_MAX} seeds`);
    } finally {
      putBack();
    }
  });
}

after(() => process.stdout.write(`${caught.join('\n')}\n`));
