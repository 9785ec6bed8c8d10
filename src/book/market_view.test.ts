// Books fed from outside: what the updates say is what the view says, and what cannot be changes
// nothing.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Prng } from '../base/prng.ts';
import { BookReader } from './book_reader.ts';
import { MarketView, PRICE_TICKS_NONE } from './market_view.ts';
import { MatchingEngine } from './matching_engine.ts';
import { Cmd, Side } from './types.ts';

const INSTRUMENTS = [
  { minPrice: -1_000, maxPrice: 1_000 },
  { minPrice: 1, maxPrice: 1_000 },
];

function newView(): MarketView {
  return new MarketView(
    { instruments: INSTRUMENTS, ordersMax: 8, viewLevels: 3 },
    { variant: 'core.checked' },
  );
}

/** Order `id`, whose priority is its id. */
function add(
  view: MarketView,
  book: number,
  side: number,
  price: number,
  qty: number,
  id: number,
): boolean {
  return view.add(book, side, price, qty, id, 0, id, 0);
}

test('the hash of one book is that of a view in which the others are empty', () => {
  const prng = new Prng(3);
  const [both, first, second] = [newView(), newView(), newView()];
  assert.deepEqual([both.publicHashOf(0), both.publicHashOf(1)], [both.publicHash(), both.publicHash()]);
  for (let id = 1; id <= 8; id++) {
    const book = prng.below(2);
    const side = prng.chance(0.5) ? Side.Buy : Side.Sell;
    const price = side === Side.Buy ? prng.between(1, 9) : prng.between(10, 20);
    for (const view of [both, book === 0 ? first : second]) {
      assert.ok(view.add(book, side, book === 0 ? -price * side : price, id, id, id * 7, 0xffff_fff0 + id, id));
    }
  }
  assert.deepEqual([both.publicHashOf(0), both.publicHashOf(1)], [first.publicHash(), second.publicHash()]);
});

test('the same orders give the depth and the public hash of an engine', () => {
  const engine = new MatchingEngine({ instruments: INSTRUMENTS, ordersMax: 8 });
  const view = newView();
  for (const [side, price, qty] of [
    [Side.Buy, -3, 5],
    [Side.Buy, -3, 7],
    [Side.Buy, -9, 1],
    [Side.Sell, 4, 2],
  ]) {
    const [accepted] = engine.submit({
      type: Cmd.New,
      client: 1,
      id: BigInt(engine.ordersLive + 1),
      side,
      price,
      qty,
    });
    assert.ok(accepted.type === 'accepted');
    assert.ok(add(view, 0, side, price, qty, Number(accepted.orderId)));
  }
  view.checkInvariants();
  assert.deepEqual(view.depth(0, 5), engine.depth(0, 5));
  assert.equal(view.publicHash(), engine.publicHash());
  assert.deepEqual(
    [view.bestPrice(0, Side.Buy), view.bestPrice(0, Side.Sell), view.bestPrice(1, Side.Buy)],
    [-3, 4, null],
  );

  assert.ok(view.cancel(0, 1, 0));
  engine.submit({ type: Cmd.Cancel, client: 1, id: 1n });
  assert.ok(view.modify(0, 2, 0, 6));
  engine.submit({ type: Cmd.Reduce, client: 1, id: 2n, qty: 1 });
  assert.equal(view.publicHash(), engine.publicHash());
});

test('a clear leaves no stale best price, on this thread or on others', () => {
  const view = newView();
  const reader = new BookReader(view.readerSource);
  const seen = reader.snapshot();
  add(view, 0, Side.Buy, 99, 10, 1);
  add(view, 0, Side.Sell, 101, 10, 2);
  add(view, 1, Side.Buy, 50, 10, 3);
  view.publish();
  reader.read(0, seen);
  assert.deepEqual([seen.bidPrice[0], seen.askPrice[0]], [99, 101]);

  assert.ok(view.clear(0));
  assert.deepEqual(view.top(0), { bid: null, ask: null });
  assert.deepEqual([view.bestPrice(0, Side.Buy), view.bestPrice(0, Side.Sell)], [null, null]);
  assert.equal(view.bestPrice(1, Side.Buy), 50, 'the other book stays');
  view.publish();
  reader.read(0, seen);
  assert.deepEqual([seen.bidLevels, seen.askLevels], [0, 0]);

  add(view, 0, Side.Sell, 99, 10, 4);
  view.publish();
  reader.read(0, seen);
  assert.deepEqual(
    [seen.bidLevels, seen.askLevels, seen.askPrice[0]],
    [0, 1, 99],
    'the old bid does not lock the new ask',
  );
  view.checkInvariants();
});

test('updates that cannot be are refused and change nothing', () => {
  const view = newView();
  for (let id = 1; id <= 7; id++) assert.ok(add(view, 0, Side.Buy, id, 10, id));
  const hash = view.publicHash();
  const refused = {
    'an unknown instrument': add(view, 2, Side.Buy, 5, 1, 8),
    'a side that is none': add(view, 0, 0, 5, 1, 8),
    'quantity 0': add(view, 0, Side.Buy, 5, 0, 8),
    'order id 0': add(view, 0, Side.Buy, 5, 1, 0),
    'a known order': add(view, 0, Side.Buy, 5, 1, 3),
    'modify of an unknown order': view.modify(0, 9, 0, 5),
    'modify to 0': view.modify(0, 3, 0, 0),
    'modify of another book’s order': view.modify(1, 3, 0, 5),
    'cancel of an unknown order': view.cancel(0, 3, 1),
    'cancel of another book’s order': view.cancel(1, 3, 0),
    'clear of an unknown instrument': view.clear(2),
    'a trade of an unknown instrument': view.trade(2, 5, 1),
  };
  for (const [what, taken] of Object.entries(refused)) assert.equal(taken, false, what);
  assert.equal(view.publicHash(), hash);
  assert.ok(add(view, 0, Side.Buy, 8, 10, 8));
  assert.equal(add(view, 0, Side.Buy, 9, 10, 9), false, 'no room for a ninth order');
  assert.equal(view.ordersLive, 8);
  view.checkInvariants();
});

test('readTop says what top says, and none where a side is empty', () => {
  const view = new MarketView({ instruments: INSTRUMENTS, ordersMax: 64 });
  const read = (book: number): number[] => {
    view.readTop(book);
    return [view.bidTicks, view.bidQty, view.askTicks, view.askQty];
  };
  assert.deepEqual(read(0), [PRICE_TICKS_NONE, 0, PRICE_TICKS_NONE, 0]);
  const prng = new Prng(26);
  for (let id = 1; id <= 2_000; id++) {
    const side = prng.chance(0.5) ? Side.Buy : Side.Sell;
    add(view, 0, side, side * prng.between(-60, -50), prng.between(1, 0xffff_ffff), id);
    view.cancel(0, prng.between(1, id), 0);
    const { bid, ask } = view.top(0);
    assert.deepEqual(read(0), [
      bid?.price ?? PRICE_TICKS_NONE, Number(bid?.qty ?? 0), ask?.price ?? PRICE_TICKS_NONE,
      Number(ask?.qty ?? 0),
    ]);
  }
  view.clear(0);
  add(view, 1, Side.Sell, 7, 0xffff_ffff, 5_001);
  add(view, 1, Side.Sell, 7, 0xffff_ffff, 5_002);
  assert.deepEqual(read(1), [PRICE_TICKS_NONE, 0, 7, 2 * 0xffff_ffff], 'sums beyond 32 bits');
});

test('depthQty adds what an order could take, however many levels that is', () => {
  const view = new MarketView({ instruments: INSTRUMENTS, ordersMax: 64 });
  for (let id = 1; id <= 40; id++) add(view, 0, Side.Sell, 10 + id, id, id);
  for (let id = 41; id <= 60; id++) add(view, 0, Side.Buy, id - 60, 1, id);
  const upTo = (n: number): number => (n * (n + 1)) / 2;
  assert.equal(view.depthQty(0, Side.Buy, 10), 0, 'below the best ask');
  assert.equal(view.depthQty(0, Side.Buy, 11), 1);
  for (const levels of [15, 16, 17, 32, 39, 40]) {
    assert.equal(view.depthQty(0, Side.Buy, 10 + levels), upTo(levels), `${levels} levels`);
  }
  assert.equal(view.depthQty(0, Side.Buy, 1_000), upTo(40), 'the whole side');
  assert.equal(view.depthQty(0, Side.Sell, 1), 0, 'above the best bid');
  assert.equal(view.depthQty(0, Side.Sell, 0), 1);
  assert.equal(view.depthQty(0, Side.Sell, -18), 19);
  assert.equal(view.depthQty(1, Side.Buy, 1_000), 0, 'an empty book');
});

test('the last trade is remembered and moves no order', () => {
  const view = newView();
  add(view, 0, Side.Buy, 7, 3, 1);
  assert.equal(view.lastTrade(0), null);
  const hash = view.publicHash();
  assert.ok(view.trade(0, -8, 2));
  assert.deepEqual(view.lastTrade(0), { price: -8, qty: 2 });
  assert.equal(view.publicHash(), hash);
  assert.throws(() => view.lastTrade(2), /instrument index must be 0 … 1, was 2/);
});

test('a walk visits every order, best level first, in queue order', () => {
  const view = newView();
  const orders = [
    [-5, 3, 1],
    [-5, 4, 2],
    [9, 5, 3],
    [-1_000, 6, 4],
  ];
  for (const side of [Side.Buy, Side.Sell]) {
    view.clear(0);
    for (const [price, qty, id] of orders) assert.ok(view.add(0, side, price, qty, id, 7, id, 8));
    const walked: number[][] = [];
    for (let at = view.firstOrder(0, side); at !== 0; at = view.orderAfter(at)) {
      walked.push([view.orderPrice(at, side), view.orderQty(at), view.orderIdLow(at)]);
      assert.deepEqual(
        [view.orderIdHigh(at), view.priorityLow(at), view.priorityHigh(at)],
        [7, view.orderIdLow(at), 8],
      );
    }
    const expected =
      side === Side.Buy
        ? [orders[2], orders[0], orders[1], orders[3]]
        : [orders[3], orders[0], orders[1], orders[2]];
    assert.deepEqual(walked, expected);
  }
});
