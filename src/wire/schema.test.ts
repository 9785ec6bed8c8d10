import assert from 'node:assert/strict';
import { test } from 'node:test';
import { outdated } from '../../tools/generate.ts';
import { CODES, LAYOUTS, checkLayout, fieldOf, layoutOf } from './schema.ts';
import type { Layout } from './schema.ts';

/** The tables of the specification, as they are written there: name@offset:type. */
const SPECIFIED: Readonly<Record<string, readonly [bytes: number, fields: string]>> = {
  ClientRequest: [
    30,
    'type@0:u8 client@1:u32 ticker@5:u32 order@9:u64 side@17:i8 price@18:i64 qty@26:u32',
  ],
  ClientRequestExtended: [
    54,
    'type@0:u8 client@1:u32 ticker@5:u32 order@9:u64 side@17:i8 price@18:i64 qty@26:u32 ' +
      'orderType@30:u8 tif@31:u8 flags@32:u8 stp@33:u8 display@34:u32 minQty@38:u32 stopPrice@42:i64 owner@50:u32',
  ],
  ClientResponse: [
    42,
    'type@0:u8 client@1:u32 ticker@5:u32 clientOrder@9:u64 marketOrder@17:u64 side@25:i8 ' +
      'price@26:i64 execQty@34:u32 leavesQty@38:u32',
  ],
  MarketUpdate: [
    34,
    'type@0:u8 ticker@1:u32 order@5:u64 side@13:i8 price@14:i64 qty@22:u32 priority@26:u64',
  ],
  SequenceHeader: [8, 'sequence@0:u64'],
  BookUpdate: [
    42,
    'sequence@0:u64 type@8:u8 order@9:u64 ticker@17:u32 side@21:i8 price@22:i64 qty@30:u32 priority@34:u64',
  ],
  MarketData: [
    40,
    'symbol@0:u16 type@2:u8 side@3:u8 price@4:u64 volume@12:u64 timestamp@20:u64 sequence@28:u64 ' +
      'reserved@36:4',
  ],
  SoupHeader: [3, 'length@0:u16 type@2:1'],
  SoupLoginRequest30: [
    49,
    'length@0:u16 type@2:1 user@3:6 password@9:10 session@19:10 nextSequence@29:20',
  ],
  SoupLoginRequest: [
    54,
    'length@0:u16 type@2:1 user@3:6 password@9:10 session@19:10 nextSequence@29:20 heartbeatMs@49:5',
  ],
  SoupLoginAccepted: [33, 'length@0:u16 type@2:1 session@3:10 nextSequence@13:20'],
  SoupLoginRejected: [4, 'length@0:u16 type@2:1 code@3:1'],
  SoupChallenge: [20, 'length@0:u16 type@2:1 kind@3:1 nonce@4:16'],
  SoupSignature: [52, 'length@0:u16 type@2:1 kind@3:1 keyId@4:8 time@12:u64 signature@20:32'],
  SoupSignedText: [38, 'nonce@0:16 user@16:6 time@22:u64 nextSequence@30:u64'],
  MoldHeader: [20, 'session@0:10 sequence@10:u64 count@18:u16'],
  MoldBlock: [2, 'length@0:u16'],
};

test('every packed layout is the specified one', () => {
  const packed = LAYOUTS.filter((layout) => layout.family !== 'core_records');
  assert.deepEqual(
    packed.map((layout) => layout.name).toSorted(),
    Object.keys(SPECIFIED).toSorted(),
  );
  for (const layout of packed) {
    const [bytes, fields] = SPECIFIED[layout.name];
    const asWritten = layout.fields.map(({ name, offset, type, width }) => {
      const integer = /^[iu]\d/.test(type);
      return `${name}@${offset}:${integer ? type : width}`;
    });
    assert.equal(layout.bytes, bytes, layout.name);
    assert.equal(asWritten.join(' '), fields, layout.name);
    const big = layout.family === 'soup' || layout.family === 'mold_udp64';
    assert.equal(layout.endian, big ? 'big' : 'little', layout.name);
  }
});

test('names of layouts and numbers of codes are unique', () => {
  assert.equal(new Set(LAYOUTS.map((layout) => layout.name)).size, LAYOUTS.length);
  for (const codes of CODES) {
    assert.equal(new Set(codes.values.map(([name]) => name)).size, codes.values.length, codes.name);
    assert.equal(
      new Set(codes.values.map(([, value]) => value)).size,
      codes.values.length,
      codes.name,
    );
  }
});

/** A planted mistake, and what the check says about it. */
function planted(
  change: (fields: { offset: number; width: number }[]) => void,
  bytes: number,
  aligned = false,
): Layout {
  const original = layoutOf('ClientRequest');
  const fields = original.fields.map((field) => ({ ...field }));
  change(fields);
  return { ...original, bytes, aligned, fields };
}

test('a size that is not the sum of the fields is refused (mistake 28: stride 40 over 36 bytes)', () => {
  assert.throws(
    () => checkLayout(planted(() => undefined, 32)),
    /ClientRequest: expected 32 bytes, its fields take 30/,
  );
});

test('a gap, an overlap, a repeated name and a misaligned field are refused', () => {
  assert.throws(
    () =>
      checkLayout(
        planted((fields) => {
          fields[3].offset = 12;
        }, 30),
      ),
    /ClientRequest.order: expected offset 9, was 12/,
  );
  assert.throws(
    () =>
      checkLayout(
        planted((fields) => {
          fields[3].offset = 8;
        }, 30),
      ),
    /expected offset 9, was 8/,
  );
  assert.throws(
    () =>
      checkLayout(
        planted((fields) => {
          fields[1].width = 8;
        }, 30),
      ),
    /ClientRequest.ticker: expected offset 9, was 5/,
  );
  assert.throws(
    () =>
      checkLayout(
        planted((fields) => {
          fields[1] = { ...fields[0], offset: 1 };
        }, 30),
      ),
    /expected one field of this name/,
  );
  assert.throws(
    () => checkLayout(planted(() => undefined, 30, true)),
    /ClientRequest.client: expected a multiple of 4 as offset, was 1/,
  );
});

test('an unknown layout or field is named in the message', () => {
  assert.throws(() => layoutOf('Nothing'), /was Nothing/);
  assert.throws(
    () => fieldOf(layoutOf('MoldBlock'), 'size'),
    /field of MoldBlock: expected one of length, was size/,
  );
});

test('generated files are those of the schema', () => {
  assert.deepEqual(outdated(), [], 'run `npm run generate`');
});
