// What is read from other people's recordings: ITCH, DBN, Binance's streams. Each file is read as `outcry data` reads it:
// as books, in pieces and at once, which must come to the same, and as rows. It is taken, or refused with the error that
// its reader documents; the books stay whole whatever the recording says.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { recordingRows } from '../../src/apps/data_rows.ts';
import type { MarketView } from '../../src/book/market_view.ts';
import type { Prng } from '../../src/base/prng.ts';
import { BinanceBook } from '../../src/recorded/binance.ts';
import { LineReader } from '../../src/recorded/binance_lines.ts';
import { DbnReader } from '../../src/recorded/dbn.ts';
import { DbnBooks } from '../../src/recorded/dbn_books.ts';
import { ItchError, ItchReader, ITCH_BYTES } from '../../src/recorded/itch.ts';
import { ItchBooks } from '../../src/recorded/itch_books.ts';
import type { RecordingFormat } from '../../src/recorded/recording_format.ts';
import { RecordingError } from '../../src/recorded/recording_source.ts';
import type { Field, Layout } from '../../src/wire/schema.ts';
import { type Frame, joined, piecesOf, plainFrame, randomFrame } from './mutator.ts';
import type { ByteTarget, Fed, LineTarget } from './target.ts';

const ORDERS_MAX = 64;
const DAY_NS = 86_400e9;

// ── one recording, read in every way ─────────────────────────────────────────────────────────────

/** Takes a recording's pieces; what it has made of them. */
interface Reading {
  push(piece: Uint8Array): void;
  finish(): void;
  readonly view: MarketView;
  readonly instruments: number;
  counts(): object;
}

interface Outcome {
  /** '': read to its end. */
  readonly refused: string;
  readonly books: bigint;
  readonly counts: object;
}

function isDocumented(error: unknown): error is Error {
  return error instanceof RecordingError || error instanceof ItchError;
}

function outcomeOf(reading: Reading, pieces: readonly Uint8Array[]): Outcome {
  let refused = '';
  try {
    for (const piece of pieces) reading.push(piece);
    reading.finish();
  } catch (error) {
    if (!isDocumented(error)) throw error;
    assert.ok(error.message.length < 500, 'a message stays short');
    refused = error.message;
  }
  const { view } = reading;
  const books = view.publicHash();
  for (let book = 0; book < reading.instruments; book++) if (isCrossed(view, book)) view.clear(book);
  view.checkInvariants();
  return { refused, books, counts: reading.counts() };
}

/** What a recording may well say, and the core holds against nobody but itself. */
function isCrossed(view: MarketView, book: number): boolean {
  view.readTop(book);
  return view.bidQty > 0 && view.askQty > 0 && view.bidTicks >= view.askTicks;
}

/** As `outcry data convert` has it. */
async function rowsOf(path: string, format: RecordingFormat): Promise<number> {
  let rows = 0;
  try {
    for await (const portion of recordingRows(path, format, undefined)) {
      for (const { timeNs, action } of portion.rows) assert.ok(timeNs >= 0n && action.length < 20);
      rows += portion.rows.length;
    }
  } catch (error) {
    if (!isDocumented(error)) throw error;
  }
  return rows;
}

/** Reads files in a folder of its own. */
function readerOf<T>(
  format: RecordingFormat, open: () => Reading, bytesOf: (input: readonly T[], prng: Prng) => Frame,
): () => Fed<T> {
  return () => {
    const folder = mkdtempSync(join(tmpdir(), 'outcry-fuzz-'));
    const path = join(folder, 'recording');
    return {
      take: async (input, prng) => {
        const frame = bytesOf(input, prng);
        const whole = outcomeOf(open(), [frame.bytes]);
        assert.deepEqual(outcomeOf(open(), piecesOf(prng, [frame])), whole, 'however it is cut');
        writeFileSync(path, frame.bytes);
        await rowsOf(path, format);
      },
      check: () => {},
      close: () => rmSync(folder, { recursive: true }),
    };
  };
}

const field = (name: string, offset: number, width: number, type: Field['type']): Field => ({ name, offset, width, type, doc: '' });
const layoutOf = (name: string, bytes: number, endian: Layout['endian'], fields: readonly Field[]): Layout =>
  ({ name, family: 'core_records', bytes, endian, aligned: false, doc: '', fields });
const between = (low: number, high: number) => (prng: Prng): bigint => BigInt(prng.between(low, high));
const letter = (letters: string) => (prng: Prng): bigint => BigInt(letters.charCodeAt(prng.below(letters.length)));

// ── ITCH ─────────────────────────────────────────────────────────────────────────────────────────

const STOCKS = ['AAPL', 'MSFT', 'OTHER'];
const ITCH_SYMBOLS = ['AAPL', 'MSFT'];
/** Length, type, locate, tracking, time. */
const ITCH_HEAD = [
  field('length', 0, 2, 'u16'), field('type', 2, 1, 'u8'), field('locate', 3, 2, 'u16'), field('tracking', 5, 2, 'u16'),
  field('timeHigh', 7, 2, 'u16'), field('timeLow', 9, 4, 'u32'),
];
const REF = field('ref', 13, 8, 'u64');
/** Fields behind the head by type: those that a reader looks at. */
const ITCH_FIELDS: Readonly<Record<string, readonly Field[]>> = {
  S: [field('event', 13, 1, 'u8')],
  R: [field('stock', 13, 8, 'text'), field('lot', 23, 4, 'u32')],
  H: [field('stock', 13, 8, 'text'), field('state', 21, 1, 'u8')],
  A: [REF, field('side', 21, 1, 'u8'), field('shares', 22, 4, 'u32'), field('stock', 26, 8, 'text'), field('price', 34, 4, 'u32')],
  E: [REF, field('shares', 21, 4, 'u32'), field('match', 25, 8, 'u64')],
  C: [REF, field('shares', 21, 4, 'u32'), field('match', 25, 8, 'u64'), field('price', 34, 4, 'u32')],
  X: [REF, field('shares', 21, 4, 'u32')],
  D: [REF],
  U: [REF, field('newRef', 21, 8, 'u64'), field('shares', 29, 4, 'u32'), field('price', 33, 4, 'u32')],
  P: [REF, field('side', 21, 1, 'u8'), field('shares', 22, 4, 'u32'), field('stock', 26, 8, 'text'), field('price', 34, 4, 'u32')],
  Q: [field('shares', 13, 8, 'u64'), field('stock', 21, 8, 'text'), field('price', 29, 4, 'u32')],
};
const ITCH_TYPES = 'AAAAEECXDUUPQH';

function itchMessage(prng: Prng, type: string): Frame {
  const bytes = 2 + ITCH_BYTES[type.charCodeAt(0)];
  const locate = prng.below(STOCKS.length);
  return randomFrame(prng, [layoutOf(`Itch${type}`, bytes, 'big', [...ITCH_HEAD, ...ITCH_FIELDS[type]])], {
    length: () => BigInt(prng.chance(0.9) ? bytes - 2 : 0), type: () => BigInt(type.charCodeAt(0)), locate: () => BigInt(locate),
    timeHigh: between(0, 20_000), event: letter('OSQMEC'), stock: () => STOCKS[locate], state: letter('THPQ'), side: letter('BS'),
    ref: between(1, 12), newRef: between(1, 24), shares: between(1, 300), price: between(1_872_000, 1_873_000),
  });
}

function itchFrames(prng: Prng): Frame[] {
  const types = ['R', 'S', ...Array.from({ length: prng.between(2, 30) }, () => ITCH_TYPES[prng.below(ITCH_TYPES.length)])];
  return types.map((type) => itchMessage(prng, type));
}

function itchReading(): Reading {
  const books = new ItchBooks({ ordersMax: ORDERS_MAX, symbols: ITCH_SYMBOLS });
  const reader = new ItchReader((view, at) => {
    const book = books.onMessage(view, at);
    assert.ok(book >= -1 && book < ITCH_SYMBOLS.length);
  });
  return {
    push: (piece) => reader.push(piece), finish: () => reader.finish(), view: books.books.view, instruments: ITCH_SYMBOLS.length,
    counts: () => ({ ...books.books.counts, messages: reader.messages, unknown: reader.unknown, left: books.left, timesBack: books.timesBack }),
  };
}

// ── DBN ──────────────────────────────────────────────────────────────────────────────────────────

const DBN_PREFIX = layoutOf('DbnPrefix', 8, 'little', [
  field('magic', 0, 3, 'text'), field('version', 3, 1, 'u8'), field('length', 4, 4, 'u32'),
]);
/** What has a meaning here of the first hundred bytes. */
const DBN_FIXED = layoutOf('DbnMetadata', 100, 'little', [
  field('dataset', 0, 16, 'text'), field('schema', 16, 2, 'u16'), field('symbolBytes', 45, 2, 'u16'),
]);
const DBN_COUNT = layoutOf('DbnCount', 4, 'little', [field('count', 0, 4, 'u32')]);
const DBN_INTERVAL = layoutOf('DbnInterval', 8, 'little', [field('from', 0, 4, 'u32'), field('to', 4, 4, 'u32')]);
const DBN_RECORD = layoutOf('DbnMbo', 56, 'little', [
  field('length', 0, 1, 'u8'), field('type', 1, 1, 'u8'), field('publisher', 2, 2, 'u16'), field('instrument', 4, 4, 'u32'),
  field('time', 8, 8, 'u64'), field('order', 16, 8, 'u64'), field('price', 24, 8, 'i64'), field('size', 32, 4, 'u32'),
  field('flags', 36, 1, 'u8'), field('action', 38, 1, 'u8'), field('side', 39, 1, 'u8'), field('sequence', 52, 4, 'u32'),
]);
const DBN_INSTRUMENTS = 3;

/** Prefix and metadata of one symbol, which is instrument 1. */
function dbnMetadata(prng: Prng): Frame[] {
  const version = prng.between(1, 3);
  const symbolBytes = version === 1 ? 22 : 71;
  const symbol = (text: string): Frame => {
    const bytes = new Uint8Array(symbolBytes);
    for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
    return plainFrame(bytes);
  };
  const count = (value: number): Frame => randomFrame(prng, [DBN_COUNT], { count: () => BigInt(value) });
  const metadata = joined([
    randomFrame(prng, [DBN_FIXED], { schema: () => 0n, symbolBytes: () => BigInt(version === 1 ? 0 : symbolBytes) }),
    count(0), count(1), symbol('ESM4'), count(0), count(0), count(1), symbol('ESM4'), count(1),
    randomFrame(prng, [DBN_INTERVAL], { from: () => 20_240_508n, to: () => 20_240_509n }), symbol('1'),
  ]);
  const prefix = randomFrame(prng, [DBN_PREFIX], {
    magic: () => 'DBN', version: () => BigInt(version), length: () => BigInt(metadata.bytes.length),
  });
  return [prefix, metadata];
}

function dbnFrames(prng: Prng): Frame[] {
  const records = Array.from({ length: prng.between(1, 30) }, () => randomFrame(prng, [DBN_RECORD], {
    length: () => 14n, type: () => (prng.chance(0.9) ? 0xa0n : BigInt(prng.below(256))), instrument: between(1, DBN_INSTRUMENTS),
    time: () => 1_700_000_000_000_000_000n + BigInt(prng.below(1e9)), order: between(1, 12),
    price: () => 5_200_000_000_000n + 250_000_000n * BigInt(prng.between(-8, 8)), size: between(1, 60),
    flags: () => (prng.chance(0.7) ? 128n : 0n), action: letter('AAAACCMMTFRN'), side: letter('ABN'),
  }));
  return [...dbnMetadata(prng), ...records];
}

function dbnReading(): Reading {
  const books = new DbnBooks(ORDERS_MAX, DBN_INSTRUMENTS);
  const reader = new DbnReader('recording', (view, at, bytes) => {
    assert.ok(at + bytes <= view.byteLength, 'a record is whole');
    books.onRecord(view, at);
  });
  return {
    push: (piece) => reader.push(piece), finish: () => reader.finish(), view: books.books.view, instruments: DBN_INSTRUMENTS,
    counts: () => ({ ...books.books.counts, ...books.fills }),
  };
}

// ── Binance ──────────────────────────────────────────────────────────────────────────────────────

const BINANCE_DECIMALS = { priceDecimals: 2, qtyDecimals: 3, levelsMax: ORDERS_MAX };

function binanceLines(prng: Prng): string[] {
  let timeNs = 1_723_161_255_030_314_667n;
  let id = 100;
  const price = (): string => (61_800 + prng.between(-20, 20) / 10).toFixed(2);
  const qty = (): string => (prng.chance(0.2) ? 0 : prng.below(4_000) / 1_000).toFixed(3);
  const levels = (): string[][] => Array.from({ length: prng.below(4) }, () => [price(), qty()]);
  const message = (): object => {
    const first = id + 1;
    const previous = id;
    if (prng.chance(0.15)) return { lastUpdateId: id, bids: levels(), asks: levels() };
    if (prng.chance(0.2)) return { stream: 's@trade', data: { e: 'trade', s: 'BTCUSDT', t: id, p: price(), q: qty(), m: prng.chance(0.5) } };
    if (prng.chance(0.3)) return { stream: 's@bookTicker', data: { e: 'bookTicker', u: id, s: 'BTCUSDT', b: price(), B: qty(), a: price(), A: qty() } };
    id += prng.between(1, 3);
    return { stream: 's@depth', data: { e: 'depthUpdate', s: 'BTCUSDT', U: first, u: id, pu: previous, b: levels(), a: levels() } };
  };
  return Array.from({ length: prng.between(1, 20) }, () => {
    timeNs += BigInt(prng.below(DAY_NS / 1e6));
    return `${timeNs} ${JSON.stringify(message())}`;
  });
}

function binanceReading(): Reading {
  const book = new BinanceBook('recording', BINANCE_DECIMALS);
  const lines = new LineReader('recording', (line) => book.line(line));
  const finish = (): void => {
    lines.finish();
    book.finish();
  };
  return { push: (piece) => lines.push(piece), finish, view: book.view, instruments: 1, counts: () => book.counts };
}

export const RECORDING_TARGETS: readonly (ByteTarget | LineTarget)[] = [
  { name: 'itch', kind: 'bytes', valid: itchFrames, open: readerOf('itch', itchReading, (frames: readonly Frame[]) => joined(frames)) },
  { name: 'dbn', kind: 'bytes', valid: dbnFrames, open: readerOf('dbn', dbnReading, (frames: readonly Frame[]) => joined(frames)) },
  {
    name: 'binance', kind: 'lines', valid: binanceLines,
    open: readerOf('binance', binanceReading, (lines: readonly string[], prng) =>
      plainFrame(Buffer.from(lines.join('\n') + (prng.chance(0.5) ? '\n' : '')))),
  },
];
