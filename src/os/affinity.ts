// Which cores a thread may run on.
//
// The mask is a bit a core, 64 cores a word, as the kernel's cpu_set_t. Affinity belongs to the thread that calls, and threads
// and processes that it starts afterwards inherit it.
import { loadLibc } from './libc.ts';

/** cpu_set_t: 1,024 cores. */
const MASK_BYTES = 128;
const CALLING_THREAD = 0;

export class AffinityError extends Error {
  override readonly name = 'AffinityError';
}

/** Cores that the calling thread may run on, ascending. Linux only (LibcUnavailableError elsewhere). */
export function threadCores(): number[] {
  const libc = loadLibc();
  const mask = new Uint8Array(MASK_BYTES);
  if (libc.sched_getaffinity(CALLING_THREAD, MASK_BYTES, mask) < 0) {
    throw new AffinityError(`the system does not say which cores the thread may use (errno ${libc.errno()})`);
  }
  const cores: number[] = [];
  for (let core = 0; core < MASK_BYTES * 8; core++) {
    if (mask[core >> 3] & (1 << (core & 7))) cores.push(core);
  }
  return cores;
}

/** Keeps the calling thread on `cores`. An AffinityError names those that the machine does not have or does not give. */
export function setThreadCores(cores: readonly number[]): void {
  const mask = new Uint8Array(MASK_BYTES);
  for (const core of cores) {
    if (!Number.isInteger(core) || core < 0 || core >= MASK_BYTES * 8) {
      throw new AffinityError(`a core must be a whole number 0 … ${MASK_BYTES * 8 - 1}, was ${core}`);
    }
    mask[core >> 3] |= 1 << (core & 7);
  }
  const libc = loadLibc();
  if (libc.sched_setaffinity(CALLING_THREAD, MASK_BYTES, mask) < 0) {
    throw new AffinityError(`the machine does not give cores ${cores.join(', ')} (errno ${libc.errno()})`);
  }
}
