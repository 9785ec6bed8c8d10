// Lines of JSON as the gateway writes them: parts that are JSON already, so that prices and times are written digit by
// digit, exactly, whatever a double would make of them.
import { wallClockMs } from '../base/clock.ts';

const US_PER_MS = 1_000;
const NS_PER_US = 1_000;
/** The wall clock is asked anew after this long. */
const ANCHOR_NS = 1_000_000_000;

/** `fields` in their order; those without a value are left out. Values are JSON. */
export function jsonLine(fields: Readonly<Record<string, string | number | undefined>>): string {
  let line = '';
  for (const name in fields) {
    const value = fields[name];
    if (value !== undefined) line += `${line === '' ? '{' : ','}"${name}":${value}`;
  }
  return `${line}}\n`;
}

/** Text as JSON; undefined stays so. */
export function quoted(text: string): string {
  return JSON.stringify(text);
}

/** A u64 as JSON: a number where a double has it exactly, else a string. */
export function wholeText(value: bigint): string {
  return value <= BigInt(Number.MAX_SAFE_INTEGER) ? String(value) : `"${value}"`;
}

/** Nanoseconds since 1970 as digits, in whole microseconds, never falling. */
export class Timestamps {
  #anchorNs = -Infinity;
  #anchorUs = 0;
  #lastUs = 0;

  text(nowNs: number): string {
    if (nowNs - this.#anchorNs > ANCHOR_NS) {
      this.#anchorNs = nowNs;
      this.#anchorUs = Math.floor(wallClockMs() * US_PER_MS);
    }
    const us = this.#anchorUs + Math.floor((nowNs - this.#anchorNs) / NS_PER_US);
    this.#lastUs = Math.max(this.#lastUs, us);
    return `${this.#lastUs}000`;
  }
}
