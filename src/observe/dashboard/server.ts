// The dashboard's server: page, JSON, metrics and one WebSocket a page, on one port (messages.ts has the protocol).
//
//   request ─► Host ─► Origin ─► route ─► answer             upgrade ─► Host ─► Origin ─► room? ─► live.ts
//                                  └─ POST: token ─► rate ─► body ─► CommandRequest ─► commands ─► words
//
// Everything that comes in is bounded: connections, connections of an address, a request's head, body and time, frames and
// pages (live.ts). Everything that goes out is JSON or a file of the build; text of others is only ever a JSON string.
// What fails in here is an answer of 500 and a note, never the end of the process: a monitor outlives its faults.
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import { WebSocketServer } from 'ws';
import type { Alert } from '../alerts/alert.ts';
import { Access, AddressRates, LOOPBACK_NAMES, SECURITY_HEADERS, Verdict } from './access.ts';
import { CommandError, commandRequest, commandText } from './command_request.ts';
import { historyMessage, type LiveLimits, LivePages, type LiveSource, MESSAGE_BYTES_MAX, TURN_MS } from './live.ts';
import {
  type CommandAnswer, type CommandRequest, type InstrumentInfo, LEVELS_MAX, type StatusMessage,
} from './messages.ts';
import { type PageFile, type PageFiles, readPageFiles } from './page_files.ts';
import { type LiveJournal, type TimeTravelPlace, timeTravelRoutes } from './time_travel_routes.ts';

/** A command has some 100. */
const BODY_BYTES_MAX = 2_048;
const HEAD_BYTES_MAX = 8_192;
/** Until a request's head, and all of it, has come. */
const HEAD_MS = 5_000;
const REQUEST_MS = 10_000;
/** Between two requests of a connection. */
const IDLE_MS = 10_000;
const CONNECTIONS_CHECKED_MS = 1_000;
/** Pages, their files, and others who ask. */
const CONNECTIONS_MAX = 512;
/** A page of live.ts keeps one; a browser opens six more for files. */
const CONNECTIONS_PER_ADDRESS_MAX = 320;
/** Of an address; a person clicks once. */
const COMMANDS_AT_ONCE = 10;
const COMMANDS_PER_SECOND = 2;
/** A page that goes ends within so long, or is cut off. */
const CLOSE_MS = 2_000;
const UPGRADE_OPTIONS = {
  noServer: true, maxPayload: MESSAGE_BYTES_MAX, perMessageDeflate: false, autoPong: false, closeTimeout: CLOSE_MS,
  clientTracking: false,
};
const HTTP_CONFLICT = 409;
const HTTP_UNAVAILABLE = 503;

export interface MetricsText {
  readonly type: string;
  readonly text: string;
}

/** What is served: newest state, and who carries out commands. */
export interface DashboardSource extends LiveSource {
  /** null: nothing was looked at yet. */
  readonly status: StatusMessage | null;
  readonly alerts: readonly Alert[];
  readonly instruments: readonly InstrumentInfo[];
  /** Prometheus' text format, or another. */
  metrics(): MetricsText;
  /** Something of ours is watched. */
  readonly watches: boolean;
  /** Of the exchange that is watched; null: it keeps none. Shown where there is a token alone. */
  readonly journal: LiveJournal | null;
}

/** Carries a command out; what cannot be done is an answer too. */
export type CommandTaker = (request: CommandRequest) => Promise<CommandAnswer>;

export interface DashboardOptions {
  readonly host: string;
  /** 0: a free one. */
  readonly port: number;
  /** Host names besides those of loopback and `host` by which browsers may ask. */
  readonly hosts: readonly string[];
  /** '': there are no commands. */
  readonly token: string;
  /** Of the built page. */
  readonly pages: string;
  readonly source: DashboardSource;
  readonly commands: CommandTaker;
  /** What /time-travel can open; none given: nothing. */
  readonly timeTravel?: readonly TimeTravelPlace[];
  /** Who commanded what, and with what result; what went wrong in here. */
  readonly note: (line: string) => void;
  readonly limits?: LiveLimits & { readonly connectionsPerAddress?: number };
}

export class DashboardServer {
  readonly live: LivePages;
  readonly #options: DashboardOptions;
  readonly #access: Access;
  readonly #files: PageFiles;
  readonly #app: FastifyInstance;
  readonly #http: Server;
  readonly #upgrades: WebSocketServer;
  readonly #rates = new AddressRates(COMMANDS_AT_ONCE, COMMANDS_PER_SECOND);
  /** Connections now, by address. */
  readonly #connections = new Map<string, number>();
  #turns: NodeJS.Timeout | null = null;

  /** Listens; rejects with what prevents that. */
  static async open(options: DashboardOptions): Promise<DashboardServer> {
    const server = new DashboardServer(options);
    await server.#listen();
    return server;
  }

  private constructor(options: DashboardOptions) {
    this.#options = options;
    const names = options.host === '0.0.0.0' ? [] : [options.host];
    this.#access = new Access({ hosts: [...LOOPBACK_NAMES, ...names, ...options.hosts], token: options.token });
    this.#files = readPageFiles(options.pages);
    this.live = new LivePages(options.source, options.limits);
    this.#upgrades = new WebSocketServer(UPGRADE_OPTIONS);
    this.#http = createServer({
      maxHeaderSize: HEAD_BYTES_MAX, headersTimeout: HEAD_MS, requestTimeout: REQUEST_MS, keepAliveTimeout: IDLE_MS,
      connectionsCheckingInterval: CONNECTIONS_CHECKED_MS, noDelay: true,
    });
    this.#http.maxConnections = CONNECTIONS_MAX;
    this.#http.on('connection', (socket) => this.#connected(socket));
    this.#http.on('upgrade', (request, socket, head) => this.#upgrade(request, socket, head));
    this.#app = this.#routes();
  }

  get port(): number {
    return (this.#http.address() as AddressInfo).port;
  }

  /** Where a browser finds it. */
  get url(): string {
    const { host } = this.#options;
    return `http://${host === '0.0.0.0' ? 'localhost' : host}:${this.port}/`;
  }

  /** Says good-bye to pages and ends. */
  async close(): Promise<void> {
    if (this.#turns !== null) clearInterval(this.#turns);
    this.live.close();
    await this.#app.close();
  }

  async #listen(): Promise<void> {
    const { host, port } = this.#options;
    await this.#app.listen({ host, port });
    this.#turns = setInterval(() => this.live.turn(performance.now()), TURN_MS);
  }

  // ── connections ────────────────────────────────────────────────────────────────────────────

  #connected(socket: Duplex & { readonly remoteAddress?: string | undefined }): void {
    const address = socket.remoteAddress ?? '';
    const count = (this.#connections.get(address) ?? 0) + 1;
    if (count > (this.#options.limits?.connectionsPerAddress ?? CONNECTIONS_PER_ADDRESS_MAX)) {
      socket.destroy();
      return;
    }
    this.#connections.set(address, count);
    socket.once('close', () => {
      const left = (this.#connections.get(address) ?? 1) - 1;
      if (left > 0) this.#connections.set(address, left);
      else this.#connections.delete(address);
    });
  }

  #upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    // A peer that resets while it is answered.
    socket.on('error', () => socket.destroy());
    const { host, origin } = request.headers;
    if (!this.#access.mayAsk(host)) return refuse(socket, 403, HOST_REFUSED);
    if (!this.#access.isOwnPage(origin, host)) return refuse(socket, 403, ORIGIN_REFUSED);
    if (pathOf(request.url) !== '/ws') return refuse(socket, 404, 'expected /ws');
    if (this.live.full) return refuse(socket, HTTP_UNAVAILABLE, 'expected fewer pages: all places are taken');
    this.#upgrades.handleUpgrade(request, socket, head, (page) => this.live.add(page));
  }

  // ── routes ─────────────────────────────────────────────────────────────────────────────────

  #routes(): FastifyInstance {
    const http = this.#http;
    const app = fastify({
      serverFactory: (handler) => http.on('request', handler),
      logger: false, bodyLimit: BODY_BYTES_MAX, forceCloseConnections: true, return503OnClosing: false,
    });
    // What is not JSON is not a command.
    app.removeContentTypeParser('text/plain');
    app.addHook('onRequest', (request, reply, done) => {
      this.#admit(request, reply, done);
    });
    app.setNotFoundHandler((request, reply) => fail(reply, 404, `there is nothing at ${pathOf(request.url).slice(0, 100)}`));
    app.setErrorHandler((error: { statusCode?: number; message: string }, _request, reply) => {
      const status = error.statusCode ?? 500;
      if (status >= 500) this.#options.note(`dashboard: ${error.message}`);
      return fail(reply, status, status >= 500 ? 'expected an answer, was a fault of the dashboard' : error.message);
    });
    this.#pageRoutes(app);
    this.#dataRoutes(app);
    if (this.#access.commands) this.#commandRoute(app);
    timeTravelRoutes(app, {
      places: this.#options.timeTravel ?? [],
      // Nobody has named it, so that nobody has opened it to whoever may connect.
      live: () => (this.#access.commands ? this.#options.source.journal : null),
      authorise: async (request, reply) => (this.#access.commands ? this.#judge(request, reply) : undefined),
    });
    return app;
  }

  /** Every request, before its body is read. */
  #admit({ headers, method }: FastifyRequest, reply: FastifyReply, done: () => void): void {
    reply.headers(SECURITY_HEADERS);
    const { host, origin } = headers;
    if (!this.#access.mayAsk(host)) void fail(reply, 403, HOST_REFUSED);
    else if (method !== 'GET' && method !== 'HEAD' && !this.#access.isOwnPage(origin, host)) void fail(reply, 403, ORIGIN_REFUSED);
    else done();
  }

  #pageRoutes(app: FastifyInstance): void {
    for (const [path, file] of this.#files)
      app.get(path, async (request, reply) => sendFile(request, reply, file));
  }

  #dataRoutes(app: FastifyInstance): void {
    const { source } = this.#options;
    const json = (path: string, make: (request: FastifyRequest, reply: FastifyReply) => unknown): void => {
      app.get(path, async (request, reply) => {
        reply.header('cache-control', 'no-store');
        return make(request, reply);
      });
    };
    app.get('/metrics', async (_request, reply) => {
      const { type, text } = source.metrics();
      return reply.header('cache-control', 'no-store').type(type).send(text);
    });
    const known = (of: (status: StatusMessage) => unknown) => (_request: FastifyRequest, reply: FastifyReply) =>
      (source.status === null ? fail(reply, HTTP_UNAVAILABLE, 'expected a first look, there was none yet') : of(source.status));
    json('/api/dashboard', known((status) => status.summary));
    json('/api/status', known((status) => status));
    json('/api/history', () => historyMessage(source.history, source.histogram));
    json('/api/alerts', () => source.alerts);
    json('/api/instruments', () => source.instruments);
    json('/api/health', (_request, reply) => {
      if (source.watches) return { status: 'ok' };
      return fail(reply, HTTP_UNAVAILABLE, 'expected a running exchange or trader, was none');
    });
    json('/api/market', (request, reply) => {
      const { ticker, levels = '20' } = request.query as Record<string, unknown>;
      const asked = { ticker: whole(ticker), levels: whole(levels) };
      if (asked.ticker === null) return fail(reply, 400, `ticker: expected a whole number, was ${shown(ticker)}`);
      if (asked.levels === null || asked.levels < 1 || asked.levels > LEVELS_MAX)
        return fail(reply, 400, `levels: expected 1 to ${LEVELS_MAX}, was ${shown(levels)}`);
      return source.market(asked.ticker, asked.levels, 0) ??
        fail(reply, 404, `ticker: expected one of /api/instruments, was ${asked.ticker}`);
    });
  }

  #commandRoute(app: FastifyInstance): void {
    const { commands, note } = this.#options;
    app.post('/api/commands', {
      onRequest: async (request, reply) => this.#authorise(request, reply),
    }, async (request, reply) => {
      const who = `${request.ip}:${request.socket.remotePort ?? 0}`;
      let asked: CommandRequest;
      try {
        asked = commandRequest(request.body);
      } catch (error) {
        if (!(error instanceof CommandError)) throw error;
        note(`dashboard ${who}: refused: ${error.message}`);
        return fail(reply, 400, error.message);
      }
      const answer = await commands(asked);
      note(`dashboard ${who}: ${commandText(asked)}: ${answer.ok ? 'done' : `refused: ${answer.text}`}`);
      if (answer.ok) return answer;
      return reply.code(HTTP_CONFLICT).send({ ...answer, error: answer.text });
    });
  }

  async #authorise(request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply | undefined> {
    const refused = this.#judge(request, reply);
    if (refused !== undefined) return refused;
    if (!this.#rates.take(request.ip, performance.now()))
      return fail(reply, 429, `expected at most ${COMMANDS_PER_SECOND} commands a second, were more`);
    return undefined;
  }

  /** The answer to a request without the token; undefined: it has it. */
  #judge({ headers, ip }: FastifyRequest, reply: FastifyReply): FastifyReply | undefined {
    const verdict = this.#access.judge(headers.authorization, ip, performance.now());
    if (verdict === Verdict.Fine) return undefined;
    if (verdict === Verdict.Missing) return fail(reply, 403, 'expected a header Authorization: Bearer TOKEN, was none');
    this.#options.note(`dashboard ${ip}: refused: not the token`);
    return fail(reply, verdict === Verdict.TooMany ? 429 : 403, "expected the dashboard's token");
  }
}

const HOST_REFUSED = 'Host: expected a name of this dashboard';
const ORIGIN_REFUSED = 'Origin: expected the page of this dashboard';

function fail(reply: FastifyReply, status: number, error: string): FastifyReply {
  return reply.code(status).send({ error });
}

/** Before there is a WebSocket. */
function refuse(socket: Duplex, status: number, error: string): void {
  const body = JSON.stringify({ error });
  socket.end(
    `HTTP/1.1 ${status} Refused\r\nconnection: close\r\ncontent-type: application/json; charset=utf-8\r\n` +
      `content-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  );
}

function sendFile({ headers }: FastifyRequest, reply: FastifyReply, file: PageFile): FastifyReply {
  reply.headers({ 'cache-control': file.cacheControl, etag: file.etag, vary: 'accept-encoding' });
  if (headers['if-none-match'] === file.etag) return reply.code(304).send();
  reply.type(file.type);
  const takesBrotli = /\bbr\b/.test(headers['accept-encoding'] ?? '');
  const brotli = takesBrotli ? file.brotli : null;
  if (brotli === null) return reply.send(file.bytes);
  return reply.header('content-encoding', 'br').send(brotli);
}

function pathOf(url: string | undefined): string {
  return (url ?? '').split('?', 1)[0];
}

/** A name that came twice is a list, and no number. */
function whole(text: unknown): number | null {
  return typeof text === 'string' && /^\d{1,10}$/.test(text) ? Number(text) : null;
}

function shown(value: unknown): string {
  return JSON.stringify(value ?? 'nothing').slice(0, 40);
}
