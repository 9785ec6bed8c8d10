// A market data message as JSON by way of JSON.parse: any that is valid, and for one that is not what was expected. The
// slow way of market_message.ts, and its specification.
//
// Numbers are taken from the text that they were written as, never from the double that JSON.parse makes of it.
import { formatDecimal } from '../base/decimal.ts';
import { show } from './fields.ts';

/** Longer than any symbol of an exchange; text of people is longer. */
export const SYMBOL_BYTES_MAX = 32;
/** A price with more says nothing that a price could. */
export const PRICE_DECIMALS_MAX = 18;
/** A number as text is looked at up to here: 2^64 has 20 digits, and some zeros may stand before and behind. */
const NUMBER_CHARS_MAX = 64;
/** Beyond the range of a double, either way. */
const EXPONENT_MAX = 400;
/** Lists and objects inside each other, of fields that are passed over. */
export const DEPTH_MAX = 64;

/** Places in `numbers`. In a typed array: a number field that is written so often could be boxed anew each time. */
export const PRICE_MANTISSA = 0;
export const VOLUME = 1;
export const TIMESTAMP_SECONDS = 2;
export const TIMESTAMP_NANOS = 3;
export const MARKET_NUMBERS = 4;

/** What a message says. */
export interface MarketFields {
  readonly numbers: Float64Array;
  /** Digits of the mantissa behind the point. */
  priceDecimals: number;
  /** The symbol is symbolBytes[symbolStart … symbolEnd). */
  symbolBytes: Uint8Array;
  symbolStart: number;
  symbolEnd: number;
}

const U64_MAX = 2n ** 64n - 1n;
const NANOS = 1_000_000_000n;
const FATAL = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
const ENCODER = new TextEncoder();

/** Fills `into`; '' or why it cannot be. */
export function parseMarketText(bytes: Uint8Array, into: MarketFields): string {
  const fields = objectOf(bytes);
  if (typeof fields === 'string') return fields;
  return symbolInto(fields['symbol'], into) || priceInto(fields['price'], into)
    || volumeInto(fields['volume'], into) || timestampInto(fields['timestamp'], into);
}

/** A number with the text that it stood there as. */
class Written {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

function objectOf(bytes: Uint8Array): Record<string, unknown> | string {
  if (deeperThan(bytes, DEPTH_MAX)) return `expected at most ${DEPTH_MAX} levels of nesting, was more`;
  let value: unknown;
  try {
    value = JSON.parse(FATAL.decode(bytes), keepText);
  } catch (error) {
    return `expected a JSON object: ${(error as Error).message}`;
  }
  if (typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Written)) {
    return value as Record<string, unknown>;
  }
  return `expected a JSON object, was ${shown(value)}`;
}

function keepText(_key: string, value: unknown, context?: { readonly source?: string }): unknown {
  return typeof value === 'number' ? new Written(context?.source ?? String(value)) : value;
}

/** Brackets that are open at once, whether or not they fit each other. */
function deeperThan(bytes: Uint8Array, max: number): boolean {
  let depth = 0;
  let quoted = false;
  for (let i = 0; i < bytes.length; i++) {
    const byte = bytes[i];
    if (byte === 0x22) quoted = !quoted;
    else if (quoted && byte === 0x5c) i++;
    else if (!quoted && (byte | 0x20) === 0x7b && ++depth > max) return true;
    else if (!quoted && (byte | 0x20) === 0x7d) depth--;
  }
  return false;
}

function symbolInto(value: unknown, into: MarketFields): string {
  if (typeof value === 'string' && value.isWellFormed()) {
    const bytes = ENCODER.encode(value);
    if (bytes.length >= 1 && bytes.length <= SYMBOL_BYTES_MAX) {
      into.symbolBytes = bytes;
      into.symbolStart = 0;
      into.symbolEnd = bytes.length;
      return '';
    }
  }
  return `symbol: expected text of 1 to ${SYMBOL_BYTES_MAX} bytes, was ${shown(value)}`;
}

function priceInto(value: unknown, into: MarketFields): string {
  const decimal = typeof value === 'string' && !/e/i.test(value) ? decimalOf(value) : numberOf(value);
  const expected = `price: expected a number below 2^53 of 10^-decimals, with at most ${PRICE_DECIMALS_MAX} decimals`;
  if (decimal === null || !Number.isSafeInteger(Number(decimal.mantissa)) || decimal.decimals > PRICE_DECIMALS_MAX) {
    return `${expected}, was ${shown(value)}`;
  }
  into.numbers[PRICE_MANTISSA] = Number(decimal.mantissa);
  into.priceDecimals = decimal.decimals;
  return '';
}

function volumeInto(value: unknown, into: MarketFields): string {
  const volume = wholeOf(value);
  if (volume === null || volume > BigInt(Number.MAX_SAFE_INTEGER)) {
    return `volume: expected a whole number below 2^53, was ${shown(value)}`;
  }
  into.numbers[VOLUME] = Number(volume);
  return '';
}

function timestampInto(value: unknown, into: MarketFields): string {
  const timestamp = wholeOf(value);
  if (timestamp === null || timestamp > U64_MAX) {
    return `timestamp: expected nanoseconds since 1970 below 2^64, was ${shown(value)}`;
  }
  into.numbers[TIMESTAMP_SECONDS] = Number(timestamp / NANOS);
  into.numbers[TIMESTAMP_NANOS] = Number(timestamp % NANOS);
  return '';
}

interface Decimal {
  readonly mantissa: bigint;
  /** Without zeros at the end. */
  readonly decimals: number;
}

function numberOf(value: unknown): Decimal | null {
  return value instanceof Written ? decimalOf(value.text) : null;
}

/** 0 and more; null: it is none. */
function wholeOf(value: unknown): bigint | null {
  const decimal = numberOf(value);
  if (decimal === null || decimal.mantissa < 0n) return null;
  const scale = 10n ** BigInt(decimal.decimals);
  return decimal.mantissa % scale === 0n ? decimal.mantissa / scale : null;
}

/** A number as JSON writes it. */
function decimalOf(text: string): Decimal | null {
  if (text.length > NUMBER_CHARS_MAX) return null;
  const parts = /^(-?)(0|[1-9]\d*)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/.exec(text);
  if (parts === null) return null;
  const [, sign, whole, fraction = '', exponent = '0'] = parts;
  let mantissa = BigInt(sign + whole + fraction);
  if (mantissa === 0n) return { mantissa, decimals: 0 };
  if (Math.abs(Number(exponent)) > EXPONENT_MAX) return null;
  let decimals = fraction.length - Number(exponent);
  for (; decimals > 0 && mantissa % 10n === 0n; decimals--) mantissa /= 10n;
  return decimals >= 0 ? { mantissa, decimals } : { mantissa: mantissa * 10n ** BigInt(-decimals), decimals: 0 };
}

function shown(value: unknown): string {
  return value instanceof Written ? value.text.slice(0, NUMBER_CHARS_MAX) : show(value);
}

// ── writing ────────────────────────────────────────────────────────────────────────────────────

/** Exact decimal text of mantissa / 10^decimals. */
export function decimalText(mantissa: number, decimals: number): string {
  return formatDecimal(BigInt(mantissa), decimals);
}

/** The timestamp as digits. */
export function timestampText(numbers: Float64Array): string {
  return String(BigInt(numbers[TIMESTAMP_SECONDS]) * NANOS + BigInt(numbers[TIMESTAMP_NANOS]));
}
