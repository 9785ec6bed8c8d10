// Readers against a running writer, on threads of their own: a market in which every number of a
// view follows from one other, so that a view mixed from two moments is recognised.
//
//   one book:  a centre c that moves with each batch; LEVELS bids at c − 1, …, asks at c + 1, …
//              every order's quantity is qtyAt(its price), one order a level; the last trade was
//              qtyAt(c) at c
//
// book_reader.test.ts starts the threads and plants readers that do not look at the version.
import { isMainThread, parentPort, workerData } from 'node:worker_threads';
import { Prng } from '../base/prng.ts';
import { BookReader, type BookReaderSource, type BookSnapshot } from './book_reader.ts';
import { MatchingEngine } from './matching_engine.ts';
import { Cmd, Side } from './types.ts';

export const BOOKS = 2;
export const LEVELS = 10;
const CENTRE_MIN = 1_000;
const CENTRE_MAX = 50_000;
const MAKER = 1;
const TAKER = 2;

/** Words of the block that the threads share; from `changes` on one a reader: how often its view has changed. */
export const CONTROL = { stop: 0, batches: 1, changes: 2, words: 2 + 8 } as const;

/** How a reader copies: as it should, or one of the planted mistakes. */
export type Copying = 'locked' | 'unlocked' | 'version looked at before only';

export interface ReadReport {
  readonly reads: number;
  readonly retries: number;
  /** Views that differed from the one before: proof that the writer was at work meanwhile. */
  readonly changes: number;
  /** What the first inconsistent view contradicted, '' when there was none. */
  readonly torn: string;
}

export type ThreadData =
  | { readonly role: 'writer'; readonly control: SharedArrayBuffer; readonly seed: number }
  | {
      readonly role: 'reader';
      readonly control: SharedArrayBuffer;
      readonly source: BookReaderSource;
      readonly copying: Copying;
      readonly index: number;
    };

/** Different in all four bytes for neighbouring prices. */
export function qtyAt(price: number): number {
  return (Math.imul(price, 0x9e37_79b1) >>> 1) + 1;
}

/** What a view contradicts, '' when it is of one moment. Before the first batch a view is empty. */
export function contradiction(view: BookSnapshot): string {
  if (!view.traded && view.bidLevels === 0 && view.askLevels === 0) return '';
  const centre = view.lastPrice;
  if (view.lastQty !== qtyAt(centre))
    return `last trade ${view.lastQty} at ${centre}, expected ${qtyAt(centre)}`;
  if (view.bidLevels !== LEVELS || view.askLevels !== LEVELS)
    return `${view.bidLevels} bids and ${view.askLevels} asks, expected ${LEVELS}`;
  for (let i = 0; i < LEVELS; i++) {
    const bid = view.bidPrice[i];
    const ask = view.askPrice[i];
    if (bid !== centre - 1 - i || ask !== centre + 1 + i)
      return `level ${i} is ${bid} × ${ask} around ${centre}`;
    if (view.bidQty[i] !== qtyAt(bid))
      return `bid ${view.bidQty[i]} at ${bid}, expected ${qtyAt(bid)}`;
    if (view.askQty[i] !== qtyAt(ask))
      return `ask ${view.askQty[i]} at ${ask}, expected ${qtyAt(ask)}`;
    if (view.bidOrders[i] !== 1 || view.askOrders[i] !== 1)
      return `level ${i} has ${view.bidOrders[i]} and ${view.askOrders[i]} orders`;
  }
  return '';
}

/** The writer: every batch empties the books and builds them anew elsewhere. */
export class MovingMarket {
  readonly engine: MatchingEngine;
  #id = 0n;

  constructor() {
    const instruments = Array.from({ length: BOOKS }, () => ({
      minPrice: 1,
      maxPrice: 2 * CENTRE_MAX,
    }));
    this.engine = new MatchingEngine({ instruments, ordersMax: 1_000, viewLevels: LEVELS });
  }

  move(book: number, centre: number): void {
    const { engine } = this;
    let slots = engine.writeCommand(0, { type: Cmd.MassCancel, book, client: MAKER });
    const order = (client: number, side: number, price: number): void => {
      this.#id += 1n;
      slots += engine.writeCommand(slots, {
        type: Cmd.New,
        book,
        client,
        id: this.#id,
        side,
        price,
        qty: qtyAt(price),
      });
    };
    order(MAKER, Side.Sell, centre);
    order(TAKER, Side.Buy, centre);
    for (let i = 1; i <= LEVELS; i++) {
      order(MAKER, Side.Buy, centre - i);
      order(MAKER, Side.Sell, centre + i);
    }
    engine.process(slots);
    engine.releaseEvents(engine.eventsWritten());
  }
}

/** Takes views until told to stop, or until one is torn. */
export function readViews(
  source: BookReaderSource,
  control: Int32Array,
  copying: Copying,
  index: number,
): ReadReport {
  const reader = new BookReader(source);
  const view = reader.snapshot();
  const words = new Uint32Array(source.buffer);
  const read = (book: number): void => {
    if (copying === 'locked') {
      reader.read(book, view);
      return;
    }
    const base = (source.viewsAddress + book * source.viewSize) >>> 2;
    if (copying !== 'unlocked') while ((Atomics.load(words, base) & 1) === 1);
    reader['copy'](base, view);
  };
  let reads = 0;
  let changes = 0;
  let torn = '';
  const last = new Int32Array(BOOKS);
  while (torn === '' && Atomics.load(control, CONTROL.stop) === 0) {
    const book = reads % BOOKS;
    read(book);
    reads++;
    torn = contradiction(view);
    if (view.lastPrice !== last[book]) Atomics.store(control, CONTROL.changes + index, ++changes);
    last[book] = view.lastPrice;
  }
  return { reads, retries: reader.retries, changes, torn };
}

function write(control: Int32Array, seed: number): void {
  const market = new MovingMarket();
  const prng = new Prng(seed);
  parentPort?.postMessage(market.engine.readerSource);
  while (Atomics.load(control, CONTROL.stop) === 0) {
    for (let book = 0; book < BOOKS; book++)
      market.move(book, prng.between(CENTRE_MIN, CENTRE_MAX));
    Atomics.add(control, CONTROL.batches, BOOKS);
  }
}

if (!isMainThread) {
  const data: ThreadData = workerData;
  const control = new Int32Array(data.control);
  if (data.role === 'writer') write(control, data.seed);
  else parentPort?.postMessage(readViews(data.source, control, data.copying, data.index));
}
