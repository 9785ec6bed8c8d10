import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  ClientRequest,
  ClientRequestExtended,
  ClientResponse,
  RequestType,
  ResponseType,
} from '../generated/native.ts';
import { bytesOfHex, hexOfBytes, readGolden } from '../golden.ts';
import { REQUEST_BYTES, RESPONSE_BYTES } from '../message_sizes.ts';
import { Frame, FrameFault, Framing, faultText } from './frame.ts';
import type { Direction, FrameDecoder } from './frame.ts';
import { createFrameDecoder, createFrameWriter, detectFraming } from './framing.ts';
import { RECEIVE_BYTES_INITIAL, RECEIVE_BYTES_MAX, ReceiveBuffer } from './receive_buffer.ts';

const FRAMINGS = [Framing.Bare, Framing.Sequenced, Framing.Soup] as const;
const DIRECTIONS = ['requests', 'responses'] as const;

/** The messages of all types that a direction has, each byte telling. */
function sampleMessages(direction: Direction): Uint8Array[] {
  const types = Object.values(direction === 'requests' ? RequestType : ResponseType);
  const sizes = direction === 'requests' ? REQUEST_BYTES : RESPONSE_BYTES;
  return types.map((type, index) => {
    const message = Uint8Array.from(
      { length: sizes[type] },
      (_, i) => (index * 61 + i * 7 + 1) & 0xff,
    );
    message[0] = type;
    return message;
  });
}

function framed(
  framing: Framing,
  direction: Direction,
  messages: readonly Uint8Array[],
): Uint8Array {
  const writer = createFrameWriter(framing, direction);
  const out = new Uint8Array(messages.length * 64);
  const view = new DataView(out.buffer);
  let end = 0;
  for (const message of messages) {
    const at = writer.header(view, end, message.length);
    assert.equal(at, end + writer.headerBytes);
    out.set(message, at);
    end = at + message.length;
  }
  assert.equal(writer.nextSequence, messages.length + 1);
  return out.slice(0, end);
}

interface Received {
  readonly messages: Uint8Array[];
  readonly frames: Frame[];
}

/** Gives the stream to the decoder in these chunks, as a session does. */
function feed(
  decoder: FrameDecoder,
  buffer: ReceiveBuffer,
  chunks: readonly Uint8Array[],
  into: Received,
): Frame {
  let frame: Frame = Frame.Incomplete;
  for (const chunk of chunks) {
    let given = 0;
    while (given < chunk.length) {
      const room = Math.min(buffer.room(), chunk.length - given);
      assert.ok(room > 0, 'a decoder whose frames fit leaves room');
      buffer.bytes.set(chunk.subarray(given, given + room), buffer.end);
      buffer.received(room);
      given += room;
      while ((frame = decoder.next(buffer)) > 0) {
        into.frames.push(frame);
        into.messages.push(buffer.bytes.slice(decoder.offset, decoder.offset + decoder.length));
      }
      if (frame === Frame.Fault) return frame;
    }
  }
  return frame;
}

function emptyReceived(): Received {
  return { messages: [], frames: [] };
}

for (const framing of FRAMINGS) {
  for (const direction of DIRECTIONS) {
    const messages = sampleMessages(direction);
    const stream = framed(framing, direction, messages);

    test(`${framing} ${direction}: every message at every cut`, () => {
      for (let cut = 0; cut <= stream.length; cut++) {
        const received = emptyReceived();
        const decoder = createFrameDecoder(framing, direction);
        feed(
          decoder,
          new ReceiveBuffer(16, 128),
          [stream.subarray(0, cut), stream.subarray(cut)],
          received,
        );
        assert.deepEqual(received.messages, messages, `cut at ${cut}`);
        assert.ok(received.frames.every((frame) => frame === Frame.Message));
        assert.equal(decoder.nextSequence, messages.length + 1);
      }
    });

    test(`${framing} ${direction}: one byte at a time, and in random pieces`, () => {
      const pieces = fc.array(fc.integer({ min: 1, max: 70 }), { minLength: 1, maxLength: 40 });
      fc.assert(
        fc.property(pieces, (sizes) => {
          const chunks: Uint8Array[] = [];
          for (let at = 0, i = 0; at < stream.length; i++) {
            const size = sizes[i % sizes.length];
            chunks.push(stream.subarray(at, at + size));
            at += size;
          }
          const received = emptyReceived();
          feed(createFrameDecoder(framing, direction), new ReceiveBuffer(8, 64), chunks, received);
          assert.deepEqual(received.messages, messages);
        }),
        { numRuns: 50, examples: [[[1]]] },
      );
    });

    test(`${framing} ${direction}: a frame is not announced before its last byte`, () => {
      const frameBytes = createFrameWriter(framing, direction).headerBytes + messages[0].length;
      for (let length = 0; length < frameBytes; length++) {
        const received = emptyReceived();
        const decoder = createFrameDecoder(framing, direction);
        assert.equal(
          feed(decoder, new ReceiveBuffer(64, 64), [stream.subarray(0, length)], received),
          Frame.Incomplete,
        );
        assert.equal(received.frames.length, 0);
      }
    });
  }
}

for (const golden of readGolden().frames) {
  test(`golden ${golden.framing} ${golden.direction}: ${golden.name}`, () => {
    const messages = golden.messages.map(bytesOfHex);
    assert.equal(
      hexOfBytes(framed(golden.framing, golden.direction, messages)),
      golden.hex.replaceAll(' ', ''),
    );
    const received = emptyReceived();
    feed(
      createFrameDecoder(golden.framing, golden.direction),
      new ReceiveBuffer(),
      [bytesOfHex(golden.hex)],
      received,
    );
    assert.deepEqual(received.messages, messages);
  });
}

test('sizes on the stream are those of the other systems: 30 and 42, 38 and 50', () => {
  const request = sampleMessages('requests')[0];
  const response = sampleMessages('responses')[0];
  assert.equal(framed(Framing.Bare, 'requests', [request]).length, 30);
  assert.equal(framed(Framing.Bare, 'responses', [response]).length, 42);
  assert.equal(framed(Framing.Sequenced, 'requests', [request]).length, 38);
  assert.equal(framed(Framing.Sequenced, 'responses', [response]).length, 50);
  assert.equal(REQUEST_BYTES[RequestType.NewExtended], ClientRequestExtended.bytes);
});

test('the first byte of a connection tells SoupBinTCP from bare', () => {
  for (let byte = 0; byte < 256; byte++) {
    const expected = byte === 0 ? Framing.Soup : byte <= 5 ? Framing.Bare : null;
    assert.equal(detectFraming(byte), expected, `byte ${byte}`);
  }
});

// ── wrong bytes ──────────────────────────────────────────────────────────────────────────────

test('an unknown type byte is a fault of that session, at once and for good (mistake 5)', () => {
  for (const framing of [Framing.Bare, Framing.Sequenced] as const) {
    for (const direction of DIRECTIONS) {
      const known = new Set<number>(
        Object.values(direction === 'requests' ? RequestType : ResponseType),
      );
      for (let type = 0; type < 256; type++) {
        const decoder = createFrameDecoder(framing, direction);
        const buffer = new ReceiveBuffer();
        const header = framing === Framing.Bare ? [] : [1, 0, 0, 0, 0, 0, 0, 0];
        const frame = feed(decoder, buffer, [Uint8Array.of(...header, type)], emptyReceived());
        if (known.has(type)) {
          assert.equal(frame, Frame.Incomplete);
          continue;
        }
        assert.equal(frame, Frame.Fault);
        assert.equal(decoder.fault, FrameFault.MessageType);
        assert.equal(decoder.actual, type);
        assert.equal(decoder.next(buffer), Frame.Fault);
        buffer.clear();
        assert.equal(decoder.next(buffer), Frame.Fault, 'whatever comes behind it');
        decoder.reset();
        assert.equal(
          feed(decoder, buffer, [Uint8Array.of(...header, 1)], emptyReceived()),
          Frame.Incomplete,
        );
      }
    }
  }
});

test('sequenced: a wrong number is a fault with both numbers', () => {
  const request = sampleMessages('requests')[0];
  const wrong = [
    [1, 1, 2, 1],
    [1, 3, 2, 3],
    [0, 1, 1, 0],
  ] as const; // repeated, skipped, from 0
  for (const [first, second, expected, actual] of wrong) {
    const stream = new Uint8Array(2 * 38);
    stream.set(request, 8);
    stream.set(request, 46);
    stream[0] = first;
    stream[38] = second;
    const decoder = createFrameDecoder(Framing.Sequenced, 'requests');
    assert.equal(feed(decoder, new ReceiveBuffer(), [stream], emptyReceived()), Frame.Fault);
    assert.equal(decoder.fault, FrameFault.Sequence);
    assert.deepEqual([decoder.expected, decoder.actual], [expected, actual]);
    assert.equal(
      faultText(decoder.fault, decoder.expected, decoder.actual),
      `message sequence: expected ${expected}, was ${actual}`,
    );
  }
});

test('sequenced: every byte of the number counts', () => {
  for (let byte = 1; byte < 8; byte++) {
    const header = Uint8Array.of(1, 0, 0, 0, 0, 0, 0, 0);
    header[byte] = 1;
    const decoder = createFrameDecoder(Framing.Sequenced, 'requests');
    assert.equal(feed(decoder, new ReceiveBuffer(), [header], emptyReceived()), Frame.Fault);
    assert.equal(decoder.actual, 1 + 2 ** (8 * byte));
  }
});

test('sequenced: numbers go on beyond 32 bits', () => {
  const writer = createFrameWriter(Framing.Sequenced, 'requests');
  const decoder = createFrameDecoder(Framing.Sequenced, 'requests');
  writer.nextSequence = decoder.nextSequence = 2 ** 32 - 1;
  const stream = new Uint8Array(38 * 3);
  const view = new DataView(stream.buffer);
  for (let i = 0; i < 3; i++) {
    const at = writer.header(view, i * 38, 30);
    stream[at] = RequestType.New;
  }
  const received = emptyReceived();
  feed(decoder, new ReceiveBuffer(), [stream], received);
  assert.equal(received.messages.length, 3);
  assert.equal(decoder.nextSequence, 2 ** 32 + 2);
});

test('every fault has its words', () => {
  for (const fault of Object.values(FrameFault))
    assert.match(faultText(fault, 5, 77), /fault|expected/);
});

// ── the buffer ───────────────────────────────────────────────────────────────────────────────

test('overlapping leftovers keep their bytes (mistake 12)', () => {
  // Frames of 30 bytes in a buffer of 44: the leftover of 14 bytes lies where it is moved to.
  const messages = Array.from({ length: 40 }, (_, index) => {
    const message = new Uint8Array(ClientRequest.bytes);
    ClientRequest.encode(
      new DataView(message.buffer),
      0,
      1,
      index,
      index,
      index * 3,
      index,
      1,
      index * 5,
      index,
      index * 7,
    );
    return message;
  });
  const stream = framed(Framing.Bare, 'requests', messages);
  for (const size of [31, 37, 44, 59]) {
    const received = emptyReceived();
    feed(
      createFrameDecoder(Framing.Bare, 'requests'),
      new ReceiveBuffer(size, size),
      [stream],
      received,
    );
    assert.deepEqual(received.messages, messages, `buffer of ${size}`);
  }
});

/** What memcpy may do: copies from the back, over bytes that it has still to read. */
function wrongMove(bytes: Uint8Array, start: number, end: number): void {
  for (let i = end - start - 1; i >= 0; i--) bytes[i] = bytes[start + i];
}

test('the same data finds a move that does not mind the overlap (mistake 12, planted)', () => {
  const right = Uint8Array.from({ length: 44 }, (_, i) => i);
  const wrong = right.slice();
  right.copyWithin(0, 10, 44);
  wrongMove(wrong, 10, 44);
  assert.notDeepEqual(wrong.subarray(0, 34), right.subarray(0, 34));
});

test('a receive buffer starts small, grows when reads fill it, and stops at its cap (mistake 31)', () => {
  const buffer = new ReceiveBuffer();
  assert.equal(buffer.bytes.length, RECEIVE_BYTES_INITIAL);
  const sizes = new Set<number>();
  for (let read = 0; read < 100; read++) {
    const room = buffer.room();
    sizes.add(buffer.bytes.length);
    buffer.received(room);
    buffer.start = buffer.end;
  }
  assert.deepEqual([...sizes], [2048, 4096, 8192, 16384, 32768, 65536]);
  assert.equal(buffer.bytes.length, RECEIVE_BYTES_MAX);
  buffer.received(buffer.room());
  assert.equal(buffer.room(), 0, 'full of bytes that nobody takes');
  assert.equal(buffer.pending, RECEIVE_BYTES_MAX);
});

test('short reads do not make a receive buffer grow', () => {
  const buffer = new ReceiveBuffer(64, 1024);
  for (let read = 0; read < 1000; read++) {
    assert.ok(buffer.room() >= 32, 'at least half');
    buffer.received(17);
    buffer.start = buffer.end - 5;
  }
  assert.equal(buffer.bytes.length, 64);
});

test('a receive buffer refuses counts that cannot be', () => {
  const buffer = new ReceiveBuffer(8, 8);
  assert.throws(() => buffer.received(9), /inside the buffer/);
  assert.throws(() => buffer.received(-1), /not negative/);
  assert.throws(() => new ReceiveBuffer(8, 4), /cap/);
  assert.throws(() => new ReceiveBuffer(0, 4), /at least one byte/);
});

test('responses keep their place across growth', () => {
  const messages = sampleMessages('responses');
  const many = Array.from({ length: 50 }, (_, i) => messages[i % messages.length]);
  const buffer = new ReceiveBuffer(50, 4096);
  const received = emptyReceived();
  feed(
    createFrameDecoder(Framing.Soup, 'responses'),
    buffer,
    [framed(Framing.Soup, 'responses', many)],
    received,
  );
  assert.deepEqual(received.messages, many);
  assert.equal(received.messages[0].length, ClientResponse.bytes);
  assert.ok(buffer.bytes.length > 50);
});
