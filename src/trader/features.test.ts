// The feature engine: worked numbers, what is unknown, isolation, its twin, planted mistakes, heap.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { leastHeapPerOperation } from '../../bench/harness/heap.ts';
import { Prng } from '../base/prng.ts';
import { fuzzFeatures } from './features.fuzz.ts';
import { ReferenceFeatures, type Fraction } from './features.reference.ts';
import { FeatureEngine } from './features.ts';
import { MID2_NONE, PRICE_TICKS_NONE } from './instruments.ts';

const SEEDS = Number(process.env['FEATURES_SEEDS'] ?? 20);
const NONE = PRICE_TICKS_NONE;
const READS = [
  'bidTicks', 'bidQty', 'askTicks', 'askQty', 'mid2', 'fairTicks', 'spreadTicks', 'imbalance', 'microTicks',
  'tradeRatio', 'touchRatio', 'signal',
] as const;

function near(actual: number, expected: number): void {
  assert.ok(Math.abs(actual - expected) < 1e-12 * Math.max(1, Math.abs(expected)), `${actual}, expected ${expected}`);
}

describe('worked numbers', () => {
  test('a first top: the fair value begins at the mid', () => {
    const features = new FeatureEngine(1);
    features.onTop(0, 100, 30, 104, 10);
    assert.equal(features.known(0), true);
    assert.equal(features.mid2(0), 204);
    assert.equal(features.fairTicks(0), 102);
    assert.equal(features.spreadTicks(0), 4);
    assert.equal(features.imbalance(0), 0.5); // (30 − 10) / 40
    assert.equal(features.microTicks(0), 103); // (100 · 10 + 104 · 30) / 40
    near(features.signal(0), 0.15); // 0.7 · 0 / 4 + 0.3 · 0.5
  });

  test('the average follows the mid by a tenth each time, and the signal leans back to it', () => {
    const features = new FeatureEngine(1);
    features.onTop(0, 99, 10, 101, 10); // mid 100
    features.onTop(0, 109, 10, 111, 10); // mid 110: 100 + 0.1 · 10
    near(features.fairTicks(0), 101);
    features.onTop(0, 109, 10, 111, 10); // 101 + 0.1 · 9: a repeated top is one more observation
    near(features.fairTicks(0), 101.9);
    assert.equal(features.signal(0), -1); // 0.7 · (101.9 − 110) / 2 = −2.8, held at −1
    features.onTop(0, 101, 10, 103, 10); // mid 102: 101.9 + 0.1 · 0.1 = 101.91
    near(features.signal(0), (0.7 * -0.09) / 2); // −0.0315
  });

  test('fair value and imbalance against each other', () => {
    const features = new FeatureEngine(1, { alpha: 0.5 });
    features.onTop(0, 100, 1, 110, 1); // mid 105
    features.onTop(0, 90, 1, 100, 3); // mid 95, fair 100, imbalance −0.5, spread 10
    near(features.signal(0), 0.7 * 0.5 - 0.3 * 0.5); // +0.2
  });

  test('the trade ratio forgets a tenth with each trade', () => {
    const features = new FeatureEngine(1);
    assert.equal(features.tradeRatio(0), 0);
    features.onTrade(0, 1, 100, 50);
    assert.equal(features.tradeRatio(0), 1);
    features.onTrade(0, -1, 100, 50); // (45 − 50) / (45 + 50)
    near(features.tradeRatio(0), -5 / 95);
    features.onTrade(0, -1, 100, 10); // (−4.5 − 10) / (85.5 + 10)
    near(features.tradeRatio(0), -14.5 / 95.5);
  });

  test('the touch ratio is taken from the side that the trade hit, before it shrinks', () => {
    const features = new FeatureEngine(1);
    features.onTop(0, 100, 40, 101, 20);
    features.onTrade(0, 1, 101, 5);
    assert.equal(features.touchRatio(0), 0.25);
    features.onTrade(0, -1, 100, 60);
    assert.equal(features.touchRatio(0), 1.5);
    features.onTop(0, NONE, 0, 101, 20);
    features.onTrade(0, -1, 100, 60);
    assert.equal(features.touchRatio(0), 0);
  });

  test('a trade without an aggressor, or of no quantity, is left out', () => {
    const features = new FeatureEngine(1);
    features.onTop(0, 100, 40, 101, 20);
    for (const [side, qty] of [[0, 10], [2, 10], [1, 0], [-1, -5], [1, NaN], [1, Infinity]]) {
      features.onTrade(0, side, 100, qty);
    }
    assert.deepEqual([features.tradeRatio(0), features.touchRatio(0)], [0, 0]);
  });
});

/** Tops that have no features: an empty side, no spread, or what is neither price nor quantity. */
const UNKNOWN: readonly (readonly [what: string, bid: number, bidQty: number, ask: number, askQty: number])[] = [
  ['both sides empty', NONE, 0, NONE, 0],
  ['no bid', NONE, 0, 101, 5],
  ['no ask', 99, 5, NONE, 0],
  ['a bid of quantity 0', 99, 0, 101, 5],
  ['an ask of quantity 0', 99, 5, 101, 0],
  ['locked', 100, 5, 100, 5],
  ['crossed', 101, 5, 99, 5],
  ['a bid that is NaN', NaN, 5, 101, 5],
  ['an ask that is NaN', 99, 5, NaN, 5],
  ['quantities that are NaN', 99, NaN, 101, NaN],
  ['an infinite ask', 99, 5, Infinity, 5],
  ['an infinite quantity', 99, Infinity, 101, 5],
  ['a negative quantity', 99, -5, 101, 5],
];

/** What must hold for an unknown top; also run on planted mistakes, to see it fail. */
function checkUnknown(features: Pick<ReferenceFeatures, 'onTop' | 'known' | 'signalKnown' | (typeof READS)[number]>): void {
  for (const [what, ...top] of UNKNOWN) {
    features.onTop(0, 99, 5, 101, 5);
    features.onTop(0, ...top);
    assert.equal(features.known(0), false, what);
    assert.equal(features.signalKnown(0), false, what);
    for (const read of READS) {
      assert.ok(Number.isFinite(features[read](0)), `${what}: ${read} is a number, was ${features[read](0)}`);
    }
    assert.deepEqual(
      [features.mid2(0), features.fairTicks(0), features.spreadTicks(0), features.microTicks(0)],
      [MID2_NONE, NONE, 0, NONE], what,
    );
    assert.deepEqual([features.imbalance(0), features.signal(0)], [0, 0], what);
  }
}

/** `x != NaN` is true for every x, so the guard lets 0 / 0 through. (Compilers know the literal.) */
class GuardedByNaN extends ReferenceFeatures {
  override signal(book: number): number {
    const spread = this.askTicks(book) - this.bidTicks(book);
    const nothing = Number('');
    if (spread === nothing / nothing) return 0;
    return (0.7 * (this.fairTicks(book) - (this.bidTicks(book) + this.askTicks(book)) / 2)) / spread;
  }
}

describe('unknown', () => {
  test('no undefined input yields a signal, and nothing is ever NaN (known mistake 16)', () => {
    checkUnknown(new FeatureEngine(1));
  });

  test('the same inputs find a guard that compares with NaN (known mistake 16, planted)', () => {
    checkUnknown(new ReferenceFeatures(1));
    assert.throws(() => checkUnknown(new GuardedByNaN(1)), /signal is a number, was NaN|deepEqual|strictly deep-equal/);
  });

  test('before the first top, and after a clear', () => {
    const features = new FeatureEngine(2);
    assert.equal(features.known(1), false);
    features.onTop(1, 99, 5, 101, 5);
    features.onTrade(1, 1, 101, 5);
    features.clear(1);
    for (const read of READS) assert.equal(features[read](1), new FeatureEngine(2)[read](1), read);
  });

  test('a hole ends the average: no price from before it enters what comes after', () => {
    // The market falls by half while its ask side is empty. An average that went on would be 95.5 after it,
    // the signal +1: buy, on the word of prices that are gone.
    const features = new FeatureEngine(1);
    features.onTop(0, 99, 5, 101, 5);
    features.onTop(0, 50, 5, NONE, 0);
    features.onTop(0, 54, 5, 56, 5);
    assert.equal(features.fairTicks(0), 55);
    assert.equal(features.signal(0), 0);
  });

  test('a book that is none is a broken invariant', () => {
    const features = new FeatureEngine(2);
    for (const book of [-1, 2, NaN]) {
      assert.throws(() => features.onTop(book, 99, 5, 101, 5), /a book is an index below the instrument count/);
      assert.throws(() => features.onTrade(book, 1, 101, 5), /a book is an index below the instrument count/);
      assert.throws(() => features.clear(book), /a book is an index below the instrument count/);
    }
    assert.throws(() => new FeatureEngine(1, { alpha: 0 }), /alpha/);
    assert.throws(() => new FeatureEngine(1, { alpha: NaN }), /alpha/);
    assert.throws(() => new FeatureEngine(1, { tradeDecay: 1 }), /decay/);
  });
});

describe('mids', () => {
  test('100 and 101 have 100.5 between them, as have −101 and −100 (known mistake 26)', () => {
    const features = new FeatureEngine(2);
    features.onTop(0, 100, 5, 101, 5);
    features.onTop(1, -101, 5, -100, 5);
    assert.deepEqual([features.mid2(0), features.fairTicks(0), features.microTicks(0)], [201, 100.5, 100.5]);
    assert.deepEqual([features.mid2(1), features.fairTicks(1), features.microTicks(1)], [-201, -100.5, -100.5]);
  });

  test('at the ends of the price range nothing overflows', () => {
    const features = new FeatureEngine(1);
    features.onTop(0, 0x7fff_fffe, 2 ** 32 - 1, 0x7fff_ffff, 2 ** 32 - 1);
    assert.deepEqual([features.mid2(0), features.fairTicks(0), features.spreadTicks(0)], [4_294_967_293, 2_147_483_646.5, 1]);
    features.onTop(0, -0x7fff_ffff, 1, 0x7fff_ffff, 1);
    assert.deepEqual([features.mid2(0), features.spreadTicks(0)], [0, 2 * 0x7fff_ffff]);
  });
});

/** One state for all instruments. */
class Shared extends ReferenceFeatures {
  protected override of(_book: number): ReturnType<ReferenceFeatures['of']> {
    return this.instruments[0];
  }
}

/** (bid + ask) / 2 in integers, which drops the half. */
class Truncated extends ReferenceFeatures {
  protected override mid(instrument: Parameters<ReferenceFeatures['mid']>[0]): Fraction | null {
    const mid = super.mid(instrument);
    return mid && { n: mid.n / mid.d, d: 1n };
  }
}

/** Stands for features that are computed before the update: it sees each top one call late. */
class Late extends ReferenceFeatures {
  private readonly waiting = new Map<number, Parameters<ReferenceFeatures['onTop']>>();

  override onTop(...top: Parameters<ReferenceFeatures['onTop']>): void {
    const last = this.waiting.get(top[0]);
    if (last) super.onTop(...last);
    this.waiting.set(top[0], top);
  }
}

/** The average goes on across holes. */
class Unbroken extends ReferenceFeatures {
  override onTop(...top: Parameters<ReferenceFeatures['onTop']>): void {
    const before = this.of(top[0]).fair;
    super.onTop(...top);
    const one = this.of(top[0]);
    if (one.fair === null) return;
    const kept = before ?? this.last.get(top[0]) ?? one.fair;
    this.last.set(top[0], kept);
    one.fair = kept;
  }

  private readonly last = new Map<number, Fraction>();
}

describe('engine and twin', () => {
  test(`agree on random tops, trades and clears of three instruments, ${SEEDS} seeds`, () => {
    for (let seed = 1; seed <= SEEDS; seed++) fuzzFeatures(seed);
  });

  for (const [what, planted] of [
    ['state shared by instruments (known mistake 30, planted)', Shared],
    ['a mid by truncating division (known mistake 26, planted)', Truncated],
    ['features from before the update (known mistake 15, planted)', Late],
    ['an average that goes on across holes', Unbroken],
  ] as const) {
    test(`found: ${what}`, () => {
      assert.throws(() => {
        for (let seed = 1; seed <= 5; seed++) fuzzFeatures(seed, planted);
      }, /features, seed/);
    });
  }

  test('what happens to one instrument is not seen in another (known mistake 30)', () => {
    const features = new FeatureEngine(3);
    for (let book = 0; book < 3; book++) features.onTop(book, 100 * book, 5, 100 * book + 2, 5);
    const before = READS.map((read) => [features[read](0), features[read](2)]);
    features.onTop(1, 5, 100, 900, 1);
    features.onTrade(1, -1, 5, 77);
    features.onTop(1, NONE, 0, NONE, 0);
    features.clear(1);
    assert.deepEqual(READS.map((read) => [features[read](0), features[read](2)]), before);
  });
});

test('an update and all reads allocate nothing', async () => {
  const features = new FeatureEngine(4);
  const steps = 4096;
  const prng = new Prng(5);
  const moves = Int32Array.from({ length: steps }, () => prng.between(-2, 2));
  const round = (): number => {
    let sum = 0;
    let bid = 100_000;
    for (let i = 0; i < steps; i++) {
      const book = i & 3;
      bid += moves[i];
      features.onTop(book, bid, 10 + (i & 15), bid + 1 + (i & 3), 12);
      if ((i & 7) === 0) features.onTrade(book, i & 8 ? 1 : -1, bid, 3);
      sum += features.signal(book) + features.fairTicks(book) + features.microTicks(book) + features.tradeRatio(book);
      sum += features.imbalance(book) + features.mid2(book) + features.spreadTicks(book) + features.touchRatio(book);
    }
    return sum;
  };
  const least = await leastHeapPerOperation(() => void round(), steps, 0.1);
  assert.ok(least <= 0.1, `${least} bytes an update, expected at most 0.1`);
});
