// What stands in the payloads of the types that every journal has (record_types.ts), and all of them
// in words for people and programs that read a journal.
//
//   Start         wall clock ms 8 | text: program and version, UTF-8
//   Stop, Clock   nothing: the record's time says it
//   Config, Operator    JSON, UTF-8
//   Session       event 1 | framing 1 | pad 2 | client 4 | highest order id 8 | outbound sequence 8 |
//                 account 8, ASCII, zeros behind
//   Commands      command slots of 32 bytes, an extended command in two (src/book/types.ts)
//   StateHash     hash 8: of the state after the record before
//   SnapshotMark  sequence 8 | hash 8: of the snapshot that has been written
// and those of the trading client, which writes them (src/trader/client_journal.ts):
//   ClientResponse  sequence 8 | the 42 bytes of the response
//   OrderIdBlock    last usable id 8
//   ClientSession   next sequence 8 | name 10, ASCII, zeros behind
//
// Config holds no secrets: a journal is read by whoever may audit it.
// Little-endian. Sequences are below 2^53; order ids and hashes take all 64 bits.
import { assert } from '../base/assert.ts';
import {
  Cmd,
  CmdFlag,
  COMMAND,
  COMMAND_EXTENSION,
  OrderType,
  OWNER_NONE,
  Reason,
  REASON_TEXT,
  State,
  Stp,
  Tif,
} from '../book/types.ts';
import { ClientResponse, ResponseType } from '../wire/generated/native.ts';
import { getUint53, setUint53 } from './record.ts';
import { JournalType } from './record_types.ts';

// ── Start ────────────────────────────────────────────────────────────────────────────────────

const START_TEXT_AT = 8;
/** The clock; the text may be empty. */
export const START_BYTES_MIN = START_TEXT_AT;

/** `wallClockMs`: milliseconds since 1970 at the record's own time. */
export function encodeStart(wallClockMs: number, text: string): Uint8Array {
  const words = new TextEncoder().encode(text);
  const bytes = new Uint8Array(START_TEXT_AT + words.length);
  setUint53(new DataView(bytes.buffer), 0, Math.floor(wallClockMs));
  bytes.set(words, START_TEXT_AT);
  return bytes;
}

export function decodeStart(bytes: Uint8Array): { wallClockMs: number; text: string } {
  return {
    wallClockMs: getUint53(viewOf(bytes), 0),
    text: new TextDecoder().decode(bytes.subarray(START_TEXT_AT)),
  };
}

// ── Config, Operator ─────────────────────────────────────────────────────────────────────────

export function encodeJson(value: unknown): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(value));
}

export function decodeJson(bytes: Uint8Array): unknown {
  return JSON.parse(new TextDecoder().decode(bytes));
}

// ── Session ──────────────────────────────────────────────────────────────────────────────────

export const SessionEvent = { LoggedIn: 1, LoggedOut: 2, Closed: 3 } as const;
export type SessionEvent = (typeof SessionEvent)[keyof typeof SessionEvent];

/** Offsets of fields in bytes. */
export const SESSION = {
  size: 32,
  event: 0,
  framing: 1,
  client: 4,
  orderId: 8,
  outboundSequence: 16,
  account: 24,
  accountBytes: 8,
} as const;
assert(SESSION.account + SESSION.accountBytes === SESSION.size, 'a session record has no holes');

export interface SessionRecord {
  readonly event: SessionEvent;
  /** As the exchange numbers them; 0: unknown. */
  readonly framing: number;
  readonly client: number;
  /** The highest order id that the account has used; 0: none. */
  readonly orderId: bigint;
  /** The next sequence of its outbound stream. */
  readonly outboundSequence: number;
  /** At most 8 ASCII characters. */
  readonly account: string;
}

export function encodeSession(record: SessionRecord): Uint8Array {
  assert(record.account.length <= SESSION.accountBytes, 'an account has at most 8 characters');
  const bytes = new Uint8Array(SESSION.size);
  const view = new DataView(bytes.buffer);
  view.setUint8(SESSION.event, record.event);
  view.setUint8(SESSION.framing, record.framing);
  view.setUint32(SESSION.client, record.client, true);
  view.setBigUint64(SESSION.orderId, record.orderId, true);
  setUint53(view, SESSION.outboundSequence, record.outboundSequence);
  for (let i = 0; i < record.account.length; i++) {
    bytes[SESSION.account + i] = record.account.charCodeAt(i);
  }
  return bytes;
}

export function decodeSession(bytes: Uint8Array): SessionRecord {
  const view = viewOf(bytes);
  return {
    event: view.getUint8(SESSION.event) as SessionEvent,
    framing: view.getUint8(SESSION.framing),
    client: view.getUint32(SESSION.client, true),
    orderId: view.getBigUint64(SESSION.orderId, true),
    outboundSequence: getUint53(view, SESSION.outboundSequence),
    account: String.fromCharCode(...bytes.subarray(SESSION.account)).replace(/\0+$/, ''),
  };
}

// ── StateHash, SnapshotMark ──────────────────────────────────────────────────────────────────

export const STATE_HASH_BYTES = 8;
export const SNAPSHOT_MARK_BYTES = 16;

/** The exchange writes it by halves, in place (exchange/journal_stage.ts): its path makes no BigInt. */
export function encodeStateHash(hash: bigint): Uint8Array {
  const bytes = new Uint8Array(STATE_HASH_BYTES);
  new DataView(bytes.buffer).setBigUint64(0, hash, true);
  return bytes;
}

export function decodeStateHash(bytes: Uint8Array): bigint {
  return viewOf(bytes).getBigUint64(0, true);
}

export function encodeSnapshotMark(sequence: number, hash: bigint): Uint8Array {
  const bytes = new Uint8Array(SNAPSHOT_MARK_BYTES);
  const view = new DataView(bytes.buffer);
  setUint53(view, 0, sequence);
  view.setBigUint64(8, hash, true);
  return bytes;
}

export function decodeSnapshotMark(bytes: Uint8Array): { sequence: number; hash: bigint } {
  const view = viewOf(bytes);
  return { sequence: getUint53(view, 0), hash: view.getBigUint64(8, true) };
}

// ── Commands ─────────────────────────────────────────────────────────────────────────────────

/** A command as it stands in a journal: words for what has them, numbers otherwise. */
export interface CommandRecord {
  /** Of its first slot in the batch. */
  readonly slot: number;
  readonly command: string;
  readonly book: number;
  readonly client: number;
  readonly order: bigint;
  readonly side: string;
  readonly price: number;
  readonly qty: number;
  readonly orderType?: string;
  readonly tif?: string;
  readonly postOnly?: true;
  readonly chain?: true;
  readonly stp?: string;
  readonly display?: number;
  readonly minQty?: number;
  readonly stopPrice?: number;
  readonly owner?: number;
  readonly state?: string;
  readonly rejected?: string;
  readonly reason?: string;
}

const COMMAND_NAMES = namesOf(Cmd);
const ORDER_TYPE_NAMES = namesOf(OrderType);
const TIF_NAMES = namesOf(Tif);
const STP_NAMES = namesOf(Stp);
const STATE_NAMES = namesOf(State);

/** The commands of a batch; each looks whole, for the engine has taken it. */
export function* decodeCommands(bytes: Uint8Array): Generator<CommandRecord> {
  const view = viewOf(bytes);
  for (let at = 0; at + COMMAND.size <= bytes.length; ) {
    const extended =
      view.getUint8(at + COMMAND.type) === Cmd.New &&
      (view.getUint8(at + COMMAND.flags) & CmdFlag.Extended) !== 0 &&
      at + 2 * COMMAND.size <= bytes.length;
    yield decodeCommand(view, at, extended);
    at += extended ? 2 * COMMAND.size : COMMAND.size;
  }
}

function decodeCommand(view: DataView, at: number, extended: boolean): CommandRecord {
  const type = view.getUint8(at + COMMAND.type);
  const second = view.getUint8(at + COMMAND.orderType);
  const flags = view.getUint8(at + COMMAND.flags);
  const side = view.getInt8(at + COMMAND.side);
  const common = {
    slot: at / COMMAND.size,
    command: nameOf(COMMAND_NAMES, type),
    book: view.getUint16(at + COMMAND.book, true),
    client: view.getUint32(at + COMMAND.client, true),
    order: view.getBigUint64(at + COMMAND.id, true),
    side: sideName(side),
    price: view.getInt32(at + COMMAND.price, true),
    qty: view.getUint32(at + COMMAND.qty, true),
  };
  switch (type) {
    case Cmd.New:
      return {
        ...common,
        orderType: nameOf(ORDER_TYPE_NAMES, second),
        tif: nameOf(TIF_NAMES, view.getUint8(at + COMMAND.tif)),
        stp: nameOf(STP_NAMES, view.getUint8(at + COMMAND.stp)),
        ...((flags & CmdFlag.PostOnly) !== 0 && { postOnly: true as const }),
        ...(extended && decodeExtension(view, at + COMMAND.size)),
      };
    case Cmd.Replace:
      return { ...common, ...((flags & CmdFlag.Chain) !== 0 && { chain: true as const }) };
    case Cmd.State:
      return { ...common, state: nameOf(STATE_NAMES, second) };
    case Cmd.Reject: {
      const reason = view.getUint32(at + COMMAND.reason, true) as Reason;
      return {
        ...common,
        rejected: nameOf(COMMAND_NAMES, second),
        reason: REASON_TEXT[reason] ?? String(reason),
      };
    }
    default:
      return common;
  }
}

function decodeExtension(view: DataView, at: number): Partial<CommandRecord> {
  const owner = view.getUint32(at + COMMAND_EXTENSION.owner, true);
  return {
    display: view.getUint32(at + COMMAND_EXTENSION.display, true),
    minQty: view.getUint32(at + COMMAND_EXTENSION.minQty, true),
    stopPrice: view.getInt32(at + COMMAND_EXTENSION.stopPrice, true),
    ...(owner !== OWNER_NONE && { owner }),
  };
}

// ── the trading client's ─────────────────────────────────────────────────────────────────────

const RESPONSE_AT = 8;
const SESSION_NAME_AT = 8;
const RESPONSE_NAMES = namesOf(ResponseType);

function describeResponse(bytes: Uint8Array): Record<string, unknown> {
  const view = viewOf(bytes);
  const at = RESPONSE_AT;
  const side = ClientResponse.side(view, at);
  return {
    response: getUint53(view, 0),
    event: nameOf(RESPONSE_NAMES, ClientResponse.type(view, at)),
    client: ClientResponse.client(view, at),
    ticker: ClientResponse.ticker(view, at),
    order: ClientResponse.clientOrderBig(view, at),
    exchangeOrder: ClientResponse.marketOrderBig(view, at),
    side: sideName(side),
    price: ClientResponse.priceBig(view, at),
    execQty: ClientResponse.execQty(view, at),
    leavesQty: ClientResponse.leavesQty(view, at),
  };
}

// ── any of them ──────────────────────────────────────────────────────────────────────────────

/**
 * What a payload says, by field. Commands are `{ commands: [...] }`; what is not known here, or not
 * of its form, comes as `{ hex }`.
 */
export function describePayload(type: number, bytes: Uint8Array): Record<string, unknown> {
  try {
    switch (type) {
      case JournalType.Start:
        return decodeStart(bytes);
      case JournalType.Stop:
      case JournalType.Clock:
        return {};
      case JournalType.Config:
      case JournalType.Operator:
        return { json: decodeJson(bytes) };
      case JournalType.Session: {
        const session = decodeSession(bytes);
        return { ...session, event: nameOf(namesOf(SessionEvent), session.event) };
      }
      case JournalType.Commands:
        return { commands: [...decodeCommands(bytes)] };
      case JournalType.StateHash:
        return { hash: hex64(decodeStateHash(bytes)) };
      case JournalType.SnapshotMark: {
        const { sequence, hash } = decodeSnapshotMark(bytes);
        return { snapshot: sequence, hash: hex64(hash) };
      }
      case JournalType.ClientResponse:
        return describeResponse(bytes);
      case JournalType.OrderIdBlock:
        return { usableTo: getUint53(viewOf(bytes), 0) };
      case JournalType.ClientSession: {
        const name = String.fromCharCode(...bytes.subarray(SESSION_NAME_AT)).replace(/\0+$/, '');
        return { nextResponse: getUint53(viewOf(bytes), 0), session: name };
      }
      default:
        return { hex: hexOf(bytes) };
    }
  } catch (error) {
    if (error instanceof RangeError || error instanceof SyntaxError) return { hex: hexOf(bytes) };
    throw error;
  }
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function namesOf(codes: Readonly<Record<string, number>>): ReadonlyMap<number, string> {
  return new Map(
    Object.entries(codes).map(([name, code]) => [
      code,
      name.replace(/(?!^)[A-Z]/g, '-$&').toLowerCase(),
    ]),
  );
}

function sideName(side: number): string {
  if (side === 0) return 'none';
  return side === 1 ? 'buy' : side === -1 ? 'sell' : String(side);
}

function nameOf(names: ReadonlyMap<number, string>, code: number): string {
  return names.get(code) ?? String(code);
}

export function hex64(value: bigint): string {
  return value.toString(16).padStart(16, '0');
}

function hexOf(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}
