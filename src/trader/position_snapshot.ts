// The snapshot of the position keeper, as the client journal keeps it.
//
//   magic u32 | costing u32 (0 vwap, 1 fifo, 2 lifo) | books u32 | lots u32
//   book: ticker u32 | lots u32 | flags u32 (1 = exact) | 0 u32
//         | position, cost, cash, realised, fees, volume, fills: f64 each        its lots follow
//   lot:  quantity f64 | cost f64                                                oldest first
//
// Little-endian; books that never had a fill are left out. All numbers are whole and below 2^53.
// The journal's record around it has the checksum; what is checked here is what the numbers say.
// Not on the way of a message: reading and writing make objects.
import { assert } from '../base/assert.ts';

/** How the cost of a closed quantity is found. */
export type Costing = 'vwap' | 'fifo' | 'lifo';
/** In the order of their numbers in a snapshot. */
export const COSTINGS: readonly Costing[] = ['vwap', 'fifo', 'lifo'];

const MAGIC = 0x314b_504f; // "OPK1"
const NUMBERS = 7;
const FLAG_EXACT = 1;
export const SNAPSHOT_HEADER_BYTES = 16;
export const SNAPSHOT_BOOK_BYTES = 72;
export const SNAPSHOT_LOT_BYTES = 16;
assert(SNAPSHOT_BOOK_BYTES === 16 + 8 * NUMBERS, 'a book is its head and its numbers');

export interface SavedBook {
  readonly ticker: number;
  /** Its money is known. */
  readonly exact: boolean;
  /** position, cost, cash, realised, fees, volume, fills. */
  readonly numbers: readonly number[];
  readonly lots: readonly (readonly [qty: number, cost: number])[];
}

export function writeSnapshotHeader(view: DataView, at: number, costing: Costing, books: number, lots: number): void {
  view.setUint32(at, MAGIC, true);
  view.setUint32(at + 4, COSTINGS.indexOf(costing), true);
  view.setUint32(at + 8, books, true);
  view.setUint32(at + 12, lots, true);
}

/** Returns where the next one begins. */
export function writeSnapshotBook(view: DataView, at: number, book: SavedBook): number {
  view.setUint32(at, book.ticker, true);
  view.setUint32(at + 4, book.lots.length, true);
  view.setUint32(at + 8, book.exact ? FLAG_EXACT : 0, true);
  view.setUint32(at + 12, 0, true);
  for (const [i, number] of book.numbers.entries()) view.setFloat64(at + 16 + 8 * i, number, true);
  let end = at + SNAPSHOT_BOOK_BYTES;
  for (const [qty, cost] of book.lots) {
    view.setFloat64(end, qty, true);
    view.setFloat64(end + 8, cost, true);
    end += SNAPSHOT_LOT_BYTES;
  }
  return end;
}

/** All books of a snapshot. Throws a RangeError that says what was expected where the bytes are none. */
export function readSnapshot(
  view: DataView, at: number, length: number, positionMax: number, moneyMax: number,
): SavedBook[] {
  expect(length >= SNAPSHOT_HEADER_BYTES, `at least ${SNAPSHOT_HEADER_BYTES} bytes`, length);
  expect(view.getUint32(at, true) === MAGIC, `"OPK1" (${MAGIC}) first`, view.getUint32(at, true));
  const costing = view.getUint32(at + 4, true);
  expect(costing < COSTINGS.length, `a costing below ${COSTINGS.length}`, costing);
  const count = view.getUint32(at + 8, true);
  let lotsLeft = view.getUint32(at + 12, true);
  const bytes = SNAPSHOT_HEADER_BYTES + count * SNAPSHOT_BOOK_BYTES + lotsLeft * SNAPSHOT_LOT_BYTES;
  expect(length === bytes, `${bytes} bytes`, length);
  const books: SavedBook[] = [];
  const tickers = new Set<number>();
  for (let i = 0, from = at + SNAPSHOT_HEADER_BYTES; i < count; i++) {
    const lots = view.getUint32(from + 4, true);
    expect(lots <= lotsLeft, `at most ${lotsLeft} lots more`, lots);
    lotsLeft -= lots;
    const book = readBook(view, from, lots);
    expect(!tickers.has(book.ticker), `ticker ${book.ticker} once`, 'twice');
    tickers.add(book.ticker);
    checkNumbers(book, positionMax, moneyMax);
    books.push(book);
    from += SNAPSHOT_BOOK_BYTES + lots * SNAPSHOT_LOT_BYTES;
  }
  expect(lotsLeft === 0, 'every lot to belong to a book', `${lotsLeft} left`);
  return books;
}

function readBook(view: DataView, at: number, lotCount: number): SavedBook {
  return {
    ticker: view.getUint32(at, true),
    exact: (view.getUint32(at + 8, true) & FLAG_EXACT) !== 0,
    numbers: Array.from({ length: NUMBERS }, (_, i) => view.getFloat64(at + 16 + 8 * i, true)),
    lots: Array.from({ length: lotCount }, (_, i) => {
      const lot = at + SNAPSHOT_BOOK_BYTES + i * SNAPSHOT_LOT_BYTES;
      return [view.getFloat64(lot, true), view.getFloat64(lot + 8, true)] as const;
    }),
  };
}

function checkNumbers({ ticker, exact, numbers, lots }: SavedBook, positionMax: number, moneyMax: number): void {
  const of = `of ticker ${ticker}`;
  for (const number of numbers) expect(Number.isSafeInteger(number), `whole numbers ${of}`, number);
  const [position, cost, cash, realised, , volume, fills] = numbers;
  expect(Math.abs(position) <= positionMax, `a position ${of} of at most ${positionMax}`, position);
  expect(volume >= 0, `a volume ${of} of at least 0`, volume);
  expect(fills > 0, `fills ${of}`, fills);
  if (exact) {
    expect(Math.abs(cash) <= moneyMax, `cash ${of} of at most ${moneyMax}`, cash);
    expect(Math.abs(cost) <= moneyMax, `a cost ${of} of at most ${moneyMax}`, cost);
    expect(realised === cash + cost, `realised = cash + cost ${of}`, realised);
    expect(position !== 0 || cost === 0, `no cost ${of}, which is flat`, cost);
  }
  if (lots.length === 0) return;
  let qty = 0;
  let lotCosts = 0;
  for (const [lotQty, lotCost] of lots) {
    expect(Number.isSafeInteger(lotQty) && lotQty > 0, `lots ${of} with a quantity`, lotQty);
    expect(Number.isSafeInteger(lotCost), `lots ${of} with whole costs`, lotCost);
    qty += lotQty;
    lotCosts += lotCost;
  }
  expect(qty === Math.abs(position), `lots ${of} of ${Math.abs(position)} in all`, qty);
  expect(lotCosts * Math.sign(position) === cost, `lots ${of} that cost ${cost}`, lotCosts);
}

function expect(holds: boolean, expected: string, was: number | string): void {
  if (!holds) throw new RangeError(`positions of a snapshot: expected ${expected}, was ${was}`);
}
