// An exchange on its journal, in one process and with a disk in memory: nothing that anybody was told
// is ever lost, doubled or told differently. test/crash/kill.test.ts kills real processes.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Holdings } from '../../src/exchange/risk/holdings.ts';
import { EXCHANGE_DEFAULT } from '../../src/exchange/config.ts';
import { Exchange } from '../../src/exchange/exchange.ts';
import { JournalConfigError } from '../../src/exchange/journal_origin.ts';
import { JournalMode } from '../../src/journal/journal_queue.ts';
import { MemoryDisk } from '../../src/journal/memory_storage.ts';
import { MarketView } from '../../src/book/market_view.ts';
import { JournalReader } from '../../src/journal/reader.ts';
import { JournalType } from '../../src/journal/record_types.ts';
import type { Network } from '../../src/net/transport.ts';
import { FeedHandler } from '../../src/trader/feed_handler.ts';
import { buy, RawClient, response, sell } from '../exchange/exchange_rig.ts';
import { crashAndReturn, noFigures } from './crash.fuzz.ts';
import { CRASH_CONFIG, CrashRig, letIn, type Life, SoupClient, started, withSnapshots } from './crash_rig.ts';

const SEEDS = Number(process.env['OUTCRY_CRASH_SEEDS'] ?? 12);
const FIRST_SEED = Number(process.env['OUTCRY_CRASH_SEED'] ?? 1);
/** A planted mistake must be caught within so many seeds. */
const PLANTED_SEEDS = 30;

test(`${SEEDS} seeds: crashes at any point, and everything acknowledged comes back with the same bytes`, async () => {
  const figures = noFigures();
  for (let seed = FIRST_SEED; seed < FIRST_SEED + SEEDS; seed++) {
    await crashAndReturn(seed, figures).catch((error: unknown) => {
      throw new Error(`repeat it: node bin/node26.mjs test/crash/crash.fuzz.ts 1 ${seed}`, { cause: error });
    });
  }
  assert.ok(figures.answered > SEEDS * 50, 'clients traded');
  process.stdout.write(`crashes: ${JSON.stringify(figures)}\n`);
});

test('async-unsafe: the death of the process takes nothing that was told', async () => {
  const figures = noFigures();
  // Seed 10 once lost power in this test too, where that may take what was told.
  for (const seed of [...Array.from({ length: Math.ceil(SEEDS / 4) }, (_, i) => i + 1), 10])
    await crashAndReturn(seed, figures, { mode: JournalMode.AsyncUnsafe });
  assert.ok(figures.crashes > 0);
});

// ── planted mistakes ─────────────────────────────────────────────────────────────────────────────

async function isCaught(plant: (life: Life) => void): Promise<string> {
  for (let seed = 1; seed <= PLANTED_SEEDS; seed++) {
    try {
      await crashAndReturn(seed, noFigures(), { plant });
    } catch (error) {
      return (error as Error).message;
    }
  }
  return '';
}

test('planted: told before it is durable – caught', async () => {
  const message = await isCaught(({ queue }) => {
    Object.defineProperty(queue, 'ackableSequence', { get: () => queue.lastSequence });
  });
  assert.match(message, /let in|same bytes|stays what it was|is doubled|hash/);
});

test('planted: the feed names its session anew at each start – caught', async () => {
  const message = await isCaught(({ exchange }) => {
    const { channel } = exchange.feed;
    channel.begin(`X${String(exchange.recovered?.lastSequence ?? 0).padStart(9, '0')}`, channel.next);
  });
  assert.match(message, /the feed has kept its name/);
});

/** A client at its position limit, a crash, and one order more. Its answer: 1 accepted, 5 rejected. */
async function answerBeyondLimit(): Promise<number> {
  const limits = { ...EXCHANGE_DEFAULT.risk.limits, position: 10 };
  const rig = new CrashRig(new MemoryDisk(1), {
    config: { risk: { ...EXCHANGE_DEFAULT.risk, limits } },
  });
  const client = new SoupClient(1);
  await rig.start();
  await rig.connect(client);
  rig.settle([client]);
  client.say(buy(1, 1, 100, 10));
  rig.settle([client]);
  rig.crash(false);
  client.leave();
  await rig.start();
  await rig.connect(client);
  rig.settle([client]);
  client.say(buy(1, 2, 100, 10));
  rig.settle([client]);
  return response(Buffer.from(client.heard[1], 'hex')).type;
}

test('a limit that was used up before a crash is used up after it', async () => {
  assert.equal(await answerBeyondLimit(), 5);
});

test('planted: a replay that does not follow what accounts hold – the order beyond the limit passes', async (t) => {
  t.mock.method(Holdings.prototype, 'onEvent', () => {});
  assert.equal(await answerBeyondLimit(), 1, 'so the test above fails');
});

// ── sessions, feed, operators ────────────────────────────────────────────────────────────────────

test('nothing is told before it is durable: answers, log-in, feed, operator', async () => {
  const rig = await started();
  const client = new SoupClient(7);
  await rig.connect(client);
  const { operator } = rig.exchange;
  assert.ok(operator !== null);
  const line = await rig.clientNetwork.connect({ host: '127.0.0.1', port: operator.port });
  const words = Buffer.from('{"token":"a-token-of-tests","command":"kill","client":9}\n');
  line.send(words, 0, words.length);
  rig.turn([client], 300);
  const bytes = new Uint8Array(4096);
  assert.equal(client.accepted, false, 'the log-in has no answer');
  assert.equal(line.receive(bytes, 0, bytes.length), 0, 'nor has the operator');
  rig.settle([client]);
  assert.equal(client.accepted, true);
  rig.turn([client], 300);
  assert.match(Buffer.from(bytes.subarray(0, line.receive(bytes, 0, 4096))).toString(), /"ok":true/);
  client.say(buy(7, 1, 100, 10));
  rig.turn([client], 10);
  assert.equal(rig.exchange.engine.ordersLive, 1, 'it is executed');
  assert.equal(client.heard.length, 0);
  assert.equal(rig.feed.messages.size, 0);
  assert.ok(rig.sync());
  rig.turn([client], 2);
  assert.equal(client.heard.length, 1);
  assert.equal(rig.feed.messages.size, 1);
});

test('what was executed and never durable has not happened: its id can be used', async () => {
  const rig = await started();
  const client = await letIn(rig, 7);
  client.say(buy(7, 1, 100, 10));
  rig.turn([client], 3);
  assert.equal(rig.exchange.engine.ordersLive, 1);
  rig.crash(true);
  client.leave();
  await rig.start();
  assert.equal(rig.exchange.engine.ordersLive, 0);
  await rig.connect(client);
  rig.settle([client]);
  client.say(buy(7, 1, 100, 10));
  rig.settle([client]);
  assert.equal(response(Buffer.from(client.heard[0], 'hex')).type, 1);
});

test('ids, names and numbers go on: engine ids rise, a repeated order is answered as the first time', async () => {
  const rig = await started();
  const client = await letIn(rig, 7);
  client.say(buy(7, 1, 100, 10));
  client.say(buy(7, 2, 101, 10));
  rig.settle([client]);
  const { session } = client;
  rig.crash(true);
  client.leave();
  await rig.start();
  await rig.connect(client);
  rig.settle([client]);
  client.say(buy(7, 2, 101, 10));
  client.say(buy(7, 3, 102, 10));
  rig.settle([client]);
  const told = client.heard.map((text) => response(Buffer.from(text, 'hex')));
  assert.deepEqual(told.map(({ id }) => id), [1n, 2n, 2n, 3n]);
  assert.equal(told[2].market, told[1].market, 'the first answer, once more');
  assert.ok(told[3].market > told[1].market);
  assert.equal(client.session, session);
  assert.equal(rig.exchange.engine.ordersLive, 3);
  assert.deepEqual([...rig.feed.messages.keys()], [1, 2, 3]);
});

test('locks, halts and positions outlive a crash, from the journal and from a snapshot', async () => {
  for (const snapshots of [false, true]) {
    const rig = await started();
    const clients = [new SoupClient(1), new SoupClient(2)];
    for (const client of clients) await rig.connect(client);
    rig.settle(clients);
    clients[0].say(buy(1, 1, 100, 10));
    clients[1].say(sell(2, 1, 100, 4));
    rig.settle(clients);
    rig.exchange.controls.kill(2);
    rig.exchange.setState(2, 1);
    rig.settle(clients);
    if (snapshots) await rig.snapshot();
    rig.settle(clients);
    const { eventHash } = rig.exchange;
    rig.crash(true);
    await rig.start();
    const { exchange } = rig;
    assert.equal(exchange.recovered?.snapshotSequence === 0, !snapshots);
    assert.equal(exchange.eventHash, eventHash);
    assert.deepEqual(exchange.controls.locked, { all: false, clients: [2] });
    assert.equal(exchange.controls.states[1].state, 1);
    assert.equal(exchange.feed.states[1], 1);
    exchange.engine.checkInvariants();
    exchange.gate.checkInvariants();
  }
});

// A replay ends all sessions at a Start; the process that wrote that Start had not ended those of a bare connection. What
// the client was told in between stood nowhere, and the next log-in's record fitted no replay: the exchange never started again.
test('a bare connection at the time of a crash: what its client is told afterwards is kept, and replayed', async () => {
  const rig = new CrashRig(new MemoryDisk(1), { config: { cancelOnDisconnect: false } });
  await rig.start();
  const client = new SoupClient(1);
  const other = new SoupClient(2);
  await rig.connect(client);
  rig.settle([client]);
  client.say(buy(1, 1, 100, 10));
  rig.settle([client]);
  client.leave();
  rig.settle([]);
  const bare = new RawClient(await rig.clientNetwork.connect({ host: '127.0.0.1', port: rig.exchange.ports[0] }));
  bare.say(buy(1, 2, 99, 10));
  rig.settle([]);
  rig.crash(false);
  await rig.start();
  await rig.connect(other);
  rig.settle([other]);
  other.say(sell(2, 1, 100, 4));
  rig.settle([other]);
  await rig.connect(client);
  rig.settle([client, other]);
  assert.deepEqual(client.heard.map((text) => response(Buffer.from(text, 'hex')).type), [1, 3], 'accepted, then filled');
  rig.crash(false);
  await rig.start();
  assert.equal(rig.exchange.gateway.accounts.find(1)?.kept?.next, 3);
});

/** A receiver of the feed with books of its own. */
async function receiverOf(rig: CrashRig): Promise<{ handler: FeedHandler; view: MarketView; network: Network }> {
  const network = rig.fabric.network();
  const view = new MarketView({
    instruments: [1, 2].map(() => ({ minPrice: 1, maxPrice: 0x7fff_ffff })), ordersMax: 1 << 12,
  });
  const { feed, snapshot, retransmit } = rig.config;
  const group = { group: feed.group, interface: '127.0.0.1', receiveBufferBytes: 8 << 20 };
  const handler = new FeedHandler(
    view,
    { onUpdate: () => {}, onTrade: () => {}, onState: () => {} },
    {
      layout: 'native',
      instruments: [{ ticker: 1 }, { ticker: 2 }],
      incremental: await network.multicastReceiver({ ...group, port: feed.port }),
      snapshot: await network.multicastReceiver({ ...group, port: snapshot.port }),
      retransmit: {
        socket: await network.unicast({ host: '127.0.0.1', port: 0 }), host: '127.0.0.1', port: retransmit.port,
      },
      queueDatagrams: 1_024,
    },
  );
  return { handler, view, network };
}

test('a receiver of the feed over two crashes: its books are the engine’s, and numbers go on', async () => {
  const rig = new CrashRig(new MemoryDisk(5), {
    config: { retransmit: { ...CRASH_CONFIG.retransmit, port: 21_002 }, cancelOnDisconnect: false },
  });
  await rig.start();
  const { handler, view, network } = await receiverOf(rig);
  const client = new SoupClient(1);
  let id = 0;
  let numbered = 0;
  for (let life = 0; life < 3; life++) {
    if (life > 0) await rig.start();
    await rig.connect(client);
    rig.settle([client]);
    for (let round = 0; round < 20; round++) {
      for (let i = 0; i < 5; i++) {
        id += 1;
        client.say((id % 3 === 0 ? sell : buy)(1, id, 100 + (id % 7), 3, 1 + (id % 2)));
      }
      rig.turn([client], 2);
      // The last rounds of a life are executed, and never safe.
      if (round < 16) assert.ok(rig.sync());
      network.poll();
      handler.poll(rig.nowNs);
    }
    if (life < 2) {
      rig.crash(true);
      client.leave();
    }
  }
  rig.settle([client]);
  const isWhole = (): boolean => view.publicHash() === rig.exchange.engine.publicHash();
  for (let i = 0; i < 2_000 && !(isWhole() && handler.fresh); i++) {
    rig.nowNs += 1_000_000;
    rig.turn([client]);
    assert.ok(rig.sync());
    network.poll();
    handler.poll(rig.nowNs);
  }
  assert.ok(isWhole(), 'the receiver has the books of the engine');
  assert.ok(handler.fresh);
  for (const sequence of rig.feed.messages.keys()) numbered = Math.max(numbered, sequence);
  assert.equal(numbered, rig.exchange.feed.channel.next - 1);
});

// ── what is refused ──────────────────────────────────────────────────────────────────────────────

test('another configuration is refused, with what differs', async () => {
  const rig = await withSnapshots();
  rig.crash(false);
  const other = new CrashRig(rig.disk, { config: { ordersMax: 1_000, risingOrderIds: false } });
  await assert.rejects(other.start(), (error: Error) => {
    assert.ok(error instanceof JournalConfigError);
    assert.match(error.message, /ordersMax: expected 2000, was 1000; risingOrderIds: expected true, was false/);
    return true;
  });
});

test('a journal that was changed does not pass for the history: the replay says where', async () => {
  const rig = await started();
  const client = await letIn(rig, 1);
  for (let i = 1; i <= 50; i++) client.say(buy(1, i, 100 + i, 1));
  rig.settle([client]);
  const { exchange } = rig;
  exchange.journal?.snapshotMark(1, 1n);
  rig.settle([client]);
  // A hash that says something else: as if another program had executed it.
  const hash = new Uint8Array(8).fill(7);
  rig.life.queue.append(JournalType.StateHash, hash, 0, 8, 0, 2);
  rig.life.queue.publish();
  assert.ok(rig.sync());
  rig.crash(false);
  await assert.rejects(rig.start(), /the state hash at sequence \d+ was [0-9a-f]+, expected 0707070707070707/);
});

// ── a disk that fails ────────────────────────────────────────────────────────────────────────────

for (const [what, faults] of [
  ['EIO of a write', { writeErrorRate: 1 }],
  ['EIO of a sync', { syncErrorRate: 1 }],
  ['ENOSPC', { capacityBytes: 0 }],
] as const) {
  test(`${what}: nothing more is told, it says so, and a restart has all that was told`, async () => {
    const disk = new MemoryDisk(3);
    const rig = new CrashRig(disk, { segmentBytes: 4 << 10 });
    await rig.start();
    const client = await letIn(rig, 1);
    client.say(buy(1, 1, 100, 1));
    rig.settle([client]);
    assert.equal(client.heard.length, 1);
    const before = { ...disk.faults };
    Object.assign(disk.faults, faults);
    for (let i = 2; i <= 100; i++) client.say(buy(1, i, 100, 1));
    rig.turn([client], 10);
    assert.equal(rig.sync(), false, 'the journal fails');
    rig.turn([client], 10);
    assert.equal(client.heard.length, 1, 'nothing more is told');
    assert.match(rig.exchange.journal?.failure?.code ?? '', /^E(IO|NOSPC)$/);
    const { requests } = rig.exchange.counters.snapshot();
    client.say(buy(1, 200, 100, 1));
    rig.turn([client], 10);
    assert.equal(rig.counter('requests'), requests, 'nothing more is taken');
    rig.exchange.close(rig.nowNs);
    rig.crash(true);
    client.leave();
    Object.assign(disk.faults, before);
    await rig.start();
    await rig.connect(client);
    rig.settle([client]);
    assert.ok(client.accepted && client.heard.length >= 1);
  });
}

test('back-pressure: a disk that stands still stops the reading, and nothing is dropped', async () => {
  const rig = await started();
  const client = await letIn(rig, 1);
  const sent = 20_000;
  for (let i = 1; i <= sent; i++) client.say(buy(1, i, 100 + (i % 50), 1));
  rig.turn([client], 400);
  assert.ok(rig.counter('journal_paused') > 0, 'sessions are not read');
  assert.ok(rig.counter('requests') < sent);
  assert.ok(rig.life.queue.backlogBytes < rig.life.queue.ringBytes);
  for (let i = 0; i < 100; i++) {
    assert.ok(rig.sync());
    rig.turn([client], 20);
  }
  rig.settle([client]);
  assert.equal(client.heard.length, sent);
  assert.equal(rig.counter('feed_lost'), 0);
});

test('the journal says what was done: sessions, commands, operators, hashes', async () => {
  const rig = await withSnapshots();
  const { operator } = rig.exchange;
  assert.ok(operator !== null);
  const line = await rig.clientNetwork.connect({ host: '127.0.0.1', port: operator.port });
  const words = Buffer.from('{"token":"a-token-of-tests","command":"halt","ticker":1}\n');
  line.send(words, 0, words.length);
  rig.turn([], 300);
  rig.settle([]);
  const reader = JournalReader.open(rig.life.storage);
  const types = new Map<number, number>();
  let said = '';
  while (reader.next()) {
    types.set(reader.type, (types.get(reader.type) ?? 0) + 1);
    if (reader.type !== JournalType.Operator) continue;
    said += Buffer.from(reader.bytes.subarray(reader.payloadAt, reader.payloadAt + reader.payloadLength));
  }
  assert.match(said, /halt ticker 1/);
  assert.doesNotMatch(said, /a-token/);
  const { Start, Config, Session, Commands, StateHash, SnapshotMark } = JournalType;
  for (const type of [Start, Config, Session, Commands, StateHash, SnapshotMark])
    assert.ok((types.get(type) ?? 0) > 0, `records of type ${type}`);
});

test('without a journal nothing is held, and the exchange says so', async () => {
  const exchange = await Exchange.replica(CRASH_CONFIG, { storage: new MemoryDisk(1).mount() });
  assert.equal(exchange.journal, null);
  assert.equal(exchange.settled, true);
  assert.equal(exchange.recovered?.lastSequence, 0);
});
