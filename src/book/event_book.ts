// The visible book as the engine's events tell it: a third account of a book beside the core and
// the twin, used by tests. It knows nothing of matching and does what a feed receiver does; where
// it differs from an engine's depth, the engine's events do not say what happened.
//
//   instrument → { bids, asks }: price → queue of entries in order of arrival; order id → entry
//
// Cost: O(queue) an event, O(levels · log levels) a view. Limits: none but memory.
import type { Depth } from './engine.ts';
import { HASH_START, mix, mixAll } from './order_book.reference.ts';
import { Side, type EngineEvent } from './types.ts';

/** An order as the public sees it, and its whole open quantity, which only its owner knows. */
export interface BookEntry {
  readonly book: number;
  readonly client: number;
  readonly id: bigint;
  readonly orderId: bigint;
  readonly side: number;
  readonly price: number;
  readonly priority: bigint;
  displayed: number;
  open: number;
}

/** One price of one side, its queue in order. */
export interface BookLevel {
  readonly price: number;
  readonly entries: readonly BookEntry[];
}

interface Sides {
  readonly bids: Map<number, BookEntry[]>;
  readonly asks: Map<number, BookEntry[]>;
}

export class EventBook {
  readonly #books = new Map<number, Sides>();
  readonly #entries = new Map<bigint, BookEntry>();

  apply(event: EngineEvent): void {
    switch (event.type) {
      case 'accepted':
        if (event.rests) this.#add({ ...event, priority: event.orderId, open: event.qty });
        break;
      case 'rested':
        this.#add({ ...event, open: event.leaves });
        break;
      case 'trade':
        this.#trade(event.makerOrderId, event.qty, event.makerLeaves);
        break;
      case 'displayed':
        this.#show(event.orderId, event.displayed, event.leaves);
        break;
      case 'reduced':
        if (event.resting) this.#show(event.orderId, event.displayed, event.leaves);
        break;
      case 'canceled':
        if (event.resting) this.#remove(event.orderId);
        break;
      case 'replaced':
        if (event.resting && event.kept) this.#show(event.orderId, event.displayed, event.qty);
        else if (event.resting) this.#remove(event.orderId);
        if (event.rests) this.#add({ ...event, open: event.qty });
        break;
      case 'rejected':
      case 'triggered':
      case 'state':
        break;
    }
  }

  /** Levels of one side of an instrument, best first. */
  levels(book: number, side: number): BookLevel[] {
    const queues = this.#queues(book, side);
    const prices = [...queues.keys()].toSorted((a, b) => (side === Side.Buy ? b - a : a - b));
    return prices.map((price) => ({ price, entries: queues.get(price)! }));
  }

  depth(book: number, levels: number): Depth {
    const side = (which: number) => this.levels(book, which).slice(0, levels).map((level) => ({
      price: level.price,
      qty: level.entries.reduce((sum, entry) => sum + BigInt(entry.displayed), 0n),
      orders: level.entries.length,
    }));
    return { bids: side(Side.Buy), asks: side(Side.Sell) };
  }

  /** The public hash of docs/MATCHING.md. */
  publicHash(): bigint {
    let hash = HASH_START;
    for (const book of [...this.#books.keys()].toSorted((a, b) => a - b)) {
      const entries = [...this.levels(book, Side.Buy), ...this.levels(book, Side.Sell)]
        .flatMap((level) => level.entries);
      if (entries.length > 0) hash = mix(hash, book);
      for (const { orderId, price, displayed, priority } of entries) {
        hash = mixAll(hash, [orderId, price, displayed, priority]);
      }
    }
    return hash;
  }

  #queues(book: number, side: number): Map<number, BookEntry[]> {
    let sides = this.#books.get(book);
    if (sides === undefined) this.#books.set(book, (sides = { bids: new Map(), asks: new Map() }));
    return side === Side.Buy ? sides.bids : sides.asks;
  }

  #add(source: BookEntry): void {
    const { book, client, id, orderId, side, price, priority, displayed, open } = source;
    if (this.#entries.has(orderId)) throw new Error(`order ${orderId} is in the book already`);
    const entry = { book, client, id, orderId, side, price, priority, displayed, open };
    this.#entries.set(orderId, entry);
    const queues = this.#queues(book, side);
    const queue = queues.get(price);
    if (queue === undefined) queues.set(price, [entry]);
    else queue.push(entry);
  }

  #remove(orderId: bigint): void {
    const entry = this.#entry(orderId);
    this.#entries.delete(orderId);
    const queues = this.#queues(entry.book, entry.side);
    const queue = queues.get(entry.price)!;
    queue.splice(queue.indexOf(entry), 1);
    if (queue.length === 0) queues.delete(entry.price);
  }

  /** A fill takes visible quantity; who shows nothing is gone until it rests anew. */
  #trade(orderId: bigint, qty: number, leaves: number): void {
    const entry = this.#entry(orderId);
    if (qty > entry.displayed) {
      throw new Error(`order ${orderId} traded ${qty} but showed ${entry.displayed}`);
    }
    this.#show(orderId, entry.displayed - qty, leaves);
  }

  #show(orderId: bigint, displayed: number, open: number): void {
    const entry = this.#entry(orderId);
    if (displayed === 0) return this.#remove(orderId);
    entry.displayed = displayed;
    entry.open = open;
  }

  #entry(orderId: bigint): BookEntry {
    const entry = this.#entries.get(orderId);
    if (entry === undefined) throw new Error(`order ${orderId} is not in the book`);
    return entry;
  }
}
