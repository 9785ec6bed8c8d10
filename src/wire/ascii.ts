// Text fields of fixed width, as SoupBinTCP and MoldUDP64 have them: ASCII, filled up with spaces.
//
// Reading text makes a string and so belongs to cold code; numbers are read and written without
// one. Bytes that are no text (nonces, signatures) are shown as hexadecimal digits, in cold code too.

const SPACE = 0x20;
const ZERO = 0x30;
/** 2^53 − 1 has 16 digits; what is longer would not be exact. */
const NUMBER_MAX = Number.MAX_SAFE_INTEGER;

/** What `readDigits` returns for anything that is not a number below 2^53. */
export const NOT_A_NUMBER = -1;

/** The text of a field without the spaces around it. Bytes beyond ASCII come out as Latin-1. */
export function readText(view: DataView, at: number, width: number): string {
  let first = 0;
  let end = width;
  while (first < end && view.getUint8(at + first) === SPACE) first++;
  while (end > first && view.getUint8(at + end - 1) === SPACE) end--;
  let text = '';
  for (let i = first; i < end; i++) text += String.fromCharCode(view.getUint8(at + i));
  return text;
}

/** Text into a field, spaces behind it; what does not fit is cut off. */
export function writeTextLeft(view: DataView, at: number, width: number, text: string): void {
  for (let i = 0; i < width; i++)
    view.setUint8(at + i, i < text.length ? text.charCodeAt(i) : SPACE);
}

/** Text into a field, spaces before it; what does not fit is cut off at its end. */
export function writeTextRight(view: DataView, at: number, width: number, text: string): void {
  const gap = Math.max(0, width - text.length);
  for (let i = 0; i < width; i++)
    view.setUint8(at + i, i >= gap ? text.charCodeAt(i - gap) : SPACE);
}

/**
 * A decimal number with spaces on either side; NOT_A_NUMBER for other bytes, no digit, or 2^53 and
 * more.
 */
export function readDigits(view: DataView, at: number, width: number): number {
  let i = 0;
  while (i < width && view.getUint8(at + i) === SPACE) i++;
  if (i === width) return NOT_A_NUMBER;
  let value = 0;
  for (; i < width; i++) {
    const digit = view.getUint8(at + i) - ZERO;
    if (digit < 0 || digit > 9) break;
    value = value * 10 + digit;
    if (value > NUMBER_MAX) return NOT_A_NUMBER;
  }
  if (view.getUint8(at + i - 1) === SPACE) return NOT_A_NUMBER;
  for (; i < width; i++) if (view.getUint8(at + i) !== SPACE) return NOT_A_NUMBER;
  return value;
}

/**
 * A non-negative integer as decimal digits, spaces before it; digits that do not fit are lost at
 * the front.
 */
export function writeDigits(view: DataView, at: number, width: number, value: number): void {
  let rest = value;
  for (let i = width - 1; i >= 0; i--) {
    view.setUint8(at + i, rest > 0 || i === width - 1 ? ZERO + (rest % 10) : SPACE);
    rest = Math.floor(rest / 10);
  }
}

/** Bytes as lower-case hexadecimal digits, two each. */
export function readHex(view: DataView, at: number, width: number): string {
  let text = '';
  for (let i = 0; i < width; i++) text += view.getUint8(at + i).toString(16).padStart(2, '0');
  return text;
}

/** The bytes of so many hexadecimal digits; zeros for those that are missing. */
export function writeHex(view: DataView, at: number, width: number, digits: string): void {
  for (let i = 0; i < width; i++)
    view.setUint8(at + i, Number.parseInt(digits.slice(2 * i, 2 * i + 2), 16) || 0);
}
