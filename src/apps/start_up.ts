// The end of a process's start: what was needed only to get there is given back before the first message, and the heap
// stays as it is from then on.
import { LibcUnavailableError } from '../os/libc.ts';
import { returnFreePages, returnLargeBlocks } from '../os/memory_policy.ts';
import { releaseProgramPages } from '../os/program_pages.ts';
import { settleHeap } from '../os/settled_heap.ts';

/** Once, when everything is made that stays. */
export function endStartUp(): void {
  settleHeap();
  try {
    returnLargeBlocks();
    returnFreePages();
    releaseProgramPages();
  } catch (error) {
    // Where the system does not offer it, some 20 MB stay resident and nothing else is lost.
    if (!(error instanceof LibcUnavailableError)) throw error;
  }
}
