// Reads a configuration that came as an object: every value checked, every fault kept, none thrown
// before the end. Each question names its key as the user wrote it, so a message can be acted upon.
//
//   const check = new Checker();
//   const seconds = check.number(config, 'queue.seconds', 5, 0, 60);
//   check.known(config, 'queue', ['seconds']);
//   check.end();                                             // throws with everything that was wrong
import { DecimalError, parseDecimal } from '../base/decimal.ts';

export interface ConfigurationFault {
  /** As it is written: 'shutdown.policy', 'instruments[2].tickSize'. */
  readonly key: string;
  /** What was expected and what came. */
  readonly message: string;
}

/** A configuration that no engine can run with; every fault is in it. */
export class ConfigurationError extends Error {
  override readonly name = 'ConfigurationError';
  readonly faults: readonly ConfigurationFault[];

  constructor(faults: readonly ConfigurationFault[]) {
    super(`configuration: ${faults.map(({ key, message }) => `${key}: ${message}`).join('; ')}`);
    this.faults = faults;
  }
}

export class Checker {
  readonly faults: ConfigurationFault[] = [];

  fault(key: string, message: string): void {
    this.faults.push({ key, message });
  }

  /** Throws when anything was wrong. */
  end(): void {
    if (this.faults.length > 0) throw new ConfigurationError(this.faults);
  }

  /** The object under `key`, {} when it is absent or none. */
  object(value: unknown, key: string): Record<string, unknown> {
    if (value === undefined) return {};
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
    this.fault(key, `expected an object, was ${shown(value)}`);
    return {};
  }

  array(value: unknown, key: string): readonly unknown[] {
    if (value === undefined) return [];
    if (Array.isArray(value)) return value;
    this.fault(key, `expected an array, was ${shown(value)}`);
    return [];
  }

  /** Every key of `from` is one of `names`. `where`: '' at the top. */
  known(from: Record<string, unknown>, where: string, names: readonly string[]): void {
    for (const name of Object.keys(from)) {
      if (names.includes(name)) continue;
      this.fault(joined(where, name), `unknown key, expected one of ${names.join(', ')}`);
    }
  }

  whole(from: Record<string, unknown>, key: string, fallback: number, low: number, high: number): number {
    const value = from[lastOf(key)] ?? fallback;
    if (Number.isInteger(value) && (value as number) >= low && (value as number) <= high) return value as number;
    this.fault(key, `expected a whole number ${low} … ${high}, was ${shown(value)}`);
    return fallback;
  }

  number(from: Record<string, unknown>, key: string, fallback: number, low: number, high: number): number {
    const value = from[lastOf(key)] ?? fallback;
    if (typeof value === 'number' && value >= low && value <= high) return value;
    this.fault(key, `expected a number ${low} … ${high}, was ${shown(value)}`);
    return fallback;
  }

  /** A time given in milliseconds, as nanoseconds. */
  milliseconds(from: Record<string, unknown>, key: string, fallbackMs: number, lowMs: number, highMs: number): number {
    return Math.round(this.number(from, key, fallbackMs, lowMs, highMs) * 1e6);
  }

  flag(from: Record<string, unknown>, key: string, fallback: boolean): boolean {
    const value = from[lastOf(key)] ?? fallback;
    if (typeof value === 'boolean') return value;
    this.fault(key, `expected true or false, was ${shown(value)}`);
    return fallback;
  }

  oneOf<T extends string>(from: Record<string, unknown>, key: string, fallback: T, names: readonly T[]): T {
    const value = from[lastOf(key)] ?? fallback;
    if (names.includes(value as T)) return value as T;
    this.fault(key, `expected ${names.join(', ')}, was ${shown(value)}`);
    return fallback;
  }

  text(from: Record<string, unknown>, key: string, fallback: string): string {
    const value = from[lastOf(key)] ?? fallback;
    if (typeof value === 'string') return value;
    this.fault(key, `expected text, was ${shown(value)}`);
    return fallback;
  }

  /** Exact decimal text, or a number that stands for it, in units of 10^-decimals; `fallback` units when absent. */
  units(from: Record<string, unknown>, key: string, fallback: number, decimals: number, low: number): number {
    const value = from[lastOf(key)];
    if (value === undefined) return fallback;
    if (typeof value !== 'string' && typeof value !== 'number') {
      this.fault(key, `expected a decimal number, was ${shown(value)}`);
      return fallback;
    }
    try {
      const units = Number(parseDecimal(value, decimals));
      if (Number.isSafeInteger(units) && units >= low) return units;
      const least = low === 0 ? '0' : `${low / 10 ** decimals}`;
      this.fault(key, `expected at least ${least} and below 2^53 of 10^-${decimals}, was ${shown(value)}`);
    } catch (error) {
      if (!(error instanceof DecimalError)) throw error;
      this.fault(key, error.message);
    }
    return fallback;
  }
}

export function shown(value: unknown): string {
  if (typeof value === 'bigint' || typeof value === 'number' || typeof value === 'function') return String(value);
  try {
    return JSON.stringify(value) ?? String(value);
  } catch {
    return 'an object'; // with a bigint in it, or with itself
  }
}

function joined(where: string, name: string): string {
  return where === '' ? name : `${where}.${name}`;
}

/** The last name of 'shutdown.policy'. */
function lastOf(key: string): string {
  return key.slice(key.lastIndexOf('.') + 1);
}
