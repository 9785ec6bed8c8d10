import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import type { Engine } from '../book/engine.ts';
import { MatchingEngine } from '../book/matching_engine.ts';
import { Cmd, OrderType, State, Stp, Tif } from '../book/types.ts';
import type { EngineEvent } from '../book/types.ts';
import { generateEquityFlow } from './equity_flow.ts';
import type { LobsterSide } from './lobster.ts';
import { EquityOrderFlow, LobsterFlow, Pacer, RequestKind, parseSpeed } from './order_flow.ts';
import type { FlowRequest } from './order_flow.ts';

const data = join(import.meta.dirname, '../../../shared/data/lobster');
const skip = existsSync(data) ? false : 'the recorded data is not here (../shared/data/lobster)';

const folder = mkdtempSync(join(tmpdir(), 'outcry-order-flow-'));
after(() => rmSync(folder, { recursive: true }));
let files = 0;
function fileOf(lines: readonly string[]): string {
  const path = join(folder, `${++files}.csv`);
  writeFileSync(path, lines.join('\n'));
  return path;
}

/** What an exchange's gateway does with a request. */
function submit(engine: Engine, request: FlowRequest): EngineEvent[] {
  const { kind, side, price, qty } = request;
  const id = BigInt(request.orderId);
  if (kind === RequestKind.Cancel) return engine.submit({ type: Cmd.Cancel, client: 1, id });
  if (kind === RequestKind.Modify)
    return engine.submit({ type: Cmd.Replace, client: 1, id, price, qty, chain: true });
  const tif = kind === RequestKind.Immediate ? Tif.Ioc : Tif.Gtc;
  return engine.submit({
    type: Cmd.New,
    client: 1,
    id,
    side,
    orderType: OrderType.Limit,
    tif,
    price,
    qty,
    stp: Stp.None,
  });
}

function makeEngine(): MatchingEngine {
  return new MatchingEngine({
    instruments: [{ minPrice: 1, maxPrice: 10_000_000 }],
    ordersMax: 100_000,
  });
}

function rowOf(side: LobsterSide): [number, number][] {
  return Array.from({ length: side.levels }, (_, i) => [side.price[i] / 100, side.size[i]]);
}

describe('from LOBSTER', () => {
  test('each event becomes its request', () => {
    const messagesPath = fileOf([
      '34200.1,1,501,30,1001000,-1',
      '34200.2,4,501,10,1001000,-1',
      '34200.3,2,501,5,1001000,-1',
      '34200.4,5,0,7,1001000,-1',
      '34200.5,6,-1,7,1001000,-1',
      '34200.6,7,0,0,-1,-1',
      '34200.7,7,0,0,1,-1',
      '34200.8,3,501,15,1001000,-1',
      '34200.9,3,444,15,1001000,-1',
    ]);
    const flow = new LobsterFlow({ messagesPath, firstOrderId: 1_000 });
    const requests: FlowRequest[] = [];
    const states: State[] = [];
    while (flow.next()) {
      requests.push({ ...flow.request });
      states.push(flow.state);
    }
    const { New, Immediate, Modify, Cancel } = RequestKind;
    assert.deepEqual(requests, [
      { timeNs: 34_200_100_000_000, kind: New, orderId: 1_000, side: -1, price: 10_010, qty: 30 },
      {
        timeNs: 34_200_200_000_000,
        kind: Immediate,
        orderId: 1_001,
        side: 1,
        price: 10_010,
        qty: 10,
      },
      // The total: 30 of which 10 have traded, 5 less.
      {
        timeNs: 34_200_300_000_000,
        kind: Modify,
        orderId: 1_000,
        side: -1,
        price: 10_010,
        qty: 25,
      },
      { timeNs: 34_200_800_000_000, kind: Cancel, orderId: 1_000, side: -1, price: 0, qty: 0 },
    ]);
    assert.deepEqual(states, [State.Open, State.Open, State.Open, State.Open]);
    assert.equal(flow.lastOrderId, 1_001);
    assert.equal(flow.messages, 9);
    assert.equal(flow.counts.hidden, 1);
    assert.equal(flow.counts.crosses, 1);
    assert.equal(flow.counts.halts, 2);
    assert.equal(flow.counts.nameless, 1);
    assert.equal(flow.counts.misfits, 0);
  });

  test('a halt is the state until trading resumes', () => {
    const flow = new LobsterFlow({
      messagesPath: fileOf([
        '1,7,0,0,-1,-1',
        '2,1,1,1,100,1',
        '3,7,0,0,0,-1',
        '4,1,2,1,100,1',
        '5,7,0,0,1,-1',
        '6,1,3,1,100,1',
      ]),
    });
    const states: State[] = [];
    while (flow.next()) states.push(flow.state);
    assert.deepEqual(states, [State.Halted, State.Halted, State.Open]);
  });

  test('the first row seeds the book with the first message undone', () => {
    const cases = [
      // A new order at the front of the asks: it was not there before.
      [
        '1,1,9,30,1001000,-1',
        [
          [1, 10_008, 100],
          [-1, 10_020, 200],
          [-1, 10_010, 30],
        ],
      ],
      // Part of a new order's level: the rest was.
      [
        '1,1,9,10,1001000,-1',
        [
          [1, 10_008, 100],
          [-1, 10_010, 20],
          [-1, 10_020, 200],
          [-1, 10_010, 10],
        ],
      ],
      // A delete at a price that is gone now: it stood there.
      [
        '1,3,9,40,1000900,1',
        [
          [1, 10_008, 100],
          [1, 10_009, 40],
          [-1, 10_010, 30],
          [-1, 10_020, 200],
        ],
      ],
    ] as const;
    for (const [message, expected] of cases) {
      const flow = new LobsterFlow({
        messagesPath: fileOf([message]),
        bookPath: fileOf(['1001000,30,1000800,100,1002000,200,-9999999999,0']),
      });
      const entered: number[][] = [];
      while (flow.next())
        if (flow.request.kind === RequestKind.New)
          entered.push([flow.request.side, flow.request.price, flow.request.qty]);
      assert.deepEqual(entered, expected);
    }
  });

  test('without a book file an execution of an unknown order still trades', () => {
    const engine = makeEngine();
    const flow = new LobsterFlow({
      messagesPath: fileOf(['1,4,77,30,1001000,-1', '2,3,78,5,1001000,-1', '3,2,79,5,1001000,1']),
    });
    let traded = 0;
    while (flow.next())
      for (const event of submit(engine, flow.request))
        if (event.type === 'trade') traded += event.qty;
    assert.equal(traded, 30);
    assert.deepEqual(engine.depth(0, 1), { bids: [], asks: [] });
  });

  test('a price finer than the instrument is refused with its line', () => {
    const flow = new LobsterFlow({
      messagesPath: fileOf(['1,1,5,1,1001000,1', '2,1,6,1,1001050,1']),
    });
    assert.ok(flow.next());
    assert.throws(
      () => flow.next(),
      /csv:2: expected a price that is a multiple of 100, was 1001050: give the instrument more price decimals/,
    );
    assert.throws(
      () => new LobsterFlow({ messagesPath: 'none', priceDecimals: 5 }),
      /price decimals: expected 0 … 4, was 5/,
    );
  });

  test('a book file that ends early is refused with its line', () => {
    const flow = new LobsterFlow({
      messagesPath: fileOf(['1,1,5,1,1000,1', '2,1,6,1,1000,1']),
      bookPath: fileOf(['9999999999,0,1000,1']),
    });
    assert.ok(flow.next());
    assert.throws(() => flow.next(), /csv:2: expected a row for .*csv:2, was the end of the file/);
    flow.close();
  });

  for (const [name, messages, book] of [
    ['AMZN', 'AMZN_2012-06-21_message_1.csv', 'AMZN_2012-06-21_orderbook_1.csv'],
    [
      'AAPL',
      'AAPL_2012-06-21_34200000_57600000_message_10.csv',
      'AAPL_2012-06-21_34200000_57600000_orderbook_10.csv',
    ],
  ] as const) {
    test(
      `${name}: an exchange that takes the requests shows the recorded book after every message`,
      { skip },
      () => {
        const engine = makeEngine();
        const flow = new LobsterFlow({
          messagesPath: join(data, messages),
          bookPath: join(data, book),
        });
        const { row } = flow;
        assert.ok(row);
        let highest = 0;
        let trades = 0;
        while (flow.next()) {
          const { kind, orderId } = flow.request;
          if (kind === RequestKind.New || kind === RequestKind.Immediate)
            assert.equal(orderId, ++highest, 'ids rise by one');
          for (const event of submit(engine, flow.request)) {
            assert.notEqual(event.type, 'rejected');
            if (event.type === 'trade') trades++;
          }
          if (!flow.messageDone) continue;
          const depth = engine.depth(0, row.levelsMax);
          assert.deepEqual(
            depth.asks.map((level) => [level.price, Number(level.qty)]),
            rowOf(row.asks),
          );
          assert.deepEqual(
            depth.bids.map((level) => [level.price, Number(level.qty)]),
            rowOf(row.bids),
          );
        }
        assert.ok(trades > 90);
        assert.equal(flow.lastOrderId, highest);
      },
    );
  }
});

describe('from the equity flow', () => {
  test('ids rise in the order of arrival and go on behind a first flow', () => {
    const generated = generateEquityFlow({ scenario: 'flash-crash', orders: 2_000 });
    const flow = new EquityOrderFlow(generated, { firstOrderId: 5_000_000_000, unitsPerTick: 5 });
    const live = new Set<number>();
    const counts = [0, 0, 0, 0, 0];
    let last = 4_999_999_999;
    let time = 0;
    while (flow.next()) {
      const { kind, orderId, timeNs, price } = flow.request;
      counts[kind]++;
      assert.ok(timeNs >= time);
      time = timeNs;
      assert.equal(price % 5, 0);
      if (kind === RequestKind.New || kind === RequestKind.Immediate) {
        assert.equal(orderId, last + 1);
        last = orderId;
        live.add(orderId);
      } else assert.ok(live.has(orderId));
    }
    assert.equal(flow.lastOrderId, 5_000_001_999);
    assert.equal(flow.messages, generated.messages);
    assert.equal(counts[RequestKind.Immediate], generated.immediateOrders);
    assert.equal(counts[RequestKind.Cancel], generated.cancels);
    assert.equal(counts[RequestKind.Modify], generated.modifies);
  });

  test('an engine takes it; only what is gone is refused', () => {
    const engine = makeEngine();
    const flow = new EquityOrderFlow(generateEquityFlow({ scenario: 'swing-25', orders: 2_000 }));
    let trades = 0;
    while (flow.next()) {
      for (const event of submit(engine, flow.request)) {
        if (event.type === 'trade') trades++;
        if (event.type === 'rejected') assert.equal(event.reason, 6);
      }
    }
    assert.ok(trades > 50);
    engine.checkInvariants();
  });
});

describe('pacing', () => {
  test('recorded speed, N times that, and at once', () => {
    for (const [speed, expected] of [
      [1, 5_000],
      [10, 1_400],
      [0.5, 9_000],
      [Infinity, 1_000],
    ] as const) {
      const pacer = new Pacer(speed);
      assert.equal(pacer.dueNs(70_000, 1_000), 1_000);
      assert.equal(pacer.dueNs(74_000, 3_000), expected);
    }
    assert.throws(() => new Pacer(0), /speed: expected a number above 0, was 0/);
  });

  test('speeds as people write them', () => {
    assert.equal(parseSpeed('1'), 1);
    assert.equal(parseSpeed('10x'), 10);
    assert.equal(parseSpeed('0.5'), 0.5);
    assert.equal(parseSpeed('max'), Infinity);
    for (const text of ['', '0', '-1', 'fast', '1e3', 'NaN', '0x', 'x'])
      assert.throws(() => parseSpeed(text), /speed: expected/);
  });
});
