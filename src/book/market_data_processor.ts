// The market data processor: fixed 40-byte messages (docs/PROTOCOL.md) applied to up to 4,096 books.
//
//   receiver ─► ring of 65,536 messages ─┬─► this thread: the symbols of lane 0
//   `claim`, `publish`, or `receive`     └─► helper threads: the symbols of the other lanes
//
// Who receives claims places in the ring, has the bytes written there (a socket's receive call may do it), and publishes
// them; `receive` does it for bytes that stand elsewhere. `poll` applies this thread's share; helpers apply theirs.
//
// Full: `claim` gives no places and `receive` takes fewer than it was offered. With `whenFull: 'drop'` `receive` takes
// everything and drops what does not fit: it is counted, and `droppedOf` tells of which books, which are no longer to be trusted.
// Bad messages change nothing and are counted by reason (`stats`); nothing that arrives ends the process.
//
// Threads: one receives, polls and asks; questions wait (`settle`) until the helpers have applied what was published, since
// only then their books stand still. Cost: `outcry bench market-data`. Nothing is allocated by claim, publish,
// receive and poll.
import { assert } from '../base/assert.ts';
import { Worker } from 'node:worker_threads';
import { MarketData, MarketDataSide } from '../wire/generated/market_data.ts';
import type { CoreVariant } from './core_module.ts';
import {
  HEADER, LANE, MARKET_BOOK, MARKET_DATA_REASONS, MARKET_DATA_RING_SLOTS, MARKET_DATA_SYMBOLS_MAX,
  MARKET_DATA_THREADS_MAX, MESSAGE_BYTES, RESULT_ROW, ROWS_BYTES_MIN, SHARES, createMarketDataCore,
  type MarketDataCore, type MarketDataReason,
} from './market_data_core.ts';
import type { MarketDataThreadData } from './market_data_thread.ts';

export { MARKET_DATA_RING_SLOTS, MARKET_DATA_SYMBOLS_MAX } from './market_data_core.ts';

const WORD_BYTES = 4;
const MESSAGE_WORDS = MESSAGE_BYTES / WORD_BYTES;
const RING_MASK = MARKET_DATA_RING_SLOTS - 1;
const ORDERS_DEFAULT = 1_000_000;
/** Room for rows: four of the smallest blocks a side, and this for books that are deep. Untouched, it costs nothing. */
const DEEP_ROWS_BYTES = 64 * 2 ** 20;
/** Messages that a poll looks at when it is not told otherwise: some 10 µs. */
const POLL_DEFAULT = 512;

export interface MarketDataProcessorOptions {
  /** Books; a message for another symbol is refused. Default and most: 4,096. */
  readonly symbols?: number;
  /** Threads that apply messages, this one included; 1 … 8, default 1. */
  readonly threads?: number;
  /** Sixteenths of the symbols that are this thread's, which receives too; default an even share. */
  readonly ownShare?: number;
  /** Orders that may live in the books of one thread; default 1,000,000. */
  readonly ordersMax?: number;
  /** What `receive` does with messages that find no place; default 'refuse'. */
  readonly whenFull?: 'refuse' | 'drop';
  /** 'core.checked' asserts as it goes, for tests. */
  readonly variant?: CoreVariant;
}

export interface MarketDataLevel {
  /** Units of 10^-4. */
  readonly price: number;
  readonly volume: bigint;
  readonly orders: number;
}

export interface MarketDataDepth {
  readonly bids: readonly MarketDataLevel[];
  readonly asks: readonly MarketDataLevel[];
}

export interface MarketDataStats {
  /** Messages that processors have looked at, good or bad. */
  readonly processed: number;
  readonly applied: { readonly add: number; readonly cancel: number; readonly modify: number; readonly trade: number };
  readonly refused: Readonly<Record<MarketDataReason, number>>;
  /** Messages that found the ring full and were dropped. */
  readonly dropped: number;
  readonly ordersLive: number;
}

function whole(name: string, value: number, low: number, high: number): number {
  if (Number.isInteger(value) && value >= low && value <= high) return value;
  throw new RangeError(`market data processor: ${name} must be a whole number ${low} … ${high}, was ${value}`);
}

export class MarketDataProcessor {
  /** Holds everything; claimed places are offsets into its buffer. */
  readonly memory: WebAssembly.Memory;
  readonly symbols: number;
  readonly threads: number;
  /** Places that the last `claim` gave. */
  claimed = 0;
  readonly #core: MarketDataCore;
  readonly #variant: CoreVariant;
  readonly #drops: boolean;
  readonly #words: Int32Array;
  readonly #bytes: Uint8Array;
  readonly #numbers: BigUint64Array;
  readonly #ring: number;
  readonly #results: number;
  readonly #releasedAt: Int32Array;
  readonly #helpers: { worker: Worker; ended: Promise<void> }[] = [];
  #published = 0; // cursor, modulo 2^32
  #releasedSeen = 0; // of the slowest lane, as last read
  #dropped = 0;
  #processed = 0;
  #failure: Error | null = null;
  // Of the bytes that `receive` was given last: a view by words.
  #source: Uint8Array | null = null;
  #sourceWords: Int32Array = new Int32Array(0);

  constructor(options: MarketDataProcessorOptions = {}) {
    this.symbols = whole('symbols', options.symbols ?? MARKET_DATA_SYMBOLS_MAX, 1, MARKET_DATA_SYMBOLS_MAX);
    this.threads = whole('threads', options.threads ?? 1, 1, MARKET_DATA_THREADS_MAX);
    const ownShare = whole('ownShare', options.ownShare ?? Math.round(SHARES / this.threads), 0, SHARES);
    const ordersMax = whole('ordersMax', options.ordersMax ?? ORDERS_DEFAULT, 1, 16_000_000);
    const rowsBytes = 2 * this.symbols * 4 * ROWS_BYTES_MIN + DEEP_ROWS_BYTES;
    this.#variant = options.variant ?? 'core';
    this.#drops = options.whenFull === 'drop';
    const { core, memory } = createMarketDataCore(this.#variant, [
      this.symbols, this.threads, ownShare, ordersMax, rowsBytes,
    ]);
    this.#core = core;
    this.memory = memory;
    this.#words = new Int32Array(memory.buffer);
    this.#bytes = new Uint8Array(memory.buffer);
    this.#numbers = new BigUint64Array(memory.buffer);
    this.#ring = core.mdRingAddress() >>> 0;
    this.#results = core.mdResultsAddress() >>> 0;
    this.#releasedAt = Int32Array.from({ length: this.threads }, (_, lane) => (core.mdLaneAddress(lane) + LANE.released) / WORD_BYTES);
  }

  // ---- threads ---------------------------------------------------------------------------------

  /** Starts the helper threads; resolves when all run. Not needed with one thread. */
  async start(): Promise<void> {
    assert(this.#helpers.length === 0, 'a processor is started once');
    const started: Promise<void>[] = [];
    for (let lane = 1; lane < this.threads; lane++) started.push(this.#startHelper(lane));
    await Promise.all(started);
  }

  #startHelper(lane: number): Promise<void> {
    const data: MarketDataThreadData = { memory: this.memory, variant: this.#variant, lane };
    // The thread's file lies beside this one: TypeScript in a clone, JavaScript in a package.
    const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
    const worker = new Worker(new URL(`./market_data_thread.${extension}`, import.meta.url), { workerData: data });
    worker.on('error', (error) => (this.#failure = error as Error));
    const ended = new Promise<void>((resolve) => void worker.once('exit', () => resolve()));
    this.#helpers.push({ worker, ended });
    const runs = new Promise<void>((resolve) => void worker.once('message', () => resolve()));
    return Promise.race([runs, ended.then(() => this.#throwFailure())]);
  }

  #throwFailure(): void {
    throw this.#failure ?? new Error('market data processor: a helper thread ended before it was asked to');
  }

  /** Ends the helper threads; what they have not applied stays in the ring. */
  async close(): Promise<void> {
    Atomics.store(this.#words, HEADER.stop / WORD_BYTES, 1);
    Atomics.notify(this.#words, HEADER.published / WORD_BYTES);
    await Promise.all(this.#helpers.map(({ ended }) => ended));
    if (this.#failure !== null) throw this.#failure;
  }

  // ---- receiving -------------------------------------------------------------------------------

  /** Messages that the ring has room for. */
  get room(): number {
    return MARKET_DATA_RING_SLOTS - ((this.#published - this.#slowest()) | 0);
  }

  /** Cursor of the lane that is furthest behind. */
  #slowest(): number {
    let behind = 0;
    for (let lane = 0; lane < this.threads; lane++) {
      behind = Math.max(behind, (this.#published - Atomics.load(this.#words, this.#releasedAt[lane])) | 0);
    }
    return (this.#published - behind) | 0;
  }

  /**
   * Places for up to `wanted` messages, one behind the other: the byte offset of the first in `memory`, their number in
   * `claimed`, which is less at the end of the ring, and 0 when it is full. They are the caller's until `publish`.
   */
  claim(wanted: number): number {
    const published = this.#published;
    if (MARKET_DATA_RING_SLOTS - ((published - this.#releasedSeen) | 0) < wanted) this.#releasedSeen = this.#slowest();
    const room = MARKET_DATA_RING_SLOTS - ((published - this.#releasedSeen) | 0);
    const index = published & RING_MASK;
    this.claimed = Math.min(wanted, room, MARKET_DATA_RING_SLOTS - index);
    return this.#ring + index * MESSAGE_BYTES;
  }

  /** Hands the first `count` of the claimed places to the processors. */
  publish(count: number): void {
    assert(count >= 0 && count <= this.claimed, 'what is published has been claimed');
    this.claimed -= count;
    this.#published = (this.#published + count) | 0;
    Atomics.store(this.#words, HEADER.published / WORD_BYTES, this.#published);
    if (Atomics.load(this.#words, HEADER.sleeping / WORD_BYTES) !== 0) Atomics.notify(this.#words, HEADER.published / WORD_BYTES);
  }

  /**
   * Takes `count` messages from `offset` of `source` into the ring. The number taken: fewer when it is full, unless
   * the processor drops then.
   */
  receive(source: Uint8Array, offset: number, count: number): number {
    assert(offset >= 0 && offset + count * MESSAGE_BYTES <= source.length, 'the messages stand in the source');
    let taken = 0;
    while (taken < count) {
      const at = this.claim(count - taken);
      const places = this.claimed;
      if (places === 0) break;
      this.#copy(source, offset + taken * MESSAGE_BYTES, at, places);
      this.publish(places);
      taken += places;
    }
    if (taken === count || !this.#drops) return taken;
    for (let i = taken; i < count; i++) this.#drop(source, offset + i * MESSAGE_BYTES);
    return count;
  }

  #copy(source: Uint8Array, from: number, to: number, messages: number): void {
    if (this.#source !== source) {
      this.#source = source;
      const words = (source.byteOffset & 3) === 0 ? source.length >>> 2 : 0;
      this.#sourceWords = words > 0 ? new Int32Array(source.buffer, source.byteOffset, words) : new Int32Array(0);
    }
    if ((from & 3) !== 0 || this.#sourceWords.length === 0) {
      for (let i = 0; i < messages * MESSAGE_BYTES; i++) this.#bytes[to + i] = source[from + i];
      return;
    }
    const words = this.#words;
    const sourceWords = this.#sourceWords;
    const first = from >>> 2;
    const target = to >>> 2;
    for (let i = 0; i < messages * MESSAGE_WORDS; i++) words[target + i] = sourceWords[first + i];
  }

  #drop(source: Uint8Array, at: number): void {
    this.#dropped += 1;
    const symbol = source[at] + (source[at + 1] << 8);
    if (symbol >= this.symbols) return;
    // No processor writes this word, and the high half is never needed.
    this.#words[((this.#core.mdBookAddress(symbol) >>> 0) + MARKET_BOOK.dropped) >>> 2] += 1;
  }

  // ---- applying --------------------------------------------------------------------------------

  /** Looks at up to `max` messages and applies this thread's; the number looked at. */
  poll(max: number = POLL_DEFAULT): number {
    const done = this.#core.mdProcess(0, max);
    this.#processed += done;
    return done;
  }

  /** Applies everything that was published and waits until the helpers have too. */
  settle(): void {
    while (this.poll(MARKET_DATA_RING_SLOTS) > 0);
    while (this.#slowest() !== this.#published) {
      if (this.#failure !== null) throw this.#failure;
      assert(this.#helpers.length === this.threads - 1, 'helper threads must be started before what is theirs can settle');
    }
  }

  // ---- questions: each settles first -----------------------------------------------------------

  /** Up to `levels` levels a side, best first. */
  depth(symbol: number, levels: number): MarketDataDepth {
    whole('symbol', symbol, 0, this.symbols - 1);
    this.settle();
    return {
      bids: this.#levels(symbol, MarketDataSide.Bid, levels),
      asks: this.#levels(symbol, MarketDataSide.Ask, levels),
    };
  }

  #levels(symbol: number, side: number, levels: number): MarketDataLevel[] {
    const count = this.#core.mdDepth(symbol, side, levels);
    return Array.from({ length: count }, (_, i) => {
      const at = this.#results + i * RESULT_ROW.bytes;
      return {
        price: Number(this.#number(at + RESULT_ROW.price)),
        volume: this.#number(at + RESULT_ROW.volume),
        orders: Number(this.#number(at + RESULT_ROW.orders)),
      };
    });
  }

  /** Null before the first trade. */
  lastTrade(symbol: number): { price: number; volume: bigint } | null {
    const book = this.#book(symbol);
    const price = Number(this.#number(book + MARKET_BOOK.lastPrice));
    return price === 0 ? null : { price, volume: this.#number(book + MARKET_BOOK.lastVolume) };
  }

  /** Time stamp of the last message that was applied to a book; 0 before the first. */
  timestampOf(symbol: number): bigint {
    return this.#number(this.#book(symbol) + MARKET_BOOK.timestamp);
  }

  /** Messages applied to a book. */
  appliedTo(symbol: number): number {
    return Number(this.#number(this.#book(symbol) + MARKET_BOOK.applied));
  }

  /** Messages of a book that were dropped because the ring was full: above 0 it is no longer to be trusted. */
  droppedOf(symbol: number): number {
    return this.#words[(this.#book(symbol) + MARKET_BOOK.dropped) >>> 2];
  }

  #book(symbol: number): number {
    whole('symbol', symbol, 0, this.symbols - 1);
    this.settle();
    return this.#core.mdBookAddress(symbol) >>> 0;
  }

  #number(address: number): bigint {
    return this.#numbers[address >>> 3];
  }

  /** What has become of the messages; helpers may be at work meanwhile. */
  stats(): MarketDataStats {
    const applied = this.#sums(LANE.applied, 5);
    const reasons = this.#sums(LANE.refused, MARKET_DATA_REASONS.length);
    let ordersLive = 0;
    for (let lane = 0; lane < this.threads; lane++) {
      ordersLive += this.#words[(this.#core.mdLaneAddress(lane) + LANE.ordersLive) >>> 2];
    }
    return {
      processed: this.#processed,
      applied: {
        add: applied[1], cancel: applied[2], modify: applied[3], trade: applied[4],
      },
      refused: Object.fromEntries(MARKET_DATA_REASONS.map((name, i) => [name, reasons[i]]).slice(1)) as MarketDataStats['refused'],
      dropped: this.#dropped,
      ordersLive,
    };
  }

  /** Counters of all lanes, added up. */
  #sums(place: number, count: number): number[] {
    const sums = Array.from({ length: count }, () => 0);
    for (let lane = 0; lane < this.threads; lane++) {
      const at = this.#core.mdLaneAddress(lane) + place;
      for (let i = 0; i < count; i++) sums[i] += Number(this.#number(at + 8 * i));
    }
    return sums;
  }

  /** Of all books; equal where depth and last trade of every symbol are. */
  hash(): bigint {
    this.settle();
    return BigInt.asUintN(64, this.#core.mdHash());
  }

  /** Walks everything and throws when a rule between records does not hold. For tests. */
  checkInvariants(): void {
    this.settle();
    const broken = this.#core.mdBrokenInvariant();
    if (broken !== 0) throw new Error(`market data processor: invariant ${broken} of core/feed/market_data_queries.ts does not hold`);
  }
}

assert(MarketData.bytes === MESSAGE_BYTES, 'the ring holds messages of the schema');
