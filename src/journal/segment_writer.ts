// Where the journal's next bytes go: the current segment, and the next one when it is full.
//
//   write ─► fits? ─ yes ─► current segment ─► sync
//              └ no ─► rotate: current synced ─► spare, or zeros written now ─► its header, synced
//                      ─► final name ─► directory synced ─► write
//
// Order: the segment before is safely on disk before the next one has its name, and the header
// before any record: so a segment that exists shows that everything before it was acknowledged.
// After an error nothing is tried again: `failed` stays, and every further call throws it.
import { assert } from '../base/assert.ts';
import { crcOfSalt, PREVIOUS_CRC_NONE } from './record.ts';
import {
  checkSizes,
  encodeSegmentHeader,
  payloadBytesIn,
  SEGMENT_BYTES_DEFAULT,
  SEGMENT_HEADER_BYTES,
  segmentHash,
  segmentName,
  SPARE_NAME,
  SPARE_UNFINISHED_NAME,
  type SegmentHeader,
  TEMPORARY_SUFFIX,
} from './segment.ts';
import { type Storage, StorageError, type StorageFile } from './storage.ts';

/** A batch of commands is 256 KiB at most; a configuration of 4,096 instruments comes close to it. */
export const PAYLOAD_BYTES_DEFAULT = 1 << 20;

export interface SegmentOptions {
  /** Size of a new segment, a multiple of 512. Default 64 MiB. */
  readonly segmentBytes?: number;
  /** Largest payload of a record. Default 1 MiB, or what fits. */
  readonly payloadBytesMax?: number;
  /** Which system's journal this is. Default 0. */
  readonly clusterId?: bigint;
  /** Goes into the header of every new segment. Default 0. */
  readonly configurationHash?: bigint;
  /** 64 random bits for the salt of a new segment; the system's generator by default. */
  readonly randomBits?: () => bigint;
}

/** The end of a journal: where the next record goes, and what it follows. */
export interface JournalPosition {
  /** Of the last segment. */
  readonly header: SegmentHeader;
  readonly headerCrc: number;
  /** Where its records end. */
  readonly offset: number;
  readonly nextSequence: number;
  /** `crc` of the last record. */
  readonly lastCrc: number;
}

/** Thrown by every call after a write or a sync has failed: what is on disk is not known any more. */
export class JournalFailedError extends Error {
  override readonly name = 'JournalFailedError';
  readonly code: string;

  constructor(cause: unknown) {
    const { code, message } = cause as { code?: string; message?: string };
    super(`the journal has stopped for good: ${message ?? 'an unknown error'}`, { cause });
    this.code = code ?? 'EUNKNOWN';
  }
}

export class SegmentWriter {
  readonly payloadBytesMax: number;
  /** Set by the first error, for good. */
  failed: JournalFailedError | null = null;
  /** Segments begun by this writer. */
  rotations = 0;
  readonly #storage: Storage;
  readonly #segmentBytes: number;
  readonly #clusterId: bigint;
  readonly #configurationHash: bigint;
  readonly #randomBits: () => bigint;
  readonly #header = new Uint8Array(SEGMENT_HEADER_BYTES);
  #file: StorageFile | null = null;
  #number = 0;
  #headerCrc = 0;
  #saltState = 0;
  #offset = 0;
  #bytes = 0;

  /** At the end of a journal that has been recovered; `null`: there is none yet, segment 1 is made. */
  constructor(storage: Storage, options: SegmentOptions, position: JournalPosition | null) {
    this.#storage = storage;
    this.#segmentBytes = options.segmentBytes ?? SEGMENT_BYTES_DEFAULT;
    this.payloadBytesMax =
      options.payloadBytesMax ?? Math.min(PAYLOAD_BYTES_DEFAULT, payloadBytesIn(this.#segmentBytes));
    checkSizes(this.#segmentBytes, this.payloadBytesMax);
    this.#clusterId = options.clusterId ?? 0n;
    this.#configurationHash = options.configurationHash ?? 0n;
    this.#randomBits = options.randomBits ?? systemRandomBits;
    this.#guard(() => {
      if (position === null) this.#begin(1, PREVIOUS_CRC_NONE);
      else this.#continue(position);
    });
  }

  /** The checksum's state after the current segment's salt. */
  get saltState(): number {
    return this.#saltState;
  }

  fits(length: number): boolean {
    return this.#offset + length <= this.#bytes;
  }

  /** Writes sealed records, which fit; they survive this process, and with `sync` the machine. */
  write(source: Uint8Array, sourceAt: number, length: number): void {
    assert(this.fits(length), 'a write fits into its segment');
    const file = this.#usable();
    try {
      file.writeAt(source, sourceAt, length, this.#offset);
    } catch (error) {
      throw this.#fail(error);
    }
    this.#offset += length;
  }

  sync(): void {
    const file = this.#usable();
    try {
      file.sync();
    } catch (error) {
      throw this.#fail(error);
    }
  }

  /** Ends the current segment, whose last record has `lastCrc`, and begins the next. */
  rotate(nextSequence: number, lastCrc: number): void {
    this.sync();
    this.#guard(() => {
      this.#file?.close();
      this.#file = null;
      this.#begin(nextSequence, lastCrc);
    });
  }

  /** Writes the zeros of the segment after this one ahead, where there are none yet. */
  prepareNext(): void {
    this.#usable();
    this.#guard(() => prepareSpare(this.#storage, this.#segmentBytes));
  }

  close(): void {
    this.#file?.close();
    this.#file = null;
  }

  #continue({ header, headerCrc, offset }: JournalPosition): void {
    this.#file = this.#storage.open(segmentName(header.number));
    this.#bytes = this.#file.bytes;
    this.#number = header.number;
    this.#headerCrc = headerCrc;
    this.#offset = offset;
    this.#takeSalt(header.salt);
  }

  #begin(firstSequence: number, lastCrc: number): void {
    const number = this.#number + 1;
    const header: SegmentHeader = {
      number,
      firstSequence,
      salt: this.#randomBits(),
      previousHash: number === 1 ? 0n : segmentHash(this.#headerCrc, lastCrc),
      configurationHash: this.#configurationHash,
      clusterId: this.#clusterId,
    };
    const temporary = segmentName(number) + TEMPORARY_SUFFIX;
    const file = this.#takeSpare(temporary) ?? zeros(this.#storage, temporary, this.#segmentBytes);
    if (file.bytes !== this.#segmentBytes) {
      // Found by a disk that wrote the zeros elsewhere.
      const was = `expected ${this.#segmentBytes} bytes in the new ${temporary}, was ${file.bytes}`;
      throw new StorageError('EIO', was);
    }
    this.#headerCrc = encodeSegmentHeader(this.#header, header);
    file.writeAt(this.#header, 0, SEGMENT_HEADER_BYTES, 0);
    file.sync();
    this.#storage.rename(temporary, segmentName(number));
    this.#storage.syncDirectory();
    this.#file = file;
    this.#number = number;
    this.#offset = SEGMENT_HEADER_BYTES;
    this.#bytes = file.bytes;
    this.rotations += 1;
    this.#takeSalt(header.salt);
  }

  /** The zeros that were written ahead, when there are any. */
  #takeSpare(name: string): StorageFile | null {
    if (!this.#storage.has(SPARE_NAME)) return null;
    this.#storage.rename(SPARE_NAME, name);
    return this.#storage.open(name);
  }

  #takeSalt(salt: bigint): void {
    this.#saltState = crcOfSalt(
      Number(BigInt.asIntN(32, salt)),
      Number(BigInt.asIntN(32, salt >> 32n)),
    );
  }

  #usable(): StorageFile {
    if (this.failed !== null) throw this.failed;
    if (this.#file === null) throw new Error('the journal has been closed');
    return this.#file;
  }

  #guard(action: () => void): void {
    try {
      action();
    } catch (error) {
      throw this.#fail(error);
    }
  }

  #fail(error: unknown): JournalFailedError {
    this.failed ??= error instanceof JournalFailedError ? error : new JournalFailedError(error);
    return this.failed;
  }
}

/** Writes a segment's zeros ahead, where there are none yet; whole when they have their name. */
export function prepareSpare(storage: Storage, segmentBytes: number): void {
  if (storage.has(SPARE_NAME)) return;
  if (storage.has(SPARE_UNFINISHED_NAME)) storage.remove(SPARE_UNFINISHED_NAME);
  zeros(storage, SPARE_UNFINISHED_NAME, segmentBytes).close();
  storage.rename(SPARE_UNFINISHED_NAME, SPARE_NAME);
}

function zeros(storage: Storage, name: string, bytes: number): StorageFile {
  const file = storage.create(name, bytes);
  file.sync();
  return file;
}

function systemRandomBits(): bigint {
  const [bits] = crypto.getRandomValues(new BigUint64Array(1));
  return bits;
}
