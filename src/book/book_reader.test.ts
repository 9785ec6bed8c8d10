// Views of a book from other threads: what they say, and that none is ever mixed from two moments.
// OUTCRY_TORN_READ_MS sets how long the readers look.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import {
  CONTROL,
  MovingMarket,
  contradiction,
  type Copying,
  type ReadReport,
  type ThreadData,
} from './book_reader.fuzz.ts';
import { BookReader } from './book_reader.ts';
import { MatchingEngine } from './matching_engine.ts';
import { Cmd, Side, State } from './types.ts';
import type { BookReaderSource } from './book_reader.ts';

const LOOK_MS = Number(process.env['OUTCRY_TORN_READ_MS'] ?? 1_000);
/** A planted mistake shows within milliseconds; on a busy machine it may take a while. */
const PLANTED_MS_MAX = 60_000;
/** What must have happened before a look says anything, and how long a busy machine may take for it. */
const CHANGES_MIN = 100;
const CHANGES_MS_MAX = 60_000;
const THREAD = new URL('book_reader.fuzz.ts', import.meta.url);

interface Thread {
  readonly worker: Worker;
  readonly ended: Promise<unknown>;
}

function start(data: ThreadData): Thread {
  const worker = new Worker(THREAD, { workerData: data });
  return { worker, ended: once(worker, 'exit') };
}

async function message<T>({ worker }: Thread): Promise<T> {
  const [value]: T[] = await once(worker, 'message');
  return value;
}

/**
 * One writer and a reader for each way of copying; ends after `lookMs`, but not before every reader has
 * seen the books change, or when all readers have ended.
 */
async function race(
  copyings: readonly Copying[],
  lookMs: number,
): Promise<{ reports: ReadReport[]; batches: number }> {
  const shared = new SharedArrayBuffer(4 * CONTROL.words);
  const control = new Int32Array(shared);
  const writer = start({ role: 'writer', control: shared, seed: 7 });
  const threads = [writer];
  try {
    const source = await message<BookReaderSource>(writer);
    const readers = copyings.map((copying, index) =>
      start({ role: 'reader', control: shared, source, copying, index }),
    );
    threads.push(...readers);
    const reports = Promise.all(readers.map((reader) => message<ReadReport>(reader)));
    const looked = sleep(lookMs, undefined, { ref: false }).then(() => haveChanged(control, readers.length));
    await Promise.race([looked, reports]);
    Atomics.store(control, CONTROL.stop, 1);
    return { reports: await reports, batches: Atomics.load(control, CONTROL.batches) };
  } finally {
    Atomics.store(control, CONTROL.stop, 1);
    await Promise.all(threads.map((thread) => thread.ended));
  }
}

/** Waits until each of so many readers has seen enough. */
async function haveChanged(control: Int32Array, readers: number): Promise<void> {
  const deadlineMs = performance.now() + CHANGES_MS_MAX;
  const all = control.subarray(CONTROL.changes, CONTROL.changes + readers);
  while (all.some((_, i) => Atomics.load(all, i) < CHANGES_MIN) && performance.now() < deadlineMs) {
    await sleep(10, undefined, { ref: false });
  }
}

describe('a view', () => {
  const instruments = [
    { minPrice: -100, maxPrice: 100 },
    { minPrice: 1, maxPrice: 100 },
  ];

  test('shows levels best first, orders, volumes, last trade and state', () => {
    const engine = new MatchingEngine({ instruments, ordersMax: 100, viewLevels: 2 });
    const reader = new BookReader(engine.readerSource);
    const view = reader.snapshot();
    reader.read(0, view);
    assert.deepEqual([view.bidLevels, view.askLevels, view.traded], [0, 0, false]);

    let id = 0n;
    const rest = (side: number, price: number, qty: number) =>
      engine.submit({ type: Cmd.New, client: 1, id: ++id, side, price, qty });
    rest(Side.Buy, -5, 3);
    rest(Side.Buy, -4, 1);
    rest(Side.Buy, -4, 6);
    rest(Side.Buy, -9, 8);
    rest(Side.Sell, 2, 9);
    engine.submit({ type: Cmd.New, client: 2, id: 1n, side: Side.Buy, price: 2, qty: 4 });
    engine.submit({ type: Cmd.State, book: 0, state: State.Halted });
    reader.read(0, view);
    assert.deepEqual([...view.bidPrice], [-4, -5], 'two levels are published');
    assert.deepEqual([...view.bidQty], [7, 3]);
    assert.deepEqual([...view.bidOrders], [2, 1]);
    assert.deepEqual(
      [view.askLevels, view.askPrice[0], view.askQty[0], view.askOrders[0]],
      [1, 2, 5, 1],
    );
    assert.deepEqual(
      [view.traded, view.lastPrice, view.lastQty, view.state],
      [true, 2, 4, State.Halted],
    );

    reader.read(1, view);
    assert.deepEqual(
      [view.bidLevels, view.askLevels, view.traded, view.state],
      [0, 0, false, State.Open],
    );
  });

  test('adds volumes beyond 32 bits', () => {
    const engine = new MatchingEngine({ instruments, ordersMax: 100 });
    for (const [id, qty] of [3_000_000_000, 2_000_000_000, 4_294_967_294].entries()) {
      engine.submit({
        type: Cmd.New,
        client: 1,
        id: BigInt(id + 1),
        side: Side.Buy,
        price: 7,
        qty,
      });
    }
    const reader = new BookReader(engine.readerSource);
    const view = reader.snapshot();
    reader.read(0, view);
    assert.equal(view.bidQty[0], 9_294_967_294);
    assert.equal(view.bidOrders[0], 3);
    assert.equal(engine.depth(0, 1).bids[0].qty, 9_294_967_294n);
  });

  test('keeps its version while nothing changes', () => {
    const market = new MovingMarket();
    const reader = new BookReader(market.engine.readerSource);
    const view = reader.snapshot();
    market.move(0, 2_000);
    const version = reader.read(0, view);
    assert.equal(contradiction(view), '');
    assert.equal(version % 2, 0);
    assert.equal(reader.read(0, view), version);
    market.move(0, 2_001);
    assert.ok(reader.read(0, view) > version);
  });

  test('is refused where the engine publishes none', () => {
    const engine = new MatchingEngine({ instruments, ordersMax: 100, viewLevels: 0 });
    assert.throws(
      () => new BookReader(engine.readerSource),
      /viewLevels must be 1 … 1024 .* was 0/,
    );
  });
});

test('a torn view contradicts itself', () => {
  const market = new MovingMarket();
  const reader = new BookReader(market.engine.readerSource);
  const [before, later] = [reader.snapshot(), reader.snapshot()];
  market.move(0, 2_000);
  reader.read(0, before);
  market.move(0, 2_003);
  reader.read(0, later);
  assert.deepEqual([contradiction(before), contradiction(later)], ['', '']);
  before.bidPrice[0] = later.bidPrice[0];
  assert.match(contradiction(before), /^level 0 is 2002 × 2001 around 2000$/);
  before.bidPrice[0] = 1_999;
  before.askQty[9] = later.askQty[9];
  assert.match(contradiction(before), /^ask .* at 2010/);
});

test('readers on other threads never see a torn view, and the writer never waits', async () => {
  const { reports, batches } = await race(['locked', 'locked'], LOOK_MS);
  for (const report of reports) {
    assert.equal(report.torn, '');
    assert.ok(
      report.changes >= CHANGES_MIN,
      `${report.changes} of ${report.reads} views differed from the one before`,
    );
  }
  assert.ok(batches >= CHANGES_MIN, `${batches} batches written`);
});

for (const copying of ['unlocked', 'version looked at before only'] as const) {
  test(`a reader is caught tearing: ${copying}`, async () => {
    const { reports } = await race([copying], PLANTED_MS_MAX);
    assert.notEqual(reports[0].torn, '', `none of ${reports[0].reads} views was torn`);
  });
}
