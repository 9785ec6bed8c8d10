// Files whose bytes are in memory, as a Storage that can only be read: what a page was given of a journal.
import { type Storage, StorageError, type StorageFile } from '../journal/storage.ts';

/** A journal's files by name. */
export type JournalFiles = ReadonlyMap<string, Uint8Array>;

export class ByteStorage implements Storage {
  readonly name: string;
  readonly #files: JournalFiles;

  constructor(name: string, files: JournalFiles) {
    this.name = name;
    this.#files = files;
  }

  list(): string[] {
    return [...this.#files.keys()].toSorted();
  }

  has(name: string): boolean {
    return this.#files.has(name);
  }

  open(name: string): StorageFile {
    const bytes = this.#files.get(name);
    if (bytes === undefined) throw new StorageError('ENOENT', `${name} is not among the files of ${this.name}`);
    return {
      name,
      bytes: bytes.length,
      readAt: (target, targetAt, length, at) => {
        const part = bytes.subarray(at, at + length);
        target.set(part, targetAt);
        return part.length;
      },
      writeAt: readOnly,
      sync: readOnly,
      close: () => {},
    };
  }

  create(): never {
    return readOnly();
  }

  rename(): never {
    return readOnly();
  }

  remove(): never {
    return readOnly();
  }

  syncDirectory(): never {
    return readOnly();
  }

  lock(): never {
    return readOnly();
  }

  close(): void {}
}

function readOnly(): never {
  throw new StorageError('EROFS', 'a journal that is looked at is not changed');
}
