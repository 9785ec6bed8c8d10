// What every storage must do, on a real directory and on the disk in memory.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { FileStorage, lockByName } from './file_storage.ts';
import { MemoryDisk } from './memory_storage.ts';
import { type Storage, StorageError, StorageLockedError } from './storage.ts';

interface Place {
  readonly kind: string;
  /** The same place, for another process each time. */
  readonly open: (t: TestContext) => () => Storage;
}

const PLACES: readonly Place[] = [
  {
    kind: 'directory',
    open: (t) => {
      const directory = temporaryDirectory(t);
      return () => new FileStorage(directory);
    },
  },
  {
    kind: 'memory',
    open: () => {
      const disk = new MemoryDisk(1);
      return () => disk.mount();
    },
  },
];

function temporaryDirectory(t: TestContext): string {
  const directory = mkdtempSync(join(tmpdir(), 'outcry-storage-'));
  t.after(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);
const bytes = (of: string): Uint8Array => new TextEncoder().encode(of);
const codeIs = (code: string) => (error: unknown) =>
  error instanceof StorageError && error.code === code;

for (const { kind, open } of PLACES) {
  test(`${kind}: files are made with zeros, written at places, grow, and are read again`, (t) => {
    const mount = open(t);
    const storage = mount();
    const file = storage.create('b', 1000);
    assert.equal(file.bytes, 1000);
    file.writeAt(bytes('xhello'), 1, 5, 998);
    assert.equal(file.bytes, 1003);
    file.sync();
    file.close();
    storage.create('a', 0).close();
    storage.syncDirectory();
    assert.deepEqual(mount().list(), ['a', 'b']);
    const again = mount().open('b');
    const read = new Uint8Array(20).fill(1);
    assert.equal(again.readAt(read, 2, 10, 995), 8, 'as many as there are');
    assert.equal(text(read.subarray(2, 10)), '\0\0\0hello');
    assert.equal(again.readAt(read, 0, 10, 2000), 0);
    again.close();
  });

  test(`${kind}: renaming replaces, removing removes, and what is not there has a code`, (t) => {
    const storage = open(t)();
    storage.create('old', 0).close();
    const file = storage.create('new', 0);
    file.writeAt(bytes('new'), 0, 3, 0);
    file.close();
    storage.rename('new', 'old');
    assert.deepEqual(storage.list(), ['old']);
    assert.ok(storage.has('old') && !storage.has('new'));
    assert.equal(storage.open('old').bytes, 3);
    assert.throws(() => storage.create('old', 0), codeIs('EEXIST'));
    storage.remove('old');
    assert.deepEqual(storage.list(), []);
    assert.throws(() => storage.open('old'), codeIs('ENOENT'));
    assert.throws(() => storage.rename('old', 'x'), codeIs('ENOENT'));
  });

  test(`${kind}: one writer at a time`, (t) => {
    const mount = open(t);
    const first = mount();
    const second = mount();
    first.lock();
    assert.throws(
      () => second.lock(),
      (error: Error) => error instanceof StorageLockedError && /is in use/.test(error.message),
    );
    assert.deepEqual(second.list(), [], 'the lock is none of the files');
    first.close();
    second.lock();
    second.close();
  });
}

test('directory: one that is not there is made only when asked for, and a file is refused', (t) => {
  const directory = temporaryDirectory(t);
  assert.throws(() => new FileStorage(join(directory, 'x')), codeIs('ENOENT'));
  assert.deepEqual(new FileStorage(join(directory, 'x', 'y'), { create: true }).list(), []);
  writeFileSync(join(directory, 'file'), '');
  assert.throws(() => new FileStorage(join(directory, 'file')), /expected a directory, was a file/);
});

// Node's recursive mkdir never returned from /proc/nope, so a trader with that journal span for ever.
test('directory: one that cannot be made is refused with path, reason and remedy', (t) => {
  const directory = temporaryDirectory(t);
  writeFileSync(join(directory, 'file'), '');
  const below = join(directory, 'file', 'x', 'y');
  assert.throws(() => new FileStorage(below, { create: true }), codeIs('ENOTDIR'));
  if (process.platform !== 'linux') return;
  const child = spawnSync(
    process.execPath,
    [
      ...process.execArgv.filter((argument) => !argument.startsWith('--test')),
      '--input-type=module',
      '--eval',
      `import { FileStorage } from ${JSON.stringify(new URL('file_storage.ts', import.meta.url).href)};
       new FileStorage('/proc/nope/journal', { create: true });`,
    ],
    { timeout: 30_000, encoding: 'utf8' },
  );
  assert.equal(child.status, 1, child.stderr);
  assert.match(
    child.stderr,
    /cannot make directory \/proc\/nope: no such file or directory \(ENOENT\): give a directory/,
  );
});

test('directory: the error of a lock names the process that holds it', (t) => {
  const directory = temporaryDirectory(t);
  const storage = new FileStorage(directory);
  storage.lock();
  storage.lock(); // it has it already
  t.after(() => storage.close());
  assert.throws(
    () => new FileStorage(directory).lock(),
    new RegExp(`in use by process ${process.pid}: end that one first`),
  );
});

test('directory: where the kernel has no locks, the file of a process that is gone does not count', (t) => {
  const directory = temporaryDirectory(t);
  const path = join(directory, 'lock');
  const lock = lockByName(directory, path);
  assert.throws(() => lockByName(directory, path), StorageLockedError);
  lock.release();
  writeFileSync(path, '999999999\n');
  lockByName(directory, path).release();
});

// ── the disk in memory does what disks do ────────────────────────────────────────────────────

function sectors(...letters: string[]): Uint8Array {
  return bytes(letters.map((letter) => letter.repeat(512)).join(''));
}

function lettersOf(disk: MemoryDisk, name: string): string {
  const content = text(disk.contents().get(name) ?? bytes(''));
  return content.replaceAll(/(.)\1{511}/gs, '$1').replaceAll('\0', '-');
}

test('memory: what was synced stays, of the rest any sector may be old or new', () => {
  const seen = new Set<string>();
  for (let seed = 1; seed <= 300; seed++) {
    const disk = new MemoryDisk(seed);
    const storage = disk.mount();
    const file = storage.create('f', 0);
    file.writeAt(sectors('a', 'b', 'c'), 0, 1536, 0);
    file.sync();
    storage.syncDirectory();
    file.writeAt(sectors('d', 'e'), 0, 1024, 512);
    file.writeAt(sectors('f'), 0, 512, 512);
    disk.losePower();
    seen.add(lettersOf(disk, 'f'));
  }
  assert.deepEqual([...seen].toSorted(), ['abc', 'abe', 'adc', 'ade', 'afc', 'afe']);
});

test('memory: a process that is killed loses nothing that it wrote, and no handle outlives it', () => {
  const disk = new MemoryDisk(1);
  const storage = disk.mount();
  storage.lock();
  const file = storage.create('f', 0);
  file.writeAt(sectors('a'), 0, 512, 0);
  disk.killProcess();
  assert.throws(() => file.sync(), /this process has ended/);
  assert.equal(lettersOf(disk, 'f'), 'a');
  disk.mount().lock();
  disk.losePower(() => 0);
  assert.equal(lettersOf(disk, 'f'), '', 'nothing of it was synced');
});

test('memory: a rename without a sync of the directory may be lost, one with it is not', () => {
  const seen = new Set<string>();
  for (let seed = 1; seed <= 100; seed++) {
    const disk = new MemoryDisk(seed);
    const storage = disk.mount();
    storage.create('a', 0).close();
    storage.syncDirectory();
    storage.rename('a', 'b');
    if (seed % 2 === 0) storage.syncDirectory();
    disk.losePower();
    seen.add(`${seed % 2 === 0 ? 'synced' : 'not'} ${disk.mount().list().join()}`);
  }
  assert.deepEqual([...seen].toSorted(), ['not a', 'not b', 'synced b']);
});

test('memory: a sync that failed succeeds when asked again, and has lost what it was about', () => {
  let lost = 0;
  for (let seed = 1; seed <= 50; seed++) {
    const disk = new MemoryDisk(seed, { syncErrorRate: 1 });
    const storage = disk.mount();
    const file = storage.create('f', 1024);
    storage.syncDirectory();
    assert.throws(() => file.sync(), codeIs('EIO'));
    disk.faults.syncErrorRate = 0;
    file.writeAt(sectors('a'), 0, 512, 0);
    disk.faults.syncErrorRate = 1;
    assert.throws(() => file.sync(), codeIs('EIO'));
    disk.faults.syncErrorRate = 0;
    file.sync();
    assert.equal(lettersOf(disk, 'f'), 'a-', 'the process reads what it wrote');
    disk.losePower();
    if (!lettersOf(disk, 'f').startsWith('a')) lost += 1;
  }
  assert.ok(lost > 10 && lost < 40, `${lost} of 50`);
});

test('memory: a full disk takes what fits and says so; room can be made', () => {
  const disk = new MemoryDisk(1, { capacityBytes: 1000 });
  const storage = disk.mount();
  assert.throws(() => storage.create('f', 1024), codeIs('ENOSPC'));
  assert.equal(disk.contents().get('f')?.length, 1000);
  storage.remove('f');
  storage.create('g', 1000).writeAt(bytes('x'), 0, 1, 999);
});

test('memory: a write that lands elsewhere leaves its own place as it was', () => {
  const disk = new MemoryDisk(3, { misdirectedRate: 0 });
  const storage = disk.mount();
  const file = storage.create('f', 512 * 8);
  file.sync();
  storage.syncDirectory();
  disk.faults.misdirectedRate = 1;
  file.writeAt(sectors('a'), 0, 512, 0);
  disk.faults.misdirectedRate = 0;
  assert.equal(disk.faultsStruck, 1);
  const letters = lettersOf(disk, 'f');
  assert.ok(letters.includes('a') && !letters.startsWith('a'), letters.replaceAll('-', ''));
});

test('memory: zeros that land elsewhere are remembered, and a file can come back from a copy', () => {
  const disk = new MemoryDisk(3);
  const file = disk.mount().create('f', 512 * 8);
  file.writeAt(sectors('a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'), 0, 512 * 8, 0);
  file.sync();
  disk.mount().syncDirectory();
  const copy = disk.contents().get('f');
  assert.ok(copy !== undefined);
  disk.faults.misdirectedRate = 1;
  file.writeAt(sectors('x'), 0, 512, 0);
  assert.equal(disk.erased, false);
  file.writeAt(new Uint8Array(512), 0, 512, 0);
  assert.equal(disk.erased, true);
  assert.ok(lettersOf(disk, 'f').includes('-'));
  disk.restore('f', copy);
  assert.equal(lettersOf(disk, 'f'), 'abcdefgh');
  disk.losePower(() => 1);
  assert.equal(lettersOf(disk, 'f'), 'abcdefgh', 'durably');
});

test('memory: death amid any operation, of which a write is cut at a sector', () => {
  const seen = new Set<number>();
  for (let seed = 1; seed <= 60; seed++) {
    const disk = new MemoryDisk(seed);
    const storage = disk.mount();
    const file = storage.create('f', 1536);
    disk.faults.diesAt = disk.operations + 1;
    assert.throws(() => file.writeAt(sectors('a', 'b', 'c'), 0, 1500, 20), /died amid operation/);
    assert.throws(() => storage.list(), /this process has ended/);
    seen.add(text(disk.contents().get('f') ?? bytes('')).replaceAll('\0', '').length);
  }
  assert.deepEqual([...seen].toSorted((a, b) => a - b), [0, 492, 1004, 1500]);
});

test('memory: a slow sync says how long it takes', () => {
  let slept = 0;
  const disk = new MemoryDisk(1, {
    slowSyncRate: 1,
    slowSyncNs: 5e9,
    onSlow: (ns) => {
      slept += ns;
    },
  });
  disk.mount().create('f', 10).sync();
  assert.equal(slept, 5e9);
});
