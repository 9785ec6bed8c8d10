// What a good client notices of bad ones: its time from order to acknowledgement alone, and beside a client
// that floods (and is throttled), one that does not read its answers, 1,000 idle connections, all of them
// together, one that orders what is halted, and such as are locked out or shown out and connect again and again.
//
//   core 1: this process                                           core 0: one of the two runs, the other stands still
//     good client, open loop ─┬─────────────────────── TCP ──────► exchange that nobody else knows
//                             └─────────────────────── TCP ─────┐
//     flood, slow reader, idle, … (bad_clients.ts) ──── TCP ─────┴► exchange with the bad ones
//
// Alone and beside are two exchanges, each with a connection of the good client; one is frozen (SIGSTOP) while the other is
// measured, and while its exchange is frozen a bad client does nothing. So the two are measured by turns every tenth of a second,
// with nothing to set up in between, and what else the machine does falls on both alike. After half of the pairs the exchanges
// change their parts: no two processes are laid out and compiled alike, and what that makes falls on both parts too.
//
// The good client sends as planned, whatever happens; each request is timed from the moment at which it was planned. A p99 of a
// second on a machine that takes 1 % of the time for itself (a tick of 4 to 30 µs 250 times a second on each core, other guests of
// its host) is that machine's. So segments are short, and a pair is one of each; the median of the pairs' ratios is
// what counts. How much time the client's own thread was not given is said with the figure.
import { setTimeout as sleep } from 'node:timers/promises';
import { AgentRunner, type Agent } from '../src/base/agent.ts';
import { freePorts } from '../src/apps/free_ports.ts';
import { assert } from '../src/base/assert.ts';
import { MonotonicClock } from '../src/base/clock.ts';
import { Histogram } from '../src/base/histogram.ts';
import { Reason } from '../src/book/types.ts';
import { chooseNetwork } from '../src/net/choose_network.ts';
import type { Network, StreamConnection } from '../src/net/transport.ts';
import { BadClients, Batches, Flood, Returning } from './bad_clients.ts';
import { sizeOf, type BenchContext, type Benchmark } from './context.ts';
import type { ExchangeProcessState } from './exchange_process.ts';
import { ExchangeSide } from './exchange_side.ts';
import { GAP_NS, GoodClient, INTERVAL_NS } from './good_client.ts';
import { CoreWait } from './harness/core_wait.ts';
import { pairedRatio, spreadOf } from './harness/statistics.ts';
import type { Row } from './harness/row.ts';
import { formatCount } from './harness/table.ts';
import { pinTo } from './pin.ts';

const HOST = '127.0.0.1';
const FLOOD = 2;
const KILLED = 3;
const SLOW = 4;
const HALTED = 5;
const TOO_FAST = 6;
const TICKER = 1;
const TICKER_HALTED = 2;
const MESSAGES_PER_SECOND = 1_000;
/** At once, of the one that is shown out: the first is in time at most, and another too fast at most. */
const TOO_FAST_ORDERS = 4;
/** Of a segment: 50 ms. Its p99 is that of the 5 worst. */
const REQUESTS = 500;
/** Unmeasured, before each segment: the caches are the other exchange's. */
const SETTLE_REQUESTS = 100;
/** A segment in which a thread waited longer for its core, which it should have alone, is measured again. */
const WAIT_MAX_NS = 1_000_000;
/** But only so many more than were measured at the first go: a machine that others use takes twice the time, not for ever. */
const AGAIN_MORE = 10;
/** For each pair that is asked for: they are short. */
const SEGMENTS_PER_PAIR = 10;
/** Of each exchange before all, until everything is compiled. */
const WARM_UP_REQUESTS = 40_000;
/** Of the exchange with the bad ones, when they have come: what they need is compiled then too. */
const BEGIN_REQUESTS = 5_000;
const IDLE = 1_000;
/** Connections that are being made at once, and how many an exchange takes a second here, for they come before every measurement. */
const CONNECTS = 50;
const CONNECTIONS_PER_SECOND = 20_000;
/** Between two connections of one that comes again and again: connecting costs this thread some 100 µs. */
const RETURN_NS = 10_000_000;
/** Unread at the exchange when the slow reader counts as one. */
const UNREAD_BYTES = 512 * 1024;
/** More of its requests while it settles, 50 ms, are not of its later pace. */
const HURRY_REQUESTS = 1_000;
const SETTLE_MS = 50;
const PHASE_MS = 30_000;
const PERCENT = 99;
const GOAL = { relation: 'at most', value: 1.2, ofRatio: true } as const;

async function until(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
  const endMs = performance.now() + PHASE_MS;
  while (!(await holds())) {
    if (performance.now() > endMs) throw new Error(`protection benchmark: ${what} did not happen within ${PHASE_MS} ms`);
    await sleep(2);
  }
}

/** An exchange, and the good client's connection to it. */
interface Place {
  readonly exchange: ExchangeSide;
  /** Of its thread and the client's. */
  readonly wait: CoreWait;
  readonly good: StreamConnection;
}

/** Two exchanges of which one runs, the good client of both, the bad ones of one. */
class Stage {
  readonly good = new GoodClient();
  readonly bad: BadClients;
  readonly #network: Network;
  readonly #badNetwork: Network;
  readonly #places: Place[] = [];
  /** Which place has the bad ones. */
  #beside = 0;
  #running: Place | null = null;

  constructor(network: Network, badNetwork: Network) {
    this.#network = network;
    this.#badNetwork = badNetwork;
    this.bad = new BadClients(badNetwork, {
      flood: new Flood(FLOOD), slow: new Batches(SLOW, TICKER, false), halted: new Batches(HALTED, TICKER_HALTED, true),
      lockedOut: new Returning(KILLED, 1, Reason.Killed, RETURN_NS), tooFast: new Returning(TOO_FAST, TOO_FAST_ORDERS, Reason.Rate, RETURN_NS),
    });
    this.bad.lockedOut.connect = this.bad.tooFast.connect = () => this.#connect();
  }

  /** Starts another exchange; it runs alone from then on. */
  async open(): Promise<void> {
    this.#running?.exchange.freeze();
    const exchange = await ExchangeSide.start({
      multicastPort: await freePorts(), killed: KILLED, halted: TICKER_HALTED, connectionsPerSecond: CONNECTIONS_PER_SECOND,
      limited: [
        // The first is never logged out: its load must stay.
        { client: FLOOD, messagesPerSecond: MESSAGES_PER_SECOND, refusalsPerSecond: 0 },
        { client: TOO_FAST, messagesPerSecond: 1, refusalsPerSecond: 1 },
      ],
    });
    const good = await this.#network.connect({ host: HOST, port: exchange.port });
    this.good.connection = good;
    this.#running = { exchange, good, wait: new CoreWait([exchange.pid, process.pid]) };
    this.#places.push(this.#running);
  }

  async close(): Promise<void> {
    for (const { exchange } of this.#places) await exchange.stop();
  }

  /** The exchanges change their parts, while there are no bad ones. */
  swap(): void {
    this.#beside = 1 - this.#beside;
  }

  state(): Promise<ExchangeProcessState> {
    return this.#places[this.#beside].exchange.state();
  }

  /** So many requests of the good client, beside the bad ones or where they are not. */
  async run(which: 'alone' | 'beside', requests: number): Promise<{ readonly waitNs: number }> {
    const place = this.#places[which === 'beside' ? this.#beside : 1 - this.#beside];
    if (place !== this.#running) {
      this.bad.on = false;
      this.#running?.exchange.freeze();
      place.exchange.thaw();
      this.#running = place;
      this.good.connection = place.good;
    }
    this.bad.on = which === 'beside';
    place.wait.begin();
    await this.good.run(requests);
    return { waitNs: place.wait.ns };
  }

  #connect(): Promise<StreamConnection> {
    return this.#badNetwork.connect({ host: HOST, port: this.#places[this.#beside].exchange.port });
  }

  async beginFlood(): Promise<void> {
    const refused = async (): Promise<number> => (await this.state()).counters['rejected_for_rate'];
    const before = await refused();
    const { flood } = this.bad;
    const fullBefore = flood.full;
    flood.begin(await this.#connect());
    await until('the refusal of the flood', async () => flood.full > fullBefore && (await refused()) > before);
  }

  async beginSlow(): Promise<void> {
    const { slow } = this.bad;
    slow.begin(await this.#connect());
    const { logBytes } = await this.state();
    const unread = async (): Promise<number> => (await this.state()).logBytes - logBytes;
    await until('the slowness of the reader', async () => slow.connection === null || (await unread()) >= UNREAD_BYTES);
    slow.hurries = false;
    // What it has sent in its hurry is in the kernel and comes in as fast as the exchange takes it: that would be a flood.
    const requests = async (): Promise<number> => (await this.state()).counters['requests'];
    await until('the end of its hurry', async () => {
      const before = await requests();
      await sleep(SETTLE_MS);
      return (await requests()) - before < HURRY_REQUESTS;
    });
  }

  async beginIdle(count: number): Promise<void> {
    const { idle } = this.bad;
    while (idle.length < count) {
      const more = Math.min(CONNECTS, count - idle.length);
      idle.push(...(await Promise.all(Array.from({ length: more }, () => this.#connect()))));
    }
    await until('the idle connections', async () => (await this.state()).sessions > count);
  }

  async beginHalted(): Promise<void> {
    const refused = async (): Promise<number> => (await this.state()).counters['rejected_for_state'];
    const before = await refused();
    this.bad.halted.begin(await this.#connect());
    await until('the refusal of orders for what is halted', async () => (await refused()) > before);
  }

  async beginReturning(returning: Returning): Promise<void> {
    const before = returning.refusals;
    returning.on = true;
    await until('the refusal of who comes again', () => returning.refusals > before);
  }

  async endBad(): Promise<void> {
    this.bad.end();
    await until('the end of the bad sessions', async () => this.bad.gone && (await this.state()).sessions === 1);
  }
}

type Counted = Readonly<Record<string, number>>;

interface Company {
  readonly name: string;
  readonly begin: (stage: Stage) => Promise<void>;
  /** What was done to whom in the measured time: false shows that there was no such company. */
  readonly check: (stage: Stage, counted: Counted, seconds: number) => [holds: boolean, said: string];
}

function perSecond(count: number, seconds: number): string {
  return `${formatCount(Math.round(count / seconds))} a second`;
}

function companies(idle: number): Company[] {
  const floodCheck: Company['check'] = ({ bad: { flood } }, counted, seconds) => [
    flood.answers > 0 && counted['rejected_for_rate'] > 0,
    `flood: buffers full at ${formatCount(flood.full)} of ${formatCount(flood.tries)} sends; ` +
      `requests refused for its rate: ${perSecond(counted['rejected_for_rate'], seconds)}`,
  ];
  const slowCheck: Company['check'] = (_stage, counted, seconds) => [
    counted['responses'] > 0,
    `slow reader: ${UNREAD_BYTES / 1024} KiB and more of its answers wait unread, closed for it ${counted['closed_slow_reader']} times; ` +
      `requests of all: ${perSecond(counted['requests'], seconds)}`,
  ];
  const idleText = `${formatCount(idle)} idle connections`;
  return [
    {
      name: `a flood, a slow reader and ${idleText}`,
      begin: async (stage) => {
        await stage.beginIdle(idle);
        await stage.beginSlow();
        await stage.beginFlood();
      },
      check: (...about) => {
        const [[flooded, flood], [slowed, slow]] = [floodCheck(...about), slowCheck(...about)];
        return [flooded && slowed, `${flood}; ${slow}`];
      },
    },
    { name: 'a flood', begin: (stage) => stage.beginFlood(), check: floodCheck },
    { name: 'a slow reader', begin: (stage) => stage.beginSlow(), check: slowCheck },
    { name: idleText, begin: (stage) => stage.beginIdle(idle), check: () => [true, idleText] },
    {
      name: 'one who orders what is halted', begin: (stage) => stage.beginHalted(),
      check: (_stage, counted, seconds) => [counted['rejected_for_state'] > 0, `orders refused for it: ${perSecond(counted['rejected_for_state'], seconds)}`],
    },
    {
      name: 'one locked out, who comes again and again', begin: (stage) => stage.beginReturning(stage.bad.lockedOut),
      check: (_stage, counted, seconds) => [
        counted['rejected_for_killed'] > 0, `back and refused: ${perSecond(counted['rejected_for_killed'], seconds)}`,
      ],
    },
    {
      name: 'one shown out for its rate, who comes again and again', begin: (stage) => stage.beginReturning(stage.bad.tooFast),
      check: (_stage, counted, seconds) => [
        counted['closed_rate'] > 0,
        `back: ${perSecond(counted['logins'], seconds)}; shown out: ${perSecond(counted['closed_rate'], seconds)}`,
      ],
    },
  ];
}

/** What was measured of one part. */
class Part {
  readonly all = new Histogram();
  readonly segments: number[] = [];
  gapNs = 0;
  elapsedNs = 0;
  /** Segments that were measured again, and such that count though a thread waited. */
  again = 0;
  disturbed = 0;

  take(good: GoodClient): void {
    this.segments.push(good.latency.percentile(PERCENT));
    this.all.merge(good.latency);
    this.gapNs += good.gapNs;
    this.elapsedNs += good.elapsedNs;
  }

  get percents(): string {
    return [50, 90, 99, 99.9].map((percent) => (this.all.percentile(percent) / 1e3).toFixed(1)).join(', ');
  }

  get lost(): string {
    return `${((this.gapNs / this.elapsedNs) * 100).toFixed(1)} %`;
  }
}

/** A segment that was not disturbed, if there is such. Returns the nanoseconds that it took. */
async function measureSegment(context: BenchContext, stage: Stage, which: 'alone' | 'beside', part: Part): Promise<number> {
  const { good } = stage;
  let elapsedNs = 0;
  for (;;) {
    await stage.run(which, sizeOf(context, SETTLE_REQUESTS, 50));
    elapsedNs += good.elapsedNs;
    const { waitNs } = await stage.run(which, sizeOf(context, REQUESTS, 200));
    elapsedNs += good.elapsedNs;
    const disturbed = waitNs > WAIT_MAX_NS;
    if (disturbed && !context.small && part.again < part.segments.length + AGAIN_MORE) {
      part.again++;
      continue;
    }
    if (disturbed) part.disturbed++;
    part.take(good);
    return elapsedNs;
  }
}

/** Pairs with one of the exchanges in the part of the one with the bad ones; what that one has counted meanwhile. */
async function measureHalf(
  context: BenchContext, stage: Stage, company: Company, parts: Readonly<Record<'alone' | 'beside', Part>>, pairs: number,
): Promise<{ counted: Counted; seconds: number }> {
  const settle = sizeOf(context, SETTLE_REQUESTS, 50);
  await stage.run('beside', settle);
  await company.begin(stage);
  await stage.run('beside', sizeOf(context, BEGIN_REQUESTS, 50));
  const before = (await stage.state()).counters;
  let besideNs = 0;
  for (let i = 0; i < pairs; i++) {
    // Alone first in every other pair.
    for (const which of i % 2 === 0 ? (['beside', 'alone'] as const) : (['alone', 'beside'] as const)) {
      const ns = await measureSegment(context, stage, which, parts[which]);
      if (which === 'beside') besideNs += ns;
    }
  }
  await stage.run('beside', settle);
  const { counters } = await stage.state();
  await stage.endBad();
  const counted = Object.fromEntries(Object.entries(counters).map(([name, value]) => [name, value - before[name]]));
  return { counted, seconds: besideNs / 1e9 };
}

async function measure(context: BenchContext, stage: Stage, company: Company): Promise<Row> {
  const pairs = context.small ? 1 : Math.ceil((context.pairs * SEGMENTS_PER_PAIR) / 2);
  const parts = { alone: new Part(), beside: new Part() };
  let said = '';
  for (let half = 0; half < (context.small ? 1 : 2); half++) {
    const { counted, seconds } = await measureHalf(context, stage, company, parts, pairs);
    const [holds, text] = company.check(stage, counted, seconds);
    assert(holds, 'the bad ones were there, and were treated as such');
    said = text;
    stage.swap();
  }
  assert(stage.good.wrong === 0, 'every order of the good client was accepted, every cancel done');
  return rowOf(context, company, parts, said);
}

function rowOf(context: BenchContext, company: Company, { alone, beside }: Readonly<Record<'alone' | 'beside', Part>>, said: string): Row {
  const spread = spreadOf(beside.segments);
  const pairs = beside.segments.length;
  return {
    name: `order → acknowledgement p99, beside ${company.name}`, figure: spread.median, unit: 'ns/op',
    statistic: `p99 of ${formatCount(sizeOf(context, REQUESTS, 200))} requests, median of ${pairs} segments`,
    boundary: 'process → process, TCP', threads: '2 (exchange, clients)', durability: 'none', spread,
    ratio: {
      ...pairedRatio(beside.segments, alone.segments), against: 'the same client alone', pairs,
      otherMedian: spreadOf(alone.segments).median,
    },
    goal: GOAL,
    checks: [
      `open loop, ${1e9 / INTERVAL_NS} requests/s; over all segments p50, p90, p99, p99.9 in µs: ${beside.percents}; alone ${alone.percents}`,
      said,
      `${beside.again} segments beside and ${alone.again} alone measured again, for a thread waited over ${WAIT_MAX_NS / 1e3} µs for its core; ` +
        `${beside.disturbed} and ${alone.disturbed} count though it did`,
      `of its time the clients' thread was kept from turning, ${GAP_NS / 1e3} µs and more at once: ${beside.lost}; alone ${alone.lost}`,
    ],
    tried:
      'a session beyond its rate is read 16 frames every four milliseconds (each millisecond before), and received from when its buffer is empty; heartbeats and deadlines spread over ' +
      'the turns; new connections 16 a turn, 1,000 a second',
    small: context.small,
  };
}

/** Those companies whose names match. */
export async function measureCompanies(context: BenchContext, wanted: RegExp): Promise<Row[]> {
  const { network } = chooseNetwork();
  const { network: badNetwork } = chooseNetwork();
  const stage = new Stage(network, badNetwork);
  const receive: Agent = { name: 'network', poll: () => network.poll() };
  const runner = new AgentRunner({
    clock: new MonotonicClock(), agents: [receive, stage.good, stage.bad], wait: 'spin', needsEventLoop: network.needsEventLoop,
  });
  const running = runner.run();
  let release = (): void => {};
  try {
    for (const which of ['beside', 'alone'] as const) {
      await stage.open();
      await stage.run(which, sizeOf(context, WARM_UP_REQUESTS, 200));
    }
    release = pinTo(1);
    const rows: Row[] = [];
    for (const company of companies(context.small ? 50 : IDLE)) {
      if (!wanted.test(company.name)) continue;
      context.progress(`protection: a good client alone, and beside ${company.name}`);
      rows.push(await measure(context, stage, company));
    }
    return rows;
  } finally {
    release();
    runner.stop();
    await running;
    badNetwork.close();
    network.close();
    await stage.close();
  }
}

export const protection: Benchmark = {
  name: 'protection',
  about: 'a good client beside one that floods, one that does not read, idle ones, one locked out, one shown out, one who orders what is halted', byDefault: true,
  run: (context) => measureCompanies(context, /./),
};
