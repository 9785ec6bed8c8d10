// Forms: what a value of the configuration must look like. A form reads what came, says what it
// expected when it cannot, and writes a value as a TOML file has it, so that what a form writes it
// reads again.
//
// A form looks into what it takes: faults inside arrays and tables are reported at their own places,
// all of them.
import { DecimalError, formatDecimal, parseDecimal } from '../base/decimal.ts';
import { type Came, cameText, type CameTable, type Place, suggestion } from './config_value.ts';

/** Takes a fault inside of what came: `path` is relative to the setting, '' or "[0].ticker". */
export type Report = (at: Place, path: string, message: string) => void;

export interface Form<T> {
  /** Completes "expected …". */
  readonly expected: string;
  /** The value; undefined when what came is none, and then it has been reported. */
  read(came: Came, report: Report): T | undefined;
  /** As a file has it. */
  write(value: T): string;
  /** In a table: the value when its key is not there. Without it the key is required. */
  readonly absent?: { readonly value: T };
  /** No fault and no listing repeats it. */
  readonly secret?: boolean;
  /** Of an array of tables: the form of each key. */
  readonly fields?: Readonly<Record<string, Form<unknown>>>;
}

/** A form of one value, which `read` turns into undefined when it is none. */
function scalar<T>(
  expected: string,
  read: (came: Came) => T | undefined,
  write: (value: T) => string,
): Form<T> {
  return {
    expected,
    read(came, report) {
      const value = read(came);
      if (value === undefined) report(came.at, '', `expected ${expected}, was ${cameText(came)}`);
      return value;
    },
    write,
  };
}

// ── one value ──────────────────────────────────────────────────────────────────────────────────

const DECIMAL_DIGITS = /^[+-]?\d{1,16}$/;
const OTHER_DIGITS = /^0[xob][0-9a-f]{1,14}$/i;

/** The safe integer that came as a number of the file or as text; else undefined. */
function integerOf(came: Came): number | undefined {
  if (came.kind !== 'number' && came.kind !== 'text') return undefined;
  const digits = came.text.trim();
  const known = DECIMAL_DIGITS.test(digits) || (came.kind === 'number' && OTHER_DIGITS.test(digits));
  const value = known ? Number(digits) : NaN;
  return Number.isSafeInteger(value) ? value : undefined;
}

export function wholeNumber(low: number, high: number): Form<number> {
  return scalar(
    `a whole number ${low} to ${high}`,
    (came) => {
      const value = integerOf(came);
      return value !== undefined && value >= low && value <= high ? value : undefined;
    },
    String,
  );
}

/** A number that a strategy or an average takes: such are floating point anyway. Money is not. */
export function fraction(low: number, high: number): Form<number> {
  return scalar(
    `a number ${low} to ${high}`,
    (came) => {
      const value = floatOf(came);
      return value !== undefined && value >= low && value <= high ? value : undefined;
    },
    String,
  );
}

const FLOAT = /^[+-]?\d{1,40}(?:\.\d{1,40})?(?:e[+-]?\d{1,3})?$/i;

function floatOf(came: Came): number | undefined {
  if (came.kind !== 'number' && came.kind !== 'text') return undefined;
  const digits = came.text.trim();
  const value = FLOAT.test(digits) ? Number(digits) : integerOf(came);
  return value !== undefined && Number.isFinite(value) ? value : undefined;
}

/**
 * An exact decimal, kept as text without needless digits ("10000000", "0.02"): whoever uses it
 * says in which units (`parseDecimal`). Bounds are decimals too.
 */
export function decimal(low: string, high: string, decimalsMax: number): Form<string> {
  const lowest = parseDecimal(low, decimalsMax);
  const highest = parseDecimal(high, decimalsMax);
  return scalar(
    `a decimal number ${low} to ${high} with at most ${decimalsMax} decimals`,
    (came) => {
      if (came.kind !== 'number' && came.kind !== 'text') return undefined;
      try {
        const units = parseDecimal(came.text.trim(), decimalsMax);
        if (units < lowest || units > highest) return undefined;
        return formatDecimal(units, decimalsMax).replace(/(?:\.0+|(\.\d*[1-9])0+)$/, '$1');
      } catch (error) {
        if (!(error instanceof DecimalError)) throw error;
        return undefined;
      }
    },
    (value) => (value.includes('.') ? value : `${value}.0`),
  );
}

function tomlString(value: string): string {
  // JSON's escapes are TOML's; DEL is a control character in TOML alone.
  return JSON.stringify(value).replaceAll('\x7f', '\\u007f');
}

function textOf(came: Came): string | undefined {
  return came.kind === 'string' || came.kind === 'text' ? came.text : undefined;
}

export function oneOf<T extends string>(values: readonly T[]): Form<T> {
  return scalar(
    `one of ${values.join(', ')}`,
    (came) => values.find((value) => value === textOf(came)),
    tomlString,
  );
}

export function text(pattern: RegExp, what: string): Form<string> {
  return scalar(
    what,
    (came) => {
      const value = textOf(came);
      return value !== undefined && pattern.test(value) ? value : undefined;
    },
    tomlString,
  );
}

/** Like `text`, but nobody repeats what came. */
export function secret(pattern: RegExp, what: string): Form<string> {
  const form = text(pattern, what);
  return {
    ...form,
    secret: true,
    read: (came, report) =>
      form.read(came, (at, path) => {
        const value = textOf(came);
        const was = value === undefined ? `a ${came.kind}` : `a text of ${value.length} characters`;
        report(at, path, `expected ${what}, was ${was} (not shown)`);
      }),
  };
}

/** What operators must know. */
export const token = secret(/^[A-Za-z0-9_-]{16,128}$/, '16 to 128 letters, digits, _ or -');

export const IPV4 = /^(?:(?:25[0-5]|2[0-4]\d|1?\d?\d)(?:\.(?!$)|$)){4}$/;

export const address: Form<string> = text(IPV4, 'an IPv4 address such as 127.0.0.1');

export const multicastAddress: Form<string> = scalar(
  'a multicast address 224.0.0.0 to 239.255.255.255',
  (came) => {
    const value = textOf(came);
    if (value === undefined || !IPV4.test(value)) return undefined;
    const first = Number(value.split('.')[0]);
    return first >= 224 && first <= 239 ? value : undefined;
  },
  tomlString,
);

export const switched: Form<boolean> = scalar(
  'true or false',
  (came) => {
    if (came.kind === 'boolean') return came.value;
    if (came.kind !== 'text') return undefined;
    if (came.text === 'true' || came.text === '1') return true;
    return came.text === 'false' || came.text === '0' ? false : undefined;
  },
  String,
);

const UNIT_NS: Readonly<Record<string, number>> = { us: 1e3, ms: 1e6, s: 1e9, m: 60e9, h: 3600e9 };

/** "250ms", "1s", "2m", 0: nanoseconds. A bare number would leave its unit to guessing. */
export function duration(lowNs: number, highNs: number): Form<number> {
  return scalar(
    `a time ${durationText(lowNs)} to ${durationText(highNs)}, such as 250ms or 1s`,
    (came) => {
      if (lowNs === 0 && (integerOf(came) === 0 || textOf(came) === '0')) return 0;
      const match = /^(\d{1,12}(?:\.\d{1,9})?)(us|ms|s|m|h)$/.exec(textOf(came)?.trim() ?? '');
      const value = match === null ? NaN : Math.round(Number(match[1]) * UNIT_NS[match[2]]);
      return value >= lowNs && value <= highNs ? value : undefined;
    },
    (ns) => (ns === 0 ? '0' : tomlString(durationText(ns))),
  );
}

export function durationText(ns: number): string {
  if (ns === 0) return '0';
  for (const unit of ['h', 'm', 's', 'ms'])
    if (ns % UNIT_NS[unit] === 0) return `${ns / UNIT_NS[unit]}${unit}`;
  return `${ns / 1e3}us`;
}

const BYTE_UNITS: Readonly<Record<string, number>> = { KiB: 2 ** 10, MiB: 2 ** 20, GiB: 2 ** 30 };

/** "64KiB", "8MiB", or a number of bytes. */
export function byteCount(low: number, high: number): Form<number> {
  return scalar(
    `${bytesText(low)} to ${bytesText(high)}, such as 64KiB or 8MiB`,
    (came) => {
      const match = /^(\d{1,12})\s*(KiB|MiB|GiB)?$/.exec(textOf(came)?.trim() ?? '');
      // A string of a file without a unit is a number in quotes.
      const known = match !== null && (came.kind === 'text' || match[2] !== undefined);
      const value = known ? Number(match[1]) * (BYTE_UNITS[match[2]] ?? 1) : integerOf(came);
      return value !== undefined && value >= low && value <= high ? value : undefined;
    },
    (bytes) => (bytes % 1024 === 0 && bytes > 0 ? tomlString(bytesText(bytes)) : String(bytes)),
  );
}

export function bytesText(bytes: number): string {
  for (const unit of ['GiB', 'MiB', 'KiB'])
    if (bytes > 0 && bytes % BYTE_UNITS[unit] === 0) return `${bytes / BYTE_UNITS[unit]}${unit}`;
  return `${bytes} bytes`;
}

/** `form`, or null where nothing is said: the value depends on others. */
export function optional<T>(form: Form<T>): Form<T | null> {
  return {
    ...form,
    absent: { value: null },
    read: (came, report) => form.read(came, report),
    write: (value) => (value === null ? '' : form.write(value)),
  };
}

/** `form`, or `fallback` where a table of the file leaves the key out. */
export function orElse<T>(form: Form<T>, fallback: T): Form<T> {
  return { ...form, absent: { value: fallback } };
}

// ── several ────────────────────────────────────────────────────────────────────────────────────

/** `[1, 2, 3]`, one alone, or the text "1,2,3"; elements differ. `least` of them at least. */
export function listOf<T>(form: Form<T>, least = 1): Form<readonly T[]> {
  const expected = `a list, each ${form.expected}`;
  return {
    expected,
    read(came, report) {
      const items = itemsOf(came);
      const values: (T | undefined)[] = [];
      for (const [index, item] of items.entries()) {
        const path = came.kind === 'array' ? `[${index}]` : '';
        const value = form.read(item, (at, inner, message) => report(at, path + inner, message));
        const twice = value !== undefined && values.includes(value);
        if (twice) report(item.at, path, `expected values that differ, ${cameText(item)} came twice`);
        values.push(twice ? undefined : value);
      }
      if (values.length < least) report(came.at, '', `expected at least ${least}, was none`);
      return values.length < least || values.includes(undefined) ? undefined : (values as T[]);
    },
    write: (values) => `[${values.map((value) => form.write(value)).join(', ')}]`,
  };
}

function itemsOf(came: Came): readonly Came[] {
  if (came.kind === 'array') return came.items;
  if (came.kind !== 'text') return [came];
  const parts = came.text.split(',').map((part) => part.trim());
  return parts.map((part) => ({ kind: 'text', text: part, at: came.at }));
}

/** Cores by number: `[0, 1, 2, 3]` in a file, "0,2" or "0-3" as text. None: all. */
export function coreList(coreMax: number): Form<readonly number[]> {
  const list = listOf(wholeNumber(0, coreMax), 0);
  const range = /^(\d{1,4})-(\d{1,4})$/;
  const spelled = (part: string): string => {
    const match = range.exec(part.trim());
    if (match === null || Number(match[2]) > coreMax) return part;
    const [low, high] = [Number(match[1]), Number(match[2])];
    return Array.from({ length: Math.max(0, high - low + 1) }, (_, i) => low + i).join(',') || part;
  };
  return {
    ...list,
    expected: `cores 0 to ${coreMax}, such as 0,1 or 0-3`,
    read: (came, report) =>
      list.read(
        came.kind === 'text'
          ? { ...came, text: came.text.split(',').map(spelled).join(',') }
          : came,
        report,
      ),
  };
}

type Forms<T> = { readonly [K in keyof T]-?: Form<T[K]> };

/**
 * An array of tables in the file; each key of each has its form. A key is required unless its form
 * says what it is when absent.
 */
export function tablesOf<T extends object>(forms: Forms<T>): Form<readonly T[]> {
  return {
    expected: 'an array of tables',
    fields: forms,
    read(came, report) {
      if (came.kind !== 'array') {
        report(came.at, '', `expected an array of tables, was ${cameText(came)}`);
        return undefined;
      }
      const tables = came.items.map((item, index) =>
        readTable(item, forms, (at, path, message) => report(at, `[${index}]${path}`, message)),
      );
      return tables.includes(undefined) ? undefined : (tables as T[]);
    },
    write: (tables) =>
      tables.length === 0
        ? '[]'
        : `[\n${tables.map((table) => `  ${writeTable(table, forms)},\n`).join('')}]`,
  };
}

function readTable<T extends object>(
  came: Came,
  forms: Forms<T>,
  report: Report,
): T | undefined {
  if (came.kind !== 'table') {
    report(came.at, '', `expected a table, was ${cameText(came)}`);
    return undefined;
  }
  let whole = reportUnknown(came, Object.keys(forms).map(snakeCase), report);
  const value: Partial<T> = {};
  for (const key of Object.keys(forms) as (keyof T & string)[]) {
    const form = forms[key];
    const name = snakeCase(key);
    const entry = came.entries.get(name);
    if (entry !== undefined) {
      const one = form.read(entry.value, (at, path, message) => report(at, `.${name}${path}`, message));
      if (one === undefined) whole = false;
      else value[key] = one;
    } else if (form.absent !== undefined) {
      value[key] = form.absent.value;
    } else {
      report(came.at, `.${name}`, `expected ${form.expected}, the key is missing`);
      whole = false;
    }
  }
  return whole ? (value as T) : undefined;
}

/** False when there is a key that is none of `known`. */
function reportUnknown(came: CameTable, known: readonly string[], report: Report): boolean {
  let whole = true;
  for (const [name, { keyAt }] of came.entries) {
    if (known.includes(name)) continue;
    const meant = suggestion(name, known) || `, expected one of ${known.join(', ')}`;
    report(keyAt, `.${name}`, `unknown key${meant}`);
    whole = false;
  }
  return whole;
}

function writeTable<T extends object>(table: T, forms: Forms<T>): string {
  const keys = (Object.keys(forms) as (keyof T & string)[]).filter((key) => table[key] !== null);
  const pairs = keys.map((key) => `${snakeCase(key)} = ${forms[key].write(table[key])}`);
  return `{ ${pairs.join(', ')} }`;
}

/** A table of numbers under names that the schema does not know; as text "a=1,b=2.5". */
export const numbersByName: Form<Readonly<Record<string, number>>> = {
  expected: 'a table of numbers, as text name=number,…',
  read(came, report) {
    const entries = namedItems(came);
    if (entries === undefined) {
      report(came.at, '', `expected ${numbersByName.expected}, was ${cameText(came)}`);
      return undefined;
    }
    const values: [string, number][] = [];
    for (const [name, item] of entries) {
      const value = floatOf(item);
      if (value === undefined) report(item.at, `.${name}`, `expected a number, was ${cameText(item)}`);
      else values.push([name, value]);
    }
    return values.length === entries.length ? Object.fromEntries(values) : undefined;
  },
  write(values) {
    const pairs = Object.entries(values).map(([name, value]) => `${keyText(name)} = ${value}`);
    return pairs.length === 0 ? '{}' : `{ ${pairs.join(', ')} }`;
  },
};

function namedItems(came: Came): [string, Came][] | undefined {
  if (came.kind === 'table') return [...came.entries].map(([name, { value }]) => [name, value]);
  if (came.kind !== 'text') return undefined;
  const pairs = new Map<string, Came>();
  for (const part of came.text.split(',')) {
    const match = /^\s*(\w+)\s*=\s*(\S+)\s*$/.exec(part);
    if (match === null || pairs.has(match[1])) return undefined;
    pairs.set(match[1], { kind: 'text', text: match[2], at: came.at });
  }
  return [...pairs];
}

// ── names ──────────────────────────────────────────────────────────────────────────────────────

/** A key as TOML takes it. */
function keyText(name: string): string {
  return /^[\w-]+$/.test(name) ? name : tomlString(name);
}

export function snakeCase(key: string): string {
  return key.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}
