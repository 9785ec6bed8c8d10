// The market data processor against its twin: random messages, good and bad, every book compared.
//
//   node bin/node26.mjs src/book/market_data_processor.fuzz.ts [seeds] [first seed]
//
// Each seed draws what its run is like: how many symbols, threads and orders there may be, whether books are shallow or deep,
// how sequence numbers come (rising, repeated, in strides that would share a bucket), how many messages are bad.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Prng } from '../base/prng.ts';
import { MarketData, MarketDataSide, MarketDataType } from '../wire/generated/market_data.ts';
import { MARKET_DATA_REASONS, type MarketDataReason } from './market_data_core.ts';
import { MarketDataProcessor } from './market_data_processor.ts';
import { MarketDataProcessorReference } from './market_data_processor.reference.ts';

const SEEDS = Number(process.env['MARKET_DATA_SEEDS'] ?? 24);
const MESSAGES = 6_000;
const BATCH_MAX = 700;
const U64_MAX = 2n ** 64n - 1n;
const PRICE_MAX = 9_999_999_999n;

interface Plan {
  readonly symbols: number;
  readonly threads: number;
  readonly ordersMax: number;
  /** Different prices a side. */
  readonly prices: number;
  /** Of what is added or named: numbers rise by this. */
  readonly stride: bigint;
  readonly addShare: number;
  readonly badShare: number;
  readonly hugeVolumes: boolean;
}

function planOf(prng: Prng, seed: number): Plan {
  const deep = prng.chance(0.4);
  return {
    symbols: deep ? prng.between(1, 4) : prng.between(1, 60),
    // A thread costs some 50 ms to start: one seed in six has helpers.
    threads: seed % 6 === 0 ? prng.between(2, 3) : 1,
    ordersMax: prng.chance(0.3) ? prng.between(1, 40) : 4_000,
    prices: deep ? prng.between(20, 4_000) : prng.between(1, 30),
    stride: [1n, 1n, 3n, 1n << 16n, 1n << 40n][prng.below(5)],
    addShare: prng.chance(0.5) ? 0.5 : 0.7,
    badShare: prng.chance(0.5) ? 0.02 : 0,
    hugeVolumes: prng.chance(0.2),
  };
}

/** What one message says; most name an order that probably lives. */
function writeMessage(view: DataView, at: number, plan: Plan, prng: Prng, state: { next: bigint; named: bigint[] }): void {
  const kind = prng.f64();
  const type = kind < plan.addShare ? MarketDataType.Add
    : kind < plan.addShare + 0.02 ? MarketDataType.Trade : prng.chance(0.3) ? MarketDataType.Modify : MarketDataType.Cancel;
  let sequence = state.next;
  let symbol = prng.below(plan.symbols);
  let side = prng.below(2);
  const known = state.named.length > 0 ? state.named[prng.below(state.named.length)] : 0n;
  if (type === MarketDataType.Add) {
    if (prng.chance(0.03)) sequence = known;
    else state.next += plan.stride;
  } else {
    sequence = known;
    if (!prng.chance(0.05)) [symbol, side] = placeOf(known, plan);
  }
  if (type === MarketDataType.Add && !prng.chance(0.02)) [symbol, side] = placeOf(sequence, plan);
  const volume = plan.hugeVolumes && prng.chance(0.5) ? U64_MAX - BigInt(prng.below(3)) : BigInt(prng.between(1, 1_000));
  const price = prng.chance(0.01) ? [1n, PRICE_MAX][prng.below(2)] : 5_000_000n + 100n * BigInt(prng.below(plan.prices));
  MarketData.write(view, at, { symbol, type, side, price, volume, timestamp: BigInt(at), sequence });
  if (type === MarketDataType.Add) state.named.push(sequence);
  if (prng.chance(plan.badShare)) spoil(view, at, prng);
}

/** Book and side of the order with this number, so that messages that name it agree. */
function placeOf(sequence: bigint, plan: Plan): [symbol: number, side: number] {
  const mixed = Number(((sequence / plan.stride) * 2_654_435_761n) % (2n ** 32n));
  return [mixed % plan.symbols, mixed >>> 31 === 1 ? MarketDataSide.Ask : MarketDataSide.Bid];
}

function spoil(view: DataView, at: number, prng: Prng): void {
  const kind = prng.below(7);
  if (kind === 0) MarketData.setSymbol(view, at, prng.between(4_096, 65_535));
  else if (kind === 1) MarketData.setType(view, at, [0, 5, 255][prng.below(3)]);
  else if (kind === 2) MarketData.setSide(view, at, prng.between(2, 255));
  else if (kind === 3) MarketData.setPriceBig(view, at, 0n);
  else if (kind === 4) MarketData.setPriceBig(view, at, [PRICE_MAX + 1n, 2n ** 34n, U64_MAX][prng.below(3)]);
  else if (kind === 5) MarketData.setVolumeBig(view, at, 0n);
  else MarketData.setSequenceBig(view, at, U64_MAX - BigInt(prng.below(9)));
}

function compare(processor: MarketDataProcessor, twin: MarketDataProcessorReference, plan: Plan, note: string): void {
  processor.settle();
  processor.checkInvariants();
  const { applied, refused, ordersLive } = processor.stats();
  assert.deepEqual([applied.add, applied.cancel, applied.modify, applied.trade], twin.applied.slice(1), note);
  for (const reason of MARKET_DATA_REASONS.slice(1) as MarketDataReason[]) {
    assert.equal(refused[reason], twin.refused.get(reason) ?? 0, `${note}: ${reason}`);
  }
  assert.equal(ordersLive, twin.orders.size, note);
  for (let symbol = 0; symbol < plan.symbols; symbol++) {
    assert.deepEqual(processor.depth(symbol, 10_000), twin.depth(symbol, 10_000), `${note}: book ${symbol}`);
    assert.deepEqual(processor.lastTrade(symbol), twin.books[symbol].lastTrade, `${note}: trade of ${symbol}`);
  }
}

/** One run; throws with its seed where the two differ. */
export async function runSeed(seed: number, messages: number = MESSAGES): Promise<void> {
  const prng = new Prng(seed);
  const plan = planOf(prng, seed);
  const { symbols, threads } = plan;
  // Lanes have room of their own: only where there is one do both run out at the same order.
  const ordersMax = threads === 1 ? plan.ordersMax : 20_000;
  const processor = new MarketDataProcessor({ symbols, threads, ordersMax, variant: 'core.checked' });
  const twin = new MarketDataProcessorReference(symbols, ordersMax);
  const bytes = new Uint8Array(BATCH_MAX * MarketData.bytes + 1);
  const state = { next: plan.stride, named: [] as bigint[] };
  await processor.start();
  try {
    for (let done = 0; done < messages;) {
      const count = prng.between(1, BATCH_MAX);
      const offset = prng.below(2); // also where bytes are at an odd address
      const view = new DataView(bytes.buffer, offset);
      for (let i = 0; i < count; i++) writeMessage(view, i * MarketData.bytes, plan, prng, state);
      for (let i = 0; i < count; i++) twin.apply(view, i * MarketData.bytes);
      assert.equal(processor.receive(bytes, offset, count), count);
      processor.settle();
      done += count;
      if (prng.chance(0.2)) compare(processor, twin, plan, `seed ${seed}, after ${done}`);
    }
    compare(processor, twin, plan, `seed ${seed}, at the end`);
  } finally {
    await processor.close();
  }
}

if (process.argv[1] === import.meta.filename && process.argv[2] !== undefined) {
  const [seeds, first] = [Number(process.argv[2]), Number(process.argv[3] ?? 1)];
  for (let seed = first; seed < first + seeds; seed++) await runSeed(seed);
  console.log(`${seeds} seeds from ${first}: books, counters and invariants equal the twin's`);
} else {
  test(`random messages: every book is the twin's (MARKET_DATA_SEEDS = ${SEEDS})`, async () => {
    for (let seed = 1; seed <= SEEDS; seed++) await runSeed(seed);
  });
}
