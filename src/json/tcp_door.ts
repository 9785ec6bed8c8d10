// Lines of JSON over TCP: takes connections, cuts what comes into lines for their sessions, and sends what these say.
//
//   receive ─► [ up to LINE_BYTES_MAX ] ─► lines ─► session ─► [ unread: up to UNREAD_BYTES_MAX ] ─► send
//
// By turns: at most LINES_A_TURN lines of a connection, then the next. A line that was started must end within LINE_NS.
// A connection that says nothing costs RECEIVE_BYTES_INITIAL and UNREAD_BYTES_INITIAL.
import { ReceiveBuffer } from '../wire/framing/receive_buffer.ts';
import { CLOSED, type StreamConnection, type StreamListener } from '../net/transport.ts';
import { Line, LineCutter } from './line_cutter.ts';
import { LINE_BYTES_MAX, LINES_A_TURN, type Peer } from './peer.ts';
import type { JsonSession } from './session.ts';

/** For a line from its first byte on. */
export const LINE_NS = 5_000_000_000;
const ACCEPTS_A_TURN = 64;
const RECEIVE_BYTES_INITIAL = 1024;
const UNREAD_BYTES_INITIAL = 1024;
const ENCODER = new TextEncoder();
/** UTF-8 of one UTF-16 unit at most. */
const BYTES_PER_UNIT = 3;

class TcpPeer implements Peer {
  readonly name: string;
  readonly host: string;
  readonly probes = false;
  readonly #connection: StreamConnection;
  #out = new Uint8Array(UNREAD_BYTES_INITIAL);
  #start = 0;
  #end = 0;

  constructor(connection: StreamConnection) {
    this.#connection = connection;
    this.name = connection.peer;
    this.host = connection.peer.slice(0, connection.peer.lastIndexOf(':'));
  }

  get unreadBytes(): number {
    return this.#end - this.#start;
  }

  send(line: string): void {
    this.#makeRoom(line.length * BYTES_PER_UNIT);
    this.#end += ENCODER.encodeInto(line, this.#out.subarray(this.#end)).written;
  }

  /** Nothing to do: a client that is asked answers with a line. */
  probe(): void {}

  /** Hands the network what it takes. False: the connection is gone. */
  flush(): boolean {
    while (this.#start < this.#end) {
      const sent = this.#connection.send(this.#out, this.#start, this.#end - this.#start);
      if (sent === CLOSED) return false;
      if (sent === 0) return true;
      this.#start += sent;
    }
    this.#start = this.#end = 0;
    return true;
  }

  close(): void {
    this.flush();
    this.#connection.close();
  }

  #makeRoom(bytes: number): void {
    if (this.#end + bytes <= this.#out.length) return;
    const unread = this.unreadBytes;
    const needed = unread + bytes;
    const target = needed <= this.#out.length ? this.#out : new Uint8Array(Math.max(needed, 2 * this.#out.length));
    target.set(this.#out.subarray(this.#start, this.#end));
    this.#out = target;
    this.#start = 0;
    this.#end = unread;
  }
}

interface Client {
  readonly connection: StreamConnection;
  readonly peer: TcpPeer;
  readonly session: JsonSession;
  readonly received: ReceiveBuffer;
  readonly cutter: LineCutter;
  /** When the line that has not ended began; NaN: there is none. */
  lineSinceNs: number;
  /** Lines that the last turn left. */
  more: boolean;
}

export class TcpDoor {
  readonly #listener: StreamListener;
  readonly #admit: (peer: Peer, nowNs: number) => JsonSession | null;
  readonly #clients = new Set<Client>();

  /** `admit` gives null where there is no room, and has said so to the peer. */
  constructor(listener: StreamListener, admit: (peer: Peer, nowNs: number) => JsonSession | null) {
    this.#listener = listener;
    this.#admit = admit;
  }

  get port(): number {
    return this.#listener.port;
  }

  /** Takes what has come. Returns the work done. */
  poll(nowNs: number): number {
    let work = 0;
    for (let i = 0; i < ACCEPTS_A_TURN; i++) {
      const connection = this.#listener.accept();
      if (connection === null) break;
      work++;
      this.#accept(connection, nowNs);
    }
    for (const client of this.#clients) {
      if (client.more || client.connection.readable) work += this.#take(client, nowNs);
      if (client.session.ended !== '') this.#clients.delete(client);
    }
    return work;
  }

  /** Sends what the sessions have said. */
  flush(): void {
    for (const { peer, session } of this.#clients) {
      if (peer.unreadBytes > 0 && !peer.flush()) session.close('the client closed the connection');
    }
  }

  /** Now and then. */
  checkDeadlines(nowNs: number): void {
    for (const { lineSinceNs, session } of this.#clients) {
      if (nowNs - lineSinceNs > LINE_NS) session.close(`expected the end of a line within ${LINE_NS / 1e9} s`);
    }
  }

  close(): void {
    this.#listener.close();
  }

  #accept(connection: StreamConnection, nowNs: number): void {
    const peer = new TcpPeer(connection);
    const session = this.#admit(peer, nowNs);
    if (session === null) return;
    this.#clients.add({
      connection, peer, session, received: new ReceiveBuffer(RECEIVE_BYTES_INITIAL, LINE_BYTES_MAX + 1),
      cutter: new LineCutter(LINE_BYTES_MAX), lineSinceNs: NaN, more: false,
    });
  }

  #take(client: Client, nowNs: number): number {
    const { connection, received, session } = client;
    const room = received.room();
    if (connection.readable && room > 0) {
      const length = connection.receive(received.bytes, received.end, room);
      if (length === CLOSED) {
        session.close('the client closed the connection');
        return 1;
      }
      received.received(length);
    }
    const lines = this.#lines(client, nowNs);
    if (received.pending === 0) client.lineSinceNs = NaN;
    else if (lines > 0 || Number.isNaN(client.lineSinceNs)) client.lineSinceNs = nowNs;
    return lines;
  }

  #lines(client: Client, nowNs: number): number {
    const { received, cutter, session } = client;
    let lines = 0;
    client.more = true;
    while (lines < LINES_A_TURN && session.ended === '') {
      const line = cutter.next(received);
      if (line !== Line.Whole) {
        client.more = false;
        if (line === Line.TooLong) session.onLineTooLong(nowNs);
        break;
      }
      lines++;
      session.onLine(received.bytes, cutter.start, cutter.end, nowNs);
    }
    return lines;
  }
}
