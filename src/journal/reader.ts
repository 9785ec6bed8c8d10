// The records of a journal, one after the other, from a sequence on, as long as they are whole and in
// their places.
//
//   const reader = JournalReader.open(storage, { fromSequence: 1 });
//   while (reader.next()) use(reader.type, reader.view, reader.payloadAt, reader.payloadLength);
//   reader.end    // why it ended: nothing more is written, or what is wrong, and where
//
// It changes nothing and may run while somebody writes: then it ends where the writing stood. What
// an end means (a torn write, damage, or simply the end) is for recovery.ts to say.
// Cost: some 0.3 µs a record of ten commands, most of it the checksum. Nothing is allocated per
// record; a record's bytes are the reader's until `next`.
import {
  checkPlace,
  getUint53,
  PAYLOAD_BYTES_LIMIT,
  PREVIOUS_CRC_NONE,
  RECORD,
  recordBytes,
  RecordFault,
} from './record.ts';
import {
  previousCrcOf,
  SEGMENT_HEADER_BYTES,
  segmentHash,
  segmentName,
  segmentNumberOf,
  type SegmentHeader,
} from './segment.ts';
import { SegmentReader, Window } from './segment_reader.ts';
import type { Storage } from './storage.ts';

/** What is wrong with a journal as a whole; thrown where it cannot be read on or must not be. */
export class JournalDamagedError extends Error {
  override readonly name = 'JournalDamagedError';
  /** File and offset of what is wrong; the sequence that was due there. */
  readonly file: string;
  readonly offset: number;
  readonly sequence: number;

  constructor(message: string, file: string, offset: number, sequence: number) {
    super(message);
    this.file = file;
    this.offset = offset;
    this.sequence = sequence;
  }
}

export interface ReaderOptions {
  /** The first record wanted. Default: the first there is. */
  readonly fromSequence?: number;
  /** Longer ones are damage. Default: the most that any journal may have. */
  readonly payloadBytesMax?: number;
  /** A journal of another system is refused. Default: any. */
  readonly clusterId?: bigint;
  /** Only segments with lower numbers. Default: all. */
  readonly segmentsBelow?: number;
  /** Told of each segment behind which another one follows, and where its records end. */
  readonly onSegmentEnd?: (segment: SegmentReader, offset: number) => void;
}

/** Where and why a reader ended. */
export interface JournalEnd {
  readonly segment: SegmentReader;
  /** Whether it is the last one. */
  readonly isLast: boolean;
  readonly offset: number;
  readonly fault: RecordFault;
  /** Of the record that was due there. */
  readonly nextSequence: number;
  /** Checksum of the last record before. */
  readonly lastCrc: number;
}

export class JournalReader {
  /** Of the record at hand. */
  sequence = 0;
  timeNs = 0;
  ackedSequence = 0;
  type = 0;
  flags = 0;
  /** Its payload stands in `view` and `bytes`, at a multiple of 8. */
  payloadAt = 0;
  payloadLength = 0;
  /** Where the record stands: segment and offset. */
  segment = 0;
  offset = 0;
  readonly view: DataView;
  readonly bytes: Uint8Array;
  /** Numbers of all segments, rising by 1. */
  readonly segments: readonly number[];

  readonly #storage: Storage;
  readonly #window: Window;
  readonly #payloadBytesMax: number;
  readonly #options: ReaderOptions;
  #index: number; // in `segments`
  #current: SegmentReader | null = null;
  #at = 0; // offset of the next record
  #nextSequence = 0;
  #lastCrc = PREVIOUS_CRC_NONE;
  #end: JournalEnd | null = null;

  /**
   * Opens the journal that holds `fromSequence`. Throws a JournalDamagedError for a gap between
   * segments and a segment with a bad header, from the first one read on; a RangeError when the
   * journal begins after `fromSequence`.
   */
  static open(storage: Storage, options: ReaderOptions = {}): JournalReader {
    const reader = new JournalReader(storage, options);
    const { fromSequence } = options;
    if (fromSequence !== undefined) reader.#skipTo(fromSequence);
    return reader;
  }

  private constructor(storage: Storage, options: ReaderOptions) {
    this.#storage = storage;
    this.#payloadBytesMax = options.payloadBytesMax ?? PAYLOAD_BYTES_LIMIT;
    this.#options = options;
    this.segments = segmentsOf(storage, options.segmentsBelow ?? Infinity);
    this.#window = new Window(recordBytes(this.#payloadBytesMax), largestOf(storage, this.segments));
    this.view = this.#window.view;
    this.bytes = this.#window.bytes;
    this.#index = 0;
    if (this.segments.length > 0) this.#openSegment(0);
  }

  /** False: there is no segment, so nothing has ever been written. */
  get exists(): boolean {
    return this.segments.length > 0;
  }

  /** Sequence that the next record must have. */
  get nextSequence(): number {
    return this.#nextSequence;
  }

  /** Header of the segment that is being read. */
  get header(): SegmentHeader {
    if (this.#current === null) throw new Error('a journal without segments has no header');
    return this.#current.header;
  }

  /** Whether `next` has returned false on a journal that exists. */
  get ended(): boolean {
    return this.#end !== null;
  }

  /** Why `next` returned false. */
  get end(): JournalEnd {
    if (this.#end === null) throw new Error('the reader has not reached an end');
    return this.#end;
  }

  /** Goes to the next record; false at the end, whatever it is (see `end`). */
  next(): boolean {
    if (this.#end !== null || this.#current === null) return false;
    for (;;) {
      const segment = this.#current;
      let fault = segment.check(this.#at);
      if (fault === RecordFault.None) {
        const at = segment.recordAt(this.#at);
        fault = checkPlace(this.view, at, this.#nextSequence, this.#lastCrc);
        if (fault === RecordFault.None) {
          this.#take(at);
          return true;
        }
      }
      if (fault !== RecordFault.End || !this.#openNext()) {
        this.#end = this.#endHere(segment, fault);
        return false;
      }
    }
  }

  close(): void {
    this.#current?.file.close();
    this.#current = null;
  }

  #take(at: number): void {
    const { view } = this;
    this.sequence = this.#nextSequence;
    this.timeNs = getUint53(view, at + RECORD.time);
    this.ackedSequence = getUint53(view, at + RECORD.acked);
    this.type = view.getUint16(at + RECORD.type, true);
    this.flags = view.getUint16(at + RECORD.flags, true);
    this.payloadAt = at + RECORD.payload;
    this.payloadLength = view.getUint32(at + RECORD.length, true);
    this.segment = this.segments[this.#index];
    this.offset = this.#at;
    this.#lastCrc = view.getInt32(at + RECORD.crc, true);
    this.#nextSequence += 1;
    this.#at += recordBytes(this.payloadLength);
  }

  #endHere(segment: SegmentReader, fault: RecordFault): JournalEnd {
    return {
      segment,
      isLast: this.#index === this.segments.length - 1,
      offset: this.#at,
      fault,
      nextSequence: this.#nextSequence,
      lastCrc: this.#lastCrc,
    };
  }

  /** Starts at the segment that holds `sequence`, and passes the records before it. */
  #skipTo(sequence: number): void {
    if (!this.exists) return;
    if (sequence < this.#nextSequence) {
      throw new RangeError(
        `the journal in ${this.#storage.name} begins with sequence ${this.#nextSequence}, ` +
          `expected one of at most ${sequence}`,
      );
    }
    for (let index = this.segments.length - 1; index > this.#index; index--) {
      const segment = this.#load(index);
      const { firstSequence } = segment.header;
      segment.file.close();
      if (firstSequence > sequence) continue;
      this.#openSegment(index);
      break;
    }
    while (this.#nextSequence < sequence && this.next());
  }

  /** True: the segment behind the one at hand, which has ended, follows it; it is at hand now. */
  #openNext(): boolean {
    const before = this.#current;
    if (before === null || this.#index + 1 >= this.segments.length) return false;
    const next = this.#load(this.#index + 1);
    const { header } = next;
    const hash = segmentHash(before.headerCrc, this.#lastCrc);
    if (header.firstSequence !== this.#nextSequence || header.previousHash !== hash) {
      next.file.close();
      return false; // records are missing at the end of the segment at hand
    }
    this.#options.onSegmentEnd?.(before, this.#at);
    before.file.close();
    this.#index += 1;
    this.#enter(next);
    return true;
  }

  #openSegment(index: number): void {
    const segment = this.#load(index);
    this.#current?.file.close();
    this.#index = index;
    this.#enter(segment);
  }

  #enter(segment: SegmentReader): void {
    this.#current = segment;
    this.#at = SEGMENT_HEADER_BYTES;
    this.#nextSequence = segment.header.firstSequence;
    this.#lastCrc = previousCrcOf(segment.header);
  }

  #load(index: number): SegmentReader {
    const number = this.segments[index];
    const name = segmentName(number);
    const file = this.#storage.open(name);
    const segment = SegmentReader.of(file, this.#window, this.#payloadBytesMax);
    const fault = this.#headerFault(segment, number);
    if (typeof segment !== 'string' && fault === '') return segment;
    file.close();
    throw new JournalDamagedError(
      `the header of ${name} in ${this.#storage.name} is damaged, and no segment is ever skipped: ${fault}`,
      name,
      0,
      this.#nextSequence,
    );
  }

  #headerFault(segment: SegmentReader | string, number: number): string {
    if (typeof segment === 'string') return segment;
    const { header } = segment;
    if (header.number !== number) return `expected segment ${number}, was ${header.number}`;
    const { clusterId } = this.#options;
    if (clusterId !== undefined && header.clusterId !== clusterId) {
      return `expected the journal of system ${clusterId}, was that of ${header.clusterId}`;
    }
    return '';
  }
}

/** Numbers of all segments; a gap between them is damage. */
function segmentsOf(storage: Storage, below: number): number[] {
  const numbers: number[] = [];
  for (const name of storage.list()) {
    const number = segmentNumberOf(name);
    if (number === null || number >= below) continue;
    const due = numbers.length === 0 ? number : numbers[numbers.length - 1] + 1;
    if (number !== due) {
      const missing = segmentName(due);
      throw new JournalDamagedError(
        `${missing} is missing in ${storage.name}, though ${name} is there`,
        missing,
        0,
        0,
      );
    }
    numbers.push(number);
  }
  return numbers;
}

/** Bytes of the largest segment. */
function largestOf(storage: Storage, segments: readonly number[]): number {
  let largest = 0;
  for (const number of segments) {
    const file = storage.open(segmentName(number));
    largest = Math.max(largest, file.bytes);
    file.close();
  }
  return largest;
}
