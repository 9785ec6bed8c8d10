// The lines of a recording of Binance's public streams: cut out of the file's pieces, taken apart, and looked at, so
// that who reads them finds the fields that a message of its kind has.
//
//   piece ─► LineReader ─► "nanoseconds message" ─► BinanceLines ─► time, kind, message ─► the book (binance.ts), rows
//
//   difference  {"e":"depthUpdate","E":sent,"T":happened,"U":first,"u":last,"pu":previous,"b":[["price","qty"],…],"a":…}
//   best        {"e":"bookTicker","u":last,"b":"61800.20","B":"2.507","a":…,"A":…}
//   trade       {"e":"trade","E":sent,"T":happened,"t":id,"p":"61800.30","q":"0.006","X":"MARKET","m":false}
//   snapshot    {"lastUpdateId":5123107852948,"T":happened,"bids":[["price","qty"],…],"asks":…}
//
// Streams stand in {"stream":…,"data":…}, snapshots by themselves. Messages of other kinds are handed out as such.
// Cost: JSON's. Limit: LINE_BYTES_MAX a line.
import { RecordingError } from './recording_source.ts';

export type BinanceLevel = readonly [price: string, qty: string];

/** Milliseconds since 1970 by the exchange's clock: when it happened, and when it was sent. Not every stream tells both. */
interface BinanceTimes { readonly T?: number; readonly E?: number }

export interface BinanceDifference extends BinanceTimes {
  readonly U: number;
  readonly u: number;
  /** Spot streams do not tell it. */
  readonly pu?: number;
  readonly b: readonly BinanceLevel[];
  readonly a: readonly BinanceLevel[];
}
export interface BinanceBest { readonly u: number; readonly b: string; readonly B: string; readonly a: string; readonly A: string }
export interface BinanceTrade extends BinanceTimes {
  readonly t: number;
  readonly p: string;
  readonly q: string;
  /** The buyer was the maker: the taker sold. */
  readonly m: boolean;
  /** Futures: MARKET, or what did not trade in the book (INSURANCE_FUND, ADL, NA). */
  readonly X?: string;
}
export interface BinanceSnapshot extends BinanceTimes {
  readonly lastUpdateId: number;
  readonly bids: readonly BinanceLevel[];
  readonly asks: readonly BinanceLevel[];
}

interface Timed {
  /** When it was received. */
  readonly timeNs: bigint;
  /** '': the message does not name it. */
  readonly symbol: string;
  /** Of the recording, from 1. */
  readonly line: number;
}
export type BinanceLine =
  | (Timed & { readonly kind: 'difference'; readonly message: BinanceDifference })
  | (Timed & { readonly kind: 'best'; readonly message: BinanceBest })
  | (Timed & { readonly kind: 'trade'; readonly message: BinanceTrade })
  | (Timed & { readonly kind: 'snapshot'; readonly message: BinanceSnapshot })
  | (Timed & { readonly kind: 'other' });

const LINE_BYTES_MAX = 64 << 20;
const SHOWN_CHARS = 60;

type Fields = Readonly<Record<string, unknown>>;
type Check = (value: unknown) => boolean;

const isId: Check = (value) => Number.isSafeInteger(value) && (value as number) >= 0;
const isIdOrNone: Check = (value) => value === undefined || isId(value);
const isText: Check = (value) => typeof value === 'string';
const isTextOrNone: Check = (value) => value === undefined || isText(value);
const isLevels: Check = (value) =>
  Array.isArray(value) && value.every((level) => Array.isArray(level) && isText(level[0]) && isText(level[1]));

type Kind = Exclude<BinanceLine['kind'], 'other'>;
type FieldCheck = readonly [name: string, check: Check, what: string];
const TIMES: readonly FieldCheck[] = [['T', isIdOrNone, 'a number'], ['E', isIdOrNone, 'a number']];
const FIELDS: Readonly<Record<Kind, readonly FieldCheck[]>> = {
  difference: [
    ...TIMES,
    ['U', isId, 'a number'], ['u', isId, 'a number'], ['pu', isIdOrNone, 'a number'], ['b', isLevels, 'levels'], ['a', isLevels, 'levels'],
  ],
  best: [['u', isId, 'a number'], ['b', isText, 'a text'], ['B', isText, 'a text'], ['a', isText, 'a text'], ['A', isText, 'a text']],
  trade: [
    ...TIMES, ['X', isTextOrNone, 'a text'],
    ['t', isId, 'a number'], ['p', isText, 'a text'], ['q', isText, 'a text'], ['m', (value) => typeof value === 'boolean', 'true or false'],
  ],
  snapshot: [...TIMES, ['lastUpdateId', isId, 'a number'], ['bids', isLevels, 'levels'], ['asks', isLevels, 'levels']],
};
const KINDS: ReadonlyMap<unknown, Kind> = new Map([['depthUpdate', 'difference'], ['bookTicker', 'best'], ['trade', 'trade']]);

/** Takes lines apart and counts them. */
export class BinanceLines {
  lines = 0;
  readonly #path: string;

  constructor(path: string) {
    this.#path = path;
  }

  /** One line without its line feed. Throws RecordingError with the line's number. */
  parse(text: string): BinanceLine {
    this.lines++;
    const time = /^(\d{1,19}) /.exec(text)?.[1];
    if (time === undefined) this.fail('expected "nanoseconds message"');
    const fields = this.#fields(text.slice(time.length + 1));
    const { s } = fields;
    const timed = { timeNs: BigInt(time), symbol: typeof s === 'string' ? s : '', line: this.lines };
    const kind = 'lastUpdateId' in fields ? 'snapshot' : KINDS.get(fields['e']);
    if (kind === undefined) return { ...timed, kind: 'other' };
    for (const [name, check, what] of FIELDS[kind])
      if (!check(fields[name])) this.fail(`expected ${what} as "${name}" of a ${kind}, was ${shown(fields[name])}`);
    return { ...timed, kind, message: fields } as unknown as BinanceLine;
  }

  /** About a line; without a number the one that was parsed last. */
  fail(what: string, line: number = this.lines): never {
    throw new RecordingError(this.#path, -1, `line ${line}: ${what}`);
  }

  #fields(json: string): Fields {
    let message: unknown;
    try {
      message = JSON.parse(json);
    } catch (error) {
      this.fail(`expected JSON behind the time: ${error instanceof Error ? error.message : String(error)}`);
    }
    const inner = isFields(message) && message['data'] !== undefined ? message['data'] : message;
    if (!isFields(inner)) this.fail(`expected an object as message, was ${shown(inner)}`);
    return inner;
  }
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A value of a message, cut short. */
export function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? 'nothing';
  return text.length > SHOWN_CHARS ? `${text.slice(0, SHOWN_CHARS)}…` : text;
}

/** The lines of a recording's pieces. */
export class LineReader {
  readonly #listener: (line: string) => void;
  readonly #path: string;
  #kept: Buffer[] = [];
  #keptBytes = 0;

  constructor(path: string, listener: (line: string) => void) {
    this.#path = path;
    this.#listener = listener;
  }

  push(piece: Uint8Array): void {
    const bytes = Buffer.from(piece.buffer, piece.byteOffset, piece.byteLength);
    let from = 0;
    for (let at = bytes.indexOf(10); at >= 0; at = bytes.indexOf(10, from)) {
      this.#take(bytes.subarray(from, at));
      from = at + 1;
    }
    this.#kept.push(Buffer.from(bytes.subarray(from)));
    this.#keptBytes += bytes.length - from;
    if (this.#keptBytes > LINE_BYTES_MAX) {
      throw new RecordingError(this.#path, -1, `expected lines of at most ${LINE_BYTES_MAX} bytes, was a longer one`);
    }
  }

  finish(): void {
    if (this.#keptBytes > 0) this.#take(Buffer.alloc(0));
  }

  #take(end: Buffer): void {
    const line = this.#keptBytes > 0 ? Buffer.concat([...this.#kept, end]) : end;
    this.#kept = [];
    this.#keptBytes = 0;
    if (line.length > 0) this.#listener(line.toString('utf8'));
  }
}
