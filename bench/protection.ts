// What a good client notices of bad ones: its time from order to acknowledgement alone, and beside a
// client that floods (and is throttled) and one that is locked out and connects again and again.
//
//   this process: good client, open loop ─┬─ TCP ─► exchange, a process of its own
//                 flood: as much as TCP takes ─┤        throttled to MESSAGES_PER_SECOND
//                 locked out: connect, order, 20, close, again ─┘
//
// All clients turn in one thread, on a core of its own: three processes on two cores would show the
// scheduler, not the exchange. Each request is timed from the moment at which it was planned.
import { type ChildProcess, fork } from 'node:child_process';
import { AgentRunner, type Agent } from '../src/base/agent.ts';
import { freePorts } from '../src/apps/free_ports.ts';
import { assert } from '../src/base/assert.ts';
import { MonotonicClock } from '../src/base/clock.ts';
import { Histogram } from '../src/base/histogram.ts';
import { Reason } from '../src/book/types.ts';
import { chooseNetwork } from '../src/net/choose_network.ts';
import { CLOSED, type Network, type StreamConnection } from '../src/net/transport.ts';
import { ClientRequest, ClientResponse, RequestType, ResponseType } from '../src/wire/generated/native.ts';
import { sizeOf, type BenchContext, type Benchmark } from './context.ts';
import { runPaired } from './harness/paired.ts';
import type { Row } from './harness/row.ts';
import { formatCount } from './harness/table.ts';
import { pinTo } from './pin.ts';
import type { ProtectionExchangeOptions, ProtectionExchangeState } from './protection_exchange.ts';

const HOST = '127.0.0.1';
const GOOD = 1;
const FLOOD = 2;
const KILLED = 3;
const MESSAGES_PER_SECOND = 1_000;
const REQUESTS = 20_000;
const INTERVAL_NS = 100_000;
/** Between two connections of the one that is locked out: 500 a second. */
const RECONNECT_NS = 2_000_000;
/** Bytes that the flood tries to send a turn. */
const FLOOD_BYTES = 30 * 128;
const SETTLE_MS = 50;
const PHASE_MS = 30_000;
const PERCENT = 99;

/** The bytes of a new order, good till cancelled, that meets nobody; or of its cancel. */
function writeRequest(view: DataView, at: number, type: number, client: number, id: number): void {
  ClientRequest.encode(view, at, type, client, 1, id, 0, 1, 9_000, 0, 1);
}

/** New orders and their cancels by turns, each at its time; each answer is timed from there. */
class GoodClient implements Agent {
  readonly name = 'good';
  readonly latency = new Histogram();
  answered = 0;
  wrong = 0;
  connection: StreamConnection | null = null;
  readonly #bytes = new Uint8Array(ClientRequest.bytes);
  readonly #view = new DataView(this.#bytes.buffer);
  readonly #received = new Uint8Array(64 * 1024);
  readonly #answers = new DataView(this.#received.buffer);
  #kept = 0;
  #sent = 0;
  #count = 0;
  #startNs = 0;
  #nextId = 1;

  begin(count: number): void {
    this.latency.reset();
    this.answered = this.#sent = this.#startNs = 0;
    this.#count = count;
  }

  get done(): boolean {
    return this.answered === this.#count;
  }

  poll(nowNs: number): number {
    const { connection } = this;
    if (connection === null || this.done) return 0;
    if (this.#startNs === 0) this.#startNs = nowNs;
    if (this.#sent < this.#count && nowNs >= this.#startNs + this.#sent * INTERVAL_NS) {
      const cancels = this.#sent % 2 === 1;
      writeRequest(this.#view, 0, cancels ? RequestType.Cancel : RequestType.New, GOOD, cancels ? this.#nextId++ : this.#nextId);
      const taken = connection.send(this.#bytes, 0, this.#bytes.length);
      assert(taken === this.#bytes.length, 'thirty bytes find room');
      this.#sent++;
    }
    const received = connection.receive(this.#received, this.#kept, this.#received.length - this.#kept);
    assert(received !== CLOSED, 'the good client stays connected');
    const end = this.#kept + received;
    let at = 0;
    for (; at + ClientResponse.bytes <= end; at += ClientResponse.bytes) this.#answer(at, nowNs);
    this.#received.copyWithin(0, at, end);
    this.#kept = end - at;
    return received;
  }

  #answer(at: number, nowNs: number): void {
    const expected = this.answered % 2 === 1 ? ResponseType.Canceled : ResponseType.Accepted;
    if (ClientResponse.type(this.#answers, at) !== expected) this.wrong++;
    this.latency.record(Math.max(0, nowNs - (this.#startNs + this.answered * INTERVAL_NS)));
    this.answered++;
  }
}

/** Sends orders as fast as the connection takes them; reads what it is told. */
class Flood implements Agent {
  readonly name = 'flood';
  connection: StreamConnection | null = null;
  answers = 0;
  readonly #bytes = new Uint8Array(FLOOD_BYTES);
  readonly #received = new Uint8Array(64 * 1024);
  #offset = 0;

  constructor() {
    const view = new DataView(this.#bytes.buffer);
    for (let i = 0; i < FLOOD_BYTES / ClientRequest.bytes; i++)
      writeRequest(view, i * ClientRequest.bytes, RequestType.New, FLOOD, i + 1);
  }

  begin(connection: StreamConnection): void {
    this.connection = connection;
    this.#offset = 0;
  }

  end(): void {
    this.connection?.close();
    this.connection = null;
  }

  poll(): number {
    const { connection } = this;
    if (connection === null) return 0;
    const sent = connection.send(this.#bytes, this.#offset, FLOOD_BYTES - this.#offset);
    if (sent > 0) this.#offset = (this.#offset + sent) % FLOOD_BYTES;
    const received = connection.receive(this.#received, 0, this.#received.length);
    if (received > 0) this.answers += received / ClientResponse.bytes;
    return 0;
  }
}

/** Locked out: comes, says an order, hears 20, goes, and comes again. */
class Returning implements Agent {
  readonly name = 'returning';
  refusals = 0;
  on = false;
  readonly #network: Network;
  readonly #port: number;
  readonly #bytes = new Uint8Array(ClientRequest.bytes);
  readonly #received = new Uint8Array(ClientResponse.bytes);
  #connection: StreamConnection | null = null;
  #connecting = false;
  #kept = 0;
  #atNs = 0;

  constructor(network: Network, port: number) {
    this.#network = network;
    this.#port = port;
    writeRequest(new DataView(this.#bytes.buffer), 0, RequestType.New, KILLED, 1);
  }

  poll(nowNs: number): number {
    if (this.#connection === null) {
      if (this.on && !this.#connecting && nowNs >= this.#atNs) {
        this.#atNs = nowNs + RECONNECT_NS;
        void this.#connect();
      }
      return 0;
    }
    const room = ClientResponse.bytes - this.#kept;
    const received = this.#connection.receive(this.#received, this.#kept, room);
    if (received === 0) return 0;
    this.#kept = received === CLOSED ? 0 : this.#kept + received;
    if (received !== CLOSED && this.#kept < ClientResponse.bytes) return 0;
    const code = new DataView(this.#received.buffer).getUint32(ClientResponse.offset.execQty, true);
    if (received !== CLOSED && code === Reason.Killed) this.refusals++;
    this.#connection.close();
    this.#connection = null;
    return 0;
  }

  async #connect(): Promise<void> {
    this.#connecting = true;
    try {
      const connection = await this.#network.connect({ host: HOST, port: this.#port });
      this.#kept = 0;
      connection.send(this.#bytes, 0, this.#bytes.length);
      this.#connection = connection;
    } finally {
      this.#connecting = false;
    }
  }
}

/** The exchange's process. */
class ExchangeSide {
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess) {
    this.#child = child;
  }

  static async start(options: ProtectionExchangeOptions): Promise<ExchangeSide> {
    const child = fork(new URL('./protection_exchange.ts', import.meta.url), [JSON.stringify(options)], {
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
      execArgv: ['--disable-warning=ExperimentalWarning'],
    });
    const side = new ExchangeSide(child);
    await side.#heard();
    return side;
  }

  async state(): Promise<ProtectionExchangeState> {
    const heard = this.#heard();
    this.#child.send('state');
    return (await heard) as ProtectionExchangeState;
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const ended = new Promise<void>((resolve) => this.#child.once('exit', () => resolve()));
    if (this.#child.connected) this.#child.send('stop');
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), 3_000);
    await ended;
    clearTimeout(timer);
  }

  #heard(): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const gone = (): void => reject(new Error("the benchmark's exchange ended by itself"));
      this.#child.once('exit', gone);
      this.#child.once('message', (message) => {
        this.#child.off('exit', gone);
        resolve(message);
      });
    });
  }
}

function milliseconds(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

async function until(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
  const endMs = performance.now() + PHASE_MS;
  while (!(await holds())) {
    if (performance.now() > endMs) throw new Error(`protection benchmark: ${what} did not happen within ${PHASE_MS} ms`);
    await milliseconds(2);
  }
}

async function measure(context: BenchContext, exchange: ExchangeSide, network: Network): Promise<Row> {
  const requests = sizeOf(context, REQUESTS, 300);
  const { port } = await exchange.state();
  const connect = (): Promise<StreamConnection> => network.connect({ host: HOST, port });
  const good = new GoodClient();
  const flood = new Flood();
  const returning = new Returning(network, port);
  const receive: Agent = { name: 'network', poll: () => network.poll() };
  const runner = new AgentRunner({
    clock: new MonotonicClock(), agents: [receive, good, flood, returning], wait: 'spin', needsEventLoop: network.needsEventLoop,
  });
  const running = runner.run();
  const release = pinTo(1);
  const latencies = new Histogram();
  const repetition = async (): Promise<number> => {
    good.begin(requests);
    await until('the answers to the good client', () => good.done);
    return good.latency.percentile(PERCENT);
  };
  const beside = async (): Promise<number> => {
    flood.begin(await connect());
    returning.on = true;
    await milliseconds(SETTLE_MS);
    const figure = await repetition();
    latencies.merge(good.latency);
    flood.end();
    returning.on = false;
    await until('the end of the bad sessions', async () => (await exchange.state()).sessions === 1);
    return figure;
  };
  try {
    good.connection = await connect();
    const { a, ratio, pairs } = await runPaired(beside, repetition, { pairs: context.pairs });
    const { counters } = await exchange.state();
    assert(good.wrong === 0, 'every order of the good client was accepted, every cancel done');
    assert(flood.answers > 0 && counters['rejected_for_rate'] > 0, 'the flood was throttled');
    assert(returning.refusals > 0, 'who is locked out was told so');
    const microseconds = (percent: number): string => (latencies.percentile(percent) / 1e3).toFixed(1);
    return {
      name: 'order → acknowledgement p99, beside a flood and one locked out', figure: a.median, unit: 'ns/op',
      statistic: `p99 of ${formatCount(requests)} requests, median of ${pairs} runs`,
      boundary: 'process → process, TCP', threads: '2 (exchange, clients)', durability: 'none', spread: a,
      ratio: { ...ratio, against: 'the same client alone', pairs, otherMedian: a.median / ratio.median },
      goal: { relation: 'at most', value: 1.2, ofRatio: true },
      checks: [
        `open loop, ${1e9 / INTERVAL_NS} requests/s; p50 ${microseconds(50)}, p99.9 ${microseconds(99.9)} µs beside them`,
        `flood: ${formatCount(flood.answers)} requests looked at, ${formatCount(counters['rejected_for_rate'])} refused for its rate`,
        `locked out: ${formatCount(returning.refusals)} times back and refused`,
      ],
      tried: 'a session beyond its rate is read 16 frames a millisecond; new connections 16 a turn, 1,000 a second',
      small: context.small,
    };
  } finally {
    release();
    runner.stop();
    await running;
  }
}

async function run(context: BenchContext): Promise<Row[]> {
  context.progress('protection: a good client alone, and beside a flood and one that is locked out');
  const exchange = await ExchangeSide.start({
    multicastPort: await freePorts(), throttled: FLOOD, messagesPerSecond: MESSAGES_PER_SECOND, killed: KILLED,
  });
  const { network } = chooseNetwork();
  try {
    return [await measure(context, exchange, network)];
  } finally {
    network.close();
    await exchange.stop();
  }
}

export const protection: Benchmark = {
  name: 'protection',
  about: 'a good client beside one that floods and one that is locked out', byDefault: true, run,
};
