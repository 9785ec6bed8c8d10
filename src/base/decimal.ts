// Exact decimals: text to an integer number of 10^-decimals and back, never through binary fractions.

/** Text that is not a decimal, or one with more digits than the scale holds. */
export class DecimalError extends Error {
  override readonly name = 'DecimalError';
}

/** Longest text that is looked at; an i64 with its point and sign has 21. */
const LENGTH_MAX = 64;

/**
 * Units of 10^-decimals of `value`. A number stands for the shortest decimal that reads back as it (what
 * JavaScript prints), so 0.1 is one tenth exactly. Digits beyond `decimals` must be zeros.
 */
export function parseDecimal(value: string | number | bigint, decimals: number): bigint {
  const text = String(value);
  const parts = text.length <= LENGTH_MAX ? /^([+-]?)(\d*)(?:\.(\d*))?$/.exec(text) : null;
  if (parts === null || (parts[2] === '' && (parts[3] ?? '') === '')) {
    throw new DecimalError(`expected a decimal number such as 100.25, was ${JSON.stringify(text.slice(0, LENGTH_MAX))}`);
  }
  const fraction = parts[3] ?? '';
  if (/[1-9]/.test(fraction.slice(decimals))) {
    throw new DecimalError(`expected at most ${decimals} decimals, was ${JSON.stringify(text)}`);
  }
  const units = BigInt(`${parts[2]}${fraction.slice(0, decimals).padEnd(decimals, '0')}` || '0');
  return parts[1] === '-' ? -units : units;
}

/** The decimal text of `units` of 10^-decimals, always with all decimals: 10025n, 2 → "100.25". */
export function formatDecimal(units: bigint, decimals: number): string {
  const digits = (units < 0n ? -units : units).toString().padStart(decimals + 1, '0');
  const sign = units < 0n ? '-' : '';
  if (decimals === 0) return sign + digits;
  return `${sign}${digits.slice(0, -decimals)}.${digits.slice(-decimals)}`;
}
