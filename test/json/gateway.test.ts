// The JSON gateway before an exchange: what clients ask and hear. Time is in the test's hand.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LINE_BYTES_MAX, MARKET_BYTES_MAX, UNREAD_BYTES_MAX } from '../../src/json/peer.ts';
import { LOGIN_NS, SILENCE_NS } from '../../src/json/session.ts';
import { LINE_NS } from '../../src/json/tcp_door.ts';
import { REASON_TEXT } from '../../src/book/types.ts';
import { type Event, type JsonClient, JsonRig, type JsonRigOptions } from './json_rig.ts';

const STEP_NS = 50_000_000;

async function withRig(act: (rig: JsonRig) => Promise<void>, options: JsonRigOptions = {}): Promise<void> {
  const rig = await JsonRig.open(options);
  try {
    await act(rig);
  } finally {
    rig.close();
  }
}

/** Without what changes from run to run. */
function plain({ timestamp, ...rest }: Event): Event {
  assert.match(String(timestamp), /^\d{19}$/);
  return rest;
}

const BUY = { op: 'new', symbol: 'T1', side: 'buy', price: '100.25', qty: 10 };
const SELL = { op: 'new', symbol: 'T1', side: 'sell', price: '100.25', qty: 4 };

test('orders: accepted, filled, replaced, reduced, canceled, with the client\'s own words and the session\'s sequence', () => withRig(async (rig) => {
  const [maker, taker] = [await rig.trader(7), await rig.trader(8)];
  const { session, ...ready } = plain(maker.last('session'));
  assert.deepEqual(ready, { event: 'session', state: 'ready', client: 7, next: 1 });
  assert.match(String(session), /^\w{10}$/);
  const order = { symbol: 'T1', side: 'buy', ref: 'mine', id: 100, orderId: 1 };
  const [accepted] = await rig.ask(maker, 1, { ...BUY, id: 100, ref: 'mine' });
  assert.deepEqual(plain(accepted), { event: 'accepted', seq: 1, ...order, price: '100.25', qty: 10 });
  const [, fill] = await rig.ask(taker, 2, { ...SELL, id: '18446744073709551610', ref: 5 });
  assert.deepEqual(plain(fill), {
    event: 'fill', seq: 2, id: '18446744073709551610', ref: 5, orderId: 2, symbol: 'T1', side: 'sell', price: '100.25', qty: 4,
    leaves: 0,
  });
  await rig.turn(3);
  assert.deepEqual(plain(maker.last('fill')), { event: 'fill', seq: 2, ...order, price: '100.25', qty: 4, leaves: 6 });
  // 4 executed and 5 open are a chain of 9.
  const [reduced] = await rig.ask(maker, 1, { op: 'reduce', id: 100, qty: 1 });
  assert.deepEqual(plain(reduced), { event: 'reduced', seq: 3, ...order, price: '100.25', leaves: 5, reason: 0, text: 'none' });
  const [replaced] = await rig.ask(maker, 1, { op: 'replace', id: 100, price: 100.5, qty: 7, chain: true });
  assert.deepEqual(plain(replaced), { event: 'replaced', seq: 4, ...order, price: '100.50', qty: 3 });
  const [canceled] = await rig.ask(maker, 1, { op: 'cancel', id: 100 });
  assert.deepEqual(plain(canceled), { event: 'canceled', seq: 5, ...order, qty: 3, reason: 0, text: 'none' });
  const [late] = await rig.ask(maker, 1, { op: 'cancel', id: 100, symbol: 'T1' });
  assert.deepEqual([late['event'], late['op'], late['reason'], late['text']], ['rejected', 'cancel', 6, 'unknown order']);
}));

test('every kind of order reaches the exchange as it was meant', () => withRig(async (rig) => {
  const client = await rig.trader(7);
  await rig.ask(client, 1, { ...BUY, id: 1, postOnly: true, stp: 'none', tif: 'day' });
  const kinds = [
    [{ ...SELL, id: 2, tif: 'ioc', price: '100.26' }, ['accepted', 'canceled']],
    [{ ...SELL, id: 3, tif: 'fok', qty: 11, stp: 'none' }, ['rejected']],
    [{ ...SELL, id: 4, postOnly: true }, ['rejected']],
    [{ ...SELL, id: 5, stp: 'none', minQty: 2, qty: 2, tif: 'ioc' }, ['accepted', 'fill', 'fill']],
    [{ op: 'new', symbol: 'T1', side: 'sell', qty: 2, id: 6, type: 'market', stp: 'none' }, ['accepted', 'fill', 'fill']],
    [{ ...SELL, id: 7, price: '101.00', qty: 50, display: 10 }, ['accepted']],
    [{ op: 'new', symbol: 'T1', side: 'sell', qty: 1, id: 8, type: 'stop', stopPrice: '90.00' }, ['accepted']],
    [{ ...SELL, id: 9, type: 'stop-limit', stopPrice: '90.00', price: '89.00' }, ['accepted']],
    [{ ...BUY, id: 10, qty: 0 }, ['rejected']],
    [{ ...BUY, id: 5 }, ['accepted']], // sent again: the answer of the first time, and no second effect
    [{ op: 'massCancel', side: 'sell' }, ['canceled', 'canceled', 'canceled']],
  ] as const;
  for (const [request, expected] of kinds) {
    const events = await rig.ask(client, expected.length, request);
    await rig.turn(3);
    assert.deepEqual(client.events.slice(-events.length).map(({ event }) => event), expected, JSON.stringify(request));
  }
  const reasons = client.of('rejected').map(({ op, reason }) => [op, reason]);
  assert.deepEqual(reasons, [['new', 18], ['new', 17], ['new', 4]]);
  const [first, again] = client.of('accepted').filter(({ id }) => id === 5);
  assert.deepEqual({ ...plain(again), seq: 0 }, { ...plain(first), seq: 0 });
  assert.equal(rig.exchange.engine.ordersLive, 1);
  for (const { reason, text } of client.events) if (reason !== undefined) assert.equal(text, REASON_TEXT[Number(reason)]);
}));

test('an order without an id gets one that rises, over restarts of the client too', () => withRig(async (rig) => {
  const client = await rig.trader(7);
  const events = await rig.ask(client, 3, BUY, BUY, { ...BUY, id: '9000000000000000000' });
  const [first, second] = events.map(({ id }) => Number(id));
  assert.ok(first > 1.6e15 && second > first, 'microseconds since 1970');
  const [after] = await rig.ask(client, 1, BUY);
  assert.equal(after['id'], '9000000000000000001');
  assert.equal((await rig.ask(client, 1, { op: 'status' }))[0]['lastId'], '9000000000000000001');
}));

test('prices as numbers when asked for; as text they have all their decimals', () => withRig(async (rig) => {
  const client = await rig.trader(7, { numbers: true });
  await rig.ask(client, 1, { ...BUY, price: 100.1 });
  assert.match(client.lines.at(-1) ?? '', /"price":100\.10,/);
  assert.equal(client.last('accepted')['price'], 100.1);
}));

test('what is refused says what was expected and what came, and names the request', () => withRig(async (rig) => {
  const client = await rig.trader(7);
  const refusals: readonly (readonly [object | string, number, RegExp])[] = [
    [{ ...BUY, price: '100.255' }, 3, /price: expected at most 2 decimals, was "100.255"/],
    [{ ...BUY, price: '0' }, 3, /price: price of T1: expected 1 … 2147483647 ticks, was 0/],
    [{ ...BUY, price: true }, 22, /price: expected a decimal as text or number, was true/],
    [{ ...BUY, price: 'NaN' }, 3, /price: expected a decimal number such as 100.25, was "NaN"/],
    [{ ...BUY, symbol: 'T9' }, 1, /symbol: expected one of T1, T2, T3, was "T9"/],
    [{ ...BUY, side: 'up' }, 2, /side: expected buy, sell, was "up"/],
    [{ ...BUY, qty: 1.5 }, 4, /qty: expected a whole number/],
    [{ ...BUY, qty: '10' }, 22, /qty: expected a whole number .*, was "10"/],
    [{ ...BUY, id: 2 ** 53 }, 22, /send it as a string/],
    [{ ...BUY, id: '18446744073709551616' }, 22, /id: expected/],
    [{ ...BUY, ref: 'x'.repeat(65) }, 22, /ref: expected text of at most 64/],
    [{ ...BUY, postonly: true }, 22, /new: expected fields id, ref, .* beside op, was "postonly"/],
    ['{"op":"new","__proto__":{"side":"buy"}}', 22, /was "__proto__"/],
    ['{"op":"constructor"}', 22, /op: expected login, .*, was "constructor"/],
    [{ op: 'cancel', id: 77 }, 1, /symbol: expected of an order that this connection has not sent, was absent/],
    [{ op: 'replace', id: 77, symbol: 'T1', price: 1, qty: 1 }, 2, /side: expected of an order/],
    [{ op: 'replace', id: 77, symbol: 'T1', price: 1, qty: 1, chain: false }, 24, /chain: expected true/],
    [{ op: 'reduce', id: 77, qty: 1 }, 6, /id: expected an order that this connection has sent/],
    [{ op: 'login', client: 7 }, 22, /login: expected once a connection/],
    [{ op: 'subscribe', channels: ['orders'] }, 22, /channels: expected trades, top, depth, external, was "orders"/],
    [{ op: 'subscribe', channels: [] }, 22, /channels: expected a list of 1 to 4, was one of 0/],
    ['{"op":"new"', 22, /expected a JSON object: /],
    ['[1]', 22, /expected a JSON object, was a list/],
    [`{"op":${'['.repeat(7_000)}${']'.repeat(7_000)}}`, 22, /was a list/],
    ['{"symbol":"T1","price":NaN,"volume":1,"timestamp":1}', 22, /expected a JSON object: /],
    ['{"symbol":"T1","price":1,"volume":-1,"timestamp":1}', 22, /volume: expected a whole number below 2\^53, was -1/],
    ['{"symbol":"T9","price":1,"volume":1,"timestamp":1}', 1, /symbol: expected one of this exchange's, was "T9"/],
  ];
  for (const [line, reason, text] of refusals) {
    const [event] = await rig.ask(client, 1, line);
    const what = JSON.stringify(line).slice(0, 100);
    assert.deepEqual([event['event'], event['reason']], ['rejected', reason], `${what}: ${JSON.stringify(event)}`);
    assert.match(String(event['text']), text, what);
    if (typeof line === 'object') assert.equal(event['op'], (line as Event)['op']);
  }
  const [named] = await rig.ask(client, 1, { ...BUY, id: 12, ref: 'r', qty: -1 });
  assert.deepEqual([named['id'], named['ref'], named['op']], [12, 'r', 'new']);
  assert.equal(rig.exchange.engine.ordersLive, 0, 'none of these became an order');
}));

test('of two fields with one name the last counts, in requests as in market data', () => withRig(async (rig) => {
  const client = await rig.trader(7);
  const [event] = await rig.ask(client, 1, '{"op":"cancel","op":"new","symbol":"T1","side":"sell","side":"buy","price":1,"price":"2","qty":3}');
  assert.deepEqual([event['event'], event['side'], event['price']], ['accepted', 'buy', '2.00']);
}));

// ── market data ────────────────────────────────────────────────────────────────────────────────

test('trades, top and depth: symbol, price, volume, timestamp', () => withRig(async (rig) => {
  const [trader, reader] = [await rig.trader(7, {}), await rig.client()];
  await rig.ask(reader, 1, { op: 'subscribe', channels: ['trades', 'top', 'depth'], symbols: ['T1'], intervalMs: 0 });
  assert.deepEqual(plain(reader.last('subscribed')), { event: 'subscribed', channels: ['trades', 'top', 'depth'], symbols: ['T1'] });
  await rig.until(() => reader.of('depth').length === 1, 'the book as it is');
  await rig.ask(trader, 1, { ...BUY, stp: 'none' });
  await rig.until(() => reader.of('depth').length === 2, 'a bid');
  assert.deepEqual(plain(reader.last('top')), {
    event: 'top', symbol: 'T1', price: null, volume: null, bid: '100.25', bidVolume: 10, ask: null, askVolume: 0,
  });
  await rig.ask(trader, 3, { ...SELL, stp: 'none' });
  await rig.until(() => reader.of('trade').length === 1 && reader.of('depth').length === 3, 'a trade');
  assert.deepEqual(plain(reader.last('trade')), { event: 'trade', symbol: 'T1', price: '100.25', volume: 4, side: 'sell' });
  assert.deepEqual(plain(reader.last('top')), {
    event: 'top', symbol: 'T1', price: '100.25', volume: 4, bid: '100.25', bidVolume: 6, ask: null, askVolume: 0,
  });
  assert.deepEqual(plain(reader.last('depth')), { event: 'depth', symbol: 'T1', bids: [['100.25', 6, 1]], asks: [] });
  const [depth] = await rig.ask(reader, 1, { op: 'depth', symbol: 'T1', levels: 1 });
  assert.deepEqual(plain(depth), plain(reader.of('depth')[2]));
  const heard = reader.events.length;
  reader.say({ op: 'unsubscribe', channels: ['trades', 'top', 'depth'] });
  await rig.ask(trader, 1, { ...BUY, symbol: 'T1' }, { ...BUY, symbol: 'T2' });
  await rig.turn(50);
  assert.deepEqual(reader.events.slice(heard).map(({ event }) => event), ['unsubscribed']);
}));

test('market data of clients: one who is known says it, who wants it hears it', () => withRig(async (rig) => {
  const [trader, reader] = [await rig.trader(7), await rig.client()];
  await rig.ask(reader, 1, { op: 'subscribe', channels: ['external'], symbols: ['T2'] });
  trader.say('{"symbol":"T2","price":50000.10,"volume":3,"timestamp":1700000000123456789}');
  trader.say('{"symbol":"T\\u0032","price":"1e1","volume":3,"timestamp":1}', '{"symbol":"T1","price":1,"volume":3,"timestamp":1}');
  await rig.until(() => reader.of('external').length === 1 && trader.of('rejected').length === 1, 'a price from outside');
  assert.match(reader.lines.at(-1) ?? '', /"price":"50000\.10","volume":3,"client":7,"timestamp":1700000000123456789\}/);
  const [refused] = await rig.ask(reader, 1, '{"symbol":"T2","price":1,"volume":3,"timestamp":1}');
  assert.equal(refused['reason'], 21);
}));

test('a reader that never reads: market data is conflated and counted, order events are kept, at its cap it goes', () => withRig(async (rig) => {
  const [trader, slow, other] = [await rig.trader(7), await rig.trader(8), await rig.client()];
  for (const reader of [slow, other]) reader.say({ op: 'subscribe', channels: ['trades', 'top'], intervalMs: 0 });
  await rig.turn(20);
  slow.reads = false;
  for (let round = 0; round < 400; round++) {
    for (let i = 0; i < 10; i++) trader.say({ ...BUY, stp: 'none', qty: 1 }, { ...SELL, stp: 'none', qty: 1 });
    await rig.turn(4);
  }
  await rig.turn(100);
  assert.equal(other.of('trade').length, 4_000, 'who reads hears every trade');
  assert.ok(rig.gateway.dropped > 100, `${rig.gateway.dropped} were left out`);
  assert.equal(slow.closed, false);
  slow.reads = true;
  await rig.until(() => slow.of('dropped').length > 0, 'that some were left out');
  const heard = slow.of('trade').length;
  assert.equal(heard + Number(slow.last('dropped')['count']), 4_000, 'each was told or counted');
  const before = slow.of('top').length;
  assert.ok(before < 4_000 && before > 0);
  assert.deepEqual({ ...slow.last('top'), timestamp: 0 }, { ...other.last('top'), timestamp: 0 }, 'the newest is told');
  // Its own answers are never left out: they end it.
  slow.reads = false;
  for (let i = 0; i < 900 && rig.gateway.connections === 3; i++) {
    for (let k = 0; k < 40; k++) slow.say({ op: 'status' });
    await rig.turn(1);
  }
  assert.equal(rig.gateway.connections, 2);
  slow.reads = true;
  await rig.until(() => slow.closed, 'its end');
}, { fabric: { streams: { receiveChunkMax: Infinity, sendChunkMax: Infinity, bufferBytes: MARKET_BYTES_MAX } } }));

// ── deadlines and bounds ───────────────────────────────────────────────────────────────────────

test('five seconds to log in or to subscribe', () => withRig(async (rig) => {
  const [silent, busy] = [await rig.client(), await rig.client()];
  busy.say({ op: 'subscribe', channels: ['trades'] });
  const startNs = rig.clock.nowNs;
  await rig.until(() => silent.closed, 'the end of the silent', STEP_NS);
  assert.ok(rig.clock.nowNs - startNs >= LOGIN_NS);
  assert.match(String(silent.last('closed')['text']), /expected a log-in or a subscription within 5 s/);
  await rig.turn(200, STEP_NS);
  assert.equal(busy.closed, false);
}));

test('a line that was started must end in time', () => withRig(async (rig) => {
  const client = await rig.trader(7);
  client.sayBytes('{"op":');
  const startNs = rig.clock.nowNs;
  await rig.until(() => client.closed, 'its end', STEP_NS);
  assert.ok(rig.clock.nowNs - startNs >= LINE_NS && rig.clock.nowNs - startNs < 2 * LINE_NS);
  assert.match(String(client.last('closed')['text']), /expected the end of a line within 5 s/);
}));

test('a client that has logged in and says nothing is asked, then disconnected, and its orders go', () => withRig(async (rig) => {
  const [dead, alive] = [await rig.trader(7), await rig.trader(8)];
  await rig.ask(dead, 1, BUY);
  let answered = 0;
  const startNs = rig.clock.nowNs;
  await rig.until(() => {
    if (alive.of('heartbeat').length > answered) {
      answered = alive.of('heartbeat').length;
      alive.say({ op: 'heartbeat' });
    }
    return dead.closed;
  }, 'the end of the dead', STEP_NS);
  assert.ok(rig.clock.nowNs - startNs >= 2 * SILENCE_NS);
  assert.match(String(dead.last('closed')['text']), /silent for 30 s/);
  await rig.turn(20);
  assert.equal(rig.exchange.engine.ordersLive, 0);
  assert.equal(alive.closed, false);
}));

test('a line that is too long is refused and ends the connection; the longest is taken', () => withRig(async (rig) => {
  const client = await rig.trader(7);
  const text = JSON.stringify({ op: 'status' });
  assert.equal((await rig.ask(client, 1, text + ' '.repeat(LINE_BYTES_MAX - text.length)))[0]['event'], 'status');
  client.sayBytes('x'.repeat(LINE_BYTES_MAX + 1));
  await rig.until(() => client.closed, 'its end');
  assert.match(String(client.last('rejected')['text']), /a line of at most 16384 bytes/);
  assert.equal(client.last('closed')['text'], 'a line was too long');
}));

// A page of any site can send a request of HTTP to this port, with orders in its body.
test('a browser that speaks HTTP to this port is disconnected at its first line', () => withRig(async (rig) => {
  const page = await rig.client();
  page.say('POST / HTTP/1.1\r', 'Host: 127.0.0.1:8081\r', '\r', { op: 'login', client: 7 }, { op: 'status' });
  await rig.until(() => page.closed, 'its end');
  assert.deepEqual(page.events.map(({ event }) => event), ['hello', 'rejected', 'closed']);
}));

test('lines are the same however they are cut: a byte at a time', () => withRig(async (rig) => {
  const client = await rig.trader(7);
  const [event] = await rig.ask(client, 1, { ...BUY, ref: 'é€😀' });
  assert.equal(event['ref'], 'é€😀');
}, { fabric: { seed: 3, streams: { receiveChunkMax: 1, sendChunkMax: 3, bufferBytes: 65_536 } } }));

test('more connections than there is room for: told and closed; when one goes another may come', () => withRig(async (rig) => {
  const first = await rig.trader(7);
  const second = await rig.client();
  const third = await rig.client();
  await rig.until(() => third.closed, 'its end');
  assert.match(String(third.last('closed')['text']), /expected at most 2 connections of one address, was one more/);
  assert.equal(rig.gateway.turnedAway, 1);
  first.say({ op: 'logout' });
  await rig.until(() => first.closed, 'its end');
  await rig.trader(7);
  assert.equal(second.closed, false);
}, { gateway: { addressConnectionsMax: 2 } }));

test('a flood of one client: the others have their turn all the same', () => withRig(async (rig) => {
  const [flooder, other] = [await rig.trader(7), await rig.trader(8)];
  flooder.say(...Array.from({ length: 3_000 }, () => '{"op":"heartbeat"}'));
  await rig.turn(1);
  const [event] = await rig.ask(other, 1, { op: 'status' });
  assert.equal(event['event'], 'status');
  assert.ok(flooder.of('heartbeat').length < 3_000, 'not all at once');
  await rig.until(() => flooder.of('heartbeat').length === 3_000, 'all in the end');
}));

// ── the session with the exchange ──────────────────────────────────────────────────────────────

test('before the log-in nothing is sent; a second session of an account is refused by the exchange', () => withRig(async (rig) => {
  const stranger = await rig.client();
  await rig.ask(stranger, 2, BUY);
  assert.deepEqual(stranger.of('rejected').map(({ reason, text }) => [reason, text]), [[21, 'not logged in: expected a log-in first']]);
  await rig.trader(7);
  const second = await rig.client();
  second.say({ op: 'login', client: 7 });
  await rig.until(() => second.closed, 'its end', STEP_NS);
  assert.match(String(second.of('session')[0]['text']), /session not available \(S\)/);
  assert.equal(second.last('session')['state'], 'ended');
}));

test('a client that disconnects: its orders go by the exchange\'s rule', () => withRig(async (rig) => {
  const client = await rig.trader(7);
  await rig.ask(client, 1, BUY);
  assert.equal(rig.exchange.engine.ordersLive, 1);
  client.connection.close();
  await rig.until(() => rig.exchange.engine.ordersLive === 0, 'the cancel');
}));

test('a client comes back and asks for what it missed, by sequence', () => withRig(async (rig) => {
  const client = await rig.trader(7);
  const { session } = client.last('session');
  await rig.ask(client, 2, { ...BUY, id: 1 }, { ...BUY, id: 2 });
  client.say({ op: 'logout' });
  await rig.until(() => client.closed, 'its end');
  await rig.turn(20);
  const again = await rig.client();
  again.say({ op: 'login', client: 7, session, next: 2 });
  await rig.until(() => again.of('canceled').length === 2, 'what it missed');
  assert.deepEqual(again.events.filter(({ seq }) => seq !== undefined).map(({ event, seq, id }) => [event, seq, id]), [
    ['accepted', 2, 2], ['canceled', 3, 1], ['canceled', 4, 2],
  ]);
}));

test('the exchange goes and begins anew: clients are told, and disconnected with the reason', () => withRig(async (rig) => {
  const [trader, reader] = [await rig.trader(7), await rig.client()];
  reader.say({ op: 'subscribe', channels: ['top'] });
  await rig.ask(trader, 1, BUY);
  rig.killExchange();
  await rig.until(() => trader.of('session').some(({ state }) => state === 'down'), 'that it is gone');
  const [refused] = await rig.ask(trader, 1, BUY);
  assert.match(String(refused['text']), /not logged in: expected the event session with state ready first/);
  await rig.startExchange(1_700_000_999);
  await rig.until(() => trader.closed, 'its end', STEP_NS);
  assert.match(String(trader.last('closed')['text']), /the exchange has begun a new session/);
  const again = await rig.trader(7);
  await rig.ask(again, 1, BUY);
  await rig.until(() => reader.of('top').at(-1)?.['bid'] === '100.25', 'the market again', STEP_NS);
}));

test('hostile bytes end nothing but their own connection', () => withRig(async (rig) => {
  const good = await rig.trader(7);
  const hostile: readonly string[] = [
    '\u0000\u0001\u0002\n', '{}\n', '"x"\n', '\ud800\n', '{"op":"login","client":-1}\n', '{"op":"login","client":1,"user":"0123456"}\n',
    '{"op":"login","client":1,"password":"\\u0000"}\n', '{"op":"login","client":1,"key":"K","time":1,"signature":"zz"}\n',
    '{"op":"login","client":1,"next":1e300}\n', '{"op":"login","client":{"__proto__":1}}\n', `${'{"a":'.repeat(3_000)}\n`,
    '{"op":"subscribe","channels":[null],"symbols":[{}]}\n', '{"op":"depth","symbol":"T1","levels":1e9}\n',
  ];
  for (const bytes of hostile) {
    const client: JsonClient = await rig.client();
    client.sayBytes(bytes);
    await rig.until(() => client.closed, `an end after ${JSON.stringify(bytes.slice(0, 60))}`, STEP_NS);
    if (good.of('heartbeat').length > 0) good.say({ op: 'heartbeat' });
  }
  const [event] = await rig.ask(good, 1, BUY);
  assert.equal(event['event'], 'accepted');
  assert.ok(UNREAD_BYTES_MAX > MARKET_BYTES_MAX, 'market data waits before a connection ends');
}));
