// The options of `outcry demo`, and what each may be.
import { InvalidArgumentError } from 'commander';
import { PORT_MAX } from './free_ports.ts';

/** What a timer of Node can wait. */
const SECONDS_MAX = 0x7fff_ffff / 1000;

export interface DemoFlags {
  port: number;
  multicastPort?: number;
  speed?: number;
  duration?: number;
  data?: string;
  scenario?: string;
  json?: boolean;
  dashboardPort?: number;
  /** `--no-dashboard` makes it false. */
  dashboard: boolean;
}

/** A parser that throws a RangeError with the value, as commander's error. */
export function option<T>(parse: (text: string) => T): (text: string) => T {
  return (text) => {
    try {
      return parse(text);
    } catch (error) {
      throw new InvalidArgumentError(error instanceof Error ? error.message : String(error));
    }
  };
}

const UNIT_SECONDS: Readonly<Record<string, number>> = { ms: 0.001, s: 1, m: 60, h: 3600 };

/** "5", "5s", "500ms": seconds. */
export function parseSeconds(text: string): number {
  const [, digits = '', unit = 's'] = /^(\d*\.?\d+)(ms|s|m|h)?$/.exec(text) ?? [];
  const seconds = Number(digits) * UNIT_SECONDS[unit];
  if (seconds > 0 && seconds <= SECONDS_MAX) return seconds;
  throw new RangeError(`expected a number above 0, or a time such as 500ms or 2m, was "${text}"`);
}

export function portNumber(text: string): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && value <= PORT_MAX - 3) return value;
  throw new RangeError(`expected a port 0 … ${PORT_MAX - 3}, was "${text}"`);
}
