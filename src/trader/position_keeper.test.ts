import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Prng } from '../base/prng.ts';
import { MID2_NONE, TraderInstruments, plainInstruments } from './instruments.ts';
import { fuzzIdeal, fuzzPositions, randomFills } from './position_keeper.fuzz.ts';
import { ReferencePositions, divideHalfEven } from './position_keeper.reference.ts';
import { MONEY_MAX, PositionKeeper, Share, takeShare, type Costing } from './position_keeper.ts';

const SEEDS = Number(process.env['POSITION_FUZZ_SEEDS'] ?? 150);
const FILLS = Number(process.env['POSITION_FILLS'] ?? 500_000);

const BUY = 1;
const SELL = -1;
const ONE = new TraderInstruments(plainInstruments([1]));
const THREE = new TraderInstruments(plainInstruments([5, 6, 7]));

type Fill = readonly [side: number, qty: number, priceTicks: number];

function after(fills: readonly Fill[], costing: Costing = 'vwap'): PositionKeeper {
  const keeper = new PositionKeeper(ONE, { costing });
  for (const [side, qty, price] of fills) keeper.onFill(0, side, price, qty);
  keeper.checkInvariants();
  return keeper;
}

/** position, cost, realised profit. */
function booked(keeper: PositionKeeper): number[] {
  return [keeper.position(0), keeper.costTicks(0), keeper.realised2(0) / 2];
}

test('a flip closes at cost and opens the rest at the fill: −100 realised, −5 @ 90, then −125 (known mistake 21)', () => {
  for (const costing of ['vwap', 'fifo', 'lifo'] as const) {
    const keeper = after([[BUY, 10, 100], [SELL, 15, 90]], costing);
    assert.deepEqual(booked(keeper), [-5, -450, -100], costing);
    assert.equal(keeper.averageTicks(0), 90);
    keeper.onFill(0, BUY, 95, 5);
    assert.deepEqual(booked(keeper), [0, 0, -125], costing);
    assert.equal(keeper.averageTicks(0), 0);
    assert.equal(keeper.volume(0), 30);
    assert.equal(keeper.fills(0), 3);
  }
});

test('everything begins at zero, and is whole numbers from then on (known mistake 20)', () => {
  for (const costing of ['vwap', 'fifo', 'lifo'] as const) {
    const keeper = new PositionKeeper(ONE, { costing });
    const numbers = (): number[] => [
      keeper.position(0), keeper.costTicks(0), keeper.cash(0), keeper.realised2(0), keeper.unrealised2(0), keeper.pnl2(0),
      keeper.fees(0), keeper.volume(0), keeper.fills(0), keeper.totalPnl2(), keeper.grossValue2(), keeper.totalRealised2(),
    ];
    assert.deepEqual(numbers(), numbers().map(() => 0));
    keeper.checkInvariants();
    keeper.mark(0, 205);
    for (const price of [100, 101, 103]) keeper.onFill(0, BUY, price, 7);
    keeper.onFill(0, SELL, 102, 10);
    assert.ok(numbers().every(Number.isSafeInteger), numbers().join(' '));
  }
});

test('the three costings of the same fills', () => {
  const fills: Fill[] = [[BUY, 10, 100], [BUY, 10, 110], [SELL, 5, 120]];
  assert.deepEqual(booked(after(fills, 'vwap')), [15, 1575, 75]);
  assert.deepEqual(booked(after(fills, 'fifo')), [15, 1600, 100]);
  assert.deepEqual(booked(after(fills, 'lifo')), [15, 1550, 50]);
  // The other side alike.
  const short = fills.map(([side, qty, price]) => [-side, qty, price] as const);
  assert.deepEqual(booked(after(short, 'vwap')), [-15, -1575, -75]);
  assert.deepEqual(booked(after(short, 'fifo')), [-15, -1600, -100]);
  assert.deepEqual(booked(after(short, 'lifo')), [-15, -1550, -50]);
});

function costShare(cost: number, part: number, whole: number): number {
  const cells = Float64Array.of(cost, part, whole);
  takeShare(cells);
  return cells[Share.Cost];
}

test('a partial close takes its share rounded half to even, and the rest stays', () => {
  // 3 lots for 100, 100 and 101: 301. A third is 100⅓; then half of 201 is 100½ → 100.
  const keeper = after([[BUY, 2, 100], [BUY, 1, 101], [SELL, 1, 100]]);
  assert.equal(keeper.costTicks(0), 201);
  keeper.onFill(0, SELL, 100, 1);
  assert.equal(keeper.costTicks(0), 101);
  keeper.onFill(0, SELL, 100, 1);
  assert.deepEqual(booked(keeper), [0, 0, -1]);
  assert.equal(costShare(203, 1, 2), 102, 'the even neighbour, above');
  assert.equal(costShare(-201, 1, 2), -100, 'negative costs alike');
});

test('a share is exact where cost × quantity has a hundred bits', () => {
  const whole = fc.integer({ min: 1, max: 2 ** 52 });
  fc.assert(fc.property(
    fc.integer({ min: -(2 ** 53) + 1, max: 2 ** 53 - 1 }), whole, fc.double({ min: 0, max: 1, noNaN: true }),
    (cost, of, fraction) => {
      const part = Math.floor(of * fraction);
      const expected = divideHalfEven(BigInt(cost) * BigInt(part), BigInt(of));
      assert.equal(BigInt(costShare(cost, part, of)), expected, `${cost} × ${part} / ${of}`);
    },
  ), { numRuns: 20_000 });
});

test('an unknown mark makes profit unknown, not zero', () => {
  const keeper = after([[BUY, 10, 100]]);
  assert.equal(keeper.known(0), false);
  assert.equal(keeper.totalsKnown, false);
  keeper.mark(0, 100 + 101);
  assert.deepEqual([keeper.known(0), keeper.unrealised2(0), keeper.totalPnl2()], [true, 10, 10]);
  assert.equal(keeper.grossValue2(), 2010);
  keeper.mark(0, MID2_NONE);
  assert.deepEqual([keeper.known(0), keeper.totalsKnown, keeper.marked(0)], [false, false, false]);
  keeper.onFill(0, SELL, 103, 10);
  assert.deepEqual([keeper.known(0), keeper.pnl2(0), keeper.totalPnl2()], [true, 60, 60], 'flat needs no mark');
  keeper.checkInvariants();
});

test('the mark is bid + ask: half ticks are not lost, and negative prices go the same way (known mistake 26)', () => {
  const keeper = after([[BUY, 1, 100]]);
  keeper.mark(0, 100 + 101);
  assert.equal(keeper.unrealised2(0), 1, 'half a tick, doubled; 100 by truncating division would be 0');
  const below = after([[BUY, 1, -101]]);
  below.mark(0, -101 + -100);
  assert.equal(below.unrealised2(0), 1, 'the same half above −101');
});

test('fees are part of cash and realised profit', () => {
  const keeper = new PositionKeeper(ONE);
  keeper.onFill(0, BUY, 100, 10, 3);
  keeper.onFill(0, SELL, 105, 10, -1);
  assert.equal(keeper.realised2(0), 2 * (50 - 2));
  assert.equal(keeper.cash(0), 48);
  assert.equal(keeper.fees(0), 2);
  keeper.checkInvariants();
});

test('quantities and money beyond 32 bits are exact (known mistake 23)', () => {
  const keeper = after([[BUY, 3_000_000_000, 3], [BUY, 2_000_000_000, 3]]);
  assert.equal(keeper.position(0), 5_000_000_000);
  assert.equal(keeper.volume(0), 5_000_000_000);
  assert.equal(keeper.costTicks(0), 15_000_000_000);
});

test('sums that leave their bounds are unknown for good; the position is not (known mistake 24)', () => {
  const keeper = new PositionKeeper(ONE, { costing: 'fifo' });
  keeper.mark(0, 200);
  keeper.onFill(0, BUY, 100, 10);
  assert.ok(MONEY_MAX < 2_000_000_000 * 4_000_000_000);
  keeper.onFill(0, BUY, 2_000_000_000, 4_000_000_000);
  assert.equal(keeper.position(0), 4_000_000_010);
  assert.deepEqual([keeper.known(0), keeper.totalsKnown, keeper.lots], [false, false, 0]);
  keeper.onFill(0, SELL, 1, 4_000_000_010);
  assert.deepEqual([keeper.position(0), keeper.known(0)], [0, false]);
  assert.equal(keeper.volume(0), 8_000_000_020);
  keeper.checkInvariants();
});

test('totals are portfolio money: instruments of different decimals and ticks add up', () => {
  const two = new TraderInstruments([
    { ticker: 1, symbol: 'AAPL', decimals: 2, tickUnits: 1, lotSize: 1 },
    { ticker: 2, symbol: 'BTC-USDT', decimals: 8, tickUnits: 50_000_000, lotSize: 1 },
  ]);
  assert.equal(two.portfolioDecimals, 2, 'ticks of 0.01 and 0.5 are whole cents');
  const keeper = new PositionKeeper(two);
  keeper.onFill(0, BUY, 10_000, 3);
  keeper.mark(0, 2 * 10_010); // + 3 × 0.10
  keeper.onFill(1, SELL, two.ticksOf(1, '50000.5'), 2);
  keeper.mark(1, 2 * two.ticksOf(1, 50000)); // + 2 × 0.50
  assert.equal(two.moneyText(keeper.totalPnl2() / 2), '1.30');
  assert.equal(two.moneyText(keeper.grossValue2() / 2), '100300.30');
  keeper.onFill(1, BUY, two.ticksOf(1, 50000), 2);
  assert.equal(keeper.totalRealised2(), 200);
  keeper.checkInvariants();
});

// ── lots ─────────────────────────────────────────────────────────────────────────────────────

test('FIFO and LIFO close lot by lot, across several, and equal prices share a lot', () => {
  const fills: Fill[] = [[BUY, 5, 100], [BUY, 5, 100], [BUY, 5, 110], [BUY, 5, 120]];
  assert.equal(after(fills, 'fifo').lots, 3);
  const sold: Fill[] = [...fills, [SELL, 12, 130]];
  assert.deepEqual(booked(after(sold, 'fifo')), [8, 3 * 110 + 5 * 120, 10 * 30 + 2 * 20]);
  assert.deepEqual(booked(after(sold, 'lifo')), [8, 8 * 100, 5 * 10 + 5 * 20 + 2 * 30]);
});

test('without a free lot a fill joins the newest of its book; one stays for every book', () => {
  const two = new TraderInstruments(plainInstruments([1, 2]));
  const keeper = new PositionKeeper(two, { costing: 'fifo', lotsMax: 3 });
  keeper.onFill(0, BUY, 100, 1);
  keeper.onFill(0, BUY, 200, 1);
  assert.deepEqual([keeper.lots, keeper.lotsMerged], [2, 0]);
  keeper.onFill(0, BUY, 301, 1); // the last free one is the other book's
  assert.deepEqual([keeper.lots, keeper.lotsMerged], [2, 1]);
  keeper.onFill(1, SELL, 50, 4);
  assert.equal(keeper.lots, 3);
  keeper.checkInvariants();
  keeper.onFill(0, SELL, 400, 2); // the first whole, then half of 200 + 301: 250½ → 250
  assert.equal(keeper.realised2(0), 2 * (300 + 150));
  assert.equal(keeper.costTicks(0), 251);
  keeper.checkInvariants();
});

test('a pool that cannot hold one lot a book is refused', () => {
  const two = new TraderInstruments(plainInstruments([1, 2]));
  assert.throws(
    () => new PositionKeeper(two, { costing: 'lifo', lotsMax: 1 }),
    /lots: expected 2 \(one a book\) … 16777216, was 1/,
  );
});

// ── the identity, over many fills ────────────────────────────────────────────────────────────

test(`realised + unrealised = cash + position × mark, exactly, after each of ${FILLS} fills`, () => {
  for (const costing of ['vwap', 'fifo', 'lifo'] as const) {
    const prng = new Prng(21);
    const keeper = new PositionKeeper(THREE, { costing });
    const stream = randomFills(prng, false);
    let checked = 0;
    for (let i = 0; i < FILLS; i++) {
      const { book, side, priceTicks, qty, fee } = stream.next();
      keeper.mark(book, 2 * priceTicks + (i % 7) - 3);
      keeper.onFill(book, side, priceTicks, qty, fee);
      if (!keeper.known(book)) continue;
      checked++;
      const left = keeper.realised2(book) + keeper.unrealised2(book);
      const right = 2 * keeper.cash(book) + keeper.position(book) * keeper.mark2(book);
      if (left !== right) assert.fail(`${costing}, fill ${i}: ${left} was not ${right}`);
      if (i % 1024 === 0) {
        const exact = 2n * BigInt(keeper.cash(book)) + BigInt(keeper.position(book)) * BigInt(keeper.mark2(book));
        assert.equal(BigInt(left), exact, 'and nothing was rounded');
      }
    }
    assert.ok(checked > 0.99 * FILLS, `${checked} checked`);
    keeper.checkInvariants();
  }
});

test('random fills and marks: every number as its twin says', () => {
  for (let seed = 1; seed <= SEEDS; seed++) fuzzPositions(seed, 1000);
});

test('integer VWAP stays within half a tick-lot a partial close of exact fractions', () => {
  for (let seed = 1; seed <= 20; seed++) fuzzIdeal(seed, 400);
});

// ── planted ──────────────────────────────────────────────────────────────────────────────────

/** Closing beyond flat: cost is blended across the flip. */
class BlendsFlips extends ReferencePositions {
  protected override closable(position: bigint, qty: bigint): bigint {
    const closable = super.closable(position, qty);
    return closable < qty ? 0n : closable;
  }
}

class RoundsDown extends ReferencePositions {
  protected override share(cost: bigint, taken: bigint, qty: bigint): bigint {
    return (cost * taken) / qty;
  }
}

class RoundsHalfUp extends ReferencePositions {
  protected override share(cost: bigint, taken: bigint, qty: bigint): bigint {
    const down = divideHalfEven(2n * cost * taken - qty, 2n * qty);
    return 2n * (cost * taken - down * qty) >= qty ? down + 1n : down;
  }
}

/** Cost as a quotient of floats, kept as an average. */
class FloatingAverage extends ReferencePositions {
  protected override share(cost: bigint, taken: bigint, qty: bigint): bigint {
    return BigInt(Math.round((Number(cost) / Number(qty)) * Number(taken)));
  }
}

class SignLost extends PositionKeeper {
  override onFill(book: number, side: number, priceTicks: number, qty: number, fee = 0): void {
    super.onFill(book, Math.abs(side), priceTicks, qty, fee);
  }
}

class Quantity32 extends PositionKeeper {
  override volume(book: number): number {
    return super.volume(book) >>> 0;
  }
}

class FeesForgotten extends PositionKeeper {
  override onFill(book: number, side: number, priceTicks: number, qty: number): void {
    super.onFill(book, side, priceTicks, qty);
  }
}

const PLANTED: readonly [what: string, Keeper: typeof PositionKeeper, Twin: typeof ReferencePositions][] = [
  ['cost blended across a flip', PositionKeeper, BlendsFlips],
  ['shares rounded down', PositionKeeper, RoundsDown],
  ['halves rounded up', PositionKeeper, RoundsHalfUp],
  ['cost in floating point', PositionKeeper, FloatingAverage],
  ['the sign of sells lost', SignLost, ReferencePositions],
  ['volume summed in 32 bits', Quantity32, ReferencePositions],
  ['fees not taken off', FeesForgotten, ReferencePositions],
];

for (const [what, Keeper, Twin] of PLANTED) {
  test(`the fuzzer finds it when planted: ${what}`, () => {
    assert.throws(() => {
      for (let seed = 1; seed <= 60; seed++) fuzzPositions(seed, 1000, Keeper, Twin);
    }, /positions differ from their twin/);
  });
}

// ── snapshot ─────────────────────────────────────────────────────────────────────────────────

function snapshotOf(keeper: PositionKeeper): DataView {
  const view = new DataView(new ArrayBuffer(keeper.snapshotBytes + 8));
  assert.equal(keeper.snapshot(view, 8), keeper.snapshotBytes);
  return view;
}

/** A keeper with a history, the stream that made it, and its snapshot at byte 8. */
function history(seed: number, costing: Costing): { keeper: PositionKeeper; prng: Prng; view: DataView } {
  const prng = new Prng(seed);
  const keeper = new PositionKeeper(THREE, { costing });
  const stream = randomFills(prng, false);
  for (let i = 0; i < 300; i++) {
    const { book, side, priceTicks, qty, fee } = stream.next();
    if (book < 2) keeper.onFill(book, side, priceTicks, qty, fee);
  }
  return { keeper, prng, view: snapshotOf(keeper) };
}

test('a keeper restored from a snapshot goes on as the one that wrote it', () => {
  for (const costing of ['vwap', 'fifo', 'lifo'] as const) {
    const { keeper, prng, view } = history(3, costing);
    const other = new PositionKeeper(THREE, { costing });
    other.onFill(2, BUY, 5, 5); // forgotten by the restore
    other.restore(view, 8, view.byteLength - 8);
    other.checkInvariants();
    assert.equal(other.position(2), 0);
    assert.equal(other.marked(0), false, 'marks are not kept');
    const stream = randomFills(prng, false);
    for (let i = 0; i < 300; i++) {
      const { book, side, priceTicks, qty, fee } = stream.next();
      for (const each of [keeper, other]) {
        each.mark(book, 2 * priceTicks);
        each.onFill(book, side, priceTicks, qty, fee);
      }
      const numbers = [keeper, other].map((each) => [
        each.position(book), each.costTicks(book), each.cash(book), each.realised2(book), each.fees(book), each.lots,
      ]);
      assert.deepEqual(numbers[1], numbers[0]);
    }
  }
});

test('a snapshot serves another costing, and instruments in another order', () => {
  const { keeper, view } = history(4, 'vwap');
  const turned = new TraderInstruments(plainInstruments([6, 5]));
  for (const costing of ['fifo', 'lifo', 'vwap'] as const) {
    const other = new PositionKeeper(turned, { costing });
    other.restore(view, 8, view.byteLength - 8);
    other.checkInvariants();
    for (const ticker of [5, 6]) {
      const [from, to] = [THREE.bookOf(ticker), turned.bookOf(ticker)];
      assert.equal(other.position(to), keeper.position(from));
      assert.equal(other.costTicks(to), keeper.costTicks(from));
      assert.equal(other.realised2(to), keeper.realised2(from));
    }
  }
});

test('bytes that are no snapshot are refused, and nothing changes', () => {
  const { keeper, view } = history(5, 'fifo');
  const positions = [keeper.position(0), keeper.position(1)];
  const length = view.byteLength - 8;
  const spoilt = (spoil: (copy: DataView) => void): DataView => {
    const copy = new DataView(view.buffer.slice(0));
    spoil(copy);
    return copy;
  };
  const cases: [expected: RegExp, bytes: DataView, length: number][] = [
    [/expected at least 16 bytes, was 3/, view, 3],
    [/expected \d+ bytes, was \d+/, view, length - 8],
    [/expected "OPK1"/, spoilt((copy) => copy.setUint8(8, 1)), length],
    [/expected a costing below 3, was 9/, spoilt((copy) => copy.setUint8(12, 9)), length],
    [/expected whole numbers of ticker 5, was 0.5/, spoilt((copy) => copy.setFloat64(40, 0.5, true)), length],
    [/expected whole numbers of ticker 5, was NaN/, spoilt((copy) => copy.setFloat64(48, NaN, true)), length],
    [/expected realised = cash \+ cost of ticker 5/, spoilt((copy) => copy.setFloat64(56, 1, true)), length],
    [/expected at most \d+ lots more, was 999999/, spoilt((copy) => copy.setUint32(28, 999_999, true)), length],
    [/expected an instrument of that id, was none/, spoilt((copy) => copy.setUint32(24, 99, true)), length],
  ];
  for (const [expected, bytes, bytesLength] of cases) {
    assert.throws(() => keeper.restore(bytes, 8, bytesLength), expected);
    assert.deepEqual([keeper.position(0), keeper.position(1)], positions);
    keeper.checkInvariants();
  }
  const small = new PositionKeeper(THREE, { costing: 'fifo', lotsMax: 3 });
  if (keeper.lots > 3) assert.throws(() => small.restore(view, 8, length), /lots of the snapshot: expected room for \d+, was 3/);
});
