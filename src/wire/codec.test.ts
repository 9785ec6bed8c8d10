import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import * as bookFeed from './generated/book_feed.ts';
import * as marketData from './generated/market_data.ts';
import * as mold from './generated/mold_udp64.ts';
import * as native from './generated/native.ts';
import * as soup from './generated/soup.ts';
import { bytesOfHex, hexOfBytes, readGolden } from './golden.ts';
import { LAYOUTS, NONE_VALUES, layoutOf } from './schema.ts';
import type { Field, Layout } from './schema.ts';

type Value = number | bigint | string;
type Fields = Record<string, Value>;
interface Codec {
  readonly bytes: number;
  readonly offset: Readonly<Record<string, number>>;
  read(view: DataView, at: number): Fields;
  write(view: DataView, at: number, fields: Fields): void;
}
type Accessor = (view: DataView, at: number, ...values: Value[]) => Value;

const MODULES: readonly Readonly<Record<string, unknown>>[] = [
  native,
  bookFeed,
  marketData,
  soup,
  mold,
];

function isCodec(value: unknown): value is Codec {
  return (
    typeof value === 'object' &&
    value !== null &&
    'bytes' in value &&
    'read' in value &&
    'write' in value
  );
}

function isAccessor(value: unknown): value is Accessor {
  return typeof value === 'function';
}

function codecOf(layout: Layout): Codec {
  const found = MODULES.find((module) => layout.name in module)?.[layout.name];
  if (isCodec(found)) return found;
  throw new Error(`expected a codec for ${layout.name}`);
}

function accessorOf(layout: Layout, name: string): Accessor {
  const found: unknown = Reflect.get(codecOf(layout), name);
  if (isAccessor(found)) return found;
  throw new Error(`expected a function ${layout.name}.${name}`);
}

const WIRE_LAYOUTS = LAYOUTS.filter((layout) => layout.family !== 'core_records');
const GOLDEN = readGolden();

function is64(field: Field): boolean {
  return field.type === 'u64' || field.type === 'i64';
}

function fieldsOf(layout: Layout, golden: Readonly<Record<string, number | string>>): Fields {
  const fields: Fields = {};
  for (const field of layout.fields) {
    if (field.type === 'reserved') continue;
    fields[field.name] = is64(field) ? BigInt(golden[field.name]) : golden[field.name];
  }
  assert.deepEqual(
    Object.keys(golden).toSorted(),
    Object.keys(fields).toSorted(),
    'the golden message names every field',
  );
  return fields;
}

/** A view in the middle of noise, and a check that the noise around the message is still there. */
function surrounded(bytes: number): {
  view: DataView;
  at: number;
  message: Uint8Array;
  intact: () => boolean;
} {
  const at = 5;
  const all = new Uint8Array(at + bytes + 7).fill(0xa5);
  return {
    view: new DataView(all.buffer),
    at,
    message: all.subarray(at, at + bytes),
    intact: () =>
      all.subarray(0, at).every((byte) => byte === 0xa5) &&
      all.subarray(at + bytes).every((byte) => byte === 0xa5),
  };
}

test('every wire layout has golden bytes', () => {
  const covered = new Set(GOLDEN.messages.map((message) => message.layout));
  for (const layout of WIRE_LAYOUTS) assert.ok(covered.has(layout.name), layout.name);
});

for (const message of GOLDEN.messages) {
  test(`golden ${message.layout}: ${message.name}`, () => {
    const layout = layoutOf(message.layout);
    const codec = codecOf(layout);
    const bytes = bytesOfHex(message.hex);
    const fields = fieldsOf(layout, message.fields);
    assert.equal(bytes.length, codec.bytes);
    assert.equal(codec.bytes, layout.bytes);
    assert.deepEqual(codec.read(new DataView(bytes.buffer), 0), fields);
    const target = surrounded(codec.bytes);
    codec.write(target.view, target.at, fields);
    assert.equal(hexOfBytes(target.message), hexOfBytes(bytes));
    assert.ok(target.intact());
  });
}

const SPACE_FREE = fc.string({
  unit: fc.integer({ min: 0x21, max: 0x7e }).map((code) => String.fromCharCode(code)),
  maxLength: 40,
});

function valueOf(field: Field): fc.Arbitrary<Value> {
  switch (field.type) {
    case 'u64':
      return fc.bigInt({ min: 0n, max: 2n ** 64n - 1n });
    case 'i64':
      return fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n });
    case 'text':
    case 'textRight':
      return SPACE_FREE.map((text) => text.slice(0, field.width));
    case 'hex':
      return fc.uint8Array({ minLength: field.width, maxLength: field.width }).map(hexOfBytes);
    case 'digits':
      return fc.integer({ min: 0, max: Math.min(10 ** field.width - 1, Number.MAX_SAFE_INTEGER) });
    default: {
      const bits = field.width * 8;
      const signed = field.type.startsWith('i');
      return fc.integer({
        min: signed ? -(2 ** (bits - 1)) : 0,
        max: signed ? 2 ** (bits - 1) - 1 : 2 ** bits - 1,
      });
    }
  }
}

/** Little-endian or big-endian bytes of an integer, by division: not how the codec does it. */
function integerBytes(value: bigint, width: number, little: boolean): number[] {
  const bytes: number[] = [];
  for (let i = 0; i < width; i++)
    bytes.push(Number((BigInt.asUintN(width * 8, value) >> BigInt(8 * i)) & 0xffn));
  return little ? bytes : bytes.toReversed();
}

for (const layout of WIRE_LAYOUTS) {
  const fields = layout.fields.filter((field) => field.type !== 'reserved');
  const messages = fc.record(
    Object.fromEntries(fields.map((field) => [field.name, valueOf(field)])),
    { noNullPrototype: true },
  ) as fc.Arbitrary<Fields>;

  test(`${layout.name}: whatever is written is read back, at its offset, and nothing else is touched`, () => {
    const codec = codecOf(layout);
    fc.assert(
      fc.property(messages, (message) => {
        const target = surrounded(layout.bytes);
        codec.write(target.view, target.at, message);
        assert.deepEqual(codec.read(target.view, target.at), message);
        assert.ok(target.intact());
        for (const field of fields) {
          assert.equal(codec.offset[field.name], field.offset);
          if (typeof message[field.name] === 'string' || field.type === 'digits') continue;
          const bytes = [...target.message.subarray(field.offset, field.offset + field.width)];
          assert.deepEqual(
            bytes,
            integerBytes(BigInt(message[field.name]), field.width, layout.endian === 'little'),
          );
        }
      }),
      { numRuns: 100 },
    );
  });

  test(`${layout.name}: halves, single fields and encode agree with the whole`, () => {
    const codec = codecOf(layout);
    fc.assert(
      fc.property(messages, (message) => {
        const whole = surrounded(layout.bytes);
        codec.write(whole.view, whole.at, message);
        const parts = surrounded(layout.bytes);
        parts.message.fill(0);
        const ordered: Value[] = [];
        for (const field of fields) {
          const value = message[field.name];
          const setter = accessorOf(
            layout,
            `set${field.name[0].toUpperCase()}${field.name.slice(1)}`,
          );
          if (!is64(field)) {
            setter(parts.view, parts.at, value);
            assert.equal(accessorOf(layout, field.name)(parts.view, parts.at), value);
            ordered.push(value);
            continue;
          }
          const pattern = BigInt.asUintN(64, BigInt(value));
          const lo = Number(pattern & 0xffff_ffffn);
          const hi = Number(pattern >> 32n);
          setter(parts.view, parts.at, lo, hi);
          assert.equal(accessorOf(layout, `${field.name}Lo`)(parts.view, parts.at), lo);
          assert.equal(accessorOf(layout, `${field.name}Hi`)(parts.view, parts.at), hi);
          assert.equal(accessorOf(layout, `${field.name}Big`)(parts.view, parts.at), value);
          ordered.push(lo, hi);
        }
        assert.equal(hexOfBytes(parts.message), hexOfBytes(whole.message));
        if (!('encode' in codec)) return;
        const encoded = surrounded(layout.bytes);
        accessorOf(layout, 'encode')(encoded.view, encoded.at, ...ordered);
        assert.equal(hexOfBytes(encoded.message), hexOfBytes(whole.message));
        assert.ok(encoded.intact());
      }),
      { numRuns: 50 },
    );
  });
}

test('halves of the none values are those of the schema', () => {
  const constants = new Map<string, unknown>(Object.entries(native));
  const constant = (name: string): bigint => BigInt(Number(constants.get(name)));
  for (const { name, value, bits } of NONE_VALUES) {
    const made =
      bits === 32 ? constant(name) : (constant(`${name}_HI`) << 32n) | constant(`${name}_LO`);
    assert.equal(made, value, name);
  }
});

test('a stride other than the size shifts every field (mistake 28)', () => {
  const { MarketUpdate } = native;
  const two = new Uint8Array(2 * MarketUpdate.bytes + 6);
  const view = new DataView(two.buffer);
  MarketUpdate.encode(view, 0, 1, 2, 3, 0, 1, 100, 0, 5, 7, 0);
  MarketUpdate.encode(view, MarketUpdate.bytes, 1, 2, 4, 0, 1, 101, 0, 6, 8, 0);
  assert.equal(MarketUpdate.orderLo(view, MarketUpdate.bytes), 4);
  assert.notEqual(MarketUpdate.orderLo(view, 40), 4, 'the wrong stride reads something else');
});
