// What a process takes of the machine while nothing happens, and while a little does: user and system time of all its threads,
// as it says itself in its shared statistics (src/observe/process_stats.ts).
//
//   outcry exchange --wait backoff   nobody connected · with a journal · over shared memory · 100,000 orders a second
//   outcry trade                     connected to an exchange with empty books
//
// They are started as a user starts them: launcher's watch, log thread, operator's channel, statistics and all. Heartbeats and
// snapshots go out meanwhile. The machine's price of a wake-up decides: on a virtual machine that is quiet it may be a millisecond.
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { freePorts } from '../src/apps/free_ports.ts';
import { assert } from '../src/base/assert.ts';
import { chooseNetwork } from '../src/net/choose_network.ts';
import { CLOSED, type StreamConnection } from '../src/net/transport.ts';
import { exchangeCounter } from '../src/observe/system_stats.ts';
import { PROCESS_STAT } from '../src/observe/process_stats.ts';
import { StatsReader, statsPath } from '../src/observe/shared_stats.ts';
import { NODE_FLAGS } from '../src/os/settled_heap.ts';
import { ClientRequest, ClientResponse, RequestType } from '../src/wire/generated/native.ts';
import type { BenchContext, Benchmark } from './context.ts';
import type { Row } from './harness/row.ts';
import { formatCount } from './harness/table.ts';

const OUTCRY = fileURLToPath(new URL('../src/apps/outcry.ts', import.meta.url));
/** Always the same: what a benchmark that was killed has left behind, the next one empties. */
const SHARED_MEMORY = 'shm:/outcry-bench-idle';
const MEASURED_MS = 12_000;
const MEASURED_SMALL_MS = 1_200;
/** Until V8 has nothing left to compile and to collect. */
const SETTLE_MS = 10_000;
const START_MS = 60_000;
/** Of what it says, for its banner and for an error. */
const SAID_MAX = 8_192;
const ORDERS_PER_SECOND = 100_000;
/** Each of them: an order and its cancel, so the books stay small. */
const SESSIONS = 4;
const IDLE_TRIED =
  'sleeps until news or the next deadline; heartbeat and snapshot in step, statistics and other chores with the loop’s own wake-up, log and journal threads woken by who has work for them; what is left is one wake-up a second, and one of each thread, at the machine’s price';

/** A verb of `outcry` in a process of its own. */
class Verb {
  readonly #child: ChildProcess;
  readonly #stats: StatsReader;
  readonly port: number;

  private constructor(child: ChildProcess, stats: StatsReader, port: number) {
    this.#child = child;
    this.#stats = stats;
    this.port = port;
  }

  static async start(verb: string, flags: readonly string[], ready: RegExp): Promise<Verb> {
    const child = spawn(process.execPath, [...NODE_FLAGS, OUTCRY, verb, ...flags], {
      stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, OUTCRY_LAUNCHER: String(process.pid) },
    });
    let said = '';
    const port = await new Promise<number>((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`outcry ${verb}: expected ${String(ready)} within ${START_MS} ms, was ${said}`)), START_MS);
      child.once('exit', () => reject(new Error(`outcry ${verb} ended: ${said}`)));
      const hear = (text: Buffer): void => {
        said = (said + text.toString()).slice(-SAID_MAX);
        const match = ready.exec(said);
        if (match === null) return;
        clearTimeout(timer);
        resolve(Number(match[1] ?? 0));
      };
      child.stdout?.on('data', hear);
      child.stderr?.on('data', hear);
    });
    return new Verb(child, StatsReader.open(statsPath(verb, child.pid)), port);
  }

  counted(name: string): number {
    return this.#stats.value(exchangeCounter(name));
  }

  /** Percent of a core between the beats that begin and end some time. */
  async cost(ms: number): Promise<{ percent: number; seconds: number; turns: number }> {
    const stats = this.#stats;
    const start = await this.#beat();
    const [cpuNs, turns] = [stats.value(PROCESS_STAT.cpuNs), stats.value(PROCESS_STAT.turns)];
    await sleep(ms);
    const seconds = ((await this.#beat()) - start) / 1e3;
    const percent = (stats.value(PROCESS_STAT.cpuNs) - cpuNs) / 1e7 / seconds;
    return { percent, seconds, turns: Math.round((stats.value(PROCESS_STAT.turns) - turns) / seconds) };
  }

  /** When it has just looked. */
  async #beat(): Promise<number> {
    const before = this.#stats.beatMs;
    while (this.#stats.beatMs === before) await sleep(1);
    return this.#stats.beatMs;
  }

  async stop(): Promise<void> {
    this.#stats.close();
    const ended = once(this.#child, 'exit');
    this.#child.kill('SIGTERM');
    await ended;
  }
}

/** The banner comes in one piece; `clock` is its last row. */
const EXCHANGE_READY = /tcp 127\.0\.0\.1:(\d+)[^]*clock/;

async function exchange(flags: readonly string[]): Promise<Verb> {
  const port = await freePorts();
  return Verb.start('exchange', ['--port', '0', '--multicast-port', String(port), ...flags], EXCHANGE_READY);
}

const COMMON = { unit: '% CPU', boundary: 'process', threads: '1', durability: 'none' } as const;

async function idle(context: BenchContext, what: string, verb: Verb, row: Partial<Row>): Promise<Row> {
  context.progress(`idle: ${what}`);
  try {
    if (!context.small) await sleep(SETTLE_MS);
    const { percent, seconds, turns } = await verb.cost(context.small ? MEASURED_SMALL_MS : MEASURED_MS);
    return {
      ...COMMON, name: `idle ${what}`, figure: percent, statistic: `CPU time of the process over ${seconds.toFixed(1)} s`,
      small: context.small, checks: [`${formatCount(turns)} turns of its loop a second`], ...row,
    };
  } finally {
    await verb.stop();
  }
}

/** New orders and their cancels, so many a second, over some sessions; the orders that were answered. */
class Load {
  readonly #connections: StreamConnection[];
  readonly #poll: () => void;
  readonly #out = new Uint8Array(2 * ClientRequest.bytes);
  readonly #view = new DataView(this.#out.buffer);
  readonly #in = new Uint8Array(1 << 16);
  sent = 0;
  #answerBytes = 0;

  constructor(connections: StreamConnection[], poll: () => void) {
    this.#connections = connections;
    this.#poll = poll;
  }

  /** Each order is accepted and canceled. */
  get answered(): number {
    return this.#answerBytes / (2 * ClientResponse.bytes);
  }

  async run(ms: number): Promise<void> {
    const startMs = performance.now();
    const before = this.sent;
    for (let now = startMs; now < startMs + ms; now = performance.now()) {
      const due = before + Math.floor(((now - startMs) * ORDERS_PER_SECOND) / 1e3);
      while (this.sent < due && this.#send());
      this.#receive();
      await new Promise((resolve) => void setImmediate(resolve));
    }
  }

  async settle(): Promise<void> {
    const untilMs = performance.now() + START_MS;
    while (this.answered < this.sent && performance.now() < untilMs) {
      this.#receive();
      await sleep(1);
    }
  }

  #send(): boolean {
    const id = this.sent + 1;
    const session = id % SESSIONS;
    const client = session + 1;
    ClientRequest.encode(this.#view, 0, RequestType.New, client, 1, id, 0, 1, 10_000 + (id & 15), 0, 10);
    ClientRequest.encode(this.#view, ClientRequest.bytes, RequestType.Cancel, client, 1, id, 0, 1, 10_000 + (id & 15), 0, 10);
    const taken = this.#connections[session].send(this.#out, 0, this.#out.length);
    if (taken === 0) return false;
    assert(taken === this.#out.length, 'two requests find room or do not');
    this.sent += 1;
    return true;
  }

  #receive(): void {
    this.#poll();
    for (const connection of this.#connections) {
      const count = connection.receive(this.#in, 0, this.#in.length);
      assert(count !== CLOSED, 'the exchange stays connected');
      this.#answerBytes += count;
    }
  }
}

async function loaded(context: BenchContext): Promise<Row> {
  context.progress(`exchange at ${formatCount(ORDERS_PER_SECOND)} orders/s`);
  const verb = await exchange([]);
  const { network } = chooseNetwork();
  try {
    const connections = await Promise.all(Array.from({ length: SESSIONS }, () => network.connect({ host: '127.0.0.1', port: verb.port })));
    const load = new Load(connections, () => network.poll());
    await load.run(context.small ? MEASURED_SMALL_MS / 4 : SETTLE_MS);
    const ms = context.small ? MEASURED_SMALL_MS : MEASURED_MS;
    const before = load.sent;
    const [{ percent, seconds }] = await Promise.all([verb.cost(ms), load.run(ms)]);
    const rate = (load.sent - before) / (ms / 1e3);
    await load.settle();
    assert(load.answered === load.sent, 'each order was accepted and canceled');
    return {
      ...COMMON, name: 'exchange at 100 k orders/s', figure: percent, small: context.small,
      statistic: `CPU time of the process over ${seconds.toFixed(1)} s`, boundary: 'process → process, TCP', threads: '2 (exchange, client)',
      checks: [
        `${formatCount(Math.round(rate))} orders/s, each with its cancel, both answered; ${SESSIONS} sessions`,
        'back-off: it looks on for 2 ms behind each request, so a steady load takes what it takes and the looking the rest of the core',
      ],
    };
  } finally {
    network.close();
    await verb.stop();
  }
}

async function run(context: BenchContext): Promise<Row[]> {
  const { network } = chooseNetwork();
  const { kind } = network;
  network.close();
  const folder = mkdtempSync(join(tmpdir(), 'outcry-idle-'));
  const goal = { goal: { relation: 'below', value: 1 }, quoted: '< 50 %', tried: IDLE_TRIED } as const;
  try {
    const rows = [await idle(context, `exchange, back-off, ${kind}`, await exchange([]), goal)];
    const journal = ['--journal', join(folder, 'journal')];
    rows.push(await idle(context, 'exchange, back-off, journal', await exchange(journal), { ...goal, durability: 'durable', threads: '3 (exchange, journal, its spare)' }));
    if (kind === 'epoll') {
      rows.push(await idle(context, 'exchange, back-off, shared memory', await exchange(['--network', SHARED_MEMORY]), goal));
    }
    rows.push(await idleTrader(context), await loaded(context));
    return rows;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function idleTrader(context: BenchContext): Promise<Row> {
  const multicast = String(await freePorts());
  const venue = await Verb.start('exchange', ['--port', '0', '--multicast-port', multicast], EXCHANGE_READY);
  try {
    const flags = ['--port', String(venue.port), '--multicast-port', multicast];
    return await idle(context, 'trader, back-off', await Verb.start('trade', flags, /quotes/), {
      checks: ['a market maker without a market: no quote waits for its timer; the feed’s heartbeat and snapshot come together, the session’s heartbeats beside'],
    });
  } finally {
    await venue.stop();
  }
}

export const idleBenchmark: Benchmark = {
  name: 'idle', about: 'CPU of an exchange and a trader that wait, and of an exchange at 100,000 orders/s', byDefault: true, run,
};
