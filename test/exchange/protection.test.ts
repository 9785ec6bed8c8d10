// What an account may do: size, notional, collar, position, open orders, shares, rate; what the
// operator can forbid; what a repeated order is answered. Each check alone, with the mistake that it
// is there for; protection_model.test.ts has them all at random.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { COMMAND, State } from '../../src/book/types.ts';
import { CloseReason } from '../../src/exchange/counters.ts';
import { chooseNetwork } from '../../src/net/choose_network.ts';
import {
  buy,
  cancel,
  type ExchangeRig,
  logIn,
  type RawClient,
  request,
  requestExtended,
  sell,
  soup,
  soupPackets,
} from './exchange_rig.ts';
import { accountOf, ask, holdings, openLimited, riskOf, soupWords, words } from './protection_rig.ts';

const MARKET = 1;
const STOP = 3;
const STOP_LIMIT = 4;
const IOC = 3;

const modify = (client: number, id: number, price: number, qty: number): Buffer =>
  request(4, { client, id, price, qty });
const massCancel = (client: number): Buffer => request(5, { client, id: 0, ticker: 0xffff_ffff, side: 0 });

/** Somebody without limits of their own to trade with. */
const OTHER = 900;

// ── one order ────────────────────────────────────────────────────────────────────────────────────

test('order size: the whole chain counts, icebergs and market orders too', async (t) => {
  const rig = await openLimited(t, riskOf({ orderQty: 100 }));
  const client = await rig.client();
  assert.deepEqual(
    await ask(
      rig,
      client,
      7,
      buy(5, 1, 10_000, 100),
      buy(5, 2, 10_000, 101),
      requestExtended({ client: 5, id: 3, price: 10_000, qty: 101, display: 10 }),
      requestExtended({ client: 5, id: 4, qty: 101, orderType: MARKET }),
      modify(5, 1, 10_000, 101),
      modify(5, 1, 9_999, 100),
      buy(5, 9, 10_000, 0),
    ),
    ['accepted 1', 'rejected 2: 9', 'rejected 3: 9', 'rejected 4: 9', 'rejected 1: 9', 'modified 1', 'rejected 9: 4'],
  );
  assert.equal(rig.counter('rejected_for_order_too_large'), 4);
});

test('notional: price times quantity, in whole units of money; market orders by the reference', async (t) => {
  const rig = await openLimited(t, riskOf({ notional: 1_000 }));
  const client = await rig.client();
  const other = await rig.client();
  assert.deepEqual(
    await ask(
      rig,
      client,
      5,
      buy(5, 1, 10_000, 10),
      buy(5, 2, 10_001, 10),
      requestExtended({ client: 5, id: 3, qty: 1, orderType: MARKET }),
      requestExtended({ client: 5, id: 4, qty: 11, orderType: STOP, stopPrice: 10_000 }),
      requestExtended({ client: 5, id: 5, qty: 10, orderType: STOP, stopPrice: 10_000 }),
    ),
    ['accepted 1', 'rejected 2: 10', 'rejected 3: 10', 'rejected 4: 10', 'accepted 5'],
    'without a reference nobody knows what a market order will cost',
  );
  await ask(rig, other, 2, sell(OTHER, 1, 10_000, 1));
  assert.deepEqual(
    await ask(
      rig,
      other,
      2,
      requestExtended({ client: OTHER, id: 2, side: -1, qty: 11, orderType: MARKET }),
      requestExtended({ client: OTHER, id: 3, side: -1, qty: 9, orderType: MARKET }),
    ),
    ['rejected 2: 10', 'filled 3: 9'].toSpliced(1, 0, 'accepted 3').slice(0, 3),
  );
  const wide = await openLimited(t, riskOf({ notional: 1_000 }));
  const big = await wide.client();
  // 2^31 ticks times 2^32: beyond 2^53 and, in cents, beyond 2^63 / 2.
  assert.deepEqual(await ask(wide, big, 1, buy(5, 1, 0x7fff_ffff, 0xffff_fffe)), ['rejected 1: 10']);
});

test('collar: around the last trade, either way, in ticks and in basis points; the first order has none', async (t) => {
  for (const limits of [{ collarTicks: 500 }, { collarBps: 500 }, { collarTicks: 500, collarBps: 9_000 }]) {
    const rig = await openLimited(t, riskOf(limits));
    const maker = await rig.client();
    const taker = await rig.client();
    assert.deepEqual(
      await ask(rig, maker, 2, sell(5, 1, 10_000, 10), buy(5, 2, 1, 1)),
      ['accepted 1', 'accepted 2'],
      'nothing has traded, and there is one side only: somebody has to be the first',
    );
    await ask(rig, taker, 2, buy(6, 1, 10_000, 1));
    assert.deepEqual(
      await ask(
        rig,
        taker,
        6,
        buy(6, 2, 9_500, 1),
        buy(6, 3, 9_499, 1),
        sell(6, 4, 10_500, 1),
        sell(6, 5, 10_501, 1),
        requestExtended({ client: 6, id: 6, price: 10_501, qty: 1, orderType: STOP_LIMIT, stopPrice: 10_400 }),
        modify(6, 2, 9_499, 1),
      ),
      ['accepted 2', 'rejected 3: 11', 'accepted 4', 'rejected 5: 11', 'rejected 6: 11', 'rejected 2: 11'],
      JSON.stringify(limits),
    );
  }
});

test('collar around the mid of best bid and ask: a half tick counts', async (t) => {
  const rig = await openLimited(t, riskOf({ collarTicks: 100 }, [], { collarReference: 'mid' }));
  const client = await rig.client();
  await ask(rig, client, 2, buy(5, 1, 9_990, 1), sell(5, 2, 10_011, 1));
  await rig.turn();
  // The mid is 10,000.5, which a truncating division would call 10,000.
  assert.deepEqual(
    await ask(rig, client, 4, buy(5, 3, 9_900, 1), sell(5, 4, 10_101, 1), buy(5, 5, 9_901, 1), sell(5, 6, 10_100, 1)),
    ['rejected 3: 11', 'rejected 4: 11', 'accepted 5', 'accepted 6'],
  );
});

// ── position ─────────────────────────────────────────────────────────────────────────────────────

/** Makes a client hold `position` by trades with OTHER. */
async function give(rig: ExchangeRig, client: RawClient, id: number, position: number): Promise<void> {
  const other = await rig.client();
  const qty = Math.abs(position);
  await ask(rig, client, 1, request(1, { client: 5, id, price: 10_000, qty, side: Math.sign(position) }));
  await ask(rig, other, 2, request(1, { client: OTHER, id: 1, price: 10_000, qty, side: -Math.sign(position) }));
  await rig.turn(2);
  other.connection.close();
  await rig.turn(2);
  client.received = Buffer.alloc(0);
  assert.deepEqual(holdings(rig, 5), [position, 0, 0, 0]);
}

const ONLY_5 = [{ client: 5, position: 100 }] as const;

test('open orders count: position 90, limit 100, of two BUY 10 one passes (mistake 18)', async (t) => {
  const rig = await openLimited(t, riskOf({}, ONLY_5));
  const client = await rig.client();
  await give(rig, client, 1, 90);
  assert.deepEqual(
    await ask(rig, client, 2, buy(5, 2, 9_000, 10), buy(5, 3, 9_000, 10)),
    ['accepted 2', 'rejected 3: 12'],
    'in one packet: what is under way counts',
  );
  assert.deepEqual(await ask(rig, client, 1, buy(5, 4, 9_000, 1)), ['rejected 4: 12']);
  assert.deepEqual(
    await ask(rig, client, 3, cancel(5, 2), buy(5, 5, 9_000, 10), buy(5, 6, 9_000, 1)),
    ['canceled 2', 'accepted 5', 'rejected 6: 12'],
    'a cancel before it in the same packet has made room',
  );
  assert.deepEqual(
    await ask(rig, client, 3, massCancel(5), buy(5, 7, 9_000, 10), buy(5, 8, 9_000, 1)),
    ['canceled 5', 'accepted 7', 'rejected 8: 12'],
    'so has a mass cancel',
  );
  assert.deepEqual(holdings(rig, 5), [90, 10, 0, 1]);
});

test('reducing is opposite and within the position: +10, SELL 25 beyond the limit is none (mistake 19)', async (t) => {
  const rig = await openLimited(t, riskOf({}, [{ client: 5, position: 12, openOrders: 1 }]));
  const client = await rig.client();
  await give(rig, client, 1, 10);
  assert.deepEqual(
    await ask(
      rig,
      client,
      6,
      sell(5, 2, 11_000, 25),
      buy(5, 3, 9_000, 2),
      buy(5, 4, 9_000, 1),
      sell(5, 5, 11_000, 6),
      sell(5, 6, 11_000, 4),
      sell(5, 7, 11_000, 1),
    ),
    ['rejected 2: 12', 'accepted 3', 'rejected 4: 12', 'accepted 5', 'accepted 6', 'rejected 7: 14'],
    'two reducing orders pass beyond the one open order; one lot more with them is beyond flat',
  );
});

for (const [name, order] of [
  ['limit', sell(5, 2, 11_000, 110)],
  ['market', requestExtended({ client: 5, id: 2, side: -1, qty: 110, orderType: MARKET })],
  ['stop', requestExtended({ client: 5, id: 2, side: -1, qty: 110, orderType: STOP, stopPrice: 9_000 })],
  ['iceberg', requestExtended({ client: 5, id: 2, side: -1, qty: 110, display: 10, price: 11_000 })],
  ['IOC', requestExtended({ client: 5, id: 2, side: -1, qty: 110, tif: IOC, price: 11_000 })],
] as const) {
  test(`position: a ${name} order counts whole`, async (t) => {
    const rig = await openLimited(t, riskOf({}, ONLY_5));
    const client = await rig.client();
    await give(rig, client, 1, 9);
    assert.deepEqual(await ask(rig, client, 1, order), ['rejected 2: 12']);
    const less = Buffer.from(order);
    less.writeUInt32LE(109, 26);
    assert.equal((await ask(rig, client, 1, less))[0], 'accepted 2');
  });
}

test('position: quantities add up beyond 2^32 (mistake 23)', async (t) => {
  const rig = await openLimited(t, riskOf({}, [{ client: 5, position: 4_500_000_000 }]));
  const client = await rig.client();
  assert.deepEqual(
    await ask(rig, client, 3, buy(5, 1, 9_000, 3_000_000_000), buy(5, 2, 9_000, 2_000_000_000), buy(5, 3, 9_000, 1_500_000_000)),
    ['accepted 1', 'rejected 2: 12', 'accepted 3'],
  );
  assert.deepEqual(holdings(rig, 5), [0, 4_500_000_000, 0, 2]);
});

test('modify: until it is done the larger of both counts, and its total has what was executed', async (t) => {
  const rig = await openLimited(t, riskOf({}, ONLY_5));
  const client = await rig.client();
  const other = await rig.client();
  await ask(rig, client, 1, buy(5, 1, 9_000, 60));
  await ask(rig, other, 2, sell(OTHER, 1, 9_000, 20));
  client.received = Buffer.alloc(0);
  assert.deepEqual(holdings(rig, 5), [20, 40, 0, 1]);
  assert.deepEqual(
    await ask(rig, client, 3, modify(5, 1, 9_000, 101), modify(5, 1, 9_000, 100), buy(5, 2, 8_000, 1)),
    ['rejected 1: 12', 'modified 1', 'rejected 2: 12'],
    'chain of 100: 20 executed and 80 open make 100',
  );
  assert.deepEqual(holdings(rig, 5), [20, 80, 0, 1]);
  // Down and up again in one packet: between the two both count.
  assert.deepEqual(
    await ask(rig, client, 3, modify(5, 1, 9_000, 50), modify(5, 1, 9_000, 100), buy(5, 3, 8_000, 1)),
    ['modified 1', 'modified 1', 'rejected 3: 12'],
  );
  assert.deepEqual(await ask(rig, client, 2, modify(5, 1, 9_000, 50), buy(5, 4, 8_000, 50)), ['modified 1', 'accepted 4']);
  assert.deepEqual(holdings(rig, 5), [20, 80, 0, 2]);
  assert.deepEqual(await ask(rig, client, 1, modify(5, 1, 9_000, 20)), ['canceled 1'], 'nothing is left of it');
  assert.deepEqual(holdings(rig, 5), [20, 50, 0, 1]);
});

test('modify: of an order that has the same id as one before it in the packet, on the other side', async (t) => {
  // Looked up before the packet, order 1 is a buy: adding to it would be held against the wrong side.
  const rig = await openLimited(t, riskOf({}, ONLY_5));
  const client = await rig.client();
  await ask(rig, client, 1, buy(5, 1, 9_000, 10));
  assert.deepEqual(
    await ask(rig, client, 5, cancel(5, 1), sell(5, 1, 11_000, 60), buy(5, 2, 9_000, 100), modify(5, 1, 11_000, 101), modify(5, 1, 11_000, 100)),
    ['canceled 1', 'accepted 1', 'accepted 2', 'rejected 1: 12', 'modified 1'],
  );
  assert.deepEqual(holdings(rig, 5), [0, 100, 100, 2]);
});

for (const side of [1, -1]) {
  test(`modify: of an order of the same packet what it adds counts before it is known (${side > 0 ? 'buy' : 'sell'})`, async (t) => {
    const rig = await openLimited(t, riskOf({}, ONLY_5));
    const client = await rig.client();
    const order = (id: number, qty: number): Buffer =>
      request(1, { client: 5, id, price: 10_000 - side * 1_000, qty, side });
    const price = 10_000 - side * 1_000;
    assert.deepEqual(
      await ask(rig, client, 4, order(1, 10), modify(5, 1, price, 60), order(2, 50), order(3, 40)),
      ['accepted 1', 'modified 1', 'rejected 2: 12', 'accepted 3'],
    );
    assert.deepEqual(holdings(rig, 5), [0, side > 0 ? 100 : 0, side > 0 ? 0 : 100, 2]);
  });
}

test('modify: of an order that is on another instrument it is the engine that says so', async (t) => {
  const rig = await openLimited(t, riskOf({}, ONLY_5));
  const client = await rig.client();
  assert.deepEqual(
    await ask(rig, client, 3, buy(5, 1, 9_000, 10, 2), buy(5, 2, 9_000, 100), modify(5, 1, 9_000, 20)),
    ['accepted 1', 'accepted 2', 'rejected 1: 6'],
    'it would add to a position that is full, were it there',
  );
});

test('icebergs, stops and self-trades: what is open is what the gate has open', async (t) => {
  const rig = await openLimited(t, riskOf({ position: 1_000 }));
  const client = await rig.client();
  const other = await rig.client();
  await ask(
    rig,
    client,
    3,
    requestExtended({ client: 5, id: 1, price: 9_000, qty: 100, display: 30 }),
    requestExtended({ client: 5, id: 2, side: -1, qty: 40, orderType: STOP_LIMIT, stopPrice: 8_500, price: 8_400 }),
    requestExtended({ client: 5, id: 3, side: -1, price: 11_000, qty: 50, stp: 5 }),
  );
  assert.deepEqual(holdings(rig, 5), [0, 100, 90, 3]);
  await ask(rig, other, 2, sell(OTHER, 1, 9_000, 70));
  assert.deepEqual(holdings(rig, 5), [70, 30, 90, 3], 'through two refreshes');
  await ask(rig, client, 2, modify(5, 1, 9_000, 120), modify(5, 2, 8_300, 60));
  assert.deepEqual(holdings(rig, 5), [70, 50, 110, 3]);
  // Its own sell meets its own iceberg: decrement takes 20 of both, then OTHER's sell triggers the stop.
  await ask(rig, client, 2, requestExtended({ client: 5, id: 4, side: -1, price: 9_000, qty: 20, tif: IOC, stp: 5 }));
  assert.deepEqual(holdings(rig, 5), [70, 30, 110, 3]);
  await ask(rig, client, 1, buy(5, 5, 8_300, 100));
  await ask(rig, client, 1, cancel(5, 1));
  const low = await rig.client();
  await ask(rig, low, 2, sell(901, 1, 8_300, 10));
  await rig.turn(3);
  assert.deepEqual(holdings(rig, 5), [80, 90, 50, 2], 'the stop met its owner\'s buy and went');
  await ask(rig, client, 2, massCancel(5));
  assert.deepEqual(holdings(rig, 5), [80, 0, 0, 0]);
  rig.exchange.gate.checkInvariants();
});

test('what the engine refuses or cancels at once is held against nobody afterwards', async (t) => {
  const rig = await openLimited(t, riskOf({ position: 10 }));
  const client = await rig.client();
  assert.deepEqual(
    await ask(
      rig,
      client,
      7,
      buy(5, 1, 9_000, 5),
      buy(5, 1, 9_000, 5), // an id in use
      requestExtended({ client: 5, id: 2, price: 9_000, qty: 5, tif: IOC }), // nothing to meet
      requestExtended({ client: 5, id: 3, price: 9_000, qty: 5, tif: 4 }),
      buy(5, 4, 9_000, 5),
      buy(5, 5, 9_000, 1),
    ),
    ['accepted 1', 'rejected 1: 5', 'accepted 2', 'expired 2: 18', 'rejected 3: 18', 'accepted 4', 'rejected 5: 12'],
  );
  assert.deepEqual(holdings(rig, 5), [0, 10, 0, 2]);
});

test('a position is kept while its client is away, on bare too, and what is held against it', async (t) => {
  const rig = await openLimited(t, riskOf({}, ONLY_5), { config: { cancelOnDisconnect: false } });
  const client = await rig.client();
  await give(rig, client, 1, 60);
  await ask(rig, client, 1, buy(5, 2, 9_000, 30));
  client.connection.close();
  await rig.turn(20, 1e9 / 10);
  const again = await rig.client();
  assert.deepEqual(
    await ask(rig, again, 2, buy(5, 3, 9_000, 11), buy(5, 4, 9_000, 10)),
    ['rejected 3: 12', 'accepted 4'],
  );
  // Without orders too; and others may have come meanwhile.
  await ask(rig, again, 2, massCancel(5));
  again.connection.close();
  await rig.turn(20, 1e9 / 10);
  await ask(rig, await rig.client(), 1, buy(77, 1, 9_000, 1));
  const third = await rig.client();
  assert.deepEqual(
    await ask(rig, third, 2, buy(5, 5, 8_000, 41), buy(5, 6, 8_000, 40)),
    ['rejected 5: 12', 'accepted 6'],
  );
});

test('an account that keeps nothing is forgotten, and its place is another\'s', async (t) => {
  const rig = await openLimited(t, riskOf({ position: 100 }), { config: { limits: { accounts: 3 } } });
  for (let client = 1; client <= 12; client++) {
    const one = await rig.client();
    await ask(rig, one, 2, buy(client, 1, 9_000, 5), buy(client, 2, 9_000, 96));
    assert.deepEqual(words(one), ['accepted 1', 'rejected 2: 12']);
    one.connection.close();
    await rig.turn(3);
  }
  await rig.turn(3, 1e9);
  assert.equal(rig.exchange.gateway.accounts.count, 0);
  rig.exchange.gate.checkInvariants();
});

test('what is let through when the command area is full is held for the batch it is in', async (t) => {
  // The gate once held an order for the batch that its own command slot then ended: the next one passed.
  const rig = await openLimited(t, riskOf({}, ONLY_5), {
    config: { limits: { framesPerTurn: 4_096, receiveBytes: 1 << 20 }, ordersMax: 30_000 },
    fabric: { streams: { receiveChunkMax: Infinity, sendChunkMax: Infinity, bufferBytes: 1 << 20 } },
  });
  const fillers = [await rig.client(), await rig.client()];
  const client = await rig.client();
  for (const one of [...fillers, client]) one.say(Buffer.alloc(0));
  await ask(rig, client, 1, buy(5, 1, 9_000, 1));
  // A buffer grows while reads fill it: a few rounds until a whole turn's frames are read at once.
  for (let round = 0; round < 12; round++) {
    const cancels = (filler: number): Buffer =>
      Buffer.concat(Array.from({ length: 4_096 - (filler === 1 ? 1 : 0) }, (_, i) => cancel(700 + filler, i + 1)));
    fillers.forEach((filler, i) => filler.say(cancels(i)));
    client.say(buy(5, 2 + round * 3, 9_000, 60), buy(5, 3 + round * 3, 9_000, 60), massCancel(5));
    await rig.turn(4);
    const [, buys] = holdings(rig, 5);
    assert.ok(buys <= 100, `${buys} open`);
    assert.ok(words(client).filter((line) => line.startsWith('accepted')).length <= 2 + round);
  }
});

// ── open orders and shares ───────────────────────────────────────────────────────────────────────

test('open orders: of one account over all instruments, waiting stops and what is under way included', async (t) => {
  const rig = await openLimited(t, riskOf({ openOrders: 3 }));
  const client = await rig.client();
  const other = await rig.client();
  assert.deepEqual(
    await ask(
      rig,
      client,
      5,
      buy(5, 1, 9_000, 1),
      buy(5, 2, 9_000, 1, 2),
      requestExtended({ client: 5, id: 3, qty: 1, orderType: STOP, stopPrice: 12_000 }),
      buy(5, 4, 9_000, 1),
      modify(5, 1, 9_001, 2),
    ),
    ['accepted 1', 'accepted 2', 'accepted 3', 'rejected 4: 14', 'modified 1'],
  );
  assert.equal((await ask(rig, other, 1, buy(6, 1, 9_000, 1)))[0], 'accepted 1', 'others have their own');
  // A fill, a cancel and an immediate order that is gone at once each make room for one.
  await ask(rig, other, 2, sell(6, 2, 9_001, 2));
  await rig.turn();
  client.received = Buffer.alloc(0);
  assert.deepEqual(
    await ask(
      rig,
      client,
      6,
      requestExtended({ client: 5, id: 5, price: 8_000, qty: 1, tif: IOC }),
      buy(5, 6, 8_000, 1),
      cancel(5, 2, 2),
      buy(5, 7, 8_000, 1),
      buy(5, 8, 8_000, 1),
    ),
    ['accepted 5', 'expired 5: 18', 'accepted 6', 'canceled 2', 'accepted 7', 'rejected 8: 14'],
  );
});

test('without any limit an account leaves a part of the orders to others', async (t) => {
  const rig = await openLimited(t, riskOf({}), { config: { ordersMax: 640 } });
  const greedy = await rig.client();
  const other = await rig.client();
  for (let i = 1; i <= 640; i++) greedy.say(buy(5, i, 9_000 - i, 1));
  await rig.until(() => words(greedy).length === 640, 'all answers');
  assert.equal(words(greedy).filter((line) => line.startsWith('accepted')).length, 620);
  assert.equal(words(greedy)[620], 'rejected 621: 14');
  assert.deepEqual(await ask(rig, other, 1, buy(6, 1, 9_000, 1)), ['accepted 1']);
});

/** Spreads orders over far prices of all instruments, both sides, stops too. */
async function spread(rig: ExchangeRig, client: RawClient, orders: number): Promise<void> {
  const block = 4_096;
  for (let i = 1; i <= orders; i++) {
    const far = 100_000 + i * block * 4;
    const ticker = 1 + (i % 3);
    client.say(
      i % 4 === 0
        ? requestExtended({ client: 66, id: i, ticker, qty: 1, orderType: STOP, stopPrice: far })
        : sell(66, i, far, 1, ticker),
    );
    if (i % 500 === 0) await rig.turn(4);
  }
  await rig.turn(40);
}

test('a client that spreads orders over thousands of far prices no longer makes others\' orders fail', async (t) => {
  for (const fairShares of [false, true]) {
    const rig = await openLimited(t, riskOf({}, [], { fairShares }), { config: { ordersMax: 20_000 } });
    const hostile = await rig.client();
    const good = await rig.client();
    await ask(rig, good, 1, buy(6, 1, 10_000, 1));
    await spread(rig, hostile, 6_000);
    const { blocksMax } = rig.exchange.engine.room;
    const accepted = words(hostile).filter((line) => line.startsWith('accepted')).length;
    const refused = words(hostile).filter((line) => line.includes(': 23')).length;
    // Orders at a new price of a part of the range where nobody is.
    const answers = await ask(rig, good, 1, buy(6, 2, 50_000, 1));
    await rig.turn(2);
    if (fairShares) {
      assert.equal(accepted, blocksMax >>> 2, 'a quarter of the blocks, and no more');
      assert.equal(accepted + refused, 6_000);
      assert.deepEqual(answers, ['accepted 2']);
      assert.deepEqual(rig.exchange.gate.occupies(accountOf(rig, 66)), { blocks: accepted, levels: accepted });
      // In blocks that it has it goes on; and what it gives back it can take again.
      assert.deepEqual(
        await ask(rig, hostile, 2, sell(66, 9_001, 100_000 + 4_096 * 4 + 1, 1, 2), cancel(66, 1, 2)).then((lines) =>
          lines.slice(-2),
        ),
        ['accepted 9001', 'canceled 1'],
      );
    } else {
      assert.ok(accepted > blocksMax, 'once it took everything');
      assert.deepEqual(words(good).slice(-2), ['accepted 2', 'expired 2: 23'], 'and others got nothing');
    }
  }
});

test('levels: one price after another, close together, takes at most half of them', async (t) => {
  const rig = await openLimited(t, riskOf({}), {
    config: { ordersMax: 140_000, limits: { framesPerTurn: 4_096, receiveBytes: 1 << 20 } },
    fabric: { streams: { receiveChunkMax: Infinity, sendChunkMax: Infinity, bufferBytes: 8 << 20 } },
  });
  const hostile = await rig.client();
  const good = await rig.client();
  const { levelsMax } = rig.exchange.engine.room;
  const orders = levelsMax / 2 + 500;
  for (let i = 1; i <= orders; i += 1_000) {
    const some = Math.min(1_000, orders - i + 1);
    hostile.say(Buffer.concat(Array.from({ length: some }, (_, k) => buy(66, i + k, 10_000 + i + k, 1))));
    await rig.turn(2);
  }
  await rig.until(() => hostile.received.length === orders * 42, 'all answers');
  assert.equal(rig.counter('rejected_for_capacity'), 500);
  assert.equal(rig.exchange.gate.occupies(accountOf(rig, 66)).levels, levelsMax / 2);
  assert.deepEqual(await ask(rig, good, 1, buy(6, 1, 5_000, 1)), ['accepted 1']);
});

test('a million orders at a few prices are no harm: many orders of a block count as its levels at most', async (t) => {
  const rig = await openLimited(t, riskOf({}), {
    config: { ordersMax: 70_000, limits: { framesPerTurn: 4_096, receiveBytes: 1 << 20 } },
    fabric: { streams: { receiveChunkMax: Infinity, sendChunkMax: Infinity, bufferBytes: 8 << 20 } },
  });
  const client = await rig.client();
  for (let i = 1; i <= 60_000; i += 2_000)
    client.say(Buffer.concat(Array.from({ length: 2_000 }, (_, k) => buy(5, i + k, 10_000 + (k % 7), 1))));
  await rig.until(() => rig.exchange.engine.ordersLive === 60_000, 'all rest');
  assert.deepEqual(rig.exchange.gate.occupies(accountOf(rig, 5)), { blocks: 1, levels: 4_096 });
});

// ── rate ─────────────────────────────────────────────────────────────────────────────────────────

test('rate: orders and modifies have one budget, cancels the larger one; then 15', async (t) => {
  const rig = await openLimited(t, riskOf({ messagesPerSecond: 5, cancelsPerSecond: 8 }));
  const client = await rig.client();
  const orders = Array.from({ length: 7 }, (_, i) => buy(5, i + 1, 9_000, 1));
  assert.deepEqual(await ask(rig, client, 7, ...orders), [
    ...[1, 2, 3, 4, 5].map((id) => `accepted ${id}`),
    'rejected 6: 15',
    'rejected 7: 15',
  ]);
  await rig.turn(1, 2_000_000);
  const cancels = Array.from({ length: 9 }, (_, i) => cancel(5, i + 1));
  assert.deepEqual(await ask(rig, client, 9, ...cancels), [
    ...[1, 2, 3, 4, 5].map((id) => `canceled ${id}`),
    ...[6, 7, 8].map((id) => `cancel rejected ${id}: 6`),
    'cancel rejected 9: 15',
  ]);
  await rig.turn(1, 2_000_000);
  assert.deepEqual(await ask(rig, client, 1, modify(5, 1, 9_000, 1)), ['rejected 1: 15']);
  await rig.turn(1, 2e8);
  assert.deepEqual(await ask(rig, client, 1, buy(5, 10, 9_000, 1)), ['accepted 10'], 'a fifth of a second later');
  assert.equal(rig.counter('rejected_for_rate'), 4);
});

test('rate: refused too often, it is told, logged out with a reason, and not let in before its time', async (t) => {
  const rig = await openLimited(t, riskOf({ messagesPerSecond: 10, refusalsPerSecond: 20 }));
  const client = await rig.client();
  client.say(logIn('5'));
  for (let i = 1; i <= 100; i++) client.say(soup('U', buy(5, i, 9_000, 1)));
  await rig.until(() => client.closed, 'it is logged out', 100_000);
  assert.equal(rig.ended[0].reason, CloseReason.Rate);
  const said = soupWords(client);
  assert.equal(said.filter((line) => line.endsWith(': 15')).length, said.length - 9, 'the log-in was the tenth message');
  assert.ok(said.length >= 9 + 21 && said.length <= 9 + 21 + 16, `${said.length} answers`);
  const early = await rig.client();
  early.say(logIn('5'));
  await rig.until(() => early.closed, 'too early');
  assert.equal(rig.ended[1].reason, CloseReason.Rate);
  assert.equal(early.received.toString('hex'), soup('J', Buffer.from('S')).toString('hex'));
  await rig.turn(20, 1e8);
  const late = await rig.client();
  late.say(logIn('5'));
  await rig.until(() => soupPackets(late).some(({ type }) => type === 'A'), 'back in');
});

test('rate: one that sends too fast is read a little and seldom, the others every turn', async (t) => {
  const rig = await openLimited(t, riskOf({ messagesPerSecond: 10, refusalsPerSecond: 0 }), {
    fabric: { streams: { receiveChunkMax: Infinity, sendChunkMax: Infinity, bufferBytes: 1 << 20 } },
  });
  const flood = await rig.client();
  flood.say(Buffer.concat(Array.from({ length: 20_000 }, (_, i) => buy(5, i + 1, 9_000, 1))));
  await rig.turn(2);
  const before = rig.counter('requests');
  await rig.turn(400, 100_000); // forty milliseconds
  const looked = rig.counter('requests') - before;
  assert.ok(looked >= 9 * 16 && looked <= 11 * 16, `${looked} requests in forty milliseconds`);
  const good = await rig.client();
  for (let i = 1; i <= 5; i++) {
    const turns = rig.nowNs;
    await ask(rig, good, 1, buy(6, i, 9_000, 1));
    assert.ok(rig.nowNs - turns <= 4 * 10_000, 'answered at once');
  }
});

test('rate: one that sends too fast gets its whole rate all the same', async (t) => {
  const rig = await openLimited(t, riskOf({ messagesPerSecond: 5_000, refusalsPerSecond: 0 }), {
    fabric: { streams: { receiveChunkMax: Infinity, sendChunkMax: Infinity, bufferBytes: 1 << 20 } },
  });
  const flood = await rig.client();
  flood.say(Buffer.concat(Array.from({ length: 20_000 }, (_, i) => buy(5, i + 1, 9_000, 1))));
  await rig.turn(40);
  const [kept, refused] = [rig.counter('accepted'), rig.counter('rejected_for_rate')];
  assert.ok(kept >= 5_000, 'a second of its rate at once');
  await rig.turn(2_000, 100_000); // 0.2 s
  const more = rig.counter('accepted') - kept;
  assert.ok(more >= 980 && more <= 1_020, `${more} orders in a fifth of a second`);
  assert.ok(rig.counter('rejected_for_rate') > refused, 'it was refused too');
});

test('rate: a second connection or another log-in is no fresh budget', async (t) => {
  const rig = await openLimited(t, riskOf({ messagesPerSecond: 4 }));
  for (let round = 0; round < 3; round++) {
    const client = await rig.client();
    const said = await ask(rig, client, 4, ...[1, 2, 3, 4].map((i) => buy(5, round * 4 + i, 9_000, 1)));
    const refused = said.filter((line) => line.endsWith(': 15')).length;
    assert.equal(refused, round === 0 ? 0 : 4, `connection ${round + 1}`);
    client.connection.close();
    // Long enough to be forgotten, were nothing to be remembered; too short for another message.
    await rig.turn(2, 5.5e7);
  }
});

// ── changes while it runs ────────────────────────────────────────────────────────────────────────

test('size, notional, collar and rate may change between two turns; a lock and positions stay', async (t) => {
  const rig = await openLimited(t, riskOf({ position: 100 }));
  const client = await rig.client();
  const { exchange } = rig;
  await ask(rig, client, 1, buy(5, 1, 9_000, 60));
  exchange.controls.kill(6);
  exchange.reconfigure({ ...exchange.config, risk: riskOf({ position: 100, orderQty: 30, messagesPerSecond: 4 }) });
  assert.deepEqual(
    await ask(rig, client, 5, buy(5, 2, 9_000, 31), buy(5, 3, 9_000, 30), buy(5, 4, 9_000, 11), buy(5, 5, 9_000, 10), buy(5, 6, 9_000, 1)),
    ['rejected 2: 9', 'accepted 3', 'rejected 4: 12', 'accepted 5', 'rejected 6: 15'],
  );
  assert.deepEqual(await ask(rig, await rig.client(), 1, buy(6, 1, 9_000, 1)), ['rejected 1: 20']);
  exchange.reconfigure({ ...exchange.config, risk: riskOf({ position: 100 }) });
  assert.deepEqual(await ask(rig, client, 2, cancel(5, 5), buy(5, 7, 9_000, 10)), ['canceled 5', 'accepted 7']);
  assert.throws(
    () => exchange.reconfigure({ ...exchange.config, risk: riskOf({}, [], { fairShares: false }) }),
    /whether events are followed does not change/,
    'what must have been counted from the start is no matter of a reload',
  );
});

test('what is changed from outside wakes the loop that the exchange runs in; looking does not', async (t) => {
  const rig = await openLimited(t, riskOf({}));
  const { exchange } = rig;
  await ask(rig, await rig.client(), 1, buy(5, 1, 9_000, 1));
  let wakes = 0;
  exchange.wokenBy(() => (wakes += 1));
  const { controls } = exchange;
  const changes = [
    () => controls.kill(5),
    () => controls.reset(5),
    () => controls.kill(null),
    () => controls.reset(null),
    () => controls.setState(1, State.Halted),
    () => controls.setState(null, State.Open),
    () => exchange.setState(1, State.Open),
    () => assert.ok(controls.logout(5)),
    () => exchange.reconfigure({ ...exchange.config }),
  ];
  for (const [i, change] of changes.entries()) {
    change();
    assert.equal(wakes, i + 1, String(change));
  }
  assert.equal(controls.logout(99), false);
  assert.equal(controls.states.length + Number(controls.locked.all), exchange.instruments.count);
  assert.equal(wakes, changes.length);
});

// ── kill switch, states, log-out ─────────────────────────────────────────────────────────────────

test('kill: orders go with reason 20, the client is told, new ones get 20, cancels are answered', async (t) => {
  const rig = await openLimited(t, riskOf({}));
  const client = await rig.client();
  const other = await rig.client();
  await ask(rig, client, 2, buy(5, 1, 9_000, 1), buy(5, 2, 9_001, 1, 2));
  await ask(rig, other, 1, buy(6, 1, 9_002, 1));
  client.received = Buffer.alloc(0);
  rig.exchange.controls.kill(5);
  assert.deepEqual(
    await ask(rig, client, 7, buy(5, 3, 9_000, 1), modify(5, 1, 9_000, 2), cancel(5, 1), cancel(5, 9)),
    ['expired 1: 20', 'expired 2: 20', 'rejected 0: 20', 'rejected 3: 20', 'rejected 1: 20', 'cancel rejected 1: 6', 'cancel rejected 9: 6'],
  );
  assert.deepEqual(await ask(rig, other, 1, buy(6, 2, 9_000, 1)), ['accepted 2'], 'nobody else');
  client.connection.close();
  await rig.turn(5, 1e9);
  assert.deepEqual(await ask(rig, await rig.client(), 1, buy(7, 1, 8_000, 1)), ['accepted 1'], 'nor who comes');
  const again = await rig.client();
  assert.deepEqual(await ask(rig, again, 1, buy(5, 4, 9_000, 1)), ['rejected 4: 20'], 'over a reconnect');
  assert.deepEqual(rig.exchange.controls.locked, { all: false, clients: [5] });
  rig.exchange.controls.reset(5);
  assert.deepEqual(await ask(rig, again, 1, buy(5, 5, 9_000, 1)), ['accepted 5']);
  assert.deepEqual(rig.exchange.controls.locked, { all: false, clients: [] });
});

test('kill all: everybody, also who comes later; reset of all lets everybody in', async (t) => {
  const rig = await openLimited(t, riskOf({}), { config: { cancelOnDisconnect: false } });
  const client = await rig.client();
  const gone = await rig.client();
  await ask(rig, client, 1, buy(5, 1, 9_000, 1));
  await ask(rig, gone, 1, buy(6, 1, 9_000, 1));
  gone.connection.close();
  await rig.turn(2);
  client.received = Buffer.alloc(0);
  rig.exchange.controls.kill(7);
  rig.exchange.controls.kill(null);
  await rig.turn(2);
  assert.deepEqual(words(client), ['expired 1: 20']);
  assert.equal(rig.exchange.engine.ordersLive, 0, 'also of those who are away');
  const late = await rig.client();
  assert.deepEqual(await ask(rig, late, 1, buy(8, 1, 9_000, 1)), ['rejected 1: 20']);
  rig.exchange.controls.reset(null);
  assert.deepEqual(await ask(rig, late, 1, buy(8, 2, 9_000, 1)), ['accepted 2']);
  assert.deepEqual(rig.exchange.controls.locked, { all: false, clients: [] });
});

test('kill on soup: the client reads of it when it comes back, in its numbered stream', async (t) => {
  const rig = await openLimited(t, riskOf({}), { config: { cancelOnDisconnect: false } });
  const client = await rig.client();
  client.say(logIn('5'), soup('U', buy(5, 1, 9_000, 1)));
  await rig.until(() => soupWords(client).length === 1, 'it rests');
  client.connection.close();
  await rig.turn(3);
  rig.exchange.controls.kill(5);
  await rig.turn(2);
  const again = await rig.client();
  again.say(logIn('5', '', 1));
  await rig.until(() => soupWords(again).length === 3, 'all three');
  assert.deepEqual(soupWords(again), ['accepted 1', 'expired 1: 20', 'rejected 0: 20']);
});

test('a lock and its end stand in the command slots: who executes them again has both', async (t) => {
  const rig = await openLimited(t, riskOf({}));
  const { engine, controls } = rig.exchange;
  const slots: Uint8Array[] = [];
  const process = engine.process.bind(engine);
  engine.process = (count) => {
    slots.push(engine.u8.slice(engine.commandBase, engine.commandBase + count * COMMAND.size));
    process(count);
  };
  const locked = async (): Promise<{ all: boolean; clients: number[] }> => {
    await rig.turn();
    const again = await openLimited(t, riskOf({}));
    const { engine: other, controls: theirs } = again.exchange;
    // As recovery would: slots into the engine, events to whoever follows them.
    const take = other.process.bind(other);
    for (const batch of slots) {
      again.exchange.controls.reset(999); // any command, so that a turn executes and tells
      other.process = () => {
        other.u8.set(batch, other.commandBase);
        take(batch.length / COMMAND.size);
      };
      await again.turn();
    }
    return theirs.locked;
  };
  controls.kill(5);
  controls.kill(6);
  assert.deepEqual(new Set((await locked()).clients), new Set([5, 6]));
  controls.reset(5);
  assert.deepEqual(await locked(), { all: false, clients: [6] });
  controls.kill(null);
  assert.deepEqual(await locked(), { all: true, clients: [6] });
  controls.reset(null);
  assert.deepEqual(await locked(), { all: false, clients: [] });
});

test('halt, open and close by the operator: of one instrument and of all', async (t) => {
  const rig = await openLimited(t, riskOf({ orderQty: 10 }));
  const client = await rig.client();
  const { controls } = rig.exchange;
  await ask(rig, client, 1, requestExtended({ client: 5, id: 1, price: 9_000, qty: 1, tif: 0 }));
  controls.setState(1, 1);
  assert.deepEqual(
    await ask(rig, client, 4, buy(5, 2, 9_000, 1), buy(5, 3, 9_000, 11), buy(5, 4, 9_000, 1, 2), cancel(5, 99)),
    ['rejected 2: 16', 'rejected 3: 16', 'accepted 4', 'cancel rejected 99: 6'],
    'a halted instrument refuses for that, before any limit',
  );
  controls.setState(null, 2);
  assert.deepEqual(await ask(rig, client, 2, buy(5, 5, 9_000, 1, 3)), ['expired 1: 16', 'rejected 5: 16']);
  controls.setState(null, 0);
  assert.deepEqual(await ask(rig, client, 1, buy(5, 6, 9_000, 1)), ['accepted 6']);
  assert.throws(() => controls.setState(77, 1), /ticker: expected one of 1, 2, 3, was 77/);
});

test('log-out by the operator: with its reason, and orders are cancelled as agreed', async (t) => {
  const rig = await openLimited(t, riskOf({}));
  const client = await rig.client();
  await ask(rig, client, 1, buy(5, 1, 9_000, 1));
  assert.equal(rig.exchange.controls.logout(5), true);
  await rig.until(() => client.closed, 'it is closed');
  assert.equal(rig.ended[0].reason, CloseReason.Operator);
  await rig.turn(2);
  assert.equal(rig.exchange.engine.ordersLive, 0);
  assert.equal(rig.exchange.controls.logout(5), false);
});

// ── repeated orders ──────────────────────────────────────────────────────────────────────────────

test('soup: a new order that comes again gets its first answer, the same bytes, and has no second effect', async (t) => {
  const rig = await openLimited(t, riskOf({ orderQty: 10 }), { config: { cancelOnDisconnect: false } });
  const client = await rig.client();
  const other = await rig.client();
  const order = (id: number, qty = 5): Buffer => soup('U', buy(5, id, 10_000 - id, qty));
  client.say(logIn('5'), order(1), order(2, 11), order(3));
  await rig.until(() => soupWords(client).length === 3, 'three answers');
  await ask(rig, other, 2, sell(6, 1, 9_999, 5));
  client.connection.close();
  await rig.turn(3);
  // It does not know what became of them, and says all of them again, and something new.
  const again = await rig.client();
  again.say(logIn('5', '', 1), order(1), order(2), order(3), order(4));
  await rig.until(() => soupWords(again).length === 8, 'what was missed, three repeated answers, a new one');
  assert.deepEqual(soupWords(again), [
    'accepted 1', 'rejected 2: 9', 'accepted 3', 'filled 1: 5', 'accepted 1', 'rejected 2: 9', 'accepted 3', 'accepted 4',
  ]);
  const messages = soupPackets(again).filter(({ type }) => type === 'S').map(({ payload }) => payload.toString('hex'));
  assert.deepEqual(messages.slice(4, 7), messages.slice(0, 3), 'byte for byte');
  assert.deepEqual([rig.counter('accepted'), rig.counter('answers_repeated')], [4, 3]);
  assert.equal(rig.exchange.engine.ordersLive, 2);
});

test('soup: repeated in the same packet, and out of the log by then', async (t) => {
  const rig = await openLimited(t, riskOf({}), {
    config: { limits: { outboundLogBytes: 64 * 45, slowReaderBytes: 64 * 45 }, cancelOnDisconnect: false },
  });
  const client = await rig.client();
  const order = (id: number): Buffer => soup('U', buy(5, id, 9_000, 1));
  client.say(logIn('5'), order(1), order(1), order(3), order(2));
  await rig.until(() => soupWords(client).length === 4, 'four answers');
  assert.deepEqual(soupWords(client), ['accepted 1', 'accepted 1', 'accepted 3', 'rejected 2: 5'], '2 was never sent');
  for (let i = 10; i < 110; i++) {
    client.say(order(i));
    await rig.until(() => soupWords(client).length === i - 5, `answer ${i}`);
  }
  client.say(order(1), order(60));
  await rig.until(() => soupWords(client).length === 106, 'two more');
  assert.deepEqual(soupWords(client).slice(-2), ['rejected 1: 5', 'accepted 60']);
});

test('soup: an order refused for its rate has used its id up too', async (t) => {
  const rig = await openLimited(t, riskOf({ messagesPerSecond: 2 }));
  const client = await rig.client();
  const order = (id: number): Buffer => soup('U', buy(5, id, 9_000, 1));
  client.say(logIn('5'), order(1), order(2));
  await rig.until(() => soupWords(client).length === 2, 'two answers');
  await rig.turn(3, 1e9);
  client.say(order(2));
  await rig.until(() => soupWords(client).length === 3, 'the third');
  assert.deepEqual(soupWords(client), ['accepted 1', 'rejected 2: 15', 'rejected 2: 15']);
});

// ── over TCP ─────────────────────────────────────────────────────────────────────────────────────

test('over TCP: throttled, killed, halted, limited and flooding clients see the right codes; a good one goes on', async (t) => {
  const rig = await openLimited(
    t,
    riskOf({}, [
      { client: 21, messagesPerSecond: 50, refusalsPerSecond: 100 },
      { client: 22, position: 10 },
      { client: 23, openOrders: 2 },
    ]),
    { network: () => chooseNetwork('auto').network },
  );
  const started = performance.now();
  const now = (): void => {
    rig.nowNs = Math.max(rig.nowNs, Math.round((performance.now() - started) * 1e6));
  };
  const settle = async (done: () => boolean, what: string): Promise<void> =>
    rig.until(() => (now(), done()), what);
  const clients = await Promise.all([20, 21, 22, 23, 24].map(async () => rig.client()));
  const [good, flood, limited, many, killed] = clients;
  limited.say(buy(22, 1, 9_000, 10), sell(22, 2, 11_000, 11));
  many.say(buy(23, 1, 9_000, 1), buy(23, 2, 9_000, 1), buy(23, 3, 9_000, 1));
  killed.say(buy(24, 1, 9_000, 1));
  await settle(() => words(killed).length === 1 && words(limited).length === 2 && words(many).length === 3, 'answers');
  assert.deepEqual(words(limited), ['accepted 1', 'rejected 2: 12']);
  assert.deepEqual(words(many), ['accepted 1', 'accepted 2', 'rejected 3: 14']);
  rig.exchange.controls.kill(24);
  killed.say(buy(24, 2, 9_000, 1), cancel(24, 1));
  await settle(() => words(killed).length === 5, 'the killed one is answered');
  assert.deepEqual(words(killed).slice(1), ['expired 1: 20', 'rejected 0: 20', 'rejected 2: 20', 'cancel rejected 1: 6']);

  flood.say(Buffer.concat(Array.from({ length: 5_000 }, (_, i) => buy(21, i + 1, 8_000, 1))));
  for (let i = 1; i <= 50; i++) {
    good.say(buy(20, i, 9_000, 1), cancel(20, i));
    await settle(() => words(good).length === i * 2, 'the good one is served');
  }
  await settle(() => flood.closed, 'the flood is logged out');
  assert.ok(rig.ended.some(({ reason }) => reason === CloseReason.Rate));
  const said = words(flood).map((line) => line.replace(/ \d+/, ''));
  assert.deepEqual([...new Set(said)], ['accepted', 'rejected: 15']);
  assert.ok(said.length < 1_000, `${said.length} of 5,000 were looked at`);

  rig.exchange.controls.setState(2, 1);
  good.say(buy(20, 101, 9_000, 1, 2), buy(20, 102, 9_000, 1));
  await settle(() => words(good).length === 102, 'both answers');
  assert.deepEqual(words(good).slice(-2), ['rejected 101: 16', 'accepted 102']);
  killed.connection.close();
  const again = await rig.client();
  again.say(buy(24, 3, 9_000, 1));
  await settle(() => words(again).length === 1, 'it is answered');
  assert.deepEqual(words(again), ['rejected 3: 20']);
});
