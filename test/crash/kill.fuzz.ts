// Real processes, real kills: `outcry exchange --journal` under load over TCP, killed (kill -9) at a
// random moment, started again on the same directory; its clients resume and go on. Run by kill.test.ts;
// by hand:
//   node bin/node26.mjs test/crash/kill.fuzz.ts [kills] [seed] [lanes]
//
// A kill costs the start of a Node process and a life of some 60 ms. Half of a start was compiling the
// same files again (0.65 s, with a cache of compiled code 0.32 s), so a clean run fills a cache first: a
// killed process writes none. Lanes are journals of their own, killed beside each other.
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
import { freePorts } from '../../src/apps/free_ports.ts';
import { Prng } from '../../src/base/prng.ts';
import { cancel, logIn, request, response, soup } from '../exchange/exchange_rig.ts';

const OUTCRY = fileURLToPath(new URL('../../src/apps/outcry.ts', import.meta.url));
const CLIENTS = 3;
/** Orders of a client without an answer. */
const UNDER_WAY = 64;
const LIFE_MS_MAX = 120;
/**
 * Then everything is compared, and a new journal begun. An exchange keeps the last 262,144 messages of a
 * client, so a client that has heard more cannot read all of them again; and each start executes all
 * that the journal has.
 */
const KILLS_A_JOURNAL = 40;
/** An exchange that says nothing for so long, or answers nothing, is none: also on a machine with a load of thirty. */
const PATIENCE_MS = 300_000;

export interface KillFigures {
  kills: number;
  journals: number;
  /** Of them amid recovery, replay, the first segment. */
  killedEarly: number;
  /** Orders that were answered. */
  acknowledged: number;
  /** Orders sent again because a kill came before their answer. */
  sentAgain: number;
  /** Messages heard, each of which must be heard again in the end. */
  heard: number;
  lost: number;
  doubled: number;
  /** Hashes of events, state and books that were equal, from the snapshot and from the first record. */
  hashesEqual: number;
  hashesDiffer: number;
  records: number;
  startMsMax: number;
}

export function noKills(): KillFigures {
  return {
    kills: 0, journals: 0, killedEarly: 0, acknowledged: 0, sentAgain: 0, heard: 0, lost: 0, doubled: 0,
    hashesEqual: 0, hashesDiffer: 0, records: 0, startMsMax: 0,
  };
}

interface Result {
  readonly stateHash: string;
  readonly publicHash: string;
  readonly journal: { readonly mode: string; readonly sequence: number; readonly eventHash: string };
}

// ── the exchange ─────────────────────────────────────────────────────────────────────────────────

/** Where a run keeps its things. */
interface Places {
  readonly journal: string;
  /** Compiled code of the exchange: half of its start is compiling, the same each time. */
  readonly compileCache: string;
  readonly multicastPort: number;
}

class Victim {
  readonly child: ChildProcess;
  #stdout = '';
  #stderr = '';
  #hear: () => void = () => {};

  constructor({ journal, compileCache, multicastPort }: Places, more: readonly string[] = []) {
    const flags = [
      'exchange', '--port', '0', '--multicast-port', String(multicastPort), '--tickers', '1,2',
      '--journal', journal, '--journal-segment-bytes', '1MiB', '--journal-queue-bytes', '2MiB',
      '--journal-hash-interval', '64', '--orders-max', '20000', '--no-cancel-on-disconnect',
      '--log-level', 'warn', '--snapshot-interval', '0', ...more,
    ];
    this.child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', OUTCRY, ...flags], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, NO_COLOR: '1', NODE_COMPILE_CACHE: compileCache },
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
  /** Messages of the last reading that were those of the first. */
  heardAgain = 0;
  doubled = 0;
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
    } else {
      assert.equal(text, before, `message ${this.#sequence} of client ${this.id}: the same bytes`);
      this.heardAgain = Math.max(this.heardAgain, this.#sequence);
    }
    this.#sequence += 1;
  }

  #learn(packet: Buffer): void {
    const told = response(packet, 3);
    if (told.type !== 1 && told.type !== 5) return;
    if (this.unanswered.delete(Number(told.id))) this.answered++;
    if (told.type !== 1) return;
    const before = this.accepted.get(told.id);
    if (before !== undefined && before !== told.market) this.doubled++;
    assert.equal(this.doubled, 0, `order ${told.id} is two orders: ${before} and ${told.market}`);
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

/** `kills` lives on `lanes` journals, and their ends. `onKill` is told after each. */
export async function killAndResume(
  kills: number, seed: number, lanes = 1, onKill: (figures: KillFigures) => void = () => {},
): Promise<KillFigures> {
  const directory = mkdtempSync(join(tmpdir(), 'outcry-kill-'));
  const prng = new Prng(seed);
  const figures = noKills();
  const places = await Promise.all(Array.from({ length: lanes }, async (_, lane): Promise<Places> => ({
    journal: join(directory, `lane-${lane}`),
    compileCache: join(directory, 'compiled'),
    multicastPort: await freePorts(),
  })));
  try {
    const warm = { ...places[0], journal: join(directory, 'warm') };
    await new Victim(warm, ['--json', '--duration', '1ms']).end(null);
    // A lane that fails ends the others: their exchanges must not write where nothing is any more.
    const lives = places.map((place) => killLane(place, kills, prng.fork(), figures, onKill).catch((error: unknown) => {
      figures.kills = Infinity;
      throw error;
    }));
    const ends = await Promise.allSettled(lives);
    for (const end of ends) if (end.status === 'rejected') throw end.reason;
    assert.equal(figures.kills, kills);
  } finally {
    rmSync(directory, { recursive: true, force: true, maxRetries: 10 });
  }
  return figures;
}

/** One journal after the other, until all lanes together have had `kills`. */
async function killLane(
  places: Places, kills: number, prng: Prng, figures: KillFigures, onKill: (figures: KillFigures) => void,
): Promise<void> {
  for (let journal = 1; figures.kills < kills; journal++) {
    const next = { ...places, journal: `${places.journal}-${journal}` };
    await killJournal(next, kills, prng, figures, onKill);
    rmSync(next.journal, { recursive: true });
  }
}

/** Lives on one journal, and its end. */
async function killJournal(
  places: Places, kills: number, prng: Prng, figures: KillFigures, onKill: (figures: KillFigures) => void,
): Promise<void> {
  figures.journals++;
  const clients = Array.from({ length: CLIENTS }, (_, i) => new Client(i + 1, prng.fork()));
  let victim: Victim | null = null;
  try {
    for (let left = KILLS_A_JOURNAL; left > 0 && figures.kills < kills; left--) {
      figures.kills++;
      const more = prng.chance(0.3) ? ['--journal-snapshot-interval', '500'] : [];
      victim = new Victim(places, more);
      await oneLife(victim, clients, prng, figures);
      await victim.kill();
      for (const client of clients) client.leave();
      for (const { fault } of clients) if (fault !== null) throw fault;
      onKill(figures);
    }
    victim = new Victim(places, ['--json']);
    await lastLife(victim, clients);
    const ended = await victim.end('SIGTERM');
    await compareHashes(places, ended, figures);
  } finally {
    victim?.child.kill('SIGKILL');
    for (const client of clients) client.leave();
  }
  for (const client of clients) count(client, figures);
}

/** What one client knows at the end. */
function count(client: Client, figures: KillFigures): void {
  figures.acknowledged += client.answered;
  figures.sentAgain += client.sentAgain;
  figures.heard += client.heard.length;
  figures.lost += client.heard.length - client.heardAgain;
  figures.doubled += client.doubled;
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
  for (const client of clients) client.heardAgain = 0;
  await Promise.all(clients.map((client) => client.connect(port, 1)));
  await until(
    () => clients.every(({ position, heard }) => position > heard.length), clients, 'the whole streams again',
  );
}

async function compareHashes(places: Places, ended: Result, figures: KillFigures): Promise<void> {
  figures.records += ended.journal.sequence;
  const hashesOf = ({ journal, stateHash, publicHash }: Result): string[] => [journal.eventHash, stateHash, publicHash];
  for (const how of ['from the snapshot', 'from the first record']) {
    if (how === 'from the first record') {
      for (const name of readdirSync(places.journal))
        if (name.endsWith('.snapshot')) rmSync(join(places.journal, name));
    }
    const again = await new Victim(places, ['--json', '--duration', '1ms']).end(null);
    for (const [i, hash] of hashesOf(again).entries()) {
      if (hash === hashesOf(ended)[i]) figures.hashesEqual++;
      else figures.hashesDiffer++;
    }
    assert.deepEqual(hashesOf(again), hashesOf(ended), `events, state and books ${how}`);
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** The figure that counts, in one line. */
export function killText(figures: KillFigures): string {
  const { kills, acknowledged, lost, doubled, hashesEqual, hashesDiffer } = figures;
  return (
    `${kills} kills: ${acknowledged} acknowledged, ${lost} lost, ${doubled} doubled, ${hashesEqual} hashes equal, ` +
    `${hashesDiffer} differ; ${JSON.stringify(figures)}`
  );
}

if (import.meta.main) {
  const [kills = 10, seed = 1, lanes = 1] = process.argv.slice(2).map(Number);
  const startMs = performance.now();
  const secondsSoFar = (): string => ((performance.now() - startMs) / 1000).toFixed(1);
  const figures = await killAndResume(kills, seed, lanes, (sofar) => {
    if (sofar.kills % 20 === 0) process.stderr.write(`${secondsSoFar()} s, of ${kills}: ${killText(sofar)}\n`);
  });
  process.stdout.write(`${secondsSoFar()} s, ${killText(figures)}\n`);
}
