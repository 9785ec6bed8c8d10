// What a snapshot of the client journal holds: where the responses go on, and what they have made so
// far.
//
//   version u32 | identity bytes u32 | open orders u32 | position bytes u32
//   next sequence 8 | last usable order id 8 | session 16, ASCII, zeros behind
//   identity, JSON, UTF-8, padded to 8
//   order: id 8 | book u32 | side i32 | price ticks i32 | leaves u32 | executed 8      each
//   positions: as the position keeper writes them
//
// Little-endian. The file around it has the checksum. Not on the way of a message: it makes objects.
import { getUint53, setUint53 } from '../journal/record.ts';
import type { StrategyRunner } from './strategy_runner.ts';

const VERSION = 1;
const HEAD = {
  version: 0, identityBytes: 4, orders: 8, positionBytes: 12, nextSequence: 16, orderIdEnd: 24,
  session: 32, sessionBytes: 16, size: 48,
} as const;
const ORDER = { id: 0, book: 8, side: 12, price: 16, leaves: 20, executed: 24, size: 32 } as const;

export interface ClientSnapshotHead {
  /** Whose it is. */
  readonly identity: string;
  readonly session: string;
  readonly nextSequence: number;
  readonly orderIdEnd: number;
}

interface OpenOrder {
  readonly id: number;
  readonly book: number;
  readonly side: number;
  readonly priceTicks: number;
  readonly leaves: number;
  readonly executed: number;
}

export class ClientSnapshot implements ClientSnapshotHead {
  readonly identity: string;
  readonly session: string;
  readonly nextSequence: number;
  readonly orderIdEnd: number;
  readonly #orders: readonly OpenOrder[];
  readonly #positions: DataView;

  constructor(head: ClientSnapshotHead, orders: readonly OpenOrder[], positions: DataView) {
    this.identity = head.identity;
    this.session = head.session;
    this.nextSequence = head.nextSequence;
    this.orderIdEnd = head.orderIdEnd;
    this.#orders = orders;
    this.#positions = positions;
  }

  /** Ids here are those of the wire: the runner's plus `idBase`. */
  restore(runner: StrategyRunner, idBase: number): void {
    runner.restorePositions(this.#positions, 0, this.#positions.byteLength);
    for (const { id, book, side, priceTicks, executed, leaves } of this.#orders) {
      runner.orders.restore(id - idBase, book, side, priceTicks, executed, leaves);
    }
  }
}

export function encodeClientSnapshot(
  head: ClientSnapshotHead, runner: StrategyRunner, idBase: number,
): Uint8Array {
  const identity = new TextEncoder().encode(head.identity);
  const orders = openOrdersOf(runner);
  const { positions } = runner;
  const identityEnd = HEAD.size + padded(identity.length);
  const positionsAt = identityEnd + orders.length * ORDER.size;
  const bytes = new Uint8Array(positionsAt + positions.snapshotBytes);
  const view = new DataView(bytes.buffer);
  view.setUint32(HEAD.version, VERSION, true);
  view.setUint32(HEAD.identityBytes, identity.length, true);
  view.setUint32(HEAD.orders, orders.length, true);
  view.setUint32(HEAD.positionBytes, positions.snapshotBytes, true);
  setUint53(view, HEAD.nextSequence, head.nextSequence);
  setUint53(view, HEAD.orderIdEnd, head.orderIdEnd);
  for (let i = 0; i < head.session.length; i++) bytes[HEAD.session + i] = head.session.charCodeAt(i);
  bytes.set(identity, HEAD.size);
  for (const [i, order] of orders.entries()) writeOrder(view, identityEnd + i * ORDER.size, order, idBase);
  positions.snapshot(view, positionsAt);
  return bytes;
}

/** Throws a RangeError that says what was expected where the bytes are none. */
export function readClientSnapshot(bytes: Uint8Array): ClientSnapshot {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < HEAD.size) fault('bytes', `at least ${HEAD.size}`, bytes.length);
  const version = view.getUint32(HEAD.version, true);
  if (version !== VERSION) fault('version', VERSION, version);
  const identityBytes = view.getUint32(HEAD.identityBytes, true);
  const orders = view.getUint32(HEAD.orders, true);
  const positionBytes = view.getUint32(HEAD.positionBytes, true);
  const ordersAt = HEAD.size + padded(identityBytes);
  const positionsAt = ordersAt + orders * ORDER.size;
  if (positionsAt + positionBytes !== bytes.length) {
    fault('bytes', positionsAt + positionBytes, bytes.length);
  }
  const text = (at: number, length: number): string =>
    new TextDecoder().decode(bytes.subarray(at, at + length)).replace(/\0+$/, '');
  const head: ClientSnapshotHead = {
    identity: text(HEAD.size, identityBytes),
    session: text(HEAD.session, HEAD.sessionBytes),
    nextSequence: getUint53(view, HEAD.nextSequence),
    orderIdEnd: getUint53(view, HEAD.orderIdEnd),
  };
  const read = Array.from(
    { length: orders }, (_, i) => readOrder(view, ordersAt + i * ORDER.size),
  );
  const positions = bytes.slice(positionsAt); // at an offset of its own
  return new ClientSnapshot(head, read, new DataView(positions.buffer));
}

/**
 * Those that the exchange has. One that is unanswered is left out: it may never get there, and if it
 * does, its acceptance brings it back. So is one that is filled but for what a modify may add to it:
 * the answer to that brings it back.
 */
function openOrdersOf(runner: StrategyRunner): OpenOrder[] {
  const { orders } = runner;
  const open: OpenOrder[] = [];
  for (let i = 0; i < orders.liveOrders; i++) {
    const id = orders.liveOrder(i);
    if (!orders.accepted(id) || orders.leaves(id) === 0) continue;
    open.push({
      id, book: orders.orderBook(id), side: orders.orderSide(id),
      priceTicks: orders.orderTicks(id), leaves: orders.leaves(id), executed: orders.executed(id),
    });
  }
  return open;
}

function writeOrder(view: DataView, at: number, order: OpenOrder, idBase: number): void {
  setUint53(view, at + ORDER.id, order.id + idBase);
  view.setUint32(at + ORDER.book, order.book, true);
  view.setInt32(at + ORDER.side, order.side, true);
  view.setInt32(at + ORDER.price, order.priceTicks, true);
  view.setUint32(at + ORDER.leaves, order.leaves, true);
  setUint53(view, at + ORDER.executed, order.executed);
}

function readOrder(view: DataView, at: number): OpenOrder {
  return {
    id: getUint53(view, at + ORDER.id),
    book: view.getUint32(at + ORDER.book, true),
    side: view.getInt32(at + ORDER.side, true),
    priceTicks: view.getInt32(at + ORDER.price, true),
    leaves: view.getUint32(at + ORDER.leaves, true),
    executed: getUint53(view, at + ORDER.executed),
  };
}

function padded(length: number): number {
  return length + (-length & 7);
}

function fault(what: string, expected: number | string, was: number): never {
  throw new RangeError(`snapshot of a client: ${what}: expected ${expected}, was ${was}`);
}
