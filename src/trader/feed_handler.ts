// Feed handler: the receiver's end of an exchange's market data, from datagrams to whole books.
//
//   incremental ─► in order? ──────────────yes─► apply ─► market view, trades
//                     │ no: queue, ask again        ▲
//   retransmit  ◄─────┴──────► answers ─────────────┤
//   snapshot    ───────────── start, clear, orders, end ─► then what is queued
//
// States, told to the listener and never skipped over:
//
//   joining ──► live ◄──► gap ──► recovering ──► loading ──► live
//                 └─► ended            ▲───────────┘ (cycle broken off)
//
// Only in `live` are the books what the exchange has published; `fresh` says so, and says no as
// soon as a hole is known, before anything behind it is looked at. A datagram is whole messages (it
// is never joined with the next), a duplicate is ignored, a hole is asked for first and bridged by
// a snapshot only when it is too large or stays open. A change of session or a numbering that
// starts again empties the books. Malformed bytes are counted and change nothing.
//
// Layouts: `native` has all of this. `book` has no request service, so every hole waits for a
// snapshot, and snapshots are taken in order or not at all. `bare` is not numbered: it is applied
// as it comes and never called fresh.
//
// Order: messages are applied in the order of their sequence. Cost: no allocation after the
// constructor. Limits: `queueDatagrams` kept out of order, BURST datagrams of a socket a poll.
import { assert } from '../base/assert.ts';
import {
  copySession, DATAGRAM_BYTES_MAX, SequencedStream, SESSION_BYTES, Verdict,
} from './sequenced_stream.ts';
import { MoldDatagram, MoldReader, sameMoldSession } from '../wire/framing/mold_udp64.ts';
import { MOLD_COUNT_END } from '../wire/generated/mold_udp64.ts';
import { FEED_LAYOUTS, UpdateKind } from './feed_layout.ts';
import type { RetransmitService } from './sequenced_stream.ts';
import type { FeedLayout } from './feed_layout.ts';
import type { DatagramSocket } from '../net/transport.ts';

export const FeedState = {
  Joining: 0, Live: 1, Gap: 2, Recovering: 3, Loading: 4, Ended: 5, Unsequenced: 6,
} as const;
export type FeedState = (typeof FeedState)[keyof typeof FeedState];

export const FEED_STATE_TEXT: Readonly<Record<FeedState, string>> = {
  0: 'joining', 1: 'live', 2: 'gap', 3: 'recovering', 4: 'loading snapshot', 5: 'ended',
  6: 'unsequenced',
};

/**
 * The books that the feed keeps, by dense index: MarketView's face. False: could not be applied.
 */
export interface FeedBooks {
  add(
    book: number, side: number, price: number, qty: number, orderLow: number, orderHigh: number,
    priorityLow: number, priorityHigh: number,
  ): boolean;
  /** The order's visible quantity is now `qty`; it keeps its place. */
  modify(book: number, orderLow: number, orderHigh: number, qty: number): boolean;
  cancel(book: number, orderLow: number, orderHigh: number): boolean;
  clear(book: number): boolean;
  /** Remembers the last trade. */
  trade(book: number, price: number, qty: number): boolean;
  /** Lets readers on other threads see the changes so far. */
  publish(): void;
}

/** Calls come from inside `poll`, after the books have been changed. */
export interface FeedListener {
  onUpdate(book: number, kind: number): void;
  /** `side` is the aggressor's. */
  onTrade(book: number, side: number, price: number, qty: number): void;
  onState(state: FeedState): void;
}

export interface FeedInstrument {
  readonly ticker: number;
  /** Wire price units in one tick. */
  readonly tickUnits?: number;
}

export interface FeedHandlerOptions {
  readonly layout?: FeedLayout['name'];
  readonly instruments: readonly FeedInstrument[];
  readonly incremental: DatagramSocket;
  readonly snapshot: DatagramSocket | null;
  readonly retransmit: RetransmitService | null;
  readonly queueDatagrams?: number;
  /** Larger holes are not asked for: a snapshot is cheaper. */
  readonly holeMessagesMax?: number;
  /** How long a hole may be mere reordering before it is asked for. */
  readonly requestDelayNs?: number;
  /**
   * Silence after which live books are no longer called fresh: three heartbeats of the exchange.
   */
  readonly silenceMaxNs?: number;
}

/**
 * 16,384 × 40 messages: a snapshot cycle's second at 650,000 messages/s. Its 24 MiB cost nothing
 * until they are needed.
 */
const QUEUE_DATAGRAMS_DEFAULT = 16_384;
/** Of a snapshot cycle: what may come behind a lost piece before that has been had again. */
const CYCLE_DATAGRAMS_MAX = 2_048;
const HOLE_MESSAGES_MAX_DEFAULT = 4096;
const REQUEST_DELAY_NS_DEFAULT = 100_000;
const SILENCE_MAX_NS_DEFAULT = 3_000_000_000;
/** Only old numbers for this long, and rising ones, mean that the numbering has begun again. */
const RESTART_AFTER_NS = 2_000_000_000;
/** Datagrams of an unknown session in a row that make it the session: one could be a stray. */
const SESSION_SWITCH_DATAGRAMS = 2;
/** Datagrams read from one socket in one poll. */
const BURST = 256;

const TWO_32 = 0x1_0000_0000;

export class FeedHandler {
  readonly name = 'feed_rx';
  readonly layout: FeedLayout;
  /** Datagrams received, on all three sockets. */
  datagrams = 0;
  /** Messages applied to the books or told as trades, snapshots not counted. */
  applied = 0;
  /** Times the books were found to be behind. */
  gaps = 0;
  /** Messages that answers to requests brought. */
  recovered = 0;
  /** Snapshot cycles that brought the books back. */
  snapshots = 0;
  /** Sessions or numberings that began anew. */
  restarts = 0;
  /** Datagrams that are not of the layout, and messages of a wrong size or kind. */
  malformed = 0;
  /** Datagrams of other sessions. */
  foreign = 0;
  /** Messages for instruments that nobody asked for. */
  ignored = 0;
  /** Messages that the books refused; each makes the books be loaded again. */
  unapplied = 0;

  readonly #books: FeedBooks;
  readonly #listener: FeedListener;
  readonly #incremental: DatagramSocket;
  readonly #snapshot: DatagramSocket | null;
  readonly #retransmit: DatagramSocket | null;
  readonly #feed: SequencedStream;
  readonly #cycle: SequencedStream;
  readonly #bookOf = new Map<number, number>();
  readonly #tickUnits: Float64Array;
  readonly #holeMax: number;
  readonly #silenceMaxNs: number;
  #state: FeedState;
  #nowNs = 0;
  #lastReceivedNs = 0;
  #silent = false;

  /** The session is known (layouts with one), or a numbered message has been seen. */
  #heard = false;
  /** Sequence after the last message of a session that has ended, or −1. */
  #endedAt = -1;
  readonly #candidate = new DataView(new ArrayBuffer(SESSION_BYTES));
  #candidateCount = 0;
  readonly #previous = new DataView(new ArrayBuffer(SESSION_BYTES));
  #oldSinceNs = -1;
  #oldEnd = 0;

  /** The books stand at message `#feed.next − 1`. */
  #valid = true;
  /** A cycle is being followed, and it is not one to skip. */
  #cycleOpen = false;
  #cycleSkipped = false;
  /** Feed sequence that the cycle being loaded stands for. */
  #cycleLast = 0;
  /** Where the feed stood when a cycle that was not needed began. */
  #nextAtStart = -1;

  readonly #reader = new MoldReader();
  // The datagram being looked at.
  #first = 0;
  #count = 0;

  constructor(books: FeedBooks, listener: FeedListener, options: FeedHandlerOptions) {
    this.layout = FEED_LAYOUTS[options.layout ?? 'native'];
    this.#books = books;
    this.#listener = listener;
    this.#incremental = options.incremental;
    this.#snapshot = options.snapshot;
    const service = this.layout.name === 'native' ? options.retransmit : null;
    this.#retransmit = service === null ? null : service.socket;
    const queued = options.queueDatagrams ?? QUEUE_DATAGRAMS_DEFAULT;
    const delayNs = options.requestDelayNs ?? REQUEST_DELAY_NS_DEFAULT;
    this.#feed = new SequencedStream(queued, this.layout.firstSequence, service, delayNs);
    this.#cycle = new SequencedStream(
      Math.min(queued, CYCLE_DATAGRAMS_MAX), this.layout.firstCycleSequence, service, delayNs,
    );
    this.#holeMax = options.holeMessagesMax ?? HOLE_MESSAGES_MAX_DEFAULT;
    this.#silenceMaxNs = options.silenceMaxNs ?? SILENCE_MAX_NS_DEFAULT;
    this.#tickUnits = new Float64Array(options.instruments.length);
    for (let i = 0; i < options.instruments.length; i++) {
      const instrument = options.instruments[i];
      if (this.#bookOf.has(instrument.ticker)) {
        throw new RangeError(`ticker ${instrument.ticker} was given twice`);
      }
      this.#bookOf.set(instrument.ticker, i);
      this.#tickUnits[i] = instrument.tickUnits ?? 1;
    }
    this.#state = this.layout.name === 'bare' ? FeedState.Unsequenced : FeedState.Joining;
  }

  get state(): FeedState {
    return this.#state;
  }

  /** Nothing has come for longer than a feed is silent by itself. */
  get silent(): boolean {
    return this.#silent;
  }

  /** The books are what the exchange last published, and it is heard. */
  get fresh(): boolean {
    return this.#state === FeedState.Live && !this.#silent;
  }

  /** Sequence of the next message to apply. */
  get nextSequence(): number {
    return this.#feed.next;
  }

  /** Messages known to exist and not applied. */
  get behind(): number {
    return this.#feed.behind;
  }

  get queuedDatagrams(): number {
    return this.#feed.queue.length;
  }

  get duplicates(): number {
    return this.#feed.duplicates;
  }

  /** Messages asked for again. */
  get requested(): number {
    return this.#feed.requested + this.#cycle.requested;
  }

  /** Datagrams lost here: by the socket, or because the queue was full. */
  get dropped(): number {
    return this.#feed.dropped + this.#cycle.dropped + this.#incremental.dropped;
  }

  /** Silence counts from here. */
  start(nowNs: number): void {
    this.#lastReceivedNs = nowNs;
  }

  /**
   * One turn: takes what has come on the three sockets and asks for what is missing. Returns the
   * datagrams taken.
   */
  poll(nowNs: number): number {
    this.#nowNs = nowNs;
    let work = 0;
    if (this.#retransmit !== null) work += this.#pollAnswers(this.#retransmit);
    work += this.#pollIncremental();
    if (this.#snapshot !== null) work += this.#pollSnapshot(this.#snapshot);
    this.#silent = nowNs - this.#lastReceivedNs > this.#silenceMaxNs;
    if (this.#valid && this.#feed.hole <= this.#holeMax) this.#feed.ask(nowNs);
    if (this.#cycleOpen && this.#wantsSnapshot()) this.#cycle.ask(nowNs);
    this.#settle();
    if (work > 0) this.#books.publish();
    return work;
  }

  /** When it has something to do though nothing comes: to call the feed silent, or to ask for what is missing. */
  dueNs(): number {
    let due = this.#silent ? Infinity : this.#lastReceivedNs + this.#silenceMaxNs + 1;
    if (this.#valid && this.#feed.hole <= this.#holeMax) due = Math.min(due, this.#feed.dueNs);
    if (this.#cycleOpen && this.#wantsSnapshot()) due = Math.min(due, this.#cycle.dueNs);
    return due;
  }

  /** O(n), for tests. */
  checkInvariants(): void {
    this.#feed.queue.checkInvariants();
    this.#cycle.queue.checkInvariants();
    assert(this.#feed.next <= this.#feed.end, 'nothing is applied that is not known to exist');
    assert(
      this.#state !== FeedState.Live || (this.#valid && this.#feed.behind === 0),
      'live books are whole',
    );
    assert(this.#state !== FeedState.Loading || !this.#valid, 'books being loaded are not valid');
  }

  // ── sockets ────────────────────────────────────────────────────────────────────────────────

  #pollIncremental(): number {
    const queue = this.#feed.queue;
    let taken = 0;
    while (taken < BURST) {
      const at = queue.receiveSlot * DATAGRAM_BYTES_MAX;
      const length = this.#incremental.receive(queue.bytes, at, DATAGRAM_BYTES_MAX);
      if (length <= 0) break;
      taken++;
      this.#lastReceivedNs = this.#nowNs;
      this.#onIncremental(at, length);
    }
    this.datagrams += taken;
    return taken;
  }

  #pollSnapshot(socket: DatagramSocket): number {
    const queue = this.#cycle.queue;
    let taken = 0;
    while (taken < BURST) {
      const at = queue.receiveSlot * DATAGRAM_BYTES_MAX;
      const length = socket.receive(queue.bytes, at, DATAGRAM_BYTES_MAX);
      if (length <= 0) break;
      taken++;
      if (this.#wantsSnapshot()) this.#onSnapshot(at, length);
      else this.#overhear(at, length);
    }
    this.datagrams += taken;
    return taken;
  }

  /**
   * Answers of the retransmit service, for the feed or for the snapshot cycle: the session tells.
   */
  #pollAnswers(socket: DatagramSocket): number {
    const { bytes, view } = this.#feed.queue;
    let taken = 0;
    while (taken < BURST) {
      const at = this.#feed.queue.receiveSlot * DATAGRAM_BYTES_MAX;
      const length = socket.receive(bytes, at, DATAGRAM_BYTES_MAX);
      if (length <= 0) break;
      taken++;
      if (!this.#parse(view, at, length)) {
        this.malformed++;
      } else if (this.#heard && this.#feed.isSession(view, at)) {
        const next = this.#feed.next;
        this.#sequenced(at);
        this.#feed.answered(this.#count, this.#nowNs);
        if (this.#feed.next > next) this.recovered += Math.min(this.#count, this.#feed.next - next);
      } else if (this.#cycleOpen && this.#wantsSnapshot() && this.#cycle.isSession(view, at)) {
        this.#moveToCycle(at, length);
        this.#cycleSequenced(this.#cycle.queue.receiveSlot * DATAGRAM_BYTES_MAX);
        this.#cycle.answered(this.#count, this.#nowNs);
      } else {
        this.foreign++;
      }
    }
    this.datagrams += taken;
    return taken;
  }

  // ── incremental feed ───────────────────────────────────────────────────────────────────────

  #onIncremental(at: number, length: number): void {
    const view = this.#feed.queue.view;
    if (!this.#parse(view, at, length)) {
      this.malformed++;
      return;
    }
    if (this.layout.name === 'bare') {
      this.#apply(view, at);
      return;
    }
    if (this.layout.headerBytes > 0 && !this.#isOurSession(at)) return;
    this.#heard = true;
    this.#sequenced(at);
    this.#watchNumbering();
  }

  /**
   * Messages #first … #first + #count − 1 stand in the receive slot at `at`: applies, queues or
   * drops them.
   */
  #sequenced(at: number): void {
    const feed = this.#feed;
    if (this.#count === 0) {
      feed.exists(this.#first);
    } else if (this.#count === MOLD_COUNT_END) {
      feed.exists(this.#first);
      this.#endedAt = Math.max(this.#first, feed.next);
    } else if (feed.offer(this.#first, this.#count, !this.#valid) === Verdict.Next) {
      this.#applyFrom(feed.queue.view, at, this.#first, this.#count);
      this.#drain();
    }
    this.#settle();
  }

  /** Applies queued datagrams as far as they join up. */
  #drain(): void {
    const feed = this.#feed;
    const queue = feed.queue;
    while (this.#valid && queue.length > 0 && queue.firstAt(0) <= feed.next) {
      const first = queue.firstAt(0);
      const count = queue.headCount;
      const at = queue.headSlot * DATAGRAM_BYTES_MAX;
      if (first + count > feed.next) this.#applyFrom(queue.view, at, first, count);
      queue.dropHead();
    }
  }

  /**
   * Applies the messages of a datagram that are not yet applied; stops where the books refuse one.
   */
  #applyFrom(view: DataView, datagram: number, first: number, count: number): void {
    const feed = this.#feed;
    const prefix = this.layout.prefixBytes;
    const size = this.layout.updateBytes;
    let at = datagram + this.layout.headerBytes;
    for (let sequence = first; sequence < first + count; sequence++) {
      const length = prefix > 0 ? view.getUint16(at, false) : size;
      at += prefix;
      if (sequence >= feed.next) {
        if (length !== size) this.malformed++;
        else this.#apply(view, at);
        if (!this.#valid) return;
        feed.next = sequence + 1;
      }
      at += length;
    }
  }

  #apply(view: DataView, at: number): void {
    const kind = this.layout.kinds[view.getUint8(at + this.layout.type)];
    if (kind === UpdateKind.Unknown) {
      this.malformed++;
      return;
    }
    const book = this.#bookOf.get(view.getUint32(at + this.layout.ticker, true));
    if (book === undefined) {
      this.ignored++;
      return;
    }
    this.applied++;
    if (kind === UpdateKind.Trade) this.#trade(view, at, book);
    else if (this.#change(view, at, kind, book)) this.#listener.onUpdate(book, kind);
    else this.#refused();
  }

  #trade(view: DataView, at: number, book: number): void {
    const price = this.#ticks(view, at, book);
    const qty = view.getUint32(at + this.layout.qty, true);
    if ((price | 0) !== price || !this.#books.trade(book, price, qty)) return this.#refused();
    this.#listener.onTrade(book, view.getInt8(at + this.layout.side), price, qty);
  }

  /** One message into its book. */
  #change(view: DataView, at: number, kind: number, book: number): boolean {
    const layout = this.layout;
    const orderLow = view.getUint32(at + layout.order, true);
    const orderHigh = view.getUint32(at + layout.order + 4, true);
    switch (kind) {
      case UpdateKind.Cancel:
        return this.#books.cancel(book, orderLow, orderHigh);
      case UpdateKind.Clear:
        return this.#books.clear(book);
      case UpdateKind.Modify:
        return this.#books.modify(book, orderLow, orderHigh, view.getUint32(at + layout.qty, true));
      case UpdateKind.Add:
      case UpdateKind.Snapshot: {
        const price = this.#ticks(view, at, book);
        if ((price | 0) !== price) return false;
        return this.#books.add(
          book, view.getInt8(at + layout.side), price, view.getUint32(
            at + layout.qty, true,
          ), orderLow, orderHigh,
          view.getUint32(at + layout.priority, true), view.getUint32(
            at + layout.priority + 4, true,
          ),
        );
      }
      default:
        return true;
    }
  }

  /** Wire price of a message in ticks; not an integer when it is off the grid. */
  #ticks(view: DataView, at: number, book: number): number {
    const price = at + this.layout.price;
    const units = view.getInt32(price + 4, true) * TWO_32 + view.getUint32(price, true);
    return units / this.#tickUnits[book];
  }

  /** The books and the exchange's differ: only a snapshot helps. */
  #refused(): void {
    this.unapplied++;
    if (this.layout.name !== 'bare') this.#valid = false;
  }

  // ── sessions ───────────────────────────────────────────────────────────────────────────────

  #isOurSession(at: number): boolean {
    const feed = this.#feed;
    const view = feed.queue.view;
    if (!this.#heard) {
      // The books may stand at a snapshot already: only the name is new.
      feed.nameSession(view, at);
      return true;
    }
    if (feed.isSession(view, at)) {
      this.#candidateCount = 0;
      return true;
    }
    this.foreign++;
    if (sameMoldSession(this.#previous, 0, view, at)) return false;
    if (!sameMoldSession(this.#candidate, 0, view, at)) {
      copySession(view, at, this.#candidate);
      this.#candidateCount = 0;
    }
    if (++this.#candidateCount < SESSION_SWITCH_DATAGRAMS) return false;
    copySession(feed.session, 0, this.#previous);
    this.#restart(at);
    return true;
  }

  /** Old numbers only, rising, for a while: the exchange counts from the beginning again. */
  #watchNumbering(): void {
    const end = this.#first + (this.#count === MOLD_COUNT_END ? 0 : this.#count);
    if (end >= this.#feed.next) {
      this.#oldSinceNs = -1;
      return;
    }
    if (this.#oldSinceNs < 0) {
      this.#oldSinceNs = this.#nowNs;
      this.#oldEnd = end;
    } else if (this.#nowNs - this.#oldSinceNs > RESTART_AFTER_NS && end > this.#oldEnd) {
      const at = this.#feed.queue.receiveSlot * DATAGRAM_BYTES_MAX;
      this.#restart(at);
      this.#feed.exists(end);
      this.#settle();
    }
  }

  /** Empties the books and begins at the first message of the session named at `at`. */
  #restart(at: number): void {
    this.restarts++;
    this.#feed.restart(this.#feed.queue.view, at, this.layout.firstSequence);
    this.#candidateCount = 0;
    this.#oldSinceNs = -1;
    this.#endedAt = -1;
    this.#cycleOpen = false;
    this.#clearBooks();
    this.#valid = true;
    if (this.#state === FeedState.Loading) this.#setState(FeedState.Recovering);
  }

  // ── snapshots ──────────────────────────────────────────────────────────────────────────────

  #wantsSnapshot(): boolean {
    const state = this.#state;
    if (state === FeedState.Recovering || state === FeedState.Loading) return true;
    return state === FeedState.Joining;
  }

  #onSnapshot(at: number, length: number): void {
    const cycle = this.#cycle;
    if (!this.#parse(cycle.queue.view, at, length)) {
      this.malformed++;
      return;
    }
    if (this.#isOtherCycle(cycle.queue.view, at)) this.#openCycle(at);
    this.#cycleSequenced(at);
  }

  /**
   * A cycle that is not needed. Where the feed has no heartbeats its start alone tells that the
   * last messages of the feed were lost: when nothing has come since the last start and there is
   * more than we know.
   */
  #overhear(at: number, length: number): void {
    this.#cycleOpen = false;
    if (this.layout.name !== 'book') return;
    const view = this.#cycle.queue.view;
    if (!this.#parse(view, at, length) || this.#first !== this.layout.firstCycleSequence) return;
    const feed = this.#feed;
    if (feed.next === this.#nextAtStart) feed.exists(this.#orderField(view, at) + 1);
    this.#nextAtStart = feed.next;
  }

  /** Follows another cycle from its first message; what was loaded of the last one is void. */
  #openCycle(at: number): void {
    this.#cycle.restart(this.#cycle.queue.view, at, this.layout.firstCycleSequence);
    this.#cycleOpen = true;
    this.#cycleSkipped = false;
    this.#cycleLast = -1;
    if (this.#state === FeedState.Loading) this.#setState(FeedState.Recovering);
  }

  /**
   * Cycles differ by their session. Without sessions one begins with its first number; a start that
   * stands for the same sequence as the cycle being followed is that one's, come twice.
   */
  #isOtherCycle(view: DataView, at: number): boolean {
    if (!this.#cycleOpen) return true;
    if (this.layout.headerBytes > 0) return !this.#cycle.isSession(view, at);
    if (this.#first !== this.layout.firstCycleSequence) return false;
    return this.#cycleSkipped || this.#orderField(view, at) !== this.#cycleLast;
  }

  /** The order field of the update at `at` as a number: what starts and ends of cycles carry. */
  #orderField(view: DataView, at: number): number {
    const order = at + this.layout.order;
    return view.getUint32(order + 4, true) * TWO_32 + view.getUint32(order, true);
  }

  #cycleSequenced(at: number): void {
    const cycle = this.#cycle;
    if (this.#cycleSkipped) return;
    if (this.#count === 0 || this.#count === MOLD_COUNT_END) {
      cycle.exists(this.#first);
      return;
    }
    if (this.layout.headerBytes === 0 && this.#isAmbiguous()) return this.#skipCycle();
    if (cycle.offer(this.#first, this.#count, false) !== Verdict.Next) return;
    this.#loadFrom(cycle.queue.view, at, this.#first, this.#count);
    const queue = cycle.queue;
    while (this.#following && queue.length > 0 && queue.firstAt(0) <= cycle.next) {
      const first = queue.firstAt(0);
      const count = queue.headCount;
      const slot = queue.headSlot * DATAGRAM_BYTES_MAX;
      if (first + count > cycle.next) this.#loadFrom(queue.view, slot, first, count);
      if (queue.length > 0) queue.dropHead();
    }
  }

  /** A cycle is being read, and it is of use. */
  get #following(): boolean {
    return this.#cycleOpen && !this.#cycleSkipped;
  }

  /**
   * Without sessions a number says nothing about the cycle it belongs to: a piece that does not
   * follow the last one could be the next cycle's, and a book made of two cycles is wrong. So such
   * cycles are taken in order or not at all; what a lost start lets slip in, the end contradicts.
   */
  #isAmbiguous(): boolean {
    const { next } = this.#cycle;
    return this.#first > next || (this.#first < next && this.#first + this.#count > next);
  }

  #skipCycle(): void {
    this.#cycleSkipped = true;
    if (this.#state === FeedState.Loading) this.#setState(FeedState.Recovering);
  }

  #loadFrom(view: DataView, datagram: number, first: number, count: number): void {
    const cycle = this.#cycle;
    const prefix = this.layout.prefixBytes;
    const size = this.layout.updateBytes;
    let at = datagram + this.layout.headerBytes;
    for (let sequence = first; sequence < first + count; sequence++) {
      const length = prefix > 0 ? view.getUint16(at, false) : size;
      at += prefix;
      if (sequence >= cycle.next) {
        cycle.next = sequence + 1;
        if (length !== size || !this.#load(view, at)) {
          this.malformed++;
          return this.#skipCycle();
        }
        if (!this.#following) return;
      }
      at += length;
    }
  }

  /** One message of a cycle. False: the cycle is unusable. */
  #load(view: DataView, at: number): boolean {
    const kind = this.layout.kinds[view.getUint8(at + this.layout.type)];
    if (kind === UpdateKind.SnapshotStart) return this.#loadStart(this.#orderField(view, at));
    if (this.#state !== FeedState.Loading) return false;
    if (kind === UpdateKind.SnapshotEnd) return this.#loadEnd(this.#orderField(view, at));
    if (kind === UpdateKind.State) return true;
    const adds = kind === UpdateKind.Add || kind === UpdateKind.Snapshot;
    if (!adds && kind !== UpdateKind.Clear) return false;
    const book = this.#bookOf.get(view.getUint32(at + this.layout.ticker, true));
    if (book === undefined) {
      this.ignored++;
      return true;
    }
    return this.#change(view, at, kind, book);
  }

  #loadStart(last: number): boolean {
    if (!Number.isSafeInteger(last) || this.#state === FeedState.Loading) return false;
    this.#cycleLast = last;
    if (this.#valid && last + 1 < this.#feed.next) {
      // Older than what the books have: the next cycle will not be.
      this.#cycleSkipped = true;
      return true;
    }
    this.#valid = false;
    this.#setState(FeedState.Loading);
    this.#clearBooks();
    return true;
  }

  #loadEnd(last: number): boolean {
    if (last !== this.#cycleLast) return false;
    this.snapshots++;
    this.#cycleOpen = false;
    this.#cycle.queue.clear();
    this.#valid = true;
    if (this.layout.headerBytes === 0) this.#heard = true;
    this.#feed.continueAt(last + 1, this.#holeMax);
    this.#drain();
    this.#setState(FeedState.Recovering);
    this.#settle();
    return true;
  }

  #clearBooks(): void {
    for (let book = 0; book < this.#tickUnits.length; book++) {
      this.#books.clear(book);
      this.#listener.onUpdate(book, UpdateKind.Clear);
    }
  }

  #moveToCycle(at: number, length: number): void {
    const from = this.#feed.queue.bytes;
    const to = this.#cycle.queue.bytes;
    const target = this.#cycle.queue.receiveSlot * DATAGRAM_BYTES_MAX;
    for (let i = 0; i < length; i++) to[target + i] = from[at + i];
  }

  // ── state ──────────────────────────────────────────────────────────────────────────────────

  /** Says what the books are worth now. Loading ends only by its end or by another cycle. */
  #settle(): void {
    const feed = this.#feed;
    if (this.#state === FeedState.Unsequenced || this.#state === FeedState.Loading) return;
    if (!this.#heard) return;
    if (!this.#valid) this.#setState(FeedState.Recovering);
    else if (feed.behind === 0 && this.#endedAt === feed.next) this.#setState(FeedState.Ended);
    else if (feed.behind === 0) this.#setState(FeedState.Live);
    else if (feed.hole <= this.#holeMax && !feed.exhausted) this.#setState(FeedState.Gap);
    else this.#setState(FeedState.Recovering);
  }

  #setState(state: FeedState): void {
    if (state === this.#state) return;
    if (this.#state === FeedState.Live && state !== FeedState.Ended) this.gaps++;
    this.#state = state;
    this.#listener.onState(state);
  }

  // ── layout ─────────────────────────────────────────────────────────────────────────────────

  /** Checks a datagram's shape whole before anything of it is believed; sets #first and #count. */
  #parse(view: DataView, at: number, length: number): boolean {
    const name = this.layout.name;
    if (name === 'native') return this.#parseMold(view, at, length);
    if (name === 'book') return this.#parseBook(view, at, length);
    return length === this.layout.updateBytes;
  }

  #parseMold(view: DataView, at: number, length: number): boolean {
    const reader = this.#reader;
    const kind = reader.open(view, at, length);
    this.#first = reader.sequence;
    this.#count = kind === MoldDatagram.EndOfSession ? MOLD_COUNT_END : reader.count;
    return kind !== MoldDatagram.Malformed && this.#first >= this.layout.firstSequence;
  }

  #parseBook(view: DataView, at: number, length: number): boolean {
    const size = this.layout.updateBytes;
    if (length === 0 || length % size !== 0) return false;
    const first = view.getUint32(at + 4, true) * TWO_32 + view.getUint32(at, true);
    const count = length / size;
    if (!Number.isSafeInteger(first + count)) return false;
    for (let i = 1; i < count; i++) {
      const message = at + i * size;
      const sequence = view.getUint32(message + 4, true) * TWO_32 + view.getUint32(message, true);
      if (sequence !== first + i) return false;
    }
    this.#first = first;
    this.#count = count;
    return true;
  }
}
