// The exposure ledger of an engine whose strategies trade from several threads, in shared memory.
//
//   0        64 description             128            256
//   │ lock   │ magic, books, send times │ owner counter │ exposure_ledger.ts: totals, limits, books, send times │
//
// Every call takes the lock, does what the single thread's ledger does, and leaves. One lock, not one a book: the
// portfolio's sums bind all books together. Not compare-and-exchange on packed words: an order changes a
// quantity, an order count, two or three sums of 53 bits and the send times, and must change all or none; what
// could be packed into the 32 bits that JavaScript can exchange without a BigInt is not enough for one of them.
// Adding first and taking back when it was too much (the way without a lock) would show other threads an exposure
// above the limit, and refuse orders because of orders that are refused themselves.
//
// Order: calls of all threads happen one after the other, each whole. Readers do not take the lock: a snapshot is
// copied and kept if nobody was inside meanwhile (shared_lock.ts); only after READ_TRIES copies that writers
// overtook it goes inside once.
//
// A thread that dies inside leaves sums that cannot be trusted. The others find it within a second; from then on
// the ledger is broken for good: `tryReserve` and `tryAdjust` answer Killed, everything else does nothing, `read`
// answers false, and `brokenBy` says which owner it was. A thread that dies outside leaves its open orders counted,
// as they are still open. An assertion that fails inside counts as a death inside: what it found was wrong already.
//
// Cost: the lock is half of it. Nothing is allocated. Figures: `outcry bench queue`.
// Limits: those of exposure_ledger.ts; threads of one process.
import { assert } from '../base/assert.ts';
import { LOCK_HOLDER_NONE, LOCK_WORDS, PATIENCE_MS, SharedLock } from '../base/shared_lock.ts';
import { Reason } from '../book/types.ts';
import {
  initializeLedger, LEDGER_LIMITS_NONE, ledgerNumbers, ledgerStateNumbers, LedgerView, LocalLedger,
  type ExposureLedger, type LedgerLimits,
} from './exposure_ledger.ts';

const MAGIC = 0x5247444c; // "LDGR"
const DESCRIPTION_WORD = LOCK_WORDS;
const OWNERS_WORD = 2 * LOCK_WORDS;
const NUMBERS_AT = 256;
/** Copies of a snapshot that writers overtook before it takes the lock. */
const READ_TRIES = 16;

/** Bytes of a ledger; `sendTimes` is the highest rate limit it can keep, in orders a second. */
export function ledgerBytes(books: number, sendTimes: number): number {
  return NUMBERS_AT + ledgerNumbers(books, sendTimes) * 8;
}

/** Lays out an empty ledger at `offset` (a multiple of 64) of the buffer. Before any handle is made. */
export function initializeSharedLedger(
  buffer: SharedArrayBuffer, offset: number, moneyPerTick: ArrayLike<number>, sendTimes: number,
  limits: LedgerLimits = LEDGER_LIMITS_NONE,
): void {
  const books = moneyPerTick.length;
  const bytes = ledgerBytes(books, sendTimes);
  if (offset % 64 !== 0 || offset < 0) throw new RangeError(`offset was ${offset}, expected a multiple of 64`);
  if (offset + bytes > buffer.byteLength) {
    throw new RangeError(`the ledger needs ${bytes} bytes from ${offset} on, the buffer has ${buffer.byteLength}`);
  }
  const words = new Int32Array(buffer, offset, NUMBERS_AT / 4).fill(0);
  const numbers = new Float64Array(buffer, offset + NUMBERS_AT, ledgerNumbers(books, sendTimes));
  initializeLedger(numbers, moneyPerTick);
  new LocalLedger(numbers, books).setLimits(limits);
  words[DESCRIPTION_WORD + 1] = books;
  words[DESCRIPTION_WORD + 2] = sendTimes;
  Atomics.store(words, DESCRIPTION_WORD, MAGIC);
}

/** A handle: each thread makes its own. */
export class SharedLedger implements ExposureLedger {
  /** This handle's number, as `brokenBy` would say it. */
  readonly owner: number;
  readonly books: number;
  /** Snapshots that had to be copied again because a writer was inside. */
  readRetries = 0;
  readonly #lock: SharedLock;
  readonly #ledger: LocalLedger;
  readonly #shared: LedgerView; // not to be read without the lock, but for what is one word
  readonly #state: Float64Array;

  /** Attaches to the ledger that was laid out at `offset`. `patienceMs`: as in SharedLock. */
  constructor(buffer: SharedArrayBuffer, offset: number, patienceMs: number = PATIENCE_MS) {
    const words = new Int32Array(buffer, offset, NUMBERS_AT / 4);
    const magic = Atomics.load(words, DESCRIPTION_WORD);
    if (magic !== MAGIC) {
      throw new Error(`no ledger at offset ${offset}: its magic word was 0x${(magic >>> 0).toString(16)}, expected 0x${MAGIC.toString(16)}`);
    }
    this.books = words[DESCRIPTION_WORD + 1];
    this.owner = Atomics.add(words, OWNERS_WORD, 1) + 1;
    this.#lock = new SharedLock(words, 0, this.owner, patienceMs);
    const numbers = new Float64Array(buffer, offset + NUMBERS_AT, ledgerNumbers(this.books, words[DESCRIPTION_WORD + 2]));
    this.#ledger = new LocalLedger(numbers, this.books);
    this.#shared = this.#ledger.view;
    this.#state = numbers.subarray(0, ledgerStateNumbers(this.books));
  }

  tryReserve(book: number, side: number, qty: number, nowNs: number): Reason {
    if (!this.#lock.acquire()) return Reason.Killed;
    const reason = this.#ledger.tryReserve(book, side, qty, nowNs);
    this.#lock.release();
    return reason;
  }

  tryAdjust(book: number, side: number, deltaQty: number, nowNs: number): Reason {
    if (!this.#lock.acquire()) return Reason.Killed;
    const reason = this.#ledger.tryAdjust(book, side, deltaQty, nowNs);
    this.#lock.release();
    return reason;
  }

  reserve(book: number, side: number, qty: number): void {
    if (!this.#lock.acquire()) return;
    this.#ledger.reserve(book, side, qty);
    this.#lock.release();
  }

  adjust(book: number, side: number, deltaQty: number): void {
    if (!this.#lock.acquire()) return;
    this.#ledger.adjust(book, side, deltaQty);
    this.#lock.release();
  }

  release(book: number, side: number, qty: number): void {
    if (!this.#lock.acquire()) return;
    this.#ledger.release(book, side, qty);
    this.#lock.release();
  }

  filled(book: number, side: number, priceTicks: number, qty: number, reservedQty: number, fee: number = 0): void {
    if (!this.#lock.acquire()) return;
    this.#ledger.filled(book, side, priceTicks, qty, reservedQty, fee);
    this.#lock.release();
  }

  mark(book: number, mid2: number): void {
    // Most changes of a book leave its top alone: one load, and no lock.
    if (this.#shared.mark2(book) === mid2) return;
    if (!this.#lock.acquire()) return;
    this.#ledger.mark(book, mid2);
    this.#lock.release();
  }

  /** Checked whole first: throws a RangeError and changes nothing when one is bad. */
  setLimits(limits: LedgerLimits): void {
    if (!this.#lock.acquire()) return;
    try {
      this.#ledger.setLimits(limits);
    } finally {
      this.#lock.release();
    }
  }

  kill(): void {
    this.#ledger.kill();
    // Whoever is inside may have asked before: when it has left, everybody after it sees the flag.
    if (this.#lock.acquire()) this.#lock.release();
  }

  reset(): void {
    if (!this.#lock.acquire()) return;
    this.#ledger.reset();
    this.#lock.release();
  }

  get killed(): boolean {
    return this.#shared.killed || this.brokenBy !== LOCK_HOLDER_NONE;
  }

  get stopLossHit(): boolean {
    return this.#shared.stopLossHit;
  }

  /** The owner that died inside; LOCK_HOLDER_NONE while the ledger is whole. */
  get brokenBy(): number {
    return this.#lock.brokenBy;
  }

  /** What `read` copies into. */
  snapshot(): LedgerView {
    return new LedgerView(new Float64Array(this.#state.length), this.books);
  }

  /** Copies everything but the send times, all of one moment; false: the ledger is broken. */
  read(into: LedgerView): boolean {
    assert(into.numbers.length === this.#state.length, 'a snapshot is of this ledger');
    for (let i = 0; i < READ_TRIES; i += 1) {
      const count = this.#lock.observe();
      if ((count & 1) === 0) {
        into.numbers.set(this.#state);
        if (this.#lock.unchanged(count)) return this.brokenBy === LOCK_HOLDER_NONE;
      }
      this.readRetries += 1;
    }
    if (!this.#lock.acquire()) return false;
    into.numbers.set(this.#state);
    this.#lock.release();
    return true;
  }
}
