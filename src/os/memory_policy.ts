// Where a process's memory comes from, how large its pages are, and that it stays in memory.
//
//   node        set_mempolicy, MPOL_PREFERRED: the calling thread's new pages come from one NUMA node while it has any;
//               threads that it starts inherit that
//   huge pages  madvise, MADV_HUGEPAGE: pages of 2 MiB from the next touch on; what was touched before stays as it is until the
//               kernel's own collector gets to it. Without them a million resting orders touch 16,000 pages of 4 KiB
//   lock        mlock on a segment of our own. Never mlockall(MCL_FUTURE): V8 reserves terabytes of addresses and aborts
//   allocator   the GNU library's keeps what is freed: from some size on it maps a block by itself and gives it back when it is
//               freed, but raises that size, up to 32 MiB, with each such block. Threads that come and go then leave tens of
//               megabytes in its arenas. The size is held where it begins, and what lies free in the arenas is given back
//
// Linux only (LibcUnavailableError elsewhere). What the system refuses is a MemoryPolicyError with its reason.
import { readFileSync } from 'node:fs';
import { errnoName, loadLibc } from './libc.ts';

const SET_MEMPOLICY = { x64: 238, arm64: 237 } as const;
const MPOL_PREFERRED = 1;
const MADV_HUGEPAGE = 14;
const NODE_MAX = 1_023;
const PAGE_BYTES = 4_096n;
const M_MMAP_THRESHOLD = -3;
/** What the GNU library begins with. */
const LARGE_BLOCK_BYTES = 128 * 1024;

export class MemoryPolicyError extends Error {
  override readonly name = 'MemoryPolicyError';
}

/** New pages of the calling thread, and of threads that it starts, come from `node` while it has any. */
export function preferNode(node: number): void {
  if (!Number.isInteger(node) || node < 0 || node > NODE_MAX) {
    throw new MemoryPolicyError(`expected a node 0 … ${NODE_MAX}, was ${node}`);
  }
  const libc = loadLibc();
  const mask = new Uint32Array((NODE_MAX + 1) / 32);
  mask[node >>> 5] = 1 << (node & 31);
  const number = SET_MEMPOLICY[process.arch as keyof typeof SET_MEMPOLICY];
  if (libc.syscall(number, MPOL_PREFERRED, mask, NODE_MAX + 2, 0) < 0) {
    throw new MemoryPolicyError(`the system gives no memory of node ${node} (${errnoName(libc.errno())})`);
  }
}

/** Asks for huge pages under `memory`, the whole pages of it. */
export function adviseHugePages(memory: Uint8Array): void {
  const libc = loadLibc();
  const { start, bytes } = wholePages(memory);
  if (bytes > 0 && libc.madvise(start, bytes, MADV_HUGEPAGE) < 0) {
    throw new MemoryPolicyError(`the system gives no huge pages (madvise: ${errnoName(libc.errno())})`);
  }
}

/** Keeps `memory` out of the swap. */
export function lockMemory(memory: Uint8Array): void {
  const libc = loadLibc();
  const { start, bytes } = wholePages(memory);
  if (bytes > 0 && libc.mlock(start, bytes) < 0) {
    const limit = /Max locked memory +(\S+)/.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1] ?? 'unknown';
    throw new MemoryPolicyError(`the system locks no ${bytes} bytes (mlock: ${errnoName(libc.errno())}, limit ${limit})`);
  }
}

/** From now on a large block goes back to the system when it is freed. Nothing where the C library is not GNU's. */
export function returnLargeBlocks(): void {
  loadLibc().mallopt(M_MMAP_THRESHOLD, LARGE_BLOCK_BYTES);
}

/**
 * Gives back whole pages that lie free in the allocator's arenas, of all threads; milliseconds, during which a thread that
 * allocates may wait. Nothing where the C library is not GNU's.
 */
export function returnFreePages(): void {
  loadLibc().malloc_trim(0);
}

function wholePages(memory: Uint8Array): { start: bigint; bytes: number } {
  const address = loadLibc().addressOf(memory);
  const start = (address + PAGE_BYTES - 1n) & ~(PAGE_BYTES - 1n);
  const end = (address + BigInt(memory.byteLength)) & ~(PAGE_BYTES - 1n);
  return { start, bytes: Math.max(0, Number(end - start)) };
}

/** What the kernel says of the mapping that `memory` lies in. */
export interface MappingState {
  readonly residentBytes: number;
  readonly hugeBytes: number;
  readonly lockedBytes: number;
  /** Huge pages were asked for. */
  readonly advised: boolean;
}

export function mappingOf(memory: Uint8Array): MappingState {
  const address = loadLibc().addressOf(memory);
  for (const block of readFileSync('/proc/self/smaps', 'utf8').split(/^(?=[0-9a-f]+-[0-9a-f]+ )/m)) {
    const range = /^([0-9a-f]+)-([0-9a-f]+) /.exec(block);
    if (range === null || address < BigInt(`0x${range[1]}`) || address >= BigInt(`0x${range[2]}`)) continue;
    const field = (name: string): number => 1_024 * Number(new RegExp(`^${name}: +(\\d+) kB`, 'm').exec(block)?.[1] ?? 0);
    return {
      residentBytes: field('Rss'), hugeBytes: field('AnonHugePages'), lockedBytes: field('Locked'),
      advised: /^VmFlags:.*\bhg\b/m.test(block),
    };
  }
  throw new MemoryPolicyError('the system does not know the mapping of this memory');
}
