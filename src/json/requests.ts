// What a client of the JSON gateway may ask for, checked: JSON of one line becomes a Request, or a Refusal says what was
// expected and what came. Words are those of `outcry match` (fields.ts); docs/JSON.md is their description.
//
// A field that its request does not have is refused: "postonly" for "postOnly" would be an order that nobody meant.
// Prices are decimals, as text or as the number that JSON prints, and become ticks exactly.
import { CmdFlag, OrderType, Reason, Side, Stp, Tif } from '../book/types.ts';
import { BOOK_ALL, BOOK_UNKNOWN, type TraderInstruments } from '../trader/instruments.ts';
import {
  type Fields, flag, idOf, integer, named, ORDER_TYPES, Refusal, show, SIDES, STPS, TIFS,
} from './fields.ts';

const U32_MAX = 0xffff_ffff;
/** Of a client's reference: as long as a UUID with room to spare. */
const REF_CHARS_MAX = 64;
const DEPTH_LEVELS_MAX = 1_000;
const DEPTH_LEVELS_DEFAULT = 10;
const INTERVAL_MS_MAX = 10_000;
const INTERVAL_MS_DEFAULT = 10;
/** Longest time that a signature's time says in milliseconds: the year 2255. */
const TIME_MS_MAX = 9e12;

/** What may be subscribed to, as bits. */
export const Channel = { Trades: 1, Top: 2, Depth: 4, External: 8 } as const;
export const CHANNELS: ReadonlyMap<unknown, number> = new Map<unknown, number>([
  ['trades', Channel.Trades], ['top', Channel.Top], ['depth', Channel.Depth], ['external', Channel.External],
]);

export interface LoginRequest {
  readonly client: number;
  readonly user: string | undefined;
  readonly password: string | undefined;
  /** A signature: its key, its time and itself. */
  readonly proof: { readonly keyId: string; readonly timeMs: number; readonly signature: Uint8Array } | null;
  readonly session: string;
  readonly next: number;
}

export interface NewRequest {
  /** null: the gateway chooses. */
  readonly id: bigint | null;
  readonly ref: string | undefined;
  readonly book: number;
  readonly side: number;
  /** Undefined where the type has none. */
  readonly priceTicks: number | undefined;
  readonly qty: number;
  readonly orderType: OrderType;
  readonly tif: Tif;
  readonly flags: number;
  readonly stp: Stp;
  readonly display: number;
  readonly minQty: number;
  readonly stopTicks: number | undefined;
  /** null: the account's own. */
  readonly owner: number | null;
}

/** Of an order; `book` is BOOK_UNKNOWN where the request does not say. */
interface OfOrder {
  readonly id: bigint;
  readonly book: number;
}

export interface ReplaceRequest extends OfOrder {
  /** Side.None: not said. */
  readonly side: number;
  readonly price: string | number;
  /** The chain's total, executions included. */
  readonly qty: number;
}

export interface SubscribeRequest {
  readonly channels: number;
  readonly books: readonly number[];
  readonly intervalMs: number;
}

export type Request =
  | { readonly op: 'login'; readonly login: LoginRequest; readonly numbers: boolean | undefined }
  | { readonly op: 'logout' | 'status' | 'heartbeat' }
  | { readonly op: 'new'; readonly order: NewRequest }
  | { readonly op: 'cancel'; readonly order: OfOrder }
  | { readonly op: 'replace'; readonly order: ReplaceRequest }
  | { readonly op: 'reduce'; readonly order: { readonly id: bigint; readonly qty: number } }
  | { readonly op: 'massCancel'; readonly book: number; readonly side: number }
  | { readonly op: 'subscribe'; readonly wanted: SubscribeRequest; readonly numbers: boolean | undefined }
  | { readonly op: 'unsubscribe'; readonly wanted: SubscribeRequest }
  | { readonly op: 'depth'; readonly book: number; readonly levels: number };

/** Fields by request. */
export const REQUEST_FIELDS: Readonly<Record<Request['op'], readonly string[]>> = {
  login: ['client', 'user', 'password', 'key', 'time', 'signature', 'session', 'next', 'numbers'],
  logout: [],
  status: [],
  heartbeat: [],
  new: [
    'id', 'ref', 'symbol', 'side', 'price', 'qty', 'type', 'stopPrice', 'tif', 'postOnly', 'display', 'minQty', 'owner', 'stp',
  ],
  cancel: ['id', 'symbol'],
  replace: ['id', 'symbol', 'side', 'price', 'qty', 'chain'],
  reduce: ['id', 'qty'],
  massCancel: ['symbol', 'side'],
  subscribe: ['channels', 'symbols', 'intervalMs', 'numbers'],
  unsubscribe: ['channels', 'symbols'],
  depth: ['symbol', 'levels'],
};
const OPS = Object.keys(REQUEST_FIELDS);

export function requestOf(fields: Fields, instruments: TraderInstruments): Request {
  const op = opOf(fields);
  const known = REQUEST_FIELDS[op];
  for (const name of Object.keys(fields)) {
    if (name === 'op' || known.includes(name)) continue;
    throw malformed(`${op}: expected fields ${known.join(', ') || 'none'} beside op, was ${show(name)}`);
  }
  const book = (fallback?: number): number => bookOf(fields, instruments, fallback);
  switch (op) {
    case 'login': return { op, login: loginOf(fields), numbers: numbersOf(fields) };
    case 'new': return { op, order: newOf(fields, instruments) };
    case 'cancel': return { op, order: { id: idOf(fields), book: book(BOOK_UNKNOWN) } };
    case 'replace': return { op, order: replaceOf(fields, instruments) };
    case 'reduce': return { op, order: { id: idOf(fields), qty: quantity(fields, 'qty') } };
    case 'massCancel': return { op, book: book(BOOK_ALL), side: named(fields, 'side', SIDES, Reason.Side, Side.None) };
    case 'subscribe': return { op, wanted: subscriptionOf(fields, instruments), numbers: numbersOf(fields) };
    case 'unsubscribe': return { op, wanted: subscriptionOf(fields, instruments) };
    case 'depth':
      return { op, book: book(), levels: integer(fields, 'levels', 1, DEPTH_LEVELS_MAX, Reason.Malformed, DEPTH_LEVELS_DEFAULT) };
    default: return { op };
  }
}

function opOf(fields: Fields): Request['op'] {
  const op = fields['op'];
  if (typeof op === 'string' && OPS.includes(op)) return op as Request['op'];
  throw malformed(`op: expected ${OPS.join(', ')}, was ${show(op)}`);
}

function loginOf(fields: Fields): LoginRequest {
  const keyId = text(fields, 'key', 8);
  return {
    client: integer(fields, 'client', 0, U32_MAX - 1, Reason.Malformed),
    user: text(fields, 'user', 6),
    password: text(fields, 'password', 10),
    session: text(fields, 'session', 10) ?? '',
    next: integer(fields, 'next', 0, Number.MAX_SAFE_INTEGER, Reason.Malformed, 0),
    proof: keyId === undefined ? null : {
      keyId, timeMs: integer(fields, 'time', 0, TIME_MS_MAX, Reason.Malformed), signature: signatureOf(fields),
    },
  };
}

function signatureOf(fields: Fields): Uint8Array {
  const value = fields['signature'];
  if (typeof value === 'string' && /^[0-9a-f]{64}$/i.test(value)) return Uint8Array.fromHex(value);
  throw malformed('signature: expected 64 hexadecimal digits, was something else');
}

function newOf(fields: Fields, instruments: TraderInstruments): NewRequest {
  const book = bookOf(fields, instruments);
  const orderType = named(fields, 'type', ORDER_TYPES, Reason.Unsupported, OrderType.Limit);
  const stops = orderType === OrderType.Stop || orderType === OrderType.StopLimit;
  const limited = orderType === OrderType.Limit || orderType === OrderType.StopLimit;
  return {
    id: fields['id'] === undefined ? null : idOf(fields),
    ref: refOf(fields), book, orderType,
    side: named(fields, 'side', SIDES, Reason.Side),
    priceTicks: limited ? ticksOf(fields, 'price', book, instruments) : undefined,
    stopTicks: stops ? ticksOf(fields, 'stopPrice', book, instruments) : undefined,
    qty: quantity(fields, 'qty'),
    tif: named(fields, 'tif', TIFS, Reason.Unsupported, Tif.Gtc),
    flags: flag(fields, 'postOnly') ? CmdFlag.PostOnly : 0,
    stp: named(fields, 'stp', STPS, Reason.Unsupported, Stp.Default),
    display: integer(fields, 'display', 0, U32_MAX, Reason.Unsupported, 0),
    minQty: integer(fields, 'minQty', 0, U32_MAX, Reason.Unsupported, 0),
    owner: fields['owner'] === undefined ? null : integer(fields, 'owner', 0, U32_MAX - 1, Reason.Malformed),
  };
}

function replaceOf(fields: Fields, instruments: TraderInstruments): ReplaceRequest {
  if (fields['chain'] !== undefined && !flag(fields, 'chain')) {
    throw new Refusal(Reason.Unsupported, 'chain: expected true: at an exchange qty is the total of the chain, executions included');
  }
  return {
    id: idOf(fields), book: bookOf(fields, instruments, BOOK_UNKNOWN),
    side: named(fields, 'side', SIDES, Reason.Side, Side.None),
    price: decimalOf(fields, 'price'), qty: quantity(fields, 'qty'),
  };
}

function subscriptionOf(fields: Fields, instruments: TraderInstruments): SubscribeRequest {
  const channels = listOf(fields, 'channels', CHANNELS.size).map((name) => {
    const channel = CHANNELS.get(name);
    if (channel === undefined) throw malformed(`channels: expected ${[...CHANNELS.keys()].join(', ')}, was ${show(name)}`);
    return channel;
  });
  const symbols = fields['symbols'] === undefined ? null : listOf(fields, 'symbols', instruments.count);
  return {
    channels: channels.reduce((bits, channel) => bits | channel, 0),
    books: symbols === null
      ? instruments.list.map((_, book) => book) : symbols.map((symbol) => bookNamed('symbols', symbol, instruments)),
    intervalMs: integer(fields, 'intervalMs', 0, INTERVAL_MS_MAX, Reason.Malformed, INTERVAL_MS_DEFAULT),
  };
}

// ── single fields ──────────────────────────────────────────────────────────────────────────────

/** Ticks of a price; throws a Refusal where it is none, off the grid, or beyond the instrument's range. */
export function ticksOfPrice(field: string, price: string | number, book: number, instruments: TraderInstruments): number {
  try {
    return instruments.ticksOf(book, price);
  } catch (error) {
    throw new Refusal(Reason.Price, `${field}: ${(error as Error).message}`);
  }
}

function ticksOf(fields: Fields, field: string, book: number, instruments: TraderInstruments): number {
  return ticksOfPrice(field, decimalOf(fields, field), book, instruments);
}

function decimalOf(fields: Fields, field: string): string | number {
  const value = fields[field];
  if (typeof value === 'string' || typeof value === 'number') return value;
  throw malformed(`${field}: expected a decimal as text or number, was ${show(value)}`);
}

/** 0 passes here: the exchange refuses it, as it does from anyone. */
function quantity(fields: Fields, field: string): number {
  return integer(fields, field, 0, U32_MAX, Reason.Quantity);
}

function bookOf(fields: Fields, instruments: TraderInstruments, fallback?: number): number {
  const symbol = fields['symbol'];
  return fallback !== undefined && symbol === undefined ? fallback : bookNamed('symbol', symbol, instruments);
}

function bookNamed(field: string, symbol: unknown, instruments: TraderInstruments): number {
  const book = typeof symbol === 'string' ? instruments.bookOfSymbol(symbol) : BOOK_UNKNOWN;
  if (book !== BOOK_UNKNOWN) return book;
  const known = instruments.list.slice(0, 8).map((instrument) => instrument.symbol).join(', ');
  const more = instruments.count > 8 ? ', …' : '';
  throw new Refusal(Reason.UnknownTicker, `${field}: expected one of ${known}${more}, was ${show(symbol)}`);
}

/** The client's reference as JSON. */
function refOf(fields: Fields): string | undefined {
  const value = fields['ref'];
  if (value === undefined) return undefined;
  if (typeof value === 'string' && value.length <= REF_CHARS_MAX) return JSON.stringify(value);
  if (typeof value === 'number' && Number.isSafeInteger(value)) return String(value);
  throw malformed(`ref: expected text of at most ${REF_CHARS_MAX} characters or a whole number, was ${show(value)}`);
}

function text(fields: Fields, field: string, charsMax: number): string | undefined {
  const value = fields[field];
  if (value === undefined) return undefined;
  if (typeof value === 'string' && value.length <= charsMax && /^[\x21-\x7e]*$/.test(value)) return value;
  throw malformed(`${field}: expected at most ${charsMax} printable ASCII characters, was something else`); // never shown: it may be secret
}

function numbersOf(fields: Fields): boolean | undefined {
  return fields['numbers'] === undefined ? undefined : flag(fields, 'numbers');
}

function listOf(fields: Fields, field: string, most: number): readonly unknown[] {
  const value = fields[field];
  if (Array.isArray(value) && value.length >= 1 && value.length <= most) return value;
  throw malformed(`${field}: expected a list of 1 to ${most}, was ${Array.isArray(value) ? `one of ${value.length}` : show(value)}`);
}

function malformed(message: string): Refusal {
  return new Refusal(Reason.Malformed, message);
}
