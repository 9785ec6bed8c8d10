// Add, cancel, best and top ten of one book, inside the core.
//
//   book:   10,000 resting orders on 250 levels a side
//   add:    1,000 new limit orders of random ids at random levels, handed over as one batch; median over the batches
//   cancel: the same 1,000 in another order
//   best, top ten: 1,000 questions in a loop inside the core, bids and asks in turn
//
// Events are written as always; nobody reads them here. Preparing the slots is outside of the clock.
import { assert } from '../src/base/assert.ts';
import { createCore } from '../src/book/core.ts';
import { COMMAND, Cmd, OrderType, Tif } from '../src/book/types.ts';
import { Mt19937 } from '../src/recorded/mt19937.ts';
import type { BenchContext, Benchmark } from './context.ts';
import { loopsOver } from './core_loops.ts';
import type { Goal, Row } from './harness/row.ts';
import { spreadOf } from './harness/statistics.ts';
import { formatCount } from './harness/table.ts';

const BATCH = 1_000;
const LEVELS = 250;
const STANDING = 10_000;
const MID = 100_000;
const TOP = 10;
const SEED = 5;
const EVENT_SLOTS = 4_096;

class BookUnderTest {
  readonly #made = createCore(
    {
      instruments: [{ minPrice: 1, maxPrice: 2 * MID }], ordersMax: STANDING + BATCH, levelsMax: 2 * LEVELS,
      extendedMax: 0, viewLevels: 0, commandSlots: BATCH, eventsMax: EVENT_SLOTS,
    },
    'core',
    () => this.#makeRoom(),
  );
  readonly #random = new Mt19937(SEED);
  readonly #view = new DataView(this.#made.memory.buffer);
  readonly #commands = this.#made.core.commandsAddress() >>> 0;
  readonly loops = loopsOver(this.#made.memory);
  /** Ids of the last batch added: low and high halves. */
  readonly #ids = new Uint32Array(2 * BATCH);

  /** Nobody reads the events here: all slots are free again whenever the core asks. */
  #makeRoom(): void {
    this.#made.core.setEventsCredit((this.#made.core.eventsWritten() + EVENT_SLOTS) | 0);
  }

  get ordersLive(): number {
    return this.#made.core.ordersLive();
  }

  prepareAdds(): void {
    for (let i = 0; i < BATCH; i++) {
      const side = i & 1 ? -1 : 1;
      const at = this.#command(i, Cmd.New);
      this.#ids[2 * i] = this.#random.integer(0, 2 ** 32 - 1);
      this.#ids[2 * i + 1] = this.#random.integer(0, 2 ** 32 - 1);
      this.#view.setInt8(at + COMMAND.side, side);
      this.#view.setInt32(at + COMMAND.price, MID - side * this.#random.integer(1, LEVELS), true);
      this.#view.setUint32(at + COMMAND.qty, this.#random.integer(1, 100), true);
      this.#writeId(at, i);
    }
  }

  prepareCancels(): void {
    const order = Uint32Array.from({ length: BATCH }, (_, i) => i);
    for (let i = BATCH - 1; i > 0; i--) {
      const j = this.#random.integer(0, i);
      [order[i], order[j]] = [order[j], order[i]];
    }
    for (let i = 0; i < BATCH; i++) this.#writeId(this.#command(i, Cmd.Cancel), order[i]);
  }

  /** Nanoseconds of the batch. */
  process(): number {
    const { core } = this.#made;
    const before = core.eventsWritten();
    const start = process.hrtime.bigint();
    core.processCommands(this.#commands, BATCH);
    const ns = Number(process.hrtime.bigint() - start);
    assert(((core.eventsWritten() - before) | 0) === BATCH, 'each command of a batch has one event');
    return ns;
  }

  #command(slot: number, type: number): number {
    const at = this.#commands + slot * COMMAND.size;
    this.#view.setUint8(at + COMMAND.type, type);
    this.#view.setUint8(at + COMMAND.orderType, OrderType.Limit);
    this.#view.setUint8(at + COMMAND.tif, Tif.Gtc);
    return at;
  }

  #writeId(at: number, index: number): void {
    this.#view.setUint32(at + COMMAND.id, this.#ids[2 * index], true);
    this.#view.setUint32(at + COMMAND.id + 4, this.#ids[2 * index + 1], true);
  }
}

function timed(work: () => void): number {
  const start = process.hrtime.bigint();
  work();
  return Number(process.hrtime.bigint() - start);
}

function run(context: BenchContext): Promise<Row[]> {
  const batches = context.small ? 20 : 2_000;
  const warmups = context.small ? 2 : 500;
  context.progress(`order book: ${batches} batches of ${BATCH} operations`);
  const book = new BookUnderTest();
  for (let standing = 0; standing < STANDING; standing += BATCH) {
    book.prepareAdds();
    book.process();
  }
  const samples = { add: [] as number[], cancel: [] as number[], best: [] as number[], top: [] as number[] };
  let levelsAnswered = 0;
  for (let i = -warmups; i < batches; i++) {
    book.prepareAdds();
    const add = book.process();
    assert(book.ordersLive === STANDING + BATCH, 'every order of a batch rests');
    const best = timed(() => book.loops.bestLoop(0, BATCH));
    const top = timed(() => {
      levelsAnswered = book.loops.depthLoop(0, TOP, BATCH);
    });
    assert(levelsAnswered === TOP * BATCH, 'the book has ten levels a side');
    book.prepareCancels();
    const cancel = book.process();
    assert(book.ordersLive === STANDING, 'every cancel finds its order');
    if (i < 0) continue;
    samples.add.push(add / BATCH);
    samples.cancel.push(cancel / BATCH);
    samples.best.push(best / BATCH);
    samples.top.push(top / BATCH);
  }
  const checks = [`${formatCount(STANDING)} standing orders before and after every batch`];
  const row = (name: string, values: number[], goal: Goal, quoted: string): Row => {
    const spread = spreadOf(values);
    return {
      name, figure: spread.median, unit: 'ns/op', statistic: `median of batches of ${BATCH}`,
      boundary: 'core, batches',
      threads: '1', durability: 'none', spread, goal, quoted, checks, small: context.small,
    };
  };
  return Promise.resolve([
    row('book add', samples.add, { relation: 'at most', value: 20 }, 'Rust 65 ns, C++ 62 ns'),
    row('book cancel', samples.cancel, { relation: 'at most', value: 20 }, 'Rust 58 ns, C++ 55 ns'),
    row('book best', samples.best, { relation: 'at most', value: 3 }, 'Rust 12 ns, C++ 11 ns'),
    row('book top 10', samples.top, { relation: 'at most', value: 30 }, 'Rust 85 ns, C++ 80 ns'),
  ]);
}

export const orderBook: Benchmark = {
  name: 'order-book', about: 'add, cancel, best and top ten of one book', byDefault: true, run,
};
