// Valid frames of every kind, made from the layouts, for the fuzzers to begin with.
import type { Prng } from '../../src/base/prng.ts';
import { Framing } from '../../src/wire/framing/frame.ts';
import {
  BOOK_UPDATE, CLIENT_REQUEST, CLIENT_REQUEST_EXTENDED, CLIENT_RESPONSE, MARKET_UPDATE, MOLD_BLOCK, MOLD_HEADER,
  SEQUENCE_HEADER, SOUP_HEADER, SOUP_LOGIN_ACCEPTED, SOUP_LOGIN_REJECTED, SOUP_LOGIN_REQUEST, SOUP_LOGIN_REQUEST_30,
} from '../../src/wire/schema.ts';
import { type Frame, joined, type Plausible, plainFrame, randomFrame, withField } from './mutator.ts';

const TICKERS = 3;
const ORDERS = 60;
/** A trade or an order without a name. */
const NONE_64 = 0xffff_ffff_ffff_ffffn;
/** Not `Z`, nor a refusal: they are the end of what may come. */
export const SERVER_PACKETS = ['H', '+', 'H'] as const;

const between = (low: number, high: number) => (prng: Prng): bigint => BigInt(prng.between(low, high));
const oneOf = (...values: readonly number[]) => (prng: Prng): bigint => BigInt(values[prng.below(values.length)]);
const just = (value: bigint | string) => (): bigint | string => value;

/** Orders that meet each other. */
const ORDER_FIELDS: Plausible = {
  client: just(5n),
  ticker: between(1, TICKERS),
  order: between(1, ORDERS),
  side: oneOf(1, -1),
  price: between(9_980, 10_020),
  qty: between(1, 60),
  type: oneOf(1, 1, 1, 2, 4, 5),
};
const EXTENDED_FIELDS: Plausible = {
  ...ORDER_FIELDS,
  type: just(3n),
  orderType: oneOf(1, 2, 2, 2, 3, 4),
  tif: oneOf(0, 1, 1, 3, 4),
  flags: oneOf(0, 0, 1),
  stp: between(0, 5),
  display: oneOf(0, 0, 5),
  minQty: oneOf(0, 0, 3),
  stopPrice: between(9_980, 10_020),
  owner: oneOf(0xffff_ffff, 0xffff_ffff, 5, 9),
};
const RESPONSE_FIELDS: Plausible = {
  ...ORDER_FIELDS,
  type: between(1, 7),
  clientOrder: between(1, ORDERS),
  marketOrder: between(1, 10_000),
  execQty: between(0, 30),
  leavesQty: between(0, 60),
};
const UPDATE_FIELDS: Plausible = {
  type: oneOf(1, 1, 1, 2, 3, 4),
  ticker: oneOf(1, 8, 15),
  order: between(1, ORDERS),
  side: oneOf(1, -1),
  price: between(50, 150),
  qty: between(1, 1_000),
  priority: between(1, 1_000),
};

/** One packet: type and what is behind it. The length is right. */
export function soupFrame(type: string, payload: Frame = plainFrame(new Uint8Array(0))): Frame {
  const header = randomFrame({} as Prng, [SOUP_HEADER], {
    length: just(BigInt(1 + payload.bytes.length)), type: just(BigInt(type.charCodeAt(0))),
  });
  return joined([header, payload]);
}

/** A log-in of either version, for this session or any. */
export function soupLogin(prng: Prng, user: string, next = 1, session = ''): Frame {
  const layout = prng.chance(0.8) ? SOUP_LOGIN_REQUEST : SOUP_LOGIN_REQUEST_30;
  return randomFrame(prng, [layout], {
    length: just(BigInt(layout.bytes - 2)), type: just(BigInt('L'.charCodeAt(0))), user: just(user),
    password: just(''), session: just(session), nextSequence: just(String(next)), heartbeatMs: just('1000'),
  });
}

export function soupAccepted(session: string, next: number): Frame {
  return randomFrame({} as Prng, [SOUP_LOGIN_ACCEPTED], {
    length: just(BigInt(SOUP_LOGIN_ACCEPTED.bytes - 2)), type: just(BigInt('A'.charCodeAt(0))),
    session: just(session), nextSequence: just(String(next)),
  });
}

export function soupRejected(code: string): Frame {
  return randomFrame({} as Prng, [SOUP_LOGIN_REJECTED], {
    length: just(BigInt(SOUP_LOGIN_REJECTED.bytes - 2)), type: just(BigInt('J'.charCodeAt(0))), code: just(BigInt(code.charCodeAt(0))),
  });
}

export function request(prng: Prng): Frame {
  return prng.chance(0.7) ? randomFrame(prng, [CLIENT_REQUEST], ORDER_FIELDS) : randomFrame(prng, [CLIENT_REQUEST_EXTENDED], EXTENDED_FIELDS);
}

/** Framed: a message of its own, with the number before it, or in a packet. */
function framed(framing: Framing, message: Frame, sequence: number, packet: string): Frame {
  if (framing === Framing.Bare) return message;
  if (framing === Framing.Soup) return soupFrame(packet, message);
  return joined([randomFrame({} as Prng, [SEQUENCE_HEADER], { sequence: just(BigInt(sequence)) }), message]);
}

export function requestFrame(prng: Prng, framing: Framing, sequence: number, client = 5): Frame {
  return framed(framing, withField(request(prng), 'client', BigInt(client)), sequence, 'U');
}

export function responseFrame(prng: Prng, framing: Framing, sequence: number): Frame {
  return framed(framing, randomFrame(prng, [CLIENT_RESPONSE], RESPONSE_FIELDS), sequence, 'S');
}

export function nativeUpdate(prng: Prng): Frame {
  return randomFrame(prng, [MARKET_UPDATE], UPDATE_FIELDS);
}

/** Several may stand in a datagram, numbered from `sequence`. */
export function bookUpdates(prng: Prng, sequence: number, count: number): Frame {
  return joined(Array.from({ length: count }, (_, i) => randomFrame(prng, [BOOK_UPDATE], {
    ...UPDATE_FIELDS, sequence: just(BigInt(sequence + i)), type: oneOf(2, 2, 2, 3, 4, 5, 1, 6, 7),
  })));
}

/** A whole datagram: header, then each message behind its length. */
export function moldDatagram(prng: Prng, session: string, sequence: number, messages: readonly Frame[]): Frame {
  const header = randomFrame(prng, [MOLD_HEADER], {
    session: just(session), sequence: just(BigInt(sequence)), count: just(BigInt(messages.length)),
  });
  const blocks = messages.map((message) => joined([
    randomFrame(prng, [MOLD_BLOCK], { length: just(BigInt(message.bytes.length)) }), message,
  ]));
  return joined([header, ...blocks]);
}

/** A cycle's beginning or end, or an order of it. */
export function snapshotUpdate(prng: Prng, type: number, last: number): Frame {
  return randomFrame(prng, [MARKET_UPDATE], {
    ...UPDATE_FIELDS, type: just(BigInt(type)), order: type === 5 ? between(1, ORDERS) : just(BigInt(last)), priority: just(NONE_64),
  });
}
