// Reads top of book and depth of a running engine from another thread, consistently and without a lock.
//
// The writer publishes a view per book under a sequence lock (core/memory/sequence_lock.ts has the layout): odd version
// while it writes. A reader copies and keeps the copy if the version was even and did not change. The writer never waits for
// readers; a reader repeats a copy that the writer overtook, which is short: a view is written in about 0.1 µs.

const VIEW = { version: 0, bids: 4, asks: 8, state: 12, lastPrice: 16, lastQty: 20, traded: 24, levels: 32 } as const;
const LEVEL_SIZE = 16;
const LEVELS_MAX = 1_024;

/** What a reader needs from the engine's thread; structured-cloneable, so it can be posted to a worker. */
export interface BookReaderSource {
  /** The memory's; named so that a page, whose types know memories that are not shared, compiles it too. */
  buffer: WebAssembly.Memory['buffer'];
  viewsAddress: number;
  viewSize: number;
  viewLevels: number;
}

/** A consistent copy of one book's view; reused by every read. Levels best first. */
export class BookSnapshot {
  bidLevels = 0;
  askLevels = 0;
  state = 0;
  /** Ticks; 0 while `traded` is false. */
  lastPrice = 0;
  lastQty = 0;
  traded = false;
  readonly bidPrice: Int32Array;
  readonly bidOrders: Uint32Array;
  /** Visible quantity per level; exact up to 2^53. */
  readonly bidQty: Float64Array;
  readonly askPrice: Int32Array;
  readonly askOrders: Uint32Array;
  readonly askQty: Float64Array;

  constructor(levels: number) {
    this.bidPrice = new Int32Array(levels);
    this.bidOrders = new Uint32Array(levels);
    this.bidQty = new Float64Array(levels);
    this.askPrice = new Int32Array(levels);
    this.askOrders = new Uint32Array(levels);
    this.askQty = new Float64Array(levels);
  }
}

export class BookReader {
  /** Copies that had to be repeated because the writer was at work. */
  retries = 0;
  private readonly u32: Uint32Array;
  private readonly i32: Int32Array;
  private readonly source: BookReaderSource;

  constructor(source: BookReaderSource) {
    if (!(source.viewLevels > 0 && source.viewLevels <= LEVELS_MAX)) {
      throw new RangeError(`viewLevels must be 1 … ${LEVELS_MAX} (the engine publishes no views), was ${source.viewLevels}`);
    }
    this.source = source;
    this.u32 = new Uint32Array(source.buffer);
    this.i32 = new Int32Array(source.buffer);
  }

  /** A snapshot that `read` can fill. */
  snapshot(): BookSnapshot {
    return new BookSnapshot(this.source.viewLevels);
  }

  /** Copies the view of one book; repeats until the copy is consistent. Returns the version of the view. */
  read(book: number, into: BookSnapshot): number {
    const base = (this.source.viewsAddress + book * this.source.viewSize) >>> 2;
    for (;;) {
      const before = Atomics.load(this.u32, base);
      if ((before & 1) === 0) {
        this.copy(base, into);
        if (Atomics.load(this.u32, base) === before) return before;
      }
      this.retries++;
    }
  }

  private copy(base: number, into: BookSnapshot): void {
    const { u32, i32 } = this;
    const levels = this.source.viewLevels;
    // A torn copy may hold any numbers: counts are bounded before they are used and the copy is thrown away.
    const bids = Math.min(u32[base + (VIEW.bids >> 2)], levels);
    const asks = Math.min(u32[base + (VIEW.asks >> 2)], levels);
    into.bidLevels = bids;
    into.askLevels = asks;
    into.state = u32[base + (VIEW.state >> 2)];
    into.lastPrice = i32[base + (VIEW.lastPrice >> 2)];
    into.lastQty = u32[base + (VIEW.lastQty >> 2)];
    into.traded = u32[base + (VIEW.traded >> 2)] !== 0;
    let at = base + (VIEW.levels >> 2);
    for (let i = 0; i < bids; i++, at += LEVEL_SIZE >> 2) {
      into.bidPrice[i] = i32[at];
      into.bidOrders[i] = u32[at + 1];
      into.bidQty[i] = u32[at + 3] * 0x1_0000_0000 + u32[at + 2];
    }
    at = base + (VIEW.levels >> 2) + levels * (LEVEL_SIZE >> 2);
    for (let i = 0; i < asks; i++, at += LEVEL_SIZE >> 2) {
      into.askPrice[i] = i32[at];
      into.askOrders[i] = u32[at + 1];
      into.askQty[i] = u32[at + 3] * 0x1_0000_0000 + u32[at + 2];
    }
  }
}
