// The risk gate: the question before each order, with every layer switched on.
//
//   check   8 books with positions, open orders and mids; a million orders, of which one in ten is refused,
//           each layer's reason among them. State stands still. C asks the same of the same numbers.
//   cycle   check, reserve, then half of the orders filled into the position and half released
//
// The answers are compared with those of the slow twin (src/trader/risk.reference.ts) before, and with C's.
import { assert } from '../src/base/assert.ts';
import { Prng } from '../src/base/prng.ts';
import { Reason } from '../src/book/types.ts';
import { TraderInstruments, plainInstruments } from '../src/trader/instruments.ts';
import { PositionKeeper } from '../src/trader/position_keeper.ts';
import { ReferenceRisk } from '../src/trader/risk.reference.ts';
import { RiskGate, type RiskLimits } from '../src/trader/risk.ts';
import { sizeOf, type BenchContext, type Benchmark } from './context.ts';
import { heapUseOf } from './harness/heap.ts';
import { runAlone, runPaired } from './harness/paired.ts';
import type { Row } from './harness/row.ts';
import { formatCount } from './harness/table.ts';
import { RISK_RECORD, loadCRisk } from './reference/c_risk.ts';

const BOOKS = 8;
const ORDERS = 1_000_000;
const ORDERS_SMALL = 5_000;
/** Compared with the slow twin one by one. */
const TWIN_ORDERS = 20_000;
const WORDS = 4;
const SEED = 17;
const MID = 100_000;
const NOW_NS = 5e9;
const LIMITS: RiskLimits = {
  maxOrderQty: 200, maxPosition: 5_000, maxLoss: 100_000_000, maxOpenOrders: 100, maxNotional: 19_000_000, collarTicks: 500,
  ordersPerSecond: 100_000, maxPositionTotal: 50_000, maxPortfolioValue: 10 ** 11, stopLoss: 2 * 10 ** 9,
};
const INSTRUMENTS = new TraderInstruments(plainInstruments(Array.from({ length: BOOKS }, (_, i) => i + 1)));

/** The same history for the gate and for its twin; the last book is as full as it may be. */
class Scene {
  readonly positions = new PositionKeeper(INSTRUMENTS);
  readonly gate = new RiskGate(INSTRUMENTS, this.positions, LIMITS);
  readonly twin = new ReferenceRisk(INSTRUMENTS, LIMITS, false);

  constructor() {
    for (let book = 0; book < BOOKS; book++) {
      this.gate.setTop(book, MID - 3, MID + 2);
      this.twin.top(book, MID - 3, MID + 2);
      const last = book === BOOKS - 1;
      this.#hold(book, book % 2 === 0 ? 1 : -1, last ? 4_900 : 1_000 + 100 * book);
      for (const side of [1, -1]) this.#reserve(book, side, 50 + book);
    }
  }

  #hold(book: number, side: number, qty: number): void {
    this.positions.onFill(book, side, MID, qty);
    this.gate.filled(book, side, 0);
    this.gate.watchLoss();
    this.twin.fill(book, side, MID, qty, null);
  }

  #reserve(book: number, side: number, qty: number): void {
    this.gate.reserve(book, side, qty, MID);
    this.twin.reserve(2 * book + side, book, side, qty, MID);
  }
}

/** Nine in ten are ordinary, the others fail at some layer. */
function ordersOf(count: number): Int32Array {
  const prng = new Prng(SEED);
  const words = new Int32Array(count * WORDS);
  for (let i = 0; i < count; i++) {
    const odd = prng.below(10) === 0 ? prng.below(6) : -1;
    const book = odd === 0 ? BOOKS : prng.below(odd === 1 ? BOOKS : BOOKS - 1);
    const side = prng.chance(0.5) ? 1 : -1;
    const price = MID + (odd === 2 ? 600 : prng.between(-400, 400));
    const qty = odd === 3 ? 201 : odd === 4 ? 195 : odd === 5 ? 0 : prng.between(1, 150);
    words.set([book, odd === 1 ? -1 : side, price, odd === 1 ? 190 : qty], i * WORDS);
  }
  return words;
}

/** All answers, weighted 1 … 8 in turn. The sum stands in an array: see bench/features.ts. */
function askAll(gate: RiskGate, words: Int32Array, nowNs: number): number {
  const sum = new Float64Array(1);
  for (let at = 0, i = 0; at < words.length; at += WORDS, i++) {
    sum[0] += gate.check(words[at], words[at + 1], words[at + 2], words[at + 3], nowNs) * ((i & 7) + 1);
  }
  return sum[0];
}

/**
 * Check, reserve, and every other order filled, the others released; returns what was sent. Four orders
 * a book, two of each side, so that positions are after them what they were before.
 */
function cycleAll({ gate, positions }: Scene, orders: number, nowNs: number): number {
  let sent = 0;
  for (let i = 0; i < orders; i++) {
    const book = (i >> 2) % (BOOKS - 1);
    const side = (i & 2) === 0 ? 1 : -1;
    const price = MID + (i & 127);
    if (gate.check(book, side, price, 10, nowNs) !== Reason.None) continue;
    sent++;
    gate.reserve(book, side, 10, price);
    if ((i & 1) === 0) {
      positions.onFill(book, side, MID, 10);
      gate.filled(book, side, 10);
      gate.watchLoss();
      gate.release(book, side, 0);
    } else {
      gate.release(book, side, 10);
    }
  }
  return sent;
}

/** The gate's numbers as C reads them (risk.c), computed from the scene and not taken from the gate. */
function numbersForC({ twin }: Scene): { books: Float64Array; totals: Float64Array } {
  const books = new Float64Array(BOOKS * RISK_RECORD);
  let exposures = 0;
  let gross2 = 0;
  for (let book = 0; book < BOOKS; book++) {
    const exposure = Number(twin.exposure(book));
    const worth = Number(twin.gross2(book));
    exposures += exposure;
    gross2 += worth;
    books.set([
      INSTRUMENTS.minTicks[book], INSTRUMENTS.maxTicks[book], 1, 0, 0, LIMITS.maxOrderQty, LIMITS.maxNotional,
      Number(twin.worst(book, 1)), Number(twin.worst(book, -1)), LIMITS.maxPosition, exposure, worth, 2, LIMITS.maxOpenOrders,
      MID - 0.5 - LIMITS.collarTicks, MID - 0.5 + LIMITS.collarTicks, 2 * MID - 1, 2 * MID - 1, 1,
    ], book * RISK_RECORD);
  }
  const { maxPositionTotal, maxPortfolioValue, stopLoss } = LIMITS;
  const oldestNs = -Number.MAX_SAFE_INTEGER;
  return {
    books,
    totals: Float64Array.of(exposures, gross2, maxPositionTotal, 2 * maxPortfolioValue, 2 * stopLoss, 0, 1, oldestNs),
  };
}

/** The twin's answers to the first orders, one by one. Returns how often each reason came. */
function compareWithTwin({ gate, twin }: Scene, words: Int32Array): Map<Reason, number> {
  const reasons = new Map<Reason, number>();
  for (let at = 0; at < Math.min(words.length, TWIN_ORDERS * WORDS); at += WORDS) {
    const [book, side, price, qty] = words.subarray(at, at + WORDS);
    const reason = gate.check(book, side, price, qty, NOW_NS);
    assert(reason === twin.check(book, side, price, qty, NOW_NS, null), 'the twin gives the same reason');
    reasons.set(reason, (reasons.get(reason) ?? 0) + 1);
  }
  return reasons;
}

const TRIED =
  'every order asked layer by layer: 34 ns where it is 24 (C, layer by layer, 14); what lets most orders pass for certain is asked first, from thresholds ' +
  'kept up by changes, without a branch on the side. One order in ten fails on purpose, and is a branch guessed wrongly';

function timed(work: () => number, expected: number, orders: number): number {
  const start = process.hrtime.bigint();
  const result = work();
  const ns = Number(process.hrtime.bigint() - start);
  assert(result === expected, 'each repetition gives the same answers');
  return ns / orders;
}

async function run(context: BenchContext): Promise<Row[]> {
  const orders = sizeOf(context, ORDERS, ORDERS_SMALL);
  context.progress(`risk check: ${formatCount(orders)} orders in ${BOOKS} books`);
  const scene = new Scene();
  const words = ordersOf(orders);
  const reasons = compareWithTwin(scene, words);
  assert(reasons.size >= 6, 'several layers refuse something');
  const ours = (): number => askAll(scene.gate, words, NOW_NS);
  const expected = ours();
  const inTypeScript = (): number => timed(ours, expected, orders);
  // Compiling allocates too, so the code is warm before it counts.
  for (let i = 0; i < 3; i++) inTypeScript();
  const { bytes } = await heapUseOf(() => void ours());
  const common = { unit: 'ns/op', boundary: 'TypeScript API', threads: '1', durability: 'none', small: context.small } as const;
  const check = {
    ...common, name: 'risk check', goal: { relation: 'below', value: 30 }, quoted: 'Rust 100 ns, C++ 100 ns', tried: TRIED,
  } as const;
  const asked = Math.min(orders, TWIN_ORDERS);
  const checks = [
    `${formatCount(asked)} answers as the slow twin's, ${reasons.size} reasons, ${formatCount(reasons.get(Reason.None) ?? 0)} allowed;`
    + ` ${(bytes / orders).toFixed(3)} B of heap a check`,
  ];
  const rows: Row[] = [];
  const c = loadCRisk();
  if (c === null) {
    const spread = await runAlone(inTypeScript, { repetitions: context.pairs, warmups: 2 });
    checks.push('no C compiler on this machine, so nothing to compare with');
    rows.push({ ...check, figure: spread.median, statistic: `median of ${spread.samples} runs`, spread, checks });
  } else {
    const { books, totals } = numbersForC(scene);
    const theirs = (): number => c(words, orders, books, BOOKS, totals, NOW_NS);
    assert(theirs() === expected, 'C gives the same answers');
    checks.push('every answer equal to that of C');
    const inC = (): number => timed(theirs, expected, orders);
    const { a, b, ratio, pairs } = await runPaired(inTypeScript, inC, { pairs: context.pairs, warmups: 2 });
    rows.push({
      ...check, figure: a.median, statistic: `median of ${pairs} runs`, spread: a, checks,
      ratio: { ...ratio, against: 'the same in C', pairs, otherMedian: b.median },
    });
  }
  rows.push(await cycleRow(context, common, orders));
  return rows;
}

async function cycleRow(
  context: BenchContext, common: Pick<Row, 'unit' | 'boundary' | 'threads' | 'durability'>, orders: number,
): Promise<Row> {
  const scene = new Scene();
  const work = (): number => cycleAll(scene, orders, NOW_NS);
  const sent = work();
  assert(sent === orders, 'nothing is refused');
  const spread = await runAlone(() => timed(work, sent, orders), { repetitions: context.pairs, warmups: 2 });
  scene.gate.checkInvariants();
  scene.positions.checkInvariants();
  return {
    ...common, small: context.small, name: 'risk check, reserve, fill or release', figure: spread.median,
    statistic: `median of ${spread.samples} runs`, spread,
    checks: [`${formatCount(sent)} orders in each run; invariants of gate and positions hold`],
  };
}

export const riskCheck: Benchmark = {
  name: 'risk-check', about: 'the risk gate before an order, every layer on', byDefault: true, run,
};
