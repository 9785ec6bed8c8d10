// ITCH 5.0: messages written here and those of the recordings, cut anywhere; the books that they make.
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import test, { describe } from 'node:test';
import { Itch, ITCH_BYTES, ItchError, ItchReader } from './itch.ts';
import { ItchBooks } from './itch_books.ts';
import { RecordingSource } from './recording_source.ts';

const data = join(import.meta.dirname, '../../../shared/data/itch');
const skip = existsSync(data) ? false : 'the recorded data is not here (../shared/data/itch)';

/** A message of `type` with the common header; `fill` writes the rest, from byte 11 on. */
function message(type: string, locate: number, timeNs: number, fill: (view: DataView, bytes: Buffer) => void = () => {}): Buffer {
  const bytes = Buffer.alloc(ITCH_BYTES[type.charCodeAt(0)]);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  bytes.write(type, 0, 'latin1');
  view.setUint16(1, locate);
  view.setUint16(5, Math.floor(timeNs / 2 ** 32));
  view.setUint32(7, timeNs % 2 ** 32);
  fill(view, bytes);
  return bytes;
}

const directory = (locate: number, stock: string): Buffer =>
  message('R', locate, 1, (_, bytes) => bytes.write(stock.padEnd(8), 11, 'latin1'));
const add = (locate: number, ref: bigint, side: string, shares: number, stock: string, price: number, timeNs = 2): Buffer =>
  message('A', locate, timeNs, (view, bytes) => {
    view.setBigUint64(11, ref);
    bytes.write(side, 19, 'latin1');
    view.setUint32(20, shares);
    bytes.write(stock.padEnd(8), 24, 'latin1');
    view.setUint32(32, price);
  });
const taken = (type: 'E' | 'X', locate: number, ref: bigint, shares: number): Buffer => message(type, locate, 3, (view) => {
  view.setBigUint64(11, ref);
  view.setUint32(19, shares);
});
const deleted = (locate: number, ref: bigint): Buffer => message('D', locate, 4, (view) => view.setBigUint64(11, ref));
const replaced = (locate: number, old: bigint, ref: bigint, shares: number, price: number): Buffer =>
  message('U', locate, 5, (view) => {
    view.setBigUint64(11, old);
    view.setBigUint64(19, ref);
    view.setUint32(27, shares);
    view.setUint32(31, price);
  });

function file(messages: readonly Buffer[], prefixed = true): Buffer {
  return Buffer.concat(messages.flatMap((each) => {
    const length = Buffer.alloc(2);
    length.writeUInt16BE(prefixed ? each.length : 0);
    return [length, each];
  }));
}

function booksOf(bytes: Uint8Array, pieceBytes = bytes.length): { books: ItchBooks; reader: ItchReader } {
  const books = new ItchBooks({ ordersMax: 1_000, symbols: ['AAPL', 'MSFT'] });
  const reader = new ItchReader((view, at) => void books.onMessage(view, at));
  for (let at = 0; at < bytes.length; at += pieceBytes) reader.push(bytes.subarray(at, at + pieceBytes));
  reader.finish();
  return { books, reader };
}

const DAY = [
  message('S', 0, 1, (_, bytes) => bytes.write('Q', 11, 'latin1')),
  directory(7, 'AAPL'), directory(9, 'MSFT'),
  add(7, 1n, 'B', 100, 'AAPL', 1_872_500), add(7, 2n, 'B', 50, 'AAPL', 1_872_500), add(7, 2n ** 63n, 'S', 30, 'AAPL', 1_872_600),
  add(9, 4n, 'S', 10, 'MSFT', 4_000_100),
  taken('E', 7, 1n, 40), taken('X', 7, 2n, 20), replaced(7, 1n, 5n, 70, 1_872_400), deleted(9, 4n),
];

describe('messages', () => {
  test('sizes are those of the specification', () => {
    const text = Array.from(ITCH_BYTES.entries()).filter(([, bytes]) => bytes > 0)
      .map(([type, bytes]) => `${String.fromCharCode(type)}${bytes}`).join(' ');
    assert.equal(text, 'A36 B19 C36 D19 E31 F40 H25 I50 J35 K28 L26 N20 O48 P44 Q40 R39 S12 U35 V35 W12 X23 Y20 h21');
  });

  test('fields of an order', () => {
    const bytes = add(7, 2n ** 63n + 5n, 'S', 4_000_000_000, 'BRK.A', 1_999_999_900, 57_599_999_999_999);
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    assert.deepEqual(
      [Itch.locate(view, 0), Itch.timeNs(view, 0), Itch.refHigh(view, 0), Itch.refLow(view, 0), Itch.side(view, 0),
        Itch.shares(view, 0), Itch.orderStock(view, 0), Itch.price(view, 0)],
      [7, 57_599_999_999_999, 0x8000_0000, 5, -1, 4_000_000_000, 'BRK.A', 1_999_999_900],
    );
  });

  for (const prefixed of [true, false]) {
    test(`cut anywhere, the books are the same; lengths ${prefixed ? 'given' : '0'}`, () => {
      const bytes = file(DAY, prefixed);
      const whole = booksOf(bytes);
      assert.equal(whole.reader.messages, DAY.length);
      for (let piece = 1; piece <= bytes.length; piece += piece < 90 ? 1 : 13) {
        const { books, reader } = booksOf(bytes, piece);
        assert.equal(reader.messages, DAY.length, `pieces of ${piece}`);
        assert.equal(books.books.view.publicHash(), whole.books.books.view.publicHash(), `pieces of ${piece}`);
      }
    });
  }

  test('types that are not known are skipped by their length', () => {
    const odd = Buffer.from('z: a type that is not known');
    const { reader, books } = booksOf(file([DAY[1], odd, DAY[3]]), 5);
    assert.deepEqual([reader.messages, reader.unknown, books.books.counts.added], [2, 1, 1]);
  });

  test('what is no message is refused with its offset', () => {
    const faults: [Buffer, RegExp][] = [
      [Buffer.from([0, 11, 0x53, 0]), /^byte 0: expected a length of 12 for a message of type "S", was 11$/],
      [Buffer.concat([file([DAY[1]]), Buffer.from([0, 0, 0x01, 9])]), /^byte 41: expected a message, was type 0x01 with length 0$/],
      [Buffer.from([0xff, 0xff, 0x7a, 0]), /^byte 0: expected a message, was type "z" with length 65535$/],
      [file([DAY[1]]).subarray(0, 40), /^byte 0: expected a whole message, was the end after 40 bytes of it$/],
      [Buffer.concat([file([DAY[1]]), Buffer.from([0])]), /^byte 41: expected a whole message, was the end after 1 bytes of it$/],
    ];
    for (const [bytes, text] of faults) {
      for (const piece of [1, 3, bytes.length]) {
        assert.throws(() => booksOf(bytes, piece), (error) => error instanceof ItchError && text.test(error.message), String(text));
      }
    }
  });
});

describe('books', () => {
  test('each kind of change', () => {
    const { books } = booksOf(file(DAY));
    const { view, counts } = books.books;
    assert.deepEqual(books.instruments.map(({ symbol, messages }) => [symbol, messages]), [['AAPL', 7], ['MSFT', 3]]);
    assert.deepEqual(view.depth(0, 9), {
      bids: [{ price: 1_872_500, qty: 30n, orders: 1 }, { price: 1_872_400, qty: 70n, orders: 1 }],
      asks: [{ price: 1_872_600, qty: 30n, orders: 1 }],
    });
    assert.deepEqual(view.depth(1, 9), { bids: [], asks: [] });
    assert.deepEqual(view.lastTrade(0), { price: 1_872_500, qty: 40 });
    assert.deepEqual(
      counts,
      { added: 4, reduced: 1, executed: 1, removed: 1, replaced: 1, trades: 0, cleared: 0, unknown: 0, excess: 0, duplicates: 0, refused: 0 },
    );
    view.checkInvariants();
  });

  test('what does not fit is counted and changes nothing that is right', () => {
    const { books } = booksOf(file([
      add(7, 1n, 'B', 10, 'AAPL', 100), add(7, 1n, 'B', 10, 'AAPL', 100), add(7, 2n, '?', 10, 'AAPL', 100),
      add(7, 3n, 'S', 0, 'AAPL', 100), add(7, 0n, 'S', 1, 'AAPL', 100), add(7, 4n, 'S', 5, 'AAPL', 90, 1),
      taken('E', 7, 99n, 1), deleted(7, 98n), replaced(7, 97n, 5n, 1, 1), taken('E', 7, 4n, 6),
    ]));
    const { counts, view } = books.books;
    assert.deepEqual(
      [counts.duplicates, counts.refused, counts.unknown, counts.excess, books.timesBack], [1, 3, 3, 1, 2],
    );
    assert.deepEqual(view.depth(0, 9), { bids: [{ price: 100, qty: 10n, orders: 1 }], asks: [] });
  });

  test('only the symbols that are wanted', () => {
    const books = new ItchBooks({ ordersMax: 10, symbols: ['MSFT'] });
    const reader = new ItchReader((view, at) => void books.onMessage(view, at));
    reader.push(file(DAY));
    assert.deepEqual(books.instruments.map(({ symbol }) => symbol), ['MSFT']);
    assert.equal(books.books.counts.added, 1);
  });

  test('crossed moments are counted while the market is open and the stock trades', () => {
    const crossing = [add(7, 1n, 'B', 10, 'AAPL', 100), add(7, 2n, 'S', 10, 'AAPL', 90)];
    const state = (event: string): Buffer => message('S', 0, 1, (_, bytes) => bytes.write(event, 11, 'latin1'));
    assert.equal(booksOf(file(crossing)).books.instruments[0].crossedMoments, 0, 'before the market opens');
    assert.equal(booksOf(file([state('Q'), ...crossing])).books.instruments[0].crossedMoments, 1);
    const halted = message('H', 7, 1, (_, bytes) => bytes.write('H', 19, 'latin1'));
    assert.equal(booksOf(file([state('Q'), directory(7, 'AAPL'), halted, ...crossing])).books.instruments[0].crossedMoments, 0);
  });
});

describe('recordings', { skip }, () => {
  for (const [name, messages, added, unknown] of [
    ['ex20101224.TEST_ITCH_50', 12_012, 4_999, 117], ['josh_sample.NASDAQ_ITCH50', 8_009, 4_328, 0], ['bbekele_sample.itch', 1_000, 0, 0],
  ] as const) {
    test(`${name}: ${messages} messages, ${unknown} of orders that none announced`, async () => {
      const books = new ItchBooks({ ordersMax: 10_000 });
      const reader = new ItchReader((view, at) => void books.onMessage(view, at));
      for await (const piece of new RecordingSource(join(data, name))) reader.push(piece);
      reader.finish();
      const { counts } = books.books;
      assert.deepEqual([reader.messages, reader.unknown, counts.added, counts.unknown], [messages, 0, added, unknown]);
      assert.deepEqual([counts.excess, counts.duplicates, books.timesBack], [0, 0, 0]);
    });
  }
});
