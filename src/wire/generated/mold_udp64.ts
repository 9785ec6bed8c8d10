// Generated from src/wire/schema.ts by `npm run generate`. Do not edit.
//
// MoldUDP64 datagrams and requests. Big-endian.
// 64-bit fields are two unsigned halves (`priceLo`, `priceHi`, `setPrice(view, at, lo, hi)`): nothing is
// allocated. `priceBig` and `setPriceBig`, `read` and `write` are for cold code.

import { readText, writeTextLeft } from '../ascii.ts';

/** Counts that are none: a heartbeat, the end of the session. */
export const MOLD_COUNT_HEARTBEAT = 0;
export const MOLD_COUNT_END = 0xffff;

/** Fields of a MoldHeader as an object, for cold code. */
export interface MoldHeaderFields {
  session: string;
  sequence: bigint;
  count: number;
}

/** Begins every datagram of the feed; a retransmit request is this header alone. 20 bytes. */
export const MoldHeader = {
  bytes: 20,
  offset: {
    session: 0, sequence: 10, count: 18,
  },
  width: {
    session: 10,
  },

  /** name of the feed session, or of the snapshot cycle */
  session(view: DataView, at: number): string {
    return readText(view, at, 10);
  },
  setSession(view: DataView, at: number, value: string): void {
    writeTextLeft(view, at, 10, value);
  },

  /** number of the first message; heartbeat, end: of the next one; request: the first wanted */
  sequenceLo(view: DataView, at: number): number {
    return view.getUint32(at + 14, false);
  },
  sequenceHi(view: DataView, at: number): number {
    return view.getUint32(at + 10, false);
  },
  setSequence(view: DataView, at: number, lo: number, hi: number): void {
    view.setUint32(at + 14, lo, false);
    view.setUint32(at + 10, hi, false);
  },
  sequenceBig(view: DataView, at: number): bigint {
    return view.getBigUint64(at + 10, false);
  },
  setSequenceBig(view: DataView, at: number, value: bigint): void {
    view.setBigUint64(at + 10, value, false);
  },

  /** messages that follow; 0 = heartbeat, 0xFFFF = end of session; request: messages wanted */
  count(view: DataView, at: number): number {
    return view.getUint16(at + 18, false);
  },
  setCount(view: DataView, at: number, value: number): void {
    view.setUint16(at + 18, value, false);
  },

  read(view: DataView, at: number): MoldHeaderFields {
    return {
      session: MoldHeader.session(view, at),
      sequence: MoldHeader.sequenceBig(view, at),
      count: MoldHeader.count(view, at),
    };
  },
  write(view: DataView, at: number, fields: MoldHeaderFields): void {
    MoldHeader.setSession(view, at, fields.session);
    MoldHeader.setSequenceBig(view, at, fields.sequence);
    MoldHeader.setCount(view, at, fields.count);
  },
} as const;

/** Fields of a MoldBlock as an object, for cold code. */
export interface MoldBlockFields {
  length: number;
}

/** Stands before each message in a datagram. 2 bytes. */
export const MoldBlock = {
  bytes: 2,
  offset: {
    length: 0,
  },

  /** bytes of the message */
  length(view: DataView, at: number): number {
    return view.getUint16(at, false);
  },
  setLength(view: DataView, at: number, value: number): void {
    view.setUint16(at, value, false);
  },

  /** All fields at once. */
  encode(
    view: DataView, at: number,
    length: number,
  ): void {
    view.setUint16(at, length, false);
  },

  read(view: DataView, at: number): MoldBlockFields {
    return {
      length: MoldBlock.length(view, at),
    };
  },
  write(view: DataView, at: number, fields: MoldBlockFields): void {
    MoldBlock.setLength(view, at, fields.length);
  },
} as const;
