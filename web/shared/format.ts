// Numbers as people read them: prices exactly, from whole numbers; times in the unit that leaves three digits; what is
// not known as a dash. Minus is U+2212, as wide as plus, so that columns stand. No DOM: tests run it under Node.

export const UNKNOWN = '–';
const MINUS = '−';

/** 1234567 → "1,234,567"; digits only. */
function grouped(digits: string): string {
  return digits.replace(/\B(?=(\d{3})+$)/g, ',');
}

/** A price of 10^-decimals units, digit by digit: no division, so no rounding. */
export function price(units: number, decimals: number): string {
  const digits = String(Math.abs(units)).padStart(decimals + 1, '0');
  const whole = grouped(digits.slice(0, digits.length - decimals));
  const sign = units < 0 ? MINUS : '';
  return decimals === 0 ? sign + whole : `${sign}${whole}.${digits.slice(-decimals)}`;
}

export function count(value: number | null): string {
  if (value === null) return UNKNOWN;
  return (value < 0 ? MINUS : '') + grouped(String(Math.round(Math.abs(value))));
}

/** With its sign, unless it is 0. */
export function signed(value: number): string {
  return value > 0 ? `+${count(value)}` : count(value);
}

/** Three digits that count: 0.123, 1.23, 12.3, 123; more before the point stay. Trailing zeros stay, columns stand. */
function threeDigits(value: number): string {
  if (value >= 99.95) return grouped(value.toFixed(0));
  if (value >= 9.995) return value.toFixed(1);
  return value.toFixed(2);
}

const DURATIONS: readonly (readonly [ns: number, unit: string])[] = [[1e9, 's'], [1e6, 'ms'], [1e3, 'µs']];

/** "850 ns", "41.2 µs", "1.84 ms", "12.0 s". */
export function duration(ns: number | null): string {
  if (ns === null) return UNKNOWN;
  for (const [size, unit] of DURATIONS) {
    // From 999.5 of the smaller unit on, which would be shown as 1,000 of it.
    if (ns >= size * 0.9995) return `${threeDigits(ns / size)} ${unit}`;
  }
  return `${Math.round(ns)} ns`;
}

const MULTIPLES: readonly (readonly [size: number, letter: string])[] = [[1e9, 'G'], [1e6, 'M'], [1e4, 'k']];

/** Below ten thousand in full, then "12.3k", "1.23M". */
export function compact(value: number | null): string {
  if (value === null) return UNKNOWN;
  const size = Math.abs(value);
  for (const [from, letter] of MULTIPLES) {
    if (size < from) continue;
    return (value < 0 ? MINUS : '') + threeDigits(size / (letter === 'k' ? 1e3 : from)) + letter;
  }
  return size < 10 && !Number.isInteger(value) ? (value < 0 ? MINUS : '') + size.toFixed(1) : count(value);
}

export function rate(perSecond: number | null): string {
  return perSecond === null ? UNKNOWN : `${compact(perSecond)}/s`;
}

/** "+$1,234.50"; cents below 100,000, then none, from ten millions on "$12.3M". The sign of plus only where asked. */
export function money(dollars: number | null, withPlus = false): string {
  if (dollars === null) return UNKNOWN;
  const size = Math.abs(dollars);
  const cents = size < 100_000;
  // What rounds to nothing has no sign.
  const zero = size < (cents ? 0.005 : 0.5);
  const sign = zero ? '' : dollars < 0 ? MINUS : withPlus ? '+' : '';
  if (size >= 1e7) return `${sign}$${threeDigits(size / 1e6)}M`;
  const [whole, fraction] = size.toFixed(cents ? 2 : 0).split('.');
  return `${sign}$${grouped(whole)}${fraction === undefined ? '' : `.${fraction}`}`;
}

/** Of 0 … 100. */
export function percent(value: number | null): string {
  if (value === null) return UNKNOWN;
  return value > 0 && value < 9.95 ? `${value.toFixed(1)}%` : `${Math.round(value)}%`;
}

const BYTES: readonly (readonly [size: number, unit: string])[] = [[2 ** 30, 'GiB'], [2 ** 20, 'MiB'], [2 ** 10, 'KiB']];

export function bytes(value: number | null): string {
  if (value === null) return UNKNOWN;
  for (const [size, unit] of BYTES) if (value >= size) return `${threeDigits(value / size)} ${unit}`;
  return `${Math.round(value)} B`;
}

const two = (value: number): string => String(value).padStart(2, '0');

/** The reader's own time of day, "14:03:07". */
export function clock(atMs: number): string {
  const at = new Date(atMs);
  return `${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}`;
}

/** "14:03:07.123". */
export function preciseClock(atMs: number): string {
  return `${clock(atMs)}.${String(Math.floor(atMs) % 1000).padStart(3, '0')}`;
}

/** How long: "7 s", "3 min", "2 h 5 min", "3 d 4 h". */
export function span(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  if (hours < 24) return minutes % 60 === 0 ? `${hours} h` : `${hours} h ${minutes % 60} min`;
  return hours % 24 === 0 ? `${Math.floor(hours / 24)} d` : `${Math.floor(hours / 24)} d ${hours % 24} h`;
}
