// One source of layouts, three places that use them without generated code: the core's records and
// numbers (read as text: AssemblyScript) and the engine's vocabulary in TypeScript.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import * as book from '../src/book/types.ts';
import {
  CODES,
  COMMAND_EXTENSION_RECORD,
  COMMAND_RECORD,
  EVENT_RECORD,
  NONE_VALUES,
} from '../src/wire/schema.ts';
import type { Layout } from '../src/wire/schema.ts';

const RECORDS = readFileSync(new URL('../core/records.ts', import.meta.url), 'utf8');
const CORE_CODES = readFileSync(new URL('../core/codes.ts', import.meta.url), 'utf8');
const WIDTH: Readonly<Record<string, number>> = {
  u8: 1,
  i8: 1,
  u16: 2,
  i16: 2,
  u32: 4,
  i32: 4,
  u64: 8,
  i64: 8,
};

interface CoreField {
  readonly name: string;
  readonly type: string;
  /** Where the compiler puts it: the next multiple of its width. */
  readonly offset: number;
  /** What the comment says. */
  readonly noted: number;
}

function coreClass(name: string): CoreField[] {
  const body = new RegExp(`class ${name} \\{([^}]*)\\}`).exec(RECORDS)?.[1];
  assert.ok(body !== undefined, `core/records.ts: expected a class ${name}`);
  const fields: CoreField[] = [];
  let end = 0;
  for (const line of body.split('\n')) {
    if (/^\s*(\/\/.*)?$/.test(line)) continue;
    const [, field, type, noted] = /^\s*(\w+): (\w+);\s*\/\/\s*@(\d+)/.exec(line) ?? [];
    assert.ok(noted !== undefined, `${name}: expected "field: type; // @offset", was "${line}"`);
    const offset = Math.ceil(end / WIDTH[type]) * WIDTH[type];
    fields.push({ name: field, type, offset, noted: Number(noted) });
    end = offset + WIDTH[type];
  }
  return fields;
}

function coreConstant(text: string, name: string): number {
  const value = new RegExp(`export const ${name}: \\w+ = (-?\\d+);`).exec(text)?.[1];
  assert.ok(value !== undefined, `expected a constant ${name}`);
  return Number(value);
}

function codesOf(name: string): Map<string, number> {
  const found = CODES.find((codes) => codes.name === name);
  assert.ok(found, name);
  return new Map(found.values.map(([word, value]) => [word, value]));
}

function upperSnake(name: string): string {
  return name.replace(/(?<=[a-z])(?=[A-Z])/g, '_').toUpperCase();
}

const PAIRS: readonly (readonly [Layout, string])[] = [
  [COMMAND_RECORD, 'Command'],
  [COMMAND_EXTENSION_RECORD, 'CommandExtension'],
  [EVENT_RECORD, 'Event'],
];

for (const [layout, name] of PAIRS) {
  test(`core/records.ts ${name} is the schema's`, () => {
    const fields = coreClass(name);
    for (const field of fields)
      assert.equal(field.noted, field.offset, `${name}.${field.name}: the comment`);
    assert.deepEqual(
      fields.map(({ name: field, type, offset }) => `${field}@${offset}:${type}`),
      layout.fields.map(
        ({ name: field, type, offset }) =>
          `${field}@${offset}:${type === 'reserved' ? 'u64' : type}`,
      ),
    );
  });
}

test('sizes of the records are the schema’s everywhere', () => {
  assert.equal(coreConstant(RECORDS, 'COMMAND_SIZE'), COMMAND_RECORD.bytes);
  assert.equal(coreConstant(RECORDS, 'EVENT_SIZE'), EVENT_RECORD.bytes);
  assert.equal(book.COMMAND.size, COMMAND_RECORD.bytes);
  assert.equal(book.COMMAND_EXTENSION.size, COMMAND_EXTENSION_RECORD.bytes);
  assert.equal(book.EVENT.size, EVENT_RECORD.bytes);
});

test('offsets in src/book/types.ts are the schema’s', () => {
  const tables = [
    [COMMAND_RECORD, book.COMMAND],
    [COMMAND_EXTENSION_RECORD, book.COMMAND_EXTENSION],
    [EVENT_RECORD, book.EVENT],
  ] as const;
  for (const [layout, table] of tables) {
    const expected = Object.fromEntries(
      layout.fields
        .filter((field) => field.type !== 'reserved')
        .map((field) => [field.name, field.offset]),
    );
    const { size: _size, ...offsets } = table;
    assert.deepEqual(offsets, expected, layout.name);
  }
});

test('order types, times in force, self-trade modes and sides mean the same on the wire and in the engine', () => {
  const pairs = [
    ['OrderType', book.OrderType, 'ORDER'],
    ['TimeInForce', book.Tif, 'TIF'],
    ['SelfTradePrevention', book.Stp, 'STP'],
  ] as const;
  for (const [name, values, prefix] of pairs) {
    const codes = codesOf(name);
    assert.deepEqual(Object.fromEntries(codes), { ...values }, name);
    for (const [word, value] of codes)
      assert.equal(coreConstant(CORE_CODES, `${prefix}_${upperSnake(word)}`), value, word);
  }
  assert.deepEqual(Object.fromEntries(codesOf('Side')), { ...book.Side });
  assert.equal(coreConstant(CORE_CODES, 'SIDE_BUY'), book.Side.Buy);
  assert.equal(coreConstant(CORE_CODES, 'SIDE_SELL'), book.Side.Sell);
  assert.equal(codesOf('OrderFlag').get('PostOnly'), book.CmdFlag.PostOnly);
});

test('reject codes are the same everywhere, and so are their words', () => {
  const codes = CODES.find((entry) => entry.name === 'RejectCode');
  assert.ok(codes);
  assert.deepEqual(Object.fromEntries(codes.values.map(([word, value]) => [word, value])), {
    ...book.Reason,
  });
  assert.deepEqual(Object.fromEntries(codes.values.map(([, value, doc]) => [value, doc])), {
    ...book.REASON_TEXT,
  });
  // The core names only those that it gives itself, two of them shorter.
  const numbers = new Set(codes.values.map(([, value]) => value));
  const given = [...CORE_CODES.matchAll(/export const REASON_(\w+): u8 = (\d+);/g)];
  assert.ok(given.length > 10);
  const shorter: Readonly<Record<string, string>> = {
    TICKER: 'UNKNOWN_TICKER',
    DUPLICATE: 'DUPLICATE_ID',
  };
  for (const [, name, value] of given) {
    assert.ok(numbers.has(Number(value)), name);
    const word: string = codes.values.find(([, number]) => number === Number(value))?.[0] ?? '';
    assert.equal(upperSnake(word), shorter[name] ?? name);
  }
});

test('commands, events, states and flags of src/book/types.ts are those of core/codes.ts', () => {
  const pairs = [
    [book.Cmd, 'CMD'],
    [book.State, 'STATE'],
    [book.Ev, 'EV'],
    [book.EvFlag, 'EVF'],
    [book.CmdFlag, 'FLAG'],
  ] as const;
  for (const [values, prefix] of pairs) {
    const names = Object.entries(values);
    for (const [word, value] of names)
      assert.equal(coreConstant(CORE_CODES, `${prefix}_${upperSnake(word)}`), value, word);
    const inCore = [...CORE_CODES.matchAll(new RegExp(`export const ${prefix}_\\w+:`, 'g'))];
    assert.equal(inCore.length, names.length, `${prefix}_*: none is missing in src/book/types.ts`);
  }
});

test('none values are the same on the wire and in the engine', () => {
  const wire = Object.fromEntries(NONE_VALUES.map(({ name, value }) => [name, value]));
  assert.equal(wire.PRICE_NONE, book.PRICE_NONE);
  assert.equal(wire.ORDER_NONE, book.ORDER_ID_NONE);
  assert.equal(wire.PRIORITY_NONE, book.PRIORITY_NONE);
  assert.equal(wire.QTY_NONE, BigInt(book.QTY_NONE));
  assert.equal(wire.CLIENT_NONE, BigInt(book.OWNER_NONE));
  assert.match(RECORDS, /OWNER_NONE: u32 = u32\.MAX_VALUE/);
});
