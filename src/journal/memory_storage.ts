// A disk in memory that does everything to a journal that disks do: for tests and for simulation.
//
//   mount() ─► Storage ─ writeAt ─► cached ─ sync ─► durable          one file: what the process sees,
//                                     │                  │            and what the machine has
//        killProcess(): handles end, locks are given back; cached stays
//        losePower():   handles end; of each sector written since the last sync one of its versions
//                       stays, old or new, whatever was written first; of the changes to the directory
//                       since its last sync the first few stay
//
// Faults, each with its own rate, all from one seed: EIO of write, sync and read; writes that land
// elsewhere; syncs that take long; a full disk. A failed sync keeps some of the sectors, forgets that
// the others were never written, and succeeds when asked again, as Linux does. Bits flip by `flipBit`.
// `diesAt` ends the process amid the n-th operation, so that a test can try each; the test says then
// whether the machine went with it (`losePower`).
// Sectors are written whole or not at all; a disk that tears inside a sector is not modelled.
// Cost: all in memory, every version of every unsynced sector: for segments of kilobytes.
import { assert } from '../base/assert.ts';
import { Prng } from '../base/prng.ts';
import { type Storage, StorageError, type StorageFile, StorageLockedError } from './storage.ts';

export const DISK_SECTOR_BYTES = 512;

export interface DiskFaults {
  /** Bytes of all files together. */
  capacityBytes: number;
  /** Probabilities, 0 … 1, of an EIO. */
  writeErrorRate: number;
  syncErrorRate: number;
  readErrorRate: number;
  /** … of a write that lands elsewhere, in its own file or another. */
  misdirectedRate: number;
  /** … of a sync that takes `slowSyncNs`. */
  slowSyncRate: number;
  slowSyncNs: number;
  /** Told how long a slow sync takes: simulated time, or nothing. */
  onSlow: (ns: number) => void;
  /** Number of the operation amid which the process dies; 0: none. */
  diesAt: number;
}

const NO_FAULTS: DiskFaults = {
  capacityBytes: Infinity,
  writeErrorRate: 0,
  syncErrorRate: 0,
  readErrorRate: 0,
  misdirectedRate: 0,
  slowSyncRate: 0,
  slowSyncNs: 5e9,
  onSlow: () => {},
  diesAt: 0,
};

/** The process that called has died: nothing of it runs on. */
export class DiedError extends Error {
  override readonly name = 'DiedError';
}

/**
 * Which version of a sector stays: 0 is the one before the first unsynced write, `versions` the
 * latest.
 */
export type SectorChoice = (file: string, sector: number, versions: number) => number;

/** What a sector was after a write: bytes in its file's store; fewer than a sector where the file ended. */
interface Version {
  readonly at: number;
  readonly bytes: number;
}

function grownTo(bytes: number, from: Uint8Array): Uint8Array {
  const grown = new Uint8Array(bytes);
  grown.set(from);
  return grown;
}

/** A file, whatever it is called. */
class Inode {
  cached: Uint8Array = new Uint8Array(0);
  durable: Uint8Array = new Uint8Array(0);
  /** Contents of sectors after each write since the last sync. */
  readonly versions = new Map<number, Version[]>();
  /** The contents of all versions, one behind the other: a buffer each would cost more than the writes. */
  #store: Uint8Array = new Uint8Array(0);
  #stored = 0;

  grow(bytes: number): void {
    if (bytes > this.cached.length) this.cached = grownTo(bytes, this.cached);
  }

  write(source: Uint8Array, sourceAt: number, length: number, at: number): void {
    this.grow(at + length);
    this.cached.set(source.subarray(sourceAt, sourceAt + length), at);
    const last = Math.floor((at + length - 1) / DISK_SECTOR_BYTES);
    for (let sector = Math.floor(at / DISK_SECTOR_BYTES); sector <= last; sector++) {
      const version = this.#keep(sector * DISK_SECTOR_BYTES);
      const versions = this.versions.get(sector);
      if (versions === undefined) this.versions.set(sector, [version]);
      else versions.push(version);
    }
  }

  /** The cached sector that begins at `from`. */
  #keep(from: number): Version {
    const bytes = Math.min(DISK_SECTOR_BYTES, this.cached.length - from);
    const at = this.#stored;
    if (at + bytes > this.#store.length) this.#store = grownTo(2 * (at + DISK_SECTOR_BYTES), this.#store);
    this.#store.set(this.cached.subarray(from, from + bytes), at);
    this.#stored += bytes;
    return { at, bytes };
  }

  restore(content: Uint8Array): void {
    this.cached = content.slice();
    this.durable = content.slice();
    this.versions.clear();
    this.#stored = 0;
  }

  /** What is known to be written becomes durable: not what a failed sync has forgotten. */
  settle(): void {
    this.choose((_, versions) => versions);
  }

  /** Of every sector written since the last sync the chosen version becomes the durable one. */
  choose(choice: (sector: number, versions: number) => number): void {
    let bytes = this.durable.length;
    const kept: { readonly from: number; readonly version: Version }[] = [];
    for (const [sector, versions] of this.versions) {
      const chosen = choice(sector, versions.length);
      if (chosen === 0) continue;
      const version = versions[chosen - 1];
      const from = sector * DISK_SECTOR_BYTES;
      kept.push({ from, version });
      bytes = Math.max(bytes, from + version.bytes);
    }
    if (bytes > this.durable.length) this.durable = grownTo(bytes, this.durable);
    for (const { from, version } of kept) this.durable.set(this.#store.subarray(version.at, version.at + version.bytes), from);
    this.versions.clear();
    this.#stored = 0;
  }
}

/** What happened to a directory since its last sync, in order. */
type Change = (names: Map<string, Inode>) => void;

export class MemoryDisk {
  /** Operations so far, over all mounts. */
  operations = 0;
  /** Faults that have struck. */
  faultsStruck = 0;
  /** Zeros have landed elsewhere: what they covered has left no trace. */
  erased = false;
  readonly faults: DiskFaults;
  readonly #prng: Prng;
  #names = new Map<string, Inode>();
  #durableNames = new Map<string, Inode>();
  #changes: Change[] = [];
  /** Counts lives: a handle of an earlier one is dead. */
  #life = 0;
  #locked = false;

  constructor(seed: number, faults: Partial<DiskFaults> = {}) {
    this.#prng = new Prng(seed);
    this.faults = { ...NO_FAULTS, ...faults };
  }

  /** The disk as a process of the present life sees it. */
  mount(): Storage {
    return new MemoryStorage(this, this.#life);
  }

  /** The process ends at once: nothing that it has written is lost. */
  killProcess(): void {
    this.#life += 1;
    this.#locked = false;
  }

  /** The machine ends at once. By default any mixture of what was not synced stays. */
  losePower(choice?: SectorChoice): void {
    this.killProcess();
    const kept =
      choice === undefined ? this.#prng.below(this.#changes.length + 1) : this.#changes.length;
    for (const change of this.#changes.slice(0, kept)) change(this.#durableNames);
    this.#changes = [];
    this.#names = new Map(this.#durableNames);
    for (const [name, inode] of this.#names) {
      inode.choose((sector, versions) =>
        choice === undefined ? this.#prng.below(versions + 1) : choice(name, sector, versions),
      );
      inode.cached = inode.durable.slice();
    }
  }

  /** Turns one bit of a file over, on the disk and in the cache. */
  flipBit(name: string, bit: number): void {
    const inode = this.inode(name);
    inode.cached[bit >> 3] ^= 1 << (bit & 7);
    if (bit >> 3 < inode.durable.length) inode.durable[bit >> 3] = inode.cached[bit >> 3];
  }

  /** Makes a file what it was, on the disk and in the cache, as from a copy. */
  restore(name: string, content: Uint8Array): void {
    this.inode(name).restore(content);
  }

  /** A copy of what a process would read, by name. */
  contents(): Map<string, Uint8Array> {
    return new Map([...this.#names].map(([name, inode]) => [name, inode.cached.slice()]));
  }

  /** Sectors of a file that have been written and not synced. */
  unsyncedSectors(name: string): number[] {
    return [...this.inode(name).versions.keys()].toSorted((a, b) => a - b);
  }

  /** A disk with the same contents, all durable, and no faults. */
  copy(seed: number): MemoryDisk {
    const disk = new MemoryDisk(seed);
    for (const [name, bytes] of this.contents()) {
      const inode = new Inode();
      inode.cached = bytes;
      inode.durable = bytes.slice();
      disk.#names.set(name, inode);
      disk.#durableNames.set(name, inode);
    }
    return disk;
  }

  // ── for the storage and its files ──────────────────────────────────────────────────────────

  names(): string[] {
    return [...this.#names.keys()].toSorted();
  }

  has(name: string): boolean {
    return this.#names.has(name);
  }

  inode(name: string): Inode {
    const inode = this.#names.get(name);
    if (inode === undefined) throw new StorageError('ENOENT', `no file ${name}`);
    return inode;
  }

  get usedBytes(): number {
    let sum = 0;
    for (const inode of this.#names.values()) sum += inode.cached.length;
    return sum;
  }

  change(change: Change): void {
    change(this.#names);
    this.#changes.push(change);
  }

  syncDirectory(): void {
    for (const change of this.#changes) change(this.#durableNames);
    this.#changes = [];
  }

  lock(): void {
    if (this.#locked) throw new StorageLockedError('memory', '');
    this.#locked = true;
  }

  unlock(life: number): void {
    if (life === this.#life) this.#locked = false;
  }

  /** Every operation begins here. True: the process dies amid this one. */
  begin(life: number): boolean {
    if (life !== this.#life) throw new DiedError('this process has ended');
    this.operations += 1;
    return this.operations === this.faults.diesAt;
  }

  /** Now. */
  die(): never {
    this.killProcess();
    throw new DiedError(`the process died amid operation ${this.operations}`);
  }

  strikes(rate: number): boolean {
    if (rate === 0 || !this.#prng.chance(rate)) return false;
    this.faultsStruck += 1;
    return true;
  }

  write(inode: Inode, source: Uint8Array, sourceAt: number, length: number, at: number): void {
    if (length === 0) return;
    if (this.strikes(this.faults.misdirectedRate)) {
      this.#misdirect(source, sourceAt, length, at);
      return;
    }
    const grows = Math.max(0, at + length - inode.cached.length);
    const room = this.faults.capacityBytes - this.usedBytes;
    if (grows > room) {
      const fits = Math.max(0, length - (grows - Math.max(0, room)));
      if (fits > 0) inode.write(source, sourceAt, fits, at);
      this.faultsStruck += 1;
      throw new StorageError('ENOSPC', 'no space left on device (ENOSPC)');
    }
    inode.write(source, sourceAt, length, at);
  }

  /** The first part of a write that death, or an error, cuts short: some whole sectors. */
  writePart(inode: Inode, source: Uint8Array, sourceAt: number, length: number, at: number): void {
    const toSectorEnd = DISK_SECTOR_BYTES - (at % DISK_SECTOR_BYTES);
    const sectors = 1 + Math.ceil(Math.max(0, length - toSectorEnd) / DISK_SECTOR_BYTES);
    const written = this.#prng.below(sectors + 1);
    if (written === 0) return;
    const part = Math.min(length, toSectorEnd + (written - 1) * DISK_SECTOR_BYTES);
    inode.write(source, sourceAt, part, at);
  }

  sync(inode: Inode): void {
    const { faults } = this;
    if (this.strikes(faults.slowSyncRate)) faults.onSlow(faults.slowSyncNs);
    if (this.strikes(faults.syncErrorRate)) {
      this.partlySync(inode);
      throw new StorageError('EIO', 'input/output error (EIO)');
    }
    inode.settle();
  }

  /** Some sectors become durable; that the others were ever written is forgotten. */
  partlySync(inode: Inode): void {
    inode.choose((_, versions) => this.#prng.below(versions + 1));
  }

  #misdirect(source: Uint8Array, sourceAt: number, length: number, at: number): void {
    const names = this.names();
    const target = this.inode(names[this.#prng.below(names.length)]);
    const sectors = Math.floor(target.cached.length / DISK_SECTOR_BYTES);
    if (sectors === 0) return;
    const where = this.#prng.below(sectors) * DISK_SECTOR_BYTES + (at % DISK_SECTOR_BYTES);
    const part = Math.min(length, target.cached.length - where);
    if (part <= 0) return;
    target.write(source, sourceAt, part, where);
    if (source.subarray(sourceAt, sourceAt + part).every((byte) => byte === 0)) this.erased = true;
  }
}

class MemoryStorage implements Storage {
  readonly name = 'memory';
  readonly #disk: MemoryDisk;
  readonly #life: number;

  constructor(disk: MemoryDisk, life: number) {
    this.#disk = disk;
    this.#life = life;
  }

  list(): string[] {
    this.#begin();
    return this.#disk.names();
  }

  has(name: string): boolean {
    this.#begin();
    return this.#disk.has(name);
  }

  create(name: string, bytes: number): StorageFile {
    this.#begin();
    if (this.#disk.has(name)) throw new StorageError('EEXIST', `${name} exists`);
    const inode = new Inode();
    this.#disk.change((names) => names.set(name, inode));
    const file = new MemoryFile(this.#disk, this.#life, name, inode);
    if (bytes > 0) file.writeAt(new Uint8Array(bytes), 0, bytes, 0);
    return file;
  }

  open(name: string): StorageFile {
    this.#begin();
    return new MemoryFile(this.#disk, this.#life, name, this.#disk.inode(name));
  }

  rename(from: string, to: string): void {
    this.#begin();
    const inode = this.#disk.inode(from);
    this.#disk.change((names) => {
      names.delete(from);
      names.set(to, inode);
    });
  }

  remove(name: string): void {
    this.#begin();
    assert(this.#disk.has(name), 'only what is there is removed');
    this.#disk.change((names) => names.delete(name));
  }

  syncDirectory(): void {
    this.#begin();
    this.#disk.syncDirectory();
  }

  lock(): void {
    this.#begin();
    this.#disk.lock();
  }

  close(): void {
    this.#disk.unlock(this.#life);
  }

  /** Death comes before the change. */
  #begin(): void {
    if (this.#disk.begin(this.#life)) this.#disk.die();
  }
}

class MemoryFile implements StorageFile {
  readonly name: string;
  readonly #disk: MemoryDisk;
  readonly #life: number;
  readonly #inode: Inode;

  constructor(disk: MemoryDisk, life: number, name: string, inode: Inode) {
    this.#disk = disk;
    this.#life = life;
    this.name = name;
    this.#inode = inode;
  }

  get bytes(): number {
    return this.#inode.cached.length;
  }

  readAt(target: Uint8Array, targetAt: number, length: number, at: number): number {
    if (this.#disk.begin(this.#life)) this.#disk.die();
    if (this.#disk.strikes(this.#disk.faults.readErrorRate)) {
      throw new StorageError('EIO', `cannot read ${this.name}: input/output error (EIO)`);
    }
    const part = this.#inode.cached.subarray(at, at + length);
    target.set(part, targetAt);
    return part.length;
  }

  writeAt(source: Uint8Array, sourceAt: number, length: number, at: number): void {
    const disk = this.#disk;
    if (disk.begin(this.#life)) {
      disk.writePart(this.#inode, source, sourceAt, length, at);
      disk.die();
    }
    if (disk.strikes(disk.faults.writeErrorRate)) {
      disk.writePart(this.#inode, source, sourceAt, length, at);
      throw new StorageError('EIO', `cannot write ${this.name}: input/output error (EIO)`);
    }
    disk.write(this.#inode, source, sourceAt, length, at);
  }

  sync(): void {
    if (this.#disk.begin(this.#life)) {
      this.#disk.partlySync(this.#inode);
      this.#disk.die();
    }
    this.#disk.sync(this.#inode);
  }

  close(): void {}
}
