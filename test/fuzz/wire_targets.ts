// Codecs and framings: any bytes are read without a throw, what was read writes itself again, and a
// stream says the same however it is cut.
import assert from 'node:assert/strict';
import type { Prng } from '../../src/base/prng.ts';
import { checkDatagram, checkStream } from '../../src/wire/framing/framing.fuzz.ts';
import { Framing } from '../../src/wire/framing/frame.ts';
import type { Direction } from '../../src/wire/framing/frame.ts';
import * as bookFeed from '../../src/wire/generated/book_feed.ts';
import * as marketData from '../../src/wire/generated/market_data.ts';
import * as mold from '../../src/wire/generated/mold_udp64.ts';
import * as native from '../../src/wire/generated/native.ts';
import * as soup from '../../src/wire/generated/soup.ts';
import { LAYOUTS } from '../../src/wire/schema.ts';
import { moldDatagram, nativeUpdate, requestFrame, responseFrame, SERVER_PACKETS, soupFrame, soupLogin } from './messages.ts';
import { type Frame, joined, randomFrame } from './mutator.ts';
import type { ByteTarget, Fed } from './target.ts';

interface Codec {
  readonly bytes: number;
  read(view: DataView, at: number): Record<string, unknown>;
  write(view: DataView, at: number, fields: Record<string, unknown>): void;
}

const CODECS: readonly Codec[] = [native, bookFeed, marketData, soup, mold].flatMap((module) =>
  Object.values(module).filter((one): one is Codec => typeof one === 'object' && 'read' in one && 'write' in one),
);
const WIRE_LAYOUTS = LAYOUTS.filter(({ family }) => family !== 'core_records');
/** Bytes around a message, which no codec may touch. */
const MARGIN = 16;
const NOISE = 0xa5;

/** Every codec over the same bytes: what it reads, it writes, and then reads the same. */
function checkCodecs(bytes: Uint8Array): void {
  for (const codec of CODECS) {
    const from = new Uint8Array(codec.bytes);
    from.set(bytes.subarray(0, codec.bytes));
    const fields = codec.read(new DataView(from.buffer), 0);
    const into = new Uint8Array(codec.bytes + 2 * MARGIN).fill(NOISE);
    codec.write(new DataView(into.buffer), MARGIN, fields);
    assert.ok(into.subarray(0, MARGIN).every((byte) => byte === NOISE), 'nothing is written before a message');
    assert.ok(into.subarray(MARGIN + codec.bytes).every((byte) => byte === NOISE), 'nor behind it');
    assert.deepEqual(codec.read(new DataView(into.buffer), MARGIN), fields);
  }
}

const NOTHING = { check: (): void => {}, close: (): void => {} };

export const CODEC_TARGET: ByteTarget = {
  name: 'codecs',
  kind: 'bytes',
  valid: (prng) => [randomFrame(prng, [WIRE_LAYOUTS[prng.below(WIRE_LAYOUTS.length)]])],
  open: (): Fed<Frame> => ({ ...NOTHING, take: (frames) => checkCodecs(joined(frames).bytes) }),
};

const FRAMINGS: readonly Framing[] = [Framing.Bare, Framing.Sequenced, Framing.Soup];

/** Both directions of a framing in one input: each decoder has to cope with the other's packets too. */
function streamOf(prng: Prng): Frame[] {
  const framing = FRAMINGS[prng.below(FRAMINGS.length)];
  const requests = prng.chance(0.5);
  const count = prng.between(1, 10);
  const messages = Array.from({ length: count }, (_, i) =>
    requests ? requestFrame(prng, framing, i + 1) : responseFrame(prng, framing, i + 1));
  if (framing !== Framing.Soup) return messages;
  if (requests) return [soupLogin(prng, '5'), ...messages, soupFrame('R'), soupFrame('O')];
  return [soupFrame(SERVER_PACKETS[prng.below(SERVER_PACKETS.length)]), ...messages];
}

export const FRAMING_TARGET: ByteTarget = {
  name: 'framings',
  kind: 'bytes',
  valid: streamOf,
  open: (): Fed<Frame> => ({
    ...NOTHING,
    take: (frames, prng) => {
      const { bytes } = joined(frames);
      for (const framing of FRAMINGS)
        for (const direction of ['requests', 'responses'] satisfies Direction[]) checkStream(framing, direction, bytes, prng);
    },
  }),
};

export const DATAGRAM_TARGET: ByteTarget = {
  name: 'datagrams',
  kind: 'bytes',
  valid: (prng) => [moldDatagram(prng, 'SESSION  1', prng.between(1, 1_000), Array.from({ length: prng.below(6) }, () => nativeUpdate(prng)))],
  open: (): Fed<Frame> => ({
    ...NOTHING,
    take: (frames) => {
      for (const { bytes } of frames) checkDatagram(bytes);
    },
  }),
};
