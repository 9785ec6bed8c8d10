// Random tops, trades and clears, good and impossible ones, through the feature engine and its twin. After
// every step all features of all instruments are compared: so what one instrument does to another is seen
// too. Floats must agree to 1e-9 of their size with the exact fractions (the microprice to 1e-9 of the
// spread, if that is larger), everything else exactly.
// By hand: node bin/node26.mjs src/trader/features.fuzz.ts [rounds] [first seed]
import assert from 'node:assert/strict';
import { Prng } from '../base/prng.ts';
import { PRICE_TICKS_NONE } from './instruments.ts';
import { FeatureEngine, type FeatureOptions } from './features.ts';
import { ReferenceFeatures } from './features.reference.ts';

const INSTRUMENTS = 3;
const STEPS = 80;
const EXACT = ['bidTicks', 'bidQty', 'askTicks', 'askQty', 'mid2', 'spreadTicks', 'known', 'signalKnown'] as const;
const FLOATS = ['fairTicks', 'imbalance', 'microTicks', 'tradeRatio', 'touchRatio', 'signal'] as const;
const RELATIVE_ERROR_MAX = 1e-9;

type Twin = new (count: number, options: FeatureOptions) => Pick<
  ReferenceFeatures, 'onTop' | 'onTrade' | 'clear' | (typeof EXACT)[number] | (typeof FLOATS)[number]
>;

function oneOf<T>(prng: Prng, values: readonly T[]): T {
  return values[prng.below(values.length)];
}

/** Mostly a price near the middle; sometimes far, at the ends of the range, or none at all. */
function price(prng: Prng, middle: number): number {
  if (prng.chance(0.9)) return middle + prng.between(-6, 6);
  return oneOf(prng, [PRICE_TICKS_NONE, -0x7fff_ffff, 0x7fff_ffff, 0, -1, 1.5, NaN, Infinity, 2 ** 31]);
}

function quantity(prng: Prng): number {
  if (prng.chance(0.9)) return prng.between(1, 500);
  return oneOf(prng, [0, 1, -1, 2 ** 32 - 1, Number.MAX_SAFE_INTEGER, 2 ** 53, NaN, Infinity]);
}

function compare(engine: FeatureEngine, twin: InstanceType<Twin>): void {
  engine.checkInvariants();
  for (let book = 0; book < INSTRUMENTS; book++) {
    for (const feature of EXACT) assert.equal(engine[feature](book), twin[feature](book), `${feature} of ${book}`);
    for (const feature of FLOATS) {
      const ours = engine[feature](book);
      const exact = twin[feature](book);
      const error = Math.abs(ours - exact);
      // A place inside of a spread is known to a share of that spread.
      const size = feature === 'microTicks' ? engine.spreadTicks(book) : 0;
      assert.ok(error <= RELATIVE_ERROR_MAX * Math.max(1, Math.abs(exact), size), `${feature} of ${book} was ${ours}, exactly ${exact}`);
    }
    for (const feature of ['imbalance', 'tradeRatio', 'signal'] as const) {
      assert.ok(Math.abs(engine[feature](book)) <= 1, `${feature} of ${book} lies in −1 … +1`);
    }
    if (!engine.known(book)) continue;
    const micro = engine.microTicks(book);
    assert.ok(micro >= engine.bidTicks(book) && micro <= engine.askTicks(book), 'the microprice lies in the spread');
  }
}

export function fuzzFeatures(seed: number, twinClass: Twin = ReferenceFeatures): void {
  const prng = new Prng(seed);
  const options = { alpha: oneOf(prng, [0.1, 0.1, 0.5, 1]), tradeDecay: oneOf(prng, [0.9, 0.9, 0.5, 0]) };
  const engine = new FeatureEngine(INSTRUMENTS, options);
  const twin = new twinClass(INSTRUMENTS, options);
  const middles = [100, -50, prng.between(-1_000_000, 1_000_000)];
  let step = 0;
  try {
    compare(engine, twin);
    for (; step < STEPS; step++) {
      const book = prng.below(INSTRUMENTS);
      middles[book] += prng.between(-3, 3);
      const kind = prng.below(100);
      if (kind < 2) {
        engine.clear(book);
        twin.clear(book);
      } else if (kind < 30) {
        const trade = [oneOf(prng, [1, -1, 1, -1, 0, 2]), middles[book], quantity(prng)] as const;
        engine.onTrade(book, ...trade);
        twin.onTrade(book, ...trade);
      } else {
        const bid = price(prng, middles[book] - 4);
        const ask = price(prng, middles[book] + 4);
        const top = [bid, quantity(prng), ask, quantity(prng)] as const;
        engine.onTop(book, ...top);
        twin.onTop(book, ...top);
      }
      compare(engine, twin);
    }
  } catch (error) {
    throw new Error(`features, seed ${seed}, step ${step}: node bin/node26.mjs src/trader/features.fuzz.ts 1 ${seed}`, {
      cause: error,
    });
  }
}

if (import.meta.main) {
  const rounds = Number(process.argv[2] ?? 1000);
  const first = Number(process.argv[3] ?? 1);
  for (let seed = first; seed < first + rounds; seed++) fuzzFeatures(seed);
  console.log(`features: ${rounds} rounds of ${STEPS} steps, seeds from ${first}: engine and twin agree`);
}
