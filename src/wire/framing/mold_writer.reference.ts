// A writer of MoldUDP64 for tests, one datagram at a time: what the exchange packs in its own way
// (exchange/feed_channel.ts), in the plain one.
import { assert } from '../../base/assert.ts';
import {
  MOLD_COUNT_END,
  MOLD_COUNT_HEARTBEAT,
  MoldBlock,
  MoldHeader,
} from '../generated/mold_udp64.ts';
import { DATAGRAM_PAYLOAD_BYTES_MAX, MOLD_HEADER_BYTES, MOLD_SESSION_BYTES } from './mold_udp64.ts';

const BLOCK_BYTES = MoldBlock.bytes;
const COUNT_MAX = MOLD_COUNT_END - 1;
const TWO_32 = 0x1_0000_0000;

/** Packs messages into one datagram at a time. */
export class MoldWriter {
  /** The datagram: send bytes[0 … length) after `finish`, `heartbeat` or `endOfSession`. */
  readonly bytes: Uint8Array;
  readonly view: DataView;
  /** Number of the first message of the datagram. */
  sequence = 1;
  /** Messages in the datagram. */
  count = 0;
  /** Bytes so far. */
  length: number = MOLD_HEADER_BYTES;

  /** `session`: at most 10 ASCII characters, padded on the right. */
  constructor(session: string, datagramBytesMax: number = DATAGRAM_PAYLOAD_BYTES_MAX) {
    assert(
      datagramBytesMax > MOLD_HEADER_BYTES + BLOCK_BYTES,
      'a datagram has room for a header and a message',
    );
    assert(session.length <= MOLD_SESSION_BYTES, 'a session name has at most 10 characters');
    this.bytes = new Uint8Array(datagramBytesMax);
    this.view = new DataView(this.bytes.buffer);
    this.setSession(session);
  }

  /** Names the session of the datagrams to come. */
  setSession(session: string): void {
    MoldHeader.setSession(this.view, 0, session);
  }

  /** Number of the next message to be put in. */
  get nextSequence(): number {
    return this.sequence + this.count;
  }

  /** An empty datagram whose first message has this number. */
  begin(sequence: number): void {
    this.sequence = sequence;
    this.count = 0;
    this.length = MOLD_HEADER_BYTES;
  }

  /**
   * Takes room for a message and returns where to write it; −1: the datagram is full, finish and
   * send it first.
   */
  claim(messageBytes: number): number {
    const at = this.length;
    const end = at + BLOCK_BYTES + messageBytes;
    if (end > this.bytes.length || this.count === COUNT_MAX) return -1;
    MoldBlock.setLength(this.view, at, messageBytes);
    this.length = end;
    this.count++;
    return at + BLOCK_BYTES;
  }

  /**
   * Writes the header; returns the datagram's bytes. An empty one is a heartbeat. Then
   * `begin(nextSequence)`.
   */
  finish(): number {
    this.#header(this.sequence, this.count);
    return this.length;
  }

  /** A datagram without messages that says which one comes next. Only between datagrams. */
  heartbeat(): number {
    assert(this.count === 0, 'a heartbeat is written into an empty datagram');
    this.#header(this.sequence, MOLD_COUNT_HEARTBEAT);
    return MOLD_HEADER_BYTES;
  }

  /** Says that no message will come any more. Only between datagrams. */
  endOfSession(): number {
    assert(this.count === 0, 'the end of a session is written into an empty datagram');
    this.#header(this.sequence, MOLD_COUNT_END);
    return MOLD_HEADER_BYTES;
  }

  #header(sequence: number, count: number): void {
    MoldHeader.setSequence(this.view, 0, sequence >>> 0, (sequence / TWO_32) >>> 0);
    MoldHeader.setCount(this.view, 0, count);
  }
}
