// Codecs and framings allocate nothing once they run: at most 0.1 byte of heap a message.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { GCProfiler } from 'node:v8';
import { Framing } from './framing/frame.ts';
import type { Direction, FrameDecoder, FrameWriter } from './framing/frame.ts';
import { createFrameDecoder, createFrameWriter } from './framing/framing.ts';
import { MoldReader } from './framing/mold_udp64.ts';
import { MoldWriter } from './framing/mold_writer.reference.ts';
import { ReceiveBuffer } from './framing/receive_buffer.ts';
import {
  ClientRequest,
  ClientResponse,
  MarketUpdate,
  RequestType,
  ResponseType,
  UpdateType,
} from './generated/native.ts';

const BYTES_PER_MESSAGE_MAX = 0.1;
const MESSAGES = 200_000;
const BATCH = 50;

/**
 * The least heap growth a message of some undisturbed runs; runs with a collection do not count.
 */
function bytesPerMessage(messages: number, run: () => void): number {
  let least = Infinity;
  for (let attempt = 0; attempt < 8 && least > BYTES_PER_MESSAGE_MAX; attempt++) {
    const profiler = new GCProfiler();
    profiler.start();
    const before = process.memoryUsage().heapUsed;
    run();
    const bytes = process.memoryUsage().heapUsed - before;
    const collections = profiler.stop()?.statistics.length ?? 0;
    if (collections === 0) least = Math.min(least, bytes / messages);
  }
  return least;
}

function assertNoAllocation(messages: number, run: () => void): void {
  for (let warm = 0; warm < 3; warm++) run();
  const bytes = bytesPerMessage(messages, run);
  assert.ok(
    bytes <= BYTES_PER_MESSAGE_MAX,
    `expected at most ${BYTES_PER_MESSAGE_MAX} bytes a message, was ${bytes}`,
  );
}

/**
 * Writes a batch of messages, hands it to the decoder in pieces that cut them, reads every field.
 */
class Loop {
  readonly #direction: Direction;
  readonly #writer: FrameWriter;
  readonly #decoder: FrameDecoder;
  readonly #buffer = new ReceiveBuffer(256, 4096);
  readonly #out = new Uint8Array(BATCH * 64);
  readonly #view = new DataView(this.#out.buffer);
  sum = 0;
  received = 0;

  constructor(framing: Framing, direction: Direction) {
    this.#direction = direction;
    this.#writer = createFrameWriter(framing, direction);
    this.#decoder = createFrameDecoder(framing, direction);
  }

  /** As after a long day: numbers that are not small integers of V8 any more. */
  startAt(sequence: number): void {
    this.#writer.nextSequence = this.#decoder.nextSequence = sequence;
  }

  run(messages: number): void {
    for (let done = 0; done < messages; done += BATCH) {
      let end = 0;
      for (let i = 0; i < BATCH; i++)
        end =
          this.#direction === 'requests'
            ? this.#request(end, done + i)
            : this.#response(end, done + i);
      this.#deliver(end);
    }
  }

  #request(at: number, id: number): number {
    const message = this.#writer.header(this.#view, at, ClientRequest.bytes);
    ClientRequest.encode(this.#view, message, RequestType.New, 1, 2, id, 0, 1, 10_050, 0, 100);
    return message + ClientRequest.bytes;
  }

  #response(at: number, id: number): number {
    const message = this.#writer.header(this.#view, at, ClientResponse.bytes);
    ClientResponse.encode(
      this.#view,
      message,
      ResponseType.Filled,
      1,
      2,
      id,
      0,
      id,
      0,
      1,
      10_050,
      0,
      40,
      60,
    );
    return message + ClientResponse.bytes;
  }

  #deliver(end: number): void {
    const buffer = this.#buffer;
    const decoder = this.#decoder;
    for (let given = 0; given < end;) {
      const piece = Math.min(buffer.room(), 77, end - given);
      for (let i = 0; i < piece; i++) buffer.bytes[buffer.end + i] = this.#out[given + i];
      buffer.received(piece);
      given += piece;
      while (decoder.next(buffer) > 0) this.#read(buffer.view, decoder.offset);
    }
  }

  #read(view: DataView, at: number): void {
    this.received++;
    const sum =
      this.#direction === 'requests'
        ? ClientRequest.orderLo(view, at) +
          ClientRequest.priceLo(view, at) +
          ClientRequest.qty(view, at)
        : ClientResponse.clientOrderLo(view, at) +
          ClientResponse.priceLo(view, at) +
          ClientResponse.leavesQty(view, at);
    this.sum = (this.sum + sum) | 0;
  }
}

for (const framing of [Framing.Bare, Framing.Sequenced, Framing.Soup] as const) {
  for (const direction of ['requests', 'responses'] as const) {
    test(`${framing} ${direction}: writing and reading allocates nothing`, () => {
      const loop = new Loop(framing, direction);
      assertNoAllocation(MESSAGES, () => loop.run(MESSAGES));
      assert.equal(loop.received % MESSAGES, 0);
      assert.ok(loop.received > 0 && loop.sum !== 0);
    });
  }
}

test('sequences beyond 32 bits allocate nothing either', () => {
  for (const framing of [Framing.Sequenced, Framing.Soup] as const) {
    const loop = new Loop(framing, 'responses');
    loop.startAt(2 ** 40);
    assertNoAllocation(MESSAGES, () => loop.run(MESSAGES));
    assert.ok(loop.received > 0);
  }
});

test('packing and walking datagrams allocates nothing', () => {
  const writer = new MoldWriter('ALLOCATION');
  const reader = new MoldReader();
  let walked = 0;
  assertNoAllocation(MESSAGES, () => {
    for (let sent = 0; sent < MESSAGES;) {
      writer.begin(writer.nextSequence);
      let at = writer.claim(MarketUpdate.bytes);
      while (at >= 0) {
        MarketUpdate.encode(
          writer.view,
          at,
          UpdateType.Add,
          2,
          sent,
          0,
          1,
          10_050,
          0,
          100,
          sent,
          0,
        );
        sent++;
        at = writer.claim(MarketUpdate.bytes);
      }
      const length = writer.finish();
      reader.open(writer.view, 0, length);
      while (reader.next()) walked += MarketUpdate.side(writer.view, reader.offset);
    }
  });
  assert.ok(walked > MESSAGES);
});

test('the measurement sees 24 bytes a message', () => {
  const view = new DataView(new ArrayBuffer(64));
  let sum = 0n;
  const run = (): void => {
    for (let i = 0; i < 20_000; i++) {
      ClientRequest.setOrder(view, 0, i, 0xffff);
      sum += ClientRequest.orderBig(view, 0);
    }
  };
  run();
  assert.ok(bytesPerMessage(20_000, run) > 8);
  assert.ok(sum > 0n);
});
