// Crashes at any point, from one seed: clients trade, the disk lags, the process or the machine dies,
// also amid an operation of the disk, snapshots are made, everything comes back. Run by crash.test.ts;
// by hand:
//   node bin/node26.mjs test/crash/crash.fuzz.ts [seeds] [first seed]
//
// After every restart: whoever was told something finds it, with the same bytes (I11, I13); orders that
// were sent and never answered are sent again, and no id is ever taken twice (I12). At the end the
// journal alone, from its first record, leads to the same state as the exchange that went on (I10).
import assert from 'node:assert/strict';
import { Prng } from '../../src/base/prng.ts';
import { EXCHANGE_DEFAULT, type ExchangeConfig } from '../../src/exchange/config.ts';
import { JournalMode } from '../../src/journal/journal_queue.ts';
import { MemoryDisk } from '../../src/journal/memory_storage.ts';
import { cancel, request, requestExtended, response } from '../exchange/exchange_rig.ts';
import { CrashRig, type RigSettings, SoupClient } from './crash_rig.ts';

const CLIENTS = 3;
const LIVES = 4;
const STEPS = 60;

export interface CrashFigures {
  crashes: number;
  answered: number;
  sentAgain: number;
  snapshots: number;
  records: number;
  feedMessages: number;
}

export function noFigures(): CrashFigures {
  return { crashes: 0, answered: 0, sentAgain: 0, snapshots: 0, records: 0, feedMessages: 0 };
}

/** A client with orders: what it has sent, and what it knows of it. */
class Trader {
  readonly client: SoupClient;
  readonly #prng: Prng;
  #lastId = 0;
  /** Sent, without an answer so far. */
  readonly unanswered = new Map<number, Uint8Array>();
  #read = 0;
  /** Market order id by own id: an id is accepted once. */
  readonly #accepted = new Map<bigint, bigint>();
  answered = 0;

  constructor(id: number, prng: Prng) {
    this.client = new SoupClient(id);
    this.#prng = prng;
  }

  trade(): void {
    const prng = this.#prng;
    const id = ++this.#lastId;
    const side = prng.chance(0.5) ? 1 : -1;
    const price = 10_000 + prng.between(-6, 6);
    const order = {
      client: this.client.id, id, side, price, qty: prng.between(1, 60), ticker: prng.between(1, 2),
    };
    const special = prng.chance(0.15);
    const message = special
      ? requestExtended({ ...order, display: 5, qty: order.qty + 10 })
      : request(1, order);
    this.unanswered.set(id, message);
    this.client.say(message);
    if (prng.chance(0.3)) this.client.say(cancel(this.client.id, prng.between(1, id), order.ticker));
    if (prng.chance(0.1))
      this.client.say(request(4, { ...order, id: prng.between(1, id), qty: prng.between(1, 80) }));
  }

  /** Reads what has come; an id may be accepted again only as the very same order. */
  read(): void {
    const { heard } = this.client;
    for (; this.#read < heard.length; this.#read++) {
      const told = response(Buffer.from(heard[this.#read], 'hex'));
      if (told.type !== 1 && told.type !== 5) continue;
      if (this.unanswered.delete(Number(told.id))) this.answered++;
      if (told.type !== 1) continue;
      const before = this.#accepted.get(told.id);
      assert.ok(before === undefined || before === told.market, `order ${told.id} is doubled`);
      this.#accepted.set(told.id, told.market);
    }
  }

  /** After a new log-in, when everything missed has come: what nobody has answered, in order. */
  sendAgain(): number {
    for (const message of this.unanswered.values()) this.client.say(message);
    return this.unanswered.size;
  }
}

function configOf(prng: Prng): Partial<ExchangeConfig> {
  const limits = { ...EXCHANGE_DEFAULT.risk.limits };
  if (prng.chance(0.5)) Object.assign(limits, { position: prng.between(100, 2_000), orderQty: 65 });
  if (prng.chance(0.5)) Object.assign(limits, { openOrders: prng.between(5, 60), collarTicks: 5 });
  return {
    risk: { ...EXCHANGE_DEFAULT.risk, limits },
    cancelOnDisconnect: prng.chance(0.5),
  };
}

/** One seed: some lives, each ended by a crash, and what must hold. */
export async function crashAndReturn(
  seed: number, figures: CrashFigures, { disk = new MemoryDisk(seed), ...settings }: RigSettings & { readonly disk?: MemoryDisk } = {},
): Promise<void> {
  const prng = new Prng(seed);
  const rig = new CrashRig(disk, {
    config: configOf(prng),
    segmentBytes: prng.chance(0.5) ? 8 << 10 : 64 << 10,
    ...settings,
  });
  const traders = Array.from({ length: CLIENTS }, (_, i) => new Trader(i + 1, prng.fork()));
  const clients = traders.map(({ client }) => client);
  for (let life = 0; life < LIVES; life++) {
    await rig.start();
    await comeBack(rig, traders, figures);
    // In mode async-unsafe a death of the machine may take what was told.
    const machine = settings.mode !== JournalMode.AsyncUnsafe;
    await live(rig, traders, prng, figures, machine);
    const power = machine && prng.chance(0.5);
    if (rig.isRunning) rig.crash(power);
    figures.crashes++;
    for (const client of clients) client.leave();
    disk.faults.diesAt = 0;
  }
  await rig.start();
  await comeBack(rig, traders, figures);
  rig.settle(clients);
  for (const trader of traders) trader.read();
  await check(rig, traders, figures);
}

async function comeBack(rig: CrashRig, traders: readonly Trader[], figures: CrashFigures): Promise<void> {
  const clients = traders.map(({ client }) => client);
  for (const client of clients) await rig.connect(client);
  rig.settle(clients);
  for (const trader of traders) {
    assert.ok(trader.client.accepted, `client ${trader.client.id} is let in at ${trader.client.heard.length + 1}`);
    trader.read();
    figures.sentAgain += trader.sendAgain();
  }
}

async function live(
  rig: CrashRig, traders: readonly Trader[], prng: Prng, figures: CrashFigures, machine: boolean,
): Promise<void> {
  const clients = traders.map(({ client }) => client);
  const { disk } = rig;
  if (prng.chance(0.6)) disk.faults.diesAt = disk.operations + prng.between(5, 120);
  for (let step = 0; step < STEPS; step++) {
    for (const trader of traders) if (trader.client.accepted && prng.chance(0.8)) trader.trade();
    rig.turn(clients, prng.between(1, 3));
    for (const trader of traders) trader.read();
    if (prng.chance(0.05)) rig.exchange.controls.kill(prng.between(1, CLIENTS));
    if (prng.chance(0.1)) rig.exchange.controls.reset(null);
    if (prng.chance(0.03)) rig.exchange.setState(2, prng.between(0, 1) as 0 | 1);
    if (prng.chance(0.04)) await reconnect(rig, traders[prng.below(CLIENTS)]);
    if (prng.chance(0.5) && !rig.sync()) return rig.crash(machine && prng.chance(0.5));
    if (prng.chance(0.04) && disk.faults.diesAt === 0) {
      await rig.snapshot();
      figures.snapshots++;
    }
  }
}

async function reconnect(rig: CrashRig, trader: Trader): Promise<void> {
  trader.client.leave();
  trader.client.accepted = false;
  rig.turn([trader.client], 2);
  await rig.connect(trader.client);
}

/** The exchange that went on, the journal alone, and what everybody was told, agree. */
async function check(rig: CrashRig, traders: readonly Trader[], figures: CrashFigures): Promise<void> {
  const { exchange } = rig;
  exchange.engine.checkInvariants();
  const again = await rig.replica();
  assert.equal(again.eventHash, exchange.eventHash, 'events of the replay');
  assert.equal(again.engine.stateHash(), exchange.engine.stateHash(), 'state of the replay');
  assert.equal(again.engine.publicHash(), exchange.engine.publicHash(), 'books of the replay');
  assert.equal(again.sessionName, exchange.sessionName);
  for (const { client, unanswered, answered } of traders) {
    assert.equal(unanswered.size, 0, `client ${client.id} has an answer to everything`);
    const known = exchange.gateway.accounts.find(client.id);
    const same = again.gateway.accounts.find(client.id);
    const log = same?.kept;
    assert.ok(same !== null && log !== null && log !== undefined && known?.kept);
    assert.equal(log.next, known.kept.next, 'as many messages');
    const texts = recordsOf(log.save(), log.recordBytes, 3);
    assert.deepEqual(client.heard, texts, `what client ${client.id} heard is what the journal says`);
    assert.equal(again.gate.openOrdersOf(same), exchange.gate.openOrdersOf(known), 'open orders');
    for (const book of [0, 1])
      assert.equal(again.gate.positionOf(same, book), exchange.gate.positionOf(known, book));
    figures.answered += answered;
  }
  const { first, records } = again.feed.channel.save();
  assert.equal(first, 1);
  const feed = recordsOf(records, 36, 2);
  for (const [sequence, text] of rig.feed.messages)
    assert.equal(text, feed[sequence - 1], `feed message ${sequence}`);
  assert.equal(exchange.feed.channel.next - 1, feed.length);
  figures.feedMessages += rig.feed.messages.size;
  figures.records += rig.life.queue.lastSequence;
}

function recordsOf(bytes: Uint8Array, size: number, header: number): string[] {
  return Array.from({ length: bytes.length / size }, (_, i) =>
    Buffer.from(bytes.subarray(i * size + header, (i + 1) * size)).toString('hex'),
  );
}

if (import.meta.main) {
  const seeds = Number(process.argv[2] ?? 100);
  const first = Number(process.argv[3] ?? 1);
  const figures = noFigures();
  for (let seed = first; seed < first + seeds; seed++) {
    try {
      await crashAndReturn(seed, figures);
    } catch (error) {
      process.stderr.write(`seed ${seed}: node bin/node26.mjs test/crash/crash.fuzz.ts 1 ${seed}\n`);
      throw error;
    }
  }
  process.stdout.write(`${seeds} seeds: ${JSON.stringify(figures)}\n`);
}
