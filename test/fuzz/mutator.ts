// What can go wrong with bytes that have a form, made on purpose and from a seed.
//
//   layouts of wire/schema.ts ─► randomFrame ─► frames that are valid ─► mutateFrames ─► bytes to send
//
// A frame is what belongs together (a packet, a datagram, a record of a stream) and knows which layouts
// stand where in it; so a mutation can aim at a field, a length, a type, instead of hoping to hit it.
// Mutations of one frame keep its neighbours whole: what comes behind a bad length matters as much as
// the length itself. Text has lines, and mutations of its own.
import type { Prng } from '../../src/base/prng.ts';
import { CODES, type Field, type Layout } from '../../src/wire/schema.ts';

/** A layout at a place of a frame. */
export interface Part {
  readonly layout: Layout;
  readonly at: number;
}

export interface Frame {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly parts: readonly Part[];
}

/** A field's value: of text and digits the text, of `reserved` nothing. */
export type Value = bigint | string;

/** Values of fields by name, where any value of the type would be refused at once. */
export type Plausible = Readonly<Record<string, (prng: Prng) => Value>>;

/** What was done, for messages, and the bytes. */
export interface Mutated<T> {
  readonly done: readonly string[];
  readonly frames: readonly T[];
}

/** Times that a frame is repeated at most. */
const REPEATS_MAX = 40;
const RANDOM_BYTES_MAX = 120;

// ── fields ───────────────────────────────────────────────────────────────────────────────────────

const SIGNED = new Set(['i8', 'i32', 'i64']);
const TEXT = new Set(['text', 'textRight', 'digits', 'hex', 'reserved']);

export function isNumber(field: Field): boolean {
  return !TEXT.has(field.type);
}

export function readField(frame: Frame, { layout, at }: Part, field: Field): bigint {
  let value = 0n;
  for (let i = 0; i < field.width; i++) {
    const index = layout.endian === 'big' ? i : field.width - 1 - i;
    value = (value << 8n) | BigInt(frame.bytes[at + field.offset + index]);
  }
  return SIGNED.has(field.type) ? BigInt.asIntN(field.width * 8, value) : value;
}

/** Numbers are cut to the field's width; text is filled up or cut, as its type has it. */
export function writeField(frame: Frame, { layout, at }: Part, field: Field, value: Value): void {
  const { bytes } = frame;
  const from = at + field.offset;
  if (typeof value === 'string') {
    const left = field.type === 'text' || field.type === 'hex' || field.type === 'reserved';
    const text = left ? value.padEnd(field.width) : value.padStart(field.width);
    for (let i = 0; i < field.width; i++) bytes[from + i] = text.charCodeAt(i);
    return;
  }
  let rest = BigInt.asUintN(field.width * 8, value);
  for (let i = 0; i < field.width; i++, rest >>= 8n) {
    bytes[from + (layout.endian === 'big' ? field.width - 1 - i : i)] = Number(rest & 0xffn);
  }
}

/** A value of some edge: of its type, of what the next type down holds, of doubles, or beside `was`. */
export function edgeValue(prng: Prng, field: Field, was: bigint): bigint {
  const bits = BigInt(Math.min(field.width, 8) * 8);
  const edges = [
    0n, 1n, -1n, 1n << (bits - 1n), (1n << (bits - 1n)) - 1n, (1n << bits) - 1n, (1n << bits) - 2n,
    0x7fn, 0xffn, 0x100n, 0x7fff_ffffn, 0x8000_0000n, 0xffff_ffffn, 0x1_0000_0000n,
    (1n << 53n) - 1n, 1n << 53n, (1n << 53n) + 1n, 0x7fff_ffff_ffff_ffffn,
    was - 1n, was + 1n, -was, was ^ (1n << BigInt(prng.below(field.width * 8))),
    BigInt(prng.u32()), (BigInt(prng.u32()) << 32n) | BigInt(prng.u32()),
  ];
  return edges[prng.below(edges.length)];
}

/** A code that the schema knows for fields of this name, else any value. */
function ordinaryValue(prng: Prng, { layout }: Part, field: Field): Value {
  const codes = CODES.filter(({ family, name }) => family === layout.family && field.doc.includes(name));
  if (field.type === 'digits') return String(prng.below(1_000));
  if (!isNumber(field)) return Array.from({ length: prng.below(field.width + 1) }, () => letter(prng)).join('');
  if (codes.length === 0) return BigInt(prng.below(1_000));
  const { values } = codes[prng.below(codes.length)];
  return BigInt(values[prng.below(values.length)][1]);
}

function letter(prng: Prng): string {
  return String.fromCharCode(prng.between(0x20, 0x7e));
}

// ── frames ───────────────────────────────────────────────────────────────────────────────────────

/** Layouts one behind the other, each field with some value of `plausible` or of its kind. */
export function randomFrame(prng: Prng, layouts: readonly Layout[], plausible: Plausible = {}): Frame {
  const parts: Part[] = [];
  let end = 0;
  for (const layout of layouts) {
    parts.push({ layout, at: end });
    end += layout.bytes;
  }
  const frame: Frame = { bytes: new Uint8Array(end), parts };
  for (const part of parts) {
    for (const field of part.layout.fields) {
      const value = plausible[field.name]?.(prng) ?? ordinaryValue(prng, part, field);
      if (field.type !== 'reserved') writeField(frame, part, field, value);
    }
  }
  return frame;
}

/** Frames one behind the other as one. */
export function joined(frames: readonly Frame[]): Frame {
  const bytes = new Uint8Array(frames.reduce((sum, frame) => sum + frame.bytes.length, 0));
  const parts: Part[] = [];
  let end = 0;
  for (const frame of frames) {
    bytes.set(frame.bytes, end);
    for (const { layout, at } of frame.parts) parts.push({ layout, at: at + end });
    end += frame.bytes.length;
  }
  return { bytes, parts };
}

/** Bytes without a known form. */
export function plainFrame(bytes: Uint8Array): Frame {
  return { bytes: Uint8Array.from(bytes), parts: [] };
}

/** Sets one field by name wherever the frame has it. */
export function withField(frame: Frame, name: string, value: Value): Frame {
  const copy = { bytes: frame.bytes.slice(), parts: frame.parts };
  for (const part of frame.parts) {
    const field = part.layout.fields.find((one) => one.name === name);
    if (field !== undefined) writeField(copy, part, field, value);
  }
  return copy;
}

// ── mutations ────────────────────────────────────────────────────────────────────────────────────

type FrameMutation = (prng: Prng, frames: Frame[]) => void;

const pick = <T>(prng: Prng, list: readonly T[]): T => list[prng.below(list.length)];

/** A changed copy takes the place of one frame. */
function change(prng: Prng, frames: Frame[], how: (copy: Frame) => Frame | void): void {
  const index = prng.below(frames.length);
  const copy = { bytes: frames[index].bytes.slice(), parts: frames[index].parts };
  frames[index] = how(copy) ?? copy;
}

function setEdge(prng: Prng, frame: Frame, wanted: (field: Field) => boolean): void {
  const places = frame.parts.flatMap((part) => part.layout.fields.filter(wanted).map((field) => ({ part, field })));
  if (places.length === 0) return;
  const { part, field } = pick(prng, places);
  if (part.at + field.offset + field.width > frame.bytes.length) return;
  if (isNumber(field)) return writeField(frame, part, field, edgeValue(prng, field, readField(frame, part, field)));
  const texts = ['', ' ', '0', '-1', '1.5', '9'.repeat(field.width), 'A'.repeat(field.width), '\u0000'.repeat(field.width), 'ÿ', letter(prng)];
  writeField(frame, part, field, pick(prng, texts));
}

function randomBytes(prng: Prng, length: number): Uint8Array<ArrayBuffer> {
  return Uint8Array.from({ length }, () => prng.below(256));
}

function put(frame: Frame, at: number, removed: number, more: Uint8Array): Frame {
  const { bytes } = frame;
  const rest = bytes.subarray(Math.min(bytes.length, at + removed));
  const made = new Uint8Array(at + more.length + rest.length);
  made.set(bytes.subarray(0, at));
  made.set(more, at);
  made.set(rest, at + more.length);
  return { bytes: made, parts: frame.parts.filter((part) => part.at + part.layout.bytes <= made.length) };
}

export const FRAME_MUTATIONS: Readonly<Record<string, FrameMutation>> = {
  'a field at an edge': (prng, frames) => change(prng, frames, (copy) => setEdge(prng, copy, () => true)),
  'two fields at edges': (prng, frames) => change(prng, frames, (copy) => {
    setEdge(prng, copy, () => true);
    setEdge(prng, copy, () => true);
  }),
  'another type': (prng, frames) =>
    change(prng, frames, (copy) => setEdge(prng, copy, ({ name }) => name === 'type')),
  'a length or a count that lies': (prng, frames) =>
    change(prng, frames, (copy) => setEdge(prng, copy, ({ name }) => name === 'length' || name === 'count')),
  'another sequence': (prng, frames) =>
    change(prng, frames, (copy) => setEdge(prng, copy, ({ name }) => /sequence/i.test(name))),
  'a bit turned': (prng, frames) => change(prng, frames, ({ bytes }) => {
    if (bytes.length > 0) bytes[prng.below(bytes.length)] ^= 1 << prng.below(8);
  }),
  'some bytes changed': (prng, frames) => change(prng, frames, ({ bytes }) => {
    for (let i = prng.below(4); i >= 0 && bytes.length > 0; i--) bytes[prng.below(bytes.length)] = prng.below(256);
  }),
  'cut short': (prng, frames) =>
    change(prng, frames, (copy) => put(copy, prng.below(copy.bytes.length + 1), copy.bytes.length, new Uint8Array(0))),
  'bytes put in': (prng, frames) =>
    change(prng, frames, (copy) => put(copy, prng.below(copy.bytes.length + 1), 0, randomBytes(prng, prng.between(1, 9)))),
  'bytes taken out': (prng, frames) =>
    change(prng, frames, (copy) => put(copy, prng.below(copy.bytes.length + 1), prng.between(1, 9), new Uint8Array(0))),
  'a frame twice': (prng, frames) => {
    const index = prng.below(frames.length);
    frames.splice(index, 0, frames[index]);
  },
  'a frame many times': (prng, frames) => {
    const index = prng.below(frames.length);
    frames.splice(index, 0, ...Array.from({ length: prng.below(REPEATS_MAX) }, () => frames[index]));
  },
  'two frames that change places': (prng, frames) => {
    const [a, b] = [prng.below(frames.length), prng.below(frames.length)];
    [frames[a], frames[b]] = [frames[b], frames[a]];
  },
  'a frame that is missing': (prng, frames) => {
    if (frames.length > 1) frames.splice(prng.below(frames.length), 1);
  },
  "one frame's head on another's tail": (prng, frames) => {
    const other = pick(prng, frames).bytes;
    change(prng, frames, (copy) => {
      const at = prng.below(copy.bytes.length + 1);
      return put(copy, at, copy.bytes.length, other.subarray(prng.below(other.length + 1)));
    });
  },
  'a frame of random bytes': (prng, frames) => {
    frames.splice(prng.below(frames.length + 1), 0, plainFrame(randomBytes(prng, prng.below(RANDOM_BYTES_MAX))));
  },
};
export const FRAME_MUTATION_NAMES = Object.keys(FRAME_MUTATIONS);

/** One to three mutations, or now and then none: what is valid must stay so. */
export function mutateFrames(prng: Prng, frames: readonly Frame[]): Mutated<Frame> {
  const made = [...frames];
  const done: string[] = [];
  for (let left = prng.chance(0.1) ? 0 : prng.between(1, 3); left > 0 && made.length > 0; left--) {
    const name = pick(prng, FRAME_MUTATION_NAMES);
    FRAME_MUTATIONS[name](prng, made);
    done.push(name);
  }
  return { done, frames: made };
}

/** All frames as one stream, in pieces of random sizes. */
export function piecesOf(prng: Prng, frames: readonly Frame[]): Uint8Array[] {
  const { bytes } = joined(frames);
  const pieces: Uint8Array[] = [];
  const largest = pick(prng, [1, 7, 64, 1_500, bytes.length + 1]);
  for (let at = 0; at < bytes.length; ) {
    const length = Math.min(bytes.length - at, 1 + prng.below(largest));
    pieces.push(bytes.slice(at, at + length));
    at += length;
  }
  return pieces;
}

// ── text ─────────────────────────────────────────────────────────────────────────────────────────

const ODD_NUMBERS = [
  '0', '-0', '-1', '1', '1.5', '1e3', '1e400', '-1e400', '0x10', '00', '2147483647', '2147483648', '-2147483648', '4294967295',
  '4294967296', '9007199254740991', '9007199254740992', '9223372036854775807', '18446744073709551615',
  '18446744073709551616', '99999999999999999999999999', 'NaN', 'Infinity', 'null', 'true', '""', '[]', '{}',
];
const ODD_CHARACTERS = [
  '\u0000', '\u001b', '"', "'", '\\', '{', '}', '[', ']', ',', ':', '=', '#', '.', '-', '\t', '\r', '\n', ' ', '\ufeff', '\ud800', '\u2028', 'ü', '💥',
  '__proto__',
];
const NESTED = 2_000;
const LONG_CHARS = 70_000;

type LineMutation = (prng: Prng, lines: string[]) => void;

function changeLine(prng: Prng, lines: string[], how: (line: string) => string): void {
  const index = prng.below(lines.length);
  lines[index] = how(lines[index]);
}

export const LINE_MUTATIONS: Readonly<Record<string, LineMutation>> = {
  'a number at an edge': (prng, lines) => changeLine(prng, lines, (line) => {
    const numbers = [...line.matchAll(/-?\d+(\.\d+)?/g)];
    if (numbers.length === 0) return line;
    const { index, 0: text } = pick(prng, numbers);
    return line.slice(0, index) + pick(prng, ODD_NUMBERS) + line.slice(index + text.length);
  }),
  'a word for another': (prng, lines) => {
    const words = [...lines.join('\n').matchAll(/[\w-]+/g)].map(([word]) => word);
    if (words.length === 0) return;
    changeLine(prng, lines, (line) => {
      const found = [...line.matchAll(/[\w-]+/g)];
      if (found.length === 0) return line;
      const { index, 0: text } = pick(prng, found);
      return line.slice(0, index) + pick(prng, words) + line.slice(index + text.length);
    });
  },
  'a character put in': (prng, lines) => changeLine(prng, lines, (line) => {
    const at = prng.below(line.length + 1);
    return line.slice(0, at) + pick(prng, ODD_CHARACTERS) + line.slice(at);
  }),
  'characters taken out': (prng, lines) => changeLine(prng, lines, (line) => {
    const at = prng.below(line.length + 1);
    return line.slice(0, at) + line.slice(at + prng.between(1, 6));
  }),
  'cut short': (prng, lines) => changeLine(prng, lines, (line) => line.slice(0, prng.below(line.length + 1))),
  'a line twice': (prng, lines) => {
    const index = prng.below(lines.length);
    lines.splice(index, 0, lines[index]);
  },
  'a line that is missing': (prng, lines) => {
    if (lines.length > 1) lines.splice(prng.below(lines.length), 1);
  },
  'two lines that change places': (prng, lines) => {
    const [a, b] = [prng.below(lines.length), prng.below(lines.length)];
    [lines[a], lines[b]] = [lines[b], lines[a]];
  },
  'two lines as one': (prng, lines) => {
    if (lines.length < 2) return;
    const index = prng.below(lines.length - 1);
    lines.splice(index, 2, lines[index] + lines[index + 1]);
  },
  'nested deeply': (prng, lines) => changeLine(prng, lines, (line) => {
    const at = prng.below(line.length + 1);
    return line.slice(0, at) + pick(prng, ['[', '{', '{"a":', '(']).repeat(NESTED) + line.slice(at);
  }),
  'very long': (prng, lines) => {
    if (prng.chance(0.9)) return; // it is slow, and once is enough
    changeLine(prng, lines, (line) => {
      const at = prng.below(line.length + 1);
      return line.slice(0, at) + pick(prng, ['x', '9', ' ', ',']).repeat(LONG_CHARS) + line.slice(at);
    });
  },
};
export const LINE_MUTATION_NAMES = Object.keys(LINE_MUTATIONS);

export function mutateLines(prng: Prng, lines: readonly string[]): Mutated<string> {
  const made = [...lines];
  const done: string[] = [];
  for (let left = prng.chance(0.1) ? 0 : prng.between(1, 3); left > 0 && made.length > 0; left--) {
    const name = pick(prng, LINE_MUTATION_NAMES);
    LINE_MUTATIONS[name](prng, made);
    done.push(name);
  }
  return { done, frames: made };
}
