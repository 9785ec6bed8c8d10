// Cuts received bytes into lines, wherever the reads have cut them.
//
//   while ((line = cutter.next(buffer)) === Line.Whole) …   // bytes[cutter.start … cutter.end) of the buffer
//
// A line ends with a newline, which is not handed out; a carriage return before it is white space to JSON. What has no
// newline yet stays in the buffer, looked through once. Cost: one search a line, no allocation. Limit: a line of
// `lineBytesMax`; a longer one is said as soon as it is known, and whoever sent it is not read any further.
import { assert } from '../base/assert.ts';
import type { ReceiveBuffer } from '../wire/framing/receive_buffer.ts';

export const Line = { Incomplete: 0, Whole: 1, TooLong: 2 } as const;
export type Line = (typeof Line)[keyof typeof Line];

const NEWLINE = 0x0a;

export class LineCutter {
  readonly lineBytesMax: number;
  /** The line found last. */
  start = 0;
  end = 0;
  /** Bytes behind the buffer's start that have no newline among them. */
  #searched = 0;

  constructor(lineBytesMax: number) {
    assert(lineBytesMax > 0, 'a line has at least a byte');
    this.lineBytesMax = lineBytesMax;
  }

  next(buffer: ReceiveBuffer): Line {
    const { bytes, start, end } = buffer;
    const found = bytes.indexOf(NEWLINE, start + this.#searched);
    // Behind `end` are bytes of earlier reads.
    if (found === -1 || found >= end) {
      this.#searched = end - start;
      return this.#searched > this.lineBytesMax ? Line.TooLong : Line.Incomplete;
    }
    this.#searched = 0;
    if (found - start > this.lineBytesMax) return Line.TooLong;
    this.start = start;
    this.end = found;
    buffer.start = found + 1;
    return Line.Whole;
  }
}
