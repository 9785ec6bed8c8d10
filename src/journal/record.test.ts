// The bytes of a journal, one by one: whatever else changes, journals that exist must stay readable.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { Prng } from '../base/prng.ts';
import { CRC_START, crcBytes, crcOf, crcWord, crcWords } from './crc32c.ts';
import {
  checkLength,
  checkPlace,
  checkRecord,
  crcOfSalt,
  getUint53,
  RECORD,
  recordBytes,
  RecordFault,
  RecordFlag,
  sealRecord,
  setUint53,
  writeRecordHeader,
} from './record.ts';
import { JournalType, journalTypeName, journalTypeOf, journalTypes } from './record_types.ts';
import {
  checkSizes,
  decodeSegmentHeader,
  encodeSegmentHeader,
  previousCrcOf,
  SEGMENT,
  segmentHash,
  type SegmentHeader,
  segmentName,
  segmentNumberOf,
} from './segment.ts';

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

test('CRC-32C of "123456789" is e3069283', () => {
  const digits = new TextEncoder().encode('123456789');
  assert.equal(crcOf(crcBytes(CRC_START, digits, 0, 9)) >>> 0, 0xe3069283);
});

test('CRC-32C as iSCSI publishes it (RFC 3720, B.4)', () => {
  const of = (bytes: Uint8Array): number => crcOf(crcBytes(CRC_START, bytes, 0, bytes.length)) >>> 0;
  assert.equal(of(new Uint8Array(32)), 0x8a9136aa);
  assert.equal(of(new Uint8Array(32).fill(0xff)), 0x62a8ab43);
  assert.equal(of(Uint8Array.from({ length: 32 }, (_, i) => i)), 0x46dd794e);
  assert.equal(of(Uint8Array.from({ length: 32 }, (_, i) => 31 - i)), 0x113fdb5c);
});

test('bytes, words and pairs of words give one checksum, wherever they are cut', () => {
  const prng = new Prng(1);
  const words = Int32Array.from({ length: 64 }, () => prng.u32());
  const bytes = new Uint8Array(words.buffer);
  for (let round = 0; round < 200; round++) {
    const from = prng.below(32);
    const to = from + 2 * prng.below((65 - from) >> 1);
    const middle = from + 2 * prng.below(((to - from) >> 1) + 1);
    const whole = crcBytes(CRC_START, bytes, from * 4, to * 4);
    assert.equal(crcWords(CRC_START, words, from, to), whole);
    assert.equal(crcWords(crcWords(CRC_START, words, from, middle), words, middle, to), whole);
    let state = CRC_START;
    for (let i = from; i < to; i++) state = crcWord(state, words[i]);
    assert.equal(state, whole);
  }
  assert.throws(() => crcWords(CRC_START, words, 0, 3), /two at a time/);
});

test('integers up to 2^53 as two halves', () => {
  const view = new DataView(new ArrayBuffer(8));
  for (const value of [0, 1, 2 ** 32 - 1, 2 ** 32, 2 ** 32 + 1, 2 ** 53 - 1]) {
    setUint53(view, 0, value);
    assert.equal(view.getBigUint64(0, true), BigInt(value));
    assert.equal(getUint53(view, 0), value);
  }
});

const SALT = 0x0123_4567_89ab_cdefn;
const HEADER: SegmentHeader = {
  number: 3,
  firstSequence: 1000,
  salt: SALT,
  previousHash: 0x1111_2222_8333_4444n,
  configurationHash: 0x5555n,
  clusterId: 7n,
};
/** Checked once with another implementation of the checksum, bit by bit. */
const GOLDEN_HEADER =
  '4f55544352594a4c' + // magic
  '01000000' + // version
  '03000000' + // segment
  'e803000000000000' + // first sequence
  'efcdab8967452301' + // salt
  '4444338322221111' + // previous hash
  '5555000000000000' + // configuration
  '0700000000000000' + // cluster id
  '00000000' + // pad
  '2ee63956'; // crc32c

test('a segment header, byte by byte', () => {
  const bytes = new Uint8Array(64).fill(0xaa);
  encodeSegmentHeader(bytes, HEADER);
  assert.equal(hex(bytes), GOLDEN_HEADER);
  assert.deepEqual(decodeSegmentHeader(bytes), HEADER);
  assert.equal(previousCrcOf(HEADER), 0x8333_4444 | 0);
  assert.equal(segmentHash(0x1111_2222, 0x8333_4444 | 0), HEADER.previousHash);
});

test('no bit of a segment header can change unseen', () => {
  const bytes = new Uint8Array(64);
  encodeSegmentHeader(bytes, HEADER);
  for (let bit = 0; bit < 512; bit++) {
    bytes[bit >> 3] ^= 1 << (bit & 7);
    const fault = decodeSegmentHeader(bytes);
    assert.ok(typeof fault === 'string');
    assert.match(fault, /^expected the (magic|checksum) /, `bit ${bit}`);
    bytes[bit >> 3] ^= 1 << (bit & 7);
  }
  assert.deepEqual(decodeSegmentHeader(bytes), HEADER);
});

test('a segment of another version is named', () => {
  const bytes = new Uint8Array(64);
  encodeSegmentHeader(bytes, HEADER);
  const view = new DataView(bytes.buffer);
  view.setUint32(SEGMENT.version, 9, true);
  view.setInt32(SEGMENT.crc, crcOf(crcBytes(CRC_START, bytes, 0, SEGMENT.crc)), true);
  assert.equal(decodeSegmentHeader(bytes), 'expected version 1, was 9');
});

/** A record of 13 bytes of payload in dirty memory, sealed. */
function exampleRecord(): { bytes: Uint8Array; view: DataView; words: Int32Array; salt: number } {
  const bytes = new Uint8Array(64).fill(0xaa);
  const view = new DataView(bytes.buffer);
  const words = new Int32Array(bytes.buffer);
  const salt = crcOfSalt(Number(BigInt.asIntN(32, SALT)), Number(BigInt.asIntN(32, SALT >> 32n)));
  writeRecordHeader(view, 0, 13, 2 ** 32 + 5, 1_000_000_007, JournalType.Commands, 0);
  bytes.set(new TextEncoder().encode('Hello, world!'), RECORD.payload);
  sealRecord(view, words, 0, 2 ** 32 + 3, 0x8333_4444 | 0, true, salt);
  return { bytes, view, words, salt };
}

const GOLDEN_RECORD =
  '0d000000' + // length
  '0769dc46' + // crc
  '0500000001000000' + // sequence
  '07ca9a3b00000000' + // time ns
  '0300000001000000' + // acked sequence
  '0700' + // type
  '0100' + // flags
  '44443383' + // previous crc
  '48656c6c6f2c20776f726c6421' + // payload
  '000000'; // padding

test('a record, byte by byte', () => {
  const { bytes, view, words, salt } = exampleRecord();
  assert.equal(recordBytes(13), 56);
  assert.equal(hex(bytes.subarray(0, 56)), GOLDEN_RECORD);
  assert.equal(hex(bytes.subarray(56)), 'aa'.repeat(8), 'what lies behind it is not touched');
  assert.equal(checkLength(view, 0, 13, 56), RecordFault.None);
  assert.equal(checkRecord(view, words, 0, salt), RecordFault.None);
  assert.equal(checkPlace(view, 0, 2 ** 32 + 5, 0x8333_4444 | 0), RecordFault.None);
  assert.equal(view.getUint16(RECORD.flags, true), RecordFlag.BatchEnd);
});

test('no bit of a record, its padding included, can change unseen', () => {
  const { bytes, view, words, salt } = exampleRecord();
  for (let bit = 0; bit < 56 * 8; bit++) {
    bytes[bit >> 3] ^= 1 << (bit & 7);
    const fault = checkLength(view, 0, 16, 56) || checkRecord(view, words, 0, salt);
    assert.ok(fault === RecordFault.Length || fault === RecordFault.Crc, `bit ${bit}: ${fault}`);
    bytes[bit >> 3] ^= 1 << (bit & 7);
  }
});

test('a whole record is refused at another place, behind another record, and under another salt', () => {
  const { view, words, salt } = exampleRecord();
  assert.equal(checkPlace(view, 0, 2 ** 32 + 6, 0x8333_4444 | 0), RecordFault.Sequence);
  assert.equal(checkPlace(view, 0, 2 ** 32 + 5, 1), RecordFault.Previous);
  assert.equal(checkRecord(view, words, 0, salt ^ 1), RecordFault.Crc);
});

test('what is not of this form is refused though its checksum holds', () => {
  const forged = (change: (view: DataView) => void): RecordFault => {
    const { view, words, salt } = exampleRecord();
    change(view);
    sealRecord(view, words, 0, 0, 0, false, salt);
    return checkRecord(view, words, 0, salt);
  };
  assert.equal(forged(() => {}), RecordFault.None);
  assert.equal(forged((view) => view.setUint16(RECORD.type, 0, true)), RecordFault.Form);
  assert.equal(forged((view) => view.setUint16(RECORD.flags, 8, true)), RecordFault.Form);
  assert.equal(forged((view) => view.setUint8(RECORD.payload + 15, 1)), RecordFault.Form);
});

test('lengths are looked at before anything is read by them', () => {
  const view = new DataView(new ArrayBuffer(64));
  assert.equal(checkLength(view, 0, 100, 64), RecordFault.End);
  view.setUint8(39, 1);
  assert.equal(checkLength(view, 0, 100, 64), RecordFault.None, 'an empty payload');
  view.setUint32(0, 24, true);
  assert.equal(checkLength(view, 0, 24, 64), RecordFault.None);
  assert.equal(checkLength(view, 0, 23, 64), RecordFault.Length);
  assert.equal(checkLength(view, 0, 100, 63), RecordFault.Length);
  view.setUint32(0, 0xffff_ffff, true);
  assert.equal(checkLength(view, 0, 100, 64), RecordFault.Length);
});

test('names of segments and types lead back', () => {
  assert.equal(segmentName(12), 'segment-0000000012.journal');
  assert.equal(segmentNumberOf(segmentName(4_294_967_295)), 4_294_967_295);
  assert.equal(segmentNumberOf('segment-0000000012.journal.tmp'), null);
  for (const [type, name] of journalTypes()) {
    assert.equal(journalTypeOf(name), type);
    assert.equal(journalTypeName(type), name);
  }
  assert.equal(journalTypeName(JournalType.StateHash), 'state-hash');
  assert.equal(journalTypeName(77), 'type-77');
  assert.equal(journalTypeOf('type-77'), 77);
  assert.equal(journalTypeOf('nothing'), null);
});

test('sizes that cannot be are refused with what can', () => {
  checkSizes(4096, 4096 - 104);
  assert.throws(() => checkSizes(4096, 4096 - 103), /payloadBytesMax: expected 8 to 3992 .*was 3993/);
  assert.throws(() => checkSizes(5000, 8), /segmentBytes: expected a multiple of 512 from 4096 .*5000/);
});

test('docs/JOURNAL.md names every type with its number', () => {
  const text = readFileSync(new URL('../../docs/JOURNAL.md', import.meta.url), 'utf8');
  const told = [...text.matchAll(/`([a-z-]+)` (\d+)(?=[, ][^`]*\||, `)/g)].map(
    ([, name, type]) => [Number(type), name],
  );
  assert.deepEqual(told, journalTypes());
});
