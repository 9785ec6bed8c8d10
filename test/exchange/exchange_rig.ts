// An exchange for tests, with clients that say bytes and hear bytes. Over the memory network a test
// has time and cuts in its hand; over a real one the same test runs on sockets.
import assert from 'node:assert/strict';
import {
  EXCHANGE_DEFAULT,
  type ExchangeConfig,
  ListenerFraming,
} from '../../src/exchange/config.ts';
import { freePorts } from '../../src/apps/free_ports.ts';
import type { CloseReason } from '../../src/exchange/counters.ts';
import type { LoginSecurity } from '../../src/exchange/session/login_check.ts';
import { Exchange, type ExchangeListener } from '../../src/exchange/exchange.ts';
import { type FabricOptions, MemoryFabric } from '../../src/net/memory_network.ts';
import {
  CLOSED,
  type DatagramSocket,
  type Network,
  type StreamConnection,
} from '../../src/net/transport.ts';
import type { TurnProfile } from '../../src/observe/profile/turn_profile.ts';

/** A turn of the exchange in test time. */
const TURN_NS = 10_000;
const TURNS_MAX = 200_000;
/** What is received passes through here. */
const BUFFER = new Uint8Array(65_536);
const MEMORY_PORT = 20_000;

/** Overrides of the default configuration; `limits` one by one. */
export interface RigConfig extends Partial<Omit<ExchangeConfig, 'limits'>> {
  readonly framing?: ListenerFraming;
  readonly limits?: Partial<ExchangeConfig['limits']>;
}

export interface RigOptions {
  readonly config?: RigConfig;
  readonly fabric?: FabricOptions;
  /** Told what the exchange tells, beside the rig. */
  readonly listener?: ExchangeListener;
  /** Where accounts have keys. */
  readonly security?: LoginSecurity;
  readonly profile?: TurnProfile;
  /** Makes real networks instead of the memory one. */
  readonly network?: () => Network;
}

export interface Ended {
  readonly reason: CloseReason;
  readonly detail: string;
}

export class ExchangeRig {
  readonly exchange: Exchange;
  readonly fabric: MemoryFabric | null;
  readonly clientNetwork: Network;
  /** Sessions that ended, in order. */
  readonly ended: Ended[];
  nowNs = 0;
  readonly #network: Network;
  readonly #clients: RawClient[] = [];
  readonly #receivers: FeedCapture[] = [];

  private constructor(
    exchange: Exchange,
    fabric: MemoryFabric | null,
    network: Network,
    clientNetwork: Network,
    ended: Ended[],
  ) {
    this.exchange = exchange;
    this.fabric = fabric;
    this.#network = network;
    this.clientNetwork = clientNetwork;
    this.ended = ended;
  }

  static async open(options: RigOptions = {}): Promise<ExchangeRig> {
    const fabric = options.network === undefined ? new MemoryFabric(options.fabric) : null;
    const network = options.network?.() ?? (fabric as MemoryFabric).network();
    const clientNetwork = options.network?.() ?? (fabric as MemoryFabric).network();
    const feedPort = fabric === null ? await freePorts() : MEMORY_PORT;
    const ended: Ended[] = [];
    const exchange = await Exchange.open({
      config: rigConfig(options.config ?? {}, feedPort),
      network,
      stamp: 1_700_000_000,
      ...(options.security !== undefined && { security: options.security }),
      ...(options.profile !== undefined && { profile: options.profile }),
      listener: {
        ...options.listener,
        onClose: (_session, reason, detail) => ended.push({ reason, detail }),
      },
    }).catch((error: unknown) => {
      network.close();
      clientNetwork.close();
      throw error;
    });
    return new ExchangeRig(exchange, fabric, network, clientNetwork, ended);
  }

  /** A connection to listener `index`. */
  async client(index = 0): Promise<RawClient> {
    const connection = await this.clientNetwork.connect({
      host: '127.0.0.1',
      port: this.exchange.ports[index],
    });
    const client = new RawClient(connection);
    this.#clients.push(client);
    return client;
  }

  /** Everything that is sent to the incremental or the snapshot group from now on. */
  async capture(which: 'feed' | 'snapshot'): Promise<FeedCapture> {
    const { group, port } = this.exchange.config[which];
    const socket = await this.clientNetwork.multicastReceiver({
      group,
      port,
      interface: '127.0.0.1',
      receiveBufferBytes: 8 << 20,
    });
    const capture = new FeedCapture(socket);
    this.#receivers.push(capture);
    return capture;
  }

  /** Turns of the exchange and of everybody else. */
  async turn(turns = 1, stepNs = TURN_NS): Promise<void> {
    for (let i = 0; i < turns; i++) {
      this.nowNs += stepNs;
      this.exchange.poll(this.nowNs);
      this.clientNetwork.poll();
      for (const client of this.#clients) client.poll();
      for (const receiver of this.#receivers) receiver.poll();
      if (this.#network.needsEventLoop || this.clientNetwork.needsEventLoop)
        await new Promise((resolve) => setImmediate(resolve));
    }
  }

  /** Turns until `condition` holds. */
  async until(condition: () => boolean, what: string, stepNs = TURN_NS): Promise<void> {
    for (let turns = 0; !condition(); turns++) {
      assert.ok(turns < TURNS_MAX, `never came: ${what}`);
      await this.turn(1, stepNs);
    }
  }

  counter(name: string): number {
    return this.exchange.counters.get(name);
  }

  close(): void {
    this.exchange.close(this.nowNs);
    this.#network.close();
    this.clientNetwork.close();
  }
}

/** `port`: of the feed, the snapshots' is the next. In a memory network any is free. */
export function rigConfig(overrides: RigConfig, port = MEMORY_PORT): ExchangeConfig {
  const { framing, limits, ...others } = overrides;
  return {
    ...EXCHANGE_DEFAULT,
    listeners: [{ host: '127.0.0.1', port: 0, framing: framing ?? ListenerFraming.Auto }],
    ordersMax: 10_000,
    feed: { layout: 'native', group: '239.255.77.1', port },
    snapshot: { group: '239.255.77.1', port: port + 1, intervalNs: 0 },
    retransmit: { host: '127.0.0.1', port: 0, messages: 4_096, datagramsPerSecond: 20_000 },
    ...others,
    limits: { ...EXCHANGE_DEFAULT.limits, ...limits },
  };
}

/** Says bytes, hears bytes. */
export class RawClient {
  readonly connection: StreamConnection;
  /** All that has come. */
  received = Buffer.alloc(0);
  /** The exchange has closed. */
  closed = false;
  /** Takes nothing while false. */
  reads = true;
  #unsent = Buffer.alloc(0);

  constructor(connection: StreamConnection) {
    this.connection = connection;
  }

  say(...parts: readonly Uint8Array[]): void {
    this.#unsent = Buffer.concat([this.#unsent, ...parts]);
    this.#flush();
  }

  poll(): void {
    this.#flush();
    if (!this.reads || this.closed) return;
    for (;;) {
      const length = this.connection.receive(BUFFER, 0, BUFFER.length);
      if (length === CLOSED) {
        this.closed = true;
        this.connection.close();
      }
      if (length <= 0) return;
      this.received = Buffer.concat([this.received, BUFFER.subarray(0, length)]);
    }
  }

  /** Takes the first `bytes` of what has come. */
  take(bytes: number): Buffer {
    assert.ok(
      this.received.length >= bytes,
      `expected ${bytes} bytes, ${this.received.length} have come`,
    );
    const taken = this.received.subarray(0, bytes);
    this.received = this.received.subarray(bytes);
    return taken;
  }

  #flush(): void {
    while (this.#unsent.length > 0 && !this.closed) {
      const taken = this.connection.send(this.#unsent, 0, this.#unsent.length);
      if (taken <= 0) return;
      this.#unsent = this.#unsent.subarray(taken);
    }
  }
}

/** The datagrams of a group. */
export class FeedCapture {
  readonly datagrams: Buffer[] = [];
  readonly #socket: DatagramSocket;

  constructor(socket: DatagramSocket) {
    this.#socket = socket;
  }

  poll(): void {
    for (;;) {
      const length = this.#socket.receive(BUFFER, 0, BUFFER.length);
      if (length <= 0) return;
      this.datagrams.push(Buffer.from(BUFFER.subarray(0, length)));
    }
  }

  /** Native messages of all datagrams so far, heartbeats left out. */
  nativeMessages(): Buffer[] {
    const messages: Buffer[] = [];
    for (const datagram of this.datagrams) {
      const count = datagram.readUInt16BE(18);
      if (count === 0xffff) continue;
      let at = 20;
      for (let i = 0; i < count; i++) {
        const length = datagram.readUInt16BE(at);
        messages.push(datagram.subarray(at + 2, at + 2 + length));
        at += 2 + length;
      }
      assert.equal(at, datagram.length, 'blocks fill their datagram');
    }
    return messages;
  }
}

// ── bytes, by hand from the description of the protocols ─────────────────────────────────────────

export interface Order {
  readonly client: number;
  readonly ticker?: number;
  readonly id: number | bigint;
  readonly side?: number;
  readonly price?: number | bigint;
  readonly qty?: number;
}

/**
 * 30 bytes: type@0:u8 client@1:u32 ticker@5:u32 order@9:u64 side@17:i8 price@18:i64 qty@26:u32,
 * little-endian.
 */
export function request(type: number, order: Order): Buffer {
  const bytes = Buffer.alloc(30);
  bytes.writeUInt8(type, 0);
  bytes.writeUInt32LE(order.client, 1);
  bytes.writeUInt32LE(order.ticker ?? 1, 5);
  bytes.writeBigUInt64LE(BigInt(order.id), 9);
  bytes.writeInt8(order.side ?? 1, 17);
  bytes.writeBigInt64LE(BigInt(order.price ?? 10_000), 18);
  bytes.writeUInt32LE(order.qty ?? 10, 26);
  return bytes;
}

export interface ExtendedOrder extends Order {
  readonly orderType?: number;
  readonly tif?: number;
  readonly flags?: number;
  readonly stp?: number;
  readonly display?: number;
  readonly minQty?: number;
  readonly stopPrice?: number;
  readonly owner?: number;
}

/**
 * 54 bytes: the 30, then order_type tif flags stp display:u32 min_qty:u32 stop_price:i64 owner:u32.
 */
export function requestExtended(order: ExtendedOrder): Buffer {
  const more = Buffer.alloc(24);
  more.writeUInt8(order.orderType ?? 2, 0);
  more.writeUInt8(order.tif ?? 1, 1);
  more.writeUInt8(order.flags ?? 0, 2);
  more.writeUInt8(order.stp ?? 0, 3);
  more.writeUInt32LE(order.display ?? 0, 4);
  more.writeUInt32LE(order.minQty ?? 0, 8);
  more.writeBigInt64LE(BigInt(order.stopPrice ?? 0), 12);
  more.writeUInt32LE(order.owner ?? 0xffff_ffff, 20);
  return Buffer.concat([request(3, order), more]);
}

export const buy = (client: number, id: number, price: number, qty: number, ticker = 1): Buffer =>
  request(1, { client, id, price, qty, ticker, side: 1 });
export const sell = (client: number, id: number, price: number, qty: number, ticker = 1): Buffer =>
  request(1, { client, id, price, qty, ticker, side: -1 });
export const cancel = (client: number, id: number, ticker = 1): Buffer =>
  request(2, { client, id, ticker });

/** seq@0:u64 before the message. */
export function sequenced(sequence: number, message: Uint8Array): Buffer {
  const header = Buffer.alloc(8);
  header.writeBigUInt64LE(BigInt(sequence));
  return Buffer.concat([header, message]);
}

/** len@0:u16be (bytes after it) type@2 payload@3. */
export function soup(type: string, payload: Uint8Array = Buffer.alloc(0)): Buffer {
  const header = Buffer.alloc(3);
  header.writeUInt16BE(payload.length + 1);
  header.write(type, 2, 'ascii');
  return Buffer.concat([header, payload]);
}

/** user@3:6 password@9:10 session@19:10 next_seq@29:20 heartbeat_ms@49:5. */
export function logIn(user: string, password = '', next = 0, session = ''): Buffer {
  return soup(
    'L',
    Buffer.from(
      user.padEnd(6) +
        password.padEnd(10) +
        session.padStart(10) +
        String(next).padStart(20) +
        '1000'.padStart(5),
      'ascii',
    ),
  );
}

export interface Response {
  readonly type: number;
  readonly client: number;
  readonly ticker: number;
  readonly id: bigint;
  readonly market: bigint;
  readonly side: number;
  readonly price: bigint;
  readonly exec: number;
  readonly leaves: number;
}

/**
 * type@0:u8 client@1:u32 ticker@5:u32 client_order@9:u64 market_order@17:u64 side@25:i8
 * price@26:i64 exec@34:u32 leaves@38:u32.
 */
export function response(bytes: Buffer, at = 0): Response {
  return {
    type: bytes.readUInt8(at),
    client: bytes.readUInt32LE(at + 1),
    ticker: bytes.readUInt32LE(at + 5),
    id: bytes.readBigUInt64LE(at + 9),
    market: bytes.readBigUInt64LE(at + 17),
    side: bytes.readInt8(at + 25),
    price: bytes.readBigInt64LE(at + 26),
    exec: bytes.readUInt32LE(at + 34),
    leaves: bytes.readUInt32LE(at + 38),
  };
}

/** All responses of a bare stream so far. */
export function bareResponses(client: RawClient): Response[] {
  assert.equal(client.received.length % 42, 0, 'whole responses have come');
  return Array.from({ length: client.received.length / 42 }, (_, i) =>
    response(client.received, i * 42),
  );
}

/** All responses of a sequenced stream so far; their numbers rise from 1. */
export function sequencedResponses(client: RawClient): Response[] {
  assert.equal(client.received.length % 50, 0, 'whole responses have come');
  return Array.from({ length: client.received.length / 50 }, (_, i) => {
    assert.equal(client.received.readBigUInt64LE(i * 50), BigInt(i + 1), 'responses count from 1');
    return response(client.received, i * 50 + 8);
  });
}

export interface Packet {
  readonly type: string;
  readonly payload: Buffer;
}

/** All packets of a SoupBinTCP stream so far. */
export function soupPackets(client: RawClient): Packet[] {
  const packets: Packet[] = [];
  const bytes = client.received;
  let at = 0;
  while (at < bytes.length) {
    const length = bytes.readUInt16BE(at);
    packets.push({
      type: bytes.toString('ascii', at + 2, at + 3),
      payload: bytes.subarray(at + 3, at + 2 + length),
    });
    at += 2 + length;
  }
  assert.equal(at, bytes.length, 'whole packets have come');
  return packets;
}

/** Responses among them. */
export function soupResponses(client: RawClient): Response[] {
  return soupPackets(client)
    .filter(({ type }) => type === 'S')
    .map(({ payload }) => response(payload));
}
