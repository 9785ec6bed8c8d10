// The JSON gateway: market data and orders for whoever speaks JSON, in a process of its own beside the exchange. This
// file is the whole of it; each part is a file.
//
//   1 exchange's feed ─► market ──────────────► lines of market data ─┐
//                                                                     ├─► 4 TCP, WebSocket ─► clients
//   2 exchange ◄── a session of each client's own ◄── 3 sessions ◄────┘
//
// What a client of JSON can do to the exchange is what its account can: it has a session of its own there, with the same
// limits. What it can do to this process is bounded here: connections in all and of one address, bytes both ways, lines
// a turn, time to log in. No byte of a client ends the process.
//
// Order in a turn: what clients have sent, the market, responses and what is due, then one send a connection. Cost: an
// idle client a few loads a turn. Limits: beside the constants.
import { TcpDoor } from './tcp_door.ts';
import { Market, type MarketFeedOptions, type MarketListener } from './market.ts';
import { Timestamps } from './lines.ts';
import { LoginCheck, type LoginKey, type LoginSecurity } from './login.ts';
import { Channel } from './requests.ts';
import { type ExternalLine, JsonSession, type SessionSetting } from './session.ts';
import { WebSocketDoor } from './web_socket_door.ts';
import type { Agent } from '../base/agent.ts';
import type { Clock } from '../base/clock.ts';
import type { ConnectOptions, Network } from '../net/transport.ts';
import type { TraderInstruments } from '../trader/instruments.ts';
import type { Peer } from './peer.ts';

export const CONNECTIONS_MAX_DEFAULT = 1_024;
/** Deadlines are looked at this often. */
const DEADLINES_NS = 100_000_000;

export interface JsonGatewayOptions {
  readonly clock: Clock;
  readonly network: Network;
  readonly instruments: TraderInstruments;
  readonly feed: MarketFeedOptions;
  /** Where the exchange takes orders. */
  readonly exchange: ConnectOptions;
  /** Address of both doors. */
  readonly host: string;
  /** Of lines over TCP; 0: any. */
  readonly port: number;
  /** Of WebSockets; null: none. */
  readonly webPort: number | null;
  readonly origins: readonly string[];
  readonly hosts: readonly string[];
  readonly connectionsMax: number;
  /** Of one address. */
  readonly addressConnectionsMax: number;
  readonly keys: readonly LoginKey[];
  readonly security: LoginSecurity;
}

export class JsonGateway implements Agent, MarketListener {
  readonly name = 'json';
  readonly market: Market;
  /** Connections taken, and those for which there was no room. */
  accepted = 0;
  turnedAway = 0;
  /** Lines of sessions that have ended; with those of the others, all. */
  #linesBefore = 0;
  #refusedBefore = 0;
  #droppedBefore = 0;
  readonly #options: JsonGatewayOptions;
  readonly #setting: SessionSetting;
  readonly #sessions = new Set<JsonSession>();
  readonly #addresses = new Map<string, number>();
  /** Books that have changed in this turn. */
  readonly #changed = new Set<number>();
  #tcp: TcpDoor | null = null;
  #web: WebSocketDoor | null = null;
  #deadlinesNs = 0;

  /** Joins the feed and opens the doors; throws what prevents that. */
  static async open(options: JsonGatewayOptions): Promise<JsonGateway> {
    const timestamps = new Timestamps();
    const market = await Market.open({ ...options, timestamps });
    const gateway = new JsonGateway(options, market, timestamps);
    try {
      await gateway.#openDoors();
    } catch (error) {
      gateway.close();
      throw error;
    }
    return gateway;
  }

  private constructor(options: JsonGatewayOptions, market: Market, timestamps: Timestamps) {
    const { clock, instruments, network, exchange, keys, security } = options;
    this.#options = options;
    this.market = market;
    market.listener = this;
    this.#setting = {
      clock, instruments, market, timestamps, logins: new LoginCheck(keys, security),
      connect: () => network.connect(exchange), connections: () => this.connections,
      onExternal: (book, line) => this.#tellMarket(book, Channel.External, line),
    };
  }

  get port(): number {
    return this.#tcp?.port ?? 0;
  }

  /** null: there is no such door. */
  get webPort(): number | null {
    return this.#web?.port ?? null;
  }

  get connections(): number {
    return this.#sessions.size;
  }

  get lines(): number {
    return this.#linesBefore + this.#sum((session) => session.lines);
  }

  /** Lines that were refused here, not by the exchange. */
  get refused(): number {
    return this.#refusedBefore + this.#sum((session) => session.refused);
  }

  /** Lines of market data that found no room. */
  get dropped(): number {
    return this.#droppedBefore + this.#sum((session) => session.dropped);
  }

  poll(nowNs: number): number {
    let work = this.#tcp?.poll(nowNs) ?? 0;
    this.#web?.poll();
    work += this.market.poll(nowNs);
    this.#markDue();
    for (const session of this.#sessions) {
      work += session.poll(nowNs);
      if (session.ended !== '') this.#remove(session);
    }
    if (nowNs - this.#deadlinesNs >= DEADLINES_NS) this.#checkDeadlines(nowNs);
    this.#tcp?.flush();
    return work;
  }

  close(): void {
    for (const session of this.#sessions) session.close('the gateway ends');
    this.#tcp?.close();
    this.#web?.close();
    this.market.close();
  }

  // ── the market tells ───────────────────────────────────────────────────────────────────────

  onTrade(book: number, side: number, priceTicks: number, qty: number): void {
    this.#changed.add(book);
    const forms: string[] = [];
    this.#tellMarket(book, Channel.Trades, (numbers) => (
      forms[Number(numbers)] ??= this.market.tradeLine(book, side, priceTicks, qty, numbers)));
  }

  onBook(book: number): void {
    this.#changed.add(book);
  }

  onState(): void {
    for (const session of this.#sessions) session.onMarketState();
  }

  #tellMarket(book: number, channel: number, line: ExternalLine): void {
    for (const session of this.#sessions) if (session.wants(book, channel)) session.onMarketLine(line);
  }

  #markDue(): void {
    if (this.#changed.size === 0) return;
    for (const session of this.#sessions) {
      for (const book of this.#changed) if (session.wants(book, Channel.Top | Channel.Depth)) session.onBook(book);
    }
    this.#changed.clear();
  }

  // ── connections ────────────────────────────────────────────────────────────────────────────

  async #openDoors(): Promise<void> {
    const { network, host, port, webPort, origins, hosts, connectionsMax, clock } = this.#options;
    const admit = (peer: Peer, nowNs: number): JsonSession | null => this.#admit(peer, nowNs);
    this.#tcp = new TcpDoor(await network.listen({ host, port }), admit);
    if (webPort === null) return;
    this.#web = await WebSocketDoor.open({ host, port: webPort, clock, origins, hosts, connectionsMax, admit });
  }

  #admit(peer: Peer, nowNs: number): JsonSession | null {
    const { connectionsMax, addressConnectionsMax } = this.#options;
    const ofAddress = this.#addresses.get(peer.host) ?? 0;
    const expected = this.#sessions.size >= connectionsMax ? `${connectionsMax} connections`
      : ofAddress >= addressConnectionsMax ? `${addressConnectionsMax} connections of one address` : '';
    if (expected !== '') {
      this.turnedAway++;
      peer.send(`{"event":"closed","text":"expected at most ${expected}, was one more"}\n`);
      peer.close();
      return null;
    }
    this.accepted++;
    this.#addresses.set(peer.host, ofAddress + 1);
    const session = new JsonSession(peer, this.#setting, nowNs);
    this.#sessions.add(session);
    return session;
  }

  #remove(session: JsonSession): void {
    this.#sessions.delete(session);
    this.#linesBefore += session.lines;
    this.#refusedBefore += session.refused;
    this.#droppedBefore += session.dropped;
    const { host } = session.peer;
    const left = (this.#addresses.get(host) ?? 1) - 1;
    if (left === 0) this.#addresses.delete(host);
    else this.#addresses.set(host, left);
  }

  #checkDeadlines(nowNs: number): void {
    this.#deadlinesNs = nowNs;
    this.#tcp?.checkDeadlines(nowNs);
    for (const session of this.#sessions) session.checkDeadlines(nowNs);
  }

  #sum(of: (session: JsonSession) => number): number {
    let sum = 0;
    for (const session of this.#sessions) sum += of(session);
    return sum;
  }
}
