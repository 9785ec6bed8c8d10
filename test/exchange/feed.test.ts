// What the exchange tells everybody: each event in each layout, snapshots at a stated sequence,
// answers to requests and their limits.
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { Prng } from '../../src/base/prng.ts';
import type { FeedLayout } from '../../src/exchange/config.ts';
import type { DatagramSocket } from '../../src/net/transport.ts';
import { State } from '../../src/book/types.ts';
import {
  buy,
  cancel,
  ExchangeRig,
  type FeedCapture,
  type RawClient,
  request,
  requestExtended,
  type RigOptions,
  sell,
} from './exchange_rig.ts';

const NONE = 'none';
const MILLISECOND_NS = 1e6;

async function open(t: TestContext, options: RigOptions = {}): Promise<ExchangeRig> {
  const rig = await ExchangeRig.open(options);
  t.after(() => rig.close());
  return rig;
}

/** type, order, side, price, qty, priority of a 34-byte update. */
function native(message: Buffer): readonly unknown[] {
  const none64 = (value: bigint): unknown =>
    value === 0xffff_ffff_ffff_ffffn ? NONE : Number(value);
  const price = message.readBigInt64LE(14);
  const qty = message.readUInt32LE(22);
  return [
    message.readUInt8(0),
    none64(message.readBigUInt64LE(5)),
    message.readInt8(13),
    price === 0x7fff_ffff_ffff_ffffn ? NONE : Number(price),
    qty === 0xffff_ffff ? NONE : qty,
    none64(message.readBigUInt64LE(26)),
  ];
}

/**
 * Says one message after the other, each in a turn of its own, and returns the feed's messages for
 * it.
 */
async function told(
  rig: ExchangeRig,
  feed: FeedCapture,
  client: RawClient,
  message: Buffer,
): Promise<unknown[]> {
  const before = feed.nativeMessages().length;
  client.say(message);
  await rig.turn(3);
  return feed.nativeMessages().slice(before).map(native);
}

test('every event as the C++ book tells it', async (t) => {
  const rig = await open(t);
  const feed = await rig.capture('feed');
  const one = await rig.client();
  const two = await rig.client();
  const by = async (client: RawClient, message: Buffer): Promise<unknown[]> =>
    told(rig, feed, client, message);
  // type, order, side, price, qty, priority: 1 add, 2 modify, 3 cancel, 4 trade
  assert.deepEqual(await by(one, buy(1, 1, 10_000, 30)), [[1, 1, 1, 10_000, 30, 1]]);
  assert.deepEqual(await by(one, buy(1, 2, 10_000, 20)), [[1, 2, 1, 10_000, 20, 2]]);
  assert.deepEqual(await by(two, sell(2, 1, 9_999, 35)), [
    [4, NONE, -1, 10_000, 30, NONE],
    [3, 1, 1, 10_000, 30, NONE],
    [4, NONE, -1, 10_000, 5, NONE],
    [2, 2, 1, 10_000, 15, 2],
  ]);
  assert.deepEqual(await by(one, cancel(1, 2)), [[3, 2, 1, 10_000, 0, 2]]);
  assert.deepEqual(await by(one, cancel(1, 2)), [], "a reject is nobody else's business");
  assert.deepEqual(await by(two, sell(2, 2, 10_100, 10)), [[1, 4, -1, 10_100, 10, 4]]);
  assert.deepEqual(await by(two, request(4, { client: 2, id: 2, price: 10_100, qty: 6 })), [
    [2, 4, -1, 10_100, 6, 4],
  ]);
  assert.deepEqual(
    await by(two, request(4, { client: 2, id: 2, price: 10_050, qty: 6 })),
    [
      [3, 4, -1, 10_100, 0, 4],
      [1, 4, -1, 10_050, 6, 5],
    ],
    'priority lost',
  );
  assert.deepEqual(await by(one, buy(1, 3, 10_050, 10)), [
    [4, NONE, 1, 10_050, 6, NONE],
    [3, 4, -1, 10_050, 6, NONE],
    [1, 6, 1, 10_050, 4, 6],
  ]);
  assert.deepEqual(
    await by(
      two,
      requestExtended({ client: 2, id: 3, side: -1, price: 10_200, qty: 12, display: 5 }),
    ),
    [[1, 7, -1, 10_200, 5, 7]],
  );
  assert.deepEqual(
    await by(one, buy(1, 4, 10_200, 7)),
    [
      [4, NONE, 1, 10_200, 5, NONE],
      [3, 7, -1, 10_200, 5, NONE],
      [1, 7, -1, 10_200, 5, 9],
      [4, NONE, 1, 10_200, 2, NONE],
      [2, 7, -1, 10_200, 3, 9],
    ],
    'an iceberg shows its next part at the back',
  );
  assert.deepEqual(
    await by(
      two,
      requestExtended({ client: 2, id: 4, side: -1, orderType: 3, qty: 4, stopPrice: 10_050 }),
    ),
    [],
    'a waiting stop',
  );
  rig.exchange.setState(1, State.Closed);
  assert.deepEqual(await by(one, Buffer.alloc(0)), [[9, NONE, 0, NONE, State.Closed, NONE]]);
});

test("a client's own cancels by the system, and self-trades decremented, are told too", async (t) => {
  const rig = await open(t, { config: { stp: 5 } });
  const feed = await rig.capture('feed');
  const client = await rig.client();
  assert.deepEqual(await told(rig, feed, client, buy(1, 1, 10_000, 10)), [
    [1, 1, 1, 10_000, 10, 1],
  ]);
  assert.deepEqual(await told(rig, feed, client, sell(1, 2, 10_000, 4)), [[2, 1, 1, 10_000, 6, 1]]);
  assert.deepEqual(await told(rig, feed, client, sell(1, 3, 10_000, 9)), [
    [3, 1, 1, 10_000, 0, 1],
    [1, 3, -1, 10_000, 3, 3],
  ]);
});

const LAYOUT_BYTES: Record<FeedLayout, readonly [header: number, prefix: number, size: number]> = {
  native: [20, 2, 34],
  book: [0, 0, 42],
  bare: [0, 0, 34],
};

for (const layout of ['native', 'book', 'bare'] as const) {
  test(`${layout}: datagrams hold whole messages below the MTU, all of a batch together`, async (t) => {
    const rig = await open(t, { config: { feed: { layout, group: '239.255.77.9', port: 4_000 } } });
    const feed = await rig.capture('feed');
    const client = await rig.client();
    client.say(Buffer.concat(Array.from({ length: 200 }, (_, i) => buy(1, i + 1, 10_000 + i, 1))));
    await rig.until(() => client.received.length === 200 * 42, 'all rest');
    const [header, prefix, size] = LAYOUT_BYTES[layout];
    let next = 1;
    for (const datagram of feed.datagrams) {
      assert.ok(datagram.length <= 1_472);
      assert.equal((datagram.length - header) % (prefix + size), 0);
      for (let at = header + prefix; at < datagram.length; at += prefix + size) {
        const order =
          layout === 'book' ? datagram.readBigUInt64LE(at + 9) : datagram.readBigUInt64LE(at + 5);
        assert.equal(order, BigInt(next));
        if (layout === 'book')
          assert.equal(datagram.readBigUInt64LE(at), BigInt(next), 'numbered from 1');
        next++;
      }
    }
    assert.equal(next, 201);
    if (layout !== 'bare')
      assert.ok(feed.datagrams.length <= 12, `${feed.datagrams.length} datagrams`);
  });
}

test('silence is broken by a heartbeat a second, which says what comes next', async (t) => {
  const rig = await open(t);
  const feed = await rig.capture('feed');
  const client = await rig.client();
  client.say(buy(1, 1, 10_000, 1));
  await rig.turn(3);
  feed.datagrams.length = 0;
  await rig.turn(45, 100 * MILLISECOND_NS);
  assert.equal(feed.datagrams.length, 4);
  for (const datagram of feed.datagrams) {
    assert.equal(datagram.length, 20);
    assert.equal(datagram.toString('ascii', 0, 10), rig.exchange.sessionName);
    assert.equal(datagram.readBigUInt64BE(10), 2n);
    assert.equal(datagram.readUInt16BE(18), 0);
  }
});

// The two came at times of their own, and woke an exchange at rest twice a second.
test('a heartbeat goes with each snapshot cycle, in step with it from then on', async (t) => {
  const port = 4_600;
  const config = {
    feed: { layout: 'native' as const, group: '239.255.77.9', port },
    snapshot: { group: '239.255.77.9', port: port + 1, intervalNs: 3_000 * MILLISECOND_NS },
  };
  const rig = await open(t, { config });
  const feed = await rig.capture('feed');
  const snapshot = await rig.capture('snapshot');
  const client = await rig.client();
  await rig.turn(7, 100 * MILLISECOND_NS);
  client.say(buy(1, 1, 10_000, 1));
  await rig.turn(3, 100 * MILLISECOND_NS);
  const seen = { feed: feed.datagrams.length, snapshot: snapshot.datagrams.length };
  const turns = { feed: [] as number[], snapshot: [] as number[] };
  for (let turn = 0; turn < 90; turn++) {
    await rig.turn(1, 100 * MILLISECOND_NS);
    if (feed.datagrams.length > seen.feed) turns.feed.push(turn);
    if (snapshot.datagrams.length > seen.snapshot) turns.snapshot.push(turn);
    seen.feed = feed.datagrams.length;
    seen.snapshot = snapshot.datagrams.length;
  }
  const [first] = turns.snapshot;
  assert.deepEqual(turns.snapshot, [first, first + 30, first + 60]);
  const behind = turns.feed.filter((turn) => turn >= first).map((turn) => turn - first);
  assert.deepEqual(behind.slice(0, 7), [0, 10, 20, 30, 40, 50, 60]);
});

interface Cycle {
  readonly last: number;
  readonly session: string;
  readonly orders: readonly unknown[][];
}

/** The cycles that are whole. */
function cycles(snapshot: FeedCapture): Cycle[] {
  const found: Cycle[] = [];
  let session = '';
  let last = -1;
  let next = 0;
  let orders: unknown[][] = [];
  for (const datagram of snapshot.datagrams) {
    const count = datagram.readUInt16BE(18);
    if (count === 0xffff) continue;
    if (datagram.toString('ascii', 0, 10) !== session) {
      session = datagram.toString('ascii', 0, 10);
      next = 1;
      orders = [];
    }
    assert.equal(datagram.readBigUInt64BE(10), BigInt(next));
    next += count;
    for (let at = 20; at < datagram.length; at += 36) {
      const message = datagram.subarray(at + 2, at + 36);
      const [type, order, ...rest] = native(message);
      if (type === 7) last = order as number;
      else if (type === 8) {
        assert.equal(order, last, 'start and end name the same sequence');
        found.push({ last, session, orders });
      } else orders.push([type, message.readUInt32LE(1), order, ...rest]);
    }
  }
  return found;
}

test('a snapshot is the books at the sequence that it names, however long it takes and whatever happens meanwhile', async (t) => {
  const port = 4_100;
  const rig = await open(t, {
    config: {
      ordersMax: 4_000,
      feed: { layout: 'native', group: '239.255.77.8', port },
      snapshot: { group: '239.255.77.8', port: port + 1, intervalNs: 1_000 * MILLISECOND_NS },
    },
  });
  const prng = new Prng(3);
  const feed = await rig.capture('feed');
  const snapshot = await rig.capture('snapshot');
  const clients = await Promise.all([1, 2].map(async () => rig.client()));
  let id = 0;
  for (let turn = 0; turn < 400; turn++) {
    const requests: Buffer[] = [];
    for (let i = 0; i < 20; i++) {
      const client = prng.between(1, 2);
      const ticker = prng.between(1, 3);
      const side = prng.below(2) === 0 ? 1 : -1;
      const price = 10_000 + prng.between(-30, 30) - side * 10;
      const known = prng.between(1, Math.max(1, id));
      if (prng.below(3) > 0)
        requests.push(
          request(1, { client, id: ++id, ticker, side, price, qty: prng.between(1, 99) }),
        );
      else if (prng.below(3) === 0)
        requests.push(request(4, { client, id: known, ticker, price, qty: prng.between(1, 99) }));
      else requests.push(cancel(client, known, ticker));
    }
    for (const [index, client] of clients.entries()) {
      client.say(...requests.filter((bytes) => bytes.readUInt32LE(1) === index + 1));
    }
    await rig.turn(1, 10 * MILLISECOND_NS);
  }
  await rig.turn(150, 10 * MILLISECOND_NS);

  const found = cycles(snapshot);
  assert.ok(found.length >= 4, `${found.length} cycles`);
  assert.equal(
    new Set(found.map(({ session }) => session)).size,
    found.length,
    'each a session of its own',
  );
  // What a receiver of every message up to that one holds.
  const messages = feed.nativeMessages();
  const books = new Map<string, unknown[]>();
  let applied = 0;
  for (const cycle of found) {
    for (; applied < cycle.last; applied++) apply(books, messages[applied]);
    const expected: unknown[][] = [];
    for (const ticker of [1, 2, 3]) {
      expected.push([6, ticker, NONE, 0, NONE, NONE, NONE]);
      const ofTicker = [...books.values()].filter(([, book]) => book === ticker);
      for (const side of [1, -1]) expected.push(...ofTicker.filter((order) => order[3] === side));
    }
    assert.deepEqual(cycle.orders, expected);
  }
  assert.ok(found.some(({ orders }) => orders.length > 500));
  // Spread over the interval, not in one burst.
  assert.ok(rig.counter('snapshot_messages') > 2_000);
});

/**
 * A native update into the books of the test: order → [5, ticker, order, side, price, qty,
 * priority], in order of arrival.
 */
function apply(books: Map<string, unknown[]>, message: Buffer): void {
  const [type, order, side, price, qty, priority] = native(message);
  const key = String(order);
  if (type === 1) books.set(key, [5, message.readUInt32LE(1), order, side, price, qty, priority]);
  if (type === 3) assert.ok(books.delete(key));
  const known = books.get(key);
  if (type === 2 && known !== undefined) books.set(key, [...known.slice(0, 5), qty, known[6]]);
}

test('a large snapshot does not burst', async (t) => {
  const port = 4_200;
  const rig = await open(t, {
    config: {
      feed: { layout: 'native', group: '239.255.77.7', port },
      snapshot: { group: '239.255.77.7', port: port + 1, intervalNs: 1_000 * MILLISECOND_NS },
    },
  });
  const snapshot = await rig.capture('snapshot');
  const client = await rig.client();
  client.say(Buffer.concat(Array.from({ length: 8_000 }, (_, i) => buy(1, i + 1, 1_000 + i, 1))));
  await rig.until(() => client.received.length === 8_000 * 42, 'all rest');
  // The first cycle was that of the empty books.
  await rig.until(() => rig.counter('snapshot_cycles') === 2, 'the next cycle', MILLISECOND_NS);
  const counts: number[] = [];
  for (let i = 0; i < 100; i++) {
    const before = snapshot.datagrams.length;
    await rig.turn(1, 10 * MILLISECOND_NS);
    counts.push(snapshot.datagrams.length - before);
  }
  assert.ok(Math.max(...counts) <= 5, `at most ${Math.max(...counts)} datagrams in 10 ms`);
  assert.equal(cycles(snapshot).at(-1)?.orders.length, 8_003);
});

/** A retransmit request by hand: session@0:10 seq@10:u64 count@18:u16, big-endian. */
function ask(session: string, sequence: number | bigint, count: number): Buffer {
  const bytes = Buffer.alloc(20);
  bytes.write(session, 0, 10, 'ascii');
  bytes.writeBigUInt64BE(BigInt(sequence), 10);
  bytes.writeUInt16BE(count, 18);
  return bytes;
}

async function answers(
  rig: ExchangeRig,
  socket: DatagramSocket,
  requests: readonly Buffer[],
): Promise<Buffer[]> {
  const found: Buffer[] = [];
  const buffer = new Uint8Array(2_048);
  for (const bytes of requests)
    socket.sendTo(bytes, 0, bytes.length, '127.0.0.1', rig.exchange.retransmitPort);
  for (let i = 0; i < 5; i++) {
    await rig.turn();
    for (
      let length = socket.receive(buffer, 0, 2_048);
      length > 0;
      length = socket.receive(buffer, 0, 2_048)
    ) {
      found.push(Buffer.from(buffer.subarray(0, length)));
    }
  }
  return found;
}

test('retransmission: what is kept, as many as fit, to the one who asks; everything else is refused and counted', async (t) => {
  const port = 4_300;
  const rig = await open(t, {
    config: {
      feed: { layout: 'native', group: '239.255.77.6', port },
      snapshot: { group: '239.255.77.6', port: port + 1, intervalNs: 1_000 * MILLISECOND_NS },
      retransmit: { host: '127.0.0.1', port: 0, messages: 128, datagramsPerSecond: 100_000 },
    },
  });
  const feed = await rig.capture('feed');
  const snapshot = await rig.capture('snapshot');
  const client = await rig.client();
  client.say(Buffer.concat(Array.from({ length: 300 }, (_, i) => buy(1, i + 1, 10_000, 1))));
  await rig.until(() => feed.nativeMessages().length === 300, 'all are published');
  const socket = await rig.clientNetwork.unicast({ host: '127.0.0.1', port: 0 });
  const session = rig.exchange.sessionName;
  const datagrams = feed.datagrams.length;

  const [five, many, last] = await answers(rig, socket, [
    ask(session, 200, 5),
    ask(session, 173, 0xffff),
    ask(session, 300, 9),
  ]);
  assert.deepEqual([five.readBigUInt64BE(10), five.readUInt16BE(18)], [200n, 5]);
  assert.equal(
    five.subarray(20).toString('hex'),
    Buffer.concat(
      feed
        .nativeMessages()
        .slice(199, 204)
        .map((message) => Buffer.concat([Buffer.from([0, 34]), message])),
    ).toString('hex'),
    'the same bytes again',
  );
  assert.deepEqual(
    [many.readBigUInt64BE(10), many.readUInt16BE(18), many.length],
    [173n, 40, 20 + 40 * 36],
  );
  assert.deepEqual([last.readBigUInt64BE(10), last.readUInt16BE(18)], [300n, 1]);

  const refused = [
    ask(session, 172, 1),
    ask(session, 301, 1),
    ask(session, 0, 1),
    ask(session, 2n ** 63n, 1),
    ask(session, 200, 0),
    ask('ELSE', 200, 1),
    ask(session, 200, 1).subarray(0, 19),
    Buffer.concat([ask(session, 200, 1), Buffer.alloc(1)]),
    Buffer.alloc(20),
    Buffer.alloc(1_472, 0xff),
  ];
  assert.deepEqual(await answers(rig, socket, refused), []);
  assert.equal(rig.counter('retransmit_refused'), refused.length);
  assert.equal(feed.datagrams.length, datagrams, 'nobody else hears of it');

  // Pieces of the latest snapshot cycle can be had too.
  await rig.turn(100, 10 * MILLISECOND_NS);
  const cycle = snapshot.datagrams.at(-1)?.toString('ascii', 0, 10) ?? '';
  const [piece] = await answers(rig, socket, [ask(cycle, 1, 2)]);
  assert.deepEqual([piece.readUInt16BE(18), piece.readUInt8(22)], [2, 7]);
});

test('retransmission is capped by rate', async (t) => {
  const rig = await open(t, {
    config: { retransmit: { host: '127.0.0.1', port: 0, messages: 128, datagramsPerSecond: 100 } },
  });
  const client = await rig.client();
  client.say(buy(1, 1, 10_000, 1));
  await rig.turn(5);
  const socket = await rig.clientNetwork.unicast({ host: '127.0.0.1', port: 0 });
  const requests = Array.from({ length: 200 }, () => ask(rig.exchange.sessionName, 1, 1));
  assert.equal(
    (await answers(rig, socket, requests)).length,
    10,
    "a tenth of a second's worth at once",
  );
  await rig.turn(1, 50 * MILLISECOND_NS);
  const later = (await answers(rig, socket, requests)).length;
  assert.ok(later >= 5 && later <= 6, `${later} after 50 ms`);
});
