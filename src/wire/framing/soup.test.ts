import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SoupPacket, SoupRejectCode } from '../generated/soup.ts';
import { bytesOfHex, hexOfBytes, readGolden } from '../golden.ts';
import { Frame, FrameFault, faultText } from './frame.ts';
import type { Direction } from './frame.ts';
import { ReceiveBuffer } from './receive_buffer.ts';
import {
  SOUP_PACKET_BYTES_MAX,
  SoupDecoder,
  SoupLogin,
  SoupWriter,
  writeLoginAccepted,
  writeLoginRejected,
  writeLoginRequest,
  writeSoupControl,
  writeSoupHeader,
} from './soup.ts';

const LOGIN = {
  user: 'alice',
  password: 'secret',
  session: '',
  nextSequence: 0,
  heartbeatMs: 1000,
};

function packet(write: (view: DataView) => number): Uint8Array {
  const bytes = new Uint8Array(128).fill(0xa5);
  return bytes.slice(0, write(new DataView(bytes.buffer)));
}

function bufferOf(bytes: Uint8Array): ReceiveBuffer {
  const buffer = new ReceiveBuffer(4096, 4096);
  buffer.room();
  buffer.bytes.set(bytes);
  buffer.received(bytes.length);
  return buffer;
}

function decode(
  reads: Direction,
  bytes: Uint8Array,
): { decoder: SoupDecoder; buffer: ReceiveBuffer; frame: Frame } {
  const decoder = new SoupDecoder(reads);
  const buffer = bufferOf(bytes);
  return { decoder, buffer, frame: decoder.next(buffer) };
}

function golden(layout: string): string {
  const found = readGolden().messages.find((message) => message.layout === layout);
  assert.ok(found);
  return found.hex.replaceAll(' ', '');
}

test('log-in of 54 and of 49 bytes, both ways', () => {
  const current = packet((view) => writeLoginRequest(view, 0, LOGIN));
  assert.equal(hexOfBytes(current), golden('SoupLoginRequest'));
  const old = packet((view) =>
    writeLoginRequest(view, 0, { ...LOGIN, nextSequence: 1, heartbeatMs: -1 }),
  );
  assert.equal(hexOfBytes(old), golden('SoupLoginRequest30'));
  for (const [bytes, nextSequence, heartbeatMs] of [
    [current, 0, 1000],
    [old, 1, -1],
  ] as const) {
    const { decoder, buffer, frame } = decode('requests', bytes);
    assert.equal(frame, Frame.Login);
    const login = new SoupLogin();
    assert.ok(login.readRequest(buffer.view, decoder.offset, decoder.length));
    const { user, password, session } = login;
    assert.deepEqual([user, password, session], ['alice', 'secret', '']);
    assert.deepEqual([login.nextSequence, login.heartbeatMs], [nextSequence, heartbeatMs]);
    assert.equal(decoder.nextSequence, 1, 'a log-in is not a message');
  }
});

test('log-in accepted and rejected, both ways', () => {
  const accepted = packet((view) => writeLoginAccepted(view, 0, 'SESSION1', 42));
  assert.equal(hexOfBytes(accepted), golden('SoupLoginAccepted'));
  const reply = decode('responses', accepted);
  assert.equal(reply.frame, Frame.LoginAccepted);
  const login = new SoupLogin();
  assert.ok(login.readAccepted(reply.buffer.view, reply.decoder.offset));
  assert.equal(login.session, 'SESSION1');
  assert.equal(login.nextSequence, 42);

  const rejected = packet((view) => writeLoginRejected(view, 0, SoupRejectCode.NotAuthorised));
  assert.equal(hexOfBytes(rejected), golden('SoupLoginRejected'));
  const refusal = decode('responses', rejected);
  assert.equal(refusal.frame, Frame.LoginRejected);
  assert.equal(refusal.buffer.bytes[refusal.decoder.offset], SoupRejectCode.NotAuthorised);
});

test('numbers of a log-in: spaces on either side, nothing else', () => {
  const cases = [
    ['                   7', 7],
    ['7                   ', 7],
    ['00000000000000000042', 42],
    ['    9007199254740991', 2 ** 53 - 1],
    ['                    ', null],
    ['    9007199254740992', null],
    ['99999999999999999999', null],
    ['                 1 2', null],
    ['                  -1', null],
    ['                 0x1', null],
    ['                1e3 ', null],
    ['1\0                  ', null],
  ] as const;
  for (const [digits, expected] of cases) {
    const bytes = packet((view) => writeLoginRequest(view, 0, LOGIN));
    for (let i = 0; i < 20; i++) bytes[29 + i] = digits.charCodeAt(i);
    const { decoder, buffer } = decode('requests', bytes);
    const login = new SoupLogin();
    assert.equal(
      login.readRequest(buffer.view, decoder.offset, decoder.length),
      expected !== null,
      `"${digits}"`,
    );
    if (expected !== null) assert.equal(login.nextSequence, expected);
  }
  const noHeartbeat = packet((view) => writeLoginRequest(view, 0, LOGIN)).fill(0x20, 49);
  const { decoder, buffer } = decode('requests', noHeartbeat);
  assert.equal(new SoupLogin().readRequest(buffer.view, decoder.offset, decoder.length), false);
});

test('an accepted log-in counts from 1', () => {
  const { decoder, buffer } = decode(
    'responses',
    packet((view) => writeLoginAccepted(view, 0, 'X', 0)),
  );
  assert.equal(new SoupLogin().readAccepted(buffer.view, decoder.offset), false);
});

test('packets without payload, of either side', () => {
  const cases = [
    ['requests', SoupPacket.ClientHeartbeat, Frame.Heartbeat],
    ['requests', SoupPacket.LogoutRequest, Frame.Logout],
    ['responses', SoupPacket.ServerHeartbeat, Frame.Heartbeat],
    ['responses', SoupPacket.EndOfSession, Frame.EndOfSession],
  ] as const;
  for (const [reads, type, expected] of cases) {
    const bytes = packet((view) => writeSoupControl(view, 0, type));
    assert.deepEqual([...bytes], [0, 1, type]);
    const { decoder, frame } = decode(reads, bytes);
    assert.equal(frame, expected);
    assert.equal(decoder.length, 0);
  }
});

test('an unsequenced packet: a message from the client, beside the sequence from the exchange', () => {
  const bytes = packet((view) => writeSoupHeader(view, 0, SoupPacket.Unsequenced, 16) + 16);
  const request = decode('requests', bytes);
  assert.equal(request.frame, Frame.Message);
  assert.equal(request.decoder.nextSequence, 2);
  const challenge = decode('responses', bytes);
  assert.equal(challenge.frame, Frame.Unsequenced);
  assert.equal(challenge.decoder.length, 16);
  assert.equal(challenge.decoder.nextSequence, 1);
});

test('debug text from either side, empty text too', () => {
  for (const reads of ['requests', 'responses'] as const) {
    assert.equal(decode(reads, bytesOfHex('0003 2b 6869')).frame, Frame.Debug);
    assert.equal(decode(reads, bytesOfHex('0001 2b')).frame, Frame.Debug);
  }
});

test('each side takes its own types and no other', () => {
  const allowed = { requests: 'LURO+', responses: 'AJSUHZ+' } as const;
  for (const reads of ['requests', 'responses'] as const) {
    for (let type = 0; type < 256; type++) {
      // A length that no type but a log-in minds, cut off behind the type.
      const { decoder, frame } = decode(reads, Uint8Array.of(0, 200, type));
      if (allowed[reads].includes(String.fromCharCode(type))) {
        assert.notEqual(decoder.fault, FrameFault.PacketType);
        continue;
      }
      assert.equal(frame, Frame.Fault);
      assert.equal(decoder.fault, FrameFault.PacketType);
      assert.equal(decoder.actual, type);
    }
  }
});

test('lengths that cannot be are faults before the payload comes', () => {
  const cases = [
    ['requests', '0000', FrameFault.PacketLength, 1, 0],
    ['requests', '0800', FrameFault.PacketTooLong, SOUP_PACKET_BYTES_MAX - 2, 2048],
    ['responses', 'ffff', FrameFault.PacketTooLong, SOUP_PACKET_BYTES_MAX - 2, 65535],
    ['requests', '0030 4c', FrameFault.PacketLength, 52, 48],
    ['requests', '0002 52', FrameFault.PacketLength, 1, 2],
    ['requests', '0002 4f', FrameFault.PacketLength, 1, 2],
    ['responses', '001e 41', FrameFault.PacketLength, 31, 30],
    ['responses', '0001 4a', FrameFault.PacketLength, 2, 1],
    ['responses', '0002 48', FrameFault.PacketLength, 1, 2],
    ['responses', '0009 5a', FrameFault.PacketLength, 1, 9],
  ] as const;
  for (const [reads, hex, fault, expected, actual] of cases) {
    const { decoder, buffer, frame } = decode(reads, bytesOfHex(hex));
    assert.equal(frame, Frame.Fault, hex);
    assert.deepEqual(
      [decoder.fault, decoder.expected, decoder.actual],
      [fault, expected, actual],
      hex,
    );
    assert.match(faultText(fault, expected, actual), new RegExp(`${expected}.*${actual}`));
    assert.equal(decoder.next(buffer), Frame.Fault, 'a fault is final');
  }
  const largest = new Uint8Array(SOUP_PACKET_BYTES_MAX);
  largest.set([0x07, 0xfe, SoupPacket.Debug]);
  assert.equal(decode('requests', largest).frame, Frame.Debug);
});

test('the sequence of S packets goes on where a session resumes', () => {
  const writer = new SoupWriter('responses');
  writer.nextSequence = 100;
  const decoder = new SoupDecoder('responses');
  decoder.nextSequence = 100;
  const bytes = new Uint8Array(45);
  writer.header(new DataView(bytes.buffer), 0, 42);
  assert.equal(decoder.next(bufferOf(bytes)), Frame.Message);
  assert.equal(decoder.nextSequence, 101);
  assert.equal(writer.nextSequence, 101);
  decoder.reset();
  writer.reset();
  assert.deepEqual([decoder.nextSequence, writer.nextSequence], [1, 1]);
});

test('a whole session at every cut: log-in, requests, heartbeat, log-out', () => {
  const parts = [
    packet((view) => writeLoginRequest(view, 0, LOGIN)),
    bytesOfHex('001f 55 02 01000000 02000000 0300000000000000 00 ffffffffffffff7f ffffffff'),
    packet((view) => writeSoupControl(view, 0, SoupPacket.ClientHeartbeat)),
    bytesOfHex('0003 2b 6869'),
    packet((view) => writeSoupControl(view, 0, SoupPacket.LogoutRequest)),
  ];
  const expected = [Frame.Login, Frame.Message, Frame.Heartbeat, Frame.Debug, Frame.Logout];
  const stream = Uint8Array.from(Buffer.concat(parts));
  for (let cut = 0; cut <= stream.length; cut++) {
    const decoder = new SoupDecoder('requests');
    const buffer = new ReceiveBuffer(64, 64);
    const frames: Frame[] = [];
    for (const chunk of [stream.subarray(0, cut), stream.subarray(cut)]) {
      for (let given = 0; given < chunk.length;) {
        const room = Math.min(buffer.room(), chunk.length - given);
        buffer.bytes.set(chunk.subarray(given, given + room), buffer.end);
        buffer.received(room);
        given += room;
        for (let frame = decoder.next(buffer); frame > 0; frame = decoder.next(buffer))
          frames.push(frame);
      }
    }
    assert.deepEqual(frames, expected, `cut at ${cut}`);
  }
});
