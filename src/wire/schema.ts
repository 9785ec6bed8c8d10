// Every layout of the system, once: messages on the wire, framings, the core's records.
//
// `npm run generate` makes from it the codecs (src/wire/generated/*.ts), the core's accessors
// (core/wire/generated.ts) and docs/PROTOCOL.md; tests hold core/records.ts, core/codes.ts and
// src/book/types.ts to it. A size or an offset is written here and nowhere else.
//
// Each layout states size and offsets outright and they are checked against each other when this
// file is loaded: fields follow one another without gap or overlap, the last one ends where the
// layout ends, and in an aligned record every field stands at a multiple of its width.
//
// Limits: fixed sizes only; what varies (packet payloads, message blocks) stands behind a layout.
import { assert } from '../base/assert.ts';

/**
 * Integers; `char` is one ASCII character; `text` is ASCII with spaces behind it, `textRight` with
 * spaces before it; `digits` is a decimal number with spaces before it; `hex` is bytes as they are,
 * shown as hexadecimal digits; `reserved` is written as zeros and not read.
 */
export type FieldType =
  | 'u8' | 'i8' | 'u16' | 'u32' | 'i32' | 'u64' | 'i64'
  | 'char' | 'text' | 'textRight' | 'digits' | 'hex' | 'reserved';

export type Endian = 'little' | 'big';

/**
 * Which generated file a layout's codec goes to; `core_records` have none, the pipeline reads them
 * in place.
 */
export type Family =
  | 'native' | 'book_feed' | 'market_data'
  | 'soup' | 'mold_udp64'
  | 'core_records';

export interface Field {
  readonly name: string;
  readonly offset: number;
  readonly width: number;
  readonly type: FieldType;
  readonly doc: string;
}

export interface Layout {
  readonly name: string;
  readonly family: Family;
  readonly bytes: number;
  readonly endian: Endian;
  /** Every field stands at a multiple of its width. */
  readonly aligned: boolean;
  readonly doc: string;
  readonly fields: readonly Field[];
}

/** Named numbers of one field: message types, sides, codes. */
export interface Codes {
  readonly name: string;
  readonly family: Family;
  readonly doc: string;
  readonly values: readonly (readonly [name: string, value: number, doc: string])[];
}

const WIDTH: Partial<Record<FieldType, number>> = {
  u8: 1, i8: 1, char: 1, u16: 2, u32: 4, i32: 4, u64: 8, i64: 8,
};

function int(name: string, offset: number, type: FieldType, doc: string): Field {
  const width = WIDTH[type];
  assert(width !== undefined, 'a field of this type states its width');
  return { name, offset, width, type, doc };
}

function wide(name: string, offset: number, width: number, type: FieldType, doc: string): Field {
  assert(WIDTH[type] === undefined, 'a field of this type has a width of its own');
  return { name, offset, width, type, doc };
}

function layout(
  family: Family, name: string, bytes: number, endian: Endian, doc: string,
  fields: readonly Field[], aligned = false,
): Layout {
  const made = { name, family, bytes, endian, aligned, doc, fields };
  checkLayout(made);
  return made;
}

/** Throws a RangeError that names layout, field and value when sizes and offsets do not agree. */
export function checkLayout(checked: Layout): void {
  const { name, bytes, fields, aligned } = checked;
  const seen = new Set<string>();
  let end = 0;
  for (const field of fields) {
    const place = `${name}.${field.name}`;
    if (seen.has(field.name)) {
      throw new RangeError(`${place}: expected one field of this name, were two`);
    }
    seen.add(field.name);
    if (field.offset !== end) {
      throw new RangeError(`${place}: expected offset ${end}, was ${field.offset}`);
    }
    if (aligned && field.type !== 'reserved' && field.offset % field.width !== 0) {
      const step = field.width;
      throw new RangeError(`${place}: expected a multiple of ${step} as offset, was ${field.offset}`);
    }
    end += field.width;
  }
  if (end !== bytes) {
    throw new RangeError(`${name}: expected ${bytes} bytes, its fields take ${end}`);
  }
}

// ── native ───────────────────────────────────────────────────────────────────────────────────

const REQUEST_FIELDS = [
  int('type', 0, 'u8', 'RequestType'),
  int('client', 1, 'u32',
    'who sends it; on `bare` and `sequenced` fixed by the first message of the connection'),
  int('ticker', 5, 'u32', 'instrument; mass cancel: none = all'),
  int('order', 9, 'u64', "the client's order id; 0 = none"),
  int('side', 17, 'i8', 'Side; mass cancel: 0 = both'),
  int('price', 18, 'i64',
    'units of 10^-decimals of the instrument; ignored for market orders and cancels'),
  int('qty', 26, 'u32',
    'new: quantity; modify: total of the order including executions; ignored for cancels'),
] as const;

export const CLIENT_REQUEST = layout('native', 'ClientRequest', 30, 'little',
  'Client to exchange. New (a limit order, good till cancelled), cancel, modify, mass cancel.',
  REQUEST_FIELDS);

export const CLIENT_REQUEST_EXTENDED = layout('native', 'ClientRequestExtended', 54, 'little',
  'Client to exchange, type 3: a new order of any kind. Begins like ClientRequest.', [
    ...REQUEST_FIELDS,
    int('orderType', 30, 'u8', 'OrderType'),
    int('tif', 31, 'u8', 'TimeInForce'),
    int('flags', 32, 'u8', 'OrderFlag bits'),
    int('stp', 33, 'u8', 'SelfTradePrevention'),
    int('display', 34, 'u32', 'visible quantity of an iceberg; 0 = all'),
    int('minQty', 38, 'u32', 'least quantity that must trade at once; 0 = none'),
    int('stopPrice', 42, 'i64', 'trigger of a stop or stop-limit; ignored for others'),
    int('owner', 50, 'u32', 'self-trade group; none = the client'),
  ]);

export const CLIENT_RESPONSE = layout('native', 'ClientResponse', 42, 'little',
  'Exchange to client.', [
    int('type', 0, 'u8', 'ResponseType'),
    int('client', 1, 'u32', 'whose order it is'),
    int('ticker', 5, 'u32', 'instrument'),
    int('clientOrder', 9, 'u64', "the client's order id"),
    int('marketOrder', 17, 'u64', "the exchange's order id, unique for ever; none in rejects"),
    int('side', 25, 'i8', 'Side'),
    int('price', 26, 'i64', 'accepted, modified, canceled: of the order; filled: of the execution'),
    int('execQty', 34, 'u32',
      'filled: executed; rejects, expired, reduced by the system: RejectCode; canceled: none; else 0'),
    int('leavesQty', 38, 'u32',
      'open quantity after the event; canceled, expired: the quantity removed'),
  ]);

export const MARKET_UPDATE = layout('native', 'MarketUpdate', 34, 'little',
  'Exchange to everybody: one change of the public book.', [
    int('type', 0, 'u8', 'UpdateType'),
    int('ticker', 1, 'u32', 'instrument'),
    int('order', 5, 'u64',
      "the exchange's order id; trade: none; snapshot start and end: last incremental sequence"),
    int('side', 13, 'i8', 'Side; trade: of the aggressor'),
    int('price', 14, 'i64', 'units of 10^-decimals; trade: of the resting order'),
    int('qty', 22, 'u32',
      'add, modify: visible quantity now; trade: traded; cancel: 0, or what was visible before'),
    int('priority', 26, 'u64', 'place in the queue of its price, rising; trade: none'),
  ]);

export const SEQUENCE_HEADER = layout('native', 'SequenceHeader', 8, 'little',
  'Stands before each native message in the framing `sequenced`.', [
    int('sequence', 0, 'u64', 'from 1, each direction of a connection for itself'),
  ]);

// ── feed in the C++ book's layout ────────────────────────────────────────────────────────────

export const BOOK_UPDATE = layout('book_feed', 'BookUpdate', 42, 'little',
  'The same change in the layout of the C++ book: numbered, order before ticker, own type numbers.', [
    int('sequence', 0, 'u64', 'incremental: from 1; snapshot: from 0 each cycle'),
    int('type', 8, 'u8', 'BookUpdateType'),
    int('order', 9, 'u64',
      "the exchange's order id; trade: none; snapshot start and end: last incremental sequence"),
    int('ticker', 17, 'u32', 'instrument'),
    int('side', 21, 'i8', 'Side; trade: of the aggressor'),
    int('price', 22, 'i64', 'units of 10^-decimals; trade: of the resting order'),
    int('qty', 30, 'u32',
      'as in MarketUpdate; cancel after a fill: the quantity before it; cancel by request: 0'),
    int('priority', 34, 'u64', 'place in the queue of its price; trade: none'),
  ]);

// ── 40-byte market data ──────────────────────────────────────────────────────────────────────

export const MARKET_DATA = layout('market_data', 'MarketData', 40, 'little',
  'Input of the market data processor.', [
    int('symbol', 0, 'u16', 'instrument, below 4,096'),
    int('type', 2, 'u8', 'MarketDataType'),
    int('side', 3, 'u8', 'MarketDataSide'),
    int('price', 4, 'u64', 'price × 10,000; 0 < price < 10,000,000,000'),
    int('volume', 12, 'u64', 'quantity'),
    int('timestamp', 20, 'u64', 'nanoseconds'),
    int('sequence', 28, 'u64',
      "add: number of the message and name of the order; cancel, modify: the add's number"),
    wide('reserved', 36, 4, 'reserved', 'zeros'),
  ]);

// ── SoupBinTCP 4.1 ───────────────────────────────────────────────────────────────────────────

const SOUP_HEADER_FIELDS = [
  int('length', 0, 'u16', 'bytes behind this field, type included'),
  int('type', 2, 'char', 'SoupPacket'),
] as const;

export const SOUP_HEADER = layout('soup', 'SoupHeader', 3, 'big',
  'Begins every packet; the message of `S` and `U` packets and the text of `+` stand behind it.',
  SOUP_HEADER_FIELDS);

const SOUP_LOGIN_FIELDS = [
  ...SOUP_HEADER_FIELDS,
  wide('user', 3, 6, 'text', 'account'),
  wide('password', 9, 10, 'text', ''),
  wide('session', 19, 10, 'textRight', 'session wanted; spaces = the current one'),
  wide('nextSequence', 29, 20, 'digits',
    'first `S` packet wanted; 0 = only what comes from now on'),
] as const;

export const SOUP_LOGIN_REQUEST_30 = layout('soup', 'SoupLoginRequest30', 49, 'big',
  'Client to exchange, `L`, as in version 3.0: without a heartbeat time.', SOUP_LOGIN_FIELDS);

export const SOUP_LOGIN_REQUEST = layout('soup', 'SoupLoginRequest', 54, 'big',
  'Client to exchange, `L`, version 4.1.', [
    ...SOUP_LOGIN_FIELDS,
    wide('heartbeatMs', 49, 5, 'digits',
      'silence in milliseconds after which the client counts the session as lost'),
  ]);

export const SOUP_LOGIN_ACCEPTED = layout('soup', 'SoupLoginAccepted', 33, 'big',
  'Exchange to client, `A`.', [
  ...SOUP_HEADER_FIELDS,
  wide('session', 3, 10, 'textRight', 'name of the session'),
  wide('nextSequence', 13, 20, 'digits', 'number of the next `S` packet'),
]);

export const SOUP_LOGIN_REJECTED = layout('soup', 'SoupLoginRejected', 4, 'big',
  'Exchange to client, `J`.', [
  ...SOUP_HEADER_FIELDS,
  int('code', 3, 'char', 'SoupRejectCode'),
]);

export const SOUP_CHALLENGE = layout('soup', 'SoupChallenge', 20, 'big',
  'Exchange to client, in a `U` packet, where there are keys: what the client has to sign.', [
  ...SOUP_HEADER_FIELDS,
  int('kind', 3, 'char', 'SoupSigned: `C`'),
  wide('nonce', 4, 16, 'hex', 'random, of this connection alone'),
]);

export const SOUP_SIGNATURE = layout('soup', 'SoupSignature', 52, 'big',
  'Client to exchange, in a `U` packet between the challenge and the log-in.', [
  ...SOUP_HEADER_FIELDS,
  int('kind', 3, 'char', 'SoupSigned: `S`'),
  wide('keyId', 4, 8, 'text', 'which of the keys'),
  int('time', 12, 'u64', 'milliseconds since 1970'),
  wide('signature', 20, 32, 'hex', 'HMAC-SHA256 with the key over a SoupSignedText'),
]);

export const SOUP_SIGNED_TEXT = layout('soup', 'SoupSignedText', 38, 'big',
  'What is signed; never sent.', [
  wide('nonce', 0, 16, 'hex', "the challenge's"),
  wide('user', 16, 6, 'text', 'as in the log-in that follows'),
  int('time', 22, 'u64', 'as in the signature'),
  int('nextSequence', 30, 'u64', 'as in the log-in that follows'),
]);

// ── MoldUDP64 ────────────────────────────────────────────────────────────────────────────────

export const MOLD_HEADER = layout('mold_udp64', 'MoldHeader', 20, 'big',
  'Begins every datagram of the feed; a retransmit request is this header alone.', [
    wide('session', 0, 10, 'text', 'name of the feed session, or of the snapshot cycle'),
    int('sequence', 10, 'u64',
      'number of the first message; heartbeat, end: of the next one; request: the first wanted'),
    int('count', 18, 'u16',
      'messages that follow; 0 = heartbeat, 0xFFFF = end of session; request: messages wanted'),
  ]);

export const MOLD_BLOCK = layout('mold_udp64', 'MoldBlock', 2, 'big',
  'Stands before each message in a datagram.', [int('length', 0, 'u16', 'bytes of the message')]);

// ── records of the core ──────────────────────────────────────────────────────────────────────

export const COMMAND_RECORD = layout('core_records', 'Command', 32, 'little',
  'A command slot of the engine. With the flag EXTENDED a CommandExtension follows in the next slot.', [
    int('type', 0, 'u8', 'CMD_*'),
    int('side', 1, 'i8', '+1 buy, -1 sell'),
    int('orderType', 2, 'u8', 'OrderType; reject: the command refused; state: the STATE_*'),
    int('tif', 3, 'u8', 'TimeInForce'),
    int('flags', 4, 'u8', 'FLAG_*'),
    int('stp', 5, 'u8', 'SelfTradePrevention'),
    int('book', 6, 'u16', 'instrument index, 0 … books - 1'),
    int('client', 8, 'u32', 'who sends it'),
    int('price', 12, 'i32', 'ticks'),
    int('id', 16, 'u64', "the client's order id"),
    int('qty', 24, 'u32', 'new: quantity; replace: new open quantity; reduce: by how much'),
    int('reason', 28, 'u32', 'reject: the code'),
  ], true);

export const COMMAND_EXTENSION_RECORD = layout('core_records', 'CommandExtension', 32, 'little',
  'Second slot of an extended command.', [
    int('display', 0, 'u32', 'visible part of an iceberg, 0 = all'),
    int('minQty', 4, 'u32', 'minimum quantity, 0 = none'),
    int('stopPrice', 8, 'i32', 'ticks'),
    int('owner', 12, 'u32', 'self-trade group; none = the client'),
    wide('reserved0', 16, 8, 'reserved', ''),
    wide('reserved1', 24, 8, 'reserved', ''),
  ], true);

export const EVENT_RECORD = layout('core_records', 'Event', 64, 'little',
  'An event slot of the matching engine; what each type uses is in docs/MATCHING.md.', [
    int('type', 0, 'u8', 'EV_*'),
    int('side', 1, 'i8', "the order's; trade: the aggressor's"),
    int('flags', 2, 'u8', 'EVF_*'),
    int('reason', 3, 'u8', 'reject code or reason of a cancel; state: the STATE_*'),
    int('book', 4, 'u16', 'instrument index'),
    int('op', 6, 'u8', 'rejected: the command refused'),
    int('orderType', 7, 'u8', 'OrderType'),
    int('price', 8, 'i32', "ticks; trade: the resting order's"),
    int('qty', 12, 'u32', 'per type'),
    int('client', 16, 'u32', "the order's; trade: the taker's"),
    int('makerClient', 20, 'u32', "trade: the maker's; replaced: the old price in ticks"),
    int('id', 24, 'u64', "client's order id; trade: the taker's"),
    int('makerId', 32, 'u64', "trade: the maker's; replaced, reduced: low half the old displayed quantity; replaced: high half what was hidden or waited"),
    int('orderId', 40, 'u64', "the engine's; trade: the taker's"),
    int('makerOrderId', 48, 'u64', "trade: the maker's; others: priority"),
    int('leaves', 56, 'u32', "open quantity after this event; trade: the taker's"),
    int('displayed', 60, 'u32', "visible quantity after this event; trade: the maker's leaves"),
  ], true);

export const LAYOUTS: readonly Layout[] = [
  CLIENT_REQUEST, CLIENT_REQUEST_EXTENDED, CLIENT_RESPONSE, MARKET_UPDATE, SEQUENCE_HEADER,
  BOOK_UPDATE, MARKET_DATA,
  SOUP_HEADER, SOUP_LOGIN_REQUEST_30, SOUP_LOGIN_REQUEST, SOUP_LOGIN_ACCEPTED, SOUP_LOGIN_REJECTED,
  SOUP_CHALLENGE, SOUP_SIGNATURE, SOUP_SIGNED_TEXT,
  MOLD_HEADER, MOLD_BLOCK,
  COMMAND_RECORD, COMMAND_EXTENSION_RECORD, EVENT_RECORD,
];

// ── numbers ──────────────────────────────────────────────────────────────────────────────────

export const CODES: readonly Codes[] = [
  {
    name: 'Side', family: 'native', doc: 'Side of an order.',
    values: [['Buy', 1, ''], ['Sell', -1, ''], ['None', 0, '']],
  },
  {
    name: 'RequestType', family: 'native', doc: 'Type byte of a request; it decides the size.',
    values: [
      ['New', 1, 'a limit order, good till cancelled'],
      ['Cancel', 2, 'the whole rest of an order, whatever quantity the message carries'],
      ['NewExtended', 3, 'an order of any kind, 54 bytes'],
      ['Modify', 4, 'new price and new total quantity; a lower quantity alone keeps the priority'],
      ['MassCancel', 5, 'all orders of the client, of one ticker or all, of one side or both'],
    ],
  },
  {
    name: 'ResponseType', family: 'native', doc: 'Type byte of a response.',
    values: [
      ['Accepted', 1, ''],
      ['Canceled', 2, ''],
      ['Filled', 3, 'one for each fill, to both sides'],
      ['CancelRejected', 4, 'code in execQty; on `sequenced` all behind clientOrder is none'],
      ['Rejected', 5, 'any other request refused; code in execQty'],
      ['Modified', 6, 'by a modify; or reduced by the system, code in execQty'],
      ['Expired', 7, 'cancelled by the system; code in execQty'],
    ],
  },
  {
    name: 'UpdateType', family: 'native', doc: 'Type byte of a MarketUpdate.',
    values: [
      ['Add', 1, 'an order appeared'],
      ['Modify', 2, 'its visible quantity or its price changed'],
      ['Cancel', 3, 'it is gone, by a cancel or because it is filled'],
      ['Trade', 4, 'an execution; the book changes by the cancel or modify that follows'],
      ['Snapshot', 5, 'an order of a snapshot cycle, where a feed tells them from `Add`'],
      ['Clear', 6, 'forget the orders of this ticker'],
      ['SnapshotStart', 7, 'a cycle begins'],
      ['SnapshotEnd', 8, 'it is complete'],
      ['State', 9, 'state of the instrument in qty: 0 open, 1 halted, 2 closed'],
    ],
  },
  {
    name: 'OrderType', family: 'native', doc: 'FIX OrdType.',
    values: [['Market', 1, ''], ['Limit', 2, ''], ['Stop', 3, ''], ['StopLimit', 4, '']],
  },
  {
    name: 'TimeInForce', family: 'native', doc: 'FIX TimeInForce.',
    values: [
      ['Day', 0, "until the session's close"], ['Gtc', 1, 'good till cancelled'],
      ['Ioc', 3, 'immediate or cancel'], ['Fok', 4, 'fill or kill'],
    ],
  },
  {
    name: 'SelfTradePrevention', family: 'native',
    doc: "What happens when an order would meet one of its owner's.",
    values: [
      ['Default', 0, "the exchange's"],
      ['None', 1, 'they trade'],
      ['CancelNewest', 2, ''],
      ['CancelOldest', 3, ''],
      ['CancelBoth', 4, ''], ['Decrement', 5, 'both lose the smaller quantity'],
    ],
  },
  {
    name: 'OrderFlag', family: 'native', doc: 'Bits of ClientRequestExtended.flags.',
    values: [['PostOnly', 1, 'rejected if it would trade']],
  },
  {
    name: 'RejectCode', family: 'native', doc: 'Why a request was refused or an order ended.',
    values: [
      ['None', 0, 'none'],
      ['UnknownTicker', 1, 'unknown ticker'],
      ['Side', 2, 'side'],
      ['Price', 3, 'price'],
      ['Quantity', 4, 'quantity'],
      ['DuplicateId', 5, 'duplicate id'],
      ['UnknownOrder', 6, 'unknown order'],
      ['TooLate', 7, 'too late'],
      ['NotYours', 8, 'not yours'],
      ['OrderTooLarge', 9, 'order too large'],
      ['Notional', 10, 'notional'],
      ['Collar', 11, 'collar'],
      ['Position', 12, 'position'],
      ['Loss', 13, 'loss'],
      ['OpenOrders', 14, 'open orders'], ['Rate', 15, 'rate'], ['State', 16, 'state'],
      ['PostOnly', 17, 'post-only would trade'],
      ['CannotFill', 18, 'cannot fill'],
      ['SelfTrade', 19, 'self-trade'],
      ['Killed', 20, 'killed'],
      ['NotLoggedIn', 21, 'not logged in'],
      ['Malformed', 22, 'malformed'],
      ['Capacity', 23, 'capacity'], ['Unsupported', 24, 'unsupported'],
      ['StaleMarketData', 25, 'stale or unknown market data'],
    ],
  },
  {
    name: 'BookUpdateType', family: 'book_feed', doc: 'Type byte of a BookUpdate.',
    values: [
      ['Clear', 1, ''], ['Add', 2, ''], ['Modify', 3, ''], ['Cancel', 4, ''], ['Trade', 5, ''],
      ['SnapshotStart', 6, ''], ['SnapshotEnd', 7, ''],
    ],
  },
  {
    name: 'MarketDataType', family: 'market_data', doc: 'Type byte of a MarketData message.',
    values: [
      ['Add', 1, ''], ['Cancel', 2, ''], ['Modify', 3, ''],
      ['Trade', 4, 'last price and volume; the book stays as it is'],
    ],
  },
  {
    name: 'MarketDataSide', family: 'market_data', doc: 'Side byte of a MarketData message.',
    values: [['Bid', 0, ''], ['Ask', 1, '']],
  },
  {
    name: 'SoupPacket', family: 'soup', doc: 'Packet types, ASCII.',
    values: [
      ['LoginAccepted', 0x41, '`A`, from the exchange'],
      ['LoginRejected', 0x4a, '`J`, from the exchange'],
      ['Sequenced', 0x53, '`S`, from the exchange: a response, counted from 1'],
      ['ServerHeartbeat', 0x48, '`H`, from the exchange'],
      ['EndOfSession', 0x5a, '`Z`, from the exchange'],
      ['LoginRequest', 0x4c, '`L`, from the client'],
      ['ClientHeartbeat', 0x52, '`R`, from the client'],
      ['LogoutRequest', 0x4f, '`O`, from the client'],
      ['Unsequenced', 0x55, '`U`: a request; from the exchange a message outside of the sequence'],
      ['Debug', 0x2b, '`+`, text for people, from either side'],
    ],
  },
  {
    name: 'SoupRejectCode', family: 'soup', doc: 'Why a log-in was refused, ASCII.',
    values: [
      ['NotAuthorised', 0x41, '`A`: user, password or signature'],
      ['SessionNotAvailable', 0x53, '`S`'],
    ],
  },
  {
    name: 'SoupSigned', family: 'soup', doc: 'First byte of the `U` packets of a signed log-in, ASCII.',
    values: [['Challenge', 0x43, '`C`, from the exchange'], ['Signature', 0x53, '`S`, from the client']],
  },
];

/** Values that mean "none", as 64-bit or 32-bit patterns. */
export interface NoneValue {
  readonly name: string;
  readonly value: bigint;
  readonly bits: 32 | 64;
  readonly doc: string;
}

export const NONE_VALUES: readonly NoneValue[] = [
  { name: 'PRICE_NONE', value: 0x7fff_ffff_ffff_ffffn, bits: 64, doc: 'price and stop price' },
  {
    name: 'ORDER_NONE', value: 0xffff_ffff_ffff_ffffn, bits: 64,
    doc: 'order id in responses and feed; in requests it is 0',
  },
  { name: 'PRIORITY_NONE', value: 0xffff_ffff_ffff_ffffn, bits: 64, doc: 'priority' },
  { name: 'QTY_NONE', value: 0xffff_ffffn, bits: 32, doc: 'quantity' },
  { name: 'TICKER_NONE', value: 0xffff_ffffn, bits: 32, doc: 'ticker' },
  { name: 'CLIENT_NONE', value: 0xffff_ffffn, bits: 32, doc: 'client and owner' },
];

export const MOLD_COUNT_HEARTBEAT = 0;
export const MOLD_COUNT_END = 0xffff;

/** The layout of this name. */
export function layoutOf(name: string): Layout {
  const found = LAYOUTS.find((entry) => entry.name === name);
  if (found !== undefined) return found;
  throw new RangeError(`layout: expected one of ${namesOf(LAYOUTS)}, was ${name}`);
}

/** The field of this name. */
export function fieldOf(owner: Layout, name: string): Field {
  const found = owner.fields.find((entry) => entry.name === name);
  if (found !== undefined) return found;
  throw new RangeError(`field of ${owner.name}: expected one of ${namesOf(owner.fields)}, was ${name}`);
}

function namesOf(entries: readonly { readonly name: string }[]): string {
  return entries.map((entry) => entry.name).join(' ');
}
