// Fields of a JSON object as commands have them: each is what it must be, or a Refusal says what was expected and what
// came. `outcry match` and the JSON gateway read with these, so that the same word means the same to both.
//
// Cold beside the hot path of an exchange: texts and BigInt are allowed here. A value is shown cut to what a person reads,
// lists and objects only by name: what is deeply nested cannot be written down without a deep stack.
import { OrderType, REASON_TEXT, Reason, Side, Stp, Tif } from '../book/types.ts';

const U64_MAX = 2n ** 64n - 1n;
const ID_NUMBER_MAX = BigInt(Number.MAX_SAFE_INTEGER);
const SHOWN_CHARS = 80;

export const SIDES: ReadonlyMap<unknown, number> = new Map<unknown, number>([['buy', Side.Buy], ['sell', Side.Sell]]);
export const ORDER_TYPES: ReadonlyMap<unknown, OrderType> = new Map<unknown, OrderType>([
  ['limit', OrderType.Limit], ['market', OrderType.Market], ['stop', OrderType.Stop],
  ['stop-limit', OrderType.StopLimit],
]);
export const TIFS: ReadonlyMap<unknown, Tif> = new Map<unknown, Tif>([
  ['gtc', Tif.Gtc], ['ioc', Tif.Ioc], ['fok', Tif.Fok], ['day', Tif.Day],
]);
export const STPS: ReadonlyMap<unknown, Stp> = new Map<unknown, Stp>([
  ['none', Stp.None], ['cancel-newest', Stp.CancelNewest], ['cancel-oldest', Stp.CancelOldest],
  ['cancel-both', Stp.CancelBoth], ['decrement', Stp.Decrement], ['newest', Stp.CancelNewest],
  ['oldest', Stp.CancelOldest], ['both', Stp.CancelBoth],
]);

export type Fields = Record<string, unknown>;

/** A request that cannot be taken; `reason` is a reject code. */
export class Refusal extends Error {
  readonly reason: number;

  constructor(reason: number, text: string) {
    super(text);
    this.reason = reason;
  }
}

// ── reading ────────────────────────────────────────────────────────────────────────────────────

export function parseObject(text: string): Fields {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new Refusal(Reason.Malformed, `expected a JSON object: ${(error as Error).message}`);
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new Refusal(Reason.Malformed, `expected a JSON object, was ${show(value)}`);
  }
  return value as Fields;
}

/** An order id: any u64; numbers up to 2^53 − 1, strings of digits up to the end. */
export function idOf(fields: Fields): bigint {
  const value = fields['id'];
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return BigInt(value);
  if (typeof value === 'string' && /^\d{1,20}$/.test(value)) {
    const id = BigInt(value);
    if (id <= U64_MAX) return id;
  }
  const text = typeof value === 'number' && value > Number.MAX_SAFE_INTEGER
    ? `id: a number beyond ${ID_NUMBER_MAX} (2^53 - 1) is not exact in JSON; send it as a string`
    : `id: expected a whole number 0 … ${ID_NUMBER_MAX} or a string of digits up to ${U64_MAX}, `
      + `was ${show(value)}`;
  throw new Refusal(Reason.Malformed, text);
}

/** A number of the wrong kind is answered with `reason`, anything else is malformed. */
export function integer(
  fields: Fields, field: string, least: number, most: number, reason: number, fallback?: number,
): number {
  const value = fields[field];
  if (fallback !== undefined && (value === undefined || value === null)) return fallback;
  if (typeof value === 'number' && Number.isInteger(value)) {
    if (value >= least && value <= most) return value;
  }
  const text = `${field}: expected a whole number ${least} … ${most}, was ${show(value)}`;
  throw new Refusal(typeof value === 'number' ? reason : Reason.Malformed, text);
}

export function flag(fields: Fields, field: string): boolean {
  const value = fields[field] ?? false;
  if (typeof value === 'boolean') return value;
  throw new Refusal(Reason.Malformed, `${field}: expected true or false, was ${show(value)}`);
}

/** One of the names, in any case of letters. */
export function named<T extends number>(
  fields: Fields, field: string, names: ReadonlyMap<unknown, T>, reason: number, fallback?: T,
): T {
  const value = fields[field];
  if (fallback !== undefined && (value === undefined || value === null)) return fallback;
  const found = names.get(typeof value === 'string' ? value.toLowerCase() : value);
  if (found !== undefined) return found;
  const text = `${field}: expected ${[...names.keys()].join(', ')}, was ${show(value)}`;
  throw new Refusal(typeof value === 'string' ? reason : Reason.Malformed, text);
}

/** A value for an error text. */
export function show(value: unknown): string {
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object' && value !== null) return 'an object';
  const text = JSON.stringify(value) ?? 'absent';
  return text.length > SHOWN_CHARS ? `${text.slice(0, SHOWN_CHARS)}…` : text;
}

// ── writing ────────────────────────────────────────────────────────────────────────────────────

/** A reject code and its words. */
export function because(reason: number): Fields {
  return { reason, text: REASON_TEXT[reason] };
}

/** A number where that is exact, else a string of digits. */
export function exact(value: bigint): number | string {
  return value <= ID_NUMBER_MAX ? Number(value) : String(value);
}

export function toLine(value: Fields): string {
  return `${JSON.stringify(value)}\n`;
}
