// Choice of a framing: by configuration, or by the first byte of a connection.
import { REQUEST_TYPE_MAX } from '../message_sizes.ts';
import { BareDecoder, BareWriter } from './bare.ts';
import { Framing } from './frame.ts';
import type { Direction, FrameDecoder, FrameWriter } from './frame.ts';
import { SequencedDecoder, SequencedWriter } from './sequenced.ts';
import { SoupDecoder, SoupWriter } from './soup.ts';

/**
 * The framing that a client's first byte stands for, null for none: 0 is the high byte of a
 * SoupBinTCP packet length (a first packet is a log-in, below 256 bytes), 1 … 5 are the types of
 * native requests (`bare`). `sequenced` begins with a 1 too, so a listener has to be told about it.
 */
export function detectFraming(firstByte: number): Framing | null {
  if (firstByte === 0) return Framing.Soup;
  return firstByte <= REQUEST_TYPE_MAX ? Framing.Bare : null;
}

/** Reads one direction of a connection: an exchange reads 'requests', a client 'responses'. */
export function createFrameDecoder(framing: Framing, reads: Direction): FrameDecoder {
  if (framing === Framing.Bare) return new BareDecoder(reads);
  return framing === Framing.Sequenced ? new SequencedDecoder(reads) : new SoupDecoder(reads);
}

/** Writes one direction of a connection: an exchange writes 'responses', a client 'requests'. */
export function createFrameWriter(framing: Framing, writes: Direction): FrameWriter {
  if (framing === Framing.Bare) return new BareWriter();
  return framing === Framing.Sequenced ? new SequencedWriter() : new SoupWriter(writes);
}
