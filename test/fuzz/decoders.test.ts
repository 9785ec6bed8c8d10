// Every decoder against mutated inputs (decoders.fuzz.ts); OUTCRY_DECODER_FUZZ sets how many for each,
// OUTCRY_DECODER_SEED the first. What is wrong on purpose must be noticed: planted mistakes at the end.
import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { after, describe, test } from 'node:test';
import { Prng } from '../../src/base/prng.ts';
import { CLIENT_REQUEST, LAYOUTS, SOUP_HEADER } from '../../src/wire/schema.ts';
import { byteCorpus, lineCorpus } from './corpus.ts';
import { TARGETS, Watch } from './decoders.fuzz.ts';
import { request, soupFrame } from './messages.ts';
import {
  edgeValue, type Frame, FRAME_MUTATION_NAMES, joined, LINE_MUTATION_NAMES, mutateFrames, mutateLines, piecesOf, randomFrame,
  readField, writeField,
} from './mutator.ts';
import { type ByteTarget, fuzz } from './target.ts';

const INPUTS = Number(process.env['OUTCRY_DECODER_FUZZ'] ?? 120);
const SEED = Number(process.env['OUTCRY_DECODER_SEED'] ?? 1);

describe('decoders', () => {
  const watch = new Watch();
  after(() => watch.close());
  for (const target of TARGETS) {
    test(`${target.name}: ${INPUTS} inputs with mistakes`, async (t) => {
      const figures = await watch.fuzz(target, INPUTS, SEED);
      t.diagnostic(`${target.name}: ${figures.inputs} inputs, ${figures.corpus} of the corpus, ${figures.bytes} bytes`);
      assert.ok(figures.inputs >= INPUTS * (target.share ?? 1));
    });
  }

  test('every file of the corpus belongs to a decoder and has inputs', () => {
    const names = new Map(TARGETS.map((target) => [target.name, target.kind]));
    for (const file of readdirSync(new URL('corpus', import.meta.url))) {
      const name = file.replace(/\.txt$/, '');
      const kind = names.get(name);
      assert.ok(kind !== undefined, `corpus/${file} belongs to no decoder`);
      assert.ok((kind === 'bytes' ? byteCorpus(name) : lineCorpus(name)).length > 0, file);
    }
  });
});

describe('the mutator', () => {
  test('fields are written and read in their layout, whatever the value', () => {
    const prng = new Prng(3);
    for (const layout of LAYOUTS) {
      const frame = randomFrame(prng, [layout]);
      assert.equal(frame.bytes.length, layout.bytes);
      const [part] = frame.parts;
      for (const field of layout.fields) {
        if (!['u8', 'u16', 'u32', 'u64', 'i8', 'i32', 'i64', 'char'].includes(field.type)) continue;
        for (let i = 0; i < 50; i++) {
          const value = edgeValue(prng, field, readField(frame, part, field));
          writeField(frame, part, field, value);
          const bits = field.width * 8;
          assert.equal(BigInt.asUintN(bits, readField(frame, part, field)), BigInt.asUintN(bits, value), `${layout.name}.${field.name}`);
        }
      }
    }
    const frame = randomFrame(prng, [CLIENT_REQUEST], { client: () => 0x0102_0304n, side: () => -1n });
    assert.deepEqual([...frame.bytes.subarray(1, 5)], [4, 3, 2, 1], 'little-endian');
    assert.equal(readField(frame, frame.parts[0], CLIENT_REQUEST.fields[4]), -1n);
    assert.deepEqual([...randomFrame(prng, [SOUP_HEADER], { length: () => 0x0102n }).bytes.subarray(0, 2)], [1, 2], 'big-endian');
  });

  test('a seed gives the same again; every mutation comes; most change something', () => {
    const seen = new Set<string>();
    let changed = 0;
    for (let seed = 1; seed <= 500; seed++) {
      const make = () => {
        const prng = new Prng(seed);
        return mutateFrames(prng, Array.from({ length: 4 }, () => soupFrame('U', request(prng))));
      };
      const valid = new Prng(seed);
      const { bytes: before } = joined(Array.from({ length: 4 }, () => soupFrame('U', request(valid))));
      const { done, frames } = make();
      assert.deepEqual(make().frames, frames);
      for (const name of done) seen.add(name);
      if (!Buffer.from(joined(frames).bytes).equals(before)) changed++;
      const pieces = piecesOf(new Prng(seed), frames);
      assert.deepEqual(Buffer.concat(pieces), Buffer.from(joined(frames).bytes), 'pieces are the stream');
    }
    assert.deepEqual([...seen].toSorted(), FRAME_MUTATION_NAMES.toSorted());
    assert.ok(changed > 350, `${changed} of 500`);
  });

  test('lines: every mutation comes', () => {
    const seen = new Set<string>();
    for (let seed = 1; seed <= 500; seed++)
      for (const name of mutateLines(new Prng(seed), ['port = 1', '{"op":"new","id":7}']).done) seen.add(name);
    assert.deepEqual([...seen].toSorted(), LINE_MUTATION_NAMES.toSorted());
  });
});

// ── planted ──────────────────────────────────────────────────────────────────────────────────────

/** A decoder of request packets that believes what it is told, in one way each. */
function believing(take: (bytes: Uint8Array) => void): ByteTarget {
  return {
    name: 'planted', kind: 'bytes', valid: (prng) => [soupFrame('U', request(prng)), soupFrame('U', request(prng))],
    open: () => ({ take: (frames: readonly Frame[]) => take(joined(frames).bytes), check: () => {}, close: () => {} }),
  };
}

const PLANTED: readonly (readonly [string, (bytes: Uint8Array) => void, RegExp])[] = [
  ['a length that is not compared with the bytes there', (bytes) => {
    const view = new DataView(bytes.buffer);
    for (let at = 0; at + 2 < bytes.length; at += 2 + view.getUint16(at)) view.getUint8(at + 1 + view.getUint16(at));
  }, /RangeError: Offset is outside/],
  ['a type taken as an index', (bytes) => {
    const sizes: readonly (readonly number[])[] = [[], [30], [30], [54], [30], [30]];
    if (bytes.length > 3) assert.ok(sizes[bytes[3]][0] !== undefined || bytes[3] === 0);
  }, /TypeError/],
  ['a buffer as large as the message says', (bytes) => {
    if (bytes.length > 30) kept.push(new Uint8Array(new DataView(bytes.buffer).getUint32(29, true) % (1 << 29)));
  }, /buffers take \d+ bytes|Array buffer allocation/],
];
const kept: Uint8Array[] = [];

describe('planted mistakes are noticed', () => {
  for (const [name, take, message] of PLANTED) {
    test(name, async () => {
      await assert.rejects(fuzz(believing(take), 400, 1), (error: Error) => {
        assert.match(error.message, message);
        assert.match(error.message, /again: node bin\/node26\.mjs test\/fuzz\/decoders\.fuzz\.ts planted 40 \d+/);
        return true;
      });
      kept.length = 0;
    });
  }
});
