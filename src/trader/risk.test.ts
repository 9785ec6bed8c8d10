import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Reason } from '../book/types.ts';
import { BOOK_ALL, BOOK_UNKNOWN, PRICE_TICKS_NONE, TraderInstruments, plainInstruments } from './instruments.ts';
import { PositionKeeper } from './position_keeper.ts';
import { fuzzRisk } from './risk.fuzz.ts';
import {
  LIMIT_NONE, RATE_MAX, RISK_LIMITS_DEFAULT, RISK_REASON_TEXT, RiskGate, stopLossOf, type RiskGateOptions, type RiskLimits,
} from './risk.ts';

const SEEDS = Number(process.env['RISK_FUZZ_SEEDS'] ?? 100);

const BUY = 1;
const SELL = -1;
const S = 1_000_000_000;
const TWO = new TraderInstruments(plainInstruments([1, 2]));
const NO_LIMITS: RiskLimits = {
  maxOrderQty: LIMIT_NONE, maxPosition: LIMIT_NONE, maxLoss: LIMIT_NONE, maxOpenOrders: LIMIT_NONE,
  maxNotional: LIMIT_NONE, collarTicks: 0, ordersPerSecond: LIMIT_NONE, maxPositionTotal: LIMIT_NONE,
  maxPortfolioValue: LIMIT_NONE, stopLoss: LIMIT_NONE,
};

/** A gate over two books with mids of 100, and what happens around it. */
class Desk {
  readonly positions = new PositionKeeper(TWO);
  readonly gate: RiskGate;
  halts = 0;
  nowNs = S;

  constructor(limits: Partial<RiskLimits>, options: RiskGateOptions = {}) {
    this.gate = new RiskGate(TWO, this.positions, { ...NO_LIMITS, ...limits }, options);
    this.gate.onHalt = () => this.halts++;
    for (const book of [0, 1]) this.gate.setTop(book, 99, 101);
  }

  check(side: number, qty: number, priceTicks = 100, book = 0): Reason {
    return this.gate.check(book, side, priceTicks, qty, this.nowNs);
  }

  /** Sends it if it may be sent. */
  send(side: number, qty: number, priceTicks = 100, book = 0): Reason {
    const reason = this.check(side, qty, priceTicks, book);
    if (reason !== Reason.None) return reason;
    this.gate.reserve(book, side, qty, priceTicks);
    this.gate.sent(this.nowNs);
    return reason;
  }

  /** A position out of nothing. */
  hold(side: number, qty: number, priceTicks = 100, book = 0): void {
    this.positions.onFill(book, side, priceTicks, qty);
    this.gate.filled(book, side, 0);
    this.gate.watchLoss();
  }
}

// ── the door ─────────────────────────────────────────────────────────────────────────────────

test('numbers that are none are refused at the door, each for its reason (known mistake 16)', () => {
  const { gate } = new Desk({});
  const odd = [NaN, Infinity, -Infinity, 1.5, 2 ** 53];
  for (const number of odd) {
    assert.equal(gate.check(number, BUY, 100, 1, S), Reason.UnknownTicker, `book ${number}`);
    assert.equal(gate.check(0, number, 100, 1, S), Reason.Side, `side ${number}`);
    assert.equal(gate.check(0, BUY, number, 1, S), Reason.Price, `price ${number}`);
    assert.equal(gate.check(0, BUY, 100, number, S), Reason.Quantity, `quantity ${number}`);
  }
  assert.equal(gate.check(BOOK_UNKNOWN, BUY, 100, 1, S), Reason.UnknownTicker);
  assert.equal(gate.check(2, BUY, 100, 1, S), Reason.UnknownTicker);
  assert.equal(gate.check(0, 0, 100, 1, S), Reason.Side);
  assert.equal(gate.check(0, BUY, PRICE_TICKS_NONE, 1, S), Reason.Price);
  assert.equal(gate.check(0, BUY, 0, 1, S), Reason.Price, 'outside the instrument’s range');
  for (const qty of [0, -1, 0xffff_ffff]) assert.equal(gate.check(0, BUY, 100, qty, S), Reason.Quantity, `${qty}`);
  assert.equal(gate.checkModify(0, BUY, 100, NaN, 5, S), Reason.Quantity);
  assert.equal(gate.check(0, BUY, 100, 1, NaN), Reason.Rate, 'a time that is none is never late enough');
});

test('quantities are whole lots', () => {
  const lots = new TraderInstruments([{ ticker: 1, symbol: 'L', decimals: 2, tickUnits: 1, lotSize: 10 }]);
  const gate = new RiskGate(lots, new PositionKeeper(lots), NO_LIMITS);
  assert.deepEqual([15, 20].map((qty) => gate.check(0, BUY, 100, qty, S)), [Reason.Quantity, Reason.None]);
});

// ── layers ───────────────────────────────────────────────────────────────────────────────────

test('order size: quantity, and price × quantity beyond 2^53 (known mistake 24)', () => {
  const desk = new Desk({ maxOrderQty: 10, maxNotional: 1000 });
  assert.equal(desk.check(BUY, 11), Reason.OrderTooLarge);
  assert.deepEqual([desk.check(BUY, 10), desk.check(BUY, 10, 101)], [Reason.None, Reason.Notional]);
  const large = new Desk({ maxNotional: 2 ** 51 });
  assert.equal(large.check(BUY, 2 ** 32 - 2, 2 ** 31 - 1), Reason.Notional, 'a product of 63 bits');
  assert.equal(large.check(BUY, 2 ** 20, 2 ** 31 - 1), Reason.None, 'one just below 2^51');
});

test('position: what is open counts; of two orders of 10 at 90 of 100 one passes (known mistake 18)', () => {
  const desk = new Desk({ maxPosition: 100 });
  desk.hold(BUY, 90);
  assert.equal(desk.send(BUY, 10), Reason.None);
  assert.equal(desk.send(BUY, 10), Reason.Position);
  assert.deepEqual([desk.gate.worstLong(0), desk.gate.worstShort(0)], [100, -90]);
  desk.gate.release(0, BUY, 10);
  assert.equal(desk.send(BUY, 10), Reason.None, 'again, once the first has ended');
  // Selling nets with nothing that is only bought for.
  assert.equal(desk.check(SELL, 190), Reason.None);
  assert.equal(desk.check(SELL, 191), Reason.Position);
  desk.gate.checkInvariants();
});

test('reducing is opposite and no more than the position with all else that reduces (known mistake 19)', () => {
  const desk = new Desk({ maxPosition: 10, maxOpenOrders: 0 });
  desk.hold(BUY, 10);
  assert.equal(desk.check(SELL, 25), Reason.Position, '25 against +10 would end at −15');
  assert.equal(desk.check(SELL, 11), Reason.OpenOrders, 'flips: not reducing, so the limit of 0 orders holds');
  assert.equal(desk.send(SELL, 6), Reason.None, 'reducing passes it');
  assert.equal(desk.check(SELL, 5), Reason.OpenOrders, '6 and 5 are more than 10');
  assert.equal(desk.check(SELL, 4), Reason.None);
  assert.equal(desk.check(BUY, 1), Reason.Position, 'the same side never reduces');
});

test('positions of all books together have a limit too', () => {
  const desk = new Desk({ maxPosition: 100, maxPositionTotal: 150 });
  assert.equal(desk.send(BUY, 90, 100, 0), Reason.None);
  assert.equal(desk.check(SELL, 61, 100, 1), Reason.Position);
  assert.equal(desk.send(SELL, 60, 100, 1), Reason.None);
  assert.equal(desk.check(SELL, 90, 100, 0), Reason.None, 'the other side of the first book adds nothing to its worst');
  assert.equal(desk.check(SELL, 91, 100, 0), Reason.Position);
  assert.equal(desk.gate.maxPosition(0), 100);
});

test('loss: more than the limit, in price units; unknown profit rejects (known mistake 17)', () => {
  const desk = new Desk({ maxLoss: 50 });
  desk.hold(BUY, 10, 105);
  assert.equal(desk.check(BUY, 1), Reason.None, 'a loss of 50 is not above 50');
  desk.gate.setTop(0, 98, 101);
  assert.equal(desk.check(BUY, 1), Reason.Loss, 'half a tick less: 55');
  assert.equal(desk.check(SELL, 10), Reason.None, 'closing passes');
  assert.equal(desk.check(SELL, 11), Reason.Loss, 'a flip does not');
  assert.equal(desk.check(BUY, 1, 100, 1), Reason.None, 'the other book has lost nothing');
  desk.gate.setTop(0, PRICE_TICKS_NONE, 101);
  assert.equal(desk.check(BUY, 1), Reason.StaleMarketData, 'no mid: the profit is unknown');
  assert.equal(desk.check(SELL, 10), Reason.None);
});

test('loss is kept in price units, whatever the tick', () => {
  const coarse = new TraderInstruments([{ ticker: 1, symbol: 'C', decimals: 2, tickUnits: 25, lotSize: 1 }]);
  const positions = new PositionKeeper(coarse);
  const gate = new RiskGate(coarse, positions, { ...NO_LIMITS, maxLoss: 99, maxNotional: 999 });
  gate.setTop(0, 10, 12);
  positions.onFill(0, BUY, 12, 3);
  gate.filled(0, BUY, 0);
  assert.equal(gate.check(0, BUY, 10, 1, S), Reason.None, '3 ticks of 25 are 75');
  positions.onFill(0, BUY, 12, 1);
  gate.filled(0, BUY, 0);
  assert.equal(gate.check(0, BUY, 10, 1, S), Reason.Loss, '100');
  assert.equal(gate.check(0, SELL, 10, 4, S), Reason.Notional, 'but 10 × 4 × 25 is 1,000');
});

test('the last trade is the reference where a side is empty; it marks only if asked to', () => {
  for (const markWithLast of [false, true]) {
    const desk = new Desk({ collarTicks: 5 }, { markWithLast });
    desk.hold(BUY, 5);
    desk.gate.setTop(0, PRICE_TICKS_NONE, 101);
    assert.equal(desk.check(SELL, 5), Reason.StaleMarketData, 'no reference for the collar');
    desk.gate.setLast(0, 110);
    assert.equal(desk.check(SELL, 5, 105), Reason.None);
    assert.equal(desk.check(SELL, 5, 104), Reason.Collar);
    assert.equal(desk.check(BUY, 1, 110), markWithLast ? Reason.None : Reason.StaleMarketData);
    assert.equal(desk.positions.known(0), markWithLast);
  }
});

test('open orders of a book', () => {
  const desk = new Desk({ maxOpenOrders: 2 });
  assert.deepEqual([desk.send(BUY, 1), desk.send(SELL, 1), desk.send(BUY, 1)], [Reason.None, Reason.None, Reason.OpenOrders]);
  assert.equal(desk.check(BUY, 1, 100, 1), Reason.None);
  assert.equal(desk.gate.checkModify(0, BUY, 100, 2, 1, S), Reason.None, 'a modify opens none');
});

test('message rate: n within any second, by event time, and what was not sent does not count', () => {
  const desk = new Desk({ ordersPerSecond: 3 });
  for (const at of [0, 0.4, 0.8]) {
    desk.nowNs = (10 + at) * S;
    assert.equal(desk.send(BUY, 1), Reason.None);
  }
  desk.nowNs = 10.9 * S;
  assert.equal(desk.check(BUY, 1), Reason.Rate);
  assert.equal(desk.check(SELL, 1), Reason.Rate, 'reducing or not');
  desk.nowNs = 11 * S;
  assert.equal(desk.send(BUY, 1), Reason.None, 'the first of them is a second ago');
  assert.equal(desk.check(BUY, 1), Reason.Rate);
  desk.gate.unsent();
  assert.equal(desk.check(BUY, 1), Reason.None);
  desk.nowNs = 9 * S;
  assert.equal(desk.check(BUY, 1), Reason.None, 'one place is free whatever the time');
});

test('a change of the rate keeps the send times that matter', () => {
  const desk = new Desk({ ordersPerSecond: 4 });
  for (let i = 0; i < 4; i++) assert.equal(desk.send(BUY, 1), Reason.None);
  desk.gate.setLimits({ ...NO_LIMITS, ordersPerSecond: 6 });
  assert.deepEqual([desk.send(BUY, 1), desk.send(BUY, 1), desk.send(BUY, 1)], [Reason.None, Reason.None, Reason.Rate]);
  desk.gate.setLimits({ ...NO_LIMITS, ordersPerSecond: 2 });
  assert.equal(desk.check(BUY, 1), Reason.Rate);
  desk.nowNs += S;
  assert.deepEqual([desk.send(BUY, 1), desk.send(BUY, 1), desk.send(BUY, 1)], [Reason.None, Reason.None, Reason.Rate]);
});

test('collar: whole ticks around a mid that may be half a tick (known mistake 26)', () => {
  const desk = new Desk({ collarTicks: 2 });
  desk.gate.setTop(0, 100, 101); // 100½: from 98½ to 102½
  assert.deepEqual([98, 99, 102, 103].map((price) => desk.check(BUY, 1, price)), [Reason.Collar, Reason.None, Reason.None, Reason.Collar]);
  const below = new TraderInstruments([{ ticker: 1, symbol: 'N', decimals: 2, tickUnits: 1, lotSize: 1, minPriceTicks: -1000 }]);
  const gate = new RiskGate(below, new PositionKeeper(below), { ...NO_LIMITS, collarTicks: 2 });
  gate.setTop(0, -101, -100);
  assert.deepEqual([-103, -102, -99, -98].map((price) => gate.check(0, BUY, price, 1, S)), [Reason.Collar, Reason.None, Reason.None, Reason.Collar]);
});

test('portfolio value: gross, at worst, over all books', () => {
  const desk = new Desk({ maxPortfolioValue: 10_000 });
  desk.hold(BUY, 40, 100, 0); // 4,000
  assert.equal(desk.send(SELL, 30, 100, 1), Reason.None); // 3,000
  assert.equal(desk.gate.grossValue2(), 2 * 7000);
  assert.equal(desk.check(BUY, 31, 100, 0), Reason.Notional);
  assert.equal(desk.check(BUY, 30, 100, 0), Reason.None);
  desk.gate.setTop(1, 299, 301); // 9,000 and 4,000: above it without an order
  assert.equal(desk.check(BUY, 1, 100, 0), Reason.Notional);
  assert.equal(desk.check(SELL, 40, 100, 0), Reason.None, 'closing passes');
});

test('where nobody has said a price, an order is valued at its own', () => {
  const fresh = new RiskGate(TWO, new PositionKeeper(TWO), { ...NO_LIMITS, maxPortfolioValue: 1000 });
  assert.deepEqual([fresh.check(0, BUY, 100, 10, S), fresh.check(0, BUY, 100, 11, S)], [Reason.None, Reason.Notional]);
  fresh.reserve(0, BUY, 5, 100);
  assert.equal(fresh.grossValue2(), 1000);
  assert.equal(fresh.check(0, BUY, 50, 6, S), Reason.Notional, 'the dearest of them counts for all');
  fresh.release(0, BUY, 5);
  assert.equal(fresh.check(0, BUY, 50, 20, S), Reason.None, 'forgotten with the last order');
});

// ── halts ────────────────────────────────────────────────────────────────────────────────────

test('stop loss: everything is cancelled once, and only what reduces passes until reset', () => {
  const desk = new Desk({ stopLoss: 200 });
  desk.hold(BUY, 10, 100, 0);
  desk.hold(SELL, 10, 100, 1);
  desk.gate.setTop(0, 89, 91);
  assert.deepEqual([desk.gate.stopLossHit, desk.halts], [false, 0], '100 lost');
  desk.gate.setTop(1, 109, 111);
  assert.deepEqual([desk.gate.stopLossHit, desk.halts], [true, 1], '200 lost, over both books');
  assert.equal(desk.check(BUY, 1, 90, 0), Reason.Loss);
  assert.equal(desk.check(SELL, 10, 90, 0), Reason.None);
  assert.equal(desk.check(SELL, 11, 90, 0), Reason.Loss);
  desk.gate.setTop(1, 99, 101);
  assert.equal(desk.check(BUY, 1, 90, 0), Reason.Loss, 'it stays, though the loss is smaller');
  desk.gate.reset();
  assert.equal(desk.check(BUY, 1, 90, 0), Reason.None);
  desk.hold(SELL, 10, 80, 0);
  assert.deepEqual([desk.gate.stopLossHit, desk.halts], [true, 2], 'a fill is looked at too');
});

test('once wrong: after a reset a stop loss that is still reached hits again, also where the top stands still', () => {
  const desk = new Desk({ stopLoss: 100 });
  desk.hold(BUY, 10, 120);
  desk.gate.reset();
  assert.equal(desk.gate.stopLossHit, false);
  desk.gate.setTop(0, 99, 101);
  assert.deepEqual([desk.gate.stopLossHit, desk.halts], [true, 2]);
});

test('with a stop loss, profit that is unknown in any book lets only reducing orders pass', () => {
  const desk = new Desk({ stopLoss: 1000 });
  desk.hold(BUY, 10, 100, 0);
  desk.gate.setTop(0, PRICE_TICKS_NONE, PRICE_TICKS_NONE);
  assert.equal(desk.check(BUY, 1, 100, 1), Reason.StaleMarketData);
  assert.equal(desk.check(SELL, 10, 100, 0), Reason.None);
});

test('the stop loss is a share of the largest portfolio value, exactly', () => {
  assert.equal(stopLossOf(1_000_000_000, 0.02), 20_000_000);
  assert.equal(stopLossOf(1_000_000_007, '0.029'), 29_000_000, 'rounded down');
  assert.throws(() => stopLossOf(1, '2 %'), /expected a decimal number/);
});

test('kill: nothing passes, not even what reduces, until reset', () => {
  const desk = new Desk({});
  desk.hold(BUY, 10);
  desk.gate.kill();
  assert.deepEqual([desk.halts, desk.gate.killed], [1, true]);
  assert.deepEqual([desk.check(BUY, 1), desk.check(SELL, 10)], [Reason.Killed, Reason.Killed]);
  desk.gate.setStale(BOOK_ALL, true);
  desk.gate.reset();
  assert.equal(desk.check(SELL, 10), Reason.StaleMarketData, 'stale data still rejects');
  desk.gate.setStale(1, false);
  assert.deepEqual([desk.check(SELL, 10), desk.check(SELL, 1, 100, 1)], [Reason.StaleMarketData, Reason.None]);
  desk.gate.setStale(BOOK_ALL, false);
  assert.equal(desk.check(SELL, 10), Reason.None);
});

test('the first layer that refuses gives the reason', () => {
  const desk = new Desk({
    maxOrderQty: 10, maxNotional: 1000, maxPosition: 5, maxLoss: 0, maxOpenOrders: 0, ordersPerSecond: 1, collarTicks: 1,
    maxPortfolioValue: 100, stopLoss: 1000,
  });
  desk.hold(SELL, 2, 90, 1); // lost 20
  desk.hold(BUY, 1, 120, 0); // lost 20
  desk.gate.sent(desk.nowNs);
  const limits = desk.gate.limits;
  const lifted: Partial<RiskLimits> = {};
  const seen: Reason[] = [];
  const lift: readonly Partial<RiskLimits>[] = [
    { maxOrderQty: LIMIT_NONE }, { maxNotional: LIMIT_NONE }, { maxPosition: LIMIT_NONE }, { maxLoss: LIMIT_NONE },
    { maxOpenOrders: LIMIT_NONE }, { ordersPerSecond: LIMIT_NONE }, { collarTicks: 0 }, { maxPortfolioValue: LIMIT_NONE }, {},
  ];
  for (const next of lift) {
    seen.push(desk.check(BUY, 11, 104));
    Object.assign(lifted, next);
    desk.gate.setLimits({ ...limits, ...lifted });
  }
  assert.deepEqual(seen.map((reason) => RISK_REASON_TEXT[reason]), [
    'OrderTooLarge', 'NotionalTooLarge', 'PositionTooLarge', 'LossTooLarge', 'OpenOrdersTooMany', 'RateTooHigh', 'OutsideCollar',
    'NotionalTooLarge', 'Allowed',
  ]);
});

// ── modify ───────────────────────────────────────────────────────────────────────────────────

test('a modify is judged by what it adds while it is unanswered: the larger of old and new', () => {
  const desk = new Desk({ maxPosition: 20, maxOrderQty: 15 });
  assert.equal(desk.send(BUY, 10), Reason.None);
  const modify = (qty: number): Reason => desk.gate.checkModify(0, BUY, 100, qty, 10, S);
  assert.deepEqual([modify(15), modify(16)], [Reason.None, Reason.OrderTooLarge]);
  assert.equal(desk.send(BUY, 8), Reason.None);
  assert.deepEqual([modify(12), modify(13), modify(1)], [Reason.None, Reason.Position, Reason.None]);
  desk.gate.setLimits({ ...NO_LIMITS, maxPosition: 17 });
  assert.equal(modify(1), Reason.Position, '10 are open until it is answered, and 8: above the new limit');
});

// ── limits ───────────────────────────────────────────────────────────────────────────────────

test('a ticker’s own limits and those of all: the stricter holds', () => {
  const tickers = new Map([[2, { maxOrderQty: 5, maxPosition: 500, collarTicks: 3 }]]);
  const desk = new Desk({ maxOrderQty: 10, maxPosition: 50, tickers });
  assert.deepEqual([desk.gate.maxOrderQty(0), desk.gate.maxOrderQty(1)], [10, 5]);
  assert.deepEqual([desk.gate.maxPosition(0), desk.gate.maxPosition(1)], [50, 50]);
  assert.deepEqual([desk.check(BUY, 1, 104, 0), desk.check(BUY, 1, 104, 1)], [Reason.None, Reason.Collar]);
});

test('limits are checked whole, and the old ones stay when one is bad', () => {
  const desk = new Desk({ maxOrderQty: 10 });
  const bad = { ...NO_LIMITS, maxOrderQty: NaN, collarTicks: -1, ordersPerSecond: RATE_MAX + 1, stopLoss: 0 };
  assert.throws(() => desk.gate.setLimits(bad), (error: Error) => {
    assert.match(error.message, /^risk limits: maxOrderQty: expected a whole number 0 … 2251799813685248, was NaN; /);
    assert.match(error.message, /collarTicks: .* was -1; ordersPerSecond: expected a whole number 1 … 1000000, was 1000001; stopLoss: .* was 0$/);
    return true;
  });
  const own = new Map([[2, { maxLoss: 0.5 }]]);
  assert.throws(() => desk.gate.setLimits({ ...NO_LIMITS, tickers: own }), /maxLoss of ticker 2: expected a whole number .*, was 0.5/);
  assert.throws(
    () => desk.gate.setLimits({ ...NO_LIMITS, maxPortfolioValue: 2 ** 52 }),
    /maxPortfolioValue: expected a whole number 0 … 2251799813685247, was 4503599627370496/,
  );
  assert.deepEqual([desk.check(BUY, 10), desk.check(BUY, 11)], [Reason.None, Reason.OrderTooLarge]);
  assert.throws(() => new Desk({ maxPosition: undefined as unknown as number }), /maxPosition: .* was undefined/);
});

test('limits that come while a loss is there are looked at at once', () => {
  const desk = new Desk({});
  desk.hold(BUY, 10, 120);
  desk.gate.setLimits({ ...NO_LIMITS, stopLoss: 200 });
  assert.deepEqual([desk.gate.stopLossHit, desk.halts], [true, 1]);
});

test('the defaults are those that users know', () => {
  const { maxOrderQty, maxPosition, maxLoss, maxOpenOrders, ordersPerSecond, maxPositionTotal } = RISK_LIMITS_DEFAULT;
  assert.deepEqual([maxOrderQty, maxPosition, maxLoss, maxOpenOrders], [100, 1000, 100_000, 100]);
  assert.deepEqual([ordersPerSecond, maxPositionTotal], [100_000, 1_000_000]);
});

test('what is released or filled must have been reserved (known mistake 25)', () => {
  const desk = new Desk({});
  assert.equal(desk.send(BUY, 5), Reason.None);
  assert.throws(() => desk.gate.release(0, BUY, 6), /what is released was reserved/);
  assert.throws(() => desk.gate.filled(0, BUY, 6), /what is filled was reserved/);
  assert.throws(() => desk.gate.filled(0, SELL, 1), /what is filled was reserved/);
  assert.throws(() => desk.gate.release(1, BUY, 0), /an order that ends was open/);
});

// ── against the twin ─────────────────────────────────────────────────────────────────────────

test('random orders, marks and limits: every reason and every sum as the twin says', () => {
  const reasons = new Map<Reason, number>();
  for (let seed = 1; seed <= SEEDS; seed++) {
    for (const [reason, count] of fuzzRisk(seed, 800)) reasons.set(reason, (reasons.get(reason) ?? 0) + count);
  }
  for (const reason of Object.keys(RISK_REASON_TEXT).map(Number)) {
    assert.ok((reasons.get(reason as Reason) ?? 0) >= SEEDS / 20, `${RISK_REASON_TEXT[reason]}: ${reasons.get(reason as Reason)} times`);
  }
});

class TruncatedMid extends RiskGate {
  override setTop(book: number, bidTicks: number, askTicks: number): void {
    const odd = bidTicks !== PRICE_TICKS_NONE && askTicks !== PRICE_TICKS_NONE ? (bidTicks + askTicks) & 1 : 0;
    super.setTop(book, bidTicks - odd, askTicks);
  }
}

class NaNPasses extends RiskGate {
  override check(book: number, side: number, priceTicks: number, qty: number, nowNs: number): Reason {
    return qty > 0 || qty <= 0 ? super.check(book, side, priceTicks, qty, nowNs) : Reason.None;
  }
}

class CountsTwice extends RiskGate {
  override sent(nowNs: number): void {
    super.sent(nowNs);
    if (nowNs % 2 === 0) super.sent(nowNs);
  }
}

class ModifyAddsNothing extends RiskGate {
  override checkModify(book: number, side: number, priceTicks: number, qty: number, _reserved: number, nowNs: number): Reason {
    return super.checkModify(book, side, priceTicks, qty, qty, nowNs);
  }
}

class LossAtTheLimit extends RiskGate {
  override setLimits(limits: RiskLimits): void {
    super.setLimits({ ...limits, maxLoss: limits.maxLoss === 0 ? 0 : limits.maxLoss - 1 });
  }
}

for (const [what, Gate] of [
  ['the mid by truncating division (mistake 26)', TruncatedMid],
  ['NaN passes a guard that compares (mistake 16)', NaNPasses],
  ['sends counted twice', CountsTwice],
  ['what a modify adds is not looked at', ModifyAddsNothing],
  ['a loss at the limit refused', LossAtTheLimit],
] as const) {
  test(`the twin finds it when planted: ${what}`, () => {
    assert.throws(() => {
      for (let seed = 1; seed <= 100; seed++) fuzzRisk(seed, 800, Gate);
    }, /gate and twin differ/);
  });
}
