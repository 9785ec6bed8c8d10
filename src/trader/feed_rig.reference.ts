// The exchange's end of a feed, the slow and obvious way, and a link that loses, repeats and
// reorders datagrams by a seed: what the feed handler's tests run against. Layouts native and book.
import { Prng } from '../base/prng.ts';
import { ReferenceFeedBooks } from './feed_books.reference.ts';
import type { DatagramSocket } from '../net/transport.ts';

export interface LinkFaults {
  loss: number;
  duplicate: number;
  /** Probability that a datagram is held back and delivered up to `reorderBy` datagrams later. */
  reorder: number;
}

export const NO_FAULTS: LinkFaults = { loss: 0, duplicate: 0, reorder: 0 };
const REORDER_BY = 8;
const DATAGRAM_BYTES_MAX = 1472;

/** One direction of a datagram network in memory: `send` at one end, `receive` at the other. */
export class FaultyLink implements DatagramSocket {
  readonly host = '127.0.0.1';
  readonly port = 1;
  readonly senderHost = '127.0.0.1';
  readonly senderPort = 2;
  readonly dropped = 0;
  readonly truncated = 0;
  readonly refused = 0;
  readonly faults: LinkFaults;
  readonly #prng: Prng;
  readonly #waiting: Uint8Array[] = [];
  /** Called instead of queueing, for requests that somebody answers. */
  onSend: ((datagram: Uint8Array) => void) | null = null;

  constructor(prng: Prng, faults: LinkFaults) {
    this.#prng = prng;
    this.faults = { ...faults };
  }

  receive(target: Uint8Array, offset: number, max: number): number {
    const datagram = this.#waiting.shift();
    if (datagram === undefined) return 0;
    target.set(datagram.subarray(0, max), offset);
    return Math.min(datagram.length, max);
  }

  send(source: Uint8Array, offset: number, length: number): boolean {
    if (this.#prng.chance(this.faults.loss)) return true;
    const copies = this.#prng.chance(this.faults.duplicate) ? 2 : 1;
    for (let i = 0; i < copies; i++) {
      const datagram = source.slice(offset, offset + length);
      if (this.onSend !== null) this.onSend(datagram);
      else if (!this.#prng.chance(this.faults.reorder)) this.#waiting.push(datagram);
      else this.#waiting.splice(
        Math.max(0, this.#waiting.length - this.#prng.below(REORDER_BY + 1)), 0, datagram,
      );
    }
    return true;
  }

  sendTo(source: Uint8Array, offset: number, length: number): boolean {
    return this.send(source, offset, length);
  }

  get waiting(): number {
    return this.#waiting.length;
  }

  /** What is on the way never arrives. */
  close(): void {
    this.#waiting.length = 0;
  }
}

interface Update {
  type: number;
  ticker: number;
  order: bigint;
  side: number;
  price: bigint;
  qty: number;
  priority: bigint;
}

const NONE_64 = 0xffff_ffff_ffff_ffffn;
const NONE_32 = 0xffff_ffff;
const PRICE_NONE = 0x7fff_ffff_ffff_ffffn;
const BOOK_TYPES = [0, 2, 3, 4, 5, 2, 1, 6, 7];

export interface FeedRigOptions {
  seed: number;
  faults: LinkFaults;
  layout?: 'native' | 'book';
  books?: number;
  /** Messages that the retransmit service remembers. */
  history?: number;
  /** Orders a side and book that the flow tends to. */
  depth?: number;
}

/** Books that change at random, their feed, snapshot cycles and retransmit service. */
export class FeedRig {
  readonly books: ReferenceFeedBooks;
  readonly tickers: number[];
  readonly incremental: FaultyLink;
  readonly snapshot: FaultyLink;
  readonly requests: FaultyLink;
  readonly answers: FaultyLink;
  readonly layout: 'native' | 'book';
  session = 'SESSION  1';
  /** Sequence of the next message. */
  next = 1;
  /** Answer requests at all. */
  answering = true;
  readonly #prng: Prng;
  readonly #live: { book: number; update: Update }[] = [];
  readonly #depth: number;
  readonly #historyMax: number;
  #history: Uint8Array[] = [];
  #cycle: { session: string; messages: Uint8Array[] } = { session: '', messages: [] };
  #cycles = 0;
  #pending: Uint8Array[] = [];
  #nextOrder = 1n;

  constructor(options: FeedRigOptions) {
    this.#prng = new Prng(options.seed);
    this.layout = options.layout ?? 'native';
    const books = options.books ?? 3;
    this.books = new ReferenceFeedBooks(books);
    this.tickers = Array.from({ length: books }, (_, i) => 1 + i * 7);
    this.#depth = options.depth ?? 40;
    this.#historyMax = options.history ?? Infinity;
    const link = (): FaultyLink => new FaultyLink(this.#prng.fork(), options.faults);
    this.incremental = link();
    this.snapshot = link();
    this.requests = link();
    this.answers = link();
    this.requests.onSend = (datagram) => this.#answer(datagram);
  }

  /** The receiver's socket: its requests go one way, the answers come the other. */
  requestSocket(): DatagramSocket {
    const { answers, requests } = this;
    return {
      host: '127.0.0.1', port: 3, senderHost: '127.0.0.1', senderPort: 4, dropped: 0, truncated: 0,
      refused: 0,
      receive: (target, offset, max) => answers.receive(target, offset, max),
      send: () => false,
      sendTo: (source, offset, length) => requests.send(source, offset, length),
      close: () => answers.close(),
    };
  }

  /** Some random changes, sent in datagrams of random sizes. */
  step(changes: number): void {
    for (let i = 0; i < changes; i++) {
      this.#change();
      if (this.#prng.chance(0.15)) this.flush();
    }
    this.flush();
  }

  /** The same, and none of it arrives. */
  lose(changes: number): void {
    const { faults } = this.incremental;
    const { loss } = faults;
    faults.loss = 1;
    this.step(changes);
    faults.loss = loss;
  }

  /** All orders of a book leave at once. */
  clear(book: number): void {
    this.books.clear(book);
    for (let i = this.#live.length - 1; i >= 0; i--) {
      if (this.#live[i].book === book) this.#live.splice(i, 1);
    }
    this.#publish(book, { ...blank(6, NONE_64), ticker: this.tickers[book] });
    this.flush();
  }

  heartbeat(): void {
    if (this.layout === 'native') this.#sendMold(this.incremental, this.session, this.next, []);
  }

  endOfSession(): void {
    const datagram = moldHeader(this.session, this.next, 0xffff);
    this.incremental.send(datagram, 0, datagram.length);
  }

  /** The exchange starts again: empty books, numbers from 1. */
  restart(session: string): void {
    this.session = session;
    this.next = 1;
    this.#history = [];
    this.#live.length = 0;
    for (let book = 0; book < this.tickers.length; book++) this.books.clear(book);
  }

  flush(): void {
    const first = this.next - this.#pending.length;
    if (this.#pending.length > 0) {
      this.#sendMessages(this.incremental, this.session, first, this.#pending);
    }
    this.#pending = [];
  }

  /** One snapshot cycle of all books. */
  snapshotCycle(): void {
    this.flush();
    const last = BigInt(this.next - 1);
    const updates: Update[] = [blank(7, last)];
    for (let book = 0; book < this.tickers.length; book++) {
      updates.push({ ...blank(6, NONE_64), ticker: this.tickers[book] });
      for (const side of [1, -1]) {
        for (const order of this.books.side(book, side)) {
          updates.push({
            type: 5, ticker: this.tickers[book], order: order.orderId, side, price: BigInt(
              order.price,
            ), qty: order.qty,
            priority: order.priority,
          });
        }
      }
    }
    updates.push(blank(8, last));
    const session = `CYCLE${String(++this.#cycles).padStart(5)}`;
    const first = this.layout === 'native' ? 1 : 0;
    const messages = updates.map((update, i) => this.#encode(update, first + i));
    this.#cycle = { session, messages };
    for (let i = 0; i < messages.length; ) {
      const size = 1 + this.#prng.below(40);
      this.#sendMessages(this.snapshot, session, first + i, messages.slice(i, i + size));
      i += size;
    }
  }

  #change(): void {
    const prng = this.#prng;
    const roll = prng.below(100);
    const roomy = this.#live.length < this.#depth * 2 * this.tickers.length;
    if (this.#live.length === 0 || (roll < 50 && roomy)) {
      const book = prng.below(this.tickers.length);
      const side = prng.chance(0.5) ? 1 : -1;
      const order = this.#nextOrder++;
      const price = BigInt(side > 0 ? prng.between(-50, 99) : prng.between(100, 250));
      const update = {
        type: 1, ticker: this.tickers[book], order, side, price, qty: prng.between(1, 1000),
        priority: order,
      };
      this.#live.push({ book, update });
      return this.#publish(book, update);
    }
    if (roll < 60) {
      const book = prng.below(this.tickers.length);
      const trade = {
        ...blank(4, NONE_64), ticker: this.tickers[book], side: 1, price: 100n,
        qty: prng.between(1, 9),
      };
      return this.#publish(book, trade);
    }
    const at = prng.below(this.#live.length);
    const { book, update } = this.#live[at];
    if (roll < 80 && update.qty > 1) {
      const modified = { ...update, type: 2, qty: prng.between(1, update.qty - 1) };
      this.#live[at].update = modified;
      return this.#publish(book, modified);
    }
    this.#live[at] = this.#live[this.#live.length - 1];
    this.#live.length--;
    return this.#publish(book, { ...update, type: 3 });
  }

  #publish(book: number, update: Update): void {
    const [lo, hi] = halves(update.order);
    const [priorityLo, priorityHi] = halves(update.priority);
    const price = Number(update.price);
    if (update.type === 1) {
      this.books.add(book, update.side, price, update.qty, lo, hi, priorityLo, priorityHi);
    }
    if (update.type === 2) this.books.modify(book, lo, hi, update.qty);
    if (update.type === 3) this.books.cancel(book, lo, hi);
    const message = this.#encode(update, this.next++);
    this.#pending.push(message);
    this.#history.push(message);
    if (this.#pending.length === (this.layout === 'native' ? 40 : 34)) this.flush();
  }

  #encode(update: Update, sequence: number): Uint8Array {
    const native = this.layout === 'native';
    const bytes = new Uint8Array(native ? 34 : 42);
    const view = new DataView(bytes.buffer);
    const [type, ticker, order, side, price, qty, priority] = native ? [0, 1, 5, 13, 14, 22, 26] : [
      8, 17, 9, 21, 22, 30, 34,
    ];
    if (!native) view.setBigUint64(0, BigInt(sequence), true);
    view.setUint8(type, native ? update.type : BOOK_TYPES[update.type]);
    view.setUint32(ticker, update.ticker, true);
    view.setBigUint64(order, update.order, true);
    view.setInt8(side, update.side);
    view.setBigInt64(price, update.price, true);
    view.setUint32(qty, update.qty, true);
    view.setBigUint64(priority, update.priority, true);
    return bytes;
  }

  #sendMessages(link: FaultyLink, session: string, first: number, messages: Uint8Array[]): void {
    if (this.layout === 'native') return this.#sendMold(link, session, first, messages);
    for (let i = 0; i < messages.length; i += 34) {
      const datagram = Buffer.concat(messages.slice(i, i + 34));
      link.send(datagram, 0, datagram.length);
    }
  }

  #sendMold(link: FaultyLink, session: string, first: number, messages: Uint8Array[]): void {
    const parts: Uint8Array[] = [moldHeader(session, first, messages.length)];
    for (const message of messages) parts.push(Uint8Array.of(0, message.length), message);
    const datagram = Buffer.concat(parts);
    link.send(datagram, 0, datagram.length);
  }

  /** As many of the messages asked for as fit into one datagram. */
  #answer(request: Uint8Array): void {
    if (!this.answering || request.length !== 20) return;
    const view = new DataView(request.buffer, request.byteOffset);
    const session = Buffer.from(request.subarray(0, 10)).toString('latin1');
    const first = Number(view.getBigUint64(10, false));
    const wanted = view.getUint16(18, false);
    const cycle = session === this.#cycle.session ? this.#cycle.messages : [];
    const messages = session === this.session ? this.#history : cycle;
    const oldest = session === this.session ? Math.max(1, this.next - this.#historyMax) : 1;
    if (first < oldest) return;
    const fit = Math.min(wanted, Math.floor((DATAGRAM_BYTES_MAX - 20) / 36));
    const found = messages.slice(first - 1, first - 1 + fit);
    if (found.length > 0) this.#sendMold(this.answers, session, first, found);
  }
}

function moldHeader(session: string, sequence: number, count: number): Buffer {
  const header = Buffer.alloc(20);
  header.write(session.padEnd(10), 0, 'latin1');
  header.writeBigUInt64BE(BigInt(sequence), 10);
  header.writeUInt16BE(count, 18);
  return header;
}

function blank(type: number, order: bigint): Update {
  return {
    type, ticker: NONE_32, order, side: 0, price: PRICE_NONE, qty: NONE_32, priority: NONE_64,
  };
}

function halves(value: bigint): [number, number] {
  return [Number(value & 0xffff_ffffn), Number(value >> 32n)];
}
