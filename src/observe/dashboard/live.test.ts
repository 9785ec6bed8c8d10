// Pages over real WebSockets: what each is sent, what a slow one misses, and what a hostile one cannot do.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { test, type TestContext } from 'node:test';
import { CloseCode, watchMessage } from './live.ts';
import { Rig, until } from './server_rig.reference.ts';

test('a page hears hello, history, status; then seconds, states and its market', async (t) => {
  const rig = await Rig.open(t);
  const { source } = rig;
  source.second();
  source.watch.onTrade(0, -1, 20, 4);
  source.watch.onTrade(1, 1, 30, 1);
  const page = await rig.page();
  await until(() => page.of('status').length > 0, 'a status');
  assert.deepEqual(page.heard.slice(0, 3).map(({ type }) => type), ['hello', 'history', 'status']);
  assert.equal(page.of('history')[0].points.length, 1);
  assert.equal(page.of('market').length, 0, 'nothing is watched');

  page.say({ type: 'watch', ticker: 1, levels: 2 });
  await until(() => page.of('market').length === 1, 'a market');
  assert.deepEqual(page.of('market')[0], {
    type: 'market', ticker: 1, atMs: 0, updates: 1, fresh: false,
    bids: [[500, 5, 2], [495, 5, 2]], asks: [[505, 7, 1], [510, 7, 1]], lastPrice: 100,
    trades: [{ id: 1, atMs: 0, side: -1, price: 100, qty: 4 }],
  });
  source.watch.onTrade(0, 1, 21, 1);
  source.second();
  source.step();
  await until(() => page.of('market').length === 2 && page.of('second').length === 1, 'what is new');
  assert.deepEqual(page.of('market')[1].trades.map(({ id }) => id), [2]);
  assert.deepEqual(page.of('second')[0], { type: 'second', point: source.history.points(1)[0], histogram: [[1_000, 3]] });
  assert.equal(page.of('history').length, 1, 'the whole history once');

  page.say({ type: 'watch', ticker: 7, levels: 1 });
  await until(() => page.of('market').length === 3, 'the other market');
  const { ticker, trades } = page.of('market')[2];
  assert.deepEqual([ticker, trades.map(({ id }) => id)], [7, [1]], 'whose ids have nothing to do with those of the first');
  page.say({ type: 'watch', ticker: 1, levels: 1 });
  await until(() => page.of('market').length === 4, 'the first one again');
  assert.deepEqual(page.of('market')[3].trades.map(({ id }) => id), [1, 2], 'with its past');
});

test('another exchange: hello again, and the market from its beginning', async (t) => {
  const rig = await Rig.open(t);
  const { source } = rig;
  source.watch.onTrade(0, 1, 20, 1);
  const page = await rig.page();
  page.say({ type: 'watch', ticker: 1, levels: 1 });
  await until(() => page.of('market').length === 1, 'a market');
  source.epoch++;
  await until(() => page.of('hello').length === 2 && page.of('market').length === 2, 'everything anew');
  assert.deepEqual(page.of('market')[1].trades.map(({ id }) => id), [1]);
});

test('nothing new: nothing is sent', async (t) => {
  const rig = await Rig.open(t);
  const page = await rig.page();
  page.say({ type: 'watch', ticker: 1, levels: 1 });
  await until(() => page.of('market').length === 1, 'a market');
  const heard = page.heard.length;
  page.socket.ping();
  await once(page.socket, 'pong');
  assert.equal(page.heard.length, heard);
});

test('a page that reads nothing misses states: it then gets the newest, and every second', async (t) => {
  const rig = await Rig.open(t);
  const { source } = rig;
  const page = await rig.page();
  page.say({ type: 'watch', ticker: 1, levels: 1 });
  await until(() => page.of('market').length === 1, 'a market');
  page.socket.pause();
  const heard = page.heard.length;
  for (let i = 0; i < 400; i++) {
    source.step();
    source.watch.onTrade(0, 1, 20, i + 1);
    if (i % 40 === 0) source.second();
    rig.server.live.turn(performance.now());
  }
  page.socket.resume();
  await until(() => page.of('status').at(-1)?.summary.avg_order_latency_nanos === source.statusNumber, 'the newest status');
  await until(() => page.of('market').at(-1)?.updates === 400, 'the newest market');
  const states = page.heard.length - heard;
  assert.ok(states < 20, `400 states went by, ${states} messages came`);
  // Of the trades between those that are still kept, the last 200.
  const ids = page.of('market').flatMap(({ trades }) => trades.map(({ id }) => id));
  assert.deepEqual(ids.slice(-200), Array.from({ length: 200 }, (_, i) => 201 + i));
  assert.equal(page.of('history').at(-1)?.points.length, 10, 'ten seconds that it missed, in one message');
});

test('a page that goes on reading nothing is ended; what waits for it stays small', async (t) => {
  const rig = await Rig.open(t, { limits: { stalledMs: 200 } });
  const { live } = rig.server;
  const page = await rig.page();
  const other = await rig.page();
  await until(() => live.count === 2, 'both are there');
  page.socket.pause();
  const began = rig.source.statusNumber;
  while (live.stalled === 0) {
    rig.source.step();
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  await until(() => live.count === 1, 'the other one is left');
  await until(() => other.of('status').at(-1)?.summary.avg_order_latency_nanos === rig.source.statusNumber, 'which hears on');
  assert.ok(rig.source.statusNumber > began);
  assert.equal(live.stalled, 1);
});

test('two hundred pages at once, each with all of it; the one above the limit is told so', async (t) => {
  const rig = await Rig.open(t, { limits: { pagesMax: 200 } });
  const pages = await Promise.all(Array.from({ length: 200 }, () => rig.page()));
  assert.equal(rig.server.live.count, 200);
  await assert.rejects(rig.page(), /503/);
  for (const page of pages) page.say({ type: 'watch', ticker: 1, levels: 20 });
  rig.source.watch.onTrade(0, 1, 20, 9);
  rig.source.second();
  rig.source.step();
  const newest = rig.source.statusNumber;
  await until(() => pages.every((page) => page.of('status').at(-1)?.summary.avg_order_latency_nanos === newest), 'the newest, everywhere');
  await until(() => pages.every((page) => page.of('market').at(-1)?.trades.length === 1), 'the trade, everywhere');
  assert.equal((await rig.ask('/api/status')).status, 200, 'and others are served');
  for (const { socket } of pages) socket.terminate();
  await until(() => rig.server.live.count === 0, 'all have gone');
  const after = await rig.page();
  await until(() => after.heard.length > 0, 'room for a new one');
});

test('pages share what they are sent: a market is made once a turn, whoever watches it', async (t) => {
  const rig = await Rig.open(t);
  const pages = await Promise.all(Array.from({ length: 20 }, () => rig.page()));
  for (const page of pages) page.say({ type: 'watch', ticker: 1, levels: 3 });
  await until(() => pages.every((page) => page.of('market').length > 0), 'a market everywhere');
  let made = 0;
  rig.source.market = (...args) => {
    made++;
    return rig.source.watch.market(...args);
  };
  // So that all have answered their ping when the next change comes, in one turn.
  for (const page of pages) {
    page.socket.ping();
    await once(page.socket, 'pong');
  }
  rig.source.watch.onUpdate(0);
  await until(() => pages.every((page) => page.of('market').at(-1)?.updates === 1), 'the change everywhere');
  assert.ok(made <= 5, `20 pages, made ${made} times`);
});

test('what is no watch message ends its connection', async (t) => {
  const rig = await Rig.open(t);
  const said = [
    'x', '{}', '[]', 'null', '{"type":"watch"}', '{"type":"watch","ticker":-1,"levels":1}', '{"type":"watch","ticker":1,"levels":51}',
    '{"type":"watch","ticker":1.5,"levels":1}', '{"type":"watch","ticker":"1","levels":1}', '{"type":"status"}',
  ];
  for (const text of said) {
    assert.equal(watchMessage(text), null, text);
    const page = await rig.page();
    page.say(text);
    await once(page.socket, 'close');
    assert.equal(page.closeCode, CloseCode.Policy, text);
  }
  const binary = await rig.page();
  binary.socket.send(Buffer.from('{"type":"watch","ticker":1,"levels":1}'));
  await once(binary.socket, 'close');
  const large = await rig.page();
  large.say(`{"type":"watch","ticker":1,"levels":1,"x":"${'y'.repeat(1_000)}"}`);
  await once(large.socket, 'close');
  assert.equal(large.closeCode, 1009);
  assert.equal(rig.server.live.misbehaved, said.length + 1);
  // An instrument that nobody knows is no fault: it may come.
  const unknown = await rig.page();
  unknown.say({ type: 'watch', ticker: 99, levels: 1 });
  rig.source.step();
  await until(() => unknown.of('status').at(-1)?.summary.avg_order_latency_nanos === rig.source.statusNumber, 'it hears on');
  assert.equal(unknown.of('market').length, 0);
});

/** An upgraded connection without a WebSocket library at its end. */
async function upgraded(t: TestContext, rig: Rig): Promise<Socket> {
  const socket = connect(rig.port, '127.0.0.1');
  t.after(() => socket.destroy());
  socket.on('error', () => {});
  socket.write(
    'GET /ws HTTP/1.1\r\nhost: localhost\r\nconnection: upgrade\r\nupgrade: websocket\r\n' +
      'sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n',
  );
  await once(socket, 'data');
  return socket;
}

/** A frame as a client has to send it. */
function frame(first: number, payload: Uint8Array): Buffer {
  const mask = Buffer.from([1, 2, 3, 4]);
  const masked = payload.map((byte, i) => byte ^ mask[i % 4]);
  return Buffer.concat([Buffer.from([first, 0x80 | payload.length]), mask, masked]);
}

test('hostile frames end their own connection and nothing else', async (t) => {
  const rig = await Rig.open(t);
  const witness = await rig.page();
  const text = new TextEncoder().encode('{}');
  const frames: Record<string, Buffer> = {
    'not masked': Buffer.from([0x81, 2, 0x7b, 0x7d]),
    'reserved bits': frame(0xf1, text),
    'an unknown kind': frame(0x83, text),
    'a continuation of nothing': frame(0x80, text),
    'a length of 2^63': Buffer.from([0x81, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1, 2, 3, 4]),
    'a length of 4 GiB': Buffer.from([0x82, 0xff, 0, 0, 0, 1, 0, 0, 0, 0, 1, 2, 3, 4]),
    'text that is none': frame(0x81, new Uint8Array([0xff, 0xfe])),
    'a long control frame': Buffer.from([0x89, 0xfe, 0, 200, 1, 2, 3, 4]),
    'a close with half a code': frame(0x88, new Uint8Array([3])),
    'a close with a code that is none': frame(0x88, new Uint8Array([0, 5])),
    'random bytes': Buffer.from(Array.from({ length: 2_000 }, (_, i) => (i * 131 + 17) & 0xff)),
  };
  for (const [name, bytes] of Object.entries(frames)) {
    const socket = await upgraded(t, rig);
    socket.write(bytes);
    socket.resume();
    await once(socket, 'close').catch(() => {});
    assert.ok(socket.destroyed, name);
  }
  await until(() => rig.server.live.count === 1, 'only the witness is left');
  rig.source.step();
  await until(() => witness.of('status').at(-1)?.summary.avg_order_latency_nanos === rig.source.statusNumber, 'the witness hears on');
  assert.deepEqual(rig.notes, []);
});

test('a flood of pings from somebody who reads no answer is ended', async (t) => {
  const rig = await Rig.open(t);
  const socket = await upgraded(t, rig);
  socket.pause();
  const ping = frame(0x89, new Uint8Array(125));
  const many = Buffer.concat(Array.from({ length: 2_000 }, () => ping));
  socket.write(many);
  await until(() => rig.server.live.misbehaved === 1, 'its end');
  socket.destroy();
  await until(() => rig.server.live.count === 0, 'nobody is left');
});

test('many fragments of a message that never ends are refused by their sum', async (t) => {
  const rig = await Rig.open(t);
  const socket = await upgraded(t, rig);
  socket.resume();
  socket.write(frame(0x01, new Uint8Array(100).fill(0x20)));
  for (let i = 0; i < 20; i++) socket.write(frame(0x00, new Uint8Array(100).fill(0x20)));
  await once(socket, 'close').catch(() => {});
  await until(() => rig.server.live.count === 0, 'nobody is left');
});

test('the end of the server says good-bye', async (t) => {
  const rig = await Rig.open(t);
  const page = await rig.page();
  await until(() => page.heard.length > 0, 'hello');
  await rig.server.close();
  await until(() => page.closeCode !== 0, 'the end');
  assert.equal(page.closeCode, CloseCode.GoingAway);
});
