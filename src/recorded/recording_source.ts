// The bytes of a recording, in pieces: a file as it is, or packed with gzip or zstd (told by its first
// bytes, whatever its name says). Several packed streams one after the other are one.
//
// Pieces keep a long recording out of memory: a day of NASDAQ is 8 GB. `bytesRead` counts what was
// taken from the disk, so that progress can be shown against the file's size.
import { createReadStream, openSync, closeSync, readSync, statSync } from 'node:fs';
import { createGunzip, createZstdDecompress } from 'node:zlib';

/** A recording that is not what it should be; says where. */
export class RecordingError extends Error {
  override readonly name = 'RecordingError';
  readonly path: string;
  /** Of the unpacked bytes; −1: unknown. */
  readonly offset: number;

  constructor(path: string, offset: number, what: string) {
    super(offset < 0 ? `${path}: ${what}` : `${path}: byte ${offset}: ${what}`);
    this.path = path;
    this.offset = offset;
  }
}

export type Packing = 'none' | 'gzip' | 'zstd';

const MAGIC_BYTES = 4;
const CHUNK_BYTES = 1 << 20;

/** How the file is packed, by its first bytes. */
function packingOf(path: string): Packing {
  const head = new Uint8Array(MAGIC_BYTES);
  const file = openSync(path, 'r');
  try {
    readSync(file, head, 0, MAGIC_BYTES, 0);
  } finally {
    closeSync(file);
  }
  if (head[0] === 0x1f && head[1] === 0x8b) return 'gzip';
  if (head[0] === 0x28 && head[1] === 0xb5 && head[2] === 0x2f && head[3] === 0xfd) return 'zstd';
  return 'none';
}

/** The unpacked bytes of a file, piece by piece; a piece is valid until the next is asked for. */
export class RecordingSource implements AsyncIterable<Uint8Array> {
  readonly path: string;
  readonly packing: Packing;
  readonly fileBytes: number;
  /** Of the file, packed as it is. */
  bytesRead = 0;

  constructor(path: string) {
    this.path = path;
    this.fileBytes = statSync(path).size;
    this.packing = packingOf(path);
  }

  async *[Symbol.asyncIterator](): AsyncIterator<Uint8Array> {
    const file = createReadStream(this.path, { highWaterMark: CHUNK_BYTES });
    file.on('data', (chunk: string | Buffer) => {
      this.bytesRead += chunk.length;
    });
    if (this.packing === 'none') {
      yield* file as AsyncIterable<Uint8Array>;
      return;
    }
    const unpack = this.packing === 'gzip' ? createGunzip() : createZstdDecompress();
    file.once('error', (error) => unpack.destroy(error));
    file.pipe(unpack);
    try {
      yield* unpack as AsyncIterable<Uint8Array>;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).syscall !== undefined) throw error;
      const what = error instanceof Error ? error.message : String(error);
      throw new RecordingError(this.path, -1, `the ${this.packing} data is damaged or cut off: ${what}`);
    } finally {
      file.destroy();
    }
  }
}
