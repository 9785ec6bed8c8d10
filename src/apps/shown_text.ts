// Numbers, times and money as people read them, and lines of a fixed width.

const BLOCKS = ['', '▏', '▎', '▍', '▌', '▋', '▊', '▉'];
const SPARKS = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/** Exactly `width` columns. */
export function fit(text: string, width: number): string {
  return text.length > width ? `${text.slice(0, Math.max(0, width - 1))}…`.slice(
    0, width,
  ) : text.padEnd(width);
}

/** 1,234,567 */
export function whole(value: number): string {
  const text = Math.round(Math.abs(value)).toString();
  let grouped = '';
  for (let i = 0; i < text.length; i++) {
    if (i > 0 && (text.length - i) % 3 === 0) grouped += ',';
    grouped += text[i];
  }
  return value < 0 ? `-${grouped}` : grouped;
}

/** 1 gap, 1,234 gaps */
export function counted(count: number, what: string): string {
  return `${whole(count)} ${what}${count === 1 ? '' : 's'}`;
}

/** An integer in units of 10^-decimals, exactly. */
export function decimal(units: number, decimals: number): string {
  const digits = Math.abs(units).toString().padStart(decimals + 1, '0');
  const point = digits.length - decimals;
  const text = decimals === 0 ? digits : `${digits.slice(0, point)}.${digits.slice(point)}`;
  return units < 0 ? `-${text}` : text;
}

/** A time span with three significant digits: 870 ns, 12.4 µs, 1.25 ms, 2.00 s. */
export function span(ns: number): string {
  if (ns < 1000) return `${Math.round(ns)} ns`;
  if (ns < 999_500) return `${three(ns / 1e3)} µs`;
  if (ns < 999_500_000) return `${three(ns / 1e6)} ms`;
  return `${three(ns / 1e9)} s`;
}

function three(value: number): string {
  return value < 9.995 ? value.toFixed(2) : value < 99.95 ? value.toFixed(1) : value.toFixed(0);
}

/** Two digits, as in a time. */
export function two(value: number): string {
  return String(value).padStart(2, '0');
}

/** 1:02:03 */
export function clock(ms: number): string {
  const seconds = Math.floor(ms / 1000);
  return `${Math.floor(seconds / 3600)}:${two(Math.floor(seconds / 60) % 60)}:${two(seconds % 60)}`;
}

export function timeOfDay(ms: number): string {
  const date = new Date(ms);
  return `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
}

/** `length` in columns, to an eighth. */
export function bar(length: number): string {
  const eighths = Math.max(0, Math.round(length * 8));
  return '█'.repeat(eighths >> 3) + BLOCKS[eighths & 7];
}

/** The last `columns` values as little columns, the highest of them full. */
export function sparkline(values: readonly number[], columns: number): string {
  const shown = values.slice(-Math.max(0, columns));
  const most = Math.max(1, ...shown);
  let text = '';
  for (const value of shown) text += SPARKS[Math.min(7, Math.floor((value / most) * 7.999))];
  return columns <= 0 ? '' : text.padEnd(columns);
}

/** Doubled money of 10^-decimals, with its sign, to the unit: +1,234.50 */
export function moneyText(value2: number, decimals: number): string {
  const units = Math.round(Math.abs(value2) / 2);
  const [digits, fraction] = decimal(units, decimals).split('.');
  const text = whole(Number(digits)) + (fraction === undefined ? '' : `.${fraction}`);
  if (units === 0) return text;
  return value2 > 0 ? `+${text}` : `−${text}`;
}

/** The same; null: unknown. */
export function profitText(value2: number | null, decimals: number): string {
  return value2 === null ? 'unknown' : moneyText(value2, decimals);
}

/** +1,234 */
export function signed(value: number): string {
  if (value === 0) return '0';
  return value > 0 ? `+${whole(value)}` : `−${whole(-value)}`;
}

/** Already in per cent: 61 %, 3.4 % */
export function percent(value: number): string {
  return `${value.toFixed(value < 10 ? 1 : 0)} %`;
}
