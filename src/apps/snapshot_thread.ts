// A thread that makes one snapshot of an exchange's journal and ends (exchange_journal.ts starts it).
import { parentPort, workerData } from 'node:worker_threads';
import type { ExchangeConfig } from '../exchange/config.ts';
import { makeSnapshot, type SnapshotPolicy } from '../exchange/make_snapshot.ts';
import { FileStorage } from '../journal/file_storage.ts';

/** What the thread is started with. */
export interface SnapshotThreadData {
  readonly directory: string;
  readonly config: ExchangeConfig;
  /** Durable. */
  readonly through: number;
  readonly policy: SnapshotPolicy;
}

const { directory, config, through, policy } = workerData as SnapshotThreadData;
parentPort?.postMessage(await makeSnapshot(new FileStorage(directory), config, through, policy));
