import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { Worker } from 'node:worker_threads';
import { adviseHugePages, lockMemory, mappingOf, MemoryPolicyError, preferNode } from './memory_policy.ts';

const linux = process.platform === 'linux';
/** Other C libraries have no such habit. */
const isGnu = (process.report.getReport() as { header: { glibcVersionRuntime?: string } }).header.glibcVersionRuntime !== undefined;
const THP = '/sys/kernel/mm/transparent_hugepage/enabled';
const huge = linux && existsSync(THP) && !readFileSync(THP, 'utf8').includes('[never]');
/** 16 MiB, as the core's memory is made. */
const coreMemory = (): Uint8Array => new Uint8Array(new WebAssembly.Memory({ initial: 256, maximum: 256, shared: true }).buffer);

test('huge pages are asked for under WebAssembly memory, which stays what it was', { skip: !huge && 'needs transparent huge pages' }, () => {
  const memory = coreMemory();
  memory[5] = 7;
  assert.equal(mappingOf(memory).advised, false);
  adviseHugePages(memory);
  assert.equal(mappingOf(memory).advised, true);
  memory.fill(1, 4_096);
  assert.equal(memory[5], 7);
  // Whether the kernel finds 2 MiB in one piece is its own affair.
  assert.ok(mappingOf(memory).residentBytes >= memory.length - 4_096);
});

test('a segment is locked; one beyond the limit is refused with the limit', { skip: !linux && 'Linux only' }, () => {
  const memory = coreMemory().subarray(0, 64 * 1_024);
  try {
    lockMemory(memory);
    assert.ok(mappingOf(memory).lockedBytes >= 64 * 1_024 - 8_192);
  } catch (error) {
    // A container may allow none at all: then it must say so.
    assert.ok(error instanceof MemoryPolicyError && /locks no \d+ bytes \(mlock: (ENOMEM|EPERM|EAGAIN), limit /.test(error.message));
  }
  // One byte has no whole page, and locking nothing is no error.
  lockMemory(memory.subarray(1, 2));
});

test('a node that the machine lacks is refused, node 0 is everywhere', { skip: !linux && 'Linux only' }, async () => {
  assert.throws(() => preferNode(-1), /expected a node 0 … 1023, was -1/);
  assert.throws(() => preferNode(1_000), (error) => error instanceof MemoryPolicyError && /no memory of node 1000 \(E/.test(error.message));
  // On a thread of its own: the policy stays with whoever sets it.
  const url = new URL('memory_policy.ts', import.meta.url).href;
  const worker = new Worker(`import(${JSON.stringify(url)}).then(({ preferNode }) => {
    try { preferNode(0); require('node:worker_threads').parentPort.postMessage('preferred'); }
    catch (error) { require('node:worker_threads').parentPort.postMessage(error.message); }
  })`, { eval: true });
  const answer = await new Promise<string>((resolve, reject) => void worker.once('message', resolve).once('error', reject));
  await worker.terminate();
  // A sandbox may forbid the call; a kernel without NUMA has none.
  assert.match(answer, /^preferred$|no memory of node 0 \((EPERM|ENOSYS)\)/);
});

// An exchange with a journal kept 45 MB of what its snapshot threads had freed.
test('large blocks go back when they are freed, also after larger ones; free pages go back when asked', { skip: !linux && 'Linux only' }, () => {
  const url = new URL('memory_policy.ts', import.meta.url).href;
  const program = `
    import { createRequire } from 'node:module';
    import { readFileSync } from 'node:fs';
    import { returnFreePages, returnLargeBlocks } from ${JSON.stringify(url)};
    const koffi = createRequire(${JSON.stringify(url)})('koffi');
    const library = koffi.load(null);
    const calloc = library.func('void *calloc(size_t, size_t)');
    const memset = library.func('void *memset(void *, int, size_t)');
    const free = library.func('void free(void *)');
    const take = (bytes) => { const at = calloc(1, bytes); memset(at, 1, bytes); return at; };
    const residentKb = () => Number(/VmRSS:\\s+(\\d+)/.exec(readFileSync('/proc/self/status', 'utf8'))[1]);
    if (process.argv[1] === 'returned') returnLargeBlocks();
    free(take(30 * 2 ** 20)); // the allocator learns from it
    const before = residentKb();
    const blocks = Array.from({ length: 40 }, () => take(2 ** 20));
    const last = take(100_000); // behind them, so that they do not end with the heap
    blocks.forEach(free);
    const kept = residentKb() - before;
    returnFreePages();
    console.log(JSON.stringify({ kept, trimmed: residentKb() - before }));
    free(last);`;
  const run = (argument: string): { kept: number; trimmed: number } => {
    const child = spawnSync(process.execPath, ['--disable-warning=ExperimentalWarning', '--input-type=module', '--eval', program, argument], { encoding: 'utf8' });
    assert.equal(child.status, 0, child.stderr);
    return JSON.parse(child.stdout) as { kept: number; trimmed: number };
  };
  const plain = run('as it is');
  const returned = run('returned');
  if (isGnu) assert.ok(plain.kept > 32_768, `40 MiB freed and kept, or this test shows nothing: ${plain.kept} kB`);
  assert.ok(returned.kept < 16_384, `40 MiB freed, ${returned.kept} kB of them kept`);
  assert.ok(plain.trimmed < 16_384, `after giving back ${plain.trimmed} kB`);
});
