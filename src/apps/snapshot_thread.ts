// A thread that makes one snapshot of an exchange's journal and ends (exchange_journal.ts starts it).
//
// It has the state a second time, and what it frees when it ends would stay in the allocator's arenas: so each begins by giving back
// what the one before has left, here and not in the exchange's own loop, which would stand still for it.
import { parentPort, workerData } from 'node:worker_threads';
import type { ExchangeConfig } from '../exchange/config.ts';
import { makeSnapshot, type SnapshotPolicy } from '../exchange/make_snapshot.ts';
import { FileStorage } from '../journal/file_storage.ts';
import { LibcUnavailableError } from '../os/libc.ts';
import { returnFreePages } from '../os/memory_policy.ts';

/** What the thread is started with. */
export interface SnapshotThreadData {
  readonly directory: string;
  readonly config: ExchangeConfig;
  /** Durable. */
  readonly through: number;
  readonly policy: SnapshotPolicy;
}

try {
  returnFreePages();
} catch (error) {
  if (!(error instanceof LibcUnavailableError)) throw error;
}
const { directory, config, through, policy } = workerData as SnapshotThreadData;
parentPort?.postMessage(await makeSnapshot(new FileStorage(directory), config, through, policy));
