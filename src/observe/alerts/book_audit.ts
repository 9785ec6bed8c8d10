// Audits the books that the monitor follows: every so often a second receiver joins the feed afresh, from the snapshots, and
// both are compared by their public hash at the same message of the feed. The exchange is not asked.
//
//   followed ──────●───────────●──●──► messages, one after the other, since the monitor began
//                  │           │  └─ T again: which books? (only where the hashes differed)
//                  │           └─ T: hash
//   fresh          └ joins: snapshot ─►●──●──► closed
//
// A receiver that had applied something else than what was said, or lost something without knowing, differs from one that
// has just begun: its book is wrong, whatever it shows. Two receivers are rarely at the same message at the same time, so
// a message T that neither has applied is agreed upon, and each one's hash is taken as it passes T; where the feed is quiet both
// stand at its end, and that serves as well. Hashes that differ are taken once more, book by book, to tell which.
//
// Cost: the feed twice for as long as an audit takes, some snapshot cycles; a hash walks all orders. Limits: one audit at
// a time; one that cannot be finished within AUDIT_MS_MAX is left, counted, and nothing is concluded from it.
import type { BookMismatch } from './rules.ts';

/** Several snapshot cycles of a large book. */
const AUDIT_MS_MAX = 60_000;
const TARGET_NONE = Number.POSITIVE_INFINITY;

/** A receiver of the feed and the books that it keeps. */
export interface AuditedFeed {
  /** Called behind each message that was applied to a book; `nextSequence` is that message's own then. */
  onMessage: () => void;
  readonly nextSequence: number;
  /** The books are what the feed has said up to a message. */
  readonly whole: boolean;
  /** … and that is its last. */
  readonly fresh: boolean;
  publicHash(): bigint;
  /** As if the other books were empty. */
  publicHashOf(book: number): bigint;
}

export interface FreshFeed extends AuditedFeed {
  /** Takes what has come. */
  poll(): void;
  close(): void;
}

export interface BookAuditOptions {
  readonly followed: AuditedFeed;
  /** Joins afresh: from the snapshots, with empty books. */
  readonly join: () => Promise<FreshFeed>;
  /** Of the books by index. */
  readonly instruments: readonly { readonly ticker: number; readonly symbol: string }[];
  /** Between two audits; 0: none. Asked each time, for it may change. */
  readonly intervalMs: () => number;
}

/** What a receiver had when it passed a message. */
interface Taken {
  readonly sequence: number;
  /** One of all books, or one a book. */
  readonly hashes: readonly bigint[];
}

export class BookAudit {
  /** Audits that came to an end. */
  audits = 0;
  /** Audits that did not: no snapshot came, the feed was being repaired, nobody could join. */
  incomplete = 0;
  /** Books that differed in the last audit that came to an end. */
  mismatches: readonly BookMismatch[] = [];
  readonly #options: BookAuditOptions;
  #fresh: FreshFeed | null = null;
  #joining = false;
  #closed = false;
  /** When this audit, or the pause before the next, began. */
  #sinceMs: number;
  #byBook = false;
  #target = TARGET_NONE;
  #followedTaken: Taken | null = null;
  #freshTaken: Taken | null = null;

  /** `nowMs` rises steadily, here and below. */
  constructor(options: BookAuditOptions, nowMs: number) {
    this.#options = options;
    this.#sinceMs = nowMs;
    const { followed } = options;
    followed.onMessage = () => {
      if (this.#passes(followed)) this.#followedTaken ??= this.#take(followed, followed.nextSequence);
    };
  }

  /** A turn, after the followed receiver's. */
  poll(nowMs: number): void {
    if (this.#fresh === null) {
      this.#beginWhenDue(nowMs);
      return;
    }
    this.#fresh.poll();
    if (nowMs - this.#sinceMs > AUDIT_MS_MAX) {
      this.incomplete++;
      this.#end(nowMs);
      return;
    }
    this.#meet(this.#options.followed, this.#fresh);
    if (this.#followedTaken !== null && this.#freshTaken !== null) this.#compare(this.#followedTaken, this.#freshTaken, nowMs);
  }

  close(): void {
    this.#closed = true;
    this.#options.followed.onMessage = () => {};
    this.#fresh?.close();
    this.#fresh = null;
  }

  #beginWhenDue(nowMs: number): void {
    const intervalMs = this.#options.intervalMs();
    if (intervalMs === 0 || this.#joining || this.#closed || nowMs - this.#sinceMs < intervalMs) return;
    this.#joining = true;
    this.#sinceMs = nowMs;
    this.#options.join().then((fresh) => this.#joined(fresh), () => {
      this.incomplete++;
    }).finally(() => {
      this.#joining = false;
    });
  }

  #joined(fresh: FreshFeed): void {
    if (this.#closed) {
      fresh.close();
      return;
    }
    this.#fresh = fresh;
    this.#byBook = false;
    this.#agreeAnew();
    fresh.onMessage = () => {
      if (this.#passes(fresh)) this.#freshTaken ??= this.#take(fresh, fresh.nextSequence);
    };
  }

  #end(nowMs: number): void {
    this.#fresh?.close();
    this.#fresh = null;
    this.#sinceMs = nowMs;
    this.#agreeAnew();
  }

  #agreeAnew(): void {
    this.#target = TARGET_NONE;
    this.#followedTaken = null;
    this.#freshTaken = null;
  }

  #passes(feed: AuditedFeed): boolean {
    return feed.nextSequence >= this.#target && feed.whole;
  }

  #take(feed: AuditedFeed, sequence: number): Taken {
    const hashes = this.#byBook ? this.#options.instruments.map((_, book) => feed.publicHashOf(book)) : [feed.publicHash()];
    return { sequence, hashes };
  }

  /** Both at the end of a quiet feed: now. Else at the first message that neither has applied. */
  #meet(followed: AuditedFeed, fresh: AuditedFeed): void {
    if (followed.fresh && fresh.fresh && followed.nextSequence === fresh.nextSequence) {
      this.#followedTaken = this.#take(followed, followed.nextSequence - 1);
      this.#freshTaken = this.#take(fresh, fresh.nextSequence - 1);
    } else if (this.#target === TARGET_NONE && followed.whole && fresh.whole) {
      this.#target = Math.max(followed.nextSequence, fresh.nextSequence);
    }
  }

  #compare(followed: Taken, fresh: Taken, nowMs: number): void {
    this.#agreeAnew();
    // One of them was repaired by a snapshot meanwhile and never passed the message.
    if (followed.sequence !== fresh.sequence) return;
    const differing = followed.hashes.flatMap((hash, book) => (hash === fresh.hashes[book] ? [] : [book]));
    if (differing.length > 0 && !this.#byBook) {
      this.#byBook = true;
      return;
    }
    this.audits++;
    this.mismatches = differing.map((book) => ({
      ticker: this.#options.instruments[book].ticker, symbol: this.#options.instruments[book].symbol,
      sequence: followed.sequence, followed: hashText(followed.hashes[book]), fresh: hashText(fresh.hashes[book]),
    }));
    this.#end(nowMs);
  }
}

function hashText(hash: bigint): string {
  return hash.toString(16).padStart(16, '0');
}
