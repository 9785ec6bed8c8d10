// Cancel on disconnect holds over a crash: every connection ended with the process, so the orders of
// clients that do not come back within the grace end as they do when a connection ends. By a journaled
// input: who replays the journal has it too.
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { freePorts } from '../../src/apps/free_ports.ts';
import { type AccountConfig, EXCHANGE_DEFAULT, type ExchangeConfig } from '../../src/exchange/config.ts';
import { MemoryDisk } from '../../src/journal/memory_storage.ts';
import { buy, cancel, RawClient, response, sell } from '../exchange/exchange_rig.ts';
import { CrashRig, SoupClient } from './crash_rig.ts';

const SECOND_NS = 1e9;
const GRACE_NS = 2 * SECOND_NS;
const CANCELED = 2;
const PASSWORD = 'secret';

function account(client: number, cancelOnDisconnect: boolean): AccountConfig {
  return { user: String(client), password: PASSWORD, client, owner: null, cancelOnDisconnect };
}

const CONFIG: Partial<ExchangeConfig> = {
  accounts: [account(1, true), account(2, true), account(3, false)],
  limits: { ...EXCHANGE_DEFAULT.limits, restartGraceNs: GRACE_NS },
};

/** Three accounts with an order each, none of them matched. */
async function opened(config: Partial<ExchangeConfig> = CONFIG): Promise<{ rig: CrashRig; clients: SoupClient[] }> {
  const rig = new CrashRig(new MemoryDisk(1), { config });
  const clients = [1, 2, 3].map((id) => new SoupClient(id, PASSWORD));
  await rig.start();
  for (const client of clients) {
    await rig.connect(client);
    client.say(buy(client.id, 1, 9_000 + client.id, 10));
  }
  rig.settle(clients);
  assert.equal(rig.exchange.engine.ordersLive, 3);
  return { rig, clients };
}

function crash(rig: CrashRig, clients: readonly SoupClient[]): Promise<void> {
  rig.crash(true);
  for (const client of clients) client.leave();
  return rig.start();
}

/** Time goes by; who is connected says nothing, for less than is a lapse. */
function wait(rig: CrashRig, clients: readonly SoupClient[], ns: number): void {
  rig.nowNs += ns;
  rig.settle(clients);
}

test('who comes back keeps his orders, who does not loses them, who opted out keeps them', async () => {
  const { rig, clients } = await opened();
  const [absent, returns, optedOut] = clients;
  await crash(rig, clients);
  await rig.connect(returns);
  wait(rig, clients, GRACE_NS - SECOND_NS / 10);
  assert.equal(rig.exchange.engine.ordersLive, 3, 'within the grace nothing is cancelled');
  wait(rig, clients, SECOND_NS / 5);
  assert.equal(rig.exchange.engine.ordersLive, 2);
  assert.equal(rig.counter('never_returned'), 1);
  assert.equal([...rig.feed.messages.values()].filter((text) => text.startsWith('03')).length, 1, 'the market is told');

  await rig.connect(absent);
  await rig.connect(optedOut);
  rig.settle(clients);
  const typesOf = (client: SoupClient): number[] => client.heard.map((text) => response(Buffer.from(text, 'hex')).type);
  assert.deepEqual(clients.map(typesOf), [[1, CANCELED], [1], [1]], 'and the client, when it does come');

  const replica = await rig.replica();
  assert.equal(replica.eventHash, rig.exchange.eventHash, 'the cancel is in the journal');
  assert.equal(replica.engine.stateHash(), rig.exchange.engine.stateHash());

  returns.leave();
  rig.settle(clients);
  assert.equal(rig.exchange.engine.ordersLive, 1, 'from then on a disconnect is one');
  await crash(rig, clients);
  wait(rig, clients, GRACE_NS * 2);
  assert.equal(rig.exchange.engine.ordersLive, 1, 'the one that opted out');
  assert.equal(rig.counter('never_returned'), 0, 'nothing was left to cancel');
});

test('who came back and left again is not cancelled twice, nor what he has sent since', async () => {
  const { rig, clients } = await opened({ ...CONFIG, accounts: [account(1, true), account(2, false), account(3, false)] });
  const [first] = clients;
  await crash(rig, clients);
  await rig.connect(first);
  rig.settle(clients);
  first.leave();
  rig.settle(clients);
  assert.equal(rig.exchange.engine.ordersLive, 2);
  await rig.connect(first);
  first.say(buy(1, 2, 9_001, 10));
  wait(rig, clients, GRACE_NS * 2);
  assert.equal(rig.exchange.engine.ordersLive, 3);
  assert.equal(rig.counter('never_returned'), 0);
});

test('a second crash within the grace begins it anew; a snapshot serves as well as the journal', async () => {
  const { rig, clients } = await opened();
  await rig.snapshot();
  rig.settle(clients);
  await crash(rig, clients);
  wait(rig, clients, GRACE_NS - SECOND_NS / 10);
  await crash(rig, clients);
  wait(rig, clients, GRACE_NS - SECOND_NS / 10);
  assert.equal(rig.exchange.engine.ordersLive, 3);
  wait(rig, clients, SECOND_NS / 5);
  assert.equal(rig.exchange.engine.ordersLive, 1);
  assert.equal(rig.counter('never_returned'), 2);
});

test('a crash before the cancel was on disk: it is cancelled after the next start, once', async () => {
  const { rig, clients } = await opened();
  await crash(rig, clients);
  rig.nowNs += GRACE_NS * 2;
  rig.turn(clients, 3); // executed, and the disk has none of it
  assert.equal(rig.exchange.engine.ordersLive, 1);
  assert.ok(![...rig.feed.messages.values()].some((text) => text.startsWith('03')), 'nobody was told');
  await crash(rig, clients);
  assert.equal(rig.exchange.engine.ordersLive, 3);
  wait(rig, clients, GRACE_NS * 2);
  assert.equal(rig.exchange.engine.ordersLive, 1);
  const [absent] = clients;
  await rig.connect(absent);
  rig.settle(clients);
  assert.equal(absent.heard.length, 2, 'accepted, cancelled');
});

test('a fill within the grace is a fill: what is cancelled is the rest', async () => {
  const { rig, clients } = await opened();
  const [absent, , optedOut] = clients;
  await crash(rig, clients);
  await rig.connect(optedOut);
  optedOut.say(cancel(3, 1));
  optedOut.say(sell(3, 2, 9_002, 25)); // all of client 2's order, and 15 rest
  rig.settle(clients);
  assert.equal(rig.counter('trades'), 1);
  wait(rig, clients, GRACE_NS * 2);
  await rig.connect(absent);
  rig.settle(clients);
  assert.deepEqual(absent.heard.map((text) => response(Buffer.from(text, 'hex')).type), [1, CANCELED]);
  assert.equal(rig.counter('never_returned'), 1, 'client 2 has nothing left that could be cancelled');
});

test('bare: the first connection that names itself so is the client come back', async () => {
  const config = { cancelOnDisconnect: true, limits: CONFIG.limits as ExchangeConfig['limits'] };
  const rig = new CrashRig(new MemoryDisk(1), { config });
  await rig.start();
  const say = async (client: number, id: number): Promise<RawClient> => {
    const raw = new RawClient(await rig.clientNetwork.connect({ host: '127.0.0.1', port: rig.exchange.ports[0] }));
    raw.say(buy(client, id, 9_000 + client, 10));
    rig.settle([]);
    return raw;
  };
  await say(7, 1);
  await say(8, 1);
  assert.equal(rig.exchange.engine.ordersLive, 2);
  await crash(rig, []);
  await say(8, 2);
  wait(rig, [], GRACE_NS * 2);
  assert.equal(rig.exchange.engine.ordersLive, 2, 'both of client 8, none of client 7');
  assert.equal(rig.counter('never_returned'), 1);
});

test('no grace at all: cancelled with the first sweep; and without fair shares, where nobody counts orders', async () => {
  const limits = { ...EXCHANGE_DEFAULT.limits, restartGraceNs: 0 };
  for (const risk of [EXCHANGE_DEFAULT.risk, { ...EXCHANGE_DEFAULT.risk, fairShares: false }]) {
    const { rig, clients } = await opened({ ...CONFIG, limits, risk });
    await crash(rig, clients);
    wait(rig, clients, SECOND_NS / 10);
    assert.equal(rig.exchange.engine.ordersLive, 1);
  }
});

// ── real processes ───────────────────────────────────────────────────────────────────────────────

const OUTCRY = fileURLToPath(new URL('../../src/apps/outcry.ts', import.meta.url));

interface Running {
  readonly child: ChildProcess;
  readonly port: number;
  readonly said: () => string;
}

async function outcryExchange(t: TestContext, flags: readonly string[]): Promise<Running> {
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', OUTCRY, 'exchange', '-p', '0', ...flags], {
    stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, NO_COLOR: '1' },
  });
  t.after(() => child.kill('SIGKILL'));
  let said = '';
  let errors = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (said += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (errors += text));
  while (!/transport/.test(said))
    await Promise.race([once(child.stdout, 'data'), once(child, 'exit').then(() => assert.fail(said + errors))]);
  return { child, port: Number(/orders +tcp 127\.0\.0\.1:(\d+)/.exec(said)?.[1]), said: () => said };
}

interface BareSocket {
  readonly socket: Socket;
  /** Types of the responses so far, when there are so many. */
  types(count: number): Promise<number[]>;
}

async function bare(t: TestContext, port: number): Promise<BareSocket> {
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => {}); // its exchange is killed
  t.after(() => socket.destroy());
  let bytes = Buffer.alloc(0);
  socket.on('data', (more: Buffer) => (bytes = Buffer.concat([bytes, more])));
  await once(socket, 'connect');
  return {
    socket,
    types: async (count) => {
      while (bytes.length < count * 42) await once(socket, 'data');
      return Array.from({ length: bytes.length / 42 }, (_, i) => bytes[i * 42]);
    },
  };
}

test('kill -9: a client that never comes back has no orders left when its grace is over', async (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'outcry-grace-'));
  t.after(() => rmSync(directory, { recursive: true, force: true }));
  const multicastPort = await freePorts();
  const start = (grace: string): Promise<Running> =>
    outcryExchange(t, ['--multicast-port', String(multicastPort), '--journal', directory, '--restart-grace', grace, '--json']);
  const end = async ({ child }: Running, signal: NodeJS.Signals): Promise<void> => {
    const ended = once(child, 'close');
    child.kill(signal);
    await ended;
  };
  const first = await start('1h');
  const [absent, returns] = [await bare(t, first.port), await bare(t, first.port)];
  absent.socket.write(buy(1, 1, 9_000, 10));
  returns.socket.write(buy(2, 1, 8_000, 10));
  await Promise.all([absent.types(1), returns.types(1)]);
  await end(first, 'SIGKILL');

  const second = await start('1h');
  const back = await bare(t, second.port);
  back.socket.write(cancel(2, 1));
  assert.deepEqual(await back.types(1), [CANCELED], 'its order was there');
  await end(second, 'SIGKILL');

  // Without a grace the first turn cancels, before anybody can be heard.
  const third = await start('0');
  const other = await bare(t, third.port);
  other.socket.write(sell(3, 1, 9_000, 10));
  assert.deepEqual(await other.types(1), [1], 'nobody buys at 9,000 any more');
  await end(third, 'SIGTERM');
  const { ordersLive, counters } = JSON.parse(third.said().trimEnd().split('\n').at(-1) ?? '') as {
    ordersLive: number; counters: Record<string, number>;
  };
  assert.deepEqual([ordersLive, counters['trades'], counters['never_returned']], [1, 0, 1]);
});
