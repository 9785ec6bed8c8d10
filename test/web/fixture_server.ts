// A server that speaks messages.ts to one or more pages, over a market that is generated: as many updates a second as are
// asked for, each sent on its own, which is harder than what the real server does (it sends the newest state only). It can
// fall silent, go away and come back, and answer commands as a test wants.
//
//   node bin/node26.mjs test/web/fixture_server.ts      then http://127.0.0.1:8123/?fps#token=secret
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { WebSocketServer, type WebSocket } from 'ws';
import { SECURITY_HEADERS } from '../../src/observe/dashboard/access.ts';
import {
  STATUS_MS, type CommandRequest, type HelloMessage, type InstrumentInfo, type ServerMessage, type WatchMessage,
} from '../../src/observe/dashboard/messages.ts';
import { readPageFiles, type PageFiles } from '../../src/observe/dashboard/page_files.ts';
import { buildWeb } from '../../tools/build_web.ts';
import { FixtureMarket } from './fixture_market.ts';
import { FixtureSystem } from './fixture_system.ts';

export const TOKEN = 'secret';

const INSTRUMENTS: readonly InstrumentInfo[] = [
  { ticker: 1, symbol: 'ACME', priceDecimals: 2, tickSize: 1, state: 'open' },
  { ticker: 2, symbol: 'GLOBEX', priceDecimals: 4, tickSize: 25, state: 'open' },
  { ticker: 3, symbol: 'INITECH', priceDecimals: 0, tickSize: 1, state: 'halted' },
];
/** Updates are generated in batches of so many ms: timers are no finer. */
const BATCH_MS = 4;

interface Watcher {
  readonly socket: WebSocket;
  watched: WatchMessage | null;
  lastTrade: number;
}

export class FixtureServer {
  readonly markets: readonly FixtureMarket[];
  readonly system: FixtureSystem;
  readonly commands: CommandRequest[] = [];
  /** Of each book. */
  updatesPerSecond = 100;
  /** Why no command is carried out; '': all are. */
  refusal = '';
  /** Nothing is sent. */
  silent = false;
  /** Of the hello message. */
  hello: HelloMessage = { type: 'hello', version: 1, commands: true, timeTravel: true, instruments: INSTRUMENTS };
  /** Market messages sent, all pages together. */
  sent = 0;
  readonly #files: PageFiles = readPageFiles(buildWeb());
  readonly #watchers = new Set<Watcher>();
  readonly #timers: NodeJS.Timeout[] = [];
  #http: Server | null = null;
  #port = 0;
  #due = 0;

  constructor() {
    const nowMs = Date.now();
    this.markets = INSTRUMENTS.map((instrument, index) => new FixtureMarket(instrument, 10_000 + index * 700, 21 + index));
    for (const market of this.markets) market.past(nowMs, 180, 1_700);
    this.system = new FixtureSystem(this.markets, nowMs);
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}/`;
  }

  /** On the port that it had before, where it had one. */
  async open(port = this.#port): Promise<this> {
    const http = createServer((request, response) => void this.#answer(request, response));
    const sockets = new WebSocketServer({ server: http, path: '/ws' });
    sockets.on('connection', (socket) => this.#connected(socket));
    http.listen(port, '127.0.0.1');
    await once(http, 'listening');
    this.#http = http;
    this.#port = (http.address() as AddressInfo).port;
    this.#timers.push(
      setInterval(() => this.#batch(), BATCH_MS), setInterval(() => this.#status(), STATUS_MS), setInterval(() => this.#second(), 1000),
    );
    return this;
  }

  async close(): Promise<void> {
    for (const timer of this.#timers.splice(0)) clearInterval(timer);
    for (const { socket } of this.#watchers) socket.terminate();
    this.#watchers.clear();
    const http = this.#http;
    this.#http = null;
    http?.closeAllConnections();
    http?.close();
    if (http !== null) await once(http, 'close');
  }

  say(message: ServerMessage, watcher: Watcher): void {
    if (!this.silent) watcher.socket.send(JSON.stringify(message));
  }

  /** To all pages, at once. */
  tell(message: ServerMessage): void {
    for (const watcher of this.#watchers) this.say(message, watcher);
  }

  #connected(socket: WebSocket): void {
    const watcher: Watcher = { socket, watched: null, lastTrade: 0 };
    this.#watchers.add(watcher);
    socket.on('close', () => this.#watchers.delete(watcher));
    socket.on('message', (data: Buffer) => {
      watcher.watched = JSON.parse(String(data)) as WatchMessage;
      watcher.lastTrade = 0;
    });
    this.say(this.hello, watcher);
    this.say({ type: 'history', points: this.system.points, histogram: this.system.histogram() }, watcher);
    this.say(this.system.status(Date.now()), watcher);
  }

  #batch(): void {
    this.#due += (this.updatesPerSecond * BATCH_MS) / 1000;
    const nowMs = Date.now();
    for (; this.#due >= 1; this.#due--) {
      for (const market of this.markets) market.update(nowMs);
      for (const watcher of this.#watchers) this.#market(watcher, nowMs);
    }
  }

  #market(watcher: Watcher, nowMs: number): void {
    const market = this.markets.find(({ instrument }) => instrument.ticker === watcher.watched?.ticker);
    if (market === undefined || watcher.watched === null) return;
    const message = market.message(nowMs, watcher.watched.levels, watcher.lastTrade);
    watcher.lastTrade = message.trades.at(-1)?.id ?? watcher.lastTrade;
    this.say(message, watcher);
    this.sent++;
  }

  #status(): void {
    this.tell(this.system.status(Date.now()));
  }

  #second(): void {
    this.tell({ type: 'second', point: this.system.second(Date.now()), histogram: this.system.histogram() });
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { pathname } = new URL(request.url ?? '/', this.url);
    const file = this.#files.get(pathname);
    if (request.method === 'POST' && pathname === '/api/commands') await this.#command(request, response);
    else if (file === undefined) response.writeHead(404).end();
    else response.writeHead(200, { ...SECURITY_HEADERS, 'content-type': file.type }).end(file.bytes);
  }

  async #command(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let text = '';
    for await (const chunk of request) text += String(chunk);
    const tell = (code: number, body: object): void => {
      response.writeHead(code, { 'content-type': 'application/json' }).end(JSON.stringify(body));
    };
    if (request.headers.authorization !== `Bearer ${TOKEN}`) {
      tell(403, { error: 'expected the token of this dashboard, was another one' });
      return;
    }
    const command = JSON.parse(text) as CommandRequest;
    this.commands.push(command);
    if (this.refusal !== '') {
      tell(409, { ok: false, text: this.refusal, error: this.refusal });
      return;
    }
    if (command.command === 'limits') {
      const { command: _, client: __, confirm: ___, ...limits } = command;
      this.system.dials.limits = { ...this.system.dials.limits, ...limits };
    }
    if (command.command === 'pause' || command.command === 'resume') this.system.dials.tradersPaused = command.command === 'pause';
    tell(200, { ok: true, text: `${command.command}: done` });
  }
}

const PORT = 8123;
if (import.meta.main) process.stdout.write(`${(await new FixtureServer().open(PORT)).url}?fps#token=${TOKEN}\n`);
