import assert from 'node:assert/strict';
import { fork, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync, existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { sharedMemoryFolder } from '../os/mapped_file.ts';
import { runningStats, SharedStats, StatKind, StatsFormatError, statsPath, StatsReader, type StatDeclaration } from './shared_stats.ts';

const folder = mkdtempSync(join(sharedMemoryFolder() ?? tmpdir(), 'outcry-stats-test-'));
test.after(() => rmSync(folder, { recursive: true }));

const DECLARATIONS: readonly StatDeclaration[] = [
  { name: 'orders_total', kind: StatKind.Counter },
  { name: 'stage_ns{stage="matched"}', kind: StatKind.Histogram, valueMax: 2 ** 36 - 1 },
  { name: 'queue_depth', kind: StatKind.Gauge, apart: true },
];

for (const direct of [true, false]) {
  test(`${direct ? 'mapped' : 'copied'}: a reader sees names, kinds and figures`, () => {
    const stats = SharedStats.create(join(folder, 'one.stats'), 'outcry test', DECLARATIONS, direct);
    const reader = StatsReader.open(stats.file.path, direct);
    assert.equal(reader.title, 'outcry test');
    assert.equal(reader.pid, process.pid);
    assert.deepEqual(reader.names, DECLARATIONS.map(({ name }) => name));
    assert.equal(reader.kind('queue_depth'), StatKind.Gauge);
    const orders = stats.cell('orders_total');
    stats.cells[orders] += 3;
    stats.cells[stats.cell('queue_depth')] = 17.5;
    const histogram = stats.histogram('stage_ns{stage="matched"}');
    histogram.record(900);
    histogram.record(2 ** 40);
    stats.beat();
    reader.refresh();
    assert.equal(reader.value('orders_total'), 3);
    assert.equal(reader.value('queue_depth'), 17.5);
    const seen = reader.histogram('stage_ns{stage="matched"}');
    seen.checkInvariants();
    assert.deepEqual([seen.count, seen.min, seen.max, seen.clamped], [2, 900, 2 ** 40, 1]);
    assert.equal(reader.isAlive, true);
    // Two writers never share a pair of lines.
    assert.notEqual(Math.floor((orders * 8) / 128), Math.floor((stats.cell('queue_depth') * 8) / 128));
    stats.remove();
    assert.equal(existsSync(stats.file.path), false);
    assert.equal(reader.isAlive, false);
    assert.equal(reader.value('orders_total'), 3, 'what was read stays readable');
    reader.close();
  });
}

test('a text is read as it was written last, cut to its room, without what a terminal would obey', () => {
  const stats = SharedStats.create(join(folder, 'text.stats'), 'text', [
    { name: 'state', kind: StatKind.Text, valueMax: 12 }, { name: 'next', kind: StatKind.Counter },
  ]);
  const reader = StatsReader.open(stats.file.path);
  assert.equal(reader.text('state'), '');
  stats.setText('state', 'running');
  assert.equal(reader.text('state'), 'running');
  stats.setText('state', 'a\n\u001b[2Jß');
  assert.equal(reader.text('state'), 'a\n·[2Jß');
  stats.setText('state', 'twelve bytes and more');
  assert.equal(reader.text('state'), 'twelve bytes');
  stats.setText('state', 'eleven byteß'); // thirteen bytes: no half of a character is written
  assert.equal(reader.text('state'), 'eleven byte');
  assert.equal(reader.value('next'), 0, 'what lies behind is untouched');
  assert.throws(() => stats.cell('state'), /expected a number, was a text/);
  assert.throws(() => stats.setText('next', ''), /expected a text, was a number/);
  assert.throws(() => reader.text('next'), /expected a text, was a number/);
  const none = [{ name: 'x', kind: StatKind.Text }];
  assert.throws(() => SharedStats.create(join(folder, 'none.stats'), '', none), /expected 1 … 4096 bytes, was 0/);
  reader.close();
  stats.remove();
});

test('names that do not exist, and the wrong kind of entry, are said', () => {
  const stats = SharedStats.create(join(folder, 'names.stats'), '', DECLARATIONS);
  assert.throws(() => stats.cell('orders'), /entry was "orders", expected one of orders_total/);
  assert.throws(() => stats.histogram('orders_total'), /expected a histogram, was a number/);
  assert.throws(() => stats.cell('stage_ns{stage="matched"}'), /expected a number, was a histogram/);
  const twice = [DECLARATIONS[0], DECLARATIONS[0]];
  assert.throws(() => SharedStats.create(join(folder, 'twice.stats'), '', twice), /names of entries differ/);
  const long = [{ name: 'x'.repeat(240), kind: StatKind.Counter }];
  assert.throws(() => SharedStats.create(join(folder, 'long.stats'), '', long), /expected 1 … 239 bytes, was 240/);
  stats.remove();
});

test('a file that is no statistics is refused with what is wrong, whatever its bytes', () => {
  const good = SharedStats.create(join(folder, 'good.stats'), 'good', DECLARATIONS, false);
  const bytes = readFileSync(good.file.path);
  const path = join(folder, 'bad.stats');
  const refused = (change: (copy: Buffer) => Buffer | void, reason: RegExp): void => {
    const copy = Buffer.from(bytes);
    writeFileSync(path, change(copy) ?? copy);
    assert.throws(() => StatsReader.open(path), (error) => error instanceof StatsFormatError && reason.test(error.message));
  };
  refused((copy) => copy.subarray(0, 100), /at least 256 bytes, was 100/);
  refused((copy) => void copy.writeUInt32LE(0, 0), /one that is complete/);
  refused((copy) => void copy.writeUInt32LE(9, 4), /version 1, was 9/);
  refused((copy) => void copy.writeUInt32LE(4_000, 12), /room for its entries/);
  refused((copy) => void copy.writeUInt32LE(7, 256), /known kind of entry, was 7/);
  refused((copy) => void copy.writeUInt32LE(0xffff_fff8, 260), /inside of the file/);
  refused((copy) => void copy.writeDoubleLE(3, 512 + 8), /a bound of histogram/);
  refused((copy) => copy.subarray(0, copy.length - 1024), /inside of the file/);
  good.remove();
});

test('files of processes that have gone are not listed, and go', () => {
  const ours = SharedStats.create(statsPath('exchange', process.pid, folder), 'exchange', DECLARATIONS);
  const gone = spawnSync(process.execPath, ['-e', '']).pid;
  const left = SharedStats.create(statsPath('trade', gone, folder), 'trade', DECLARATIONS);
  left.file.close();
  const found = runningStats(folder);
  assert.ok(found.includes(ours.file.path));
  assert.ok(!found.includes(left.file.path));
  assert.equal(existsSync(left.file.path), false);
  ours.remove();
});

test('another process reads while this one counts, and never sees half a number or half a text', { skip: process.platform !== 'linux' && 'files are mapped on Linux' }, async () => {
  const stats = SharedStats.create(join(folder, 'shared.stats'), 'writer', [...DECLARATIONS, { name: 'state', kind: StatKind.Text, valueMax: 4_000 }]);
  const texts = ['a'.repeat(4_000), 'b'.repeat(3_000), 'c'.repeat(4_000)];
  stats.setText('state', texts[0]);
  const child = fork(new URL('shared_stats_reader.reference.ts', import.meta.url), [stats.file.path], { execArgv: [] });
  const cell = stats.cell('orders_total');
  const histogram = stats.histogram('stage_ns{stage="matched"}');
  // Every value has the same two halves: a torn one would differ.
  const values = [0, 1, 2, 3].map((n) => n * (2 ** 32 + 1));
  const ended = new Promise<unknown>((resolve) => {
    child.once('message', resolve);
    child.once('exit', (code) => resolve(`ended with ${code}`));
  });
  let done = false;
  const told = ended.then((answer) => {
    done = true;
    return answer;
  });
  let rounds = 0;
  while (!done) {
    for (let i = 0; i < 10_000; i += 1) {
      stats.cells[cell] = values[i & 3];
      histogram.record(i);
      if (i % 100 === 0) stats.setText('state', texts[(i / 100) % 3]);
    }
    rounds += 1;
    await new Promise((resolve) => void setImmediate(resolve));
  }
  assert.deepEqual(await told, { torn: 0, tornTexts: 0, changed: true });
  assert.ok(rounds > 0);
  child.kill();
  stats.remove();
});
