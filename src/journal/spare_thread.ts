// Writes the zeros of the next segment while the journal's thread fills this one, so that a rotation
// need not wait for them. Started by threaded_journal.ts, ended by it.
//
// It fails in silence, but for a word in shared memory: when a rotation finds no spare, the
// journal's thread writes the zeros itself, and what fails there counts.
import { workerData } from 'node:worker_threads';
import { FileStorage } from './file_storage.ts';
import { JOURNAL_RING_AT, SHARED } from './journal_queue.ts';
import { prepareSpare } from './segment_writer.ts';
import { StorageError } from './storage.ts';

/** What the thread is started with. */
export interface SpareThreadData {
  readonly shared: SharedArrayBuffer;
  readonly directory: string;
  readonly segmentBytes: number;
}

function run({ shared, directory, segmentBytes }: SpareThreadData): void {
  const words = new Int32Array(shared, 0, JOURNAL_RING_AT / 4);
  const storage = new FileStorage(directory);
  let served = 0;
  for (;;) {
    Atomics.wait(words, SHARED.spareWanted, served);
    served = Atomics.load(words, SHARED.spareWanted);
    try {
      prepareSpare(storage, segmentBytes);
      Atomics.store(words, SHARED.spareFailed, 0);
    } catch (error) {
      if (!(error instanceof StorageError)) throw error;
      Atomics.store(words, SHARED.spareFailed, 1);
    }
  }
}

run(workerData as SpareThreadData);
