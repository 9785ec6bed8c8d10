import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { OrderEntry, HEARTBEAT_NS, SILENCE_MAX_NS } from './order_entry.ts';
import { Prng } from '../base/prng.ts';
import { createFrameDecoder, createFrameWriter } from '../wire/framing/framing.ts';
import { Frame, Framing } from '../wire/framing/frame.ts';
import { ReceiveBuffer } from '../wire/framing/receive_buffer.ts';
import {
  SoupLogin, writeLoginAccepted, writeLoginRejected, writeSoupControl,
} from '../wire/framing/soup.ts';
import { SoupPacket, SoupRejectCode } from '../wire/generated/soup.ts';
import {
  ClientRequest, ClientRequestExtended, ClientResponse, RequestType, TICKER_NONE,
} from '../wire/generated/native.ts';
import type { OrderEntryHandler, OrderEntryOptions } from './order_entry.ts';
import type { StreamConnection } from '../net/transport.ts';

/** One end of a stream in memory that takes and gives at most `chunk()` bytes a call. */
class StreamEnd implements StreamConnection {
  readonly id = 1;
  readonly peer = 'memory';
  tag = 0;
  open = true;
  chunk: () => number = () => Infinity;
  other: StreamEnd | null = null;
  #incoming: number[] = [];

  get readable(): boolean {
    return this.#incoming.length > 0 || !this.open;
  }

  receive(target: Uint8Array, offset: number, max: number): number {
    const length = Math.min(max, this.#incoming.length, this.chunk());
    if (length === 0) return this.open || this.#incoming.length > 0 ? 0 : -1;
    target.set(this.#incoming.splice(0, length), offset);
    return length;
  }

  send(source: Uint8Array, offset: number, length: number): number {
    if (!this.open || this.other === null) return -1;
    const taken = Math.min(length, this.chunk());
    for (let i = 0; i < taken; i++) this.other.#incoming.push(source[offset + i]);
    return taken;
  }

  close(): void {
    this.open = false;
    if (this.other !== null) this.other.open = false;
  }
}

/** The exchange's end, as WIRE's framing reads it: collects requests, sends responses. */
class Peer {
  readonly stream: StreamEnd;
  readonly decoder;
  readonly writer;
  readonly buffer = new ReceiveBuffer();
  readonly requests: Uint8Array[] = [];
  readonly frames: Frame[] = [];
  readonly login = new SoupLogin();

  constructor(framing: Framing, stream: StreamEnd) {
    this.stream = stream;
    this.decoder = createFrameDecoder(framing, 'requests');
    this.writer = createFrameWriter(framing, 'responses');
  }

  read(): void {
    for (;;) {
      const room = this.buffer.room();
      const length = this.stream.receive(this.buffer.bytes, this.buffer.end, room);
      if (length <= 0) return;
      this.buffer.received(length);
      for (;;) {
        const frame = this.decoder.next(this.buffer);
        if (frame === Frame.Incomplete) break;
        assert.notEqual(frame, Frame.Fault, 'the client sends well-formed frames');
        this.frames.push(frame);
        const { offset, length: size } = this.decoder;
        if (frame === Frame.Message) {
          this.requests.push(this.buffer.bytes.slice(offset, offset + size));
        }
        if (frame === Frame.Login) {
          assert.ok(this.login.readRequest(this.buffer.view, offset, size));
        }
      }
    }
  }

  accept(session: string, nextSequence: number): void {
    const bytes = new Uint8Array(64);
    this.send(bytes, writeLoginAccepted(new DataView(bytes.buffer), 0, session, nextSequence));
  }

  control(type: number): void {
    const bytes = new Uint8Array(8);
    this.send(bytes, writeSoupControl(new DataView(bytes.buffer), 0, type));
  }

  /** A response whose market order is `mark`. */
  respond(mark: number): void {
    const bytes = new Uint8Array(64);
    const view = new DataView(bytes.buffer);
    const at = this.writer.header(view, 0, ClientResponse.bytes);
    ClientResponse.encode(view, at, 1, 7, 1, mark, 0, mark, 0, 1, 100, 0, 0, 5);
    this.send(bytes, at + ClientResponse.bytes);
  }

  send(bytes: Uint8Array, length: number): void {
    assert.equal(this.stream.send(bytes, 0, length), length);
  }
}

class Recorder implements OrderEntryHandler {
  ready = 0;
  readonly marks: number[] = [];
  readonly sequences: number[] = [];
  readonly reasons: string[] = [];

  onReady(): void {
    this.ready++;
  }

  onResponse(view: DataView, offset: number, sequence: number): void {
    this.marks.push(ClientResponse.marketOrderLo(view, offset));
    this.sequences.push(sequence);
  }

  onClosed(reason: string): void {
    this.reasons.push(reason);
  }
}

function streams(): [StreamEnd, StreamEnd] {
  const near = new StreamEnd();
  const far = new StreamEnd();
  near.other = far;
  far.other = near;
  return [near, far];
}

interface Rig {
  entry: OrderEntry;
  peer: Peer;
  near: StreamEnd;
  handler: Recorder;
}

function rig(framing: Framing, options: Partial<OrderEntryOptions> = {}): Rig {
  const handler = new Recorder();
  const entry = new OrderEntry(handler, { framing, client: 7, ...options });
  const [near, far] = streams();
  entry.connect(near, 0);
  const peer = new Peer(framing, far);
  if (framing === Framing.Soup) {
    peer.read();
    peer.accept('TODAY', 1);
    entry.poll(0);
  }
  assert.ok(entry.ready);
  return { entry, peer, near, handler };
}

const FRAMINGS = [Framing.Bare, Framing.Sequenced, Framing.Soup];

describe('requests and responses', () => {
  for (const framing of FRAMINGS) {
    test(`${framing}: every request arrives as written, at any cut`, () => {
      const { entry, peer, near } = rig(framing);
      const prng = new Prng(11);
      near.chunk = () => prng.below(9);
      assert.ok(entry.newOrder(1, 5, 9, 1, 12_345, 0, 10));
      assert.ok(entry.cancel(2, 6, 0));
      assert.ok(entry.modify(3, 7, 0, -1, -5 >>> 0, -1 >>> 0, 20));
      assert.ok(entry.massCancel(TICKER_NONE, 0));
      assert.ok(entry.newOrderExtended(1, 8, 0, 1, 100, 0, 50, 4, 1, 1, 2, 10, 3, 101, 0, 77));
      for (let i = 0; i < 500 && (i === 0 || entry.pendingBytes > 0); i++) entry.poll(0);
      peer.read();
      const view = (i: number): DataView => new DataView(peer.requests[i].buffer);
      assert.deepEqual(peer.requests.map((request) => request[0]), [1, 2, 4, 5, 3]);
      assert.deepEqual(peer.requests.map((request) => request.length), [30, 30, 30, 30, 54]);
      assert.deepEqual(ClientRequest.read(view(0), 0), {
        type: RequestType.New, client: 7, ticker: 1, order: (9n << 32n) | 5n, side: 1,
        price: 12_345n, qty: 10,
      });
      assert.equal(ClientRequest.priceBig(view(2), 0), -5n);
      assert.equal(ClientRequest.ticker(view(3), 0), TICKER_NONE);
      assert.deepEqual(
        [
          ClientRequestExtended.display(view(4), 0), ClientRequestExtended.minQty(view(4), 0),
          ClientRequestExtended.owner(view(4), 0),
        ],
        [10, 3, 77],
      );
      assert.equal(entry.requests, 5);
    });

    test(`${framing}: every response is handed out once, in order, at any cut`, () => {
      const { entry, peer, near, handler } = rig(framing);
      const prng = new Prng(12);
      near.chunk = () => prng.between(1, 60);
      for (let i = 1; i <= 200; i++) peer.respond(i);
      for (let i = 0; i < 2000; i++) entry.poll(0);
      assert.deepEqual(handler.marks, Array.from({ length: 200 }, (_, i) => i + 1));
      assert.deepEqual(handler.sequences, handler.marks);
      assert.equal(entry.nextSequence, 201);
      assert.deepEqual(handler.reasons, []);
    });
  }
});

test('a connection that takes nothing: the buffer fills, says so, and loses nothing', () => {
  const { entry, peer, near } = rig(Framing.Soup, { sendBufferBytes: 1000 });
  near.chunk = () => 0;
  let taken = 0;
  while (entry.newOrder(1, taken + 1, 0, 1, 100, 0, 1)) taken++;
  assert.equal(taken, Math.floor(1000 / 33));
  assert.equal(entry.room, 0);
  assert.equal(entry.refused, 1);
  entry.poll(0);
  assert.ok(!entry.newOrder(1, 999, 0, 1, 100, 0, 1));
  near.chunk = () => 50;
  for (let i = 0; i < 100; i++) {
    entry.poll(0);
    if (entry.newOrder(1, taken + 1, 0, 1, 100, 0, 1)) taken++;
  }
  near.chunk = () => Infinity;
  entry.poll(0);
  peer.read();
  assert.deepEqual(
    peer.requests.map((request) => ClientRequest.orderLo(new DataView(request.buffer), 0)),
    Array.from({ length: taken }, (_, i) => i + 1),
  );
});

// A seed of the simulator made no end: the machine of the exchange had lost power, the connection's room was
// used up, and the turns in which nothing could be sent were called work, so its trader never slept.
test('a turn in which the connection takes nothing is no work', () => {
  const { entry, near } = rig(Framing.Soup);
  near.chunk = () => 0;
  assert.ok(entry.newOrder(1, 5, 0, 1, 100, 0, 10));
  assert.equal(entry.poll(0), 0);
  near.chunk = () => 4;
  assert.equal(entry.poll(0), 1);
  assert.equal(entry.pendingBytes, 0);
});

describe('the soup session', () => {
  test('logs in with what it was given, and is not ready before', () => {
    const handler = new Recorder();
    const entry = new OrderEntry(
      handler, { client: 7, account: 'ALICE', password: 'secret', nextSequence: 1 },
    );
    assert.equal(entry.framing, Framing.Soup);
    const [near, far] = streams();
    assert.ok(!entry.newOrder(1, 1, 0, 1, 1, 0, 1));
    entry.connect(near, 0);
    const peer = new Peer(Framing.Soup, far);
    peer.read();
    assert.deepEqual(peer.frames, [Frame.Login]);
    assert.deepEqual(
      [peer.login.user, peer.login.password, peer.login.session, peer.login.nextSequence],
      ['ALICE', 'secret', '', 1],
    );
    assert.ok(!entry.ready && !entry.newOrder(1, 1, 0, 1, 1, 0, 1));
    peer.accept('TODAY', 5);
    entry.poll(0);
    assert.ok(entry.ready);
    assert.equal(handler.ready, 1);
    assert.equal(entry.session, 'TODAY');
    assert.equal(entry.nextSequence, 5);
  });

  test('a rejected log-in says why', () => {
    const handler = new Recorder();
    const entry = new OrderEntry(handler, { client: 7 });
    const [near, far] = streams();
    entry.connect(near, 0);
    const bytes = new Uint8Array(8);
    far.send(
      bytes, 0, writeLoginRejected(new DataView(bytes.buffer), 0, SoupRejectCode.NotAuthorised),
    );
    entry.poll(0);
    assert.deepEqual(handler.reasons, ['log-in rejected: not authorised (A)']);
    assert.ok(!entry.connected);
  });

  test('resumes at the first response it has not seen', () => {
    const { entry, peer, near, handler } = rig(Framing.Soup);
    for (let i = 1; i <= 3; i++) peer.respond(i);
    entry.poll(0);
    near.close();
    entry.poll(0);
    assert.deepEqual(handler.reasons, ['the exchange closed the connection']);
    const [again, far] = streams();
    entry.connect(again, 0);
    const second = new Peer(Framing.Soup, far);
    second.read();
    assert.deepEqual([second.login.session, second.login.nextSequence], ['TODAY', 4]);
    second.accept('TODAY', 4);
    second.respond(4);
    entry.poll(0);
    assert.deepEqual(handler.sequences, [1, 2, 3, 4]);
  });

  test('heartbeats after a second of silence, and only then', () => {
    const { entry, peer } = rig(Framing.Soup);
    peer.frames.length = 0;
    for (let now = 0; now <= 3 * HEARTBEAT_NS; now += HEARTBEAT_NS / 10) {
      entry.poll(now);
      if (now === HEARTBEAT_NS / 2) entry.newOrder(1, 1, 0, 1, 1, 0, 1);
    }
    peer.read();
    assert.deepEqual(peer.frames, [Frame.Message, Frame.Heartbeat, Frame.Heartbeat]);
  });

  test('polled only when it says that it must be, it keeps the session all the same', () => {
    const { entry, peer } = rig(Framing.Soup);
    peer.frames.length = 0;
    const polls: number[] = [];
    for (let now = 0; entry.connected && polls.length < 100; now = Math.max(now + 1e6, entry.dueNs(now))) {
      polls.push(now);
      entry.poll(now);
    }
    peer.read();
    assert.deepEqual(peer.frames, Array.from({ length: SILENCE_MAX_NS / HEARTBEAT_NS }, () => Frame.Heartbeat));
    assert.ok(polls.length <= 2 + SILENCE_MAX_NS / HEARTBEAT_NS, `${polls.length} polls`);
    assert.ok(polls.at(-1)! <= SILENCE_MAX_NS + 1e6, 'the silence is noticed in time');
    assert.equal(entry.dueNs(0), Infinity, 'without a connection there is nothing to do');
    assert.equal(rig(Framing.Bare).entry.dueNs(0), Infinity);
  });

  test('a silent exchange ends the session; its heartbeats keep it', () => {
    const { entry, peer, handler } = rig(Framing.Soup);
    peer.control(SoupPacket.ServerHeartbeat);
    entry.poll(SILENCE_MAX_NS);
    entry.poll(2 * SILENCE_MAX_NS);
    assert.ok(entry.connected);
    entry.poll(2 * SILENCE_MAX_NS + 1);
    assert.match(handler.reasons[0], /silent for more than 15 s/);
  });

  test('logs out, and ends when the exchange does', () => {
    const first = rig(Framing.Soup);
    first.entry.close();
    first.peer.read();
    assert.equal(first.peer.frames.at(-1), Frame.Logout);
    assert.deepEqual(first.handler.reasons, ['closed by this side']);
    first.entry.close();
    const second = rig(Framing.Soup);
    second.peer.control(SoupPacket.EndOfSession);
    second.entry.poll(0);
    assert.deepEqual(second.handler.reasons, ['the exchange ended the session']);
  });
});

describe('bytes that no exchange sends', () => {
  const cases: [string, Framing, number[], RegExp][] = [
    ['unknown response type', Framing.Bare, [99], /message type: expected 1 … 7, was 99/],
    ['sequence gap', Framing.Sequenced, [2, 0, 0, 0, 0, 0, 0, 0, 1], /sequence: expected 1, was 2/],
    ['packet type', Framing.Soup, [0, 1, 0x51], /packet type/],
    ['empty packet', Framing.Soup, [0, 0], /packet length: expected 1, was 0/],
    ['short response', Framing.Soup, [0, 3, 0x53, 1, 2], /response size: expected 42 bytes, was 2/],
    // It was once handed on, journaled, and counted as nothing: its order waited for ever.
    ['unknown type in a packet', Framing.Soup, [0, 43, 0x53, 211, ...new Array<number>(41).fill(0)], /response type: expected 1 … 7, was 211/],
    ['no type in a packet', Framing.Soup, [0, 43, 0x53, ...new Array<number>(42).fill(0)], /response type: expected 1 … 7, was 0/],
  ];
  for (const [what, framing, bytes, reason] of cases) {
    test(`${framing}: ${what}`, () => {
      const { entry, peer, handler } = rig(framing);
      peer.send(Uint8Array.from(bytes), bytes.length);
      entry.poll(0);
      assert.equal(handler.reasons.length, 1);
      assert.match(handler.reasons[0], reason);
      assert.ok(!entry.connected);
      assert.equal(entry.poll(0), 0);
    });
  }

  test('random bytes end the session with a reason and never throw', () => {
    for (let seed = 1; seed <= 300; seed++) {
      const prng = new Prng(seed);
      const { entry, peer, handler } = rig(FRAMINGS[seed % 3]);
      const bytes = Uint8Array.from({ length: 4000 }, () => prng.below(256));
      peer.send(bytes, bytes.length);
      for (let i = 0; i < 20; i++) entry.poll(0);
      assert.equal(handler.reasons.length, entry.connected ? 0 : 1, `seed ${seed}`);
    }
  });
});

function make(options: Partial<OrderEntryOptions>): () => OrderEntry {
  return () => new OrderEntry(new Recorder(), { client: 1, ...options });
}

test('without a log-in any client id will do; only soup makes an account of it', () => {
  const client = 0xffff_fffe;
  for (const framing of [Framing.Bare, Framing.Sequenced]) {
    assert.equal(new OrderEntry(new Recorder(), { client, framing }).client, client);
  }
  assert.throws(
    () => new OrderEntry(new Recorder(), { client }),
    /account: expected at most 6 .*, was "4294967294"/,
  );
  const named = new OrderEntry(new Recorder(), { client, account: 'ALICE' });
  assert.equal(named.client, client);
});

test('options that cannot be are refused with the value', () => {
  assert.throws(make({ client: -1 }), /client id: expected an integer 0 … 4294967294, was -1/);
  assert.throws(make({ client: 0xffff_ffff }), /client id/);
  assert.throws(make({ account: 'TOOLONG' }), /account: expected at most 6/);
  assert.throws(make({ password: 'pass word' }), /password/);
  assert.throws(make({ sendBufferBytes: 10 }), /send buffer: expected at least 168 bytes, was 10/);
});
