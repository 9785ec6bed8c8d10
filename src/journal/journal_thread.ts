// The journal's own thread: batches, one after the other, until it is asked to stop or the disk
// fails. Started by threaded_journal.ts, which holds the lock.
//
// It may block, and does: in writes, in syncs, and, when nothing is to be written, in a wait that the
// other side ends. How far it is stands in shared memory after every batch, so nobody depends on
// messages; the one that it sends says that it runs.
import { parentPort, workerData } from 'node:worker_threads';
import { MonotonicClock } from '../base/clock.ts';
import { FileStorage } from './file_storage.ts';
import { GroupCommit } from './group_commit.ts';
import { JOURNAL_RING_AT, type JournalMode, SHARED } from './journal_queue.ts';
import type { JournalPosition } from './segment_writer.ts';

/** What the thread is started with. */
export interface JournalThreadData {
  readonly shared: SharedArrayBuffer;
  readonly directory: string;
  readonly mode: JournalMode;
  readonly position: JournalPosition | null;
  readonly segmentBytes: number;
  readonly payloadBytesMax: number;
  readonly clusterId: bigint;
  readonly configurationHash: bigint;
}

/** Looks up by itself this often, though every reason to wake comes with a call. */
const WAIT_MS = 1_000;

function run(data: JournalThreadData): void {
  const clock = new MonotonicClock();
  const words = new Int32Array(data.shared, 0, JOURNAL_RING_AT / 4);
  const commit = new GroupCommit({
    ...data,
    storage: new FileStorage(data.directory),
    nowNs: () => clock.refresh(),
    onSegment: () => {
      Atomics.add(words, SHARED.spareWanted, 1);
      Atomics.notify(words, SHARED.spareWanted);
    },
  });
  parentPort?.postMessage('running');
  for (;;) {
    const stopping = commit.stopRequested; // asked before: what was appended before it is still taken
    if (commit.poll() > 0) continue;
    if (stopping) break;
    commit.wait(WAIT_MS); // an empty poll has synced what there was, in either mode
  }
  commit.stop();
}

// A failure has been told in shared memory; thrown on, it ends the thread, which tells it again.
run(workerData as JournalThreadData);
