// A call of the log: a record of three numbers into the ring, its time and its site, published at once.
//
//   a batch of calls that the ring has room for, timed; then the other side reads all of them, not timed, and adds up what it
//   finds: every record must be there, once and in order. C does the same over memory of the same layout.
//   below the level: the same call where nothing is to be written.
import { assert } from '../src/base/assert.ts';
import { RING_NONE, RingConsumer } from '../src/base/ring_buffer.ts';
import { CELLS_AT, initializeLog, logBytes, type LogSite, RING_AT } from '../src/observe/log/log_layout.ts';
import { Logger } from '../src/observe/log/logger.ts';
import { sizeOf, type BenchContext, type Benchmark } from './context.ts';
import { heapUseOf } from './harness/heap.ts';
import { runAlone, runPaired } from './harness/paired.ts';
import type { Row } from './harness/row.ts';
import { formatCount } from './harness/table.ts';
import { loadCLibrary } from './reference/c_library.ts';

const CALLS = 1_000_000;
const CALLS_SMALL = 8_192;
const SLOTS = 8_192;
const BATCH = 4_096;
const SITES: readonly LogSite[] = [
  { name: 'slow', level: 'warn', text: 'turn took {ns} ns of {limit}, {work}' },
  { name: 'detail', level: 'debug', text: 'turn took {ns} ns of {limit}, {work}' },
];
const SLOW = 0;
const DETAIL = 1;

/** Memory of a log and who reads it. */
class Side {
  readonly memory = new SharedArrayBuffer(logBytes(SLOTS));
  readonly #floats: Float64Array;
  readonly #ring: RingConsumer;

  constructor() {
    initializeLog(this.memory, SITES, 'info', 0, SLOTS);
    this.#floats = new Float64Array(this.memory, 0, this.memory.byteLength >>> 3);
    this.#ring = new RingConsumer(this.memory, RING_AT);
  }

  /** Reads `count` records; their first numbers must go on from `first`. */
  read(count: number, first: number): void {
    for (let i = 0; i < count; i++) {
      const at = this.#ring.take();
      assert(at !== RING_NONE, 'every record is in the ring');
      assert(this.#floats[(at + CELLS_AT) >>> 3] === first + i, 'records come once and in order');
    }
    this.#ring.release();
    assert(this.#ring.take() === RING_NONE, 'and no others');
  }
}

/** Nanoseconds a call of `batch`, which makes `count` of them whose first number begins with `first`. */
function timed(calls: number, side: Side, batch: (count: number, first: number) => void): () => number {
  return () => {
    let ns = 0;
    for (let done = 0; done < calls; done += BATCH) {
      const start = performance.now();
      batch(BATCH, done);
      ns += (performance.now() - start) * 1e6;
      side.read(BATCH, done);
    }
    return ns / calls;
  };
}

function cBatch(side: Side): ((count: number, first: number) => void) | null {
  const library = loadCLibrary('logger');
  if (library === null) return null;
  const callC = library.func('void log_batch(uint8_t *memory, uint32_t *kept, uint32_t count, uint32_t first, uint32_t site, double time)');
  const bytes = new Uint8Array(side.memory);
  const state = new Uint32Array(new SharedArrayBuffer(16));
  return (count, first) => void callC(bytes, state, count, first, SLOW, 12_345_678_901);
}

const TRIED = 'the time is the turn’s, a record one line of the ring, published by one store, a plain one on x86 (the atomic one, a call in JavaScript, was most of the call)';

async function run(context: BenchContext): Promise<Row[]> {
  const calls = Math.ceil(sizeOf(context, CALLS, CALLS_SMALL) / BATCH) * BATCH;
  context.progress(`logger: ${formatCount(calls)} calls`);
  const side = new Side();
  const logger = new Logger(side.memory);
  logger.poll(12_345_678_901);
  const say = (count: number, first: number): void => {
    for (let i = 0; i < count; i++) logger.say3(SLOW, first + i, 2, 3);
  };
  const ours = timed(calls, side, say);
  ours();
  const { bytes } = await heapUseOf(() => {
    say(BATCH, 0);
    side.read(BATCH, 0);
  });
  const common = {
    unit: 'ns/op', boundary: 'TypeScript API', threads: '1', durability: 'none', small: context.small,
  } as const;
  const checks = [`${formatCount(calls)} records read back, in order; ${(bytes / BATCH).toFixed(3)} B of heap a call`];
  const goal = { relation: 'at most', value: 30 } as const;
  const theirSide = new Side();
  const c = cBatch(theirSide);
  const row = { ...common, name: 'log call, three numbers', goal, checks, tried: TRIED };
  const rows: Row[] = [];
  if (c === null) {
    const spread = await runAlone(ours, { repetitions: context.pairs, warmups: 2 });
    rows.push({ ...row, figure: spread.median, statistic: `median of ${spread.samples} runs`, spread });
  } else {
    const { a, b, ratio, pairs } = await runPaired(ours, timed(calls, theirSide, c), { pairs: context.pairs, warmups: 2 });
    rows.push({
      ...row, figure: a.median, statistic: `median of ${pairs} runs`, spread: a,
      ratio: { ...ratio, against: 'the same in C', pairs, otherMedian: b.median },
    });
  }
  const silent = (): number => {
    const start = performance.now();
    for (let i = 0; i < calls; i++) logger.say3(DETAIL, i, 2, 3);
    return ((performance.now() - start) * 1e6) / calls;
  };
  const spread = await runAlone(silent, { repetitions: context.pairs, warmups: 2 });
  assert(logger.lost === 0 && logger.waiting === 0, 'what lies below the level is not written');
  rows.push({ ...common, name: 'log call below the level', figure: spread.median, statistic: `median of ${spread.samples} runs`, spread, checks: ['nothing was written'] });
  return rows;
}

export const loggerBenchmark: Benchmark = { name: 'logger', about: 'a call of the binary log, beside C', byDefault: true, run };
