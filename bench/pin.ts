// Keeps a thread on one core while it is measured, where the machine has it and the system allows it.
import { cpus } from 'node:os';
import { AffinityError, setThreadCores, threadCores } from '../src/os/affinity.ts';
import { LibcUnavailableError } from '../src/os/libc.ts';

/** Moves the calling thread to `core`; returns what lets it go again. Does nothing where that cannot be done. */
export function pinTo(core: number): () => void {
  if (cpus().length < 2) return () => {}; // all there are: a thread that is pinned already may have one
  try {
    const before = threadCores();
    setThreadCores([core]);
    return () => setThreadCores(before);
  } catch (error) {
    if (error instanceof AffinityError || error instanceof LibcUnavailableError) return () => {};
    throw error;
  }
}
