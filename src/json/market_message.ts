// A market data message as JSON, read from bytes:
//
//   {"symbol":"T1","price":"100.25","volume":5,"timestamp":1700000000123456789}
//
//   symbol      text of 1 … SYMBOL_BYTES_MAX bytes of UTF-8
//   price       a number, or the same as text; becomes mantissa and decimals, exactly: 10025 and 2
//   volume      a whole number, below 2^53
//   timestamp   nanoseconds since 1970, below 2^64: becomes seconds and the nanoseconds behind them
//
// Fields come in any order; of two with one name the last counts; others are passed over. What JSON.parse would not
// take is not taken here, and what both take is the same: mantissa / 10^decimals is the number that JSON.parse makes, to
// the last bit (dividing two exact doubles rounds once, as reading the text does).
//
// Two ways through: plain messages are read in one pass over their bytes; whatever is unusual (an escape, an exponent, a
// letter beyond ASCII, more than SHORT_DIGITS digits, another field, and every mistake) goes to JSON.parse
// (market_message_text.ts), which has the last word. A fuzzer holds the two together (test/fuzz/json_targets.ts).
//
// Cost: about a nanosecond a byte and no allocation on the plain way; microseconds and garbage on the other. Limits: the
// results stand until the next `read`; the symbol's bytes stay where they were received.
import {
  MARKET_NUMBERS, type MarketFields, parseMarketText, PRICE_MANTISSA, SYMBOL_BYTES_MAX, TIMESTAMP_NANOS,
  TIMESTAMP_SECONDS, VOLUME,
} from './market_message_text.ts';

/** Digits whose number is exact as a double whatever they are. */
export const SHORT_DIGITS = 15;
/** Digits that fit 32 bits with a sign; also those of the nanoseconds of a second. */
const WORD_DIGITS = 9;
const WORD = 1_000_000_000;
/** Below 10^19, which fits 64 bits. */
const TIMESTAMP_DIGITS = 19;
const POWERS = Float64Array.from({ length: SHORT_DIGITS + 1 }, (_, power) => 10 ** power);

const TAB = 0x09;
const NEWLINE = 0x0a;
const RETURN = 0x0d;
const SPACE = 0x20;
const QUOTE = 0x22;
const COMMA = 0x2c;
const MINUS = 0x2d;
const POINT = 0x2e;
const DIGIT_0 = 0x30;
const COLON = 0x3a;
const BACKSLASH = 0x5c;
const OPEN = 0x7b;
const CLOSE = 0x7d;
const DELETE = 0x7f;

/** Fields by number. */
const SYMBOL_FIELD = 0;
const PRICE_FIELD = 1;
const VOLUME_FIELD = 2;
const TIMESTAMP_FIELD = 3;
const FIELD_BYTES = Int32Array.of(7, 6, 7, 10); // with the closing quote
const ALL_FIELDS = (1 << FIELD_BYTES.length) - 1;
const UNUSUAL = -1;

export class MarketMessage implements MarketFields {
  readonly numbers = new Float64Array(MARKET_NUMBERS);
  /** Digits of the mantissa behind the point. */
  priceDecimals = 0;
  /** The symbol is symbolBytes[symbolStart … symbolEnd). */
  symbolBytes: Uint8Array = EMPTY;
  symbolStart = 0;
  symbolEnd = 0;
  /** Why the last message was refused, '' when it was not. */
  fault = '';
  /** Messages that did not go the plain way. */
  unusual = 0;

  /** Reads bytes[start … end), one message. False: `fault` says what was expected and what came. */
  read(bytes: Uint8Array, start: number, end: number): boolean {
    if (this.readPlain(bytes, start, end)) return true;
    this.unusual++;
    this.fault = parseMarketText(bytes.subarray(start, end), this);
    return this.fault === '';
  }

  /** The plain way alone. False: it is unusual, or no such message at all. */
  readPlain(bytes: Uint8Array, start: number, end: number): boolean {
    this.fault = '';
    return this.#scan(bytes, start, end);
  }

  get symbol(): string {
    return DECODER.decode(this.symbolBytes.subarray(this.symbolStart, this.symbolEnd));
  }

  #scan(bytes: Uint8Array, start: number, end: number): boolean {
    let at = afterSpace(bytes, start, end);
    if (bytes[at] !== OPEN) return false;
    let seen = 0;
    do {
      at = afterSpace(bytes, at + 1, end);
      if (bytes[at] !== QUOTE) return false;
      const field = fieldAt(bytes, at + 1);
      if (field === UNUSUAL) return false;
      seen |= 1 << field;
      at = afterSpace(bytes, at + 1 + FIELD_BYTES[field], end);
      if (bytes[at] !== COLON) return false;
      at = this.#value(bytes, afterSpace(bytes, at + 1, end), end, field);
      if (at === UNUSUAL) return false;
      at = afterSpace(bytes, at, end);
    } while (bytes[at] === COMMA);
    // What stands behind `end` is another message: whoever has read on has not ended there.
    return bytes[at] === CLOSE && seen === ALL_FIELDS && afterSpace(bytes, at + 1, end) === end;
  }

  /** Each of these gives the place behind the value, or UNUSUAL. */
  #value(bytes: Uint8Array, at: number, end: number, field: number): number {
    switch (field) {
      case SYMBOL_FIELD: return this.#symbol(bytes, at, end);
      case PRICE_FIELD: return this.#price(bytes, at, end);
      case VOLUME_FIELD: return this.#volume(bytes, at, end);
      default: return this.#timestamp(bytes, at, end);
    }
  }

  #symbol(bytes: Uint8Array, at: number, end: number): number {
    if (bytes[at] !== QUOTE) return UNUSUAL;
    const start = at + 1;
    let to = start;
    while (to < end && bytes[to] !== QUOTE) {
      const byte = bytes[to];
      if (byte < SPACE || byte >= DELETE || byte === BACKSLASH) return UNUSUAL;
      to++;
    }
    if (to === start || to - start > SYMBOL_BYTES_MAX) return UNUSUAL;
    this.symbolBytes = bytes;
    this.symbolStart = start;
    this.symbolEnd = to;
    return to + 1;
  }

  #price(bytes: Uint8Array, at: number, end: number): number {
    if (bytes[at] !== QUOTE) return this.#decimal(bytes, at, end);
    const to = this.#decimal(bytes, at + 1, end);
    return to !== UNUSUAL && bytes[to] === QUOTE ? to + 1 : UNUSUAL;
  }

  #decimal(bytes: Uint8Array, at: number, end: number): number {
    const negative = bytes[at] === MINUS;
    const first = negative ? at + 1 : at;
    let to = digitsEnd(bytes, first, end);
    if (to === first || zeroLeads(bytes, first, to)) return UNUSUAL;
    let value = numberOf(bytes, first, to);
    let decimals = 0;
    if (bytes[to] === POINT) {
      const point = to;
      to = digitsEnd(bytes, point + 1, end);
      decimals = to - point - 1;
      // The point counts as a digit: less than could be is enough.
      if (decimals === 0 || to - first > SHORT_DIGITS) return UNUSUAL;
      value = value * POWERS[decimals] + numberOf(bytes, point + 1, to);
    } else if (to - first > SHORT_DIGITS) return UNUSUAL;
    this.numbers[PRICE_MANTISSA] = negative ? 0 - value : value;
    this.priceDecimals = decimals;
    return to;
  }

  #volume(bytes: Uint8Array, at: number, end: number): number {
    const to = digitsEnd(bytes, at, end);
    if (to === at || to - at > SHORT_DIGITS || zeroLeads(bytes, at, to)) return UNUSUAL;
    this.numbers[VOLUME] = numberOf(bytes, at, to);
    return to;
  }

  #timestamp(bytes: Uint8Array, at: number, end: number): number {
    const to = digitsEnd(bytes, at, end);
    if (to === at || to - at > TIMESTAMP_DIGITS || zeroLeads(bytes, at, to)) return UNUSUAL;
    const split = Math.max(at, to - WORD_DIGITS);
    this.numbers[TIMESTAMP_SECONDS] = numberOf(bytes, at, split);
    this.numbers[TIMESTAMP_NANOS] = wordOf(bytes, split, to);
    return to;
  }
}

const EMPTY = new Uint8Array(0);
const DECODER = new TextDecoder('utf-8', { ignoreBOM: true }); // a mark at the start of a symbol is part of it

/** First place from `at` on that is no white space, at most `end`; `at` itself when that is behind it. */
function afterSpace(bytes: Uint8Array, at: number, end: number): number {
  let to = at;
  while (to < end && isSpace(bytes[to])) to++;
  return to;
}

function isSpace(byte: number): boolean {
  return byte <= SPACE && (byte === SPACE || byte === NEWLINE || byte === RETURN || byte === TAB);
}

/** Which name stands at `at`, its closing quote included. Written out: half the time of a loop over the names. */
function fieldAt(bytes: Uint8Array, at: number): number {
  switch (bytes[at]) {
    case 0x73: // s
      return bytes[at + 1] === 0x79 && bytes[at + 2] === 0x6d && bytes[at + 3] === 0x62 && bytes[at + 4] === 0x6f
        && bytes[at + 5] === 0x6c && bytes[at + 6] === QUOTE ? SYMBOL_FIELD : UNUSUAL;
    case 0x70: // p
      return bytes[at + 1] === 0x72 && bytes[at + 2] === 0x69 && bytes[at + 3] === 0x63 && bytes[at + 4] === 0x65
        && bytes[at + 5] === QUOTE ? PRICE_FIELD : UNUSUAL;
    case 0x76: // v
      return bytes[at + 1] === 0x6f && bytes[at + 2] === 0x6c && bytes[at + 3] === 0x75 && bytes[at + 4] === 0x6d
        && bytes[at + 5] === 0x65 && bytes[at + 6] === QUOTE ? VOLUME_FIELD : UNUSUAL;
    case 0x74: // t
      return bytes[at + 1] === 0x69 && bytes[at + 2] === 0x6d && bytes[at + 3] === 0x65 && bytes[at + 4] === 0x73
        && bytes[at + 5] === 0x74 && bytes[at + 6] === 0x61 && bytes[at + 7] === 0x6d && bytes[at + 8] === 0x70
        && bytes[at + 9] === QUOTE ? TIMESTAMP_FIELD : UNUSUAL;
    default:
      return UNUSUAL;
  }
}

/** Behind the digits from `at` on. */
function digitsEnd(bytes: Uint8Array, at: number, end: number): number {
  let to = at;
  while (to < end && ((bytes[to] - DIGIT_0) >>> 0) <= 9) to++;
  return to;
}

/** In JSON a zero stands before others only behind a point. */
function zeroLeads(bytes: Uint8Array, at: number, to: number): boolean {
  return bytes[at] === DIGIT_0 && to > at + 1;
}

/** At most SHORT_DIGITS digits; 0 for none. */
function numberOf(bytes: Uint8Array, at: number, to: number): number {
  if (to - at <= WORD_DIGITS) return wordOf(bytes, at, to);
  const split = to - WORD_DIGITS;
  return wordOf(bytes, at, split) * WORD + wordOf(bytes, split, to);
}

/** At most WORD_DIGITS digits, in whole-number arithmetic of 32 bits. */
function wordOf(bytes: Uint8Array, at: number, to: number): number {
  let number = 0;
  for (let i = at; i < to; i++) number = (Math.imul(number, 10) + (bytes[i] - DIGIT_0)) | 0;
  return number;
}
