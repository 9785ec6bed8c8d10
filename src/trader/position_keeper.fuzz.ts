// Random fills and marks into a position keeper and its twin; every number must agree, at every step.
// By hand: node bin/node26.mjs src/trader/position_keeper.fuzz.ts [seeds] [first seed] [fills each]
//
// Moods change every few hundred fills: small round lots, large odd ones (shares of 100 bits),
// negative prices, runs that pile up lots, closing to the last lot so that flips happen, and some
// that drive sums out of their bounds.
import assert from 'node:assert/strict';
import { Prng } from '../base/prng.ts';
import { MID2_NONE, TraderInstruments } from './instruments.ts';
import { IdealVwap, ReferencePositions } from './position_keeper.reference.ts';
import { PositionKeeper, type Costing } from './position_keeper.ts';

const BOOKS = 3;
const MOOD_FILLS = 300;
/** Beyond it fills turn round, but for the runs that may leave the bounds. */
const POSITION_BOUND = 2 ** 30;

export interface FillStream {
  next(): { book: number; side: number; priceTicks: number; qty: number; fee: number };
}

/** An endless stream of fills; positions stay near POSITION_BOUND unless it is `wild`. */
export function randomFills(prng: Prng, wild: boolean): FillStream {
  const positions = new Float64Array(BOOKS);
  let count = 0;
  let mood = { qtyMax: 10, centre: 100, spread: 5, buys: 0.5, fees: 0 };
  return {
    next() {
      if (count++ % MOOD_FILLS === 0) {
        // The value of a tame position stays far below 2^51.
        mood = {
          qtyMax: [1, 10, 1000, 2 ** 20, wild ? 2 ** 31 : 2 ** 27][prng.below(5)],
          centre: wild ? prng.between(-100_000, 10_000_000) : prng.between(-3000, 3000),
          spread: prng.between(0, 50), buys: [0.1, 0.5, 0.5, 0.9][prng.below(4)], fees: prng.below(3),
        };
      }
      const book = prng.below(BOOKS);
      const position = positions[book];
      let side = prng.chance(mood.buys) ? 1 : -1;
      let qty = prng.between(1, mood.qtyMax);
      const closing = Math.abs(position);
      if (closing > 0 && closing < 2 ** 32 && prng.chance(0.1)) {
        // To flat, one beside it, or across.
        side = -Math.sign(position);
        qty = Math.max(1, Math.min(2 ** 32 - 2, closing + prng.between(-1, 3)));
      } else if (closing > POSITION_BOUND && !wild) {
        side = -Math.sign(position);
      }
      positions[book] += side * qty;
      const fee = mood.fees === 0 ? 0 : prng.between(-mood.fees, 3 * mood.fees);
      return { book, side, priceTicks: mood.centre + prng.between(-mood.spread, mood.spread), qty, fee };
    },
  };
}

const INSTRUMENTS = new TraderInstruments([
  { ticker: 7, symbol: 'A', decimals: 2, tickUnits: 1, lotSize: 1, minPriceTicks: -1e9 },
  { ticker: 9, symbol: 'B', decimals: 4, tickUnits: 25, lotSize: 1, minPriceTicks: -1e9 },
  { ticker: 70_000, symbol: 'C', decimals: 3, tickUnits: 5, lotSize: 10, minPriceTicks: -1e9 },
]);

const COSTINGS: readonly Costing[] = ['vwap', 'fifo', 'lifo'];

/** Half of the runs with room for a handful of lots, so that they are merged. */
export function fuzzPositions(
  seed: number, fills: number, Keeper = PositionKeeper, Twin = ReferencePositions,
): void {
  const prng = new Prng(seed);
  const costing = COSTINGS[prng.below(3)];
  const lotsMax = prng.chance(0.5) ? prng.between(BOOKS, 40) : 4096;
  const keeper = new Keeper(INSTRUMENTS, { costing, lotsMax });
  const twin = new Twin(INSTRUMENTS.moneyPerTick, costing, lotsMax);
  const stream = randomFills(prng, prng.chance(0.2));
  try {
    for (let i = 0; i < fills; i++) {
      const { book, side, priceTicks, qty, fee } = stream.next();
      keeper.onFill(book, side, priceTicks, qty, fee);
      twin.onFill(book, side, priceTicks, qty, fee);
      if (prng.chance(0.3)) {
        const marked = prng.below(BOOKS);
        const mid2 = prng.chance(0.05) ? null : 2 * priceTicks + prng.between(-20, 20);
        keeper.mark(marked, mid2 ?? MID2_NONE);
        twin.mark(marked, mid2);
      }
      compare(keeper, twin, book);
      if (i % 64 === 0) keeper.checkInvariants();
    }
    assert.equal(keeper.lotsMerged, twin.lotsMerged);
    keeper.checkInvariants();
  } catch (error) {
    const again = `node bin/node26.mjs src/trader/position_keeper.fuzz.ts 1 ${seed} ${fills}`;
    throw new Error(`positions differ from their twin (${costing}, ${lotsMax} lots); again: ${again}`, { cause: error });
  }
}

function compare(keeper: PositionKeeper, twin: ReferencePositions, book: number): void {
  const { position, cost, cash, realised2, fees, volume, fills } = twin.of(book);
  const open = twin.unrealised2(book);
  // One string each: a difference shows all the numbers.
  const ours = [
    keeper.position(book), keeper.costTicks(book), keeper.cash(book), keeper.realised2(book), keeper.fees(book),
    keeper.volume(book), keeper.fills(book), keeper.known(book), keeper.known(book) ? keeper.unrealised2(book) : 0,
  ].join(' ');
  const theirs = [position, cost, cash, realised2, fees, volume, fills, open !== null, open ?? 0n].join(' ');
  assert.equal(ours, theirs, 'position cost cash realised2 fees volume fills known unrealised2');
  const { pnl2, gross2, known } = twin.totals();
  const totals = [keeper.totalPnl2(), keeper.grossValue2(), keeper.totalsKnown].join(' ');
  assert.equal(totals, [pnl2, gross2, known].join(' '), 'totals: profit2 gross2 known');
}

/** Integer VWAP against exact fractions: at most half a tick-lot for each partial close since flat. */
export function fuzzIdeal(seed: number, fills: number): void {
  const prng = new Prng(seed);
  const keeper = new PositionKeeper(INSTRUMENTS);
  const ideal = new IdealVwap();
  let roundings = 0n;
  for (let i = 0; i < fills; i++) {
    const side = prng.chance(0.5) ? 1 : -1;
    const [priceTicks, qty] = [prng.between(-50, 5000), prng.between(1, 60)];
    const before = keeper.position(0);
    keeper.onFill(0, side, priceTicks, qty);
    ideal.onFill(side, priceTicks, qty);
    const after = keeper.position(0);
    if (before * after <= 0) roundings = 0n;
    else if (Math.abs(after) < Math.abs(before)) roundings++;
    const distance2 = ideal.distance2(BigInt(keeper.costTicks(0)));
    assert.ok(distance2 <= roundings, `seed ${seed}, fill ${i}: ${distance2} halves after ${roundings} roundings`);
  }
}

if (import.meta.main) {
  const seeds = Number(process.argv[2] ?? 1000);
  const first = Number(process.argv[3] ?? 1);
  const fills = Number(process.argv[4] ?? 2000);
  for (let seed = first; seed < first + seeds; seed++) fuzzPositions(seed, fills);
  console.log(`${seeds} runs of ${fills} fills agreed with their twin (seeds ${first} to ${first + seeds - 1})`);
}
