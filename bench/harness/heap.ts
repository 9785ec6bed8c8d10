// JavaScript heap allocated by a piece of work, and the collections that happened meanwhile.
//
// The heap's own count of used bytes is exact to the object as long as nothing is collected; what the
// two readings allocate themselves is measured first and taken off.
import { PerformanceObserver, performance, type PerformanceEntry } from 'node:perf_hooks';
import { getHeapStatistics } from 'node:v8';

export interface HeapUse {
  bytes: number;
  collections: number;
}

function readingCost(): number {
  const before = getHeapStatistics().used_heap_size;
  const after = getHeapStatistics().used_heap_size;
  return after - before;
}

export async function heapUseOf(work: () => void): Promise<HeapUse> {
  const collections: PerformanceEntry[] = [];
  const observer = new PerformanceObserver((list) => collections.push(...list.getEntries()));
  observer.observe({ entryTypes: ['gc'] });
  readingCost();
  const cost = readingCost();
  const start = performance.now();
  const before = getHeapStatistics().used_heap_size;
  work();
  const after = getHeapStatistics().used_heap_size;
  const end = performance.now();
  // Entries are handed over by the event loop, some turns later.
  await new Promise((resolve) => setTimeout(resolve, 10));
  observer.disconnect();
  const during = collections.filter((entry) => entry.startTime + entry.duration >= start && entry.startTime <= end);
  // A heap that got smaller was collected, whether the word of it has come or not.
  return { bytes: Math.max(0, after - before - cost), collections: Math.max(during.length, after < before ? 1 : 0) };
}

/** Rounds that `leastHeapPerOperation` runs at most: on a busy machine compiled code comes late. */
const ROUNDS_MAX = 100;
const ROUNDS_WARM = 10;

/**
 * Bytes of heap an operation of `round`, which runs `operations` of them: the least of many rounds without a
 * collection, and no more of them once it is at most `enough`.
 */
export async function leastHeapPerOperation(
  round: () => void, operations: number, enough: number,
): Promise<number> {
  for (let i = 0; i < ROUNDS_WARM; i++) round();
  let least = Infinity;
  for (let i = 0; i < ROUNDS_MAX && least > enough; i++) {
    const { bytes, collections } = await heapUseOf(round);
    if (collections === 0) least = Math.min(least, bytes / operations);
  }
  return least;
}
