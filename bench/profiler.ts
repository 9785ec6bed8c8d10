// What measuring costs: a reading of the clock, a value into a histogram, and the exchange with and without its profile.
//
//   clock      the loop's clock (time-stamp counter where there is one) beside the system's
//   histogram  a value of a log-normal course into shared memory, beside C
//   watching   the copy of its figures that an exchange makes four times a second, and a monitor's look at it
//   exchange   the whole pipeline without transport (test/exchange/endless_network.ts), by turns in one process: with one turn in 64
//              followed, and with every turn, beside one without a profile; both must end with the same books
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ExchangeFigures } from '../src/apps/exchange_figures.ts';
import { assert } from '../src/base/assert.ts';
import { MonotonicClock, type Clock } from '../src/base/clock.ts';
import { Histogram } from '../src/base/histogram.ts';
import { Prng } from '../src/base/prng.ts';
import { EXCHANGE_DEFAULT } from '../src/exchange/config.ts';
import { exchangeCounters } from '../src/exchange/counters.ts';
import { Exchange } from '../src/exchange/exchange.ts';
import { processDeclarations } from '../src/observe/process_stats.ts';
import { profileDeclarations } from '../src/observe/profile/declarations.ts';
import { EXCHANGE_PIPELINE } from '../src/observe/profile/stages.ts';
import { EVERY_DEFAULT, TurnProfile } from '../src/observe/profile/turn_profile.ts';
import { SharedStats, statsPath } from '../src/observe/shared_stats.ts';
import { exchangeDeclarations } from '../src/observe/system_stats.ts';
import { SystemWatch } from '../src/observe/system_watch.ts';
import { machineClock } from '../src/os/machine_clock.ts';
import { sharedMemoryFolder } from '../src/os/mapped_file.ts';
import { EndlessClient, EndlessNetwork, mixedRequests } from '../test/exchange/endless_network.ts';
import { sizeOf, type BenchContext, type Benchmark } from './context.ts';
import { runAlone, runPaired } from './harness/paired.ts';
import type { Row } from './harness/row.ts';
import { formatCount } from './harness/table.ts';
import { cRecorder } from './reference/c_histogram.ts';

const READS = 1_000_000;
const VALUES = 1_000_000;
const TURNS = 2_000;
const WARMUP_TURNS = 3_000;
const TURN_NS = 100_000;

const HISTOGRAM_TRIED =
  'what is added to a cell comes out of a Float64Array, since V8 adds a constant 1 by way of integers (16 → 8 ns); no guess at small values; ' +
  'left of the difference to C: checks of bounds and maps, which V8 repeats for every word';

const API = { unit: 'ns/op', boundary: 'TypeScript API', threads: '1', durability: 'none' } as const;

function readings(clock: Clock, reads: number): () => number {
  const at = new Float64Array(1);
  return () => {
    const start = performance.now();
    for (let i = 0; i < reads; i++) clock.refreshInto(at, 0);
    return ((performance.now() - start) * 1e6) / reads;
  };
}

async function clockRow(context: BenchContext): Promise<Row> {
  const reads = sizeOf(context, READS, 10_000);
  const best = machineClock();
  const { a, b, ratio, pairs } = await runPaired(readings(best.clock, reads), readings(new MonotonicClock(), reads), { pairs: context.pairs, warmups: 2 });
  const { counter } = best;
  if (counter !== null) assert(counter.drift.steps === 0 && counter.drift.errorMaxNs < 1e6, 'the counter keeps with the system');
  return {
    ...API, name: 'clock: a reading', figure: a.median, statistic: `median of ${pairs} runs`, spread: a, small: context.small,
    ratio: { ...ratio, against: "the system's clock", pairs, otherMedian: b.median },
    checks: [counter === null
      ? `no time-stamp counter: ${best.reason}`
      : `${counter.drift.checks} comparisons with the system's, off by ${Math.round(Math.abs(counter.drift.errorNs))} ns at the last`],
  };
}

async function histogramRow(context: BenchContext): Promise<Row> {
  const count = sizeOf(context, VALUES, 10_000);
  const prng = new Prng(3);
  const values = Float64Array.from({ length: count }, () => Math.floor(300 * 2 ** (prng.below(4_096) / 1_024) * 2 ** (prng.below(4_096) / 1_024)));
  const expected = values.reduce((sum, value) => sum + value, 0);
  const [ours, theirs] = [new Histogram(2 ** 36 - 1), new Histogram(2 ** 36 - 1)];
  const timed = (histogram: Histogram, recordAll: (values: Float64Array) => void) => (): number => {
    histogram.reset();
    const start = performance.now();
    recordAll(values);
    const ns = ((performance.now() - start) * 1e6) / count;
    assert(histogram.count === count && histogram.sum === expected, 'every value is in the histogram');
    return ns;
  };
  const record = timed(ours, (all) => {
    for (let i = 0; i < all.length; i++) ours.record(all[i]);
  });
  const common = {
    ...API, name: 'histogram: a value', small: context.small, goal: { relation: 'at most', value: 10 }, tried: HISTOGRAM_TRIED,
  } as const;
  const recordInC = cRecorder(theirs);
  if (recordInC === null) {
    const spread = await runAlone(record, { repetitions: context.pairs, warmups: 3 });
    ours.checkInvariants();
    return { ...common, figure: spread.median, statistic: `median of ${spread.samples} runs`, spread, checks: [`${formatCount(count)} values, count and sum as recorded`] };
  }
  const { a, b, ratio, pairs } = await runPaired(record, timed(theirs, recordInC), { pairs: context.pairs, warmups: 3 });
  ours.checkInvariants();
  assert(Buffer.from(ours.memory).equals(Buffer.from(theirs.memory)), "every cell is C's");
  return {
    ...common, figure: a.median, statistic: `median of ${pairs} runs`, spread: a,
    ratio: { ...ratio, against: 'the same in C', pairs, otherMedian: b.median },
    checks: [`${formatCount(count)} values, count, sum and every cell as in C`],
  };
}

/** An exchange with two clients that never end. */
async function pipeline(profile: TurnProfile | null): Promise<{ exchange: Exchange; turn: (turns: number) => number }> {
  const network = new EndlessNetwork([1, 2].map((client) => new EndlessClient(client, mixedRequests(client))));
  const config = { ...EXCHANGE_DEFAULT, ordersMax: 10_000, snapshot: { ...EXCHANGE_DEFAULT.snapshot, intervalNs: 0 } };
  const exchange = await Exchange.open({ config, network, stamp: 1, ...(profile !== null && { profile }) });
  let nowNs = 0;
  const turn = (turns: number): number => {
    const before = exchange.counters.get('requests');
    const start = performance.now();
    for (let i = 0; i < turns; i++) exchange.poll((nowNs += TURN_NS));
    return ((performance.now() - start) * 1e6) / (exchange.counters.get('requests') - before);
  };
  return { exchange, turn };
}

async function exchangeRow(context: BenchContext, every: number): Promise<Row> {
  const turns = sizeOf(context, TURNS, 200);
  const profile = new TurnProfile(machineClock().clock, null, every);
  const profiled = await pipeline(profile);
  const plain = await pipeline(null);
  for (const { turn } of [profiled, plain]) turn(context.small ? 200 : WARMUP_TURNS);
  const { a, b, ratio, pairs } = await runPaired(() => profiled.turn(turns), () => plain.turn(turns), { pairs: context.pairs });
  assert(profiled.exchange.engine.stateHash() === plain.exchange.engine.stateHash(), 'the profile changes nothing');
  const { samples } = profile.pipeline;
  assert(samples > 0, 'turns were followed');
  return {
    name: `request through the exchange, ${every === 1 ? 'every turn' : `one turn in ${every}`} profiled`, figure: a.median, unit: 'ns/op',
    statistic: `median of ${pairs} runs`, boundary: 'process', threads: '1', durability: 'none', spread: a, small: context.small,
    ratio: { ...ratio, against: 'no profile', pairs, otherMedian: b.median },
    checks: [`same books; ${formatCount(samples)} turns followed, ${formatCount(profile.pipeline.requests)} requests in them`],
  };
}

/** What the exchange's thread does four times a second for whoever watches, and what the watcher does for it once a second. */
async function watchingRows(context: BenchContext): Promise<Row[]> {
  const folder = mkdtempSync(join(sharedMemoryFolder() ?? tmpdir(), 'outcry-bench-'));
  const declarations = [...processDeclarations(), ...exchangeDeclarations(exchangeCounters().names), ...profileDeclarations(EXCHANGE_PIPELINE)];
  const stats = SharedStats.create(statsPath('exchange', process.pid, folder), 'exchange', declarations);
  const { exchange, turn } = await pipeline(new TurnProfile(machineClock().clock, stats, 1));
  const figures = new ExchangeFigures(stats, exchange);
  const watch = new SystemWatch({ folder });
  const publications = sizeOf(context, 2_000, 50);
  let nowMs = Date.now();
  const publish = (): number => {
    turn(200);
    const start = performance.now();
    for (let i = 0; i < publications; i++) figures.publish();
    return ((performance.now() - start) * 1e6) / publications;
  };
  const look = (): number => {
    turn(200);
    figures.publish();
    stats.beat();
    const start = performance.now();
    const view = watch.look((nowMs += 1_000)); // a second later: every histogram is looked through
    const ns = (performance.now() - start) * 1e6;
    assert(view.exchange?.requests.total === exchange.counters.get('requests'), 'the watcher sees every request');
    return ns;
  };
  const rows: Row[] = [];
  for (const [name, measure, check] of [
    ['figures of an exchange published, four times a second', publish, `${exchangeCounters().names.length} counters and the gauges`],
    ['a look at it with all its latencies, once a second', look, 'every request seen'],
  ] as const) {
    const spread = await runAlone(measure, { repetitions: context.pairs, warmups: 5 });
    rows.push({ ...API, name, figure: spread.median, statistic: `median of ${spread.samples} runs`, spread, small: context.small, checks: [check] });
  }
  watch.close();
  stats.remove();
  rmSync(folder, { recursive: true });
  return rows;
}

async function run(context: BenchContext): Promise<Row[]> {
  context.progress('profiler: clock, histogram, the exchange with and without, what watching costs');
  return [
    await clockRow(context), await histogramRow(context), await exchangeRow(context, EVERY_DEFAULT), await exchangeRow(context, 1),
    ...(await watchingRows(context)),
  ];
}

export const profilerBenchmark: Benchmark = { name: 'profiler', about: 'what measuring costs', byDefault: true, run };
