// Add, cancel, best and top ten of one book: inside the core, and through the TypeScript API.
//
//   book:   10,000 resting orders on 250 levels a side
//   add:    1,000 new limit orders of random ids at random levels, handed over as one batch; median over the batches
//   cancel: the same 1,000 in another order
//   best, top ten: 1,000 questions in a loop inside the core, bids and asks in turn
//
// Events are written as always; nobody reads them here. Preparing the slots is outside of the clock.
//
// Through the API, a book of the same size: each order is written into its slot by TypeScript, executed by a call of its
// own, and its answer read where it lies (type and id), all of that within the clock. When the call returns
// the order is in the book or out of it, as in the engines whose figures are quoted; so these rows carry the goal of
// the API, not TradingEngine's (bench/engine_api.ts), which has queue, limits, positions and order states in them.
// OrderBook, the same with objects, exact decimal text and an array of events, is shown beside it.
import { assert } from '../src/base/assert.ts';
import { createCore } from '../src/book/core.ts';
import { MatchingEngine } from '../src/book/matching_engine.ts';
import { OrderBook } from '../src/book/order_book.ts';
import { COMMAND, Cmd, EVENT, Ev, OrderType, Stp, Tif } from '../src/book/types.ts';
import { Mt19937 } from '../src/recorded/mt19937.ts';
import type { BenchContext, Benchmark } from './context.ts';
import { loopsOver } from './core_loops.ts';
import { leastHeapPerOperation } from './harness/heap.ts';
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
const HEAP_BYTES_MAX = 0.1;

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

/** A book behind MatchingEngine's command slots, one order a call. */
class ApiUnderTest {
  readonly engine = new MatchingEngine({
    instruments: [{ minPrice: 1, maxPrice: 2 * MID }], ordersMax: STANDING + BATCH, levelsMax: 2 * LEVELS,
    extendedMax: 0, viewLevels: 0, eventsMax: EVENT_SLOTS,
  });
  readonly #random = new Mt19937(SEED);
  /** Of a batch: what the program wants, as it has it. */
  readonly #ids = new Int32Array(2 * BATCH);
  readonly #sides = new Int32Array(BATCH);
  readonly #prices = new Int32Array(BATCH);
  readonly #quantities = new Int32Array(BATCH);
  readonly #order = Int32Array.from({ length: BATCH }, (_, i) => i);

  draw(): void {
    for (let i = 0; i < BATCH; i++) {
      const side = i & 1 ? -1 : 1;
      this.#ids[2 * i] = this.#random.integer(0, 2 ** 32 - 1);
      this.#ids[2 * i + 1] = this.#random.integer(0, 2 ** 32 - 1);
      this.#sides[i] = side;
      this.#prices[i] = MID - side * this.#random.integer(1, LEVELS);
      this.#quantities[i] = this.#random.integer(1, 100);
    }
    for (let i = BATCH - 1; i > 0; i--) {
      const j = this.#random.integer(0, i);
      [this.#order[i], this.#order[j]] = [this.#order[j], this.#order[i]];
    }
  }

  /** Adds the batch; returns how many answers say that the order rests. */
  adds(): number {
    let accepted = 0;
    for (let i = 0; i < BATCH; i++) {
      accepted += this.#add(this.#ids[2 * i], this.#ids[2 * i + 1], this.#sides[i], this.#prices[i], this.#quantities[i]);
    }
    return accepted;
  }

  /** Cancels it in another order; returns how many answers say that it is gone. */
  cancels(): number {
    let canceled = 0;
    for (let n = 0; n < BATCH; n++) {
      const i = this.#order[n];
      canceled += this.#cancel(this.#ids[2 * i], this.#ids[2 * i + 1]);
    }
    return canceled;
  }

  #add(idLow: number, idHigh: number, side: number, priceTicks: number, qty: number): number {
    const { u8, i32, commandBase } = this.engine;
    const word = commandBase >>> 2;
    u8[commandBase + COMMAND.type] = Cmd.New;
    u8[commandBase + COMMAND.side] = side;
    u8[commandBase + COMMAND.orderType] = OrderType.Limit;
    u8[commandBase + COMMAND.tif] = Tif.Gtc;
    u8[commandBase + COMMAND.stp] = Stp.None;
    i32[word + (COMMAND.price >>> 2)] = priceTicks;
    i32[word + (COMMAND.id >>> 2)] = idLow;
    i32[word + (COMMAND.id >>> 2) + 1] = idHigh;
    i32[word + (COMMAND.qty >>> 2)] = qty;
    return this.#execute(Ev.Accepted, idLow, idHigh);
  }

  #cancel(idLow: number, idHigh: number): number {
    const { u8, i32, commandBase } = this.engine;
    const word = commandBase >>> 2;
    u8[commandBase + COMMAND.type] = Cmd.Cancel;
    i32[word + (COMMAND.id >>> 2)] = idLow;
    i32[word + (COMMAND.id >>> 2) + 1] = idHigh;
    return this.#execute(Ev.Canceled, idLow, idHigh);
  }

  /** 1: the answer is of this type and about this order. */
  #execute(answer: number, idLow: number, idHigh: number): number {
    const { engine } = this;
    engine.process(1);
    const written = engine.eventsWritten();
    const at = engine.eventBase + ((written - 1) & engine.eventMask) * EVENT.size;
    const word = (at + EVENT.id) >>> 2;
    const { u8, i32 } = engine;
    engine.releaseEvents(written);
    return u8[at + EVENT.type] === answer && i32[word] === idLow && i32[word + 1] === idHigh ? 1 : 0;
  }
}

const TRIED =
  'a ladder remembers its last block (best 0.93 of before), four bucket heads an order, no look ahead for new orders beyond the head (add 0.88); ' +
  'what is left are lines in the second-level cache: docs/LATENCY.md, Book and matching';

const API_TRIED = 'one call into the core and one look at its cursor an order are in it; batches of commands (above) share both';

/** Add and cancel through the API, an answer each: in slots, and with objects. */
async function apiRows(context: BenchContext): Promise<Row[]> {
  const batches = context.small ? 10 : 1_000;
  const warmups = context.small ? 2 : 300;
  context.progress(`order book API: ${batches} batches of ${BATCH}`);
  const api = new ApiUnderTest();
  for (let standing = 0; standing < STANDING; standing += BATCH) {
    api.draw();
    assert(api.adds() === BATCH, 'every standing order is accepted');
  }
  const samples = { add: [] as number[], cancel: [] as number[] };
  let answers = 0;
  for (let i = -warmups; i < batches; i++) {
    api.draw();
    const add = timed(() => (answers = api.adds()));
    assert(answers === BATCH && api.engine.ordersLive === STANDING + BATCH, 'every order is answered for and rests');
    const cancel = timed(() => (answers = api.cancels()));
    assert(answers === BATCH && api.engine.ordersLive === STANDING, 'every cancel is answered for and finds its order');
    if (i < 0) continue;
    samples.add.push(add / BATCH);
    samples.cancel.push(cancel / BATCH);
  }
  const heap = await leastHeapPerOperation(() => {
    api.adds();
    api.cancels();
  }, 2 * BATCH, HEAP_BYTES_MAX);
  const objects = objectSamples(context.small ? 3 : 200, context.small ? 1 : 50);
  const row = (name: string, values: number[], more: Partial<Row>): Row => {
    const spread = spreadOf(values);
    return {
      name, figure: spread.median, unit: 'ns/op', statistic: `median of batches of ${BATCH}`, boundary: 'TypeScript API',
      threads: '1', durability: 'none', spread, checks: ['every answer read: type and id'], small: context.small, ...more,
    };
  };
  const goal = (value: number): Goal => ({ relation: 'at most', value });
  return [
    row('API add, answer in place', samples.add, { goal: goal(100), quoted: '500 ns', tried: API_TRIED }),
    row('API cancel, answer in place', samples.cancel, { goal: goal(80), quoted: '200 ns', tried: API_TRIED }),
    {
      name: 'API heap allocated', figure: heap, unit: 'B/op', statistic: 'least of rounds without a collection',
      boundary: 'TypeScript API', threads: '1', durability: 'none', small: context.small, goal: goal(HEAP_BYTES_MAX),
      checks: [`${formatCount(2 * BATCH)} operations a round`],
    },
    row('OrderBook.add, objects', objects.add, {}),
    row('OrderBook.cancel, objects', objects.cancel, {}),
  ];
}

function objectSamples(batches: number, warmups: number): Record<'add' | 'cancel', number[]> {
  const book = new OrderBook({ ordersMax: 2 * BATCH });
  const samples = { add: [] as number[], cancel: [] as number[] };
  let taken = 0;
  for (let n = -warmups; n < batches; n++) {
    const prices = Array.from({ length: BATCH }, (_, i) => `${i & 1 ? 101 : 99}.${10 + ((i * 7) % 90)}`);
    const add = timed(() => {
      for (let i = 0; i < BATCH; i++) taken += book.add({ id: i, side: i & 1 ? 'sell' : 'buy', price: prices[i], qty: 1 + (i & 63) }).ok ? 1 : 0;
    });
    checkLive(book, BATCH);
    const cancel = timed(() => {
      for (let i = 0; i < BATCH; i++) taken += book.cancel(i).ok ? 1 : 0;
    });
    checkLive(book, 0);
    if (n < 0) continue;
    samples.add.push(add / BATCH);
    samples.cancel.push(cancel / BATCH);
  }
  assert(taken === 2 * BATCH * (batches + warmups), 'every answer says ok');
  return samples;
}

function checkLive(book: OrderBook, orders: number): void {
  assert(book.engine.ordersLive === orders, 'every order of a batch rests, and every cancel finds its order');
}

function timed(work: () => void): number {
  const start = process.hrtime.bigint();
  work();
  return Number(process.hrtime.bigint() - start);
}

async function run(context: BenchContext): Promise<Row[]> {
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
  const row = (name: string, values: number[], goal: Goal, quoted: string, tried: string): Row => {
    const spread = spreadOf(values);
    return {
      name, figure: spread.median, unit: 'ns/op', statistic: `median of batches of ${BATCH}`,
      boundary: 'core, batches',
      threads: '1', durability: 'none', spread, goal, quoted, checks, tried, small: context.small,
    };
  };
  return [
    row('book add', samples.add, { relation: 'at most', value: 20 }, 'Rust 65 ns, C++ 62 ns', TRIED),
    row('book cancel', samples.cancel, { relation: 'at most', value: 20 }, 'Rust 58 ns, C++ 55 ns', TRIED),
    row('book best', samples.best, { relation: 'at most', value: 3 }, 'Rust 12 ns, C++ 11 ns', TRIED),
    row('book top 10', samples.top, { relation: 'at most', value: 30 }, 'Rust 85 ns, C++ 80 ns', TRIED),
    ...await apiRows(context),
  ];
}

export const orderBook: Benchmark = {
  name: 'order-book', about: 'add, cancel, best and top ten of one book', byDefault: true, run,
};
