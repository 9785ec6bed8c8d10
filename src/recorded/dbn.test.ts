// DBN: files written here, Databento's own test files in all versions, and the books of real recordings.
import assert from 'node:assert/strict';
import { existsSync, globSync } from 'node:fs';
import { basename, join } from 'node:path';
import test, { describe } from 'node:test';
import { DbnReader, Dbn, type DbnMetadata } from './dbn.ts';
import { DbnBooks } from './dbn_books.ts';
import { RecordingError, RecordingSource } from './recording_source.ts';

const data = join(import.meta.dirname, '../../../shared/data/databento');
const skip = existsSync(data) ? false : 'the recorded data is not here (../shared/data/databento)';
const LAST = 128;
const NANO = 1_000_000_000n;

interface Mbo { action: string; side?: string; id?: bigint; price?: bigint; size?: number; flags?: number; instrument?: number }

function mbo({ action, side = 'N', id = 0n, price = 0n, size = 0, flags = LAST, instrument = 1 }: Mbo): Buffer {
  const bytes = Buffer.alloc(56);
  bytes[0] = 14;
  bytes[1] = 0xa0;
  bytes.writeUInt32LE(instrument, 4);
  bytes.writeBigUInt64LE(1_700_000_000_000_000_000n, 8);
  bytes.writeBigUInt64LE(id, 16);
  bytes.writeBigInt64LE(price, 24);
  bytes.writeUInt32LE(size, 32);
  bytes[36] = flags;
  bytes.write(action + side, 38, 'latin1');
  return bytes;
}

/** A file of one symbol that is instrument 1. */
function file(version: number, records: readonly Buffer[]): Buffer {
  const symbolBytes = version === 1 ? 22 : 71;
  const fixed = Buffer.alloc(100);
  fixed.write('TEST.SET', 0, 'latin1');
  if (version > 1) fixed.writeUInt16LE(symbolBytes, 45);
  const count = (n: number): Buffer => {
    const bytes = Buffer.alloc(4);
    bytes.writeUInt32LE(n);
    return bytes;
  };
  const symbol = (text: string): Buffer => {
    const bytes = Buffer.alloc(symbolBytes);
    bytes.write(text, 'latin1');
    return bytes;
  };
  const metadata = Buffer.concat([
    fixed, count(0), count(1), symbol('ESM4'), count(0), count(0),
    count(1), symbol('ESM4'), count(1), count(20_240_508), count(20_240_509), symbol('1'),
  ]);
  const prefix = Buffer.alloc(8);
  prefix.write('DBN', 'latin1');
  prefix[3] = version;
  prefix.writeUInt32LE(metadata.length, 4);
  return Buffer.concat([prefix, metadata, ...records]);
}

function read(bytes: Uint8Array, pieceBytes = bytes.length): { reader: DbnReader; books: DbnBooks } {
  const books = new DbnBooks(100, 2);
  const reader = new DbnReader('test', (view, at) => books.onRecord(view, at));
  for (let at = 0; at < bytes.length; at += pieceBytes) reader.push(bytes.subarray(at, at + pieceBytes));
  reader.finish();
  return { reader, books };
}

const RECORDS = [
  mbo({ action: 'A', side: 'B', id: 1n, price: 5_200n * NANO, size: 10 }),
  mbo({ action: 'A', side: 'B', id: 2n, price: 5_200n * NANO, size: 5 }),
  mbo({ action: 'A', side: 'A', id: 2n ** 63n, price: 5_200_250_000_000n, size: 7 }),
  mbo({ action: 'T', side: 'A', price: 5_200n * NANO, size: 4, flags: 0 }),
  mbo({ action: 'F', side: 'B', id: 1n, price: 5_200n * NANO, size: 4, flags: 0 }),
  mbo({ action: 'C', side: 'B', id: 1n, price: 5_200n * NANO, size: 4 }),
  mbo({ action: 'M', side: 'B', id: 2n, price: 5_200n * NANO, size: 3 }),
  mbo({ action: 'M', side: 'B', id: 1n, price: 5_199_750_000_000n, size: 6 }),
];

// A list of symbols that take no bytes fits any file: a count of four billion was read to its end. Found by the fuzzer.
test('symbols of no bytes are refused', () => {
  const bytes = file(2, RECORDS);
  bytes.writeUInt16LE(0, 8 + 45);
  assert.throws(() => read(bytes), (error: Error) =>
    error instanceof RecordingError && /byte 53: metadata: expected symbols of at least 1 byte, was 0/.test(error.message));
});

// It was taken for a fault of the program, and a recording ended it. Found by the fuzzer.
test('a record that names an order of another instrument is counted, and changes nothing', () => {
  const order = { side: 'B', id: 1n, price: 5_200n * NANO, size: 10 };
  for (const record of [
    mbo({ ...order, action: 'M', price: 5_201n * NANO, instrument: 2 }), mbo({ ...order, action: 'M', size: 3, instrument: 2 }),
    mbo({ ...order, action: 'C', instrument: 2 }),
  ]) {
    const { books } = read(file(3, [mbo({ ...order, action: 'A' }), record]));
    const { unknown, replaced, reduced } = books.books.counts;
    assert.deepEqual({ unknown, replaced, reduced }, { unknown: 1, replaced: 0, reduced: 0 });
    assert.deepEqual(books.books.view.depth(0, 9).bids.map(({ qty }) => qty), [10n]);
  }
});

test('more instruments than there is room for are passed over', () => {
  const records = [1, 2, 3].map((instrument) =>
    mbo({ action: 'A', side: 'B', id: BigInt(instrument), price: 5_200n * NANO, size: 1, instrument }));
  const { books } = read(file(3, records));
  assert.deepEqual([books.instruments.length, books.books.counts.added, books.books.counts.refused], [2, 2, 0]);
});

describe('files', () => {
  for (const version of [1, 2, 3]) {
    test(`version ${version}, cut anywhere`, () => {
      const bytes = file(version, RECORDS);
      const whole = read(bytes);
      const { version: told, dataset, schema, symbols, mappings } = whole.reader.metadata as DbnMetadata;
      assert.deepEqual([told, dataset, schema, symbols], [version, 'TEST.SET', 'mbo', ['ESM4']]);
      assert.deepEqual(mappings, [{ symbol: 'ESM4', intervals: [{ from: 20_240_508, to: 20_240_509, name: '1' }] }]);
      for (let piece = 1; piece <= bytes.length; piece += piece < 70 ? 1 : 37) {
        const { reader, books } = read(bytes, piece);
        assert.equal(reader.records, RECORDS.length, `pieces of ${piece}`);
        assert.equal(books.books.view.publicHash(), whole.books.books.view.publicHash(), `pieces of ${piece}`);
      }
    });
  }

  test('what is none is refused in words', () => {
    const good = file(3, RECORDS);
    const changed = (at: number, ...bytes: number[]): Buffer => {
      const copy = Buffer.from(good);
      copy.set(bytes, at);
      return copy;
    };
    const faults: [Buffer, RegExp][] = [
      [changed(3, 4), /byte 3: expected DBN version 1 … 3, was 4/],
      [changed(3, 0), /byte 3: expected DBN version 1 … 3, was 0/],
      [changed(0, 0x44, 0x42, 0x5a), /expected "DBN" and its metadata/],
      [changed(0, 0x50, 0x2a, 0x4d, 0x18), /was a DBZ file of before 2023/],
      [changed(4, 0xff, 0xff, 0xff, 0xff), /byte 4: expected metadata of at most 67108864 bytes, was 4294967295/],
      [changed(4, 50, 0, 0, 0), /metadata: expected at least 100 bytes, was 50/],
      [changed(112, 0xff, 0xff, 0xff, 0x7f), /metadata: expected at most \d+ bytes more, was a list of 2147483647/],
      [good.subarray(0, 60), /expected DBN metadata, was the end of the file/],
      [good.subarray(0, good.length - 1), /expected a whole record, was the end after 55 bytes of it/],
      [changed(good.length - 56, 3), /expected a record of at least 16 bytes, was 12/],
      [changed(good.length - 56, 13), /expected 56 bytes of an mbo record, was 52/],
      [Buffer.alloc(0), /expected DBN metadata, was the end of the file/],
    ];
    for (const [bytes, text] of faults) {
      for (const piece of [7, bytes.length || 1]) {
        assert.throws(() => read(bytes, piece), (error) => error instanceof RecordingError && text.test(error.message), String(text));
      }
    }
  });
});

describe('books', () => {
  test('each action', () => {
    const { books } = read(file(2, RECORDS));
    const { view } = books.books;
    assert.equal(books.instruments[0].unit, 100_000, 'ten-thousandths for a price of 5,200');
    assert.deepEqual(view.depth(0, 9), {
      bids: [{ price: 52_000_000, qty: 3n, orders: 1 }, { price: 51_997_500, qty: 6n, orders: 1 }],
      asks: [{ price: 52_002_500, qty: 7n, orders: 1 }],
    });
    assert.deepEqual(books.fills, { fills: 1, met: 1, trades: 1, events: 6, crossed: 0 });
  });

  test('a modify that makes an order smaller keeps its place, any other loses it', () => {
    const at = (id: bigint, size: number, price = 100n * NANO): Buffer => mbo({ action: 'M', side: 'B', id, price, size });
    const three = [1n, 2n, 3n].map((id) => mbo({ action: 'A', side: 'B', id, price: 100n * NANO, size: 10 }));
    const order = (...more: Buffer[]): number[] => {
      const { view } = read(file(1, [...three, ...more])).books.books;
      const ids: number[] = [];
      for (let cursor = view.firstOrder(0, 1); cursor !== 0; cursor = view.orderAfter(cursor)) ids.push(view.orderIdLow(cursor));
      return ids;
    };
    assert.deepEqual(order(at(1n, 5)), [1, 2, 3]);
    assert.deepEqual(order(at(1n, 11)), [2, 3, 1]);
    assert.deepEqual(order(at(1n, 5, 101n * NANO)), [1, 2, 3], 'a better price comes first');
    assert.deepEqual(order(at(1n, 5, 99n * NANO)), [2, 3, 1]);
  });

  test('fills that meet nothing, and crossed books, are counted', () => {
    const fill = (id: bigint, price: bigint, size: number): Buffer => mbo({ action: 'F', id, price, size, flags: 0 });
    const { books } = read(file(1, [
      RECORDS[0], fill(9n, 5_200n * NANO, 1), fill(1n, 5_201n * NANO, 1), fill(1n, 5_200n * NANO, 11),
      fill(1n, 5_200n * NANO, 6), fill(1n, 5_200n * NANO, 5),
      mbo({ action: 'A', side: 'A', id: 3n, price: 5_200n * NANO, size: 1 }),
    ]));
    assert.deepEqual([books.fills.fills, books.fills.met, books.fills.crossed], [5, 1, 1]);
  });

  test('prices that are none or between two ticks are refused', () => {
    const add = (id: bigint, price: bigint): Buffer => mbo({ action: 'A', side: 'B', id, price, size: 1 });
    const { books } = read(file(1, [add(1n, 5_200n * NANO), add(2n, 2n ** 63n - 1n), add(3n, 5_200n * NANO + 1n), add(4n, -5_200n * NANO)]));
    assert.deepEqual([books.books.counts.added, books.books.counts.refused], [2, 2]);
  });
});

describe('recordings', { skip }, () => {
  async function readFile(path: string): Promise<{ reader: DbnReader; books: DbnBooks; types: Set<number> }> {
    const books = new DbnBooks(20_000);
    const types = new Set<number>();
    const reader = new DbnReader(path, (view, at) => {
      types.add(Dbn.type(view, at));
      books.onRecord(view, at);
    });
    for await (const piece of new RecordingSource(path)) reader.push(piece);
    reader.finish();
    return { reader, books, types };
  }

  test('ES, market by order: never crossed, every fill meets its order', async () => {
    const { reader, books } = await readFile(join(data, 'es_mbo_20240508.dbn.zst'));
    assert.equal(reader.records, 13_796);
    assert.deepEqual(books.fills, { fills: 5, met: 5, trades: 5, events: 185, crossed: 0 });
    const { counts, view } = books.books;
    assert.deepEqual([counts.unknown, counts.excess, counts.duplicates, counts.refused], [0, 0, 0, 0]);
    assert.equal(view.ordersLive, 13_598);
    view.checkInvariants();
  });

  test('ES, a snapshot', async () => {
    const { reader, books } = await readFile(join(data, 'es_mbo_snapshot_20231224.dbn.zst'));
    assert.deepEqual([reader.records, books.books.view.ordersLive, books.fills.crossed], [8_725, 8_725, 0]);
  });

  test("Databento's test files: every schema in every version", async () => {
    const paths = globSync('test_data.*.dbn{,.zst}', { cwd: join(data, 'testdata') }).filter((name) => !name.includes('.frag'));
    assert.ok(paths.length > 50, `${paths.length} files`);
    const versions = new Set<number>();
    const schemas = new Set<string>();
    for (const name of paths) {
      const { reader, types } = await readFile(join(data, 'testdata', name));
      const { version, schema, symbols } = reader.metadata as DbnMetadata;
      versions.add(version);
      schemas.add(schema);
      assert.ok(basename(name).startsWith(`test_data.${schema}.`), `${name}: ${schema}`);
      assert.ok(symbols.length > 0 || schema === 'statistics', name); // those were asked for as ALL_SYMBOLS
      assert.ok(reader.records > 0 || schema === 'ohlcv-1d', name);
      assert.ok(types.size <= 1, `${name}: one type of record`);
    }
    assert.deepEqual([1, 2, 3].every((version) => versions.has(version)), true);
    assert.ok(schemas.size >= 15, [...schemas].join(' '));
  });
});
