// The judge of MarketMessage: JSON.parse as it is, whose numbers and text must be those of the message, to the last bit.
import assert from 'node:assert/strict';
import type { Prng } from '../base/prng.ts';
import { MarketMessage } from './market_message.ts';
import {
  DEPTH_MAX, PRICE_DECIMALS_MAX, PRICE_MANTISSA, SYMBOL_BYTES_MAX, TIMESTAMP_NANOS, TIMESTAMP_SECONDS, VOLUME,
} from './market_message_text.ts';

/** A valid message: it is taken, and is what JSON.parse says. */
export function checkMarketText(text: string): void {
  assert.equal(compare(text), '', text.slice(0, 200));
}

/** One that is not. */
export function checkMarketTextRefused(text: string): void {
  assert.notEqual(compare(text), '', text.slice(0, 200));
}

/** Any text: taken or refused, by the rules of the fields applied to what JSON.parse makes of it. Returns the fault. */
export function compare(given: string): string {
  const text = given.toWellFormed(); // as UTF-8 has it
  const bytes = new TextEncoder().encode(text);
  const message = new MarketMessage();
  // What stands around the message is not looked at.
  const around = new Uint8Array(bytes.length + 2).fill(0x35);
  around.set(bytes, 1);
  const taken = message.read(around, 1, bytes.length + 1);
  assert.equal(taken, message.fault === '', 'refused is what has a fault');
  const parsed = parsedOf(text);
  if (parsed === null) {
    assert.ok(!taken, `taken, though JSON.parse refuses it: ${text.slice(0, 200)}`);
    return message.fault;
  }
  const { symbol, price, volume, timestamp } = parsed;
  if (!taken) {
    const plain = isSymbol(symbol) && isPlainPrice(price) && isPlainWhole(volume) && isPlainWhole(timestamp);
    // Numbers too small for a double are 0 to JSON.parse, and refused here: nobody wrote 0.
    const strange = /[eE][+-]?\d{3}|\d{50}/.test(text);
    assert.ok(!plain || strange || depthOf(parsed) > DEPTH_MAX, `refused: ${message.fault}: ${text.slice(0, 200)}`);
    return message.fault;
  }
  const { numbers } = message;
  assert.equal(message.symbol, symbol);
  assert.ok(Number.isSafeInteger(numbers[PRICE_MANTISSA]) && message.priceDecimals <= PRICE_DECIMALS_MAX, 'exact');
  assert.equal(numbers[PRICE_MANTISSA] / 10 ** message.priceDecimals, Number(price) + 0);
  assert.equal(numbers[VOLUME], Number(volume) + 0);
  assert.equal(Number(BigInt(numbers[TIMESTAMP_SECONDS]) * 1_000_000_000n + BigInt(numbers[TIMESTAMP_NANOS])), Number(timestamp) + 0);
  return '';
}

function parsedOf(text: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : null;
  } catch {
    return null;
  }
}

function isSymbol(value: unknown): boolean {
  return typeof value === 'string' && value !== '' && Buffer.byteLength(value) <= SYMBOL_BYTES_MAX && value.isWellFormed();
}

/** Surely to be taken: fifteen digits and an ordinary size. */
function isPlainPrice(value: unknown): boolean {
  const text = typeof value === 'number' ? String(value) : value;
  return typeof text === 'string' && text.length <= 15 && /^-?(0|[1-9]\d*)(\.\d+)?$/.test(text);
}

function isPlainWhole(value: unknown): boolean {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= 999_999_999_999_999;
}

function depthOf(value: unknown): number {
  let depth = 0;
  let level: unknown[] = [value];
  while (level.length > 0) {
    const objects = level.filter((one) => typeof one === 'object' && one !== null);
    if (objects.length > 0) depth++;
    level = objects.flatMap((one) => Object.values(one));
  }
  return depth;
}

/** A valid message, plain or unusual in several ways. */
export function randomMarketText(prng: Prng): string {
  const pick = <T>(...list: readonly T[]): T => list[prng.below(list.length)];
  const digits = (count: number): string => Array.from({ length: count }, () => prng.below(10)).join('');
  const whole = (most: number): string => pick('0', String(prng.between(1, 9)) + digits(prng.below(most)));
  const space = (): string => (prng.chance(0.2) ? pick(' ', '  ', '\t', '\r', '\n ') : '');
  const decimal = `${prng.chance(0.1) ? '-' : ''}${whole(6)}${prng.chance(0.8) ? `.${digits(prng.between(1, 8))}` : ''}`;
  const price = prng.chance(0.1) ? `${decimal}${pick('e', 'E')}${pick('', '+', '-')}${prng.below(4)}` : pick(decimal, `"${decimal}"`);
  const letter = (): string => pick('A', 'b', '1', '-', ' ', '/', 'é', '€', '😀', '\\u0041', '\\n', '\\"', '\\\\', '\\/');
  const plain = (): string => pick('A', 'B', 'C', '1', '-', '.');
  const symbol = Array.from({ length: prng.between(1, 7) }, prng.chance(0.2) ? letter : plain).join('');
  const fields = [
    ['symbol', `"${symbol}"`], ['price', price], ['volume', whole(14)], ['timestamp', whole(18)],
    ...(prng.chance(0.1) ? [['more', pick('null', '[1,{"price":2}]', '"x"', 'true', '{"symbol":[]}')]] : []),
    ...(prng.chance(0.05) ? [['volume', whole(3)]] : []),
  ];
  for (let i = fields.length - 1; i > 0; i--) {
    const other = prng.below(i + 1);
    [fields[i], fields[other]] = [fields[other], fields[i]];
  }
  const body = fields.map(([name, value]) => `${space()}"${name}"${space()}:${space()}${value}${space()}`);
  return `${space()}{${body.join(',')}}${space()}`;
}
