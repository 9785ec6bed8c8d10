import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { Worker } from 'node:worker_threads';
import { adviseHugePages, lockMemory, mappingOf, MemoryPolicyError, preferNode } from './memory_policy.ts';

const linux = process.platform === 'linux';
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
