// `outcry dashboard` as a user runs it: before there is an exchange, through its kill and restart, and of one elsewhere.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { test, type TestContext } from 'node:test';
import { WebSocket } from 'ws';
import { freePorts } from './free_ports.ts';
import { VerbRig, waitFor, type RunningVerb } from './running_verbs.reference.ts';
import type { HelloMessage, InstrumentInfo, MarketMessage, ServerMessage, StatusMessage } from '../observe/dashboard/messages.ts';

/** A limit order that rests, or trades: side, price and quantity of ticker 1. */
function order(client: number, id: number, side: number, price: number, qty: number): Buffer {
  const bytes = Buffer.alloc(30);
  bytes.writeUInt8(1, 0);
  bytes.writeUInt32LE(client, 1);
  bytes.writeUInt32LE(1, 5);
  bytes.writeUInt32LE(id, 9);
  bytes.writeInt8(side, 17);
  bytes.writeUInt32LE(price, 18);
  bytes.writeUInt32LE(qty, 26);
  return bytes;
}

/** 10 and 5 offered, 4 bid for, 3 of the 10 traded: each by its own client, for nobody trades with himself. */
async function trade(t: TestContext, port: number): Promise<void> {
  const say = async (...orders: Buffer[]): Promise<void> => {
    const socket = connect(port, '127.0.0.1').on('error', () => {});
    t.after(() => socket.destroy());
    socket.write(Buffer.concat(orders));
    await once(socket, 'data');
  };
  await say(order(7, 1, -1, 101, 10), order(7, 2, -1, 102, 5));
  await say(order(8, 1, 1, 100, 4), order(8, 2, 1, 101, 3));
}

async function exchangeOn(rig: VerbRig, port: string, multicastPort: string, ...more: string[]): Promise<RunningVerb & { readonly port: number }> {
  const exchange = rig.start('exchange', '-p', port, '--multicast-port', multicastPort, '--no-cancel-on-disconnect', ...more);
  const bound = Number(await exchange.says(/orders +tcp 127\.0\.0\.1:(\d+)/));
  await exchange.says(/transport/);
  return Object.assign(exchange, { port: bound });
}

function page(t: TestContext, origin: string): { readonly heard: ServerMessage[]; readonly closed: () => number } {
  const socket = new WebSocket(`${origin.replace('http', 'ws')}/ws`, { origin });
  t.after(() => socket.terminate());
  const heard: ServerMessage[] = [];
  let closeCode = 0;
  socket.on('message', (data: Buffer) => heard.push(JSON.parse(String(data)) as ServerMessage));
  socket.on('open', () => socket.send(JSON.stringify({ type: 'watch', ticker: 1, levels: 5 })));
  socket.on('close', (code: number) => (closeCode = code));
  return { heard, closed: () => closeCode };
}

test('it waits for an exchange, follows it, outlives its kill, and finds it again', async (t) => {
  const rig = new VerbRig(t);
  const multicastPort = String(await freePorts());
  // A port that is free: bound once and let go.
  const first = await exchangeOn(rig, '0', multicastPort);
  const { port } = first;
  first.child.kill('SIGTERM');
  await first.ended;

  const dashboard = rig.start('dashboard', '-p', '0', '--exchange-port', String(port));
  const origin = await dashboard.says(/page +(http:\/\/127\.0\.0\.1:\d+)\/\n/);
  assert.match(dashboard.stdout, /exchange +none runs yet; in another terminal: outcry exchange/);
  assert.match(dashboard.stdout, /commands +none: it only shows/);
  const get = async <T>(path: string): Promise<T> => (await fetch(`${origin}${path}`)).json() as Promise<T>;
  const health = await fetch(`${origin}/api/health`);
  assert.deepEqual([health.status, await health.json()], [503, { error: 'expected a running exchange or trader, was none' }]);
  assert.equal((await fetch(origin)).status, 200);
  assert.equal((await get<StatusMessage>('/api/status')).system.exchange, null);
  assert.deepEqual(await get<InstrumentInfo[]>('/api/instruments'), []);
  const { heard, closed } = page(t, origin);

  const exchange = await exchangeOn(rig, String(port), multicastPort, '--tickers', '1,2');
  await waitFor(async () => (await get<InstrumentInfo[]>('/api/instruments')).length === 2, 'its instruments');
  await waitFor(async () => (await get<StatusMessage>('/api/status')).feed?.fresh === true, 'its feed');
  await trade(t, port);
  await waitFor(async () => (await get<MarketMessage>('/api/market?ticker=1')).trades.length === 1, 'the trade');
  const market = await get<MarketMessage>('/api/market?ticker=1&levels=1');
  assert.deepEqual([market.bids, market.asks, market.lastPrice], [[[100, 4, 1]], [[101, 7, 1]], 101]);
  const status = await get<StatusMessage>('/api/status');
  assert.deepEqual([status.system.exchange?.pid, status.system.exchange?.port], [exchange.child.pid, port]);
  assert.ok(status.system.processes.some(({ verb, pid }) => verb === 'dashboard' && pid === dashboard.child.pid), 'it shows itself');
  assert.equal((await fetch(`${origin}/api/health`)).status, 200);
  assert.match(await (await fetch(`${origin}/metrics`)).text(), /^# HELP outcry_/);

  exchange.child.kill('SIGKILL');
  await waitFor(async () => (await get<StatusMessage>('/api/status')).system.exchange === null, 'that it has gone');
  await waitFor(async () => !(await get<MarketMessage>('/api/market?ticker=1')).fresh, 'that its books are old');
  const again = await exchangeOn(rig, String(port), multicastPort, '--tickers', '1,2,3');
  await waitFor(async () => (await get<InstrumentInfo[]>('/api/instruments')).length === 3, 'the other instruments');
  await trade(t, port);
  await waitFor(async () => (await get<MarketMessage>('/api/market?ticker=1')).trades[0]?.id === 1, 'its own trade, the first');
  assert.equal((await get<StatusMessage>('/api/status')).system.exchange?.pid, again.child.pid);

  // The one page has seen all of it, over one connection.
  const hellos = heard.filter((message): message is HelloMessage => message.type === 'hello');
  assert.deepEqual([...new Set(hellos.map(({ instruments }) => instruments.length))], [0, 2, 3]);
  await waitFor(() => heard.some((message) => message.type === 'market' && message.trades.length > 0), 'trades on the page');
  dashboard.child.kill('SIGTERM');
  await dashboard.ended;
  assert.equal(dashboard.exitCode, 0);
  // A busy machine and a process that has gone are alerts; faults would stand here too.
  assert.deepEqual(dashboard.stderr.split('\n').filter((line) => line !== '' && !line.startsWith('alert ')), []);
  await waitFor(() => closed() === 1001, 'a good-bye to the page');
});

test('of an exchange that shows nothing of itself, the feed that the flags name', async (t) => {
  const rig = new VerbRig(t);
  rig.environment['HFT_MONITORING_METRICS_ENABLED'] = 'false';
  const multicastPort = await freePorts();
  const exchange = await exchangeOn(rig, '0', String(multicastPort), '--tickers', '1');
  const dashboard = rig.start(
    'dashboard', '-p', '0', '--exchange-port', String(exchange.port), '--multicast-port', String(multicastPort), '--tickers', '1',
  );
  const origin = await dashboard.says(/page +(http:\/\/127\.0\.0\.1:\d+)\/\n/);
  await trade(t, exchange.port);
  await waitFor(async () => {
    const answer = await fetch(`${origin}/api/market?ticker=1`);
    return answer.status === 200 && ((await answer.json()) as MarketMessage).asks.length === 2;
  }, 'its book');
});

test('a port that is taken is said, with what to do; a token that is configured is not printed but in the link', async (t) => {
  const rig = new VerbRig(t);
  const environment = 'known-to-operators-alone';
  rig.environment['HFT_DASHBOARD_TOKEN'] = environment;
  const first = rig.start('dashboard', '-p', '0', '--exchange-port', '1');
  const link = await first.says(/page +(http\S+)/);
  assert.equal(new URL(link).hash, `#token=${environment}`);
  const { port } = new URL(link);
  const second = await rig.run('dashboard', '-p', port, '--exchange-port', '1');
  assert.equal(second.code, 1);
  assert.match(second.stderr, new RegExp(`error: 127\\.0\\.0\\.1:${port}: the port is taken.*outcry dashboard --port ${Number(port) + 1}`));
  const command = await fetch(`http://127.0.0.1:${port}/api/commands`, {
    method: 'POST', headers: { authorization: `Bearer ${environment}`, 'content-type': 'application/json' },
    body: JSON.stringify({ command: 'halt', confirm: true }),
  });
  assert.deepEqual([command.status, ((await command.json()) as { text: string }).text], [409, 'expected a running exchange, was none']);
});
