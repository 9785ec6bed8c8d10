// Clients that break every rule: each is answered or closed with a reason that is counted,
// everybody else goes on, and memory stays where it was said to stay.
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { Prng } from '../../src/base/prng.ts';
import { CLOSE_REASON_NAMES, CloseReason } from '../../src/exchange/counters.ts';
import { chooseNetwork } from '../../src/net/choose_network.ts';
import {
  bareResponses,
  buy,
  cancel,
  ExchangeRig,
  logIn,
  type RawClient,
  type RigOptions,
  sell,
  sequenced,
  soup,
  soupResponses,
} from './exchange_rig.ts';

async function open(t: TestContext, options: RigOptions = {}): Promise<ExchangeRig> {
  const rig = await ExchangeRig.open(options);
  t.after(() => rig.close());
  return rig;
}

/** A client that must go on trading whatever the others do. */
class GoodClient {
  readonly client: RawClient;
  readonly rig: ExchangeRig;
  #id = 0;

  constructor(rig: ExchangeRig, client: RawClient) {
    this.rig = rig;
    this.client = client;
  }

  async trades(): Promise<void> {
    const before = this.client.received.length;
    this.#id++;
    this.client.say(buy(1_000_000, this.#id, 10_000, 1), cancel(1_000_000, this.#id));
    await this.rig.until(
      () => this.client.received.length === before + 84,
      'the good client is served',
    );
    assert.deepEqual(
      bareResponses(this.client)
        .slice(-2)
        .map(({ type }) => type),
      [1, 2],
    );
  }
}

async function goodClient(rig: ExchangeRig, index = 0): Promise<GoodClient> {
  return new GoodClient(rig, await rig.client(index));
}

function closedSum(rig: ExchangeRig): number {
  return CLOSE_REASON_NAMES.reduce((sum, name) => sum + rig.counter(name), 0);
}

const BROKEN: readonly [string, Buffer, RegExp][] = [
  [
    'unknown first byte',
    Buffer.from([9]),
    /first byte: expected 0 \(SoupBinTCP\) or 1 … 5 \(bare\), was 9/,
  ],
  [
    'unknown type behind a good message',
    Buffer.concat([buy(5, 1, 10_000, 1), Buffer.from([0])]),
    /message type: expected 1 … 5, was 0/,
  ],
  [
    'a response instead of a request',
    Buffer.concat([buy(5, 1, 10_000, 1), Buffer.from([7])]),
    /message type: expected 1 … 5, was 7/,
  ],
  ['text', Buffer.from('GET / HTTP/1.1\r\n\r\n'), /first byte/],
  ['soup: length 0', Buffer.from([0, 0]), /packet length: expected 1, was 0/],
  [
    'soup: log-in of another size',
    soup('L', Buffer.alloc(10, 0x20)),
    /packet length: expected 52, was 11/,
  ],
  ['soup: log-in full of letters', soup('L', Buffer.alloc(51, 0x41)), /decimal numbers/],
  [
    'soup: oversized packet',
    Buffer.concat([logIn('5'), Buffer.from([0xff, 0xff, 0x55])]),
    /expected at most \d+, was 65535/,
  ],
  [
    'soup: a packet that only servers send',
    Buffer.concat([logIn('5'), soup('S', Buffer.alloc(42))]),
    /packet type/,
  ],
  ['soup: a request before the log-in', soup('U', buy(5, 1, 10_000, 1)), /before the log-in/],
  ['soup: a second log-in', Buffer.concat([logIn('5'), logIn('5')]), /second log-in/],
  [
    'soup: a request cut short',
    Buffer.concat([logIn('5'), soup('U', buy(5, 1, 10_000, 1).subarray(0, 29))]),
    /request of type 1: expected 30 bytes, was 29/,
  ],
  [
    'soup: a request too long',
    Buffer.concat([logIn('5'), soup('U', Buffer.concat([buy(5, 1, 10_000, 1), Buffer.alloc(1)]))]),
    /expected 30 bytes, was 31/,
  ],
  [
    'soup: an empty message',
    Buffer.concat([logIn('5'), soup('U')]),
    /message type: expected 1 … 5, was 0/,
  ],
  [
    'soup: an unknown request',
    Buffer.concat([logIn('5'), soup('U', Buffer.alloc(30, 9))]),
    /message type: expected 1 … 5, was 9/,
  ],
  ['client id none', buy(0xffff_ffff, 1, 10_000, 1), /client id: expected below/],
];

for (const [name, bytes, detail] of BROKEN) {
  test(`${name}: closed with the reason, whole and byte by byte`, async (t) => {
    for (const receiveChunkMax of [Infinity, 1]) {
      const rig = await open(t, {
        fabric: { streams: { receiveChunkMax, sendChunkMax: Infinity, bufferBytes: 65_536 } },
      });
      const good = await goodClient(rig);
      await good.trades();
      const bad = await rig.client();
      bad.say(bytes);
      await rig.until(() => bad.closed, 'it is closed');
      assert.match(rig.ended[0].detail, detail);
      await good.trades();
      assert.equal(rig.ended.length, 1);
    }
  });
}

test('sequenced: a gap, a repetition, an absurd number', async (t) => {
  for (const sequence of [0n, 2n, 0xffff_ffff_ffff_ffffn]) {
    const rig = await open(t, { config: { framing: 'sequenced' } });
    const client = await rig.client();
    const header = Buffer.alloc(8);
    header.writeBigUInt64LE(sequence);
    client.say(header, buy(5, 1, 10_000, 1));
    await rig.until(() => client.closed, 'it is closed');
    assert.match(rig.ended[0].detail, /message sequence: expected 1, was/);
    assert.equal(rig.counter('accepted'), 0);
  }
  const rig = await open(t, { config: { framing: 'sequenced' } });
  const client = await rig.client();
  client.say(sequenced(1, buy(5, 1, 10_000, 1)), sequenced(1, buy(5, 2, 10_000, 1)));
  await rig.until(() => client.closed, 'a repetition');
  assert.equal(rig.counter('accepted'), 1);
});

test('every framing survives every cut of the stream', async (t) => {
  for (let seed = 1; seed <= 5; seed++) {
    const rig = await open(t, {
      fabric: { seed, streams: { receiveChunkMax: 7, sendChunkMax: 5, bufferBytes: 100 } },
      config: {
        listeners: (['auto', 'auto', 'sequenced'] as const).map((framing) => ({
          host: '127.0.0.1',
          port: 0,
          framing,
        })),
      },
    });
    const [bare, session, book] = await Promise.all(
      [0, 1, 2].map(async (index) => rig.client(index)),
    );
    session.say(logIn('5'));
    for (let i = 1; i <= 50; i++) {
      bare.say(buy(4, i, 10_000 - i, 1));
      session.say(soup('U', buy(5, i, 9_000 - i, 1)));
      book.say(sequenced(i, buy(6, i, 8_000 - i, 1)));
    }
    await rig.until(
      () =>
        bare.received.length === 50 * 42 &&
        book.received.length === 50 * 50 &&
        session.received.length === 33 + 50 * 45,
      'all answers',
    );
    assert.equal(rig.exchange.engine.ordersLive, 150);
    assert.deepEqual(
      soupResponses(session).map(({ id }) => Number(id)),
      Array.from({ length: 50 }, (_, i) => i + 1),
    );
  }
});

test('random bytes, and messages with random fields: nothing but reasons', async (t) => {
  const seed = Number(process.env['HOSTILE_SEED'] ?? 7);
  const prng = new Prng(seed);
  t.diagnostic(`HOSTILE_SEED=${seed}`);
  const rig = await open(t, {
    config: {
      listeners: (['auto', 'sequenced', 'bare', 'soup'] as const).map((framing) => ({
        host: '127.0.0.1',
        port: 0,
        framing,
      })),
    },
  });
  const good = await goodClient(rig, 2);
  for (let round = 0; round < 300; round++) {
    const client = await rig.client(prng.below(4));
    if (prng.below(4) === 0) client.say(logIn(String(prng.between(2, 9))));
    for (let i = prng.between(1, 8); i > 0; i--) {
      const noise = Buffer.from(
        Array.from({ length: prng.between(1, 120) }, () => prng.below(256)),
      );
      const shape = prng.below(3);
      // The type byte of a request in front, so that it is not over with the first byte.
      if (shape > 0) noise[0] = prng.between(1, 5);
      client.say(shape === 2 ? soup('U', noise) : noise);
    }
    await rig.turn(3);
    client.connection.close();
    if (round % 30 === 0) await good.trades();
  }
  await rig.turn(10);
  await good.trades();
  assert.equal(rig.exchange.gateway.count, 1, 'only the good one is left');
  assert.equal(closedSum(rig), 300, 'every session ended with a counted reason');
  rig.exchange.engine.checkInvariants();
});

test('one that never reads is closed at its cap, its answers are kept for it, the others go on', async (t) => {
  const slowReaderBytes = 256 * 1024;
  const rig = await open(t, {
    fabric: {
      streams: { receiveChunkMax: Infinity, sendChunkMax: Infinity, bufferBytes: 64 * 1024 },
    },
    config: {
      limits: { slowReaderBytes, outboundLogBytes: 1 << 20 },
      ordersMax: 100_000,
      cancelOnDisconnect: false,
    },
  });
  const good = await goodClient(rig);
  const slow = await rig.client();
  slow.say(logIn('5'));
  await rig.until(() => slow.received.length === 33, 'it is in');
  slow.reads = false;
  for (let i = 1; i <= 12_000; i++) slow.say(soup('U', buy(5, i, 9_000, 1)));
  await rig.until(() => rig.ended.length > 0, 'it is closed');
  assert.equal(rig.ended[0].reason, CloseReason.SlowReader);
  assert.match(rig.ended[0].detail, /bytes were not read/);
  const accepted = rig.counter('accepted');
  assert.ok(accepted > slowReaderBytes / 45);
  await good.trades();
  const again = await rig.client();
  again.say(logIn('5', '', 1));
  await rig.until(() => again.received.length === 33 + accepted * 45, 'it resumes');
  assert.deepEqual(
    soupResponses(again).map(({ id }) => Number(id)),
    Array.from({ length: accepted }, (_, i) => i + 1),
  );
});

test('many that never read, each within its cap, are bounded together; one who reads goes on', async (t) => {
  const outboundTotalBytes = 1 << 20;
  const rig = await open(t, {
    fabric: { streams: { receiveChunkMax: Infinity, sendChunkMax: Infinity, bufferBytes: 4_096 } },
    config: {
      limits: { slowReaderBytes: 512 * 1024, outboundLogBytes: 512 * 1024, outboundTotalBytes },
      ordersMax: 200_000,
    },
  });
  const good = await goodClient(rig);
  for (let client = 100; client < 112; client++) {
    const slow = await rig.client();
    slow.say(logIn(String(client)));
    await rig.until(() => slow.received.length === 33, 'it is in');
    slow.reads = false;
    for (let i = 1; i <= 8_000; i++) slow.say(soup('U', buy(client, i, 9_000, 1)));
    await rig.turn(60);
    await good.trades();
    const { logBytes } = rig.exchange.gateway;
    assert.ok(logBytes <= outboundTotalBytes + 13 * 64 * 1024, `${logBytes} bytes in logs`);
  }
  assert.ok(rig.ended.some(({ reason }) => reason === CloseReason.SlowReader), 'some had to go');
  await good.trades();
});

test('a log that fills within one command closes its reader, and the command goes on', async (t) => {
  const rig = await open(t, {
    fabric: { streams: { receiveChunkMax: Infinity, sendChunkMax: Infinity, bufferBytes: 4_096 } },
    config: {
      limits: { slowReaderBytes: 64 * 1024, outboundLogBytes: 64 * 1024 },
      ordersMax: 10_000,
    },
  });
  const maker = await rig.client();
  const taker = await rig.client();
  for (let i = 1; i <= 5_000; i++) {
    maker.say(sell(1, i, 10_000, 1));
    if (i % 500 === 0) await rig.turn(20);
  }
  await rig.until(() => rig.exchange.engine.ordersLive === 5_000, 'all rest');
  maker.reads = false;
  taker.say(buy(2, 1, 10_000, 5_000));
  await rig.until(() => rig.ended.length === 2, 'both have more to read than they may');
  assert.deepEqual(
    rig.ended.map(({ reason }) => reason),
    [CloseReason.SlowReader, CloseReason.SlowReader],
  );
  assert.equal(rig.counter('trades'), 5_000);
  assert.equal(rig.exchange.engine.ordersLive, 0);
});

test('a flood: the others have their turn all the same', async (t) => {
  const rig = await open(t, { config: { limits: { framesPerTurn: 8 } } });
  const flood = await rig.client();
  const good = await goodClient(rig);
  flood.say(Buffer.concat(Array.from({ length: 2_000 }, (_, i) => buy(5, i + 1, 9_000, 1))));
  await rig.turn(2);
  const requests = rig.counter('requests');
  const { received } = good.client;
  good.client.say(buy(1_000_000, 77, 9_500, 1));
  await rig.until(() => good.client.received.length > received.length, 'an answer');
  assert.ok(
    rig.counter('requests') - requests <= 8 * 4,
    `${rig.counter('requests') - requests} requests of the flood came before`,
  );
  await rig.until(() => flood.received.length === 2_000 * 42, 'the flood is served in the end');
});

test('a flood is received in whole buffers, not topped up by what each turn takes from it', async (t) => {
  const rig = await open(t, { config: { limits: { framesPerTurn: 8 } } });
  const flood = await rig.client();
  const orders = 6_000;
  flood.say(Buffer.concat(Array.from({ length: orders }, (_, i) => buy(5, i + 1, 9_000, 1))));
  let reads = 0;
  let turns = 0;
  for (; flood.received.length < orders * 42; turns++) {
    const before = rig.counter('bytes_in');
    await rig.turn();
    if (rig.counter('bytes_in') > before) reads++;
    assert.ok(turns < orders, 'every order is answered');
  }
  assert.ok(turns >= orders / 8, 'eight orders a turn');
  assert.ok(reads < turns / 20, `${reads} reads in ${turns} turns`);
});

// All of them logged in within one turn, the exchange used to say all its heartbeats within one turn too: 1,000 sends.
test('heartbeats and deadlines of many sessions are spread over the turns', async (t) => {
  const rig = await open(t, { fabric: { seed: 3 } });
  const sessions = 400;
  const clients = await Promise.all(Array.from({ length: sessions }, async () => rig.client()));
  for (const [index, client] of clients.entries()) client.say(logIn(String(index + 1)));
  await rig.until(() => rig.counter('logins') === sessions, 'all are in');
  await rig.turn(2);
  const heard = (): number => clients.reduce((bytes, { received }) => bytes + received.length, 0);
  const stepNs = 1_000_000;
  let most = 0;
  let said = 0;
  for (let turn = 0; turn < 1_100; turn++) {
    const before = heard();
    await rig.turn(1, stepNs);
    const heartbeats = (heard() - before) / 3;
    most = Math.max(most, heartbeats);
    said += heartbeats;
  }
  assert.equal(said, sessions, 'one each in a second and a little');
  assert.ok(most <= 2 * (sessions / 50), `${most} heartbeats in a millisecond`);
});

test('1,000 idle connections cost little, are counted out, and hold nobody up', async (t) => {
  const rig = await open(t, { network: () => chooseNetwork('auto').network });
  const good = await goodClient(rig);
  await good.trades();
  const before = memory();
  const idle: RawClient[] = [];
  for (let i = 0; i < 1_000; i++) idle.push(await rig.client());
  await rig.until(() => rig.exchange.gateway.count === 1_001, 'all are there');
  const perConnection = (memory() - before) / 1_000;
  // Both ends live in this process; the exchange's part is 2 KiB of buffer and the session.
  assert.ok(perConnection < 16_384, `${Math.round(perConnection)} bytes a connection`);
  await good.trades();
  await rig.turn(60, 1e8);
  assert.equal(rig.exchange.gateway.count, 1);
  assert.equal(rig.counter('closed_login_deadline'), 1_000);
  await good.trades();
});

test('more connections than places: those that have not logged in give way, those that have stay', async (t) => {
  const rig = await open(t, { config: { limits: { connections: 10 }, framing: 'bare' } });
  const good = await goodClient(rig);
  await good.trades();
  const idle: RawClient[] = [];
  for (let i = 0; i < 30; i++) {
    idle.push(await rig.client());
    await rig.turn();
  }
  assert.equal(rig.exchange.gateway.count, 10);
  assert.equal(rig.counter('closed_evicted'), 21);
  assert.deepEqual(
    idle.map(({ closed }) => closed),
    idle.map((_, i) => i < 21),
    'the oldest first',
  );
  await good.trades();
  for (const [i, client] of idle.slice(21).entries()) client.say(buy(i + 1, 1, 10_000, 1));
  await rig.until(() => rig.counter('logins') === 10, 'all places are taken by those who trade');
  const late = await rig.client();
  await rig.until(() => late.closed, 'no place is left');
  assert.equal(rig.counter('closed_too_many_connections'), 1);
  await good.trades();
});

test('more clients than accounts, more connections from one address than allowed', async (t) => {
  const rig = await open(t, { config: { limits: { accounts: 3, connectionsPerAddress: 5 } } });
  const clients = await Promise.all([1, 2, 3, 4].map(async () => rig.client()));
  for (const [i, client] of clients.entries()) client.say(buy(i + 1, 1, 10_000 - i, 1));
  await rig.until(() => rig.ended.length === 1, 'the fourth client is refused');
  assert.match(rig.ended[0].detail, /at most 3 accounts/);
  const more = await Promise.all([1, 2, 3].map(async () => rig.client()));
  await rig.until(
    () => more.filter(({ closed }) => closed).length === 1,
    'the sixth connection is refused',
  );
  assert.match(rig.ended[1].detail, /from 127\.0\.0\.1: at most 5/);
});

function memory(): number {
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}
