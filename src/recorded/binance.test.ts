// Binance's streams: differences after a snapshot, the check against the best prices, and the real recording.
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import test, { describe } from 'node:test';
import { BinanceBook } from './binance.ts';
import { LineReader } from './binance_lines.ts';
import { RecordingError, RecordingSource } from './recording_source.ts';

const recording = join(import.meta.dirname, '../../../shared/data/binance/usdm_btcusdt_20240808.gz');
const skip = existsSync(recording) ? false : 'the recorded data is not here (../shared/data/binance)';
const DECIMALS = { priceDecimals: 2, qtyDecimals: 3 };

type Level = [price: string, qty: string];

const line = (data: object): string => `1723161255030314667 ${JSON.stringify(data)}`;
const depth = (first: number, last: number, previous: number, b: Level[], a: Level[]): string =>
  line({ stream: 's', data: { e: 'depthUpdate', s: 'BTCUSDT', U: first, u: last, pu: previous, b, a } });
const best = (u: number, b: string, B: string, a: string, A: string): string =>
  line({ stream: 's', data: { e: 'bookTicker', u, s: 'BTCUSDT', b, B, a, A } });
const snapshot = (lastUpdateId: number, bids: Level[], asks: Level[]): string => line({ lastUpdateId, bids, asks });

function bookOf(lines: readonly string[]): BinanceBook {
  const book = new BinanceBook('test', DECIMALS);
  for (const each of lines) book.line(each);
  book.finish();
  return book;
}

const SNAPSHOT = snapshot(10, [['100.00', '1.000'], ['99.50', '2']], [['100.10', '3.500']]);

describe('the book', () => {
  test('is the snapshot and the differences behind it, those that came before it too', () => {
    const book = bookOf([
      depth(5, 8, 4, [['100.00', '9.000']], []), depth(9, 12, 8, [['99.50', '0.000']], []), SNAPSHOT,
      best(15, '100.05', '0.001', '100.10', '3.500'), depth(13, 15, 12, [['100.05', '0.001']], []),
      best(16, '100.05', '0.001', '100.10', '3.500'),
    ]);
    assert.deepEqual(book.view.depth(0, 9), {
      bids: [{ price: 10_005, qty: 1n, orders: 1 }, { price: 10_000, qty: 1_000n, orders: 1 }],
      asks: [{ price: 10_010, qty: 3_500n, orders: 1 }],
    });
    const { stale, applied, gaps, compared, agreed } = book.counts;
    assert.deepEqual({ stale, applied, gaps, compared, agreed }, { stale: 1, applied: 2, gaps: 0, compared: 1, agreed: 1 });
    book.view.checkInvariants();
  });

  test('a wrong quantity at the top is found', () => {
    const book = bookOf([SNAPSHOT, best(11, '100.00', '1.000', '100.10', '3.400'), depth(11, 12, 10, [], []), best(13, '1', '1', '2', '1')]);
    assert.deepEqual([book.counts.compared, book.counts.agreed], [1, 0]);
    assert.deepEqual(book.disagreements, ['update 12: expected 10000 1000 10010 3400, was 10000 1000 10010 3500']);
  });

  test('is compared with the best prices of its own number, not with later ones', () => {
    const book = bookOf([
      SNAPSHOT, best(11, '100.00', '1.000', '100.10', '3.500'), best(14, '100.00', '7.000', '100.10', '3.500'),
      depth(11, 12, 10, [['99.00', '1.000']], []), depth(13, 14, 12, [['100.00', '7.000']], []),
    ]);
    assert.deepEqual([book.counts.compared, book.counts.agreed], [2, 2]);
  });

  test('after a gap waits for the next snapshot', () => {
    const book = bookOf([
      SNAPSHOT, depth(20, 25, 19, [['101.00', '1.000']], []), depth(26, 28, 25, [], [['100.10', '0.000']]),
    ]);
    assert.deepEqual([book.counts.gaps, book.counts.applied], [1, 0]);
    assert.equal(book.view.bestPrice(0, 1), 10_000, 'nothing was applied');
    book.line(snapshot(24, [['98.00', '1']], [['102.00', '1']]));
    assert.deepEqual([book.counts.gaps, book.counts.applied], [1, 2], 'the snapshot reaches into the first difference');
    assert.deepEqual([book.view.bestPrice(0, 1), book.view.bestPrice(0, -1)], [10_100, 10_200]);
  });
});

test('what is no message is refused with its line', () => {
  const faults: [string, RegExp][] = [
    ['{"e":"trade"}', /line 1: expected "nanoseconds message"/],
    ['12345', /line 1: expected "nanoseconds message"/],
    ['12345 {"e":', /line 1: expected JSON behind the time/],
    [snapshot(1, [['1.005', '1']], []), /line 1: expected a number of at most 2 decimals up to 2147483646 of them, was "1.005"/],
    [snapshot(1, [['-1', '1']], []), /was "-1"/],
    [snapshot(1, [['1e3', '1']], []), /was "1e3"/],
    ['12345 null', /line 1: expected an object as message, was null/],
    ['12345 {"data":[1]}', /line 1: expected an object as message, was \[1\]/],
    [line({ lastUpdateId: '7', bids: [], asks: [] }), /line 1: expected a number as "lastUpdateId" of a snapshot, was "7"/],
    [line({ data: { e: 'depthUpdate', U: 1, u: 2, pu: 0, b: 5, a: [] } }), /line 1: expected levels as "b" of a difference, was 5/],
    [line({ data: { e: 'depthUpdate', U: 1, u: 2, pu: 0, b: [['1', 2]], a: [] } }), /line 1: expected levels as "b" of a difference, was \[\["1",2\]\]/],
    [line({ data: { e: 'trade', t: 1, p: '1', m: true } }), /line 1: expected a text as "q" of a trade, was nothing/],
    [snapshot(1, [['1', '4294967.296']], []), /at most 3 decimals up to 4294967295 of them, was "4294967.296"/],
  ];
  for (const [text, message] of faults) {
    assert.throws(() => bookOf([text]), (error) => error instanceof RecordingError && message.test(error.message), text);
  }
});

test('lines, cut anywhere', () => {
  const text = Buffer.from('first\nsecond line\n\nlast without an end');
  for (let piece = 1; piece <= text.length; piece++) {
    const lines: string[] = [];
    const reader = new LineReader('test', (each) => lines.push(each));
    for (let at = 0; at < text.length; at += piece) reader.push(text.subarray(at, at + piece));
    reader.finish();
    assert.deepEqual(lines, ['first', 'second line', 'last without an end'], `pieces of ${piece}`);
  }
});

test('the recording: 6,547 of 6,547 books equal the stream of best prices', { skip }, async () => {
  const book = new BinanceBook(recording, DECIMALS);
  const lines = new LineReader(recording, (text) => book.line(text));
  for await (const piece of new RecordingSource(recording)) lines.push(piece);
  lines.finish();
  book.finish();
  assert.equal(book.lines, 93_954);
  assert.deepEqual(book.counts, {
    differences: 6_551, tickers: 66_089, trades: 21_313, snapshots: 1, stale: 4, applied: 6_547, gaps: 0,
    compared: 6_547, agreed: 6_547, others: 0,
  });
});
