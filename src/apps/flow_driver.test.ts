import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ManualClock } from '../base/clock.ts';
import { EXCHANGE_DEFAULT } from '../exchange/config.ts';
import { Exchange } from '../exchange/exchange.ts';
import { MemoryFabric } from '../net/memory_network.ts';
import { RequestKind } from '../recorded/order_flow.ts';
import { RejectCode, ResponseType } from '../wire/generated/native.ts';
import { FlowDriver } from './flow_driver.ts';
import type { Network } from '../net/transport.ts';
import type { FlowRequest, OrderFlow } from '../recorded/order_flow.ts';
import type { FlowDriverOptions } from './flow_driver.ts';

const HOST = '127.0.0.1';
const MS = 1_000_000;

type Step = [
  timeMs: number, kind: RequestKind, order: number, side: number, price: number, qty: number,
];

/** A flow written out; orders are numbered from 0 and become ids from `firstOrderId`. */
class WrittenFlow implements OrderFlow {
  readonly name = 'written';
  readonly request: FlowRequest = { timeNs: 0, kind: 1, orderId: 0, side: 0, price: 0, qty: 0 };
  readonly messagesTotal = null;
  messages = 0;
  lastOrderId: number;
  closed = false;
  readonly #steps: readonly Step[];
  readonly #firstOrderId: number;

  constructor(steps: readonly Step[], firstOrderId: number) {
    this.#steps = steps;
    this.#firstOrderId = firstOrderId;
    this.lastOrderId = firstOrderId - 1;
  }

  next(): boolean {
    if (this.messages === this.#steps.length) return false;
    const [timeMs, kind, order, side, price, qty] = this.#steps[this.messages++];
    const orderId = this.#firstOrderId + order;
    this.lastOrderId = Math.max(this.lastOrderId, orderId);
    Object.assign(this.request, { timeNs: timeMs * MS, kind, orderId, side, price, qty });
    return true;
  }

  close(): void {
    this.closed = true;
  }
}

const { New, Immediate, Modify, Cancel } = RequestKind;
/** Rests, trades in part, is made smaller, is cancelled; one order is left over. */
const STEPS: Step[] = [
  [0, New, 0, 1, 1000, 100],
  [10, Immediate, 1, -1, 1000, 30],
  [20, Modify, 0, 1, 1000, 80],
  [30, Cancel, 0, 1, 0, 0],
  [40, New, 2, -1, 1010, 5],
  [50, Cancel, 0, 1, 0, 0],
];

interface Rig {
  clock: ManualClock;
  driver: FlowDriver;
  exchange: Exchange;
  flows: WrittenFlow[];
  /** Of somebody else. */
  network: Network;
  /** One turn of both sides, `ms` later. */
  turn: (ms: number) => void;
}

async function rig(
  options: Partial<FlowDriverOptions> & { steps?: Step[]; passes?: number } = {},
): Promise<Rig> {
  const { steps = STEPS, passes = 1, ...given } = options;
  const fabric = new MemoryFabric();
  const here = fabric.network();
  const exchange = await Exchange.open(
    { config: EXCHANGE_DEFAULT, network: fabric.network(), stamp: 1 },
  );
  const clock = new ManualClock();
  const flows: WrittenFlow[] = [];
  const driver = new FlowDriver({
    clock,
    entry: { client: 1 },
    ticker: 1,
    speed: 1,
    pass: (pass, firstOrderId) => {
      if (pass === passes) return null;
      const flow = new WrittenFlow(steps, firstOrderId);
      flows.push(flow);
      return flow;
    },
    ...given,
  });
  driver.connect(await here.connect({ host: HOST, port: exchange.ports[0] }));
  const turn = (ms: number): void => {
    clock.advance(ms * MS);
    here.poll();
    driver.poll(clock.nowNs);
    exchange.poll(clock.nowNs);
  };
  for (let i = 0; i < 4 && !driver.entry.ready; i++) turn(0);
  assert.ok(driver.entry.ready, driver.closedReason);
  return { clock, driver, exchange, flows, network: fabric.network(), turn };
}

test('requests go out when they are due, and not before', async () => {
  const { driver, turn } = await rig();
  const sent: number[] = [];
  for (let ms = 0; ms < 60; ms++) {
    turn(1);
    sent.push(driver.requests);
  }
  // The first is due with the turn in which the session was ready.
  const due = (ms: number): number => STEPS.filter(([timeMs]) => timeMs <= ms).length;
  assert.deepEqual(sent, sent.map((_, i) => Math.min(due(i + 1), STEPS.length)));
});

test('at twice the speed in half the time', async () => {
  const { driver, turn } = await rig({ speed: 2 });
  for (let ms = 0; ms < 24; ms++) turn(1);
  assert.equal(driver.requests, 5);
  turn(1);
  assert.equal(driver.requests, 6);
});

test('every request finds its answer; fills and rests of immediate orders are none', async () => {
  const { driver, turn } = await rig();
  for (let i = 0; i < 100; i++) turn(1);
  assert.equal(driver.requests, 6);
  assert.equal(driver.underWay, 0);
  assert.equal(driver.latency.count, 6);
  assert.equal(driver.fills, 2, 'both sides of the trade are its own');
  assert.equal(driver.rejects, 1, 'the second cancel');
  assert.equal(driver.rejectsByCode[RejectCode.UnknownOrder], 1);
  assert.equal(driver.responsesByType[ResponseType.Accepted], 3);
  assert.equal(driver.responsesByType[ResponseType.Modified], 1);
  assert.deepEqual([...driver.requestsByKind], [0, 2, 1, 1, 2]);
});

test('latency counts from the time at which a request was due', async () => {
  const { driver, turn } = await rig(
    { steps: [[0, New, 0, 1, 1000, 1], [10, New, 1, 1, 1000, 1]] },
  );
  turn(1);
  turn(1);
  const first = driver.latency.max;
  // Nobody looked for 110 ms; the second request was due after ten.
  turn(110);
  turn(1);
  turn(1);
  assert.equal(driver.latency.count, 2);
  assert.ok(driver.latency.max >= 100 * MS, `${driver.latency.max} ns`);
  assert.ok(first < 10 * MS);
});

test('at full speed a window bounds what is under way', async () => {
  const steps = Array.from({ length: 50 }, (_, i): Step => [i, New, i, 1, 1000, 1]);
  const { driver, turn } = await rig({ steps, speed: Infinity, window: 8 });
  let most = 0;
  for (let i = 0; i < 50; i++) {
    turn(0);
    most = Math.max(most, driver.underWay);
  }
  assert.equal(most, 8);
  assert.equal(driver.requests, 50);
  assert.equal(driver.latency.count, 50);
});

test('position and cash are those of the fills, whatever is traded with whom', async () => {
  const { driver, exchange, network, turn } = await rig({
    steps: [[0, New, 0, 1, 1000, 100], [5, Immediate, 1, -1, 1000, 30], [10, New, 2, -1, 1010, 5]],
    keepOrders: true,
  });
  for (let i = 0; i < 30; i++) turn(1);
  assert.equal(driver.fills, 2);
  assert.deepEqual([driver.position, driver.cash], [0, 0], 'both sides of the trade are its own');
  // Somebody else sells into what is left of the first order.
  const other = new FlowDriver({
    clock: new ManualClock(), entry: { client: 9 }, ticker: 1, speed: Infinity,
    keepOrders: true,
    pass: (pass, first) => (
      pass > 0 ? null : new WrittenFlow([[0, Immediate, 0, -1, 990, 20]], first)
    ),
  });
  other.connect(await network.connect({ host: HOST, port: exchange.ports[0] }));
  for (let i = 0; i < 30; i++) {
    turn(1);
    network.poll();
    other.poll(0);
  }
  assert.deepEqual([driver.position, driver.cash], [20, -20_000]);
  assert.deepEqual([other.position, other.cash], [-20, 20_000]);
  assert.equal(driver.sequence, driver.entry.nextSequence - 1);
});

test('the next pass begins when it may', async () => {
  let open = false;
  const asked: number[] = [];
  const { driver, flows, turn } = await rig({
    passes: 2, speed: Infinity,
    mayBegin: (pass) => {
      asked.push(pass);
      return open;
    },
  });
  for (let i = 0; i < 50; i++) turn(1);
  assert.equal(driver.passes, 1, 'the first does not ask');
  assert.ok(asked.length > 10 && asked.every((pass) => pass === 1));
  assert.ok(flows[0].closed);
  open = true;
  for (let i = 0; i < 50; i++) turn(1);
  assert.equal(driver.passes, 2);
});

test('passes: what is left is cancelled, ids go on rising, the last pass ends it', async () => {
  const { driver, exchange, flows, turn } = await rig({ passes: 3, speed: Infinity });
  for (let i = 0; i < 100 && !driver.idle; i++) turn(1);
  assert.ok(driver.idle);
  assert.equal(driver.passes, 3);
  assert.equal(driver.requests, 18);
  assert.equal(driver.latency.count, 18, 'answers of mass cancels are nobody’s');
  assert.deepEqual(flows.map((flow) => flow.lastOrderId), [3, 6, 9]);
  assert.ok(flows.every((flow) => flow.closed));
  assert.equal(driver.rejectsByCode[RejectCode.DuplicateId], 0);
  turn(1);
  assert.equal(exchange.engine.ordersLive, 0);
});

test('stop: nothing more goes out, what is under way is answered', async () => {
  const { driver, flows, turn } = await rig();
  for (let i = 0; i < 15; i++) turn(1);
  driver.stop();
  assert.ok(flows[0].closed);
  for (let i = 0; i < 100; i++) turn(1);
  assert.equal(driver.requests, 2);
  assert.ok(driver.idle);
});

test('a flow without a request ends instead of going round', async () => {
  const { driver, turn } = await rig({ steps: [], passes: 10 });
  for (let i = 0; i < 10; i++) turn(1);
  assert.ok(driver.idle);
  assert.equal(driver.passes, 1);
});

test('a session that ends says why', async () => {
  const { driver, exchange, clock, turn } = await rig();
  turn(1);
  exchange.close(clock.nowNs);
  turn(1);
  turn(1);
  assert.match(driver.closedReason, /the exchange (ended the session|closed the connection)/);
});
