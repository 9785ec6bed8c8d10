// A directory of the file system as a journal's storage, through Node's synchronous calls.
//
// A write of a record costs 0.8 µs through `fs.writeSync`, a sync 100 µs and more: calling the C
// library directly would save nothing that counts. `sync` is fdatasync: with zeros written ahead a
// record changes no metadata, so the file system writes the record's sectors and nothing else.
//
// The lock is `flock` on the file "lock" where the C library can be called (Linux): the kernel gives
// it back however the process ends. Elsewhere that file names the process that holds it, and one
// that is no longer alive does not count; two processes that start in the same millisecond can both
// pass there.
import {
  closeSync,
  existsSync,
  fdatasyncSync,
  fstatSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  renameSync,
  statSync,
  unlinkSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { LibcUnavailableError, loadLibc } from '../os/libc.ts';
import type { Libc } from '../os/libc.ts';
import { type Storage, StorageError, type StorageFile, StorageLockedError } from './storage.ts';

/** Zeros are written in portions of this size. */
const ZEROS_BYTES = 1 << 20;
const LOCK_NAME = 'lock';
const LOCK_EXCLUSIVE_NOW = 2 | 4; // LOCK_EX | LOCK_NB

export interface FileStorageOptions {
  /** Makes the directory where there is none. */
  readonly create?: boolean;
}

export class FileStorage implements Storage {
  readonly name: string;
  readonly #directory: string;
  #lock: { release(): void } | null = null;

  constructor(directory: string, options: FileStorageOptions = {}) {
    this.name = directory;
    this.#directory = directory;
    this.#try(options.create === true ? 'make' : 'open', '', () => {
      if (options.create === true) makeDirectory(directory);
      if (!statSync(directory).isDirectory()) {
        throw new StorageError('ENOTDIR', `expected a directory, was a file: ${directory}`);
      }
    });
  }

  list(): string[] {
    return this.#try('list', '', () =>
      readdirSync(this.#directory, { withFileTypes: true })
        .filter((entry) => entry.isFile() && entry.name !== LOCK_NAME)
        .map((entry) => entry.name)
        .toSorted(),
    );
  }

  has(name: string): boolean {
    return existsSync(join(this.#directory, name));
  }

  create(name: string, bytes: number): StorageFile {
    const path = join(this.#directory, name);
    const file = this.#try('create', name, () => new DiskFile(name, path, openSync(path, 'wx+')));
    try {
      const zeros = new Uint8Array(Math.min(bytes, ZEROS_BYTES));
      for (let at = 0; at < bytes; at += zeros.length) {
        file.writeAt(zeros, 0, Math.min(zeros.length, bytes - at), at);
      }
    } catch (error) {
      file.close();
      throw error;
    }
    return file;
  }

  open(name: string): StorageFile {
    const path = join(this.#directory, name);
    return this.#try('open', name, () => new DiskFile(name, path, openForUse(path)));
  }

  rename(from: string, to: string): void {
    this.#try('rename', from, () =>
      renameSync(join(this.#directory, from), join(this.#directory, to)),
    );
  }

  remove(name: string): void {
    this.#try('remove', name, () => unlinkSync(join(this.#directory, name)));
  }

  syncDirectory(): void {
    if (process.platform === 'win32') return; // has no such call, and keeps the order by itself
    this.#try('sync', '', () => {
      const fd = openSync(this.#directory, 'r');
      try {
        fsyncSync(fd);
      } finally {
        closeSync(fd);
      }
    });
  }

  lock(): void {
    if (this.#lock !== null) return;
    this.#lock = this.#try('lock', LOCK_NAME, () => lockFile(this.#directory));
  }

  close(): void {
    this.#lock?.release();
    this.#lock = null;
  }

  #try<T>(what: string, name: string, action: () => T): T {
    return attempt(what, name === '' ? this.#directory : join(this.#directory, name), action);
  }
}

class DiskFile implements StorageFile {
  readonly name: string;
  readonly #path: string;
  readonly #fd: number;

  constructor(name: string, path: string, fd: number) {
    this.name = name;
    this.#path = path;
    this.#fd = fd;
  }

  get bytes(): number {
    return attempt('look at', this.#path, () => fstatSync(this.#fd).size);
  }

  readAt(target: Uint8Array, targetAt: number, length: number, at: number): number {
    let done = 0;
    try {
      while (done < length) {
        const read = readSync(this.#fd, target, targetAt + done, length - done, at + done);
        if (read === 0) break;
        done += read;
      }
    } catch (error) {
      throw asStorageError('read', this.#path, error);
    }
    return done;
  }

  writeAt(source: Uint8Array, sourceAt: number, length: number, at: number): void {
    let done = 0;
    try {
      while (done < length) {
        done += writeSync(this.#fd, source, sourceAt + done, length - done, at + done);
      }
    } catch (error) {
      throw asStorageError('write', this.#path, error);
    }
  }

  sync(): void {
    try {
      fdatasyncSync(this.#fd);
    } catch (error) {
      throw asStorageError('sync', this.#path, error);
    }
  }

  close(): void {
    closeSync(this.#fd);
  }
}

/** For reading and writing; for reading only where nobody may write. */
function openForUse(path: string): number {
  try {
    return openSync(path, 'r+');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== 'EACCES' && code !== 'EROFS') throw error;
    return openSync(path, 'r');
  }
}

/**
 * Makes a directory and those above it that are missing. Not by Node's `recursive`: where a file system
 * answers ENOENT although the directory above is there, as /proc does, that never returns.
 */
function makeDirectory(directory: string): void {
  const missing: string[] = [];
  for (let path = resolve(directory); !existsSync(path); path = dirname(path)) {
    missing.push(path);
    if (path === dirname(path)) break; // a root that is not there: a drive
  }
  for (const path of missing.toReversed()) makeOne(path);
}

function makeOne(path: string): void {
  try {
    mkdirSync(path);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === undefined) throw error;
    if (code === 'EEXIST' && existsSync(path)) return; // another process was faster
    throw new StorageError(
      code,
      `cannot make directory ${path}: ${reasonOf(message)} (${code}): ` +
        'give a directory that exists, or one that can be made',
      { cause: error },
    );
  }
}

/** The system's words alone, of a message of Node's. */
function reasonOf(message: string): string {
  return message.replace(/^\w+: /, '').replace(/, \w+.*$/, '');
}

function attempt<T>(what: string, path: string, action: () => T): T {
  try {
    return action();
  } catch (error) {
    throw asStorageError(what, path, error);
  }
}

function asStorageError(what: string, path: string, thrown: unknown): Error {
  const error = thrown as NodeJS.ErrnoException;
  const { code } = error;
  if (error instanceof StorageError || code === undefined) return error;
  return new StorageError(code, `cannot ${what} ${path}: ${reasonOf(error.message)} (${code})`, {
    cause: error,
  });
}

// ── the lock ─────────────────────────────────────────────────────────────────────────────────

function lockFile(directory: string): { release(): void } {
  const path = join(directory, LOCK_NAME);
  const libc = libcOrNull();
  return libc === null ? lockByName(directory, path) : lockByKernel(libc, directory, path);
}

function libcOrNull(): Libc | null {
  try {
    return loadLibc();
  } catch (error) {
    if (!(error instanceof LibcUnavailableError)) throw error;
    return null;
  }
}

function lockByKernel(libc: Libc, directory: string, path: string): { release(): void } {
  const fd = openSync(path, 'a+');
  if (libc.flock(fd, LOCK_EXCLUSIVE_NOW) !== 0) {
    closeSync(fd);
    throw new StorageLockedError(directory, holderOf(path));
  }
  writeFileSync(path, `${process.pid}\n`); // for the message of whoever comes
  return { release: () => closeSync(fd) };
}

export function lockByName(directory: string, path: string): { release(): void } {
  if (existsSync(path)) {
    const pid = Number(readFileSync(path, 'utf8'));
    if (isAlive(pid)) throw new StorageLockedError(directory, `process ${pid}`);
    unlinkSync(path);
  }
  try {
    writeFileSync(path, `${process.pid}\n`, { flag: 'wx' });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    throw new StorageLockedError(directory, holderOf(path));
  }
  return { release: () => unlinkSync(path) };
}

function holderOf(path: string): string {
  const pid = readFileSync(path, 'utf8').trim();
  return pid === '' ? '' : `process ${pid}`;
}

function isAlive(pid: number): boolean {
  if (!Number.isInteger(pid) || pid <= 0) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
