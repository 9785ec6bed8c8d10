// A request from one thread through the matching thread and its answer back: what "order processing" costs when nothing else does.
//
//   this thread ─ ring of requests ─► matching thread: core executes ─ ring of answers ─► this thread reads the answer
//
// A message is a cache line with its number in the last word (request_response_loops.ts): whoever waits looks at the number. Journal off.
// Orders alternate: a new one that rests, then its cancel, on a book of some depth.
//
//   one at a time   the next request leaves when the answer has been read: the round trip by itself
//   open loop       requests are planned every µs (1 M a second) and timed from their *planned* moment, whether or not the last one
//                   has been answered: a stall is seen by every request that it delays, not by one (coordinated omission)
//
// The clock is read before a request is written and after its answer was read; one reading costs some 20 ns (the time-stamp counter) and is part of the figure.
// Beside it a command and an event handed over between two threads in C, by the same lines and the same clock: what the machine gives without matching.
import { Worker } from 'node:worker_threads';
import { assert } from '../src/base/assert.ts';
import type { Clock } from '../src/base/clock.ts';
import { machineClock } from '../src/os/machine_clock.ts';
import { sizeOf, type BenchContext, type Benchmark } from './context.ts';
import type { Goal, Row } from './harness/row.ts';
import { quantile } from './harness/statistics.ts';
import { formatCount, formatFigure } from './harness/table.ts';
import { pinTo } from './pin.ts';
import { loadCRoundTrip } from './reference/c_round_trip.ts';
import { CONSUMER_CORE, MATCHING_CORE } from './report_control.ts';
import { RequestSide, type MatchingData } from './request_response_loops.ts';

const REQUESTS = 400_000;
const REQUESTS_SMALL = 80;
/** Before the first that counts: the loops are compiled by then. */
const WARMUP_SHARE = 4;
const INTERVAL_NS = 1_000;
/** A small run is one on a machine that is busy with something else: it must end, whatever the rate. */
const INTERVAL_SMALL_NS = 20_000;
const QUOTED = '450 ns mean, 1.8 µs p99 (Rust); 800 ns, 2.5 µs (C++); 0.8 / 1.2 / 3.2 µs (Rust, C++, Java)';
const TRIED =
  'stages on one core each, pinned; a message in one cache line with its number behind it, so that it moves once each way (cursors of their own, and the ' +
  "core's ring read by the other thread, moved five lines); requests where the core reads them, its events in a ring of 4 KiB, plain stores and looks " +
  'instead of calls of Atomics, the time-stamp counter instead of performance.now: 575 → 350 ns. No clock on the matching thread; sleeping never. The ' +
  'hand-over alone, in C, by cursors and without matching, was above the goal on this host';

interface Latencies { p50: number; p99: number; p999: number; max: number }

function latenciesOf(samples: Float64Array): Latencies {
  const sorted = [...samples];
  return { p50: quantile(sorted, 0.5), p99: quantile(sorted, 0.99), p999: quantile(sorted, 0.999), max: quantile(sorted, 1) };
}

class Pair {
  readonly side: RequestSide;
  readonly #worker: Worker;
  readonly #ended: Promise<unknown>;

  constructor(clock: Clock) {
    this.side = new RequestSide(clock);
    const workerData: MatchingData = { ...this.side.shared, core: CONSUMER_CORE };
    this.#worker = new Worker(new URL('request_response_loops.ts', import.meta.url), { workerData });
    this.#ended = new Promise((resolve, reject) => {
      this.#worker.once('exit', resolve);
      this.#worker.once('error', reject);
    });
  }

  async ready(): Promise<void> {
    await new Promise<void>((resolve) => void this.#worker.once('message', () => resolve()));
  }

  async close(): Promise<void> {
    this.side.stop();
    await this.#ended;
  }
}

type Common = Pick<Row, 'unit' | 'boundary' | 'threads' | 'durability' | 'quoted' | 'tried'> & Partial<Row>;

function rowsOf(context: BenchContext, mode: string, runs: readonly Latencies[], inC: readonly Latencies[], checks: string[]): Row[] {
  const common: Common = {
    unit: 'ns/op', boundary: 'thread → thread, one at a time', threads: '2 (client, matching)', durability: 'off', quoted: QUOTED, tried: TRIED,
    ...(context.small ? { small: true } : {}),
  };
  const row = (what: string, of: (latencies: Latencies) => number, goal: Goal): Row => {
    const samples = runs.map(of);
    const theirs = inC.map(of);
    const note = theirs.length > 0 ? [`a hand-over there and back between threads in C, nothing matched: ${formatFigure(quantile(theirs, 0.5))} ns`] : ['no C compiler on this machine'];
    return {
      ...common, name: `request → response, ${mode}: ${what}`, figure: quantile(samples, 0.5), goal, statistic: `median of ${samples.length} runs`,
      spread: {
        samples: samples.length, median: quantile(samples, 0.5), quartileLow: quantile(samples, 0.25), quartileHigh: quantile(samples, 0.75),
        min: quantile(samples, 0), max: quantile(samples, 1),
      },
      checks: [...checks, ...note],
    };
  };
  const worst = runs.map(({ p999, max }) => `${formatFigure(p999)} / ${formatFigure(max)}`).join(', ');
  const rows = [
    row('p50', ({ p50 }) => p50, { relation: 'below', value: 250 }),
    row('p99', ({ p99 }) => p99, { relation: 'below', value: 1_000 }),
    row('jitter, p99 − p50', ({ p50, p99 }) => p99 - p50, { relation: 'below', value: 100 }),
  ];
  rows[1].checks.push(`p99.9 / max of each run: ${worst} ns`);
  return rows;
}

async function run(context: BenchContext): Promise<Row[]> {
  const requests = sizeOf(context, REQUESTS, REQUESTS_SMALL);
  const warmups = Math.ceil(requests / WARMUP_SHARE);
  const intervalNs = context.small ? INTERVAL_SMALL_NS : INTERVAL_NS;
  const { clock, counter } = machineClock();
  const pair = new Pair(clock);
  await pair.ready();
  const unpin = pinTo(MATCHING_CORE);
  const c = loadCRoundTrip(counter);
  const rows: Row[] = [];
  try {
    for (const [mode, interval] of [['one at a time', 0], [context.small ? 'open loop' : '1 M/s open loop', intervalNs]] as const) {
      context.progress(`request → response: ${mode}`);
      const samples = new Float64Array(requests);
      const runs: Latencies[] = [];
      const inC: Latencies[] = [];
      pair.side.run(warmups, interval, new Float64Array(warmups));
      for (let i = 0; i < context.pairs; i++) {
        pair.side.run(requests, interval, samples);
        runs.push(latenciesOf(samples));
        if (c === null) continue;
        c(requests, interval, CONSUMER_CORE, samples);
        inC.push(latenciesOf(samples));
      }
      rows.push(...rowsOf(context, mode, runs, inC, [
        `${formatCount(requests)} requests a run, each answered once, in order, with the event that it should have; the book at the end as at the start`,
      ]));
    }
    assert(pair.side.resting() === pair.side.restingAtStart, 'every order that came has gone');
  } finally {
    unpin();
    await pair.close();
  }
  return rows;
}

export const requestResponse: Benchmark = {
  name: 'request-response', about: 'a request to the matching thread and its answer: one at a time and 1 M/s open loop', byDefault: true, run,
};
