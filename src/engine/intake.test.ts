// The intake: batches, what overtakes what, and cancels that come before their orders.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Prng } from '../base/prng.ts';
import { Reason } from '../book/types.ts';
import { BOOK_EVERY, Input, INPUT, InputFlag, INPUT_TEXT, type InputViews } from './inputs.ts';
import { BATCH_MAX, Intake, type InputTarget } from './intake.ts';
import { EngineProducer } from './producer.ts';
import { Phase, SharedState } from './shared_state.ts';

const SEEDS = Number(process.env['ENGINE_SEEDS'] ?? 100);

/** Writes down what it is handed; an order is known from its New to its Cancel. */
class Notebook implements InputTarget {
  readonly lines: string[] = [];
  readonly live = new Set<string>();

  knows(views: InputViews, at: number): boolean {
    return this.live.has(keyOf(views, at));
  }

  apply(views: InputViews, at: number): void {
    const type = views.u8[at];
    const key = keyOf(views, at);
    const withdrawn = (views.u8[at + INPUT.flags] & InputFlag.Withdrawn) !== 0;
    if (type === Input.New && !withdrawn) this.live.add(key);
    const known = this.live.has(key);
    if (type === Input.Cancel) this.live.delete(key);
    const what = type === Input.New ? (withdrawn ? 'withdrawn' : 'new')
      : type === Input.Cancel ? (known ? 'cancel' : 'unknown') : INPUT_TEXT[type];
    this.lines.push(type === Input.New || type === Input.Cancel ? `${what} ${key}` : what);
  }

  refuseCancel(views: InputViews, at: number): void {
    this.lines.push(`no room ${keyOf(views, at)}`);
  }

  take(): string[] {
    return this.lines.splice(0);
  }
}

function keyOf(views: InputViews, at: number): string {
  const named = (views.u8[at + INPUT.flags] & InputFlag.Named) !== 0;
  return named ? `"${views.u32[(at + INPUT.idLo) >>> 2]}"` : String(views.f64[(at + INPUT.orderId) >>> 3]);
}

function make(normalSlots = 256, urgentSlots = 64): { intake: Intake; book: Notebook; producer: EngineProducer; shared: SharedState } {
  const shared = SharedState.create({ normalSlots, urgentSlots });
  shared.phase = Phase.Open;
  shared.stampMask = -1;
  const book = new Notebook();
  const handle = { buffer: shared.buffer, producer: shared.takeProducerNumber(), startMs: 0 };
  return { intake: new Intake(shared, book, 4), book, producer: new EngineProducer(handle), shared };
}

function drain(intake: Intake): void {
  while (!intake.idle) intake.poll(0);
  intake.checkInvariants();
}

test('inputs are handed on in the order of the calls, in batches', () => {
  const { intake, book, producer } = make();
  for (let i = 0; i < BATCH_MAX + 10; i++) producer.placeLimit(0, 1, 10, 1);
  assert.equal(intake.poll(0), BATCH_MAX);
  assert.equal(intake.poll(0), 10);
  assert.deepEqual(book.take(), Array.from({ length: BATCH_MAX + 10 }, (_, i) => `new ${i + 1}`));
});

test('urgent inputs overtake normal ones', () => {
  const { intake, book, producer } = make();
  const first = producer.placeLimit(0, 1, 10, 1);
  drain(intake);
  book.take();
  producer.placeLimit(0, 1, 10, 1);
  producer.placeLimit(0, 1, 10, 1);
  producer.cancel(first);
  producer.control(3);
  drain(intake);
  assert.deepEqual(book.take(), ['cancel 1', 'control', 'new 2', 'new 3']);
});

test('a cancel that overtakes its own order withdraws it; by number and by name', () => {
  const { intake, book, producer } = make();
  const id = producer.placeLimit(0, 1, 10, 1);
  producer.place(0, 1, 2, 1, InputFlag.Named, 0, 10, 1, 0, 0, 0, 77, 0);
  producer.placeLimit(0, 1, 10, 1);
  producer.cancel(id);
  producer.cancelNamed(77, 0);
  drain(intake);
  assert.deepEqual(book.take(), ['withdrawn 1', 'withdrawn "77"', 'new 3']);
  assert.equal(intake.withdrawn, 2);
});

test('a cancel of an order that nobody placed waits for exactly what came before it, then it is passed on', () => {
  const { intake, book, producer } = make();
  producer.placeLimit(0, 1, 10, 1);
  producer.placeLimit(0, 1, 10, 1);
  producer.cancel(99);
  producer.placeLimit(0, 1, 10, 1);
  // The batch holds all of them, the cancel first; what came after the cancel but before it was looked at counts too.
  drain(intake);
  assert.deepEqual(book.take(), ['new 1', 'new 2', 'new 3', 'unknown 99']);
  producer.cancel(99);
  drain(intake);
  assert.deepEqual(book.take(), ['unknown 99'], 'with nothing queued it is answered at once');
});

test('a second cancel of the same waiting order is answered at once and changes nothing', () => {
  const { intake, book, producer } = make();
  const id = producer.placeLimit(0, 1, 10, 1);
  producer.cancel(id);
  producer.cancel(id);
  drain(intake);
  assert.deepEqual(book.take(), ['unknown 1', 'withdrawn 1']);
});

test('cancel all withdraws the orders that it overtakes, of its book or of all, and none that come later', () => {
  const { intake, book, producer } = make();
  producer.placeLimit(0, 1, 10, 1);
  producer.placeLimit(1, 1, 10, 1);
  producer.cancelAll(1);
  drain(intake);
  assert.deepEqual(book.take(), ['cancel-all', 'new 1', 'withdrawn 2']);
  producer.placeLimit(1, 1, 10, 1);
  producer.cancelAll(BOOK_EVERY);
  drain(intake);
  producer.placeLimit(1, 1, 10, 1);
  drain(intake);
  assert.deepEqual(book.take(), ['cancel-all', 'withdrawn 3', 'new 4']);
  producer.placeLimit(0, 1, 10, 1);
  producer.cancelAll(4_000);
  drain(intake);
  assert.deepEqual(book.take(), ['cancel-all', 'new 5'], 'an unknown book withdraws nothing');
});

test('full lanes are return values, each for itself, and no phase but open takes orders', () => {
  const { producer, shared, intake, book } = make(4, 2);
  for (let i = 0; i < 4; i++) assert.ok(producer.placeLimit(0, 1, 10, 1) > 0);
  assert.equal(producer.placeLimit(0, 1, 10, 1), -Reason.Capacity);
  assert.equal(producer.quote(0, 1, 1, 2, 1), -Reason.Capacity);
  assert.equal(producer.cancel(1), 0, 'a full normal lane keeps no cancel out');
  assert.equal(producer.cancel(2), 0);
  assert.equal(producer.cancel(3), -Reason.Capacity);
  assert.equal(intake.refused, 3);
  drain(intake);
  assert.deepEqual(book.take(), ['withdrawn 1', 'withdrawn 2', 'new 3', 'new 4']);
  shared.phase = Phase.Draining;
  assert.equal(producer.placeLimit(0, 1, 10, 1), -Reason.State);
  assert.equal(producer.cancel(3), 0, 'what takes away is taken to the end');
  shared.phase = Phase.Closed;
  assert.equal(producer.cancel(4), -Reason.State);
});

test('an order id is given out once its order is taken, and never twice', () => {
  const { producer, shared, intake } = make(2, 2);
  const other = new EngineProducer({ buffer: shared.buffer, producer: 2, startMs: 0 });
  const ids = [producer.placeLimit(0, 1, 10, 1), other.placeLimit(0, 1, 10, 1)];
  assert.equal(producer.placeLimit(0, 1, 10, 1), -Reason.Capacity);
  drain(intake);
  ids.push(producer.placeLimit(0, 1, 10, 1));
  assert.deepEqual(ids, [1, 2 ** 20, 2], 'a refused order uses no id');
  shared.skipIds(5 * 2 ** 20);
  const third = new EngineProducer({ buffer: shared.buffer, producer: 3, startMs: 0 });
  assert.ok(third.placeLimit(0, 1, 10, 1) > 5 * 2 ** 20);
});

test('the slots of a producer that died between claim and publish are given up when the engine is told', () => {
  const { producer, shared, intake, book } = make();
  const dead = new EngineProducer({ buffer: shared.buffer, producer: 9, startMs: 0 });
  // Dies in the middle of writing: the clock that it reads for the stamp throws.
  shared.stampMask = 0;
  const realNow = performance.now.bind(performance);
  performance.now = () => {
    throw new Error('the thread was ended');
  };
  try {
    assert.throws(() => dead.placeLimit(0, 1, 10, 1));
  } finally {
    performance.now = realNow;
  }
  producer.placeLimit(0, 1, 10, 1);
  assert.equal(intake.poll(0), 0, 'its slot stops the lane');
  assert.equal(intake.disown(9), 1);
  drain(intake);
  assert.equal(book.take().length, 1);
});

test('random orders and cancels: each order ends as withdrawn or new, each cancel finds its order, none is left', () => {
  for (let seed = 1; seed <= SEEDS; seed++) {
    const prng = new Prng(seed);
    const { intake, book, producer } = make(64, 32);
    const placed: number[] = [];
    const cancelled = new Set<number>();
    for (let step = 0; step < 400; step++) {
      const chance = prng.below(100);
      if (chance < 50) {
        const id = producer.placeLimit(prng.below(4), 1, 10, 1);
        if (id > 0) placed.push(id);
      } else if (chance < 80 && placed.length > 0) {
        const id = placed[prng.below(placed.length)];
        if (!cancelled.has(id) && producer.cancel(id) === 0) cancelled.add(id);
      } else if (chance < 90) intake.poll(0);
    }
    drain(intake);
    const lines = book.take();
    for (const id of placed) {
      const own = lines.filter((line) => line.endsWith(` ${id}`));
      const expected = cancelled.has(id) ? [['new', 'cancel'], ['withdrawn']] : [['new']];
      const seen = own.map((line) => line.split(' ')[0]);
      assert.ok(expected.some((each) => each.join() === seen.join()), `seed ${seed} order ${id}: ${seen.join()}`);
    }
    assert.equal(intake.waiting, 0);
  }
});
