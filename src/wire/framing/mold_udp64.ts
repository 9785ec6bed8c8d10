// MoldUDP64: numbered messages in datagrams, whole ones only; the reader and the request. Datagrams are written where their
// messages are kept (exchange/feed_channel.ts), and for tests by mold_writer.reference.ts.
//
//   session@0:10 seq@10:u64be count@18:u16be │ len:u16be message │ len:u16be message │ …
//
// `seq` numbers the first message, the others follow. Count 0 is a heartbeat (seq = the next
// message to come), 0xFFFF the end of the session. A request has the same 20 bytes and asks for
// `count` messages from `seq`; the answer is a datagram like any other, with as many of them as
// fit.
//
// One lost datagram loses its messages and shifts nothing: a message never straddles two datagrams,
// and a reader takes a datagram only when its blocks fill it exactly.
//
// Limits: sequences are numbers below 2^53; a datagram holds at most 0xFFFE messages.
import {
  MOLD_COUNT_END,
  MOLD_COUNT_HEARTBEAT,
  MoldBlock,
  MoldHeader,
} from '../generated/mold_udp64.ts';

export const MOLD_HEADER_BYTES = MoldHeader.bytes;
/**
 * Ethernet's 1,500 less 20 (IP) and 8 (UDP): a larger datagram travels as fragments, and one lost
 * loses all.
 */
export const DATAGRAM_PAYLOAD_BYTES_MAX = 1_472;
export const MOLD_SESSION_BYTES = MoldHeader.width.session;
/** A request is a header without blocks. */
export const MOLD_REQUEST_BYTES = MoldHeader.bytes;

const BLOCK_BYTES = MoldBlock.bytes;
const COUNT_MAX = MOLD_COUNT_END - 1;
const TWO_32 = 0x1_0000_0000;
const HIGH_MAX = 0x20_0000;

/** Messages of one size that fit into a datagram. */
export function moldMessagesMax(
  messageBytes: number,
  datagramBytesMax: number = DATAGRAM_PAYLOAD_BYTES_MAX,
): number {
  return Math.min(
    COUNT_MAX,
    Math.floor((datagramBytesMax - MOLD_HEADER_BYTES) / (BLOCK_BYTES + messageBytes)),
  );
}

/** What `MoldReader.open` says about a datagram. */
export const MoldDatagram = {
  /**
   * Not MoldUDP64: shorter than a header, blocks that do not fill it exactly, a sequence beyond
   * 2^53.
   */
  Malformed: -1,
  /** No messages: `sequence` is the next one to come. */
  Heartbeat: 0,
  /** `count` messages from `sequence`; walk them with `next`. */
  Messages: 1,
  /** No messages, none to come: `sequence` is the one after the last. */
  EndOfSession: 2,
} as const;
export type MoldDatagram = (typeof MoldDatagram)[keyof typeof MoldDatagram];

/** Walks the messages of one received datagram. */
export class MoldReader {
  sequence = 0;
  count = 0;
  /** The message that `next` found. */
  offset = 0;
  length = 0;
  #view: DataView | null = null;
  #at = 0;
  #left = 0;

  /** Looks at the datagram view[at … at + bytes), which stays in place until the last `next`. */
  open(view: DataView, at: number, bytes: number): MoldDatagram {
    this.#left = this.count = 0;
    if (bytes < MOLD_HEADER_BYTES) return MoldDatagram.Malformed;
    const high = MoldHeader.sequenceHi(view, at);
    if (high >= HIGH_MAX) return MoldDatagram.Malformed;
    this.sequence = high * TWO_32 + MoldHeader.sequenceLo(view, at);
    const count = MoldHeader.count(view, at);
    if (count === MOLD_COUNT_HEARTBEAT || count === MOLD_COUNT_END) {
      if (bytes !== MOLD_HEADER_BYTES) return MoldDatagram.Malformed;
      return count === MOLD_COUNT_END ? MoldDatagram.EndOfSession : MoldDatagram.Heartbeat;
    }
    if (!blocksFill(view, at + MOLD_HEADER_BYTES, at + bytes, count)) return MoldDatagram.Malformed;
    this.#view = view;
    this.#at = at + MOLD_HEADER_BYTES;
    this.#left = this.count = count;
    return MoldDatagram.Messages;
  }

  /** True: a message stands at `offset` for `length`. Their numbers rise by one from `sequence`. */
  next(): boolean {
    const view = this.#view;
    if (this.#left === 0 || view === null) return false;
    this.#left--;
    const at = this.#at;
    this.length = MoldBlock.length(view, at);
    this.offset = at + BLOCK_BYTES;
    this.#at = this.offset + this.length;
    return true;
  }
}

/**
 * A request for `count` messages from `sequence` in the session named at sessionView[sessionAt …].
 * Returns 20.
 */
export function writeMoldRequest(
  view: DataView,
  at: number,
  sessionView: DataView,
  sessionAt: number,
  sequence: number,
  count: number,
): number {
  for (let i = 0; i < MOLD_SESSION_BYTES; i++)
    view.setUint8(at + i, sessionView.getUint8(sessionAt + i));
  MoldHeader.setSequence(view, at, sequence >>> 0, (sequence / TWO_32) >>> 0);
  MoldHeader.setCount(view, at, count);
  return MOLD_REQUEST_BYTES;
}

/** True when two datagrams or requests name the same session. */
export function sameMoldSession(a: DataView, aAt: number, b: DataView, bAt: number): boolean {
  for (let i = 0; i < MOLD_SESSION_BYTES; i++)
    if (a.getUint8(aAt + i) !== b.getUint8(bAt + i)) return false;
  return true;
}

/** Fields of a retransmit request. */
export class MoldRequest {
  sequence = 0;
  count = 0;

  /** False: not a request of 20 bytes for at least one message below 2^53. */
  read(view: DataView, at: number, bytes: number): boolean {
    if (bytes !== MOLD_REQUEST_BYTES) return false;
    const high = MoldHeader.sequenceHi(view, at);
    if (high >= HIGH_MAX) return false;
    this.sequence = high * TWO_32 + MoldHeader.sequenceLo(view, at);
    this.count = MoldHeader.count(view, at);
    return this.count > 0;
  }
}

function blocksFill(view: DataView, first: number, end: number, count: number): boolean {
  let at = first;
  for (let i = 0; i < count; i++) {
    if (at + BLOCK_BYTES > end) return false;
    at += BLOCK_BYTES + MoldBlock.length(view, at);
  }
  return at === end;
}
