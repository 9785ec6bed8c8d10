// The journal as the exchange's thread sees it: append without waiting, and ask how far the disk is.
//
//   queue.append(…) ─► byte ring in shared memory ─► the journal's thread ─► disk
//   queue.durableSequence ◄─ shared words ◄──────────────────┘
//
//   0                128                    256              512         1024
//   │ state, stop …  │ written, durable     │ counters       │ error text │ byte ring …
//   │ code, length   │ (low words)          │ (doubles)      │ UTF-8      │
//
// A record is laid out in the ring as it will stand on disk; the journal's thread seals it there and
// writes it from there. So an append is one copy of the payload and some fifteen stores.
//
// The exchange's rule: an answer that rests on record n goes out when `ackableSequence ≥ n`. In mode
// `durable` that is what has been synced; in `async-unsafe` what the operating system has, which a
// death of the machine takes back.
// Sequences cross the threads as their low 32 bits: the reader knows the last one appended, and no
// 2^31 records fit between.
// Full is a return value. After a failure `failed` is set for good, and nothing is acknowledged.
import type { WakeSource } from '../base/agent.ts';
import { assert } from '../base/assert.ts';
import { byteRingBytes, ByteRingProducer, initializeByteRing, RING_NONE } from './byte_ring.ts';
import { copyBytes } from './copy_bytes.ts';
import { RECORD_HEADER_BYTES, recordBytes, writeRecordHeader } from './record.ts';

/** When an answer may go out (docs/JOURNAL.md). */
export const JournalMode = { Durable: 'durable', AsyncUnsafe: 'async-unsafe' } as const;
export type JournalMode = (typeof JournalMode)[keyof typeof JournalMode];

/** `append` when there is no room: the record has not been taken. */
export const QUEUE_FULL = -1;

/** What the journal's thread is doing. */
export const JournalState = { Starting: 0, Running: 1, Stopped: 2, Failed: 3 } as const;
export type JournalState = (typeof JournalState)[keyof typeof JournalState];

/** Words of the shared block. */
export const SHARED = {
  state: 0,
  stop: 1,
  errorCode: 2,
  errorBytes: 3,
  /** Asks for the next segment's zeros: counts up. */
  spareWanted: 4,
  /** 1: the last attempt to write them failed; there may be no room. */
  spareFailed: 5,
  written: 128 / 4,
  durable: 128 / 4 + 1,
  /** Doubles. */
  stopTime: 192 / 8,
  counters: 256 / 8,
} as const;
const ERROR_TEXT_AT = 512;
const ERROR_TEXT_BYTES = 512;
const RING_AT = 1024;

/** Counters of the journal's thread, doubles from SHARED.counters on. */
export const JOURNAL_COUNTERS = [
  'batches',
  'records',
  'bytes',
  'syncs',
  'sync_ns',
  'sync_ns_max',
  'batch_records_max',
  'rotations',
  'rotation_ns_max',
] as const;
export type JournalCounter = (typeof JOURNAL_COUNTERS)[number];
assert(SHARED.counters * 8 + JOURNAL_COUNTERS.length * 8 <= ERROR_TEXT_AT, 'counters have room');

/**
 * 16 MiB: five seconds of 100,000 commands a second, the longest sync that the simulator makes.
 */
export const RING_BYTES_DEFAULT = 16 << 20;

/** Shared memory of a journal whose ring has so many bytes, a power of two. */
export function journalShared(ringBytes: number): SharedArrayBuffer {
  const buffer = new SharedArrayBuffer(RING_AT + byteRingBytes(ringBytes));
  initializeByteRing(buffer, RING_AT, ringBytes);
  return buffer;
}

export const JOURNAL_RING_AT = RING_AT;

/** What went wrong, as the journal's thread tells it: the system's code, and words. */
export interface JournalFailure {
  readonly code: string;
  readonly message: string;
}

/** Called by the journal's thread, before it sets the state to Failed. */
export function writeFailure(buffer: SharedArrayBuffer, failure: JournalFailure): void {
  const words = new Int32Array(buffer, 0, RING_AT / 4);
  const text = new TextEncoder().encode(`${failure.code} ${failure.message}`);
  const bytes = Math.min(text.length, ERROR_TEXT_BYTES);
  new Uint8Array(buffer, ERROR_TEXT_AT, bytes).set(text.subarray(0, bytes));
  words[SHARED.errorBytes] = bytes;
}

function readFailure(buffer: SharedArrayBuffer): JournalFailure {
  const words = new Int32Array(buffer, 0, RING_AT / 4);
  const text = new TextDecoder().decode(
    new Uint8Array(buffer, ERROR_TEXT_AT, words[SHARED.errorBytes]).slice(),
  );
  const space = text.indexOf(' ');
  return { code: text.slice(0, space), message: text.slice(space + 1) };
}

export class JournalQueue implements WakeSource {
  readonly mode: JournalMode;
  readonly payloadBytesMax: number;
  readonly #buffer: SharedArrayBuffer;
  readonly #words: Int32Array;
  readonly #counters: Float64Array;
  readonly #stopTime: Float64Array;
  readonly #ring: ByteRingProducer;
  readonly #view: DataView;
  readonly #bytes: Uint8Array;
  readonly #all: Int32Array;
  // In a typed array: a number field beyond 2^30 would be boxed anew each time.
  readonly #last = new Float64Array(1);
  /** The word that tells what may be acknowledged, and its value when last looked at. */
  readonly #ackWord: number;
  #ackSeen = 0;
  #wake: (() => void) | null = null;

  /** `lastSequence`: of the journal before anything is appended here. */
  constructor(
    buffer: SharedArrayBuffer,
    mode: JournalMode,
    payloadBytesMax: number,
    lastSequence: number,
  ) {
    this.mode = mode;
    this.#buffer = buffer;
    this.#words = new Int32Array(buffer, 0, RING_AT / 4);
    this.#counters = new Float64Array(buffer, SHARED.counters * 8, JOURNAL_COUNTERS.length);
    this.#stopTime = new Float64Array(buffer, SHARED.stopTime * 8, 1);
    this.#ring = new ByteRingProducer(buffer, RING_AT);
    this.#view = new DataView(buffer);
    this.#bytes = new Uint8Array(buffer);
    this.#all = new Int32Array(buffer, 0, buffer.byteLength >> 2);
    assert(
      recordBytes(payloadBytesMax) <= this.#ring.frameBytesMax,
      'the largest record takes half of the ring at most',
    );
    this.payloadBytesMax = payloadBytesMax;
    this.#last[0] = lastSequence;
    this.#ackWord = mode === JournalMode.Durable ? SHARED.durable : SHARED.written;
    Atomics.store(this.#words, SHARED.written, lastSequence | 0);
    Atomics.store(this.#words, SHARED.durable, lastSequence | 0);
  }

  /**
   * One record of `length` bytes, whole words from `wordAt` of `source`. Returns its sequence, or
   * QUEUE_FULL. It reaches the journal's thread with `publish`.
   */
  appendWords(
    type: number,
    source: Int32Array,
    wordAt: number,
    length: number,
    timeNs: number,
    flags: number,
  ): number {
    assert((length & 3) === 0, 'a payload of words is a multiple of 4 bytes');
    const at = this.#claim(type, length, timeNs, flags);
    if (at === RING_NONE) return QUEUE_FULL;
    const target = this.#all;
    const first = (at + RECORD_HEADER_BYTES) >> 2;
    const words = length >> 2;
    for (let i = 0; i < words; i++) target[first + i] = source[wordAt + i];
    return this.#last[0];
  }

  /** The same with any bytes. */
  append(
    type: number,
    source: Uint8Array,
    sourceAt: number,
    length: number,
    timeNs: number,
    flags = 0,
  ): number {
    const at = this.#claim(type, length, timeNs, flags);
    if (at === RING_NONE) return QUEUE_FULL;
    copyBytes(source, sourceAt, this.#bytes, at + RECORD_HEADER_BYTES, length);
    return this.#last[0];
  }

  /** Hands everything appended to the journal's thread. */
  publish(): void {
    this.#ring.publish();
  }

  /** Of the last record appended. */
  get lastSequence(): number {
    return this.#last[0];
  }

  /** Up to here the operating system has everything: a death of this process takes nothing. */
  get writtenSequence(): number {
    return this.#sequenceOf(Atomics.load(this.#words, SHARED.written));
  }

  /** Up to here everything has been synced: a death of the machine takes nothing. */
  get durableSequence(): number {
    return this.#sequenceOf(Atomics.load(this.#words, SHARED.durable));
  }

  /** What rests on records up to here may be told to others. Stays where it is after a failure. */
  get ackableSequence(): number {
    this.#ackSeen = Atomics.load(this.#words, this.#ackWord);
    return this.#sequenceOf(this.#ackSeen);
  }

  /** Wakes a loop that sleeps when more may be acknowledged than was last seen, or on a failure. */
  arm(wake: () => void): void {
    this.#wake = wake;
    // One waiter at a time: a loop that sleeps a hundred times a second would leave as many behind.
    if (!this.#waits) {
      const waiting = Atomics.waitAsync(this.#words, this.#ackWord, this.#ackSeen);
      this.#waits = waiting.async;
      if (waiting.async) void waiting.value.then(this.#notified);
    }
    const news = Atomics.load(this.#words, this.#ackWord) !== this.#ackSeen;
    if (news || this.failed) this.#call();
  }

  disarm(): void {
    this.#wake = null;
  }

  /** True while an earlier wait has not been ended by news. */
  #waits = false;

  readonly #notified = (): void => {
    this.#waits = false;
    this.#call();
  };

  #call(): void {
    const wake = this.#wake;
    this.#wake = null;
    wake?.();
  }

  /** Room for what waits to be written. */
  get ringBytes(): number {
    return this.#ring.capacity;
  }

  /** Bytes that wait to be written, for gauges. */
  get backlogBytes(): number {
    return this.#ring.used;
  }

  get state(): JournalState {
    return Atomics.load(this.#words, SHARED.state) as JournalState;
  }

  /** A write or a sync has failed: nothing more is acknowledged, and the process must end. */
  get failed(): boolean {
    return this.state === JournalState.Failed;
  }

  /** What has failed; null while nothing has. */
  get failure(): JournalFailure | null {
    return this.failed ? readFailure(this.#buffer) : null;
  }

  /** The next segment could not be prepared; the disk may be full when this one ends. */
  get spareFailed(): boolean {
    return Atomics.load(this.#words, SHARED.spareFailed) !== 0;
  }

  counter(name: JournalCounter): number {
    return this.#counters[JOURNAL_COUNTERS.indexOf(name)];
  }

  /**
   * Asks the journal's thread to write what it has, end with a record of this time and stop. May be
   * asked again: a thread that was just falling asleep has missed the first.
   */
  requestStop(timeNs: number): void {
    this.#stopTime[0] = timeNs;
    Atomics.store(this.#words, SHARED.stop, 1);
    this.#ring.wake();
  }

  #claim(type: number, length: number, timeNs: number, flags: number): number {
    assert(length >= 0 && length <= this.payloadBytesMax, 'a payload is not longer than allowed');
    const at = this.#ring.claim(recordBytes(length));
    if (at === RING_NONE) return RING_NONE;
    const sequence = this.#last[0] + 1;
    writeRecordHeader(this.#view, at, length, sequence, timeNs, type, flags);
    this.#last[0] = sequence;
    return at;
  }

  /** The sequence nearest to the last one with these low 32 bits: the thread's own last record is beyond it. */
  #sequenceOf(low: number): number {
    const last = this.#last[0];
    return last - ((last - low) | 0);
  }
}
