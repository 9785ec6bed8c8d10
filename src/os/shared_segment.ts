// A file in /dev/shm that processes map and share: made by the first, removed by the last.
//
//   open ─► lock ─► (size 0: ours to lay out) ─► map ─► … ─► lock ─► unlink when last ─► close
//
// The file belongs to its user alone (0600): what lies there under another owner, or is no plain file, is
// refused. Tables in it change under `lock`, a lock of the file that the kernel takes back from a process that
// dies: nobody is ever locked out by the dead. Between opening and locking the last user may have removed the
// file; `isCurrent` tells, and one opens again.
//
// The file is sparse. Memory is taken by `reserve`, so that a full /dev/shm (a container has 64 MB) is an answer;
// touching a page that is not to be had would be the end of the process (SIGBUS). So would be a file that another
// process cuts shorter: who may open it is the same user, who could as well send SIGKILL.
// After `close` the addresses stay, over anonymous zeros: a view that outlives the segment harms nobody.
//
// Cost: set-up only. A lock and its release 1 µs; a reservation of 256 KiB some 40 µs. Linux only.
import { closeSync, constants as fs, fstatSync, ftruncateSync, openSync, statSync, unlinkSync } from 'node:fs';
import { constants } from 'node:os';
import { assert } from '../base/assert.ts';
import { errnoName, type Libc, loadLibc } from './libc.ts';

const FOLDER = '/dev/shm';
const NAME = /^\/[A-Za-z0-9][A-Za-z0-9._-]{0,199}$/;
const OWNER_ONLY = 0o600;
const PERMISSION_BITS = 0o777;
const PROT_READ_WRITE = 3;
const MAP_SHARED = 1;
const MAP_PRIVATE = 2;
const MAP_FIXED = 0x10;
const MAP_ANONYMOUS = 0x20;
const MAP_NORESERVE = 0x4000;
const MAP_FAILED = 0xffff_ffff_ffff_ffffn;
const LOCK_EX = 2;
const LOCK_NB = 4;
const LOCK_UN = 8;
/** How long a lock may be waited for: its holders hold it for microseconds. */
const LOCK_WAIT_MS = 5_000;

/** A segment cannot be had; the message says which and why. */
export class SegmentError extends Error {
  override readonly name = 'SegmentError';
}

/** "/NAME", as shm_open takes it. */
function checkSegmentName(name: string): void {
  if (NAME.test(name)) return;
  throw new SegmentError(
    `shared memory: expected a name such as /outcry (a slash, then letters, digits, dot, dash, underscore), was "${name}"`,
  );
}

export class SharedSegment {
  readonly path: string;
  /** True when the file was empty, and is to be laid out. */
  readonly fresh: boolean;
  readonly #libc: Libc;
  readonly #fd: number;
  readonly #bytes: number;
  readonly #address: bigint;
  readonly #pieces = new Map<number, ArrayBuffer>();
  readonly #nap = new Int32Array(new SharedArrayBuffer(4));
  #open = true;

  /** Opens or makes `/dev/shm/NAME` of `bytes` bytes, and returns it locked. */
  static openLocked(name: string, bytes: number): SharedSegment {
    checkSegmentName(name);
    for (;;) {
      const segment = new SharedSegment(FOLDER + name, bytes);
      if (segment.#open) return segment;
    }
  }

  private constructor(path: string, bytes: number) {
    this.#libc = loadLibc();
    this.path = path;
    this.#bytes = bytes;
    this.#fd = openOwned(path);
    this.fresh = false;
    this.#address = 0n;
    try {
      this.lock();
      if (!this.#isCurrent()) {
        this.#open = false;
        closeSync(this.#fd);
        return;
      }
      const { size } = fstatSync(this.#fd);
      this.fresh = size === 0;
      if (this.fresh) ftruncateSync(this.#fd, bytes);
      else if (size !== bytes) {
        throw new SegmentError(
          `${path}: expected ${bytes} bytes, was ${size}: another version made it; end what uses it and remove it`,
        );
      }
      this.#address = BigInt(this.#libc.mmap(null, bytes, PROT_READ_WRITE, MAP_SHARED | MAP_NORESERVE, this.#fd, 0));
      if (this.#address === MAP_FAILED) {
        throw new SegmentError(`${path}: ${bytes} bytes cannot be mapped (${errnoName(this.#libc.errno())})`);
      }
    } catch (error) {
      closeSync(this.#fd);
      throw error;
    }
  }

  /** Bytes `at` … as a buffer; the same buffer for the same place. */
  piece(at: number, bytes: number): ArrayBuffer {
    assert(this.#open && at >= 0 && at + bytes <= this.#bytes, 'a piece lies inside an open segment');
    let piece = this.#pieces.get(at);
    if (piece === undefined) {
      piece = this.#libc.view(this.#address + BigInt(at), bytes);
      this.#pieces.set(at, piece);
    }
    assert(piece.byteLength === bytes, 'a place is looked at with one length');
    return piece;
  }

  /** Takes the memory of bytes `at` …; 0, or a negated error number (ENOSPC). */
  reserve(at: number, bytes: number): number {
    return this.#libc.fallocate(this.#fd, 0, at, bytes) < 0 ? -this.#libc.errno() : 0;
  }

  /** Empties the file and gives its memory back. Only under the lock, and only when nobody else has mapped it. */
  wipe(): void {
    ftruncateSync(this.#fd, 0);
    ftruncateSync(this.#fd, this.#bytes);
  }

  /** Waits until it is ours. */
  lock(): void {
    for (let waitedMs = 0; !this.tryLock(); waitedMs += 1) {
      if (waitedMs >= LOCK_WAIT_MS) throw new SegmentError(`${this.path}: another process has held the lock for ${LOCK_WAIT_MS} ms`);
      Atomics.wait(this.#nap, 0, 0, 1);
    }
  }

  tryLock(): boolean {
    if (this.#libc.flock(this.#fd, LOCK_EX | LOCK_NB) === 0) return true;
    const errno = this.#libc.errno();
    if (errno === constants.errno.EWOULDBLOCK || errno === constants.errno.EINTR) return false;
    throw new SegmentError(`${this.path}: the file cannot be locked (${errnoName(errno)})`);
  }

  unlock(): void {
    this.#libc.flock(this.#fd, LOCK_UN);
  }

  /** Removes the file's name; who has it mapped keeps it. Only under the lock. */
  unlink(): void {
    removeIfThere(this.path);
  }

  /** Gives the memory back, and the lock. Idempotent. */
  close(): void {
    if (!this.#open) return;
    this.#open = false;
    const flags = MAP_PRIVATE | MAP_FIXED | MAP_ANONYMOUS | MAP_NORESERVE;
    const replaced = BigInt(this.#libc.mmap(this.#address, this.#bytes, PROT_READ_WRITE, flags, -1, 0));
    assert(replaced === this.#address, 'a mapping can be replaced');
    this.#pieces.clear();
    closeSync(this.#fd);
  }

  /** Whether the name still leads to this file. */
  #isCurrent(): boolean {
    const found = statSync(this.path, { throwIfNoEntry: false });
    return found !== undefined && found.ino === fstatSync(this.#fd).ino;
  }
}

/** Opens or makes a file of ours; another's is refused. */
function openOwned(path: string): number {
  let fd: number;
  try {
    fd = openSync(path, fs.O_RDWR | fs.O_CREAT | fs.O_NOFOLLOW, OWNER_ONLY);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? String(error);
    throw new SegmentError(`${path}: the file cannot be opened (${code}); it must be a plain file of this user`, { cause: error });
  }
  const { uid, mode } = fstatSync(fd);
  const plain = (mode & fs.S_IFMT) === fs.S_IFREG;
  if (plain && uid === process.geteuid?.() && (mode & PERMISSION_BITS & ~OWNER_ONLY) === 0) return fd;
  closeSync(fd);
  throw new SegmentError(
    `${path}: expected a plain file of user ${process.geteuid?.()} with permissions 600, ` +
      `was user ${uid}, ${(mode & PERMISSION_BITS).toString(8)}`,
  );
}

function removeIfThere(path: string): void {
  try {
    unlinkSync(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
}
