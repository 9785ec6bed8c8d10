// Values of measures as people read them.

const NS_UNITS: readonly (readonly [name: string, ns: number])[] = [['s', 1e9], ['ms', 1e6], ['µs', 1e3]];
const BYTE_UNITS: readonly (readonly [name: string, bytes: number])[] = [['GiB', 2 ** 30], ['MiB', 2 ** 20], ['KiB', 2 ** 10]];

/** "41 µs", "1.25 ms". */
export function timeText(ns: number): string {
  return scaled(ns, NS_UNITS, 'ns');
}

/** "1.5 MiB". */
export function bytesText(bytes: number): string {
  return scaled(bytes, BYTE_UNITS, 'bytes');
}

/** "1,234,567", "-5". */
export function countText(count: number): string {
  return count.toLocaleString('en-US');
}

/** "1,234.50". */
export function moneyText(money: number): string {
  return money.toLocaleString('en-US', { minimumFractionDigits: 2, maximumFractionDigits: 2 });
}

/** In the largest unit of which it is one at least, to three digits. */
function scaled(value: number, units: readonly (readonly [string, number])[], smallest: string): string {
  for (const [name, size] of units) {
    if (value >= size) return `${(value / size).toLocaleString('en-US', { maximumSignificantDigits: Math.max(3, String(Math.floor(value / size)).length) })} ${name}`;
  }
  return `${Math.round(value)} ${smallest}`;
}
