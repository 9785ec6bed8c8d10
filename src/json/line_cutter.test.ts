import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Prng } from '../base/prng.ts';
import { ReceiveBuffer } from '../wire/framing/receive_buffer.ts';
import { Line, LineCutter } from './line_cutter.ts';

const TEXT = 'one\n\ntwo\r\n{"x":"\\n"}\nlast without an end';
const LINES = ['one', '', 'two\r', '{"x":"\\n"}'];

/** Lines of `text`, received in pieces of the lengths that `piece` gives. */
function cut(text: string, piece: () => number, buffer = new ReceiveBuffer(8, 64), cutter = new LineCutter(40)): string[] {
  const bytes = new TextEncoder().encode(text);
  const lines: string[] = [];
  for (let at = 0; at < bytes.length; ) {
    const length = Math.min(piece(), buffer.room(), bytes.length - at);
    assert.ok(length > 0, 'there is room for whatever may come');
    buffer.bytes.set(bytes.subarray(at, at + length), buffer.end);
    buffer.received(length);
    at += length;
    let line: number;
    while ((line = cutter.next(buffer)) === Line.Whole) {
      lines.push(Buffer.from(buffer.bytes.subarray(cutter.start, cutter.end)).toString());
    }
    assert.equal(line, Line.Incomplete);
  }
  return lines;
}

test('lines are the same at every cut: byte by byte, in random pieces, all at once', () => {
  assert.deepEqual(cut(TEXT, () => 1), LINES);
  assert.deepEqual(cut(TEXT, () => 1_000), LINES);
  const prng = new Prng(3);
  const many = Array.from({ length: 500 }, () => 'x'.repeat(prng.below(41)));
  for (let i = 0; i < 20; i++) assert.deepEqual(cut(`${many.join('\n')}\n`, () => prng.between(1, 30)), many);
});

test('a newline of an earlier read, behind the end, is none', () => {
  const buffer = new ReceiveBuffer(64, 64);
  buffer.bytes.fill(0x0a);
  buffer.bytes.set([0x41, 0x42], 0);
  buffer.received(2);
  assert.equal(new LineCutter(40).next(buffer), Line.Incomplete);
});

test('a line that is too long is said at once, also without its end', () => {
  for (const [length, expected] of [[40, Line.Whole], [41, Line.TooLong]] as const) {
    const buffer = new ReceiveBuffer(64, 64);
    buffer.bytes.fill(0x61).set([0x0a], length);
    buffer.received(length + 1);
    assert.equal(new LineCutter(40).next(buffer), expected);
  }
  const endless = new ReceiveBuffer(64, 64);
  endless.bytes.fill(0x61);
  endless.received(41);
  assert.equal(new LineCutter(40).next(endless), Line.TooLong);
});
