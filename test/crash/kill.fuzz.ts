// Real processes, real kills: `outcry exchange --journal` under load over TCP, killed (kill -9) at a
// random moment, started again on the same directory; its clients resume and go on. Run by kill.test.ts;
// by hand:
//   node bin/node26.mjs test/crash/kill.fuzz.ts [kills] [seed]
//
//   lost     a message that a client has heard and the journal does not know, or says differently
//   doubled  a client order id that was accepted as two orders
// At the end every client reads its stream again from message 1: the same bytes. Then the journal is
// executed once more, from its snapshot and from its first record: the same hashes.
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Prng } from '../../src/base/prng.ts';
import { cancel, logIn, request, response, soup } from '../exchange/exchange_rig.ts';

const OUTCRY = fileURLToPath(new URL('../../src/apps/outcry.ts', import.meta.url));
const CLIENTS = 3;
/** Orders of a client without an answer. */
const UNDER_WAY = 64;
const LIFE_MS_MAX = 120;
/** An exchange that says nothing for so long, or answers nothing, is none. */
const PATIENCE_MS = 30_000;

export interface KillFigures {
  kills: number;
  answered: number;
  sentAgain: number;
  heard: number;
  killedEarly: number;
  records: number;
  hashes: string;
  startMsMax: number;
}

interface Result {
  readonly stateHash: string;
  readonly publicHash: string;
  readonly journal: { readonly mode: string; readonly sequence: number; readonly eventHash: string };
}

// ── the exchange ─────────────────────────────────────────────────────────────────────────────────

class Victim {
  readonly child: ChildProcess;
  #stdout = '';
  #stderr = '';
  #hear: () => void = () => {};

  constructor(directory: string, multicastPort: number, more: readonly string[] = []) {
    const flags = [
      'exchange', '--port', '0', '--multicast-port', String(multicastPort), '--tickers', '1,2',
      '--journal', directory, '--journal-segment-bytes', '1MiB', '--journal-queue-bytes', '2MiB',
      '--journal-hash-interval', '64', '--orders-max', '20000', '--no-cancel-on-disconnect',
      '--log-level', 'warn', '--snapshot-interval', '0', ...more,
    ];
    this.child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', OUTCRY, ...flags], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, NO_COLOR: '1' },
    });
    this.child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      this.#stdout += text;
      this.#hear();
    });
    this.child.stderr?.setEncoding('utf8').on('data', (text: string) => (this.#stderr += text));
    this.child.once('exit', () => this.#hear());
  }

  /** Its order entry port, when it says it. */
  async port(): Promise<number> {
    const deadline = setTimeout(() => this.child.kill('SIGKILL'), PATIENCE_MS);
    for (;;) {
      const port = /orders +tcp 127\.0\.0\.1:(\d+)[\s\S]*transport/.exec(this.#stdout)?.[1];
      if (port !== undefined) {
        clearTimeout(deadline);
        return Number(port);
      }
      const { exitCode, signalCode } = this.child;
      assert.ok(exitCode === null && signalCode === null, `it ended at its start:\n${this.#stdout}${this.#stderr}`);
      await new Promise<void>((resolve) => (this.#hear = resolve));
    }
  }

  async kill(): Promise<void> {
    const ended = once(this.child, 'close');
    this.child.kill('SIGKILL');
    await ended;
  }

  /** Ended in good order: what it reports. */
  async end(signal: NodeJS.Signals | null): Promise<Result> {
    const ended = once(this.child, 'close');
    if (signal !== null) this.child.kill(signal);
    const [code] = (await ended) as [number | null];
    assert.equal(code, 0, `expected a good end:\n${this.#stdout}${this.#stderr}`);
    return JSON.parse(this.#stdout.trimEnd().split('\n').at(-1) ?? '') as Result;
  }
}

// ── its clients ──────────────────────────────────────────────────────────────────────────────────

class Client {
  readonly id: number;
  /** Messages 1, 2, …, as they came. */
  readonly heard: string[] = [];
  readonly unanswered = new Map<number, Uint8Array>();
  readonly accepted = new Map<bigint, bigint>();
  session = '';
  answered = 0;
  sentAgain = 0;
  fault: Error | null = null;
  /** Trades on its own while true. */
  trading = false;
  readonly #prng: Prng;
  #socket: Socket | null = null;
  #bytes = Buffer.alloc(0);
  #sequence = 0;
  #lastId = 0;
  #onLogin: () => void = () => {};

  constructor(id: number, prng: Prng) {
    this.id = id;
    this.#prng = prng;
  }

  /** Logged in at `next`. */
  async connect(port: number, next: number): Promise<void> {
    const socket = connect(port, '127.0.0.1');
    socket.setNoDelay(true);
    socket.on('error', () => {}); // it is killed: that is the point
    this.#socket = socket;
    this.#bytes = Buffer.alloc(0);
    const accepted = new Promise<void>((resolve) => (this.#onLogin = resolve));
    socket.on('data', (bytes: Buffer) => this.#take(bytes));
    socket.write(logIn(String(this.id), '', next, this.session));
    await patient(accepted, `the log-in of client ${this.id} at ${next}`);
    if (this.fault !== null) throw this.fault;
  }

  leave(): void {
    this.trading = false;
    this.#socket?.destroy();
    this.#socket = null;
  }

  /** Everything without an answer, then new orders as answers come. */
  trade(): void {
    this.trading = true;
    for (const message of this.unanswered.values()) this.#say(message);
    this.sentAgain += this.unanswered.size;
    this.#sendMore();
  }

  get done(): boolean {
    return this.unanswered.size === 0;
  }

  #say(message: Uint8Array): void {
    this.#socket?.write(soup('U', message));
  }

  #sendMore(): void {
    const prng = this.#prng;
    while (this.trading && this.unanswered.size < UNDER_WAY) {
      const id = ++this.#lastId;
      const side = prng.chance(0.5) ? 1 : -1;
      const price = 10_000 + prng.between(-20, 20);
      const order = { client: this.id, id, side, price, qty: prng.between(1, 9), ticker: prng.between(1, 2) };
      const message = request(1, order);
      this.unanswered.set(id, message);
      this.#say(message);
      if (prng.chance(0.7)) this.#say(cancel(this.id, prng.between(Math.max(1, id - 200), id), order.ticker));
    }
  }

  #take(bytes: Buffer): void {
    this.#bytes = Buffer.concat([this.#bytes, bytes]);
    try {
      for (;;) {
        if (this.#bytes.length < 3) break;
        const length = this.#bytes.readUInt16BE(0) + 2;
        if (this.#bytes.length < length) break;
        this.#packet(this.#bytes.subarray(0, length));
        this.#bytes = this.#bytes.subarray(length);
      }
      this.#sendMore();
    } catch (error) {
      this.fault ??= error as Error;
      this.leave();
      this.#onLogin();
    }
  }

  #packet(packet: Buffer): void {
    const type = packet.toString('ascii', 2, 3);
    if (type === 'H') return;
    if (type === 'A') {
      const session = packet.toString('ascii', 3, 13).trim();
      assert.ok(this.session === '' || this.session === session, 'the session has kept its name');
      this.session = session;
      this.#sequence = Number(packet.toString('ascii', 13, 33));
      return this.#onLogin();
    }
    assert.equal(type, 'S', `client ${this.id}: expected a message, was ${type}: something was lost`);
    const text = packet.toString('hex', 3);
    const before = this.heard[this.#sequence - 1];
    if (before === undefined) {
      assert.equal(this.#sequence, this.heard.length + 1, 'no message is missing');
      this.heard.push(text);
      this.#learn(packet);
    } else assert.equal(text, before, `message ${this.#sequence} of client ${this.id}: the same bytes`);
    this.#sequence += 1;
  }

  #learn(packet: Buffer): void {
    const told = response(packet, 3);
    if (told.type !== 1 && told.type !== 5) return;
    if (this.unanswered.delete(Number(told.id))) this.answered++;
    if (told.type !== 1) return;
    const before = this.accepted.get(told.id);
    assert.ok(before === undefined || before === told.market, `order ${told.id} is doubled`);
    this.accepted.set(told.id, told.market);
  }

  /** It has heard `messages` messages, of this connection or another. */
  get position(): number {
    return this.#sequence;
  }
}

function patient(promise: Promise<void>, what: string): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`never came: ${what}`)), PATIENCE_MS);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

async function until(condition: () => boolean, clients: readonly Client[], what: string): Promise<void> {
  const end = Date.now() + PATIENCE_MS;
  while (!condition()) {
    for (const { fault } of clients) if (fault !== null) throw fault;
    assert.ok(Date.now() < end, `never came: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

// ── the run ──────────────────────────────────────────────────────────────────────────────────────

/** `kills` lives on one journal, and the end. */
export async function killAndResume(kills: number, seed: number): Promise<KillFigures> {
  const directory = mkdtempSync(join(tmpdir(), 'outcry-kill-'));
  const prng = new Prng(seed);
  const multicastPort = 33_000 + ((process.pid * 13) % 2_000) * 3;
  const clients = Array.from({ length: CLIENTS }, (_, i) => new Client(i + 1, prng.fork()));
  const figures: KillFigures = {
    kills: 0, answered: 0, sentAgain: 0, heard: 0, killedEarly: 0, records: 0, hashes: '', startMsMax: 0,
  };
  let victim: Victim | null = null;
  try {
    for (; figures.kills < kills; figures.kills++) {
      const more = prng.chance(0.3) ? ['--journal-snapshot-interval', '500'] : [];
      victim = new Victim(directory, multicastPort, more);
      await oneLife(victim, clients, prng, figures);
      await victim.kill();
      for (const client of clients) client.leave();
      for (const { fault } of clients) if (fault !== null) throw fault;
    }
    victim = new Victim(directory, multicastPort, ['--json']);
    await lastLife(victim, clients);
    const ended = await victim.end('SIGTERM');
    await compareHashes(directory, multicastPort, ended, figures);
  } finally {
    victim?.child.kill('SIGKILL');
    for (const client of clients) client.leave();
    rmSync(directory, { recursive: true, force: true });
  }
  for (const { answered, sentAgain, heard } of clients) {
    figures.answered += answered;
    figures.sentAgain += sentAgain;
    figures.heard += heard.length;
  }
  return figures;
}

async function oneLife(
  victim: Victim, clients: readonly Client[], prng: Prng, figures: KillFigures,
): Promise<void> {
  if (prng.chance(0.05)) {
    // Amid its start: recovery, replay, the first segment.
    figures.killedEarly++;
    return pause(prng.between(50, 600));
  }
  const startMs = performance.now();
  const port = await victim.port();
  figures.startMsMax = Math.max(figures.startMsMax, Math.round(performance.now() - startMs));
  await Promise.all(clients.map((client) => client.connect(port, client.heard.length + 1)));
  for (const client of clients) client.trade();
  await pause(prng.between(1, LIFE_MS_MAX));
}

/** All answers come; then everything again from message 1. */
async function lastLife(victim: Victim, clients: readonly Client[]): Promise<void> {
  const port = await victim.port();
  await Promise.all(clients.map((client) => client.connect(port, client.heard.length + 1)));
  for (const client of clients) {
    client.trade();
    client.trading = false;
  }
  await until(() => clients.every(({ done }) => done), clients, 'answers to everything');
  for (const client of clients) client.leave();
  await pause(50);
  await Promise.all(clients.map((client) => client.connect(port, 1)));
  await until(
    () => clients.every(({ position, heard }) => position > heard.length), clients, 'the whole streams again',
  );
}

async function compareHashes(
  directory: string, multicastPort: number, ended: Result, figures: KillFigures,
): Promise<void> {
  figures.records = ended.journal.sequence;
  figures.hashes = ended.journal.eventHash;
  for (const how of ['from the snapshot', 'from the first record']) {
    if (how === 'from the first record') {
      for (const name of readdirSync(directory))
        if (name.endsWith('.snapshot')) rmSync(join(directory, name));
    }
    const again = await new Victim(directory, multicastPort, ['--json', '--duration', '1ms']).end(null);
    assert.equal(again.journal.eventHash, ended.journal.eventHash, `events ${how}`);
    assert.equal(again.stateHash, ended.stateHash, `state ${how}`);
    assert.equal(again.publicHash, ended.publicHash, `books ${how}`);
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

if (import.meta.main) {
  const kills = Number(process.argv[2] ?? 10);
  const seed = Number(process.argv[3] ?? 1);
  const startMs = performance.now();
  const figures = await killAndResume(kills, seed);
  const seconds = ((performance.now() - startMs) / 1000).toFixed(1);
  process.stdout.write(`${kills} kills in ${seconds} s, 0 lost, 0 doubled: ${JSON.stringify(figures)}\n`);
}
