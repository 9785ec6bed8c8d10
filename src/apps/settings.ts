// Settings: one schema says everything about a key – its form, its default, its flag, its
// description – and flags, environment variables, the keys of the configuration file and the help
// come from it.
//
//   flag --max-connections   ─┐
//   OUTCRY_EXCHANGE_MAX_CONNECTIONS ─┤  the first that is given wins ─► form ─► value, or a fault
//   file: exchange.max_connections  ─┤
//   default                  ─┘
//
// Every fault is reported, not the first alone: where it was said, what was expected, what came. A
// key of the file that no setting has is a fault too.
import { readFileSync } from 'node:fs';
import { Command, Option } from 'commander';
import { z } from 'zod';

/** What a setting says of itself beside its form. */
export interface SettingMeta {
  /** Of a switch that is on by default: what its `--no-…` does. */
  readonly description: string;
  /**
   * Commander's notation without the long name: a letter, and the name of the value. Absent: no
   * flag.
   */
  readonly short?: string;
  /** Name of the value in the help; absent: a switch. */
  readonly value?: string;
  /** In the help instead of the default itself. */
  readonly defaultText?: string;
  /** In the file only: it has no form that a flag could take. */
  readonly fileOnly?: boolean;
  /** Stands at the top of the file, not in the section's table: other sections look at it too. */
  readonly topLevel?: boolean;
  /** On the command line only: it says how to run, not what. */
  readonly flagOnly?: boolean;
}

export type SettingsSchema = z.ZodObject<Record<string, z.ZodType>>;

/** Everything wrong with a configuration, one fault a line. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
  readonly faults: readonly string[];

  constructor(faults: readonly string[]) {
    super(
      faults.length === 1
        ? faults[0]
        : `${faults.length} faults in the configuration:\n${faults.map((fault) => `  ${fault}`).join('\n')}`,
    );
    this.faults = faults;
  }
}

/**
 * A form: turns what came (text from flags and environment, any JSON from a file) into a value, or
 * throws a RangeError "expected …".
 */
export type Form<T> = (came: unknown) => T;

/** A default as the command line takes it; '' where there is nothing to show. */
function defaultText(fallback: unknown): string {
  if (fallback === null || fallback === false) return '';
  if (Array.isArray(fallback)) return fallback.join(',');
  return typeof fallback === 'string' ? fallback : JSON.stringify(fallback);
}

/** A key of the schema. `fallback` is its value when nobody says anything. */
export function setting<T>(form: Form<T>, fallback: T, meta: SettingMeta): z.ZodType<T> {
  return z
    .unknown()
    .transform((came, context): T => {
      try {
        return form(came);
      } catch (error) {
        if (!(error instanceof RangeError)) throw error;
        context.issues.push({ code: 'custom', message: error.message, input: came });
        return z.NEVER;
      }
    })
    .default(fallback as never)
    .meta({ ...meta });
}

// ── forms ──────────────────────────────────────────────────────────────────────────────────────

function expected(what: string, came: unknown): never {
  throw new RangeError(`expected ${what}, was ${JSON.stringify(came) ?? String(came)}`);
}

export function wholeNumber(low: number, high: number): Form<number> {
  return (came) => {
    const value =
      typeof came === 'string' && /^-?\d{1,16}$/.test(came.trim()) ? Number(came) : came;
    if (typeof value === 'number' && Number.isSafeInteger(value) && value >= low && value <= high)
      return value;
    return expected(`a whole number ${low} to ${high}`, came);
  };
}

export function oneOf<T extends string>(values: readonly T[]): Form<T> {
  return (came) =>
    values.find((value) => value === came) ?? expected(`one of ${values.join(', ')}`, came);
}

export function text(pattern: RegExp, what: string): Form<string> {
  return (came) => (typeof came === 'string' && pattern.test(came) ? came : expected(what, came));
}

export const IPV4 = /^(?:(?:25[0-5]|2[0-4]\d|1?\d?\d)(?:\.(?!$)|$)){4}$/;

export const address: Form<string> = text(IPV4, 'an IPv4 address such as 127.0.0.1');

export const multicastAddress: Form<string> = (came) => {
  const first = typeof came === 'string' && IPV4.test(came) ? Number(came.split('.')[0]) : 0;
  return first >= 224 && first <= 239
    ? (came as string)
    : expected('a multicast address 224.0.0.0 to 239.255.255.255', came);
};

export const switched: Form<boolean> = (came) => {
  if (typeof came === 'boolean') return came;
  if (came === 'true' || came === '1') return true;
  if (came === 'false' || came === '0') return false;
  return expected('true or false', came);
};

const UNIT_NS: Readonly<Record<string, number>> = { us: 1e3, ms: 1e6, s: 1e9, m: 60e9, h: 3600e9 };

/** "250ms", "1s", "2m", "0": nanoseconds. A bare number would leave its unit to guessing. */
export function duration(lowNs: number, highNs: number): Form<number> {
  return (came) => {
    if (came === 0 || came === '0') {
      if (lowNs === 0) return 0;
    } else if (typeof came === 'string') {
      const match = /^(\d+(?:\.\d+)?)(us|ms|s|m|h)$/.exec(came.trim());
      const value = match === null ? NaN : Math.round(Number(match[1]) * UNIT_NS[match[2]]);
      if (value >= lowNs && value <= highNs) return value;
    }
    return expected(
      `a time ${durationText(lowNs)} to ${durationText(highNs)}, such as 250ms or 1s`,
      came,
    );
  };
}

export function durationText(ns: number): string {
  if (ns === 0) return '0';
  for (const unit of ['h', 'm', 's', 'ms'])
    if (ns % UNIT_NS[unit] === 0) return `${ns / UNIT_NS[unit]}${unit}`;
  return `${ns / 1e3}us`;
}

/** "64KiB", "8MiB", or a number of bytes. */
export function byteCount(low: number, high: number): Form<number> {
  return (came) => {
    const match =
      typeof came === 'string' ? /^(\d{1,12})\s*(KiB|MiB|GiB)?$/.exec(came.trim()) : null;
    const unit =
      match?.[2] === 'KiB'
        ? 2 ** 10
        : match?.[2] === 'MiB'
          ? 2 ** 20
          : match?.[2] === 'GiB'
            ? 2 ** 30
            : 1;
    const value = match === null ? came : Number(match[1]) * unit;
    if (typeof value === 'number' && Number.isSafeInteger(value) && value >= low && value <= high)
      return value;
    return expected(`${low} to ${high} bytes, such as 64KiB or 8MiB`, came);
  };
}

/** `form`, or null where nothing is said: the value depends on others. */
export function optional<T>(form: Form<T>): Form<T | null> {
  return (came) => (came === null ? null : form(came));
}

/** "1,2,3" or an array; elements differ. */
export function listOf<T>(form: Form<T>): Form<readonly T[]> {
  return (came) => {
    const parts =
      typeof came === 'string'
        ? came.split(',').map((part) => part.trim())
        : Array.isArray(came)
          ? came
          : [came];
    const values = parts.map(form);
    const twice = values.find((value, index) => values.indexOf(value) !== index);
    if (values.length === 0) return expected('at least one', came);
    return twice === undefined
      ? values
      : expected(`values that differ (${String(twice)} came twice)`, came);
  };
}

/**
 * An array of tables in the file; each key of each has its form, `undefined` goes to the form as
 * `null`.
 */
export function tablesOf<T extends object>(forms: { readonly [K in keyof T]-?: Form<T[K]> }): Form<
  readonly T[]
> {
  return (came) => {
    if (!Array.isArray(came)) return expected('an array of tables', came);
    const faults: string[] = [];
    const tables = came.map((table: unknown, index) => {
      if (typeof table !== 'object' || table === null || Array.isArray(table)) {
        faults.push(`[${index}]: expected a table, was ${JSON.stringify(table)}`);
        return {} as T;
      }
      return tableOf(table as Record<string, unknown>, forms, `[${index}]`, faults);
    });
    if (faults.length > 0) throw new RangeError(faults.join('; '));
    return tables;
  };
}

function tableOf<T extends object>(
  table: Record<string, unknown>,
  forms: { readonly [K in keyof T]-?: Form<T[K]> },
  at: string,
  faults: string[],
): T {
  const keys = Object.keys(forms) as (keyof T & string)[];
  const names = keys.map(snakeCase);
  for (const name of Object.keys(table)) {
    if (!names.includes(name))
      faults.push(`${at}.${name}: unknown key, expected ${names.join(', ')}`);
  }
  const value: Partial<T> = {};
  for (const key of keys) {
    try {
      value[key] = forms[key](table[snakeCase(key)] ?? null);
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      faults.push(`${at}.${snakeCase(key)}: ${error.message}`);
    }
  }
  return value as T;
}

// ── names ──────────────────────────────────────────────────────────────────────────────────────

function snakeCase(key: string): string {
  return key.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

function flagName(key: string): string {
  return `--${snakeCase(key).replaceAll('_', '-')}`;
}

function environmentName(section: string, key: string): string {
  return `OUTCRY_${section.toUpperCase()}_${snakeCase(key).toUpperCase()}`;
}

function metaOf(schema: SettingsSchema, key: string): SettingMeta {
  const meta = schema.shape[key].meta() as SettingMeta | undefined;
  if (meta?.description === undefined) throw new TypeError(`setting ${key} has no description`);
  return meta;
}

// ── flags ──────────────────────────────────────────────────────────────────────────────────────

/**
 * Gives the command an option for every setting that has one. Their values are looked at by
 * `readSettings`.
 */
export function addFlags(command: Command, schema: SettingsSchema): Command {
  for (const key of Object.keys(schema.shape)) {
    const meta = metaOf(schema, key);
    if (meta.fileOnly === true) continue;
    const short = meta.short === undefined ? '' : `-${meta.short}, `;
    const fallback = schema.shape[key].parse(undefined);
    if (meta.value === undefined && fallback === true) {
      command.addOption(new Option(`--no-${flagName(key).slice(2)}`, meta.description));
      continue;
    }
    const value = meta.value === undefined ? '' : ` <${meta.value}>`;
    const shown = meta.defaultText ?? defaultText(fallback);
    const description = shown === '' ? meta.description : `${meta.description} (default: ${shown})`;
    command.addOption(new Option(`${short}${flagName(key)}${value}`, description));
  }
  return command;
}

// ── values ─────────────────────────────────────────────────────────────────────────────────────

export interface SettingsSources {
  /** Names the table of the file and the environment variables. */
  readonly section: string;
  /** What the command line gave: commander's `opts()`. */
  readonly flags: Readonly<Record<string, unknown>>;
  /** Only those flags that somebody typed count; commander knows a switch's default too. */
  readonly typed: (key: string) => boolean;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Contents of the configuration file, parsed; null: none. */
  readonly file: ConfigFile | null;
}

export interface ConfigFile {
  readonly path: string;
  readonly tables: Readonly<Record<string, unknown>>;
}

/** Reads a configuration file (JSON: the same tables and keys as in TOML). */
export function readConfigFile(path: string): ConfigFile {
  let content: string;
  try {
    content = readFileSync(path, 'utf8');
  } catch (error) {
    throw new ConfigError([
      `cannot read the configuration file ${path}: ${error instanceof Error ? error.message : String(error)}`,
    ]);
  }
  let tables: unknown;
  try {
    tables = JSON.parse(content);
  } catch (error) {
    throw new ConfigError([
      `${path} is not JSON: ${error instanceof Error ? error.message : String(error)}`,
    ]);
  }
  if (typeof tables !== 'object' || tables === null || Array.isArray(tables)) {
    throw new ConfigError([`${path}: expected an object of tables, was ${JSON.stringify(tables)}`]);
  }
  return { path, tables: tables as Record<string, unknown> };
}

/**
 * Every setting from the first source that says something of it. Throws a ConfigError with all
 * faults.
 */
export function readSettings<S extends SettingsSchema>(
  schema: S,
  sources: SettingsSources,
): z.output<S> {
  const faults: string[] = [];
  const { file, section } = sources;
  const table = tableOfFile(schema, sources, faults);
  const values: Record<string, unknown> = {};
  for (const key of Object.keys(schema.shape)) {
    const fromEnvironment = sources.environment[environmentName(section, key)];
    let where = 'default';
    let came: unknown;
    if (sources.typed(key)) {
      where = flagName(key);
      came = sources.flags[key];
    } else if (fromEnvironment !== undefined && fromEnvironment !== '') {
      where = environmentName(section, key);
      came = fromEnvironment;
    } else {
      const { topLevel } = metaOf(schema, key);
      const from = topLevel === true ? (file?.tables ?? {}) : table;
      if (snakeCase(key) in from) {
        where = `${topLevel === true ? '' : `${section}.`}${snakeCase(key)} in ${file?.path ?? 'file'}`;
        came = from[snakeCase(key)];
      }
    }
    const parsed = schema.shape[key].safeParse(came);
    if (parsed.success) values[key] = parsed.data;
    else for (const issue of parsed.error.issues) faults.push(`${where}: ${issue.message}`);
  }
  if (faults.length > 0) throw new ConfigError(faults);
  return values as z.output<S>;
}

function tableOfFile(
  schema: SettingsSchema,
  sources: SettingsSources,
  faults: string[],
): Record<string, unknown> {
  const { file, section } = sources;
  const table = file?.tables[section] ?? {};
  if (file === null) return {};
  if (typeof table !== 'object' || Array.isArray(table)) {
    faults.push(`${section} in ${file.path}: expected a table, was ${JSON.stringify(table)}`);
    return {};
  }
  const known = Object.keys(schema.shape)
    .filter((key) => {
      const { flagOnly, topLevel } = metaOf(schema, key);
      return flagOnly !== true && topLevel !== true;
    })
    .map(snakeCase);
  for (const name of Object.keys(table)) {
    if (!known.includes(name))
      faults.push(`${section}.${name} in ${file.path}: unknown key${nearest(name, known)}`);
  }
  return table as Record<string, unknown>;
}

/** ", did you mean …?" where one is close. */
function nearest(name: string, known: readonly string[]): string {
  const close = known.find(
    (other) => other.startsWith(name) || name.startsWith(other) || distance(name, other) <= 2,
  );
  return close === undefined ? '' : `, did you mean ${close}?`;
}

/** Edit distance. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      next.push(
        Math.min(row[j] + 1, next[j - 1] + 1, row[j - 1] + (a[i - 1] === b[j - 1] ? 0 : 1)),
      );
    }
    row = next;
  }
  return row[b.length];
}
