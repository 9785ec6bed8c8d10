// The published counts of the equity flow, in all five scenarios.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { MatchingEngine } from '../book/matching_engine.ts';
import { ReferenceEngine } from '../book/order_book.reference.ts';
import { COMMAND, Cmd, OrderType, Tif } from '../book/types.ts';
import type { Command, EngineConfig } from '../book/types.ts';
import {
  EQUITY_EXPECTED,
  EQUITY_EXPECTED_MESSAGES,
  EQUITY_PRICE_MAX,
  EQUITY_SCENARIO_NAMES,
  generateEquityFlow,
} from './equity_flow.ts';
import type { EquityFlow, EquityScenarioName } from './equity_flow.ts';
import { FlowMatcher } from './flow_matcher.ts';

/** Standing orders and levels as the table has them, in the digits that it shows. */
const STANDING: Record<
  EquityScenarioName,
  { mean: number; peak: number; levelsMean: number; levelsPeak: number }
> = {
  static: { mean: 20_900, peak: 41_800, levelsMean: 60, levelsPeak: 90 },
  normal: { mean: 2_700, peak: 5_500, levelsMean: 290, levelsPeak: 330 },
  'swing-25': { mean: 1_300, peak: 2_600, levelsMean: 830, levelsPeak: 1_400 },
  'swing-40': { mean: 700, peak: 1_400, levelsMean: 560, levelsPeak: 1_000 },
  'flash-crash': { mean: 240, peak: 500, levelsMean: 210, levelsPeak: 400 },
};

/** `value` rounded to two digits (three above 10,000) is what the table prints. */
function prints(value: number, printed: number): boolean {
  const unit = printed >= 1_000 ? 100 : 10;
  return Math.round(value / unit) * unit === printed;
}

function count(flow: EquityFlow, type: number): number {
  let found = 0;
  for (let at = 0; at < flow.slots.length; at += COMMAND.size)
    if (flow.slots[at + COMMAND.type] === type) found++;
  return found;
}

describe('the published flow', () => {
  for (const scenario of EQUITY_SCENARIO_NAMES) {
    test(`${scenario}: messages, fills, reports`, () => {
      const flow = generateEquityFlow({ scenario });
      const { messages, newOrders, immediateOrders, cancels, modifies } = flow;
      assert.deepEqual(
        { messages, newOrders, immediateOrders, cancels, modifies },
        EQUITY_EXPECTED_MESSAGES,
      );
      assert.equal(count(flow, Cmd.New), newOrders);
      assert.equal(count(flow, Cmd.Cancel), cancels);
      assert.equal(count(flow, Cmd.Replace), modifies);
      for (let i = 1; i < messages; i++)
        assert.ok(flow.timesUs[i] >= flow.timesUs[i - 1], 'times rise');

      const matcher = new FlowMatcher(flow.newOrders, flow.maxPrice);
      matcher.process(flow.slots);
      assert.equal(matcher.fills, EQUITY_EXPECTED[scenario].fills);
      assert.equal(matcher.reports, EQUITY_EXPECTED[scenario].reports);
      const { mean, peak, levelsMean, levelsPeak } = STANDING[scenario];
      assert.ok(
        prints(matcher.standingSum / messages, mean),
        `standing mean ${matcher.standingSum / messages}`,
      );
      assert.ok(prints(matcher.standingPeak, peak), `standing peak ${matcher.standingPeak}`);
      assert.ok(
        prints(matcher.levelsSum / messages, levelsMean),
        `levels mean ${matcher.levelsSum / messages}`,
      );
      assert.ok(prints(matcher.levelsPeak, levelsPeak), `levels peak ${matcher.levelsPeak}`);
    });
  }
});

function commandAt(slots: Uint8Array, n: number): Command {
  const view = new DataView(slots.buffer, slots.byteOffset + n * COMMAND.size, COMMAND.size);
  const type = view.getUint8(COMMAND.type);
  const id = view.getBigUint64(COMMAND.id, true);
  if (type === Cmd.Cancel) return { type, id };
  const price = view.getInt32(COMMAND.price, true);
  const qty = view.getUint32(COMMAND.qty, true);
  if (type === Cmd.Replace) return { type, id, price, qty };
  assert.equal(type, Cmd.New);
  return {
    type: Cmd.New,
    id,
    price,
    qty,
    side: view.getInt8(COMMAND.side),
    orderType: view.getUint8(COMMAND.orderType),
    tif: view.getUint8(COMMAND.tif),
    stp: view.getUint8(COMMAND.stp),
  };
}

test('the small matcher, the twin and the core count the same on a short flow', () => {
  const flow = generateEquityFlow({ scenario: 'flash-crash', orders: 5_000 });
  const matcher = new FlowMatcher(flow.newOrders, flow.maxPrice);
  matcher.process(flow.slots);
  assert.ok(matcher.fills > 100);

  const config: EngineConfig = {
    instruments: [{ minPrice: 1, maxPrice: EQUITY_PRICE_MAX }],
    ordersMax: 10_000,
  };
  for (const engine of [new ReferenceEngine(config), new MatchingEngine(config)]) {
    let fills = 0;
    let reports = 0;
    for (let n = 0; n < flow.messages; n++) {
      for (const event of engine.submit(commandAt(flow.slots, n))) {
        if (event.type === 'rested' || event.type === 'displayed') continue;
        reports++;
        if (event.type === 'trade') fills++;
      }
    }
    assert.equal(fills, matcher.fills);
    assert.equal(reports, matcher.reports);
    const top = engine.top(0);
    assert.equal(top.bid?.price ?? 0, matcher.bestBid);
    assert.equal(top.ask?.price ?? flow.maxPrice + 1, matcher.bestAsk);
  }
});

test('the same seed gives the same bytes, another seed others', () => {
  const options = { scenario: 'normal', orders: 1_000 } as const;
  const one = generateEquityFlow(options);
  const two = generateEquityFlow({ ...options, shared: true });
  const three = generateEquityFlow({ ...options, seed: 24 });
  assert.ok(two.slots.buffer instanceof SharedArrayBuffer);
  assert.deepEqual(Buffer.from(one.slots), Buffer.from(two.slots));
  assert.notDeepEqual(Buffer.from(one.slots), Buffer.from(three.slots));
});

test('a slot is a whole command', () => {
  const flow = generateEquityFlow({ scenario: 'static', orders: 100 });
  const first = commandAt(flow.slots, 0);
  assert.equal(first.type, Cmd.New);
  assert.equal(first.orderType, OrderType.Limit);
  assert.ok(first.tif === Tif.Gtc || first.tif === Tif.Ioc);
  for (let n = 0; n < flow.messages; n++) {
    const command = commandAt(flow.slots, n);
    assert.ok(command.id !== undefined && command.id >= 1n && command.id <= 100n);
    if (command.type === Cmd.Cancel) continue;
    assert.ok(
      command.price !== undefined &&
        command.price >= flow.minPrice &&
        command.price <= flow.maxPrice,
    );
    assert.ok(command.qty !== undefined && command.qty >= 1 && command.qty <= 101);
  }
});

test('unknown scenarios and odd counts are refused', () => {
  assert.throws(
    () => generateEquityFlow({ scenario: JSON.parse('"calm"') }),
    /scenario: expected one of static, normal, swing-25, swing-40, flash-crash, was "calm"/,
  );
  for (const orders of [0, 1, 3, 1.5, 1_000_002]) {
    assert.throws(
      () => generateEquityFlow({ scenario: 'static', orders }),
      /orders: expected an even number/,
    );
  }
});
