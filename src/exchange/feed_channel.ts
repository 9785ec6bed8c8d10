// One numbered stream of market updates, packed into datagrams. Two of them make a feed: the
// incremental one and that of the snapshot cycles; they differ in who writes into them.
//
//   bytes:  │ burst: datagrams to send │ answer to a request │ window: ring of the last messages │
//
//   append ─► window ─► (a burst's worth, or flush) ─► headers, one or two block copies each ─► socket
//
//   layout   datagram                                       numbers    messages a datagram
//   native   MoldUDP64 header, then length and 34 bytes      from 1     40
//   book     42 bytes each, each with its number             1, 0 *     35        (* snapshots)
//   bare     34 bytes                                        none       1
//
// Full datagrams of one flush leave in one call where the socket can cut it up (sendSegments): the walk down the
// kernel's stack is most of what a datagram costs (1,400 bytes to loopback and back: 3.1 µs one by one, 1.5 with
// sendmmsg and recvmmsg, 0.5 cut up; C, on a busy machine). Without one, a datagram leaves when it is full.
//
// Whole messages only, below the MTU. What the socket has no room for waits in the window and goes
// out later; when the writer is more than a window ahead of the socket the oldest are given up and
// counted: receivers ask for them in vain and take a snapshot.
//
// Order: rising sequence. Cost: the stores of a message; a send per datagram. No allocation.
// Limits: sequences below 2^53; a window of a power of two messages.
import { assert } from '../base/assert.ts';
import { DATAGRAM_BYTES_MAX, SEGMENTS_MAX, type DatagramSocket } from '../net/transport.ts';
import {
  DATAGRAM_PAYLOAD_BYTES_MAX,
  MOLD_HEADER_BYTES,
  moldMessagesMax,
} from '../wire/framing/mold_udp64.ts';
import { BookUpdate, BookUpdateType } from '../wire/generated/book_feed.ts';
import {
  MOLD_COUNT_END,
  MOLD_COUNT_HEARTBEAT,
  MoldBlock,
  MoldHeader,
} from '../wire/generated/mold_udp64.ts';
import { MarketUpdate, UpdateType } from '../wire/generated/native.ts';
import { FeedLayout } from './config.ts';
import { Held } from './held.ts';

const TWO_32 = 0x1_0000_0000;
/** Regions begin at multiples of a cache line. */
const DATAGRAM_REGION_BYTES = 1_536;
/** Full datagrams sent in one call: some 600 messages; a send of 23 KB. */
const BURST_DATAGRAMS = 16;
const ANSWER_AT = BURST_DATAGRAMS * DATAGRAM_REGION_BYTES;
const WINDOW_AT = ANSWER_AT + DATAGRAM_REGION_BYTES;
assert(DATAGRAM_PAYLOAD_BYTES_MAX <= DATAGRAM_REGION_BYTES, 'a datagram fits its region');
assert(BURST_DATAGRAMS <= SEGMENTS_MAX && BURST_DATAGRAMS * DATAGRAM_PAYLOAD_BYTES_MAX <= DATAGRAM_BYTES_MAX, 'a burst fits one send');

/** Book's type numbers by native ones; 0: the layout has no such message. */
const BOOK_TYPE = new Uint8Array(UpdateType.State + 1);
BOOK_TYPE[UpdateType.Add] = BookUpdateType.Add;
BOOK_TYPE[UpdateType.Modify] = BookUpdateType.Modify;
BOOK_TYPE[UpdateType.Cancel] = BookUpdateType.Cancel;
BOOK_TYPE[UpdateType.Trade] = BookUpdateType.Trade;
BOOK_TYPE[UpdateType.Snapshot] = BookUpdateType.Add;
BOOK_TYPE[UpdateType.Clear] = BookUpdateType.Clear;
BOOK_TYPE[UpdateType.SnapshotStart] = BookUpdateType.SnapshotStart;
BOOK_TYPE[UpdateType.SnapshotEnd] = BookUpdateType.SnapshotEnd;

export class FeedChannel {
  readonly layout: FeedLayout;
  /** Messages that fit into a datagram. */
  readonly perDatagram: number;
  /** Number of the next message. */
  next = 1;
  /** Number of the next message to send. */
  sent = 1;
  datagrams = 0;
  /** Messages never sent because the socket was too far behind. */
  lost = 0;
  /** Nothing goes out, and counts as sent: a replay of what has been told before. */
  silent = false;
  /** Holds the answer that `writeAnswer` made, from `answerAt`. */
  readonly bytes: Uint8Array;
  readonly answerAt = ANSWER_AT;

  readonly #socket: DatagramSocket;
  readonly #view: DataView;
  readonly #recordBytes: number;
  readonly #headerBytes: number;
  readonly #prefixBytes: number;
  /** Messages at which a burst is full: what `append` waits for. */
  readonly #burst: number;
  readonly #window: number;
  readonly #mask: number;
  #first = 1;
  /** What may not be sent before the journal has it; null: there is no journal. */
  #held: Held | null = null;

  /** `window`: messages kept, a power of two. */
  constructor(layout: FeedLayout, socket: DatagramSocket, window: number) {
    assert(
      window >= 64 && (window & (window - 1)) === 0,
      'a window is a power of two, at least a datagram and more',
    );
    this.layout = layout;
    this.#socket = socket;
    this.#window = window;
    this.#mask = window - 1;
    const native = layout === FeedLayout.Native;
    this.#headerBytes = native ? MOLD_HEADER_BYTES : 0;
    this.#prefixBytes = native ? MoldBlock.bytes : 0;
    this.#recordBytes =
      layout === FeedLayout.Book ? BookUpdate.bytes : this.#prefixBytes + MarketUpdate.bytes;
    this.perDatagram = native
      ? moldMessagesMax(MarketUpdate.bytes)
      : layout === FeedLayout.Book
        ? Math.floor(DATAGRAM_PAYLOAD_BYTES_MAX / BookUpdate.bytes)
        : 1;
    assert(this.perDatagram <= window, 'a window holds a datagram');
    const bursts = socket.sendSegments !== undefined && 2 * this.perDatagram <= window;
    this.#burst = bursts ? Math.min(BURST_DATAGRAMS, Math.floor(window / this.perDatagram)) * this.perDatagram : this.perDatagram;
    this.bytes = new Uint8Array(WINDOW_AT + window * this.#recordBytes);
    this.#view = new DataView(this.bytes.buffer);
  }

  /** A new session, its first message `first`. What was not sent of the last one is lost. */
  begin(session: string, first: number): void {
    this.lost += this.next - this.sent;
    this.next = this.sent = this.#first = first;
    if (this.layout !== FeedLayout.Native) return;
    MoldHeader.setSession(this.#view, 0, session);
    MoldHeader.setSession(this.#view, ANSWER_AT, session);
  }

  /** Messages below may be sent. */
  get released(): number {
    return this.#held === null ? this.next : this.#held.below;
  }

  /** From now on messages wait for the journal; those before do not. */
  hold(): void {
    this.#held ??= new Held(this.next);
  }

  /** What is written now rests on the journal's records up to `last`; those up to `released` are safe. */
  holdUntil(last: number, released: number): void {
    if (this.#held === null) return;
    this.#held.note(this.next, last);
    this.#held.release(released);
  }

  /** False: so much is held back that the window could not keep it for much longer. */
  get hasRoom(): boolean {
    return this.next - this.released <= this.#window >>> 1;
  }

  /** The window's messages, for a snapshot: whole records from `first` on. */
  save(): { first: number; next: number; records: Uint8Array } {
    const first = this.#first;
    const records = new Uint8Array((this.next - first) * this.#recordBytes);
    for (let sequence = first; sequence < this.next; sequence++) {
      const from = this.#recordAt(sequence);
      const record = this.bytes.subarray(from, from + this.#recordBytes);
      records.set(record, (sequence - first) * this.#recordBytes);
    }
    return { first, next: this.next, records };
  }

  /** Makes the channel what another was; a RangeError when its window had other records. */
  restore(first: number, next: number, records: Uint8Array): void {
    if (records.length !== (next - first) * this.#recordBytes) {
      throw new RangeError(
        `feed window: expected ${(next - first) * this.#recordBytes} bytes, was ${records.length}`,
      );
    }
    this.#first = Math.max(first, next - this.#window);
    this.next = this.sent = next;
    for (let sequence = this.#first; sequence < next; sequence++) {
      const from = (sequence - first) * this.#recordBytes;
      const to = this.#recordAt(sequence);
      this.bytes.set(records.subarray(from, from + this.#recordBytes), to);
    }
  }

  /** True for messages that the layout has. */
  has(type: number): boolean {
    return this.layout !== FeedLayout.Book || BOOK_TYPE[type] !== 0;
  }

  /** Writes a message, numbers it, and sends a datagram when one is full. */
  append(
    type: number,
    ticker: number,
    orderLo: number,
    orderHi: number,
    side: number,
    priceLo: number,
    priceHi: number,
    qty: number,
    priorityLo: number,
    priorityHi: number,
  ): void {
    const sequence = this.next;
    if (sequence - this.sent >= this.#window && !this.#send()) {
      this.lost += this.perDatagram;
      this.sent += this.perDatagram;
    }
    const at = this.#recordAt(sequence);
    const view = this.#view;
    if (this.layout === FeedLayout.Book) {
      BookUpdate.encode(
        view,
        at,
        sequence >>> 0,
        (sequence / TWO_32) >>> 0,
        BOOK_TYPE[type],
        orderLo,
        orderHi,
        ticker,
        side,
        priceLo,
        priceHi,
        qty,
        priorityLo,
        priorityHi,
      );
    } else {
      if (this.#prefixBytes > 0) MoldBlock.setLength(view, at, MarketUpdate.bytes);
      MarketUpdate.encode(
        view,
        at + this.#prefixBytes,
        type,
        ticker,
        orderLo,
        orderHi,
        side,
        priceLo,
        priceHi,
        qty,
        priorityLo,
        priorityHi,
      );
    }
    this.next = sequence + 1;
    if (this.next - this.#first > this.#window) this.#first = this.next - this.#window;
    if (this.next - this.sent === this.#burst) this.#send();
  }

  /** Sends what waits, the last datagram as full as it is. Returns the datagrams sent. */
  flush(): number {
    const before = this.datagrams;
    while (this.sent < this.released && this.#send());
    return this.datagrams - before;
  }

  /**
   * Says which message comes next; for silence, and so that the loss of the last one is noticed.
   */
  heartbeat(): boolean {
    return this.#sendEmpty(MOLD_COUNT_HEARTBEAT);
  }

  /** Says that no message will come any more. */
  end(): boolean {
    return this.#sendEmpty(MOLD_COUNT_END);
  }

  /** True when a request names this session. */
  isSession(view: DataView, at: number): boolean {
    for (let i = 0; i < MoldHeader.width.session; i++) {
      if (view.getUint8(at + i) !== this.bytes[i]) return false;
    }
    return true;
  }

  /**
   * A datagram with messages from `sequence`, at most `count` and as many as fit, at `answerAt`.
   * Its bytes; 0: none is kept.
   */
  writeAnswer(sequence: number, count: number): number {
    // What has not been sent yet is not missing.
    if (sequence < this.#first || sequence >= this.sent) return 0;
    const messages = Math.min(count, this.perDatagram, this.sent - sequence);
    this.#header(ANSWER_AT, sequence, messages);
    return this.#copy(ANSWER_AT, sequence, messages);
  }

  /** One datagram; false when the socket has no room. */
  #send(): boolean {
    const messages = Math.min(this.perDatagram, this.released - this.sent);
    if (messages <= 0) return false;
    if (this.silent) {
      this.sent += messages;
      return true;
    }
    const full = Math.floor(Math.min(this.#burst, this.released - this.sent) / this.perDatagram);
    if (full > 1) return this.#sendBurst(full);
    if (this.#headerBytes > 0) this.#header(0, this.sent, messages);
    const length = this.#copy(0, this.sent, messages);
    if (!this.#socket.send(this.bytes, 0, length)) return false;
    this.sent += messages;
    this.datagrams++;
    return true;
  }

  /** Full datagrams, one behind the other, in one call; false when the socket has no room. */
  #sendBurst(datagrams: number): boolean {
    const messages = this.perDatagram;
    const bytes = this.#headerBytes + messages * this.#recordBytes;
    for (let i = 0, at = 0; i < datagrams; i++, at += bytes) {
      if (this.#headerBytes > 0) {
        if (i > 0) this.bytes.copyWithin(at, 0, MoldHeader.width.session);
        this.#header(at, this.sent + i * messages, messages);
      }
      this.#copy(at, this.sent + i * messages, messages);
    }
    if (this.#socket.sendSegments?.(this.bytes, 0, datagrams * bytes, bytes) !== true) return false;
    this.sent += datagrams * messages;
    this.datagrams += datagrams;
    return true;
  }

  #sendEmpty(count: number): boolean {
    if (this.layout !== FeedLayout.Native || this.sent !== this.next) return false;
    this.#header(0, this.next, count);
    if (!this.#socket.send(this.bytes, 0, MOLD_HEADER_BYTES)) return false;
    this.datagrams++;
    return true;
  }

  #header(at: number, sequence: number, count: number): void {
    MoldHeader.setSequence(this.#view, at, sequence >>> 0, (sequence / TWO_32) >>> 0);
    MoldHeader.setCount(this.#view, at, count);
  }

  /** Copies messages behind the header of the datagram at `at`. Returns the datagram's bytes. */
  #copy(at: number, sequence: number, messages: number): number {
    const record = this.#recordBytes;
    const body = at + this.#headerBytes;
    const place = sequence & this.#mask;
    const run = Math.min(messages, this.#window - place);
    const from = WINDOW_AT + place * record;
    this.bytes.copyWithin(body, from, from + run * record);
    if (run < messages)
      this.bytes.copyWithin(body + run * record, WINDOW_AT, WINDOW_AT + (messages - run) * record);
    return this.#headerBytes + messages * record;
  }

  #recordAt(sequence: number): number {
    return WINDOW_AT + (sequence & this.#mask) * this.#recordBytes;
  }
}
