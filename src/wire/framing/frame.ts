// The common shape of the TCP framings: resumable state machines without I/O.
//
//   connection ─► ReceiveBuffer ─► FrameDecoder.next ─► kind, offset, length       (frames stay where they came)
//   message    ─► FrameWriter.header ─► header bytes; the message goes behind them
//
// A decoder looks at bytes[start … end) of its session's buffer and yields one frame a call,
// whatever the cuts at which the bytes came. Wrong bytes are a numbered fault, never a throw; a
// fault is final: the decoder repeats it until `reset`, because behind a broken frame no boundary
// can be trusted.
//
// Order: frames come out in the order of their bytes. Cost: a few loads a frame, no allocation.
// Limits: sequences are numbers, exact below 2^53.
import type { ReceiveBuffer } from './receive_buffer.ts';

/** How messages are laid on a TCP stream (docs/PROTOCOL.md). */
export const Framing = { Bare: 'bare', Sequenced: 'sequenced', Soup: 'soup' } as const;
export type Framing = (typeof Framing)[keyof typeof Framing];

/**
 * Which of the two streams of a connection: requests run to the exchange, responses to the client.
 */
export type Direction = 'requests' | 'responses';

/** What `next` says: an incomplete frame, a fault, or the kind of the frame that stands there. */
export const Frame = {
  Fault: -1,
  /** Not all there yet: receive more, call again. */
  Incomplete: 0,
  /**
   * An application message, at `offset` for `length`. SoupBinTCP: `S` from the exchange, `U` from
   * the client.
   */
  Message: 1,
  /** SoupBinTCP `U` from the exchange: a message outside of the sequence. */
  Unsequenced: 2,
  /** SoupBinTCP `L`, payload of 46 (3.0) or 51 bytes (4.1). */
  Login: 3,
  LoginAccepted: 4,
  LoginRejected: 5,
  /** SoupBinTCP `H` or `R`. */
  Heartbeat: 6,
  EndOfSession: 7,
  Logout: 8,
  Debug: 9,
} as const;
export type Frame = (typeof Frame)[keyof typeof Frame];

/** What was wrong with the bytes; `expected` and `actual` of the decoder say more. */
export const FrameFault = {
  None: 0,
  /** Message type byte that no message of this stream has. */
  MessageType: 1,
  /** `sequenced`: not the next number. */
  Sequence: 2,
  /** SoupBinTCP: packet type that this side never sends. */
  PacketType: 3,
  /** SoupBinTCP: a length that this type of packet cannot have. */
  PacketLength: 4,
  /** SoupBinTCP: longer than this session takes. */
  PacketTooLong: 5,
  /** First byte of a connection that no framing begins with. */
  Framing: 6,
} as const;
export type FrameFault = (typeof FrameFault)[keyof typeof FrameFault];

/**
 * One a session and direction. The fields describe the frame, or the fault, that `next` last
 * returned.
 */
export interface FrameDecoder {
  readonly framing: Framing;
  /** Largest frame it takes: the cap of a buffer that serves it must not be below. */
  readonly frameBytesMax: number;
  /**
   * The message (SoupBinTCP: the payload) begins here in the buffer; valid until the buffer
   * changes.
   */
  offset: number;
  length: number;
  /**
   * Number of the next message of this stream, from 1. Set it where a SoupBinTCP session resumes.
   */
  nextSequence: number;
  fault: FrameFault;
  expected: number;
  actual: number;
  /** Takes the next frame off buffer.start … buffer.end. */
  next(buffer: ReceiveBuffer): Frame;
  /** A fresh stream, from message 1. */
  reset(): void;
}

/** Frames outbound messages, one a session and direction. */
export interface FrameWriter {
  readonly framing: Framing;
  /** Bytes before each message. */
  readonly headerBytes: number;
  /** Number of the next message of this stream, from 1. */
  nextSequence: number;
  /**
   * Writes the header of a message of `messageBytes` bytes at `at` and counts the message. Returns
   * where the message itself goes: at + headerBytes.
   */
  header(view: DataView, at: number, messageBytes: number): number;
  /** A fresh stream, from message 1. */
  reset(): void;
}

/** The fault in words, for logs and for the reason of a close. Not for the hot path. */
export function faultText(fault: FrameFault, expected: number, actual: number): string {
  switch (fault) {
    case FrameFault.MessageType:
      return `message type: expected 1 … ${expected}, was ${actual}`;
    case FrameFault.Sequence:
      return `message sequence: expected ${expected}, was ${actual}`;
    case FrameFault.PacketType:
      return `SoupBinTCP packet type: expected one that this side sends, was 0x${actual.toString(16)}`;
    case FrameFault.PacketLength:
      return `SoupBinTCP packet length: expected ${expected}, was ${actual}`;
    case FrameFault.PacketTooLong:
      return `SoupBinTCP packet length: expected at most ${expected}, was ${actual}`;
    case FrameFault.Framing:
      return `first byte: expected 0 (SoupBinTCP) or 1 … ${expected} (bare), was ${actual}`;
    default:
      return 'no fault';
  }
}
