// Every benchmark, with next to no work: they must run, and check what they compute. Nothing is asserted
// on time.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { requireThat } from '../test/requirements.ts';
import { COMMAND, EVENT, Ev } from '../src/book/types.ts';
import { CoreBook } from './core_book.ts';
import type { BenchContext } from './context.ts';
import { EventChecksum } from './event_checksum.ts';
import { equityFlow, mixedFlow, randomIdFlow } from './flows.ts';
import { HandOver } from './hand_over.ts';
import { judge } from './harness/row.ts';
import { CBook, compilerVersion } from './reference/c_book.ts';
import { BENCHMARKS, runSuite } from './suite.ts';

const SMALL: BenchContext = { small: true, pairs: 2, orders: undefined, progress: () => {} };

/** Ten times what the slowest takes on a busy machine, compiling the core and its loops included. */
const TIMEOUT_MS = 120_000;

// A peer's file that was imported for its constants pinned every benchmark, and the processes that it started, to one core.
test('loading the suite leaves the thread on all its cores', () => {
  const suite = new URL('suite.ts', import.meta.url).href;
  const affinity = new URL('../src/os/affinity.ts', import.meta.url).href;
  const script = `const { threadCores } = await import('${affinity}'); const before = threadCores();
    await import('${suite}'); console.log(JSON.stringify([before, threadCores()]));`;
  if (process.platform !== 'linux') return;
  const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '--eval', script], { encoding: 'utf8' });
  assert.equal(stderr, '');
  const [before, now] = JSON.parse(stdout) as [number[], number[]];
  assert.deepEqual(now, before);
});

for (const benchmark of BENCHMARKS) {
  test(`benchmark ${benchmark.name} runs and its rows are whole`, { timeout: TIMEOUT_MS }, async () => {
    const rows = await benchmark.run(SMALL);
    assert.ok(rows.length > 0);
    for (const row of rows) {
      assert.ok(Number.isFinite(row.figure) && row.figure >= 0, `${row.name}: ${row.figure}`);
      assert.ok(row.checks.length > 0, `${row.name} says what was checked`);
      for (const column of [row.boundary, row.statistic, row.threads, row.durability]) assert.notEqual(column, '');
      // A small run must never pass for a result.
      assert.ok(['no goal', 'too small to count'].includes(judge(row)), row.name);
    }
  });
}

test('the names that users of other systems know', () => {
  const known = BENCHMARKS.flatMap(({ name, alias }) => (alias === undefined ? [name] : [name, alias]));
  for (const name of ['queue', 'order-book', 'e2e-latency']) assert.ok(known.includes(name), name);
  assert.equal(new Set(known).size, known.length, 'each once');
});

test('the suite takes names, refuses unknown ones and keeps its results', async () => {
  const result = await runSuite({ ...SMALL, names: ['order-book'], comprehensive: false });
  assert.ok(result.text.includes('book top 10'));
  assert.ok(existsSync(result.file));
  assert.equal(JSON.parse(readFileSync(result.file, 'utf8')).rows.length, 9);
  await assert.rejects(
    runSuite({ ...SMALL, names: ['order-bok'], comprehensive: false }),
    /benchmark: expected one of .*order-book.*, was "order-bok"/,
  );
});

test('core and C write the same events on every flow, byte for byte', async (t) => {
  if (requireThat(t, compilerVersion(), 'no C compiler on this machine') === null) return;
  for (const flow of [mixedFlow('small', 20_000), randomIdFlow(5_000), equityFlow('flash-crash', 5_000)]) {
    const c = CBook.start(flow)!;
    try {
      assert.deepEqual(await c.verify(), new CoreBook(flow).verify(), flow.name);
    } finally {
      await c.close();
    }
  }
});

test('a planted difference of one unit in one command is found', () => {
  const flow = equityFlow('normal', 2_000);
  const before = new CoreBook(flow).verify();
  const view = new DataView(flow.slots.buffer, flow.slots.byteOffset);
  const at = 1_000 * COMMAND.size + COMMAND.price;
  view.setInt32(at, view.getInt32(at, true) + 1, true);
  assert.notEqual(new CoreBook(flow).verify().checksum, before.checksum);
});

test('the checksum knows a changed, a swapped and a missing event', () => {
  const slots = 8;
  const words = new Int32Array((slots * EVENT.size) / 4);
  for (let i = 0; i < words.length; i++) words[i] = Math.imul(i + 1, 0x9e3779b1);
  for (let slot = 0; slot < slots; slot++) words[(slot * EVENT.size) / 4] = 1 + (slot % Ev.State);
  const sumOf = (count: number) => {
    const checksum = new EventChecksum(words, 0, slots);
    checksum.read(0, count);
    return checksum.value();
  };
  const whole = sumOf(slots);
  assert.notEqual(sumOf(slots - 1), whole);
  for (const word of [3, 40, 100]) {
    words[word] ^= 1 << 20;
    assert.notEqual(sumOf(slots), whole, `word ${word}`);
    words[word] ^= 1 << 20;
  }
  const first = words.slice(0, 16);
  words.copyWithin(0, 16, 32);
  words.set(first, 16);
  assert.notEqual(sumOf(slots), whole, 'swapped');
});

test('reports reach the other thread whole when the ring is far smaller than the flow', async () => {
  const flow = equityFlow('swing-40', 20_000);
  const expected = new CoreBook(flow).verify();
  const handOver = new HandOver(flow);
  try {
    // Twice: the second repetition starts from a ring whose cursors have been set back.
    for (let i = 0; i < 2; i++) {
      const { events, checksum, types, hash } = await handOver.run();
      assert.deepEqual({ events, checksum, types, hash }, expected);
    }
  } finally {
    await handOver.close();
  }
});
