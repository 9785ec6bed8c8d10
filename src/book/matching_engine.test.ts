// The engine's class over the core: the raw face beside the objects, its limits, its errors. What
// matching means is held by the scenarios (test/scenarios) and by the twin (engine.fuzz.ts).
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { PRICE_TICKS_NONE } from './book_top.ts';
import { MatchingEngine, decodeEvent } from './matching_engine.ts';
import { ReferenceEngine } from './order_book.reference.ts';
import {
  Cmd,
  COMMAND,
  COMMAND_DEFAULT,
  EVENT,
  OrderType,
  QTY_NONE,
  Side,
  Stp,
  Tif,
  type Command,
  type EngineConfig,
} from './types.ts';

const WIDE: EngineConfig = {
  instruments: [{ minPrice: -(2 ** 31), maxPrice: 2 ** 31 - 1 }],
  ordersMax: 64,
};

function order(id: number, side: Side, price: number, qty: number): Command {
  return { type: Cmd.New, client: 1, id: BigInt(id), side, price, qty };
}

// The core took an order without a time in force for good till cancelled, the twin for a day: with the same events their states differed.
test('what a command leaves out means the same to the core and to its twin, and is COMMAND_DEFAULT', () => {
  const bare: Command[] = [
    order(1, Side.Sell, 10, 5), order(2, Side.Buy, 10, 2), order(3, Side.Buy, 9, 4),
    { ...order(4, Side.Buy, 8, 6), display: 2 }, { ...order(5, Side.Sell, 20, 6), orderType: OrderType.Stop, stopPrice: 3 },
    { type: Cmd.New, side: Side.Buy, price: 1, qty: 1 }, { type: Cmd.New, client: 1, id: 6n },
    { type: Cmd.Reject, client: 1, id: 7n }, { type: Cmd.State }, { type: Cmd.Cancel }, { type: Cmd.Cancel, client: 1, id: 3n },
  ];
  const [core, twin, inFull] = [new MatchingEngine(WIDE), new ReferenceEngine(WIDE), new ReferenceEngine(WIDE)];
  for (const command of bare) {
    const events = core.submit(command);
    assert.deepEqual(twin.submit(command), events);
    assert.deepEqual(inFull.submit({ ...COMMAND_DEFAULT, ...command }), events);
    assert.deepEqual([twin.stateHash(), inFull.stateHash()], [core.stateHash(), core.stateHash()]);
  }
});

test('notional sums are exact beyond 64 bits', () => {
  const engine = new MatchingEngine(WIDE);
  const most = QTY_NONE - 1;
  for (let id = 1; id <= 8; id++) {
    engine.submit(order(id, Side.Sell, 2 ** 31 - id, most));
    engine.submit(order(100 + id, Side.Buy, -(2 ** 31) + id, most));
  }
  const all = 8n * BigInt(most);
  let asks = 0n;
  let bids = 0n;
  for (let id = 1n; id <= 8n; id++) {
    asks += (2n ** 31n - id) * BigInt(most);
    bids += (id - 2n ** 31n) * BigInt(most);
  }
  assert.ok(asks > 2n ** 64n && bids < -(2n ** 64n));
  assert.deepEqual(engine.vwap(0, Side.Buy, all), { filled: all, cost: asks });
  assert.deepEqual(engine.vwap(0, Side.Sell, 2n ** 64n - 1n), { filled: all, cost: bids });
  assert.deepEqual(engine.vwap(0, Side.Buy, 3), { filled: 3n, cost: 3n * (2n ** 31n - 8n) });
  assert.deepEqual(engine.vwap(0, Side.Buy, 0), { filled: 0n, cost: 0n });
});

describe('the raw face', () => {
  test('a batch of slots gives the events of the same commands one by one', () => {
    const config = { ...WIDE, stp: Stp.CancelNewest };
    const [one, batch] = [new MatchingEngine(config), new MatchingEngine(config)];
    const commands: Command[] = [
      order(1, Side.Sell, 10, 5),
      { ...order(2, Side.Sell, 10, 9), display: 3, owner: 8 },
      { ...order(3, Side.Buy, 11, 7), client: 2, tif: Tif.Ioc },
      { type: Cmd.Cancel, client: 1, id: 99n },
      { type: Cmd.MassCancel, book: 0xffff, client: 1 },
    ];
    const expected = commands.flatMap((command) => one.submit(command));
    let slots = 0;
    for (const command of commands) slots += batch.writeCommand(slots, command);
    assert.equal(slots, 6, 'the iceberg takes two');
    batch.process(slots);
    const written = batch.eventsWritten();
    assert.deepEqual(
      Array.from({ length: written }, (_, n) => batch.readEvent(n)),
      expected,
    );
    batch.releaseEvents(written);
    assert.equal(batch.stateHash(), one.stateHash());
  });

  test('slots elsewhere in the memory are executed where they lie', () => {
    const engine = new MatchingEngine(WIDE);
    engine.writeCommand(3, order(1, Side.Buy, 5, 2));
    engine.processAt(engine.commandBase + 3 * COMMAND.size, 1);
    assert.equal(engine.ordersLive, 1);
  });

  test('a ring that nobody reads is an error that says what to do', () => {
    const engine = new MatchingEngine({ ...WIDE, eventsMax: 64 });
    assert.throws(() => {
      for (let id = 1; id < 100; id++)
        engine.process(engine.writeCommand(0, { type: Cmd.Cancel, id: BigInt(id) }));
    }, /the event ring is full and nobody reads it: set onEventsFull or call releaseEvents/);
  });

  test('bytes that are no event are refused', () => {
    const view = new DataView(new ArrayBuffer(EVENT.size));
    view.setUint8(EVENT.type, 11);
    assert.throws(() => decodeEvent(view, 0), /event type must be 1 … 10, was 11/);
  });
});

test('a handle is of one order only: stale when it is gone, also when its place is taken again', () => {
  const engine = new MatchingEngine({ ...WIDE, ordersMax: 1 });
  assert.equal(engine.handle(1, 1n), 0n);
  engine.submit(order(1, Side.Buy, 5, 2));
  const first = engine.handle(1, 1n);
  assert.ok(first !== 0n && engine.isLive(first));
  engine.submit({ type: Cmd.Cancel, client: 1, id: 1n });
  assert.ok(!engine.isLive(first));
  engine.submit(order(1, Side.Buy, 5, 2));
  const second = engine.handle(1, 1n);
  assert.ok(engine.isLive(second) && !engine.isLive(first) && first !== second);
});

test('capacity is a reject, and comes back', () => {
  const engine = new MatchingEngine({ ...WIDE, ordersMax: 2 });
  engine.submit(order(1, Side.Buy, 5, 2));
  engine.submit(order(2, Side.Buy, 6, 2));
  const [refused] = engine.submit(order(3, Side.Buy, 7, 2));
  assert.ok(refused.type === 'rejected' && refused.reason === 23);
  engine.submit({ type: Cmd.Cancel, client: 1, id: 1n });
  assert.equal(engine.submit(order(3, Side.Buy, 7, 2))[0].type, 'accepted');
  engine.checkInvariants();
});

test('every fault of a configuration is told at once', () => {
  assert.throws(
    () =>
      new MatchingEngine({
        instruments: [{ minPrice: 5, maxPrice: 4 }],
        ordersMax: 0,
        eventsMax: 100,
        viewLevels: -1,
      }),
    (error: Error) => {
      for (const part of [
        'ordersMax',
        'eventsMax must be a power of two, was 100',
        'viewLevels',
        'instruments[0].maxPrice',
      ]) {
        assert.ok(error.message.includes(part), `${part} stands in: ${error.message}`);
      }
      return error instanceof RangeError;
    },
  );
  assert.throws(
    () => new MatchingEngine(WIDE).depth(1, 5),
    /instrument index must be 0 … 0, was 1/,
  );
});

test('questions about one order and the last trade, without objects', () => {
  const engine = new MatchingEngine(
    { instruments: [...WIDE.instruments, ...WIDE.instruments], ordersMax: 10 },
    { variant: 'core.checked' },
  );
  assert.equal(engine.orderNamed(1, 7, 0), 0);
  assert.equal(engine.lastTicks(1), PRICE_TICKS_NONE);
  const wide = 7n + (3n << 32n);
  engine.submit({ type: Cmd.New, book: 1, client: 1, id: wide, side: -1, price: 100, qty: 50, display: 20 });
  engine.submit({ type: Cmd.New, book: 1, client: 2, id: 1n, side: 1, price: 100, qty: 30 });
  engine.submit({ type: Cmd.New, book: 1, client: 2, id: 2n, side: 1, price: -5, qty: 4 });
  const iceberg = engine.orderNamed(1, 7, 3);
  const plain = engine.orderNamed(2, 2, 0);
  assert.deepEqual([engine.sideOf(iceberg), engine.openOf(iceberg), engine.executedOf(iceberg)], [-1, 20, 30]);
  assert.deepEqual([engine.sideOf(plain), engine.openOf(plain), engine.executedOf(plain)], [1, 4, 0]);
  engine.submit({ type: Cmd.New, client: 2, id: 3n, side: -1, orderType: OrderType.Stop, stopPrice: 4, qty: 1 });
  const stop = engine.orderNamed(2, 3, 0);
  assert.deepEqual([iceberg, plain, stop].map((address) => engine.bookOf(address)), [1, 1, 0]);
  assert.equal(engine.orderNamed(1, 7, 0), 0, 'both halves of the id count');
  assert.deepEqual([engine.lastTicks(0), engine.lastTicks(1)], [PRICE_TICKS_NONE, 100]);
});

test('a replaced event tells the whole open quantity before, also what was hidden or waited', () => {
  const engine = new MatchingEngine({ ...WIDE }, { variant: 'core.checked' });
  const replaced = (id: bigint, price: number, qty: number): number => {
    const event = engine.submit({ type: Cmd.Replace, client: 1, id, price, qty })[0];
    assert.equal(event.type, 'replaced');
    return event.type === 'replaced' ? event.oldOpen : -1;
  };
  engine.submit({ type: Cmd.New, client: 1, id: 1n, side: 1, price: 90, qty: 50, display: 20 });
  engine.submit({ type: Cmd.New, client: 1, id: 2n, side: 1, price: 90, qty: 40 });
  engine.submit({ type: Cmd.New, client: 1, id: 3n, side: 1, orderType: OrderType.StopLimit, stopPrice: 200, price: 90, qty: 30 });
  assert.deepEqual([replaced(1n, 91, 45), replaced(1n, 91, 44), replaced(1n, 92, 43)], [50, 45, 44]);
  assert.deepEqual([replaced(2n, 90, 39), replaced(2n, 91, 60)], [40, 39]);
  assert.deepEqual([replaced(3n, 91, 10)], [30]);
});

test('a command that its slot cannot hold is refused before it is written', () => {
  // These were cut to what fits: an order over 2^32 + 5 rested as one over 5, at 100 instead of 100.75.
  const engine = new MatchingEngine(WIDE);
  const good = order(1, Side.Buy, 100, 5);
  const faults: readonly (readonly [Partial<Command>, string])[] = [
    [{ price: 100.75 }, 'price: expected a whole number -2147483648 … 2147483647, was 100.75'],
    [{ price: NaN }, 'price: expected a whole number -2147483648 … 2147483647, was NaN'],
    [{ price: 2 ** 32 + 10 }, 'price: expected a whole number -2147483648 … 2147483647, was 4294967306'],
    [{ stopPrice: 2 ** 31 }, 'stopPrice: expected a whole number -2147483648 … 2147483647, was 2147483648'],
    [{ qty: 2 ** 32 + 5 }, 'qty: expected a whole number 0 … 4294967295, was 4294967301'],
    [{ qty: -1 }, 'qty: expected a whole number 0 … 4294967295, was -1'],
    [{ display: 1.5 }, 'display: expected a whole number 0 … 4294967295, was 1.5'],
    [{ book: 65_536 }, 'book: expected a whole number 0 … 65535, was 65536'],
    [{ client: -1 }, 'client: expected a whole number 0 … 4294967295, was -1'],
    [{ side: 257 }, 'side: expected a whole number -128 … 127, was 257'],
    [{ id: 2n ** 64n }, 'id: expected a bigint 0 … 2^64 − 1, was 18446744073709551616'],
    [{ id: -1n }, 'id: expected a bigint 0 … 2^64 − 1, was -1'],
  ];
  for (const [fault, message] of faults) {
    assert.throws(() => engine.submit({ ...good, ...fault }), { name: 'RangeError', message });
  }
  assert.deepEqual(engine.depth(0, 5), { bids: [], asks: [] });
  // What fits is the core's to judge, and nothing of the above has begun.
  assert.deepEqual(engine.submit({ ...good, qty: 0 }).map(({ type }) => type), ['rejected']);
  assert.deepEqual(engine.submit({ ...good, id: 2n ** 64n - 1n }).map(({ type }) => type), ['accepted']);
});
