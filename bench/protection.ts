// What a good client notices of bad ones: its time from order to acknowledgement alone, and beside a client
// that floods (and is throttled), one that does not read its answers, 1,000 idle connections, all of them
// together, and one that is locked out and connects again and again.
//
//   this process: good client, open loop ─┬─ TCP ─► exchange, a process of its own
//                 flood: as much as TCP takes ─┤        throttled to MESSAGES_PER_SECOND
//                 slow reader: orders, reads nothing ─┤
//                 idle connections ─┤
//                 locked out: connect, order, 20, close, again ─┘
//
// All clients turn in one thread, on a core of its own: three processes on two cores would show the
// scheduler, not the exchange. So what the bad ones cost this thread is in the figure too, and they are
// made to cost little. Each request is timed from the moment at which it was planned.
//
// A p99 is a bad witness of an exchange as long as the machine takes 1 % of the time: a tick of the kernel
// 30 µs 250 times a second, another process milliseconds. Then a run of two seconds has its p99 from
// whatever came by, and two such runs differ tenfold. So it is taken over short segments, of which many see
// nothing of that, alone and beside by turns, and the segments are compared pair by pair. How much time the
// client's own thread was not given is said with the figure.
import { type ChildProcess, fork } from 'node:child_process';
import { AgentRunner, type Agent } from '../src/base/agent.ts';
import { freePorts } from '../src/apps/free_ports.ts';
import { assert } from '../src/base/assert.ts';
import { MonotonicClock } from '../src/base/clock.ts';
import { Histogram } from '../src/base/histogram.ts';
import { Reason } from '../src/book/types.ts';
import { chooseNetwork } from '../src/net/choose_network.ts';
import { CLOSED, type Network, type StreamConnection } from '../src/net/transport.ts';
import { ClientRequest, ClientResponse, RequestType } from '../src/wire/generated/native.ts';
import { sizeOf, type BenchContext, type Benchmark } from './context.ts';
import { GAP_NS, GoodClient, INTERVAL_NS, writeRequest } from './good_client.ts';
import { pairedRatio, spreadOf } from './harness/statistics.ts';
import type { Row } from './harness/row.ts';
import { formatCount } from './harness/table.ts';
import { pinTo } from './pin.ts';
import type { ProtectionExchangeOptions, ProtectionExchangeState } from './protection_exchange.ts';

const HOST = '127.0.0.1';
const FLOOD = 2;
const KILLED = 3;
const MESSAGES_PER_SECOND = 1_000;
const SLOW = 4;
/** Of a segment: 0.2 s. Its p99 is that of the 20 worst. */
const REQUESTS = 2_000;
/** Segments alone, then as many beside: setting the bad ones up takes longer than a segment. */
const BLOCK = 5;
/** For each pair that is asked for: they are short. */
const SEGMENTS_PER_PAIR = 3;
/** Until everything is compiled; in segments. */
const WARM_UP = 20;
/** Between two connections of the one that is locked out: 100 a second, for connecting costs this thread some 100 µs. */
const RECONNECT_NS = 10_000_000;
const IDLE = 1_000;
/** Connections that are being made at once. */
const CONNECTS = 50;
/** Unread at the exchange when the slow reader counts as one. */
const UNREAD_BYTES = 512 * 1024;
const SLOW_BYTES = 32 * 30;
/** Then it goes on with 3,200 requests a second. */
const SLOW_INTERVAL_NS = 10_000_000;
/** More of them while it settles, 50 ms, are not of this pace. */
const HURRY_REQUESTS = 1_000;
/** Bytes that the flood tries to send a turn. */
const FLOOD_BYTES = 30 * 128;
const SETTLE_MS = 50;
const PHASE_MS = 30_000;
const PERCENT = 99;

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

/** Sends orders and their cancels, and reads nothing: at first as fast as it can, then slowly. */
class SlowReader implements Agent {
  readonly name = 'slow';
  connection: StreamConnection | null = null;
  hurries = false;
  readonly #bytes = new Uint8Array(SLOW_BYTES);
  #offset = 0;
  #atNs = 0;

  constructor() {
    const view = new DataView(this.#bytes.buffer);
    for (let i = 0; i < SLOW_BYTES / ClientRequest.bytes; i++)
      writeRequest(view, i * ClientRequest.bytes, i % 2 === 0 ? RequestType.New : RequestType.Cancel, SLOW, 1);
  }

  begin(connection: StreamConnection): void {
    this.connection = connection;
    this.#offset = 0;
    this.hurries = true;
  }

  end(): void {
    this.connection?.close();
    this.connection = null;
  }

  poll(nowNs: number): number {
    const { connection } = this;
    if (connection === null || (!this.hurries && nowNs < this.#atNs)) return 0;
    this.#atNs = nowNs + SLOW_INTERVAL_NS;
    const sent = connection.send(this.#bytes, this.#offset, SLOW_BYTES - this.#offset);
    if (sent === CLOSED) {
      this.end(); // it was held up while it hurried, and so has left more unread than it may
      return 0;
    }
    this.#offset = (this.#offset + sent) % SLOW_BYTES;
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

/** Everything that a segment may run beside. */
class Clients {
  readonly good = new GoodClient();
  readonly flood = new Flood();
  readonly slow = new SlowReader();
  readonly returning: Returning;
  readonly #idle: StreamConnection[] = [];
  readonly #exchange: ExchangeSide;
  readonly #connect: () => Promise<StreamConnection>;

  constructor(exchange: ExchangeSide, network: Network, port: number) {
    this.#exchange = exchange;
    this.#connect = () => network.connect({ host: HOST, port });
    this.returning = new Returning(network, port);
  }

  async beginGood(): Promise<void> {
    this.good.connection = await this.#connect();
  }

  async beginFlood(): Promise<void> {
    const refused = async (): Promise<number> => (await this.#exchange.state()).counters['rejected_for_rate'];
    const before = await refused();
    this.flood.begin(await this.#connect());
    await until('the refusal of the flood', async () => (await refused()) > before);
  }

  async beginSlow(): Promise<void> {
    this.slow.begin(await this.#connect());
    const { logBytes } = await this.#exchange.state();
    const unread = async (): Promise<number> => (await this.#exchange.state()).logBytes - logBytes;
    await until('the slowness of the reader', async () => this.slow.connection === null || (await unread()) >= UNREAD_BYTES);
    this.slow.hurries = false;
    // What it has sent in its hurry is in the kernel and comes in as fast as the exchange takes it: that would be a flood.
    const requests = async (): Promise<number> => (await this.#exchange.state()).counters['requests'];
    await until('the end of its hurry', async () => {
      const before = await requests();
      await milliseconds(SETTLE_MS);
      return (await requests()) - before < HURRY_REQUESTS;
    });
  }

  async beginIdle(count: number): Promise<void> {
    while (this.#idle.length < count) {
      const more = Math.min(CONNECTS, count - this.#idle.length);
      this.#idle.push(...(await Promise.all(Array.from({ length: more }, this.#connect))));
    }
    await until('the idle connections', async () => (await this.#exchange.state()).sessions > count);
  }

  async endBad(): Promise<void> {
    this.flood.end();
    this.slow.end();
    this.returning.on = false;
    for (const connection of this.#idle.splice(0)) connection.close();
    await until('the end of the bad sessions', async () => (await this.#exchange.state()).sessions === 1);
  }
}

interface Company {
  readonly name: string;
  readonly begin: (clients: Clients) => Promise<void>;
  readonly goal?: Row['goal'];
  /** What was done to whom: false shows that there was no such company. */
  readonly check: (clients: Clients, counters: Readonly<Record<string, number>>) => [holds: boolean, said: string];
}

function companies(idle: number): Company[] {
  const floodCheck: Company['check'] = ({ flood }, counters) => [
    flood.answers > 0 && counters['rejected_for_rate'] > 0,
    `flood: ${formatCount(flood.answers)} requests looked at, ${formatCount(counters['rejected_for_rate'])} refused for its rate`,
  ];
  const slowCheck: Company['check'] = (_clients, counters) => [
    counters['responses'] > 0,
    `slow reader: ${UNREAD_BYTES / 1024} KiB and more of its answers wait unread, closed for it ${counters['closed_slow_reader']} times`,
  ];
  const idleText = `${formatCount(idle)} idle connections`;
  return [
    {
      name: `a flood, a slow reader and ${idleText}`, goal: { relation: 'at most', value: 1.2, ofRatio: true },
      begin: async (clients) => {
        await clients.beginIdle(idle);
        await clients.beginSlow();
        await clients.beginFlood();
      },
      check: (clients, counters) => {
        const [[flooded, flood], [slowed, slow]] = [floodCheck(clients, counters), slowCheck(clients, counters)];
        return [flooded && slowed, `${flood}; ${slow}`];
      },
    },
    { name: 'a flood', begin: (clients) => clients.beginFlood(), check: floodCheck },
    { name: 'a slow reader', begin: (clients) => clients.beginSlow(), check: slowCheck },
    { name: idleText, begin: (clients) => clients.beginIdle(idle), check: () => [true, idleText] },
    {
      name: 'one locked out, who comes again and again',
      begin: async ({ returning }) => {
        returning.on = true;
        await until('the refusal of who is locked out', () => returning.refusals > 0);
      },
      check: ({ returning }) => [returning.refusals > 0, `locked out: ${formatCount(returning.refusals)} times back and refused`],
    },
  ];
}

/** Segments alone and beside by turns, in blocks. */
async function measure(context: BenchContext, exchange: ExchangeSide, clients: Clients, company: Company): Promise<Row> {
  const requests = sizeOf(context, REQUESTS, 200);
  const blocks = context.small ? 1 : Math.ceil((context.pairs * SEGMENTS_PER_PAIR) / BLOCK);
  const block = context.small ? 2 : BLOCK;
  const { good } = clients;
  const all = { alone: new Histogram(), beside: new Histogram() };
  const gaps = { alone: 0, beside: 0 };
  const elapsed = { alone: 0, beside: 0 };
  const segments = { alone: [] as number[], beside: [] as number[] };
  const measured = async (which: 'alone' | 'beside'): Promise<void> => {
    await milliseconds(SETTLE_MS);
    for (let i = 0; i < block; i++) {
      await good.run(requests);
      segments[which].push(good.latency.percentile(PERCENT));
      all[which].merge(good.latency);
      gaps[which] += good.gapNs;
      elapsed[which] += good.elapsedNs;
    }
  };
  for (let i = 0; i < blocks; i++) {
    await measured('alone');
    await company.begin(clients);
    await measured('beside');
    await clients.endBad();
  }
  const [holds, said] = company.check(clients, (await exchange.state()).counters);
  assert(holds, 'the bad ones were there, and were treated as such');
  assert(good.wrong === 0, 'every order of the good client was accepted, every cancel done');
  const spread = spreadOf(segments.beside);
  const ratio = pairedRatio(segments.beside, segments.alone);
  const pairs = segments.beside.length;
  const microseconds = (histogram: Histogram, percent: number): string => (histogram.percentile(percent) / 1e3).toFixed(1);
  const percents = (histogram: Histogram): string => [50, 99, 99.9].map((percent) => microseconds(histogram, percent)).join(', ');
  const lost = (which: 'alone' | 'beside'): string => `${((gaps[which] / elapsed[which]) * 100).toFixed(1)} %`;
  return {
    name: `order → acknowledgement p99, beside ${company.name}`, figure: spread.median, unit: 'ns/op',
    statistic: `p99 of ${formatCount(requests)} requests, median of ${pairs} segments`,
    boundary: 'process → process, TCP', threads: '2 (exchange, clients)', durability: 'none', spread,
    ratio: { ...ratio, against: 'the same client alone', pairs, otherMedian: spreadOf(segments.alone).median },
    ...(company.goal === undefined ? {} : { goal: company.goal }),
    checks: [
      `open loop, ${1e9 / INTERVAL_NS} requests/s; over all segments p50, p99, p99.9 in µs: ${percents(all.beside)}; alone ${percents(all.alone)}`,
      said,
      `of its time the clients' thread was kept from turning, ${GAP_NS / 1e3} µs and more at once: ${lost('beside')}; alone ${lost('alone')}`,
    ],
    tried:
      'a session beyond its rate is read 16 frames a millisecond, and received from when its buffer is empty; heartbeats and deadlines spread over ' +
      'the turns; new connections 16 a turn, 1,000 a second',
    small: context.small,
  };
}

async function measureAll(context: BenchContext, exchange: ExchangeSide, network: Network): Promise<Row[]> {
  const clients = new Clients(exchange, network, (await exchange.state()).port);
  const { good, flood, slow, returning } = clients;
  const receive: Agent = { name: 'network', poll: () => network.poll() };
  const runner = new AgentRunner({
    clock: new MonotonicClock(), agents: [receive, good, flood, slow, returning], wait: 'spin', needsEventLoop: network.needsEventLoop,
  });
  const running = runner.run();
  const release = pinTo(1);
  try {
    await clients.beginGood();
    for (let i = 0; i < (context.small ? 1 : WARM_UP); i++) await good.run(sizeOf(context, REQUESTS, 200));
    const rows: Row[] = [];
    for (const company of companies(context.small ? 50 : IDLE)) {
      context.progress(`protection: a good client alone, and beside ${company.name}`);
      rows.push(await measure(context, exchange, clients, company));
    }
    return rows;
  } finally {
    release();
    runner.stop();
    await running;
  }
}

async function run(context: BenchContext): Promise<Row[]> {
  const exchange = await ExchangeSide.start({
    multicastPort: await freePorts(), throttled: FLOOD, messagesPerSecond: MESSAGES_PER_SECOND, killed: KILLED,
  });
  const { network } = chooseNetwork();
  try {
    return await measureAll(context, exchange, network);
  } finally {
    network.close();
    await exchange.stop();
  }
}

export const protection: Benchmark = {
  name: 'protection',
  about: 'a good client beside one that floods, one that does not read, idle ones, one locked out', byDefault: true, run,
};
