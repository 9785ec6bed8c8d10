// The whole tick path allocates nothing: datagram → feed handler → book → features → strategy → risk →
// order manager → request on the wire, and the responses back, with a journal and without. At most 0.1
// byte of heap a message. Times are beyond 32 bits, as after the first two seconds of a process; that of
// a turn comes in a box that whoever polls has made.
//
// A file of its own, for a process in which there is one class of each interface, as in `outcry trade`.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { leastHeapPerOperation } from '../../bench/harness/heap.ts';
import { Histogram } from '../../src/base/histogram.ts';
import { MemoryDisk } from '../../src/journal/memory_storage.ts';
import { ClientJournal } from '../../src/trader/client_journal.ts';
import { plainInstruments, TraderInstruments } from '../../src/trader/instruments.ts';
import { LIMIT_NONE, RISK_LIMITS_DEFAULT } from '../../src/trader/risk.ts';
import { RoundTrip } from '../../src/trader/round_trip.ts';
import { createStrategy, strategyNamed } from '../../src/trader/strategies/strategies.ts';
import { Trader } from '../../src/trader/trader.ts';
import { MoldWriter } from '../../src/wire/framing/mold_writer.reference.ts';
import {
  ClientRequest, ClientResponse, MarketUpdate, QTY_NONE, RequestType, ResponseType, UpdateType,
} from '../../src/wire/generated/native.ts';
import type { Storage, StorageFile } from '../../src/journal/storage.ts';
import type { Clock } from '../../src/base/clock.ts';
import type { DatagramSocket, StreamConnection } from '../../src/net/transport.ts';

const BYTES_MAX = 0.1;
const DATAGRAMS = 1_000;
const MESSAGES = 20;
const REQUEST = ClientRequest.bytes;
const RESPONSE = ClientResponse.bytes;

/** An endless feed whose mid walks: each datagram moves the best ask and trades once. */
class WalkingFeed implements DatagramSocket {
  readonly host = '127.0.0.1';
  readonly port = 1;
  readonly senderHost = '127.0.0.1';
  readonly senderPort = 1;
  readonly dropped = 0;
  readonly truncated = 0;
  readonly refused = 0;
  left = 0;
  readonly #writer = new MoldWriter('ALLOCATION');
  #datagram = 0;

  receive(target: Uint8Array, offset: number): number {
    if (this.left === 0) return 0;
    this.left--;
    const writer = this.#writer;
    writer.begin(writer.nextSequence);
    this.#datagram = (this.#datagram + 1) % 64;
    const price = 10_000 + (this.#datagram < 32 ? this.#datagram : 64 - this.#datagram) * 3;
    for (let n = 0; n < MESSAGES / 4; n++) {
      this.#update(UpdateType.Add, 1 + 2 * n, 1, price - 10 - n);
      this.#update(UpdateType.Add, 2 + 2 * n, -1, price + 10 + n);
    }
    for (let n = 0; n < MESSAGES / 4; n++) {
      this.#update(UpdateType.Cancel, 1 + 2 * n, 1, price - 10 - n);
      this.#update(n === 0 ? UpdateType.Trade : UpdateType.Cancel, 2 + 2 * n, -1, price + 10 + n);
    }
    this.#update(UpdateType.Cancel, 2, -1, price + 10);
    const length = writer.finish();
    for (let i = 0; i < length; i++) target[offset + i] = writer.bytes[i];
    return length;
  }

  #update(type: number, order: number, side: number, price: number): void {
    const at = this.#writer.claim(MarketUpdate.bytes);
    MarketUpdate.encode(
      this.#writer.view, at, type, 1, order, 0, side, price, 0, 10, order, 0,
    );
  }

  send(): boolean {
    return false;
  }

  sendTo(): boolean {
    return true;
  }

  close(): void {}
}

/** Says yes to everything, and trades a little with every seventh new order. */
class Yes implements StreamConnection {
  readonly id = 1;
  readonly peer = 'memory';
  readonly open = true;
  tag = -1;
  requests = 0;
  readonly #out = new Uint8Array(1 << 16);
  readonly #view = new DataView(this.#out.buffer);
  #end = 0;

  get readable(): boolean {
    return this.#end > 0;
  }

  receive(target: Uint8Array, offset: number, max: number): number {
    const length = Math.min(this.#end, max - (max % RESPONSE));
    for (let i = 0; i < length; i++) target[offset + i] = this.#out[i];
    this.#out.copyWithin(0, length, this.#end);
    this.#end -= length;
    return length;
  }

  send(source: Uint8Array, offset: number, length: number): number {
    for (let at = offset; at < offset + length;) at += this.#answer(source, at);
    return length;
  }

  #answer(source: Uint8Array, at: number): number {
    const type = source[at];
    this.requests++;
    const id = u32(source, at + ClientRequest.offset.order);
    const high = u32(source, at + ClientRequest.offset.order + 4);
    const qty = u32(source, at + ClientRequest.offset.qty);
    if (type === RequestType.New) {
      this.#say(source, at, ResponseType.Accepted, id, 0, qty);
      if (this.requests % 7 === 0 && qty > 1) this.#say(source, at, ResponseType.Filled, id, 1, qty - 1);
    } else if (type === RequestType.Modify) {
      this.#say(source, at, ResponseType.Modified, id, 0, qty);
    } else if (high >= 2 ** 20) {
      this.#say(source, at, ResponseType.CancelRejected, id, 6, 0); // the echo
    } else {
      this.#say(source, at, ResponseType.Canceled, id, 0, 1_000);
      // Written by itself: among small numbers it would be boxed at each call.
      this.#view.setUint32(this.#end - RESPONSE + ClientResponse.offset.execQty, QTY_NONE, true);
    }
    return REQUEST;
  }

  #say(
    source: Uint8Array, at: number, type: number, id: number, exec: number, leaves: number,
  ): void {
    ClientResponse.encode(
      this.#view, this.#end, type, 7, 1, id, u32(source, at + ClientRequest.offset.order + 4), 1, 0,
      (source[at + ClientRequest.offset.side] << 24) >> 24,
      u32(source, at + ClientRequest.offset.price), 0, exec, leaves,
    );
    this.#end += RESPONSE;
  }

  close(): void {}
}

/** Nanoseconds that count from long ago. */
class LateClock implements Clock {
  readonly #now = new Float64Array([1e15]);

  get nowNs(): number {
    return this.#now[0];
  }

  refresh(): number {
    this.#now[0] += 400;
    return this.#now[0];
  }

  refreshInto(target: Float64Array, index: number): void {
    target[index] = this.#now[0] += 400;
  }
}

/** Times of turns, each in its box. (The text keeps the array from holding them without.) */
const TURNS: readonly (number | string)[] = [
  'none', ...Array.from({ length: 1 << 18 }, (_, i) => 1e15 + i * 10_000),
];

function u32(bytes: Uint8Array, at: number): number {
  return (bytes[at] | (bytes[at + 1] << 8) | (bytes[at + 2] << 16) | (bytes[at + 3] << 24)) >>> 0;
}

/**
 * A disk that can be told to forget what is written: a real one's write takes some 60 bytes of Node's
 * own a turn.
 */
function forgetfulDisk(): { storage: Storage; forget: () => void } {
  const storage = new MemoryDisk(1).mount();
  const files: StorageFile[] = [];
  const create = storage.create.bind(storage);
  storage.create = (name, bytes) => {
    const file = create(name, bytes);
    files.push(file);
    return file;
  };
  return {
    storage,
    forget: () => {
      for (const file of files) file.writeAt = () => {};
    },
  };
}

for (const journaled of [false, true]) {
  test(`from datagram to request and back nothing is allocated${journaled ? ', journaled' : ''}`, async () => {
    const feed = new WalkingFeed();
    const exchange = new Yes();
    const clock = new LateClock();
    let turn = 0;
    const instruments = new TraderInstruments(plainInstruments([1]));
    const definition = strategyNamed('market-maker');
    assert.ok(definition);
    const { storage, forget } = forgetfulDisk();
    const journal = journaled
      ? ClientJournal.open(
        storage, { client: 7, framing: 'bare', instruments }, { snapshotRecords: 1e9, segmentBytes: 64 << 20 },
      )
      : null;
    const roundTrip = new RoundTrip(clock, new Histogram());
    const trader = await Trader.open({
      clock, instruments, connect: () => Promise.resolve(exchange),
      entry: { client: 7, framing: 'bare' }, firstOrderId: 2 ** 50,
      strategy: createStrategy(definition, instruments, {
        half_spread: 8, min_spread: 2, base_qty: 100, price_update_threshold: 1,
        quote_refresh_nanos: 1,
      }),
      limits: {
        ...RISK_LIMITS_DEFAULT, maxPosition: 1e9, maxPositionTotal: 1e9, maxLoss: LIMIT_NONE,
        maxPortfolioValue: LIMIT_NONE, ordersPerSecond: 1_000_000,
      },
      feed: {
        layout: 'native', ordersMax: 64, retransmitHost: '127.0.0.1', retransmitPort: 1,
        join: () => Promise.resolve({ incremental: feed, snapshot: null, retransmit: null }),
      },
      ...(journal === null ? {} : { journal }),
      roundTrip,
    });
    const round = (): void => {
      // One a turn, so that each decision has its answers before the next.
      for (let i = 0; i < DATAGRAMS; i++) {
        feed.left = 1;
        trader.poll(TURNS[1 + (turn++ & 0x3ffff)] as number);
      }
    };
    forget();
    const before = exchange.requests;
    const bytes = await leastHeapPerOperation(round, DATAGRAMS * MESSAGES, BYTES_MAX);
    const requests = exchange.requests - before;
    assert.ok(trader.feed.fresh && trader.runner.trading, trader.feedText);
    assert.ok(requests > DATAGRAMS, `${requests} requests`);
    assert.ok(trader.fills > 10, `${trader.fills} fills`);
    assert.ok(trader.profile.orderTx.count > DATAGRAMS);
    assert.ok(roundTrip.histogram.count > 10, `${roundTrip.histogram.count} orders followed`);
    trader.runner.orders.checkInvariants();
    assert.ok(bytes <= BYTES_MAX, `${bytes} bytes a message`);
  });
}
