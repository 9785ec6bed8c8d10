// Databento Binary Encoding, versions 1 to 3: metadata, then records of market data.
//
//   "DBN" version@3:u8 length@4:u32 │ metadata │ record │ record …
//   record   length@0:u8 (in words of 4 bytes) type@1 publisher@2:u16 instrument@4:u32 ts_event@8:u64 │ …
//
// Little-endian; prices are signed 64 bits in units of 10^-9, the largest value meaning none. A record is handed out
// in place; the functions of `Dbn` read the fields of a market-by-order record and of what most types share.
//
// Types that are not known are handed out like any other: their length says where the next begins. Fragments
// (records without metadata) and the older DBZ files are refused with a word. Cost: some 15 ns a record to walk.
// Limits: prices are exact up to nine million in either direction (2^53 × 10^-9); times and ids come as two halves.
import { RecordingError } from './recording_source.ts';

export const DbnType = {
  Trade: 0x00, Mbp1: 0x01, Mbp10: 0x0a, Status: 0x12, Definition: 0x13, Imbalance: 0x14, Error: 0x15, Mapping: 0x16,
  System: 0x17, Statistics: 0x18, Ohlcv1s: 0x20, Ohlcv1m: 0x21, Ohlcv1h: 0x22, Ohlcv1d: 0x23, OhlcvEod: 0x24,
  Mbo: 0xa0, Cmbp1: 0xb1, Cbbo1s: 0xc0, Cbbo1m: 0xc1, Tcbbo: 0xc2, Bbo1s: 0xc3, Bbo1m: 0xc4,
} as const;
export type DbnType = (typeof DbnType)[keyof typeof DbnType];

const TYPE_NAMES: ReadonlyMap<number, string> = new Map(
  Object.entries(DbnType).map(([name, type]) => [type, name.toLowerCase()]),
);
const SCHEMAS = [
  'mbo', 'mbp-1', 'mbp-10', 'tbbo', 'trades', 'ohlcv-1s', 'ohlcv-1m', 'ohlcv-1h', 'ohlcv-1d', 'definition',
  'statistics', 'status', 'imbalance', 'ohlcv-eod', 'cmbp-1', 'cbbo-1s', 'cbbo-1m', 'tcbbo', 'bbo-1s', 'bbo-1m',
];

export const DbnAction = { Add: 0x41, Cancel: 0x43, Modify: 0x4d, Clear: 0x52, Trade: 0x54, Fill: 0x46, None: 0x4e } as const;

/** Flag bits of a market-by-order record. */
export const DbnFlag = { Last: 128, Snapshot: 32, BadReceiveTime: 8, MaybeBadBook: 4 } as const;

/** Prices are the instrument's times this. */
export const DBN_PRICE_SCALE = 1_000_000_000;
export const DBN_PRICE_NONE = 2 ** 63;
const PREFIX_BYTES = 8;
const METADATA_FIXED_BYTES = 100;
const METADATA_BYTES_MAX = 64 << 20;
const SYMBOL_BYTES_V1 = 22;
const RECORD_HEADER_BYTES = 16;
const WORD_BYTES = 4;
const RECORD_BYTES_MAX = 255 * WORD_BYTES;
const MBO_BYTES = 56;
const VERSION_MAX = 3;
const TWO_32 = 0x1_0000_0000;

/** `mbo`, or 0x7f where a type has no name here. */
export function dbnTypeName(type: number): string {
  return TYPE_NAMES.get(type) ?? `0x${type.toString(16).padStart(2, '0')}`;
}

/** Fields of the record at `at`. */
export const Dbn = {
  type: (view: DataView, at: number): number => view.getUint8(at + 1),
  publisher: (view: DataView, at: number): number => view.getUint16(at + 2, true),
  instrument: (view: DataView, at: number): number => view.getUint32(at + 4, true),
  /** Nanoseconds since 1970: exact to 256 ns, see `eventNs`. */
  eventTime: (view: DataView, at: number): number => view.getUint32(at + 12, true) * TWO_32 + view.getUint32(at + 8, true),
  eventNs: (view: DataView, at: number): bigint => view.getBigUint64(at + 8, true),
  // Market by order.
  orderLow: (view: DataView, at: number): number => view.getUint32(at + 16, true),
  orderHigh: (view: DataView, at: number): number => view.getUint32(at + 20, true),
  order: (view: DataView, at: number): bigint => view.getBigUint64(at + 16, true),
  price: (view: DataView, at: number): number => view.getInt32(at + 28, true) * TWO_32 + view.getUint32(at + 24, true),
  /** The same, exactly. */
  priceNanos: (view: DataView, at: number): bigint => view.getBigInt64(at + 24, true),
  size: (view: DataView, at: number): number => view.getUint32(at + 32, true),
  flags: (view: DataView, at: number): number => view.getUint8(at + 36),
  action: (view: DataView, at: number): number => view.getUint8(at + 38),
  /** +1 bid, −1 ask, 0 none. */
  side: (view: DataView, at: number): number => {
    const letter = view.getUint8(at + 39);
    return letter === 0x42 ? 1 : letter === 0x41 ? -1 : 0;
  },
  sequence: (view: DataView, at: number): number => view.getUint32(at + 52, true),
} as const;

export interface DbnMapping {
  readonly symbol: string;
  /** From and to (excluded) as yyyymmdd, and what the symbol was called then: mostly an instrument's number. */
  readonly intervals: readonly { readonly from: number; readonly to: number; readonly name: string }[];
}

export interface DbnMetadata {
  readonly version: number;
  readonly dataset: string;
  readonly schema: string;
  readonly startNs: bigint;
  readonly endNs: bigint;
  /** Records at most; 0: no limit. */
  readonly limit: bigint;
  /** Each record ends with the time at which it was sent. */
  readonly sendTimes: boolean;
  readonly symbols: readonly string[];
  readonly partial: readonly string[];
  readonly notFound: readonly string[];
  readonly mappings: readonly DbnMapping[];
}

/** Reads counts and fixed-width texts of the metadata one after the other; refuses to read beyond its end. */
class MetadataCursor {
  at: number;
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #symbolBytes: number;
  readonly #path: string;

  constructor(bytes: Uint8Array, at: number, symbolBytes: number, path: string) {
    this.at = at;
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#symbolBytes = symbolBytes;
    this.#path = path;
  }

  u32(): number {
    this.#need(4);
    this.at += 4;
    return this.#view.getUint32(this.at - 4, true);
  }

  /** A count of things of at least `bytes` each. */
  count(bytes: number): number {
    const count = this.u32();
    if (count * bytes <= this.#bytes.length - this.at) return count;
    throw new RecordingError(
      this.#path, PREFIX_BYTES + this.at, `metadata: expected at most ${this.#bytes.length - this.at} bytes more, was a list of ${count}`,
    );
  }

  symbol(): string {
    this.#need(this.#symbolBytes);
    this.at += this.#symbolBytes;
    return cText(this.#bytes.subarray(this.at - this.#symbolBytes, this.at));
  }

  symbols(): string[] {
    return Array.from({ length: this.count(this.#symbolBytes) }, () => this.symbol());
  }

  mapping(): DbnMapping {
    const symbol = this.symbol();
    const intervals = Array.from({ length: this.count(8 + this.#symbolBytes) }, () => (
      { from: this.u32(), to: this.u32(), name: this.symbol() }
    ));
    return { symbol, intervals };
  }

  mappings(): DbnMapping[] {
    return Array.from({ length: this.count(this.#symbolBytes + 4) }, () => this.mapping());
  }

  #need(bytes: number): void {
    if (this.at + bytes <= this.#bytes.length) return;
    throw new RecordingError(this.#path, PREFIX_BYTES + this.at, 'metadata: expected more, was its end');
  }
}

function cText(bytes: Uint8Array): string {
  const end = bytes.indexOf(0);
  return Buffer.from(end < 0 ? bytes : bytes.subarray(0, end)).toString('latin1');
}

/** The metadata's bytes behind the prefix. Throws RecordingError. */
function readDbnMetadata(bytes: Uint8Array, version: number, path: string): DbnMetadata {
  if (bytes.length < METADATA_FIXED_BYTES) {
    throw new RecordingError(path, PREFIX_BYTES, `metadata: expected at least ${METADATA_FIXED_BYTES} bytes, was ${bytes.length}`);
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const first = version === 1;
  // Version 1 has the number of records at 42, later ones go on with what version 1 has at 50.
  const kinds = first ? 50 : 42;
  const symbolBytes = first ? SYMBOL_BYTES_V1 : view.getUint16(kinds + 3, true);
  if (symbolBytes === 0) throw new RecordingError(path, PREFIX_BYTES + kinds + 3, 'metadata: expected symbols of at least 1 byte, was 0');
  const schema = view.getUint16(16, true);
  const cursor = new MetadataCursor(bytes, METADATA_FIXED_BYTES, symbolBytes, path);
  const definitionBytes = cursor.count(1);
  cursor.at += definitionBytes; // of the schema; there are none so far
  return {
    version, dataset: cText(bytes.subarray(0, 16)),
    schema: SCHEMAS[schema] ?? (schema === 0xffff ? 'mixed' : `schema ${schema}`),
    startNs: view.getBigUint64(18, true), endNs: view.getBigUint64(26, true), limit: view.getBigUint64(34, true),
    sendTimes: view.getUint8(kinds + 2) !== 0,
    symbols: cursor.symbols(), partial: cursor.symbols(), notFound: cursor.symbols(), mappings: cursor.mappings(),
  };
}

/** Called for each record with where it lies; valid during the call. */
export type DbnListener = (view: DataView, at: number, bytes: number) => void;

/** Walks the pieces of a file; metadata and records may straddle them. */
export class DbnReader {
  metadata: DbnMetadata | null = null;
  records = 0;
  readonly #path: string;
  readonly #listener: DbnListener;
  readonly #onMetadata: (metadata: DbnMetadata) => void;
  #kept: Uint8Array = new Uint8Array(RECORD_BYTES_MAX);
  #keptBytes = 0;
  #offset = 0;

  constructor(path: string, listener: DbnListener, onMetadata: (metadata: DbnMetadata) => void = () => {}) {
    this.#path = path;
    this.#listener = listener;
    this.#onMetadata = onMetadata;
  }

  /** Takes the next piece. Throws RecordingError. */
  push(piece: Uint8Array): void {
    const bytes = this.#joined(piece);
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    let at = this.metadata === null ? this.#readMetadata(bytes, view) : 0;
    while (at < bytes.length && this.metadata !== null) {
      const length = bytes[at] * WORD_BYTES;
      if (length < RECORD_HEADER_BYTES) {
        throw new RecordingError(this.#path, this.#offset + at, `expected a record of at least ${RECORD_HEADER_BYTES} bytes, was ${length}`);
      }
      if (at + length > bytes.length) break;
      if (bytes[at + 1] === DbnType.Mbo && length < MBO_BYTES) {
        throw new RecordingError(this.#path, this.#offset + at, `expected ${MBO_BYTES} bytes of an mbo record, was ${length}`);
      }
      this.records++;
      this.#listener(view, at, length);
      at += length;
    }
    this.#offset += at;
    this.#keep(bytes.subarray(at));
  }

  /** At the end of the recording. Throws RecordingError when it ends within a record, or before the first. */
  finish(): void {
    if (this.metadata === null) {
      throw new RecordingError(this.#path, this.#offset, 'expected DBN metadata, was the end of the file');
    }
    if (this.#keptBytes === 0) return;
    throw new RecordingError(this.#path, this.#offset, `expected a whole record, was the end after ${this.#keptBytes} bytes of it`);
  }

  #joined(piece: Uint8Array): Uint8Array {
    if (this.#keptBytes === 0) return piece;
    const joined = new Uint8Array(this.#keptBytes + piece.length);
    joined.set(this.#kept.subarray(0, this.#keptBytes));
    joined.set(piece, this.#keptBytes);
    return joined;
  }

  #keep(rest: Uint8Array): void {
    if (rest.length > this.#kept.length) this.#kept = new Uint8Array(rest.length * 2);
    this.#kept.set(rest);
    this.#keptBytes = rest.length;
  }

  /** Where the records begin; 0 while the metadata is not whole. */
  #readMetadata(bytes: Uint8Array, view: DataView): number {
    if (bytes.length < PREFIX_BYTES) return 0;
    const magic = Buffer.from(bytes.subarray(0, 3)).toString('latin1');
    const version = bytes[3];
    if (magic !== 'DBN') {
      const dbz = view.getUint32(0, true) >>> 4 === 0x184d2a5;
      throw new RecordingError(this.#path, 0, dbz
        ? 'expected DBN, was a DBZ file of before 2023: convert it with `dbn`'
        : 'expected "DBN" and its metadata, was something else (a fragment without metadata cannot be read by itself)');
    }
    if (version < 1 || version > VERSION_MAX) {
      throw new RecordingError(this.#path, 3, `expected DBN version 1 … ${VERSION_MAX}, was ${version}`);
    }
    const length = view.getUint32(4, true);
    if (length > METADATA_BYTES_MAX) {
      throw new RecordingError(this.#path, 4, `expected metadata of at most ${METADATA_BYTES_MAX} bytes, was ${length}`);
    }
    if (bytes.length < PREFIX_BYTES + length) return 0;
    this.metadata = readDbnMetadata(bytes.subarray(PREFIX_BYTES, PREFIX_BYTES + length), version, this.#path);
    this.#onMetadata(this.metadata);
    return PREFIX_BYTES + length;
  }
}
