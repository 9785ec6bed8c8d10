import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, statSync, symlinkSync, writeFileSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { MappedFile, MappedFileError, sharedMemoryFolder } from './mapped_file.ts';

const folder = mkdtempSync(join(sharedMemoryFolder() ?? tmpdir(), 'outcry-test-'));
test.after(() => rmSync(folder, { recursive: true }));
const linux = process.platform === 'linux';

for (const direct of [true, false]) {
  const how = direct ? 'mapped' : 'copied';

  test(`${how}: what one side stores the other reads`, () => {
    const path = join(folder, `pair-${how}`);
    const ours = MappedFile.create(path, 10_000, direct);
    const theirs = MappedFile.open(path, false, direct);
    assert.equal(ours.mapped, direct && linux);
    assert.equal(theirs.buffer.byteLength, 10_000);
    new Float64Array(ours.buffer, 0, 1_000)[999] = 42.5;
    ours.flush();
    theirs.refresh();
    assert.equal(new Float64Array(theirs.buffer, 0, 1_000)[999], 42.5);
    assert.equal(statSync(path).mode & 0o777, process.platform === 'win32' ? 0o666 : 0o600);
    assert.equal(theirs.replaced, false);
    MappedFile.create(path, 64, direct).close();
    assert.equal(theirs.replaced, true);
    // The old contents are still there for whoever has them.
    assert.equal(new Float64Array(theirs.buffer, 0, 1_000)[999], 42.5);
    rmSync(path);
    assert.equal(theirs.replaced, true);
    ours.close();
    theirs.close();
  });
}

test('what is given back has no bytes for anybody who still looks', () => {
  for (const direct of [true, false]) {
    const file = MappedFile.create(join(folder, 'released'), 1 << 20, direct);
    const view = new Float64Array(file.buffer);
    view[5] = 7;
    file.release();
    assert.deepEqual([view.length, view[5], file.buffer.byteLength], [0, undefined, 0]);
    view[5] = 8; // into nothing
  }
  assert.ok(!linux || !readFileSync('/proc/self/maps', 'latin1').includes(join(folder, 'released')));
});

test('another process sees stores of this one, and they outlive it', { skip: !linux && 'Linux maps files' }, () => {
  const path = join(folder, 'outlives');
  const program = `
    import { MappedFile } from ${JSON.stringify(new URL('mapped_file.ts', import.meta.url).href)};
    const file = MappedFile.create(${JSON.stringify(path)}, 4096);
    new Int32Array(file.buffer)[7] = 1234;
    process.kill(process.pid, 'SIGKILL');`;
  const { signal } = spawnSync(process.execPath, ['--input-type=module', '-e', program]);
  assert.equal(signal, 'SIGKILL');
  const file = MappedFile.open(path);
  assert.equal(new Int32Array(file.buffer)[7], 1234);
  file.close();
});

test('a file is never made through a link, and an empty one is refused', () => {
  const victim = join(folder, 'victim');
  const link = join(folder, 'link');
  writeFileSync(victim, 'keep');
  symlinkSync(victim, link);
  MappedFile.create(link, 16).close();
  assert.equal(readFileSync(victim, 'utf8'), 'keep');
  writeFileSync(victim, '');
  assert.throws(() => MappedFile.open(victim), MappedFileError);
  assert.throws(() => MappedFile.create(link, 0), /bytes was 0/);
});
