// The feature engine: an update of the top of a book (every eighth step a trade) and a read of the signal.
//
//   64 instruments in random order, prices walking by up to two ticks, quantities 1 … 500, one side empty
//   once in 200 tops; a repetition is all steps from an empty engine. C does the same steps in the same
//   process; sum of signals and every field of every record must be the same bits.
import { assert } from '../src/base/assert.ts';
import { Prng } from '../src/base/prng.ts';
import { FeatureEngine } from '../src/trader/features.ts';
import { sizeOf, type BenchContext, type Benchmark } from './context.ts';
import { heapUseOf } from './harness/heap.ts';
import { runAlone, runPaired } from './harness/paired.ts';
import type { Row } from './harness/row.ts';
import { formatCount } from './harness/table.ts';
import { loadCFeatures, RECORD_FLOATS } from './reference/c_features.ts';

const INSTRUMENTS = 64;
const STEPS = 1_000_000;
const STEPS_SMALL = 5_000;
/** Words of a step: bench/reference/features.c. */
const WORDS = 6;
const TRADE_EVERY = 8;
const ONE_SIDED_EVERY = 200;
const SEED = 11;

/** Steps as C and we read them. */
export function featureSteps(steps: number): Int32Array {
  const prng = new Prng(SEED);
  const mids = new Int32Array(INSTRUMENTS).fill(100_000);
  const words = new Int32Array(steps * WORDS);
  for (let i = 0; i < steps; i++) {
    const at = i * WORDS;
    const book = prng.below(INSTRUMENTS);
    words[at] = book;
    if (prng.below(TRADE_EVERY) === 0) {
      words.set([prng.chance(0.5) ? 1 : -1, mids[book], prng.between(1, 500)], at + 1);
      continue;
    }
    mids[book] += prng.between(-2, 2);
    const bid = mids[book] - prng.between(1, 3);
    const ask = mids[book] + prng.between(1, 3);
    const empty = prng.below(ONE_SIDED_EVERY) === 0 ? prng.between(1, 2) : 0;
    words.set([0, bid, empty === 1 ? 0 : prng.between(1, 500), ask, empty === 2 ? 0 : prng.between(1, 500)], at + 1);
  }
  return words;
}

/**
 * All steps; the sum of the signals after each. It stands in an array, for V8 keeps the number of a loop that
 * it compiles while it runs on the heap, 16 bytes a step.
 */
function replay(features: FeatureEngine, words: Int32Array): number {
  const sum = new Float64Array(1);
  for (let at = 0; at < words.length; at += WORDS) {
    const book = words[at];
    const side = words[at + 1];
    if (side === 0) features.onTop(book, words[at + 2], words[at + 3], words[at + 4], words[at + 5]);
    else features.onTrade(book, side, words[at + 2], words[at + 3]);
    sum[0] += features.signal(book);
  }
  return sum[0];
}

/** The engine's features in the order of the C record. */
export function recordOf(features: FeatureEngine, book: number): number[] {
  return [
    features.bidTicks(book), features.bidQty(book), features.askTicks(book), features.askQty(book),
    features.spreadTicks(book), features.fairTicks(book), features.imbalance(book), features.signal(book),
    features.mid2(book), features.microTicks(book), features.tradeRatio(book), features.touchRatio(book),
  ];
}

const TRIED =
  'features computed when they are read: a callback then grew beyond what V8 puts into one function, and reads left out of it allocated; numbers of a book ' +
  'checked at each read: eight checked reads cost as much as the update. Left are three divisions, of which each waits for what was loaded';

function timed(work: () => number, expected: number, steps: number): number {
  const start = process.hrtime.bigint();
  const sum = work();
  const ns = Number(process.hrtime.bigint() - start);
  assert(sum === expected, 'each repetition has the same sum of signals');
  return ns / steps;
}

async function run(context: BenchContext): Promise<Row[]> {
  const steps = sizeOf(context, STEPS, STEPS_SMALL);
  context.progress(`features: ${formatCount(steps)} updates of ${INSTRUMENTS} instruments`);
  const words = featureSteps(steps);
  const features = new FeatureEngine(INSTRUMENTS);
  const ours = (): number => {
    for (let book = 0; book < INSTRUMENTS; book++) features.clear(book);
    return replay(features, words);
  };
  const expected = ours();
  features.checkInvariants();
  const inTypeScript = (): number => timed(ours, expected, steps);
  // Compiling allocates too, so the code is warm before it counts.
  for (let i = 0; i < 2; i++) inTypeScript();
  const { bytes } = await heapUseOf(() => void ours());
  const common = {
    name: 'features: update + signal', unit: 'ns/op', boundary: 'TypeScript API', threads: '1', durability: 'none',
    goal: { relation: 'below', value: 50 }, quoted: 'Rust 100 ns', tried: TRIED, small: context.small,
  } as const;
  const checks = [
    `${formatCount(steps)} updates, sum of signals ${expected.toFixed(6)}, ${(bytes / steps).toFixed(3)} B of heap an update`,
  ];
  const c = loadCFeatures();
  if (c === null) {
    const spread = await runAlone(inTypeScript, { repetitions: context.pairs, warmups: 2 });
    checks.push('no C compiler on this machine, so nothing to compare with');
    return [{ ...common, figure: spread.median, statistic: `median of ${spread.samples} runs`, spread, checks }];
  }
  const records = new Float64Array(INSTRUMENTS * RECORD_FLOATS);
  const theirs = (): number => c(words, steps, records, INSTRUMENTS);
  assert(theirs() === expected, 'the signals of C have the same sum, to the last bit');
  for (let book = 0; book < INSTRUMENTS; book++) {
    for (const [field, value] of recordOf(features, book).entries()) {
      assert(records[book * RECORD_FLOATS + field] === value, 'C ends with the same features, to the last bit');
    }
  }
  checks.push('every signal and all final features equal to those of C, bit by bit');
  const inC = (): number => timed(theirs, expected, steps);
  const { a, b, ratio, pairs } = await runPaired(inTypeScript, inC, { pairs: context.pairs, warmups: 2 });
  return [
    {
      ...common, figure: a.median, statistic: `median of ${pairs} runs`, spread: a, checks,
      ratio: { ...ratio, against: 'the same in C', pairs, otherMedian: b.median },
    },
  ];
}

export const featuresBenchmark: Benchmark = {
  name: 'features', about: 'an update of the features of an instrument, and its signal', byDefault: true, run,
};
