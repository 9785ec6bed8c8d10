// The whole pipeline allocates nothing once it runs, from the bytes of a request to the bytes of
// its answer and of the feed: at most 0.1 byte of heap a request.
import assert from 'node:assert/strict';
import { GCProfiler } from 'node:v8';
import { test } from 'node:test';
import { Exchange } from '../../src/exchange/exchange.ts';
import type {
  DatagramSocket,
  Network,
  StreamConnection,
  StreamListener,
} from '../../src/net/transport.ts';
import { buy, cancel, request, requestExtended, rigConfig, sell } from './exchange_rig.ts';

const BYTES_PER_REQUEST_MAX = 0.1;
const ORDERS = 32;

/** Says the same requests over and over, takes every answer. */
class EndlessClient implements StreamConnection {
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

class EndlessNetwork implements Network {
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
function requestsOf(client: number): Buffer {
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

test('from request to answer and feed: at most 0.1 byte of heap a request', async () => {
  const network = new EndlessNetwork(
    [1, 2].map((client) => new EndlessClient(client, requestsOf(client))),
  );
  const config = rigConfig({
    snapshot: { group: '239.255.77.1', port: 4_401, intervalNs: 10_000_000 },
  });
  const exchange = await Exchange.open({ config, network, stamp: 1 });
  let nowNs = 0;
  const run = (turns: number): void => {
    for (let i = 0; i < turns; i++) exchange.poll((nowNs += 100_000));
  };
  run(3_000); // compiled, buffers grown
  const requests = (): number => exchange.counters.get('requests');
  let least = Infinity;
  for (let attempt = 0; attempt < 8 && least > BYTES_PER_REQUEST_MAX; attempt++) {
    const profiler = new GCProfiler();
    profiler.start();
    const requestsBefore = requests();
    const before = process.memoryUsage().heapUsed;
    run(1_000);
    const bytes = process.memoryUsage().heapUsed - before;
    const collections = profiler.stop()?.statistics.length ?? 0;
    if (collections === 0) least = Math.min(least, bytes / (requests() - requestsBefore));
  }
  assert.ok(
    exchange.counters.get('trades') > 10_000 && exchange.counters.get('rejected') > 10_000,
    'it traded and rejected',
  );
  assert.ok(exchange.counters.get('snapshot_cycles') > 10, 'and took snapshots');
  assert.ok(least <= BYTES_PER_REQUEST_MAX, `${least.toFixed(3)} bytes a request`);
  exchange.close(nowNs);
});
