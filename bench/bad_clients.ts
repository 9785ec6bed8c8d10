// Clients that behave badly, for benchmarks that ask what a good one notices of them: one that floods, one that does not read its
// answers, one that orders what is halted, idle ones, some that are shown out and come again and again.
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
/** In batches: 3,200 requests a second. */
const BATCH_REQUESTS = 32;
const BATCH_NS = 10_000_000;

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

/** Sends orders and their cancels in batches; reads the answers, or does not. */
export class Batches {
  connection: StreamConnection | null = null;
  /** As fast as it can. */
  hurries = false;
  readonly #reads: boolean;
  readonly #bytes = new Uint8Array(BATCH_REQUESTS * ClientRequest.bytes);
  readonly #received = new Uint8Array(64 * 1024);
  #offset = 0;
  #atNs = 0;

  constructor(client: number, ticker: number, reads: boolean) {
    this.#reads = reads;
    const view = new DataView(this.#bytes.buffer);
    for (let i = 0; i < BATCH_REQUESTS; i++)
      writeRequest(view, i * ClientRequest.bytes, i % 2 === 0 ? RequestType.New : RequestType.Cancel, client, 1, ticker);
  }

  begin(connection: StreamConnection): void {
    this.connection = connection;
    this.#offset = 0;
    this.hurries = !this.#reads;
  }

  end(): void {
    this.connection?.close();
    this.connection = null;
  }

  poll(nowNs: number): void {
    const { connection } = this;
    if (connection === null) return;
    if (this.#reads) connection.receive(this.#received, 0, this.#received.length);
    if (!this.hurries && nowNs < this.#atNs) return;
    this.#atNs = nowNs + BATCH_NS;
    const sent = connection.send(this.#bytes, this.#offset, this.#bytes.length - this.#offset);
    // It was held up while it hurried, and so has left more unread than it may.
    if (sent === CLOSED) this.end();
    else this.#offset = (this.#offset + sent) % this.#bytes.length;
  }
}

/** Comes, says some orders, hears that the first is refused, goes, and comes again. */
export class Returning {
  refusals = 0;
  on = false;
  /** Where to. */
  connect: (() => Promise<StreamConnection>) | null = null;
  readonly #intervalNs: number;
  readonly #code: number;
  readonly #bytes: Uint8Array;
  readonly #received = new Uint8Array(ClientResponse.bytes);
  readonly #view = new DataView(this.#received.buffer);
  #connection: StreamConnection | null = null;
  #connecting = false;
  #kept = 0;
  #atNs = 0;

  /** It hears this code, and comes again so long after it came. */
  constructor(client: number, orders: number, code: number, intervalNs: number) {
    this.#code = code;
    this.#intervalNs = intervalNs;
    this.#bytes = new Uint8Array(orders * ClientRequest.bytes);
    const view = new DataView(this.#bytes.buffer);
    for (let i = 0; i < orders; i++) writeRequest(view, i * ClientRequest.bytes, RequestType.New, client, i + 1);
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

export interface BadClientsOptions {
  readonly flood: Flood;
  readonly slow: Batches;
  readonly halted: Batches;
  readonly lockedOut: Returning;
  readonly tooFast: Returning;
}

/** All of them, and idle connections: one agent, of which nothing is noticed while it is off. */
export class BadClients implements Agent, BadClientsOptions {
  readonly name = 'bad clients';
  /** Off while the exchange that they are connected to stands still. */
  on = false;
  readonly flood: Flood;
  readonly slow: Batches;
  readonly halted: Batches;
  readonly lockedOut: Returning;
  readonly tooFast: Returning;
  readonly idle: StreamConnection[] = [];
  readonly #network: Network;
  #atNs = 0;

  constructor(network: Network, { flood, slow, halted, lockedOut, tooFast }: BadClientsOptions) {
    this.#network = network;
    this.flood = flood;
    this.slow = slow;
    this.halted = halted;
    this.lockedOut = lockedOut;
    this.tooFast = tooFast;
  }

  poll(nowNs: number): number {
    if (!this.on || (nowNs < this.#atNs && !this.slow.hurries && !this.flood.fills)) return 0;
    this.#atNs = nowNs + POLL_NS;
    this.#network.poll();
    this.flood.poll(nowNs);
    this.slow.poll(nowNs);
    this.halted.poll(nowNs);
    this.lockedOut.poll(nowNs);
    this.tooFast.poll(nowNs);
    return 0;
  }

  /** True when nobody of them is connected, or about to be, but for what `end` has closed. */
  get gone(): boolean {
    return this.lockedOut.gone && this.tooFast.gone;
  }

  end(): void {
    for (const client of [this.flood, this.slow, this.halted]) client.end();
    for (const client of [this.lockedOut, this.tooFast]) client.on = false;
    for (const connection of this.idle.splice(0)) connection.close();
  }
}
