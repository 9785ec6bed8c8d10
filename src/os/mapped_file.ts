// A file as memory that processes share: mapped where the system allows it, a copy of it elsewhere.
//
//   Linux     mmap, MAP_SHARED: a store here is a load there. In /dev/shm no disk is ever involved, and what
//             was stored stays when the process is killed: the pages are the system's.
//   elsewhere ordinary memory, written to the file by `flush` and read from it by `refresh`
//
// Cost: none after opening where it is mapped. After `close` the mapping stays until the process ends, so nobody can touch memory
// that has gone; `release` takes it from all who have a view. Pages that are never touched take no memory.
// Limits: whoever truncates a mapped file kills those who touch the missing pages (SIGBUS): nobody here does;
// files are made anew under a new inode instead.
import { closeSync, existsSync, fstatSync, ftruncateSync, openSync, readSync, rmSync, writeSync } from 'node:fs';
import { errnoName, LibcUnavailableError, loadLibc } from './libc.ts';

const PROT_READ = 1;
const PROT_WRITE = 2;
const MAP_SHARED = 1;
/** Where memory is shared without a disk. */
const SHARED_MEMORY = '/dev/shm';

export class MappedFileError extends Error {
  override readonly name = 'MappedFileError';
}

/** The folder of shared memory, or null where the system has none. */
export function sharedMemoryFolder(): string | null {
  return process.platform === 'linux' && existsSync(SHARED_MEMORY) ? SHARED_MEMORY : null;
}

export class MappedFile {
  readonly path: string;
  readonly buffer: ArrayBuffer;
  /** False: `flush` and `refresh` carry the bytes. */
  readonly mapped: boolean;
  readonly #fd: number;
  readonly #writable: boolean;
  /** 0: it is not mapped. */
  readonly #address: bigint;

  private constructor(path: string, fd: number, bytes: number, writable: boolean, direct: boolean) {
    this.path = path;
    this.#fd = fd;
    this.#writable = writable;
    const mapping = direct ? mapped(fd, bytes, writable) : null;
    this.mapped = mapping !== null;
    this.#address = mapping?.address ?? 0n;
    this.buffer = mapping?.view ?? new ArrayBuffer(bytes);
  }

  /** A new file of zeros, for its owner alone, in place of whatever stood there. `direct: false` forces the copy. */
  static create(path: string, bytes: number, direct = true): MappedFile {
    if (!Number.isSafeInteger(bytes) || bytes < 1) throw new RangeError(`bytes was ${bytes}, expected an integer of at least 1`);
    rmSync(path, { force: true }); // never through a link, never under another's feet
    const fd = openSync(path, 'wx+', 0o600);
    try {
      ftruncateSync(fd, bytes);
      return new MappedFile(path, fd, bytes, true, direct);
    } catch (error) {
      closeSync(fd);
      rmSync(path, { force: true });
      throw error;
    }
  }

  /** An existing file, whole. With `writable` stores are seen by everybody who has it mapped. */
  static open(path: string, writable = false, direct = true): MappedFile {
    const fd = openSync(path, writable ? 'r+' : 'r');
    try {
      const { size } = fstatSync(fd);
      if (size === 0) throw new MappedFileError(`${path}: expected a file with contents, was empty`);
      const file = new MappedFile(path, fd, size, writable, direct);
      file.refresh();
      return file;
    } catch (error) {
      closeSync(fd);
      throw error;
    }
  }

  /** Brings the memory into the file where it is not mapped. */
  flush(): void {
    if (!this.mapped && this.#writable) writeSync(this.#fd, new Uint8Array(this.buffer), 0, this.buffer.byteLength, 0);
  }

  /** Brings the file into the memory where it is not mapped. */
  refresh(): void {
    if (!this.mapped) readSync(this.#fd, new Uint8Array(this.buffer), 0, this.buffer.byteLength, 0);
  }

  /** The path leads to other contents now, or nowhere: its owner has ended, or has begun anew. */
  get replaced(): boolean {
    let fd: number;
    try {
      fd = openSync(this.path, 'r');
    } catch {
      return true;
    }
    try {
      return fstatSync(fd).ino !== fstatSync(this.#fd).ino;
    } finally {
      closeSync(fd);
    }
  }

  /** Gives the descriptor back; mapped memory stays readable. Not twice. */
  close(): void {
    closeSync(this.#fd);
  }

  /** Gives the memory back too, for who looks at many files one after the other: whatever views there are have no bytes from here on. */
  release(): void {
    this.close();
    const { byteLength } = this.buffer;
    this.buffer.transfer(); // detaches every view: nobody can touch what goes
    if (this.mapped) loadLibc().munmap(this.#address, byteLength);
  }
}

/** The file's pages as a buffer; null where direct calls are not to be had. */
function mapped(fd: number, bytes: number, writable: boolean): { address: bigint; view: ArrayBuffer } | null {
  let libc;
  try {
    libc = loadLibc();
  } catch (error) {
    if (error instanceof LibcUnavailableError) return null;
    throw error;
  }
  const address = BigInt(libc.mmap(null, bytes, writable ? PROT_READ | PROT_WRITE : PROT_READ, MAP_SHARED, fd, 0));
  // MAP_FAILED is the one address that is no multiple of a page.
  if ((address & 0xfffn) !== 0n) throw new MappedFileError(`mmap of ${bytes} bytes: ${errnoName(libc.errno())}`);
  return { address, view: libc.view(address, bytes) };
}
