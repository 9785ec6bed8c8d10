// The same lines as messages of a WebSocket: one request a message.
//
// Anybody's web page can open a WebSocket to this machine, so before one is opened the request must name a host that is
// ours (a name that was pointed here by somebody else is not) and an origin that was allowed; programs send no origin.
// Compression is off, messages are at most LINE_BYTES_MAX, text alone is taken, and its UTF-8 is checked.
//
// Sockets are Node's, in turns of its event loop. A client that sends faster than LINES_A_TURN a turn is not read until
// the next. What it does not read is counted by Node (`bufferedAmount`), and the session has its limits on that.
import { createServer, type IncomingMessage, type Server } from 'node:http';
import { type RawData, WebSocket, WebSocketServer } from 'ws';
import { LINE_BYTES_MAX, LINES_A_TURN, type Peer } from './peer.ts';
import type { Clock } from '../base/clock.ts';
import type { JsonSession } from './session.ts';

/** For the request that asks for the upgrade. */
const REQUEST_MS = 5_000;
const HEADER_BYTES_MAX = 8 * 1024;
/** Of a client that does not answer the close. */
const CLOSE_MS = 1_000;
const CODE_NORMAL = 1000;
const CODE_NO_TEXT = 1003;

export interface WebSocketDoorOptions {
  readonly host: string;
  readonly port: number;
  readonly clock: Clock;
  /** Origins whose pages may connect: "http://127.0.0.1:8080". */
  readonly origins: readonly string[];
  /** Host names under which this door is reached, beside its address and localhost. */
  readonly hosts: readonly string[];
  /** Connections at once, those that ask for an upgrade included. */
  readonly connectionsMax: number;
  /** null: no room, and the peer has been told. */
  readonly admit: (peer: Peer, nowNs: number) => JsonSession | null;
}

class WebSocketPeer implements Peer {
  readonly name: string;
  readonly host: string;
  readonly probes = true;
  readonly #socket: WebSocket;

  constructor(socket: WebSocket, host: string, port: number) {
    this.#socket = socket;
    this.host = host;
    this.name = `${host}:${port}`;
  }

  get unreadBytes(): number {
    return this.#socket.bufferedAmount;
  }

  send(line: string): void {
    if (this.#socket.readyState === WebSocket.OPEN) this.#socket.send(line.trimEnd());
  }

  probe(): void {
    if (this.#socket.readyState === WebSocket.OPEN) this.#socket.ping();
  }

  close(): void {
    if (this.#socket.readyState === WebSocket.CLOSED) return;
    this.#socket.close(CODE_NORMAL);
    // A peer that reads nothing does not answer the close either.
    setTimeout(() => this.#socket.terminate(), CLOSE_MS).unref();
  }
}

interface Client {
  readonly socket: WebSocket;
  /** Since the last turn. */
  lines: number;
}

export class WebSocketDoor {
  readonly #options: WebSocketDoorOptions;
  readonly #server: Server;
  readonly #sockets = new WebSocketServer({
    noServer: true, perMessageDeflate: false, maxPayload: LINE_BYTES_MAX, clientTracking: false,
  });
  readonly #clients = new Set<Client>();
  #port = 0;

  static async open(options: WebSocketDoorOptions): Promise<WebSocketDoor> {
    const door = new WebSocketDoor(options);
    await new Promise<void>((resolve, reject) => {
      door.#server.once('error', reject).listen(options.port, options.host, () => {
        door.#server.off('error', reject).on('error', () => {}); // of single connections that could not be taken
        resolve();
      });
    });
    const address = door.#server.address();
    door.#port = typeof address === 'object' && address !== null ? address.port : options.port;
    return door;
  }

  private constructor(options: WebSocketDoorOptions) {
    this.#options = options;
    this.#server = createServer({
      maxHeaderSize: HEADER_BYTES_MAX, requestTimeout: REQUEST_MS, headersTimeout: REQUEST_MS, keepAlive: false,
    }, (_request, response) => {
      response.writeHead(426, { connection: 'close', upgrade: 'websocket' }).end('expected a WebSocket\n');
    });
    this.#server.maxConnections = options.connectionsMax;
    this.#server.on('clientError', (_error, socket) => socket.destroy());
    this.#server.on('upgrade', (request, socket, head) => {
      socket.on('error', () => socket.destroy());
      const fault = this.#faultOf(request);
      if (fault !== '') return void socket.end(`HTTP/1.1 403 Forbidden\r\nConnection: close\r\n\r\n${fault}\n`);
      this.#sockets.handleUpgrade(request, socket, head, (webSocket) => this.#opened(webSocket, request));
    });
  }

  get port(): number {
    return this.#port;
  }

  /** Who was not read in the last turn is read again. */
  poll(): void {
    for (const client of this.#clients) {
      if (client.lines >= LINES_A_TURN) client.socket.resume();
      client.lines = 0;
    }
  }

  close(): void {
    this.#server.close();
    for (const { socket } of this.#clients) socket.terminate();
    this.#server.closeAllConnections();
  }

  /** Why a request is not one of ours; '' where it is. */
  #faultOf({ headers, url }: IncomingMessage): string {
    const { hosts, origins, host: bound } = this.#options;
    if (url !== '/' && url !== '/ws') return 'expected the path / or /ws';
    const names = [bound, 'localhost', '127.0.0.1', ...hosts];
    const name = (headers.host ?? '').replace(/:\d+$/, '').toLowerCase();
    if (!names.includes(name)) return 'expected a Host that is this one';
    const { origin } = headers;
    if (origin === undefined || origins.includes(origin)) return '';
    return 'expected an Origin that was allowed (--origin)';
  }

  #opened(socket: WebSocket, request: IncomingMessage): void {
    const { remoteAddress = '', remotePort = 0 } = request.socket;
    const peer = new WebSocketPeer(socket, remoteAddress, remotePort);
    const { clock } = this.#options;
    socket.on('error', () => {}); // its close follows, with a code that says what was wrong
    const session = this.#options.admit(peer, clock.refresh());
    if (session === null) return;
    const client: Client = { socket, lines: 0 };
    this.#clients.add(client);
    socket.on('close', () => {
      this.#clients.delete(client);
      session.close('the client closed the connection');
    });
    socket.on('pong', () => session.heard(clock.refresh()));
    socket.on('message', (data, isBinary) => this.#onMessage(client, session, data, isBinary));
  }

  #onMessage(client: Client, session: JsonSession, data: RawData, isBinary: boolean): void {
    if (isBinary || !(data instanceof Uint8Array)) {
      client.socket.close(CODE_NO_TEXT, 'expected text');
      return session.close('expected text');
    }
    session.onLine(data, 0, data.length, this.#options.clock.refresh());
    client.lines++;
    if (client.lines >= LINES_A_TURN) client.socket.pause();
  }
}
