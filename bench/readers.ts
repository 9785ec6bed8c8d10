// Readers on another thread while the one writer works: how many consistent snapshots a second, and what they cost the writer.
//
// The writer keeps a thousand orders in a book, cancelling the oldest and adding a new one, 64 commands a batch; after each batch
// top and ten levels are published under a sequence lock. The reader copies them as fast as it can and checks every copy: prices in
// order, sides apart, no level without orders, the sum of the orders what it always is. A torn copy would break one of these.
import { Worker, parentPort, workerData } from 'node:worker_threads';
import { assert } from '../src/base/assert.ts';
import { BookReader, type BookReaderSource, type BookSnapshot } from '../src/book/book_reader.ts';
import { MatchingEngine } from '../src/book/matching_engine.ts';
import { COMMAND, Cmd, OrderType, Side, Tif } from '../src/book/types.ts';
import { sizeOf, type BenchContext, type Benchmark } from './context.ts';
import { runPaired } from './harness/paired.ts';
import type { Row } from './harness/row.ts';
import { spreadOf } from './harness/statistics.ts';
import { formatCount } from './harness/table.ts';

const COMMANDS = 4_000_000;
const COMMANDS_SMALL = 6_400;
const BATCH = 64;
const RESTING = 1_000;
/** Levels a side: all of them stand in a view, so that a copy can be summed up. */
const LEVELS = 10;
const MID_TICKS = 10_000;
const QTY = 10;
const EVENT_SLOTS = 1_024;
/** Words: state (1 = read, 2 = end); copies read, or one of the two below; copies repeated. */
const Word = { State: 0, Reads: 1, Retries: 2 } as const;

/** In Reads: nobody has begun yet; the reader is at it. */
const ASKED = -1;
const READING = -2;

interface ReaderData {
  source: BookReaderSource;
  control: Int32Array;
}

/** Cancels the oldest order and adds a new one, again and again. */
class Writer {
  readonly engine = new MatchingEngine({
    instruments: [{ minPrice: 1, maxPrice: 2 * MID_TICKS }], ordersMax: 2 * RESTING, extendedMax: 0, commandSlots: BATCH, eventsMax: EVENT_SLOTS, viewLevels: LEVELS,
  });
  #next = 0;

  constructor() {
    for (let i = 0; i < RESTING; i++) {
      this.#write(0, Cmd.New, this.#next++);
      this.#execute(1);
    }
  }

  #write(slot: number, type: number, id: number): void {
    const words = this.engine.i32;
    const at = (this.engine.commandBase + slot * COMMAND.size) >>> 2;
    const side = id & 1 ? Side.Sell : Side.Buy;
    words[at] = type | ((side & 255) << 8) | (OrderType.Limit << 16) | (Tif.Gtc << 24);
    words[at + 1] = 0;
    words[at + COMMAND.client / 4] = 1;
    words[at + COMMAND.price / 4] = MID_TICKS - side * (1 + (Math.imul(id >> 1, 7) % LEVELS));
    words[at + COMMAND.id / 4] = id + 1;
    words[at + COMMAND.id / 4 + 1] = 0;
    words[at + COMMAND.qty / 4] = QTY;
    words[at + COMMAND.reason / 4] = 0;
  }

  #execute(slots: number): void {
    this.engine.process(slots);
    this.engine.releaseEvents(this.engine.eventsWritten());
  }

  /** Nanoseconds a command. */
  run(commands: number): number {
    const start = process.hrtime.bigint();
    for (let done = 0; done < commands; done += BATCH) {
      for (let slot = 0; slot < BATCH; slot += 2) {
        this.#write(slot, Cmd.Cancel, this.#next - RESTING);
        this.#write(slot + 1, Cmd.New, this.#next++);
      }
      this.#execute(BATCH);
    }
    return Number(process.hrtime.bigint() - start) / commands;
  }
}

/** What a snapshot that is none of the states between two batches would break. */
function checkSnapshot(book: BookSnapshot): void {
  let orders = 0;
  for (let i = 0; i < book.bidLevels; i++) {
    orders += book.bidOrders[i];
    if (book.bidQty[i] !== book.bidOrders[i] * QTY || (i > 0 && book.bidPrice[i] >= book.bidPrice[i - 1])) throw new Error('a torn bid level');
  }
  for (let i = 0; i < book.askLevels; i++) {
    orders += book.askOrders[i];
    if (book.askQty[i] !== book.askOrders[i] * QTY || (i > 0 && book.askPrice[i] <= book.askPrice[i - 1])) throw new Error('a torn ask level');
  }
  if (orders !== RESTING || book.bidPrice[0] >= book.askPrice[0]) throw new Error(`a torn snapshot: ${orders} orders`);
}

function readForever({ source, control }: ReaderData): void {
  const reader = new BookReader(source);
  const book = reader.snapshot();
  parentPort?.postMessage('running');
  for (;;) {
    Atomics.wait(control, Word.State, 0);
    const state = Atomics.load(control, Word.State);
    if (state === 2) return;
    if (state === 0) continue;
    Atomics.store(control, Word.Reads, READING);
    let reads = 0;
    const before = reader.retries;
    while (Atomics.load(control, Word.State) === 1) {
      reader.read(0, book);
      checkSnapshot(book);
      reads += 1;
    }
    Atomics.store(control, Word.Retries, reader.retries - before);
    Atomics.store(control, Word.Reads, reads);
    Atomics.notify(control, Word.Reads);
  }
}

async function run(context: BenchContext): Promise<Row[]> {
  context.progress('readers: one beside the writer');
  const commands = sizeOf(context, COMMANDS, COMMANDS_SMALL);
  const writer = new Writer();
  const control = new Int32Array(new SharedArrayBuffer(64));
  const data: ReaderData = { source: writer.engine.readerSource, control };
  const worker = new Worker(new URL('readers.ts', import.meta.url), { workerData: data });
  const ended = new Promise((resolve, reject) => void worker.once('exit', resolve).once('error', reject));
  await new Promise<void>((resolve) => void worker.once('message', () => resolve()));
  /** The event loop's turn, or the reader's error. */
  const turn = (): Promise<unknown> => Promise.race([ended, new Promise((resolve) => void setImmediate(resolve))]);
  const rates: number[] = [];
  let retries = 0;
  let reads = 0;
  const withReader = async (): Promise<number> => {
    Atomics.store(control, Word.Reads, ASKED);
    Atomics.store(control, Word.State, 1);
    Atomics.notify(control, Word.State);
    while (Atomics.load(control, Word.Reads) !== READING) await turn();
    const ns = writer.run(commands);
    Atomics.store(control, Word.State, 0);
    while (Atomics.load(control, Word.Reads) === READING) await turn();
    const found = Atomics.load(control, Word.Reads);
    rates.push((found / (ns * commands)) * 1_000);
    reads += found;
    retries += Atomics.load(control, Word.Retries);
    return ns;
  };
  const { a, ratio, b, pairs } = await runPaired(withReader, () => writer.run(commands), { pairs: context.pairs, warmups: 1 });
  Atomics.store(control, Word.State, 2);
  Atomics.notify(control, Word.State);
  await ended;
  assert(writer.engine.depth(0, LEVELS).bids.length > 0, 'the book stands');
  const common: Omit<Row, 'name' | 'figure' | 'unit' | 'statistic'> = {
    boundary: 'thread → thread, batches', threads: '2 (writer, reader)', durability: 'none', ...(context.small ? { small: true } : {}),
    checks: [`${formatCount(reads)} snapshots of ${LEVELS} levels a side, each whole: ${formatCount(RESTING)} orders, prices in order; ${formatCount(retries)} copies repeated`],
  };
  const rate = spreadOf(rates);
  return [
    { ...common, name: 'concurrent reader: snapshots', figure: rate.median, unit: 'M msg/s', statistic: `median of ${rate.samples} runs`, spread: rate },
    {
      ...common, name: 'writer beside a reader', figure: a.median, unit: 'ns/op', statistic: `median of ${pairs} runs`, spread: a,
      ratio: { ...ratio, against: 'without a reader', pairs, otherMedian: b.median },
    },
  ];
}

export const readersBenchmark: Benchmark = {
  name: 'readers', about: 'consistent snapshots by another thread while the writer works, and what they cost it', byDefault: true, run,
};

if (workerData !== null && parentPort !== null) readForever(workerData as ReaderData);
