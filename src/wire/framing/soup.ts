// SoupBinTCP 4.1: packets with a length, a type and a payload; both sides of a session.
//
//   len@0:u16be (bytes behind it, type included) type@2:1 payload@3
//
//   client ─► exchange   L log-in (47 in 3.0, 52 in 4.1) · U message · R heartbeat · O log-out · + debug
//   exchange ─► client   A accepted (31) · J rejected (2) · S sequenced message · U unsequenced message
//                        H heartbeat · Z end of session · + debug                 (length field in brackets)
//
// The sequence of a message is its count: the exchange's `S` packets from 1 over the life of the
// session (over many connections), the client's `U` packets from 1 a connection. Who speaks when
// (log-in first, a heartbeat after a second of silence) is the session's business, not this
// machine's.
//
// A length or a type that cannot be is a fault as soon as its bytes are there.
import { NOT_A_NUMBER } from '../ascii.ts';
import {
  SoupHeader,
  SoupLoginAccepted,
  SoupLoginRejected,
  SoupLoginRequest,
  SoupLoginRequest30,
  SoupPacket,
} from '../generated/soup.ts';
import { Frame, FrameFault, Framing } from './frame.ts';
import type { Direction, FrameDecoder, FrameWriter } from './frame.ts';
import type { ReceiveBuffer } from './receive_buffer.ts';

const HEADER_BYTES = SoupHeader.bytes;
/** The length field counts the type byte but not itself. */
const LENGTH_BYTES = 2;
/**
 * Native messages need 57 bytes, OUCH with every appendage below 512; debug text is cut to this by
 * whoever sends.
 */
export const SOUP_PACKET_BYTES_MAX = 2 * 1024;

/** Length field → nothing special about the type. */
const ANY_LENGTH = 0;

interface PacketTable {
  /** Frame by type byte, Incomplete = this side never sends it. */
  readonly frames: readonly Frame[];
  /** The length field it must have, ANY_LENGTH = any from 1. */
  readonly lengths: Uint8Array;
}

const FROM_CLIENT = packetTable([
  [SoupPacket.LoginRequest, Frame.Login, ANY_LENGTH],
  [SoupPacket.Unsequenced, Frame.Message, ANY_LENGTH],
  [SoupPacket.ClientHeartbeat, Frame.Heartbeat, 1],
  [SoupPacket.LogoutRequest, Frame.Logout, 1],
  [SoupPacket.Debug, Frame.Debug, ANY_LENGTH],
]);
const FROM_EXCHANGE = packetTable([
  [SoupPacket.LoginAccepted, Frame.LoginAccepted, SoupLoginAccepted.bytes - LENGTH_BYTES],
  [SoupPacket.LoginRejected, Frame.LoginRejected, SoupLoginRejected.bytes - LENGTH_BYTES],
  [SoupPacket.Sequenced, Frame.Message, ANY_LENGTH],
  [SoupPacket.Unsequenced, Frame.Unsequenced, ANY_LENGTH],
  [SoupPacket.ServerHeartbeat, Frame.Heartbeat, 1],
  [SoupPacket.EndOfSession, Frame.EndOfSession, 1],
  [SoupPacket.Debug, Frame.Debug, ANY_LENGTH],
]);

/** `offset` and `length` are those of the payload, behind the type byte. */
export class SoupDecoder implements FrameDecoder {
  readonly framing = Framing.Soup;
  readonly frameBytesMax: number;
  offset = 0;
  length = 0;
  nextSequence = 1;
  fault: FrameFault = FrameFault.None;
  expected = 0;
  actual = 0;
  readonly #frames: readonly Frame[];
  readonly #lengths: Uint8Array;

  constructor(reads: Direction, packetBytesMax: number = SOUP_PACKET_BYTES_MAX) {
    this.frameBytesMax = packetBytesMax;
    const table = reads === 'requests' ? FROM_CLIENT : FROM_EXCHANGE;
    this.#frames = table.frames;
    this.#lengths = table.lengths;
  }

  next(buffer: ReceiveBuffer): Frame {
    if (this.fault !== FrameFault.None) return Frame.Fault;
    const start = buffer.start;
    const pending = buffer.end - start;
    if (pending < LENGTH_BYTES) return Frame.Incomplete;
    const bytes = buffer.bytes;
    const length = (bytes[start] << 8) | bytes[start + 1];
    if (length === 0) return this.#fail(FrameFault.PacketLength, 1, 0);
    if (LENGTH_BYTES + length > this.frameBytesMax) {
      return this.#fail(FrameFault.PacketTooLong, this.frameBytesMax - LENGTH_BYTES, length);
    }
    if (pending < HEADER_BYTES) return Frame.Incomplete;
    const type = bytes[start + LENGTH_BYTES];
    const frame = this.#frames[type];
    if (frame === Frame.Incomplete) return this.#fail(FrameFault.PacketType, 0, type);
    const fixed = this.#lengths[type];
    if (fixed !== ANY_LENGTH && length !== fixed)
      return this.#fail(FrameFault.PacketLength, fixed, length);
    if (frame === Frame.Login && !isLoginLength(length)) {
      return this.#fail(FrameFault.PacketLength, SoupLoginRequest.bytes - LENGTH_BYTES, length);
    }
    if (pending < LENGTH_BYTES + length) return Frame.Incomplete;
    this.offset = start + HEADER_BYTES;
    this.length = length - 1;
    if (frame === Frame.Message) this.nextSequence++;
    buffer.start = start + LENGTH_BYTES + length;
    return frame;
  }

  reset(): void {
    this.fault = FrameFault.None;
    this.nextSequence = 1;
  }

  #fail(fault: FrameFault, expected: number, actual: number): Frame {
    this.fault = fault;
    this.expected = expected;
    this.actual = actual;
    return Frame.Fault;
  }
}

/** Writes `S` packets (responses) or `U` packets (requests). */
export class SoupWriter implements FrameWriter {
  readonly framing = Framing.Soup;
  readonly headerBytes = HEADER_BYTES;
  nextSequence = 1;
  readonly #type: number;

  constructor(writes: Direction) {
    this.#type = writes === 'responses' ? SoupPacket.Sequenced : SoupPacket.Unsequenced;
  }

  header(view: DataView, at: number, messageBytes: number): number {
    this.nextSequence++;
    return writeSoupHeader(view, at, this.#type, messageBytes);
  }

  reset(): void {
    this.nextSequence = 1;
  }
}

/**
 * Header of a packet of any type (the exchange's challenge is a `U`, debug text a `+`). Returns the
 * payload's place.
 */
export function writeSoupHeader(
  view: DataView,
  at: number,
  type: number,
  payloadBytes: number,
): number {
  SoupHeader.setLength(view, at, payloadBytes + 1);
  SoupHeader.setType(view, at, type);
  return at + HEADER_BYTES;
}

/** A packet without payload: a heartbeat, the end of the session, a log-out. Returns its bytes. */
export function writeSoupControl(view: DataView, at: number, type: number): number {
  writeSoupHeader(view, at, type, 0);
  return HEADER_BYTES;
}

/** Returns its bytes. `nextSequence`: number of the next `S` packet. */
export function writeLoginAccepted(
  view: DataView,
  at: number,
  session: string,
  nextSequence: number,
): number {
  writeSoupHeader(view, at, SoupPacket.LoginAccepted, SoupLoginAccepted.bytes - HEADER_BYTES);
  SoupLoginAccepted.setSession(view, at, session);
  SoupLoginAccepted.setNextSequence(view, at, nextSequence);
  return SoupLoginAccepted.bytes;
}

/** `code`: one of SoupRejectCode. Returns its bytes. */
export function writeLoginRejected(view: DataView, at: number, code: number): number {
  writeSoupHeader(view, at, SoupPacket.LoginRejected, SoupLoginRejected.bytes - HEADER_BYTES);
  SoupLoginRejected.setCode(view, at, code);
  return SoupLoginRejected.bytes;
}

/** What a client logs in with. */
export interface SoupCredentials {
  /** At most 6 ASCII characters. */
  readonly user: string;
  /** At most 10. */
  readonly password: string;
  /** At most 10; '' = whatever session runs. */
  readonly session: string;
  /** First `S` packet wanted: 1 = all of them, 0 = only what comes from now on. */
  readonly nextSequence: number;
  /** How long the client waits for a sign of life; −1 writes the shorter packet of version 3.0. */
  readonly heartbeatMs: number;
}

/** Returns its bytes: 54, or 49 without a heartbeat time. */
export function writeLoginRequest(view: DataView, at: number, login: SoupCredentials): number {
  const size = login.heartbeatMs < 0 ? SoupLoginRequest30.bytes : SoupLoginRequest.bytes;
  writeSoupHeader(view, at, SoupPacket.LoginRequest, size - HEADER_BYTES);
  SoupLoginRequest30.setUser(view, at, login.user);
  SoupLoginRequest30.setPassword(view, at, login.password);
  SoupLoginRequest30.setSession(view, at, login.session);
  SoupLoginRequest30.setNextSequence(view, at, login.nextSequence);
  if (login.heartbeatMs >= 0) SoupLoginRequest.setHeartbeatMs(view, at, login.heartbeatMs);
  return size;
}

/**
 * The fields of a log-in or of its acceptance, filled from a frame's payload. Cold: it makes
 * strings.
 */
export class SoupLogin implements SoupCredentials {
  user = '';
  password = '';
  session = '';
  nextSequence = 0;
  heartbeatMs = -1;

  /** From a `Frame.Login`. False: a number field is not one; the session is not to be trusted. */
  readRequest(view: DataView, payload: number, payloadBytes: number): boolean {
    const at = payload - HEADER_BYTES;
    this.user = SoupLoginRequest30.user(view, at);
    this.password = SoupLoginRequest30.password(view, at);
    this.session = SoupLoginRequest30.session(view, at);
    this.nextSequence = SoupLoginRequest30.nextSequence(view, at);
    const withHeartbeat = payloadBytes === SoupLoginRequest.bytes - HEADER_BYTES;
    this.heartbeatMs = withHeartbeat ? SoupLoginRequest.heartbeatMs(view, at) : -1;
    return (
      this.nextSequence !== NOT_A_NUMBER && !(withHeartbeat && this.heartbeatMs === NOT_A_NUMBER)
    );
  }

  /** From a `Frame.LoginAccepted`; sequences count from 1. */
  readAccepted(view: DataView, payload: number): boolean {
    const at = payload - HEADER_BYTES;
    this.session = SoupLoginAccepted.session(view, at);
    this.nextSequence = SoupLoginAccepted.nextSequence(view, at);
    return this.nextSequence > 0;
  }
}

function isLoginLength(length: number): boolean {
  return (
    length === SoupLoginRequest.bytes - LENGTH_BYTES ||
    length === SoupLoginRequest30.bytes - LENGTH_BYTES
  );
}

function packetTable(rows: readonly (readonly [number, Frame, number])[]): PacketTable {
  const frames: Frame[] = Array.from({ length: 256 }, () => Frame.Incomplete);
  const lengths = new Uint8Array(256);
  for (const [type, frame, length] of rows) {
    frames[type] = frame;
    lengths[type] = length;
  }
  return { frames, lengths };
}
