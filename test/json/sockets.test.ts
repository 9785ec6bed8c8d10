// `outcry json` as a process before an exchange as a process: real sockets, WebSockets, kills and restarts, and the
// examples.
import assert from 'node:assert/strict';
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { request as httpRequest } from 'node:http';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { WebSocket } from 'ws';
import { freePorts } from '../../src/apps/free_ports.ts';
import { LINE_BYTES_MAX } from '../../src/json/peer.ts';
import { requireTool } from '../requirements.ts';
import { interrupted, outcry, type Running, type RunningExchange, startExchange } from '../trade/processes.ts';
import type { Event } from './json_rig.ts';

const WAIT_MS = 30_000;
const MANY = 500;
const BUY = { op: 'new', symbol: 'T1', side: 'buy', price: '100.25', qty: 10 };

interface Gateway extends Running {
  readonly port: number;
  readonly webPort: number;
}

async function startGateway(exchange: RunningExchange, ...flags: string[]): Promise<Gateway> {
  const running = outcry('json', ...exchange.flags, '--lines-port', '0', '--web-port', '0', '--json', ...flags);
  const [, port, webPort] = await running.said(/tcp 127\.0\.0\.1:(\d+), ws:\/\/127\.0\.0\.1:(\d+)/);
  return { ...running, port: Number(port), webPort: Number(webPort) };
}

/** What a client has heard, whichever way. */
class Heard {
  readonly events: Event[] = [];
  closed = false;
  readonly #looks = new Set<() => void>();

  hear(text: string): void {
    this.events.push(JSON.parse(text) as Event);
    this.look();
  }

  look(): void {
    for (const look of this.#looks) look();
  }

  of(event: string): Event[] {
    return this.events.filter((one) => one['event'] === event);
  }

  async until(condition: () => boolean, what: string): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    try {
      await new Promise<void>((resolve, reject) => {
        timer = setTimeout(() => reject(new Error(`never came: ${what}: ${JSON.stringify(this.events)}`)), WAIT_MS);
        const look = (): void => {
          if (!condition()) return;
          this.#looks.delete(look);
          resolve();
        };
        this.#looks.add(look);
        look();
      });
    } finally {
      clearTimeout(timer);
    }
  }

  async event(name: string, count = 1): Promise<Event> {
    await this.until(() => this.of(name).length >= count, `${count} × ${name}`);
    return this.of(name)[count - 1];
  }
}

class LineClient extends Heard {
  readonly socket: Socket;
  #rest = '';

  constructor(port: number) {
    super();
    this.socket = connect(port, '127.0.0.1').setEncoding('utf8');
    this.socket.on('data', (text: string) => {
      const lines = (this.#rest + text).split('\n');
      this.#rest = lines.pop() ?? '';
      for (const line of lines) this.hear(line);
    });
    this.socket.on('error', () => {}); // its close follows
    this.socket.on('close', () => {
      this.closed = true;
      this.look();
    });
  }

  say(...lines: (object | string)[]): void {
    this.socket.write(lines.map((line) => `${typeof line === 'string' ? line : JSON.stringify(line)}\n`).join(''));
  }
}

class WebClient extends Heard {
  readonly socket: WebSocket;
  code = 0;

  constructor(port: number, options: object = {}, host = '127.0.0.1') {
    super();
    this.socket = new WebSocket(`ws://${host}:${port}/`, options);
    this.socket.on('message', (data: Buffer) => this.hear(data.toString()));
    this.socket.on('error', (error) => this.events.push({ event: 'error', text: error.message }));
    this.socket.on('close', (code) => {
      this.closed = true;
      this.code = code;
      this.look();
    });
  }

  say(request: object | string): void {
    this.socket.send(typeof request === 'string' ? request : JSON.stringify(request));
  }
}

async function ready<C extends LineClient | WebClient>(client: C, id: number, more: object = {}): Promise<C> {
  await client.event('hello');
  client.say({ op: 'login', client: id, ...more });
  assert.equal((await client.event('session'))['state'], 'ready');
  return client;
}

let exchange: RunningExchange;
let gateway: Gateway;

before(async () => {
  exchange = await startExchange();
  gateway = await startGateway(exchange, '--connections', String(MANY + 50));
});

after(async () => {
  const result = (await interrupted(gateway)) as { ok: boolean; accepted: number };
  assert.ok(result.ok && result.accepted > MANY);
  await interrupted(exchange);
});

test('orders over TCP and over a WebSocket meet; both hear the trade', async () => {
  const [lines, web] = [await ready(new LineClient(gateway.port), 7), await ready(new WebClient(gateway.webPort), 8, { numbers: true })];
  for (const client of [lines, web]) client.say({ op: 'subscribe', channels: ['trades'], symbols: ['T1'] });
  await Promise.all([lines.event('subscribed'), web.event('subscribed')]);
  lines.say({ ...BUY, ref: 'tcp' });
  await lines.event('accepted');
  web.say({ op: 'new', symbol: 'T1', side: 'sell', price: 100.25, qty: 10, ref: 'ws' });
  const [bought, sold] = [await lines.event('fill'), await web.event('fill')];
  assert.deepEqual([bought['ref'], bought['price'], bought['leaves']], ['tcp', '100.25', 0]);
  assert.deepEqual([sold['ref'], sold['price'], sold['leaves']], ['ws', 100.25, 0]);
  assert.equal((await lines.event('trade'))['volume'], 10);
  assert.equal((await web.event('trade'))['price'], 100.25);
  lines.socket.destroy();
  web.socket.close();
});

test('a WebSocket: only of origins that were allowed, only for hosts that are ours, only on its path', async () => {
  const refused = [
    { origin: 'https://evil.example' }, { origin: 'null' }, { origin: 'http://127.0.0.1:8080.evil.example' },
    { headers: { host: 'evil.example' } }, { headers: { host: 'localhost.evil.example:80' } },
  ];
  for (const options of refused) {
    const client = new WebClient(gateway.webPort, options);
    await client.until(() => client.closed, JSON.stringify(options));
    assert.deepEqual(client.events.map(({ text }) => text), ['Unexpected server response: 403']);
  }
  for (const options of [{ origin: 'http://127.0.0.1:8080' }, { headers: { host: `localhost:${gateway.webPort}` } }, {}]) {
    const client = new WebClient(gateway.webPort, options);
    await client.event('hello');
    client.socket.terminate();
  }
  const [response] = (await once(httpRequest({ port: gateway.webPort, path: '/' }).end(), 'response')) as [{ statusCode: number; resume(): void }];
  assert.equal(response.statusCode, 426);
  response.resume();
});

test('a WebSocket message: too long, of bytes, of broken UTF-8: closed with a code; no compression', async () => {
  const cases: readonly (readonly [(client: WebClient) => void, number])[] = [
    [(client) => client.socket.send('x'.repeat(LINE_BYTES_MAX + 1)), 1009],
    [(client) => client.socket.send(Buffer.from('{}')), 1003],
    [(client) => client.socket.send(Buffer.of(0xc3, 0x28), { binary: false }), 1007],
  ];
  for (const [send, code] of cases) {
    const client = await ready(new WebClient(gateway.webPort), 9);
    assert.equal(client.socket.extensions, '', 'no compression');
    send(client);
    await client.until(() => client.closed, `code ${code}`);
    assert.equal(client.code, code);
  }
});

test('500 connections at once, hostile ones and silent ones among them; one who behaves is served', async () => {
  const clients = Array.from({ length: MANY }, () => new LineClient(gateway.port));
  await Promise.all(clients.map((client) => client.event('hello')));
  for (const [index, client] of clients.entries()) {
    if (index % 4 === 0) client.say('\u0000\u0001', '{"op":', 'x'.repeat(1_000));
    else if (index % 4 === 1) client.say(`{"op":${'['.repeat(5_000)}`);
    else if (index % 4 === 2) client.say({ op: 'subscribe', channels: ['trades', 'top', 'depth'] });
  }
  const good = await ready(new LineClient(gateway.port), 10);
  good.say({ ...BUY, symbol: 'T2' }, { op: 'massCancel' });
  await good.event('canceled');
  const hostile = clients.filter((_, index) => index % 4 < 2);
  await Promise.all(hostile.map((client) => client.until(() => client.closed, 'the end of a hostile one')));
  const subscribed = clients.filter((_, index) => index % 4 === 2);
  await Promise.all(subscribed.map((client) => client.until(
    () => client.of('top').some(({ symbol, bid }) => symbol === 'T2' && bid === '100.25')
      || client.of('top').filter(({ symbol }) => symbol === 'T2').length > 0, 'the market')));
  for (const client of [...clients, good]) client.socket.destroy();
});

test('a WebSocket that never reads is disconnected at its cap; the process goes on', async () => {
  const slow = await ready(new WebClient(gateway.webPort), 11);
  slow.socket.pause();
  const question = '{"op":"status"}';
  for (let i = 0; i < 60_000 && slow.socket.readyState === WebSocket.OPEN; i++) {
    slow.socket.send(question);
    if (i % 500 === 499) await new Promise((resolve) => setImmediate(resolve));
  }
  const other = await ready(new LineClient(gateway.port), 12);
  for (let connections = 2; connections > 1;) {
    const count = other.of('status').length;
    other.say(question);
    connections = Number((await other.event('status', count + 1))['connections']);
  }
  slow.socket.terminate();
  other.socket.destroy();
});

test('the gateway is killed: its clients\' orders go by the exchange\'s rule; another gateway takes up their sessions', async () => {
  const second = await startGateway(exchange);
  const [client, watcher] = [await ready(new LineClient(second.port), 20), await ready(new LineClient(gateway.port), 21)];
  watcher.say({ op: 'subscribe', channels: ['top'], symbols: ['T3'], intervalMs: 0 });
  client.say({ ...BUY, symbol: 'T3', id: 1 });
  await client.event('accepted');
  const bids = (): unknown[] => watcher.of('top').filter(({ symbol }) => symbol === 'T3').map(({ bid }) => bid);
  await watcher.until(() => bids().at(-1) === '100.25', 'the bid');
  second.child.kill('SIGKILL');
  await second.ended;
  await watcher.until(() => bids().at(-1) === null, 'the cancel');
  const again = new LineClient(gateway.port);
  await ready(again, 20, { session: client.of('session')[0]['session'], next: 2 });
  assert.deepEqual([(await again.event('canceled'))['id'], again.of('canceled')[0]['seq']], [1, 2]);
  for (const one of [again, watcher]) one.socket.destroy();
});

test('the exchange is killed and comes back with its journal: clients are told, and go on where they were', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'outcry-json-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const journal = ['--journal', join(folder, 'journal')];
  const first = await startExchange(...journal);
  const own = await startGateway(first);
  const client = await ready(new LineClient(own.port), 30);
  client.say({ ...BUY, id: 1 });
  await client.event('accepted');
  first.child.kill('SIGKILL');
  await first.ended;
  await client.until(() => client.of('session').some(({ state }) => state === 'down'), 'that it is gone');
  const again = outcry('exchange', '--json', '--port', String(first.port), '--multicast-port', String(first.multicastPort), ...journal);
  await again.said(/tcp 127\.0\.0\.1:/);
  await client.until(() => client.of('session').at(-1)?.['state'] === 'ready', 'that it is back');
  assert.equal(client.of('session').at(-1)?.['next'], 2);
  client.say({ ...BUY, id: 2 }, { op: 'cancel', id: 1 });
  assert.deepEqual([(await client.event('accepted', 2))['seq'], (await client.event('canceled'))['id']], [2, 1]);
  await interrupted(own);
  await interrupted(again);
});

test('a port that is taken, an address beyond loopback without keys: said, and no process left', async () => {
  const taken = await outcry('json', ...exchange.flags, '--lines-port', String(gateway.port)).ended;
  assert.notEqual(taken.code, 0);
  assert.match(taken.stderr, new RegExp(`127\\.0\\.0\\.1:${gateway.port}`));
  const open = await outcry('json', ...exchange.flags, '--listen', '0.0.0.0').ended;
  assert.equal(open.code, 2);
  assert.match(open.stderr, /--listen: expected a loopback address \(127\.0\.0\.1\), or --credentials FILE .*: 0\.0\.0\.0 is reachable/);
});

// ── examples ───────────────────────────────────────────────────────────────────────────────────

function exampleFile(name: string): string {
  return fileURLToPath(new URL(`../../examples/json/${name}`, import.meta.url));
}

function example(command: string, file: string, ...args: string[]): { readonly child: ChildProcess; said(pattern: RegExp): Promise<void>; readonly output: () => string; readonly ended: Promise<number | null> } {
  const child = spawn(command, [exampleFile(file), ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text: string) => (output += text));
  const ended = once(child, 'close').then(([code]) => code as number | null);
  const said = async (pattern: RegExp): Promise<void> => {
    while (!pattern.test(output)) {
      const done = await Promise.race([once(child.stdout, 'data').then(() => false), ended.then(() => true)]);
      if (done && !pattern.test(output)) throw new Error(`it ended before ${pattern}: ${output}`);
    }
  };
  return { child, said, output: () => output, ended };
}

test('the examples in Python and JavaScript join, subscribe, trade with each other and print their fills', async (t) => {
  const python = requireTool(t, 'python3');
  if (python === null) return;
  const buyer = example(python, 'trade.py', '--port', String(gateway.port), '--client', '40', '--symbol', 'T2', '--price', '77.50', '--qty', '10');
  await buyer.said(/accepted: order \d+/);
  const seller = example(process.execPath, 'trade.mjs', '41', 'T2', 'sell', '77.50', '10', `ws://127.0.0.1:${gateway.webPort}`);
  assert.deepEqual([await buyer.ended, await seller.ended], [0, 0], buyer.output() + seller.output());
  assert.match(buyer.output(), /fill buy 10 @ 77\.50, 0 left\nfilled 10 of 10\n$/);
  assert.match(seller.output(), /fill sell 10 @ 77\.50, 0 left\n(?:trade .*\n)*filled 10 of 10\n$/);
});

/** A TCP port on which nobody listens any more. */
async function leftPort(): Promise<string> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return String(port);
}

// With Node 20 the program had said and done nothing, with exit code 0: `import.meta.main` is of Node 24.
test('the examples say what is missing: a gateway, an exchange, a WebSocket', async (t) => {
  const python = requireTool(t, 'python3');
  if (python === null) return;
  const port = await leftPort();
  const alone = [
    [python, 'trade.py', ['--port', port], `no gateway answers on 127.0.0.1:${port} `],
    [process.execPath, 'trade.mjs', ['7', 'T1', 'buy', '1', '1', `ws://127.0.0.1:${port}`], `no gateway answers on ws://127.0.0.1:${port}; start one: outcry json`],
  ] as const;
  for (const [command, file, args, expected] of alone) {
    const { ended, output } = example(command, file, ...args);
    assert.equal(await ended, 1);
    assert.ok(output().startsWith(expected), output());
  }
  const old = spawnSync(process.execPath, ['--no-experimental-websocket', exampleFile('trade.mjs')], { encoding: 'utf8' });
  assert.deepEqual([old.status, old.stderr], [1, 'expected a browser or Node from version 22 on, which have WebSockets\n']);

  const ports = ['--port', port, '--multicast-port', String(await freePorts()), '--lines-port', '0', '--web-port', '0', '--json'];
  const early = outcry('json', ...ports);
  const [, lines] = await early.said(/JSON on tcp 127\.0\.0\.1:(\d+), /);
  const waiting = example(python, 'trade.py', '--port', lines, '--seconds', '1');
  assert.equal(await waiting.ended, 1);
  assert.match(waiting.output(), new RegExp(`no session: cannot connect to 127\\.0\\.0\\.1:${port}: connection refused`));
  await early.said(/nothing has been heard of the feed 239\.255\.0\.1:\d+: expected an exchange on 127\.0\.0\.1:\d+ that sends it/);
  await interrupted(early);
});
