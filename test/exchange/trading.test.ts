// Clients trade with each other, in every framing, over real sockets; and what they are told.
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import type { Network } from '../../src/net/transport.ts';
import { chooseNetwork } from '../../src/net/choose_network.ts';
import { NodeNetwork } from '../../src/net/node_network.ts';
import { State } from '../../src/book/types.ts';
import {
  bareResponses,
  buy,
  cancel,
  ExchangeRig,
  logIn,
  request,
  requestExtended,
  type Response,
  type RigOptions,
  sell,
  sequenced,
  sequencedResponses,
  soup,
  soupPackets,
  soupResponses,
} from './exchange_rig.ts';

const NONE_64 = 0xffff_ffff_ffff_ffffn;
const NONE_32 = 0xffff_ffff;
const PRICE_NONE = 0x7fff_ffff_ffff_ffffn;

const NETWORKS: Record<string, (() => Network) | undefined> = {
  memory: undefined,
  node: () => new NodeNetwork(),
  'system calls': () => chooseNetwork('auto').network,
};

async function open(t: TestContext, options: RigOptions = {}): Promise<ExchangeRig> {
  const rig = await ExchangeRig.open(options);
  t.after(() => rig.close());
  return rig;
}

function optionsOf(name: string): RigOptions {
  const network = NETWORKS[name];
  return network === undefined ? {} : { network };
}

/** Type, order, side, price, executed and left: what a trade looks like from one side. */
function short({ type, id, side, price, exec, leaves }: Response): readonly unknown[] {
  return [type, Number(id), side, Number(price), exec, leaves];
}

for (const name of Object.keys(NETWORKS)) {
  test(`two clients trade on bare, over ${name}`, async (t) => {
    const rig = await open(t, optionsOf(name));
    const feed = await rig.capture('feed');
    const maker = await rig.client();
    const taker = await rig.client();
    maker.say(buy(7, 1, 10_000, 30));
    await rig.until(() => maker.received.length >= 42, 'the maker is accepted');
    taker.say(sell(8, 1, 9_900, 50));
    await rig.until(
      () =>
        maker.received.length >= 84 && taker.received.length >= 84 && feed.datagrams.length >= 2,
      'a trade',
    );
    assert.deepEqual(bareResponses(maker).map(short), [
      [1, 1, 1, 10_000, 0, 30],
      [3, 1, 1, 10_000, 30, 0],
    ]);
    assert.deepEqual(bareResponses(taker).map(short), [
      [1, 1, -1, 9_900, 0, 50],
      [3, 1, -1, 10_000, 30, 20],
    ]);
    const types = feed.nativeMessages().map((message) => message.readUInt8(0));
    assert.deepEqual(types, [1, 4, 3, 1], 'add, trade, cancel, add');
  });

  test(`two clients trade on sequenced, over ${name}`, async (t) => {
    const rig = await open(t, { ...optionsOf(name), config: { framing: 'sequenced' } });
    const maker = await rig.client();
    const taker = await rig.client();
    maker.say(sequenced(1, sell(7, 5, 10_100, 4)), sequenced(2, sell(7, 6, 10_200, 4)));
    await rig.until(() => maker.received.length >= 100, 'the maker is accepted');
    taker.say(sequenced(1, buy(8, 1, 10_200, 6)));
    await rig.until(
      () => maker.received.length >= 200 && taker.received.length >= 150,
      'two fills',
    );
    assert.deepEqual(sequencedResponses(maker).map(short), [
      [1, 5, -1, 10_100, 0, 4],
      [1, 6, -1, 10_200, 0, 4],
      [3, 5, -1, 10_100, 4, 0],
      [3, 6, -1, 10_200, 2, 2],
    ]);
    assert.deepEqual(sequencedResponses(taker).map(short), [
      [1, 1, 1, 10_200, 0, 6],
      [3, 1, 1, 10_100, 4, 2],
      [3, 1, 1, 10_200, 2, 0],
    ]);
  });

  test(`two clients trade on soup, over ${name}`, async (t) => {
    const rig = await open(t, optionsOf(name));
    const maker = await rig.client();
    const taker = await rig.client();
    maker.say(logIn('7'), soup('U', buy(7, 1, 10_000, 3)));
    await rig.until(() => soupResponses(maker).length === 1, 'the maker is accepted');
    taker.say(logIn('8'), soup('U', sell(8, 1, 10_000, 3)));
    await rig.until(
      () => soupResponses(maker).length === 2 && soupResponses(taker).length === 2,
      'a trade',
    );
    const [accepted] = soupPackets(maker);
    assert.equal(accepted.type, 'A');
    assert.equal(
      accepted.payload.toString('ascii'),
      `${rig.exchange.sessionName}${'1'.padStart(20)}`,
    );
    assert.deepEqual(soupResponses(maker).map(short), [
      [1, 1, 1, 10_000, 0, 3],
      [3, 1, 1, 10_000, 3, 0],
    ]);
    assert.deepEqual(soupResponses(taker).map(short), [
      [1, 1, -1, 10_000, 0, 3],
      [3, 1, -1, 10_000, 3, 0],
    ]);
  });
}

test('a bare client and a sequenced client trade with each other', async (t) => {
  const rig = await open(t, {
    network: () => chooseNetwork('auto').network,
    config: {
      listeners: [
        { host: '127.0.0.1', port: 0, framing: 'bare' },
        { host: '127.0.0.1', port: 0, framing: 'sequenced' },
      ],
    },
  });
  const bare = await rig.client(0);
  const book = await rig.client(1);

  // As the Rust system's client writes a new order: BUY 10 of ticker 1 at 100.00 by client 1, order
  // 1001.
  bare.say(
    Buffer.from(
      '01' + '01000000' + '01000000' + 'e903000000000000' + '01' + '1027000000000000' + '0a000000',
      'hex',
    ),
  );
  await rig.until(() => bare.received.length === 42, 'an answer of 42 bytes');
  assert.equal(
    bare.take(42).toString('hex'),
    '01' +
      '01000000' +
      '01000000' +
      'e903000000000000' +
      '0100000000000000' +
      '01' +
      '1027000000000000' +
      '00000000' +
      '0a000000',
  );

  // As the C++ book's client does, its sequence first: SELL 25 at 99.99 by client 2, order 1.
  book.say(
    Buffer.from(
      '0100000000000000' +
        '01' +
        '02000000' +
        '01000000' +
        '0100000000000000' +
        'ff' +
        '0f27000000000000' +
        '19000000',
      'hex',
    ),
  );
  await rig.until(
    () => book.received.length === 100 && bare.received.length === 42,
    'the fill on both sides',
  );
  assert.equal(
    book.take(50).toString('hex'),
    '0100000000000000' +
      '01' +
      '02000000' +
      '01000000' +
      '0100000000000000' +
      '0200000000000000' +
      'ff' +
      '0f27000000000000' +
      '00000000' +
      '19000000',
  );
  assert.equal(
    book.take(50).toString('hex'),
    '0200000000000000' +
      '03' +
      '02000000' +
      '01000000' +
      '0100000000000000' +
      '0200000000000000' +
      'ff' +
      '1027000000000000' +
      '0a000000' +
      '0f000000',
  );
  assert.equal(
    bare.take(42).toString('hex'),
    '03' +
      '01000000' +
      '01000000' +
      'e903000000000000' +
      '0100000000000000' +
      '01' +
      '1027000000000000' +
      '0a000000' +
      '00000000',
  );

  // A cancel of the rest, and one more that comes too late: every field behind the client's order
  // is none.
  book.say(
    Buffer.from(
      '0200000000000000' +
        '02' +
        '02000000' +
        '01000000' +
        '0100000000000000' +
        '00' +
        'ffffffffffffff7f' +
        'ffffffff' +
        '0300000000000000' +
        '02' +
        '02000000' +
        '01000000' +
        '0100000000000000' +
        '00' +
        'ffffffffffffff7f' +
        'ffffffff',
      'hex',
    ),
  );
  await rig.until(() => book.received.length === 100, 'canceled, cancel rejected');
  assert.equal(
    book.take(50).toString('hex'),
    '0300000000000000' +
      '02' +
      '02000000' +
      '01000000' +
      '0100000000000000' +
      '0200000000000000' +
      'ff' +
      '0f27000000000000' +
      'ffffffff' +
      '0f000000',
  );
  assert.equal(
    book.take(50).toString('hex'),
    '0400000000000000' +
      '04' +
      '02000000' +
      '01000000' +
      '0100000000000000' +
      'ffffffffffffffff' +
      '00' +
      'ffffffffffffff7f' +
      'ffffffff' +
      'ffffffff',
  );
});

test('requests that cannot be: each is answered with its code, in order, and nothing rests', async (t) => {
  const rig = await open(t, {
    config: {
      instruments: [
        {
          ticker: 1,
          symbol: 'A',
          decimals: 2,
          tickSize: 5,
          lotSize: 1,
          minPrice: 5,
          maxPrice: 100_000,
        },
        {
          ticker: 4_000_000_000,
          symbol: 'B',
          decimals: 2,
          tickSize: 1,
          lotSize: 100,
          minPrice: -1_000,
          maxPrice: 100_000,
        },
      ],
    },
  });
  const client = await rig.client();
  const bad: [Buffer, number][] = [
    [buy(3, 1, 10_000, 1, 77), 1],
    [request(1, { client: 3, id: 2, side: 0 }), 2],
    [request(1, { client: 3, id: 2, side: 2 }), 2],
    [request(1, { client: 3, id: 2, side: -128 }), 2],
    [buy(3, 3, 10_001, 1), 3],
    [buy(3, 3, 0, 1), 3],
    [buy(3, 3, 100_005, 1), 3],
    [request(1, { client: 3, id: 3, price: PRICE_NONE }), 3],
    [request(1, { client: 3, id: 3, price: -(2n ** 63n) }), 3],
    [request(1, { client: 3, id: 3, price: 2n ** 40n }), 3],
    [buy(3, 4, 10_000, 0), 4],
    [buy(3, 4, 10_000, NONE_32), 4],
    [buy(3, 4, 10_000, 150, 4_000_000_000), 4],
    [buy(99, 5, 10_000, 1), 8],
    [requestExtended({ client: 3, id: 6, orderType: 9 }), 24],
    [requestExtended({ client: 3, id: 6, tif: 2 }), 24],
    [requestExtended({ client: 3, id: 6, stp: 6 }), 24],
    [requestExtended({ client: 3, id: 6, flags: 2 }), 24],
    [requestExtended({ client: 3, id: 6, orderType: 4, stopPrice: 3 }), 3],
    [request(4, { client: 3, id: 6, price: 10_000, qty: 5 }), 6],
    [request(5, { client: 3, id: 0, ticker: 9 }), 1],
    [request(5, { client: 3, id: 0, side: 2 }), 2],
  ];
  client.say(...bad.map(([bytes]) => bytes));
  await rig.until(() => client.received.length === bad.length * 42, 'all answers');
  const answers = bareResponses(client);
  assert.deepEqual(
    answers.map(({ type, exec, leaves }) => [type, exec, leaves]),
    bad.map(([, code]) => [5, code, 0]),
  );
  assert.deepEqual(
    answers.map(({ id }) => id),
    bad.map(([bytes]) => bytes.readBigUInt64LE(9)),
  );
  assert.deepEqual(
    answers.map(({ ticker }) => ticker),
    bad.map(([bytes]) => bytes.readUInt32LE(5)),
    'the ticker as it came',
  );
  assert.ok(answers.every(({ client: to, market }) => to === 3 && market === NONE_64));
  assert.equal(answers[4].price, PRICE_NONE, 'a price off the grid is not repeated');
  // The engine checks everything again, and would hide that the sequencer does not.
  const byEngine = ['outside of the range', 'outside of the range', 'no such order'];
  assert.equal(rig.counter('requests_refused'), bad.length - byEngine.length);
  assert.equal(rig.exchange.engine.ordersLive, 0);
  assert.equal(rig.counter('feed_messages'), 0);
});

test('cancels: canceled with what was removed; unknown ones get code 6 in a type 4 on bare', async (t) => {
  const rig = await open(t);
  const client = await rig.client();
  client.say(buy(3, 1, 10_000, 10), cancel(3, 1), cancel(3, 1), cancel(3, 2, 55));
  await rig.until(() => client.received.length === 4 * 42, 'four answers');
  const [, canceled, late, unknown] = bareResponses(client);
  assert.deepEqual([canceled.type, canceled.exec, canceled.leaves], [2, NONE_32, 10]);
  assert.deepEqual(
    [late.type, late.exec, late.leaves, late.side, late.price],
    [4, 6, 0, 0, PRICE_NONE],
  );
  assert.deepEqual([unknown.type, unknown.exec, unknown.ticker], [4, 1, 55]);
});

test('extended orders: IOC, market, post-only, iceberg, stop; what the system cancels is a type 7 with the code', async (t) => {
  const rig = await open(t);
  const maker = await rig.client();
  const taker = await rig.client();
  maker.say(requestExtended({ client: 1, id: 1, side: -1, price: 10_000, qty: 20, display: 5 }));
  await rig.until(() => maker.received.length === 42, 'the iceberg rests');
  taker.say(
    requestExtended({ client: 2, id: 1, side: 1, price: 10_000, qty: 3, flags: 1 }), // post-only would trade
    requestExtended({
      client: 2,
      id: 2,
      side: 1,
      orderType: 1,
      qty: 30,
      tif: 3,
      price: PRICE_NONE,
    }), // market: 20, rest gone
    requestExtended({ client: 2, id: 3, side: 1, price: 9_000, qty: 4, tif: 3 }), // IOC that meets nothing
    requestExtended({ client: 2, id: 4, side: 1, price: 9_000, qty: 4, tif: 4 }), // FOK that cannot
  );
  await rig.until(() => taker.received.length === 10 * 42, 'ten answers');
  assert.deepEqual(bareResponses(taker).map(short), [
    [5, 1, 1, 10_000, 17, 0],
    [1, 2, 1, 0, 0, 30],
    [3, 2, 1, 10_000, 5, 25],
    [3, 2, 1, 10_000, 5, 20],
    [3, 2, 1, 10_000, 5, 15],
    [3, 2, 1, 10_000, 5, 10],
    [7, 2, 1, 0, 18, 10],
    [1, 3, 1, 9_000, 0, 4],
    [7, 3, 1, 9_000, 18, 4],
    [5, 4, 1, 9_000, 18, 0],
  ]);
  assert.equal(bareResponses(maker).at(-1)?.leaves, 0);
});

test('modify: the quantity is the total of the chain, executions included', async (t) => {
  const rig = await open(t);
  const maker = await rig.client();
  const taker = await rig.client();
  maker.say(buy(1, 1, 10_000, 10));
  await rig.until(() => maker.received.length === 42, 'accepted');
  taker.say(sell(2, 1, 10_000, 4));
  await rig.until(() => maker.received.length === 84, 'filled 4');
  maker.say(
    request(4, { client: 1, id: 1, price: 10_100, qty: 9 }),
    request(4, { client: 1, id: 1, price: 10_100, qty: 4 }),
  );
  await rig.until(() => maker.received.length === 168, 'two modifies');
  assert.deepEqual(bareResponses(maker).slice(2).map(short), [
    [6, 1, 1, 10_100, 0, 5],
    [2, 1, 1, 10_100, NONE_32, 5],
  ]);
});

test('self-trade prevention is on by default; the newest goes', async (t) => {
  const rig = await open(t);
  const client = await rig.client();
  client.say(buy(1, 1, 10_000, 10), sell(1, 2, 10_000, 4));
  await rig.until(() => client.received.length === 3 * 42, 'three answers');
  assert.deepEqual(bareResponses(client).map(short), [
    [1, 1, 1, 10_000, 0, 10],
    [1, 2, -1, 10_000, 0, 4],
    [7, 2, -1, 10_000, 19, 4],
  ]);
  assert.equal(rig.counter('trades'), 0);
});

test('mass cancel takes all of one client and leaves the others', async (t) => {
  const rig = await open(t);
  const one = await rig.client();
  const two = await rig.client();
  one.say(buy(1, 1, 10_000, 1), buy(1, 2, 9_000, 1, 2), sell(1, 3, 11_000, 1));
  two.say(buy(2, 1, 10_000, 1));
  await rig.until(() => one.received.length === 3 * 42 && two.received.length === 42, 'all rest');
  one.say(request(5, { client: 1, id: 0, ticker: NONE_32, side: 1 }));
  await rig.until(() => one.received.length === 5 * 42, 'two bids canceled');
  assert.deepEqual(
    bareResponses(one)
      .slice(3)
      .map(({ type, id }) => [type, id]),
    [
      [2, 1n],
      [2, 2n],
    ],
  );
  assert.equal(rig.exchange.engine.ordersLive, 2);
});

test('a halted instrument takes cancels only', async (t) => {
  const rig = await open(t);
  const feed = await rig.capture('feed');
  const client = await rig.client();
  client.say(buy(1, 1, 10_000, 1));
  await rig.until(() => client.received.length === 42, 'accepted');
  rig.exchange.setState(1, State.Halted);
  await rig.turn();
  // The state goes before what the exchange refuses by itself: a price that no book can have.
  const beyond = { client: 1, id: 3, price: 1n << 40n };
  client.say(buy(1, 2, 10_000, 1), request(1, beyond), request(4, beyond), cancel(1, 1));
  await rig.until(() => client.received.length === 5 * 42, 'rejected, canceled');
  assert.deepEqual(
    bareResponses(client)
      .slice(1)
      .map(({ type, exec }) => [type, exec]),
    [
      [5, 16],
      [5, 16],
      [5, 16],
      [2, NONE_32],
    ],
  );
  const state = feed.nativeMessages().find((message) => message.readUInt8(0) === 9);
  assert.equal(state?.readUInt32LE(22), State.Halted, 'the state stands in the quantity');
  assert.throws(
    () => rig.exchange.setState(9, State.Open),
    /ticker: expected one of 1, 2, 3, was 9/,
  );
});

test('the order of one read is kept, however many requests it has and whoever comes between', async (t) => {
  const rig = await open(t, { config: { limits: { framesPerTurn: 16 } } });
  const clients = await Promise.all([1, 2, 3].map(async () => rig.client()));
  // A new order and its own cancel, a hundred times, in one piece.
  for (const [index, client] of clients.entries()) {
    const pairs = Array.from({ length: 100 }, (_, i) => [
      buy(index, i + 1, 10_000, 1),
      cancel(index, i + 1),
    ]).flat();
    client.say(Buffer.concat(pairs));
  }
  await rig.until(
    () => clients.every(({ received }) => received.length === 200 * 42),
    'two hundred answers each',
  );
  for (const client of clients) {
    assert.deepEqual(
      bareResponses(client).map(({ type, id }) => [type, Number(id)]),
      Array.from({ length: 200 }, (_, i) => [i % 2 === 0 ? 1 : 2, (i >> 1) + 1]),
    );
  }
  assert.equal(rig.exchange.engine.ordersLive, 0);
});

test('a batch larger than the command area, and an order that fills the event ring', async (t) => {
  const rig = await open(t, { config: { ordersMax: 30_000, limits: { framesPerTurn: 4_096 } } });
  const maker = await rig.client();
  const taker = await rig.client();
  const makers = Buffer.concat(Array.from({ length: 20_000 }, (_, i) => sell(1, i + 1, 10_000, 1)));
  maker.say(makers);
  await rig.until(() => maker.received.length === 20_000 * 42, 'all rest');
  taker.say(buy(2, 1, 10_000, 20_000));
  await rig.until(
    () => taker.received.length === 20_001 * 42 && maker.received.length === 40_000 * 42,
    'all fill',
  );
  assert.equal(rig.exchange.engine.ordersLive, 0);
  assert.equal(rig.counter('trades'), 20_000);
});
