// One segment, to be looked at: its header, and any record of it, through a window of memory.
//
//   file   │ header │ ………………………… │ record │ … │ zeros │
//                         └───── window ─────┘     read as it is asked for, forwards mostly
//
// The window has room for the largest record and then some, so a segment of any size is read with
// the same memory. Nothing here decides what damage means: recovery.ts does.
import { assert } from '../base/assert.ts';
import {
  checkLength,
  checkRecord,
  crcOfSalt,
  getUint53,
  RECORD,
  RECORD_ALIGN_BYTES,
  RECORD_HEADER_BYTES,
  recordBytes,
  RecordFault,
} from './record.ts';
import {
  decodeSegmentHeader,
  headerCrcOf,
  SEGMENT_HEADER_BYTES,
  type SegmentHeader,
} from './segment.ts';
import type { StorageFile } from './storage.ts';

/** Read at once, at least. */
const WINDOW_BYTES = 1 << 20;

/** Memory for looking at one place of one file at a time; kept from segment to segment. */
export class Window {
  readonly bytes: Uint8Array;
  readonly view: DataView;
  readonly words: Int32Array;
  #file: StorageFile | null = null;
  #from = 0;
  #to = 0;

  /** For files of at most `fileBytesMax` bytes. */
  constructor(recordBytesMax: number, fileBytesMax: number) {
    const whole = Math.max(SEGMENT_HEADER_BYTES, fileBytesMax) + RECORD_ALIGN_BYTES;
    const bytes = Math.min(whole, WINDOW_BYTES + recordBytesMax) + RECORD_ALIGN_BYTES;
    this.bytes = new Uint8Array(bytes + (-bytes & (RECORD_ALIGN_BYTES - 1)));
    this.view = new DataView(this.bytes.buffer);
    this.words = new Int32Array(this.bytes.buffer, 0, this.bytes.length >> 2);
  }

  /**
   * Where in `bytes` the `length` bytes from `at` of the file stand. Their place in memory keeps
   * their alignment to 8. Bytes behind the end of the file are zeros.
   */
  at(file: StorageFile, at: number, length: number): number {
    assert(length <= this.bytes.length - RECORD_ALIGN_BYTES, 'a window has room for a record');
    if (file !== this.#file || at < this.#from || at + length > this.#to) {
      this.#file = file;
      this.#from = at - (at % RECORD_ALIGN_BYTES);
      const read = file.readAt(this.bytes, 0, this.bytes.length, this.#from);
      const asked = at + length - this.#from;
      if (read < asked) this.bytes.fill(0, read, asked);
      this.#to = this.#from + Math.max(read, asked);
    }
    return at - this.#from;
  }

  /** Bytes in the window from the place of the file's offset `at` on, which it holds. */
  heldFrom(at: number): number {
    return this.#to - at;
  }
}

export class SegmentReader {
  readonly header: SegmentHeader;
  readonly headerCrc: number;
  /** Size of the file. */
  readonly bytes: number;
  readonly file: StorageFile;
  readonly #window: Window;
  readonly #payloadBytesMax: number;
  readonly #saltState: number;

  private constructor(
    file: StorageFile,
    window: Window,
    header: SegmentHeader,
    headerCrc: number,
    payloadBytesMax: number,
  ) {
    this.file = file;
    this.bytes = file.bytes;
    this.header = header;
    this.headerCrc = headerCrc;
    this.#window = window;
    this.#payloadBytesMax = payloadBytesMax;
    this.#saltState = crcOfSalt(
      Number(BigInt.asIntN(32, header.salt)),
      Number(BigInt.asIntN(32, header.salt >> 32n)),
    );
  }

  /** The segment in `file`, or in words what is wrong with its header. */
  static of(file: StorageFile, window: Window, payloadBytesMax: number): SegmentReader | string {
    if (file.bytes < SEGMENT_HEADER_BYTES) {
      return `expected ${SEGMENT_HEADER_BYTES} bytes at least, was ${file.bytes}`;
    }
    const at = window.at(file, 0, SEGMENT_HEADER_BYTES);
    const bytes = window.bytes.subarray(at, at + SEGMENT_HEADER_BYTES);
    const header = decodeSegmentHeader(bytes);
    if (typeof header === 'string') return header;
    return new SegmentReader(file, window, header, headerCrcOf(bytes), payloadBytesMax);
  }

  /**
   * Looks at the record at offset `at`: whether it is whole, and one of this segment. When it is,
   * `recordAt` says where in the window it stands.
   */
  check(at: number): RecordFault {
    const left = this.bytes - at;
    if (left < RECORD_HEADER_BYTES) return RecordFault.End;
    const { view, words } = this.#window;
    const head = this.#window.at(this.file, at, RECORD_HEADER_BYTES);
    const fault = checkLength(view, head, this.#payloadBytesMax, left);
    if (fault !== RecordFault.None) return fault;
    return checkRecord(view, words, this.recordAt(at), this.#saltState);
  }

  /** Where in the window the record at offset `at` begins, whole; its length has been checked. */
  recordAt(at: number): number {
    const head = this.#window.at(this.file, at, RECORD_HEADER_BYTES);
    const length = this.#window.view.getUint32(head + RECORD.length, true);
    return this.#window.at(this.file, at, recordBytes(length));
  }

  /** Bytes that the record at `at` says it has; null where no record is so long. */
  claimedBytes(at: number): number | null {
    const head = this.#window.at(this.file, at, RECORD_HEADER_BYTES);
    const length = this.#window.view.getUint32(head + RECORD.length, true);
    return length > this.#payloadBytesMax ? null : recordBytes(length);
  }

  /**
   * Bytes of the record that may begin at `at`, to be checked: its length fits, and its sequence is
   * one of those that can still follow `sequence` in this segment. 0: none can.
   */
  plausibleBytes(at: number, sequence: number): number {
    const left = this.bytes - at;
    if (left < RECORD_HEADER_BYTES) return 0;
    const claimed = this.claimedBytes(at);
    if (claimed === null || claimed > left) return 0;
    const { view } = this.#window;
    const head = this.#window.at(this.file, at, RECORD_HEADER_BYTES);
    const distance = getUint53(view, head + RECORD.sequence) - sequence;
    return distance >= 0 && distance <= this.bytes / RECORD_HEADER_BYTES ? claimed : 0;
  }

  /** What the whole record at `at` says. */
  testimonyAt(at: number): { sequence: number; ackedSequence: number } {
    const { view } = this.#window;
    const head = this.#window.at(this.file, at, RECORD_HEADER_BYTES);
    return {
      sequence: getUint53(view, head + RECORD.sequence),
      ackedSequence: getUint53(view, head + RECORD.acked),
    };
  }

  /** The first offset from `at` on, a multiple of 8, where not all 8 bytes are zero; −1: none. */
  nextNonZero(at: number): number {
    const { words } = this.#window;
    for (let from = at; from < this.bytes; ) {
      const first = this.#window.at(this.file, from, RECORD_ALIGN_BYTES) >> 2;
      const held = Math.max(this.#window.heldFrom(from) & -RECORD_ALIGN_BYTES, RECORD_ALIGN_BYTES);
      for (let i = 0; i < held; i += RECORD_ALIGN_BYTES) {
        const word = first + (i >> 2);
        if ((words[word] | words[word + 1]) !== 0) return from + i;
      }
      from += held;
    }
    return -1;
  }
}
