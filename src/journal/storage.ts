// What the journal needs of a disk: one directory of files, written at places, synced. The only way
// from this folder to the outside; `FileStorage` is a real directory, `MemoryStorage` a faulty disk
// for tests and simulation.
//
// What holds, and no more:
//   writeAt      the file has it; it survives the death of this process, not that of the machine
//   sync         what was written to this file survives that, too; after an error nothing is known
//                of it, and asking again proves nothing (the kernel may have dropped the pages)
//   create, rename, remove    survive the death of the machine after `syncDirectory`
// Every call blocks until it is done. Failures are StorageErrors with the system's code.

export interface Storage {
  /** For messages. */
  readonly name: string;
  /** Names of all files, sorted. */
  list(): string[];
  has(name: string): boolean;
  /** A new file of `bytes` zeros, which are written, not left out: later writes allocate nothing. */
  create(name: string, bytes: number): StorageFile;
  open(name: string): StorageFile;
  /** Replaces `to` where it exists. */
  rename(from: string, to: string): void;
  remove(name: string): void;
  syncDirectory(): void;
  /**
   * Keeps every other writer out until `close`, or the end of this process, however it ends. Throws
   * a StorageLockedError when there is one already.
   */
  lock(): void;
  close(): void;
}

export interface StorageFile {
  readonly name: string;
  /** Its size. */
  readonly bytes: number;
  /** Up to `length` bytes from `at` into `target`; returns how many there were. */
  readAt(target: Uint8Array, targetAt: number, length: number, at: number): number;
  /** All of them, or an error. Behind the end of the file it grows. */
  writeAt(source: Uint8Array, sourceAt: number, length: number, at: number): void;
  sync(): void;
  close(): void;
}

/** Failed I/O. `code` is the system's: EIO, ENOSPC, ENOENT, EACCES, … */
export class StorageError extends Error {
  override readonly name: string = 'StorageError';
  readonly code: string;

  constructor(code: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** Another process, or another journal of this one, writes there. */
export class StorageLockedError extends StorageError {
  override readonly name = 'StorageLockedError';

  constructor(where: string, holder: string) {
    super(
      'ELOCKED',
      `the journal in ${where} is in use${holder === '' ? '' : ` by ${holder}`}: ` +
        'end that one first, or give another directory',
    );
  }
}
