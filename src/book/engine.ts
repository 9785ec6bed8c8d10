// The face that every matching engine of this project has: the core (matching_engine.ts) and its
// slow twin (order_book.reference.ts). Tests, fuzzers, scenarios and `outcry match` know only this.
import type { Command, DepthLevel, EngineConfig, EngineEvent } from './types.ts';

/** Both sides of a book, best price first. */
export interface Depth {
  bids: DepthLevel[];
  asks: DepthLevel[];
}

/** Best level of each side, null where the side is empty. */
export interface Top {
  bid: DepthLevel | null;
  ask: DepthLevel | null;
}

/** An order in the queue of its price. */
export interface QueuedOrder {
  client: number;
  id: bigint;
  orderId: bigint;
  /** Rises from front to back. */
  priority: bigint;
  /** Shown. */
  qty: number;
  /** An iceberg's. */
  hidden: number;
  executed: number;
}

/** … and where that is. */
export interface RestingOrder extends QueuedOrder {
  book: number;
  side: number;
  /** Of a stop the one at which it triggers. */
  price: number;
  isStop: boolean;
}

/** What an order of some size would find: lots filled, and Σ price × quantity of them in ticks. */
export interface Vwap {
  filled: bigint;
  cost: bigint;
}

export interface Engine {
  /** Executes a command: its events, the last with `end`. Only a mass cancel may yield none. */
  submit(command: Command): EngineEvent[];
  /** The visible book of one instrument, at most `levels` a side. */
  depth(book: number, levels: number): Depth;
  /** The best visible level of each side. */
  top(book: number): Top;
  /** Walks the visible quantity that an order of `side` and `qty` would meet: a buy, the asks. */
  vwap(book: number, side: number, qty: number | bigint): Vwap;
  /** Hash of everything that decides future behaviour (docs/MATCHING.md). */
  stateHash(): bigint;
  /** Hash of what a receiver of the public feed can know. */
  publicHash(): bigint;
  /** Throws when the structures contradict each other; O(n). */
  checkInvariants(): void;
}

/** Makes an engine; what a test needs to run on either of them. */
export type EngineFactory = (config: EngineConfig) => Engine;
