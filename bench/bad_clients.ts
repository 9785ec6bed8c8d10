// Clients that behave badly, for benchmarks that ask what a good one notices of them: one that floods, one that does not read its
// answers, idle ones, one that comes again and again.
//
// They turn in the good client's thread, for a thread more on two cores would show the scheduler; and they cost it next to nothing,
// for it is the exchange that is asked about. A flood is no matter of system calls: once all buffers between the two are full, the
// exchange has as much waiting as it ever could, and topping them up now and then keeps it so. Their connections are of a network
// of their own, of which news are looked at every POLL_NS and not in each turn.
import type { Agent } from '../src/base/agent.ts';
import { CLOSED, type Network, type StreamConnection } from '../src/net/transport.ts';
import { ClientRequest, ClientResponse, RequestType } from '../src/wire/generated/native.ts';
import { writeRequest } from './good_client.ts';

const POLL_NS = 1_000_000;
/** Bytes that the flood sends at once, and how often: twice and more of what the exchange takes of it meanwhile. */
const FLOOD_BYTES = ClientRequest.bytes * 512;
const FLOOD_NS = 10_000_000;
/** Of the slow reader, when it no longer hurries: 3,200 requests a second. */
const SLOW_REQUESTS = 32;
const SLOW_NS = 10_000_000;

/** Sends orders, more than the exchange takes of it; reads what it is told. */
export class Flood {
  connection: StreamConnection | null = null;
  answers = 0;
  /** Times that it sent, and those of them that found the buffers full. */
  tries = 0;
  full = 0;
  /** Until the buffers are full for the first time. */
  fills = false;
  readonly #bytes = new Uint8Array(FLOOD_BYTES);
  readonly #received = new Uint8Array(64 * 1024);
  #offset = 0;
  #atNs = 0;

  constructor(client: number) {
    const view = new DataView(this.#bytes.buffer);
    for (let i = 0; i < FLOOD_BYTES / ClientRequest.bytes; i++)
      writeRequest(view, i * ClientRequest.bytes, RequestType.New, client, i + 1);
  }

  begin(connection: StreamConnection): void {
    this.connection = connection;
    this.#offset = 0;
    this.fills = true;
  }

  end(): void {
    this.connection?.close();
    this.connection = null;
  }

  poll(nowNs: number): void {
    const { connection } = this;
    if (connection === null) return;
    const received = connection.receive(this.#received, 0, this.#received.length);
    if (received > 0) this.answers += received / ClientResponse.bytes;
    if (!this.fills && nowNs < this.#atNs) return;
    this.#atNs = nowNs + FLOOD_NS;
    const sent = connection.send(this.#bytes, this.#offset, FLOOD_BYTES - this.#offset);
    const full = sent < FLOOD_BYTES - this.#offset;
    if (sent > 0) this.#offset = (this.#offset + sent) % FLOOD_BYTES;
    if (full) this.fills = false;
    else if (this.fills) return;
    this.tries++;
    if (full) this.full++;
  }
}

/** Sends orders and their cancels, and reads nothing: at first as fast as it can, then slowly. */
export class SlowReader {
  connection: StreamConnection | null = null;
  hurries = false;
  readonly #bytes = new Uint8Array(SLOW_REQUESTS * ClientRequest.bytes);
  #offset = 0;
  #atNs = 0;

  constructor(client: number) {
    const view = new DataView(this.#bytes.buffer);
    for (let i = 0; i < SLOW_REQUESTS; i++)
      writeRequest(view, i * ClientRequest.bytes, i % 2 === 0 ? RequestType.New : RequestType.Cancel, client, 1);
  }

  begin(connection: StreamConnection): void {
    this.connection = connection;
    this.#offset = 0;
    this.hurries = true;
  }

  end(): void {
    this.connection?.close();
    this.connection = null;
  }

  poll(nowNs: number): void {
    const { connection } = this;
    if (connection === null || (!this.hurries && nowNs < this.#atNs)) return;
    this.#atNs = nowNs + SLOW_NS;
    const sent = connection.send(this.#bytes, this.#offset, this.#bytes.length - this.#offset);
    // It was held up while it hurried, and so has left more unread than it may.
    if (sent === CLOSED) this.end();
    else this.#offset = (this.#offset + sent) % this.#bytes.length;
  }
}

/** Comes, says an order, hears that it is refused, goes, and comes again. */
export class Returning {
  refusals = 0;
  on = false;
  /** Where to. */
  connect: (() => Promise<StreamConnection>) | null = null;
  readonly #intervalNs: number;
  readonly #code: number;
  readonly #bytes = new Uint8Array(ClientRequest.bytes);
  readonly #received = new Uint8Array(ClientResponse.bytes);
  readonly #view = new DataView(this.#received.buffer);
  #connection: StreamConnection | null = null;
  #connecting = false;
  #kept = 0;
  #atNs = 0;

  /** It hears this code, and comes again so long after it came. */
  constructor(client: number, code: number, intervalNs: number) {
    this.#code = code;
    this.#intervalNs = intervalNs;
    writeRequest(new DataView(this.#bytes.buffer), 0, RequestType.New, client, 1);
  }

  get gone(): boolean {
    return this.#connection === null && !this.#connecting;
  }

  poll(nowNs: number): void {
    if (this.#connection === null) {
      if (!this.on || this.#connecting || nowNs < this.#atNs) return;
      this.#atNs = nowNs + this.#intervalNs;
      void this.#come();
      return;
    }
    const received = this.#connection.receive(this.#received, this.#kept, ClientResponse.bytes - this.#kept);
    if (received === 0) return;
    if (received !== CLOSED) {
      this.#kept += received;
      if (this.#kept < ClientResponse.bytes) return;
      if (this.#view.getUint32(ClientResponse.offset.execQty, true) === this.#code) this.refusals++;
    }
    this.#connection.close();
    this.#connection = null;
  }

  async #come(): Promise<void> {
    if (this.connect === null) return;
    this.#connecting = true;
    try {
      const connection = await this.connect();
      this.#kept = 0;
      connection.send(this.#bytes, 0, this.#bytes.length);
      this.#connection = connection;
    } finally {
      this.#connecting = false;
    }
  }
}

/** All of them, and idle connections: one agent, of which nothing is noticed while it is off. */
export class BadClients implements Agent {
  readonly name = 'bad clients';
  /** Off while the exchange that they are connected to stands still. */
  on = false;
  readonly flood: Flood;
  readonly slow: SlowReader;
  readonly returning: Returning;
  readonly idle: StreamConnection[] = [];
  readonly #network: Network;
  #atNs = 0;

  constructor(network: Network, flood: Flood, slow: SlowReader, returning: Returning) {
    this.#network = network;
    this.flood = flood;
    this.slow = slow;
    this.returning = returning;
  }

  poll(nowNs: number): number {
    if (!this.on || (nowNs < this.#atNs && !this.slow.hurries && !this.flood.fills)) return 0;
    this.#atNs = nowNs + POLL_NS;
    this.#network.poll();
    this.flood.poll(nowNs);
    this.slow.poll(nowNs);
    this.returning.poll(nowNs);
    return 0;
  }

  end(): void {
    this.flood.end();
    this.slow.end();
    this.returning.on = false;
    for (const connection of this.idle.splice(0)) connection.close();
  }
}
