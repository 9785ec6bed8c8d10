// `bare`: native messages one after the other, nothing between them; the type byte decides the
// size.
//
//   requests:  type@0 1 2 4 5 → 30 bytes, 3 → 54      responses:  type@0 1 … 7 → 42 bytes
//
// An unknown type is a fault as soon as its byte is there: nothing says where the next message
// begins.
import {
  REQUEST_BYTES,
  REQUEST_BYTES_MAX,
  REQUEST_TYPE_MAX,
  RESPONSE_BYTES,
  RESPONSE_TYPE_MAX,
} from '../message_sizes.ts';
import { ClientResponse } from '../generated/native.ts';
import { Frame, FrameFault, Framing } from './frame.ts';
import type { Direction, FrameDecoder, FrameWriter } from './frame.ts';
import type { ReceiveBuffer } from './receive_buffer.ts';

export class BareDecoder implements FrameDecoder {
  readonly framing = Framing.Bare;
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
    this.frameBytesMax = requests ? REQUEST_BYTES_MAX : ClientResponse.bytes;
  }

  next(buffer: ReceiveBuffer): Frame {
    if (this.fault !== FrameFault.None) return Frame.Fault;
    const start = buffer.start;
    const pending = buffer.end - start;
    if (pending === 0) return Frame.Incomplete;
    const type = buffer.bytes[start];
    const size = this.#sizes[type];
    if (size === 0) {
      this.fault = FrameFault.MessageType;
      this.expected = this.#typeMax;
      this.actual = type;
      return Frame.Fault;
    }
    if (pending < size) return Frame.Incomplete;
    this.offset = start;
    this.length = size;
    this.nextSequence++;
    buffer.start = start + size;
    return Frame.Message;
  }

  reset(): void {
    this.fault = FrameFault.None;
    this.nextSequence = 1;
  }
}

export class BareWriter implements FrameWriter {
  readonly framing = Framing.Bare;
  readonly headerBytes = 0;
  nextSequence = 1;

  header(_view: DataView, at: number, _messageBytes: number): number {
    this.nextSequence++;
    return at;
  }

  reset(): void {
    this.nextSequence = 1;
  }
}
