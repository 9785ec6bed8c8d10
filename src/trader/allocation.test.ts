// The feed handler and the order entry allocate nothing once they run: at most 0.1 byte a message.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { leastHeapPerOperation } from '../../bench/harness/heap.ts';
import { MarketView } from '../book/market_view.ts';
import { FeedHandler, FeedState } from './feed_handler.ts';
import { OrderEntry } from './order_entry.ts';
import { MoldWriter } from '../wire/framing/mold_writer.reference.ts';
import { Framing } from '../wire/framing/frame.ts';
import { createFrameWriter } from '../wire/framing/framing.ts';
import { ClientResponse, MarketUpdate, UpdateType } from '../wire/generated/native.ts';
import type { DatagramSocket, StreamConnection } from '../net/transport.ts';

const BYTES_PER_MESSAGE_MAX = 0.1;

/** An endless feed: adds and cancels of 20 orders a datagram, written on demand into one buffer. */
class EndlessFeed implements DatagramSocket {
  readonly host = '127.0.0.1';
  readonly port = 1;
  readonly senderHost = '127.0.0.1';
  readonly senderPort = 1;
  readonly dropped = 0;
  readonly truncated = 0;
  readonly refused = 0;
  /** Datagrams that the receiver may still have. */
  left = 0;
  /** Every so many datagrams one comes twice. */
  readonly repeatEvery = 16;
  readonly #writer = new MoldWriter('ALLOCATION');
  #given = 0;
  #length = 0;

  receive(target: Uint8Array, offset: number, _max: number): number {
    if (this.left === 0) return 0;
    this.left--;
    if (++this.#given % this.repeatEvery !== 0 || this.#length === 0) this.#write();
    const bytes = this.#writer.bytes;
    for (let i = 0; i < this.#length; i++) target[offset + i] = bytes[i];
    return this.#length;
  }

  #write(): void {
    const writer = this.#writer;
    writer.begin(writer.nextSequence);
    for (let order = 1; order <= 20; order++) {
      const add = writer.claim(MarketUpdate.bytes);
      MarketUpdate.encode(
        writer.view, add, UpdateType.Add, 1, order, 0, 1, 100 + order, 0, 10, order, 0,
      );
      const cancel = writer.claim(MarketUpdate.bytes);
      MarketUpdate.encode(
        writer.view, cancel, UpdateType.Cancel, 1, order, 0, 1, 100 + order, 0, 10, order, 0,
      );
    }
    this.#length = writer.finish();
  }

  send(): boolean {
    return false;
  }

  sendTo(): boolean {
    return false;
  }

  close(): void {
    this.left = 0;
  }
}

test('applying a feed allocates nothing', async () => {
  const feed = new EndlessFeed();
  let updates = 0;
  const view = new MarketView(
    { instruments: [{ minPrice: 0, maxPrice: 1000 }], ordersMax: 64, viewLevels: 4 },
  );
  const handler = new FeedHandler(
    view,
    { onUpdate: () => { updates++; }, onTrade: () => {}, onState: () => {} },
    {
      instruments: [{ ticker: 1 }], incremental: feed, snapshot: null, retransmit: null,
      queueDatagrams: 16,
    },
  );
  let nowNs = 0;
  const run = (): void => {
    feed.left = 5000;
    while (feed.left > 0) handler.poll((nowNs += 1000));
  };
  const bytes = await leastHeapPerOperation(run, 5000 * 40, BYTES_PER_MESSAGE_MAX);
  assert.equal(handler.state, FeedState.Live);
  assert.equal(updates, handler.applied);
  assert.ok(handler.duplicates > 0);
  assert.ok(bytes <= BYTES_PER_MESSAGE_MAX, `${bytes} bytes a message`);
});

/** Takes everything; answers each call of `receive` with the same responses. */
class Echo implements StreamConnection {
  readonly id = 1;
  readonly peer = 'memory';
  readonly open = true;
  readonly readable = true;
  tag = -1;
  taken = 0;
  readonly #responses = new Uint8Array(64 * 42);

  constructor() {
    const view = new DataView(this.#responses.buffer);
    const writer = createFrameWriter(Framing.Bare, 'responses');
    for (let i = 0; i < 64; i++) {
      ClientResponse.encode(
        view, writer.header(view, i * 42, 42), 1, 7, 1, i + 1, 0, i + 1, 0, 1, 100, 0, 0, 5,
      );
    }
  }

  receive(target: Uint8Array, offset: number, max: number): number {
    const length = Math.min(max, this.#responses.length);
    for (let i = 0; i < length; i++) target[offset + i] = this.#responses[i];
    return length;
  }

  /** Takes a little less than all, so that the rest has to be kept. */
  send(_source: Uint8Array, _offset: number, length: number): number {
    const taken = length > 100 ? length - 17 : length;
    this.taken += taken;
    return taken;
  }

  close(): void {}
}

test('sending requests and taking responses allocates nothing', async () => {
  const connection = new Echo();
  let responses = 0;
  let sum = 0;
  const entry = new OrderEntry(
    {
      onReady: () => {},
      onResponse: (view, offset) => {
        responses++;
        sum += ClientResponse.leavesQty(view, offset);
      },
      onClosed: () => {},
    },
    { client: 7, framing: Framing.Bare },
  );
  entry.connect(connection, 0);
  const run = (): void => {
    for (let turn = 0; turn < 2000; turn++) {
      for (let i = 1; i <= 64; i++) {
        entry.newOrder(1, i, 0, 1, 100, 0, 10);
        entry.cancel(1, i, 0);
      }
      entry.poll(turn);
    }
  };
  const bytes = await leastHeapPerOperation(run, 2000 * 64 * 3, BYTES_PER_MESSAGE_MAX);
  assert.equal(responses, entry.responses);
  assert.equal(sum, responses * 5);
  assert.equal(connection.taken + entry.pendingBytes, entry.requests * 30);
  assert.ok(bytes <= BYTES_PER_MESSAGE_MAX, `${bytes} bytes a message`);
});
