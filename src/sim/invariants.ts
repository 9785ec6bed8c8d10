// What must hold, each as a function with a name. It looks at what it is given and throws a Violation
// that says what was expected and what was.
//
//   I1   boughtEqualsSold, toldToBothSides     I9    withinPosition, withinOpenOrders
//   I2   orderAddsUp                           I10   replayIsIdentical
//   I3   neverCrossed                          I11   acknowledgedIsRecovered
//   I4   bestAndOldestFirst                    I12   noSecondEffect, answeredOnce
//   I5   executedAsPromised                    I13   sameBytesAgain, noGap
//   I6   levelsAreSums                         I14   positionsSumToZero
//   I7   bookFromFeed                          I15   latencyIsBounded
//   I8   viewIsTheExchanges                    I16   withinCap
//   L1   everythingEnds: the liveness of phase two
//
// Who calls them: auditor.ts at every event, batch and restart, the clients for what they are told,
// simulation.ts at the end.
import { State } from '../book/types.ts';
import { sameEvents } from '../book/same_events.ts';
import type { EngineEvent } from '../book/types.ts';
import type { Exposure, LedgerOrder } from './ledger.ts';

export const INVARIANTS = {
  I1: 'bought = sold per symbol; each match told exactly twice, opposite sides, same price and quantity',
  I2: 'per order: accepted = filled + open + cancelled + prevented',
  I3: 'never crossed or locked in continuous trading',
  I4: 'no better or older eligible order rests when one trades: the naive engine says the same',
  I5: "execution at the resting price, within the taker's limit and the range; none while halted",
  I6: 'level aggregates = sum of orders; no empty level; index and lists agree',
  I7: 'book from increments, and from snapshot + increments = engine',
  I8: "a client's view = the exchange's, after catching up",
  I9: 'worst-case exposure within limits at every instant, both sides',
  I10: 'replay is identical at every state hash; snapshot + suffix = full replay',
  I11: 'acknowledged ⇒ in the recovered state; published ⇒ in the recovered journal',
  I12: 'a repeated reference has no second effect; none is lost after a resend',
  I13: "a session's outbound sequence has no gap across reconnects, same bytes as the first time",
  I14: 'positions over all accounts sum to 0; cash sums to 0',
  I15: "the others' latency is bounded while one client misbehaves",
  I16: 'every queue stays within its cap',
  L1: 'after the faults every order reaches an end or the book, every client and receiver catches up',
} as const;
export type InvariantId = keyof typeof INVARIANTS;

/** An invariant does not hold. */
export class Violation extends Error {
  override readonly name = 'Violation';
  readonly id: InvariantId;

  constructor(id: InvariantId, what: string) {
    super(`${id} (${INVARIANTS[id]}): ${what}`);
    this.id = id;
  }
}

function expect(holds: boolean, id: InvariantId, what: () => string): void {
  if (!holds) throw new Violation(id, what());
}

/** Lots bought and sold of an instrument, each side counted by its own order. */
export function boughtEqualsSold(book: number, bought: number, sold: number): void {
  expect(bought === sold, 'I1', () => `instrument ${book}: bought ${bought}, sold ${sold}`);
}

/** What the response to one side of a trade says; null: it has none, for nobody listens. */
export interface ToldFill {
  readonly type: number;
  readonly client: number;
  readonly side: number;
  readonly price: number;
  readonly qty: number;
  readonly leaves: number;
}

/** The fill as the response to one side says it. */
export function toldToBothSides(what: string, expected: ToldFill, was: ToldFill | null): void {
  if (was === null) return;
  const same = (Object.keys(expected) as (keyof ToldFill)[]).every((key) => expected[key] === was[key]);
  expect(same, 'I1', () => `${what}: expected ${JSON.stringify(expected)}, was ${JSON.stringify(was)}`);
}

/** `leaves`: what the event says is left. */
export function orderAddsUp(order: LedgerOrder, leaves: number): void {
  const { ordered, filled, open, cancelled, prevented } = order;
  const adds = ordered === filled + open + cancelled + prevented && open === leaves && open >= 0;
  expect(adds, 'I2', () =>
    `order ${order.orderId} of ${order.client}: ${ordered} = ${filled} filled + ${open} open + ` +
    `${cancelled} cancelled + ${prevented} prevented; the event leaves ${leaves}`);
}

/** Best prices in ticks; null: none. */
export function neverCrossed(book: number, bid: number | null, ask: number | null): void {
  const apart = bid === null || ask === null || bid < ask;
  expect(apart, 'I3', () => `instrument ${book}: bid ${bid}, ask ${ask}`);
}

/** The events of a batch, by the naive engine and by the core. */
export function bestAndOldestFirst(
  expected: readonly EngineEvent[], was: readonly EngineEvent[], command: string,
): void {
  if (sameEvents(expected, was)) return;
  for (let i = 0; i < Math.max(expected.length, was.length); i++)
    expect(sameEvents(expected.slice(i, i + 1), was.slice(i, i + 1)), 'I4', () =>
      `${command}: event ${i}: expected ${shown(expected[i])}, was ${shown(was[i])}`);
}

type Trade = Extract<EngineEvent, { type: 'trade' }>;

/** `state`: of the instrument. `range`: of its prices. */
export function executedAsPromised(
  trade: Trade, taker: LedgerOrder, maker: LedgerOrder, state: number,
  range: { readonly minPrice: number; readonly maxPrice: number },
): void {
  const { price } = trade;
  expect(price === maker.limit, 'I5', () =>
    `the maker ${maker.orderId} stands at ${maker.limit}, the trade was at ${price}`);
  const within = taker.limit === null || (taker.side > 0 ? price <= taker.limit : price >= taker.limit);
  expect(within, 'I5', () =>
    `the taker ${taker.orderId} (side ${taker.side}) has the limit ${taker.limit}, the trade was at ${price}`);
  expect(price >= range.minPrice && price <= range.maxPrice, 'I5', () => `a trade at ${price}, outside of the range`);
  expect(state === State.Open, 'I5', () => `a trade on instrument ${trade.book} in state ${state}`);
}

export interface DepthSum {
  readonly price: number;
  readonly qty: bigint;
  readonly orders: number;
}

/** One side of a book, best first: the sums of its orders and the engine's levels. */
export function levelsAreSums(what: string, sums: readonly DepthSum[], levels: readonly DepthSum[]): void {
  const text = (side: readonly DepthSum[]): string =>
    side.map(({ price, qty, orders }) => `${qty} in ${orders} at ${price}`).join(', ');
  expect(text(sums) === text(levels), 'I6', () => `${what}: expected ${text(sums)}, was ${text(levels)}`);
  expect(levels.every(({ orders, qty }) => orders > 0 && qty > 0n), 'I6', () => `${what}: an empty level`);
}

/** What a structure says of itself. */
export function structureHolds(what: string, check: () => void): void {
  try {
    check();
  } catch (error) {
    throw new Violation('I6', `${what}: ${(error as Error).message}`);
  }
}

export function bookFromFeed(receiver: string, sequence: number, expected: bigint, was: bigint): void {
  expect(expected === was, 'I7', () =>
    `${receiver} has all messages before ${sequence}: expected books ${expected.toString(16)}, ` +
    `was ${was.toString(16)}`);
}

/** A figure of a client's, by the exchange and by itself. */
export function viewIsTheExchanges(what: string, expected: string | number, was: string | number): void {
  expect(expected === was, 'I8', () => `${what}: expected ${expected}, was ${was}`);
}

/** `positionMax` 0: no limit. */
export function withinPosition(client: number, book: number, exposure: Exposure, positionMax: number): void {
  const long = exposure.position + exposure.openBuy;
  const short = exposure.openSell - exposure.position;
  const worst = Math.max(long, short);
  expect(positionMax === 0 || worst <= positionMax, 'I9', () =>
    `client ${client}, instrument ${book}: position ${exposure.position}, open ${exposure.openBuy} to buy and ` +
    `${exposure.openSell} to sell, so up to ${worst}, limit ${positionMax}`);
}

/** `openOrdersMax` 0: no limit. */
export function withinOpenOrders(client: number, openOrders: number, openOrdersMax: number): void {
  expect(openOrdersMax === 0 || openOrders <= openOrdersMax, 'I9', () =>
    `client ${client}: ${openOrders} open orders, limit ${openOrdersMax}`);
}

export function replayIsIdentical(what: string, expected: bigint | number, was: bigint | number): void {
  expect(expected === was, 'I10', () =>
    `${what}: expected ${expected.toString(16)}, was ${was.toString(16)}`);
}

/** `told`: something that rests on this record has been told; `recovered`: the last that came back. */
export function acknowledgedIsRecovered(what: string, told: number, recovered: number): void {
  expect(recovered >= told, 'I11', () => `${what}: ${told} was told, the journal ends with ${recovered}`);
}

/** The journal that came back says what had been executed, and no more. */
export function journalIsWhatHappened(same: boolean, at: number): void {
  expect(same, 'I11', () => `command slot ${at} of the recovered journal is not the one that was executed`);
}

/** A reference is accepted once. */
export function noSecondEffect(client: number, id: bigint, before: bigint | undefined, now: bigint): void {
  expect(before === undefined || before === now, 'I12', () =>
    `client ${client}, order ${id}: accepted as ${before}, and again as ${now}`);
}

/** Message `sequence` of a stream is what it was. */
export function sameBytesAgain(stream: string, sequence: number, before: string, now: string): void {
  expect(before === now, 'I13', () =>
    `${stream}, message ${sequence}: was told ${hex(before)}, and now ${hex(now)}`);
}

export function noGap(stream: string, expected: number, was: number): void {
  expect(expected === was, 'I13', () => `${stream}: expected message ${expected}, was ${was}`);
}

export function positionsSumToZero(book: number, position: number, cash: number): void {
  expect(position === 0 && cash === 0, 'I14', () =>
    `instrument ${book}: positions sum to ${position}, cash to ${cash}`);
}

export function latencyIsBounded(client: string, latencyNs: number, boundNs: number): void {
  expect(latencyNs <= boundNs, 'I15', () =>
    `${client} waited ${Math.round(latencyNs / 1000)} µs for an answer, at most ${Math.round(boundNs / 1000)} are due`);
}

export function withinCap(what: string, value: number, cap: number): void {
  expect(value <= cap, 'I16', () => `${what}: ${value}, at most ${cap}`);
}

export function everythingEnds(holds: boolean, what: () => string): void {
  expect(holds, 'L1', what);
}

function shown(event: EngineEvent | undefined): string {
  if (event === undefined) return 'none';
  return JSON.stringify(event, (_, value) => (typeof value === 'bigint' ? String(value) : value));
}

function hex(text: string): string {
  return Array.from({ length: text.length }, (_, i) => text.charCodeAt(i).toString(16).padStart(2, '0')).join('');
}
