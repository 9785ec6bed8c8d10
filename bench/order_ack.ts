// From an order to its acknowledgement, between two processes, with the whole exchange in between: gateway, sequencer, risk,
// matching, responses, feed; the journal is off.
//
//   this process                          the exchange's process (spins)
//   new order, 30 bytes ──► shared memory or TCP ──► gateway ─► … ─► matching ─► responses ──► 42 bytes ──► this process
//
// One order at a time: the clock is read before the bytes are handed to the transport and after the acknowledgement has been
// looked at. Each order is cancelled afterwards, outside of the clock, so that the book stays small.
import { setTimeout as sleep } from 'node:timers/promises';
import { freePorts } from '../src/apps/free_ports.ts';
import { assert } from '../src/base/assert.ts';
import { Histogram } from '../src/base/histogram.ts';
import { chooseNetwork } from '../src/net/choose_network.ts';
import { CLOSED, type Network, type StreamConnection } from '../src/net/transport.ts';
import { ClientRequest, ClientResponse, RequestType, ResponseType } from '../src/wire/generated/native.ts';
import { sizeOf, type BenchContext, type Benchmark } from './context.ts';
import { ExchangeSide } from './exchange_side.ts';
import type { Row } from './harness/row.ts';
import { spreadOf } from './harness/statistics.ts';
import { formatCount } from './harness/table.ts';
import { pinTo } from './pin.ts';

const HOST = '127.0.0.1';
/** Always the same: what a benchmark that was killed has left behind, the next one empties. */
const SHARED_MEMORY = 'shm:/outcry-bench';
const CLIENT = 7;
const TICKER = 1;
const PRICE = 10_000;
const QTY = 10;
const ORDERS = 20_000;
/** Two processes that spin on a machine with much else to do take milliseconds an order. */
const ORDERS_SMALL = 20;
const WARMUP_RUNS = 3;
const WARMUP_RUNS_SMALL = 1;
/** An answer that takes so long will not come. */
const LOST_MS = 10_000;
const CLIENT_CORE = 1;

/** A client of one session, that asks and waits for the answer. */
class Asker {
  readonly latency = new Histogram();
  readonly #network: Network;
  readonly #connection: StreamConnection;
  readonly #out = new Uint8Array(new ArrayBuffer(ClientRequest.bytes));
  readonly #outView = new DataView(this.#out.buffer);
  readonly #in = new Uint8Array(new ArrayBuffer(ClientResponse.bytes));
  readonly #inView = new DataView(this.#in.buffer);
  #orderId = 0;

  constructor(network: Network, connection: StreamConnection) {
    this.#network = network;
    this.#connection = connection;
  }

  run(orders: number): void {
    for (let i = 0; i < orders; i += 1) {
      this.#orderId += 1;
      const startMs = performance.now();
      this.#ask(RequestType.New, ResponseType.Accepted);
      this.latency.record(Math.round((performance.now() - startMs) * 1e6));
      this.#ask(RequestType.Cancel, ResponseType.Canceled);
    }
  }

  #ask(request: number, expected: number): void {
    ClientRequest.encode(this.#outView, 0, request, CLIENT, TICKER, this.#orderId, 0, 1, PRICE, 0, QTY);
    const sent = this.#connection.send(this.#out, 0, ClientRequest.bytes);
    assert(sent === ClientRequest.bytes, 'one request always fits');
    let received = 0;
    for (let polls = 1; received < ClientResponse.bytes; polls += 1) {
      this.#network.poll();
      const count = this.#connection.receive(this.#in, received, ClientResponse.bytes - received);
      assert(count !== CLOSED, 'the exchange stays connected');
      received += count;
      if ((polls & 0xf_ffff) === 0) this.#checkPatience();
    }
    assert(ClientResponse.type(this.#inView, 0) === expected, 'each request is answered as it must be');
    assert(ClientResponse.clientOrderLo(this.#inView, 0) === this.#orderId, 'the answer is about this order');
  }

  #sinceMs = 0;
  #checkPatience(): void {
    if (this.#sinceMs === 0) this.#sinceMs = performance.now();
    assert(performance.now() - this.#sinceMs < LOST_MS, 'an answer comes');
  }
}

interface AckResult { p50: number[]; p99: number[]; all: Histogram; orders: number }

async function acknowledgements(context: BenchContext, kind: string): Promise<AckResult> {
  const orders = sizeOf(context, ORDERS, ORDERS_SMALL);
  const exchange = await ExchangeSide.start({ network: kind, multicastPort: await freePorts() });
  const { network } = chooseNetwork(kind);
  const release = pinTo(CLIENT_CORE);
  try {
    const connection = await network.connect({ host: HOST, port: exchange.port });
    const asker = new Asker(network, connection);
    const warmups = context.small ? WARMUP_RUNS_SMALL : WARMUP_RUNS;
    for (let i = 0; i < warmups; i += 1) asker.run(orders);
    const all = new Histogram();
    const p50: number[] = [];
    const p99: number[] = [];
    for (let i = 0; i < context.pairs; i += 1) {
      asker.latency.reset();
      asker.run(orders);
      p50.push(asker.latency.percentile(50));
      p99.push(asker.latency.percentile(99));
      all.merge(asker.latency);
      await sleep(0);
    }
    const { counters, ordersLive } = await exchange.state();
    assert(ordersLive === 0, 'every order was cancelled');
    assert(counters['requests'] === 2 * orders * (context.pairs + warmups), 'the exchange has seen every request');
    return { p50, p99, all, orders };
  } finally {
    release();
    network.close();
    await exchange.stop();
  }
}

async function run(context: BenchContext): Promise<Row[]> {
  const rows: Row[] = [];
  const { network } = chooseNetwork();
  const system = network.kind;
  network.close();
  const kinds = system === 'epoll' ? [SHARED_MEMORY, system] : [system];
  for (const kind of kinds) {
    const shared = kind !== system;
    context.progress(`order → acknowledgement over ${shared ? 'shared memory' : `TCP (${kind})`}`);
    const { p50, all, orders } = await acknowledgements(context, kind);
    const spread = spreadOf(p50);
    const ns = (percent: number): string => formatCount(all.percentile(percent));
    rows.push({
      name: `order → acknowledgement, ${shared ? 'shared memory' : 'TCP'}`, figure: spread.median, unit: 'ns/op',
      statistic: `p50, median of ${spread.samples} runs`,
      boundary: shared ? 'process → process, shared memory' : 'process → process, TCP', threads: '2 (exchange, client)',
      durability: 'none', spread, small: context.small,
      ...(shared && { goal: { relation: 'below', value: 1_000 } as const, tried: 'docs/LATENCY.md, Sockets' }),
      checks: [
        `${formatCount(orders * context.pairs)} orders, one at a time, each acknowledged, and each cancelled`,
        `p90 ${ns(90)}, p99 ${ns(99)}, p99.9 ${ns(99.9)} ns over all runs`,
      ],
    });
  }
  return rows;
}

export const orderAck: Benchmark = {
  name: 'order-ack', alias: 'e2e-latency', about: 'one order at a time through the exchange, over shared memory and TCP', byDefault: true, run,
};
