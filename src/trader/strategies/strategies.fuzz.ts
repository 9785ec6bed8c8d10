// Every strategy on the strategy runner, against a venue with random others, latency and refusals.
//
// At every instant (venue.reference.ts checks): the position with everything open within its maximum, one
// live quote a side, own quotes that do not cross, whole lots and ticks in their range, no NaN, no throw. At
// the end: our count of positions is the exchange's, stopping leaves nothing open, and the same seed leads
// to the same requests.
// By hand: node bin/node26.mjs src/trader/strategies/strategies.fuzz.ts [rounds] [first seed]
import assert from 'node:assert/strict';
import { Prng } from '../../base/prng.ts';
import { TraderInstruments } from '../instruments.ts';
import { LIMIT_NONE, RISK_LIMITS_DEFAULT } from '../risk.ts';
import { RunnerState } from '../strategy_runner.ts';
import { createStrategy, STRATEGIES } from './strategies.ts';
import type { StrategyDefinition } from './parameters.ts';
import { ReferenceVenue } from './venue.reference.ts';

const STEPS = 400;
const MS = 1_000_000;

const INSTRUMENTS = new TraderInstruments([
  { ticker: 1, symbol: 'CENTS', decimals: 2, tickUnits: 1, lotSize: 1 },
  { ticker: 2, symbol: 'COARSE', decimals: 4, tickUnits: 50, lotSize: 10 },
]);

export interface Fuzzed { readonly hash: string; readonly requests: number; readonly fills: number; readonly rejected: number }

/** Any parameters inside their ranges, mostly near the defaults. */
function randomParameters(prng: Prng, definition: StrategyDefinition): Record<string, number> {
  const given: Record<string, number> = {};
  for (const [name, spec] of Object.entries(definition.parameters)) {
    if (prng.chance(0.6)) continue;
    const value = spec.max <= 1 ? prng.f64() : spec.default * (0.2 + 3 * prng.f64());
    given[name] = Math.min(spec.max, Math.max(spec.min, spec.whole === true ? Math.round(value) : value));
  }
  if (definition.name === 'spread-arbitrage') Object.assign(given, { minSpread: prng.f64() / 5, maxSpread: 0.3 + prng.f64() });
  return given;
}

export function fuzzStrategy(definition: StrategyDefinition, seed: number): Fuzzed {
  const prng = new Prng(seed);
  const given = randomParameters(prng, definition);
  const rests = given['rest'] === 1;
  const quotes = definition.name.startsWith('market-maker') || rests;
  const latencyNs = [0, 100_000, 20 * MS][prng.below(3)];
  const venue = new ReferenceVenue({
    seed, instruments: INSTRUMENTS, latencyNs, quotes, rejects: prng.chance(0.5) ? 0.05 : 0, full: prng.chance(0.3) ? 0.05 : 0,
  });
  const runner = venue.connect({
    strategy: createStrategy(definition, INSTRUMENTS, given),
    limits: {
      ...RISK_LIMITS_DEFAULT, maxLoss: prng.chance(0.8) ? LIMIT_NONE : 20_000, maxOrderQty: prng.between(20, 200),
      maxPosition: prng.between(20, 600), ordersPerSecond: prng.chance(0.8) ? 100_000 : 20,
    },
    quoteBy: prng.chance(0.5) ? 'modify' : 'cancel', timerNs: 10 * MS,
  });
  let step = 0;
  try {
    for (; step < STEPS; step++) {
      venue.step(5 * MS);
      if (prng.chance(0.01)) {
        runner.onFresh(false, venue.nowNs);
        venue.pass(10 * MS);
        runner.onFresh(true, venue.nowNs);
      }
    }
    runner.stop(venue.nowNs);
    for (let i = 0; i < 1000 && runner.state !== RunnerState.Stopped; i++) venue.pass(MS);
    venue.settle();
    assert.equal(runner.state, RunnerState.Stopped);
    assert.deepEqual(venue.positions.map((_, book) => runner.positions.position(book)), venue.positions, 'positions');
    assert.equal(venue.open.size, 0, 'nothing is left open');
    runner.orders.checkInvariants();
  } catch (error) {
    throw new Error(
      `${definition.name}, seed ${seed}, step ${step}: node bin/node26.mjs src/trader/strategies/strategies.fuzz.ts 1 ${seed}`,
      { cause: error },
    );
  }
  return { hash: runner.traceHash, requests: venue.requests.length, fills: venue.fills.length, rejected: venue.rejected };
}

if (import.meta.main) {
  const rounds = Number(process.argv[2] ?? 100);
  const first = Number(process.argv[3] ?? 1);
  for (const definition of STRATEGIES) {
    let [requests, fills, rejected] = [0, 0, 0];
    for (let seed = first; seed < first + rounds; seed++) {
      const fuzzed = fuzzStrategy(definition, seed);
      requests += fuzzed.requests;
      fills += fuzzed.fills;
      rejected += fuzzed.rejected;
    }
    console.log(`${definition.name}: ${rounds} rounds, ${requests} requests, ${fills} fills, ${rejected} refused`);
  }
}
