// The loops of queue.c over the memory of our queues; see there.
import type { Sides } from '../queue_loops.ts';
import { loadCLibrary } from './c_library.ts';

export type CKind = 'spsc' | 'mpmc';

/** Null where no compiler is. */
export function cSidesOf(kind: CKind, buffer: SharedArrayBuffer): Sides | null {
  const library = loadCLibrary('queue');
  if (library === null) return null;
  const words = new Int32Array(buffer);
  const loop = (name: string): ((records: number) => number) => {
    const run = library.func(`uint32_t ${kind}_${name}(int32_t *base, uint32_t records)`);
    return (records) => run(words, records) | 0;
  };
  return { pass: loop('pass'), produce: loop('produce'), consume: loop('consume') };
}
