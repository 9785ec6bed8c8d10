// Readers of LOBSTER's two files: NASDAQ order flow of one stock and day as text.
//
//   messages   seconds after midnight, type, order id, size, price × 10,000, direction [, owner]
//              34200.18960767,1,11885113,21,2238100,1
//   order book after each message, best first; a side with fewer levels is filled with size 0
//              ask price, ask size, bid price, bid size, ask price 2, …
//
// Row n of one belongs to row n of the other. Both are read, from a file or from memory, in pieces and in place: a row is parsed
// from bytes to integers, without strings and without floating point (the time's fraction has up to
// nine digits, so a time is an integer number of nanoseconds, exact below 2^53). The fields of the
// current row stand in the reader until `next` is called again; nothing is allocated per row.
//
// Order: a file's own; times that go back are refused. Cost: about 10 million fields a second.
// Limits: a line of at most 64 KiB; numbers of at most 15 digits. A malformed row throws a
// LobsterError that names file, line, column, what was expected and what stood there. The last line
// may lack its line feed, as LOBSTER's own samples do; a file cut within its last number can
// therefore look whole, and only the comparison of both files (lobster_book.ts) shows it.
import { closeSync, openSync, readSync } from 'node:fs';

export const LobsterType = {
  New: 1,
  PartialCancel: 2,
  Delete: 3,
  Execution: 4,
  HiddenExecution: 5,
  Cross: 6,
  Halt: 7,
} as const;
export type LobsterType = (typeof LobsterType)[keyof typeof LobsterType];

/** The `price` of a halt message says what happens. */
export const LobsterHalt = { Halted: -1, Quoting: 0, Trading: 1 } as const;

/** Recorded prices are dollars times this. */
export const LOBSTER_PRICE_SCALE = 10_000;

/** A row that is not what it should be. */
export class LobsterError extends Error {
  override readonly name = 'LobsterError';
  readonly path: string;
  readonly line: number;

  constructor(path: string, line: number, what: string) {
    super(`${path}:${line}: ${what}`);
    this.path = path;
    this.line = line;
  }
}

const READ_BYTES = 256 * 1024;
const LINE_BYTES_MAX = 64 * 1024;
const DIGITS_MAX = 15;
/** Sizes are u32; the largest value means none elsewhere. */
const SIZE_MAX = 0xffff_fffe;
/** Length of a piece of a bad row that a message shows. */
const SHOWN_CHARS_MAX = 40;

const COMMA = 0x2c;
const LINE_FEED = 0x0a;
const CARRIAGE_RETURN = 0x0d;
const MINUS = 0x2d;
const DOT = 0x2e;
const ZERO = 0x30;

const NS_DIGITS = 9;
const NS_PER_S = 1_000_000_000;
const SECONDS_PER_DAY = 86_400;

/** Lines of comma-separated integers, one after the other out of a file. */
class CsvLines {
  readonly path: string;
  /** Number of the current line, from 1. */
  line = 0;
  /** −1: closed, or in memory. */
  #file: number;
  readonly #content: Uint8Array | null;
  #contentAt = 0;
  readonly #bytes = new Uint8Array(READ_BYTES + LINE_BYTES_MAX);
  /** Bytes [#next … #end) have been read and not yet been handed out. */
  #next = 0;
  #end = 0;
  #atEnd = false;
  /**
   * The current line is [#lineStart … #lineEnd); the next field begins at #at; −1: none is left.
   */
  #lineStart = 0;
  #lineEnd = 0;
  #at = -1;
  #column = 0;

  constructor(path: string, content: Uint8Array | null) {
    this.path = path;
    this.#content = content;
    this.#file = content === null ? openSync(path, 'r') : -1;
  }

  close(): void {
    if (this.#file < 0) return;
    closeSync(this.#file);
    this.#file = -1;
  }

  /**
   * Moves to the next line; false at the end of the file. Empty lines are allowed at the end only.
   */
  next(): boolean {
    let lineFeed = this.#findLineFeed(this.#next);
    while (lineFeed < 0 && !this.#atEnd) {
      const seen = this.#end - this.#next;
      this.#fill();
      lineFeed = this.#findLineFeed(this.#next + seen);
    }
    if (lineFeed < 0 && this.#next === this.#end) return false;
    this.line++;
    this.#lineStart = this.#next;
    this.#lineEnd = lineFeed < 0 ? this.#end : lineFeed;
    this.#next = lineFeed < 0 ? this.#end : lineFeed + 1;
    if (this.#lineEnd > this.#lineStart && this.#bytes[this.#lineEnd - 1] === CARRIAGE_RETURN)
      this.#lineEnd--;
    if (this.#lineEnd === this.#lineStart) {
      if (this.next())
        throw new LobsterError(this.path, this.line - 1, 'expected a row, was an empty line');
      return false;
    }
    this.#at = this.#lineStart;
    this.#column = 0;
    return true;
  }

  get hasField(): boolean {
    return this.#at >= 0;
  }

  /** The next field as an integer. */
  integer(name: string): number {
    const start = this.#beginField(name);
    const bytes = this.#bytes;
    const end = this.#lineEnd;
    let at = start;
    const negative = at < end && bytes[at] === MINUS;
    if (negative) at++;
    const first = at;
    let value = 0;
    while (at < end) {
      const digit = bytes[at] - ZERO;
      if (digit < 0 || digit > 9) break;
      value = value * 10 + digit;
      at++;
    }
    if (at === first || at - first > DIGITS_MAX || (at < end && bytes[at] !== COMMA)) {
      this.#refuse(name, `an integer of at most ${DIGITS_MAX} digits`, start);
    }
    this.#endField(at);
    return negative && value !== 0 ? -value : value;
  }

  /** The next field, seconds with up to nine decimals, as nanoseconds. */
  nanoseconds(name: string): number {
    const start = this.#beginField(name);
    const bytes = this.#bytes;
    const end = this.#lineEnd;
    let at = start;
    let seconds = 0;
    while (at < end && isDigit(bytes[at]) && seconds < SECONDS_PER_DAY)
      seconds = seconds * 10 + bytes[at++] - ZERO;
    let good = at > start && seconds < SECONDS_PER_DAY;
    let fraction = 0;
    if (good && at < end && bytes[at] === DOT) {
      const first = ++at;
      while (at < end && isDigit(bytes[at]) && at - first < NS_DIGITS)
        fraction = fraction * 10 + bytes[at++] - ZERO;
      good = at > first;
      for (let digits = at - first; digits < NS_DIGITS; digits++) fraction *= 10;
    }
    if (!good || (at < end && bytes[at] !== COMMA)) {
      this.#refuse(name, 'seconds of a day with at most nine decimals', start);
    }
    this.#endField(at);
    return seconds * NS_PER_S + fraction;
  }

  /** Takes the next field, whatever it holds. */
  skip(name: string): void {
    let at = this.#beginField(name);
    while (at < this.#lineEnd && this.#bytes[at] !== COMMA) at++;
    this.#endField(at);
  }

  /** Refuses the line when a field is left. */
  expectEnd(columns: number): void {
    if (this.#at < 0) return;
    let count = this.#column;
    for (let at = this.#at - 1; at < this.#lineEnd; at++) if (this.#bytes[at] === COMMA) count++;
    throw new LobsterError(this.path, this.line, `expected ${columns} columns, was ${count}`);
  }

  fail(what: string): never {
    throw new LobsterError(this.path, this.line, what);
  }

  /** Columns of the current line. */
  countColumns(): number {
    let count = 1;
    for (let at = this.#lineStart; at < this.#lineEnd; at++) if (this.#bytes[at] === COMMA) count++;
    return count;
  }

  #beginField(name: string): number {
    this.#column++;
    if (this.#at < 0)
      this.fail(`column ${this.#column} (${name}): expected a value, was the end of the line`);
    return this.#at;
  }

  #endField(at: number): void {
    this.#at = at < this.#lineEnd ? at + 1 : -1;
  }

  #refuse(name: string, expected: string, start: number): never {
    let end = start;
    while (end < this.#lineEnd && this.#bytes[end] !== COMMA) end++;
    const text = String.fromCharCode(...this.#bytes.subarray(start, Math.min(end, start + SHOWN_CHARS_MAX)));
    const shown = JSON.stringify(end - start > SHOWN_CHARS_MAX ? `${text}…` : text);
    this.fail(`column ${this.#column} (${name}): expected ${expected}, was ${shown}`);
  }

  #findLineFeed(from: number): number {
    const at = this.#bytes.indexOf(LINE_FEED, from);
    return at >= 0 && at < this.#end ? at : -1;
  }

  #fill(): void {
    const kept = this.#end - this.#next;
    if (kept > LINE_BYTES_MAX) {
      throw new LobsterError(
        this.path,
        this.line + 1,
        `expected a line of at most ${LINE_BYTES_MAX} bytes, was a longer one`,
      );
    }
    this.#bytes.copyWithin(0, this.#next, this.#end);
    this.#next = 0;
    this.#end = kept;
    const length = this.#content === null ? this.#readFile(kept) : this.#copy(this.#content, kept);
    this.#end += length;
    if (length > 0) return;
    this.#atEnd = true;
    this.close();
  }

  #readFile(to: number): number {
    return this.#file < 0 ? 0 : readSync(this.#file, this.#bytes, to, READ_BYTES, null);
  }

  #copy(content: Uint8Array, to: number): number {
    const part = content.subarray(this.#contentAt, this.#contentAt + READ_BYTES);
    this.#bytes.set(part, to);
    this.#contentAt += part.length;
    return part.length;
  }
}

function isLobsterType(type: number): type is LobsterType {
  return type >= LobsterType.New && type <= LobsterType.Halt;
}

function isDigit(byte: number): boolean {
  return byte >= ZERO && byte <= ZERO + 9;
}

/** Rows of a message file; the current one stands in the fields. */
export class LobsterMessages {
  /** Nanoseconds after midnight. */
  timeNs = 0;
  type: LobsterType = LobsterType.New;
  /** 0 for hidden executions, crosses and halts that name no order. */
  orderId = 0;
  size = 0;
  /** Dollars × 10,000; of a halt one of `LobsterHalt`. */
  price = 0;
  /** +1: the order is a buy, −1: a sell. An execution has the direction of the resting order. */
  direction = 1;
  readonly #lines: CsvLines;

  /** `content`: the file's, where it is in memory; the path then is its name only. */
  constructor(path: string, content: Uint8Array | null = null) {
    this.#lines = new CsvLines(path, content);
  }

  get path(): string {
    return this.#lines.path;
  }

  /** Line of the current row, from 1. */
  get line(): number {
    return this.#lines.line;
  }

  /** Reads the next row; false at the end. */
  next(): boolean {
    const lines: CsvLines = this.#lines;
    if (!lines.next()) return false;
    const timeNs = lines.nanoseconds('time');
    const type = lines.integer('type');
    const orderId = lines.integer('order id');
    const size = lines.integer('size');
    const price = lines.integer('price');
    const direction = lines.integer('direction');
    if (lines.hasField) lines.skip('owner');
    lines.expectEnd(6);
    if (timeNs < this.timeNs)
      lines.fail(`column 1 (time): expected not before ${this.timeNs} ns, was ${timeNs} ns`);
    if (!isLobsterType(type)) lines.fail(`column 2 (type): expected 1 … 7, was ${type}`);
    if (direction !== 1 && direction !== -1)
      lines.fail(`column 6 (direction): expected 1 or -1, was ${direction}`);
    if (type === LobsterType.Halt) {
      if (price < -1 || price > 1)
        lines.fail(`column 5 (price): expected -1, 0 or 1 in a halt, was ${price}`);
    } else {
      if (type <= LobsterType.Execution && orderId <= 0)
        lines.fail(`column 3 (order id): expected above 0, was ${orderId}`);
      if (size <= 0 || size > SIZE_MAX)
        lines.fail(`column 4 (size): expected 1 … ${SIZE_MAX}, was ${size}`);
      if (price <= 0) lines.fail(`column 5 (price): expected above 0, was ${price}`);
    }
    this.timeNs = timeNs;
    this.type = type;
    this.orderId = orderId;
    this.size = size;
    this.price = price;
    this.direction = direction;
    return true;
  }

  close(): void {
    this.#lines.close();
  }
}

/** One side of a row of the book file, best first. */
export interface LobsterSide {
  /** Levels that hold something, 0 … levelsMax. */
  levels: number;
  readonly price: Float64Array;
  readonly size: Float64Array;
}

/** Rows of a book file; the current one stands in `asks` and `bids`. */
export class LobsterBookRows {
  /** Levels a side that the file shows; known after the first row. */
  levelsMax = 0;
  asks: LobsterSide = emptySide(0);
  bids: LobsterSide = emptySide(0);
  readonly #lines: CsvLines;

  /** `content`: the file's, where it is in memory; the path then is its name only. */
  constructor(path: string, content: Uint8Array | null = null) {
    this.#lines = new CsvLines(path, content);
  }

  get path(): string {
    return this.#lines.path;
  }

  get line(): number {
    return this.#lines.line;
  }

  /** Reads the next row; false at the end. */
  next(): boolean {
    const lines = this.#lines;
    if (!lines.next()) return false;
    if (this.levelsMax === 0) this.#learnLevels();
    const { asks, bids } = this;
    asks.levels = bids.levels = 0;
    for (let level = 0; level < this.levelsMax; level++) {
      this.#readLevel(asks, level, 'ask', 1);
      this.#readLevel(bids, level, 'bid', -1);
    }
    lines.expectEnd(this.levelsMax * 4);
    return true;
  }

  close(): void {
    this.#lines.close();
  }

  #learnLevels(): void {
    const columns = this.#lines.countColumns();
    if (columns % 4 !== 0)
      this.#lines.fail(
        `expected four columns a level, was ${columns} columns: is this an order book file?`,
      );
    this.levelsMax = columns / 4;
    this.asks = emptySide(this.levelsMax);
    this.bids = emptySide(this.levelsMax);
  }

  /** `outwards` is the sign of the step from a level to the one behind it. */
  #readLevel(side: LobsterSide, level: number, name: string, outwards: number): void {
    const lines = this.#lines;
    const price = lines.integer(`${name} price ${level + 1}`);
    const size = lines.integer(`${name} size ${level + 1}`);
    if (size < 0) lines.fail(`${name} size ${level + 1}: expected at least 0, was ${size}`);
    if (size === 0) return;
    if (side.levels !== level)
      lines.fail(`${name} level ${level + 1}: expected size 0 behind an empty level, was ${size}`);
    if (level > 0 && (price - side.price[level - 1]) * outwards <= 0) {
      lines.fail(
        `${name} price ${level + 1}: expected behind ${side.price[level - 1]}, was ${price}`,
      );
    }
    side.price[level] = price;
    side.size[level] = size;
    side.levels = level + 1;
  }
}

/** A side for copies of rows. */
export function emptySide(levelsMax: number): LobsterSide {
  return { levels: 0, price: new Float64Array(levelsMax), size: new Float64Array(levelsMax) };
}
