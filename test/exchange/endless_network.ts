// A network of clients that never end: each says the same requests over and over and takes every answer.
// Nothing is allocated and no system call made, so what is measured over it is the exchange's own.
import type {
  DatagramSocket,
  Network,
  StreamConnection,
  StreamListener,
} from '../../src/net/transport.ts';
import { buy, cancel, request, requestExtended, sell } from './exchange_rig.ts';

const ORDERS = 32;

/** Says the same requests over and over, takes every answer. */
export class EndlessClient implements StreamConnection {
  readonly id: number;
  tag = -1;
  readonly peer = '127.0.0.1:1';
  readonly open = true;
  readonly readable = true;
  answered = 0;
  readonly #requests: Buffer;
  #said = 0;

  constructor(id: number, requests: Buffer) {
    this.id = id;
    this.#requests = requests;
  }

  receive(target: Uint8Array, offset: number, max: number): number {
    const requests = this.#requests;
    const length = Math.min(max, requests.length - this.#said);
    for (let i = 0; i < length; i++) target[offset + i] = requests[this.#said + i];
    this.#said = (this.#said + length) % requests.length;
    return length;
  }

  send(_source: Uint8Array, _offset: number, length: number): number {
    this.answered += length;
    return length;
  }

  close(): void {}
}

const SILENT: DatagramSocket = {
  host: '127.0.0.1',
  port: 1,
  senderHost: '',
  senderPort: 0,
  dropped: 0,
  truncated: 0,
  refused: 0,
  receive: () => 0,
  send: () => true,
  sendTo: () => true,
  close: () => {},
};

export class EndlessNetwork implements Network {
  readonly kind = 'endless';
  readonly needsEventLoop = false;
  readonly clients: readonly EndlessClient[];
  #accepted = 0;

  constructor(clients: readonly EndlessClient[]) {
    this.clients = clients;
  }

  async listen(): Promise<StreamListener> {
    return {
      host: '127.0.0.1',
      port: 1,
      close: () => {},
      accept: () => (this.#accepted < this.clients.length ? this.clients[this.#accepted++] : null),
    };
  }

  connect(): Promise<StreamConnection> {
    return Promise.reject(new Error('the exchange connects to nobody'));
  }

  async multicastSender(): Promise<DatagramSocket> {
    return SILENT;
  }

  async multicastReceiver(): Promise<DatagramSocket> {
    return SILENT;
  }

  async unicast(): Promise<DatagramSocket> {
    return SILENT;
  }

  poll(): number {
    return this.clients.length;
  }

  get readyCount(): number {
    return this.clients.length;
  }

  ready(index: number): StreamConnection {
    return this.clients[index];
  }

  arm(wake: () => void): void {
    wake();
  }

  disarm(): void {}

  close(): void {}
}

/** Quotes on both sides, changes, trades and rejects, after which the book is as before. */
export function mixedRequests(client: number): Buffer {
  const parts: Buffer[] = [];
  for (let i = 1; i <= ORDERS; i++) {
    parts.push(
      buy(client, i, 10_000 - i, 10),
      sell(client, i + ORDERS, 20_000 + i, 10),
      request(4, { client, id: i, price: 10_001 - i, qty: 8 }),
      requestExtended({ client, id: 999, side: -1, price: 9_000, qty: 3, tif: 3, stp: 1 }),
      buy(client, 998, 0, 1),
      cancel(client, i),
      cancel(client, i + ORDERS),
      cancel(client, i),
    );
  }
  return Buffer.concat(parts);
}
