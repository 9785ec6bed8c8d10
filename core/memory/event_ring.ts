// The event ring: 64-byte slots, one producer, one consumer (which may be on another thread).
//
//   released ≤ published ≤ written ≤ released + slots        all modulo 2^32
//
// Events become visible by `published`, stored every PUBLISH_EVERY events and at the end of a batch, never
// in the middle of an event. The last event of a command stays private until the command is complete, so that its
// flags can still be set. When the ring is full in the middle of a command (one order can trade with a million),
// the host is called and must release before it returns.
import { EVENT_SIZE, Event } from '../records';
import { storeShared } from './atomics';
import { PUBLISHED_ADDRESS, header } from './layout';

/** An atomic store empties the store buffer (about 20 cycles and more when lines are contended). */
const PUBLISH_EVERY: u32 = 256;

/**
 * The ring has less room than `needed` slots: the host publishes, waits or drains, and renews eventsCredit. An import, so
 * that no engine's inliner puts a loop with calls into the plain path (measured: a third of its speed, in spilled registers).
 */
// @ts-ignore: decorator
@external("env", "makeRoom")
export declare function makeRoom(needed: u32): void;

/** Events that a command of the plain path writes without asking for room. */
export const PLAIN_EVENTS_MAX: u32 = 2;
/** Slots that reserveEvents guarantees: a round of plain commands. The ring is never smaller than twice that. */
export const PLAIN_EVENTS_RESERVED: u32 = 32;

/** Room for a round of plain commands, so that writing their events needs no test. */
// @ts-ignore: decorator
@inline
export function reserveEvents(): void {
  const h = header();
  if (h.eventsCredit - h.eventsWritten < PLAIN_EVENTS_RESERVED) makeRoom(PLAIN_EVENTS_RESERVED);
}

/** Claims the next slot after reserveEvents; all 64 bytes are the caller's to write. */
// @ts-ignore: decorator
@inline
export function claimReserved(): u32 {
  const h = header();
  if (!ASC_NO_ASSERT) assert(h.eventsCredit != h.eventsWritten);
  const written = h.eventsWritten;
  h.eventsWritten = written + 1;
  return h.eventBase + (written & h.eventMask) * EVENT_SIZE;
}

/** The last event written; valid until the next claim. */
// @ts-ignore: decorator
@inline
export function lastEvent(): Event {
  const h = header();
  return changetype<Event>(h.eventBase + ((h.eventsWritten - 1) & h.eventMask) * EVENT_SIZE);
}

// @ts-ignore: decorator
@inline
export function publishSome(): void {
  const written = header().eventsWritten;
  if (written - load<u32>(PUBLISHED_ADDRESS) >= PUBLISH_EVERY) {
    storeShared(PUBLISHED_ADDRESS, written);
  }
}

// @ts-ignore: decorator
@inline
export function publishAll(): void {
  storeShared(PUBLISHED_ADDRESS, header().eventsWritten);
}

/** Fills a slot: eight 64-bit stores for its line. */
// @ts-ignore: decorator
@inline
export function writeEventAt(
  at: u32, head: u64, price: i32, qty: u32, client: u32, makerClient: u32, id: u64, makerId: u64, orderId: u64,
  makerOrderId: u64, leaves: u32, displayed: u32,
): void {
  store<u64>(at, head);
  store<u64>(at, (<u64>qty << 32) | <u64>u32(price), 8);
  store<u64>(at, (<u64>makerClient << 32) | <u64>client, 16);
  store<u64>(at, id, 24);
  store<u64>(at, makerId, 32);
  store<u64>(at, orderId, 40);
  store<u64>(at, makerOrderId, 48);
  store<u64>(at, (<u64>displayed << 32) | <u64>leaves, 56);
}

/** Writes one event of the plain path, after reserveEvents. */
// @ts-ignore: decorator
@inline
export function writePlainEvent(
  head: u64, price: i32, qty: u32, client: u32, id: u64, oldQty: u64, orderId: u64, priority: u64, leaves: u32,
  displayed: u32,
): void {
  writeEventAt(claimReserved(), head, price, qty, client, 0, id, oldQty, orderId, priority, leaves, displayed);
}

/** Writes one event anywhere else; calls the host when the ring is full. `head` is packed by eventHead. */
export function writeEvent(
  head: u64, price: i32, qty: u32, client: u32, makerClient: u32, id: u64, makerId: u64, orderId: u64,
  makerOrderId: u64, leaves: u32, displayed: u32,
): void {
  const h = header();
  if (h.eventsCredit == h.eventsWritten) makeRoom(1);
  writeEventAt(
    claimReserved(), head, price, qty, client, makerClient, id, makerId, orderId, makerOrderId, leaves, displayed,
  );
}

/** First eight bytes of an event; `op` for rejects. */
// @ts-ignore: decorator
@inline
export function eventHead(
  type: u8,
  side: i32,
  flags: u32,
  reason: u32,
  book: u32,
  op: u32,
  orderType: u32,
): u64 {
  const low = <u32>type | ((<u32>side & 255) << 8) | (flags << 16) | (reason << 24);
  const high = book | (op << 16) | (orderType << 24);
  return (<u64>high << 32) | <u64>low;
}
