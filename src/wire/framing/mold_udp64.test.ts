import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { MarketUpdate, UpdateType } from '../generated/native.ts';
import { bytesOfHex, hexOfBytes, readGolden } from '../golden.ts';
import {
  DATAGRAM_PAYLOAD_BYTES_MAX,
  MOLD_HEADER_BYTES,
  MoldDatagram,
  MoldReader,
  MoldRequest,
  moldMessagesMax,
  sameMoldSession,
  writeMoldRequest,
} from './mold_udp64.ts';
import { MoldWriter } from './mold_writer.reference.ts';

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function read(bytes: Uint8Array): { kind: MoldDatagram; sequence: number; messages: Uint8Array[] } {
  const reader = new MoldReader();
  const kind = reader.open(viewOf(bytes), 0, bytes.length);
  const messages: Uint8Array[] = [];
  while (reader.next()) messages.push(bytes.slice(reader.offset, reader.offset + reader.length));
  assert.equal(messages.length, reader.count);
  return { kind, sequence: reader.sequence, messages };
}

/** Datagrams with these messages, from `sequence`, as a publisher makes them. */
function pack(writer: MoldWriter, sequence: number, messages: readonly Uint8Array[]): Uint8Array[] {
  const datagrams: Uint8Array[] = [];
  writer.begin(sequence);
  for (const message of messages) {
    let at = writer.claim(message.length);
    if (at < 0) {
      datagrams.push(writer.bytes.slice(0, writer.finish()));
      writer.begin(writer.nextSequence);
      at = writer.claim(message.length);
    }
    writer.bytes.set(message, at);
  }
  if (writer.count > 0) datagrams.push(writer.bytes.slice(0, writer.finish()));
  return datagrams;
}

function updates(count: number): Uint8Array[] {
  return Array.from({ length: count }, (_, index) => {
    const message = new Uint8Array(MarketUpdate.bytes);
    MarketUpdate.encode(
      viewOf(message),
      0,
      UpdateType.Add,
      1,
      index + 1,
      0,
      1,
      100 + index,
      0,
      10,
      index + 1,
      0,
    );
    return message;
  });
}

const KIND = {
  messages: MoldDatagram.Messages,
  heartbeat: MoldDatagram.Heartbeat,
  end: MoldDatagram.EndOfSession,
} as const;

for (const golden of readGolden().datagrams) {
  test(`golden datagram: ${golden.name}`, () => {
    const bytes = bytesOfHex(golden.hex);
    const writer = new MoldWriter(golden.session);
    if (golden.kind === 'request') {
      const request = new Uint8Array(20);
      assert.equal(
        writeMoldRequest(viewOf(request), 0, writer.view, 0, golden.sequence, golden.count ?? 0),
        20,
      );
      assert.equal(hexOfBytes(request), hexOfBytes(bytes));
      const fields = new MoldRequest();
      assert.ok(fields.read(viewOf(bytes), 0, bytes.length));
      assert.deepEqual([fields.sequence, fields.count], [golden.sequence, golden.count]);
      assert.ok(sameMoldSession(viewOf(bytes), 0, writer.view, 0));
      return;
    }
    const messages = golden.messages.map(bytesOfHex);
    assert.deepEqual(read(bytes), { kind: KIND[golden.kind], sequence: golden.sequence, messages });
    writer.begin(golden.sequence);
    for (const message of messages) writer.bytes.set(message, writer.claim(message.length));
    const length =
      golden.kind === 'messages'
        ? writer.finish()
        : golden.kind === 'end'
          ? writer.endOfSession()
          : writer.heartbeat();
    assert.equal(hexOfBytes(writer.bytes.subarray(0, length)), hexOfBytes(bytes));
  });
}

test('a lost datagram loses its messages and shifts none (mistake 13)', () => {
  const sent = updates(200);
  const datagrams = pack(new MoldWriter('TEST'), 1, sent);
  assert.equal(datagrams.length, 5);
  for (let lost = 0; lost < datagrams.length; lost++) {
    const seen = new Map<number, string>();
    for (const datagram of datagrams.filter((_, index) => index !== lost)) {
      assert.ok(datagram.length <= DATAGRAM_PAYLOAD_BYTES_MAX);
      const { kind, sequence, messages } = read(datagram);
      assert.equal(kind, MoldDatagram.Messages);
      messages.forEach((message, index) => seen.set(sequence + index, hexOfBytes(message)));
    }
    const gone = read(datagrams[lost]);
    assert.equal(seen.size, sent.length - gone.messages.length);
    for (let number = 1; number <= sent.length; number++) {
      const inLost = number >= gone.sequence && number < gone.sequence + gone.messages.length;
      assert.equal(seen.get(number), inLost ? undefined : hexOfBytes(sent[number - 1]));
    }
  }
});

test('a stream cut at the MTU is refused, not read across its cuts (mistake 13, planted)', () => {
  // What a sender makes that treats UDP as a byte stream: blocks straddle datagrams.
  const writer = new MoldWriter('TEST', 8192);
  const [whole] = pack(writer, 1, updates(120));
  assert.equal(read(whole).messages.length, 120);
  assert.equal(read(whole.slice(0, DATAGRAM_PAYLOAD_BYTES_MAX)).kind, MoldDatagram.Malformed);
});

test('a datagram holds as many messages as fit below the MTU', () => {
  assert.equal(moldMessagesMax(MarketUpdate.bytes), 40);
  const writer = new MoldWriter('TEST');
  const [first] = pack(writer, 1, updates(41));
  assert.equal(read(first).messages.length, 40);
  assert.equal(first.length, 20 + 40 * 36);
  assert.equal(writer.nextSequence, 42);
});

test('claim refuses what does not fit and leaves the datagram as it is', () => {
  const writer = new MoldWriter('TEST', 100);
  writer.begin(7);
  assert.equal(writer.claim(79), -1);
  assert.equal(writer.claim(78), 22);
  assert.equal(writer.claim(0), -1);
  assert.deepEqual([writer.count, writer.length, writer.nextSequence], [1, 100, 8]);
  assert.throws(() => writer.heartbeat(), /empty datagram/);
  assert.throws(() => writer.endOfSession(), /empty datagram/);
  assert.throws(() => new MoldWriter('ELEVENCHARS'), /at most 10/);
  assert.throws(() => new MoldWriter('X', 22), /room for a header and a message/);
});

test('a datagram never says 0xFFFF messages: that is the end of the session', () => {
  const writer = new MoldWriter('TEST', 65_536 * 2 + 20);
  writer.begin(1);
  let claimed = 0;
  while (writer.claim(0) >= 0) claimed++;
  assert.equal(claimed, 0xfffe);
  assert.equal(moldMessagesMax(0, 1_000_000), 0xfffe);
});

test('whatever is packed is read back, at any size of message and datagram', () => {
  const messages = fc.array(fc.uint8Array({ maxLength: 60 }), { minLength: 1, maxLength: 60 });
  fc.assert(
    fc.property(
      messages,
      fc.integer({ min: 82, max: 1472 }),
      fc.integer({ min: 1, max: 2 ** 53 - 100 }),
      (sent, size, first) => {
        const got: Uint8Array[] = [];
        for (const datagram of pack(new MoldWriter('ANY', size), first, sent)) {
          assert.ok(datagram.length <= size);
          const { kind, sequence, messages: inside } = read(datagram);
          assert.equal(kind, MoldDatagram.Messages);
          assert.equal(sequence, first + got.length);
          got.push(...inside);
        }
        assert.deepEqual(got, sent);
      },
    ),
    { numRuns: 200 },
  );
});

test('a datagram cut or lengthened anywhere is malformed', () => {
  const [datagram] = pack(new MoldWriter('TEST'), 1, updates(3));
  for (let length = 0; length < datagram.length; length++) {
    assert.equal(read(datagram.slice(0, length)).kind, MoldDatagram.Malformed, `length ${length}`);
  }
  const longer = new Uint8Array(datagram.length + 1);
  longer.set(datagram);
  assert.equal(read(longer).kind, MoldDatagram.Malformed);
  const more = datagram.slice();
  more[19] = 4;
  assert.equal(read(more).kind, MoldDatagram.Malformed, 'a count above what is there');
  const less = datagram.slice();
  less[19] = 2;
  assert.equal(read(less).kind, MoldDatagram.Malformed, 'a count below what is there');
});

test('a sequence beyond 2^53 is malformed, the last one below it is not', () => {
  const writer = new MoldWriter('TEST');
  writer.begin(2 ** 53 - 1);
  const bytes = writer.bytes.slice(0, writer.heartbeat());
  assert.deepEqual(read(bytes), {
    kind: MoldDatagram.Heartbeat,
    sequence: 2 ** 53 - 1,
    messages: [],
  });
  bytes[11] = 0x20;
  assert.equal(read(bytes).kind, MoldDatagram.Malformed);
  assert.equal(new MoldRequest().read(viewOf(bytes), 0, 20), false);
});

test('a request asks for something and is 20 bytes long', () => {
  const request = new MoldRequest();
  const bytes = new Uint8Array(21);
  const session = viewOf(new MoldWriter('TEST').bytes);
  writeMoldRequest(viewOf(bytes), 0, session, 0, 5, 0);
  assert.equal(request.read(viewOf(bytes), 0, 20), false);
  writeMoldRequest(viewOf(bytes), 0, session, 0, 5, 0xffff);
  assert.equal(request.read(viewOf(bytes), 0, 19), false);
  assert.equal(request.read(viewOf(bytes), 0, 21), false);
  assert.ok(request.read(viewOf(bytes), 0, 20));
  assert.deepEqual([request.sequence, request.count], [5, 0xffff]);
  bytes[9] ^= 1;
  assert.equal(sameMoldSession(viewOf(bytes), 0, session, 0), false);
});

test('a reader walks where it was told, not from the start of the view', () => {
  const [datagram] = pack(new MoldWriter('TEST'), 9, updates(2));
  const shifted = new Uint8Array(datagram.length + 11).fill(0xff);
  shifted.set(datagram, 11);
  const reader = new MoldReader();
  assert.equal(reader.open(viewOf(shifted), 11, datagram.length), MoldDatagram.Messages);
  assert.ok(reader.next());
  assert.equal(reader.offset, 11 + MOLD_HEADER_BYTES + 2);
  assert.ok(reader.next());
  assert.equal(reader.next(), false);
  assert.equal(reader.next(), false);
});
