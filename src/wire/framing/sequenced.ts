// `sequenced`: an unsigned 64-bit number, little-endian, before each native message; each direction
// of a connection counts from 1. Requests take 38 bytes (62 extended), responses 50.
//
//   seq@0:u64 message@8
//
// A number other than the next one is a fault with the number expected and the number that came
// (rounded beyond 2^53): a gap on a TCP stream means that one of the two programs is broken.
import {
  REQUEST_BYTES,
  REQUEST_BYTES_MAX,
  REQUEST_TYPE_MAX,
  RESPONSE_BYTES,
  RESPONSE_TYPE_MAX,
} from '../message_sizes.ts';
import { ClientResponse, SequenceHeader } from '../generated/native.ts';
import { Frame, FrameFault, Framing } from './frame.ts';
import type { Direction, FrameDecoder, FrameWriter } from './frame.ts';
import type { ReceiveBuffer } from './receive_buffer.ts';

const HEADER_BYTES = SequenceHeader.bytes;
const TWO_32 = 0x1_0000_0000;

export class SequencedDecoder implements FrameDecoder {
  readonly framing = Framing.Sequenced;
  readonly frameBytesMax: number;
  offset = 0;
  length = 0;
  nextSequence = 1;
  fault: FrameFault = FrameFault.None;
  expected = 0;
  actual = 0;
  readonly #sizes: Readonly<Uint8Array>;
  readonly #typeMax: number;

  constructor(reads: Direction) {
    const requests = reads === 'requests';
    this.#sizes = requests ? REQUEST_BYTES : RESPONSE_BYTES;
    this.#typeMax = requests ? REQUEST_TYPE_MAX : RESPONSE_TYPE_MAX;
    this.frameBytesMax = HEADER_BYTES + (requests ? REQUEST_BYTES_MAX : ClientResponse.bytes);
  }

  next(buffer: ReceiveBuffer): Frame {
    if (this.fault !== FrameFault.None) return Frame.Fault;
    const start = buffer.start;
    const pending = buffer.end - start;
    if (pending < HEADER_BYTES) return Frame.Incomplete;
    const view = buffer.view;
    const sequence =
      SequenceHeader.sequenceLo(view, start) + SequenceHeader.sequenceHi(view, start) * TWO_32;
    if (sequence !== this.nextSequence)
      return this.#fail(FrameFault.Sequence, this.nextSequence, sequence);
    if (pending === HEADER_BYTES) return Frame.Incomplete;
    const type = buffer.bytes[start + HEADER_BYTES];
    const size = this.#sizes[type];
    if (size === 0) return this.#fail(FrameFault.MessageType, this.#typeMax, type);
    if (pending < HEADER_BYTES + size) return Frame.Incomplete;
    this.offset = start + HEADER_BYTES;
    this.length = size;
    this.nextSequence = sequence + 1;
    buffer.start = start + HEADER_BYTES + size;
    return Frame.Message;
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

export class SequencedWriter implements FrameWriter {
  readonly framing = Framing.Sequenced;
  readonly headerBytes = HEADER_BYTES;
  nextSequence = 1;

  header(view: DataView, at: number, _messageBytes: number): number {
    const sequence = this.nextSequence;
    SequenceHeader.setSequence(view, at, sequence >>> 0, (sequence / TWO_32) >>> 0);
    this.nextSequence = sequence + 1;
    return at + HEADER_BYTES;
  }

  reset(): void {
    this.nextSequence = 1;
  }
}
