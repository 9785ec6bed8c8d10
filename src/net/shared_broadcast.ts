// Datagrams from one writer to any number of readers in other processes: a ring that the writer never waits
// for. A reader that falls behind by more than the ring loses what was overwritten, and knows how much.
//
//   words of the writer (in the segment's table)                     ring: a power of two of bytes, in units of 64
//   │ intent │ tail │ … │ marks: 16 positions where records begin │  │ record │ record │ … │ pad │
//
//   record   0          4        8          12            16      20       24     28         32
//            │ position │ length │ sequence │ source IPv4 │ port  │ to IPv4│ port │ of these │ payload …, to a whole unit
//
// Positions count units modulo 2^32. The writer moves `intent` to the end of what it is about to write, writes, and moves
// `tail` there. A reader copies a record and then looks at `intent`: when it has passed the record's own place, the copy may
// be mixed and is thrown away. A reader that was overtaken goes on at the oldest mark that is not in danger; `sequence`,
// one higher each record, tells what it missed (`ofThese`: one higher for each record to the same destination).
//
// No trust: position and length of a record are checked before and after the copy; a writer that writes nonsense makes
// readers lose datagrams, nothing else. Cost: a datagram of 1,400 bytes some 0.3 µs to write and as much to each reader.
// No allocation.
import { CopyWindow } from './copy_window.ts';
import { DATAGRAM_BYTES_MAX } from './transport.ts';

export const UNIT_BYTES = 64;
/** Words of the writer. */
export const BROADCAST_INTENT = 0;
export const BROADCAST_TAIL = 1;
const MARKS = 16;
const MARK_WORDS = 16;
export const BROADCAST_WORDS = MARK_WORDS + MARKS;

const HEADER_BYTES = 32;
const Field = { Position: 0, Length: 1, Sequence: 2, SourceIpv4: 3, SourcePort: 4, ToIpv4: 5, ToPort: 6, OfThese: 7 } as const;
const WORDS_PER_UNIT = UNIT_BYTES / 4;
/** In place of a length: the next record is at the ring's beginning. */
const PAD = -1;
/** Times that a reader starts again in one read before it says "none now". */
const OVERTAKEN_MAX = 4;
/** `read` when there is nothing. */
export const BROADCAST_NONE = 0;

/** The smallest ring that takes every datagram: a record and the pad before it. */
export const BROADCAST_RING_BYTES_MIN = 256 * 1024;

function unitsOf(length: number): number {
  return (HEADER_BYTES + length + UNIT_BYTES - 1) >>> 6;
}

export class BroadcastWriter {
  readonly #words: Int32Array;
  readonly #at: number;
  readonly #ring: Int32Array;
  readonly #window: CopyWindow;
  readonly #source: CopyWindow;
  readonly #units: number;
  #tail = 0;
  #sequence = 0;
  readonly #markShift: number;
  #marked = -1;

  /** Begins with an empty ring and zeroed words. `at`: index of the first word. */
  constructor(words: Int32Array, at: number, ring: Uint8Array) {
    this.#words = words;
    this.#at = at;
    this.#ring = new Int32Array(ring.buffer, ring.byteOffset, ring.byteLength >>> 2);
    this.#window = new CopyWindow(ring);
    this.#source = new CopyWindow(ring);
    this.#units = ring.byteLength / UNIT_BYTES;
    this.#markShift = Math.log2(this.#units / MARKS);
  }

  write(
    source: Uint8Array, offset: number, length: number,
    fromIpv4: number, fromPort: number, toIpv4: number, toPort: number, ofThese: number,
  ): void {
    const units = unitsOf(length);
    const start = this.#tail;
    const place = start & (this.#units - 1);
    const skipped = units > this.#units - place ? this.#units - place : 0;
    const next = (start + skipped + units) | 0;
    // An exchange and not a store: what follows must not be seen before it.
    Atomics.exchange(this.#words, this.#at + BROADCAST_INTENT, next);
    if (skipped > 0) {
      const word = place * WORDS_PER_UNIT;
      this.#ring[word + Field.Position] = start;
      this.#ring[word + Field.Length] = PAD;
    }
    const position = (start + skipped) | 0;
    const at = position & (this.#units - 1);
    const word = at * WORDS_PER_UNIT;
    const ring = this.#ring;
    ring[word + Field.Position] = position;
    ring[word + Field.Length] = length;
    ring[word + Field.Sequence] = this.#sequence;
    ring[word + Field.SourceIpv4] = fromIpv4;
    ring[word + Field.SourcePort] = fromPort;
    ring[word + Field.ToIpv4] = toIpv4;
    ring[word + Field.ToPort] = toPort;
    ring[word + Field.OfThese] = ofThese;
    this.#source.over(source).copyTo(offset, this.#window, at * UNIT_BYTES + HEADER_BYTES, length);
    this.#mark(position);
    this.#sequence = (this.#sequence + 1) | 0;
    this.#tail = next;
    Atomics.store(this.#words, this.#at + BROADCAST_TAIL, next);
  }

  /** The first record that begins in a sixteenth of the ring is where a reader may go on. */
  #mark(position: number): void {
    const part = position >>> this.#markShift;
    if (part === this.#marked) return;
    this.#marked = part;
    this.#words[this.#at + MARK_WORDS + (part & (MARKS - 1))] = position;
  }
}

export class BroadcastReader {
  /** Records for this reader's group or address that were overwritten before it read them. */
  lost = 0;
  /** Of the record read last. */
  sourceIpv4 = 0;
  sourcePort = 0;
  /** Its length, which may be more than was asked for. */
  length = 0;
  readonly #words: Int32Array;
  readonly #at: number;
  readonly #ring: Int32Array;
  readonly #window: CopyWindow;
  readonly #target: CopyWindow;
  readonly #units: number;
  /** 0: every record is for this reader. */
  readonly #ipv4: number;
  readonly #port: number;
  /** A private word, for an atomic operation that keeps the copy before the look at `intent`. */
  readonly #fence = new Int32Array(1);
  #cursor: number;
  #tailSeen: number;
  #expected: number; // number of the next record
  #knowsExpected: boolean;

  /**
   * Reads from the ring's beginning, or with `fromNow` what is written from now on. With an address it takes the records
   * to that address alone.
   */
  constructor(words: Int32Array, at: number, ring: Uint8Array, fromNow: boolean, ipv4 = 0, port = 0) {
    this.#words = words;
    this.#at = at;
    this.#ring = new Int32Array(ring.buffer, ring.byteOffset, ring.byteLength >>> 2);
    this.#window = new CopyWindow(ring);
    this.#target = new CopyWindow(ring);
    this.#units = ring.byteLength / UNIT_BYTES;
    this.#ipv4 = ipv4;
    this.#port = port;
    this.#cursor = fromNow ? Atomics.load(words, at + BROADCAST_TAIL) : 0;
    this.#tailSeen = this.#cursor;
    this.#expected = 0;
    this.#knowsExpected = !fromNow;
  }

  /** True once for each time that the tail has moved. */
  look(): boolean {
    const tail = this.#words[this.#at + BROADCAST_TAIL];
    if (tail === this.#tailSeen) return false;
    this.#tailSeen = tail;
    return true;
  }

  /** True when there is something behind the last look. Changes nothing. */
  get hasNews(): boolean {
    return this.#words[this.#at + BROADCAST_TAIL] !== this.#tailSeen;
  }

  /** Bytes of the next record put at target[offset …], at most `max`, its `length` beside; BROADCAST_NONE. */
  read(target: Uint8Array, offset: number, max: number): number {
    const words = this.#words;
    const ring = this.#ring;
    const mask = this.#units - 1;
    for (let overtaken = 0; overtaken < OVERTAKEN_MAX; ) {
      const tail = Atomics.load(words, this.#at + BROADCAST_TAIL);
      if (this.#cursor === tail) return BROADCAST_NONE;
      const place = this.#cursor & mask;
      const word = place * WORDS_PER_UNIT;
      const length = ring[word + Field.Length];
      const possible =
        (tail - this.#cursor) >>> 0 <= this.#units && ring[word + Field.Position] === this.#cursor &&
        (length === PAD || (length > 0 && length <= DATAGRAM_BYTES_MAX && place + unitsOf(length) <= this.#units));
      if (!possible) {
        overtaken += 1;
        this.#goOn(tail);
        continue;
      }
      if (length === PAD) {
        this.#cursor = (this.#cursor + this.#units - place) | 0;
        continue;
      }
      const mine = this.#ipv4 === 0 || (ring[word + Field.ToIpv4] === this.#ipv4 && ring[word + Field.ToPort] === this.#port);
      const number = ring[word + (this.#ipv4 === 0 ? Field.Sequence : Field.OfThese)];
      const sourceIpv4 = ring[word + Field.SourceIpv4];
      const sourcePort = ring[word + Field.SourcePort];
      const count = mine ? Math.min(length, max) : 0;
      if (mine) this.#window.copyTo(place * UNIT_BYTES + HEADER_BYTES, this.#target.over(target), offset, count);
      Atomics.exchange(this.#fence, 0, 0);
      if ((Atomics.load(words, this.#at + BROADCAST_INTENT) - this.#cursor) >>> 0 > this.#units) {
        overtaken += 1;
        this.#goOn(tail);
        continue;
      }
      this.#cursor = (this.#cursor + unitsOf(length)) | 0;
      if (!mine) continue;
      if (this.#knowsExpected) this.lost += Math.max(0, (number - this.#expected) | 0);
      this.#expected = (number + 1) | 0;
      this.#knowsExpected = true;
      this.sourceIpv4 = sourceIpv4;
      this.sourcePort = sourcePort & 0xffff;
      this.length = length;
      return count;
    }
    return BROADCAST_NONE;
  }

  /** Overtaken, or nonsense: goes to the oldest mark with a quarter of the ring before it, else to the tail. */
  #goOn(tail: number): void {
    let behind = 0;
    let best = tail;
    const safe = this.#units - this.#units / 4;
    for (let i = 0; i < MARKS; i += 1) {
      const mark = this.#words[this.#at + MARK_WORDS + i];
      const distance = (tail - mark) >>> 0;
      // Never backwards: what has been read is not read again.
      if (distance > safe || distance <= behind || ((mark - this.#cursor) | 0) <= 0) continue;
      behind = distance;
      best = mark;
    }
    this.#cursor = best;
  }
}
