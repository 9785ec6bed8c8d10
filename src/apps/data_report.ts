// What `outcry data info` tells of a recording: what it holds, its books rebuilt, and what of them can be checked.
//
//   itch      every order of every stock: no execution beyond what is open, no order announced twice, times that rise
//   pcap      the same of a MoldUDP64 feed that was captured: each message once, none missing
//   dbn       market by order: each fill meets its resting order, no book is crossed where an event ends
//   binance   each difference follows the one before; each book equal to the independent stream of best prices
//   lobster   with its book file: each transition (as `outcry replay lobster`)
//
// A fault is something that the recording says twice and differently; what a recording that begins in the middle of
// a day cannot know (orders announced before it) is counted and no fault.
import { basename } from 'node:path';
import { formatDecimal } from '../base/decimal.ts';
import type { MarketView } from '../book/market_view.ts';
import { BinanceBook } from '../recorded/binance.ts';
import { LineReader } from '../recorded/binance_lines.ts';
import { Dbn, DbnReader, dbnTypeName } from '../recorded/dbn.ts';
import { DbnBooks } from '../recorded/dbn_books.ts';
import { ItchError, ItchReader } from '../recorded/itch.ts';
import { ItchBooks } from '../recorded/itch_books.ts';
import { LobsterMessages, LobsterType } from '../recorded/lobster.ts';
import { LOBSTER_ENGINE_CONFIG, checkLobster, lobsterAgrees } from '../recorded/lobster_book.ts';
import { MoldCapture, type MoldCounts } from '../recorded/pcap.ts';
import { MatchingEngine } from '../book/matching_engine.ts';
import type { RecordedCounts } from '../recorded/recorded_books.ts';
import type { RecordingFormat } from '../recorded/recording_format.ts';
import { RecordingError, RecordingSource } from '../recorded/recording_source.ts';
import { grouped, listed } from './progress.ts';
import { bookBeside } from './replay.ts';
import { counted } from './shown_text.ts';

export interface RecordingReport {
  readonly lines: readonly (readonly [name: string, text: string])[];
  /** What does not hold. */
  readonly faults: readonly string[];
  readonly json: object;
}

export interface ExamineOptions {
  readonly symbols?: readonly string[];
  /** Of the last books, to show. */
  readonly levels: number;
  readonly onProgress?: (done: number, messages: number) => void;
}

/** A busy day of NASDAQ has two million orders in its books at once; core memory is touched as used. */
const ORDERS_MAX = 1 << 22;
/** Of Binance's futures; spot has up to 8, and then the numbers do not fit. */
const BINANCE_DECIMALS = { priceDecimals: 2, qtyDecimals: 3 };
const INSTRUMENTS_SHOWN = 5;
const ITCH_DECIMALS = 4;

/** Reads the whole recording. Throws RecordingError where it is damaged. */
export async function examineRecording(
  path: string, format: RecordingFormat, options: ExamineOptions,
): Promise<RecordingReport> {
  switch (format) {
    case 'itch':
      return examineItch(path, options, false);
    case 'pcap':
      return examineItch(path, options, true);
    case 'dbn':
      return examineDbn(path, options);
    case 'binance':
      return examineBinance(path, options);
    case 'lobster':
      return examineLobster(path);
    case 'lobster-book':
      throw new RecordingError(path, -1, 'is the order book file of a LOBSTER recording: give the message file, the book file beside it is found');
  }
}

type Lines = [name: string, text: string][];

function fileLines(source: RecordingSource, format: string): Lines {
  const packed = source.packing === 'none' ? '' : `, packed with ${source.packing}`;
  return [['file', `${basename(source.path)}, ${grouped(source.fileBytes)} bytes${packed}`], ['format', format]];
}

/** Pieces one after the other, with progress. */
async function readAll(
  source: RecordingSource, push: (piece: Uint8Array) => void, options: ExamineOptions, messages: () => number,
): Promise<void> {
  for await (const piece of source) {
    push(piece);
    options.onProgress?.(source.bytesRead / Math.max(1, source.fileBytes), messages());
  }
}

/** 34:12.5 of a day as 00:34:12.500000000. */
function clockText(ns: number): string {
  const seconds = Math.floor(ns / 1e9);
  const two = (value: number): string => String(value).padStart(2, '0');
  const fraction = String(ns % 1e9).padStart(9, '0');
  return `${two(Math.floor(seconds / 3600))}:${two(Math.floor(seconds / 60) % 60)}:${two(seconds % 60)}.${fraction}`;
}

function isoNs(ns: bigint): string {
  const fraction = String(ns % 1_000_000_000n).padStart(9, '0');
  return new Date(Number(ns / 1_000_000n)).toISOString().replace(/\.\d+Z$/, `.${fraction}Z`);
}

function updateText(counts: RecordedCounts): string {
  return listed(
    [counts.added, 'orders added'], [counts.executed, 'executed'], [counts.reduced, 'reduced'],
    [counts.removed, 'removed'], [counts.replaced, 'replaced'], [counts.trades, 'other trades'],
  );
}

function oddText(counts: RecordedCounts): string {
  return listed(
    [counts.unknown, 'names of orders never announced'], [counts.excess, 'of more than was open'],
    [counts.duplicates, 'announced twice'], [counts.refused, 'refused'],
  );
}

function bookLines(
  view: MarketView, book: number, name: string, levels: number, price: (ticks: number) => string,
  qty: (lots: bigint) => string = String,
): Lines {
  if (levels === 0) return [];
  const { bids, asks } = view.depth(book, levels);
  const side = (rows: typeof bids): string => (rows.length === 0 ? 'none'
    : rows.map((row) => `${price(row.price)} × ${qty(row.qty)}`).join(' · '));
  return [[`bids of ${name}`, side(bids)], [`asks of ${name}`, side(asks)]];
}

// ── ITCH ───────────────────────────────────────────────────────────────────────────────────────────

async function examineItch(path: string, options: ExamineOptions, captured: boolean): Promise<RecordingReport> {
  const source = new RecordingSource(path);
  const { symbols } = options;
  const books = new ItchBooks({ ordersMax: ORDERS_MAX, ...(symbols === undefined ? {} : { symbols }) });
  const reader = new ItchReader((view, at) => void books.onMessage(view, at));
  const capture = captured ? new MoldCapture(path, (blocks) => reader.push(blocks)) : null;
  try {
    await readAll(source, (piece) => (capture ?? reader).push(piece), options, () => reader.messages);
    capture?.finish();
    reader.finish();
  } catch (error) {
    if (error instanceof ItchError) throw new RecordingError(path, -1, error.message);
    throw error;
  }
  const report = itchReport(source, reader, books, options);
  return capture === null ? report : withCapture(report, capture.counts);
}

/** What the packets were, behind the file and its format; a message that never came is a fault. */
function withCapture(report: RecordingReport, counts: MoldCounts): RecordingReport {
  const packets = listed(
    [counts.datagrams, 'datagrams of MoldUDP64'], [counts.others, 'other packets'], [counts.repeated, 'messages again'],
    [counts.missing, 'missing'],
  );
  return {
    lines: [...report.lines.slice(0, 2), ['packets', packets], ...report.lines.slice(2)],
    faults: [...report.faults, ...(counts.missing > 0 ? [`${grouped(counts.missing)} messages that never came`] : [])],
    json: { ...report.json, format: 'pcap', capture: counts },
  };
}

function itchReport(
  source: RecordingSource, reader: ItchReader, books: ItchBooks, options: ExamineOptions,
): RecordingReport {
  const { counts, view, ordersPeak } = books.books;
  const busiest = books.instruments.toSorted((a, b) => b.messages - a.messages).slice(0, INSTRUMENTS_SHOWN);
  const types = Array.from(books.byType.entries()).filter(([, count]) => count > 0)
    .toSorted((a, b) => b[1] - a[1]).map(([type, count]) => [String.fromCharCode(type), count] as const);
  const crossed = books.instruments.reduce((sum, instrument) => sum + instrument.crossedMoments, 0);
  const lines: Lines = [
    ...fileLines(source, 'NASDAQ ITCH 5.0'),
    ['messages', `${grouped(reader.messages)}${reader.unknown > 0 ? `, ${grouped(reader.unknown)} of types that are not known` : ''}`],
    ['types', types.map(([type, count]) => `${type} ${grouped(count)}`).join(' · ')],
    ['time', `${clockText(books.firstTimeNs)} … ${clockText(books.lastTimeNs)} of the day`],
    ['stocks', `${grouped(books.instruments.length)}${books.left > 0 ? ` (${grouped(books.left)} found no place: name those you want with --symbol)` : ''}`
      + `; busiest: ${busiest.map(({ symbol, messages }) => `${symbol} ${grouped(messages)}`).join(' · ')}`],
    ['updates', updateText(counts)],
    ['odd', oddText(counts)],
    ['orders', `${grouped(view.ordersLive)} at the end, ${grouped(ordersPeak)} at most`],
    ...(crossed > 0 ? [['crossed', `${grouped(crossed)} moments within market hours`] as [string, string]] : []),
  ];
  for (const { symbol, messages } of busiest.slice(0, 1)) {
    if (messages > 0) lines.push(...bookLines(view, books.bookOf(symbol), symbol, options.levels, (ticks) => formatDecimal(BigInt(ticks), ITCH_DECIMALS)));
  }
  const faults = [
    ...(counts.excess > 0 ? [`${grouped(counts.excess)} executions or cancels of more than was open`] : []),
    ...(counts.duplicates > 0 ? [`${grouped(counts.duplicates)} orders announced twice`] : []),
    ...(books.timesBack > 0 ? [`${grouped(books.timesBack)} times that go back`] : []),
  ];
  return {
    lines, faults,
    json: {
      format: 'itch', messages: reader.messages, unknownTypes: reader.unknown, types: Object.fromEntries(types),
      stocks: books.instruments.length, counts, ordersAtEnd: view.ordersLive, ordersPeak, crossedMoments: crossed,
      firstTimeNs: books.firstTimeNs, lastTimeNs: books.lastTimeNs,
    },
  };
}

// ── DBN ────────────────────────────────────────────────────────────────────────────────────────────

async function examineDbn(path: string, options: ExamineOptions): Promise<RecordingReport> {
  const source = new RecordingSource(path);
  const books = new DbnBooks(ORDERS_MAX);
  const types = new Map<number, number>();
  let [first, last] = [0n, 0n];
  const reader = new DbnReader(path, (view, at) => {
    const type = Dbn.type(view, at);
    types.set(type, (types.get(type) ?? 0) + 1);
    last = Dbn.eventNs(view, at);
    if (first === 0n) first = last;
    books.onRecord(view, at);
  });
  await readAll(source, (piece) => reader.push(piece), options, () => reader.records);
  reader.finish();
  const { metadata } = reader;
  const { counts, view, ordersPeak } = books.books;
  const { fills } = books;
  const names = new Map(metadata?.mappings.flatMap(({ symbol, intervals }) => intervals.map(({ name }) => [name, symbol] as const)));
  const typeCounts = [...types].map(([type, count]) => [dbnTypeName(type), count] as const);
  const lines: Lines = [
    ...fileLines(source, `Databento DBN ${metadata?.version}, ${metadata?.dataset}, ${metadata?.schema}`),
    ['records', `${grouped(reader.records)}: ${typeCounts.map(([name, count]) => `${name} ${grouped(count)}`).join(' · ')}`],
    ['time', reader.records === 0 ? 'none' : `${isoNs(first)} … ${isoNs(last)}`],
    ['symbols', metadata?.symbols.join(', ') || 'none'],
  ];
  if (books.instruments.length > 0) {
    lines.push(
      ['updates', updateText(counts)], ['odd', oddText(counts)],
      ['orders', `${grouped(view.ordersLive)} at the end, ${grouped(ordersPeak)} at most`],
      ['checked', `${grouped(fills.met)} of ${grouped(fills.fills)} fills met their resting order; `
        + `${grouped(fills.crossed)} of ${grouped(fills.events)} events ended with a crossed book`],
    );
    const [{ id, unit }] = books.instruments;
    const price = (ticks: number): string => formatDecimal(BigInt(ticks), 9 - Math.round(Math.log10(unit || 1)));
    lines.push(...bookLines(view, 0, names.get(String(id)) ?? String(id), options.levels, price));
  }
  const faults = [
    ...(fills.met < fills.fills ? [`${grouped(fills.fills - fills.met)} fills met no such order`] : []),
    ...(fills.crossed > 0 ? [`${grouped(fills.crossed)} events ended with a crossed book`] : []),
    ...(counts.excess > 0 ? [`${grouped(counts.excess)} cancels of more than was open`] : []),
  ];
  return {
    lines, faults,
    json: {
      format: 'dbn', version: metadata?.version, dataset: metadata?.dataset, schema: metadata?.schema,
      symbols: metadata?.symbols, records: reader.records, types: Object.fromEntries(typeCounts), counts, fills,
      ordersAtEnd: view.ordersLive, ordersPeak,
    },
  };
}

// ── Binance ────────────────────────────────────────────────────────────────────────────────────────

async function examineBinance(path: string, options: ExamineOptions): Promise<RecordingReport> {
  const source = new RecordingSource(path);
  const book = new BinanceBook(path, BINANCE_DECIMALS);
  const lines = new LineReader(path, (line) => book.line(line));
  await readAll(source, (piece) => lines.push(piece), options, () => book.lines);
  lines.finish();
  book.finish();
  const { counts } = book;
  const price = (ticks: number): string => formatDecimal(BigInt(ticks), BINANCE_DECIMALS.priceDecimals);
  return {
    lines: [
      ...fileLines(source, 'Binance streams as received'),
      ['messages', listed(
        [counts.differences, 'differences'], [counts.tickers, 'best prices'], [counts.trades, 'trades'],
        [counts.snapshots, 'snapshots'], [counts.others, 'others'],
      )],
      ['time', `${isoNs(book.firstTimeNs)} … ${isoNs(book.lastTimeNs)}, received`],
      ['differences', listed([counts.applied, 'applied'], [counts.stale, 'older than the snapshot'], [counts.gaps, 'gaps'])],
      ['checked', `${grouped(counts.agreed)} of ${grouped(counts.compared)} books equal the stream of best prices in price and quantity`],
      ...bookLines(book.view, 0, 'the book', options.levels, price, (lots) => formatDecimal(lots, BINANCE_DECIMALS.qtyDecimals)),
    ],
    faults: [
      ...(counts.agreed < counts.compared
        ? [`${grouped(counts.compared - counts.agreed)} books differ from the stream of best prices: ${book.disagreements[0]}`] : []),
      ...(counts.gaps > 0 ? [`${counted(counts.gaps, 'gap')} between differences`] : []),
    ],
    json: { format: 'binance', counts: { lines: book.lines, ...counts } },
  };
}

// ── LOBSTER ────────────────────────────────────────────────────────────────────────────────────────

function examineLobster(path: string): RecordingReport {
  const source = new RecordingSource(path);
  if (source.packing !== 'none') throw new RecordingError(path, -1, `is packed with ${source.packing}: unpack it first`);
  const byType: Record<string, number> = {};
  const names = new Map(Object.entries(LobsterType).map(([name, type]) => [type as number, name]));
  const messages = new LobsterMessages(path);
  let [count, first] = [0, 0];
  while (messages.next()) {
    if (count++ === 0) first = messages.timeNs;
    const name = names.get(messages.type) ?? '';
    byType[name] = (byType[name] ?? 0) + 1;
  }
  const bookPath = bookBeside(path);
  const report = bookPath === null ? null : checkLobster({
    messagesPath: path, bookPath, engine: new MatchingEngine(LOBSTER_ENGINE_CONFIG),
  });
  return {
    lines: [
      ...fileLines(source, 'LOBSTER messages'),
      ['messages', `${grouped(count)}: ${Object.entries(byType).map(([name, n]) => `${name} ${grouped(n)}`).join(' · ')}`],
      ['time', `${clockText(first)} … ${clockText(messages.timeNs)} of the day`],
      ['checked', report === null ? 'nothing: there is no order book file beside it'
        : `${grouped(report.transitionsAgreed)} of ${grouped(report.transitions)} transitions agree with the order book file`],
    ],
    faults: report === null || lobsterAgrees(report) ? [] : ['transitions differ: `outcry replay lobster` shows which'],
    json: { format: 'lobster', messages: count, byType, transitions: report?.transitions, transitionsAgreed: report?.transitionsAgreed },
  };
}
